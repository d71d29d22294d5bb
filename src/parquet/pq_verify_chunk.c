/* SPDX-License-Identifier: GPL-3.0-or-later
 * One column chunk, page by page: what the footer and the index say against what is there. */
#include <string.h>
#include "pq_verify.h"

#define VERIFY_ROWS 4096 /* a batch */

struct walk {
    struct pq_cursor cursor;
    struct pq_index index;
    const struct pq_leaf *leaf;
    const struct pq_chunk *chunk;
    struct pq_seen page, all; /* values */
    size_t data_pages;
    int64_t rows, uncompressed;
    bool found_data, found_dictionary; /* a page begins where the footer says that the first ones do */
    bool gap;                          /* some page could not be decoded: the chunk as a whole is not judged */
    bool dictionary_lost;              /* nor are pages that need it */
};

/* Failures of memory or of the disk and the caller's wish end the walk; what is wrong with the bytes is told and it goes on. */
static enum td_code judge(struct pq_verify *v, struct walk *w, enum td_code code, const struct td_err *why)
{
    if (code == TD_OK || code == TD_NOMEM || code == TD_IO || code == TD_CANCELLED)
        return code;
    /* The cursor's text begins with the place, which the finding has in its own members. */
    const char *text = strstr(why->text, ": column ");
    const char *cause = text ? strstr(text + 1, "page at offset ") : NULL;
    cause = cause ? strstr(cause, ": ") : NULL;
    pq_verify_say(v, "%s", cause ? cause + 2 : why->text);
    w->gap = true;
    return TD_OK;
}

/* Statistics in the page's own header, which the reader has no use for. */
static enum td_code header_stats(struct pq_verify *v, struct walk *w, uint64_t at, size_t len, struct td_err *err)
{
    struct pq_in in;
    struct pq_field f = {0};
    uint8_t *bytes = td_malloc(len + 1);
    if (!bytes)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a page header", v->file->name);
    enum td_code code = pq_file_read(v->file, at, len, bytes, err);
    pq_in_init(&in, bytes, code == TD_OK ? len : 0);
    while (code == TD_OK && pq_in_next(&in, &f)) {
        struct pq_field inner = {0};
        const int id = f.id == 5 ? 5 : f.id == 8 ? 8 : 0; /* of statistics in the header of either page version */
        if (!id || f.type != PQ_T_STRUCT) {
            pq_in_skip(&in, f.type);
            continue;
        }
        while (pq_in_next(&in, &inner)) {
            struct pq_stats stats;
            if (inner.id != id || inner.type != PQ_T_STRUCT) {
                pq_in_skip(&in, inner.type);
                continue;
            }
            pq_stats_parse(&in, &inner, &stats);
            if (!in.bad)
                pq_verify_stats(v, w->leaf, &stats, &w->page, "the page header's");
        }
    }
    td_free(bytes);
    return code;
}

static void check_place(struct pq_verify *v, const struct walk *w, const struct pq_page_header *page, uint64_t body)
{
    const size_t i = w->data_pages;
    if (!w->index.places || i >= w->index.pages)
        return;
    const struct pq_place *p = &w->index.places[i];
    const int64_t size = (int64_t)(body - (uint64_t)v->offset) + page->compressed;
    if (p->offset != v->offset)
        pq_verify_say(v, "the offset index has the page at offset %lld", (long long)p->offset);
    else if (p->size != size)
        pq_verify_say(v, "the offset index gives the page %lld bytes, it has %lld", (long long)p->size, (long long)size);
    else if (p->first_row != w->rows)
        pq_verify_say(v, "the offset index lets the page begin at row %lld, it begins at row %lld",
                      (long long)p->first_row, (long long)w->rows);
}

static void check_bounds(struct pq_verify *v, const struct walk *w)
{
    const size_t i = w->data_pages;
    const struct pq_index *x = &w->index;
    const struct pq_seen *seen = &w->page;
    if (i >= x->bounded)
        return;
    if (x->null_pages[i] != (seen->nulls == seen->rows))
        pq_verify_say(v, x->null_pages[i] ? "the column index says that the page has only nulls, it has values"
                                          : "the column index says that the page has values, it has only nulls");
    if (x->nulls && x->nulls[i] >= 0 && x->nulls[i] != seen->nulls) /* there are writers that say -1 */
        pq_verify_say(v, "the column index's null count is %lld, the data have %lld", (long long)x->nulls[i],
                      (long long)seen->nulls);
    for (int max = 0; max < 2 && !x->null_pages[i] && pq_bound_ordered(&w->leaf->column); max++)
        pq_verify_bound(v, &w->leaf->column, max ? x->max[i] : x->min[i], max, seen, "the column index's");
}

