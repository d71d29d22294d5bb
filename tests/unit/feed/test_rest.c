/* SPDX-License-Identifier: GPL-3.0-or-later
 * REST aggregates: paths, answers of every shape the vendor is known to give, and hostile ones; credentials. */
#include "check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <tapedeck/feed.h>

/* 2026-10-02 is a Friday: midnight New York is 04:00Z, 09:30 is 13:30Z. */
#define DAY_T "1790913600000"
#define MINUTE_T "1790947800000"
#define DAY INT64_C(1790913600000)
#define MINUTE INT64_C(1790947800000)

static td_day day_of(const char *text)
{
    td_day day = TD_NO_DAY;
    assert_true(td_parse_day(text, strlen(text), &day));
    return day;
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *ticker;
        bool daily;
        const char *path;
    } cases[] = {
        {"AAPL", false, "/v2/aggs/ticker/AAPL/range/1/minute/2026-10-01/2026-10-31?adjusted=false&sort=asc&limit=50000"},
        {"BRK.B", true, "/v2/aggs/ticker/BRK.B/range/1/day/2026-10-01/2026-10-31?adjusted=false&sort=asc&limit=50000"},
        {"O:SPY261218C00650000", true,
         "/v2/aggs/ticker/O:SPY261218C00650000/range/1/day/2026-10-01/2026-10-31?adjusted=false&sort=asc&limit=50000"},
        {"A/B?c#d e", false,
         "/v2/aggs/ticker/A%2FB%3Fc%23d%20e/range/1/minute/2026-10-01/2026-10-31?adjusted=false&sort=asc&limit=50000"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_buf path;
        td_buf_init(&path, 4096);
        td_rest_aggs_path(&path, cases[i].ticker, cases[i].daily, day_of("2026-10-01"), day_of("2026-10-31"));
        assert_string_equal(path.data, cases[i].path);
        td_buf_free(&path);
    }
}

struct outcome {
    enum td_code code;
    struct td_bars bars;
    struct td_rest_page page;
    struct td_err err;
};

static struct outcome parse(long status, const char *body, size_t len, bool daily)
{
    struct td_http_response response = {.code = TD_OK, .status = status};
    struct outcome out;
    memset(&out, 0, sizeof out);
    td_buf_init(&response.body, (size_t)64 << 20);
    td_buf_add(&response.body, body, len);
    out.code = td_rest_aggs_parse(&response, "ABCD", daily, day_of("2026-10-01"), day_of("2026-10-31"), &out.bars,
                                  &out.page, &out.err);
    td_buf_free(&response.body);
    return out;
}

static struct outcome parse_text(long status, const char *body, bool daily)
{
    return parse(status, body, strlen(body), daily);
}

#define BAR "\"o\":20.0,\"h\":20.4,\"l\":19.9,\"c\":20.25"
#define ANSWER(rows) "{\"ticker\":\"ABCD\",\"adjusted\":false,\"results\":[" rows "],\"status\":\"OK\"}"

