/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bounds against values: numbers of any two types compare exactly, texts by their bytes. */
#include <math.h>
#include <string.h>
#include "pq_bound.h"

#define UNORDERED 2 /* a NaN is in it */

struct number {
    enum td_pq_value_kind kind; /* INT, UINT (above INT64_MAX only) or REAL */
    int64_t i;
    uint64_t u;
    double f;
};

static struct number from_uint(uint64_t u)
{
    if (u <= INT64_MAX)
        return (struct number){.kind = TD_PQ_VALUE_INT, .i = (int64_t)u};
    return (struct number){.kind = TD_PQ_VALUE_UINT, .u = u};
}

static struct number from_int(int64_t i)
{
    return (struct number){.kind = TD_PQ_VALUE_INT, .i = i};
}

static struct number from_real(double f)
{
    return (struct number){.kind = TD_PQ_VALUE_REAL, .f = f};
}

static int int_real(int64_t i, double f)
{
    if (f >= 0x1p63)
        return -1;
    if (f < -0x1p63)
        return 1;
    const int64_t whole = (int64_t)f;
    const double rest = f - (double)whole;
    return i != whole ? (i < whole ? -1 : 1) : (rest < 0) - (rest > 0);
}

static int uint_real(uint64_t u, double f)
{
    if (f >= 0x1p64)
        return -1;
    if (f < 0x1p63)
        return 1; /* u is above INT64_MAX */
    const uint64_t whole = (uint64_t)f; /* such doubles are whole */
    return (u > whole) - (u < whole);
}

static int real_order(double a, double b)
{
    return isnan(a) || isnan(b) ? UNORDERED : (a > b) - (a < b);
}

static int number_order(const struct number *a, const struct number *b)
{
    if (a->kind == TD_PQ_VALUE_REAL && b->kind == TD_PQ_VALUE_REAL)
        return real_order(a->f, b->f);
    if (a->kind == TD_PQ_VALUE_REAL) {
        int order = number_order(b, a);
        return order == UNORDERED ? order : -order;
    }
    if (b->kind == TD_PQ_VALUE_REAL && isnan(b->f))
        return UNORDERED;
    if (a->kind == TD_PQ_VALUE_INT && b->kind == TD_PQ_VALUE_REAL)
        return int_real(a->i, b->f);
    if (b->kind == TD_PQ_VALUE_REAL)
        return uint_real(a->u, b->f);
    if (a->kind != b->kind)
        return a->kind == TD_PQ_VALUE_INT ? -1 : 1;
    return a->kind == TD_PQ_VALUE_INT ? (a->i > b->i) - (a->i < b->i) : (a->u > b->u) - (a->u < b->u);
}

static struct number bound_number(const struct td_pq_bound *b)
{
    return b->kind == TD_PQ_VALUE_REAL   ? from_real(b->v.f)
           : b->kind == TD_PQ_VALUE_UINT ? from_uint(b->v.u)
                                         : from_int(b->v.i);
}

static bool is_unsigned(const struct td_pq_column *c)
{
    return c->logical == TD_PQ_INTEGER && !c->is_signed;
}

/* The number at p, laid out as in a slot, which for these types is also PLAIN. */
static struct number number_at(const struct td_pq_column *c, const void *p)
{
    uint8_t byte;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
    switch (c->type) {
    case TD_PQ_BOOLEAN: memcpy(&byte, p, 1); return from_int(byte != 0);
    case TD_PQ_INT32:
        memcpy(&i32, p, 4);
        return is_unsigned(c) ? from_uint((uint32_t)i32) : from_int(i32);
    case TD_PQ_INT64:
        memcpy(&i64, p, 8);
        return is_unsigned(c) ? from_uint((uint64_t)i64) : from_int(i64);
    case TD_PQ_FLOAT: memcpy(&f32, p, 4); return from_real((double)f32);
    default: memcpy(&f64, p, 8); return from_real(f64);
    }
}

static bool is_number(const struct td_pq_column *c)
{
    return c->type == TD_PQ_BOOLEAN || c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64 || c->type == TD_PQ_FLOAT ||
           c->type == TD_PQ_DOUBLE;
}

static bool is_null_test(enum td_pq_op op)
{
    return op == TD_PQ_IS_NULL || op == TD_PQ_NOT_NULL;
}

