/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart_series: what is drawn inside the plot: shading, crosshair, overlay lines, candles and the volume panel, in the
 * three tiers. Up and down differ by glyph as well as by role: ASCII + and #, block thin and solid, braille open and
 * filled. */
#include <tapedeck/chart.h>

#include "chart_internal.h"

#define BRAILLE 0x2800u
#define FULL_BLOCK 0x2588u
#define UPPER_HALF 0x2580u
#define LOWER_HALF 0x2584u
#define MEDIUM_SHADE 0x2592u

static struct td_glyph *cell_at(const struct chart_view *view, int row, int col)
{
    return &view->grid->cells[(size_t)row * (size_t)view->grid->cols + (size_t)col];
}

/* Set a dot of the 2 x 4 raster of a braille cell; x and y count dots from the plot's top left corner. */
static void put_dot(const struct chart_view *view, const struct chart_area *area, int x, int y, enum td_role role)
{
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= area->cols * 2 || y >= area->rows * 4)
        return;
    struct td_glyph *cell = cell_at(view, area->row + y / 4, area->col + x / 2);
    if (cell->ch < BRAILLE || cell->ch > BRAILLE + 0xFF)
        cell->ch = BRAILLE;
    cell->ch |= bits[y % 4][x % 2];
    cell->role = (uint8_t)role;
}

/* ---- crosshair ---- */

void chart_draw_crosshair(const struct chart_view *view)
{
    if (view->cursor_slot < 0)
        return;
    uint32_t ch = view->chart->tier == TD_TIER_ASCII ? '.' : 0xB7;
    size_t at = (size_t)view->cursor_slot;
    int col = chart_slot_col(view, at);
    if (col < view->plot.col + view->plot.cols)
        td_grid_fill(view->grid, view->plot.row, col, view->plot.rows, 1, ch, TD_ROLE_CROSSHAIR, 0);
    if (view->slots[at].known && view->plot.rows > 0) {
        int row = view->plot.row + chart_step_of(view, view->slots[at].close) / view->sub;
        td_grid_fill(view->grid, row, view->plot.col, 1, view->plot.cols, ch, TD_ROLE_CROSSHAIR, 0);
    }
}

/* ---- overlay lines ---- */

struct chart_line_walk {
    const struct chart_view *view;
    const struct td_chart_line *line;
    uint32_t ascii;
};

/* Value of a line in a slot: its last number there. */
static double line_value(const struct chart_line_walk *walk, size_t slot)
{
    const struct chart_slot *s = &walk->view->slots[slot];
    for (size_t i = s->to; i > s->from; i--)
        if (isfinite(walk->line->y[i - 1]))
            return walk->line->y[i - 1];
    return (double)NAN;
}

static void line_cell(const struct chart_view *view, int row, int col, uint32_t ch, enum td_role role)
{
    if (col < view->plot.col + view->plot.cols && row >= view->plot.row && row < view->plot.row + view->plot.rows)
        td_grid_put(view->grid, row, col, ch, role, 0);
}

/* One column of a line that comes from row `from` and goes on at row `to`: a corner at each end, a bar between. */
static void line_column(const struct chart_view *view, int col, int from, int to, enum td_role role)
{
    if (from == to) {
        line_cell(view, from, col, 0x2500, role);
        return;
    }
    bool rising = to < from;
    line_cell(view, from, col, rising ? 0x2518 : 0x2510, role);
    line_cell(view, to, col, rising ? 0x250C : 0x2514, role);
    for (int row = (rising ? to : from) + 1; row < (rising ? from : to); row++)
        line_cell(view, row, col, 0x2502, role);
}

static void line_cells(const struct chart_line_walk *walk, size_t slot, double from, double to)
{
    const struct chart_view *view = walk->view;
    int col = chart_slot_col(view, slot), previous = -1;
    for (int step = 0; step < view->zoom; step++) {
        double value = from + (to - from) * step / view->zoom;
        if (!chart_price_in_view(view, value)) {
            previous = -1;
            continue;
        }
        int row = view->plot.row + chart_step_of(view, value) / view->sub;
        double next = from + (to - from) * (step + 1) / view->zoom;
        int next_row = chart_price_in_view(view, next) ? view->plot.row + chart_step_of(view, next) / view->sub : row;
        if (view->chart->tier == TD_TIER_ASCII)
            line_cell(view, row, col + step, walk->ascii, walk->line->role);
        else
            line_column(view, col + step, previous < 0 ? row : previous, next_row, walk->line->role);
        previous = next_row;
    }
}

static void line_dots(const struct chart_line_walk *walk, size_t slot, double from, double to)
{
    const struct chart_view *view = walk->view;
    int x = (chart_slot_col(view, slot) - view->plot.col) * 2, last = -1;
    for (int step = 0; step <= view->zoom * 2; step++) {
        double value = from + (to - from) * step / (view->zoom * 2);
        if (!chart_price_in_view(view, value)) {
            last = -1;
            continue;
        }
        int y = chart_step_of(view, value);
        for (int fill = last < 0 ? y : last; fill != y; fill += fill < y ? 1 : -1)
            put_dot(view, &view->plot, x + step, fill, walk->line->role);
        put_dot(view, &view->plot, x + step, y, walk->line->role);
        last = y;
    }
}

