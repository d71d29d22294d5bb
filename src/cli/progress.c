/* SPDX-License-Identifier: GPL-3.0-or-later
 * Progress of a job: one line redrawn in place on a terminal, plain lines now and then otherwise. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "progress.h"

#define PLAIN_EVERY_NS (5 * INT64_C(1000000000))

void progress_init(struct progress *progress, bool quiet)
{
    struct winsize size;
    *progress = (struct progress){.terminal = isatty(STDERR_FILENO), .quiet = quiet, .width = 100};
    if (progress->terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20)
        progress->width = size.ws_col;
}

void progress_show(struct progress *progress, const struct td_job_view *view, bool ended)
{
    char line[512], whole[640];
    if (progress->quiet)
        return;
    int64_t now = td_mono_ns();
    if (!progress->terminal && !ended && now < progress->next_ns)
        return;
    progress->next_ns = now + PLAIN_EVERY_NS;
    int what = (int)strcspn(view->title, " "); /* the table, for jobs of many tables */
    td_job_line(view, progress->width - 23, line, sizeof line);
    td_snprintf(whole, sizeof whole, "%s %-*.*s %s", view->kind, 20 - (int)strlen(view->kind), what, view->title, line);
    if (progress->terminal)
        fprintf(stderr, "\r%s\033[K%s", whole, ended ? "\n" : "");
    else
        fprintf(stderr, "%s\n", whole);
    fflush(stderr);
}
