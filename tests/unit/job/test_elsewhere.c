/* SPDX-License-Identifier: GPL-3.0-or-later
 * cache build --intraday-root and --out: minute bars out of other people's ticker-first lakes, whatever their columns' types and
 * however their months are cut, and caches that lie elsewhere. */
#include "job/build_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <tapedeck/parquet.h>

enum style { DOUBLES_MS, FLOATS_NS, STAMPS_US, NO_OPTIONALS, LONG_NAMES, SECONDS, STYLES };

/* Bars as another program might write them: columns in another order, other types, other names. */
static void write_foreign(const char *path, const struct td_bars *bars, enum style style)
{
    enum { MOST = 60000 };
    static int64_t ts[MOST], n[MOST];
    static int32_t n32[MOST];
    static double doubles[6][MOST];
    static float floats[6][MOST];
    static uint64_t valid[3][TD_PQ_WORDS(MOST)];
    static const int64_t per_ms[] = {1, 1000000, 1000, 1, 1, 1};
    const double *const from[6] = {bars->open, bars->high, bars->low, bars->close, bars->volume, bars->vwap};
    static const char *const short_names[6] = {"o", "h", "l", "c", "v", "vw"}, *const long_names[6] = {"open", "high", "low", "close", "volume", "vwap"};
    const char *const *names = style == LONG_NAMES ? long_names : short_names;
    struct td_pq_column columns[9];
    struct td_pq_array arrays[9];
    size_t count = 0;
    struct td_err err = {0};
    assert_true(bars->n <= MOST);
    memset(valid, 0, sizeof valid);
    for (size_t i = 0; i < bars->n; i++) {
        ts[i] = style == SECONDS ? bars->ts[i] / 1000 : bars->ts[i] * per_ms[style];
        n[i] = bars->trades[i];
        n32[i] = bars->trades[i] == TD_NO_COUNT ? 0 : (int32_t)bars->trades[i];
        valid[2][i / 64] |= (uint64_t)(bars->trades[i] != TD_NO_COUNT) << (i % 64);
        for (size_t k = 0; k < 6; k++) {
            doubles[k][i] = from[k][i];
            floats[k][i] = (float)from[k][i];
            if (k >= 4)
                valid[k - 4][i / 64] |= (uint64_t)!isnan(from[k][i]) << (i % 64);
        }
    }
    for (size_t k = 6; k-- > 0;) { /* prices last to first, then the rest */
        if (style == NO_OPTIONALS && k >= 4)
            continue;
        bool real = style == FLOATS_NS;
        columns[count] = (struct td_pq_column){.name = names[k], .type = real ? TD_PQ_FLOAT : TD_PQ_DOUBLE, .optional = k >= 4};
        arrays[count++] = (struct td_pq_array){real ? (void *)floats[k] : (void *)doubles[k], k >= 4 ? valid[k - 4] : NULL};
    }
    columns[count] = (struct td_pq_column){.name = style == LONG_NAMES ? "timestamp" : "t", .type = TD_PQ_INT64};
    if (style == STAMPS_US) {
        columns[count].logical = TD_PQ_TIMESTAMP;
        columns[count].unit = TD_PQ_MICROS;
        columns[count].utc = true;
    }
    arrays[count++] = (struct td_pq_array){ts, NULL};
    if (style == FLOATS_NS) {
        columns[count] = (struct td_pq_column){.name = "n", .type = TD_PQ_INT32, .optional = true};
        arrays[count++] = (struct td_pq_array){n32, valid[2]};
    } else if (style != NO_OPTIONALS) {
        columns[count] = (struct td_pq_column){.name = style == LONG_NAMES ? "transactions" : "n", .type = TD_PQ_INT64, .optional = true};
        arrays[count++] = (struct td_pq_array){n, valid[2]};
    }
    struct td_pq_writer *writer;
    ASSERT_OK(td_mkdirs_for(path, &err), err);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    assert_true(fd >= 0);
    ASSERT_OK(td_pq_writer_new(fd, path, columns, count, NULL, &writer, &err), err);
    ASSERT_OK(td_pq_write(writer, arrays, bars->n, &err), err);
    ASSERT_OK(td_pq_writer_finish(writer, &err), err);
    td_pq_writer_free(writer);
    close(fd);
}

