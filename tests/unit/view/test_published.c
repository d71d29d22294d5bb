/* SPDX-License-Identifier: GPL-3.0-or-later
 * A published screen's output against ours: each of its 17,057 ticker-days satisfies our rules of volume, change, dollars and highest
 * price, through the screen and through the filter language; exactly 247 stand below our lowest price. */
#include "check.h"
#include "market/market_fixture.h"
#include <tapedeck/view.h>

#define PUBLISHED 17057
#define BELOW_MIN_PRICE 247

static struct td_daily_row *read_events(const char *path, size_t *count)
{
    struct td_daily_row *rows = td_calloc(PUBLISHED + 1, sizeof *rows);
    struct csv csv;
    size_t n = 0;
    assert_non_null(rows);
    csv_open(&csv, path);
    assert_string_equal(csv.line, "ticker,trading_day,rvol30,pctchg_d,dollar_vol_d,close_d,vol_d,vwap_d\n");
    while (csv_next(&csv)) {
        assert_true(n <= PUBLISHED && csv.count == 8);
        struct td_daily_row *row = &rows[n++];
        td_copy(row->ticker, sizeof row->ticker, csv.field[0]);
        assert_true(td_parse_day(csv.field[1], strlen(csv.field[1]), &row->trading_day));
        row->rvol30 = number(csv.field[2]);
        row->pctchg_d = number(csv.field[3]);
        row->dollar_vol_d = number(csv.field[4]);
        row->close_d = number(csv.field[5]);
        row->vol_d = number(csv.field[6]);
        row->vwap_d = number(csv.field[7]);
        row->market_cap_d = TD_NO_F64;
        row->bars_from = row->close_src = "minute";
    }
    *count = n;
    return rows;
}

static void screen_agrees(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/market/events/E0_events_2004_2021.csv.gz");
    size_t n, left_out = 0, below = 0, rich = 0;
    struct td_daily_row *rows = read_events(path, &n);
    const struct td_screen screen = td_screen_default();
    assert_int_equal(n, PUBLISHED);
    for (size_t i = 0; i < n; i++) {
        struct td_watch_row out;
        below += rows[i].close_d < screen.thresholds.min_price;
        if (!td_screen_row(&screen, &rows[i], NULL, &out)) {
            assert_true(rows[i].close_d < 0.5); /* the one rule by which it may fall */
            left_out++;
            continue;
        }
        if (!out.info_rich)
            fail_msg("%s, row %zu: rvol %d change %d dollars %d price %d", rows[i].ticker, i + 2, out.r_rvol, out.r_chg, out.r_dvol, out.r_px);
        rich++;
    }
    assert_int_equal(left_out, BELOW_MIN_PRICE);
    assert_int_equal(below, BELOW_MIN_PRICE);
    assert_int_equal(rich, PUBLISHED - BELOW_MIN_PRICE);
    td_free(rows);
}

/* Every rule a notch tighter leaves somebody out: the counts above are no accident of a rule that asks nothing. */
static void filter_agrees(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t rows; /* 0: fewer than all, but some */
    } cases[] = {
        {"rvol30 >= 2 and abs(pctchg_d) >= 0.15 and dollar_vol_d >= 5000000 and close_d <= 20", PUBLISHED},
        {"rvol >= 2 and abs(chg) >= 15% and dvol >= 5M and px between 0.5 and 20", PUBLISHED - BELOW_MIN_PRICE},
        {"close_d < 0.5", BELOW_MIN_PRICE},
        {"rvol30 >= 2.1", 0},
        {"abs(pctchg_d) >= 0.16", 0},
        {"dollar_vol_d >= 5.1M", 0},
        {"close_d <= 19", 0},
    };
    SHARED_OR_SKIP(path, "fixtures/market/events/E0_events_2004_2021.csv.gz");
    size_t n;
    struct td_daily_row *rows = read_events(path, &n);
    struct td_record_model model;
    struct td_err err;
    ASSERT_OK(td_record_model_init(&model, &td_daily_record, rows, n, &err), err);
    for (size_t c = 0; c < TD_COUNT(cases); c++) {
        struct td_filter *filter;
        size_t matched = 0;
        ASSERT_OK(td_filter_parse(cases[c].text, &model.model, &filter, &err), err);
        for (size_t i = 0; i < n; i++)
            matched += td_filter_match(filter, &model.model, i);
        td_filter_free(filter);
        if (cases[c].rows ? matched != cases[c].rows : matched == 0 || matched == n)
            fail_msg("%s: %zu of %zu rows", cases[c].text, matched, n);
    }
    td_record_model_free(&model);
    td_free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screen_agrees),
        cmocka_unit_test(filter_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
