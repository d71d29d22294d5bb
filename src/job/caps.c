/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading the market-cap dimension: slowly changing, half-open intervals. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <tapedeck/lake.h>
#include <tapedeck/feed.h>
#include "caps.h"

enum { CAP_TICKER, CAP_FROM, CAP_TO, CAP_VALUE, CAP_COLUMNS };
static const char *const cap_names[CAP_COLUMNS] = {"ticker", "effective_from", "effective_to", "market_cap"};

static int compare_rows(const void *a, const void *b)
{
    const struct cap_row *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    if (order == 0)
        order = (x->interval.from > y->interval.from) - (x->interval.from < y->interval.from);
    if (order == 0) /* two of one start: any order will do, as long as it is always the same */
        order = (x->interval.to > y->interval.to) - (x->interval.to < y->interval.to);
    return order ? order : (x->interval.cap > y->interval.cap) - (x->interval.cap < y->interval.cap);
}

static enum td_code add_row(struct caps *out, const struct cap_row *row, struct td_err *err)
{
    enum td_code code = td_grow(&out->rows, &out->cap, out->count + 1, sizeof *out->rows, err);
    if (code == TD_OK)
        out->rows[out->count++] = *row;
    return code;
}

static bool day_of_text(struct td_str text, td_day *out)
{
    *out = TD_NO_DAY;
    return text.len == 0 || (text.len >= 10 && td_parse_day(text.ptr, 10, out));
}

static bool parse_row(const struct td_str cells[CAP_COLUMNS], struct cap_row *out)
{
    bool known = cells[CAP_VALUE].len > 0;
    *out = (struct cap_row){.interval.cap = TD_NO_F64}; /* no number: unknown from then on */
    if (cells[CAP_TICKER].len == 0 || cells[CAP_TICKER].len >= sizeof out->ticker)
        return false;
    memcpy(out->ticker, cells[CAP_TICKER].ptr, cells[CAP_TICKER].len);
    return td_ticker_valid(out->ticker) && day_of_text(cells[CAP_FROM], &out->interval.from) &&
           day_of_text(cells[CAP_TO], &out->interval.to) &&
           (!known || (td_parse_f64(cells[CAP_VALUE].ptr, cells[CAP_VALUE].len, &out->interval.cap) && out->interval.cap >= 0)) &&
           (out->interval.from == TD_NO_DAY || out->interval.to == TD_NO_DAY || out->interval.from < out->interval.to);
}

/* ---- CSV ---- */

/* Cut one line at commas; quotes are not needed by any of the four columns and are refused by the parsers. */
static size_t split(struct td_str line, struct td_str *cells, size_t max)
{
    size_t n = 0, begin = 0;
    for (size_t i = 0; i <= line.len && n < max; i++)
        if (i == line.len || line.ptr[i] == ',') {
            cells[n++] = (struct td_str){line.ptr + begin, i - begin};
            begin = i + 1;
        }
    return n;
}

static enum td_code find_columns(const char *path, struct td_str header, int at[CAP_COLUMNS], struct td_err *err)
{
    struct td_str cells[64];
    size_t n = split(header, cells, TD_COUNT(cells));
    for (int k = 0; k < CAP_COLUMNS; k++) {
        at[k] = -1;
        for (size_t i = 0; i < n; i++)
            if (td_str_is(cells[i], cap_names[k]))
                at[k] = (int)i;
        if (at[k] < 0)
            return td_fail(err, TD_DATA, "%s:1: no column '%s'; found '%.*s'; wanted ticker,effective_from,effective_to,market_cap",
                           path, cap_names[k], (int)(header.len < 200 ? header.len : 200), header.ptr);
    }
    return TD_OK;
}

static enum td_code load_csv(const char *path, struct caps *out, struct td_err *err)
{
    struct td_buf text;
    td_buf_init(&text, (size_t)512 << 20);
    enum td_code code = td_file_read(path, (size_t)256 << 20, &text, err);
    if (code == TD_OK && text.len > 1 && (unsigned char)text.data[0] == 0x1f && (unsigned char)text.data[1] == 0x8b)
        code = td_fail(err, TD_UNSUPPORTED, "%s: is compressed; unpack it first (gunzip -k)", path);
    int at[CAP_COLUMNS] = {0};
    size_t line = 0;
    for (size_t pos = 0; code == TD_OK && pos < text.len; line++) {
        const char *p = text.data + pos, *end = memchr(p, '\n', text.len - pos);
        struct td_str row = {p, end ? (size_t)(end - p) : text.len - pos};
        pos += row.len + 1;
        if (row.len && row.ptr[row.len - 1] == '\r')
            row.len--;
        if (line == 0) {
            code = find_columns(path, row, at, err);
            continue;
        }
        struct td_str cells[64], chosen[CAP_COLUMNS] = {{0}};
        struct cap_row parsed;
        size_t n = split(row, cells, TD_COUNT(cells));
        if (row.len == 0)
            continue;
        for (int k = 0; k < CAP_COLUMNS; k++)
            if ((size_t)at[k] < n)
                chosen[k] = cells[at[k]];
        code = parse_row(chosen, &parsed) ? add_row(out, &parsed, err)
                                          : td_fail(err, TD_DATA, "%s:%zu: not a ticker, two days YYYY-MM-DD in order and a cap of at least 0", path, line + 1);
    }
    if (code == TD_OK && line == 0)
        code = td_fail(err, TD_DATA, "%s: empty; wanted ticker,effective_from,effective_to,market_cap", path);
    td_buf_free(&text);
    return code;
}

/* ---- Parquet ---- */

