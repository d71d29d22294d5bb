/* SPDX-License-Identifier: GPL-3.0-or-later
 * tty_screen: ncurses with newterm. A grid is compared with what was sent last, so that an unchanged frame sends no byte. */
#include <langinfo.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "tty_screen.h"
#include "tty_glyph.h"

/* After our own headers: term.h defines names such as `lines` and `columns`. */
#include <curses.h>
#include <term.h>

struct screen {
    SCREEN *curses;
    int rows, cols;
    struct td_grid shown; /* what the terminal shows, as far as we sent it */
    int cursor_row, cursor_col;
    bool utf8, no_color, mouse, pastes, has_mouse;
    enum theme_depth depth;
    attr_t attrs[TD_ROLE_COUNT];
    short pairs[TD_ROLE_COUNT], shaded[TD_ROLE_COUNT]; /* a role on its own ground, and on the shaded one */
};

/* ---- colours: every call's result is checked, and a refusal steps down one depth ---- */

static enum theme_depth depth_of_terminal(bool no_color)
{
    int colors = tigetnum("colors");
    if (no_color || colors < 8)
        return THEME_MONO;
    if (colors >= 1 << 24 && (tigetflag("RGB") > 0 || tigetnum("RGB") > 0 || (tigetstr("RGB") && tigetstr("RGB") != (char *)-1)))
        return THEME_DIRECT;
    return colors >= 256 ? THEME_256 : colors >= 16 ? THEME_16 : THEME_8;
}

/* In direct terminals the numbers 0..7 still mean the palette: the darkest blues move up to the next free number. */
static int curses_color(int color, enum theme_depth depth)
{
    return depth == THEME_DIRECT && color > 0 && color < 8 ? 8 : color;
}

/* Gives the pair's number, 0 where the terminal's own colours do, -1 when curses refuses. */
static int set_pair(int number, struct theme_pair colors, enum theme_depth depth)
{
    if (colors.fg < 0 && colors.bg < 0)
        return 0;
    return init_extended_pair(number, curses_color(colors.fg, depth), curses_color(colors.bg, depth)) == ERR ? -1 : number;
}

static attr_t curses_attrs(unsigned bits)
{
    return (bits & TD_ATTR_BOLD ? A_BOLD : 0) | (bits & TD_ATTR_REVERSE ? A_REVERSE : 0) |
           (bits & TD_ATTR_UNDERLINE ? A_UNDERLINE : 0);
}

static bool set_pairs(struct screen *screen, const struct theme *theme, enum theme_depth depth)
{
    for (int role = 0; role < TD_ROLE_COUNT; role++) {
        const struct theme_look *look = &theme->looks[role];
        screen->pairs[role] = screen->shaded[role] = 0;
        screen->attrs[role] = curses_attrs(depth == THEME_MONO ? look->mono : look->attr);
        if (depth == THEME_MONO)
            continue;
        /* eight colours: a bright foreground is the plain one in bold */
        if (depth == THEME_8 && look->fg >= 0 && theme_color(look->fg, THEME_16) > 8)
            screen->attrs[role] |= A_BOLD;
        enum td_role own = (enum td_role)role;
        int pair = set_pair(role + 1, theme_pair(theme, own, own, depth), depth);
        int shaded = set_pair(role + 1 + TD_ROLE_COUNT, theme_pair(theme, own, TD_ROLE_PRE, depth), depth);
        if (pair < 0 || shaded < 0)
            return false;
        screen->pairs[role] = (short)pair;
        screen->shaded[role] = (short)shaded;
    }
    return true;
}

void screen_theme(struct screen *screen, const struct theme *theme)
{
    enum theme_depth depth = depth_of_terminal(screen->no_color);
    while (depth > THEME_MONO && !set_pairs(screen, theme, depth))
        depth--;
    if (depth == THEME_MONO)
        set_pairs(screen, theme, THEME_MONO);
    screen->depth = depth;
    screen_repaint(screen);
}

/* ---- opening ---- */

