/* SPDX-License-Identifier: GPL-3.0-or-later
 * Import of local files: stamps of every kind, every CSV and JSON oddity, names of columns, refusals. */
#include "feed/import_check.h"

#include "import_private.h"

/* ---- stamps ---- */

static void test_stamps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct td_import_options options;
        enum td_reason reason;
        const char *when;
    } cases[] = {
        {"2025-01-02 09:00:00+00:00", {0}, TD_REASON_NONE, "2025-01-02T09:00:00Z"},
        {"2025-01-02T09:00:00Z", {0}, TD_REASON_NONE, "2025-01-02T09:00:00Z"},
        {"2025-01-02T09:00:00.000Z", {.new_york = true}, TD_REASON_NONE, "2025-01-02T09:00:00Z"},
        {"2025-01-02 09:00", {0}, TD_REASON_NONE, "2025-01-02T09:00:00Z"},
        {"2025-01-02 09:00:00", {.new_york = true}, TD_REASON_NONE, "2025-01-02T14:00:00Z"},
        {"2025-07-02 09:00:00", {.new_york = true}, TD_REASON_NONE, "2025-07-02T13:00:00Z"},
        {"2025-03-09 01:59:00", {.new_york = true}, TD_REASON_NONE, "2025-03-09T06:59:00Z"}, /* the change is at 02:00 */
        {"2025-03-09 03:00:00", {.new_york = true}, TD_REASON_NONE, "2025-03-09T07:00:00Z"},
        {"2025-03-09 04:00:00", {.new_york = true}, TD_REASON_NONE, "2025-03-09T08:00:00Z"},
        {"2025-11-02 00:30:00", {.new_york = true}, TD_REASON_NONE, "2025-11-02T04:30:00Z"},
        {"2025-11-02 04:00:00", {.new_york = true}, TD_REASON_NONE, "2025-11-02T09:00:00Z"},
        {"2025-03-07 23:59:00", {.new_york = true}, TD_REASON_NONE, "2025-03-08T04:59:00Z"},
        {"2024-02-20 04:00:00-05:00", {.new_york = true}, TD_REASON_NONE, "2024-02-20T09:00:00Z"},
        {"2024-02-20 04:00:00 -0500", {0}, TD_REASON_NONE, "2024-02-20T09:00:00Z"},
        {"2024-02-20 04:00:00-05", {0}, TD_REASON_NONE, "2024-02-20T09:00:00Z"},
        {"2024-02-20 04:00:00 EST", {0}, TD_REASON_NONE, "2024-02-20T09:00:00Z"},
        {"2024-07-20 04:00:00 EDT", {0}, TD_REASON_NONE, "2024-07-20T08:00:00Z"},
        {"2024-07-20 04:00:00 UTC", {.new_york = true}, TD_REASON_NONE, "2024-07-20T04:00:00Z"},
        {"2024/02/20 04:00:00", {0}, TD_REASON_NONE, "2024-02-20T04:00:00Z"},
        {"20240220 04:00:00", {0}, TD_REASON_NONE, "2024-02-20T04:00:00Z"},
        {"20240220  04:00:00", {0}, TD_REASON_NONE, "2024-02-20T04:00:00Z"},
        {"9/26/2017 9:30:00", {.new_york = true}, TD_REASON_NONE, "2017-09-26T13:30:00Z"},
        {"9/26/2017 9:30", {.new_york = true}, TD_REASON_NONE, "2017-09-26T13:30:00Z"},
        {"09/26/2017 01:30:00 PM", {.new_york = true}, TD_REASON_NONE, "2017-09-26T17:30:00Z"},
        {"9/26/2017 12:00 AM", {0}, TD_REASON_NONE, "2017-09-26T00:00:00Z"},
        {"2018-02-16 09:31:00", {.new_york = true, .end_stamped = true}, TD_REASON_NONE, "2018-02-16T14:30:00Z"},
        {"2018-02-16 09:30:00", {.new_york = true, .end_stamped = true}, TD_REASON_NONE, "2018-02-16T14:29:00Z"},
        {"2024-02-29 00:00:00", {0}, TD_REASON_NONE, "2024-02-29T00:00:00Z"},
        {"2025-02-29 09:00:00", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-13-01 09:00:00", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 24:00:00", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:60:00", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:00:60", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 13:00:00 PM", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:00:00+0", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:00:00+25:00", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:00:00 CET", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:00:00x", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02", {0}, TD_REASON_UNREADABLE, NULL}, /* a minute needs a time of day */
        {"26/9/2017 9:30:00", {0}, TD_REASON_UNREADABLE, NULL},
        {"yesterday", {0}, TD_REASON_UNREADABLE, NULL},
        {"", {0}, TD_REASON_UNREADABLE, NULL},
        {"2025-01-02 09:00:00.000001", {0}, TD_REASON_TIME, NULL},
        {"2019-02-15", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"02/15/2019", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"20190215", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"2019-02-15 00:00:00", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"2019-02-15 00:00:00+00:00", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"2019-02-15 00:00:00-05:00", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"2019-02-15T21:00:00Z", {.daily = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"}, /* the close */
        {"2019-02-15 16:00:00", {.daily = true, .new_york = true}, TD_REASON_NONE, "2019-02-15T05:00:00Z"},
        {"2018-11-23 13:00:00", {.daily = true, .new_york = true}, TD_REASON_NONE, "2018-11-23T05:00:00Z"}, /* early close */
        {"2019-02-15 13:00:00", {.daily = true, .new_york = true}, TD_REASON_NONE, "2019-02-15T18:00:00Z"}, /* left as it is */
        {"1790947800", {.time = TD_TIME_S}, TD_REASON_NONE, "2026-10-02T13:30:00Z"},
        {"1790947800000", {.time = TD_TIME_MS}, TD_REASON_NONE, "2026-10-02T13:30:00Z"},
        {"1790947800000000", {.time = TD_TIME_US}, TD_REASON_NONE, "2026-10-02T13:30:00Z"},
        {"1790947800000000000", {.time = TD_TIME_NS}, TD_REASON_NONE, "2026-10-02T13:30:00Z"},
        {"1790947800000000001", {.time = TD_TIME_NS}, TD_REASON_TIME, NULL}, /* all 19 digits count */
        {"1790947800.0", {.time = TD_TIME_S}, TD_REASON_NONE, "2026-10-02T13:30:00Z"},
        {"1.7909478e9", {.time = TD_TIME_S}, TD_REASON_NONE, "2026-10-02T13:30:00Z"},
        {"1790947800.5", {.time = TD_TIME_S}, TD_REASON_UNREADABLE, NULL},
        {"9223372036854775807", {.time = TD_TIME_S}, TD_REASON_TIME, NULL},
        {"-9223372036854775808", {.time = TD_TIME_S}, TD_REASON_TIME, NULL},
        {"9223372036854775807", {.time = TD_TIME_MS, .daily = true}, TD_REASON_TIME, NULL},
        {"99999999999999999999", {.time = TD_TIME_NS}, TD_REASON_UNREADABLE, NULL},
        {"1790913600000", {.time = TD_TIME_MS, .daily = true}, TD_REASON_NONE, "2026-10-02T04:00:00Z"},
        {"1790899200000", {.time = TD_TIME_MS, .daily = true}, TD_REASON_NONE, "2026-10-02T04:00:00Z"}, /* midnight UTC */
        {"1790971200000", {.time = TD_TIME_MS, .daily = true}, TD_REASON_NONE, "2026-10-02T04:00:00Z"}, /* the close */
        {"2.1.2024 09:30", {.time = TD_TIME_FORMAT, .strptime = "%d.%m.%Y %H:%M", .new_york = true}, TD_REASON_NONE, "2024-01-02T14:30:00Z"},
        {"02-Jan-24 09:30", {.time = TD_TIME_FORMAT, .strptime = "%d-%b-%y %H:%M"}, TD_REASON_NONE, "2024-01-02T09:30:00Z"},
        {"2024-01-02 09:30 -0500", {.time = TD_TIME_FORMAT, .strptime = "%Y-%m-%d %H:%M %z"}, TD_REASON_NONE, "2024-01-02T14:30:00Z"},
        {"2.1.2024", {.time = TD_TIME_FORMAT, .strptime = "%d.%m.%Y", .daily = true}, TD_REASON_NONE, "2024-01-02T05:00:00Z"},
        {"31.2.2024", {.time = TD_TIME_FORMAT, .strptime = "%d.%m.%Y", .daily = true}, TD_REASON_UNREADABLE, NULL},
        {"2.1.2024 x", {.time = TD_TIME_FORMAT, .strptime = "%d.%m.%Y", .daily = true}, TD_REASON_UNREADABLE, NULL},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct import_clock clock;
        struct td_err err = {0};
        int64_t ms = 0;
        char exact[64]; /* no terminator behind it: reading past the end shows under the sanitizers */
        size_t len = strlen(cases[i].text);
        char *heap = malloc(len + 1);
        assert_non_null(heap);
        memcpy(heap, cases[i].text, len);
        heap = realloc(heap, len ? len : 1);
        assert_non_null(heap);
        ASSERT_OK(import_clock_init(&clock, &cases[i].options, &err), err);
        struct import_cell cell = import_text(heap, len);
        enum td_reason reason = import_clock_read(&clock, &cell, &ms);
        free(heap);
        td_format_ts(ms, exact);
        if (reason != cases[i].reason || (reason == TD_REASON_NONE && ms != utc(cases[i].when)))
            fail_msg("'%s' (case %zu): %s %s", cases[i].text, i, td_reason_text(reason), exact);
    }
    struct import_clock clock;
    struct td_err err = {0};
    struct td_import_options bad = {.time = TD_TIME_FORMAT, .strptime = "%s"};
    assert_int_equal(import_clock_init(&clock, &bad, &err), TD_USAGE);
    bad.strptime = NULL;
    assert_int_equal(import_clock_init(&clock, &bad, &err), TD_USAGE);
}

static void test_unit_is_a_property_of_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *stamps[4];
        uint64_t bars;
    } cases[] = {
        {{"1790947800", "1790947860", "1790947920", "1790947980"}, 4},
        {{"1790947800000", "1790947860000", "1790947920000", "1790947980000"}, 4},
        {{"1790947800000000", "1790947860000000", "1790947920000000", "1790947980000000"}, 4},
        {{"1790947800000000000", "1790947860000000000", "1790947920000000000", "1790947980000000000"}, 4},
        {{"1790947800", "1790947860000", "1790947920000", "1790947980000"}, 3}, /* one of another unit is not believed */
        {{"2026-10-02 13:30:00", "1790947860000", "2026-10-02 13:32:00", "2026-10-02 13:33:00"}, 3},
        {{"oops", "1790947860000", "1790947920000", "1790947980000"}, 3},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char text[512];
        struct td_import_result r;
        struct td_err err = {0};
        int len = snprintf(text, sizeof text, "t,o,h,l,c,v\n%s,1,2,1,2,5\n%s,1,2,1,2,5\n%s,1,2,1,2,5\n%s,1,2,1,2,5\n",
                           cases[i].stamps[0], cases[i].stamps[1], cases[i].stamps[2], cases[i].stamps[3]);
        ASSERT_OK(read_text(text, (size_t)len, (struct td_import_options){0}, &r, &err), err);
        assert_int_equal(sum_bars(&r), cases[i].bars);
        assert_int_equal(r.rows_read, 4);
        (void)bar_at(&r, "T", "2026-10-02T13:33:00Z");
        td_import_free(&r);
    }
}

