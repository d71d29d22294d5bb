/* SPDX-License-Identifier: GPL-3.0-or-later
 * What happened after a listed day: small cases by hand, and real and random series against a second, plain way of counting
 * that knows bars and splits and nothing of rows. */
#include "daily_fixture.h"

static struct td_daily_row row_at(int32_t index, double open, double high, double low, double close, double shares, const char *flags)
{
    struct td_daily_row row = {.ticker = "ABCD", .trading_day = td_cal_day(index), .open_d = open, .high_d = high, .low_d = low,
                               .close_d = close, .pctchg_d = 0.5, .split_factor = shares, .complete = 1};
    td_copy(row.flags, sizeof row.flags, flags);
    return row;
}

static void near_or_null(const char *what, size_t i, double got, double expected)
{
    if (isnan(expected) ? !isnan(got) : !(fabs(got - expected) <= 1e-12))
        fail_msg("case %zu, %s: %.17g instead of %.17g", i, what, got, expected);
}

static void follows_by_hand(void **state)
{
    const int32_t d = td_cal_index(day_of("2025-11-26")); /* Wednesday; then a holiday, a half day, a weekend */
    const struct {
        struct td_daily_row rows[7];
        size_t count;
        double gap, high, low, next, five;
        int8_t faded;
    } cases[] = {
        /* the next session is the exchange's next one: Friday, the half day */
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 1, 12, 15, 9, 11, 1, ""), row_at(d + 5, 1, 1, 1, 13, 1, "")},
         3, 0.2, 0.5, -0.1, 0.1, 0.3, 1},
        /* not there yet */
        {{row_at(d, 9, 11, 8, 10, 1, "")}, 1, NONE, NONE, NONE, NONE, NONE, -1},
        /* no trade in the next session: the one after is not it, but the fifth stands */
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 2, 12, 15, 9, 11, 1, ""), row_at(d + 5, 1, 1, 1, 5, 1, "")},
         3, NONE, NONE, NONE, NONE, -0.5, -1},
        /* 2 for 1 before the next open, 1 for 10 before the third */
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 1, 5.5, 6, 4, 5.5, 2, "split_day"), row_at(d + 3, 60, 60, 60, 60, 0.1, "split_day"),
          row_at(d + 5, 1, 1, 1, 100, 1, "")}, 4, 0.1, 0.2, -0.2, 0.1, 1, 0},
        /* a split of the day itself is in its close already */
        {{row_at(d, 9, 11, 8, 10, 7, "split_day"), row_at(d + 1, 10, 10, 10, 10, 1, "")}, 2, 0, 0, 0, 0, NONE, 0},
        /* a split that fell on a session without trades counts on the row after it */
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 3, 5, 5, 5, 5, 2, "split_day"), row_at(d + 5, 1, 1, 1, 6, 1, "")},
         3, NONE, NONE, NONE, NONE, 0.2, -1},
        /* another company, a jump nobody explained, a session still running */
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 1, 12, 15, 9, 11, 1, "new_listing"), row_at(d + 5, 1, 1, 1, 13, 1, "")},
         3, NONE, NONE, NONE, NONE, NONE, -1},
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 1, 12, 15, 9, 11, 1, ""), row_at(d + 3, 1, 1, 1, 1, 1, "split_suspect"),
          row_at(d + 5, 1, 1, 1, 1, 1, "")}, 4, 0.2, 0.5, -0.1, 0.1, NONE, 1},
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 1, 12, 15, 9, 11, 1, "partial_session")}, 2, NONE, NONE, NONE, NONE, NONE, -1},
        /* no regular bar in the next session: a close alone */
        {{row_at(d, 9, 11, 8, 10, 1, ""), row_at(d + 1, NONE, NONE, NONE, 11, 1, "")}, 2, NONE, NONE, NONE, 0.1, NONE, -1},
        {{row_at(d, 9, 11, 8, 0, 1, ""), row_at(d + 1, 1, 1, 1, 1, 1, "")}, 2, NONE, NONE, NONE, NONE, NONE, 0},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_outcome_row out;
        td_outcome(cases[i].rows, cases[i].count, 0, &out);
        assert_string_equal(out.ticker, "ABCD");
        assert_int_equal(out.trading_day, day_of("2025-11-26"));
        assert_int_equal(out.next_session, day_of("2025-11-28"));
        assert_int_equal(out.session_5, day_of("2025-12-04"));
        near_or_null("gap_next", i, out.gap_next, cases[i].gap);
        near_or_null("high_next", i, out.high_next, cases[i].high);
        near_or_null("low_next", i, out.low_next, cases[i].low);
        near_or_null("return_next", i, out.return_next, cases[i].next);
        near_or_null("return_5", i, out.return_5, cases[i].five);
        if (out.faded_next != cases[i].faded)
            fail_msg("case %zu: faded %d instead of %d", i, out.faded_next, cases[i].faded);
    }
}

