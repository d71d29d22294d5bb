/* SPDX-License-Identifier: GPL-3.0-or-later
 * The network thread of the HTTP engine: one loop that drives the curl multi handle with a bounded number in flight.
 * A request that backs off keeps its slot, so a failing server is asked less, not more. */
#include "http_engine.h"

#include <stdatomic.h>
#include <string.h>

#include "http_retry.h"

#define HTTP_CANCEL_LOOK_MS 100 /* how long a raised cancel flag may stay unseen while requests exist */
#define HTTP_IDLE_WAIT_MS 3600000
#define NS_PER_MS INT64_C(1000000)

/* ---- lists ---- */

void http_list_init(struct http_list *list)
{
    list->head = NULL;
    list->tail = &list->head;
    list->count = 0;
}

void http_list_push(struct http_list *list, struct http_request *request)
{
    request->next = NULL;
    *list->tail = request;
    list->tail = &request->next;
    list->count++;
}

static struct http_request *list_pop(struct http_list *list)
{
    struct http_request *request = list->head;
    if (request) {
        list->head = request->next;
        if (!list->head)
            list->tail = &list->head;
        list->count--;
    }
    return request;
}

static void list_append(struct http_list *to, struct http_list *from)
{
    if (!from->head)
        return;
    *to->tail = from->head;
    to->tail = from->tail;
    to->count += from->count;
    http_list_init(from);
}

void http_request_free(struct http_request *request)
{
    if (request)
        td_free(request->path);
    td_free(request);
}

static bool is_cancelled(const struct http_request *request)
{
    return request->cancel && atomic_load_explicit(request->cancel, memory_order_relaxed);
}

/* ---- the end of a request: the callback is called exactly once, with no lock held ---- */

static void finish(struct http_request *request, struct td_http_response *response)
{
    response->attempts = request->attempts;
    request->done(request->ctx, response);
    http_request_free(request);
}

static void finish_cancelled(struct http_request *request)
{
    struct td_http_response response = {0};
    td_buf_init(&response.body, 0);
    response.code = td_fail(&response.err, TD_CANCELLED, "GET %.200s: cancelled", request->path);
    finish(request, &response);
}

static struct http_request *slot_release(struct http_slot *slot)
{
    struct http_request *request = slot->request;
    if (slot->running) {
        curl_multi_remove_handle(slot->http->multi, slot->easy);
        slot->running = false;
        slot->http->running--;
    }
    slot->request = NULL;
    slot->http->occupied--;
    return request;
}

/* ---- curl ---- */

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct http_slot *slot = user;
    size_t len = size * count; /* size is always 1 */
    if (len > slot->body.max - slot->body.len) {
        slot->over = true;
        return 0;
    }
    td_buf_add(&slot->body, data, len);
    return slot->body.failed ? 0 : len;
}

static CURLcode slot_set_up(struct http_slot *slot)
{
    const struct td_http *http = slot->http;
    long timeout_ms = (long)http->options.timeout_s * 1000;
    CURL *easy = slot->easy;
    CURLcode bad = CURLE_OK;
#define SET(option, value) bad = bad ? bad : curl_easy_setopt(easy, option, value)
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L); /* a redirect could carry the key to a foreign host */
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_HTTPHEADER, http->headers);
    SET(CURLOPT_USERAGENT, "tapedeck/" TD_VERSION);
    SET(CURLOPT_HTTP_VERSION, (long)(http->secure ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
    SET(CURLOPT_PIPEWAIT, http->secure ? 1L : 0L);
    SET(CURLOPT_TIMEOUT_MS, timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < 15000 ? timeout_ms : 15000);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_ERRORBUFFER, slot->why);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, slot);
    SET(CURLOPT_PRIVATE, slot);
    if (http->loopback)
        SET(CURLOPT_PROXY, ""); /* a proxy of the environment cannot reach this machine's own loopback */
#undef SET
    return bad;
}

