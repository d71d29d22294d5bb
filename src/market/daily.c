/* SPDX-License-Identifier: GPL-3.0-or-later
 * First pass of the daily builder: minute bars folded into one sum a day, day bars collected. The borders of a day are
 * turned into UTC once, so a bar costs comparisons and additions only. */
#include <string.h>
#include "daily.h"

enum td_code td_daily_new(const struct td_daily_context *context, struct td_daily_builder **out, struct td_err *err)
{
    *out = NULL;
    if (strlen(context->ticker) >= TD_TICKER_MAX)
        return td_fail(err, TD_DATA, "ticker %.40s... is longer than %d bytes", context->ticker, TD_TICKER_MAX - 1);
    struct td_daily_builder *builder = td_calloc(1, sizeof *builder);
    if (!builder)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a daily builder", context->ticker);
    builder->context = *context;
    builder->newest = INT64_MIN;
    *out = builder;
    return TD_OK;
}

void td_daily_free(struct td_daily_builder *builder)
{
    if (!builder)
        return;
    td_free(builder->sums);
    td_free(builder->days);
    td_free(builder->rows);
    td_free(builder);
}

void td_daily_keep(struct td_daily_builder *builder, const struct td_daily_row *rows, size_t count)
{
    builder->kept = rows;
    builder->kept_count = count;
}

void td_daily_know(struct td_daily_builder *builder, const struct td_daily_context *context)
{
    builder->context = *context;
}

void td_daily_skipped(const struct td_daily_builder *builder, uint64_t *off_hours, uint64_t *no_session)
{
    *off_hours = builder->off_hours;
    *no_session = builder->no_session;
}

/* Daylight saving changes on Sundays, so inside a session minutes are a plain offset from midnight. */
static struct day_clock exchange_clock(int64_t ts)
{
    struct day_clock clock = {0};
    struct td_session session;
    int32_t ms;
    td_ny_split(ts, &clock.day, &ms);
    clock.begin = td_ny_midnight(clock.day);
    clock.session = td_cal_session(clock.day, &session);
    if (!clock.session) {
        clock.end = td_ny_midnight(clock.day + 1);
        return clock;
    }
    clock.end = clock.begin + TD_MS_DAY;
    clock.pre = clock.begin + TD_PRE_MIN * TD_MS_MINUTE;
    clock.open = clock.begin + TD_REGULAR_MIN * TD_MS_MINUTE;
    clock.close = clock.begin + session.close_min * TD_MS_MINUTE;
    clock.late = clock.begin + session.late_end_min * TD_MS_MINUTE;
    clock.regular_minutes = session.close_min - TD_REGULAR_MIN;
    return clock;
}

static struct day_clock utc_clock(int64_t ts)
{
    int64_t days = ts / TD_MS_DAY - (ts % TD_MS_DAY < 0);
    return (struct day_clock){.day = (td_day)days, .begin = days * TD_MS_DAY, .end = (days + 1) * TD_MS_DAY};
}

static size_t bars_until(const struct td_bars *bars, size_t i, int64_t border)
{
    while (i < bars->n && bars->ts[i] < border)
        i++;
    return i;
}

/* The sum of the clock's day, begun when it is the first bar of it. */
static struct day_sum *sum_of_day(struct td_daily_builder *builder, struct td_err *err)
{
    const struct day_clock *clock = &builder->clock;
    if (builder->sum_count && builder->sums[builder->sum_count - 1].day == clock->day)
        return &builder->sums[builder->sum_count - 1];
    if (td_grow(&builder->sums, &builder->sum_cap, builder->sum_count + 1, sizeof *builder->sums, err))
        return NULL;
    struct day_sum *sum = &builder->sums[builder->sum_count++];
    *sum = (struct day_sum){
        .day = clock->day,
        .open = TD_NO_F64,
        .high = TD_NO_F64,
        .low = TD_NO_F64,
        .close = TD_NO_F64,
        .last_close = TD_NO_F64,
        .last_minute = -1,
        .regular_minutes = clock->regular_minutes,
    };
    return sum;
}

/* Volume, dollars and counts of bars [from, to), all of one phase. */
static void fold_volumes(struct day_sum *sum, const struct td_bars *bars, size_t from, size_t to, unsigned phase)
{
    double volume = sum->volume, dollars = sum->dollars, part = sum->phase_volume[phase];
    uint32_t known = 0, counted = 0;
    bool approx = false;
    for (size_t i = from; i < to; i++) {
        double v = bars->volume[i], price = bars->vwap[i];
        if (isnan(v))
            continue;
        if (isnan(price)) {
            price = bar_price(price, bars->high[i], bars->low[i], bars->close[i]);
            approx = true;
        }
        volume += v;
        part += v;
        dollars += v * price;
        known++;
    }
    for (size_t i = from; i < to; i++)
        if (bars->trades[i] != TD_NO_COUNT) {
            sum->trades = add_counts(sum->trades, bars->trades[i]);
            counted++;
        }
    sum->volume = volume;
    sum->dollars = dollars;
    sum->phase_volume[phase] = part;
    sum->phase_bars[phase] += (uint32_t)(to - from);
    sum->phase_known[phase] += known;
    sum->bars += (uint32_t)(to - from);
    sum->known += known;
    sum->counted += counted;
    sum->approx |= approx;
    sum->last_close = bars->close[to - 1];
}

