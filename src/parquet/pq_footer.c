/* SPDX-License-Identifier: GPL-3.0-or-later
 * The footer of a written file: schema, row groups, statistics, key-values. */
#include "pq_meta.h"
#include "pq_seal.h"
#include "pq_write.h"

/* Old readers know converted types only, new ones prefer logical types: both are written where both exist. */
static int converted_type(const struct td_pq_column *c)
{
    switch (c->logical) {
    case TD_PQ_STRING: return 0;
    case TD_PQ_ENUM: return 4;
    case TD_PQ_DECIMAL: return 5;
    case TD_PQ_DATE: return 6;
    case TD_PQ_TIME: return c->unit == TD_PQ_MILLIS ? 7 : c->unit == TD_PQ_MICROS ? 8 : -1;
    case TD_PQ_TIMESTAMP: return c->unit == TD_PQ_MILLIS ? 9 : c->unit == TD_PQ_MICROS ? 10 : -1;
    case TD_PQ_INTEGER:
        return (c->is_signed ? 15 : 11) + (c->bits == 8 ? 0 : c->bits == 16 ? 1 : c->bits == 32 ? 2 : 3);
    case TD_PQ_JSON: return 19;
    case TD_PQ_BSON: return 20;
    default: return -1;
    }
}

static void write_logical(struct pq_out *out, const struct td_pq_column *c)
{
    static const int fields[] = {[TD_PQ_STRING] = 1, [TD_PQ_ENUM] = 4,     [TD_PQ_DECIMAL] = 5,  [TD_PQ_DATE] = 6,
                                 [TD_PQ_TIME] = 7,   [TD_PQ_TIMESTAMP] = 8, [TD_PQ_INTEGER] = 10, [TD_PQ_JSON] = 12,
                                 [TD_PQ_BSON] = 13,  [TD_PQ_UUID] = 14,    [TD_PQ_FLOAT16] = 15};
    struct pq_out kind = pq_out_struct(out, 10);
    struct pq_out body = pq_out_struct(&kind, fields[c->logical]);
    if (c->logical == TD_PQ_TIMESTAMP || c->logical == TD_PQ_TIME) {
        pq_out_bool(&body, 1, c->utc);
        struct pq_out unit = pq_out_struct(&body, 2);
        struct pq_out empty = pq_out_struct(&unit, 1 + (int)c->unit);
        pq_out_end(&empty);
        pq_out_end(&unit);
    } else if (c->logical == TD_PQ_INTEGER) {
        pq_out_i8(&body, 1, (int8_t)c->bits);
        pq_out_bool(&body, 2, c->is_signed);
    } else if (c->logical == TD_PQ_DECIMAL) {
        pq_out_i32(&body, 1, c->scale);
        pq_out_i32(&body, 2, c->precision);
    }
    pq_out_end(&body);
    pq_out_end(&kind);
}

static void write_schema(const struct td_pq_writer *w, struct pq_out *out)
{
    pq_out_list(out, 2, PQ_T_STRUCT, w->count + 1);
    struct pq_out root = pq_out_elem(out);
    pq_out_text(&root, 4, "schema");
    pq_out_i32(&root, 5, (int32_t)w->count);
    pq_out_end(&root);
    for (size_t i = 0; i < w->count; i++) {
        const struct td_pq_column *c = &w->columns[i].column;
        struct pq_out e = pq_out_elem(out);
        int converted = converted_type(c);
        pq_out_i32(&e, 1, (int32_t)c->type);
        if (c->type == TD_PQ_FIXED)
            pq_out_i32(&e, 2, c->length);
        pq_out_i32(&e, 3, c->optional);
        pq_out_text(&e, 4, c->name);
        if (converted >= 0)
            pq_out_i32(&e, 6, converted);
        if (c->logical == TD_PQ_DECIMAL) {
            pq_out_i32(&e, 7, c->scale);
            pq_out_i32(&e, 8, c->precision);
        }
        if (c->logical != TD_PQ_PLAIN)
            write_logical(&e, c);
        pq_out_end(&e);
    }
}

static void write_stats(struct pq_out *out, const struct pq_bounds *s)
{
    const struct td_str min = pq_bounds_at(s, false), max = pq_bounds_at(s, true);
    struct pq_out st = pq_out_struct(out, 12);
    pq_out_i64(&st, 3, s->nulls);
    if (s->has_max)
        pq_out_binary(&st, 5, max.ptr, max.len);
    if (s->has_min)
        pq_out_binary(&st, 6, min.ptr, min.len);
    if (s->has_max)
        pq_out_bool(&st, 7, s->max_exact);
    if (s->has_min)
        pq_out_bool(&st, 8, s->min_exact);
    if (s->has_nans)
        pq_out_i64(&st, 9, s->nans);
    pq_out_end(&st);
}

static void write_page_counts(struct pq_out *out, const struct pq_done_chunk *k)
{
    pq_out_list(out, 13, PQ_T_STRUCT, k->dictionary_offset ? 2 : 1);
    for (int data = k->dictionary_offset ? 0 : 1; data < 2; data++) {
        struct pq_out e = pq_out_elem(out);
        pq_out_i32(&e, 1, data ? k->page_type : PQ_PAGE_DICTIONARY);
        pq_out_i32(&e, 2, data ? k->encoding : PQ_PLAIN);
        pq_out_i32(&e, 3, data ? k->data_pages : 1);
        pq_out_end(&e);
    }
}

