# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the scripts about the deck share beyond lib.sh: a terminal of their own (tmux on a private socket), one deck in it, its
# screen as text, keys, and the state in which it leaves the terminal. Source it after lib.sh.

command -v tmux >/dev/null || skip_all "tmux is not installed"
socket=td-$$
export TMUX_TMPDIR=$scratch
unset TMUX TMUX_PANE COLORTERM
tm() { tmux -u -L "$socket" -f /dev/null "$@"; }
deck_cleanup() {
  tm kill-server 2>/dev/null
  wait_until 20 eval '! pgrep -f -- "$scratch/lake|$scratch/stage" >/dev/null' # a deck that was hung up still ends its work
  cleanup
}
trap deck_cleanup EXIT
tm start-server \; set -g exit-empty off \; set -g status off \; set -g remain-on-exit off \; \
  set -g escape-time 0 || skip_all "tmux does not start here"

# Instrumented builds take their time; nothing below asserts one.
if full; then patience=${TEST_PATIENCE:-90} market=(--tickers 60 --sessions 12); else patience=240 market=(--tickers 60 --sessions 6); fi
demo_day=2025-12-05

make_lake() { # [DIR]: a filled demo lake in $lake
  lake=${1:-$scratch/lake}
  "$TAPEDECK" demo --headless --lake "$lake" "${market[@]}" >"$scratch/make_lake.out" 2>"$scratch/make_lake.err" </dev/null ||
    give_up "a demo lake for the deck" "$scratch/make_lake.err"
  deck_args=(--lake "$lake")
  first_ticker=$("$TAPEDECK" watchlist --lake "$lake" --filter info_rich --format csv | sed -n '2s/,.*//p')
  second_ticker=$("$TAPEDECK" watchlist --lake "$lake" --filter info_rich --format csv | sed -n '3s/,.*//p')
  [ -n "$first_ticker" ] || give_up "the demo lake has an info-rich ticker" "$scratch/make_lake.out"
}

# ---- a deck in a terminal ----

# Runs the deck under a shell that outlives it, so that what it left behind can be looked at: $1.rc is its exit status.
cat >"$scratch/stage" <<'STAGE'
#!/bin/bash
trap : HUP # a hangup must not keep this shell from saying how the deck ended
stage=$1
shift
stty -g >"$stage.before"
"$@" 2>"$stage.err"
echo $? >"$stage.rc.new"
stty -g >"$stage.after"
cat "$stage.err" 2>/dev/null # where a person would have read it
mv "$stage.rc.new" "$stage.rc"
exec cat >/dev/null
STAGE
chmod +x "$scratch/stage"
opened=0 stage=$scratch/deck.0 deck_env=() deck_args=()
# What a terminal remembers besides characters.
modes() {
  tm display -p -t deck 'alternate #{alternate_on} cursor #{cursor_flag} mouse #{mouse_any_flag} keypad #{keypad_flag} cursorkeys #{keypad_cursor_flag} insert #{insert_flag} origin #{origin_flag} wrap #{wrap_flag}'
}
sane_modes="alternate 0 cursor 1 mouse 0 keypad 0 cursorkeys 0 insert 0 origin 0 wrap 1"
# What the deck sent before it ended may still be on its way into the terminal when its end is seen.
is_sane() { [ "$(modes)" = "$sane_modes" ]; }
sane() { wait_until "$patience" is_sane; }
pane_text() { tm capture-pane -p -t deck 2>/dev/null; }
pane_colours() { tm capture-pane -p -e -t deck 2>/dev/null; }
pane_shell() { tm display -p -t deck '#{pane_pid}'; }
# open_terminal COLS ROWS COMMAND...: a fresh terminal that runs it.
open_terminal() {
  local cols=$1 rows=$2
  shift 2
  tm kill-session -t deck 2>/dev/null
  opened=$((opened + 1)) stage=$scratch/deck.$opened # the one before may still be saying how it ended
  tm new-session -d -s deck -x "$cols" -y "$rows" "$(printf '%q ' "$@")"
}
# open_deck COLS ROWS [ARGUMENT...]: the deck with ${deck_env[@]} (words for env(1)) and ${deck_args[@]}.
open_deck() {
  local cols=$1 rows=$2
  shift 2
  open_terminal "$cols" "$rows" "$scratch/stage" "$scratch/deck.$((opened + 1))" env TERM=xterm-256color "${deck_env[@]}" "$TAPEDECK" "${deck_args[@]}" "$@"
}
deck_pid() { # the process of the deck, below the shell on the stage
  deck=$(pgrep -P "$(pane_shell)" -x tapedeck | head -n 1)
  [ -n "$deck" ]
}
deck_ended() { [ -f "$stage.rc" ]; }
resize() { tm resize-window -t deck -x "$1" -y "$2"; }
type_text() { tm send-keys -t deck -l -- "$1"; }
press() { tm send-keys -t deck "$@"; }
# A command line at the prompt. The prompt is on the screen before it is typed into.
command_line() {
  press :
  wait_screen '^:' || return 1
  type_text "$1"
  press Enter
}

