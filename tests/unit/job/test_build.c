/* SPDX-License-Identifier: GPL-3.0-or-later
 * cache build: incremental equals full after anything, presets and price bases never mix, ranges keep what lies outside,
 * kills, full disks and missing memory leave a cache that the next run completes. */
#include "job/build_fixture.h"

#include <sys/time.h>
#include <tapedeck/parquet.h>

/* A second lake over the same bronze, for full builds beside the incremental ones. */
static struct engine_fixture mirror_of(const struct engine_fixture *f)
{
    struct engine_fixture m = engine_new(2);
    char from[300], to[300];
    snprintf(from, sizeof from, "%s/bronze", f->lake.root);
    snprintf(to, sizeof to, "%s/bronze", m.lake.root);
    assert_int_equal(symlink(from, to), 0);
    return m;
}

static void mirror_end(struct engine_fixture *m)
{
    char link[300];
    snprintf(link, sizeof link, "%s/bronze", m->lake.root);
    unlink(link);
    engine_end(m);
}

/* Every cache file of `full` is byte for byte in `f`. */
static size_t assert_same_cache(const struct engine_fixture *f, const struct engine_fixture *full, const char *when, int round)
{
    struct td_manifest manifest;
    struct td_err err = {0};
    ASSERT_OK(td_manifest_read(full->lake.lake, &manifest, &err), err);
    for (size_t i = 0; i < manifest.count; i++) {
        char a[300], b[300];
        struct td_buf one, two;
        cache_file(f->lake.root, manifest.entries[i].ticker, a);
        cache_file(full->lake.root, manifest.entries[i].ticker, b);
        slurp(a, &one);
        slurp(b, &two);
        if (!same_bytes(&one, &two))
            fail_msg("%s, round %d: %s differs from the full build", when, round, manifest.entries[i].ticker);
        td_buf_free(&one);
        td_buf_free(&two);
    }
    size_t n = manifest.count;
    td_manifest_free(&manifest);
    return n;
}

/* One minute of a ticker corrected, as a vendor does late. */
static void correct_minute(struct td_lake *lake, const struct td_sim *sim, const char *ticker, td_day day, uint64_t seed)
{
    struct td_bars bars = {0}, one = {0};
    struct td_err err = {0};
    struct td_merge_counts counts;
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .new_wins = true};
    ASSERT_OK(td_sim_session(sim, ticker, day, false, &bars, &err), err);
    if (bars.n) {
        struct td_bar bar = td_bars_get(&bars, seed % bars.n);
        bar.volume = bar.volume * 3 + 1;
        bar.close = bar.low;
        ASSERT_OK(td_bars_add(&one, &bar, &err), err);
        ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_MINUTE, ticker, td_month_of(day), &one, &merge, &counts, &err), err);
    }
    td_bars_free(&one);
    td_bars_free(&bars);
}

/* Nothing more came, and that is now known. */
static void vouch_only(struct td_lake *lake, const char *ticker, td_day from, td_day to)
{
    const struct td_bars none = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    const struct td_day_range range = {from, to};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &range, .vouched_count = 1};
    if (td_month_of(from) == td_month_of(to))
        ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_MINUTE, ticker, td_month_of(from), &none, &merge, &counts, &err), err);
}

static void drop_partition(const char *root, const char *ticker, td_day day)
{
    char path[300], name[128];
    int year, month, mday;
    td_day_to_civil(day, &year, &month, &mday);
    assert_true(td_path_encode(ticker, name, sizeof name));
    snprintf(path, sizeof path, "%s/bronze/stocks_minute/year=%04d/month=%02d/ticker=%s.parquet", root, year, month, name);
    unlink(path);
}

static int build_until_killed(void *ctx)
{
    const struct engine_fixture *f = ctx;
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 2};
    struct td_cache_job job = cache_options();
    struct td_job_view view;
    int id;
    job.incremental = true;
    if (td_engine_new(f->lake.lake, &options, &engine, NULL) != TD_OK || td_job_cache(engine, &job, &id, NULL) != TD_OK)
        return 1;
    td_job_wait(engine, id, NULL, NULL, &view, NULL);
    td_engine_free(engine);
    return 0;
}

