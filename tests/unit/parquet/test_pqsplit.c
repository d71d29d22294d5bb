/* SPDX-License-Identifier: GPL-3.0-or-later
 * A file cut into parts for several readers: the parts are the file, and they are even where its layout lets them be. */
#include "pq_make.h"

enum { ROWS = 10000, PARTS = 7 };

static void even_where_possible(void **state)
{
    static const struct {
        size_t group_rows, page_rows, parts;
        int64_t cuts[PARTS + 1];
    } cases[] = {
        {ROWS, 1000, 1, {0, ROWS}},
        {ROWS, 1000, 2, {0, 5000, ROWS}},
        {ROWS, 1000, 3, {0, 3000, 7000, ROWS}},             /* pages nearest to 3333 and 6666 */
        {ROWS, ROWS, 2, {0, ROWS, ROWS}},                   /* one page: nothing to share */
        {ROWS, 7000, 2, {0, 7000, ROWS}},                   /* the only place there is */
        {2500, 2500, 2, {0, 5000, ROWS}},                   /* between groups */
        {3000, 500, 2, {0, 5000, ROWS}},                    /* inside the second group */
        {5100, 50, 2, {0, 5100, ROWS}},                     /* a group that ends nearly there */
        {4000, 4000, 4, {0, 4000, 4000, 8000, ROWS}},       /* a part without rows */
        {1000, 100, 7, {0, 1400, 2900, 4300, 5700, 7100, 8600, ROWS}},
    };
    static const int all[] = {0, 1};
    struct make m = {.seed = 3, .rows = ROWS};
    struct td_err err;
    (void)state;
    for (; m.columns < 2; m.columns++)
        make_column(&m, m.columns, &(struct td_pq_column){.type = TD_PQ_DOUBLE}, 3, (int)m.columns);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_pq_file *file;
        int64_t cuts[PARTS + 1];
        char path[64];
        int fd = make_scratch();
        const struct td_pq_write_options options = {.group_rows = cases[i].group_rows, .page_rows = cases[i].page_rows};
        ASSERT_OK(make_file(&m, fd, &options, ROWS, &err), err);
        td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
        ASSERT_OK(td_pq_split(file, all, 2, cases[i].parts, cuts, &err), err);
        for (size_t k = 0; k <= cases[i].parts; k++)
            if (cuts[k] != cases[i].cuts[k])
                fail_msg("case %zu: cut %zu at %lld, not %lld", i, k, (long long)cuts[k], (long long)cases[i].cuts[k]);
        td_pq_close(file);
        close(fd);
    }
    make_free(&m);
}

/* Every row once, in order, with its value, whatever the columns and the number of parts. */
static void the_parts_are_the_file(void **state)
{
    struct make m = {.seed = 4, .rows = ROWS};
    struct td_err err;
    struct td_pq_file *file;
    char path[64];
    int fd = make_scratch();
    static double got[ROWS];
    static const int second[] = {1};
    (void)state;
    make_column(&m, m.columns++, &(struct td_pq_column){.type = TD_PQ_BYTE_ARRAY}, 3, 0);
    make_column(&m, m.columns++, &(struct td_pq_column){.type = TD_PQ_DOUBLE}, 3, 0);
    ASSERT_OK(make_file(&m, fd, &(struct td_pq_write_options){.group_rows = 3300, .page_rows = 700}, ROWS, &err), err);
    td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
    for (size_t parts = 1; parts <= 40; parts++) {
        int64_t cuts[41];
        ASSERT_OK(td_pq_split(file, second, 1, parts, cuts, &err), err);
        assert_int_equal(cuts[0], 0);
        assert_int_equal(cuts[parts], ROWS);
        memset(got, 0, sizeof got);
        for (size_t i = 0; i < parts; i++) {
            struct td_pq_reader *r;
            struct td_pq_array array = {got + cuts[i], NULL};
            size_t rows;
            assert_true(cuts[i] <= cuts[i + 1]);
            ASSERT_OK(td_pq_reader_new(file, second, 1, &r, &err), err);
            ASSERT_OK(td_pq_seek(r, cuts[i], &err), err);
            ASSERT_OK(td_pq_read(r, &array, (size_t)(cuts[i + 1] - cuts[i]), &rows, &err), err);
            assert_int_equal(rows, cuts[i + 1] - cuts[i]);
            td_pq_reader_free(r);
        }
        assert_memory_equal(got, m.array[1].values, sizeof got);
    }
    td_pq_close(file);
    close(fd);
    make_free(&m);
}

static void strange_questions(void **state)
{
    struct make m = {.seed = 5, .rows = 0};
    struct td_err err;
    struct td_pq_file *file;
    char path[64];
    int64_t cuts[4] = {9, 9, 9, 9};
    int fd = make_scratch();
    (void)state;
    make_column(&m, m.columns++, &(struct td_pq_column){.type = TD_PQ_INT32}, 3, 0);
    ASSERT_OK(make_file(&m, fd, NULL, 1, &err), err);
    td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
    ASSERT_OK(td_pq_split(file, (int[]){0}, 1, 3, cuts, &err), err); /* no rows at all */
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(cuts[i], 0);
    ASSERT_OK(td_pq_split(file, NULL, 0, 2, cuts, &err), err);
    assert_int_equal(td_pq_split(file, (int[]){1}, 1, 2, cuts, &err), TD_MISSING);
    assert_int_equal(td_pq_split(file, (int[]){-1}, 1, 2, cuts, &err), TD_MISSING);
    td_pq_close(file);
    close(fd);
    make_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_where_possible),
        cmocka_unit_test(the_parts_are_the_file),
        cmocka_unit_test(strange_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
