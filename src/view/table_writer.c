/* SPDX-License-Identifier: GPL-3.0-or-later
 * table_writer: aligned columns for people. The first rows are held back until their widths are known; later rows of a long
 * stream keep those widths. Numbers are never cut: a longer one moves its line, since half a number is a wrong number. */
#include <string.h>

#include "view_internal.h"

#define HELD_ROWS 2000
#define HELD_BYTES ((size_t)1 << 20)
#define TEXT_WIDTH_MAX 64 /* screen columns of a text column */
#define TEXT_WIDTH_MIN 12 /* a narrow terminal shrinks text columns down to this */
#define TEXT_BYTES_MAX 256
#define GAP 2

struct table_column {
    const char *title;
    enum td_style style;
    bool right, text;
    size_t width, full; /* screen columns; full: what its cells would like */
};
struct td_view_table {
    struct table_column *columns;
    size_t shown; /* the leftmost columns that fit */
    struct td_buf text;
    size_t *ends; /* of each held cell in text */
    size_t end_count, end_cap;
    bool laid_out;
};

enum td_code view_table_begin(struct td_out_stream *stream, struct td_err *err)
{
    struct td_view_table *table = td_calloc(1, sizeof *table);
    if (table)
        table->columns = td_calloc(stream->count + 1, sizeof *table->columns);
    stream->table = table;
    if (!table || !table->columns) {
        view_table_free(stream);
        return td_fail(err, TD_NOMEM, "output: no memory for %zu columns", stream->count);
    }
    td_buf_init(&table->text, (size_t)64 << 20);
    for (size_t i = 0; i < stream->count; i++) {
        const struct td_view_column *column = &stream->columns[i];
        const struct td_column_info *info = td_column_find(column->name);
        table->columns[i] = (struct table_column){.title = info ? info->title : column->name,
                                                  .style = info ? info->style : view_kind_style(column->kind),
                                                  .right = view_leans_right(column->kind),
                                                  .text = column->kind == TD_KIND_STR || column->kind == TD_KIND_BYTES};
    }
    return TD_OK;
}

void view_table_free(struct td_out_stream *stream)
{
    struct td_view_table *table = stream->table;
    if (!table)
        return;
    td_buf_free(&table->text);
    td_free(table->ends);
    td_free(table->columns);
    td_free(table);
    stream->table = NULL;
}

/* ---- cells ---- */

static void add_cell(struct td_buf *text, const struct td_cell *cell, enum td_style style)
{
    char out[TEXT_BYTES_MAX];
    if (cell->kind == TD_KIND_STR)
        td_buf_add_printable(text, cell->v.s.ptr, cell->v.s.len < TEXT_BYTES_MAX ? cell->v.s.len : TEXT_BYTES_MAX);
    else
        td_buf_add(text, out, td_cell_text(cell, style, out, sizeof out));
}

static struct td_str held_cell(const struct td_view_table *table, size_t i)
{
    size_t from = i ? table->ends[i - 1] : 0;
    return (struct td_str){table->text.data + from, table->ends[i] - from};
}

static size_t text_width(struct td_str s)
{
    size_t used;
    view_fit(s.ptr, s.len, SIZE_MAX, &used);
    return used;
}

/* ---- widths ---- */

static size_t total_width(const struct td_view_table *table)
{
    size_t total = 0;
    for (size_t i = 0; i < table->shown; i++)
        total += table->columns[i].width + (i ? GAP : 0);
    return total;
}

/* The widest shown text column that may still shrink, or the narrowest cut one that may grow; NULL when there is none. */
static struct table_column *text_column(struct td_view_table *table, bool grow)
{
    struct table_column *found = NULL;
    for (size_t i = 0; i < table->shown; i++) {
        struct table_column *column = &table->columns[i];
        bool may = grow ? column->width < column->full : column->width > TEXT_WIDTH_MIN;
        if (!column->text || !may)
            continue;
        if (!found || (grow ? column->width < found->width : column->width > found->width))
            found = column;
    }
    return found;
}

/* Take what is too much from the widest text column, again and again; then leave columns out from the right, and give the
 * room that this frees back to the text. */
static void fit(struct td_view_table *table, size_t limit)
{
    struct table_column *column;
    while (total_width(table) > limit && (column = text_column(table, false)))
        column->width--;
    while (total_width(table) > limit && table->shown > 1)
        table->shown--;
    while (total_width(table) < limit && (column = text_column(table, true)))
        column->width++;
}

