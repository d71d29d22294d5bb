/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_chart: the bars behind the chart. A query reads the minutes around a day and the daily rows once; timeframes, market
 * hours, zoom and lines are then computed here from memory, and the neighbours in the list are read ahead. */
#include <stdlib.h>
#include <string.h>

#include "deck.h"

#define SESSIONS_AROUND 10 /* read on each side of the day */
#define SESSIONS_MORE 30   /* further ones when the view reaches an edge */
#define MERGE_MAX 400
#define FAST 9
#define SLOW 20

/* ---- reading, on the query thread ---- */

struct chart_task {
    struct task task;
    struct td_lake *lake;
    struct chart_data *data;
    bool ahead; /* nobody looks at it yet */
    struct td_err err;
};

static void data_free(struct chart_data *data)
{
    if (!data)
        return;
    td_bars_free(&data->minutes);
    td_candles_free(&data->daily);
    td_free(data);
}

/* Session `count` sessions away from a day, within the calendar. */
static td_day session_away(td_day day, int count)
{
    int32_t index = count < 0 ? td_cal_index_at_or_before(day) : td_cal_index_at_or_after(day);
    if (index < 0)
        return count < 0 ? day - 7 : day + 7;
    int32_t last = td_cal_index_at_or_before(td_cal_last());
    index = index + count < 0 ? 0 : index + count > last ? last : index + count;
    return td_cal_day(index);
}

static enum td_code add_daily(struct td_candles *out, const struct td_candle *candle, struct td_err *err)
{
    enum td_code code = td_grow(&out->items, &out->cap, out->n + 1, sizeof *out->items, err);
    if (code == TD_OK)
        out->items[out->n++] = *candle;
    return code;
}

static enum td_code daily_from_cache(struct chart_data *data, const struct td_lake *lake, struct td_err *err)
{
    struct td_rows rows = {0};
    enum td_code code = td_cache_read(lake, data->ticker, &rows, err);
    const struct td_daily_row *row = rows.items;
    for (size_t i = 0; code == TD_OK && i < rows.count; i++, row++) {
        struct td_candle candle = {.ts = td_ny_midnight(row->trading_day), .open = row->open_d, .high = row->high_d,
                                   .low = row->low_d, .close = row->close_d, .volume = row->vol_d, .vwap = row->vwap_d,
                                   .trades = row->trades_d, .bars = row->session_rows};
        code = add_daily(&data->daily, &candle, err);
    }
    td_rows_free(&rows);
    return code;
}

static enum td_code daily_from_bars(struct chart_data *data, const struct td_lake *lake, struct td_err *err)
{
    struct td_bars bars = {0};
    enum td_code code = td_bronze_range(lake, TD_STOCKS_DAILY, data->ticker, td_cal_first(), td_cal_last(), &bars, NULL, err);
    for (size_t i = 0; code == TD_OK && i < bars.n; i++) {
        struct td_bar bar = td_bars_get(&bars, i);
        struct td_candle candle = {.ts = bar.ts, .open = bar.open, .high = bar.high, .low = bar.low, .close = bar.close,
                                   .volume = bar.volume, .vwap = bar.vwap, .trades = bar.trades, .bars = 1};
        code = add_daily(&data->daily, &candle, err);
    }
    td_bars_free(&bars);
    return code;
}

static void explain_no_bars(struct chart_data *data)
{
    char from[11], to[11];
    td_format_day(data->from, from);
    td_format_day(data->to, to);
    td_snprintf(data->problem, sizeof data->problem, "no minute bars of %s from %s to %s", data->ticker, from, to);
    td_snprintf(data->fix, sizeof data->fix, "ingest -t stocks_minute --tickers %s -s %s -e %s", data->ticker, from, to);
}

