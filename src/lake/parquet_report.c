/* SPDX-License-Identifier: GPL-3.0-or-later
 * What `parquet schema|meta|pages|verify` say of a file. */
#include <stdio.h>
#include <string.h>
#include "lake_internal.h"

static struct td_cell text_cell(const char *text)
{
    return (struct td_cell){.kind = text ? TD_KIND_STR : TD_KIND_NULL, .v.s = text ? td_str_of(text) : (struct td_str){0}};
}

static struct td_cell int_cell(int64_t value)
{
    return (struct td_cell){.kind = TD_KIND_I64, .v.i = value};
}

static enum td_code report_schema(const struct td_pq_file *file, struct td_sheet *out, struct td_err *err)
{
    static const char *const names[] = {"column", "type", "nullable", "note"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_BOOL, TD_KIND_STR};
    const char **own = NULL;
    struct td_arena arena;
    td_arena_init(&arena, (size_t)64 << 20);
    enum td_code code = td_sheet_init(out, names, kinds, TD_COUNT(names), err);
    if (code == TD_OK)
        code = lake_leaf_names(file, &arena, &own, err);
    for (size_t i = 0; code == TD_OK && i < td_pq_column_count(file); i++) {
        const struct td_pq_column *column = td_pq_column_at(file, i);
        char type[40];
        lake_kind_of(column, type);
        const char *note = column->unsupported       ? column->unsupported
                           : own[i] != column->name ? "the name is taken: this one has a number"
                                                     : NULL;
        const struct td_cell row[] = {text_cell(own[i]), text_cell(type),
                                      {.kind = TD_KIND_BOOL, .v.b = column->optional}, text_cell(note)};
        code = td_sheet_row(out, row, err);
    }
    td_arena_free(&arena);
    return code;
}

/* "9 of 9 chunks" */
static void count_indexes(const struct td_pq_file *file, char *out, size_t size)
{
    size_t chunks = 0, indexed = 0;
    for (size_t g = 0; g < td_pq_group_count(file); g++)
        for (size_t c = 0; c < td_pq_column_count(file); c++) {
            struct td_pq_chunk_info chunk;
            td_pq_chunk(file, g, c, &chunk);
            chunks++;
            indexed += chunk.offset_index;
        }
    td_snprintf(out, size, "%zu of %zu chunks", indexed, chunks);
}

static enum td_code report_meta(const struct td_pq_file *file, struct td_sheet *out, struct td_err *err)
{
    static const char *const names[] = {"key", "value"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR};
    char rows[32], groups[32], columns[32];
    td_format_i64(td_pq_rows(file), rows);
    td_format_i64((int64_t)td_pq_group_count(file), groups);
    td_format_i64((int64_t)td_pq_column_count(file), columns);
    static const char *const seals[] = {[TD_PQ_SEAL_UNKNOWN] = "none", [TD_PQ_SEAL_NONE] = "none", [TD_PQ_SEAL_BROKEN] = "broken",
                                        [TD_PQ_SEAL_GOOD] = "good"};
    enum td_pq_seal seal = TD_PQ_SEAL_NONE;
    char indexes[64];
    count_indexes(file, indexes, sizeof indexes);
    enum td_code code = td_pq_seal(file, &seal, err);
    if (code != TD_OK)
        return code;
    const struct td_meta head[] = {
        {"created_by", td_pq_created_by(file)}, {"rows", rows}, {"row_groups", groups}, {"columns", columns},
        {"page_index", indexes}, {"statistics_seal", seals[seal]}};
    code = td_sheet_init(out, names, kinds, TD_COUNT(names), err);
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(head); i++)
        code = td_sheet_row(out, (const struct td_cell[]){text_cell(head[i].key), text_cell(head[i].value)}, err);
    for (size_t i = 0; code == TD_OK && i < td_pq_meta_count(file); i++) {
        const char *key, *value;
        td_pq_meta_at(file, i, &key, &value);
        if (strcmp(key, "tapedeck.seal") == 0)
            continue; /* its state stands above; the number is of no use to anyone */
        code = td_sheet_row(out, (const struct td_cell[]){text_cell(key), text_cell(value)}, err);
    }
    return code;
}

