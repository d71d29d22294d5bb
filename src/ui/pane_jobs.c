/* SPDX-License-Identifier: GPL-3.0-or-later
 * pane_jobs: what is being downloaded and built, here and in other processes. Snapshots come from the query thread, since
 * the jobs of others live in files. */
#include <stdlib.h>
#include <string.h>

#include "deck.h"

#define OTHERS_MS 1000

struct jobs_task {
    struct task task;
    struct td_engine *engine;
    struct td_job_view jobs[DECK_JOBS];
    size_t count;
};

static void jobs_run(struct task *base)
{
    struct jobs_task *task = (struct jobs_task *)base;
    task->count = td_job_list(task->engine, task->jobs, DECK_JOBS);
}

static bool running(const struct td_job_view *job)
{
    return job->state == TD_JOB_RUNNING || job->state == TD_JOB_PAUSED || job->state == TD_JOB_STOPPING;
}

static const struct td_job_view *same_job(const struct td_job_view *jobs, size_t count, const struct td_job_view *job)
{
    for (size_t i = 0; i < count; i++)
        if (jobs[i].pid == job->pid && jobs[i].id == job->id && strcmp(jobs[i].title, job->title) == 0)
            return &jobs[i];
    return NULL;
}

static void say_end(struct deck *deck, const struct td_job_view *job)
{
    deck_say(deck, job->code == TD_OK ? TD_ROLE_GOOD : TD_ROLE_WARN, "%s %s: %s%s%s", job->kind, job->title, td_job_state_name(job->state),
             job->message[0] ? ": " : "", job->message);
}

/* A job that ended since the last snapshot may have changed what the panes show; one of this deck may have been so quick
 * that no snapshot saw it run. */
static void notice_ends(struct deck *deck, const struct jobs_task *task)
{
    bool data = false;
    for (size_t i = 0; i < task->count; i++) {
        const struct td_job_view *now = &task->jobs[i], *old = same_job(deck->jobs, deck->job_count, now);
        if (running(now) || (old ? !running(old) : now->id == 0))
            continue;
        data = true;
        say_end(deck, now);
    }
    for (size_t i = 0; i < deck->job_count; i++) /* of other processes: gone from the list */
        data = data || (running(&deck->jobs[i]) && !same_job(task->jobs, task->count, &deck->jobs[i]));
    if (data) {
        watch_refresh(deck);
        chart_forget(deck);
        coverage_forget(deck);
    }
}

/* Running ones first, then the newest: what one looks for is at the top. */
static int compare_jobs(const void *a, const void *b)
{
    const struct td_job_view *left = a, *right = b;
    if (running(left) != running(right))
        return running(left) ? -1 : 1;
    if (left->id != right->id)
        return left->id > right->id ? -1 : 1;
    return left->pid < right->pid ? -1 : left->pid > right->pid;
}

/* The cursor stays on its job, and on the top one until it has been moved. */
static void place_cursor(struct deck *deck, int id, long pid)
{
    size_t at = 0;
    for (size_t i = 0; deck->job_cursor > 0 && i < deck->job_count; i++)
        if (deck->jobs[i].id == id && deck->jobs[i].pid == pid)
            at = i;
    deck->job_cursor = at;
}

static void jobs_apply(struct deck *deck, struct task *base)
{
    struct jobs_task *task = (struct jobs_task *)base;
    bool again = deck->jobs_stale;
    deck->jobs_loading = deck->jobs_stale = false;
    int id = deck->job_cursor < deck->job_count ? deck->jobs[deck->job_cursor].id : 0;
    long pid = deck->job_cursor < deck->job_count ? deck->jobs[deck->job_cursor].pid : 0;
    notice_ends(deck, task);
    memcpy(deck->jobs, task->jobs, task->count * sizeof task->jobs[0]);
    deck->job_count = task->count;
    bool others = false;
    for (size_t i = 0; i < deck->job_count; i++)
        others = others || (!deck->jobs[i].id && running(&deck->jobs[i]));
    /* A process that is killed leaves no sign: while one of another process runs, it is asked after once a second. */
    if (others)
        loop_later(deck->loop, OTHERS_MS);
    qsort(deck->jobs, deck->job_count, sizeof deck->jobs[0], compare_jobs);
    place_cursor(deck, id, pid);
    if (again)
        jobs_refresh(deck);
}

static void jobs_drop(struct task *base)
{
    td_free(base);
}

void jobs_refresh(struct deck *deck)
{
    if (deck->jobs_loading) {
        deck->jobs_stale = true; /* asked again when the answer is there */
        return;
    }
    struct jobs_task *task = td_calloc(1, sizeof *task);
    if (!task) {
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){jobs_run, jobs_apply, jobs_drop};
    task->engine = deck->app->engine;
    deck->jobs_loading = true;
    deck_query(deck, deck->jobs, &task->task);
}