/* Send the slot's request. On failure the request stays in the slot, not running. */
static enum td_code slot_send(struct http_slot *slot, struct td_err *err)
{
    struct td_http *http = slot->http;
    struct td_buf url;
    CURLcode bad = CURLE_OK;
    enum td_code code;

    if (!slot->easy) {
        slot->easy = curl_easy_init();
        bad = slot->easy ? slot_set_up(slot) : CURLE_OUT_OF_MEMORY;
    }
    td_buf_init(&url, 65536);
    td_buf_adds(&url, http->base);
    td_buf_adds(&url, slot->request->path);
    code = td_buf_check(&url, "URL", err);
    if (code == TD_OK && !bad)
        bad = curl_easy_setopt(slot->easy, CURLOPT_URL, url.data);
    if (code == TD_OK && bad)
        code = td_fail(err, bad == CURLE_OUT_OF_MEMORY ? TD_NOMEM : TD_NETWORK, "GET %.200s: %s", slot->request->path,
                       curl_easy_strerror(bad));
    td_buf_free(&url);
    if (code != TD_OK)
        return code;
    td_buf_clear(&slot->body);
    slot->over = false;
    slot->why[0] = '\0';
    slot->request->attempts++;
    slot->request->started_ns = td_mono_ns();
    if (curl_multi_add_handle(http->multi, slot->easy) != CURLM_OK)
        return td_fail(err, TD_NOMEM, "GET %.200s: out of memory in the HTTP library", slot->request->path);
    slot->running = true;
    http->running++;
    return TD_OK;
}

/* ---- outcomes ---- */

static void count_attempt(struct td_http *http, const struct http_slot *slot, bool repeat, bool throttled,
                          double seconds)
{
    pthread_mutex_lock(&http->lock);
    http->stats.requests++;
    http->stats.retries += repeat;
    http->stats.throttled += throttled;
    http->stats.bytes += slot->body.len;
    double old = http->stats.seconds_per_request;
    http->stats.seconds_per_request = http->stats.requests == 1 ? seconds : old * 0.9 + seconds * 0.1;
    pthread_mutex_unlock(&http->lock);
}

/* 429: stop starting requests. Answers to requests sent before the burst was noticed belong to the same burst. */
static void throttle(struct td_http *http, const struct http_request *request, int64_t retry_after_s, int64_t now)
{
    bool fresh = request->started_ns >= http->throttle_ns;
    if (!fresh && retry_after_s <= 0)
        return;
    if (fresh) {
        http->streak++;
        http->window = http->window > 1 ? http->window / 2 : 1;
        http->credit = 0;
        http->throttle_ns = now;
    }
    unsigned nth = http->streak > 0 ? http->streak - 1 : 0;
    int64_t until = now + http_delay_ms(http->options.backoff_ms, nth, retry_after_s, &http->rng) * NS_PER_MS;
    if (until > http->pause_until_ns)
        http->pause_until_ns = until;
}

/* An answer that is no 429 opens the window again, one more transfer for every full window of answers. */
static void unthrottle(struct td_http *http, const struct http_request *request)
{
    if (request->started_ns < http->throttle_ns)
        return;
    http->streak = 0;
    if (http->window < http->options.max_in_flight && ++http->credit >= http->window) {
        http->window++;
        http->credit = 0;
    }
}

static enum td_code describe_failure(const struct http_slot *slot, CURLcode result, long status, bool wrong,
                                     struct td_err *err)
{
    const struct http_request *request = slot->request;
    const char *cause = slot->why[0] ? slot->why : curl_easy_strerror(result);
    const char *plural = request->attempts == 1 ? "" : "s";
    if (slot->over)
        return td_fail(err, TD_LIMIT, "GET %.200s: the answer is larger than %zu bytes", request->path, slot->body.max);
    if (slot->body.failed || result == CURLE_OUT_OF_MEMORY)
        return td_fail(err, TD_NOMEM, "GET %.200s: out of memory after %zu bytes", request->path, slot->body.len);
    if (result != CURLE_OK)
        return td_fail(err, TD_NETWORK, "GET %s%.200s: %s (%u attempt%s)", slot->http->base, request->path, cause,
                       request->attempts, plural);
    if (wrong)
        return td_fail(err, TD_NETWORK,
                       "GET %s%.200s: the answer is a web page or no whole JSON document (%zu bytes, %u attempt%s)",
                       slot->http->base, request->path, slot->body.len, request->attempts, plural);
    return td_fail(err, TD_NETWORK, "GET %s%.200s: HTTP %ld%s (%u attempt%s)", slot->http->base, request->path, status,
                   status == 429 ? ", too many requests" : "", request->attempts, plural);
}

