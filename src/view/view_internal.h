/* SPDX-License-Identifier: GPL-3.0-or-later
 * view_internal: what the files of the room `view` share. */
#ifndef TAPEDECK_VIEW_INTERNAL_H
#define TAPEDECK_VIEW_INTERNAL_H

#include <tapedeck/view.h>

/* Column of `model` that a person means by name: its exact name, else a short name (cap, px, chg, ...), else its name or
 * title in any case. -1 when there is none. */
int view_resolve(const struct td_model *model, struct td_str name);
/* Put `no column "NAME"; ...` with the nearest known name, or the list when there are few, into out. */
void view_no_column(const struct td_model *model, struct td_str name, char *out, size_t size);
/* A cell without a value: null, or a NaN. */
bool view_cell_null(const struct td_cell *cell);
/* How a column that is not in the catalogue is shown. */
enum td_style view_kind_style(enum td_kind kind);
/* Numbers lean right, everything else left. */
bool view_leans_right(enum td_kind kind);
/* Copy text with every control byte, 8-bit control and malformed byte as `?`, cut at a whole character; returns bytes
 * written, always terminated. For messages: it cannot fail. */
size_t view_printable(char *out, size_t size, const char *text, size_t len);
/* Whole characters of text that fit in `width` screen columns; *used receives the columns. */
size_t view_fit(const char *text, size_t len, size_t width, size_t *used);

/* The aligned table behind td_out_begin, for TD_FORMAT_TABLE. */
enum td_code view_table_begin(struct td_out_stream *stream, struct td_err *err);
enum td_code view_table_row(struct td_out_stream *stream, const struct td_cell *cells, struct td_err *err);
enum td_code view_table_end(struct td_out_stream *stream, struct td_err *err);
void view_table_free(struct td_out_stream *stream);
/* Hand the stream's buffer to its reader and empty it. */
enum td_code view_flush(struct td_out_stream *stream, struct td_err *err);

#endif
