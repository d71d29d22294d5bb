#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The truth of the daily cache, the screen and the rankings on real data: 830,352 day bars of 2,265 tickers, computed a second
# time in DuckDB SQL (tests/sql/, written from the rules and not from the program), equal on every row and column to 1e-12 relative.
# First the panel as it is; then five tickers are given back the splits their prices were adjusted for, first without a split
# table (a jump is suspected), then with one and with market caps; then preset seed. Watchlists, topN, snapshots, events and the names that other rules would find are compared with it. Needs Node and the oracle's DuckDB: .ci/run
# sets them up and says where in TAPEDECK_ORACLE.
if [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 1500000 ]; then export TMPDIR=/dev/shm; fi # 42,000 files
. "$(dirname "$0")/lib.sh"
panel=$TAPEDECK_SHARED/fixtures/market/daily/us_daily_panel_202209_202403.csv.gz
calendar=$TAPEDECK_SHARED/fixtures/calendar/xnys_sessions.csv.gz
[ -f "$panel" ] && [ -f "$calendar" ] || skip_all "no fixtures under TAPEDECK_SHARED ($TAPEDECK_SHARED)"
[ -n "${TAPEDECK_ORACLE:-}" ] || skip_all "TAPEDECK_ORACLE does not name a folder with DuckDB for Node; .ci/run does"
command -v node >/dev/null || skip_all "node is not installed"
[ -d "$TAPEDECK_ORACLE/node_modules/@duckdb/node-api" ] || skip_all "TAPEDECK_ORACLE ($TAPEDECK_ORACLE) holds no @duckdb/node-api"
lake=$scratch/lake

# An instrumented build follows the same paths over the tickers this test is about and a few of their neighbours.
if ! full; then
  zcat "$panel" | awk -F, 'NR == 1 || $1 ~ /^(A[AB]|AULT|MULN|NUWE|SONN|FEI|ADM)/' >"$scratch/panel.csv"
  panel=$scratch/panel.csv
fi

# truth NAME STEP... VARIABLE=VALUE...: what the SQL says about the lake, question by question.
truth() {
  local name=$1 line questions=0
  shift
  node tests/sql/truth.mjs "$@" "lake=$lake" "calendar=$calendar" >"$scratch/said" 2>"$err"
  while IFS= read -r line; do
    case $line in
      "ok "*) ok "$name: ${line#ok }"; questions=$((questions + 1)) ;;
      "not ok "*) not_ok "$name: ${line#not ok }"; questions=$((questions + 1)) ;;
      *) echo "$line" ;;
    esac
  done < <(grep -v '^quarantine' "$scratch/said")
  [ "$questions" -gt 0 ] || not_ok "$name: the SQL ran" "$err"
}
lists() { # NAME: watchlists and rankings of the cache as it is now
  run universe build --lake "$lake"
  succeeds "$1: universe build"
  run universe snapshots --snap both --k 200 --lake "$lake"
  succeeds "$1: universe snapshots"
  run universe events --out "$scratch/events.parquet" --format parquet --lake "$lake"
  succeeds "$1: universe events"
  run universe try --set rvol=1.5 --set max_price=10 -s 2020-01-02 --format csv --lake "$lake"
  succeeds "$1: universe try"
  mv "$out" "$scratch/tried.csv"
}
compared=(rows screen lists topn snapshots events try "events=$scratch/events.parquet" "tried=$scratch/tried.csv")

# ---- the panel as it is ----

run import "$panel" --as stocks_daily --lake "$lake" --format json
succeeds "import of the panel"
said=$(sed -E 's/.*"rows_quarantined":(\{[^}]*\}).*/\1/' "$out")
full && is "830,352 rows read, 45 of them impossible" "$(sed -E 's/.*"rows_read":([0-9]+),"rows_written":([0-9]+).*/\1 \2/' "$out") $said" \
  '830352 830307 {"ohlc_inconsistent":45}'
