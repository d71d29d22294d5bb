/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart_layout: where the parts of a chart go, which candles are in view and how a price becomes a row. */
#include <tapedeck/chart.h>

#include "chart_internal.h"

#define PRICE_MAX 1e15
#define ZOOM_MAX 8
#define MERGE_MAX 100000
/* A part is drawn from this size on; smaller rectangles drop the time axis first and the readout last. */
#define ROWS_READOUT 2
#define ROWS_PRICE_AXIS 4
#define ROWS_VOLUME 8
#define ROWS_TIME_AXIS 9
#define ROWS_SECOND_READOUT 12 /* for the title alone, where it does not fit beside the numbers */
#define COLS_READOUT 8
#define COLS_NUMBERS 62 /* time, O H L C, V and change of an ordinary price */
#define VOLUME_LABEL 5  /* "98.4K" */
#define COLS_PLOT_BESIDE_AXIS 8

bool chart_usable(const struct td_candle *c)
{
    const double prices[] = {c->open, c->high, c->low, c->close};
    for (size_t i = 0; i < TD_COUNT(prices); i++)
        if (!isfinite(prices[i]) || fabs(prices[i]) > PRICE_MAX)
            return false;
    return true;
}

bool chart_local_time(int64_t ts, td_day *day, int *minute)
{
    /* years 1900 to 2199: outside, the label is left out rather than made up */
    if (ts < INT64_C(-2208988800000) || ts > INT64_C(7258118400000))
        return false;
    int32_t ms;
    td_ny_split(ts, day, &ms);
    *minute = ms / (int32_t)TD_MS_MINUTE;
    return true;
}

static void read_zoom(struct chart_view *view)
{
    int zoom = view->chart->zoom;
    view->merge = zoom < 0 ? (zoom < -MERGE_MAX ? MERGE_MAX : -zoom) : 1;
    view->zoom = zoom < 0 ? 1 : zoom == 0 ? 2 : zoom > ZOOM_MAX ? ZOOM_MAX : zoom;
    /* Odd, so that the wick stands in the middle, and a gap beside it from two columns on. */
    int body = view->zoom > 1 ? view->zoom - 1 : 1;
    view->body = body % 2 ? body : body - 1;
}

static size_t slots_in(const struct chart_view *view, int cols)
{
    if (cols <= 0)
        return 0;
    return cols < view->body ? 1 : (size_t)((cols - view->body) / view->zoom) + 1;
}

static size_t first_candle(const struct td_chart *chart)
{
    return chart->first < chart->n ? chart->first : chart->n ? chart->n - 1 : 0;
}

/* Slots from the first visible candle that really exist, at most those that fit. */
static size_t slots_filled(const struct chart_view *view, int cols)
{
    size_t left = view->chart->n - first_candle(view->chart);
    size_t merge = (size_t)view->merge;
    size_t there = left / merge + (left % merge != 0);
    size_t room = slots_in(view, cols);
    return there < room ? there : room;
}

/* The width of the price axis follows the prices that would be in view without it, so that it does not depend on
 * itself. Decimals: four only where a narrow range lies under $1. */
static void measure_axis(struct chart_view *view, int cols)
{
    const struct td_chart *chart = view->chart;
    size_t from = first_candle(chart), count = slots_filled(view, cols) * (size_t)view->merge;
    double low = (double)INFINITY, high = -(double)INFINITY;
    for (size_t i = from; i < chart->n && i - from < count; i++) {
        if (!chart_usable(&chart->candles[i]))
            continue;
        low = fmin(low, chart->candles[i].low);
        high = fmax(high, chart->candles[i].high);
    }
    view->decimals = 2;
    view->axis_cols = 0;
    if (low > high)
        return;
    view->decimals = low < 1 && high - low < 0.2 ? 4 : 2;
    char text[CHART_NUMBER];
    size_t wide = chart_fixed_text(high, view->decimals, text), other = chart_fixed_text(low, view->decimals, text);
    if (other > wide)
        wide = other;
    if (chart->volume && wide < VOLUME_LABEL)
        wide = VOLUME_LABEL;
    view->axis_cols = 1 + (int)wide;
}

static void place_rows(struct chart_view *view)
{
    int rows = view->all.rows, top = view->all.row, bottom = view->all.row + rows;
    view->readout_row = top;
    view->readout_rows = rows >= ROWS_READOUT && view->all.cols >= COLS_READOUT ? 1 : 0;
    int title = view->chart->title ? td_text_width(view->chart->title) : 0;
    if (title && rows >= ROWS_SECOND_READOUT && title + COLS_NUMBERS > view->all.cols)
        view->readout_rows = 2;
    top += view->readout_rows;
    view->time_row = -1;
    if (rows >= ROWS_TIME_AXIS)
        view->time_row = --bottom;
    view->volume = (struct chart_area){0};
    if (view->chart->volume && rows >= ROWS_VOLUME) {
        int height = (bottom - top) / 5;
        height = height < 1 ? 1 : height > 8 ? 8 : height;
        bottom -= height;
        view->volume = (struct chart_area){.row = bottom, .rows = height};
    }
    view->plot = (struct chart_area){.row = top, .rows = bottom - top};
}

static void place_cols(struct chart_view *view)
{
    int cols = view->all.cols;
    measure_axis(view, cols);
    if (view->all.rows < ROWS_PRICE_AXIS || cols < view->axis_cols + COLS_PLOT_BESIDE_AXIS)
        view->axis_cols = 0;
    view->plot.col = view->volume.col = view->all.col;
    view->plot.cols = view->volume.cols = cols - view->axis_cols;
    view->axis_col = view->all.col + view->plot.cols;
}

