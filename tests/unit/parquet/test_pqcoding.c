/* SPDX-License-Identifier: GPL-3.0-or-later
 * The building blocks of pages and footers on their own: runs, deltas, packed bits, thrift, Snappy, zstd. */
#include "check.h"
#include "pq_codec.h"
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_thrift.h"
#include "pq_values.h"

static uint64_t next_random(uint64_t *seed)
{
    return td_mix64(*seed += UINT64_C(0x9e3779b97f4a7c15));
}

/* Bytes in memory of exactly their size, so that a read past them is seen. */
static uint8_t *exact(const struct td_buf *buf)
{
    uint8_t *copy = malloc(buf->len ? buf->len : 1);
    if (buf->len)
        memcpy(copy, buf->data, buf->len);
    return copy;
}

static void runs_come_back_at_every_width(void **state)
{
    enum { N = 3000 };
    static uint32_t values[N], got[N];
    uint64_t seed = 1;
    struct td_buf buf;
    (void)state;
    td_buf_init(&buf, 1 << 20);
    for (unsigned width = 0; width <= 32; width++) {
        for (int style = 0; style < 4; style++) {
            uint64_t mask = (UINT64_C(1) << width) - 1;
            size_t n = style == 3 ? next_random(&seed) % 40 : N;
            for (size_t i = 0; i < n; i++) {
                bool fresh = !i || style == 0 || (style == 1 && next_random(&seed) % 10 == 0) ||
                             (style == 3 && next_random(&seed) % 2);
                values[i] = fresh ? (uint32_t)(next_random(&seed) & mask) : values[i - 1];
            }
            td_buf_clear(&buf);
            pq_hybrid_write(&buf, values, n, width);
            uint8_t *bytes = exact(&buf);
            struct pq_hybrid h;
            assert_null(pq_hybrid_init(&h, bytes, buf.len, width));
            for (size_t at = 0; at < n;) {
                size_t step = next_random(&seed) % 100 + 1;
                step = step < n - at ? step : n - at;
                if (step % 5 == 0) {
                    assert_null(pq_hybrid_skip(&h, step));
                    memcpy(got + at, values + at, step * sizeof *got);
                } else {
                    assert_null(pq_hybrid_read(&h, got + at, step));
                }
                at += step;
            }
            assert_memory_equal(values, got, n * sizeof *got);
            free(bytes);
        }
    }
    td_buf_free(&buf);
}

static void bits_come_back_as_a_bitmap(void **state)
{
    enum { N = 2000 };
    static uint32_t values[N];
    uint64_t seed = 9;
    struct td_buf buf;
    (void)state;
    td_buf_init(&buf, 1 << 20);
    for (int style = 0; style < 3; style++) {
        for (size_t i = 0; i < N; i++)
            values[i] = style == 0 ? next_random(&seed) & 1 : style == 1 ? (i / 77) & 1 : 1;
        td_buf_clear(&buf);
        pq_hybrid_write(&buf, values, N, 1);
        uint8_t *bytes = exact(&buf);
        uint64_t words[(N + 200) / 64 + 1] = {0};
        struct pq_hybrid h;
        size_t ones = 0, want = 0, shift = 13;
        assert_null(pq_hybrid_init(&h, bytes, buf.len, 1));
        for (size_t at = 0; at < N;) {
            size_t step = next_random(&seed) % 150 + 1;
            step = step < N - at ? step : N - at;
            assert_null(pq_hybrid_bits(&h, words, shift + at, step, &ones));
            at += step;
        }
        for (size_t i = 0; i < N; i++) {
            want += values[i];
            assert_int_equal(words[(i + shift) / 64] >> ((i + shift) % 64) & 1, values[i]);
        }
        assert_int_equal(ones, want);
        assert_int_equal(pq_bits_count(words, shift, N), want);
        free(bytes);
    }
    td_buf_free(&buf);
}

