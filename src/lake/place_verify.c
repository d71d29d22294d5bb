/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whole files in places where others belong: what a file's footer says of its rows, against the folder it lies in. */
#include <stdio.h>
#include <string.h>
#include "lake_internal.h"

struct places {
    const struct td_lake *lake;
    void (*fn)(void *ctx, const char *difference);
    void *ctx;
};

static void tell(const struct places *p, const char *fmt, ...) TD_PRINTF(2, 3);
static void tell(const struct places *p, const char *fmt, ...)
{
    char text[900];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    p->fn(p->ctx, text);
}

/* The smallest and the largest value of a column of whole numbers by the bounds of its chunks; false where there are none. */
static bool bounds_of(const struct td_pq_file *file, const char *name, int64_t *low, int64_t *high)
{
    int leaf = td_pq_find(file, name);
    size_t groups = leaf >= 0 ? td_pq_group_count(file) : 0;
    for (size_t g = 0; g < groups; g++) {
        struct td_pq_chunk_info info;
        int64_t min = 0, max = 0;
        td_pq_chunk(file, g, (size_t)leaf, &info);
        if (!info.has_min_max || info.min.len != info.max.len || (info.min.len != 4 && info.min.len != 8))
            return false;
        if (info.min.len == 8) {
            memcpy(&min, info.min.ptr, 8);
            memcpy(&max, info.max.ptr, 8);
        } else {
            int32_t narrow[2];
            memcpy(&narrow[0], info.min.ptr, 4);
            memcpy(&narrow[1], info.max.ptr, 4);
            min = narrow[0];
            max = narrow[1];
        }
        *low = g == 0 || min < *low ? min : *low;
        *high = g == 0 || max > *high ? max : *high;
    }
    return groups > 0;
}

/* The first ticker by the bounds that is not `ticker`. */
static bool other_ticker(const struct td_pq_file *file, const char *ticker, struct td_str *other)
{
    int leaf = td_pq_find(file, "ticker");
    for (size_t g = 0; leaf >= 0 && g < td_pq_group_count(file); g++) {
        struct td_pq_chunk_info info;
        td_pq_chunk(file, g, (size_t)leaf, &info);
        *other = info.has_min_max && !td_str_is(info.min, ticker) ? info.min : info.max;
        if (info.has_min_max && !td_str_is(*other, ticker))
            return true;
    }
    return false;
}

static int32_t month_of_ms(int64_t ms)
{
    td_day day;
    int32_t of_day;
    td_ny_split(ms, &day, &of_day);
    return td_month_of(day);
}

static enum td_code check_bars(const struct places *p, enum td_table table, const struct td_bronze_file *item, struct td_err *err)
{
    struct td_buf path;
    struct td_pq_file *file = NULL;
    struct td_str other;
    int64_t low, high;
    char from[16], to[16];
    td_buf_init(&path, 2048);
    td_format_day(td_month_first(item->month), from);
    td_format_day(td_month_last(item->month), to);
    enum td_code code = td_bronze_path(p->lake, table, item->ticker, item->month, &path, err);
    if (code == TD_OK && td_pq_open(path.data, NULL, &file, NULL) == TD_OK) {
        bool named = other_ticker(file, item->ticker, &other);
        if (named)
            tell(p, "%s: holds bars of '%.*s'; move it away and fetch the month again: tapedeck ingest -t %s -s %s -e %s --tickers %s", path.data,
                 (int)other.len, other.ptr, td_table_name(table), from, to, item->ticker);
        else if (bounds_of(file, "timestamp", &low, &high) && (month_of_ms(low) != item->month || month_of_ms(high) != item->month))
            tell(p, "%s: holds bars of another month; move it away and fetch the month again: tapedeck ingest -t %s -s %s -e %s --tickers %s",
                 path.data, td_table_name(table), from, to, item->ticker);
    }
    td_pq_close(file);
    td_buf_free(&path);
    return code;
}

static enum td_code check_bronze(const struct places *p, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (enum td_table table = 0; code == TD_OK && table < TD_TABLE_COUNT; table++) {
        struct td_bronze_list list = {0};
        code = td_bronze_scan(p->lake, table, &list, err);
        for (size_t i = 0; code == TD_OK && i < list.count; i++)
            code = check_bars(p, table, &list.items[i], err);
        td_bronze_list_free(&list);
    }
    return code;
}

static enum td_code check_list(const struct places *p, td_day day, struct td_err *err)
{
    struct td_buf path;
    struct td_pq_file *file = NULL;
    int64_t low, high;
    char date[16];
    td_buf_init(&path, 2048);
    td_format_day(day, date);
    enum td_code code = td_watch_path(p->lake, day, &path, err);
    if (code == TD_OK && td_pq_open(path.data, NULL, &file, NULL) == TD_OK) {
        const char *says = td_pq_meta(file, "tapedeck.day");
        bool other = says && strcmp(says, date) != 0;
        if (other || (bounds_of(file, "trading_day", &low, &high) && (low != day || high != day)))
            tell(p, "%s: is the list of another day; run 'tapedeck universe build -s %s -e %s'", path.data, date, date);
    }
    td_pq_close(file);
    td_buf_free(&path);
    return code;
}

static enum td_code check_lists(const struct places *p, struct td_err *err)
{
    struct td_days days = {0};
    enum td_code code = td_watch_days(p->lake, &days, err);
    for (size_t i = 0; code == TD_OK && i < days.count; i++)
        code = check_list(p, days.items[i], err);
    td_days_free(&days);
    return code;
}

/* Snapshots that the index lists: their rows carry its date. */
static enum td_code check_snapshots(const struct places *p, struct td_err *err)
{
    struct td_buf path;
    struct td_rows rows = {0};
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(p->lake, &path, err, "universe/info_rich/topn12m/topn12m_index.parquet");
    if (code == TD_OK && td_file_exists(path.data))
        td_table_read(path.data, &td_snapshot_index_record, &rows, NULL, NULL, NULL);
    const struct td_snapshot_entry *entries = rows.items;
    for (size_t i = 0; code == TD_OK && i < rows.count; i++) {
        struct td_pq_file *file = NULL;
        int64_t low, high;
        code = lake_path(p->lake, &path, err, "%s", entries[i].path);
        if (code == TD_OK && td_pq_open(path.data, NULL, &file, NULL) == TD_OK && bounds_of(file, "asof_date", &low, &high) &&
            (low != entries[i].asof_date || high != entries[i].asof_date))
            tell(p, "%s: is the ranking of another date; run 'tapedeck universe snapshots'", path.data);
        td_pq_close(file);
    }
    td_rows_free(&rows);
    td_buf_free(&path);
    return code;
}

enum td_code lake_verify_places(const struct td_lake *lake, void (*fn)(void *ctx, const char *difference), void *ctx, struct td_err *err)
{
    const struct places places = {lake, fn, ctx};
    enum td_code code = check_bronze(&places, err);
    if (code == TD_OK)
        code = check_lists(&places, err);
    return code == TD_OK ? check_snapshots(&places, err) : code;
}
