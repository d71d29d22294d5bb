/* SPDX-License-Identifier: GPL-3.0-or-later
 * A walk through the pages of one column chunk. */
#ifndef TAPEDECK_PQ_CURSOR_H
#define TAPEDECK_PQ_CURSOR_H

#include "pq_codec.h"
#include "pq_index.h"
#include "pq_values.h"

struct pq_cursor {
    const struct td_pq_file *file;
    const struct td_pq_column *column;
    const struct pq_chunk *chunk;
    size_t group;
    bool texts, plain; /* slots point into page memory; pages are stored uncompressed */
    struct pq_pool *pool;
    struct pq_decoder *decoder;
    /* Bytes at hand, [window_at, window_at + window_len) of the file; window_blob when they are the cursor's own. */
    const uint8_t *window;
    uint64_t window_at, window_len;
    struct pq_blob *window_blob;
    size_t ahead;      /* bytes to read at a time */
    uint64_t useful;   /* offset behind which no byte is expected to be wanted */
    uint64_t at, end;  /* next page header, end of the chunk */
    int64_t rows_left; /* of the chunk, in pages not yet opened */
    struct pq_dict dict;
    bool seen_data; /* a dictionary page may come only before */
    const struct pq_place *places; /* of the data pages, from an index that is believed; NULL = walk the headers */
    size_t place_count;
    int64_t promised; /* rows that the page after a jump must have, -1 = any */
    struct td_pq_effort *effort; /* what is opened is counted here, unless NULL */
    /* The open page. */
    uint64_t page_at;
    int64_t page_left;
    struct pq_blob *page_blob, *level_blob;
    struct pq_hybrid levels;
    struct pq_values values;
};

/* Begin a chunk; pool, decoder, effort and file were set before. No I/O. */
enum td_code pq_cursor_open(struct pq_cursor *c, size_t group, size_t leaf, struct td_err *err);
/* Lend bytes that contain the chunk; they outlive the walk. */
void pq_cursor_lend(struct pq_cursor *c, const uint8_t *bytes, uint64_t at, uint64_t len);
/* Decode `count` rows into the array from slot `to` on. The bits of valid that are touched must be clear. */
enum td_code pq_cursor_read(struct pq_cursor *c, struct td_pq_array *array, size_t to, size_t count,
                            struct td_err *err);
enum td_code pq_cursor_skip(struct pq_cursor *c, int64_t rows, struct td_err *err);
/* Pages may be found by these from now on; they outlive the walk. Call right after the opening. */
void pq_cursor_guide(struct pq_cursor *c, const struct pq_place *places, size_t count);
/* Open the page whose header pq_cursor_header has just given: check, load a dictionary, or make values ready. Pages of
 * other kinds are passed over. Moves behind it in any case. */
enum td_code pq_cursor_take(struct pq_cursor *c, const struct pq_page_header *page, uint64_t body, struct td_err *err);
void pq_cursor_close(struct pq_cursor *c);
/* The next page header at c->at and the offset of its body; does not move. */
enum td_code pq_cursor_header(struct pq_cursor *c, struct pq_page_header *page, uint64_t *body, struct td_err *err);
/* Values are texts, which point into page memory. */
static inline bool pq_is_text(enum td_pq_type type)
{
    return type == TD_PQ_BYTE_ARRAY || type == TD_PQ_FIXED || type == TD_PQ_INT96;
}

#endif
