/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as text on a grid of any size at any place: nothing is drawn outside, no control character gets through, and the
 * dump of the grid is sound UTF-8 of no more columns than the grid has. */
#include <tapedeck/chart.h>
#include "fuzz.h"

static void check_grid(const struct td_grid *grid)
{
    struct td_buf dump;
    for (int i = 0; i < grid->rows * grid->cols; i++) {
        uint32_t ch = grid->cells[i].ch;
        FUZZ_CHECK(ch == 0 || (ch >= 0x20 && ch != 0x7F && (ch < 0x80 || ch >= 0xA0)));
        FUZZ_CHECK(ch <= 0x10FFFF && (ch < 0xD800 || ch > 0xDFFF));
        FUZZ_CHECK(ch != 0 || (i % grid->cols > 0 && td_char_width(grid->cells[i - 1].ch) == 2));
        FUZZ_CHECK(td_char_width(ch) != 2 || (i % grid->cols < grid->cols - 1 && grid->cells[i + 1].ch == 0));
        FUZZ_CHECK(grid->cells[i].role < TD_ROLE_COUNT);
    }
    td_buf_init(&dump, 1 << 20);
    td_grid_dump(grid, &dump);
    FUZZ_CHECK(!dump.failed);
    int lines = 0, columns = 0;
    for (size_t at = 0; at < dump.len;) {
        uint32_t ch;
        size_t used = td_utf8_decode(dump.data + at, dump.len - at, &ch);
        FUZZ_CHECK(used > 0);
        FUZZ_CHECK(ch != 0xFFFD || used == 3);
        at += used;
        columns = ch == '\n' ? 0 : columns + td_char_width(ch);
        lines += ch == '\n';
        FUZZ_CHECK(columns <= grid->cols);
    }
    FUZZ_CHECK(lines == grid->rows);
    td_buf_free(&dump);
}

static void check_utf8(const char *text, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t ch;
        char again[4];
        size_t used = td_utf8_decode(text + at, len - at, &ch);
        FUZZ_CHECK(used >= 1 && used <= 4 && used <= len - at);
        if (ch != 0xFFFD) /* what decodes is written back in the same bytes: no over-long forms */
            FUZZ_CHECK(td_utf8_encode(ch, again) == used && memcmp(again, text + at, used) == 0);
        at += used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    struct td_grid grid;
    struct td_err err = {0};
    struct td_buf printable;
    int rows = fuzz_u8(&in) % 12, cols = fuzz_u8(&in) % 40;
    FUZZ_CHECK(td_grid_init(&grid, rows, cols, &err) == TD_OK);
    char *text = fuzz_text(in.p, in.left);
    check_utf8(text, in.left);
    for (int turn = 0; turn < 6 && in.left; turn++) {
        int row = (int8_t)fuzz_u8(&in) % 16, col = (int8_t)fuzz_u8(&in) % 50, width = (int8_t)fuzz_u8(&in);
        uint32_t ch = (uint32_t)fuzz_bits(&in, 3); /* a cell holds a Unicode scalar: that much is the caller's duty */
        if (ch > 0x10FFFF || (ch >= 0xD800 && ch <= 0xDFFF))
            ch = 0xFFFD;
        int used = td_grid_text(&grid, row, col, width, text, (enum td_role)(turn % TD_ROLE_COUNT), TD_ATTR_BOLD);
        FUZZ_CHECK(used >= 0 && (used == 0 || used <= width));
        check_grid(&grid);
        td_grid_put(&grid, col, row, ch, TD_ROLE_UP, 0);
        check_grid(&grid);
        if (turn == 3)
            td_grid_fill(&grid, col, row, width, (int8_t)ch, ch, TD_ROLE_DIM, 0);
        check_grid(&grid);
    }
    FUZZ_CHECK(td_text_width(text) >= 0);
    td_buf_init(&printable, 1 << 20);
    td_buf_add_printable(&printable, (const char *)data, size);
    for (size_t i = 0; i < printable.len; i++)
        FUZZ_CHECK((unsigned char)printable.data[i] >= 0x20 && printable.data[i] != 0x7F);
    td_buf_free(&printable);
    free(text);
    td_grid_free(&grid);
    return 0;
}
