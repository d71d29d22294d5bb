/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's pages: what is walked over HTTP is what the generator says, bar for bar, at any page size. */
#include "sim_client.h"

#define DAY(text) day_of(text)
static td_day day_of(const char *text)
{
    td_day day;
    assert_true(td_parse_day(text, strlen(text), &day));
    return day;
}

static void add_row(struct td_bars *bars, json_t *row)
{
    struct td_err err;
    struct td_bar bar = {.ts = json_integer_value(json_object_get(row, "t")),
                         .open = json_number_value(json_object_get(row, "o")),
                         .high = json_number_value(json_object_get(row, "h")),
                         .low = json_number_value(json_object_get(row, "l")),
                         .close = json_number_value(json_object_get(row, "c")),
                         .volume = json_number_value(json_object_get(row, "v")),
                         .vwap = json_number_value(json_object_get(row, "vw")),
                         .trades = json_integer_value(json_object_get(row, "n"))};
    assert_true(json_is_integer(json_object_get(row, "t")));
    ASSERT_OK(td_bars_add(bars, &bar, &err), err);
}

/* Every envelope keeps the vendor's promises. Returns next_url or NULL. */
static const char *check_envelope(const struct reply *reply, const char *ticker, bool adjusted, int port)
{
    json_t *results = json_object_get(reply->json, "results"), *next = json_object_get(reply->json, "next_url");
    char base[64];
    assert_int_equal(reply->status, 200);
    assert_string_equal(reply_text(reply, "status"), "OK");
    assert_string_equal(reply_text(reply, "ticker"), ticker);
    assert_int_equal(json_is_true(json_object_get(reply->json, "adjusted")), adjusted);
    assert_int_equal(strlen(reply_text(reply, "request_id")), 32);
    assert_int_equal(json_integer_value(json_object_get(reply->json, "resultsCount")), json_array_size(results));
    assert_int_equal(json_integer_value(json_object_get(reply->json, "count")), json_array_size(results));
    assert_true(results == NULL || json_array_size(results) > 0); /* an empty answer has no such key */
    if (!next)
        return NULL;
    td_snprintf(base, sizeof base, "http://127.0.0.1:%d/v2/aggs/ticker/", port);
    assert_int_equal(strncmp(json_string_value(next), base, strlen(base)), 0);
    assert_non_null(strchr(json_string_value(next), '?'));
    assert_null(strstr(json_string_value(next), "demo"));
    assert_null(strstr(json_string_value(next), "apiKey"));
    return json_string_value(next);
}

/* Follow next_url unchanged to the end; returns the number of pages, and in *base the sum of queryCount. */
static size_t walk_counting(int port, const char *ticker, const char *path, struct td_bars *bars, size_t *base)
{
    char url[2048];
    size_t pages = 0;
    bool adjusted = strstr(path, "adjusted=false") == NULL;
    *base = 0;
    td_copy(url, sizeof url, path);
    for (bool more = true; more; pages++) {
        struct reply reply;
        size_t i;
        json_t *row;
        reply_get(port, url, "demo", NULL, &reply);
        const char *next = check_envelope(&reply, ticker, adjusted, port);
        *base += (size_t)json_integer_value(json_object_get(reply.json, "queryCount"));
        json_array_foreach(json_object_get(reply.json, "results"), i, row) add_row(bars, row);
        more = next != NULL;
        if (more)
            td_copy(url, sizeof url, next);
        reply_free(&reply);
        assert_true(pages < 5000);
    }
    return pages;
}

static size_t walk(int port, const char *ticker, const char *path, struct td_bars *bars)
{
    size_t base;
    return walk_counting(port, ticker, path, bars, &base);
}

static void assert_same_bars(const struct td_bars *x, const struct td_bars *y, bool reversed)
{
    assert_int_equal(x->n, y->n);
    for (size_t i = 0; i < x->n; i++) {
        struct td_bar p = td_bars_get(x, i), q = td_bars_get(y, reversed ? y->n - 1 - i : i);
        assert_true(td_bar_same(&p, &q));
    }
}

static struct td_bars truth_of(const struct td_sim *sim, const char *ticker, bool daily, const char *from,
                               const char *to)
{
    struct td_bars bars = {0};
    struct td_err err;
    for (td_day day = DAY(from); day <= DAY(to); day++)
        ASSERT_OK(td_sim_session(sim, ticker, day, daily, &bars, &err), err);
    return bars;
}

