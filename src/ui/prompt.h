/* SPDX-License-Identifier: GPL-3.0-or-later
 * prompt: one line of input, edited by GNU readline in callback form. Readline's state is global, so there is one prompt
 * a process; it never reads a descriptor, never writes one and never blocks. UI thread only. */
#ifndef TAPEDECK_UI_PROMPT_H
#define TAPEDECK_UI_PROMPT_H

#include <tapedeck/chart.h>

#include "keys.h"

#define PROMPT_LINE_MAX 4096

struct prompt_calls { /* how the prompt reaches its owner */
    void *ctx;
    void (*accept)(void *ctx, const char *line);
    void (*redraw)(void *ctx); /* Ctrl-L */
    /* Candidates for the word at the cursor; they replace the text from byte *start. */
    enum td_code (*complete)(void *ctx, const char *line, size_t cursor, struct td_names *out, size_t *start);
};

/* Call before the screen is opened: readline looks at terminfo once, and curses must have the last word there. */
enum td_code prompt_init(const struct prompt_calls *calls, struct td_err *err);
void prompt_free(void);
void prompt_open(const char *text); /* starts with this text; no effect when open */
void prompt_close(void);
bool prompt_active(void);
/* Hand over a key while active: Esc and Ctrl-C close, a paste inserts, everything else is the editor's. */
void prompt_key(const struct keys_event *event, const char *paste);
/* Draw into one row; returns the column of the cursor. */
int prompt_draw(struct td_grid *grid, int row, int col, int width);
/* Candidates to show above the prompt: NULL or none when there is nothing to choose. */
const struct td_names *prompt_candidates(size_t *selected); /* SIZE_MAX = none selected yet */
const char *prompt_text(void);

/* History, oldest first; lines are kept in memory, files are the caller's business. */
void prompt_history_add(const char *line);
void prompt_history_load(const char *text, size_t len); /* one line each */

#endif
