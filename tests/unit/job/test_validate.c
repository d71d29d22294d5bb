/* SPDX-License-Identifier: GPL-3.0-or-later
 * validate: a whole lake scores 100 everywhere, and one thing spoilt at a time lowers exactly the check that is about it. */
#include "job/build_fixture.h"

#define FIRST "2025-11-03"
#define LAST "2025-12-05"
static const char *const tickers[] = {"AAA", "BBB", "CCC", "DDD"};

/* ---- a lake whose every minute is known: four tickers, 24 sessions, one of them half a day ---- */

/* Some days leap and trade much, so that there is something to rank. */
static bool leaps(const char *ticker, td_day day)
{
    return td_mix64((uint64_t)day * 31 + (uint64_t)ticker[0]) % 6 == 0;
}

static void add_session(struct td_bars *bars, const char *ticker, td_day day)
{
    struct td_session session;
    struct td_err err = {0};
    assert_true(td_cal_session(day, &session));
    double base = 3 + (double)(td_mix64((uint64_t)day + (uint64_t)ticker[0]) % 100) / 200;
    if (leaps(ticker, day))
        base *= 1.5;
    for (int minute = TD_REGULAR_MIN - 30; minute < session.close_min + 30; minute++) {
        double price = base + 0.001 * (minute % 60);
        struct td_bar bar = {.ts = td_ny_to_utc(day, minute * TD_MS_MINUTE), .open = price, .high = price + 0.01, .low = price - 0.01,
                             .close = price + 0.005, .volume = leaps(ticker, day) ? 40000 + minute : 9000 + minute % 7,
                             .vwap = price + 0.001, .trades = 9};
        ASSERT_OK(td_bars_add(bars, &bar, &err), err);
    }
}

/* The month's file anew, without the sessions and minutes that `spared` names. */
struct spared {
    td_day session;                 /* 0: none; its bars are gone and nobody vouches for it */
    td_day holed;                   /* 0: none; minutes from..to are gone, the file vouches all the same */
    int from, to;
    td_day quiet;                   /* 0: none; no bars, vouched for: known empty */
};

static void put_month(struct td_lake *lake, const char *ticker, int32_t month, struct spared spared)
{
    struct td_bars bars = {0}, kept = {0};
    struct td_day_range vouched[32];
    struct td_merge_counts counts;
    struct td_err err = {0};
    size_t ranges = 0;
    for (td_day day = td_month_first(month); day <= td_month_last(month); day++) {
        if (td_cal_index(day) < 0 || day < day_at(FIRST) || day > day_at(LAST) || day == spared.session)
            continue;
        vouched[ranges++] = (struct td_day_range){day, day};
        if (day != spared.quiet)
            add_session(&bars, ticker, day);
    }
    for (size_t i = 0; i < bars.n; i++) {
        struct td_bar bar = td_bars_get(&bars, i);
        td_day day;
        int32_t ms;
        td_ny_split(bar.ts, &day, &ms);
        if (day != spared.holed || ms / 60000 < spared.from || ms / 60000 >= spared.to)
            ASSERT_OK(td_bars_add(&kept, &bar, &err), err);
    }
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = vouched, .vouched_count = ranges, .replace = true};
    ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_MINUTE, ticker, month, &kept, &merge, &counts, &err), err);
    td_bars_free(&bars);
    td_bars_free(&kept);
}

static struct td_screen easy_screen(void)
{
    struct td_screen screen = td_screen_default();
    screen.thresholds = (struct td_thresholds){.rvol = 1.2, .pctchg = 0.1, .dvol = 1000, .min_price = 1, .max_price = 20, .cap_max = 0};
    return screen;
}

