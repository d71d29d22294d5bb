/* SPDX-License-Identifier: GPL-3.0-or-later
 * Chosen columns of record tables: thousands of files of one schema are read with one cursor and one set of buffers. */
#include <string.h>
#include "columns.h"

enum td_code columns_init(struct columns *c, const struct td_record *record, const char *const *names, size_t count,
                          struct td_err *err)
{
    *c = (struct columns){.record = record};
    td_buf_init(&c->path, 2048);
    for (size_t i = 0; i < count; i++) {
        size_t f = 0;
        while (f < record->count && strcmp(record->fields[f].name, names[i]) != 0)
            f++;
        if (f == record->count || i == COLUMNS_MAX)
            return td_fail(err, TD_USAGE, "record %s has no column '%s'", record->schema, names[i]);
        struct td_pq_column column = lake_column_of(&record->fields[f]);
        c->fields[i] = &record->fields[f];
        c->arrays[i].values = td_calloc(COLUMNS_BATCH, td_pq_width(column.type));
        c->arrays[i].valid = td_calloc(TD_PQ_WORDS(COLUMNS_BATCH), sizeof(uint64_t));
        c->count++;
        if (!c->arrays[i].values || !c->arrays[i].valid)
            return td_fail(err, TD_NOMEM, "out of memory: columns of %s", record->schema);
    }
    return TD_OK;
}

void columns_free(struct columns *c)
{
    td_pq_reader_free(c->reader);
    td_pq_close(c->file);
    for (size_t i = 0; i < c->count; i++) {
        td_free(c->arrays[i].values);
        td_free(c->arrays[i].valid);
    }
    td_buf_free(&c->path);
    *c = (struct columns){0};
}

static enum td_code find_leaves(struct columns *c, int leaves[COLUMNS_MAX], size_t *found, struct td_err *err)
{
    *found = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct td_pq_column want = lake_column_of(c->fields[i]);
        int at = td_pq_find(c->file, c->fields[i]->name);
        const struct td_pq_column *have = at >= 0 ? td_pq_column_at(c->file, (size_t)at) : NULL;
        c->present[i] = have != NULL;
        if (!have && c->fields[i]->optional) { /* written by version N-1: null */
            memset(c->arrays[i].valid, 0, TD_PQ_WORDS(COLUMNS_BATCH) * sizeof(uint64_t));
            continue;
        }
        if (!have || !lake_column_fits(have, &want))
            return td_fail(err, TD_DATA, "%s: column '%s' is %s", c->path.data, c->fields[i]->name, have ? "of another type" : "missing");
        leaves[(*found)++] = at;
    }
    return TD_OK;
}

enum td_code columns_open(struct columns *c, bool footer, struct td_err *err)
{
    int leaves[COLUMNS_MAX];
    size_t found = 0;
    c->left = 0;
    struct td_pq_file *before = c->file;
    c->file = NULL;
    enum td_code code = td_pq_open(c->path.data, NULL, &c->file, err);
    if (code == TD_OK)
        code = lake_schema_check(c->file, c->path.data, c->record, err);
    if (code == TD_OK && !footer)
        code = find_leaves(c, leaves, &found, err);
    if (code == TD_OK && !footer)
        code = c->reader ? td_pq_reader_reset(c->reader, c->file, leaves, found, err)
                         : td_pq_reader_new(c->file, leaves, found, &c->reader, err);
    if (footer) { /* the cursor still points into the file before: it needs another reset, not this one */
        td_pq_reader_free(c->reader);
        c->reader = NULL;
    }
    td_pq_close(before);
    if (code == TD_OK && !footer)
        c->left = td_pq_rows(c->file);
    return code;
}

enum td_code columns_next(struct columns *c, size_t *rows, struct td_err *err)
{
    struct td_pq_array arrays[COLUMNS_MAX];
    size_t count = 0;
    *rows = 0;
    if (c->left <= 0)
        return TD_OK;
    for (size_t i = 0; i < c->count; i++)
        if (c->present[i])
            arrays[count++] = c->arrays[i];
    enum td_code code = td_pq_read(c->reader, arrays, COLUMNS_BATCH, rows, err);
    if (code == TD_OK && *rows == 0)
        code = td_fail(err, TD_DATA, "%s: ends %lld rows early", c->path.data, (long long)c->left);
    c->left -= (int64_t)*rows;
    for (size_t i = 0; code == TD_OK && i < c->count; i++)
        for (size_t r = 0; code == TD_OK && !c->fields[i]->optional && r < *rows; r += 64) {
            uint64_t all = *rows - r >= 64 ? UINT64_MAX : (UINT64_C(1) << (*rows - r)) - 1;
            if ((c->arrays[i].valid[r / 64] & all) != all)
                code = td_fail(err, TD_DATA, "%s: column '%s' holds a null", c->path.data, c->fields[i]->name);
        }
    return code;
}

void columns_nan(const struct columns *c, size_t column, size_t rows)
{
    double *values = c->arrays[column].values;
    const uint64_t *valid = c->arrays[column].valid;
    for (size_t r = 0; r < rows; r += 64) {
        if (valid[r / 64] == UINT64_MAX)
            continue;
        for (size_t i = r; i < rows && i < r + 64; i++)
            if (!td_pq_valid(valid, i))
                values[i] = TD_NO_F64;
    }
}

void columns_flags(const struct columns *c, size_t column, size_t rows, uint32_t *out)
{
    const struct td_str *texts = c->arrays[column].values;
    struct td_str before = {"", 0};
    uint32_t bits = 0;
    for (size_t i = 0; i < rows; i++) {
        char text[TD_FLAGS_TEXT];
        if (texts[i].len == 0) {
            out[i] = 0;
            continue;
        }
        if (texts[i].ptr != before.ptr || texts[i].len != before.len) {
            size_t len = texts[i].len < sizeof text ? texts[i].len : sizeof text - 1;
            memcpy(text, texts[i].ptr, len);
            text[len] = 0;
            bits = td_flags_parse(text);
            before = texts[i];
        }
        out[i] = bits;
    }
}
