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
    bool forget; /* a whole rebuild: tickers without bars go */
    bool anew; /* another preset or other bars: nothing of the old cache may pass for the new one */
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
    bool ranged = o->from != TD_NO_DAY || o->to != TD_NO_DAY;
    cache->forget = o->rebuild && !ranged;
    cache->anew = have && o->rebuild &&
                  (strcmp(cache->before.preset, preset_name(o->preset)) != 0 || strcmp(cache->before.bars, bars_name(o->bars)) != 0);
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
                       cache->before.preset, preset_name(o->preset));
    if (o->bars_given && o->bars != bars)
        return td_fail(err, TD_USAGE, "the cache was built with --bars %s; build with --bars %s by --rebuild", cache->before.bars,
                       bars_name(o->bars));
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
        if (order == 0)
            return true;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
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
    if (code == TD_OK)
        code = caps_settle(lake, cache->cap_file, &cache->caps, err);
    cache->after.generation = cache->before.generation + 1;
    td_copy(cache->after.preset, sizeof cache->after.preset, preset_name(cache->options.preset));
    td_copy(cache->after.bars, sizeof cache->after.bars, bars_name(cache->options.bars));
    if (code == TD_OK && cache->anew) /* a kill from here on leaves files that no manifest names, rather than two presets in one */
        code = td_manifest_write(lake, &cache->after, err);
    for (size_t i = 0; code == TD_OK && have && !cache->anew && i < cache->before.count; i++)
        if (!cache->forget || is_planned(cache, cache->before.entries[i].ticker))
            code = td_manifest_put(&cache->after, &cache->before.entries[i], err);
    uint64_t removed;
    if (code == TD_OK)
        code = td_lake_sweep(lake, "cache/daily", &removed, err);
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

/* With --bars day minutes give nothing, not even what they vouch for: whether the option or the manifest says so. */
static size_t minute_count(const struct cache_data *cache, const struct cache_unit *unit)
{
    return cache->options.bars == TD_BARS_DAY ? 0 : unit->minute_count;
}

/* ---- the context of a ticker ---- */

struct ticker_facts { /* arrays behind a td_daily_context */
    struct td_split splits[MAX_SPLITS];
    struct td_cap_interval *caps;
    struct td_ranges vouched, incomplete;
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
        if (splits[i].split_from > 0 && splits[i].split_to > 0) /* another writer's file may hold anything */
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
    td_ranges_free(&facts->incomplete);
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
    const size_t counts[] = {minute_count(cache, unit), unit->day_count};
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

/* One price basis a ticker: files of a table must agree; daily bars of another basis than the minutes' make no row and no close. */
static enum td_code settle_basis(const struct td_bronze_file *file, bool beside_minutes, const char *have, char basis[16],
                                 bool *fits, struct td_err *err)
{
    *fits = !*basis || strcmp(basis, have) == 0;
    if (!*basis)
        td_copy(basis, 16, have);
    if (*fits || beside_minutes)
        return TD_OK;
    return td_fail(err, TD_DATA, "%s: bars of %04d-%02d are %s, earlier ones %s; price bases never mix: import one of them anew "
                   "with --replace", file->ticker, file->month / 12, file->month % 12 + 1, have, basis);
}

/* Feed every file of one table, one file at a time into reused arrays. Bars of sessions still running are held back. */
static enum td_code feed_files(const struct td_job *job, const struct td_bronze_file *files, size_t count, enum td_table table,
                               char basis[16], struct td_daily_builder *builder, struct job_result *result, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    struct td_bars bars = {0};
    bool beside_minutes = table == TD_STOCKS_DAILY && *basis;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        struct td_bronze_info info;
        bool fits = true;
        bars.n = 0;
        code = td_bronze_read(job->engine->lake, table, files[i].ticker, files[i].month, &bars, &info, err);
        if (code == TD_OK)
            code = settle_basis(&files[i], beside_minutes, info.adjusted, basis, &fits, err);
        td_bronze_info_free(&info);
        if (code != TD_OK)
            break;
        result->rows_read += bars.n;
        result->bytes += files[i].bytes;
        if (!fits) {
            td_copy(result->why, sizeof result->why, "daily bars of another price basis than the minutes' are left out");
            continue;
        }
        if (!cache->options.partial)
            cut_after(&bars, cache->last_over);
        code = table == TD_STOCKS_DAILY ? td_daily_days(builder, &bars, err) : td_daily_minutes(builder, &bars, err);
    }
    td_bars_free(&bars);
    return code;
}

