#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# parquet cat --where, --rows, count --where and verify against awk over the full CSV: on a file of ours, on a copy of it whose
# statistics lie, and on a file of another writer; and what --verbose says was skipped.
. "$(dirname "$0")/lib.sh"
data=$TAPEDECK_SHARED/fixtures/market/minute/us_2025q1_ext/2025-02
foreign=$TAPEDECK_SHARED/fixtures/market/futures/es_candles_parquet/ES_1h_candles.parquet
[ -d "$data" ] && [ -f "$foreign" ] || skip_all "no fixtures under TAPEDECK_SHARED ($TAPEDECK_SHARED)"
lake=$scratch/lake
run import "$data/TSLA.csv.gz" --as stocks_minute --ticker-from-name --lake "$lake"
succeeds "a month of minutes imported"
ours=$(parquet_files "$lake/bronze/stocks_minute" | head -n 1)
run parquet pages "$ours" --format csv
pages=$(grep -c ',timestamp,.*,data' "$out")
[ "$pages" -ge 3 ] && ok "its columns have $pages pages" || not_ok "its columns have several pages" "$out"
run parquet meta "$ours" --format csv
holds "it is sealed" grep -qx 'statistics_seal,good' "$out"

ms() { echo "$(date -u -d "$1" +%s)000"; }

# ---- against awk ----

# column NAME: its place in the CSV at hand.
column() { head -n 1 "$full" | tr ',' '\n' | sed 's/:.*//' | grep -nx "$1" | cut -d: -f1; }
# asks NAME FILE FILTER AWK: the rows of the filter are the lines of the full CSV that awk chooses.
asks() {
  { head -n 1 "$full" && tail -n +2 "$full" | awk -F, "$4"; } >"$scratch/want"
  run parquet cat "$2" --where "$3" --format csv
  [ "$rc" -eq 0 ] && same "$1: $3" "$out" "$scratch/want" || not_ok "$1: $3" "$err"
  run parquet count "$2" --where "$3" --format csv
  is "$1: and as many are counted" "$(tail -n 1 "$out" | sed 's/.*,//')" "$(($(wc -l <"$scratch/want") - 1))"
}

full=$scratch/full.csv
"$TAPEDECK" parquet cat "$ours" --format csv >"$full"
t=$(column timestamp) v=$(column volume) c=$(column close)
asks_all() { # NAME FILE
  asks "$1" "$2" 'timestamp >= 2025-02-06' "\$$t >= $(ms 2025-02-06)"
  asks "$1" "$2" "timestamp >= '2025-02-06T14:30:00Z' and timestamp < '2025-02-06T14:45:00Z'" \
    "\$$t >= $(ms '2025-02-06 14:30') && \$$t < $(ms '2025-02-06 14:45')"
  asks "$1" "$2" 'timestamp between 2025-02-10 and 2025-02-11 and volume > 100k' \
    "\$$t >= $(ms 2025-02-10) && \$$t <= $(ms 2025-02-11) && \$$v > 100000"
  asks "$1" "$2" 'volume > 2e6 or timestamp < 2025-02-04' "\$$v > 2000000 || \$$t < $(ms 2025-02-04)"
  asks "$1" "$2" 'not (timestamp < 2025-02-27) and close <= 290' "\$$t >= $(ms 2025-02-27) && \$$c <= 290"
  asks "$1" "$2" 'abs(close - 350) < 0.5' "\$$c > 349.5 && \$$c < 350.5"
  asks "$1" "$2" 'timestamp > 2030-01-01' '0'
}
asks_all "ours" "$ours"

# ---- what is skipped ----

# effort: "READ OF" pages of the last run's --verbose.
effort() { sed -nE 's/.* ([0-9]+) of ([0-9]+) pages.*/\1 \2/p' "$err"; }
columns=$(head -n 1 "$full" | tr ',' '\n' | grep -c .)
run parquet cat "$ours" --where "timestamp >= '2025-02-06T14:30:00Z' and timestamp < '2025-02-06T14:45:00Z'" --verbose --format csv
is "a quarter of an hour opens one page a column" "$(effort)" "$columns $((columns * pages))"
run parquet cat "$ours" --where 'timestamp > 2030-01-01' --verbose --format csv
is "a time after the file opens none" "$(effort)" "0 $((columns * pages))"
run parquet cat "$ours" --where 'volume > 1e12' --columns close --verbose
holds "no row matches the volume: its statistics say so" grep -q ' 0 of 1 row groups' "$err"
run parquet cat "$foreign" --where 'date >= 2025-08-01' --verbose --format csv
holds "of another writer's file it says why statistics skip nothing" grep -q 'not sealed by tapedeck' "$err"

