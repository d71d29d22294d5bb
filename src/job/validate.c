/* SPDX-License-Identifier: GPL-3.0-or-later
 * validate: a job that reads a sample of tickers (or all), counts their days anew from bronze, and scores coverage,
 * consistency, continuity and ranking. A unit is a ticker. Nothing in the lake is changed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "validate.h"

#define FINDINGS_MAX 1000 /* a check keeps */

static enum td_code validate_begin(struct td_job *job, struct td_err *err)
{
    struct validation *val = job->data;
    const struct td_lake *lake = job->engine->lake;
    enum td_code code = job_reference_load(lake, &val->reference, err);
    if (code == TD_OK)
        code = caps_settle(lake, "", false, &val->caps, err);
    if (code == TD_OK)
        code = ranking_read(lake, val, err);
    return code;
}

static void validate_end(struct td_job *job)
{
    struct validation *val = job->data;
    job_reference_free(&val->reference);
    caps_free(&val->caps);
    ranking_free(&val->ranking);
}

static void validate_free(struct td_job *job)
{
    struct validation *val = job->data;
    validate_end(job);
    for (size_t t = 0; t < TD_TABLE_COUNT; t++)
        td_bronze_list_free(&val->files[t]);
    td_manifest_free(&val->manifest);
    td_names_free(&val->tickers);
    td_validate_report_free(&val->report);
    td_free(val);
}

/* ---- the report ---- */

/* By check, the worst first; equal ones by ticker and day, so that the order never depends on the workers. */
static int worse_first(const void *a, const void *b)
{
    const struct td_finding *x = a, *y = b;
    if (x->check != y->check)
        return x->check < y->check ? -1 : 1;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    int order = strcmp(x->ticker, y->ticker);
    if (order)
        return order;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return strcmp(x->what, y->what);
}

static void keep_worst(struct td_validate_report *report)
{
    size_t kept = 0, of_check = 0;
    if (report->finding_count > 1)
        qsort(report->findings, report->finding_count, sizeof *report->findings, worse_first);
    for (size_t i = 0; i < report->finding_count; i++) {
        of_check = i && report->findings[i].check == report->findings[i - 1].check ? of_check + 1 : 1;
        if (of_check <= FINDINGS_MAX)
            report->findings[kept++] = report->findings[i];
    }
    report->finding_count = kept;
}

/* Engine lock held. */
static enum td_code take_verdict(struct validation *val, const struct verdict *verdict, struct td_err *err)
{
    struct td_validate_report *report = &val->report;
    for (size_t c = 0; c < TD_CHECK_COUNT; c++) {
        report->checks[c].judged += verdict->judged[c];
        report->checks[c].good += verdict->good[c];
    }
    val->continuity_there += verdict->there; /* whole minutes: their sum does not depend on the order */
    val->continuity_missed += verdict->missed;
    if (report->finding_count + verdict->count > 8 * FINDINGS_MAX)
        keep_worst(report);
    enum td_code code = td_grow(&report->findings, &report->finding_cap, report->finding_count + verdict->count,
                                sizeof *report->findings, err);
    if (code == TD_OK && verdict->count) {
        memcpy(report->findings + report->finding_count, verdict->findings, verdict->count * sizeof *verdict->findings);
        report->finding_count += verdict->count;
    }
    return code;
}

static double score_of(const struct validation *val, enum td_check check)
{
    const struct td_check_score *score = &val->report.checks[check];
    double there = val->continuity_there, all = there + val->continuity_missed;
    if (check == TD_CHECK_CONTINUITY)
        return all > 0 ? 100 * there / all : TD_NO_F64;
    return score->judged ? 100 * (double)score->good / (double)score->judged : TD_NO_F64;
}

/* What a person reads first: "coverage 100.00, consistency 99.98, ..." */
static void summary(const struct td_validate_report *report, bool below_only, char *out, size_t size)
{
    size_t n = 0;
    *out = 0;
    for (size_t c = 0; c < TD_CHECK_COUNT && n < size; c++) {
        const struct td_check_score *score = &report->checks[c];
        if (isnan(score->score) || (below_only && score->score >= score->threshold))
            continue;
        /* rounded down: 100.00 is for nothing wrong at all */
        td_snprintf(out + n, size - n, "%s%s %.2f", n ? ", " : "", td_check_name((enum td_check)c), floor(score->score * 100) / 100);
        n += strlen(out + n);
    }
}