static struct td_bars part(const struct td_bars *b, size_t from, size_t to)
{
    return (struct td_bars){.n = to - from, .ts = b->ts + from, .open = b->open + from, .high = b->high + from, .low = b->low + from,
                            .close = b->close + from, .volume = b->volume + from, .vwap = b->vwap + from, .trades = b->trades + from};
}

struct two { /* a lake of ours, and the same bars ticker-first */
    struct engine_fixture ours, theirs;
    struct td_sim *sim;
    char root[300];
};

/* All minutes of a ticker: into our bronze, vouched for as the other lake's are, and into `pieces` files a month of the other;
 * months cut by UTC dates or by exchange dates. */
static void put_ticker(struct two *t, size_t which, enum style style, bool utc, size_t pieces)
{
    const char *ticker = td_sim_ticker(t->sim, which);
    struct td_bars all = {0};
    struct td_err err = {0};
    for (td_day day = td_sim_first_session(t->sim, false); day <= td_sim_last_session(t->sim); day++)
        if (td_cal_index(day) >= 0)
            ASSERT_OK(td_sim_session(t->sim, ticker, day, false, &all, &err), err);
    for (size_t i = 0; i < all.n; i++) {
        if (style == FLOATS_NS) { /* what a float holds is what both shall hold */
            double *const columns[] = {all.open, all.high, all.low, all.close, all.volume, all.vwap};
            for (size_t k = 0; k < TD_COUNT(columns); k++)
                columns[k][i] = (double)(float)columns[k][i];
        } else if (style == NO_OPTIONALS) {
            all.volume[i] = all.vwap[i] = TD_NO_F64;
            all.trades[i] = TD_NO_COUNT;
        } else if (i % 37 == 5) {
            all.volume[i] = all.vwap[i] = TD_NO_F64;
        }
    }
    for (int32_t month = td_month_of(td_sim_first_session(t->sim, false)); month <= td_month_of(td_sim_last_session(t->sim)); month++) {
        struct td_bars mine = job_month_slice(&all, month);
        struct td_merge_counts counts;
        struct td_day_range range;
        int32_t ms;
        if (mine.n) {
            td_ny_split(mine.ts[0], &range.from, &ms);
            td_ny_split(mine.ts[mine.n - 1], &range.to, &ms);
            const struct td_merge merge = {.source = "csv", .adjusted = "raw", .vouched = &range, .vouched_count = 1};
            ASSERT_OK(td_bronze_merge(t->ours.lake.lake, TD_STOCKS_MINUTE, ticker, month, &mine, &merge, &counts, &err), err);
        }
        if (utc)
            mine = part(&all, td_bars_lower_bound(&all, td_month_first(month) * TD_MS_DAY), td_bars_lower_bound(&all, (td_month_last(month) + 1) * TD_MS_DAY));
        for (size_t k = 0; k < pieces && mine.n; k++) { /* the pieces overlap a little; the first lies in month=1, not month=01 */
            char path[600];
            size_t from = mine.n * k / pieces, to = mine.n * (k + 1) / pieces;
            struct td_bars piece = part(&mine, from > 10 ? from - 10 : from, to);
            snprintf(path, sizeof path, k ? "%s/%s/year=%d/month=%02d/part-%zu.parquet" : "%s/%s/year=%d/month=%d/part-%zu.parquet", t->root, ticker,
                     month / 12, month % 12 + 1, k);
            write_foreign(path, &piece, style);
        }
    }
    td_bars_free(&all);
}

static struct two two_new(int tickers, int sessions)
{
    struct two t = {.ours = engine_new(2), .theirs = engine_new(2), .sim = market_new(tickers, sessions, sessions)};
    snprintf(t.root, sizeof t.root, "%s/elsewhere", t.theirs.lake.root);
    return t;
}

static void two_free(struct two *t)
{
    engine_end(&t->ours);
    engine_end(&t->theirs);
    td_sim_free(t->sim);
}