static enum td_code decode(struct pq_verify *v, struct walk *w, const struct pq_page_header *page, uint64_t body,
                           struct td_err *err)
{
    struct td_err why = {0};
    struct pq_cursor *c = &w->cursor;
    enum td_code code = TD_OK;
    const uint64_t at = (uint64_t)v->offset;
    pq_seen_clear(&w->page);
    while (code == TD_OK && c->page_left) {
        const size_t n = c->page_left < VERIFY_ROWS ? (size_t)c->page_left : VERIFY_ROWS;
        pq_pool_recycle(&v->pool);
        memset(v->array.valid, 0, TD_PQ_WORDS(VERIFY_ROWS) * sizeof *v->array.valid);
        code = pq_verify_asked(v, &why);
        if (code == TD_OK)
            code = pq_cursor_read(c, &v->array, 0, n, &why);
        if (code == TD_OK)
            code = pq_seen_add(&w->page, &w->leaf->column, &v->array, n, &why);
    }
    if (code != TD_OK) {
        code = judge(v, w, code, &why);
        if (code != TD_OK && err)
            *err = why;
        return code;
    }
    v->out->pages++;
    if (page->type == PQ_PAGE_DATA_V2 && page->nulls != w->page.nulls)
        pq_verify_say(v, "the page header's count of nulls is %d, the data have %lld", page->nulls,
                      (long long)w->page.nulls);
    if (page->type == PQ_PAGE_DATA_V2 && page->rows != page->values)
        pq_verify_say(v, "the page header counts %d rows and %d values", page->rows, page->values);
    check_bounds(v, w);
    code = header_stats(v, w, at, (size_t)(body - at), err);
    if (code == TD_OK)
        code = pq_seen_merge(&w->all, &w->page, &w->leaf->column, err);
    return code;
}

/* The page whose header was just read. */
static enum td_code verify_page(struct pq_verify *v, struct walk *w, const struct pq_page_header *page, uint64_t body,
                                struct td_err *err)
{
    struct td_err why = {0};
    struct pq_cursor *c = &w->cursor;
    const bool data = page->type == PQ_PAGE_DATA || page->type == PQ_PAGE_DATA_V2;
    const bool coded = page->encoding == PQ_RLE_DICTIONARY || page->encoding == PQ_PLAIN_DICTIONARY;
    enum td_code code = TD_OK;
    w->found_data |= v->offset == w->chunk->data_offset;
    w->found_dictionary |= page->type == PQ_PAGE_DICTIONARY && v->offset == w->chunk->dictionary_offset;
    if (data)
        check_place(v, w, page, body);
    if (page->values > w->chunk->values - w->rows && data) {
        pq_verify_say(v, "the pages hold more values than their chunk");
        w->gap = true;
    }
    if (data && coded && w->dictionary_lost) {
        w->gap = c->seen_data = true;
        c->at = body + (uint64_t)page->compressed;
    } else {
        pq_pool_recycle(&v->pool);
        code = pq_cursor_take(c, page, body, &why);
        if (code != TD_OK) {
            w->dictionary_lost |= page->type == PQ_PAGE_DICTIONARY;
            code = judge(v, w, code, &why);
            if (code != TD_OK && err)
                *err = why;
        } else if (data) {
            code = decode(v, w, page, body, err);
        }
    }
    w->rows += data ? page->values : 0;
    w->data_pages += data;
    return code;
}

static enum td_code walk_pages(struct pq_verify *v, struct walk *w, struct td_err *err)
{
    struct pq_cursor *c = &w->cursor;
    const uint64_t stated = c->end - w->chunk->slack;
    enum td_code code = TD_OK;
    for (v->page = 0; code == TD_OK && !v->stopped && c->at < c->end; v->page++) {
        struct pq_page_header page;
        struct td_err why = {0};
        uint64_t body = 0;
        if (c->at >= stated && w->rows >= w->chunk->values)
            break; /* what lies behind belongs to the next chunk */
        v->offset = (int64_t)c->at;
        code = pq_verify_asked(v, &why);
        if (code == TD_OK)
            code = pq_cursor_header(c, &page, &body, &why);
        if (code != TD_OK) {
            code = judge(v, w, code, &why);
            if (code != TD_OK && err)
                *err = why;
            break; /* where the next page is cannot be known */
        }
        w->uncompressed += (int64_t)(body - c->at) + page.uncompressed;
        code = verify_page(v, w, &page, body, err);
    }
    return code;
}

