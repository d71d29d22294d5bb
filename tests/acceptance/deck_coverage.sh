#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The coverage pane as a person uses it: see the hole, have its command put into the prompt, run it against the vendor, see the
# hole close. In colour and without, in UTF-8 and in ASCII, from 20x5 up.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
export TAPEDECK_NOW=2025-12-08T15:00:00Z MASSIVE_API_KEY=demo
lake=$scratch/lake
start_sim --tickers 20 --sessions 6 --end 2025-12-05
"$TAPEDECK" ingest -t stocks_minute -s 2025-11-28 -e 2025-12-05 --tickers MEGA,RUNA,RVSA --base-url "$sim_url" --lake "$lake" --quiet >"$out" 2>"$err" </dev/null ||
  give_up "minute bars of three tickers" "$err"
gone=$lake/bronze/stocks_minute/year=2025/month=12/ticker=RUNA.parquet
rm "$gone" || give_up "a file to lose"
deck_args=(--lake "$lake")
now=TAPEDECK_NOW=$TAPEDECK_NOW
deck_env=(TAPEDECK_BASE_URL="$sim_url" MASSIVE_API_KEY=demo LC_ALL=C.UTF-8 "$now")

open_deck 100 24
shows "the deck is there" 'info-rich scan'
press C
shows "C opens the map, and its title counts" 'coverage  stocks_minute  5 unknown of 18'
shows "all is known of MEGA" '>MEGA +█ #' # the plain character, in reverse, is the cursor
shows "nothing is known of RUNA in December" ' RUNA +█ ░'
press n
shows "n goes to the hole" '>RUNA +█ \.'
shows "which is told in words" 'RUNA 2025-12  5 unknown  0 traded  0 empty'
press Enter
shows "Enter puts the command into the prompt" '^:ingest -t stocks_minute -s 2025-12-01 -e 2025-12-05 --tickers RUNA'
press Enter
shows "run, the hole closes" 'coverage  stocks_minute  0 unknown of 18'
shows "on the map, too" '>RUNA +█ #'
holds "the file is back" test -f "$gone"
press n
shows "and there is no other" 'no session of this map is unknown'
press q
left_sane "q leaves a sane terminal" 0

# The same states by characters alone, and in any size.
rm "$gone"
for way in "LC_ALL=C NO_COLOR=1 TERM=vt100" "LC_ALL=C.UTF-8 TERM=xterm-256color"; do
  read -ra deck_env <<<"$way $now"
  case $way in *UTF*) full_='█' ;; *) full_='#' ;; esac
  open_deck 20 5
  shows "$way: 20x5" 'info-rich'
  press C
  shows "$way: the map fits" ">MEGA +$full_ ?#"
  press j
  shows "$way: the cursor moves" ">RUNA +$full_ ?\\."
  for size in 80x24 120x36 220x60 40x10; do
    resize "${size%x*}" "${size#*x}"
    shows "$way: $size" ">RUNA +$full_ ?\\."
    shows "$way: $size: the others around it" " MEGA +$full_ ?$full_"
  done
  press t
  shows "$way: nothing to show says so" 'no daily bars'
  press q
  left_sane "$way: sane after q" 0
done
stop_sim
finish
