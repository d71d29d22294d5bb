/* SPDX-License-Identifier: GPL-3.0-or-later
 * ingest: REST aggregates to bronze. A unit is a ticker-month of minute bars or a ticker-year of daily bars; it asks page
 * after page, then merges what came into the month files and believes only what it reads back. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "job_internal.h"

#define MAX_PAGES 1000
#define UNITS_MAX 5000000
#define UNIT_BYTES ((uint64_t)16 << 20) /* a page of 50,000 bars as JSON, and the bars of a month */

/* What a unit needs while it runs, and only then: a backfill has a million units. Owner: the thread that runs the unit's
 * step; handed over through the HTTP engine. */
struct ingest_flight {
    struct td_job *job;
    size_t index;
    unsigned pages;
    char path[2048]; /* of the request under way */
    struct td_http_response response;
    struct td_bars bars;
};

struct ingest_unit {
    char ticker[TD_TICKER_MAX];
    td_day from, to;
    struct ingest_flight *flight;
};

struct ingest {
    enum td_table table;
    bool incremental;
    char *base_url, *key;
    unsigned max_concurrent, retries, timeout_s;
    td_day last_over; /* newest session that was over when the job began: later ones are not vouched for */
    struct ingest_unit *units;
    size_t unit_count, unit_cap;
    struct td_http *http;       /* engine lock for the pointer */
    struct td_http_stats stats; /* the last ones, once http is gone; engine lock */
};

static enum td_code ingest_begin(struct td_job *job, struct td_err *err)
{
    struct ingest *in = job->data;
    const struct td_http_options options = {.max_in_flight = in->max_concurrent, .max_retries = in->retries ? in->retries : TD_HTTP_NO_RETRIES,
                                            .timeout_s = in->timeout_s, .key = in->key, .base_url = in->base_url};
    in->last_over = job_last_over();
    struct td_http *http = NULL;
    enum td_code code = job_sweep_bronze(job->engine->lake, job->dataset, err);
    if (code == TD_OK)
        code = td_http_new(&options, &http, err);
    pthread_mutex_lock(&job->engine->lock);
    in->http = http;
    pthread_mutex_unlock(&job->engine->lock);
    return code;
}

static void ingest_end(struct td_job *job)
{
    struct ingest *in = job->data;
    pthread_mutex_lock(&job->engine->lock);
    struct td_http *http = in->http;
    if (http)
        td_http_stats(http, &in->stats);
    in->http = NULL;
    pthread_mutex_unlock(&job->engine->lock);
    td_http_free(http);
}

static void ingest_extra(struct td_job *job, struct td_job_view *view)
{
    struct ingest *in = job->data;
    if (in->http)
        td_http_stats(in->http, &in->stats);
    view->retries = in->stats.retries;
    view->throttled = in->stats.throttled;
}

static void ingest_free(struct td_job *job)
{
    struct ingest *in = job->data;
    td_free(in->units);
    td_free(in->base_url);
    td_free(in->key);
    td_free(in);
}

/* Network thread: keep the answer and go back to a worker. */
static void answer_arrived(void *ctx, struct td_http_response *response)
{
    struct ingest_flight *flight = ctx;
    flight->response = *response;
    job_wake(flight->job, flight->index);
}

static enum job_step ask(struct td_job *job, struct ingest_unit *unit, struct job_result *result)
{
    struct ingest *in = job->data;
    struct td_err err = {0};
    struct ingest_flight *flight = unit->flight;
    enum td_code code = flight->pages++ < MAX_PAGES ? TD_OK : td_fail(&err, TD_DATA, "%s: more than %d pages", unit->ticker, MAX_PAGES);
    if (code == TD_OK)
        code = td_http_get(in->http, flight->path, &job->cancel, answer_arrived, flight, &err);
    if (code == TD_OK)
        return JOB_STEP_WAIT;
    job_fail(result, code, &err);
    return JOB_STEP_DONE;
}

/* Is the whole unit on disk and vouched for? Narrows from..to to what is missing at its two ends. */
static enum td_code already_there(struct td_job *job, struct ingest_unit *unit, bool *complete, struct td_err *err)
{
    struct ingest *in = job->data;
    struct td_ranges have = {0};
    enum td_code code = TD_OK;
    td_day to = unit->to < in->last_over ? unit->to : in->last_over;
    for (int32_t month = td_month_of(unit->from); code == TD_OK && month <= td_month_of(unit->to); month++) {
        struct td_bronze_info info;
        struct td_err why = {0};
        code = td_bronze_stat(job->engine->lake, in->table, unit->ticker, month, &info, &why);
        bool missing = code == TD_MISSING || code == TD_DATA; /* a damaged file is fetched again, over its remains */
        for (size_t i = 0; code == TD_OK && i < info.vouched.count; i++)
            code = td_ranges_add(&have, info.vouched.items[i].from, info.vouched.items[i].to, &why);
        td_bronze_info_free(&info);
        if (missing)
            code = TD_OK;
        else if (code != TD_OK)
            *err = why;
    }
    *complete = code == TD_OK && td_ranges_cover(&have, unit->from, to);
    for (size_t i = 0; code == TD_OK && !*complete && i < have.count; i++)
        if (have.items[i].from <= unit->from && have.items[i].to >= unit->from && have.items[i].to < unit->to)
            unit->from = have.items[i].to + 1;
    td_ranges_free(&have);
    return code;
}

