/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bronze files: the bars of one ticker and exchange month. Reading, and merging that never loses a row. */
#include <stdio.h>
#include <string.h>
#include "lake_internal.h"

#define BRONZE_SCHEMA "bars/1"
#define BATCH_ROWS 32768

static const char *const table_names[TD_TABLE_COUNT] = {"stocks_minute", "stocks_daily"};

/* Column order of design section 4. */
enum { COL_TICKER, COL_TS, COL_OPEN, COL_HIGH, COL_LOW, COL_CLOSE, COL_VOLUME, COL_VWAP, COL_TRADES, COLS };
static const struct td_pq_column bar_columns[COLS] = {
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

const char *td_table_name(enum td_table table)
{
    return (size_t)table < TD_TABLE_COUNT ? table_names[table] : "?";
}

bool td_table_parse(const char *name, enum td_table *out)
{
    for (size_t i = 0; i < TD_TABLE_COUNT; i++)
        if (strcmp(name, table_names[i]) == 0) {
            *out = (enum td_table)i;
            return true;
        }
    return false;
}

enum td_code td_bronze_path(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_buf *out, struct td_err *err)
{
    char name[128];
    if (!td_ticker_valid(ticker) || !td_path_encode(ticker, name, sizeof name))
        return td_fail(err, TD_DATA, "ticker '%.40s' is not 1 to %d printable characters without blanks", ticker,
                       TD_TICKER_MAX - 1);
    return lake_path(lake, out, err, "bronze/%s/year=%04d/month=%02d/ticker=%s.parquet", td_table_name(table), month / 12,
                     month % 12 + 1, name);
}

void td_bronze_info_free(struct td_bronze_info *info)
{
    td_ranges_free(&info->vouched);
}

static enum td_code read_info(const struct td_pq_file *file, const char *path, struct td_bronze_info *info, struct td_err *err)
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
        code = read_info(file, path.data, info, err);
    td_pq_close(file);
    td_buf_free(&path);
    return code;
}