static void build(struct engine_fixture *f, enum td_preset preset)
{
    struct td_cache_job job = cache_options();
    struct td_universe_job uni = {.from = TD_NO_DAY, .to = TD_NO_DAY, .as_of = TD_NO_DAY, .screen = easy_screen(), .top_k = 3};
    struct td_err err = {0};
    int id = 0;
    job.preset = preset;
    job.preset_given = job.rebuild = true;
    cache_build(f->engine, &job, TD_OK);
    ASSERT_OK(td_job_universe(f->engine, &uni, &id, &err), err);
    wait_job(f->engine, id, TD_OK);
}

static struct engine_fixture whole_lake(enum td_preset preset)
{
    struct engine_fixture f = engine_new(2);
    for (size_t t = 0; t < TD_COUNT(tickers); t++)
        for (int32_t month = month_at(FIRST); month <= month_at(LAST); month++)
            put_month(f.lake.lake, tickers[t], month, (struct spared){0});
    build(&f, preset);
    return f;
}

/* ---- runs ---- */

static struct td_validate_job options_of(void)
{
    return (struct td_validate_job){.from = TD_NO_DAY, .to = TD_NO_DAY, .threshold = {100, 100, 100, 100}, .screen = easy_screen()};
}

static struct td_validate_report validate(struct td_engine *engine, const struct td_validate_job *options, enum td_code code)
{
    struct td_validate_report report;
    struct td_err err = {0};
    int id = 0;
    ASSERT_OK(td_job_validate(engine, options, &id, &err), err);
    struct td_job_view view = wait_job(engine, id, code);
    assert_string_equal(view.kind, "validate");
    ASSERT_OK(td_job_validated(engine, id, &report, &err), err);
    for (size_t i = 0; i < report.finding_count; i++)
        if (i && report.findings[i].check == report.findings[i - 1].check)
            assert_true(report.findings[i].weight <= report.findings[i - 1].weight);
    return report;
}

/* Exactly one check is below 100, and its first finding says what; TD_CHECK_COUNT: none is. */
static struct td_finding only(struct td_engine *engine, enum td_check check)
{
    const struct td_validate_job options = options_of();
    struct td_validate_report report = validate(engine, &options, check == TD_CHECK_COUNT ? TD_OK : TD_UNITS);
    struct td_finding first = {0};
    for (size_t c = 0; c < TD_CHECK_COUNT; c++) {
        const struct td_check_score *score = &report.checks[c];
        if (score->judged == 0 || (score->score < 100) != (c == (size_t)check) || (score->good < score->judged) != (c == (size_t)check)) {
            for (size_t i = 0; i < report.finding_count; i++)
                print_message("%s %s %s: %g, found %g; %s\n", td_check_name(report.findings[i].check), report.findings[i].ticker,
                              report.findings[i].what, report.findings[i].expected, report.findings[i].found, report.findings[i].note);
            fail_msg("%s: score %.4f, %llu of %llu; only '%s' should be below 100", td_check_name((enum td_check)c), score->score,
                     (unsigned long long)score->good, (unsigned long long)score->judged, td_check_name(check));
        }
    }
    if (check != TD_CHECK_COUNT) {
        assert_true(report.finding_count > 0);
        first = report.findings[0];
        assert_int_equal(first.check, check);
        assert_true(report.score < 100 && report.score > 0);
    } else {
        assert_int_equal(report.finding_count, 0);
        assert_true(report.score == 100);
    }
    td_validate_report_free(&report);
    return first;
}

/* ---- one corruption at a time ---- */

struct cached { /* a ticker's cache rows, to be changed and written back */
    struct td_rows rows;
    struct td_daily_row *items;
};

static struct cached take(const struct td_lake *lake, const char *ticker)
{
    struct cached out = {0};
    struct td_err err = {0};
    ASSERT_OK(td_cache_read(lake, ticker, &out.rows, &err), err);
    out.items = out.rows.items;
    return out;
}

static void give_back(const struct td_lake *lake, struct cached *cached, const char *ticker)
{
    struct td_err err = {0};
    uint64_t bytes;
    ASSERT_OK(td_cache_write(lake, ticker, cached->items, cached->rows.count, "session", &bytes, &err), err);
    td_rows_free(&cached->rows);
}