/* ---- CSV ---- */


static void test_csv_forms(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        uint64_t rows, bars;
        enum td_reason reason;
    } cases[] = {
        {"plain", HEADER ROW("00") "\n" ROW("01") "\n", 2, 2, TD_REASON_NONE},
        {"no last newline", HEADER ROW("00") "\n" ROW("01"), 2, 2, TD_REASON_NONE},
        {"crlf", "timestamp,open,high,low,close,volume\r\n" ROW("00") "\r\n" ROW("01") "\r\n", 2, 2, TD_REASON_NONE},
        {"crlf without the last", "timestamp,open,high,low,close,volume\r\n" ROW("00") "\r\n" ROW("01"), 2, 2, TD_REASON_NONE},
        {"bom", "\xef\xbb\xbf" HEADER ROW("00") "\n", 1, 1, TD_REASON_NONE},
        {"blank lines", "\n\n" HEADER "\n" ROW("00") "\n\r\n\n" ROW("01") "\n\n", 2, 2, TD_REASON_NONE},
        {"header only", HEADER, 0, 0, TD_REASON_NONE},
        {"quoted", "\"timestamp\",\"open\",\"high\",\"low\",\"close\",\"volume\"\n\"2025-01-02 15:00:00Z\",\"10\",\"12\",\"9\",\"11\",\"100\"\n", 1, 1, TD_REASON_NONE},
        {"dressed numbers", HEADER "2025-01-02 15:00:00Z,$10.00,\"$1,200.50\", 9 ,\"$1,100\",\"1,234,567\"\n", 1, 1, TD_REASON_NONE},
        {"unquoted thousands", HEADER "2025-01-02 15:00:00Z,10,12,9,11,1,234\n", 1, 0, TD_REASON_UNREADABLE},
        {"quoted newline and doubled quote in an unused column", "timestamp,open,high,low,close,volume,note\n" ROW("00") ",\"a \"\"b\"\"\nc,d\"\n" ROW("01") ",\n", 2, 2, TD_REASON_NONE},
        {"quote inside a bare field", "timestamp,open,high,low,close,volume,note\n" ROW("00") ",5\" nail\n" ROW("01") ",x\n", 2, 2, TD_REASON_NONE},
        {"text behind a closing quote", "timestamp,open,high,low,close,volume,note\n" ROW("00") ",\"a\"b\n" ROW("01") ",x\n", 2, 1, TD_REASON_UNREADABLE},
        {"semicolons", "timestamp;open;high;low;close;volume\n2025-01-02 15:00:00Z;10;12;9;11;100\n", 1, 1, TD_REASON_NONE},
        {"tabs", "timestamp\topen\thigh\tlow\tclose\tvolume\n2025-01-02 15:00:00Z\t10\t12\t9\t11\t100\n", 1, 1, TD_REASON_NONE},
        {"trailing delimiters", HEADER ROW("00") ",,\n", 1, 1, TD_REASON_NONE},
        {"short row", HEADER "2025-01-02 15:00:00Z,10,12\n" ROW("01") "\n", 2, 1, TD_REASON_UNREADABLE},
        {"long row", HEADER ROW("00") ",7\n", 1, 0, TD_REASON_UNREADABLE},
        {"repeated header", HEADER ROW("00") "\n" HEADER ROW("01") "\n", 3, 2, TD_REASON_UNREADABLE},
        {"empty price", HEADER "2025-01-02 15:00:00Z,,12,9,11,100\n", 1, 0, TD_REASON_UNREADABLE},
        {"nan price", HEADER "2025-01-02 15:00:00Z,nan,12,9,11,100\n", 1, 0, TD_REASON_NOT_FINITE},
        {"inf price", HEADER "2025-01-02 15:00:00Z,10,inf,9,11,100\n", 1, 0, TD_REASON_NOT_FINITE},
        {"zero price", HEADER "2025-01-02 15:00:00Z,0,12,0,11,100\n", 1, 0, TD_REASON_PRICE},
        {"high below close", HEADER "2025-01-02 15:00:00Z,10,10.5,9,11,100\n", 1, 0, TD_REASON_OHLC},
        {"negative volume", HEADER "2025-01-02 15:00:00Z,10,12,9,11,-1\n", 1, 0, TD_REASON_VOLUME},
        {"seconds", HEADER "2025-01-02 15:00:01Z,10,12,9,11,100\n", 1, 0, TD_REASON_TIME},
        {"far future", HEADER "2125-01-02 15:00:00Z,10,12,9,11,100\n", 1, 0, TD_REASON_TIME},
        {"hex price", HEADER "2025-01-02 15:00:00Z,0x10,12,9,11,100\n", 1, 0, TD_REASON_UNREADABLE},
        {"price out of double", HEADER "2025-01-02 15:00:00Z,1e999,12,9,11,100\n", 1, 0, TD_REASON_UNREADABLE},
        {"identical duplicate", HEADER ROW("00") "\n" ROW("00") "\n" ROW("00") "\n", 3, 1, TD_REASON_NONE},
        {"conflict", HEADER ROW("00") "\n" ROW("01") "\n2025-01-02 15:00:00Z,10,12,9,11.5,100\n", 3, 1, TD_REASON_CONFLICT},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_import_result r;
        struct td_err err = {0};
        enum td_code code = read_text(cases[i].text, strlen(cases[i].text), (struct td_import_options){0}, &r, &err);
        bool wrong = code != TD_OK || r.rows_read != cases[i].rows || sum_bars(&r) != cases[i].bars;
        if (cases[i].reason != TD_REASON_NONE)
            wrong |= r.quarantined[cases[i].reason] != cases[i].rows - cases[i].bars;
        if (wrong)
            fail_msg("%s: %s; %llu rows, %llu bars, %s", cases[i].name, err.text, (unsigned long long)r.rows_read,
                     (unsigned long long)sum_bars(&r), r.detail);
        td_import_free(&r);
    }
}

