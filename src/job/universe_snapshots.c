/* SPDX-License-Identifier: GPL-3.0-or-later
 * universe snapshots: the ranking as it stood at the end of each month and year. A unit is one snapshot; the lists are read once,
 * by the first unit that needs them; the index comes last. A month is over when its last session has a list. */
#include <stdio.h>
#include <string.h>
#include "universe.h"

struct snapshot {
    bool annual;
    int32_t month; /* December of a year */
    td_day as_of;  /* its last session */
    bool built;    /* that session has a list */
};

struct snapshot_data {
    struct td_snapshot_job options;
    struct universe_base base;
    struct td_days built;
    struct snapshot *units; /* of all units but the last */
    size_t count, cap;
    pthread_mutex_t lock;
    struct rank_lists *lists; /* lock; once there, read-only */
    enum td_code code;        /* lock: why there are none */
    struct td_err err;
};

static void snapshot_end(struct td_job *job)
{
    struct snapshot_data *data = job->data;
    rank_lists_free(data->lists);
    data->lists = NULL;
    data->code = TD_OK;
}

static enum td_code snapshot_begin(struct td_job *job, struct td_err *err)
{
    uint64_t removed;
    return td_lake_sweep(job->engine->lake, "universe/info_rich/topn12m", &removed, err);
}

static void snapshot_free(struct td_job *job)
{
    struct snapshot_data *data = job->data;
    snapshot_end(job);
    universe_base_free(&data->base);
    td_days_free(&data->built);
    td_free(data->units);
    pthread_mutex_destroy(&data->lock);
    td_free(data);
}

/* The lists of every window that is asked for; workers that come meanwhile wait for them. */
static enum td_code need_lists(struct td_job *job, struct td_err *err)
{
    struct snapshot_data *data = job->data;
    const struct rank_want want = {data->base.thresholds, data->base.preset};
    pthread_mutex_lock(&data->lock);
    if (!data->lists && data->code == TD_OK)
        data->code = rank_lists_load(job->engine->lake, data->built.items, data->built.count, &want, &data->lists, &data->err);
    enum td_code code = data->code == TD_OK ? TD_OK : td_fail(err, data->code, "%s", data->err.text);
    pthread_mutex_unlock(&data->lock);
    return code;
}

static enum td_code write_snapshot(struct td_job *job, const struct snapshot *unit, uint64_t *written, struct td_err *err)
{
    struct snapshot_data *data = job->data;
    struct td_topn_row *ranked = NULL;
    struct td_snapshot_row *rows = NULL;
    size_t count = 0;
    uint32_t covered = 0;
    enum td_code code = need_lists(job, err);
    if (code == TD_OK)
        code = rank_window(data->lists, unit->as_of, &ranked, &count, &covered, err);
    count = count < data->options.k ? count : data->options.k;
    if (code == TD_OK && !(rows = td_calloc(count + 1, sizeof *rows)))
        code = td_fail(err, TD_NOMEM, "out of memory: a snapshot of %zu rows", count);
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        rows[i] = (struct td_snapshot_row){.asof_date = unit->as_of,
                                           .rank = ranked[i].rank,
                                           .days_info_rich_win = ranked[i].days_info_rich_252,
                                           .last_seen = ranked[i].last_seen};
        td_copy(rows[i].ticker, sizeof rows[i].ticker, ranked[i].ticker);
    }
    if (code == TD_OK)
        code = td_snapshot_write(job->engine->lake, unit->annual, unit->month, rows, count, data->base.thresholds, data->base.preset,
                                 covered, err);
    *written = code == TD_OK ? count : 0;
    td_free(rows);
    td_free(ranked);
    return code;
}

static enum td_code write_index(struct td_job *job, uint64_t *written, struct td_err *err)
{
    struct snapshot_data *data = job->data;
    size_t listed = 0, left_out = 0;
    enum td_code code = td_snapshot_index(job->engine->lake, data->base.thresholds, data->base.preset, &listed, &left_out, err);
    if (left_out)
        td_log(TD_LOG_WARN, "job", "%zu snapshots were made by other rules and are left out of the index; 'tapedeck universe snapshots' makes them anew",
               left_out);
    *written = listed;
    return code;
}

