/* SPDX-License-Identifier: GPL-3.0-or-later
 * What bronze holds: the list of ticker-months, and the bars of a range of days. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lake_internal.h"

static int compare_files(const void *a, const void *b)
{
    const struct td_bronze_file *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    return order ? order : (x->month > y->month) - (x->month < y->month);
}

/* "key=VALUE" or NULL. */
static const char *hive_value(const char *name, const char *key)
{
    size_t len = strlen(key);
    return strncmp(name, key, len) == 0 && name[len] == '=' ? name + len + 1 : NULL;
}

/* The ticker of "ticker=NAME.parquet"; only the one spelling that td_bronze_path would give, so that no file counts twice. */
static bool ticker_of(const char *name, char out[TD_TICKER_MAX])
{
    const char *value = hive_value(name, "ticker");
    size_t len = value ? strlen(value) : 0;
    char again[128];
    return len >= 9 && strcmp(value + len - 8, ".parquet") == 0 && td_path_decode(value, len - 8, out, TD_TICKER_MAX) &&
           td_ticker_valid(out) && td_path_encode(out, again, sizeof again) && strlen(again) == len - 8 &&
           memcmp(again, value, len - 8) == 0;
}

uint64_t lake_stamp(const struct stat *st)
{
    const uint64_t parts[] = {(uint64_t)st->st_size,         (uint64_t)st->st_ino,          (uint64_t)st->st_mtim.tv_sec,
                              (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_ctim.tv_sec, (uint64_t)st->st_ctim.tv_nsec};
    return td_hash_block(parts, sizeof parts, 3) | 1;
}

static enum td_code scan_month(const char *folder, int32_t month, struct td_bronze_list *out, struct td_err *err)
{
    struct td_names names = {0};
    enum td_code code = td_dir_list(folder, &names, err);
    int fd = code == TD_OK && names.count ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (code == TD_OK && names.count && fd < 0)
        code = td_fail_errno(err, errno, "%s: cannot list", folder);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        struct td_bronze_file file = {.month = month};
        struct stat st;
        if (!ticker_of(names.items[i], file.ticker) || fstatat(fd, names.items[i], &st, 0) != 0 || !S_ISREG(st.st_mode))
            continue;
        file.bytes = (uint64_t)st.st_size;
        file.stamp = lake_stamp(&st);
        code = td_grow(&out->items, &out->cap, out->count + 1, sizeof *out->items, err);
        if (code == TD_OK)
            out->items[out->count++] = file;
    }
    if (fd >= 0)
        close(fd);
    td_names_free(&names);
    return code;
}

enum td_code td_bronze_scan(const struct td_lake *lake, enum td_table table, struct td_bronze_list *out, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    struct td_names years = {0};
    enum td_code code = lake_path(lake, &path, err, "bronze/%s", td_table_name(table));
    if (code == TD_OK)
        code = td_dir_list(path.data, &years, err);
    for (size_t y = 0; code == TD_OK && y < years.count; y++) {
        const char *year_text = hive_value(years.items[y], "year");
        int64_t year, month;
        if (!year_text || !td_parse_i64(year_text, strlen(year_text), &year) || year < 1900 || year > 2200)
            continue;
        struct td_names months = {0};
        code = lake_path(lake, &path, err, "bronze/%s/%s", td_table_name(table), years.items[y]);
        if (code == TD_OK)
            code = td_dir_list(path.data, &months, err);
        for (size_t m = 0; code == TD_OK && m < months.count; m++) {
            const char *month_text = hive_value(months.items[m], "month");
            if (!month_text || !td_parse_i64(month_text, strlen(month_text), &month) || month < 1 || month > 12)
                continue;
            code = lake_path(lake, &path, err, "bronze/%s/%s/%s", td_table_name(table), years.items[y], months.items[m]);
            if (code == TD_OK)
                code = scan_month(path.data, (int32_t)(year * 12 + month - 1), out, err);
        }
        td_names_free(&months);
    }
    td_names_free(&years);
    td_buf_free(&path);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, compare_files);
    return code;
}

void td_bronze_list_free(struct td_bronze_list *list)
{
    td_free(list->items);
    *list = (struct td_bronze_list){0};
}

static void cut(struct td_bars *bars, size_t begin, size_t from, size_t to)
{
    size_t n = to - from;
    memmove(bars->ts + begin, bars->ts + from, n * sizeof *bars->ts);
    memmove(bars->trades + begin, bars->trades + from, n * sizeof *bars->trades);
    double *const columns[] = {bars->open, bars->high, bars->low, bars->close, bars->volume, bars->vwap};
    for (size_t k = 0; k < TD_COUNT(columns); k++)
        memmove(columns[k] + begin, columns[k] + from, n * sizeof(double));
    bars->n = begin + n;
}

enum td_code td_bronze_range(const struct td_lake *lake, enum td_table table, const char *ticker, td_day from, td_day to,
                             struct td_bars *bars, struct td_ranges *vouched, struct td_err *err)
{
    enum td_code code = TD_OK;
    size_t begin = bars->n;
    for (int32_t month = td_month_of(from); code == TD_OK && month <= td_month_of(to); month++) {
        struct td_bronze_info info;
        struct td_err why = {0};
        code = td_bronze_read(lake, table, ticker, month, bars, &info, &why);
        if (code == TD_MISSING)
            code = TD_OK;
        else if (code != TD_OK && err)
            *err = why;
        for (size_t i = 0; code == TD_OK && vouched && i < info.vouched.count; i++)
            code = td_ranges_add(vouched, info.vouched.items[i].from, info.vouched.items[i].to, err);
        td_bronze_info_free(&info);
    }
    if (code != TD_OK)
        bars->n = begin;
    if (bars->n > begin) { /* only the appended ones are in order: what the caller had may be of another time */
        struct td_bars added = {.n = bars->n - begin, .ts = bars->ts + begin};
        size_t first = td_bars_lower_bound(&added, td_ny_midnight(from)), last = td_bars_lower_bound(&added, td_ny_midnight(to + 1));
        cut(bars, begin, begin + first, begin + (last < first ? first : last));
    }
    return code;
}
