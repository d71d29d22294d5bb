/* SPDX-License-Identifier: GPL-3.0-or-later
 * ingest against the simulated vendor: every bar of the truth arrives, whatever the network does, and is counted. */
#include "job/job_fixture.h"

#define FROM "2025-11-03"
#define TO "2025-12-05"

static const char *const tickers[] = {"BApA", "MEGA", "NA", "RUNA", "TEL.B"};

struct vendor {
    struct td_sim *sim;
    char url[64];
};

static struct vendor vendor_new(const char *const *faults, size_t count)
{
    struct vendor v = {0};
    const struct td_sim_options options = {.tickers = 40, .sessions = 5, .daily_sessions = 60, .faults = faults, .fault_count = count};
    struct td_err err = {0};
    int port = 0;
    ASSERT_OK(td_job_sim_start(&options, &v.sim, &port, &err), err);
    snprintf(v.url, sizeof v.url, "http://127.0.0.1:%d", port);
    return v;
}

static struct td_ingest_options wish(const struct vendor *v, const char *table)
{
    return (struct td_ingest_options){.table = table, .from = day_at(FROM), .to = day_at(TO), .tickers = tickers,
                                      .ticker_count = TD_COUNT(tickers), .base_url = v->url, .key = "demo",
                                      .retries = 30, .timeout_s = 120, .max_concurrent = 8}; /* one request meets 30 faults in a row never */
}

static struct td_job_view ingest(struct td_engine *engine, const struct td_ingest_options *options, enum td_code code)
{
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(td_job_ingest(engine, options, &id, &err), err);
    return wait_job(engine, id, code);
}

static void assert_rows(const struct td_job_view *v)
{
    assert_int_equal(v->counts.rows_read, v->counts.rows_written + v->counts.rows_duplicate + quarantined(&v->counts));
}

/* The lake holds exactly what the generator would have said. */
static void assert_truth(const struct td_lake *lake, const struct td_sim *sim, enum td_table table, uint64_t *total)
{
    struct td_err err = {0};
    *total = 0;
    for (size_t i = 0; i < TD_COUNT(tickers); i++) {
        struct td_bars want = {0}, have = {0};
        struct td_ranges vouched = {0};
        for (td_day day = day_at(FROM); day <= day_at(TO); day++)
            if (td_cal_index(day) >= 0)
                ASSERT_OK(td_sim_session(sim, tickers[i], day, table == TD_STOCKS_DAILY, &want, &err), err);
        ASSERT_OK(td_bronze_range(lake, table, tickers[i], day_at(FROM), day_at(TO), &have, &vouched, &err), err);
        if (have.n != want.n)
            fail_msg("%s: %zu bars instead of %zu", tickers[i], have.n, want.n);
        for (size_t k = 0; k < want.n; k++) {
            struct td_bar a = td_bars_get(&want, k), b = td_bars_get(&have, k);
            if (!td_bar_same(&a, &b))
                fail_msg("%s: bar %zu differs", tickers[i], k);
        }
        assert_true(td_ranges_cover(&vouched, day_at(FROM), day_at(TO)));
        *total += want.n;
        td_ranges_free(&vouched);
        td_bars_free(&want);
        td_bars_free(&have);
    }
}

static void test_truth(void **state)
{
    (void)state;
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture f = engine_new(2);
    uint64_t total;
    char temp[300];
    snprintf(temp, sizeof temp, "%s/bronze/stocks_minute/year=2025/month=12/ticker=NA.parquet.td-tmp.1.1", f.lake.root);
    spill(temp, "x", 1);
    struct td_ingest_options options = wish(&v, "stocks_minute");
    struct td_job_view view = ingest(f.engine, &options, TD_OK);
    assert_truth(f.lake.lake, v.sim, TD_STOCKS_MINUTE, &total);
    assert_true(total > 5 * 960 && view.counts.planned == 10 && view.counts.ok == 5 && view.counts.empty == 5);
    assert_true(view.counts.rows_read == total && view.counts.rows_written == total);
    assert_string_equal(view.title, "stocks_minute 2025-11-03..2025-12-05  5 tickers");
    assert_int_equal(leftovers(f.lake.lake), 0); /* a killed run's temporary is swept */
    uint64_t hash = tree_hash(f.lake.root);
    /* again: all of it is there already, and nothing is written */
    view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.rows_written == 0 && view.counts.rows_duplicate == total);
    assert_rows(&view);
    assert_true(tree_hash(f.lake.root) == hash);
    /* incremental: nothing is even asked for */
    options.incremental = true;
    view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.skipped == 10 && view.counts.rows_read == 0 && view.counts.bytes == 0);
    struct td_unit_view unit;
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_SKIPPED, &unit, 1), 1);
    assert_string_equal(unit.why, "complete");
    /* daily bars: a unit is a year */
    options = wish(&v, "stocks_daily");
    view = ingest(f.engine, &options, TD_OK);
    assert_truth(f.lake.lake, v.sim, TD_STOCKS_DAILY, &total);
    assert_true(view.counts.planned == 5 && view.counts.rows_written == total);
    /* without tickers: the lake's own list */
    options.ticker_count = 0;
    view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.planned == 5 && view.counts.rows_duplicate == total);
    engine_end(&f);
    td_sim_free(v.sim);
}

