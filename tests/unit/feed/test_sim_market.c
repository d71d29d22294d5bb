/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated market: bars that hold together, days that are sums of their minutes, stories where the programme says.
 */
#include "check.h"

#include <tapedeck/feed.h>

static struct td_sim *default_market(void)
{
    struct td_err err;
    struct td_sim *sim;
    struct td_sim_options options = {0};
    ASSERT_OK(td_sim_new(&options, &sim, &err), err);
    return sim;
}

static struct td_bars session(const struct td_sim *sim, const char *ticker, td_day day, bool daily)
{
    struct td_bars bars = {0};
    struct td_err err;
    ASSERT_OK(td_sim_session(sim, ticker, day, daily, &bars, &err), err);
    return bars;
}

/* The session that is n sessions before the default end. */
static td_day before_end(int n)
{
    return td_cal_day(td_cal_index(td_sim_default_end()) - n);
}

static double close_of(const struct td_sim *sim, const char *ticker, td_day day)
{
    struct td_bars bars = session(sim, ticker, day, true);
    double close = bars.n ? bars.close[0] : (double)NAN;
    td_bars_free(&bars);
    return close;
}

static int32_t minute_of(int64_t ts)
{
    td_day day;
    int32_t ms;
    td_ny_split(ts, &day, &ms);
    return ms / 60000;
}

static void the_frame_is_what_the_options_say(void **state)
{
    (void)state;
    struct td_sim *sim = default_market();
    assert_int_equal(td_sim_ticker_count(sim), 300);
    assert_int_equal(td_sim_last_session(sim), td_day_from_civil(2025, 12, 5));
    assert_int_equal(td_sim_first_session(sim, false), before_end(44));
    assert_int_equal(td_sim_first_session(sim, true), before_end(299));
    for (size_t i = 1; i < td_sim_ticker_count(sim); i++)
        assert_true(strcmp(td_sim_ticker(sim, i - 1), td_sim_ticker(sim, i)) < 0);
    assert_null(td_sim_ticker(sim, 300));
    bool half = false, expiry = false;
    for (int n = 0; n < 30; n++) {
        half |= td_cal_is_half(before_end(n));
        expiry |= td_cal_expiry_friday(before_end(n));
    }
    assert_true(half);
    assert_true(expiry);
    td_sim_free(sim);
}

static void wrong_options_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"429=2", "429=-1", "429=x", "what=0.5", "page=0.5e9", "", "="};
    struct td_sim *sim;
    struct td_err err;
    struct td_sim_options wrong[] = {{.sessions = -1},     {.tickers = -3},
                                     {.tickers = 1000000}, {.daily_sessions = 100000},
                                     {.port = 70000},      {.end = td_cal_last() + 400},
                                     {.end = -20000}};
    for (size_t i = 0; i < TD_COUNT(wrong); i++) {
        assert_int_equal(td_sim_new(&wrong[i], &sim, &err), TD_USAGE);
        assert_null(sim);
    }
    for (size_t i = 0; i < TD_COUNT(bad); i++) {
        struct td_sim_options options = {.tickers = 3, .faults = &bad[i], .fault_count = 1};
        assert_int_equal(td_sim_new(&options, &sim, &err), TD_USAGE);
    }
    assert_non_null(strstr(err.text, "truncate")); /* the known ones are named */
    struct td_sim_options sunday = {.end = td_day_from_civil(2025, 12, 7), .tickers = 3};
    ASSERT_OK(td_sim_new(&sunday, &sim, &err), err);
    assert_int_equal(td_sim_last_session(sim), td_day_from_civil(2025, 12, 5));
    td_sim_free(sim);
}

