/* SPDX-License-Identifier: GPL-3.0-or-later
 * A search gives the rows that a full read and the filter give, in files of many writers and in our own: with random filters,
 * projections and ranges of rows. */
#include "check.h"
#include <dirent.h>
#include <math.h>
#include <tapedeck/view.h>

struct whole { /* a file read in full */
    struct td_scan *scan;
    struct td_view_column *columns;
    struct td_cell *cells;
    size_t count;
};

static struct td_cell cell_at(const struct td_model *model, size_t row, size_t column)
{
    (void)row;
    return ((const struct td_cell *)model->ctx)[column];
}

static struct td_model model_of(const struct whole *w)
{
    return (struct td_model){.columns = w->columns, .column_count = w->count, .rows = 1, .cell = cell_at, .ctx = w->cells};
}

static uint64_t seed = 7;
static uint64_t dice(uint64_t sides)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    return td_mix64(seed) % sides;
}

/* The cell as the filter language writes it; false when it cannot. */
static bool literal(const struct td_cell *cell, struct td_buf *out)
{
    char text[40];
    switch (cell->kind) {
    case TD_KIND_BOOL: td_buf_adds(out, cell->v.b ? "true" : "false"); return true;
    case TD_KIND_I64: td_buf_printf(out, "%lld", (long long)cell->v.i); return cell->v.i > INT64_MIN;
    case TD_KIND_U64: td_buf_printf(out, "%llu", (unsigned long long)cell->v.u); return true;
    case TD_KIND_F32:
    case TD_KIND_F64: td_buf_printf(out, "%.17g", cell->v.f); return isfinite(cell->v.f);
    case TD_KIND_DAY:
        td_buf_add(out, text, td_format_day((td_day)cell->v.i, text));
        return cell->v.i > -100000 && cell->v.i < 100000;
    case TD_KIND_TS:
        if (cell->v.i < -INT64_C(2000000000000) || cell->v.i > INT64_C(9000000000000))
            return false;
        td_format_ts(cell->v.i, text);
        if (dice(3) == 0)
            text[10] = 0; /* the day alone */
        td_buf_printf(out, "'%s'", text);
        return true;
    case TD_KIND_STR:
    case TD_KIND_BYTES:
        td_buf_addc(out, '\'');
        for (size_t i = 0; i < cell->v.s.len; i++) {
            if (cell->v.s.ptr[i] == '\'')
                td_buf_addc(out, '\'');
            if (!cell->v.s.ptr[i])
                return false;
            td_buf_addc(out, cell->v.s.ptr[i]);
        }
        td_buf_addc(out, '\'');
        return true;
    default: return false;
    }
}

/* A test of one column near the row that stands in w->cells. */
static void add_test(const struct whole *w, struct td_buf *out)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    size_t column = (size_t)dice(w->count);
    const bool boolean = w->columns[column].kind == TD_KIND_BOOL;
    td_buf_printf(out, "\"%s\" ", w->columns[column].name);
    size_t name = out->len;
    if (w->cells[column].kind != TD_KIND_NULL && dice(8)) {
        td_buf_printf(out, "%s ", boolean ? ops[dice(2)] : ops[dice(6)]);
        if (literal(&w->cells[column], out))
            return;
    }
    out->len = name;
    out->data[name] = 0;
    td_buf_adds(out, dice(2) ? "is null" : "is not null");
}

static void random_filter(const struct whole *w, struct td_buf *out)
{
    unsigned shape = (unsigned)dice(6);
    if (shape == 1)
        td_buf_adds(out, "not ");
    td_buf_addc(out, '(');
    add_test(w, out);
    if (shape > 2) {
        td_buf_adds(out, shape == 3 ? " or " : " and ");
        add_test(w, out);
    }
    td_buf_addc(out, ')');
    if (dice(3) == 0) {
        td_buf_adds(out, " and ");
        add_test(w, out);
    }
}

static bool open_whole(struct whole *w, const char *path)
{
    struct td_err err = {0};
    *w = (struct whole){0};
    if (td_scan_open(path, NULL, &w->scan, &err) != TD_OK)
        return false;
    w->count = td_scan_column_count(w->scan);
    w->columns = calloc(w->count + 1, sizeof *w->columns);
    w->cells = calloc(w->count + 1, sizeof *w->cells);
    for (size_t i = 0; i < w->count; i++)
        w->columns[i] = (struct td_view_column){td_scan_column_at(w->scan, i)->name, td_scan_column_at(w->scan, i)->kind};
    return w->count > 0;
}