static enum td_code conclude(struct validation *val, struct td_err *err)
{
    static const char *const nothing[TD_CHECK_COUNT] = {
        "no session of these tickers lies in the range", "no day is both in bronze and in the cache", "no row comes from minute bars", ""};
    struct td_validate_report *report = &val->report;
    char below[200];
    double sum = 0;
    unsigned judged = 0;
    for (size_t c = 0; c < TD_CHECK_COUNT; c++) {
        struct td_check_score *score = &report->checks[c];
        score->score = score_of(val, (enum td_check)c);
        td_copy(score->note, sizeof score->note, c == TD_CHECK_RANKING ? val->ranking.note : isnan(score->score) ? nothing[c] : "");
        if (isnan(score->score))
            continue;
        sum += score->score;
        judged++;
    }
    report->score = judged ? sum / judged : TD_NO_F64;
    keep_worst(report);
    if (isnan(report->checks[TD_CHECK_COVERAGE].score) && isnan(report->checks[TD_CHECK_CONSISTENCY].score))
        return td_fail(err, TD_MISSING, "nothing to validate: neither bronze nor cache has a session of these tickers in the range");
    summary(report, true, below, sizeof below);
    return *below ? td_fail(err, TD_UNITS, "below the threshold: %s", below) : TD_OK;
}

static void log_findings(const struct td_validate_report *report)
{
    char text[200];
    summary(report, false, text, sizeof text);
    td_log(TD_LOG_INFO, "validate", "%s; %zu findings", text, report->finding_count);
    for (size_t i = 0, of_check = 0; i < report->finding_count; i++) {
        const struct td_finding *f = &report->findings[i];
        char day[16] = "";
        of_check = i && f->check == f[-1].check ? of_check + 1 : 1;
        if (of_check > 5)
            continue;
        if (f->day != TD_NO_DAY)
            td_format_day(f->day, day);
        td_log(TD_LOG_WARN, "validate", "%s %s %s %s: expected %g, found %g; %s", td_check_name(f->check), f->ticker, day, f->what,
               f->expected, f->found, f->note);
    }
}

static enum td_code validate_finish(struct td_job *job, bool clean, struct td_err *err)
{
    struct validation *val = job->data;
    struct td_manifest now = {0};
    struct verdict verdict = {0};
    if (!clean)
        return TD_OK;
    enum td_code code = td_manifest_read(job->engine->lake, &now, err);
    if (code == TD_OK && now.generation != val->manifest.generation)
        code = td_fail(err, TD_LOCKED, "the cache was built anew while it was validated; run it again");
    if (code == TD_OK && !val->ordered)
        code = check_ranking_order(job->engine->lake, val, &verdict, err);
    pthread_mutex_lock(&job->engine->lock);
    if (code == TD_OK)
        code = take_verdict(val, &verdict, err);
    val->ordered = val->ordered || code == TD_OK;
    if (code == TD_OK)
        code = conclude(val, err);
    if (code == TD_OK)
        summary(&val->report, false, job->message, sizeof job->message);
    pthread_mutex_unlock(&job->engine->lock);
    if (code == TD_OK || code == TD_UNITS)
        log_findings(&val->report); /* nobody writes it any more */
    td_free(verdict.findings);
    td_manifest_free(&now);
    return code;
}

/* ---- a unit ---- */

static enum td_code read_cached(const struct td_lake *lake, const char *ticker, struct td_rows *out, struct td_err *err)
{
    struct td_err why = {0};
    enum td_code code = td_cache_read(lake, ticker, out, &why);
    if (code == TD_MISSING) {
        *out = (struct td_rows){0};
        return TD_OK; /* coverage will say that nothing is cached */
    }
    if (code != TD_OK && err)
        *err = why;
    return code;
}

static enum job_step validate_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct validation *val = job->data;
    const struct td_lake *lake = job->engine->lake;
    const char *ticker = val->tickers.items[index];
    struct td_rows cached = {0};
    struct proof proof = {0};
    struct verdict verdict = {0};
    struct td_err err = {0};
    enum td_code code = read_cached(lake, ticker, &cached, &err);
    if (code == TD_OK)
        code = proof_make(lake, val, ticker, &cached, &proof, &err);
    if (code == TD_OK)
        code = check_coverage(val, ticker, &proof, &cached, &verdict, &err);
    if (code == TD_OK)
        code = check_consistency(val, ticker, &proof, &cached, &verdict, &err);
    if (code == TD_OK)
        code = check_continuity(val, ticker, &proof, &verdict, &err);
    if (code == TD_OK)
        code = check_ranking(val, ticker, &proof, &cached, &verdict, &err);
    pthread_mutex_lock(&job->engine->lock);
    if (code == TD_OK)
        code = take_verdict(val, &verdict, &err);
    val->report.tickers += code == TD_OK;
    pthread_mutex_unlock(&job->engine->lock);
    result->rows_read = proof.rows;
    result->bytes = proof.bytes;
    result->state = verdict.judged[TD_CHECK_COVERAGE] || verdict.judged[TD_CHECK_CONSISTENCY] ? TD_UNIT_OK : TD_UNIT_EMPTY;
    td_copy(result->why, sizeof result->why, proof.trouble);
    if (code != TD_OK)
        job_fail(result, code, &err);
    td_rows_free(&cached);
    proof_free(&proof);
    td_free(verdict.findings);
    return JOB_STEP_DONE;
}