static enum td_code publish_month(struct td_job *job, struct ingest_unit *unit, int32_t month, struct job_result *result,
                                  struct td_err *err)
{
    struct ingest *in = job->data;
    td_day first = td_month_first(month), last = td_month_last(month);
    struct td_day_range asked = {unit->from > first ? unit->from : first, unit->to < last ? unit->to : last};
    if (asked.to > in->last_over)
        asked.to = in->last_over;
    struct td_bars part = job_month_slice(&unit->flight->bars, month);
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &asked,
                                   .vouched_count = asked.to >= asked.from, .new_wins = true};
    if (part.n == 0 && merge.vouched_count == 0)
        return TD_OK;
    struct td_merge_counts counts;
    enum td_code code = td_bronze_merge(job->engine->lake, in->table, unit->ticker, month, &part, &merge, &counts, err);
    if (code != TD_OK)
        return code;
    result->rows_written += counts.added + counts.corrected;
    result->rows_duplicate += counts.duplicates;
    return TD_OK;
}

static void publish(struct td_job *job, struct ingest_unit *unit, struct job_result *result)
{
    struct td_err err = {0};
    struct td_bars *bars = &unit->flight->bars;
    uint64_t duplicates = 0, conflicts = 0;
    enum td_code code = td_bars_clean(bars, &duplicates, &conflicts, &err);
    result->rows_duplicate += duplicates;
    result->quarantined[TD_REASON_CONFLICT] += conflicts;
    if (code == TD_OK && bars->n == 0 && result->rows_read) /* days with bad bars only are no days without bars */
        code = td_fail(&err, TD_DATA, "%s: all %llu rows of the answer were quarantined", unit->ticker, (unsigned long long)result->rows_read);
    for (int32_t month = td_month_of(unit->from); code == TD_OK && month <= td_month_of(unit->to); month++)
        code = publish_month(job, unit, month, result, &err);
    result->state = bars->n ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    else if (!bars->n)
        td_snprintf(result->why, sizeof result->why, "%s: the vendor has no bars in this range", unit->ticker);
}

static enum job_step first_step(struct td_job *job, struct ingest_unit *unit, size_t index, struct job_result *result)
{
    struct ingest *in = job->data;
    struct td_err err = {0};
    bool complete = false;
    enum td_code code = in->incremental ? already_there(job, unit, &complete, &err) : TD_OK;
    if (code == TD_OK && complete) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "complete");
        return JOB_STEP_DONE;
    }
    struct ingest_flight *flight = unit->flight = code == TD_OK ? td_calloc(1, sizeof *flight) : NULL;
    if (code == TD_OK && !flight)
        code = td_fail(&err, TD_NOMEM, "%s: out of memory", unit->ticker);
    if (code == TD_OK) {
        struct td_buf path;
        flight->job = job;
        flight->index = index;
        td_buf_init(&path, sizeof flight->path - 1);
        td_rest_aggs_path(&path, unit->ticker, in->table == TD_STOCKS_DAILY, unit->from, unit->to);
        code = td_buf_check(&path, "a request path", &err);
        if (code == TD_OK)
            td_copy(flight->path, sizeof flight->path, path.data);
        td_buf_free(&path);
    }
    if (code == TD_OK)
        return ask(job, unit, result);
    job_fail(result, code, &err);
    return JOB_STEP_DONE;
}

static enum job_step next_step(struct td_job *job, struct ingest_unit *unit, struct job_result *result)
{
    struct ingest *in = job->data;
    struct ingest_flight *flight = unit->flight;
    struct td_err err = {0};
    struct td_rest_page page;
    result->bytes += flight->response.body.len;
    enum td_code code = td_rest_aggs_parse(&flight->response, unit->ticker, in->table == TD_STOCKS_DAILY, unit->from, unit->to,
                                           &flight->bars, &page, &err);
    td_buf_free(&flight->response.body);
    if (code == TD_OK && page.next[0] && strcmp(page.next, flight->path) == 0)
        code = td_fail(&err, TD_DATA, "%s: the vendor's next_url repeats itself", unit->ticker);
    if (code != TD_OK) {
        job_fail(result, code, &err);
        return JOB_STEP_DONE;
    }
    result->rows_read += page.rows;
    for (size_t i = 0; i < TD_REASON_COUNT; i++)
        result->quarantined[i] += page.quarantined[i];
    if (page.next[0]) {
        td_copy(flight->path, sizeof flight->path, page.next);
        return ask(job, unit, result);
    }
    publish(job, unit, result);
    return JOB_STEP_DONE;
}