bool pq_bound_fits(const struct td_pq_column *c, const struct td_pq_bound *bound)
{
    if (c->unsupported)
        return false;
    if (is_null_test(bound->op))
        return true;
    if (is_number(c))
        return bound->kind != TD_PQ_VALUE_BYTES;
    return (c->type == TD_PQ_BYTE_ARRAY || c->type == TD_PQ_FIXED) && c->logical != TD_PQ_DECIMAL &&
           bound->kind == TD_PQ_VALUE_BYTES;
}

static bool order_holds(enum td_pq_op op, int order)
{
    switch (op) {
    case TD_PQ_EQ: return order == 0;
    case TD_PQ_NE: return order != 0; /* a NaN differs from everything */
    case TD_PQ_LT: return order == -1;
    case TD_PQ_LE: return order == -1 || order == 0;
    case TD_PQ_GT: return order == 1;
    case TD_PQ_GE: return order == 1 || order == 0;
    default: return false;
    }
}

static int text_order(struct td_str a, struct td_str b)
{
    int order = td_str_cmp(a, b);
    return (order > 0) - (order < 0);
}

bool pq_bound_holds(const struct td_pq_column *c, const struct td_pq_bound *bound, const struct td_pq_array *array,
                    size_t i)
{
    const bool valid = td_pq_valid(array->valid, i);
    if (is_null_test(bound->op))
        return valid == (bound->op == TD_PQ_NOT_NULL);
    if (!valid)
        return false;
    if (bound->kind == TD_PQ_VALUE_BYTES)
        return order_holds(bound->op, text_order(((const struct td_str *)array->values)[i], bound->v.s));
    struct number value = number_at(c, (const char *)array->values + i * td_pq_width(c->type));
    struct number other = bound_number(bound);
    return order_holds(bound->op, number_order(&value, &other));
}

/* Some value in [low, high] may stand in the wanted order to the bound, whose order to both ends is given. */
static bool range_may(enum td_pq_op op, int low, int high, bool nans)
{
    switch (op) {
    case TD_PQ_EQ: return (low == -1 || low == 0) && (high == 1 || high == 0);
    case TD_PQ_NE: return nans || low != 0 || high != 0;
    case TD_PQ_LT: return low == -1;
    case TD_PQ_LE: return low == -1 || low == 0;
    case TD_PQ_GT: return high == 1;
    default: return high == 1 || high == 0;
    }
}

bool pq_bound_may(const struct td_pq_column *c, const struct td_pq_bound *bound, const struct pq_extent *extent)
{
    if (!extent->rows)
        return false;
    if (bound->op == TD_PQ_IS_NULL)
        return extent->nulls != 0;
    if (extent->nulls == extent->rows)
        return false;
    if (bound->op == TD_PQ_NOT_NULL || !extent->has_bounds)
        return true;
    if (bound->kind == TD_PQ_VALUE_BYTES)
        return range_may(bound->op, text_order(extent->min, bound->v.s), text_order(extent->max, bound->v.s), false);
    struct number low = number_at(c, extent->min.ptr), high = number_at(c, extent->max.ptr);
    struct number value = bound_number(bound);
    bool nans = c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE; /* they may hide outside the bounds */
    return range_may(bound->op, number_order(&low, &value), number_order(&high, &value), nans);
}

enum td_code pq_ranges_add(struct td_pq_ranges *ranges, int64_t from, int64_t to, struct td_err *err)
{
    if (from >= to)
        return TD_OK;
    if (ranges->count && ranges->items[ranges->count - 1].to >= from) {
        struct td_pq_range *last = &ranges->items[ranges->count - 1];
        last->to = to > last->to ? to : last->to;
        return TD_OK;
    }
    enum td_code code = td_grow(&ranges->items, &ranges->cap, ranges->count + 1, sizeof *ranges->items, NULL);
    if (code != TD_OK)
        return td_fail(err, code, "out of memory for ranges of rows");
    ranges->items[ranges->count++] = (struct td_pq_range){from, to};
    return TD_OK;
}

void td_pq_ranges_free(struct td_pq_ranges *ranges)
{
    td_free(ranges->items);
    *ranges = (struct td_pq_ranges){0};
}
