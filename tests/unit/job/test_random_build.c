/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whatever happens to a lake between two builds, the cache of an incremental one is byte for byte that of a full one in
 * another folder. Random days, corrections, holes, lost files, splits, renames, listings, caps, clocks and kills.
 * TAPEDECK_TEST_SEED and TAPEDECK_TEST_ROUNDS choose another run; a failing one names its seed and round. */
#include "job/build_fixture.h"

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
enum { ROUNDS_SESSION = 24, ROUNDS_SEED = 8 }; /* the sanitizers make a round ten times as long */
#else
enum { ROUNDS_SESSION = 200, ROUNDS_SEED = 60 };
#endif
enum { TICKERS = 5, SESSIONS = 48, DAILY = 80 };

struct world {
    struct engine_fixture f;
    struct td_sim *sim;
    uint64_t seed;
    int32_t begin, end, at[TICKERS]; /* sessions; at = the next one not yet ingested */
    struct td_split_row splits[32];
    struct td_rename_row renames[4];
    struct td_ticker_row listings[4];
    size_t split_count, rename_count, listing_count;
    char caps[300]; /* a file for --cap, "" = none this round */
    bool partial;
};

static uint64_t roll(struct world *w, uint64_t sides)
{
    w->seed = td_mix64(w->seed);
    return w->seed % sides;
}

static const char *some_ticker(struct world *w)
{
    return td_sim_ticker(w->sim, roll(w, TICKERS));
}

static td_day some_day(struct world *w)
{
    return td_cal_day(w->begin + (int32_t)roll(w, (uint64_t)(w->end - w->begin + 1)));
}

/* ---- what can happen ---- */

static void ingest_days(struct world *w)
{
    for (size_t t = 0; t < TICKERS; t++)
        for (uint64_t more = roll(w, 3); more > 0 && w->at[t] <= w->end; more--, w->at[t]++) {
            uint64_t kind = roll(w, 8); /* 0: a hole in the data */
            td_day day = td_cal_day(w->at[t]);
            if (kind > 1)
                put_session(w->f.lake.lake, w->sim, td_sim_ticker(w->sim, t), day, TD_STOCKS_MINUTE);
            if (kind == 1 || kind > 5)
                put_session(w->f.lake.lake, w->sim, td_sim_ticker(w->sim, t), day, TD_STOCKS_DAILY);
        }
}

static void correct_a_day(struct world *w)
{
    struct td_bars bars = {0}, some = {0};
    struct td_err err = {0};
    struct td_merge_counts counts;
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .new_wins = true};
    const char *ticker = some_ticker(w);
    td_day day = some_day(w);
    bool daily = roll(w, 4) == 0;
    ASSERT_OK(td_sim_session(w->sim, ticker, day, daily, &bars, &err), err);
    for (uint64_t n = bars.n ? 1 + roll(w, 4) : 0; n > 0; n--) { /* rows are as many as before where the day was there */
        struct td_bar bar = td_bars_get(&bars, roll(w, bars.n));
        bar.volume = roll(w, 5) ? bar.volume * 3 + 1 : TD_NO_F64;
        bar.close = bar.low;
        if (some.n && some.ts[some.n - 1] >= bar.ts)
            break;
        ASSERT_OK(td_bars_add(&some, &bar, &err), err);
    }
    if (some.n)
        ASSERT_OK(td_bronze_merge(w->f.lake.lake, daily ? TD_STOCKS_DAILY : TD_STOCKS_MINUTE, ticker, td_month_of(day), &some, &merge, &counts, &err), err);
    td_bars_free(&some);
    td_bars_free(&bars);
}

static void delete_partition(struct world *w)
{
    struct td_buf path;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    ASSERT_OK(td_bronze_path(w->f.lake.lake, roll(w, 3) ? TD_STOCKS_MINUTE : TD_STOCKS_DAILY, some_ticker(w), td_month_of(some_day(w)), &path, &err), err);
    unlink(path.data);
    td_buf_free(&path);
}

/* All that is known of a ticker goes: its cache must, too. */
static void delete_ticker(struct world *w)
{
    const char *ticker = some_ticker(w);
    struct td_buf path;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    for (enum td_table table = 0; table < TD_TABLE_COUNT; table++)
        for (int32_t month = td_month_of(td_cal_day(w->begin)); month <= td_month_of(td_cal_day(w->end)); month++) {
            ASSERT_OK(td_bronze_path(w->f.lake.lake, table, ticker, month, &path, &err), err);
            unlink(path.data);
        }
    td_buf_free(&path);
}

