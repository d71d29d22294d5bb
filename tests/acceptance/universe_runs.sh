#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The universe as whole processes: the same bytes with one worker and four, after kills and day by day; events, snapshots, tried
# rules and explanations agree with the lists, added up again here with awk.
. "$(dirname "$0")/lib.sh"
RANDOM=${SEED:-20251205}
lake=$scratch/lake lists=$scratch/lake/universe/info_rich
export TAPEDECK_LAKE=$lake
cat >"$scratch/loose.yaml" <<'YAML'
thresholds: {rvol: 1.2, pctchg: 0.02, dvol: 100000, max_price: 500, cap_max: 0}
YAML
loose=(--universe-config "$scratch/loose.yaml")

run demo --headless "${small[@]}" --lake "$lake"
succeeds "a lake of the simulated market"
run universe build "${loose[@]}" --quiet
succeeds "universe build"
run universe snapshots "${loose[@]}" --quiet --format json
succeeds "universe snapshots"
lake_bytes "$lake" | grep universe >"$scratch/want"
days=$(ls "$lists/daily" | sed 's/date=//')
last=$(tail -n 1 <<<"$days")

# ---- workers, kills, days ----

for workers in 1 4; do
  mv "$lake/universe" "$scratch/universe.$workers"
  TAPEDECK_WORKERS=$workers run universe build "${loose[@]}" --quiet
  run universe snapshots "${loose[@]}" --quiet
  lake_bytes "$lake" | grep universe >"$scratch/got"
  same "TAPEDECK_WORKERS=$workers changes no byte" "$scratch/got" "$scratch/want"
done

for round in 1 2 3; do
  rm -rf "$lake/universe"
  killed=0
  for try in 1 2 3 4; do
    "$TAPEDECK" universe build "${loose[@]}" --quiet >"$out" 2>"$err" </dev/null &
    pid=$!
    children+=("$pid")
    read -r -t "0.0$((RANDOM % 9))$((RANDOM % 10))" -u "$never"
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    [ "$?" -eq 137 ] && killed=$((killed + 1))
    parquet_files "$lake/universe" 2>/dev/null | tr '\n' '\0' | xargs -0 -r "$TAPEDECK" parquet verify --format csv >"$scratch/verify" 2>&1 || { not_ok "round $round: half a file after a kill" "$scratch/verify"; }
  done
  run universe build "${loose[@]}" --quiet
  succeeds "round $round: the run after $killed kills"
  run universe snapshots "${loose[@]}" --quiet
  lake_bytes "$lake" | grep universe >"$scratch/got"
  same "round $round: as if nothing had happened" "$scratch/got" "$scratch/want"
  is "round $round: nothing left over" "$(strays "$lake")" ""
done

run universe build "${loose[@]}" -s "$last" -e "$last" --quiet --format json
is "one day is one list and the rankings" "$(sed 's/.*"units_planned":\([0-9]*\).*/\1/' "$out")" 2
run universe build "${loose[@]}" --incremental --quiet --format json
is "--incremental with nothing new writes the rankings alone" "$(sed 's/.*"ok":\([0-9]*\),"empty":\([0-9]*\).*/\1 \2/' "$out")" "1 0"
lake_bytes "$lake" | grep universe >"$scratch/got"
same "and changes no byte" "$scratch/got" "$scratch/want"

# ---- events ----

# All lists as one csv; days are numbers here.
parquet_files "$lists/daily" | while read -r file; do "$TAPEDECK" parquet cat --columns trading_day,rvol30,ticker,info_rich,pctchg_d,dollar_vol_d,close_d,vol_d,vwap_d "$file" --format csv | tail -n +2; done |
  sed 's/"//g' >"$scratch/lists.csv"
