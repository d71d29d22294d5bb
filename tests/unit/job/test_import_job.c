/* SPDX-License-Identifier: GPL-3.0-or-later
 * import jobs: every row read is written, a duplicate or quarantined; nothing is lost when a file, the disk or memory fails. */
#include "job/job_fixture.h"

#include <tapedeck/parquet.h>

static struct td_job_view import_files(struct td_engine *engine, const char *const *files, size_t count,
                                       const struct td_import_job *how, enum td_code code)
{
    struct td_import_job job = *how;
    struct td_err err = {0};
    int id = 0;
    job.files = files;
    job.file_count = count;
    ASSERT_OK(td_job_import(engine, &job, &id, &err), err);
    return wait_job(engine, id, code);
}

static void assert_rows(const struct td_job_view *v)
{
    assert_int_equal(v->counts.rows_read, v->counts.rows_written + v->counts.rows_duplicate + quarantined(&v->counts));
}

static uint64_t rows_on_disk(const struct td_lake *lake, enum td_table table)
{
    struct td_bronze_list list = {0};
    struct td_err err = {0};
    uint64_t rows = 0;
    ASSERT_OK(td_bronze_scan(lake, table, &list, &err), err);
    for (size_t i = 0; i < list.count; i++) {
        struct td_bronze_info info;
        ASSERT_OK(td_bronze_stat(lake, table, list.items[i].ticker, list.items[i].month, &info, &err), err);
        rows += (uint64_t)info.rows;
        td_bronze_info_free(&info);
    }
    td_bronze_list_free(&list);
    return rows;
}

static void test_real(void **state)
{
    (void)state;
    static const char *const names[] = {"2025-01/AAPL.csv.gz", "2025-02/AAPL.csv.gz", "2025-01/APPS.csv.gz", "2025-02/APPS.csv.gz"};
    const char *files[TD_COUNT(names)];
    char paths[TD_COUNT(names)][1100];
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        char relative[200];
        snprintf(relative, sizeof relative, "fixtures/market/minute/us_2025q1_ext/%s", names[i]);
        SHARED_OR_SKIP(path, relative);
        td_copy(paths[i], sizeof paths[i], path);
        files[i] = paths[i];
    }
    struct engine_fixture f = engine_new(2);
    const struct td_import_job how = {.options = {.ticker_from_name = true}};
    struct td_job_view view = import_files(f.engine, files, TD_COUNT(files), &how, TD_OK);
    assert_true(view.counts.ok == 4 && view.counts.rows_read > 40000 && view.counts.bytes > 100000);
    assert_rows(&view);
    assert_int_equal(rows_on_disk(f.lake.lake, TD_STOCKS_MINUTE), view.counts.rows_written);
    uint64_t hash = tree_hash(f.lake.root), written = view.counts.rows_written;
    view = import_files(f.engine, files, TD_COUNT(files), &how, TD_OK);
    assert_true(view.counts.rows_written == 0 && view.counts.rows_duplicate >= written);
    assert_rows(&view);
    assert_true(tree_hash(f.lake.root) == hash);
    engine_end(&f);
}

/* ---- small files ---- */

#define HEAD "ticker,timestamp,open,high,low,close,volume\n"

static const char *text_file(const struct fixture *f, const char *name, const char *text)
{
    static char paths[8][200];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, 200, "%s/_runs/%s", f->root, name); /* inside, so that it goes with the lake */
    spill(path, text, strlen(text));
    return path;
}