static void chart_run(struct task *base)
{
    struct chart_task *task = (struct chart_task *)base;
    struct chart_data *data = task->data;
    enum td_code code = td_bronze_range(task->lake, TD_STOCKS_MINUTE, data->ticker, data->from, data->to, &data->minutes, NULL,
                                        &task->err);
    if (code != TD_OK && code != TD_MISSING) {
        td_copy(data->problem, sizeof data->problem, task->err.text);
        return;
    }
    if (!data->minutes.n)
        explain_no_bars(data);
    code = daily_from_cache(data, task->lake, &task->err);
    if (code == TD_MISSING)
        code = daily_from_bars(data, task->lake, &task->err);
    if (code != TD_OK && code != TD_MISSING && !data->problem[0])
        td_copy(data->problem, sizeof data->problem, task->err.text);
}

/* ---- the cache of what was read ---- */

static struct chart_data *cached(struct chart_view *view, const char *ticker, td_day day)
{
    for (size_t i = 0; i < DECK_CHARTS; i++)
        if (view->cache[i] && view->cache[i]->day == day && strcmp(view->cache[i]->ticker, ticker) == 0)
            return view->cache[i];
    return NULL;
}

/* Takes `data` over; what was used least recently gives way, what is shown never does. */
static void keep(struct chart_view *view, struct chart_data *data)
{
    size_t slot = 0;
    uint64_t oldest = UINT64_MAX;
    for (size_t i = 0; i < DECK_CHARTS; i++) {
        struct chart_data *old = view->cache[i];
        uint64_t age = !old ? 0 : old->used;
        bool same = old && old->day == data->day && strcmp(old->ticker, data->ticker) == 0;
        if (same) {
            slot = i;
            break;
        }
        if (age < oldest && old != view->data) {
            oldest = age;
            slot = i;
        }
    }
    if (view->cache[slot] == view->data)
        view->data = NULL;
    data_free(view->cache[slot]);
    data->used = ++view->turn;
    view->cache[slot] = data;
}

static bool is_shown(const struct chart_view *view, const struct chart_data *data)
{
    return data->day == view->day && strcmp(data->ticker, view->ticker) == 0;
}

static void chart_apply(struct deck *deck, struct task *base)
{
    struct chart_task *task = (struct chart_task *)base;
    struct chart_view *view = &deck->chart;
    struct chart_data *data = task->data;
    bool shown = is_shown(view, data);
    bool first = shown && !view->data;
    int64_t left = view->first < view->candles.n ? view->candles.items[view->first].ts : 0;
    task->data = NULL;
    keep(view, data);
    if (!shown)
        return;
    view->data = data;
    chart_rebuild(deck);
    if (first || !left) {
        view->home = true;
        return;
    }
    /* more history was read: the same candle stays at the left edge */
    size_t at = 0;
    while (at < view->candles.n && view->candles.items[at].ts < left)
        at++;
    view->first = at;
}

static void chart_drop(struct task *base)
{
    struct chart_task *task = (struct chart_task *)base;
    data_free(task->data);
    td_free(task);
}

/* Slots of the query thread: a newer wish replaces an older one of its kind. */
static const char slot_shown, slot_before, slot_after, slot_more;

static void load(struct deck *deck, const void *slot, const char *ticker, td_day day, td_day from, td_day to)
{
    struct chart_task *task = td_calloc(1, sizeof *task);
    struct chart_data *data = td_calloc(1, sizeof *data);
    if (!task || !data) {
        td_free(data);
        td_free(task);
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){chart_run, chart_apply, chart_drop};
    task->lake = deck->app->lake;
    task->data = data;
    td_copy(data->ticker, sizeof data->ticker, ticker);
    data->day = day;
    data->from = from;
    data->to = to;
    deck_query(deck, slot, &task->task);
}

static void load_around(struct deck *deck, const void *slot, const char *ticker, td_day day)
{
    load(deck, slot, ticker, day, session_away(day, -SESSIONS_AROUND), session_away(day, SESSIONS_AROUND));
}

/* ---- what is shown ---- */

