/* SPDX-License-Identifier: GPL-3.0-or-later
 * view: what is shown, without a screen: column catalogue, number formats, filter language, models, csv/json/table. */
#ifndef TAPEDECK_VIEW_H
#define TAPEDECK_VIEW_H

#include <tapedeck/chart.h>
#include <tapedeck/job.h>

/* ---- models: rows of cells behind one accessor; the writers, the panes and the filters all read these ---- */

struct td_view_column {
    const char *name; /* bare name, as in files */
    enum td_kind kind;
};
struct td_model { /* plain description; what `ctx` points at is owned by whoever made it */
    const struct td_view_column *columns;
    size_t column_count, rows;
    struct td_cell (*cell)(const struct td_model *model, size_t row, size_t column);
    const void *ctx;
    const uint32_t *order; /* optional permutation or selection of rows: row r shows order[r]; rows = its length */
};
struct td_cell td_model_cell(const struct td_model *model, size_t row, size_t column); /* through `order` */
int td_model_find(const struct td_model *model, const char *column);                   /* -1 when absent */

/* A model over record rows; `out` owns its column array: free with td_record_model_free. */
struct td_record_model {
    struct td_model model;
    const struct td_record *record;
    const void *items;
    struct td_view_column *columns;
};
enum td_code td_record_model_init(struct td_record_model *out, const struct td_record *record, const void *items, size_t rows,
                                  struct td_err *err);
void td_record_model_free(struct td_record_model *model);
void td_sheet_model(const struct td_sheet *sheet, struct td_view_column *columns, struct td_model *out); /* columns: count slots */
/* Choose and order columns by a comma-separated list; unknown names are TD_USAGE with the nearest known one, and so
 * is a column named twice. `map` has room
 * for every name; afterwards *count columns, map[i] = source column. */
enum td_code td_view_select(const struct td_model *model, const char *list, size_t *map, size_t max, size_t *count,
                            struct td_err *err);

/* ---- sorting and filtering: a selection of rows ---- */

struct td_selection { uint32_t *rows; size_t count; };
enum td_code td_selection_all(struct td_selection *out, size_t rows, struct td_err *err);
void td_selection_free(struct td_selection *selection);
/* "rvol30", "rvol30:asc", "ticker:desc", "info_rich,rvol30" (up to 8 columns, the first decides first): numbers, dates and
 * booleans default to descending, text (bytewise) to ascending; nulls last either way; stable. Names as in filters. `selection`
 * holds rows of the source, as everywhere in this part of the door. TD_USAGE, TD_NOMEM; the selection then is as before. */
enum td_code td_view_sort(const struct td_model *model, const char *spec, struct td_selection *selection, struct td_err *err);
struct td_filter;
/* Compile an expression ("rvol30 > 3 and abs(pctchg_d) >= 0.2 and (market_cap_d < 5e8 or market_cap_d is null)") against
 * the columns of `model`; free with td_filter_free. The filter keeps its own copy of `text` and may be matched by any number
 * of threads at once, against any model of the same columns.
 *   operators   or, and, not; = == != <> < <= > >=; is [not] null; [not] in (..), between .. and .., like 'AB%' (% any text,
 *               _ any byte); + - * /; abs(); parentheses. Keywords in any case.
 *   values      5, 0.25, 5e8, 5M (k m b t: powers of 1000), 20% (0.2); 'text' ('' for a quote); true, false; 2025-02-06 with
 *               or without quotes. A date beside a time column is midnight UTC; a quoted RFC 3339 time is taken too.
 *   columns     by name, by short name (cap market_cap_d, px price close_d, chg pctchg_d, vol vol_d, rvol rvol30, dvol
 *               dollar_vol_d, gap gap_pct_d, day trading_day), in any case, or in double quotes; a boolean one stands alone.
 *   null        comparison with null selects nothing, and neither does its negation: `not (cap > 5e8)` leaves out unknown
 *               caps just as `cap <= 5e8` does (SQL's three-valued logic). x / 0 is null. Integers compare exactly.
 * TD_USAGE names the column (characters, from 1), what was expected there, and shows the text around it: also for an unknown
 * column (with the nearest one), kinds that do not compare, more than 64 nested parentheses, more than 1 MiB. TD_NOMEM. */
