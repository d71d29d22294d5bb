/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writers: exact csv and json, tables for people, streams, and readers that go away. */
#include "view_rows.h"

static enum td_code write_model(const struct td_model *model, enum td_format format, int width, const char *columns,
                                struct td_buf *text)
{
    struct td_out out = {.format = format, .write = td_out_to_buf, .ctx = text, .width = width};
    struct td_err err;
    size_t map[16], count;
    if (!columns)
        return td_out_model(&out, model, NULL, 0, &err);
    ASSERT_OK(td_view_select(model, columns, map, TD_COUNT(map), &count, &err), err);
    return td_out_model(&out, model, map, count, &err);
}

static void expect_quotes(enum td_format format, int width, const char *columns, const char *expected)
{
    struct td_record_model rows;
    struct td_buf text;
    quote_model(&rows);
    td_buf_init(&text, 1 << 20);
    assert_int_equal(write_model(&rows.model, format, width, columns, &text), TD_OK);
    assert_string_equal(text.data, expected);
    td_buf_free(&text);
    td_record_model_free(&rows);
}

static void writes_csv(void **state)
{
    (void)state;
    expect_quotes(TD_FORMAT_CSV, 20, NULL,
                  "ticker,rvol30,pctchg_d,market_cap_d,close_d,trades,mins,trading_day,timestamp,info_rich,note\n"
                  "APPS,15.51,0.9684,420000000,5.61,120000,390,2025-02-06,2025-02-06T14:30:00.000Z,true,earnings\n"
                  "AAPL,0.81,-0.012,3500000000000,232.47,9007199254740993,390,2025-02-06,2025-02-06T14:31:00.000Z,false,"
                  "\"it's, \"\"big\"\"\"\n"
                  "NULL,,,,0.4321,,,,,,\n"
                  "BApA,3,0.2,500000000,20,9007199254740992,12,2025-02-07,2025-02-07T14:30:00.000Z,true,\n"
                  "NA,-0,-0.2,,1,-7,0,2025-02-05,2025-02-05T14:30:00.000Z,,\"halted\nT12\"\n");
    expect_quotes(TD_FORMAT_CSV, 0, "note,ticker", "note,ticker\nearnings,APPS\n\"it's, \"\"big\"\"\",AAPL\n,NULL\n,BApA\n"
                                                   "\"halted\nT12\",NA\n");
}

static void writes_json(void **state)
{
    (void)state;
    expect_quotes(TD_FORMAT_JSON, 20, "ticker,rvol30,trades,mins,day,timestamp,info_rich,note",
                  "[\n"
                  "{\"ticker\":\"APPS\",\"rvol30\":15.51,\"trades\":120000,\"mins\":390,\"trading_day\":\"2025-02-06\","
                  "\"timestamp\":\"2025-02-06T14:30:00.000Z\",\"info_rich\":true,\"note\":\"earnings\"},\n"
                  "{\"ticker\":\"AAPL\",\"rvol30\":0.81,\"trades\":9007199254740993,\"mins\":390,\"trading_day\":"
                  "\"2025-02-06\",\"timestamp\":\"2025-02-06T14:31:00.000Z\",\"info_rich\":false,"
                  "\"note\":\"it's, \\\"big\\\"\"},\n"
                  "{\"ticker\":\"NULL\",\"rvol30\":null,\"trades\":null,\"mins\":null,\"trading_day\":null,"
                  "\"timestamp\":null,\"info_rich\":null,\"note\":null},\n"
                  "{\"ticker\":\"BApA\",\"rvol30\":3,\"trades\":9007199254740992,\"mins\":12,\"trading_day\":\"2025-02-07\","
                  "\"timestamp\":\"2025-02-07T14:30:00.000Z\",\"info_rich\":true,\"note\":\"\"},\n"
                  "{\"ticker\":\"NA\",\"rvol30\":-0,\"trades\":-7,\"mins\":0,\"trading_day\":\"2025-02-05\","
                  "\"timestamp\":\"2025-02-05T14:30:00.000Z\",\"info_rich\":null,\"note\":\"halted\\nT12\"}\n"
                  "]\n");
}

