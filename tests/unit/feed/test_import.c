/* SPDX-License-Identifier: GPL-3.0-or-later
 * Import of local files: real vendor files to the row, tables in memory, damaged gzip, hostile and starved input. */
#include "feed/import_check.h"

#include "import_private.h"

/* ---- real files ---- */

#define MINUTE_DIR "fixtures/market/minute/"
#define DAILY_DIR "fixtures/market/daily/"

static const struct {
    const char *file;
    struct td_import_options options;
    const char *source;
    uint64_t rows, bars;
    size_t tickers;
    const char *first; /* of the first series */
} real_files[] = {
    {MINUTE_DIR "alphavantage_2019/AAPL_1min.csv.gz", {.ticker_from_name = true, .new_york = true, .end_stamped = true}, "csv", 1948, 1948, 1, "2019-02-11T14:30:00Z"},
    {MINUTE_DIR "alphavantage_2019/VIX_1min.csv.gz", {.ticker_from_name = true, .new_york = true, .end_stamped = true}, "csv", 1923, 1923, 1, "2019-02-11T14:31:00Z"},
    {MINUTE_DIR "alphavantage_2019/AAPL_daily.csv.gz", {.ticker_from_name = true, .daily = true}, "csv", 283, 283, 1, "2018-01-02T05:00:00Z"},
    {MINUTE_DIR "us_2018_rth/AAPL.csv.gz", {.ticker_from_name = true, .new_york = true, .end_stamped = true}, "csv", 17204, 17204, 1, "2018-02-16T14:29:00Z"},
    {MINUTE_DIR "us_2018_rth/JUNO.csv.gz", {.ticker_from_name = true, .new_york = true, .end_stamped = true}, "csv", 4263, 4263, 1, "2018-02-16T14:29:00Z"},
    {MINUTE_DIR "yahoo_2022_ext/UVXY.csv.gz", {.ticker_from_name = true}, "csv", 21985, 21985, 1, "2019-12-17T16:00:00Z"},
    {MINUTE_DIR "yahoo_2026/FISV.csv.gz", {.ticker_from_name = true}, "csv", 11292, 11292, 1, "2026-03-09T13:30:00Z"},
    {MINUTE_DIR "spy_2024_polygon/SPY_1min_20240220_20240419.csv.gz", {.ticker_from_name = true}, "csv", 34025, 34025, 1, "2024-02-20T09:00:00Z"},
    {MINUTE_DIR "smallcaps_2025_05/alphavantage/WOLF_2025-05_alphavantage_raw.json.gz", {0}, "alphavantage", 17860, 17860, 1, "2025-05-01T08:00:00Z"},
    {MINUTE_DIR "smallcaps_2025_05/alphavantage/AMC_2025-05_alphavantage_raw.json.gz", {0}, "alphavantage", 16826, 16826, 1, "2025-05-01T08:00:00Z"},
    {MINUTE_DIR "smallcaps_2025_05/alphavantage/GRI_2025-05_alphavantage_raw.json.gz", {0}, "alphavantage", 3834, 3834, 1, "2025-05-01T08:03:00Z"},
    {MINUTE_DIR "smallcaps_2025_05/twelvedata/WOLF_2025-05-13_twelvedata_raw.json.gz", {0}, "twelvedata", 386, 386, 1, "2025-05-13T13:30:00Z"},
    {MINUTE_DIR "smallcaps_2025_05/twelvedata/GRI_2025-05-13_twelvedata_raw.json.gz", {0}, "twelvedata", 74, 74, 1, "2025-05-13T13:30:00Z"},
    {"fixtures/market/lean/minute_trades_relaid.csv.gz", {0}, "csv", 16024, 16024, 6, "2014-06-05T08:15:00Z"},
    {"fixtures/market/futures/ES_1min_ib_20170926_20171017.csv.gz", {.ticker_from_name = true, .new_york = true}, "csv", 6864, 6864, 1, "2017-09-26T13:30:00Z"},
    {"fixtures/market/flatfile_samples/stocks_day_candlesticks_example.csv", {.daily = true}, "csv", 99, 99, 99, "2023-03-28T04:00:00Z"},
    {"fixtures/market/flatfile_samples/options_day_candlesticks_example.csv", {.daily = true}, "csv", 3, 3, 3, "2023-03-13T04:00:00Z"},
    {"fixtures/market/flatfile_samples/options_minute_candlesticks_example.csv", {0}, "csv", 43, 43, 1, "2023-03-13T13:53:00Z"},
    /* Real and damaged: too few digits in every stamp. Nothing is guessed. */
    {"fixtures/market/flatfile_samples/stocks_minute_candlesticks_example.csv", {0}, "csv", 99, 0, 0, NULL},
    {DAILY_DIR "nasdaq_raw_sample/NVR.csv.gz", {.ticker_from_name = true, .daily = true}, "csv", 2518, 2518, 1, "2014-03-03T05:00:00Z"},
    {DAILY_DIR "yahoo_adjclose_panel.csv.gz", {.daily = true}, "csv", 48586, 48585, 49, "2020-12-11T05:00:00Z"},
    {"fixtures/market/rest_samples/v2__aggs__ticker__AAPL__range__1__day__2005-04-01__2005-04-04.json", {.daily = true}, "vendor-json", 2, 2, 1, "2005-04-01T05:00:00Z"},
    {"fixtures/market/rest_samples/v2__aggs__grouped__locale__us__market__stocks__2005-04-04_and_adjusted-true.json", {.daily = true}, "vendor-json", 1, 1, 1, "2020-10-14T04:00:00Z"},
};

