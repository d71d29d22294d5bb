/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any Parquet file as rows of typed cells, batch by batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "scan_internal.h"

#define MAX_COLUMNS 4096

static const char *unit_name(enum td_pq_unit unit)
{
    return unit == TD_PQ_MILLIS ? "ms" : unit == TD_PQ_MICROS ? "us" : "ns";
}

static const struct {
    const char *text;
    enum td_kind kind;
} plain[] = {
    [TD_PQ_BOOLEAN] = {"bool", TD_KIND_BOOL},       [TD_PQ_INT32] = {"int32", TD_KIND_I64},
    [TD_PQ_INT64] = {"int64", TD_KIND_I64},         [TD_PQ_INT96] = {"timestamp[ns]", TD_KIND_TS},
    [TD_PQ_FLOAT] = {"float32", TD_KIND_F32},       [TD_PQ_DOUBLE] = {"float64", TD_KIND_F64},
    [TD_PQ_BYTE_ARRAY] = {"binary", TD_KIND_BYTES}, [TD_PQ_FIXED] = {"binary", TD_KIND_BYTES},
};

/* Asked for every cell: no text here. */
static enum td_kind kind_of(const struct td_pq_column *column)
{
    if (column->unsupported || (size_t)column->type >= TD_COUNT(plain))
        return TD_KIND_NULL;
    switch (column->logical) {
    case TD_PQ_STRING: return TD_KIND_STR;
    case TD_PQ_DATE: return TD_KIND_DAY;
    case TD_PQ_TIMESTAMP: return TD_KIND_TS;
    case TD_PQ_INTEGER: return column->is_signed ? TD_KIND_I64 : TD_KIND_U64;
    case TD_PQ_DECIMAL: return TD_KIND_F64; /* nearest double; the canonical text is exact */
    default: return plain[column->type].kind;
    }
}

enum td_kind lake_kind_of(const struct td_pq_column *column, char type[40])
{
    enum td_kind kind = kind_of(column);
    if (kind == TD_KIND_NULL)
        td_copy(type, 40, "nested");
    else if (column->logical == TD_PQ_STRING)
        td_copy(type, 40, "string");
    else if (column->logical == TD_PQ_DATE)
        td_copy(type, 40, "date");
    else if (column->logical == TD_PQ_TIMESTAMP)
        td_snprintf(type, 40, "timestamp[%s%s]", unit_name(column->unit), column->utc ? ";utc" : "");
    else if (column->logical == TD_PQ_TIME) /* a number of its unit since midnight, with or without UTC */
        td_snprintf(type, 40, "time[%s]", unit_name(column->unit));
    else if (column->logical == TD_PQ_DECIMAL)
        td_snprintf(type, 40, "decimal(%d;%d)", column->precision, column->scale);
    else if (column->logical == TD_PQ_INTEGER)
        td_snprintf(type, 40, "%sint%u", column->is_signed ? "" : "u", column->bits);
    else
        td_copy(type, 40, plain[column->type].text);
    return kind;
}

static int64_t to_ms(int64_t value, enum td_pq_unit unit)
{
    int64_t scale = unit == TD_PQ_MILLIS ? 1 : unit == TD_PQ_MICROS ? 1000 : 1000000;
    return value / scale - (value % scale < 0);
}

/* A Julian day and nanoseconds of it, as old writers stamp. They also stamp years that do not fit 64 bits of nanoseconds. */
static int64_t int96_parts(struct td_str bytes, int64_t *nanos)
{
    int32_t julian;
    memcpy(nanos, bytes.ptr, 8);
    memcpy(&julian, bytes.ptr + 8, 4);
    return julian - INT64_C(2440588);
}

static int64_t int96_ms(struct td_str bytes)
{
    int64_t nanos, days = int96_parts(bytes, &nanos);
    return days * 86400000 + to_ms(nanos, TD_PQ_NANOS);
}

