/* SPDX-License-Identifier: GPL-3.0-or-later
 * universe build and topn: watchlists equal the screen over the cache, rankings equal a count over the watchlists, and
 * neither mixes thresholds, presets or sessions that no cache knows. */
#include "job/build_fixture.h"

static struct td_universe_job universe_options(void)
{
    return (struct td_universe_job){.from = TD_NO_DAY, .to = TD_NO_DAY, .as_of = TD_NO_DAY, .screen = td_screen_default(), .top_k = 5};
}

static struct td_job_view universe(struct td_engine *engine, const struct td_universe_job *options, enum td_code code)
{
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(td_job_universe(engine, options, &id, &err), err);
    return wait_job(engine, id, code);
}

/* Daily bars of some tickers are enough for lists. */
static struct engine_fixture listed_lake(struct td_sim *sim, size_t tickers)
{
    struct engine_fixture f = engine_new(2);
    struct td_cache_job job = cache_options();
    for (size_t t = 0; t < tickers; t++) {
        struct td_bars bars = {0};
        struct td_err err = {0};
        for (td_day day = td_sim_first_session(sim, true); day <= td_sim_last_session(sim); day++)
            if (td_cal_index(day) >= 0)
                ASSERT_OK(td_sim_session(sim, td_sim_ticker(sim, t), day, true, &bars, &err), err);
        for (int32_t month = td_month_of(td_sim_first_session(sim, true)); month <= td_month_of(td_sim_last_session(sim)); month++) {
            const struct td_day_range range = {td_month_first(month), td_month_last(month)};
            const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &range, .vouched_count = 1};
            struct td_merge_counts counts;
            struct td_bars part = job_month_slice(&bars, month);
            ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_DAILY, td_sim_ticker(sim, t), month, &part, &merge, &counts, &err), err);
        }
        td_bars_free(&bars);
    }
    cache_build(f.engine, &job, TD_OK);
    return f;
}

static size_t check_day(const struct td_lake *lake, const struct td_sim *sim, size_t tickers, td_day day, uint64_t *rich)
{
    struct td_rows list;
    struct td_err err = {0};
    char thresholds[17], want_hash[17], preset[16];
    struct td_screen screen = td_screen_default();
    const struct td_reference nothing = {.test_ticker = -1};
    ASSERT_OK(td_watch_read(lake, day, &list, thresholds, &err), err);
    td_screen_hash(&screen, want_hash);
    assert_string_equal(thresholds, want_hash);
    ASSERT_OK(td_watch_meta(lake, day, thresholds, preset, &err), err);
    assert_string_equal(thresholds, want_hash);
    assert_string_equal(preset, "session");
    const struct td_watch_row *rows = list.items;
    size_t listed = 0;
    for (size_t t = 0; t < tickers; t++) {
        struct td_rows daily;
        ASSERT_OK(td_cache_read(lake, td_sim_ticker(sim, t), &daily, &err), err);
        const struct td_daily_row *cached = daily.items;
        for (size_t i = 0; i < daily.count; i++) {
            struct td_watch_row want;
            if (cached[i].trading_day != day || !td_screen_row(&screen, &cached[i], &nothing, &want))
                continue;
            listed++;
            size_t k = 0;
            while (k < list.count && strcmp(rows[k].ticker, want.ticker) != 0)
                k++;
            assert_true(k < list.count);
            for (size_t c = 0; c < td_watch_record.count; c++) {
                struct td_cell a = td_record_cell(&td_watch_record.fields[c], &rows[k]), b = td_record_cell(&td_watch_record.fields[c], &want);
                assert_int_equal(a.kind, b.kind);
                if (a.kind == TD_KIND_F64)
                    assert_memory_equal(&a.v.f, &b.v.f, sizeof a.v.f);
                else if (a.kind == TD_KIND_BOOL)
                    assert_int_equal(a.v.b, b.v.b);
                else if (a.kind == TD_KIND_STR)
                    assert_int_equal(td_str_cmp(a.v.s, b.v.s), 0);
            }
            *rich += want.info_rich == 1;
        }
        td_rows_free(&daily);
    }
    assert_int_equal(listed, list.count);
    for (size_t i = 1; i < list.count; i++)
        assert_true(td_watch_compare(&rows[i - 1], &rows[i]) < 0);
    td_rows_free(&list);
    return listed;
}

static void read_topn(const struct td_lake *lake, const char *root, struct td_rows *rows, struct td_buf *csv)
{
    struct td_err err = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.parquet", root);
    ASSERT_OK(td_table_read(path, &td_topn_record, rows, NULL, NULL, &err), err);
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.csv", root);
    slurp(path, csv);
    (void)lake;
}

static bool traded(const struct td_lake *lake, const char *ticker, td_day from, td_day to)
{
    struct td_rows daily;
    struct td_err err = {0};
    bool found = false;
    ASSERT_OK(td_cache_read(lake, ticker, &daily, &err), err);
    const struct td_daily_row *rows = daily.items;
    for (size_t i = 0; i < daily.count; i++)
        found |= rows[i].trading_day >= from && rows[i].trading_day <= to;
    td_rows_free(&daily);
    return found;
}

