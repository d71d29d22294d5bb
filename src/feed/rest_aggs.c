/* SPDX-License-Identifier: GPL-3.0-or-later
 * REST aggregates: the path of a request and the reading of an answer (vendor reference sections 1 to 3.1). */
#include <tapedeck/feed.h>

#include <string.h>

#include "feed_json.h"

static void add_encoded(struct td_buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr("-._~:", c);
        if (plain)
            td_buf_addc(out, (char)c);
        else
            td_buf_printf(out, "%%%02X", c);
    }
}

void td_rest_aggs_path(struct td_buf *out, const char *ticker, bool daily, td_day from, td_day to)
{
    char first[16], last[16];
    td_format_day(from, first);
    td_format_day(to, last);
    td_buf_adds(out, "/v2/aggs/ticker/");
    add_encoded(out, ticker);
    td_buf_printf(out, "/range/1/%s/%s/%s?adjusted=false&sort=asc&limit=50000", daily ? "day" : "minute", first, last);
}

/* ---- refusals ---- */

/* The vendor's own words: `error` or `message` of the body, else the start of the body itself. */
static void vendor_text(const struct td_http_response *response, const json_t *root, struct td_buf *out)
{
    td_buf_init(out, 4096);
    feed_json_printable(out, json_object_get(root, "error"), 300);
    if (out->len == 0)
        feed_json_printable(out, json_object_get(root, "message"), 300);
    if (out->len == 0 && response->body.len > 0)
        td_buf_add_printable(out, response->body.data, response->body.len < 80 ? response->body.len : 80);
}

static enum td_code refuse(const struct td_http_response *response, const json_t *root, const char *ticker,
                           enum td_code code, const char *advice, struct td_err *err)
{
    struct td_buf text;
    vendor_text(response, root, &text);
    const char *said = text.len > 0 ? text.data : "no reason given";
    td_fail(err, code, "%s: the vendor answered HTTP %ld: %.300s%s", ticker, response->status, said, advice);
    td_buf_free(&text);
    return code;
}

static enum td_code refuse_status(const struct td_http_response *response, const char *ticker, struct td_err *err)
{
    struct td_err ignored;
    json_t *root = NULL;
    enum td_code code = TD_NETWORK;
    const char *advice = "";

    feed_json_parse(response->body.data, response->body.len, ticker, &root, &ignored); /* may be HTML, text or empty */
    if (response->status == 401) {
        code = TD_AUTH;
        advice = " (set MASSIVE_API_KEY to a valid key)";
    } else if (response->status == 403) {
        code = TD_AUTH;
    } else if (response->status == 404) {
        code = TD_MISSING;
    } else if (response->status == 400) {
        code = TD_DATA;
    } else if (response->status >= 300 && response->status < 400) {
        advice = " (redirects are not followed: check the base URL)";
    }
    code = refuse(response, root, ticker, code, advice, err);
    json_decref(root);
    return code;
}

static enum td_code check_envelope(const struct td_http_response *response, const json_t *root, const char *ticker,
                                   struct td_err *err)
{
    const json_t *status = json_object_get(root, "status");
    const json_t *name = json_object_get(root, "ticker");
    const char *text = json_is_string(status) ? json_string_value(status) : "";

    if (!json_is_object(root))
        return td_fail(err, TD_DATA, "%s: the answer is JSON, but no object", ticker);
    if (strcmp(text, "NOT_AUTHORIZED") == 0)
        return refuse(response, root, ticker, TD_AUTH, "", err);
    if (strcmp(text, "NOT_FOUND") == 0)
        return refuse(response, root, ticker, TD_MISSING, "", err);
    if (strcmp(text, "OK") != 0 && strcmp(text, "DELAYED") != 0)
        return refuse(response, root, ticker, TD_DATA, " (status is neither OK nor DELAYED)", err);
    if (json_is_string(name) && strcmp(json_string_value(name), ticker) != 0) {
        struct td_buf other;
        td_buf_init(&other, 4096);
        feed_json_printable(&other, name, 40);
        td_fail(err, TD_DATA, "%s: the answer is about %.160s", ticker, other.data ? other.data : "another ticker");
        td_buf_free(&other);
        return TD_DATA;
    }
    return TD_OK;
}

/* ---- rows ---- */

static bool optional_f64(const json_t *row, const char *key, double *out)
{
    const json_t *value = json_object_get(row, key);
    *out = NAN;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_number(value))
        return false;
    *out = json_number_value(value);
    return true;
}

