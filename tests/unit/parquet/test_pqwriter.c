/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the writer promises: values that a type cannot hold are refused by column and row, bounds follow the order of their type, an
 * encoding that is asked for is used, a declared order is told, and a failing allocation or disk is an error and nothing else. */
#include "pq_make.h"
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include "pq_file.h"

static enum td_code write_column(int fd, const struct td_pq_column *column, const void *values, uint64_t *valid, size_t rows,
                                 const struct td_pq_write_options *options, struct td_err *err)
{
    struct td_pq_writer *w;
    union {
        const void *in;
        void *out;
    } slots = {.in = values}; /* which the writer only reads */
    enum td_code code = td_pq_writer_new(fd, "scratch", column, 1, options, &w, err);
    if (code == TD_OK)
        code = td_pq_write(w, &(struct td_pq_array){slots.out, valid}, rows, err);
    if (code == TD_OK)
        code = td_pq_writer_finish(w, err);
    td_pq_writer_free(w);
    return code;
}

#define TEXT(s) {(s), sizeof(s) - 1}

static void what_a_type_cannot_hold_is_refused(void **state)
{
    static const int32_t byte[] = {-128, 127, 128}, ubyte[] = {0, 255, -1}, shorts[] = {-32768, 32767, -32769},
                         ushorts[] = {65535, 0, 65536}, millis[] = {0, 86399999, 86400000}, dec32[] = {-9999999, 9999999, 10000000};
    static const int64_t micros[] = {0, INT64_C(86399999999), -1}, nanos[] = {1, 2, INT64_C(86400000000000)},
                         dec64[] = {INT64_C(999999999999999999), INT64_C(-999999999999999999), INT64_C(-1000000000000000000)};
    static const struct td_str fixed[] = {TEXT("abcde"), TEXT("\0\0\0\0\0"), TEXT("abcd")},
                               words[] = {TEXT(""), TEXT("\xe2\x82\xac"), TEXT("a\xc0\x80")},
                               dec16[] = {TEXT("\x03\xe7"), TEXT("\xfc\x19"), TEXT("\x03\xe8")}, /* 999, -999, 1000 */
        decn[] = {TEXT("\x63"), TEXT("\x9d"), TEXT("\x9c")},                                      /* 99, -99, -100 */
        none[] = {TEXT("\x01"), TEXT("\0\x01"), TEXT("")};
    static const struct {
        struct td_pq_column column;
        const void *values; /* the first two are sound, the third is not */
        const char *why;
    } table[] = {
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 8, .is_signed = true}, byte, "width"},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 8}, ubyte, "width"},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 16, .is_signed = true}, shorts, "width"},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 16}, ushorts, "width"},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_TIME, .unit = TD_PQ_MILLIS}, millis, "day"},
        {{.type = TD_PQ_INT64, .logical = TD_PQ_TIME, .unit = TD_PQ_MICROS}, micros, "day"},
        {{.type = TD_PQ_INT64, .logical = TD_PQ_TIME, .unit = TD_PQ_NANOS}, nanos, "day"},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_DECIMAL, .precision = 7}, dec32, "digits"},
        {{.type = TD_PQ_INT64, .logical = TD_PQ_DECIMAL, .precision = 18, .scale = 18}, dec64, "digits"},
        {{.type = TD_PQ_FIXED, .length = 2, .logical = TD_PQ_DECIMAL, .precision = 3}, dec16, "digits"},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_DECIMAL, .precision = 2}, decn, "digits"},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_DECIMAL, .precision = 2}, none, "digits"},
        {{.type = TD_PQ_FIXED, .length = 5}, fixed, "length"},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING}, words, "UTF-8"},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_JSON}, words, "UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        struct td_pq_column column = table[i].column;
        struct td_err err;
        uint64_t first_two[] = {3};
        int fd = make_scratch();
        column.name = "narrow";
        column.optional = true;
        ASSERT_OK(write_column(fd, &column, table[i].values, first_two, 3, NULL, &err), err); /* a null holds anything */
        assert_int_equal(write_column(fd, &column, table[i].values, NULL, 3, NULL, &err), TD_DATA);
        assert_non_null(strstr(err.text, "column narrow, row 2:"));
        assert_non_null(strstr(err.text, table[i].why));
        close(fd);
    }
}

