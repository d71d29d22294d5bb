/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pruned and unpruned reads agree: on files of many writers, on our own, and on copies whose statistics and indexes lie. */
#include <dirent.h>
#include "pq_bound.h"
#include "pq_lie.h"

#define PREDICATES 24 /* a file */

static uint64_t skipped_groups, skipped_rows, lies_told;

/* The rows that are left, read as ranges, are those of the whole read. */
static void compare_rows(const struct table *t, const struct td_pq_ranges *want, const char *name)
{
    enum { BATCH = 700 };
    struct td_err err = {0};
    struct td_pq_reader *reader = NULL;
    struct td_pq_array part[128];
    size_t expect = 0, seen = 0, got = 1;
    for (size_t c = 0; c < t->count; c++)
        part[c] = (struct td_pq_array){calloc(BATCH, 16), calloc(TD_PQ_WORDS(BATCH), 8)};
    for (size_t i = 0; i < want->count; i++)
        expect += (size_t)(want->items[i].to - want->items[i].from);
    ASSERT_OK(td_pq_reader_new(t->file, t->columns, t->count, &reader, &err), err);
    ASSERT_OK(td_pq_want(reader, want->items, want->count, &err), err);
    while (got) {
        size_t first = (size_t)td_pq_next_row(reader);
        ASSERT_OK(td_pq_read(reader, part, BATCH, &got, &err), err);
        for (size_t c = 0; c < t->count; c++) {
            size_t width = td_pq_width(td_pq_column_at(t->file, (size_t)t->columns[c])->type);
            for (size_t i = 0; i < got; i++) {
                const char *a = (const char *)t->arrays[c].values + (first + i) * width;
                const char *b = (const char *)part[c].values + i * width;
                bool same = td_pq_valid(t->arrays[c].valid, first + i) == td_pq_valid(part[c].valid, i);
                if (same && width == sizeof(struct td_str))
                    same = td_str_cmp(*(const struct td_str *)(const void *)a, *(const struct td_str *)(const void *)b) == 0;
                else if (same)
                    same = memcmp(a, b, width) == 0;
                if (!same)
                    fail_msg("%s: column %zu, row %zu differs when pruned", name, c, first + i);
            }
        }
        seen += got;
    }
    assert_int_equal(seen, expect);
    assert_int_equal(td_pq_next_row(reader), td_pq_rows(t->file));
    td_pq_reader_free(reader);
    for (size_t c = 0; c < t->count; c++) {
        free(part[c].values);
        free(part[c].valid);
    }
}

/* One conjunction of one to three bounds: statistics first, then evidence, then all columns of what is left; the truth is
 * a plain look at every row. */
static void check_predicate(const struct table *t, struct make *m, bool trust, const char *name)
{
    struct td_err err = {0};
    struct td_pq_bound bounds[3];
    size_t columns[3], count = 1 + make_random(m) % 3, at = 0;
    struct td_pq_ranges maybe = {0}, exact = {0};
    struct td_pq_pruning how;
    for (size_t i = 0; i < count; i++)
        table_bound(t, m, &bounds[i], &columns[i]);
    ASSERT_OK(td_pq_prune(t->file, bounds, count, trust, &maybe, &how, &err), err);
    ASSERT_OK(td_pq_match(t->file, bounds, count, &maybe, &exact, &err), err);
    skipped_groups += how.groups - how.groups_left;
    skipped_rows += t->rows;
    for (size_t i = 0; i < maybe.count; i++)
        skipped_rows -= (uint64_t)(maybe.items[i].to - maybe.items[i].from);
    for (size_t row = 0; row < t->rows; row++) {
        bool holds = true;
        for (size_t i = 0; holds && i < count; i++)
            holds = table_holds(t, &bounds[i], columns[i], row);
        while (at < exact.count && exact.items[at].to <= (int64_t)row)
            at++;
        bool found = at < exact.count && exact.items[at].from <= (int64_t)row;
        if (holds != found)
            fail_msg("%s: row %zu %s (%zu bounds, first: column %d op %d)", name, row,
                     holds ? "was pruned away" : "was let through", count, bounds[0].column, bounds[0].op);
    }
    compare_rows(t, &exact, name);
    td_pq_ranges_free(&maybe);
    td_pq_ranges_free(&exact);
}

