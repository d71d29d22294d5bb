/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is written is read back, over random schemas, values, batch sizes, page and group sizes; and what a file tells
 * about itself. */
#include "pq_make.h"
#include <math.h>
#include "pq_file.h"

struct arrays { /* targets of a reader */
    struct td_pq_array array[MAKE_COLUMNS];
    int index[MAKE_COLUMNS];
};

static void arrays_new(struct arrays *a, const struct make *m, size_t slots)
{
    for (size_t c = 0; c < m->columns; c++) {
        a->index[c] = (int)c;
        a->array[c].values = malloc((slots + 1) * td_pq_width(m->column[c].type));
        a->array[c].valid = malloc((TD_PQ_WORDS(slots) + 1) * 8);
    }
}

static void arrays_free(struct arrays *a, const struct make *m)
{
    for (size_t c = 0; c < m->columns; c++) {
        free(a->array[c].values);
        free(a->array[c].valid);
    }
}

static void read_and_compare(const struct make *m, const struct td_pq_file *file, size_t batch)
{
    struct arrays a;
    struct td_pq_reader *r;
    struct td_err err;
    size_t rows, seen = 0;
    arrays_new(&a, m, batch);
    ASSERT_OK(td_pq_reader_new(file, a.index, m->columns, &r, &err), err);
    do {
        ASSERT_OK(td_pq_read(r, a.array, batch, &rows, &err), err);
        for (size_t c = 0; c < m->columns; c++)
            for (size_t i = 0; i < rows; i++)
                make_same(m, c, seen + i, &a.array[c], i);
        seen += rows;
    } while (rows == batch);
    assert_int_equal(seen, m->rows);
    ASSERT_OK(td_pq_read(r, a.array, batch, &rows, &err), err);
    assert_int_equal(rows, 0);
    td_pq_reader_free(r);
    arrays_free(&a, m);
}

static void same_column(const struct td_pq_column *a, const struct td_pq_column *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->type, b->type);
    assert_int_equal(make_read_as(a->logical), b->logical);
    if (a->type == TD_PQ_FIXED)
        assert_int_equal(a->length, b->length);
    if (a->logical == TD_PQ_DECIMAL) {
        assert_int_equal(a->precision, b->precision);
        assert_int_equal(a->scale, b->scale);
    }
    assert_int_equal(a->optional, b->optional);
    if (a->logical == TD_PQ_TIMESTAMP || a->logical == TD_PQ_TIME) {
        assert_int_equal(a->unit, b->unit);
        assert_int_equal(a->utc, b->utc);
    }
    if (a->logical == TD_PQ_INTEGER) {
        assert_int_equal(a->bits, b->bits);
        assert_int_equal(a->is_signed, b->is_signed);
    }
    assert_null(b->unsupported);
}

