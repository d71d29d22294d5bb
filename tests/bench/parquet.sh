#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/bench/parquet.sh [--quick] [--no-peer] [--profile]
# Reading and writing of Parquet beside DuckDB and polars. Every engine is one process that takes jobs line by line and times them
# inside (pqbench.c, peer_parquet.mjs), so that jobs take turns, nothing counts that starts an engine, and all are warm. What each
# engine finds in the columns is compared before anything is timed.
. "$(dirname "$0")/stage_lib.sh"

[ "$quick" ] && rounds=3
budget=90 # seconds; an idle machine needs less
place=$dir/parquet
names8=timestamp,open,high,low,close,volume,vwap,transactions names3=timestamp,close,volume
daily8=trading_day,close_d,vol_d,dollar_vol_d,vwap_d,pctchg_d,rvol30,session_rows daily3=trading_day,close_d,vol_d
if [ "$quick" ]; then lake=40x12 size=(--tickers 40 --sessions 12) many=(20 40) tall=40000; else lake=200x250 size=(--tickers 200 --sessions 250) many=(1000 2400) tall=490000; fi

compile pqbench build/release/libtd_parquet.a build/release/libtd_base.a >>"$log" 2>&1 || { say "pqbench did not build: see $log"; exit 1; }

# ---- engines ----

declare -A into from
start() { # WHO COMMAND...
  local who=$1 in out
  shift
  mkfifo "$place/$who.in" "$place/$who.out" || exit 1
  "$@" <"$place/$who.in" >"$place/$who.out" 2>>"$log" &
  pids+=($!)
  exec {in}>"$place/$who.in" {out}<"$place/$who.out"
  into[$who]=$in from[$who]=$out
  rm -f "$place/$who.in" "$place/$who.out"
}
ask() { # WHO JOB...: its answer, or failure
  local who=$1 answer
  shift
  echo "$*" >&"${into[$who]}" && read -r -t 120 -u "${from[$who]}" answer && [ "$answer" != failed ] && echo "$answer"
}

# ---- data: hard links of bronze files, the daily cache, and tall files that are made anew for the writer of today ----

make_data() {
  local n i file made=$place/$lake
  make_lake "$lake" "${size[@]}" || return 1
  if [ ! -e "$made/READY" ] || [ "$made/READY" -ot "$dir/lake-$lake/READY" ]; then
    rm -rf "$made"
    for n in "${many[@]}"; do
      mkdir -p "$made/files-$n" && i=0
      find "$dir/lake-$lake/bronze/stocks_minute" -name '*.parquet' | sort | head -n "$n" |
        while read -r file; do ln "$file" "$made/files-$n/$((10000 + i++)).parquet" || return 1; done
    done
    mkdir -p "$made/daily" "$made/lake" && cp -rl "$dir/lake-$lake/." "$made/lake/" && rm -rf "$made/lake/cache" &&
      "$td" cache build --bars minute --quiet --lake "$made/lake" >>"$log" 2>&1 || return 1
    i=0
    find "$made/lake/cache/daily" -name '*.parquet' | sort | while read -r file; do mv "$file" "$made/daily/$((10000 + i++)).parquet"; done
    rm -rf "$made/lake"
    touch "$made/READY"
  fi
  if [ -d "$TAPEDECK_SHARED/fixtures/market/minute/us_2025q1_ext" ] && [ ! -e "$place/real.READY" ]; then
    rm -rf "$place/real" "$place/lake-real"
    find "$TAPEDECK_SHARED/fixtures/market/minute/us_2025q1_ext" -name '*.csv.gz' -print0 | sort -z |
      xargs -0 "$td" import --as stocks_minute --ticker-from-name --quiet --lake "$place/lake-real" >>"$log" 2>&1 || return 1
    mkdir -p "$place/real" && i=0
    find "$place/lake-real/bronze/stocks_minute" -name '*.parquet' | sort | while read -r file; do mv "$file" "$place/real/$((10000 + i++)).parquet"; done
    rm -rf "$place/lake-real"
    touch "$place/real.READY"
  fi
  ask ours take "$tall" "$made/files-${many[-1]}" "$place/tall.parquet" >/dev/null || return 1
  [ -z "$peer" ] || ask duckdb2 write 2 "$place/tall.parquet" "$place/tall-duckdb.parquet" >/dev/null
}

# ---- proof and contest ----

