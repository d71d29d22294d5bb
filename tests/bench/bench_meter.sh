# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Measuring and arithmetic of the bench: whole processes in turn, medians of paired ratios, cells of the table. stage_lib.sh sources it.

# ---- runs ----

# A contestant WHO is an array run_WHO, the command, and a function ready_WHO that makes its place ready, outside the clock.
# one REPORT READY COMMAND...: make ready, settle the disk, measure. The exit status is the command's.
one() {
  local report=$1 ready=$2
  shift 2
  "$ready" || return 1
  sync
  "$tools/measure" "$report" "$@" >>"$log" 2>&1 </dev/null
}
nothing() { :; }

# contest NAME ROUNDS UNTIL WHO...: each of them in turn, again and again, after one round that does not count; stops early
# when SECONDS reaches UNTIL. A line a round in the report STAGE-NAME.WHO.
contest() {
  local name=$stage-$1 rounds=$2 until=$3 round who
  shift 3
  rm -f "$results/$name".*
  for ((round = -1; round < rounds; round++)); do
    for who; do
      local -n command=run_$who
      one "$results/$name.$([ "$round" -lt 0 ] && echo warm || echo "$who")" "ready_$who" "${command[@]}" || {
        say "$name: a run of $who failed: see $log"
        tail -n 5 "$log" >&2
        return 1
      }
    done
    [ "$round" -lt 0 ] || [ "$SECONDS" -lt "$until" ] || break
  done
}
# inside NAME.WHO ROUNDS COMMAND...: report lines are what the command itself prints, whose first field is its seconds.
inside() {
  local name=$stage-$1 n=$2
  shift 2
  "$@" >/dev/null 2>>"$log" || return 1
  for ((; n > 0; n--)); do
    sync
    timeout 120 "$@" >>"$results/$name" 2>>"$log" || return 1
  done
}

# ---- numbers: a column of a report, one number a line, in; one text out. A report is named NAME.WHO, without the stage ----

