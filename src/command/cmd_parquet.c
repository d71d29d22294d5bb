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

/* A signal came: every command here may be at work for minutes. */
static bool stopped(const struct td_app *app)
{
    return !app->interactive && app->interrupted && app->interrupted(app->interrupted_ctx, 0); /* the deck reads its own */
}

/* ---- searching: --where, --rows and what --verbose tells of it ---- */

/* A row of cells seen as a model of one row, so that filters can read it. */
struct scan_row {
    struct td_view_column *columns;
    const struct td_cell *cells;
    size_t count;
};

static struct td_cell scan_cell(const struct td_model *model, size_t row, size_t column)
{
    const struct scan_row *current = model->ctx;
    (void)row;
    return current->cells[column];
}

static struct td_model row_model(const struct scan_row *row)
{
    return (struct td_model){
        .columns = row->columns, .column_count = row->count, .rows = 1, .cell = scan_cell, .ctx = row};
}

struct search { /* what --where needs as long as its scan */
    const struct td_app *app;
    struct td_filter *filter;
    struct scan_row row; /* over all columns of the file, shown or not */
};

static bool search_match(void *ctx, const struct td_cell *cells)
{
    struct search *search = ctx;
    search->row.cells = cells;
    const struct td_model model = row_model(&search->row);
    return td_filter_match(search->filter, &model, 0);
}

static bool search_stopped(void *ctx)
{
    const struct search *search = ctx;
    return stopped(search->app);
}

static void search_end(struct search *search)
{
    td_filter_free(search->filter);
    td_free(search->row.columns);
}

static enum td_code search_start(struct search *search, struct td_scan *scan, bool trust, struct td_err *err)
{
    struct td_scan_search wish = {.match = search_match, .stopped = search_stopped, .ctx = search, .trust = trust};
    struct td_scan_bound *bounds = NULL;
    bool *reads = td_calloc(search->row.count + 1, sizeof *reads);
    enum td_code code = reads ? td_filter_bounds(search->filter, &bounds, &wish.bound_count, err)
                              : td_fail(err, TD_NOMEM, "out of memory: a filter of %zu columns", search->row.count);
    for (size_t i = 0; code == TD_OK && i < search->row.count; i++)
        reads[i] = td_filter_reads(search->filter, i);
    wish.reads = reads;
    wish.bounds = bounds;
    if (code == TD_OK)
        code = td_scan_where(scan, &wish, err);
    td_free(bounds);
    td_free(reads);
    return code;
}

/* Parse --where against the columns of the file, and let the scan search by it. Without one there is nothing to do. */
static enum td_code search_begin(struct search *search, const struct td_app *app, struct td_scan *scan,
                                 const struct td_args *args, struct td_err *err)
{
    const char *where = td_args_text(args, "where");
    const size_t n = td_scan_file_column_count(scan);
    *search = (struct search){.app = app};
    if (!where)
        return TD_OK;
    search->row = (struct scan_row){.columns = td_calloc(n + 1, sizeof *search->row.columns), .count = n};
    if (!search->row.columns)
        return td_fail(err, TD_NOMEM, "out of memory: a row of %zu columns", n);
    for (size_t i = 0; i < n; i++) {
        const struct td_scan_column *column = td_scan_file_column_at(scan, i);
        search->row.columns[i] = (struct td_view_column){column->name, column->kind};
    }
    const struct td_model model = row_model(&search->row);
    enum td_code code = td_filter_parse(where, &model, &search->filter, err);
    return code == TD_OK ? search_start(search, scan, td_args_flag(args, "trust-statistics"), err) : code;
}

/* One end of --rows: a row counted from 1, or with a minus from the end, where -1 is the last row. */
static bool parse_row(const char *text, size_t len, int64_t rows, int64_t absent, int64_t *out)
{
    *out = absent;
    if (!len)
        return true;
    if (!td_parse_i64(text, len, out) || *out == 0 || *out < -INT64_MAX)
        return false;
    if (*out < 0)
        *out = -*out > rows ? 1 : rows + 1 + *out;
    return true;
}