static void crooked_runs_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        unsigned width;
        size_t values;
        bool good;
    } table[] = {
        {"\x06\x01", 2, 1, 3, true},
        {"\x06\x01", 2, 1, 4, false}, /* too few values */
        {"\x06\x03", 2, 1, 3, false}, /* value wider than its width */
        {"", 0, 1, 0, true},
        {"", 0, 1, 1, false},
        {"\x00\x01\x00\x01\x06\x01", 6, 1, 3, true}, /* empty runs first */
        {"\x00\x01\x00\x01", 4, 1, 1, false},
        {"\x06", 1, 0, 3, true}, /* width 0: no value bytes */
        {"\x03", 1, 0, 8, true},
        {"\x03", 1, 1, 8, false},    /* packed group without bytes */
        {"\x05\xff", 2, 1, 8, true}, /* second group cut off, its values not needed */
        {"\x05\xff", 2, 1, 9, false},
        {"\xff\xff\xff\xff\x0f\x00", 6, 0, 100, true}, /* 2^31 groups of nothing */
        {"\xff\xff\xff\xff\xff\xff", 6, 1, 1, false},  /* endless header */
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        struct td_buf buf;
        uint32_t out[128];
        struct pq_hybrid h;
        td_buf_init(&buf, 64);
        td_buf_add(&buf, table[i].bytes, table[i].len);
        uint8_t *bytes = exact(&buf);
        assert_null(pq_hybrid_init(&h, bytes, buf.len, table[i].width));
        bool good = !pq_hybrid_read(&h, out, table[i].values);
        if (good != table[i].good)
            fail_msg("case %zu", i);
        free(bytes);
        td_buf_free(&buf);
    }
    struct pq_hybrid h;
    assert_non_null(pq_hybrid_init(&h, (const uint8_t *)"", 0, 33));
}

static void deltas_come_back(void **state)
{
    static const size_t counts[] = {0, 1, 2, 32, 33, 128, 129, 130, 1000};
    int64_t values[1000];
    uint64_t got[1000], seed = 4;
    struct td_buf buf;
    (void)state;
    td_buf_init(&buf, 1 << 20);
    for (int style = 0; style < 6; style++)
        for (size_t k = 0; k < TD_COUNT(counts); k++) {
            size_t n = counts[k];
            unsigned bits = style % 2 ? 32 : 64;
            for (size_t i = 0; i < n; i++) {
                uint64_t r = next_random(&seed);
                values[i] = (int64_t)(style < 2 ? r : style < 4 ? i * 60000 + r % 5 : r % 2 ? UINT64_C(1) << 63 : 0);
                if (bits == 32)
                    values[i] = (int32_t)(style < 4 ? (uint64_t)values[i] : r % 2 ? UINT64_C(1) << 31 : r >> 33);
            }
            td_buf_clear(&buf);
            pq_delta_write(&buf, values, n, bits);
            td_buf_adds(&buf, "next");
            uint8_t *bytes = exact(&buf);
            const uint8_t *end;
            struct pq_delta d;
            assert_null(pq_delta_init(&d, bytes, buf.len));
            assert_null(pq_delta_end(&d, &end));
            assert_int_equal(end - bytes, buf.len - 4);
            for (size_t at = 0; at < n;) {
                size_t step = next_random(&seed) % 50 + 1;
                step = step < n - at ? step : n - at;
                if (step % 7 == 0) {
                    assert_null(pq_delta_skip(&d, step));
                    memcpy(got + at, values + at, step * sizeof *got);
                } else {
                    assert_null(pq_delta_read(&d, got + at, step));
                }
                at += step;
            }
            for (size_t i = 0; i < n; i++)
                assert_true(bits == 64 ? got[i] == (uint64_t)values[i] : (int32_t)(uint32_t)got[i] == values[i]);
            assert_non_null(pq_delta_read(&d, got, 1));
            /* Cut anywhere, it is refused or gives some values, but never reads past the end. */
            for (size_t cut = 0; cut < buf.len - 4 && n; cut += 1 + cut / 16) {
                uint8_t *part = malloc(cut ? cut : 1);
                memcpy(part, bytes, cut);
                if (!pq_delta_init(&d, part, cut))
                    (void)pq_delta_read(&d, got, n);
                free(part);
            }
            free(bytes);
        }
    td_buf_free(&buf);
}

static void int32_deltas_stay_narrow(void **state)
{
    const int64_t values[] = {INT32_MAX, INT32_MIN, INT32_MAX, 0, INT32_MIN};
    struct td_buf buf;
    struct pq_delta d;
    uint64_t got[5];
    (void)state;
    td_buf_init(&buf, 4096);
    pq_delta_write(&buf, values, 5, 32);
    assert_null(pq_delta_init(&d, (const uint8_t *)buf.data, buf.len));
    assert_null(pq_delta_read(&d, got, 5));
    assert_true(d.width <= 32);
    td_buf_free(&buf);
}

