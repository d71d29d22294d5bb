/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small values shared by the files of the room: the price a bar without a vwap trades at, minutes. */
#ifndef TAPEDECK_MARKET_VALUES_H
#define TAPEDECK_MARKET_VALUES_H

#include <tapedeck/market.h>

#define REGULAR_CLOSE_MIN 960  /* 16:00 */
#define LATE_END_MIN 1200      /* 20:00 */

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
