/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's HTTP daemon: loopback only, two threads, keys, faults on purpose, gzip, the table of
 * endpoints. */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "sim_server.h"

#define SIM_BODY_MAX (64u << 20)
#define SIM_SLOW_MS 2000

struct sim_server {
    struct MHD_Daemon *daemon;
    struct sim_delay *delay;
    _Atomic uint64_t requests; /* daemon threads */
    char host[32];             /* for a request without a Host header */
};
struct exchange { /* one request, from its first header to its last byte; one daemon thread at a time */
    bool drawn, waited;
    uint64_t number;
    bool fault[SIM_FAULT_COUNT];
};
struct half_body { /* a body that ends too early */
    char *data;
    size_t len;
};

static const char *const fault_names[] = {
#define SIM_FAULT_NAME(name, text) [SIM_FAULT_##name] = text,
    SIM_FAULTS(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
};

static enum td_code parse_fault(struct td_sim *sim, const char *text, struct td_err *err)
{
    const char *equal = strchr(text, '=');
    size_t len = equal ? (size_t)(equal - text) : strlen(text);
    double value = 1;
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        if (strlen(fault_names[i]) != len || memcmp(fault_names[i], text, len) != 0)
            continue;
        double most = i == SIM_FAULT_PAGE ? 50000 : 1;
        if (equal && (!td_parse_f64(equal + 1, strlen(equal + 1), &value) || value < 0 || value > most))
            return td_fail(err, TD_USAGE, "--fault %s: %s", text,
                           i == SIM_FAULT_PAGE ? "page=ROWS takes 1 to 50000" : "the rate is a number from 0 to 1");
        sim->fault[i] = value;
        return TD_OK;
    }
    struct td_buf names;
    td_buf_init(&names, 1024);
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++)
        td_buf_printf(&names, " %s", fault_names[i]);
    td_fail(err, TD_USAGE, "--fault %s: unknown kind; known are%s", text, names.data ? names.data : "");
    td_buf_free(&names);
    return TD_USAGE;
}

enum td_code td_sim_server_options(struct td_sim *sim, const struct td_sim_options *options, struct td_err *err)
{
    enum td_code code = TD_OK;
    sim->latency_ms = options->latency_ms;
    sim->port = options->port;
    if (options->port < 0 || options->port > 65535)
        return td_fail(err, TD_USAGE, "simulated vendor: port %d is not one", options->port);
    if (options->key && !td_copy(sim->key, sizeof sim->key, options->key))
        return td_fail(err, TD_USAGE, "simulated vendor: the key is longer than %zu bytes", sizeof sim->key - 1);
    for (size_t i = 0; code == TD_OK && i < options->fault_count; i++)
        code = parse_fault(sim, options->faults[i], err);
    return code;
}

/* ---- what was asked ---- */

static bool from_cursor(const char *cursor, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    for (const char *at = cursor; at; at = strchr(at, '&') ? strchr(at, '&') + 1 : NULL) {
        if (strncmp(at, name, len) != 0 || at[len] != '=')
            continue;
        size_t value = strcspn(at + len + 1, "&");
        if (value >= size)
            return false;
        memcpy(out, at + len + 1, value);
        out[value] = '\0';
        td_sim_unescape(out);
        return true;
    }
    return false;
}

bool td_sim_param(const struct sim_request *request, const char *name, char *out, size_t size)
{
    if (request->has_cursor)
        return from_cursor(request->cursor, name, out, size);
    const char *value = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    return value && td_copy(out, size, value);
}

/* NULL, or what is wrong with the request. */
static const char *read_request(struct sim_request *request, const struct td_sim *sim,
                                struct MHD_Connection *connection, const char *url, const struct exchange *exchange)
{
    *request = (struct sim_request){.sim = sim, .connection = connection, .fault = exchange->fault};
    uint64_t a = sim_hash(sim->seed, exchange->number, 8), b = sim_hash(sim->seed, exchange->number, 9);
    td_snprintf(request->id, sizeof request->id, "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    request->host = host && *host ? host : sim->server->host;
    if (!td_copy(request->path, sizeof request->path, url) || !td_copy(request->cut, sizeof request->cut, url))
        return "The path is too long";
    char *at = request->cut;
    while (*at && request->part_count < SIM_PARTS) {
        at += *at == '/';
        request->parts[request->part_count++] = at;
        at += strcspn(at, "/");
        if (*at)
            *at++ = '\0';
    }
    const char *cursor = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "cursor");
    request->has_cursor = cursor != NULL;
    if (cursor && !td_sim_cursor_decode(cursor, request->cursor, sizeof request->cursor))
        return "The cursor cannot be read";
    return NULL;
}

