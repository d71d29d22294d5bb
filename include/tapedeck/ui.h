/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui: the deck: watchlist, chart, downloads, log, prompt and help in one terminal screen. The only room that knows curses
 * and readline. */
#ifndef TAPEDECK_UI_H
#define TAPEDECK_UI_H

#include <tapedeck/command.h>

/* What the caller decides about the terminal; zero means "as the environment says". */
struct td_ui_options {
    bool no_color;     /* --color never; NO_COLOR in the environment counts as well */
    bool no_mouse;
    bool no_clock;     /* as :set clock off */
    const char *theme; /* NULL = dark */
    const char *glyphs; /* "ascii", "block", "braille"; NULL = by locale */
};

/* Register the commands that only the deck has (quit, focus, zoom, tf, theme, ...) so that help, completion and the man page
 * list them. Once, at start, before threads. */
enum td_code td_ui_commands(struct td_err *err);
/* Block the signals that the deck reads by descriptor (TERM, INT, HUP, WINCH, TSTP, CONT). The front end calls it before any
 * thread starts when it is going to open the deck, so that no worker is ever hit by one. */
void td_ui_block_signals(void);
/* Run the deck on the terminal of stdin and stdout until it is quit. Opens lake and engine of `app` when they are not.
 * `options` may be NULL. Runs on the calling thread, the only one that touches the terminal.
 * TD_OK after quit; TD_CANCELLED after SIGTERM or hangup; TD_USAGE when there is no usable terminal, saying why and what
 * to do. The terminal is as it was in every case. app->notice belongs to the deck while it runs. */
enum td_code td_ui_run(struct td_app *app, const struct td_ui_options *options, struct td_err *err);
/* For `doctor`: facts of the terminal, one a line; usable as app->terminal_report. */
void td_ui_terminal_report(void *ctx, struct td_buf *lines);

#endif
