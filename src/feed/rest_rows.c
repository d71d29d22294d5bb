/* SPDX-License-Identifier: GPL-3.0-or-later
 * A strict scanner for the common page of bars. Whatever it does not know by heart it leaves to the JSON parser, so it
 * never has to decide what is an error. */
#include "rest_rows.h"

#include <string.h>

struct scan {
    const char *p, *end;
};

enum field { FIELD_T, FIELD_O, FIELD_H, FIELD_L, FIELD_C, FIELD_V, FIELD_VW, FIELD_N, FIELD_OTHER };
#define REQUIRED_FIELDS ((1u << FIELD_T) | (1u << FIELD_O) | (1u << FIELD_H) | (1u << FIELD_L) | (1u << FIELD_C))

static void skip_blanks(struct scan *in)
{
    while (in->p < in->end && (*in->p == ' ' || *in->p == '\n' || *in->p == '\r' || *in->p == '\t'))
        in->p++;
}

static bool take(struct scan *in, char c)
{
    skip_blanks(in);
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

static bool take_word(struct scan *in, const char *word, size_t len)
{
    if ((size_t)(in->end - in->p) < len || memcmp(in->p, word, len) != 0)
        return false;
    in->p += len;
    return true;
}

static size_t take_digits(struct scan *in)
{
    const char *start = in->p;
    while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
        in->p++;
    return (size_t)(in->p - start);
}

/* A number by the JSON grammar. */
static bool take_number(struct scan *in, struct td_str *out)
{
    const char *start = in->p;
    if (in->p < in->end && *in->p == '-')
        in->p++;
    const char *first = in->p;
    size_t digits = take_digits(in);
    if (digits == 0 || (digits > 1 && *first == '0'))
        return false;
    if (in->p < in->end && *in->p == '.') {
        in->p++;
        if (take_digits(in) == 0)
            return false;
    }
    if (in->p < in->end && (*in->p == 'e' || *in->p == 'E')) {
        in->p++;
        if (in->p < in->end && (*in->p == '+' || *in->p == '-'))
            in->p++;
        if (take_digits(in) == 0)
            return false;
    }
    *out = (struct td_str){start, (size_t)(in->p - start)};
    return true;
}

/* A key of letters and underscores, and its colon. */
static bool take_key(struct scan *in, enum field *out)
{
    static const char names[FIELD_OTHER][3] = {"t", "o", "h", "l", "c", "v", "vw", "n"};
    if (!take(in, '"'))
        return false;
    const char *start = in->p;
    while (in->p < in->end && ((*in->p >= 'a' && *in->p <= 'z') || *in->p == '_'))
        in->p++;
    size_t len = (size_t)(in->p - start);
    unsigned field = 0;
    while (field < FIELD_OTHER && !(strlen(names[field]) == len && memcmp(names[field], start, len) == 0))
        field++;
    *out = (enum field)field;
    if (in->p == in->end || *in->p != '"')
        return false;
    in->p++;
    return take(in, ':');
}

static bool exact_i64(struct td_str text, int64_t *out)
{
    double value;
    if (td_parse_i64(text.ptr, text.len, out))
        return true;
    if (!td_parse_f64(text.ptr, text.len, &value) || !(fabs(value) < 9007199254740992.0) || value != floor(value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool set_field(struct td_bar *bar, enum field field, struct td_str text)
{
    double *const places[] = {[FIELD_O] = &bar->open,  [FIELD_H] = &bar->high,   [FIELD_L] = &bar->low,
                              [FIELD_C] = &bar->close, [FIELD_V] = &bar->volume, [FIELD_VW] = &bar->vwap};
    if (field == FIELD_T)
        return exact_i64(text, &bar->ts);
    if (field == FIELD_N)
        return exact_i64(text, &bar->trades) && bar->trades >= 0;
    return td_parse_f64(text.ptr, text.len, places[field]);
}

static bool take_value(struct scan *in, enum field field, struct td_bar *bar)
{
    struct td_str text;
    skip_blanks(in);
    if (field >= FIELD_V && take_word(in, "null", 4)) /* unknown stays unknown */
        return true;
    if (field == FIELD_OTHER) /* otc */
        return take_word(in, "true", 4) || take_word(in, "false", 5) || take_number(in, &text);
    return take_number(in, &text) && set_field(bar, field, text);
}

static bool take_row(struct scan *in, struct td_bar *bar)
{
    unsigned seen = 0;
    *bar = (struct td_bar){.volume = (double)NAN, .vwap = (double)NAN, .trades = TD_NO_COUNT};
    if (!take(in, '{'))
        return false;
    do {
        enum field field;
        if (!take_key(in, &field) || (seen & 1u << field) || !take_value(in, field, bar))
            return false;
        seen |= 1u << field; /* two unknown keys in one row are rare enough for the thorough way */
    } while (take(in, ','));
    return take(in, '}') && (seen & REQUIRED_FIELDS) == REQUIRED_FIELDS;
}

/* Behind the `[` of the top-level key "results"; a key is a string with a colon behind it. */
static const char *find_results(const char *body, size_t len)
{
    static const char key[] = "\"results\"";
    struct scan in = {body, body + len};
    size_t depth = 0;
    for (; in.p < in.end; in.p++) {
        if (*in.p == '{' || *in.p == '[') {
            depth++;
        } else if (*in.p == '}' || *in.p == ']') {
            depth--;
        } else if (*in.p == '"') {
            struct scan ahead = in;
            if (depth == 1 && take_word(&ahead, key, sizeof key - 1) && take(&ahead, ':'))
                return take(&ahead, '[') ? ahead.p : NULL;
            for (in.p++; in.p < in.end && *in.p != '"'; in.p++)
                in.p += *in.p == '\\' && in.p + 1 < in.end;
            if (in.p == in.end)
                return NULL;
        }
    }
    return NULL;
}

enum td_reason rest_bar_check(const struct rest_rows *rows, const struct td_bar *bar)
{
    td_day day;
    int32_t ms;
    enum td_reason reason = td_bar_check(bar, rows->daily);
    if (reason != TD_REASON_NONE)
        return reason;
    td_ny_split(bar->ts, &day, &ms);
    return day < rows->from || day > rows->to ? TD_REASON_OUT_OF_RANGE : TD_REASON_NONE;
}

static bool take_rows(const struct rest_rows *rows, struct scan *in)
{
    struct td_bar bar;
    do {
        if (!take_row(in, &bar))
            return false;
        enum td_reason reason = rest_bar_check(rows, &bar);
        rows->page->rows++;
        if (reason != TD_REASON_NONE)
            rows->page->quarantined[reason]++;
        else if (td_bars_add(rows->bars, &bar, NULL) != TD_OK)
            return false;
    } while (take(in, ','));
    return take(in, ']');
}

bool rest_rows_scan(const struct rest_rows *rows, const char *body, size_t len, struct td_buf *envelope)
{
    size_t before = rows->bars->n;
    struct td_rest_page page = *rows->page;
    const char *list = find_results(body, len);
    struct scan in = {list, body + len};
    bool whole = list && take_rows(rows, &in);
    if (whole) {
        td_buf_add(envelope, body, (size_t)(list - body));
        td_buf_adds(envelope, "]");
        td_buf_add(envelope, in.p, (size_t)(in.end - in.p));
        whole = !envelope->failed;
    }
    if (!whole) {
        rows->bars->n = before;
        *rows->page = page;
    }
    return whole;
}