grep -c . "$scratch/lists.csv" >/dev/null || give_up "the lists can be read"
run universe events --format csv
succeeds "universe events"
is "events have the columns of published screens" "$(head -n 1 "$out")" "ticker,trading_day,rvol30,pctchg_d,dollar_vol_d,close_d,vol_d,vwap_d"
rich=$(awk -F, '$4 == "true"' "$scratch/lists.csv" | wc -l)
is "every info-rich ticker-day is an event" "$(($(wc -l <"$out") - 1))" "$rich"
[ "$rich" -gt 10 ] && ok "and there are $rich" || not_ok "too few events to tell"
awk -F, 'NR > 1 { print $2 "," $3 "," $1 }' "$out" >"$scratch/order"
LC_ALL=C sort -t, -k1,1 -k2,2gr -k3,3 "$scratch/order" >"$scratch/sorted"
same "ordered by day, relative volume, ticker" "$scratch/order" "$scratch/sorted"
run universe events --format parquet --out "$scratch/events.parquet"
succeeds "events as Parquet"
run parquet count "$scratch/events.parquet" --format csv
is "the same rows" "$(tail -n 1 "$out" | sed 's/.*,//')" "$rich"
run universe events --filter 'rvol30 > 2 and close_d is not null and not (pctchg_d < 0)' --out "$scratch/filtered.csv"
succeeds "events of a filter into a file"
run universe events --format csv
is "the filter leaves what it says" "$(($(wc -l <"$scratch/filtered.csv") - 1))" "$(awk -F, 'NR > 1 && $3 > 2 && $4 >= 0' "$out" | wc -l)"
run universe events --tickers --out "$scratch/tickers.txt"
{ awk -F, 'NR > 1 { print $1 }' "$lists/topN_12m.csv"; "$TAPEDECK" universe events --format csv | awk -F, 'NR > 1 { print $1 }'; } | LC_ALL=C sort -u >"$scratch/want.txt"
same "--tickers is the union with the rankings, one a line" "$scratch/tickers.txt" "$scratch/want.txt"
run universe events --filter 'rvol30 >> 2'
refuses "a filter that is none" 2 'filter, column 9'
run universe events --format parquet
refuses "Parquet without a file" 2 -- '--out FILE'
run universe events -s 1999-01-01 -e 1999-12-31
refuses "a range without lists" 4 'there are lists of'
run universe build --quiet -s "$last" -e "$last"
is "the ranking refuses to mix rules" "$rc" 1
run universe events --format csv
refuses "events refuse to mix rules" 4 'other rules' 'universe build'
run universe topn --quiet
refuses "topn, too" 4 'rankings never mix' "universe build -s"
run universe build "${loose[@]}" --quiet
succeeds "all lists of one kind again"

# ---- tried rules ----

before=$(lake_bytes "$lake" | sha256sum)
run universe try "${loose[@]}" --set rvol=2 --set pctchg=0.05 --format csv -s 2000-01-01
succeeds "universe try"
cp "$out" "$scratch/tried.csv"
is "nothing was written" "$(lake_bytes "$lake" | sha256sum)" "$before"
is "before the change there were the events" "$(awk -F, 'NR > 1 { n += $2 } END { print n + 0 }' "$scratch/tried.csv")" "$rich"
cat >"$scratch/tight.yaml" <<'YAML'
thresholds: {rvol: 2, pctchg: 0.05, dvol: 100000, max_price: 500, cap_max: 0}
YAML
cp -r "$lake" "$scratch/other"
run universe build --lake "$scratch/other" --universe-config "$scratch/tight.yaml" --quiet
run universe events --lake "$scratch/other" --format csv
awk -F, 'NR > 1 { n[$2]++ } END { for (d in n) print d "," n[d] }' "$out" | LC_ALL=C sort >"$scratch/built"
awk -F, 'NR > 1 && $3 > 0 { print $1 "," $3 }' "$scratch/tried.csv" >"$scratch/tried"
same "as a build with these rules would list" "$scratch/tried" "$scratch/built"
run universe try --set rvoll=3
refuses "a rule that is none" 2 'no such rule' 'rvol,'
run universe try --set rvol=much
refuses "a value that is none" 2 'must be a number'
run universe try
refuses "nothing to try" 2 'nothing to try'

# ---- proof: one thing at a time is put in a wrong place; it alone is told, with the command that mends it ----