/* Leaves curses' current terminal set on TD_OK. */
static enum td_code look_up_terminal(const char *term, struct td_err *err)
{
    int status = 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return td_fail(err, TD_USAGE, "the deck needs a terminal on stdin and stdout; without one use the commands, for "
                                      "example: tapedeck watchlist --format csv");
    if (!term || !*term)
        return td_fail(err, TD_USAGE, "TERM is not set: set it to what your terminal is, for example TERM=xterm-256color; "
                                      "the commands (tapedeck watchlist) work without");
    if (setupterm(term, STDOUT_FILENO, &status) == ERR)
        return td_fail(err, TD_USAGE, status < 0 ? "TERM=%s: no terminfo data base was found: install ncurses-base, or set TERMINFO"
                                                 : "TERM=%s is no terminal known here: set TERM to one that is, for example "
                                                   "TERM=xterm-256color, or install ncurses-term",
                       term);
    char *cup = tigetstr("cup");
    if (cup && cup != (char *)-1)
        return TD_OK;
    del_curterm(cur_term);
    return td_fail(err, TD_USAGE, "TERM=%s cannot place a cursor, so the deck cannot be drawn: set TERM to what your "
                                  "terminal is, for example TERM=xterm-256color; the commands (tapedeck watchlist) work here",
                   term);
}

enum td_code screen_check(const char *term, struct td_err *err)
{
    enum td_code code = look_up_terminal(term, err);
    if (code == TD_OK)
        del_curterm(cur_term);
    return code;
}

/* Signals from the keyboard stay on at every instant (Ctrl-C, Ctrl-Z); flow control, literal-next and the core dump of
 * Ctrl-\ do not. */
static void set_modes(void)
{
    struct termios modes;
    if (tcgetattr(STDIN_FILENO, &modes) == 0) {
        modes.c_lflag |= ISIG;
        modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ECHONL | IEXTEN);
        modes.c_iflag &= ~(tcflag_t)(IXON | ICRNL | INLCR | IGNCR | ISTRIP | PARMRK);
        modes.c_oflag &= ~(tcflag_t)ONLCR;
        modes.c_cc[VQUIT] = _POSIX_VDISABLE;
        modes.c_cc[VMIN] = 1;
        modes.c_cc[VTIME] = 0;
        tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
    }
    def_prog_mode();
}

static void send_text(const char *text)
{
    const char *at = text;
    size_t left = strlen(text);
    while (left) {
        ssize_t done = write(STDOUT_FILENO, at, left);
        if (done <= 0)
            return; /* a terminal that is gone needs no switch */
        at += done;
        left -= (size_t)done;
    }
}

