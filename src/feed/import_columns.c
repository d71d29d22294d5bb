/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which column of a file is which: by the usual names, then by --columns. What cannot be found is asked for by name. */
#include "import_private.h"

#include <string.h>
#include <strings.h>

#define ROLE_TIME IMPORT_ROLES /* in the table of option names, behind the others */

static const char *const option_names[IMPORT_ROLES + 1] = {"open", "high",         "low",    "close",    "volume",
                                                           "vwap", "transactions", "ticker", "timestamp"};

/* Usual names in order of preference, compared without case, and '_' equal to ' '. */
static const char *const usual[IMPORT_ROLES][9] = {
    [IMPORT_OPEN] = {"open", "o", "open price", "1. open"},
    [IMPORT_HIGH] = {"high", "h", "high price", "2. high"},
    [IMPORT_LOW] = {"low", "l", "low price", "3. low"},
    [IMPORT_CLOSE] = {"close", "c", "close price", "last", "4. close"},
    [IMPORT_VOLUME] = {"volume", "v", "vol", "5. volume", "6. volume"},
    [IMPORT_VWAP] = {"vwap", "vw", "wap", "volume weighted average price"},
    [IMPORT_TRADES] = {"transactions", "n", "trades", "count", "trade count", "num trades", "number of trades"},
    [IMPORT_TICKER] = {"ticker", "symbol", "sym"},
};
static const char *const whole_time[] = {"timestamp", "datetime", "date time", "window start", "ts", "start"};
static const char *const day_names[] = {"date", "day", "trading day"};
static const char *const clock_names[] = {"time", "tod", "time of day"};

struct names {
    const struct td_str *items;
    size_t count;
};

static struct td_str trimmed(struct td_str s)
{
    while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s.ptr++, s.len--;
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static char folded(char c)
{
    if (c == '_')
        return ' ';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_name(struct td_str name, const char *text)
{
    name = trimmed(name);
    if (name.len != strlen(text))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (folded(name.ptr[i]) != folded(text[i]))
            return false;
    }
    return true;
}

static int find_one(const struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++) {
        if (same_name(names->items[i], text))
            return (int)i;
    }
    return -1;
}

static int find_any(const struct names *names, const char *const *list, size_t count)
{
    for (size_t k = 0; k < count && list[k]; k++) {
        int at = find_one(names, list[k]);
        if (at >= 0)
            return at;
    }
    return -1;
}

static int find_exact(const struct names *names, struct td_str name)
{
    int loose = -1;
    for (size_t i = 0; i < names->count; i++) {
        struct td_str item = trimmed(names->items[i]);
        if (item.len != name.len)
            continue;
        if (memcmp(item.ptr, name.ptr, name.len) == 0)
            return (int)i;
        if (loose < 0 && strncasecmp(item.ptr, name.ptr, name.len) == 0)
            loose = (int)i;
    }
    return loose;
}

static void set_time(struct import_shape *shape, int first, int second)
{
    shape->time_parts = (first >= 0) + (second >= 0);
    shape->time[0] = first;
    shape->time[1] = second;
}

/* The vendor's short names: `t` is the time and `T` the ticker, the only place where case matters. */
static void find_time(const struct names *names, struct import_shape *shape)
{
    int whole = find_any(names, whole_time, TD_COUNT(whole_time));
    int day = find_any(names, day_names, TD_COUNT(day_names));
    int clock = find_any(names, clock_names, TD_COUNT(clock_names));
    int small = find_exact(names, td_str_of("t")), large = find_exact(names, td_str_of("T"));
    if (whole >= 0)
        set_time(shape, whole, -1);
    else if (day >= 0 && clock >= 0)
        set_time(shape, day, clock);
    else if (small >= 0)
        set_time(shape, small, -1);
    else
        set_time(shape, day >= 0 ? day : clock, -1);
    if (shape->column[IMPORT_TICKER] < 0 && large >= 0 && large != shape->time[0] &&
        trimmed(names->items[large]).ptr[0] == 'T')
        shape->column[IMPORT_TICKER] = large;
}

static void list_names(const struct names *names, struct td_buf *out)
{
    td_buf_init(out, 4096);
    for (size_t i = 0; i < names->count && out->len < 160; i++) {
        struct td_str name = trimmed(names->items[i]);
        td_buf_adds(out, i ? "," : "");
        td_buf_add_printable(out, name.ptr, name.len < 40 ? name.len : 40);
    }
}

/* ---- --columns ---- */

