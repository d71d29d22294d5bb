#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Other people's readers (DuckDB, Polars, arrow, hyparquet) read every Parquet file that tapedeck writes with the same values, and
# the oracle's lint finds no broken promise in the bytes. Needs Node and the oracle's packages: .ci/run sets them up and says
# where in TAPEDECK_ORACLE.
. "$(dirname "$0")/lib.sh"
[ -n "${TAPEDECK_ORACLE:-}" ] || skip_all "TAPEDECK_ORACLE does not name a folder with oracle.mjs and its packages; .ci/run does"
command -v node >/dev/null || skip_all "node is not installed"
[ -f "$TAPEDECK_ORACLE/oracle.mjs" ] && [ -d "$TAPEDECK_ORACLE/node_modules" ] ||
  skip_all "TAPEDECK_ORACLE ($TAPEDECK_ORACLE) holds no oracle.mjs with node_modules"
oracle=(node "$TAPEDECK_ORACLE/oracle.mjs")
lake=$scratch/lake

# The whole default market for the release build in full; every class of file of a small one otherwise.
if full && [ -n "${TAPEDECK_ORACLE_FULL:-}" ]; then options=(); else options=("${small[@]}"); fi
run demo --headless "${options[@]}" --lake "$lake"
succeeds "a demo lake"
fixtures=$TAPEDECK_SHARED/fixtures/market
if [ -d "$fixtures" ]; then # imported files have what the simulator never sends: no vwap, no trade counts, doubtful prices
  run import "$fixtures"/minute/smallcaps_2025_05/alphavantage/*_raw.json.gz --as stocks_minute --ticker-from-name --lake "$scratch/real"
  succeeds "a lake of real minutes"
  run cache build --preset seed --lake "$scratch/real"
  run universe build --lake "$scratch/real"
  succeeds "with cache and lists"
else
  mkdir "$scratch/real"
fi
classes=()
for class in bronze/stocks_minute bronze/stocks_daily bronze/splits bronze/tickers bronze/renames cache/daily universe/info_rich; do
  [ -d "$lake/$class" ] && classes+=("$lake/$class")
  [ -d "$scratch/real/$class" ] && [ "$(parquet_files "$scratch/real/$class" | wc -l)" -gt 0 ] && classes+=("$scratch/real/$class")
done
# The oracle does not look into sub-folders, and DuckDB would take folders called year=2025 for columns: every file is linked
# into one plain folder a class first, and as many files as there are must be called ok.
for class in "${classes[@]}"; do
  flat=$scratch/flat
  rm -rf "$flat" && mkdir "$flat"
  files=0
  while IFS= read -r file; do
    files=$((files + 1))
    ln "$file" "$flat/$files.parquet"
  done < <(parquet_files "$class")
  for verb in agree lint; do
    "${oracle[@]}" "$verb" "$flat" >"$out" 2>"$err"
    rc=$?
    good=$(grep -c '^ok ' "$out")
    if [ "$rc" -eq 0 ] && [ "$files" -gt 0 ] && [ "$good" -eq "$files" ]; then ok "$verb: $files files of ${class#"$scratch/"}"; else
      grep -v '^ok ' "$out" | head -n 20 >"$scratch/oracle.says"
      not_ok "$verb: $good of $files files of ${class#"$scratch/"}" "$scratch/oracle.says" "$err"
    fi
  done
done

# One file of every class against what tapedeck itself says is in it.
for class in "${classes[@]}"; do
  file=$(parquet_files "$class" | tail -n 1)
  "$TAPEDECK" parquet cat --format csv "$file" >"$scratch/said.csv"
  cp "$file" "$scratch/said.parquet" # away from the folders whose names DuckDB would take for columns
  holds "check: ${file#"$scratch/"} holds what 'parquet cat' prints" "${oracle[@]}" check "$scratch/said.parquet" "$scratch/said.csv"
done
finish
