/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the chart: exact pictures of small cases in every tier, and properties over every size and hostile input. */
#include "check.h"

#include <tapedeck/chart.h>

#define NAN_D ((double)NAN)
#define INF_D ((double)INFINITY)

/* Six 5m candles around the open of 2025-10-21: the first two are pre-market. */
static const double around_open[][5] = {
    {10.00, 10.50, 9.50, 10.25, 1000}, {10.25, 10.25, 9.75, 9.75, 500},   {9.75, 12.00, 9.75, 11.75, 8000},
    {11.75, 12.25, 11.00, 11.25, 4000}, {11.25, 11.50, 11.00, 11.25, 2000}, {11.25, 13.00, 11.25, 12.75, 6000},
};
static struct td_candle candles[64];

static size_t load(const double (*rows)[5], size_t n, int64_t start, int64_t step_ms)
{
    for (size_t i = 0; i < n; i++)
        candles[i] = (struct td_candle){.ts = start + (int64_t)i * step_ms, .open = rows[i][0], .high = rows[i][1],
                                        .low = rows[i][2], .close = rows[i][3], .volume = rows[i][4], .vwap = NAN_D,
                                        .trades = TD_NO_COUNT, .bars = 5};
    return n;
}

static struct td_chart open_chart(enum td_tier tier)
{
    int64_t start = td_ny_to_utc(td_day_from_civil(2025, 10, 21), 9 * 3600000 + 20 * 60000);
    struct td_chart chart = {.title = "ABCD  5m", .candles = candles, .cursor = -1, .tf = TD_TF_5M, .tier = tier, .volume = true};
    chart.n = load(around_open, TD_COUNT(around_open), start, 300000);
    return chart;
}

static void draw(const struct td_chart *chart, int rows, int cols, struct td_buf *out)
{
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, rows, cols, &err), err);
    ASSERT_OK(td_chart_draw(chart, &grid, 0, 0, rows, cols, &err), err);
    td_buf_init(out, 1 << 20);
    td_grid_dump(&grid, out);
    td_grid_free(&grid);
}

static void expect_picture(const char *name, const struct td_chart *chart, int rows, int cols, const char *want)
{
    struct td_buf got;
    draw(chart, rows, cols, &got);
    if (strcmp(got.data, want) != 0)
        fail_msg("%s: expected\n%sgot\n%s", name, want, got.data);
    td_buf_free(&got);
}

static void test_tiers(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_ASCII);
    expect_picture("ascii", &chart, 12, 24,
                   "ABCD  5m\n"
                   "H 13.00 C 12.75 V 6.00K\n"
                   "          |       |\n"
                   "          +       |12.75\n"
                   "    | |   +       +12.00\n"
                   "    + # | +       |\n"
                   "    + # - +       |\n"
                   "|   +             |\n"
                   "+ # +             +10.00\n"
                   "| # +             |\n"
                   ": : : : : :       |8.00K\n"
                   "10-21\n");
    chart.tier = TD_TIER_BLOCK;
    expect_picture("block", &chart, 12, 24,
                   "ABCD  5m\n"
                   "H 13.00 C 12.75 V 6.00K\n"
                   "          ╽       │12.75\n"
                   "      ╷   ┃       │\n"
                   "    ╽ ╽   ┃       ├12.00\n"
                   "    ┃ █ │ ┃       │\n"
                   "    ┃ ╿ ┼ ╹       │\n"
                   "╷   ┃             │\n"
                   "┃ █ ┃             ├10.00\n"
                   "│ ▀ ╹             │\n"
                   "▁ ▁ █ ▄ ▂ ▆       │8.00K\n"
                   "10-21\n");
    chart.tier = TD_TIER_BRAILLE;
    expect_picture("braille", &chart, 12, 24,
                   "ABCD  5m\n"
                   "H 13.00 C 12.75 V 6.00K\n"
                   "          ⡧       │12.75\n"
                   "      ⡀   ⡇       │\n"
                   "    ⣆ ⣇   ⡇       ├12.00\n"
                   "    ⡇ ⣿ ⡆ ⡇       │\n"
                   "    ⡇ ⠏ ⠏ ⠉       │\n"
                   "⡄   ⡇             │\n"
                   "⣏ ⣿ ⡇             ├10.00\n"
                   "⡇ ⠛ ⠓             │\n"
                   "⣀ ⣀ ⣿ ⣤ ⣀ ⣶       │8.00K\n"
                   "10-21\n");
}