static void an_index_past_the_dictionary_is_refused(void **state)
{
    const uint32_t entries[] = {10, 20, 30};
    const struct pq_dict dict = {.slots = entries, .count = 3, .loaded = true};
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_INT32};
    struct pq_pool pool = {.limit = 1 << 20};
    (void)state;
    for (uint8_t index = 0; index < 4; index++) {
        const uint8_t page[] = {2, 2 << 1, index}; /* width 2, two times the index */
        struct pq_values v;
        int32_t out[2] = {0};
        assert_null(pq_values_init(&v, &column, 8, page, sizeof page, &dict, &pool));
        const char *why = pq_values_read(&v, out, 2);
        assert_int_equal(why == NULL, index < 3);
        if (!why)
            assert_int_equal(out[1], entries[index]);
    }
}

/* Two texts promised, the second longer than its page: no later page may look the half-filled entries up. */
static void a_damaged_dictionary_serves_no_page(void **state)
{
    const uint8_t texts[] = {1, 0, 0, 0, 'a', 9, 0, 0, 0, 'b'};
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_BYTE_ARRAY};
    const uint8_t page[] = {1, 2 << 1, 1};
    struct pq_pool pool = {.limit = 1 << 20};
    struct pq_dict dict = {0};
    struct pq_values v;
    enum td_code code = TD_OK;
    (void)state;
    assert_non_null(pq_dict_load(&dict, &column, texts, sizeof texts, 2, &pool, &code));
    assert_int_equal(code, TD_DATA);
    assert_non_null(pq_values_init(&v, &column, 8, page, sizeof page, &dict, &pool));
    pq_dict_close(&dict, &pool);
    pq_pool_drop(&pool);
    assert_int_equal(pool.used, 0);
}

static void thrift_comes_back(void **state)
{
    struct td_buf buf;
    struct pq_in in;
    struct pq_field f = {0};
    (void)state;
    td_buf_init(&buf, 1 << 16);
    struct pq_out out = {.buf = &buf};
    pq_out_i32(&out, 1, -5);
    pq_out_i64(&out, 2, INT64_MIN);
    pq_out_bool(&out, 3, true);
    pq_out_text(&out, 40, "far"); /* a gap too wide for the short form */
    struct pq_out inner = pq_out_struct(&out, 41);
    pq_out_list(&inner, 1, PQ_T_I32, 20);
    for (int i = 0; i < 20; i++)
        pq_out_elem_i32(&inner, i);
    pq_out_end(&inner);
    pq_out_i8(&out, 42, -8);
    pq_out_end(&out);
    for (int pass = 0; pass < 2; pass++) { /* read, then skip everything */
        pq_in_init(&in, buf.data, buf.len);
        f = (struct pq_field){0};
        while (pq_in_next(&in, &f)) {
            if (pass)
                pq_in_skip(&in, f.type);
            else if (f.id == 1)
                assert_int_equal(pq_in_i32(&in, &f), -5);
            else if (f.id == 2)
                assert_true(pq_in_i64(&in, &f) == INT64_MIN);
            else if (f.id == 3)
                assert_true(pq_in_bool(&in, &f));
            else if (f.id == 40)
                assert_true(td_str_is(pq_in_binary(&in, &f), "far"));
            else if (f.id == 42)
                assert_int_equal(pq_in_i8(&in, &f), -8);
            else
                pq_in_skip(&in, f.type);
        }
        assert_null(in.bad);
        assert_ptr_equal(in.p, in.end);
    }
    for (size_t cut = 0; cut < buf.len; cut++) { /* every prefix is cut short, and says so */
        pq_in_init(&in, buf.data, cut);
        f = (struct pq_field){0};
        while (pq_in_next(&in, &f))
            pq_in_skip(&in, f.type);
        assert_non_null(in.bad);
        assert_true(in.cut);
    }
    td_buf_free(&buf);
}

