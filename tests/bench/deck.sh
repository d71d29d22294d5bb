#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bench stage: import of real bars, the demo, and the time from a key to the frame that answers it, quiet and under load.
# tests/bench/deck.sh [--quick] [--no-peer] [--profile]
. "$(dirname "$0")/stage_lib.sh"
if [ "$quick" ]; then presses=40 demo=(--tickers 40 --sessions 12); else presses=200 demo=(); fi
section "Import, demo, keys" job data tapedeck "peak RSS"

ready_import() { away "$dir/lake-import"; }
import_bench() {
  local data=$TAPEDECK_SHARED/fixtures/market/minute/us_2025q1_ext n files
  [ -d "$data" ] || { note "import: no us_2025q1_ext under TAPEDECK_SHARED, left out."; return; }
  mapfile -t files < <(find "$data" -name '*.csv.gz' | sort)
  run_import=("$td" import "${files[@]}" --as stocks_minute --ticker-from-name --quiet --format json --lake "$dir/lake-import")
  ready_import
  n=$("${run_import[@]}" 2>>"$log" | field rows_read)
  contest import 3 60 import || { note "import: a run failed."; return; }
  row "import of us_2025q1_ext, whole process" "$n bars, ${#files[@]} .csv.gz" "$(seconds import.import), $(per_second "$n" import.import)" "$(memory import.import)"
  ready_import
}
ready_demo() { away "$dir/lake-demo"; }
demo_bench() {
  local n
  run_demo=("$td" demo --headless --lake "$dir/lake-demo" "${demo[@]}")
  for n in 1 2; do
    one "$results/$stage-demo.demo" ready_demo "${run_demo[@]}" || { note "demo --headless: a run failed."; return; }
  done
  row "demo --headless, whole process, empty lake" "${demo[*]:-300 tickers, 45 sessions, daily bars of 300}" "$(seconds demo.demo)" "$(memory demo.demo)"
}

keys() { # TITLE OPTIONS...
  local title=$1 said
  shift
  if said=$(timeout 60 "$tools/keypress" -n "$presses" "$@" "$td" --lake "$dir/lake-demo" 2>>"$log"); then
    row "key \`j\` or \`k\` to frame, $title" "$(awk '{ print $2 " presses, " $4 " lost, machine busy " $NF " of '"$(nproc)"' cores" }' <<<"$said")" \
      "$(awk '{ printf "median %s ms, p99 %s, most %s; chart too %s, %s, %s", $6, $7, $8, $10, $11, $12 }' <<<"$said")" ""
  else
    note "Key to frame, $title: failed: $(tail -n 1 "$log")"
  fi
}
load_loop() { # a job after the other until the flag goes
  while [ -e "$results/load" ]; do
    "$td" cache build --rebuild --bars minute --parallel "$threads" --quiet --lake "$1" >/dev/null 2>&1 || break
  done
}
keys_bench() {
  local busy=$dir/lake-demo pid
  [ -d "$dir/lake-demo/universe" ] || { note "Key to frame: no demo lake."; return; }
  keys "no job running"
  keys "its own \`cache build --rebuild\` running" -c "cache build --rebuild"
  # The other process works on a RAM disk where there is one, so that it never waits.
  if [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 1000000 ] && ram=$(mktemp -d /dev/shm/bench.XXXXXX); then
    busy=$ram/lake
  fi
  cp -r "$dir/lake-demo" "$dir/lake-busy" && { [ "$busy" = "$dir/lake-demo" ] && busy=$dir/lake-busy || mv "$dir/lake-busy" "$busy"; }
  touch "$results/load"
  load_loop "$busy" &
  pid=$!
  pids+=("$pid")
  keys "\`cache build --rebuild\` of another process in a loop${ram:+, on a RAM disk so that it never waits}"
  rm -f "$results/load"
  wait "$pid"
  away "$dir/lake-busy"
}
import_bench
demo_bench
keys_bench
finish