static void kill_a_build(struct engine_fixture *f, uint64_t seed)
{
    engine_rest(f);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* the alarm kills it at some instant of the next milliseconds */
        const struct itimerval alarm_at = {.it_value.tv_usec = 200 + (suseconds_t)(seed % 12000)};
        setitimer(ITIMER_REAL, &alarm_at, NULL);
        _exit(build_until_killed(f));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    engine_wake(f);
}

static void test_incremental_equals_full(void **state)
{
    (void)state;
    enum { TICKERS = 8, ROUNDS = 20 };
    struct td_sim *sim = market_new(TICKERS, 26, 70);
    struct engine_fixture f = engine_new(2);
    td_day first = td_sim_first_session(sim, false), last = td_sim_last_session(sim);
    int32_t at[TICKERS], begin = td_cal_index(first), end = td_cal_index(last);
    uint64_t seed = 77;
    for (int t = 0; t < TICKERS; t++)
        at[t] = begin;
    for (int round = 0; round < ROUNDS; round++) {
        struct td_cache_job job = cache_options();
        for (int t = 0; t < TICKERS; t++) {
            const char *ticker = td_sim_ticker(sim, (size_t)t);
            seed = td_mix64(seed + 1);
            int32_t more = (int32_t)(seed % 4);
            for (; more > 0 && at[t] <= end; more--, at[t]++)
                if (seed >> 20 & 7) { /* else a hole in the data */
                    put_session(f.lake.lake, sim, ticker, td_cal_day(at[t]), TD_STOCKS_MINUTE);
                    if (seed >> 30 & 1)
                        put_session(f.lake.lake, sim, ticker, td_cal_day(at[t]), TD_STOCKS_DAILY);
                }
            td_day some = td_cal_day(begin + (int32_t)((seed >> 40) % 26));
            if (seed >> 50 & 1 && td_cal_index(some) < at[t])
                correct_minute(f.lake.lake, sim, ticker, some, seed);
            if ((seed >> 51 & 15) == 0)
                drop_partition(f.lake.root, ticker, some);
            if ((seed >> 58 & 3) == 0)
                vouch_only(f.lake.lake, ticker, some - 4, some);
            if ((seed >> 56 & 3) == 0) /* fills a gap */
                put_session(f.lake.lake, sim, ticker, some, TD_STOCKS_MINUTE);
        }
        if (round % 3 == 1)
            kill_a_build(&f, seed);
        if (round % 4 == 2) { /* a ranged build in between */
            job.from = td_cal_day(begin + (int32_t)(seed % 10));
            job.to = td_cal_day(begin + 10 + (int32_t)(seed % 10));
            cache_build(f.engine, &job, TD_OK);
            job = cache_options();
        }
        job.incremental = true;
        struct td_job_view view = cache_build(f.engine, &job, TD_OK);
        assert_int_equal(leftovers(f.lake.lake), 0);
        struct engine_fixture full = mirror_of(&f);
        struct td_cache_job whole = cache_options();
        struct td_job_view all = cache_build(full.engine, &whole, TD_OK);
        assert_int_equal(all.counts.skipped, 0);
        assert_int_equal(all.counts.planned, view.counts.planned);
        assert_true(assert_same_cache(&f, &full, "incremental", round) > 0);
        view = cache_build(f.engine, &job, TD_OK); /* and at once again: nothing to do */
        assert_int_equal(view.counts.skipped, view.counts.planned);
        assert_int_equal(view.counts.rows_read, 0);
        mirror_end(&full);
    }
    engine_end(&f);
    td_sim_free(sim);
}

/* A small lake: `tickers` of the market, the last `sessions` of minutes. */
static struct engine_fixture small_lake(struct td_sim *sim, size_t tickers, bool daily)
{
    struct engine_fixture f = engine_new(2);
    for (size_t t = 0; t < tickers; t++) {
        for (td_day day = td_sim_first_session(sim, false); day <= td_sim_last_session(sim); day++)
            if (td_cal_index(day) >= 0)
                put_session(f.lake.lake, sim, td_sim_ticker(sim, t), day, TD_STOCKS_MINUTE);
        for (td_day day = td_sim_first_session(sim, true); daily && day <= td_sim_last_session(sim); day++)
            if (td_cal_index(day) >= 0)
                put_session(f.lake.lake, sim, td_sim_ticker(sim, t), day, TD_STOCKS_DAILY);
    }
    return f;
}

