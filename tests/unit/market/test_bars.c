/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bars as columns: the check at the door, cleaning, look-up, and what happens when memory runs out. */
#include "market_fixture.h"

static struct td_bar bar_at(int64_t ts, double price, double volume)
{
    return (struct td_bar){ts, price, price + 1, price - 0.5, price + 0.5, volume, price, 3};
}

static void reasons_have_their_texts(void **state)
{
    (void)state;
    assert_string_equal(td_reason_text(TD_REASON_NONE), "none");
    assert_string_equal(td_reason_text(TD_REASON_CONFLICT), "conflicting_duplicate");
    assert_string_equal(td_reason_text(TD_REASON_OUT_OF_RANGE), "out_of_range");
    assert_string_equal(td_reason_text(TD_REASON_COUNT), "unknown");
}

static void each_rule_of_the_door_is_kept(void **state)
{
    (void)state;
    int64_t minute = ny("2025-02-06 09:30"), daily = ny("2025-02-06 00:00");
    const double inf = HUGE_VAL;
    const struct {
        const char *what;
        struct td_bar bar;
        bool daily;
        enum td_reason reason;
    } cases[] = {
        {"good minute", {minute, 10, 11, 9, 10.5, 100, 10.2, 7}, false, TD_REASON_NONE},
        {"unknown volume, vwap, trades",
         {minute, 10, 11, 9, 10.5, TD_NO_F64, TD_NO_F64, TD_NO_COUNT},
         false,
         TD_REASON_NONE},
        {"flat, zero volume, zero vwap", {minute, 1, 1, 1, 1, 0, 0, 0}, false, TD_REASON_NONE},
        {"no open", {minute, TD_NO_F64, 11, 9, 10.5, 100, 10.2, 7}, false, TD_REASON_NOT_FINITE},
        {"infinite high", {minute, 10, inf, 9, 10.5, 100, 10.2, 7}, false, TD_REASON_NOT_FINITE},
        {"infinite volume", {minute, 10, 11, 9, 10.5, inf, 10.2, 7}, false, TD_REASON_NOT_FINITE},
        {"infinite vwap", {minute, 10, 11, 9, 10.5, 100, -inf, 7}, false, TD_REASON_NOT_FINITE},
        {"zero low", {minute, 10, 11, 0, 10.5, 100, 10.2, 7}, false, TD_REASON_PRICE},
        {"negative close", {minute, 10, 11, 9, -10.5, 100, 10.2, 7}, false, TD_REASON_PRICE},
        {"zero vwap with volume", {minute, 10, 11, 9, 10.5, 100, 0, 7}, false, TD_REASON_PRICE},
        {"zero vwap, volume unknown", {minute, 10, 11, 9, 10.5, TD_NO_F64, 0, 7}, false, TD_REASON_PRICE},
        {"negative vwap", {minute, 10, 11, 9, 10.5, 0, -1, 7}, false, TD_REASON_PRICE},
        {"open above high", {minute, 12, 11, 9, 10.5, 100, 10.2, 7}, false, TD_REASON_OHLC},
        {"open below low", {minute, 8, 11, 9, 10.5, 100, 10.2, 7}, false, TD_REASON_OHLC},
        {"close above high", {minute, 10, 11, 9, 11.5, 100, 10.2, 7}, false, TD_REASON_OHLC},
        {"close below low", {minute, 10, 11, 9, 8.5, 100, 10.2, 7}, false, TD_REASON_OHLC},
        {"low above high", {minute, 10, 9, 11, 10, 100, 10.2, 7}, false, TD_REASON_OHLC},
        {"negative volume", {minute, 10, 11, 9, 10.5, -1, 10.2, 7}, false, TD_REASON_VOLUME},
        {"negative count", {minute, 10, 11, 9, 10.5, 1, 10.2, -7}, false, TD_REASON_VOLUME},
        {"seconds taken for ms", {minute / 1000, 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_TIME},
        {"microseconds taken for ms", {minute * 1000, 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_TIME},
        {"not on the minute", {minute + 1000, 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_TIME},
        {"first minute of the calendar", {ny("1990-01-01 00:00"), 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_NONE},
        {"the minute before", {ny("1990-01-01 00:00") - 60000, 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_TIME},
        {"last minute", {ny("2036-01-01 00:00") - 60000, 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_NONE},
        {"the minute after", {ny("2036-01-01 00:00"), 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_TIME},
        {"smallest time", {INT64_MIN, 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_TIME},
        {"largest time", {INT64_MAX, 10, 11, 9, 10.5, 1, 10, 7}, true, TD_REASON_TIME},
        {"minute on a Sunday stays", {ny("2025-02-09 10:00"), 10, 11, 9, 10.5, 1, 10, 7}, false, TD_REASON_NONE},
        {"good daily", {daily, 10, 11, 9, 10.5, 100, 10.2, 7}, true, TD_REASON_NONE},
        {"daily at UTC midnight", {daily - 5 * 3600000, 10, 11, 9, 10.5, 1, 10, 7}, true, TD_REASON_TIME},
        {"daily on a Sunday", {ny("2025-02-09 00:00"), 10, 11, 9, 10.5, 1, 10, 7}, true, TD_REASON_NON_SESSION},
        {"daily on a holiday", {ny("2025-01-09 00:00"), 10, 11, 9, 10.5, 1, 10, 7}, true, TD_REASON_NON_SESSION},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        enum td_reason reason = td_bar_check(&cases[i].bar, cases[i].daily);
        if (reason != cases[i].reason)
            fail_msg("%s: %s, expected %s", cases[i].what, td_reason_text(reason), td_reason_text(cases[i].reason));
    }
}

static void null_equals_null(void **state)
{
    (void)state;
    struct td_bar a = bar_at(0, 10, TD_NO_F64), b = a;
    a.vwap = b.vwap = TD_NO_F64;
    assert_true(td_bar_same(&a, &b));
    b.volume = 0;
    assert_false(td_bar_same(&a, &b));
    b = a;
    b.trades = TD_NO_COUNT;
    assert_false(td_bar_same(&a, &b));
    b = a;
    b.low = 1;
    assert_false(td_bar_same(&a, &b));
}

static void cleaning_sorts_drops_and_takes_out(void **state)
{
    (void)state;
    /* time, price: 1 twice alike, 2 three times with one different, 3 once, 4 twice different, 5 three times alike */
    static const struct {
        int64_t ts;
        double price;
    } rows[] = {{5, 50}, {2, 20}, {3, 30}, {1, 10}, {2, 21}, {4, 40}, {5, 50}, {2, 20}, {1, 10}, {4, 41}, {5, 50}};
    struct td_bars bars = {0};
    struct td_err err = {0};
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        struct td_bar bar = bar_at(rows[i].ts * TD_MS_MINUTE, rows[i].price, i == 3 || i == 8 ? TD_NO_F64 : 100);
        ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
    }
    uint64_t duplicates = 9, conflicts = 9;
    ASSERT_OK(td_bars_clean(&bars, &duplicates, &conflicts, &err), err);
    assert_int_equal(duplicates, 3);
    assert_int_equal(conflicts, 5);
    assert_int_equal(bars.n, 3);
    assert_int_equal(bars.n + duplicates + conflicts, TD_COUNT(rows));
    static const int64_t kept[] = {1, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        struct td_bar expected = bar_at(kept[i] * TD_MS_MINUTE, (double)kept[i] * 10, i == 0 ? TD_NO_F64 : 100);
        struct td_bar got = td_bars_get(&bars, i);
        assert_true(td_bar_same(&expected, &got));
    }
    ASSERT_OK(td_bars_clean(&bars, &duplicates, &conflicts, &err), err);
    assert_int_equal(duplicates + conflicts, 0);
    assert_int_equal(bars.n, 3);
    td_bars_free(&bars);
    ASSERT_OK(td_bars_clean(&bars, &duplicates, &conflicts, &err), err);
}

static void lower_bound_finds_the_first_at_or_after(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    assert_int_equal(td_bars_lower_bound(&bars, 5), 0);
    for (int i = 0; i < 100; i++) {
        struct td_bar bar = bar_at(i * 10, 5, 1);
        ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
    }
    assert_int_equal(td_bars_lower_bound(&bars, -1), 0);
    assert_int_equal(td_bars_lower_bound(&bars, 0), 0);
    assert_int_equal(td_bars_lower_bound(&bars, 1), 1);
    assert_int_equal(td_bars_lower_bound(&bars, 500), 50);
    assert_int_equal(td_bars_lower_bound(&bars, 990), 99);
    assert_int_equal(td_bars_lower_bound(&bars, 991), 100);
    td_bars_free(&bars);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    bool through = false;
    for (long n = 1; !through; n++) {
        struct td_bars bars = {0};
        struct td_err err = {0};
        uint64_t duplicates, conflicts;
        enum td_code code = TD_OK;
        td_alloc_fail_after(n);
        for (int i = 0; i < 200 && !code; i++) {
            struct td_bar bar = bar_at((200 - i) * TD_MS_MINUTE, 5, 1);
            code = td_bars_add(&bars, &bar, &err);
        }
        if (!code)
            code = td_bars_clean(&bars, &duplicates, &conflicts, &err);
        td_alloc_fail_after(0);
        through = code == TD_OK;
        assert_true(through || (code == TD_NOMEM && err.code == TD_NOMEM));
        assert_true(n < 1000);
        if (through)
            assert_int_equal(bars.n, 200);
        td_bars_free(&bars);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_their_texts),
        cmocka_unit_test(each_rule_of_the_door_is_kept),
        cmocka_unit_test(null_equals_null),
        cmocka_unit_test(cleaning_sorts_drops_and_takes_out),
        cmocka_unit_test(lower_bound_finds_the_first_at_or_after),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
