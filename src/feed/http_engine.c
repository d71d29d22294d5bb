/* SPDX-License-Identifier: GPL-3.0-or-later
 * The HTTP engine's door: set-up, queueing, statistics, shutdown. The work is done in http_loop.c. */
#include "http_engine.h"

#include <signal.h>
#include <string.h>

static void global_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* http or https, a host, no user, query or fragment; the path may be a prefix. Fills base, secure, loopback. */
static enum td_code parse_base(struct td_http *http, const char *text, struct td_err *err)
{
    char *scheme = NULL, *host = NULL, *part = NULL;
    enum td_code code = TD_OK;
    CURLU *url = curl_url();

    if (!url)
        return td_fail(err, TD_NOMEM, "out of memory reading the base URL");
    if (!text || curl_url_set(url, CURLUPART_URL, text, 0) || curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(url, CURLUPART_HOST, &host, 0))
        code = td_fail(err, TD_CONFIG, "base URL '%.200s' is not a URL: give something like https://api.massive.com",
                       text ? text : "");
    else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
        code = td_fail(err, TD_CONFIG, "base URL '%.200s': only http and https are known", text);
    else if (!curl_url_get(url, CURLUPART_USER, &part, 0) || !curl_url_get(url, CURLUPART_QUERY, &part, 0) ||
             !curl_url_get(url, CURLUPART_FRAGMENT, &part, 0))
        code = td_fail(err, TD_CONFIG, "base URL of %.200s: no user, '?' or '#' belongs in it", host);
    if (code == TD_OK) {
        size_t len = strlen(text);
        while (len > 0 && text[len - 1] == '/')
            len--;
        http->secure = strcmp(scheme, "https") == 0;
        http->loopback = is_loopback(host);
        http->base = td_strndup(text, len);
        if (!http->base)
            code = td_fail(err, TD_NOMEM, "out of memory reading the base URL");
    }
    curl_free(part);
    curl_free(host);
    curl_free(scheme);
    curl_url_cleanup(url);
    return code;
}

static bool is_plain_text(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    }
    return true;
}

static enum td_code add_header(struct td_http *http, const char *line, struct td_err *err)
{
    struct curl_slist *more = curl_slist_append(http->headers, line);
    if (!more)
        return td_fail(err, TD_NOMEM, "out of memory starting the HTTP engine");
    http->headers = more;
    return TD_OK;
}

static enum td_code make_headers(struct td_http *http, const char *key, struct td_err *err)
{
    char line[512];
    enum td_code code = add_header(http, "Accept: application/json", err);
    if (code != TD_OK || !key || !*key)
        return code;
    if (!is_plain_text(key) || !td_snprintf(line, sizeof line, "Authorization: Bearer %s", key))
        return td_fail(err, TD_AUTH, "the API key holds blanks, control or foreign characters, or is too long");
    td_secret_add(key);
    code = add_header(http, line, err);
    explicit_bzero(line, sizeof line);
    return code;
}

static void apply_defaults(struct td_http_options *options)
{
    if (options->max_in_flight == 0)
        options->max_in_flight = 16;
    if (options->max_in_flight > HTTP_MAX_IN_FLIGHT)
        options->max_in_flight = HTTP_MAX_IN_FLIGHT;
    if (options->max_retries == 0)
        options->max_retries = 5;
    else if (options->max_retries == TD_HTTP_NO_RETRIES)
        options->max_retries = 0;
    else if (options->max_retries > 100)
        options->max_retries = 100;
    if (options->timeout_s == 0)
        options->timeout_s = 60;
    if (options->timeout_s > 86400)
        options->timeout_s = 86400;
    if (options->backoff_ms == 0)
        options->backoff_ms = 500;
    if (options->max_body == 0)
        options->max_body = (size_t)64 << 20;
    options->key = NULL;
    options->base_url = NULL;
}

static enum td_code make_slots(struct td_http *http, struct td_err *err)
{
    unsigned count = http->options.max_in_flight;
    http->slots = td_calloc(count, sizeof *http->slots);
    http->multi = curl_multi_init();
    if (!http->slots || !http->multi)
        return td_fail(err, TD_NOMEM, "out of memory starting the HTTP engine");
    for (unsigned i = 0; i < count; i++) {
        http->slots[i].http = http;
        td_buf_init(&http->slots[i].body, http->options.max_body);
    }
    if (curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX) ||
        curl_multi_setopt(http->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 100L) ||
        curl_multi_setopt(http->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)count) ||
        curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)count))
        return td_fail(err, TD_UNSUPPORTED, "the HTTP library refuses its settings");
    return TD_OK;
}