static void test_presets(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(6, 6, 20);
    struct engine_fixture f = small_lake(sim, 6, false);
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    int id;
    job.preset_given = true;
    job.preset = TD_PRESET_SEED;
    cache_build(f.engine, &job, TD_OK);
    assert_manifest(f.lake.lake, "seed", 6);
    uint64_t seed_hash = tree_hash(f.lake.root);
    /* the manifest's preset holds where none is given, another one is refused */
    job = cache_options();
    job.incremental = true;
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.skipped, 6);
    job.preset_given = true;
    job.preset = TD_PRESET_SESSION;
    assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_USAGE);
    assert_non_null(strstr(err.text, "'seed'"));
    assert_non_null(strstr(err.text, "--rebuild"));
    job = cache_options();
    job.bars_given = true;
    job.bars = TD_BARS_MINUTE;
    assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_USAGE);
    assert_non_null(strstr(err.text, "--rebuild"));
    /* a range cannot hold another preset than its surroundings */
    job = cache_options();
    job.rebuild = job.preset_given = true;
    job.from = td_sim_last_session(sim);
    assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_USAGE);
    assert_non_null(strstr(err.text, "-s and -e"));
    assert_manifest(f.lake.lake, "seed", 6);
    job.from = TD_NO_DAY;
    cache_build(f.engine, &job, TD_OK);
    assert_manifest(f.lake.lake, "session", 6);
    struct td_rows rows;
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &rows, &err), err);
    assert_true(!isnan(((struct td_daily_row *)rows.items)[0].vol_pre_d)); /* seed has no phases */
    assert_int_equal(((struct td_daily_row *)rows.items)[0].complete, 1);
    td_rows_free(&rows);
    /* and back: the very files of before (the manifest counts on) */
    job.preset = TD_PRESET_SEED;
    cache_build(f.engine, &job, TD_OK);
    struct td_manifest manifest;
    ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
    assert_true(manifest.generation > 3);
    td_manifest_free(&manifest);
    assert_true(tree_hash(f.lake.root) != seed_hash); /* the generation */
    engine_end(&f);
    td_sim_free(sim);
}

static void cancel_soon(void *ctx, const struct td_job_view *view)
{
    if (view->counts.ok)
        td_job_cancel(ctx, view->id);
}

/* A rebuild with another preset that is stopped half-way: no old row passes for a new one. */
static void test_stopped_rebuild(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(12, 8, 20);
    struct engine_fixture f = small_lake(sim, 12, false), want;
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    struct td_job_view view;
    int id;
    cache_build(f.engine, &job, TD_OK);
    job.rebuild = job.preset_given = true;
    job.preset = TD_PRESET_SEED;
    job.parallel = 1;
    ASSERT_OK(td_job_cache(f.engine, &job, &id, &err), err);
    enum td_code code = td_job_wait(f.engine, id, cancel_soon, f.engine, &view, &err);
    assert_true(code == TD_CANCELLED || code == TD_OK);
    assert_reconciled(&view);
    struct td_manifest manifest;
    ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
    assert_string_equal(manifest.preset, "seed");
    assert_int_equal(manifest.count, view.counts.ok);
    td_manifest_free(&manifest);
    job = cache_options();
    job.incremental = true;
    struct td_job_view rest = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(rest.counts.skipped, view.counts.ok); /* goes on with the rest */
    want = mirror_of(&f);
    job = cache_options();
    job.preset_given = true;
    job.preset = TD_PRESET_SEED;
    cache_build(want.engine, &job, TD_OK);
    assert_int_equal(assert_same_cache(&f, &want, "stopped rebuild", 0), 12);
    assert_manifest(f.lake.lake, "seed", 12);
    mirror_end(&want);
    engine_end(&f);
    td_sim_free(sim);
}

struct rebuild {
    const struct engine_fixture *f;
    enum td_preset preset;
    suseconds_t at;
};

static int rebuild_until_killed(void *ctx)
{
    const struct rebuild *r = ctx;
    const struct itimerval alarm_at = {.it_value.tv_usec = r->at};
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 1};
    struct td_cache_job job = cache_options();
    struct td_job_view view;
    int id;
    job.rebuild = job.preset_given = true;
    job.preset = r->preset;
    setitimer(ITIMER_REAL, &alarm_at, NULL);
    if (td_engine_new(r->f->lake.lake, &options, &engine, NULL) != TD_OK || td_job_cache(engine, &job, &id, NULL) != TD_OK)
        return 1;
    td_job_wait(engine, id, NULL, NULL, &view, NULL);
    td_engine_free(engine);
    return 0;
}