/* Bars that the vendor gave for a session it had not finished, and that nobody asked for again: the file has them but does not
 * vouch for their days. (A sparse import vouches for nothing: there it is unknown whether anything is missing.) */
static enum td_code add_incomplete(const struct td_bronze_info *info, int32_t month, struct td_ranges *out, struct td_err *err)
{
    td_day end = info->vouched.count ? info->vouched.items[info->vouched.count - 1].to : td_month_first(month) - 1;
    if (strcmp(info->source, "rest") != 0 || info->last_day == TD_NO_DAY || info->last_day <= end)
        return TD_OK;
    return td_ranges_add(out, end + 1, info->last_day, err);
}

static enum td_code gather_vouched(const struct td_job *job, const struct cache_unit *unit, struct ticker_facts *facts, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_bronze_file *const lists[] = {cache->minutes.items + unit->minute_at, cache->days.items + unit->day_at};
    const size_t counts[] = {minute_count(cache, unit), unit->day_count};
    enum td_code code = TD_OK;
    for (size_t t = 0; t < TD_COUNT(lists); t++)
        for (size_t i = 0; code == TD_OK && i < counts[t]; i++) {
            struct td_bronze_info info;
            code = td_bronze_stat(job->engine->lake, (enum td_table)t, unit->ticker, lists[t][i].month, &info, err);
            for (size_t k = 0; code == TD_OK && k < info.vouched.count; k++)
                code = td_ranges_add(&facts->vouched, info.vouched.items[k].from, info.vouched.items[k].to, err);
            if (code == TD_OK && t == TD_STOCKS_MINUTE)
                code = add_incomplete(&info, lists[t][i].month, &facts->incomplete, err);
            td_bronze_info_free(&info);
        }
    return code;
}

/* Texts of a row read from a file die with it; these stay. */
static const char *static_text(const char *text)
{
    static const char *const known[] = {"minute", "day", "daily", "regular", "last"};
    for (size_t i = 0; text && i < TD_COUNT(known); i++)
        if (strcmp(text, known[i]) == 0)
            return known[i];
    return "?";
}

static enum td_code keep_row(struct td_rows *out, const struct td_daily_row *row, struct td_err *err)
{
    enum td_code code = td_grow(&out->items, &out->cap, out->count + 1, sizeof *row, err);
    if (code == TD_OK) {
        struct td_daily_row *slot = (struct td_daily_row *)out->items + out->count++;
        *slot = *row;
        slot->bars_from = static_text(row->bars_from);
        slot->close_src = static_text(row->close_src);
    }
    return code;
}

/* With -s/-e the rows inside the range are the new ones, those outside stay as they are on disk. */
static enum td_code merge_range(const struct td_job *job, const char *ticker, const struct td_daily_row *rows, size_t count,
                                struct td_rows *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    td_day from = cache->options.from, to = cache->options.to == TD_NO_DAY ? INT32_MAX : cache->options.to;
    struct td_rows old = {0};
    struct td_err why = {0};
    enum td_code code = td_cache_read(job->engine->lake, ticker, &old, &why);
    if (code == TD_MISSING)
        code = TD_OK;
    else if (code != TD_OK && err)
        *err = why;
    *out = (struct td_rows){.size = sizeof *rows};
    const struct td_daily_row *kept = old.items;
    size_t i = 0;
    for (; code == TD_OK && i < old.count && kept[i].trading_day < from; i++)
        code = keep_row(out, &kept[i], err);
    for (size_t k = 0; code == TD_OK && k < count; k++)
        if (rows[k].trading_day >= from && rows[k].trading_day <= to)
            code = keep_row(out, &rows[k], err);
    for (; code == TD_OK && i < old.count; i++)
        if (kept[i].trading_day > to)
            code = keep_row(out, &kept[i], err);
    td_rows_free(&old);
    return code;
}

