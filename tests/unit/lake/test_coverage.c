/* SPDX-License-Identifier: GPL-3.0-or-later
 * Coverage: traded, known empty, unknown, from what files hold and vouch for; lives; and the plan that fills the holes. The
 * clock stands still: the newest session that is over is 2025-12-05. */
#include "lake_fixture.h"

static int still(void **state)
{
    struct td_err err = {0};
    (void)state;
    return td_clock_init("2025-12-08T15:00:00Z", &err) == TD_OK ? 0 : -1;
}

/* Daily bars on the days of a text like "2025-11-03 2025-11-05", vouched for from..to ("" = for nothing). */
static void put(struct td_lake *lake, const char *ticker, const char *month, const char *days, const char *from, const char *to,
                const char *source)
{
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    struct td_day_range vouched = {0, 0};
    for (const char *at = days; *at; at += strcspn(at, " "), at += *at == ' ') {
        char day[16];
        td_snprintf(day, sizeof day, "%.10s", at);
        struct td_bar bar = {td_ny_midnight(day_at(day)), 1, 2, 1, 2, 100, 1.5, 3};
        ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
    }
    if (*from)
        vouched = (struct td_day_range){day_at(from), day_at(to)};
    const struct td_merge merge = {.source = source, .adjusted = "raw", .vouched = &vouched, .vouched_count = *from != 0};
    ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_DAILY, ticker, month_at(month), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
}

static struct td_coverage read_map(const struct td_lake *lake, const char *from, const char *to, const char *const *tickers, size_t count)
{
    struct td_coverage map;
    struct td_err err = {0};
    const struct td_coverage_options options = {.table = TD_STOCKS_DAILY, .from = *from ? day_at(from) : TD_NO_DAY,
                                                .to = *to ? day_at(to) : TD_NO_DAY, .tickers = tickers, .ticker_count = count};
    ASSERT_OK(td_coverage_read(lake, &options, &map, &err), err);
    struct td_coverage_counts sum = {0};
    uint64_t sessions = 0;
    for (size_t t = 0; t < map.tickers.count; t++)
        for (size_t m = 0; m < map.months; m++) {
            const struct td_coverage_counts n = td_coverage_count(&map, t, m);
            assert_int_equal(n.traded + n.empty + n.unknown, n.sessions);
            sessions += n.sessions;
            sum.unknown += n.unknown;
        }
    assert_int_equal(map.traded + map.empty + map.unknown, map.sessions);
    assert_int_equal(map.sessions, sessions);
    assert_int_equal(map.unknown, sum.unknown);
    return map;
}

static void expect(const struct td_coverage *map, const char *ticker, const char *month, unsigned traded, unsigned empty, unsigned unknown,
                   char glyph, const char *command)
{
    struct td_buf text;
    const char *why;
    size_t t = 0, m = (size_t)(month_at(month) - map->month);
    while (t < map->tickers.count && strcmp(map->tickers.items[t], ticker) != 0)
        t++;
    assert_true(t < map->tickers.count && m < map->months);
    const struct td_coverage_counts n = td_coverage_count(map, t, m);
    if (n.traded != traded || n.empty != empty || n.unknown != unknown || td_coverage_glyph(&n) != glyph)
        fail_msg("%s %s: %u traded %u empty %u unknown '%c', wanted %u %u %u '%c'", ticker, month, n.traded, n.empty, n.unknown,
                 td_coverage_glyph(&n), traded, empty, unknown, glyph);
    td_buf_init(&text, 1024);
    td_coverage_command(map, t, m, &text, &why);
    assert_string_equal(text.len ? text.data : "", command);
    td_buf_free(&text);
}