/* A rebuild with another preset, killed at any instant: every file that the manifest names is of the manifest's preset. */
static void test_killed_rebuild(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(12, 8, 20);
    struct engine_fixture f = small_lake(sim, 12, false);
    struct td_cache_job job = cache_options();
    cache_build(f.engine, &job, TD_OK);
    engine_rest(&f);
    size_t halves = 0;
    for (suseconds_t i = 0; i < 24; i++) {
        struct rebuild r = {&f, i % 2 ? TD_PRESET_SESSION : TD_PRESET_SEED, 500 + i * 700};
        in_child(rebuild_until_killed, &r, RLIM_INFINITY);
        struct td_manifest manifest;
        struct td_err err = {0};
        ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
        halves += manifest.count < 12;
        for (size_t k = 0; k < manifest.count; k++) {
            char path[300];
            struct td_pq_file *file = NULL;
            cache_file(f.lake.root, manifest.entries[k].ticker, path);
            ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
            assert_string_equal(td_pq_meta(file, "tapedeck.preset"), manifest.preset);
            td_pq_close(file);
        }
        td_manifest_free(&manifest);
    }
    print_message("%zu of 24 kills left half a cache\n", halves);
    engine_wake(&f);
    job.incremental = true;
    cache_build(f.engine, &job, TD_OK);
    struct td_manifest manifest;
    struct td_err err = {0};
    ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
    assert_manifest(f.lake.lake, manifest.preset, 12);
    td_manifest_free(&manifest);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_ranges(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(4, 12, 20);
    struct engine_fixture f = small_lake(sim, 4, false);
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    td_day first = td_sim_first_session(sim, false), last = td_sim_last_session(sim);
    const char *ticker = td_sim_ticker(sim, 1);
    cache_build(f.engine, &job, TD_OK);
    struct td_rows before, after;
    ASSERT_OK(td_cache_read(f.lake.lake, ticker, &before, &err), err);
    for (td_day day = first; day <= last; day++) /* every day of it is corrected, only some are asked for */
        if (td_cal_index(day) >= 0)
            correct_minute(f.lake.lake, sim, ticker, day, 5);
    job.from = td_cal_day(td_cal_index(first) + 4); /* sessions lie right before and after it */
    job.to = td_cal_day(td_cal_index(first) + 8);
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_non_null(strstr(view.title, "daily cache"));
    ASSERT_OK(td_cache_read(f.lake.lake, ticker, &after, &err), err);
    assert_int_equal(after.count, before.count);
    const struct td_daily_row *a = before.items, *b = after.items;
    size_t changed = 0;
    for (size_t i = 0; i < after.count; i++) {
        assert_int_equal(a[i].trading_day, b[i].trading_day);
        bool inside = a[i].trading_day >= job.from && a[i].trading_day <= job.to;
        if (!inside && memcmp(&a[i].vol_d, &b[i].vol_d, sizeof a[i].vol_d) != 0)
            fail_msg("a row outside the range changed");
        changed += inside && memcmp(&a[i].vol_d, &b[i].vol_d, sizeof a[i].vol_d) != 0;
        assert_string_equal(a[i].bars_from, b[i].bars_from);
    }
    assert_int_equal(changed, 5);
    td_rows_free(&before);
    td_rows_free(&after);
    /* the rows outside are not what the bars say: an incremental run sees to them, and leaves the other tickers alone */
    job = cache_options();
    job.incremental = true;
    view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.skipped, 3);
    assert_int_equal(view.counts.ok, 1);
    /* a damaged file of the cache stops a ranged build by name, a full one makes it anew */
    char path[300];
    cache_file(f.lake.root, ticker, path);
    spill(path, "PAR1", 4);
    job = cache_options();
    job.from = last;
    view = cache_build(f.engine, &job, TD_UNITS);
    assert_non_null(strstr(view.message, path));
    job = cache_options();
    cache_build(f.engine, &job, TD_OK);
    assert_manifest(f.lake.lake, "session", 4);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_gone_tickers(void **state)
{
    (void)state;
    static const struct {
        bool incremental, rebuild, ranged;
        size_t left;
    } cases[] = {{true, false, false, 4}, {false, false, false, 4}, {false, true, false, 4}, {true, false, true, 5}, {false, false, true, 5}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) { /* a range decides nothing about a whole ticker */
        struct td_sim *sim = market_new(5, 3, 20);
        struct engine_fixture f = small_lake(sim, 5, false);
        struct td_cache_job job = cache_options();
        char path[300];
        cache_build(f.engine, &job, TD_OK);
        for (td_day day = td_sim_first_session(sim, false); day <= td_sim_last_session(sim); day++)
            drop_partition(f.lake.root, td_sim_ticker(sim, 2), day);
        job.incremental = cases[i].incremental;
        job.rebuild = cases[i].rebuild;
        job.from = cases[i].ranged ? td_sim_first_session(sim, false) : TD_NO_DAY;
        cache_build(f.engine, &job, TD_OK);
        cache_file(f.lake.root, td_sim_ticker(sim, 2), path);
        assert_int_equal(td_file_exists(path), cases[i].left == 5);
        if (cases[i].left == 4) /* else its bars are missing, which is told */
            assert_manifest(f.lake.lake, "session", 4);
        *strrchr(path, '/') = 0; /* nor does an empty folder stay */
        assert_int_equal(td_file_exists(path), cases[i].left == 5);
        engine_end(&f);
        td_sim_free(sim);
    }
}

/* Most of the bars gone at once is a disk that is not mounted: the cache stays until it is told to let go. */
static void test_gone_disk(void **state)
{
    (void)state;
    enum { TICKERS = 15, LEFT = 3 };
    struct td_sim *sim = market_new(TICKERS, 2, 20);
    struct engine_fixture f = small_lake(sim, TICKERS, false);
    struct td_cache_job job = cache_options();
    cache_build(f.engine, &job, TD_OK);
    for (int t = LEFT; t < TICKERS; t++)
        for (td_day day = td_sim_first_session(sim, false); day <= td_sim_last_session(sim); day++)
            drop_partition(f.lake.root, td_sim_ticker(sim, t), day);
    for (int incremental = 0; incremental < 2; incremental++) {
        job.incremental = incremental;
        struct td_err err = {0};
        int id = 0;
        assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_DATA);
        assert_non_null(strstr(err.text, "12 of the cache's 15 tickers"));
        struct td_manifest manifest = {0};
        ASSERT_OK(td_manifest_read(f.lake.lake, &manifest, &err), err);
        assert_int_equal(manifest.count, TICKERS);
        td_manifest_free(&manifest);
    }
    job.incremental = false;
    job.rebuild = true;
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_string_equal(view.message, "12 tickers without bars left the cache");
    assert_manifest(f.lake.lake, "session", LEFT);
    engine_end(&f);
    td_sim_free(sim);
}

