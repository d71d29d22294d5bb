/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the cell grid, character widths, UTF-8 and the number texts of the chart room. */
#include "check.h"

#include <tapedeck/chart.h>

static void expect_dump(const struct td_grid *grid, const char *want)
{
    struct td_buf out;
    td_buf_init(&out, 1 << 20);
    td_grid_dump(grid, &out);
    assert_false(out.failed);
    assert_string_equal(out.data ? out.data : "", want);
    td_buf_free(&out);
}

static void test_char_width(void **state)
{
    (void)state;
    static const struct {
        uint32_t ch;
        int width;
    } cases[] = {
        {'A', 1},    {0xE9, 1},   {0x300, 0},  {0x36F, 0},   {0x370, 1},   {0x200B, 0},  {0x200D, 0}, {0x2500, 1},
        {0x28FF, 1}, {0x4E2D, 2}, {0xAC00, 2}, {0xFF21, 2},  {0xFF61, 1},  {0x1F600, 2}, {0xFE0F, 0}, {0x20000, 2},
        {0xE0100, 0}, {0x10FFFF, 1}, {0x1100, 2}, {0x1160, 0}, {0, 1},     {0x303F, 1},  {0x2588, 1}, {0xB7, 1},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++)
        if (td_char_width(cases[i].ch) != cases[i].width)
            fail_msg("U+%04X: width %d, expected %d", cases[i].ch, td_char_width(cases[i].ch), cases[i].width);
    assert_int_equal(td_text_width("e\xCC\x81t\xE4\xB8\xAD"), 4);
    assert_int_equal(td_text_width(""), 0);
    assert_int_equal(td_text_width(NULL), 0);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len, used;
        uint32_t ch;
    } cases[] = {
        {"A", 1, 1, 'A'},
        {"\xC3\xA9", 2, 2, 0xE9},
        {"\xE2\x82\xAC", 3, 3, 0x20AC},
        {"\xF0\x9F\x98\x80", 4, 4, 0x1F600},
        {"\xF4\x8F\xBF\xBF", 4, 4, 0x10FFFF},
        {"\x80", 1, 1, 0xFFFD},         /* continuation alone */
        {"\xC0\x80", 2, 1, 0xFFFD},     /* overlong NUL */
        {"\xE0\x80\x80", 3, 1, 0xFFFD}, /* overlong */
        {"\xED\xA0\x80", 3, 1, 0xFFFD}, /* surrogate */
        {"\xF4\x90\x80\x80", 4, 1, 0xFFFD},
        {"\xE2\x82", 2, 1, 0xFFFD}, /* cut */
        {"\xE2\x41\xAC", 3, 1, 0xFFFD},
        {"\xFF", 1, 1, 0xFFFD},
        {"", 0, 0, 0},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        uint32_t ch = 1;
        assert_int_equal(td_utf8_decode(cases[i].bytes, cases[i].len, &ch), cases[i].used);
        assert_int_equal(ch, cases[i].ch);
    }
    for (uint32_t ch = 0; ch <= 0x10FFFF; ch += ch < 0x3000 ? 1 : 37) {
        char bytes[4];
        uint32_t back;
        size_t len = td_utf8_encode(ch, bytes);
        assert_int_equal(td_utf8_decode(bytes, len, &back), len);
        assert_int_equal(back, ch >= 0xD800 && ch <= 0xDFFF ? 0xFFFD : ch);
    }
}

static void test_text_and_clipping(void **state)
{
    (void)state;
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, 3, 6, &err), err);
    assert_int_equal(td_grid_text(&grid, 0, 1, 10, "ab", TD_ROLE_TEXT, 0), 2);
    assert_int_equal(td_grid_text(&grid, 1, 4, 10, "wxyz", TD_ROLE_TEXT, 0), 4); /* clipped at the edge */
    assert_int_equal(td_grid_text(&grid, 2, 0, 3, "12345", TD_ROLE_TEXT, 0), 3); /* cut at the width */
    td_grid_put(&grid, -1, 0, 'X', TD_ROLE_TEXT, 0);
    td_grid_put(&grid, 0, 6, 'X', TD_ROLE_TEXT, 0);
    td_grid_put(&grid, 2, 5, '\x1b', TD_ROLE_ERROR, TD_ATTR_BOLD);
    expect_dump(&grid, " ab\n    wx\n123  ?\n");
    assert_int_equal(grid.cells[17].role, TD_ROLE_ERROR);
    assert_int_equal(grid.cells[17].attr, TD_ATTR_BOLD);
    td_grid_fill(&grid, 1, 1, INT32_MAX, INT32_MAX, '.', TD_ROLE_DIM, 0);
    td_grid_fill(&grid, -5, -5, 6, 6, '#', TD_ROLE_DIM, 0);
    td_grid_fill(&grid, INT32_MIN, INT32_MIN, 3, 3, '!', TD_ROLE_DIM, 0);
    expect_dump(&grid, "#ab\n .....\n1.....\n");
    td_grid_clear(&grid);
    expect_dump(&grid, "\n\n\n");
    td_grid_free(&grid);
}

