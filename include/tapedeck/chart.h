/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart: pure renderer: candles + size + glyph tier -> a grid of cells. No curses, no I/O, one thread per grid. */
#ifndef TAPEDECK_CHART_H
#define TAPEDECK_CHART_H

#include <tapedeck/market.h>

/* What a cell means; the theme decides how it looks. Shared by every pane of the deck. */
#define TD_ROLES(X)                                                                                                    \
    X(TEXT, "text")                                                                                                    \
    X(DIM, "dim")                                                                                                      \
    X(TITLE, "title")                                                                                                  \
    X(BORDER, "border")                                                                                                \
    X(FOCUS, "focus")                                                                                                  \
    X(CURSOR, "cursor")                                                                                                \
    X(HEADER, "header")                                                                                                \
    X(UP, "up")                                                                                                        \
    X(DOWN, "down")                                                                                                    \
    X(FLAT, "flat")                                                                                                    \
    X(VOLUME, "volume")                                                                                                \
    X(AXIS, "axis")                                                                                                    \
    X(CROSSHAIR, "crosshair")                                                                                          \
    X(LINE1, "line1")                                                                                                  \
    X(LINE2, "line2")                                                                                                  \
    X(LINE3, "line3")                                                                                                  \
    X(PRE, "pre")                                                                                                      \
    X(GOOD, "good")                                                                                                    \
    X(WARN, "warn")                                                                                                    \
    X(ERROR, "error")                                                                                                  \
    X(PROMPT, "prompt")                                                                                                \
    X(STATUS, "status")
enum td_role {
#define TD_ROLE_ENUM(name, text) TD_ROLE_##name,
    TD_ROLES(TD_ROLE_ENUM)
#undef TD_ROLE_ENUM
    TD_ROLE_COUNT
};
const char *td_role_name(enum td_role role);

#define TD_ATTR_BOLD 1u
#define TD_ATTR_REVERSE 2u
#define TD_ATTR_UNDERLINE 4u
#define TD_ATTR_SHADE 8u /* on the ground of TD_ROLE_PRE: what is drawn over a shaded market phase */
struct td_glyph { /* one screen cell */
    uint32_t ch;  /* Unicode scalar; 0 = right half of a wide one */
    uint8_t role; /* enum td_role */
    uint8_t attr;
};
struct td_grid {
    int rows, cols;
    struct td_glyph *cells; /* rows * cols, row-major, owned by the grid */
};
enum td_code td_grid_init(struct td_grid *grid, int rows, int cols, struct td_err *err); /* blanks; 0..1000 each */
void td_grid_free(struct td_grid *grid);
void td_grid_clear(struct td_grid *grid);
void td_grid_put(struct td_grid *grid, int row, int col, uint32_t ch, enum td_role role, unsigned attr); /* clipped */
/* UTF-8 text from (row, col), at most `width` columns, clipped; control bytes shown as '?'; returns columns used. */
int td_grid_text(struct td_grid *grid, int row, int col, int width, const char *text, enum td_role role, unsigned attr);
void td_grid_fill(struct td_grid *grid, int row, int col, int rows, int cols, uint32_t ch, enum td_role role, unsigned attr);
int td_text_width(const char *utf8); /* columns */
/* Columns of one character by our own compact rule, whatever the locale: 0 combining, 2 wide, else 1. Any thread. */
int td_char_width(uint32_t ch);
/* Decode the character at text: returns bytes used (0 only when len is 0); a malformed byte gives U+FFFD and 1. */
size_t td_utf8_decode(const char *text, size_t len, uint32_t *ch);
size_t td_utf8_encode(uint32_t ch, char out[4]); /* returns bytes; what is no scalar becomes U+FFFD */
/* The grid as UTF-8 text, one line a row, trailing blanks cut: for tests, :save-display and the chart command. */
void td_grid_dump(const struct td_grid *grid, struct td_buf *out);

enum td_tier { TD_TIER_ASCII, TD_TIER_BLOCK, TD_TIER_BRAILLE };
const char *td_tier_name(enum td_tier tier);
bool td_tier_parse(const char *text, enum td_tier *out);

struct td_chart_line { /* an overlay over the same candles: y[i] belongs to candles[i], NaN = none */
    const char *name;
    const double *y;
    enum td_role role;
};
struct td_chart {
    const char *title; /* "ABCD  5m  2025-10-21" */
    const struct td_candle *candles;
    size_t n;
    size_t first; /* leftmost visible candle */
    int zoom;     /* columns a candle: 1..8; 0 = 2; -k = k candles a column (merged) */
    long cursor;  /* candle under the crosshair, -1 = none */
    enum td_tf tf;
    enum td_tier tier;
    bool volume; /* volume panel below */
    td_day day;  /* a day that matters: its label on the time axis stands out; TD_NO_DAY or 0 = none */
    const struct td_chart_line *lines;
    size_t line_count;
};
/* Draw into the rectangle of grid: readout (title, O H L C V of the cursor or the last candle), candles with wicks,
 * price axis on the right, volume panel, time axis (New York) at the bottom. Any size from 1x1; small ones drop parts
 * in the order: time axis, volume, price axis, readout. An empty series says "no candles". */
enum td_code td_chart_draw(const struct td_chart *chart, struct td_grid *grid, int row, int col, int rows, int cols,
                           struct td_err *err);
size_t td_chart_visible(const struct td_chart *chart, int cols); /* candles that fit in the plot of that width */
/* "4.32" from $1 up, 4 decimals below, thousands grouped from 10,000; NaN = n/a. Returns length; out >= 32 bytes. */
size_t td_price_text(double price, char *out);
size_t td_short_text(double value, char *out); /* 88.1M, 1.24B, 532K; NaN = n/a */
/* A fraction as a signed percentage with two decimals: 0.0537 -> "+5.37%"; NaN = n/a. out >= 32 bytes. */
size_t td_percent_text(double fraction, char *out);

#endif