/* Asked minute by minute, asked for the whole session: the same bars, and none outside. */
static void a_session_is_its_minutes(void **state)
{
    (void)state;
    static const char *const tickers[] = {"MEGA", "RUNA", "RVSA", "BApA", "ZVZZT", "KUTL", "LEVX", "REUA"};
    struct td_sim *sim = default_market();
    size_t seen = 0;
    for (size_t i = 0; i < TD_COUNT(tickers); i++) {
        for (int n = 0; n < 45; n += 1 + (int)i % 3) {
            struct td_bars bars = session(sim, tickers[i], before_end(n), false);
            size_t at = 0;
            for (int32_t minute = 0; minute < 1440; minute++) {
                struct td_bar bar, same;
                int64_t ts = td_ny_midnight(before_end(n)) + minute * TD_MS_MINUTE;
                if (!td_sim_minute(sim, tickers[i], ts, &bar))
                    continue;
                assert_true(at < bars.n);
                same = td_bars_get(&bars, at++);
                assert_int_equal(bar.ts, ts);
                assert_true(td_bar_same(&bar, &same));
                assert_false(td_sim_minute(sim, tickers[i], ts + 1, &bar));
            }
            assert_int_equal(at, bars.n);
            seen += at;
            td_bars_free(&bars);
        }
    }
    assert_true(seen > 50000);
    struct td_bar bar;
    int64_t noon = td_ny_midnight(before_end(0)) + 12 * 60 * TD_MS_MINUTE;
    assert_true(td_sim_minute(sim, "MEGA", noon, &bar));
    assert_false(td_sim_minute(sim, "mega", noon, &bar));
    assert_false(td_sim_minute(sim, "MEGA", noon + TD_MS_DAY, &bar));                                    /* Saturday */
    assert_false(td_sim_minute(sim, "MEGA", td_ny_midnight(before_end(45)) + 720 * TD_MS_MINUTE, &bar)); /* too old */
    assert_false(td_sim_minute(sim, "MEGA", INT64_MIN / 2, &bar));
    td_sim_free(sim);
}

static bool on_grid(double price)
{
    double unit = price < 1 ? 1e4 : 100;
    return fabs(price * unit - nearbyint(price * unit)) < 1e-6;
}

static void check_minute(const struct td_bars *bars, size_t i)
{
    struct td_bar bar = td_bars_get(bars, i);
    assert_int_equal(td_bar_check(&bar, false), TD_REASON_NONE);
    assert_true(i == 0 || bars->ts[i - 1] < bar.ts);
    assert_true(on_grid(bar.open) && on_grid(bar.high) && on_grid(bar.low) && on_grid(bar.close));
    assert_true(bar.vwap >= bar.low && bar.vwap <= bar.high);
    assert_true(bar.volume >= 1 && bar.trades >= 1);
    assert_true(bar.trades > 1 || (bar.open == bar.close && bar.high == bar.low && bar.vwap == bar.close));
    td_day day;
    int32_t ms;
    td_ny_split(bar.ts, &day, &ms);
    enum td_phase phase = td_cal_phase(day, ms / 60000);
    assert_true(phase == TD_PHASE_PRE || phase == TD_PHASE_REGULAR || phase == TD_PHASE_POST);
}

/* The daily bar computed here from the minutes, by the vendor's rule: prices of the regular phase, volume of all. */
static void check_daily(const struct td_sim *sim, const char *ticker, td_day day, const struct td_bars *minutes)
{
    struct td_bars daily = session(sim, ticker, day, true);
    double open = 0, high = 0, low = 1e300, close = 0, volume = 0, dollars = 0;
    int64_t trades = 0;
    for (size_t i = 0; i < minutes->n; i++) {
        volume += minutes->volume[i];
        dollars += minutes->volume[i] * minutes->vwap[i];
        trades += minutes->trades[i];
        if (td_cal_phase(day, minute_of(minutes->ts[i])) != TD_PHASE_REGULAR)
            continue;
        open = open > 0 ? open : minutes->open[i];
        high = fmax(high, minutes->high[i]);
        low = fmin(low, minutes->low[i]);
        close = minutes->close[i];
    }
    assert_int_equal(daily.n, open > 0);
    if (daily.n) {
        struct td_bar bar = td_bars_get(&daily, 0);
        assert_int_equal(td_bar_check(&bar, true), TD_REASON_NONE);
        assert_true(bar.open == open && bar.high == high && bar.low == low && bar.close == close);
        assert_true(fabs(bar.volume - volume) <= 1e-9 * volume && bar.trades == trades);
        assert_true(fabs(bar.vwap - dollars / volume) < 6e-5);
    }
    td_bars_free(&daily);
}