/* As it is, and lying; `honest`: its statistics are right, so that they may be trusted too. */
static void check_bytes(const char *bytes, size_t len, uint64_t seed, bool honest, int predicates, const char *name)
{
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    struct make m = {.seed = seed};
    struct table t;
    struct lie l = {.spots = calloc(LIE_SPOTS, sizeof *l.spots)};
    if (td_pq_open_memory(bytes, len, name, NULL, &file, &err) != TD_OK || !table_load(&t, file, &err)) {
        if (file)
            table_free(&t);
        td_pq_close(file);
        free(l.spots);
        return; /* damaged or nested: nothing to compare */
    }
    for (int i = 0; i < predicates; i++)
        check_predicate(&t, &m, false, name);
    for (int i = 0; honest && i < predicates; i++)
        check_predicate(&t, &m, true, name);
    lie_find(&l, file, (const uint8_t *)bytes, len);
    table_free(&t);
    td_pq_close(file);
    for (int i = 0; l.count && i < 6; i++) {
        uint8_t *copy = malloc(len);
        memcpy(copy, bytes, len);
        lies_told += lie_tell(&l, copy, &m, i < 3 ? 2 : 12);
        file = NULL;
        if (td_pq_open_memory(copy, len, name, NULL, &file, &err) == TD_OK) {
            assert_true(table_load(&t, file, &err));
            for (int k = 0; k < predicates / 3; k++)
                check_predicate(&t, &m, false, name);
            table_free(&t);
        }
        td_pq_close(file);
        free(copy);
    }
    free(l.spots);
}

static void check_folder(const char *folder, bool honest)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t files = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[2048];
        struct td_err err = {0};
        struct td_buf bytes;
        size_t n = strlen(e->d_name);
        if (n < 8 || strcmp(e->d_name + n - 8, ".parquet") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        td_buf_init(&bytes, 64 << 20);
        ASSERT_OK(td_file_read(path, 64 << 20, &bytes, &err), err);
        check_bytes(bytes.data, bytes.len, td_hash64(e->d_name, n, 1), honest, 6, e->d_name);
        td_buf_free(&bytes);
        files++;
    }
    closedir(dir);
    assert_true(files > 20);
}

static void files_of_many_writers(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/parquet-matrix");
    lies_told = 0;
    check_folder(folder, true);
    assert_true(lies_told > 1000);
}

static void files_of_the_format_s_own_tests(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/parquet-testing/data");
    check_folder(folder, false);
}

static void random_files_of_ours(void **state)
{
    (void)state;
    skipped_groups = skipped_rows = lies_told = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct make m;
        struct td_err err = {0};
        size_t len;
        make_table(&m, seed, 1 + seed % 9, 200 + seed * 317);
        int fd = make_scratch();
        const struct td_pq_write_options o = {.group_rows = 500 + seed * 100, .page_rows = 50 + seed * 20,
                                              .data_page_v2 = seed % 2};
        ASSERT_OK(make_file(&m, fd, &o, 1000, &err), err);
        char *bytes = make_slurp(fd, &len);
        check_bytes(bytes, len, seed * 77, true, PREDICATES, "ours");
        free(bytes);
        close(fd);
        make_free(&m);
    }
    assert_true(skipped_groups > 50);
    assert_true(skipped_rows > 100000);
    assert_true(lies_told > 1000);
}

/* Ascending stamps and a price that repeats; groups of 4096 rows, pages of 512. */
static char *make_stamps(size_t rows, size_t *len)
{
    struct make m = {.seed = 5, .rows = rows, .columns = 3};
    struct td_err err = {0};
    make_column(&m, 0, &make_kinds[8], 0, 0);
    make_column(&m, 1, &make_kinds[4], 1, 2);
    make_column(&m, 2, &make_kinds[6], 2, 0);
    for (size_t i = 0; i < rows; i++)
        ((int64_t *)m.array[0].values)[i] = (int64_t)i * 60000;
    int fd = make_scratch();
    const struct td_pq_write_options o = {.group_rows = 4096, .page_rows = 512};
    ASSERT_OK(make_file(&m, fd, &o, rows, &err), err);
    char *bytes = make_slurp(fd, len);
    close(fd);
    make_free(&m);
    return bytes;
}

