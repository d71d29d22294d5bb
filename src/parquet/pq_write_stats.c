/* SPDX-License-Identifier: GPL-3.0-or-later
 * Statistics of a chunk as a writer must state them: NaN left out, zero bounds signed outwards, long texts cut. */
#include <math.h>
#include <string.h>
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

static void of_doubles(struct pq_bounds *s, const uint8_t *slots, size_t count)
{
    double min = HUGE_VAL, max = -HUGE_VAL;
    s->has_nans = true;
    for (size_t i = 0; i < count; i++) {
        double x;
        memcpy(&x, slots + i * 8, 8);
        s->nans += isnan(x) != 0;
        min = x < min ? x : min;
        max = x > max ? x : max;
    }
    min = min == 0 ? -0.0 : min;
    max = max == 0 ? 0.0 : max;
    if ((size_t)s->nans < count)
        keep(s, &min, &max, 8);
}

/* Start of the character that byte `at` belongs to, so that a cut text stays UTF-8. */
static size_t character(struct td_str s, size_t at)
{
    while (at && ((uint8_t)s.ptr[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* A text above every text that starts with the first bytes of s: a prefix whose last byte is ASCII and grows by one. */
static size_t cut_above(struct td_str s, char *out)
{
    size_t len = character(s, PQ_TEXT_BOUND);
    memcpy(out, s.ptr, len);
    while (len && ((uint8_t)out[len - 1] & 0x80 || (uint8_t)out[len - 1] >= 0x7e))
        len--;
    if (len)
        out[len - 1]++;
    return len;
}

static enum td_code of_texts(struct pq_bounds *s, const struct pq_buffer *b, const struct pq_span *span,
                             struct td_arena *arena)
{
    struct td_str min = {"", 0}, max = {"", 0};
    bool any = false;
    char above[PQ_TEXT_BOUND];
    for (size_t row = span->from; row < span->from + span->rows; row++) {
        if (!pq_buffer_has(b, row))
            continue;
        struct td_str t = pq_buffer_text(b, row);
        if (!any || td_str_cmp(t, min) < 0)
            min = t;
        if (!any || td_str_cmp(t, max) > 0)
            max = t;
        any = true;
    }
    if (!any)
        return TD_OK;
    s->has_min = s->has_max = true;
    s->min_exact = min.len <= PQ_TEXT_BOUND;
    s->max_exact = max.len <= PQ_TEXT_BOUND;
    if (!s->min_exact)
        min.len = character(min, PQ_TEXT_BOUND);
    if (!s->max_exact) {
        max.len = cut_above(max, above);
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
    if (!b->width)
        return of_texts(s, b, span, arena);
    const uint8_t *slots = b->slots + span->first * b->width;
    switch (b->column.type) {
    case TD_PQ_BOOLEAN: of_bools(s, slots, count); break;
    case TD_PQ_INT32: of_int32(s, slots, count, is_unsigned); break;
    case TD_PQ_INT64: of_int64(s, slots, count, is_unsigned); break;
    case TD_PQ_FLOAT: of_floats(s, slots, count); break;
    default: of_doubles(s, slots, count);
    }
    return TD_OK;
}