static void test_csv_values(void **state)
{
    (void)state;
    static const char text[] =
        "Symbol,Window_Start,OPEN,Close,High,Low,Vol,VW,N,Adj Close\n"
        "A,1735830000000,10.1,10.25,10.5,10.05,,,,1\n"
        "A,1735830060000,10.1,10.25,10.5,10.05,N/A,null,NaN,1\n"
        "A,1735830120000,10.1,10.25,10.5,10.05,0,0,0,1\n"
        "A,1735830180000,10.1,10.25,10.5,10.05,1.5e3,10.2,72.0,1\n"
        "NA,1735830180000,10.1,10.25,10.5,10.05,123.250000,10.2,7,1\n"
        " BApA ,1735830180000,10.1,10.25,10.5,10.05,5,10.2,7,1\n"
        "NULL,1735830180000,10.1,10.25,10.5,10.05,5,10.2,7.5,1\n"
        ",1735830180000,10.1,10.25,10.5,10.05,5,10.2,7,1\n"
        "A B,1735830180000,10.1,10.25,10.5,10.05,5,10.2,7,1\n"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,1735830180000,10.1,10.25,10.5,10.05,5,10.2,7,1\n";
    struct td_import_result r;
    struct td_err err = {0};
    ASSERT_OK(read_text(text, sizeof text - 1, (struct td_import_options){.ticker_from_name = true}, &r, &err), err);
    expect_bar(&r, "A", "2025-01-02T15:00:00Z", 10.1, 10.5, 10.05, 10.25, (double)NAN);
    expect_bar(&r, "A", "2025-01-02T15:01:00Z", 10.1, 10.5, 10.05, 10.25, (double)NAN);
    expect_bar(&r, "A", "2025-01-02T15:02:00Z", 10.1, 10.5, 10.05, 10.25, 0);
    expect_bar(&r, "A", "2025-01-02T15:03:00Z", 10.1, 10.5, 10.05, 10.25, 1500);
    struct td_bar none = bar_at(&r, "A", "2025-01-02T15:01:00Z"), some = bar_at(&r, "A", "2025-01-02T15:03:00Z");
    assert_true(isnan(none.vwap) && none.trades == TD_NO_COUNT && some.vwap == 10.2 && some.trades == 72);
    expect_bar(&r, "NA", "2025-01-02T15:03:00Z", 10.1, 10.5, 10.05, 10.25, 123.25); /* a ticker, not a missing value */
    (void)bar_at(&r, "BApA", "2025-01-02T15:03:00Z");
    assert_int_equal(r.count, 3);
    assert_int_equal(r.quarantined[TD_REASON_UNREADABLE], 1); /* 7.5 trades */
    assert_int_equal(r.quarantined[TD_REASON_TICKER], 3);
    assert_string_equal(r.detail, "file:8: unreadable: 1735830180000");
    td_import_free(&r);

    /* --ticker with a ticker column: rows of other tickers are not let in */
    ASSERT_OK(read_text(text, sizeof text - 1, (struct td_import_options){.ticker = "NA"}, &r, &err), err);
    assert_int_equal(r.count, 1);
    assert_int_equal(sum_bars(&r), 1);
    assert_int_equal(r.quarantined[TD_REASON_TICKER], 9);
    td_import_free(&r);
}