static void crooked_thrift_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } table[] = {
        {"\x1e\x00", 2},                                          /* type 14 */
        {"\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00", 12}, /* 11-byte integer */
        {"\x18\xff\xff\xff\xff\x7f\x00", 7},                      /* text of 34 GB */
        {"\x19\xfc\xff\xff\xff\xff\x0f\x00", 8},                  /* list of 4 G structs */
        {"\x1b\xff\xff\xff\x0f\x88\x00", 7},                      /* map of 33 M pairs */
        {"\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c\x1c"
         "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
         41}, /* 20 deep */
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        struct pq_in in;
        struct pq_field f = {0};
        pq_in_init(&in, table[i].bytes, table[i].len);
        while (pq_in_next(&in, &f))
            pq_in_skip(&in, f.type);
        if (!in.bad)
            fail_msg("case %zu was taken", i);
    }
}

static void snappy_blocks_are_decoded(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text; /* NULL = damaged */
        size_t size;
    } table[] = {
        {"\x05\x10hello", 7, "hello", 5},
        {"\x0b\x10hello\x09\x05\x00x", 11, NULL, 11}, /* a literal past the claimed size */
        {"\x0a\x10hello\x05\x05", 9, "hellohello", 10},
        {"\x0a\x08hel\x0d\x03", 7, "helhelhelh", 10}, /* overlapping copy, 1-byte offset */
        {"\x0a\x08hel\x1a\x03\x00", 8, "helhelhelh", 10},
        {"\x0a\x08hel\x1b\x03\x00\x00\x00", 10, "helhelhelh", 10},
        {"\x0a\x08hel\x0d\x04", 7, NULL, 10}, /* offset before the start */
        {"\x0a\x08hel\x0d\x00", 7, NULL, 10}, /* offset 0 */
        {"\x09\x08hel\x0d\x03", 7, NULL, 9},  /* longer than claimed */
        {"\x0b\x08hel\x0d\x03", 7, NULL, 11}, /* shorter than claimed */
        {"\x05\x10hell", 6, NULL, 5},
        {"\x04\x10hello", 7, NULL, 5},
        {"", 0, NULL, 5},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        uint8_t *in = malloc(table[i].len ? table[i].len : 1), *out = malloc(table[i].size);
        memcpy(in, table[i].bytes, table[i].len);
        bool good = pq_snappy_decode(in, table[i].len, out, table[i].size);
        if (good != (table[i].text != NULL))
            fail_msg("case %zu", i);
        if (good && table[i].text)
            assert_memory_equal(out, table[i].text, table[i].size);
        free(in);
        free(out);
    }
}

static void sizes_of_compressed_pages_are_exact(void **state)
{
    struct pq_encoder encoder = {.level = 2};
    struct pq_decoder decoder = {0};
    struct td_buf buf;
    char text[1000], out[1001];
    enum td_code code;
    (void)state;
    memset(text, 'x', sizeof text);
    td_buf_init(&buf, 1 << 16);
    assert_int_equal(pq_compress(&encoder, TD_PQ_ZSTD, text, sizeof text, &buf), TD_OK);
    const uint8_t *bytes = (const uint8_t *)buf.data;
    assert_null(pq_decompress(&decoder, 6, bytes, buf.len, (uint8_t *)out, 1000, &code));
    assert_memory_equal(out, text, 1000);
    assert_non_null(pq_decompress(&decoder, 6, bytes, buf.len, (uint8_t *)out, 999, &code));
    assert_non_null(pq_decompress(&decoder, 6, bytes, buf.len, (uint8_t *)out, 1001, &code));
    assert_non_null(pq_decompress(&decoder, 6, bytes, buf.len - 1, (uint8_t *)out, 1000, &code));
    assert_int_equal(code, TD_DATA);
    assert_non_null(pq_decompress(&decoder, 4, bytes, buf.len, (uint8_t *)out, 1000, &code));
    assert_int_equal(code, TD_UNSUPPORTED);
    pq_decoder_free(&decoder);
    pq_encoder_free(&encoder);
    td_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_come_back_at_every_width),
        cmocka_unit_test(bits_come_back_as_a_bitmap),
        cmocka_unit_test(crooked_runs_are_refused),
        cmocka_unit_test(deltas_come_back),
        cmocka_unit_test(int32_deltas_stay_narrow),
        cmocka_unit_test(an_index_past_the_dictionary_is_refused),
        cmocka_unit_test(a_damaged_dictionary_serves_no_page),
        cmocka_unit_test(thrift_comes_back),
        cmocka_unit_test(crooked_thrift_is_refused),
        cmocka_unit_test(snappy_blocks_are_decoded),
        cmocka_unit_test(sizes_of_compressed_pages_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
