#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The deck at work: demo opens it on the newest session; a job typed at the prompt shows its progress while the list scrolls
# and the chart follows and pans; another process's job shows as well; the prompt filters, sorts, completes and remembers;
# help knows every command; and in an empty lake every pane says why it is empty and what would fill it.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh

# ---- demo opens the deck on the simulated market's newest session ----

lake=$scratch/lake
deck_args=()
open_deck 120 36 demo --lake "$lake" "${market[@]}"
shows "demo fills its lake and opens the list of the newest session" "info-rich scan  $demo_day" 300
make_lake "$lake" # nothing left to fill: finds the list's first tickers
shows "the list has rows" "^[^A-Za-z]*[> ]$first_ticker "
shows "the first line says through when there are data" "data through $demo_day"
holds "the chart shows the ticker under the cursor" wait_until "$patience" chart_is "$first_ticker"
quit_deck
left_sane "q leaves the demo" 0 # on standard error stands what filling the lake said
# ---- a job from the prompt, live ----

start_sim "${market[@]}" --latency 150
tickers=$("$TAPEDECK" watchlist --lake "$lake" --format csv | sed '1d;s/,.*//' | grep -vE "^($first_ticker|$second_ticker)\$" | head -n 30 | paste -sd,)
[ -n "$tickers" ] || give_up "tickers to download"
deck_env=(MASSIVE_API_KEY=demo)
open_deck 120 36
wait_deck || screen_not_ok "the deck comes up"
title_counts() { read -r listed of_all <<<"$(pane_text | sed -nE 's/.*info-rich scan  [0-9-]+  ([0-9]+) of ([0-9]+).*/\1 \2/p' | head -n 1)"; }
all_listed() { title_counts && [ -n "$listed" ] && [ "$listed" = "$of_all" ]; }
some_listed() { title_counts && [ -n "$listed" ] && [ "$listed" -lt "$of_all" ]; }
wait_until "$patience" some_listed || screen_not_ok "the deck opens with the info-rich rows"
press a # all rows: something to scroll
holds "a shows all rows of the file" wait_until "$patience" all_listed
wait_until "$patience" eval '[ "$(pane_text | grep -cE "^.[ >*][A-Z]+ ")" -gt 3 ]'
progress() { pane_text | sed -nE 's/.*downloads .* ([0-9]+)\/[0-9]+.*/\1/p' | head -n 1; }
progressed() { local now; now=$(progress); [ -n "$now" ] && [ "$now" -gt "$1" ]; }
follows() { local t; t=$(cursor_ticker); [ -n "$t" ] && [ "$t" != "$1" ] && chart_is "$t"; }
# Three years of 30 tickers, a month a request, one after the other: minutes, so that the job outlasts everything done meanwhile
# on a slow machine, too. Nobody waits for its end.
command_line "ingest -t stocks_minute -s 2023-01-03 -e 2025-12-05 --max-concurrent 1 --base-url $sim_url --tickers $tickers"
shows "the job appears in downloads" 'running ingest +stocks_minute'
shows "with a count of units" 'downloads .*[0-9]+/[0-9]+'
from=$(progress) still_running=0
for turn in 1 2 3; do
  at=$(cursor_ticker) before=$(progress)
  press j
  wait_until "$patience" follows "$at"
  is "j moves the cursor and the chart follows, turn $turn" "$?" 0
  wait_until "$patience" progressed "$before"
  is "while the count of units goes on, turn $turn" "$?" 0
  screen_has 'running ingest +stocks_minute' && still_running=$((still_running + 1))
done
at=$(cursor_ticker)
press k
wait_until "$patience" follows "$at"
is "k moves back" "$?" 0
# The chart pans: its candles, right of the list, are others than before.
candles() { pane_text | sed -n '4,30p' | cut -c 68-; }
press c
wait_screen 'timeframe .* pan'
candles >"$scratch/candles"
press h h h h h h
wait_until "$patience" eval '! candles | cmp -s - "$scratch/candles"'
is "h pans the chart" "$?" 0
before=$(progress)
wait_until "$patience" progressed "$before"
is "and the job goes on" "$?" 0
press w
holds "all of that happened while the job ran" test "$still_running" -eq 3
holds "its count grew" test "$(progress)" -gt "$from"
# Stop it at a unit boundary; the lake's journal agrees.
press d
wait_screen 'x cancel'
press x
shows "x in the downloads stops it" '[0-9] (cancelled|stopped|interrupted) ingest +stocks_minute'
holds "and the journal says so" wait_until "$patience" eval 'tail -n 1 "$lake/_runs/journal.jsonl" | grep -qE "cancelled|interrupted"'
press w

# ---- another process's job ----

MASSIVE_API_KEY=demo "$TAPEDECK" ingest -t stocks_minute -s 2023-01-03 -e 2025-12-05 --max-concurrent 1 --base-url "$sim_url" --tickers "$tickers" \
  --lake "$lake" >"$scratch/other.out" 2>"$scratch/other.err" </dev/null &
other=$!
children+=("$other")
shows "an ingest of another process shows in the downloads" "process $other running ingest +stocks_minute"
before=$(progress)
wait_until "$patience" progressed "${before:-0}"
is "and its count goes on as well" "$?" 0
stop "$other"
is "that process ends by its own rules" "$rc" 130
lacks "and the deck no longer calls it running" "process $other running ingest +stocks_minute"
stop_sim