static struct td_rows rows_of(const struct engine_fixture *f, const char *ticker)
{
    struct td_rows rows;
    struct td_err err = {0};
    ASSERT_OK(td_cache_read(f->lake.lake, ticker, &rows, &err), err);
    return rows;
}

static void assert_equal_rows(const struct td_rows *a, const struct td_rows *b, const char *what)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        for (size_t k = 0; k < td_daily_record.count; k++) {
            const struct td_daily_row *x = (const struct td_daily_row *)a->items + i, *y = (const struct td_daily_row *)b->items + i;
            struct td_cell p = td_record_cell(&td_daily_record.fields[k], x), q = td_record_cell(&td_daily_record.fields[k], y);
            bool same = p.kind == q.kind && (p.kind == TD_KIND_NULL || (p.kind == TD_KIND_STR ? td_str_cmp(p.v.s, q.v.s) == 0 : p.kind == TD_KIND_BOOL ? p.v.b == q.v.b : p.v.i == q.v.i));
            if (!same)
                fail_msg("%s: row %zu differs in %s", what, i, td_daily_record.fields[k].name);
        }
}

/* The same bars give the same rows, from bronze and from a ticker-first lake in any of its fashions. */
static void test_same_rows(void **state)
{
    (void)state;
    for (int utc = 0; utc < 2; utc++) {
        struct two t = two_new(STYLES, 30);
        struct td_cache_job job = cache_options(), there = cache_options();
        for (size_t i = 0; i < STYLES; i++)
            put_ticker(&t, i, (enum style)i, utc, 1 + i % 3);
        there.intraday = t.root;
        cache_build(t.ours.engine, &job, TD_OK);
        struct td_job_view view = cache_build(t.theirs.engine, &there, TD_OK);
        assert_int_equal(view.counts.ok, STYLES);
        assert_true(view.counts.rows_duplicate > 10);
        assert_int_equal(quarantined(&view.counts), 0);
        for (size_t i = 0; i < STYLES; i++) {
            char what[60];
            struct td_rows a = rows_of(&t.ours, td_sim_ticker(t.sim, i)), b = rows_of(&t.theirs, td_sim_ticker(t.sim, i));
            snprintf(what, sizeof what, "style %zu, months by %s", i, utc ? "UTC" : "exchange dates");
            assert_equal_rows(&a, &b, what);
            td_rows_free(&a);
            td_rows_free(&b);
        }
        there.incremental = true;
        view = cache_build(t.theirs.engine, &there, TD_OK);
        assert_int_equal(view.counts.skipped, STYLES);
        two_free(&t);
    }
}

static void month_path(const struct two *t, const char *ticker, int32_t month, char out[600])
{
    snprintf(out, 600, "%s/%s/year=%d/month=%d/part-0.parquet", t->root, ticker, month / 12, month % 12 + 1);
}