static void fold_prices(struct day_sum *sum, const struct td_bars *bars, size_t from, size_t to)
{
    if (isnan(sum->open)) {
        sum->open = bars->open[from];
        sum->high = bars->high[from];
        sum->low = bars->low[from];
    }
    double high = sum->high, low = sum->low;
    for (size_t i = from; i < to; i++) {
        high = bars->high[i] > high ? bars->high[i] : high;
        low = bars->low[i] < low ? bars->low[i] : low;
    }
    sum->high = high;
    sum->low = low;
    sum->close = bars->close[to - 1];
}

static void fold_minutes(struct day_sum *sum, const struct td_bars *bars, size_t from, size_t to, int64_t open)
{
    int32_t last = sum->last_minute, gap = sum->gap;
    for (size_t i = from; i < to; i++) {
        int32_t minute = (int32_t)((uint32_t)(bars->ts[i] - open) / (uint32_t)TD_MS_MINUTE);
        sum->minutes += minute != last;
        gap = minute - last - 1 > gap ? minute - last - 1 : gap;
        last = minute;
    }
    sum->last_minute = last;
    sum->gap = gap;
}

/* Bars [from, to) of one session, sorted into phases by its borders. */
static enum td_code fold_session(struct td_daily_builder *builder, const struct td_bars *bars, size_t from, size_t to,
                                 struct td_err *err)
{
    const struct day_clock *clock = &builder->clock;
    size_t pre = bars_until(bars, from, clock->pre), open = bars_until(bars, pre, clock->open);
    size_t close = bars_until(bars, open, clock->close), late = bars_until(bars, close, clock->late);
    builder->off_hours += (pre - from) + (to - late);
    if (late == pre)
        return TD_OK;
    struct day_sum *sum = sum_of_day(builder, err);
    if (!sum)
        return TD_NOMEM;
    if (open > pre)
        fold_volumes(sum, bars, pre, open, PHASE_PRE);
    if (close > open) {
        fold_volumes(sum, bars, open, close, PHASE_REG);
        fold_prices(sum, bars, open, close);
        fold_minutes(sum, bars, open, close, clock->open);
    }
    if (late > close)
        fold_volumes(sum, bars, close, late, PHASE_POST);
    return TD_OK;
}

static enum td_code fold_utc_day(struct td_daily_builder *builder, const struct td_bars *bars, size_t from, size_t to,
                                 struct td_err *err)
{
    struct day_sum *sum = sum_of_day(builder, err);
    if (!sum)
        return TD_NOMEM;
    fold_volumes(sum, bars, from, to, PHASE_REG);
    fold_prices(sum, bars, from, to);
    return TD_OK;
}

static enum td_code check_order(const struct td_daily_builder *builder, const struct td_bars *bars, struct td_err *err)
{
    bool ascending = bars->n == 0 || bars->ts[0] >= builder->newest;
    for (size_t i = 1; i < bars->n; i++)
        ascending &= bars->ts[i - 1] <= bars->ts[i];
    if (!ascending)
        return td_fail(err, TD_DATA, "%s: minute bars are not in time order", builder->context.ticker);
    if (bars->n && !(time_is_sane(bars->ts[0]) && time_is_sane(bars->ts[bars->n - 1])))
        return td_fail(err, TD_DATA, "%s: a minute bar has an impossible time", builder->context.ticker);
    return TD_OK;
}

enum td_code td_daily_minutes(struct td_daily_builder *builder, const struct td_bars *bars, struct td_err *err)
{
    bool seed = builder->context.preset == TD_PRESET_SEED;
    struct day_clock *clock = &builder->clock;
    enum td_code code = check_order(builder, bars, err);
    if (!builder->context.minute)
        return code;
    for (size_t i = 0, next; i < bars->n && !code; i = next) {
        if (bars->ts[i] < clock->begin || bars->ts[i] >= clock->end)
            *clock = seed ? utc_clock(bars->ts[i]) : exchange_clock(bars->ts[i]);
        next = bars_until(bars, i, clock->end);
        if (seed)
            code = fold_utc_day(builder, bars, i, next, err);
        else if (clock->session)
            code = fold_session(builder, bars, i, next, err);
        else
            builder->no_session += next - i;
        builder->newest = bars->ts[next - 1];
    }
    return code;
}

enum td_code td_daily_days(struct td_daily_builder *builder, const struct td_bars *bars, struct td_err *err)
{
    enum td_code code =
        td_grow(&builder->days, &builder->day_cap, builder->day_count + bars->n, sizeof *builder->days, err);
    if (code)
        return code;
    for (size_t i = 0; i < bars->n; i++) {
        struct day_bar *day = &builder->days[builder->day_count];
        int32_t ms;
        if (!time_is_sane(bars->ts[i]))
            return td_fail(err, TD_DATA, "%s: a day bar has an impossible time", builder->context.ticker);
        td_ny_split(bars->ts[i], &day->day, &ms);
        if (builder->context.preset == TD_PRESET_SESSION && td_cal_index(day->day) < 0)
            continue;
        day->order = builder->day_count++;
        day->bar = td_bars_get(bars, i);
    }
    return TD_OK;
}