/* --rows A..B, both included. */
static enum td_code choose_rows(struct td_scan *scan, const struct td_args *args, struct td_err *err)
{
    const char *text = td_args_text(args, "rows");
    const int64_t rows = td_scan_rows(scan);
    int64_t from, to;
    if (!text)
        return TD_OK;
    const char *dots = strstr(text, "..");
    if (!dots || !parse_row(text, (size_t)(dots - text), rows, 1, &from) ||
        !parse_row(dots + 2, strlen(dots + 2), rows, rows, &to))
        return td_fail(err, TD_USAGE,
                       "rows: '%s' is no range of rows; write 1..100, 5000.. or -1000.. (the last thousand)", text);
    return td_scan_between(scan, from - 1, to, err);
}

static enum td_code tell_effort(struct td_app *app, const struct td_scan *scan, const char *path, struct td_err *err)
{
    struct td_scan_effort e;
    if (!app->verbose)
        return TD_OK;
    enum td_code code = td_scan_effort_of(scan, &e, err);
    if (code == TD_OK)
        command_notice(app,
                       "%s: decoded %llu of %llu row groups, %llu of %llu pages, %llu of %llu bytes of their columns%s%s",
                       path, (unsigned long long)e.groups_read, (unsigned long long)e.groups,
                       (unsigned long long)e.pages_read, (unsigned long long)e.pages, (unsigned long long)e.bytes_read,
                       (unsigned long long)e.bytes, e.why ? "; nothing was skipped by statistics: " : "",
                       e.why ? e.why : "");
    return code;
}

/* ---- cat ---- */

struct cat_sink { /* where rows go: canonical text or the ordinary stream */
    const struct td_app *app;
    struct td_out *out;
    bool canonical;
    struct td_buf text;
    struct td_out_stream stream;
};

static enum td_code cat_row(struct cat_sink *sink, const struct td_scan *scan, const struct td_cell *cells,
                            struct td_err *err)
{
    if (!sink->canonical)
        return td_out_row(&sink->stream, cells, err);
    td_scan_canonical_row(scan, &sink->text);
    if (sink->text.len < 65536)
        return td_buf_check(&sink->text, "a row", err);
    enum td_code code = td_buf_check(&sink->text, "a row", err);
    if (code == TD_OK)
        code = td_out_text(sink->out, sink->text.data, err);
    td_buf_clear(&sink->text);
    return code;
}

static enum td_code cat_rows(struct td_scan *scan, struct td_cell *cells, int64_t limit, struct cat_sink *sink,
                             struct td_err *err)
{
    bool more = true;
    enum td_code code = TD_OK;
    for (int64_t shown = 0; code == TD_OK && (limit < 0 || shown < limit); shown++) {
        if (shown % 4096 == 4095 && stopped(sink->app))
            return td_fail(err, TD_CANCELLED, "interrupted");
        code = td_scan_next(scan, cells, &more, err);
        if (code != TD_OK || !more)
            break;
        code = cat_row(sink, scan, cells, err);
    }
    return code;
}

static enum td_code cat_scan(const struct td_app *app, struct td_scan *scan, const struct td_view_column *columns,
                             struct td_cell *cells, int64_t limit, struct td_out *out, struct td_err *err)
{
    struct cat_sink sink = {.app = app, .out = out, .canonical = out->format == TD_FORMAT_CSV};
    enum td_code code = TD_OK;
    td_buf_init(&sink.text, (size_t)256 << 20);
    if (sink.canonical)
        td_scan_canonical_header(scan, &sink.text);
    else
        code = td_out_begin(&sink.stream, out, columns, td_scan_column_count(scan), err);
    bool begun = code == TD_OK && !sink.canonical;
    if (code == TD_OK)
        code = cat_rows(scan, cells, limit, &sink, err);
    if (code == TD_OK && sink.canonical) {
        code = td_buf_check(&sink.text, "rows", err);
        if (code == TD_OK && sink.text.len)
            code = td_out_text(out, sink.text.data, err);
    }
    if (begun) {
        enum td_code ended = td_out_end(&sink.stream, code == TD_OK ? err : NULL);
        code = code == TD_OK ? ended : code;
    }
    td_buf_free(&sink.text);
    return code;
}

