/* SPDX-License-Identifier: GPL-3.0-or-later
 * Record tables: a row struct described by struct td_record, written to and read from Parquet column by column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lake_internal.h"

#define BATCH_ROWS 8192
#define MAX_FIELDS 64
#define MAX_TABLE_ROWS 50000000

struct td_pq_column lake_column_of(const struct td_field *field)
{
    struct td_pq_column column = {.name = field->name, .optional = field->optional};
    switch (field->kind) {
    case TD_F_STR:
    case TD_F_TEXT: column.type = TD_PQ_BYTE_ARRAY; column.logical = TD_PQ_STRING; break;
    case TD_F_DAY: column.type = TD_PQ_INT32; column.logical = TD_PQ_DATE; break;
    case TD_F_TS:
        column.type = TD_PQ_INT64;
        column.logical = TD_PQ_TIMESTAMP;
        column.unit = TD_PQ_MILLIS;
        column.utc = true;
        break;
    case TD_F_F64: column.type = TD_PQ_DOUBLE; break;
    case TD_F_I64: column.type = TD_PQ_INT64; break;
    case TD_F_U32:
        column.type = TD_PQ_INT32;
        column.logical = TD_PQ_INTEGER;
        column.bits = 32;
        break;
    case TD_F_I32: column.type = TD_PQ_INT32; break;
    case TD_F_BOOL: column.type = TD_PQ_BOOLEAN; break;
    }
    return column;
}

bool lake_column_fits(const struct td_pq_column *have, const struct td_pq_column *want)
{
    return !have->unsupported && have->type == want->type && have->logical == want->logical &&
           (want->logical != TD_PQ_TIMESTAMP || (have->unit == want->unit && have->utc == want->utc)) &&
           (want->logical != TD_PQ_INTEGER || (have->bits == want->bits && have->is_signed == want->is_signed));
}

struct td_cell td_record_cell(const struct td_field *field, const void *row)
{
    const char *at = (const char *)row + field->offset;
    struct td_cell cell = {.kind = TD_KIND_NULL};
    if (td_field_is_null(field, row))
        return cell;
    cell.kind = td_field_cell_kind(field);
    switch (field->kind) {
    case TD_F_STR: cell.v.s = (struct td_str){at, strnlen(at, field->size)}; break;
    case TD_F_TEXT: cell.v.s = td_str_of(*(const char *const *)(const void *)at); break;
    case TD_F_DAY:
    case TD_F_I32: cell.v.i = *(const int32_t *)(const void *)at; break;
    case TD_F_TS:
    case TD_F_I64: cell.v.i = *(const int64_t *)(const void *)at; break;
    case TD_F_F64: cell.v.f = *(const double *)(const void *)at; break;
    case TD_F_U32: cell.v.u = *(const uint32_t *)(const void *)at; break;
    case TD_F_BOOL: cell.v.b = *(const int8_t *)at > 0; break;
    }
    return cell;
}

enum td_kind td_field_cell_kind(const struct td_field *field)
{
    switch (field->kind) {
    case TD_F_STR:
    case TD_F_TEXT: return TD_KIND_STR;
    case TD_F_DAY: return TD_KIND_DAY;
    case TD_F_TS: return TD_KIND_TS;
    case TD_F_F64: return TD_KIND_F64;
    case TD_F_U32: return TD_KIND_U64;
    case TD_F_BOOL: return TD_KIND_BOOL;
    case TD_F_I64:
    case TD_F_I32: break;
    }
    return TD_KIND_I64;
}

/* Batch memory of one table: a slot array and a bitmap per field. */
struct batch {
    struct td_pq_array arrays[MAX_FIELDS];
    size_t count, rows;
};

static void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        td_free(batch->arrays[i].values);
        td_free(batch->arrays[i].valid);
    }
}

/* Room for `rows` rows at most, BATCH_ROWS at a time: most tables are small and there are thousands of them. */
static enum td_code batch_init(struct batch *batch, const struct td_record *record, uint64_t rows, const char *path, struct td_err *err)
{
    *batch = (struct batch){.rows = rows < 1 ? 1 : rows < BATCH_ROWS ? (size_t)rows : BATCH_ROWS};
    for (size_t i = 0; i < record->count; i++) {
        struct td_pq_column column = lake_column_of(&record->fields[i]);
        batch->arrays[i].values = td_calloc(batch->rows, td_pq_width(column.type));
        batch->arrays[i].valid = td_calloc(TD_PQ_WORDS(batch->rows), sizeof(uint64_t));
        batch->count++;
        if (!batch->arrays[i].values || !batch->arrays[i].valid)
            return td_fail(err, TD_NOMEM, "%s: out of memory", path);
    }
    return TD_OK;
}