static void test_wide_and_merged(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_BLOCK);
    chart.title = NULL;
    chart.zoom = 4;
    expect_picture("wide", &chart, 10, 34,
                   "H 13.00 L 11.25 C 12.75 V 6.00K\n"
                   "                    ▄╽▄     │12.75\n"
                   "             ╷      ▒▒▒     │\n"
                   "        ▄╽▄ ▄╽▄     ▒▒▒     ├12.00\n"
                   "        ▒▒▒ ███ ─┴─ ▒▒▒     │\n"
                   " ╷      ▒▒▒                 │\n"
                   "▒▒▒ ███ ▒▒▒                 ├10.00\n"
                   " │  ▀▀▀ ▀▀▀                 │\n"
                   "▁▁▁ ▁▁▁ ███ ▄▄▄ ▂▂▂ ▆▆▆     │8.00K\n"
                   "10-21    09:30   09:40\n");
    chart.zoom = -2;
    chart.tier = TD_TIER_ASCII;
    expect_picture("merged", &chart, 10, 34,
                   "H 13.00 L 11.25 C 12.75 V 6.00K\n"
                   "  +                         |12.75\n"
                   " |+                         |\n"
                   " |+                         +12.00\n"
                   " ++                         |\n"
                   "|+                          |\n"
                   "#+                          +10.00\n"
                   "#+                          |\n"
                   ":::                         |12.0K\n"
                   "10-21\n");
}

static void test_crosshair(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_ASCII);
    chart.cursor = 3;
    chart.zoom = 3;
    expect_picture("crosshair", &chart, 10, 80,
                   "ABCD  5m 10-21 09:35 O 11.75 H 12.25 L 11.00 C 11.25 V 4.00K -4.26%\n"
                   "         .     +                                                          |\n"
                   "         |     +                                                          |\n"
                   "      +  #     +                                                          +12.00\n"
                   "......+..#..-..+..........................................................|11.25\n"
                   "|     +  .                                                                |\n"
                   "+  #  +  .                                                                +10.00\n"
                   "|  #  +  .                                                                |\n"
                   ":  :  :  :  :  :                                                          |8.00K\n"
                   "10-21    09:35 09:45\n");
    chart.cursor = 99; /* out of range: as none */
    chart.title = "";
    expect_picture("cursor out of range", &chart, 7, 44,
                   "O 11.25 H 13.00 L 11.25 C 12.75 V 6.00K\n"
                   "               +                      |12.75\n"
                   "      |  |     +                      +12.00\n"
                   "      +  #  |  +                      |\n"
                   "      +  #  -  +                      |\n"
                   "+  #  +                               +10.00\n"
                   "|  #  +                               |\n");
}

static void test_lines(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_ASCII);
    const double average[] = {NAN_D, 10.0, 10.6, 10.9, 11.1, 11.9};
    const struct td_chart_line line = {"SMA2", average, TD_ROLE_LINE1};
    chart.lines = &line;
    chart.line_count = 1;
    chart.zoom = 3;
    chart.volume = false;
    expect_picture("ascii line", &chart, 9, 80,
                   "ABCD  5m 10-21 09:45 O 11.25 H 13.00 L 11.25 C 12.75 V 6.00K +13.33% SMA2 11.90\n"
                   "               +                                                          |12.75\n"
                   "         |     +                                                          |\n"
                   "      +  #    *+**                                                        +12.00\n"
                   "      +  #**-* +                                                          |\n"
                   "|    *+***                                                                |\n"
                   "+  #* +                                                                   +10.00\n"
                   "|  #  +                                                                   |\n"
                   "10-21 09:30    09:45\n");
    chart.tier = TD_TIER_BLOCK;
    expect_picture("block line", &chart, 9, 80,
                   "ABCD  5m 10-21 09:45 O 11.25 H 13.00 L 11.25 C 12.75 V 6.00K +13.33% SMA2 11.90\n"
                   "               ╽                                                          │12.75\n"
                   "         ╷     ┃                                                          │\n"
                   "      ╽  ╽   ┌─┃──                                                        ├12.00\n"
                   "      ┃  █┌─┴┘ ┃                                                          │\n"
                   "╷    ┌┃───┘                                                               │\n"
                   "┃  █─┘┃                                                                   ├10.00\n"
                   "│  ▀  ╹                                                                   │\n"
                   "10-21 09:30    09:45\n");
}