static struct td_str cell_text(const struct td_cell *cell, char buffer[40])
{
    size_t len = 0;
    switch (cell->kind) {
    case TD_KIND_STR: return cell->v.s;
    case TD_KIND_DAY: len = td_format_day((td_day)cell->v.i, buffer); break;
    case TD_KIND_TS: len = td_format_ts(cell->v.i, buffer); break;
    case TD_KIND_I64: len = td_format_i64(cell->v.i, buffer); break;
    case TD_KIND_U64: len = td_format_f64((double)cell->v.u, buffer); break;
    case TD_KIND_F64:
    case TD_KIND_F32: len = td_format_f64(cell->v.f, buffer); break;
    default: break;
    }
    return (struct td_str){buffer, len};
}

/* Which column is missing, and what there is instead. */
static enum td_code name_columns(const char *path, struct td_err *err)
{
    struct td_scan *scan = NULL;
    struct td_buf found;
    const char *missing = cap_names[0];
    td_buf_init(&found, 4096);
    enum td_code code = td_scan_open(path, NULL, &scan, err);
    bool have[CAP_COLUMNS] = {false};
    for (size_t i = 0; code == TD_OK && i < td_scan_column_count(scan); i++) {
        const char *name = td_scan_column_at(scan, i)->name;
        for (size_t k = 0; k < CAP_COLUMNS; k++)
            have[k] |= strcmp(name, cap_names[k]) == 0;
        if (found.len < 200)
            td_buf_printf(&found, "%s%.60s", i ? "," : "", name);
    }
    for (size_t k = CAP_COLUMNS; k-- > 0;)
        missing = have[k] ? missing : cap_names[k];
    if (code == TD_OK)
        code = td_fail(err, TD_DATA, "%s: no column '%s'; found '%s'; wanted ticker,effective_from,effective_to,market_cap", path, missing,
                       found.len ? found.data : "");
    td_scan_close(scan);
    td_buf_free(&found);
    return code;
}

static enum td_code load_parquet(const char *path, struct caps *out, struct td_err *err)
{
    struct td_scan *scan = NULL;
    enum td_code code = td_scan_open(path, "ticker,effective_from,effective_to,market_cap", &scan, err);
    if (code == TD_USAGE)
        return name_columns(path, err);
    for (bool more = true; code == TD_OK;) {
        struct td_cell cells[CAP_COLUMNS];
        struct td_str texts[CAP_COLUMNS];
        char buffers[CAP_COLUMNS][40];
        struct cap_row row;
        code = td_scan_next(scan, cells, &more, err);
        if (code != TD_OK || !more)
            break;
        for (int k = 0; k < CAP_COLUMNS; k++)
            texts[k] = cell_text(&cells[k], buffers[k]);
        code = parse_row(texts, &row) ? add_row(out, &row, err) : td_fail(err, TD_DATA, "%s: a row is not a ticker, two days in order and a cap of at least 0", path);
    }
    td_scan_close(scan);
    return code;
}

enum td_code caps_load(const char *path, struct caps *out, struct td_err *err)
{
    *out = (struct caps){0};
    enum td_code code = td_import_is_parquet(path) ? load_parquet(path, out, err) : load_csv(path, out, err);
    if (code == TD_OK && out->count > 1)
        qsort(out->rows, out->count, sizeof *out->rows, compare_rows);
    if (code != TD_OK)
        caps_free(out);
    return code;
}

/* ---- the dimension that the lake keeps ---- */

static const struct td_field cap_fields[] = {
    {.name = "ticker", .kind = TD_F_STR, .offset = offsetof(struct cap_row, ticker), .size = TD_TICKER_MAX},
    {.name = "effective_from", .kind = TD_F_DAY, .offset = offsetof(struct cap_row, interval.from), .size = sizeof(td_day), .optional = true},
    {.name = "effective_to", .kind = TD_F_DAY, .offset = offsetof(struct cap_row, interval.to), .size = sizeof(td_day), .optional = true},
    {.name = "market_cap", .kind = TD_F_F64, .offset = offsetof(struct cap_row, interval.cap), .size = sizeof(double), .optional = true},
};
static const struct td_record cap_record = {"market_caps/1", sizeof(struct cap_row), TD_COUNT(cap_fields), cap_fields};

static enum td_code read_kept(const char *path, struct caps *out, struct td_err *err)
{
    struct td_rows rows = {0};
    enum td_code code = td_table_read(path, &cap_record, &rows, NULL, NULL, err);
    const struct cap_row *items = rows.items;
    for (size_t i = 0; code == TD_OK && i < rows.count; i++)
        code = add_row(out, &items[i], err);
    td_rows_free(&rows);
    return code;
}

enum td_code caps_settle(const struct td_lake *lake, const char *path, bool keep, struct caps *out, struct td_err *err)
{
    struct td_buf kept;
    *out = (struct caps){0};
    td_buf_init(&kept, 2048);
    enum td_code code = td_reference_path(lake, "market_caps", &kept, err);
    if (code == TD_OK && strcmp(path, "none") == 0) {
        if (keep && unlink(kept.data) != 0 && errno != ENOENT)
            code = td_fail_errno(err, errno, "%s: cannot remove", kept.data);
    } else if (code == TD_OK && *path) {
        code = caps_load(path, out, err);
        if (code == TD_OK && keep)
            code = td_table_write(kept.data, &cap_record, out->rows, out->count, NULL, 0, err);
    } else if (code == TD_OK && td_file_exists(kept.data)) {
        code = read_kept(kept.data, out, err);
    }
    if (code != TD_OK)
        caps_free(out);
    td_buf_free(&kept);
    return code;
}

void caps_free(struct caps *caps)
{
    td_free(caps->rows);
    *caps = (struct caps){0};
}