/* The work is what the question needs: the pages around the rows, and nothing of other row groups. */
static void a_range_opens_its_pages_only(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    struct td_pq_ranges left = {0};
    struct td_pq_pruning how;
    size_t len, got;
    char *bytes = make_stamps(20000, &len);
    enum td_pq_seal seal;
    ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
    ASSERT_OK(td_pq_seal(file, &seal, &err), err);
    assert_int_equal(seal, TD_PQ_SEAL_GOOD);
    const struct td_pq_bound bounds[] = {
        {.column = 0, .op = TD_PQ_GE, .kind = TD_PQ_VALUE_INT, .v.i = INT64_C(10000) * 60000},
        {.column = 0, .op = TD_PQ_LT, .kind = TD_PQ_VALUE_INT, .v.i = INT64_C(10010) * 60000},
    };
    ASSERT_OK(td_pq_prune(file, bounds, 2, false, &left, &how, &err), err);
    assert_null(how.why);
    assert_int_equal(how.groups, 5);
    assert_int_equal(how.groups_left, 1);
    assert_int_equal(left.count, 1); /* the page of rows 9728 to 10239 */
    assert_int_equal(left.items[0].from, 9728);
    assert_int_equal(left.items[0].to, 10240);
    const int columns[] = {0, 1, 2};
    struct td_pq_array arrays[3];
    for (size_t c = 0; c < 3; c++)
        arrays[c] = (struct td_pq_array){calloc(4096, 16), calloc(64, 8)};
    ASSERT_OK(td_pq_reader_new(file, columns, 3, &reader, &err), err);
    ASSERT_OK(td_pq_want(reader, left.items, left.count, &err), err);
    ASSERT_OK(td_pq_read(reader, arrays, 4096, &got, &err), err);
    assert_int_equal(got, 512);
    assert_int_equal(((int64_t *)arrays[0].values)[0], INT64_C(9728) * 60000);
    assert_int_equal(td_pq_reader_effort(reader).groups, 1);
    assert_int_equal(td_pq_reader_effort(reader).pages, 3);
    assert_true(td_pq_reader_effort(reader).bytes < len / 8);
    ASSERT_OK(td_pq_read(reader, arrays, 4096, &got, &err), err);
    assert_int_equal(got, 0);
    ASSERT_OK(td_pq_seek(reader, 19000, &err), err); /* ends the choice */
    ASSERT_OK(td_pq_read(reader, arrays, 4096, &got, &err), err);
    assert_int_equal(got, 1000);
    assert_int_equal(td_pq_reader_effort(reader).pages, 3 + 3 * 3); /* 18944, 19456 and 19968 begin a page */
    td_pq_reader_free(reader);
    td_pq_ranges_free(&left);
    for (size_t c = 0; c < 3; c++) {
        free(arrays[c].values);
        free(arrays[c].valid);
    }
    td_pq_close(file);
    free(bytes);
}

/* Every byte of footer and index that counts is under the seal. */
static void a_changed_byte_breaks_the_seal(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    size_t len, broken = 0, opened = 0;
    char *bytes = make_stamps(9000, &len);
    struct lie l = {.spots = calloc(LIE_SPOTS, sizeof *l.spots)};
    ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
    lie_find(&l, file, (const uint8_t *)bytes, len);
    td_pq_close(file);
    assert_true(l.count > 100);
    for (size_t i = 0; i < l.count; i++) {
        enum td_pq_seal seal = TD_PQ_SEAL_UNKNOWN;
        size_t at = l.spots[i].at + l.spots[i].len - 1;
        bytes[at] ^= 1;
        if (td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err) == TD_OK) {
            ASSERT_OK(td_pq_seal(file, &seal, &err), err);
            opened++;
            broken += seal == TD_PQ_SEAL_BROKEN;
            td_pq_close(file);
        }
        bytes[at] ^= 1;
    }
    assert_int_equal(broken, opened);
    assert_true(opened > 100);
    free(l.spots);
    free(bytes);
}

