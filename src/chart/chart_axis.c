/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart_axis: the price axis with round ticks, and the time axis in New York time, whose labels follow the timeframe:
 * years, months, weeks and days under daily candles; dates and round clock times under intraday ones. */
#include <string.h>

#include <tapedeck/chart.h>

#include "chart_internal.h"

#define ROWS_BETWEEN_TICKS 3
#define LABEL_MAX 12

/* ---- price ---- */

/* The smallest of 1, 2, 2.5, 5 x 10^k that is at least `least`, and at least one unit of the axis' last decimal. */
static double round_step(double least, int decimals)
{
    static const double mantissas[] = {1, 2, 2.5, 5, 10};
    double unit = decimals == 4 ? 0.0001 : 0.01;
    if (least < unit)
        return unit;
    double power = pow(10, floor(log10(least)));
    for (size_t i = 0; i < TD_COUNT(mantissas); i++) {
        double step = mantissas[i] * power;
        /* 2.5 of the last decimal could not be written */
        bool writable = mantissas[i] != 2.5 || power >= unit * 10 * 0.999;
        if (writable && step >= least * (1 - 1e-9))
            return step;
    }
    return 10 * power;
}

static void axis_label(const struct chart_view *view, int row, double price, enum td_role role, unsigned attr)
{
    char text[CHART_NUMBER];
    int width = (int)chart_fixed_text(price, view->decimals, text);
    int col = view->axis_col + view->axis_cols - width;
    if (col <= view->axis_col)
        col = view->axis_col + 1;
    td_grid_text(view->grid, row, col, view->axis_col + view->axis_cols - col, text, role, attr);
}

static void axis_ticks(const struct chart_view *view)
{
    double range = view->high - view->low;
    int slots = view->plot.rows / ROWS_BETWEEN_TICKS;
    double step = round_step(range / (slots > 1 ? slots : 1), view->decimals);
    double first = ceil(view->low / step);
    int last_row = -1;
    uint32_t mark = view->chart->tier == TD_TIER_ASCII ? '+' : 0x251C;
    for (int i = 0; i < view->plot.rows + 1; i++) {
        double price = (first + i) * step;
        if (price > view->high)
            break;
        int row = view->plot.row + chart_step_of(view, price) / view->sub;
        if (row == last_row)
            continue;
        last_row = row;
        td_grid_put(view->grid, row, view->axis_col, mark, TD_ROLE_AXIS, 0);
        axis_label(view, row, price == 0 ? 0 : price, TD_ROLE_AXIS, 0);
    }
}

/* The price of the crosshair, or else the last close in view, stands on the axis in reverse. */
static void axis_tag(const struct chart_view *view)
{
    const struct chart_slot *slot = NULL;
    if (view->cursor_slot >= 0)
        slot = &view->slots[view->cursor_slot];
    for (size_t i = view->slot_count; i > 0 && !slot; i--)
        if (view->slots[i - 1].known)
            slot = &view->slots[i - 1];
    if (!slot || !slot->known)
        return;
    int row = view->plot.row + chart_step_of(view, slot->close) / view->sub;
    enum td_role role = view->cursor_slot >= 0 ? TD_ROLE_CROSSHAIR : chart_slot_role(slot);
    td_grid_fill(view->grid, row, view->axis_col + 1, 1, view->axis_cols - 1, ' ', role, TD_ATTR_REVERSE);
    axis_label(view, row, slot->close, role, TD_ATTR_REVERSE);
}

void chart_draw_price_axis(const struct chart_view *view)
{
    if (view->axis_cols < 2 || !view->any || view->plot.rows < 1)
        return;
    uint32_t bar = view->chart->tier == TD_TIER_ASCII ? '|' : 0x2502;
    td_grid_fill(view->grid, view->plot.row, view->axis_col, view->plot.rows + view->volume.rows, 1, bar, TD_ROLE_AXIS, 0);
    axis_ticks(view);
    axis_tag(view);
    if (view->volume.rows > 0 && view->max_volume > 0) {
        char text[CHART_NUMBER];
        td_short_text(view->max_volume, text);
        td_grid_text(view->grid, view->volume.row, view->axis_col + 1, view->axis_cols - 1, text, TD_ROLE_AXIS, 0);
    }
}

/* ---- time ---- */

struct time_axis {
    const struct chart_view *view;
    bool *taken; /* one a column of the whole chart; a blank is kept beside every label */
    int apart;   /* free columns wanted on both sides of the next label */
    int step;    /* minutes between clock labels; 0 = none */
};

