/* SPDX-License-Identifier: GPL-3.0-or-later
 * From the schema's depth-first list of elements to flat columns: which leaves can be read and what their values mean.
 */
#include "pq_meta.h"

#define PQ_MAX_DEPTH 64

struct level { /* a group on the path from the root */
    int32_t children_left;
    bool repeated;
    size_t path_len; /* of the name so far, in the path buffer */
};

static void set_integer(struct td_pq_column *c, int bits, bool is_signed)
{
    bool fits =
        (c->type == TD_PQ_INT32 && (bits == 8 || bits == 16 || bits == 32)) || (c->type == TD_PQ_INT64 && bits == 64);
    if (!fits) {
        c->logical = TD_PQ_OTHER;
        return;
    }
    c->logical = TD_PQ_INTEGER;
    c->bits = (uint8_t)bits;
    c->is_signed = is_signed;
}

static void set_decimal(struct td_pq_column *c, int32_t precision, int32_t scale)
{
    bool type_fits =
        c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64 || c->type == TD_PQ_BYTE_ARRAY || c->type == TD_PQ_FIXED;
    bool sane = precision > 0 && precision <= 76 && scale >= 0 && scale <= precision;
    if (!type_fits || !sane) {
        c->logical = TD_PQ_OTHER;
        return;
    }
    c->logical = TD_PQ_DECIMAL;
    c->precision = precision;
    c->scale = scale;
}

static void set_timed(struct td_pq_column *c, enum td_pq_logical logical, int unit, bool utc)
{
    enum td_pq_type need = logical == TD_PQ_TIME && unit == 1 ? TD_PQ_INT32 : TD_PQ_INT64;
    if (unit < 1 || unit > 3 || c->type != need) {
        c->logical = TD_PQ_OTHER;
        return;
    }
    c->logical = logical;
    c->unit = unit == 1 ? TD_PQ_MILLIS : unit == 2 ? TD_PQ_MICROS : TD_PQ_NANOS;
    c->utc = utc;
}

static void set_if_type(struct td_pq_column *c, enum td_pq_logical logical, enum td_pq_type type)
{
    c->logical = c->type == type ? logical : TD_PQ_OTHER;
}

static void from_logical(struct td_pq_column *c, const struct pq_schema_element *e)
{
    switch (e->logical) {
    case 1: /* STRING */
    case 4: /* ENUM */
    case 12: /* JSON: text all three */ set_if_type(c, TD_PQ_STRING, TD_PQ_BYTE_ARRAY); break;
    case 5: set_decimal(c, e->logical_precision, e->logical_scale); break;
    case 6: set_if_type(c, TD_PQ_DATE, TD_PQ_INT32); break;
    case 7: set_timed(c, TD_PQ_TIME, e->logical_unit, e->logical_utc); break;
    case 8: set_timed(c, TD_PQ_TIMESTAMP, e->logical_unit, e->logical_utc); break;
    case 10: set_integer(c, e->logical_bits, e->logical_signed); break;
    default: c->logical = TD_PQ_OTHER;
    }
}

/* Converted types predate the flag for local time: all of theirs are UTC. */
static void from_converted(struct td_pq_column *c, const struct pq_schema_element *e)
{
    static const uint8_t widths[] = {8, 16, 32, 64};
    int32_t t = e->converted;
    if (t == 0 || t == 4 || t == 19) /* UTF8, ENUM, JSON */
        set_if_type(c, TD_PQ_STRING, TD_PQ_BYTE_ARRAY);
    else if (t == 5)
        set_decimal(c, e->precision, e->scale);
    else if (t == 6)
        set_if_type(c, TD_PQ_DATE, TD_PQ_INT32);
    else if (t == 7 || t == 8)
        set_timed(c, TD_PQ_TIME, t - 6, true);
    else if (t == 9 || t == 10)
        set_timed(c, TD_PQ_TIMESTAMP, t - 8, true);
    else if (t >= 11 && t <= 18)
        set_integer(c, widths[(t - 11) % 4], t >= 15);
    else if (t >= 0)
        c->logical = TD_PQ_OTHER;
}