static void test_real_files(void **state)
{
    (void)state;
    SHARED_OR_SKIP(root, "fixtures/market");
    (void)root;
    for (size_t i = 0; i < TD_COUNT(real_files); i++) {
        struct td_import_result result;
        struct td_err err = {0};
        const char *path = shared_path(real_files[i].file);
        if (!path)
            fail_msg("no %s", real_files[i].file);
        ASSERT_OK(td_import_read(path, &real_files[i].options, &result, &err), err);
        check_invariants(&result, real_files[i].options.daily);
        if (result.rows_read != real_files[i].rows || sum_bars(&result) != real_files[i].bars ||
            result.count != real_files[i].tickers || strcmp(result.source, real_files[i].source) != 0)
            fail_msg("%s: %s, %llu rows, %llu bars, %zu tickers; %s", real_files[i].file, result.source,
                     (unsigned long long)result.rows_read, (unsigned long long)sum_bars(&result), result.count, result.detail);
        if (real_files[i].first)
            assert_int_equal(result.series[0].bars.ts[0], utc(real_files[i].first));
        td_import_free(&result);
    }
}

static void read_real(const char *relative, struct td_import_options options, struct td_import_result *result)
{
    struct td_err err = {0};
    const char *path = shared_path(relative);
    if (!path)
        skip();
    ASSERT_OK(td_import_read(path, &options, result, &err), err);
    check_invariants(result, options.daily);
}

