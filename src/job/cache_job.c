/* SPDX-License-Identifier: GPL-3.0-or-later
 * cache build: bronze bars to daily rows, a ticker a unit. Full and incremental runs are this one path: an incremental unit
 * whose inputs hash to what the manifest remembers is skipped, any other is computed anew from all its bars. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "caps.h"
#include "job_internal.h"

#define MAX_SPLITS 512

struct cache_unit { /* runs of the two scans that belong to the ticker */
    size_t minute_at, minute_count, day_at, day_count;
    char ticker[TD_TICKER_MAX];
};

struct cache_data {
    struct td_cache_job options;
    char cap_file[1024];
    struct td_bronze_list minutes, days;
    struct cache_unit *units;
    size_t unit_count, unit_cap;
    struct job_reference reference; /* begin..end, read-only for workers */
    struct caps caps;               /* likewise */
    td_day last_over;
    struct td_manifest before; /* as found; read-only for workers */
    struct td_manifest after;  /* engine lock */
};

static const char *preset_name(enum td_preset preset)
{
    return preset == TD_PRESET_SEED ? "seed" : "session";
}

static const char *bars_name(enum td_bars_mode bars)
{
    return bars == TD_BARS_MINUTE ? "minute" : bars == TD_BARS_DAY ? "day" : "auto";
}

/* One cache, one preset: what the manifest names holds unless --rebuild is given. */
static enum td_code settle_preset(struct cache_data *cache, bool have, struct td_err *err)
{
    struct td_cache_job *o = &cache->options;
    if (!have || o->rebuild)
        return TD_OK;
    enum td_preset preset = strcmp(cache->before.preset, "seed") == 0 ? TD_PRESET_SEED : TD_PRESET_SESSION;
    enum td_bars_mode bars = strcmp(cache->before.bars, "minute") == 0 ? TD_BARS_MINUTE
                             : strcmp(cache->before.bars, "day") == 0  ? TD_BARS_DAY
                                                                       : TD_BARS_AUTO;
    if (o->preset_given && o->preset != preset)
        return td_fail(err, TD_USAGE, "the cache holds preset '%s'; a cache holds one: build '%s' with --rebuild",
                       cache->before.preset, preset_name(o->preset));
    if (o->bars_given && o->bars != bars)
        return td_fail(err, TD_USAGE, "the cache was built with --bars %s; build with --bars %s by --rebuild", cache->before.bars,
                       bars_name(o->bars));
    o->preset = preset;
    o->bars = bars;
    return TD_OK;
}

static enum td_code cache_begin(struct td_job *job, struct td_err *err)
{
    struct cache_data *cache = job->data;
    struct td_lake *lake = job->engine->lake;
    struct td_err none = {0};
    cache->last_over = job_last_over();
    enum td_code code = td_manifest_read(lake, &cache->before, &none);
    bool have = code == TD_OK;
    if (code == TD_MISSING || (code == TD_DATA && cache->options.rebuild))
        code = TD_OK;
    else if (code != TD_OK && err)
        *err = none;
    if (code == TD_OK)
        code = settle_preset(cache, have, err);
    if (code == TD_OK)
        code = job_reference_load(lake, &cache->reference, err);
    if (code == TD_OK && *cache->cap_file)
        code = caps_load(cache->cap_file, &cache->caps, err);
    for (size_t i = 0; code == TD_OK && have && i < cache->before.count; i++)
        code = td_manifest_put(&cache->after, &cache->before.entries[i], err);
    uint64_t removed;
    if (code == TD_OK)
        code = td_lake_sweep(lake, "cache/daily", &removed, err);
    cache->after.generation = cache->before.generation + 1;
    td_copy(cache->after.preset, sizeof cache->after.preset, preset_name(cache->options.preset));
    td_copy(cache->after.bars, sizeof cache->after.bars, bars_name(cache->options.bars));
    return code;
}

