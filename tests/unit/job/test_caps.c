/* SPDX-License-Identifier: GPL-3.0-or-later
 * The market-cap dimension of cache build: half-open intervals, overlaps, open ends, unknown caps, wrong files. */
#include "job/build_fixture.h"

#include <fcntl.h>
#include <tapedeck/parquet.h>

static struct engine_fixture minute_lake(struct td_sim *sim, size_t tickers)
{
    struct engine_fixture f = engine_new(2);
    for (size_t t = 0; t < tickers; t++)
        for (td_day day = td_sim_first_session(sim, false); day <= td_sim_last_session(sim); day++)
            if (td_cal_index(day) >= 0)
                put_session(f.lake.lake, sim, td_sim_ticker(sim, t), day, TD_STOCKS_MINUTE);
    return f;
}

/* 0 = null, -1 = no row. */
static double cap_on(const struct td_lake *lake, const char *ticker, const char *day)
{
    struct td_rows rows;
    struct td_err err = {0};
    double cap = -1;
    ASSERT_OK(td_cache_read(lake, ticker, &rows, &err), err);
    const struct td_daily_row *items = rows.items;
    for (size_t i = 0; i < rows.count; i++)
        if (items[i].trading_day == day_at(day))
            cap = isnan(items[i].market_cap_d) ? 0 : items[i].market_cap_d;
    td_rows_free(&rows);
    return cap;
}

static void test_intervals(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 12, 20);
    struct engine_fixture f = minute_lake(sim, 4);
    const char *ticker = td_sim_ticker(sim, 0), *other = td_sim_ticker(sim, 1);
    char path[300], text[800];
    snprintf(path, sizeof path, "%s/_runs/caps.csv", f.lake.root);
    snprintf(text, sizeof text,
             "name,market_cap,ticker,effective_to,effective_from\r\n"
             "x,100,%s,2025-11-25,2025-11-20\r\n"
             "x,200,%s,2025-12-02,2025-11-25\r\n"
             "x,250,%s,,2025-12-01\r\n" /* overlaps the one before: the newest start wins; open end */
             "x,,%s,2025-12-05,2025-12-04\r\n"
             "x,7,NOBODY,,2020-01-01\r\n",
             ticker, ticker, ticker, ticker);
    spill(path, text, strlen(text));
    struct td_cache_job job = cache_options();
    job.cap_file = path;
    cache_build(f.engine, &job, TD_OK);
    static const struct {
        const char *day;
        double cap;
    } want[] = {{"2025-11-19", 0},   {"2025-11-20", 100}, {"2025-11-24", 100}, {"2025-11-25", 200}, {"2025-11-28", 200},
                {"2025-12-01", 250}, {"2025-12-02", 250}, {"2025-12-04", 0},   {"2025-12-05", 250}};
    for (size_t i = 0; i < TD_COUNT(want); i++) {
        double have = cap_on(f.lake.lake, ticker, want[i].day);
        if (have < want[i].cap || have > want[i].cap)
            fail_msg("%s: %g instead of %g", want[i].day, have, want[i].cap);
        assert_true(cap_on(f.lake.lake, other, want[i].day) <= 0); /* a ticker that is missing there keeps its rows */
    }
    /* another dimension: only the tickers it changed are built */
    job.incremental = true;
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.skipped, 4);
    snprintf(text, sizeof text, "ticker,effective_from,effective_to,market_cap\n%s,2025-11-20,,5e8\n", other);
    spill(path, text, strlen(text));
    view = cache_build(f.engine, &job, TD_OK);
    assert_true(view.counts.ok == 2 && view.counts.skipped == 2);
    assert_true(cap_on(f.lake.lake, other, "2025-12-05") >= 5e8);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_wrong_files(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, 20);
    struct engine_fixture f = minute_lake(sim, 1);
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    char path[300];
    int id;
    snprintf(path, sizeof path, "%s/_runs/caps.csv", f.lake.root);
    job.cap_file = path;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "empty"},
        {"ticker,from,to,cap\n", "no column 'effective_from'"},
        {"ticker,effective_from,effective_to,market_cap\nA,2025-13-01,,5\n", ":2: "},
        {"ticker,effective_from,effective_to,market_cap\nA,2025-11-01,,much\n", ":2: "},
        {"ticker,effective_from,effective_to,market_cap\nA,2025-11-01,,-5\n", ":2: "},
        {"ticker,effective_from,effective_to,market_cap\nA,2025-11-01,2025-10-01,5\n", ":2: "},
        {"ticker,effective_from,effective_to,market_cap\n\nA B,2025-11-01,,5\n", ":3: "},
        {"ticker,effective_from,effective_to,market_cap\nA,2025-11-01\n\x01,,,\n", ":3: "},
    };
    for (size_t i = 0; i < TD_COUNT(bad); i++) {
        spill(path, bad[i].text, strlen(bad[i].text));
        enum td_code code = td_job_cache(f.engine, &job, &id, &err);
        if (code != TD_DATA || !strstr(err.text, path) || !strstr(err.text, bad[i].message))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
    }
    unlink(path);
    assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_MISSING);
    engine_end(&f);
    td_sim_free(sim);
}

