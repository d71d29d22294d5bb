# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the stages of the bench share. A stage is tests/bench/STAGE.sh: it sources this file, measures, and prints one section of
# Markdown; `tests/bench/run` runs them one after the other and puts the sections together, and each runs alone as well:
#
#   tests/bench/STAGE.sh [--quick] [--no-peer] [--profile]
#
#   . "$(dirname "$0")/stage_lib.sh"                       options, environment, tools; changes to the repository
#   section "Title" job data tapedeck DuckDB ...     begins the table
#   row CELL... / note TEXT                          what the section says
#   finish                                           prints it, and into $results/STAGE.md for `run`
#
# Data that is made once lives in $dir ($TAPEDECK_BENCH_DIR, default build/bench), the peers in $BENCH_NODE (build/bench-node,
# fetched by npm). $td is a copy of the program; $threads, $rounds, $quick, $peer and $stage are set; `say` talks to the person.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
stage=$(basename "$0" .sh)
quick="" peer=1 profile="" rounds=5 threads=2
for option; do
  case $option in
    --quick) quick=1 rounds=3 ;;
    --no-peer) peer="" ;;
    --profile) profile=1 ;;
    *) echo "usage: ${0##*/} [--quick] [--no-peer] [--profile]" >&2; exit 2 ;;
  esac
done