void chart_show(struct deck *deck, const char *ticker, td_day day)
{
    struct chart_view *view = &deck->chart;
    if (!*ticker || day == TD_NO_DAY)
        return;
    if (view->day == day && strcmp(view->ticker, ticker) == 0)
        return;
    td_copy(view->ticker, sizeof view->ticker, ticker);
    view->day = day;
    view->cursor = -1;
    view->home = true;
    view->data = cached(view, ticker, day);
    if (view->data)
        view->data->used = ++view->turn;
    chart_rebuild(deck);
    if (!view->data)
        load_around(deck, &slot_shown, ticker, day);
    deck->dirty = true;
}

/* The list's neighbours are likely to be next: they are read after the one that is wanted now. */
static void read_ahead(struct deck *deck)
{
    const void *slots[2] = {&slot_after, &slot_before};
    for (int i = 0; i < 2; i++) {
        size_t at = i ? deck->watch.cursor - 1 : deck->watch.cursor + 1;
        const struct td_watch_row *row = watch_row(deck, at);
        if (row && !cached(&deck->chart, row->ticker, row->trading_day))
            load_around(deck, slots[i], row->ticker, row->trading_day);
    }
}

void chart_follow(struct deck *deck)
{
    const struct td_watch_row *row = watch_row(deck, deck->watch.cursor);
    if (!row)
        return;
    chart_show(deck, row->ticker, row->trading_day);
    read_ahead(deck);
}

void chart_forget(struct deck *deck)
{
    struct chart_view *view = &deck->chart;
    for (size_t i = 0; i < DECK_CHARTS; i++) {
        if (!view->cache[i] || view->cache[i] == view->data)
            continue;
        data_free(view->cache[i]);
        view->cache[i] = NULL;
    }
    if (view->ticker[0])
        load_around(deck, &slot_shown, view->ticker, view->day);
}

static void free_lines(struct chart_view *view)
{
    for (size_t i = 0; i < TD_COUNT(view->lines); i++) {
        td_free(view->lines[i]);
        view->lines[i] = NULL;
    }
}

/* Session VWAP from the candles' own vwap and volume, reset at each New York date. */
static void candle_vwap(const struct td_candles *candles, double *out)
{
    double money = 0, shares = 0;
    td_day session = TD_NO_DAY;
    for (size_t i = 0; i < candles->n; i++) {
        const struct td_candle *c = &candles->items[i];
        td_day day;
        int32_t ms;
        td_ny_split(c->ts, &day, &ms);
        if (day != session)
            money = shares = 0;
        session = day;
        if (isfinite(c->vwap) && c->volume > 0) {
            money += c->vwap * c->volume;
            shares += c->volume;
        }
        out[i] = shares > 0 ? money / shares : (double)NAN;
    }
}

static void make_lines(struct chart_view *view)
{
    size_t n = view->candles.n;
    double *close = n ? td_calloc(n, sizeof *close) : NULL;
    if (!close)
        return;
    for (size_t i = 0; i < n; i++)
        close[i] = view->candles.items[i].close;
    for (size_t i = 0; i < TD_COUNT(view->lines); i++)
        view->lines[i] = td_calloc(n, sizeof *close);
    if (view->lines[0])
        td_sma(close, n, SLOW, view->lines[0]);
    if (view->lines[1])
        td_ema(close, n, FAST, view->lines[1]);
    if (view->lines[2])
        candle_vwap(&view->candles, view->lines[2]);
    td_free(close);
}

/* Candles of the data at the view's timeframe: pure computing, well under a frame for what a chart holds. */
void chart_rebuild(struct deck *deck)
{
    struct chart_view *view = &deck->chart;
    struct td_err err = {0};
    free_lines(view);
    view->candles.n = 0;
    deck->dirty = true;
    if (!view->data)
        return;
    enum td_code code = TD_OK;
    if (view->tf == TD_TF_1D) {
        for (size_t i = 0; i < view->data->daily.n && code == TD_OK; i++)
            code = add_daily(&view->candles, &view->data->daily.items[i], &err);
    } else {
        struct td_candle_options options = {.tf = view->tf, .hours = view->hours, .anchor = TD_ANCHOR_SESSION, .calendar = true};
        code = td_candles_add(&view->candles, &view->data->minutes, &options, &err);
    }
    if (code != TD_OK) {
        view->candles.n = 0;
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
    }
    make_lines(view);
    if (view->cursor >= (long)view->candles.n)
        view->cursor = -1;
}