static void test_three_states(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    put(f.lake, "FULL", "2025-11-01", "2025-11-03 2025-11-05", "2025-11-01", "2025-11-30", "rest"); /* traded twice, vouched for all */
    put(f.lake, "NONE", "2025-11-01", "", "2025-11-01", "2025-11-30", "rest");                   /* known empty */
    put(f.lake, "HALF", "2025-11-01", "2025-11-03", "2025-11-01", "2025-11-12", "rest");
    put(f.lake, "BARE", "2025-11-01", "2025-11-03 2025-11-28", "", "", "csv"); /* sparse: bars alone are known */
    put(f.lake, "LATE", "2025-12-01", "2025-12-01", "2025-12-01", "2025-12-05", "rest");
    struct td_coverage map = read_map(f.lake, "", "", NULL, 0);
    assert_int_equal(map.from, day_at("2025-11-03"));
    assert_int_equal(map.to, day_at("2025-12-05"));
    assert_int_equal(map.months, 2);
    assert_int_equal(map.tickers.count, 5);
    expect(&map, "FULL", "2025-11-01", 2, 17, 0, '#', "");
    expect(&map, "FULL", "2025-12-01", 0, 0, 5, '.', "ingest -t stocks_daily -s 2025-12-01 -e 2025-12-05 --tickers FULL");
    expect(&map, "NONE", "2025-11-01", 0, 19, 0, 'o', "");
    expect(&map, "HALF", "2025-11-01", 1, 7, 11, '4', "ingest -t stocks_daily -s 2025-11-13 -e 2025-11-28 --tickers HALF");
    expect(&map, "BARE", "2025-11-01", 2, 0, 17, '1', "import FILE --as stocks_daily --ticker BARE");
    expect(&map, "LATE", "2025-12-01", 1, 4, 0, '#', "");
    td_coverage_free(&map);
    /* a range of its own: what lies outside counts for nothing, and sessions that are not over are no holes */
    map = read_map(f.lake, "2025-11-05", "2025-12-31", NULL, 0);
    assert_int_equal(map.to, day_at("2025-12-05"));
    expect(&map, "FULL", "2025-11-01", 1, 16, 0, '#', "");
    td_coverage_free(&map);
    /* tickers nobody has asked for yet, in another spelling too */
    const char *const asked[] = {"full", "NONE", "NONE"};
    map = read_map(f.lake, "2025-11-03", "2025-11-04", asked, 3);
    assert_int_equal(map.tickers.count, 2);
    expect(&map, "full", "2025-11-01", 0, 0, 2, '.', "ingest -t stocks_daily -s 2025-11-03 -e 2025-11-04 --tickers full");
    td_coverage_free(&map);
    fixture_free(&f);
}

/* Minute bars: the exchange date decides, also for bars after midnight UTC. */
static void test_minutes_by_exchange_date(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    struct td_coverage map;
    struct td_err err = {0};
    struct td_bar bar = {td_ny_to_utc(day_at("2025-11-03"), 19 * 3600000 + 59 * 60000), 1, 2, 1, 2, 100, 1.5, 3}; /* 00:59 UTC of the 4th */
    ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
    const struct td_day_range vouched = {day_at("2025-11-03"), day_at("2025-11-04")};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &vouched, .vouched_count = 1};
    ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_MINUTE, "ABC", month_at("2025-11-01"), &bars, &merge, &counts, &err), err);
    const struct td_coverage_options options = {.table = TD_STOCKS_MINUTE, .from = TD_NO_DAY, .to = TD_NO_DAY};
    ASSERT_OK(td_coverage_read(f.lake, &options, &map, &err), err);
    assert_int_equal(map.cells[0].traded, 1);
    expect(&map, "ABC", "2025-11-01", 1, 1, 0, '#', "");
    td_coverage_free(&map);
    td_bars_free(&bars);
    fixture_free(&f);
}

static void put_listings(struct td_lake *lake)
{
    struct td_ticker_row rows[] = {
        {.ticker = "YOUNG", .active = 1, .list_date = day_at("2025-11-12"), .delisted = TD_NO_DAY},
        {.ticker = "GONE", .active = 0, .list_date = TD_NO_DAY, .delisted = day_at("2025-11-06")},
        {.ticker = "TWICE", .active = 0, .list_date = day_at("2020-01-02"), .delisted = day_at("2025-11-04")},
        {.ticker = "TWICE", .active = 1, .list_date = day_at("2025-11-26"), .delisted = TD_NO_DAY},
        {.ticker = "AAA", .active = 1, .list_date = TD_NO_DAY, .delisted = TD_NO_DAY},
    };
    struct td_buf path;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    ASSERT_OK(td_reference_path(lake, "tickers", &path, &err), err);
    ASSERT_OK(td_table_write(path.data, &td_ticker_record, rows, TD_COUNT(rows), NULL, 0, &err), err);
    td_buf_free(&path);
}