/* A bound of an index as text: what a cell of it would show, in UTC. */
static struct td_cell bound_cell(const struct td_pq_column *column, struct td_str plain, struct td_buf *out)
{
    const size_t width = td_pq_width(column->type);
    _Alignas(16) char slot[16] = {0};
    const bool text = column->type == TD_PQ_BYTE_ARRAY || column->type == TD_PQ_FIXED || column->type == TD_PQ_INT96;
    if (text)
        memcpy(slot, &plain, sizeof plain);
    else
        memcpy(slot, plain.ptr, plain.len < width ? plain.len : width);
    const struct td_pq_array array = {slot, NULL};
    const struct td_cell cell = lake_cell_of(column, &array, 0);
    char number[40];
    td_buf_clear(out);
    switch (cell.kind) {
    case TD_KIND_BOOL: td_buf_adds(out, cell.v.b ? "true" : "false"); break;
    case TD_KIND_I64: td_buf_add(out, number, td_format_i64(cell.v.i, number)); break;
    case TD_KIND_U64: td_buf_printf(out, "%llu", (unsigned long long)cell.v.u); break;
    case TD_KIND_F32:
    case TD_KIND_F64: td_buf_add(out, number, td_format_f64(cell.v.f, number)); break;
    case TD_KIND_DAY: td_buf_add(out, number, td_format_day((td_day)cell.v.i, number)); break;
    case TD_KIND_TS: td_buf_add(out, number, td_format_ts(cell.v.i, number)); break;
    case TD_KIND_STR:
    case TD_KIND_BYTES: td_buf_add_printable(out, cell.v.s.ptr, cell.v.s.len < 40 ? cell.v.s.len : 40); break;
    case TD_KIND_NULL: break;
    }
    return text_cell(out->data ? out->data : "");
}

struct page_ctx {
    struct td_sheet *out;
    const struct td_pq_column *column;
    size_t group;
    int64_t index;
    const struct td_pq_page_index *told; /* by the page index, one a data page */
    size_t told_count, data_pages;
    struct td_buf min, max; /* scratch */
    enum td_code code;
    struct td_err *err;
};

static bool page_row(void *arg, const struct td_pq_page_info *page)
{
    static const char *const types[] = {"data", "index", "dictionary", "data_v2"};
    static const char *const encodings[] = {"PLAIN", "1", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
                                            "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY",
                                            "BYTE_STREAM_SPLIT"};
    static const struct td_cell none = {.kind = TD_KIND_NULL};
    struct page_ctx *ctx = arg;
    const struct td_pq_page_index *told = NULL;
    if ((page->type == 0 || page->type == 3) && ctx->data_pages++ < ctx->told_count)
        told = &ctx->told[ctx->data_pages - 1];
    const bool bounds = told && told->has_min_max;
    const struct td_cell row[] = {
        int_cell((int64_t)ctx->group), text_cell(ctx->column->name), int_cell(ctx->index++),
        text_cell((size_t)page->type < TD_COUNT(types) ? types[page->type] : "?"),
        text_cell((size_t)page->encoding < TD_COUNT(encodings) ? encodings[page->encoding] : "?"),
        int_cell(page->values), int_cell(page->offset), int_cell(page->compressed), int_cell(page->uncompressed),
        told ? int_cell(told->first_row) : none, told && told->nulls >= 0 ? int_cell(told->nulls) : none,
        bounds ? bound_cell(ctx->column, told->min, &ctx->min) : none, bounds ? bound_cell(ctx->column, told->max, &ctx->max) : none};
    ctx->code = td_sheet_row(ctx->out, row, ctx->err);
    return ctx->code == TD_OK;
}

static enum td_code chunk_pages(const struct td_pq_file *file, size_t group, size_t column, struct td_sheet *out, struct td_err *err)
{
    struct page_ctx ctx = {.out = out, .column = td_pq_column_at(file, column), .group = group, .err = err};
    struct td_pq_page_index *told = NULL;
    struct td_arena arena;
    td_arena_init(&arena, (size_t)64 << 20);
    td_buf_init(&ctx.min, 4096);
    td_buf_init(&ctx.max, 4096);
    enum td_code code = td_pq_index(file, group, column, &arena, &told, &ctx.told_count, err);
    ctx.told = told;
    if (code == TD_OK)
        code = td_pq_pages(file, group, column, page_row, &ctx, err);
    if (code == TD_OK)
        code = ctx.code;
    td_buf_free(&ctx.min);
    td_buf_free(&ctx.max);
    td_arena_free(&arena);
    return code;
}

