#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Whatever is wrong from outside ends in one clear message that names cause and fix, the right exit status, and a lake that has
# lost nothing.
. "$(dirname "$0")/lib.sh"
lake=$scratch/lake market=(--tickers 12 --sessions 4)
run demo --headless "${market[@]}" --lake "$lake"
[ "$rc" -eq 0 ] || give_up "a demo lake" "$err"
lake_bytes "$lake" >"$scratch/before"
start_sim "${market[@]}"
ingest=(ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --base-url "$sim_url" --lake "$lake")
export MASSIVE_API_KEY=demo

# ---- unknown ticker ----

run candles RUNN --lake "$lake"
refuses "an unknown ticker" 4 RUNN "no bars" "did you mean RUN" "tapedeck ingest"
run candles runa --lake "$lake"
refuses "a ticker in the wrong case" 4 runa "case matters"
run chart RUNN --lake "$lake"
refuses "an unknown ticker's chart" 4 RUNN
run ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --base-url "$sim_url" --lake "$scratch/elsewhere" --tickers NOSUCH --quiet
refuses "a ticker that the vendor does not know" 4 "no bars" spelling
untouched "after unknown tickers the lake is what it was" "$scratch/before" "$lake"

# ---- wrong key, no key ----

MASSIVE_API_KEY=not-the-key run "${ingest[@]}" --tickers MEGA,RUNA,RUNB
refuses "a wrong key" 5 "key" "MASSIVE_API_KEY"
untouched "after a wrong key the lake is what it was" "$scratch/before" "$lake"
unset MASSIVE_API_KEY
run "${ingest[@]}" --tickers MEGA
refuses "no key at all" 5 "no API key" "MASSIVE_API_KEY" credentials
mkdir -p "$XDG_CONFIG_HOME/tapedeck"
echo 'api_key: demo' >"$XDG_CONFIG_HOME/tapedeck/credentials"
chmod 644 "$XDG_CONFIG_HOME/tapedeck/credentials"
run "${ingest[@]}" --tickers MEGA
refuses "a credentials file that others can read" "$(grep -qi 'credentials' "$err" && echo "$rc" || echo -1)" credentials "600"
chmod 600 "$XDG_CONFIG_HOME/tapedeck/credentials"
run "${ingest[@]}" --tickers MEGA
succeeds "the same file of mode 600"
rm "$XDG_CONFIG_HOME/tapedeck/credentials"
export MASSIVE_API_KEY=demo

# ---- configuration ----

run watchlist --lake "$lake" --config "$scratch/none.yaml"
refuses "a configuration file that is not there" 3 "none.yaml" "--config"
while IFS='|' read -r name text pattern; do
  printf '%b' "$text" >"$scratch/bad.yaml"
  run watchlist --lake "$lake" --config "$scratch/bad.yaml"
  refuses "configuration: $name" 3 "bad.yaml:[0-9]+" "$pattern"
