#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Whatever ends or stops the deck, the person gets the terminal back: SIGTERM, hangup, Ctrl-C, Ctrl-Z and fg, and after a kill
# that nobody can answer, the next deck.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
make_lake
up() { wait_deck && wait_until "$patience" deck_pid; }

# SIGTERM and SIGHUP with the terminal still there; also while the prompt is open.
for signal in TERM HUP; do
  for at in list prompt; do
    open_deck 80 24
    up || { screen_not_ok "the deck comes up"; continue; }
    if [ "$at" = prompt ]; then press : && wait_screen '^:' && type_text 'filter rvol30 >'; fi
    kill -"$signal" "$deck"
    left_sane "SIG$signal at the $at: interrupted, and a sane terminal" 130
  done
done

# Hangup: the terminal itself goes away.
open_deck 80 24
up || screen_not_ok "the deck comes up"
tm kill-session -t deck
wait_until "$patience" gone "$deck"
is "a terminal that is gone ends the deck" "$?" 0
wait_until "$patience" deck_ended
is "hangup is an interruption" "$(cat "$stage.rc")" 130
# The same for a deck that never hears of the signal: the terminal's end alone has to be enough.
open_terminal 80 24 bash -c 'trap "" HUP; exec "$0" "$@"' env TERM=xterm-256color "$TAPEDECK" "${deck_args[@]}"
wait_deck || screen_not_ok "the deck comes up"
deck=$(pane_shell)
tm kill-session -t deck
wait_until "$patience" gone "$deck"
is "also where SIGHUP is ignored" "$?" 0

# Ctrl-C is no way out of the deck, but it closes the prompt and says how to leave.
open_deck 80 24
up || screen_not_ok "the deck comes up"
press C-c
shows "Ctrl-C in the list says how to leave" 'q leaves the deck'
press :
wait_screen '^:'
type_text 'filter rvol30'
wait_screen '^:filter rvol30'
press C-c
lacks "Ctrl-C at the prompt closes it" '^:filter'
press :
wait_screen '^:$'
press C-r
type_text fil
press C-c
lacks "Ctrl-C in a history search closes it" 'search|^:'
press j
holds "and keys go on" wait_until "$patience" cursor_is "$second_ticker"
press 'C-\'
press k
holds "Ctrl-\\ drops no core" wait_until "$patience" cursor_is "$first_ticker"
press q
left_sane "q after all that" 0

# Ctrl-Z gives the shell its terminal; fg brings the deck back, also into another size and after somebody changed the modes.
open_terminal 80 24 env TERM=xterm-256color PS1='shell> ' bash --norc --noprofile -i
wait_screen '^shell>'
type_text 'stty raw -echo; stty sane; clear; echo ready' # as below, so that the modes can be compared
press Enter
wait_screen '^ready' && wait_screen '^shell> *$'
tty_modes() { stty -F "$(tm display -p -t deck '#{pane_tty}')" -g; }
before=$(tty_modes)
modes_are() { [ "$(tty_modes)" = "$1" ]; }
stopped() { grep -q '^State:[[:space:]]*T' "/proc/$deck/status"; }
# The title line reaches the right edge, the last line of the terminal holds the hints.
fills() { [ "$(pane_text | sed -n '2s/.$//p' | wc -m)" -eq "$1" ] && pane_text | sed -n "$2p" | grep -q '^j k move'; }
type_text "$(printf '%q ' "$TAPEDECK" "${deck_args[@]}")"
press Enter
up || screen_not_ok "the deck comes up from a shell"
inside=$(tty_modes)
for size in 80x24 120x36 20x5 80x24; do
  press C-z
  wait_until "$patience" stopped
  is "Ctrl-Z stops the process (next size $size)" "$?" 0
  shows "the shell speaks again" '^shell>'
  sane
  is "its terminal is sane" "$(modes)" "$sane_modes"
  wait_until "$patience" modes_are "$before" # the prompt on the screen may be the one that the deck was started at
  is "with the modes it had" "$(tty_modes)" "$before"
  resize "${size%x*}" "${size#*x}"
  type_text 'stty raw -echo; stty sane; echo meanwhile'
  press Enter
  wait_screen '^meanwhile|meanwhile$'
  type_text fg
  press Enter
  wait_until "$patience" eval '! stopped' || not_ok "fg continues it"
  wait_screen_lacks 'meanwhile|shell>'
  wait_deck
  is "fg at $size: the deck is whole again" "$?" 0
  holds "as wide and high as the terminal is now" wait_until "$patience" fills "${size%x*}" "${size#*x}"
  wait_until "$patience" modes_are "$inside"
  is "and takes keys in its own modes" "$(tty_modes)" "$inside"
done
kill -TSTP "$deck"
wait_until "$patience" stopped
is "a SIGTSTP from elsewhere is the same" "$?" 0
shows "the shell speaks again" '^shell>'
sane
is "its terminal is sane" "$(modes)" "$sane_modes"
type_text fg
press Enter
wait_deck || screen_not_ok "the deck comes back"
kill -STOP "$deck"
wait_until "$patience" stopped
wait_screen 'Stopped|shell>'
type_text fg
press Enter
wait_screen_lacks 'Stopped|shell>'
wait_deck
is "after a SIGSTOP, which cannot be answered, fg paints the deck anew" "$?" 0

# kill -9: the deck cannot clean up. The shell gets its modes back by itself; the next deck works and leaves a sane terminal.
kill -KILL "$deck"
shows "after kill -9 the shell speaks again" 'Killed|shell>'
type_text clear # what the dead deck drew is not to be taken for the next one's
press Enter
wait_screen_lacks "$first_ticker"
type_text "$(printf '%q ' "$TAPEDECK" "${deck_args[@]}")"
press Enter
up
is "a new deck in the same terminal works" "$?" 0
press q
wait_until "$patience" gone "$deck"
is "and ends" "$?" 0
type_text clear
press Enter
shows "the shell speaks again" '^shell> *$'
sane
is "leaving a sane terminal" "$(modes)" "$sane_modes"
wait_until "$patience" modes_are "$before"
is "with the modes of before" "$(tty_modes)" "$before"
is "nothing in the live folder says that a job runs" "$(ls "$lake/_runs/live" 2>/dev/null)" ""
finish