static const char *const month_names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static bool place_label(struct time_axis *axis, int col, const char *text, enum td_role role, unsigned attr)
{
    const struct chart_view *view = axis->view;
    int width = (int)strlen(text), at = col - view->all.col;
    if (at < 0 || at + width > view->all.cols)
        return false;
    for (int i = at > axis->apart ? at - axis->apart : 0; i < at + width + axis->apart && i < view->all.cols; i++)
        if (axis->taken[i])
            return false;
    for (int i = at; i < at + width; i++)
        axis->taken[i] = true;
    td_grid_text(view->grid, view->time_row, col, width, text, role, attr);
    return true;
}

/* Kinds of boundary between a candle and the one before, coarsest first. */
enum boundary { YEAR, QUARTER, MONTH, WEEK, DAY, CLOCK };

#define APART_ODD 6 /* free columns beside a clock time that is not round */

struct local_time {
    bool known;
    td_day day;
    int minute, year, month, mday;
};

static struct local_time time_of_slot(const struct chart_view *view, size_t slot)
{
    struct local_time t = {0};
    const struct chart_slot *s = &view->slots[slot];
    if (s->from < s->to)
        t.known = chart_local_time(view->chart->candles[s->from].ts, &t.day, &t.minute);
    if (t.known)
        td_day_to_civil(t.day, &t.year, &t.month, &t.mday);
    return t;
}

static bool crosses(const struct time_axis *axis, const struct local_time *a, const struct local_time *b, enum boundary kind)
{
    switch (kind) {
    case YEAR: return a->year != b->year;
    case QUARTER: return a->year != b->year || (a->month - 1) / 3 != (b->month - 1) / 3;
    case MONTH: return a->year != b->year || a->month != b->month;
    case WEEK: return (a->day + 3 + 7 * 1000000) / 7 != (b->day + 3 + 7 * 1000000) / 7; /* weeks begin on Monday */
    case DAY: return a->day != b->day;
    case CLOCK: return a->day == b->day && axis->step && a->minute / axis->step != b->minute / axis->step;
    }
    return false;
}

static void label_text(const struct local_time *t, enum boundary kind, bool intraday, char out[LABEL_MAX])
{
    switch (kind) {
    case YEAR: td_snprintf(out, LABEL_MAX, "%04d", t->year); break;
    case QUARTER:
    case MONTH: td_copy(out, LABEL_MAX, month_names[t->month - 1]); break;
    case WEEK: td_snprintf(out, LABEL_MAX, "%02d-%02d", t->month, t->mday); break;
    case DAY:
        if (intraday)
            td_snprintf(out, LABEL_MAX, "%02d-%02d", t->month, t->mday);
        else
            td_snprintf(out, LABEL_MAX, "%02d", t->mday);
        break;
    case CLOCK: td_snprintf(out, LABEL_MAX, "%02d:%02d", t->minute / 60, t->minute % 60); break;
    }
}

/* `only`: no other day than this one; TD_NO_DAY = all. */
static void place_kind(struct time_axis *axis, enum boundary kind, td_day only)
{
    const struct chart_view *view = axis->view;
    bool intraday = view->chart->tf != TD_TF_1D;
    struct local_time before = time_of_slot(view, 0);
    for (size_t i = 1; i < view->slot_count; i++) {
        struct local_time now = time_of_slot(view, i);
        char text[LABEL_MAX];
        bool wanted = before.known && now.known && crosses(axis, &before, &now, kind) && (only == TD_NO_DAY || now.day == only);
        before = now;
        if (!wanted)
            continue;
        label_text(&now, kind, intraday, text);
        bool marked = kind == DAY && intraday && now.day == view->chart->day;
        place_label(axis, chart_slot_col(view, i), text, marked ? TD_ROLE_TITLE : TD_ROLE_AXIS, 0);
    }
}

static bool is_round(const struct local_time *t, int step)
{
    return t->minute % step == 0;
}

/* Clock times at a candle that begins one. Minutes without trades have no candle, so a boundary may fall into a hole and
 * its candle carries an odd time (10:10 where nobody traded from 09:55): round ones come first, and the odd ones stand
 * only where they fill a wide space. */
