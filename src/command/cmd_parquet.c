/* SPDX-License-Identifier: GPL-3.0-or-later
 * parquet schema|meta|pages|cat|head|count|verify: look into any Parquet file. */
#include <stdio.h>
#include <string.h>
#include "command_internal.h"

#define MAX_COLUMNS 4096

static enum td_code report(const struct td_args *args, const char *what, struct td_out *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < td_args_count(args, "file"); i++) {
        struct td_sheet sheet;
        struct td_view_column columns[16];
        struct td_model model;
        code = td_parquet_report(td_args_nth(args, "file", i), what, &sheet, err);
        if (code != TD_OK)
            break;
        td_sheet_model(&sheet, columns, &model);
        code = td_out_model(out, &model, NULL, 0, err);
        td_sheet_free(&sheet);
    }
    return code;
}

static enum td_code run_schema(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return report(args, "schema", out, err);
}

static enum td_code run_meta(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return report(args, "meta", out, err);
}

static enum td_code run_pages(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return report(args, "pages", out, err);
}

/* ---- cat ---- */

/* A scan seen as a model of one row, so that filters can read it. */
struct scan_row {
    struct td_view_column *columns;
    struct td_cell *cells;
    size_t count;
};

static struct td_cell scan_cell(const struct td_model *model, size_t row, size_t column)
{
    const struct scan_row *current = model->ctx;
    (void)row;
    return current->cells[column];
}

struct cat_sink { /* where rows go: canonical text or the ordinary stream */
    struct td_out *out;
    bool canonical;
    struct td_buf text;
    struct td_out_stream stream;
};

static enum td_code cat_row(struct cat_sink *sink, const struct td_scan *scan, const struct scan_row *row,
                            struct td_err *err)
{
    if (!sink->canonical)
        return td_out_row(&sink->stream, row->cells, err);
    td_scan_canonical_row(scan, &sink->text);
    if (sink->text.len < 65536)
        return td_buf_check(&sink->text, "a row", err);
    enum td_code code = td_buf_check(&sink->text, "a row", err);
    if (code == TD_OK)
        code = td_out_text(sink->out, sink->text.data, err);
    td_buf_clear(&sink->text);
    return code;
}

/* Rows of `shown` go out; `tested` reads the same file with all its columns, so that a filter sees also those that are
 * not shown. It is the same scan where all are. */
struct cat_scans {
    struct td_scan *shown, *tested;
    struct scan_row row, test_row;
};

static struct td_model row_model(const struct scan_row *row)
{
    return (struct td_model){
        .columns = row->columns, .column_count = row->count, .rows = 1, .cell = scan_cell, .ctx = row};
}

static enum td_code cat_rows(struct cat_scans *scans, const struct td_filter *filter, int64_t limit,
                             struct cat_sink *sink, struct td_err *err)
{
    bool apart = scans->tested != scans->shown;
    const struct td_model model = row_model(apart ? &scans->test_row : &scans->row);
    bool more = true;
    enum td_code code = TD_OK;
    for (int64_t shown = 0; code == TD_OK && (limit < 0 || shown < limit);) {
        code = td_scan_next(scans->shown, scans->row.cells, &more, err);
        if (code == TD_OK && more && apart)
            code = td_scan_next(scans->tested, scans->test_row.cells, &more, err);
        if (code != TD_OK || !more)
            break;
        if (filter && !td_filter_match(filter, &model, 0))
            continue;
        code = cat_row(sink, scans->shown, &scans->row, err);
        shown++;
    }
    return code;
}