static void walks_equal_the_generator(void **state)
{
    (void)state;
    static const struct {
        const char *ticker;
        bool daily;
        const char *from, *to, *extra;
        size_t pages;
    } cases[] = {
        {"MEGA", false, "2025-11-01", "2025-11-30", "&limit=50000", 2}, /* 18,060 bars, 10,000 a page */
        {"MEGA", false, "2025-11-28", "2025-11-28", "&limit=78", 10},
        {"MEGA", false, "2025-11-28", "2025-11-28", "", 1},
        {"RUNA", false, "2025-12-02", "2025-12-03", "&limit=100&sort=asc", 0},
        {"RUNA", false, "2025-12-02", "2025-12-03", "&limit=100&sort=desc", 0},
        {"BApA", false, "2025-10-01", "2025-12-05", "&limit=37", 0},
        {"NA", true, "2025-01-01", "2025-12-31", "&limit=7", 0},
        {"NA", true, "2020-01-01", "2026-10-31", "&limit=500000", 1},
        {"NA", true, "2025-11-01", "2025-12-31", "&limit=5&sort=desc", 0},
        {"REUA", true, "2025-10-01", "2025-12-31", "&limit=11", 0},
        {"MEGA", false, "2025-10-31", "2025-11-03", "&limit=50", 0}, /* over the clock change */
    };
    int port;
    struct td_sim *sim = serve(NULL, &port);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char path[512];
        struct td_bars bars = {0};
        struct td_bars truth = truth_of(sim, cases[i].ticker, cases[i].daily, cases[i].from, cases[i].to);
        td_snprintf(path, sizeof path, "/v2/aggs/ticker/%s/range/1/%s/%s/%s?adjusted=false%s", cases[i].ticker,
                    cases[i].daily ? "day" : "minute", cases[i].from, cases[i].to, cases[i].extra);
        size_t pages = walk(port, cases[i].ticker, path, &bars);
        assert_true(truth.n > 0);
        assert_same_bars(&bars, &truth, strstr(cases[i].extra, "desc") != NULL);
        if (cases[i].pages)
            assert_int_equal(pages, cases[i].pages);
        td_bars_free(&bars);
        td_bars_free(&truth);
    }
    td_sim_free(sim);
}

static void times_snap_to_their_unit(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve_with(NULL, &port);
    struct td_bars truth = truth_of(sim, "MEGA", false, "2025-12-03", "2025-12-03");
    char path[512];
    struct td_bars bars = {0};
    /* from one second into the 11th minute to one second into the 21st: both whole minutes are in */
    td_snprintf(path, sizeof path, "/v2/aggs/ticker/MEGA/range/1/minute/%lld/%lld?adjusted=false",
                (long long)truth.ts[10] + 1000, (long long)truth.ts[20] + 1000);
    walk(port, "MEGA", path, &bars);
    assert_int_equal(bars.n, 11);
    assert_int_equal(bars.ts[0], truth.ts[10]);
    td_bars_free(&bars);
    td_snprintf(path, sizeof path, "/v2/aggs/ticker/MEGA/range/1/day/%lld/%lld?adjusted=false", (long long)truth.ts[10],
                (long long)truth.ts[20]);
    bars = (struct td_bars){0};
    walk(port, "MEGA", path, &bars);
    assert_int_equal(bars.n, 1);
    assert_int_equal(bars.ts[0], td_ny_midnight(DAY("2025-12-03")));
    td_bars_free(&bars);
    td_bars_free(&truth);
    td_sim_free(sim);
}

