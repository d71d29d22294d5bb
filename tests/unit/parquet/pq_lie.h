/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files whose statistics and indexes lie: copies in which bounds, null counts, null pages, page places and boundary orders
 * were overwritten with others of the same length, and random predicates to ask of them. */
#ifndef TAPEDECK_TESTS_PQ_LIE_H
#define TAPEDECK_TESTS_PQ_LIE_H

#include "pq_make.h"
#include <math.h>
#include "pq_file.h"

#define LIE_SPOTS 65536

struct lie_spot { /* bytes of the file that state something */
    size_t at, len;
    bool varint; /* a number in 7-bit groups, so that only the low bits of each byte are free */
};
struct lie {
    struct lie_spot *spots;
    size_t count;
    const uint8_t *base;
};

static inline void lie_add(struct lie *l, const uint8_t *p, size_t len, bool varint)
{
    if (len && l->count < LIE_SPOTS)
        l->spots[l->count++] = (struct lie_spot){(size_t)(p - l->base), len, varint};
}

/* Skip a field and note its bytes: a number whole, a text without its length. */
static inline void lie_note(struct lie *l, struct pq_in *in, const struct pq_field *f)
{
    const uint8_t *start = in->p;
    if (f->type == PQ_T_BINARY) {
        struct td_str s = pq_in_binary(in, f);
        lie_add(l, (const uint8_t *)s.ptr, s.len, false);
    } else {
        pq_in_skip(in, f->type);
        if (f->type == PQ_T_I32 || f->type == PQ_T_I64)
            lie_add(l, start, (size_t)(in->p - start), true);
    }
}

static inline void lie_note_stats(struct lie *l, struct pq_in *in)
{
    struct pq_field f = {0};
    while (pq_in_next(in, &f))
        lie_note(l, in, &f);
}

/* Statistics of all chunks in the footer: row group 4, chunks 1, metadata 3, statistics 12. */
static inline void lie_find_stats(struct lie *l, struct pq_in *in, int depth)
{
    static const int path[] = {4, 1, 3, 12};
    struct pq_field f = {0};
    while (pq_in_next(in, &f)) {
        if (f.id != path[depth]) {
            pq_in_skip(in, f.type);
        } else if (depth == 3) {
            lie_note_stats(l, in);
        } else if (f.type == PQ_T_STRUCT) {
            lie_find_stats(l, in, depth + 1);
        } else {
            for (size_t n = pq_in_list(in, &f, PQ_T_STRUCT); n && !in->bad; n--)
                lie_find_stats(l, in, depth + 1);
        }
    }
}

static inline void lie_find_bounds(struct lie *l, struct pq_in *in)
{
    struct pq_field f = {0};
    while (pq_in_next(in, &f)) {
        if (f.id == 1) {
            size_t n = pq_in_list(in, &f, PQ_T_TRUE);
            lie_add(l, in->p, n, true);
            in->p += n;
        } else if (f.id == 2 || f.id == 3) {
            for (size_t n = pq_in_list(in, &f, PQ_T_BINARY); n && !in->bad; n--) {
                struct td_str s = pq_in_elem_binary(in);
                lie_add(l, (const uint8_t *)s.ptr, s.len, false);
            }
        } else {
            lie_note(l, in, &f);
        }
    }
}

static inline void lie_find_places(struct lie *l, struct pq_in *in)
{
    struct pq_field f = {0};
    while (pq_in_next(in, &f)) {
        if (f.id != 1) {
            pq_in_skip(in, f.type);
            continue;
        }
        for (size_t n = pq_in_list(in, &f, PQ_T_STRUCT); n && !in->bad; n--)
            lie_note_stats(l, in);
    }
}