static void bars_hold_together_and_days_are_their_sum(void **state)
{
    (void)state;
    struct td_sim *sim = default_market();
    size_t total = 0, fractional = 0, pre = 0, post = 0;
    for (size_t t = 0; t < td_sim_ticker_count(sim); t += 3) {
        const char *ticker = td_sim_ticker(sim, t);
        for (int n = 0; n < 45; n += 4) {
            struct td_bars bars = session(sim, ticker, before_end(n), false);
            for (size_t i = 0; i < bars.n; i++) {
                check_minute(&bars, i);
                enum td_phase phase = td_cal_phase(before_end(n), minute_of(bars.ts[i]));
                pre += phase == TD_PHASE_PRE;
                post += phase == TD_PHASE_POST;
                fractional += fabs(bars.volume[i] - nearbyint(bars.volume[i])) > 0;
            }
            total += bars.n;
            check_daily(sim, ticker, before_end(n), &bars);
            td_bars_free(&bars);
        }
    }
    assert_true(fractional > total / 100 && fractional < total / 10);
    assert_true(pre > total / 50 && post > total / 50);
    td_sim_free(sim);
}

static void elephants_trade_every_minute(void **state)
{
    (void)state;
    struct td_sim *sim = default_market();
    size_t elephants = 0, month = 0;
    for (size_t t = 0; t < td_sim_ticker_count(sim); t++) {
        struct td_bars bars = session(sim, td_sim_ticker(sim, t), before_end(1), false);
        elephants += bars.n == 960;
        td_bars_free(&bars);
    }
    assert_in_range(elephants, 3, 15);
    td_day half = td_day_from_civil(2025, 11, 28);
    struct td_bars bars = session(sim, "MEGA", half, false);
    assert_int_equal(bars.n, 780); /* 04:00 to 17:00 */
    td_bars_free(&bars);
    for (td_day day = td_day_from_civil(2025, 11, 1); day <= td_day_from_civil(2025, 11, 30); day++) {
        bars = session(sim, "MEGA", day, false);
        month += bars.n;
        td_bars_free(&bars);
    }
    assert_int_equal(month, 18 * 960 + 780);
    td_sim_free(sim);
}

/* Every session's list, by a computation that knows nothing of how the days were made. */
static size_t info_rich(const struct td_bars *days, size_t at, const struct td_reference *reference)
{
    double sum = 0;
    size_t from = at >= 29 ? at - 29 : 0;
    for (size_t i = from; i <= at; i++)
        sum += days->volume[i];
    double rvol = days->volume[at] / (sum / (double)(at - from + 1));
    double change = at ? days->close[at] / days->close[at - 1] - 1 : 0;
    bool member = (strcmp(reference->type, "CS") == 0 || strcmp(reference->type, "ADRC") == 0) &&
                  strcmp(reference->exchange, "ARCX") != 0 && reference->test_ticker != 1;
    return member && rvol >= 2 && fabs(change) >= 0.15 && days->volume[at] * days->vwap[at] >= 5e6 &&
           days->close[at] >= 0.5 && days->close[at] <= 20;
}