static void cache_end(struct td_job *job)
{
    struct cache_data *cache = job->data;
    job_reference_free(&cache->reference);
    caps_free(&cache->caps);
    td_manifest_free(&cache->before);
    td_manifest_free(&cache->after);
}

static void cache_free(struct td_job *job)
{
    struct cache_data *cache = job->data;
    cache_end(job);
    td_bronze_list_free(&cache->minutes);
    td_bronze_list_free(&cache->days);
    td_free(cache->units);
    td_free(cache);
}

/* ---- the context of a ticker ---- */

struct ticker_facts { /* arrays behind a td_daily_context */
    struct td_split splits[MAX_SPLITS];
    struct td_cap_interval *caps;
    struct td_ranges vouched;
    td_day breaks[64], renames[16];
};

static int compare_days(const void *a, const void *b)
{
    td_day x = *(const td_day *)a, y = *(const td_day *)b;
    return (x > y) - (x < y);
}

static enum td_code gather_facts(const struct cache_data *cache, const char *ticker, struct ticker_facts *facts,
                                 struct td_daily_context *context, struct td_err *err)
{
    size_t n, listings, moves, caps_count = 0;
    const struct td_split_row *splits = job_reference_find(&cache->reference.splits, ticker, &n);
    for (size_t i = 0; i < n && context->split_count < MAX_SPLITS; i++)
        facts->splits[context->split_count++] =
            (struct td_split){splits[i].execution_date, splits[i].split_to / splits[i].split_from};
    for (size_t i = 1; i < context->split_count; i++) /* few: insertion keeps them by day */
        for (size_t k = i; k > 0 && facts->splits[k].day < facts->splits[k - 1].day; k--) {
            struct td_split swap = facts->splits[k];
            facts->splits[k] = facts->splits[k - 1];
            facts->splits[k - 1] = swap;
        }
    const struct td_ticker_row *rows = job_reference_find(&cache->reference.tickers, ticker, &listings);
    for (size_t i = 0; i < listings && context->life_break_count + 2 <= TD_COUNT(facts->breaks); i++) {
        if (rows[i].list_date != TD_NO_DAY)
            facts->breaks[context->life_break_count++] = rows[i].list_date;
        if (rows[i].delisted != TD_NO_DAY)
            facts->breaks[context->life_break_count++] = rows[i].delisted + 1;
    }
    qsort(facts->breaks, context->life_break_count, sizeof(td_day), compare_days);
    const struct td_rename_row *renames = job_reference_find(&cache->reference.renames, ticker, &moves);
    for (size_t i = 0; i < moves && context->rename_count < TD_COUNT(facts->renames); i++)
        facts->renames[context->rename_count++] = renames[i].day;
    qsort(facts->renames, context->rename_count, sizeof(td_day), compare_days);
    const struct td_rows cap_table = {.items = cache->caps.rows, .count = cache->caps.count, .size = sizeof(struct cap_row)};
    const struct cap_row *caps = job_reference_find(&cap_table, ticker, &caps_count);
    if (caps_count) {
        facts->caps = td_calloc(caps_count, sizeof *facts->caps);
        if (!facts->caps)
            return td_fail(err, TD_NOMEM, "%s: out of memory", ticker);
        for (size_t i = 0; i < caps_count; i++)
            facts->caps[i] = caps[i].interval;
    }
    context->splits = facts->splits;
    context->caps = facts->caps;
    context->cap_count = caps_count;
    context->life_breaks = facts->breaks;
    context->renames = facts->renames;
    return TD_OK;
}

static void free_facts(struct ticker_facts *facts)
{
    td_free(facts->caps);
    td_ranges_free(&facts->vouched);
}