/* The ranking, counted again from the watchlists of first..last. */
static void check_topn(const struct fixture *f, td_day first, td_day last, size_t top_k)
{
    struct td_rows rows;
    struct td_buf csv, want;
    struct td_days built = {0};
    struct td_err err = {0};
    read_topn(f->lake, f->root, &rows, &csv);
    ASSERT_OK(td_watch_days(f->lake, &built, &err), err);
    const struct td_topn_row *top = rows.items;
    size_t days = 0, total = 0;
    for (size_t d = 0; d < built.count; d++)
        days += built.items[d] >= first && built.items[d] <= last;
    td_buf_init(&want, 1 << 20);
    td_buf_adds(&want, "ticker,days_info_rich_252,last_seen\n");
    for (size_t i = 0; i < rows.count; i++) {
        uint32_t rich = 0;
        td_day seen = TD_NO_DAY;
        for (size_t d = 0; d < built.count; d++) {
            struct td_rows list;
            if (built.items[d] < first || built.items[d] > last)
                continue;
            ASSERT_OK(td_watch_read(f->lake, built.items[d], &list, NULL, &err), err);
            const struct td_watch_row *w = list.items;
            for (size_t k = 0; k < list.count; k++)
                if (strcmp(w[k].ticker, top[i].ticker) == 0) {
                    rich += w[k].info_rich == 1;
                    seen = built.items[d];
                }
            td_rows_free(&list);
        }
        if (top[i].days_info_rich_252 != rich || top[i].last_seen != seen || top[i].rank != i + 1 || top[i].sessions_covered != days)
            fail_msg("%s: %u days, rank %u, covered %u; counted %u of %zu", top[i].ticker, top[i].days_info_rich_252, top[i].rank,
                     top[i].sessions_covered, rich, days);
        assert_true(i == 0 || td_topn_compare(&top[i - 1], &top[i]) < 0);
        assert_int_equal(top[i].active, traded(f->lake, top[i].ticker, td_cal_day(td_cal_index(last) - 4), last));
        char day[16];
        td_format_day(top[i].last_seen, day);
        if (i < top_k)
            td_buf_printf(&want, "%s,%u,%s\n", top[i].ticker, top[i].days_info_rich_252, day);
        total += rich;
    }
    assert_true(rows.count > 5 && total > 0);
    assert_string_equal(csv.data, want.data);
    td_buf_free(&want);
    td_buf_free(&csv);
    td_days_free(&built);
    td_rows_free(&rows);
}

static void test_build(void **state)
{
    (void)state;
    enum { TICKERS = 30 };
    struct td_sim *sim = market_new(40, 2, 90);
    struct engine_fixture f = listed_lake(sim, TICKERS);
    struct td_universe_job job = universe_options();
    td_day first = td_sim_first_session(sim, true), last = td_sim_last_session(sim);
    struct td_job_view view = universe(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.planned, 91); /* 90 sessions, then the rankings */
    uint64_t rich = 0, listed = 0;
    for (td_day day = first; day <= last; day++)
        if (td_cal_index(day) >= 0)
            listed += check_day(f.lake.lake, sim, TICKERS, day, &rich);
    struct td_rows ranked;
    struct td_buf ranked_csv;
    read_topn(f.lake.lake, f.lake.root, &ranked, &ranked_csv);
    assert_int_equal(view.counts.rows_written, listed + ranked.count);
    td_rows_free(&ranked);
    td_buf_free(&ranked_csv);
    assert_true(rich > 5 && listed > 200);
    check_topn(&f.lake, first, last, 5);
    char path[300];
    struct td_buf manifest;
    snprintf(path, sizeof path, "%s/universe/info_rich/MANIFEST.json", f.lake.root);
    slurp(path, &manifest);
    assert_non_null(strstr(manifest.data, "\"generation\":1,"));
    assert_non_null(strstr(manifest.data, "\"watchlists\":90,\"last\":\"2025-12-05\""));
    td_buf_free(&manifest);
    snprintf(path, sizeof path, "%s/universe/info_rich/_SUCCESS", f.lake.root);
    assert_true(td_file_exists(path));
    /* one day again: the same bytes, the rankings whole, the manifest one on */
    snprintf(path, sizeof path, "%s/universe/info_rich/daily", f.lake.root);
    uint64_t hash = tree_hash(path);
    job.from = job.to = last;
    view = universe(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.planned, 2);
    assert_true(tree_hash(path) == hash);
    check_topn(&f.lake, first, last, 5);
    snprintf(path, sizeof path, "%s/universe/info_rich/MANIFEST.json", f.lake.root);
    slurp(path, &manifest);
    assert_non_null(strstr(manifest.data, "\"generation\":2,"));
    td_buf_free(&manifest);
    /* rankings alone, as of an earlier session */
    job = universe_options();
    job.rankings_only = true;
    job.as_of = td_cal_day(td_cal_index(last) - 20);
    view = universe(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.planned, 1);
    check_topn(&f.lake, first, job.as_of, 5);
    /* outside the cache there is nothing to build */
    job = universe_options();
    job.from = job.to = last + 30;
    struct td_err err = {0};
    int id;
    assert_int_equal(td_job_universe(f.engine, &job, &id, &err), TD_MISSING);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_mixing(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, 40);
    struct engine_fixture f = listed_lake(sim, 10);
    struct td_universe_job job = universe_options();
    td_day last = td_sim_last_session(sim);
    universe(f.engine, &job, TD_OK);
    struct td_rows rows;
    struct td_buf before, after;
    read_topn(f.lake.lake, f.lake.root, &rows, &before);
    td_rows_free(&rows);
    job.screen.thresholds.rvol = 3;
    job.from = last;
    struct td_job_view view = universe(f.engine, &job, TD_UNITS); /* the other 39 have other thresholds */
    assert_non_null(strstr(view.message, "universe build -s"));
    assert_non_null(strstr(view.message, "other thresholds"));
    read_topn(f.lake.lake, f.lake.root, &rows, &after);
    td_rows_free(&rows);
    assert_true(same_bytes(&before, &after)); /* the old rankings stay */
    td_buf_free(&after);
    td_buf_free(&before);
    job.from = TD_NO_DAY;
    universe(f.engine, &job, TD_OK);
    /* the same with presets */
    struct td_cache_job cache = cache_options();
    cache.rebuild = cache.preset_given = true;
    cache.preset = TD_PRESET_SEED;
    cache_build(f.engine, &cache, TD_OK);
    job.from = last;
    view = universe(f.engine, &job, TD_UNITS);
    assert_non_null(strstr(view.message, "preset 'session'"));
    job.from = TD_NO_DAY;
    universe(f.engine, &job, TD_OK);
    engine_end(&f);
    td_sim_free(sim);
}

