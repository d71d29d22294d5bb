/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's manners: keys, error bodies, compression, faults on request, waiting, stopping. */
#include "sim_client.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#define AGGS "/v2/aggs/ticker/MEGA/range/1/minute/2025-12-05/2025-12-05"

static void keys_and_errors(void **state)
{
    (void)state;
    static const struct {
        const char *path, *bearer;
        long status;
        const char *needle;
    } cases[] = {
        {AGGS, NULL, 401, "{\"status\":\"ERROR\",\"request_id\":\""},
        {AGGS, NULL, 401, "\"error\":\"API Key was not provided\"}"},
        {AGGS, "", 401, "API Key was not provided"},
        {AGGS, "nope", 401, "\"error\":\"Unknown API Key\"}"},
        {AGGS "?apiKey=nope", NULL, 401, "Unknown API Key"},
        {AGGS "?apiKey=demo", NULL, 200, "\"status\":\"OK\""},
        {AGGS "?apiKey=s%3Fcret", NULL, 200, "\"status\":\"OK\""},
        {AGGS, "s?cret", 200, "\"status\":\"OK\""},
        {AGGS, "demo", 200, "\"ticker\":\"MEGA\""},
        {"/v2/aggs/ticker/mega/range/1/minute/2025-12-05/2025-12-05", "demo", 200, "\"resultsCount\":0"},
        {"/v2/aggs/ticker/O:X%22Y/range/1/day/2025-12-05/2025-12-05", "demo", 200, "\"ticker\":\"O:X\\\"Y\""},
        {"/v2/aggs/ticker/MEGA/range/1/minute/2026-03-05/2026-03-06", "demo", 200, "\"queryCount\":0"},
        {"/v2/aggs/ticker/MEGA/range/1/minute/2025-12-06/2025-12-07", "demo", 200, "\"count\":0"},
        {"/v2/aggs/ticker/MEGA/range/1/minute/1820-12-06/9000-12-07", "demo", 200, "\"next_url\""},
        {"/v2/aggs/ticker/MEGA/range/1/minute/2025-13-05/2025-12-05", "demo", 400,
         "\"error\":\"Could not parse the time parameter: 'from'. Use YYYY-MM-DD or Unix MS Timestamps\"}"},
        {"/v2/aggs/ticker/MEGA/range/1/minute/2025-12-05/tomorrow", "demo", 400,
         "Could not parse the time parameter: 'to'."},
        {"/v2/aggs/ticker/MEGA/range/1/minute/2025-12-05/99999999999999999999", "demo", 400, "time parameter: 'to'"},
        {"/v2/aggs/ticker/MEGA/range/1/day/2025-12-05/2025-12-04", "demo", 400,
         "\"error\":\"The parameter 'to' cannot be a time that occurs before 'from'\"}"},
        {"/v2/aggs/ticker/MEGA/range/0/minute/2025-12-05/2025-12-05", "demo", 400, "multiplier"},
        {"/v2/aggs/ticker/MEGA/range/x/minute/2025-12-05/2025-12-05", "demo", 400, "multiplier"},
        {"/v2/aggs/ticker/MEGA/range/2/day/2025-12-05/2025-12-05", "demo", 400, "day"},
        {"/v2/aggs/ticker/MEGA/range/1/second/2025-12-05/2025-12-05", "demo", 400, "timespan"},
        {AGGS "?limit=0", "demo", 400, "limit"},
        {AGGS "?limit=many", "demo", 400, "limit"},
        {AGGS "?sort=up", "demo", 400, "sort"},
        {AGGS "?adjusted=perhaps", "demo", 400, "adjusted"},
        {AGGS "?cursor=%21%21", "demo", 400, "cursor"},
        {AGGS "?limit=5&unknown=1", "demo", 200, "\"resultsCount\":5"},
        {"/v2/aggs/ticker//range/1/day/2025-12-05/2025-12-05", "demo", 404, "NOT_FOUND"},
        {"/v2/aggs", "demo", 404, "NOT_FOUND"},
        {"/", "demo", 404, "NOT_FOUND"},
        {"/", NULL, 401, "API Key was not provided"},
        {"/a/b/c/d/e/f/g/h/i/j/k/l/m/n", "demo", 404, "NOT_FOUND"},
    };
    int port;
    struct td_sim_options options = {.tickers = 40, .key = "s?cret", .sessions = 60};
    struct td_sim *sim = serve(&options, &port);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct reply reply;
        reply_get(port, cases[i].path, cases[i].bearer, NULL, &reply);
        if (reply.status != cases[i].status || !reply.json || !strstr(reply.body.data, cases[i].needle))
            fail_msg("%s: %ld, no %s in %.300s", cases[i].path, reply.status, cases[i].needle,
                     reply.body.data ? reply.body.data : "");
        assert_true(json_array_size(json_object_get(reply.json, "results")) > 0 ||
                    !json_object_get(reply.json, "results"));
        assert_null(strstr(reply.body.data, "cret"));
        reply_free(&reply);
    }
    td_sim_free(sim);
}

