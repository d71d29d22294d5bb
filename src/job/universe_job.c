/* SPDX-License-Identifier: GPL-3.0-or-later
 * universe build and topn: daily rows to watchlists and rankings. The screen is applied while the caches are read (ticker
 * first); what is listed is sorted by session; a unit is one session's watchlist (date first). */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include "job_internal.h"

#define WINDOW 252
#define ACTIVE_SESSIONS 5

struct universe_data {
    struct td_universe_job options;
    char types[128], exchanges[128]; /* the membership's texts */
    char thresholds[17], preset[16];
    struct td_manifest manifest; /* begin..end, read-only for workers */
    struct td_watch_row *rows;   /* listed rows by session, rvol30 and ticker; read-only for workers */
    size_t count, cap;
    td_day *days;    /* of the units */
    int8_t *traded;  /* by unit: does the cache have any row of the session? An unknown session gets no list */
    td_day first, last; /* sessions of the cache */
};

static int compare_rows(const void *a, const void *b)
{
    const struct td_watch_row *x = a, *y = b;
    if (x->trading_day != y->trading_day)
        return x->trading_day < y->trading_day ? -1 : 1;
    return td_watch_compare(a, b);
}

static struct td_reference reference_of(const struct job_reference *tables, const char *ticker, td_day day)
{
    size_t n;
    struct td_reference out = {.test_ticker = -1};
    const struct td_ticker_row *rows = job_reference_find(&tables->tickers, ticker, &n);
    const struct td_ticker_row *best = NULL;
    for (size_t i = 0; i < n; i++) { /* the listing that was alive on the day; symbols are re-used */
        bool begun = rows[i].list_date == TD_NO_DAY || rows[i].list_date <= day;
        bool ended = rows[i].delisted != TD_NO_DAY && rows[i].delisted < day;
        if (begun && !ended && (!best || rows[i].list_date >= best->list_date))
            best = &rows[i];
    }
    if (best) {
        out.type = *best->type ? best->type : NULL;
        out.exchange = *best->exchange ? best->exchange : NULL;
    }
    return out;
}

static enum td_code screen_ticker(const struct td_job *job, struct universe_data *uni, const struct job_reference *tables,
                                  const char *ticker, struct td_err *err)
{
    struct td_rows daily = {0};
    enum td_code code = td_cache_read(job->engine->lake, ticker, &daily, err);
    if (code == TD_MISSING || code == TD_DATA)
        td_context(err, "cache and manifest disagree, run 'tapedeck cache build'");
    const struct td_daily_row *rows = daily.items;
    for (size_t i = 0; code == TD_OK && i < daily.count; i++) {
        struct td_watch_row listed;
        if (rows[i].trading_day < uni->options.from || rows[i].trading_day > uni->options.to)
            continue;
        int32_t session = td_cal_index(rows[i].trading_day);
        if (session >= 0) /* preset seed has rows on other days, which have no list */
            uni->traded[session - td_cal_index_at_or_after(uni->options.from)] = 1;
        struct td_reference reference = reference_of(tables, ticker, rows[i].trading_day);
        if (!td_screen_row(&uni->options.screen, &rows[i], &reference, &listed))
            continue;
        code = td_grow(&uni->rows, &uni->cap, uni->count + 1, sizeof *uni->rows, err);
        if (code == TD_OK)
            uni->rows[uni->count++] = listed;
    }
    td_rows_free(&daily);
    return code;
}

static enum td_code universe_begin(struct td_job *job, struct td_err *err)
{
    struct universe_data *uni = job->data;
    struct job_reference tables = {0};
    uint64_t removed;
    enum td_code code = td_lake_sweep(job->engine->lake, "universe/info_rich", &removed, err);
    if (code == TD_OK && !uni->options.rankings_only)
        code = job_reference_load(job->engine->lake, &tables, err);
    uni->count = 0;
    for (size_t i = 0; code == TD_OK && !uni->options.rankings_only && i < uni->manifest.count; i++)
        code = screen_ticker(job, uni, &tables, uni->manifest.entries[i].ticker, err);
    job_reference_free(&tables);
    if (code == TD_OK && uni->count > 1)
        qsort(uni->rows, uni->count, sizeof *uni->rows, compare_rows);
    return code;
}