static void test_whole(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    only(f.engine, TD_CHECK_COUNT);
    engine_end(&f);
    f = whole_lake(TD_PRESET_SEED);
    only(f.engine, TD_CHECK_COUNT);
    engine_end(&f);
}

/* Each compared value, changed by itself in the cache. */
static void test_cache_values(void **state)
{
    static const struct {
        const char *name;
        size_t offset;
        double factor;
    } values[] = {
        {"close_d", offsetof(struct td_daily_row, close_d), 1.001},         {"open_d", offsetof(struct td_daily_row, open_d), 0.999},
        {"high_d", offsetof(struct td_daily_row, high_d), 1.01},            {"low_d", offsetof(struct td_daily_row, low_d), 0.99},
        {"vol_d", offsetof(struct td_daily_row, vol_d), 1.0000001},         {"dollar_vol_d", offsetof(struct td_daily_row, dollar_vol_d), 2},
        {"pctchg_d", offsetof(struct td_daily_row, pctchg_d), (double)NAN}, {"rvol30", offsetof(struct td_daily_row, rvol30), 1.5},
    };
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    for (size_t i = 0; i < TD_COUNT(values); i++) {
        double before, after;
        struct cached cached = take(f.lake.lake, "BBB");
        char *at = (char *)&cached.items[10] + values[i].offset;
        memcpy(&before, at, sizeof before);
        after = before * values[i].factor;
        memcpy(at, &after, sizeof after);
        td_day day = cached.items[10].trading_day;
        give_back(f.lake.lake, &cached, "BBB");
        struct td_finding found = only(f.engine, TD_CHECK_CONSISTENCY);
        assert_string_equal(found.ticker, "BBB");
        assert_string_equal(found.what, values[i].name);
        assert_int_equal(found.day, day);
        assert_true(fabs(found.expected - before) <= 1e-9 * fabs(before));
        assert_true(isnan(after) ? isnan(found.found) : found.found == after);
        cached = take(f.lake.lake, "BBB");
        memcpy((char *)&cached.items[10] + values[i].offset, &before, sizeof before);
        give_back(f.lake.lake, &cached, "BBB");
    }
    only(f.engine, TD_CHECK_COUNT);
    engine_end(&f);
}

static void test_row_missing_in_cache(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    struct cached cached = take(f.lake.lake, "CCC");
    td_day day = cached.items[7].trading_day;
    memmove(cached.items + 7, cached.items + 8, (cached.rows.count - 8) * sizeof *cached.items);
    cached.rows.count--;
    give_back(f.lake.lake, &cached, "CCC");
    struct td_finding found = only(f.engine, TD_CHECK_COVERAGE);
    assert_string_equal(found.ticker, "CCC");
    assert_string_equal(found.what, "not cached");
    assert_int_equal(found.day, day);
    assert_true(found.expected == 1 && found.found == 0);
    engine_end(&f);
}

/* A session that was never fetched, and a cache that knows no better. */
static void test_session_dropped(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    put_month(f.lake.lake, "AAA", month_at("2025-11-01"), (struct spared){.session = day_at("2025-11-18")});
    build(&f, TD_PRESET_SESSION);
    struct td_finding found = only(f.engine, TD_CHECK_COVERAGE);
    assert_string_equal(found.ticker, "AAA");
    assert_string_equal(found.what, "unknown");
    assert_int_equal(found.day, day_at("2025-11-18"));
    engine_end(&f);
}

/* A file that is gone: the cache still has its rows, the rankings still stand on them, and neither is accused of it. */
static void test_month_deleted(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    struct td_buf path;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    ASSERT_OK(td_bronze_path(f.lake.lake, TD_STOCKS_MINUTE, "DDD", month_at("2025-11-01"), &path, &err), err);
    assert_int_equal(unlink(path.data), 0);
    struct td_finding found = only(f.engine, TD_CHECK_COVERAGE);
    assert_string_equal(found.ticker, "DDD");
    assert_string_equal(found.what, "unknown");
    assert_int_equal(found.day, day_at(FIRST));
    assert_true(found.expected == 19);
    /* a file that cannot be read is as good as none */
    spill(path.data, "PAR1 but not really", 19);
    found = only(f.engine, TD_CHECK_COVERAGE);
    assert_true(found.expected == 19);
    td_buf_free(&path);
    engine_end(&f);
}