static void every_session_has_ten_to_forty_names(void **state)
{
    (void)state;
    enum { SESSIONS = 130 };
    struct td_sim *sim;
    struct td_err err;
    struct td_sim_options options = {.daily_sessions = SESSIONS};
    size_t names[SESSIONS] = {0};
    ASSERT_OK(td_sim_new(&options, &sim, &err), err);
    for (size_t t = 0; t < td_sim_ticker_count(sim); t++) {
        struct td_bars days = {0};
        struct td_reference reference;
        assert_true(td_sim_reference(sim, td_sim_ticker(sim, t), &reference));
        for (int n = SESSIONS - 1; n >= 0; n--)
            ASSERT_OK(td_sim_session(sim, td_sim_ticker(sim, t), before_end(n), true, &days, &err), err);
        for (size_t i = 0; i < days.n; i++) {
            td_day day;
            int32_t ms;
            td_ny_split(days.ts[i], &day, &ms);
            int back = td_cal_index(td_sim_default_end()) - td_cal_index(day);
            names[back] += info_rich(&days, i, &reference);
        }
        td_bars_free(&days);
    }
    for (int n = 0; n < SESSIONS - 30; n++)
        if (names[n] < 10 || names[n] > 40)
            fail_msg("%d sessions before the end the list has %zu names", n, names[n]);
    td_sim_free(sim);
}

/* Nothing but seed, ticker and minute moves a bar. */
static void history_does_not_depend_on_the_frame(void **state)
{
    (void)state;
    static const char *const tickers[] = {"MEGA", "RUNA", "RVSB", "RSPA", "REUA", "RNMK", "BEGM", "KUTL"};
    struct td_sim *whole = default_market(), *earlier, *small, *other;
    struct td_err err;
    size_t different = 0, compared = 0;
    struct td_sim_options a = {.end = before_end(9), .sessions = 60, .daily_sessions = 80};
    struct td_sim_options b = {.tickers = 40, .sessions = 30}, c = {.seed = 2};
    ASSERT_OK(td_sim_new(&a, &earlier, &err), err);
    ASSERT_OK(td_sim_new(&b, &small, &err), err);
    ASSERT_OK(td_sim_new(&c, &other, &err), err);
    for (size_t t = 0; t < TD_COUNT(tickers); t++) {
        for (int n = 9; n < 30; n += 5) {
            struct td_sim *const markets[] = {earlier, small, other};
            for (size_t m = 0; m < TD_COUNT(markets); m++) {
                struct td_bars x = session(whole, tickers[t], before_end(n), false);
                struct td_bars y = session(markets[m], tickers[t], before_end(n), false);
                bool same = x.n == y.n;
                for (size_t i = 0; same && i < x.n; i++) {
                    struct td_bar p = td_bars_get(&x, i), q = td_bars_get(&y, i);
                    same = td_bar_same(&p, &q);
                }
                bool listed = m != 1 || t < 6; /* the small market ends before the generated names */
                if (m < 2 && listed)
                    assert_true(same);
                compared += m == 2 && x.n > 0;
                different += m == 2 && x.n > 0 && !same;
                td_bars_free(&x);
                td_bars_free(&y);
            }
        }
    }
    assert_int_equal(different, compared);
    td_sim_free(whole);
    td_sim_free(earlier);
    td_sim_free(small);
    td_sim_free(other);
}

/* ---- the programme of docs/simulator.md ---- */

static void the_runner_ramps_halts_and_fades(void **state)
{
    (void)state;
    struct td_sim *sim = default_market();
    td_day day = td_day_from_civil(2025, 12, 2);
    assert_int_equal(day, before_end(3));
    struct td_bars bars = session(sim, "RUNA", day, false);
    double before = close_of(sim, "RUNA", before_end(4)), close = close_of(sim, "RUNA", day), pre_volume = 0;
    size_t halts = 0;
    double last_pre = 0;
    for (size_t i = 0; i < bars.n; i++) {
        int32_t minute = minute_of(bars.ts[i]);
        if (minute < TD_REGULAR_MIN) {
            pre_volume += bars.volume[i];
            last_pre = bars.close[i];
        } else if (minute < 660 && i && minute_of(bars.ts[i - 1]) >= TD_REGULAR_MIN) {
            halts += minute - minute_of(bars.ts[i - 1]) > 5;
        }
    }
    assert_true(last_pre > 1.5 * before);
    assert_true(pre_volume > 500000);
    assert_int_equal(halts, 3);
    assert_true(close / before > 2.3);
    assert_true(close_of(sim, "RUNA", before_end(2)) / close < 0.65);
    td_bars_free(&bars);
    td_sim_free(sim);
}