static void switch_inputs(const struct screen *screen, bool on)
{
    if (screen->has_mouse && (screen->mouse || !on))
        send_text(on ? "\x1b[?1000h\x1b[?1006h" : "\x1b[?1006l\x1b[?1000l");
    if (screen->pastes)
        send_text(on ? "\x1b[?2004h" : "\x1b[?2004l");
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void find_features(struct screen *screen, const char *term)
{
    static const char *const families[] = {"xterm", "screen", "tmux", "rxvt", "alacritty", "foot", "kitty", "vte", "gnome", "konsole", "st-"};
    char *mouse = tigetstr("kmous");
    for (size_t i = 0; i < TD_COUNT(families); i++)
        screen->pastes = screen->pastes || starts_with(term, families[i]);
    screen->has_mouse = screen->pastes && mouse && mouse != (char *)-1;
    screen->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static enum td_code start_curses(struct screen *screen, const struct screen_options *options, struct td_err *err)
{
    use_env(TRUE);
    use_tioctl(TRUE); /* LINES and COLUMNS of the shell may be stale: the kernel has the last word */
    screen->curses = newterm(options->term, stdout, stdin);
    if (!screen->curses)
        return td_fail(err, TD_USAGE, "TERM=%s: curses cannot use this terminal", options->term);
    typeahead(-1);
    cbreak();
    noecho();
    nonl();
    set_modes();
    leaveok(stdscr, FALSE);
    scrollok(stdscr, FALSE);
    idlok(stdscr, FALSE);
    (void)curs_set(0);
    if (has_colors() && start_color() == OK)
        (void)use_default_colors();
    find_features(screen, options->term);
    return TD_OK;
}

void screen_suspend(struct screen *screen)
{
    switch_inputs(screen, false);
    (void)curs_set(1);
    endwin();
}

void screen_resume(struct screen *screen)
{
    reset_prog_mode();
    set_modes(); /* whoever ran meanwhile may have changed them */
    (void)curs_set(screen->cursor_row >= 0 ? 1 : 0);
    switch_inputs(screen, true);
    screen_fit(screen);
    screen_repaint(screen);
}

/* ---- size ---- */

bool screen_fit(struct screen *screen)
{
    struct winsize size;
    int rows = 24, cols = 80;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
        rows = size.ws_row;
        cols = size.ws_col;
    }
    rows = rows > 1000 ? 1000 : rows;
    cols = cols > 1000 ? 1000 : cols;
    if (rows == screen->rows && cols == screen->cols)
        return false;
    if (resizeterm(rows, cols) == ERR)
        return false;
    screen->rows = rows;
    screen->cols = cols;
    screen_repaint(screen);
    return true;
}

void screen_repaint(struct screen *screen)
{
    td_grid_free(&screen->shown);
}

int screen_rows(const struct screen *screen)
{
    return screen->rows;
}

int screen_cols(const struct screen *screen)
{
    return screen->cols;
}

int screen_fd(const struct screen *screen)
{
    (void)screen;
    return STDIN_FILENO;
}

bool screen_utf8(const struct screen *screen)
{
    return screen->utf8;
}

enum theme_depth screen_depth(const struct screen *screen)
{
    return screen->depth;
}

void screen_mouse(struct screen *screen, bool on)
{
    if (screen->mouse == on)
        return;
    screen->mouse = true;
    if (screen->has_mouse)
        send_text(on ? "\x1b[?1000h\x1b[?1006h" : "\x1b[?1006l\x1b[?1000l");
    screen->mouse = on;
}

/* ---- drawing ---- */

static void put_cell(const struct screen *screen, int row, int col, const struct td_glyph *cell)
{
    enum td_role role = cell->role < TD_ROLE_COUNT ? cell->role : TD_ROLE_TEXT;
    attr_t attrs = screen->attrs[role] ^ (cell->attr & TD_ATTR_REVERSE ? A_REVERSE : 0);
    attrs |= curses_attrs(cell->attr & ~TD_ATTR_REVERSE);
    short pair = cell->attr & TD_ATTR_SHADE ? screen->shaded[role] : screen->pairs[role];
    uint32_t ch = cell->ch;
    bool wide = td_char_width(ch) == 2;
    if (!screen->utf8 && ch > 0x7E) {
        ch = screen_ascii_of(ch);
    } else if (ch > 0x7E && wcwidth((wchar_t)ch) != td_char_width(ch)) {
        ch = '?'; /* the C library and we disagree about its width: it would shift the line */
    }
    wchar_t text[2] = {(wchar_t)ch, 0};
    cchar_t curses_cell;
    if (wide && ch < 0x7F && col + 1 < screen->cols && setcchar(&curses_cell, L" ", attrs, pair, NULL) == OK)
        (void)mvadd_wch(row, col + 1, &curses_cell); /* what stands in is narrow: its other half must not keep old text */
    if (setcchar(&curses_cell, text, attrs, pair, NULL) == OK)
        (void)mvadd_wch(row, col, &curses_cell); /* ERR at the last cell only: it is written, the cursor cannot move on */
}

static bool same_cell(const struct td_glyph *a, const struct td_glyph *b)
{
    return a->ch == b->ch && a->role == b->role && a->attr == b->attr;
}

static bool send_cells(struct screen *screen, const struct td_grid *grid)
{
    bool changed = false;
    size_t count = (size_t)grid->rows * (size_t)grid->cols;
    for (size_t i = 0; i < count; i++) {
        const struct td_glyph *cell = &grid->cells[i];
        if (same_cell(cell, &screen->shown.cells[i]))
            continue;
        screen->shown.cells[i] = *cell;
        changed = true;
        if (cell->ch)
            put_cell(screen, (int)(i / (size_t)grid->cols), (int)(i % (size_t)grid->cols), cell);
    }
    return changed;
}

/* A grid nothing equals: every cell will be sent. */
static bool forget_shown(struct screen *screen, const struct td_grid *grid)
{
    td_grid_free(&screen->shown);
    if (td_grid_init(&screen->shown, grid->rows, grid->cols, NULL) != TD_OK)
        return false;
    for (size_t i = 0; i < (size_t)grid->rows * (size_t)grid->cols; i++)
        screen->shown.cells[i].attr = 0xFF;
    (void)erase();
    (void)clearok(curscr, TRUE);
    return true;
}

void screen_draw(struct screen *screen, const struct td_grid *grid, int cursor_row, int cursor_col)
{
    bool whole = screen->shown.rows != grid->rows || screen->shown.cols != grid->cols || !screen->shown.cells;
    if (whole && !forget_shown(screen, grid))
        return;
    bool changed = send_cells(screen, grid) || whole;
    bool moved = cursor_row != screen->cursor_row || cursor_col != screen->cursor_col;
    if (!changed && !moved)
        return;
    if ((cursor_row < 0) != (screen->cursor_row < 0) || whole)
        (void)curs_set(cursor_row < 0 ? 0 : 1);
    screen->cursor_row = cursor_row;
    screen->cursor_col = cursor_col;
    (void)move(cursor_row < 0 ? 0 : cursor_row, cursor_row < 0 ? 0 : cursor_col);
    (void)refresh();
}

/* ---- doctor ---- */

/* Facts of the open screen, for `doctor` typed at the prompt, which runs on another thread and must not touch curses.
 * Written by the UI thread while it alone runs, before `screen_is_open` is set. */
static char open_facts[256];
static atomic_bool screen_is_open;

static void describe(struct td_buf *out, const char *term, enum theme_depth depth, bool no_color)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    td_buf_printf(out, "terminal: TERM=%s, %s%s\nlocale: %s, %s\n", term, theme_depth_name(depth),
                  no_color ? " (NO_COLOR is set)" : "", nl_langinfo(CODESET),
                  utf8 ? "box and block characters are used" : "ASCII is used: set LANG=C.UTF-8 for finer charts");
}

