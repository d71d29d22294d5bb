/* SPDX-License-Identifier: GPL-3.0-or-later
 * Other people's files, made here from a seed: what is read is what was put in, from memory and from disk, in batches
 * of any size, with little memory and with much, in order, after a seek and as ranges; and what they say that is odd
 * but not wrong. */
#include "pq_foreign.h"
#include <sys/mman.h>

#define BATCH 2048

static uint64_t slots[FOREIGN_COLUMNS][BATCH * 2], valid[FOREIGN_COLUMNS][TD_PQ_WORDS(BATCH)];
static struct td_pq_array arrays[FOREIGN_COLUMNS];

static void same_value(const struct foreign *f, uint64_t seed, size_t column, size_t row, size_t slot)
{
    const struct foreign_column *c = &f->column[column];
    const struct foreign_value *v = &c->values[row];
    const size_t width = td_pq_width(c->about.type);
    const char *got = (const char *)slots[column] + slot * width;
    bool same = td_pq_valid(valid[column], slot) == v->valid;
    if (same && v->valid && width == sizeof(struct td_str)) {
        struct td_str s;
        memcpy(&s, got, sizeof s);
        same = s.len == v->len && (!s.len || memcmp(s.ptr, c->bytes.data + v->at, s.len) == 0);
    } else if (same && v->valid) {
        same = memcmp(got, &v->bits, width) == 0;
    }
    if (!same)
        fail_msg("seed %llu, column %zu (type %d, encoding %d, codec %d), row %zu", (unsigned long long)seed, column,
                 (int)c->about.type, c->encoding, c->codec, row);
}

static void same_rows(const struct foreign *f, uint64_t seed, struct td_pq_reader *r, size_t row, size_t end,
                      size_t batch)
{
    struct td_err err;
    size_t rows = 0;
    while (row < end) {
        size_t want = end - row < batch ? end - row : batch;
        ASSERT_OK(td_pq_read(r, arrays, want, &rows, &err), err);
        assert_int_equal(rows, want);
        for (size_t c = 0; c < f->columns; c++)
            for (size_t i = 0; i < rows; i++)
                same_value(f, seed, c, row + i, i);
        row += rows;
    }
}

/* In order, then from two places, then two ranges. */
static void read_all_ways(const struct foreign *f, uint64_t seed, const struct td_pq_file *file)
{
    static const size_t batches[] = {1, 7, 301, BATCH};
    static const int order[] = {0, 1, 2, 3};
    struct td_pq_reader *r;
    struct td_err err;
    size_t rows;
    assert_int_equal(td_pq_rows(file), f->rows);
    ASSERT_OK(td_pq_reader_new(file, order, f->columns, &r, &err), err);
    const size_t batch = batches[seed % TD_COUNT(batches)], third = f->rows / 3;
    same_rows(f, seed, r, 0, f->rows, batch);
    ASSERT_OK(td_pq_read(r, arrays, batch, &rows, &err), err);
    assert_int_equal(rows, 0);
    ASSERT_OK(td_pq_seek(r, (int64_t)(third * 2), &err), err);
    same_rows(f, seed, r, third * 2, f->rows, BATCH);
    ASSERT_OK(td_pq_seek(r, (int64_t)third, &err), err);
    same_rows(f, seed, r, third, third + (f->rows - third) / 2, batch);
    if (third > 2) {
        const struct td_pq_range ranges[] = {{1, 2}, {(int64_t)third, (int64_t)f->rows - 1}};
        ASSERT_OK(td_pq_want(r, ranges, 2, &err), err);
        same_rows(f, seed, r, 1, 2, 1);
        same_rows(f, seed, r, third, f->rows - 1, batch);
    }
    td_pq_reader_free(r);
}

/* The memory is small at times: then no row group is fetched whole, and texts outlive the windows they were read
 * through. */
static void from_disk(const struct foreign *f, uint64_t seed)
{
    const struct td_pq_limits limits = {.memory = seed % 2 ? 0 : 2 << 20};
    struct td_pq_file *file;
    struct td_err err;
    char path[64];
    int fd = memfd_create("foreign", MFD_CLOEXEC);
    assert_int_equal(write(fd, f->file.data, f->file.len), f->file.len);
    td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ASSERT_OK(td_pq_open(path, &limits, &file, &err), err);
    read_all_ways(f, seed, file);
    td_pq_close(file);
    close(fd);
}

static void foreign_files_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < FOREIGN_COLUMNS; i++)
        arrays[i] = (struct td_pq_array){slots[i], valid[i]};
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct td_pq_file *file;
        struct td_err err;
        struct foreign f;
        foreign_make(&f, seed);
        char *exact = malloc(f.file.len); /* a read past the file is seen */
        memcpy(exact, f.file.data, f.file.len);
        ASSERT_OK(td_pq_open_memory(exact, f.file.len, "foreign", NULL, &file, &err), err);
        read_all_ways(&f, seed, file);
        td_pq_close(file);
        free(exact);
        from_disk(&f, seed);
        foreign_free(&f);
    }
}

/* Texts of pages that a compressed chunk stores plainly lie in what was read from the file, not in a page of their own.
 */
