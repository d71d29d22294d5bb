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
    uint64_t bad; /* rows whose ticker names no file */
    struct td_job *job;
};

static enum td_code reference_begin(struct td_job *job, struct td_err *err)
{
    struct reference_job *ref = job->data;
    const struct td_http_options options = {.max_in_flight = 1, .key = ref->key, .base_url = ref->base_url};
    enum td_code code = job_sweep_bronze(job->engine->lake, job->dataset, err);
    return code == TD_OK ? td_http_new(&options, &ref->http, err) : code;
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
    if (!td_ticker_valid(split ? split->ticker : ticker->ticker)) {
        ref->bad++;
        return TD_OK;
    }
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

/* Identity of a row: a split is (ticker, day); a listing (ticker, list date), and where the vendor tells no list date the
 * day of the delisting keeps the companies of one symbol apart. */
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
    if (order == 0)
        order = (x->list_date > y->list_date) - (x->list_date < y->list_date);
    if (order == 0 && x->list_date == TD_NO_DAY)
        order = (x->delisted > y->delisted) - (x->delisted < y->delisted);
    return order;
}

/* Field by field: the bytes between fields are nobody's. */
static bool same_row(const struct td_record *record, const void *a, const void *b)
{
    for (size_t i = 0; i < record->count; i++) {
        struct td_cell x = td_record_cell(&record->fields[i], a), y = td_record_cell(&record->fields[i], b);
        bool same = x.kind == y.kind;
        if (same && x.kind == TD_KIND_STR)
            same = td_str_cmp(x.v.s, y.v.s) == 0;
        else if (same && x.kind == TD_KIND_F64)
            same = memcmp(&x.v.f, &y.v.f, sizeof x.v.f) == 0;
        else if (same && x.kind == TD_KIND_BOOL)
            same = x.v.b == y.v.b;
        else if (same && x.kind != TD_KIND_NULL)
            same = x.v.i == y.v.i;
        if (!same)
            return false;
    }
    return true;
}

/* Sorted by identity; of several rows of one identity the last one told stays. Returns how many went. */
static size_t sort_unique(char *items, size_t *count, const struct td_record *record, int (*compare)(const void *, const void *),
                          char *scratch)
{
    size_t n = *count, size = record->size, kept = 0;
    /* A merge sort, stable: equal rows keep the order in which they were told. */
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t middle = from + width < n ? from + width : n, end = from + 2 * width < n ? from + 2 * width : n;
            for (size_t a = from, b = middle, out = from; out < end; out++) {
                bool left = a < middle && (b == end || compare(items + a * size, items + b * size) <= 0);
                memcpy(scratch + out * size, items + (left ? a++ : b++) * size, size);
            }
        }
        memcpy(items, scratch, n * size);
    }
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && compare(items + i * size, items + (i + 1) * size) == 0)
            continue;
        memmove(items + kept++ * size, items + i * size, size);
    }
    *count = kept;
    return n - kept;
}

/* What the lake knew and the vendor no longer tells stays, but for a listing without a list date that is told anew. */
static bool superseded(const struct reference_job *ref, const void *row, const char *fresh, size_t count, size_t size)
{
    const struct td_ticker_row *old = row;
    if (ref->splits || old->list_date != TD_NO_DAY || old->delisted != TD_NO_DAY)
        return false;
    const struct td_rows table = {.items = (void *)(uintptr_t)fresh, .count = count, .size = size};
    size_t found;
    job_reference_find(&table, old->ticker, &found);
    return found > 0;
}

/* New rows win, nothing else that the lake knew is dropped. */
static enum td_code merge_rows(struct reference_job *ref, const char *path, const struct td_record *record,
                               struct job_result *result, struct td_err *err)
{
    int (*compare)(const void *, const void *) = ref->splits ? compare_split : compare_listing;
    struct td_rows old = {0};
    enum td_code code = td_file_exists(path) ? td_table_read(path, record, &old, NULL, NULL, err) : TD_OK;
    size_t size = record->size, room = ref->rows.count + old.count;
    char *scratch = code == TD_OK ? td_calloc(room, size) : NULL;
    if (code == TD_OK && !scratch)
        code = td_fail(err, TD_NOMEM, "%s: out of memory", path);
    if (code == TD_OK)
        code = td_grow(&ref->rows.items, &ref->rows.cap, room, size, err);
    if (code == TD_OK) {
        char *items = ref->rows.items;
        result->rows_duplicate = sort_unique(items, &ref->rows.count, record, compare, scratch);
        size_t fresh = ref->rows.count, known = 0;
        for (size_t i = 0; i < old.count; i++) {
            const char *row = (const char *)old.items + i * size;
            const char *same = fresh ? bsearch(row, items, fresh, size, compare) : NULL;
            if (same)
                known += same_row(record, same, row);
            else if (!superseded(ref, row, items, fresh, size))
                memcpy(items + ref->rows.count++ * size, row, size);
        }
        result->rows_duplicate += known;
        result->rows_written = fresh - known;
        sort_unique(items, &ref->rows.count, record, compare, scratch);
        code = td_table_write(path, record, items, ref->rows.count, NULL, 0, err);
    }
    if (code != TD_OK)
        result->rows_written = result->rows_duplicate = 0;
    td_free(scratch);
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

static enum job_step next_page(struct td_job *job, struct reference_job *ref, struct job_result *result)
{
    struct td_err err = {0};
    struct td_rest_page page;
    result->bytes += ref->response.body.len;
    enum td_code code = td_rest_reference_parse(&ref->response, ref->kind, take_row, ref, &page, &err);
    td_buf_free(&ref->response.body);
    if (code == TD_OK && page.next[0] && strcmp(page.next, ref->path) == 0)
        code = td_fail(&err, TD_DATA, "the vendor's next_url repeats itself");
    if (code != TD_OK) {
        job_fail(result, code, &err);
        return JOB_STEP_DONE;
    }
    result->rows_read += page.rows;
    result->quarantined[TD_REASON_UNREADABLE] += page.quarantined[TD_REASON_UNREADABLE];
    result->quarantined[TD_REASON_TICKER] = ref->bad;
    if (page.next[0]) {
        td_copy(ref->path, sizeof ref->path, page.next);
        return ask(job, ref, result);
    }
    if (ref->kind == TD_REFERENCE_TICKERS)
        return ask_first(job, ref, TD_REFERENCE_DELISTED, result);
    publish(job, ref, result);
    return JOB_STEP_DONE;
}

static enum job_step reference_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct reference_job *ref = job->data;
    (void)index;
    enum job_step step;
    if (ref->pages == 0) {
        ref->rows = (struct td_rows){.size = ref->splits ? sizeof(struct td_split_row) : sizeof(struct td_ticker_row)};
        ref->bad = 0;
        step = ask_first(job, ref, ref->splits ? TD_REFERENCE_SPLITS : TD_REFERENCE_TICKERS, result);
    } else {
        step = next_page(job, ref, result);
    }
    if (step == JOB_STEP_DONE) { /* a retry begins anew */
        td_rows_free(&ref->rows);
        ref->pages = 0;
    }
    return step;
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
