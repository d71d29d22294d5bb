/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: the engine, a job, its units, and the operations a kind of job supplies. */
#ifndef TAPEDECK_JOB_INTERNAL_H
#define TAPEDECK_JOB_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <tapedeck/job.h>

#define JOB_MAX 64 /* jobs an engine remembers */

enum job_step { JOB_STEP_DONE, JOB_STEP_WAIT };

struct job_result { /* what became of a unit; filled by step before JOB_STEP_DONE */
    enum td_unit_state state; /* OK, EMPTY, SKIPPED or FAILED */
    enum td_code code;        /* of a failure */
    char why[256];
    bool fatal; /* no further unit can succeed: stop the job with this code */
    uint64_t rows_read, rows_written, rows_duplicate, off_hours, no_session, bytes;
    uint64_t quarantined[TD_REASON_COUNT];
};

struct job_unit { /* a backfill has a million: no room for texts that few of them need */
    char key[64];
    uint64_t weight;
    enum td_unit_state state;  /* engine lock */
    enum td_code code;         /* engine lock */
    char *why;                 /* engine lock; NULL = nothing to say */
    struct job_result *result; /* owner: the worker that runs the unit; kept of a failed one, so that a retry takes it back */
};

struct td_job {
    struct td_engine *engine;
    int id;
    const struct job_ops *ops;
    void *data; /* of the kind; freed by ops->free */
    char title[128];
    char range[32]; /* days asked for, "2025-10-01..2025-12-05"; "" where there are none */
    char dataset[64];
    struct td_lock *lock; /* held while units run */
    unsigned max_active;
    struct job_unit *units; /* the array is fixed once the job started; see job_unit for its fields */
    size_t unit_count;
    uint32_t *order; /* start order: heaviest first */
    size_t tail;     /* this many units at the end of the order start only when all before them ended (weight 1 puts them there) */
    /* engine lock from here on */
    size_t next, active;
    int64_t parked;          /* units in flight that wait to be woken */
    enum td_job_state state;
    bool ending;             /* every unit ended: the keeper finishes the job */
    bool finishing;          /* it is at it */
    bool starting;           /* td_job_retry_failed is at work on it */
    bool live_dirty;         /* changed since its live state was written */
    enum td_code stop_code;  /* first fatal reason */
    char message[256];
    struct td_job_counts counts;
    uint64_t weight_total, weight_done;
    int64_t started_ns, ended_ns, live_ns;
    enum td_code code;
    atomic_bool cancel; /* read by workers and the network thread */
};

struct job_ops {
    const char *kind;
    /* Before any unit: the job's thread; takes what must be released by end (network, tables). */
    enum td_code (*begin)(struct td_job *job, struct td_err *err);
    /* Runs a unit on a worker; JOB_STEP_WAIT = job_wake will be called and nothing of the unit may be touched any more. */
    enum job_step (*step)(struct td_job *job, size_t unit, struct job_result *result);
    /* Every unit in flight waits and none can start before one ends: wake some. On a worker; may be NULL. */
    void (*idle)(struct td_job *job);
    /* All units ended (also after a stop): commit. On a worker. `clean`: not stopped. */
    enum td_code (*finish)(struct td_job *job, bool clean, struct td_err *err);
    void (*end)(struct td_job *job); /* releases what begin took */
    void (*free)(struct td_job *job);
    void (*extra)(struct td_job *job, struct td_job_view *view); /* retries and the like; may be NULL; engine lock held */
};

struct td_engine {
    struct td_lake *lake;
    struct td_engine_options options;
    unsigned workers;
    struct td_pool *pool, *query_pool;
    int event_fd;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* waiters of jobs */
    /* The keeper ends jobs and writes live states: neither needs memory for a task, a free worker, or the network's thread,
     * which must not wait for itself. */
    pthread_t keeper;
    bool keeper_runs;
    pthread_cond_t keeper_work;
    bool keeper_idle, stop; /* engine lock */
    struct td_job *jobs[JOB_MAX]; /* engine lock */
    size_t job_count;             /* engine lock */
    int next_id;                  /* engine lock */
    struct job_query *queued, *done; /* engine lock; see query.c */
};

/* Make a job (units may still be added), start it, or throw it away. */
enum td_code job_new(struct td_engine *engine, const struct job_ops *ops, void *data, struct td_job **out, struct td_err *err);
enum td_code job_add_unit(struct td_job *job, const char *key, uint64_t weight, struct td_err *err);
enum td_code job_start(struct td_job *job, int *id, struct td_err *err); /* on failure the job is freed */
void job_free(struct td_job *job);
void job_wake(struct td_job *job, size_t unit); /* run step of a waiting unit again; any thread */
void job_wake_all(struct td_job *job, const size_t *units, size_t count); /* the job may end with the last of them */
void job_signal(struct td_job *job); /* engine lock held: waiters, the eventfd, the keeper */
void job_signal_ui(struct td_engine *engine); /* engine lock held: the eventfd and waiters alone */
void job_fill_view(struct td_job *job, struct td_job_view *view); /* engine lock held */
/* Counts of units (job_units.c); engine lock held. */
void job_record(struct td_job *job, size_t unit, const struct job_result *result);
size_t job_reset_failed(struct td_job *job); /* failed and never-started units wait again, their counts are taken back */
void job_set_range(struct td_job *job, td_day from, td_day to);
void job_fail(struct job_result *result, enum td_code code, const struct td_err *err);

/* Journal and live state (journal.c). */
void job_live_write(const struct td_lake *lake, const struct td_job_view *view, const char *dataset);
void job_live_remove(const struct td_lake *lake, int id);
void job_live_sweep(const struct td_lake *lake, const char *dataset); /* forget dead owners and their temporaries; its lock is held */
enum td_code job_journal(const struct td_lake *lake, const struct td_job_view *view, const char *range, struct td_err *err);
bool job_json_counts(const struct td_doc *doc, struct td_job_view *view);

/* Reference tables of the lake for cache and universe (reference.c); one thread after loading: read-only. */
struct job_reference {
    struct td_rows splits, tickers, renames;
};
enum td_code job_reference_load(const struct td_lake *lake, struct job_reference *out, struct td_err *err);
void job_reference_free(struct job_reference *reference);
/* Rows of one ticker inside a table sorted by ticker (the ticker is the first member of the row). */
const void *job_reference_find(const struct td_rows *rows, const char *ticker, size_t *count);

/* ingest -t splits|tickers (ingest_reference.c). */
enum td_code job_start_reference(struct td_engine *engine, const struct td_ingest_options *options, int *id, struct td_err *err);

/* ingest -t renames (ingest_renames.c). */
enum td_code job_start_renames(struct td_engine *engine, const struct td_ingest_options *options, int *id, struct td_err *err);
/* The lake's own list: every ticker that bronze knows; TD_USAGE when there is none. */
enum td_code job_lake_tickers(struct td_engine *engine, struct td_names *out, struct td_err *err);

/* How many units of about `bytes` each fit in the engine's memory budget at once: `wanted`, or fewer, at least 1. */
unsigned job_fit(const struct td_engine *engine, unsigned wanted, uint64_t bytes);

/* Newest session that is over now; TD_NO_DAY before the calendar. */
td_day job_last_over(void);
/* Delete temporaries of killed runs from a bronze table; its lock is held. */
enum td_code job_sweep_bronze(const struct td_lake *lake, const char *table, struct td_err *err);
/* The part of *bars on exchange month `month` as a view into the same arrays. */
struct td_bars job_month_slice(const struct td_bars *bars, int32_t month);

#endif