static void fill_gap(struct world *w)
{
    put_session(w->f.lake.lake, w->sim, some_ticker(w), some_day(w), roll(w, 3) ? TD_STOCKS_MINUTE : TD_STOCKS_DAILY);
}

static void vouch_for_days(struct world *w)
{
    const struct td_bars none = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    td_day day = some_day(w);
    const struct td_day_range range = {td_month_first(td_month_of(day)) > day - 5 ? day : day - 5, day};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &range, .vouched_count = 1};
    ASSERT_OK(td_bronze_merge(w->f.lake.lake, TD_STOCKS_MINUTE, some_ticker(w), td_month_of(day), &none, &merge, &counts, &err), err);
}

static void write_reference(struct world *w, const char *table, const struct td_record *record, const void *rows, size_t count)
{
    struct td_buf path;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    ASSERT_OK(td_reference_path(w->f.lake.lake, table, &path, &err), err);
    ASSERT_OK(td_table_write(path.data, record, rows, count, NULL, 0, &err), err);
    td_buf_free(&path);
}

static void change_splits(struct world *w)
{
    if (w->split_count && (w->split_count == TD_COUNT(w->splits) || roll(w, 4) == 0)) {
        w->split_count--; /* taken back */
    } else {
        struct td_split_row *row = &w->splits[w->split_count++];
        *row = (struct td_split_row){.execution_date = some_day(w), .split_from = roll(w, 2) ? 1 : 10, .split_to = roll(w, 2) ? 1 : 4};
        td_copy(row->ticker, sizeof row->ticker, some_ticker(w));
    }
    write_reference(w, "splits", &td_split_record, w->splits, w->split_count);
}

static void change_renames(struct world *w)
{
    if (w->rename_count == TD_COUNT(w->renames) || (w->rename_count && roll(w, 3) == 0)) {
        w->rename_count = 0;
    } else {
        struct td_rename_row *row = &w->renames[w->rename_count++];
        *row = (struct td_rename_row){.day = some_day(w)};
        td_copy(row->ticker, sizeof row->ticker, some_ticker(w));
        td_copy(row->old_ticker, sizeof row->old_ticker, some_ticker(w));
    }
    write_reference(w, "renames", &td_rename_record, w->renames, w->rename_count);
}

static void change_listings(struct world *w)
{
    if (w->listing_count == TD_COUNT(w->listings))
        w->listing_count = 0;
    struct td_ticker_row *row = &w->listings[w->listing_count++];
    *row = (struct td_ticker_row){.active = 1, .list_date = some_day(w), .delisted = roll(w, 2) ? some_day(w) : TD_NO_DAY};
    td_copy(row->ticker, sizeof row->ticker, some_ticker(w));
    write_reference(w, "tickers", &td_ticker_record, w->listings, w->listing_count);
}

static void change_caps(struct world *w)
{
    char text[600], from[16], to[16];
    size_t len = 0;
    len += (size_t)snprintf(text, sizeof text, "ticker,effective_from,effective_to,market_cap\n");
    for (int i = 0; i < 4; i++) {
        td_day day = some_day(w);
        td_format_day(day, from);
        td_format_day(day + 1 + (td_day)roll(w, 30), to);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s,%s,%s,%u\n", some_ticker(w), from, roll(w, 2) ? to : "",
                                (unsigned)roll(w, 1000000));
    }
    snprintf(w->caps, sizeof w->caps, "%s/caps.csv", w->f.lake.root);
    spill(w->caps, text, len);
}

/* The cache itself is hurt: a file lost, damaged, without its mark; the knowledge of stamps lost or damaged. */
static void hurt_cache(struct world *w)
{
    char path[400];
    cache_file(w->f.lake.root, some_ticker(w), path);
    switch (roll(w, 5)) {
    case 0: unlink(path); break;
    case 1: spill(path, "PAR1 is not enough", 18); break;
    case 2:
        memcpy(strrchr(path, '/'), "/_SUCCESS", 10);
        unlink(path);
        break;
    case 3:
        snprintf(path, sizeof path, "%s/_runs/bronze.stamps", w->f.lake.root);
        spill(path, "TDSEEN", 6);
        break;
    default:
        snprintf(path, sizeof path, "%s/_runs/bronze.stamps", w->f.lake.root);
        unlink(path);
    }
}

/* Every file gets another stamp and keeps its content, as in a copied lake. */
static void copy_a_file(struct world *w)
{
    struct td_buf path, bytes;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    td_buf_init(&bytes, 64 << 20);
    ASSERT_OK(td_bronze_path(w->f.lake.lake, TD_STOCKS_MINUTE, some_ticker(w), td_month_of(some_day(w)), &path, &err), err);
    if (td_file_exists(path.data)) {
        ASSERT_OK(td_file_read(path.data, 64 << 20, &bytes, &err), err);
        ASSERT_OK(td_publish_bytes(path.data, bytes.data, bytes.len, &err), err);
    }
    td_buf_free(&bytes);
    td_buf_free(&path);
}

