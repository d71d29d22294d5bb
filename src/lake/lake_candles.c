/* SPDX-License-Identifier: GPL-3.0-or-later
 * Candles of a ticker straight from bronze, month file by month file, and the removal of a whole lake. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lake_internal.h"

static enum td_code unknown_ticker(const struct td_lake *lake, const char *ticker, struct td_err *err)
{
    struct td_bronze_list list = {0};
    char nearest[TD_TICKER_MAX] = "";
    size_t best = 3; /* farther names are no help */
    for (enum td_table table = 0; table < TD_TABLE_COUNT; table++) {
        list.count = 0;
        if (td_bronze_scan(lake, table, &list, NULL) != TD_OK)
            break;
        for (size_t i = 0; i < list.count; i++) {
            size_t distance = td_edit_distance(ticker, list.items[i].ticker, 4);
            if (distance < best) {
                best = distance;
                td_copy(nearest, sizeof nearest, list.items[i].ticker);
            }
        }
    }
    td_bronze_list_free(&list);
    return td_fail(err, TD_MISSING, "%s: the lake has no bars of this ticker (case matters)%s%s%s; bring some in with 'tapedeck ingest -t "
                   "stocks_minute -s DATE -e DATE --tickers %s'",
                   ticker, *nearest ? "; did you mean " : "", nearest, *nearest ? "?" : "", ticker);
}

static enum td_code add_file(const struct td_lake *lake, enum td_table table, const struct td_bronze_file *file, td_day from, td_day to,
                             struct td_bars *bars, const struct td_candle_options *options, struct td_candles *out,
                             struct td_err *err)
{
    bars->n = 0;
    enum td_code code = td_bronze_read(lake, table, file->ticker, file->month, bars, NULL, err);
    if (code != TD_OK)
        return code;
    size_t first = from == TD_NO_DAY ? 0 : td_bars_lower_bound(bars, td_ny_midnight(from));
    size_t last = to == TD_NO_DAY ? bars->n : td_bars_lower_bound(bars, td_ny_midnight(to + 1));
    struct td_bars part = {.n = last > first ? last - first : 0, .ts = bars->ts + first, .open = bars->open + first,
                           .high = bars->high + first, .low = bars->low + first, .close = bars->close + first,
                           .volume = bars->volume + first, .vwap = bars->vwap + first, .trades = bars->trades + first};
    if (part.n == 0)
        return TD_OK;
    if (table == TD_STOCKS_MINUTE)
        return td_candles_add(out, &part, options, err);
    for (size_t i = 0; code == TD_OK && i < part.n; i++) { /* a daily bar is its own candle */
        code = td_grow(&out->items, &out->cap, out->n + 1, sizeof *out->items, err);
        if (code == TD_OK)
            out->items[out->n++] = (struct td_candle){.ts = part.ts[i], .open = part.open[i], .high = part.high[i],
                                                      .low = part.low[i], .close = part.close[i], .volume = part.volume[i],
                                                      .vwap = part.vwap[i], .trades = part.trades[i], .bars = 1};
    }
    return code;
}

/* Months of one ticker that the table has, found by name rather than by walking the whole table. */
static enum td_code add_table(const struct td_lake *lake, enum td_table table, const char *ticker, td_day from, td_day to,
                              const struct td_candle_options *options, struct td_candles *out, bool *any, struct td_err *err)
{
    td_day first = from == TD_NO_DAY ? td_cal_first() : from, last = to == TD_NO_DAY ? td_cal_last() : to;
    struct td_bars bars = {0};
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = TD_OK;
    for (int32_t month = td_month_of(first); code == TD_OK && month <= td_month_of(last); month++) {
        struct td_bronze_file file = {.month = month};
        td_copy(file.ticker, sizeof file.ticker, ticker);
        code = td_bronze_path(lake, table, ticker, month, &path, err);
        if (code != TD_OK || !td_file_exists(path.data))
            continue;
        *any = true;
        code = add_file(lake, table, &file, from, to, &bars, options, out, err);
    }
    td_buf_free(&path);
    td_bars_free(&bars);
    return code;
}

enum td_code td_lake_candles(const struct td_lake *lake, const char *ticker, td_day from, td_day to,
                             const struct td_candle_options *options, struct td_candles *out, struct td_err *err)
{
    bool any = false;
    enum td_code code = add_table(lake, TD_STOCKS_MINUTE, ticker, from, to, options, out, &any, err);
    if (code == TD_OK && out->n == 0 && options->tf == TD_TF_1D)
        code = add_table(lake, TD_STOCKS_DAILY, ticker, from, to, options, out, &any, err);
    if (code == TD_OK && !any && out->n == 0) {
        bool known = false;
        struct td_candles probe = {0};
        const struct td_candle_options daily = {.tf = TD_TF_1D};
        code = add_table(lake, TD_STOCKS_MINUTE, ticker, TD_NO_DAY, TD_NO_DAY, &daily, &probe, &known, err);
        if (code == TD_OK && !known)
            code = add_table(lake, TD_STOCKS_DAILY, ticker, TD_NO_DAY, TD_NO_DAY, &daily, &probe, &known, err);
        td_candles_free(&probe);
        if (code == TD_OK && !known)
            code = unknown_ticker(lake, ticker, err);
    }
    return code;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    /* The folder and its FORMAT go last: what a kill leaves of a lake is still one, and can be removed or filled again. */
    if (at->level == 0 || (at->level == 1 && strcmp(path + at->base, "FORMAT") == 0))
        return 0;
    return remove(path);
}

enum td_code td_lake_remove(const char *root, struct td_err *err)
{
    char path[1100];
    if (!td_snprintf(path, sizeof path, "%s/FORMAT", root))
        return td_fail(err, TD_USAGE, "%s: path is too long", root);
    if (!td_file_exists(root))
        return TD_OK;
    if (!td_file_exists(path))
        return td_fail(err, TD_DATA, "%s: holds no FORMAT file, so it is no lake and is left alone", root);
    if (nftw(root, remove_entry, 32, FTW_DEPTH | FTW_PHYS) != 0 || unlink(path) != 0)
        return td_fail_errno(err, errno, "%s: cannot remove the lake", root);
    if (rmdir(root) != 0 && errno != EBUSY && errno != ENOTDIR) /* a mount point or a link may stay */
        return td_fail_errno(err, errno, "%s: cannot remove the folder", root);
    return TD_OK;
}