static void test_pages(void **state)
{
    (void)state;
    static const struct {
        const char *name, *body;
        size_t rows, bars;
        const char *next;
    } cases[] = {
        {"no results key", "{\"ticker\":\"ABCD\",\"resultsCount\":0,\"adjusted\":true,\"status\":\"OK\",\"count\":0}", 0, 0, ""},
        {"empty results", "{\"results\":[],\"status\":\"OK\"}", 0, 0, ""},
        {"null results", "{\"results\":null,\"status\":\"OK\"}", 0, 0, ""},
        {"delayed", "{\"status\":\"DELAYED\",\"results\":[{\"t\":" MINUTE_T "," BAR ",\"v\":1}]}", 1, 1, ""},
        {"unknown keys", "{\"news\":{\"a\":[1]},\"status\":\"OK\",\"results\":[{\"otc\":true,\"t\":" MINUTE_T "," BAR ",\"v\":1,\"x\":[]}]}", 1, 1, ""},
        {"null next", "{\"status\":\"OK\",\"next_url\":null}", 0, 0, ""},
        {"empty next", "{\"status\":\"OK\",\"next_url\":\"\"}", 0, 0, ""},
        {"own host", "{\"status\":\"OK\",\"next_url\":\"https://api.massive.com/v2/aggs/x?cursor=bGltaXQ\"}", 0, 0, "/v2/aggs/x?cursor=bGltaXQ"},
        {"foreign host and port", "{\"status\":\"OK\",\"next_url\":\"https://evil.example:443/v2/aggs/x?cursor=a%2Fb#top\"}", 0, 0, "/v2/aggs/x?cursor=a%2Fb"},
        {"relative", "{\"status\":\"OK\",\"next_url\":\"/v2/aggs/x?cursor=1\"}", 0, 0, "/v2/aggs/x?cursor=1"},
        {"user in next", "{\"status\":\"OK\",\"next_url\":\"http://api.massive.com@evil.example/v2?cursor=1\"}", 0, 0, "/v2?cursor=1"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct outcome out = parse_text(200, cases[i].body, false);
        if (out.code != TD_OK || out.page.rows != cases[i].rows || out.bars.n != cases[i].bars ||
            strcmp(out.page.next, cases[i].next) != 0)
            fail_msg("%s: %s rows %llu bars %zu next %s", cases[i].name, out.err.text, (unsigned long long)out.page.rows,
                     out.bars.n, out.page.next);
        td_bars_free(&out.bars);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    struct outcome out = parse_text(200, ANSWER(
        "{\"v\":1520345.153126,\"vw\":20.1131," BAR ",\"t\":" MINUTE_T ",\"n\":9120},"
        "{\"v\":95595226.0," BAR ",\"t\":1790947860000.0},"
        "{\"v\":1e+09,\"vw\":null," BAR ",\"t\":1.79094792e12,\"n\":12.0},"
        "{" BAR ",\"t\":1790947980000,\"n\":null}"), false);
    assert_int_equal(out.code, TD_OK);
    assert_int_equal(out.bars.n, 4);
    struct td_bar a = td_bars_get(&out.bars, 0), b = td_bars_get(&out.bars, 1), c = td_bars_get(&out.bars, 2),
                  d = td_bars_get(&out.bars, 3);
    assert_int_equal(a.ts, MINUTE);
    assert_true(a.open == 20.0 && a.high == 20.4 && a.low == 19.9 && a.close == 20.25);
    assert_true(a.volume == 1520345.153126 && a.vwap == 20.1131 && a.trades == 9120);
    assert_true(b.ts == MINUTE + 60000 && b.volume == 95595226 && isnan(b.vwap) && b.trades == TD_NO_COUNT);
    assert_true(c.ts == MINUTE + 120000 && c.volume == 1e9 && isnan(c.vwap) && c.trades == 12);
    assert_true(d.ts == MINUTE + 180000 && isnan(d.volume) && d.trades == TD_NO_COUNT);
    td_bars_free(&out.bars);
}

static void test_quarantine(void **state)
{
    (void)state;
    static const struct {
        const char *row;
        bool daily;
        enum td_reason reason;
    } cases[] = {
        {"{" BAR ",\"v\":1,\"t\":" MINUTE_T "}", false, TD_REASON_NONE},
        {"{" BAR ",\"v\":1,\"t\":" DAY_T "}", true, TD_REASON_NONE},
        {"17", false, TD_REASON_UNREADABLE},
        {"null", false, TD_REASON_UNREADABLE},
        {"{" BAR ",\"v\":1}", false, TD_REASON_UNREADABLE},
        {"{" BAR ",\"v\":1,\"t\":\"" MINUTE_T "\"}", false, TD_REASON_UNREADABLE},
        {"{" BAR ",\"v\":\"1\",\"t\":" MINUTE_T "}", false, TD_REASON_UNREADABLE},
        {"{" BAR ",\"v\":1,\"t\":" MINUTE_T ".5}", false, TD_REASON_UNREADABLE},
        {"{\"o\":null,\"h\":1,\"l\":1,\"c\":1,\"v\":1,\"t\":" MINUTE_T "}", false, TD_REASON_UNREADABLE},
        {"{" BAR ",\"v\":1,\"n\":-1,\"t\":" MINUTE_T "}", false, TD_REASON_UNREADABLE},
        {"{" BAR ",\"v\":1,\"n\":1.5,\"t\":" MINUTE_T "}", false, TD_REASON_UNREADABLE},
        {"{\"o\":0,\"h\":1,\"l\":0,\"c\":1,\"v\":1,\"t\":" MINUTE_T "}", false, TD_REASON_PRICE},
        {"{\"o\":2,\"h\":1,\"l\":1,\"c\":1,\"v\":1,\"t\":" MINUTE_T "}", false, TD_REASON_OHLC},
        {"{" BAR ",\"v\":-1,\"t\":" MINUTE_T "}", false, TD_REASON_VOLUME},
        {"{" BAR ",\"v\":1,\"t\":1790947800001}", false, TD_REASON_TIME},
        {"{" BAR ",\"v\":1,\"t\":1790947800}", false, TD_REASON_TIME},
        {"{" BAR ",\"v\":1,\"t\":1790947800000000000}", false, TD_REASON_TIME},
        {"{" BAR ",\"v\":1,\"t\":9223372036854775807}", false, TD_REASON_TIME},
        {"{" BAR ",\"v\":1,\"t\":-9223372036854775808}", false, TD_REASON_TIME},
        {"{" BAR ",\"v\":1,\"t\":1790827140000}", false, TD_REASON_OUT_OF_RANGE}, /* 2026-09-30 23:59 New York */
        {"{" BAR ",\"v\":1,\"t\":1793505600000}", false, TD_REASON_OUT_OF_RANGE}, /* 2026-11-01 00:00 New York */
        {"{" BAR ",\"v\":1,\"t\":1793505540000}", false, TD_REASON_NONE},         /* 2026-10-31 23:59 New York */
        {"{" BAR ",\"v\":1,\"t\":1790971200000}", true, TD_REASON_TIME},          /* 16:00: not this endpoint */
        {"{" BAR ",\"v\":1,\"t\":1791000000000}", true, TD_REASON_NON_SESSION},   /* Saturday */
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char body[512];
        snprintf(body, sizeof body, ANSWER("%s"), cases[i].row);
        struct outcome out = parse_text(200, body, cases[i].daily);
        bool good = cases[i].reason == TD_REASON_NONE;
        if (out.code != TD_OK || out.page.rows != 1 || out.bars.n != good || (!good && out.page.quarantined[cases[i].reason] != 1)) {
            for (int r = 0; r < TD_REASON_COUNT; r++)
                print_message("%s %d\n", td_reason_text((enum td_reason)r), (int)out.page.quarantined[r]);
            fail_msg("row %zu %s: wanted %s; %s", i, cases[i].row, td_reason_text(cases[i].reason), out.err.text);
        }
        td_bars_free(&out.bars);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        long status;
        const char *body;
        enum td_code code;
        const char *says;
    } cases[] = {
        {"wrong key", 401, "{\"status\":\"ERROR\",\"request_id\":\"a1\",\"error\":\"Unknown API Key\"}", TD_AUTH, "Unknown API Key"},
        {"plan", 403, "{\"status\":\"NOT_AUTHORIZED\",\"message\":\"Your plan doesn't include this data timeframe.\"}", TD_AUTH, "data timeframe"},
        {"plan in a 200", 200, "{\"status\":\"NOT_AUTHORIZED\",\"message\":\"You are not entitled to this data.\"}", TD_AUTH, "not entitled"},
        {"404", 404, "{\"status\":\"NOT_FOUND\",\"message\":\"Ticker not found.\"}", TD_MISSING, "Ticker not found."},
        {"400", 400, "{\"status\":\"ERROR\",\"error\":\"Could not parse the time parameter: 'from'.\"}", TD_DATA, "time parameter"},
        {"redirect", 302, "", TD_NETWORK, "redirects"},
        {"teapot html", 418, "<html>\x1b[31mno", TD_NETWORK, "HTTP 418"},
        {"error in a 200", 200, "{\"status\":\"ERROR\",\"error\":\"oops\"}", TD_DATA, "oops"},
        {"adjusted", 200, "{\"status\":\"OK\",\"adjusted\":true,\"results\":[{\"t\":1}]}", TD_DATA, "adjusted"},
        {"other ticker", 200, "{\"status\":\"OK\",\"ticker\":\"ABCE\",\"results\":[]}", TD_DATA, "ABCE"},
        {"empty", 200, "", TD_DATA, "JSON"},
        {"html", 200, "<html></html>", TD_DATA, "JSON"},
        {"half", 200, "{\"status\":\"OK\",\"results\":[{\"t\":1", TD_DATA, "JSON"},
        {"array", 200, "[1,2]", TD_DATA, "no object"},
        {"scalar", 200, "17", TD_DATA, "JSON"},
        {"results no list", 200, "{\"status\":\"OK\",\"results\":{\"t\":1}}", TD_DATA, "no list"},
        {"duplicate key", 200, "{\"status\":\"OK\",\"results\":[],\"results\":[]}", TD_DATA, "duplicate"},
        {"number overflow", 200, "{\"status\":\"OK\",\"results\":[{\"t\":99999999999999999999}]}", TD_DATA, "integer"},
        {"nan", 200, "{\"status\":\"OK\",\"results\":[{\"o\":NaN}]}", TD_DATA, "JSON"},
        {"next is a number", 200, "{\"status\":\"OK\",\"next_url\":5}", TD_DATA, "next_url"},
        {"next of another kind", 200, "{\"status\":\"OK\",\"next_url\":\"ftp://x/y\"}", TD_DATA, "next_url"},
        {"next without a path", 200, "{\"status\":\"OK\",\"next_url\":\"https://x\"}", TD_DATA, "next_url"},
        {"next with a line", 200, "{\"status\":\"OK\",\"next_url\":\"https://x/a\\r\\nX: y\"}", TD_DATA, "next_url"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct outcome out = parse_text(cases[i].status, cases[i].body, false);
        if (out.code != cases[i].code || !strstr(out.err.text, cases[i].says) || strncmp(out.err.text, "ABCD", 4) != 0 ||
            strchr(out.err.text, '\x1b') || out.bars.n != 0)
            fail_msg("%s: %s '%s'", cases[i].name, td_code_name(out.code), out.err.text);
        td_bars_free(&out.bars);
    }
}

static void test_long_next_is_refused(void **state)
{
    (void)state;
    static char body[5000];
    int len = snprintf(body, sizeof body, "{\"status\":\"OK\",\"next_url\":\"https://x/");
    memset(body + len, 'a', 2047 - 1); /* with the slash exactly what fits */
    memcpy(body + len + 2046, "\"}", 3);
    struct outcome out = parse_text(200, body, false);
    assert_int_equal(out.code, TD_OK);
    assert_int_equal(strlen(out.page.next), 2047);
    memcpy(body + len + 2046, "a\"}", 4);
    out = parse_text(200, body, false);
    assert_int_equal(out.code, TD_DATA);
}

static void test_transport_error_is_passed_on(void **state)
{
    (void)state;
    struct td_http_response response = {.code = TD_NETWORK, .status = 500};
    struct td_bars bars = {0};
    struct td_rest_page page;
    struct td_err err = {0};
    td_fail(&response.err, TD_NETWORK, "GET /x: HTTP 500 (6 attempts)");
    assert_int_equal(td_rest_aggs_parse(&response, "ABCD", false, 0, 1, &bars, &page, &err), TD_NETWORK);
    assert_string_equal(err.text, response.err.text);
}

static void test_truncations_and_flips(void **state)
{
    (void)state;
    static const char whole[] = ANSWER("{\"v\":1520345.5,\"vw\":20.1131," BAR ",\"t\":" MINUTE_T ",\"n\":9120}");
    char body[sizeof whole];
    for (size_t len = 0; len < sizeof whole - 1; len++) { /* every cut is an error, never a short page taken as whole */
        struct outcome out = parse(200, whole, len, false);
        assert_int_equal(out.code, TD_DATA);
        td_bars_free(&out.bars);
    }
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(body, whole, sizeof body);
            body[i] = (char)(body[i] ^ (1 << bit));
            struct outcome out = parse(200, body, sizeof body - 1, false);
            if (out.code == TD_OK) {
                uint64_t bad = 0;
                for (int r = 0; r < TD_REASON_COUNT; r++)
                    bad += out.page.quarantined[r];
                assert_int_equal(out.page.rows, out.bars.n + bad);
            }
            td_bars_free(&out.bars);
        }
    }
}

/* Pages are read straight from the text where that is possible. With its key spelled "result\\u0073" a page always goes
 * through the tree: both ways must say the same about every text. */
static void both_ways(const char *text, size_t len)
{
    static const char plain[] = "\"results\"", odd[] = "\"result\\u0073\"";
    struct td_buf other;
    td_buf_init(&other, (size_t)1 << 20);
    for (size_t i = 0; i < len;) {
        bool here = len - i >= sizeof plain - 1 && memcmp(text + i, plain, sizeof plain - 1) == 0;
        td_buf_add(&other, here ? odd : text + i, here ? sizeof odd - 1 : 1);
        i += here ? sizeof plain - 1 : 1;
    }
    struct outcome a = parse(200, text, len, false), b = parse(200, other.data ? other.data : "", other.len, false);
    if (a.code != b.code || a.bars.n != b.bars.n || a.page.rows != b.page.rows || strcmp(a.page.next, b.page.next) != 0 ||
        memcmp(a.page.quarantined, b.page.quarantined, sizeof a.page.quarantined) != 0)
        fail_msg("%s / %s: %zu / %zu bars for %.*s", td_code_name(a.code), td_code_name(b.code), a.bars.n, b.bars.n, (int)len, text);
    for (size_t i = 0; i < a.bars.n; i++) {
        struct td_bar x = td_bars_get(&a.bars, i), y = td_bars_get(&b.bars, i);
        assert_true(td_bar_same(&x, &y));
    }
    td_bars_free(&a.bars);
    td_bars_free(&b.bars);
    td_buf_free(&other);
}

static void test_both_ways_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {
        ANSWER("{" BAR ",\"v\":1,\"t\":" MINUTE_T "}"),
        ANSWER("{" BAR ",\"v\":-0.5e1,\"t\":" MINUTE_T "},{" BAR ",\"v\":null,\"vw\":null,\"n\":null,\"t\":" MINUTE_T ",\"otc\":true}"),
        ANSWER(" { \"t\" : " MINUTE_T " , " BAR " } \n,\t{" BAR ",\"t\":1790947860000.0,\"v\":1E+2} "),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"t\":" MINUTE_T "}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"x\":1,\"x\":2}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"x\":\"text\"}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"x\":{\"t\":[]}}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"n\":1.5},{" BAR ",\"t\":" MINUTE_T ",\"n\":-1}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"v\":01}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"v\":1.}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"v\":+1}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"v\":1e999}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",\"v\":true}"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T "},"),
        ANSWER("{" BAR ",\"t\":" MINUTE_T ",}"),
        ANSWER(""),
        "{\"a\":{\"results\":[{\"t\":1}]},\"b\":\"results\",\"status\":\"OK\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}],\"next_url\":\"/x\"}",
        "{\"status\":\"OK\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}],\"results\":[]}",
        "{\"status\":\"OK\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}],\"adjusted\":true}",
        "{\"status\":\"ERROR\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}]}",
        "{\"status\":\"OK\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}]} x",
        "}{\"status\":\"OK\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}]}",
        "[{\"status\":\"OK\",\"results\":[{" BAR ",\"t\":" MINUTE_T "}]}]",
    };
    uint64_t random = 9;
    for (size_t i = 0; i < TD_COUNT(texts); i++) {
        size_t len = strlen(texts[i]);
        both_ways(texts[i], len);
        for (int round = 0; round < 200; round++) {
            static const char marks[] = "{}[]\",:.eE+-0 9ntvx\\\n\xff";
            char text[1024];
            memcpy(text, texts[i], len);
            for (int k = 0; k <= round % 3; k++) {
                random = td_mix64(random + 1);
                text[random % len] = marks[(random >> 32) % (sizeof marks - 1)];
            }
            both_ways(text, len);
        }
    }
}

