/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart_internal: what the files of the chart room share: the geometry of one drawing and its visible slots. */
#ifndef TAPEDECK_CHART_INTERNAL_H
#define TAPEDECK_CHART_INTERNAL_H

#include <tapedeck/chart.h>

#define CHART_NUMBER 32 /* bytes every number text must hold */

struct chart_area {
    int row, col, rows, cols;
};

/* One column group of the plot: one candle, or several merged ones. */
struct chart_slot {
    size_t from, to; /* candles [from, to) */
    double open, high, low, close, volume;
    bool known;   /* false: no candle in it has four usable prices */
    bool outside; /* none of its candles reaches into the regular phase */
};

struct chart_view { /* lives for one td_chart_draw */
    const struct td_chart *chart;
    struct td_grid *grid;
    struct chart_area all, plot, volume; /* volume.rows is 0 without a panel */
    int readout_row, readout_rows;       /* 0 rows = none */
    int time_row;                        /* -1 = none */
    int axis_col, axis_cols;             /* 0 columns = none */
    int zoom, body, merge;               /* columns a slot, columns a body, candles a slot */
    int sub;                             /* vertical steps in a row of the plot */
    struct chart_slot *slots;
    size_t slot_count;
    long cursor_slot; /* -1 = none in view */
    double low, high; /* price at the bottom and the top step; high > low unless nothing is known */
    double max_volume;
    bool any;     /* at least one slot is known */
    int decimals; /* of the price axis */
};

/* chart_layout.c */
enum td_code chart_view_init(struct chart_view *view, const struct td_chart *chart, struct td_grid *grid,
                             struct chart_area area, struct td_err *err);
void chart_view_free(struct chart_view *view);
bool chart_usable(const struct td_candle *candle); /* four finite prices of a size that can be scaled */
int chart_step_of(const struct chart_view *view, double price); /* vertical step from the top, clamped */
bool chart_price_in_view(const struct chart_view *view, double price);
int chart_slot_col(const struct chart_view *view, size_t slot); /* column of its wick */
enum td_role chart_slot_role(const struct chart_slot *slot);    /* UP, DOWN or FLAT */
bool chart_local_time(int64_t ts, td_day *day, int *minute);    /* New York; false for a time nobody trades at */

/* chart_series.c */
void chart_draw_crosshair(const struct chart_view *view);
void chart_draw_lines(const struct chart_view *view);
void chart_draw_candles(const struct chart_view *view);
void chart_draw_volume(const struct chart_view *view);
void chart_shade(const struct chart_view *view); /* last: what is drawn keeps its colour on the shaded ground */

/* chart_axis.c */
void chart_draw_price_axis(const struct chart_view *view);
enum td_code chart_draw_time_axis(const struct chart_view *view, struct td_err *err);

/* chart_text.c */
size_t chart_fixed_text(double value, int decimals, char *out);

#endif