enum key_state { KEY_NONE, KEY_WRONG, KEY_GOOD };
static enum key_state check_key(const struct td_sim *sim, struct MHD_Connection *connection)
{
    const char *key = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "apiKey");
    const char *bearer = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    if ((!key || !*key) && bearer && strncmp(bearer, "Bearer ", 7) == 0)
        key = bearer + 7;
    if (!key || !*key)
        return KEY_NONE;
    return strcmp(key, "demo") == 0 || (sim->key[0] && strcmp(key, sim->key) == 0) ? KEY_GOOD : KEY_WRONG;
}

struct endpoint {
    const char *const path[SIM_PARTS]; /* "*" takes any part */
    size_t parts;
    bool open; /* needs no key and has no faults */
    void (*answer)(const struct sim_request *request, struct sim_answer *answer);
};
static const struct endpoint endpoints[] = {
    {{"v2", "aggs", "ticker", "*", "range", "*", "*", "*", "*"}, 9, false, td_sim_aggs},
    {{"v2", "aggs", "grouped", "locale", "us", "market", "stocks", "*"}, 8, false, td_sim_grouped},
    {{"v2", "aggs", "ticker", "*", "prev"}, 5, false, td_sim_previous},
    {{"v3", "reference", "tickers"}, 3, false, td_sim_list_tickers},
    {{"v3", "reference", "tickers", "*"}, 4, false, td_sim_details},
    {{"v3", "reference", "splits"}, 3, false, td_sim_list_splits},
    {{"vX", "reference", "tickers", "*", "events"}, 5, false, td_sim_events},
    {{"sim", "truth"}, 2, true, td_sim_truth},
    {{"sim", "tickers"}, 2, true, td_sim_names},
};

static const struct endpoint *find_endpoint(const char *const *parts, size_t count)
{
    for (size_t i = 0; i < TD_COUNT(endpoints); i++) {
        bool same = endpoints[i].parts == count;
        for (size_t k = 0; same && k < count; k++)
            same =
                strcmp(endpoints[i].path[k], "*") == 0 ? *parts[k] != 0 : strcmp(endpoints[i].path[k], parts[k]) == 0;
        if (same)
            return &endpoints[i];
    }
    return NULL;
}

/* ---- what is answered ---- */

struct canned { /* a fault that stands in for the whole answer */
    enum sim_fault fault;
    unsigned status;
    const char *type, *body;
};
#define SIM_429_TEXT                                                                                                   \
    "{\"status\":\"ERROR\",\"request_id\":\"0\",\"error\":\"You've exceeded the maximum requests per minute, please "  \
    "wait or upgrade your subscription to continue. https://massive.com/pricing\"}"
static const struct canned canned[] = {
    {SIM_FAULT_429, 429, "application/json", SIM_429_TEXT},
    {SIM_FAULT_429_BARE, 429, "application/json", SIM_429_TEXT},
    {SIM_FAULT_429_EMPTY, 429, "text/plain", ""},
    {SIM_FAULT_500, 500, "text/html",
     "<html><head><title>500 Internal Server Error</title></head><body></body></html>"},
    {SIM_FAULT_503_EMPTY, 503, "text/plain", ""},
    {SIM_FAULT_HTML, 200, "text/html", "<html><body>Please sign in to use this network.</body></html>"},
    {SIM_FAULT_GARBAGE, 200, "application/json", "{\"results\":[{\"v\":1e,\"t\":\x01\x02,,]]} \xff\xfe trailing"},
    {SIM_FAULT_NOT_AUTH, 200, "application/json",
     "{\"status\":\"NOT_AUTHORIZED\",\"request_id\":\"0\",\"message\":\"You are not entitled to this data. Please "
     "upgrade your plan at https://massive.com/pricing\"}"},
    {SIM_FAULT_PLAN, 403, "application/json",
     "{\"status\":\"NOT_AUTHORIZED\",\"request_id\":\"0\",\"message\":\"Your plan doesn't include this data timeframe. "
     "Please upgrade your plan at https://massive.com/pricing\"}"},
};