static void test_wide_characters(void **state)
{
    (void)state;
    struct td_grid grid;
    struct td_err err = {0};
    ASSERT_OK(td_grid_init(&grid, 1, 6, &err), err);
    td_grid_text(&grid, 0, 0, 6, "\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97", TD_ROLE_TEXT, 0);
    expect_dump(&grid, "\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97\n");
    assert_int_equal(grid.cells[1].ch, 0);
    td_grid_put(&grid, 0, 3, 'x', TD_ROLE_TEXT, 0); /* right half of the second */
    expect_dump(&grid, "\xE4\xB8\xAD x\xE5\xAD\x97\n");
    td_grid_put(&grid, 0, 4, 'y', TD_ROLE_TEXT, 0); /* left half of the third */
    expect_dump(&grid, "\xE4\xB8\xAD xy\n");
    td_grid_put(&grid, 0, 1, 0x4E2D, TD_ROLE_TEXT, 0); /* over a right half and a blank */
    expect_dump(&grid, " \xE4\xB8\xADxy\n");
    td_grid_put(&grid, 0, 5, 0x4E2D, TD_ROLE_TEXT, 0); /* half of it would fall off */
    expect_dump(&grid, " \xE4\xB8\xADxy?\n");
    assert_int_equal(td_grid_text(&grid, 0, 0, 3, "\xE4\xB8\xAD\xE6\x96\x87", TD_ROLE_TEXT, 0), 2);
    td_grid_free(&grid);
}

static void test_limits(void **state)
{
    (void)state;
    struct td_grid grid;
    struct td_err err = {0};
    assert_int_equal(td_grid_init(&grid, -1, 5, &err), TD_LIMIT);
    assert_int_equal(td_grid_init(&grid, 5, 1001, &err), TD_LIMIT);
    td_grid_free(&grid);
    ASSERT_OK(td_grid_init(&grid, 0, 0, &err), err);
    td_grid_text(&grid, 0, 0, 5, "x", TD_ROLE_TEXT, 0);
    expect_dump(&grid, "");
    td_grid_free(&grid);
    td_alloc_fail_after(1);
    assert_int_equal(td_grid_init(&grid, 2, 2, &err), TD_NOMEM);
    td_alloc_fail_after(0);
    td_grid_free(&grid);
}

static void test_number_texts(void **state)
{
    (void)state;
    static const struct {
        size_t (*format)(double, char *);
        double value;
        const char *want;
    } cases[] = {
        {td_price_text, 4.32, "4.32"},
        {td_price_text, 0.98765, "0.9877"},
        {td_price_text, 1, "1.00"},
        {td_price_text, 0, "0.0000"},
        {td_price_text, -0.25, "-0.2500"},
        {td_price_text, 9999.99, "9999.99"},
        {td_price_text, 10000, "10,000.00"},
        {td_price_text, 1234567.891, "1,234,567.89"},
        {td_price_text, -54321.5, "-54,321.50"},
        {td_price_text, 2.675, "2.67"}, /* the double lies below 2.675 */
        {td_price_text, 1e15, "1e+15"},
        {td_price_text, (double)NAN, "n/a"},
        {td_price_text, (double)INFINITY, "n/a"},
        {td_short_text, 0, "0"},
        {td_short_text, 7, "7"},
        {td_short_text, 532, "532"},
        {td_short_text, 12.34, "12.3"},
        {td_short_text, 1.5, "1.50"},
        {td_short_text, 999.4, "999"},
        {td_short_text, 999.6, "1.00K"},
        {td_short_text, 1000, "1.00K"},
        {td_short_text, 532123, "532K"},
        {td_short_text, 999500, "1.00M"},
        {td_short_text, 9.994e6, "9.99M"},
        {td_short_text, 9.996e6, "10.0M"},
        {td_short_text, 88.1e6, "88.1M"},
        {td_short_text, 1.24e9, "1.24B"},
        {td_short_text, 3.3e12, "3.30T"},
        {td_short_text, -88.1e6, "-88.1M"},
        {td_short_text, 1e300, "1e+300"},
        {td_short_text, (double)NAN, "n/a"},
        {td_percent_text, 0.0537, "+5.37%"},
        {td_percent_text, -0.12345, "-12.35%"},
        {td_percent_text, 0, "0.00%"},
        {td_percent_text, -0.00001, "0.00%"},
        {td_percent_text, 9.6843, "+968.43%"},
        {td_percent_text, 1e300, "> +1e12%"},
        {td_percent_text, -1e300, "< -1e12%"},
        {td_percent_text, (double)NAN, "n/a"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char text[32];
        assert_int_equal(cases[i].format(cases[i].value, text), strlen(cases[i].want));
        assert_string_equal(text, cases[i].want);
    }
    for (double value = 1e-320; value < 1e308; value *= 7.3) { /* nothing overruns 32 bytes */
        char text[32];
        assert_true(td_price_text(value, text) < 32 && td_price_text(-value, text) < 32);
        assert_true(td_short_text(value, text) < 32 && td_short_text(-value, text) < 32);
        assert_true(td_percent_text(value, text) < 32 && td_percent_text(-value, text) < 32);
    }
}

static void test_names(void **state)
{
    (void)state;
    enum td_tier tier;
    assert_string_equal(td_role_name(TD_ROLE_UP), "up");
    assert_string_equal(td_role_name(TD_ROLE_STATUS), "status");
    assert_string_equal(td_role_name(TD_ROLE_COUNT), "?");
    for (int i = 0; i < 3; i++) {
        assert_true(td_tier_parse(td_tier_name((enum td_tier)i), &tier));
        assert_int_equal(tier, i);
    }
    assert_false(td_tier_parse("sixel", &tier));
    assert_false(td_tier_parse(NULL, &tier));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_char_width),    cmocka_unit_test(test_utf8),   cmocka_unit_test(test_text_and_clipping),
        cmocka_unit_test(test_wide_characters), cmocka_unit_test(test_limits), cmocka_unit_test(test_number_texts),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
