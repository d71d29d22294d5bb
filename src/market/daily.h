/* SPDX-License-Identifier: GPL-3.0-or-later
 * The daily builder's insides: what one ticker-day is folded into, and the steps from sums to finished rows. */
#ifndef TAPEDECK_MARKET_DAILY_H
#define TAPEDECK_MARKET_DAILY_H

#include "market_values.h"

enum { PHASE_PRE, PHASE_REG, PHASE_POST, PHASES };

/* Everything kept of the minute bars of one day. Sums run in time order. */
struct day_sum {
    td_day day;
    uint32_t bars, known, counted; /* bars that count; with a volume; with a trade count */
    uint32_t phase_bars[PHASES], phase_known[PHASES];
    double volume, dollars, phase_volume[PHASES];
    double open, high, low, close; /* regular phase; all bars under `seed`. NaN before the first bar */
    double last_close;             /* of any bar that counts */
    int64_t trades;
    uint32_t minutes;                          /* distinct regular minutes with a bar */
    int32_t last_minute, gap, regular_minutes; /* minutes since the open: newest seen (-1), longest hole, length */
    bool approx;                               /* a bar without a vwap weighed in the dollars */
};

struct day_bar {
    td_day day;
    size_t order; /* in which it was fed: the later one of a day counts */
    struct td_bar bar;
};

/* The day that the newest minute bar fell on, as borders in UTC ms: minutes are sorted into phases by comparing. */
struct day_clock {
    td_day day;
    bool session;
    int32_t regular_minutes;
    int64_t begin, end, pre, open, close, late; /* [begin, end) is the whole day */
};

struct td_daily_builder {
    struct td_daily_context context;
    struct day_sum *sums; /* ascending by day */
    size_t sum_count, sum_cap;
    struct day_bar *days;
    size_t day_count, day_cap;
    const struct td_daily_row *kept; /* borrowed: td_daily_keep */
    size_t kept_count;
    struct day_clock clock;
    int64_t newest; /* time of the last minute bar fed */
    uint64_t off_hours, no_session;
    struct td_daily_row *rows; /* of the last td_daily_finish */
};

struct daily_rows { /* in the making: flags[i] are those of rows[i] */
    struct td_daily_row *rows;
    uint32_t *flags;
    size_t n;
};

/* One row a day out of sums and day bars, without history columns; rows and flags have room for all of them. */
size_t daily_merge(const struct td_daily_builder *builder, struct td_daily_row *rows, uint32_t *flags);
/* Fill the history columns of made->rows (ascending by day) and write their flags. */
enum td_code daily_history(const struct td_daily_context *context, const struct td_daily_row *history,
                           size_t history_count, struct daily_rows *made, struct td_err *err);
/* Does one of the ranges (ascending by `from`) hold the day? */
bool daily_in_ranges(const struct td_day_range *ranges, size_t count, td_day day);

/* Price that a bar's volume is weighed with. */
static inline double bar_price(double vwap, double high, double low, double close)
{
    if (!isnan(vwap))
        return vwap;
    double typical = typical_price(high, low, close);
    return isnan(typical) ? close : typical;
}

/* A quotient, null where it has no meaning. */
static inline double ratio_or_null(double value, double by)
{
    double ratio = by > 0 ? value / by : TD_NO_F64;
    return isfinite(ratio) ? ratio : TD_NO_F64;
}

#endif