/* By name; a missing optional column is read as null: columns[] is then -1. */
static enum td_code check_columns(const struct td_pq_file *file, const char *path, int columns[COLS], struct td_err *err)
{
    for (int i = 0; i < COLS; i++) {
        columns[i] = td_pq_find(file, bar_columns[i].name);
        const struct td_pq_column *have = columns[i] >= 0 ? td_pq_column_at(file, (size_t)columns[i]) : NULL;
        if (have ? !lake_column_fits(have, &bar_columns[i]) : !bar_columns[i].optional)
            return td_fail(err, TD_DATA, "%s: column '%s' is %s", path, bar_columns[i].name,
                           have ? "of another type" : "missing");
    }
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

static enum td_code read_rows(struct td_pq_reader *reader, const int columns[COLS], int64_t rows, const char *ticker,
                              const char *path, struct td_bars *bars, struct td_err *err)
{
    if (rows < 0 || rows > INT32_MAX)
        return td_fail(err, TD_DATA, "%s: %lld rows are too many for a ticker-month", path, (long long)rows);
    struct td_str *tickers = td_malloc(BATCH_ROWS * sizeof *tickers);
    uint64_t *valid = td_malloc(3 * TD_PQ_WORDS(BATCH_ROWS) * sizeof *valid);
    enum td_code code = tickers && valid ? TD_OK : td_fail(err, TD_NOMEM, "%s: out of memory", path);
    int64_t total = 0;
    while (code == TD_OK && total < rows) {
        size_t want = rows - total < BATCH_ROWS ? (size_t)(rows - total) : BATCH_ROWS, at = bars->n, got = 0;
        code = td_bars_reserve(bars, at + want, err);
        if (code != TD_OK)
            break;
        uint64_t *valid_volume = valid, *valid_vwap = valid + TD_PQ_WORDS(BATCH_ROWS),
                 *valid_trades = valid + 2 * TD_PQ_WORDS(BATCH_ROWS);
        memset(valid, 0, 3 * TD_PQ_WORDS(BATCH_ROWS) * sizeof *valid); /* of a missing column every row is null */
        const struct td_pq_array all[COLS] = {
            [COL_TICKER] = {tickers, NULL},          [COL_TS] = {bars->ts + at, NULL},
            [COL_OPEN] = {bars->open + at, NULL},    [COL_HIGH] = {bars->high + at, NULL},
            [COL_LOW] = {bars->low + at, NULL},      [COL_CLOSE] = {bars->close + at, NULL},
            [COL_VOLUME] = {bars->volume + at, valid_volume}, [COL_VWAP] = {bars->vwap + at, valid_vwap},
            [COL_TRADES] = {bars->trades + at, valid_trades},
        };
        struct td_pq_array arrays[COLS];
        for (size_t i = 0, k = 0; i < COLS; i++)
            if (columns[i] >= 0)
                arrays[k++] = all[i];
        code = td_pq_read(reader, arrays, want, &got, err);
        if (code == TD_OK && got == 0)
            code = td_fail(err, TD_DATA, "%s: ends after %lld of %lld rows", path, (long long)total, (long long)rows);
        if (code != TD_OK)
            break;
        for (size_t i = 0; i < got; i++) {
            if (!td_pq_valid(valid_volume, i))
                bars->volume[at + i] = TD_NO_F64;
            if (!td_pq_valid(valid_vwap, i))
                bars->vwap[at + i] = TD_NO_F64;
            if (!td_pq_valid(valid_trades, i))
                bars->trades[at + i] = TD_NO_COUNT;
        }
        code = check_tickers(tickers, got, ticker, path, err);
        bars->n += got;
        total += (int64_t)got;
    }
    td_free(tickers);
    td_free(valid);
    return code;
}

static enum td_code read_file(const char *path, const char *ticker, struct td_bars *bars, struct td_bronze_info *info,
                              struct td_err *err)
{
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    struct td_bronze_info own = {0};
    int columns[COLS], leaves[COLS];
    size_t before = bars->n, count = 0;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = read_info(file, path, info ? info : &own, err);
    if (code == TD_OK)
        code = check_columns(file, path, columns, err);
    for (size_t i = 0; code == TD_OK && i < COLS; i++)
        if (columns[i] >= 0)
            leaves[count++] = columns[i];
    if (code == TD_OK)
        code = td_pq_reader_new(file, leaves, count, &reader, err);
    if (code == TD_OK)
        code = read_rows(reader, columns, td_pq_rows(file), ticker, path, bars, err);
    for (size_t i = before + 1; code == TD_OK && i < bars->n; i++)
        if (bars->ts[i] <= bars->ts[i - 1])
            code = td_fail(err, TD_DATA, "%s: time does not ascend at row %zu", path, i - before);
    if (code != TD_OK)
        bars->n = before;
    td_pq_reader_free(reader);
    td_pq_close(file);
    td_bronze_info_free(&own);
    return code;
}

enum td_code td_bronze_read(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_bars *bars, struct td_bronze_info *info, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    if (info)
        *info = (struct td_bronze_info){0};
    enum td_code code = td_bronze_path(lake, table, ticker, month, &path, err);
    if (code == TD_OK)
        code = read_file(path.data, ticker, bars, info, err);
    td_buf_free(&path);
    return code;
}

/* ---- merging ---- */

static uint64_t content_hash(const struct td_bars *bars, const struct td_bronze_info *info)
{
    uint64_t h = td_hash64(bars->ts, bars->n * sizeof *bars->ts, 1);
    const double *const doubles[] = {bars->open, bars->high, bars->low, bars->close};
    for (size_t k = 0; k < TD_COUNT(doubles); k++)
        h = td_hash64(doubles[k], bars->n * sizeof(double), h);
    for (size_t i = 0; i < bars->n; i++) { /* NaN has many bit patterns, null has one */
        double optional[2] = {isnan(bars->volume[i]) ? -1 : bars->volume[i], isnan(bars->vwap[i]) ? -1 : bars->vwap[i]};
        h = td_hash64(optional, sizeof optional, h);
    }
    h = td_hash64(bars->trades, bars->n * sizeof *bars->trades, h);
    h = td_hash64(info->source, strlen(info->source), h);
    h = td_hash64(info->adjusted, strlen(info->adjusted), h);
    for (size_t i = 0; i < info->vouched.count; i++)
        h = td_hash64(&info->vouched.items[i], sizeof info->vouched.items[i], h);
    return h;
}

static void set_valid(uint64_t *valid, size_t i, bool on)
{
    if (on)
        valid[i / 64] |= UINT64_C(1) << (i % 64);
}

static enum td_code write_rows(struct td_pq_writer *writer, const char *ticker, const struct td_bars *bars, struct td_err *err)
{
    size_t most = bars->n < BATCH_ROWS ? bars->n : BATCH_ROWS; /* most months of most tickers are far shorter */
    struct td_str *tickers = td_calloc(most, sizeof *tickers), same = td_str_of(ticker);
    size_t words = TD_PQ_WORDS(most);
    uint64_t *valid = td_calloc(3 * words, sizeof *valid);
    enum td_code code = tickers && valid ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: a batch of bars");
    for (size_t i = 0; code == TD_OK && i < most; i++)
        tickers[i] = same;
    for (size_t at = 0; code == TD_OK && at < bars->n; at += BATCH_ROWS) {
        size_t n = bars->n - at < BATCH_ROWS ? bars->n - at : BATCH_ROWS;
        memset(valid, 0, 3 * words * sizeof *valid);
        for (size_t i = 0; i < n; i++) {
            set_valid(valid, i, !isnan(bars->volume[at + i]));
            set_valid(valid + words, i, !isnan(bars->vwap[at + i]));
            set_valid(valid + 2 * words, i, bars->trades[at + i] != TD_NO_COUNT);
        }
        const struct td_pq_array arrays[COLS] = {
            [COL_TICKER] = {tickers, NULL},       [COL_TS] = {bars->ts + at, NULL},
            [COL_OPEN] = {bars->open + at, NULL}, [COL_HIGH] = {bars->high + at, NULL},
            [COL_LOW] = {bars->low + at, NULL},   [COL_CLOSE] = {bars->close + at, NULL},
            [COL_VOLUME] = {bars->volume + at, valid},
            [COL_VWAP] = {bars->vwap + at, valid + words},
            [COL_TRADES] = {bars->trades + at, valid + 2 * words},
        };
        code = td_pq_write(writer, arrays, n, err);
    }
    td_free(tickers);
    td_free(valid);
    return code;
}

static enum td_code write_meta(struct td_pq_writer *writer, const struct td_bronze_info *info, const struct td_bars *bars,
                               struct td_err *err)
{
    char number[32], hash[32], through[16] = "", last[16] = "";
    struct td_buf range;
    td_buf_init(&range, 1 << 20);
    lake_ranges_format(&info->vouched, &range);
    td_snprintf(number, sizeof number, "%zu", bars->n);
    if (bars->n) {
        td_day day;
        int32_t ms;
        td_ny_split(bars->ts[bars->n - 1], &day, &ms);
        td_format_day(day, last);
    }
    td_snprintf(hash, sizeof hash, "%016llx", (unsigned long long)info->hash);
    if (info->vouched.count)
        td_format_day(info->vouched.items[info->vouched.count - 1].to, through);
    const struct td_meta meta[] = {
        {"tapedeck.schema", BRONZE_SCHEMA},     {"tapedeck.source", info->source}, {"tapedeck.adjusted", info->adjusted},
        {"tapedeck.range", range.len ? range.data : ""}, {"tapedeck.rows", number}, {"tapedeck.complete_through", through},
        {"tapedeck.last", last},                {"tapedeck.hash", hash},
    };
    enum td_code code = td_buf_check(&range, "ranges", err);
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(meta); i++)
        code = td_pq_writer_meta(writer, meta[i].key, meta[i].value, err);
    td_buf_free(&range);
    return code;
}

