/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writing DELTA_BINARY_PACKED: blocks of 128 values in four miniblocks. */
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_thrift.h"

#define PQ_BLOCK 128
#define PQ_MINI 32
#define PQ_MINIS (PQ_BLOCK / PQ_MINI)

/* INT32 deltas wrap at 32 bits, so that no width passes 32 and every reader takes the file. */
static int64_t wrap(uint64_t delta, unsigned bits)
{
    return bits == 32 ? (int32_t)(uint32_t)delta : (int64_t)delta;
}

static void write_block(struct td_buf *out, const int64_t *values, size_t count, unsigned bits)
{
    uint64_t packed[PQ_BLOCK] = {0};
    int64_t deltas[PQ_BLOCK], min = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        deltas[i] = wrap((uint64_t)values[i] - (uint64_t)values[(ptrdiff_t)i - 1], bits);
        min = deltas[i] < min ? deltas[i] : min;
    }
    unsigned widths[PQ_MINIS] = {0};
    for (size_t i = 0; i < count; i++) {
        packed[i] = (uint64_t)deltas[i] - (uint64_t)min; /* below 2^32 when both are 32-bit */
        unsigned need = pq_bits_needed(packed[i]);
        if (need > widths[i / PQ_MINI])
            widths[i / PQ_MINI] = need;
    }
    pq_out_varint(out, pq_zigzag(min));
    for (size_t m = 0; m < PQ_MINIS; m++)
        td_buf_addc(out, (char)widths[m]);
    for (size_t m = 0; m * PQ_MINI < count; m++)
        pq_pack(out, packed + m * PQ_MINI, PQ_MINI, widths[m]);
}

void pq_delta_write(struct td_buf *out, const int64_t *values, size_t count, unsigned bits)
{
    pq_out_varint(out, PQ_BLOCK);
    pq_out_varint(out, PQ_MINIS);
    pq_out_varint(out, count);
    pq_out_varint(out, count ? pq_zigzag(values[0]) : 0);
    for (size_t at = 1; at < count; at += PQ_BLOCK)
        write_block(out, values + at, count - at < PQ_BLOCK ? count - at : PQ_BLOCK, bits);
}