size_t jobs_own_running(const struct deck *deck)
{
    size_t count = 0;
    for (size_t i = 0; i < deck->job_count; i++)
        count += deck->jobs[i].id != 0 && running(&deck->jobs[i]);
    return count;
}

void jobs_move(struct deck *deck, long step)
{
    long at = (long)deck->job_cursor + step, last = (long)deck->job_count - 1;
    deck->job_cursor = (size_t)(at < 0 || last < 0 ? 0 : at > last ? last : at);
    deck->dirty = true;
}

static void jobs_title(struct deck *deck, char *out, size_t size)
{
    uint64_t done = 0, planned = 0;
    double rate = 0, left = 0;
    size_t active = 0;
    char hours[32], eta[32] = "";
    for (size_t i = 0; i < deck->job_count; i++) {
        const struct td_job_counts *counts = &deck->jobs[i].counts;
        if (!running(&deck->jobs[i]))
            continue;
        active++;
        uint64_t ended = counts->ok + counts->empty + counts->skipped + counts->failed;
        double speed = deck->jobs[i].seconds > 1 ? (double)ended / deck->jobs[i].seconds : 0;
        planned += counts->planned;
        done += ended;
        rate += speed * 3600;
        if (speed > 0 && (double)(counts->planned - ended) / speed > left)
            left = (double)(counts->planned - ended) / speed;
    }
    td_short_text(rate, hours);
    if (left >= 1 && left < 1e7)
        td_snprintf(eta, sizeof eta, "  ETA %dh%02dm%02ds", (int)left / 3600, (int)left / 60 % 60, (int)left % 60);
    if (active)
        td_snprintf(out, size, "downloads  %zu running  %llu/%llu%s%s%s%s", active, (unsigned long long)done,
                    (unsigned long long)planned, rate > 0 ? "  " : "", rate > 0 ? hours : "", rate > 0 ? " units/h" : "", eta);
    else
        td_snprintf(out, size, "downloads%s", deck->job_count ? "  all ended" : "");
}

static enum td_role state_role(const struct td_job_view *job)
{
    switch (job->state) {
    case TD_JOB_RUNNING: return TD_ROLE_TEXT;
    case TD_JOB_DONE: return job->code == TD_OK ? TD_ROLE_GOOD : TD_ROLE_WARN;
    case TD_JOB_FAILED:
    case TD_JOB_INTERRUPTED: return TD_ROLE_ERROR;
    default: return TD_ROLE_WARN;
    }
}

static void draw_job(struct deck *deck, struct area area, int line, size_t at, int height)
{
    const struct td_job_view *job = &deck->jobs[at];
    bool cursor = at == deck->job_cursor && deck->focus == PANE_JOBS;
    enum td_role role = cursor ? TD_ROLE_CURSOR : state_role(job);
    char text[512], progress[256], where[48] = "";
    if (job->id)
        td_snprintf(where, sizeof where, "%d ", job->id); /* the number that pause, cancel and retry take */
    else
        td_snprintf(where, sizeof where, "process %ld ", job->pid);
    td_snprintf(text, sizeof text, "%c%s%s %s  %s", cursor ? '>' : ' ', where, td_job_state_name(job->state), job->kind, job->title);
    if (cursor)
        td_grid_fill(&deck->grid, area.row + line, area.col, 1, area.cols, ' ', role, 0);
    td_grid_text(&deck->grid, area.row + line, area.col, area.cols, text, role, 0);
    if (height < 2)
        return;
    if (!running(job) && job->message[0])
        td_copy(progress, sizeof progress, job->message);
    else
        td_job_line(job, area.cols - 3, progress, sizeof progress);
    td_grid_text(&deck->grid, area.row + line + 1, area.col + 3, area.cols - 3, progress,
                 !running(job) && job->message[0] ? TD_ROLE_WARN : TD_ROLE_DIM, 0);
}

static void jobs_draw(struct deck *deck, struct area area)
{
    if (!deck->job_count) {
        deck_empty(deck, area, "nothing is running", "ingest -t stocks_minute -s FROM -e TO --tickers A,B");
        return;
    }
    int height = area.rows >= 2 ? 2 : 1;
    size_t page = (size_t)(area.rows / height), count = deck->job_count;
    size_t top = deck->focus == PANE_JOBS && deck->job_cursor >= page ? deck->job_cursor - page + 1 : 0;
    for (size_t i = 0; i < page && top + i < count; i++)
        draw_job(deck, area, (int)i * height, top + i, height);
}

static void jobs_click(struct deck *deck, struct area area, int row, int col, int button)
{
    (void)area;
    (void)row;
    (void)col;
    if (button == MOUSE_WHEEL_UP || button == MOUSE_WHEEL_DOWN)
        jobs_move(deck, button == MOUSE_WHEEL_UP ? -1 : 1);
}

const struct pane deck_pane_jobs = {"downloads", "running and ended jobs", jobs_title, jobs_draw, jobs_click, NULL};