static enum td_code report_pages(const struct td_pq_file *file, struct td_sheet *out, struct td_err *err)
{
    static const char *const names[] = {"row_group", "column", "page", "type", "encoding", "values", "offset", "compressed",
                                        "uncompressed", "first_row", "nulls", "min", "max"};
    static const enum td_kind kinds[] = {TD_KIND_I64, TD_KIND_STR, TD_KIND_I64, TD_KIND_STR, TD_KIND_STR, TD_KIND_I64, TD_KIND_I64,
                                         TD_KIND_I64, TD_KIND_I64, TD_KIND_I64, TD_KIND_I64, TD_KIND_STR, TD_KIND_STR};
    enum td_code code = td_sheet_init(out, names, kinds, TD_COUNT(names), err);
    for (size_t g = 0; code == TD_OK && g < td_pq_group_count(file); g++)
        for (size_t c = 0; code == TD_OK && c < td_pq_column_count(file); c++)
            if (!td_pq_column_at(file, c)->unsupported)
                code = chunk_pages(file, g, c, out, err);
    return code;
}

enum td_code td_parquet_report(const char *path, const char *what, struct td_sheet *out, struct td_err *err)
{
    static const struct {
        const char *what;
        enum td_code (*fn)(const struct td_pq_file *, struct td_sheet *, struct td_err *);
    } reports[] = {{"schema", report_schema}, {"meta", report_meta}, {"pages", report_pages}};
    *out = (struct td_sheet){0};
    struct td_pq_file *file = NULL;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code != TD_OK)
        return code;
    code = td_fail(err, TD_USAGE, "no report '%s'", what);
    for (size_t i = 0; i < TD_COUNT(reports); i++)
        if (strcmp(reports[i].what, what) == 0)
            code = reports[i].fn(file, out, err);
    td_pq_close(file);
    if (code != TD_OK)
        td_sheet_free(out);
    return code;
}

struct verify_ctx {
    bool (*fn)(void *ctx, const struct td_parquet_finding *finding);
    bool (*stopped)(void *ctx);
    void *ctx;
};

static bool asked(void *arg)
{
    const struct verify_ctx *v = arg;
    return v->stopped && v->stopped(v->ctx);
}

static bool pass_on(void *arg, const struct td_pq_finding *finding)
{
    const struct verify_ctx *v = arg;
    const struct td_parquet_finding told = {.column = finding->name,
                                            .group = finding->group,
                                            .page = finding->page,
                                            .offset = finding->offset,
                                            .text = finding->text};
    return v->fn(v->ctx, &told);
}

enum td_code td_parquet_findings(const char *path, bool (*fn)(void *ctx, const struct td_parquet_finding *finding),
                                 bool (*stopped)(void *ctx), void *ctx, uint64_t *rows, struct td_err *err)
{
    struct verify_ctx v = {fn, stopped, ctx};
    struct td_pq_verified seen;
    enum td_code code = td_pq_verify_until(path, pass_on, asked, &v, &seen, err);
    *rows = code == TD_OK ? (uint64_t)seen.rows : 0;
    if (code == TD_OK && !seen.findings && !seen.columns && seen.columns_passed) /* nothing was decoded: no proof of anything */
        code = td_fail(err, TD_UNSUPPORTED, "%s: nothing can be verified: all columns are nested or encrypted", path);
    return code;
}

struct first_finding {
    const char *path;
    struct td_err err;
};

static bool keep_first(void *arg, const struct td_parquet_finding *f)
{
    struct first_finding *first = arg;
    char column[80] = "", place[80] = "";
    struct td_buf name;
    td_buf_init(&name, 256);
    if (f->column) {
        td_buf_add_printable(&name, f->column, strnlen(f->column, 60));
        td_snprintf(column, sizeof column, ": column '%s', row group %lld", name.data ? name.data : "?", (long long)f->group);
    }
    if (f->page >= 0)
        td_snprintf(place, sizeof place, ", page %lld at offset %lld", (long long)f->page, (long long)f->offset);
    td_fail(&first->err, TD_DATA, "%s%s%s: %s", first->path, column, place, f->text);
    td_buf_free(&name);
    return false;
}

enum td_code td_parquet_verify(const char *path, uint64_t *rows, struct td_err *err)
{
    struct first_finding first = {.path = path};
    enum td_code code = td_parquet_findings(path, keep_first, NULL, &first, rows, err);
    if (code == TD_OK && first.err.code != TD_OK) {
        code = first.err.code;
        if (err)
            *err = first.err;
    }
    return code;
}
