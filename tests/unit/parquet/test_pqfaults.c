/* SPDX-License-Identifier: GPL-3.0-or-later
 * Nothing a file says and no failing allocation may crash, leak or hang the reader and the writer. */
#include "pq_make.h"

static char *sample(uint64_t seed, const struct td_pq_write_options *options, size_t rows, size_t *len)
{
    struct make m = {.seed = seed, .rows = rows};
    struct td_err err;
    for (; m.columns < TD_COUNT(make_kinds); m.columns++)
        make_column(&m, m.columns, &make_kinds[m.columns], (int)((m.columns + seed) % 4),
                    (int)((m.columns + seed) % 5));
    int fd = make_scratch();
    ASSERT_OK(make_file(&m, fd, options, rows, &err), err);
    char *bytes = make_slurp(fd, len);
    close(fd);
    make_free(&m);
    return bytes;
}

struct sink { /* targets for any schema */
    struct td_pq_array array[MAKE_COLUMNS];
    int index[MAKE_COLUMNS];
    size_t columns, slots;
};

static void sink_new(struct sink *s, size_t slots)
{
    s->slots = slots;
    for (size_t i = 0; i < MAKE_COLUMNS; i++) {
        s->array[i].values = malloc(slots * sizeof(struct td_str));
        s->array[i].valid = malloc(TD_PQ_WORDS(slots) * 8);
    }
}

static void sink_free(struct sink *s)
{
    for (size_t i = 0; i < MAKE_COLUMNS; i++) {
        free(s->array[i].values);
        free(s->array[i].valid);
    }
}

static void sink_choose(struct sink *s, const struct td_pq_file *file)
{
    s->columns = 0;
    for (size_t i = 0; i < td_pq_column_count(file) && s->columns < MAKE_COLUMNS; i++)
        if (!td_pq_column_at(file, i)->unsupported)
            s->index[s->columns++] = (int)i;
}

/* Look at every byte that a batch hands out, so that a bad pointer is noticed. */
static unsigned touch(const struct sink *s, const struct td_pq_file *file, size_t rows)
{
    unsigned sum = 0;
    for (size_t i = 0; i < s->columns; i++) {
        enum td_pq_type type = td_pq_column_at(file, (size_t)s->index[i])->type;
        if (td_pq_width(type) != sizeof(struct td_str))
            continue;
        const struct td_str *t = s->array[i].values;
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < t[r].len; k++)
                sum += (unsigned char)t[r].ptr[k];
    }
    return sum;
}

static bool any_page(void *ctx, const struct td_pq_page_info *page)
{
    (void)page;
    return ++*(int *)ctx < 1000;
}

/* Everything the door offers on these bytes; TD_OK when all of it was read. */
static enum td_code exercise(struct sink *s, const char *bytes, size_t len, struct td_err *err)
{
    const struct td_pq_limits limits = {.memory = 32 << 20, .skip_crc = true};
    struct td_pq_file *file = NULL;
    struct td_pq_reader *r = NULL;
    size_t rows = 0, batches = 0;
    enum td_code code = td_pq_open_memory(bytes, len, "damaged", &limits, &file, err);
    if (code == TD_OK) {
        sink_choose(s, file);
        for (size_t g = 0; g < td_pq_group_count(file); g++)
            for (size_t c = 0; c < td_pq_column_count(file); c++) {
                struct td_pq_chunk_info info;
                int pages = 0;
                td_pq_chunk(file, g, c, &info);
                td_pq_pages(file, g, c, any_page, &pages, NULL);
            }
        code = td_pq_reader_new(file, s->index, s->columns, &r, err);
    }
    do {
        if (code == TD_OK)
            code = td_pq_read(r, s->array, s->slots, &rows, err);
        if (code == TD_OK)
            touch(s, file, rows);
    } while (code == TD_OK && rows && ++batches < 100);
    if (r && td_pq_rows(file) > 10)
        td_pq_seek(r, td_pq_rows(file) / 2, NULL);
    td_pq_reader_free(r);
    td_pq_close(file);
    return code;
}