proof=$scratch/proof
cp -r "$lake" "$proof"
run status --verify --lake "$proof" --format csv
succeeds "the lake can be proved"
# told NAME FILE PATTERN: `status --verify` has exactly one difference, of that file, and what it says matches the pattern.
told() {
  run status --verify --lake "$proof" --format csv
  grep '^verify,' "$out" >"$scratch/told"
  if [ "$rc" -eq 4 ] && [ "$(wc -l <"$scratch/told")" -eq 1 ] && grep -qF -- "$2" "$scratch/told" && grep -qE -- "$3" "$scratch/told"; then ok "$1"; else
    not_ok "$1 (exit status $rc)" "$scratch/told" "$err"
  fi
}
mended() { # NAME COMMAND...: the command that was told takes the difference away
  local name=$1
  shift
  run "$@" --lake "$proof" --quiet
  run status --verify --lake "$proof" --format csv
  succeeds "$name"
}
first=$(tail -n 3 <<<"$days" | head -n 1) second=$(tail -n 2 <<<"$days" | head -n 1)
plists=$proof/universe/info_rich
list() { echo "$plists/daily/date=$1/watchlist.parquet"; }
cp "$(list "$first")" "$(list "$second")"
told "a whole list in another day's folder" "date=$second/watchlist.parquet" "run 'tapedeck universe build -s $second -e $second'"
run watchlist "$second" --lake "$proof"
refuses "nobody takes it for that day's" 4 "is the list of $first" "universe build -s $second"
run universe topn "${loose[@]}" --lake "$proof" --quiet
refuses "nor does a ranking count it" 4 "is the list of $first" "universe build -s $second"
mended "its command mends it" universe build "${loose[@]}" -s "$second" -e "$second"
cat >"$scratch/none.yaml" <<'YAML'
thresholds: {min_price: 1000000, max_price: 1000001}
YAML
cp -r "$proof" "$scratch/void"
run universe build --universe-config "$scratch/none.yaml" --lake "$scratch/void" --quiet
is "lists without a row" "$("$TAPEDECK" parquet count "$scratch/void/universe/info_rich/daily/date=$first/watchlist.parquet" --format csv | sed -n '2s/.*,//p')" 0
cp "$scratch/void/universe/info_rich/daily/date=$first/watchlist.parquet" "$scratch/void/universe/info_rich/daily/date=$second/"
run status --verify --lake "$scratch/void" --format csv
is "one of them in another day's folder is told, too" "$(grep -c "^verify,.*date=$second/watchlist.parquet" "$out") $(grep -c '^verify,' "$out")" "1 1"
echo 'RUBBISH,1,2025-12-05' >>"$plists/topN_12m.csv"
told "rubbish behind the short list" topN_12m.csv "run 'tapedeck universe topn'"
mended "its command mends it" universe topn "${loose[@]}"
sed -i '$d' "$plists/topN_12m.csv"
told "a line of the short list lost" topN_12m.csv "run 'tapedeck universe topn'"
mended "its command mends it" universe topn "${loose[@]}"
months=$(ls "$plists/topn12m/rolling/month_end" | tail -n 2 | tr '\n' ' ')
if [ "$(wc -w <<<"$months")" -eq 2 ]; then
  cp "$plists/topn12m/rolling/month_end/${months% * }" "$plists/topn12m/rolling/month_end/$(cut -d' ' -f2 <<<"$months")"
  told "the ranking of another month" "$(cut -d' ' -f2 <<<"$months")" "run 'tapedeck universe snapshots'"
  mended "its command mends it" universe snapshots "${loose[@]}"
