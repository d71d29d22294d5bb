/* SPDX-License-Identifier: GPL-3.0-or-later
 * Candles out of bronze: the recorded resamplings after a way through the lake's files, ranges, daily bars, unknown tickers. */
#include "lake/lake_fixture.h"
#include "market/market_fixture.h"

/* Bars of a recording into their month files. */
static void import_minutes(const struct fixture *f, const char *ticker)
{
    char name[256];
    struct csv csv;
    struct td_bars bars = {0};
    struct td_err err = {0};
    const struct td_merge merge = {.source = "csv", .adjusted = "raw"};
    snprintf(name, sizeof name, "golden/candles/input/%s.csv.gz", ticker);
    csv_open(&csv, shared_path(name));
    int32_t month = 0;
    for (bool more = true; more;) {
        more = csv_next(&csv);
        td_day day = TD_NO_DAY;
        int32_t ms;
        if (more)
            td_ny_split(integer(csv.field[0]), &day, &ms);
        if (bars.n && (!more || td_month_of(day) != month)) {
            struct td_merge_counts counts;
            ASSERT_OK(td_bronze_merge(f->lake, TD_STOCKS_MINUTE, ticker, month, &bars, &merge, &counts, &err), err);
            bars.n = 0;
        }
        if (!more)
            break;
        month = td_month_of(day);
        const struct td_bar bar = {integer(csv.field[0]), number(csv.field[2]), number(csv.field[3]), number(csv.field[4]),
                                   number(csv.field[5]),  number(csv.field[6]), TD_NO_F64,            TD_NO_COUNT};
        ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
    }
    td_bars_free(&bars);
}

static void compare_golden(const char *path, const struct td_candles *candles)
{
    struct csv csv;
    size_t i = 0;
    csv_open(&csv, path);
    for (; csv_next(&csv); i++) {
        assert_true(i < candles->n);
        const struct td_candle *c = &candles->items[i];
        if (c->ts != integer(csv.field[0]) || c->open != number(csv.field[2]) || c->high != number(csv.field[3]) || /* NOLINT: exact */
            c->low != number(csv.field[4]) || c->close != number(csv.field[5]) || c->volume != number(csv.field[6]) ||
            c->bars != integer(csv.field[7]))
            fail_msg("%s: row %zu at %s differs", path, i, csv.field[1]);
    }
    assert_int_equal(i, candles->n);
}

static void test_golden(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        struct td_candle_options options;
    } cases[] = {
        {"ext_clock", {TD_TF_5M, TD_HOURS_ALL, TD_ANCHOR_CLOCK, false}},
        {"rth_clock", {TD_TF_5M, TD_HOURS_REGULAR, TD_ANCHOR_CLOCK, false}},
        {"rth_session", {TD_TF_5M, TD_HOURS_REGULAR, TD_ANCHOR_SESSION, false}},
        {"rth_session_earlyclose", {TD_TF_5M, TD_HOURS_REGULAR, TD_ANCHOR_SESSION, true}},
    };
    static const char *const tickers[] = {"AAPL", "SPY", "SHY", "GOOG"};
    SHARED_OR_SKIP(folder, "golden/candles");
    struct fixture f = fixture_new();
    size_t files = 0;
    for (size_t t = 0; t < TD_COUNT(tickers); t++)
        import_minutes(&f, tickers[t]);
    for (size_t t = 0; t < TD_COUNT(tickers); t++)
        for (size_t k = 0; k < TD_COUNT(cases); k++)
            for (enum td_tf tf = TD_TF_5M; tf <= TD_TF_1D; tf++) {
                char name[256];
                struct td_candle_options options = cases[k].options;
                struct td_candles candles = {0};
                struct td_err err = {0};
                options.tf = tf;
                snprintf(name, sizeof name, "golden/candles/%s/%s_%s.csv.gz", cases[k].folder, tickers[t], td_tf_name(tf));
                const char *path = shared_path(name);
                if (!path)
                    continue;
                ASSERT_OK(td_lake_candles(f.lake, tickers[t], TD_NO_DAY, TD_NO_DAY, &options, &candles, &err), err);
                compare_golden(path, &candles);
                td_candles_free(&candles);
                files++;
            }
    assert_true(files > 60);
    fixture_free(&f);
}