static enum td_code cat_scan(struct cat_scans *scans, const struct td_args *args, int64_t limit, struct td_out *out,
                             struct td_err *err)
{
    const struct td_model model = row_model(scans->tested != scans->shown ? &scans->test_row : &scans->row);
    struct cat_sink sink = {.out = out, .canonical = out->format == TD_FORMAT_CSV};
    struct td_filter *filter = NULL;
    const char *where = td_args_text(args, "where");
    td_buf_init(&sink.text, (size_t)256 << 20);
    enum td_code code = where ? td_filter_parse(where, &model, &filter, err) : TD_OK;
    if (code == TD_OK && sink.canonical)
        td_scan_canonical_header(scans->shown, &sink.text);
    else if (code == TD_OK)
        code = td_out_begin(&sink.stream, out, scans->row.columns, scans->row.count, err);
    bool begun = code == TD_OK && !sink.canonical;
    if (code == TD_OK)
        code = cat_rows(scans, filter, limit, &sink, err);
    if (code == TD_OK && sink.canonical) {
        code = td_buf_check(&sink.text, "rows", err);
        if (code == TD_OK && sink.text.len)
            code = td_out_text(out, sink.text.data, err);
    }
    if (begun) {
        enum td_code ended = td_out_end(&sink.stream, code == TD_OK ? err : NULL);
        code = code == TD_OK ? ended : code;
    }
    td_filter_free(filter);
    td_buf_free(&sink.text);
    return code;
}

static enum td_code row_of(const struct td_scan *scan, struct scan_row *row, struct td_err *err)
{
    size_t n = td_scan_column_count(scan);
    *row = (struct scan_row){td_calloc(n + 1, sizeof *row->columns), td_calloc(n + 1, sizeof *row->cells), n};
    if (!row->columns || !row->cells)
        return td_fail(err, TD_NOMEM, "out of memory: a row of %zu columns", n);
    for (size_t i = 0; i < n; i++)
        row->columns[i] = (struct td_view_column){td_scan_column_at(scan, i)->name, td_scan_column_at(scan, i)->kind};
    return TD_OK;
}

static enum td_code cat_file(const char *path, const struct td_args *args, int64_t limit, struct td_out *out,
                             struct td_err *err)
{
    const char *columns = td_args_text(args, "columns");
    struct cat_scans scans = {0};
    enum td_code code = td_scan_open(path, columns, &scans.shown, err);
    if (code == TD_OK && columns && td_args_given(args, "where"))
        code = td_scan_open(path, NULL, &scans.tested, err);
    else
        scans.tested = scans.shown;
    if (code == TD_OK)
        code = row_of(scans.shown, &scans.row, err);
    if (code == TD_OK && scans.tested != scans.shown)
        code = row_of(scans.tested, &scans.test_row, err);
    if (code == TD_OK)
        code = cat_scan(&scans, args, limit, out, err);
    td_free(scans.row.columns);
    td_free(scans.row.cells);
    td_free(scans.test_row.columns);
    td_free(scans.test_row.cells);
    if (scans.tested != scans.shown)
        td_scan_close(scans.tested);
    td_scan_close(scans.shown);
    return code;
}

/* A column twice would be a key twice in json, and no one's wish. */
static enum td_code check_columns(const char *list, struct td_err *err)
{
    for (const char *at = list; at && *at;) {
        size_t n = strcspn(at, ",");
        for (const char *other = at + n + (at[n] == ','); n && *other;) {
            size_t m = strcspn(other, ",");
            if (m == n && memcmp(at, other, n) == 0)
                return td_fail(err, TD_USAGE, "columns: '%.*s' is named twice", (int)n, at);
            other += m + (other[m] == ',');
        }
        at += n + (at[n] == ',');
    }
    return TD_OK;
}

static enum td_code cat(const struct td_args *args, int64_t limit, struct td_out *out, struct td_err *err)
{
    enum td_code code = check_columns(td_args_text(args, "columns"), err);
    for (size_t i = 0; code == TD_OK && i < td_args_count(args, "file"); i++)
        code = cat_file(td_args_nth(args, "file", i), args, limit, out, err);
    return code;
}

static enum td_code run_cat(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return cat(args, td_args_int(args, "limit", -1), out, err);
}

static enum td_code run_head(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return cat(args, td_args_int(args, "limit", 10), out, err);
}

/* ---- count and verify ---- */