/* Larger bars, folded here from the truth; a page never cuts one. */
static void larger_bars_are_never_cut(void **state)
{
    (void)state;
    static const struct {
        const char *ticker, *span;
        int64_t width;
        const char *extra;
    } cases[] = {
        {"MEGA", "5/minute", 5, "&limit=5000"},
        {"MEGA", "5/minute", 5, "&limit=52"},
        {"RUNA", "15/minute", 15, "&limit=31"},
        {"RUNA", "1/hour", 60, "&limit=61"},
        {"BApA", "30/minute", 30, "&limit=3"},
        {"MEGA", "4/hour", 240, "&limit=300"},
        {"RUNA", "15/minute", 15, "&limit=31&sort=desc"},
    };
    int port;
    struct td_sim *sim = serve(NULL, &port);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char path[512];
        struct td_bars bars = {0}, folded = {0},
                       truth = truth_of(sim, cases[i].ticker, false, "2025-12-02", "2025-12-03");
        struct td_err err;
        for (size_t k = 0; k < truth.n; k++) {
            struct td_bar bar = td_bars_get(&truth, k);
            int64_t midnight =
                td_ny_midnight(bar.ts < td_ny_midnight(DAY("2025-12-03")) ? DAY("2025-12-02") : DAY("2025-12-03"));
            bar.ts = midnight + (bar.ts - midnight) / (cases[i].width * 60000) * (cases[i].width * 60000);
            size_t last = folded.n - 1;
            if (folded.n && folded.ts[last] == bar.ts) {
                folded.high[last] = fmax(folded.high[last], bar.high);
                folded.low[last] = fmin(folded.low[last], bar.low);
                folded.close[last] = bar.close;
                folded.volume[last] += bar.volume;
                folded.trades[last] += bar.trades;
            } else {
                ASSERT_OK(td_bars_add(&folded, &bar, &err), err);
            }
        }
        td_snprintf(path, sizeof path, "/v2/aggs/ticker/%s/range/%s/2025-12-02/2025-12-03?adjusted=false%s",
                    cases[i].ticker, cases[i].span, cases[i].extra);
        size_t base;
        walk_counting(port, cases[i].ticker, path, &bars, &base);
        assert_int_equal(bars.n, folded.n);
        assert_int_equal(base, truth.n); /* what a cut leaves for the next page is counted there */
        bool back = strstr(cases[i].extra, "desc") != NULL;
        for (size_t k = 0; k < bars.n; k++) {
            struct td_bar x = td_bars_get(&bars, k), y = td_bars_get(&folded, back ? bars.n - 1 - k : k);
            assert_int_equal(x.ts, y.ts);
            assert_true(x.open == y.open && x.high == y.high && x.low == y.low && x.close == y.close);
            assert_true(fabs(x.volume - y.volume) < 1e-5 && x.trades == y.trades);
            assert_true(x.vwap >= x.low && x.vwap <= x.high);
        }
        td_bars_free(&bars);
        td_bars_free(&folded);
        td_bars_free(&truth);
    }
    td_sim_free(sim);
}

static void adjusted_prices_are_in_todays_shares(void **state)
{
    (void)state;
    static const struct {
        const char *ticker;
        double factor;
    } cases[] = {{"FWDA", 4}, {"RSPA", 0.05}};
    int port;
    struct td_sim *sim = serve_with(NULL, &port);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_split *splits;
        size_t count = td_sim_splits(sim, cases[i].ticker, &splits);
        td_day day = splits[count - 1].day;
        char path[512];
        struct td_bars raw = truth_of(sim, cases[i].ticker, true, "2025-10-20", "2025-12-05"), adjusted = {0};
        /* adjusted=true is the default, and pages keep it */
        td_snprintf(path, sizeof path, "/v2/aggs/ticker/%s/range/1/day/2025-10-20/2025-12-05?limit=4", cases[i].ticker);
        walk(port, cases[i].ticker, path, &adjusted);
        assert_int_equal(raw.n, adjusted.n);
        for (size_t k = 0; k < raw.n; k++) {
            double factor = raw.ts[k] < td_ny_midnight(day) ? cases[i].factor : 1;
            assert_true(fabs(adjusted.close[k] - raw.close[k] / factor) <= 5.1e-5);
            assert_true(fabs(adjusted.volume[k] - raw.volume[k] * factor) <= 1e-5);
        }
        td_bars_free(&raw);
        td_bars_free(&adjusted);
    }
    td_sim_free(sim);
}

/* Rows in the vendor's other dresses hold the same values; a row without vw and n still holds the rest. */
static void numbers_in_other_dresses(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve_with("numbers", &port);
    static const char path[] = "/v2/aggs/ticker/MEGA/range/1/minute/2025-12-04/2025-12-05?adjusted=false&limit=700";
    struct td_bars bars = {0}, truth = truth_of(sim, "MEGA", false, "2025-12-04", "2025-12-05");
    struct reply reply;
    reply_get(port, path, "demo", NULL, &reply);
    assert_non_null(strstr(reply.body.data, ".0,"));
    assert_non_null(strstr(reply.body.data, "e+04,"));
    reply_free(&reply);
    walk(port, "MEGA", path, &bars);
    assert_same_bars(&bars, &truth, false);
    td_bars_free(&bars);
    td_bars_free(&truth);
    td_sim_free(sim);
}

