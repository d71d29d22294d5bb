/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bronze files: the bars of one ticker and exchange month; merging that never loses a row. */
#include <stdio.h>
#include <string.h>
#include "bronze_file.h"

#define BATCH_ROWS 32768

static const char *const table_names[TD_TABLE_COUNT] = {"stocks_minute", "stocks_daily"};

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

/* ---- merging ---- */

/* NaN has many bit patterns, null has one. */
static uint64_t hash_optional(const double *values, size_t n, uint64_t h)
{
    double plain[256];
    for (size_t at = 0; at < n; at += TD_COUNT(plain)) {
        size_t k = n - at < TD_COUNT(plain) ? n - at : TD_COUNT(plain);
        for (size_t i = 0; i < k; i++)
            plain[i] = isnan(values[at + i]) ? -1 : values[at + i];
        h = td_hash_block(plain, k * sizeof *plain, h);
    }
    return h;
}

static uint64_t content_hash(const struct td_bars *bars, const struct td_bronze_info *info)
{
    uint64_t h = td_hash_block(bars->ts, bars->n * sizeof *bars->ts, 1);
    const double *const doubles[] = {bars->open, bars->high, bars->low, bars->close};
    for (size_t k = 0; k < TD_COUNT(doubles); k++)
        h = td_hash_block(doubles[k], bars->n * sizeof(double), h);
    h = hash_optional(bars->volume, bars->n, h);
    h = hash_optional(bars->vwap, bars->n, h);
    h = td_hash_block(bars->trades, bars->n * sizeof *bars->trades, h);
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
    code = td_pq_writer_new(pub.fd, path, bronze_columns, COLS, &options, &writer, err);
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
        code = bronze_read_info(file, path, &info, err);
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
        code = bronze_read_file(NULL, path, ticker, &old, &have, err);
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
