#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The lint is itself tested: each rule gets a violation planted in a copy of the tree and must name it; what only looks
# like one must pass; and the tree as it is has none.
set -u
cd "$(dirname "$0")/../.." || exit 1
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
number=0 failed=0
result() { # STATUS NAME [LOG]
  number=$((number + 1))
  if [ "$1" -eq 0 ]; then
    echo "ok $number - $2"
  else
    echo "not ok $number - $2"
    [ -n "${3:-}" ] && sed 's/^/#   /' "$3"
    failed=1
  fi
}
fresh() {
  rm -rf "${copy:?}/tree" && mkdir "$copy/tree" && cp -r Makefile src include tests configs themes "$copy/tree"
}
expected=()
plant() { # RULE FILE < content: afterwards RULE (a part of its name) must name FILE
  expected+=("$1|$2")
  mkdir -p "$(dirname "$copy/tree/$2")"
  cat >"$copy/tree/$2"
}
# The places that a run named under a rule.
named() { awk -v rule="$1" '/^(not )?ok / { on = index($0, rule) > 0 && /^not/ } on && /^# / { print substr($0, 3) }' "$2"; }
licence='/* SPDX-License-Identifier: GPL-3.0-or-later */'

fresh
(cd "$copy/tree" && LINT_COMPILE=0 tests/lint) >"$copy/clean.log" 2>&1
result $? "the tree breaks no rule" "$copy/clean.log"

plant "floors below" src/base/planted_up.c <<<"$licence
#include <tapedeck/lake.h>"
plant "floors below" src/market/planted_feed.c <<<"$licence
#  include <tapedeck/feed.h> /* with a comment */"
plant "floors below" src/command/planted_ui.c <<<"$licence
#include <tapedeck/base.h>
#include <tapedeck/parquet.h>"
plant "floors below" src/feed/planted_sideways.c <<<"$licence
#include <tapedeck/parquet.h>"
plant "floors below" include/tapedeck/chart.h <<<"$licence
#include <tapedeck/view.h>"
plant "room of the floor table" src/cellar/planted_cellar.c <<<"$licence"
expected[-1]="room of the floor table|src/cellar" # the folder is named, not its files
plant "every door belongs" include/tapedeck/cellar.h <<<"$licence"
plant "every door belongs" include/tapedeck/inner/base.h <<<"$licence"
plant "hold sources only" src/base/planted.txt <<<"$licence"
plant "private headers" src/view/planted_private.c <<<"$licence
#include \"pq_thrift.h\""
plant "private headers" src/view/planted_path.c <<<"$licence
#include \"../lake/lake_internal.h\""
plant "private headers" include/tapedeck/view.h <<<"$licence
#include \"view_internal.h\""
for header in curses.h ncurses.h ncursesw/curses.h term.h readline/readline.h; do
  plant "curses and readline" "src/cli/planted_$(tr -d './' <<<"$header").c" <<<"$licence
#include <$header>"
done
for header in curl/curl.h jansson.h microhttpd.h; do
  plant "curses and readline" "src/job/planted_$(tr -d './' <<<"$header").c" <<<"$licence
#include <$header>"
done
plant "curses and readline" src/command/planted_yaml.c <<<"$licence
#include <yaml.h>"
for header in zstd.h snappy-c.h lz4frame.h zlib.h; do
  plant "curses and readline" "src/lake/planted_$(tr -d './-' <<<"$header").c" <<<"$licence
#include <$header>"
done
plant "curses and readline" src/lake/planted_unknown.c <<<"$licence
#include <sqlite3.h>"
plant "pure" src/chart/planted_files.c <<<"$licence
#include <unistd.h>"
plant "pure" src/market/planted_clock.c <<<"$licence
long now(void) { return td_now_ms(); }"
plant "unique" src/chart/number.c <<<"$licence"
for call in 'strcpy(a, b)' 'sprintf (a, b)' 'x = atoi(a)' 'strtok(a, b)' 'strtod(a, 0)' 'system("rm")' 'alloca(9)'; do
  plant "no banned function" "src/lake/planted_${call//[^a-z]/}.c" <<<"$licence