static void writes_tables(void **state)
{
    /* trades and mins are not in the catalogue: bare name, exact number */
    (void)state;
    expect_quotes(TD_FORMAT_TABLE, 0, "ticker,close_d,chg,rvol30,cap,trades,mins,day,info_rich,note",
                  "TICKER   CLOSE    %CHG   RVOL    CAP            trades  mins  DAY         RICH  note\n"
                  "APPS      5.61  +96.84  15.51   420M            120000   390  2025-02-06  yes   earnings\n"
                  "AAPL    232.47   -1.20   0.81  3.50T  9007199254740993   390  2025-02-06  no    it's, \"big\"\n"
                  "NULL    0.4321     n/a    n/a    n/a               n/a   n/a  n/a         n/a   n/a\n"
                  "BApA     20.00  +20.00   3.00   500M  9007199254740992    12  2025-02-07  yes\n"
                  "NA        1.00  -20.00   0.00    n/a                -7     0  2025-02-05  n/a   halted\\x0aT12\n");
    expect_quotes(TD_FORMAT_TABLE, 0, "timestamp",
                  "TIME\n2025-02-06 09:30:00 ET\n2025-02-06 09:31:00 ET\nn/a\n2025-02-07 09:30:00 ET\n"
                  "2025-02-05 09:30:00 ET\n");
    expect_quotes(TD_FORMAT_TABLE, 30, "ticker,rvol30,note,day",
                  "TICKER   RVOL  note\n"
                  "APPS    15.51  earnings\n"
                  "AAPL     0.81  it's, \"big\"\n"
                  "NULL      n/a  n/a\n"
                  "BApA     3.00\n"
                  "NA       0.00  halted\\x0aT12\n"
                  "(1 more column than fit in 30 characters: trading_day; choose with --columns)\n");
    expect_quotes(TD_FORMAT_TABLE, 1, "trades,ticker,note",
                  "          trades\n          120000\n9007199254740993\n             n/a\n9007199254740992\n"
                  "              -7\n"
                  "(2 more columns than fit in 1 characters: ticker, note; choose with --columns)\n");
}

static void says_when_there_is_nothing(void **state)
{
    static const char *const expected[] = {"TICKER  RVOL\n(no rows)\n", "ticker,rvol30\n", "[]\n"};
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    rows.model.rows = 0;
    for (int format = TD_FORMAT_TABLE; format <= TD_FORMAT_JSON; format++) {
        struct td_buf text;
        td_buf_init(&text, 1 << 20);
        assert_int_equal(write_model(&rows.model, (enum td_format)format, 80, "ticker,rvol30", &text), TD_OK);
        assert_string_equal(text.data, expected[format]);
        td_buf_free(&text);
    }
    td_record_model_free(&rows);
}

/* ---- single cells ---- */

static struct td_cell number(double f)
{
    struct td_cell cell = {.kind = TD_KIND_F64};
    cell.v.f = f;
    return cell;
}

static struct td_cell integer(enum td_kind kind, int64_t i)
{
    struct td_cell cell = {.kind = kind};
    cell.v.i = i;
    return cell;
}

static struct td_cell text_cell(enum td_kind kind, const char *text, size_t len)
{
    struct td_cell cell = {.kind = kind};
    cell.v.s = (struct td_str){text, len};
    return cell;
}