static void test_real_values(void **state)
{
    (void)state;
    struct td_import_result r;
    read_real(MINUTE_DIR "alphavantage_2019/AAPL_1min.csv.gz", (struct td_import_options){.ticker_from_name = true, .new_york = true, .end_stamped = true}, &r);
    expect_bar(&r, "AAPL", "2019-02-11T14:30:00Z", 171.14, 171.2, 170.7, 170.97, 619925); /* last line, no newline behind it */
    expect_bar(&r, "AAPL", "2019-02-15T20:59:00Z", 170.23, 170.42, 170.21, 170.38, 427888);
    td_import_free(&r);
    read_real("fixtures/market/futures/ES_1min_ib_20170926_20171017.csv.gz", (struct td_import_options){.ticker = "ES", .new_york = true}, &r);
    expect_bar(&r, "ES", "2017-09-26T13:30:00Z", 2498.5, 2499, 2497.5, 2497.5, 8881);
    struct td_bar es = bar_at(&r, "ES", "2017-09-26T13:30:00Z");
    assert_true(es.vwap == 2498.15 && es.trades == 915); /* WAP and Count */
    td_import_free(&r);
    read_real(MINUTE_DIR "spy_2024_polygon/SPY_1min_20240220_20240419.csv.gz", (struct td_import_options){.ticker = "SPY"}, &r);
    struct td_bar spy = bar_at(&r, "SPY", "2024-02-20T09:00:00Z");
    assert_true(spy.close == 498.39 && spy.volume == 3952 && spy.vwap == 498.3398 && spy.trades == 72);
    (void)bar_at(&r, "SPY", "2024-04-19T23:59:00Z"); /* -04:00 behind the change of clocks */
    td_import_free(&r);
    read_real("fixtures/market/flatfile_samples/stocks_day_candlesticks_example.csv", (struct td_import_options){.daily = true}, &r);
    expect_bar(&r, "BCC", "2023-03-28T04:00:00Z", 61.68, 62.565, 61.41, 61.99, 248274); /* open,close,high,low in the file */
    td_import_free(&r);
    read_real(DAILY_DIR "nasdaq_raw_sample/NVR.csv.gz", (struct td_import_options){.ticker = "NVR", .daily = true}, &r);
    expect_bar(&r, "NVR", "2024-03-01T05:00:00Z", 7531.02, 7712, 7531.02, 7687.10, 14982);
    td_import_free(&r);
    read_real(DAILY_DIR "yahoo_adjclose_panel.csv.gz", (struct td_import_options){.daily = true}, &r);
    expect_bar(&r, "ABCL", "2020-12-11T05:00:00Z", 61.0, 71.91000366210938, 48.97999954223633, 58.900001525878906, 9249200);
    assert_int_equal(r.quarantined[TD_REASON_PRICE], 1);
    td_import_free(&r);
    read_real(MINUTE_DIR "yahoo_2022_ext/AAPL.csv.gz", (struct td_import_options){.ticker = "AAPL"}, &r);
    expect_bar(&r, "AAPL", "2022-03-14T08:00:00Z", 154.7, 154.73, 154.0, 154.61, 0); /* 0 is what the file says, it stays 0 */
    td_import_free(&r);
}

static void test_panel_nulls(void **state)
{
    (void)state;
    struct td_import_result r;
    uint64_t unknown = 0;
    read_real(DAILY_DIR "us_daily_panel_202209_202403.csv.gz", (struct td_import_options){.daily = true}, &r);
    assert_int_equal(r.rows_read, 830352);
    assert_int_equal(sum_bars(&r), 830307);
    assert_int_equal(r.count, 2265);
    for (size_t i = 0; i < r.count; i++) {
        for (size_t k = 0; k < r.series[i].bars.n; k++)
            unknown += isnan(r.series[i].bars.volume[k]);
    }
    assert_int_equal(r.quarantined[TD_REASON_OHLC], 45);
    assert_true(unknown > 38900 && unknown <= 38982); /* empty volumes, without those among the 45 */
    assert_non_null(strstr(r.detail, "us_daily_panel_202209_202403.csv.gz:14376: ohlc_inconsistent: 2023-06-05"));
    td_import_free(&r);
}

/* The rows of a source that stamps the end: 390 regular minutes a day, the opening auction just before them. */
static void test_end_stamps(void **state)
{
    (void)state;
    struct td_import_result r;
    unsigned regular = 0, auction = 0, other = 0;
    read_real(MINUTE_DIR "us_2018_rth/AAPL.csv.gz", (struct td_import_options){.ticker = "AAPL", .new_york = true, .end_stamped = true}, &r);
    for (size_t i = 0; i < r.series[0].bars.n; i++) {
        td_day day;
        int32_t ms;
        td_ny_split(r.series[0].bars.ts[i], &day, &ms);
        regular += ms >= 570 * 60000 && ms < 960 * 60000;
        auction += ms == 569 * 60000;
        other += ms < 569 * 60000 || ms >= 960 * 60000;
    }
    assert_int_equal(regular, 44 * 390);
    assert_int_equal(auction, 44);
    assert_int_equal(other, 0);
    expect_bar(&r, "AAPL", "2018-02-16T14:29:00Z", 172.36, 172.47, 172.19, 172.25, 1667756);
    expect_bar(&r, "AAPL", "2018-02-16T14:30:00Z", 172.2, 172.37, 171.77, 172.0, 210416);
    td_import_free(&r);
}

