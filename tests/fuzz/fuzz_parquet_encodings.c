/* SPDX-License-Identifier: GPL-3.0-or-later
 * The decoders of values, each given bytes that no page had to wrap: hybrid runs, levels, deltas, and the values of a page in
 * every encoding and type, alone or after a dictionary. Reading piece by piece must agree with skipping, and what the writers
 * make must read back. */
#include "parquet/pq_delta.h"
#include "parquet/pq_hybrid.h"
#include "parquet/pq_meta.h"
#include "parquet/pq_values.h"
#include "fuzz.h"

#define MOST 3000

static void hybrid(const uint8_t *data, size_t len, unsigned width, size_t count)
{
    static uint32_t whole[MOST], part[MOST];
    struct pq_hybrid a, b;
    if (pq_hybrid_init(&a, data, len, width))
        return;
    FUZZ_CHECK(!pq_hybrid_init(&b, data, len, width));
    size_t cut = count / 3;
    if (count && !pq_hybrid_read(&a, whole, count)) {
        FUZZ_CHECK(!pq_hybrid_skip(&b, cut));
        FUZZ_CHECK(!pq_hybrid_read(&b, part, count - cut));
        FUZZ_CHECK(memcmp(whole + cut, part, (count - cut) * sizeof *part) == 0);
        for (size_t i = 0; i < count && width < 32; i++)
            FUZZ_CHECK(whole[i] >> width == 0);
        struct td_buf out;
        td_buf_init(&out, 1 << 20);
        pq_hybrid_write(&out, whole, count, width);
        FUZZ_CHECK(!out.failed && !pq_hybrid_init(&a, (const uint8_t *)out.data, out.len, width));
        FUZZ_CHECK(!pq_hybrid_read(&a, part, count) && memcmp(whole, part, count * sizeof *part) == 0);
        td_buf_free(&out);
    }
}

static void bits(const uint8_t *data, size_t len, size_t at, size_t count)
{
    static uint64_t words[TD_PQ_WORDS(MOST + 64)];
    static uint32_t levels[MOST];
    struct pq_hybrid a, b;
    size_t ones = 0, wanted = 0;
    memset(words, 0, sizeof words);
    FUZZ_CHECK(!pq_hybrid_init(&a, data, len, 1) && !pq_hybrid_init(&b, data, len, 1));
    const char *why = pq_hybrid_bits(&a, words, at, count, &ones);
    const char *other = pq_hybrid_read(&b, levels, count);
    FUZZ_CHECK((why == NULL) == (other == NULL));
    for (size_t i = 0; i < count && !why; i++) {
        FUZZ_CHECK((words[(at + i) / 64] >> (at + i) % 64 & 1) == levels[i]);
        wanted += levels[i];
    }
    FUZZ_CHECK(why || ones == wanted);
    FUZZ_CHECK(why || pq_bits_count(words, at, count) == wanted);
}

static void delta(const uint8_t *data, size_t len, size_t count, unsigned width)
{
    static uint64_t whole[MOST], part[MOST];
    struct pq_delta a, b;
    const uint8_t *end;
    if (pq_delta_init(&a, data, len))
        return;
    FUZZ_CHECK(!pq_delta_init(&b, data, len));
    if (!pq_delta_end(&a, &end))
        FUZZ_CHECK(end >= data && end <= data + len);
    if (count > a.left)
        count = (size_t)a.left;
    size_t cut = count / 2;
    if (pq_delta_read(&a, whole, count))
        return;
    FUZZ_CHECK(!pq_delta_skip(&b, cut) && !pq_delta_read(&b, part, count - cut));
    FUZZ_CHECK(memcmp(whole + cut, part, (count - cut) * sizeof *part) == 0);
    struct td_buf out;
    td_buf_init(&out, 1 << 20);
    if (width == 32)
        for (size_t i = 0; i < count; i++)
            whole[i] = (uint64_t)(int64_t)(int32_t)whole[i];
    pq_delta_write(&out, (const int64_t *)whole, count, width);
    FUZZ_CHECK(!out.failed && !pq_delta_init(&a, (const uint8_t *)out.data, out.len));
    FUZZ_CHECK(a.left == count && !pq_delta_read(&a, part, count));
    for (size_t i = 0; i < count; i++) /* 32-bit streams wrap at 32 bits */
        FUZZ_CHECK(width == 32 ? (uint32_t)part[i] == (uint32_t)whole[i] : part[i] == whole[i]);
    td_buf_free(&out);
}

static const struct td_pq_column pages[] = {
    {.name = "b", .type = TD_PQ_BOOLEAN},    {.name = "i", .type = TD_PQ_INT32},
    {.name = "l", .type = TD_PQ_INT64},      {.name = "t", .type = TD_PQ_INT96},
    {.name = "f", .type = TD_PQ_FLOAT},      {.name = "d", .type = TD_PQ_DOUBLE},
    {.name = "s", .type = TD_PQ_BYTE_ARRAY}, {.name = "x", .type = TD_PQ_FIXED, .length = 5},
};

/* The page's values read in order, or partly skipped: the same slots. A dictionary comes out of the same bytes. */
static void page(const uint8_t *data, size_t len, const struct td_pq_column *column, int encoding, size_t count)
{
    static uint64_t whole[MOST * 2], part[MOST * 2];
    size_t width = td_pq_width(column->type), cut = count / 4;
    struct pq_pool pool = {.limit = 32 << 20};
    struct pq_dict dict = {0};
    struct pq_values v;
    enum td_code code = TD_OK;
    if (!pq_dict_load(&dict, column, data, len / 2, (int32_t)(len % 40), &pool, &code)) {
        data += len / 2;
        len -= len / 2;
    }
    const char *why = pq_values_init(&v, column, encoding, data, len, &dict, &pool);
    if (!why)
        why = pq_values_read(&v, whole, count);
    if (why) {
        FUZZ_CHECK(v.code != TD_OK);
        pq_values_close(&v);
    } else {
        struct pq_values w;
        FUZZ_CHECK(!pq_values_init(&w, column, encoding, data, len, &dict, &pool));
        FUZZ_CHECK(!pq_values_skip(&w, cut) && !pq_values_read(&w, part, count - cut));
        for (size_t i = cut; i < count; i++) {
            const uint8_t *mine = (const uint8_t *)whole + i * width, *theirs = (const uint8_t *)part + (i - cut) * width;
            if (width == sizeof(struct td_str)) {
                struct td_str a, b;
                memcpy(&a, mine, sizeof a);
                memcpy(&b, theirs, sizeof b);
                FUZZ_CHECK(a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0));
            } else {
                FUZZ_CHECK(memcmp(mine, theirs, width) == 0);
            }
        }
        pq_values_close(&w);
        pq_values_close(&v);
    }
    pq_dict_close(&dict, &pool);
    pq_pool_drop(&pool);
    FUZZ_CHECK(pool.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {size ? data : (const uint8_t *)"", size};
    uint8_t what = fuzz_u8(&in), width = fuzz_u8(&in);
    size_t count = fuzz_bits(&in, 2) % MOST;
    switch (what % 8) {
    case 0: hybrid(in.p, in.left, width % 34, count); break;
    case 1: bits(in.p, in.left, width % 64, count); break;
    case 2: delta(in.p, in.left, count, width % 2 ? 32 : 64); break;
    default: page(in.p, in.left, &pages[width % TD_COUNT(pages)], width / 8 % 10, count); break;
    }
    return 0;
}
