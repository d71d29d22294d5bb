/* SPDX-License-Identifier: GPL-3.0-or-later
 * The engine: jobs hand units to workers, heaviest first; pause, cancel and retry act between units. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "job_internal.h"
#include "query.h"

#define LIVE_NS INT64_C(250000000) /* live states are written at most so often */

struct task {
    struct td_job *job;
    size_t unit;
};

static void run_task(void *arg, unsigned worker);

void job_signal_ui(struct td_engine *engine)
{
    pthread_cond_broadcast(&engine->changed);
    uint64_t one = 1;
    ssize_t n = write(engine->event_fd, &one, sizeof one);
    (void)n; /* a full counter is readable all the same */
}

void job_signal(struct td_job *job)
{
    job->live_dirty = true;
    if (job->ending || job->engine->keeper_idle)
        pthread_cond_signal(&job->engine->keeper_work);
    job_signal_ui(job->engine);
}

/* ---- the order of units ---- */

static int heavier_first(const void *a, const void *b, void *ctx)
{
    const struct job_unit *units = ctx;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    uint64_t wx = units[x].weight, wy = units[y].weight;
    return wx != wy ? (wx < wy) - (wx > wy) : (x > y) - (x < y);
}

static enum td_code plan_order(struct td_job *job, struct td_err *err)
{
    if (job->order)
        return TD_OK; /* a retry: the units are the same */
    job->order = td_malloc((job->unit_count + 1) * sizeof *job->order);
    if (!job->order)
        return td_fail(err, TD_NOMEM, "out of memory: %zu units", job->unit_count);
    for (size_t i = 0; i < job->unit_count; i++)
        job->order[i] = (uint32_t)i;
    qsort_r(job->order, job->unit_count, sizeof *job->order, heavier_first, job->units);
    return TD_OK;
}

/* ---- running units ---- */


static bool submit(struct td_job *job, size_t unit)
{
    struct task *task = td_malloc(sizeof *task);
    if (!task)
        return false;
    *task = (struct task){job, unit};
    if (td_pool_submit(job->engine->pool, run_task, task, NULL) == TD_OK)
        return true;
    td_free(task);
    return false;
}

/* Engine lock held. */
static void stop_job(struct td_job *job, enum td_code code, const char *why)
{
    if (job->stop_code == TD_OK) {
        job->stop_code = code;
        td_copy(job->message, sizeof job->message, why);
    }
    if (job->state == TD_JOB_RUNNING || job->state == TD_JOB_PAUSED)
        job->state = TD_JOB_STOPPING;
    atomic_store(&job->cancel, true);
}

static void result_of_stop(const struct td_job *job, struct job_result *result)
{
    *result = (struct job_result){.state = TD_UNIT_SKIPPED, .code = TD_CANCELLED};
    td_copy(result->why, sizeof result->why, job->stop_code == TD_CANCELLED ? "not done: cancelled" : "not done: the job was stopped");
}

/* Engine lock held: start what may start; leave the end to the keeper when nothing is left. */
static void pump(struct td_job *job)
{
    while (job->state == TD_JOB_RUNNING && job->active < job->max_active && job->next < job->unit_count) {
        if (job->tail && job->next + job->tail == job->unit_count && job->active > 0)
            break;
        uint64_t floor = job->engine->options.disk_free;
        const char *root = td_lake_root(job->engine->lake);
        if (floor && td_disk_free(root) < floor) {
            char why[256];
            td_snprintf(why, sizeof why, "%s: less than limits.disk_free = %llu bytes are free; make room and run it again", root,
                        (unsigned long long)floor);
            stop_job(job, TD_FULL, why);
            break;
        }
        size_t unit = job->order[job->next];
        job->next++;
        if (job->units[unit].state != TD_UNIT_WAITING)
            continue; /* retry-failed leaves the good ones alone */
        job->units[unit].state = TD_UNIT_RUNNING;
        job->active++;
        job->counts.running++;
        if (!submit(job, unit)) {
            struct job_result result = {0};
            struct td_err err = {TD_NOMEM, "out of memory: a task"};
            job_fail(&result, TD_NOMEM, &err);
            job->active--;
            job->counts.running--;
            job_record(job, unit, &result);
            stop_job(job, TD_NOMEM, err.text);
        }
    }
    while (job->state == TD_JOB_STOPPING && job->next < job->unit_count) {
        size_t unit = job->order[job->next++];
        struct job_result result;
        result_of_stop(job, &result);
        if (job->units[unit].state == TD_UNIT_WAITING)
            job_record(job, unit, &result);
    }
    if (job->active == 0 && job->parked == 0 && job->next == job->unit_count && job->state != TD_JOB_PAUSED)
        job->ending = true;
}