fi
bars=($(parquet_files "$proof/bronze/stocks_daily"))
month=$(sed 's/.*year=\([0-9]*\).month=\([0-9]*\).*/\1-\2/' <<<"${bars[0]}")
mv "${bars[0]}" "$scratch/away.parquet"
told "bars that the cache was made from are gone" "${bars[0]#"$proof/"}" "tapedeck ingest -t stocks_daily -s $month-01 .*tapedeck cache build --incremental"
mv "$scratch/away.parquet" "${bars[0]}"
cp "${bars[0]}" "$scratch/good.parquet"
cp "${bars[1]}" "${bars[0]}"
told "bars of another ticker" "${bars[0]#"$proof/"}" "holds bars of .*tapedeck ingest -t stocks_daily -s $month-01"
other=$(printf '%s\n' "${bars[@]}" | grep -F "/${bars[0]##*/}" | sed -n 2p)
cp "$other" "${bars[0]}"
told "bars of another month" "${bars[0]#"$proof/"}" "another month.*tapedeck ingest -t stocks_daily -s $month-01"
rm "${bars[0]}"
mended "rows without bars go with the next build" cache build --incremental
cp "$scratch/good.parquet" "${bars[0]}"
mended "and come back with their bars" cache build --incremental
run universe build "${loose[@]}" --quiet --lake "$proof"
run universe snapshots "${loose[@]}" --quiet --lake "$proof"
lake_bytes "$proof" | grep -E ' \./(bronze|cache|universe)/' | grep -v MANIFEST >"$scratch/got"
lake_bytes "$lake" | grep -E ' \./(bronze|cache|universe)/' | grep -v MANIFEST >"$scratch/want.proof"
same "after all of it the lake is what it was" "$scratch/got" "$scratch/want.proof"

# ---- explanations ----

# rvol30 = the day's volume over the mean of the window, both as explained, whatever splits lie between.
split=$("$TAPEDECK" parquet cat $(parquet_files "$lake/cache") --columns ticker,trading_day,flags --format csv 2>/dev/null | sed 's/"//g' | grep split_day | head -n 3)
checked=0 wrong=""
while IFS=, read -r number _ ticker _; do
  day=$(date -u -d "@$((number * 86400))" +%F)
  "$TAPEDECK" universe explain "$ticker" "$day" "${loose[@]}" --format csv >"$scratch/why.csv" 2>"$err" || wrong="$wrong $ticker $day: failed;"
  awk -F, '$1 == "rvol30" { r = $2 } $1 == "window" { m = $2 } $1 == "window row" { v = $2 } $1 == "info_rich" { rich = $3 }
    END { d = r * m - v; if (d < 0) d = -d; exit !(r != "" && m > 0 && d <= 1e-9 * v && rich == "true") }' "$scratch/why.csv" || wrong="$wrong $ticker $day;"
  checked=$((checked + 1))
done < <(awk -F, '$4 == "true"' "$scratch/lists.csv" | awk -v step=$((rich / 12 + 1)) 'NR % step == 0')
is "$checked explanations give rvol30 from their own rows" "$wrong" ""
after_split=0 wrong=""
while IFS=, read -r ticker day _; do
  [ -n "$ticker" ] || continue
  day=$(date -u -d "@$((day * 86400))" +%F)
  "$TAPEDECK" universe explain "$ticker" "$day" "${loose[@]}" --format csv >"$scratch/why.csv" 2>"$err" || wrong="$wrong $ticker $day: failed;"
  awk -F, '$1 == "rvol30" { r = $2 } $1 == "window" { m = $2 } $1 == "window row" { v = $2; if (/by the splits since/) scaled++ }
    END { d = r * m - v; if (d < 0) d = -d; exit !(m > 0 && d <= 1e-9 * v && scaled > 0) }' "$scratch/why.csv" || wrong="$wrong $ticker $day;"
  after_split=$((after_split + 1))
done <<<"$split"
if [ "$after_split" -gt 0 ]; then is "over $after_split splits, too" "$wrong" ""; else skip "over splits, too" "no split in so small a market"; fi
run universe explain "$(awk -F, 'NR == 2 { print $1 }' "$lists/topN_12m.csv")" "$last" "${loose[@]}"
succeeds "universe explain of the newest day"
holds "it names the file of the bars" grep -q 'bronze/stocks_minute/year=.*/ticker=.*parquet' "$out"
holds "and its bars by phase" grep -q '^bars regular' "$out"
finish