/* The row is counted over the file: over row groups, batches and nulls before it. */
static void the_row_is_counted_over_the_file(void **state)
{
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 8, .optional = true};
    const struct td_pq_write_options options = {.group_rows = 7};
    int32_t values[10] = {0};
    uint64_t valid[] = {0x3f0};
    struct td_pq_writer *w;
    struct td_err err;
    (void)state;
    int fd = make_scratch();
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &column, 1, &options, &w, &err), err);
    for (int batch = 0; batch < 3; batch++) {
        values[8] = batch == 2 ? 256 : 255;
        assert_int_equal(td_pq_write(w, &(struct td_pq_array){values, valid}, 10, &err), batch == 2 ? TD_DATA : TD_OK);
    }
    assert_non_null(strstr(err.text, "row 28:"));
    assert_int_not_equal(td_pq_write(w, &(struct td_pq_array){values, valid}, 1, &err), TD_OK);
    assert_int_not_equal(td_pq_writer_finish(w, &err), TD_OK);
    td_pq_writer_free(w);
    close(fd);
}

static void schemas_that_readers_refuse_are_not_written(void **state)
{
    const struct td_pq_column twins[] = {{.name = "a", .type = TD_PQ_INT32}, {.name = "a", .type = TD_PQ_INT64}};
    const struct td_pq_sort beyond = {.column = 1};
    const struct td_pq_write_options sorted = {.sorted = &beyond, .sorted_count = 1}, snappy = {.codec = TD_PQ_SNAPPY};
    struct td_pq_writer *w;
    struct td_err err;
    (void)state;
    int fd = make_scratch();
    assert_int_equal(td_pq_writer_new(fd, "scratch", twins, 2, NULL, &w, &err), TD_UNSUPPORTED);
    assert_int_equal(td_pq_writer_new(fd, "scratch", twins, 1, &sorted, &w, &err), TD_UNSUPPORTED);
    assert_int_equal(td_pq_writer_new(fd, "scratch", twins, 1, &snappy, &w, &err), TD_UNSUPPORTED);
    assert_null(w);
    close(fd);
}

/* ---- bounds ---- */

