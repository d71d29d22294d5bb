/* SPDX-License-Identifier: GPL-3.0-or-later
 * A job's units: making them, taking their results into the counts, and taking failed ones back for a retry. */
#include <stdio.h>
#include <string.h>
#include "job_internal.h"

void job_fail(struct job_result *result, enum td_code code, const struct td_err *err)
{
    result->state = TD_UNIT_FAILED;
    result->code = code;
    td_copy(result->why, sizeof result->why, err->text);
    /* A wrong key, a full disk, no memory: the next unit would meet the same. */
    result->fatal = code == TD_AUTH || code == TD_FULL || code == TD_NOMEM || code == TD_CANCELLED;
}

void td_unit_text(const char *key, const char *why, char *out, size_t size)
{
    const char *at = strstr(why, key);
    bool named = at && at[strlen(key)] == ':' && (at == why || at[-1] == '/');
    td_snprintf(out, size, "%s%s%s", named ? "" : key, named ? "" : ": ", why);
}

enum td_code job_new(struct td_engine *engine, const struct job_ops *ops, void *data, struct td_job **out, struct td_err *err)
{
    struct td_job *job = td_calloc(1, sizeof *job);
    if (!job)
        return td_fail(err, TD_NOMEM, "out of memory: a job");
    job->engine = engine;
    job->ops = ops;
    job->data = data;
    job->max_active = engine->workers;
    atomic_init(&job->cancel, false);
    *out = job;
    return TD_OK;
}

enum td_code job_add_unit(struct td_job *job, const char *key, uint64_t weight, struct td_err *err)
{
    size_t cap = job->unit_count; /* grown in powers of two: the count itself tells the capacity */
    if ((cap & (cap - 1)) == 0) {
        size_t want = cap ? cap * 2 : 1;
        struct job_unit *units = td_realloc(job->units, want, sizeof *units);
        if (!units)
            return td_fail(err, TD_NOMEM, "out of memory: %zu units", want);
        job->units = units;
    }
    struct job_unit *unit = &job->units[job->unit_count++];
    *unit = (struct job_unit){.weight = weight ? weight : 1};
    td_copy(unit->key, sizeof unit->key, key);
    return TD_OK;
}

void job_free(struct td_job *job)
{
    if (!job)
        return;
    job->ops->free(job);
    for (size_t i = 0; i < job->unit_count; i++) {
        td_free(job->units[i].why);
        td_free(job->units[i].result);
    }
    td_free(job->units);
    td_free(job->order);
    td_free(job);
}

void job_set_range(struct td_job *job, td_day from, td_day to)
{
    char first[16] = "", last[16] = "";
    if (from != TD_NO_DAY)
        td_format_day(from, first);
    if (to != TD_NO_DAY)
        td_format_day(to, last);
    td_snprintf(job->range, sizeof job->range, "%s%s%s", first, *first || *last ? ".." : "", last);
}

/* Add a unit's result to the counts, or take it back. */
static void count_result(struct td_job_counts *c, const struct job_result *result, bool back)
{
    uint64_t sign = back ? UINT64_MAX : 1; /* modulo 2^64, minus one is subtraction */
    c->ok += sign * (result->state == TD_UNIT_OK);
    c->empty += sign * (result->state == TD_UNIT_EMPTY);
    c->skipped += sign * (result->state == TD_UNIT_SKIPPED);
    c->failed += sign * (result->state == TD_UNIT_FAILED);
    c->rows_read += sign * result->rows_read;
    c->rows_written += sign * result->rows_written;
    c->rows_duplicate += sign * result->rows_duplicate;
    c->off_hours += sign * result->off_hours;
    c->no_session += sign * result->no_session;
    c->bytes += sign * result->bytes;
    for (size_t i = 0; i < TD_REASON_COUNT; i++)
        c->quarantined[i] += sign * result->quarantined[i];
}

void job_record(struct td_job *job, size_t index, const struct job_result *result)
{
    struct job_unit *unit = &job->units[index];
    unit->state = result->state;
    unit->code = result->code;
    td_free(unit->why);
    unit->why = result->why[0] ? td_strdup(result->why) : NULL; /* without memory: no text rather than no record */
    count_result(&job->counts, result, false);
    job->weight_done += unit->weight;
    if (result->state == TD_UNIT_FAILED) {
        if (job->stop_code == TD_OK) /* the reason of a stop stays */
            td_unit_text(unit->key, result->why, job->message, sizeof job->message);
        td_log(TD_LOG_ERROR, "job", "%s %s: %s", job->ops->kind, unit->key, result->why);
    }
}

size_t job_reset_failed(struct td_job *job)
{
    size_t again = 0;
    for (size_t i = 0; i < job->unit_count; i++) {
        struct job_unit *unit = &job->units[i];
        const struct job_result unstarted = {.state = unit->state};
        if (unit->state != TD_UNIT_FAILED && (unit->state != TD_UNIT_SKIPPED || unit->code != TD_CANCELLED))
            continue;
        count_result(&job->counts, unit->result ? unit->result : &unstarted, true);
        td_free(unit->result);
        unit->result = NULL;
        td_free(unit->why);
        unit->why = NULL;
        job->weight_done -= unit->weight;
        unit->state = TD_UNIT_WAITING;
        unit->code = TD_OK;
        again++;
    }
    return again;
}
