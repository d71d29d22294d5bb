/* SPDX-License-Identifier: GPL-3.0-or-later
 * universe build and topn: daily rows to watchlists and rankings. A unit is one session's list, the last one the ranking. The
 * first units to run screen the caches together; each then writes its session. */
#include <stdio.h>
#include <string.h>
#include "universe.h"

#define BATCH 128 /* lists made durable at a time; twice as many are in flight */

struct universe_data {
    struct td_universe_job options;
    struct universe_base base;
    struct job_reference tables; /* begin..end, read-only for workers */
    struct screen_pass *pass;    /* begin..end */
    struct publish_batch *batch; /* begin..end */
    td_day *days;                /* of the units */
    size_t *rows;                /* listed, by unit; owner: the worker that writes it */
};

static void universe_end(struct td_job *job)
{
    struct universe_data *uni = job->data;
    if (uni->pass && screen_pass_count(uni->pass) > 1)
        td_log(TD_LOG_INFO, "job", "universe: the cache was read %u times to stay under limits.memory", screen_pass_count(uni->pass));
    screen_pass_free(uni->pass);
    uni->pass = NULL;
    publish_batch_free(uni->batch);
    uni->batch = NULL;
    job_reference_free(&uni->tables);
    uni->tables = (struct job_reference){0};
}

static enum td_code universe_begin(struct td_job *job, struct td_err *err)
{
    struct universe_data *uni = job->data;
    const struct td_engine *engine = job->engine;
    uint64_t removed;
    enum td_code code = td_lake_sweep(engine->lake, "universe/info_rich", &removed, err);
    if (code != TD_OK || uni->options.rankings_only)
        return code;
    code = job_reference_load(engine->lake, &uni->tables, err);
    const struct screen_source source = {
        .lake = engine->lake,
        .manifest = &uni->base.manifest,
        .screen = &uni->base.screen,
        .tickers = &uni->tables.tickers,
        .first = td_cal_index(uni->days[0]),
        .sessions = (int32_t)(job->unit_count - 1),
        .workers = engine->workers,
        .budget = (engine->options.memory ? engine->options.memory : UINT64_C(512) << 20) / 2,
        .cancel = &job->cancel,
    };
    if (code == TD_OK)
        code = screen_pass_new(&source, &uni->pass, err);
    if (code == TD_OK)
        code = publish_batch_new(job->unit_count, BATCH, &uni->batch, err);
    return code;
}

static void universe_free(struct td_job *job)
{
    struct universe_data *uni = job->data;
    universe_end(job);
    universe_base_free(&uni->base);
    td_free(uni->days);
    td_free(uni->rows);
    td_free(uni);
}

/* ---- a session ---- */

/* With --incremental: is the list on disk the one that would be written? */
static bool unchanged(const struct td_job *job, struct screen_worker *worker, td_day day, const struct td_watch_item *const *items,
                      size_t count, struct td_watch_names names)
{
    const struct universe_data *uni = job->data;
    struct td_watch_brief brief;
    char content[17];
    if (!uni->options.incremental || (!worker->footers && td_watch_reader_new(job->engine->lake, &worker->footers, NULL) != TD_OK))
        return false;
    if (td_watch_reader_read(worker->footers, day, true, &brief, NULL) != TD_OK || strcmp(brief.thresholds, uni->base.thresholds) != 0 ||
        strcmp(brief.preset, uni->base.preset) != 0)
        return false;
    td_snprintf(content, sizeof content, "%016llx", (unsigned long long)td_watch_hash(items, count, names));
    return strcmp(content, brief.content) == 0;
}

static enum td_code stage_list(struct td_job *job, struct screen_worker *worker, size_t index, const struct td_watch_item *const *items,
                               size_t count, struct td_watch_names names, struct td_err *err)
{
    struct universe_data *uni = job->data;
    struct td_publish *pub = publish_batch_slot(uni->batch, index);
    enum td_code code = pub ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: a watchlist");
    if (code == TD_OK && !worker->writer)
        code = td_watch_writer_new(job->engine->lake, &worker->writer, err);
    if (code == TD_OK)
        code = td_watch_stage(worker->writer, uni->days[index], items, count, names, uni->base.thresholds, uni->base.preset, pub, err);
    publish_batch_staged(uni->batch, index, code == TD_OK);
    return code;
}

enum outcome { LIST_STAGED, LIST_SKIPPED, LIST_FAILED };

