/* SPDX-License-Identifier: GPL-3.0-or-later
 * The unpacking loops at every width, length and offset, against readers that take one bit or byte at a time. The bytes lie in
 * memory of exactly their size, so that a sanitizer sees a read past them. */
#include "check.h"
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_meta.h"
#include "pq_values.h"

enum { LONGEST = 200 };

static uint64_t seed = 7;
static uint64_t any(void)
{
    return td_mix64(seed += UINT64_C(0x9e3779b97f4a7c15));
}
static uint64_t of_width(unsigned width)
{
    return width == 64 ? any() : any() & ((UINT64_C(1) << width) - 1);
}

static uint8_t *exact(const struct td_buf *buf)
{
    uint8_t *copy = malloc(buf->len ? buf->len : 1);
    if (buf->len)
        memcpy(copy, buf->data, buf->len);
    return copy;
}

/* One bit after the other; what lies past the end is zero. */
static uint64_t slow_bits(const uint8_t *p, size_t len, uint64_t first, unsigned width)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < width; i++) {
        uint64_t bit = first + i;
        if (bit / 8 < len && p[bit / 8] >> (bit % 8) & 1)
            v |= UINT64_C(1) << i;
    }
    return v;
}

static void unpacking_is_exact(void **state)
{
    (void)state;
    for (unsigned width = 0; width <= 32; width++)
        for (size_t count = 0; count <= LONGEST; count++) {
            struct td_buf buf;
            uint32_t got[LONGEST + 1];
            const size_t first = count % 71;
            td_buf_init(&buf, 1 << 16);
            size_t bytes = ((first + count) * width + 7) / 8;
            bytes -= bytes && count % 5 == 0; /* cut short */
            for (size_t i = 0; i < bytes; i++)
                td_buf_addc(&buf, (char)any());
            uint8_t *data = exact(&buf);
            got[count] = 0xabcdef01;
            pq_unpack32(data, data + bytes, first, width, got, count);
            for (size_t i = 0; i < count; i++)
                if (got[i] != slow_bits(data, bytes, (first + i) * width, width))
                    fail_msg("width %u, %zu from %zu: value %zu", width, count, first, i);
            assert_int_equal(got[count], 0xabcdef01);
            free(data);
            td_buf_free(&buf);
        }
}

static void put_varint(struct td_buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        td_buf_addc(out, (char)(v | 0x80));
    td_buf_addc(out, (char)v);
}

/* A stream of `count` values whose deltas all have this width, in miniblocks of 32; the last body is whole, or cut to the bytes
 * that its values need. The values come back in `want`. */
static void put_deltas(struct td_buf *out, unsigned width, size_t count, bool cut, uint64_t *want)
{
    uint64_t value = any(), packed[32];
    put_varint(out, 128);
    put_varint(out, 4);
    put_varint(out, count);
    put_varint(out, value << 1 ^ (value >> 63 ? UINT64_MAX : 0));
    want[0] = value;
    for (size_t at = 1; at < count;) {
        uint64_t min = any() >> any() % 64;
        put_varint(out, min << 1 ^ (min >> 63 ? UINT64_MAX : 0));
        for (int i = 0; i < 4; i++)
            td_buf_addc(out, (char)width);
        for (int mini = 0; mini < 4 && at < count; mini++) {
            size_t n = count - at < 32 ? count - at : 32;
            for (size_t i = 0; i < 32; i++) {
                packed[i] = i < n ? of_width(width) : 0;
                if (i < n)
                    want[at + i] = value += min + packed[i];
            }
            pq_pack(out, packed, cut && at + n == count ? n : 32, width);
            at += n;
        }
    }
}

static void deltas_are_exact(void **state)
{
    (void)state;
    for (unsigned width = 0; width <= 64; width++)
        for (size_t count = 1; count <= LONGEST; count++) {
            struct td_buf buf;
            struct pq_delta d;
            const uint8_t *end;
            uint64_t want[LONGEST], got[LONGEST + 1];
            const size_t first = any() % count, skipped = any() % (count - first);
            td_buf_init(&buf, 1 << 16);
            put_deltas(&buf, width, count, count % 2, want);
            uint8_t *data = exact(&buf);
            assert_null(pq_delta_init(&d, data, buf.len));
            assert_null(pq_delta_end(&d, &end));
            assert_ptr_equal(end, data + buf.len);
            got[count] = 0xabcdef01;
            assert_null(pq_delta_read(&d, got, first));
            assert_null(pq_delta_skip(&d, skipped));
            memcpy(got + first, want + first, skipped * sizeof *got);
            assert_null(pq_delta_read(&d, got + first + skipped, count - first - skipped));
            for (size_t i = 0; i < count; i++)
                if (got[i] != want[i])
                    fail_msg("width %u, %zu values, %zu read and %zu skipped: value %zu", width, count, first, skipped, i);
            assert_int_equal(got[count], 0xabcdef01);
            assert_non_null(pq_delta_read(&d, got, 1));
            free(data);
            td_buf_free(&buf);
        }
}

/* ---- pages of values ---- */

