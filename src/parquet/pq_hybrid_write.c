/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writing the RLE/bit-packed hybrid: runs of eight and more equal values are repeated, the rest is bit-packed. */
#include <string.h>
#include "pq_hybrid.h"
#include "pq_thrift.h"

struct packer {
    uint8_t *p;
    uint64_t hold;
    unsigned bits; /* waiting in hold: 0..7 between calls */
};

static void put_bits(struct packer *k, uint64_t value, unsigned width)
{
    k->hold |= value << k->bits;
    k->bits += width;
    for (; k->bits >= 8; k->bits -= 8, k->hold >>= 8)
        *k->p++ = (uint8_t)k->hold;
}

void pq_pack(struct td_buf *out, const uint64_t *values, size_t count, unsigned width)
{
    size_t bytes = (size_t)(((uint64_t)count * width + 7) / 8);
    if (!bytes || !td_buf_reserve(out, bytes))
        return;
    struct packer k = {.p = (uint8_t *)out->data + out->len};
    for (size_t i = 0; i < count; i++) {
        put_bits(&k, width > 32 ? values[i] & UINT32_MAX : values[i], width > 32 ? 32 : width);
        if (width > 32)
            put_bits(&k, values[i] >> 32, width - 32);
    }
    if (k.bits)
        *k.p = (uint8_t)k.hold;
    out->len += bytes;
    out->data[out->len] = 0;
}

/* Whole groups of eight, the last one padded with zeros. Every value is written with the eight bytes from its first byte on:
 * those after it are not yet settled and will be written again. */
static void put_packed(struct td_buf *out, const uint32_t *values, size_t count, unsigned width)
{
    const size_t groups = (count + 7) / 8, bytes = groups * width;
    if (!count)
        return;
    pq_out_varint(out, (uint64_t)groups << 1 | 1);
    if (!td_buf_reserve(out, bytes + 8))
        return;
    uint8_t *p = (uint8_t *)out->data + out->len;
    uint64_t hold = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < count; i++) {
        hold |= (uint64_t)values[i] << bits;
        bits += width;
        memcpy(p, &hold, 8);
        p += bits / 8;
        hold >>= bits & ~7u; /* at most 32 + 7 bits were held */
        bits &= 7;
    }
    uint8_t *end = (uint8_t *)out->data + out->len + bytes;
    while (p < end) {
        *p++ = (uint8_t)hold;
        hold >>= 8;
    }
    out->len += bytes;
    out->data[out->len] = 0;
}

static void put_repeat(struct td_buf *out, uint32_t value, size_t count, unsigned width)
{
    pq_out_varint(out, (uint64_t)count << 1);
    td_buf_add(out, &value, (width + 7) / 8);
}

void pq_hybrid_write(struct td_buf *out, const uint32_t *values, size_t count, unsigned width)
{
    size_t open = 0; /* first value not yet written */
    for (size_t i = 0; i < count;) {
        size_t run = 1;
        while (i + run < count && values[i + run] == values[i])
            run++;
        /* A packed run holds whole groups of eight: the values before a repeat borrow from it to fill their last. */
        size_t borrow = (8 - (i - open) % 8) % 8;
        if (run >= borrow + 8) {
            put_packed(out, values + open, i + borrow - open, width);
            put_repeat(out, values[i], run - borrow, width);
            open = i + run;
        }
        i += run;
    }
    put_packed(out, values + open, count - open, width);
}
