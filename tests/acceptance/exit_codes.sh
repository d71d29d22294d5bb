#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every exit status of the documented table, each reached in more than one way, and the table itself in the help.
. "$(dirname "$0")/lib.sh"
lake=$scratch/lake market=(--tickers 12 --sessions 4)
run demo --headless "${market[@]}" --lake "$lake"
[ "$rc" -eq 0 ] || give_up "a demo lake" "$err"
start_sim "${market[@]}"
minutes=(ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --quiet)
exits() { # STATUS NAME ARGUMENTS...
  local wanted=$1 name=$2
  shift 2
  run "$@"
  if [ "$rc" -ne "$wanted" ]; then
    not_ok "$wanted: $name (exit status $rc)" "$err" "$out"
  elif [ "$wanted" -ne 0 ] && [ ! -s "$err" ]; then
    not_ok "$wanted: $name says nothing on standard error"
  else
    ok "$wanted: $name"
  fi
}

while read -r status text; do
  holds "help lists $status" grep -qE "^ *$status[[:space:]]+$text" <("$TAPEDECK" help)
done <<'TABLE'
0 ok
1 some units failed
2 usage
3 configuration
4 bad or missing input data
5 network or authorisation
6 lock held by another process
7 input/output
130 interrupted
TABLE

exits 0 "help" help
exits 0 "help of a command" watchlist --help
exits 0 "the version" --version
exits 0 "a list" watchlist --lake "$lake"
exits 0 "status" status --lake "$lake"
exits 0 "a row count" parquet count "$lake/bronze/splits/splits.parquet"

# 1: some units failed, others did not.
cp -r "$lake" "$scratch/damaged"
echo damaged >"$scratch/damaged/bronze/stocks_minute/year=2025/month=12/ticker=RUNA.parquet"
exits 1 "a cache build over one damaged file" cache build --lake "$scratch/damaged" --quiet
printf 'timestamp,open,high,low,close,volume\n2025-12-01 15:00:00,1,2,1,2,3\n' >"$scratch/GOOD_1.csv"
printf 'a,b\n1,2\n' >"$scratch/ODD_1.csv"
exits 1 "an import of a good and an odd file" import "$scratch/GOOD_1.csv" "$scratch/ODD_1.csv" --as stocks_minute --ticker-from-name \
  --lake "$scratch/import" --quiet
is "the good file's row is in" "$(rows_in "$scratch/import/bronze")" 1

# 2: usage.
while read -r line; do
  read -r -a words <<<"$line"
  exits 2 "'$line'" "${words[@]}"
done <<'TABLE'
nonsense
watchlist --nonsense
watchlist 2025-13-45
watchlist --top many
watchlist --format xml
candles
candles A --tf 7m
chart A --width 0
ingest -t stocks_minute
ingest -t nonsense -s 2025-12-01 -e 2025-12-02
ingest -t stocks_minute -s 2025-12-05 -e 2025-12-01 --tickers A
cache build --preset nonsense
cache build -s 2025-12-05 -e 2025-12-01
candles A -s 2025-12-05 -e 2025-12-01
cache
import --as stocks_minute
sim --port 99999
sim --fault nonsense=1
parquet cat
quit
TABLE
unset MASSIVE_API_KEY
MASSIVE_API_KEY=demo exits 2 "an ingest without tickers into a lake without any" "${minutes[@]}" --base-url "$sim_url" --lake "$scratch/empty"
exits 2 "a column that does not exist" watchlist --lake "$lake" --columns nonsense
exits 2 "a filter that cannot be read" watchlist --lake "$lake" --filter 'rvol30 >'

# 3: configuration.
echo 'nonsense: 1' >"$scratch/bad.yaml"
exits 3 "an unknown key" status --lake "$lake" --config "$scratch/bad.yaml"
exits 3 "no such file" status --lake "$lake" --config "$scratch/none.yaml"
TAPEDECK_NOW=yesterday exits 3 "a clock that cannot be read" status --lake "$lake"

# 4: data.
exits 4 "no lake" watchlist --lake "$scratch/nowhere"
holds "and none is made by looking for it" test ! -e "$scratch/nowhere"
exits 4 "a lake that is a file" status --lake "$scratch/bad.yaml"
exits 4 "a session without a list" watchlist 2019-01-02 --lake "$lake"
holds "which names the nearest" grep -q '2024-09-26' "$err"
exits 4 "a day that is no session" watchlist 2025-11-29 --lake "$lake"
exits 4 "an unknown ticker" candles NOSUCH --lake "$lake"
exits 4 "a file that is no Parquet" parquet schema "$scratch/bad.yaml"
exits 4 "a file that is not there" parquet count "$scratch/none.parquet"
exits 4 "an import of a file that cannot be recognised" import "$scratch/ODD_1.csv" --as stocks_minute --ticker-from-name --lake "$scratch/import" --quiet
MASSIVE_API_KEY=demo exits 4 "a vendor without bars" "${minutes[@]}" --tickers NOSUCH --base-url "$sim_url" --lake "$scratch/nobars"

# 5: network and key.
MASSIVE_API_KEY=wrong exits 5 "a wrong key" "${minutes[@]}" --tickers MEGA --base-url "$sim_url" --lake "$scratch/network"
exits 5 "no key" "${minutes[@]}" --tickers MEGA --base-url "$sim_url" --lake "$scratch/network"
MASSIVE_API_KEY=demo TAPEDECK_RETRIES=1 exits 5 "nobody listens" "${minutes[@]}" --tickers MEGA --base-url http://127.0.0.1:1 --lake "$scratch/network"
holds "and what to do is said" grep -qi 'check the connection' "$err"

# 6: a lock, and 130: interrupted by each signal, with a lake that can go on.
slow_sim=$sim_pid
start_sim "${market[@]}" --latency 60000
for signal in INT TERM HUP; do
  # A shell without job control starts children with INT ignored; setsid and env give it back.
  MASSIVE_API_KEY=demo env --default-signal=INT "$TAPEDECK" "${minutes[@]}" --tickers MEGA,RUNA --base-url "$sim_url" --lake "$scratch/stopped" \
    >"$scratch/owner.out" 2>"$scratch/owner.err" </dev/null &
  owner=$!
  children+=("$owner")
  live_job() { grep -qs '"state":"running"' "$scratch/stopped/_runs/live/$owner-"*.json; }
  wait_until 60 live_job || give_up "an ingest runs" "$scratch/owner.err"
  if [ "$signal" = INT ]; then
    MASSIVE_API_KEY=demo exits 6 "a second writer" "${minutes[@]}" --tickers RUNA --base-url "$sim_url" --lake "$scratch/stopped"
    holds "which names the first one" grep -q "$owner" "$err"
  fi
  stop "$owner" "$signal"
  is "130: SIG$signal" "$rc" 130
  is "nothing half done is left by SIG$signal" "$(strays "$scratch/stopped")" ""
done
stop_sim
sim_pid=$slow_sim
is "the journal tells of three cancelled jobs" "$(grep -c '"state":"cancelled"' "$scratch/stopped/_runs/journal.jsonl")" 3

# 7: input and output.
if [ -e /dev/full ]; then
  "$TAPEDECK" watchlist --lake "$lake" >/dev/full 2>"$err"
  is "7: standard output is full" "$?" 7
else
  skip "7: standard output is full" "this machine has no /dev/full"
fi
TAPEDECK_DISK_FREE=1000000TiB exits 7 "less disk than limits.disk_free" cache build --lake "$lake" --rebuild
stop "$sim_pid"
finish