static void reads_well(void **state)
{
    const struct {
        struct td_cell cell;
        enum td_style style;
        const char *text;
    } cases[] = {
        {{.kind = TD_KIND_NULL}, TD_STYLE_PRICE, "n/a"},
        {number((double)NAN), TD_STYLE_RATIO, "n/a"},
        {number(0.4321), TD_STYLE_PRICE, "0.4321"},
        {number(0.99999), TD_STYLE_PRICE, "1.0000"},
        {number(1), TD_STYLE_PRICE, "1.00"},
        {number(715000.5), TD_STYLE_PRICE, "715,000.50"},
        {number(21.4), TD_STYLE_RATIO, "21.40"},
        {number(-0.001), TD_STYLE_RATIO, "0.00"},
        {number(0.005), TD_STYLE_RATIO, "0.00"}, /* half to even, as 0.5 cents are exact */
        {number(0.006), TD_STYLE_RATIO, "0.01"},
        {number(12345.678), TD_STYLE_RATIO, "12,345.68"},
        {number(-12345.678), TD_STYLE_RATIO, "-12,345.68"},
        {number(1e300), TD_STYLE_RATIO, "1e+300"},
        {number((double)INFINITY), TD_STYLE_RATIO, "inf"},
        {number(0.3821), TD_STYLE_PERCENT, "+38.21"},
        {number(-0.05), TD_STYLE_PERCENT, "-5.00"},
        {number(0), TD_STYLE_PERCENT, "0.00"},
        {number(88.1e6), TD_STYLE_SHORT, "88.1M"},
        {number(3107), TD_STYLE_COUNT, "3107"},
        {number(1e6), TD_STYLE_COUNT, "1,000,000"},
        {number(-1e6), TD_STYLE_COUNT, "-1,000,000"},
        {number(10.25), TD_STYLE_COUNT, "10.25"},
        {integer(TD_KIND_I64, 10000), TD_STYLE_COUNT, "10,000"},
        {integer(TD_KIND_I64, INT64_MIN), TD_STYLE_COUNT, "-9,223,372,036,854,775,808"},
        {integer(TD_KIND_I64, INT64_MIN), TD_STYLE_TEXT, "-9223372036854775808"},
        {integer(TD_KIND_U64, -1), TD_STYLE_TEXT, "18446744073709551615"},
        {integer(TD_KIND_U64, -1), TD_STYLE_COUNT, "18,446,744,073,709,551,615"},
        {number(0.1), TD_STYLE_TEXT, "0.1"},
        {integer(TD_KIND_DAY, DAY0), TD_STYLE_DAY, "2025-02-06"},
        {integer(TD_KIND_DAY, 5000000), TD_STYLE_DAY, "5000000"},
        {integer(TD_KIND_DAY, INT64_MIN), TD_STYLE_DAY, "-9223372036854775808"},
        {integer(TD_KIND_TS, OPEN0), TD_STYLE_TIME, "2025-02-06 09:30:00 ET"},
        {integer(TD_KIND_TS, OPEN0 + 7), TD_STYLE_TIME, "2025-02-06 09:30:00.007 ET"},
        {integer(TD_KIND_TS, -1), TD_STYLE_TIME, "1969-12-31 18:59:59.999 ET"},
        {integer(TD_KIND_TS, INT64_MAX), TD_STYLE_TIME, "9223372036854775807"},
        {integer(TD_KIND_TS, OPEN0 + 12 * 3600000), TD_STYLE_DAY, "2025-02-06"}, /* UTC says 02-07 */
        {text_cell(TD_KIND_STR, "A\x1b[2J\xff\xc2\x9b", 8), TD_STYLE_TEXT, "A?[2J??"},
        {text_cell(TD_KIND_STR, "a\0b", 3), TD_STYLE_TEXT, "a?b"},
        {text_cell(TD_KIND_STR, "é€", 5), TD_STYLE_TEXT, "é€"},
        {text_cell(TD_KIND_BYTES, "\x00\xff", 2), TD_STYLE_TEXT, "0x00ff"},
        {{.kind = TD_KIND_BOOL, .v.b = true}, TD_STYLE_FLAG, "yes"},
        {{.kind = TD_KIND_BOOL, .v.b = false}, TD_STYLE_FLAG, "no"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char out[64], full[64];
        size_t len = td_cell_text(&cases[i].cell, cases[i].style, full, sizeof full);
        assert_string_equal(full, cases[i].text);
        assert_int_equal(len, strlen(full));
        for (size_t size = 1; size < 12; size++) { /* any room: cut, never half a character */
            memset(out, '!', sizeof out);
            len = td_cell_text(&cases[i].cell, cases[i].style, out, size);
            assert_int_equal(len, strlen(out));
            assert_true(len < size && strncmp(out, full, len) == 0 && out[size] == '!');
            assert_true((out[len ? len - 1 : 0] & 0x80) == 0 || ((unsigned char)full[len] & 0xc0) != 0x80);
        }
        assert_int_equal(td_cell_text(&cases[i].cell, cases[i].style, NULL, 0), 0);
    }
}

static void spells_exactly(void **state)
{
    const struct {
        struct td_cell cell;
        const char *csv, *json;
    } cases[] = {
        {{.kind = TD_KIND_NULL}, "", "null"},
        {number((double)NAN), "", "null"},
        {number((double)INFINITY), "inf", "null"},
        {number(-(double)INFINITY), "-inf", "null"},
        {number(0.1), "0.1", "0.1"},
        {number(1e22), "1e+22", "1e+22"},
        {integer(TD_KIND_I64, INT64_MIN), "-9223372036854775808", "-9223372036854775808"},
        {integer(TD_KIND_U64, -1), "18446744073709551615", "18446744073709551615"},
        {integer(TD_KIND_DAY, DAY0), "2025-02-06", "\"2025-02-06\""},
        {integer(TD_KIND_DAY, 5000000), "5000000", "\"5000000\""},
        {integer(TD_KIND_TS, OPEN0 + 7), "2025-02-06T14:30:00.007Z", "\"2025-02-06T14:30:00.007Z\""},
        {{.kind = TD_KIND_BOOL, .v.b = true}, "true", "true"},
        {text_cell(TD_KIND_STR, "a\r", 2), "\"a\r\"", "\"a\\u000d\""},
        {text_cell(TD_KIND_STR, "true", 4), "true", "\"true\""},
        {text_cell(TD_KIND_STR, "a\0b\x1b", 4), "a", "\"a\\u0000b\\u001b\""},
        {text_cell(TD_KIND_BYTES, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10", 17),
         "0x000102030405060708090a0b0c0d0e0f10", "\"0x000102030405060708090a0b0c0d0e0f10\""},
        {text_cell(TD_KIND_BYTES, "", 0), "0x", "\"0x\""},
    };
    (void)state;
    struct td_buf text;
    td_buf_init(&text, 4096);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        td_buf_clear(&text);
        td_buf_adds(&text, "");
        td_cell_csv(&text, &cases[i].cell);
        assert_string_equal(text.data, cases[i].csv);
        td_buf_clear(&text);
        td_cell_json(&text, &cases[i].cell);
        assert_string_equal(text.data, cases[i].json);
    }
    td_buf_free(&text);
}

/* ---- streams ---- */

struct counter { size_t calls, bytes, refuse_after; };

static bool count_bytes(void *ctx, const char *data, size_t len)
{
    struct counter *counter = ctx;
    (void)data;
    counter->calls++;
    counter->bytes += len;
    return counter->calls <= counter->refuse_after;
}

static enum td_code stream_rows(enum td_format format, size_t rows, struct counter *counter)
{
    static const struct td_view_column columns[] = {{"ticker", TD_KIND_STR}, {"id", TD_KIND_I64}};
    struct td_out out = {.format = format, .write = count_bytes, .ctx = counter};
    struct td_out_stream stream;
    struct td_err err;
    enum td_code code = td_out_begin(&stream, &out, columns, 2, &err);
    struct td_cell cells[2] = {text_cell(TD_KIND_STR, "ABCD", 4), {.kind = TD_KIND_I64}};
    for (size_t i = 0; i < rows && code == TD_OK; i++) {
        cells[1].v.i = (int64_t)(1000000 + i);
        code = td_out_row(&stream, cells, &err);
    }
    enum td_code ended = td_out_end(&stream, &err);
    assert_true(code == TD_OK || ended == code);
    return ended;
}

static void streams_in_pieces(void **state)
{
    static const size_t row_bytes[] = {16, 13, 30}; /* table, csv, json */
    (void)state;
    for (int format = TD_FORMAT_TABLE; format <= TD_FORMAT_JSON; format++) {
        struct counter whole = {.refuse_after = SIZE_MAX};
        assert_int_equal(stream_rows((enum td_format)format, 50000, &whole), TD_OK);
        assert_in_range(whole.bytes, 50000 * row_bytes[format], 50000 * (row_bytes[format] + 4));
        assert_in_range(whole.calls, 8, 60);
        for (size_t stop = 0; stop < whole.calls; stop++) { /* a reader that goes away ends the stream at once */
            struct counter counter = {.refuse_after = stop};
            assert_int_equal(stream_rows((enum td_format)format, 50000, &counter), TD_IO);
            assert_int_equal(counter.calls, stop + 1);
        }
    }
}

static void keeps_late_rows_whole(void **state)
{
    static const struct td_view_column columns[] = {{"ticker", TD_KIND_STR}, {"id", TD_KIND_I64}};
    (void)state;
    struct td_buf text;
    struct td_err err;
    struct td_out_stream stream;
    td_buf_init(&text, 1 << 20);
    struct td_out out = {.format = TD_FORMAT_TABLE, .write = td_out_to_buf, .ctx = &text};
    ASSERT_OK(td_out_begin(&stream, &out, columns, 2, &err), err);
    struct td_cell cells[2] = {text_cell(TD_KIND_STR, "A", 1), integer(TD_KIND_I64, 1)};
    for (size_t i = 0; i < 2500; i++) {
        if (i == 2400)
            cells[0] = text_cell(TD_KIND_STR, "ABCDEFGHIJ", 10);
        cells[1].v.i = i == 2450 ? INT64_MAX : 1;
        ASSERT_OK(td_out_row(&stream, cells, &err), err);
    }
    ASSERT_OK(td_out_end(&stream, &err), err);
    assert_true(strncmp(text.data, "TICKER  id\nA        1\n", 22) == 0);
    assert_non_null(strstr(text.data, "\nABCDE~   1\nABCDE~  9223372036854775807\nABCDE~   1\n"));
    td_buf_free(&text);
}

static void cuts_wide_text(void **state)
{
    static const struct td_view_column columns[] = {{"note", TD_KIND_STR}, {"id", TD_KIND_I64}};
    static const char wide[] = "日本語日本語日本語日本語", plain[] = "a text that is a good deal longer than its column";
    (void)state;
    struct td_buf text;
    struct td_err err;
    struct td_out_stream stream;
    td_buf_init(&text, 1 << 20);
    struct td_out out = {.format = TD_FORMAT_TABLE, .write = td_out_to_buf, .ctx = &text, .width = 16};
    ASSERT_OK(td_out_begin(&stream, &out, columns, 2, &err), err);
    struct td_cell cells[2] = {text_cell(TD_KIND_STR, wide, sizeof wide - 1), integer(TD_KIND_I64, 7)};
    ASSERT_OK(td_out_row(&stream, cells, &err), err);
    cells[0] = text_cell(TD_KIND_STR, plain, sizeof plain - 1);
    ASSERT_OK(td_out_row(&stream, cells, &err), err);
    ASSERT_OK(td_out_end(&stream, &err), err);
    assert_string_equal(text.data, "note          id\n日本語日本~    7\na text that~   7\n");
    td_buf_free(&text);
}

static enum td_code write_all(const struct td_model *model, enum td_format format)
{
    struct counter counter = {.refuse_after = SIZE_MAX};
    struct td_out out = {.format = format, .write = count_bytes, .ctx = &counter};
    return td_out_model(&out, model, NULL, 0, NULL);
}

static enum td_code print_long(void)
{
    struct counter counter = {.refuse_after = SIZE_MAX};
    struct td_out out = {.write = count_bytes, .ctx = &counter};
    enum td_code code = td_out_printf(&out, NULL, "%2000d", 7);
    assert_true(code != TD_OK || counter.bytes == 2000);
    return code;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    for (int format = TD_FORMAT_TABLE; format <= TD_FORMAT_JSON; format++)
        SWEEP_ALLOCATIONS(write_all(&rows.model, (enum td_format)format));
    SWEEP_ALLOCATIONS(print_long());
    td_record_model_free(&rows);
}

static void writes_plain_text(void **state)
{
    (void)state;
    struct td_buf text;
    struct td_err err = {0};
    td_buf_init(&text, 64);
    struct td_out out = {.write = td_out_to_buf, .ctx = &text};
    ASSERT_OK(td_out_text(&out, "100% sure\n", &err), err);
    ASSERT_OK(td_out_text(&out, "", &err), err);
    ASSERT_OK(td_out_printf(&out, &err, "%d of %s\n", 3, "five"), err);
    assert_string_equal(text.data, "100% sure\n3 of five\n");
    assert_int_equal(td_out_printf(&out, &err, "%100d", 1), TD_IO);
    assert_string_equal(err.text, "output: cannot be written any further");
    td_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_csv),         cmocka_unit_test(writes_json),
        cmocka_unit_test(writes_tables),      cmocka_unit_test(says_when_there_is_nothing),
        cmocka_unit_test(reads_well),         cmocka_unit_test(spells_exactly),
        cmocka_unit_test(streams_in_pieces),  cmocka_unit_test(keeps_late_rows_whole),
        cmocka_unit_test(cuts_wide_text),     cmocka_unit_test(survives_failing_allocations),
        cmocka_unit_test(writes_plain_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