static void bounds_follow_the_order_of_their_type(void **state)
{
    static const int32_t numbers[] = {-1, 5, 0, INT32_MIN};
    static const uint8_t flags[] = {0, 0};
    static const struct td_str halves[] = {TEXT("\0\x7e"), TEXT("\0\0"), TEXT("\0\xbc"), TEXT("\0\x80")}, /* NaN, 0, -1, -0 */
        nans[] = {TEXT("\0\x7e"), TEXT("\x01\xfc")}, dec[] = {TEXT("\0\x01"), TEXT("\xff\xff"), TEXT("\x01\0")},
        loose[] = {TEXT("\x7f"), TEXT("\x80"), TEXT("\0\x80"), TEXT("\xff\x7f")}, fixed[] = {TEXT("ab"), TEXT("\xff\0"), TEXT("\0\xff")},
        times[] = {TEXT("abcdefghijkl"), TEXT("ABCDEFGHIJKL")};
    static const struct {
        struct td_pq_column column;
        const void *values;
        size_t rows;
        struct td_str min, max; /* ptr NULL = none */
    } table[] = {
        {{.type = TD_PQ_INT32}, numbers, 4, TEXT("\0\0\0\x80"), TEXT("\x05\0\0\0")},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 32}, numbers, 4, TEXT("\0\0\0\0"), TEXT("\xff\xff\xff\xff")},
        {{.type = TD_PQ_BOOLEAN}, flags, 2, TEXT("\0"), TEXT("\0")},
        {{.type = TD_PQ_INT96}, times, 2, {NULL, 0}, {NULL, 0}},
        {{.type = TD_PQ_FIXED, .length = 2}, fixed, 3, TEXT("\0\xff"), TEXT("\xff\0")},
        {{.type = TD_PQ_FIXED, .length = 2, .logical = TD_PQ_DECIMAL, .precision = 4}, dec, 3, TEXT("\xff\xff"), TEXT("\x01\0")},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_DECIMAL, .precision = 4}, loose, 4, TEXT("\xff\x7f"), TEXT("\0\x80")},
        {{.type = TD_PQ_FIXED, .length = 2, .logical = TD_PQ_FLOAT16}, halves, 4, TEXT("\0\xbc"), TEXT("\0\0")},
        {{.type = TD_PQ_FIXED, .length = 2, .logical = TD_PQ_FLOAT16}, halves, 2, TEXT("\0\x80"), TEXT("\0\0")},
        {{.type = TD_PQ_FIXED, .length = 2, .logical = TD_PQ_FLOAT16}, nans, 2, {NULL, 0}, {NULL, 0}},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++)
        for (size_t page_rows = 1; page_rows < 5; page_rows += 3) { /* merged from pages, and of one */
            const struct td_pq_write_options options = {.page_rows = page_rows};
            struct td_pq_column column = table[i].column;
            struct td_pq_file *file;
            struct td_err err;
            size_t len;
            int fd = make_scratch();
            column.name = "x";
            ASSERT_OK(write_column(fd, &column, table[i].values, NULL, table[i].rows, &options, &err), err);
            char *bytes = make_slurp(fd, &len);
            ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
            const struct pq_stats *s = &file->meta.groups[0].chunks[0].stats;
            assert_int_equal(s->has_min, table[i].min.ptr != NULL);
            assert_int_equal(s->has_max, table[i].max.ptr != NULL);
            if (s->has_min && s->has_max) {
                assert_int_equal(td_str_cmp(s->min, table[i].min), 0);
                assert_int_equal(td_str_cmp(s->max, table[i].max), 0);
            }
            td_pq_close(file);
            free(bytes);
            close(fd);
        }
}