static void test_counts(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    const struct td_import_job how = {0};
    const char *first = text_file(&f.lake, "a.csv",
                                  HEAD "ABCD,2025-09-02T13:30:00Z,10,11,9,10,100\n"
                                       "ABCD,2025-09-02T13:31:00Z,10,11,9,10,100\n"
                                       "ABCD,2025-09-02T13:31:00Z,10,11,9,10,100\n"  /* the same again */
                                       "ABCD,2025-09-02T13:32:00Z,10,9,11,10,100\n"  /* high below low */
                                       "ABCD,2025-09-02T13:33:00Z,10,11,9,10,100\n"
                                       "ABCD,2025-09-02T13:33:00Z,10,11,9,10.5,100\n"); /* one minute, two closes */
    struct td_job_view view = import_files(f.engine, &first, 1, &how, TD_OK);
    assert_true(view.counts.rows_read == 6 && view.counts.rows_written == 2 && view.counts.rows_duplicate == 1);
    assert_true(view.counts.quarantined[TD_REASON_OHLC] == 1 && view.counts.quarantined[TD_REASON_CONFLICT] == 2);
    assert_rows(&view);
    struct td_unit_view unit;
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_OK, &unit, 1), 1);
    assert_non_null(strstr(unit.why, "3 rows quarantined"));
    /* the lake's row stays against another one of its minute */
    const char *second = text_file(&f.lake, "b.csv",
                                   HEAD "ABCD,2025-09-02T13:30:00Z,10,11,9,10,100\n"
                                        "ABCD,2025-09-02T13:31:00Z,10,11,9,9.5,100\n"
                                        "ABCD,2025-10-01T13:31:00Z,10,11,9,9.5,100\n");
    view = import_files(f.engine, &second, 1, &how, TD_OK);
    assert_true(view.counts.rows_written == 1 && view.counts.rows_duplicate == 1 && view.counts.quarantined[TD_REASON_CONFLICT] == 1);
    assert_rows(&view);
    assert_int_equal(rows_on_disk(f.lake.lake, TD_STOCKS_MINUTE), 3);
    /* only bad rows: nothing to write, and said so */
    const char *bad = text_file(&f.lake, "c.csv", HEAD "ABCD,2025-09-02T13:30:00Z,-10,11,9,10,100\n");
    view = import_files(f.engine, &bad, 1, &how, TD_OK);
    assert_true(view.counts.empty == 1 && quarantined(&view.counts) == 1);
    engine_end(&f);
}

static void test_failures(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    struct td_bars adjusted = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    const struct td_merge basis = {.source = "csv", .adjusted = "2025-10-31"};
    add_minutes(&adjusted, "2025-10-02", 5, 0);
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_MINUTE, "ABCD", month_at("2025-10-01"), &adjusted, &basis, &counts, &err), err);
    td_bars_free(&adjusted);
    /* September goes in, October is of another basis: the file fails, and the counts say what is on disk */
    const char *files[] = {text_file(&f.lake, "a.csv", HEAD "ABCD,2025-09-02T13:30:00Z,10,11,9,10,100\n"
                                                            "ABCD,2025-10-02T13:30:00Z,10,11,9,10,100\n"),
                           "/nonexistent/file.csv", text_file(&f.lake, "good.csv", HEAD "EFGH,2025-09-02T13:30:00Z,10,11,9,10,100\n"),
                           text_file(&f.lake, "what.bin", "\x01\x02\x03 no table at all\n")};
    const struct td_import_job how = {0};
    struct td_job_view view = import_files(f.engine, files, 4, &how, TD_UNITS);
    assert_true(view.counts.failed == 3 && view.counts.ok == 1 && view.counts.rows_written == 2);
    assert_int_equal(rows_on_disk(f.lake.lake, TD_STOCKS_MINUTE), 5 + 2);
    struct td_unit_view units[4];
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_FAILED, units, 4), 3);
    assert_non_null(strstr(units[0].why, "bases never mix"));
    assert_non_null(strstr(units[1].why, "/nonexistent/file.csv"));
    assert_string_equal(units[1].key, "file.csv");
    /* the way out that the message names */
    const struct td_import_job replace = {.replace = true};
    view = import_files(f.engine, files, 1, &replace, TD_OK);
    assert_true(view.counts.rows_written == 2);
    assert_int_equal(rows_on_disk(f.lake.lake, TD_STOCKS_MINUTE), 3);
    engine_end(&f);
}