static void counts_by_hand(void **state)
{
    struct td_outcome_row rows[] = {
        {.ticker = "ABCD", .pctchg_d = 0.3, .return_next = 0.1, .faded_next = 0, .return_5 = 0.5},
        {.ticker = "ABCD", .pctchg_d = 0.2, .return_next = -0.3, .faded_next = 1, .return_5 = NONE},
        {.ticker = "ABCD", .pctchg_d = -0.2, .return_next = -0.1, .faded_next = 1, .return_5 = -0.1},
        {.ticker = "ABCD", .pctchg_d = -0.2, .return_next = 0, .faded_next = -1, .return_5 = NONE}, /* no move is no continuation */
        {.ticker = "ABCD", .pctchg_d = NONE, .return_next = 0.5, .faded_next = 0, .return_5 = NONE},
        {.ticker = "ABCD", .pctchg_d = 0.4, .return_next = NONE, .faded_next = -1, .return_5 = NONE},
    };
    struct td_outcome_stats_row out;
    struct td_err err = {0};
    (void)state;
    ASSERT_OK(td_outcome_stats(rows, TD_COUNT(rows), &out, &err), err);
    assert_string_equal(out.ticker, "ABCD");
    assert_int_equal(out.days, 6);
    assert_int_equal(out.n, 5);
    assert_int_equal(out.cont_n, 4);
    near_or_null("continued", 0, out.continued, 0.5);
    assert_int_equal(out.fade_n, 4);
    near_or_null("faded", 0, out.faded, 0.5);
    near_or_null("mean_next", 0, out.mean_next, 0.2 / 5);
    near_or_null("median_next", 0, out.median_next, 0);
    assert_int_equal(out.n_5, 2);
    near_or_null("mean_5", 0, out.mean_5, 0.2);
    near_or_null("median_5", 0, out.median_5, 0.2);
    ASSERT_OK(td_outcome_stats(rows + 5, 1, &out, &err), err);
    assert_int_equal(out.n, 0);
    assert_true(isnan(out.continued) && isnan(out.faded) && isnan(out.mean_next) && isnan(out.median_next) && isnan(out.median_5));
    td_alloc_fail_after(1);
    assert_int_equal(td_outcome_stats(rows, TD_COUNT(rows), &out, &err), TD_NOMEM);
    td_alloc_fail_after(0);
}

/* ---- the second way: from bars and splits ---- */

static const struct td_bar *bar_of(const struct td_bars *bars, int32_t index, struct td_bar *out)
{
    for (size_t i = 0; i < bars->n; i++)
        if (bars->ts[i] == td_ny_midnight(td_cal_day(index))) {
            *out = td_bars_get(bars, i);
            return out;
        }
    return NULL;
}

static double plainly(const struct td_bars *bars, const struct td_split *splits, size_t split_count, int32_t from, int32_t to,
                      char which)
{
    struct td_bar then, now;
    if (!bar_of(bars, from, &then) || !bar_of(bars, to, &now))
        return NONE;
    double price = which == 'o' ? now.open : which == 'h' ? now.high : which == 'l' ? now.low : now.close;
    for (size_t i = 0; i < split_count; i++)
        if (splits[i].day > td_cal_day(from) && splits[i].day <= td_cal_day(to))
            price *= splits[i].factor;
    return price / then.close - 1;
}

