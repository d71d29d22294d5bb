#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every folder of real minutes that is there, from seven sources in seven forms, imported, cached under both presets, screened, and
# computed a second time in DuckDB SQL (tests/sql/) from bronze: equal on every row and column to 1e-12 relative. Candles
# whose prints are spreads between contracts are caught at the door. Needs the oracle's DuckDB, see panel_sql.sh.
. "$(dirname "$0")/lib.sh"
market=$TAPEDECK_SHARED/fixtures/market minute=$TAPEDECK_SHARED/fixtures/market/minute
calendar=$TAPEDECK_SHARED/fixtures/calendar/xnys_sessions.csv.gz
[ -d "$minute" ] && [ -f "$calendar" ] || skip_all "no fixtures under TAPEDECK_SHARED ($TAPEDECK_SHARED)"
truth=yes
[ -n "${TAPEDECK_ORACLE:-}" ] && [ -d "$TAPEDECK_ORACLE/node_modules/@duckdb/node-api" ] && command -v node >/dev/null || truth=""
[ "$truth" ] || note "no SQL: TAPEDECK_ORACLE does not name a folder with DuckDB for Node; .ci/run does"

number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$out"; }
quarantined() { sed -E 's/.*"rows_quarantined":\{([^}]*)\}.*/\1/' "$out" | tr ',' '\n' | awk -F: '{ n += $2 } END { print n + 0 }'; }
questions() { # NAME STEP... VARIABLE=VALUE...: one line of TAP a question
  local name=$1 line n=0
  shift
  node tests/sql/truth.mjs "$@" "lake=$lake" "calendar=$calendar" >"$scratch/said" 2>"$err"
  while IFS= read -r line; do
    case $line in
      "ok "*) ok "$name: ${line#ok }"; n=$((n + 1)) ;;
      "not ok "*) not_ok "$name: ${line#not ok }"; n=$((n + 1)) ;;
      *) echo "$line" ;;
    esac
  done <"$scratch/said"
  [ "$n" -gt 0 ] || not_ok "$name: the SQL ran" "$err"
}
# source NAME ROWS "OPTIONS" FILE...: ROWS is what the files hold, by their own README.
source_of() {
  local name=$1 rows=$2 options
  read -ra options <<<"$3"
  shift 3
  lake=$scratch/$name
  run import "$@" --as stocks_minute --lake "$lake" --format json "${options[@]}"
  succeeds "$name: import"
  [ -z "$rows" ] || is "$name: $rows rows are read" "$(number rows_read)" "$rows"
  is "$name: read = written + duplicate + quarantined" "$(number rows_read)" "$(($(number rows_written) + $(number rows_duplicate) + $(quarantined)))"
  is "$name: and what was written is in bronze" "$(rows_in "$lake/bronze/stocks_minute")" "$(number rows_written)"
  for preset in session seed; do
    run cache build --bars minute --preset $preset --rebuild --lake "$lake"
    succeeds "$name: cache build --preset $preset"
    run universe build --lake "$lake"
    succeeds "$name: universe build over it"
    if [ "$truth" ] && [ $preset = session ]; then
      questions "$name, session" few=yes minutes session rows screen lists topn "bronze=$lake/bronze/stocks_minute/*/*/*.parquet"
    elif [ "$truth" ]; then
      questions "$name, seed" minutes minutes_seed seed rows "bronze=$lake/bronze/stocks_minute/*/*/*.parquet"
    fi
  done
  rm -rf "$lake"
}
files() { if full; then printf '%s\n' "$@"; else printf '%s\n' "$@" | sed -n '1p;$p'; fi; } # instrumented builds take two of each
all() { if full; then echo "$1"; fi; }

mapfile -t list < <(files "$minute"/alphavantage_2019/*_1min.csv.gz)
source_of alphavantage_2019 "" "--ticker-from-name --time-zone America/New_York --stamp end" "${list[@]}"
mapfile -t list < <(files "$minute"/us_2018_rth/*.csv.gz)
source_of us_2018_rth "" "--ticker-from-name --columns timestamp=date+ToD --time-zone America/New_York --stamp end" "${list[@]}"
mapfile -t list < <(if full; then printf '%s\n' "$minute"/us_2025q1_ext/*/*.csv.gz; else printf '%s\n' "$minute"/us_2025q1_ext/*/APPS.csv.gz; fi)
source_of us_2025q1_ext "$(all 835835)" "--ticker-from-name" "${list[@]}"
mapfile -t list < <(files "$minute"/yahoo_2022_ext/*.csv.gz)
source_of yahoo_2022_ext "$(all 61317)" "--ticker-from-name" "${list[@]}"
mapfile -t list < <(files "$minute"/yahoo_2026/*.csv.gz)
source_of yahoo_2026 "$(all 67836)" "--ticker-from-name" "${list[@]}"
source_of spy_2024_polygon 34025 "--ticker-from-name" "$minute"/spy_2024_polygon/*.csv.gz
mapfile -t list < <(files "$minute"/smallcaps_2025_05/alphavantage/*.json.gz)
source_of alphavantage_2025 "$(all 38520)" "--ticker-from-name" "${list[@]}"
source_of twelvedata_2025 "" "--ticker-from-name" "$minute"/smallcaps_2025_05/twelvedata/*.json.gz

# Candles of a future into which prints of spreads between contracts leak: -15 beside a price of 4,000. Counted by the reason, and only
# these: a spread print that is positive looks like any price to a check that knows one bar.
lake=$scratch/es
while read -r frame table rows bad; do
  rm -rf "$lake"
  run import "$market/futures/es_candles_parquet/ES_${frame}_candles.parquet" --as "$table" --ticker ES --lake "$lake" --format json
  succeeds "ES $frame: import"
  is "ES $frame: rows that are no prices" "$(number rows_read) $(number price_not_positive)" "$rows $bad"
  is "ES $frame: read = written + duplicate + quarantined" "$rows" "$(($(number rows_written) + $(number rows_duplicate) + $(quarantined)))"
  is "ES $frame: every other row of an intraday file is in bronze" "$(rows_in "$lake/bronze")" "$([ "$table" = stocks_minute ] && echo $((rows - bad)) || number rows_written)"
done < <(if full; then echo "15m stocks_minute 117967 11637
30m stocks_minute 59092 7870
1h stocks_minute 29553 5097"; fi
  echo "4h stocks_minute 8008 2019
1d stocks_daily 1556 456")
finish
