/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of one ticker in `cache build`: its bars fed file by file, ranges merged into what is there, the result published. */
#include <string.h>
#include "cache_job.h"

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
        td_cache_write(job->engine->lake, unit->ticker, rows, count, cache_preset_name(cache->options.preset), &entry.bytes, err);
    if (code == TD_OK) {
        pthread_mutex_lock(&job->engine->lock);
        code = td_manifest_put(&cache->after, &entry, err);
        pthread_mutex_unlock(&job->engine->lock);
    }
    result->rows_written = count;
    result->state = count ? TD_UNIT_OK : TD_UNIT_EMPTY;
    return code;
}

enum td_code cache_build_ticker(struct td_job *job, const struct cache_unit *unit, const struct td_daily_context *context,
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
        code = feed_files(job, cache->minutes.items + unit->minute_at, cache_minute_count(cache, unit), TD_STOCKS_MINUTE, basis, builder, result, err);
    if (code == TD_OK)
        code = feed_files(job, cache->days.items + unit->day_at, unit->day_count, TD_STOCKS_DAILY, basis, builder, result, err);
    if (code == TD_OK)
        code = cache_old_symbol_rows(job, cache, unit->ticker, &history, err);
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