# ---- rows, columns, limits ----

rows=$(($(wc -l <"$full") - 1))
takes() { # NAME WANT ARGUMENTS...: the CSV is the header and what the command in WANT prints
  local name=$1 want=$2
  shift 2
  { head -n 1 "$full" && eval "$want"; } >"$scratch/want"
  run parquet cat "$ours" "$@" --format csv
  [ "$rc" -eq 0 ] && same "$name" "$out" "$scratch/want" || not_ok "$name" "$err"
}
takes "--rows 100..199" 'sed -n 101,200p "$full"' --rows 100..199
takes "--rows 8190..8195 across pages" 'sed -n 8191,8196p "$full"' --rows 8190..8195
takes "--rows -1000.. is the last thousand" 'tail -n 1000 "$full"' --rows -1000..
takes "--rows ..5" 'sed -n 2,6p "$full"' --rows ..5
takes "--rows past the end" 'true' --rows $((rows + 1))..
takes "--rows, --where and --limit together" "sed -n 9001,12001p \"\$full\" | awk -F, '\$$v > 20000' | head -n 7" \
  --rows 9000..12000 --where 'volume > 20000' --limit 7
run parquet cat "$ours" --rows -1000.. --verbose --format csv
is "the last thousand rows open the last page of each column" "$(effort)" "$columns $((columns * pages))"
run parquet cat "$ours" --columns close,timestamp --where 'volume > 2e6' --format csv
tail -n +2 "$full" | awk -F, "\$$v > 2000000 { print \$$c \",\" \$$t }" >"$scratch/want"
tail -n +2 "$out" >"$scratch/have"
same "--columns shows what --where does not name" "$scratch/have" "$scratch/want"
run parquet head "$ours" --where 'volume > 2e6' -n 3 --format csv
is "head takes --where" "$(tail -n +2 "$out")" "$(tail -n +2 "$full" | awk -F, "\$$v > 2000000" | head -n 3)"
run parquet count "$ours" --rows 5..10 --format csv
is "count takes --rows" "$(tail -n 1 "$out" | sed 's/.*,//')" 6
for bad in 5 0.. a..b 1..2..3 ..0 1.5..2; do
  run parquet cat "$ours" --rows "$bad"
  refuses "--rows $bad" 2 'rows'
done
for bad in '' , nonsense clos close,close; do
  run parquet cat "$ours" --columns "$bad"
  refuses "--columns '$bad'" 2 'column'
done

# ---- a file of another writer ----

full=$scratch/foreign.csv
"$TAPEDECK" parquet cat "$foreign" --format csv >"$full"
t=$(column date) v=$(column volume) c=$(column close)
asks "foreign" "$foreign" 'date >= 2025-08-01 and volume > 50000' "\$$t >= $(ms 2025-08-01)000000 && \$$v != \"\" && \$$v > 50000"
asks "foreign" "$foreign" 'close < 100 or close is null' "\$$c == \"\" || \$$c < 100"

# ---- statistics that lie ----

le64() { # NUMBER: eight bytes, least first, as \x escapes
  local number=$1 text="" i
  for ((i = 0; i < 8; i++)); do
    text+=$(printf '\\x%02x' $((number & 255)))
    number=$((number >> 8))
  done
  echo "$text"
}
full=$scratch/full.csv
t=$(column timestamp) v=$(column volume) c=$(column close)
first=$(sed -n 2p "$full" | cut -d, -f"$t") last=$(tail -n 1 "$full" | cut -d, -f"$t")
cp "$ours" "$scratch/liar.parquet"
chmod u+w "$scratch/liar.parquet"
told=0
while IFS=: read -r at _; do # every place that names the last stamp as a maximum now names the first
  printf "$(le64 "$first")" | dd of="$scratch/liar.parquet" bs=1 seek="$at" conv=notrunc 2>/dev/null
  told=$((told + 1))
done < <(LC_ALL=C grep -obUaP "$(le64 "$last")" "$scratch/liar.parquet")
[ "$told" -ge 2 ] && ok "a copy lies in $told places" || not_ok "a copy lies"
asks_all "the liar" "$scratch/liar.parquet"
run parquet cat "$scratch/liar.parquet" --where 'timestamp >= 2025-02-27' --verbose --format csv
holds "it is not believed, and that is said" grep -q 'seal of the file.s statistics does not match' "$err"
run parquet count "$scratch/liar.parquet" --where 'timestamp >= 2025-02-27' --trust-statistics --format csv
is "who trusts it loses rows" "$(tail -n 1 "$out" | sed 's/.*,//')" 0

