#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# kill -9 at random instants of the demo, of an ingest and of a cache build: after every kill the lake can be read and says what
# happened, and the next undisturbed run leaves the same lake as a run that was never disturbed.
. "$(dirname "$0")/lib.sh"
RANDOM=${SEED:-20251205} # the instants are drawn from a seed; the machine's speed does the rest
case $FLAVOUR in
  release) market=(--tickers 50 --sessions 12) rounds=4 kills=3 ;;
  *) market=(--tickers 20 --sessions 5) rounds=4 kills=2 ;;
esac
killed=0

now_ms() { echo "${EPOCHREALTIME/./}" | sed 's/...$//'; }
# Let a command run for a while, between no time and PER MILLE of the milliseconds an undisturbed run takes; then kill it.
# It may have ended by itself: 1.
kill_somewhere() { # MILLISECONDS PER_MILLE COMMAND...
  local ms=$(($1 * (RANDOM % $2) / 1000)) pid
  shift 2
  "$@" >"$out" 2>"$err" </dev/null &
  pid=$!
  children+=("$pid")
  read -r -t "$((ms / 1000)).$(printf %03d $((ms % 1000)))" -u "$never"
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  rc=$?
  [ "$rc" -eq 137 ] || return 1
  killed=$((killed + 1))
}
# What must hold of a lake at any instant after a kill.
readable() { # NAME LAKE
  [ -d "$2" ] || { ok "$1: killed before there was a lake"; return; }
  parquet_files "$2" | tr '\n' '\0' | xargs -0 -r "$TAPEDECK" parquet verify --format csv >"$scratch/verify" 2>&1
  if [ "$?" -eq 0 ]; then ok "$1: every Parquet file is whole"; else grep -v ',good$' "$scratch/verify" >"$out"; not_ok "$1: every Parquet file is whole" "$out"; fi
  [ -f "$2/FORMAT" ] || return
  run status --lake "$2" --format csv
  succeeds "$1: status reads it"
  is "$1: the dead owner's job is not running" "$(grep -c '^job,.*,\(running\|paused\|stopping\),' "$out")" 0
  [ ! -f "$2/_runs/journal.jsonl" ] || is "$1: whole lines in the journal" "$(grep -vc '^{.*}$' "$2/_runs/journal.jsonl")" 0
}
# The lake after the repairing run, against the undisturbed one.
repaired() { # NAME LAKE UNDISTURBED
  lake_bytes "$3" >"$scratch/undisturbed"
  lake_bytes "$2" >"$scratch/repaired"
  if cmp -s "$scratch/undisturbed" "$scratch/repaired"; then
    ok "$1: the same lake, byte for byte"
  else
    lake_values "$3" >"$scratch/undisturbed.values"
    lake_values "$2" >"$scratch/repaired.values"
    same "$1: the same lake, value for value" "$scratch/repaired.values" "$scratch/undisturbed.values"
    diff "$scratch/undisturbed" "$scratch/repaired" | head -n 10 | sed 's/^/#   other bytes: /'
  fi
  is "$1: nothing left over" "$(strays "$2")" ""
}

# ---- the demo ----

started=$(now_ms)
run demo --headless "${market[@]}" --lake "$scratch/calm"
demo_ms=$(($(now_ms) - started))
succeeds "an undisturbed demo"
cp "$out" "$scratch/list"
for round in $(seq "$rounds"); do
  lake=$scratch/demo$round
  for kill in $(seq "$kills"); do
    kill_somewhere "$demo_ms" $((1100 - 300 * kill)) "$TAPEDECK" demo --headless "${market[@]}" --lake "$lake" && readable "demo $round.$kill" "$lake"
  done
  run demo --headless "${market[@]}" --lake "$lake"
  succeeds "demo $round: the next run ends well"
  same "demo $round: and prints the list" "$out" "$scratch/list"
  repaired "demo $round" "$lake" "$scratch/calm"
  rm -rf "$lake"