/* What a table or json lacks of the file; the canonical CSV has a place for it. */
static void tell_left_out(struct td_app *app, const struct td_scan *scan, const char *path)
{
    struct td_buf list;
    const char *why = "";
    td_buf_init(&list, 2048);
    for (size_t i = 0; i < td_scan_left_out_count(scan) && list.len < 1024; i++) {
        struct td_str name = td_scan_left_out_at(scan, i, &why);
        td_buf_adds(&list, i ? ", " : "");
        td_buf_add_printable(&list, name.ptr, name.len < 256 ? name.len : 256);
    }
    if (list.len && !list.failed)
        command_notice(app, "%s: %zu of its columns cannot be read (nested or repeated) and are left out: %s%s", path,
                       td_scan_left_out_count(scan), list.data, list.len < 1024 ? "" : ", ...");
    td_buf_free(&list);
}

static enum td_code cat_file(struct td_app *app, const char *path, const struct td_args *args, int64_t limit,
                             struct td_out *out, struct td_err *err)
{
    struct td_scan *scan = NULL;
    struct search search = {0};
    enum td_code code = td_scan_open(path, td_args_text(args, "columns"), &scan, err);
    if (code != TD_OK)
        return code;
    const size_t n = td_scan_column_count(scan);
    struct td_view_column *columns = td_calloc(n + 1, sizeof *columns);
    struct td_cell *cells = td_calloc(n + 1, sizeof *cells);
    if (!columns || !cells)
        code = td_fail(err, TD_NOMEM, "out of memory: a row of %zu columns", n);
    for (size_t i = 0; code == TD_OK && i < n; i++)
        columns[i] = (struct td_view_column){td_scan_column_at(scan, i)->name, td_scan_column_at(scan, i)->kind};
    if (code == TD_OK)
        code = choose_rows(scan, args, err);
    if (code == TD_OK)
        code = search_begin(&search, app, scan, args, err);
    if (code == TD_OK && out->format != TD_FORMAT_CSV)
        tell_left_out(app, scan, path);
    if (code == TD_OK)
        code = cat_scan(app, scan, columns, cells, limit, out, err);
    if (code == TD_OK)
        code = tell_effort(app, scan, path, err);
    search_end(&search);
    td_free(columns);
    td_free(cells);
    td_scan_close(scan);
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

static enum td_code cat(struct td_app *app, const struct td_args *args, int64_t limit, struct td_out *out,
                        struct td_err *err)
{
    enum td_code code = check_columns(td_args_text(args, "columns"), err);
    for (size_t i = 0; code == TD_OK && i < td_args_count(args, "file"); i++)
        code = cat_file(app, td_args_nth(args, "file", i), args, limit, out, err);
    return code;
}

static enum td_code run_cat(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    return cat(app, args, td_args_int(args, "limit", -1), out, err);
}

static enum td_code run_head(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    return cat(app, args, td_args_int(args, "limit", 10), out, err);
}

/* ---- count and verify ---- */

static enum td_code count_file(struct td_app *app, const char *path, const struct td_args *args, uint64_t *rows,
                               struct td_err *err)
{
    struct td_scan *scan = NULL;
    struct search search = {0};
    enum td_code code = td_scan_open(path, NULL, &scan, err);
    if (code == TD_OK)
        code = choose_rows(scan, args, err);
    if (code == TD_OK)
        code = search_begin(&search, app, scan, args, err);
    if (code == TD_OK)
        code = td_scan_count(scan, rows, err);
    if (code == TD_OK)
        code = tell_effort(app, scan, path, err);
    search_end(&search);
    td_scan_close(scan);
    return code;
}

static enum td_code run_count(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    static const struct td_view_column columns[] = {{"file", TD_KIND_STR}, {"rows", TD_KIND_I64}};
    struct td_out_stream stream;
    enum td_code code = td_out_begin(&stream, out, columns, TD_COUNT(columns), err), worst = TD_OK;
    if (code != TD_OK)
        return code;
    for (size_t i = 0; code == TD_OK && worst != TD_CANCELLED && i < td_args_count(args, "file"); i++) {
        const char *path = td_args_nth(args, "file", i);
        struct td_err why = {0};
        uint64_t rows = 0;
        enum td_code one = count_file(app, path, args, &rows, &why);
        const struct td_cell cells[] = {{.kind = TD_KIND_STR, .v.s = td_str_of(path)},
                                        {.kind = one == TD_OK ? TD_KIND_I64 : TD_KIND_NULL, .v.i = (int64_t)rows}};
        code = td_out_row(&stream, cells, err);
        if (one == TD_CANCELLED || (one != TD_OK && worst == TD_OK)) {
            worst = one;
            if (code == TD_OK && err)
                *err = why;
        }
    }
    enum td_code ended = td_out_end(&stream, NULL);
    return code != TD_OK ? code : worst != TD_OK ? worst : ended;
}

#define MAX_FINDINGS 1000 /* rows that verify prints of one file */

struct verify {
    const struct td_app *app;
    struct td_out_stream stream;
    const char *path;
    uint64_t found; /* in this file */
    char first[200];
    enum td_code code;
    struct td_err *err;
};

static struct td_cell place_cell(int64_t value)
{
    return (struct td_cell){.kind = value < 0 ? TD_KIND_NULL : TD_KIND_I64, .v.i = value};
}

static enum td_code verify_row(struct verify *v, const struct td_parquet_finding *f, int64_t rows)
{
    const struct td_cell cells[] = {
        {.kind = TD_KIND_STR, .v.s = td_str_of(v->path)},
        place_cell(rows),
        {.kind = f->column ? TD_KIND_STR : TD_KIND_NULL, .v.s = td_str_of(f->column ? f->column : "")},
        place_cell(f->group),
        place_cell(f->page),
        place_cell(f->offset),
        {.kind = TD_KIND_STR, .v.s = td_str_of(f->text)}};
    return td_out_row(&v->stream, cells, v->err);
}

static bool verify_finding(void *ctx, const struct td_parquet_finding *f)
{
    struct verify *v = ctx;
    static const struct td_parquet_finding enough = {
        .group = -1, .page = -1, .offset = -1, .text = "more than 1000 findings: the rest is not listed"};
    if (!v->found++)
        td_copy(v->first, sizeof v->first, f->text);
    v->code = verify_row(v, v->found > MAX_FINDINGS ? &enough : f, -1);
    return v->code == TD_OK && v->found <= MAX_FINDINGS;
}

static bool verify_stopped(void *ctx)
{
    const struct verify *v = ctx;
    return stopped(v->app);
}

static enum td_code verify_file(struct verify *v, struct td_err *why)
{
    struct td_parquet_finding state = {.group = -1, .page = -1, .offset = -1, .text = "good"};
    uint64_t rows = 0;
    v->found = 0;
    enum td_code code = td_parquet_findings(v->path, verify_finding, verify_stopped, v, &rows, why);
    if (v->code != TD_OK || code == TD_CANCELLED)
        return v->code != TD_OK ? v->code : code;
    if (code != TD_OK) {
        state.text = why->text;
        v->code = verify_row(v, &state, -1);
    } else if (v->found) {
        code = td_fail(why, TD_DATA, "%s: %llu %s, the first: %s", v->path, (unsigned long long)v->found,
                       v->found == 1 ? "finding" : "findings", v->first);
    } else {
        v->code = verify_row(v, &state, (int64_t)rows);
    }
    return code;
}

static enum td_code run_verify(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    static const struct td_view_column columns[] = {{"file", TD_KIND_STR},      {"rows", TD_KIND_I64},
                                                    {"column", TD_KIND_STR},    {"row_group", TD_KIND_I64},
                                                    {"page", TD_KIND_I64},      {"offset", TD_KIND_I64},
                                                    {"state", TD_KIND_STR}};
    struct verify v = {.app = app, .err = err};
    enum td_code worst = TD_OK;
    v.code = td_out_begin(&v.stream, out, columns, TD_COUNT(columns), err);
    if (v.code != TD_OK)
        return v.code;
    for (size_t i = 0; v.code == TD_OK && worst != TD_CANCELLED && i < td_args_count(args, "file"); i++) {
        struct td_err why = {0};
        v.path = td_args_nth(args, "file", i);
        enum td_code one = verify_file(&v, &why);
        if (one == TD_CANCELLED || (one != TD_OK && worst == TD_OK)) {
            worst = one;
            if (v.code == TD_OK && err)
                *err = why;
        }
    }
    enum td_code ended = td_out_end(&v.stream, NULL);
    return v.code != TD_OK ? v.code : worst != TD_OK ? worst : ended;
}

#define FILES                                                                                                          \
    ARG("file", .positional = true, .required = true, .repeated = true, .type = TD_ARG_FILE, .metavar = "FILE",        \
        .help = "Parquet files")

#define SEARCH                                                                                                         \
    ARG("where", .type = TD_ARG_FILTER, .metavar = "EXPR",                                                             \
        .help = "rows that match, for example 'volume > 1e6'; all columns of the file may be named"),                  \
        ARG("rows", .type = TD_ARG_TEXT, .metavar = "A..B",                                                            \
            .help = "these rows of each file, the first is 1: 1..100, 5000.., or -1000.. for the last thousand"),      \
        ARG("trust-statistics", .type = TD_ARG_FLAG,                                                                   \
            .help = "with --where: skip by the statistics of files of any writer; wrong ones then lose rows")

static const struct td_arg_def file_args[] = {FILES};
static const struct td_arg_def count_args[] = {FILES, SEARCH};
static const struct td_arg_def cat_args[] = {
    FILES,
    ARG("columns", .type = TD_ARG_COLUMNS, .metavar = "A,B", .help = "these columns, in this order"),
    ARG("limit", .aliases = "n", .type = TD_ARG_INT, .metavar = "N", .help = "the first N rows only"),
    SEARCH,
};
static const char cat_help[] =
    "--format csv prints the canonical CSV with a typed header: timestamps and dates as stored, strings quoted.\n"
    "\n"
    "--where takes the language of `watchlist --filter`. A date or time in it is UTC: timestamp >= 2025-02-06 begins\n"
    "at 2025-02-06T00:00:00Z, '2025-02-06T14:30:00Z' needs its quotes. Columns that it names are decoded first, the\n"
    "others only where rows match; row groups and pages that cannot match are skipped by statistics if tapedeck wrote\n"
    "them (they are sealed), so that the rows are always those of a full read. --rows reads a part by position and\n"
    "skips the rest undecoded. With --verbose standard error tells how much was decoded.\n"
    "\n"
    "  tapedeck parquet cat FILE.parquet --where 'timestamp >= 2025-02-06 and volume > 1e5' --verbose\n"
    "  tapedeck parquet cat FILE.parquet --rows -1000.. --format csv";

static const char verify_help[] =
    "Checked are the footer, checksums, places and sizes of chunks and pages, row counts, dictionary codes, the\n"
    "statistics of chunks and pages, the page index and, in files of tapedeck, the seal over both. A good file is one\n"
    "row; a bad one is a row a finding, with column, row group, page and offset, and exit code 4.";

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
     .summary = "every page: type, encoding, sizes, offset, and what the page index says",
     .args = file_args,
     .arg_count = 1,
     .run = run_pages},
    {.name = "parquet cat",
     .group = "look",
     .summary = "rows of Parquet files",
     .args = cat_args,
     .arg_count = TD_COUNT(cat_args),
     .run = run_cat,
     .help = cat_help},
    {.name = "parquet head",
     .group = "look",
     .summary = "the first rows",
     .args = cat_args,
     .arg_count = TD_COUNT(cat_args),
     .run = run_head},
    {.name = "parquet count",
     .group = "look",
     .summary = "number of rows, of all or of those that match",
     .args = count_args,
     .arg_count = TD_COUNT(count_args),
     .run = run_count},
    {.name = "parquet verify",
     .group = "look",
     .summary = "decode everything and compare it with all that the file says of it",
     .args = file_args,
     .arg_count = 1,
     .run = run_verify,
     .help = verify_help},
};
const size_t parquet_command_count = TD_COUNT(parquet_commands);
