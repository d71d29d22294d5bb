/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_bars: the line at the top (where, when, market phase, data) and the one at the bottom (prompt, message or hints). */
#include <stdlib.h>
#include <string.h>

#include "deck.h"
#include "prompt.h"

#define SEGMENTS 8

/* "~/lake" for a path below the home folder, else its end. */
static void short_path(const char *path, char *out, size_t size)
{
    const char *home = getenv("HOME");
    size_t len = home ? strlen(home) : 0, all = strlen(path);
    if (len > 1 && strncmp(path, home, len) == 0 && path[len] == '/')
        td_snprintf(out, size, "~%s", path + len);
    else
        td_copy(out, size, path);
    if (all > 28 && strlen(out) > 28) {
        char end[32];
        td_copy(end, sizeof end, out + strlen(out) - 25);
        td_snprintf(out, size, "...%s", end);
    }
}

static void span_text(int32_t ms, char *out, size_t size)
{
    int seconds = ms / 1000;
    td_snprintf(out, size, "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/* What the market does now and until when. */
static void phase_text(int64_t now, char *out, size_t size)
{
    td_day day;
    int32_t ms;
    char span[16] = "";
    struct td_session session;
    td_ny_split(now, &day, &ms);
    int32_t minute = ms / (int32_t)TD_MS_MINUTE;
    if (!td_cal_session(day, &session)) {
        const char *holiday = td_cal_holiday(day);
        td_snprintf(out, size, "closed%s%s", holiday ? ": " : "", holiday ? holiday : "");
        return;
    }
    switch (td_cal_phase(day, minute)) {
    case TD_PHASE_PRE:
        span_text(TD_REGULAR_MIN * 60000 - ms, span, sizeof span);
        td_snprintf(out, size, "pre-market opens in %s", span);
        return;
    case TD_PHASE_REGULAR:
        span_text(session.close_min * 60000 - ms, span, sizeof span);
        td_snprintf(out, size, "regular closes in %s", span);
        return;
    case TD_PHASE_POST:
        span_text(session.late_end_min * 60000 - ms, span, sizeof span);
        td_snprintf(out, size, "after-hours ends in %s", span);
        return;
    default: td_copy(out, size, "closed"); return;
    }
}

static void clock_text(int64_t now, char *out, size_t size)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    char time[32];
    td_day day;
    int32_t ms;
    td_format_ny(now, time);
    td_ny_split(now, &day, &ms);
    td_snprintf(out, size, "%s %s", days[td_day_weekday(day)], time);
}

/* Rate of the running jobs of this process. */
static void rate_text(const struct deck *deck, char *out, size_t size)
{
    char bytes[32];
    out[0] = '\0';
    for (size_t i = deck->job_count; i > 0; i--) {
        const struct td_job_view *job = &deck->jobs[i - 1];
        if (job->state != TD_JOB_RUNNING || job->seconds <= 0)
            continue;
        td_short_text((double)job->counts.bytes / job->seconds, bytes);
        td_snprintf(out, size, "%s %sB/s%s", job->kind, bytes, job->throttled ? " throttled" : "");
        return;
    }
}

void deck_draw_top(struct deck *deck, int row)
{
    char segments[SEGMENTS][96] = {"tapedeck"};
    size_t count = 1;
    int64_t now = td_now_ms();
    short_path(deck->app->lake_root, segments[count++], sizeof segments[0]);
    if (deck->clock) {
        clock_text(now, segments[count++], sizeof segments[0]);
        phase_text(now, segments[count++], sizeof segments[0]);
    }
    rate_text(deck, segments[count], sizeof segments[0]);
    count += segments[count][0] != '\0';
    if (deck->watch.list && deck->watch.list->data_through != TD_NO_DAY) {
        char day[11];
        td_format_day(deck->watch.list->data_through, day);
        td_snprintf(segments[count++], sizeof segments[0], "data through %s", day);
    }
    td_grid_fill(&deck->grid, row, 0, 1, deck->grid.cols, ' ', TD_ROLE_STATUS, 0);
    /* what does not fit is left out whole: a cut time or path misleads */
    int col = 1;
    for (size_t i = 0; i < count; i++) {
        int width = td_text_width(segments[i]);
        if (col + width > deck->grid.cols - (i ? 1 : 0))
            continue;
        col += 2 + td_grid_text(&deck->grid, row, col, deck->grid.cols - col, segments[i], TD_ROLE_STATUS, i ? 0 : TD_ATTR_BOLD);
    }
}

static const char *hints(const struct deck *deck)
{
    if (deck->focus == PANE_TEXT || deck->focus == PANE_LOG)
        return "Esc back  j k scroll  : command  ? help  q quit";
    if (deck->focus == PANE_CHART)
        return "1-7 timeframe  h l pan  + - zoom  [ ] crosshair  Tab pane  ? help  q quit";
    if (deck->focus == PANE_JOBS)
        return "j k choose  p pause  r resume  x cancel  R retry failed  Tab pane  ? help";
    if (deck->focus == PANE_COVERAGE)
        return "Esc back  h j k l move  n next hole  Enter fill it  p plan  t table  ? help  q quit";
    return "j k move  Enter chart  s sort  / filter  a all  < > day  Tab pane  : command  ? help  q quit";
}

void deck_draw_bottom(struct deck *deck, int row, int *cursor_row, int *cursor_col)
{
    int cols = deck->grid.cols;
    if (prompt_active()) {
        *cursor_row = row;
        *cursor_col = prompt_draw(&deck->grid, row, 0, cols);
        if (*cursor_col >= cols)
            *cursor_col = cols - 1;
        return;
    }
    const char *text = deck->message[0] ? deck->message : hints(deck);
    td_grid_text(&deck->grid, row, 0, cols, text, deck->message[0] ? deck->message_role : TD_ROLE_DIM, 0);
}
