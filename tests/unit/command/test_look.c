/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that look: a headline only above a result, columns once, filters over what is not shown, rules explained in numbers. */
#include "command_run.h"

#define MINUTES "mine/bronze/stocks_minute/year=2025/month=12/ticker=A.parquet"

static void make_lists(void)
{
    put_file("A.csv", "timestamp,open,high,low,close,volume\n2025-12-01 15:00:00,1,2,1,2,100\n2025-12-02 15:00:00,2,3,2,3,700\n");
    GOES("import A.csv --as stocks_minute --ticker A --lake mine");
    GOES("cache build --lake mine");
    GOES("universe build --lake mine");
}

static void test_headline(void **state)
{
    (void)state;
    static const char *const bad[] = {"--sort nonsense", "--filter 'nonsense > 1'", "--filter 'rvol30 >'", "--columns nonsense",
                                      "--columns ticker,ticker", "--columns rvol30,rvol"};
    char line[128];
    make_lists();
    for (size_t i = 0; i < TD_COUNT(bad); i++) {
        td_snprintf(line, sizeof line, "watchlist --lake mine %s", bad[i]);
        FAILS(line, TD_USAGE);
        assert_int_equal(said.len, 0);
    }
    HOLDS(complaint.text, "columns: 'rvol30' is named twice");
    GOES("watchlist --lake mine --sort rvol30 --columns ticker,rvol30");
    HOLDS(said.data, "info-rich scan of 2025-12-02: 1 listed");
    GOES("watchlist --lake mine --format csv --columns ticker");
    assert_string_equal(said.data, "ticker\nA\n");
}

static void test_cat_where(void **state)
{
    (void)state;
    make_lists();
    GOES("parquet cat " MINUTES " --columns ticker,close --where 'volume > 500' --format json");
    assert_string_equal(said.data, "[\n{\"ticker\":\"A\",\"close\":3}\n]\n");
    GOES("parquet cat " MINUTES " --columns close --where 'volume > 500' --format csv");
    assert_string_equal(said.data, "close:float64\n3\n");
    GOES("parquet cat " MINUTES " --columns close --where 'volume <= 500 or close = 3' --limit 1 --format csv");
    assert_string_equal(said.data, "close:float64\n2\n");
    FAILS("parquet cat " MINUTES " --columns close --where 'volumes > 500'", TD_USAGE);
    HOLDS(complaint.text, "did you mean volume?");
    FAILS("parquet head " MINUTES " --columns close,open,close", TD_USAGE);
    HOLDS(complaint.text, "columns: 'close' is named twice");
}

static void test_explain(void **state)
{
    (void)state;
    make_lists();
    GOES("universe explain A 2025-12-02 --lake mine --format csv");
    HOLDS(said.data, "rule,value,text,threshold,verdict,note\n");
    HOLDS(said.data, "rvol30,1.75,,>= 2,fail,");
    HOLDS(said.data, "close_src,,regular,,info,");
    HOLDS(said.data, "session_rows,1,,,info,");
    HOLDS(said.data, "info_rich,,false,,fail,");
    LACKS(said.data, "thresholds,"); /* the list is of these rules */
    GOES("universe explain A 2025-12-02 --lake mine --format json");
    HOLDS(said.data, "{\"rule\":\"rvol30\",\"value\":1.75,\"text\":null,");
    put_file("low.yaml", "thresholds: {rvol: 1.5, dvol: 100}\n");
    GOES("universe explain A 2025-12-02 --lake mine --format csv --universe-config low.yaml");
    HOLDS(said.data, "rvol30,1.75,,>= 1.5,pass,");
    HOLDS(said.data, "info_rich,,true,,pass,");
    HOLDS(said.data, "\nthresholds,,");
    HOLDS(said.data, "'tapedeck universe build' makes it anew");
    FAILS("universe explain A 2025-12-02 --lake mine --universe-config none.yaml", TD_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_headline, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_cat_where, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_explain, enter_scratch, leave_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