static void test_small_sizes(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_ASCII);
    chart.zoom = 1;
    expect_picture("1x1", &chart, 1, 1,
                   "+\n");
    expect_picture("1x6", &chart, 1, 6,
                   "+#+#-+\n");
    expect_picture("2x10", &chart, 2, 10,
                   "C 12.75\n"
                   "+#+#-+\n");
    expect_picture("4x16", &chart, 4, 16,
                   "C 12.75 V 6.00K\n"
                   "   | +    |12.75\n"
                   "| +#-+    |\n"
                   "+#+       +10.00\n");
    expect_picture("8x20", &chart, 8, 20,
                   "C 12.75 V 6.00K\n"
                   "     +        |12.75\n"
                   "  || +        +12.00\n"
                   "  +#|+        |\n"
                   "  +#-+        |\n"
                   "+#+           +10.00\n"
                   "|#+           |\n"
                   "::::::        |8.00K\n");
}

static void test_empty_and_flat(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_BLOCK);
    size_t n = chart.n;
    chart.n = 0;
    expect_picture("empty", &chart, 5, 24,
                   "ABCD  5m\n"
                   "\n"
                   "       no candles\n"
                   "\n"
                   "\n");
    chart.n = n;
    for (size_t i = 0; i < n; i++)
        candles[i].close = NAN_D;
    expect_picture("no prices", &chart, 5, 24,
                   "ABCD  5m\n"
                   "\n"
                   "   no prices in view\n"
                   "\n"
                   "\n");
    static const double flat[][5] = {{7, 7, 7, 7, 0}, {7, 7, 7, 7, NAN_D}, {7, 7, 7, 7, 3}};
    chart.n = load(flat, 3, candles[0].ts, 300000);
    expect_picture("zero range", &chart, 9, 24,
                   "H 7.00 L 7.00 C 7.00 V 3\n"
                   "                  │\n"
                   "                  │\n"
                   "                  │\n"
                   "─ ─ ─             ├ 7.00\n"
                   "                  │\n"
                   "                  │\n"
                   "    █             │3\n"
                   "10-21\n");
    static const double crosses[][5] = {{5, 9, 1, 5, 1}, {5, 5, 1, 5, 1}, {5, 9, 5, 5, 1}};
    chart.n = load(crosses, 3, candles[0].ts, 300000);
    chart.volume = false;
    expect_picture("dojis", &chart, 6, 24,
                   "H 9.00 L 5.00 C 5.00 V 1\n"
                   "│   │              │\n"
                   "│   │              │\n"
                   "┼ ┬ ┴              │5.00\n"
                   "│ │                │\n"
                   "│ │                │\n");
}

static void test_daily_axis(void **state)
{
    (void)state;
    double rows[64][5];
    td_day day = td_day_from_civil(2025, 12, 8);
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 5; k++)
            rows[i][k] = 0.5 + 0.002 * i + (k == 1 ? 0.001 : 0);
    size_t n = load((const double(*)[5])rows, 40, 0, 0);
    for (size_t i = 0; i < n; i++, day++) {
        while (td_day_weekday(day) == 0 || td_day_weekday(day) == 6)
            day++;
        candles[i].ts = td_ny_midnight(day);
    }
    struct td_chart chart = {.candles = candles, .n = n, .cursor = -1, .tf = TD_TF_1D, .zoom = 2, .volume = false};
    expect_picture("daily", &chart, 10, 90,
                   "2026-01-30 O 0.5780 H 0.5790 L 0.5780 C 0.5780 V 0.58 0.00%\n"
                   "                                                                          - - -    |0.5780\n"
                   "                                                              | - - - - -          |\n"
                   "                                                  | - - - - - -                    |\n"
                   "                                        - - - - - -                                +0.5500\n"
                   "                            | - - - - -                                            |\n"
                   "                | - - - - - -                                                      |\n"
                   "      - - - - - -                                                                  |\n"
                   "- - -                                                                              +0.5000\n"
                   "2025-12   12-15     12-22     12-29 2026          01-12     01-19     01-26\n");
    chart.first = 38;
    expect_picture("last two", &chart, 9, 40,
                   "H 0.5790 L 0.5780 C 0.5780 V 0.58\n"
                   "  |                              |\n"
                   "  |                              |\n"
                   "  -                              +0.5780\n"
                   "                                 |\n"
                   "|                                |\n"
                   "|                                |\n"
                   "-                                +0.5760\n"
                   "2026-01\n");
    chart.first = SIZE_MAX;
    expect_picture("beyond the end", &chart, 9, 40,
                   "H 0.5790 L 0.5780 C 0.5780 V 0.58\n"
                   "|                                +0.5790\n"
                   "|                                |\n"
                   "|                                |\n"
                   "|                                +0.5785\n"
                   "|                                |\n"
                   "|                                |\n"
                   "-                                +0.5780\n"
                   "2026-01\n");
}

