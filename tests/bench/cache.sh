#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bench stage: minute bars to the daily cache, whole processes beside DuckDB SQL and polars that compute the same rows. Answers are
# compared on every row before anything is timed; where they differ the ratio is void. The floor is zstd alone of the eight
# columns that the rows need.
# tests/bench/cache.sh [--quick] [--no-peer] [--profile]
. "$(dirname "$0")/stage_lib.sh"
section "Minute bars to the daily cache" job data tapedeck DuckDB polars "best peer / tapedeck" "asked" floor "tapedeck / floor" "asked" "peak RSS"
fetch_peers
use_peers duckdb peer.mjs polars peer_polars.mjs
use_floor
if [ "$quick" ]; then small=40x12 large=40x24; else small=200x60 large=200x250; fi

# Other people's files: made by a generator of synthetic markets that comes with the shared data, written by DuckDB.
make_peer_files() { # SIZE
  local place=$dir/minutes-$1 from=$TAPEDECK_SHARED/tools/peers/gen/gen.c calendar=$TAPEDECK_SHARED/fixtures/calendar/xnys_sessions.csv.gz
  [ -e "$place.READY" ] && return
  [ "$peer" ] && [ -f "$from" ] && [ -f "$calendar" ] || return
  say "making $place, once"
  rm -rf "$place"
  { ${CC:-gcc} -O2 -w -o "$tools/gen" "$from" -lz -lm && node tests/bench/peer_files.mjs "$tools/gen" "$calendar" "$place" "${1%x*}" "${1#*x}"; } >>"$log" 2>&1 &&
    touch "$place.READY"
}

source="" lake="" cache=""
declare -A bars_of=()
ready_ours() { away "$lake/cache"; }
ready_duckdb() { away "$dir/duckdb" && mkdir -p "$dir/duckdb"; }
ready_polars() { away "$dir/polars" && mkdir -p "$dir/polars"; }
# cache_bench NAME TITLE COLUMNS ASKED-PEER ASKED-FLOOR: prove, then time, on the files at $source.
cache_bench() {
  local name=$1 bars n
  shift
  run_ours=("$td" cache build --bars minute --parallel "$threads" --quiet --lake "$lake" "${options[@]}")
  run_duckdb=(node tests/bench/peer.mjs cache "$source" "$dir/duckdb")
  run_polars=(node tests/bench/peer_polars.mjs cache "$source" "$dir/polars")
  ready_ours
  bars=$("${run_ours[@]}" --format json 2>>"$log" | field rows_read)
  cache=$lake/cache/daily
  prove "$name" "$1" cache_agrees
  contest "$name" "$rounds" $((SECONDS + 75)) ours "${proven[@]}" "${unproven[@]}" || { note "$1: a run failed."; return 1; }
  for ((n = 0; n < rounds; n++)); do "$tools/floor" decode "$threads" "$2" "$source$([ "$source" = "$lake" ] && echo /bronze/stocks_minute)" >>"$results/$stage-$name.floor" 2>>"$log"; done
  bars_of[$name]=$bars
  row "$1" "$(million "$bars") bars" "$(seconds "$name.ours"), $(per_second "$bars" "$name.ours")" "$(seconds "$name.duckdb")" "$(seconds "$name.polars")" \
    "$(best_of "$name")" "$3" "$(seconds "$name.floor")" "$(ratio "$name.ours" "$name.floor")" "$4" "$(memories "$name")"
  note_peers "$name" "$1"
}
cache_agrees() { node tests/bench/peer.mjs agree "$cache" "$dir/$1"; }

theirs=t,o,h,l,c,v,vw,n ours=timestamp,open,high,low,close,volume,vwap,transactions
if ! "$td" cache build --help | grep -q -- --intraday-root; then
  note "Peer-written files: this build knows no --intraday-root."
elif make_peer_files "$large" && mkdir -p "$dir/lake-of-minutes"; then
  source=$dir/minutes-$large lake=$dir/lake-of-minutes options=(--intraday-root "$source")
  cache_bench "theirs-$large" "cache build, ${large/x/ x }, files DuckDB wrote" "$theirs" "3.2 (4)" "1.5, 64 MiB"
else
  note "Peer-written files: no generator under TAPEDECK_SHARED, or no peer to write them; left out."
fi
options=()
for size in "$large" "$small"; do
  make_lake "$size" --tickers "${size%x*}" --sessions "${size#*x}" || { note "${size/x/ x }: the lake was not made."; continue; }
  source=$dir/lake-$size lake=$dir/lake-$size
  if [ "$size" = "$large" ]; then asks=("4 (5)" "1.5, 64 MiB"); else asks=("5 (6.5)" "2, 64 MiB"); fi
  cache_bench "$size" "cache build, ${size/x/ x }, our bronze" "$ours" "${asks[@]}"
done
# Linear: what a bar costs at both sizes once the program has started.
linear() {
  local a b
  a=$(column "$small.ours" 1 | median) b=$(column "$large.ours" 1 | median)
  [ "$a" ] && [ "$b" ] || return
  note "A bar of ${large/x/ x } costs $(awk -v a="$a" -v b="$b" -v s="$own_start" -v m="${bars_of[$small]}" -v n="${bars_of[$large]}" 'BEGIN { printf "%.2f", (b - s) / n / ((a - s) / m) }') of a bar of ${small/x/ x }, the $(printf %.3f "$own_start") s in which the program starts left out (asked: at most 1.15)."
}
linear
[ "$profile" ] && { ready_ours; profile_of "${run_ours[@]}"; }
finish
