/* SPDX-License-Identifier: GPL-3.0-or-later
 * The context of a ticker in `cache build`: splits, listings, renames, caps, what its files vouch for, and the hash of it all. */
#include <stdlib.h>
#include <string.h>
#include "cache_job.h"

size_t cache_minute_count(const struct cache_data *cache, const struct cache_unit *unit)
{
    return cache->options.bars == TD_BARS_DAY ? 0 : unit->minute_count;
}

static int compare_days(const void *a, const void *b)
{
    td_day x = *(const td_day *)a, y = *(const td_day *)b;
    return (x > y) - (x < y);
}

enum td_code cache_facts_gather(const struct cache_data *cache, const char *ticker, struct ticker_facts *facts,
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

void cache_facts_free(struct ticker_facts *facts)
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
enum td_code cache_inputs_hash(const struct td_job *job, const struct cache_unit *unit, const struct ticker_facts *facts,
                                const struct td_daily_context *context, uint64_t *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_bronze_file *const lists[] = {cache->minutes.items + unit->minute_at, cache->days.items + unit->day_at};
    const size_t counts[] = {cache_minute_count(cache, unit), unit->day_count};
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

/* Bars that the vendor gave for a session it had not finished, and that nobody asked for again: the file has them but does not
 * vouch for their days. (A sparse import vouches for nothing: there it is unknown whether anything is missing.) */
static enum td_code add_incomplete(const struct td_bronze_info *info, int32_t month, struct td_ranges *out, struct td_err *err)
{
    td_day end = info->vouched.count ? info->vouched.items[info->vouched.count - 1].to : td_month_first(month) - 1;
    if (strcmp(info->source, "rest") != 0 || info->last_day == TD_NO_DAY || info->last_day <= end)
        return TD_OK;
    return td_ranges_add(out, end + 1, info->last_day, err);
}

enum td_code cache_facts_vouched(const struct td_job *job, const struct cache_unit *unit, struct ticker_facts *facts, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_bronze_file *const lists[] = {cache->minutes.items + unit->minute_at, cache->days.items + unit->day_at};
    const size_t counts[] = {cache_minute_count(cache, unit), unit->day_count};
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

enum td_code cache_old_symbol_rows(struct td_job *job, const struct cache_data *cache, const char *ticker, struct td_rows *out,
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
    enum td_code code = cache_facts_gather(cache, move->old_ticker, &facts, &context, err);
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
    cache_facts_free(&facts);
    return code;
}