void lake_int96_text(struct td_str bytes, struct td_buf *out)
{
    int64_t nanos, days = int96_parts(bytes, &nanos);
    int64_t seconds = days * 86400 + nanos / 1000000000, rest = nanos % 1000000000;
    if (seconds > 0 && rest < 0) { /* both parts of one sign, to be printed side by side */
        seconds--;
        rest += 1000000000;
    } else if (seconds < 0 && rest > 0) {
        seconds++;
        rest -= 1000000000;
    }
    char text[24];
    if (!seconds) {
        td_buf_add(out, text, td_format_i64(rest, text));
        return;
    }
    td_buf_add(out, text, td_format_i64(seconds, text));
    td_buf_printf(out, "%09lld", (long long)(rest < 0 ? -rest : rest));
}

struct td_cell lake_cell_of(const struct td_pq_column *column, const struct td_pq_array *array, size_t i)
{
    struct td_cell cell = {.kind = TD_KIND_NULL};
    if (!td_pq_valid(array->valid, i))
        return cell;
    cell.kind = kind_of(column);
    if (column->logical == TD_PQ_DECIMAL && cell.kind == TD_KIND_F64) {
        cell.v.f = td_pq_decimal_f64(column, array->values, i);
        return cell;
    }
    if (column->type == TD_PQ_INT96) {
        cell.v.i = int96_ms(((const struct td_str *)array->values)[i]);
        return cell;
    }
    switch (column->type) {
    case TD_PQ_BOOLEAN: cell.v.b = ((const uint8_t *)array->values)[i]; break;
    case TD_PQ_INT32:
        if (cell.kind == TD_KIND_U64)
            cell.v.u = (uint32_t)((const int32_t *)array->values)[i];
        else
            cell.v.i = ((const int32_t *)array->values)[i];
        break;
    case TD_PQ_INT64:
        cell.v.i = ((const int64_t *)array->values)[i];
        if (cell.kind == TD_KIND_TS)
            cell.v.i = to_ms(cell.v.i, column->unit);
        break;
    case TD_PQ_FLOAT: cell.v.f = (double)((const float *)array->values)[i]; break;
    case TD_PQ_DOUBLE: cell.v.f = ((const double *)array->values)[i]; break;
    case TD_PQ_INT96:
    case TD_PQ_BYTE_ARRAY:
    case TD_PQ_FIXED: cell.v.s = ((const struct td_str *)array->values)[i]; break;
    }
    return cell;
}

static const char *numbered(struct td_arena *arena, const char *name, size_t number)
{
    char tail[24];
    const size_t len = strlen(name);
    td_snprintf(tail, sizeof tail, "#%zu", number);
    char *text = td_arena_alloc(arena, len + strlen(tail) + 1);
    if (text) {
        memcpy(text, name, len);
        memcpy(text + len, tail, strlen(tail) + 1);
    }
    return text;
}

struct named {
    const char *name;
    size_t leaf;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->leaf > y->leaf) - (x->leaf < y->leaf);
}

enum td_code lake_leaf_names(const struct td_pq_file *file, struct td_arena *arena, const char ***out, struct td_err *err)
{
    const size_t count = td_pq_column_count(file);
    const char **names = *out = td_arena_alloc(arena, (count + 1) * sizeof *names);
    struct named *sorted = td_arena_alloc(arena, (count + 1) * sizeof *sorted);
    bool good = names && sorted;
    for (size_t i = 0; good && i < count; i++)
        sorted[i] = (struct named){names[i] = td_pq_column_at(file, i)->name, i};
    if (good)
        qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 1, number = 1; good && i < count; i++) {
        number = strcmp(sorted[i].name, sorted[i - 1].name) == 0 ? number + 1 : 1;
        if (number > 1)
            good = (names[sorted[i].leaf] = numbered(arena, sorted[i].name, number)) != NULL;
    }
    return good ? TD_OK : td_fail(err, TD_NOMEM, "out of memory for the names of %zu columns", count);
}

/* All leaves of a nested field are left out as one. */
static void leave_out(struct td_scan *scan, int leaf)
{
    const struct scan_left_out *last = scan->left_out_count ? &scan->left_out[scan->left_out_count - 1] : NULL;
    if (last && td_pq_column_at(scan->file, (size_t)last->leaf)->field == td_pq_column_at(scan->file, (size_t)leaf)->field)
        return;
    scan->left_out[scan->left_out_count++] = (struct scan_left_out){leaf, scan->count};
}

