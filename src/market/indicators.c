/* SPDX-License-Identifier: GPL-3.0-or-later
 * Indicators for the candle viewer: simple and exponential means, session VWAP. A null (NaN) input gives a null there.
 */
#include "market_values.h"

/* Sum of a window in time order. */
static double window_sum(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

static void fill_null(double *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = TD_NO_F64;
}

void td_sma(const double *x, size_t n, size_t period, double *out)
{
    fill_null(out, n);
    if (period == 0 || period > n)
        return;
    /* A running sum, taken afresh every `period` rows and after a null, so that rounding cannot pile up. */
    double sum = 0;
    size_t run = 0, since = 0; /* values since the last null; rows since the sum was taken afresh */
    for (size_t i = 0; i < n; i++) {
        run = isnan(x[i]) ? 0 : run + 1;
        if (run < period)
            continue;
        if (run == period || since == period) {
            sum = window_sum(x + i + 1 - period, period);
            since = 0;
        } else {
            sum += x[i] - x[i - period];
        }
        since++;
        out[i] = sum / (double)period;
    }
}

void td_ema(const double *x, size_t n, size_t period, double *out)
{
    fill_null(out, n);
    if (period == 0)
        return;
    /* The seed is the mean of the first `period` known values; a null later is stepped over. */
    double k = 2.0 / ((double)period + 1), ema = 0;
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]))
            continue;
        if (known < period) {
            ema += x[i];
            if (++known < period)
                continue;
            ema /= (double)period;
        } else {
            ema += k * (x[i] - ema);
        }
        out[i] = ema;
    }
}

void td_session_vwap(const struct td_bars *bars, bool regular, double *out)
{
    int64_t begin = 0, end = 0, from = 0, to = 0;
    double dollars = 0, volume = 0;
    for (size_t i = 0; i < bars->n; i++) {
        int64_t ts = bars->ts[i];
        out[i] = TD_NO_F64;
        if (!time_is_sane(ts))
            continue;
        if (ts < begin || ts >= end) {
            td_day day;
            int32_t ms;
            td_ny_split(ts, &day, &ms);
            begin = td_ny_midnight(day);
            end = td_ny_midnight(day + 1);
            from = regular ? td_ny_to_utc(day, TD_REGULAR_MIN * TD_MS_MINUTE) : begin;
            to = regular ? td_ny_to_utc(day, REGULAR_CLOSE_MIN * TD_MS_MINUTE) : end;
            dollars = volume = 0;
        }
        bool counts = ts >= from && ts < to;
        if (counts && !isnan(bars->volume[i])) {
            dollars += typical_price(bars->high[i], bars->low[i], bars->close[i]) * bars->volume[i];
            volume += bars->volume[i];
        }
        if (counts && volume > 0)
            out[i] = dollars / volume;
    }
}
