/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bars out of other people's Parquet files of a ticker-first lake: columns by their usual names and of any numeric type, every
 * bar checked at the door. */
#include <stdio.h>
#include <string.h>
#include "bronze_file.h"
#include "ticker_first.h"

#define MAX_ROWS 4000000 /* of one ticker-month, duplicates included: a month has 44,640 minutes */

enum { T_TIME, T_OPEN, T_HIGH, T_LOW, T_CLOSE, T_VOLUME, T_VWAP, T_TRADES, T_COLS };
/* The one table of names that a file of minute bars may use, in order of preference (docs/lake.md repeats it). */
static const struct {
    const char *names[4];
    bool optional;
} wanted[T_COLS] = {
    [T_TIME] = {{"t", "timestamp", "window_start"}, false},
    [T_OPEN] = {{"o", "open"}, false},
    [T_HIGH] = {{"h", "high"}, false},
    [T_LOW] = {{"l", "low"}, false},
    [T_CLOSE] = {{"c", "close"}, false},
    [T_VOLUME] = {{"v", "volume"}, true},
    [T_VWAP] = {{"vw", "vwap"}, true},
    [T_TRADES] = {{"n", "transactions"}, true},
};

struct source { /* the columns of one file */
    const char *path;
    const struct td_pq_file *file;
    int leaf[T_COLS]; /* -1: not there */
    bool narrow[T_COLS];
};

static bool is_number(const struct td_pq_column *c)
{
    bool whole = c->type == TD_PQ_INT64 || c->type == TD_PQ_INT32;
    return !c->unsupported && (((whole || c->type == TD_PQ_DOUBLE || c->type == TD_PQ_FLOAT) && c->logical == TD_PQ_PLAIN) ||
                               (whole && c->logical == TD_PQ_INTEGER));
}

static bool is_time(const struct td_pq_column *c)
{
    return !c->unsupported && c->type == TD_PQ_INT64 &&
           (c->logical == TD_PQ_TIMESTAMP || c->logical == TD_PQ_PLAIN || c->logical == TD_PQ_INTEGER);
}

static enum td_code find_columns(struct source *s, struct td_err *err)
{
    for (int i = 0; i < T_COLS; i++) {
        s->leaf[i] = -1;
        for (size_t k = 0; s->leaf[i] < 0 && k < TD_COUNT(wanted[i].names) && wanted[i].names[k]; k++)
            s->leaf[i] = td_pq_find(s->file, wanted[i].names[k]);
        if (s->leaf[i] < 0 && !wanted[i].optional)
            return td_fail(err, TD_DATA, "%s: no column '%s' or '%s'; wanted are t, o, h, l, c and where there are such v, vw, n", s->path,
                           wanted[i].names[0], wanted[i].names[1]);
        const struct td_pq_column *have = s->leaf[i] >= 0 ? td_pq_column_at(s->file, (size_t)s->leaf[i]) : NULL;
        if (have && !(i == T_TIME ? is_time(have) : is_number(have)))
            return td_fail(err, TD_DATA, "%s: column '%s' is not %s; see 'tapedeck parquet schema'", s->path, have->name,
                           i == T_TIME ? "a time: TIMESTAMP or whole numbers since 1970" : "a number");
    }
    return TD_OK;
}

/* ---- values to the kinds of struct td_bars ---- */

/* In place: eight bytes in, eight bytes out. */
static void widen_to_f64(void *slots, const uint32_t *narrow, const struct td_pq_column *c, size_t n)
{
    double *out = slots;
    bool is_unsigned = c->logical == TD_PQ_INTEGER && !c->is_signed;
    for (size_t i = 0; i < n; i++) {
        int64_t whole;
        float single;
        switch (c->type) {
        case TD_PQ_INT64:
            memcpy(&whole, out + i, sizeof whole);
            out[i] = is_unsigned ? (double)(uint64_t)whole : (double)whole;
            break;
        case TD_PQ_INT32: out[i] = is_unsigned ? (double)narrow[i] : (double)(int32_t)narrow[i]; break;
        case TD_PQ_FLOAT:
            memcpy(&single, narrow + i, sizeof single);
            out[i] = (double)single;
            break;
        default: return;
        }
    }
}

