/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the terminal: what libvterm shows of a grid, colours by depth, silence when nothing changes, sizes, and a sane
 * terminal afterwards. The child draws one frame for each byte it reads. */
#include "pty.h"

#include <locale.h>

#include "tty_screen.h"

struct play {
    const char *term, *locale;
    bool no_color;
};

/* Frames by key: 'a' text, 'b' the same again, 'c' one cell differs, 'x' more text, 'w' wide and box characters, 'r' roles, 's' size,
 * 'p' cursor shown, 'q' end. After each frame the number of frames is confirmed in the corner on 'a', 'c' and 's'. */
static void frame(struct screen *screen, struct td_grid *grid, char key)
{
    td_grid_clear(grid);
    td_grid_text(grid, 0, 0, grid->cols, "hello", TD_ROLE_TEXT, 0);
    if (key == 'c')
        td_grid_put(grid, 0, 1, 'a', TD_ROLE_TEXT, 0);
    if (key == 'x')
        td_grid_text(grid, 1, 0, grid->cols, "abcdefgh", TD_ROLE_TEXT, 0);
    if (key == 'w') {
        td_grid_text(grid, 1, 0, grid->cols, "\xE4\xB8\xAD|\xE2\x94\x80\xE2\x94\x82\xE2\x96\x84", TD_ROLE_TEXT, 0);
        td_grid_text(grid, grid->rows - 1, 0, grid->cols, "last", TD_ROLE_TEXT, 0);
        td_grid_put(grid, grid->rows - 1, grid->cols - 1, 'X', TD_ROLE_TEXT, 0);
    }
    if (key == 'r') {
        td_grid_text(grid, 1, 0, 10, "up", TD_ROLE_UP, 0);
        td_grid_text(grid, 2, 0, 10, "down", TD_ROLE_DOWN, 0);
        td_grid_text(grid, 3, 0, 10, "cursor", TD_ROLE_CURSOR, 0);
        td_grid_put(grid, 1, 20, ' ', TD_ROLE_PRE, 0);
        td_grid_put(grid, 1, 21, '#', TD_ROLE_UP, TD_ATTR_SHADE);
        td_grid_text(grid, 4, 0, 10, "end", TD_ROLE_TEXT, TD_ATTR_REVERSE);
    }
    if (key == 's') {
        char text[32];
        td_snprintf(text, sizeof text, "%d x %d", grid->rows, grid->cols);
        td_grid_text(grid, 1, 0, grid->cols, text, TD_ROLE_TEXT, 0);
    }
    screen_draw(screen, grid, key == 'p' ? 0 : -1, key == 'p' ? 3 : -1);
}

static int play(void *arg)
{
    const struct play *play = arg;
    struct screen *screen = NULL;
    struct td_grid grid;
    struct td_err err = {0};
    struct theme theme;
    char key = 'a';
    setenv("TERM", play->term, 1);
    setenv("COLUMNS", "33", 1); /* stale, as after a resize: the kernel's size counts */
    setenv("LINES", "11", 1);
    (void)setlocale(LC_CTYPE, play->locale);
    theme_builtin(&theme);
    struct screen_options options = {.term = play->term, .no_color = play->no_color, .mouse = true, .theme = &theme};
    enum td_code code = screen_open(&options, &screen, &err);
    if (code != TD_OK) {
        printf("%s\n", err.text);
        return td_exit_status(code);
    }
    ssize_t got;
    do {
        screen_fit(screen);
        if (td_grid_init(&grid, screen_rows(screen), screen_cols(screen), &err) != TD_OK)
            return 9;
        frame(screen, &grid, key);
        td_grid_free(&grid);
        do /* a changed size may interrupt it */
            got = read(0, &key, 1);
        while (got < 0 && errno == EINTR);
    } while (got == 1 && key != 'q');
    screen_close(screen);
    return 0;
}

static struct pty pty;

static void start(const char *term, const char *locale, bool no_color, int rows, int cols)
{
    static struct play what;
    what = (struct play){term, locale, no_color};
    pty_start(&pty, rows, cols, play, &what);
}

