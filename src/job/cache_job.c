/* SPDX-License-Identifier: GPL-3.0-or-later
 * cache build: bronze bars to daily rows, a ticker a unit. Full and incremental runs are this one path: an incremental unit
 * whose inputs hash to what the manifest remembers is skipped, any other is computed anew from all its bars. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cache_job.h"

const char *cache_preset_name(enum td_preset preset)
{
    return preset == TD_PRESET_SEED ? "seed" : "session";
}

const char *cache_bars_name(enum td_bars_mode bars)
{
    return bars == TD_BARS_MINUTE ? "minute" : bars == TD_BARS_DAY ? "day" : "auto";
}

/* One cache, one preset: what the manifest names holds unless --rebuild is given. */
static enum td_code settle_preset(struct cache_data *cache, bool have, struct td_err *err)
{
    struct td_cache_job *o = &cache->options;
    bool ranged = o->from != TD_NO_DAY || o->to != TD_NO_DAY;
    cache->forget = !ranged && (have || o->rebuild);
    cache->anew = have && o->rebuild &&
                  (strcmp(cache->before.preset, cache_preset_name(o->preset)) != 0 || strcmp(cache->before.bars, cache_bars_name(o->bars)) != 0);
    if (cache->anew && ranged)
        return td_fail(err, TD_USAGE, "the cache holds preset '%s' with --bars %s; a range of days cannot hold another: rebuild it whole, "
                       "without -s and -e", cache->before.preset, cache->before.bars);
    if (!have || o->rebuild)
        return TD_OK;
    enum td_preset preset = strcmp(cache->before.preset, "seed") == 0 ? TD_PRESET_SEED : TD_PRESET_SESSION;
    enum td_bars_mode bars = strcmp(cache->before.bars, "minute") == 0 ? TD_BARS_MINUTE
                             : strcmp(cache->before.bars, "day") == 0  ? TD_BARS_DAY
                                                                       : TD_BARS_AUTO;
    if (o->preset_given && o->preset != preset)
        return td_fail(err, TD_USAGE, "the cache holds preset '%s'; a cache holds one: build '%s' with --rebuild",
                       cache->before.preset, cache_preset_name(o->preset));
    if (o->bars_given && o->bars != bars)
        return td_fail(err, TD_USAGE, "the cache was built with --bars %s; build with --bars %s by --rebuild", cache->before.bars,
                       cache_bars_name(o->bars));
    o->preset = preset;
    o->bars = bars;
    return TD_OK;
}

static bool is_planned(const struct cache_data *cache, const char *ticker)
{
    size_t low = 0, high = cache->unit_count; /* units are by ticker */
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(cache->units[mid].ticker, ticker);
        if (order == 0) /* with --bars day minutes give nothing */
            return cache->options.bars != TD_BARS_DAY || cache->units[mid].day_count > 0;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

/* Were any of the ticker's rows made from minutes that lie outside the lake? */
static bool made_outside(const struct cache_data *cache, const char *ticker)
{
    struct cache_months months = {0};
    struct td_cache_entry entry;
    struct td_buf text;
    bool outside = false;
    td_buf_init(&text, 4 << 20);
    if (td_cache_stat(cache->lake, ticker, &entry, "tapedeck.inputs", &text, NULL) == TD_OK && text.len &&
        cache_months_parse(text.data, &months))
        for (size_t i = 0; i < months.count; i++)
            outside |= months.items[i].outside;
    cache_months_free(&months);
    td_buf_free(&text);
    return outside;
}

/* What the manifest knew goes on, but for tickers that have no bars any more: a cache says what its bars say, whether it was made
 * anew or day by day. A range of days decides nothing about whole tickers, and a build that was not told of another lake's minutes
 * does not know that they are gone. When most tickers would go, a disk that is not mounted is likelier than a market that ended:
 * that takes --rebuild. */
static enum td_code take_over_entries(struct cache_data *cache, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < cache->before.count; i++) {
        const struct td_cache_entry *entry = &cache->before.entries[i];
        if (!cache->forget || is_planned(cache, entry->ticker) ||
            (!cache->options.rebuild && !*cache->intraday && made_outside(cache, entry->ticker)))
            code = td_manifest_put(&cache->after, entry, err);
    }
    cache->gone = cache->before.count - cache->after.count;
    if (code == TD_OK && !cache->options.rebuild && cache->gone > 10 && cache->gone > cache->before.count / 2)
        code = td_fail(err, TD_DATA,
                       "%s: %zu of the cache's %zu tickers have no bars any more, and the cache stands as it was; bring the bars back, or "
                       "let the tickers go with 'tapedeck cache build --rebuild'",
                       td_lake_root(cache->lake), cache->gone, cache->before.count);
    return code;
}

