/* SPDX-License-Identifier: GPL-3.0-or-later
 * The context of a ticker in `cache build`: splits, listings, renames, caps, the symbol it had before, and their hashes. */
#include <stdlib.h>
#include <string.h>
#include "cache_job.h"

static int compare_days(const void *a, const void *b)
{
    td_day x = *(const td_day *)a, y = *(const td_day *)b;
    return (x > y) - (x < y);
}

static enum td_code gather_own(const struct cache_data *cache, const char *ticker, struct ticker_facts *facts,
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

static uint64_t own_hash(const struct ticker_facts *facts, const struct td_daily_context *context, uint64_t h)
{
    for (size_t i = 0; i < context->split_count; i++) {
        double split[] = {(double)facts->splits[i].day, facts->splits[i].factor};
        h = td_hash64(split, sizeof split, h);
    }
    h = td_hash64(facts->breaks, context->life_break_count * sizeof(td_day), h);
    return td_hash64(facts->renames, context->rename_count * sizeof(td_day), h);
}

/* The rename that this ticker's history goes on behind, or NULL. */
static const struct td_rename_row *last_move(const struct cache_data *cache, const char *ticker)
{
    size_t n;
    const struct td_rename_row *moves = job_reference_find(&cache->reference.renames, ticker, &n);
    return n ? &moves[n - 1] : NULL;
}

#define OLD_SYMBOL_DAYS 120 /* of the old symbol's history, more than 31 rows need */

/* Bars and facts of the symbol before a rename decide rows too. */
static enum td_code old_symbol_hash(const struct td_job *job, const struct td_rename_row *move, uint64_t *h, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    struct ticker_facts facts = {0};
    struct td_daily_context context = {.ticker = move->old_ticker};
    enum td_code code = gather_own(cache, move->old_ticker, &facts, &context, err);
    if (code == TD_OK)
        *h = own_hash(&facts, &context, td_hash64(move->old_ticker, strlen(move->old_ticker), *h));
    for (int32_t month = td_month_of(move->day - OLD_SYMBOL_DAYS); code == TD_OK && month <= td_month_of(move->day); month++)
        for (enum td_table table = 0; code == TD_OK && table < TD_TABLE_COUNT; table++) {
            struct cache_month file = {.table = table, .month = month};
            code = cache_month_look(job, move->old_ticker, &file, err);
            uint64_t part[] = {(uint64_t)month, code == TD_OK ? file.hash : 0};
            *h = td_hash64(part, sizeof part, *h);
            td_ranges_free(&file.vouched);
            if (code == TD_MISSING)
                code = TD_OK;
        }
    cache_facts_free(&facts);
    return code;
}

enum td_code cache_facts_gather(const struct td_job *job, const char *ticker, struct ticker_facts *facts,
                                struct td_daily_context *context, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_rename_row *move = last_move(cache, ticker);
    enum td_code code = gather_own(cache, ticker, facts, context, err);
    facts->hash = own_hash(facts, context, 7);
    facts->caps_hash = 7;
    for (size_t i = 0; i < context->cap_count; i++) {
        double cap[] = {(double)facts->caps[i].from, (double)facts->caps[i].to, facts->caps[i].cap};
        facts->caps_hash = td_hash64(cap, sizeof cap, facts->caps_hash);
    }
    if (code == TD_OK && move)
        code = old_symbol_hash(job, move, &facts->hash, err);
    return code;
}

/* As td_bronze_range, of a ticker-first lake. */
static enum td_code intraday_range(const struct cache_data *cache, const char *ticker, td_day from, td_day to, struct td_bars *bars,
                                   struct td_ranges *vouched, struct td_err *err)
{
    struct td_bronze_reader *reader = NULL;
    struct td_bars month_bars = {0};
    int64_t begin = td_ny_midnight(from), end = td_ny_midnight(to + 1);
    enum td_code code = td_bronze_reader_new(&reader, err);
    for (int32_t month = td_month_of(from); code == TD_OK && month <= td_month_of(to); month++) {
        struct td_bronze_info info = {0};
        struct td_intraday_counts counts;
        month_bars.n = 0;
        code = td_intraday_read(reader, cache->intraday, ticker, month, &month_bars, &info, &counts, err);
        for (size_t i = 0; code == TD_OK && i < info.vouched.count; i++)
            code = td_ranges_add(vouched, info.vouched.items[i].from, info.vouched.items[i].to, err);
        for (size_t i = 0; code == TD_OK && i < month_bars.n; i++) {
            struct td_bar bar = td_bars_get(&month_bars, i);
            if (bar.ts >= begin && bar.ts < end && (bars->n == 0 || bar.ts > bars->ts[bars->n - 1]))
                code = td_bars_add(bars, &bar, err);
        }
        td_bronze_info_free(&info);
    }
    td_bars_free(&month_bars);
    td_bronze_reader_free(reader);
    return code;
}

enum td_code cache_old_symbol_rows(struct td_job *job, const char *ticker, td_day before, struct td_rows *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_rename_row *move = last_move(cache, ticker);
    *out = (struct td_rows){0};
    if (!move)
        return TD_OK;
    static const enum td_table tables[] = {TD_STOCKS_MINUTE, TD_STOCKS_DAILY};
    struct td_daily_context context = {.ticker = move->old_ticker, .preset = cache->options.preset,
                                       .minute = cache->options.bars != TD_BARS_DAY, .day_bars = cache->options.bars != TD_BARS_MINUTE};
    struct ticker_facts facts = {0};
    struct td_daily_builder *builder = NULL;
    struct td_bars bars[2] = {{0}, {0}};
    struct td_daily_row *rows = NULL;
    size_t count = 0;
    td_day from = move->day - OLD_SYMBOL_DAYS;
    enum td_code code = gather_own(cache, move->old_ticker, &facts, &context, err);
    for (size_t t = 0; code == TD_OK && t < TD_COUNT(tables); t++)
        code = tables[t] == TD_STOCKS_MINUTE && *cache->intraday
                   ? intraday_range(cache, move->old_ticker, from, move->day - 1, &bars[t], &facts.vouched, err)
                   : td_bronze_range(job->engine->lake, tables[t], move->old_ticker, from, move->day - 1, &bars[t], &facts.vouched, err);
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
    while (count && rows[count - 1].trading_day >= before)
        count--;
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