static void test_replace_and_sparse(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_err err = {0};
    const char *old = text_file(&f.lake, "old.csv", HEAD "ABCD,2025-09-02T13:30:00Z,10,11,9,10,100\nABCD,2025-09-05T13:30:00Z,10,11,9,10,100\n");
    /* two files of one job that hold one month: the first empties it, the second does not */
    const char *files[] = {text_file(&f.lake, "n1.csv", HEAD "ABCD,2025-09-08T13:30:00Z,10,11,9,10,100\n"),
                           text_file(&f.lake, "n2.csv", HEAD "ABCD,2025-09-09T13:30:00Z,10,11,9,10,100\n")};
    const struct td_import_job plain = {0}, replace = {.replace = true}, sparse = {.sparse = true}, dry = {.dry_run = true};
    struct td_bronze_info info;
    int32_t month = month_at("2025-09-01");
    struct td_job_view view = import_files(f.engine, &old, 1, &dry, TD_OK);
    assert_int_equal(view.counts.rows_written, 2); /* would be */
    assert_int_equal(rows_on_disk(f.lake.lake, TD_STOCKS_MINUTE), 0);
    import_files(f.engine, &old, 1, &plain, TD_OK);
    ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "ABCD", month, &info, &err), err);
    assert_true(info.vouched.count == 1 && info.vouched.items[0].from == day_at("2025-09-02") && info.vouched.items[0].to == day_at("2025-09-05"));
    td_bronze_info_free(&info);
    import_files(f.engine, files, 2, &replace, TD_OK);
    ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "ABCD", month, &info, &err), err);
    assert_true(info.rows == 2 && info.vouched.items[0].from == day_at("2025-09-08"));
    td_bronze_info_free(&info);
    const char *gaps = text_file(&f.lake, "gaps.csv", HEAD "WXYZ,2025-08-02T13:30:00Z,10,11,9,10,100\nWXYZ,2025-10-05T13:30:00Z,10,11,9,10,100\n");
    import_files(f.engine, &gaps, 1, &sparse, TD_OK);
    assert_int_equal(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "WXYZ", month, &info, &err), TD_MISSING);
    ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "WXYZ", month_at("2025-10-01"), &info, &err), err);
    assert_int_equal(info.vouched.count, 0);
    td_bronze_info_free(&info);
    import_files(f.engine, &gaps, 1, &plain, TD_OK); /* the same file without --sparse vouches for the month between */
    ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "WXYZ", month, &info, &err), err);
    assert_true(info.rows == 0 && td_ranges_cover(&info.vouched, day_at("2025-09-01"), day_at("2025-09-30")));
    td_bronze_info_free(&info);
    engine_end(&f);
}

static void test_adjusted(void **state)
{
    (void)state;
    static const struct {
        const char *adjusted, *option, *want;
    } cases[] = {{"true", NULL, "adjusted"}, {"false", NULL, "raw"}, {"true", "2025-09-30", "2025-09-30"}, {"true", "raw", "raw"}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct engine_fixture f = engine_new(1);
        struct td_bronze_info info;
        struct td_err err = {0};
        char text[400];
        snprintf(text, sizeof text,
                 "{\"ticker\":\"ABCD\",\"adjusted\":%s,\"status\":\"OK\",\"resultsCount\":1,\"results\":[{\"v\":100,\"vw\":10,\"o\":10,"
                 "\"c\":10,\"h\":11,\"l\":9,\"t\":1756819800000,\"n\":3}]}", cases[i].adjusted);
        const char *file = text_file(&f.lake, "a.json", text);
        const struct td_import_job how = {.adjusted = cases[i].option};
        import_files(f.engine, &file, 1, &how, TD_OK);
        ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "ABCD", month_at("2025-09-01"), &info, &err), err);
        assert_string_equal(info.adjusted, cases[i].want);
        td_bronze_info_free(&info);
        engine_end(&f);
    }
}

/* A Parquet file of our own bronze comes in by way of import with the same values. */
static void test_parquet(void **state)
{
    (void)state;
    struct engine_fixture from = engine_new(1), to = engine_new(1);
    struct td_bars bars = {0}, back = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    const struct td_merge csv = {.source = "csv", .adjusted = "raw"};
    char path[300];
    add_minutes(&bars, "2025-09-02", 300, 0);
    ASSERT_OK(td_bronze_merge(from.lake.lake, TD_STOCKS_MINUTE, "O:X", month_at("2025-09-01"), &bars, &csv, &counts, &err), err);
    snprintf(path, sizeof path, "%s/bronze/stocks_minute/year=2025/month=09/ticker=O%%3AX.parquet", from.lake.root);
    const char *file = path;
    const struct td_import_job how = {0};
    struct td_job_view view = import_files(to.engine, &file, 1, &how, TD_OK);
    assert_true(view.counts.rows_written == 300 && view.counts.rows_read == 300);
    ASSERT_OK(td_bronze_read(to.lake.lake, TD_STOCKS_MINUTE, "O:X", month_at("2025-09-01"), &back, NULL, &err), err);
    for (size_t i = 0; i < bars.n; i++) {
        struct td_bar a = td_bars_get(&bars, i), b = td_bars_get(&back, i);
        assert_true(td_bar_same(&a, &b));
    }
    td_bars_free(&bars);
    td_bars_free(&back);
    engine_end(&from);
    engine_end(&to);
}

