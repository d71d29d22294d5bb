/* SPDX-License-Identifier: GPL-3.0-or-later
 * The transposing pass: the same lists whatever the workers and the memory, in one run or day by day, over a full disk or not; and
 * the four ways in which scans before this one were wrong. */
#include "job/build_fixture.h"

enum { TICKERS = 12, SESSIONS = 45 };

static struct td_universe_job options_new(void)
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

/* Daily bars of the market from the session `from` to the session `to` (numbers from its first). */
static void put_days(struct td_lake *lake, const struct td_sim *sim, int from, int to)
{
    int32_t first = td_cal_index(td_sim_first_session(sim, true));
    for (size_t t = 0; t < TICKERS; t++)
        for (int s = from; s <= to; s++)
            put_session(lake, sim, td_sim_ticker(sim, t), td_cal_day(first + s), TD_STOCKS_DAILY);
}

static struct engine_fixture whole_lake(const struct td_sim *sim)
{
    struct engine_fixture f = engine_new(2);
    struct td_cache_job job = cache_options();
    put_days(f.lake.lake, sim, 0, SESSIONS - 1);
    cache_build(f.engine, &job, TD_OK);
    return f;
}

static void lists_path(const struct engine_fixture *f, const char *below, char out[300])
{
    snprintf(out, 300, "%s/universe/info_rich%s", f->lake.root, below);
}

/* Lists and rankings; the manifest counts its commits, so it is compared apart. */
static uint64_t lists_hash(const struct engine_fixture *f)
{
    char path[300];
    struct td_buf csv;
    struct td_rows topn;
    struct td_err err = {0};
    lists_path(f, "/topN_12m.csv", path);
    slurp(path, &csv);
    ASSERT_OK(td_topn_read(f->lake.lake, &topn, &err), err);
    uint64_t hash = td_hash64(csv.data, csv.len, topn.count);
    hash = td_hash64(topn.items, topn.count * topn.size, hash);
    td_rows_free(&topn);
    td_buf_free(&csv);
    lists_path(f, "/daily", path);
    return td_mix64(hash ^ tree_hash(path));
}

static void drop_universe(struct engine_fixture *f)
{
    char path[300], gone[300];
    lists_path(f, "", path);
    snprintf(gone, sizeof gone, "%s/gone", f->lake.root);
    struct td_err err = {0};
    ASSERT_OK(td_mkdirs(gone, &err), err);
    static int turn;
    snprintf(gone, sizeof gone, "%s/gone/%d", f->lake.root, turn++);
    assert_int_equal(rename(path, gone), 0);
}

static void test_workers_and_memory(void **state)
{
    (void)state;
    static const struct td_engine_options engines[] = {
        {.workers = 1},
        {.workers = 4},
        {.workers = 1, .memory = 1},       /* nothing fits: as few sessions a pass as can be */
        {.workers = 4, .memory = 1},
        {.workers = 2, .memory = 3 << 20}, /* some passes */
        {.workers = 3, .memory = 900000},
    };
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture f = whole_lake(sim);
    struct td_universe_job job = options_new();
    uint64_t want = 0;
    job.screen.thresholds.max_price = 1e9; /* many rows */
    job.screen.thresholds.cap_max = 0;
    for (size_t i = 0; i < TD_COUNT(engines); i++) {
        struct td_err err = {0};
        engine_rest(&f);
        ASSERT_OK(td_engine_new(f.lake.lake, &engines[i], &f.engine, &err), err);
        struct td_job_view view = universe(f.engine, &job, TD_OK);
        assert_int_equal(view.counts.ok + view.counts.empty, SESSIONS + 1);
        uint64_t got = lists_hash(&f);
        if (i == 0)
            want = got;
        struct td_buf log;
        td_buf_init(&log, 1 << 20);
        td_log_tail(&log, 1);
        td_buf_addc(&log, '\n');
        if ((strstr(log.data, "the cache was read") != NULL) != (engines[i].memory > 0))
            fail_msg("%llu bytes: %s", (unsigned long long)engines[i].memory, log.data);
        td_buf_free(&log);
        if (got != want)
            fail_msg("%u workers, %llu bytes: other lists", engines[i].workers, (unsigned long long)engines[i].memory);
        assert_int_equal(leftovers(f.lake.lake), 0);
        drop_universe(&f);
    }
    engine_end(&f);
    td_sim_free(sim);
}