/* An evening, a running session, or long after. */
static void turn_clock(struct world *w)
{
    char day[16], text[40];
    td_format_day(td_cal_day(w->end - (int32_t)roll(w, 3)), day);
    snprintf(text, sizeof text, "%sT%s:00Z", roll(w, 2) ? day : "2025-12-20", roll(w, 2) ? "18:30" : "03:00");
    assert_int_equal(td_clock_init(text, NULL), TD_OK);
    w->partial = roll(w, 3) == 0;
}

static struct td_cache_job increment(const struct world *w)
{
    struct td_cache_job job = cache_options();
    job.incremental = true;
    job.partial = w->partial;
    job.cap_file = *w->caps ? w->caps : NULL;
    return job;
}

static void build_a_range(struct world *w)
{
    struct td_cache_job job = increment(w);
    struct td_err err = {0};
    struct td_job_view view;
    int id;
    job.incremental = roll(w, 2);
    job.from = some_day(w);
    job.to = roll(w, 3) ? job.from + (td_day)roll(w, 30) : TD_NO_DAY;
    if (td_job_cache(w->f.engine, &job, &id, &err) == TD_OK) /* nothing to build from, a hurt file: its own business */
        (void)td_job_wait(w->f.engine, id, NULL, NULL, &view, &err);
}

static int build_until_killed(const struct world *w, long nanoseconds)
{
    struct sigevent kill_me = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    const struct itimerspec when = {.it_value.tv_nsec = nanoseconds};
    timer_t timer;
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 2};
    struct td_cache_job job = increment(w);
    struct td_job_view view;
    int id;
    if (timer_create(CLOCK_MONOTONIC, &kill_me, &timer) != 0 || timer_settime(timer, 0, &when, NULL) != 0)
        return 1;
    if (td_engine_new(w->f.lake.lake, &options, &engine, NULL) != TD_OK || td_job_cache(engine, &job, &id, NULL) != TD_OK)
        return 1;
    td_job_wait(engine, id, NULL, NULL, &view, NULL);
    td_engine_free(engine);
    return 0;
}

/* SIGKILL at some instant of the next milliseconds. */
static void kill_a_build(struct world *w)
{
    long after = 100000 + (long)roll(w, 9000000);
    engine_rest(&w->f);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(build_until_killed(w, after));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    engine_wake(&w->f);
}

/* ---- the comparison ---- */

static size_t cached_tickers(const char *root)
{
    char folder[300];
    struct td_names names = {0};
    struct td_err err = {0};
    size_t count = 0;
    snprintf(folder, sizeof folder, "%s/cache/daily", root);
    ASSERT_OK(td_dir_list(folder, &names, &err), err);
    for (size_t i = 0; i < names.count; i++)
        count += strncmp(names.items[i], "ticker=", 7) == 0;
    td_names_free(&names);
    return count;
}

static size_t listed_tickers(const struct td_lake *lake)
{
    struct td_manifest manifest;
    struct td_err err = {0};
    ASSERT_OK(td_manifest_read(lake, &manifest, &err), err);
    size_t count = manifest.count;
    td_manifest_free(&manifest);
    return count;
}

static void assert_as_full(struct world *w, const char *name, uint64_t seed, int round)
{
    struct engine_fixture full = engine_new(2);
    struct td_cache_job job = cache_options();
    struct td_manifest manifest;
    struct td_err err = {0};
    char from[300], to[300];
    snprintf(from, sizeof from, "%s/bronze", w->f.lake.root);
    snprintf(to, sizeof to, "%s/bronze", full.lake.root);
    assert_int_equal(symlink(from, to), 0);
    job.partial = w->partial;
    job.preset_given = true;
    ASSERT_OK(td_manifest_read(w->f.lake.lake, &manifest, &err), err);
    job.preset = strcmp(manifest.preset, "seed") == 0 ? TD_PRESET_SEED : TD_PRESET_SESSION;
    td_manifest_free(&manifest);
    cache_build(full.engine, &job, TD_OK);
    ASSERT_OK(td_manifest_read(full.lake.lake, &manifest, &err), err);
    assert_true(manifest.count > 0);
    if (cached_tickers(w->f.lake.root) != manifest.count || listed_tickers(w->f.lake.lake) != manifest.count)
        fail_msg("%s: %zu tickers in the cache, %zu in its manifest, a full build has %zu; TAPEDECK_TEST_SEED=%llu, round %d", name,
                 cached_tickers(w->f.lake.root), listed_tickers(w->f.lake.lake), manifest.count, (unsigned long long)seed, round);
    for (size_t i = 0; i < manifest.count; i++) {
        char a[300], b[300];
        struct td_buf one, two;
        cache_file(w->f.lake.root, manifest.entries[i].ticker, a);
        cache_file(full.lake.root, manifest.entries[i].ticker, b);
        slurp(a, &one);
        slurp(b, &two);
        if (!same_bytes(&one, &two))
            fail_msg("%s: %s is not what a full build gives; TAPEDECK_TEST_SEED=%llu, round %d", name, manifest.entries[i].ticker,
                     (unsigned long long)seed, round);
        td_buf_free(&one);
        td_buf_free(&two);
    }
    td_manifest_free(&manifest);
    unlink(to);
    engine_end(&full);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    int64_t value;
    return text && td_parse_i64(text, strlen(text), &value) && value > 0 ? (uint64_t)value : otherwise;
}