static void test_shading_follows_the_session(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_BLOCK);
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, 10, 30, &err), err);
    ASSERT_OK(td_chart_draw(&chart, &grid, 0, 0, 10, 30, &err), err);
    int pre[12] = {0};
    for (int row = 1; row < 7; row++) {
        for (int col = 0; col < 12; col++) {
            const struct td_glyph *cell = &grid.cells[row * 30 + col];
            pre[col] += cell->role == TD_ROLE_PRE || cell->attr & TD_ATTR_SHADE;
        }
    }
    for (int col = 0; col < 12; col++)
        assert_int_equal(pre[col], col < 4 ? 6 : 0); /* 09:20 and 09:25, two columns each, under candles too */
    chart.tf = TD_TF_1D;
    ASSERT_OK(td_chart_draw(&chart, &grid, 0, 0, 10, 30, &err), err);
    for (int i = 0; i < 300; i++)
        assert_int_not_equal(grid.cells[i].role, TD_ROLE_PRE);
    td_grid_free(&grid);
}

/* The list's date stands out on the time axis, and only it. */
static void test_marked_day(void **state)
{
    (void)state;
    double rows[64][5];
    for (int i = 0; i < 40; i++)
        for (int k = 0; k < 5; k++)
            rows[i][k] = 10 + (k == 1);
    struct td_chart chart = {.candles = candles, .n = load((const double(*)[5])rows, 40, 0, 0), .cursor = -1, .tf = TD_TF_4H, .zoom = 2};
    td_day day = td_day_from_civil(2025, 10, 20);
    for (size_t i = 0; i < 40; i++)
        candles[i].ts = td_ny_to_utc(day + (td_day)(i / 4), (int64_t)(i % 4) * 4 * 3600000 + 4 * 3600000);
    for (td_day marked = day - 1; marked < day + 10; marked++) {
        struct td_grid grid;
        struct td_err err = {0};
        size_t titled = 0;
        chart.day = marked;
        ASSERT_OK(td_grid_init(&grid, 12, 100, &err), err);
        ASSERT_OK(td_chart_draw(&chart, &grid, 0, 0, 12, 100, &err), err);
        for (int col = 0; col < 100; col++)
            titled += grid.cells[11 * 100 + col].role == TD_ROLE_TITLE;
        assert_int_equal(titled, marked < day ? 0 : 5); /* "10-21" */
        td_grid_free(&grid);
    }
}

/* Direction must be readable without colour: the same body rising and falling gives different glyphs. */
/* Minutes without trades have no candle: round clock times come first, and an odd one stands only in a wide space. */
static void test_clock_labels_over_holes(void **state)
{
    (void)state;
    static const int minutes[] = {545, 550, 555, 560, 565, 570, 575, 580, 585, 590, 610, 650, 655, 660, 665, 670, 675,
                                  680, 685, 690, 695, 700, 705, 710, 715, 725, 730, 735, 740, 745, 750, 755};
    double rows[64][5];
    for (int i = 0; i < 64; i++)
        for (int k = 0; k < 5; k++)
            rows[i][k] = 10 + (k == 1);
    struct td_chart chart = {.candles = candles, .n = load((const double(*)[5])rows, TD_COUNT(minutes), 0, 0), .cursor = -1,
                             .tf = TD_TF_5M, .zoom = 1};
    for (size_t i = 0; i < TD_COUNT(minutes); i++)
        candles[i].ts = td_ny_to_utc(td_day_from_civil(2025, 10, 21), minutes[i] * 60000);
    struct td_buf got;
    draw(&chart, 12, 50, &got);
    /* 10:10 stands one label before 11:00 and gives way; 12:05 has the space to itself */
    const char *last = strstr(got.data, "10-21");
    assert_non_null(last);
    assert_string_equal(last, "10-21        11:00       12:05\n");
    td_buf_free(&got);
}