static void universe_end(struct td_job *job)
{
    struct universe_data *uni = job->data;
    td_free(uni->rows);
    uni->rows = NULL;
    uni->count = uni->cap = 0;
}

static void universe_free(struct td_job *job)
{
    struct universe_data *uni = job->data;
    universe_end(job);
    td_manifest_free(&uni->manifest);
    td_free(uni->days);
    td_free(uni->traded);
    td_free(uni);
}

static size_t first_row(const struct universe_data *uni, td_day day)
{
    size_t low = 0, high = uni->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (uni->rows[mid].trading_day < day)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* ---- rankings ---- */

struct ranking {
    struct td_topn_row *rows; /* by ticker while it grows */
    size_t count, cap;
};

static struct td_topn_row *ranked(struct ranking *ranking, const char *ticker, struct td_err *err)
{
    size_t low = 0, high = ranking->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(ranking->rows[mid].ticker, ticker) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < ranking->count && strcmp(ranking->rows[low].ticker, ticker) == 0)
        return &ranking->rows[low];
    if (td_grow(&ranking->rows, &ranking->cap, ranking->count + 1, sizeof *ranking->rows, err) != TD_OK)
        return NULL;
    memmove(ranking->rows + low + 1, ranking->rows + low, (ranking->count - low) * sizeof *ranking->rows);
    ranking->count++;
    struct td_topn_row *row = &ranking->rows[low];
    *row = (struct td_topn_row){.last_seen = TD_NO_DAY};
    td_copy(row->ticker, sizeof row->ticker, ticker);
    return row;
}

static enum td_code rank_day(const struct td_job *job, td_day day, struct ranking *ranking, struct td_err *err)
{
    const struct universe_data *uni = job->data;
    struct td_rows list = {0};
    char thresholds[17], preset[16], text[16];
    enum td_code code = td_watch_meta(job->engine->lake, day, thresholds, preset, err);
    td_format_day(day, text);
    if (code == TD_OK && strcmp(preset, uni->preset) != 0)
        code = td_fail(err, TD_DATA,
                       "watchlist of %s was built from a cache of preset '%s', now it is '%s'; rankings never mix: run 'tapedeck universe "
                       "build -s %s' to rebuild it",
                       text, preset, uni->preset, text);
    if (code == TD_OK && strcmp(thresholds, uni->thresholds) != 0)
        code = td_fail(err, TD_DATA,
                       "watchlist of %s was built with other thresholds (%s, now %s); rankings never mix: run 'tapedeck universe "
                       "build -s %s' to rebuild it",
                       text, thresholds, uni->thresholds, text);
    if (code == TD_OK)
        code = td_watch_read(job->engine->lake, day, &list, NULL, err);
    const struct td_watch_row *rows = list.items;
    for (size_t i = 0; code == TD_OK && i < list.count; i++) {
        if (td_flags_parse(rows[i].flags) & TD_FLAG(PARTIAL_SESSION))
            continue;
        struct td_topn_row *row = ranked(ranking, rows[i].ticker, err);
        if (!row)
            code = TD_NOMEM;
        else {
            row->days_info_rich_252 += rows[i].info_rich == 1;
            row->last_seen = day;
        }
    }
    if (code == TD_OK)
        td_rows_free(&list);
    return code;
}

