/* SPDX-License-Identifier: GPL-3.0-or-later
 * An engine over a lake in a temporary folder, and a kind of job whose units do what a script says. */
#ifndef TAPEDECK_TESTS_JOB_FIXTURE_H
#define TAPEDECK_TESTS_JOB_FIXTURE_H

#include "lake/lake_fixture.h"

#include <job_internal.h>

struct engine_fixture {
    struct fixture lake;
    struct td_engine *engine;
};

static inline struct engine_fixture engine_new(unsigned workers)
{
    struct engine_fixture f = {.lake = fixture_new()};
    const struct td_engine_options options = {.workers = workers};
    struct td_err err = {0};
    ASSERT_OK(td_engine_new(f.lake.lake, &options, &f.engine, &err), err);
    return f;
}

/* Children are forked while this process has one thread. */
static inline void engine_rest(struct engine_fixture *f)
{
    td_engine_free(f->engine);
    f->engine = NULL;
}

static inline void engine_wake(struct engine_fixture *f)
{
    const struct td_engine_options options = {.workers = 2};
    struct td_err err = {0};
    ASSERT_OK(td_engine_new(f->lake.lake, &options, &f->engine, &err), err);
}

static inline void engine_end(struct engine_fixture *f)
{
    td_engine_free(f->engine);
    f->engine = NULL;
    fixture_free(&f->lake);
}

/* ok + empty + skipped + failed = planned, and nothing runs any more. */
static inline void assert_reconciled(const struct td_job_view *view)
{
    const struct td_job_counts *c = &view->counts;
    assert_int_equal(c->ok + c->empty + c->skipped + c->failed, c->planned);
    assert_int_equal(c->running, 0);
    assert_int_equal(view->weight_done, view->weight_total);
}

static inline uint64_t quarantined(const struct td_job_counts *c)
{
    uint64_t n = 0;
    for (size_t i = 1; i < TD_REASON_COUNT; i++)
        n += c->quarantined[i];
    return n;
}

static inline struct td_job_view wait_job(struct td_engine *engine, int id, enum td_code code)
{
    struct td_job_view view;
    struct td_err err = {0};
    enum td_code got = td_job_wait(engine, id, NULL, NULL, &view, &err);
    if (got != code)
        fail_msg("job %d (%s): %s instead of %s: %s", id, view.title, td_code_name(got), td_code_name(code), err.text);
    assert_reconciled(&view);
    return view;
}

/* What a job of bronze/TABLE leaves that is killed while it writes. */
static inline void leave_half(const struct td_lake *lake, const char *table)
{
    char path[1400];
    snprintf(path, sizeof path, "%s/bronze/%s/.td-tmp.99999999.1", td_lake_root(lake), table);
    spill(path, "PAR1", 4);
    assert_int_equal(leftovers(lake), 1);
}

/* ---- scripted jobs ---- */

struct script { /* each letter is a unit: o ok, e empty, f failed, F fatal, A wrong key, w waits for a wake-up, g waits at the
                   gate, c cancelled in flight, C the same at the gate, s ok with rows; upper case X: fails the first time, then ok */
    const char *units;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;               /* the gate; lock */
    bool hold_begin;         /* begin waits at the gate, too; lock */
    unsigned at_gate, steps; /* lock */
    unsigned tries[128];      /* lock */
    enum td_code begin_code, finish_code;
    unsigned begun, finished, ended, freed, clean; /* lock */
    const char *dataset;
};

struct waker {
    struct td_job *job;
    size_t unit;
};

static inline void *wake_main(void *arg)
{
    struct waker *w = arg;
    job_wake(w->job, w->unit);
    free(w);
    return NULL;
}

static inline enum td_code script_begin(struct td_job *job, struct td_err *err)
{
    struct script *s = job->data;
    pthread_mutex_lock(&s->lock);
    s->begun++;
    if (s->hold_begin) {
        s->at_gate++;
        pthread_cond_broadcast(&s->moved);
        while (!s->open)
            pthread_cond_wait(&s->moved, &s->lock);
    }
    enum td_code code = s->begin_code;
    pthread_mutex_unlock(&s->lock);
    return code == TD_OK ? TD_OK : td_fail(err, code, "the script begins so");
}

