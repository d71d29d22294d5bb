/* SPDX-License-Identifier: GPL-3.0-or-later
 * First pass of the daily builder: what one day's bars become, clause by clause, under both presets. */
#include "daily_fixture.h"

static void phases_make_the_day(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    put(&bars, "2025-02-06 03:59", 1, 1, 1, 1, 1000, 1, 9);         /* off hours */
    put(&bars, "2025-02-06 04:00", 10, 30, 5, 11, 100, 10.5, 1);    /* pre: no part in open, high, low */
    put(&bars, "2025-02-06 09:29", 11, 12, 10, 11.5, 50, 11, 2);    /* pre */
    put(&bars, "2025-02-06 09:31", 12, 14, 11.9, 13, 200, 12.5, 3); /* regular */
    put(&bars, "2025-02-06 15:00", 13, 15, 11.5, 14, 300, 14.5, 4); /* regular */
    put(&bars, "2025-02-06 16:00", 14, 40, 2, 20, 400, 16, 5);      /* post */
    put(&bars, "2025-02-06 19:59", 20, 21, 19, 21, 500, 20, 6);     /* post */
    put(&bars, "2025-02-06 20:00", 99, 99, 99, 99, 1, 99, 1);       /* off hours */
    put(&bars, "2025-02-08 10:00", 99, 99, 99, 99, 1, 99, 1);       /* Saturday */
    put(&bars, "2025-02-09 10:00", 99, 99, 99, 99, 1, 99, 1);       /* Sunday */
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, &bars, NULL);
    uint64_t off_hours, no_session;
    td_daily_skipped(b.builder, &off_hours, &no_session);
    assert_int_equal(off_hours, 2);
    assert_int_equal(no_session, 2);
    assert_int_equal(b.n, 1);
    const struct td_daily_row *r = b.rows;
    assert_string_equal(r->ticker, "ABCD");
    assert_int_equal(r->trading_day, day_of("2025-02-06"));
    assert_true(r->open_d == 12 && r->high_d == 15 && r->low_d == 11.5 && r->close_d == 14);
    assert_string_equal(r->close_src, "regular");
    assert_string_equal(r->bars_from, "minute");
    assert_true(r->vol_d == 1550 && r->vol_pre_d == 150 && r->vol_reg_d == 500 && r->vol_post_d == 900);
    double dollars = 100 * 10.5 + 50 * 11 + 200 * 12.5 + 300 * 14.5 + 400 * 16 + 500 * 20;
    assert_true(near_value(r->dollar_vol_d, dollars) && near_value(r->vwap_d, dollars / 1550));
    assert_int_equal(r->trades_d, 21);
    assert_int_equal(r->session_rows, 2);
    assert_int_equal(r->max_gap_min, 328); /* 09:32 to 14:59 */
    assert_int_equal(r->has_gaps, 0);
    assert_int_equal(r->complete, 1);
    assert_true(r->split_factor == 1);
    assert_string_equal(r->flags, "");
    td_daily_free(b.builder);
    td_bars_free(&bars);
}

static void seed_takes_every_bar_of_the_utc_date(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    put(&bars, "2025-02-05 18:59", 9, 9, 9, 9, 1000, 9, 9);      /* 23:59 UTC of the day before */
    put(&bars, "2025-02-05 19:00", 10, 30, 5, 11, 100, 10.5, 1); /* 00:00 UTC */
    put(&bars, "2025-02-06 09:31", 12, 14, 11.9, 13, 200, 12.5, 3);
    put(&bars, "2025-02-06 18:59", 14, 20, 7, 8, 400, 16, TD_NO_COUNT); /* after-hours, no count */
    put(&bars, "2025-02-08 10:00", 5, 5, 5, 5, 1, 5, TD_NO_COUNT);      /* Saturday stays */
    put(&bars, "2025-02-08 10:01", 5, 5, 5, 5, 1, 5, TD_NO_COUNT);
    struct td_daily_context context = context_of(TD_PRESET_SEED);
    struct build b = build_of(&context, &bars, NULL);
    assert_int_equal(b.n, 3);
    const struct td_daily_row *r = &b.rows[1];
    assert_int_equal(r->trading_day, day_of("2025-02-06"));
    assert_true(r->open_d == 10 && r->high_d == 30 && r->low_d == 5 && r->close_d == 8 && r->vol_d == 700);
    assert_string_equal(r->close_src, "last");
    assert_true(isnan(r->vol_pre_d) && isnan(r->vol_reg_d) && isnan(r->vol_post_d));
    assert_int_equal(r->max_gap_min, UINT32_MAX);
    assert_int_equal(r->session_rows, 2); /* bars with a trade count */
    assert_int_equal(r->trades_d, 4);
    assert_int_equal(r->has_gaps, 1);
    assert_int_equal(b.rows[2].trading_day, day_of("2025-02-08"));
    assert_int_equal(b.rows[2].session_rows, 2); /* the source has no counts that day: all bars */
    assert_int_equal(b.rows[2].trades_d, TD_NO_COUNT);
    assert_true(near_change(b.rows[1].pctchg_d, 8.0 / 9 - 1));
    assert_true(near_change(b.rows[2].pctchg_d, 5.0 / 8 - 1));
    td_daily_free(b.builder);
    td_bars_free(&bars);
}