static void test_ranges(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    struct td_merge_counts counts;
    const struct td_merge merge = {.source = "csv", .adjusted = "raw"};
    static const char *const days[] = {"2025-08-29", "2025-09-02", "2025-09-03"};
    for (size_t i = 0; i < TD_COUNT(days); i++) {
        struct td_bars bars = {0};
        add_minutes(&bars, days[i], 10, 0);
        ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_MINUTE, "ABCD", month_at(days[i]), &bars, &merge, &counts, &err), err);
        td_bars_free(&bars);
    }
    for (int d = 0; d < 3; d++) { /* daily bars of a ticker without minutes, and of one with */
        struct td_bars bars = {0};
        const struct td_bar bar = {td_ny_midnight(day_at(days[d])), 1, 2, 0.5, 1.5 + d, 1000, TD_NO_F64, TD_NO_COUNT};
        ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
        ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_DAILY, "DAYS", month_at(days[d]), &bars, &merge, &counts, &err), err);
        ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_DAILY, "ABCD", month_at(days[d]), &bars, &merge, &counts, &err), err);
        td_bars_free(&bars);
    }
    static const struct {
        const char *ticker, *from, *to;
        enum td_tf tf;
        enum td_code code;
        size_t n;
        const char *text;
    } cases[] = {
        {"ABCD", NULL, NULL, TD_TF_5M, TD_OK, 6, NULL},
        {"ABCD", NULL, NULL, TD_TF_1D, TD_OK, 3, NULL},
        {"ABCD", "2025-09-02", "2025-09-02", TD_TF_5M, TD_OK, 2, NULL},
        {"ABCD", "2025-08-30", "2025-09-01", TD_TF_5M, TD_OK, 0, NULL},
        {"ABCD", NULL, "2025-08-31", TD_TF_1M, TD_OK, 10, NULL},
        {"ABCD", "2025-09-03", NULL, TD_TF_1M, TD_OK, 10, NULL},
        {"ABCD", "2024-01-01", "2024-12-31", TD_TF_1M, TD_OK, 0, NULL}, /* known, but not then */
        {"DAYS", NULL, NULL, TD_TF_1D, TD_OK, 3, NULL},
        {"DAYS", "2025-09-01", "2025-09-02", TD_TF_1D, TD_OK, 1, NULL},
        {"DAYS", NULL, NULL, TD_TF_5M, TD_OK, 0, NULL}, /* no minutes, but known */
        {"ABCE", NULL, NULL, TD_TF_5M, TD_MISSING, 0, "did you mean ABCD?"},
        {"abcd", NULL, NULL, TD_TF_5M, TD_MISSING, 0, "case matters"},
        {"NOTHING", NULL, NULL, TD_TF_1D, TD_MISSING, 0, "tapedeck ingest"},
        {"A B", NULL, NULL, TD_TF_1D, TD_DATA, 0, "ticker"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_candle_options options = {.tf = cases[i].tf};
        struct td_candles candles = {0};
        enum td_code code = td_lake_candles(f.lake, cases[i].ticker, cases[i].from ? day_at(cases[i].from) : TD_NO_DAY,
                                            cases[i].to ? day_at(cases[i].to) : TD_NO_DAY, &options, &candles, &err);
        if (code != cases[i].code || candles.n != cases[i].n || (cases[i].text && !strstr(err.text, cases[i].text)))
            fail_msg("case %zu: %s, %zu candles, %s", i, td_code_name(code), candles.n, err.text);
        td_candles_free(&candles);
    }
    fixture_free(&f);
}

static enum td_code sweep_candles(void *ctx, struct td_err *err)
{
    const struct fixture *f = ctx;
    const struct td_candle_options options = {.tf = TD_TF_5M};
    struct td_candles candles = {0};
    enum td_code code = td_lake_candles(f->lake, "ABCD", TD_NO_DAY, TD_NO_DAY, &options, &candles, err);
    td_candles_free(&candles);
    if (code != TD_OK)
        return code;
    code = td_lake_candles(f->lake, "ABCE", TD_NO_DAY, TD_NO_DAY, &options, &candles, err);
    td_candles_free(&candles);
    return code == TD_MISSING ? TD_OK : code;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    struct td_merge_counts counts;
    struct td_bars bars = {0};
    const struct td_merge merge = {.source = "csv", .adjusted = "raw"};
    add_minutes(&bars, "2025-09-02", 10, 0);
    ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_MINUTE, "ABCD", month_at("2025-09-02"), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
    assert_true(sweep_allocations(sweep_candles, &f, "candles") > 10);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden), cmocka_unit_test(test_ranges), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