/* Minutes that were lost before the cache was built: whoever adds up what is left finds nothing. */
static void test_minutes_dropped(void **state)
{
    static const struct spared cases[] = {
        {.holed = 0, .from = 600, .to = 640},                /* a run in the middle */
        {.holed = 1, .from = TD_REGULAR_MIN, .to = 600},     /* the open of the half day */
        {.holed = 0, .from = 700, .to = 960},                /* the rest of the day */
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
        struct spared spared = cases[i];
        spared.holed = day_at(cases[i].holed ? "2025-11-28" : "2025-11-13");
        put_month(f.lake.lake, "BBB", month_at("2025-11-01"), spared);
        build(&f, TD_PRESET_SESSION);
        struct td_finding found = only(f.engine, TD_CHECK_CONTINUITY);
        assert_string_equal(found.ticker, "BBB");
        assert_int_equal(found.day, spared.holed);
        int whole = cases[i].holed ? 210 : 390, lost = cases[i].to - cases[i].from;
        assert_true(found.found == whole - lost);
        assert_true(found.expected > found.found && found.expected <= whole);
        engine_end(&f);
    }
}

/* A session that is known to be empty is no hole, and no continuity is asked of it. */
static void test_known_empty(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    put_month(f.lake.lake, "AAA", month_at("2025-11-01"), (struct spared){.quiet = day_at("2025-11-18")});
    build(&f, TD_PRESET_SESSION);
    only(f.engine, TD_CHECK_COUNT);
    /* but a row of such a day is made of nothing */
    struct cached cached = take(f.lake.lake, "AAA");
    ASSERT_OK(td_grow(&cached.rows.items, &cached.rows.cap, cached.rows.count + 1, sizeof *cached.items, NULL), (struct td_err){0});
    cached.items = cached.rows.items;
    memmove(cached.items + 12, cached.items + 11, (cached.rows.count - 11) * sizeof *cached.items);
    cached.rows.count++;
    cached.items[11].trading_day = day_at("2025-11-18");
    assert_true(cached.items[10].trading_day < day_at("2025-11-18") && cached.items[12].trading_day > day_at("2025-11-18"));
    give_back(f.lake.lake, &cached, "AAA");
    struct td_finding found = only(f.engine, TD_CHECK_CONSISTENCY);
    assert_string_equal(found.what, "row");
    assert_int_equal(found.day, day_at("2025-11-18"));
    engine_end(&f);
}

static void spoil_ranking(struct engine_fixture *f, int how)
{
    struct td_rows rows;
    struct td_err err = {0};
    char path[400], hash[17];
    struct td_screen screen = easy_screen();
    td_screen_hash(&screen, hash);
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.parquet", f->lake.root);
    ASSERT_OK(td_table_read(path, &td_topn_record, &rows, NULL, NULL, &err), err);
    struct td_topn_row *top = rows.items, swap = top[0];
    assert_int_equal(rows.count, 4);
    assert_true(top[0].days_info_rich_252 > 0);
    switch (how) {
    case 0: /* two rows change places, and their ranks with them */
        top[0] = top[1];
        top[1] = swap;
        top[0].rank = 1;
        top[1].rank = 2;
        break;
    case 1: top[2].days_info_rich_252 += 40; break; /* one that should be far higher, were it true */
    case 2: top[3].rank = 9; break;
    case 3: rows.count--; break; /* one is left out */
    case 4: top[3].last_seen -= 1; break;
    default: td_copy(top[3].ticker, sizeof top[3].ticker, "DDDX"); break;
    }
    ASSERT_OK(td_topn_write(f->lake.lake, top, rows.count, 3, hash, day_at(LAST), &err), err);
    td_rows_free(&rows);
}