/* --bars day gives the same rows whether the option or the manifest says so. */
static void test_day_bars(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(4, 3, 20);
    struct engine_fixture f = small_lake(sim, 4, true);
    struct td_err err = {0};
    struct td_cache_job job = cache_options();
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    const struct td_merge csv = {.source = "csv", .adjusted = "raw"};
    add_minutes(&bars, "2025-12-02", 5, 0); /* a ticker without daily bars */
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_MINUTE, "ONLYMIN", month_at("2025-12-01"), &bars, &csv, &counts, &err), err);
    td_bars_free(&bars);
    job.bars_given = true;
    job.bars = TD_BARS_DAY;
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.ok, 4);
    struct td_rows rows;
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &rows, &err), err);
    const struct td_daily_row *items = rows.items;
    assert_true(rows.count > 15);
    for (size_t i = 0; i < rows.count; i++)
        assert_string_equal(items[i].bars_from, "day");
    td_rows_free(&rows);
    char path[300];
    struct td_buf one, two;
    cache_file(f.lake.root, td_sim_ticker(sim, 0), path);
    slurp(path, &one);
    job = cache_options();
    job.incremental = true;
    view = cache_build(f.engine, &job, TD_OK);
    assert_true(view.counts.skipped == 5 && view.counts.planned == 5); /* ONLYMIN has no daily bars, the rest is unchanged */
    job.incremental = false;
    cache_build(f.engine, &job, TD_OK);
    slurp(path, &two);
    assert_true(same_bytes(&one, &two));
    td_buf_free(&one);
    td_buf_free(&two);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_bases(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    struct td_err err = {0};
    struct td_merge_counts counts;
    static const struct {
        const char *ticker, *day, *adjusted;
    } months[] = {{"MIXED", "2025-10-01", "raw"}, {"MIXED", "2025-11-03", "2025-11-30"}, {"DAYADJ", "2025-11-03", "raw"}};
    static const char *const bases[] = {"raw", "2025-11-30"};
    for (size_t i = 0; i < TD_COUNT(months); i++) {
        struct td_bars bars = {0};
        const struct td_merge merge = {.source = "csv", .adjusted = months[i].adjusted};
        add_minutes(&bars, months[i].day, 5, 0);
        ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_MINUTE, months[i].ticker, month_at(months[i].day), &bars, &merge, &counts, &err), err);
        td_bars_free(&bars);
    }
    struct td_bars daily = {0};
    const struct td_bar bar = {td_ny_midnight(day_at("2025-11-03")), 2, 3, 1, 2.5, 1000, TD_NO_F64, TD_NO_COUNT};
    const struct td_merge adjusted = {.source = "csv", .adjusted = "2025-11-30"};
    ASSERT_OK(td_bars_add(&daily, &bar, &err), err);
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_DAILY, "DAYADJ", month_at("2025-11-03"), &daily, &adjusted, &counts, &err), err);
    td_bars_free(&daily);
    for (int32_t m = 0; m < 2; m++) { /* daily bars alone, of two bases */
        struct td_bars one = {0};
        const struct td_merge merge = {.source = "csv", .adjusted = bases[m]};
        struct td_bar day = bar;
        day.ts = td_ny_midnight(m ? day_at("2025-11-03") : day_at("2025-10-01"));
        ASSERT_OK(td_bars_add(&one, &day, &err), err);
        ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_DAILY, "TWODAYS", month_at("2025-10-01") + m, &one, &merge, &counts, &err), err);
        td_bars_free(&one);
    }
    struct td_cache_job job = cache_options();
    struct td_job_view view = cache_build(f.engine, &job, TD_UNITS);
    assert_int_equal(view.counts.failed, 2); /* MIXED and TWODAYS */
    assert_non_null(strstr(view.message, "price bases never mix"));
    struct td_rows rows;
    ASSERT_OK(td_cache_read(f.lake.lake, "DAYADJ", &rows, &err), err);
    const struct td_daily_row *row = rows.items;
    assert_int_equal(rows.count, 1);
    assert_string_equal(row->close_src, "regular"); /* the adjusted close is of another basis */
    td_rows_free(&rows);
    engine_end(&f);
}

