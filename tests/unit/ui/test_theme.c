/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of themes: files and their errors, and the way from direct colour down to none. */
#include "check.h"

#include "theme.h"
#include "tty_glyph.h"

static enum td_code parse(const char *text, struct theme *out, struct td_err *err)
{
    return theme_parse(text, strlen(text), "t.yaml", out, err);
}

static void test_parse(void **state)
{
    (void)state;
    struct theme theme;
    struct td_err err = {0};
    ASSERT_OK(parse("name: mine\nbackground: light\nroles:\n  up: \"#0a0B0c\"\n  down: {fg: 196, bg: default, attr: [bold, underline]}\n"
                    "  flat: bright-green\n  cursor: {mono: none}\n",
                    &theme, &err),
              err);
    assert_string_equal(theme.name, "mine");
    assert_true(theme.light);
    assert_int_equal(theme.looks[TD_ROLE_UP].fg, 0x0a0b0c);
    assert_int_equal(theme.looks[TD_ROLE_DOWN].fg, 0xff0000);
    assert_int_equal(theme.looks[TD_ROLE_DOWN].bg, THEME_DEFAULT);
    assert_int_equal(theme.looks[TD_ROLE_DOWN].attr, TD_ATTR_BOLD | TD_ATTR_UNDERLINE);
    assert_int_equal(theme.looks[TD_ROLE_FLAT].fg, 0x00ff00);
    assert_int_equal(theme.looks[TD_ROLE_CURSOR].mono, 0);
    struct theme builtin;
    theme_builtin(&builtin);
    assert_int_equal(theme.looks[TD_ROLE_TEXT].fg, builtin.looks[TD_ROLE_TEXT].fg); /* what is not said stays */
    assert_int_equal(builtin.looks[TD_ROLE_CURSOR].mono, TD_ATTR_REVERSE);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"roles:\n  upp: red\n", "t.yaml:2: upp: no role"},
        {"roles:\n  up: greenish\n", "t.yaml:2: up: expected a colour"},
        {"roles:\n  up: {fg: \"#12345\"}\n", "t.yaml:2: fg: expected a colour"},
        {"roles:\n  up: {fg: 256}\n", "t.yaml:2"},
        {"roles:\n  up: {color: red}\n", "t.yaml:2: color: unknown key"},
        {"roles:\n  up: {attr: blink}\n", "t.yaml:2: attr: expected bold"},
        {"roles:\n  up: [1]\n", "t.yaml:2"},
        {"colours: 3\n", "t.yaml:1: colours: unknown key"},
        {"background: grey\n", "t.yaml:1: background: expected dark or light"},
        {"- a\n", "t.yaml:1"},
        {"", "t.yaml"},
        {"roles:\n  up: red\n  up: blue\n", "up"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct theme theme;
        struct td_err err = {0};
        assert_int_equal(parse(cases[i].text, &theme, &err), TD_CONFIG);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.text, cases[i].says);
    }
}

static void test_depths(void **state)
{
    (void)state;
    static const struct {
        int32_t rgb;
        int direct, c256, c16, c8;
    } cases[] = {
        {0x000000, 0x000000, 16, 0, 0},    {0xffffff, 0xffffff, 231, 15, 7}, {0xff0000, 0xff0000, 196, 9, 1},
        {0x5fd787, 0x5fd787, 78, -2, 2}, /* green stays green however few colours there are */
        {0xff5f5f, 0xff5f5f, 203, -2, 1},  {0x808080, 0x808080, 244, 8, 7},  {THEME_DEFAULT, -1, -1, -1, -1},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        assert_int_equal(theme_color(cases[i].rgb, THEME_DIRECT), cases[i].direct);
        assert_int_equal(theme_color(cases[i].rgb, THEME_256), cases[i].c256);
        if (cases[i].c16 != -2)
            assert_int_equal(theme_color(cases[i].rgb, THEME_16), cases[i].c16);
        if (cases[i].c8 >= 0)
            assert_int_equal(theme_color(cases[i].rgb, THEME_8), cases[i].c8);
        assert_int_equal(theme_color(cases[i].rgb, THEME_MONO), -1);
    }
}

