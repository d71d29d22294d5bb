/* SPDX-License-Identifier: GPL-3.0-or-later
 * ingest of reference tables (splits, tickers): one unit, page after page, merged with what the lake holds. */
#include <stdlib.h>
#include <string.h>
#include "job_internal.h"

#define MAX_PAGES 1000
#define MAX_ROWS 2000000

struct reference_job { /* owner: the thread that runs the one unit; `http` also the engine lock */
    bool splits;
    char *base_url, *key;
    struct td_http *http;
    enum td_reference_kind kind; /* of the request under way: tickers come as active, then delisted */
    unsigned pages;
    char path[2048];
    struct td_http_response response;
    struct td_rows rows;
    struct td_job *job;
};

static enum td_code reference_begin(struct td_job *job, struct td_err *err)
{
    struct reference_job *ref = job->data;
    const struct td_http_options options = {.max_in_flight = 1, .key = ref->key, .base_url = ref->base_url};
    return td_http_new(&options, &ref->http, err);
}

static void reference_end(struct td_job *job)
{
    struct reference_job *ref = job->data;
    td_http_free(ref->http);
    ref->http = NULL;
}

static void reference_free(struct td_job *job)
{
    struct reference_job *ref = job->data;
    td_rows_free(&ref->rows);
    td_free(ref->base_url);
    td_free(ref->key);
    td_free(ref);
}

static void answer_arrived(void *ctx, struct td_http_response *response)
{
    struct reference_job *ref = ctx;
    ref->response = *response;
    job_wake(ref->job, 0);
}

static enum td_code take_row(void *ctx, const struct td_rest_split *split, const struct td_rest_ticker *ticker, struct td_err *err)
{
    struct reference_job *ref = ctx;
    if (!td_ticker_valid(split ? split->ticker : ticker->ticker))
        return TD_OK; /* counted as read, not as written */
    if (ref->rows.count >= MAX_ROWS)
        return td_fail(err, TD_LIMIT, "more than %d reference rows", MAX_ROWS);
    enum td_code code = td_grow(&ref->rows.items, &ref->rows.cap, ref->rows.count + 1, ref->rows.size, err);
    if (code != TD_OK)
        return code;
    if (split) {
        struct td_split_row row = {.execution_date = split->day, .split_from = split->from, .split_to = split->to};
        td_copy(row.ticker, sizeof row.ticker, split->ticker);
        ((struct td_split_row *)ref->rows.items)[ref->rows.count++] = row;
    } else {
        struct td_ticker_row row = {.active = ticker->active, .list_date = ticker->list_date, .delisted = ticker->delisted};
        td_copy(row.ticker, sizeof row.ticker, ticker->ticker);
        td_copy(row.type, sizeof row.type, ticker->type);
        td_copy(row.exchange, sizeof row.exchange, ticker->exchange);
        td_copy(row.name, sizeof row.name, ticker->name);
        ((struct td_ticker_row *)ref->rows.items)[ref->rows.count++] = row;
    }
    return TD_OK;
}

/* Identity of a row: a split is (ticker, day), a listing (ticker, list date). */
static int compare_split(const void *a, const void *b)
{
    const struct td_split_row *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    return order ? order : (x->execution_date > y->execution_date) - (x->execution_date < y->execution_date);
}

static int compare_listing(const void *a, const void *b)
{
    const struct td_ticker_row *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    return order ? order : (x->list_date > y->list_date) - (x->list_date < y->list_date);
}

/* Old rows first, new ones win; nothing the lake knew is dropped. */
static enum td_code merge_rows(struct reference_job *ref, const char *path, const struct td_record *record,
                               struct job_result *result, struct td_err *err)
{
    int (*compare)(const void *, const void *) = ref->splits ? compare_split : compare_listing;
    struct td_rows old = {0};
    enum td_code code = td_file_exists(path) ? td_table_read(path, record, &old, NULL, NULL, err) : TD_OK;
    size_t fresh = ref->rows.count, size = record->size;
    if (code == TD_OK)
        code = td_grow(&ref->rows.items, &ref->rows.cap, fresh + old.count, size, err);
    if (code == TD_OK && fresh > 1)
        qsort(ref->rows.items, fresh, size, compare);
    char *items = ref->rows.items;
    for (size_t i = 0; code == TD_OK && i < old.count; i++) {
        const char *row = (const char *)old.items + i * size;
        const char *same = fresh ? bsearch(row, items, fresh, size, compare) : NULL;
        if (same) /* strings are zero-padded in both, so equal rows have equal bytes */
            result->rows_duplicate += memcmp(same, row, size) == 0;
        else
            memcpy(items + ref->rows.count++ * size, row, size);
    }
    if (code == TD_OK && ref->rows.count > 1)
        qsort(items, ref->rows.count, size, compare);
    if (code == TD_OK)
        code = td_table_write(path, record, items, ref->rows.count, NULL, 0, err);
    result->rows_written = fresh - result->rows_duplicate;
    td_rows_free(&old);
    return code;
}

