#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Random schemas, data and options, written by the parquet room: DuckDB, Polars, arrow and hyparquet must give back the values
# that the files were made of. The files and their CSV come from tests/unit/parquet/test_pqwritten.c; what single readers are known not to
# read is listed by name in oracle_matrix.mjs. Needs Node and the oracle's packages: .ci/run says where in TAPEDECK_ORACLE.
whole=${TAPEDECK_ORACLE_FULL:-} # before lib.sh clears the environment
. "$(dirname "$0")/lib.sh"
[ -n "${TAPEDECK_ORACLE:-}" ] || skip_all "TAPEDECK_ORACLE does not name a folder with oracle.mjs and its packages; .ci/run does"
command -v node >/dev/null || skip_all "node is not installed"
[ -f "$TAPEDECK_ORACLE/readers.mjs" ] && [ -d "$TAPEDECK_ORACLE/node_modules" ] ||
  skip_all "TAPEDECK_ORACLE ($TAPEDECK_ORACLE) holds no readers.mjs with node_modules"
writer=build/$FLAVOUR/unit/parquet/test_pqwritten
[ -x "$writer" ] || skip_all "$writer is not built"

seed=1 count=150
if full && [ -n "$whole" ]; then count=1500; fi
mkdir "$scratch/matrix"
holds "$count files of seed $seed" "$writer" "$scratch/matrix" "$seed" "$count"
holds "four foreign readers give what was written" node tests/acceptance/oracle_matrix.mjs "$TAPEDECK_ORACLE" "$scratch/matrix"
note "$(tail -n 1 "$scratch/holds.out")"

# A comparison that cannot fail proves nothing: one changed cell must be seen.
mkdir "$scratch/changed"
for csv in "$scratch"/matrix/*.csv; do
  [ "$(wc -l <"$csv")" -gt 2 ] && head -n 1 "$csv" | grep -q '^c0_[a-z0-9]*_auto:int64' && break
done
name=$(basename "$csv" .csv)
cp "$scratch/matrix/$name.parquet" "$scratch/changed"
awk -F, -v OFS=, 'NR == 2 { $1 = "123456789" } { print }' "$csv" >"$scratch/changed/$name.csv"
if node tests/acceptance/oracle_matrix.mjs "$TAPEDECK_ORACLE" "$scratch/changed" >"$out" 2>&1; then not_ok "a changed cell is seen" "$out"; else
  holds "a changed cell is seen" grep -q 'in written, .* in duckdb' "$out"
fi
finish