static void seed_calls_fewer_than_390_rows_a_gap(void **state)
{
    (void)state;
    for (int n = 389; n <= 390; n++) {
        struct td_bars bars = {0};
        for (int i = 0; i < n; i++) {
            struct td_bar bar = {ny("2025-02-06 09:30") + i * TD_MS_MINUTE, 5, 5, 5, 5, 1, 5, 1};
            ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
        }
        struct td_daily_context context = context_of(TD_PRESET_SEED);
        struct build b = build_of(&context, &bars, NULL);
        assert_int_equal(b.rows[0].has_gaps, n == 389);
        td_daily_free(b.builder);
        td_bars_free(&bars);
    }
}

static void unknown_volume_leaves_the_sums(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        double volume[2], vwap[2]; /* bars at 09:30 and 09:31 of price 9..12, close 12 (typical price 11) */
        double vol, dollars;
        const char *flags;
    } cases[] = {
        {"both known", {100, 300}, {10, 12}, 400, 4600, ""},
        {"one unknown", {(double)NAN, 300}, {10, 12}, 300, 3600, "vol_partial"},
        {"none known", {(double)NAN, (double)NAN}, {10, 12}, (double)NAN, (double)NAN, ""},
        {"zero is known", {0, (double)NAN}, {10, 12}, 0, 0, "vol_partial"},
        {"no vwap: (h + l + c) / 3", {100, 300}, {(double)NAN, 12}, 400, 4700, "approx_dollar_vol"},
        {"both", {100, (double)NAN}, {(double)NAN, 12}, 100, 1100, "approx_dollar_vol vol_partial"},
        {"unknown volume needs no price", {(double)NAN, 300}, {(double)NAN, 12}, 300, 3600, "vol_partial"},
    };
    for (unsigned preset = 0; preset < 2; preset++)
        for (size_t i = 0; i < TD_COUNT(cases); i++) {
            struct td_bars bars = {0};
            put(&bars, "2025-02-06 09:30", 11, 12, 9, 12, cases[i].volume[0], cases[i].vwap[0], 1);
            put(&bars, "2025-02-06 09:31", 11, 12, 9, 12, cases[i].volume[1], cases[i].vwap[1], 1);
            struct td_daily_context context = context_of((enum td_preset)preset);
            struct build b = build_of(&context, &bars, NULL);
            const struct td_daily_row *r = b.rows;
            double vwap = cases[i].vol > 0 ? cases[i].dollars / cases[i].vol : NONE;
            if (!near_value(r->vol_d, cases[i].vol) || !near_value(r->dollar_vol_d, cases[i].dollars) ||
                !near_value(r->vwap_d, vwap) || strcmp(r->flags, cases[i].flags))
                fail_msg("%s: volume %g, dollars %g, flags '%s'", cases[i].what, r->vol_d, r->dollar_vol_d, r->flags);
            assert_true(isnan(r->rvol30) == !(cases[i].vol > 0)); /* a null volume and a zero mean give null */
            assert_int_equal(r->hist_n, !isnan(cases[i].vol));
            td_daily_free(b.builder);
            td_bars_free(&bars);
        }
}

static void a_phase_without_bars_is_zero_and_without_volumes_null(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    flat(&bars, "2025-02-06 09:00", 5, NONE);
    flat(&bars, "2025-02-06 09:30", 5, 100);
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, &bars, NULL);
    assert_true(isnan(b.rows[0].vol_pre_d) && b.rows[0].vol_reg_d == 100 && b.rows[0].vol_post_d == 0);
    td_daily_free(b.builder);
    td_bars_free(&bars);
}