static void stop(void)
{
    pty_send(&pty, "q");
    int status = pty_end(&pty);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    pty_assert_sane(&pty);
    pty_free(&pty);
}

static VTermScreenCell cell_at(int row, int col)
{
    VTermScreenCell cell;
    vterm_screen_get_cell(pty.screen, (VTermPos){row, col}, &cell);
    return cell;
}

static void test_text_and_silence(void **state)
{
    (void)state;
    start("xterm-256color", "C.UTF-8", false, 10, 40);
    PTY_EXPECT(&pty, "hello");
    pty_send(&pty, "w");
    PTY_EXPECT(&pty, "last");
    PTY_EXPECT(&pty, "\xE4\xB8\xAD|\xE2\x94\x80\xE2\x94\x82\xE2\x96\x84");
    PTY_EXPECT(&pty, "X"); /* the very last cell, sent last */
    assert_int_equal(cell_at(9, 39).chars[0], 'X');
    pty_send(&pty, "a");
    PTY_EXPECT_GONE(&pty, "last");
    pty_send(&pty, "c");
    PTY_EXPECT(&pty, "hallo");
    pty_send(&pty, "a");
    PTY_EXPECT(&pty, "hello");
    size_t before = pty.bytes; /* at most the end of a frame of one cell is still under way */
    pty_send(&pty, "bbbbc"); /* the frame that differs proves that the equal ones were drawn before it */
    PTY_EXPECT(&pty, "hallo");
    size_t one_cell = pty.bytes - before;
    if (one_cell > 120) /* a place, a colour and its ground, one character: twice, with the end of the frame before */
        fail_msg("four equal frames and one new cell took %zu bytes", one_cell);
    stop();
}

/* All bytes from the first to the last of a run that draws the changed frame and then the same again, so often. */
static size_t bytes_of_run(const char *again)
{
    start("xterm-256color", "C.UTF-8", false, 10, 40);
    PTY_EXPECT(&pty, "hello");
    pty_send(&pty, "c");
    PTY_EXPECT(&pty, "hallo");
    pty_send(&pty, again);
    pty_send(&pty, "q");
    (void)pty_end(&pty);
    size_t bytes = pty.bytes;
    pty_free(&pty);
    return bytes;
}

static void test_silent_frames(void **state)
{
    (void)state;
    assert_int_equal(bytes_of_run("cccccccc"), bytes_of_run("")); /* eight equal frames cost not one byte */
}

/* Which terminals get colours, and that up, down and cursor can be told apart without them. */
static void test_colours(void **state)
{
    (void)state;
    static const struct {
        const char *term;
        bool no_color, colours, direct;
    } cases[] = {
        {"xterm-256color", false, true, false}, {"xterm-256color", true, false, false}, {"xterm-direct", false, true, true},
        {"linux", false, true, false},          {"vt100", false, false, false},         {"xterm-16color", false, true, false},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        start(cases[i].term, "C.UTF-8", cases[i].no_color, 10, 40);
        pty_send(&pty, "r");
        PTY_EXPECT(&pty, "end");
        VTermScreenCell up = cell_at(1, 0), down = cell_at(2, 0), cursor = cell_at(3, 0), reverse = cell_at(4, 0);
        bool coloured = !vterm_color_is_equal(&up.fg, &down.fg);
        if (coloured != cases[i].colours)
            fail_msg("TERM=%s no_color=%d: colours %d", cases[i].term, cases[i].no_color, coloured);
        if (cases[i].direct) {
            assert_true(VTERM_COLOR_IS_RGB(&up.fg));
            /* 0x5fd787: older libvterm takes the empty colour space for the first channel */
            assert_true(up.fg.rgb.green == 0xd7 || up.fg.rgb.blue == 0xd7);
        }
        /* the theme's paper stands under everything, and the shaded ground under what is drawn over it */
        VTermScreenCell blank = cell_at(8, 30), pre = cell_at(1, 20), over = cell_at(1, 21);
        assert_int_equal(!VTERM_COLOR_IS_DEFAULT_BG(&blank.bg), cases[i].colours);
        assert_true(vterm_color_is_equal(&blank.bg, &up.bg));
        assert_true(vterm_color_is_equal(&over.bg, &pre.bg));
        assert_true(vterm_color_is_equal(&over.fg, &up.fg));
        assert_int_equal(over.chars[0], '#');
        assert_true(cases[i].colours || cursor.attrs.reverse);
        assert_true(reverse.attrs.reverse);
        stop();
    }
}

