/* SPDX-License-Identifier: GPL-3.0-or-later
 * The screen rule by rule, and against the published list of a real screen; orders, hashes, test symbols. */
#include "market_fixture.h"

static struct td_daily_row good_row(void)
{
    return (struct td_daily_row){.ticker = "GOOD",
                                 .trading_day = 20000,
                                 .close_d = 5,
                                 .pctchg_d = 0.2,
                                 .rvol30 = 3,
                                 .rvol30_prior = 4,
                                 .vol_d = 2e6,
                                 .dollar_vol_d = 1e7,
                                 .vwap_d = 5,
                                 .gap_pct_d = 0.1,
                                 .market_cap_d = 1e8,
                                 .flags = "half_day",
                                 .complete = 1};
}

static void a_good_row_is_carried_over(void **state)
{
    (void)state;
    struct td_screen screen = td_screen_default();
    struct td_daily_row row = good_row();
    struct td_reference reference = {"CS", "XNAS", 0};
    struct td_watch_row out;
    assert_true(td_screen_row(&screen, &row, &reference, &out));
    assert_string_equal(out.ticker, "GOOD");
    assert_string_equal(out.flags, "half_day");
    assert_true(out.trading_day == 20000 && out.close_d == 5 && out.pctchg_d == 0.2 && out.rvol30 == 3 &&
                out.rvol30_prior == 4 && out.vol_d == 2e6 && out.dollar_vol_d == 1e7 && out.vwap_d == 5 &&
                out.gap_pct_d == 0.1 && out.market_cap_d == 1e8);
    assert_true(out.r_rvol == 1 && out.r_chg == 1 && out.r_dvol == 1 && out.r_px == 1 && out.info_rich == 1);
}

static void rules_hold_at_their_edges(void **state)
{
    (void)state;
    const double x = TD_NO_F64;
    const struct {
        double rvol30, pctchg, dvol;
        int8_t r_rvol, r_chg, r_dvol;
    } cases[] = {
        {2.0, 0.15, 5000000, 1, 1, 1},    {1.9999, 0.15, 5000000, 0, 1, 1},
        {2.0, 0.1499, 5000000, 1, 0, 1},  {2.0, -0.15, 5000000, 1, 1, 1},
        {2.0, -0.1499, 5000000, 1, 0, 1}, {2.0, 0.15, 4999999, 1, 1, 0},
        {x, 0.15, 5000000, 0, 1, 1},      {2.0, x, 5000000, 1, 0, 1},
        {2.0, 0.15, x, 1, 1, 0},          {x, x, x, 0, 0, 0},
    };
    struct td_screen screen = td_screen_default();
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_daily_row row = good_row();
        struct td_watch_row out;
        row.rvol30 = cases[i].rvol30;
        row.pctchg_d = cases[i].pctchg;
        row.dollar_vol_d = cases[i].dvol;
        assert_true(td_screen_row(&screen, &row, NULL, &out)); /* rules mark, they do not list */
        assert_int_equal(out.r_rvol, cases[i].r_rvol);
        assert_int_equal(out.r_chg, cases[i].r_chg);
        assert_int_equal(out.r_dvol, cases[i].r_dvol);
        assert_int_equal(out.info_rich, cases[i].r_rvol && cases[i].r_chg && cases[i].r_dvol);
    }
}