void chart_draw_lines(const struct chart_view *view)
{
    static const char ascii[] = "*ox";
    for (size_t l = 0; l < view->chart->line_count; l++) {
        struct chart_line_walk walk = {view, &view->chart->lines[l], (unsigned char)ascii[l % 3]};
        if (!walk.line->y || !view->any || view->plot.rows < 1)
            continue;
        for (size_t i = 0; i < view->slot_count; i++) {
            double here = line_value(&walk, i);
            double next = i + 1 < view->slot_count ? line_value(&walk, i + 1) : here;
            if (!isfinite(here))
                continue;
            if (!isfinite(next))
                next = here;
            if (view->chart->tier == TD_TIER_BRAILLE)
                line_dots(&walk, i, here, next);
            else
                line_cells(&walk, i, here, next);
        }
    }
}

/* ---- candles ---- */

struct candle_span { /* vertical steps from the top, inclusive */
    int wick_top, wick_bottom, body_top, body_bottom;
    enum td_role role;
};

static struct candle_span span_of(const struct chart_view *view, const struct chart_slot *slot)
{
    return (struct candle_span){
        .wick_top = chart_step_of(view, slot->high),
        .wick_bottom = chart_step_of(view, slot->low),
        .body_top = chart_step_of(view, fmax(slot->open, slot->close)),
        .body_bottom = chart_step_of(view, fmin(slot->open, slot->close)),
        .role = chart_slot_role(slot),
    };
}

static void put_plot(const struct chart_view *view, int row, int col, uint32_t ch, enum td_role role)
{
    if (col < view->plot.col + view->plot.cols)
        td_grid_put(view->grid, view->plot.row + row, col, ch, role, 0);
}

static void draw_ascii(const struct chart_view *view, const struct candle_span *span, int left, int wick)
{
    uint32_t body = span->role == TD_ROLE_UP ? '+' : span->role == TD_ROLE_DOWN ? '#' : '-';
    for (int row = span->wick_top; row <= span->wick_bottom; row++) {
        if (row < span->body_top || row > span->body_bottom) {
            put_plot(view, row, wick, '|', span->role);
            continue;
        }
        for (int col = left; col < left + view->body; col++)
            put_plot(view, row, col, body, span->role);
    }
}

enum { HALF_NONE, HALF_WICK, HALF_BODY };

static int half_at(const struct candle_span *span, int step)
{
    if (step >= span->body_top && step <= span->body_bottom)
        return HALF_BODY;
    return step >= span->wick_top && step <= span->wick_bottom ? HALF_WICK : HALF_NONE;
}

/* The middle column by the state of its upper and lower half: light lines are wicks, heavy ones and blocks bodies. */
static uint32_t block_middle(int upper, int lower, bool down, bool wide)
{
    static const uint32_t lines[3][3] = {
        {' ', 0x2577, 0x257B}, /* nothing above:   light, heavy below */
        {0x2575, 0x2502, 0x257D}, /* wick above */
        {0x2579, 0x257F, 0x2503}, /* body above */
    };
    bool solid = down || wide;
    if (upper == HALF_BODY && lower == HALF_BODY)
        return down ? FULL_BLOCK : wide ? MEDIUM_SHADE : 0x2503;
    if (solid && upper == HALF_BODY && lower == HALF_NONE)
        return UPPER_HALF;
    if (solid && upper == HALF_NONE && lower == HALF_BODY)
        return LOWER_HALF;
    return lines[upper][lower];
}

static uint32_t block_side(int upper, int lower, bool down)
{
    if (upper == HALF_BODY && lower == HALF_BODY)
        return down ? FULL_BLOCK : MEDIUM_SHADE;
    if (upper == HALF_BODY)
        return UPPER_HALF;
    return lower == HALF_BODY ? LOWER_HALF : 0;
}

/* A candle that closes where it opened is a dash with its wicks. */
static uint32_t block_flat(int upper, int lower)
{
    int body = upper == HALF_BODY || lower == HALF_BODY;
    if (!body)
        return 0;
    if (upper == HALF_WICK || lower == HALF_WICK)
        return upper == HALF_WICK ? 0x2534 : 0x252C;
    return 0x2500;
}

static void draw_block_row(const struct chart_view *view, const struct candle_span *span, int row, int left, int wick)
{
    int upper = half_at(span, row * 2), lower = half_at(span, row * 2 + 1);
    uint32_t flat = span->role == TD_ROLE_FLAT ? block_flat(upper, lower) : 0;
    bool down = span->role == TD_ROLE_DOWN, wide = view->body > 1;
    for (int col = left; col < left + view->body; col++) {
        uint32_t ch;
        if (col == wick)
            ch = flat ? flat : block_middle(upper, lower, down, wide);
        else
            ch = flat ? 0x2500 : block_side(upper, lower, down);
        if (ch && ch != ' ')
            put_plot(view, row, col, ch, span->role);
    }
}

