/* SPDX-License-Identifier: GPL-3.0-or-later
 * Dictionary pages at speed: bit-packed indices are unpacked and gathered in one step, eight at a time, by kernels
 * whose bit width is a constant; a repeated index fills its slots. */
#include <string.h>
#include "pq_values_more.h"

#define PQ_STEP 512   /* indices of the general path */
#define PQ_KERNELS 16 /* widest index with a kernel of its own; 65536 entries are a large dictionary */
#define PQ_INLINE static inline __attribute__((always_inline))

struct limits {
    uint32_t bias; /* what the number of entries lacks to 2^31 */
    uint32_t mask; /* index of the last slot that may be read, of a power of two */
};

/* Index i of the group of eight at p, looked up; 8 bytes behind its start are readable. The result has its top bit set
 * when the index is past the end. Whole bytes may be far wider than the dictionary needs and are kept inside it; other
 * widths come here only where they fit. */
PQ_INLINE uint32_t gather1(const uint8_t *p, unsigned i, unsigned width, size_t slot, const uint8_t *slots,
                           uint8_t *out, struct limits l)
{
    const uint32_t mask = (UINT32_C(1) << width) - 1;
    uint32_t index = (uint32_t)(pq_load64(p + i * width / 8) >> (i * width % 8)) & mask;
    memcpy(out + i * slot, slots + (width % 8 ? index : index & l.mask) * slot, slot);
    return index + l.bias;
}

/* Written out, not a loop: every shift and offset is then a constant at -O2 too. */
PQ_INLINE uint32_t gather8(const uint8_t *p, unsigned width, size_t slot, const uint8_t *slots, uint8_t *out,
                           struct limits l)
{
    uint32_t bad = gather1(p, 0, width, slot, slots, out, l);
    bad |= gather1(p, 1, width, slot, slots, out, l);
    bad |= gather1(p, 2, width, slot, slots, out, l);
    bad |= gather1(p, 3, width, slot, slots, out, l);
    bad |= gather1(p, 4, width, slot, slots, out, l);
    bad |= gather1(p, 5, width, slot, slots, out, l);
    bad |= gather1(p, 6, width, slot, slots, out, l);
    return bad | gather1(p, 7, width, slot, slots, out, l);
}

/* As many whole groups of eight as lie safely inside the data; *done tells how many values that was. */
PQ_INLINE uint32_t gather_groups(const uint8_t *p, const uint8_t *end, unsigned width, size_t slot,
                                 const uint8_t *slots, uint8_t *out, size_t count, struct limits l, size_t *done)
{
    uint32_t bad = 0;
    size_t groups = count / 8, left = (size_t)(end - p);
    size_t safe = left < 16 + width ? 0 : (left - 16) / width; /* the last load of a group starts at width - 1 */
    groups = groups < safe ? groups : safe;
    for (size_t g = 0; g < groups; g++, p += width, out += 8 * slot)
        bad |= gather8(p, width, slot, slots, out, l);
    *done = groups * 8;
    return bad;
}

PQ_INLINE uint32_t gather_slots(const uint8_t *p, const uint8_t *end, unsigned width, size_t slot, const uint8_t *slots,
                                uint8_t *out, size_t count, struct limits l, size_t *done)
{
    switch (width) {
    case 1: return gather_groups(p, end, 1, slot, slots, out, count, l, done);
    case 2: return gather_groups(p, end, 2, slot, slots, out, count, l, done);
    case 3: return gather_groups(p, end, 3, slot, slots, out, count, l, done);
    case 4: return gather_groups(p, end, 4, slot, slots, out, count, l, done);
    case 5: return gather_groups(p, end, 5, slot, slots, out, count, l, done);
    case 6: return gather_groups(p, end, 6, slot, slots, out, count, l, done);
    case 7: return gather_groups(p, end, 7, slot, slots, out, count, l, done);
    case 8: return gather_groups(p, end, 8, slot, slots, out, count, l, done);
    case 9: return gather_groups(p, end, 9, slot, slots, out, count, l, done);
    case 10: return gather_groups(p, end, 10, slot, slots, out, count, l, done);
    case 11: return gather_groups(p, end, 11, slot, slots, out, count, l, done);
    case 12: return gather_groups(p, end, 12, slot, slots, out, count, l, done);
    case 13: return gather_groups(p, end, 13, slot, slots, out, count, l, done);
    case 14: return gather_groups(p, end, 14, slot, slots, out, count, l, done);
    case 15: return gather_groups(p, end, 15, slot, slots, out, count, l, done);
    case 16: return gather_groups(p, end, 16, slot, slots, out, count, l, done);
    default: *done = 0; return 0;
    }
}