void screen_report(struct td_buf *out)
{
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    struct td_err err = {0};
    bool off = no_color && *no_color;
    if (atomic_load(&screen_is_open)) {
        td_buf_adds(out, open_facts);
    } else if (look_up_terminal(term, &err) == TD_OK) {
        describe(out, term, depth_of_terminal(off), off);
        del_curterm(cur_term);
    } else {
        td_buf_printf(out, "terminal: %s\n", err.text);
    }
}

static void remember_facts(const struct screen *screen, const char *term)
{
    struct td_buf facts;
    td_buf_init(&facts, sizeof open_facts - 1);
    describe(&facts, term, screen->depth, screen->no_color);
    td_copy(open_facts, sizeof open_facts, facts.data ? facts.data : "");
    td_buf_free(&facts);
    atomic_store(&screen_is_open, true);
}

enum td_code screen_open(const struct screen_options *options, struct screen **out, struct td_err *err)
{
    *out = NULL;
    enum td_code code = screen_check(options->term, err);
    if (code != TD_OK)
        return code;
    struct screen *screen = td_calloc(1, sizeof *screen);
    if (!screen)
        return td_fail(err, TD_NOMEM, "out of memory for the screen");
    screen->no_color = options->no_color;
    screen->mouse = options->mouse;
    screen->cursor_row = -1;
    code = start_curses(screen, options, err);
    if (code != TD_OK) {
        td_free(screen);
        return code;
    }
    screen_theme(screen, options->theme);
    screen_fit(screen);
    switch_inputs(screen, true);
    remember_facts(screen, options->term);
    *out = screen;
    return TD_OK;
}

void screen_close(struct screen *screen)
{
    if (!screen)
        return;
    atomic_store(&screen_is_open, false);
    switch_inputs(screen, false);
    (void)curs_set(1);
    endwin();
    delscreen(screen->curses);
    td_grid_free(&screen->shown);
    td_free(screen);
}