/* The nightly update that replaced five years by one row: here it touches its day, and the rankings stay whole. */
static void test_nightly_update_keeps_the_rest(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture whole = whole_lake(sim), nightly = engine_new(2);
    struct td_universe_job job = options_new();
    struct td_cache_job cache = cache_options();
    universe(whole.engine, &job, TD_OK);
    put_days(nightly.lake.lake, sim, 0, SESSIONS - 6);
    cache_build(nightly.engine, &cache, TD_OK);
    universe(nightly.engine, &job, TD_OK);
    cache.incremental = true;
    for (int s = SESSIONS - 5; s < SESSIONS; s++) {
        td_day day = td_cal_day(td_cal_index(td_sim_first_session(sim, true)) + s);
        put_days(nightly.lake.lake, sim, s, s);
        cache_build(nightly.engine, &cache, TD_OK);
        if (s % 2) { /* named, or found by --incremental */
            job.from = job.to = day;
            job.incremental = false;
        } else {
            job.from = job.to = TD_NO_DAY;
            job.incremental = true;
        }
        struct td_job_view view = universe(nightly.engine, &job, TD_OK);
        assert_int_equal(view.counts.ok + view.counts.empty, 2); /* the day and the rankings */
        assert_int_equal(view.counts.skipped, s % 2 ? 0 : s);
    }
    assert_true(lists_hash(&nightly) == lists_hash(&whole));
    engine_end(&nightly);
    engine_end(&whole);
    td_sim_free(sim);
}

/* A correction of the past changes the days whose windows saw it: --incremental writes these and no other. */
static void test_late_correction(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture f = whole_lake(sim);
    struct td_universe_job job = options_new();
    struct td_cache_job cache = cache_options();
    struct td_err err = {0};
    job.screen.thresholds.max_price = 1e9;
    job.screen.thresholds.cap_max = 0;
    universe(f.engine, &job, TD_OK);
    const char *ticker = td_sim_ticker(sim, 3);
    td_day day = td_cal_day(td_cal_index(td_sim_first_session(sim, true)) + 4);
    struct td_bars bars = {0};
    ASSERT_OK(td_sim_session(sim, ticker, day, true, &bars, &err), err);
    assert_true(bars.n == 1);
    bars.volume[0] += 50000;
    const struct td_day_range range = {day, day};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &range, .vouched_count = 1, .new_wins = true};
    struct td_merge_counts counts;
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_DAILY, ticker, td_month_of(day), &bars, &merge, &counts, &err), err);
    assert_int_equal(counts.corrected, 1);
    td_bars_free(&bars);
    cache.incremental = true;
    cache_build(f.engine, &cache, TD_OK);
    job.incremental = true;
    struct td_job_view view = universe(f.engine, &job, TD_OK);
    assert_in_range(view.counts.ok, 2, 32); /* the day, the windows of 30 and 30 before today that hold it, the rankings */
    assert_int_equal(view.counts.ok + view.counts.skipped, SESSIONS + 1);
    uint64_t got = lists_hash(&f);
    job.incremental = false;
    universe(f.engine, &job, TD_OK);
    assert_true(lists_hash(&f) == got);
    engine_end(&f);
    td_sim_free(sim);
}

/* The market-cap join that dropped unmatched tickers: whoever has no cap stays, with a null. */
static void test_tickers_without_a_cap_stay(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture f = whole_lake(sim);
    struct td_universe_job job = options_new();
    struct td_cache_job cache = cache_options();
    struct td_rows before, after;
    struct td_err err = {0};
    char path[300], text[200];
    td_day day = td_sim_last_session(sim);
    job.screen.thresholds.max_price = 1e9;
    universe(f.engine, &job, TD_OK);
    ASSERT_OK(td_watch_read(f.lake.lake, day, &before, NULL, &err), err);
    snprintf(path, sizeof path, "%s/caps.csv", f.lake.root);
    snprintf(text, sizeof text, "ticker,effective_from,effective_to,market_cap\n%s,2020-01-01,,1000000\n%s,2020-01-01,,9e12\n", td_sim_ticker(sim, 0),
             td_sim_ticker(sim, 1));
    spill(path, text, strlen(text));
    cache.cap_file = path;
    cache_build(f.engine, &cache, TD_OK);
    universe(f.engine, &job, TD_OK);
    ASSERT_OK(td_watch_read(f.lake.lake, day, &after, NULL, &err), err);
    assert_int_equal(before.count, TICKERS);
    assert_int_equal(after.count, TICKERS - 1); /* the second is too large; nobody else goes */
    const struct td_watch_row *rows = after.items;
    for (size_t i = 0; i < after.count; i++) {
        assert_string_not_equal(rows[i].ticker, td_sim_ticker(sim, 1));
        if (strcmp(rows[i].ticker, td_sim_ticker(sim, 0)) == 0)
            assert_true(rows[i].market_cap_d == 1000000);
        else
            assert_true(isnan(rows[i].market_cap_d));
    }
    td_rows_free(&before);
    td_rows_free(&after);
    engine_end(&f);
    td_sim_free(sim);
}

