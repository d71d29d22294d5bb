/* SPDX-License-Identifier: GPL-3.0-or-later
 * Between the passes of the daily builder: sums and day bars become one row a day, still without history. */
#include <stdlib.h>
#include <string.h>
#include "daily.h"

#define WHOLE_SESSION_ROWS 390   /* `seed`: fewer bars than this is a gap */
#define VOLUME_SHARE_OF_DAY 0.95 /* less of the daily bar's volume than this means minutes are missing */

bool daily_in_ranges(const struct td_day_range *ranges, size_t count, td_day day)
{
    size_t low = 0, high = count; /* the ranges before `high` begin at or before the day; one of them may reach it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].from <= day)
            low = middle + 1;
        else
            high = middle;
    }
    while (high > 0 && ranges[high - 1].to < day)
        high--;
    return high > 0;
}

static double finite_or_null(double value)
{
    return isfinite(value) ? value : TD_NO_F64;
}

/* What the lake knows of the day's unit: 1 = incomplete, 0 = complete, -1 = nothing. */
static int8_t unit_gap(const struct td_daily_context *context, td_day day)
{
    if (daily_in_ranges(context->incomplete, context->incomplete_count, day))
        return 1;
    return daily_in_ranges(context->vouched, context->vouched_count, day) ? 0 : -1;
}

/* The newest start wins where intervals overlap. */
static double market_cap(const struct td_daily_context *context, td_day day)
{
    const struct td_cap_interval *caps = context->caps;
    size_t low = 0, high = context->cap_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (caps[middle].from <= day)
            low = middle + 1;
        else
            high = middle;
    }
    while (high > 0 && caps[high - 1].to != TD_NO_DAY && caps[high - 1].to <= day)
        high--;
    return high > 0 ? finite_or_null(caps[high - 1].cap) : TD_NO_F64;
}

static uint32_t row_begin(const struct td_daily_context *context, td_day day, struct td_daily_row *row)
{
    bool running = day == context->running && day != 0;
    *row = (struct td_daily_row){
        .trading_day = day,
        .pctchg_d = TD_NO_F64,
        .return_d = TD_NO_F64,
        .rvol30 = TD_NO_F64,
        .session_rows = UINT32_MAX,
        .has_gaps = -1,
        .market_cap_d = market_cap(context, day),
        .vol_pre_d = TD_NO_F64,
        .vol_reg_d = TD_NO_F64,
        .vol_post_d = TD_NO_F64,
        .rvol30_prior = TD_NO_F64,
        .gap_pct_d = TD_NO_F64,
        .max_gap_min = UINT32_MAX,
        .split_factor = 1,
        .complete = !running,
    };
    td_copy(row->ticker, sizeof row->ticker, context->ticker);
    return (td_cal_is_half(day) ? TD_FLAG(HALF_DAY) : 0) | (running ? TD_FLAG(PARTIAL_SESSION) : 0);
}

static double phase_volume(const struct day_sum *sum, unsigned phase)
{
    if (sum->phase_bars[phase] > 0 && sum->phase_known[phase] == 0)
        return TD_NO_F64;
    return finite_or_null(sum->phase_volume[phase]);
}

static void minute_phases(const struct td_daily_context *context, const struct day_sum *sum, const struct day_bar *day,
                          struct td_daily_row *row)
{
    int32_t tail = sum->regular_minutes - sum->last_minute - 1;
    row->vol_pre_d = phase_volume(sum, PHASE_PRE);
    row->vol_reg_d = phase_volume(sum, PHASE_REG);
    row->vol_post_d = phase_volume(sum, PHASE_POST);
    row->session_rows = sum->minutes;
    row->max_gap_min = (uint32_t)(tail > sum->gap ? tail : sum->gap);
    row->has_gaps = unit_gap(context, sum->day);
    if (day && row->vol_d < VOLUME_SHARE_OF_DAY * day->bar.volume) /* false where either is unknown */
        row->has_gaps = 1;
    row->close_src = sum->phase_bars[PHASE_REG] ? "regular" : "last";
    if (day && !isnan(day->bar.close)) {
        row->close_d = day->bar.close;
        row->close_src = "daily";
    }
}

/* Rows are made with their flags as bits; the text is written once, when the history is known. */
static uint32_t minute_row(const struct td_daily_context *context, const struct day_sum *sum, const struct day_bar *day,
                           struct td_daily_row *row)
{
    uint32_t flags = row_begin(context, sum->day, row);
    if (sum->approx)
        flags |= TD_FLAG(APPROX_DOLLAR_VOL);
    if (sum->known && sum->known < sum->bars)
        flags |= TD_FLAG(VOL_PARTIAL);
    row->bars_from = "minute";
    row->open_d = sum->open;
    row->high_d = sum->high;
    row->low_d = sum->low;
    row->close_d = isnan(sum->close) ? sum->last_close : sum->close;
    row->vol_d = sum->known ? finite_or_null(sum->volume) : TD_NO_F64;
    row->dollar_vol_d = sum->known ? finite_or_null(sum->dollars) : TD_NO_F64;
    row->vwap_d = ratio_or_null(row->dollar_vol_d, row->vol_d);
    row->trades_d = sum->counted ? sum->trades : TD_NO_COUNT;
    if (context->preset == TD_PRESET_SESSION) {
        minute_phases(context, sum, day, row);
    } else {
        row->close_src = "last";
        row->session_rows = sum->counted ? sum->counted : sum->bars;
        row->has_gaps = row->session_rows < WHOLE_SESSION_ROWS;
    }
    return flags;
}

