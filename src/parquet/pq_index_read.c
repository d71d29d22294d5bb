/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading offset index and column index: bounded, and checked against the chunk they belong to. */
#include "pq_index.h"

#define PQ_MAX_ONE_INDEX (16 << 20) /* bytes of the index of one chunk */

struct parse {
    struct pq_in in;
    struct td_arena *arena;
    bool nomem;
};

static void *make_array(struct parse *p, size_t count, size_t size)
{
    size_t bytes;
    void *out = NULL;
    if (p->in.bad)
        return NULL;
    if (!__builtin_mul_overflow(count, size, &bytes))
        out = td_arena_alloc(p->arena, bytes ? bytes : 1);
    if (!out) {
        p->nomem = true;
        pq_in_fault(&p->in, "it needs too much memory");
    }
    return out;
}

static void parse_place(struct pq_in *in, struct pq_place *place)
{
    struct pq_field f = {0};
    unsigned seen = 0;
    while (pq_in_next(in, &f)) {
        if (f.id >= 1 && f.id <= 3)
            seen |= 1u << f.id;
        switch (f.id) {
        case 1: place->offset = pq_in_i64(in, &f); break;
        case 2: place->size = pq_in_i32(in, &f); break;
        case 3: place->first_row = pq_in_i64(in, &f); break;
        default: pq_in_skip(in, f.type);
        }
    }
    if (!in->bad && seen != 14)
        pq_in_fault(in, "a page location lacks a field");
}

static void parse_places(struct parse *p, struct pq_index *out)
{
    struct pq_field f = {0};
    while (pq_in_next(&p->in, &f)) {
        if (f.id != 1) {
            pq_in_skip(&p->in, f.type);
            continue;
        }
        out->pages = pq_in_list(&p->in, &f, PQ_T_STRUCT);
        out->places = make_array(p, out->pages, sizeof *out->places);
        for (size_t i = 0; out->places && i < out->pages && !p->in.bad; i++)
            parse_place(&p->in, &out->places[i]);
    }
}

/* Pages must lie in the chunk one after the other, and begin at row 0 in ascending rows. */
static const char *check_places(const struct pq_index *x, const struct pq_chunk *c, int64_t rows)
{
    int64_t at = c->start, end = c->start + c->compressed;
    if (!x->pages)
        return rows ? "it names no pages" : NULL;
    for (size_t i = 0; i < x->pages; i++) {
        const struct pq_place *p = &x->places[i];
        if (p->offset < at || p->size <= 0 || p->offset > end || p->size > end - p->offset)
            return "a page lies outside its chunk or over another";
        at = p->offset + p->size;
        if (i ? p->first_row < x->places[i - 1].first_row : p->first_row != 0)
            return "the first rows of its pages are not in order";
        if (p->first_row > rows)
            return "a page begins after the last row";
    }
    return NULL;
}

static void parse_nulls(struct parse *p, const struct pq_field *field, struct pq_index *out, size_t count)
{
    if (pq_in_list(&p->in, field, PQ_T_I64) != count)
        pq_in_fault(&p->in, "its lists differ in length");
    out->nulls = make_array(p, count, sizeof *out->nulls);
    for (size_t i = 0; out->nulls && i < count; i++)
        out->nulls[i] = pq_in_elem_i64(&p->in);
}

static void parse_texts(struct parse *p, const struct pq_field *field, struct td_str **out, size_t count)
{
    if (pq_in_list(&p->in, field, PQ_T_BINARY) != count)
        pq_in_fault(&p->in, "its lists differ in length");
    *out = make_array(p, count, sizeof **out);
    for (size_t i = 0; *out && i < count; i++) {
        struct td_str s = pq_in_elem_binary(&p->in);
        char *copy = td_arena_strndup(p->arena, s.ptr, s.len);
        if (!copy) {
            p->nomem = true;
            pq_in_fault(&p->in, "it needs too much memory");
            return;
        }
        (*out)[i] = (struct td_str){copy, s.len};
    }
}

/* null_pages comes first in every file there is; its length is that of all lists. */
static void parse_bounds(struct parse *p, struct pq_index *out)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    size_t count = 0;
    unsigned seen = 0;
    while (pq_in_next(in, &f)) {
        if (f.id == 1 && seen)
            pq_in_fault(in, "its fields are out of order"); /* the lists were made to the first one's length */
        if (f.id >= 1 && f.id <= 5)
            seen |= 1u << f.id;
        if (f.id == 1) {
            count = pq_in_list(in, &f, PQ_T_TRUE);
            out->null_pages = make_array(p, count, sizeof *out->null_pages);
            for (size_t i = 0; out->null_pages && i < count; i++)
                out->null_pages[i] = pq_in_elem_bool(in);
        } else if (f.id == 2 || f.id == 3) {
            parse_texts(p, &f, f.id == 2 ? &out->min : &out->max, count);
        } else if (f.id == 4) {
            out->order = pq_in_i32(in, &f);
        } else if (f.id == 5) {
            parse_nulls(p, &f, out, count);
        } else {
            pq_in_skip(in, f.type);
        }
    }
    if (!in->bad && (seen & 30) != 30)
        pq_in_fault(in, "it lacks a field");
    out->bounded = count;
}

