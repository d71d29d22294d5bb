#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Where no deck can be drawn it says so in one line that names the cause and the way out, ends with status 2, and sends
# nothing to the terminal.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
make_lake

only_the_line() { [ "$(pane_text | tr -d '\n ')" = "$(tr -d '\n ' <"$stage.err")" ]; }
# explains NAME PATTERN...: the deck that was just opened ended with 2 and one line.
explains() {
  local name=$1 bad="" pattern
  shift
  wait_until "$patience" deck_ended || { screen_not_ok "$name" "it did not end"; return; }
  [ "$(cat "$stage.rc")" = 2 ] || bad="exit status $(cat "$stage.rc")"
  [ "$(wc -l <"$stage.err")" -eq 1 ] || bad="$bad; $(wc -l <"$stage.err") lines on standard error"
  for pattern in "$@"; do grep -qE -- "$pattern" "$stage.err" || bad="$bad; nothing says $pattern"; done
  [ "$(cat "$stage.before")" = "$(cat "$stage.after")" ] || bad="$bad; stty differs"
  sane || bad="$bad; terminal left as $(modes)"
  # What stands in the terminal is that line and nothing else.
  wait_until "$patience" only_the_line || bad="$bad; more in the terminal than the line"
  if [ -z "$bad" ]; then ok "$name"; else screen_not_ok "$name" "${bad#; }"; fi
}
deck_env=(TERM=dumb)
open_deck 200 24
explains "TERM=dumb" "TERM=dumb" "xterm-256color" "tapedeck watchlist"
deck_env=(-u TERM)
open_terminal 200 24 "$scratch/stage" "$scratch/deck.$((opened + 1))" env -u TERM "$TAPEDECK" "${deck_args[@]}"
explains "TERM not set" "TERM is not set" "xterm-256color"
deck_env=(TERM=)
open_deck 200 24
explains "TERM empty" "TERM is not set" "xterm-256color"
deck_env=(TERM=nosuchterm)
open_deck 200 24
explains "TERM=nosuchterm" "TERM=nosuchterm" "xterm-256color|ncurses-term"
deck_env=(TERM=../../../etc/passwd)
open_deck 200 24
explains "TERM that is a path" "TERM=" "xterm-256color|ncurses-term"
deck_env=(TERMINFO=/nowhere TERMINFO_DIRS=/nowhere TERM=nosuchterm)
open_deck 200 24
explains "no terminfo at all" "TERM=nosuchterm" "xterm-256color|ncurses"

# No terminal on one side or the other.
open_terminal 200 24 "$scratch/stage" "$scratch/deck.$((opened + 1))" bash -c '"$0" "$@" </dev/null' "$TAPEDECK" "${deck_args[@]}"
explains "standard input is no terminal" "needs a terminal" "tapedeck watchlist"
open_terminal 200 24 "$scratch/stage" "$scratch/deck.$((opened + 1))" bash -c '"$0" "$@" | cat; exit "${PIPESTATUS[0]}"' "$TAPEDECK" "${deck_args[@]}"
explains "standard output is no terminal" "needs a terminal" "tapedeck watchlist"
run --lake "$lake"
refuses "neither is a terminal" 2 "needs a terminal" "tapedeck watchlist"
is "and nothing on standard output" "$(wc -c <"$out")" 0
finish