static void test_detail_names_the_line(void **state)
{
    (void)state;
    static const char text[] = "\ntimestamp,open,high,low,close,volume,note\n" ROW("00") ",\"one\ntwo\nthree\"\n"
                               "2025-01-02 15:01:00Z,10,8,9,11,100,\x1b[31m\n" ROW("02") ",\n";
    struct td_import_result r;
    struct td_err err = {0};
    ASSERT_OK(read_text(text, sizeof text - 1, (struct td_import_options){0}, &r, &err), err);
    assert_int_equal(sum_bars(&r), 2);
    assert_string_equal(r.detail, "file:6: ohlc_inconsistent: 2025-01-02 15:01:00Z");
    td_import_free(&r);
    static const char broken[] = HEADER "\x1b[31mred\n";
    ASSERT_OK(read_text(broken, sizeof broken - 1, (struct td_import_options){0}, &r, &err), err);
    assert_string_equal(r.detail, "file:2: unreadable: \\x1b[31mred"); /* harmless on a terminal */
    td_import_free(&r);
}

static void test_daily_sessions(void **state)
{
    (void)state;
    static const char text[] = "Date,Open,High,Low,Close,Volume\n2025-01-08,1,2,1,2,5\n2025-01-09,1,2,1,2,5\n"
                               "2025-01-10,1,2,1,2,\n2025-01-11,1,2,1,2,5\n";
    struct td_import_result r;
    struct td_err err = {0};
    ASSERT_OK(read_text(text, sizeof text - 1, (struct td_import_options){.daily = true}, &r, &err), err);
    assert_int_equal(sum_bars(&r), 2);
    assert_int_equal(r.quarantined[TD_REASON_NON_SESSION], 2); /* a day of mourning and a Saturday */
    expect_bar(&r, "T", "2025-01-10T05:00:00Z", 1, 2, 1, 2, (double)NAN);
    assert_string_equal(r.detail, "file:3: non_session: 2025-01-09");
    td_import_free(&r);
}