/* All places of an opened file's bytes that state something about the data. */
static inline void lie_find(struct lie *l, const struct td_pq_file *file, const uint8_t *bytes, size_t len)
{
    struct pq_in in;
    l->base = bytes;
    l->count = 0;
    pq_in_init(&in, bytes + file->footer_at, len - 8 - (size_t)file->footer_at);
    lie_find_stats(l, &in, 0);
    for (size_t g = 0; g < file->meta.group_count; g++)
        for (size_t c = 0; c < file->meta.leaf_count; c++) {
            const struct pq_chunk *k = &file->meta.groups[g].chunks[c];
            if (k->column_index_length > 0) {
                pq_in_init(&in, bytes + k->column_index_offset, (size_t)k->column_index_length);
                lie_find_bounds(l, &in);
            }
            if (k->offset_index_length > 0) {
                pq_in_init(&in, bytes + k->offset_index_offset, (size_t)k->offset_index_length);
                lie_find_places(l, &in);
            }
        }
}

/* Overwrite about one in `rarity` of the places: with the bytes of another of that length, or at random. */
static inline size_t lie_tell(const struct lie *l, uint8_t *bytes, struct make *m, unsigned rarity)
{
    size_t told = 0;
    for (size_t i = 0; i < l->count; i++) {
        const struct lie_spot *s = &l->spots[i], *other = &l->spots[make_random(m) % l->count];
        uint8_t was[16];
        if (make_random(m) % rarity)
            continue;
        memcpy(was, bytes + s->at, s->len < 16 ? s->len : 16);
        if (other->len == s->len && other->varint == s->varint)
            memmove(bytes + s->at, bytes + other->at, s->len);
        else
            for (size_t k = 0; k < s->len; k++)
                bytes[s->at + k] ^= s->varint ? make_random(m) & 0x07 : make_random(m) & 0xff;
        told += memcmp(was, bytes + s->at, s->len < 16 ? s->len : 16) != 0;
    }
    return told;
}

/* ---- predicates ---- */

struct table { /* every readable column of a file, all rows */
    const struct td_pq_file *file;
    struct td_pq_reader *reader;
    int columns[128];
    struct td_pq_array arrays[128];
    size_t count, rows;
};

static inline bool table_load(struct table *t, const struct td_pq_file *file, struct td_err *err)
{
    size_t got = 0;
    *t = (struct table){.file = file, .rows = (size_t)td_pq_rows(file)};
    for (size_t i = 0; i < td_pq_column_count(file) && t->count < TD_COUNT(t->columns); i++)
        if (!td_pq_column_at(file, i)->unsupported)
            t->columns[t->count++] = (int)i;
    for (size_t c = 0; c < t->count; c++) {
        t->arrays[c].values = calloc(t->rows + 1, 16);
        t->arrays[c].valid = calloc(TD_PQ_WORDS(t->rows) + 1, 8);
    }
    return t->count && td_pq_reader_new(file, t->columns, t->count, &t->reader, err) == TD_OK &&
           td_pq_read(t->reader, t->arrays, t->rows, &got, err) == TD_OK && got == t->rows;
}

static inline void table_free(struct table *t)
{
    td_pq_reader_free(t->reader);
    for (size_t c = 0; c < t->count; c++) {
        free(t->arrays[c].values);
        free(t->arrays[c].valid);
    }
}

static inline bool table_unsigned(const struct td_pq_column *k)
{
    return k->logical == TD_PQ_INTEGER && !k->is_signed;
}

/* A value of the column as long double, which holds every 64-bit integer and every double. */
static inline long double table_number(const struct td_pq_column *k, const struct td_pq_array *a, size_t i)
{
    switch (k->type) {
    case TD_PQ_BOOLEAN: return ((const uint8_t *)a->values)[i];
    case TD_PQ_INT32:
        return table_unsigned(k) ? (long double)((const uint32_t *)a->values)[i]
                                 : (long double)((const int32_t *)a->values)[i];
    case TD_PQ_INT64:
        return table_unsigned(k) ? (long double)((const uint64_t *)a->values)[i]
                                 : (long double)((const int64_t *)a->values)[i];
    case TD_PQ_FLOAT: return (long double)((const float *)a->values)[i];
    default: return (long double)((const double *)a->values)[i];
    }
}

