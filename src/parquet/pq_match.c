/* SPDX-License-Identifier: GPL-3.0-or-later
 * Evidence instead of statistics: which rows satisfy bounds, found by decoding the columns that the bounds name. */
#include "pq_bound.h"
#include "pq_file.h"

#define PQ_MATCH_ROWS 4096 /* a batch */

struct match {
    const struct td_pq_file *file;
    const struct td_pq_bound *bounds;
    size_t count;
    int *columns;     /* distinct ones */
    size_t *array_of; /* bound -> its column's place among them */
    size_t column_count;
    struct td_pq_array *arrays;
    struct td_pq_reader *reader;
};

static enum td_code check_bounds(const struct match *m, struct td_err *err)
{
    for (size_t i = 0; i < m->count; i++) {
        const int column = m->bounds[i].column;
        if (column < 0 || (size_t)column >= m->file->meta.leaf_count)
            return td_fail(err, TD_MISSING, "%s: there is no column %d", m->file->name, column);
        if (!pq_bound_fits(&m->file->meta.leaves[column].column, &m->bounds[i]))
            return td_fail(err, TD_UNSUPPORTED, "%s: values of column %d cannot be compared with the bound's",
                           m->file->name, column);
    }
    return TD_OK;
}

static enum td_code make_room(struct match *m, struct td_err *err)
{
    m->columns = td_calloc(m->count + 1, sizeof *m->columns);
    m->array_of = td_calloc(m->count + 1, sizeof *m->array_of);
    m->arrays = td_calloc(m->count + 1, sizeof *m->arrays);
    bool good = m->columns && m->array_of && m->arrays;
    for (size_t i = 0; good && i < m->count; i++) {
        size_t k = 0;
        while (k < m->column_count && m->columns[k] != m->bounds[i].column)
            k++;
        m->array_of[i] = k;
        if (k < m->column_count)
            continue;
        m->columns[m->column_count++] = m->bounds[i].column;
        m->arrays[k].values =
            td_calloc(PQ_MATCH_ROWS, td_pq_width(m->file->meta.leaves[m->bounds[i].column].column.type));
        m->arrays[k].valid = td_calloc(TD_PQ_WORDS(PQ_MATCH_ROWS), sizeof(uint64_t));
        good = m->arrays[k].values && m->arrays[k].valid;
    }
    return good ? TD_OK : td_fail(err, TD_NOMEM, "%s: out of memory for a search", m->file->name);
}

static bool row_holds(const struct match *m, size_t row)
{
    for (size_t i = 0; i < m->count; i++)
        if (!pq_bound_holds(&m->file->meta.leaves[m->bounds[i].column].column, &m->bounds[i],
                            &m->arrays[m->array_of[i]], row))
            return false;
    return true;
}

static enum td_code add_matches(const struct match *m, int64_t first, size_t rows, struct td_pq_ranges *out,
                                struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; i < rows && code == TD_OK; i++) {
        size_t end = i;
        while (end < rows && row_holds(m, end))
            end++;
        code = pq_ranges_add(out, first + (int64_t)i, first + (int64_t)end, err);
        i = end;
    }
    return code;
}

enum td_code td_pq_match(const struct td_pq_file *file, const struct td_pq_bound *bounds, size_t count,
                         const struct td_pq_ranges *in, struct td_pq_ranges *out, struct td_err *err)
{
    struct match m = {.file = file, .bounds = bounds, .count = count};
    enum td_code code = check_bounds(&m, err);
    if (code == TD_OK)
        code = make_room(&m, err);
    if (code == TD_OK)
        code = td_pq_reader_new(file, m.columns, m.column_count, &m.reader, err);
    if (code == TD_OK && in)
        code = td_pq_want(m.reader, in->items, in->count, err);
    for (size_t rows = 1; code == TD_OK && rows;) {
        const int64_t first = td_pq_next_row(m.reader);
        code = td_pq_read(m.reader, m.arrays, PQ_MATCH_ROWS, &rows, err);
        if (code == TD_OK && rows)
            code = add_matches(&m, first, rows, out, err);
    }
    td_pq_reader_free(m.reader);
    for (size_t i = 0; i < m.column_count; i++) {
        td_free(m.arrays[i].values);
        td_free(m.arrays[i].valid);
    }
    td_free(m.columns);
    td_free(m.array_of);
    td_free(m.arrays);
    return code;
}