/* Engine lock held: does every unit in flight wait? Then only the kind of job can move them (and the job cannot end before). */
static bool all_parked(const struct td_job *job)
{
    return job->ops->idle && job->parked > 0 && job->parked == (int64_t)job->active;
}

/* A unit waits. It may have been woken, and have ended, before this: the job's end waits for the count to be whole. */
static void park(struct td_job *job)
{
    struct td_engine *engine = job->engine;
    pthread_mutex_lock(&engine->lock);
    job->parked++;
    bool idle = all_parked(job);
    if (job->parked == 0 && job->active == 0) {
        pump(job);
        job_signal(job);
    }
    pthread_mutex_unlock(&engine->lock);
    if (idle)
        job->ops->idle(job);
}

static void run_unit(struct td_job *job, size_t index)
{
    struct td_engine *engine = job->engine;
    struct job_unit *unit = &job->units[index];
    if (!unit->result)
        unit->result = td_calloc(1, sizeof *unit->result);
    struct job_result lost = {.state = TD_UNIT_FAILED, .code = TD_NOMEM, .why = "out of memory: a unit", .fatal = true};
    struct job_result *result = unit->result ? unit->result : &lost;
    if (unit->result && job->ops->step(job, index, result) == JOB_STEP_WAIT) {
        if (job->ops->idle) /* other kinds are woken from elsewhere, and their job may be gone by now */
            park(job);
        return;
    }
    pthread_mutex_lock(&engine->lock);
    if (job->stop_code != TD_OK && result->state == TD_UNIT_FAILED && result->code == TD_CANCELLED)
        result_of_stop(job, result); /* stopped in flight: nothing of it is in the lake, and nothing is wrong with it */
    job_record(job, index, result);
    if (result->fatal && result->state == TD_UNIT_FAILED) {
        char why[256];
        td_unit_text(unit->key, result->why, why, sizeof why);
        stop_job(job, result->code, why);
    }
    if (result->state != TD_UNIT_FAILED) {
        td_free(unit->result);
        unit->result = NULL;
    }
    job->active--;
    job->counts.running--;
    pump(job);
    job_signal(job);
    bool idle = all_parked(job);
    pthread_mutex_unlock(&engine->lock);
    if (idle)
        job->ops->idle(job);
}

/* One exit code for what happened: the reason of a stop, else what the failed units have in common. */
static enum td_code code_of_end(const struct td_job *job, enum td_code finish_code)
{
    if (job->stop_code != TD_OK)
        return job->stop_code;
    if (finish_code != TD_OK)
        return finish_code;
    if (job->counts.failed == 0)
        return TD_OK;
    if (job->counts.failed < job->unit_count)
        return TD_UNITS;
    enum td_code code = job->units[0].code;
    for (size_t i = 1; i < job->unit_count; i++)
        if (job->units[i].code != code)
            return TD_UNITS;
    return code;
}