static const struct td_pq_column kinds[] = {
    {.name = "bool", .type = TD_PQ_BOOLEAN},         {.name = "i32", .type = TD_PQ_INT32},
    {.name = "i64", .type = TD_PQ_INT64},            {.name = "f32", .type = TD_PQ_FLOAT},
    {.name = "f64", .type = TD_PQ_DOUBLE},           {.name = "i96", .type = TD_PQ_INT96},
    {.name = "fixed", .type = TD_PQ_FIXED, .length = 7}, {.name = "half", .type = TD_PQ_FIXED, .length = 2},
    {.name = "text", .type = TD_PQ_BYTE_ARRAY},
};

/* Read `count` values of a page: some, a few passed over, the rest. Passed over slots hold 0xee. */
static const char *read_page(struct pq_values *v, uint8_t *out, size_t count, size_t *first, size_t *skipped)
{
    const size_t slot = v->slot;
    const char *why;
    *first = count ? any() % count : 0;
    *skipped = count > *first ? any() % (count - *first) % 9 : 0;
    memset(out, 0xee, (count + 1) * slot);
    if (!(why = pq_values_read(v, out, *first)) && !(why = pq_values_skip(v, *skipped)))
        why = pq_values_read(v, out + (*first + *skipped) * slot, count - *first - *skipped);
    return why;
}

/* Slot i is these bytes, or was passed over. */
static void check_slot(const struct td_pq_column *k, const uint8_t *slots, size_t i, bool passed, const uint8_t *want, size_t len)
{
    const size_t slot = td_pq_width(k->type);
    uint8_t untouched[16];
    memset(untouched, 0xee, sizeof untouched);
    if (passed) {
        assert_memory_equal(slots + i * slot, untouched, slot);
    } else if (slot == sizeof(struct td_str)) {
        struct td_str s;
        memcpy(&s, slots + i * slot, sizeof s);
        assert_int_equal(s.len, len);
        assert_memory_equal(s.ptr, want, len);
    } else if (memcmp(slots + i * slot, want, slot) != 0) {
        fail_msg("%s: value %zu", k->name, i);
    }
}

static void plain_and_split_pages_are_exact(void **state)
{
    (void)state;
    for (size_t k = 0; k < TD_COUNT(kinds) - 1; k++)
        for (int split = 0; split < 2; split++)
            for (size_t count = 0; count <= LONGEST; count++) {
                const struct td_pq_column *kind = &kinds[k];
                const size_t width = pq_stored_width(kind);
                struct pq_pool pool = {.limit = 1 << 20};
                struct pq_values v;
                struct td_buf buf;
                uint8_t out[(LONGEST + 1) * 16], want[16];
                size_t first, skipped;
                if (split && (!width || kind->type == TD_PQ_INT96))
                    continue;
                td_buf_init(&buf, 1 << 16);
                size_t bytes = width ? count * width : (count + 7) / 8;
                for (size_t i = 0; i < bytes; i++)
                    td_buf_addc(&buf, (char)any());
                uint8_t *data = exact(&buf);
                assert_null(pq_values_init(&v, kind, split ? PQ_BYTE_STREAM_SPLIT : PQ_PLAIN, data, bytes, NULL, &pool));
                assert_null(read_page(&v, out, count, &first, &skipped));
                for (size_t i = 0; i <= count; i++) {
                    for (size_t b = 0; width && i < count && b < width; b++)
                        want[b] = split ? data[b * count + i] : data[i * width + b];
                    if (!width)
                        want[0] = i < count ? (uint8_t)slow_bits(data, bytes, i, 1) : 0;
                    check_slot(kind, out, i, i == count || (i >= first && i < first + skipped), want, width);
                }
                if (width) /* a page of booleans is padded to whole bytes */
                    assert_non_null(pq_values_read(&v, out, 1));
                pq_values_close(&v);
                pq_pool_drop(&pool);
                free(data);
                td_buf_free(&buf);
            }
}

/* A PLAIN dictionary of `entries`, and where entry i starts in it and how long it is. */
static void put_entries(struct td_buf *out, const struct td_pq_column *kind, size_t entries, size_t *at, size_t *len)
{
    for (size_t i = 0; i < entries; i++) {
        len[i] = kind->type == TD_PQ_BYTE_ARRAY ? any() % 9 : pq_stored_width(kind);
        if (kind->type == TD_PQ_BYTE_ARRAY) {
            uint32_t stored = (uint32_t)len[i];
            td_buf_add(out, &stored, 4);
        }
        at[i] = out->len;
        for (size_t b = 0; b < len[i]; b++)
            td_buf_addc(out, (char)any());
    }
}