/* Value for value, as the file's columns see it. */
static bool same_rows(const struct td_daily_row *a, size_t a_count, const struct td_daily_row *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        for (size_t k = 0; same && k < td_daily_record.count; k++) {
            const struct td_field *field = &td_daily_record.fields[k];
            struct td_cell x = td_record_cell(field, &a[i]), y = td_record_cell(field, &b[i]);
            same = x.kind == y.kind;
            if (same && x.kind == TD_KIND_STR)
                same = td_str_cmp(x.v.s, y.v.s) == 0;
            else if (same && x.kind == TD_KIND_BOOL)
                same = x.v.b == y.v.b;
            else if (same && x.kind != TD_KIND_NULL)
                same = memcmp(&x.v, &y.v, sizeof x.v.i) == 0;
        }
    return same;
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
    char basis[16] = "";
    enum td_code code = td_daily_new(context, &builder, err);
    if (code == TD_OK)
        code = feed_files(job, cache->minutes.items + unit->minute_at, minute_count(cache, unit), TD_STOCKS_MINUTE, basis, builder, result, err);
    if (code == TD_OK)
        code = feed_files(job, cache->days.items + unit->day_at, unit->day_count, TD_STOCKS_DAILY, basis, builder, result, err);
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
        /* Where the rows outside the range are not what the bars say, the inputs stay unknown: an incremental run looks again. */
        if (code == TD_OK && ranged && !same_rows(merged.items, merged.count, rows, count))
            inputs = 0;
        if (code == TD_OK)
            code = write_rows(job, unit, ranged ? merged.items : rows, ranged ? merged.count : count, inputs, result, err);
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
    if (minute_count(cache, unit) + unit->day_count == 0) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "no daily bars");
        return JOB_STEP_DONE;
    }
    enum td_code code = gather_facts(cache, unit->ticker, &facts, &context, &err);
    if (code == TD_OK)
        code = inputs_hash(job, unit, &facts, &context, &inputs, &err);
    if (code == TD_OK && unchanged(job, unit, inputs)) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "unchanged");
    } else if (code == TD_OK) {
        code = gather_vouched(job, unit, &facts, &err);
        context.vouched = facts.vouched.items;
        context.vouched_count = facts.vouched.count;
        context.incomplete = facts.incomplete.items;
        context.incomplete_count = facts.incomplete.count;
        if (code == TD_OK)
            code = build_ticker(job, unit, &context, inputs, result, &err);
    }
    if (code != TD_OK)
        job_fail(result, code, &err);
    free_facts(&facts);
    return JOB_STEP_DONE;
}

/* After a whole rebuild: cache files of tickers that have no bars any more. */
static enum td_code remove_strangers(const struct td_lake *lake, const struct td_manifest *manifest, struct td_err *err)
{
    char folder[1100], path[1400];
    struct td_names names = {0};
    td_snprintf(folder, sizeof folder, "%s/cache/daily", td_lake_root(lake));
    enum td_code code = td_dir_list(folder, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        char ticker[TD_TICKER_MAX];
        static const char *const files[] = {"/_SUCCESS", "/daily.parquet", ""};
        if (strncmp(names.items[i], "ticker=", 7) != 0 ||
            !td_path_decode(names.items[i] + 7, strlen(names.items[i] + 7), ticker, sizeof ticker) || td_manifest_find(manifest, ticker))
            continue;
        for (size_t k = 0; k < TD_COUNT(files); k++)
            if (td_snprintf(path, sizeof path, "%s/%s%s", folder, names.items[i], files[k]))
                remove(path); /* what stays is reported by status --verify */
    }
    td_names_free(&names);
    return code;
}

static enum td_code cache_finish(struct td_job *job, bool clean, struct td_err *err)
{
    struct cache_data *cache = job->data;
    /* Units that ended are on disk and in the manifest also after a stop, so that the next run goes on from there; but the
     * manifest says that the build did not end. */
    cache->after.stopped = !clean;
    enum td_code code = td_manifest_write(job->engine->lake, &cache->after, err);
    if (code == TD_OK && clean && cache->forget && job->counts.failed == 0)
        code = remove_strangers(job->engine->lake, &cache->after, err);
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