static void test_quarter_of_minutes(void **state)
{
    (void)state;
    uint64_t rows = 0, bars = 0, files = 0;
    static const char *const months[] = {"2025-01", "2025-02"};
    for (size_t m = 0; m < TD_COUNT(months); m++) {
        char dir[128], path[1200];
        struct td_names names = {0};
        struct td_err err = {0};
        snprintf(dir, sizeof dir, MINUTE_DIR "us_2025q1_ext/%s", months[m]);
        SHARED_OR_SKIP(root, dir);
        ASSERT_OK(td_dir_list(root, &names, &err), err);
        for (size_t i = 0; i < names.count; i++, files++) {
            struct td_import_options options = {.ticker_from_name = true};
            struct td_import_result r;
            snprintf(path, sizeof path, "%s/%s", root, names.items[i]);
            ASSERT_OK(td_import_read(path, &options, &r, &err), err);
            assert_int_equal(sum_bars(&r) + r.duplicates + sum_quarantined(&r), r.rows_read);
            rows += r.rows_read;
            bars += sum_bars(&r);
            td_import_free(&r);
        }
        td_names_free(&names);
    }
    assert_int_equal(files, 80);
    assert_int_equal(rows, 835835);
    assert_int_equal(bars, 835835);
}

/* ---- tables in memory ---- */

static void test_table(void **state)
{
    (void)state;
    static const struct td_str tickers[] = {{"A", 1}, {"A", 1}, {"B", 1}, {"A", 1}};
    static const int64_t ms[] = {1735830060000, 1735830000000, 1735830000000, 1735830060000};
    static const int64_t ns[] = {1735830060000000000, 1735830000000000000, 1735830000000000000, 1735830060000000000};
    static const double o[] = {10, 10, 10, 10}, h[] = {12, 12, 12, 12}, l[] = {9, 9, 9, 9}, c[] = {11, 11, 11, 11};
    double v[] = {100, (double)NAN, 7, 100}, bad[] = {10, 10, (double)NAN, 10};
    static const int64_t n[] = {1, 2, 3, 1};
    static const uint64_t valid[] = {0xb}; /* the third is null */
    struct td_import_column columns[] = {
        {"ticker", TD_IMPORT_STR, tickers, NULL}, {"timestamp", TD_IMPORT_MS, ms, NULL}, {"open", TD_IMPORT_F64, o, NULL},
        {"high", TD_IMPORT_F64, h, NULL},         {"low", TD_IMPORT_F64, l, NULL},       {"close", TD_IMPORT_F64, c, NULL},
        {"volume", TD_IMPORT_F64, v, NULL},       {"transactions", TD_IMPORT_I64, n, valid},
    };
    struct td_import_options options = {0};
    struct td_import_result r;
    struct td_err err = {0};
    for (int round = 0; round < 2; round++) {
        ASSERT_OK(td_import_table("x.parquet", columns, TD_COUNT(columns), 4, &options, &r, &err), err);
        check_invariants(&r, false);
        assert_string_equal(r.source, "parquet");
        assert_int_equal(r.rows_read, 4);
        assert_int_equal(r.duplicates, 1);
        assert_int_equal(r.count, 2);
        expect_bar(&r, "A", "2025-01-02T15:00:00Z", 10, 12, 9, 11, (double)NAN);
        expect_bar(&r, "A", "2025-01-02T15:01:00Z", 10, 12, 9, 11, 100);
        assert_int_equal(bar_at(&r, "B", "2025-01-02T15:00:00Z").trades, TD_NO_COUNT);
        assert_int_equal(bar_at(&r, "A", "2025-01-02T15:00:00Z").trades, 2);
        td_import_free(&r);
        columns[1] = (struct td_import_column){"window_start", TD_IMPORT_I64, ns, NULL}; /* again with plain integers */
    }
    columns[2].values = bad;
    ASSERT_OK(td_import_table("x.parquet", columns, TD_COUNT(columns), 4, &options, &r, &err), err);
    assert_int_equal(r.quarantined[TD_REASON_NOT_FINITE], 1);
    assert_string_equal(r.detail, "x.parquet row 3: not_finite");
    td_import_free(&r);
    assert_int_equal(td_import_table("x.parquet", columns, 5, 4, &options, &r, &err), TD_DATA);
    assert_non_null(strstr(err.text, "close, volume"));
}

