/* SPDX-License-Identifier: GPL-3.0-or-later
 * Renames: from the vendor's ticker events to a chained history in the daily cache. */
#include "job/job_fixture.h"

static const char *const tickers[] = {"MEGA", "NOPE", "RNMK", "RNML"};

struct vendor {
    struct td_sim *sim;
    char url[64];
};

static struct vendor vendor_new(void)
{
    struct vendor v = {0};
    const struct td_sim_options options = {.tickers = 300, .sessions = 20, .daily_sessions = 60};
    struct td_err err = {0};
    int port = 0;
    ASSERT_OK(td_job_sim_start(&options, &v.sim, &port, &err), err);
    snprintf(v.url, sizeof v.url, "http://127.0.0.1:%d", port);
    return v;
}

static struct td_job_view ingest(struct td_engine *engine, const struct vendor *v, const char *table)
{
    const struct td_ingest_options options = {.table = table, .from = td_sim_first_session(v->sim, true),
                                              .to = td_sim_last_session(v->sim), .tickers = tickers,
                                              .ticker_count = TD_COUNT(tickers), .base_url = v->url, .key = "demo",
                                              .retries = 2, .timeout_s = 120, .max_concurrent = 4};
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(td_job_ingest(engine, &options, &id, &err), err);
    return wait_job(engine, id, TD_OK);
}

static struct td_rows read_renames(const struct td_lake *lake)
{
    struct td_buf path;
    struct td_rows rows = {0};
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    ASSERT_OK(td_reference_path(lake, "renames", &path, &err), err);
    ASSERT_OK(td_table_read(path.data, &td_rename_record, &rows, NULL, NULL, &err), err);
    td_buf_free(&path);
    return rows;
}

/* RNMK is told the whole chain too, but each change stands once; unknown tickers and lone symbols add nothing. */
static void test_table(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct vendor v = vendor_new();
    for (int round = 0; round < 2; round++) {
        leave_half(f.lake.lake, "renames");
        struct td_job_view view = ingest(f.engine, &v, "renames");
        assert_int_equal(leftovers(f.lake.lake), 0);
        assert_int_equal(view.counts.empty, 1); /* NOPE */
        assert_int_equal(view.counts.rows_read, 2);
        assert_int_equal(view.counts.rows_written, round ? 0 : 2);
        assert_int_equal(view.counts.rows_duplicate, round ? 2 : 0);
        struct td_rows rows = read_renames(f.lake.lake);
        const struct td_rename_row *items = rows.items;
        assert_int_equal(rows.count, 2);
        assert_string_equal(items[1].ticker, "RNML");
        assert_string_equal(items[1].old_ticker, "RNMK");
        assert_int_equal(items[1].day, td_day_from_civil(2025, 11, 11));
        td_rows_free(&rows);
    }
    engine_end(&f);
    td_sim_free(v.sim);
}

static void build_cache(struct td_engine *engine)
{
    const struct td_cache_job options = {.from = TD_NO_DAY, .to = TD_NO_DAY, .incremental = true};
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(td_job_cache(engine, &options, &id, &err), err);
    wait_job(engine, id, TD_OK);
}

static struct td_daily_row first_row(const struct td_lake *lake, const char *ticker, td_day *last)
{
    struct td_rows rows = {0};
    struct td_err err = {0};
    ASSERT_OK(td_cache_read(lake, ticker, &rows, &err), err);
    assert_true(rows.count > 0);
    struct td_daily_row row = *(const struct td_daily_row *)rows.items;
    if (last)
        *last = ((const struct td_daily_row *)rows.items)[rows.count - 1].trading_day;
    row.bars_from = row.close_src = NULL; /* they lived in the rows */
    td_rows_free(&rows);
    return row;
}

/* With the table the first day under the new symbol knows the days under the old one; without it, it knows nothing. */
static void test_chain(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct vendor v = vendor_new();
    td_day old_last = TD_NO_DAY;
    ingest(f.engine, &v, "stocks_daily");
    build_cache(f.engine);
    struct td_daily_row alone = first_row(f.lake.lake, "RNML", NULL);
    assert_true(isnan(alone.pctchg_d));
    assert_int_equal(alone.hist_n, 1);
    ingest(f.engine, &v, "renames");
    build_cache(f.engine); /* incremental: the rename alone must be reason enough */
    struct td_daily_row chained = first_row(f.lake.lake, "RNML", NULL);
    first_row(f.lake.lake, "RNMK", &old_last);
    assert_int_equal(chained.trading_day, td_day_from_civil(2025, 11, 11));
    assert_true(td_flags_parse(chained.flags) & TD_FLAG(RENAMED));
    assert_true(chained.hist_n > 1);
    struct td_rows old = {0};
    struct td_err err = {0};
    ASSERT_OK(td_cache_read(f.lake.lake, "RNMK", &old, &err), err);
    const struct td_daily_row *rows = old.items;
    double before = TD_NO_F64;
    for (size_t i = 0; i < old.count; i++)
        if (rows[i].trading_day < chained.trading_day)
            before = rows[i].close_d;
    td_rows_free(&old);
    assert_true(fabs(chained.pctchg_d - (chained.close_d / before - 1)) < 1e-12);
    engine_end(&f);
    td_sim_free(v.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_chain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
