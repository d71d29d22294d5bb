/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bars as columns: growth, look-up, the check of one bar at the door, and cleaning of a whole ticker. */
#include <stdlib.h>
#include <string.h>
#include "market_values.h"

#define DOUBLE_COLUMNS 6
#define TIME_BEGIN INT64_C(631170000000) /* 1990-01-01 00:00 New York */
#define TIME_END INT64_C(2082776400000)  /* 2036-01-01 00:00 New York */

static void double_columns(struct td_bars *bars, double **out[DOUBLE_COLUMNS])
{
    double **columns[DOUBLE_COLUMNS] = {&bars->open, &bars->high, &bars->low, &bars->close, &bars->volume, &bars->vwap};
    memcpy(out, columns, sizeof columns);
}

enum td_code td_bars_reserve(struct td_bars *bars, size_t n, struct td_err *err)
{
    if (n <= bars->cap)
        return TD_OK;
    size_t want = bars->cap > SIZE_MAX / 2 ? n : bars->cap * 2;
    want = want < n ? n : want;
    want = want < 64 ? 64 : want;
    double **columns[DOUBLE_COLUMNS];
    double_columns(bars, columns);
    /* A column that did grow before another failed is merely larger than cap says: nothing to undo. */
    int64_t *ts = td_realloc(bars->ts, want, sizeof *ts);
    if (!ts)
        return td_fail(err, TD_NOMEM, "out of memory for %zu bars", want);
    bars->ts = ts;
    int64_t *trades = td_realloc(bars->trades, want, sizeof *trades);
    if (!trades)
        return td_fail(err, TD_NOMEM, "out of memory for %zu bars", want);
    bars->trades = trades;
    for (size_t i = 0; i < DOUBLE_COLUMNS; i++) {
        double *column = td_realloc(*columns[i], want, sizeof *column);
        if (!column)
            return td_fail(err, TD_NOMEM, "out of memory for %zu bars", want);
        *columns[i] = column;
    }
    bars->cap = want;
    return TD_OK;
}

static void bars_put(struct td_bars *bars, size_t i, const struct td_bar *bar)
{
    bars->ts[i] = bar->ts;
    bars->open[i] = bar->open;
    bars->high[i] = bar->high;
    bars->low[i] = bar->low;
    bars->close[i] = bar->close;
    bars->volume[i] = bar->volume;
    bars->vwap[i] = bar->vwap;
    bars->trades[i] = bar->trades;
}

enum td_code td_bars_add(struct td_bars *bars, const struct td_bar *bar, struct td_err *err)
{
    enum td_code code = td_bars_reserve(bars, bars->n + 1, err);
    if (code)
        return code;
    bars_put(bars, bars->n++, bar);
    return TD_OK;
}

struct td_bar td_bars_get(const struct td_bars *bars, size_t i)
{
    return (struct td_bar){
        .ts = bars->ts[i],
        .open = bars->open[i],
        .high = bars->high[i],
        .low = bars->low[i],
        .close = bars->close[i],
        .volume = bars->volume[i],
        .vwap = bars->vwap[i],
        .trades = bars->trades[i],
    };
}

void td_bars_free(struct td_bars *bars)
{
    double **columns[DOUBLE_COLUMNS];
    double_columns(bars, columns);
    for (size_t i = 0; i < DOUBLE_COLUMNS; i++)
        td_free(*columns[i]);
    td_free(bars->ts);
    td_free(bars->trades);
    *bars = (struct td_bars){0};
}