# ---- the prompt ----

press a
holds "a goes back to the info-rich rows" wait_until "$patience" some_listed
rows_shown() { pane_text | grep -cE '^.[ >*][A-Z]+ +[0-9]'; }
command_line "filter \"ticker = '$second_ticker'\""
shows ":filter says what is filtered" 'info-rich scan  [0-9-]+  1 of [0-9]+ .*filter|^.>'"$second_ticker"
holds "and shows the rows that pass" wait_until "$patience" eval '[ "$(rows_shown)" = 1 ] && cursor_is "$second_ticker"'
command_line "filter off"
wait_screen "^.[ >*]$first_ticker "
is ":filter off shows all again" "$?" 0
command_line "sort ticker:asc"
wait_until "$patience" eval '[ "$(pane_text | sed -nE "s/^.[ >*]([A-Z]+) +[0-9].*/\1/p" | LC_ALL=C sort -c 2>&1)" = "" ] && screen_has "sort TICKER"'
is ":sort sorts" "$?" 0
command_line "sort rvol30"
shows "and the title names the order" 'sort RVOL'
command_line "filter nosuchcolumn > 1"
shows "a filter over an unknown column says so" 'nosuchcolumn'
pane_colours >"$scratch/dark"
press k
command_line "theme light"
wait_until "$patience" eval '[ "$(pane_colours | sed -n 2p)" != "$(sed -n 2p "$scratch/dark")" ]'
is ":theme light changes the colours" "$?" 0
command_line "theme nosuchtheme"
shows "an unknown theme is named" 'nosuchtheme'
command_line "nosuchcommand 1 2"
shows "an unknown command is named" 'nosuchcommand'
press :
wait_screen '^:'
type_text 'watchl'
wait_screen '^:watchl$'
press Tab
shows "Tab completes a command" '^:watchlist$'
type_text '--sor'
press Tab
shows "Tab completes an option" '^:watchlist --sort$'
type_text 'rvol'
press Tab
shows "Tab shows several candidates above the prompt" 'rvol30 .*rvol30_prior|rvol30_prior'
press C-c
lacks "Ctrl-C leaves the prompt" '^:'
press :
wait_screen '^:'
press Up
shows "the arrow recalls the last line" '^:nosuchcommand 1 2'
press Up Up
shows "and those before" '^:theme light'
press C-u
wait_screen '^: *$'
press C-r
shows "Ctrl-R asks" 'i-search'
type_text 'sort tick'
shows "and finds" 'sort ticker:asc'
press Enter
lacks "Enter runs what was found" 'i-search'
shows "the order is the found line's" 'sort TICKER'
type_text ':'
wait_screen '^:'
type_text 'filter ticker = "Ü€"'
shows "the prompt takes UTF-8" '^:filter ticker = "Ü€"'
press Escape
lacks "a lone Esc leaves it" '^:'
quit_deck
left_sane "q, and nothing was said on standard error" 0
open_deck 80 24
wait_deck || screen_not_ok "the deck comes up"
press :
wait_screen '^:'
press Up
shows "the next deck remembers the lines" '^:sort ticker:asc'
press C-c

# ---- help ----

press '?'
shows "? opens the help" 'help +1-'
: >"$scratch/help"
shown_to() { pane_text | sed -nE '2s/.*help +[0-9]+-([0-9]+) of ([0-9]+).*/\1 \2/p'; }
at_end=0
for _ in $(seq 60); do
  pane_text | sed '1,2d;$d' >>"$scratch/help"
  read -r last total <<<"$(shown_to)"
  [ "$last" = "$total" ] && at_end=1 && break
  press Space
  wait_until "$patience" eval '[ "$(shown_to)" != "$last $total" ]' || break
done
is "the help can be read to its end" "$at_end" 1
missing=""
while read -r name; do
  grep -qE "^.? +$name( |$)" "$scratch/help" || missing="$missing, $name"
done < <("$TAPEDECK" help | sed -n '/^Options of every/q;p' | sed -nE 's/^  ([a-z-]+( [a-z]+)?)  .*/\1/p')
is "it holds every command" "${missing#, }" ""
press Escape
shows "Esc closes it" "^.[ >]$first_ticker "
quit_deck
left_sane "q" 0

# ---- an empty lake: why, and what would help ----

deck_env=() deck_args=(--lake "$scratch/empty")
open_deck 120 36
shows "empty lake: the list says why" 'this lake holds no bars yet'
for pane in watchlist chart downloads log text; do
  command_line "pane $pane"
  command_line "go zoom-pane"
  empty_pane() { pane_text | sed '1,2d;$d' | grep -qE '[a-z]{2,} [a-z]{2,}' && pane_text | sed '1,2d;$d' | grep -qE '^[^A-Za-z]*:[a-z]+'; }
  if wait_until "$patience" empty_pane; then ok "empty lake: $pane says why it is empty and which command fills it"; else
    screen_not_ok "empty lake: $pane says why it is empty and which command fills it" "no reason, or no command"; fi
  press Escape
  wait_screen '│+┌|┐┌'
done
quit_deck
left_sane "q" 0
finish
