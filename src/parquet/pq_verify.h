/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inside verification: the report, and what was seen of the values of a page or chunk. */
#ifndef TAPEDECK_PQ_VERIFY_H
#define TAPEDECK_PQ_VERIFY_H

#include "pq_cursor.h"

struct pq_verify {
    const struct td_pq_file *file;
    bool (*fn)(void *ctx, const struct td_pq_finding *finding);
    void *ctx;
    bool (*cancelled)(void *ctx); /* NULL = never */
    struct td_pq_verified *out;
    bool stopped; /* nobody hears of more */
    size_t group, column;    /* being looked at */
    int64_t page, offset;    /* of it; -1 = the chunk as a whole */
    struct td_arena arena;   /* index of the chunk at hand */
    struct pq_pool pool;
    struct pq_decoder decoder;
    struct td_pq_array array; /* one batch */
};

/* One more finding at the place the walk stands. */
void pq_verify_say(struct pq_verify *v, const char *fmt, ...) TD_PRINTF(2, 3);

/* TD_CANCELLED when the caller wants no more of it. */
enum td_code pq_verify_asked(const struct pq_verify *v, struct td_err *err);

struct pq_seen { /* values that were decoded */
    int64_t rows, nulls, nans;
    bool any;            /* bounds: some value is neither null nor NaN */
    struct td_buf bound[2]; /* least and greatest, PLAIN */
};
void pq_seen_init(struct pq_seen *s);
void pq_seen_free(struct pq_seen *s);
void pq_seen_clear(struct pq_seen *s);
enum td_code pq_seen_add(struct pq_seen *s, const struct td_pq_column *c, const struct td_pq_array *array, size_t rows,
                         struct td_err *err);
enum td_code pq_seen_merge(struct pq_seen *s, const struct pq_seen *part, const struct td_pq_column *c,
                           struct td_err *err);
/* Compare statistics with what was seen; `what` begins the findings: "the chunk's", "the page header's". */
void pq_verify_stats(struct pq_verify *v, const struct pq_leaf *leaf, const struct pq_stats *stats,
                     const struct pq_seen *seen, const char *what);
/* One bound of a page in its column index. */
void pq_verify_bound(struct pq_verify *v, const struct td_pq_column *c, struct td_str bound, bool max,
                     const struct pq_seen *seen, const char *what);
/* Can texts be compared as bounds of this column? */
bool pq_bound_ordered(const struct td_pq_column *c);

/* Walk the chunk (v->group, v->column). */
enum td_code pq_verify_chunk(struct pq_verify *v, struct td_err *err);

#endif