static void put_doubles(const char *at, size_t stride, size_t n, double *out, uint64_t *valid)
{
    for (size_t i = 0; i < n; i++, at += stride) {
        memcpy(&out[i], at, sizeof *out);
        valid[i / 64] |= (uint64_t)!isnan(out[i]) << (i % 64);
    }
}

static void put_words(const char *at, size_t stride, size_t n, int32_t null, int32_t *out, uint64_t *valid)
{
    for (size_t i = 0; i < n; i++, at += stride) {
        memcpy(&out[i], at, sizeof *out);
        valid[i / 64] |= (uint64_t)(out[i] != null) << (i % 64);
    }
}

/* One column of n rows; the bitmap is cleared beforehand. Doubles and words are most of a table and take no cells. */
static void put_column(const struct td_field *field, const char *rows, size_t stride, size_t n, struct td_pq_array *array)
{
    switch (field->kind) {
    case TD_F_F64: put_doubles(rows + field->offset, stride, n, array->values, array->valid); return;
    case TD_F_DAY: put_words(rows + field->offset, stride, n, TD_NO_DAY, array->values, array->valid); return;
    case TD_F_U32: put_words(rows + field->offset, stride, n, -1, array->values, array->valid); return;
    case TD_F_I32: put_words(rows + field->offset, stride, n, INT32_MIN, array->values, array->valid); return;
    default: break;
    }
    for (size_t i = 0; i < n; i++, rows += stride) {
        struct td_cell cell = td_record_cell(field, rows);
        if (cell.kind == TD_KIND_NULL)
            continue;
        array->valid[i / 64] |= UINT64_C(1) << (i % 64);
        if (cell.kind == TD_KIND_STR)
            ((struct td_str *)array->values)[i] = cell.v.s;
        else if (cell.kind == TD_KIND_BOOL)
            ((uint8_t *)array->values)[i] = cell.v.b;
        else
            ((int64_t *)array->values)[i] = cell.v.i;
    }
}

/* Doubles that differ from row to row are written as they are: nothing else is tried, which costs as much as compressing them,
 * to save a hundredth of the bytes. */
static enum td_pq_encoding encoding_of(const struct td_field *field, const struct td_record *record, const void *rows, size_t count)
{
    const char *at = (const char *)rows + field->offset;
    size_t most = count < 256 ? count : 256, changes = 0;
    for (size_t i = 1; field->kind == TD_F_F64 && i < most; i++)
        changes += memcmp(at + i * record->size, at + (i - 1) * record->size, sizeof(double)) != 0;
    return changes * 3 > most ? TD_PQ_ENC_PLAIN : TD_PQ_ENC_AUTO;
}

static enum td_code write_table(struct td_pq_writer *writer, const char *path, const struct td_record *record, const void *rows,
                                size_t count, const struct td_meta *meta, size_t meta_count, struct td_err *err)
{
    struct batch batch;
    enum td_code code = td_pq_writer_meta(writer, "tapedeck.schema", record->schema, err);
    for (size_t i = 0; code == TD_OK && i < meta_count; i++)
        code = td_pq_writer_meta(writer, meta[i].key, meta[i].value, err);
    if (code != TD_OK)
        return code;
    code = batch_init(&batch, record, count, path, err);
    const char *row = rows;
    for (size_t at = 0; code == TD_OK && at < count; at += batch.rows) {
        size_t n = count - at < batch.rows ? count - at : batch.rows;
        for (size_t k = 0; k < record->count; k++) {
            memset(batch.arrays[k].valid, 0, TD_PQ_WORDS(batch.rows) * sizeof(uint64_t));
            put_column(&record->fields[k], row + at * record->size, record->size, n, &batch.arrays[k]);
        }
        code = td_pq_write(writer, batch.arrays, n, err);
    }
    batch_free(&batch);
    return code == TD_OK ? td_pq_writer_finish(writer, err) : code;
}

enum td_code td_table_write(const char *path, const struct td_record *record, const void *rows, size_t count,
                            const struct td_meta *meta, size_t meta_count, struct td_err *err)
{
    return lake_table_write(path, record, rows, count, meta, meta_count, false, err);
}