static void gzip_only_where_it_is_accepted(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve_with(NULL, &port);
    struct reply plain, zipped;
    reply_get(port, AGGS "?apiKey=demo", NULL, NULL, &plain);
    reply_get(port, AGGS "?apiKey=demo", NULL, "gzip", &zipped);
    assert_false(reply_has_header(&plain, "Content-Encoding"));
    assert_true(reply_has_header(&zipped, "Content-Encoding: gzip"));
    assert_non_null(zipped.json);
    assert_true(json_equal(json_object_get(plain.json, "results"), json_object_get(zipped.json, "results")));
    assert_int_equal(json_array_size(json_object_get(zipped.json, "results")), 960);
    reply_free(&plain);
    reply_free(&zipped);
    td_sim_free(sim);
}

static void faults_look_as_they_are_called(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        CURLcode curl;
        long status;
        const char *header, *needle; /* NULL: an empty body */
        bool json;
    } cases[] = {
        {"429=1", CURLE_OK, 429, "Retry-After: 1", "exceeded the maximum requests per minute", true},
        {"429bare", CURLE_OK, 429, "application/json", "exceeded", true},
        {"empty429=1", CURLE_OK, 429, "Content-Length: 0", NULL, false},
        {"500=1", CURLE_OK, 500, "text/html", "<html>", false},
        {"empty503=1", CURLE_OK, 503, "", NULL, false},
        {"reset=1", CURLE_GOT_NOTHING, 0, "", NULL, false},
        {"html=1", CURLE_OK, 200, "text/html", "<html>", false},
        {"garbage=1", CURLE_OK, 200, "application/json", "results", false},
        {"cutjson=1", CURLE_OK, 200, "application/json", "results", false},
        {"notauth=1", CURLE_OK, 200, "", "\"status\":\"NOT_AUTHORIZED\"", true},
        {"plan=1", CURLE_OK, 403, "", "Your plan doesn't include this data timeframe", true},
        {"truncate=1", CURLE_PARTIAL_FILE, 200, "", "results", false},
        {"slow=1", CURLE_OK, 200, "", "\"status\":\"OK\"", true},
        {"delayed=1", CURLE_OK, 200, "", "\"status\":\"DELAYED\"", true},
        {"nulls=1", CURLE_OK, 200, "", "\"l\":", true},
        {"page=7", CURLE_OK, 200, "", "\"queryCount\":7,\"resultsCount\":7,", true},
        {"429=0", CURLE_OK, 200, "", "\"status\":\"OK\"", true},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        int port;
        struct td_sim *sim = serve_with(cases[i].fault, &port);
        struct reply reply, open;
        reply_get(port, AGGS, "demo", NULL, &reply);
        const char *body = reply.body.data ? reply.body.data : "";
        if (reply.curl != cases[i].curl || reply.status != cases[i].status || (reply.json != NULL) != cases[i].json ||
            !reply_has_header(&reply, cases[i].header) ||
            (cases[i].needle ? !strstr(body, cases[i].needle) : reply.body.len))
            fail_msg("%s: curl %d, status %ld, %.300s", cases[i].fault, (int)reply.curl, reply.status, body);
        assert_int_equal(reply_has_header(&reply, "Retry-After"), i == 0);
        reply_get(port, "/sim/tickers", NULL, NULL, &open); /* truth has no faults */
        assert_int_equal(open.status, 200);
        assert_int_equal(json_array_size(json_object_get(open.json, "results")), 40);
        reply_free(&open);
        reply_free(&reply);
        td_sim_free(sim);
    }
}