static void flipped_bytes_are_survived(void **state)
{
    static const struct td_pq_write_options options[] = {
        {.page_rows = 100}, {.uncompressed = true, .page_rows = 100}, {.uncompressed = true, .data_page_v2 = true}};
    struct sink s;
    uint64_t seed = 1;
    size_t refused = 0, tries = 0;
    (void)state;
    sink_new(&s, 512);
    for (size_t o = 0; o < TD_COUNT(options); o++) {
        size_t len;
        char *bytes = sample(o + 1, &options[o], 300, &len);
        for (int i = 0; i < 1500; i++) {
            struct td_err err;
            char *copy = malloc(len); /* exactly as long as the file: a read past its end is seen */
            memcpy(copy, bytes, len);
            for (int k = 0; k <= i % 3; k++) {
                seed = td_mix64(seed + UINT64_C(0x9e3779b97f4a7c15));
                /* every other change goes to the footer, where the counts and offsets are */
                size_t at = i % 2 ? seed % len : len - 1 - seed % (len / 4);
                copy[at] = (char)(i % 5 ? seed >> 40 : (seed >> 41 & 1) * 255);
            }
            refused += exercise(&s, copy, len, &err) != TD_OK;
            tries++;
            free(copy);
        }
        free(bytes);
    }
    print_message("%zu of %zu damaged copies refused\n", refused, tries);
    assert_true(refused > tries / 4);
    sink_free(&s);
}

static void cut_files_are_refused(void **state)
{
    struct sink s;
    struct td_err err;
    size_t len;
    (void)state;
    sink_new(&s, 512);
    char *bytes = sample(4, NULL, 50, &len);
    for (size_t cut = 0; cut < len; cut += cut < 64 || len - cut < 64 ? 1 : 37) {
        char *copy = malloc(cut + 1);
        memcpy(copy, bytes, cut);
        assert_int_equal(exercise(&s, copy, cut, &err), TD_DATA);
        assert_non_null(strstr(err.text, "damaged"));
        free(copy);
    }
    ASSERT_OK(exercise(&s, bytes, len, &err), err);
    free(bytes);
    sink_free(&s);
}

static void a_wrong_checksum_is_noticed(void **state)
{
    struct td_err err;
    struct td_pq_file *file;
    struct td_pq_reader *r;
    struct sink s;
    size_t len, rows;
    (void)state;
    sink_new(&s, 512);
    const struct td_pq_write_options o = {.uncompressed = true};
    char *bytes = sample(6, &o, 300, &len);
    for (int skip = 0; skip < 2; skip++) {
        const struct td_pq_limits limits = {.skip_crc = skip};
        struct td_pq_chunk_info info;
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
        int column = 4; /* doubles: any bytes are values */
        td_pq_chunk(file, 0, (size_t)column, &info);
        td_pq_close(file);
        bytes[info.offset + info.compressed - 3] ^= 1;
        ASSERT_OK(td_pq_open_memory(bytes, len, "memory", &limits, &file, &err), err);
        ASSERT_OK(td_pq_reader_new(file, &column, 1, &r, &err), err);
        assert_int_equal(td_pq_read(r, s.array, 512, &rows, &err), skip ? TD_OK : TD_DATA);
        if (!skip)
            assert_non_null(strstr(err.text, "checksum"));
        bytes[info.offset + info.compressed - 3] ^= 1;
        td_pq_reader_free(r);
        td_pq_close(file);
    }
    free(bytes);
    sink_free(&s);
}

/* Fail the n-th allocation of opening and reading a file, for every n until it succeeds. */
static void reading_survives_failed_allocations(void **state)
{
    struct sink s;
    size_t len, sweeps = 0;
    enum td_code code = TD_NOMEM;
    char path[64];
    const size_t all = 4000;
    (void)state;
    sink_new(&s, all);
    char *bytes = sample(2, &(struct td_pq_write_options){.page_rows = 500, .data_page_v2 = true}, all, &len);
    int fd = make_scratch();
    assert_true(len > 80000 && write(fd, bytes, len) == (ssize_t)len); /* more than is read with the footer */
    td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (long n = 1; code != TD_OK; n++, sweeps++) {
        struct td_pq_file *file = NULL;
        struct td_pq_reader *r = NULL;
        struct td_err err;
        size_t rows = 0;
        assert_true(n < 5000);
        td_alloc_fail_after(n);
        code = td_pq_open(path, NULL, &file, &err);
        if (code == TD_OK) {
            sink_choose(&s, file);
            code = td_pq_reader_new(file, s.index, s.columns, &r, &err);
        }
        if (code == TD_OK)
            code = td_pq_read(r, s.array, all, &rows, &err);
        td_alloc_fail_after(0);
        assert_true(code == TD_OK || code == TD_NOMEM);
        assert_int_equal(rows, code == TD_OK ? all : 0);
        td_pq_reader_free(r);
        td_pq_close(file);
    }
    assert_true(sweeps > 20);
    close(fd);
    free(bytes);
    sink_free(&s);
}

