#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The deck in every size, locale and terminal that was promised. With the clock held still, what stands on the screen depends
# on the size and the locale alone: terminals and colours must not change a character. So each screen is judged once for what
# it shows, and then every terminal, reached by opening and by resizing a running deck, has to show the very same text.
. "$(dirname "$0")/lib.sh"
. tests/acceptance/deck_lib.sh
make_lake
sizes=(20x5 80x24 120x36 220x60)
names=(C C.UTF-8)
terms=(xterm-256color xterm-direct linux vt100)
still=TAPEDECK_NOW=2025-12-08T15:00:00Z

# Lines as wide as the terminal, characters that were meant, frames that close: PLACE of the screen's text, COLS, ROWS, LOCALE.
sound_screen() {
  local file=$1 cols=$2 rows=$3 locale=$4
  ! grep -nE "^.{$((cols + 1))}" "$file" || { echo "wider than the terminal"; return 1; }
  [ "$(wc -l <"$file")" -le "$rows" ] || { echo "more lines than the terminal has"; return 1; }
  if [ "$locale" = C ]; then
    ! LC_ALL=C grep -nE '[^ -~]' "$file" || { echo "not plain ASCII"; return 1; }
  else
    iconv -f UTF-8 -t UTF-8 "$file" >/dev/null || return 1
    # ASCII, frames, blocks, braille, and nothing else: a replacement or control character is garbage
    ! LC_ALL=C.UTF-8 grep -nP '[^\x{20}-\x{7e}\x{2500}-\x{259f}\x{2800}-\x{28ff}]' "$file" || { echo "characters nobody meant"; return 1; }
  fi
  ! sed '$d' "$file" | grep -n '[?]' || { echo "a question mark where a character was meant"; return 1; }
  if [ "$rows" -ge 24 ]; then # between the top and the bottom line everything stands in frames
    ! sed '1d;$d' "$file" | grep -nvE "^[│├┌└|+].{$((cols - 2))}[│┤┐┘|+]$" || { echo "no part of a closed frame"; return 1; }
  fi
}
settled() { # twice the same, and everything asked for is there
  pane_text >"$scratch/look1"
  grep -qE 'loading|reading the' "$scratch/look1" && return 1
  [ "$1" -lt 80 ] || grep -qE "$first_ticker  [0-9]+[mhd]" "$scratch/look1" || return 1
  [ "$1" -lt 80 ] || grep -qE 'O [0-9.]+ H [0-9.]+' "$scratch/look1" || return 1
  ! grep -q 'LAST 20' "$scratch/look1" || grep -qE "$first_ticker .* [^ ]{20} [RCDP-]{4}" "$scratch/look1" || return 1
  pane_text | cmp -s - "$scratch/look1"
}
for locale in "${names[@]}"; do
  deck_env=(LC_ALL="$locale" LANG="$locale" "$still")
  for size in "${sizes[@]}"; do
    cols=${size%x*} rows=${size#*x}
    open_deck "$cols" "$rows"
    wait_deck && wait_until "$patience" settled "$cols" || { screen_not_ok "$locale $size: the deck comes up"; continue; }
    pane_text >"$scratch/$locale.$size"
    holds "$locale $size: the first ticker of the list is on the screen, under the cursor" cursor_is "$first_ticker"
    holds "$locale $size: only characters that were meant, in closed frames" sound_screen "$scratch/$locale.$size" "$cols" "$rows" "$locale"
    press q
    left_sane "$locale $size: q leaves a sane terminal" 0
  done
done
! cmp -s "$scratch/C.80x24" "$scratch/C.UTF-8.80x24"
is "the two locales do differ" "$?" 0

colours_of() { # what is sent as colour: none, 8, 16, 256, direct
  pane_colours | LC_ALL=C awk '
    /\033\[[0-9;:]*[34]8[;:]2[;:]/ { direct = 1 }
    /\033\[[0-9;:]*[34]8[;:]5[;:]/ { many = 1 }
    /\033\[([0-9]+;)*(3[0-7]|4[0-7]|9[0-7]|10[0-7])(;[0-9]+)*m/ { few = 1 }
    END { print direct ? "direct" : many ? "256" : few ? "few" : "none" }'
}
declare -A depth=([xterm-256color]="256" [xterm-direct]=direct [linux]=few [vt100]=none)
turn=0
for locale in "${names[@]}"; do
  for term in "${terms[@]}"; do
    for plain in "" 1; do
      what="$locale $term${plain:+ NO_COLOR}"
      deck_env=(LC_ALL="$locale" LANG="$locale" TERM="$term" ${plain:+NO_COLOR=1} "$still")
      # every combination opens at another size and walks through all of them, two nonsense sizes included
      order=("${sizes[@]:turn % 4}" "${sizes[@]:0:turn % 4}")
      turn=$((turn + 1))
      open_deck "${order[0]%x*}" "${order[0]#*x}"
      for size in "${order[@]}"; do
        [ "$size" = "${order[2]}" ] && resize 7 2 && resize 300 3
        resize "${size%x*}" "${size#*x}"
        if wait_until "$patience" screen_is "$scratch/$locale.$size"; then ok "$what $size: the same screen as everywhere"; else
          pane_text | diff - "$scratch/$locale.$size" >"$scratch/difference"
          not_ok "$what $size: the same screen as everywhere" "$scratch/difference" "$stage.err"
        fi
      done
      if [ "$plain" ]; then want=none; else want=${depth[$term]}; fi
      wait_until "$patience" eval '[ "$(colours_of)" = "$want" ]'
      is "$what: colours" "$(colours_of)" "$want"
      press q
      left_sane "$what: sane after q" 0
    done
  done
done
finish