static enum td_code add_column(struct td_scan *scan, int leaf, bool named, struct td_err *err)
{
    const struct td_pq_column *column = td_pq_column_at(scan->file, (size_t)leaf);
    if (column->unsupported && !named) {
        leave_out(scan, leaf);
        return TD_OK;
    }
    if (column->unsupported)
        return td_fail(err, TD_UNSUPPORTED, "%s: column '%s' cannot be read: %s", scan->path, column->name, column->unsupported);
    if (scan->count == MAX_COLUMNS)
        return td_fail(err, TD_LIMIT, "%s: more than %d columns", scan->path, MAX_COLUMNS);
    struct td_scan_column *out = &scan->columns[scan->count];
    out->name = scan->names[leaf];
    out->kind = lake_kind_of(column, out->type);
    scan->leaves[scan->count++] = leaf;
    return TD_OK;
}

/* The leaf of that name, or the first of a nested field of that name; -1 when there is none. */
static int find_leaf(const struct td_scan *scan, const char *name, size_t len)
{
    int within = -1;
    for (size_t i = 0; i < td_pq_column_count(scan->file); i++) {
        const char *have = scan->names[i];
        if (strncmp(have, name, len) != 0)
            continue;
        if (!have[len])
            return (int)i;
        if (td_pq_column_at(scan->file, i)->field_len == len && within < 0)
            within = (int)i;
    }
    return within;
}

static enum td_code choose_columns(struct td_scan *scan, const char *list, struct td_err *err)
{
    size_t all = td_pq_column_count(scan->file);
    size_t room = all + 1;
    for (const char *p = list ? list : ""; *p; p++)
        room += *p == ',';
    scan->columns = td_calloc(room, sizeof *scan->columns);
    scan->leaves = td_calloc(room, sizeof *scan->leaves);
    scan->left_out = td_calloc(all + 1, sizeof *scan->left_out);
    if (!scan->columns || !scan->leaves || !scan->left_out)
        return td_fail(err, TD_NOMEM, "%s: out of memory", scan->path);
    enum td_code code = TD_OK;
    if (!list)
        for (size_t i = 0; code == TD_OK && i < all; i++)
            code = add_column(scan, (int)i, false, err);
    if (list && !*list)
        code = td_fail(err, TD_USAGE, "columns: name at least one; see 'tapedeck parquet schema'");
    for (const char *p = list; code == TD_OK && p && *p;) {
        size_t len = strcspn(p, ",");
        int leaf = find_leaf(scan, p, len);
        code = leaf < 0 ? td_fail(err, TD_USAGE, "%s: no column '%.*s'; see 'tapedeck parquet schema'", scan->path,
                                  (int)(len < 255 ? len : 255), p)
                        : add_column(scan, leaf, true, err);
        p += len + (p[len] == ',');
    }
    return code;
}

static enum td_code list_all(struct td_scan *scan, struct td_err *err)
{
    size_t leaves = td_pq_column_count(scan->file);
    scan->all = td_calloc(leaves + 1, sizeof *scan->all);
    scan->all_leaves = td_calloc(leaves + 1, sizeof *scan->all_leaves);
    if (!scan->all || !scan->all_leaves)
        return td_fail(err, TD_NOMEM, "%s: out of memory", scan->path);
    for (size_t i = 0; i < leaves && scan->all_count < MAX_COLUMNS; i++) {
        const struct td_pq_column *column = td_pq_column_at(scan->file, i);
        if (column->unsupported)
            continue;
        struct td_scan_column *out = &scan->all[scan->all_count];
        out->name = scan->names[i];
        out->kind = lake_kind_of(column, out->type);
        scan->all_leaves[scan->all_count++] = (int)i;
    }
    scan->to = td_pq_rows(scan->file);
    return TD_OK;
}

static enum td_code make_arrays(struct td_scan *scan, struct td_err *err)
{
    scan->arrays = td_calloc(scan->count, sizeof *scan->arrays);
    if (!scan->arrays)
        return td_fail(err, TD_NOMEM, "%s: out of memory", scan->path);
    for (size_t i = 0; i < scan->count; i++) {
        const struct td_pq_column *column = td_pq_column_at(scan->file, (size_t)scan->leaves[i]);
        scan->arrays[i].values = td_calloc(SCAN_BATCH, td_pq_width(column->type));
        scan->arrays[i].valid = td_calloc(TD_PQ_WORDS(SCAN_BATCH), sizeof(uint64_t));
        if (!scan->arrays[i].values || !scan->arrays[i].valid)
            return td_fail(err, TD_NOMEM, "%s: out of memory", scan->path);
    }
    return TD_OK;
}

