/* SPDX-License-Identifier: GPL-3.0-or-later
 * The HTTP engine against a server that misbehaves on purpose, and its retry policy as pure functions. */
#include "check.h"

#include <signal.h>
#include <stdatomic.h>
#include <tapedeck/feed.h>
#include <zlib.h>

#include "feed/scripted_server.h"
#include "http_retry.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define OK_ANSWER OK_HEAD "Content-Length: 2\r\n\r\n{}"
#define EMPTY_STATUS(line) "HTTP/1.1 " line "\r\nContent-Length: 0\r\n\r\n"

/* What one callback saw; several may be awaited. */
struct seen {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned calls;
    enum td_code code;
    long status;
    unsigned attempts;
    size_t len;
    char body[256];
    char text[512];
    int signals_blocked;
};

static void seen_init(struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    pthread_mutex_init(&seen->lock, NULL);
    pthread_cond_init(&seen->changed, NULL);
}

static void on_done(void *ctx, struct td_http_response *response)
{
    struct seen *seen = ctx;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    pthread_mutex_lock(&seen->lock);
    seen->calls++;
    seen->code = response->code;
    seen->status = response->status;
    seen->attempts = response->attempts;
    seen->len = response->body.len;
    snprintf(seen->body, sizeof seen->body, "%s", response->body.data ? response->body.data : "");
    snprintf(seen->text, sizeof seen->text, "%s", response->err.text);
    seen->signals_blocked = sigismember(&mask, SIGTERM) && sigismember(&mask, SIGINT) && sigismember(&mask, SIGHUP) &&
                            sigismember(&mask, SIGWINCH);
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->lock);
    td_buf_free(&response->body);
}

static void wait_calls(struct seen *seen, unsigned calls)
{
    pthread_mutex_lock(&seen->lock);
    while (seen->calls < calls)
        pthread_cond_wait(&seen->changed, &seen->lock);
    pthread_mutex_unlock(&seen->lock);
}

static struct td_http *engine(const char *url, struct td_http_options options)
{
    struct td_http *http = NULL;
    struct td_err err = {0};
    options.base_url = url;
    options.seed = 7;
    if (!options.backoff_ms)
        options.backoff_ms = 1;
    if (!options.timeout_s)
        options.timeout_s = 120;
    ASSERT_OK(td_http_new(&options, &http, &err), err);
    return http;
}

static struct seen get(struct td_http *http, const char *path)
{
    struct seen seen;
    struct td_err err = {0};
    seen_init(&seen);
    ASSERT_OK(td_http_get(http, path, NULL, on_done, &seen, &err), err);
    wait_calls(&seen, 1);
    return seen;
}

/* ---- one request, one or more answers ---- */

