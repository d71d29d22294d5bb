# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the fuzz runs and their replay share: the inputs of a target beyond its own seeds, from the shared data where it is
# there, and how long an input may get. Source it.
shared=${TAPEDECK_SHARED:-../shared}/fixtures
extra_inputs() { # TARGET: paths, one a line
  case $1 in
    parquet_file)
      find "$shared/parquet-matrix" "$shared/parquet-testing" -name '*.parquet' -size -40k 2>/dev/null
      ;;
    lake_table) find "$shared/parquet-matrix/hostile" -name '*.parquet' -size -40k 2>/dev/null ;;
    rest_aggs | rest_reference | doc | import_json) find "$shared/massive" -name '*.json' -size -40k 2>/dev/null ;;
  esac | sort
}
longest_input() { # TARGET: bytes
  case $1 in
    parquet_file | lake_table | ticker_first) echo 32768 ;;
    parquet_codecs | parquet_thrift | parquet_index) echo 4096 ;;
    parquet_roundtrip | chart | import_csv | import_json | rest_* | keys) echo 8192 ;;
    time | words) echo 256 ;;
    *) echo 2048 ;;
  esac
}