/* A dimension out of another program, as Parquet: days and doubles, nulls for open ends; wrong columns are named. */
static void test_parquet(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 12, 20);
    struct engine_fixture f = minute_lake(sim, 2);
    const char *ticker = td_sim_ticker(sim, 0);
    char path[300];
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    int id;
    snprintf(path, sizeof path, "%s/caps.parquet", f.lake.root);
    job.cap_file = path;
    for (int wrong = 2; wrong >= 0; wrong--) {
        struct td_str tickers[2] = {td_str_of(ticker), td_str_of(ticker)};
        int32_t from[2] = {day_at("2025-11-20"), day_at("2025-12-01")}, to[2] = {day_at("2025-12-01"), 0};
        double caps[2] = {100, 250};
        uint64_t first_only[1] = {1}, both[1] = {3};
        const struct td_pq_column columns[] = {
            {.name = "ticker", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING},
            {.name = wrong == 1 ? "from" : "effective_from", .type = TD_PQ_INT32, .logical = TD_PQ_DATE},
            {.name = "effective_to", .type = TD_PQ_INT32, .logical = TD_PQ_DATE, .optional = true},
            {.name = wrong == 2 ? "cap" : "market_cap", .type = TD_PQ_DOUBLE, .optional = true},
        };
        const struct td_pq_array arrays[] = {{tickers, NULL}, {from, NULL}, {to, first_only}, {caps, both}};
        struct td_pq_writer *writer;
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        assert_true(fd >= 0);
        ASSERT_OK(td_pq_writer_new(fd, path, columns, 4, NULL, &writer, &err), err);
        ASSERT_OK(td_pq_write(writer, arrays, 2, &err), err);
        ASSERT_OK(td_pq_writer_finish(writer, &err), err);
        td_pq_writer_free(writer);
        close(fd);
        if (!wrong)
            break;
        assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_DATA);
        if (!strstr(err.text, path) || !strstr(err.text, wrong == 1 ? "no column 'effective_from'" : "no column 'market_cap'") ||
            !strstr(err.text, wrong == 1 ? "ticker,from,effective_to,market_cap" : "ticker,effective_from,effective_to,cap"))
            fail_msg("%s", err.text);
    }
    cache_build(f.engine, &job, TD_OK);
    assert_true(cap_on(f.lake.lake, ticker, "2025-11-28") > 99 && cap_on(f.lake.lake, ticker, "2025-11-28") < 101);
    assert_true(cap_on(f.lake.lake, ticker, "2025-12-01") > 249); /* half-open: the day it ends is the next one's */
    assert_true(cap_on(f.lake.lake, ticker, "2025-12-05") > 249);
    assert_true(cap_on(f.lake.lake, ticker, "2025-11-19") <= 0);
    engine_end(&f);
    td_sim_free(sim);
}

/* A build of some days with a dimension: wherever memory ends, the cache that was there stays whole. */
static void test_no_memory(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 3, 20);
    struct engine_fixture f = minute_lake(sim, 2);
    char path[300];
    bool done = false;
    static const char text[] = "ticker,effective_from,effective_to,market_cap\nA,2025-11-01,,5\nB,2025-11-01,,5\n";
    snprintf(path, sizeof path, "%s/_runs/caps.csv", f.lake.root);
    spill(path, text, sizeof text - 1);
    struct td_cache_job job = cache_options();
    cache_build(f.engine, &job, TD_OK);
    job.cap_file = path;
    job.from = td_sim_last_session(sim);
    for (long n = 1; n < 5000 && !done; n += n < 60 ? 1 : 13) {
        struct td_err err = {0};
        struct td_job_view view;
        int id;
        td_alloc_fail_after(n);
        enum td_code code = td_job_cache(f.engine, &job, &id, &err);
        if (code == TD_OK) {
            code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
            td_alloc_fail_after(0);
            assert_reconciled(&view);
            done = code == TD_OK;
        }
        td_alloc_fail_after(0);
        if (code != TD_OK && code != TD_NOMEM)
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        struct td_manifest manifest;
        ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
        assert_int_equal(manifest.count, 2);
        td_manifest_free(&manifest);
        assert_int_equal(leftovers(f.lake.lake), 0);
    }
    assert_true(done);
    engine_end(&f);
    td_sim_free(sim);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_intervals), cmocka_unit_test(test_wrong_files), cmocka_unit_test(test_parquet), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