static void test_failing_allocations(void **state)
{
    (void)state;
    static const char body[] = ANSWER("{\"v\":1,\"vw\":20.1131," BAR ",\"t\":" MINUTE_T ",\"n\":9120}");
    for (long n = 1;; n++) {
        struct td_http_response response = {.code = TD_OK, .status = 200};
        struct td_bars bars = {0};
        struct td_rest_page page;
        struct td_err err = {0};
        td_buf_init(&response.body, 4096);
        td_buf_adds(&response.body, body);
        td_alloc_fail_after(n);
        enum td_code code = td_rest_aggs_parse(&response, "ABCD", false, day_of("2026-10-01"), day_of("2026-10-31"), &bars, &page, &err);
        td_alloc_fail_after(0);
        td_buf_free(&response.body);
        td_bars_free(&bars);
        if (code == TD_OK) {
            assert_true(n > 10);
            return;
        }
        if (code != TD_NOMEM)
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
    }
}

static void test_vendor_samples(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/market/rest_samples/v2__aggs__ticker__AAPL__range__1__day__2005-04-01__2005-04-04.json");
    struct td_http_response response = {.code = TD_OK, .status = 200};
    struct td_bars bars = {0};
    struct td_rest_page page;
    struct td_err err = {0};
    td_buf_init(&response.body, (size_t)1 << 20);
    ASSERT_OK(td_file_read(path, (size_t)1 << 20, &response.body, &err), err);
    /* The sample is an adjusted answer: refused as it is, read once it says otherwise. */
    assert_int_equal(td_rest_aggs_parse(&response, "AAPL", true, day_of("2005-04-01"), day_of("2005-04-04"), &bars, &page, &err), TD_DATA);
    char *flag = strstr(response.body.data, "\"adjusted\": true");
    assert_non_null(flag);
    memcpy(flag, "\"adjusted\":false", 16);
    ASSERT_OK(td_rest_aggs_parse(&response, "AAPL", true, day_of("2005-04-01"), day_of("2005-04-04"), &bars, &page, &err), err);
    assert_int_equal(bars.n, 2);
    assert_int_equal(page.rows, 2);
    assert_true(bars.volume[0] == 642646396.0 && bars.vwap[1] == 1.4589 && bars.trades[1] == 65543);
    td_bars_free(&bars);
    td_buf_free(&response.body);
}