/* Flat candles whose wicks reach beyond both ends of the cell are crosses. */
static void cross_flat(const struct chart_view *view, const struct candle_span *span, int wick)
{
    int row = span->body_top / 2;
    bool above = span->wick_top / 2 < row || half_at(span, row * 2) == HALF_WICK;
    bool below = span->wick_bottom / 2 > row || half_at(span, row * 2 + 1) == HALF_WICK;
    uint32_t ch = above && below ? 0x253C : above ? 0x2534 : below ? 0x252C : 0x2500;
    put_plot(view, row, wick, ch, TD_ROLE_FLAT);
}

static void draw_block(const struct chart_view *view, const struct candle_span *span, int left, int wick)
{
    for (int row = span->wick_top / 2; row <= span->wick_bottom / 2; row++)
        draw_block_row(view, span, row, left, wick);
    if (span->role == TD_ROLE_FLAT)
        cross_flat(view, span, wick);
}

static void draw_braille(const struct chart_view *view, const struct candle_span *span, int left, int wick)
{
    int x = (left - view->plot.col) * 2, width = view->body * 2, middle = (wick - view->plot.col) * 2;
    for (int y = span->wick_top; y <= span->wick_bottom; y++) {
        bool body = y >= span->body_top && y <= span->body_bottom;
        if (!body) {
            put_dot(view, &view->plot, middle, y, span->role);
            continue;
        }
        bool edge = y == span->body_top || y == span->body_bottom || span->role != TD_ROLE_UP;
        for (int i = 0; i < width; i++)
            if (edge || i == 0 || (width > 2 && i == width - 1))
                put_dot(view, &view->plot, x + i, y, span->role);
    }
}

void chart_draw_candles(const struct chart_view *view)
{
    if (view->plot.rows < 1)
        return;
    for (size_t i = 0; i < view->slot_count; i++) {
        if (!view->slots[i].known)
            continue;
        struct candle_span span = span_of(view, &view->slots[i]);
        int left = view->plot.col + (int)i * view->zoom, wick = left + view->body / 2;
        if (view->chart->tier == TD_TIER_ASCII)
            draw_ascii(view, &span, left, wick);
        else if (view->chart->tier == TD_TIER_BLOCK)
            draw_block(view, &span, left, wick);
        else
            draw_braille(view, &span, left, wick);
    }
}

/* ---- volume ---- */

static void volume_column(const struct chart_view *view, int col, int eighths, enum td_role role)
{
    int bottom = view->volume.row + view->volume.rows - 1;
    for (int row = 0; row < view->volume.rows && eighths > 0; row++, eighths -= 8) {
        uint32_t ch = eighths >= 8 ? FULL_BLOCK : 0x2580u + (uint32_t)eighths;
        if (view->chart->tier == TD_TIER_ASCII) {
            if (eighths < 4 && row > 0)
                break;
            ch = ':';
        }
        td_grid_put(view->grid, bottom - row, col, ch, role, 0);
    }
}

static void volume_dots(const struct chart_view *view, int col, int dots)
{
    int x = (col - view->volume.col) * 2, bottom = view->volume.rows * 4 - 1;
    for (int y = 0; y < dots; y++)
        for (int i = 0; i < 2; i++)
            put_dot(view, &view->volume, x + i, bottom - y, TD_ROLE_VOLUME);
}

void chart_draw_volume(const struct chart_view *view)
{
    if (view->volume.rows < 1 || !(view->max_volume > 0))
        return;
    int units = view->volume.rows * (view->chart->tier == TD_TIER_BRAILLE ? 4 : 8);
    for (size_t i = 0; i < view->slot_count; i++) {
        double share = view->slots[i].volume / view->max_volume;
        if (!(share > 0))
            continue;
        if (share > 1) /* merged volumes whose sum is infinite are no part of the scale: they fill the panel */
            share = 1;
        int height = (int)(share * units + 0.5);
        height = height < 1 ? 1 : height > units ? units : height; /* traded at all is never drawn as nothing */
        int left = view->plot.col + (int)i * view->zoom;
        for (int col = left; col < left + view->body && col < view->plot.col + view->plot.cols; col++) {
            if (view->chart->tier == TD_TIER_BRAILLE)
                volume_dots(view, col, height);
            else
                volume_column(view, col, height, TD_ROLE_VOLUME);
        }
    }
}

/* ---- shading of the phases before and after the regular one ---- */

static void shade_area(const struct chart_view *view, const struct chart_area *area, int col, int cols)
{
    int end = area->col + area->cols;
    for (int row = area->row; row < area->row + area->rows; row++) {
        for (int c = col; c < col + cols && c < end; c++) {
            struct td_glyph *cell = cell_at(view, row, c);
            if (cell->ch == ' ')
                cell->role = TD_ROLE_PRE;
            else
                cell->attr |= TD_ATTR_SHADE;
        }
    }
}

void chart_shade(const struct chart_view *view)
{
    for (size_t i = 0; i < view->slot_count; i++) {
        int col = view->plot.col + (int)i * view->zoom;
        if (!view->slots[i].outside)
            continue;
        shade_area(view, &view->plot, col, view->zoom);
        shade_area(view, &view->volume, col, view->zoom);
    }
}