static enum td_code file_rows(const struct td_args *args, bool verify, struct td_out *out, struct td_err *err)
{
    static const struct td_view_column columns[] = {
        {"file", TD_KIND_STR}, {"rows", TD_KIND_I64}, {"state", TD_KIND_STR}};
    struct td_out_stream stream;
    enum td_code code = td_out_begin(&stream, out, columns, verify ? 3 : 2, err), worst = TD_OK;
    if (code != TD_OK)
        return code;
    for (size_t i = 0; code == TD_OK && i < td_args_count(args, "file"); i++) {
        const char *path = td_args_nth(args, "file", i);
        struct td_err why = {0};
        uint64_t rows = 0;
        struct td_scan *scan = NULL;
        enum td_code one = verify ? td_parquet_verify(path, &rows, &why) : td_scan_open(path, NULL, &scan, &why);
        if (one == TD_OK && !verify)
            rows = (uint64_t)td_scan_rows(scan);
        td_scan_close(scan);
        const struct td_cell cells[] = {{.kind = TD_KIND_STR, .v.s = td_str_of(path)},
                                        {.kind = one == TD_OK ? TD_KIND_I64 : TD_KIND_NULL, .v.i = (int64_t)rows},
                                        {.kind = TD_KIND_STR, .v.s = td_str_of(one == TD_OK ? "good" : why.text)}};
        code = td_out_row(&stream, cells, err);
        if (one != TD_OK && worst == TD_OK) {
            worst = one;
            if (code == TD_OK && err)
                *err = why;
        }
    }
    enum td_code ended = td_out_end(&stream, NULL);
    return code != TD_OK ? code : worst != TD_OK ? worst : ended;
}

static enum td_code run_count(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return file_rows(args, false, out, err);
}

static enum td_code run_verify(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    return file_rows(args, true, out, err);
}

#define FILES                                                                                                          \
    ARG("file", .positional = true, .required = true, .repeated = true, .type = TD_ARG_FILE, .metavar = "FILE",        \
        .help = "Parquet files")

static const struct td_arg_def file_args[] = {FILES};
static const struct td_arg_def cat_args[] = {
    FILES,
    ARG("columns", .type = TD_ARG_COLUMNS, .metavar = "A,B", .help = "these columns, in this order"),
    ARG("limit", .aliases = "n", .type = TD_ARG_INT, .metavar = "N", .help = "the first N rows only"),
    ARG("where", .type = TD_ARG_FILTER, .metavar = "EXPR",
        .help = "rows that match, for example 'volume > 1e6'; all columns of the file may be named"),
};

const struct td_command parquet_commands[] = {
    {.name = "parquet schema",
     .group = "look",
     .summary = "columns and types of Parquet files",
     .args = file_args,
     .arg_count = 1,
     .run = run_schema},
    {.name = "parquet meta",
     .group = "look",
     .summary = "footer and key-value metadata",
     .args = file_args,
     .arg_count = 1,
     .run = run_meta},
    {.name = "parquet pages",
     .group = "look",
     .summary = "every page: type, encoding, sizes, offset",
     .args = file_args,
     .arg_count = 1,
     .run = run_pages},
    {.name = "parquet cat",
     .group = "look",
     .summary = "rows of Parquet files",
     .args = cat_args,
     .arg_count = TD_COUNT(cat_args),
     .run = run_cat,
     .help =
         "--format csv prints the canonical CSV with a typed header: timestamps and dates as stored, strings quoted."},
    {.name = "parquet head",
     .group = "look",
     .summary = "the first rows",
     .args = cat_args,
     .arg_count = TD_COUNT(cat_args),
     .run = run_head},
    {.name = "parquet count",
     .group = "look",
     .summary = "number of rows",
     .args = file_args,
     .arg_count = 1,
     .run = run_count},
    {.name = "parquet verify",
     .group = "look",
     .summary = "decode everything and check it against the statistics",
     .args = file_args,
     .arg_count = 1,
     .run = run_verify},
};
const size_t parquet_command_count = TD_COUNT(parquet_commands);
