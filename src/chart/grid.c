/* SPDX-License-Identifier: GPL-3.0-or-later
 * grid: a rectangle of screen cells that every pane and every chart is drawn into; nothing here knows a terminal. */
#include <string.h>

#include <tapedeck/chart.h>

#define GRID_MAX 1000

static const struct td_glyph blank = {.ch = ' ', .role = TD_ROLE_TEXT, .attr = 0};

enum td_code td_grid_init(struct td_grid *grid, int rows, int cols, struct td_err *err)
{
    *grid = (struct td_grid){0};
    if (rows < 0 || cols < 0 || rows > GRID_MAX || cols > GRID_MAX)
        return td_fail(err, TD_LIMIT, "a grid of %d rows and %d columns: each must lie in 0..%d", rows, cols, GRID_MAX);
    size_t count = (size_t)rows * (size_t)cols;
    grid->cells = td_malloc((count ? count : 1) * sizeof *grid->cells);
    if (!grid->cells)
        return td_fail(err, TD_NOMEM, "out of memory for a grid of %d x %d cells", rows, cols);
    grid->rows = rows;
    grid->cols = cols;
    td_grid_clear(grid);
    return TD_OK;
}

void td_grid_free(struct td_grid *grid)
{
    td_free(grid->cells);
    *grid = (struct td_grid){0};
}

void td_grid_clear(struct td_grid *grid)
{
    size_t count = (size_t)grid->rows * (size_t)grid->cols;
    for (size_t i = 0; i < count; i++)
        grid->cells[i] = blank;
}

static bool inside(const struct td_grid *grid, int row, int col)
{
    return row >= 0 && col >= 0 && row < grid->rows && col < grid->cols;
}

/* Whoever overwrites one half of a wide character blanks the other half: half a character cannot be shown. */
static void split_wide(struct td_grid *grid, int row, int col)
{
    struct td_glyph *cell = &grid->cells[(size_t)row * (size_t)grid->cols + (size_t)col];
    if (cell->ch == 0 && col > 0)
        cell[-1].ch = ' ';
    if (col + 1 < grid->cols && cell[1].ch == 0)
        cell[1].ch = ' ';
}

void td_grid_put(struct td_grid *grid, int row, int col, uint32_t ch, enum td_role role, unsigned attr)
{
    int width = td_char_width(ch);
    if (!inside(grid, row, col) || width == 0)
        return;
    if (ch < 0x20 || (ch >= 0x7F && ch < 0xA0))
        ch = '?';
    if (width == 2 && !inside(grid, row, col + 1)) {
        ch = '?';
        width = 1;
    }
    struct td_glyph *cell = &grid->cells[(size_t)row * (size_t)grid->cols + (size_t)col];
    split_wide(grid, row, col);
    *cell = (struct td_glyph){.ch = ch, .role = (uint8_t)role, .attr = (uint8_t)attr};
    if (width == 2) {
        split_wide(grid, row, col + 1);
        cell[1] = (struct td_glyph){.ch = 0, .role = (uint8_t)role, .attr = (uint8_t)attr};
        cell->ch = ch;
    }
}

int td_grid_text(struct td_grid *grid, int row, int col, int width, const char *text, enum td_role role, unsigned attr)
{
    int used = 0;
    size_t left = text ? strlen(text) : 0;
    while (left) {
        uint32_t ch;
        size_t step = td_utf8_decode(text, left, &ch);
        int columns = td_char_width(ch);
        if (columns > width - used)
            break;
        td_grid_put(grid, row, col + used, ch, role, attr);
        used += columns;
        text += step;
        left -= step;
    }
    return used;
}

void td_grid_fill(struct td_grid *grid, int row, int col, int rows, int cols, uint32_t ch, enum td_role role, unsigned attr)
{
    int64_t row_end = (int64_t)row + rows, col_end = (int64_t)col + cols;
    if (row_end > grid->rows)
        row_end = grid->rows;
    if (col_end > grid->cols)
        col_end = grid->cols;
    for (int r = row < 0 ? 0 : row; r < row_end; r++)
        for (int c = col < 0 ? 0 : col; c < col_end; c++)
            td_grid_put(grid, r, c, ch, role, attr);
}

int td_text_width(const char *utf8)
{
    int width = 0;
    size_t left = utf8 ? strlen(utf8) : 0;
    while (left) {
        uint32_t ch;
        size_t step = td_utf8_decode(utf8, left, &ch);
        width += td_char_width(ch);
        utf8 += step;
        left -= step;
    }
    return width;
}

void td_grid_dump(const struct td_grid *grid, struct td_buf *out)
{
    for (int row = 0; row < grid->rows; row++) {
        const struct td_glyph *line = grid->cells + (size_t)row * (size_t)grid->cols;
        int end = grid->cols;
        while (end > 0 && line[end - 1].ch == ' ')
            end--;
        for (int col = 0; col < end; col++) {
            char utf8[4];
            if (line[col].ch)
                td_buf_add(out, utf8, td_utf8_encode(line[col].ch, utf8));
        }
        td_buf_addc(out, '\n');
    }
}