/* Has the ticker a cache row within the last sessions of the window? */
static bool active_at(const struct td_job *job, const char *ticker, int32_t last_index)
{
    const struct universe_data *uni = job->data;
    const struct td_cache_entry *entry = td_manifest_find(&uni->manifest, ticker);
    td_day since = td_cal_day(last_index - ACTIVE_SESSIONS + 1), until = td_cal_day(last_index);
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

static enum td_code nothing_to_rank(const struct td_days *built, td_day as_of, struct td_err *err)
{
    char day[16], first[16], last[16];
    td_format_day(as_of, day);
    td_format_day(built->items[0], first);
    td_format_day(built->items[built->count - 1], last);
    return td_fail(err, TD_MISSING, "no watchlist lies in the %d sessions that end at %s; there are lists of %s..%s", WINDOW, day, first, last);
}

static enum td_code rank_window(struct td_job *job, const struct td_days *built, td_day as_of, uint64_t *ranked_count, struct td_err *err)
{
    struct universe_data *uni = job->data;
    struct ranking ranking = {0};
    int32_t last = td_cal_index_at_or_before(as_of);
    td_day first_day = last - WINDOW + 1 >= 0 ? td_cal_day(last - WINDOW + 1) : td_cal_first();
    uint32_t covered = 0;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < built->count; i++) {
        if (built->items[i] < first_day || built->items[i] > as_of)
            continue;
        covered++;
        code = rank_day(job, built->items[i], &ranking, err);
    }
    if (code == TD_OK && covered == 0)
        code = nothing_to_rank(built, as_of, err);
    for (size_t i = 0; code == TD_OK && i < ranking.count; i++) {
        ranking.rows[i].sessions_covered = covered;
        ranking.rows[i].active = active_at(job, ranking.rows[i].ticker, last);
    }
    if (code == TD_OK && ranking.count > 1)
        qsort(ranking.rows, ranking.count, sizeof *ranking.rows, td_topn_compare);
    for (size_t i = 0; code == TD_OK && i < ranking.count; i++)
        ranking.rows[i].rank = (uint32_t)i + 1;
    if (code == TD_OK)
        code = td_topn_write(job->engine->lake, ranking.rows, ranking.count, uni->options.top_k, uni->thresholds, as_of, err);
    *ranked_count = ranking.count;
    td_free(ranking.rows);
    return code;
}

/* A rebuilt cache may span fewer sessions than it did: lists of the others say what no cache says any more, and do not count. */
static void drop_outside(const struct universe_data *uni, struct td_days *built)
{
    size_t kept = 0;
    for (size_t i = 0; i < built->count; i++)
        if (built->items[i] >= uni->first && built->items[i] <= uni->last)
            built->items[kept++] = built->items[i];
    if (kept < built->count)
        td_log(TD_LOG_WARN, "job", "%zu watchlists lie outside the sessions of the cache and are left out of the rankings",
               built->count - kept);
    built->count = kept;
}

/* The last unit of a build: rankings over what is on disk, then the manifest as the commit. */
static void rank_unit(struct td_job *job, struct job_result *result)
{
    struct universe_data *uni = job->data;
    struct td_days built = {0};
    struct td_err err = {0};
    enum td_code code = td_watch_days(job->engine->lake, &built, &err);
    if (code == TD_OK)
        drop_outside(uni, &built);
    if (code == TD_OK && built.count == 0)
        code = td_fail(&err, TD_MISSING, "no watchlists to rank; run 'tapedeck universe build' first");
    if (code == TD_OK) {
        td_day last = built.items[built.count - 1], as_of = uni->options.as_of != TD_NO_DAY ? uni->options.as_of : last;
        code = rank_window(job, &built, as_of, &result->rows_written, &err);
        if (code == TD_OK)
            code = td_universe_commit(job->engine->lake, uni->thresholds, uni->preset, built.count, last, &err);
    }
    result->rows_read = result->rows_written;
    result->state = result->rows_written ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    td_days_free(&built);
}

