#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Parity with the original pipeline: WOLF and AMC minutes of May 2025 under the seed preset close exactly where the published
# events say.
. "$(dirname "$0")/lib.sh"
market=$TAPEDECK_SHARED/fixtures/market
events=$market/events/E0_events_2004_2021.csv.gz
[ -f "$events" ] || skip_all "no fixtures under TAPEDECK_SHARED ($TAPEDECK_SHARED)"
lake=$scratch/lake
run import "$market"/minute/smallcaps_2025_05/alphavantage/{WOLF,AMC}_2025-05_alphavantage_raw.json.gz --as stocks_minute \
  --ticker-from-name --lake "$lake" --format json
succeeds "import of two Alpha Vantage documents"
number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$out"; }
is "every row is written" "$(number rows_written)" "$(number rows_read)"
for ticker in WOLF AMC; do
  document=$market/minute/smallcaps_2025_05/alphavantage/${ticker}_2025-05_alphavantage_raw.json.gz
  is "$ticker: one row for every stamp of the document" "$(rows_in "$lake"/bronze/stocks_minute/year=*/month=*/ticker=$ticker.parquet)" \
    "$(zcat "$document" | grep -oE '"2025-[0-9]{2}-[0-9]{2} [0-9:]{8}": *\{' | wc -l)"
done
run cache build --preset seed --lake "$lake"
succeeds "cache build --preset seed"

# The cache row's close as the shortest text that reads back exactly; the events have the same form.
compared=0
while IFS=, read -r ticker day _ _ _ close _; do
  have=$("$TAPEDECK" parquet cat "$lake/cache/daily/ticker=$ticker/daily.parquet" --columns trading_day,close_d --format json |
    tr '{' '\n' | sed -nE "s/.*\"trading_day\": *\"$day\", *\"close_d\": *([0-9.e+-]+).*/\1/p")
  is "$ticker $day closes at $close" "$have" "$close"
  compared=$((compared + 1))
done < <(zcat "$events" | grep -E '^(WOLF,2025-05-(02|13|22)|AMC,2025-05-27),')
is "all four published events were there" "$compared" 4
run parquet meta "$lake/bronze/stocks_minute/year=2025/month=05/ticker=WOLF.parquet" --format csv
holds "the file says where it comes from" grep -q '^tapedeck.source,' "$out"
finish
