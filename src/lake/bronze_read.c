/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading bronze files: the footer alone, or the bars, with one reader a thread for as many files as it likes. */
#include <string.h>
#include "bronze_file.h"

const struct td_pq_column bronze_columns[COLS] = {
    [COL_TICKER] = {.name = "ticker", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING},
    [COL_TS] = {.name = "timestamp", .type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_MILLIS, .utc = true},
    [COL_OPEN] = {.name = "open", .type = TD_PQ_DOUBLE},
    [COL_HIGH] = {.name = "high", .type = TD_PQ_DOUBLE},
    [COL_LOW] = {.name = "low", .type = TD_PQ_DOUBLE},
    [COL_CLOSE] = {.name = "close", .type = TD_PQ_DOUBLE},
    [COL_VOLUME] = {.name = "volume", .type = TD_PQ_DOUBLE, .optional = true},
    [COL_VWAP] = {.name = "vwap", .type = TD_PQ_DOUBLE, .optional = true},
    [COL_TRADES] = {.name = "transactions", .type = TD_PQ_INT64, .optional = true},
};

void td_bronze_info_free(struct td_bronze_info *info)
{
    td_ranges_free(&info->vouched);
}

enum td_code bronze_read_info(const struct td_pq_file *file, const char *path, struct td_bronze_info *info, struct td_err *err)
{
    const char *schema = td_pq_meta(file, "tapedeck.schema");
    if (schema && strcmp(schema, BRONZE_SCHEMA) != 0 && strncmp(schema, "bars/", 5) == 0)
        return td_fail(err, TD_UNSUPPORTED, "%s: schema '%s' is newer than this program's '%s'; update tapedeck", path, schema,
                       BRONZE_SCHEMA);
    if (!schema || strcmp(schema, BRONZE_SCHEMA) != 0)
        return td_fail(err, TD_DATA, "%s: schema '%s' where '%s' is expected; not a bronze file: bring it in with "
                       "'tapedeck import'", path, schema ? schema : "none", BRONZE_SCHEMA);
    const char *source = td_pq_meta(file, "tapedeck.source"), *adjusted = td_pq_meta(file, "tapedeck.adjusted");
    const char *range = td_pq_meta(file, "tapedeck.range"), *hash = td_pq_meta(file, "tapedeck.hash");
    info->rows = td_pq_rows(file);
    td_copy(info->source, sizeof info->source, source ? source : "");
    td_copy(info->adjusted, sizeof info->adjusted, adjusted ? adjusted : "raw");
    const char *last = td_pq_meta(file, "tapedeck.last");
    info->last_day = TD_NO_DAY;
    if (last && *last && !td_parse_day(last, strlen(last), &info->last_day))
        return td_fail(err, TD_DATA, "%s: tapedeck.last '%.20s' is not a day", path, last);
    info->hash = 0;
    for (const char *p = hash ? hash : ""; *p; p++)
        info->hash = info->hash * 16 + (uint64_t)(*p <= '9' ? *p - '0' : (*p | 32) - 'a' + 10);
    enum td_code code = range ? lake_ranges_parse(range, &info->vouched, err) : TD_OK;
    return code == TD_OK ? TD_OK : td_context(err, "%s", path);
}

enum td_code td_bronze_stat(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_bronze_info *info, struct td_err *err)
{
    *info = (struct td_bronze_info){0};
    struct td_buf path;
    td_buf_init(&path, 2048);
    struct td_pq_file *file = NULL;
    enum td_code code = td_bronze_path(lake, table, ticker, month, &path, err);
    if (code == TD_OK)
        code = td_pq_open(path.data, NULL, &file, err);
    if (code == TD_OK)
        code = bronze_read_info(file, path.data, info, err);
    td_pq_close(file);
    td_buf_free(&path);
    return code;
}

enum td_code td_bronze_reader_new(struct td_bronze_reader **out, struct td_err *err)
{
    *out = td_calloc(1, sizeof **out);
    return *out ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: a reader of bars");
}

void td_bronze_reader_free(struct td_bronze_reader *reader)
{
    if (!reader)
        return;
    td_pq_reader_free(reader->columns);
    td_free(reader->tickers);
    td_free(reader->narrow);
    td_free(reader->bits);
    td_free(reader);
}

struct bronze_plan { /* of one file */
    int leaf[COLS];     /* -1: not in the file, or not worth decoding */
    bool no_nulls[COLS]; /* the footer says so; a file that lies is found by the decoder */
};