static enum td_code cache_begin(struct td_job *job, struct td_err *err)
{
    struct cache_data *cache = job->data;
    struct td_lake *lake = job->engine->lake;
    struct td_err none = {0};
    cache->last_over = job_last_over();
    enum td_code code = td_manifest_read(cache->lake, &cache->before, &none);
    bool have = code == TD_OK;
    if (code == TD_MISSING || (code == TD_DATA && cache->options.rebuild))
        code = TD_OK;
    else if (code != TD_OK && err)
        *err = none;
    if (code == TD_OK)
        code = settle_preset(cache, have, err);
    if (code == TD_OK)
        code = job_reference_load(lake, &cache->reference, err);
    if (code == TD_OK)
        code = caps_settle(lake, cache->cap_file, cache->lake == lake, &cache->caps, err);
    cache->after.generation = cache->before.generation + 1;
    td_copy(cache->after.preset, sizeof cache->after.preset, cache_preset_name(cache->options.preset));
    td_copy(cache->after.bars, sizeof cache->after.bars, cache_bars_name(cache->options.bars));
    if (code == TD_OK && cache->anew) /* a kill from here on leaves files that no manifest names, rather than two presets in one */
        code = td_manifest_write(cache->lake, &cache->after, err);
    if (code == TD_OK && have && !cache->anew)
        code = take_over_entries(cache, err);
    uint64_t removed;
    if (code == TD_OK)
        code = td_cache_sweep(cache->lake, &removed, err);
    if (code == TD_OK && cache->lake == lake) /* another folder's build does not hold the lock of these */
        code = td_lake_sweep(lake, "bronze/market_caps", &removed, err);
    if (code == TD_OK && cache->options.incremental)
        td_seen_read(cache->lake, &cache->known);
    return code;
}

static void cache_end(struct td_job *job)
{
    struct cache_data *cache = job->data;
    job_reference_free(&cache->reference);
    caps_free(&cache->caps);
    td_manifest_free(&cache->before);
    td_manifest_free(&cache->after);
    td_seen_free(&cache->known);
    td_seen_free(&cache->seen);
    while (cache->spare) {
        struct cache_work *work = cache->spare;
        cache->spare = work->next;
        td_bronze_reader_free(work->reader);
        td_bars_free(&work->bars);
        td_free(work);
    }
}

static void cache_free(struct td_job *job)
{
    struct cache_data *cache = job->data;
    cache_end(job);
    td_bronze_list_free(&cache->minutes);
    td_bronze_list_free(&cache->days);
    td_free(cache->units);
    if (cache->lake != job->engine->lake)
        td_lake_close(cache->lake);
    td_free(cache);
}

static struct cache_work *take_work(struct td_job *job)
{
    struct cache_data *cache = job->data;
    pthread_mutex_lock(&job->engine->lock);
    struct cache_work *work = cache->spare;
    if (work)
        cache->spare = work->next;
    pthread_mutex_unlock(&job->engine->lock);
    if (work)
        return work;
    work = td_calloc(1, sizeof *work);
    if (work && td_bronze_reader_new(&work->reader, NULL) != TD_OK) {
        td_free(work);
        work = NULL;
    }
    return work;
}

static void give_work(struct td_job *job, struct cache_work *work)
{
    struct cache_data *cache = job->data;
    pthread_mutex_lock(&job->engine->lock);
    work->next = cache->spare;
    cache->spare = work;
    pthread_mutex_unlock(&job->engine->lock);
}

static enum job_step cache_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct cache_data *cache = job->data;
    struct td_err err = {0};
    struct cache_work *work = take_work(job);
    enum td_code code = work ? cache_rows_step(job, &cache->units[index], work, result, &err)
                             : td_fail(&err, TD_NOMEM, "out of memory: a reader of bars");
    if (code != TD_OK)
        job_fail(result, code, &err);
    if (work)
        give_work(job, work);
    return JOB_STEP_DONE;
}