/* A month of the other lake is written anew, one goes, one comes: the incremental cache is the full one. */
static void test_incremental(void **state)
{
    (void)state;
    for (int seed = 0; seed < 2; seed++) {
        struct two t = two_new(3, 70);
        struct td_cache_job job = cache_options();
        struct td_err err = {0};
        const char *ticker = td_sim_ticker(t.sim, 1);
        for (size_t i = 0; i < 3; i++)
            put_ticker(&t, i, DOUBLES_MS, true, 1);
        job.intraday = t.root;
        job.preset_given = true;
        job.preset = seed ? TD_PRESET_SEED : TD_PRESET_SESSION;
        cache_build(t.theirs.engine, &job, TD_OK);
        job.incremental = true;
        int32_t middle = td_month_of(td_sim_last_session(t.sim)) - 1;
        for (int step = 0; step < 3; step++) {
            struct td_bars bars = {0};
            struct td_bronze_reader *reader;
            struct td_bronze_info info;
            struct td_intraday_counts counts;
            char path[600], other[600];
            month_path(&t, ticker, middle, path);
            snprintf(other, sizeof other, "%s/away.parquet", t.theirs.lake.root);
            if (step == 0) { /* as many rows, other numbers, and the last hour of the month among them */
                ASSERT_OK(td_bronze_reader_new(&reader, &err), err);
                ASSERT_OK(td_intraday_read(reader, t.root, ticker, middle, &bars, &info, &counts, &err), err);
                assert_true(bars.n > 100 && counts.rows == bars.n);
                bars.volume[3] = 12345;
                bars.close[bars.n - 1] = bars.low[bars.n - 1];
                bars.volume[bars.n - 1] = 999;
                write_foreign(path, &bars, DOUBLES_MS);
                td_bronze_reader_free(reader);
                td_bronze_info_free(&info);
                td_bars_free(&bars);
            } else {
                assert_int_equal(step == 1 ? rename(path, other) : rename(other, path), 0);
            }
            struct td_job_view view = cache_build(t.theirs.engine, &job, TD_OK);
            assert_int_equal(view.counts.skipped, 2);
            assert_int_equal(view.counts.ok, 1);
            struct engine_fixture full = engine_new(1);
            struct td_cache_job whole = job;
            whole.incremental = false;
            cache_build(full.engine, &whole, TD_OK);
            struct td_buf one, two;
            cache_file(t.theirs.lake.root, ticker, path);
            cache_file(full.lake.root, ticker, other);
            slurp(path, &one);
            slurp(other, &two);
            assert_true(same_bytes(&one, &two));
            td_buf_free(&one);
            td_buf_free(&two);
            engine_end(&full);
        }
        two_free(&t);
    }
}

