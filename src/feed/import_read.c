/* SPDX-License-Identifier: GPL-3.0-or-later
 * The door of the import: one file, or one table in memory, to checked bars. */
#include "import_private.h"

#include <string.h>

#define HEAD_BYTES 4096

static bool is_json(const char *head, size_t len)
{
    size_t i = len >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < len && (head[i] == ' ' || head[i] == '\t' || head[i] == '\n' || head[i] == '\r'))
        i++;
    return i < len && (head[i] == '{' || head[i] == '[');
}

static enum td_code read_input(struct import_stage *stage, struct import_input *input, struct td_err *err)
{
    char head[HEAD_BYTES];
    size_t len, skip;
    enum td_code code = import_read(input, head, sizeof head, &len, err);
    if (code != TD_OK)
        return code;
    if (len == 0)
        return td_fail(err, TD_DATA, "%s: the file is empty", stage->path);
    if (!is_json(head, len))
        return import_csv(stage, input, head, len, err);
    skip = head[0] == '{' || head[0] == '[' || (unsigned char)head[0] != 0xef ? 0 : 3; /* a BOM is no JSON */
    return import_json(stage, input, head + skip, len - skip, err);
}

static void result_init(struct td_import_result *out)
{
    memset(out, 0, sizeof *out);
    out->adjusted = -1;
}

enum td_code td_import_read(const char *path, const struct td_import_options *options, struct td_import_result *out,
                            struct td_err *err)
{
    struct import_stage stage;
    struct import_input *input = NULL;
    enum td_code code;

    result_init(out);
    code = import_stage_init(&stage, path, options, out, err);
    if (code == TD_OK)
        code = import_open(path, options->max_bytes, &input, err);
    if (code == TD_OK)
        code = read_input(&stage, input, err);
    if (code == TD_OK)
        code = import_stage_finish(&stage, err);
    import_close(input);
    import_stage_free(&stage);
    if (code != TD_OK)
        td_import_free(out);
    return code;
}

/* ---- tables in memory ---- */

static struct import_cell table_cell(const struct td_import_column *column, size_t row)
{
    struct import_cell cell = {.kind = IMPORT_CELL_NULL};
    if (column->valid && !(column->valid[row / 64] >> (row % 64) & 1))
        return cell;
    switch (column->kind) {
    case TD_IMPORT_STR:
        cell.kind = IMPORT_CELL_TEXT;
        cell.text = ((const struct td_str *)column->values)[row];
        break;
    case TD_IMPORT_F64:
        cell.kind = IMPORT_CELL_F64;
        cell.f64 = ((const double *)column->values)[row];
        break;
    case TD_IMPORT_I64:
        cell.kind = IMPORT_CELL_I64;
        cell.i64 = ((const int64_t *)column->values)[row];
        break;
    case TD_IMPORT_MS:
        cell.kind = IMPORT_CELL_MS;
        cell.i64 = ((const int64_t *)column->values)[row];
        break;
    }
    return cell;
}

static void table_row(const struct td_import_column *columns, size_t count, size_t row, struct import_cell *cells)
{
    for (size_t i = 0; i < count; i++)
        cells[i] = table_cell(&columns[i], row);
}

static enum td_code read_table(struct import_stage *stage, const struct td_import_column *columns, size_t count,
                               size_t rows, struct td_err *err)
{
    struct import_cell cells[IMPORT_MAX_COLUMNS], stamp;
    struct td_str names[IMPORT_MAX_COLUMNS];
    char room[160];
    enum td_code code;

    stage->by_row = true;
    for (size_t i = 0; i < count; i++)
        names[i] = td_str_of(columns[i].name);
    code = import_shape_find(names, count, stage->options, stage->path, &stage->shape, err);
    if (code == TD_OK)
        code = import_stage_ready(stage, err);
    for (size_t row = 0; row < rows && row < IMPORT_VOTES && code == TD_OK; row++) {
        table_row(columns, count, row, cells);
        if (import_stamp_cell(&stage->shape, cells, count, room, sizeof room, &stamp) && stamp.kind != IMPORT_CELL_MS)
            import_clock_vote(&stage->clock, &stamp);
    }
    import_clock_settle(&stage->clock);
    for (size_t row = 0; row < rows && code == TD_OK; row++) {
        table_row(columns, count, row, cells);
        code = import_stage_row(stage, cells, count, row + 1, err);
    }
    return code;
}

enum td_code td_import_table(const char *path, const struct td_import_column *columns, size_t count, size_t rows,
                             const struct td_import_options *options, struct td_import_result *out, struct td_err *err)
{
    struct import_stage stage;
    enum td_code code;

    result_init(out);
    td_copy(out->source, sizeof out->source, "parquet");
    if (count > IMPORT_MAX_COLUMNS)
        return td_fail(err, TD_LIMIT, "%s: more than %d columns", path, IMPORT_MAX_COLUMNS);
    code = import_stage_init(&stage, path, options, out, err);
    if (code == TD_OK)
        code = read_table(&stage, columns, count, rows, err);
    if (code == TD_OK)
        code = import_stage_finish(&stage, err);
    import_stage_free(&stage);
    if (code != TD_OK)
        td_import_free(out);
    return code;
}

void td_import_free(struct td_import_result *result)
{
    for (size_t i = 0; i < result->count; i++)
        td_bars_free(&result->series[i].bars);
    td_free(result->series);
    memset(result, 0, sizeof *result);
}