static void splits_known_and_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *ticker;
        int before_end;
        double factor; /* new per old */
        bool known;
    } cases[] = {{"RVSA", 7, 0.1, false}, {"FWDA", 14, 4, true}, {"RSPA", 11, 0.05, true}};
    struct td_sim *sim = default_market();
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        td_day day = before_end(cases[i].before_end), prior = before_end(cases[i].before_end + 1);
        struct td_bars x = session(sim, cases[i].ticker, prior, true), y = session(sim, cases[i].ticker, day, true);
        double quotient = y.open[0] / x.close[0], value = y.volume[0] * quotient / x.volume[0];
        assert_true(fabs(quotient * cases[i].factor - 1) < 0.06);
        assert_true(value > 0.2 && value < 5);
        const struct td_split *splits;
        size_t count = td_sim_splits(sim, cases[i].ticker, &splits), found = 0;
        for (size_t k = 0; k < count; k++) {
            assert_true(k == 0 || splits[k - 1].day < splits[k].day);
            found += splits[k].day == day && splits[k].factor == cases[i].factor;
        }
        assert_int_equal(found, cases[i].known);
        assert_true(cases[i].known || count == 0);
        td_bars_free(&x);
        td_bars_free(&y);
    }
    const struct td_split *none;
    assert_int_equal(td_sim_splits(sim, "NOPE", &none), 0);
    td_sim_free(sim);
}

static void symbols_that_change_hands(void **state)
{
    (void)state;
    struct td_sim *sim = default_market();
    int gap = 0;
    for (int n = 9; n < 40 && isnan(close_of(sim, "REUA", before_end(n))); n++)
        gap++;
    assert_int_equal(gap, 15); /* more than 10 sessions: another life */
    double old_life = close_of(sim, "REUA", before_end(24)), new_life = close_of(sim, "REUA", before_end(8));
    assert_true(fabs(new_life / old_life - 1) > 0.2);
    for (int n = 10; n < 25; n++) { /* the rename: one ends where the other begins */
        assert_int_equal(isnan(close_of(sim, "RNML", before_end(n))), n > 17);
        assert_int_equal(isnan(close_of(sim, "RNMK", before_end(n))), n <= 17);
    }
    double change = close_of(sim, "RNML", before_end(17)) / close_of(sim, "RNMK", before_end(18)) - 1;
    assert_true(fabs(change) < 0.15);
    td_sim_free(sim);
}

/* Wherever the market ends: its last 30 sessions hold every story once, with another star maybe. */
static void any_thirty_sessions_hold_the_programme(void **state)
{
    (void)state;
    static const struct {
        const char *tickers[4];
        double low, high; /* close to previous close on the story's session */
    } stories[] = {{{"RUNA", "RUNB", "RUNC"}, 2.0, 4.0},
                   {{"RVSA", "RVSB", "RVSC", "RVSD"}, 7.5, 13.0},
                   {{"RSPA", "RSPB", "RSPC", "RSPD"}, 15.0, 26.0},
                   {{"FWDA", "FWDB", "FWDC"}, 0.2, 0.32},
                   {{"WARRW"}, 1.35, 3.0},
                   {{"LEVX"}, 0.6, 0.88}};
    static const int ends[] = {0, 7, 40, 71, 100, 133, 233, -60};
    for (size_t e = 0; e < TD_COUNT(ends); e++) {
        struct td_sim_options options = {.end = before_end(ends[e]), .sessions = 31};
        struct td_sim *sim;
        struct td_err err;
        ASSERT_OK(td_sim_new(&options, &sim, &err), err);
        for (size_t i = 0; i < TD_COUNT(stories); i++) {
            size_t found = 0;
            for (size_t t = 0; t < 4 && stories[i].tickers[t]; t++) {
                for (int n = 0; n < 30; n++) {
                    double prior = close_of(sim, stories[i].tickers[t], before_end(ends[e] + n + 1));
                    double ratio = close_of(sim, stories[i].tickers[t], before_end(ends[e] + n)) / prior;
                    found += ratio > stories[i].low && ratio < stories[i].high;
                }
            }
            if (found != 1)
                fail_msg("end %d sessions back: %s and others %zu times", ends[e], stories[i].tickers[0], found);
        }
        td_sim_free(sim);
    }
}