/* What is wrong is named with its file; nothing in the other lake is written. */
/* A build that names no other lake keeps the tickers that came from one; a build that names it, or --rebuild, sees who is gone. */
static void test_not_named(void **state)
{
    (void)state;
    static const struct {
        bool named, incremental, rebuild;
        size_t left;
    } cases[] = {{false, true, false, 3}, {false, false, false, 3}, {true, true, false, 2}, {true, false, false, 2}, {false, false, true, 1}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct two t = two_new(3, 5);
        struct td_cache_job job = cache_options();
        char from[600], to[600], file[300];
        for (size_t k = 1; k < 3; k++)
            put_ticker(&t, k, DOUBLES_MS, false, 1);
        put_session(t.theirs.lake.lake, t.sim, td_sim_ticker(t.sim, 0), td_sim_last_session(t.sim), TD_STOCKS_MINUTE);
        put_session(t.theirs.lake.lake, t.sim, td_sim_ticker(t.sim, 0), td_sim_last_session(t.sim), TD_STOCKS_DAILY);
        job.intraday = t.root;
        cache_build(t.theirs.engine, &job, TD_OK);
        assert_manifest(t.theirs.lake.lake, "session", 3);
        job.intraday = cases[i].named ? t.root : NULL;
        job.incremental = cases[i].incremental;
        job.rebuild = cases[i].rebuild;
        if (cases[i].named) {
            snprintf(from, sizeof from, "%s/%s", t.root, td_sim_ticker(t.sim, 1));
            snprintf(to, sizeof to, "%s/away", t.theirs.lake.root);
            assert_int_equal(rename(from, to), 0);
        }
        cache_build(t.theirs.engine, &job, TD_OK);
        assert_manifest(t.theirs.lake.lake, "session", cases[i].left);
        cache_file(t.theirs.lake.root, td_sim_ticker(t.sim, 1), file);
        assert_int_equal(td_file_exists(file), cases[i].left == 3);
        two_free(&t);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    struct two t = two_new(2, 6);
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    char path[600];
    int id;
    job.intraday = t.root;
    assert_int_equal(td_job_cache(t.theirs.engine, &job, &id, &err), TD_MISSING);
    assert_non_null(strstr(err.text, t.root));
    put_ticker(&t, 0, DOUBLES_MS, false, 1);
    put_ticker(&t, 1, DOUBLES_MS, false, 1);
    int32_t month = td_month_of(td_sim_last_session(t.sim));
    const char *ticker = td_sim_ticker(t.sim, 0);
    month_path(&t, ticker, month, path);
    struct td_buf good;
    slurp(path, &good);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    /* not Parquet, cut short, a bar of another month, a missing column, a text where a number is due */
    for (int kind = 0; kind < 5; kind++) {
        struct td_bars bars = {0};
        static const char *const says[] = {"not a Parquet", "not a Parquet", "holds a bar of 2024-01-02", "no column", "is not a number"};
        if (kind == 0) {
            spill(path, "date,close\n", 11);
        } else if (kind == 1) {
            spill(path, good.data, good.len / 2);
        } else if (kind == 2) {
            add_minutes(&bars, "2024-01-02", 5, 0);
            write_foreign(path, &bars, DOUBLES_MS);
        } else {
            static int64_t ts = INT64_C(1764600000000);
            static double price = 3;
            static struct td_str text = {"three", 5};
            const struct td_pq_column columns[] = {{.name = "t", .type = TD_PQ_INT64}, {.name = "o", .type = TD_PQ_DOUBLE}, {.name = "h", .type = TD_PQ_DOUBLE},
                                                   {.name = "l", .type = TD_PQ_DOUBLE}, {.name = "c", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING}};
            const struct td_pq_array arrays[] = {{&ts, NULL}, {&price, NULL}, {&price, NULL}, {&price, NULL}, {&text, NULL}};
            struct td_pq_writer *writer;
            int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
            assert_true(fd >= 0);
            ASSERT_OK(td_pq_writer_new(fd, path, columns, kind == 3 ? 4 : 5, NULL, &writer, &err), err);
            ASSERT_OK(td_pq_write(writer, arrays, 1, &err), err);
            ASSERT_OK(td_pq_writer_finish(writer, &err), err);
            td_pq_writer_free(writer);
            close(fd);
        }
        struct td_job_view view = cache_build(t.theirs.engine, &job, TD_UNITS);
        assert_int_equal(view.counts.failed, 1);
        if (!strstr(view.message, says[kind]) || !strstr(view.message, ticker) || !strstr(view.message, "month="))
            fail_msg("kind %d: %s", kind, view.message);
        td_bars_free(&bars);
    }
    spill(path, good.data, good.len);
    cache_build(t.theirs.engine, &job, TD_OK);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_size, before.st_size);
    td_buf_free(&good);
    /* bad bars are counted by reason and left out */
    struct td_bars bars = {0};
    add_minutes(&bars, "2025-12-02", 6, 0);
    bars.high[1] = bars.low[1] / 2;
    bars.close[2] = -1;
    bars.volume[3] = -5;
    write_foreign(path, &bars, DOUBLES_MS);
    td_bars_free(&bars);
    struct td_job_view view = cache_build(t.theirs.engine, &job, TD_OK);
    assert_int_equal(view.counts.quarantined[TD_REASON_OHLC], 1);
    assert_int_equal(view.counts.quarantined[TD_REASON_PRICE], 1);
    assert_int_equal(view.counts.quarantined[TD_REASON_VOLUME], 1);
    two_free(&t);
}

