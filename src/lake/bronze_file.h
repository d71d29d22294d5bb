/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake, private: what reading and writing of bronze files share. */
#ifndef TAPEDECK_LAKE_BRONZE_FILE_H
#define TAPEDECK_LAKE_BRONZE_FILE_H

#include "lake_internal.h"

#define BRONZE_SCHEMA "bars/1"
#define BRONZE_BATCH 16384 /* a dense month is two or three batches; the bitmaps of one fit in the first cache */

/* Columns in file order. */
enum { COL_TICKER, COL_TS, COL_OPEN, COL_HIGH, COL_LOW, COL_CLOSE, COL_VOLUME, COL_VWAP, COL_TRADES, COLS };
extern const struct td_pq_column bronze_columns[COLS];

struct td_bronze_reader { /* one thread; made for the first file, reset for each one after it */
    struct td_pq_reader *columns;
    struct td_str *tickers; /* BRONZE_BATCH; only where statistics do not say which ticker it is */
    uint64_t valid[3][TD_PQ_WORDS(BRONZE_BATCH)];
    /* For other people's files only: per column BRONZE_BATCH values of four bytes on their way to doubles, and their bitmaps. */
    uint32_t *narrow;
    uint64_t *bits;
};

/* What the footer says; TD_DATA or TD_UNSUPPORTED for a file that is none of ours. */
enum td_code bronze_read_info(const struct td_pq_file *file, const char *path, struct td_bronze_info *info, struct td_err *err);
/* Append the bars of one file; reader may be NULL (one for this file alone), info too. */
enum td_code bronze_read_file(struct td_bronze_reader *reader, const char *path, const char *ticker, struct td_bars *bars,
                              struct td_bronze_info *info, struct td_err *err);

#endif
