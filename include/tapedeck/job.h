/* SPDX-License-Identifier: GPL-3.0-or-later
 * job: jobs of small units pulled by workers; progress, pause, cancel, retry; run journal and live state. The unit records
 * that publishing fills are the only source of progress, counts, journal and exit status. */
#ifndef TAPEDECK_JOB_H
#define TAPEDECK_JOB_H

#include <tapedeck/feed.h>
#include <tapedeck/lake.h>

struct td_engine; /* worker pool, query thread, jobs of this process; all functions: any thread unless said */
struct td_engine_options {
    unsigned workers;     /* 0 = cores */
    uint64_t memory;      /* budget of queues and buffers, default 512 MiB */
    uint64_t disk_free;   /* floor: jobs stop cleanly above it */
    double lock_wait_s;   /* --wait */
};
enum td_code td_engine_new(struct td_lake *lake, const struct td_engine_options *options, struct td_engine **out,
                           struct td_err *err);
void td_engine_free(struct td_engine *engine); /* cancels what runs, waits for unit boundaries, joins */
struct td_lake *td_engine_lake(struct td_engine *engine);
int td_engine_fd(struct td_engine *engine); /* eventfd, readable after any change of a job or a finished query; UI thread reads it */

/* ---- what a job did ---- */

enum td_unit_state { TD_UNIT_WAITING, TD_UNIT_RUNNING, TD_UNIT_OK, TD_UNIT_EMPTY, TD_UNIT_SKIPPED, TD_UNIT_FAILED };
const char *td_unit_state_name(enum td_unit_state state);
enum td_job_state { TD_JOB_RUNNING, TD_JOB_PAUSED, TD_JOB_STOPPING, TD_JOB_DONE, TD_JOB_CANCELLED, TD_JOB_FAILED,
                    TD_JOB_INTERRUPTED /* its process died */ };
const char *td_job_state_name(enum td_job_state state);
struct td_job_counts { /* ok + empty + skipped + failed = planned once the job ended uncancelled */
    uint64_t planned, ok, empty, skipped, failed, running;
    uint64_t rows_read, rows_written, rows_duplicate;
    uint64_t quarantined[TD_REASON_COUNT];
    uint64_t off_hours, no_session; /* bars that counted for nothing in cache build */
    uint64_t bytes;                 /* received or read */
};
struct td_job_view { /* a snapshot: plain data */
    int id;            /* 0: a job of another process */
    long pid;
    char kind[16];     /* "ingest" */
    char title[128];   /* "stocks_minute 2025-10-01..2025-12-05  300 tickers" */
    enum td_job_state state;
    struct td_job_counts counts;
    uint64_t weight_total, weight_done; /* for the bar and the ETA */
    double seconds;    /* since the start, pauses included */
    uint64_t retries, throttled;
    enum td_code code; /* of an ended job */
    char message[256]; /* newest failure or the reason of the end */
};
/* Snapshots of this process's jobs (oldest first), then of other processes' live jobs. Returns how many were filled in. */
size_t td_job_list(struct td_engine *engine, struct td_job_view *out, size_t max);
bool td_job_get(struct td_engine *engine, int id, struct td_job_view *out);
/* Live jobs of other processes from _runs/live alone (no engine needed). */
size_t td_job_live(const struct td_lake *lake, struct td_job_view *out, size_t max);
/* The report object of design section 7, one line, no newline. */
void td_job_report_json(const struct td_job_view *view, struct td_buf *out);
/* Failed or skipped units of a job, newest last: "KEY: why". */
struct td_unit_view { char key[64]; enum td_unit_state state; char why[256]; };
/* "KEY: why", or why alone where it names the key itself, as errors about files do. */
void td_unit_text(const char *key, const char *why, char *out, size_t size);
size_t td_job_units(struct td_engine *engine, int id, enum td_unit_state state, struct td_unit_view *out, size_t max);

