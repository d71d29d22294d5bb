/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake, private: the scanner's state, shared with the canonical writer. */
#ifndef TAPEDECK_LAKE_SCAN_INTERNAL_H
#define TAPEDECK_LAKE_SCAN_INTERNAL_H

#include "lake_internal.h"

struct td_scan { /* one thread */
    struct td_pq_file *file;
    struct td_pq_reader *reader;
    struct td_scan_column *columns;
    int *leaves; /* index of each column in the file */
    struct td_pq_array *arrays;
    size_t count, batch_rows, at; /* row at - 1 of the batch was given last */
    char path[1024];
};

#endif
