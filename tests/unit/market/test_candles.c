/* SPDX-License-Identifier: GPL-3.0-or-later
 * Candles against the recorded resamplings, and the rules the recordings cannot show: nulls, merging, memory. */
#include "market_fixture.h"

static void load_minutes(const char *path, struct td_bars *bars)
{
    struct csv csv;
    csv_open(&csv, path);
    while (csv_next(&csv)) {
        struct td_bar bar = {integer(csv.field[0]),
                             number(csv.field[2]),
                             number(csv.field[3]),
                             number(csv.field[4]),
                             number(csv.field[5]),
                             number(csv.field[6]),
                             TD_NO_F64,
                             TD_NO_COUNT};
        ASSERT_OK(td_bars_add(bars, &bar, NULL), (struct td_err){0});
    }
}

static void compare_file(const char *path, const struct td_candles *candles)
{
    struct csv csv;
    size_t i = 0;
    csv_open(&csv, path);
    for (; csv_next(&csv); i++) {
        assert_true(i < candles->n);
        const struct td_candle *c = &candles->items[i];
        if (c->ts != integer(csv.field[0]) || c->open != number(csv.field[2]) || c->high != number(csv.field[3]) ||
            c->low != number(csv.field[4]) || c->close != number(csv.field[5]) || c->volume != number(csv.field[6]) ||
            c->bars != integer(csv.field[7]))
            fail_msg("%s: row %zu at %s differs (ts %lld, volume %g, bars %u)", path, i, csv.field[1], (long long)c->ts,
                     c->volume, c->bars);
        assert_int_equal(c->partial, 0);
        assert_true(c->trades == TD_NO_COUNT);
    }
    assert_int_equal(i, candles->n);
}

static void candles_equal_the_recordings(void **state)
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
    size_t files = 0;
    for (size_t t = 0; t < TD_COUNT(tickers); t++) {
        char name[256];
        struct td_bars bars = {0};
        snprintf(name, sizeof name, "golden/candles/input/%s.csv.gz", tickers[t]);
        load_minutes(shared_path(name), &bars);
        for (size_t c = 0; c < TD_COUNT(cases); c++)
            for (unsigned tf = TD_TF_5M; tf < TD_TF_COUNT; tf++) {
                struct td_candle_options options = cases[c].options;
                struct td_candles candles = {0};
                options.tf = (enum td_tf)tf;
                snprintf(name, sizeof name, "golden/candles/%s/%s_%s.csv.gz", cases[c].folder, tickers[t],
                         td_tf_name(options.tf));
                const char *path = shared_path(name);
                if (!path)
                    continue;
                ASSERT_OK(td_candles_add(&candles, &bars, &options, NULL), (struct td_err){0});
                compare_file(path, &candles);
                td_candles_free(&candles);
                files++;
            }
        td_bars_free(&bars);
    }
    (void)folder;
    assert_int_equal(files, 78);
}

static void session_vwap_equals_the_recordings(void **state)
{
    (void)state;
    static const char *const tickers[] = {"AAPL", "SPY", "SHY", "GOOG"};
    SHARED_OR_SKIP(folder, "golden/candles/vwap");
    (void)folder;
    for (size_t t = 0; t < TD_COUNT(tickers); t++) {
        char name[256];
        struct td_bars bars = {0};
        struct csv csv;
        size_t i = 0;
        snprintf(name, sizeof name, "golden/candles/input/%s.csv.gz", tickers[t]);
        load_minutes(shared_path(name), &bars);
        double *all = test_malloc(bars.n * sizeof *all), *regular = test_malloc(bars.n * sizeof *regular);
        td_session_vwap(&bars, false, all);
        td_session_vwap(&bars, true, regular);
        snprintf(name, sizeof name, "golden/candles/vwap/%s.csv.gz", tickers[t]);
        csv_open(&csv, shared_path(name));
        for (; csv_next(&csv); i++) {
            assert_true(i < bars.n);
            assert_int_equal(bars.ts[i], integer(csv.field[0]));
            if (!near_f64(all[i], number(csv.field[1]), 1e-9, 0) ||
                !near_f64(regular[i], number(csv.field[2]), 1e-9, 0))
                fail_msg("%s row %zu: %.17g %.17g, expected %s %s", tickers[t], i, all[i], regular[i], csv.field[1],
                         csv.field[2]);
        }
        assert_int_equal(i, bars.n);
        test_free(all);
        test_free(regular);
        td_bars_free(&bars);
    }
}

static void add(struct td_bars *bars, const char *when, double price, double volume, double vwap, int64_t trades)
{
    struct td_bar bar = {ny(when), price, price + 1, price - 1, price + 0.5, volume, vwap, trades};
    ASSERT_OK(td_bars_add(bars, &bar, NULL), (struct td_err){0});
}