static void close_whole(struct whole *w)
{
    td_scan_close(w->scan);
    free(w->columns);
    free(w->cells);
}

struct wish {
    const struct td_filter *filter;
    struct td_model model;
};

static bool match(void *ctx, const struct td_cell *cells)
{
    struct wish *wish = ctx;
    wish->model.ctx = cells;
    return td_filter_match(wish->filter, &wish->model, 0);
}

struct question {
    const char *path, *columns; /* shown; NULL = all */
    int64_t from, to;
    const struct td_filter *filter;
    bool trust;
};

static uint64_t rows_of_all, rows_decoded; /* in pages */

/* By search. */
static uint64_t ask(const struct question *q, const struct whole *w, struct td_buf *out)
{
    struct td_err err = {0};
    struct td_scan *scan = NULL;
    struct td_cell cells[256];
    struct wish wish = {.filter = q->filter, .model = model_of(w)};
    struct td_scan_search search = {.match = match, .ctx = &wish, .trust = q->trust};
    struct td_scan_bound *bounds = NULL;
    bool reads[256], more = true;
    uint64_t count = 0, given = 0;
    ASSERT_OK(td_scan_open(q->path, q->columns, &scan, &err), err);
    assert_int_equal(td_scan_file_column_count(scan), w->count);
    for (size_t i = 0; i < w->count; i++)
        reads[i] = td_filter_reads(q->filter, i);
    ASSERT_OK(td_filter_bounds(q->filter, &bounds, &search.bound_count, &err), err);
    search.bounds = bounds;
    search.reads = reads;
    ASSERT_OK(td_scan_between(scan, q->from, q->to, &err), err);
    ASSERT_OK(td_scan_where(scan, &search, &err), err);
    td_scan_canonical_header(scan, out);
    for (;;) {
        ASSERT_OK(td_scan_next(scan, cells, &more, &err), err);
        if (!more)
            break;
        td_scan_canonical_row(scan, out);
        given++;
    }
    struct td_scan_effort effort;
    ASSERT_OK(td_scan_effort_of(scan, &effort, &err), err);
    assert_true(effort.pages_read <= effort.pages);
    assert_true(effort.bytes_read <= effort.bytes);
    rows_of_all += effort.pages;
    rows_decoded += effort.pages_read;
    ASSERT_OK(td_scan_between(scan, q->from, q->to, &err), err); /* once more, only counting */
    ASSERT_OK(td_scan_where(scan, &search, &err), err);
    ASSERT_OK(td_scan_count(scan, &count, &err), err);
    assert_int_equal(count, given);
    td_free(bounds);
    td_scan_close(scan);
    return given;
}

/* By reading everything. */
static void read_all(const struct question *q, struct whole *w, struct td_buf *out)
{
    struct td_err err = {0};
    struct td_scan *scan = NULL;
    struct td_cell cells[256];
    bool more = true;
    const struct td_model model = model_of(w);
    ASSERT_OK(td_scan_open(q->path, q->columns, &scan, &err), err);
    ASSERT_OK(td_scan_seek(w->scan, 0, &err), err);
    td_scan_canonical_header(scan, out);
    for (int64_t row = 0;; row++) {
        ASSERT_OK(td_scan_next(scan, cells, &more, &err), err);
        if (!more)
            break;
        ASSERT_OK(td_scan_next(w->scan, w->cells, &more, &err), err);
        if (row >= q->from && row < q->to && td_filter_match(q->filter, &model, 0))
            td_scan_canonical_row(scan, out);
    }
    td_scan_close(scan);
}

/* The answer to one filter, both ways; one that the language refuses is nothing to compare. */
static void compare_filter(struct question *q, struct whole *w, const char *text)
{
    struct td_err err = {0};
    struct td_buf a, b;
    struct td_filter *parsed = NULL;
    const struct td_model model = model_of(w);
    if (td_filter_parse(text, &model, &parsed, &err) != TD_OK)
        return; /* names with quotes in them, say */
    td_buf_init(&a, 256 << 20);
    td_buf_init(&b, 256 << 20);
    q->filter = parsed;
    read_all(q, w, &a);
    ask(q, w, &b);
    if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
        fail_msg("%s: %s: rows %lld to %lld: a search and a full read differ", q->path, text, (long long)q->from,
                 (long long)q->to);
    td_filter_free(parsed);
    td_buf_free(&a);
    td_buf_free(&b);
}