/* On the keeper: commit, release, journal; then the job is ended and may be freed at any time. */
static void run_finish(struct td_job *job)
{
    struct td_engine *engine = job->engine;
    struct td_err err = {0};
    enum td_code code = job->ops->finish ? job->ops->finish(job, job->stop_code == TD_OK, &err) : TD_OK;
    struct td_job_view view;
    pthread_mutex_lock(&engine->lock);
    if (job->ops->extra) /* last look at the network's counters before it goes */
        job->ops->extra(job, &view);
    job->code = code_of_end(job, code);
    if (code != TD_OK && job->stop_code == TD_OK)
        td_copy(job->message, sizeof job->message, err.text);
    job->ended_ns = td_mono_ns();
    job_fill_view(job, &view);
    pthread_mutex_unlock(&engine->lock);
    view.state = job->code == TD_CANCELLED ? TD_JOB_CANCELLED : job->code == TD_OK || job->code == TD_UNITS ? TD_JOB_DONE : TD_JOB_FAILED;
    job->ops->end(job);
    td_lake_unlock(job->lock);
    job->lock = NULL;
    struct td_err journal_err = {0};
    if (job_journal(engine->lake, &view, job->range, &journal_err) != TD_OK)
        td_log(TD_LOG_ERROR, "job", "journal: %s", journal_err.text);
    job_live_remove(engine->lake, job->id);
    pthread_mutex_lock(&engine->lock);
    job->state = view.state;
    job->ending = job->finishing = job->live_dirty = false;
    job_signal_ui(engine);
    pthread_mutex_unlock(&engine->lock);
}

/* Engine lock held: a job to end, else one whose live state is due, else when to look again (INT64_MAX: when told). */
static struct td_job *keeper_next(struct td_engine *engine, int64_t *due)
{
    struct td_job *show = NULL;
    *due = INT64_MAX;
    for (size_t i = 0; i < engine->job_count; i++) {
        struct td_job *job = engine->jobs[i];
        if (job->ending && !job->finishing)
            return job;
        if (!job->live_dirty || job->state >= TD_JOB_DONE)
            continue;
        int64_t at = job->live_ns ? job->live_ns + LIVE_NS : 0;
        if (at < *due) {
            *due = at;
            show = job;
        }
    }
    return show && *due <= td_mono_ns() ? show : NULL;
}