static void nulls_leave_the_sums(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    struct td_candles candles = {0};
    const struct td_candle_options options = {TD_TF_5M, TD_HOURS_ALL, TD_ANCHOR_CLOCK, false};
    add(&bars, "2025-02-06 09:30", 10, TD_NO_F64, 10, TD_NO_COUNT); /* volume unknown */
    add(&bars, "2025-02-06 09:31", 12, 100, TD_NO_F64, 5);          /* (13 + 11 + 12.5) / 3 */
    add(&bars, "2025-02-06 09:34", 11, 300, 11.5, TD_NO_COUNT);
    add(&bars, "2025-02-06 09:35", 9, TD_NO_F64, 9, TD_NO_COUNT);
    add(&bars, "2025-02-06 09:40", 9, 0, 9, 0);
    add(&bars, "2025-02-06 09:45", 7, 10, 7.25, 1);
    ASSERT_OK(td_candles_add(&candles, &bars, &options, NULL), (struct td_err){0});
    assert_int_equal(candles.n, 4);
    const struct td_candle *c = candles.items;
    assert_true(c[0].volume == 400);
    assert_true(near_f64(c[0].vwap, (100 * (36.5 / 3) + 300 * 11.5) / 400, 1e-12, 0));
    assert_int_equal(c[0].trades, 5);
    assert_int_equal(c[0].bars, 3);
    assert_true(isnan(c[1].volume) && isnan(c[1].vwap) && c[1].trades == TD_NO_COUNT);
    assert_true(c[2].volume == 0 && isnan(c[2].vwap) && c[2].trades == 0);
    assert_true(c[3].vwap == 7.25 && c[3].volume == 10);
    td_candles_free(&candles);
    td_bars_free(&bars);
}

static void hours_and_days_outside_are_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        enum td_hours hours;
        bool calendar, counts;
    } cases[] = {
        {"2025-02-06 03:59", TD_HOURS_ALL, false, false},     {"2025-02-06 04:00", TD_HOURS_ALL, false, true},
        {"2025-02-06 19:59", TD_HOURS_ALL, true, true},       {"2025-02-06 20:00", TD_HOURS_ALL, true, false},
        {"2025-02-06 09:29", TD_HOURS_REGULAR, false, false}, {"2025-02-06 15:59", TD_HOURS_REGULAR, true, true},
        {"2025-02-06 16:00", TD_HOURS_REGULAR, false, false}, {"2025-11-28 13:00", TD_HOURS_REGULAR, false, true},
        {"2025-11-28 13:00", TD_HOURS_REGULAR, true, false},  {"2025-11-28 12:59", TD_HOURS_REGULAR, true, true},
        {"2025-02-09 10:00", TD_HOURS_REGULAR, true, false},  {"2025-02-09 10:00", TD_HOURS_REGULAR, false, true},
        {"2025-02-09 10:00", TD_HOURS_ALL, true, true},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        struct td_candles candles = {0};
        struct td_candle_options options = {TD_TF_1H, cases[i].hours, TD_ANCHOR_SESSION, cases[i].calendar};
        add(&bars, cases[i].when, 10, 1, 1, 1);
        ASSERT_OK(td_candles_add(&candles, &bars, &options, NULL), (struct td_err){0});
        if (candles.n != cases[i].counts)
            fail_msg("%s: %zu candles", cases[i].when, candles.n);
        td_candles_free(&candles);
        td_bars_free(&bars);
    }
}

static void left_edges_by_anchor(void **state)
{
    (void)state;
    static const struct {
        const char *when, *edge;
        struct td_candle_options options;
    } cases[] = {
        {"2025-02-06 10:29", "2025-02-06 09:30", {TD_TF_1H, TD_HOURS_REGULAR, TD_ANCHOR_SESSION, true}},
        {"2025-02-06 10:29", "2025-02-06 10:00", {TD_TF_1H, TD_HOURS_REGULAR, TD_ANCHOR_CLOCK, true}},
        {"2025-02-06 09:31", "2025-02-06 08:00", {TD_TF_4H, TD_HOURS_ALL, TD_ANCHOR_SESSION, true}},
        {"2025-02-06 12:00", "2025-02-06 12:00", {TD_TF_4H, TD_HOURS_ALL, TD_ANCHOR_SESSION, true}},
        {"2025-02-06 12:00", "2025-02-06 00:00", {TD_TF_1D, TD_HOURS_ALL, TD_ANCHOR_SESSION, true}},
        {"2025-02-06 12:01", "2025-02-06 12:01", {TD_TF_1M, TD_HOURS_ALL, TD_ANCHOR_SESSION, true}},
        {"2025-03-09 05:10", "2025-03-09 04:00", {TD_TF_4H, TD_HOURS_ALL, TD_ANCHOR_CLOCK, false}},
        {"2025-11-02 05:10", "2025-11-02 00:00", {TD_TF_1D, TD_HOURS_ALL, TD_ANCHOR_CLOCK, false}},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        struct td_candles candles = {0};
        add(&bars, cases[i].when, 10, 1, 1, 1);
        ASSERT_OK(td_candles_add(&candles, &bars, &cases[i].options, NULL), (struct td_err){0});
        assert_int_equal(candles.n, 1);
        if (candles.items[0].ts != ny(cases[i].edge))
            fail_msg("%s: wrong edge, expected %s", cases[i].when, cases[i].edge);
        td_candles_free(&candles);
        td_bars_free(&bars);
    }
}