static void the_truth_endpoint_tells_the_totals(void **state)
{
    (void)state;
    static const char *const tables[] = {"stocks_minute", "stocks_daily"};
    int port;
    struct td_sim *sim = serve_with(NULL, &port);
    for (size_t t = 0; t < TD_COUNT(tables); t++) {
        struct reply reply;
        char path[256];
        size_t i;
        json_t *row;
        uint64_t bars = 0;
        td_snprintf(path, sizeof path, "/sim/truth?table=%s&from=2025-11-20&to=2025-12-31", tables[t]);
        reply_get(port, path, NULL, NULL, &reply);
        assert_int_equal(reply.status, 200);
        assert_int_equal(json_array_size(json_object_get(reply.json, "results")), td_sim_ticker_count(sim));
        json_array_foreach(json_object_get(reply.json, "results"), i, row)
        {
            const char *ticker = json_string_value(json_object_get(row, "ticker"));
            struct td_bars truth = truth_of(sim, ticker, t == 1, "2025-11-20", "2025-12-31");
            double volume = 0;
            assert_string_equal(ticker, td_sim_ticker(sim, i));
            for (size_t k = 0; k < truth.n; k++)
                volume += truth.volume[k];
            assert_int_equal(json_integer_value(json_object_get(row, "bars")), truth.n);
            assert_true(fabs(json_number_value(json_object_get(row, "volume")) - volume) <= 1e-9 * volume);
            assert_true(!truth.n || json_integer_value(json_object_get(row, "last")) == truth.ts[truth.n - 1]);
            bars += truth.n;
            td_bars_free(&truth);
        }
        assert_true(bars > 100);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(reply.json, "total"), "bars")), bars);
        reply_free(&reply);
    }
    td_sim_free(sim);
}

/* All tickers of a date: the same daily bars, stamped at 16:00 New York. */
static void grouped_days_end_at_four(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve(NULL, &port);
    struct reply reply, previous, empty;
    size_t i, any = 0;
    json_t *row;
    reply_get(port, "/v2/aggs/grouped/locale/us/market/stocks/2025-11-13?adjusted=false", "demo", "gzip", &reply);
    json_array_foreach(json_object_get(reply.json, "results"), i, row)
    {
        struct td_bars bars = {0}, truth;
        add_row(&bars, row);
        truth = truth_of(sim, json_string_value(json_object_get(row, "T")), true, "2025-11-13", "2025-11-13");
        assert_int_equal(truth.n, 1);
        assert_int_equal(bars.ts[0], truth.ts[0] + INT64_C(16) * 3600000);
        bars.ts[0] = truth.ts[0];
        assert_same_bars(&bars, &truth, false);
        td_bars_free(&bars);
        td_bars_free(&truth);
    }
    for (size_t t = 0; t < td_sim_ticker_count(sim); t++) {
        struct td_bars truth = truth_of(sim, td_sim_ticker(sim, t), true, "2025-11-13", "2025-11-13");
        any += truth.n;
        td_bars_free(&truth);
    }
    assert_true(any > 250);
    assert_int_equal(json_integer_value(json_object_get(reply.json, "resultsCount")), any);
    reply_get(port, "/v2/aggs/ticker/MEGA/prev", "demo", NULL, &previous);
    row = json_array_get(json_object_get(previous.json, "results"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "t")),
                     td_ny_to_utc(DAY("2025-12-05"), INT64_C(16) * 3600000));
    assert_string_equal(json_string_value(json_object_get(row, "T")), "MEGA");
    reply_get(port, "/v2/aggs/grouped/locale/us/market/stocks/2025-11-27", "demo", NULL, &empty); /* a holiday */
    assert_int_equal(json_integer_value(json_object_get(empty.json, "resultsCount")), 0);
    assert_null(json_object_get(empty.json, "results"));
    reply_free(&reply);
    reply_free(&previous);
    reply_free(&empty);
    td_sim_free(sim);
}