/* ---- credentials ---- */

static void write_file(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void test_credentials(void **state)
{
    (void)state;
    char dir[] = "/tmp/tapedeck-credentials-XXXXXX", path[64], key[256];
    struct td_err err = {0};
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/credentials", dir);
    unsetenv("MASSIVE_API_KEY");
    unsetenv("POLYGON_API_KEY");

    assert_int_equal(td_credentials(path, key, sizeof key, &err), TD_AUTH); /* nothing anywhere: both ways are named */
    assert_non_null(strstr(err.text, "MASSIVE_API_KEY"));
    assert_non_null(strstr(err.text, path));
    assert_int_equal(td_credentials(NULL, key, sizeof key, &err), TD_AUTH);

    write_file(path, "# mine\napi_key: fileKey123456\n", 0600);
    ASSERT_OK(td_credentials(path, key, sizeof key, &err), err);
    assert_string_equal(key, "fileKey123456");
    char said[64] = "with fileKey123456 inside";
    td_redact(said);
    assert_null(strstr(said, "fileKey123456"));

    write_file(path, "api_key: fileKey123456\n", 0640); /* the group can read it */
    assert_int_equal(td_credentials(path, key, sizeof key, &err), TD_AUTH);
    write_file(path, "api_key: fileKey123456\n", 0604); /* others can read it */
    assert_int_equal(td_credentials(path, key, sizeof key, &err), TD_AUTH);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_string_equal(key, "");
    write_file(path, "api_key: fileKey123456\n", 0600);

    setenv("POLYGON_API_KEY", "polygonKey99", 1);
    ASSERT_OK(td_credentials(path, key, sizeof key, &err), err);
    assert_string_equal(key, "polygonKey99");
    setenv("MASSIVE_API_KEY", "massiveKey77", 1);
    ASSERT_OK(td_credentials(path, key, sizeof key, &err), err);
    assert_string_equal(key, "massiveKey77");
    setenv("MASSIVE_API_KEY", "with space", 1);
    assert_int_equal(td_credentials(path, key, sizeof key, &err), TD_AUTH);
    setenv("MASSIVE_API_KEY", "", 1); /* empty is unset */
    unsetenv("POLYGON_API_KEY");
    ASSERT_OK(td_credentials(path, key, sizeof key, &err), err);
    assert_int_equal(td_credentials(path, key, 8, &err), TD_AUTH); /* does not fit */

    static const char *const bad[] = {"", "api_key:\n", "key: x\n", "api_key: [a]\n", "api_key: \"a b\"\n", "api_key: a\napi_key: b\n"};
    for (size_t i = 0; i < TD_COUNT(bad); i++) {
        write_file(path, bad[i], 0600);
        enum td_code code = td_credentials(path, key, sizeof key, &err);
        if (code != TD_AUTH && code != TD_CONFIG)
            fail_msg("'%s': %s", bad[i], td_code_name(code));
        assert_string_equal(key, "");
    }
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(td_credentials(path, key, sizeof key, &err), TD_AUTH);
    rmdir(path);
    rmdir(dir);
    unsetenv("MASSIVE_API_KEY");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_long_next_is_refused),
        cmocka_unit_test(test_transport_error_is_passed_on),
        cmocka_unit_test(test_truncations_and_flips),
        cmocka_unit_test(test_both_ways_agree),
        cmocka_unit_test(test_failing_allocations),
        cmocka_unit_test(test_vendor_samples),
        cmocka_unit_test(test_credentials),
    };
    return cmocka_run_group_tests_name("feed/rest", tests, NULL, NULL);
}