/* The bars of the symbol before a rename decide rows too. */
static enum td_code old_symbol_hash(const struct td_job *job, const char *ticker, uint64_t *h, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    size_t n;
    const struct td_rename_row *moves = job_reference_find(&cache->reference.renames, ticker, &n);
    enum td_code code = TD_OK;
    for (int32_t month = n ? td_month_of(moves[n - 1].day - 120) : 1; code == TD_OK && n && month <= td_month_of(moves[n - 1].day); month++)
        for (enum td_table table = 0; code == TD_OK && table < TD_TABLE_COUNT; table++) {
            struct td_bronze_info info;
            code = td_bronze_stat(job->engine->lake, table, moves[n - 1].old_ticker, month, &info, err);
            uint64_t part[] = {(uint64_t)month, code == TD_OK ? info.hash : 0};
            *h = td_hash64(part, sizeof part, *h);
            td_bronze_info_free(&info);
            if (code == TD_MISSING)
                code = TD_OK;
        }
    return code;
}

/* Hash of all that decides the rows of a ticker, from file footers alone. */
static enum td_code inputs_hash(const struct td_job *job, const struct cache_unit *unit, const struct ticker_facts *facts,
                                const struct td_daily_context *context, uint64_t *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_bronze_file *const lists[] = {cache->minutes.items + unit->minute_at, cache->days.items + unit->day_at};
    const size_t counts[] = {unit->minute_count, unit->day_count};
    int32_t setup[] = {(int32_t)cache->options.preset, (int32_t)cache->options.bars, cache->options.partial, 1 /* rules version */};
    uint64_t h = td_hash64(setup, sizeof setup, 7);
    td_day newest = TD_NO_DAY;
    enum td_code code = TD_OK;
    for (size_t t = 0; t < TD_COUNT(lists); t++)
        for (size_t i = 0; code == TD_OK && i < counts[t]; i++) {
            struct td_bronze_info info;
            code = td_bronze_stat(job->engine->lake, (enum td_table)t, unit->ticker, lists[t][i].month, &info, err);
            uint64_t part[] = {t, (uint64_t)lists[t][i].month, info.hash};
            h = td_hash64(part, sizeof part, h);
            if (info.last_day > newest)
                newest = info.last_day;
            td_bronze_info_free(&info);
        }
    td_day admitted = newest < cache->last_over ? newest : cache->last_over; /* a session that ended since changes the rows */
    h = td_hash64(&admitted, sizeof admitted, h);
    for (size_t i = 0; i < context->split_count; i++) {
        double split[] = {(double)facts->splits[i].day, facts->splits[i].factor};
        h = td_hash64(split, sizeof split, h);
    }
    for (size_t i = 0; i < context->cap_count; i++) {
        double cap[] = {(double)facts->caps[i].from, (double)facts->caps[i].to, facts->caps[i].cap};
        h = td_hash64(cap, sizeof cap, h);
    }
    h = td_hash64(facts->breaks, context->life_break_count * sizeof(td_day), h);
    h = td_hash64(facts->renames, context->rename_count * sizeof(td_day), h);
    if (code == TD_OK)
        code = old_symbol_hash(job, unit->ticker, &h, err);
    *out = h;
    return code;
}

/* ---- building one ticker ---- */

static void cut_after(struct td_bars *bars, td_day last)
{
    if (last == TD_NO_DAY)
        bars->n = 0;
    else
        bars->n = td_bars_lower_bound(bars, td_ny_midnight(last + 1));
}

/* Feed every file of one table, one file at a time into reused arrays. Bars of sessions still running are held back. */
static enum td_code feed_files(const struct td_job *job, const struct td_bronze_file *files, size_t count, enum td_table table,
                               struct td_daily_builder *builder, struct job_result *result, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    struct td_bars bars = {0};
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        bars.n = 0;
        code = td_bronze_read(job->engine->lake, table, files[i].ticker, files[i].month, &bars, NULL, err);
        if (code != TD_OK)
            break;
        result->rows_read += bars.n;
        result->bytes += files[i].bytes;
        if (!cache->options.partial)
            cut_after(&bars, cache->last_over);
        code = table == TD_STOCKS_DAILY ? td_daily_days(builder, &bars, err) : td_daily_minutes(builder, &bars, err);
    }
    td_bars_free(&bars);
    return code;
}

