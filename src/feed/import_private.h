/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inside of the import of local files. A file becomes rows of cells (import_csv.c, import_json.c, import_table.c); its
 * columns get roles (import_columns.c); stamps are read (import_time.c); rows become checked bars (import_rows.c). */
#ifndef TAPEDECK_FEED_IMPORT_PRIVATE_H
#define TAPEDECK_FEED_IMPORT_PRIVATE_H

#include <tapedeck/feed.h>

#define IMPORT_MAX_COLUMNS 256
#define IMPORT_MAX_PARTS 3 /* of a joined timestamp */
#define IMPORT_MAX_TICKERS 100000
#define IMPORT_VOTES 4096 /* stamps looked at to find the unit of a file */

/* ---- cells ---- */

enum import_cell_kind { IMPORT_CELL_NULL, IMPORT_CELL_TEXT, IMPORT_CELL_F64, IMPORT_CELL_I64, IMPORT_CELL_MS };
struct import_cell {
    enum import_cell_kind kind;
    struct td_str text; /* borrowed */
    double f64;
    int64_t i64; /* also IMPORT_CELL_MS: UTC ms */
};

static inline struct import_cell import_text(const char *ptr, size_t len)
{
    return (struct import_cell){.kind = IMPORT_CELL_TEXT, .text = {ptr, len}};
}

/* ---- bytes: plain or gzip, streamed ---- */

struct import_input;
/* Recognises gzip by its first bytes. Compressed formats we cannot read, UTF-16 and Parquet are named and refused. */
enum td_code import_open(const char *path, uint64_t max_bytes, struct import_input **out, struct td_err *err);
/* Fill buf as far as possible; *got < size only at the end. TD_DATA with the offset when gzip data is damaged or cut.
 */
enum td_code import_read(struct import_input *input, char *buf, size_t size, size_t *got, struct td_err *err);
void import_close(struct import_input *input);

/* ---- columns ---- */

enum import_role {
    IMPORT_OPEN,
    IMPORT_HIGH,
    IMPORT_LOW,
    IMPORT_CLOSE,
    IMPORT_VOLUME, /* asked for when missing, as is the time */
    IMPORT_VWAP,
    IMPORT_TRADES,
    IMPORT_TICKER,
    IMPORT_ROLES
};
struct import_shape {
    int column[IMPORT_ROLES];   /* -1: the file has none */
    int time[IMPORT_MAX_PARTS]; /* joined by one blank */
    int time_parts;
    size_t columns; /* of the header */
};
/* Give roles to names by the usual spellings, then by options->columns. TD_DATA lists what was found and what to say.
 */
enum td_code import_shape_find(const struct td_str *names, size_t count, const struct td_import_options *options,
                               const char *path, struct import_shape *out, struct td_err *err);

/* ---- time ---- */

enum import_unit {
    IMPORT_UNIT_S,
    IMPORT_UNIT_MS,
    IMPORT_UNIT_US,
    IMPORT_UNIT_NS,     /* integers */
    IMPORT_UNIT_TEXT,   /* dates and times */
    IMPORT_UNIT_FORMAT, /* options->strptime */
    IMPORT_UNITS
};
struct import_clock {
    enum import_unit unit;
    bool settled, daily, new_york, end_stamped;
    const char *format;
    unsigned votes[IMPORT_UNITS];
    td_day memo_day; /* New York midnight of the latest date */
    int64_t memo_ms;
};
enum td_code import_clock_init(struct import_clock *clock, const struct td_import_options *options, struct td_err *err);
/* The unit is a property of the file: let stamps vote by magnitude, then settle. Nothing happens once settled. */
void import_clock_vote(struct import_clock *clock, const struct import_cell *cell);
void import_clock_settle(struct import_clock *clock);
/* UTC ms of the bar's start. TD_REASON_UNREADABLE: no stamp of this file's kind; TD_REASON_TIME: finer than a ms. */
enum td_reason import_clock_read(struct import_clock *clock, const struct import_cell *cell, int64_t *ms);

/* ---- rows ---- */

struct import_stage {
    const char *path;
    const struct td_import_options *options;
    struct td_import_result *out;
    struct import_shape shape;
    struct import_clock clock;
    char ticker[TD_TICKER_MAX]; /* of the whole file, "" when rows name it */
    uint32_t *slots;            /* hash of tickers to series + 1 */
    size_t slot_count;
    size_t last; /* series of the row before */
    bool by_row; /* places are row numbers, not lines: JSON and tables */
};
enum td_code import_stage_init(struct import_stage *stage, const char *path, const struct td_import_options *options,
                               struct td_import_result *out, struct td_err *err);
/* What the file itself says about its ticker (JSON): used unless --ticker is given, which must then agree. */
enum td_code import_stage_ticker(struct import_stage *stage, const char *ticker, size_t len, struct td_err *err);
/* TD_DATA when neither the rows nor the file nor the options name a ticker. Call when the shape is known. */
enum td_code import_stage_ready(struct import_stage *stage, struct td_err *err);
/* The stamp cell of a row: one cell, or several joined into `room`. False when a part is missing. */
bool import_stamp_cell(const struct import_shape *shape, const struct import_cell *cells, size_t count, char *room,
                       size_t size, struct import_cell *out);
/* Count one row and keep or quarantine it; `line` (0 = unknown) is for the report. */
enum td_code import_stage_row(struct import_stage *stage, const struct import_cell *cells, size_t count, uint64_t line,
                              struct td_err *err);
/* Quarantine one row that has no cells (a broken record). */
void import_stage_bad(struct import_stage *stage, enum td_reason reason, uint64_t line, struct td_str what);
/* Sort and clean every series, drop empty ones. */
enum td_code import_stage_finish(struct import_stage *stage, struct td_err *err);
void import_stage_free(struct import_stage *stage);

/* ---- formats ---- */

/* `head` are the first bytes already read from input. */
enum td_code import_csv(struct import_stage *stage, struct import_input *input, const char *head, size_t len,
                        struct td_err *err);
enum td_code import_json(struct import_stage *stage, struct import_input *input, const char *head, size_t len,
                         struct td_err *err);

#endif