static void test_refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        struct td_import_options options;
        enum td_code code;
        const char *says;
    } cases[] = {
        {"empty", "", {0}, TD_DATA, "empty"},
        {"blank", "\n\n  ", {0}, TD_DATA, "the file is blank"},
        {"unknown names", "when,a,b,p,d,e\n1,2,3,4,5,6\n", {0}, TD_DATA, "which column is timestamp, open, high, low, close, volume? The header is: when,a,b,p,d,e. Say it with --columns timestamp=NAME,open=NAME"},
        {"one missing", "timestamp,open,high,low,close,size\n", {0}, TD_DATA, "which column is volume? The header is: timestamp,open,high,low,close,size. Say it with --columns volume=NAME"},
        {"no ticker", HEADER ROW("00") "\n", {.ticker_from_name = true, .ticker = ""}, TD_OK, ""},
        {"control bytes in the header", "\x1b[31m,open,high,low,close,volume\n", {0}, TD_DATA, "The header is: \\x1b"},
        {"wrong role", HEADER, {.columns = "stamp=timestamp"}, TD_USAGE, "'stamp=timestamp' is not NAME=COLUMN"},
        {"no sign", HEADER, {.columns = "timestamp"}, TD_USAGE, "NAME=COLUMN"},
        {"wrong column", HEADER, {.columns = "volume=Size"}, TD_DATA, "no column 'Size'; the header is: timestamp"},
        {"wrong part", HEADER, {.columns = "timestamp=timestamp+ToD"}, TD_DATA, "no column 'ToD'"},
        {"too many parts", "a,b,c,d,open,high,low,close,volume\n", {.columns = "timestamp=a+b+c+d"}, TD_USAGE, "at most"},
        {"price left out", HEADER, {.columns = "open="}, TD_DATA, "no column ''"},
        {"open quote", HEADER ROW("00") ",\"oops\n" ROW("01") "\n", {0}, TD_DATA, "file:2: a quote that is never closed"},
        {"bad ticker", HEADER, {.ticker = "A B"}, TD_USAGE, "is no ticker"},
        {"parquet", "PAR1xxxxPAR1", {0}, TD_UNSUPPORTED, "Parquet"},
        {"zstd", "\x28\xb5\x2f\xfd....", {0}, TD_UNSUPPORTED, "zstd"},
        {"zip", "PK\x03\x04....", {0}, TD_UNSUPPORTED, "zip"},
        {"utf-16", "\xff\xfet\x01", {0}, TD_UNSUPPORTED, "UTF-16"},
        {"over the cap", HEADER ROW("00") "\n" ROW("01") "\n", {.max_bytes = 64}, TD_LIMIT, "more than 64 bytes"},
        {"json without bars", "{\"Note\": \"Thank you. 5 calls per minute.\"}", {0}, TD_DATA, "it says: Thank you."},
        {"half a json", "{\"results\":[{\"t\":1", {0}, TD_DATA, "no valid JSON at line 1"},
        {"json about another", "{\"ticker\":\"B\",\"results\":[{\"t\":1790947800000,\"o\":1,\"h\":1,\"l\":1,\"c\":1,\"v\":1}]}", {.ticker = "A"}, TD_DATA, "about B, not about --ticker A"},
        {"json of unknown keys", "[{\"when\":1,\"price\":2}]", {0}, TD_DATA, "The header is: when,price"},
        {"json zone", "{\"Meta Data\":{\"2. Symbol\":\"T\",\"6. Time Zone\":\"Asia/Tokyo\"},\"Time Series (1min)\":{}}", {0}, TD_UNSUPPORTED, "Asia/Tokyo"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_import_result r;
        struct td_err err = {0};
        enum td_code code = read_text(cases[i].text, strlen(cases[i].text), cases[i].options, &r, &err);
        if (code != cases[i].code || !strstr(err.text, cases[i].says))
            fail_msg("%s: %s '%s'", cases[i].name, td_code_name(code), err.text);
        td_import_free(&r);
    }
    struct td_import_options options = {0};
    struct td_import_result r;
    struct td_err err = {0};
    assert_int_equal(td_import_read("/nonexistent/file.csv", &options, &r, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "/nonexistent/file.csv"));
    assert_int_equal(td_import_read(scratch, &options, &r, &err), TD_IO); /* a folder */
    const char *path = write_scratch("data.csv", HEADER ROW("00") "\n", strlen(HEADER ROW("00") "\n"));
    assert_int_equal(td_import_read(path, &options, &r, &err), TD_DATA); /* no ticker anywhere */
    assert_non_null(strstr(err.text, "--ticker-from-name"));
    unlink(path);
}