static void plain_texts_outlive_their_window(void **state)
{
    (void)state;
    struct foreign f = {.seed = 5, .rows = 5000, .columns = 1, .groups = 1, .group_rows = {5000}};
    struct foreign_column *c = &f.column[0];
    const struct td_pq_limits limits = {.memory = 3 << 20};
    struct td_pq_reader *r;
    struct td_pq_file *file;
    struct td_err err;
    char path[64];
    *c = (struct foreign_column){.about = {.name = "t", .type = TD_PQ_BYTE_ARRAY},
                                 .name = "t",
                                 .codec = TD_PQ_SNAPPY,
                                 .version = 2,
                                 .page_rows = 50};
    foreign_values(&f, c);
    for (size_t row = 0; row < f.rows; row++) { /* long ones: more than a window's worth in a batch */
        c->values[row].at = (uint32_t)c->bytes.len;
        c->values[row].len = 300;
        for (int i = 0; i < 300; i++)
            td_buf_addc(&c->bytes, (char)('a' + (row + (size_t)i) % 26));
    }
    foreign_lay_out(&f);
    int fd = memfd_create("foreign", MFD_CLOEXEC);
    assert_int_equal(write(fd, f.file.data, f.file.len), f.file.len);
    td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ASSERT_OK(td_pq_open(path, &limits, &file, &err), err);
    ASSERT_OK(td_pq_reader_new(file, (const int[]){0}, 1, &r, &err), err);
    arrays[0] = (struct td_pq_array){slots[0], valid[0]};
    same_rows(&f, 0, r, 0, f.rows, BATCH);
    td_pq_reader_free(r);
    td_pq_close(file);
    close(fd);
    foreign_free(&f);
}

/* One column of `rows` numbers, nothing odd about them yet. */
static struct foreign numbers(enum td_pq_type type, size_t rows)
{
    struct foreign f = {.seed = 9, .rows = rows, .columns = 1, .groups = 1, .group_rows = {rows}};
    f.column[0] =
        (struct foreign_column){.about = {.name = "n", .type = type}, .name = "n", .version = 1, .page_rows = 40};
    foreign_values(&f, &f.column[0]);
    return f;
}

static enum td_code open_it(const struct foreign *f, struct td_pq_file **file, struct td_pq_reader **r,
                            struct td_err *err)
{
    *r = NULL;
    arrays[0] = (struct td_pq_array){slots[0], valid[0]};
    enum td_code code = td_pq_open_memory(f->file.data, f->file.len, "odd", NULL, file, err);
    return code == TD_OK ? td_pq_reader_new(*file, (const int[]){0}, 1, r, err) : code;
}

static void values_are_cut_to_their_width(void **state)
{
    static const int kinds[] = {15, 16, 11, 12, 17, 13};
    (void)state;
    for (size_t k = 0; k < TD_COUNT(kinds); k++)
        for (int dictionary = 0; dictionary < 2; dictionary++) {
            struct foreign f = numbers(TD_PQ_INT32, 500);
            struct td_pq_file *file;
            struct td_pq_reader *r;
            struct td_err err;
            size_t rows;
            f.column[0].converted = kinds[k];
            f.column[0].dictionary = dictionary;
            foreign_lay_out(&f);
            ASSERT_OK(open_it(&f, &file, &r, &err), err);
            ASSERT_OK(td_pq_read(r, arrays, BATCH, &rows, &err), err);
            assert_int_equal(rows, 500);
            for (size_t i = 0; i < rows; i++) {
                const uint32_t stored = (uint32_t)f.column[0].values[i].bits;
                int32_t got, want = (int32_t)stored;
                memcpy(&got, (const char *)slots[0] + i * 4, 4);
                switch (kinds[k]) {
                case 15: want = (int8_t)stored; break;
                case 16: want = (int16_t)stored; break;
                case 11: want = (uint8_t)stored; break;
                case 12: want = (uint16_t)stored; break;
                default: break;
                }
                assert_int_equal(got, want);
            }
            td_pq_reader_free(r);
            td_pq_close(file);
            foreign_free(&f);
        }
}

static void odd_footers_are_understood(void **state)
{
    (void)state;
    struct foreign f = numbers(TD_PQ_INT64, 300);
    struct td_pq_file *file;
    struct td_pq_reader *r;
    struct td_err err;
    size_t rows = 7;
    f.tells_no_rows = true;
    f.created_by = "somebody";
    foreign_lay_out(&f);
    ASSERT_OK(open_it(&f, &file, &r, &err), err);
    ASSERT_OK(td_pq_read(r, arrays, BATCH, &rows, &err), err);
    assert_int_equal(rows, 0);
    assert_int_equal(td_pq_meta_count(file), 1);
    assert_string_equal(td_pq_meta(file, "a key alone"), "");
    td_pq_reader_free(r);
    td_pq_close(file);
    foreign_free(&f);

    static const struct {
        const char *created_by;
        int64_t short_by;
        bool read;
    } kinds[] = {{"parquet-mr", 30, true},
                 {"parquet-mr version 1.2.8 (build x)", 30, true},
                 {"parquet-mr version 1.2.9 (build x)", 30, false},
                 {"parquet-mr version 1.10.0", 30, false},
                 {"parquet-mr version 1.2.8", 101, false},
                 {"tapedeck version 1", 30, false}};
    for (size_t i = 0; i < TD_COUNT(kinds); i++) {
        f = numbers(TD_PQ_INT64, 300);
        f.created_by = kinds[i].created_by;
        f.short_by = kinds[i].short_by;
        foreign_lay_out(&f);
        ASSERT_OK(open_it(&f, &file, &r, &err), err);
        enum td_code code = td_pq_read(r, arrays, BATCH, &rows, &err);
        assert_int_equal(code, kinds[i].read ? TD_OK : TD_DATA);
        if (kinds[i].read) {
            assert_int_equal(rows, 300);
            same_value(&f, i, 0, 299, 299);
        }
        td_pq_reader_free(r);
        td_pq_close(file);
        foreign_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(foreign_files_are_read),
        cmocka_unit_test(plain_texts_outlive_their_window),
        cmocka_unit_test(values_are_cut_to_their_width),
        cmocka_unit_test(odd_footers_are_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
