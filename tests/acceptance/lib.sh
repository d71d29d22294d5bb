# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the acceptance scripts share: TAP, a scratch home that cleans up after itself, the program and what it said, the
# simulator by its process id, waiting for conditions, and sums over lakes. Source it first; it changes to the repository.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
repo=$PWD
TAPEDECK=$(realpath -m "${TAPEDECK:-build/tapedeck}")
TAPEDECK_SHARED=$(realpath -m "${TAPEDECK_SHARED:-../shared}")
FLAVOUR=${FLAVOUR:-release}
export LC_ALL=C.UTF-8 TZ=UTC

# ---- TAP ----

tap_count=0 tap_failed=0
ok() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1"; }
not_ok() { # NAME [FILE...]: the files say why
  tap_count=$((tap_count + 1)) tap_failed=1
  echo "not ok $tap_count - $1"
  shift
  for why in "$@"; do
    [ -f "$why" ] && { echo "#   ${why##*/}:"; head -c 4000 "$why" | head -n 40 | sed 's/^/#     /'; }
  done
}
skip() { tap_count=$((tap_count + 1)); echo "ok $tap_count - $1 # SKIP $2"; }
skip_all() { echo "ok 1 - ${0##*/} # SKIP $1"; echo 1..1; exit 0; }
note() { printf '# %s\n' "$@"; }
holds() { # NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$scratch/holds.out" 2>&1; then ok "$name"; else not_ok "$name" "$scratch/holds.out"; fi
}
is() { # NAME GOT WANTED
  if [ "$2" = "$3" ]; then ok "$1"; else
    not_ok "$1"
    printf '#     got    %s\n#     wanted %s\n' "$2" "$3"
  fi
}
same() { # NAME FILE FILE: equal bytes, or the first differences
  if cmp -s "$2" "$3"; then ok "$1"; else
    diff "$2" "$3" | head -n 20 >"$scratch/difference"
    not_ok "$1" "$scratch/difference"
  fi
}
finish() { echo "1..$tap_count"; exit "$tap_failed"; }
# An arm of the test that cannot go on: say so, close the plan, fail.
give_up() { not_ok "$@"; finish; }

# ---- scratch: a home of its own for every script, removed whatever happens ----

scratch=$(mktemp -d) || exit 1
children=() mounts=()
fresh_home() { # [NAME]: nothing of the caller's settings, caches or keys reaches the program
  home=$scratch/${1:-home}
  mkdir -p "$home"
  export HOME=$home XDG_CONFIG_HOME=$home/config XDG_DATA_HOME=$home/data XDG_CACHE_HOME=$home/cache XDG_STATE_HOME=$home/state
}
fresh_home
unset MASSIVE_API_KEY POLYGON_API_KEY NO_COLOR
for name in $(compgen -e TAPEDECK_); do
  [ "$name" = TAPEDECK_SHARED ] || [ "$name" = TAPEDECK_ORACLE ] || unset "$name"