static void test_names_and_columns(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
        struct td_import_options options;
    } cases[] = {
        {"T.csv", "date,time,o,h,l,c,v\n2025-01-02,15:00,10,12,9,11,100\n", {0}},
        {"T.json.gz", "Date,ToD,Open,High,Low,Close,Volume\n2025-01-02,15:00:00,10,12,9,11,100\n", {0}},
        {"T_1min_x.csv", "ts,Open Price,high_price,Low Price,CLOSE_PRICE,vol\n2025-01-02T15:00:00Z,10,12,9,11,100\n", {0}},
        {"T.csv.gz", "c,v,h,l,o,t\n11,100,12,9,10,1735830000000\n", {0}},
        {"X.csv", "T,c,v,h,l,o,t\nT,11,100,12,9,10,1735830000000\n", {0}},
        {"T.csv", "T,C,V,H,L,O\n1735830000000,11,100,12,9,10\n", {0}},
        {"T.csv", "a,b,p,q,r,s,size\n2025-01-02,15:00:00,10,12,9,11,100\n", {.columns = "timestamp=a+b,open=p,high=q,low=r,close=s,volume=size"}},
        {"T.csv", "d+t,open,high,low,close,volume\n2025-01-02 15:00:00,10,12,9,11,100\n", {.columns = "timestamp=d+t"}},
        {"T.csv", "timestamp,open,high,low,close,volume,Volume\n2025-01-02 15:00:00,10,12,9,11,7,100\n", {.columns = "volume=Volume"}},
        {"T.csv", "timestamp,bid,open,high,low,close,volume\n2025-01-02 15:00:00,1,10,12,9,11,100\n", {0}},
        {"X.csv", "name,timestamp,open,high,low,close,volume\nT,2025-01-02 15:00:00,10,12,9,11,100\n", {.columns = "ticker=name"}},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_import_options options = cases[i].options;
        struct td_import_result r;
        struct td_err err = {0};
        options.ticker_from_name = true;
        const char *path = write_scratch(cases[i].name, cases[i].text, strlen(cases[i].text));
        ASSERT_OK(td_import_read(path, &options, &r, &err), err);
        unlink(path);
        check_invariants(&r, false);
        expect_bar(&r, "T", "2025-01-02T15:00:00Z", 10, 12, 9, 11, 100);
        td_import_free(&r);
    }
    /* volume= : the file has none */
    struct td_import_result r;
    struct td_err err = {0};
    static const char index[] = "date,open,high,low,close\n2025-01-02 15:00:00,10,12,9,11\n";
    ASSERT_OK(read_text(index, sizeof index - 1, (struct td_import_options){.columns = "volume="}, &r, &err), err);
    expect_bar(&r, "T", "2025-01-02T15:00:00Z", 10, 12, 9, 11, (double)NAN);
    td_import_free(&r);
}