static void counts_are_summed_where_known(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, sum;
    } cases[] = {
        {3, 4, 7},
        {TD_NO_COUNT, 4, 4},
        {0, TD_NO_COUNT, 0},
        {TD_NO_COUNT, TD_NO_COUNT, TD_NO_COUNT},
        {INT64_MAX, 5, INT64_MAX},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        put(&bars, "2025-02-06 09:30", 5, 5, 5, 5, 1, 5, cases[i].a);
        put(&bars, "2025-02-06 16:30", 5, 5, 5, 5, 1, 5, cases[i].b);
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        struct build b = build_of(&context, &bars, NULL);
        assert_int_equal(b.rows[0].trades_d, cases[i].sum);
        td_daily_free(b.builder);
        td_bars_free(&bars);
    }
}

static void no_regular_bar_leaves_prices_null(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    flat(&bars, "2025-02-05 15:59", 10, 100);
    flat(&bars, "2025-02-06 08:00", 11, 100);
    flat(&bars, "2025-02-06 18:00", 12, 100);
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, &bars, NULL);
    const struct td_daily_row *r = &b.rows[1];
    assert_true(isnan(r->open_d) && isnan(r->high_d) && isnan(r->low_d) && isnan(r->gap_pct_d));
    assert_true(r->close_d == 12 && near_change(r->pctchg_d, 0.2));
    assert_string_equal(r->close_src, "last");
    assert_int_equal(r->session_rows, 0);
    assert_int_equal(r->max_gap_min, 390);
    td_daily_free(b.builder);
    td_bars_free(&bars);
}

static void longest_run_without_a_bar(void **state)
{
    (void)state;
    static const struct {
        const char *bars[3];
        uint32_t gap, rows;
    } cases[] = {
        {{"2025-02-06 09:30", "2025-02-06 15:59", NULL}, 388, 2},
        {{"2025-02-06 09:40", "2025-02-06 09:45", NULL}, 374, 2}, /* the run at the close */
        {{"2025-02-06 15:00", "2025-02-06 15:59", NULL}, 330, 2}, /* the run at the open */
        {{"2025-02-06 09:00", "2025-02-06 16:00", NULL}, 390, 0},
        {{"2025-02-06 09:30", "2025-02-06 12:45", "2025-02-06 15:59"}, 194, 3},
        {{"2025-11-28 09:30", "2025-11-28 12:59", NULL}, 208, 2}, /* early close */
        {{"2025-11-28 09:30", "2025-11-28 13:00", NULL}, 209, 1}, /* 13:00 is after-hours */
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        for (size_t k = 0; k < 3 && cases[i].bars[k]; k++)
            flat(&bars, cases[i].bars[k], 5, 100);
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        struct build b = build_of(&context, &bars, NULL);
        if (b.rows[0].max_gap_min != cases[i].gap || b.rows[0].session_rows != cases[i].rows)
            fail_msg("case %zu: gap %u rows %u", i, b.rows[0].max_gap_min, b.rows[0].session_rows);
        assert_string_equal(b.rows[0].flags, i >= 5 ? "half_day" : "");
        td_daily_free(b.builder);
        td_bars_free(&bars);
    }
}

static void minutes_are_counted_once(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    flat(&bars, "2025-02-06 09:30", 5, 1);
    flat(&bars, "2025-02-06 09:31", 5, 1);
    struct td_bar bar = td_bars_get(&bars, 1);
    bar.ts += 30000; /* half a minute later */
    ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, &bars, NULL);
    assert_int_equal(b.rows[0].session_rows, 2);
    assert_int_equal(b.rows[0].max_gap_min, 388);
    assert_true(b.rows[0].vol_d == 3);
    td_daily_free(b.builder);
    td_bars_free(&bars);
}

static void early_close_ends_the_day_earlier(void **state)
{
    (void)state;
    struct td_bars bars = {0};
    flat(&bars, "2025-11-28 12:59", 10, 1);
    flat(&bars, "2025-11-28 13:00", 20, 2);
    flat(&bars, "2025-11-28 16:59", 30, 4);
    flat(&bars, "2025-11-28 17:00", 40, 8); /* off hours */
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, &bars, NULL);
    assert_true(b.rows[0].close_d == 10 && b.rows[0].vol_reg_d == 1 && b.rows[0].vol_post_d == 6);
    td_daily_free(b.builder);
    td_bars_free(&bars);
}