static bool answer_canned(const struct exchange *exchange, struct sim_answer *answer)
{
    for (size_t i = 0; i < TD_COUNT(canned); i++) {
        if (!exchange->fault[canned[i].fault])
            continue;
        answer->status = canned[i].status;
        answer->type = canned[i].type;
        td_buf_clear(&answer->body);
        td_buf_adds(&answer->body, canned[i].body);
        return true;
    }
    return false;
}

static void make_answer(const struct td_sim *sim, struct MHD_Connection *connection, const char *url,
                        const struct exchange *exchange, struct sim_answer *answer)
{
    struct sim_request request;
    const char *wrong = read_request(&request, sim, connection, url, exchange);
    const struct endpoint *endpoint = wrong ? NULL : find_endpoint(request.parts, request.part_count);
    enum key_state key = endpoint && endpoint->open ? KEY_GOOD : check_key(sim, connection);
    if (key == KEY_NONE)
        td_sim_error(&request, answer, 401, "API Key was not provided");
    else if (key == KEY_WRONG)
        td_sim_error(&request, answer, 401, "Unknown API Key");
    else if (wrong)
        td_sim_error(&request, answer, 400, wrong);
    else if (!endpoint)
        td_sim_missing(&request, answer, "The requested resource was not found");
    else if (endpoint->open || !answer_canned(exchange, answer))
        endpoint->answer(&request, answer);
    if (exchange->fault[SIM_FAULT_CUT_JSON] && answer->status == 200 && endpoint && !endpoint->open)
        answer->body.len /= 2;
}

static bool wants_gzip(struct MHD_Connection *connection)
{
    const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Encoding");
    return accept && strstr(accept, "gzip") != NULL;
}