static bool same_value(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool td_bar_same(const struct td_bar *a, const struct td_bar *b)
{
    return a->ts == b->ts && same_value(a->open, b->open) && same_value(a->high, b->high) &&
           same_value(a->low, b->low) && same_value(a->close, b->close) && same_value(a->volume, b->volume) &&
           same_value(a->vwap, b->vwap) && a->trades == b->trades;
}

size_t td_bars_lower_bound(const struct td_bars *bars, int64_t ts)
{
    size_t low = 0, high = bars->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bars->ts[middle] < ts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* There is no clock here, so "implausible" means outside the compiled-in calendar's years: seconds or microseconds
 * read as milliseconds land far outside. */
static enum td_reason check_time(int64_t ts, bool daily)
{
    if (ts < TIME_BEGIN || ts >= TIME_END)
        return TD_REASON_TIME;
    if (!daily)
        return ts % TD_MS_MINUTE == 0 ? TD_REASON_NONE : TD_REASON_TIME;
    td_day day;
    int32_t ms;
    td_ny_split(ts, &day, &ms);
    if (ms != 0)
        return TD_REASON_TIME;
    return td_cal_index(day) >= 0 ? TD_REASON_NONE : TD_REASON_NON_SESSION;
}

enum td_reason td_bar_check(const struct td_bar *bar, bool daily)
{
    if (!isfinite(bar->open) || !isfinite(bar->high) || !isfinite(bar->low) || !isfinite(bar->close) ||
        isinf(bar->volume) || isinf(bar->vwap))
        return TD_REASON_NOT_FINITE;
    if (bar->open <= 0 || bar->high <= 0 || bar->low <= 0 || bar->close <= 0)
        return TD_REASON_PRICE;
    /* A vwap of 0 is what some sources send beside a volume of 0: it weighs nothing. */
    if (bar->vwap < 0 || (bar->vwap == 0 && !(bar->volume == 0)))
        return TD_REASON_PRICE;
    if (bar->low > bar->open || bar->low > bar->close || bar->high < bar->open || bar->high < bar->close)
        return TD_REASON_OHLC;
    if (bar->volume < 0 || (bar->trades < 0 && bar->trades != TD_NO_COUNT))
        return TD_REASON_VOLUME;
    return check_time(bar->ts, daily);
}

struct order {
    int64_t ts;
    size_t at;
};

static int order_compare(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->ts != y->ts)
        return x->ts < y->ts ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static bool strictly_ascending(const struct td_bars *bars)
{
    bool ascending = true;
    for (size_t i = 1; i < bars->n; i++)
        ascending &= bars->ts[i - 1] < bars->ts[i];
    return ascending;
}

/* Bring all columns into the order of `order`, through one scratch column. */
static void permute(struct td_bars *bars, const struct order *order, int64_t *scratch)
{
    double **columns[DOUBLE_COLUMNS];
    double_columns(bars, columns);
    size_t n = bars->n;
    for (size_t c = 0; c < DOUBLE_COLUMNS; c++) {
        double *column = *columns[c];
        for (size_t i = 0; i < n; i++)
            memcpy(&scratch[i], &column[order[i].at], sizeof *scratch);
        memcpy(column, scratch, n * sizeof *column);
    }
    for (size_t i = 0; i < n; i++)
        scratch[i] = bars->trades[order[i].at];
    memcpy(bars->trades, scratch, n * sizeof *scratch);
    for (size_t i = 0; i < n; i++)
        bars->ts[i] = order[i].ts;
}

static enum td_code sort_bars(struct td_bars *bars, struct td_err *err)
{
    enum td_code code = TD_OK;
    struct order *order = td_calloc(bars->n, sizeof *order);
    int64_t *scratch = td_calloc(bars->n, sizeof *scratch);
    if (!order || !scratch) {
        code = td_fail(err, TD_NOMEM, "out of memory while sorting %zu bars", bars->n);
        goto done;
    }
    for (size_t i = 0; i < bars->n; i++)
        order[i] = (struct order){bars->ts[i], i};
    qsort(order, bars->n, sizeof *order, order_compare);
    permute(bars, order, scratch);
done:
    td_free(order);
    td_free(scratch);
    return code;
}

enum td_code td_bars_clean(struct td_bars *bars, uint64_t *duplicates, uint64_t *conflicts, struct td_err *err)
{
    *duplicates = *conflicts = 0;
    if (strictly_ascending(bars))
        return TD_OK;
    enum td_code code = sort_bars(bars, err);
    if (code)
        return code;
    size_t kept = 0;
    for (size_t i = 0, next; i < bars->n; i = next) {
        struct td_bar first = td_bars_get(bars, i);
        bool same = true;
        for (next = i + 1; next < bars->n && bars->ts[next] == first.ts; next++) {
            struct td_bar other = td_bars_get(bars, next);
            same = same && td_bar_same(&first, &other);
        }
        if (same) {
            *duplicates += next - i - 1;
            bars_put(bars, kept++, &first);
        } else {
            *conflicts += next - i;
        }
    }
    bars->n = kept;
    return TD_OK;
}