dir=$(realpath -m "${TAPEDECK_BENCH_DIR:-build/bench}")
tools=$dir/tools results=$dir/results
export BENCH_NODE=${BENCH_NODE:-$(realpath -m build/bench-node)} BENCH_THREADS=$threads
mkdir -p "$tools" "$results" "$dir/home" || exit 1
# Every stage keeps its reports under its own name; `run` has emptied the folder before the first.
rm -f "$results/$stage".* "$results/$stage-"*
log=$results/$stage.log
unset MASSIVE_API_KEY POLYGON_API_KEY NO_COLOR
for name in $(compgen -e TAPEDECK_); do [ "$name" = TAPEDECK_SHARED ] || unset "$name"; done
export HOME=$dir/home XDG_CONFIG_HOME=$dir/home/config XDG_DATA_HOME=$dir/home/data XDG_CACHE_HOME=$dir/home/cache XDG_STATE_HOME=$dir/home/state
export LC_ALL=C.UTF-8 TZ=UTC TAPEDECK_SHARED="${TAPEDECK_SHARED:-$(realpath -m ../shared)}"
ram="" pids=()
cleanup() {
  local pid
  rm -f "$results/load"
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$dir/trash" ${ram:+"$ram"}
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
say() { printf 'bench: %s\n' "$*" >&2; }

# away PLACE: out of the way, and deleted when all is measured. An ext4 without a journal does not hand out the inodes of files
# deleted in the last half minute and searches past them; deleting before each run would time that search.
away() {
  [ -e "$1" ] || return 0
  case $1 in /dev/shm/*) rm -rf "$1"; return ;; esac
  mkdir -p "$dir/trash" && mv "$1" "$(mktemp -u "$dir/trash/XXXXXXXX")"
}

# ---- tools and peers ----

td=$tools/tapedeck # a copy: a build beside the bench changes nothing under it
# compile NAME LIBRARY...: tests/bench/NAME.c into $tools/NAME, with libraries of ours and what they stand on.
compile() {
  local name=$1 libs made=$tools/$1 lib
  shift
  [ "$made" -nt "tests/bench/$name.c" ] && for lib; do [ "$made" -nt "$lib" ] || made=""; done && [ -e "$made" ] && return
  read -ra libs < <(pkg-config --libs yaml-0.1 libzstd libdeflate liblz4)
  ${CC:-gcc} -std=c17 -D_GNU_SOURCE -pthread -O2 -Iinclude -o "$tools/$name" "tests/bench/$name.c" "$@" "${libs[@]}" -lm -lutil
}
build_tools() {
  local base=build/release/libtd_base.a
  { [ "$BENCH_RUN" ] && [ -x "$td" ]; } || cp build/release/tapedeck "$td"
  compile measure && compile keypress && compile pubwork "$base"
}
BENCH_RUN=${BENCH_RUN:-}
build_tools >>"$log" 2>&1 || { say "the tools did not build: see $log"; tail -n 5 "$log" >&2; exit 1; }

# The peers: DuckDB and polars inside Node, at the versions the table names.
peers=(@duckdb/node-api@1.5.6-r.1 nodejs-polars@0.26.1)
case $(uname -m) in # its native half, which npm does not always fetch by itself
  x86_64) peers+=(nodejs-polars-linux-x64-gnu@0.26.1) ;;
  aarch64) peers+=(nodejs-polars-linux-arm64-gnu@0.26.1) ;;
esac
peers_are_there() { # every package at its version
  local package name
  for package in "${peers[@]}"; do
    name=${package%@*}
    grep -qs "\"version\": *\"${package##*@}\"" "$BENCH_NODE/node_modules/$name/package.json" || return 1
  done
}
fetch_peers() {
  [ "$peer" ] || { note "No peers: --no-peer was given."; return; }
  command -v node >/dev/null || { peer=""; note "No peers: Node is not installed."; return; }
  peers_are_there && return
  mkdir -p "$BENCH_NODE"
  (cd "$BENCH_NODE" && timeout 120 npm install --fetch-retries=1 --fetch-timeout=20000 --no-package-lock --no-audit --no-fund "${peers[@]}") >>"$log" 2>&1
  peers_are_there || { peer=""; note "No peers: npm could not fetch ${peers[*]}."; }
}
peer_version() { sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$BENCH_NODE/node_modules/$1/package.json" | head -n 1; }

# A lake of minute bars, splits and listings alone, so that all engines have the same to read.
make_lake() { # NAME OPTIONS...
  local lake=$dir/lake-$1
  shift
  [ -e "$lake/READY" ] && return
  say "making $lake, once"
  rm -rf "$lake"
  timeout 150 "$td" demo --headless --lake "$lake" "$@" >>"$log" 2>&1 || { rm -rf "$lake"; return 1; }
  rm -rf "$lake/bronze/stocks_daily" "$lake/bronze/renames" "$lake/bronze/ticker_events" "$lake/cache" "$lake/universe"
  touch "$lake/READY"
}

# ---- day bars of many tickers, from the generator that comes with the shared data ----

market_csv() { # TICKERS SESSIONS FILE
  local from=$TAPEDECK_SHARED/tools/peers/gen/gen.c
  [ -f "$from" ] && ${CC:-gcc} -O2 -w -o "$tools/gen" "$from" -lz -lm >>"$log" 2>&1 && "$tools/gen" daily 0 "$1" "$2" >"$3"
}
import_market() { # FILE LAKE: rows on days that are no session are quarantined
  "$td" import "$1" --as stocks_daily --columns timestamp=trading_day,open=open_d,high=high_d,low=low_d,close=close_d,volume=vol_d,vwap=vwap_d --quiet --lake "$2"
}
# A lake of daily caches alone; its bronze, some 170,000 small files, is made in memory and thrown away.
make_caches() { # TICKERS SESSIONS
  local lake=$dir/lake-caches-$1x$2 csv=$dir/market.csv work=$dir/market
  [ -e "$lake/READY" ] && return
  market_csv "$1" "$2" "$csv" || return
  say "making $lake, once"
  [ ! -w /dev/shm ] || { ram=$(mktemp -d /dev/shm/bench.XXXXXX) && work=$ram/lake; }
  rm -rf "$work" "$lake"
  { import_market "$csv" "$work" && "$td" cache build --bars day --quiet --lake "$work"; } >>"$log" 2>&1 || return
  rm -rf "${work:?}/bronze" "$csv"
  cp -r "$work" "$lake" && rm -rf "${work:?}" && touch "$lake/READY"
}
cache_rows() { grep -o '"rows": *[0-9]*' "$1/cache/daily/MANIFEST.json" | awk -F: '{ n += $2 } END { print n + 0 }'; } # LAKE

. tests/bench/bench_meter.sh
