/* SPDX-License-Identifier: GPL-3.0-or-later
 * One column chunk: encoding choice, pages, compression, checksums. */
#include <libdeflate.h> /* its CRC-32 runs at memory speed */
#include <string.h>
#include "pq_hybrid.h"
#include "pq_meta.h"
#include "pq_write.h"

static enum td_code put_levels(struct td_pq_writer *w, const struct pq_buffer *b, const struct pq_span *p)
{
    if (td_grow(&w->levels, &w->levels_cap, p->rows, sizeof *w->levels, NULL) != TD_OK)
        return TD_NOMEM;
    if (p->present == p->rows || !p->present)
        for (size_t i = 0; i < p->rows; i++)
            w->levels[i] = p->present != 0;
    else
        for (size_t i = 0; i < p->rows; i++)
            w->levels[i] = pq_buffer_has(b, p->from + i);
    pq_hybrid_write(&w->body, w->levels, p->rows, 1);
    return TD_OK;
}

/* Compress body bytes from `from` on into packed, which may hold levels before; false in *shrunk leaves them plain
 * where the page version allows that. */
static enum td_code pack(struct td_pq_writer *w, size_t from, bool may_skip, bool *shrunk)
{
    const size_t before = w->packed.len, len = w->body.len - from;
    const char *src = w->body.data ? w->body.data + from : "";
    *shrunk = w->options.codec != TD_PQ_UNCOMPRESSED && !(may_skip && !len);
    if (*shrunk) {
        enum td_code code = pq_compress(&w->encoder, (int)w->options.codec, src, len, &w->packed);
        if (code != TD_OK)
            return code;
        if (may_skip && w->packed.len - before >= len) {
            w->packed.len = before;
            *shrunk = false;
        }
    }
    if (!*shrunk)
        td_buf_add(&w->packed, src, len);
    return w->packed.failed ? TD_NOMEM : TD_OK;
}

/* Header and body into out; sizes into the chunk's totals. */
static enum td_code emit(struct td_pq_writer *w, struct pq_done_chunk *chunk, const struct pq_page_header *h)
{
    struct pq_out out = {.buf = &w->header, .last = 0};
    struct pq_out sub;
    td_buf_clear(&w->header);
    pq_out_i32(&out, 1, h->type);
    pq_out_i32(&out, 2, (int32_t)w->body.len);
    pq_out_i32(&out, 3, (int32_t)w->packed.len);
    pq_out_i32(&out, 4, (int32_t)libdeflate_crc32(0, w->packed.data ? w->packed.data : "", w->packed.len));
    sub = pq_out_struct(&out, h->type == PQ_PAGE_DATA ? 5 : h->type == PQ_PAGE_DICTIONARY ? 7 : 8);
    pq_out_i32(&sub, 1, h->values);
    if (h->type == PQ_PAGE_DATA_V2) {
        pq_out_i32(&sub, 2, h->nulls);
        pq_out_i32(&sub, 3, h->rows);
        pq_out_i32(&sub, 4, h->encoding);
        pq_out_i32(&sub, 5, h->def_length);
        pq_out_i32(&sub, 6, 0);
        pq_out_bool(&sub, 7, h->is_compressed);
    } else {
        pq_out_i32(&sub, 2, h->encoding);
    }
    if (h->type == PQ_PAGE_DATA) {
        pq_out_i32(&sub, 3, PQ_RLE);
        pq_out_i32(&sub, 4, PQ_RLE);
    }
    pq_out_end(&sub);
    pq_out_end(&out);
    if (w->header.failed || w->body.failed || w->body.len > INT32_MAX || w->packed.len > INT32_MAX)
        return TD_NOMEM;
    td_buf_add(&w->out, w->header.data, w->header.len);
    td_buf_add(&w->out, w->packed.data ? w->packed.data : "", w->packed.len);
    size_t both = w->header.len + w->packed.len;
    w->offset += (int64_t)both;
    chunk->compressed += (int64_t)both;
    chunk->uncompressed += (int64_t)(w->header.len + w->body.len);
    return w->out.failed ? TD_NOMEM : TD_OK;
}

static enum td_code dictionary_page(struct td_pq_writer *w, const struct pq_buffer *b, struct pq_done_chunk *chunk)
{
    const struct pq_dict_build *d = &w->dict;
    struct pq_page_header h = {.type = PQ_PAGE_DICTIONARY, .values = (int32_t)d->count, .encoding = PQ_PLAIN};
    bool shrunk;
    td_buf_clear(&w->body);
    td_buf_clear(&w->packed);
    for (size_t i = 0; i < d->count; i++) {
        if (b->width && b->width <= 8) {
            td_buf_add(&w->body, &d->first[i], b->width);
            continue;
        }
        struct td_str text = pq_buffer_value(b, (size_t)d->first[i]);
        uint32_t len = (uint32_t)text.len;
        if (!b->width)
            td_buf_add(&w->body, &len, 4);
        td_buf_add(&w->body, text.ptr, text.len);
    }
    enum td_code code = pack(w, 0, false, &shrunk);
    chunk->dictionary_offset = w->offset;
    return code == TD_OK ? emit(w, chunk, &h) : code;
}