static void check_series(const struct td_bars *bars, const struct td_split *splits, size_t split_count)
{
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    context.splits = splits;
    context.split_count = split_count;
    struct build b = build_of(&context, NULL, bars);
    size_t known = 0, fives = 0;
    for (size_t i = 0; i < b.n; i++) {
        struct td_outcome_row out;
        bool judged = true;
        int32_t index = td_cal_index(b.rows[i].trading_day);
        for (size_t k = i + 1; k < b.n && td_cal_index(b.rows[k].trading_day) <= index + 5; k++)
            judged = judged && !strstr(b.rows[k].flags, "split_suspect") && !strstr(b.rows[k].flags, "new_listing");
        if (!judged)
            continue;
        td_outcome(b.rows, b.n, i, &out);
        near_or_null("gap_next", i, out.gap_next, plainly(bars, splits, split_count, index, index + 1, 'o'));
        near_or_null("high_next", i, out.high_next, plainly(bars, splits, split_count, index, index + 1, 'h'));
        near_or_null("low_next", i, out.low_next, plainly(bars, splits, split_count, index, index + 1, 'l'));
        near_or_null("return_next", i, out.return_next, plainly(bars, splits, split_count, index, index + 1, 'c'));
        near_or_null("return_5", i, out.return_5, plainly(bars, splits, split_count, index, index + 5, 'c'));
        known += !isnan(out.return_next);
        fives += !isnan(out.return_5);
    }
    assert_true(known > b.n / 2 && fives > b.n / 2);
    td_daily_free(b.builder);
}

static void follows_random_series(void **state)
{
    (void)state;
    for (uint64_t round = 1; round <= 20; round++) {
        struct td_bars bars = {0};
        struct td_split splits[8];
        size_t split_count = 0;
        double close = 20;
        uint64_t dice = round;
        const int32_t first = td_cal_index(day_of("2024-06-03"));
        for (int32_t i = first; i < first + 150; i++) {
            dice = td_mix64(dice);
            if (dice % 40 == 1 && split_count < TD_COUNT(splits)) { /* on days without trades as well */
                splits[split_count++] = (struct td_split){td_cal_day(i), dice % 80 == 1 ? 2 : 0.125};
                close /= splits[split_count - 1].factor;
            }
            if (dice % 9 == 0)
                continue;
            double open = close * (0.9 + (double)(dice >> 8 & 255) / 1280), end = open * (0.9 + (double)(dice >> 16 & 255) / 1280);
            struct td_bar bar = {td_ny_midnight(td_cal_day(i)), open, fmax(open, end) * 1.01, fmin(open, end) * 0.99, end,
                                 1000 + (double)(dice >> 24 & 1023), end, 5};
            ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
            close = end;
        }
        check_series(&bars, splits, split_count);
        td_bars_free(&bars);
    }
}

/* Real daily bars: the first tickers of the panel. */
static void follows_real_series(void **state)
{
    SHARED_OR_SKIP(path, "fixtures/market/daily/us_daily_panel_202209_202403.csv.gz");
    struct csv csv;
    struct td_bars bars = {0};
    char ticker[TD_TICKER_MAX] = "";
    size_t tickers = 0;
    (void)state;
    csv_open(&csv, path);
    while (csv_next(&csv)) {
        if (strcmp(csv.field[0], ticker) != 0) {
            if (bars.n > 300 && tickers < 60) {
                check_series(&bars, NULL, 0);
                tickers++;
            }
            bars.n = 0;
            td_copy(ticker, sizeof ticker, csv.field[0]);
        }
        if (tickers == 60)
            continue; /* to the end of the file: the reader closes it there */
        struct td_bar bar = {td_ny_midnight(day_of(csv.field[1])), number(csv.field[2]), number(csv.field[3]), number(csv.field[4]),
                             number(csv.field[5]), number(csv.field[6]), NONE, TD_NO_COUNT};
        if (td_bar_check(&bar, true) == TD_REASON_NONE)
            ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
    }
    assert_int_equal(tickers, 60);
    td_bars_free(&bars);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_by_hand),
        cmocka_unit_test(counts_by_hand),
        cmocka_unit_test(follows_random_series),
        cmocka_unit_test(follows_real_series),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