static enum td_code option_time(const struct names *names, struct td_str value, const char *path,
                                struct import_shape *shape, struct td_err *err)
{
    shape->time_parts = 0;
    int whole = find_exact(names, value); /* a name that holds a plus itself */
    if (whole >= 0) {
        set_time(shape, whole, -1);
        return TD_OK;
    }
    while (value.len > 0) {
        const char *plus = memchr(value.ptr, '+', value.len);
        size_t len = plus ? (size_t)(plus - value.ptr) : value.len;
        int at = find_exact(names, (struct td_str){value.ptr, len});
        if (at < 0)
            return td_fail(err, TD_DATA, "%s: --columns: there is no column '%.*s'", path, (int)(len < 60 ? len : 60),
                           value.ptr);
        if (shape->time_parts == IMPORT_MAX_PARTS)
            return td_fail(err, TD_USAGE, "--columns: a timestamp is joined from %d columns at most", IMPORT_MAX_PARTS);
        shape->time[shape->time_parts++] = at;
        value.ptr += len + (plus != NULL);
        value.len -= len + (plus != NULL);
    }
    return TD_OK;
}

static enum td_code option_one(const struct names *names, struct td_str item, const char *path,
                               struct import_shape *shape, struct td_err *err)
{
    const char *sign = memchr(item.ptr, '=', item.len);
    size_t len = sign ? (size_t)(sign - item.ptr) : item.len;
    size_t role = 0;
    while (role <= ROLE_TIME && !td_str_is((struct td_str){item.ptr, len}, option_names[role]))
        role++;
    if (!sign || role > ROLE_TIME)
        return td_fail(
            err, TD_USAGE,
            "--columns: '%.*s' is not NAME=COLUMN with NAME one of timestamp, open, high, low, close, volume, "
            "vwap, transactions, ticker",
            (int)(item.len < 60 ? item.len : 60), item.ptr);
    struct td_str value = {sign + 1, item.len - len - 1};
    if (role == ROLE_TIME)
        return option_time(names, value, path, shape, err);
    if (value.len == 0 && role >= IMPORT_VOLUME) { /* volume= : the file has none */
        shape->column[role] = role == IMPORT_VOLUME ? -2 : -1;
        return TD_OK;
    }
    int at = find_exact(names, value);
    if (at < 0) {
        struct td_buf list;
        list_names(names, &list);
        td_fail(err, TD_DATA, "%s: --columns: there is no column '%.*s'; the header is: %s", path,
                (int)(value.len < 60 ? value.len : 60), value.ptr, list.data ? list.data : "");
        td_buf_free(&list);
        return TD_DATA;
    }
    shape->column[role] = at;
    return TD_OK;
}

static enum td_code apply_option(const struct names *names, const char *text, const char *path,
                                 struct import_shape *shape, struct td_err *err)
{
    enum td_code code = TD_OK;
    while (code == TD_OK && *text) {
        size_t len = strcspn(text, ",");
        code = option_one(names, (struct td_str){text, len}, path, shape, err);
        text += len + (text[len] == ',');
    }
    return code;
}

/* ---- what is missing ---- */

static enum td_code ask_for_missing(const struct names *names, const struct import_shape *shape, const char *path,
                                    struct td_err *err)
{
    char missing[128] = "", example[192] = "";
    bool any = false;
    for (size_t i = 0; i <= IMPORT_VOLUME + 1; i++) {
        size_t role = i == 0 ? (size_t)ROLE_TIME : i - 1; /* the time is asked for first */
        bool gone = role == ROLE_TIME ? shape->time_parts == 0 : shape->column[role] == -1;
        if (!gone)
            continue;
        size_t used = strlen(missing), shown = strlen(example);
        td_snprintf(missing + used, sizeof missing - used, "%s%s", any ? ", " : "", option_names[role]);
        td_snprintf(example + shown, sizeof example - shown, "%s%s=NAME", any ? "," : "", option_names[role]);
        any = true;
    }
    if (!any)
        return TD_OK;
    struct td_buf list;
    list_names(names, &list);
    td_fail(err, TD_DATA, "%s: which column is %s? The header is: %s. Say it with --columns %s", path, missing,
            list.data ? list.data : "", example);
    td_buf_free(&list);
    return TD_DATA;
}

enum td_code import_shape_find(const struct td_str *names, size_t count, const struct td_import_options *options,
                               const char *path, struct import_shape *out, struct td_err *err)
{
    struct names all = {names, count};
    enum td_code code = TD_OK;

    memset(out, 0, sizeof *out);
    out->columns = count;
    for (size_t role = 0; role < IMPORT_ROLES; role++)
        out->column[role] = find_any(&all, usual[role], TD_COUNT(usual[role]));
    find_time(&all, out);
    if (options->columns)
        code = apply_option(&all, options->columns, path, out, err);
    return code == TD_OK ? ask_for_missing(&all, out, path, err) : code;
}