/* Months come in pieces: the incremental run asks for what is missing, and the lake ends the same. */
static void test_pieces(void **state)
{
    (void)state;
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture whole = engine_new(2), parts = engine_new(2);
    struct td_ingest_options options = wish(&v, "stocks_minute");
    ingest(whole.engine, &options, TD_OK);
    options.to = day_at("2025-12-02");
    struct td_job_view first = ingest(parts.engine, &options, TD_OK);
    options.to = day_at(TO);
    options.incremental = true;
    struct td_job_view second = ingest(parts.engine, &options, TD_OK);
    assert_true(second.counts.skipped == 5); /* November is whole */
    assert_int_equal(second.counts.rows_duplicate, 0); /* December goes on after the 2nd */
    assert_true(first.counts.rows_written > 0 && second.counts.rows_written > 0);
    assert_true(tree_hash(whole.lake.root) == tree_hash(parts.lake.root));
    engine_end(&whole);
    engine_end(&parts);
    td_sim_free(v.sim);
}

static void test_faults(void **state)
{
    (void)state;
    struct vendor good = vendor_new(NULL, 0);
    struct engine_fixture want = engine_new(2);
    struct td_ingest_options options = wish(&good, "stocks_minute");
    ingest(want.engine, &options, TD_OK);
    uint64_t hash = tree_hash(want.lake.root);
    static const char *const faults[][4] = {
        {"429=0.05", "page=1500"}, {"500=0.2", "page=1500"}, {"truncate=0.2", "page=700"}, {"cutjson=0.1", "reset=0.1", "numbers=1", "delayed=0.5"},
    };
    for (size_t i = 0; i < TD_COUNT(faults); i++) {
        size_t count = 0;
        while (count < 4 && faults[i][count])
            count++;
        struct vendor bad = vendor_new(faults[i], count);
        struct engine_fixture f = engine_new(2);
        options = wish(&bad, "stocks_minute");
        struct td_job_view view = ingest(f.engine, &options, TD_OK);
        assert_rows(&view);
        if (tree_hash(f.lake.root) != hash)
            fail_msg("%s: another lake", faults[i][0]);
        engine_end(&f);
        td_sim_free(bad.sim);
    }
    engine_end(&want);
    td_sim_free(good.sim);
}

/* Units that fail in the middle of their pages begin anew when they are retried. */
static void test_retry_pages(void **state)
{
    (void)state;
    struct vendor good = vendor_new(NULL, 0);
    struct engine_fixture want = engine_new(2);
    struct td_ingest_options options = wish(&good, "stocks_minute");
    struct td_job_view whole = ingest(want.engine, &options, TD_OK);
    static const char *const faults[] = {"cursor=0.25", "page=900"};
    struct vendor bad = vendor_new(faults, 2);
    struct engine_fixture f = engine_new(2);
    options = wish(&bad, "stocks_minute");
    int id = 0;
    struct td_err err = {0};
    struct td_job_view view;
    ASSERT_OK(td_job_ingest(f.engine, &options, &id, &err), err);
    bool failed = false;
    for (int tries = 0; tries < 200 && td_job_wait(f.engine, id, NULL, NULL, &view, &err) != TD_OK; tries++) {
        failed = true;
        assert_reconciled(&view);
        struct td_unit_view unit;
        assert_int_equal(td_job_units(f.engine, id, TD_UNIT_FAILED, &unit, 1), 1);
        assert_non_null(strstr(unit.why, "next_url"));
        ASSERT_OK(td_job_retry_failed(f.engine, id, &err), err);
    }
    assert_true(failed);
    view = wait_job(f.engine, id, TD_OK);
    assert_rows(&view);
    assert_int_equal(view.counts.rows_written, whole.counts.rows_written);
    /* A cursor that leads back to a first page has another text than its first request: the page comes twice and counts so. */
    assert_int_equal(view.counts.rows_read - view.counts.rows_duplicate, whole.counts.rows_read - whole.counts.rows_duplicate);
    assert_true(tree_hash(f.lake.root) == tree_hash(want.lake.root));
    engine_end(&f);
    engine_end(&want);
    td_sim_free(bad.sim);
    td_sim_free(good.sim);
}