static uint32_t gather_fast(const struct pq_values *v, uint8_t *out, size_t count, size_t *done)
{
    const struct pq_hybrid *h = &v->hybrid;
    const uint8_t *p = h->packed + h->packed_at / 8 * h->width, *slots = v->dict->slots;
    const uint8_t *end = h->end; /* of the page: loads may reach into the next run */
    const struct limits l = {(UINT32_C(1) << 31) - v->dict->count, (uint32_t)v->dict->room - 1};
    switch (v->slot) {
    case 8: return gather_slots(p, end, h->width, 8, slots, out, count, l, done);
    case 4: return gather_slots(p, end, h->width, 4, slots, out, count, l, done);
    case sizeof(struct td_str):
        return gather_slots(p, end, h->width, sizeof(struct td_str), slots, out, count, l, done);
    default: *done = 0; return 0;
    }
}

/* Any width, any place: indices first, then a look-up of each. */
static const char *gather_slow(struct pq_values *v, uint8_t *out, size_t count)
{
    uint32_t index[PQ_STEP];
    const char *why = pq_hybrid_read(&v->hybrid, index, count);
    const uint8_t *slots = v->dict->slots;
    for (size_t i = 0; i < count && !why; i++) {
        if (index[i] >= v->dict->count)
            return "a dictionary index is past the end of the dictionary";
        memcpy(out + i * v->slot, slots + index[i] * v->slot, v->slot);
    }
    return why;
}

/* Copies of one slot: doubled up from the first. */
static void fill(uint8_t *out, const uint8_t *from, size_t slot, size_t count)
{
    size_t have = 1;
    if (!count)
        return;
    memcpy(out, from, slot);
    while (have < count) {
        size_t n = have < count - have ? have : count - have;
        memcpy(out + have * slot, out, n * slot);
        have += n;
    }
}

const char *pq_read_dict(struct pq_values *v, uint8_t *out, size_t count)
{
    struct pq_hybrid *h = &v->hybrid;
    const bool inside = h->width <= PQ_KERNELS && (h->width % 8 == 0 || UINT64_C(1) << h->width <= v->dict->room);
    while (count) {
        const char *why = pq_hybrid_open(h);
        size_t n = 0;
        if (why)
            return why;
        if (h->repeat_left) {
            n = h->repeat_left < count ? (size_t)h->repeat_left : count;
            if (h->repeat >= v->dict->count)
                return "a dictionary index is past the end of the dictionary";
            fill(out, (const uint8_t *)v->dict->slots + h->repeat * v->slot, v->slot, n);
            h->repeat_left -= n;
        } else {
            size_t run = h->packed_left < count ? (size_t)h->packed_left : count;
            if (inside && h->packed_at % 8 == 0) {
                if (gather_fast(v, out, run, &n) >> 31)
                    return "a dictionary index is past the end of the dictionary";
                h->packed_at += n;
                h->packed_left -= n;
            }
            if (!n) {
                n = 8 - h->packed_at % 8; /* to the next whole group */
                n = h->packed_at % 8 || run <= 64 || inside ? n : PQ_STEP;
                n = n < run ? n : run;
                why = gather_slow(v, out, n);
                if (why)
                    return why;
            }
        }
        out += n * v->slot;
        count -= n;
    }
    return NULL;
}
