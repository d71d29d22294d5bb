/* SPDX-License-Identifier: GPL-3.0-or-later
 * Charts of candles that no door check has seen: any double as price and volume, any time, in rectangles of any size. Every
 * cell outside the rectangle stays as it was, and every cell inside is a character a terminal may show. */
#include <tapedeck/chart.h>
#include "fuzz.h"

#define MOST_CANDLES 160
#define MARK 0x25A0u /* a character that no chart draws */

static double some_price(struct fuzz_in *in, double near)
{
    static const double odd[] = {0,     -0.0,    1e-320,  5e-324, 1.7976931348623157e308, -1.7976931348623157e308,
                                 1e300, -1e300,  1e-300,  0.0001, 99999999999.0,          (double)INFINITY,
                                 TD_NO_F64, -1.0,    4.32,    1e15};
    uint8_t kind = fuzz_u8(in);
    if (kind < 160)
        return near + (kind - 80) * 0.01;
    if (kind < 240)
        return odd[kind % TD_COUNT(odd)];
    return fuzz_f64(in);
}

static size_t make_candles(struct fuzz_in *in, struct td_candle *candles)
{
    size_t n = fuzz_u8(in) % MOST_CANDLES;
    double near = 4 + fuzz_u8(in);
    int64_t ts = INT64_C(1738800000000) + (int64_t)fuzz_bits(in, 2) * TD_MS_DAY;
    for (size_t i = 0; i < n; i++) {
        uint8_t step = fuzz_u8(in);
        ts = step == 255 ? (int64_t)fuzz_bits(in, 8) : step > 250 ? ts + TD_MS_DAY * step : ts + TD_MS_MINUTE * (1 + step % 10);
        if (ts > INT64_C(8640000000000000) || ts < -INT64_C(8640000000000000))
            ts = 0;
        candles[i] = (struct td_candle){.ts = ts, .open = some_price(in, near), .high = some_price(in, near + 1),
                                        .low = some_price(in, near - 1), .close = some_price(in, near),
                                        .volume = some_price(in, 1000), .vwap = some_price(in, near),
                                        .trades = step == 7 ? TD_NO_COUNT : step, .bars = step, .partial = step == 9};
    }
    return n;
}

static void check_rectangle(const struct td_grid *grid, int row, int col, int rows, int cols)
{
    for (int r = 0; r < grid->rows; r++)
        for (int c = 0; c < grid->cols; c++) {
            uint32_t ch = grid->cells[r * grid->cols + c].ch;
            bool inside = r >= row && r < row + rows && c >= col && c < col + cols;
            FUZZ_CHECK(inside || ch == MARK);
            FUZZ_CHECK(ch == 0 || (ch >= 0x20 && ch != 0x7F && (ch < 0x80 || ch >= 0xA0) && ch <= 0x10FFFF));
        }
}

static void check_texts(double value)
{
    char out[64];
    memset(out, '#', sizeof out);
    FUZZ_CHECK(td_price_text(value, out) < 32 && memchr(out, '\0', 32) && out[32] == '#');
    FUZZ_CHECK(td_short_text(value, out) < 32 && memchr(out, '\0', 32) && out[32] == '#');
    FUZZ_CHECK(td_percent_text(value, out) < 32 && memchr(out, '\0', 32) && out[32] == '#');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct td_candle candles[MOST_CANDLES];
    static double y[2][MOST_CANDLES];
    struct fuzz_in in = {data, size};
    struct td_grid grid;
    struct td_err err = {0};
    int rows = fuzz_u8(&in) % 50, cols = fuzz_u8(&in) % 130, row = fuzz_u8(&in) % 4, col = fuzz_u8(&in) % 4;
    uint8_t bits = fuzz_u8(&in);
    struct td_chart chart = {.title = "ABCD  5m", .candles = candles, .zoom = (int8_t)fuzz_u8(&in), .tier = bits % 3,
                             .volume = bits & 4, .tf = (enum td_tf)(bits / 8 % TD_TF_COUNT)};
    if (bits & 128) /* values that the deck itself never asks for */
        chart.zoom %= 9;
    chart.first = fuzz_u8(&in) % (MOST_CANDLES + 20);
    chart.cursor = (long)fuzz_u8(&in) - 20;
    chart.day = fuzz_u8(&in) % 3 ? TD_NO_DAY : (td_day)(20125 + fuzz_bits(&in, 1));
    chart.n = make_candles(&in, candles);
    for (size_t i = 0; i < chart.n; i++) {
        check_texts(candles[i].open);
        y[0][i] = candles[i].close;
        y[1][i] = some_price(&in, 5);
    }
    struct td_chart_line lines[] = {{"SMA20", y[0], TD_ROLE_LINE1}, {"VWAP", y[1], TD_ROLE_LINE2}};
    chart.lines = lines;
    chart.line_count = bits / 64 % 3;
    FUZZ_CHECK(td_grid_init(&grid, rows + 4, cols + 4, &err) == TD_OK);
    td_grid_fill(&grid, 0, 0, grid.rows, grid.cols, MARK, TD_ROLE_TEXT, 0);
    enum td_code code = td_chart_draw(&chart, &grid, row, col, rows, cols, &err);
    if (code != TD_OK)
        fuzz_failed_well(code, &err);
    check_rectangle(&grid, row, col, rows, cols);
    (void)td_chart_visible(&chart, cols);
    td_grid_free(&grid);
    return 0;
}