column() { awk -v c="$2" '{ print $c }' "$results/$stage-$1" 2>/dev/null; } # REPORT COLUMN
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.9g\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
spread() { sort -g | awk -v f="$1" '{ v[NR] = $1 } END { if (NR) printf f "-" f, v[1], v[NR] }'; } # FORMAT
seconds() { # REPORT [COLUMN]: "0.312 s (0.301-0.330)"
  local m
  m=$(column "$1" "${2:-1}" | median)
  [ -z "$m" ] || printf '%.3f s (%s)' "$m" "$(column "$1" "${2:-1}" | spread %.3f)"
}
# ratios A B [LESS]: paired, A / B, a line each, with LESS seconds taken off A first.
ratios() {
  paste -d' ' <(column "$1" 1) <(column "$2" 1) | awk -v less="${3:-0}" 'NF == 2 && $2 > 0 { print ($1 - less) / $2 }'
}
ratio() { # A B [LESS]: "3.64 (2.8-4.2)"
  local all
  all=$(ratios "$@")
  [ -z "$all" ] || printf '%.2f (%s)' "$(median <<<"$all")" "$(spread %.1f <<<"$all")"
}
memory() { # REPORT: peak of the worst run
  column "$1" 4 | sort -g | tail -n 1 | awk '{ printf "%.0f MiB", $1 / 1024 }'
}
cpu() { paste <(column "$1" 2) <(column "$1" 3) | awk '{ print $1 + $2 }' | median | awk '{ printf "%.2f", $1 }'; } # REPORT
# per_second AMOUNT REPORT [COLUMN]: "41.2 M rows/s"
per_second() {
  local m
  m=$(column "$2" "${3:-1}" | median)
  awk -v n="$1" -v s="${m:-0}" 'BEGIN { if (s > 0) { r = n / s; if (r >= 1e6) printf "%.1f M rows/s", r / 1e6; else printf "%.0f k rows/s", r / 1e3 } }'
}
million() { awk -v n="$1" 'BEGIN { printf "%.2f M", n / 1e6 }'; } # ROWS
# field NAME: a whole number out of a JSON line on standard input.
field() { sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p' | tail -n 1; }

# ---- peers: proof before time ----

# use_peers WHO SCRIPT...: what each of them and what we need to start, in $start_WHO; $own_start for the program itself.
contestants=() proven=() unproven=() own_start=0
declare -A start_of=()
use_peers() {
  local who
  run_start=("$td" --version)
  contest start 3 20 start && own_start=$(column start.start 1 | median)
  while [ "$peer" ] && [ "$#" -gt 1 ]; do
    who=$1
    run_start=(node "tests/bench/$2" null)
    contest "start-$who" 3 20 start && start_of[$who]=$(column "start-$who.start" 1 | median) && contestants+=("$who")
    shift 2
  done
}
ready_start() { :; }
use_floor() { compile floor build/release/libtd_parquet.a build/release/libtd_base.a >>"$log" 2>&1 || say "the floor did not build"; }

# prove NAME TITLE AGREES: every peer runs once and AGREES WHO compares its answer with ours. Who agrees is in $proven; a ratio
# against the others is void.
prove() {
  local name=$1 title=$2 agrees=$3 who said
  proven=() unproven=()
  for who in "${contestants[@]}"; do
    local -n command=run_$who
    "ready_$who"
    if "${command[@]}" >>"$log" 2>&1 && said=$("$agrees" "$who" 2>"$results/$stage-$name.differences"); then
      say "$name: $who gives equal answers, $said"
      proven+=("$who")
    else
      note "**$title: the answers of $who differ, its ratio is void:** $(head -n 3 "$results/$stage-$name.differences" | tr '\n' ' ')"
      unproven+=("$who")
    fi
  done
  equal_on=${said:-}
}
# best_of NAME: the smallest median among the proven peers, bold.
best_of() {
  local who all=""
  for who in "${proven[@]}"; do all+="$(ratios "$1.$who" "$1.ours" | median) $(ratio "$1.$who" "$1.ours")"$'\n'; done
  [ -z "$all" ] || printf '**%s**' "$(sort -g <<<"$all" | grep . | head -n 1 | cut -d' ' -f2-)"
}
memories() { # NAME: ours / theirs ...
  local who
  memory "$1.ours"
  for who in "${contestants[@]}"; do printf ' / %s' "$(memory "$1.$who")"; done
}
note_peers() { # NAME TITLE
  local who text=""
  [ "${#proven[@]}" -gt 0 ] || return
  for who in "${proven[@]}"; do
    text+="; $who $(ratio "$1.$who" "$1.ours"), without the $(printf %.2f "${start_of[$who]}") s of its start $(ratio "$1.$who" "$1.ours" "${start_of[$who]}"), $(cpu "$1.$who") processor seconds"
  done
  note "$2: equal answers before timing ($equal_on). tapedeck $(cpu "$1.ours") processor seconds$text."
}

# ---- a section of the report ----

section() { # TITLE COLUMN...
  printf '### %s\n\n' "$1" >"$results/$stage.head"
  shift
  { printf '|' && printf ' %s |' "$@" && echo && printf '|%.0s---' "$@" && echo '|'; } >>"$results/$stage.head"
  rm -f "$results/$stage".{table,notes}
}
row() { # CELL...
  { printf '|' && printf ' %s |' "$@" && echo; } | tee -a "$results/$stage.table" >&2
}
note() { printf -- '- %s\n' "$*" | tee -a "$results/$stage.notes" >&2; }
finish() {
  {
    cat "$results/$stage".{head,table}
    [ -e "$results/$stage.notes" ] && { echo; cat "$results/$stage.notes"; }
    [ -s "$results/$stage.profile" ] && { echo; cat "$results/$stage.profile"; }
  } >"$results/$stage.md" 2>/dev/null
  [ "$BENCH_RUN" ] || cat "$results/$stage.md"
  say "$stage: $SECONDS s"
  exit 0
}

# profile_of COMMAND...: processor time by library, then by function of our own (perf), into the section.
profile_of() {
  local data=$results/$stage.perf report=(perf report -i "$results/$stage.perf" --stdio --no-children)
  if ! { command -v perf && perf record -q -F 2999 -o "$data" -- true; } >>"$log" 2>&1; then
    note "Profile: perf cannot record here."
    return
  fi
  perf record -q -F 4999 -o "$data" -- "$@" >>"$log" 2>&1 || return
  {
    printf 'Processor time of "%s", by library and by function (perf, 1 %% and more):\n\n~~~\n' "${*##*/}"
    "${report[@]}" -s dso --percent-limit 1 2>/dev/null | grep '[0-9]%'
    echo
    "${report[@]}" -s symbol --dsos tapedeck --percent-limit 1 2>/dev/null | grep '[0-9]%' | sed 's/ *-  *-  *$//' | head -n 14
    echo '~~~'
  } >>"$results/$stage.profile"
  rm -f "$data"
}
