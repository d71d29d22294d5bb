/* SPDX-License-Identifier: GPL-3.0-or-later
 * Record descriptions: the columns and their order are a contract with every reader of the lake. */
#include "market_fixture.h"

static void columns_and_their_order(void **state)
{
    (void)state;
    static const struct {
        const struct td_record *record;
        const char *schema, *columns;
    } cases[] = {
        {&td_daily_record, "daily/1",
         "ticker trading_day close_d vol_d dollar_vol_d vwap_d pctchg_d return_d rvol30 session_rows has_gaps "
         "market_cap_d open_d high_d low_d trades_d vol_pre_d vol_reg_d vol_post_d rvol30_prior hist_n gap_pct_d "
         "max_gap_min split_factor bars_from close_src flags "},
        {&td_watch_record, "watchlist/1",
         "ticker trading_day close_d pctchg_d rvol30 rvol30_prior vol_d dollar_vol_d vwap_d gap_pct_d market_cap_d "
         "r_rvol r_chg r_dvol r_px info_rich flags "},
        {&td_topn_record, "topn/1", "ticker days_info_rich_252 last_seen rank sessions_covered active "},
        {&td_candle_record, "candles/1", "timestamp open high low close volume vwap transactions bars partial "},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char text[1024] = "";
        const struct td_record *r = cases[i].record;
        assert_string_equal(r->schema, cases[i].schema);
        for (size_t f = 0; f < r->count; f++) {
            size_t len = strlen(text);
            snprintf(text + len, sizeof text - len, "%s ", r->fields[f].name);
            assert_true(r->fields[f].offset + r->fields[f].size <= r->size);
            assert_int_equal(r->fields[f].kind == TD_F_STR || r->fields[f].kind == TD_F_TEXT ? 8 : r->fields[f].size,
                             r->fields[f].kind == TD_F_DAY || r->fields[f].kind == TD_F_U32 ? 4
                             : r->fields[f].kind == TD_F_BOOL                               ? 1
                                                                                            : 8);
        }
        assert_string_equal(text, cases[i].columns);
    }
}

static const struct td_field *field(const struct td_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++)
        if (!strcmp(record->fields[i].name, name))
            return &record->fields[i];
    fail_msg("no field %s", name);
    return NULL;
}

static void nulls_are_seen_in_every_kind(void **state)
{
    (void)state;
    struct td_daily_row nulls = {.trading_day = TD_NO_DAY,
                                 .vol_d = TD_NO_F64,
                                 .trades_d = TD_NO_COUNT,
                                 .session_rows = UINT32_MAX,
                                 .has_gaps = -1};
    struct td_daily_row values = {.session_rows = 0, .has_gaps = 0, .bars_from = "day"};
    static const char *const names[] = {"trading_day", "vol_d", "trades_d", "session_rows", "has_gaps", "bars_from"};
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        assert_true(td_field_is_null(field(&td_daily_record, names[i]), &nulls));
        assert_false(td_field_is_null(field(&td_daily_record, names[i]), &values));
    }
    assert_false(td_field_is_null(field(&td_daily_record, "flags"), &nulls));
    struct td_candle candle = {.ts = INT64_MIN};
    assert_true(td_field_is_null(field(&td_candle_record, "timestamp"), &candle));
    candle.ts = 0;
    assert_false(td_field_is_null(field(&td_candle_record, "timestamp"), &candle));
    static const struct td_field i32 = {"x", TD_F_I32, 0, sizeof(int32_t), true};
    int32_t value = INT32_MIN;
    assert_true(td_field_is_null(&i32, &value));
    value = -1;
    assert_false(td_field_is_null(&i32, &value));
}

static void flags_go_to_text_and_back(void **state)
{
    (void)state;
    char text[TD_FLAGS_TEXT];
    td_flags_format(0, text);
    assert_string_equal(text, "");
    td_flags_format(TD_FLAG(SPLIT_DAY) | TD_FLAG(APPROX_DOLLAR_VOL) | TD_FLAG(HALF_DAY), text);
    assert_string_equal(text, "approx_dollar_vol half_day split_day");
    for (uint32_t flags = 0; flags < 1u << TD_FLAG_COUNT; flags++) {
        td_flags_format(flags, text);
        assert_int_equal(td_flags_parse(text), flags);
    }
    assert_string_equal(text, "approx_dollar_vol half_day mixed_bars new_listing partial_history partial_session "
                              "renamed split_day split_suspect vol_partial");
    assert_int_equal(td_flags_parse("half_day surprise  split_day "), TD_FLAG(HALF_DAY) | TD_FLAG(SPLIT_DAY));
    assert_int_equal(td_flags_parse("half_dayx"), 0);
    assert_int_equal(td_flags_parse(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_and_their_order),
        cmocka_unit_test(nulls_are_seen_in_every_kind),
        cmocka_unit_test(flags_go_to_text_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