static void *keeper_main(void *arg)
{
    struct td_engine *engine = arg;
    int64_t due;
    pthread_mutex_lock(&engine->lock);
    for (;;) {
        struct td_job *job = keeper_next(engine, &due);
        if (job && job->ending) {
            job->finishing = true;
            pthread_mutex_unlock(&engine->lock);
            run_finish(job);
            pthread_mutex_lock(&engine->lock);
        } else if (job) { /* only this thread ends jobs: it is still there after the writing */
            struct td_job_view view;
            job->live_dirty = false;
            job->live_ns = td_mono_ns();
            job_fill_view(job, &view);
            pthread_mutex_unlock(&engine->lock);
            job_live_write(engine->lake, &view, job->dataset);
            pthread_mutex_lock(&engine->lock);
        } else if (engine->stop) {
            break;
        } else if (due == INT64_MAX) {
            engine->keeper_idle = true;
            pthread_cond_wait(&engine->keeper_work, &engine->lock);
            engine->keeper_idle = false;
        } else {
            const struct timespec until = {due / 1000000000, due % 1000000000};
            pthread_cond_timedwait(&engine->keeper_work, &engine->lock, &until);
        }
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

/* Workers step back a little, once each, so that whoever waits for a key to be drawn is served before them; a machine with
 * nothing else to do loses nothing. */
static void be_polite(void)
{
    static _Thread_local bool polite;
    if (!polite) {
        errno = 0;
        int now = getpriority(PRIO_PROCESS, 0);
        if (errno == 0)
            setpriority(PRIO_PROCESS, 0, now + 1);
        polite = true;
    }
}

static void run_task(void *arg, unsigned worker)
{
    struct task task = *(struct task *)arg;
    (void)worker;
    be_polite();
    td_free(arg);
    run_unit(task.job, task.unit);
}

static void wake(struct td_job *job, size_t unit)
{
    if (!submit(job, unit)) /* no memory for a task: run it here, on the caller's thread, rather than lose it */
        run_unit(job, unit);
}

void job_wake(struct td_job *job, size_t unit)
{
    if (job->ops->idle)
        job_wake_all(job, &unit, 1);
    else
        wake(job, unit);
}

void job_wake_all(struct td_job *job, const size_t *units, size_t count)
{
    pthread_mutex_lock(&job->engine->lock);
    job->parked -= (int64_t)count; /* all before the first runs: what is about to be woken does not wait */
    pthread_mutex_unlock(&job->engine->lock);
    for (size_t i = 0; i < count; i++)
        wake(job, units[i]);
}

static enum td_code begin_job(struct td_job *job, struct td_err *err)
{
    struct td_engine *engine = job->engine;
    enum td_code code = plan_order(job, err);
    if (code == TD_OK && *job->dataset)
        code = td_lake_lock(engine->lake, job->dataset, engine->options.lock_wait_s, &job->lock, err);
    if (code == TD_OK && *job->dataset)
        job_live_sweep(engine->lake, job->dataset);
    if (code == TD_OK && job->ops->begin) {
        code = job->ops->begin(job, err);
        if (code != TD_OK) /* what it had taken already; end minds what is not there */
            job->ops->end(job);
    }
    if (code != TD_OK) {
        td_lake_unlock(job->lock);
        job->lock = NULL;
    }
    return code;
}

/* Engine lock held. */
static void launch(struct td_job *job)
{
    job->state = TD_JOB_RUNNING;
    job->next = 0;
    job->live_ns = 0;
    job->message[0] = 0;
    job->stop_code = TD_OK;
    job->code = TD_OK;
    atomic_store(&job->cancel, false);
    job->started_ns = td_mono_ns();
    job->ended_ns = 0;
    pump(job);
    job_signal(job);
}

enum td_code job_start(struct td_job *job, int *id, struct td_err *err)
{
    struct td_engine *engine = job->engine;
    enum td_code code = begin_job(job, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    job->counts.planned = job->unit_count;
    for (size_t i = 0; i < job->unit_count; i++)
        job->weight_total += job->units[i].weight;
    pthread_mutex_lock(&engine->lock);
    if (engine->job_count == JOB_MAX) { /* forget the oldest ended one */
        size_t at = 0;
        while (at < JOB_MAX && (engine->jobs[at]->state < TD_JOB_DONE || engine->jobs[at]->starting))
            at++;
        if (at < JOB_MAX) {
            job_free(engine->jobs[at]);
            memmove(engine->jobs + at, engine->jobs + at + 1, (JOB_MAX - at - 1) * sizeof engine->jobs[0]);
            engine->job_count--;
        }
    }
    if (engine->job_count < JOB_MAX) {
        job->id = *id = ++engine->next_id;
        engine->jobs[engine->job_count++] = job;
        launch(job);
    } else {
        code = td_fail(err, TD_LIMIT, "%d jobs are running already", JOB_MAX);
    }
    pthread_mutex_unlock(&engine->lock);
    if (code != TD_OK) {
        job->ops->end(job);
        td_lake_unlock(job->lock);
        job_free(job);
    }
    return code;
}

/* ---- looking and steering ---- */

static struct td_job *find_job(struct td_engine *engine, int id)
{
    for (size_t i = 0; i < engine->job_count; i++)
        if (engine->jobs[i]->id == id)
            return engine->jobs[i];
    return NULL;
}

void job_fill_view(struct td_job *job, struct td_job_view *view)
{
    *view = (struct td_job_view){.id = job->id,
                                 .pid = getpid(),
                                 .state = job->state,
                                 .counts = job->counts,
                                 .weight_total = job->weight_total,
                                 .weight_done = job->weight_done,
                                 .code = job->code};
    td_copy(view->kind, sizeof view->kind, job->ops->kind);
    td_copy(view->title, sizeof view->title, job->title);
    td_copy(view->message, sizeof view->message, job->message);
    view->seconds = (double)((job->ended_ns ? job->ended_ns : td_mono_ns()) - job->started_ns) / 1e9;
    if (job->ops->extra)
        job->ops->extra(job, view);
}

size_t td_job_list(struct td_engine *engine, struct td_job_view *out, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; i < engine->job_count && n < max; i++)
        job_fill_view(engine->jobs[i], &out[n++]);
    pthread_mutex_unlock(&engine->lock);
    return n + td_job_live(engine->lake, out + n, max - n);
}

bool td_job_get(struct td_engine *engine, int id, struct td_job_view *out)
{
    pthread_mutex_lock(&engine->lock);
    struct td_job *job = find_job(engine, id);
    if (job)
        job_fill_view(job, out);
    pthread_mutex_unlock(&engine->lock);
    return job != NULL;
}

size_t td_job_units(struct td_engine *engine, int id, enum td_unit_state state, struct td_unit_view *out, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&engine->lock);
    struct td_job *job = find_job(engine, id);
    for (size_t i = 0; job && i < job->unit_count && n < max; i++) {
        if (job->units[i].state != state)
            continue;
        out[n].state = state;
        td_copy(out[n].key, sizeof out[n].key, job->units[i].key);
        td_copy(out[n].why, sizeof out[n].why, job->units[i].why ? job->units[i].why : "");
        n++;
    }
    pthread_mutex_unlock(&engine->lock);
    return n;
}

static bool steer(struct td_engine *engine, int id, enum td_job_state from, enum td_job_state to)
{
    pthread_mutex_lock(&engine->lock);
    struct td_job *job = find_job(engine, id);
    bool done = job && job->state == from && !job->ending;
    if (done) {
        job->state = to;
        pump(job);
        job_signal(job);
    }
    pthread_mutex_unlock(&engine->lock);
    return done;
}

bool td_job_pause(struct td_engine *engine, int id)
{
    return steer(engine, id, TD_JOB_RUNNING, TD_JOB_PAUSED);
}

bool td_job_resume(struct td_engine *engine, int id)
{
    return steer(engine, id, TD_JOB_PAUSED, TD_JOB_RUNNING);
}

bool td_job_cancel(struct td_engine *engine, int id)
{
    pthread_mutex_lock(&engine->lock);
    struct td_job *job = find_job(engine, id);
    bool done = job && (job->state == TD_JOB_RUNNING || job->state == TD_JOB_PAUSED) && !job->ending;
    if (done) {
        stop_job(job, TD_CANCELLED, "cancelled; run the same command again to go on");
        pump(job);
        job_signal(job);
    }
    pthread_mutex_unlock(&engine->lock);
    return done;
}

enum td_code td_job_retry_failed(struct td_engine *engine, int id, struct td_err *err)
{
    pthread_mutex_lock(&engine->lock);
    struct td_job *job = find_job(engine, id);
    bool mine = job && job->state >= TD_JOB_DONE && !job->starting;
    if (mine)
        job->starting = true; /* nobody else starts or forgets it while the lock is not held */
    pthread_mutex_unlock(&engine->lock);
    if (!mine)
        return td_fail(err, TD_USAGE, "job %d %s", id, job ? "has not ended" : "is not known here");
    enum td_code code = begin_job(job, err);
    pthread_mutex_lock(&engine->lock);
    job->starting = false;
    if (code == TD_OK) {
        job_reset_failed(job);
        launch(job);
    }
    pthread_mutex_unlock(&engine->lock);
    return code;
}

enum td_code td_job_wait(struct td_engine *engine, int id, void (*poll)(void *ctx, const struct td_job_view *view), void *ctx,
                         struct td_job_view *out, struct td_err *err)
{
    bool known = true, ended = false;
    while (known && !ended) {
        pthread_mutex_lock(&engine->lock);
        struct td_job *job = find_job(engine, id);
        known = job != NULL;
        if (job && job->state < TD_JOB_DONE) {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_nsec += 200 * 1000000;
            until.tv_sec += until.tv_nsec / 1000000000;
            until.tv_nsec %= 1000000000;
            pthread_cond_timedwait(&engine->changed, &engine->lock, &until);
        }
        if (job)
            job_fill_view(job, out);
        ended = job && job->state >= TD_JOB_DONE;
        pthread_mutex_unlock(&engine->lock);
        if (known && poll)
            poll(ctx, out);
    }
    if (!known)
        return td_fail(err, TD_USAGE, "job %d is not known here", id);
    if (out->code != TD_OK)
        td_fail(err, out->code, "%s", out->message[0] ? out->message : td_code_text(out->code));
    return out->code;
}

/* ---- life of the engine ---- */

static enum td_code start_keeper(struct td_engine *engine, struct td_err *err)
{
    sigset_t all, before;
    sigfillset(&all); /* signals belong to the thread that owns the terminal */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&engine->keeper, NULL, keeper_main, engine);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    engine->keeper_runs = failed == 0;
    return failed ? td_fail_errno(err, failed, "cannot start a thread") : TD_OK;
}