static bool never_null(const struct td_pq_file *file, int leaf)
{
    struct td_pq_chunk_info info;
    for (size_t g = 0; g < td_pq_group_count(file); g++) {
        td_pq_chunk(file, g, (size_t)leaf, &info);
        if (info.nulls != 0)
            return false;
    }
    return true;
}

/* Every row carries this ticker, by the bounds in the footer. */
static bool ticker_by_bounds(const struct td_pq_file *file, int leaf, const char *ticker)
{
    struct td_pq_chunk_info info;
    for (size_t g = 0; g < td_pq_group_count(file); g++) {
        td_pq_chunk(file, g, (size_t)leaf, &info);
        if (!info.has_min_max || !td_str_is(info.min, ticker) || !td_str_is(info.max, ticker))
            return false;
    }
    return never_null(file, leaf);
}

/* By name; a missing optional column is read as null. */
static enum td_code plan_columns(const struct td_pq_file *file, const char *path, const char *ticker, struct bronze_plan *plan,
                                 struct td_err *err)
{
    for (int i = 0; i < COLS; i++) {
        plan->leaf[i] = td_pq_find(file, bronze_columns[i].name);
        const struct td_pq_column *have = plan->leaf[i] >= 0 ? td_pq_column_at(file, (size_t)plan->leaf[i]) : NULL;
        if (have ? !lake_column_fits(have, &bronze_columns[i]) : !bronze_columns[i].optional)
            return td_fail(err, TD_DATA, "%s: column '%s' is %s", path, bronze_columns[i].name,
                           have ? "of another type" : "missing");
        plan->no_nulls[i] = plan->leaf[i] >= 0 && never_null(file, plan->leaf[i]);
    }
    if (ticker_by_bounds(file, plan->leaf[COL_TICKER], ticker))
        plan->leaf[COL_TICKER] = -1;
    return TD_OK;
}

/* Every row must carry the ticker of the file's name; strings repeat, so pointers into one dictionary compare first. */
static enum td_code check_tickers(const struct td_str *tickers, size_t rows, const char *ticker, const char *path,
                                  struct td_err *err)
{
    const char *seen = NULL;
    for (size_t i = 0; i < rows; i++) {
        if (tickers[i].ptr == seen)
            continue;
        if (!td_str_is(tickers[i], ticker))
            return td_fail(err, TD_DATA, "%s: row %zu holds ticker '%.*s', not '%s'", path, i, (int)tickers[i].len,
                           tickers[i].ptr, ticker);
        seen = tickers[i].ptr;
    }
    return TD_OK;
}

static void mark_nulls(double *values, const uint64_t *valid, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!td_pq_valid(valid, i))
            values[i] = TD_NO_F64;
}

/* One batch behind the bars that are there; room for it has been made. */
static enum td_code read_batch(struct td_bronze_reader *reader, const struct bronze_plan *plan, struct td_bars *bars, size_t want,
                               size_t *got, struct td_err *err)
{
    size_t at = bars->n;
    struct td_pq_array arrays[COLS], all[COLS] = {
        [COL_TICKER] = {reader->tickers, NULL},
        [COL_TS] = {bars->ts + at, NULL},
        [COL_OPEN] = {bars->open + at, NULL},
        [COL_HIGH] = {bars->high + at, NULL},
        [COL_LOW] = {bars->low + at, NULL},
        [COL_CLOSE] = {bars->close + at, NULL},
        [COL_VOLUME] = {bars->volume + at, reader->valid[0]},
        [COL_VWAP] = {bars->vwap + at, reader->valid[1]},
        [COL_TRADES] = {bars->trades + at, reader->valid[2]},
    };
    size_t count = 0;
    for (size_t i = 0; i < COLS; i++) {
        if (plan->no_nulls[i])
            all[i].valid = NULL;
        else if (plan->leaf[i] < 0 && all[i].valid) /* of a missing column every row is null */
            memset(all[i].valid, 0, sizeof reader->valid[0]);
        if (plan->leaf[i] >= 0)
            arrays[count++] = all[i];
    }
    enum td_code code = td_pq_read(reader->columns, arrays, want, got, err);
    if (code != TD_OK)
        return code;
    if (all[COL_VOLUME].valid)
        mark_nulls(bars->volume + at, all[COL_VOLUME].valid, *got);
    if (all[COL_VWAP].valid)
        mark_nulls(bars->vwap + at, all[COL_VWAP].valid, *got);
    for (size_t i = 0; all[COL_TRADES].valid && i < *got; i++)
        if (!td_pq_valid(all[COL_TRADES].valid, i))
            bars->trades[at + i] = TD_NO_COUNT;
    return TD_OK;
}

