/* SPDX-License-Identifier: GPL-3.0-or-later
 * Models over records and sheets, choosing columns, and the catalogue. */
#include "view_rows.h"

static void reads_records(void **state)
{
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    assert_int_equal(rows.model.rows, QUOTES);
    assert_int_equal(rows.model.column_count, TD_COUNT(quote_fields));
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_F64, TD_KIND_F64, TD_KIND_F64, TD_KIND_F64, TD_KIND_I64,
                                         TD_KIND_U64, TD_KIND_DAY, TD_KIND_TS,  TD_KIND_BOOL, TD_KIND_STR};
    for (size_t i = 0; i < TD_COUNT(kinds); i++) {
        assert_int_equal(rows.model.columns[i].kind, kinds[i]);
        assert_int_equal(td_model_find(&rows.model, quote_fields[i].name), (int)i);
        struct td_cell cell = td_model_cell(&rows.model, 2, i);
        assert_int_equal(cell.kind, i == 0 || i == 4 ? kinds[i] : TD_KIND_NULL);
    }
    assert_int_equal(td_model_find(&rows.model, "cap"), -1); /* exact names only */
    struct td_cell cell = td_model_cell(&rows.model, 3, 0);
    assert_true(td_str_is(cell.v.s, "BApA"));
    static const uint32_t order[] = {3, 1};
    rows.model.order = order;
    rows.model.rows = 2;
    cell = td_model_cell(&rows.model, 0, 0);
    assert_true(td_str_is(cell.v.s, "BApA"));
    cell = td_model_cell(&rows.model, 1, 5);
    assert_true(cell.v.i == INT64_C(9007199254740993));
    assert_int_equal(td_model_cell(&rows.model, 2, 0).kind, TD_KIND_NULL); /* past the end */
    assert_int_equal(td_model_cell(&rows.model, 0, 99).kind, TD_KIND_NULL);
    td_record_model_free(&rows);
}

static void reads_sheets(void **state)
{
    (void)state;
    static const char *const names[] = {"key", "value"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_I64};
    struct td_sheet sheet;
    struct td_view_column columns[2];
    struct td_model model;
    struct td_err err;
    ASSERT_OK(td_sheet_init(&sheet, names, kinds, 2, &err), err);
    for (int64_t i = 0; i < 3; i++) {
        struct td_cell cells[2] = {{.kind = TD_KIND_STR}, {.kind = TD_KIND_I64}};
        cells[0].v.s = td_str_of("row");
        cells[1].v.i = i;
        ASSERT_OK(td_sheet_row(&sheet, cells, &err), err);
    }
    td_sheet_model(&sheet, columns, &model);
    assert_int_equal(model.rows, 3);
    assert_string_equal(model.columns[1].name, "value");
    assert_int_equal(td_model_cell(&model, 2, 1).v.i, 2);
    td_sheet_free(&sheet);
}

static void chooses_columns(void **state)
{
    static const struct {
        const char *list, *chosen; /* letters a.. of columns, or a message */
    } cases[] = {
        {"ticker", "a"},
        {"note,ticker,rvol30", "kab"},
        {" cap , px ,CHG", "dec"},
        {"ticker,ticker", "columns: 'ticker' is named twice"},
        {"", "columns: an empty name; names are separated by single commas"},
        {"ticker,", "columns: an empty name; names are separated by single commas"},
        {"ticker,pctchg", "columns: no column \"pctchg\"; did you mean pctchg_d?"},
        {"%chg,$vol", "columns: no column \"$vol\"; there are ticker, rvol30, pctchg_d, market_cap_d, close_d, trades, "
                      "mins, trading_day, timestamp, info_rich, note"},
        {"a,b,c,d", NULL},
        {"ticker,rvol30,note,mins,trades", "columns: more than 4 names"},
        {"ticker,rvol30,rvol", "columns: 'rvol30' is named twice"},
        {"ti\x1b[Jcker", "columns: no column \"ti?[Jcker\"; did you mean ticker?"},
    };
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        size_t map[4], count;
        struct td_err err = {0};
        enum td_code code = td_view_select(&rows.model, cases[i].list, map, TD_COUNT(map), &count, &err);
        if (!cases[i].chosen) {
            assert_int_equal(code, TD_USAGE);
        } else if (code == TD_OK) {
            assert_int_equal(count, strlen(cases[i].chosen));
            for (size_t c = 0; c < count; c++)
                assert_int_equal(map[c], cases[i].chosen[c] - 'a');
        } else {
            assert_int_equal(code, TD_USAGE);
            assert_string_equal(err.text, cases[i].chosen);
        }
    }
    td_record_model_free(&rows);
}