static enum td_code write_file(const char *path, const char *ticker, const struct td_bars *bars,
                               const struct td_bronze_info *info, struct td_err *err)
{
    struct td_publish pub;
    enum td_code code = td_publish_begin(&pub, path, err);
    if (code != TD_OK)
        return code;
    struct td_pq_writer *writer = NULL;
    const struct td_pq_write_options options = {.codec = TD_PQ_ZSTD, .level = 2};
    code = td_pq_writer_new(pub.fd, path, bar_columns, COLS, &options, &writer, err);
    if (code == TD_OK)
        code = write_meta(writer, info, bars, err);
    if (code == TD_OK)
        code = write_rows(writer, ticker, bars, err);
    if (code == TD_OK)
        code = td_pq_writer_finish(writer, err);
    td_pq_writer_free(writer);
    if (code == TD_OK)
        return td_publish_commit(&pub, err);
    td_publish_abort(&pub);
    return code;
}

/* Merge two clean series into *out; counts what became of the bars of `fresh`. */
static enum td_code merge_bars(const struct td_bars *old, const struct td_bars *fresh, bool new_wins, struct td_bars *out,
                               struct td_merge_counts *counts, struct td_err *err)
{
    enum td_code code = td_bars_reserve(out, old->n + fresh->n, err);
    for (size_t i = 0, k = 0; code == TD_OK && (i < old->n || k < fresh->n);) {
        if (k == fresh->n || (i < old->n && old->ts[i] < fresh->ts[k])) {
            struct td_bar bar = td_bars_get(old, i++);
            code = td_bars_add(out, &bar, err);
            continue;
        }
        struct td_bar bar = td_bars_get(fresh, k++);
        if (i < old->n && old->ts[i] == bar.ts) {
            struct td_bar before = td_bars_get(old, i++);
            bool same = td_bar_same(&before, &bar);
            counts->duplicates += same;
            counts->corrected += !same && new_wins;
            counts->conflicts += !same && !new_wins;
            if (!same && !new_wins)
                bar = before;
        } else {
            counts->added++;
        }
        code = td_bars_add(out, &bar, err);
    }
    return code;
}

