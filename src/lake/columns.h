/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake, private: chosen columns of record tables, file after file, into buffers that one thread keeps. */
#ifndef TAPEDECK_LAKE_COLUMNS_H
#define TAPEDECK_LAKE_COLUMNS_H

#include "lake_internal.h"

#define COLUMNS_MAX 16
#define COLUMNS_BATCH 2048 /* rows at a time: what is decoded stays in the second level cache */

struct columns { /* start with columns_init; one thread */
    const struct td_record *record;
    size_t count;
    const struct td_field *fields[COLUMNS_MAX];
    struct td_pq_array arrays[COLUMNS_MAX]; /* by wanted column; zero bytes where the file lacks an optional one */
    bool present[COLUMNS_MAX];              /* of the open file */
    struct td_pq_file *file;
    struct td_pq_reader *reader;
    struct td_buf path;
    int64_t left; /* rows of the open file not read yet */
};
/* names: of the record's fields. Errors: TD_NOMEM. */
enum td_code columns_init(struct columns *c, const struct td_record *record, const char *const *names, size_t count,
                          struct td_err *err);
/* Open the file at c->path. */
enum td_code columns_open(struct columns *c, bool footer, struct td_err *err);
/* Up to COLUMNS_BATCH further rows; 0 at the end. Nulls of needed columns are TD_DATA. */
enum td_code columns_next(struct columns *c, size_t *rows, struct td_err *err);
void columns_free(struct columns *c);
/* Nulls of a column of doubles become NaN. */
void columns_nan(const struct columns *c, size_t column, size_t rows);
/* Flags of a text column as bits; the texts of a dictionary repeat, so does the answer. */
void columns_flags(const struct columns *c, size_t column, size_t rows, uint32_t *out);

#endif
