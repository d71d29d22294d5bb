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
    enum td_code code = td_sheet_init(out, names, kinds, TD_COUNT(names), err);
    for (size_t i = 0; code == TD_OK && i < td_pq_column_count(file); i++) {
        const struct td_pq_column *column = td_pq_column_at(file, i);
        char type[40];
        lake_kind_of(column, type);
        const struct td_cell row[] = {text_cell(column->name), text_cell(type),
                                      {.kind = TD_KIND_BOOL, .v.b = column->optional}, text_cell(column->unsupported)};
        code = td_sheet_row(out, row, err);
    }
    return code;
}

static enum td_code report_meta(const struct td_pq_file *file, struct td_sheet *out, struct td_err *err)
{
    static const char *const names[] = {"key", "value"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR};
    char rows[32], groups[32], columns[32];
    td_format_i64(td_pq_rows(file), rows);
    td_format_i64((int64_t)td_pq_group_count(file), groups);
    td_format_i64((int64_t)td_pq_column_count(file), columns);
    const struct td_meta head[] = {
        {"created_by", td_pq_created_by(file)}, {"rows", rows}, {"row_groups", groups}, {"columns", columns}};
    enum td_code code = td_sheet_init(out, names, kinds, TD_COUNT(names), err);
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(head); i++)
        code = td_sheet_row(out, (const struct td_cell[]){text_cell(head[i].key), text_cell(head[i].value)}, err);
    for (size_t i = 0; code == TD_OK && i < td_pq_meta_count(file); i++) {
        const char *key, *value;
        td_pq_meta_at(file, i, &key, &value);
        code = td_sheet_row(out, (const struct td_cell[]){text_cell(key), text_cell(value)}, err);
    }
    return code;
}

struct page_ctx {
    struct td_sheet *out;
    const char *column;
    size_t group;
    int64_t index;
    enum td_code code;
    struct td_err *err;
};

static bool page_row(void *arg, const struct td_pq_page_info *page)
{
    static const char *const types[] = {"data", "index", "dictionary", "data_v2"};
    static const char *const encodings[] = {"PLAIN", "1", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED",
                                            "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY",
                                            "BYTE_STREAM_SPLIT"};
    struct page_ctx *ctx = arg;
    const struct td_cell row[] = {
        int_cell((int64_t)ctx->group), text_cell(ctx->column), int_cell(ctx->index++),
        text_cell((size_t)page->type < TD_COUNT(types) ? types[page->type] : "?"),
        text_cell((size_t)page->encoding < TD_COUNT(encodings) ? encodings[page->encoding] : "?"),
        int_cell(page->values), int_cell(page->offset), int_cell(page->compressed), int_cell(page->uncompressed)};
    ctx->code = td_sheet_row(ctx->out, row, ctx->err);
    return ctx->code == TD_OK;
}