static void place_clock(struct time_axis *axis, int step, bool round)
{
    const struct chart_view *view = axis->view;
    struct local_time before = time_of_slot(view, 0);
    for (size_t i = 1; i < view->slot_count; i++) {
        struct local_time now = time_of_slot(view, i);
        char text[LABEL_MAX];
        bool wanted = before.known && now.known && crosses(axis, &before, &now, CLOCK) && is_round(&now, step) == round;
        before = now;
        if (!wanted)
            continue;
        label_text(&now, CLOCK, true, text);
        place_label(axis, chart_slot_col(view, i), text, TD_ROLE_AXIS, 0);
    }
}

/* The hours that divide the day first, so that what has to give way among crowded ones is the finest. */
static void place_clocks(struct time_axis *axis)
{
    static const int rounds[] = {240, 120, 60, 30};
    if (!axis->step)
        return;
    for (size_t i = 0; i < TD_COUNT(rounds); i++)
        if (rounds[i] > axis->step && rounds[i] % axis->step == 0)
            place_clock(axis, rounds[i], true);
    place_clock(axis, axis->step, true);
    axis->apart = APART_ODD;
    place_clock(axis, axis->step, false);
}

/* Columns that one candle takes: less than one when candles are merged. */
static double candle_cols(const struct chart_view *view)
{
    return (double)view->zoom / view->merge;
}

static int clock_step(const struct chart_view *view)
{
    static const int steps[] = {1, 2, 5, 10, 15, 30, 60, 120, 240, 480};
    int minutes = td_tf_minutes(view->chart->tf);
    for (size_t i = 0; i < TD_COUNT(steps); i++)
        if (steps[i] >= minutes && candle_cols(view) * steps[i] / minutes >= 8)
            return steps[i];
    return 0;
}

static void place_daily(struct time_axis *axis)
{
    static const struct {
        enum boundary kind;
        int candles; /* between two of them */
        int cols;    /* a label with its blank */
    } kinds[] = {{YEAR, 252, 5}, {QUARTER, 63, 5}, {MONTH, 21, 5}, {WEEK, 5, 7}, {DAY, 1, 4}};
    for (size_t i = 0; i < TD_COUNT(kinds); i++)
        if (candle_cols(axis->view) * kinds[i].candles >= kinds[i].cols)
            place_kind(axis, kinds[i].kind, TD_NO_DAY);
}

static void place_cursor(struct time_axis *axis)
{
    const struct chart_view *view = axis->view;
    if (view->cursor_slot < 0)
        return;
    struct local_time t = time_of_slot(view, (size_t)view->cursor_slot);
    char text[LABEL_MAX];
    if (!t.known)
        return;
    label_text(&t, view->chart->tf == TD_TF_1D ? WEEK : CLOCK, true, text);
    int col = chart_slot_col(view, (size_t)view->cursor_slot), last = view->all.col + view->all.cols - (int)strlen(text);
    place_label(axis, col > last ? last : col, text, TD_ROLE_CROSSHAIR, TD_ATTR_REVERSE);
}

/* The first column carries its date unless a boundary beside it does. */
static void place_first(struct time_axis *axis)
{
    const struct chart_view *view = axis->view;
    struct local_time t = time_of_slot(view, 0);
    char text[LABEL_MAX];
    if (!t.known)
        return;
    if (view->chart->tf == TD_TF_1D)
        td_snprintf(text, sizeof text, "%04d-%02d", t.year, t.month);
    else
        label_text(&t, DAY, true, text);
    bool marked = view->chart->tf != TD_TF_1D && t.day == view->chart->day;
    place_label(axis, view->plot.col, text, marked ? TD_ROLE_TITLE : TD_ROLE_AXIS, 0);
}

enum td_code chart_draw_time_axis(const struct chart_view *view, struct td_err *err)
{
    if (view->time_row < 0 || !view->slot_count)
        return TD_OK;
    struct time_axis axis = {.view = view, .apart = 1, .step = clock_step(view)};
    axis.taken = td_calloc((size_t)view->all.cols, sizeof *axis.taken);
    if (!axis.taken)
        return td_fail(err, TD_NOMEM, "out of memory for a time axis of %d columns", view->all.cols);
    place_cursor(&axis);
    if (view->chart->tf == TD_TF_1D) {
        place_daily(&axis);
        place_first(&axis);
    } else {
        if (view->chart->day != TD_NO_DAY)
            place_kind(&axis, DAY, view->chart->day); /* the day that matters before those that would crowd it out */
        place_kind(&axis, DAY, TD_NO_DAY);
        place_first(&axis);
        place_clocks(&axis);
    }
    td_free(axis.taken);
    return TD_OK;
}