/* The bytes of one index into the arena, or *why. */
static enum td_code fetch(const struct td_pq_file *file, int64_t at, int32_t len, struct parse *p, const char **why,
                          struct td_err *err)
{
    const uint8_t *bytes;
    *why = NULL;
    if (at < 4 || len <= 0 || (uint64_t)at > file->footer_at || (uint64_t)len > file->footer_at - (uint64_t)at)
        *why = "it lies outside the file's data";
    else if (len > PQ_MAX_ONE_INDEX)
        *why = "it is larger than 16 MiB";
    if (*why)
        return TD_OK;
    bytes = pq_file_held(file, (uint64_t)at, (uint64_t)len);
    if (!bytes) {
        uint8_t *copy = td_arena_alloc(p->arena, (size_t)len);
        if (!copy)
            return td_fail(err, TD_NOMEM, "%s: out of memory for its page index", file->name);
        enum td_code code = pq_file_read(file, (uint64_t)at, (size_t)len, copy, err);
        if (code != TD_OK)
            return code;
        bytes = copy;
    }
    pq_in_init(&p->in, bytes, (size_t)len);
    return TD_OK;
}

static enum td_code end_parse(const struct td_pq_file *file, struct parse *p, const char **why, struct td_err *err)
{
    if (p->nomem)
        return td_fail(err, TD_NOMEM, "%s: out of memory for its page index", file->name);
    if (!*why)
        *why = p->in.bad;
    return TD_OK;
}

enum td_code pq_index_load(const struct td_pq_file *file, size_t group, size_t leaf, bool bounds,
                           struct td_arena *arena, struct pq_index *out, const char **why, struct td_err *err)
{
    const struct pq_chunk *c = &file->meta.groups[group].chunks[leaf];
    const int64_t rows = file->meta.groups[group].rows;
    struct parse p = {.arena = arena};
    enum td_code code = TD_OK;
    *out = (struct pq_index){0};
    *why = NULL;
    if (c->offset_index_length || c->offset_index_offset) {
        code = fetch(file, c->offset_index_offset, c->offset_index_length, &p, why, err);
        if (code == TD_OK && !*why)
            parse_places(&p, out);
        if (code == TD_OK)
            code = end_parse(file, &p, why, err);
        if (code == TD_OK && !*why)
            *why = check_places(out, c, rows);
        if (code != TD_OK || *why) {
            *out = (struct pq_index){0};
            return code;
        }
    }
    if (bounds && (c->column_index_length || c->column_index_offset)) {
        struct pq_index with = *out;
        code = fetch(file, c->column_index_offset, c->column_index_length, &p, why, err);
        if (code == TD_OK && !*why)
            parse_bounds(&p, &with);
        if (code == TD_OK)
            code = end_parse(file, &p, why, err);
        if (code == TD_OK && !*why && with.bounded != with.pages)
            *why = "offset index and column index name different numbers of pages";
        if (code == TD_OK && !*why)
            *out = with;
    }
    return code;
}

size_t pq_index_page(const struct pq_place *places, size_t count, int64_t row)
{
    size_t low = 0, high = count; /* first page that starts after the row */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (places[mid].first_row <= row)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? low - 1 : 0;
}

enum td_code td_pq_index(const struct td_pq_file *file, size_t group, size_t column, struct td_arena *arena,
                         struct td_pq_page_index **out, size_t *count, struct td_err *err)
{
    struct pq_index x;
    const char *why;
    enum td_code code = pq_index_load(file, group, column, true, arena, &x, &why, err);
    *out = NULL;
    *count = 0;
    if (code != TD_OK || !x.pages)
        return code;
    *out = td_arena_alloc(arena, x.pages * sizeof **out);
    if (!*out)
        return td_fail(err, TD_NOMEM, "%s: out of memory for its page index", file->name);
    *count = x.pages;
    for (size_t i = 0; i < x.pages; i++) {
        struct td_pq_page_index *p = &(*out)[i];
        *p = (struct td_pq_page_index){.offset = x.places[i].offset, .first_row = x.places[i].first_row, .nulls = -1};
        if (i >= x.bounded)
            continue;
        const struct pq_stats stats = {.has_min = true, .has_max = true, .min = x.min[i], .max = x.max[i]};
        p->nulls = x.nulls ? x.nulls[i] : -1;
        p->null_page = x.null_pages[i];
        p->has_min_max = !p->null_page && pq_stats_bounds(&file->meta.leaves[column], &stats, &p->min, &p->max);
    }
    return TD_OK;
}