/* Does each list move the way the index says? */
static void check_order(struct pq_verify *v, const struct walk *w)
{
    const struct pq_index *x = &w->index;
    const struct td_pq_column *c = &w->leaf->column;
    const size_t none = SIZE_MAX;
    size_t before = none;
    if ((x->order != 1 && x->order != 2) || !pq_bound_ordered(c)) {
        if (x->order < 0 || x->order > 2)
            pq_verify_say(v, "the column index has an unknown boundary order, %d", x->order);
        return;
    }
    for (size_t i = 0; i < x->bounded; i++) {
        if (x->null_pages[i])
            continue;
        for (int max = 0; before != none && max < 2; max++) {
            const struct td_str *list = max ? x->max : x->min;
            if (c->type != TD_PQ_BYTE_ARRAY && (list[before].len != list[i].len || list[i].len < td_pq_width(c->type)) &&
                c->type != TD_PQ_FIXED)
                return; /* told already */
            int order = pq_stats_order(c, list[before], list[i]);
            if (order != 2 && (x->order == 1 ? order > 0 : order < 0)) {
                pq_verify_say(v, "the column index claims %s pages, but page %zu breaks that order",
                              x->order == 1 ? "ascending" : "descending", i);
                return;
            }
        }
        before = i;
    }
}

/* Sums and places of the chunk, once all its pages were passed. */
static void check_sums(struct pq_verify *v, const struct walk *w)
{
    const struct pq_chunk *k = w->chunk;
    v->page = -1;
    v->offset = k->start;
    if (w->rows != k->values && !w->gap)
        pq_verify_say(v, "the pages hold %lld values, their chunk says %lld", (long long)w->rows, (long long)k->values);
    if (!k->slack && w->uncompressed != k->uncompressed)
        pq_verify_say(v, "the pages have %lld bytes uncompressed, their chunk says %lld", (long long)w->uncompressed,
                      (long long)k->uncompressed);
    if (w->data_pages && !w->found_data)
        pq_verify_say(v, "no page begins where the chunk's first data page should, at offset %lld",
                      (long long)k->data_offset);
    if (k->dictionary_offset > 0 && w->data_pages && !w->found_dictionary)
        pq_verify_say(v, "no dictionary page begins where it should, at offset %lld", (long long)k->dictionary_offset);
    if (w->index.places && w->index.pages != w->data_pages)
        pq_verify_say(v, "the offset index names %zu pages, the chunk has %zu", w->index.pages, w->data_pages);
}

static enum td_code load_index(struct pq_verify *v, struct walk *w, struct td_err *err)
{
    const struct pq_chunk *k = w->chunk;
    const char *why = NULL;
    td_arena_reset(&v->arena);
    v->page = -1;
    v->offset = k->column_index_length ? k->column_index_offset : k->offset_index_offset;
    enum td_code code = pq_index_load(v->file, v->group, v->column, true, &v->arena, &w->index, &why, err);
    if (code == TD_OK && why)
        pq_verify_say(v, "the page index is malformed: %s", why);
    return code;
}

static enum td_code walk_chunk(struct pq_verify *v, struct walk *w, struct td_err *err)
{
    struct td_err why = {0};
    enum td_code code = load_index(v, w, err);
    if (code != TD_OK)
        return code;
    v->offset = w->chunk->start;
    code = pq_cursor_open(&w->cursor, v->group, v->column, &why);
    if (code != TD_OK)
        return judge(v, w, code, &why);
    code = walk_pages(v, w, err);
    const bool whole = code == TD_OK && !v->stopped && (w->cursor.at >= w->cursor.end - w->chunk->slack);
    if (whole)
        check_sums(v, w);
    if (whole && w->index.bounded)
        check_order(v, w);
    if (whole && !w->gap)
        pq_verify_stats(v, w->leaf, &w->chunk->stats, &w->all, "the chunk's");
    return code;
}

enum td_code pq_verify_chunk(struct pq_verify *v, struct td_err *err)
{
    struct walk w = {.leaf = &v->file->meta.leaves[v->column],
                     .chunk = &v->file->meta.groups[v->group].chunks[v->column],
                     .cursor = {.file = v->file, .pool = &v->pool, .decoder = &v->decoder}};
    pq_seen_init(&w.page);
    pq_seen_init(&w.all);
    enum td_code code = walk_chunk(v, &w, err);
    pq_cursor_close(&w.cursor);
    pq_pool_recycle(&v->pool);
    pq_seen_free(&w.page);
    pq_seen_free(&w.all);
    return code;
}