static enum job_step snapshot_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct snapshot_data *data = job->data;
    struct td_err err = {0};
    enum td_code code;
    if (index == data->count)
        code = write_index(job, &result->rows_written, &err);
    else if (!data->units[index].built) {
        char day[16];
        td_format_day(data->units[index].as_of, day);
        result->state = TD_UNIT_SKIPPED;
        td_snprintf(result->why, sizeof result->why, "its last session has no list; 'tapedeck universe build -s %s -e %s' builds it", day, day);
        return JOB_STEP_DONE;
    } else
        code = write_snapshot(job, &data->units[index], &result->rows_written, &err);
    result->rows_read = result->rows_written;
    result->state = result->rows_written ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    return JOB_STEP_DONE;
}

static const struct job_ops snapshot_ops = {.kind = "snapshots", .begin = snapshot_begin, .step = snapshot_step, .end = snapshot_end,
                                            .free = snapshot_free};

/* ---- planning ---- */

static bool is_built(const struct td_days *built, td_day day)
{
    size_t low = 0, high = built->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (built->items[mid] < day)
            low = mid + 1;
        else
            high = mid;
    }
    return low < built->count && built->items[low] == day;
}

static enum td_code add_snapshot(struct td_job *job, bool annual, int32_t month, struct td_err *err)
{
    struct snapshot_data *data = job->data;
    const struct td_snapshot_job *options = &data->options;
    struct snapshot unit = {.annual = annual, .month = month, .as_of = td_cal_day(td_cal_index_at_or_before(td_month_last(month)))};
    unit.built = is_built(&data->built, unit.as_of);
    if (unit.as_of > data->built.items[data->built.count - 1] || /* still running */
        (options->from != TD_NO_DAY && unit.as_of < options->from) || (options->to != TD_NO_DAY && unit.as_of > options->to))
        return TD_OK;
    enum td_code code = td_grow(&data->units, &data->cap, data->count + 1, sizeof *data->units, err);
    if (code != TD_OK)
        return code;
    data->units[data->count++] = unit;
    char key[32];
    if (annual)
        td_snprintf(key, sizeof key, "annual %04d", month / 12);
    else
        td_snprintf(key, sizeof key, "month_end %04d-%02d", month / 12, month % 12 + 1);
    return job_add_unit(job, key, 1, err);
}

static enum td_code plan(struct td_job *job, struct td_err *err)
{
    struct snapshot_data *data = job->data;
    int32_t first = td_month_of(data->built.items[0]), last = td_month_of(data->built.items[data->built.count - 1]);
    enum td_code code = TD_OK;
    for (int32_t month = first; code == TD_OK && month <= last; month++) {
        if (data->options.monthly)
            code = add_snapshot(job, false, month, err);
        if (code == TD_OK && data->options.annual && month % 12 == 11)
            code = add_snapshot(job, true, month, err);
    }
    td_snprintf(job->title, sizeof job->title, "%zu rankings of the past", data->count);
    job_set_range(job, data->options.from, data->options.to);
    job->tail = 1;
    return code == TD_OK ? job_add_unit(job, "topn12m_index", 1, err) : code;
}

enum td_code td_job_snapshots(struct td_engine *engine, const struct td_snapshot_job *options, int *id, struct td_err *err)
{
    struct snapshot_data *data = td_calloc(1, sizeof *data);
    struct td_job *job = NULL;
    enum td_code code = data ? job_new(engine, &snapshot_ops, data, &job, err) : td_fail(err, TD_NOMEM, "out of memory: a snapshot job");
    if (code != TD_OK) {
        td_free(data);
        return code;
    }
    pthread_mutex_init(&data->lock, NULL);
    data->options = *options;
    td_copy(job->dataset, sizeof job->dataset, "universe");
    code = universe_base_init(&data->base, engine->lake, &options->screen, err);
    if (code == TD_OK)
        code = universe_built(&data->base, engine->lake, &data->built, err);
    if (code == TD_OK)
        code = plan(job, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}