static bool logical_known(int id)
{
    return id == 1 || (id >= 4 && id <= 8) || id == 10 || id == 12;
}

static void describe(struct td_pq_column *c, const struct pq_schema_element *e, bool top, bool repeated)
{
    c->type = (enum td_pq_type)e->type;
    c->optional = e->repetition == 1;
    c->length = c->type == TD_PQ_FIXED ? e->length : c->type == TD_PQ_INT96 ? 12 : 0;
    if (e->logical && (logical_known(e->logical) || e->converted < 0))
        from_logical(c, e);
    if (c->logical == TD_PQ_PLAIN || (c->logical == TD_PQ_OTHER && e->converted >= 0))
        from_converted(c, e);
    if (!top)
        c->unsupported = "it is nested";
    else if (repeated || e->repetition == 2)
        c->unsupported = "it is repeated (a list)";
}

static const char *check_element(const struct pq_schema_element *e, bool root)
{
    if (e->children < 0)
        return "a schema element has a negative number of children";
    if (root)
        return NULL;
    if (e->repetition < 0 || e->repetition > 2)
        return "a schema element has no sound repetition";
    if (e->children == 0 && (!e->has_type || e->type < 0 || e->type > 7))
        return "a column has no known physical type";
    if (e->children == 0 && e->type == TD_PQ_FIXED && e->length <= 0)
        return "a fixed-length column has no positive length";
    return NULL;
}

/* Append ".name" (or the bare name at the top) to the path. */
static void path_push(struct td_buf *path, size_t base, struct td_str name)
{
    path->len = base;
    if (base)
        td_buf_addc(path, '.');
    td_buf_add(path, name.ptr, name.len);
}

enum td_code pq_schema_leaves(const struct pq_schema_element *elements, size_t count, struct pq_meta *meta,
                              struct td_arena *arena, const char **why)
{
    struct level stack[PQ_MAX_DEPTH];
    size_t depth = 0, field = 0, field_len = 0; /* the root's child at hand, counted from 1, and the length of its name */
    enum td_code code = TD_DATA;
    struct td_buf path;
    td_buf_init(&path, 1 << 20);
    meta->leaves = td_arena_alloc(arena, count * sizeof *meta->leaves);
    if (!meta->leaves)
        goto nomem;
    if ((*why = check_element(&elements[0], true)))
        goto done;
    stack[depth++] = (struct level){.children_left = elements[0].children};
    for (size_t i = 1; i < count; i++) {
        const struct pq_schema_element *e = &elements[i];
        while (depth && !stack[depth - 1].children_left)
            depth--;
        if (!depth) {
            *why = "the schema has elements outside its root";
            goto done;
        }
        if ((*why = check_element(e, false)))
            goto done;
        struct level *up = &stack[depth - 1];
        up->children_left--;
        path_push(&path, up->path_len, e->name);
        if (path.failed)
            goto nomem;
        if (depth == 1) {
            field++;
            field_len = path.len;
        }
        if (e->children) {
            if (depth == PQ_MAX_DEPTH) {
                *why = "the schema is nested deeper than 64 levels";
                goto done;
            }
            stack[depth++] = (struct level){e->children, up->repeated || e->repetition == 2, path.len};
            continue;
        }
        struct td_pq_column *c = &meta->leaves[meta->leaf_count++].column;
        if (!(c->name = td_arena_strndup(arena, path.data ? path.data : "", path.len)))
            goto nomem;
        c->field = field - 1;
        c->field_len = field_len;
        describe(c, e, depth == 1, up->repeated);
    }
    while (depth && !stack[depth - 1].children_left)
        depth--;
    *why = depth ? "the schema ends before its groups are complete" : NULL;
    code = depth ? TD_DATA : TD_OK;
    goto done;
nomem:
    *why = "the metadata needs too much memory";
    code = TD_NOMEM;
done:
    td_buf_free(&path);
    return code;
}