static void run_rounds(const char *name, enum td_preset preset, uint64_t seed, int rounds)
{
    static void (*const events[])(struct world *w) = {ingest_days,    ingest_days,    ingest_days,   correct_a_day, correct_a_day, correct_a_day,
                                                      delete_partition, delete_ticker, fill_gap,     fill_gap,      vouch_for_days, change_splits, change_splits,
                                                      change_renames, change_listings, change_caps,  hurt_cache,    copy_a_file,   turn_clock,
                                                      build_a_range,  kill_a_build};
    struct world w = {.f = engine_new(2), .sim = market_new(TICKERS, SESSIONS, DAILY), .seed = seed};
    w.begin = td_cal_index(td_sim_first_session(w.sim, false));
    w.end = td_cal_index(td_sim_last_session(w.sim));
    for (size_t t = 0; t < TICKERS; t++)
        w.at[t] = w.begin;
    assert_int_equal(td_clock_init("2025-12-20T12:00:00Z", NULL), TD_OK);
    put_session(w.f.lake.lake, w.sim, td_sim_ticker(w.sim, 0), td_cal_day(w.begin), TD_STOCKS_MINUTE);
    struct td_cache_job first = cache_options();
    first.preset_given = true;
    first.preset = preset;
    cache_build(w.f.engine, &first, TD_OK);
    size_t reads = 0, kept = 0;
    for (int round = 0; round < rounds; round++) {
        for (uint64_t n = 1 + roll(&w, 4); n > 0; n--)
            events[roll(&w, TD_COUNT(events))](&w);
        if (round % 8 == 7) /* time goes on, so that there are always days to come */
            ingest_days(&w);
        struct td_cache_job job = increment(&w);
        struct td_err err = {0};
        int id;
        enum td_code code = td_job_cache(w.f.engine, &job, &id, &err);
        if (code == TD_MISSING) { /* the last partition is gone */
            put_session(w.f.lake.lake, w.sim, td_sim_ticker(w.sim, 0), td_cal_day(w.begin), TD_STOCKS_MINUTE);
            code = td_job_cache(w.f.engine, &job, &id, &err);
        }
        ASSERT_OK(code, err);
        struct td_job_view view = wait_job(w.f.engine, id, TD_OK);
        reads += view.counts.rows_read;
        kept += view.counts.rows_written;
        assert_int_equal(leftovers(w.f.lake.lake), 0);
        w.caps[0] = 0; /* the lake keeps them */
        assert_as_full(&w, name, seed, round);
        job = increment(&w);
        view = cache_build(w.f.engine, &job, TD_OK); /* and at once again: nothing to do */
        if (view.counts.rows_read != 0 || view.counts.skipped != view.counts.planned)
            fail_msg("%s: a second run had something to do; TAPEDECK_TEST_SEED=%llu, round %d", name, (unsigned long long)seed, round);
    }
    print_message("%s: %d rounds, %zu bars read, %zu rows written\n", name, rounds, reads, kept);
    engine_end(&w.f);
    td_sim_free(w.sim);
}

static void test_session(void **state)
{
    (void)state;
    run_rounds("session", TD_PRESET_SESSION, number_of("TAPEDECK_TEST_SEED", 20251205), (int)number_of("TAPEDECK_TEST_ROUNDS", ROUNDS_SESSION));
}

static void test_seed(void **state)
{
    (void)state;
    run_rounds("seed", TD_PRESET_SEED, number_of("TAPEDECK_TEST_SEED", 20251206), (int)number_of("TAPEDECK_TEST_ROUNDS", ROUNDS_SEED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_session), cmocka_unit_test(test_seed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