/* Replaces *body by its gzip; false leaves it alone. The fastest level: the wire is a loopback. */
static bool compress_body(struct td_buf *body)
{
    z_stream zip = {0};
    struct td_buf out;
    td_buf_init(&out, SIM_BODY_MAX);
    if (body->len < 256 || deflateInit2(&zip, 1, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    bool done = td_buf_reserve(&out, deflateBound(&zip, (uLong)body->len));
    if (done) {
        zip.next_in = (Bytef *)body->data;
        zip.avail_in = (uInt)body->len;
        zip.next_out = (Bytef *)out.data;
        zip.avail_out = (uInt)out.cap;
        done = deflate(&zip, Z_FINISH) == Z_STREAM_END;
        out.len = zip.total_out;
    }
    deflateEnd(&zip);
    if (done) {
        td_buf_free(body);
        *body = out;
    } else {
        td_buf_free(&out);
    }
    return done;
}

static ssize_t read_half(void *cls, uint64_t pos, char *out, size_t max)
{
    const struct half_body *half = cls;
    size_t end = half->len / 2, at = (size_t)pos;
    if (at >= end)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = end - at < max ? end - at : max;
    memcpy(out, half->data + at, n);
    return (ssize_t)n;
}

static void free_half(void *cls)
{
    struct half_body *half = cls;
    td_free(half->data);
    td_free(half);
}

static struct MHD_Response *half_response(struct td_buf *body)
{
    struct half_body *half = td_malloc(sizeof *half);
    if (!half)
        return NULL;
    *half = (struct half_body){body->data, body->len};
    struct MHD_Response *response = MHD_create_response_from_callback(body->len, 4096, read_half, half, free_half);
    if (!response)
        td_free(half);
    return response;
}

/* Hands the body over to the daemon; on failure the caller keeps it. */
static enum MHD_Result send_answer(struct MHD_Connection *connection, struct sim_answer *answer, bool zipped,
                                   const struct exchange *exchange)
{
    struct MHD_Response *response;
    if (exchange->fault[SIM_FAULT_TRUNCATE] && answer->body.len > 1)
        response = half_response(&answer->body);
    else
        response = MHD_create_response_from_buffer_with_free_callback(answer->body.len, answer->body.data, td_free);
    if (!response)
        return MHD_NO;
    answer->body.data = NULL;
    MHD_add_response_header(response, "Content-Type", answer->type);
    if (zipped)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (answer->status == 429 && exchange->fault[SIM_FAULT_429])
        MHD_add_response_header(response, "Retry-After", "1");
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond(const struct td_sim *sim, struct MHD_Connection *connection, const char *url,
                               const char *method, const struct exchange *exchange)
{
    struct sim_answer answer = {.status = 200, .type = "application/json"};
    td_buf_init(&answer.body, SIM_BODY_MAX);
    td_buf_reserve(&answer.body, 1024);
    if (strcmp(method, "GET") != 0) {
        answer.status = 405;
        td_buf_adds(&answer.body, "{\"status\":\"ERROR\",\"request_id\":\"0\",\"error\":\"Only GET is answered\"}");
    } else {
        make_answer(sim, connection, url, exchange, &answer);
    }
    if (answer.body.failed) {
        answer.status = 500;
        td_buf_clear(&answer.body);
    }
    bool zipped = wants_gzip(connection) && !exchange->fault[SIM_FAULT_NO_GZIP] && compress_body(&answer.body);
    enum MHD_Result result = send_answer(connection, &answer, zipped, exchange);
    td_buf_free(&answer.body);
    return result;
}

/* ---- the daemon ---- */

/* Which faults this request meets: a function of the seed and how many requests came before it. */
static void draw(struct td_sim *sim, struct exchange *exchange, const char *url)
{
    bool open = strncmp(url, "/sim/", 5) == 0;
    exchange->drawn = true;
    if (open)
        return;
    exchange->number = atomic_fetch_add(&sim->server->requests, 1);
    for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
        double u = sim_unit(sim_hash(sim->seed + 4711, exchange->number, i));
        exchange->fault[i] = i != SIM_FAULT_PAGE && u < sim->fault[i];
    }
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **state)
{
    struct td_sim *sim = cls;
    struct exchange *exchange = *state;
    (void)version;
    (void)upload;
    if (!exchange) { /* headers are in; come again for the answer */
        *state = td_calloc(1, sizeof *exchange);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (!exchange->drawn)
        draw(sim, exchange, url);
    unsigned wait =
        strncmp(url, "/sim/", 5) == 0 ? 0 : sim->latency_ms + (exchange->fault[SIM_FAULT_SLOW] ? SIM_SLOW_MS : 0);
    if (wait && !exchange->waited) {
        exchange->waited = true;
        if (td_sim_delay_add(sim->server->delay, connection, wait))
            return MHD_YES;
    }
    if (exchange->fault[SIM_FAULT_RESET])
        return MHD_NO;
    return respond(sim, connection, url, method, exchange);
}

static void completed(void *cls, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)connection;
    (void)why;
    td_free(*state);
    *state = NULL;
}

static enum td_code start_daemon(struct td_sim *sim, struct td_err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)sim->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    errno = 0;
    sim->server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, (uint16_t)sim->port, NULL, NULL, handle, sim,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_CONNECTION_LIMIT,
        512u, MHD_OPTION_CONNECTION_TIMEOUT, 120u, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
    if (!sim->server->daemon)
        return td_fail_errno(err, errno ? errno : EADDRINUSE, "simulated vendor: cannot listen on 127.0.0.1:%d",
                             sim->port);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(sim->server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    sim->port = info ? info->port : sim->port;
    td_snprintf(sim->server->host, sizeof sim->server->host, "127.0.0.1:%d", sim->port);
    return TD_OK;
}

enum td_code td_sim_serve(struct td_sim *sim, int *port, struct td_err *err)
{
    if (sim->server)
        return td_fail(err, TD_USAGE, "simulated vendor: already listening on 127.0.0.1:%d", sim->port);
    sim->server = td_calloc(1, sizeof *sim->server);
    if (!sim->server)
        return td_fail(err, TD_NOMEM, "simulated vendor");
    enum td_code code = td_sim_delay_new(&sim->server->delay, err);
    if (code == TD_OK)
        code = start_daemon(sim, err);
    if (code == TD_OK)
        *port = sim->port;
    else
        td_sim_stop(sim);
    return code;
}

void td_sim_stop(struct td_sim *sim)
{
    if (!sim->server)
        return;
    if (sim->server->delay)
        td_sim_delay_stop(sim->server->delay); /* wakes what waits; from here on nothing waits any more */
    if (sim->server->daemon) /* not quiesced before: the daemon then takes its socket out of epoll twice, and panics */
        MHD_stop_daemon(sim->server->daemon);
    td_sim_delay_free(sim->server->delay);
    td_free(sim->server);
    sim->server = NULL;
}
