/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart: draws a whole chart: readout, plot, axes, volume. Pure: the same input gives the same cells. */
#include <string.h>

#include <tapedeck/chart.h>

#include "chart_internal.h"

#define SEGMENTS_MAX 24

/* A piece of the readout. When the line is too short, the highest `drop` goes first; 0 never goes. */
struct segment {
    char text[64];
    enum td_role role;
    int drop;
};
struct readout {
    struct segment items[SEGMENTS_MAX];
    size_t count;
};

static void add_segment(struct readout *out, int drop, enum td_role role, const char *label, const char *text)
{
    if (out->count == SEGMENTS_MAX)
        return;
    struct segment *s = &out->items[out->count++];
    td_snprintf(s->text, sizeof s->text, "%s%s", label, text);
    s->role = role;
    s->drop = drop;
}

static void add_price(struct readout *out, int drop, enum td_role role, const char *label, double price)
{
    char text[CHART_NUMBER];
    td_price_text(price, text);
    add_segment(out, drop, role, label, text);
}

/* The candle the readout speaks of: under the cursor, else the last one with prices. */
static const struct td_candle *readout_candle(const struct chart_view *view)
{
    const struct td_chart *chart = view->chart;
    if (view->cursor_slot >= 0)
        return &chart->candles[chart->cursor];
    for (size_t i = view->slot_count; i > 0; i--)
        for (size_t j = view->slots[i - 1].to; j > view->slots[i - 1].from; j--)
            if (chart_usable(&chart->candles[j - 1]))
                return &chart->candles[j - 1];
    return NULL;
}

static void add_time(struct readout *out, const struct td_chart *chart, const struct td_candle *candle)
{
    td_day day;
    int minute, year, month, mday;
    char text[CHART_NUMBER];
    if (!chart_local_time(candle->ts, &day, &minute))
        return;
    td_day_to_civil(day, &year, &month, &mday);
    if (chart->tf == TD_TF_1D)
        td_snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, mday);
    else
        td_snprintf(text, sizeof text, "%02d-%02d %02d:%02d", month, mday, minute / 60, minute % 60);
    add_segment(out, 5, TD_ROLE_AXIS, "", text);
}

static void add_candle(struct readout *out, const struct td_chart *chart, const struct td_candle *candle)
{
    enum td_role role = candle->close > candle->open   ? TD_ROLE_UP
                        : candle->close < candle->open ? TD_ROLE_DOWN
                                                       : TD_ROLE_FLAT;
    char text[CHART_NUMBER];
    add_time(out, chart, candle);
    add_price(out, 3, role, "O ", candle->open);
    add_price(out, 2, role, "H ", candle->high);
    add_price(out, 2, role, "L ", candle->low);
    add_price(out, 0, role, "C ", candle->close);
    td_short_text(candle->volume, text);
    add_segment(out, 1, TD_ROLE_VOLUME, "V ", text);
    td_percent_text(candle->close / candle->open - 1, text);
    add_segment(out, 4, role, "", text);
}

static void add_lines(struct readout *out, const struct td_chart *chart, size_t index)
{
    for (size_t i = 0; i < chart->line_count; i++) {
        const struct td_chart_line *line = &chart->lines[i];
        char label[40];
        if (!line->y)
            continue;
        td_snprintf(label, sizeof label, "%.30s ", line->name ? line->name : "");
        add_price(out, 7, line->role, label, line->y[index]);
    }
}

static int readout_width(const struct readout *out)
{
    int width = 0;
    for (size_t i = 0; i < out->count; i++)
        width += td_text_width(out->items[i].text) + (i ? 1 : 0);
    return width;
}

static void fit_readout(struct readout *out, int cols)
{
    while (out->count > 1 && readout_width(out) > cols) {
        size_t worst = 0;
        for (size_t i = 0; i < out->count; i++)
            if (out->items[i].drop >= out->items[worst].drop)
                worst = i;
        if (out->items[worst].drop == 0)
            break;
        memmove(&out->items[worst], &out->items[worst + 1], (out->count - worst - 1) * sizeof out->items[0]);
        out->count--;
    }
}

static void put_readout(const struct chart_view *view, int row, struct readout *out)
{
    int col = view->all.col, end = view->all.col + view->all.cols;
    fit_readout(out, view->all.cols);
    for (size_t i = 0; i < out->count && col < end; i++)
        col += 1 + td_grid_text(view->grid, row, col, end - col, out->items[i].text, out->items[i].role, 0);
}

static void draw_readout(const struct chart_view *view)
{
    struct readout first = {.count = 0}, second = {.count = 0};
    struct readout *numbers = view->readout_rows > 1 ? &second : &first;
    const struct td_candle *candle = readout_candle(view);
    if (!view->readout_rows)
        return;
    if (view->chart->title && *view->chart->title)
        add_segment(&first, candle ? 6 : 0, TD_ROLE_TITLE, "", view->chart->title);
    if (candle) {
        add_candle(numbers, view->chart, candle);
        add_lines(&first, view->chart, (size_t)(candle - view->chart->candles));
    }
    put_readout(view, view->readout_row, &first);
    if (numbers == &second)
        put_readout(view, view->readout_row + 1, &second);
}

static void draw_empty(const struct chart_view *view, const char *text)
{
    int width = td_text_width(text), cols = view->plot.cols;
    int col = view->plot.col + (width < cols ? (cols - width) / 2 : 0);
    int row = view->plot.row + (view->plot.rows > 0 ? (view->plot.rows - 1) / 2 : 0);
    td_grid_text(view->grid, row, col, cols, text, TD_ROLE_DIM, 0);
}

static enum td_code draw_parts(const struct chart_view *view, struct td_err *err)
{
    if (view->any) {
        chart_draw_crosshair(view);
        chart_draw_lines(view);
        chart_draw_candles(view);
        chart_draw_volume(view);
        chart_shade(view);
        chart_draw_price_axis(view);
    } else {
        draw_empty(view, view->chart->n ? "no prices in view" : "no candles");
    }
    draw_readout(view);
    return chart_draw_time_axis(view, err);
}

enum td_code td_chart_draw(const struct td_chart *chart, struct td_grid *grid, int row, int col, int rows, int cols,
                           struct td_err *err)
{
    struct chart_area area = {.row = row, .col = col, .rows = rows, .cols = cols};
    if (row < 0 || col < 0 || row >= grid->rows || col >= grid->cols || rows <= 0 || cols <= 0)
        return TD_OK;
    if (area.rows > grid->rows - row)
        area.rows = grid->rows - row;
    if (area.cols > grid->cols - col)
        area.cols = grid->cols - col;
    struct chart_view view;
    enum td_code code = chart_view_init(&view, chart, grid, area, err);
    if (code == TD_OK) {
        td_grid_fill(grid, area.row, area.col, area.rows, area.cols, ' ', TD_ROLE_TEXT, 0);
        code = draw_parts(&view, err);
    }
    chart_view_free(&view);
    return code;
}
