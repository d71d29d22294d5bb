/* SPDX-License-Identifier: GPL-3.0-or-later
 * cell_text: a cell as a person reads it (rounded, grouped, New York time) and as files spell it (exact). Digits are made
 * without the locale's help, so that a decimal comma never slips in. */
#include <string.h>

#include "view_internal.h"

#define NUMBER_MAX 48

size_t view_printable(char *out, size_t size, const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0, used; i < len && size; i += used) {
        uint32_t ch;
        used = td_utf8_decode(text + i, len - i, &ch);
        bool malformed = used == 1 && (unsigned char)text[i] >= 0x80;
        bool harmful = malformed || ch < 0x20 || (ch >= 0x7f && ch < 0xa0);
        size_t bytes = harmful ? 1 : used;
        if (n + bytes >= size)
            break;
        if (harmful)
            out[n] = '?';
        else
            memcpy(out + n, text + i, used);
        n += bytes;
    }
    if (size)
        out[n] = 0;
    return n;
}

size_t view_fit(const char *text, size_t len, size_t width, size_t *used)
{
    size_t at = 0;
    *used = 0;
    while (at < len) {
        uint32_t ch;
        size_t bytes = td_utf8_decode(text + at, len - at, &ch);
        size_t columns = (size_t)td_char_width(ch);
        if (*used + columns > width)
            break;
        *used += columns;
        at += bytes;
    }
    return at;
}

/* ---- for people ---- */

static bool cell_number(const struct td_cell *cell, double *out)
{
    switch (cell->kind) {
    case TD_KIND_I64: *out = (double)cell->v.i; return true;
    case TD_KIND_U64: *out = (double)cell->v.u; return true;
    case TD_KIND_F64:
    case TD_KIND_F32: *out = cell->v.f; return true;
    default: return false;
    }
}

/* Digits with a comma at every third from five digits on: 9999, 10,000. */
static size_t grouped(uint64_t magnitude, bool negative, char *out)
{
    char digits[24];
    size_t count = 0, n = 0;
    do {
        digits[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude);
    if (negative)
        out[n++] = '-';
    for (size_t i = count; i-- > 0;) {
        out[n++] = digits[i];
        if (count > 4 && i && i % 3 == 0)
            out[n++] = ',';
    }
    out[n] = 0;
    return n;
}

/* Two decimals, grouped like counts; past 1e15 as an exponent, since nobody reads so many digits. */
static size_t two_decimals(double value, char *out)
{
    if (!isfinite(value) || fabs(value) >= 1e15)
        return td_format_f64(value, out);
    uint64_t cents = (uint64_t)rint(fabs(value) * 100);
    size_t n = grouped(cents / 100, value < 0 && cents, out);
    out[n++] = '.';
    out[n++] = (char)('0' + cents / 10 % 10);
    out[n++] = (char)('0' + cents % 10);
    out[n] = 0;
    return n;
}

static size_t count_text(const struct td_cell *cell, double value, char *out)
{
    if (cell->kind == TD_KIND_I64)
        return grouped(cell->v.i < 0 ? 0 - (uint64_t)cell->v.i : (uint64_t)cell->v.i, cell->v.i < 0, out);
    if (cell->kind == TD_KIND_U64)
        return grouped(cell->v.u, false, out);
    if (value == floor(value) && fabs(value) < 1e15)
        return grouped((uint64_t)fabs(value), value < 0, out);
    return two_decimals(value, out);
}

/* The exact number, as files spell it. */
static size_t exact_text(const struct td_cell *cell, char *out)
{
    if (cell->kind == TD_KIND_I64)
        return td_format_i64(cell->v.i, out);
    if (cell->kind == TD_KIND_U64) {
        td_snprintf(out, NUMBER_MAX, "%llu", (unsigned long long)cell->v.u);
        return strlen(out);
    }
    return td_format_f64(cell->v.f, out);
}

static size_t number_text(const struct td_cell *cell, double value, enum td_style style, char *out)
{
    switch (style) {
    case TD_STYLE_PRICE: return td_price_text(value, out);
    case TD_STYLE_RATIO: return two_decimals(value, out);
    case TD_STYLE_PERCENT: {
        size_t n = td_percent_text(value, out);
        if (n && out[n - 1] == '%') /* the head of the column says it */
            out[--n] = 0;
        return n;
    }
    case TD_STYLE_SHORT: return td_short_text(value, out);
    case TD_STYLE_COUNT: return count_text(cell, value, out);
    default: return exact_text(cell, out);
    }
}

/* Years 0..9999: what a calendar text can hold. Other counts of days, found in odd files, stay counts. */
static bool has_text(int64_t day)
{
    return day >= -719468 + 1 && day <= 2932896 - 1; /* a day less at both ends: New York may be on the day before */
}

/* New York time to the second, with milliseconds where there are some. */
static size_t time_text(int64_t ms, char *out)
{
    if (!has_text(ms / TD_MS_DAY))
        return td_format_i64(ms, out);
    size_t n = td_format_ny(ms, out);
    int64_t rest = ms % 1000;
    rest += rest < 0 ? 1000 : 0;
    if (rest == 0 || n < 3 || strcmp(out + n - 3, " ET") != 0)
        return n;
    td_snprintf(out + n - 3, NUMBER_MAX - n + 3, ".%03d ET", (int)rest);
    return n + 4;
}

static size_t day_text(const struct td_cell *cell, char *out)
{
    bool stamp = cell->kind == TD_KIND_TS;
    if (!has_text(stamp ? cell->v.i / TD_MS_DAY : cell->v.i))
        return td_format_i64(cell->v.i, out);
    td_day day = (td_day)cell->v.i;
    int32_t ms;
    if (stamp)
        td_ny_split(cell->v.i, &day, &ms);
    return td_format_day(day, out);
}

static size_t bytes_text(struct td_str s, char *out, size_t size)
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    if (size < 3)
        return view_printable(out, size, "0x", 2);
    out[n++] = '0';
    out[n++] = 'x';
    for (size_t i = 0; i < s.len && n + 2 < size; i++) {
        out[n++] = hex[(unsigned char)s.ptr[i] >> 4];
        out[n++] = hex[s.ptr[i] & 15];
    }
    out[n] = 0;
    return n;
}