static enum td_code gather_vouched(const struct td_job *job, const struct cache_unit *unit, struct td_ranges *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_bronze_file *const lists[] = {cache->minutes.items + unit->minute_at, cache->days.items + unit->day_at};
    const size_t counts[] = {unit->minute_count, unit->day_count};
    enum td_code code = TD_OK;
    for (size_t t = 0; t < TD_COUNT(lists); t++)
        for (size_t i = 0; code == TD_OK && i < counts[t]; i++) {
            struct td_bronze_info info;
            code = td_bronze_stat(job->engine->lake, (enum td_table)t, unit->ticker, lists[t][i].month, &info, err);
            for (size_t k = 0; code == TD_OK && k < info.vouched.count; k++)
                code = td_ranges_add(out, info.vouched.items[k].from, info.vouched.items[k].to, err);
            td_bronze_info_free(&info);
        }
    return code;
}

/* With -s/-e only the rows inside the range are taken from the new ones; all others stay as they are on disk. */
static enum td_code merge_range(const struct td_job *job, const char *ticker, const struct td_daily_row *rows, size_t count,
                                struct td_rows *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    td_day from = cache->options.from, to = cache->options.to == TD_NO_DAY ? INT32_MAX : cache->options.to;
    struct td_rows old = {0};
    struct td_err none = {0};
    enum td_code code = td_cache_read(job->engine->lake, ticker, &old, &none);
    if (code == TD_MISSING)
        code = TD_OK;
    else if (code != TD_OK && err)
        *err = none;
    *out = (struct td_rows){.size = sizeof *rows};
    const struct td_daily_row *kept = old.items;
    for (size_t i = 0, k = 0; code == TD_OK && (i < old.count || k < count);) {
        bool take_old = k == count || (i < old.count && kept[i].trading_day < rows[k].trading_day);
        const struct td_daily_row *row = take_old ? &kept[i] : &rows[k];
        bool inside = row->trading_day >= from && row->trading_day <= to;
        if (!take_old && !inside && i < old.count && kept[i].trading_day == row->trading_day) {
            row = &kept[i];
            take_old = true;
        }
        if (!take_old && i < old.count && kept[i].trading_day == rows[k].trading_day)
            i++;
        if (take_old && k < count && kept[i].trading_day == rows[k].trading_day)
            k++;
        bool keep = take_old ? !inside : inside;
        if (keep) {
            code = td_grow(&out->items, &out->cap, out->count + 1, sizeof *row, err);
            if (code == TD_OK) {
                struct td_daily_row *slot = (struct td_daily_row *)out->items + out->count++;
                *slot = *row;
                slot->bars_from = strcmp(row->bars_from ? row->bars_from : "", "day") == 0 ? "day" : "minute";
                slot->close_src = !row->close_src                           ? NULL
                                  : strcmp(row->close_src, "daily") == 0    ? "daily"
                                  : strcmp(row->close_src, "regular") == 0  ? "regular"
                                                                            : "last";
            }
        }
        i += take_old;
        k += !take_old;
    }
    td_rows_free(&old);
    return code;
}

static enum td_code write_rows(struct td_job *job, const struct cache_unit *unit, const struct td_daily_row *rows, size_t count,
                               uint64_t inputs, struct job_result *result, struct td_err *err)
{
    struct cache_data *cache = job->data;
    struct td_cache_entry entry = {.inputs = inputs, .rows = count, .first = TD_NO_DAY, .last = TD_NO_DAY};
    td_copy(entry.ticker, sizeof entry.ticker, unit->ticker);
    if (count) {
        entry.first = rows[0].trading_day;
        entry.last = rows[count - 1].trading_day;
    }
    enum td_code code =
        td_cache_write(job->engine->lake, unit->ticker, rows, count, preset_name(cache->options.preset), &entry.bytes, err);
    if (code == TD_OK) {
        pthread_mutex_lock(&job->engine->lock);
        code = td_manifest_put(&cache->after, &entry, err);
        pthread_mutex_unlock(&job->engine->lock);
    }
    result->rows_written = count;
    result->state = count ? TD_UNIT_OK : TD_UNIT_EMPTY;
    return code;
}