static void test_blocks(void **state)
{
    (void)state;
    /* More than one block of text, records across its borders, quotes in some of them. */
    struct td_buf text;
    struct td_import_result r;
    struct td_err err = {0};
    enum { ROWS = 60000 };
    td_buf_init(&text, (size_t)64 << 20);
    td_buf_adds(&text, "t,o,h,l,c,v,note\n");
    for (int i = 0; i < ROWS; i++)
        td_buf_printf(&text, "%lld,10,12,9,%d.%02d,%d,%s\n", 1735830000LL + 60 * i, 10 + i % 2, i % 100, i,
                      i % 97 ? "x" : "\"two\nlines, and \"\"quotes\"\"\"");
    ASSERT_OK(read_text(text.data, text.len, (struct td_import_options){0}, &r, &err), err);
    assert_int_equal(sum_bars(&r), ROWS);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(r.series[0].bars.ts[i], (1735830000LL + 60 * i) * 1000);
        assert_true(r.series[0].bars.volume[i] == i);
    }
    td_import_free(&r);
    /* One record that never ends within a block. */
    td_buf_clear(&text);
    td_buf_adds(&text, HEADER "\"");
    for (int i = 0; i < 300000; i++)
        td_buf_adds(&text, "long\n");
    assert_int_equal(read_text(text.data, text.len, (struct td_import_options){0}, &r, &err), TD_DATA);
    assert_non_null(strstr(err.text, "file:2: a record of more than"));
    td_buf_free(&text);
}

/* ---- JSON ---- */