enum td_code lake_table_write(const char *path, const struct td_record *record, const void *rows, size_t count,
                              const struct td_meta *meta, size_t meta_count, bool settle_later, struct td_err *err)
{
    struct td_pq_column columns[MAX_FIELDS];
    if (record->count > MAX_FIELDS)
        return td_fail(err, TD_LIMIT, "%s: record %s has too many columns", path, record->schema);
    for (size_t i = 0; i < record->count; i++) {
        columns[i] = lake_column_of(&record->fields[i]);
        columns[i].encoding = encoding_of(&record->fields[i], record, rows, count);
    }
    struct td_publish pub;
    enum td_code code = td_publish_begin(&pub, path, err);
    if (code != TD_OK)
        return code;
    struct td_pq_writer *writer = NULL;
    const struct td_pq_write_options options = {.codec = TD_PQ_ZSTD, .level = 2};
    code = td_pq_writer_new(pub.fd, path, columns, record->count, &options, &writer, err);
    if (code == TD_OK)
        code = write_table(writer, path, record, rows, count, meta, meta_count, err);
    td_pq_writer_free(writer);
    if (code == TD_OK)
        return settle_later ? td_publish_rename(&pub, err) : td_publish_commit(&pub, err);
    td_publish_abort(&pub);
    return code;
}

/* ---- reading ---- */

enum td_code lake_schema_check(const struct td_pq_file *file, const char *path, const struct td_record *record, struct td_err *err)
{
    const char *have = td_pq_meta(file, "tapedeck.schema"), *slash = strrchr(record->schema, '/');
    size_t stem = (size_t)(slash - record->schema) + 1;
    int64_t want_version = 0, have_version = 0;
    td_parse_i64(slash + 1, strlen(slash + 1), &want_version);
    if (!have || strncmp(have, record->schema, stem) != 0 || !td_parse_i64(have + stem, strlen(have + stem), &have_version))
        return td_fail(err, TD_DATA, "%s: schema '%s' where '%s' is expected", path, have ? have : "none", record->schema);
    if (have_version > want_version)
        return td_fail(err, TD_UNSUPPORTED, "%s: schema '%s' is newer than this program's '%s'; update tapedeck", path, have,
                       record->schema);
    if (have_version < want_version - 1)
        return td_fail(err, TD_UNSUPPORTED, "%s: schema '%s' is too old for this program's '%s'; rebuild it", path, have,
                       record->schema);
    return TD_OK;
}

static enum td_code find_columns(const struct td_pq_file *file, const char *path, const struct td_record *record,
                                 int columns[MAX_FIELDS], int field_of[MAX_FIELDS], size_t *count, struct td_err *err)
{
    *count = 0;
    for (size_t i = 0; i < record->count; i++) {
        const struct td_field *field = &record->fields[i];
        struct td_pq_column want = lake_column_of(field);
        int at = td_pq_find(file, field->name);
        if (at < 0 && field->optional)
            continue; /* written by version N-1: null */
        const struct td_pq_column *have = at >= 0 ? td_pq_column_at(file, (size_t)at) : NULL;
        if (!have || !lake_column_fits(have, &want))
            return td_fail(err, TD_DATA, "%s: column '%s' is %s", path, field->name, have ? "of another type" : "missing");
        field_of[*count] = (int)i;
        columns[(*count)++] = at;
    }
    return TD_OK;
}

/* A null of each kind, as in enum td_field_kind. */
static void set_null(const struct td_field *field, char *row)
{
    char *at = row + field->offset;
    switch (field->kind) {
    case TD_F_STR: *at = 0; break;
    case TD_F_TEXT: *(const char **)(void *)at = NULL; break;
    case TD_F_DAY: *(td_day *)(void *)at = TD_NO_DAY; break;
    case TD_F_TS: *(int64_t *)(void *)at = INT64_MIN; break;
    case TD_F_F64: *(double *)(void *)at = TD_NO_F64; break;
    case TD_F_I64: *(int64_t *)(void *)at = TD_NO_COUNT; break;
    case TD_F_U32: *(uint32_t *)(void *)at = UINT32_MAX; break;
    case TD_F_I32: *(int32_t *)(void *)at = INT32_MIN; break;
    case TD_F_BOOL: *(int8_t *)at = -1; break;
    }
}

static enum td_code set_text(const struct td_field *field, struct td_str text, char *row, struct td_rows *out, const char *path,
                             struct td_err *err)
{
    if (field->kind == TD_F_TEXT) {
        const char *copy = td_arena_strndup(&out->arena, text.ptr, text.len);
        if (!copy)
            return td_fail(err, TD_NOMEM, "%s: out of memory", path);
        *(const char **)(void *)(row + field->offset) = copy;
        return TD_OK;
    }
    if (text.len >= field->size)
        return td_fail(err, TD_DATA, "%s: column '%s' holds a text of %zu bytes, at most %zu fit", path, field->name, text.len,
                       field->size - 1);
    if (text.len)
        memcpy(row + field->offset, text.ptr, text.len);
    row[field->offset + text.len] = 0;
    return TD_OK;
}