static void test_parquet_is_recognised(void **state)
{
    (void)state;
    const char *path = write_scratch("a.csv", "PAR1....", 8);
    assert_true(td_import_is_parquet(path));
    path = write_scratch("a.csv", "PAR", 3);
    assert_false(td_import_is_parquet(path));
    unlink(path);
    assert_false(td_import_is_parquet("/nonexistent"));
}

/* ---- gzip ---- */

static void test_gzip(void **state)
{
    (void)state;
    static const char one[] = HEADER ROW("00") "\n", two[] = ROW("01") "\n" ROW("02") "\n";
    unsigned char packed[4096];
    struct td_import_result r;
    struct td_err err = {0};
    size_t first = gzip(one, sizeof one - 1, packed, sizeof packed);
    size_t len = first + gzip(two, sizeof two - 1, packed + first, sizeof packed - first);

    ASSERT_OK(read_text((char *)packed, len, (struct td_import_options){0}, &r, &err), err); /* two members are one file */
    assert_int_equal(sum_bars(&r), 3);
    td_import_free(&r);
    for (size_t cut = 1; cut < len; cut++) { /* every truncation is seen, except between members */
        enum td_code code = read_text((char *)packed, cut, (struct td_import_options){0}, &r, &err);
        if (cut == first) {
            assert_int_equal(code, TD_OK);
            td_import_free(&r);
        } else if (cut > 1) {
            assert_int_equal(code, TD_DATA);
            assert_non_null(strstr(err.text, "gzip data ends early at byte"));
            assert_non_null(strstr(err.text, "/file"));
        } else {
            assert_int_equal(code, TD_DATA);
        }
    }
    memset(packed + len, 0, 100); /* padding of tapes and block devices */
    ASSERT_OK(read_text((char *)packed, len + 100, (struct td_import_options){0}, &r, &err), err);
    td_import_free(&r);
    memcpy(packed + len, "junk", 4);
    assert_int_equal(read_text((char *)packed, len + 4, (struct td_import_options){0}, &r, &err), TD_DATA);
    assert_non_null(strstr(err.text, "followed by something else"));
    for (size_t i = 10; i < first; i++) { /* a flipped bit in the first member never passes */
        packed[i] ^= 4;
        assert_int_equal(read_text((char *)packed, len, (struct td_import_options){0}, &r, &err), TD_DATA);
        packed[i] ^= 4;
    }
}

static void test_gzip_bomb(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    static unsigned char packed[65536];
    struct td_import_result r;
    struct td_err err = {0};
    char *zeros = calloc(SIZE, 1);
    assert_non_null(zeros);
    memset(zeros, '\n', SIZE);
    size_t len = gzip(zeros, SIZE, packed, sizeof packed);
    free(zeros);
    assert_int_equal(read_text((char *)packed, len, (struct td_import_options){.max_bytes = 1 << 20}, &r, &err), TD_LIMIT);
    assert_non_null(strstr(err.text, "more than 1048576 bytes after decompression"));
}

/* ---- hostile ---- */