static void daily_bar_rows(void **state)
{
    (void)state;
    static const struct {
        double high, low, volume, vwap;
        double dollars;
        const char *flags;
    } cases[] = {
        {12, 9, 100, 10.5, 1050, ""},
        {12, 9, 100, (double)NAN, 1100, "approx_dollar_vol"}, /* (12 + 9 + 12) / 3 */
        {(double)NAN, 9, 100, (double)NAN, 1200, "approx_dollar_vol"},
        {12, 9, (double)NAN, 10.5, (double)NAN, ""},
        {12, 9, 0, 10.5, 0, ""},
    };
    for (unsigned preset = 0; preset < 2; preset++)
        for (size_t i = 0; i < TD_COUNT(cases); i++) {
            struct td_bars days = {0};
            put(&days, "2025-02-06 00:00", 10, cases[i].high, cases[i].low, 12, cases[i].volume, cases[i].vwap, 77);
            struct td_daily_context context = context_of((enum td_preset)preset);
            struct build b = build_of(&context, NULL, &days);
            const struct td_daily_row *r = b.rows;
            assert_int_equal(b.n, 1);
            assert_int_equal(r->trading_day, day_of("2025-02-06"));
            assert_true(r->open_d == 10 && r->close_d == 12 && r->low_d == 9);
            assert_true(near_value(r->vol_d, cases[i].volume) && near_value(r->dollar_vol_d, cases[i].dollars));
            assert_true(near_value(r->vwap_d, cases[i].volume > 0 ? cases[i].dollars / cases[i].volume : NONE));
            assert_string_equal(r->flags, cases[i].flags);
            assert_string_equal(r->bars_from, "day");
            assert_string_equal(r->close_src, "daily");
            assert_int_equal(r->trades_d, 77);
            assert_true(isnan(r->vol_pre_d) && isnan(r->vol_reg_d) && isnan(r->vol_post_d));
            assert_int_equal(r->session_rows, UINT32_MAX);
            assert_int_equal(r->max_gap_min, UINT32_MAX);
            assert_int_equal(r->has_gaps, preset == TD_PRESET_SEED ? -1 : 0);
            td_daily_free(b.builder);
            td_bars_free(&days);
        }
}

static void sources_by_the_bars_option(void **state)
{
    (void)state;
    /* minutes on 02-05 and 02-06, daily bars on 02-04, 02-06 and (no session) Sunday 02-09 */
    static const struct {
        enum td_preset preset;
        bool minute, day_bars;
        const char
            *rows; /* d = from the daily bar, m = minutes with their own close, M = minutes with the daily close */
    } cases[] = {
        {TD_PRESET_SESSION, true, true, "dmM"}, {TD_PRESET_SESSION, true, false, "mM"},
        {TD_PRESET_SESSION, false, true, "dd"}, {TD_PRESET_SESSION, false, false, ""},
        {TD_PRESET_SEED, true, true, "dmmd"},   {TD_PRESET_SEED, true, false, "mm"},
        {TD_PRESET_SEED, false, true, "ddd"},
    };
    struct td_bars minutes = {0}, days = {0};
    flat(&minutes, "2025-02-05 10:00", 5, 100);
    flat(&minutes, "2025-02-06 10:00", 5, 100);
    flat(&days, "2025-02-06 00:00", 6, 100);
    flat(&days, "2025-02-09 00:00", 9, 100);
    flat(&days, "2025-02-04 00:00", 4, 100); /* out of order */
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_daily_context context = context_of(cases[i].preset);
        context.minute = cases[i].minute;
        context.day_bars = cases[i].day_bars;
        struct build b = build_of(&context, &minutes, &days);
        assert_int_equal(b.n, strlen(cases[i].rows));
        for (size_t k = 0; k < b.n; k++) {
            const struct td_daily_row *r = &b.rows[k];
            bool day = cases[i].rows[k] == 'd', close = cases[i].rows[k] == 'M';
            assert_string_equal(r->bars_from, day ? "day" : "minute");
            assert_string_equal(r->close_src, day || close                        ? "daily"
                                              : cases[i].preset == TD_PRESET_SEED ? "last"
                                                                                  : "regular");
            if (close)
                assert_true(r->close_d == 6 && r->open_d == 5);
            assert_true(k == 0 || b.rows[k - 1].trading_day < r->trading_day);
        }
        td_daily_free(b.builder);
    }
    td_bars_free(&minutes);
    td_bars_free(&days);
}

static void the_daily_bar_fed_last_counts(void **state)
{
    (void)state;
    struct td_bars days = {0};
    flat(&days, "2025-02-06 00:00", 6, 100);
    flat(&days, "2025-02-06 00:00", 7, 100);
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, NULL, &days);
    assert_int_equal(b.n, 1);
    assert_true(b.rows[0].close_d == 7);
    td_daily_free(b.builder);
    td_bars_free(&days);
}

