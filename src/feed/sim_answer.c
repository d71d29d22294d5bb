/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bodies of the simulated vendor in the vendor's words: errors, envelopes, page cursors, rows in exact decimals. */
#include <stdio.h>
#include <string.h>

#include "sim_server.h"

void td_sim_error(const struct sim_request *request, struct sim_answer *answer, unsigned status, const char *text)
{
    td_buf_clear(&answer->body);
    answer->status = status;
    td_buf_printf(&answer->body, "{\"status\":\"ERROR\",\"request_id\":\"%s\",\"error\":", request->id);
    td_buf_json(&answer->body, text, strlen(text));
    td_buf_adds(&answer->body, "}");
}

void td_sim_missing(const struct sim_request *request, struct sim_answer *answer, const char *text)
{
    td_buf_clear(&answer->body);
    answer->status = 404;
    td_buf_printf(&answer->body, "{\"status\":\"NOT_FOUND\",\"request_id\":\"%s\",\"message\":", request->id);
    td_buf_json(&answer->body, text, strlen(text));
    td_buf_adds(&answer->body, "}");
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void cursor_encode(struct td_buf *out, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i += 3) {
        unsigned group = (unsigned)(unsigned char)text[i] << 16;
        group |= i + 1 < len ? (unsigned)(unsigned char)text[i + 1] << 8 : 0;
        group |= i + 2 < len ? (unsigned)(unsigned char)text[i + 2] : 0;
        size_t chars = len - i >= 3 ? 4 : len - i + 1;
        for (size_t k = 0; k < chars; k++)
            td_buf_addc(out, alphabet[group >> (18 - 6 * k) & 63]);
    }
}

bool td_sim_cursor_decode(const char *text, char *out, size_t size)
{
    size_t used = 0;
    unsigned bits = 0, group = 0;
    for (; *text; text++) {
        const char *at = strchr(alphabet, *text);
        if (!at || used + 1 >= size)
            return false;
        group = (group << 6 | (unsigned)(at - alphabet)) & 0xffffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[used] = (char)(group >> bits & 0xff);
            if (!out[used++])
                return false;
        }
    }
    out[used] = '\0';
    return bits < 6;
}

void td_sim_escape(struct td_buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c);
        if (plain)
            td_buf_addc(out, (char)c);
        else
            td_buf_printf(out, "%%%02X", c);
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

void td_sim_unescape(char *text)
{
    char *to = text;
    for (; *text; text++) {
        if (*text == '%' && hex(text[1]) >= 0 && hex(text[2]) >= 0) {
            *to++ = (char)(hex(text[1]) * 16 + hex(text[2]));
            text += 2;
        } else {
            *to++ = *text == '+' ? ' ' : *text;
        }
    }
    *to = '\0';
}

size_t td_sim_decimal(char *out, int64_t value, int decimals)
{
    char digits[24];
    int n = 0;
    size_t len = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    while (decimals > 0 && rest % 10 == 0) {
        rest /= 10;
        decimals--;
    }
    for (int place = 0; rest || place <= decimals; place++) {
        if (place == decimals && decimals > 0)
            digits[n++] = '.';
        digits[n++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value < 0)
        out[len++] = '-';
    while (n > 0)
        out[len++] = digits[--n];
    return len;
}

static char *put(char *at, const char *name, int64_t value, int decimals)
{
    size_t len = strlen(name);
    memcpy(at, name, len);
    return at + len + td_sim_decimal(at + len, value, decimals);
}

/* The vendor's numbers come in more than one dress: whole volumes as 1200.0 in some rows, as 1.2e+03 in others. */
static char *put_dressed(char *at, const char *name, const struct sim_bar *bar)
{
    char *start = at + strlen(name);
    at = put(at, name, bar->volume, 6);
    if (bar->volume % 1000000 || bar->ts / TD_MS_MINUTE % 3 == 0)
        return at;
    if (bar->ts / TD_MS_MINUTE % 3 == 1) {
        memcpy(at, ".0", 2);
        return at + 2;
    }
    int exponent = (int)(at - start) - 1;
    memmove(start + 2, start + 1, (size_t)exponent);
    start[1] = '.';
    at += 1;
    if (!exponent)
        *at++ = '0';
    memcpy(at, "e+", 2);
    at[2] = (char)('0' + exponent / 10);
    at[3] = (char)('0' + exponent % 10);
    return at + 4;
}

size_t td_sim_row(const struct sim_request *request, const char *ticker, const struct sim_bar *bar, char *out)
{
    char *at = out;
    bool bare = request->fault[SIM_FAULT_NULLS] && bar->ts / TD_MS_MINUTE % 3 == 0;
    *at++ = '{';
    if (ticker)
        at += (size_t)snprintf(at, TD_TICKER_MAX + 8, "\"T\":\"%s\",", ticker);
    at = request->fault[SIM_FAULT_NUMBERS] ? put_dressed(at, "\"v\":", bar) : put(at, "\"v\":", bar->volume, 6);
    at = bare ? at : put(at, ",\"vw\":", bar->vwap, 4);
    at = put(at, ",\"o\":", bar->open, 4);
    at = put(at, ",\"c\":", bar->close, 4);
    at = put(at, ",\"h\":", bar->high, 4);
    at = put(at, ",\"l\":", bar->low, 4);
    at = put(at, ",\"t\":", bar->ts, 0);
    at = bare ? at : put(at, ",\"n\":", bar->trades, 0);
    *at++ = '}';
    return (size_t)(at - out);
}

/* Prices and volume in today's shares: split-adjusted by everything executed after the bar's day. */
void td_sim_adjust(const struct sim_ticker *ticker, td_day day, struct sim_bar *bar)
{
    double factor = 1;
    for (size_t i = 0; i < ticker->split_count; i++)
        if (ticker->splits[i].day > day)
            factor *= ticker->splits[i].factor;
    if (factor == 1)
        return;
    int64_t *prices[] = {&bar->open, &bar->high, &bar->low, &bar->close, &bar->vwap};
    for (size_t i = 0; i < TD_COUNT(prices); i++)
        *prices[i] = llround((double)*prices[i] / factor);
    bar->volume = llround((double)bar->volume * factor);
}

/* next_url on the host that was asked, never with a key in it. */
static void next_url(const struct sim_request *request, struct td_buf *body, const char *path, const char *cursor)
{
    struct td_buf url;
    td_buf_init(&url, 4096);
    td_buf_printf(&url, "http://%s%s?cursor=", request->host, path);
    cursor_encode(&url, cursor);
    td_buf_adds(body, ",\"next_url\":");
    if (url.failed)
        body->failed = true;
    else
        td_buf_json(body, url.data, url.len);
    td_buf_free(&url);
}

void td_sim_close(const struct sim_request *request, struct sim_answer *answer, size_t count, const char *path,
                  const char *cursor)
{
    td_buf_printf(&answer->body, "\"status\":\"%s\",\"request_id\":\"%s\",\"count\":%zu",
                  request->fault[SIM_FAULT_DELAYED] ? "DELAYED" : "OK", request->id, count);
    if (path)
        next_url(request, &answer->body, path, cursor);
    td_buf_addc(&answer->body, '}');
}
