#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make run` does on a machine without a terminal: the simulated market through HTTP, JSON, Parquet, cache and screen to
# the latest session's list. What lies in the lake is, to the row, what the vendor says it would serve, and depends on nothing
# but the options.
. "$(dirname "$0")/lib.sh"
if full; then options=(); else options=("${small[@]}"); fi

run demo "${options[@]}"
succeeds "demo without a terminal ends well"
lake=$XDG_CACHE_HOME/tapedeck/demo
holds "it filled the scratch lake under XDG_CACHE_HOME" test -f "$lake/FORMAT"
is "its first line names the latest session" "$(head -n 1 "$out" | sed 's/: .*//')" "info-rich scan of 2025-12-05"
cp "$out" "$scratch/list"
listed=$(head -n 1 "$out" | sed -E 's/.*: ([0-9]+) listed.*/\1/')
is "it prints as many rows as it says" "$(($(wc -l <"$out") - 2))" "$listed"
is "progress and notices stay on standard error" "$(grep -c 'units\|\[##' "$out")" 0
holds "no job is left in the live folder" test -z "$(ls "$lake/_runs/live" 2>/dev/null)"
is "nothing lies about in the lake" "$(strays "$lake")" ""

# The vendor's own count of what it would serve.
start_sim "${options[@]}"
per_ticker() { # TABLE: rows of every ticker in the lake, from the files' footers
  parquet_files "$lake/bronze/$1" | tr '\n' '\0' | xargs -0 "$TAPEDECK" parquet count --format csv |
    sed -nE 's/.*ticker=([^/]+)\.parquet,([0-9]+)$/\1 \2/p' | awk '{ n[$1] += $2 } END { for (t in n) if (n[t]) print t, n[t] }' | LC_ALL=C sort
}
for table in stocks_minute stocks_daily; do
  curl -sf "$sim_url/sim/truth?table=$table" | tr '{' '\n' | sed -nE 's/^"ticker":"([^"]+)","bars":([0-9]+).*/\1 \2/p' |
    awk '$2 > 0' | LC_ALL=C sort >"$scratch/truth.$table"
  per_ticker "$table" >"$scratch/have.$table"
  same "$table: every ticker has the rows that the vendor counts" "$scratch/have.$table" "$scratch/truth.$table"
  is "$table: the sum, $(truth_rows "$table") rows" "$(rows_in "$lake/bronze/$table")" "$(truth_rows "$table")"
done
is "tickers: all that the vendor lists" "$(rows_in "$lake/bronze/tickers")" "$(curl -sf "$sim_url/sim/tickers?format=text" | grep -c .)"
stop_sim
is "the simulator stops when told to" "$rc" 0

# Every line of the journal reconciles with itself, and the ingest lines with the files.
number() { sed -nE "s/.*\"$1\":([0-9]+).*/\1/p" <<<"$2"; }
while read -r line; do
  what=$(sed -nE 's/.*"what":"([^"]*)".*/\1/p' <<<"$line")
  is "journal: units of $what add up" \
    "$(($(number ok "$line") + $(number empty "$line") + $(number skipped "$line") + $(number failed "$line")))" "$(number units_planned "$line")"
  case $line in
    *'"job":"ingest"'*)
      # (A company's list of symbols names the present one too, which is no rename: there read is more than written.)
      [[ $what = renames* ]] ||
        is "journal: rows of $what add up" "$(($(number rows_written "$line") + $(number rows_duplicate "$line")))" "$(number rows_read "$line")"
      is "journal: rows of $what are in the files" "$(rows_in "$lake/bronze/${what%% *}")" "$(number rows_written "$line")" ;;
  esac
done <"$lake/_runs/journal.jsonl"
is "cache: the rows of the journal are in the files" "$(rows_in "$lake/cache")" \
  "$(number rows_written "$(grep '"job":"cache"' "$lake/_runs/journal.jsonl")")"

# The list itself.
run watchlist 2025-12-05 --lake "$lake" --format csv
succeeds "the list as csv"
is "csv has the rows of the table" "$(($(wc -l <"$out") - 1))" "$listed"
holds "csv has the columns of the design, in order" grep -q \
  '^ticker,trading_day,close_d,pctchg_d,rvol30,rvol30_prior,vol_d,dollar_vol_d,vwap_d,gap_pct_d,market_cap_d,r_rvol,r_chg,r_dvol,r_px,info_rich' "$out"
is "by relative volume, greatest first" "$(awk -F, 'NR > 1 && $5 != "" { if (seen && $5 + 0 > last) print "row " NR; last = $5 + 0; seen = 1 }' "$out")" ""
for outsider in ZVZZT LEVX LEVY WARRW; do
  ! grep -q "^$outsider," "$out"
  is "$outsider is no company's share and not listed" "$?" 0
done
run watchlist --lake "$lake"
same "watchlist alone prints what demo printed" "$out" "$scratch/list"
if full; then
  bad=""
  while read -r day; do
    run watchlist "$day" --lake "$lake" --filter info_rich --format csv
    n=$(($(wc -l <"$out") - 1))
    { [ "$n" -ge 10 ] && [ "$n" -le 40 ]; } || bad="$bad $day:$n"
  done < <(find "$lake/universe/info_rich/daily" -name 'date=*' | sed 's/.*date=//' | LC_ALL=C sort | tail -n 30)
  is "each of the last 30 sessions has 10 to 40 info-rich names" "$bad" ""
else
  skip "each of the last 30 sessions has 10 to 40 info-rich names" "the default market is for the release flavour"
fi

# Equal options, another lake: equal bytes. Once more over the same lake: nothing to do, nothing changed.
run demo --headless "${options[@]}" --lake "$scratch/other"
succeeds "the same into another lake"
same "it prints the same list" "$out" "$scratch/list"
lake_bytes "$lake" >"$scratch/first.sums"
untouched "equal options give equal bytes ($(wc -l <"$scratch/first.sums") files)" "$scratch/first.sums" "$scratch/other"
run demo --headless "${options[@]}"
succeeds "a second run over a filled lake"
same "it prints the same list again" "$out" "$scratch/list"
untouched "and changes nothing" "$scratch/first.sums" "$lake"
is "its downloads are all skipped" \
  "$(tail -n 6 "$lake/_runs/journal.jsonl" | grep '"what":"stocks_' | sed -E 's/.*"ok":([0-9]+).*/\1/' | awk '{ n += $1 } END { print n }')" 0
run demo --headless "${options[@]}" --seed 2
refuses "another market is not mixed into a lake" 2 "another simulated market" "--fresh"
untouched "and the lake keeps what it had" "$scratch/first.sums" "$lake"
finish
