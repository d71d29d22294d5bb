/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake, private: the scanner's state, shared with the canonical writer. */
#ifndef TAPEDECK_LAKE_SCAN_INTERNAL_H
#define TAPEDECK_LAKE_SCAN_INTERNAL_H

#include "lake_internal.h"

struct scan_left_out {
    int leaf;      /* its first */
    size_t before; /* how many columns of the scan stand before it in the file */
};

struct td_scan { /* one thread */
    struct td_pq_file *file;
    struct td_pq_reader *reader;
    struct td_scan_column *columns;
    int *leaves; /* index of each column in the file */
    struct td_pq_array *arrays;
    size_t count, batch_rows, at; /* row at - 1 of the batch was given last */
    struct scan_left_out *left_out; /* fields that cannot be read, in the file's order; none when columns were named */
    size_t left_out_count;
    const char **names; /* of each leaf, see lake_leaf_names */
    struct td_arena arena;
    struct td_scan_column *all; /* every readable column of the file */
    int *all_leaves;
    size_t all_count;
    int64_t from, to; /* the only rows to give */
    struct scan_search *search;
    char path[1024];
};

#define SCAN_BATCH 4096 /* rows */

/* td_scan_next of a scan that searches. */
enum td_code scan_search_next(struct td_scan *scan, struct td_cell *cells, bool *more, struct td_err *err);
void scan_search_free(struct td_scan *scan);

#endif
