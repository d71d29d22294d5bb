#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bench stage: the evening of a trading day. Bronze has just received one session of 3,000 tickers; ours brings cache, watchlist and
# rankings up to date, two processes one after the other, made durable. DuckDB makes the whole cache, the day's list and the
# ranking from bronze anew and syncs nothing. All rows are compared before anything is timed. The floor is the same cache
# files published from memory: temporary, fsync, rename.
# tests/bench/nightly.sh [--quick] [--no-peer] [--profile]
. "$(dirname "$0")/stage_lib.sh"
section "End of day: one new session" job data tapedeck DuckDB "DuckDB / tapedeck" "asked" floor "tapedeck / floor" "asked" "peak RSS"
fetch_peers
use_peers duckdb peer_universe.mjs
if [ "$quick" ]; then tickers=300 sessions=60; else tickers=3000 sessions=300; fi
size=${tickers}x$sessions lake=$dir/lake-evening-$size before=$dir/lake-evening-$size.before

# Two imports: all days but the last, cached and screened; then the last one. $before keeps cache and lists of the day before.
make_evening() {
  local csv=$dir/evening.csv work=$dir/evening last
  [ -e "$lake/READY" ] && return
  market_csv "$tickers" "$sessions" "$csv" || return
  say "making $lake, once"
  [ ! -w /dev/shm ] || { ram=$(mktemp -d /dev/shm/bench.XXXXXX) && work=$ram/lake; }
  rm -rf "$work" "$lake" "$before"
  last=$(cut -d, -f2 "$csv" | grep '^2' | sort -u | sed -n '$p')
  grep -v ",$last," "$csv" >"$csv.old" && { head -n 1 "$csv" && grep ",$last," "$csv"; } >"$csv.new"
  { import_market "$csv.old" "$work" && "$td" cache build --bars day --quiet --lake "$work" && "$td" universe build --quiet --lake "$work" &&
    import_market "$csv.new" "$work"; } >>"$log" 2>&1 || return
  mkdir "$before" && cp -r "$work" "$lake" && rm -rf "${work:?}" && mv "$lake/cache" "$lake/universe" "$before/" && echo "$last" >"$lake/READY"
  rm -f "$csv" "$csv.old" "$csv.new"
}
make_evening || { note "No generator under TAPEDECK_SHARED, or the lake was not made: left out."; finish; }

# Files are published by rename, so links to those of the day before serve every round.
ready_ours() { away "$lake/cache" && away "$lake/universe" && cp -al "$before/cache" "$before/universe" "$lake/"; }
ready_duckdb() { away "$dir/duckdb" && mkdir -p "$dir/duckdb"; }
day=$(cat "$lake/READY")
# shellcheck disable=SC2016
run_ours=(sh -c '"$0" cache build --incremental --bars day --quiet --lake "$1" && "$0" universe build -s "$2" -e "$2" --quiet --lake "$1"' "$td" "$lake" "$day")
run_duckdb=(node tests/bench/peer_universe.mjs nightly "$lake" "$dir/duckdb")
evening_agrees() { node tests/bench/peer_universe.mjs agree-nightly "$lake" "$dir/$1"; }
ready_ours
"${run_ours[@]}" >>"$log" 2>&1 || { note "The run of the evening failed: $(tail -n 1 "$log")"; finish; }
title="one new session ($day) for $tickers tickers: cache, list, rankings"
prove evening "$title" evening_agrees
[ "$quick" ] || rounds=3
contest evening "$rounds" $((SECONDS + 120)) ours "${proven[@]}" "${unproven[@]}" || { note "$title: a run failed."; finish; }
for ((n = -1; n < rounds; n++)); do # the first does not count
  away "$dir/published"
  sync
  timeout 60 "$tools/pubwork" "$threads" "$lake/cache/daily" "$dir/published" >"$results/published" 2>>"$log" || break
  [ "$n" -lt 0 ] || cat "$results/published" >>"$results/$stage-evening.floor"
done
rows=$(cache_rows "$lake")
row "$title" "$(million "$rows") rows of $sessions days, $(column evening.floor 2 | head -n 1) files" "$(seconds evening.ours)" "$(seconds evening.duckdb)" "$(best_of evening)" "10 (20)" \
  "$(seconds evening.floor)" "$(ratio evening.ours evening.floor)" "2, 64 MiB" "$(memories evening)"
note_peers evening "End of day"
[ "$profile" ] && { ready_ours; profile_of "$td" cache build --incremental --bars day --quiet --lake "$lake"; }
finish