static void test_pairs(void **state)
{
    (void)state;
    struct theme theme;
    struct td_err err = {0};
    ASSERT_OK(parse("roles:\n  text: {fg: \"#303030\", bg: \"#fafafa\"}\n  dim: {fg: \"#6c6c6c\"}\n  up: {fg: \"#008700\"}\n"
                    "  pre: {fg: \"#626262\", bg: \"#eeeeee\"}\n",
                    &theme, &err),
              err);
    struct theme_pair up = theme_pair(&theme, TD_ROLE_UP, TD_ROLE_UP, THEME_DIRECT);
    assert_int_equal(up.fg, 0x008700);
    assert_int_equal(up.bg, 0xfafafa); /* no ground of its own: the paper */
    assert_int_equal(theme_pair(&theme, TD_ROLE_UP, TD_ROLE_PRE, THEME_DIRECT).bg, 0xeeeeee);
    assert_int_equal(theme_pair(&theme, TD_ROLE_CURSOR, TD_ROLE_CURSOR, THEME_DIRECT).bg, 0x005f87);
    for (int depth = THEME_8; depth <= THEME_DIRECT; depth++) {
        struct theme_pair dim = theme_pair(&theme, TD_ROLE_DIM, TD_ROLE_DIM, (enum theme_depth)depth);
        assert_int_not_equal(dim.fg, dim.bg); /* with eight colours gray and white are one */
    }
    struct theme_pair mono = theme_pair(&theme, TD_ROLE_UP, TD_ROLE_UP, THEME_MONO);
    assert_true(mono.fg == -1 && mono.bg == -1);
    /* a theme that names a colour of the text and no ground gets the terminal's, not the built-in one */
    ASSERT_OK(parse("roles:\n  text: \"#303030\"\n", &theme, &err), err);
    assert_int_equal(theme_pair(&theme, TD_ROLE_TEXT, TD_ROLE_TEXT, THEME_DIRECT).bg, -1);
}

/* Every shipped theme parses, and up and down never look the same, at any depth that has colours. */
static void test_shipped(void **state)
{
    (void)state;
    struct td_names files = {0};
    struct td_err err = {0};
    ASSERT_OK(td_dir_list("themes", &files, &err), err);
    assert_in_range(files.count, 3, 50);
    for (size_t i = 0; i < files.count; i++) {
        char path[300];
        struct td_buf text;
        struct theme theme;
        td_buf_init(&text, 1 << 20);
        td_snprintf(path, sizeof path, "themes/%s", files.items[i]);
        ASSERT_OK(td_file_read(path, 1 << 20, &text, &err), err);
        ASSERT_OK(theme_parse(text.data, text.len, path, &theme, &err), err);
        td_buf_free(&text);
        size_t stem = strlen(files.items[i]) - 5;
        assert_int_equal(strncmp(theme.name, files.items[i], stem), 0);
        const struct theme_look *up = &theme.looks[TD_ROLE_UP], *down = &theme.looks[TD_ROLE_DOWN];
        for (int depth = THEME_8; up->fg >= 0 && depth <= THEME_DIRECT; depth++)
            assert_int_not_equal(theme_color(up->fg, (enum theme_depth)depth), theme_color(down->fg, (enum theme_depth)depth));
        assert_true(theme.looks[TD_ROLE_CURSOR].mono & TD_ATTR_REVERSE); /* the cursor is seen without colours */
    }
    td_names_free(&files);
}

static void test_built_in_is_dark(void **state)
{
    (void)state;
    struct td_buf text;
    struct theme file, builtin;
    struct td_err err = {0};
    td_buf_init(&text, 1 << 20);
    ASSERT_OK(td_file_read("themes/dark.yaml", 1 << 20, &text, &err), err);
    ASSERT_OK(theme_parse(text.data, text.len, "dark", &file, &err), err);
    theme_builtin(&builtin);
    assert_memory_equal(file.looks, builtin.looks, sizeof file.looks);
    td_buf_free(&text);
}

static void test_names(void **state)
{
    (void)state;
    struct theme theme;
    struct td_err err = {0};
    assert_int_equal(theme_load("../etc/passwd", &theme, &err), TD_USAGE);
    assert_int_equal(theme_load("", &theme, &err), TD_USAGE);
    assert_int_equal(theme_load("nosuchtheme", &theme, &err), TD_MISSING);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    struct theme theme;
    struct td_err err = {0};
    long fail = 1;
    for (; fail < 1000; fail++) {
        td_alloc_fail_after(fail);
        enum td_code code = parse("roles:\n  up: {fg: red, attr: [bold]}\n", &theme, &err);
        td_alloc_fail_after(0);
        if (code == TD_OK)
            break;
        assert_int_equal(code, TD_NOMEM);
    }
    assert_in_range(fail, 2, 999);
}

/* What stands in for a character is ASCII, and a frame stays a frame. */
static void test_ascii_glyphs(void **state)
{
    (void)state;
    assert_int_equal(screen_ascii_of(0x2500), '-');
    assert_int_equal(screen_ascii_of(0x2502), '|');
    assert_int_equal(screen_ascii_of(0x250C), '+');
    assert_int_equal(screen_ascii_of(0x2524), '+');
    assert_int_equal(screen_ascii_of(0x2588), '#');
    assert_int_equal(screen_ascii_of(0x4E2D), '?');
    for (uint32_t ch = 0x20; ch < 0x3000; ch++)
        assert_in_range(screen_ascii_of(ch), 0x20, 0x7E);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),   cmocka_unit_test(test_errors),           cmocka_unit_test(test_depths),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_shipped), cmocka_unit_test(test_built_in_is_dark), cmocka_unit_test(test_names),
        cmocka_unit_test(test_allocation_failures), cmocka_unit_test(test_ascii_glyphs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