static void test_json_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *source;
        bool daily;
        uint64_t rows, bars;
        int adjusted;
        const char *first;
    } cases[] = {
        {"vendor", "{\"ticker\":\"T\",\"adjusted\":false,\"results\":[{\"v\":1e3,\"vw\":10.5,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830000000,\"n\":7},{\"v\":5,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830060000.0}],\"status\":\"OK\"}",
         "vendor-json", false, 2, 2, 0, "2025-01-02T15:00:00Z"},
        {"vendor adjusted", "{\"adjusted\":true,\"results\":[{\"T\":\"T\",\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830000000}]}", "vendor-json", false, 1, 1, 1, "2025-01-02T15:00:00Z"},
        {"vendor empty", "{\"ticker\":\"T\",\"resultsCount\":0,\"adjusted\":false,\"status\":\"OK\"}", "vendor-json", false, 0, 0, 0, NULL},
        {"grouped, stamped at the close", "{\"results\":[{\"T\":\"T\",\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735851600000},{\"T\":\"U\",\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735851600000}]}", "vendor-json", true, 2, 2, -1, "2025-01-02T05:00:00Z"},
        {"alpha vantage intraday", "\xef\xbb\xbf{\"Meta Data\":{\"2. Symbol\":\"T\",\"6. Time Zone\":\"US/Eastern\"},\"Time Series (1min)\":{\"2025-01-02 10:01:00\":{\"1. open\":\"10\",\"2. high\":\"12\",\"3. low\":\"9\",\"4. close\":\"11\",\"5. volume\":\"100\"},\"2025-01-02 10:00:00\":{\"1. open\":\"10\",\"2. high\":\"12\",\"3. low\":\"9\",\"4. close\":\"11\",\"5. volume\":\"100\"}}}",
         "alphavantage", false, 2, 2, -1, "2025-01-02T15:00:00Z"},
        {"alpha vantage daily, adjusted close left alone", "{\"Meta Data\":{\"2. Symbol\":\"T\",\"5. Time Zone\":\"US/Eastern\"},\"Time Series (Daily)\":{\"2025-01-02\":{\"1. open\":\"10\",\"2. high\":\"12\",\"3. low\":\"9\",\"4. close\":\"11\",\"5. adjusted close\":\"5\",\"6. volume\":\"100\"}}}",
         "alphavantage", true, 1, 1, -1, "2025-01-02T05:00:00Z"},
        {"twelve data", "{\"meta\":{\"symbol\":\"T\"},\"values\":[{\"datetime\":\"2025-01-02 15:00:00\",\"open\":\"10\",\"high\":\"12\",\"low\":\"9\",\"close\":\"11\",\"volume\":\"100\"}],\"status\":\"ok\"}", "twelvedata", false, 1, 1, -1, "2025-01-02T15:00:00Z"},
        {"list", "[{\"date\":\"2025-01-02\",\"open\":10,\"high\":12,\"low\":9,\"close\":11,\"volume\":null}]", "json", true, 1, 1, -1, "2025-01-02T05:00:00Z"},
        {"odd rows", "{\"results\":[7,{},{\"v\":1,\"o\":10,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830000000},null,{\"v\":[],\"o\":{},\"c\":11,\"h\":12,\"l\":9,\"t\":1735830060000},{\"v\":1,\"o\":true,\"c\":11,\"h\":12,\"l\":9,\"t\":1735830120000}]}", "vendor-json", false, 6, 1, -1, "2025-01-02T15:00:00Z"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_import_result r;
        struct td_err err = {0};
        struct td_import_options options = {.daily = cases[i].daily, .ticker_from_name = true};
        if (strstr(cases[i].text, "\"T\":")) /* the name of the scratch file is a ticker, too */
            options = (struct td_import_options){.daily = cases[i].daily, .ticker_from_name = true};
        else if (!strstr(cases[i].text, "\"T\""))
            options = (struct td_import_options){.daily = cases[i].daily, .ticker = "T"};
        enum td_code code = read_text(cases[i].text, strlen(cases[i].text), options, &r, &err);
        if (code != TD_OK || r.rows_read != cases[i].rows || sum_bars(&r) != cases[i].bars ||
            strcmp(r.source, cases[i].source) != 0 || r.adjusted != cases[i].adjusted)
            fail_msg("%s: %s; %s, %llu rows, %llu bars, adjusted %d; %s", cases[i].name, err.text, r.source,
                     (unsigned long long)r.rows_read, (unsigned long long)sum_bars(&r), r.adjusted, r.detail);
        if (cases[i].first) {
            assert_string_equal(r.series[0].ticker, "T");
            struct td_bar bar = bar_at(&r, "T", cases[i].first);
            assert_true(bar.open == 10 && bar.high == 12 && bar.low == 9 && bar.close == 11);
        }
        td_import_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_unit_is_a_property_of_the_file),
        cmocka_unit_test(test_csv_forms),
        cmocka_unit_test(test_csv_values),
        cmocka_unit_test(test_detail_names_the_line),
        cmocka_unit_test(test_daily_sessions),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_names_and_columns),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_json_shapes),
    };
    return cmocka_run_group_tests_name("feed/import_forms", tests, set_up, tear_down);
}