static void test_direction_without_colour(void **state)
{
    (void)state;
    static const double pair[2][1][5] = {{{10, 13, 9, 12, 5}}, {{12, 13, 9, 10, 5}}};
    for (int tier = 0; tier < 3; tier++) {
        for (int zoom = 1; zoom <= 8; zoom++) {
            struct td_buf got[2];
            for (int k = 0; k < 2; k++) {
                struct td_chart chart = {.candles = candles, .n = load(pair[k], 1, 0, 0), .cursor = -1, .tf = TD_TF_5M,
                                         .tier = (enum td_tier)tier, .zoom = zoom};
                struct td_grid grid;
                struct td_err err = {0};
                ASSERT_OK(td_grid_init(&grid, 12, 8, &err), err);
                ASSERT_OK(td_chart_draw(&chart, &grid, 0, 0, 12, 7, &err), err); /* too narrow for a readout */
                td_buf_init(&got[k], 1 << 16);
                td_grid_dump(&grid, &got[k]);
                td_grid_free(&grid);
            }
            assert_string_not_equal(got[0].data, got[1].data);
            td_buf_free(&got[0]);
            td_buf_free(&got[1]);
        }
    }
}

/* Moving a close by half a row must change the picture in the block tier, by a quarter in braille. */
static void test_vertical_precision(void **state)
{
    (void)state;
    static const int parts[] = {1, 2, 4};
    const int rows = 9; /* too narrow for readout and axes: all rows but the time axis are plot */
    for (int tier = 0; tier < 3; tier++) {
        int steps = (rows - 1) * parts[tier];
        struct td_buf last = {0};
        for (int i = 1; i < steps; i++) {
            double row[1][5] = {{0, steps - 1, 0, i, 5}};
            struct td_chart chart = {.candles = candles, .n = load((const double(*)[5])row, 1, INT64_MIN, 0), .cursor = -1,
                                     .tf = TD_TF_5M, .tier = (enum td_tier)tier, .zoom = 1};
            struct td_buf got;
            draw(&chart, rows, 3, &got);
            if (last.data)
                assert_string_not_equal(got.data, last.data);
            td_buf_free(&last);
            last = got;
        }
        td_buf_free(&last);
    }
}

static void test_visible(void **state)
{
    (void)state;
    double rows[64][5];
    for (int i = 0; i < 64; i++)
        for (int k = 0; k < 5; k++)
            rows[i][k] = 100 + (k == 1) - (k == 2);
    struct td_chart chart = {.candles = candles, .n = load((const double(*)[5])rows, 64, 0, 300000), .cursor = -1, .tf = TD_TF_5M};
    for (int zoom = 1; zoom <= 8; zoom++) {
        for (int cols = 1; cols <= 60; cols++) {
            struct td_grid grid;
            struct td_err err = {0};
            chart.zoom = zoom;
            ASSERT_OK(td_grid_init(&grid, 8, cols, &err), err);
            ASSERT_OK(td_chart_draw(&chart, &grid, 0, 0, 8, cols, &err), err);
            size_t wicks = 0;
            for (int i = cols; i < 8 * cols; i++)
                wicks += grid.cells[i].role == TD_ROLE_FLAT && grid.cells[i].ch == '-';
            td_grid_free(&grid);
            int body = zoom > 1 ? (zoom - 1) | 1 : 1;
            body = body > zoom - 1 && zoom > 1 ? body - 2 : body;
            body = body < 1 ? 1 : body;
            if (cols > body) /* a single clipped body shows fewer columns than it has */
                assert_int_equal(wicks, td_chart_visible(&chart, cols) * (size_t)body);
        }
    }
    chart.zoom = -3;
    assert_int_equal(td_chart_visible(&chart, 4), 12);
    assert_int_equal(td_chart_visible(&chart, 0), 0);
    assert_int_equal(td_chart_visible(&chart, INT32_MIN), 0);
}