bool td_job_pause(struct td_engine *engine, int id);
bool td_job_resume(struct td_engine *engine, int id);
bool td_job_cancel(struct td_engine *engine, int id);
enum td_code td_job_retry_failed(struct td_engine *engine, int id, struct td_err *err); /* of an ended job: its failed units again */
/* Wait for the end; `poll` (may be NULL) is called about every 200 ms and at changes and may cancel. Not on the UI thread. */
enum td_code td_job_wait(struct td_engine *engine, int id, void (*poll)(void *ctx, const struct td_job_view *view), void *ctx,
                         struct td_job_view *out, struct td_err *err);

/* ---- starting jobs: each returns at once with the job's id; TD_LOCKED when another writer holds the dataset ---- */

struct td_ingest_options {
    const char *table;  /* "stocks_minute", "stocks_daily", "splits", "tickers", "renames" */
    td_day from, to;
    const char *const *tickers; /* copied; count 0 = the lake's own list */
    size_t ticker_count;
    bool incremental;   /* skip units that are complete */
    unsigned max_concurrent;
    const char *base_url, *key;
    unsigned retries, timeout_s; /* repetitions of one request, 0 = none (a throttled one is still waited for); 0 s = 60 */
};
enum td_code td_job_ingest(struct td_engine *engine, const struct td_ingest_options *options, int *id, struct td_err *err);

struct td_import_job {
    const char *const *files; /* copied */
    size_t file_count;
    struct td_import_options options; /* texts copied */
    bool replace, sparse, dry_run;
    const char *source;   /* NULL = the format found */
    const char *adjusted; /* "raw" or the as-of date; NULL = what the file says, else "raw" */
};
enum td_code td_job_import(struct td_engine *engine, const struct td_import_job *options, int *id, struct td_err *err);

enum td_bars_mode { TD_BARS_AUTO, TD_BARS_MINUTE, TD_BARS_DAY };
struct td_cache_job {
    td_day from, to; /* TD_NO_DAY = open */
    enum td_preset preset;
    bool preset_given; /* else the manifest's, else session */
    enum td_bars_mode bars;
    bool bars_given;
    bool incremental, rebuild, partial;
    unsigned parallel; /* 0 = the engine's workers */
    const char *cap_file; /* SCD-2 CSV or Parquet: ticker,effective_from,effective_to,market_cap; kept by the lake for
                           * later builds, "none" forgets it; NULL = the kept one */
    const char *out;      /* folder to build in instead of the lake's cache/daily, made when absent; NULL = the lake's */
    const char *intraday; /* a ticker-first lake whose minute bars are taken instead of the lake's (td_intraday_scan); NULL = none */
};
enum td_code td_job_cache(struct td_engine *engine, const struct td_cache_job *options, int *id, struct td_err *err);

struct td_universe_job {
    td_day from, to, as_of; /* TD_NO_DAY = open */
    struct td_screen screen;
    unsigned top_k;
    bool rankings_only; /* universe topn */
    bool incremental;   /* lists that would be the same are left alone, counted as skipped */
};
enum td_code td_job_universe(struct td_engine *engine, const struct td_universe_job *options, int *id, struct td_err *err);

/* ---- validate: is what the lake says true? A job that reads and writes nothing; docs/validate.md defines the scores ---- */