static struct td_bars slice(const struct td_bars *bars, size_t from, size_t to)
{
    return (struct td_bars){to - from,         to - from,          bars->ts + from,    bars->open + from,
                            bars->high + from, bars->low + from,   bars->close + from, bars->volume + from,
                            bars->vwap + from, bars->trades + from};
}

static void cutting_the_bars_changes_nothing(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    uint64_t seed = 42;
    int64_t ts = ny("2025-02-05 08:00");
    for (int i = 0; i < 900; i++, ts += TD_MS_MINUTE * (int64_t)(1 + random_next(&seed) % 3)) {
        double price = 1 + (double)(random_next(&seed) % 10000) / 7;
        struct td_bar bar = {ts,    price, price * 1.1, price * 0.9, price, (double)(random_next(&seed) % 99999) / 3,
                             price, 1};
        ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
    }
    const struct td_candle_options options = {TD_TF_15M, TD_HOURS_ALL, TD_ANCHOR_SESSION, true};
    struct td_candles whole = {0};
    ASSERT_OK(td_candles_add(&whole, &bars, &options, NULL), (struct td_err){0});
    for (size_t cut = 1; cut < bars.n; cut += 13) {
        struct td_candles parts = {0};
        struct td_bars first = slice(&bars, 0, cut), second = slice(&bars, cut, bars.n);
        ASSERT_OK(td_candles_add(&parts, &first, &options, NULL), (struct td_err){0});
        ASSERT_OK(td_candles_add(&parts, &second, &options, NULL), (struct td_err){0});
        assert_int_equal(parts.n, whole.n);
        for (size_t i = 0; i < whole.n; i++) {
            const struct td_candle *a = &whole.items[i], *b = &parts.items[i];
            if (a->ts != b->ts || !same_f64(a->vwap, b->vwap) || !same_f64(a->volume, b->volume) ||
                a->bars != b->bars || a->open != b->open || a->high != b->high || a->low != b->low ||
                a->close != b->close || a->trades != b->trades)
                fail_msg("cut at %zu: candle %zu differs", cut, i);
        }
        td_candles_free(&parts);
    }
    struct td_bars late = slice(&bars, 800, 801), early = slice(&bars, 0, 1);
    struct td_candles candles = {0};
    struct td_err err = {0};
    ASSERT_OK(td_candles_add(&candles, &late, &options, &err), err);
    assert_int_equal(td_candles_add(&candles, &early, &options, &err), TD_DATA);
    td_candles_free(&candles);
    td_alloc_fail_after(1);
    assert_int_equal(td_candles_add(&candles, &late, &options, &err), TD_NOMEM);
    td_alloc_fail_after(0);
    td_candles_free(&candles);
    td_candles_free(&whole);
    td_bars_free(&bars);
}

static void timeframes_have_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TD_TF_COUNT; i++) {
        enum td_tf tf = TD_TF_COUNT;
        assert_true(td_tf_parse(td_tf_name((enum td_tf)i), &tf));
        assert_int_equal(tf, i);
    }
    enum td_tf tf = TD_TF_1H;
    assert_false(td_tf_parse("2h", &tf));
    assert_false(td_tf_parse("", &tf));
    assert_int_equal(tf, TD_TF_1H);
    assert_int_equal(td_tf_minutes(TD_TF_1D), 1440);
    assert_int_equal(td_tf_minutes(TD_TF_4H), 240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candles_equal_the_recordings), cmocka_unit_test(session_vwap_equals_the_recordings),
        cmocka_unit_test(nulls_leave_the_sums),         cmocka_unit_test(hours_and_days_outside_are_left_out),
        cmocka_unit_test(left_edges_by_anchor),         cmocka_unit_test(cutting_the_bars_changes_nothing),
        cmocka_unit_test(timeframes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