/* 100 bytes of one character: the bound is the shortest thing above all that starts like the value. */
static void long_values_are_cut_outwards(void **state)
{
    static const struct {
        enum td_pq_logical logical;
        struct td_str one, max; /* max.len 0 = none */
        size_t times;           /* the last byte of max aside */
    } table[] = {
        {TD_PQ_STRING, TEXT("a"), TEXT("b"), 63},
        {TD_PQ_STRING, TEXT("\xc3\xa9"), TEXT("\xc3\xaa"), 31},
        {TD_PQ_STRING, TEXT("\xe2\x82\xac"), TEXT("\xe2\x82\xad"), 20},
        {TD_PQ_STRING, TEXT("\xc3\xbf"), TEXT(""), 0}, /* its last byte cannot grow */
        {TD_PQ_PLAIN, TEXT("\x80"), TEXT("\x81"), 63},
        {TD_PQ_PLAIN, TEXT("\xff"), TEXT(""), 0},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        const struct td_pq_column column = {.name = "x", .type = TD_PQ_BYTE_ARRAY, .logical = table[i].logical};
        char text[400] = "", want[400] = "";
        size_t used = 0, wanted = 0, len;
        struct td_pq_file *file;
        struct td_err err;
        for (size_t k = 0; k < 100; k++, used += table[i].one.len)
            memcpy(text + used, table[i].one.ptr, table[i].one.len);
        for (size_t k = 0; k < table[i].times; k++, wanted += table[i].one.len)
            memcpy(want + wanted, table[i].one.ptr, table[i].one.len);
        memcpy(want + wanted, table[i].max.ptr, table[i].max.len);
        wanted += table[i].max.len;
        const struct td_str value = {text, used};
        int fd = make_scratch();
        ASSERT_OK(write_column(fd, &column, &value, NULL, 1, NULL, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        const struct pq_stats *s = &file->meta.groups[0].chunks[0].stats;
        assert_true(s->has_min && s->min.len <= 64 && td_str_cmp(s->min, value) <= 0);
        assert_int_equal(s->has_max, wanted > 0);
        if (wanted)
            assert_int_equal(td_str_cmp(s->max, (struct td_str){want, wanted}), 0);
        td_pq_close(file);
        free(bytes);
        close(fd);
    }
}

/* ---- encodings ---- */

static const struct { /* every encoding on a type that it suits, and its number in the format */
    enum td_pq_type type;
    enum td_pq_encoding encoding;
    uint32_t listed;
} asked[] = {
    {TD_PQ_BOOLEAN, TD_PQ_ENC_PLAIN, 1u << 0},
    {TD_PQ_BOOLEAN, TD_PQ_ENC_RLE, 1u << 3},
    {TD_PQ_INT32, TD_PQ_ENC_PLAIN, 1u << 0},
    {TD_PQ_INT32, TD_PQ_ENC_DICT, 1u << 8},
    {TD_PQ_INT32, TD_PQ_ENC_DELTA, 1u << 5},
    {TD_PQ_INT64, TD_PQ_ENC_DICT, 1u << 8},
    {TD_PQ_INT64, TD_PQ_ENC_BYTE_STREAM_SPLIT, 1u << 9},
    {TD_PQ_INT96, TD_PQ_ENC_DICT, 1u << 8},
    {TD_PQ_FLOAT, TD_PQ_ENC_DICT, 1u << 8},
    {TD_PQ_DOUBLE, TD_PQ_ENC_PLAIN, 1u << 0},
    {TD_PQ_DOUBLE, TD_PQ_ENC_BYTE_STREAM_SPLIT, 1u << 9},
    {TD_PQ_BYTE_ARRAY, TD_PQ_ENC_PLAIN, 1u << 0},
    {TD_PQ_BYTE_ARRAY, TD_PQ_ENC_DICT, 1u << 8},
    {TD_PQ_BYTE_ARRAY, TD_PQ_ENC_DELTA_LENGTH, 1u << 6},
    {TD_PQ_BYTE_ARRAY, TD_PQ_ENC_DELTA_BYTES, 1u << 7},
    {TD_PQ_FIXED, TD_PQ_ENC_DELTA_BYTES, 1u << 7},
    {TD_PQ_FIXED, TD_PQ_ENC_BYTE_STREAM_SPLIT, 1u << 9},
};

static void make_asked(struct make *m, size_t i, size_t rows)
{
    *m = (struct make){.seed = i, .rows = rows, .columns = 1};
    make_column(m, 0, &(struct td_pq_column){.type = asked[i].type, .length = asked[i].type == TD_PQ_FIXED ? 6 : 0}, 3, 2);
    m->column[0].encoding = asked[i].encoding;
}

static void an_encoding_that_is_asked_for_is_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < TD_COUNT(asked); i++) {
        struct make m;
        struct td_err err;
        struct td_pq_file *file;
        struct td_pq_chunk_info info;
        size_t len;
        make_asked(&m, i, 100);
        int fd = make_scratch();
        ASSERT_OK(make_file(&m, fd, NULL, 100, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        td_pq_chunk(file, 0, 0, &info);
        /* Besides the values': RLE for levels, PLAIN for a dictionary page. */
        uint32_t rest = info.encodings & ~(asked[i].listed | 1u << 3 | (asked[i].listed == 1u << 8 ? 1u << 0 : 0));
        assert_true(info.encodings & asked[i].listed);
        assert_int_equal(rest, 0);
        td_pq_close(file);
        free(bytes);
        close(fd);
        make_free(&m);
    }
}

/* The rules that depend on more than counts of distinct values. */
static void what_is_smaller_is_chosen(void **state)
{
    enum { SPLIT = 1u << 9, DICT = 1u << 8 | 1u << 0, DELTA = 1u << 5, PLAIN = 1u << 0 };
    static double volumes[5000], cents[5000];
    static int64_t codes[5000], walk[5000];
    struct make m = {.seed = 5};
    for (size_t i = 0; i < 5000; i++) {
        volumes[i] = (double)(make_random(&m) % 900000);
        cents[i] = 100 + (double)(make_random(&m) % 2000) / 100;
        codes[i] = (int64_t)(td_mix64(make_random(&m) % 6));
        walk[i] = (i ? walk[i - 1] : 0) + (int64_t)(make_random(&m) % 100);
    }
    const struct {
        enum td_pq_type type;
        const void *values;
        struct td_pq_write_options options;
        uint32_t encodings;
    } table[] = {
        {TD_PQ_DOUBLE, volumes, {0}, SPLIT},
        {TD_PQ_DOUBLE, volumes, {.uncompressed = true}, PLAIN},
        {TD_PQ_DOUBLE, cents, {.no_dictionary = true}, PLAIN},
        {TD_PQ_INT64, codes, {0}, DICT},
        {TD_PQ_INT64, codes, {.no_dictionary = true}, DELTA},
        {TD_PQ_INT64, walk, {0}, DELTA},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        const struct td_pq_column column = {.name = "x", .type = table[i].type};
        struct td_pq_chunk_info info;
        struct td_pq_file *file;
        struct td_err err;
        size_t len;
        int fd = make_scratch();
        ASSERT_OK(write_column(fd, &column, table[i].values, NULL, 5000, &table[i].options, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        td_pq_chunk(file, 0, 0, &info);
        assert_int_equal(info.encodings & ~(1u << 3), table[i].encodings);
        td_pq_close(file);
        free(bytes);
        close(fd);
    }
}

/* Each page of a tall chunk uses a part of the dictionary: indices of whole bytes compress to less, in other chunks bits do. */
static void indices_have_the_width_that_pays(void **state)
{
    static double values[40000];
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_DOUBLE};
    struct make m = {.seed = 9};
    (void)state;
    for (int local = 0; local < 2; local++) {
        struct td_pq_chunk_info info;
        struct td_pq_file *file;
        struct td_err err;
        size_t len;
        for (size_t i = 0; i < 40000; i++)
            values[i] = (double)(make_random(&m) % (local ? 8 : 80) + (local ? i / 4096 * 8 : 0)) / 100;
        int fd = make_scratch();
        ASSERT_OK(write_column(fd, &column, values, NULL, 40000, NULL, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        td_pq_chunk(file, 0, 0, &info);
        assert_true(info.encodings & 1u << 8);
        assert_int_equal(info.uncompressed > 40000, local); /* 8 bits or 7 */
        td_pq_close(file);
        free(bytes);
        close(fd);
    }
}

/* ---- the declared order ---- */

static void a_declared_order_is_told(void **state)
{
    const struct td_pq_column columns[] = {{.name = "a", .type = TD_PQ_INT32}, {.name = "b", .type = TD_PQ_INT32}};
    struct td_pq_sort order[] = {{.column = 1, .nulls_first = true}, {.column = 0, .descending = true}};
    const struct td_pq_write_options options = {.sorted = order, .sorted_count = 2};
    int32_t values[2] = {1, 1};
    const struct td_pq_array arrays[] = {{values, NULL}, {values, NULL}};
    struct td_pq_writer *w;
    struct td_err err;
    struct pq_in in;
    size_t len;
    (void)state;
    int fd = make_scratch();
    ASSERT_OK(td_pq_writer_new(fd, "scratch", columns, 2, &options, &w, &err), err);
    memset(order, 0xff, sizeof order); /* they were copied */
    ASSERT_OK(td_pq_write(w, arrays, 2, &err), err);
    ASSERT_OK(td_pq_writer_finish(w, &err), err);
    td_pq_writer_free(w);
    char *bytes = make_slurp(fd, &len);
    uint32_t footer;
    memcpy(&footer, bytes + len - 8, 4);
    pq_in_init(&in, bytes + len - 8 - footer, footer);
    int32_t told[2] = {-1, -1};
    bool descending[2], nulls_first[2];
    struct pq_field f = {0};
    while (pq_in_next(&in, &f))
        if (f.id == 4) { /* row groups, of which there is one */
            assert_int_equal(pq_in_list(&in, &f, PQ_T_STRUCT), 1);
            struct pq_field g = {0};
            while (pq_in_next(&in, &g))
                if (g.id == 4) {
                    assert_int_equal(pq_in_list(&in, &g, PQ_T_STRUCT), 2);
                    for (int i = 0; i < 2; i++) {
                        struct pq_field s = {0};
                        while (pq_in_next(&in, &s))
                            if (s.id == 1)
                                told[i] = pq_in_i32(&in, &s);
                            else
                                *(s.id == 2 ? &descending[i] : &nulls_first[i]) = pq_in_bool(&in, &s);
                    }
                } else {
                    pq_in_skip(&in, g.type);
                }
        } else {
            pq_in_skip(&in, f.type);
        }
    assert_null(in.bad);
    assert_int_equal(told[0], 1);
    assert_int_equal(told[1], 0);
    assert_true(!descending[0] && nulls_first[0] && descending[1] && !nulls_first[1]);
    free(bytes);
    close(fd);
}

/* ---- failures ---- */

/* Every encoding, with every codec in turn: each allocation fails once, and all after it. */
static void encoders_survive_failed_allocations(void **state)
{
    static const enum td_pq_codec codecs[] = {TD_PQ_ZSTD, TD_PQ_GZIP, TD_PQ_LZ4_RAW};
    (void)state;
    for (size_t i = 0; i < TD_COUNT(asked); i++) {
        struct make m;
        struct td_err err;
        enum td_code code = TD_NOMEM;
        const struct td_pq_sort order = {0};
        const struct td_pq_write_options o = {.codec = codecs[i % 3], .page_rows = 90, .group_rows = 300, .data_page_v2 = i % 2,
                                              .sorted = &order, .sorted_count = 1};
        make_asked(&m, i, 500);
        long n = 1;
        for (; code != TD_OK; n++) {
            struct td_pq_writer *w = NULL;
            int fd = make_scratch();
            assert_true(n < 1000);
            td_alloc_fail_after(n);
            code = td_pq_writer_new(fd, "scratch", m.column, 1, &o, &w, &err);
            if (code == TD_OK)
                code = td_pq_write(w, m.array, m.rows, &err);
            if (code == TD_OK)
                code = td_pq_writer_finish(w, &err);
            td_alloc_fail_after(0);
            assert_true(code == TD_OK || code == TD_NOMEM);
            td_pq_writer_free(w);
            close(fd);
        }
        assert_true(n > 10);
        make_free(&m);
    }
}

/* A file may not grow past the limit: some later write fails, and the file stays unfinished. */
static void a_disk_that_fills_up_is_reported(void **state)
{
    static const rlim_t limits[] = {3, 1 << 20, 2500000};
    struct rlimit old;
    struct make m = {.seed = 3, .rows = 400000, .columns = 1};
    (void)state;
    make_column(&m, 0, &(struct td_pq_column){.type = TD_PQ_INT64, .encoding = TD_PQ_ENC_PLAIN}, 3, 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    for (size_t i = 0; i < TD_COUNT(limits); i++) {
        struct td_err err = {0};
        const struct td_pq_write_options o = {.uncompressed = true};
        char path[] = "/tmp/pqwriter.XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        unlink(path);
        struct rlimit now = {limits[i], old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        enum td_code code = make_file(&m, fd, &o, 10000, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_true(code == TD_IO || code == TD_FULL);
        assert_non_null(strstr(err.text, "scratch"));
        close(fd);
    }
    make_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_type_cannot_hold_is_refused),
        cmocka_unit_test(the_row_is_counted_over_the_file),
        cmocka_unit_test(schemas_that_readers_refuse_are_not_written),
        cmocka_unit_test(bounds_follow_the_order_of_their_type),
        cmocka_unit_test(long_values_are_cut_outwards),
        cmocka_unit_test(an_encoding_that_is_asked_for_is_used),
        cmocka_unit_test(what_is_smaller_is_chosen),
        cmocka_unit_test(indices_have_the_width_that_pays),
        cmocka_unit_test(a_declared_order_is_told),
        cmocka_unit_test(encoders_survive_failed_allocations),
        cmocka_unit_test(a_disk_that_fills_up_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
