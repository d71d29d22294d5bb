#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bench stage: minute bars to the daily cache, whole processes beside DuckDB SQL that computes the same rows. Answers are compared
# on every row before anything is timed; where they differ the ratio is void.
# tests/bench/cache.sh [--quick] [--no-peer] [--profile]
. "$(dirname "$0")/lib.sh"
section "Minute bars to the daily cache" job data tapedeck DuckDB "DuckDB / tapedeck" "peak RSS"
fetch_peers
if [ "$quick" ]; then sizes=(40x12); else sizes=(200x60 200x250); fi
start_up=0
run_start=(node tests/bench/peer.mjs null)
ready_start() { :; }
if [ "$peer" ] && contest start 3 20 start; then start_up=$(column start.start 1 | median); fi

lake="" duck=$dir/duck
ready_ours() { away "$lake/cache"; }
ready_duckdb() { away "$duck" && mkdir -p "$duck"; }
# cache_bench NAME TITLE ROUNDS SECONDS: prove, then time.
cache_bench() {
  local name=$1 bars agreed="" r="" who=(ours)
  run_ours=("$td" cache build --bars minute --parallel "$threads" --quiet --lake "$lake")
  run_duckdb=(node tests/bench/peer.mjs cache "$lake" "$duck")
  ready_ours
  bars=$("${run_ours[@]}" --format json 2>>"$log" | field rows_read)
  if [ "$peer" ]; then
    who+=(duckdb) r=void
    ready_duckdb
    if "${run_duckdb[@]}" >>"$log" 2>&1 && agreed=$(node tests/bench/peer.mjs agree "$lake" "$duck" 2>"$results/$stage-$name.differences"); then
      say "$name: equal answers, $agreed"
    else
      note "**$2: the answers differ, the ratio is void:** $(head -n 3 "$results/$stage-$name.differences" | tr '\n' ' ')"
      agreed=""
    fi
  fi
  contest "$name" "$3" $((SECONDS + $4)) "${who[@]}" || { note "$2: a run failed."; return 1; }
  [ "$agreed" ] && r="**$(ratio "$name.duckdb" "$name.ours")**"
  row "$2" "$(million "$bars") bars" "$(seconds "$name.ours"), $(per_second "$bars" "$name.ours")" "$(seconds "$name.duckdb")" "$r" \
    "$(memory "$name.ours")$([ "$peer" ] && echo " / $(memory "$name.duckdb")")"
  [ "$agreed" ] && note "$2: equal answers on $agreed before timing; without the $(printf %.2f "$start_up") s in which Node and DuckDB start the ratio is $(ratio "$name.duckdb" "$name.ours" "$start_up"). Processor seconds: tapedeck $(cpu "$name.ours"), DuckDB $(cpu "$name.duckdb")."
}
for size in "${sizes[@]}"; do
  make_lake "$size" --tickers "${size%x*}" --sessions "${size#*x}" || { note "${size/x/ x }: the lake was not made."; continue; }
  lake=$dir/lake-$size
  cache_bench "$size" "cache build, ${size/x/ x }, our bronze, durable" "$rounds" 50
done
[ "$profile" ] && { ready_ours; profile_of "${run_ours[@]}"; }
finish