static void test_partial(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(3, 4, 20);
    struct engine_fixture f = small_lake(sim, 3, false);
    struct td_err err = {0};
    struct td_cache_job job = cache_options();
    struct td_rows rows;
    td_day last = td_sim_last_session(sim);
    ASSERT_OK(td_clock_init("2025-12-05T20:30:00Z", &err), err); /* the last session still runs */
    cache_build(f.engine, &job, TD_OK);
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &rows, &err), err);
    size_t over = rows.count;
    assert_true(((struct td_daily_row *)rows.items)[over - 1].trading_day < last);
    td_rows_free(&rows);
    job.partial = true;
    cache_build(f.engine, &job, TD_OK);
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &rows, &err), err);
    const struct td_daily_row *items = rows.items;
    assert_true(rows.count == over + 1 && items[over].trading_day == last && items[over].complete == 0 && items[over - 1].complete == 1);
    td_rows_free(&rows);
    ASSERT_OK(td_clock_init("2025-12-06T12:00:00Z", &err), err); /* over: no new bar, but another row */
    job.partial = false;
    job.incremental = true;
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.ok, 3);
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &rows, &err), err);
    items = rows.items;
    assert_true(rows.count == over + 1 && items[over].complete == 1);
    assert_string_equal(items[over].flags, "");
    td_rows_free(&rows);
    engine_end(&f);
    td_sim_free(sim);
}