static void test_ascii_locale(void **state)
{
    (void)state;
    start("xterm-256color", "C", false, 10, 40);
    pty_send(&pty, "x");
    PTY_EXPECT(&pty, "abcdefgh");
    pty_send(&pty, "w"); /* a stand-in is narrow: nothing of the old text shows beside it */
    PTY_EXPECT(&pty, "last");
    assert_string_equal(pty_row(&pty, 1), "? |-|+");
    stop();
}

static void test_resize(void **state)
{
    (void)state;
    start("xterm", "C.UTF-8", false, 10, 40);
    pty_send(&pty, "s");
    PTY_EXPECT(&pty, "10 x 40");
    static const int sizes[][2] = {{24, 80}, {5, 20}, {60, 220}, {2, 7}, {10, 40}};
    for (size_t i = 0; i < TD_COUNT(sizes); i++) {
        char want[32];
        pty_resize(&pty, sizes[i][0], sizes[i][1]);
        td_snprintf(want, sizeof want, "%d x %d", sizes[i][0], sizes[i][1]);
        pty_send(&pty, "s");
        PTY_EXPECT(&pty, want);
        assert_string_equal(pty_row(&pty, 0), "hello");
    }
    stop();
}

static int cursor_visible = -1;
static int on_property(VTermProp prop, VTermValue *value, void *user)
{
    (void)user;
    if (prop == VTERM_PROP_CURSORVISIBLE)
        cursor_visible = value->boolean;
    return 1;
}
static bool cursor_is(struct pty *unused, const void *want)
{
    (void)unused;
    return cursor_visible == *(const int *)want;
}

static void test_cursor(void **state)
{
    (void)state;
    static const VTermScreenCallbacks callbacks = {.settermprop = on_property};
    static const int yes = 1, no = 0;
    start("xterm-256color", "C.UTF-8", false, 10, 40);
    vterm_screen_set_callbacks(pty.screen, &callbacks, NULL);
    cursor_visible = -1;
    assert_true(pty_until(&pty, cursor_is, &no));
    pty_send(&pty, "p");
    assert_true(pty_until(&pty, cursor_is, &yes));
    pty_send(&pty, "a");
    assert_true(pty_until(&pty, cursor_is, &no));
    pty_send(&pty, "q");
    (void)pty_end(&pty);
    assert_int_equal(cursor_visible, 1); /* given back */
    pty_assert_sane(&pty);
    pty_free(&pty);
}

static void test_unusable_terminals(void **state)
{
    (void)state;
    static const char *const terms[] = {"dumb", "", "nosuchterminal", "unknown"};
    for (size_t i = 0; i < TD_COUNT(terms); i++) {
        start(terms[i], "C.UTF-8", false, 10, 200);
        PTY_EXPECT(&pty, "TERM");
        PTY_EXPECT(&pty, "xterm-256color"); /* says what to do */
        int status = pty_end(&pty);
        assert_int_equal(WEXITSTATUS(status), 2);
        pty_assert_sane(&pty);
        pty_free(&pty);
    }
}

static void test_no_terminal(void **state)
{
    (void)state;
    struct td_err err = {0};
    int saved = dup(0), null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    assert_int_equal(screen_check("xterm", &err), TD_USAGE);
    assert_non_null(strstr(err.text, "terminal on stdin"));
    dup2(saved, 0);
    close(saved);
    close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_silence), cmocka_unit_test(test_silent_frames),      cmocka_unit_test(test_colours),
        cmocka_unit_test(test_ascii_locale),     cmocka_unit_test(test_resize),             cmocka_unit_test(test_cursor),
        cmocka_unit_test(test_no_terminal),      cmocka_unit_test(test_unusable_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