void f(char *a) {
    $call;
}"
done
plant "no banned function" tests/unit/base/planted_test.c <<<"$licence
void f(char *a) { strcat(a, a); }"
plant "one clock" src/job/planted_localtime.c <<<"$licence
void f(void) { localtime_r(0, 0); }"
plant "one clock" src/job/planted_time.c <<<"$licence
long f(void) { return time(0); }"
plant "one clock" src/job/planted_realtime.c <<<"$licence
void f(void) { clock_gettime(CLOCK_REALTIME, 0); }"
plant "sleeps" src/job/planted_sleep.c <<<"$licence
void f(void) { usleep(1); }"
plant "sleeps" tests/unit/base/planted_nap.c <<<"$licence
void f(void) { sleep(1); }"
plant "exits, aborts or prints" src/lake/planted_exit.c <<<"$licence
void f(void) { exit(1); }"
plant "exits, aborts or prints" src/lake/planted_print.c <<<"$licence
void f(void) { printf(\"x\"); }"
plant "exits, aborts or prints" src/ui/planted_stderr.c <<<"$licence
void f(void) { fputs(\"x\", stderr); }"
plant "td_malloc family" src/lake/planted_malloc.c <<<"$licence
void *f(void) { return malloc(1); }"
plant "td_malloc family" src/lake/planted_strdup.c <<<"$licence
char *f(void) { return strdup(\"x\"); }"
plant "struct typedefs" src/lake/planted_typedef.c <<<"$licence
typedef struct planted {
    int x;
} planted;"
plant "struct typedefs" src/lake/planted_typedef_late.c <<<"$licence
typedef struct planted *planted_ptr;"
plant "licence" src/lake/planted_licence.c <<<"/* nobody's */"
plant "800 lines" src/lake/planted_long.c < <(echo "$licence"; yes '/* . */' | head -n 800)
plant "no tabs" src/lake/planted_tab.c < <(printf '%s\n\tint x;\n' "$licence")
plant "no tabs" src/lake/planted_blank.c < <(printf '%s\nint x; \n' "$licence")
plant "left for later" src/lake/planted_later.c <<<"$licence
/* $(printf TO)DO: later */"
plant "scripts parse" tests/acceptance/planted_script.sh <<<"# SPDX-License-Identifier: GPL-3.0-or-later
if then"
# What only looks like a violation.
cat >"$copy/tree/src/lake/planted_innocent.c" <<<"$licence
/* strcpy(a, b) and
 * #include <curses.h> and system(\"x\") in a comment */
#include <tapedeck/base.h> // <tapedeck/ui.h>
static const char *text = \"strcpy(a, b); exit(1) \\\" printf(x) // not a comment\"; /* malloc(3) */
static char quote = '\"'; static int x = sizeof \"stderr\";
typedef enum td_code walk(void *ctx, struct td_err *err);
typedef void (*hook)(struct td_err *err);
void f(struct clock *c) { c->time(1); c.exit(2); my_malloc(3); td_strdup(\"x\"); snprintf(0, 0, \"x\"); }"

(cd "$copy/tree" && LINT_COMPILE=0 tests/lint) >"$copy/planted.log" 2>&1
status=$?
[ "$status" -eq 1 ]
result $? "a tree with violations fails (exit $status)"
for pair in "${expected[@]}"; do
  rule=${pair%%|*} file=${pair#*|}
  named "$rule" "$copy/planted.log" | grep -qE "(^|[ ])${file//./\\.}($|[: ])"
  result $? "'$rule' names $file"
done
! grep -q planted_innocent "$copy/planted.log"
result $? "comments, texts, members and functions of similar names are left alone"

if command -v clang >/dev/null; then
  fresh
  (cd "$copy/tree" && find src tests/unit -mindepth 1 -maxdepth 1 ! -name base ! -name check.h -exec rm -rf {} +)
  cat >"$copy/tree/src/base/planted_float.c" <<<"$licence
double planted(float x);
double planted(float x)
{
    return x * 2.0;
}"
  cat >"$copy/tree/src/base/planted_needy.h" <<<"$licence
struct planted_needy {
    size_t lacks_its_include;
};"
  (cd "$copy/tree" && tests/lint) >"$copy/compiled.log" 2>&1
  for file in planted_float.c planted_needy.h; do
    named "clang accepts" "$copy/compiled.log" | grep -q "^src/base/$file:"
    result $? "clang's wall names $file"
  done
else
  number=$((number + 1))
  echo "ok $number - clang's wall # SKIP clang is not installed"
fi
echo "1..$number"
exit "$failed"