static enum outcome list_session(struct td_job *job, struct screen_worker *worker, size_t index, struct job_result *result)
{
    struct universe_data *uni = job->data;
    const struct td_watch_names names = {uni->base.manifest.count ? uni->base.manifest.entries[0].ticker : "",
                                         sizeof uni->base.manifest.entries[0]};
    const struct td_watch_item *const *items = NULL;
    struct td_err err = {0};
    enum outcome outcome = LIST_STAGED;
    enum td_code code = screen_pass_need(uni->pass, worker, (int32_t)index, &err);
    bool present = code == TD_OK;
    if (present && !screen_pass_seen(uni->pass, (int32_t)index)) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "the cache has no row of this session");
        outcome = LIST_SKIPPED;
    }
    if (present && outcome == LIST_STAGED)
        code = screen_pass_list(uni->pass, worker, (int32_t)index, &items, &uni->rows[index], &err);
    if (code == TD_OK && items && unchanged(job, worker, uni->days[index], items, uni->rows[index], names)) {
        result->state = TD_UNIT_SKIPPED;
        result->rows_read = uni->rows[index];
        td_copy(result->why, sizeof result->why, "unchanged");
        outcome = LIST_SKIPPED;
    } else if (code == TD_OK && items) {
        code = stage_list(job, worker, index, items, uni->rows[index], names, &err);
    }
    if (present)
        screen_pass_done(uni->pass);
    if (code == TD_OK)
        return outcome;
    job_fail(result, code, &err);
    /* the screen failed for all: no other session can do better */
    result->fatal = result->fatal || !present;
    return LIST_FAILED;
}

/* ---- the rankings ---- */

/* Has the ticker a cache row within the last sessions of the window? */
static bool active_at(const struct td_job *job, const char *ticker, int32_t last_index)
{
    const struct universe_data *uni = job->data;
    const struct td_cache_entry *entry = td_manifest_find(&uni->base.manifest, ticker);
    td_day since = td_cal_day(last_index - UNIVERSE_ACTIVE + 1), until = td_cal_day(last_index);
    if (!entry || entry->last == TD_NO_DAY || entry->last < since)
        return false;
    if (entry->last <= until)
        return true;
    struct td_rows daily = {0}; /* an --as-of in the past: look */
    bool found = false;
    if (td_cache_read(job->engine->lake, ticker, &daily, NULL) == TD_OK) {
        const struct td_daily_row *rows = daily.items;
        for (size_t i = daily.count; i > 0 && !found && rows[i - 1].trading_day >= since; i--)
            found = rows[i - 1].trading_day <= until;
        td_rows_free(&daily);
    }
    return found;
}

static enum td_code write_ranking(struct td_job *job, const struct td_days *built, td_day as_of, uint64_t *ranked, struct td_err *err)
{
    struct universe_data *uni = job->data;
    const struct rank_want want = {uni->base.thresholds, uni->base.preset};
    struct rank_lists *lists = NULL;
    struct td_topn_row *rows = NULL;
    size_t count = 0, from = 0, to = 0;
    uint32_t covered = 0;
    int32_t last = td_cal_index_at_or_before(as_of);
    while (from < built->count && td_cal_index(built->items[from]) <= last - UNIVERSE_WINDOW)
        from++;
    for (to = from; to < built->count && built->items[to] <= as_of;)
        to++;
    if (from == to) { /* nothing to count: the message names what there is */
        from = 0;
        to = built->count;
    }
    enum td_code code = rank_lists_load(job->engine->lake, built->items + from, to - from, &want, &lists, err);
    if (code == TD_OK)
        code = rank_window(lists, as_of, &rows, &count, &covered, err);
    for (size_t i = 0; code == TD_OK && i < count; i++)
        rows[i].active = active_at(job, rows[i].ticker, last);
    if (code == TD_OK)
        code = td_topn_write(job->engine->lake, rows, count, uni->options.top_k, uni->base.thresholds, as_of, err);
    *ranked = count;
    td_free(rows);
    rank_lists_free(lists);
    return code;
}

/* The last unit of a build: rankings over what is on disk, then the manifest as the commit. */
static void rank_unit(struct td_job *job, struct job_result *result)
{
    struct universe_data *uni = job->data;
    struct td_days built = {0};
    struct td_err err = {0};
    pthread_mutex_lock(&job->engine->lock);
    uint64_t failed = job->counts.failed;
    pthread_mutex_unlock(&job->engine->lock);
    if (failed) { /* a ranking over holes would look like any other */
        result->state = TD_UNIT_SKIPPED;
        td_snprintf(result->why, sizeof result->why, "%llu sessions failed: the rankings stay as they were; run it again",
                    (unsigned long long)failed);
        return;
    }
    enum td_code code = universe_built(&uni->base, job->engine->lake, &built, &err);
    if (code == TD_OK) {
        td_day last = built.items[built.count - 1], as_of = uni->options.as_of != TD_NO_DAY ? uni->options.as_of : last;
        code = write_ranking(job, &built, as_of, &result->rows_written, &err);
        if (code == TD_OK)
            code = td_universe_commit(job->engine->lake, uni->base.thresholds, uni->base.preset, built.count, last, &err);
    }
    result->rows_read = result->rows_written;
    result->state = result->rows_written ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    td_days_free(&built);
}

