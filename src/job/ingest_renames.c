/* SPDX-License-Identifier: GPL-3.0-or-later
 * ingest -t renames: which symbol took over which company's history. A unit is a ticker; what all of them found is merged
 * into one table at the end. */
#include <stdlib.h>
#include <string.h>
#include "job_internal.h"

struct rename_unit { /* owner: the thread that runs the unit */
    struct td_job *job;
    size_t index;
    bool asked;
    struct td_http_response response;
};

struct renames {
    char *base_url, *key;
    unsigned max_concurrent;
    struct td_http *http; /* begin..end */
    struct td_names tickers;
    struct rename_unit *units;
    struct td_rows known;       /* the table as it was; begin..end, read-only for workers */
    struct td_rename_row *rows; /* new ones; engine lock */
    size_t count, cap;          /* engine lock */
};

/* By new symbol, day, old symbol: the identity of a row is all of it. */
static int compare_renames(const void *a, const void *b)
{
    const struct td_rename_row *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    if (order == 0)
        order = (x->day > y->day) - (x->day < y->day);
    return order ? order : strcmp(x->old_ticker, y->old_ticker);
}

static enum td_code renames_begin(struct td_job *job, struct td_err *err)
{
    struct renames *in = job->data;
    const struct td_http_options options = {.max_in_flight = in->max_concurrent, .key = in->key, .base_url = in->base_url};
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = job_sweep_bronze(job->engine->lake, job->dataset, err);
    if (code == TD_OK)
        code = td_reference_path(job->engine->lake, "renames", &path, err);
    if (code == TD_OK && td_file_exists(path.data))
        code = td_table_read(path.data, &td_rename_record, &in->known, NULL, NULL, err);
    if (code == TD_OK && in->known.count > 1)
        qsort(in->known.items, in->known.count, sizeof *in->rows, compare_renames);
    td_buf_free(&path);
    if (code == TD_OK)
        code = td_http_new(&options, &in->http, err);
    if (code != TD_OK)
        td_rows_free(&in->known);
    return code;
}

static void renames_end(struct td_job *job)
{
    struct renames *in = job->data;
    td_http_free(in->http);
    in->http = NULL;
    td_rows_free(&in->known);
    td_free(in->rows);
    in->rows = NULL;
    in->count = in->cap = 0;
}

static void renames_free(struct td_job *job)
{
    struct renames *in = job->data;
    td_names_free(&in->tickers);
    td_free(in->units);
    td_free(in->base_url);
    td_free(in->key);
    td_free(in);
}

static void answer_arrived(void *ctx, struct td_http_response *response)
{
    struct rename_unit *unit = ctx;
    unit->response = *response;
    job_wake(unit->job, unit->index);
}

struct taker { /* the unit's thread */
    struct td_job *job;
    const char *ticker; /* every symbol of a company is told the whole chain: a unit takes its own change only */
    struct job_result *result;
};

static enum td_code take_rename(void *ctx, const char *ticker, const char *old_ticker, td_day day, struct td_err *err)
{
    const struct taker *taker = ctx;
    struct renames *in = taker->job->data;
    struct td_rename_row row = {.day = day};
    if (strcmp(ticker, taker->ticker) != 0)
        return TD_OK;
    taker->result->rows_read++;
    if (!td_ticker_valid(old_ticker)) {
        taker->result->quarantined[TD_REASON_TICKER]++;
        return TD_OK;
    }
    td_copy(row.ticker, sizeof row.ticker, ticker);
    td_copy(row.old_ticker, sizeof row.old_ticker, old_ticker);
    if (in->known.count && bsearch(&row, in->known.items, in->known.count, sizeof row, compare_renames)) {
        taker->result->rows_duplicate++;
        return TD_OK;
    }
    pthread_mutex_lock(&taker->job->engine->lock);
    enum td_code code = td_grow(&in->rows, &in->cap, in->count + 1, sizeof *in->rows, err);
    if (code == TD_OK)
        in->rows[in->count++] = row;
    pthread_mutex_unlock(&taker->job->engine->lock);
    taker->result->rows_written += code == TD_OK;
    return code;
}