/* The winter evenings that moved to Saturday: 19:30 in New York is the next day in UTC, and still Friday's session. */
static void test_winter_evening_belongs_to_friday(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_universe_job job = options_new();
    struct td_cache_job cache = cache_options();
    struct td_bars bars = {0};
    struct td_err err = {0};
    td_day friday = day_at("2025-01-17");
    add_minutes(&bars, "2025-01-16", 30, 0);
    add_minutes(&bars, "2025-01-17", 30, 0);
    double regular = 0;
    for (size_t i = 30; i < bars.n; i++)
        regular += isnan(bars.volume[i]) ? 0 : bars.volume[i];
    const struct td_bar evening = {td_ny_to_utc(friday, (19 * 60 + 30) * TD_MS_MINUTE), 11, 11, 11, 11, 777, 11, 5};
    td_day utc = (td_day)(evening.ts / TD_MS_DAY);
    assert_int_equal(utc, friday + 1);
    ASSERT_OK(td_bars_add(&bars, &evening, &err), err);
    const struct td_day_range range = {friday - 1, friday};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &range, .vouched_count = 1};
    struct td_merge_counts counts;
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_MINUTE, "LATE", td_month_of(friday), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
    cache_build(f.engine, &cache, TD_OK);
    universe(f.engine, &job, TD_OK);
    struct td_days built = {0};
    struct td_rows list;
    ASSERT_OK(td_watch_days(f.lake.lake, &built, &err), err);
    assert_int_equal(built.count, 2);
    assert_int_equal(built.items[1], friday);
    ASSERT_OK(td_watch_read(f.lake.lake, friday, &list, NULL, &err), err);
    assert_int_equal(list.count, 1);
    assert_true(((const struct td_watch_row *)list.items)->vol_d == regular + 777);
    td_rows_free(&list);
    td_days_free(&built);
    engine_end(&f);
}

/* ---- a disk that is full ---- */

static int build_in_child(void *ctx)
{
    const char *root = ctx;
    const struct td_engine_options options = {.workers = 2};
    struct td_lake *lake = NULL;
    struct td_engine *engine = NULL;
    struct td_job_view view;
    struct td_err err = {0};
    int id = 0;
    struct td_universe_job job = options_new();
    job.screen.thresholds.max_price = 1e9;
    job.screen.thresholds.cap_max = 0;
    if (td_lake_open(root, false, &lake, &err) != TD_OK || td_engine_new(lake, &options, &engine, &err) != TD_OK)
        return 90;
    enum td_code code = td_job_universe(engine, &job, &id, &err);
    if (code == TD_OK)
        code = td_job_wait(engine, id, NULL, NULL, &view, &err);
    td_engine_free(engine);
    td_lake_close(lake);
    return (int)code;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture f = whole_lake(sim);
    engine_rest(&f);
    assert_int_equal(in_child(build_in_child, f.lake.root, RLIM_INFINITY), TD_OK);
    uint64_t want = lists_hash(&f);
    rlim_t rooms[] = {0, 1000, 0};
    for (int d = 0; d < SESSIONS; d++) { /* at last all but the largest fit */
        struct td_buf path;
        struct stat st;
        struct td_err err = {0};
        td_buf_init(&path, 2048);
        ASSERT_OK(td_watch_path(f.lake.lake, td_cal_day(td_cal_index(td_sim_first_session(sim, true)) + d), &path, &err), err);
        assert_int_equal(stat(path.data, &st), 0);
        rooms[2] = (rlim_t)st.st_size - 1 > rooms[2] ? (rlim_t)st.st_size - 1 : rooms[2];
        td_buf_free(&path);
    }
    for (size_t i = 0; i < TD_COUNT(rooms); i++) {
        drop_universe(&f);
        int code = in_child(build_in_child, f.lake.root, rooms[i]);
        if (code != TD_IO && code != TD_UNITS && code != TD_FULL)
            fail_msg("%llu bytes a file: code %d", (unsigned long long)rooms[i], code);
        assert_int_equal(leftovers(f.lake.lake), 0);
        char path[300];
        lists_path(&f, "/MANIFEST.json", path);
        assert_false(td_file_exists(path)); /* what is not whole is not committed */
        assert_int_equal(in_child(build_in_child, f.lake.root, RLIM_INFINITY), TD_OK);
        assert_true(lists_hash(&f) == want);
    }
    engine_wake(&f);
    engine_end(&f);
    td_sim_free(sim);
}

/* ---- other rules ---- */

struct names { char text[4096]; };

static void rich_names(const struct td_lake *lake, td_day day, struct names *out)
{
    struct td_rows list;
    struct td_err err = {0};
    out->text[0] = 0;
    ASSERT_OK(td_watch_read(lake, day, &list, NULL, &err), err);
    const struct td_watch_row *rows = list.items;
    for (size_t t = 0; t < list.count; t++)
        if (rows[t].info_rich == 1)
            td_snprintf(out->text + strlen(out->text), sizeof out->text - strlen(out->text), " %s ", rows[t].ticker);
    td_rows_free(&list);
}