enum td_code td_filter_parse(const char *text, const struct td_model *model, struct td_filter **out, struct td_err *err);
void td_filter_free(struct td_filter *filter);
bool td_filter_match(const struct td_filter *filter, const struct td_model *model, size_t row); /* row of the source, not of order */
enum td_code td_filter_apply(const struct td_filter *filter, const struct td_model *model, struct td_selection *selection,
                             struct td_err *err);

/* Does the filter read that column of its model? */
bool td_filter_reads(const struct td_filter *filter, size_t column);
/* What every row that matches satisfies of single columns, for skipping data that cannot match: the parts of a conjunction
 * that compare a column with a value. Free *out with td_free; texts point into the filter. TD_NOMEM. */
enum td_code td_filter_bounds(const struct td_filter *filter, struct td_scan_bound **out, size_t *count, struct td_err *err);

/* ---- column catalogue ---- */

enum td_style { TD_STYLE_TEXT, TD_STYLE_PRICE, TD_STYLE_RATIO, TD_STYLE_PERCENT, TD_STYLE_SHORT, TD_STYLE_COUNT, TD_STYLE_DAY,
                TD_STYLE_TIME, TD_STYLE_FLAG };
struct td_column_info {
    const char *name, *title; /* "rvol30", "RVOL" */
    enum td_style style;
    int width;
    const char *meaning; /* one sentence: definition and unit */
};
const struct td_column_info *td_column_find(const char *name);  /* NULL: not in the catalogue */
const struct td_column_info *td_column_at(size_t i);            /* NULL past the end */
/* A cell as a person reads it: "n/a" for null, +38.21 for a percentage, 88.1M, yes or no, New York time. Control and malformed
 * bytes of text show as `?`. Returns length; cut to size-1 at a whole character. Any thread, as all of this door. */
size_t td_cell_text(const struct td_cell *cell, enum td_style style, char *out, size_t size);

/* ---- writers ---- */

enum td_format { TD_FORMAT_TABLE, TD_FORMAT_CSV, TD_FORMAT_JSON };
struct td_out { /* where results go */
    enum td_format format;
    bool (*write)(void *ctx, const char *data, size_t len); /* false: nobody listens any more (EPIPE), stop: TD_IO */
    void *ctx;
    int width; /* columns of the terminal for tables, 0 = unlimited */
};
enum td_code td_out_text(struct td_out *out, const char *text, struct td_err *err);
enum td_code td_out_printf(struct td_out *out, struct td_err *err, const char *fmt, ...) TD_PRINTF(3, 4);
/* The whole model in out->format. `map`/`count`: chosen columns, NULL = all. */
enum td_code td_out_model(struct td_out *out, const struct td_model *model, const size_t *map, size_t count,
                          struct td_err *err);
/* The same row by row, for streams of unknown length. */
struct td_out_stream {
    struct td_out *out;
    const struct td_view_column *columns; /* borrowed until td_out_end */
    size_t count, rows;
    struct td_buf buf;
    struct td_view_table *table; /* of TD_FORMAT_TABLE: the first rows, until their widths are known */
    enum td_code code;           /* the first fault; later calls do nothing but return it */
};
enum td_code td_out_begin(struct td_out_stream *stream, struct td_out *out, const struct td_view_column *columns, size_t count,
                          struct td_err *err);
enum td_code td_out_row(struct td_out_stream *stream, const struct td_cell *cells, struct td_err *err);
enum td_code td_out_end(struct td_out_stream *stream, struct td_err *err); /* always call; also frees */
void td_cell_csv(struct td_buf *buf, const struct td_cell *cell);  /* design section 7 */
void td_cell_json(struct td_buf *buf, const struct td_cell *cell);
bool td_out_to_buf(void *ctx, const char *data, size_t len); /* ctx: struct td_buf * */

/* ---- what panes and commands both show of jobs ---- */

/* "[###---------]  27%  842/3107  ok 800 empty 40 skipped 2 failed 0  1.23M rows  ETA 0:07:56", with "retry 3" and
 * "throttled 2" where there are any. Shares are by weight where units have one, 100% only when all units are done; the ETA is
 * elapsed time x share left / share done, n/a before the first unit. An ended job says how and after how long: "done in
 * 0:10:21". Parts that do not fit in `width` columns (0 = no limit) are left out, failures last. ASCII; cut to size-1. */
void td_job_line(const struct td_job_view *view, int width, char *out, size_t size);

#endif