static void members_that_the_screen_must_drop(void **state)
{
    (void)state;
    static const struct {
        const char *ticker, *type, *exchange;
        int test;
    } cases[] = {{"LEVX", "ETF", "ARCX", 0}, {"WARRW", "WARRANT", "XNAS", 0}, {"ZVZZT", "CS", "XNAS", 1},
                 {"BApA", "PFD", "XNYS", 0}, {"BAPA", "CS", "XNYS", 0},       {"NA", "CS", "XNYS", 0},
                 {"RSPC", "ADRC", "XNAS", 0}};
    struct td_sim *sim = default_market();
    struct td_reference reference;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        assert_true(td_sim_reference(sim, cases[i].ticker, &reference));
        assert_string_equal(reference.type, cases[i].type);
        assert_string_equal(reference.exchange, cases[i].exchange);
        assert_int_equal(reference.test_ticker, cases[i].test);
        assert_int_equal(td_is_test_ticker(cases[i].ticker), cases[i].test);
    }
    assert_false(td_sim_reference(sim, "NOPE", &reference));
    assert_true(close_of(sim, "LEVX", before_end(2)) / close_of(sim, "LEVX", before_end(3)) < 0.85);
    assert_true(close_of(sim, "WARRW", before_end(4)) / close_of(sim, "WARRW", before_end(5)) > 1.3);
    for (size_t t = 0; t < td_sim_ticker_count(sim); t++)
        if (strcmp(td_sim_ticker(sim, t), "ZVZZT") != 0)
            assert_false(td_is_test_ticker(td_sim_ticker(sim, t)));
    td_sim_free(sim);
}

static void failing_memory_is_an_error(void **state)
{
    (void)state;
    struct td_sim_options options = {.tickers = 30};
    struct td_err err;
    struct td_sim *sim = NULL;
    long n = 1;
    for (; n < 50; n++) {
        td_alloc_fail_after(n);
        enum td_code code = td_sim_new(&options, &sim, &err);
        td_alloc_fail_after(0);
        if (code == TD_OK)
            break;
        assert_int_equal(code, TD_NOMEM);
        assert_null(sim);
    }
    assert_in_range(n, 2, 49);
    for (n = 1; n < 50; n++) {
        struct td_bars bars = {0};
        td_alloc_fail_after(n);
        enum td_code code = td_sim_session(sim, "MEGA", before_end(0), false, &bars, &err);
        td_alloc_fail_after(0);
        td_bars_free(&bars);
        if (code == TD_OK)
            break;
        assert_int_equal(code, TD_NOMEM);
    }
    assert_in_range(n, 2, 49);
    td_sim_free(sim);
    td_sim_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frame_is_what_the_options_say),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_session_is_its_minutes),
        cmocka_unit_test(bars_hold_together_and_days_are_their_sum),
        cmocka_unit_test(elephants_trade_every_minute),
        cmocka_unit_test(every_session_has_ten_to_forty_names),
        cmocka_unit_test(history_does_not_depend_on_the_frame),
        cmocka_unit_test(the_runner_ramps_halts_and_fades),
        cmocka_unit_test(splits_known_and_unknown),
        cmocka_unit_test(symbols_that_change_hands),
        cmocka_unit_test(any_thirty_sessions_hold_the_programme),
        cmocka_unit_test(members_that_the_screen_must_drop),
        cmocka_unit_test(failing_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
