/* SPDX-License-Identifier: GPL-3.0-or-later
 * cli, private: progress of a job on standard error. */
#ifndef TAPEDECK_CLI_PROGRESS_H
#define TAPEDECK_CLI_PROGRESS_H

#include <tapedeck/view.h>

struct progress {  /* main thread */
    bool terminal; /* standard error is one: redraw a line in place */
    bool quiet;
    int width;
    int64_t next_ns; /* plain lines come at most once in a few seconds */
    int last_percent;
};
void progress_init(struct progress *progress, bool quiet);
void progress_show(struct progress *progress, const struct td_job_view *view, bool ended);

#endif