node tests/sql/truth.mjs bars quarantine "panel=$panel" "calendar=$calendar" >"$scratch/said" 2>"$err"
is "the rows that the SQL does not believe are those in quarantine, by reason" "$said" "$(sed -n 's/^quarantine //p' "$scratch/said")"
run cache build --bars day --lake "$lake"
succeeds "cache build --bars day"
lists "as it is"
truth "as it is" bars session "${compared[@]}" "panel=$panel"

# ---- with the splits they had ----

# Real splits of serial reverse-splitters, two forward ones of one week-end, one before the first row, one of a ticker nobody has.
cat >"$scratch/splits.csv" <<'END'
ticker,execution_date,split_from,split_to
AULT,2023-05-17,300,1
AULT,2024-01-17,25,1
MULN,2023-05-04,25,1
MULN,2023-08-11,9,1
MULN,2023-12-21,100,1
NUWE,2019-12-31,10,1
NUWE,2022-12-09,100,1
AAN,2023-07-15,1,3
AAN,2023-07-16,2,3
SONN,2022-09-19,14,1
SONN,2023-08-31,22,1
ZZZZY,2023-08-31,22,1
END
node tests/sql/truth.mjs bars unadjust "panel=$panel" "calendar=$calendar" "splits=$scratch/splits.csv" "out=$scratch/unadjusted.csv" >"$scratch/said" 2>"$err" ||
  give_up "prices before their splits" "$err"
cp "$panel" "$scratch/a-$(basename "$panel")" # names in the order in which one replaces the other
files=$scratch/a-$(basename "$panel"),$scratch/unadjusted.csv
run import "$scratch/unadjusted.csv" --as stocks_daily --replace --source unadjusted --lake "$lake" --format json
succeeds "import of five tickers as they were before their splits"
run cache build --bars day --incremental --lake "$lake"
succeeds "cache build --incremental"
lists "no split table"
truth "no split table" bars session "${compared[@]}" "panel=$files"
"$TAPEDECK" parquet cat "$lake/cache/daily/ticker=MULN/daily.parquet" --columns trading_day,flags --format json >"$out" 2>"$err"
# The third came on a day of 250 times the volume: a runner to anybody who does not know.
is "two splits of MULN are suspected" "$(tr '{' '\n' <"$out" | grep -E '"2023-(05-04|08-11|12-21)"' | grep -c split_suspect)" 2

# ---- and with the table that tells of them, and market caps ----

cat >"$scratch/caps.csv" <<'END'
ticker,effective_from,effective_to,market_cap
AAL,2022-09-01,2023-01-01,90000000
AAL,2023-01-01,2023-03-01,2000000000
AAL,2023-03-01,,2000000001
AAPL,2023-02-01,2023-06-01,2400000000000
AAPL,2023-04-01,2023-05-01,2500000000000
AAPL,2030-01-01,,1
MULN,2023-08-11,,150000000
SONN,2022-10-01,2022-10-03,20000000
SONN,2023-01-01,2023-06-01,7000000
SONN,2023-03-01,,8000000
END
node tests/sql/truth.mjs publish "lake=$lake" "calendar=$calendar" "splits=$scratch/splits.csv" >"$scratch/said" 2>"$err" || give_up "a split table" "$err"
run cache build --bars day --incremental --cap "$scratch/caps.csv" --lake "$lake" --format json
succeeds "cache build --incremental --cap, with splits"
lists "splits and caps"
truth "splits and caps" bars session "${compared[@]}" scaled "panel=$files" "splits=$scratch/splits.csv" "caps=$scratch/caps.csv" "plain=$panel"
"$TAPEDECK" parquet cat "$lake/cache/daily/ticker=MULN/daily.parquet" --columns trading_day,flags --format json >"$out" 2>"$err"
is "no split of MULN is suspected any more" "$(tr '{' '\n' <"$out" | grep -E '"2023-(05-04|08-11|12-21)"' | grep -c 'split_day"')" 3

# ---- the other preset ----

run cache build --bars day --preset seed --rebuild --lake "$lake"
succeeds "cache build --preset seed --rebuild"
lists "seed"
truth "seed" bars seed "${compared[@]}" "panel=$files" "caps=$scratch/caps.csv"
finish