static inline enum td_code script_finish(struct td_job *job, bool clean, struct td_err *err)
{
    struct script *s = job->data;
    pthread_mutex_lock(&s->lock);
    s->finished++;
    s->clean += clean;
    pthread_mutex_unlock(&s->lock);
    return s->finish_code == TD_OK ? TD_OK : td_fail(err, s->finish_code, "the script finishes so");
}

static inline void script_end(struct td_job *job)
{
    struct script *s = job->data;
    pthread_mutex_lock(&s->lock);
    s->ended++;
    pthread_mutex_unlock(&s->lock);
}

static inline void script_free(struct td_job *job)
{
    struct script *s = job->data;
    pthread_mutex_lock(&s->lock);
    s->freed++;
    pthread_mutex_unlock(&s->lock);
}

static inline enum job_step script_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct script *s = job->data;
    struct td_err err = {TD_OK, "the script says so"};
    pthread_mutex_lock(&s->lock);
    unsigned tries = ++s->tries[index];
    s->steps++;
    if (s->units[index] == 'g' || s->units[index] == 'C') {
        s->at_gate++;
        pthread_cond_broadcast(&s->moved);
        while (!s->open)
            pthread_cond_wait(&s->moved, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    result->state = TD_UNIT_OK;
    switch (s->units[index]) {
    case 'e': result->state = TD_UNIT_EMPTY; break;
    case 'f': job_fail(result, TD_DATA, &err); break;
    case 'F': job_fail(result, TD_FULL, &err); break;
    case 'A': job_fail(result, TD_AUTH, &err); break;
    case 'c':
    case 'C':
        if (atomic_load(&job->cancel))
            job_fail(result, TD_CANCELLED, &err);
        break;
    case 's':
        result->rows_read = 10;
        result->rows_written = 7;
        result->rows_duplicate = 2;
        result->quarantined[TD_REASON_OHLC] = 1;
        break;
    case 'X':
        result->rows_read = 10;
        result->rows_written = tries > 1 ? 10 : 4;
        result->bytes = 100;
        if (tries == 1)
            job_fail(result, TD_DATA, &err);
        break;
    case 'w':
        if (tries % 2) { /* the answer comes on another thread */
            struct waker *w = malloc(sizeof *w);
            pthread_attr_t detached;
            pthread_t thread;
            *w = (struct waker){.job = job, .unit = index};
            pthread_attr_init(&detached);
            pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
            pthread_create(&thread, &detached, wake_main, w);
            pthread_attr_destroy(&detached);
            return JOB_STEP_WAIT;
        }
        break;
    default: break;
    }
    return JOB_STEP_DONE;
}

static const struct job_ops script_ops = {.kind = "ingest", .begin = script_begin, .step = script_step,
                                          .finish = script_finish, .end = script_end, .free = script_free};

static inline void script_init(struct script *s, const char *units)
{
    *s = (struct script){.units = units};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->moved, NULL);
}

static inline enum td_code script_try(struct td_engine *engine, struct script *s, int *id, struct td_err *err)
{
    struct td_job *job = NULL;
    enum td_code code = job_new(engine, &script_ops, s, &job, err);
    if (code != TD_OK)
        return code;
    td_copy(job->dataset, sizeof job->dataset, s->dataset ? s->dataset : "");
    td_copy(job->title, sizeof job->title, "a script");
    job_set_range(job, day_at("2025-09-02"), day_at("2025-09-05"));
    for (size_t i = 0; code == TD_OK && s->units[i]; i++) {
        char key[16];
        snprintf(key, sizeof key, "unit %zu", i);
        code = job_add_unit(job, key, i + 1, err);
    }
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}

static inline int script_start(struct td_engine *engine, struct script *s)
{
    int id = 0;
    struct td_err err = {0};
    ASSERT_OK(script_try(engine, s, &id, &err), err);
    return id;
}

static inline void await_gate(struct script *s, unsigned n)
{
    pthread_mutex_lock(&s->lock);
    while (s->at_gate < n)
        pthread_cond_wait(&s->moved, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

static inline void open_gate(struct script *s)
{
    pthread_mutex_lock(&s->lock);
    s->open = true;
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
}

#endif
