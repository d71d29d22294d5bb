/* SPDX-License-Identifier: GPL-3.0-or-later
 * Candles: minute bars into buckets anchored anew on every New York date, so daylight saving never shifts a bucket. */
#include <string.h>
#include "market_values.h"

static const struct {
    const char *name;
    int minutes;
} timeframes[TD_TF_COUNT] = {
    [TD_TF_1M] = {"1m", 1},  [TD_TF_5M] = {"5m", 5},   [TD_TF_15M] = {"15m", 15}, [TD_TF_30M] = {"30m", 30},
    [TD_TF_1H] = {"1h", 60}, [TD_TF_4H] = {"4h", 240}, [TD_TF_1D] = {"1d", 1440},
};

const char *td_tf_name(enum td_tf tf)
{
    return (unsigned)tf < TD_TF_COUNT ? timeframes[tf].name : "?";
}

bool td_tf_parse(const char *text, enum td_tf *out)
{
    for (unsigned i = 0; i < TD_TF_COUNT; i++)
        if (!strcmp(text, timeframes[i].name)) {
            *out = (enum td_tf)i;
            return true;
        }
    return false;
}

int td_tf_minutes(enum td_tf tf)
{
    return (unsigned)tf < TD_TF_COUNT ? timeframes[tf].minutes : 0;
}

/* One New York date: where it lies in UTC and which of its minutes count. */
struct candle_day {
    td_day day;
    int64_t begin, end;   /* UTC ms, [begin, end) */
    int32_t from, to;     /* minutes of the day that count, [from, to); empty when from >= to */
    int32_t origin, size; /* minutes: buckets start at origin + k * size */
    bool shifted;         /* daylight saving begins or ends inside: minutes are not a plain difference */
};

static int32_t bucket_origin(const struct td_candle_options *options)
{
    if (options->tf == TD_TF_1D || options->anchor == TD_ANCHOR_CLOCK)
        return 0;
    return options->hours == TD_HOURS_REGULAR ? TD_REGULAR_MIN : TD_PRE_MIN;
}

static struct candle_day candle_day_at(int64_t ts, const struct td_candle_options *options)
{
    struct candle_day d = {.from = TD_PRE_MIN, .to = LATE_END_MIN, .size = td_tf_minutes(options->tf)};
    int32_t ms;
    td_ny_split(ts, &d.day, &ms);
    d.begin = td_ny_midnight(d.day);
    d.end = td_ny_midnight(d.day + 1);
    d.shifted = d.end - d.begin != TD_MS_DAY;
    d.origin = bucket_origin(options);
    if (options->hours == TD_HOURS_REGULAR) {
        struct td_session session = {.close_min = 0};
        d.from = TD_REGULAR_MIN;
        d.to = REGULAR_CLOSE_MIN;
        if (options->calendar)
            d.to = td_cal_session(d.day, &session) ? session.close_min : 0;
    }
    return d;
}

static int32_t minute_in(const struct candle_day *d, int64_t ts)
{
    if (!d->shifted)
        return (int32_t)((ts - d->begin) / TD_MS_MINUTE);
    td_day day;
    int32_t ms;
    td_ny_split(ts, &day, &ms);
    return (int32_t)(ms / TD_MS_MINUTE);
}

/* Left edge of the bucket of a minute that counts. Clock buckets start at 0 and session buckets at the first minute
 * that counts, so the difference is never negative. */
static int64_t bucket_of(const struct candle_day *d, int32_t minute)
{
    int32_t edge = d->origin + (minute - d->origin) / d->size * d->size;
    return d->shifted ? td_ny_to_utc(d->day, edge * TD_MS_MINUTE) : d->begin + edge * TD_MS_MINUTE;
}

static enum td_code candles_open(struct td_candles *out, int64_t ts, const struct td_bars *bars, size_t i,
                                 struct td_err *err)
{
    enum td_code code = td_grow(&out->items, &out->cap, out->n + 1, sizeof *out->items, err);
    if (code)
        return code;
    out->items[out->n++] = (struct td_candle){
        .ts = ts,
        .open = bars->open[i],
        .high = bars->high[i],
        .low = bars->low[i],
        .volume = TD_NO_F64,
        .vwap = TD_NO_F64,
        .trades = TD_NO_COUNT,
    };
    out->tail_dollars = 0;
    return TD_OK;
}

static void count_trades(struct td_candle *candle, int64_t trades)
{
    if (trades == TD_NO_COUNT)
        return;
    candle->trades = candle->trades == TD_NO_COUNT ? trades : add_counts(candle->trades, trades);
}

static void candles_fold(struct td_candles *out, const struct td_bars *bars, size_t i)
{
    struct td_candle *candle = &out->items[out->n - 1];
    if (bars->high[i] > candle->high)
        candle->high = bars->high[i];
    if (bars->low[i] < candle->low)
        candle->low = bars->low[i];
    candle->close = bars->close[i];
    candle->bars++;
    count_trades(candle, bars->trades[i]);
    double volume = bars->volume[i];
    if (isnan(volume))
        return;
    double price = bars->vwap[i];
    if (isnan(price))
        price = typical_price(bars->high[i], bars->low[i], bars->close[i]);
    candle->volume = isnan(candle->volume) ? volume : candle->volume + volume;
    out->tail_dollars += volume * price;
    candle->vwap = candle->volume > 0 ? out->tail_dollars / candle->volume : TD_NO_F64;
}

/* Fold bar i; the newest candle then takes every bar before *upto (UTC ms) without further question. */
static enum td_code candles_place(struct td_candles *out, const struct candle_day *d, const struct td_bars *bars,
                                  size_t i, int64_t *upto, struct td_err *err)
{
    int32_t minute = minute_in(d, bars->ts[i]);
    if (minute < d->from || minute >= d->to)
        return TD_OK;
    int64_t edge = bucket_of(d, minute);
    if (out->n && edge < out->items[out->n - 1].ts)
        return td_fail(err, TD_DATA, "candles: bars are not in time order at bar %zu", i);
    if (!out->n || out->items[out->n - 1].ts != edge) {
        enum td_code code = candles_open(out, edge, bars, i, err);
        if (code)
            return code;
    }
    candles_fold(out, bars, i);
    if (!d->shifted) {
        int64_t full = edge + d->size * TD_MS_MINUTE, last = d->begin + d->to * TD_MS_MINUTE;
        *upto = full < last ? full : last;
    }
    return TD_OK;
}

enum td_code td_candles_add(struct td_candles *out, const struct td_bars *bars, const struct td_candle_options *options,
                            struct td_err *err)
{
    struct candle_day d = {0};
    int64_t since = 0, upto = 0; /* a bar in [since, upto) belongs to the newest candle */
    enum td_code code = TD_OK;
    if ((unsigned)options->tf >= TD_TF_COUNT)
        return td_fail(err, TD_USAGE, "candles: no such timeframe");
    for (size_t i = 0; i < bars->n && !code; i++) {
        int64_t ts = bars->ts[i];
        if (ts >= since && ts < upto) {
            candles_fold(out, bars, i);
            continue;
        }
        if (!time_is_sane(ts))
            return td_fail(err, TD_DATA, "candles: bar %zu has an impossible time", i);
        if (ts < d.begin || ts >= d.end)
            d = candle_day_at(ts, options);
        since = upto = ts;
        code = candles_place(out, &d, bars, i, &upto, err);
    }
    return code;
}

void td_candles_free(struct td_candles *candles)
{
    td_free(candles->items);
    *candles = (struct td_candles){0};
}