/* The files of a ticker below the cache's folder, and its own; what stays is reported by status --verify. */
static void remove_ticker(const char *folder, const char *name)
{
    static const char *const files[] = {"/_SUCCESS", "/daily.parquet", ""};
    char path[1400];
    for (size_t k = 0; k < TD_COUNT(files); k++)
        if (td_snprintf(path, sizeof path, "%s/%s%s", folder, name, files[k]))
            remove(path);
}

static void say_gone(struct td_job *job, size_t count)
{
    pthread_mutex_lock(&job->engine->lock);
    td_snprintf(job->message, sizeof job->message, "%zu ticker%s without bars left the cache", count, count == 1 ? "" : "s");
    pthread_mutex_unlock(&job->engine->lock);
}

/* After a whole build: cache files that the manifest does not name. */
static enum td_code remove_strangers(const struct td_lake *lake, const struct td_manifest *manifest, struct td_err *err)
{
    struct td_buf folder;
    struct td_names names = {0};
    td_buf_init(&folder, 2048);
    enum td_code code = td_cache_folder(lake, &folder, err);
    if (code == TD_OK)
        code = td_dir_list(folder.data, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        char ticker[TD_TICKER_MAX];
        if (strncmp(names.items[i], "ticker=", 7) == 0 &&
            td_path_decode(names.items[i] + 7, strlen(names.items[i] + 7), ticker, sizeof ticker) && !td_manifest_find(manifest, ticker))
            remove_ticker(folder.data, names.items[i]);
    }
    td_names_free(&names);
    td_buf_free(&folder);
    return code;
}

static enum td_code cache_finish(struct td_job *job, bool clean, struct td_err *err)
{
    struct cache_data *cache = job->data;
    /* Units that ended are on disk and in the manifest also after a stop, so that the next run goes on from there; but the
     * manifest says that the build did not end. */
    cache->after.stopped = !clean;
    enum td_code code = td_manifest_write(cache->lake, &cache->after, err);
    if (code == TD_OK && clean && cache->lake == job->engine->lake && (cache->seen_news || cache->seen.count != cache->known.count))
        code = td_seen_write(cache->lake, &cache->seen, err);
    if (code == TD_OK && clean && cache->forget && job->counts.failed == 0)
        code = remove_strangers(cache->lake, &cache->after, err);
    if (code == TD_OK && clean && cache->gone)
        say_gone(job, cache->gone);
    return code;
}

static const struct job_ops cache_ops = {.kind = "cache", .begin = cache_begin, .step = cache_step, .finish = cache_finish,
                                         .end = cache_end, .free = cache_free};

/* ---- planning ---- */

static enum td_code add_ticker(struct td_job *job, const char *ticker, size_t *m, size_t *d, struct td_err *err)
{
    struct cache_data *cache = job->data;
    struct cache_unit unit = {.minute_at = *m, .day_at = *d};
    uint64_t bytes = 0;
    td_copy(unit.ticker, sizeof unit.ticker, ticker);
    for (; *m < cache->minutes.count && strcmp(cache->minutes.items[*m].ticker, unit.ticker) == 0; (*m)++, unit.minute_count++)
        bytes += cache->minutes.items[*m].bytes;
    for (; *d < cache->days.count && strcmp(cache->days.items[*d].ticker, unit.ticker) == 0; (*d)++, unit.day_count++)
        bytes += cache->days.items[*d].bytes;
    enum td_code code = td_grow(&cache->units, &cache->unit_cap, cache->unit_count + 1, sizeof unit, err);
    if (code == TD_OK) {
        cache->units[cache->unit_count++] = unit;
        code = job_add_unit(job, unit.ticker, bytes, err);
    }
    return code;
}