static bool has(const struct names *names, const char *ticker)
{
    char word[40];
    td_snprintf(word, sizeof word, " %s ", ticker);
    return strstr(names->text, word) != NULL;
}

/* What is tried equals the difference of two builds, and writes nothing. */
static void test_try(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture f = whole_lake(sim);
    struct td_universe_job job = options_new();
    struct td_screen loose = td_screen_default(), tight = td_screen_default();
    struct td_err err = {0};
    static struct names lists[2][SESSIONS];
    loose.thresholds.rvol = 1.1;
    loose.thresholds.pctchg = 0.02;
    loose.thresholds.dvol = 1000;
    loose.thresholds.max_price = 1e9;
    loose.thresholds.cap_max = 0;
    tight = loose;
    tight.thresholds.rvol = 1.2;
    tight.thresholds.max_price = 30;
    tight.thresholds.min_price = 5;
    tight.thresholds.pctchg = 0.005; /* some come, some go */
    const struct td_screen *screens[] = {&loose, &tight};
    int32_t first = td_cal_index(td_sim_first_session(sim, true));
    for (int s = 0; s < 2; s++) {
        job.screen = *screens[s];
        universe(f.engine, &job, TD_OK);
        for (int d = 0; d < SESSIONS; d++)
            rich_names(f.lake.lake, td_cal_day(first + d), &lists[s][d]);
    }
    uint64_t hash = tree_hash(f.lake.root);
    for (unsigned workers = 1; workers <= 4; workers += 3) {
        struct td_try tried;
        size_t added = 0, removed = 0;
        ASSERT_OK(td_universe_try(f.lake.lake, &loose, &tight, TD_NO_DAY, TD_NO_DAY, workers, &tried, &err), err);
        assert_int_equal(tried.day_count, SESSIONS);
        for (size_t d = 0; d < tried.day_count; d++) {
            const struct td_try_day *day = &tried.days[d];
            uint32_t before = 0, after = 0;
            size_t change = day->first;
            assert_int_equal(day->day, td_cal_day(first + (int32_t)d));
            for (int turn = 1; turn >= 0; turn--) /* those added first, each in the order of tickers */
                for (size_t t = 0; t < tried.ticker_count; t++) {
                    bool was = has(&lists[0][d], tried.tickers[t]), is = has(&lists[1][d], tried.tickers[t]);
                    before += turn && was;
                    after += turn && is;
                    if (was == is || is != (turn == 1))
                        continue;
                    assert_int_equal(tried.changes[change].ticker, t);
                    assert_int_equal(tried.changes[change].added, is);
                    assert_int_equal(tried.changes[change].day, day->day);
                    change++;
                }
            assert_int_equal(change, day->first + day->added + day->removed);
            assert_int_equal(day->before, before);
            assert_int_equal(day->after, after);
            added += day->added;
            removed += day->removed;
        }
        if (added < 4 || removed < 4)
            fail_msg("%zu come, %zu go: no test", added, removed);
        assert_int_equal(added + removed, tried.change_count);
        td_try_free(&tried);
    }
    struct td_try part;
    ASSERT_OK(td_universe_try(f.lake.lake, &loose, &tight, td_cal_day(first + 3), td_cal_day(first + 5), 2, &part, &err), err);
    assert_int_equal(part.day_count, 3);
    td_try_free(&part);
    assert_int_equal(td_universe_try(f.lake.lake, &loose, &tight, td_sim_last_session(sim) + 9, TD_NO_DAY, 2, &part, &err), TD_MISSING);
    assert_true(tree_hash(f.lake.root) == hash);
    engine_end(&f);
    td_sim_free(sim);
}

static enum td_code try_once(void *ctx, struct td_err *err)
{
    struct td_screen a = td_screen_default(), b = a;
    struct td_try tried;
    b.thresholds.rvol = 1;
    enum td_code code = td_universe_try(ctx, &a, &b, TD_NO_DAY, TD_NO_DAY, 2, &tried, err);
    td_try_free(&tried);
    return code;
}

static void test_try_without_memory(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(40, 2, SESSIONS);
    struct engine_fixture f = whole_lake(sim);
    sweep_allocations(try_once, f.lake.lake, "universe try");
    engine_end(&f);
    td_sim_free(sim);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_and_memory),
        cmocka_unit_test(test_nightly_update_keeps_the_rest),
        cmocka_unit_test(test_late_correction),
        cmocka_unit_test(test_tickers_without_a_cap_stay),
        cmocka_unit_test(test_winter_evening_belongs_to_friday),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_try),
        cmocka_unit_test(test_try_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
