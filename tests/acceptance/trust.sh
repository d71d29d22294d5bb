#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Trust, end to end against the simulated vendor: holes are found, their commands fill them, and what was fetched is no more than
# what the plan said; a lake made so validates at 100, and a spoilt one says which check; outcomes equal a second computation
# from the bars of bronze.
. "$(dirname "$0")/lib.sh"
export TAPEDECK_NOW=2025-12-08T15:00:00Z TAPEDECK_LAKE=$scratch/lake MASSIVE_API_KEY=demo
mkdir -p "$scratch/bin" && ln -s "$TAPEDECK" "$scratch/bin/tapedeck"
export PATH=$scratch/bin:$PATH # the commands that are printed begin with `tapedeck`
if full; then size=(--tickers 24 --sessions 25) first=2025-10-31; else size=(--tickers 12 --sessions 8) first=2025-11-25; fi
start_sim "${size[@]}" --end 2025-12-05 --seed 3
export TAPEDECK_BASE_URL=$sim_url
lake=$TAPEDECK_LAKE

cell() { awk -F, -v want="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == want) at = i; next } { print $at }' "$out"; } # COLUMN of the last CSV
total() { cell "$1" | awk '{ n += $1 } END { print n + 0 }'; }
unknown() { run coverage -t "$1" -s "$2" -e 2025-12-05 --format csv && total unknown; } # TABLE FROM

run coverage
refuses "an empty lake has no coverage, and says what brings bars" 4 'tapedeck ingest|demo'
for table in tickers splits; do run ingest -t "$table" --quiet; succeeds "ingest -t $table"; done
names=(MEGA RUNA RUNB RVSA WARRW RSPA)
all=$(IFS=,; echo "${names[*]}")
run ingest -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$all" --quiet
succeeds "daily bars of a year"
run ingest -t stocks_minute -s "$first" -e 2025-12-05 --tickers "$all" --quiet
succeeds "minute bars of some weeks"
is "nothing is unknown in what was fetched" "$(unknown stocks_minute "$first") $(unknown stocks_daily 2025-01-02)" "0 0"
run coverage -t stocks_daily -s 2025-01-02 --format csv
sessions=$(total sessions)
is "traded + known empty = sessions" "$(($(total traded) + $(total empty)))" "$sessions"

# ---- holes: files that are gone, a month that was fetched to its middle, tickers that were never asked for ----

rm "$lake"/bronze/stocks_daily/year=2025/month=0[4-6]/ticker=RUN?.parquet "$lake/bronze/stocks_daily/year=2025/month=09/ticker=MEGA.parquet" \
  "$lake/bronze/stocks_minute/year=2025/month=12/ticker=RVSA.parquet"
rm "$lake/bronze/stocks_minute/year=2025/month=12/ticker=RSPA.parquet"
run ingest -t stocks_minute -s 2025-12-01 -e 2025-12-02 --tickers RSPA --quiet
lost=$(unknown stocks_daily 2025-01-02)
is "the daily holes are seen to the session" "$lost" $((2 * 62 + 21))
run coverage -t stocks_minute -s 2025-12-01 -e 2025-12-05 --holes --format csv
is "so are the minute ones" "$(cell ticker | tr '\n' ' ')$(cell unknown | tr '\n' ' ')$(cell glyph | tr '\n' ' ')" "RSPA RVSA 3 5 4 . "
is "the hole of a half fetched month is its end" "$(cell from | head -n 1) $(cell to | head -n 1)" "2025-12-03 2025-12-05"
run coverage -t stocks_minute -s 2025-12-01 -e 2025-12-05
holds "the table names the command that fills the hole" grep -q 'tapedeck ingest -t stocks_minute -s 2025-12-03 -e 2025-12-05 --tickers RSPA$' "$out"

# Every hole by its own command.
run coverage -t stocks_minute -s 2025-12-01 -e 2025-12-05 --holes --format csv
cell command >"$scratch/commands"
holds "each command runs as it is printed" bash -e "$scratch/commands"
is "and its hole is gone" "$(unknown stocks_minute 2025-12-01)" 0

# All of them by the plan, with tickers and months that nobody has asked for yet.
wide=$all,LEVX,FWDA
run coverage -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$wide" --plan --format csv
succeeds "a plan"
planned=$(total requests) promised=$(total unknown) commands=$(cell command | grep -c .)
run coverage -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$wide" --format csv
is "it promises every unknown session" "$promised" "$(total unknown)"
holds "tickers with the same holes share a command" test "$commands" -lt 6
run coverage -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$wide" --plan --format json
holds "as json, too" grep -q '"requests":.*"command":"tapedeck ingest -t stocks_daily ' "$out"
run coverage -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$wide" --plan
grep '^tapedeck ' "$out" | sed 's/$/ --format json --quiet/' >"$scratch/plan"
holds "the plan runs as it is printed" bash -e -c '. "$1" >"$2"' plan "$scratch/plan" "$scratch/reports"
asked=$(sed -nE 's/.*"units_planned":([0-9]+).*"skipped":([0-9]+).*/\1 \2/p' "$scratch/reports" | awk '{ n += $1 - $2 } END { print n + 0 }')
is "it asked for as much as it said" "$asked" "$planned"
run coverage -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$wide" --format csv
is "and no hole is left" "$(total unknown)" 0
run coverage -t stocks_daily -s 2025-01-02 -e 2025-12-05 --tickers "$wide" --plan
is "so the next plan is empty" "$(grep -c '^tapedeck' "$out")" 0

# A month that was imported is not filled by the vendor, and the plan does not pretend so.
mkdir "$scratch/files"
{
  echo date,open,high,low,close,volume
  echo 2025-10-01,1,2,1,2,100
  echo 2025-10-03,1,2,1,2,100
} >"$scratch/files/XYZ.csv"
run import "$scratch/files/XYZ.csv" --as stocks_daily --ticker-from-name --sparse --quiet
succeeds "a sparse import"
run coverage -t stocks_daily -s 2025-10-01 -e 2025-10-31 --tickers XYZ --holes --format csv
is "an imported month names the import that would fill it" "$(cell command)" "tapedeck import FILE --as stocks_daily --ticker XYZ"
run coverage -t stocks_daily -s 2025-10-01 -e 2025-10-31 --tickers XYZ --plan
is "and is in no plan" "$(grep -c '^tapedeck' "$out")" 0
rm "$lake/bronze/stocks_daily/year=2025/month=10/ticker=XYZ.parquet"

# ---- validate ----

run validate --all
refuses "nothing to validate without a cache" 4 'nothing to validate'
run cache build --quiet && run universe build --quiet
succeeds "cache and lists"
scores() { awk -F, '$1 == "score" && $2 != "overall" { printf "%s%s %s", sep, $2, ($3 == 100 ? 100 : $3 == "" ? "none" : "below"); sep = "  " }' "$out"; }
whole="coverage 100  consistency 100  continuity [a-z0-9]+  ranking 100"
run validate --all --format csv
succeeds "a lake made by the real path is good"
scores >"$scratch/scores"
holds "every exact check is at 100" grep -qE "^$whole$" "$scratch/scores"
run validate --all --threshold 100 --format json
holds "a score below the threshold ends with 1, else with 0" test "$rc" -eq "$(grep -q 'continuity 100' "$scratch/scores" && echo 0 || echo 1)"
run validate --sample 3 --seed 5 --format csv
cp "$out" "$scratch/one"
run validate --sample 3 --seed 5 --format csv
same "a seed gives the same sample and the same words" "$scratch/one" "$out"
holds "progress stands on standard error" grep -q '^validate ' "$err"
holds "the journal has the run" grep -q '"job":"validate"' "$lake/_runs/journal.jsonl"
run validate --all --sample 3
refuses "all or some" 2 'choose one'
mv "$lake/bronze/stocks_daily/year=2025/month=05/ticker=MEGA.parquet" "$scratch/away.parquet"
run validate --tickers MEGA --format csv
is "a file that is gone: exit status" "$rc" 1
is "and coverage is what it lowers" "$(scores | sed 's/continuity [a-z0-9]*/continuity/')" "coverage below  consistency 100  continuity  ranking 100"
run validate --tickers MEGA
holds "the table says where to look" grep -qE '^coverage +MEGA +2025-05-01 +unknown +21 ' "$out"
holds "and names the check" grep -q 'below the threshold: coverage' "$err"
mv "$scratch/away.parquet" "$lake/bronze/stocks_daily/year=2025/month=05/ticker=MEGA.parquet"
run validate --tickers MEGA --quiet
succeeds "put back, all is well"

# Another preset, and real bars: the second formulation finds nothing there either.
cp -r "$lake" "$scratch/seed"
run cache build --preset seed --rebuild --quiet --lake "$scratch/seed" && run universe build --quiet --lake "$scratch/seed"
run validate --all --format csv --lake "$scratch/seed"
scores >"$scratch/scores"
holds "preset seed: every exact check is at 100" grep -qE "^$whole$" "$scratch/scores"
real=$TAPEDECK_SHARED/fixtures/market/minute/us_2025q1_ext
if [ -d "$real" ]; then
  if full; then pick='*.csv.gz'; else pick='A[PF]*.csv.gz'; fi
  run import "$real"/2025-0[12]/$pick --as stocks_minute --ticker-from-name --quiet --lake "$scratch/real"
  run cache build --quiet --lake "$scratch/real" && run universe build --quiet --lake "$scratch/real"
  run validate --all --format csv --lake "$scratch/real"
  succeeds "real minutes of 39 sessions validate"
  scores >"$scratch/scores"
  holds "and every exact check is at 100" grep -qE "^$whole$" "$scratch/scores"
  # The same minutes in a lake that somebody else laid out, ticker first.
  (cd "$scratch/real/bronze/stocks_minute" && parquet_files .) | while IFS=/ read -r _ year month file; do
    ticker=${file#ticker=} place=$scratch/first/${ticker%.parquet}/$year/$month
    mkdir -p "$place" && cp "$scratch/real/bronze/stocks_minute/$year/$month/$file" "$place/part-0.parquet"
  done
  run cache build --intraday-root "$scratch/first" --quiet --lake "$scratch/elsewhere" && run universe build --quiet --lake "$scratch/elsewhere"
  run validate --all --format csv --lake "$scratch/elsewhere" --intraday-root "$scratch/first"
  scores >"$scratch/scores"
  holds "a cache of minutes that lie elsewhere is validated against them" grep -qE "^$whole$" "$scratch/scores"
else
  skip "real minutes validate" "no fixtures under TAPEDECK_SHARED"
fi

# ---- outcome: a second computation from daily bars and splits ----

run cache build --bars day --rebuild --quiet && run universe build --quiet
succeeds "a cache of daily bars"
run outcome --rows all --format csv
succeeds "outcome"
cp "$out" "$scratch/outcome.csv"
parquet_files "$lake/bronze/stocks_daily" | while read -r file; do "$TAPEDECK" parquet cat "$file" --format csv --columns ticker,timestamp,open,high,low,close | tail -n +2; done >"$scratch/bars"
"$TAPEDECK" parquet cat "$(parquet_files "$lake/bronze/splits" | head -n 1)" --format csv --columns ticker,execution_date,split_from,split_to | tail -n +2 >"$scratch/splits"
for name in "${names[@]}" LEVX FWDA; do
  "$TAPEDECK" parquet cat "$lake/cache/daily/ticker=$name/daily.parquet" --format csv --columns ticker,trading_day,flags | tail -n +2
done >"$scratch/flags"
cat >"$scratch/second.awk" <<'AWK'
# Days since 1970 in bronze's dates; bars are stamped New York midnight in UTC milliseconds.
function day_of(ms) { return int((ms - 4 * 3600000) / 86400000) }
function civil(text,   y, m, d, era, yoe, doy) { # days since 1970 of YYYY-MM-DD
  y = substr(text, 1, 4) + 0; m = substr(text, 6, 2) + 0; d = substr(text, 9, 2) + 0
  if (m <= 2) y--
  era = int(y / 400); yoe = y - era * 400; doy = int((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5) + d - 1
  return era * 146097 + yoe * 365 + int(yoe / 4) - int(yoe / 100) + doy - 719468
}
function shares(ticker, from, to,   k, f) { f = 1; for (k = 1; k <= splits[ticker]; k++) if (on[ticker, k] > from && on[ticker, k] <= to) f *= factor[ticker, k]; return f }
function far(a, b,   d) { if (a == "" || b == "") return a != b; d = a - b; return d > 1e-9 || d < -1e-9 }
FILENAME ~ /splits$/ { gsub(/"/, "", $1); splits[$1]++; on[$1, splits[$1]] = $2; factor[$1, splits[$1]] = $4 / $3; next }
FILENAME ~ /bars$/ { gsub(/"/, "", $1); d = day_of($2); open[$1, d] = $3; high[$1, d] = $4; low[$1, d] = $5; close_[$1, d] = $6; traded[d] = 1; next }
FILENAME ~ /flags$/ { gsub(/"/, ""); if ($3 ~ /split_suspect|new_listing/) odd[$1, $2] = 1; next }
FNR == 1 { n = 0; for (d = 0; d < 30000; d++) if (d in traded) { session[++n] = d; at[d] = n } next }
{
  ticker = $1; i = at[civil($2)]; d = session[i]; next_ = session[i + 1]; five = session[i + 5]
  for (k = 1; k <= 5; k++) if (i + k <= n && (ticker, session[i + k]) in odd) { skipped++; next }
  c = close_[ticker, d]
  gap = high_ = low_ = ret = fade = r5 = ""
  if (next_ != "" && (ticker, next_) in close_) {
    f = shares(ticker, d, next_)
    gap = open[ticker, next_] * f / c - 1; high_ = high[ticker, next_] * f / c - 1; low_ = low[ticker, next_] * f / c - 1
    ret = close_[ticker, next_] * f / c - 1; fade = close_[ticker, next_] + 0 < open[ticker, next_] + 0 ? "true" : "false"
  }
  if (five != "" && (ticker, five) in close_) r5 = close_[ticker, five] * shares(ticker, d, five) / c - 1
  if (far($6, gap) || far($7, high_) || far($8, low_) || far($9, ret) || $10 != fade || far($12, r5)) { bad++; if (bad < 5) print $0, "|", gap, high_, low_, ret, fade, r5 }
  rows++; known += r5 != ""
}
END { print rows + 0, known + 0, bad + 0, skipped + 0 }
AWK
awk -F, -f "$scratch/second.awk" "$scratch/splits" "$scratch/bars" "$scratch/flags" "$scratch/outcome.csv" >"$scratch/second"
read -r rows known bad skipped < <(tail -n 1 "$scratch/second")
note "$rows outcomes compared, $known of them after five sessions, $skipped beside an unexplained jump left out"
if [ "$bad" -eq 0 ] && [ "$known" -gt 500 ]; then ok "every outcome equals the second computation"; else not_ok "every outcome equals the second computation" "$scratch/second"; fi

# Statistics, added up again from those rows.
run outcome --rows all --stats --format csv
succeeds "outcome --stats"
awk -F, 'NR > 1 { days[$1]++; if ($9 != "") { n[$1]++; sum[$1] += $9; if ($4 != "" && $4 + 0 != 0) { c[$1]++; went[$1] += ($4 > 0 && $9 > 0) || ($4 < 0 && $9 < 0) } }
  if ($10 != "") { f[$1]++; faded[$1] += $10 == "true" } }
  END { for (t in days) printf "%s,%d,%d,%d,%.9f,%d,%.9f,%.9f\n", t, days[t], n[t], c[t], went[t] / c[t], f[t], faded[t] / f[t], sum[t] / n[t] }' "$scratch/outcome.csv" | sort >"$scratch/mine"
awk -F, 'NR > 1 { printf "%s,%d,%d,%d,%.9f,%d,%.9f,%.9f\n", $1, $2, $3, $4, $5, $6, $7, $8 }' "$out" | sort >"$scratch/theirs"
same "equal what its rows add up to" "$scratch/mine" "$scratch/theirs"
run outcome --filter 'return_next > 0'
refuses "a filter knows no column that looks ahead" 2 'return_next'
run watchlist --columns return_next
refuses "and no watchlist has one" 2 'return_next'
stop_sim
finish