/* Should the request be sent again? Counts the failure and sets its due time when so. */
static bool wants_retry(struct http_slot *slot, enum http_verdict verdict, int64_t retry_after_s, int64_t now)
{
    struct td_http *http = slot->http;
    struct http_request *request = slot->request;
    if (slot->over || slot->body.failed)
        return false;
    if (verdict == HTTP_THROTTLED) {
        throttle(http, request, retry_after_s, now);
        request->due_ns = now; /* the pause of the engine decides */
        return request->throttles++ < http->options.max_retries + HTTP_EXTRA_THROTTLES;
    }
    if (verdict != HTTP_RETRY || request->failures >= http->options.max_retries)
        return false;
    request->due_ns =
        now + http_delay_ms(http->options.backoff_ms, request->failures, retry_after_s, &http->rng) * NS_PER_MS;
    request->failures++;
    return true;
}

static void transfer_done(struct http_slot *slot, CURLcode result)
{
    struct td_http *http = slot->http;
    struct td_http_response response = {0};
    const char *type = NULL;
    curl_off_t retry_after = 0;
    long status = 0;
    int64_t now = td_mono_ns();

    curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(slot->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(slot->easy, CURLINFO_RETRY_AFTER, &retry_after);
    bool wrong = result == CURLE_OK && status == 200 && http_body_is_wrong(type, slot->body.data, slot->body.len);
    enum http_verdict verdict = http_judge_transfer(result);
    if (verdict == HTTP_FINAL)
        verdict = wrong ? HTTP_RETRY : http_judge_status(status);
    response.seconds = (double)(now - slot->request->started_ns) / 1e9;
    count_attempt(http, slot, slot->request->attempts > 1, verdict == HTTP_THROTTLED, response.seconds);
    if (verdict != HTTP_THROTTLED && status != 0)
        unthrottle(http, slot->request);

    if (verdict != HTTP_FINAL && is_cancelled(slot->request)) {
        finish_cancelled(slot_release(slot));
        return;
    }
    if (wants_retry(slot, verdict, retry_after, now)) {
        td_log(TD_LOG_INFO, "feed", "GET %.200s: %s, HTTP %ld, attempt %u, will be sent again", slot->request->path,
               result  ? curl_easy_strerror(result)
               : wrong ? "cut short or a web page"
                       : "answered",
               status, slot->request->attempts);
        curl_multi_remove_handle(http->multi, slot->easy);
        slot->running = false;
        http->running--;
        return;
    }
    response.status = status;
    response.body = slot->body; /* whatever arrived, also beside an error */
    if (verdict != HTTP_FINAL)
        response.code = describe_failure(slot, result, status, wrong, &response.err);
    td_buf_init(&slot->body, http->options.max_body);
    finish(slot_release(slot), &response);
}

static void collect_done(struct td_http *http)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
        char *private = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message dies with the handle's removal */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        transfer_done((struct http_slot *)(void *)private, result);
    }
}

/* ---- the loop ---- */

/* Take over what was queued since; true when it is time to stop. */
static bool take_incoming(struct td_http *http, bool *look)
{
    pthread_mutex_lock(&http->lock);
    bool stop = http->stop;
    *look = http->look;
    http->look = false;
    list_append(&http->ready, &http->incoming);
    pthread_mutex_unlock(&http->lock);
    return stop;
}