static void compare(const char *path, struct whole *w, bool trust)
{
    struct td_err err = {0};
    struct td_buf filter;
    const int64_t rows = td_scan_rows(w->scan);
    bool more = true;
    td_buf_init(&filter, 1 << 20);
    ASSERT_OK(td_scan_seek(w->scan, rows ? (int64_t)dice((uint64_t)rows) : 0, &err), err);
    ASSERT_OK(td_scan_next(w->scan, w->cells, &more, &err), err);
    if (!more)
        memset(w->cells, 0, w->count * sizeof *w->cells);
    random_filter(w, &filter);
    struct question q = {.path = path, .from = 0, .to = rows, .trust = trust};
    if (dice(2)) {
        q.from = (int64_t)dice((uint64_t)rows + 1);
        q.to = q.from + (int64_t)dice((uint64_t)(rows - q.from) + 1);
    }
    if (dice(2)) /* the first column of that name; names with a comma cannot be chosen */
        q.columns = w->columns[dice(w->count)].name;
    if (q.columns && (strchr(q.columns, ',') || !*q.columns))
        q.columns = NULL;
    compare_filter(&q, w, filter.data);
    td_buf_free(&filter);
}

static void check_folder(const char *folder, int rounds, bool trust)
{
    DIR *dir = opendir(folder);
    size_t files = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[2048];
        struct whole w;
        size_t n = strlen(e->d_name);
        if (n < 8 || strcmp(e->d_name + n - 8, ".parquet") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        seed = td_hash64(e->d_name, n, 3);
        if (open_whole(&w, path) && w.count < 256)
            for (int i = 0; i < rounds; i++)
                compare(path, &w, trust && i % 2);
        close_whole(&w);
        files++;
    }
    closedir(dir);
    assert_true(files > 20);
}

static void a_search_finds_what_a_full_read_finds(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/parquet-matrix");
    rows_of_all = rows_decoded = 0;
    check_folder(folder, 12, true);
    assert_true(rows_decoded < rows_of_all - rows_of_all / 5);
}

/* Files of the lake, sealed and with a page index: the same answers, for less. */
static void our_own_files_are_pruned(void **state)
{
    (void)state;
    enum { ROWS = 40000 };
    struct row {
        int64_t ts;
        double price;
        td_day day;
        int64_t volume;
    };
    static const struct td_field fields[] = {{"timestamp", TD_F_TS, 0, 8, false}, {"price", TD_F_F64, 8, 8, true},
                                             {"day", TD_F_DAY, 16, 4, false}, {"volume", TD_F_I64, 24, 8, false}};
    static const struct td_record record = {"numbers/1", sizeof(struct row), TD_COUNT(fields), fields};
    struct row *rows = calloc(ROWS, sizeof *rows);
    char folder[] = "/tmp/search-XXXXXX", path[64];
    struct td_err err = {0};
    struct whole w;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/rows.parquet", folder);
    for (int64_t i = 0; i < ROWS; i++)
        rows[i] = (struct row){INT64_C(1700000000000) + i * 60000, i % 9 == 0 ? TD_NO_F64 : (double)(i % 1000) / 4,
                               (td_day)(19000 + i / 500), (int64_t)dice(1000000)};
    ASSERT_OK(td_table_write(path, &record, rows, ROWS, NULL, 0, &err), err);
    rows_of_all = rows_decoded = 0;
    seed = 99;
    assert_true(open_whole(&w, path));
    for (int i = 0; i < 60; i++)
        compare(path, &w, false);
    assert_true(rows_decoded < rows_of_all * 3 / 4);
    /* Where a page or the file ends, every comparison, in both directions. */
    static const int64_t edges[] = {0, 1, 8191, 8192, 8193, 16384, 24575, ROWS - 1};
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    for (size_t i = 0; i < TD_COUNT(edges) * TD_COUNT(ops); i++) {
        char stamp[40], filters[3][120];
        td_format_ts(rows[edges[i / TD_COUNT(ops)]].ts, stamp);
        snprintf(filters[0], sizeof filters[0], "timestamp %s '%s'", ops[i % TD_COUNT(ops)], stamp);
        snprintf(filters[1], sizeof filters[1], "timestamp %s '%.10s'", ops[i % TD_COUNT(ops)], stamp);
        snprintf(filters[2], sizeof filters[2], "day %s %.10s", ops[i % TD_COUNT(ops)], stamp);
        for (size_t k = 0; k < 3; k++)
            compare_filter(&(struct question){.path = path, .columns = "volume", .from = 0, .to = ROWS}, &w, filters[k]);
    }
    /* An hour of it: one page of each column. */
    static const char text[] = "timestamp >= '2023-11-20T00:00:00Z' and timestamp < '2023-11-20T01:00:00Z' and volume >= 0";
    struct td_filter *filter = NULL;
    struct td_buf out;
    const struct td_model model = model_of(&w);
    ASSERT_OK(td_filter_parse(text, &model, &filter, &err), err);
    const struct question q = {.path = path, .from = 0, .to = ROWS, .filter = filter};
    td_buf_init(&out, 1 << 20);
    rows_decoded = 0;
    assert_int_equal(ask(&q, &w, &out), 60);
    assert_int_equal(rows_decoded, 4);
    td_buf_free(&out);
    td_filter_free(filter);
    close_whole(&w);
    unlink(path);
    rmdir(folder);
    free(rows);
}