# q, and q again when the deck asks because a job of its own still runs.
quit_deck() {
  press q
  wait_until "$patience" eval 'deck_ended || screen_has "q again leaves"'
  deck_ended || press q
}

# ---- what the screen shows ----

screen_has() { pane_text | grep -qE -- "$1"; }
screen_lacks() { ! pane_text | grep -qE -- "$1"; }
screen_is() { [ "$(pane_text)" = "$(cat "$1")" ]; }
# wait_screen PATTERN [SECONDS]: until a line of the screen matches the extended expression.
wait_screen() { wait_until "${2:-$patience}" screen_has "$1"; }
wait_screen_lacks() { wait_until "${2:-$patience}" screen_lacks "$1"; }
# shows NAME PATTERN [SECONDS], lacks NAME PATTERN [SECONDS]: the same as tests; a failure shows the screen.
shows() {
  if wait_screen "$2" "${3:-$patience}"; then ok "$1"; else screen_not_ok "$1" "waited for /$2/"; fi
}
lacks() {
  if wait_screen_lacks "$2" "${3:-$patience}"; then ok "$1"; else screen_not_ok "$1" "still there: /$2/"; fi
}
screen_not_ok() { # NAME WHY
  not_ok "$1"
  note "  ${2:-no such state}; the screen:"
  pane_text | sed 's/^/#   |/'
  [ -s "$stage.err" ] && sed 's/^/#   stderr: /' "$stage.err" | head -n 30
}
cursor_ticker() { pane_text | sed -nE 's/^[^A-Za-z]*>([A-Za-z][A-Za-z0-9.]*) .*/\1/p' | head -n 1; }
chart_ticker() { pane_text | sed -nE 's/.*[^A-Za-z0-9.]([A-Za-z0-9.]+)  [0-9]+[mhd]( auto)?  20[0-9-]+ .*/\1/p' | head -n 1; }
cursor_is() { [ "$(cursor_ticker)" = "$1" ]; }
chart_is() { [ "$(chart_ticker)" = "$1" ]; }
# The deck is up: its list has rows and the chart of the first one is drawn (where there is room for a chart).
wait_deck() { wait_screen "^[^A-Za-z]*[> ]$first_ticker " && wait_screen_lacks 'loading|reading the watchlist'; }

# ---- how it leaves ----

# left_sane NAME STATUS: the deck ended with this status and the terminal is what it was.
left_sane() {
  local bad=""
  wait_until "$patience" deck_ended || { screen_not_ok "$1" "the deck did not end"; return; }
  [ "$(cat "$stage.rc")" = "$2" ] || bad="exit status $(cat "$stage.rc"), wanted $2"
  [ "$(cat "$stage.before")" = "$(cat "$stage.after")" ] || bad="$bad; stty differs"
  sane || bad="$bad; terminal left as $(modes)"
  [ "$2" = 0 ] && grep -qvE '^(ingest|import|cache|universe) +|^tapedeck: simulated market at ' "$stage.err" && bad="$bad; something on standard error"
  if [ -z "$bad" ]; then ok "$1"; else screen_not_ok "$1" "${bad#; }"; fi
}