static enum job_step ingest_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct ingest *in = job->data;
    struct ingest_unit *unit = &in->units[index];
    if ((unit->flight ? next_step(job, unit, result) : first_step(job, unit, index, result)) == JOB_STEP_WAIT)
        return JOB_STEP_WAIT; /* another thread may have the unit already */
    if (unit->flight) { /* a retry begins anew */
        td_bars_free(&unit->flight->bars);
        td_free(unit->flight);
        unit->flight = NULL;
    }
    return JOB_STEP_DONE;
}

/* Does any of the ticker's files hold a row? On any doubt yes. */
static bool has_rows(const struct td_job *job, const struct td_bronze_list *list, const char *ticker)
{
    const struct ingest *in = job->data;
    for (size_t i = 0; i < list->count; i++) {
        struct td_bronze_info info;
        if (strcmp(list->items[i].ticker, ticker) != 0)
            continue;
        enum td_code code = td_bronze_stat(job->engine->lake, in->table, ticker, list->items[i].month, &info, NULL);
        bool rows = code == TD_OK ? info.rows > 0 : code != TD_MISSING; /* forgotten a moment ago */
        td_bronze_info_free(&info);
        if (rows)
            return true;
    }
    return false;
}

/* Files without rows that tell of nothing but this unit's days. */
static void forget_unit(const struct td_job *job, const struct ingest_unit *unit)
{
    const struct ingest *in = job->data;
    struct td_buf path;
    td_buf_init(&path, 2048);
    for (int32_t month = td_month_of(unit->from); month <= td_month_of(unit->to); month++) {
        struct td_bronze_info info;
        bool own = td_bronze_stat(job->engine->lake, in->table, unit->ticker, month, &info, NULL) == TD_OK && info.rows == 0;
        for (size_t i = 0; own && i < info.vouched.count; i++)
            own = info.vouched.items[i].from >= unit->from && info.vouched.items[i].to <= unit->to;
        td_bronze_info_free(&info);
        if (own && td_bronze_path(job->engine->lake, in->table, unit->ticker, month, &path, NULL) == TD_OK)
            unlink(path.data);
    }
    td_buf_free(&path);
}

/* Where the vendor had nothing for any of the tickers they are rather misspelt than untraded: a name that the lake has no bar of
 * leaves no files behind, which would make it one of the lake's own tickers. */
static enum td_code ingest_finish(struct td_job *job, bool clean, struct td_err *err)
{
    const struct ingest *in = job->data;
    struct td_bronze_list list = {0};
    if (!clean || job->counts.empty == 0 || job->counts.empty != job->unit_count)
        return TD_OK;
    enum td_code code = td_bronze_scan(job->engine->lake, in->table, &list, err);
    for (size_t i = 0; code == TD_OK && i < in->unit_count; i++)
        if (!has_rows(job, &list, in->units[i].ticker))
            forget_unit(job, &in->units[i]);
    td_bronze_list_free(&list);
    return code;
}

static const struct job_ops ingest_ops = {.kind = "ingest", .begin = ingest_begin, .step = ingest_step, .finish = ingest_finish, .end = ingest_end,
                                          .free = ingest_free, .extra = ingest_extra};

/* ---- planning ---- */

static enum td_code add_unit(struct td_job *job, const char *ticker, td_day from, td_day to, struct td_err *err)
{
    struct ingest *in = job->data;
    int32_t first = td_cal_index_at_or_after(from), last = td_cal_index_at_or_before(to);
    if (first < 0 || last < first)
        return TD_OK; /* no session: nothing to ask for */
    if (in->unit_count >= UNITS_MAX)
        return td_fail(err, TD_LIMIT, "more than %d units; ask for fewer tickers or months at a time", UNITS_MAX);
    enum td_code code = td_grow(&in->units, &in->unit_cap, in->unit_count + 1, sizeof *in->units, err);
    if (code != TD_OK)
        return code;
    struct ingest_unit *unit = &in->units[in->unit_count];
    *unit = (struct ingest_unit){.from = from, .to = to};
    td_copy(unit->ticker, sizeof unit->ticker, ticker);
    in->unit_count++;
    char key[64];
    td_snprintf(key, sizeof key, in->table == TD_STOCKS_DAILY ? "%s %04d" : "%s %04d-%02d", ticker, td_month_of(from) / 12,
                td_month_of(from) % 12 + 1);
    return job_add_unit(job, key, (uint64_t)(last - first + 1), err);
}

