/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bronze straight from the market generator, and builds over it. */
#ifndef TAPEDECK_TESTS_BUILD_FIXTURE_H
#define TAPEDECK_TESTS_BUILD_FIXTURE_H

#include "job/job_fixture.h"

static inline struct td_sim *market_new(int tickers, int sessions, int daily_sessions)
{
    const struct td_sim_options options = {.tickers = tickers, .sessions = sessions, .daily_sessions = daily_sessions};
    struct td_sim *sim = NULL;
    struct td_err err = {0};
    ASSERT_OK(td_sim_new(&options, &sim, &err), err);
    return sim;
}

/* One ticker's session into bronze, vouched for. */
static inline void put_session(struct td_lake *lake, const struct td_sim *sim, const char *ticker, td_day day, enum td_table table)
{
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    const struct td_day_range range = {day, day};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &range, .vouched_count = 1, .new_wins = true};
    ASSERT_OK(td_sim_session(sim, ticker, day, table == TD_STOCKS_DAILY, &bars, &err), err);
    ASSERT_OK(td_bronze_merge(lake, table, ticker, td_month_of(day), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
}

static inline struct td_cache_job cache_options(void)
{
    return (struct td_cache_job){.from = TD_NO_DAY, .to = TD_NO_DAY};
}

static inline struct td_job_view cache_build(struct td_engine *engine, const struct td_cache_job *options, enum td_code code)
{
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(td_job_cache(engine, options, &id, &err), err);
    return wait_job(engine, id, code);
}

static inline void cache_file(const char *root, const char *ticker, char out[300])
{
    char name[128];
    assert_true(td_path_encode(ticker, name, sizeof name));
    snprintf(out, 300, "%s/cache/daily/ticker=%s/daily.parquet", root, name);
}

static inline void count_difference(void *ctx, const char *difference)
{
    print_message("%s\n", difference);
    *(size_t *)ctx += 1;
}

/* The manifest agrees with the files. */
static inline void assert_manifest(const struct td_lake *lake, const char *preset, size_t count)
{
    struct td_manifest manifest;
    struct td_err err = {0};
    size_t differences = 0;
    ASSERT_OK(td_manifest_read(lake, &manifest, &err), err);
    assert_string_equal(manifest.preset, preset);
    assert_int_equal(manifest.count, count);
    ASSERT_OK(td_manifest_verify(lake, &manifest, count_difference, &differences, &err), err);
    assert_int_equal(differences, 0);
    td_manifest_free(&manifest);
}

#endif