/* Rows of the company under its old symbol, so that a known rename chains both. */
static enum td_code old_symbol_rows(struct td_job *job, const struct cache_data *cache, const char *ticker, struct td_rows *out,
                                    struct td_err *err)
{
    size_t n;
    const struct td_rename_row *moves = job_reference_find(&cache->reference.renames, ticker, &n);
    *out = (struct td_rows){0};
    if (n == 0)
        return TD_OK;
    const struct td_rename_row *move = &moves[n - 1];
    static const enum td_table tables[] = {TD_STOCKS_MINUTE, TD_STOCKS_DAILY};
    struct td_daily_context context = {.ticker = move->old_ticker, .preset = cache->options.preset,
                                       .minute = cache->options.bars != TD_BARS_DAY, .day_bars = cache->options.bars != TD_BARS_MINUTE};
    struct ticker_facts facts = {0};
    struct td_daily_builder *builder = NULL;
    struct td_bars bars[2] = {{0}, {0}};
    struct td_daily_row *rows = NULL;
    size_t count = 0;
    td_day from = move->day - 120;
    enum td_code code = gather_facts(cache, move->old_ticker, &facts, &context, err);
    for (size_t t = 0; code == TD_OK && t < TD_COUNT(tables); t++)
        code = td_bronze_range(job->engine->lake, tables[t], move->old_ticker, from, move->day - 1, &bars[t], &facts.vouched, err);
    context.vouched = facts.vouched.items;
    context.vouched_count = facts.vouched.count;
    if (code == TD_OK)
        code = td_daily_new(&context, &builder, err);
    if (code == TD_OK)
        code = td_daily_minutes(builder, &bars[0], err);
    if (code == TD_OK)
        code = td_daily_days(builder, &bars[1], err);
    if (code == TD_OK)
        code = td_daily_finish(builder, NULL, 0, &rows, &count, err);
    if (code == TD_OK && count) {
        code = td_grow(&out->items, &out->cap, count, sizeof *rows, err);
        if (code == TD_OK)
            memcpy(out->items, rows, count * sizeof *rows);
        out->count = code == TD_OK ? count : 0;
    }
    td_daily_free(builder);
    td_bars_free(&bars[0]);
    td_bars_free(&bars[1]);
    free_facts(&facts);
    return code;
}

static enum td_code build_ticker(struct td_job *job, const struct cache_unit *unit, const struct td_daily_context *context,
                                 uint64_t inputs, struct job_result *result, struct td_err *err)
{
    struct cache_data *cache = job->data;
    struct td_daily_builder *builder = NULL;
    struct td_rows history = {0}, merged = {0};
    struct td_daily_row *rows = NULL;
    size_t count = 0;
    enum td_code code = td_daily_new(context, &builder, err);
    if (code == TD_OK)
        code = feed_files(job, cache->minutes.items + unit->minute_at, unit->minute_count, TD_STOCKS_MINUTE, builder, result, err);
    if (code == TD_OK)
        code = feed_files(job, cache->days.items + unit->day_at, unit->day_count, TD_STOCKS_DAILY, builder, result, err);
    if (code == TD_OK)
        code = old_symbol_rows(job, cache, unit->ticker, &history, err);
    if (code == TD_OK) {
        td_daily_skipped(builder, &result->off_hours, &result->no_session);
        code = td_daily_finish(builder, history.items, history.count, &rows, &count, err);
    }
    if (code == TD_OK) {
        bool ranged = cache->options.from != TD_NO_DAY || cache->options.to != TD_NO_DAY;
        if (ranged)
            code = merge_range(job, unit->ticker, rows, count, &merged, err);
        if (code == TD_OK) /* a ranged build leaves inputs unknown: the next incremental run looks again */
            code = write_rows(job, unit, ranged ? merged.items : rows, ranged ? merged.count : count, ranged ? 0 : inputs, result, err);
    }
    td_daily_free(builder);
    td_rows_free(&history);
    td_rows_free(&merged);
    return code;
}