static bool required_f64(const json_t *row, const char *key, double *out)
{
    const json_t *value = json_object_get(row, key);
    *out = json_number_value(value); /* 0 for anything else */
    return json_is_number(value);
}

static bool optional_count(const json_t *row, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(row, key);
    *out = TD_NO_COUNT;
    return !value || json_is_null(value) || (feed_json_i64(value, out) && *out >= 0);
}

static enum td_reason read_row(const json_t *row, bool daily, td_day from, td_day to, struct td_bar *bar)
{
    td_day day;
    int32_t ms;
    enum td_reason reason;

    if (!json_is_object(row) || !feed_json_i64(json_object_get(row, "t"), &bar->ts) ||
        !required_f64(row, "o", &bar->open) || !required_f64(row, "h", &bar->high) || !required_f64(row, "l", &bar->low) ||
        !required_f64(row, "c", &bar->close) || !optional_f64(row, "v", &bar->volume) ||
        !optional_f64(row, "vw", &bar->vwap) || !optional_count(row, "n", &bar->trades))
        return TD_REASON_UNREADABLE;
    reason = td_bar_check(bar, daily);
    if (reason != TD_REASON_NONE)
        return reason;
    td_ny_split(bar->ts, &day, &ms);
    return day < from || day > to ? TD_REASON_OUT_OF_RANGE : TD_REASON_NONE;
}

static enum td_code read_rows(const json_t *results, const char *ticker, bool daily, td_day from, td_day to,
                              struct td_bars *bars, struct td_rest_page *page, struct td_err *err)
{
    size_t count = json_array_size(results);
    enum td_code code = td_bars_reserve(bars, bars->n + count, err);

    for (size_t i = 0; i < count && code == TD_OK; i++) {
        struct td_bar bar;
        enum td_reason reason = read_row(json_array_get(results, i), daily, from, to, &bar);
        page->rows++;
        if (reason == TD_REASON_NONE)
            code = td_bars_add(bars, &bar, err);
        else
            page->quarantined[reason]++;
    }
    if (code != TD_OK)
        td_context(err, "%s", ticker);
    return code;
}

/* Only path and query of next_url are used, on our own base: its host may be the vendor's other name, or anybody's. */
static enum td_code read_next(const json_t *root, const char *ticker, char *out, size_t size, struct td_err *err)
{
    const json_t *value = json_object_get(root, "next_url");
    out[0] = '\0';
    if (!value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
        return TD_OK;
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    const char *host = strncmp(text, "https://", 8) == 0 ? text + 8 : strncmp(text, "http://", 7) == 0 ? text + 7 : NULL;
    const char *path = host ? strchr(host, '/') : text[0] == '/' ? text : NULL;
    if (!path)
        return td_fail(err, TD_DATA, "%s: next_url of the answer is no URL", ticker);
    size_t len = strcspn(path, "#");
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)path[i] <= 0x20 || (unsigned char)path[i] >= 0x7f)
            return td_fail(err, TD_DATA, "%s: next_url of the answer holds a blank, control or foreign character", ticker);
    }
    if (len >= size)
        return td_fail(err, TD_DATA, "%s: next_url of the answer has %zu bytes, more than %zu", ticker, len, size - 1);
    memcpy(out, path, len);
    out[len] = '\0';
    return TD_OK;
}

enum td_code td_rest_aggs_parse(const struct td_http_response *response, const char *ticker, bool daily, td_day from,
                                td_day to, struct td_bars *bars, struct td_rest_page *page, struct td_err *err)
{
    json_t *root = NULL;
    const json_t *results;
    enum td_code code;

    memset(page, 0, sizeof *page);
    if (response->code != TD_OK) {
        if (err)
            *err = response->err;
        return response->code;
    }
    if (response->status != 200)
        return refuse_status(response, ticker, err);
    code = feed_json_parse(response->body.data, response->body.len, ticker, &root, err);
    if (code != TD_OK)
        return code;
    code = check_envelope(response, root, ticker, err);
    results = json_object_get(root, "results");
    if (code == TD_OK && results && !json_is_null(results) && !json_is_array(results))
        code = td_fail(err, TD_DATA, "%s: results of the answer is no list", ticker);
    if (code == TD_OK && json_array_size(results) > 0 && json_is_true(json_object_get(root, "adjusted")))
        code = td_fail(err, TD_DATA, "%s: the answer is split-adjusted although raw bars were asked for", ticker);
    if (code == TD_OK)
        code = read_next(root, ticker, page->next, sizeof page->next, err);
    if (code == TD_OK)
        code = read_rows(results, ticker, daily, from, to, bars, page, err);
    json_decref(root);
    return code;
}