/* A bound near the data of a random column; false when the column is of a kind that takes null tests only. */
static inline void table_bound(const struct table *t, struct make *m, struct td_pq_bound *b, size_t *column)
{
    *column = make_random(m) % t->count;
    const struct td_pq_column *k = td_pq_column_at(t->file, (size_t)t->columns[*column]);
    const struct td_pq_array *a = &t->arrays[*column];
    *b = (struct td_pq_bound){.column = t->columns[*column], .op = (enum td_pq_op)(make_random(m) % 8)};
    bool text = k->type == TD_PQ_BYTE_ARRAY || k->type == TD_PQ_FIXED;
    if (k->type == TD_PQ_INT96 || (text && k->logical == TD_PQ_DECIMAL)) {
        b->op = make_random(m) % 2 ? TD_PQ_IS_NULL : TD_PQ_NOT_NULL;
        return;
    }
    size_t row = t->rows ? make_random(m) % t->rows : 0;
    bool have = t->rows && td_pq_valid(a->valid, row);
    if (text) {
        b->kind = TD_PQ_VALUE_BYTES;
        b->v.s = have ? ((const struct td_str *)a->values)[row] : (struct td_str){"m", 1};
        if (b->v.s.len && make_random(m) % 4 == 0)
            b->v.s.len--;
        return;
    }
    long double v = have ? table_number(k, a, row) : 5;
    if (k->type == TD_PQ_FLOAT || k->type == TD_PQ_DOUBLE || make_random(m) % 3 == 0) {
        b->kind = TD_PQ_VALUE_REAL;
        b->v.f = (double)v + (make_random(m) % 4 ? 0 : 0.5);
        if (make_random(m) % 16 == 0)
            b->v.f = make_random(m) % 2 ? (double)NAN : -0.0;
    } else if (table_unsigned(k)) {
        b->kind = TD_PQ_VALUE_UINT;
        b->v.u = (uint64_t)v + make_random(m) % 2;
    } else {
        b->kind = TD_PQ_VALUE_INT;
        b->v.i = (int64_t)v;
        b->v.i += b->v.i != INT64_MAX && make_random(m) % 2;
    }
}

/* The plain meaning of a bound, written without the library's comparisons. */
static inline bool table_holds(const struct table *t, const struct td_pq_bound *b, size_t column, size_t row)
{
    const struct td_pq_column *k = td_pq_column_at(t->file, (size_t)b->column);
    const struct td_pq_array *a = &t->arrays[column];
    bool valid = td_pq_valid(a->valid, row), less, equal, nan = false;
    if (b->op == TD_PQ_IS_NULL || b->op == TD_PQ_NOT_NULL)
        return valid == (b->op == TD_PQ_NOT_NULL);
    if (!valid)
        return false;
    if (b->kind == TD_PQ_VALUE_BYTES) {
        struct td_str s = ((const struct td_str *)a->values)[row];
        size_t n = s.len < b->v.s.len ? s.len : b->v.s.len;
        int order = n ? memcmp(s.ptr, b->v.s.ptr, n) : 0;
        equal = order == 0 && s.len == b->v.s.len;
        less = order < 0 || (order == 0 && s.len < b->v.s.len);
    } else {
        long double x = table_number(k, a, row);
        long double y = b->kind == TD_PQ_VALUE_REAL   ? (long double)b->v.f
                        : b->kind == TD_PQ_VALUE_UINT ? (long double)b->v.u
                                                      : (long double)b->v.i;
        nan = isnan(x) || isnan(y);
        equal = x == y;
        less = x < y;
    }
    switch (b->op) {
    case TD_PQ_EQ: return equal;
    case TD_PQ_NE: return nan || !equal;
    case TD_PQ_LT: return less;
    case TD_PQ_LE: return less || equal;
    case TD_PQ_GT: return !nan && !less && !equal;
    default: return !nan && !less;
    }
}

#endif
