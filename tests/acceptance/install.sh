#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# make install into an empty folder: the program runs from there with nothing of this tree, finds its configuration and themes,
# and brings a manual that man can typeset and a completion that bash can load.
. "$(dirname "$0")/lib.sh"
dest=$scratch/dest prefix=/opt/td
make --no-print-directory install "DESTDIR=$dest" "PREFIX=$prefix" "FLAVOUR=$FLAVOUR" >"$out" 2>"$err"
rc=$?
succeeds "make install DESTDIR= PREFIX="
root=$dest$prefix
for file in bin/tapedeck share/man/man1/tapedeck.1 share/bash-completion/completions/tapedeck share/tapedeck/configs/tapedeck.yaml \
  share/tapedeck/configs/universe.yaml share/tapedeck/themes/dark.yaml; do
  holds "$file is installed" test -s "$root/$file"
done
is "every theme of this tree" "$(ls "$root/share/tapedeck/themes")" "$(ls themes)"
is "programs can be run by everybody, texts read" \
  "$(find "$root" -type f -printf '%m %P\n' | awk '$1 != ($2 ~ /^bin\// ? "755" : "644")')" ""
is "nothing is written outside the prefix" "$(find "$dest" -type f ! -path "$root/*")" ""

# Somewhere else, with nothing of this tree in reach.
mv "$root" "$scratch/moved"
root=$scratch/moved
TAPEDECK=$root/bin/tapedeck
cd "$scratch" || exit 1
run --version
succeeds "the installed program runs"
run config --format csv
succeeds "and knows its settings"
for key in ingest.retries ui.theme log.level; do
  holds "$key comes from the installed file" grep -qE "^\"?$key.*$root/share/tapedeck/configs/tapedeck.yaml:[0-9]+" "$out"
done
holds "thresholds.rvol too" grep -qE "^\"?thresholds\.rvol.*$root/share/tapedeck/configs/universe.yaml:[0-9]+" "$out"
run demo --headless --tickers 12 --sessions 4 --lake "$scratch/lake"
succeeds "the installed program fills a lake"
run watchlist --lake "$scratch/lake"
succeeds "and reads it"

# The manual.
page=$root/share/man/man1/tapedeck.1
if command -v man >/dev/null && [ -x "$(command -v groff)" ]; then
  MANWIDTH=100 man --warnings=w -l "$page" >"$scratch/page" 2>"$err"
  is "man has nothing to complain about" "$?$(cat "$err")" 0
elif command -v groff >/dev/null; then
  groff -man -Tutf8 -ww "$page" >"$scratch/page" 2>"$err"
  is "groff has nothing to complain about" "$?$(cat "$err")" 0
else
  sed -e 's/\\-/-/g' "$page" >"$scratch/page"
  skip "the manual is typeset" "neither man nor groff is installed"
fi
sed -i 's/\x1b\[[0-9;]*m//g; s/.\x08//g' "$scratch/page"
"$TAPEDECK" help | awk '/^Inside the deck/ { exit } /^  [a-z]/ && NF > 1 { print substr($0, 3, 20) }' | sed 's/ *$//' >"$scratch/names"
while read -r -u 9 name; do
  holds "the manual has '$name'" grep -qE "(^|[[:space:]])(\.[A-Z]+ )?\"?(tapedeck )?$name" "$scratch/page"
done 9<"$scratch/names"
is "no mark of the manual's source is left in it" "$(grep -c '@[A-Z]*@' "$page")" 0

# The completion.
completion=$root/share/bash-completion/completions/tapedeck
holds "bash parses the completion" bash -n "$completion"
complete_line() { # WORDS...: what bash would offer for the last one
  bash -c '
    . "$1" || exit 1
    shift
    words=("$@")
    COMP_WORDS=(tapedeck "${words[@]}") COMP_CWORD=${#words[@]} COMP_LINE="tapedeck ${words[*]}" COMP_POINT=${#COMP_LINE}
    fn=$(complete -p tapedeck | sed -E "s/.*-F ([^ ]+).*/\1/")
    "$fn" tapedeck "${words[-1]}" "${words[-2]:-tapedeck}" && printf "%s\n" "${COMPREPLY[@]}"' _ "$completion" "$@" 2>"$err" | sed 's/ *$//'
}
is "wat is completed" "$(complete_line wat)" watchlist
holds "options are offered" grep -qx -- --sort <(complete_line watchlist --s)
holds "choices are offered" grep -qx session <(complete_line cache build --preset s)
finish