/* ---- units ---- */

/* The unit's file was committed, or could not be. */
static bool settled(struct universe_data *uni, size_t index, struct job_result *result)
{
    struct td_err err = {0};
    enum td_code code;
    if (!publish_batch_fate(uni->batch, index, &code, &err))
        return false;
    result->rows_read = result->rows_written = uni->rows[index];
    result->state = uni->rows[index] ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK) {
        result->rows_read = result->rows_written = 0;
        job_fail(result, code, &err);
    }
    return true;
}

static enum job_step universe_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct universe_data *uni = job->data;
    if (index + 1 == job->unit_count) {
        rank_unit(job, result);
        return JOB_STEP_DONE;
    }
    if (settled(uni, index, result))
        return JOB_STEP_DONE;
    struct screen_worker *worker = screen_worker_take(uni->pass);
    enum outcome outcome = list_session(job, worker, index, result);
    screen_worker_give(uni->pass, worker);
    if (outcome != LIST_STAGED)
        return JOB_STEP_DONE;
    if (!publish_batch_flush(uni->batch, job, index, false))
        return JOB_STEP_WAIT; /* nothing of the unit may be touched from here on */
    settled(uni, index, result);
    return JOB_STEP_DONE;
}

static void universe_idle(struct td_job *job)
{
    struct universe_data *uni = job->data;
    publish_batch_flush(uni->batch, job, SIZE_MAX, true);
}

static const struct job_ops universe_ops = {.kind = "universe", .begin = universe_begin, .step = universe_step, .idle = universe_idle,
                                            .end = universe_end, .free = universe_free};

/* ---- planning ---- */

static enum td_code plan(struct td_job *job, struct td_err *err)
{
    struct universe_data *uni = job->data;
    char from[16], to[16];
    uni->options.from = uni->options.from == TD_NO_DAY || uni->options.from < uni->base.first ? uni->base.first : uni->options.from;
    uni->options.to = uni->options.to == TD_NO_DAY || uni->options.to > uni->base.last ? uni->base.last : uni->options.to;
    if (!uni->options.rankings_only)
        job_set_range(job, uni->options.from, uni->options.to);
    td_format_day(uni->options.from, from);
    td_format_day(uni->options.to, to);
    td_snprintf(job->title, sizeof job->title, uni->options.rankings_only ? "rankings" : "watchlists %s..%s", from, to);
    if (uni->options.rankings_only)
        return job_add_unit(job, "topN_12m", 1, err);
    int32_t first = td_cal_index_at_or_after(uni->options.from), last = td_cal_index_at_or_before(uni->options.to);
    if (first < 0 || last < first)
        return td_fail(err, TD_MISSING, "no session with cache rows lies in %s..%s", from, to);
    uni->days = td_malloc((size_t)(last - first + 1) * sizeof *uni->days);
    uni->rows = td_calloc((size_t)(last - first + 1), sizeof *uni->rows);
    if (!uni->days || !uni->rows)
        return td_fail(err, TD_NOMEM, "out of memory: a universe job");
    enum td_code code = TD_OK;
    for (int32_t i = first; code == TD_OK && i <= last; i++) {
        char key[16];
        uni->days[i - first] = td_cal_day(i);
        td_format_day(td_cal_day(i), key);
        code = job_add_unit(job, key, 1, err);
    }
    job->tail = 1;
    job->max_active = 2 * BATCH;
    return code == TD_OK ? job_add_unit(job, "topN_12m", 1, err) : code;
}

enum td_code td_job_universe(struct td_engine *engine, const struct td_universe_job *options, int *id, struct td_err *err)
{
    struct universe_data *uni = td_calloc(1, sizeof *uni);
    struct td_job *job = NULL;
    enum td_code code = uni ? job_new(engine, &universe_ops, uni, &job, err) : td_fail(err, TD_NOMEM, "out of memory: a universe job");
    if (code != TD_OK) {
        td_free(uni);
        return code;
    }
    uni->options = *options;
    td_copy(job->dataset, sizeof job->dataset, "universe");
    code = universe_base_init(&uni->base, engine->lake, &options->screen, err);
    if (code == TD_OK)
        code = plan(job, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}
