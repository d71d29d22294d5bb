# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Measuring and arithmetic of tests/bench/run: whole processes in pairs, medians, cells of the table. Source it.

# ---- runs ----

# A run is an array `ours` or `theirs` and a function that makes its place ready, which costs no time of the run.
# one REPORT READY COMMAND...: make ready, settle the disk, measure. The exit status is the command's.
one() {
  local report=$1 ready=$2
  shift 2
  "$ready" || return 1
  sync
  "$tools/measure" "$report" "$@" >>"$results/log" 2>&1 </dev/null
}
nothing() { :; }

# pair NAME ROUNDS UNTIL: ours, theirs, ours, theirs, ... after one unmeasured pair; stops early when SECONDS reaches UNTIL.
# Uses ready_ours, ours, ready_theirs, theirs. Reports are NAME.ours and NAME.theirs, a line a round.
pair() {
  local name=$1 rounds=$2 until=$3 round
  rm -f "$results/$name".*
  one "$results/$name.warm" "$ready_ours" "${ours[@]}" || return 1
  if [ "$peer" ]; then one "$results/$name.warm" "$ready_theirs" "${theirs[@]}" || return 1; fi
  for ((round = 0; round < rounds; round++)); do
    one "$results/$name.ours" "$ready_ours" "${ours[@]}" || return 1
    if [ "$peer" ]; then one "$results/$name.theirs" "$ready_theirs" "${theirs[@]}" || return 1; fi
    [ "$SECONDS" -lt "$until" ] || break
  done
}
# alone NAME ROUNDS UNTIL: the same without a peer.
alone() {
  local peer=""
  pair "$@"
}

# ---- numbers: a column of a report, one number a line, in; one text out ----

column() { awk -v c="$2" '{ print $c }' "$results/$1" 2>/dev/null; } # REPORT COLUMN
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) printf "%.9g\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
spread() { sort -g | awk -v f="$1" '{ v[NR] = $1 } END { if (NR) printf f "-" f, v[1], v[NR] }'; } # FORMAT
seconds() { # REPORT [COLUMN]: "0.312 s (0.301-0.330)"
  local m
  m=$(column "$1" "${2:-1}" | median)
  [ -z "$m" ] || printf '%.3f s (%s)' "$m" "$(column "$1" "${2:-1}" | spread %.3f)"
}
# ratio NAME [COLUMN [LESS]]: median of the paired ratios theirs / ours, LESS seconds taken off theirs first.
ratio() {
  paste -d' ' <(column "$1.ours" "${2:-1}") <(column "$1.theirs" "${2:-1}") |
    awk -v less="${3:-0}" 'NF == 2 && $1 > 0 { print ($2 - less) / $1 }' >"$results/$1.ratios"
  median <"$results/$1.ratios" | awk -v s="$(spread %.1f <"$results/$1.ratios")" '{ printf "%.2f (%s)", $1, s }'
}
memory() { # REPORT: peak of the worst run
  column "$1" 4 | sort -g | tail -n 1 | awk '{ printf "%.0f MiB", $1 / 1024 }'
}
# per_second AMOUNT REPORT [COLUMN]: "41.2 M rows/s"
per_second() {
  local m
  m=$(column "$2" "${3:-1}" | median)
  awk -v n="$1" -v s="${m:-0}" 'BEGIN { if (s > 0) { r = n / s; if (r >= 1e6) printf "%.1f M rows/s", r / 1e6; else printf "%.0f k rows/s", r / 1e3 } }'
}
# field NAME: a whole number out of a JSON line on standard input.
field() { sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p' | tail -n 1; }

# ---- the table ----

row() { # JOB DATA OURS DUCKDB RATIO RSS
  printf '| %s | %s | %s | %s | %s | %s |\n' "$1" "$2" "${3:-}" "${4:-}" "${5:-}" "${6:-}" | tee -a "$results/table" >&2
}
note() { printf -- '- %s\n' "$*" | tee -a "$results/notes" >&2; }
say() { printf 'bench: %s\n' "$*" >&2; }
