/* SPDX-License-Identifier: GPL-3.0-or-later
 * REST aggregates: the path of a request and the reading of an answer (vendor reference sections 1 to 3.1). */
#include <tapedeck/feed.h>

#include <string.h>

#include "rest_envelope.h"
#include "rest_rows.h"

#define ENVELOPE_MAX ((size_t)1 << 20)

void rest_add_encoded(struct td_buf *out, const char *text)
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
    rest_add_encoded(out, ticker);
    td_buf_printf(out, "/range/1/%s/%s/%s?adjusted=false&sort=asc&limit=50000", daily ? "day" : "minute", first, last);
}

/* ---- rows ---- */

static bool optional_f64(const json_t *row, const char *key, double *out)
{
    const json_t *value = json_object_get(row, key);
    *out = (double)NAN;
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

static enum td_reason read_row(const json_t *row, const struct rest_rows *rows, struct td_bar *bar)
{
    if (!json_is_object(row) || !feed_json_i64(json_object_get(row, "t"), &bar->ts) ||
        !required_f64(row, "o", &bar->open) || !required_f64(row, "h", &bar->high) ||
        !required_f64(row, "l", &bar->low) || !required_f64(row, "c", &bar->close) ||
        !optional_f64(row, "v", &bar->volume) || !optional_f64(row, "vw", &bar->vwap) ||
        !optional_count(row, "n", &bar->trades))
        return TD_REASON_UNREADABLE;
    return rest_bar_check(rows, bar);
}

static enum td_code read_rows(const json_t *results, const char *ticker, const struct rest_rows *rows,
                              struct td_err *err)
{
    size_t count = json_array_size(results);
    enum td_code code = td_bars_reserve(rows->bars, rows->bars->n + count, err);

    for (size_t i = 0; i < count && code == TD_OK; i++) {
        struct td_bar bar;
        enum td_reason reason = read_row(json_array_get(results, i), rows, &bar);
        rows->page->rows++;
        if (reason == TD_REASON_NONE)
            code = td_bars_add(rows->bars, &bar, err);
        else
            rows->page->quarantined[reason]++;
    }
    if (code != TD_OK)
        td_context(err, "%s", ticker);
    return code;
}

/* The thorough way: the whole document as a tree. */
static enum td_code parse_tree(const struct td_http_response *response, const char *ticker,
                               const struct rest_rows *rows, struct td_err *err)
{
    struct td_rest_page *page = rows->page;
    json_t *root = NULL;
    const json_t *results = NULL;
    enum td_code code = rest_open(response, ticker, &root, &results, page->next, sizeof page->next, err);
    if (code == TD_OK && page->rows + json_array_size(results) > 0 && json_is_true(json_object_get(root, "adjusted")))
        code = td_fail(err, TD_DATA, "%s: the answer is split-adjusted although raw bars were asked for", ticker);
    if (code == TD_OK)
        code = read_rows(results, ticker, rows, err);
    json_decref(root);
    return code;
}

/* The quick way: rows straight from the text, a tree only of what is around them. False: take the other way. */
static bool parse_quickly(const struct td_http_response *response, const char *ticker, const struct rest_rows *rows)
{
    size_t before = rows->bars->n;
    struct td_http_response envelope = *response;
    bool done = false;
    td_buf_init(&envelope.body, ENVELOPE_MAX);
    if (rest_rows_scan(rows, response->body.data, response->body.len, &envelope.body))
        done = parse_tree(&envelope, ticker, rows, NULL) == TD_OK;
    if (!done)
        rows->bars->n = before;
    td_buf_free(&envelope.body);
    return done;
}

enum td_code td_rest_aggs_parse(const struct td_http_response *response, const char *ticker, bool daily, td_day from,
                                td_day to, struct td_bars *bars, struct td_rest_page *page, struct td_err *err)
{
    struct rest_rows rows = {daily, from, to, bars, page};
    memset(page, 0, sizeof *page);
    if (response->code == TD_OK && response->status == 200 && parse_quickly(response, ticker, &rows))
        return TD_OK;
    memset(page, 0, sizeof *page);
    return parse_tree(response, ticker, &rows, err); /* says what is wrong with the whole text before it */
}