/* A session that was running when the cache was built, and is over now: no new bar, but one more row. */
static void test_session_ends(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(3, 4, 20);
    struct engine_fixture f = small_lake(sim, 3, false);
    struct td_err err = {0};
    struct td_cache_job job = cache_options();
    struct td_rows before, after;
    job.incremental = true;
    ASSERT_OK(td_clock_init("2025-12-05T20:30:00Z", &err), err);
    cache_build(f.engine, &job, TD_OK);
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &before, &err), err);
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.skipped, 3);
    ASSERT_OK(td_clock_init("2025-12-06T12:00:00Z", &err), err);
    view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.ok, 3);
    ASSERT_OK(td_cache_read(f.lake.lake, td_sim_ticker(sim, 0), &after, &err), err);
    assert_int_equal(after.count, before.count + 1);
    td_rows_free(&before);
    td_rows_free(&after);
    engine_end(&f);
    td_sim_free(sim);
}

static int build_in_child(void *ctx)
{
    const struct engine_fixture *f = ctx;
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 1};
    struct td_cache_job job = cache_options();
    struct td_job_view view;
    struct td_err err = {0};
    int id;
    if (td_engine_new(f->lake.lake, &options, &engine, &err) != TD_OK || td_job_cache(engine, &job, &id, &err) != TD_OK)
        return 1;
    enum td_code code = td_job_wait(engine, id, NULL, NULL, &view, &err);
    td_engine_free(engine);
    return code == TD_OK ? 2 : 0;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(3, 4, 20);
    struct engine_fixture f = small_lake(sim, 3, false);
    struct td_cache_job job = cache_options();
    cache_build(f.engine, &job, TD_OK);
    uint64_t hash = tree_hash(f.lake.root);
    correct_minute(f.lake.lake, sim, td_sim_ticker(sim, 0), td_sim_last_session(sim), 3);
    engine_rest(&f);
    assert_int_equal(in_child(build_in_child, &f, 500), 0);
    engine_wake(&f);
    assert_int_equal(leftovers(f.lake.lake), 0);
    assert_manifest(f.lake.lake, "session", 3); /* the old cache, whole */
    job.incremental = true;
    struct td_job_view view = cache_build(f.engine, &job, TD_OK);
    assert_int_equal(view.counts.ok, 1);
    assert_true(tree_hash(f.lake.root) != hash);
    engine_end(&f);
    td_sim_free(sim);
}

static void test_nothing(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    int id;
    assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "tapedeck ingest"));
    char path[300];
    snprintf(path, sizeof path, "%s/cache/daily/MANIFEST.json", f.lake.root);
    spill(path, "{\"format\":1,", 12);
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    const struct td_merge csv = {.source = "csv", .adjusted = "raw"};
    add_minutes(&bars, "2025-12-02", 5, 0);
    ASSERT_OK(td_bronze_merge(f.lake.lake, TD_STOCKS_MINUTE, "NULL", month_at("2025-12-01"), &bars, &csv, &counts, &err), err);
    td_bars_free(&bars);
    assert_int_equal(td_job_cache(f.engine, &job, &id, &err), TD_DATA);
    assert_non_null(strstr(err.text, "--rebuild"));
    job.rebuild = true;
    cache_build(f.engine, &job, TD_OK);
    assert_manifest(f.lake.lake, "session", 1);
    engine_end(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct td_sim *sim = market_new(2, 2, 20);
    struct engine_fixture f = small_lake(sim, 2, true);
    bool done = false;
    for (long n = 1; n < 5000 && !done; n += n < 80 ? 1 : 17) {
        struct td_cache_job job = cache_options();
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
        assert_int_equal(leftovers(f.lake.lake), 0);
    }
    assert_true(done);
    assert_manifest(f.lake.lake, "session", 2);
    engine_end(&f);
    td_sim_free(sim);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incremental_equals_full), cmocka_unit_test(test_presets),   cmocka_unit_test(test_stopped_rebuild),
        cmocka_unit_test(test_ranges),    cmocka_unit_test(test_gone_tickers), cmocka_unit_test(test_gone_disk),            cmocka_unit_test(test_day_bars),
        cmocka_unit_test(test_bases),     cmocka_unit_test(test_partial),                 cmocka_unit_test(test_killed_rebuild),
        cmocka_unit_test(test_session_ends),                 cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_nothing),   cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