/* ---- hostile input ---- */

static const double hostile[][5] = {
    {NAN_D, 1, 1, 1, 1},          {1, INF_D, 1, 1, 1},      {1, 2, -INF_D, 1, NAN_D}, {1e308, 1e308, -1e308, 0, 1e308},
    {0, 0, 0, 0, 0},              {1, 0.5, 2, 1.5, -5},     {-3, -1, -5, -2, INF_D},  {1e-310, 1e-310, 1e-310, 1e-310, 1e-310},
    {1e14, 1e15, 1, 5e14, 1e300}, {4.2, 4.3, 4.1, 4.2, 10}, {4.2, 4.3, 4.1, 4.3, 20}, {NAN_D, NAN_D, NAN_D, NAN_D, NAN_D},
};

static void check_only_inside(const struct td_grid *grid, int row, int col, int rows, int cols)
{
    for (int r = 0; r < grid->rows; r++) {
        for (int c = 0; c < grid->cols; c++) {
            const struct td_glyph *cell = &grid->cells[r * grid->cols + c];
            bool in = r >= row && r < row + rows && c >= col && c < col + cols;
            if (!in && cell->ch != '~')
                fail_msg("%d x %d at %d,%d wrote U+%04X at %d,%d", rows, cols, row, col, cell->ch, r, c);
            bool right_half = cell->ch == 0 && c > col && td_char_width(cell[-1].ch) == 2;
            if (in && ((cell->ch < ' ' && !right_half) || cell->ch == '~' || cell->role >= TD_ROLE_COUNT))
                fail_msg("%d x %d at %d,%d left U+%04X role %d at %d,%d", rows, cols, row, col, cell->ch, cell->role, r, c);
        }
    }
}

static void try_size(const struct td_chart *chart, int rows, int cols)
{
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, rows + 2, cols + 2, &err), err);
    td_grid_fill(&grid, 0, 0, rows + 2, cols + 2, '~', TD_ROLE_TEXT, 0);
    ASSERT_OK(td_chart_draw(chart, &grid, 1, 1, rows, cols, &err), err);
    check_only_inside(&grid, 1, 1, rows, cols);
    td_grid_free(&grid);
}

static void test_every_size(void **state)
{
    (void)state;
    static const int zooms[] = {1, 2, 5, -3};
    double line[64];
    for (int i = 0; i < 64; i++)
        line[i] = i % 5 ? (i % 7) * 1.5 : i % 2 ? NAN_D : INF_D;
    const struct td_chart_line lines[] = {{"VWAP", line, TD_ROLE_LINE1}, {NULL, line, TD_ROLE_LINE2}, {"none", NULL, TD_ROLE_LINE3}};
    unsigned turn = 0;
    for (int rows = 1; rows <= 30; rows++) {
        for (int cols = 1; cols <= 80; cols++) {
            for (int tier = 0; tier < 3; tier++, turn++) {
                struct td_chart chart = open_chart((enum td_tier)tier);
                if (turn % 2)
                    chart.n = load(hostile, TD_COUNT(hostile), turn % 5 ? 0 : INT64_MIN, turn % 3 ? 300000 : 86400000);
                chart.zoom = zooms[turn % TD_COUNT(zooms)];
                chart.cursor = (long)(turn % 9) - 1;
                chart.tf = (enum td_tf)(turn % TD_TF_COUNT);
                chart.lines = lines;
                chart.line_count = turn % 4;
                try_size(&chart, rows, cols);
            }
        }
    }
}

static void test_hostile_windows(void **state)
{
    (void)state;
    static const size_t firsts[] = {0, 5, 11, 12, SIZE_MAX};
    static const long cursors[] = {-1, 0, 11, 12, -1000000000, 1000000000};
    static const int zooms[] = {INT32_MIN, -5, -1, 0, 1, 8, 9, INT32_MAX};
    for (size_t i = 0; i < TD_COUNT(firsts); i++)
        for (size_t j = 0; j < TD_COUNT(cursors); j++)
            for (size_t k = 0; k < TD_COUNT(zooms); k++)
                for (int tier = 0; tier < 3; tier++) {
                    struct td_chart chart = {.title = "\xFF\x1b[31m\xE4\xB8\xAD", .candles = candles,
                                             .n = load(hostile, TD_COUNT(hostile), 0, 60000), .first = firsts[i],
                                             .cursor = cursors[j], .zoom = zooms[k], .tier = (enum td_tier)tier, .volume = true};
                    try_size(&chart, 14, 47);
                    (void)td_chart_visible(&chart, 47);
                }
}