/* Lists of sessions that the cache does not span any more do not count. */
static void test_stale(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, 40);
    struct engine_fixture f = listed_lake(sim, 10);
    struct td_universe_job job = universe_options();
    struct td_err err = {0};
    td_day first = td_sim_first_session(sim, true), last = td_sim_last_session(sim);
    universe(f.engine, &job, TD_OK);
    for (size_t t = 0; t < 10; t++) { /* December goes from bronze, and by a rebuild from the cache */
        char path[300], name[128];
        assert_true(td_path_encode(td_sim_ticker(sim, t), name, sizeof name));
        snprintf(path, sizeof path, "%s/bronze/stocks_daily/year=2025/month=12/ticker=%s.parquet", f.lake.root, name);
        unlink(path);
    }
    struct td_cache_job cache = cache_options();
    cache.rebuild = true;
    cache_build(f.engine, &cache, TD_OK);
    struct td_job_view view = universe(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.planned, (uint64_t)(td_cal_index(day_at("2025-11-28")) - td_cal_index(first) + 2));
    struct td_rows rows;
    struct td_buf csv;
    read_topn(f.lake.lake, f.lake.root, &rows, &csv);
    const struct td_topn_row *top = rows.items;
    for (size_t i = 0; i < rows.count; i++)
        assert_true(top[i].last_seen <= day_at("2025-11-28") && top[i].sessions_covered == view.counts.planned - 1);
    td_buf_free(&csv);
    td_rows_free(&rows);
    struct td_rows stale;
    ASSERT_OK(td_watch_read(f.lake.lake, last, &stale, NULL, &err), err); /* but nothing was deleted */
    td_rows_free(&stale);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_refused(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    struct td_universe_job job = universe_options();
    struct td_err err = {0};
    int id;
    assert_int_equal(td_job_universe(f.engine, &job, &id, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "tapedeck cache build"));
    engine_end(&f);
    struct td_sim *sim = market_new(40, 2, 20);
    f = listed_lake(sim, 5);
    job.rankings_only = true;
    struct td_job_view view = universe(f.engine, &job, TD_MISSING);
    assert_non_null(strstr(view.message, "universe build"));
    job.rankings_only = false;
    char path[300];
    cache_file(f.lake.root, td_sim_ticker(sim, 1), path);
    unlink(path);
    view = universe(f.engine, &job, TD_MISSING);
    assert_non_null(strstr(view.message, "cache build"));
    assert_non_null(strstr(view.message, path));
    assert_int_equal(view.counts.ok, 0);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, 12);
    struct engine_fixture f = listed_lake(sim, 3);
    bool done = false;
    for (long n = 1; n < 8000 && !done; n += n < 60 ? 1 : 37) {
        struct td_universe_job job = universe_options();
        struct td_err err = {0};
        struct td_job_view view;
        int id;
        td_alloc_fail_after(n);
        enum td_code code = td_job_universe(f.engine, &job, &id, &err);
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
    }
    assert_true(done);
    engine_end(&f);
    td_sim_free(sim);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_build),   cmocka_unit_test(test_mixing),    cmocka_unit_test(test_stale),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