static enum td_code read_rows(struct td_bronze_reader *reader, const struct bronze_plan *plan, int64_t rows, const char *ticker,
                              const char *path, struct td_bars *bars, struct td_err *err)
{
    if (rows < 0 || rows > INT32_MAX)
        return td_fail(err, TD_DATA, "%s: %lld rows are too many for a ticker-month", path, (long long)rows);
    enum td_code code = TD_OK;
    if (plan->leaf[COL_TICKER] >= 0 && !reader->tickers) {
        reader->tickers = td_malloc(BRONZE_BATCH * sizeof *reader->tickers);
        if (!reader->tickers)
            return td_fail(err, TD_NOMEM, "%s: out of memory", path);
    }
    for (int64_t total = 0; code == TD_OK && total < rows;) {
        size_t want = rows - total < BRONZE_BATCH ? (size_t)(rows - total) : BRONZE_BATCH, got = 0;
        code = td_bars_reserve(bars, bars->n + want, err);
        if (code == TD_OK)
            code = read_batch(reader, plan, bars, want, &got, err);
        if (code == TD_OK && got == 0)
            code = td_fail(err, TD_DATA, "%s: ends after %lld of %lld rows", path, (long long)total, (long long)rows);
        if (code == TD_OK && plan->leaf[COL_TICKER] >= 0)
            code = check_tickers(reader->tickers, got, ticker, path, err);
        bars->n += code == TD_OK ? got : 0;
        total += (int64_t)got;
    }
    return code;
}

static enum td_code read_open_file(struct td_bronze_reader *reader, const struct td_pq_file *file, const char *path,
                                   const char *ticker, struct td_bars *bars, struct td_err *err)
{
    struct bronze_plan plan;
    int leaves[COLS];
    size_t count = 0;
    enum td_code code = plan_columns(file, path, ticker, &plan, err);
    for (size_t i = 0; code == TD_OK && i < COLS; i++)
        if (plan.leaf[i] >= 0)
            leaves[count++] = plan.leaf[i];
    if (code == TD_OK)
        code = reader->columns ? td_pq_reader_reset(reader->columns, file, leaves, count, err)
                               : td_pq_reader_new(file, leaves, count, &reader->columns, err);
    if (code == TD_OK)
        code = read_rows(reader, &plan, td_pq_rows(file), ticker, path, bars, err);
    return code;
}

enum td_code bronze_read_file(struct td_bronze_reader *reader, const char *path, const char *ticker, struct td_bars *bars,
                              struct td_bronze_info *info, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    struct td_bronze_reader *own_reader = NULL;
    struct td_bronze_info own = {0};
    size_t before = bars->n;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = bronze_read_info(file, path, info ? info : &own, err);
    if (code == TD_OK && !reader)
        code = td_bronze_reader_new(&own_reader, err);
    if (code == TD_OK)
        code = read_open_file(reader ? reader : own_reader, file, path, ticker, bars, err);
    for (size_t i = before + 1; code == TD_OK && i < bars->n; i++)
        if (bars->ts[i] <= bars->ts[i - 1])
            code = td_fail(err, TD_DATA, "%s: time does not ascend at row %zu", path, i - before);
    if (code != TD_OK)
        bars->n = before;
    td_bronze_reader_free(own_reader);
    td_pq_close(file);
    td_bronze_info_free(&own);
    return code;
}

enum td_code td_bronze_reader_read(struct td_bronze_reader *reader, const struct td_lake *lake, enum td_table table,
                                   const char *ticker, int32_t month, struct td_bars *bars, struct td_bronze_info *info,
                                   struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    if (info)
        *info = (struct td_bronze_info){0};
    enum td_code code = td_bronze_path(lake, table, ticker, month, &path, err);
    if (code == TD_OK)
        code = bronze_read_file(reader, path.data, ticker, bars, info, err);
    td_buf_free(&path);
    return code;
}

enum td_code td_bronze_read(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_bars *bars, struct td_bronze_info *info, struct td_err *err)
{
    return td_bronze_reader_read(NULL, lake, table, ticker, month, bars, info, err);
}
