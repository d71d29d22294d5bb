/* SPDX-License-Identifier: GPL-3.0-or-later
 * Statistics of a chunk as a writer must state them: NaN left out, zero bounds signed outwards, long texts cut. */
#include <math.h>
#include <string.h>
#include "pq_meta.h"
#include "pq_write.h"

#define PQ_TEXT_BOUND 64 /* bytes of a text bound */

static void keep(struct pq_bounds *s, const void *min, const void *max, size_t len)
{
    memcpy(s->room[0], min, len);
    memcpy(s->room[1], max, len);
    s->min.len = s->max.len = len; /* ptr is set when the footer is written: the struct may move until then */
    s->has_min = s->has_max = s->min_exact = s->max_exact = true;
}

static void of_bools(struct pq_bounds *s, const uint8_t *slots, size_t count)
{
    uint8_t min = 1, max = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t v = slots[i] != 0;
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    keep(s, &min, &max, 1);
}

static void of_int32(struct pq_bounds *s, const uint8_t *slots, size_t count, bool is_unsigned)
{
    const int32_t *v = (const int32_t *)(const void *)slots;
    const uint32_t flip = is_unsigned ? UINT32_C(0x80000000) : 0;
    int32_t min = INT32_MAX, max = INT32_MIN; /* unsigned order is signed order with the top bit flipped */
    for (size_t i = 0; i < count; i++) {
        int32_t x = (int32_t)((uint32_t)v[i] ^ flip);
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    min = (int32_t)((uint32_t)min ^ flip);
    max = (int32_t)((uint32_t)max ^ flip);
    keep(s, &min, &max, 4);
}

static void of_int64(struct pq_bounds *s, const uint8_t *slots, size_t count, bool is_unsigned)
{
    const int64_t *v = (const int64_t *)(const void *)slots;
    const uint64_t flip = is_unsigned ? UINT64_C(1) << 63 : 0;
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (size_t i = 0; i < count; i++) {
        int64_t x = (int64_t)((uint64_t)v[i] ^ flip);
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    min = (int64_t)((uint64_t)min ^ flip);
    max = (int64_t)((uint64_t)max ^ flip);
    keep(s, &min, &max, 8);
}

static void of_floats(struct pq_bounds *s, const uint8_t *slots, size_t count)
{
    float min = INFINITY, max = -INFINITY;
    s->has_nans = true;
    for (size_t i = 0; i < count; i++) {
        float x;
        memcpy(&x, slots + i * 4, 4);
        s->nans += isnan(x) != 0;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    min = min == 0 ? -0.0f : min;
    max = max == 0 ? 0.0f : max;
    if ((size_t)s->nans < count)
        keep(s, &min, &max, 4);
}

/* Four at a time: each comparison waits for the one before it otherwise. */
static void of_doubles(struct pq_bounds *s, const uint8_t *slots, size_t count)
{
    double min[4] = {HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL}, max[4] = {-HUGE_VAL, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL};
    int64_t nans[4] = {0};
    s->has_nans = true;
    for (size_t i = 0; i < count;) {
        const size_t lanes = count - i < 4 ? count - i : 4;
        for (size_t k = 0; k < lanes; k++, i++) {
            double x;
            memcpy(&x, slots + i * 8, 8);
            nans[k] += x != x;
            min[k] = x < min[k] ? x : min[k];
            max[k] = x > max[k] ? x : max[k];
        }
    }
    for (size_t k = 1; k < 4; k++) {
        min[0] = min[k] < min[0] ? min[k] : min[0];
        max[0] = max[k] > max[0] ? max[k] : max[0];
    }
    s->nans = nans[0] + nans[1] + nans[2] + nans[3];
    min[0] = min[0] == 0 ? -0.0 : min[0];
    max[0] = max[0] == 0 ? 0.0 : max[0];
    if ((size_t)s->nans < count)
        keep(s, &min[0], &max[0], 8);
}

/* Start of the character that byte `at` belongs to, so that a cut text stays UTF-8. */
static size_t character(struct td_str s, size_t at)
{
    while (at && ((uint8_t)s.ptr[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static size_t cut_below(struct td_str s, bool text)
{
    return text ? character(s, PQ_TEXT_BOUND) : PQ_TEXT_BOUND;
}

/* Bytes above all that start with the first ones of s: a prefix whose last byte, or of a text last character, is one more.
 * 0: there is none that short. */
static size_t cut_above(struct td_str s, bool text, char *out)
{
    size_t len = cut_below(s, text);
    memcpy(out, s.ptr, len);
    while (len) {
        const uint8_t last = (uint8_t)out[len - 1];
        /* of ASCII below '~', lest a control byte comes of it; the last byte of a longer character has free room to 0xbf */
        if (text ? last < 0x7e || (last >= 0x80 && last < 0xbf) : last < 0xff)
            break;
        len = text ? character(s, len - 1) : len - 1;
    }
    if (len)
        out[len - 1]++;
    return len;
}

static bool is_text(const struct td_pq_column *c)
{
    return c->logical == TD_PQ_STRING || c->logical == TD_PQ_ENUM || c->logical == TD_PQ_JSON;
}

/* BYTE_ARRAY and FIXED, in the order of their type. */
static enum td_code of_texts(struct pq_bounds *s, const struct pq_buffer *b, const struct pq_span *span,
                             struct td_arena *arena)
{
    const struct td_pq_column *c = &b->column;
    struct td_str min = {NULL, 0}, max = {NULL, 0}, before = {NULL, 0};
    char above[PQ_TEXT_BOUND];
    const size_t end = span->first + (b->constant ? 1 : span->present);
    for (size_t k = span->first; k < end; k++) {
        struct td_str t = pq_buffer_value(b, k);
        if (before.ptr && t.len == before.len && memcmp(t.ptr, before.ptr, t.len) == 0)
            continue;
        before = t;
        if (c->logical == TD_PQ_FLOAT16 && pq_stats_order(c, t, t) == 2) /* NaN */
            continue;
        if (!min.ptr || pq_stats_order(c, t, min) < 0)
            min = t;
        if (!max.ptr || pq_stats_order(c, t, max) > 0)
            max = t;
    }
    /* A bound of a fixed-length column has that length, and a decimal cannot be cut. */
    if (!min.ptr || (b->width && min.len > PQ_TEXT_BOUND))
        return TD_OK;
    if (c->logical == TD_PQ_FLOAT16) { /* the sign of a zero bound points outwards */
        min = pq_stats_order(c, min, (struct td_str){"\0\0", 2}) == 0 ? (struct td_str){"\0\x80", 2} : min;
        max = pq_stats_order(c, max, (struct td_str){"\0\0", 2}) == 0 ? (struct td_str){"\0\0", 2} : max;
    }
    s->has_min = s->has_max = true;
    s->min_exact = min.len <= PQ_TEXT_BOUND;
    s->max_exact = max.len <= PQ_TEXT_BOUND;
    if (!s->min_exact)
        min.len = cut_below(min, is_text(c));
    if (!s->max_exact) {
        max.len = cut_above(max, is_text(c), above);
        max.ptr = above;
        s->has_max = max.len > 0;
    }
    s->min = (struct td_str){td_arena_strndup(arena, min.ptr, min.len), min.len};
    s->max = (struct td_str){td_arena_strndup(arena, max.ptr, max.len), max.len};
    return s->min.ptr && s->max.ptr ? TD_OK : TD_NOMEM;
}

enum td_code pq_bounds_make(struct pq_bounds *s, const struct pq_buffer *b, const struct pq_span *span,
                            struct td_arena *arena)
{
    const bool is_unsigned = b->column.logical == TD_PQ_INTEGER && !b->column.is_signed;
    const size_t count = span->present;
    *s = (struct pq_bounds){.nulls = (int64_t)(span->rows - count)};
    if (!count)
        return TD_OK;
    const uint8_t *slots = b->width ? b->slots + span->first * b->width : NULL;
    switch (b->column.type) {
    case TD_PQ_BOOLEAN: of_bools(s, slots, count); break;
    case TD_PQ_INT32: of_int32(s, slots, count, is_unsigned); break;
    case TD_PQ_INT64: of_int64(s, slots, count, is_unsigned); break;
    case TD_PQ_INT96: break; /* has no order */
    case TD_PQ_FLOAT: of_floats(s, slots, count); break;
    case TD_PQ_DOUBLE: of_doubles(s, slots, count); break;
    default: return of_texts(s, b, span, arena);
    }
    return TD_OK;
}

static void take(struct pq_bounds *s, const struct pq_bounds *page, bool max)
{
    memcpy(s->room[max], page->room[max], sizeof s->room[max]);
    *(max ? &s->max : &s->min) = max ? page->max : page->min;
    *(max ? &s->has_max : &s->has_min) = max ? page->has_max : page->has_min;
    *(max ? &s->max_exact : &s->min_exact) = max ? page->max_exact : page->min_exact;
}

void pq_bounds_merge(struct pq_bounds *s, const struct pq_bounds *page, const struct td_pq_column *c)
{
    s->nulls += page->nulls;
    s->nans += page->nans;
    s->has_nans |= page->has_nans;
    if (!page->has_min) /* nulls and NaN alone, or an order that there is none of */
        return;
    if (!s->has_min) { /* the first page with values; a maximum that it lacks stays lacking */
        take(s, page, false);
        take(s, page, true);
        return;
    }
    if (pq_stats_order(c, pq_bounds_at(page, false), pq_bounds_at(s, false)) < 0)
        take(s, page, false);
    if (!page->has_max)
        s->has_max = false;
    else if (s->has_max && pq_stats_order(c, pq_bounds_at(page, true), pq_bounds_at(s, true)) > 0)
        take(s, page, true);
}
