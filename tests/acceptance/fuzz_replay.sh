#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Every fuzz target, built with this flavour's compiler and archives, takes its seeds and, where the shared data is there, the
# hostile files of it without a crash, a leak or a broken rule. The seeds hold what fuzzing once found.
. "$(dirname "$0")/lib.sh"
. tests/fuzz/extra.sh
if ! make --no-print-directory FLAVOUR="$FLAVOUR" fuzz-replay >"$scratch/build" 2>&1; then
  grep -v '^  [A-Z]* ' "$scratch/build" >"$scratch/build.says"
  give_up "the targets build" "$scratch/build.says"
fi
ok "the targets build"
for source in tests/fuzz/fuzz_*.c; do
  name=$(basename "$source" .c)
  name=${name#fuzz_}
  replay=build/$FLAVOUR/replay/$name
  seeds=() others=()
  [ -d "tests/fuzz/seeds/$name" ] && mapfile -t seeds < <(find "tests/fuzz/seeds/$name" -type f | sort)
  mapfile -t others < <(extra_inputs "$name")
  if [ "${#seeds[@]}" -eq 0 ]; then
    not_ok "$name has seeds"
    continue
  fi
  if printf '%s\0' "${seeds[@]}" "${others[@]}" | timeout -k 5 600 xargs -0 "$replay" -v >"$scratch/replay" 2>&1; then
    ok "$name: ${#seeds[@]} seeds, ${#others[@]} other inputs"
  else
    tail -n 40 "$scratch/replay" >"$scratch/replay.end" # the file that was fed last is the one that broke it
    not_ok "$name: ${#seeds[@]} seeds, ${#others[@]} other inputs" "$scratch/replay.end"
  fi
done
finish