static void write_chunk(const struct td_pq_writer *w, struct pq_out *out, const struct td_pq_column *c,
                        const struct pq_done_chunk *k)
{
    const bool dictionary = k->dictionary_offset != 0;
    int32_t encodings[3];
    size_t count = 0;
    encodings[count++] = k->encoding;
    if (dictionary)
        encodings[count++] = PQ_PLAIN;
    encodings[count++] = PQ_RLE; /* levels */
    struct pq_out e = pq_out_elem(out);
    pq_out_i64(&e, 2, 0);
    struct pq_out m = pq_out_struct(&e, 3);
    pq_out_i32(&m, 1, (int32_t)c->type);
    pq_out_list(&m, 2, PQ_T_I32, count);
    for (size_t i = 0; i < count; i++)
        pq_out_elem_i32(&m, encodings[i]);
    pq_out_list(&m, 3, PQ_T_BINARY, 1);
    struct td_str name = td_str_of(c->name);
    pq_out_elem_binary(&m, name.ptr, name.len);
    pq_out_i32(&m, 4, (int32_t)w->options.codec);
    pq_out_i64(&m, 5, k->values);
    pq_out_i64(&m, 6, k->uncompressed);
    pq_out_i64(&m, 7, k->compressed);
    pq_out_i64(&m, 9, k->data_offset);
    if (dictionary)
        pq_out_i64(&m, 11, k->dictionary_offset);
    write_stats(&m, &k->bounds);
    write_page_counts(&m, k);
    pq_out_end(&m);
    if (k->offset_index) {
        pq_out_i64(&e, 4, k->offset_index);
        pq_out_i32(&e, 5, k->offset_index_length);
    }
    if (k->column_index) {
        pq_out_i64(&e, 6, k->column_index);
        pq_out_i32(&e, 7, k->column_index_length);
    }
    pq_out_end(&e);
}

static void write_order(const struct td_pq_writer *w, struct pq_out *out)
{
    if (!w->options.sorted_count)
        return;
    pq_out_list(out, 4, PQ_T_STRUCT, w->options.sorted_count);
    for (size_t i = 0; i < w->options.sorted_count; i++) {
        struct pq_out e = pq_out_elem(out);
        pq_out_i32(&e, 1, (int32_t)w->sorted[i].column);
        pq_out_bool(&e, 2, w->sorted[i].descending);
        pq_out_bool(&e, 3, w->sorted[i].nulls_first);
        pq_out_end(&e);
    }
}

static void write_groups(const struct td_pq_writer *w, struct pq_out *out)
{
    pq_out_list(out, 4, PQ_T_STRUCT, w->group_count);
    for (size_t g = 0; g < w->group_count; g++) {
        const struct pq_done_group *group = &w->groups[g];
        struct pq_out e = pq_out_elem(out);
        pq_out_list(&e, 1, PQ_T_STRUCT, w->count);
        for (size_t i = 0; i < w->count; i++)
            write_chunk(w, &e, &w->columns[i].column, &group->chunks[i]);
        pq_out_i64(&e, 2, group->uncompressed);
        pq_out_i64(&e, 3, group->rows);
        write_order(w, &e);
        pq_out_i64(&e, 5, group->offset);
        pq_out_i64(&e, 6, group->compressed);
        if (g <= INT16_MAX)
            pq_out_i16(&e, 7, (int16_t)g);
        pq_out_end(&e);
    }
}

/* Over the page index, which is the tail of what was produced so far, and the footer up to its key-values. */
static void make_seal(const struct td_pq_writer *w, char out[PQ_SEAL_TEXT])
{
    int64_t start = w->offset;
    for (size_t g = 0; g < w->group_count; g++)
        for (size_t i = 0; i < w->count; i++) {
            const struct pq_done_chunk *k = &w->groups[g].chunks[i];
            if (k->column_index && k->column_index < start)
                start = k->column_index;
            if (k->offset_index && k->offset_index < start)
                start = k->offset_index;
        }
    size_t len = (size_t)(w->offset - start);
    uint64_t hash = 0;
    if (!w->out.failed && len <= w->out.len) /* else there will be no file */
        hash = td_hash64(w->out.data ? w->out.data + w->out.len - len : "", len, 0);
    pq_seal_text(td_hash64(w->header.data ? w->header.data : "", w->header.len, hash), out);
}

void pq_footer_write(struct td_pq_writer *w)
{
    struct pq_out out = {.buf = &w->header, .last = 0};
    pq_out_i32(&out, 1, 1);
    write_schema(w, &out);
    pq_out_i64(&out, 3, w->total);
    write_groups(w, &out);
    char seal[PQ_SEAL_TEXT];
    make_seal(w, seal);
    pq_out_list(&out, 5, PQ_T_STRUCT, w->pair_count + 1);
    for (size_t i = 0; i <= w->pair_count; i++) {
        struct pq_out e = pq_out_elem(&out);
        pq_out_text(&e, 1, i < w->pair_count ? w->keys[i] : PQ_SEAL_KEY);
        pq_out_text(&e, 2, i < w->pair_count ? w->values[i] : seal);
        pq_out_end(&e);
    }
    pq_out_text(&out, 6, "tapedeck version " TD_VERSION);
    pq_out_list(&out, 7, PQ_T_STRUCT, w->count);
    for (size_t i = 0; i < w->count; i++) { /* TYPE_ORDER for every leaf: the bounds may be believed */
        struct pq_out e = pq_out_elem(&out);
        struct pq_out order = pq_out_struct(&e, 1);
        pq_out_end(&order);
        pq_out_end(&e);
    }
    pq_out_end(&out);
}
