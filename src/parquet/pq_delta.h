/* SPDX-License-Identifier: GPL-3.0-or-later
 * DELTA_BINARY_PACKED, read in a stream and written a page at a time. All arithmetic is modulo 2^64. */
#ifndef TAPEDECK_PQ_DELTA_H
#define TAPEDECK_PQ_DELTA_H

#include <tapedeck/base.h>

struct pq_delta {
    const uint8_t *p, *end;
    uint64_t left;  /* values not yet returned */
    uint64_t value; /* the last value returned, or the first one before it is */
    bool started;
    uint32_t miniblocks, per_miniblock;
    uint64_t min_delta;
    const uint8_t *widths; /* of the current block */
    uint32_t at_miniblock; /* next miniblock of the block; == miniblocks: a block must be opened */
    const uint8_t *packed; /* current miniblock */
    unsigned width;
    uint32_t packed_at, packed_left;
};

/* Reading functions return NULL or a static text that says what is wrong with the bytes. */
const char *pq_delta_init(struct pq_delta *d, const uint8_t *data, size_t len);
const char *pq_delta_read(struct pq_delta *d, uint64_t *out, size_t count);
const char *pq_delta_skip(struct pq_delta *d, size_t count);
/* Where the stream ends, found without unpacking it. */
const char *pq_delta_end(const struct pq_delta *d, const uint8_t **end);

/* Append a stream of `count` values; `bits` is 32 (values are sign-extended int32, deltas wrap at 32 bits) or 64. */
void pq_delta_write(struct td_buf *out, const int64_t *values, size_t count, unsigned bits);

#endif