static void gaps_are_holes_in_our_data(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool vouched, incomplete;
        double minute_volume, daily_volume; /* 0 = no daily bar */
        int8_t gaps, day_gaps;              /* of a minute row; of a daily-bar row */
    } cases[] = {
        {"complete", true, false, 100, 0, 0, 0},
        {"nothing known", false, false, 100, 0, -1, -1},
        {"incomplete", false, true, 100, 0, 1, 1},
        {"incomplete outweighs vouched", true, true, 100, 0, 1, 1},
        {"complete but less than the daily bar's volume", true, false, 94, 100, 1, 0},
        {"unknown and less", false, false, 94, 100, 1, -1},
        {"complete and just enough", true, false, 95, 100, 0, 0},
        {"unknown and enough", false, false, 120, 100, -1, -1},
        {"volume of the daily bar unknown", true, false, 94, (double)NAN, 0, 0},
        {"volume of the minutes unknown", false, false, (double)NAN, 100, -1, -1},
    };
    static const struct td_day_range range = {0, 30000};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars minutes = {0}, days = {0};
        flat(&minutes, "2025-02-06 10:00", 5, cases[i].minute_volume);
        if (cases[i].daily_volume != 0)
            flat(&days, "2025-02-06 00:00", 5, cases[i].daily_volume);
        flat(&days, "2025-02-05 00:00", 5, 100);
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        context.vouched = &range;
        context.vouched_count = cases[i].vouched;
        context.incomplete = &range;
        context.incomplete_count = cases[i].incomplete;
        struct build b = build_of(&context, &minutes, &days);
        if (b.rows[1].has_gaps != cases[i].gaps || b.rows[0].has_gaps != cases[i].day_gaps)
            fail_msg("%s: has_gaps %d and %d", cases[i].what, b.rows[1].has_gaps, b.rows[0].has_gaps);
        td_daily_free(b.builder);
        td_bars_free(&minutes);
        td_bars_free(&days);
    }
}

static void caps_are_joined_as_of_the_day(void **state)
{
    (void)state;
    static const struct td_cap_interval caps[] = {
        {100, 200, 1}, {150, 300, 2}, {160, 170, 3}, {400, TD_NO_DAY, 4}, {450, 460, 5},
    };
    static const struct {
        td_day day;
        double cap;
    } cases[] = {
        {99, (double)NAN}, {100, 1}, {149, 1}, {150, 2}, {160, 3},           {169, 3},
        {170, 2},          {199, 2}, {200, 2}, {299, 2}, {300, (double)NAN}, {399, (double)NAN},
        {400, 4},          {449, 4}, {450, 5}, {459, 5}, {460, 4},           {30000, 4},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars days = {0};
        struct td_bar bar = {td_ny_midnight(cases[i].day), 5, 5, 5, 5, 5, 5, 5};
        ASSERT_OK(td_bars_add(&days, &bar, NULL), (struct td_err){0});
        struct td_daily_context context = context_of(TD_PRESET_SEED);
        context.caps = caps;
        context.cap_count = TD_COUNT(caps);
        struct build b = build_of(&context, NULL, &days);
        assert_int_equal(b.n, 1);
        if (!near_value(b.rows[0].market_cap_d, cases[i].cap))
            fail_msg("day %d: cap %g, expected %g", cases[i].day, b.rows[0].market_cap_d, cases[i].cap);
        td_daily_free(b.builder);
        td_bars_free(&days);
    }
}

static void bars_out_of_order_are_refused(void **state)
{
    (void)state;
    struct td_bars bars = {0}, earlier = {0}, wrong = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct td_daily_builder *builder;
    struct td_err err = {0};
    flat(&bars, "2025-02-06 10:00", 5, 1);
    flat(&earlier, "2025-02-06 09:59", 5, 1);
    flat(&wrong, "2025-02-06 10:05", 5, 1);
    flat(&wrong, "2025-02-06 10:04", 5, 1);
    ASSERT_OK(td_daily_new(&context, &builder, &err), err);
    ASSERT_OK(td_daily_minutes(builder, &bars, &err), err);
    assert_int_equal(td_daily_minutes(builder, &earlier, &err), TD_DATA);
    assert_int_equal(td_daily_minutes(builder, &wrong, &err), TD_DATA);
    td_daily_free(builder);
    context.ticker = "A123456789012345678901234567890B";
    assert_int_equal(td_daily_new(&context, &builder, &err), TD_DATA);
    td_daily_free(builder);
    td_bars_free(&bars);
    td_bars_free(&earlier);
    td_bars_free(&wrong);
}