static void test_refused(void **state)
{
    (void)state;
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture f = engine_new(2);
    struct td_ingest_options options = wish(&v, "stocks_minute");
    struct td_err err = {0};
    int id;
    options.key = "wrong-key-1234567";
    struct td_job_view view = ingest(f.engine, &options, TD_AUTH);
    assert_true(view.state == TD_JOB_FAILED && view.counts.failed >= 1 && view.counts.ok == 0);
    assert_int_equal(td_exit_status(view.code), 5);
    assert_null(strstr(view.message, "wrong-key"));
    assert_int_equal(tree_hash(f.lake.root), tree_hash(f.lake.root));
    struct td_bronze_list list = {0};
    ASSERT_OK(td_bronze_scan(f.lake.lake, TD_STOCKS_MINUTE, &list, &err), err);
    assert_int_equal(list.count, 0);
    td_bronze_list_free(&list);
    static const struct {
        const char *table, *ticker;
        const char *from, *to;
        size_t count;
        enum td_code code;
        const char *text;
    } cases[] = {
        {"stocks_hourly", "NA", FROM, TO, 1, TD_USAGE, "stocks_minute"},
        {"stocks_minute", "N A", FROM, TO, 1, TD_USAGE, "--tickers"},
        {"stocks_minute", "NA", TO, FROM, 1, TD_USAGE, "range"},
        {"stocks_minute", "NA", FROM, TO, 0, TD_USAGE, "--tickers-file"}, /* and the lake has none of its own */
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        options = wish(&v, cases[i].table);
        options.tickers = &cases[i].ticker;
        options.ticker_count = cases[i].count;
        options.from = day_at(cases[i].from);
        options.to = day_at(cases[i].to);
        enum td_code code = td_job_ingest(f.engine, &options, &id, &err);
        if (code != cases[i].code || !strstr(err.text, cases[i].text))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
    }
    /* no vendor at all */
    options = wish(&v, "stocks_minute");
    options.base_url = "http://127.0.0.1:1";
    options.retries = 1;
    options.ticker_count = 1;
    view = ingest(f.engine, &options, TD_NETWORK);
    assert_int_equal(view.counts.failed, 2);
    engine_end(&f);
    td_sim_free(v.sim);
}

static void test_unknown_ticker(void **state)
{
    (void)state;
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture f = engine_new(1);
    static const char *const nobody[] = {"NOBODY", "na"}; /* case matters */
    struct td_ingest_options options = wish(&v, "stocks_minute");
    options.tickers = nobody;
    options.ticker_count = 2;
    struct td_job_view view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.empty == 4 && view.counts.rows_read == 0);
    struct td_unit_view unit;
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_EMPTY, &unit, 1), 1);
    assert_non_null(strstr(unit.why, "no bars"));
    struct td_bronze_info info;
    struct td_err err = {0};
    struct td_bronze_list list = {0};
    ASSERT_OK(td_bronze_scan(f.lake.lake, TD_STOCKS_MINUTE, &list, &err), err);
    assert_int_equal(list.count, 0); /* misspelt names become no tickers of the lake */
    static const char *const somebody[] = {"NOBODY", "MEGA"};
    options.tickers = somebody;
    view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.empty == 3 && view.counts.ok == 1); /* the market is five sessions old */
    ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "NOBODY", month_at("2025-12-01"), &info, &err), err);
    assert_true(info.rows == 0 && td_ranges_cover(&info.vouched, day_at("2025-12-01"), day_at(TO))); /* known empty */
    td_bronze_info_free(&info);
    engine_end(&f);
    td_sim_free(v.sim);
}

