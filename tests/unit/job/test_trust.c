/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a user must be able to believe of a cache and its lists: half a session is known to be half, caps stay, a stopped build
 * says so, and a session nobody has bars of gets no list. */
#include "job/build_fixture.h"

static struct td_job_view run_universe(struct td_engine *engine, enum td_code code)
{
    const struct td_universe_job options = {.from = TD_NO_DAY, .to = TD_NO_DAY, .as_of = TD_NO_DAY, .screen = td_screen_default(), .top_k = 200};
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(td_job_universe(engine, &options, &id, &err), err);
    return wait_job(engine, id, code);
}

/* Minutes of one ticker's day; vouched for or fetched while the session was still going on. */
static void put_day(struct td_lake *lake, const char *day, size_t minutes, bool complete, const char *source)
{
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    const struct td_day_range range = {day_at(day), day_at(day)};
    const struct td_merge merge = {.source = source, .adjusted = "raw", .vouched = &range, .vouched_count = complete, .new_wins = true};
    add_minutes(&bars, day, minutes, 0);
    ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_MINUTE, "ABC", td_month_of(day_at(day)), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
}

static struct td_daily_row last_row(const struct td_lake *lake)
{
    struct td_rows rows = {0};
    struct td_err err = {0};
    ASSERT_OK(td_cache_read(lake, "ABC", &rows, &err), err);
    assert_true(rows.count > 0);
    struct td_daily_row row = ((const struct td_daily_row *)rows.items)[rows.count - 1];
    row.bars_from = row.close_src = NULL;
    td_rows_free(&rows);
    return row;
}

static void test_half_session(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_cache_job options = cache_options();
    options.incremental = true;
    put_day(f.lake.lake, "2025-12-03", 30, true, "rest");
    put_day(f.lake.lake, "2025-12-04", 30, true, "rest");
    put_day(f.lake.lake, "2025-12-05", 10, false, "rest");
    cache_build(f.engine, &options, TD_OK);
    assert_int_equal(last_row(f.lake.lake).trading_day, day_at("2025-12-05"));
    assert_int_equal(last_row(f.lake.lake).has_gaps, 1);
    put_day(f.lake.lake, "2025-12-05", 30, true, "rest"); /* the rest of the day arrives */
    cache_build(f.engine, &options, TD_OK);
    assert_int_equal(last_row(f.lake.lake).has_gaps, 0);
    engine_end(&f);
}

static void test_sparse(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_cache_job options = cache_options();
    put_day(f.lake.lake, "2025-12-05", 30, false, "csv"); /* a sparse import: nobody knows */
    cache_build(f.engine, &options, TD_OK);
    assert_int_equal(last_row(f.lake.lake).has_gaps, -1);
    engine_end(&f);
}

static void test_caps_stay(void **state)
{
    (void)state;
    static const char csv[] = "ticker,effective_from,effective_to,market_cap\nABC,2025-01-01,,4e8\n";
    static const char *const bad[] = {"ticker,effective_from,effective_to,market_cap\nABC,2025-01-01,,-1\n",
                                      "ticker,effective_from,effective_to,market_cap\nABC,2025-02-01,2025-01-01,1\n",
                                      "ticker,from,effective_to,market_cap\nABC,2025-02-01,,1\n", "\x1f\x8b\x08"};
    struct engine_fixture f = engine_new(2);
    struct td_cache_job options = cache_options();
    char path[300];
    snprintf(path, sizeof path, "%s/caps.csv", f.lake.root);
    spill(path, csv, sizeof csv - 1);
    put_day(f.lake.lake, "2025-12-05", 30, true, "rest");
    options.cap_file = path;
    cache_build(f.engine, &options, TD_OK);
    assert_true(last_row(f.lake.lake).market_cap_d == 4e8);
    options.cap_file = NULL;
    options.incremental = true;
    put_day(f.lake.lake, "2025-12-04", 30, true, "rest");
    cache_build(f.engine, &options, TD_OK);
    assert_true(last_row(f.lake.lake).market_cap_d == 4e8);
    for (size_t i = 0; i < TD_COUNT(bad); i++) { /* a bad file changes nothing */
        int id;
        struct td_err err = {0};
        spill(path, bad[i], strlen(bad[i]));
        options.cap_file = path;
        enum td_code code = td_job_cache(f.engine, &options, &id, &err);
        assert_true(code == TD_DATA || code == TD_UNSUPPORTED);
        assert_non_null(strstr(err.text, "caps.csv"));
    }
    options.cap_file = "none";
    cache_build(f.engine, &options, TD_OK);
    assert_true(isnan(last_row(f.lake.lake).market_cap_d));
    engine_end(&f);
}

static void test_stopped(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_cache_job options = cache_options();
    struct td_manifest manifest;
    struct td_err err = {0};
    char path[300];
    int id;
    snprintf(path, sizeof path, "%s/cache/daily/_SUCCESS", f.lake.root);
    put_day(f.lake.lake, "2025-12-05", 30, true, "rest");
    cache_build(f.engine, &options, TD_OK);
    assert_true(td_file_exists(path));
    ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
    assert_false(manifest.stopped);
    manifest.stopped = true;
    ASSERT_OK(td_manifest_write(f.lake.lake, &manifest, &err), err);
    td_manifest_free(&manifest);
    assert_false(td_file_exists(path));
    const struct td_universe_job universe = {.from = TD_NO_DAY, .to = TD_NO_DAY, .as_of = TD_NO_DAY, .screen = td_screen_default(), .top_k = 200};
    assert_int_equal(td_job_universe(f.engine, &universe, &id, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "cache build --incremental"));
    options.incremental = true;
    cache_build(f.engine, &options, TD_OK);
    assert_true(td_file_exists(path));
    run_universe(f.engine, TD_OK);
    engine_end(&f);
}

static void test_unknown_sessions(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_cache_job options = cache_options();
    struct td_days built = {0};
    struct td_err err = {0};
    put_day(f.lake.lake, "2025-11-03", 30, true, "rest");
    put_day(f.lake.lake, "2025-12-05", 30, true, "rest");
    cache_build(f.engine, &options, TD_OK);
    struct td_job_view view = run_universe(f.engine, TD_OK);
    assert_int_equal(view.counts.skipped, view.counts.planned - 3); /* two sessions and the rankings */
    ASSERT_OK(td_watch_days(f.lake.lake, &built, &err), err);
    assert_int_equal(built.count, 2);
    td_days_free(&built);
    /* a window that holds none of them leaves the published rankings alone */
    char path[300];
    struct td_buf before, after;
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.parquet", f.lake.root);
    slurp(path, &before);
    const struct td_universe_job early = {.from = TD_NO_DAY, .to = TD_NO_DAY, .as_of = day_at("2024-02-09"), .screen = td_screen_default(),
                                          .top_k = 200, .rankings_only = true};
    int id = 0;
    ASSERT_OK(td_job_universe(f.engine, &early, &id, &err), err);
    view = wait_job(f.engine, id, TD_MISSING);
    assert_int_equal(view.counts.failed, 1);
    slurp(path, &after);
    assert_true(same_bytes(&before, &after));
    td_buf_free(&before);
    td_buf_free(&after);
    engine_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_half_session), cmocka_unit_test(test_sparse), cmocka_unit_test(test_caps_stay),
                                       cmocka_unit_test(test_stopped), cmocka_unit_test(test_unknown_sessions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