static void writing_survives_failed_allocations(void **state)
{
    struct make m = {.seed = 7, .rows = 130};
    enum td_code code = TD_NOMEM;
    struct td_err err;
    long n = 1;
    (void)state;
    for (; m.columns < TD_COUNT(make_kinds); m.columns++)
        make_column(&m, m.columns, &make_kinds[m.columns], (int)(m.columns % 4), (int)(m.columns % 5));
    for (; code != TD_OK; n++) {
        int fd = make_scratch();
        const struct td_pq_write_options o = {.group_rows = 100, .data_page_v2 = n % 2, .page_rows = 30};
        assert_true(n < 5000);
        td_alloc_fail_after(n);
        struct td_pq_writer *w = NULL;
        code = td_pq_writer_new(fd, "scratch", m.column, m.columns, &o, &w, &err);
        if (code == TD_OK)
            code = td_pq_writer_meta(w, "key", "value", &err);
        if (code == TD_OK)
            code = td_pq_write(w, m.array, m.rows, &err);
        if (code == TD_OK)
            code = td_pq_writer_finish(w, &err);
        td_alloc_fail_after(0);
        assert_true(code == TD_OK || code == TD_NOMEM);
        td_pq_writer_free(w);
        close(fd);
    }
    assert_true(n > 40);
    make_free(&m);
}

static void a_full_disk_is_reported(void **state)
{
    struct make m;
    struct td_err err;
    (void)state;
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        skip();
    make_table(&m, 5, 4, 1000);
    assert_int_equal(make_file(&m, fd, NULL, 1000, &err), TD_FULL);
    close(fd);
    make_free(&m);
}

static void a_small_budget_is_kept(void **state)
{
    const struct td_pq_limits limits = {.memory = 64 << 10};
    struct td_err err = {0};
    struct td_pq_file *file;
    struct td_pq_reader *r;
    struct sink s;
    size_t len, rows;
    (void)state;
    sink_new(&s, 40000);
    char *bytes = sample(3, NULL, 40000, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", &limits, &file, &err), err);
    sink_choose(&s, file);
    ASSERT_OK(td_pq_reader_new(file, s.index, s.columns, &r, &err), err);
    assert_int_equal(td_pq_read(r, s.array, 40000, &rows, &err), TD_LIMIT);
    td_pq_reader_free(r);
    td_pq_close(file);
    free(bytes);
    sink_free(&s);
}

static void what_is_no_file_is_named(void **state)
{
    struct td_pq_file *file;
    struct td_err err;
    (void)state;
    assert_int_equal(td_pq_open("/nonexistent/x.parquet", NULL, &file, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "/nonexistent/x.parquet"));
    assert_int_not_equal(td_pq_open("/", NULL, &file, &err), TD_OK);
    assert_int_equal(td_pq_open("/dev/null", NULL, &file, &err), TD_DATA);
    assert_int_equal(td_pq_open_memory("PAR1xxxxxxxxPARE", 16, "e", NULL, &file, &err), TD_UNSUPPORTED);
    assert_int_equal(td_pq_open_memory("PAR1\0\0\0\0PAR1", 12, "e", NULL, &file, &err), TD_DATA);
    assert_int_equal(td_pq_open_memory("", 0, "e", NULL, &file, &err), TD_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_bytes_are_survived),
        cmocka_unit_test(cut_files_are_refused),
        cmocka_unit_test(a_wrong_checksum_is_noticed),
        cmocka_unit_test(reading_survives_failed_allocations),
        cmocka_unit_test(writing_survives_failed_allocations),
        cmocka_unit_test(a_full_disk_is_reported),
        cmocka_unit_test(a_small_budget_is_kept),
        cmocka_unit_test(what_is_no_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