static void random_tables_come_back(void **state)
{
    static const size_t batches[] = {1, 7, 8191, 8192, 8193};
    static const size_t sizes[] = {0, 1, 2, 9, 63, 64, 65, 1000, 8191, 8192, 8193, 17000};
    static const struct td_pq_write_options options[] = {
        {0},
        {.page_rows = 100, .group_rows = 999},
        {.data_page_v2 = true, .page_rows = 1000},
        {.uncompressed = true, .page_bytes = 2000},
        {.no_dictionary = true, .level = 1, .group_rows = 5000},
        {.uncompressed = true, .data_page_v2 = true, .group_rows = 1},
    };
    (void)state;
    for (uint64_t seed = 1; seed <= 36; seed++) {
        struct td_pq_write_options o = options[seed % TD_COUNT(options)];
        struct make m;
        struct td_err err;
        struct td_pq_file *file;
        size_t len, rows = sizes[seed % TD_COUNT(sizes)];
        if (o.group_rows == 1 && rows > 100)
            rows = 100;
        make_table(&m, seed, 1 + seed % 12, rows);
        int fd = make_scratch();
        ASSERT_OK(make_file(&m, fd, &o, 1 + seed * 777 % 9000, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        assert_int_equal(td_pq_rows(file), rows);
        assert_int_equal(td_pq_column_count(file), m.columns);
        for (size_t c = 0; c < m.columns; c++)
            same_column(&m.column[c], td_pq_column_at(file, c));
        for (size_t b = 0; b < TD_COUNT(batches); b++)
            read_and_compare(&m, file, batches[b]);
        td_pq_close(file);
        free(bytes);
        close(fd);
        make_free(&m);
    }
}

/* Every kind with every style and null pattern, once, through a real file. */
static void every_kind_comes_back(void **state)
{
    (void)state;
    for (int style = 0; style < 5; style++)
        for (int nulls = 0; nulls < 5; nulls++) {
            struct make m = {.seed = (uint64_t)(style * 5 + nulls), .rows = 3000};
            struct td_err err;
            struct td_pq_file *file;
            char path[64];
            for (; m.columns < TD_COUNT(make_kinds); m.columns++)
                make_column(&m, m.columns, &make_kinds[m.columns], style, nulls);
            int fd = make_scratch();
            struct td_pq_write_options o = {.data_page_v2 = (style + nulls) % 2, .page_rows = 700};
            ASSERT_OK(make_file(&m, fd, &o, 3000, &err), err);
            td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
            ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
            read_and_compare(&m, file, 1000);
            td_pq_close(file);
            close(fd);
            make_free(&m);
        }
}

static void equal_rows_give_equal_bytes(void **state)
{
    static const size_t batches[] = {1, 13, 4096, 20000};
    struct make m;
    struct td_err err;
    char *first = NULL;
    size_t first_len = 0;
    (void)state;
    make_table(&m, 99, 8, 9000);
    for (size_t i = 0; i < TD_COUNT(batches); i++) {
        size_t len;
        int fd = make_scratch();
        const struct td_pq_write_options o = {.group_rows = 4000, .page_rows = 512};
        ASSERT_OK(make_file(&m, fd, &o, batches[i], &err), err);
        char *bytes = make_slurp(fd, &len);
        if (first) {
            assert_int_equal(len, first_len);
            assert_memory_equal(bytes, first, len);
            free(bytes);
        } else {
            first = bytes;
            first_len = len;
        }
        close(fd);
    }
    free(first);
    make_free(&m);
}

static void seek_lands_anywhere(void **state)
{
    struct make m;
    struct arrays a;
    struct td_err err;
    struct td_pq_file *file;
    struct td_pq_reader *r;
    char path[64];
    (void)state;
    for (int v2 = 0; v2 < 2; v2++) {
        struct td_pq_write_options o = {.group_rows = 4000, .page_rows = 300, .data_page_v2 = v2, .no_dictionary = v2};
        make_table(&m, 5 + (uint64_t)v2, 12, 15000);
        int fd = make_scratch();
        ASSERT_OK(make_file(&m, fd, &o, 15000, &err), err);
        td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
        arrays_new(&a, &m, 500);
        ASSERT_OK(td_pq_reader_new(file, a.index, m.columns, &r, &err), err);
        for (int i = 0; i < 200; i++) {
            static const size_t edges[] = {0, 1, 299, 300, 301, 3999, 4000, 4001, 14999, 15000};
            size_t row = i < 10 ? edges[i] : make_random(&m) % 15001, want = make_random(&m) % 500, rows;
            ASSERT_OK(td_pq_seek(r, (int64_t)row, &err), err);
            for (int twice = 0; twice < 2; twice++) {
                ASSERT_OK(td_pq_read(r, a.array, want, &rows, &err), err);
                assert_int_equal(rows, row + want > 15000 ? 15000 - row : want);
                for (size_t c = 0; c < m.columns; c++)
                    for (size_t k = 0; k < rows; k++)
                        make_same(&m, c, row + k, &a.array[c], k);
                row += rows;
            }
        }
        assert_int_not_equal(td_pq_seek(r, -1, &err), TD_OK);
        assert_int_not_equal(td_pq_seek(r, 15001, &err), TD_OK);
        td_pq_reader_free(r);
        td_pq_close(file);
        arrays_free(&a, &m);
        close(fd);
        make_free(&m);
    }
}

static void one_reader_reads_many_files(void **state)
{
    struct td_err err;
    struct td_pq_reader *r = NULL;
    (void)state;
    for (uint64_t seed = 50; seed < 60; seed++) {
        struct make m;
        struct arrays a;
        struct td_pq_file *file;
        size_t len, rows;
        make_table(&m, seed, 1 + seed % 9, 3000);
        int fd = make_scratch();
        ASSERT_OK(make_file(&m, fd, NULL, 3000, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        arrays_new(&a, &m, 4000);
        if (r)
            ASSERT_OK(td_pq_reader_reset(r, file, a.index, m.columns, &err), err);
        else
            ASSERT_OK(td_pq_reader_new(file, a.index, m.columns, &r, &err), err);
        ASSERT_OK(td_pq_read(r, a.array, seed % 2 ? 4000 : 100, &rows, &err), err);
        assert_int_equal(rows, seed % 2 ? 3000 : 100);
        for (size_t c = 0; c < m.columns; c++)
            for (size_t i = 0; i < rows; i++)
                make_same(&m, c, i, &a.array[c], i);
        td_pq_close(file); /* before the reader: a reset must not look back at it */
        arrays_free(&a, &m);
        free(bytes);
        close(fd);
        make_free(&m);
    }
    td_pq_reader_free(r);
}

struct page_list {
    int64_t values, bytes;
    size_t count, dictionaries;
};

static bool count_page(void *ctx, const struct td_pq_page_info *page)
{
    struct page_list *list = ctx;
    list->count++;
    if (page->type == 2)
        list->dictionaries++;
    else
        list->values += page->values;
    list->bytes += page->compressed;
    return list->count < 1000;
}

static void pages_and_chunks_are_told(void **state)
{
    struct make m = {.seed = 3, .rows = 5000};
    struct td_err err;
    struct td_pq_file *file;
    size_t len;
    (void)state;
    make_column(&m, m.columns++, &(struct td_pq_column){.type = TD_PQ_DOUBLE}, 1, 0);
    make_column(&m, m.columns++, &(struct td_pq_column){.type = TD_PQ_INT64}, 2, 2);
    int fd = make_scratch();
    const struct td_pq_write_options o = {.group_rows = 3000, .page_rows = 1000};
    ASSERT_OK(make_file(&m, fd, &o, 5000, &err), err);
    char *bytes = make_slurp(fd, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    assert_int_equal(td_pq_group_count(file), 2);
    assert_int_equal(td_pq_group_rows(file, 0), 3000);
    assert_int_equal(td_pq_group_rows(file, 1), 2000);
    assert_string_equal(td_pq_created_by(file), "tapedeck version " TD_VERSION);
    assert_string_equal(td_pq_meta(file, "tapedeck.schema"), "test/1");
    assert_null(td_pq_meta(file, "absent"));
    assert_int_equal(td_pq_meta_count(file), 2); /* and the seal */
    assert_non_null(td_pq_meta(file, "tapedeck.seal"));
    assert_int_equal(td_pq_find(file, m.names[1]), 1);
    assert_int_equal(td_pq_find(file, "absent"), -1);
    for (size_t c = 0; c < 2; c++) {
        struct page_list list = {0};
        struct td_pq_chunk_info info;
        ASSERT_OK(td_pq_pages(file, 0, c, count_page, &list, &err), err);
        assert_int_equal(list.values, 3000);
        assert_int_equal(list.count, c == 0 ? 4 : 3);
        assert_int_equal(list.dictionaries, c == 0);
        td_pq_chunk(file, 0, c, &info);
        assert_int_equal(info.codec, TD_PQ_ZSTD);
        assert_int_equal(info.values, 3000);
        assert_true(info.encodings & (c == 0 ? 1u << 8 : 1u << 5));
        assert_true(info.compressed > list.bytes);
        assert_true(info.has_min_max);
        assert_int_equal(info.nulls == 0, c == 0);
    }
    td_pq_close(file);
    free(bytes);
    close(fd);
    make_free(&m);
}

struct located { /* data pages of a chunk, and how far the check of the index has come */
    struct pq_in in;
    size_t pages;
    int64_t row;
};

/* Compare the next entry of the offset index with a page found by walking the chunk. */
static bool check_location(void *ctx, const struct td_pq_page_info *page)
{
    struct located *l = ctx;
    struct pq_field f = {0};
    if (page->type == 2)
        return true;
    while (pq_in_next(&l->in, &f)) {
        if (f.id == 1)
            assert_int_equal(pq_in_i64(&l->in, &f), page->offset);
        else if (f.id == 2)
            assert_true(pq_in_i32(&l->in, &f) > page->compressed); /* the header is part of it */
        else if (f.id == 3)
            assert_int_equal(pq_in_i64(&l->in, &f), l->row);
        else
            pq_in_skip(&l->in, f.type);
    }
    l->row += page->values;
    l->pages++;
    return true;
}

static void the_page_index_points_at_the_pages(void **state)
{
    struct make m = {.seed = 12, .rows = 5000};
    struct td_err err;
    struct td_pq_file *file;
    size_t len;
    (void)state;
    for (; m.columns < TD_COUNT(make_kinds); m.columns++)
        make_column(&m, m.columns, &make_kinds[m.columns], 1 + (int)(m.columns % 2), (int)(m.columns % 5));
    for (int single = 0; single < 2; single++) {
        int fd = make_scratch();
        const struct td_pq_write_options o = {.group_rows = 3000, .page_rows = single ? 3000 : 700};
        ASSERT_OK(make_file(&m, fd, &o, 5000, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        for (size_t g = 0; g < 2; g++)
            for (size_t c = 0; c < m.columns; c++) {
                const struct pq_chunk *k = &file->meta.groups[g].chunks[c];
                struct located l = {0};
                struct pq_field f = {0};
                assert_int_equal(k->offset_index_offset == 0, single);
                assert_int_equal(k->column_index_offset == 0, single || m.column[c].type == TD_PQ_INT96); /* which has no order */
                if (single)
                    continue;
                assert_true(k->column_index_offset < k->offset_index_offset);
                pq_in_init(&l.in, bytes + k->offset_index_offset, (size_t)k->offset_index_length);
                assert_true(pq_in_next(&l.in, &f));
                size_t count = pq_in_list(&l.in, &f, PQ_T_STRUCT);
                ASSERT_OK(td_pq_pages(file, g, c, check_location, &l, &err), err);
                assert_null(l.in.bad);
                assert_int_equal(l.pages, count);
                assert_int_equal(l.row, td_pq_group_rows(file, g));
                assert_int_equal(count, g ? 3 : 5);
            }
        td_pq_close(file);
        free(bytes);
        close(fd);
    }
    make_free(&m);
}

/* Write one column of doubles and give its chunk information. */
static void bounds_of(const double *values, size_t count, bool *has, double *min, double *max)
{
    struct td_err err;
    struct td_pq_writer *w;
    struct td_pq_file *file;
    struct td_pq_chunk_info info;
    double copy[8];
    size_t len;
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_DOUBLE};
    const struct td_pq_array array = {.values = copy};
    int fd = make_scratch();
    memcpy(copy, values, count * sizeof *values);
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &column, 1, NULL, &w, &err), err);
    ASSERT_OK(td_pq_write(w, &array, count, &err), err);
    ASSERT_OK(td_pq_writer_finish(w, &err), err);
    td_pq_writer_free(w);
    char *bytes = make_slurp(fd, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    td_pq_chunk(file, 0, 0, &info);
    *has = info.has_min_max;
    if (*has) { /* as stored: the reader would widen zeros by itself */
        const struct pq_stats *stats = &file->meta.groups[0].chunks[0].stats;
        assert_int_equal(stats->min.len, 8);
        memcpy(min, stats->min.ptr, 8);
        memcpy(max, stats->max.ptr, 8);
    }
    td_pq_close(file);
    free(bytes);
    close(fd);
}

static void bounds_of_doubles_follow_the_rules(void **state)
{
    static const struct {
        double values[4];
        size_t count;
        bool has;
        double min, max;
    } table[] = {
        {{1, 2, -3, 0}, 4, true, -3, 2},
        {{(double)NAN, 2, (double)NAN, 1}, 4, true, 1, 2},
        {{(double)NAN, (double)NAN}, 2, false, 0, 0},
        {{0.0, 5}, 2, true, -0.0, 5},
        {{-0.0, -5}, 2, true, -5, 0.0},
        {{HUGE_VAL, -HUGE_VAL}, 2, true, -HUGE_VAL, HUGE_VAL},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        bool has;
        double min = 0, max = 0;
        bounds_of(table[i].values, table[i].count, &has, &min, &max);
        assert_int_equal(has, table[i].has);
        if (has) {
            assert_memory_equal(&min, &table[i].min, 8);
            assert_memory_equal(&max, &table[i].max, 8);
        }
    }
}

/* The encodings that the measured rules give a column: `distinct` values over `rows` rows. */
static uint32_t encodings_of(enum td_pq_type type, size_t distinct, size_t rows)
{
    struct td_err err;
    struct td_pq_writer *w;
    struct td_pq_file *file;
    struct td_pq_chunk_info info;
    struct td_str texts[64];
    int64_t whole[64];
    double real[64];
    size_t len;
    const struct td_pq_column column = {.name = "x", .type = type};
    int fd = make_scratch();
    for (size_t i = 0; i < rows; i++) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
        texts[i] = (struct td_str){letters + i % distinct, 1};
        whole[i] = (int64_t)(i % distinct);
        real[i] = (double)(i % distinct);
    }
    const struct td_pq_array array = {.values = type == TD_PQ_DOUBLE  ? (void *)real
                                                : type == TD_PQ_INT64 ? (void *)whole
                                                                      : (void *)texts};
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &column, 1, NULL, &w, &err), err);
    ASSERT_OK(td_pq_write(w, &array, rows, &err), err);
    ASSERT_OK(td_pq_writer_finish(w, &err), err);
    td_pq_writer_free(w);
    char *bytes = make_slurp(fd, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    td_pq_chunk(file, 0, 0, &info);
    td_pq_close(file);
    free(bytes);
    close(fd);
    return info.encodings & ~(1u << 3); /* levels are always RLE */
}

static void encodings_follow_the_rules(void **state)
{
    enum { PLAIN = 1u << 0, DELTA = 1u << 5, LENGTHS = 1u << 6, DICTIONARY = 1u << 8 | 1u << 0 };
    static const struct {
        enum td_pq_type type;
        size_t distinct, rows;
        uint32_t encodings;
    } table[] = {
        {TD_PQ_DOUBLE, 3, 9, DICTIONARY}, {TD_PQ_DOUBLE, 4, 9, PLAIN},          {TD_PQ_DOUBLE, 1, 2, PLAIN},
        {TD_PQ_DOUBLE, 1, 3, DICTIONARY}, {TD_PQ_BYTE_ARRAY, 4, 8, DICTIONARY}, {TD_PQ_BYTE_ARRAY, 5, 8, LENGTHS},
        {TD_PQ_INT64, 1, 50, DELTA},      {TD_PQ_INT64, 50, 50, DELTA},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++)
        assert_int_equal(encodings_of(table[i].type, table[i].distinct, table[i].rows), table[i].encodings);
}

static void long_texts_are_bounded_not_exact(void **state)
{
    struct td_err err;
    struct td_pq_writer *w;
    struct td_pq_file *file;
    struct td_pq_chunk_info info;
    char low[200], high[200];
    size_t len;
    (void)state;
    memset(low, 'a', sizeof low);
    memset(high, 'z', sizeof high);
    memcpy(high + 62, "\xf0\x9f\x98\x80", 4); /* a character across the cut */
    struct td_str texts[] = {{low, sizeof low}, {high, sizeof high}, {"m", 1}};
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING};
    const struct td_pq_array array = {.values = texts};
    int fd = make_scratch();
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &column, 1, NULL, &w, &err), err);
    ASSERT_OK(td_pq_write(w, &array, 3, &err), err);
    ASSERT_OK(td_pq_writer_finish(w, &err), err);
    td_pq_writer_free(w);
    char *bytes = make_slurp(fd, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    td_pq_chunk(file, 0, 0, &info);
    assert_true(info.has_min_max && info.min.len <= 64 && info.max.len <= 64);
    assert_true(td_str_cmp(info.min, texts[0]) <= 0);
    assert_true(td_str_cmp(info.max, texts[1]) >= 0);
    td_pq_close(file);
    free(bytes);
    close(fd);
}

static void wrong_rows_are_refused(void **state)
{
    static const struct td_pq_column bad[] = {
        {.name = "a", .type = TD_PQ_FIXED},
        {.name = "a", .type = TD_PQ_FIXED, .length = 4, .logical = TD_PQ_UUID},
        {.name = "a", .type = TD_PQ_FIXED, .length = 4, .logical = TD_PQ_DECIMAL, .precision = 10},
        {.name = "a", .type = TD_PQ_INT64, .logical = TD_PQ_TIME, .unit = TD_PQ_MILLIS},
        {.name = "a", .type = TD_PQ_DOUBLE, .encoding = TD_PQ_ENC_DELTA},
        {.name = "a", .type = TD_PQ_BOOLEAN, .encoding = TD_PQ_ENC_DICT},
        {.name = "a\xff", .type = TD_PQ_DOUBLE},
        {.name = "a", .type = TD_PQ_INT32, .logical = TD_PQ_STRING},
        {.name = "a", .type = TD_PQ_INT32, .logical = TD_PQ_TIMESTAMP},
        {.name = "a", .type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 64},
        {.name = "a", .type = TD_PQ_INT32, .logical = TD_PQ_DECIMAL, .precision = 10},
    };
    struct td_err err;
    struct td_pq_writer *w;
    uint64_t none[1] = {0};
    double x[2] = {1, 2};
    struct td_str broken[1] = {{"a\xff", 2}};
    const struct td_pq_column number = {.name = "x", .type = TD_PQ_DOUBLE};
    const struct td_pq_column text = {.name = "t", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING};
    (void)state;
    int fd = make_scratch();
    for (size_t i = 0; i < TD_COUNT(bad); i++) {
        assert_int_equal(td_pq_writer_new(fd, "scratch", &bad[i], 1, NULL, &w, &err), TD_UNSUPPORTED);
        assert_null(w);
    }
    assert_int_equal(td_pq_writer_new(fd, "scratch", &number, 0, NULL, &w, &err), TD_UNSUPPORTED);
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &number, 1, NULL, &w, &err), err);
    assert_int_equal(td_pq_write(w, &(struct td_pq_array){x, none}, 2, &err), TD_DATA);
    assert_int_not_equal(td_pq_writer_finish(w, &err), TD_OK);
    td_pq_writer_free(w);
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &text, 1, NULL, &w, &err), err);
    assert_int_equal(td_pq_write(w, &(struct td_pq_array){broken, NULL}, 1, &err), TD_DATA);
    assert_non_null(strstr(err.text, "UTF-8"));
    td_pq_writer_free(w);
    close(fd);
}