static enum td_code data_page_v1(struct td_pq_writer *w, const struct pq_buffer *b, const struct pq_span *p,
                                 struct pq_done_chunk *chunk)
{
    struct pq_page_header h = {.type = PQ_PAGE_DATA, .values = (int32_t)p->rows, .encoding = chunk->encoding};
    enum td_code code = TD_OK;
    bool shrunk;
    td_buf_clear(&w->body);
    td_buf_clear(&w->packed);
    if (b->column.optional) {
        uint32_t len = 0;
        td_buf_add(&w->body, &len, 4);
        code = put_levels(w, b, p);
        if (code == TD_OK && !w->body.failed) {
            len = (uint32_t)(w->body.len - 4);
            memcpy(w->body.data, &len, 4);
        }
    }
    if (code == TD_OK)
        code = pq_put_values(w, b, p, chunk->encoding);
    if (code == TD_OK)
        code = w->body.failed ? TD_NOMEM : pack(w, 0, false, &shrunk);
    return code == TD_OK ? emit(w, chunk, &h) : code;
}

static enum td_code data_page_v2(struct td_pq_writer *w, const struct pq_buffer *b, const struct pq_span *p,
                                 struct pq_done_chunk *chunk)
{
    struct pq_page_header h = {.type = PQ_PAGE_DATA_V2,
                               .values = (int32_t)p->rows,
                               .rows = (int32_t)p->rows,
                               .nulls = (int32_t)(p->rows - p->present),
                               .encoding = chunk->encoding};
    enum td_code code;
    td_buf_clear(&w->body);
    td_buf_clear(&w->packed);
    code = b->column.optional ? put_levels(w, b, p) : TD_OK;
    const size_t levels = w->body.len;
    h.def_length = (int32_t)levels;
    td_buf_add(&w->packed, w->body.data ? w->body.data : "", levels);
    if (code == TD_OK) /* also without values: readers expect the header of a delta stream even then */
        code = pq_put_values(w, b, p, chunk->encoding);
    if (code == TD_OK)
        code = w->body.failed ? TD_NOMEM : pack(w, levels, true, &h.is_compressed);
    return code == TD_OK ? emit(w, chunk, &h) : code;
}

static enum td_code data_page(struct td_pq_writer *w, const struct pq_buffer *b, const struct pq_span *p,
                              struct pq_done_chunk *chunk)
{
    const int64_t start = w->offset;
    struct pq_bounds bounds;
    enum td_code code = w->options.data_page_v2 ? data_page_v2(w, b, p, chunk) : data_page_v1(w, b, p, chunk);
    if (code == TD_OK)
        code = pq_bounds_make(&bounds, b, p, &w->arena);
    if (code != TD_OK)
        return code;
    if (chunk->pages)
        chunk->pages[chunk->data_pages] = (struct pq_done_page){.offset = start,
                                                                .size = (int32_t)(w->offset - start),
                                                                .first_row = (int64_t)p->from,
                                                                .all_null = !p->present,
                                                                .bounds = bounds};
    pq_bounds_merge(&chunk->bounds, &bounds, &b->column);
    chunk->data_pages++;
    return TD_OK;
}

enum td_code pq_chunk_write(struct td_pq_writer *w, struct pq_buffer *b, struct pq_done_chunk *out, struct td_err *err)
{
    struct pq_span p = {0};
    enum td_code code;
    *out = (struct pq_done_chunk){.values = (int64_t)w->rows,
                                  .page_type = w->options.data_page_v2 ? PQ_PAGE_DATA_V2 : PQ_PAGE_DATA};
    out->encoding = pq_choose(w, b, &code);
    if (code == TD_OK && w->pages > 1 && !(out->pages = td_arena_alloc(&w->arena, w->pages * sizeof *out->pages)))
        code = TD_NOMEM;
    if (code == TD_OK && out->encoding == PQ_RLE_DICTIONARY)
        code = dictionary_page(w, b, out);
    out->data_offset = w->offset;
    for (size_t i = 0; i < w->pages && code == TD_OK; i++) {
        p.from = w->cuts[i];
        p.rows = w->cuts[i + 1] - w->cuts[i];
        p.first += p.present;
        p.present = b->column.optional ? pq_bits_count(b->valid, p.from, p.rows) : p.rows;
        code = data_page(w, b, &p, out);
    }
    if (code != TD_OK)
        return td_fail(err, code, "%s: column %s: out of memory for its pages", w->name, b->column.name);
    return TD_OK;
}
