/* SPDX-License-Identifier: GPL-3.0-or-later
 * pane_chart: the chart of the ticker under the cursor, opened on the list's date with the sessions around it. */
#include <string.h>

#include "deck.h"

static void chart_title(struct deck *deck, char *out, size_t size)
{
    const struct chart_view *view = &deck->chart;
    char day[11];
    if (!view->ticker[0]) {
        td_copy(out, size, "chart");
        return;
    }
    td_format_day(view->day, day);
    td_snprintf(out, size, "%s  %s%s  %s%s  New York", view->ticker, td_tf_name(view->tf), view->tf_auto ? " auto" : "", day,
                view->tf == TD_TF_1D ? "" : view->hours == TD_HOURS_ALL ? "  all hours" : "  regular hours");
}

/* ---- placing the view ---- */

struct span {
    size_t first, day, after, end; /* candles of the session before, of the day, after it, past the session after */
};

static size_t first_from(const struct td_candles *candles, int64_t ts)
{
    size_t low = 0, high = candles->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (candles->items[middle].ts < ts)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct span span_of_day(const struct chart_view *view)
{
    struct span span;
    int32_t index = td_cal_index_at_or_before(view->day);
    td_day before = td_cal_day(index - 1), next = td_cal_day(index + 1), after_next = td_cal_day(index + 2);
    span.day = first_from(&view->candles, td_ny_midnight(view->day));
    span.after = first_from(&view->candles, td_ny_midnight(view->day + 1));
    span.first = before == TD_NO_DAY ? span.day : first_from(&view->candles, td_ny_midnight(before));
    span.end = next == TD_NO_DAY || after_next == TD_NO_DAY ? span.after : first_from(&view->candles, td_ny_midnight(after_next));
    return span;
}

/* Columns of the plot for one column a candle. */
static size_t plot_columns(const struct chart_view *view)
{
    struct td_chart chart = {.candles = view->candles.items, .n = view->candles.n, .first = view->first, .zoom = 1, .volume = true};
    size_t columns = td_chart_visible(&chart, view->width);
    return columns ? columns : 1;
}

/* The finest timeframe at which the three sessions fit, when the person has not chosen one. */
static void choose_timeframe(struct deck *deck)
{
    static const enum td_tf tries[] = {TD_TF_5M, TD_TF_15M, TD_TF_30M, TD_TF_1H, TD_TF_4H};
    struct chart_view *view = &deck->chart;
    for (size_t i = 0; i < TD_COUNT(tries); i++) {
        view->tf = tries[i];
        chart_rebuild(deck);
        struct span span = span_of_day(view);
        view->first = span.first < view->candles.n ? span.first : 0;
        if (span.end - span.first <= plot_columns(view))
            return;
    }
}

static void go_home(struct deck *deck)
{
    struct chart_view *view = &deck->chart;
    view->home = false;
    if (view->tf_auto)
        choose_timeframe(deck);
    struct span span = span_of_day(view);
    size_t room = plot_columns(view), three = span.end - span.first;
    if (view->tf == TD_TF_1D) {
        size_t shown = room / 2 ? room / 2 : 1;
        view->zoom = 2;
        view->first = span.after > shown * 4 / 5 ? span.after - shown * 4 / 5 : 0;
    } else if (three <= room) {
        size_t zoom = three ? room / three : 2;
        view->zoom = zoom > 4 ? 4 : (int)zoom;
        /* older candles fill what the three leave free: history is worth more than a blank */
        size_t shown = room / (size_t)view->zoom;
        view->first = span.end > shown ? span.end - shown : 0;
        if (view->first > span.first)
            view->first = span.first;
    } else {
        /* the day alone, or, where even that is too long, its regular open with some pre-market before it */
        size_t day = span.after - span.day, lead = room > day ? (room - day) / 2 : room / 5;
        size_t at = room > day ? span.day : first_from(&view->candles, td_ny_to_utc(view->day, TD_REGULAR_MIN * TD_MS_MINUTE));
        view->zoom = 1;
        view->first = at > lead ? at - lead : 0;
    }
    if (view->first >= view->candles.n)
        view->first = 0;
    view->home_first = view->first;
    view->home_zoom = view->zoom;
    deck->dirty = false; /* rebuilding for this very frame asks for no other */
}

/* ---- drawing ---- */

static bool nothing_to_show(struct deck *deck, struct area area)
{
    const struct chart_view *view = &deck->chart;
    if (!view->ticker[0])
        deck_empty(deck, area, "no ticker is chosen: move in the watchlist, or name one", "goto TICKER");
    else if (!view->data)
        deck_empty(deck, area, "reading bars", NULL);
    else if (!view->candles.n && view->tf == TD_TF_1D)
        deck_empty(deck, area, "no daily bars of this ticker", "cache build");
    else if (!view->candles.n)
        deck_empty(deck, area, view->data->problem[0] ? view->data->problem : "no bars in these market hours", view->data->fix);
    else
        return false;
    return true;
}

static size_t add_lines(const struct chart_view *view, struct td_chart_line lines[3])
{
    size_t count = 0;
    if (view->sma && view->lines[0])
        lines[count++] = (struct td_chart_line){"SMA20", view->lines[0], TD_ROLE_LINE1};
    if (view->ema && view->lines[1])
        lines[count++] = (struct td_chart_line){"EMA9", view->lines[1], TD_ROLE_LINE2};
    if (view->vwap && view->tf != TD_TF_1D && view->lines[2])
        lines[count++] = (struct td_chart_line){"VWAP", view->lines[2], TD_ROLE_LINE3};
    return count;
}

/* The view is placed for the width it will be drawn at, before the title says which timeframe that is. */
static void chart_prepare(struct deck *deck, struct area area)
{
    struct chart_view *view = &deck->chart;
    bool unmoved = view->first == view->home_first && view->zoom == view->home_zoom && view->cursor < 0;
    if (area.cols != view->width && unmoved)
        view->home = true; /* another width: what "auto" chose no longer holds, and nobody has looked elsewhere */
    view->width = area.cols;
    if (view->home && view->data)
        go_home(deck);
}

static void chart_draw(struct deck *deck, struct area area)
{
    struct chart_view *view = &deck->chart;
    struct td_chart_line lines[3];
    struct td_err err = {0};
    if (nothing_to_show(deck, area))
        return;
    struct td_chart chart = {.candles = view->candles.items, .n = view->candles.n, .first = view->first, .zoom = view->zoom,
                             .cursor = view->cursor, .tf = view->tf, .tier = deck->tier, .volume = view->volume, .lines = lines,
                             .day = view->day};
    chart.line_count = add_lines(view, lines);
    if (td_chart_draw(&chart, &deck->grid, area.row, area.col, area.rows, area.cols, &err) != TD_OK)
        deck_empty(deck, area, err.text, NULL);
}

static void chart_click(struct deck *deck, struct area area, int row, int col, int button)
{
    struct chart_view *view = &deck->chart;
    (void)row;
    if (button == MOUSE_WHEEL_UP || button == MOUSE_WHEEL_DOWN) {
        chart_zoom(deck, button == MOUSE_WHEEL_UP ? 1 : -1);
        return;
    }
    if (button != MOUSE_LEFT || col >= area.cols)
        return;
    long zoom = view->zoom > 0 ? view->zoom : view->zoom < 0 ? 1 : 2, merge = view->zoom < 0 ? -(long)view->zoom : 1;
    long at = (long)view->first + col / zoom * merge;
    view->cursor = at < (long)view->candles.n ? at : -1;
    deck->dirty = true;
}

const struct pane deck_pane_chart = {"chart", "candles of the ticker under the cursor", chart_title, chart_draw, chart_click,
                                     chart_prepare};
