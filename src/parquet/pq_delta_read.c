/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading DELTA_BINARY_PACKED. */
#include <string.h>
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_thrift.h"

#define PQ_MAX_BLOCK 65536 /* values; common sizes are 128, 256 and 1024 */
#define PQ_WIDEST 56       /* bits of a value that one load of eight bytes surely holds */
#define PQ_INLINE static inline __attribute__((always_inline))

static const char *read_varint(struct pq_delta *d, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (d->p >= d->end)
            return "a delta stream ends inside a number";
        uint8_t b = *d->p++;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = value;
            return NULL;
        }
    }
    return "a number in a delta stream is too long";
}

const char *pq_delta_init(struct pq_delta *d, const uint8_t *data, size_t len)
{
    uint64_t block, minis, count, first;
    const char *why;
    *d = (struct pq_delta){.p = data, .end = data + len};
    if ((why = read_varint(d, &block)) || (why = read_varint(d, &minis)) || (why = read_varint(d, &count)) ||
        (why = read_varint(d, &first)))
        return why;
    if (!block || block > PQ_MAX_BLOCK || !minis || minis > block || block % minis || block / minis % 32)
        return "a delta stream has an unsound block size";
    if (count > INT32_MAX)
        return "a delta stream claims too many values";
    d->miniblocks = d->at_miniblock = (uint32_t)minis;
    d->per_miniblock = (uint32_t)(block / minis);
    d->left = count;
    d->value = (uint64_t)pq_unzigzag(first);
    return NULL;
}

static const char *next_block(struct pq_delta *d)
{
    uint64_t min;
    const char *why = read_varint(d, &min);
    if (why)
        return why;
    if ((size_t)(d->end - d->p) < d->miniblocks)
        return "a delta stream ends inside a block";
    d->min_delta = (uint64_t)pq_unzigzag(min);
    d->widths = d->p;
    d->p += d->miniblocks;
    d->at_miniblock = 0;
    return NULL;
}

/* Open the next miniblock. The last one may be cut to the bytes that its values need; those after it have no body. */
static const char *next_miniblock(struct pq_delta *d)
{
    const char *why = d->at_miniblock == d->miniblocks ? next_block(d) : NULL;
    if (why)
        return why;
    d->width = d->widths[d->at_miniblock++];
    if (d->width > 64)
        return "a delta stream has a bit width above 64";
    uint64_t used = d->left < d->per_miniblock ? d->left : d->per_miniblock;
    uint64_t need = (used * d->width + 7) / 8, full = (uint64_t)d->per_miniblock * d->width / 8;
    uint64_t have = (uint64_t)(d->end - d->p);
    if (need > have)
        return "a delta stream ends inside a block";
    d->packed = d->p;
    d->p += full < have ? full : have;
    d->packed_at = 0;
    d->packed_left = d->per_miniblock;
    return NULL;
}

static uint64_t load_edge(const uint8_t *p, const uint8_t *end)
{
    uint64_t v = 0;
    if (p < end)
        memcpy(&v, p, end - p < 8 ? (size_t)(end - p) : 8);
    return v;
}

/* The value at a bit, where a load of eight bytes may run past the end of the data. */
static uint64_t unpack_edge(const struct pq_delta *d, uint64_t bit)
{
    const uint8_t *p = d->packed + (bit >> 3);
    unsigned shift = bit & 7;
    uint64_t v = load_edge(p, d->end) >> shift;
    if (d->width > 56 && shift)
        v |= load_edge(p + 8, d->end) << (64 - shift);
    return v;
}

/* How many of the next n values can be loaded eight bytes at a time. */
static size_t inner_count(const struct pq_delta *d, size_t n)
{
    size_t bytes = (size_t)(d->end - d->packed);
    if (bytes < 16 || d->width > PQ_WIDEST)
        return 0;
    uint64_t values = (uint64_t)(bytes - 16) * 8 / d->width; /* that start before the edge */
    return values <= d->packed_at ? 0 : values - d->packed_at < n ? (size_t)(values - d->packed_at) : n;
}

/* Value i of the group of eight at p. */
PQ_INLINE uint64_t bits_of(const uint8_t *p, unsigned i, unsigned width)
{
    return pq_load64(p + i * width / 8) >> (i * width % 8) & ((UINT64_C(1) << width) - 1);
}