done <<'TABLE'
a misspelled key|limits:\n  worker: 3\n|did you mean 'limits.workers'
an unknown section|limit:\n  workers: 3\n|limit
a wrong type|limits:\n  workers: many\n|limits.workers.*number
a key given twice|lake: a\nlake: b\n|lake
no YAML at all|limits: [1, 2\n|yaml|.
TABLE
printf 'thresholds:\n  rvoll: 3\n' >"$scratch/bad.yaml"
run universe build --lake "$lake" --universe-config "$scratch/bad.yaml"
refuses "a misspelled key in universe.yaml" 3 "bad.yaml:2" "did you mean 'thresholds.rvol'"
TAPEDECK_WORKERS=many run watchlist --lake "$lake"
refuses "a wrong value in the environment" 3 TAPEDECK_WORKERS many
untouched "after wrong configurations the lake is what it was" "$scratch/before" "$lake"

# ---- damaged Parquet in bronze ----

victim=$lake/bronze/stocks_minute/year=2025/month=12/ticker=RUNA.parquet
cp "$victim" "$scratch/whole.parquet"
footer_at() { # FILE: where the footer begins, from its length in the last eight bytes
  local size
  size=$(stat -c %s "$1")
  echo $((size - 8 - $(od -An -tu4 -j $((size - 8)) -N 4 "$1")))
}
damage() { # HOW
  cp "$scratch/whole.parquet" "$victim"
  case $1 in
    "a flipped byte in a page") printf '\xff\xfe\xfd\xfc' | dd of="$victim" bs=1 seek=700 conv=notrunc status=none ;;
    "a cut file") head -c 900 "$scratch/whole.parquet" >"$victim" ;;
    "a damaged footer") printf '\xff\xff\xff\xff' | dd of="$victim" bs=1 seek="$(footer_at "$victim")" conv=notrunc status=none ;;
    "an empty file") : >"$victim" ;;
    "another kind of file") zcat -f "$repo/LICENSE" >"$victim" ;;
  esac
}
for how in "a flipped byte in a page" "a cut file" "a damaged footer" "an empty file" "another kind of file"; do
  damage "$how"
  run candles RUNA --lake "$lake"
  refuses "$how: candles" 4 "ticker=RUNA.parquet" "set the file aside" "ingest"
  run cache build --lake "$lake" --quiet
  refuses "$how: cache build does the other tickers and names this one" 1 "RUNA" "ticker=RUNA.parquet" "set the file aside"
  run parquet verify "$victim"
  [ "$rc" -eq 4 ] && ok "$how: verify" || not_ok "$how: verify (exit status $rc)" "$err"
  run "${ingest[@]}" --tickers RUNA --quiet
  [ "$rc" -ne 0 ] && ok "$how: nothing is merged into it" || not_ok "$how: an ingest over it said nothing" "$out"
  run watchlist --lake "$lake"
  succeeds "$how: the finished lists stay readable"
done
mv "$victim" "$scratch/aside"
run "${ingest[@]}" --tickers RUNA --quiet
succeeds "the fix that was named: bring the bars in again"
same "gives the file that was" "$victim" "$scratch/whole.parquet"
run cache build --lake "$lake" --quiet
run universe build --lake "$lake" --quiet
untouched "and the lake that was" "$scratch/before" "$lake"
for part in cache universe; do
  file=$(parquet_files "$lake/$part" | grep -E 'RUNA|date=2025-12-05')
  cp "$file" "$scratch/kept.parquet"
  head -c 500 "$scratch/kept.parquet" >"$file"
  if [ "$part" = cache ]; then run universe build --lake "$lake" --quiet; else run watchlist 2025-12-05 --lake "$lake" --quiet; fi
  case $rc in
    0) not_ok "a cut file in $part is not noticed" "$out" ;;
    *) refuses "a cut file in $part" "$rc" "${file##*/}" "tapedeck $part build" ;;
  esac
  if [ "$part" = cache ]; then run cache build --rebuild --lake "$lake" --quiet; else run universe build --lake "$lake" --quiet; fi
  succeeds "the command it names"
  same "makes the file that was" "$file" "$scratch/kept.parquet"
done

# ---- CSV ----

lake_bytes "$lake" >"$scratch/before"
bars() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "2025-12-01 15:%02d:00,%.2f,%.2f,%.2f,%.2f,%d\n", i, 10 + i / 100, 10.5 + i / 100, 9.5 + i / 100, 10.2 + i / 100, 100 + i }'; }
{ echo timestamp,open,high,low,close,volume; bars 30; } >"$scratch/ORDER_1.csv"
awk -F, -v OFS=, '{ print $6, $3, $5, $1, $4, $2 }' "$scratch/ORDER_1.csv" >"$scratch/SHUF_1.csv"
for name in ORDER SHUF; do
  run import "$scratch/${name}_1.csv" --as stocks_minute --ticker-from-name --lake "$lake" --quiet
  succeeds "a CSV with the columns in $([ $name = SHUF ] && echo a shuffled || echo the usual) order"
  "$TAPEDECK" candles "$name" --tf 1m --lake "$lake" --format csv | sed "s/^$name,//" >"$scratch/$name.rows"