static void test_ranking(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    for (int how = 0; how < 6; how++) {
        spoil_ranking(&f, how);
        struct td_finding found = only(f.engine, TD_CHECK_RANKING);
        assert_true(found.ticker[0] != 0);
        build(&f, TD_PRESET_SESSION);
    }
    /* the CSV is another file */
    char path[400];
    struct td_buf csv;
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.csv", f.lake.root);
    slurp(path, &csv);
    csv.data[csv.len - 2] ^= 1; /* the last digit of a day */
    spill(path, csv.data, csv.len);
    assert_string_equal(only(f.engine, TD_CHECK_RANKING).what, "csv");
    assert_int_equal(unlink(path), 0);
    assert_string_equal(only(f.engine, TD_CHECK_RANKING).what, "csv");
    td_buf_free(&csv);
    engine_end(&f);
}

/* Rules other than the ranking's own cannot accuse it. */
static void test_ranking_of_other_rules(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    struct td_validate_job options = options_of();
    options.screen.thresholds.rvol = 9;
    struct td_validate_report report = validate(f.engine, &options, TD_OK);
    assert_true(report.checks[TD_CHECK_RANKING].score == 100); /* its order alone */
    assert_non_null(strstr(report.checks[TD_CHECK_RANKING].note, "universe build"));
    td_validate_report_free(&report);
    engine_end(&f);
}

/* ---- what is judged ---- */

static void test_sample_and_range(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    struct td_validate_job options = options_of();
    const char *one[] = {"CCC"};
    uint64_t judged[3];
    options.sample = 2;
    for (int i = 0; i < 3; i++) {
        options.seed = i < 2 ? 5 : 6;
        struct td_validate_report report = validate(f.engine, &options, TD_OK);
        assert_int_equal(report.tickers, 2);
        assert_int_equal(report.known, 4);
        judged[i] = report.checks[TD_CHECK_COVERAGE].judged;
        td_validate_report_free(&report);
    }
    assert_int_equal(judged[0], judged[1]);
    /* a spoilt ticker is found by the seeds that draw it, and by those every time */
    struct cached cached = take(f.lake.lake, "DDD");
    cached.items[3].vol_d += 1;
    give_back(f.lake.lake, &cached, "DDD");
    size_t hits = 0;
    for (options.seed = 1; options.seed <= 24; options.seed++) {
        int id;
        struct td_err err = {0};
        struct td_job_view view;
        enum td_code code[2];
        for (int again = 0; again < 2; again++) {
            ASSERT_OK(td_job_validate(f.engine, &options, &id, &err), err);
            code[again] = td_job_wait(f.engine, id, NULL, NULL, &view, NULL);
        }
        assert_int_equal(code[0], code[1]);
        hits += code[0] == TD_UNITS;
    }
    assert_in_range(hits, 4, 20); /* two of four are drawn */
    /* tickers by name; days outside the range are not judged */
    options.tickers = one;
    options.ticker_count = 1;
    options.from = day_at("2025-11-10");
    options.to = day_at("2025-11-14");
    struct td_validate_report report = validate(f.engine, &options, TD_OK);
    assert_int_equal(report.checks[TD_CHECK_COVERAGE].judged, 5);
    assert_int_equal(report.checks[TD_CHECK_CONSISTENCY].judged, 5);
    assert_int_equal(report.checks[TD_CHECK_CONTINUITY].judged, 5);
    td_validate_report_free(&report);
    /* a threshold below the score lets it pass */
    options = options_of();
    options.threshold[TD_CHECK_CONSISTENCY] = 90;
    report = validate(f.engine, &options, TD_OK);
    assert_true(report.checks[TD_CHECK_CONSISTENCY].score < 100 && report.checks[TD_CHECK_CONSISTENCY].score > 90);
    td_validate_report_free(&report);
    engine_end(&f);
}