/* Another folder holds another preset; the lake's own cache is not touched. */
static void test_out(void **state)
{
    (void)state;
    struct two t = two_new(4, 6);
    struct td_cache_job job = cache_options();
    struct td_err err = {0};
    struct td_lake *there;
    char out[300], own[300];
    int id;
    for (size_t i = 0; i < 4; i++)
        put_ticker(&t, i, DOUBLES_MS, false, 1);
    cache_build(t.ours.engine, &job, TD_OK);
    uint64_t before = tree_hash(t.ours.lake.root);
    snprintf(out, sizeof out, "%s/seed/cache", t.theirs.lake.root);
    job.out = out;
    job.preset_given = true;
    job.preset = TD_PRESET_SEED;
    cache_build(t.ours.engine, &job, TD_OK);
    assert_manifest(t.ours.lake.lake, "session", 4);
    ASSERT_OK(td_lake_with_cache(t.ours.lake.lake, out, &there, &err), err);
    assert_manifest(there, "seed", 4);
    struct td_rows rows;
    ASSERT_OK(td_cache_read(there, td_sim_ticker(t.sim, 0), &rows, &err), err);
    assert_true(isnan(((struct td_daily_row *)rows.items)[0].vol_pre_d)); /* seed has no phases */
    td_rows_free(&rows);
    job.preset_given = false;
    job.incremental = true;
    struct td_job_view view = cache_build(t.ours.engine, &job, TD_OK);
    assert_int_equal(view.counts.skipped, 4);
    /* caps of an experiment are its own: the lake's next build must not find them */
    char caps[320], kept[320];
    snprintf(caps, sizeof caps, "%s/caps.csv", t.theirs.lake.root);
    snprintf(kept, sizeof kept, "%s/bronze/market_caps/market_caps.parquet", t.ours.lake.root);
    char text[200];
    int length = snprintf(text, sizeof text, "ticker,effective_from,effective_to,market_cap\n%s,2000-01-01,,5e6\n", td_sim_ticker(t.sim, 0));
    spill(caps, text, (size_t)length);
    job.cap_file = caps;
    cache_build(t.ours.engine, &job, TD_OK);
    ASSERT_OK(td_cache_read(there, td_sim_ticker(t.sim, 0), &rows, &err), err);
    assert_true(((struct td_daily_row *)rows.items)[0].market_cap_d == 5e6);
    td_rows_free(&rows);
    assert_false(td_file_exists(kept));
    job.out = NULL;
    cache_build(t.ours.engine, &job, TD_OK);
    assert_true(td_file_exists(kept));
    job.cap_file = NULL;
    td_lake_close(there);
    /* the lake's own cache by another name, and a folder that is something else */
    snprintf(own, sizeof own, "%s/cache/../cache/daily/", t.ours.lake.root);
    job.out = own;
    assert_int_equal(td_job_cache(t.ours.engine, &job, &id, &err), TD_USAGE);
    assert_non_null(strstr(err.text, "--out"));
    job.out = t.ours.lake.root;
    assert_int_equal(td_job_cache(t.ours.engine, &job, &id, &err), TD_USAGE);
    assert_non_null(strstr(err.text, "no daily cache"));
    assert_true(before != 0);
    two_free(&t);
}

/* Wherever memory ends in an incremental build, the next one completes what it left. */
static void test_no_memory(void **state)
{
    (void)state;
    struct two t = two_new(2, 30);
    struct td_cache_job job = cache_options();
    char path[600], other[600];
    bool done = false;
    put_ticker(&t, 0, FLOATS_NS, false, 1);
    put_ticker(&t, 1, DOUBLES_MS, false, 2);
    job.intraday = t.root;
    cache_build(t.theirs.engine, &job, TD_OK);
    job.incremental = true;
    month_path(&t, td_sim_ticker(t.sim, 0), td_month_of(td_sim_last_session(t.sim)) - 1, path);
    snprintf(other, sizeof other, "%s/away.parquet", t.theirs.lake.root);
    assert_int_equal(rename(path, other), 0);
    for (long n = 1; n < 5000 && !done; n += n < 60 ? 1 : 13) {
        struct td_err err = {0};
        struct td_job_view view;
        int id;
        td_alloc_fail_after(n);
        enum td_code code = td_job_cache(t.theirs.engine, &job, &id, &err);
        if (code == TD_OK) {
            code = td_job_wait(t.theirs.engine, id, NULL, NULL, &view, &err);
            td_alloc_fail_after(0);
            assert_reconciled(&view);
            done = code == TD_OK;
        }
        td_alloc_fail_after(0);
        if (code != TD_OK && code != TD_NOMEM)
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        assert_int_equal(leftovers(t.theirs.lake.lake), 0);
    }
    assert_true(done);
    job.incremental = false;
    struct td_rows one = rows_of(&t.theirs, td_sim_ticker(t.sim, 0));
    cache_build(t.theirs.engine, &job, TD_OK);
    struct td_rows two = rows_of(&t.theirs, td_sim_ticker(t.sim, 0));
    assert_equal_rows(&one, &two, "after memory ended");
    td_rows_free(&one);
    td_rows_free(&two);
    two_free(&t);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_rows), cmocka_unit_test(test_incremental), cmocka_unit_test(test_not_named), cmocka_unit_test(test_hostile),
                                       cmocka_unit_test(test_out), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