static enum td_code search_once(const char *path, const char *text, uint64_t *rows)
{
    struct td_err err = {0};
    struct td_scan *scan = NULL;
    struct td_filter *filter = NULL;
    struct td_scan_bound *bounds = NULL;
    struct td_view_column columns[16];
    struct td_cell cells[16];
    bool reads[16] = {false}, more = true;
    struct td_scan_search search = {.match = match, .reads = reads};
    *rows = 0;
    enum td_code code = td_scan_open(path, NULL, &scan, &err);
    if (code != TD_OK)
        return code;
    struct wish wish = {.model = {.columns = columns, .column_count = td_scan_file_column_count(scan), .rows = 1, .cell = cell_at}};
    for (size_t i = 0; i < wish.model.column_count; i++)
        columns[i] = (struct td_view_column){td_scan_file_column_at(scan, i)->name, td_scan_file_column_at(scan, i)->kind};
    search.ctx = &wish;
    code = td_filter_parse(text, &wish.model, &filter, &err);
    wish.filter = filter;
    if (code == TD_OK)
        code = td_filter_bounds(filter, &bounds, &search.bound_count, &err);
    search.bounds = bounds;
    for (size_t i = 0; code == TD_OK && i < wish.model.column_count; i++)
        reads[i] = td_filter_reads(filter, i);
    if (code == TD_OK)
        code = td_scan_where(scan, &search, &err);
    while (code == TD_OK && more) {
        code = td_scan_next(scan, cells, &more, &err);
        *rows += code == TD_OK && more;
    }
    td_free(bounds);
    td_filter_free(filter);
    td_scan_close(scan);
    return code;
}

static void memory_may_end_anywhere(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/parquet-matrix/polars-pages.parquet");
    struct whole w;
    char text[300];
    uint64_t rows, all;
    assert_true(open_whole(&w, path));
    snprintf(text, sizeof text, "\"%s\" is not null and not (\"%s\" is null)", w.columns[0].name, w.columns[2].name);
    assert_true(w.count <= 16);
    close_whole(&w);
    assert_int_equal(search_once(path, text, &all), TD_OK);
    assert_true(all > 0);
    long n = 1;
    for (enum td_code code = TD_NOMEM; code != TD_OK; n++) {
        td_alloc_fail_after(n);
        code = search_once(path, text, &rows);
        td_alloc_fail_after(0);
        if (code != TD_OK)
            assert_int_equal(code, TD_NOMEM);
        else
            assert_int_equal(rows, all);
        assert_true(n < 5000);
    }
    assert_true(n > 20);
}

/* What of a filter cannot be told by statistics is left to it: no bound is made of these that could lose a row. */
static void cells_are_not_what_is_stored(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/parquet-matrix");
    static const struct {
        const char *file, *filter;
    } cases[] = {
        {"polars-extreme.parquet", "c10_float64 is null"}, /* NaN too */
        {"polars-extreme.parquet", "c9_float32 != 0"},
        {"arrowrs-v1-plain.parquet", "c8_uint64 >= 18446744073709551615"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char path[2048];
        struct whole w;
        struct td_err err = {0};
        struct td_filter *filter = NULL;
        struct td_buf a, b;
        snprintf(path, sizeof path, "%s/%s", folder, cases[i].file);
        assert_true(open_whole(&w, path));
        const struct td_model model = model_of(&w);
        td_buf_init(&a, 1 << 26);
        td_buf_init(&b, 1 << 26);
        ASSERT_OK(td_filter_parse(cases[i].filter, &model, &filter, &err), err);
        const struct question q = {.path = path, .from = 0, .to = td_scan_rows(w.scan), .filter = filter, .trust = true};
        read_all(&q, &w, &a);
        ask(&q, &w, &b);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        td_filter_free(filter);
        td_buf_free(&a);
        td_buf_free(&b);
        close_whole(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_finds_what_a_full_read_finds),
        cmocka_unit_test(our_own_files_are_pruned),
        cmocka_unit_test(cells_are_not_what_is_stored),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