static void publish(struct td_job *job, struct reference_job *ref, struct job_result *result)
{
    struct td_buf path;
    struct td_err err = {0};
    td_buf_init(&path, 2048);
    const struct td_record *record = ref->splits ? &td_split_record : &td_ticker_record;
    enum td_code code = td_reference_path(job->engine->lake, ref->splits ? "splits" : "tickers", &path, &err);
    if (code == TD_OK)
        code = merge_rows(ref, path.data, record, result, &err);
    result->state = result->rows_read ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    td_buf_free(&path);
}

static enum job_step ask(struct td_job *job, struct reference_job *ref, struct job_result *result)
{
    struct td_err err = {0};
    enum td_code code = ref->pages++ < MAX_PAGES ? TD_OK : td_fail(&err, TD_DATA, "more than %d pages", MAX_PAGES);
    if (code == TD_OK)
        code = td_http_get(ref->http, ref->path, &job->cancel, answer_arrived, ref, &err);
    if (code == TD_OK)
        return JOB_STEP_WAIT;
    job_fail(result, code, &err);
    return JOB_STEP_DONE;
}

static enum job_step ask_first(struct td_job *job, struct reference_job *ref, enum td_reference_kind kind, struct job_result *result)
{
    struct td_buf path;
    td_buf_init(&path, sizeof ref->path - 1);
    ref->kind = kind;
    td_rest_reference_path(&path, kind);
    td_copy(ref->path, sizeof ref->path, path.data ? path.data : "/");
    td_buf_free(&path);
    return ask(job, ref, result);
}

static enum job_step reference_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct reference_job *ref = job->data;
    (void)index;
    if (ref->pages == 0) {
        ref->rows = (struct td_rows){.size = ref->splits ? sizeof(struct td_split_row) : sizeof(struct td_ticker_row)};
        return ask_first(job, ref, ref->splits ? TD_REFERENCE_SPLITS : TD_REFERENCE_TICKERS, result);
    }
    struct td_err err = {0};
    struct td_rest_page page;
    result->bytes += ref->response.body.len;
    enum td_code code = td_rest_reference_parse(&ref->response, ref->kind, take_row, ref, &page, &err);
    td_buf_free(&ref->response.body);
    if (code == TD_OK) {
        result->rows_read += page.rows;
        result->quarantined[TD_REASON_UNREADABLE] += page.quarantined[TD_REASON_UNREADABLE];
        if (page.next[0] && strcmp(page.next, ref->path) != 0) {
            td_copy(ref->path, sizeof ref->path, page.next);
            return ask(job, ref, result);
        }
        if (ref->kind == TD_REFERENCE_TICKERS)
            return ask_first(job, ref, TD_REFERENCE_DELISTED, result);
        publish(job, ref, result);
    } else {
        job_fail(result, code, &err);
    }
    td_rows_free(&ref->rows);
    ref->pages = 0;
    return JOB_STEP_DONE;
}

static const struct job_ops reference_ops = {.kind = "ingest", .begin = reference_begin, .step = reference_step,
                                             .end = reference_end, .free = reference_free};

enum td_code job_start_reference(struct td_engine *engine, const struct td_ingest_options *options, int *id, struct td_err *err)
{
    struct reference_job *ref = td_calloc(1, sizeof *ref);
    struct td_job *job = NULL;
    enum td_code code = ref ? job_new(engine, &reference_ops, ref, &job, err) : td_fail(err, TD_NOMEM, "out of memory: a job");
    if (code != TD_OK) {
        td_free(ref);
        return code;
    }
    ref->job = job;
    ref->splits = strcmp(options->table, "splits") == 0;
    ref->base_url = td_strdup(options->base_url);
    ref->key = options->key ? td_strdup(options->key) : NULL;
    if (!ref->base_url || (options->key && !ref->key))
        code = td_fail(err, TD_NOMEM, "out of memory: a job");
    td_copy(job->dataset, sizeof job->dataset, options->table);
    td_snprintf(job->title, sizeof job->title, "%s", options->table);
    if (code == TD_OK)
        code = job_add_unit(job, options->table, 1, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}