void chart_set_tf(struct deck *deck, enum td_tf tf, bool automatic)
{
    struct chart_view *view = &deck->chart;
    view->tf_auto = automatic;
    view->tf = tf;
    view->zoom = 0;
    view->cursor = -1;
    view->home = true;
    chart_rebuild(deck);
}

/* ---- moving about ---- */

static size_t visible(const struct chart_view *view)
{
    struct td_chart chart = {.candles = view->candles.items, .n = view->candles.n, .first = view->first, .zoom = view->zoom,
                             .volume = view->volume};
    size_t count = td_chart_visible(&chart, view->width);
    return count ? count : 1;
}

static void load_more(struct deck *deck, int side)
{
    struct chart_view *view = &deck->chart;
    const struct chart_data *data = view->data;
    if (view->tf == TD_TF_1D || !data)
        return;
    load(deck, &slot_more, data->ticker, data->day, side < 0 ? session_away(data->from, -SESSIONS_MORE) : data->from,
         side > 0 ? session_away(data->to, SESSIONS_MORE) : data->to);
}

void chart_pan(struct deck *deck, long columns)
{
    struct chart_view *view = &deck->chart;
    size_t shown = visible(view), n = view->candles.n;
    long per_column = view->zoom < 0 ? -(long)view->zoom : 1, last = n > shown ? (long)(n - shown) : 0;
    long at = (long)view->first + columns * per_column;
    if (columns && (at < 0 || at > last))
        load_more(deck, at < 0 ? -1 : 1);
    view->first = (size_t)(at < 0 ? 0 : at > last ? last : at);
    deck->dirty = true;
}

void chart_zoom(struct deck *deck, int step)
{
    struct chart_view *view = &deck->chart;
    size_t middle = view->first + visible(view) / 2;
    if (view->cursor >= 0)
        middle = (size_t)view->cursor;
    int zoom = view->zoom ? view->zoom : 2;
    if (step > 0)
        zoom = zoom < -2 ? zoom / 2 : zoom < 0 ? 1 : zoom < 8 ? zoom + 1 : 8;
    else
        zoom = zoom > 1 ? zoom - 1 : zoom == 1 ? -2 : zoom > -MERGE_MAX / 2 ? zoom * 2 : zoom;
    view->zoom = zoom;
    size_t shown = visible(view);
    view->first = middle > shown / 2 ? middle - shown / 2 : 0;
    chart_pan(deck, 0);
}

void chart_crosshair(struct deck *deck, long step)
{
    struct chart_view *view = &deck->chart;
    size_t shown = visible(view);
    if (!view->candles.n)
        return;
    long last = (long)view->candles.n - 1;
    long merge = view->zoom < 0 ? -(long)view->zoom : 1;
    long at = view->cursor < 0 ? (long)(view->first + shown) - 1 : view->cursor + step * merge;
    if (at > last)
        at = last;
    view->cursor = at < 0 ? 0 : at;
    if ((size_t)view->cursor < view->first)
        view->first = (size_t)view->cursor;
    if ((size_t)view->cursor >= view->first + shown)
        view->first = (size_t)view->cursor - shown + 1;
    deck->dirty = true;
}

void chart_free(struct deck *deck)
{
    struct chart_view *view = &deck->chart;
    for (size_t i = 0; i < DECK_CHARTS; i++)
        data_free(view->cache[i]);
    memset(view->cache, 0, sizeof view->cache);
    view->data = NULL;
    td_candles_free(&view->candles);
    free_lines(view);
}