static enum job_step universe_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct universe_data *uni = job->data;
    if (index + 1 == job->unit_count) {
        rank_unit(job, result);
        return JOB_STEP_DONE;
    }
    td_day day = uni->days[index];
    if (!uni->traded[index]) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "the cache has no row of this session");
        return JOB_STEP_DONE;
    }
    size_t from = first_row(uni, day), to = first_row(uni, day + 1);
    struct td_err err = {0};
    enum td_code code =
        td_watch_write(job->engine->lake, day, uni->rows + from, to - from, uni->thresholds, uni->preset, &err);
    result->rows_read = to - from;
    result->rows_written = to - from;
    result->state = to > from ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    return JOB_STEP_DONE;
}

static const struct job_ops universe_ops = {.kind = "universe", .begin = universe_begin, .step = universe_step,
                                            .end = universe_end, .free = universe_free};

/* ---- planning ---- */

/* Open ends become the first and last session of the cache. */
static enum td_code settle_range(struct universe_data *uni, struct td_err *err)
{
    td_day first = INT32_MAX, last = TD_NO_DAY;
    for (size_t i = 0; i < uni->manifest.count; i++) {
        const struct td_cache_entry *entry = &uni->manifest.entries[i];
        if (entry->rows == 0)
            continue;
        first = entry->first < first ? entry->first : first;
        last = entry->last > last ? entry->last : last;
    }
    if (last == TD_NO_DAY)
        return td_fail(err, TD_MISSING, "the daily cache is empty; run 'tapedeck ingest' or 'tapedeck import', then 'tapedeck cache build'");
    uni->first = first;
    uni->last = last;
    if (uni->options.from == TD_NO_DAY || uni->options.from < first)
        uni->options.from = first;
    if (uni->options.to == TD_NO_DAY || uni->options.to > last)
        uni->options.to = last;
    return TD_OK;
}

static enum td_code plan(struct td_job *job, struct td_err *err)
{
    struct universe_data *uni = job->data;
    char from[16], to[16];
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
    uni->traded = td_calloc((size_t)(last - first + 1), sizeof *uni->traded);
    if (!uni->days || !uni->traded)
        return td_fail(err, TD_NOMEM, "out of memory: a universe job");
    enum td_code code = TD_OK;
    for (int32_t i = first; code == TD_OK && i <= last; i++) {
        char key[16];
        uni->days[i - first] = td_cal_day(i);
        td_format_day(td_cal_day(i), key);
        code = job_add_unit(job, key, 1, err);
    }
    job->tail = 1;
    return code == TD_OK ? job_add_unit(job, "topN_12m", 1, err) : code;
}

static enum td_code read_manifest(struct td_job *job, struct td_err *err)
{
    struct universe_data *uni = job->data;
    enum td_code code = td_manifest_read(job->engine->lake, &uni->manifest, err);
    if (code == TD_MISSING)
        return td_fail(err, TD_MISSING, "%s: no daily cache yet; run 'tapedeck cache build' first", td_lake_root(job->engine->lake));
    if (code == TD_OK && uni->manifest.stopped)
        return td_fail(err, TD_MISSING, "%s: the newest cache build was stopped before its end; finish it with 'tapedeck cache build --incremental'",
                       td_lake_root(job->engine->lake));
    td_copy(uni->preset, sizeof uni->preset, uni->manifest.preset);
    return code;
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
    if (!td_copy(uni->types, sizeof uni->types, options->screen.membership.types) ||
        !td_copy(uni->exchanges, sizeof uni->exchanges, options->screen.membership.exchanges))
        code = td_fail(err, TD_CONFIG, "membership.types or membership.exchanges is too long");
    uni->options.screen.membership.types = uni->types;
    uni->options.screen.membership.exchanges = uni->exchanges;
    td_screen_hash(&uni->options.screen, uni->thresholds);
    td_copy(job->dataset, sizeof job->dataset, "universe");
    if (code == TD_OK)
        code = read_manifest(job, err);
    if (code == TD_OK)
        code = settle_range(uni, err);
    if (code == TD_OK)
        code = plan(job, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}
