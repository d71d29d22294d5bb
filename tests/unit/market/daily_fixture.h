/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the tests of the daily builder share: bars written shortly, a build in one call, rows compared bit by bit. */
#ifndef TAPEDECK_TESTS_DAILY_FIXTURE_H
#define TAPEDECK_TESTS_DAILY_FIXTURE_H

#include "market_fixture.h"

#define NONE TD_NO_F64

static inline void put(struct td_bars *bars, const char *when, double open, double high, double low, double close,
                       double volume, double vwap, int64_t trades)
{
    struct td_bar bar = {ny(when), open, high, low, close, volume, vwap, trades};
    ASSERT_OK(td_bars_add(bars, &bar, NULL), (struct td_err){0});
}

/* A flat bar. */
static inline void flat(struct td_bars *bars, const char *when, double price, double volume)
{
    put(bars, when, price, price, price, price, volume, price, 1);
}

/* A daily bar of the session `index`. */
static inline void daily(struct td_bars *bars, int32_t index, double price, double volume)
{
    struct td_bar bar = {td_ny_midnight(td_cal_day(index)), price, price, price, price, volume, price, 1};
    ASSERT_OK(td_bars_add(bars, &bar, NULL), (struct td_err){0});
}

/* Everything from the first to the last session is vouched for. */
static const struct td_day_range all_known = {INT32_MIN + 1, INT32_MAX};

static inline struct td_daily_context context_of(enum td_preset preset)
{
    return (struct td_daily_context){.ticker = "ABCD",
                                     .preset = preset,
                                     .vouched = &all_known,
                                     .vouched_count = 1,
                                     .minute = true,
                                     .day_bars = true};
}

struct build {
    struct td_daily_builder *builder;
    struct td_daily_row *rows;
    size_t n;
};

static inline struct build build_with(const struct td_daily_context *context, const struct td_bars *minutes,
                                      const struct td_bars *days, const struct td_daily_row *history,
                                      size_t history_count)
{
    struct build b = {0};
    struct td_err err = {0};
    ASSERT_OK(td_daily_new(context, &b.builder, &err), err);
    if (minutes)
        ASSERT_OK(td_daily_minutes(b.builder, minutes, &err), err);
    if (days)
        ASSERT_OK(td_daily_days(b.builder, days, &err), err);
    ASSERT_OK(td_daily_finish(b.builder, history, history_count, &b.rows, &b.n, &err), err);
    return b;
}

static inline struct build build_of(const struct td_daily_context *context, const struct td_bars *minutes,
                                    const struct td_bars *days)
{
    return build_with(context, minutes, days, NULL, 0);
}

static inline bool near_value(double got, double expected)
{
    return near_f64(got, expected, 0, 1e-12);
}

/* Changes are compared by their ratio, since ratio - 1 cancels. */
static inline bool near_change(double got, double expected)
{
    return near_f64(got + 1, expected + 1, 0, 1e-12);
}

static inline bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* Name of the first column that is not the same in both rows, NULL when all are. */
static inline const char *first_difference(const struct td_daily_row *a, const struct td_daily_row *b)
{
    for (size_t i = 0; i < td_daily_record.count; i++) {
        const struct td_field *f = &td_daily_record.fields[i];
        const char *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
        bool same = false;
        if (f->kind == TD_F_STR) {
            same = !strcmp(x, y);
        } else if (f->kind == TD_F_TEXT) {
            const char *s, *t;
            memcpy(&s, x, sizeof s);
            memcpy(&t, y, sizeof t);
            same = same_text(s, t);
        } else if (f->kind == TD_F_F64) {
            double s, t;
            memcpy(&s, x, sizeof s);
            memcpy(&t, y, sizeof t);
            same = same_f64(s, t);
        } else {
            same = !memcmp(x, y, f->size);
        }
        if (!same)
            return f->name;
    }
    return a->complete == b->complete ? NULL : "complete";
}

#endif
