/* SPDX-License-Identifier: GPL-3.0-or-later
 * REST reference data: splits and the ticker list (vendor reference sections 5.1 and 5.3). */
#include <string.h>

#include "rest_envelope.h"

static bool text_field(const json_t *row, const char *key, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(row, key));
    return td_copy(out, size, text ? text : "");
}

/* "2026-06-10" or an RFC 3339 stamp that begins so; absent = TD_NO_DAY. */
static td_day day_field(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    td_day day;
    return text && strlen(text) >= 10 && td_parse_day(text, 10, &day) ? day : TD_NO_DAY;
}

void td_rest_reference_path(struct td_buf *out, enum td_reference_kind kind)
{
    td_buf_adds(out, kind == TD_REFERENCE_SPLITS ? "/v3/reference/splits?limit=1000&order=asc&sort=execution_date"
                     : kind == TD_REFERENCE_TICKERS
                         ? "/v3/reference/tickers?market=stocks&active=true&limit=1000&order=asc&sort=ticker"
                         : "/v3/reference/tickers?market=stocks&active=false&limit=1000&order=asc&sort=ticker");
}

static bool read_split(const json_t *row, struct td_rest_split *out)
{
    *out = (struct td_rest_split){.day = day_field(row, "execution_date")};
    out->from = json_number_value(json_object_get(row, "split_from"));
    out->to = json_number_value(json_object_get(row, "split_to"));
    return text_field(row, "ticker", out->ticker, sizeof out->ticker) && *out->ticker && out->day != TD_NO_DAY &&
           out->from > 0 && out->to > 0 && out->from < 1e9 && out->to < 1e9;
}

static bool read_ticker(const json_t *row, struct td_rest_ticker *out)
{
    const json_t *active = json_object_get(row, "active");
    *out = (struct td_rest_ticker){.list_date = day_field(row, "list_date"), .delisted = day_field(row, "delisted_utc"),
                                   .active = json_is_boolean(active) ? (int8_t)json_is_true(active) : (int8_t)-1};
    text_field(row, "type", out->type, sizeof out->type);
    text_field(row, "primary_exchange", out->exchange, sizeof out->exchange);
    text_field(row, "name", out->name, sizeof out->name);
    return text_field(row, "ticker", out->ticker, sizeof out->ticker) && *out->ticker;
}

enum td_code td_rest_reference_parse(const struct td_http_response *response, enum td_reference_kind kind,
                                     enum td_code (*fn)(void *ctx, const struct td_rest_split *split,
                                                        const struct td_rest_ticker *ticker, struct td_err *err),
                                     void *ctx, struct td_rest_page *page, struct td_err *err)
{
    memset(page, 0, sizeof *page);
    json_t *root = NULL;
    const json_t *results = NULL;
    const char *about = kind == TD_REFERENCE_SPLITS ? "splits" : "tickers";
    enum td_code code = rest_open(response, about, &root, &results, page->next, sizeof page->next, err);
    size_t count = code == TD_OK ? json_array_size(results) : 0;
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        const json_t *row = json_array_get(results, i);
        struct td_rest_split split;
        struct td_rest_ticker ticker;
        bool good = kind == TD_REFERENCE_SPLITS ? read_split(row, &split) : read_ticker(row, &ticker);
        page->rows++;
        if (!good)
            page->quarantined[TD_REASON_UNREADABLE]++;
        else
            code = kind == TD_REFERENCE_SPLITS ? fn(ctx, &split, NULL, err) : fn(ctx, NULL, &ticker, err);
    }
    json_decref(root);
    return code;
}

/* ---- ticker events ---- */

void td_rest_events_path(struct td_buf *out, const char *ticker)
{
    td_buf_adds(out, "/vX/reference/tickers/");
    rest_add_encoded(out, ticker);
    td_buf_adds(out, "/events?types=ticker_change");
}

/* The data call the kind `type`, the schema `event_type`. */
static bool read_event(const json_t *row, char ticker[TD_TICKER_MAX], td_day *day)
{
    const char *type = json_string_value(json_object_get(row, "type"));
    if (!type)
        type = json_string_value(json_object_get(row, "event_type"));
    *day = day_field(row, "date");
    return type && strcmp(type, "ticker_change") == 0 && *day != TD_NO_DAY &&
           text_field(json_object_get(row, "ticker_change"), "ticker", ticker, TD_TICKER_MAX) && *ticker;
}

enum td_code td_rest_events_parse(const struct td_http_response *response, const char *ticker,
                                  enum td_code (*fn)(void *ctx, const char *ticker, const char *old_ticker, td_day day,
                                                     struct td_err *err),
                                  void *ctx, uint64_t *events, struct td_err *err)
{
    json_t *root = NULL;
    const json_t *results = NULL;
    *events = 0;
    enum td_code code = rest_open(response, ticker, &root, &results, NULL, 0, err);
    const json_t *list = json_object_get(results, "events");
    char newer[TD_TICKER_MAX] = "", name[TD_TICKER_MAX];
    td_day newer_day = TD_NO_DAY, day;
    for (size_t i = 0; code == TD_OK && i < json_array_size(list); i++) { /* newest first: each row ends the one after it */
        if (!read_event(json_array_get(list, i), name, &day))
            continue;
        *events += 1;
        if (*newer && strcmp(newer, name) != 0 && newer_day > day)
            code = fn(ctx, newer, name, newer_day, err);
        td_copy(newer, sizeof newer, name);
        newer_day = day;
    }
    json_decref(root);
    return code;
}
