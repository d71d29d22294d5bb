/* SPDX-License-Identifier: GPL-3.0-or-later
 * The page index of a written file: where each data page lies and which values it can hold, for readers that want a few
 * rows of many. Chunks of one page have none. */
#include "pq_meta.h"
#include "pq_write.h"

/* Without bounds for every page that has values (all NaN, or no short text above its greatest) there is no index. */
static bool indexable(const struct pq_done_chunk *k)
{
    for (int32_t i = 0; i < k->data_pages; i++) {
        const struct pq_done_page *p = &k->pages[i];
        if (!p->all_null && !(p->bounds.has_min && p->bounds.has_max))
            return false;
    }
    return true;
}

/* 1 ascending, 2 descending, 0 neither: both bounds must move one way over the pages that have any. */
static int boundary_order(const struct td_pq_column *c, const struct pq_done_chunk *k)
{
    const struct pq_bounds *before = NULL;
    bool up = true, down = true;
    for (int32_t i = 0; i < k->data_pages; i++) {
        const struct pq_bounds *s = &k->pages[i].bounds;
        if (k->pages[i].all_null)
            continue;
        for (int max = 0; before && max < 2; max++) {
            int order = pq_stats_order(c, pq_bounds_at(before, max), pq_bounds_at(s, max));
            up &= order <= 0;
            down &= order >= 0 && order != 2;
        }
        before = s;
    }
    return up ? 1 : down ? 2 : 0;
}

static void write_column_index(struct td_buf *buf, const struct td_pq_column *c, const struct pq_done_chunk *k)
{
    const size_t count = (size_t)k->data_pages;
    struct pq_out out = {.buf = buf};
    pq_out_list(&out, 1, PQ_T_TRUE, count);
    for (size_t i = 0; i < count; i++)
        td_buf_addc(buf, k->pages[i].all_null ? PQ_T_TRUE : PQ_T_FALSE);
    for (int max = 0; max < 2; max++) {
        pq_out_list(&out, 2 + max, PQ_T_BINARY, count);
        for (size_t i = 0; i < count; i++) {
            struct td_str s = pq_bounds_at(&k->pages[i].bounds, max);
            pq_out_elem_binary(&out, s.ptr, k->pages[i].all_null ? 0 : s.len);
        }
    }
    pq_out_i32(&out, 4, boundary_order(c, k));
    pq_out_list(&out, 5, PQ_T_I64, count);
    for (size_t i = 0; i < count; i++)
        pq_out_varint(buf, pq_zigzag(k->pages[i].bounds.nulls));
    if (k->bounds.has_nans) {
        pq_out_list(&out, 8, PQ_T_I64, count);
        for (size_t i = 0; i < count; i++)
            pq_out_varint(buf, pq_zigzag(k->pages[i].bounds.nans));
    }
    pq_out_end(&out);
}

static void write_offset_index(struct td_buf *buf, const struct pq_done_chunk *k)
{
    struct pq_out out = {.buf = buf};
    pq_out_list(&out, 1, PQ_T_STRUCT, (size_t)k->data_pages);
    for (int32_t i = 0; i < k->data_pages; i++) {
        struct pq_out page = pq_out_elem(&out);
        pq_out_i64(&page, 1, k->pages[i].offset);
        pq_out_i32(&page, 2, k->pages[i].size);
        pq_out_i64(&page, 3, k->pages[i].first_row);
        pq_out_end(&page);
    }
    pq_out_end(&out);
}

static void write_one(struct td_pq_writer *w, struct pq_done_chunk *k, const struct td_pq_column *c, bool offsets)
{
    td_buf_clear(&w->header);
    if (offsets)
        write_offset_index(&w->header, k);
    else
        write_column_index(&w->header, c, k);
    w->out.failed |= w->header.failed;
    td_buf_add(&w->out, w->header.data ? w->header.data : "", w->header.len);
    if (offsets) {
        k->offset_index = w->offset;
        k->offset_index_length = (int32_t)w->header.len;
    } else {
        k->column_index = w->offset;
        k->column_index_length = (int32_t)w->header.len;
    }
    w->offset += (int64_t)w->header.len;
}

void pq_index_write(struct td_pq_writer *w)
{
    for (int offsets = 0; offsets < 2; offsets++)
        for (size_t g = 0; g < w->group_count; g++)
            for (size_t i = 0; i < w->count; i++) {
                struct pq_done_chunk *k = &w->groups[g].chunks[i];
                if (k->pages && (offsets || indexable(k)))
                    write_one(w, k, &w->columns[i].column, offsets);
            }
}