static void impossible_times_are_refused(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -(INT64_C(1) << 60), INT64_C(1) << 60, INT64_MAX};
    for (unsigned preset = 0; preset < 2; preset++)
        for (size_t i = 0; i < TD_COUNT(times); i++) {
            struct td_bar bar = {times[i], 5, 5, 5, 5, 5, 5, 5};
            struct td_daily_context context = context_of((enum td_preset)preset);
            struct td_candle_options options = {TD_TF_5M, TD_HOURS_ALL, TD_ANCHOR_CLOCK, true};
            struct td_daily_builder *builder;
            struct td_candles candles = {0};
            struct td_bars bars = {0};
            struct td_err err = {0};
            double vwap = 0;
            ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
            ASSERT_OK(td_daily_new(&context, &builder, &err), err);
            assert_int_equal(td_daily_minutes(builder, &bars, &err), TD_DATA);
            assert_int_equal(td_daily_days(builder, &bars, &err), TD_DATA);
            assert_int_equal(td_candles_add(&candles, &bars, &options, &err), TD_DATA);
            td_session_vwap(&bars, false, &vwap);
            assert_true(isnan(vwap));
            td_daily_free(builder);
            td_bars_free(&bars);
        }
}

static void nothing_fed_gives_no_rows(void **state)
{
    (void)state;
    struct td_bars empty = {0};
    struct td_daily_context context = context_of(TD_PRESET_SESSION);
    struct build b = build_of(&context, &empty, &empty);
    assert_int_equal(b.n, 0);
    td_daily_free(b.builder);
    b = build_of(&context, NULL, NULL);
    assert_int_equal(b.n, 0);
    td_daily_free(b.builder);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    struct td_bars minutes = {0}, days = {0};
    for (int32_t i = 0; i < 40; i++) {
        struct td_bar bar = {td_ny_to_utc(td_cal_day(5000 + i), 600 * TD_MS_MINUTE), 5, 5, 5, 5, 5, 5, 5};
        ASSERT_OK(td_bars_add(&minutes, &bar, NULL), (struct td_err){0});
        daily(&days, 5040 - i, 5, 5);
    }
    bool through = false;
    for (long n = 1; !through; n++) {
        struct td_daily_context context = context_of(TD_PRESET_SESSION);
        struct td_daily_builder *builder = NULL;
        struct td_daily_row *rows;
        struct td_err err = {0};
        size_t count;
        td_alloc_fail_after(n);
        enum td_code code = td_daily_new(&context, &builder, &err);
        if (!code)
            code = td_daily_minutes(builder, &minutes, &err);
        if (!code)
            code = td_daily_days(builder, &days, &err);
        if (!code)
            code = td_daily_finish(builder, NULL, 0, &rows, &count, &err);
        td_alloc_fail_after(0);
        through = code == TD_OK;
        assert_true(through || (code == TD_NOMEM && err.code == TD_NOMEM));
        assert_true(n < 100);
        td_daily_free(builder);
    }
    td_bars_free(&minutes);
    td_bars_free(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases_make_the_day),
        cmocka_unit_test(seed_takes_every_bar_of_the_utc_date),
        cmocka_unit_test(seed_calls_fewer_than_390_rows_a_gap),
        cmocka_unit_test(unknown_volume_leaves_the_sums),
        cmocka_unit_test(a_phase_without_bars_is_zero_and_without_volumes_null),
        cmocka_unit_test(counts_are_summed_where_known),
        cmocka_unit_test(no_regular_bar_leaves_prices_null),
        cmocka_unit_test(longest_run_without_a_bar),
        cmocka_unit_test(minutes_are_counted_once),
        cmocka_unit_test(early_close_ends_the_day_earlier),
        cmocka_unit_test(daily_bar_rows),
        cmocka_unit_test(sources_by_the_bars_option),
        cmocka_unit_test(the_daily_bar_fed_last_counts),
        cmocka_unit_test(gaps_are_holes_in_our_data),
        cmocka_unit_test(caps_are_joined_as_of_the_day),
        cmocka_unit_test(bars_out_of_order_are_refused),
        cmocka_unit_test(impossible_times_are_refused),
        cmocka_unit_test(nothing_fed_gives_no_rows),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