static void to_counts(int64_t *slots, const uint32_t *narrow, const struct td_pq_column *c, size_t n)
{
    if (c->type == TD_PQ_INT64)
        return;
    widen_to_f64(slots, narrow, c, n);
    for (size_t i = 0; i < n; i++) {
        double value;
        memcpy(&value, slots + i, sizeof value);
        slots[i] = value >= 0 && value < 9e15 ? (int64_t)value : isnan(value) ? TD_NO_COUNT : -1; /* -1 is refused at the door */
    }
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Plain numbers say their unit by their size: from 1980 on the four do not overlap before the year 10000. */
static int64_t ms_of(int64_t value, const struct td_pq_column *c)
{
    int64_t size = value < 0 ? (value == INT64_MIN ? INT64_MAX : -value) : value;
    if (c->logical == TD_PQ_TIMESTAMP)
        return c->unit == TD_PQ_MILLIS ? value : floor_div(value, c->unit == TD_PQ_MICROS ? 1000 : 1000000);
    if (size < INT64_C(300000000000))
        return value * 1000;
    if (size < INT64_C(300000000000000))
        return value;
    return floor_div(value, size < INT64_C(300000000000000000) ? 1000 : 1000000);
}

static void to_ms(int64_t *slots, const struct td_pq_column *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        slots[i] = ms_of(slots[i], c);
}

/* ---- one file ---- */

static bool has_nulls(const struct source *s, int leaf)
{
    struct td_pq_chunk_info info;
    for (size_t g = 0; g < td_pq_group_count(s->file); g++) {
        td_pq_chunk(s->file, g, (size_t)leaf, &info);
        if (info.nulls != 0)
            return true;
    }
    return false;
}

/* Null prices and times become what the door refuses, null volumes what it lets pass. */
static void mark_nulls(struct td_bars *bars, size_t at, int column, const uint64_t *valid, size_t n)
{
    double *const doubles[T_COLS] = {[T_OPEN] = bars->open,   [T_HIGH] = bars->high,     [T_LOW] = bars->low,
                                     [T_CLOSE] = bars->close, [T_VOLUME] = bars->volume, [T_VWAP] = bars->vwap};
    for (size_t i = 0; i < n; i++) {
        if (td_pq_valid(valid, i))
            continue;
        if (column == T_TIME)
            bars->ts[at + i] = INT64_MIN;
        else if (column == T_TRADES)
            bars->trades[at + i] = TD_NO_COUNT;
        else
            doubles[column][at + i] = TD_NO_F64;
    }
}

static enum td_code read_batch(struct td_bronze_reader *reader, const struct source *s, const bool *nulls, struct td_bars *bars,
                               size_t n, struct td_err *err)
{
    size_t at = bars->n, got = 0, count = 0;
    void *const slots[T_COLS] = {bars->ts + at,    bars->open + at,   bars->high + at, bars->low + at,
                                 bars->close + at, bars->volume + at, bars->vwap + at, bars->trades + at};
    struct td_pq_array arrays[T_COLS];
    for (size_t i = 0; i < T_COLS; i++) {
        uint64_t *bits = reader->bits + i * TD_PQ_WORDS(BRONZE_BATCH);
        if (s->leaf[i] < 0)
            memset(bits, 0, TD_PQ_WORDS(BRONZE_BATCH) * sizeof *bits);
        else
            arrays[count++] = (struct td_pq_array){s->narrow[i] ? (void *)(reader->narrow + i * BRONZE_BATCH) : slots[i], nulls[i] ? bits : NULL};
    }
    enum td_code code = td_pq_read(reader->columns, arrays, n, &got, err);
    if (code == TD_OK && got != n)
        code = td_fail(err, TD_DATA, "%s: has fewer rows than its footer says", s->path);
    for (size_t i = 0; code == TD_OK && i < T_COLS; i++) {
        const struct td_pq_column *c = s->leaf[i] >= 0 ? td_pq_column_at(s->file, (size_t)s->leaf[i]) : NULL;
        const uint32_t *narrow = reader->narrow + i * BRONZE_BATCH;
        if (c && i == T_TIME)
            to_ms(slots[i], c, n);
        else if (c && i == T_TRADES)
            to_counts(slots[i], narrow, c, n);
        else if (c)
            widen_to_f64(slots[i], narrow, c, n);
        if (!c || nulls[i])
            mark_nulls(bars, at, (int)i, reader->bits + i * TD_PQ_WORDS(BRONZE_BATCH), n);
    }
    return code;
}

static enum td_code read_rows(struct td_bronze_reader *reader, struct source *s, struct td_bars *bars, struct td_err *err)
{
    int leaves[T_COLS];
    bool nulls[T_COLS] = {false};
    size_t count = 0;
    int64_t rows = td_pq_rows(s->file);
    if (rows > MAX_ROWS || bars->n + (size_t)rows > MAX_ROWS)
        return td_fail(err, TD_LIMIT, "%s: more than %d rows for one month", s->path, MAX_ROWS);
    for (size_t i = 0; i < T_COLS; i++) {
        if (s->leaf[i] < 0)
            continue;
        s->narrow[i] = td_pq_width(td_pq_column_at(s->file, (size_t)s->leaf[i])->type) == 4;
        nulls[i] = has_nulls(s, s->leaf[i]);
        leaves[count++] = s->leaf[i];
    }
    if (!reader->narrow)
        reader->narrow = td_malloc((size_t)T_COLS * BRONZE_BATCH * sizeof *reader->narrow);
    if (!reader->bits)
        reader->bits = td_malloc((size_t)T_COLS * TD_PQ_WORDS(BRONZE_BATCH) * sizeof *reader->bits);
    if (!reader->narrow || !reader->bits)
        return td_fail(err, TD_NOMEM, "%s: out of memory", s->path);
    enum td_code code = reader->columns ? td_pq_reader_reset(reader->columns, s->file, leaves, count, err)
                                        : td_pq_reader_new(s->file, leaves, count, &reader->columns, err);
    for (int64_t done = 0; code == TD_OK && done < rows;) {
        size_t n = rows - done < BRONZE_BATCH ? (size_t)(rows - done) : BRONZE_BATCH;
        code = td_bars_reserve(bars, bars->n + n, err);
        if (code == TD_OK)
            code = read_batch(reader, s, nulls, bars, n, err);
        bars->n += code == TD_OK ? n : 0;
        done += (int64_t)n;
    }
    return code;
}

static enum td_code read_file(struct td_bronze_reader *reader, const char *path, struct td_bars *bars, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    struct source source = {.path = path, .file = file};
    if (code == TD_OK)
        code = find_columns(&source, err);
    if (code == TD_OK)
        code = read_rows(reader, &source, bars, err);
    td_pq_close(file);
    return code;
}

/* ---- one ticker-month ---- */

static bool ascending(const struct td_bars *bars)
{
    bool fine = true;
    for (size_t i = 1; i < bars->n; i++)
        fine &= bars->ts[i - 1] < bars->ts[i];
    return fine;
}

static void take_out_bad(struct td_bars *bars, struct td_intraday_counts *counts)
{
    size_t kept = 0;
    for (size_t i = 0; i < bars->n; i++) {
        struct td_bar bar = td_bars_get(bars, i);
        enum td_reason reason = td_bar_check(&bar, false);
        counts->quarantined[reason] += reason != TD_REASON_NONE;
        if (reason != TD_REASON_NONE)
            continue;
        if (kept != i) {
            bars->ts[kept] = bar.ts;
            bars->open[kept] = bar.open;
            bars->high[kept] = bar.high;
            bars->low[kept] = bar.low;
            bars->close[kept] = bar.close;
            bars->volume[kept] = bar.volume;
            bars->vwap[kept] = bar.vwap;
            bars->trades[kept] = bar.trades;
        }
        kept++;
    }
    bars->n = kept;
}

/* A month's files hold that month: by UTC dates or by exchange dates, so a day more at either end. */
static enum td_code check_month(const struct td_bars *bars, const char *root, const char *ticker, int32_t month, struct td_bronze_info *info,
                                struct td_err *err)
{
    td_day first, last;
    int32_t ms;
    if (bars->n == 0)
        return TD_OK;
    td_ny_split(bars->ts[0], &first, &ms);
    td_ny_split(bars->ts[bars->n - 1], &last, &ms);
    if (first < td_month_first(month) - TD_INTRADAY_SPILL || last > td_month_last(month) + TD_INTRADAY_SPILL) {
        char text[16];
        td_format_day(first < td_month_first(month) - TD_INTRADAY_SPILL ? first : last, text);
        return td_fail(err, TD_DATA, "%s/%s/year=%d/month=%02d: holds a bar of %s", root, ticker, month / 12, month % 12 + 1, text);
    }
    info->last_day = last;
    return td_ranges_add(&info->vouched, first, last, err);
}

enum td_code td_intraday_read(struct td_bronze_reader *reader, const char *root, const char *ticker, int32_t month,
                              struct td_bars *bars, struct td_bronze_info *info, struct td_intraday_counts *counts,
                              struct td_err *err)
{
    struct td_names files = {0};
    struct td_bars own = {0};
    struct td_bars *into = bars->n ? &own : bars; /* what the caller has is not sorted among what comes */
    uint64_t conflicts = 0;
    *info = (struct td_bronze_info){.source = "intraday", .adjusted = "raw", .last_day = TD_NO_DAY};
    *counts = (struct td_intraday_counts){0};
    enum td_code code = td_intraday_hash(root, ticker, month, &info->hash, err);
    if (code == TD_OK)
        code = ticker_first_files(root, ticker, month, &files, err);
    for (size_t i = 0; code == TD_OK && i < files.count; i++)
        code = read_file(reader, files.items[i], into, err);
    counts->rows = into->n;
    if (code == TD_OK)
        take_out_bad(into, counts);
    if (code == TD_OK && !ascending(into))
        code = td_bars_clean(into, &counts->duplicates, &conflicts, err);
    counts->quarantined[TD_REASON_CONFLICT] += conflicts;
    info->rows = (int64_t)into->n;
    if (code == TD_OK)
        code = check_month(into, root, ticker, month, info, err);
    for (size_t i = 0; code == TD_OK && i < own.n; i++) {
        struct td_bar bar = td_bars_get(&own, i);
        code = td_bars_add(bars, &bar, err);
    }
    if (code != TD_OK && into == bars)
        bars->n = 0;
    td_bars_free(&own);
    td_names_free(&files);
    return code;
}