done
same "gives the same bars" "$scratch/SHUF.rows" "$scratch/ORDER.rows"
is "all of them" "$(($(wc -l <"$scratch/SHUF.rows") - 1))" 30
is "with every price in its place" "$(sed -n 2p "$scratch/SHUF.rows" | cut -d, -f2-6)" "10,10.5,9.5,10.2,100"
rm "$lake"/bronze/stocks_minute/year=2025/month=12/ticker={ORDER,SHUF}.parquet
{ echo a,b,c,d,e,f; bars 3; } >"$scratch/ODD_1.csv"
run import "$scratch/ODD_1.csv" --as stocks_minute --ticker-from-name --lake "$lake" --quiet
refuses "a header that cannot be recognised" 4 "ODD_1.csv" "a,b,c,d,e,f" "--columns"
{ echo timestamp,open,high,low,close; bars 3 | cut -d, -f1-5; } >"$scratch/NOVOL_1.csv"
run import "$scratch/ODD_1.csv" --as stocks_minute --ticker-from-name --lake "$lake" --quiet \
  --columns timestamp=a,open=b,high=c,low=d,close=e,volume=f --dry-run
succeeds "the fix that was named: --columns"
run import "$scratch/none.csv" --as stocks_minute --lake "$lake"
refuses "a file that is not there" 4 "none.csv" "no such file"
: >"$scratch/EMPTY_1.csv"
run import "$scratch/EMPTY_1.csv" --as stocks_minute --ticker-from-name --lake "$lake" --quiet
refuses "an empty file" 4 "EMPTY_1.csv"
untouched "after bad files the lake is what it was" "$scratch/before" "$lake"

# ---- two ingests at once ----

start_slow() { # the lock is held for as long as its vendor is slow
  "$TAPEDECK" sim --port 0 "${market[@]}" --latency 60000 >"$scratch/slow.out" 2>/dev/null </dev/null &
  slow_sim=$!
  children+=("$slow_sim")
  wait_until 60 grep -q '^listening ' "$scratch/slow.out" || give_up "a slow simulator"
  "$TAPEDECK" ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --tickers MEGA --base-url "$(sed 's/listening //' "$scratch/slow.out")" \
    --lake "$lake" --quiet >"$scratch/owner.out" 2>"$scratch/owner.err" </dev/null &
  owner=$!
  children+=("$owner")
  wait_until 60 live_job "$owner" || give_up "the first ingest runs" "$scratch/owner.err"
}
live_job() { grep -qs '"state":"running"' "$lake/_runs/live/$1-"*.json; }
start_slow
run "${ingest[@]}" --tickers RUNA
refuses "a second ingest at the same time" 6 "lock|held|writ" "$owner" "--wait"
run import "$scratch/ORDER_1.csv" --as stocks_minute --ticker-from-name --lake "$lake"
refuses "an import into the same table" 6 "$owner" "--wait"
run "${ingest[@]}" --tickers RUNA --wait 1
refuses "patience that ends" 6 "$owner"
run watchlist --lake "$lake"
succeeds "reading goes on meanwhile"
run status --lake "$lake" --format csv
holds "status shows the other process's ingest" grep -q "^job,ingest (pid $owner),running," "$out"
"$TAPEDECK" "${ingest[@]}" --tickers RUNA --wait 60 --quiet >"$scratch/waiter.out" 2>"$scratch/waiter.err" </dev/null &
waiter=$!
children+=("$waiter")
stop "$owner"
is "the owner is interrupted by SIGTERM" "$rc" 130
wait "$waiter"
is "and the one that waited gets its turn" "$?" 0
stop "$slow_sim"
untouched "after all that the lake is what it was" "$scratch/before" "$lake"
is "and nothing lies about" "$(strays "$lake")" ""

# ---- read-only lake ----

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
  chmod 755 "$scratch"
  chmod -R a+rX "$lake"
  as_other() { TAPEDECK_LOG=/dev/null HOME=/nonexistent setpriv --reuid=65534 --regid=65534 --clear-groups "$TAPEDECK" "$@" >"$out" 2>"$err" </dev/null; rc=$?; }
  if setpriv --reuid=65534 --regid=65534 --clear-groups "$TAPEDECK" --version >/dev/null 2>&1; then
    as_other cache build --lake "$lake"
    refuses "a lake of another user: cache build" 7 "permission denied" "writable" "--lake"
    as_other "${ingest[@]}" --tickers RUNA
    refuses "a lake of another user: ingest" 7 "permission denied" "writable" "--lake"
    as_other watchlist --lake "$lake"
    succeeds "a lake of another user can be read"
    as_other doctor --lake "$lake"
    succeeds "and the doctor has something to say about it"
  else
    skip "a lake of another user" "the program's folder cannot be entered by another user"
  fi
