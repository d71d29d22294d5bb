/* SPDX-License-Identifier: GPL-3.0-or-later
 * The envelope of REST answers. */
#include "rest_envelope.h"

#include <string.h>

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

enum td_code rest_open(const struct td_http_response *response, const char *about, json_t **root, const json_t **results,
                       char *next, size_t next_size, struct td_err *err)
{
    *root = NULL;
    *results = NULL;
    if (response->code != TD_OK) {
        if (err)
            *err = response->err;
        return response->code;
    }
    if (response->status != 200)
        return refuse_status(response, about, err);
    enum td_code code = feed_json_parse(response->body.data, response->body.len, about, root, err);
    if (code != TD_OK)
        return code;
    code = check_envelope(response, *root, about, err);
    *results = json_object_get(*root, "results");
    if (code == TD_OK && next && *results && !json_is_null(*results) && !json_is_array(*results))
        code = td_fail(err, TD_DATA, "%s: results of the answer is no list", about);
    if (code == TD_OK && next)
        code = read_next(*root, about, next, next_size, err);
    if (code != TD_OK) {
        json_decref(*root);
        *root = NULL;
    }
    return code;
}
