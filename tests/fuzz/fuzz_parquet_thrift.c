/* SPDX-License-Identifier: GPL-3.0-or-later
 * Metadata without its file: the first byte says whether the rest is a footer, a page header or a struct of any kind to
 * be skipped. What comes out of a sound footer keeps the promises that later code builds on, and memory stays in its
 * budget. */
#include "parquet/pq_meta.h"
#include "fuzz.h"

#define DATA_END (1 << 20) /* where the footer is said to start */

static void check_chunk(const struct pq_chunk *chunk, const struct td_pq_column *column)
{
    if (chunk->refused || column->unsupported)
        return;
    FUZZ_CHECK(chunk->start >= 4 || (!chunk->start && !chunk->compressed)); /* an empty chunk may be nowhere */
    FUZZ_CHECK(chunk->compressed >= 0 && chunk->compressed + chunk->slack <= DATA_END - chunk->start);
    FUZZ_CHECK(chunk->type == (int32_t)column->type && chunk->values >= 0);
}

static void check_meta(const struct pq_meta *meta)
{
    int64_t rows = 0;
    for (size_t i = 0; i < meta->leaf_count; i++) {
        const struct td_pq_column *c = &meta->leaves[i].column;
        FUZZ_CHECK(c->name && (unsigned)c->type <= TD_PQ_FIXED);
        FUZZ_CHECK(c->type != TD_PQ_FIXED || c->length > 0);
        FUZZ_CHECK(c->logical != TD_PQ_DECIMAL || (c->scale >= 0 && c->precision > 0 && c->scale <= c->precision));
        FUZZ_CHECK(c->logical != TD_PQ_INTEGER || c->bits == 8 || c->bits == 16 || c->bits == 32 || c->bits == 64);
    }
    for (size_t g = 0; g < meta->group_count; g++) {
        const struct pq_group *group = &meta->groups[g];
        FUZZ_CHECK(group->rows >= 0 && group->first_row == rows && group->count == meta->leaf_count);
        rows += group->rows;
        for (size_t c = 0; c < group->count; c++) {
            struct td_str min, max;
            const struct pq_chunk *chunk = &group->chunks[c];
            check_chunk(chunk, &meta->leaves[c].column);
            if (pq_stats_bounds(&meta->leaves[c], &chunk->stats, &min, &max))
                FUZZ_CHECK(pq_stats_order(&meta->leaves[c].column, min, max) <= 0);
        }
    }
    FUZZ_CHECK(rows == meta->rows);
    for (size_t i = 0; i < meta->pair_count; i++)
        FUZZ_CHECK(meta->pairs[i].key && meta->pairs[i].value);
}

static void footer(const uint8_t *data, size_t len)
{
    struct pq_meta meta = {0};
    struct td_arena arena;
    const char *why = NULL;
    size_t where = 0;
    td_arena_init(&arena, 4 << 20);
    if (pq_meta_parse(&meta, data, len, DATA_END, &arena, &why, &where) == TD_OK)
        check_meta(&meta);
    else
        FUZZ_CHECK(why && where <= len);
    td_arena_free(&arena);
}

static void page_header(const uint8_t *data, size_t len)
{
    struct pq_in in;
    struct pq_page_header page;
    pq_in_init(&in, data, len);
    if (pq_page_header_parse(&in, &page)) {
        FUZZ_CHECK(page.compressed >= 0 && page.uncompressed >= 0 && page.values >= 0);
        FUZZ_CHECK(page.def_length >= 0 && page.rep_length >= 0);
        FUZZ_CHECK(in.p > data && in.p <= data + len);
        size_t used = (size_t)(in.p - data);
        pq_in_init(&in, data, used - 1); /* one byte less is a header cut short */
        FUZZ_CHECK(!pq_page_header_parse(&in, &page) && in.cut);
    } else {
        FUZZ_CHECK(in.bad);
    }
}

/* Skipping a struct reads as far as going through its fields does. */
static void skip(const uint8_t *data, size_t len)
{
    struct pq_in in, walk;
    struct pq_field f = {0};
    pq_in_init(&in, data, len);
    pq_in_skip(&in, PQ_T_STRUCT);
    FUZZ_CHECK(in.p >= data && in.p <= data + len);
    pq_in_init(&walk, data, len);
    while (pq_in_next(&walk, &f))
        pq_in_skip(&walk, f.type);
    FUZZ_CHECK(in.bad || (!walk.bad && walk.p == in.p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {size ? data : (const uint8_t *)"", size};
    switch (fuzz_u8(&in) % 3) {
    case 0: footer(in.p, in.left); break;
    case 1: page_header(in.p, in.left); break;
    default: skip(in.p, in.left); break;
    }
    return 0;
}
