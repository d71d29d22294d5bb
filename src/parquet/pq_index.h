/* SPDX-License-Identifier: GPL-3.0-or-later
 * The page index of one chunk as read: where its data pages lie, and what each can hold. */
#ifndef TAPEDECK_PQ_INDEX_H
#define TAPEDECK_PQ_INDEX_H

#include "pq_file.h"

struct pq_place { /* of a data page */
    int64_t offset, first_row; /* in the file; in the row group */
    int32_t size;              /* bytes, header included */
};

struct pq_index { /* all of it lives in an arena */
    struct pq_place *places; /* from the offset index; NULL when there is none */
    size_t pages;
    /* From the column index; `bounded` pages or 0. Texts are PLAIN bytes and may be of any length. */
    size_t bounded;
    bool *null_pages;
    struct td_str *min, *max;
    int64_t *nulls; /* NULL when not stated */
    int order;      /* 0 none, 1 ascending, 2 descending */
};

/* Read the offset index of a chunk, and its column index too when `bounds` is set. An absent one leaves its part empty; one
 * that is malformed or does not fit its chunk (places outside, out of order, counts that differ) does so too, and *why,
 * static text, says what is wrong. Whether it tells the truth is another matter. TD_IO, TD_NOMEM. */
enum td_code pq_index_load(const struct td_pq_file *file, size_t group, size_t leaf, bool bounds,
                           struct td_arena *arena, struct pq_index *out, const char **why, struct td_err *err);
/* The page that holds row `row` of the group: the last one that starts at or before it. */
size_t pq_index_page(const struct pq_place *places, size_t count, int64_t row);
/* First row after page i. */
static inline int64_t pq_index_end(const struct pq_place *places, size_t count, size_t i, int64_t rows)
{
    return i + 1 < count ? places[i + 1].first_row : rows;
}

#endif