static void dictionary_pages_are_exact(void **state)
{
    enum { ENTRIES = 5000 };
    static size_t at[ENTRIES], len[ENTRIES];
    (void)state;
    for (size_t k = 1; k < TD_COUNT(kinds); k++)
        for (unsigned width = 0; width <= 20; width++) {
            const struct td_pq_column *kind = &kinds[k];
            const size_t full = width < 13 ? (size_t)1 << width : ENTRIES, entries = full - (full > 2 ? any() % 2 : 0);
            struct pq_pool pool = {.limit = 64 << 20};
            struct pq_dict dict = {0};
            struct td_buf plain;
            enum td_code code;
            td_buf_init(&plain, 1 << 20);
            put_entries(&plain, kind, entries, at, len);
            uint8_t *page = exact(&plain);
            assert_null(pq_dict_load(&dict, kind, page, plain.len, (int32_t)entries, &pool, &code));
            for (size_t count = 0; count <= LONGEST; count++)
                for (int style = 0; style < 3; style++) { /* packed, repeated, and packed with one index too large */
                    struct pq_values v;
                    struct td_buf buf;
                    uint64_t index[LONGEST + 8] = {0};
                    uint8_t out[(LONGEST + 1) * 16];
                    size_t first, skipped;
                    const size_t groups = (count + 7) / 8, bad = count ? any() % count : 0;
                    if (style == 2 && (!count || !width || entries == (size_t)1 << width))
                        continue;
                    for (size_t i = 0; i < count; i++)
                        index[i] = style == 1 ? 0 : any() % entries;
                    if (style == 1 && count)
                        for (size_t i = 0, one = any() % entries; i < count; i++)
                            index[i] = one;
                    if (style == 2)
                        index[bad] = entries + any() % (((size_t)1 << width) - entries);
                    td_buf_init(&buf, 1 << 16);
                    td_buf_addc(&buf, (char)width);
                    put_varint(&buf, style == 1 ? count << 1 : groups << 1 | 1);
                    if (style == 1)
                        td_buf_add(&buf, &index[0], (width + 7) / 8);
                    else
                        pq_pack(&buf, index, groups * 8, width);
                    uint8_t *data = exact(&buf);
                    assert_null(pq_values_init(&v, kind, PQ_RLE_DICTIONARY, data, buf.len, &dict, &pool));
                    const char *why = read_page(&v, out, count, &first, &skipped);
                    const bool passed_over = bad >= first && bad < first + skipped;
                    if (style == 2 && !passed_over) {
                        if (!why)
                            fail_msg("%s, width %u: index %zu of %zu is past the end and was taken", kind->name, width, bad, count);
                    } else {
                        assert_null(why);
                        for (size_t i = 0; i <= count; i++) {
                            const bool passed = i == count || (i >= first && i < first + skipped);
                            const size_t entry = passed ? 0 : index[i];
                            check_slot(kind, out, i, passed, page + at[entry], len[entry]);
                        }
                    }
                    pq_values_close(&v);
                    free(data);
                    td_buf_free(&buf);
                }
            pq_dict_close(&dict, &pool);
            pq_pool_drop(&pool);
            free(page);
            td_buf_free(&plain);
        }
}

/* Blobs come back best fitting, stay inside the budget, and none is lost. */
static void the_pool_keeps_its_budget(void **state)
{
    struct pq_pool pool = {.limit = 1 << 20};
    struct pq_blob *held[12] = {0};
    (void)state;
    for (int turn = 0; turn < 20000; turn++) {
        const size_t i = any() % TD_COUNT(held), size = any() % (turn % 97 == 0 ? 900000 : 30000);
        if (held[i]) {
            if (any() % 4)
                pq_pool_put(&pool, held[i]);
            else
                pq_pool_retire(&pool, held[i]);
            held[i] = NULL;
        } else if ((held[i] = pq_pool_get(&pool, size))) {
            assert_true(held[i]->cap >= size);
            memset(held[i]->data, 1, size);
        } else {
            assert_int_equal(pool.code, TD_LIMIT);
        }
        if (turn % 50 == 0)
            pq_pool_recycle(&pool);
        assert_true(pool.used <= pool.limit);
    }
    for (size_t i = 0; i < TD_COUNT(held); i++)
        pq_pool_put(&pool, held[i]);
    pq_pool_drop(&pool);
    assert_int_equal(pool.used, 0);

    static const size_t sizes[] = {100000, 5000, 40000, 9000};
    struct pq_blob *known[4];
    for (size_t i = 0; i < 4; i++)
        assert_non_null(known[i] = pq_pool_get(&pool, sizes[i]));
    for (size_t i = 0; i < 4; i++)
        pq_pool_put(&pool, known[i]);
    assert_ptr_equal(pq_pool_get(&pool, 8000), known[3]);
    assert_ptr_equal(pq_pool_get(&pool, 8000), known[2]); /* the next larger one, not the one of 100,000 */
    assert_ptr_equal(pq_pool_get(&pool, 1), known[1]);
    assert_ptr_equal(pq_pool_get(&pool, 50000), known[0]);
    for (size_t i = 0; i < 4; i++)
        pq_pool_put(&pool, known[i]);
    pq_pool_drop(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpacking_is_exact),
        cmocka_unit_test(deltas_are_exact),
        cmocka_unit_test(plain_and_split_pages_are_exact),
        cmocka_unit_test(dictionary_pages_are_exact),
        cmocka_unit_test(the_pool_keeps_its_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