struct pressed {
    struct fixture *lake;
    const char *file;
};

static int import_in_child(void *ctx)
{
    const struct pressed *p = ctx;
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 1};
    const struct td_import_job job = {.files = &p->file, .file_count = 1};
    struct td_job_view view;
    struct td_err err = {0};
    int id;
    if (td_engine_new(p->lake->lake, &options, &engine, &err) != TD_OK || td_job_import(engine, &job, &id, &err) != TD_OK)
        return 1;
    enum td_code code = td_job_wait(engine, id, NULL, NULL, &view, &err);
    td_engine_free(engine);
    if (code != TD_IO && code != TD_FULL)
        return 2;
    return view.counts.rows_written == 0 && strstr(err.text, "ABCD") ? 0 : 3;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    const char *one = text_file(&f.lake, "one.csv", HEAD "ABCD,2025-09-02T13:30:00Z,10,11,9,10,100\n");
    const struct td_import_job how = {0};
    import_files(f.engine, &one, 1, &how, TD_OK);
    uint64_t hash = tree_hash(f.lake.root);
    struct td_buf text;
    td_buf_init(&text, 1 << 20);
    td_buf_adds(&text, HEAD);
    for (int i = 0; i < 1000; i++)
        td_buf_printf(&text, "ABCD,2025-09-%02dT%02d:%02d:00Z,%d.%02d,%d,9,10,%d\n", 2 + i / 400, 14 + i % 400 / 60, i % 60, 10 + i % 7, i % 100, 30 + i, i * 7919 % 1000);
    struct pressed p = {&f.lake, text_file(&f.lake, "many.csv", text.data)};
    td_buf_free(&text);
    engine_rest(&f);
    assert_int_equal(in_child(import_in_child, &p, 3000), 0);
    engine_wake(&f);
    assert_true(tree_hash(f.lake.root) == hash); /* the old file, and no temporary */
    struct td_job_view view = import_files(f.engine, &p.file, 1, &how, TD_OK);
    assert_true(view.counts.rows_written > 990);
    engine_end(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    const char *file = text_file(&f.lake, "one.csv", HEAD "ABCD,2025-09-02T13:30:00Z,10,11,9,10,100\nABCD,2025-10-02T13:30:00Z,10,11,9,10,100\n");
    bool done = false;
    for (long n = 1; n < 2000 && !done; n++) {
        const struct td_import_job job = {.files = &file, .file_count = 1, .options = {.columns = "volume=volume"}};
        struct td_err err = {0};
        struct td_job_view view;
        int id;
        td_alloc_fail_after(n);
        enum td_code code = td_job_import(f.engine, &job, &id, &err);
        if (code == TD_OK) {
            code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
            td_alloc_fail_after(0);
            assert_reconciled(&view);
            done = code == TD_OK;
            if (code == TD_NOMEM && n % 10 == 0) {
                ASSERT_OK(td_job_retry_failed(f.engine, id, &err), err);
                wait_job(f.engine, id, TD_OK);
            }
        }
        td_alloc_fail_after(0);
        if (code != TD_OK && code != TD_NOMEM)
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        assert_int_equal(leftovers(f.lake.lake), 0);
    }
    assert_true(done);
    assert_int_equal(rows_on_disk(f.lake.lake, TD_STOCKS_MINUTE), 2);
    engine_end(&f);
}

/* A line about a unit names it once. */
static void test_unit_text(void **state)
{
    (void)state;
    static const struct {
        const char *key, *why, *line;
    } cases[] = {{"x.csv", "/data/x.csv: no column 'close'", "/data/x.csv: no column 'close'"},
                 {"x.csv", "x.csv:3: short", "x.csv:3: short"},
                 {"x.csv", "/data/yx.csv: short", "x.csv: /data/yx.csv: short"},
                 {"MEGA 2025-12", "out of memory", "MEGA 2025-12: out of memory"}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char line[100];
        td_unit_text(cases[i].key, cases[i].why, line, sizeof line);
        assert_string_equal(line, cases[i].line);
    }
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unit_text), cmocka_unit_test(test_real),     cmocka_unit_test(test_counts),  cmocka_unit_test(test_failures),
        cmocka_unit_test(test_replace_and_sparse), cmocka_unit_test(test_adjusted), cmocka_unit_test(test_parquet),
        cmocka_unit_test(test_full_disk), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