static void reference_data_pages_too(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve(NULL, &port);
    char url[2048] = "/v3/reference/tickers?limit=50";
    size_t active = 0, pages = 0;
    for (bool more = true; more; pages++) {
        struct reply reply;
        reply_get(port, url, "demo", NULL, &reply);
        assert_int_equal(reply.status, 200);
        active += json_array_size(json_object_get(reply.json, "results"));
        more = json_object_get(reply.json, "next_url") != NULL;
        td_copy(url, sizeof url, reply_text(&reply, "next_url"));
        reply_free(&reply);
    }
    assert_int_equal(active, 289); /* eleven of the renamed company's symbols are gone */
    assert_int_equal(pages, 6);
    size_t splits = 0, expected = 0;
    td_copy(url, sizeof url, "/v3/reference/splits?limit=3&order=asc&execution_date.gte=2025-06-01");
    char newest[16] = "";
    for (bool more = true; more;) {
        struct reply reply;
        size_t i;
        json_t *row;
        reply_get(port, url, "demo", NULL, &reply);
        json_array_foreach(json_object_get(reply.json, "results"), i, row)
        {
            const char *day = json_string_value(json_object_get(row, "execution_date"));
            assert_true(strcmp(newest, day) <= 0 && strcmp(day, "2025-06-01") >= 0);
            td_copy(newest, sizeof newest, day);
            assert_true(strncmp(json_string_value(json_object_get(row, "ticker")), "RVS", 3) != 0);
            splits++;
        }
        more = json_object_get(reply.json, "next_url") != NULL;
        td_copy(url, sizeof url, reply_text(&reply, "next_url"));
        reply_free(&reply);
    }
    for (size_t i = 0; i < td_sim_ticker_count(sim); i++) {
        const struct td_split *list;
        size_t count = td_sim_splits(sim, td_sim_ticker(sim, i), &list);
        for (size_t k = 0; k < count; k++)
            expected += list[k].day >= DAY("2025-06-01");
    }
    assert_int_equal(splits, expected);
    assert_string_equal(newest, "2025-11-19");
    td_sim_free(sim);
}

static void small_reference_answers(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        long status;
        const char *needle;
    } cases[] = {
        {"/vX/reference/tickers/RNMK/events", 200,
         "{\"ticker_change\":{\"ticker\":\"RNML\"},\"type\":\"ticker_change\",\"date\":\"2025-11-11\"}"},
        {"/v2/aggs/ticker/NOPE/prev", 200, "\"resultsCount\":0"},
        {"/v2/aggs/grouped/locale/us/market/stocks/x", 400, "date"},
        {"/vX/reference/tickers/NOPE/events", 404, "Ticker not found."},
        {"/v3/reference/tickers/REUA", 200, "\"ticker\":\"REUA\""},
        {"/v3/reference/tickers/REUA?date=2025-11-10", 404, "NOT_FOUND"}, /* between two lives */
        {"/v3/reference/tickers?active=false&ticker=RNMK", 200, "\"delisted_utc\":\"2025-11-10T00:00:00Z\""},
        {"/v3/reference/tickers?type=ETF", 200, "LEVX"},
        {"/v3/reference/tickers?limit=x", 400, "limit"},
        {"/v3/reference/splits?ticker=FWDA&execution_date=2025-11-14", 200, "\"split_from\":1,\"split_to\":4"},
        {"/v3/reference/splits?ticker=RSPA&execution_date.gte=2025-11-01", 200, "\"split_from\":20,\"split_to\":1"},
        {"/v3/reference/splits?ticker=RVSA", 200, "\"results\":[]"},
        {"/v3/reference/splits?ticker=RSPA&reverse_split=false", 200, "\"results\":[]"},
        {"/sim/tickers?format=text", 200, "\nNA\n"},
        {"/sim/truth?table=trades", 400, "table"},
        {"/sim/truth?from=yesterday", 400, "from"},
        {"/sim/truth?ticker=MEGA&from=2025-11-28&to=2025-11-28", 200, "\"bars\":780"},
    };
    int port;
    struct td_sim *sim = serve(NULL, &port);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct reply reply;
        reply_get(port, cases[i].path, "demo", "gzip", &reply);
        assert_int_equal(reply.status, cases[i].status);
        if (!strstr(reply.body.data, cases[i].needle))
            fail_msg("%s: no %s in %.300s", cases[i].path, cases[i].needle, reply.body.data);
        reply_free(&reply);
    }
    td_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_equal_the_generator), cmocka_unit_test(times_snap_to_their_unit),
        cmocka_unit_test(larger_bars_are_never_cut), cmocka_unit_test(adjusted_prices_are_in_todays_shares),
        cmocka_unit_test(numbers_in_other_dresses),  cmocka_unit_test(the_truth_endpoint_tells_the_totals),
        cmocka_unit_test(grouped_days_end_at_four),  cmocka_unit_test(reference_data_pages_too),
        cmocka_unit_test(small_reference_answers),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