static enum td_code no_null(const struct td_field *field, const char *path, struct td_err *err)
{
    return field->optional ? TD_OK : td_fail(err, TD_DATA, "%s: column '%s' holds a null", path, field->name);
}

/* One column of n rows at `rows`. */
static enum td_code get_column(const struct td_field *field, const struct td_pq_array *array, size_t n, char *rows, size_t stride,
                               struct td_rows *out, const char *path, struct td_err *err)
{
    enum td_code code = TD_OK;
    size_t width = field->kind == TD_F_DAY || field->kind == TD_F_U32 || field->kind == TD_F_I32 ? 4 : 8;
    for (size_t i = 0; code == TD_OK && i < n; i++, rows += stride) {
        char *at = rows + field->offset;
        if (!td_pq_valid(array->valid, i)) {
            set_null(field, rows);
            code = no_null(field, path, err);
        } else if (field->kind == TD_F_STR || field->kind == TD_F_TEXT) {
            code = set_text(field, ((const struct td_str *)array->values)[i], rows, out, path, err);
        } else if (field->kind == TD_F_BOOL) {
            *(int8_t *)at = (int8_t)((const uint8_t *)array->values)[i];
        } else if (width == 4) {
            memcpy(at, (const int32_t *)array->values + i, 4);
        } else {
            memcpy(at, (const int64_t *)array->values + i, 8);
        }
    }
    return code;
}

/* Fields that the file has no column for. */
static void null_the_rest(const struct td_record *record, const int field_of[MAX_FIELDS], size_t count, char *rows, size_t n)
{
    bool have[MAX_FIELDS] = {false};
    for (size_t k = 0; k < count; k++)
        have[field_of[k]] = true;
    for (size_t f = 0; f < record->count; f++)
        for (size_t i = 0; !have[f] && i < n; i++)
            set_null(&record->fields[f], rows + i * record->size);
}

static enum td_code read_rows(struct td_pq_reader *reader, const char *path, const struct td_record *record,
                              const int field_of[MAX_FIELDS], size_t count, int64_t rows, struct td_rows *out, struct td_err *err)
{
    struct batch batch;
    enum td_code code = batch_init(&batch, record, (uint64_t)rows, path, err);
    struct td_pq_array arrays[MAX_FIELDS];
    for (size_t k = 0; k < count; k++)
        arrays[k] = batch.arrays[field_of[k]];
    while (code == TD_OK && (int64_t)out->count < rows) {
        size_t got = 0;
        code = td_pq_read(reader, arrays, batch.rows, &got, err);
        if (code == TD_OK && got == 0)
            code = td_fail(err, TD_DATA, "%s: ends after %zu of %lld rows", path, out->count, (long long)rows);
        if (code == TD_OK)
            code = td_grow(&out->items, &out->cap, out->count + got, record->size, err);
        if (code != TD_OK)
            break;
        char *base = (char *)out->items + out->count * record->size;
        memset(base, 0, got * record->size);
        null_the_rest(record, field_of, count, base, got);
        for (size_t k = 0; code == TD_OK && k < count; k++)
            code = get_column(&record->fields[field_of[k]], &arrays[k], got, base, record->size, out, path, err);
        out->count += got;
    }
    batch_free(&batch);
    return code;
}

enum td_code td_table_read(const char *path, const struct td_record *record, struct td_rows *out, const char *meta_key,
                           char meta_value[128], struct td_err *err)
{
    *out = (struct td_rows){.size = record->size};
    td_arena_init(&out->arena, (size_t)1 << 30);
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    int columns[MAX_FIELDS], field_of[MAX_FIELDS];
    size_t count = 0;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = lake_schema_check(file, path, record, err);
    if (code == TD_OK && td_pq_rows(file) > MAX_TABLE_ROWS)
        code = td_fail(err, TD_LIMIT, "%s: %lld rows are more than a table here may hold", path, (long long)td_pq_rows(file));
    if (code == TD_OK)
        code = find_columns(file, path, record, columns, field_of, &count, err);
    if (code == TD_OK && meta_key) {
        const char *value = td_pq_meta(file, meta_key);
        td_copy(meta_value, 128, value ? value : "");
    }
    if (code == TD_OK)
        code = td_pq_reader_new(file, columns, count, &reader, err);
    if (code == TD_OK)
        code = read_rows(reader, path, record, field_of, count, td_pq_rows(file), out, err);
    td_pq_reader_free(reader);
    td_pq_close(file);
    if (code != TD_OK)
        td_rows_free(out);
    return code;
}

void td_rows_free(struct td_rows *rows)
{
    td_free(rows->items);
    td_arena_free(&rows->arena);
    *rows = (struct td_rows){0};
}