static void who_is_listed(void **state)
{
    (void)state;
    const double x = TD_NO_F64;
    static const struct td_reference cs = {"CS", "XNAS", 0}, adr = {"ADRC", "XASE", 0}, etf = {"ETF", "XNAS", 0},
                                     otc = {"CS", "OTCM", 0}, unknown = {NULL, NULL, -1}, test = {"CS", "XNAS", 1},
                                     prefix = {"C", "XNAS", 0}, typed = {"CS", NULL, 0};
    const struct {
        const char *what;
        double close, cap, cap_max;
        const struct td_reference *reference;
        const char *ticker, *flags;
        bool type_pass, cap_pass, drop_test, drop_suspect, listed;
    } cases[] = {
        {"plain", 5, 1e8, 2e9, &cs, "A", "", true, true, true, true, true},
        {"at the lowest price", 0.5, 1e8, 2e9, &cs, "A", "", true, true, true, true, true},
        {"below it", 0.4999, 1e8, 2e9, &cs, "A", "", true, true, true, true, false},
        {"at the highest price", 20, 1e8, 2e9, &cs, "A", "", true, true, true, true, true},
        {"above it", 20.01, 1e8, 2e9, &cs, "A", "", true, true, true, true, false},
        {"no price", x, 1e8, 2e9, &cs, "A", "", true, true, true, true, false},
        {"cap at the limit", 5, 2e9, 2e9, &cs, "A", "", true, true, true, true, true},
        {"cap above", 5, 2.1e9, 2e9, &cs, "A", "", true, true, true, true, false},
        {"no limit", 5, 2.1e12, 0, &cs, "A", "", true, true, true, true, true},
        {"no limit, cap unknown", 5, x, 0, &cs, "A", "", true, false, true, true, true},
        {"cap unknown passes", 5, x, 2e9, &cs, "A", "", true, true, true, true, true},
        {"cap unknown drops", 5, x, 2e9, &cs, "A", "", true, false, true, true, false},
        {"another type of the list", 5, 1e8, 2e9, &adr, "A", "", true, true, true, true, true},
        {"type not of the list", 5, 1e8, 2e9, &etf, "A", "", true, true, true, true, false},
        {"part of a name is no name", 5, 1e8, 2e9, &prefix, "A", "", true, true, true, true, false},
        {"exchange not of the list", 5, 1e8, 2e9, &otc, "A", "", true, true, true, true, false},
        {"type unknown passes", 5, 1e8, 2e9, &unknown, "A", "", true, true, true, true, true},
        {"type unknown drops", 5, 1e8, 2e9, &unknown, "A", "", false, true, true, true, false},
        {"exchange unknown drops", 5, 1e8, 2e9, &typed, "A", "", false, true, true, true, false},
        {"nothing known passes", 5, 1e8, 2e9, NULL, "A", "", true, true, true, true, true},
        {"nothing known drops", 5, 1e8, 2e9, NULL, "A", "", false, true, true, true, false},
        {"test ticker by the table", 5, 1e8, 2e9, &test, "A", "", true, true, true, true, false},
        {"test ticker by its name", 5, 1e8, 2e9, NULL, "ZVZZT", "", true, true, true, true, false},
        {"the table knows better", 5, 1e8, 2e9, &cs, "ZVZZT", "", true, true, true, true, true},
        {"test tickers wanted", 5, 1e8, 2e9, &test, "ZVZZT", "", true, true, false, true, true},
        {"split suspect", 5, 1e8, 2e9, &cs, "A", "half_day split_suspect", true, true, true, true, false},
        {"split suspects wanted", 5, 1e8, 2e9, &cs, "A", "split_suspect", true, true, true, false, true},
        {"a known split is none", 5, 1e8, 2e9, &cs, "A", "split_day", true, true, true, true, true},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_screen screen = td_screen_default();
        struct td_daily_row row = good_row();
        struct td_watch_row out;
        screen.thresholds.cap_max = cases[i].cap_max;
        screen.membership.type_unknown_pass = cases[i].type_pass;
        screen.membership.cap_unknown_pass = cases[i].cap_pass;
        screen.membership.drop_test_tickers = cases[i].drop_test;
        screen.membership.drop_split_suspect = cases[i].drop_suspect;
        row.close_d = cases[i].close;
        row.market_cap_d = cases[i].cap;
        td_copy(row.ticker, sizeof row.ticker, cases[i].ticker);
        td_copy(row.flags, sizeof row.flags, cases[i].flags);
        if (td_screen_row(&screen, &row, cases[i].reference, &out) != cases[i].listed)
            fail_msg("%s: should be %s", cases[i].what, cases[i].listed ? "listed" : "left out");
    }
    struct td_screen any = td_screen_default();
    struct td_daily_row row = good_row();
    struct td_watch_row out;
    any.membership.types = any.membership.exchanges = "";
    any.membership.type_unknown_pass = false;
    assert_true(td_screen_row(&any, &row, &etf, &out)); /* an empty list admits everybody */
    assert_true(td_screen_row(&any, &row, NULL, &out));
    any.membership.types = " CS , ETF ";
    assert_true(td_screen_row(&any, &row, &etf, &out));
}

static void the_published_screen_satisfies_the_rules(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/market/events/E0_events_2004_2021.csv.gz");
    struct csv csv;
    struct td_screen screen = td_screen_default(), no_floor = td_screen_default();
    size_t rows = 0, rich = 0, below = 0;
    no_floor.thresholds.min_price = 0;
    csv_open(&csv, path);
    for (; csv_next(&csv); rows++) {
        struct td_daily_row row = {.trading_day = day_of(csv.field[1]),
                                   .rvol30 = number(csv.field[2]),
                                   .pctchg_d = number(csv.field[3]),
                                   .dollar_vol_d = number(csv.field[4]),
                                   .close_d = number(csv.field[5]),
                                   .vol_d = number(csv.field[6]),
                                   .vwap_d = number(csv.field[7]),
                                   .market_cap_d = TD_NO_F64};
        struct td_watch_row out;
        td_copy(row.ticker, sizeof row.ticker, csv.field[0]);
        if (!td_screen_row(&no_floor, &row, NULL, &out) || !out.info_rich)
            fail_msg("%s on %s is not info-rich", csv.field[0], csv.field[1]);
        bool listed = td_screen_row(&screen, &row, NULL, &out);
        rich += listed && out.info_rich;
        below += !listed;
        assert_int_equal(!listed, row.close_d < 0.5);
    }
    assert_int_equal(rows, 17057);
    assert_int_equal(below, 247);
    assert_int_equal(rich, 17057 - 247);
}