/* Row groups told a second time, after the key-values: the seal is over the first telling, the reader goes by the last. */
static void a_second_telling_breaks_the_seal(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    size_t len;
    char *bytes = make_stamps(9000, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
    size_t at = (size_t)file->footer_at, foot = len - 8 - at;
    td_pq_close(file);
    struct pq_in in;
    struct pq_field f = {0};
    const uint8_t *from = NULL, *to = NULL;
    pq_in_init(&in, bytes + at, foot);
    while (pq_in_next(&in, &f)) {
        if (f.id == 4)
            from = in.p;
        pq_in_skip(&in, f.type);
        if (f.id == 4)
            to = in.p;
    }
    assert_non_null(from);
    struct td_buf out;
    td_buf_init(&out, 1 << 24);
    td_buf_add(&out, bytes, len - 8 - 1); /* without the end of the footer */
    td_buf_addc(&out, 0x09); /* a list, its id in full: 4 as a zigzag number */
    td_buf_addc(&out, 8);
    td_buf_add(&out, from, (size_t)(to - from));
    td_buf_addc(&out, 0);
    uint32_t footer = (uint32_t)(out.len - at);
    td_buf_add(&out, &footer, 4);
    td_buf_adds(&out, "PAR1");
    ASSERT_OK(td_pq_open_memory(out.data, out.len, "stamps", NULL, &file, &err), err);
    enum td_pq_seal seal;
    ASSERT_OK(td_pq_seal(file, &seal, &err), err);
    assert_int_equal(seal, TD_PQ_SEAL_BROKEN);
    td_pq_close(file);
    td_buf_free(&out);
    free(bytes);
}

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    struct td_pq_ranges left = {0};
    const int column = 0;
    size_t len;
    char *bytes = make_stamps(5000, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
    ASSERT_OK(td_pq_reader_new(file, &column, 1, &reader, &err), err);
    static const struct td_pq_range bad[][2] = {{{-1, 5}, {6, 7}}, {{0, 5}, {4, 7}}, {{0, 5}, {6, 5001}}, {{0, 5}, {7, 7}}};
    for (size_t i = 0; i < TD_COUNT(bad); i++)
        assert_int_equal(td_pq_want(reader, bad[i], 2, &err), TD_DATA);
    struct td_pq_bound b = {.column = 3, .op = TD_PQ_EQ};
    assert_int_equal(td_pq_prune(file, &b, 1, false, &left, NULL, &err), TD_MISSING);
    assert_int_equal(td_pq_match(file, &b, 1, NULL, &left, &err), TD_MISSING);
    b = (struct td_pq_bound){.column = 0, .op = TD_PQ_EQ, .kind = TD_PQ_VALUE_BYTES, .v.s = {"x", 1}};
    assert_int_equal(td_pq_match(file, &b, 1, NULL, &left, &err), TD_UNSUPPORTED);
    struct td_pq_pruning how;
    ASSERT_OK(td_pq_prune(file, &b, 1, false, &left, &how, &err), err); /* passed over: everything is left */
    assert_non_null(how.why);
    assert_int_equal(left.count, 1);
    assert_int_equal(left.items[0].to, 5000);
    td_pq_ranges_free(&left);
    td_pq_reader_free(reader);
    td_pq_close(file);
    free(bytes);
}

static enum td_code prune_and_read(const char *bytes, size_t len)
{
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    struct td_pq_ranges left = {0}, exact = {0};
    const struct td_pq_bound b = {.column = 0, .op = TD_PQ_GE, .kind = TD_PQ_VALUE_INT, .v.i = INT64_C(4500) * 60000};
    const int columns[] = {2, 1};
    struct td_str texts[600];
    double numbers[600];
    uint64_t valid[10];
    struct td_pq_array arrays[] = {{texts, NULL}, {numbers, valid}};
    size_t rows = 1;
    enum td_code code = td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err);
    if (code == TD_OK)
        code = td_pq_prune(file, &b, 1, false, &left, NULL, &err);
    if (code == TD_OK)
        code = td_pq_match(file, &b, 1, &left, &exact, &err);
    if (code == TD_OK)
        code = td_pq_reader_new(file, columns, 2, &reader, &err);
    if (code == TD_OK)
        code = td_pq_want(reader, exact.items, exact.count, &err);
    while (code == TD_OK && rows)
        code = td_pq_read(reader, arrays, 600, &rows, &err);
    td_pq_reader_free(reader);
    td_pq_ranges_free(&left);
    td_pq_ranges_free(&exact);
    td_pq_close(file);
    return code;
}