/* Volumes whose sum no double holds fill the panel, in the scale of the others. */
static void test_volume_overflow(void **state)
{
    (void)state;
    static const enum td_tier tiers[] = {TD_TIER_ASCII, TD_TIER_BLOCK, TD_TIER_BRAILLE};
    for (size_t t = 0; t < TD_COUNT(tiers); t++) {
        struct td_chart chart = open_chart(tiers[t]);
        struct td_buf want;
        chart.zoom = -2;
        candles[2].volume = candles[3].volume = 4000; /* as much as the greatest of the others: 2000 and 6000 */
        draw(&chart, 14, 40, &want);
        candles[2].volume = candles[3].volume = 1.7e308;
        expect_picture(td_tier_name(tiers[t]), &chart, 14, 40, want.data);
        td_buf_free(&want);
    }
}

static void test_rectangle_outside(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_BLOCK);
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, 6, 20, &err), err);
    static const int rects[][4] = {{-1, 0, 5, 5}, {0, -1, 5, 5}, {6, 0, 1, 1}, {0, 20, 1, 1}, {0, 0, 0, 5}, {0, 0, 5, -5}};
    for (size_t i = 0; i < TD_COUNT(rects); i++) {
        td_grid_fill(&grid, 0, 0, 6, 20, '~', TD_ROLE_TEXT, 0);
        ASSERT_OK(td_chart_draw(&chart, &grid, rects[i][0], rects[i][1], rects[i][2], rects[i][3], &err), err);
        check_only_inside(&grid, 0, 0, 0, 0);
    }
    ASSERT_OK(td_chart_draw(&chart, &grid, 2, 3, INT32_MAX, INT32_MAX, &err), err); /* clipped to the grid */
    check_only_inside(&grid, 2, 3, 4, 17);
    td_grid_free(&grid);
}

static void test_many_candles(void **state)
{
    (void)state;
    size_t n = 500000;
    struct td_candle *many = td_calloc(n, sizeof *many);
    assert_non_null(many);
    for (size_t i = 0; i < n; i++)
        many[i] = (struct td_candle){.ts = (int64_t)i * 60000, .open = 5, .high = 6 + (double)(i % 7), .low = 4, .close = 5.5, .volume = 1};
    struct td_chart chart = {.candles = many, .n = n, .zoom = -100000, .cursor = 499999, .tier = TD_TIER_BLOCK, .volume = true};
    try_size(&chart, 20, 60);
    chart.zoom = 1;
    chart.first = n - 30;
    try_size(&chart, 20, 60);
    td_free(many);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct td_chart chart = open_chart(TD_TIER_BLOCK);
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, 12, 40, &err), err);
    long fail = 1;
    for (; fail < 50; fail++) {
        td_alloc_fail_after(fail);
        enum td_code code = td_chart_draw(&chart, &grid, 0, 0, 12, 40, &err);
        td_alloc_fail_after(0);
        if (code == TD_OK)
            break;
        assert_int_equal(code, TD_NOMEM);
    }
    assert_in_range(fail, 2, 49);
    td_grid_free(&grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiers),
        cmocka_unit_test(test_wide_and_merged),
        cmocka_unit_test(test_crosshair),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_small_sizes),
        cmocka_unit_test(test_empty_and_flat),
        cmocka_unit_test(test_daily_axis),
        cmocka_unit_test(test_shading_follows_the_session),
        cmocka_unit_test(test_marked_day),
        cmocka_unit_test(test_clock_labels_over_holes),
        cmocka_unit_test(test_direction_without_colour),
        cmocka_unit_test(test_vertical_precision),
        cmocka_unit_test(test_visible),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_hostile_windows),
        cmocka_unit_test(test_volume_overflow),
        cmocka_unit_test(test_rectangle_outside),
        cmocka_unit_test(test_many_candles),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