/* The session of today is not over: its bars come in, but nothing vouches for it, and the next run asks again. */
static void test_running_session(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture f = engine_new(1);
    ASSERT_OK(td_clock_init("2025-12-05T20:30:00Z", &err), err);
    struct td_ingest_options options = wish(&v, "stocks_minute");
    ingest(f.engine, &options, TD_OK);
    ASSERT_OK(td_clock_init("2025-12-06T12:00:00Z", &err), err);
    struct td_bronze_info info;
    ASSERT_OK(td_bronze_stat(f.lake.lake, TD_STOCKS_MINUTE, "MEGA", month_at("2025-12-01"), &info, &err), err);
    assert_int_equal(info.vouched.items[info.vouched.count - 1].to, day_at("2025-12-04"));
    assert_int_equal(info.last_day, day_at("2025-12-05"));
    td_bronze_info_free(&info);
    options.incremental = true;
    struct td_job_view view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.skipped == 5 && view.counts.ok == 5);
    view = ingest(f.engine, &options, TD_OK);
    assert_int_equal(view.counts.skipped, 10);
    engine_end(&f);
    td_sim_free(v.sim);
}

static void test_other_source(void **state)
{
    (void)state;
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture f = engine_new(2);
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    const struct td_merge csv = {.source = "csv", .adjusted = "raw"};
    add_minutes(&bars, "2025-12-03", 5, 0);
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_MINUTE, "NA", month_at("2025-12-01"), &bars, &csv, &counts, &err), err);
    struct td_ingest_options options = wish(&v, "stocks_minute");
    struct td_job_view view = ingest(f.engine, &options, TD_UNITS);
    assert_true(view.counts.failed == 1 && view.counts.ok == 4);
    struct td_unit_view unit;
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_FAILED, &unit, 1), 1);
    assert_string_equal(unit.key, "NA 2025-12");
    assert_non_null(strstr(unit.why, "--replace"));
    struct td_bars back = {0};
    ASSERT_OK(td_bronze_read(f.lake.lake, TD_STOCKS_MINUTE, "NA", month_at("2025-12-01"), &back, NULL, &err), err);
    assert_int_equal(back.n, 5);
    td_bars_free(&back);
    td_bars_free(&bars);
    engine_end(&f);
    td_sim_free(v.sim);
}

static void cancel_at_progress(void *ctx, const struct td_job_view *view)
{
    if (view->counts.ok + view->counts.empty >= 3)
        td_job_cancel(ctx, view->id);
}

static void test_cancel_and_go_on(void **state)
{
    (void)state;
    static const char *const slow[] = {"page=400"};
    struct vendor v = vendor_new(slow, 1);
    struct engine_fixture whole = engine_new(2), f = engine_new(2);
    struct td_ingest_options options = wish(&v, "stocks_minute");
    struct td_err err = {0};
    struct td_job_view view;
    int id = 0;
    ingest(whole.engine, &options, TD_OK);
    options.max_concurrent = 2;
    ASSERT_OK(td_job_ingest(f.engine, &options, &id, &err), err);
    enum td_code code = td_job_wait(f.engine, id, cancel_at_progress, f.engine, &view, &err);
    assert_true(code == TD_CANCELLED || code == TD_OK); /* it may have been quicker than the cancel */
    assert_reconciled(&view);
    assert_int_equal(view.counts.failed, 0);
    options.incremental = true;
    view = ingest(f.engine, &options, TD_OK);
    assert_true(tree_hash(f.lake.root) == tree_hash(whole.lake.root));
    engine_end(&f);
    engine_end(&whole);
    td_sim_free(v.sim);
}

