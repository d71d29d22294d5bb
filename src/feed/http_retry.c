/* SPDX-License-Identifier: GPL-3.0-or-later
 * The retry policy of the HTTP engine: pure functions over outcomes. */
#include "http_retry.h"

#include <string.h>
#include <strings.h>

enum http_verdict http_judge_transfer(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return HTTP_FINAL;
    case CURLE_UNSUPPORTED_PROTOCOL: /* an answer that is no HTTP; the scheme was checked at the start */
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_AGAIN:
    case CURLE_HTTP_RETURNED_ERROR: return HTTP_RETRY;
    default: return HTTP_FATAL;
    }
}

enum http_verdict http_judge_status(long status)
{
    if (status == 429)
        return HTTP_THROTTLED;
    /* 408 and 499: the server or a proxy gave up waiting, which says nothing about the request itself. */
    if (status == 408 || status == 499 || status >= 500)
        return HTTP_RETRY;
    return HTTP_FINAL;
}

static bool is_json_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Index of the closing quote of the string whose opening quote is at `at`; len when there is none. */
static size_t string_end(const char *body, size_t at, size_t len)
{
    for (at++; at < len && body[at] != '"'; at++)
        at += body[at] == '\\';
    return at < len ? at : len;
}

static bool is_whole_json(const char *body, size_t from, size_t len)
{
    size_t depth = 0;
    for (size_t i = from; i < len; i++) {
        char c = body[i];
        if (c == '"')
            i = string_end(body, i, len);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0))
            return i + 1 == len && (c == '}') == (body[from] == '{');
    }
    return false;
}

bool http_body_is_wrong(const char *content_type, const char *body, size_t len)
{
    if (!content_type)
        return false;
    if (strncasecmp(content_type, "text/html", 9) == 0)
        return true;
    if (strncasecmp(content_type, "application/json", 16) != 0)
        return false;
    size_t from = 0;
    while (from < len && is_json_space(body[from]))
        from++;
    while (len > from && is_json_space(body[len - 1]))
        len--;
    return from == len || (body[from] != '{' && body[from] != '[') || !is_whole_json(body, from, len);
}

int64_t http_delay_ms(unsigned base_ms, unsigned nth, int64_t retry_after_s, uint64_t *rng)
{
    if (retry_after_s > 0)
        return (retry_after_s < HTTP_MAX_RETRY_AFTER_S ? retry_after_s : HTTP_MAX_RETRY_AFTER_S) * 1000;
    int64_t full = base_ms;
    while (nth-- > 0 && full < HTTP_MAX_BACKOFF_MS)
        full *= 2;
    if (full > HTTP_MAX_BACKOFF_MS)
        full = HTTP_MAX_BACKOFF_MS;
    *rng += 1;
    return full - full / 2 + (int64_t)(td_mix64(*rng) % (uint64_t)(full / 2 + 1));
}