enum td_check { TD_CHECK_COVERAGE, TD_CHECK_CONSISTENCY, TD_CHECK_CONTINUITY, TD_CHECK_RANKING, TD_CHECK_COUNT };
const char *td_check_name(enum td_check check); /* "coverage" */
struct td_validate_job {
    td_day from, to;                      /* sessions that are judged; TD_NO_DAY = open */
    const char *const *tickers;           /* copied; count 0 = drawn from all that cache and bronze know */
    size_t ticker_count, sample;          /* sample 0 = all */
    uint64_t seed;                        /* of the draw: equal seeds draw equal tickers */
    double threshold[TD_CHECK_COUNT];     /* scores below it make the job end with TD_UNITS */
    struct td_screen screen;              /* rules of the ranking; texts are copied */
    const char *intraday;                 /* ticker-first lake that the cache's minutes came from, as of td_cache_job; NULL = bronze */
};
enum td_code td_job_validate(struct td_engine *engine, const struct td_validate_job *options, int *id, struct td_err *err);
struct td_check_score {
    double score;          /* 0..100, NaN when there was nothing to judge */
    double threshold;
    uint64_t judged, good; /* sessions, ticker-days, sessions with minutes, rankings */
    char note[160];        /* what to know about it, "" else */
};
struct td_finding {
    enum td_check check;
    char ticker[TD_TICKER_MAX];
    td_day day;             /* TD_NO_DAY where it is about no day */
    char what[24];          /* the value or rule: "vol_d", "minutes", "order" */
    double expected, found; /* NaN = null */
    double weight;          /* how bad, within its check */
    char note[96];
};
struct td_validate_report { /* free with td_validate_report_free */
    struct td_check_score checks[TD_CHECK_COUNT];
    double score;                          /* mean of the checks that judged anything, NaN when none did */
    uint64_t tickers, known;               /* examined, of so many */
    struct td_finding *findings;           /* by check, the worst first; at most 1,000 a check */
    size_t finding_count, finding_cap;
};
/* A copy of the report of an ended validate job; TD_USAGE when there is none. */
enum td_code td_job_validated(struct td_engine *engine, int id, struct td_validate_report *out, struct td_err *err);
void td_validate_report_free(struct td_validate_report *report);

struct td_snapshot_job { /* rankings as of the last session of each month and year that has a list */
    td_day from, to; /* of the as-of dates; TD_NO_DAY = open */
    struct td_screen screen;
    bool monthly, annual;
    unsigned k; /* rows of each */
};
enum td_code td_job_snapshots(struct td_engine *engine, const struct td_snapshot_job *options, int *id, struct td_err *err);

/* What other rules would list: two screens over the cache, nothing written. */
struct td_try_change { /* one name that comes or goes */
    td_day day;
    uint32_t ticker; /* tickers[ticker] */
    bool added;
};
struct td_try_day { /* a session of the cache */
    td_day day;
    uint32_t before, after; /* info-rich names */
    uint32_t added, removed;
    size_t first;           /* its changes: added + removed of them, those added first, by ticker */
};
struct td_try {
    struct td_try_day *days; /* ascending */
    size_t day_count;
    struct td_try_change *changes;
    size_t change_count;
    char (*tickers)[TD_TICKER_MAX]; /* of the cache, ascending */
    size_t ticker_count;
};
/* Sessions from..to; TD_NO_DAY = the newest, and 252 of them. workers 0 = cores; they are of this call alone. A running session
 * admitted with --partial is left out, as in rankings. Waits: not on the UI thread. */
enum td_code td_universe_try(const struct td_lake *lake, const struct td_screen *before, const struct td_screen *after, td_day from,
                             td_day to, unsigned workers, struct td_try *out, struct td_err *err);
void td_try_free(struct td_try *result);

/* ---- queries: work for the deck that must not run on the UI thread ---- */

/* fn runs on the query thread; then the eventfd is signalled and td_engine_done hands `arg` back to the UI thread. A query
 * queued under the same non-NULL slot that has not started yet is replaced: its arg is handed back with *ran = false. */
enum td_code td_engine_query(struct td_engine *engine, const void *slot, void (*fn)(void *arg), void *arg, struct td_err *err);
void *td_engine_done(struct td_engine *engine, bool *ran); /* NULL when none is finished */

/* One authenticated request to the vendor (the newest daily bar of a well-known ticker): does it answer, and how fast. Waits
 * for the answer: not on the UI thread. */
enum td_code td_job_probe(const char *base_url, const char *key, double *seconds, struct td_err *err);

/* ---- the simulated vendor, for demo and sim ---- */

enum td_code td_job_sim_start(const struct td_sim_options *options, struct td_sim **out, int *port, struct td_err *err);

#endif
