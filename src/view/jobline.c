/* SPDX-License-Identifier: GPL-3.0-or-later
 * jobline: one line about a job, the same on a terminal, in a log and in the deck. Percentages and the ETA come from what
 * units have really finished; a job that has finished nothing has no ETA. */
#include <string.h>

#include "view_internal.h"

#define BAR 12
#define PIECES 8

/* Pieces from left to right, with their worth: the least worthy goes first when the line is too narrow. */
enum piece { PIECE_BAR, PIECE_PERCENT, PIECE_UNITS, PIECE_COUNTS, PIECE_RETRY, PIECE_THROTTLE, PIECE_ROWS, PIECE_END };
static const enum piece leave_order[] = {PIECE_THROTTLE, PIECE_ROWS,  PIECE_RETRY, PIECE_BAR,
                                         PIECE_COUNTS,   PIECE_END,   PIECE_UNITS};

static uint64_t units_done(const struct td_job_counts *counts)
{
    return counts->ok + counts->empty + counts->skipped + counts->failed;
}

static bool has_ended(enum td_job_state state)
{
    return state == TD_JOB_DONE || state == TD_JOB_CANCELLED || state == TD_JOB_FAILED || state == TD_JOB_INTERRUPTED;
}

/* Share of the work that is done, 0..1: by weight where units have one, else by number. */
static double share_done(const struct td_job_view *view)
{
    uint64_t total = view->weight_total, done = view->weight_done;
    if (total == 0) {
        total = view->counts.planned;
        done = units_done(&view->counts);
    }
    if (total == 0)
        return view->state == TD_JOB_DONE ? 1 : 0;
    return done >= total ? 1 : (double)done / (double)total;
}

/* 100 is kept for the end: rounding must not call a job finished. */
static int percent(const struct td_job_view *view, double share)
{
    int whole = (int)floor(share * 100);
    bool finished = share >= 1 && units_done(&view->counts) >= view->counts.planned;
    return whole >= 100 && !finished ? 99 : whole;
}

static void duration_text(double seconds, char *out, size_t size)
{
    double limit = 9999.0 * 3600;
    long s = seconds > 0 ? (long)(seconds < limit ? seconds + 0.5 : limit) : 0;
    td_snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* One digit of percent takes a blank more, so that the line does not jump when it grows. */
static void bar_text(double share, bool one_digit, char *out, size_t size)
{
    int full = (int)floor(share * BAR + 1e-9);
    td_snprintf(out, size, "[%.*s%.*s]%s", full, "############", BAR - full, "------------", one_digit ? " " : "");
}

static void end_text(const struct td_job_view *view, double share, char *out, size_t size)
{
    char time[32];
    if (has_ended(view->state)) {
        duration_text(view->seconds, time, sizeof time);
        td_snprintf(out, size, "%s %s %s", td_job_state_name(view->state), view->state == TD_JOB_DONE ? "in" : "after",
                    time);
        return;
    }
    if (view->state != TD_JOB_RUNNING) {
        td_copy(out, size, td_job_state_name(view->state));
        return;
    }
    if (share > 0 && view->seconds > 0)
        duration_text(view->seconds * (1 - share) / share, time, sizeof time);
    td_snprintf(out, size, "ETA %s", share > 0 && view->seconds > 0 ? time : "n/a");
}

static size_t joined_length(char pieces[PIECES][96])
{
    size_t total = 0;
    for (size_t i = 0; i < PIECES; i++)
        total += pieces[i][0] ? strlen(pieces[i]) + (total ? 2 : 0) : 0;
    return total;
}

void td_job_line(const struct td_job_view *view, int width, char *out, size_t size)
{
    char pieces[PIECES][96] = {{0}}, rows[32];
    const struct td_job_counts *counts = &view->counts;
    double share = share_done(view);
    int whole = percent(view, share);
    bar_text(share, whole < 10, pieces[PIECE_BAR], sizeof pieces[0]);
    td_snprintf(pieces[PIECE_PERCENT], sizeof pieces[0], "%d%%", whole);
    td_snprintf(pieces[PIECE_UNITS], sizeof pieces[0], "%llu/%llu", (unsigned long long)units_done(counts),
                (unsigned long long)counts->planned);
    td_snprintf(pieces[PIECE_COUNTS], sizeof pieces[0], "ok %llu empty %llu skipped %llu failed %llu",
                (unsigned long long)counts->ok, (unsigned long long)counts->empty,
                (unsigned long long)counts->skipped, (unsigned long long)counts->failed);
    if (view->retries)
        td_snprintf(pieces[PIECE_RETRY], sizeof pieces[0], "retry %llu", (unsigned long long)view->retries);
    if (view->throttled)
        td_snprintf(pieces[PIECE_THROTTLE], sizeof pieces[0], "throttled %llu", (unsigned long long)view->throttled);
    td_short_text((double)counts->rows_written, rows);
    td_snprintf(pieces[PIECE_ROWS], sizeof pieces[0], "%s rows", rows);
    end_text(view, share, pieces[PIECE_END], sizeof pieces[0]);
    for (size_t i = 0; width > 0 && i < TD_COUNT(leave_order) && joined_length(pieces) > (size_t)width; i++) {
        bool matters = leave_order[i] == PIECE_COUNTS && counts->failed;
        if (matters) /* a failure is the last thing to be left out */
            td_snprintf(pieces[PIECE_COUNTS], sizeof pieces[0], "failed %llu", (unsigned long long)counts->failed);
        else
            pieces[leave_order[i]][0] = 0;
    }
    if (size)
        out[0] = 0;
    for (size_t i = 0, n = 0; i < PIECES && n < size; i++) {
        if (!pieces[i][0])
            continue;
        td_snprintf(out + n, size - n, "%s%s", n ? "  " : "", pieces[i]);
        n += strlen(out + n);
    }
}