# ---- a signal ends it ----

# 158 bytes that claim 2^31 - 1 nulls, and are right.
base64 -d >"$scratch/nulls.parquet" <<'END'
UEFSMRUGFQwVDFwV/v///w8V/v///w8V/v///w8VABUMFQAAAP7///8PABUCGSxIBnNjaGVtYRUCABUEJQIYAWEAFv7///8PGRwZHCYAHBUEGS
UABhkYAWEVABb+////DxZOFk4mCAAAFk4W/v///w8AKBxwYXJxdWV0LW9yYWNsZSB2ZXJzaW9uIDEuMC4wGRwcAAAAawAAAFBBUjE=
END
run parquet count "$scratch/nulls.parquet" --format csv
is "158 bytes hold 2^31 - 1 rows" "$(tail -n 1 "$out" | sed 's/.*,//')" 2147483647
run parquet cat "$scratch/nulls.parquet" --rows -2.. --format csv
is "the last of them are at hand" "$(wc -l <"$out")" 3
for filter in '' 'a is null'; do
  # Into a pipe whose reader keeps nothing: no disk fills up, however late the signal comes.
  rm -f "$scratch/pipe" "$scratch/begun"
  mkfifo "$scratch/pipe"
  { head -c 1 >"$scratch/begun"; exec cat >/dev/null; } <"$scratch/pipe" &
  reader=$!
  "$TAPEDECK" parquet cat "$scratch/nulls.parquet" --format csv ${filter:+--where "$filter"} >"$scratch/pipe" 2>"$err" &
  pid=$!
  children+=("$reader" "$pid")
  wait_until 120 test -s "$scratch/begun"
  stop "$pid"
  is "cat ${filter:+--where '$filter' }ends at SIGTERM" "$rc" 130
  wait "$reader"
done
# Verification passes runs of nulls at a glance: many such files keep it busy. It is stopped when it has worked for a while; its
# rows come out in blocks and tell too late.
many=()
for ((i = 0; i < 2000; i++)); do many+=("$scratch/nulls.parquet"); done
worked() { [ "$(sed 's/.*) //' "/proc/$1/stat" | cut -d ' ' -f 12)" -ge 50 ]; } # PID: half a second of processor time
"$TAPEDECK" parquet verify "${many[@]}" --format csv >"$scratch/rows" 2>"$err" </dev/null &
pid=$!
children+=("$pid")
wait_until 120 worked "$pid"
stop "$pid"
is "verify ends at SIGTERM" "$rc" 130
holds "and says so" grep -q 'interrupted' "$err"
is "files that were not looked at have no row" "$([ "$(wc -l <"$scratch/rows")" -lt 2001 ] && echo fewer)" fewer

# ---- verify ----

run parquet verify "$ours" --format csv
succeeds "our file is good"
is "in one line" "$(tail -n +2 "$out")" "$ours,$rows,,,,,good"
run parquet verify "$scratch/liar.parquet" --format csv
is "the liar's exit status" "$rc" 4
holds "the broken seal is named" grep -q ',the seal does not match' "$out"
holds "the chunk's maximum is named, with its place" grep -qE ',timestamp,0,,[0-9]+,the chunk.s maximum is passed' "$out"
holds "the column index is named, with its page" grep -qE ",timestamp,0,$((pages - 1)),[0-9]+,the column index.s maximum is passed" "$out"
is "and nothing else" "$(tail -n +2 "$out" | grep -vcE 'seal does not match|maximum is passed|claims to be exact|breaks that order')" 0
run parquet pages "$ours" --format csv
at=$(awk -F, '$2 == "close" && $4 == "data" { print $7; exit }' "$out")
cp "$ours" "$scratch/hurt.parquet"
chmod u+w "$scratch/hurt.parquet"
printf 'ouch' | dd of="$scratch/hurt.parquet" bs=1 seek=$((at + 200)) conv=notrunc 2>/dev/null
run parquet verify "$scratch/hurt.parquet" "$ours" --format csv
is "a damaged page's exit status" "$rc" 4
is "it alone is named, and the other file is good" "$(tail -n +2 "$out" | sed 's/.*parquet,//')" \
  "$(printf ',close,0,%s,%s,the page does not match its checksum\n%s,,,,,good' "$(awk -F, -v at="$at" '$2 == "close" && $7 == at { print $3 }' <("$TAPEDECK" parquet pages "$ours" --format csv))" "$at" "$rows")"
finish