static enum td_code plan(struct td_job *job, struct td_err *err)
{
    struct cache_data *cache = job->data;
    struct td_lake *lake = job->engine->lake;
    /* With --bars minute daily bars still give the close and the gap check, with --bars day minutes give nothing. */
    enum td_code code = cache->options.bars_given && cache->options.bars == TD_BARS_DAY
                            ? TD_OK
                        : *cache->intraday ? td_intraday_scan(cache->intraday, &cache->minutes, err)
                                           : td_bronze_scan(lake, TD_STOCKS_MINUTE, &cache->minutes, err);
    if (code == TD_OK)
        code = td_bronze_scan(lake, TD_STOCKS_DAILY, &cache->days, err);
    for (size_t m = 0, d = 0; code == TD_OK && (m < cache->minutes.count || d < cache->days.count);) {
        bool minute = m < cache->minutes.count && (d == cache->days.count || strcmp(cache->minutes.items[m].ticker, cache->days.items[d].ticker) <= 0);
        code = add_ticker(job, minute ? cache->minutes.items[m].ticker : cache->days.items[d].ticker, &m, &d, err);
    }
    if (code == TD_OK && cache->unit_count == 0)
        code = td_fail(err, TD_MISSING, "%s: no bars to build from; bring some in with 'tapedeck ingest' or 'tapedeck import'", td_lake_root(lake));
    job_set_range(job, cache->options.from, cache->options.to);
    td_snprintf(job->title, sizeof job->title, "daily cache  %zu tickers%s", cache->unit_count,
                cache->options.incremental ? "  incremental" : "");
    return code;
}

/* --out: a folder of its own, which is new, empty, or such a cache already. Its lock is named after where it lies. */
static enum td_code settle_out(struct td_job *job, const char *folder, struct td_err *err)
{
    struct cache_data *cache = job->data;
    char own[1100], path[1400], real[PATH_MAX], real_own[PATH_MAX];
    struct td_names names = {0};
    enum td_code code = td_mkdirs(folder, err);
    if (code == TD_OK)
        code = td_dir_list(folder, &names, err);
    td_snprintf(own, sizeof own, "%s/cache/daily", td_lake_root(job->engine->lake));
    if (code == TD_OK && (!realpath(folder, real) || !td_snprintf(path, sizeof path, "%s/MANIFEST.json", folder)))
        code = td_fail(err, TD_USAGE, "--out %s: cannot be used", folder);
    if (code == TD_OK && realpath(own, real_own) && strcmp(real, real_own) == 0)
        code = td_fail(err, TD_USAGE, "--out %s: is the lake's own cache; leave --out away", folder);
    for (size_t i = 0; code == TD_OK && i < names.count && !td_file_exists(path); i++)
        if (strncmp(names.items[i], "ticker=", 7) != 0 && !td_is_temp_name(names.items[i])) /* a killed first build left only these */
            code = td_fail(err, TD_USAGE, "--out %s: holds '%.60s' and no MANIFEST.json, so it is no daily cache; name an empty folder", folder,
                           names.items[i]);
    td_names_free(&names);
    if (code == TD_OK)
        code = td_lake_with_cache(job->engine->lake, folder, &cache->lake, err);
    if (code == TD_OK)
        td_snprintf(job->dataset, sizeof job->dataset, "cache_out_%016llx", (unsigned long long)td_hash64(real, strlen(real), 0));
    return code;
}

enum td_code td_job_cache(struct td_engine *engine, const struct td_cache_job *options, int *id, struct td_err *err)
{
    struct cache_data *cache = td_calloc(1, sizeof *cache);
    struct td_job *job = NULL;
    enum td_code code = cache ? job_new(engine, &cache_ops, cache, &job, err) : td_fail(err, TD_NOMEM, "out of memory: a cache job");
    if (code != TD_OK) {
        td_free(cache);
        return code;
    }
    cache->options = *options;
    cache->options.cap_file = cache->options.out = cache->options.intraday = NULL;
    cache->lake = engine->lake;
    if (options->cap_file && !td_copy(cache->cap_file, sizeof cache->cap_file, options->cap_file))
        code = td_fail(err, TD_USAGE, "--cap: the path is too long");
    if (options->intraday && !td_copy(cache->intraday, sizeof cache->intraday, options->intraday))
        code = td_fail(err, TD_USAGE, "--intraday-root: the path is too long");
    td_copy(job->dataset, sizeof job->dataset, "cache_daily");
    if (code == TD_OK && options->out)
        code = settle_out(job, options->out, err);
    if (options->parallel)
        job->max_active = options->parallel;
    if (code == TD_OK)
        code = plan(job, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    return job_start(job, id, err);
}