/* Before every wait, so that an engine that sleeps does not look busy. */
static void publish_counts(struct td_http *http)
{
    pthread_mutex_lock(&http->lock);
    http->stats.in_flight = http->occupied;
    http->stats.queued = http->ready.count + http->incoming.count;
    pthread_mutex_unlock(&http->lock);
}

static void drop_cancelled(struct td_http *http, int64_t now, bool look)
{
    if (!look && now - http->looked_ns < HTTP_CANCEL_LOOK_MS * NS_PER_MS / 2)
        return;
    http->looked_ns = now;
    for (unsigned i = 0; i < http->options.max_in_flight; i++) {
        struct http_slot *slot = &http->slots[i];
        if (slot->request && is_cancelled(slot->request))
            finish_cancelled(slot_release(slot));
    }
    struct http_list old = http->ready;
    if (!old.head)
        return;
    http_list_init(&http->ready);
    struct http_request *next;
    for (struct http_request *request = old.head; request; request = next) {
        next = request->next;
        if (is_cancelled(request))
            finish_cancelled(request);
        else
            http_list_push(&http->ready, request);
    }
}

static void slot_start(struct http_slot *slot)
{
    struct td_http_response response = {0};
    response.code = slot_send(slot, &response.err);
    if (response.code == TD_OK)
        return;
    td_buf_init(&response.body, 0);
    finish(slot_release(slot), &response);
}

static void start_due(struct td_http *http, int64_t now)
{
    if (now < http->pause_until_ns)
        return;
    for (unsigned i = 0; i < http->options.max_in_flight && http->running < http->window; i++) {
        struct http_slot *slot = &http->slots[i];
        if (slot->request && !slot->running && slot->request->due_ns <= now)
            slot_start(slot);
    }
    for (unsigned i = 0; i < http->options.max_in_flight && http->running < http->window && http->ready.head; i++) {
        struct http_slot *slot = &http->slots[i];
        if (slot->request)
            continue;
        slot->request = list_pop(&http->ready);
        http->occupied++;
        slot_start(slot);
    }
}

static int wait_ms(const struct td_http *http)
{
    int64_t now = td_mono_ns(), due = INT64_MAX;
    bool startable = http->running < http->window;
    bool cancellable = false;
    for (unsigned i = 0; i < http->options.max_in_flight; i++) {
        const struct http_request *request = http->slots[i].request;
        if (!request)
            continue;
        cancellable |= request->cancel != NULL;
        if (startable && !http->slots[i].running && request->due_ns < due)
            due = request->due_ns;
    }
    if (http->ready.head) {
        cancellable = true;
        if (startable && http->occupied < http->options.max_in_flight)
            due = now < due ? now : due;
    }
    if (due != INT64_MAX && due < http->pause_until_ns)
        due = http->pause_until_ns;
    int64_t wait = cancellable ? HTTP_CANCEL_LOOK_MS : HTTP_IDLE_WAIT_MS;
    if (due <= now)
        return 0;
    if (due != INT64_MAX && (due - now) / NS_PER_MS + 1 < wait)
        wait = (due - now) / NS_PER_MS + 1;
    return (int)wait;
}

static void end_all(struct td_http *http)
{
    for (unsigned i = 0; i < http->options.max_in_flight; i++) {
        if (http->slots[i].request)
            finish_cancelled(slot_release(&http->slots[i]));
    }
    struct http_request *request;
    while ((request = list_pop(&http->ready)) != NULL)
        finish_cancelled(request);
}

void *http_network_main(void *arg)
{
    struct td_http *http = arg;
    bool look;
    while (!take_incoming(http, &look)) {
        int still;
        int64_t now = td_mono_ns();
        drop_cancelled(http, now, look);
        start_due(http, now);
        curl_multi_perform(http->multi, &still);
        collect_done(http);
        publish_counts(http);
        curl_multi_poll(http->multi, NULL, 0, wait_ms(http), NULL);
    }
    end_all(http);
    return NULL;
}
