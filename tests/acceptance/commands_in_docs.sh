#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every command line that README.md and the manual show is run as it stands, in a scratch home over a demo lake; every example of
# the built-in help is understood; every make target and file that README.md names exists.
. "$(dirname "$0")/lib.sh"
market=()
full || market=(--tickers 12 --sessions 4)
lake=$XDG_CACHE_HOME/tapedeck/demo
run demo --headless "${market[@]}"
[ "$rc" -eq 0 ] || give_up "a demo lake" "$err"
start_sim "${market[@]}"
export TAPEDECK_LAKE=$lake TAPEDECK_BASE_URL=$sim_url MASSIVE_API_KEY=demo

# A place where the lines find what they speak of.
work=$scratch/work
mkdir -p "$scratch/bin" "$work/build" "$work/bars"
ln -s "$TAPEDECK" "$scratch/bin/tapedeck"
ln -s "$TAPEDECK" "$work/build/tapedeck"
printf 'timestamp,open,high,low,close,volume\n2025-12-01 15:00:00,1,2,1,2,3\n' >"$work/AAPL.csv"
gzip -c "$work/AAPL.csv" >"$work/AAPL.csv.gz"
cp "$work/AAPL.csv.gz" "$work/bars/AAPL_minutes.csv.gz"
shell() { (cd "$work" && PATH=$scratch/bin:$PATH timeout -k 5 600 bash -c "$1" >"$out" 2>"$err" </dev/null); rc=$?; }

fenced() { awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' "$1"; } # FILE: shell blocks of Markdown
typeset_examples() { # FILE: examples of a manual page, as a reader sees them
  awk '/^\.(EX|nf)/ { on = 1; next } /^\.(EE|fi)/ { on = 0 } on' "$1" | sed -e 's/^ *//' -e 's/\\-/-/g' -e 's/\\e/\\/g' -e 's/\\&//g' -e "s/\\\\(aq/'/g"
}
try() { # SOURCE LINE
  local source=$1 line=$2
  case $line in
    tapedeck | "build/tapedeck") skip "$source: $line" "opens the deck, which needs a terminal" ;;
    *"tapedeck demo"*)
      if full; then shell "$line"; else
        skip "$source: $line" "the default market is for the release flavour"
        return
      fi
      succeeds "$source: $line" ;;
    *"tapedeck sim"*)
      line=$(sed -E 's/ --port [0-9]+/ --port 0/; s/ *&$//' <<<"$line")
      (cd "$work" && PATH=$scratch/bin:$PATH exec bash -c "exec $line" >"$scratch/doc.sim" 2>"$err" </dev/null) &
      local pid=$!
      children+=("$pid")
      wait_until 60 grep -q '^listening ' "$scratch/doc.sim"
      is "$source: $line" "$?" 0
      stop "$pid" ;;
    *"tapedeck import"*) # a lake of its own: the demo's has these tickers from another source, or asks the vendor for them later
      TAPEDECK_LAKE=$scratch/imported shell "$line"
      succeeds "$source: $line" ;;
    *)
      shell "$line"
      succeeds "$source: $line" ;;
  esac
}
for source in README.md man/tapedeck.1; do
  [ -f "$source" ] || { not_ok "$source exists"; continue; }
  case $source in
    *.md) fenced "$source" ;;
    *) typeset_examples "$source" ;;
  esac | grep -E '^(build/)?tapedeck( |$)' >"$scratch/lines"
  holds "$source shows commands" test -s "$scratch/lines"
  while read -r -u 9 line; do
    try "$source" "$line"
  done 9<"$scratch/lines"
done

# Examples of the help: what they name need not be in this lake, but no line may be misspelled.
"$TAPEDECK" help >"$scratch/overview"
awk '/^  [a-z]/ && NF > 2 { print substr($0, 3, 20) }' "$scratch/overview" | sed 's/ *$//' | sort -u >"$scratch/names"
while read -r -u 9 name; do
  # shellcheck disable=SC2086
  "$TAPEDECK" help $name 2>/dev/null | sed -n 's/^  \(tapedeck .*\)/\1/p'
done 9<"$scratch/names" | sed 's|/tmp/lake|lake|' | sort -u >"$scratch/lines"
holds "the help shows examples" test -s "$scratch/lines"
while read -r -u 9 line; do
  case $line in
    *"tapedeck sim"*) try help "$line" ;;
    *"tapedeck demo"*) ;; # README.md has it
    *)
      TAPEDECK_LAKE=$([[ $line = *import* ]] && echo "$scratch/imported" || echo "$lake") shell "${line% &}"
      case $rc in
        2 | 3) not_ok "help: $line (exit status $rc)" "$err" ;;
        *) ok "help: $line" ;;
      esac ;;
  esac
done 9<"$scratch/lines"
stop_sim

# What else README.md promises.
while read -r -u 9 target; do
  holds "make $target is a target" grep -qE "^([a-z -]* )?$target( [a-z -]*)?:" Makefile
done 9< <(grep -oE '(^|`)make [a-z][a-z-]*' README.md | sed 's/.*make //' | sort -u)
while read -r -u 9 file; do
  holds "$file, which README.md names, exists" test -e "$file"
done 9< <(grep -oE '`(docs|configs|themes|man|tests)/[A-Za-z0-9_./-]*`' README.md | tr -d '`' | sort -u)
finish