static void test_nothing_to_validate(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct td_validate_job options = options_of();
    struct td_validate_report report;
    struct td_err err = {0};
    int id = 0;
    const char *nobody[] = {"ZZZ"}, *bad[] = {"a b"};
    assert_int_equal(td_job_validate(f.engine, &options, &id, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "nothing to validate"));
    assert_int_equal(td_job_validated(f.engine, 1, &report, &err), TD_USAGE);
    engine_end(&f);
    f = whole_lake(TD_PRESET_SESSION);
    options.tickers = nobody;
    options.ticker_count = 1;
    report = validate(f.engine, &options, TD_MISSING);
    td_validate_report_free(&report);
    options.tickers = bad;
    assert_int_equal(td_job_validate(f.engine, &options, &id, &err), TD_USAGE);
    options.ticker_count = 0;
    options.from = options.to = day_at("2030-01-02");
    report = validate(f.engine, &options, TD_MISSING);
    td_validate_report_free(&report);
    engine_end(&f);
}

/* A job leaves its line, and changes nothing in the lake. */
static void test_journal_and_untouched(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    char path[400];
    struct td_buf journal;
    snprintf(path, sizeof path, "%s/cache", f.lake.root);
    uint64_t before = tree_hash(path);
    only(f.engine, TD_CHECK_COUNT);
    assert_true(before == tree_hash(path));
    snprintf(path, sizeof path, "%s/_runs/journal.jsonl", f.lake.root);
    slurp(path, &journal);
    assert_non_null(strstr(journal.data, "\"job\":\"validate\""));
    assert_non_null(strstr(journal.data, "coverage 100.00, consistency 100.00, continuity 100.00, ranking 100.00"));
    td_buf_free(&journal);
    engine_end(&f);
}


static void test_cancelled(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    const struct td_validate_job options = options_of();
    struct td_job_view view;
    struct td_err err = {0};
    size_t stopped = 0;
    for (int i = 0; i < 500 && !stopped; i++) { /* it may have ended before */
        int id = 0;
        ASSERT_OK(td_job_validate(f.engine, &options, &id, &err), err);
        td_job_cancel(f.engine, id);
        enum td_code code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
        assert_true(code == TD_OK || code == TD_CANCELLED);
        assert_reconciled(&view);
        stopped += code == TD_CANCELLED;
    }
    assert_true(stopped > 0);
    only(f.engine, TD_CHECK_COUNT);
    engine_end(&f);
}

/* Memory that runs out ends the run; it never becomes an accusation. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    struct engine_fixture f = whole_lake(TD_PRESET_SESSION);
    const struct td_validate_job options = options_of();
    long n = 1;
    bool whole = false;
    for (; !whole && n < 200000; n += n < 100 ? 1 : 1 + n / 12) {
        struct td_job_view view;
        struct td_err err = {0};
        int id = 0;
        td_alloc_fail_after(n);
        enum td_code code = td_job_validate(f.engine, &options, &id, &err);
        if (code == TD_OK)
            code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
        td_alloc_fail_after(0);
        if (code != TD_OK && code != TD_NOMEM)
            fail_msg("allocation %ld failing gives %s: %s", n, td_code_name(code), err.text);
        whole = code == TD_OK;
    }
    assert_true(whole && n > 100);
    only(f.engine, TD_CHECK_COUNT);
    engine_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_cache_values),
        cmocka_unit_test(test_row_missing_in_cache),
        cmocka_unit_test(test_session_dropped),
        cmocka_unit_test(test_month_deleted),
        cmocka_unit_test(test_minutes_dropped),
        cmocka_unit_test(test_known_empty),
        cmocka_unit_test(test_ranking),
        cmocka_unit_test(test_ranking_of_other_rules),
        cmocka_unit_test(test_sample_and_range),
        cmocka_unit_test(test_nothing_to_validate),
        cmocka_unit_test(test_journal_and_untouched),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
