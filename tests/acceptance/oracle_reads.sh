#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Files of other people's writers are read as they were meant: some hundred of them, made anew from other seeds than those of the
# shared matrix, as the CSV beside them; those of the format's own corpus as most other readers read them, or refused by the
# name of a nested or encrypted column. Needs Node and the oracle's packages: .ci/run sets them up (TAPEDECK_ORACLE).
. "$(dirname "$0")/lib.sh"
[ -n "${TAPEDECK_ORACLE:-}" ] || skip_all "TAPEDECK_ORACLE does not name a folder with oracle.mjs and its packages; .ci/run does"
command -v node >/dev/null || skip_all "node is not installed"
[ -d "$TAPEDECK_ORACLE/node_modules" ] || skip_all "TAPEDECK_ORACLE ($TAPEDECK_ORACLE) holds no node_modules"
export RUST_BACKTRACE=0 TMPDIR=$scratch # a reader that panics is no reader of that file

if full; then seeds=(20 21 22); else seeds=(23); fi
for seed in "${seeds[@]}"; do
  made=$scratch/$seed
  timeout -k 5 400 node tests/acceptance/oracle_reads.mjs make "$made" "$seed" >"$out" 2>"$err"
  rc=$?
  files=0 differ=0
  for file in "$made"/*.parquet; do
    files=$((files + 1))
    "$TAPEDECK" parquet cat --format csv "$file" >"$scratch/said.csv" 2>"$scratch/said.err" && cmp -s "$scratch/said.csv" "${file%.parquet}.csv" ||
      { differ=$((differ + 1)); echo "${file##*/}: $(head -c 300 "$scratch/said.err")" >>"$scratch/differ"; }
  done
  if [ "$rc" -eq 0 ] && [ "$differ" -eq 0 ] && [ "$files" -ge 100 ]; then ok "seed $seed: $files files of other writers equal their CSV"; else
    not_ok "seed $seed: $differ of $files files of other writers differ from their CSV" "$scratch/differ" "$err"
  fi
  rm -rf "$made"
done

corpus=$TAPEDECK_SHARED/fixtures/parquet-testing/data
if ! full; then
  skip "the format's corpus" "the plain build compares it"
elif [ -d "$corpus" ]; then
  mapfile -t files < <(find "$corpus" -name '*.parquet' -o -name '*.parquet.encrypted' | sort)
  timeout -k 5 600 node tests/acceptance/oracle_reads.mjs majority "$TAPEDECK" "${files[@]}" >"$out" 2>"$err"
  rc=$?
  good=$(grep -c '^ok ' "$out")
  grep '^DIFFERS' "$out" >"$scratch/differ.corpus"
  if [ "$rc" -eq 0 ] && [ "$good" -eq "${#files[@]}" ]; then ok "the format's corpus: $good files as most readers read them"; else
    not_ok "the format's corpus: $good of ${#files[@]} files as most readers read them" "$scratch/differ.corpus"
  fi
else
  skip "the format's corpus" "no shared fixtures/parquet-testing"
fi
finish
