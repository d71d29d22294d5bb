/* SPDX-License-Identifier: GPL-3.0-or-later
 * `cache build -s -e`: rows of a range merged into those that are on disk. */
#include <string.h>
#include "cache_job.h"

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

enum td_code cache_range_merge(const struct td_job *job, const char *ticker, const struct td_daily_row *rows, size_t count,
                               struct td_rows *out, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    td_day from = cache->options.from, to = cache->options.to == TD_NO_DAY ? INT32_MAX : cache->options.to;
    struct td_rows old = {0};
    struct td_err why = {0};
    enum td_code code = td_cache_read(cache->lake, ticker, &old, &why);
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

bool cache_same_rows(const struct td_daily_row *a, size_t a_count, const struct td_daily_row *b, size_t b_count)
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