static enum job_step renames_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct renames *in = job->data;
    struct rename_unit *unit = &in->units[index];
    const char *ticker = in->tickers.items[index];
    struct td_err err = {0};
    enum td_code code;
    if (!unit->asked) {
        struct td_buf path;
        td_buf_init(&path, 1024);
        td_rest_events_path(&path, ticker);
        code = td_buf_check(&path, "a request path", &err);
        unit->asked = true;
        if (code == TD_OK)
            code = td_http_get(in->http, path.data, &job->cancel, answer_arrived, unit, &err);
        td_buf_free(&path);
        if (code == TD_OK)
            return JOB_STEP_WAIT;
        job_fail(result, code, &err);
    } else {
        result->bytes = unit->response.body.len;
        uint64_t events = 0;
        code = td_rest_events_parse(&unit->response, ticker, take_rename, &(struct taker){job, ticker, result}, &events, &err);
        td_buf_free(&unit->response.body);
        result->state = code == TD_OK && events ? TD_UNIT_OK : TD_UNIT_EMPTY;
        if (code != TD_OK && code != TD_MISSING) /* the vendor has events for few tickers: none is no failure */
            job_fail(result, code, &err);
    }
    unit->asked = false;
    return JOB_STEP_DONE;
}

static enum td_code renames_finish(struct td_job *job, bool clean, struct td_err *err)
{
    struct renames *in = job->data;
    struct td_buf path;
    (void)clean; /* what was found is true also after a stop */
    td_buf_init(&path, 2048);
    enum td_code code = td_reference_path(job->engine->lake, "renames", &path, err);
    bool exists = code == TD_OK && td_file_exists(path.data);
    if (code == TD_OK)
        code = td_grow(&in->rows, &in->cap, in->count + in->known.count, sizeof *in->rows, err);
    if (code == TD_OK && (in->count || !exists)) {
        if (in->known.count)
            memcpy(in->rows + in->count, in->known.items, in->known.count * sizeof *in->rows);
        in->count += in->known.count;
        if (in->count > 1)
            qsort(in->rows, in->count, sizeof *in->rows, compare_renames);
        code = td_table_write(path.data, &td_rename_record, in->rows, in->count, NULL, 0, err);
    }
    td_buf_free(&path);
    return code;
}

static const struct job_ops renames_ops = {.kind = "ingest", .begin = renames_begin, .step = renames_step, .finish = renames_finish,
                                           .end = renames_end, .free = renames_free};

static enum td_code plan(struct td_job *job, const struct td_ingest_options *options, struct td_err *err)
{
    struct renames *in = job->data;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < options->ticker_count; i++)
        code = td_names_add(&in->tickers, options->tickers[i], strlen(options->tickers[i]), err);
    if (code == TD_OK && options->ticker_count == 0)
        code = job_lake_tickers(job->engine, &in->tickers, err);
    td_names_sort_unique(&in->tickers);
    in->units = code == TD_OK ? td_calloc(in->tickers.count, sizeof *in->units) : NULL;
    if (code == TD_OK && !in->units)
        code = td_fail(err, TD_NOMEM, "out of memory: a job");
    for (size_t i = 0; code == TD_OK && i < in->tickers.count; i++) {
        in->units[i] = (struct rename_unit){.job = job, .index = i};
        code = job_add_unit(job, in->tickers.items[i], 1, err);
    }
    td_snprintf(job->title, sizeof job->title, "renames  %zu tickers", in->tickers.count);
    return code;
}

enum td_code job_start_renames(struct td_engine *engine, const struct td_ingest_options *options, int *id, struct td_err *err)
{
    struct renames *in = td_calloc(1, sizeof *in);
    struct td_job *job = NULL;
    enum td_code code = in ? job_new(engine, &renames_ops, in, &job, err) : td_fail(err, TD_NOMEM, "out of memory: a job");
    if (code != TD_OK) {
        td_free(in);
        return code;
    }
    in->max_concurrent = options->max_concurrent ? options->max_concurrent : 16;
    in->base_url = td_strdup(options->base_url);
    in->key = options->key ? td_strdup(options->key) : NULL;
    if (!in->base_url || (options->key && !in->key))
        code = td_fail(err, TD_NOMEM, "out of memory: a job");
    td_copy(job->dataset, sizeof job->dataset, "renames");
    if (code == TD_OK)
        code = plan(job, options, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    job->max_active = in->max_concurrent;
    return job_start(job, id, err);
}
