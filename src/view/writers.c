/* SPDX-License-Identifier: GPL-3.0-or-later
 * writers: model values as csv and json, row by row through one buffer; tables are laid out by table_writer. */
#include <stdio.h>
#include <string.h>

#include "view_internal.h"

#define FLUSH_AT (64u << 10)
#define BUFFER_MAX ((size_t)64 << 20) /* one row of a foreign file may hold long texts */

static enum td_code nobody_reads(struct td_err *err)
{
    return td_fail(err, TD_IO, "output: cannot be written any further");
}

static enum td_code put(const struct td_out *out, const char *data, size_t len, struct td_err *err)
{
    return len == 0 || out->write(out->ctx, data, len) ? TD_OK : nobody_reads(err);
}

enum td_code td_out_text(struct td_out *out, const char *text, struct td_err *err)
{
    return put(out, text, strlen(text), err);
}

enum td_code td_out_printf(struct td_out *out, struct td_err *err, const char *fmt, ...)
{
    char small[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0)
        return td_fail(err, TD_IO, "output: a line could not be formatted");
    if ((size_t)n < sizeof small)
        return put(out, small, (size_t)n, err);
    char *big = td_malloc((size_t)n + 1);
    if (!big)
        return td_fail(err, TD_NOMEM, "output: no memory for a line of %d bytes", n);
    va_start(args, fmt);
    vsnprintf(big, (size_t)n + 1, fmt, args);
    va_end(args);
    enum td_code code = put(out, big, (size_t)n, err);
    td_free(big);
    return code;
}

bool td_out_to_buf(void *ctx, const char *data, size_t len)
{
    struct td_buf *buf = ctx;
    td_buf_add(buf, data, len);
    return !buf->failed;
}

/* ---- streams ---- */

enum td_code view_flush(struct td_out_stream *stream, struct td_err *err)
{
    enum td_code code = td_buf_check(&stream->buf, "output", err);
    if (code == TD_OK)
        code = put(stream->out, stream->buf.data, stream->buf.len, err);
    td_buf_clear(&stream->buf);
    return code;
}

static void csv_row(struct td_out_stream *stream, const struct td_cell *cells)
{
    for (size_t i = 0; i < stream->count; i++) {
        if (i)
            td_buf_addc(&stream->buf, ',');
        td_cell_csv(&stream->buf, &cells[i]);
    }
    td_buf_addc(&stream->buf, '\n');
}

static void csv_head(struct td_out_stream *stream)
{
    for (size_t i = 0; i < stream->count; i++) {
        struct td_cell name = {.kind = TD_KIND_STR};
        name.v.s = td_str_of(stream->columns[i].name);
        if (i)
            td_buf_addc(&stream->buf, ',');
        td_cell_csv(&stream->buf, &name);
    }
    td_buf_addc(&stream->buf, '\n');
}

static void json_row(struct td_out_stream *stream, const struct td_cell *cells)
{
    td_buf_adds(&stream->buf, stream->rows ? ",\n{" : "[\n{");
    for (size_t i = 0; i < stream->count; i++) {
        const char *name = stream->columns[i].name;
        if (i)
            td_buf_addc(&stream->buf, ',');
        td_buf_json(&stream->buf, name, strlen(name));
        td_buf_addc(&stream->buf, ':');
        td_cell_json(&stream->buf, &cells[i]);
    }
    td_buf_addc(&stream->buf, '}');
}

enum td_code td_out_begin(struct td_out_stream *stream, struct td_out *out, const struct td_view_column *columns,
                          size_t count, struct td_err *err)
{
    *stream = (struct td_out_stream){.out = out, .columns = columns, .count = count};
    td_buf_init(&stream->buf, BUFFER_MAX);
    if (out->format == TD_FORMAT_TABLE)
        stream->code = view_table_begin(stream, err);
    else if (out->format == TD_FORMAT_CSV)
        csv_head(stream);
    if (stream->code == TD_OK)
        stream->code = td_buf_check(&stream->buf, "output", err);
    return stream->code;
}

enum td_code td_out_row(struct td_out_stream *stream, const struct td_cell *cells, struct td_err *err)
{
    if (stream->code != TD_OK)
        return stream->code;
    if (stream->out->format == TD_FORMAT_TABLE)
        stream->code = view_table_row(stream, cells, err);
    else if (stream->out->format == TD_FORMAT_CSV)
        csv_row(stream, cells);
    else
        json_row(stream, cells);
    stream->rows++;
    if (stream->code == TD_OK && (stream->buf.len >= FLUSH_AT || stream->buf.failed))
        stream->code = view_flush(stream, err);
    return stream->code;
}

enum td_code td_out_end(struct td_out_stream *stream, struct td_err *err)
{
    if (stream->code == TD_OK && stream->out->format == TD_FORMAT_TABLE)
        stream->code = view_table_end(stream, err);
    else if (stream->code == TD_OK && stream->out->format == TD_FORMAT_JSON)
        td_buf_adds(&stream->buf, stream->rows ? "\n]\n" : "[]\n");
    if (stream->code == TD_OK)
        stream->code = view_flush(stream, err);
    view_table_free(stream);
    td_buf_free(&stream->buf);
    return stream->code;
}

/* ---- whole models ---- */

enum td_code td_out_model(struct td_out *out, const struct td_model *model, const size_t *map, size_t count,
                          struct td_err *err)
{
    struct td_out_stream stream;
    size_t shown = map ? count : model->column_count;
    struct td_view_column *columns = td_calloc(shown + 1, sizeof *columns);
    struct td_cell *cells = td_calloc(shown + 1, sizeof *cells);
    enum td_code code = TD_OK, ended;
    if (!columns || !cells) {
        code = td_fail(err, TD_NOMEM, "output: no memory for %zu columns", shown);
        goto done;
    }
    for (size_t i = 0; i < shown; i++)
        columns[i] = model->columns[map ? map[i] : i];
    code = td_out_begin(&stream, out, columns, shown, err);
    for (size_t row = 0; code == TD_OK && row < model->rows; row++) {
        for (size_t i = 0; i < shown; i++)
            cells[i] = td_model_cell(model, row, map ? map[i] : i);
        code = td_out_row(&stream, cells, err);
    }
    ended = td_out_end(&stream, err);
    code = code == TD_OK ? ended : code;
done:
    td_free(columns);
    td_free(cells);
    return code;
}
