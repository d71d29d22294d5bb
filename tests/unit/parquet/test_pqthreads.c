/* SPDX-License-Identifier: GPL-3.0-or-later
 * One opened file, several threads, a reader each: everybody sees the same rows. Meant for the thread sanitizer too. */
#include "pq_make.h"

enum { THREADS = 4, ROWS = 20000 };

struct job {
    const struct make *m;
    const struct td_pq_file *file;
    size_t batch, wrong;
    enum td_code code;
};

static bool same(const struct make *m, size_t c, size_t row, const struct td_pq_array *got, size_t slot)
{
    const size_t width = td_pq_width(m->column[c].type);
    const char *a = (const char *)m->array[c].values + row * width, *b = (const char *)got->values + slot * width;
    if (td_pq_valid(m->array[c].valid, row) != td_pq_valid(got->valid, slot))
        return false;
    if (!td_pq_valid(got->valid, slot))
        return true;
    if (width != sizeof(struct td_str))
        return memcmp(a, b, width) == 0;
    const struct td_str *s = (const void *)a, *t = (const void *)b;
    return s->len == t->len && (!s->len || memcmp(s->ptr, t->ptr, s->len) == 0);
}

/* No cmocka in here: its failures belong to the main thread. */
static void read_all(void *arg, unsigned worker)
{
    struct job *j = arg;
    struct td_pq_array array[MAKE_COLUMNS];
    int index[MAKE_COLUMNS];
    struct td_pq_reader *r = NULL;
    size_t rows = 0, seen = 0;
    (void)worker;
    for (size_t c = 0; c < j->m->columns; c++) {
        index[c] = (int)c;
        array[c].values = malloc(j->batch * sizeof(struct td_str));
        array[c].valid = malloc(TD_PQ_WORDS(j->batch) * 8);
    }
    j->code = td_pq_reader_new(j->file, index, j->m->columns, &r, NULL);
    do {
        if (j->code == TD_OK)
            j->code = td_pq_read(r, array, j->batch, &rows, NULL);
        for (size_t c = 0; c < j->m->columns && j->code == TD_OK; c++)
            for (size_t i = 0; i < rows; i++)
                j->wrong += !same(j->m, c, seen + i, &array[c], i);
        seen += rows;
    } while (j->code == TD_OK && rows);
    j->wrong += seen != ROWS;
    td_pq_reader_free(r);
    for (size_t c = 0; c < j->m->columns; c++) {
        free(array[c].values);
        free(array[c].valid);
    }
}

static void threads_share_a_file(void **state)
{
    struct make m = {.seed = 11, .rows = ROWS};
    struct td_err err;
    struct td_pq_file *file;
    struct td_pool *pool;
    struct job jobs[THREADS];
    char path[64];
    (void)state;
    for (; m.columns < TD_COUNT(make_kinds); m.columns++)
        make_column(&m, m.columns, &make_kinds[m.columns], (int)(m.columns % 4), (int)(m.columns % 4));
    int fd = make_scratch();
    ASSERT_OK(make_file(&m, fd, &(struct td_pq_write_options){.group_rows = 7000}, ROWS, &err), err);
    td_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
    ASSERT_OK(td_pool_new(THREADS, &pool, &err), err);
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.m = &m, .file = file, .batch = 500 + 777 * i};
        ASSERT_OK(td_pool_submit(pool, read_all, &jobs[i], &err), err);
    }
    td_pool_wait(pool);
    td_pool_free(pool);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(jobs[i].code, TD_OK);
        assert_int_equal(jobs[i].wrong, 0);
    }
    td_pq_close(file);
    close(fd);
    make_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