# prove WHAT COLUMNS PLACE: counts, least and greatest equal in all engines, sums to 1e-9 (each adds in its own order).
prove() {
  local mine other who
  [ "$peer" ] || return 0
  mine=$(ask ours proof 2 "$2" "$3") || { note "**$1: tapedeck failed.**"; return 1; }
  for who in duckdb2 polars2; do
    other=$(ask "$who" proof 2 "$2" "$3") || { note "**$1: ${who%2} failed, no ratio.**"; return 1; }
    printf '%s\n%s\n' "$mine" "$other" | awk '
      NR == 1 { n = split($0, a) }
      NR == 2 { if (split($0, b) != n || n < 5) exit 1
        for (i = 1; i <= n; i++) { d = a[i] - b[i]; m = a[i] < 0 ? -a[i] : a[i]; if ((d < 0 ? -d : d) > (i % 4 == 3 ? 1e-9 * m : 0)) exit 1 } }' ||
      { note "**$1: ${who%2} finds other values, no ratio.**"; return 1; }
  done
  proven=$((proven + $(wc -w <<<"$mine") / 4))
}
proven=0

# turns NAME ROUNDS WHO=JOB...: each job in turn; the first round does not count. Fewer rounds when time runs out.
turns() {
  local name=$1 n=$2 round pair who said
  shift 2
  for ((round = -1; round < n; round++)); do
    for pair; do
      who=${pair%%=*}
      said=$(ask "${who#*:}" "${pair#*=}") || return 1
      [ "$round" -lt 0 ] || echo "$said" >>"$results/$stage-$name.${who%%:*}"
    done
    [ "$round" -lt 2 ] || [ "$SECONDS" -lt "$budget" ] || break
  done
}
# A time in the unit that fits: "8.51 ms (8.2-9.0)"
time_of() { # REPORT
  local m
  m=$(column "$1" 1 | median)
  [ -z "$m" ] || awk -v m="$m" -v s="$(column "$1" 1 | sort -g | sed -n '1p;$p' | tr '\n' ' ')" 'BEGIN {
    split(s, v, " "); if (m < 0.0005) { u = "us"; f = 1e6 } else if (m < 1) { u = "ms"; f = 1e3 } else { u = "s"; f = 1 }
    p = m * f < 10 ? "%.2f" : m * f < 100 ? "%.1f" : "%.0f"; printf p " %s (" p "-" p ")", m * f, u, v[1] * f, v[2] * f }'
}
with_rate() { # REPORT ROWS
  [ ! -s "$results/$stage-$1" ] || echo "$(time_of "$1"), $(per_second "$2" "$1")"
}
# of_processor A B: paired, A / B in processor time
of_processor() {
  paste -d' ' <(column "$1" 2) <(column "$2" 2) | awk 'NF == 2 && $2 > 0 { print $1 / $2 }' | median | awk '{ printf "%.2f", $1 }'
}
best_ratio() { # NAME: paired, against the peer with the lower median, and the same by processor time
  local who best="" m least=""
  for who in duckdb polars; do
    m=$(column "$1.$who" 1 | median)
    if [ "$m" ] && { [ -z "$least" ] || awk -v a="$m" -v b="$least" 'BEGIN { exit !(a < b) }'; }; then least=$m best=$who; fi
  done
  [ -z "$best" ] || echo "**$(ratio "$1.$best" "$1.ours")**, processor $(of_processor "$1.$best" "$1.ours")"
}
# reading NAME TITLE DATA THREADS COLUMNS PLACE [JOB]: a row, with zstd alone of the same pages and how far above it we are.
reading() {
  local name=$1 title=$2 data=$3 t=$4 rows
  local list=("ours=${7:-scan} $t $5 $6" "floor:ours=floor $t $5 $6" "bare:ours=${7:-read} $t $5 $6")
  [ -z "$peer" ] || list+=("duckdb:duckdb$t=scan $t $5 $6" "polars:polars$t=scan $t $5 $6")
  turns "$name" "$rounds" "${list[@]}" || { note "$title: a job failed: see the log."; return; }
  rows=$(column "$name.ours" 3 | head -n 1)
  row "$title, $t thread$([ "$t" = 1 ] || echo s)" "$data" "$(with_rate "$name.ours" "$rows")" "$(with_rate "$name.duckdb" "$rows")" "$(with_rate "$name.polars" "$rows")" \
    "$(best_ratio "$name")" "$(time_of "$name.floor"), $(ratio "$name.bare" "$name.floor"), processor $(of_processor "$name.bare" "$name.floor")"
}
writing() { # NAME TITLE THREADS PLACE
  local name=$1 t=$3 rows who said=""
  local list=("ours=write 2 $4 $place/o.parquet")
  [ -z "$peer" ] || list+=("duckdb:duckdb$t=write 2 $4 $place/d.parquet" "polars:polars$t=write 2 $4 $place/p.parquet")
  turns "$name" "$rounds" "${list[@]}" || { note "$2: a job failed: see the log."; return; }
  rows=$(column "$name.ours" 3 | head -n 1)
  for who in ours duckdb polars; do
    [ ! -s "$results/$stage-$name.$who" ] || said+="${said:+ / }$(column "$name.$who" 4 | tail -n 1 | awk -v n="$rows" '{ printf "%.2f", $1 / n }')"
  done
  row "$2, peers with $t thread$([ "$t" = 1 ] || echo s)" "$(million "$rows") rows, bytes a row: $said" "$(with_rate "$name.ours" "$rows")" "$(with_rate "$name.duckdb" "$rows")" \
    "$(with_rate "$name.polars" "$rows")" "$(best_ratio "$name")" ""
  rm -f "$place"/[odp].parquet
}