static uint32_t day_row(const struct td_daily_context *context, const struct day_bar *day, struct td_daily_row *row)
{
    const struct td_bar *bar = &day->bar;
    uint32_t flags = row_begin(context, day->day, row);
    if (isnan(bar->vwap))
        flags |= TD_FLAG(APPROX_DOLLAR_VOL);
    row->bars_from = "day";
    row->close_src = "daily";
    row->open_d = bar->open;
    row->high_d = bar->high;
    row->low_d = bar->low;
    row->close_d = bar->close;
    row->vol_d = finite_or_null(bar->volume);
    row->dollar_vol_d = finite_or_null(bar->volume * bar_price(bar->vwap, bar->high, bar->low, bar->close));
    row->vwap_d = ratio_or_null(row->dollar_vol_d, row->vol_d);
    row->trades_d = bar->trades;
    if (context->preset == TD_PRESET_SESSION)
        row->has_gaps = unit_gap(context, day->day);
    return flags;
}

/* A row that stands, as it was before its history columns: those flags that its own day gave it stay. */
static uint32_t kept_row(const struct td_daily_context *context, const struct td_daily_row *kept, struct td_daily_row *row)
{
    const uint32_t own = TD_FLAG(APPROX_DOLLAR_VOL) | TD_FLAG(VOL_PARTIAL);
    uint32_t flags = row_begin(context, kept->trading_day, row);
    struct td_daily_row bare = *row;
    *row = *kept;
    memcpy(row->ticker, bare.ticker, sizeof row->ticker);
    row->pctchg_d = row->return_d = row->gap_pct_d = TD_NO_F64;
    row->rvol30 = row->rvol30_prior = TD_NO_F64;
    row->hist_n = 0;
    row->market_cap_d = bare.market_cap_d;
    row->split_factor = bare.split_factor;
    row->complete = bare.complete;
    return flags | (td_flags_parse(kept->flags) & own);
}

size_t daily_merge(const struct td_daily_builder *builder, struct td_daily_row *rows, uint32_t *flags)
{
    const struct td_daily_context *context = &builder->context;
    const struct day_sum *sum = builder->sums, *sum_end = sum ? sum + builder->sum_count : NULL;
    const struct day_bar *day = builder->days, *day_end = day ? day + builder->day_count : NULL;
    const struct td_daily_row *kept = builder->kept, *kept_end = kept ? kept + builder->kept_count : NULL;
    size_t n = 0;
    while (sum < sum_end || day < day_end || kept < kept_end) {
        td_day fed = sum < sum_end ? sum->day : INT32_MAX;
        if (day < day_end && day->day < fed)
            fed = day->day;
        if (kept < kept_end && kept->trading_day < fed) {
            flags[n] = kept_row(context, kept++, &rows[n]);
            n++;
            continue;
        }
        if (kept < kept_end && kept->trading_day == fed)
            kept++;
        if (sum < sum_end && (day == day_end || sum->day <= day->day)) {
            const struct day_bar *beside = day < day_end && day->day == sum->day ? day++ : NULL;
            flags[n] = minute_row(context, sum++, beside, &rows[n]);
            n++;
        } else if (context->day_bars) {
            flags[n] = day_row(context, day++, &rows[n]);
            n++;
        } else {
            day++;
        }
    }
    return n;
}

static int day_bar_compare(const void *a, const void *b)
{
    const struct day_bar *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Into ascending order, one bar a day: of several the one fed last. */
static void order_days(struct td_daily_builder *builder)
{
    struct day_bar *days = builder->days;
    size_t kept = 0;
    bool ascending = true;
    for (size_t i = 1; i < builder->day_count; i++)
        ascending &= days[i - 1].day < days[i].day;
    if (ascending)
        return;
    qsort(days, builder->day_count, sizeof *days, day_bar_compare);
    for (size_t i = 0; i < builder->day_count; i++)
        if (i + 1 == builder->day_count || days[i + 1].day != days[i].day)
            days[kept++] = days[i];
    builder->day_count = kept;
    for (size_t i = 0; i < kept; i++)
        days[i].order = i;
}

enum td_code td_daily_finish(struct td_daily_builder *builder, const struct td_daily_row *history, size_t history_count,
                             struct td_daily_row **rows, size_t *count, struct td_err *err)
{
    *rows = NULL;
    *count = 0;
    order_days(builder);
    size_t room = builder->sum_count + builder->day_count + builder->kept_count;
    enum td_code code = TD_OK;
    td_free(builder->rows);
    builder->rows = td_realloc(NULL, room, sizeof *builder->rows);
    uint32_t *flags = td_realloc(NULL, room, sizeof *flags);
    if (!builder->rows || !flags) {
        code = td_fail(err, TD_NOMEM, "%s: out of memory for daily rows", builder->context.ticker);
        goto done;
    }
    struct daily_rows made = {builder->rows, flags, daily_merge(builder, builder->rows, flags)};
    code = daily_history(&builder->context, history, history_count, &made, err);
    if (code)
        goto done;
    *rows = made.rows;
    *count = made.n;
done:
    td_free(flags);
    return code;
}