static void check_catalogued(const struct td_record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct td_column_info *info = td_column_find(record->fields[i].name);
        if (!info)
            fail_msg("%s: column %s is not in the catalogue", record->schema, record->fields[i].name);
        enum td_kind kind = td_field_cell_kind(&record->fields[i]);
        assert_int_equal(info->style == TD_STYLE_FLAG, kind == TD_KIND_BOOL);
        assert_int_equal(info->style == TD_STYLE_DAY, kind == TD_KIND_DAY);
        assert_int_equal(info->style == TD_STYLE_TIME, kind == TD_KIND_TS);
        assert_true(kind != TD_KIND_STR || info->style == TD_STYLE_TEXT);
    }
}

static void describes_every_column(void **state)
{
    (void)state;
    check_catalogued(&td_daily_record);
    check_catalogued(&td_watch_record);
    check_catalogued(&td_candle_record);
    check_catalogued(&td_topn_record);
    check_catalogued(&td_outcome_record);
    check_catalogued(&td_outcome_stats_record);
    check_catalogued(&td_split_record);
    size_t n = 0;
    for (const struct td_column_info *info; (info = td_column_at(n)); n++) {
        assert_ptr_equal(td_column_find(info->name), info); /* no name twice */
        assert_true(info->width >= (int)strlen(info->title) || info->width >= 6);
        assert_true(strlen(info->meaning) > 20 && info->meaning[strlen(info->meaning) - 1] == '.');
        assert_true(strchr(info->meaning, '\n') == NULL);
    }
    assert_true(n > 40);
    assert_null(td_column_at(SIZE_MAX));
    assert_null(td_column_find("nothing"));
}

static void short_names_reach_every_screen(void **state)
{
    static const struct {
        const struct td_record *record;
        const char *list, *names;
    } cases[] = {
        {&td_watch_record, "cap,price,chg,vol,rvol,dvol,gap,day,rich,r",
         "market_cap_d,close_d,pctchg_d,vol_d,rvol30,dollar_vol_d,gap_pct_d,trading_day,info_rich,r_rvol,"},
        {&td_watch_record, "px,date,%CHG,$vol", "close_d,trading_day,pctchg_d,dollar_vol_d,"},
        {&td_daily_record, "open,high,low,close,vwap,trades", "open_d,high_d,low_d,close_d,vwap_d,trades_d,"},
        {&td_candle_record, "time,px,vol,trades,open", "timestamp,close,volume,transactions,open,"},
        {&td_topn_record, "ir252,last seen", "days_info_rich_252,last_seen,"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_record_model rows;
        struct td_err err;
        size_t map[32], count;
        char names[512] = "";
        ASSERT_OK(td_record_model_init(&rows, cases[i].record, NULL, 0, &err), err);
        ASSERT_OK(td_view_select(&rows.model, cases[i].list, map, TD_COUNT(map), &count, &err), err);
        for (size_t c = 0, n = 0; c < count; c++)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s,", rows.model.columns[map[c]].name);
        assert_string_equal(names, cases[i].names);
        td_record_model_free(&rows);
    }
}

static enum td_code make_model(void)
{
    struct td_record_model rows;
    struct td_err err;
    enum td_code code = td_record_model_init(&rows, &quote_record, quotes, QUOTES, &err);
    td_record_model_free(&rows);
    return code;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    SWEEP_ALLOCATIONS(make_model());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_records),          cmocka_unit_test(reads_sheets),
        cmocka_unit_test(chooses_columns),        cmocka_unit_test(describes_every_column),
        cmocka_unit_test(short_names_reach_every_screen), cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