static enum td_code report_pages(const struct td_pq_file *file, struct td_sheet *out, struct td_err *err)
{
    static const char *const names[] = {"row_group", "column", "page", "type", "encoding", "values", "offset", "compressed",
                                        "uncompressed"};
    static const enum td_kind kinds[] = {TD_KIND_I64, TD_KIND_STR, TD_KIND_I64, TD_KIND_STR, TD_KIND_STR,
                                         TD_KIND_I64, TD_KIND_I64, TD_KIND_I64, TD_KIND_I64};
    enum td_code code = td_sheet_init(out, names, kinds, TD_COUNT(names), err);
    for (size_t g = 0; code == TD_OK && g < td_pq_group_count(file); g++)
        for (size_t c = 0; code == TD_OK && c < td_pq_column_count(file); c++) {
            struct page_ctx ctx = {.out = out, .column = td_pq_column_at(file, c)->name, .group = g, .err = err};
            if (td_pq_column_at(file, c)->unsupported)
                continue;
            code = td_pq_pages(file, g, c, page_row, &ctx, err);
            if (code == TD_OK)
                code = ctx.code;
        }
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

/* Is a decoded value outside the bounds its chunk states? Only kinds whose order is plain are judged. */
static bool outside(const struct td_pq_column *column, const struct td_pq_chunk_info *chunk, const struct td_cell *cell)
{
    if (!chunk->has_min_max)
        return false;
    if (column->type == TD_PQ_DOUBLE && chunk->min.len == 8 && chunk->max.len == 8) {
        double low, high;
        memcpy(&low, chunk->min.ptr, 8);
        memcpy(&high, chunk->max.ptr, 8);
        return cell->v.f < low || cell->v.f > high;
    }
    if (column->type == TD_PQ_INT64 && column->logical != TD_PQ_INTEGER && column->logical != TD_PQ_DECIMAL && chunk->min.len == 8 && chunk->max.len == 8 &&
        (column->logical != TD_PQ_TIMESTAMP || column->unit == TD_PQ_MILLIS)) {
        int64_t low, high;
        memcpy(&low, chunk->min.ptr, 8);
        memcpy(&high, chunk->max.ptr, 8);
        return cell->v.i < low || cell->v.i > high;
    }
    if (column->logical == TD_PQ_STRING)
        return td_str_cmp(cell->v.s, chunk->min) < 0 ||
               (td_str_cmp(cell->v.s, chunk->max) > 0 && cell->v.s.len <= chunk->max.len);
    return false;
}

static enum td_code verify_column(const struct td_pq_file *file, const char *path, int leaf, struct td_err *err)
{
    const struct td_pq_column *column = td_pq_column_at(file, (size_t)leaf);
    struct td_pq_reader *reader = NULL;
    enum td_code code = td_pq_reader_new(file, &leaf, 1, &reader, err);
    enum { ROWS = 4096 };
    struct td_pq_array array = {td_calloc(ROWS, 16), td_calloc(TD_PQ_WORDS(ROWS), 8)};
    if (code == TD_OK && (!array.values || !array.valid))
        code = td_fail(err, TD_NOMEM, "%s: out of memory", path);
    for (size_t g = 0; code == TD_OK && g < td_pq_group_count(file); g++) {
        struct td_pq_chunk_info chunk;
        td_pq_chunk(file, g, (size_t)leaf, &chunk);
        int64_t left = td_pq_group_rows(file, g), row = 0, nulls = 0;
        while (code == TD_OK && left > 0) {
            size_t got = 0;
            code = td_pq_read(reader, &array, left < ROWS ? (size_t)left : ROWS, &got, err);
            if (code == TD_OK && got == 0)
                code = td_fail(err, TD_DATA, "%s: row group %zu, column '%s': rows are missing", path, g, column->name);
            for (size_t i = 0; code == TD_OK && i < got; i++) {
                struct td_cell cell = lake_cell_of(column, &array, i);
                nulls += cell.kind == TD_KIND_NULL;
                if (cell.kind != TD_KIND_NULL && outside(column, &chunk, &cell))
                    code = td_fail(err, TD_DATA, "%s: row group %zu, column '%s', row %lld: value outside the stated minimum and maximum",
                                   path, g, column->name, (long long)(row + (int64_t)i));
            }
            left -= (int64_t)got;
            row += (int64_t)got;
        }
        if (code == TD_OK && chunk.nulls >= 0 && chunk.nulls != nulls)
            code = td_fail(err, TD_DATA, "%s: row group %zu, column '%s': %lld nulls, the statistics say %lld", path, g,
                           column->name, (long long)nulls, (long long)chunk.nulls);
    }
    td_pq_reader_free(reader);
    td_free(array.values);
    td_free(array.valid);
    return code;
}

enum td_code td_parquet_verify(const char *path, uint64_t *rows, struct td_err *err)
{
    const struct td_pq_limits limits = {.check_crc = true};
    struct td_pq_file *file = NULL;
    enum td_code code = td_pq_open(path, &limits, &file, err);
    size_t verified = 0, columns = code == TD_OK ? td_pq_column_count(file) : 0;
    *rows = code == TD_OK ? (uint64_t)td_pq_rows(file) : 0;
    for (size_t i = 0; code == TD_OK && i < columns; i++)
        if (!td_pq_column_at(file, i)->unsupported) {
            code = verify_column(file, path, (int)i, err);
            verified++;
        }
    if (code == TD_OK && columns && !verified) /* nothing was decoded: that is no proof of anything */
        code = td_fail(err, TD_UNSUPPORTED, "%s: nothing can be verified: all columns are nested or encrypted", path);
    td_pq_close(file);
    return code;
}