done

# ---- ingest, from a vendor that outlives its clients ----

start_sim "${market[@]}" --latency 20
curl -sf "$sim_url/sim/tickers?format=text" >"$scratch/tickers"
export MASSIVE_API_KEY=demo
ingest=(ingest -t stocks_minute -s 2025-11-03 -e 2025-12-05 --tickers-file "$scratch/tickers" --base-url "$sim_url" --max-concurrent 4 --quiet)
started=$(now_ms)
run "${ingest[@]}" --lake "$scratch/calm-ingest"
ingest_ms=$(($(now_ms) - started))
succeeds "an undisturbed ingest"
for round in 1 2 3; do
  lake=$scratch/ingest$round
  for kill in 1 2; do
    kill_somewhere "$ingest_ms" $((1200 - 300 * kill)) "$TAPEDECK" "${ingest[@]}" --incremental --lake "$lake" && readable "ingest $round.$kill" "$lake"
  done
  [ "$round" -eq 3 ] || ingest+=(--incremental) # the last one asks for everything again: merging doubles nothing
  run "${ingest[@]}" --lake "$lake"
  ingest=("${ingest[@]/--incremental/--quiet}")
  succeeds "ingest $round: the next run ends well"
  repaired "ingest $round" "$lake" "$scratch/calm-ingest"
  rm -rf "$lake"
done
stop_sim
unset MASSIVE_API_KEY

# ---- cache build ----

copy_bronze() { rm -rf "${2:?}" && mkdir "$2" && cp -r "$1/FORMAT" "$1/DEMO" "$1/bronze" "$2"; }
copy_bronze "$scratch/calm" "$scratch/calm-cache"
started=$(now_ms)
run cache build --lake "$scratch/calm-cache"
cache_ms=$(($(now_ms) - started))
succeeds "an undisturbed cache build"
# Six of them, and as many more as the runs above ended by themselves because the machine had become faster meanwhile.
attempts=0 cache_kills=0
while [ "$cache_kills" -lt 6 ] || [ "$killed" -lt 20 ]; do
  [ "$attempts" -lt 60 ] || break
  attempts=$((attempts + 1))
  lake=$scratch/cache$attempts
  copy_bronze "$scratch/calm" "$lake"
  started=$(now_ms)
  if kill_somewhere "$cache_ms" 950 "$TAPEDECK" cache build --lake "$lake"; then
    cache_kills=$((cache_kills + 1))
    readable "cache $cache_kills" "$lake"
    if [ $((cache_kills % 2)) -eq 0 ]; then run cache build --lake "$lake" --incremental; else run cache build --lake "$lake"; fi
    succeeds "cache $cache_kills: the next build ends well"
    repaired "cache $cache_kills" "$lake" "$scratch/calm-cache"
  elif [ $(($(now_ms) - started)) -lt "$cache_ms" ]; then
    cache_ms=$(((cache_ms + $(now_ms) - started) / 2)) # no more than this is needed now
  fi
  rm -rf "$lake"
done

# Killed while it builds over a finished cache: readers keep the old generation or get the new one.
copy_bronze "$scratch/calm" "$scratch/again"
cp -r "$scratch/calm/cache" "$scratch/calm/universe" "$scratch/again"
kill_somewhere "$cache_ms" 950 "$TAPEDECK" cache build --rebuild --lake "$scratch/again" && readable "a build over a finished cache" "$scratch/again"
run watchlist --lake "$scratch/again"
same "a list that was finished stays readable" "$out" "$scratch/list"
run cache build --lake "$scratch/again"
succeeds "and the next build ends well"
is "with the same cache" "$(lake_bytes "$scratch/again" | grep ' \./cache/')" "$(lake_bytes "$scratch/calm-cache" | grep ' \./cache/')"

if [ "$killed" -ge 20 ]; then ok "killed $killed times"; else
  not_ok "killed at least twenty times, was $killed: the runs are too short for the instants drawn"
fi
finish
