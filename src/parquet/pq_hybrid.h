/* SPDX-License-Identifier: GPL-3.0-or-later
 * The RLE/bit-packed hybrid: levels, dictionary indices and booleans, read in a stream and written a page at a time. */
#ifndef TAPEDECK_PQ_HYBRID_H
#define TAPEDECK_PQ_HYBRID_H

#include <tapedeck/base.h>

struct pq_hybrid {
    const uint8_t *p, *end; /* next run header */
    unsigned width;         /* bits a value, 0..32 */
    uint64_t repeat_left;   /* values left in a repeated run */
    uint32_t repeat;
    const uint8_t *packed, *packed_end; /* bit-packed run */
    uint64_t packed_left, packed_at;    /* values left in it; index of the next one */
};

/* Reading functions return NULL or a static text that says what is wrong with the bytes. */
const char *pq_hybrid_init(struct pq_hybrid *h, const uint8_t *data, size_t len, unsigned width);
/* Make sure that a run with at least one value is open, for callers that read runs themselves. */
const char *pq_hybrid_open(struct pq_hybrid *h);
const char *pq_hybrid_read(struct pq_hybrid *h, uint32_t *out, size_t count);
const char *pq_hybrid_skip(struct pq_hybrid *h, size_t count);
/* Width 1 only: OR the next `count` bits into `words` from bit `at` on; *ones grows by the number of set bits. */
const char *pq_hybrid_bits(struct pq_hybrid *h, uint64_t *words, size_t at, size_t count, size_t *ones);

/* Unpack `count` values of `width` bits (0..32), LSB first, starting at value index `first`; bytes past `end` read as
 * zero. */
void pq_unpack32(const uint8_t *data, const uint8_t *end, uint64_t first, unsigned width, uint32_t *out, size_t count);

/* Append `count` values in hybrid form. */
void pq_hybrid_write(struct td_buf *out, const uint32_t *values, size_t count, unsigned width);
/* Append `count` values of `width` bits (0..64), LSB first, padded with zero bits to whole bytes. */
void pq_pack(struct td_buf *out, const uint64_t *values, size_t count, unsigned width);
static inline unsigned pq_bits_needed(uint64_t max)
{
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

/* Bit ranges of a validity bitmap. */
void pq_bits_set(uint64_t *words, size_t at, size_t count);
size_t pq_bits_count(const uint64_t *words, size_t at, size_t count);

static inline uint64_t pq_load64(const uint8_t *p)
{
    uint64_t v;
    __builtin_memcpy(&v, p, 8);
    return v;
}
static inline uint32_t pq_load32(const uint8_t *p)
{
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return v;
}

#endif