enum td_code td_engine_new(struct td_lake *lake, const struct td_engine_options *options, struct td_engine **out,
                           struct td_err *err)
{
    struct td_engine *engine = td_calloc(1, sizeof *engine);
    if (!engine)
        return td_fail(err, TD_NOMEM, "out of memory: the engine");
    engine->lake = lake;
    engine->options = *options;
    engine->workers = options->workers ? options->workers : td_cpu_count();
    pthread_mutex_init(&engine->lock, NULL);
    pthread_condattr_t monotonic; /* a wall clock that jumps must not stall a waiter */
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->changed, &monotonic);
    pthread_cond_init(&engine->keeper_work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    engine->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum td_code code = engine->event_fd < 0 ? td_fail_errno(err, errno, "eventfd") : TD_OK;
    if (code == TD_OK)
        code = td_pool_new(engine->workers, &engine->pool, err);
    if (code == TD_OK)
        code = td_pool_new(1, &engine->query_pool, err);
    if (code == TD_OK)
        code = start_keeper(engine, err);
    if (code != TD_OK) {
        td_engine_free(engine);
        return code;
    }
    *out = engine;
    return TD_OK;
}

void td_engine_free(struct td_engine *engine)
{
    if (!engine)
        return;
    td_pool_free(engine->query_pool); /* queries first: they may start jobs */
    for (size_t i = 0; i < engine->job_count; i++)
        td_job_cancel(engine, engine->jobs[i]->id);
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; i < engine->job_count; i++)
        while (engine->jobs[i]->state < TD_JOB_DONE)
            pthread_cond_wait(&engine->changed, &engine->lock);
    engine->stop = true;
    pthread_cond_signal(&engine->keeper_work);
    pthread_mutex_unlock(&engine->lock);
    if (engine->keeper_runs)
        pthread_join(engine->keeper, NULL);
    td_pool_free(engine->pool);
    for (size_t i = 0; i < engine->job_count; i++)
        job_free(engine->jobs[i]);
    query_drop_all(engine);
    if (engine->event_fd >= 0)
        close(engine->event_fd);
    pthread_mutex_destroy(&engine->lock);
    pthread_cond_destroy(&engine->changed);
    pthread_cond_destroy(&engine->keeper_work);
    td_free(engine);
}

struct td_lake *td_engine_lake(struct td_engine *engine)
{
    return engine->lake;
}

int td_engine_fd(struct td_engine *engine)
{
    return engine->event_fd;
}