size_t td_cell_text(const struct td_cell *cell, enum td_style style, char *out, size_t size)
{
    char text[NUMBER_MAX] = "n/a";
    double value;
    size_t n = 3;
    if (view_cell_null(cell))
        return view_printable(out, size, text, n);
    switch (cell->kind) {
    case TD_KIND_STR: return view_printable(out, size, cell->v.s.ptr, cell->v.s.len);
    case TD_KIND_BYTES: return bytes_text(cell->v.s, out, size);
    case TD_KIND_BOOL: return view_printable(out, size, cell->v.b ? "yes" : "no", cell->v.b ? 3 : 2);
    case TD_KIND_DAY: n = day_text(cell, text); break;
    case TD_KIND_TS: n = style == TD_STYLE_DAY ? day_text(cell, text) : time_text(cell->v.i, text); break;
    default:
        if (cell_number(cell, &value))
            n = number_text(cell, value, style, text);
        break;
    }
    return view_printable(out, size, text, n);
}

/* ---- for files: exact ---- */

static void add_hex(struct td_buf *buf, struct td_str s)
{
    char piece[64];
    td_buf_adds(buf, "0x");
    for (size_t at = 0; at < s.len; at += 16) {
        struct td_str part = {s.ptr + at, s.len - at < 16 ? s.len - at : 16};
        size_t n = bytes_text(part, piece, sizeof piece);
        td_buf_add(buf, piece + 2, n - 2);
    }
}

/* Numbers, dates and times without quotes; false for what is text. A time beyond the calendar stays a count of ms. */
static bool add_plain(struct td_buf *buf, const struct td_cell *cell)
{
    char text[NUMBER_MAX];
    switch (cell->kind) {
    case TD_KIND_BOOL: td_buf_adds(buf, cell->v.b ? "true" : "false"); return true;
    case TD_KIND_I64:
    case TD_KIND_U64:
    case TD_KIND_F64:
    case TD_KIND_F32: td_buf_add(buf, text, exact_text(cell, text)); return true;
    case TD_KIND_DAY: td_buf_add(buf, text, day_text(cell, text)); return true;
    case TD_KIND_TS: td_buf_add(buf, text, td_format_ts(cell->v.i, text)); return true;
    default: return false;
    }
}

static void add_csv_text(struct td_buf *buf, struct td_str s)
{
    bool plain = true;
    for (size_t i = 0; plain && i < s.len; i++)
        plain = s.ptr[i] != ',' && s.ptr[i] != '"' && s.ptr[i] != '\r' && s.ptr[i] != '\n';
    if (plain) {
        td_buf_add(buf, s.ptr, s.len);
        return;
    }
    td_buf_addc(buf, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            td_buf_addc(buf, '"');
        td_buf_addc(buf, s.ptr[i]);
    }
    td_buf_addc(buf, '"');
}

void td_cell_csv(struct td_buf *buf, const struct td_cell *cell)
{
    if (view_cell_null(cell))
        return;
    if (cell->kind == TD_KIND_BYTES)
        add_hex(buf, cell->v.s);
    else if (!add_plain(buf, cell))
        add_csv_text(buf, cell->v.s);
}

void td_cell_json(struct td_buf *buf, const struct td_cell *cell)
{
    bool number = cell->kind == TD_KIND_F64 || cell->kind == TD_KIND_F32;
    bool quoted = cell->kind == TD_KIND_BYTES || cell->kind == TD_KIND_DAY || cell->kind == TD_KIND_TS;
    if (view_cell_null(cell)) {
        td_buf_adds(buf, "null");
    } else if (number) {
        td_buf_f64(buf, cell->v.f); /* null for an infinity too */
    } else if (cell->kind == TD_KIND_STR) {
        td_buf_json(buf, cell->v.s.ptr, cell->v.s.len);
    } else {
        if (quoted)
            td_buf_addc(buf, '"');
        td_cell_csv(buf, cell);
        if (quoted)
            td_buf_addc(buf, '"');
    }
}