static void truncated_gzip_is_cut_too(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve_with("truncate", &port);
    struct reply reply;
    reply_get(port, AGGS, "demo", "gzip", &reply);
    assert_int_not_equal(reply.curl, CURLE_OK);
    assert_null(reply.json);
    reply_free(&reply);
    td_sim_free(sim);
}

static void a_repeated_cursor_leads_back(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve_with("cursor", &port);
    struct reply first, second;
    reply_get(port, AGGS, "demo", NULL, &first);
    reply_get(port, reply_text(&first, "next_url"), "demo", NULL, &second);
    assert_int_equal(json_array_size(json_object_get(second.json, "results")), 960);
    assert_true(json_equal(json_object_get(first.json, "results"), json_object_get(second.json, "results")));
    assert_string_equal(reply_text(&first, "next_url"), reply_text(&second, "next_url"));
    reply_free(&first);
    reply_free(&second);
    td_sim_free(sim);
}

/* The same seed meets the same faults at the same requests; the rate is about what was asked for. */
static void faults_come_by_seed_and_count(void **state)
{
    (void)state;
    enum { REQUESTS = 120 };
    static const char *const faults[] = {"429=0.2", "500=0.1"};
    char met[3][REQUESTS + 1] = {{0}};
    for (size_t run = 0; run < 3; run++) {
        struct td_sim_options options = {.tickers = 5, .seed = run < 2 ? 7 : 8, .faults = faults, .fault_count = 2};
        int port;
        struct td_sim *sim = serve(&options, &port);
        for (size_t i = 0; i < REQUESTS; i++) {
            struct reply reply;
            reply_get(port, AGGS "?limit=1", "demo", NULL, &reply);
            met[run][i] = reply.status == 429 ? 'r' : reply.status == 500 ? 's' : '.';
            reply_free(&reply);
        }
        td_sim_free(sim);
    }
    size_t throttled = 0, broken = 0;
    for (size_t i = 0; i < REQUESTS; i++) {
        throttled += met[0][i] == 'r';
        broken += met[0][i] == 's';
    }
    assert_string_equal(met[0], met[1]);
    assert_string_not_equal(met[0], met[2]);
    assert_in_range(throttled, 10, 45);
    assert_in_range(broken, 2, 30);
}

static int send_request(int port)
{
    static const char text[] = "GET " AGGS "?apiKey=demo HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, text, sizeof text - 1, 0), (ssize_t)sizeof text - 1);
    return fd;
}

/* More requests wait than there are threads, for ten minutes: others are answered meanwhile, and stopping ends the
 * wait. */
static void waiting_holds_up_nobody(void **state)
{
    (void)state;
    int port, fds[8];
    struct td_sim_options options = {.tickers = 5, .latency_ms = 600000};
    struct td_sim *sim = serve(&options, &port);
    for (size_t i = 0; i < TD_COUNT(fds); i++)
        fds[i] = send_request(port);
    for (int i = 0; i < 5; i++) {
        struct reply reply;
        reply_get(port, "/sim/tickers", NULL, NULL, &reply);
        assert_int_equal(reply.status, 200);
        reply_free(&reply);
    }
    char byte;
    for (size_t i = 0; i < TD_COUNT(fds); i++)
        assert_int_equal(recv(fds[i], &byte, 1, MSG_DONTWAIT), -1); /* nothing yet */
    td_sim_free(sim);
    for (size_t i = 0; i < TD_COUNT(fds); i++)
        close(fds[i]);
}