static void lay_out(const struct td_out_stream *stream)
{
    struct td_view_table *table = stream->table;
    for (size_t i = 0; i < stream->count; i++)
        table->columns[i].width = text_width(td_str_of(table->columns[i].title));
    for (size_t i = 0; i < table->end_count; i++) {
        struct table_column *column = &table->columns[i % stream->count];
        size_t width = text_width(held_cell(table, i));
        if (column->text && width > TEXT_WIDTH_MAX)
            width = TEXT_WIDTH_MAX;
        if (column->width < width)
            column->width = width;
    }
    for (size_t i = 0; i < stream->count; i++)
        table->columns[i].full = table->columns[i].width;
    table->shown = stream->count;
    if (stream->out->width > 0)
        fit(table, (size_t)stream->out->width);
    table->laid_out = true;
}

/* ---- lines ---- */

static void add_blanks(struct td_buf *buf, size_t count)
{
    for (size_t i = 0; i < count; i++)
        td_buf_addc(buf, ' ');
}

static void add_field(struct td_buf *buf, const struct table_column *column, struct td_str s, bool last)
{
    size_t used = text_width(s);
    bool cut = used > column->width && column->text;
    if (cut)
        s.len = view_fit(s.ptr, s.len, column->width ? column->width - 1 : 0, &used);
    used += cut;
    size_t blanks = used < column->width ? column->width - used : 0;
    if (column->right)
        add_blanks(buf, blanks);
    td_buf_add(buf, s.ptr, s.len);
    if (cut)
        td_buf_addc(buf, '~');
    if (!column->right && !last)
        add_blanks(buf, blanks);
}

static void end_line(struct td_buf *buf)
{
    while (!buf->failed && buf->len && buf->data[buf->len - 1] == ' ')
        buf->len--;
    td_buf_addc(buf, '\n');
}

static void add_head(struct td_out_stream *stream)
{
    const struct td_view_table *table = stream->table;
    for (size_t i = 0; i < table->shown; i++) {
        add_blanks(&stream->buf, i ? GAP : 0);
        char title[TEXT_BYTES_MAX];
        size_t len = view_printable(title, sizeof title, table->columns[i].title, strlen(table->columns[i].title));
        add_field(&stream->buf, &table->columns[i], (struct td_str){title, len}, i + 1 == table->shown);
    }
    end_line(&stream->buf);
}

static enum td_code release(struct td_out_stream *stream, struct td_err *err)
{
    struct td_view_table *table = stream->table;
    enum td_code code = td_buf_check(&table->text, "output", err);
    if (code != TD_OK)
        return code;
    for (size_t row = 0; row + stream->count <= table->end_count; row += stream->count) {
        for (size_t i = 0; i < table->shown; i++) {
            add_blanks(&stream->buf, i ? GAP : 0);
            add_field(&stream->buf, &table->columns[i], held_cell(table, row + i), i + 1 == table->shown);
        }
        end_line(&stream->buf);
    }
    table->end_count = 0;
    td_buf_clear(&table->text);
    return td_buf_check(&stream->buf, "output", err);
}

enum td_code view_table_row(struct td_out_stream *stream, const struct td_cell *cells, struct td_err *err)
{
    struct td_view_table *table = stream->table;
    enum td_code code =
        td_grow(&table->ends, &table->end_cap, table->end_count + stream->count, sizeof *table->ends, err);
    if (code != TD_OK)
        return code;
    for (size_t i = 0; i < stream->count; i++) {
        add_cell(&table->text, &cells[i], table->columns[i].style);
        table->ends[table->end_count++] = table->text.len;
    }
    bool full = stream->rows + 1 >= HELD_ROWS || table->text.len >= HELD_BYTES || table->text.failed;
    if (!table->laid_out && full) {
        lay_out(stream);
        add_head(stream);
    }
    return table->laid_out ? release(stream, err) : TD_OK;
}

static void add_hidden(struct td_out_stream *stream)
{
    const struct td_view_table *table = stream->table;
    td_buf_printf(&stream->buf, "(%zu more column%s than fit in %d characters:", stream->count - table->shown,
                  stream->count - table->shown == 1 ? "" : "s", stream->out->width);
    for (size_t i = table->shown; i < stream->count; i++) {
        td_buf_adds(&stream->buf, i == table->shown ? " " : ", ");
        td_buf_add_printable(&stream->buf, stream->columns[i].name, strlen(stream->columns[i].name));
    }
    td_buf_adds(&stream->buf, "; choose with --columns)\n");
}

enum td_code view_table_end(struct td_out_stream *stream, struct td_err *err)
{
    struct td_view_table *table = stream->table;
    enum td_code code = TD_OK;
    if (!table->laid_out) {
        code = td_buf_check(&table->text, "output", err);
        if (code != TD_OK)
            return code;
        lay_out(stream);
        add_head(stream);
        code = release(stream, err);
    }
    if (stream->rows == 0)
        td_buf_adds(&stream->buf, "(no rows)\n");
    if (table->shown < stream->count)
        add_hidden(stream);
    return code;
}