# ---- the whole ----

section "Parquet" job data tapedeck DuckDB polars "best peer / tapedeck" "zstd alone of the same pages, reading / zstd"
fetch_peers
mkdir -p "$place" && rm -f "$place"/*.in "$place"/*.out
start ours "$tools/pqbench"
if [ "$peer" ]; then
  for t in 1 2; do for who in duckdb polars; do start "$who$t" node tests/bench/peer_parquet.mjs "$who" "$t"; done; done
fi
make_data || { say "no data: see $log"; tail -n 5 "$log" >&2; exit 1; }
data=$place/$lake few=$data/files-${many[0]} lots=$data/files-${many[1]}

ok=1
prove "${many[1]} files" '*' "$lots" || ok=""
prove "daily cache" "$daily8" "$data/daily" || ok=""
prove "tall file" '*' "$place/tall.parquet" || ok=""
[ ! -e "$place/tall-duckdb.parquet" ] || prove "tall file of DuckDB" '*' "$place/tall-duckdb.parquet" || ok=""
[ "$ok" ] || peer=""
for t in 2 1; do
  reading "few3-$t" "3 columns of bronze minutes" "${many[0]} files" "$t" "$names3" "$few"
  reading "few8-$t" "8 columns of bronze minutes" "${many[0]} files" "$t" "$names8" "$few"
  reading "few-$t" "open and read, 9 columns" "${many[0]} files" "$t" '*' "$few"
  reading "lots-$t" "open and read, 9 columns" "${many[1]} files" "$t" '*' "$lots"
  reading "daily3-$t" "3 columns of the daily cache" "$(find "$data/daily" -type f | wc -l) files" "$t" "$daily3" "$data/daily"
  reading "daily8-$t" "8 columns of the daily cache" "$(find "$data/daily" -type f | wc -l) files" "$t" "$daily8" "$data/daily"
  rounds=$((3 * rounds))
  reading "tall-$t" "one tall file of ours, 9 columns, by ranges of rows" "$tall rows" "$t" '*' "$place/tall.parquet"
  reading "chunks-$t" "one tall file of ours, 9 columns, by column chunks" "$tall rows" "$t" '*' "$place/tall.parquet" columns
  [ ! -e "$place/tall-duckdb.parquet" ] || reading "tallduck-$t" "the same as DuckDB wrote it" "$tall rows" "$t" '*' "$place/tall-duckdb.parquet"
  rounds=$((rounds / 3))
done
list=("ours=last 1000 * $place/tall.parquet")
[ -z "$peer" ] || list+=("duckdb:duckdb2=last 1000 * $place/tall.parquet" "polars:polars2=last 1000 * $place/tall.parquet")
if turns last $((6 * rounds)) "${list[@]}"; then
  row "last 1,000 rows, 9 columns, in-process, warm" "$tall rows" "$(time_of last.ours)" "$(time_of last.duckdb)" "$(time_of last.polars)" "$(best_ratio last)" ""
fi
ready_exec() { :; }
run_exec=("$td" parquet cat "$place/tall.parquet" --rows -1000.. --format csv)
if contest exec $((2 * rounds)) 9999 exec; then
  row "last 1,000 rows as CSV, from exec to exit" "$tall rows" "$(time_of exec.exec)" "" "" "" ""
fi
for t in 2 1; do
  [ ! -e "$place/real.READY" ] || writing "real-$t" "write real bars, zstd 2, one file" "$t" "$place/real"
  writing "made-$t" "write generated bars, zstd 2, one file" "$t" "$place/tall.parquet"
done
[ -z "$peer" ] || note "$proven columns of four tables had equal counts, least and greatest values in all three engines, and sums equal to 1e-9, before anything was timed."
note "Times are of one job inside a process that already runs, medians with least and greatest; ratios are medians of pairs. tapedeck sums every column; DuckDB and polars (its streaming engine) the same, but they take the greatest timestamp, and polars the last text. Load average $(cut -d' ' -f1 /proc/loadavg) at the end."
note "Reading / zstd compares reading into arrays (by column chunks: and summing) with decompressing the same pages from memory by as many threads. Processor: the same ratio in seconds of processor, which other programs on the machine disturb less."
note "tapedeck writes with one thread. $([ "$peer" ] && echo "All three compress with zstd 2.")"
if [ "$profile" ]; then
  for _ in $(seq 60); do echo "read 1 * $place/tall.parquet"; done >"$results/parquet.jobs"
  profile_of "$tools/pqbench" <"$results/parquet.jobs"
fi
finish