static bool unchanged(const struct td_job *job, const struct cache_unit *unit, uint64_t inputs)
{
    const struct cache_data *cache = job->data;
    const struct td_cache_entry *entry = td_manifest_find(&cache->before, unit->ticker);
    struct td_buf path;
    td_buf_init(&path, 2048);
    bool same = cache->options.incremental && !cache->options.rebuild && entry && entry->inputs == inputs &&
                td_cache_path(job->engine->lake, unit->ticker, &path, NULL) == TD_OK && td_file_exists(path.data);
    td_buf_free(&path);
    return same;
}

static enum job_step cache_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct cache_data *cache = job->data;
    const struct cache_unit *unit = &cache->units[index];
    struct td_err err = {0};
    struct ticker_facts facts = {0};
    struct td_daily_context context = {.ticker = unit->ticker, .preset = cache->options.preset,
                                       .minute = cache->options.bars != TD_BARS_DAY, .day_bars = cache->options.bars != TD_BARS_MINUTE};
    uint64_t inputs = 0;
    context.running = cache->options.partial ? td_cal_day(td_cal_index_at_or_before(cache->last_over) + 1) : TD_NO_DAY;
    enum td_code code = gather_facts(cache, unit->ticker, &facts, &context, &err);
    if (code == TD_OK)
        code = inputs_hash(job, unit, &facts, &context, &inputs, &err);
    if (code == TD_OK && unchanged(job, unit, inputs)) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "unchanged");
    } else if (code == TD_OK) {
        code = gather_vouched(job, unit, &facts.vouched, &err);
        context.vouched = facts.vouched.items;
        context.vouched_count = facts.vouched.count;
        if (code == TD_OK)
            code = build_ticker(job, unit, &context, inputs, result, &err);
    }
    if (code != TD_OK)
        job_fail(result, code, &err);
    free_facts(&facts);
    return JOB_STEP_DONE;
}

static enum td_code cache_finish(struct td_job *job, bool clean, struct td_err *err)
{
    struct cache_data *cache = job->data;
    (void)clean; /* units that ended are on disk and in the manifest also after a stop: the next run goes on from there */
    return td_manifest_write(job->engine->lake, &cache->after, err);
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
        bytes += 24;
    for (; *d < cache->days.count && strcmp(cache->days.items[*d].ticker, unit.ticker) == 0; (*d)++, unit.day_count++)
        bytes += 1;
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
                            : td_bronze_scan(lake, TD_STOCKS_MINUTE, &cache->minutes, err);
    if (code == TD_OK)
        code = td_bronze_scan(lake, TD_STOCKS_DAILY, &cache->days, err);
    for (size_t m = 0, d = 0; code == TD_OK && (m < cache->minutes.count || d < cache->days.count);) {
        bool minute = m < cache->minutes.count && (d == cache->days.count || strcmp(cache->minutes.items[m].ticker, cache->days.items[d].ticker) <= 0);
        code = add_ticker(job, minute ? cache->minutes.items[m].ticker : cache->days.items[d].ticker, &m, &d, err);
    }
    if (code == TD_OK && cache->unit_count == 0)
        code = td_fail(err, TD_MISSING, "%s: no bars to build from; bring some in with 'tapedeck ingest' or 'tapedeck import'", td_lake_root(lake));
    td_snprintf(job->title, sizeof job->title, "daily cache  %zu tickers%s", cache->unit_count,
                cache->options.incremental ? "  incremental" : "");
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
    cache->options.cap_file = NULL;
    if (options->cap_file && !td_copy(cache->cap_file, sizeof cache->cap_file, options->cap_file))
        code = td_fail(err, TD_USAGE, "--cap: the path is too long");
    td_copy(job->dataset, sizeof job->dataset, "cache_daily");
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