elif [ "$(id -u)" -ne 0 ]; then
  chmod -R a-w "$lake"
  run cache build --lake "$lake"
  refuses "a read-only lake: cache build" 7 "permission denied" "writable" "--lake"
  run watchlist --lake "$lake"
  succeeds "a read-only lake can be read"
  chmod -R u+w "$lake"
else
  skip "a lake of another user" "setpriv is not installed"
fi
mkdir "$scratch/ro"
if [ "$(id -u)" -eq 0 ] && mount --bind "$lake" "$scratch/ro" 2>/dev/null; then
  mounts+=("$scratch/ro")
  mount -o remount,ro,bind "$scratch/ro"
  run cache build --lake "$scratch/ro"
  refuses "a read-only file system: cache build" 7 "read-only file system" "--lake"
  run import "$scratch/ORDER_1.csv" --as stocks_minute --ticker-from-name --lake "$scratch/ro"
  refuses "a read-only file system: import" 7 "read-only file system" "--lake"
  run watchlist --lake "$scratch/ro"
  succeeds "a read-only file system can be read"
  run status --lake "$scratch/ro" --verify
  succeeds "and inspected"
  umount "$scratch/ro"
else
  skip "a read-only file system" "mounting needs root and the right to mount"
fi
untouched "after read-only the lake is what it was" "$scratch/before" "$lake"

# ---- full disk ----

mkdir "$scratch/disk"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=3m tapedeck "$scratch/disk" 2>/dev/null; then
  mounts+=("$scratch/disk")
  disk=$scratch/disk/lake
  run demo --headless "${market[@]}" --lake "$disk" --quiet
  refuses "less room than limits.disk_free: stops before it starts" 7 "disk_free" "make room"
  export TAPEDECK_DISK_FREE=0
  rm -rf "$disk" && cp -r "$lake" "$disk"
  rm -rf "$disk/bronze/stocks_minute" "$disk/cache" "$disk/universe" "$disk/_runs"
  lake_bytes "$disk" >"$scratch/disk.before"
  fill() { dd if=/dev/zero of="$scratch/disk/ballast" bs=1k count="$1" status=none 2>/dev/null; }
  free_kib() { df --output=avail -k "$scratch/disk" | tail -n 1; }
  fill $(($(free_kib) - 64))
  run ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --tickers-file <(curl -sf "$sim_url/sim/tickers?format=text") --base-url "$sim_url" \
    --lake "$disk" --quiet
  refuses "a disk that fills up during an ingest" 7 "no space left" "make room"
  is "no half file stays" "$(strays "$disk")" ""
  parquet_files "$disk" | tr '\n' '\0' | xargs -0 "$TAPEDECK" parquet verify >"$scratch/verify" 2>&1
  is "every file on the full disk is whole" "$?" 0
  (cd "$disk" && sha256sum --quiet -c <(grep -E '\.parquet$' "$scratch/disk.before")) >"$scratch/lost" 2>&1
  is "and the ones from before are untouched" "$?" 0
  rm "$scratch/disk/ballast"
  run ingest -t stocks_minute -s 2025-12-02 -e 2025-12-05 --tickers-file <(curl -sf "$sim_url/sim/tickers?format=text") --base-url "$sim_url" \
    --lake "$disk" --quiet
  succeeds "after making room the next run finishes"
  is "with every row" "$(rows_in "$disk/bronze/stocks_minute")" "$(rows_in "$lake"/bronze/stocks_minute/year=2025/month=12)"
  fill $(($(free_kib) - 16))
  run cache build --lake "$disk" --quiet
  refuses "a disk that fills up during a cache build" 7 "no space left" "make room"
  rm "$scratch/disk/ballast"
  run cache build --lake "$disk" --quiet
  succeeds "after making room the next build finishes"
  run universe build --lake "$disk" --quiet
  succeeds "and so do the lists"
  lake_bytes "$disk" | grep -E '\./(cache|universe|bronze)' >"$scratch/disk.after"
  lake_bytes "$lake" | grep -E '\./(cache|universe|bronze)' >"$scratch/lake.after"
  same "the lake on the disk that was full is the lake it should be" "$scratch/disk.after" "$scratch/lake.after"
  unset TAPEDECK_DISK_FREE
else
  skip "a full disk" "mounting a small tmpfs needs root and the right to mount"
fi
stop_sim
finish
