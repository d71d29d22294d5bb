/* SPDX-License-Identifier: GPL-3.0-or-later
 * Second pass of the daily builder: what a row owes to the rows before it, clause by clause. Most cases are made of
 * daily bars at session numbers S + k, which are short to write; the second pass does not look at the source. */
#include "daily_fixture.h"

#define S 8797 /* 2024-12-03 */

static void s_is_where_the_comments_say(void **state)
{
    (void)state;
    assert_int_equal(td_cal_day(S), day_of("2024-12-03"));
}

static bool has_flag(const struct td_daily_row *row, uint32_t flag)
{
    return (td_flags_parse(row->flags) & flag) == flag;
}

static void changes_are_from_the_previous_row(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < 2; preset++) {
        struct td_bars days = {0};
        struct td_daily_context context = context_of((enum td_preset)preset);
        daily(&days, S, 10, 100);
        put(&days, "2024-12-04 00:00", 11, 16, 10, 15, 100, 15, 1);
        daily(&days, S + 4, 12, 100); /* known empty sessions between */
        struct build b = build_of(&context, NULL, &days);
        assert_int_equal(b.n, 3);
        assert_true(isnan(b.rows[0].pctchg_d) && isnan(b.rows[0].return_d) && isnan(b.rows[0].gap_pct_d));
        assert_true(near_change(b.rows[1].pctchg_d, 0.5) && near_value(b.rows[1].return_d, log(1.5)));
        assert_true(near_change(b.rows[1].gap_pct_d, 0.1));
        assert_true(near_change(b.rows[2].pctchg_d, -0.2) && near_value(b.rows[2].return_d, log(0.8)));
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void window_is_the_last_30_rows(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < 2; preset++) {
        struct td_bars days = {0};
        struct td_daily_context context = context_of((enum td_preset)preset);
        for (int k = 0; k < 40; k++)
            daily(&days, S + k, 10, k == 7 || k == 33 ? NONE : 100 + k * k); /* two volumes unknown */
        struct build b = build_of(&context, NULL, &days);
        for (int k = 0; k < 40; k++) {
            double sum = 0, prior = 0;
            int n = 0, prior_n = 0;
            for (int j = k > 29 ? k - 29 : 0; j <= k; j++)
                if (j != 7 && j != 33) {
                    sum += 100 + j * j;
                    n++;
                }
            for (int j = k > 30 ? k - 30 : 0; j < k; j++)
                if (j != 7 && j != 33) {
                    prior += 100 + j * j;
                    prior_n++;
                }
            double volume = k == 7 || k == 33 ? NONE : 100 + k * k;
            const struct td_daily_row *r = &b.rows[k];
            assert_int_equal(r->hist_n, n);
            assert_true(near_value(r->rvol30, volume / (sum / n)));
            assert_true(near_value(r->rvol30_prior, prior_n < 5 ? NONE : volume / (prior / prior_n)));
        }
        assert_true(isnan(b.rows[4].rvol30_prior) && !isnan(b.rows[5].rvol30_prior));
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void zero_mean_is_null(void **state)
{
    (void)state;
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    for (int k = 0; k < 8; k++)
        daily(&days, S + k, 10, k == 7 ? 5 : 0);
    struct build b = build_of(&context, NULL, &days);
    assert_true(isnan(b.rows[6].rvol30) && isnan(b.rows[6].rvol30_prior) && b.rows[6].hist_n == 7);
    assert_true(near_value(b.rows[7].rvol30, 8) && isnan(b.rows[7].rvol30_prior));
    td_daily_free(b.builder);
    td_bars_free(&days);
}

static void known_splits_scale_what_came_before(void **state)
{
    (void)state;
    /* 2:1 on row 2, a reverse 1:10 dated on the Saturday before row 4 (2024-12-07; row 4 is Monday 2024-12-09) */
    const struct td_split splits[] = {
        {td_cal_day(S) - 1, 7}, {td_cal_day(S), 3}, {td_cal_day(S + 2), 2}, {day_of("2024-12-07"), 0.1}};
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    context.splits = splits;
    context.split_count = TD_COUNT(splits);
    const double price[] = {100, 110, 56, 57, 600}, volume[] = {10, 20, 60, 80, 9};
    for (int k = 0; k < 5; k++)
        daily(&days, S + k, price[k], volume[k]);
    struct build b = build_of(&context, NULL, &days);
    const struct td_daily_row *r = b.rows;
    assert_true(r[0].split_factor == 1 && !has_flag(&r[0], TD_FLAG(SPLIT_DAY))); /* a first row has none */
    assert_true(r[1].split_factor == 1 && near_change(r[1].pctchg_d, 0.1));
    assert_true(r[2].split_factor == 2 && has_flag(&r[2], TD_FLAG(SPLIT_DAY)));
    assert_true(near_change(r[2].pctchg_d, 56 / 55.0 - 1) && near_change(r[2].gap_pct_d, 56 / 55.0 - 1));
    assert_true(near_value(r[2].rvol30, 60 / ((20 + 40 + 60) / 3.0)));
    assert_true(r[2].close_d == 56); /* the raw price stays */
    assert_true(near_change(r[3].pctchg_d, 57.0 / 56 - 1));
    assert_true(r[4].split_factor == 0.1 && near_change(r[4].pctchg_d, 600 / 570.0 - 1));
    assert_true(near_value(r[4].rvol30, 9 / ((2 + 4 + 6 + 8 + 9) / 5.0)));
    assert_false(has_flag(&r[4], TD_FLAG(SPLIT_SUSPECT)));
    td_daily_free(b.builder);
    context.preset = TD_PRESET_SEED; /* knows no splits */
    b = build_of(&context, NULL, &days);
    assert_true(b.rows[2].split_factor == 1 && near_change(b.rows[2].pctchg_d, 56 / 110.0 - 1));
    assert_true(near_value(b.rows[2].rvol30, 60 / 30.0));
    assert_string_equal(b.rows[2].flags, "");
    td_daily_free(b.builder);
    td_bars_free(&days);
}

static void splits_of_one_day_multiply(void **state)
{
    (void)state;
    const struct td_split splits[] = {{td_cal_day(S + 1), 3}, {td_cal_day(S + 2), 2}, {td_cal_day(S + 2), 0.5}};
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    context.splits = splits;
    context.split_count = TD_COUNT(splits);
    daily(&days, S, 90, 100);
    daily(&days, S + 2, 30, 300); /* row S + 1 is missing: its split counts here */
    struct build b = build_of(&context, NULL, &days);
    assert_true(b.rows[1].split_factor == 3 && near_change(b.rows[1].pctchg_d, 0) && near_value(b.rows[1].rvol30, 1));
    td_daily_free(b.builder);
    td_bars_free(&days);
}

static void another_life_starts_anew(void **state)
{
    (void)state;
    /* rows at S, S+1 and S + 1 + apart */
    static const struct {
        const char *what;
        enum td_preset preset;
        int apart, life_break, rename; /* session numbers after S of a life break and of a rename; 0 = none */
        bool fresh, renamed;
    } cases[] = {
        {"10 sessions are one life", TD_PRESET_SESSION, 10, 0, 0, false, false},
        {"11 sessions are another company", TD_PRESET_SESSION, 11, 0, 0, true, false},
        {"a break between", TD_PRESET_SESSION, 5, 3, 0, true, false},
        {"a break on the day itself", TD_PRESET_SESSION, 5, 6, 0, true, false},
        {"a break on the previous row's day belongs to it", TD_PRESET_SESSION, 5, 1, 0, false, false},
        {"a break later", TD_PRESET_SESSION, 5, 7, 0, false, false},
        {"a known rename chains", TD_PRESET_SESSION, 5, 3, 3, false, true},
        {"a rename without a break", TD_PRESET_SESSION, 5, 0, 6, false, true},
        {"another rename does not heal the break", TD_PRESET_SESSION, 5, 3, 4, true, true},
        {"seed knows no lives", TD_PRESET_SEED, 200, 100, 100, false, false},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars days = {0};
        struct td_daily_context context = context_of(cases[i].preset);
        td_day life_break = td_cal_day(S + cases[i].life_break), rename = td_cal_day(S + cases[i].rename);
        context.life_breaks = &life_break;
        context.life_break_count = cases[i].life_break > 0;
        context.renames = &rename;
        context.rename_count = cases[i].rename > 0;
        daily(&days, S, 9, 700);
        daily(&days, S + 1, 10, 900);
        daily(&days, S + 1 + cases[i].apart, 11, 100);
        struct build b = build_of(&context, NULL, &days);
        const struct td_daily_row *r = &b.rows[2];
        if (has_flag(r, TD_FLAG(NEW_LISTING)) != cases[i].fresh || isnan(r->pctchg_d) != cases[i].fresh ||
            isnan(r->return_d) != cases[i].fresh || isnan(r->gap_pct_d) != cases[i].fresh ||
            r->hist_n != (cases[i].fresh             ? 1
                          : cases[i].life_break == 1 ? 2
                                                     : 3) ||
            has_flag(r, TD_FLAG(RENAMED)) != cases[i].renamed)
            fail_msg("%s: change %g, hist_n %u, flags '%s'", cases[i].what, r->pctchg_d, r->hist_n, r->flags);
        assert_string_equal(b.rows[0].flags, "");
        if (cases[i].fresh)
            assert_true(near_value(r->rvol30, 1) && isnan(r->rvol30_prior));
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void the_new_life_keeps_its_own_window(void **state)
{
    (void)state;
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    for (int k = 0; k < 8; k++)
        daily(&days, S + k, 10, 1000);
    for (int k = 0; k < 8; k++)
        daily(&days, S + 30 + k, 3, 10);
    struct build b = build_of(&context, NULL, &days);
    for (int k = 0; k < 8; k++) {
        const struct td_daily_row *r = &b.rows[8 + k];
        assert_int_equal(r->hist_n, k + 1);
        assert_true(near_value(r->rvol30, 1) && near_value(r->rvol30_prior, k < 5 ? NONE : 1));
        assert_string_equal(r->flags, k ? "" : "new_listing");
    }
    td_daily_free(b.builder);
    td_bars_free(&days);
}

/* MR 2006-09-26, WIN 2006-07-18 and LCC 2005-09-27: first days of new companies on old symbols. */
static void reused_symbols_of_the_record(void **state)
{
    (void)state;
    static const struct {
        const char *last, *first;
    } cases[] = {{"2003-06-30", "2006-09-26"}, {"2005-08-01", "2006-07-18"}, {"2004-09-13", "2005-09-27"}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars days = {0};
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        daily(&days, td_cal_index(day_of(cases[i].last)), 4, 1000);
        daily(&days, td_cal_index(day_of(cases[i].first)), 20, 90000000);
        struct build b = build_of(&context, NULL, &days);
        assert_true(isnan(b.rows[1].pctchg_d) && near_value(b.rows[1].rvol30, 1));
        assert_string_equal(b.rows[1].flags, "new_listing");
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void unknown_sessions_are_no_empty_ones(void **state)
{
    (void)state;
    /* rows at S .. S+4, S+8, S+9 .. S+45; `known` says which of S+5..S+7 are vouched for */
    static const struct {
        const char *what;
        int known_from, known_to, incomplete; /* incomplete: one session, 0 = none */
        bool hole;
    } cases[] = {
        {"all vouched for", 5, 7, 0, false},           {"one unknown at the end", 5, 6, 0, true},
        {"one unknown at the start", 6, 7, 0, true},   {"nothing known", 20, 20, 0, true},
        {"one known to be incomplete", 5, 7, 6, true}, {"rows need no vouching", 5, 7, 4, false},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_day_range known = {td_cal_day(S + cases[i].known_from), td_cal_day(S + cases[i].known_to)};
        const struct td_day_range incomplete = {td_cal_day(S + cases[i].incomplete),
                                                td_cal_day(S + cases[i].incomplete)};
        struct td_bars days = {0};
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        context.vouched = &known;
        context.incomplete = &incomplete;
        context.incomplete_count = cases[i].incomplete > 0;
        for (int k = 0; k <= 45; k++)
            if (k < 5 || k > 7)
                daily(&days, S + k, 10, 100);
        struct build b = build_of(&context, NULL, &days);
        for (size_t k = 0; k < b.n; k++) {
            /* the window of 30 rows holds the hole while the row before it (row 4) is inside */
            bool flagged = cases[i].hole && k >= 5 && k <= 33;
            bool null = k == 0 || (cases[i].hole && k == 5);
            if (has_flag(&b.rows[k], TD_FLAG(PARTIAL_HISTORY)) != flagged || isnan(b.rows[k].pctchg_d) != null ||
                isnan(b.rows[k].return_d) != null || isnan(b.rows[k].gap_pct_d) != null)
                fail_msg("%s: row %zu: flags '%s' change %g", cases[i].what, k, b.rows[k].flags, b.rows[k].pctchg_d);
            assert_int_equal(b.rows[k].hist_n, k < 29 ? k + 1 : 30);
        }
        td_daily_free(b.builder);
        context.preset = TD_PRESET_SEED;
        b = build_of(&context, NULL, &days);
        for (size_t k = 1; k < b.n; k++)
            assert_true(!isnan(b.rows[k].pctchg_d) && !has_flag(&b.rows[k], TD_FLAG(PARTIAL_HISTORY)));
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void a_life_begins_without_a_hole(void **state)
{
    (void)state;
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    context.vouched_count = 0;
    daily(&days, S, 10, 100);
    daily(&days, S + 20, 10, 100); /* unknown between, but another life */
    struct build b = build_of(&context, NULL, &days);
    assert_string_equal(b.rows[0].flags, "");
    assert_string_equal(b.rows[1].flags, "new_listing");
    td_daily_free(b.builder);
    td_bars_free(&days);
}

static void split_suspicion(void **state)
{
    (void)state;
    /* ten rows of close 10 and volume 1000, then open `open`, close `close`, volume `volume` */
    static const struct {
        const char *what;
        double open, close, volume, split; /* split: a known factor that day, 0 = none */
        bool suspect;
    } cases[] = {
        {"reverse 1:10", 100, 90, 100, 0, true},
        {"reverse 1:10, 6 % off", 105.9, 90, 100, 0, true},
        {"reverse 1:10, the open decides", 106.5, 100, 100, 0, true}, /* 10.65: within 6 % of 11 */
        {"forward 2:1", 5, 5, 2000, 0, true},
        {"forward 3:2", 6.7, 6.7, 1500, 0, true},
        {"reverse 2:3", 15, 15, 700, 0, true},
        {"1.42 is near 3/2", 14.2, 14.2, 700, 0, true},
        {"1.40 is not", 14, 14, 700, 0, false},
        {"1.60 is not", 16, 16, 700, 0, false},
        {"1.87 is not near 2", 18.7, 18.7, 500, 0, false},
        {"1.89 is near 2", 18.9, 18.9, 500, 0, true},
        {"2.2 is neither", 22, 22, 500, 0, false},
        {"212 is near 200", 2119, 2119, 5, 0, true},
        {"213 is not", 2130, 2130, 5, 0, false},
        {"no jump", 10.2, 10.2, 1000, 0, false},
        {"a runner trades many times its value", 20, 20, 40000, 0, false},
        {"five times the value", 20, 20, 2500, 0, true},
        {"more than five", 20, 20, 2501, 0, false},
        {"a fifth of the value", 20, 20, 100, 0, true},
        {"less than a fifth", 20, 20, 99, 0, false},
        {"the split is known", 100, 90, 100, 0.1, false},
        {"the 2:1 is known", 5, 5, 2000, 2, false},
        {"volume unknown", 100, 90, (double)NAN, 0, false},
        {"no open: the close", (double)NAN, 100, 100, 0, true},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_split split = {td_cal_day(S + 10), cases[i].split};
        struct td_bars days = {0};
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        context.splits = &split;
        context.split_count = cases[i].split > 0;
        for (int k = 0; k < 10; k++)
            daily(&days, S + k, 10, 1000);
        struct td_bar bar = {
            td_ny_midnight(td_cal_day(S + 10)), cases[i].open, 9999, 1, cases[i].close, cases[i].volume, 10, 1};
        ASSERT_OK(td_bars_add(&days, &bar, NULL), (struct td_err){0});
        struct build b = build_of(&context, NULL, &days);
        if (has_flag(&b.rows[10], TD_FLAG(SPLIT_SUSPECT)) != cases[i].suspect)
            fail_msg("%s: flags '%s'", cases[i].what, b.rows[10].flags);
        td_daily_free(b.builder);
        context.preset = TD_PRESET_SEED;
        b = build_of(&context, NULL, &days);
        assert_string_equal(b.rows[10].flags, "");
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void a_new_life_is_no_split(void **state)
{
    (void)state;
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    daily(&days, S, 10, 1000);
    daily(&days, S + 11, 100, 100);
    struct build b = build_of(&context, NULL, &days);
    assert_string_equal(b.rows[1].flags, "new_listing");
    td_daily_free(b.builder);
    td_bars_free(&days);
}

static void mixed_windows_are_flagged(void **state)
{
    (void)state;
    for (unsigned preset = 0; preset < 2; preset++) {
        struct td_bars days = {0}, minutes = {0};
        struct td_daily_context context = context_of((enum td_preset)preset);
        for (int k = 0; k < 3; k++)
            daily(&days, S + k, 10, 100);
        for (int k = 3; k < 40; k++) {
            struct td_bar bar = {td_ny_to_utc(td_cal_day(S + k), 600 * TD_MS_MINUTE), 10, 10, 10, 10, 100, 10, 1};
            ASSERT_OK(td_bars_add(&minutes, &bar, NULL), (struct td_err){0});
        }
        struct build b = build_of(&context, &minutes, &days);
        for (size_t k = 0; k < 40; k++)
            assert_int_equal(has_flag(&b.rows[k], TD_FLAG(MIXED_BARS)), k >= 3 && k <= 31);
        td_daily_free(b.builder);
        td_bars_free(&days);
        td_bars_free(&minutes);
    }
}

static void a_running_session_serves_no_later_row(void **state)
{
    (void)state;
    struct td_bars days = {0}, next = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    context.running = td_cal_day(S + 6);
    for (int k = 0; k < 6; k++)
        daily(&days, S + k, 10, 100);
    daily(&days, S + 6, 12, 50);
    struct build first = build_of(&context, NULL, &days);
    assert_int_equal(first.n, 7);
    const struct td_daily_row *running = &first.rows[6];
    assert_int_equal(running->complete, 0);
    assert_string_equal(running->flags, "partial_session");
    assert_true(near_change(running->pctchg_d, 0.2) && running->hist_n == 7);
    assert_int_equal(first.rows[5].complete, 1);
    daily(&days, S + 7, 20, 100); /* even in the same run */
    struct build after = build_of(&context, NULL, &days);
    assert_true(near_change(after.rows[7].pctchg_d, 1) && after.rows[7].hist_n == 7);
    td_daily_free(after.builder);
    /* the next run fetches the session again, whole, and the one after it */
    context.running = TD_NO_DAY;
    daily(&next, S + 7, 20, 100);
    struct build second = build_with(&context, NULL, &next, first.rows, first.n);
    assert_true(near_change(second.rows[0].pctchg_d, 1) && second.rows[0].hist_n == 7);
    td_daily_free(second.builder);
    td_bars_free(&next);
    daily(&next, S + 6, 20, 100);
    second = build_with(&context, NULL, &next, first.rows, first.n);
    assert_true(near_change(second.rows[0].pctchg_d, 1) && second.rows[0].hist_n == 7);
    assert_int_equal(second.rows[0].complete, 1);
    assert_string_equal(second.rows[0].flags, "split_suspect");
    td_daily_free(second.builder);
    td_daily_free(first.builder);
    td_bars_free(&next);
    td_bars_free(&days);
}

static void finishing_again_gives_the_same(void **state)
{
    (void)state;
    struct td_bars days = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    for (int k = 0; k < 6; k++)
        daily(&days, S + 5 - k, 10 + k, 100);
    struct build b = build_of(&context, NULL, &days);
    struct td_daily_row copy[6], *rows;
    size_t count;
    memcpy(copy, b.rows, sizeof copy);
    ASSERT_OK(td_daily_finish(b.builder, NULL, 0, &rows, &count, NULL), (struct td_err){0});
    assert_int_equal(count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_null(first_difference(&copy[i], &rows[i]));
    td_daily_free(b.builder);
    td_bars_free(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s_is_where_the_comments_say),
        cmocka_unit_test(changes_are_from_the_previous_row),
        cmocka_unit_test(window_is_the_last_30_rows),
        cmocka_unit_test(zero_mean_is_null),
        cmocka_unit_test(known_splits_scale_what_came_before),
        cmocka_unit_test(splits_of_one_day_multiply),
        cmocka_unit_test(another_life_starts_anew),
        cmocka_unit_test(the_new_life_keeps_its_own_window),
        cmocka_unit_test(reused_symbols_of_the_record),
        cmocka_unit_test(unknown_sessions_are_no_empty_ones),
        cmocka_unit_test(a_life_begins_without_a_hole),
        cmocka_unit_test(split_suspicion),
        cmocka_unit_test(a_new_life_is_no_split),
        cmocka_unit_test(mixed_windows_are_flagged),
        cmocka_unit_test(a_running_session_serves_no_later_row),
        cmocka_unit_test(finishing_again_gives_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