static bool candle_outside(const struct td_chart *chart, const struct td_candle *candle)
{
    td_day day;
    int minute;
    if (!chart_local_time(candle->ts, &day, &minute))
        return false;
    int last = minute + td_tf_minutes(chart->tf) - 1;
    return td_cal_phase(day, minute) != TD_PHASE_REGULAR && td_cal_phase(day, last < 1439 ? last : 1439) != TD_PHASE_REGULAR;
}

static bool slot_outside(const struct td_chart *chart, const struct chart_slot *slot)
{
    bool outside = chart->tf != TD_TF_1D && slot->from < slot->to;
    for (size_t i = slot->from; i < slot->to && outside; i++)
        outside = candle_outside(chart, &chart->candles[i]);
    return outside;
}

static void merge_slot(const struct td_chart *chart, struct chart_slot *slot)
{
    slot->known = false;
    slot->volume = (double)NAN;
    for (size_t i = slot->from; i < slot->to; i++) {
        const struct td_candle *c = &chart->candles[i];
        if (isfinite(c->volume) && c->volume >= 0)
            slot->volume = isnan(slot->volume) ? c->volume : slot->volume + c->volume;
        if (!chart_usable(c))
            continue;
        /* A damaged candle whose close lies outside low..high still shows everything it says. */
        double high = fmax(fmax(c->high, c->low), fmax(c->open, c->close));
        double low = fmin(fmin(c->high, c->low), fmin(c->open, c->close));
        if (!slot->known) {
            slot->open = c->open;
            slot->high = high;
            slot->low = low;
        }
        slot->high = fmax(slot->high, high);
        slot->low = fmin(slot->low, low);
        slot->close = c->close;
        slot->known = true;
    }
    slot->outside = slot_outside(chart, slot);
}

static void fill_slots(struct chart_view *view)
{
    const struct td_chart *chart = view->chart;
    size_t at = first_candle(chart), merge = (size_t)view->merge;
    view->cursor_slot = -1;
    view->low = (double)INFINITY;
    view->high = -(double)INFINITY;
    for (size_t i = 0; i < view->slot_count; i++, at += merge) {
        struct chart_slot *slot = &view->slots[i];
        slot->from = at;
        slot->to = chart->n - at < merge ? chart->n : at + merge;
        merge_slot(chart, slot);
        if (slot->known) {
            view->low = fmin(view->low, slot->low);
            view->high = fmax(view->high, slot->high);
            view->any = true;
        }
        if (slot->volume > view->max_volume && isfinite(slot->volume))
            view->max_volume = slot->volume;
        if (chart->cursor >= 0 && (size_t)chart->cursor >= slot->from && (size_t)chart->cursor < slot->to)
            view->cursor_slot = (long)i;
    }
}

static void widen_range(struct chart_view *view)
{
    if (!view->any) {
        view->low = 0;
        view->high = 1;
    } else if (view->high - view->low <= fabs(view->high) * 1e-12) {
        double pad = fmax(fabs(view->high) * 0.005, 0.005);
        view->low -= pad;
        view->high += pad;
    }
}

enum td_code chart_view_init(struct chart_view *view, const struct td_chart *chart, struct td_grid *grid,
                             struct chart_area area, struct td_err *err)
{
    *view = (struct chart_view){.chart = chart, .grid = grid, .all = area};
    read_zoom(view);
    place_rows(view);
    place_cols(view);
    view->sub = chart->tier == TD_TIER_BRAILLE ? 4 : chart->tier == TD_TIER_BLOCK ? 2 : 1;
    view->slot_count = slots_filled(view, view->plot.cols);
    if (view->slot_count) {
        view->slots = td_calloc(view->slot_count, sizeof *view->slots);
        if (!view->slots)
            return td_fail(err, TD_NOMEM, "out of memory for a chart of %zu columns", view->slot_count);
    }
    fill_slots(view);
    widen_range(view);
    return TD_OK;
}

void chart_view_free(struct chart_view *view)
{
    td_free(view->slots);
    view->slots = NULL;
}

bool chart_price_in_view(const struct chart_view *view, double price)
{
    return isfinite(price) && price >= view->low && price <= view->high;
}

int chart_step_of(const struct chart_view *view, double price)
{
    int steps = view->plot.rows * view->sub;
    double at = (view->high - price) / (view->high - view->low) * (steps - 1);
    if (!(at > 0))
        return 0;
    return at >= steps - 1 ? (steps > 0 ? steps - 1 : 0) : (int)(at + 0.5);
}

int chart_slot_col(const struct chart_view *view, size_t slot)
{
    return view->plot.col + (int)slot * view->zoom + view->body / 2;
}

enum td_role chart_slot_role(const struct chart_slot *slot)
{
    if (slot->close > slot->open)
        return TD_ROLE_UP;
    return slot->close < slot->open ? TD_ROLE_DOWN : TD_ROLE_FLAT;
}

size_t td_chart_visible(const struct td_chart *chart, int cols)
{
    struct chart_view view = {.chart = chart, .all = {.rows = 1000, .cols = cols}};
    if (cols <= 0)
        return 0;
    read_zoom(&view);
    place_cols(&view);
    return slots_in(&view, view.plot.cols) * (size_t)view.merge;
}
