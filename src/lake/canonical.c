/* SPDX-License-Identifier: GPL-3.0-or-later
 * Canonical CSV of a scan: one text for one value, whatever reads the file. */
#include <math.h>
#include <string.h>
#include "scan_internal.h"

static void add_escaped(struct td_buf *out, struct td_str text, bool header)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || (header && c == ','))
            td_buf_printf(out, "\\x%02x", c);
        else
            td_buf_addc(out, (char)c);
    }
}

/* JavaScript's Number text: plain digits below 1e21, the exponent form outside [1e-6, 1e21). */
static void add_double(struct td_buf *out, double value)
{
    char digits[40], text[32];
    size_t len = td_format_f64(value, text);
    const char *e = memchr(text, 'e', len);
    if (!isfinite(value) || value == 0 || (!e && fabs(value) >= 1e-6)) {
        td_buf_adds(out, value == 0 && signbit(value) ? "-0" : text);
        return;
    }
    /* Take the digits and the decimal exponent apart, then lay them out again. */
    size_t n = 0;
    int exponent = 0, point = -1;
    const char *p = text + (text[0] == '-');
    for (; *p && *p != 'e'; p++) {
        if (*p == '.')
            point = (int)n;
        else
            digits[n++] = *p;
    }
    int64_t parsed = 0;
    if (*p == 'e')
        td_parse_i64(p + 1, strlen(p + 1), &parsed);
    exponent = (int)parsed + (point < 0 ? (int)n : point);
    size_t lead = 0;
    while (lead + 1 < n && digits[lead] == '0') {
        lead++;
        exponent--;
    }
    while (n > lead + 1 && digits[n - 1] == '0')
        n--;
    if (text[0] == '-')
        td_buf_addc(out, '-');
    const char *d = digits + lead;
    int count = (int)(n - lead);
    if (exponent > 21 || exponent < -5) {
        td_buf_printf(out, "%c%s%.*se%+d", d[0], count > 1 ? "." : "", count - 1, d + 1, exponent - 1);
    } else if (exponent <= 0) {
        td_buf_adds(out, "0.");
        for (int i = exponent; i < 0; i++)
            td_buf_addc(out, '0');
        td_buf_add(out, d, (size_t)count);
    } else {
        for (int i = 0; i < exponent || i < count; i++) {
            if (i == exponent)
                td_buf_addc(out, '.');
            td_buf_addc(out, i < count ? d[i] : '0');
        }
    }
}

static void add_number(struct td_buf *out, int64_t value)
{
    char text[24];
    td_buf_add(out, text, td_format_i64(value, text));
}

static void add_bytes(struct td_buf *out, struct td_str bytes)
{
    td_buf_adds(out, "0x");
    for (size_t i = 0; i < bytes.len; i++)
        td_buf_printf(out, "%02x", (unsigned char)bytes.ptr[i]);
}

static void add_value(struct td_buf *out, const struct td_pq_column *column, const struct td_pq_array *array, size_t i)
{
    struct td_cell cell = lake_cell_of(column, array, i);
    if (cell.kind == TD_KIND_F64 && column->logical == TD_PQ_DECIMAL) {
        char text[128];
        size_t len = td_pq_decimal_text(column, array->values, i, text);
        td_buf_add(out, len ? text : "?", len ? len : 1); /* more digits than a decimal can have: a value, but not one to show */
        return;
    }
    if (cell.kind == TD_KIND_TS && column->type == TD_PQ_INT96) {
        lake_int96_text(((const struct td_str *)array->values)[i], out);
        return;
    }
    switch (cell.kind) {
    case TD_KIND_NULL: break;
    case TD_KIND_BOOL: td_buf_adds(out, cell.v.b ? "true" : "false"); break;
    case TD_KIND_U64: td_buf_printf(out, "%llu", (unsigned long long)cell.v.u); break;
    case TD_KIND_TS: add_number(out, ((const int64_t *)array->values)[i]); break;
    case TD_KIND_I64:
    case TD_KIND_DAY: add_number(out, cell.v.i); break;
    case TD_KIND_F64:
    case TD_KIND_F32: add_double(out, cell.v.f); break;
    case TD_KIND_STR:
        td_buf_addc(out, '"');
        add_escaped(out, cell.v.s, false);
        td_buf_addc(out, '"');
        break;
    case TD_KIND_BYTES: add_bytes(out, cell.v.s); break;
    }
}

/* The fields that cannot be read and stand before column i in the file; returns the index of the next one. */
static size_t add_left_out(const struct td_scan *scan, size_t next, size_t i, bool header, struct td_buf *out)
{
    const size_t first = next;
    for (; next < scan->left_out_count && scan->left_out[next].before <= i; next++) {
        const char *why;
        if (i || next > first)
            td_buf_addc(out, ',');
        if (header)
            add_escaped(out, td_scan_left_out_at(scan, next, &why), true);
        td_buf_adds(out, header ? ":nested" : "?");
    }
    return next;
}

void td_scan_canonical_header(const struct td_scan *scan, struct td_buf *out)
{
    size_t next = 0;
    for (size_t i = 0; i < scan->count; i++) {
        next = add_left_out(scan, next, i, true, out);
        if (i + next)
            td_buf_addc(out, ',');
        add_escaped(out, td_str_of(td_pq_column_at(scan->file, (size_t)scan->leaves[i])->name), true);
        td_buf_printf(out, ":%s", scan->columns[i].type);
    }
    add_left_out(scan, next, scan->count, true, out);
    td_buf_addc(out, '\n');
}

void td_scan_canonical_row(const struct td_scan *scan, struct td_buf *out)
{
    size_t next = 0;
    if (!scan->count) /* rows of a file without columns have no text */
        return;
    for (size_t i = 0; i < scan->count; i++) {
        next = add_left_out(scan, next, i, false, out);
        if (i + next)
            td_buf_addc(out, ',');
        add_value(out, td_pq_column_at(scan->file, (size_t)scan->leaves[i]), &scan->arrays[i], scan->at - 1);
    }
    add_left_out(scan, next, scan->count, false, out);
    td_buf_addc(out, '\n');
}