static enum td_code plan_ticker(struct td_job *job, const char *ticker, td_day from, td_day to, struct td_err *err)
{
    struct ingest *in = job->data;
    if (!td_ticker_valid(ticker))
        return td_fail(err, TD_USAGE, "--tickers: '%.40s' is no ticker", ticker);
    int32_t step = in->table == TD_STOCKS_DAILY ? 12 : 1;
    enum td_code code = TD_OK;
    for (int32_t month = td_month_of(from) / step * step; code == TD_OK && month <= td_month_of(to); month += step) {
        td_day first = td_month_first(month), last = td_month_last(month + step - 1);
        code = add_unit(job, ticker, first > from ? first : from, last < to ? last : to, err);
    }
    return code;
}

/* The lake's own list: every ticker that bronze knows. */
enum td_code job_lake_tickers(struct td_engine *engine, struct td_names *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (enum td_table table = 0; code == TD_OK && table < TD_TABLE_COUNT; table++) {
        struct td_bronze_list list = {0};
        code = td_bronze_scan(engine->lake, table, &list, err);
        for (size_t i = 0; code == TD_OK && i < list.count; i++)
            if (i == 0 || strcmp(list.items[i].ticker, list.items[i - 1].ticker) != 0)
                code = td_names_add(out, list.items[i].ticker, strlen(list.items[i].ticker), err);
        td_bronze_list_free(&list);
    }
    td_names_sort_unique(out);
    if (code == TD_OK && out->count == 0)
        code = td_fail(err, TD_USAGE, "no tickers: the lake has none yet; name them with --tickers A,B or --tickers-file FILE");
    return code;
}

static enum td_code plan(struct td_job *job, const struct td_ingest_options *options, struct td_err *err)
{
    struct td_names names = {0};
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < options->ticker_count; i++)
        code = td_names_add(&names, options->tickers[i], strlen(options->tickers[i]), err);
    td_names_sort_unique(&names);
    if (code == TD_OK && options->ticker_count == 0)
        code = job_lake_tickers(job->engine, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++)
        code = plan_ticker(job, names.items[i], options->from, options->to, err);
    char from[16], to[16];
    td_format_day(options->from, from);
    td_format_day(options->to, to);
    job_set_range(job, options->from, options->to);
    td_snprintf(job->title, sizeof job->title, "%s %s..%s  %zu tickers", options->table, from, to, names.count);
    td_names_free(&names);
    return code;
}

static enum td_code ingest_copy(struct ingest *in, const struct td_ingest_options *options, struct td_err *err)
{
    in->incremental = options->incremental;
    in->max_concurrent = options->max_concurrent ? options->max_concurrent : 16;
    in->retries = options->retries;
    in->timeout_s = options->timeout_s;
    in->base_url = td_strdup(options->base_url);
    in->key = options->key ? td_strdup(options->key) : NULL;
    if (!in->base_url || (options->key && !in->key))
        return td_fail(err, TD_NOMEM, "out of memory: an ingest job");
    return TD_OK;
}

enum td_code td_job_ingest(struct td_engine *engine, const struct td_ingest_options *options, int *id, struct td_err *err)
{
    if (strcmp(options->table, "splits") == 0 || strcmp(options->table, "tickers") == 0)
        return job_start_reference(engine, options, id, err);
    if (strcmp(options->table, "renames") == 0)
        return job_start_renames(engine, options, id, err);
    enum td_table table;
    if (!td_table_parse(options->table, &table))
        return td_fail(err, TD_USAGE, "-t %s: not one of stocks_minute, stocks_daily, splits, tickers, renames", options->table);
    if (options->to < options->from)
        return td_fail(err, TD_USAGE, "the range ends before it begins");
    struct ingest *in = td_calloc(1, sizeof *in);
    struct td_job *job = NULL;
    enum td_code code = in ? job_new(engine, &ingest_ops, in, &job, err) : td_fail(err, TD_NOMEM, "out of memory: an ingest job");
    if (code != TD_OK) {
        td_free(in);
        return code;
    }
    in->table = table;
    td_copy(job->dataset, sizeof job->dataset, options->table);
    code = ingest_copy(in, options, err);
    if (code == TD_OK)
        code = plan(job, options, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    job->max_active = job_fit(engine, in->max_concurrent, UNIT_BYTES);
    return job_start(job, id, err);
}