done
cleanup() {
  local pid place
  for pid in "${children[@]}"; do kill -KILL "$pid" 2>/dev/null; done
  for place in "${mounts[@]}"; do umount "$place" 2>/dev/null; done
  chmod -R u+rwX "$scratch" 2>/dev/null
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- size of the work ----

# The default market is for the plain build; instrumented ones run the same paths over a smaller one.
full() { [ "$FLAVOUR" = release ]; }
if full; then small=(--tickers 40 --sessions 10); else small=(--tickers 12 --sessions 4); fi

# ---- the program ----

# run ARGUMENTS...: standard output in $out, standard error in $err, exit status in $rc.
out=$scratch/out err=$scratch/err rc=0
run() {
  "$TAPEDECK" "$@" >"$out" 2>"$err" </dev/null
  rc=$?
}
# What a person must read: standard error without the lines of progress.
complaints() { grep -vE '^[a-z]+ .* ok [0-9]+ empty [0-9]+ skipped [0-9]+ failed [0-9]+ |^[a-z]+ .*[0-9]%  [0-9]+/[0-9]+ |^tapedeck: simulated market at ' "$err"; }
# refuses NAME STATUS PATTERN... : the last run ended with STATUS, printed no result, and said one thing on standard error that
# matches every pattern (extended, case ignored).
refuses() {
  local name=$1 status=$2 said pattern bad=""
  shift 2
  said=$(complaints)
  [ "$rc" -eq "$status" ] || bad="exit status $rc, wanted $status"
  [ "$(grep -c . <<<"$said")" -eq 1 ] || bad="$bad; $(grep -c . <<<"$said") lines on standard error, wanted one"
  for pattern in "$@"; do
    grep -qiE -- "$pattern" <<<"$said" || bad="$bad; nothing in it matches '$pattern'"
  done
  if [ -z "$bad" ]; then ok "$name"; else
    not_ok "$name" "$err" "$out"
    note "  ${bad#; }"
  fi
}
succeeds() { # NAME: the last run ended well
  if [ "$rc" -eq 0 ]; then ok "$1"; else not_ok "$1 (exit status $rc)" "$err" "$out"; fi
}

# ---- waiting: for a state, never for a time ----

mkfifo "$scratch/never" && exec {never}<>"$scratch/never"
wait_until() { # SECONDS COMMAND...: look at the state twenty times a second until the command succeeds; 1 when it never did
  local limit=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$limit" ] || return 1
    read -r -t 0.05 -u "$never" || :
  done
}
gone() { ! kill -0 "$1" 2>/dev/null; }
# stop PID [SIGNAL]: end a child of this script and collect its status in $rc.
stop() {
  kill -"${2:-TERM}" "$1" 2>/dev/null
  wait_until 60 zombie_or_gone "$1" || kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  rc=$?
}
zombie_or_gone() { gone "$1" || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }

# ---- the simulated vendor ----

# start_sim OPTIONS...: $sim_url and $sim_pid of a simulator that is ready; its standard error in sim.err.
start_sim() {
  local line=""
  rm -f "$scratch/sim.out"
  mkfifo "$scratch/sim.out"
  "$TAPEDECK" sim --port 0 "$@" >"$scratch/sim.out" 2>"$scratch/sim.err" </dev/null &
  sim_pid=$!
  children+=("$sim_pid")
  exec {sim_fd}<"$scratch/sim.out"
  read -r -t 120 -u "$sim_fd" line
  case $line in
    "listening http://127.0.0.1:"*) sim_url=${line#listening } ;;
    *) give_up "the simulator listens" "$scratch/sim.err" ;;
  esac
}
stop_sim() {
  stop "$sim_pid"
  exec {sim_fd}<&-
}
# Rows that the simulator would serve of a table.
truth_rows() { curl -sf "$sim_url/sim/truth?table=$1" | sed -n 's/.*"total":{[^}]*"bars":\([0-9]*\).*/\1/p'; }

# ---- lakes ----

parquet_files() { find "$@" -name '*.parquet' -type f | LC_ALL=C sort; } # PLACE...
# Rows of all Parquet files under a place, added up from their footers.
rows_in() {
  parquet_files "$@" | tr '\n' '\0' | xargs -0 -r "$TAPEDECK" parquet count --format csv | awk -F, '$NF ~ /^[0-9]+$/ { n += $NF } END { print n + 0 }'
}
# A line a file: what must be equal between two lakes that hold the same data. Locks and journals tell of their runs, and
# the generation of a manifest counts its builds; temporaries are looked for by strays; nothing else is left out.
lake_bytes() { # LAKE
  (cd "$1" && find . -type f ! -path './_runs/*' ! -path './_locks/*' ! -name MANIFEST.json ! -name '.td-tmp.*' | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum
    find . -name MANIFEST.json | LC_ALL=C sort | while read -r file; do
      echo "$(sed 's/"generation":[0-9]*/"generation":N/' "$file" | sha256sum) $file"
    done)
}
# The same for what may have changed in bytes but not in values: every row and every key of the metadata, as text.
lake_values() { # LAKE
  (cd "$1" && parquet_files . | tr '\n' '\0' | xargs -0 -r "$TAPEDECK" parquet cat --format csv | sha256sum
    parquet_files . | tr '\n' '\0' | xargs -0 -r "$TAPEDECK" parquet meta --format csv | grep -v '^created_by' | sha256sum
    parquet_files .)
}
# Files that no finished job leaves behind: temporaries, or what has no business in a lake. (The live record of a process that
# was killed stays: it is how `status` knows of an interrupted job.)
strays() {
  find "$1" -type f ! -path '*/_runs/live/*.json' ! -name '*.parquet' ! -name MANIFEST.json ! -name _SUCCESS ! -name '*.lock' ! -name journal.jsonl ! -name bronze.stamps ! -name FORMAT \
    ! -name DEMO ! -name topN_12m.csv
}
# Same lake before and after: nothing lost, nothing added.
untouched() { # NAME FILE LAKE: FILE is the lake_bytes of before
  lake_bytes "$3" >"$scratch/now.sums"
  same "$1" "$2" "$scratch/now.sums"
}