static void test_mutations(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        HEADER ROW("00") "\n\"2025-01-02 15:01:00Z\",10,12,9,11,\"1,000\"\n" ROW("02"),
        "ticker,volume,open,close,high,low,window_start,transactions\nA,1,10,11,12,9,1735830000000000000,5\nB,1.5,10,11,12,9,1735830060000000000,\n",
        "{\"ticker\":\"T\",\"results\":[{\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830000000},{\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830060000}]}",
        "{\"Meta Data\":{\"2. Symbol\":\"T\",\"6. Time Zone\":\"US/Eastern\"},\"Time Series (1min)\":{\"2025-01-02 10:01:00\":{\"1. open\":\"10\",\"2. high\":\"12\",\"3. low\":\"9\",\"4. close\":\"11\",\"5. volume\":\"1\"}}}",
    };
    uint64_t random = 1;
    unsigned good = 0;
    for (size_t s = 0; s < TD_COUNT(seeds); s++) {
        size_t len = strlen(seeds[s]);
        for (int round = 0; round < 1500; round++) {
            char text[1024];
            size_t size = len;
            memcpy(text, seeds[s], len);
            for (unsigned k = 0; k < 1 + (unsigned)round % 4; k++) {
                random = td_mix64(random + 1);
                static const char interesting[] = "\0\"\n\r,;.-+eE{}[]:9 T\xff\xef";
                text[random % size] = (random >> 20) % 2 ? interesting[(random >> 32) % (sizeof interesting - 1)]
                                                         : (char)(random >> 40);
            }
            if (round % 5 == 0)
                size = random % len;
            struct td_import_result r;
            struct td_err err = {0};
            good += read_text(text, size, (struct td_import_options){.ticker_from_name = true}, &r, &err) == TD_OK;
            td_import_free(&r);
        }
    }
    assert_true(good > 1000);
}

static void test_failing_allocations(void **state)
{
    (void)state;
    /* A is emptied by a conflict, so B and C move up, and then C fails to be sorted: nothing may be freed twice. */
    static const char csv[] = "ticker,timestamp,open,high,low,close,volume\nA,2025-01-02 15:01:00Z,10,12,9,11,1\n"
                              "A,2025-01-02 15:01:00Z,10,12,9,11,2\nB,2025-01-02 15:00:00Z,10,12,9,11,1\n"
                              "C,2025-01-02 15:01:00Z,10,12,9,11,1\nC,2025-01-02 15:00:00Z,10,12,9,11,1\n";
    static const char json[] = "{\"ticker\":\"T\",\"results\":[{\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830060000},{\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830000000}]}";
    unsigned char packed[4096];
    const struct {
        const void *data;
        size_t len;
    } inputs[] = {{csv, sizeof csv - 1}, {json, sizeof json - 1}, {packed, gzip(csv, sizeof csv - 1, packed, sizeof packed)}};
    for (size_t i = 0; i < TD_COUNT(inputs); i++) {
        char path[256];
        td_copy(path, sizeof path, write_scratch("T_x", inputs[i].data, inputs[i].len));
        for (long n = 1;; n++) {
            struct td_import_options options = {.ticker_from_name = true};
            struct td_import_result r;
            struct td_err err = {0};
            td_alloc_fail_after(n);
            enum td_code code = td_import_read(path, &options, &r, &err);
            td_alloc_fail_after(0);
            if (code == TD_OK) {
                assert_true(n > 10);
                check_invariants(&r, false);
                td_import_free(&r);
                break;
            }
            if (code != TD_NOMEM)
                fail_msg("input %zu, allocation %ld: %s %s", i, n, td_code_name(code), err.text);
        }
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_files),
        cmocka_unit_test(test_real_values),
        cmocka_unit_test(test_panel_nulls),
        cmocka_unit_test(test_end_stamps),
        cmocka_unit_test(test_quarter_of_minutes),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_gzip_bomb),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_parquet_is_recognised),
        cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests_name("feed/import", tests, set_up, tear_down);
}
