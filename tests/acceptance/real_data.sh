#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Real bars end to end: 40 tickers of 39 sessions imported, boiled down and screened with the default thresholds. APPS stands at
# the top of 2025-02-06, every row is accounted for, and the other preset gives the other numbers.
. "$(dirname "$0")/lib.sh"
data=$TAPEDECK_SHARED/fixtures/market/minute/us_2025q1_ext
[ -d "$data" ] || skip_all "no fixtures under TAPEDECK_SHARED ($TAPEDECK_SHARED)"
lake=$scratch/lake
if full; then months=(2025-01 2025-02) pick='*.csv.gz'; else months=(2025-01 2025-02) pick='A[PF]*.csv.gz'; fi

# What the files hold, counted without the program.
lines=0
for month in "${months[@]}"; do
  for file in "$data/$month"/$pick; do
    lines=$((lines + $(zcat "$file" | tail -n +2 | grep -c .)))
  done
done
full && is "the files hold 835,835 bars" "$lines" 835835

number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" "$2"; }
quarantined() { sed -E 's/.*"rows_quarantined":\{([^}]*)\}.*/\1/' "$1" | tr ',' '\n' | awk -F: '{ n += $2 } END { print n + 0 }'; }
read_in=0 written=0 other=0
for month in "${months[@]}"; do
  run import "$data/$month"/$pick --as stocks_minute --ticker-from-name --lake "$lake" --format json
  succeeds "import of $month"
  read_in=$((read_in + $(number rows_read "$out"))) written=$((written + $(number rows_written "$out")))
  other=$((other + $(number rows_duplicate "$out") + $(quarantined "$out")))
  is "$month: units add up" "$(($(number ok "$out") + $(number empty "$out") + $(number skipped "$out") + $(number failed "$out")))" \
    "$(number units_planned "$out")"
done
is "every line of the files was read" "$read_in" "$lines"
is "read = written + duplicate + quarantined" "$((written + other))" "$read_in"
is "and what was written is in the files" "$(rows_in "$lake/bronze/stocks_minute")" "$written"
lake_bytes "$lake" >"$scratch/bronze.sums"
run import "$data/2025-02"/APPS.csv.gz --as stocks_minute --ticker-from-name --lake "$lake" --format json
succeeds "a file imported twice"
is "adds no row" "$(number rows_written "$out") $(($(number rows_duplicate "$out") + $(quarantined "$out")))" "0 $(number rows_read "$out")"
untouched "and changes no file" "$scratch/bronze.sums" "$lake"

run cache build --lake "$lake"
succeeds "cache build"
run universe build --lake "$lake"
succeeds "universe build with the default thresholds"
is "39 sessions have a list" "$(find "$lake/universe/info_rich/daily" -name watchlist.parquet | wc -l)" 39
run watchlist 2025-02-06 --sort rvol30 --lake "$lake"
succeeds "watchlist 2025-02-06 --sort rvol30"
is "APPS stands at the top with +96.84 % and RVOL 15.51" \
  "$(awk '/^TICKER/ { for (i = 1; i <= NF; i++) at[$i] = i; next } at["RVOL"] { print $1, $4, $5; exit }' "$out")" "APPS +96.84 15.51"
run watchlist 2025-02-06 --sort rvol30 --lake "$lake" --format csv
session=$(sed -n 2p "$out")
is "it is info-rich: all four rules hold" "$(cut -d, -f12-16 <<<"$session")" "true,true,true,true,true"
run watchlist 2025-02-06 --filter info_rich --columns ticker --lake "$lake" --format csv
is "and the first of the info-rich names" "$(sed -n 2p "$out")" APPS

# The candles of the day come from the same bars.
run candles APPS --tf 1d -s 2025-02-06 -e 2025-02-06 --lake "$lake" --format csv
succeeds "candles of the day"
is "the daily candle closes where the list says" "$(sed -n 2p "$out" | cut -d, -f6)" "$(cut -d, -f3 <<<"$session")"
run chart APPS --tf 15m -s 2025-02-06 -e 2025-02-06 --lake "$lake" --width 80 --height 20 --glyphs ascii
succeeds "chart of the day"

# One cache, one preset.
run cache build --preset seed --lake "$lake"
refuses "the other preset does not overwrite a cache by accident" 2 seed session "--rebuild"
run cache build --preset seed --rebuild --lake "$lake"
succeeds "cache build --preset seed --rebuild"
run universe build --lake "$lake"
succeeds "universe build over it"
run watchlist 2025-02-06 --filter "ticker == 'APPS'" --lake "$lake" --format csv
seed=$(sed -n 2p "$out")
holds "the seed preset has a row for APPS too" test -n "$seed"
if [ "$(cut -d, -f3-5 <<<"$seed")" != "$(cut -d, -f3-5 <<<"$session")" ]; then
  ok "with other numbers ($(cut -d, -f3-5 <<<"$seed") for $(cut -d, -f3-5 <<<"$session"))"
else
  not_ok "with other numbers"
fi
is "seed closes with the last bar of the UTC date" "$(cut -d, -f3 <<<"$seed")" \
  "$(zcat "$data/2025-02/APPS.csv.gz" | grep '^2025-02-06' | tail -n 1 | cut -d, -f5)"
rm -rf "$lake/cache" "$lake/universe"
run cache build --lake "$lake"
run universe build --lake "$lake"
run watchlist 2025-02-06 --sort rvol30 --lake "$lake" --format csv
is "back under the default preset the numbers are the first ones" "$(sed -n 2p "$out")" "$session"
finish