static void memory_may_end_anywhere(void **state)
{
    (void)state;
    size_t len;
    char *bytes = make_stamps(5000, &len);
    long n = 1;
    for (enum td_code code = TD_NOMEM; code != TD_OK; n++) {
        td_alloc_fail_after(n);
        code = prune_and_read(bytes, len);
        td_alloc_fail_after(0);
        if (code != TD_OK)
            assert_int_equal(code, TD_NOMEM);
        assert_true(n < 5000);
    }
    assert_true(n > 20);
    free(bytes);
}

/* Bounds in the deprecated fields were compared as signed; those in the new ones hold where the file names their order. */
static void bounds_without_a_known_order_are_not_used(void **state)
{
    (void)state;
    static const struct {
        struct td_pq_column column;
        bool old, typed, want;
    } cases[] = {
        {{.type = TD_PQ_INT32}, true, false, true},
        {{.type = TD_PQ_INT64, .logical = TD_PQ_INTEGER, .bits = 64, .is_signed = true}, true, false, true},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 32}, true, true, false},
        {{.type = TD_PQ_INT64, .logical = TD_PQ_INTEGER, .bits = 64}, true, true, false},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING}, true, true, false},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING}, false, true, true},
        {{.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 32}, false, true, true},
        {{.type = TD_PQ_INT32}, false, false, false},
        {{.type = TD_PQ_DOUBLE}, false, false, false},
        {{.type = TD_PQ_INT96}, false, true, false},
        {{.type = TD_PQ_FIXED, .length = 8}, false, true, false},
        {{.type = TD_PQ_INT32, .unsupported = "it is nested"}, false, true, false},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct pq_leaf leaf = {.column = cases[i].column, .typed_order = cases[i].typed};
        const size_t width = leaf.column.type == TD_PQ_INT32 ? 4 : 8;
        const struct td_str low = {"\0\0\0\0\0\0\0\0", width}, high = {"\1\0\0\0\0\0\0\0", width};
        struct pq_stats stats = {.min = low, .max = high, .old_min = low, .old_max = high};
        struct td_str min, max;
        stats.has_min = stats.has_max = !cases[i].old;
        stats.has_old_min = stats.has_old_max = cases[i].old;
        if (pq_stats_bounds(&leaf, &stats, &min, &max) != cases[i].want)
            fail_msg("case %zu", i);
    }
}

/* A NaN lies outside all bounds and differs from every number; a zero bound covers both zeros. */
static void bounds_say_nothing_of_nans_and_of_the_sign_of_zero(void **state)
{
    (void)state;
    static const double five = 5, plus = 0.0, minus = -0.0;
    static const int64_t whole = 5;
    const struct td_pq_column real = {.type = TD_PQ_DOUBLE}, integer = {.type = TD_PQ_INT64};
    const struct td_str same = {(const char *)&five, 8}, count = {(const char *)&whole, 8};
    const struct td_pq_bound differs = {.op = TD_PQ_NE, .kind = TD_PQ_VALUE_INT, .v.i = 5};
    struct pq_extent extent = {.rows = 9, .nulls = -1, .has_bounds = true, .min = same, .max = same};
    assert_true(pq_bound_may(&real, &differs, &extent));
    extent.min = extent.max = count;
    assert_false(pq_bound_may(&integer, &differs, &extent));
    const struct pq_leaf leaf = {.column = real, .typed_order = true};
    const struct pq_stats stats = {
        .has_min = true, .has_max = true, .min = {(const char *)&plus, 8}, .max = {(const char *)&minus, 8}};
    struct td_str min, max;
    assert_true(pq_stats_bounds(&leaf, &stats, &min, &max));
    assert_memory_equal(min.ptr, &minus, 8);
    assert_memory_equal(max.ptr, &plus, 8);
}

