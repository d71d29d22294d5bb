#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Keys are answered whatever the machine is busy with: while jobs rebuild the cache on all cores, and while no read of a file
# comes back. What is asserted is order, not time: the cursor has moved although the read that the new chart needs has not
# ended.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
make_lake

# ---- while jobs saturate the cores ----

# The same rebuild over and over, by processes of their own, in lakes of their own: the deck shares nothing but the machine.
workers=$(nproc)
: >"$scratch/busy"
for n in $(seq "$workers"); do
  cp -r "$lake" "$scratch/lake.$n"
  (
    while [ -e "$scratch/busy" ]; do
      "$TAPEDECK" cache build --rebuild --lake "$scratch/lake.$n" --quiet >/dev/null 2>"$scratch/busy.$n.err" </dev/null
      echo $? >>"$scratch/busy.$n"
    done
  ) &
  load[n]=$!
done
open_deck 120 36
wait_deck || screen_not_ok "the deck comes up under load"
press a
shows "all rows are shown" '^.[ *][A-Z]+ .* ---P'
rebuilds() { cat "$scratch"/busy.[0-9] 2>/dev/null | wc -l; }
command_line "cache build --rebuild"
wait_screen '[0-9] [a-z]+ cache '
is "a rebuild runs as the deck's own job" "$?" 0
before=$(rebuilds) moved=0 steps=12
for step in $(seq $steps); do
  at=$(cursor_ticker)
  press j
  wait_until "$patience" eval '[ -n "$(cursor_ticker)" ] && [ "$(cursor_ticker)" != "$at" ]' && moved=$((moved + 1))
  if [ $((step % 4)) = 0 ]; then command_line "cache build --rebuild" || break; fi
done
is "every j of $steps moves the cursor" "$moved" "$steps"
press :
shows "the prompt opens" '^:'
type_text 'sort pctchg'
shows "and takes letters" '^:sort pctchg'
press C-c
press g
holds "g goes to the top" wait_until "$patience" cursor_is "$first_ticker"
note "$(($(rebuilds) - before)) other rebuilds ended meanwhile"
holds "the machine was busy with something" wait_until "$patience" eval '[ "$(rebuilds)" -gt "$before" ]'
rm -f "$scratch/busy"
for n in $(seq "$workers"); do wait "${load[n]}"; done
is "no rebuild failed" "$(cat "$scratch"/busy.[0-9] 2>/dev/null | sort -u | tr '\n' ' ')" "0 "
quit_deck # the deck's own rebuild may still run: which of the jobs ends first is chance
left_sane "q" 0

# ---- while every read of a file waits ----

if ! full; then
  skip "keys while no read of a file comes back" "a preloaded library and sanitizers do not mix"
  finish
fi
${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o "$scratch/slowread.so" tests/acceptance/slowread.c -ldl 2>"$scratch/cc.err" ||
  give_up "the preloaded library compiles" "$scratch/cc.err"
deck_env=(LD_PRELOAD="$scratch/slowread.so" SLOWREAD_GATE="$scratch/gate" SLOWREAD_LOG="$scratch/reads")
open_deck 120 36
wait_deck || screen_not_ok "the deck comes up"
press a
shows "all rows are shown" '^.[ *][A-Z]+ .* ---P'
: >"$scratch/reads"
: >"$scratch/gate" # from here on
started() { tr -cd '(' <"$scratch/reads" | wc -c; }
returned() { tr -cd ')' <"$scratch/reads" | wc -c; }
pending() { [ "$(started)" -gt "$(returned)" ]; }
# To the end of the list: a ticker whose neighbours nobody has read ahead.
press G
last=$("$TAPEDECK" watchlist --lake "$lake" --format csv | tail -n 1 | cut -d, -f 1)
wait_until "$patience" eval 'cursor_is "$last" && ! chart_is "$first_ticker" && screen_has "reading bars"'
is "the cursor is at the end while the chart still says that it reads" "$?" 0
in_order=0
for key in k k k k; do
  at=$(cursor_ticker)
  wait_until "$patience" pending # a read is on its way
  sent=$(returned)
  press "$key"
  wait_until "$patience" eval '[ -n "$(cursor_ticker)" ] && [ "$(cursor_ticker)" != "$at" ]' && [ "$(returned)" -eq "$sent" ] && pending &&
    in_order=$((in_order + 1))
done
note "$(started) reads of files were on their way, $(returned) came back"
is "each k moved the cursor before the reads under way had ended" "$in_order" 4
screen_has 'reading bars'
is "and the chart was still waiting" "$?" 0
press :
wait_screen '^:' && type_text 'set clock off'
shows "the prompt answers meanwhile" '^:set clock off'
press C-c
rm "$scratch/gate"
holds "with reads as they were the chart comes" wait_until "$patience" eval 'chart_is "$(cursor_ticker)" && screen_lacks "reading bars"'
quit_deck
left_sane "q" 0
finish
