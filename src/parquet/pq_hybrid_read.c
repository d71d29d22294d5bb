/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading the RLE/bit-packed hybrid without ever holding more than the caller asked for. */
#include <string.h>
#include "pq_hybrid.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "Parquet is little endian and so is this code");

const char *pq_hybrid_init(struct pq_hybrid *h, const uint8_t *data, size_t len, unsigned width)
{
    *h = (struct pq_hybrid){.p = data, .end = data + len, .width = width};
    return width > 32 ? "a bit width is above 32" : NULL;
}

/* Up to eight bytes at p, those past the end as zero. */
static uint64_t load_edge(const uint8_t *p, const uint8_t *end)
{
    uint64_t v = 0;
    if (p < end)
        memcpy(&v, p, end - p < 8 ? (size_t)(end - p) : 8);
    return v;
}

void pq_unpack32(const uint8_t *data, const uint8_t *end, uint64_t first, unsigned width, uint32_t *out, size_t count)
{
    if (!width) {
        memset(out, 0, count * sizeof *out);
        return;
    }
    const uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    const uint64_t len = (uint64_t)(end - data);
    /* Values whose eight-byte window lies inside the data are read in the tight loop. */
    uint64_t safe_bits = len >= 8 ? (len - 8) * 8 + 7 : 0;
    uint64_t safe_last = safe_bits / width; /* values 0..safe_last start within the window */
    size_t fast = len < 8 || first > safe_last ? 0 : (size_t)(safe_last - first + 1);
    if (fast > count)
        fast = count;
    uint64_t bit = first * width;
    for (size_t i = 0; i < fast; i++, bit += width)
        out[i] = (uint32_t)(pq_load64(data + (bit >> 3)) >> (bit & 7)) & mask;
    for (size_t i = fast; i < count; i++, bit += width) {
        uint64_t byte = bit >> 3;
        out[i] = byte < len ? (uint32_t)(load_edge(data + byte, end) >> (bit & 7)) & mask : 0;
    }
}

static const char *read_header(struct pq_hybrid *h, uint64_t *header)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (h->p >= h->end)
            return "a run-length stream ends before its values";
        uint8_t b = *h->p++;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *header = value;
            return NULL;
        }
    }
    return "a run-length header is too long";
}

/* Some old writers cut the last group to the bytes that hold values: the rest then reads as zero, but a group that
 * starts past the end is damage. */
static const char *next_packed(struct pq_hybrid *h, uint64_t groups)
{
    uint64_t bytes = groups * h->width, have = (uint64_t)(h->end - h->p);
    uint64_t values = groups * 8;
    if (bytes > have) {
        bytes = have;
        values = have * 8 / h->width;
        if (!values)
            return "a bit-packed run lies past the end of its page";
    }
    h->packed = h->p;
    h->packed_end = h->p += bytes;
    h->packed_left = values;
    h->packed_at = 0;
    return NULL;
}

static const char *next_repeat(struct pq_hybrid *h, uint64_t count)
{
    unsigned bytes = (h->width + 7) / 8;
    if ((size_t)(h->end - h->p) < bytes)
        return "a run-length stream ends before its values";
    h->repeat = 0;
    memcpy(&h->repeat, h->p, bytes);
    if (h->width < 32 && h->repeat >> h->width)
        return "a repeated value is wider than its bit width";
    h->p += bytes;
    h->repeat_left = count;
    return NULL;
}

/* Empty runs are legal, if odd: each takes a byte, so this ends. */
const char *pq_hybrid_open(struct pq_hybrid *h)
{
    const char *why = NULL;
    while (!why && !h->repeat_left && !h->packed_left) {
        uint64_t header;
        why = read_header(h, &header);
        if (!why)
            why = header & 1 ? next_packed(h, header >> 1) : next_repeat(h, header >> 1);
    }
    return why;
}

static size_t least(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

const char *pq_hybrid_read(struct pq_hybrid *h, uint32_t *out, size_t count)
{
    while (count) {
        const char *why = pq_hybrid_open(h);
        size_t n;
        if (why)
            return why;
        if (h->repeat_left) {
            n = least(h->repeat_left, count);
            for (size_t i = 0; i < n; i++)
                out[i] = h->repeat;
            h->repeat_left -= n;
        } else {
            n = least(h->packed_left, count);
            pq_unpack32(h->packed, h->packed_end, h->packed_at, h->width, out, n);
            h->packed_at += n;
            h->packed_left -= n;
        }
        out += n;
        count -= n;
    }
    return NULL;
}

const char *pq_hybrid_skip(struct pq_hybrid *h, size_t count)
{
    while (count) {
        const char *why = pq_hybrid_open(h);
        size_t n;
        if (why)
            return why;
        if (h->repeat_left) {
            n = least(h->repeat_left, count);
            h->repeat_left -= n;
        } else {
            n = least(h->packed_left, count);
            h->packed_at += n;
            h->packed_left -= n;
        }
        count -= n;
    }
    return NULL;
}

void pq_bits_set(uint64_t *words, size_t at, size_t count)
{
    while (count) {
        size_t shift = at % 64, n = 64 - shift < count ? 64 - shift : count;
        uint64_t mask = n == 64 ? UINT64_MAX : ((UINT64_C(1) << n) - 1);
        words[at / 64] |= mask << shift;
        at += n;
        count -= n;
    }
}

size_t pq_bits_count(const uint64_t *words, size_t at, size_t count)
{
    size_t ones = 0;
    while (count) {
        size_t shift = at % 64, n = 64 - shift < count ? 64 - shift : count;
        uint64_t mask = n == 64 ? UINT64_MAX : ((UINT64_C(1) << n) - 1);
        ones += (size_t)__builtin_popcountll(words[at / 64] >> shift & mask);
        at += n;
        count -= n;
    }
    return ones;
}

/* Copy bits of a width-1 packed run, which already is a bitmap. */
static size_t copy_bits(const struct pq_hybrid *h, uint64_t *words, size_t at, size_t count)
{
    uint64_t bit = h->packed_at;
    size_t ones = 0;
    while (count) {
        size_t shift = at % 64, n = 64 - shift;
        if (n > count)
            n = count;
        if (n > 56) /* what one unaligned load surely holds after its shift */
            n = 56;
        uint64_t v = load_edge(h->packed + (bit >> 3), h->packed_end) >> (bit & 7);
        v &= (UINT64_C(1) << n) - 1;
        words[at / 64] |= v << shift;
        ones += (size_t)__builtin_popcountll(v);
        at += n;
        bit += n;
        count -= n;
    }
    return ones;
}

const char *pq_hybrid_bits(struct pq_hybrid *h, uint64_t *words, size_t at, size_t count, size_t *ones)
{
    while (count) {
        const char *why = pq_hybrid_open(h);
        size_t n;
        if (why)
            return why;
        if (h->repeat_left) {
            n = least(h->repeat_left, count);
            if (h->repeat) {
                pq_bits_set(words, at, n);
                *ones += n;
            }
            h->repeat_left -= n;
        } else {
            n = least(h->packed_left, count);
            *ones += copy_bits(h, words, at, n);
            h->packed_at += n;
            h->packed_left -= n;
        }
        at += n;
        count -= n;
    }
    return NULL;
}
