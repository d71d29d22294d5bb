/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small values shared by the files of the room: the price a bar without a vwap trades at, minutes, sane times. */
#ifndef TAPEDECK_MARKET_VALUES_H
#define TAPEDECK_MARKET_VALUES_H

#include <tapedeck/market.h>

#define REGULAR_CLOSE_MIN 960 /* 16:00 */
#define LATE_END_MIN 1200     /* 20:00 */

/* Times beyond this (about the year 6400) come from broken input; below it sums of times and days cannot overflow. */
#define TIME_LIMIT_MS (INT64_C(1) << 47)

static inline bool time_is_sane(int64_t ts)
{
    return ts > -TIME_LIMIT_MS && ts < TIME_LIMIT_MS;
}

static inline double typical_price(double high, double low, double close)
{
    return (high + low + close) / 3;
}

/* Sum of trade counts; stays at the largest number instead of wrapping. */
static inline int64_t add_counts(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

#endif
