/* SPDX-License-Identifier: GPL-3.0-or-later
 * A small table in memory with typed cells. */
#include <string.h>
#include "lake_internal.h"

enum td_code td_sheet_init(struct td_sheet *sheet, const char *const *names, const enum td_kind *kinds, size_t count,
                           struct td_err *err)
{
    *sheet = (struct td_sheet){.column_count = count};
    td_arena_init(&sheet->arena, (size_t)256 << 20);
    sheet->columns = td_calloc(count, sizeof *sheet->columns);
    if (!sheet->columns)
        return td_fail(err, TD_NOMEM, "out of memory: a table of %zu columns", count);
    for (size_t i = 0; i < count; i++) {
        sheet->columns[i].name = td_arena_strndup(&sheet->arena, names[i], strlen(names[i]));
        sheet->columns[i].kind = kinds[i];
        if (!sheet->columns[i].name)
            return td_fail(err, TD_NOMEM, "out of memory: a column name");
    }
    return TD_OK;
}

enum td_code td_sheet_row(struct td_sheet *sheet, const struct td_cell *cells, struct td_err *err)
{
    size_t used = sheet->rows * sheet->column_count;
    enum td_code code = td_grow(&sheet->cells, &sheet->cap, used + sheet->column_count, sizeof *sheet->cells, err);
    if (code != TD_OK)
        return code;
    for (size_t i = 0; i < sheet->column_count; i++) {
        struct td_cell cell = cells[i];
        if (cell.kind == TD_KIND_STR || cell.kind == TD_KIND_BYTES) {
            cell.v.s.ptr = td_arena_strndup(&sheet->arena, cell.v.s.ptr, cell.v.s.len);
            if (!cell.v.s.ptr)
                return td_fail(err, TD_NOMEM, "out of memory: a table cell");
        }
        sheet->cells[used + i] = cell;
    }
    sheet->rows++;
    return TD_OK;
}

void td_sheet_free(struct td_sheet *sheet)
{
    td_free(sheet->columns);
    td_free(sheet->cells);
    td_arena_free(&sheet->arena);
    *sheet = (struct td_sheet){0};
}