static const struct job_ops validate_ops = {.kind = "validate", .begin = validate_begin, .step = validate_step,
                                            .finish = validate_finish, .end = validate_end, .free = validate_free};

/* ---- planning ---- */

static enum td_code all_tickers(const struct validation *val, struct td_names *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < val->manifest.count; i++)
        code = td_names_add(out, val->manifest.entries[i].ticker, strlen(val->manifest.entries[i].ticker), err);
    for (size_t t = 0; code == TD_OK && t < TD_TABLE_COUNT; t++) {
        const struct td_bronze_list *list = &val->files[t];
        if ((enum td_table)t == TD_STOCKS_MINUTE ? !val->minute_rows : !val->day_rows)
            continue;
        for (size_t i = 0; code == TD_OK && i < list->count; i++)
            if (i == 0 || strcmp(list->items[i].ticker, list->items[i - 1].ticker) != 0)
                code = td_names_add(out, list->items[i].ticker, strlen(list->items[i].ticker), err);
    }
    td_names_sort_unique(out);
    return code;
}

struct lot {
    uint64_t number;
    const char *ticker;
};

static int by_lot(const void *a, const void *b)
{
    const struct lot *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->ticker, y->ticker);
}

/* A ticker's lot depends on the seed and its name alone: a lake that grows draws mostly the same ones. */
static enum td_code draw(const struct td_names *all, size_t sample, uint64_t seed, struct td_names *out, struct td_err *err)
{
    size_t count = sample && sample < all->count ? sample : all->count;
    struct lot *lots = td_malloc((all->count + 1) * sizeof *lots);
    enum td_code code = lots ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: a draw of %zu tickers", all->count);
    for (size_t i = 0; code == TD_OK && i < all->count; i++)
        lots[i] = (struct lot){td_mix64(td_hash64(all->items[i], strlen(all->items[i]), seed)), all->items[i]};
    if (code == TD_OK && all->count > 1)
        qsort(lots, all->count, sizeof *lots, by_lot);
    for (size_t i = 0; code == TD_OK && i < count; i++)
        code = td_names_add(out, lots[i].ticker, strlen(lots[i].ticker), err);
    td_names_sort_unique(out);
    td_free(lots);
    return code;
}

static enum td_code choose_tickers(struct validation *val, const struct td_validate_job *options, struct td_err *err)
{
    struct td_names all = {0};
    enum td_code code = all_tickers(val, &all, err);
    val->report.known = all.count;
    for (size_t i = 0; code == TD_OK && i < options->ticker_count; i++)
        code = td_ticker_valid(options->tickers[i])
                   ? td_names_add(&val->tickers, options->tickers[i], strlen(options->tickers[i]), err)
                   : td_fail(err, TD_USAGE, "--tickers: '%.40s' is no ticker", options->tickers[i]);
    td_names_sort_unique(&val->tickers);
    if (code == TD_OK && options->ticker_count == 0)
        code = draw(&all, options->sample, options->seed, &val->tickers, err);
    td_names_free(&all);
    if (code == TD_OK && val->tickers.count == 0)
        code = td_fail(err, TD_MISSING, "nothing to validate: the lake knows no ticker; bring bars in with 'tapedeck ingest'");
    return code;
}

static uint64_t bytes_of(const struct validation *val, const char *ticker)
{
    uint64_t bytes = 0;
    for (size_t t = 0; t < TD_TABLE_COUNT; t++) {
        const struct td_bronze_list *list = &val->files[t];
        size_t low = 0, high = list->count;
        while (low < high) {
            size_t mid = (low + high) / 2;
            if (strcmp(list->items[mid].ticker, ticker) < 0)
                low = mid + 1;
            else
                high = mid;
        }
        for (; low < list->count && strcmp(list->items[low].ticker, ticker) == 0; low++)
            bytes += list->items[low].bytes;
    }
    return bytes;
}

