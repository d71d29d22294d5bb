/* SPDX-License-Identifier: GPL-3.0-or-later
 * Chunk statistics as a reader may believe them: bounds in the column's own order, or none. */
#include <math.h>
#include <string.h>
#include "pq_meta.h"

static bool is_unsigned(const struct td_pq_column *c)
{
    return c->logical == TD_PQ_INTEGER && !c->is_signed;
}

/* The deprecated fields were compared as signed bytes or signed numbers: right for signed numbers only. */
static bool old_order_holds(const struct td_pq_column *c)
{
    bool number = c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64 || c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE;
    return number && !is_unsigned(c);
}

static bool length_fits(const struct td_pq_column *c, struct td_str s)
{
    switch (c->type) {
    case TD_PQ_BOOLEAN: return s.len == 1;
    case TD_PQ_INT32:
    case TD_PQ_FLOAT: return s.len == 4;
    case TD_PQ_INT64:
    case TD_PQ_DOUBLE: return s.len == 8;
    case TD_PQ_BYTE_ARRAY: return c->logical != TD_PQ_DECIMAL;
    default: return false; /* INT96 and FIXED have orders of their own (decimals, halves): not offered */
    }
}

/* Big-endian two's complement of any lengths: the shorter one is extended by its sign. */
static int decimal_order(struct td_str a, struct td_str b)
{
    const bool minus = a.len && (uint8_t)a.ptr[0] >> 7, other = b.len && (uint8_t)b.ptr[0] >> 7;
    const size_t len = a.len > b.len ? a.len : b.len;
    if (minus != other)
        return minus ? -1 : 1;
    for (size_t i = 0; i < len; i++) {
        uint8_t x = minus ? 0xff : 0, y = x;
        if (i >= len - a.len)
            x = (uint8_t)a.ptr[i - (len - a.len)];
        if (i >= len - b.len)
            y = (uint8_t)b.ptr[i - (len - b.len)];
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* Little-endian halves: sign and magnitude; 2 where one is NaN. */
static int half_order(struct td_str a, struct td_str b)
{
    const struct td_str half[] = {a, b};
    int rank[2];
    for (int i = 0; i < 2; i++) {
        int bits = (uint8_t)half[i].ptr[0] | (uint8_t)half[i].ptr[1] << 8, size = bits & 0x7fff;
        if (size > 0x7c00)
            return 2;
        rank[i] = bits & 0x8000 ? -size : size;
    }
    return (rank[0] > rank[1]) - (rank[0] < rank[1]);
}

int pq_stats_order(const struct td_pq_column *c, struct td_str a, struct td_str b)
{
    int64_t x = 0, y = 0;
    double p, q;
    float f, g;
    switch (c->type) {
    case TD_PQ_BOOLEAN: return (a.ptr[0] > b.ptr[0]) - (a.ptr[0] < b.ptr[0]);
    case TD_PQ_INT32:
    case TD_PQ_INT64:
        if (c->type == TD_PQ_INT32) {
            int32_t v, w;
            memcpy(&v, a.ptr, 4);
            memcpy(&w, b.ptr, 4);
            x = is_unsigned(c) ? (int64_t)(uint32_t)v : v;
            y = is_unsigned(c) ? (int64_t)(uint32_t)w : w;
        } else {
            memcpy(&x, a.ptr, 8);
            memcpy(&y, b.ptr, 8);
            if (is_unsigned(c))
                return ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y);
        }
        return (x > y) - (x < y);
    case TD_PQ_FLOAT:
        memcpy(&f, a.ptr, 4);
        memcpy(&g, b.ptr, 4);
        return isnan(f) || isnan(g) ? 2 : (f > g) - (f < g);
    case TD_PQ_DOUBLE:
        memcpy(&p, a.ptr, 8);
        memcpy(&q, b.ptr, 8);
        return isnan(p) || isnan(q) ? 2 : (p > q) - (p < q);
    default:
        if (c->logical == TD_PQ_DECIMAL)
            return decimal_order(a, b);
        if (c->logical == TD_PQ_FLOAT16)
            return half_order(a, b);
        x = td_str_cmp(a, b); /* any number of that sign: 2 has a meaning here */
        return (x > 0) - (x < 0);
    }
}

/* Writers differ in the sign of a zero bound; the wider one covers both zeros. */
static void widen_zero(const struct td_pq_column *c, struct td_str *min, struct td_str *max)
{
    static const float fmin = -0.0f, fmax = 0.0f;
    static const double dmin = -0.0, dmax = 0.0;
    float f, g;
    double p, q;
    if (c->type == TD_PQ_FLOAT) {
        memcpy(&f, min->ptr, 4);
        memcpy(&g, max->ptr, 4);
        if (f == 0)
            min->ptr = (const char *)&fmin;
        if (g == 0)
            max->ptr = (const char *)&fmax;
    } else if (c->type == TD_PQ_DOUBLE) {
        memcpy(&p, min->ptr, 8);
        memcpy(&q, max->ptr, 8);
        if (p == 0)
            min->ptr = (const char *)&dmin;
        if (q == 0)
            max->ptr = (const char *)&dmax;
    }
}

bool pq_stats_bounds(const struct pq_leaf *leaf, const struct pq_stats *stats, struct td_str *min, struct td_str *max)
{
    const struct td_pq_column *c = &leaf->column;
    if (stats->has_min && stats->has_max && leaf->typed_order) {
        *min = stats->min;
        *max = stats->max;
    } else if (stats->has_old_min && stats->has_old_max && old_order_holds(c)) {
        *min = stats->old_min;
        *max = stats->old_max;
    } else {
        return false;
    }
    if (c->unsupported || !length_fits(c, *min) || !length_fits(c, *max) || pq_stats_order(c, *min, *max) > 0)
        return false;
    widen_zero(c, min, max);
    return true;
}