static void latency_ends_in_an_answer(void **state)
{
    (void)state;
    int port;
    struct td_sim_options options = {.tickers = 5, .latency_ms = 30};
    struct td_sim *sim = serve(&options, &port);
    for (int i = 0; i < 3; i++) {
        struct reply reply;
        int64_t start = td_mono_ns();
        reply_get(port, AGGS, "demo", NULL, &reply);
        assert_int_equal(json_array_size(json_object_get(reply.json, "results")), 960);
        assert_true(td_mono_ns() - start >= 30000000); /* never earlier; later is the machine's business */
        reply_free(&reply);
    }
    td_sim_free(sim);
}

static void only_loopback_only_get_only_once(void **state)
{
    (void)state;
    int port, again;
    struct td_sim *sim = serve_with(NULL, &port), *second;
    struct td_err err;
    assert_int_equal(td_sim_serve(sim, &again, &err), TD_USAGE);
    struct td_sim_options taken = {.tickers = 5, .port = port};
    ASSERT_OK(td_sim_new(&taken, &second, &err), err);
    assert_int_equal(td_sim_serve(second, &again, &err), TD_IO);
    assert_non_null(strstr(err.text, "127.0.0.1"));
    td_sim_free(second);
    CURL *curl = curl_easy_init();
    char url[256];
    struct td_buf body;
    long status = 0;
    td_buf_init(&body, 65536);
    td_snprintf(url, sizeof url, "http://127.0.0.1:%d" AGGS "?apiKey=demo", port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "a=b");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, reply_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, 405);
    curl_easy_cleanup(curl);
    td_buf_free(&body);
    td_sim_free(sim);
}

static void failing_memory_never_listens(void **state)
{
    (void)state;
    long n = 1;
    for (; n < 20; n++) {
        struct td_sim_options options = {.tickers = 5};
        struct td_sim *sim;
        struct td_err err;
        int port;
        ASSERT_OK(td_sim_new(&options, &sim, &err), err);
        td_alloc_fail_after(n);
        enum td_code code = td_sim_serve(sim, &port, &err);
        td_alloc_fail_after(0);
        td_sim_free(sim);
        if (code == TD_OK)
            break;
        assert_int_equal(code, TD_NOMEM);
    }
    assert_in_range(n, 2, 19);
}

/* Memory that fails inside a request ends that request, never the daemon. */
static void failing_memory_inside_a_request(void **state)
{
    (void)state;
    int port;
    struct td_sim *sim = serve_with(NULL, &port);
    for (long n = 1; n < 24; n++) {
        int fd = send_request(port);
        char byte;
        td_alloc_fail_after(n);
        (void)!recv(fd, &byte, 1, 0);
        td_alloc_fail_after(0);
        close(fd);
    }
    struct reply reply;
    reply_get(port, AGGS, "demo", "gzip", &reply);
    assert_int_equal(reply.status, 200);
    assert_int_equal(json_array_size(json_object_get(reply.json, "results")), 960);
    reply_free(&reply);
    td_sim_free(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_errors),
        cmocka_unit_test(gzip_only_where_it_is_accepted),
        cmocka_unit_test(faults_look_as_they_are_called),
        cmocka_unit_test(truncated_gzip_is_cut_too),
        cmocka_unit_test(a_repeated_cursor_leads_back),
        cmocka_unit_test(faults_come_by_seed_and_count),
        cmocka_unit_test(waiting_holds_up_nobody),
        cmocka_unit_test(latency_ends_in_an_answer),
        cmocka_unit_test(only_loopback_only_get_only_once),
        cmocka_unit_test(failing_memory_never_listens),
        cmocka_unit_test(failing_memory_inside_a_request),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