static enum td_code check_basis(const char *path, const struct td_bronze_info *have, const struct td_merge *merge,
                                struct td_err *err)
{
    if (strcmp(have->adjusted, merge->adjusted) != 0)
        return td_fail(err, TD_DATA, "%s: holds %s prices, the new bars are %s; bases never mix: use --replace to start over",
                       path, have->adjusted, merge->adjusted);
    if (strcmp(have->source, merge->source) != 0)
        return td_fail(err, TD_DATA, "%s: comes from source '%s', the new bars from '%s'; use --replace to take the new ones",
                       path, have->source, merge->source);
    return TD_OK;
}

static enum td_code damaged(struct td_err *err)
{
    if (err) {
        char text[sizeof err->text];
        td_copy(text, sizeof text, err->text);
        td_fail(err, TD_DATA, "%.330s; move the damaged file away and fetch the month again, or import it with --replace", text);
    }
    return TD_DATA;
}

static bool ranges_equal(const struct td_ranges *a, const struct td_ranges *b)
{
    return a->count == b->count && (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

/* Believe the disk, not the call that wrote it. */
static enum td_code verify_file(const char *path, const struct td_bars *bars, uint64_t hash, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    struct td_bronze_info info = {0};
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = read_info(file, path, &info, err);
    if (code == TD_OK && (info.rows != (int64_t)bars->n || info.hash != hash))
        code = td_fail(err, TD_IO, "%s: read back with %lld rows instead of %zu", path, (long long)info.rows, bars->n);
    td_bronze_info_free(&info);
    td_pq_close(file);
    return code;
}

static enum td_code merge_locked(const char *path, const char *ticker, const struct td_bars *fresh, const struct td_merge *merge,
                                 struct td_merge_counts *counts, struct td_err *err)
{
    struct td_bars old = {0}, all = {0};
    struct td_bronze_info have = {0}, want = {0};
    bool exists = td_file_exists(path);
    enum td_code code = TD_OK;
    if (exists && !merge->replace) {
        code = read_file(path, ticker, &old, &have, err);
        if (code == TD_DATA || (code == TD_UNSUPPORTED && have.rows)) /* nothing is written over what cannot be read */
            code = damaged(err);
        if (code == TD_OK)
            code = check_basis(path, &have, merge, err);
    }
    if (code == TD_OK)
        code = merge_bars(&old, fresh, merge->new_wins, &all, counts, err);
    td_copy(want.source, sizeof want.source, merge->source);
    td_copy(want.adjusted, sizeof want.adjusted, merge->adjusted);
    for (size_t i = 0; code == TD_OK && i < have.vouched.count; i++)
        code = td_ranges_add(&want.vouched, have.vouched.items[i].from, have.vouched.items[i].to, err);
    for (size_t i = 0; code == TD_OK && i < merge->vouched_count; i++)
        code = td_ranges_add(&want.vouched, merge->vouched[i].from, merge->vouched[i].to, err);
    bool changed = !exists || merge->replace || counts->added || counts->corrected || !ranges_equal(&have.vouched, &want.vouched);
    if (code == TD_OK && changed) {
        want.hash = content_hash(&all, &want);
        code = write_file(path, ticker, &all, &want, err);
        if (code == TD_OK)
            code = verify_file(path, &all, want.hash, err);
    }
    counts->rows = (int64_t)all.n;
    counts->written = changed;
    if (code != TD_OK) /* nothing of it is in the lake */
        *counts = (struct td_merge_counts){0};
    td_bars_free(&old);
    td_bars_free(&all);
    td_bronze_info_free(&have);
    td_bronze_info_free(&want);
    return code;
}

enum td_code td_bronze_merge(struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                             const struct td_bars *bars, const struct td_merge *merge, struct td_merge_counts *counts,
                             struct td_err *err)
{
    *counts = (struct td_merge_counts){0};
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = td_bronze_path(lake, table, ticker, month, &path, err);
    if (code == TD_OK) {
        pthread_mutex_t *stripe = lake_stripe(lake, path.data);
        pthread_mutex_lock(stripe);
        code = merge_locked(path.data, ticker, bars, merge, counts, err);
        pthread_mutex_unlock(stripe);
    }
    td_buf_free(&path);
    return code;
}