/* Who trusts the statistics of others trusts their bounds: null counts are wrong too often. */
static void null_counts_of_others_are_not_believed(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    size_t len;
    char *bytes = make_stamps(3000, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
    for (int sealed = 0; sealed < 2; sealed++)
        for (int op = TD_PQ_IS_NULL; op <= TD_PQ_NOT_NULL; op++) {
            struct td_pq_ranges left = {0};
            const struct td_pq_bound b = {.column = 1, .op = (enum td_pq_op)op};
            atomic_store(file->seal, sealed ? TD_PQ_SEAL_GOOD : TD_PQ_SEAL_NONE);
            struct pq_chunk *chunk = &file->meta.groups[0].chunks[1];
            chunk->stats.nulls = op == TD_PQ_IS_NULL ? 0 : 3000; /* if that were so, no row would be left */
            chunk->column_index_length = 0;
            ASSERT_OK(td_pq_prune(file, &b, 1, true, &left, NULL, &err), err);
            assert_int_equal(left.count, sealed ? 0 : 1);
            td_pq_ranges_free(&left);
        }
    td_pq_close(file);
    free(bytes);
}

static bool note_offset(void *ctx, const struct td_pq_page_info *page)
{
    int64_t *offset = ctx; /* the last two; ends with the second page */
    offset[0] = offset[1];
    offset[1] = page->offset;
    return !offset[0];
}

/* The seal covers the index, not the pages: one whose header counts other rows must not shift the rows behind it. */
static void a_page_that_contradicts_its_index_is_noticed(void **state)
{
    (void)state;
    struct td_err err = {0};
    size_t len, got;
    char *bytes = make_stamps(8192, &len);
    for (int damaged = 0; damaged < 2; damaged++) {
        struct td_pq_file *file = NULL;
        struct td_pq_reader *reader = NULL;
        const int column = 0;
        int64_t value[1], offset[2] = {0, 0};
        struct td_pq_array array = {value, NULL};
        ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
        ASSERT_OK(td_pq_pages(file, 1, 0, note_offset, offset, &err), err);
        char *count = memmem(bytes + offset[1], 64, "\x15\x80\x08", 3); /* 512 */
        assert_non_null(count);
        if (damaged)
            memcpy(count, "\x15\xfe\x07", 3); /* 511 */
        ASSERT_OK(td_pq_reader_new(file, &column, 1, &reader, &err), err);
        enum td_code code = td_pq_seek(reader, 4096 + 600, &err);
        if (code == TD_OK)
            code = td_pq_read(reader, &array, 1, &got, &err);
        assert_int_equal(code, damaged ? TD_DATA : TD_OK);
        if (damaged)
            assert_non_null(strstr(err.text, "than its index says"));
        else
            assert_int_equal(value[0], INT64_C(4696) * 60000);
        td_pq_reader_free(reader);
        td_pq_close(file);
    }
    free(bytes);
}

/* Without an index that may be believed pages are passed by their headers, and those before the row are not opened. */
static void a_seek_to_the_start_of_a_page_opens_that_page_alone(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    const int column = 0;
    int64_t value[1];
    struct td_pq_array array = {value, NULL};
    size_t len, got;
    char *bytes = make_stamps(4096, &len);
    ASSERT_OK(td_pq_open_memory(bytes, len, "stamps", NULL, &file, &err), err);
    atomic_store(file->seal, TD_PQ_SEAL_NONE);
    ASSERT_OK(td_pq_reader_new(file, &column, 1, &reader, &err), err);
    ASSERT_OK(td_pq_seek(reader, 1536, &err), err);
    ASSERT_OK(td_pq_read(reader, &array, 1, &got, &err), err);
    assert_int_equal(value[0], INT64_C(1536) * 60000);
    assert_int_equal(td_pq_reader_effort(reader).pages, 1);
    td_pq_reader_free(reader);
    td_pq_close(file);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_many_writers),
        cmocka_unit_test(files_of_the_format_s_own_tests),
        cmocka_unit_test(random_files_of_ours),
        cmocka_unit_test(a_range_opens_its_pages_only),
        cmocka_unit_test(a_changed_byte_breaks_the_seal),
        cmocka_unit_test(a_second_telling_breaks_the_seal),
        cmocka_unit_test(wrong_questions_are_refused),
        cmocka_unit_test(bounds_without_a_known_order_are_not_used),
        cmocka_unit_test(bounds_say_nothing_of_nans_and_of_the_sign_of_zero),
        cmocka_unit_test(null_counts_of_others_are_not_believed),
        cmocka_unit_test(a_page_that_contradicts_its_index_is_noticed),
        cmocka_unit_test(a_seek_to_the_start_of_a_page_opens_that_page_alone),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