/* Whole groups of eight, added up. The width is a constant where this is inlined, and the eight are written out, so that
 * every shift and offset is a constant too and one addition a value waits for the one before. */
PQ_INLINE uint64_t add_groups(const uint8_t *p, unsigned width, size_t groups, uint64_t min, uint64_t value, uint64_t *out)
{
    for (; groups; groups--, p += width, out += 8) {
        out[0] = value += min + bits_of(p, 0, width);
        out[1] = value += min + bits_of(p, 1, width);
        out[2] = value += min + bits_of(p, 2, width);
        out[3] = value += min + bits_of(p, 3, width);
        out[4] = value += min + bits_of(p, 4, width);
        out[5] = value += min + bits_of(p, 5, width);
        out[6] = value += min + bits_of(p, 6, width);
        out[7] = value += min + bits_of(p, 7, width);
    }
    return value;
}

#define ADD(w) \
    case w: return add_groups(p, w, groups, min, value, out)
static uint64_t add_width(const uint8_t *p, unsigned width, size_t groups, uint64_t min, uint64_t value, uint64_t *out)
{
    switch (width) {
        ADD(1); ADD(2); ADD(3); ADD(4); ADD(5); ADD(6); ADD(7); ADD(8);
        ADD(9); ADD(10); ADD(11); ADD(12); ADD(13); ADD(14); ADD(15); ADD(16);
        ADD(17); ADD(18); ADD(19); ADD(20); ADD(21); ADD(22); ADD(23); ADD(24);
        ADD(25); ADD(26); ADD(27); ADD(28); ADD(29); ADD(30); ADD(31); ADD(32);
    default: return add_groups(p, width, groups, min, value, out); /* no delta between bars is that wide */
    }
}
#undef ADD

/* The next n values of the open miniblock. */
static void unpack(struct pq_delta *d, uint64_t *out, size_t n)
{
    const uint64_t min = d->min_delta;
    const uint64_t mask = d->width == 64 ? UINT64_MAX : (UINT64_C(1) << d->width) - 1;
    uint64_t value = d->value;
    size_t i = 0;
    if (!d->width) { /* equal steps */
        for (; i < n; i++)
            out[i] = value += min;
    } else {
        for (; i < n && (d->packed_at + i) % 8; i++)
            out[i] = value += min + (unpack_edge(d, (uint64_t)(d->packed_at + i) * d->width) & mask);
        size_t inner = inner_count(d, n), groups = inner > i ? (inner - i) / 8 : 0;
        value = add_width(d->packed + (d->packed_at + i) / 8 * d->width, d->width, groups, min, value, out + i);
        for (i += groups * 8; i < n; i++)
            out[i] = value += min + (unpack_edge(d, (uint64_t)(d->packed_at + i) * d->width) & mask);
    }
    d->value = value;
    d->packed_at += (uint32_t)n;
    d->packed_left -= (uint32_t)n;
}

static const char *advance(struct pq_delta *d, uint64_t *out, size_t count)
{
    uint64_t dropped[64]; /* a skip must add up the deltas all the same */
    if (count > d->left)
        return "a delta stream holds fewer values than its page";
    if (count && !d->started) {
        d->started = true;
        d->left--;
        count--;
        if (out)
            *out++ = d->value;
    }
    while (count) {
        const char *why = d->packed_left ? NULL : next_miniblock(d);
        if (why)
            return why;
        size_t n = count < d->packed_left ? count : d->packed_left;
        n = out || n < TD_COUNT(dropped) ? n : TD_COUNT(dropped);
        unpack(d, out ? out : dropped, n);
        d->left -= n;
        count -= n;
        out = out ? out + n : NULL;
    }
    return NULL;
}

const char *pq_delta_read(struct pq_delta *d, uint64_t *out, size_t count)
{
    return advance(d, out, count);
}

const char *pq_delta_skip(struct pq_delta *d, size_t count)
{
    return advance(d, NULL, count);
}

const char *pq_delta_end(const struct pq_delta *d, const uint8_t **end)
{
    struct pq_delta walk = *d;
    if (walk.left && !walk.started)
        walk.left--;
    walk.left -= walk.left < walk.packed_left ? walk.left : walk.packed_left;
    while (walk.left) {
        const char *why = next_miniblock(&walk);
        if (why)
            return why;
        walk.left -= walk.left < walk.per_miniblock ? walk.left : walk.per_miniblock;
    }
    *end = walk.p;
    return NULL;
}