static void test_reference(void **state)
{
    (void)state;
    struct vendor v = vendor_new(NULL, 0);
    struct engine_fixture f = engine_new(2);
    struct td_err err = {0};
    static const char *const tables[] = {"splits", "tickers"};
    for (size_t i = 0; i < 2; i++) {
        struct td_ingest_options options = wish(&v, tables[i]);
        struct td_job_view view = ingest(f.engine, &options, TD_OK);
        assert_true(view.counts.rows_read > 0 && view.counts.rows_written > 0);
        assert_rows(&view);
        uint64_t rows = view.counts.rows_read, hash = tree_hash(f.lake.root);
        leave_half(f.lake.lake, tables[i]);
        view = ingest(f.engine, &options, TD_OK);
        assert_int_equal(leftovers(f.lake.lake), 0);
        assert_true(view.counts.rows_read == rows && view.counts.rows_written == 0 && view.counts.rows_duplicate == rows);
        assert_true(tree_hash(f.lake.root) == hash);
    }
    /* what the lake knows besides stays; a split told twice is one; the new row wins */
    struct td_buf path;
    struct td_rows rows;
    td_buf_init(&path, 2048);
    ASSERT_OK(td_reference_path(f.lake.lake, "splits", &path, &err), err);
    ASSERT_OK(td_table_read(path.data, &td_split_record, &rows, NULL, NULL, &err), err);
    size_t count = rows.count;
    struct td_split_row *own = calloc(count + 1, sizeof *own);
    memcpy(own, rows.items, count * sizeof *own);
    own[0].split_to *= 3; /* was wrong in the lake */
    own[count] = (struct td_split_row){.execution_date = day_at("2020-01-02"), .split_from = 1, .split_to = 2};
    td_copy(own[count].ticker, sizeof own[count].ticker, "ZZZ");
    ASSERT_OK(td_table_write(path.data, &td_split_record, own, count + 1, NULL, 0, &err), err);
    td_rows_free(&rows);
    struct td_ingest_options options = wish(&v, "splits");
    struct td_job_view view = ingest(f.engine, &options, TD_OK);
    assert_true(view.counts.rows_written == 1 && view.counts.rows_duplicate == view.counts.rows_read - 1);
    ASSERT_OK(td_table_read(path.data, &td_split_record, &rows, NULL, NULL, &err), err);
    assert_int_equal(rows.count, count + 1);
    const struct td_split_row *items = rows.items;
    assert_string_equal(items[count].ticker, "ZZZ");
    assert_true(items[0].split_to * 3 == own[0].split_to); /* NOLINT: exact values */
    for (size_t i = 1; i < rows.count; i++)
        assert_true(strcmp(items[i - 1].ticker, items[i].ticker) < 0 || items[i - 1].execution_date < items[i].execution_date);
    td_rows_free(&rows);
    td_buf_free(&path);
    free(own);
    engine_end(&f);
    td_sim_free(v.sim);
}

/* ---- no memory: the vendor is another process, so that only ours runs out ---- */

static void test_no_memory(void **state)
{
    (void)state;
    int told[2], stop[2], port = 0;
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(stop), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char c;
        struct vendor v = vendor_new(NULL, 0);
        close(stop[1]);
        int64_t parsed = 0;
        td_parse_i64(v.url + strlen("http://127.0.0.1:"), strlen(v.url) - strlen("http://127.0.0.1:"), &parsed);
        port = (int)parsed;
        if (write(told[1], &port, sizeof port) == sizeof port)
            while (read(stop[0], &c, 1) > 0) {
            }
        _exit(0);
    }
    close(stop[0]);
    assert_int_equal(read(told[0], &port, sizeof port), sizeof port);
    struct vendor v = {0};
    snprintf(v.url, sizeof v.url, "http://127.0.0.1:%d", port);
    struct engine_fixture f = engine_new(1);
    static const char *const tables[] = {"stocks_minute", "splits", "tickers", "renames"};
    size_t table = 0;
    for (long n = 1; n < 4000 && table < TD_COUNT(tables); n += n < 40 ? 1 : 17) {
        bool done = false;
        struct td_ingest_options options = wish(&v, tables[table]);
        struct td_err err = {0};
        struct td_job_view view;
        int id = 0;
        options.tickers = &tickers[2];
        options.ticker_count = 1;
        td_alloc_fail_after(n);
        enum td_code code = td_job_ingest(f.engine, &options, &id, &err);
        if (code == TD_OK) {
            code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
            td_alloc_fail_after(0);
            assert_reconciled(&view);
            done = code == TD_OK;
        }
        td_alloc_fail_after(0);
        if (code != TD_OK && code != TD_NOMEM)
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        assert_int_equal(leftovers(f.lake.lake), 0);
        table += done;
        n = done ? 0 : n;
    }
    assert_int_equal(table, TD_COUNT(tables));
    close(stop[1]);
    close(told[0]);
    close(told[1]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    engine_end(&f);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory), cmocka_unit_test(test_truth),
        cmocka_unit_test(test_pieces),    cmocka_unit_test(test_faults),          cmocka_unit_test(test_retry_pages),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_unknown_ticker),  cmocka_unit_test(test_running_session),
        cmocka_unit_test(test_other_source), cmocka_unit_test(test_cancel_and_go_on), cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
