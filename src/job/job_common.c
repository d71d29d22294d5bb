/* SPDX-License-Identifier: GPL-3.0-or-later
 * What several kinds of jobs need: reference tables in memory, the newest finished session, slices by month. */
#include <stdlib.h>
#include <string.h>
#include "job_internal.h"

unsigned job_fit(const struct td_engine *engine, unsigned wanted, uint64_t bytes)
{
    uint64_t fit = engine->options.memory ? engine->options.memory / bytes : wanted;
    return fit < 1 ? 1 : fit < wanted ? (unsigned)fit : wanted;
}

td_day job_last_over(void)
{
    int64_t now = td_now_ms();
    td_day today;
    int32_t ms;
    td_ny_split(now, &today, &ms);
    int32_t index = td_cal_index_at_or_before(today);
    if (index >= 0 && td_cal_close_ms(td_cal_day(index)) > now)
        index--;
    return index < 0 ? TD_NO_DAY : td_cal_day(index);
}

enum td_code job_sweep_bronze(const struct td_lake *lake, const char *table, struct td_err *err)
{
    char folder[64];
    uint64_t removed = 0;
    td_snprintf(folder, sizeof folder, "bronze/%s", table);
    enum td_code code = td_lake_sweep(lake, folder, &removed, err);
    if (removed)
        td_log(TD_LOG_INFO, "job", "%s: %llu leftovers of killed runs removed", folder, (unsigned long long)removed);
    return code;
}

struct td_bars job_month_slice(const struct td_bars *bars, int32_t month)
{
    size_t from = td_bars_lower_bound(bars, td_ny_midnight(td_month_first(month)));
    size_t to = td_bars_lower_bound(bars, td_ny_midnight(td_month_last(month) + 1));
    return (struct td_bars){.n = to - from, .ts = bars->ts + from, .open = bars->open + from, .high = bars->high + from,
                            .low = bars->low + from, .close = bars->close + from, .volume = bars->volume + from,
                            .vwap = bars->vwap + from, .trades = bars->trades + from};
}

static int compare_ticker(const void *a, const void *b)
{
    return strcmp(a, b); /* every reference row begins with its ticker */
}

static enum td_code load(const struct td_lake *lake, const char *table, const struct td_record *record, struct td_rows *out,
                         struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = td_reference_path(lake, table, &path, err);
    *out = (struct td_rows){.size = record->size};
    if (code == TD_OK && td_file_exists(path.data))
        code = td_table_read(path.data, record, out, NULL, NULL, err);
    if (code == TD_OK && out->count > 1)
        qsort(out->items, out->count, out->size, compare_ticker);
    td_buf_free(&path);
    return code;
}

enum td_code job_reference_load(const struct td_lake *lake, struct job_reference *out, struct td_err *err)
{
    *out = (struct job_reference){0};
    enum td_code code = load(lake, "splits", &td_split_record, &out->splits, err);
    if (code == TD_OK)
        code = load(lake, "tickers", &td_ticker_record, &out->tickers, err);
    if (code == TD_OK)
        code = load(lake, "renames", &td_rename_record, &out->renames, err);
    if (code != TD_OK)
        job_reference_free(out);
    return code;
}

void job_reference_free(struct job_reference *reference)
{
    td_rows_free(&reference->splits);
    td_rows_free(&reference->tickers);
    td_rows_free(&reference->renames);
}

const void *job_reference_find(const struct td_rows *rows, const char *ticker, size_t *count)
{
    size_t low = 0, high = rows->count;
    const char *base = rows->items;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(base + mid * rows->size, ticker) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    size_t end = low;
    while (end < rows->count && strcmp(base + end * rows->size, ticker) == 0)
        end++;
    *count = end - low;
    return *count ? base + low * rows->size : NULL;
}

enum td_code td_job_sim_start(const struct td_sim_options *options, struct td_sim **out, int *port, struct td_err *err)
{
    enum td_code code = td_sim_new(options, out, err);
    if (code != TD_OK)
        return code;
    code = td_sim_serve(*out, port, err);
    if (code != TD_OK) {
        td_sim_free(*out);
        *out = NULL;
    }
    return code;
}