enum td_code td_scan_open(const char *path, const char *columns, struct td_scan **out, struct td_err *err)
{
    struct td_scan *scan = td_calloc(1, sizeof *scan);
    if (!scan)
        return td_fail(err, TD_NOMEM, "%s: out of memory", path);
    td_copy(scan->path, sizeof scan->path, path);
    td_arena_init(&scan->arena, (size_t)64 << 20);
    enum td_code code = td_pq_open(path, NULL, &scan->file, err);
    if (code == TD_OK)
        code = lake_leaf_names(scan->file, &scan->arena, &scan->names, err);
    if (code == TD_OK)
        code = choose_columns(scan, columns, err);
    if (code == TD_OK)
        code = list_all(scan, err);
    if (code == TD_OK && scan->count == 0 && td_pq_column_count(scan->file) > 0) {
        const struct td_pq_column *first = td_pq_column_at(scan->file, 0);
        code = td_fail(err, TD_UNSUPPORTED, "%s: no column can be read, column '%s' because %s", path, first->name,
                       first->unsupported);
    }
    if (code == TD_OK)
        code = make_arrays(scan, err);
    if (code == TD_OK)
        code = td_pq_reader_new(scan->file, scan->leaves, scan->count, &scan->reader, err);
    if (code != TD_OK) {
        td_scan_close(scan);
        return code;
    }
    *out = scan;
    return TD_OK;
}

void td_scan_close(struct td_scan *scan)
{
    if (!scan)
        return;
    scan_search_free(scan);
    td_pq_reader_free(scan->reader);
    for (size_t i = 0; scan->arrays && i < scan->count; i++) {
        td_free(scan->arrays[i].values);
        td_free(scan->arrays[i].valid);
    }
    td_free(scan->arrays);
    td_free(scan->columns);
    td_free(scan->leaves);
    td_free(scan->left_out);
    td_arena_free(&scan->arena);
    td_free(scan->all);
    td_free(scan->all_leaves);
    td_pq_close(scan->file);
    td_free(scan);
}

size_t td_scan_column_count(const struct td_scan *scan)
{
    return scan->count;
}

const struct td_scan_column *td_scan_column_at(const struct td_scan *scan, size_t i)
{
    return &scan->columns[i];
}

size_t td_scan_left_out_count(const struct td_scan *scan)
{
    return scan->left_out_count;
}

struct td_str td_scan_left_out_at(const struct td_scan *scan, size_t i, const char **why)
{
    const struct td_pq_column *column = td_pq_column_at(scan->file, (size_t)scan->left_out[i].leaf);
    *why = column->unsupported;
    return (struct td_str){column->name, column->field_len};
}

int64_t td_scan_rows(const struct td_scan *scan)
{
    return td_pq_rows(scan->file);
}

enum td_code td_scan_seek(struct td_scan *scan, int64_t row, struct td_err *err)
{
    scan->batch_rows = scan->at = 0;
    return td_pq_seek(scan->reader, row, err);
}

enum td_code td_scan_next(struct td_scan *scan, struct td_cell *cells, bool *more, struct td_err *err)
{
    *more = false;
    if (scan->search)
        return scan_search_next(scan, cells, more, err);
    if (scan->at == scan->batch_rows) {
        scan->at = 0;
        enum td_code code = td_pq_read(scan->reader, scan->arrays, SCAN_BATCH, &scan->batch_rows, err);
        if (code != TD_OK) {
            scan->batch_rows = 0;
            return code;
        }
        if (scan->batch_rows == 0)
            return TD_OK;
    }
    for (size_t i = 0; i < scan->count; i++)
        cells[i] = lake_cell_of(td_pq_column_at(scan->file, (size_t)scan->leaves[i]), &scan->arrays[i], scan->at);
    scan->at++;
    *more = true;
    return TD_OK;
}