static enum td_code read_manifest(struct validation *val, const struct td_lake *lake, struct td_err *err)
{
    enum td_code code = td_manifest_read(lake, &val->manifest, err);
    if (code == TD_MISSING)
        return td_fail(err, TD_MISSING, "nothing to validate: %s has no daily cache yet; run 'tapedeck cache build' first",
                       td_lake_root(lake));
    val->preset = strcmp(val->manifest.preset, "seed") == 0 ? TD_PRESET_SEED : TD_PRESET_SESSION;
    val->minute_rows = strcmp(val->manifest.bars, "day") != 0;
    val->day_rows = strcmp(val->manifest.bars, "minute") != 0;
    val->first = INT32_MAX;
    val->last = TD_NO_DAY;
    for (size_t i = 0; i < val->manifest.count; i++) {
        const struct td_cache_entry *entry = &val->manifest.entries[i];
        if (entry->rows == 0)
            continue;
        val->first = entry->first < val->first ? entry->first : val->first;
        val->last = entry->last > val->last ? entry->last : val->last;
    }
    val->last_over = job_last_over();
    return code;
}

static enum td_code plan(struct td_job *job, const struct td_validate_job *options, struct td_err *err)
{
    struct validation *val = job->data;
    const struct td_lake *lake = job->engine->lake;
    enum td_code code = read_manifest(val, lake, err);
    if (code == TD_OK && val->minute_rows)
        code = *val->intraday ? td_intraday_scan(val->intraday, &val->files[TD_STOCKS_MINUTE], err)
                              : td_bronze_scan(lake, TD_STOCKS_MINUTE, &val->files[TD_STOCKS_MINUTE], err);
    if (code == TD_OK)
        code = td_bronze_scan(lake, TD_STOCKS_DAILY, &val->files[TD_STOCKS_DAILY], err);
    if (code == TD_OK)
        code = choose_tickers(val, options, err);
    for (size_t i = 0; code == TD_OK && i < val->tickers.count; i++)
        code = job_add_unit(job, val->tickers.items[i], bytes_of(val, val->tickers.items[i]), err);
    job_set_range(job, options->from, options->to);
    td_snprintf(job->title, sizeof job->title, "%zu of %llu tickers", val->tickers.count, (unsigned long long)val->report.known);
    return code;
}

enum td_code td_job_validate(struct td_engine *engine, const struct td_validate_job *options, int *id, struct td_err *err)
{
    struct validation *val = td_calloc(1, sizeof *val);
    struct td_job *job = NULL;
    enum td_code code = val ? job_new(engine, &validate_ops, val, &job, err) : td_fail(err, TD_NOMEM, "out of memory: a validate job");
    if (code != TD_OK) {
        td_free(val);
        return code;
    }
    val->options = *options;
    val->options.tickers = NULL; /* val->tickers holds the copies */
    val->options.intraday = NULL;
    for (size_t c = 0; c < TD_CHECK_COUNT; c++)
        val->report.checks[c] = (struct td_check_score){.score = TD_NO_F64, .threshold = options->threshold[c]};
    val->report.score = TD_NO_F64;
    if (!td_copy(val->types, sizeof val->types, options->screen.membership.types) ||
        !td_copy(val->exchanges, sizeof val->exchanges, options->screen.membership.exchanges))
        code = td_fail(err, TD_CONFIG, "membership.types or membership.exchanges is too long");
    if (options->intraday && !td_copy(val->intraday, sizeof val->intraday, options->intraday))
        code = td_fail(err, TD_USAGE, "--intraday-root: the path is too long");
    val->options.screen.membership.types = val->types;
    val->options.screen.membership.exchanges = val->exchanges;
    td_screen_hash(&val->options.screen, val->thresholds);
    if (code == TD_OK)
        code = plan(job, options, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}

/* ---- handing the report out ---- */

enum td_code td_job_validated(struct td_engine *engine, int id, struct td_validate_report *out, struct td_err *err)
{
    enum td_code code = TD_USAGE;
    *out = (struct td_validate_report){0};
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; i < engine->job_count; i++) {
        const struct td_job *job = engine->jobs[i];
        if (job->id != id || job->ops != &validate_ops || job->state < TD_JOB_DONE)
            continue;
        const struct validation *val = job->data;
        *out = val->report;
        out->findings = NULL;
        out->finding_count = out->finding_cap = 0;
        code = td_grow(&out->findings, &out->finding_cap, val->report.finding_count + 1, sizeof *out->findings, err);
        if (code == TD_OK && val->report.finding_count)
            memcpy(out->findings, val->report.findings, val->report.finding_count * sizeof *out->findings);
        out->finding_count = code == TD_OK ? val->report.finding_count : 0;
    }
    pthread_mutex_unlock(&engine->lock);
    return code == TD_USAGE ? td_fail(err, TD_USAGE, "job %d is no ended validation", id) : code;
}

void td_validate_report_free(struct td_validate_report *report)
{
    td_free(report->findings);
    *report = (struct td_validate_report){0};
}