static void test_lives(void **state)
{
    static const char *const names[] = {"AAA", "GONE", "NEVER", "TWICE", "YOUNG"};
    (void)state;
    struct fixture f = fixture_new();
    put_listings(f.lake);
    for (size_t i = 0; i < TD_COUNT(names); i++)
        if (strcmp(names[i], "NEVER") != 0)
            put(f.lake, names[i], "2025-11-01", "2025-11-03", "2025-11-03", "2025-11-03", "rest");
    struct td_coverage map = read_map(f.lake, "2025-11-03", "2025-11-28", names, TD_COUNT(names));
    expect(&map, "AAA", "2025-11-01", 1, 0, 18, '1', "ingest -t stocks_daily -s 2025-11-04 -e 2025-11-28 --tickers AAA");
    expect(&map, "NEVER", "2025-11-01", 0, 0, 19, '.', "ingest -t stocks_daily -s 2025-11-03 -e 2025-11-28 --tickers NEVER");
    expect(&map, "GONE", "2025-11-01", 1, 0, 3, '2', "ingest -t stocks_daily -s 2025-11-04 -e 2025-11-06 --tickers GONE");
    expect(&map, "TWICE", "2025-11-01", 1, 0, 3, '2', "ingest -t stocks_daily -s 2025-11-04 -e 2025-11-28 --tickers TWICE");
    /* bars before the listing are there all the same */
    expect(&map, "YOUNG", "2025-11-01", 1, 0, 12, '1', "ingest -t stocks_daily -s 2025-11-12 -e 2025-11-28 --tickers YOUNG");
    td_coverage_free(&map);
    map = read_map(f.lake, "2025-10-01", "2025-10-31", names + 4, 1);
    const struct td_coverage_counts n = td_coverage_count(&map, 0, 0);
    assert_int_equal(n.sessions, 0);
    assert_int_equal(td_coverage_glyph(&n), ' ');
    td_coverage_free(&map);
    fixture_free(&f);
}

static void test_damaged_file_is_unknown(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_buf path;
    struct td_err err = {0};
    struct td_backfill_plan plan;
    td_buf_init(&path, 2048);
    put(f.lake, "AAA", "2025-11-01", "2025-11-03", "2025-11-01", "2025-11-30", "rest");
    put(f.lake, "BBB", "2025-11-01", "2025-11-03", "2025-11-01", "2025-11-30", "rest");
    ASSERT_OK(td_bronze_path(f.lake, TD_STOCKS_DAILY, "BBB", month_at("2025-11-01"), &path, &err), err);
    spill(path.data, "PAR1 and no more", 16);
    struct td_coverage map = read_map(f.lake, "", "", NULL, 0);
    expect(&map, "AAA", "2025-11-01", 1, 18, 0, '#', "");
    expect(&map, "BBB", "2025-11-01", 0, 0, 19, '.', "ingest -t stocks_daily -s 2025-11-03 -e 2025-11-28 --tickers BBB");
    assert_int_equal(map.cells[1].fill, TD_FILL_REPAIR);
    ASSERT_OK(td_coverage_plan(&map, 4000, &plan, &err), err);
    assert_int_equal(plan.count, 0);
    assert_int_equal(plan.other, 1);
    td_backfill_free(&plan);
    td_coverage_free(&map);
    td_buf_free(&path);
    fixture_free(&f);
}

static void expect_plan(const struct td_coverage *map, size_t max_line, const char *const *commands, size_t count, uint64_t requests)
{
    struct td_backfill_plan plan;
    struct td_err err = {0};
    uint64_t unknown = 0;
    ASSERT_OK(td_coverage_plan(map, max_line, &plan, &err), err);
    for (size_t i = 0; i < plan.count && i < count; i++)
        assert_string_equal(plan.items[i].command, commands[i]);
    assert_int_equal(plan.count, count);
    for (size_t i = 0; i < plan.count; i++) {
        unknown += plan.items[i].unknown;
        assert_true(strlen(plan.items[i].command) <= max_line || plan.items[i].tickers == 1);
    }
    assert_int_equal(plan.unknown, unknown);
    assert_int_equal(unknown, map->unknown);
    assert_int_equal(plan.requests, requests);
    td_backfill_free(&plan);
}

