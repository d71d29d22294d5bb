#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Bench stage: daily caches to watchlists and rankings, whole processes beside DuckDB SQL and polars that apply the same screen. Lists
# and ranking are compared row by row before anything is timed. The floor is zstd alone: of the cache columns a list needs, unpacked,
# and of the lists' own pages, packed at level 2.
# tests/bench/universe.sh [--quick] [--no-peer] [--profile]
. "$(dirname "$0")/stage_lib.sh"
section "Daily caches to watchlists and rankings" job data tapedeck DuckDB polars "best peer / tapedeck" "asked" floor "tapedeck / floor" "asked" "peak RSS"
fetch_peers
use_peers duckdb peer_universe.mjs polars peer_polars.mjs
use_floor
if [ "$quick" ]; then tickers=300 sessions=250; else tickers=3000 sessions=1250; fi
size=${tickers}x$sessions lake=$dir/lake-caches-$size
make_caches "$tickers" "$sessions" || { note "No generator under TAPEDECK_SHARED, or the caches were not made: left out."; finish; }

lists=$lake/universe/info_rich
ready_ours() { away "$lake/universe"; }
ready_duckdb() { away "$dir/duckdb" && mkdir -p "$dir/duckdb"; }
ready_polars() { away "$dir/polars" && mkdir -p "$dir/polars"; }
run_ours=("$td" universe build --quiet --lake "$lake")
run_duckdb=(node tests/bench/peer_universe.mjs universe "$lake/cache/daily" "$dir/duckdb")
run_polars=(node tests/bench/peer_polars.mjs universe "$lake/cache/daily" "$dir/polars")
lists_agree() { node tests/bench/peer_universe.mjs agree "$lists" "$dir/$1"; }
needed=ticker,trading_day,close_d,pctchg_d,rvol30,rvol30_prior,vol_d,dollar_vol_d,vwap_d,gap_pct_d,market_cap_d,flags
floors() { # NAME: unpacking, and packing, a line a round; the sum is the floor of a build
  local n a b
  for ((n = 0; n < rounds; n++)); do
    a=$("$tools/floor" decode "$threads" "$needed" "$lake/cache/daily" 2>>"$log" | cut -d' ' -f1)
    b=$("$tools/floor" encode "$threads" '*' "$lists/daily" 2>>"$log" | cut -d' ' -f1)
    echo "$a" >>"$results/$stage-$1.decode"
    awk -v a="$a" -v b="$b" 'BEGIN { print a + b }' >>"$results/$stage-$1.floor"
  done
}
build_bench() {
  local rows written=0 title="universe build and topN, ${tickers} caches x ${sessions} days, all lists written"
  rows=$(cache_rows "$lake")
  ready_ours
  written=$("${run_ours[@]}" --format json 2>>"$log" | field rows_written)
  prove build "$title" lists_agree
  contest build "$rounds" $((SECONDS + 130)) ours "${proven[@]}" "${unproven[@]}" || { note "$title: a run failed."; return 1; }
  floors build
  row "$title" "$(million "$rows") rows, $(find "$lists/daily" -name watchlist.parquet | wc -l) lists of $(million "$written")" "$(seconds build.ours), $(per_second "$rows" build.ours)" \
    "$(seconds build.duckdb)" "$(seconds build.polars)" "$(best_of build)" "5 (7)" "$(seconds build.floor)" "$(ratio build.ours build.floor)" "2, 384 MiB" "$(memories build)"
  note_peers build "Universe"
  note "DuckDB's lists are grouped by session and not sorted inside, which saves it a tenth; ours and polars' are sorted."
  [ "$profile" ] && { ready_ours; profile_of "${run_ours[@]}"; }
}
build_bench

# ---- other thresholds, nothing written ----

try_agrees() { node tests/bench/peer_universe.mjs agree-try "$results/try.ours" "$results/try.$1"; }
try_bench() {
  local n title="universe try --set rvol=3, all sessions of the same caches"
  ready_ours() { :; }
  ready_duckdb() { :; }
  ready_polars() { :; }
  # shellcheck disable=SC2016
  run_ours=(sh -c '"$0" universe try --set rvol=3 -s 2021-01-04 --format csv --quiet --lake "$1" >"$2"' "$td" "$lake" "$results/try.ours")
  run_duckdb=(node tests/bench/peer_universe.mjs try "$lake/cache/daily" "$results/try.duckdb")
  run_polars=(node tests/bench/peer_polars.mjs try "$lake/cache/daily" "$results/try.polars")
  "${run_ours[@]}" >>"$log" 2>&1 || { note "$title: failed: $(tail -n 1 "$log")"; return; }
  prove try "$title" try_agrees
  contest try "$rounds" $((SECONDS + 60)) ours "${proven[@]}" "${unproven[@]}" || { note "$title: a run failed."; return; }
  for ((n = 0; n < rounds; n++)); do
    "$tools/floor" decode "$threads" ticker,trading_day,close_d,pctchg_d,rvol30,dollar_vol_d,market_cap_d,flags "$lake/cache/daily" >>"$results/$stage-try.floor" 2>>"$log"
  done
  row "$title" "$(million "$(cache_rows "$lake")") rows" "$(seconds try.ours)" "$(seconds try.duckdb)" "$(seconds try.polars)" "$(best_of try)" "4 (6)" \
    "$(seconds try.floor)" "$(ratio try.ours try.floor)" "2, 256 MiB" "$(memories try)"
  note_peers try "Try"
}
try_bench
finish
