/* SPDX-License-Identifier: GPL-3.0-or-later
 * tty_screen: the terminal. The only file pair that calls curses; everything else draws into a td_grid. UI thread only. */
#ifndef TAPEDECK_UI_TTY_SCREEN_H
#define TAPEDECK_UI_TTY_SCREEN_H

#include "theme.h"

struct screen;
struct screen_options {
    const char *term;        /* $TERM */
    bool no_color, mouse;
    const struct theme *theme;
};
/* Is there a terminal on stdin and stdout, of a type that can place a cursor? As screen_open, but changes nothing. */
enum td_code screen_check(const char *term, struct td_err *err);
/* Take the terminal on stdin and stdout. TD_USAGE with the way out when there is none or it cannot place a cursor. */
enum td_code screen_open(const struct screen_options *options, struct screen **out, struct td_err *err);
/* Give the terminal back as it was: modes, cursor, mouse. NULL is fine; safe after a hangup. */
void screen_close(struct screen *screen);
/* The same for a while (suspend), and back with a full repaint and a fresh size. */
void screen_suspend(struct screen *screen);
void screen_resume(struct screen *screen);
bool screen_fit(struct screen *screen); /* ask the kernel for the size; true when it changed */
void screen_repaint(struct screen *screen); /* the next draw sends every cell */
int screen_rows(const struct screen *screen);
int screen_cols(const struct screen *screen);
int screen_fd(const struct screen *screen); /* to read keys from */
/* Send what differs from the last draw, and nothing at all when nothing does. Cursor hidden when cursor_row < 0. */
void screen_draw(struct screen *screen, const struct td_grid *grid, int cursor_row, int cursor_col);
void screen_theme(struct screen *screen, const struct theme *theme);
void screen_mouse(struct screen *screen, bool on);
bool screen_utf8(const struct screen *screen);
enum theme_depth screen_depth(const struct screen *screen);
/* What `doctor` says of the terminal, one fact a line: works without an open screen. */
void screen_report(struct td_buf *out);

#endif