static void test_outcomes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct script_answer answers[3];
        size_t count;
        enum td_code code;
        long status;
        unsigned attempts; /* 0: any, where the library itself may repeat on a fresh connection */
        const char *body;  /* NULL: any */
    } cases[] = {
        {"plain", {{.bytes = OK_ANSWER}}, 1, TD_OK, 200, 1, "{}"},
        {"chunked", {{.bytes = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"}}, 1, TD_OK, 200, 1, "{}"},
        {"until close", {{.bytes = OK_HEAD "\r\n{}\n", .close = true}}, 1, TD_OK, 200, 1, "{}\n"},
        {"404 is final", {{.bytes = EMPTY_STATUS("404 Not Found")}}, 1, TD_OK, 404, 1, ""},
        {"401 is final", {{.bytes = EMPTY_STATUS("401 Unauthorized")}}, 1, TD_OK, 401, 1, ""},
        {"redirect is not followed",
         {{.bytes = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n"}}, 1, TD_OK, 302, 1, ""},
        {"500 once", {{.bytes = EMPTY_STATUS("500 Oops")}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"503 html", {{.bytes = "HTTP/1.1 503 X\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<hi>"}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"500 for ever", {{.bytes = EMPTY_STATUS("500 Oops")}}, 1, TD_NETWORK, 500, 4, NULL},
        {"429 without a hint", {{.bytes = EMPTY_STATUS("429 Slow")}, {.bytes = EMPTY_STATUS("429 Slow")}, {.bytes = OK_ANSWER}}, 3, TD_OK, 200, 3, "{}"},
        {"half a body", {{.bytes = OK_HEAD "Content-Length: 20\r\n\r\n{\"a\":", .close = true}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"half a chunked body", {{.bytes = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":", .close = true}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"half a body without a length", {{.bytes = OK_HEAD "\r\n{\"a\":[1,", .close = true}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"garbage body", {{.bytes = OK_HEAD "Content-Length: 5\r\n\r\n#@!~}"}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"cut behind a row", {{.bytes = OK_HEAD "\r\n{\"a\":[{\"t\":1}", .close = true}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"web page", {{.bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<hi>"}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"garbage instead of HTTP", {{.bytes = "\x16\x03garbage\r\n\r\n", .close = true}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"closed without a word", {{.bytes = NULL}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 0, "{}"},
        {"reset", {{.bytes = OK_HEAD "Content-Length: 20\r\n\r\n{", .reset = true}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"damaged gzip", {{.bytes = OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 6\r\n\r\n{\"a\":}"}, {.bytes = OK_ANSWER}}, 2, TD_OK, 200, 2, "{}"},
        {"body over the cap", {{.bytes = OK_HEAD "Content-Length: 300\r\n\r\n"
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"}}, 1, TD_LIMIT, 200, 1, NULL},
    };
    struct script_server *server = script_new();
    char path[TD_COUNT(cases)][16];
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        snprintf(path[i], sizeof path[i], "/case/%zu", i);
        for (size_t k = 0; k < cases[i].count; k++)
            script_add(server, path[i], cases[i].answers[k]);
    }
    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_retries = 3, .max_body = 256});
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct seen seen = get(http, path[i]);
        if (seen.code != cases[i].code || seen.status != cases[i].status || (cases[i].attempts && seen.attempts != cases[i].attempts) ||
            (cases[i].body && strcmp(seen.body, cases[i].body) != 0))
            fail_msg("%s: %s, HTTP %ld, %u attempts, body '%s': %s", cases[i].name, td_code_name(seen.code), seen.status,
                     seen.attempts, seen.body, seen.text);
        if (seen.code != TD_OK)
            assert_non_null(strstr(seen.text, path[i])); /* every error names its request */
        assert_true(seen.signals_blocked);
    }
    td_http_free(http);
    script_stop(server);
}

static void test_no_retries(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    script_text(server, "/x", EMPTY_STATUS("500 Oops"));
    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_retries = TD_HTTP_NO_RETRIES});
    struct seen seen = get(http, "/x");
    assert_int_equal(seen.code, TD_NETWORK);
    assert_int_equal(seen.status, 500);
    assert_int_equal(seen.attempts, 1);
    td_http_free(http);
    script_stop(server);
}

static void test_throttled_for_ever(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    script_text(server, "/x", EMPTY_STATUS("429 Slow"));
    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_retries = 1});
    struct seen seen = get(http, "/x");
    assert_int_equal(seen.code, TD_NETWORK);
    assert_int_equal(seen.status, 429);
    assert_int_equal(seen.attempts, 1 + HTTP_EXTRA_THROTTLES + 1);
    assert_non_null(strstr(seen.text, "too many requests"));
    td_http_free(http);
    script_stop(server);
}

static void test_refused_connection_is_named(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char url[64];
    int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, so that nobody else gets the port, and deaf */
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
    struct td_http *http = engine(url, (struct td_http_options){.max_retries = 2});
    struct seen seen = get(http, "/x");
    assert_int_equal(seen.code, TD_NETWORK);
    assert_int_equal(seen.status, 0);
    assert_int_equal(seen.attempts, 3);
    assert_non_null(strstr(seen.text, url));
    td_http_free(http);
    close(taken);
}

static void test_slow_server_times_out(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    script_add(server, "/slow", (struct script_answer){.bytes = OK_HEAD "Content-Length: 9\r\n\r\n{", .hang = true});
    script_text(server, "/slow", OK_ANSWER);
    struct td_http *http = engine(script_start(server), (struct td_http_options){.timeout_s = 1, .max_retries = 60});
    struct seen seen = get(http, "/slow");
    assert_int_equal(seen.code, TD_OK);
    assert_true(seen.attempts >= 2); /* a machine that stalls for a second needs more */
    td_http_free(http);
    script_stop(server);
}

/* ---- gzip ---- */

static size_t gzip(const char *text, size_t len, char *out, size_t size)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    union { const char *in; Bytef *out; } source = {.in = text}; /* the stream only reads it */
    z.next_in = source.out;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)out;
    z.avail_out = (uInt)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void test_gzip(void **state)
{
    (void)state;
    static char zeros[100000], packed[4096], whole[8192], half[8192], bomb[8192];
    struct script_server *server = script_new();
    size_t len = gzip("{\"results\":[1,2,3]}", 19, packed, sizeof packed);
    int head = snprintf(whole, sizeof whole, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", len);
    memcpy(whole + head, packed, len);
    script_add(server, "/gz", (struct script_answer){.bytes = whole, .len = (size_t)head + len});
    int cut = snprintf(half, sizeof half, OK_HEAD "Content-Encoding: gzip\r\n\r\n");
    memcpy(half + cut, packed, len / 2);
    script_add(server, "/half", (struct script_answer){.bytes = half, .len = (size_t)cut + len / 2, .close = true});
    script_add(server, "/half", (struct script_answer){.bytes = whole, .len = (size_t)head + len});
    memset(zeros, ' ', sizeof zeros);
    size_t bomb_len = gzip(zeros, sizeof zeros, packed, sizeof packed);
    int bomb_head = snprintf(bomb, sizeof bomb, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", bomb_len);
    memcpy(bomb + bomb_head, packed, bomb_len);
    assert_true(bomb_len < 1000);
    script_add(server, "/bomb", (struct script_answer){.bytes = bomb, .len = (size_t)bomb_head + bomb_len});

    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_body = 50000});
    struct seen seen = get(http, "/gz");
    assert_int_equal(seen.code, TD_OK);
    assert_string_equal(seen.body, "{\"results\":[1,2,3]}");
    assert_non_null(strstr(server->log[0], "Accept-Encoding: gzip\r\n"));
    seen = get(http, "/half");
    assert_int_equal(seen.code, TD_OK);
    assert_int_equal(seen.attempts, 2);
    seen = get(http, "/bomb"); /* small on the wire, 100,000 bytes decoded */
    assert_int_equal(seen.code, TD_LIMIT);
    struct td_http_stats stats;
    td_http_stats(http, &stats);
    assert_true(stats.bytes <= 100000);
    td_http_free(http);
    script_stop(server);
}

/* ---- pause, cancel, shutdown ---- */

static void test_throttle_pauses_the_engine(void **state)
{
    (void)state;
    enum { OTHERS = 20 };
    static char paths[OTHERS][16];
    struct script_server *server = script_new();
    struct seen first, others;
    struct td_err err = {0};
    script_text(server, "/first", "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
    script_text(server, "/first", OK_ANSWER);
    for (size_t i = 0; i < OTHERS; i++) {
        snprintf(paths[i], sizeof paths[i], "/o/%zu", i);
        script_text(server, paths[i], OK_ANSWER);
    }
    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_in_flight = 4});
    seen_init(&first);
    seen_init(&others);
    int64_t asked = td_mono_ns(); /* the answer, and so the pause, cannot come before */
    ASSERT_OK(td_http_get(http, "/first", NULL, on_done, &first, &err), err);
    script_wait_logged(server, 1);
    struct td_http_stats stats = {0};
    while (stats.throttled == 0) { /* the answer is on its way */
        td_http_wake(http);
        td_http_stats(http, &stats);
    }
    for (size_t i = 0; i < OTHERS; i++)
        ASSERT_OK(td_http_get(http, paths[i], NULL, on_done, &others, &err), err);
    script_wait_logged(server, 2);
    /* Retry-After is a promise, not a measurement: nothing may be sent before it is over. */
    assert_true(server->logged_ns[1] - asked >= INT64_C(1000000000));
    wait_calls(&first, 1);
    wait_calls(&others, OTHERS);
    assert_int_equal(first.attempts, 2);
    td_http_stats(http, &stats);
    assert_int_equal(stats.throttled, 1);
    assert_int_equal(stats.retries, 1);
    assert_int_equal(stats.requests, OTHERS + 2);
    td_http_free(http);
    script_stop(server);
}

/* The date form of Retry-After, far away: the request must still wait while another engine makes 300 round trips. */
static void test_retry_after_date(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    struct td_err err = {0};
    struct seen waiting;
    _Atomic bool cancel = false;
    script_text(server, "/x", "HTTP/1.1 429 Slow\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\nContent-Length: 0\r\n\r\n");
    script_text(server, "/x", OK_ANSWER);
    script_text(server, "/fine", OK_ANSWER);
    const char *url = script_start(server);
    struct td_http *http = engine(url, (struct td_http_options){0}), *other = engine(url, (struct td_http_options){0});
    seen_init(&waiting);
    ASSERT_OK(td_http_get(http, "/x", &cancel, on_done, &waiting, &err), err);
    script_wait_logged(server, 1);
    for (int i = 0; i < 300; i++)
        assert_int_equal(get(other, "/fine").code, TD_OK);
    atomic_store(&cancel, true);
    td_http_wake(http);
    wait_calls(&waiting, 1);
    assert_int_equal(waiting.code, TD_CANCELLED);
    assert_int_equal(waiting.attempts, 1);
    td_http_free(http);
    td_http_free(other);
    script_stop(server);
}

static void test_cancel(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    struct td_err err = {0};
    struct seen running, waiting, queued;
    _Atomic bool cancel = false;
    script_add(server, "/hang", (struct script_answer){.bytes = OK_HEAD, .hang = true});
    script_text(server, "/again", "HTTP/1.1 503 X\r\nRetry-After: 250\r\nContent-Length: 0\r\n\r\n");
    script_text(server, "/fine", OK_ANSWER);
    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_in_flight = 2});
    seen_init(&running);
    seen_init(&waiting);
    seen_init(&queued);
    ASSERT_OK(td_http_get(http, "/hang", &cancel, on_done, &running, &err), err);
    ASSERT_OK(td_http_get(http, "/again", &cancel, on_done, &waiting, &err), err);
    ASSERT_OK(td_http_get(http, "/fine", &cancel, on_done, &queued, &err), err);
    script_wait_logged(server, 2);
    atomic_store(&cancel, true);
    td_http_wake(http);
    wait_calls(&running, 1);
    wait_calls(&waiting, 1);
    wait_calls(&queued, 1);
    assert_int_equal(running.code, TD_CANCELLED);
    assert_int_equal(waiting.code, TD_CANCELLED);
    assert_int_equal(queued.code, TD_CANCELLED);
    assert_int_equal(queued.attempts, 0);
    struct seen after = get(http, "/fine"); /* the slots are free again */
    assert_int_equal(after.code, TD_OK);
    td_http_free(http);
    script_stop(server);
}

static void test_shutdown_calls_everybody_once(void **state)
{
    (void)state;
    enum { REQUESTS = 50 };
    struct script_server *server = script_new();
    struct td_err err = {0};
    struct seen seen;
    script_add(server, "/hang", (struct script_answer){.bytes = OK_HEAD, .hang = true});
    struct td_http *http = engine(script_start(server), (struct td_http_options){.max_in_flight = 8});
    seen_init(&seen);
    for (size_t i = 0; i < REQUESTS; i++)
        ASSERT_OK(td_http_get(http, "/hang", NULL, on_done, &seen, &err), err);
    script_wait_logged(server, 8);
    td_http_free(http);
    assert_int_equal(seen.calls, REQUESTS);
    assert_int_equal(seen.code, TD_CANCELLED);
    assert_true(server->max_at_once <= 8);
    script_stop(server);
}

/* ---- many at once, from several threads, paging from inside the callback ---- */

struct pager {
    struct td_http *http;
    struct seen seen;
    _Atomic unsigned pages;
};

static void on_page(void *ctx, struct td_http_response *response)
{
    struct pager *pager = ctx;
    struct td_err err = {0};
    char path[32];
    unsigned page = atomic_fetch_add(&pager->pages, 1) + 1;
    if (response->code == TD_OK && page < 5) {
        snprintf(path, sizeof path, "/page/%u", page);
        if (td_http_get(pager->http, path, NULL, on_page, pager, &err) == TD_OK) {
            td_buf_free(&response->body);
            return;
        }
    }
    on_done(&pager->seen, response);
}

static void test_paging_from_the_callback(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    struct pager pager = {0};
    struct td_err err = {0};
    static const char *const paths[] = {"/page/0", "/page/1", "/page/2", "/page/3", "/page/4"};
    for (size_t i = 0; i < TD_COUNT(paths); i++)
        script_text(server, paths[i], OK_ANSWER);
    seen_init(&pager.seen);
    pager.http = engine(script_start(server), (struct td_http_options){.max_in_flight = 1});
    ASSERT_OK(td_http_get(pager.http, paths[0], NULL, on_page, &pager, &err), err);
    wait_calls(&pager.seen, 1);
    assert_int_equal(pager.seen.code, TD_OK);
    assert_int_equal(server->logged, 5);
    assert_int_equal(server->connections, 1); /* kept alive */
    td_http_free(pager.http);
    script_stop(server);
}

enum { STORM_THREADS = 3, STORM_EACH = 60 };
struct storm {
    struct td_http *http;
    struct seen seen;
};

static void *storm_main(void *arg)
{
    struct storm *storm = arg;
    static const char *const paths[] = {"/ok", "/flaky", "/429"};
    struct td_err err = {0};
    for (int i = 0; i < STORM_EACH; i++) {
        if (td_http_get(storm->http, paths[i % 3], NULL, on_done, &storm->seen, &err) != TD_OK)
            abort();
    }
    return NULL;
}

static void test_storm(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    struct storm storm = {0};
    pthread_t threads[STORM_THREADS];
    script_text(server, "/ok", OK_ANSWER);
    for (int i = 0; i < 8; i++) {
        if (i % 2)
            script_text(server, "/flaky", EMPTY_STATUS("502 Bad"));
        else
            script_add(server, "/flaky", (struct script_answer){.bytes = OK_HEAD "Content-Length: 9\r\n\r\n{", .close = true});
        script_text(server, "/429", EMPTY_STATUS("429 Slow"));
        script_text(server, "/429", OK_ANSWER);
    }
    script_text(server, "/flaky", OK_ANSWER);
    seen_init(&storm.seen);
    storm.http = engine(script_start(server), (struct td_http_options){.max_in_flight = 8, .max_retries = 20});
    for (size_t i = 0; i < STORM_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, storm_main, &storm), 0);
    for (size_t i = 0; i < STORM_THREADS; i++)
        pthread_join(threads[i], NULL);
    wait_calls(&storm.seen, STORM_THREADS * STORM_EACH);
    assert_int_equal(storm.seen.code, TD_OK);
    struct td_http_stats stats;
    td_http_stats(storm.http, &stats);
    assert_int_equal(stats.throttled, 8);
    assert_int_equal(stats.retries, 16);
    assert_int_equal(stats.requests, STORM_THREADS * STORM_EACH + 16);
    td_http_free(storm.http);
    assert_int_equal(storm.seen.calls, STORM_THREADS * STORM_EACH);
    assert_true(server->max_at_once <= 8);
    script_stop(server);
}

static void test_idle_engine_looks_idle(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    struct td_http_stats stats;
    script_text(server, "/x", OK_ANSWER);
    struct td_http *http = engine(script_start(server), (struct td_http_options){0});
    (void)get(http, "/x");
    int64_t patience = td_mono_ns() + INT64_C(120000000000); /* a bound for a broken engine, not a measurement */
    do {
        td_http_stats(http, &stats);
    } while ((stats.in_flight > 0 || stats.queued > 0) && td_mono_ns() < patience);
    assert_int_equal(stats.in_flight, 0);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.requests, 1);
    assert_int_equal(stats.bytes, 2);
    td_http_free(http);
    script_stop(server);
}

/* ---- key and base URL ---- */

static void test_key_stays_secret(void **state)
{
    (void)state;
    static const char key[] = "sEcReTkEy0123456789";
    struct script_server *server = script_new();
    script_text(server, "/v2/x?a=1", "HTTP/1.1 301 Moved\r\nLocation: http://localhost/steal\r\nContent-Length: 0\r\n\r\n");
    script_add(server, "/fail", (struct script_answer){.bytes = NULL});
    struct td_http *http = engine(script_start(server), (struct td_http_options){.key = key, .max_retries = 1});
    struct seen seen = get(http, "/v2/x?a=1");
    assert_int_equal(seen.status, 301);
    assert_int_equal(server->logged, 1);
    assert_non_null(strstr(server->log[0], "Authorization: Bearer sEcReTkEy0123456789\r\n"));
    assert_null(strstr(server->log[0], "apiKey"));
    seen = get(http, "/fail");
    assert_int_equal(seen.code, TD_NETWORK);
    assert_null(strstr(seen.text, key));
    td_http_free(http);
    script_stop(server);
    char line[64] = "key is sEcReTkEy0123456789 here";
    td_redact(line);
    assert_null(strstr(line, key));
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const struct {
        const char *base, *key;
        enum td_code code;
    } cases[] = {
        {NULL, NULL, TD_CONFIG},
        {"", NULL, TD_CONFIG},
        {"api.massive.com/x y", NULL, TD_CONFIG},
        {"ftp://127.0.0.1", NULL, TD_CONFIG},
        {"file:///etc/passwd", NULL, TD_CONFIG},
        {"http://user:pw@127.0.0.1", NULL, TD_CONFIG},
        {"http://127.0.0.1/?a=1", NULL, TD_CONFIG},
        {"http://127.0.0.1/#x", NULL, TD_CONFIG},
        {"http://127.0.0.1", "a\r\nX-Evil: 1", TD_AUTH},
        {"http://127.0.0.1", "two words", TD_AUTH},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_http_options options = {.base_url = cases[i].base, .key = cases[i].key};
        struct td_http *http = NULL;
        struct td_err err = {0};
        enum td_code code = td_http_new(&options, &http, &err);
        if (code != cases[i].code)
            fail_msg("%s: %s %s", cases[i].base ? cases[i].base : "NULL", td_code_name(code), err.text);
        assert_null(http);
    }
    struct td_http *http = engine("http://127.0.0.1:1/prefix/", (struct td_http_options){.max_retries = 1});
    static const char *const paths[] = {"x", "", "/a b", "/a\r\nHost: evil", "/caf\xc3\xa9"};
    for (size_t i = 0; i < TD_COUNT(paths); i++) {
        struct td_err err = {0};
        assert_int_equal(td_http_get(http, paths[i], NULL, on_done, NULL, &err), TD_USAGE);
    }
    td_http_free(http);
}

static void test_base_path_is_kept(void **state)
{
    (void)state;
    struct script_server *server = script_new();
    char url[96];
    script_text(server, "/massive/v2/x", OK_ANSWER);
    snprintf(url, sizeof url, "%s/massive/", script_start(server));
    struct td_http *http = engine(url, (struct td_http_options){0});
    assert_int_equal(get(http, "/v2/x").status, 200);
    td_http_free(http);
    script_stop(server);
}

/* ---- the policy ---- */

static void test_delays(void **state)
{
    (void)state;
    static const struct {
        unsigned base, nth;
        int64_t after, low, high;
    } cases[] = {
        {500, 0, 0, 250, 500},           {500, 1, 0, 500, 1000},         {500, 6, 0, 16000, 32000},
        {500, 7, 0, 30000, 60000},       {500, 4000000000u, 0, 30000, 60000}, {1, 0, 0, 1, 1},
        {500, 3, 7, 7000, 7000},         {500, 0, 300, 300000, 300000},  {500, 0, 99999999999, 300000, 300000},
        {500, 0, -5, 250, 500},          {4000000000u, 1, 0, 30000, 60000},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        uint64_t rng = i, again = i;
        int64_t ms = http_delay_ms(cases[i].base, cases[i].nth, cases[i].after, &rng);
        assert_in_range(ms, cases[i].low, cases[i].high);
        assert_int_equal(ms, http_delay_ms(cases[i].base, cases[i].nth, cases[i].after, &again)); /* same seed, same wait */
    }
    uint64_t rng = 1;
    int64_t a = http_delay_ms(60000, 0, 0, &rng), b = http_delay_ms(60000, 0, 0, &rng);
    assert_int_not_equal(a, b); /* jitter is there */
}

static void test_wrong_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body;
        bool wrong;
    } cases[] = {
        {"application/json", "{}", false},
        {"application/json", " [1]\r\n ", false},
        {"application/json", "{\"a\":[{\"t\":1},{\"t\":2}]}", false},
        {"application/json", "{\"a\":\"}]\\\"{[\",\"b\\\\\":[]}", false}, /* brackets and quotes inside strings */
        {"application/json", "{\"a\":1", true},
        {"application/json", "{\"a\":[{\"t\":1}", true}, /* cut exactly behind a row */
        {"application/json", "{\"a\":[{\"t\":1},{\"t\":2}]", true},
        {"application/json", "{\"a\":\"}", true},
        {"application/json", "{\"a\":\"\\", true},
        {"application/json", "{}{}", true},
        {"application/json", "", true},
        {"application/json", " ", true},
        {"application/json", "{", true},
        {"application/json; charset=utf-8", "x}", true},
        {"application/json", "{]", true},
        {"application/json", "]", true},
        {"text/html", "<html></html>", true},
        {"text/plain", "<", false},
        {NULL, "", false},
        {"Application/JSON", "nonsense", true},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        if (http_body_is_wrong(cases[i].type, cases[i].body, strlen(cases[i].body)) != cases[i].wrong)
            fail_msg("%s '%s'", cases[i].type, cases[i].body);
    }
}

static void test_failing_allocations(void **state)
{
    (void)state;
    for (long n = 1; n < 8; n++) {
        struct td_http_options options = {.base_url = "http://127.0.0.1:1", .max_in_flight = 2};
        struct td_http *http = NULL;
        struct td_err err = {0};
        td_alloc_fail_after(n);
        enum td_code code = td_http_new(&options, &http, &err);
        td_alloc_fail_after(0);
        if (code == TD_OK) {
            struct seen seen;
            seen_init(&seen);
            td_alloc_fail_after(1);
            assert_int_equal(td_http_get(http, "/x", NULL, on_done, &seen, &err), TD_NOMEM);
            td_alloc_fail_after(0);
            td_http_free(http);
            assert_int_equal(seen.calls, 0);
            assert_true(n > 2);
            return;
        }
        assert_int_equal(code, TD_NOMEM);
        assert_null(http);
    }
    fail_msg("the engine never started");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_no_retries),
        cmocka_unit_test(test_throttled_for_ever),
        cmocka_unit_test(test_refused_connection_is_named),
        cmocka_unit_test(test_slow_server_times_out),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_throttle_pauses_the_engine),
        cmocka_unit_test(test_retry_after_date),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_shutdown_calls_everybody_once),
        cmocka_unit_test(test_paging_from_the_callback),
        cmocka_unit_test(test_storm),
        cmocka_unit_test(test_idle_engine_looks_idle),
        cmocka_unit_test(test_key_stays_secret),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_base_path_is_kept),
        cmocka_unit_test(test_delays),
        cmocka_unit_test(test_wrong_bodies),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests_name("feed/http", tests, NULL, NULL);
}