static void a_null_needs_a_bitmap(void **state)
{
    struct make m = {.seed = 8, .rows = 200};
    struct td_err err;
    struct td_pq_file *file;
    struct td_pq_reader *r;
    int64_t values[200];
    size_t len, rows;
    const int index = 0;
    (void)state;
    make_column(&m, m.columns++, &(struct td_pq_column){.type = TD_PQ_INT64}, 2, 2);
    int fd = make_scratch();
    ASSERT_OK(make_file(&m, fd, NULL, 200, &err), err);
    char *bytes = make_slurp(fd, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    ASSERT_OK(td_pq_reader_new(file, &index, 1, &r, &err), err);
    struct td_pq_array array = {.values = values};
    assert_int_equal(td_pq_read(r, &array, 200, &rows, &err), TD_DATA);
    assert_int_equal(rows, 0);
    assert_int_not_equal(td_pq_read(r, &array, 200, &rows, &err), TD_OK); /* stays failed */
    td_pq_reader_free(r);
    td_pq_close(file);
    free(bytes);
    close(fd);
    make_free(&m);
}

/* Batches of nulls alone come before the first value: the column's buffer has no memory yet. */
static void nulls_may_come_first(void **state)
{
    const struct td_pq_column column = {.name = "x", .type = TD_PQ_DOUBLE, .optional = true};
    double values[3] = {0, 0, 2.5}, got[6];
    uint64_t none[1] = {0}, last[1] = {4}, valid[1];
    struct td_pq_file *file;
    struct td_pq_reader *r;
    struct td_pq_writer *w;
    struct td_err err;
    size_t len, rows;
    const int index = 0;
    (void)state;
    int fd = make_scratch();
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &column, 1, NULL, &w, &err), err);
    ASSERT_OK(td_pq_write(w, &(struct td_pq_array){values, none}, 3, &err), err);
    ASSERT_OK(td_pq_write(w, &(struct td_pq_array){values, last}, 3, &err), err);
    ASSERT_OK(td_pq_writer_finish(w, &err), err);
    td_pq_writer_free(w);
    char *bytes = make_slurp(fd, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    ASSERT_OK(td_pq_reader_new(file, &index, 1, &r, &err), err);
    ASSERT_OK(td_pq_read(r, &(struct td_pq_array){got, valid}, 6, &rows, &err), err);
    assert_int_equal(rows, 6);
    assert_int_equal(valid[0], 1 << 5);
    assert_true(got[5] == 2.5);
    td_pq_reader_free(r);
    td_pq_close(file);
    free(bytes);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_tables_come_back),
        cmocka_unit_test(every_kind_comes_back),
        cmocka_unit_test(equal_rows_give_equal_bytes),
        cmocka_unit_test(seek_lands_anywhere),
        cmocka_unit_test(one_reader_reads_many_files),
        cmocka_unit_test(pages_and_chunks_are_told),
        cmocka_unit_test(the_page_index_points_at_the_pages),
        cmocka_unit_test(bounds_of_doubles_follow_the_rules),
        cmocka_unit_test(encodings_follow_the_rules),
        cmocka_unit_test(long_texts_are_bounded_not_exact),
        cmocka_unit_test(wrong_rows_are_refused),
        cmocka_unit_test(a_null_needs_a_bitmap),
        cmocka_unit_test(nulls_may_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
