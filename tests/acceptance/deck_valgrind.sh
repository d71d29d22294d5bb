#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# One session of the deck under valgrind: no error, and nothing lost. Sanitizers see the same code, but not what ncurses and
# readline are handed.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
full || skip_all "valgrind and sanitizers do not mix"
command -v valgrind >/dev/null || skip_all "valgrind is not installed"
patience=40
make_lake
open_terminal 120 36 "$scratch/stage" "$scratch/deck.$((opened + 1))" env TERM=xterm-256color valgrind -q --error-exitcode=99 \
  --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect --num-callers=30 \
  --suppressions=tests/acceptance/deck.supp --log-file="$scratch/valgrind.log" "$TAPEDECK" "${deck_args[@]}"
wait_deck || screen_not_ok "the deck comes up under valgrind"
press j
holds "j" wait_until "$patience" cursor_is "$second_ticker"
press a s 2
press :
wait_screen '^:'
type_text 'filter rvol30 > 1'
press Enter
shows "a filter" 'filter|[0-9]+ of [0-9]+'
press :
wait_screen '^:'
type_text 'watchl'
press Tab
shows "completion" '^:watchlist'
press C-r
type_text 'filt'
wait_screen 'i-search'
press C-c
wait_screen_lacks '^:|i-search'
command_line "theme light"
resize 20 5
resize 220 60
wait_screen '.{200}'
press '?'
shows "help" 'help +1-'
press Space
shows "its next page" 'help +[0-9]{2,}-'
press Escape
wait_screen_lacks 'help +[0-9]+-'
command_line "status"
wait_screen ' status +[0-9]+-'
press Escape
wait_screen_lacks ' status +[0-9]+-'
command_line "cache build"
shows "a job" 'cache'
wait_screen_lacks 'running cache'
quit_deck
wait_until "$patience" deck_ended
is "it ends well" "$(cat "$stage.rc" 2>/dev/null)" 0
is "valgrind has nothing to say" "$(head -n 60 "$scratch/valgrind.log")" ""
finish