static void the_hash_follows_what_decides(void **state)
{
    (void)state;
    char base[17], other[17];
    struct td_screen screen = td_screen_default();
    td_screen_hash(&screen, base);
    assert_int_equal(strlen(base), 16);
    assert_int_equal(strspn(base, "0123456789abcdef"), 16);
    screen.membership.types = "ADRC, CS";
    td_screen_hash(&screen, other);
    assert_string_equal(base, other);
    char seen[16][17];
    size_t n = 0;
    memcpy(seen[n++], base, sizeof base);
    for (int i = 0; i < 13; i++) {
        screen = td_screen_default();
        double *numbers[] = {&screen.thresholds.rvol,      &screen.thresholds.pctchg,    &screen.thresholds.dvol,
                             &screen.thresholds.min_price, &screen.thresholds.max_price, &screen.thresholds.cap_max};
        bool *switches[] = {&screen.membership.drop_test_tickers, &screen.membership.type_unknown_pass,
                            &screen.membership.cap_unknown_pass, &screen.membership.drop_split_suspect};
        if (i < 6)
            *numbers[i] += 1e-9;
        else if (i < 10)
            *switches[i - 6] = !*switches[i - 6];
        else if (i == 10)
            screen.membership.types = "CS";
        else if (i == 11)
            screen.membership.exchanges = "XNAS,XNYS";
        else
            screen.membership.types = screen.membership.exchanges = "";
        if (i == 2 || i == 5) /* large numbers: the step must be seen */
            *numbers[i] += 1;
        td_screen_hash(&screen, other);
        for (size_t k = 0; k < n; k++)
            if (!strcmp(seen[k], other))
                fail_msg("change %d is not seen in the hash", i);
        memcpy(seen[n++], other, sizeof other);
    }
    /* The hash stands in files: it must not change between versions. */
    assert_string_equal(base, "1c310d46d7efe8ff");
}

static void order_of_a_watchlist(void **state)
{
    (void)state;
    struct td_watch_row rows[] = {{.ticker = "NUL2", .rvol30 = TD_NO_F64},
                                  {.ticker = "LOW", .rvol30 = 1},
                                  {.ticker = "NUL1", .rvol30 = TD_NO_F64},
                                  {.ticker = "B", .rvol30 = 5},
                                  {.ticker = "TOP", .rvol30 = 9},
                                  {.ticker = "A", .rvol30 = 5},
                                  {.ticker = "a", .rvol30 = 5}};
    qsort(rows, TD_COUNT(rows), sizeof rows[0], td_watch_compare);
    static const char *const order[] = {"TOP", "A", "B", "a", "LOW", "NUL1", "NUL2"};
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        assert_string_equal(rows[i].ticker, order[i]);
    assert_int_equal(td_watch_compare(&rows[0], &rows[0]), 0);
}

static void order_of_a_ranking(void **state)
{
    (void)state;
    struct td_topn_row rows[] = {{.ticker = "D", .days_info_rich_252 = 0, .last_seen = 9},
                                 {.ticker = "C", .days_info_rich_252 = 3, .last_seen = 5},
                                 {.ticker = "B", .days_info_rich_252 = 3, .last_seen = 7},
                                 {.ticker = "A", .days_info_rich_252 = 3, .last_seen = 5},
                                 {.ticker = "E", .days_info_rich_252 = 8, .last_seen = 1}};
    qsort(rows, TD_COUNT(rows), sizeof rows[0], td_topn_compare);
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        assert_int_equal(rows[i].ticker[0], "EBACD"[i]);
}

static void test_symbols(void **state)
{
    (void)state;
    static const char *const yes[] = {"ZVZZT",   "ZXZZT", "ZWZZT", "ZJZZT", "ZVZZT.A", "NTEST",  "NTEST.A",
                                      "NTEST-B", "ATEST", "ZTST",  "ZBZX",  "CBO",     "ZXYZ.A", "ZTEST"};
    static const char *const no[] = {"",   "A",    "Z",    "ZZZ",  "TEST",   "ZM",    "TESTA", "ZVZZ",
                                     "NA", "NULL", "NTES", "AZZT", "ZVZZTX", "nTEST", "AEHR",  "CB"};
    for (size_t i = 0; i < TD_COUNT(yes); i++)
        if (!td_is_test_ticker(yes[i]))
            fail_msg("%s is a test symbol", yes[i]);
    for (size_t i = 0; i < TD_COUNT(no); i++)
        if (td_is_test_ticker(no[i]))
            fail_msg("%s is no test symbol", no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_row_is_carried_over),
        cmocka_unit_test(rules_hold_at_their_edges),
        cmocka_unit_test(who_is_listed),
        cmocka_unit_test(the_published_screen_satisfies_the_rules),
        cmocka_unit_test(the_hash_follows_what_decides),
        cmocka_unit_test(order_of_a_watchlist),
        cmocka_unit_test(order_of_a_ranking),
        cmocka_unit_test(test_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
