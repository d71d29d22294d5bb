#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An idle deck: with the clock on, one wake-up a second and the few bytes of the digits that changed; with the clock off,
# neither a wake-up nor a byte. Measured from the other side of the deck's own terminal.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
${CC:-cc} -O1 -o "$scratch/ptywatch" tests/acceptance/ptywatch.c -lutil 2>"$scratch/cc.err" || give_up "ptywatch compiles" "$scratch/cc.err"
make_lake
# What was asked for before may still be worked on, the longer the busier the machine is: an idle deck comes to rest, one that is
# not never does. Sanitizers have threads of their own that wake up when they like.
silent() { # NAME MILLISECONDS
  local want="bytes 0 wakes 0" turn
  [ "$FLAVOUR" = release ] && want="$want all 0"
  for turn in $(seq 20); do
    tell "watch $2"
    [ "$FLAVOUR" = release ] || answer=${answer% all*}
    [ "$answer" = "$want" ] && break
    note "$answer in $2 ms"
  done
  is "$1" "$answer" "$want"
}
watch_deck() { # ARGUMENT...: a deck on a terminal that counts; ask it with `tell`
  coproc WATCH { TERM=xterm-256color exec "$scratch/ptywatch" 120 36 "$TAPEDECK" --lake "$1" 2>"$scratch/watch.err"; }
  watch_pid=$WATCH_PID
  children+=("$watch_pid")
}
tell() { # LINE: the answer in $answer
  echo "$1" >&"${WATCH[1]}"
  read -r -t 180 -u "${WATCH[0]}" answer || answer=none
}
counts() { read -r _ bytes _ wakes _ <<<"$answer"; }
idle_deck() { # NAME LAKE
  watch_deck "$2"
  # Silence for 0.6 s comes between two ticks of the clock, once everything has been read and drawn.
  tell "quiet 600"
  for turn in $(seq 12); do
    tell "watch 5000"
    counts
    note "$1, clock on: $answer in 5 s"
    [ "$wakes" -ge 4 ] && [ "$wakes" -le 12 ] && [ "$bytes" -gt 0 ] && [ "$bytes" -le 250 ] && break
  done
  holds "$1: clock on, at most about one wake-up a second" test "$wakes" -ge 4 -a "$wakes" -le 12
  holds "$1: clock on, a few dozen bytes a second" test "$bytes" -gt 0 -a "$bytes" -le 250
  tell 'keys :set clock off\r'
  tell "quiet 1500"
  silent "$1: clock off, not a byte and not a wake-up of any thread" 3000
  tell 'keys \t'
  for turn in $(seq 120); do
    tell "watch 500"
    counts
    [ "$bytes" -gt 0 ] && break
  done
  holds "$1: it was not dead: a key is answered" test "$bytes" -gt 0
  tell 'keys w'
  tell "quiet 1000"
  silent "$1: and idle again after the key" 2000
  tell 'keys :set clock on\r'
  ticks=0
  for turn in $(seq 24); do # the first bytes are the answer to the keys
    tell "watch 2500"
    counts
    if [ "$bytes" -gt 0 ] && [ "$wakes" -ge 2 ]; then ticks=$((ticks + 1)); else ticks=0; fi
    [ "$ticks" -eq 2 ] && break
  done
  is "$1: the clock comes back" "$ticks" 2
  tell 'keys q'
  tell end
  is "$1: q" "$answer" "status 0"
  wait "$watch_pid" 2>/dev/null
}
idle_deck "a filled lake" "$lake"
idle_deck "an empty lake" "$scratch/empty"
finish