static void test_plan(void **state)
{
    static const char *const names[] = {"AAA", "BBB", "CCC", "DDD"};
    (void)state;
    struct fixture f = fixture_new();
    put(f.lake, "DDD", "2025-11-01", "", "2025-11-01", "2025-11-30", "rest");
    put(f.lake, "CCC", "2024-12-01", "2024-12-02", "2024-12-01", "2024-12-20", "rest");
    struct td_coverage map = read_map(f.lake, "2024-12-02", "2025-12-05", names, TD_COUNT(names));
    /* daily bars: a request is a year, so all four have the same two of them; AAA..DDD share a command */
    static const char *const one[] = {"ingest -t stocks_daily -s 2024-12-02 -e 2025-12-05 --incremental --tickers AAA,BBB,CCC,DDD"};
    expect_plan(&map, 4000, one, 1, 8);
    static const char *const two[] = {"ingest -t stocks_daily -s 2024-12-02 -e 2025-12-05 --incremental --tickers AAA,BBB",
                                      "ingest -t stocks_daily -s 2024-12-02 -e 2025-12-05 --incremental --tickers CCC,DDD"};
    expect_plan(&map, 104, two, 2, 8);
    td_coverage_free(&map);
    /* the same holes in minutes: a request is a month */
    map = read_map(f.lake, "2025-10-01", "2025-12-05", names, TD_COUNT(names));
    map.table = TD_STOCKS_MINUTE;
    static const char *const months[] = {"ingest -t stocks_minute -s 2025-12-01 -e 2025-12-05 --incremental --tickers DDD",
                                         "ingest -t stocks_minute -s 2025-10-01 -e 2025-12-05 --incremental --tickers AAA,BBB,CCC",
                                         "ingest -t stocks_minute -s 2025-10-01 -e 2025-10-31 --incremental --tickers DDD"};
    expect_plan(&map, 4000, months, 3, 3 * 3 + 2);
    td_coverage_free(&map);
    fixture_free(&f);
}

static bool at_once(void *ctx)
{
    return ++*(int *)ctx > 1;
}

static void test_refusals(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_coverage map;
    struct td_err err = {0};
    struct td_coverage_options options = {.table = TD_STOCKS_DAILY, .from = TD_NO_DAY, .to = TD_NO_DAY};
    const char *const bad[] = {"a/b"};
    int asked = 0;
    assert_int_equal(td_coverage_read(f.lake, &options, &map, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "tapedeck ingest -t stocks_daily"));
    td_coverage_free(&map); /* a failed one is empty */
    put(f.lake, "AAA", "2025-11-01", "2025-11-03", "2025-11-01", "2025-11-30", "rest");
    put(f.lake, "BBB", "2025-11-01", "2025-11-03", "2025-11-01", "2025-11-30", "rest");
    options.from = day_at("2025-12-08"); /* running */
    options.to = day_at("2025-12-31");
    assert_int_equal(td_coverage_read(f.lake, &options, &map, &err), TD_MISSING);
    options.from = day_at("2025-11-08"); /* a weekend */
    options.to = day_at("2025-11-09");
    assert_int_equal(td_coverage_read(f.lake, &options, &map, &err), TD_MISSING);
    options.from = options.to = TD_NO_DAY;
    options.tickers = bad;
    options.ticker_count = 1;
    assert_int_equal(td_coverage_read(f.lake, &options, &map, &err), TD_USAGE);
    options.ticker_count = 0;
    options.stopped = at_once;
    options.ctx = &asked;
    assert_int_equal(td_coverage_read(f.lake, &options, &map, &err), TD_CANCELLED);
    assert_int_equal(asked, 2);
    fixture_free(&f);
}

static enum td_code read_and_plan(void *ctx, struct td_err *err)
{
    const struct td_coverage_options options = {.table = TD_STOCKS_DAILY, .from = TD_NO_DAY, .to = TD_NO_DAY};
    struct td_coverage map;
    struct td_backfill_plan plan;
    enum td_code code = td_coverage_read(ctx, &options, &map, err);
    if (code != TD_OK)
        return code;
    uint64_t unknown = map.unknown;
    code = td_coverage_plan(&map, 4000, &plan, err);
    if (code == TD_OK)
        assert_int_equal(plan.unknown, unknown); /* never less, whatever memory did */
    if (code == TD_OK)
        td_backfill_free(&plan);
    td_coverage_free(&map);
    return code;
}

static void test_survives_failing_allocations(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    put_listings(f.lake);
    put(f.lake, "AAA", "2025-11-01", "2025-11-03", "2025-11-03", "2025-11-10", "rest");
    put(f.lake, "BBB", "2025-11-01", "2025-11-03", "2025-11-01", "2025-11-30", "rest");
    assert_true(sweep_allocations(read_and_plan, f.lake, "coverage") > 20);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_states),
        cmocka_unit_test(test_minutes_by_exchange_date),
        cmocka_unit_test(test_lives),
        cmocka_unit_test(test_damaged_file_is_unknown),
        cmocka_unit_test(test_plan),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, still, NULL);
}
