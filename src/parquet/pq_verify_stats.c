/* SPDX-License-Identifier: GPL-3.0-or-later
 * Statistics against data: what was seen of the values, and whether what is stated of them is true. */
#include <math.h>
#include <string.h>
#include "pq_hybrid.h"
#include "pq_verify.h"

#define SEEN_TEXT ((size_t)256 << 20) /* no value is longer than a page */

void pq_seen_init(struct pq_seen *s)
{
    *s = (struct pq_seen){0};
    td_buf_init(&s->bound[0], SEEN_TEXT);
    td_buf_init(&s->bound[1], SEEN_TEXT);
}

void pq_seen_free(struct pq_seen *s)
{
    td_buf_free(&s->bound[0]);
    td_buf_free(&s->bound[1]);
}

void pq_seen_clear(struct pq_seen *s)
{
    s->rows = s->nulls = s->nans = 0;
    s->any = false;
}

static struct td_str bound_text(const struct pq_seen *s, bool max)
{
    return (struct td_str){s->bound[max].data ? s->bound[max].data : "", s->bound[max].len};
}

/* Does the column have an order of its own, and is it known? INT96 has none, and of FIXED only bytes and decimals are. */
bool pq_bound_ordered(const struct td_pq_column *c)
{
    return c->type != TD_PQ_INT96 && (c->type != TD_PQ_FIXED || c->logical == TD_PQ_PLAIN || c->logical == TD_PQ_DECIMAL);
}

static bool length_fits(const struct td_pq_column *c, struct td_str s)
{
    if (c->type == TD_PQ_BYTE_ARRAY)
        return true;
    if (c->type == TD_PQ_FIXED)
        return s.len == (size_t)c->length || c->logical == TD_PQ_PLAIN; /* bytes may be cut */
    return s.len == td_pq_width(c->type);
}

/* False when memory ran out. */
static bool widen(struct pq_seen *s, const struct td_pq_column *c, struct td_str value)
{
    for (int max = 0; max < 2; max++) {
        if (s->any && pq_stats_order(c, value, bound_text(s, max)) != (max ? 1 : -1))
            continue;
        td_buf_clear(&s->bound[max]);
        td_buf_add(&s->bound[max], value.ptr ? value.ptr : "", value.len);
        if (s->bound[max].failed)
            return false;
    }
    s->any = true;
    return true;
}

static bool is_nan(const struct td_pq_column *c, struct td_str value)
{
    return (c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE) && pq_stats_order(c, value, value) == 2;
}

enum td_code pq_seen_add(struct pq_seen *s, const struct td_pq_column *c, const struct td_pq_array *array, size_t rows,
                         struct td_err *err)
{
    const size_t width = td_pq_width(c->type);
    const bool ordered = pq_bound_ordered(c);
    s->rows += (int64_t)rows;
    if (!pq_bits_count(array->valid, 0, rows)) { /* a few bytes may claim 2^31 nulls, and be right */
        s->nulls += (int64_t)rows;
        return TD_OK;
    }
    for (size_t i = 0; i < rows; i++) {
        const char *slot = (const char *)array->values + i * width;
        if (!td_pq_valid(array->valid, i)) {
            s->nulls++;
            continue;
        }
        struct td_str value = {slot, width};
        if (pq_is_text(c->type))
            memcpy(&value, slot, sizeof value);
        if (is_nan(c, value))
            s->nans++;
        else if (ordered && !widen(s, c, value))
            return td_fail(err, TD_NOMEM, "out of memory for the bounds of a page");
    }
    return TD_OK;
}

enum td_code pq_seen_merge(struct pq_seen *s, const struct pq_seen *part, const struct td_pq_column *c, struct td_err *err)
{
    s->rows += part->rows;
    s->nulls += part->nulls;
    s->nans += part->nans;
    for (int max = 0; part->any && max < 2; max++)
        if (!widen(s, c, bound_text(part, max)))
            return td_fail(err, TD_NOMEM, "out of memory for the bounds of a chunk");
    return TD_OK;
}

void pq_verify_bound(struct pq_verify *v, const struct td_pq_column *c, struct td_str bound, bool max,
                     const struct pq_seen *seen, const char *what)
{
    const char *name = max ? "maximum" : "minimum";
    if (!length_fits(c, bound)) {
        pq_verify_say(v, "%s %s has %zu bytes, which no value of the column has", what, name, bound.len);
        return;
    }
    if (!seen->any)
        return;
    int order = pq_stats_order(c, bound_text(seen, max), bound);
    if (order != 2 && (max ? order > 0 : order < 0))
        pq_verify_say(v, "%s %s is passed by a value of the data", what, name);
}

static void verify_exact(struct pq_verify *v, const struct td_pq_column *c, struct td_str bound, bool max,
                         const struct pq_seen *seen, const char *what)
{
    if (!length_fits(c, bound))
        return;
    int order = seen->any ? pq_stats_order(c, bound_text(seen, max), bound) : 1;
    if (order != 2 && (max ? order < 0 : order > 0))
        pq_verify_say(v, "%s %s claims to be exact, but no value of the data is it", what, max ? "maximum" : "minimum");
}

/* The old fields were compared as signed numbers by some and as bytes by others: right for signed numbers alone. */
static bool old_order_known(const struct td_pq_column *c)
{
    bool number = c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64 || c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE;
    return number && !(c->logical == TD_PQ_INTEGER && !c->is_signed);
}

void pq_verify_stats(struct pq_verify *v, const struct pq_leaf *leaf, const struct pq_stats *stats,
                     const struct pq_seen *seen, const char *what)
{
    const struct td_pq_column *c = &leaf->column;
    if (stats->nulls >= 0 && stats->nulls != seen->nulls)
        pq_verify_say(v, "%s null count is %lld, the data have %lld", what, (long long)stats->nulls,
                      (long long)seen->nulls);
    const bool real = c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE; /* of halves they are not counted */
    if (real && stats->nans >= 0 && stats->nans != seen->nans)
        pq_verify_say(v, "%s NaN count is %lld, the data have %lld", what, (long long)stats->nans,
                      (long long)seen->nans);
    for (int max = 0; max < 2; max++) {
        const bool has = max ? stats->has_max : stats->has_min, exact = max ? stats->max_exact : stats->min_exact;
        const struct td_str bound = max ? stats->max : stats->min;
        if (has && leaf->typed_order && pq_bound_ordered(c)) {
            pq_verify_bound(v, c, bound, max, seen, what);
            if (exact)
                verify_exact(v, c, bound, max, seen, what);
        } else if ((max ? stats->has_old_max : stats->has_old_min) && !has && old_order_known(c)) {
            pq_verify_bound(v, c, max ? stats->old_max : stats->old_min, max, seen, what);
        }
    }
}