/* Every signal stays with the thread that handles them. */
static enum td_code start_thread(struct td_http *http, struct td_err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&http->thread, NULL, http_network_main, http);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return td_fail_errno(err, failed, "cannot start the network thread");
    http->started = true;
    return TD_OK;
}

enum td_code td_http_new(const struct td_http_options *options, struct td_http **out, struct td_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct td_http *http;
    enum td_code code;

    *out = NULL;
    pthread_once(&once, global_init);
    http = td_calloc(1, sizeof *http);
    if (!http)
        return td_fail(err, TD_NOMEM, "out of memory starting the HTTP engine");
    http->options = *options;
    apply_defaults(&http->options);
    http->window = http->options.max_in_flight;
    http->rng = options->seed ? options->seed : (uint64_t)td_mono_ns();
    http_list_init(&http->incoming);
    http_list_init(&http->ready);
    pthread_mutex_init(&http->lock, NULL);
    code = parse_base(http, options->base_url, err);
    if (code == TD_OK)
        code = make_headers(http, options->key, err);
    if (code == TD_OK)
        code = make_slots(http, err);
    if (code == TD_OK)
        code = start_thread(http, err);
    if (code != TD_OK) {
        td_http_free(http);
        http = NULL;
    }
    *out = http;
    return code;
}

void td_http_free(struct td_http *http)
{
    if (!http)
        return;
    if (http->started) {
        pthread_mutex_lock(&http->lock);
        http->stop = true;
        pthread_mutex_unlock(&http->lock);
        curl_multi_wakeup(http->multi);
        pthread_join(http->thread, NULL);
    }
    for (unsigned i = 0; http->slots && i < http->options.max_in_flight; i++) {
        curl_easy_cleanup(http->slots[i].easy);
        td_buf_free(&http->slots[i].body);
    }
    td_free(http->slots);
    if (http->multi)
        curl_multi_cleanup(http->multi);
    curl_slist_free_all(http->headers);
    pthread_mutex_destroy(&http->lock);
    td_free(http->base);
    td_free(http);
}

enum td_code td_http_get(struct td_http *http, const char *path_and_query, const _Atomic bool *cancel,
                         td_http_done done, void *ctx, struct td_err *err)
{
    struct http_request *request;
    bool stopped, full = false;

    if (path_and_query[0] != '/' || !is_plain_text(path_and_query) || strlen(path_and_query) > 16384)
        return td_fail(err, TD_USAGE, "'%.100s' is no request path", path_and_query);
    request = td_calloc(1, sizeof *request);
    if (request)
        request->path = td_strdup(path_and_query);
    if (!request || !request->path) {
        http_request_free(request);
        return td_fail(err, TD_NOMEM, "GET %.200s: out of memory", path_and_query);
    }
    request->cancel = cancel;
    request->done = done;
    request->ctx = ctx;
    pthread_mutex_lock(&http->lock);
    stopped = http->stop;
    full = http->stats.queued >= HTTP_MAX_QUEUED;
    if (!stopped && !full) {
        http_list_push(&http->incoming, request);
        http->stats.queued++;
    }
    pthread_mutex_unlock(&http->lock);
    if (stopped || full) {
        http_request_free(request);
        return stopped ? td_fail(err, TD_CANCELLED, "GET %.200s: the HTTP engine is stopping", path_and_query)
                       : td_fail(err, TD_LIMIT, "GET %.200s: %d requests are queued", path_and_query, HTTP_MAX_QUEUED);
    }
    curl_multi_wakeup(http->multi);
    return TD_OK;
}

void td_http_wake(struct td_http *http)
{
    pthread_mutex_lock(&http->lock);
    http->look = true;
    pthread_mutex_unlock(&http->lock);
    curl_multi_wakeup(http->multi);
}

void td_http_stats(struct td_http *http, struct td_http_stats *out)
{
    pthread_mutex_lock(&http->lock);
    *out = http->stats;
    pthread_mutex_unlock(&http->lock);
}
