/* SPDX-License-Identifier: GPL-3.0-or-later
 * Watchlists and rankings on disk: universe/info_rich. */
#include <stdio.h>
#include <string.h>
#include "lake_internal.h"

enum td_code td_watch_path(const struct td_lake *lake, td_day day, struct td_buf *out, struct td_err *err)
{
    char text[16];
    td_format_day(day, text);
    return lake_path(lake, out, err, "universe/info_rich/daily/date=%s/watchlist.parquet", text);
}

enum td_code td_watch_write(const struct td_lake *lake, td_day day, const struct td_watch_row *rows, size_t count,
                            const char *thresholds, const char *preset, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    char number[32];
    td_snprintf(number, sizeof number, "%zu", count);
    const struct td_meta meta[] = {
        {"tapedeck.thresholds", thresholds}, {"tapedeck.preset", preset}, {"tapedeck.rows", number}};
    enum td_code code = td_watch_path(lake, day, &path, err);
    if (code == TD_OK)
        code = td_table_write(path.data, &td_watch_record, rows, count, meta, TD_COUNT(meta), err);
    td_buf_free(&path);
    return code;
}

enum td_code td_watch_read(const struct td_lake *lake, td_day day, struct td_rows *out, char thresholds[17], struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    char value[128] = "";
    enum td_code code = td_watch_path(lake, day, &path, err);
    if (code == TD_OK)
        code = td_table_read(path.data, &td_watch_record, out, "tapedeck.thresholds", value, err);
    if (code == TD_OK && thresholds)
        td_copy(thresholds, 17, value);
    td_buf_free(&path);
    return code;
}

enum td_code td_watch_days(const struct td_lake *lake, struct td_days *out, struct td_err *err)
{
    struct td_buf path;
    struct td_names names = {0};
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/daily");
    if (code == TD_OK)
        code = td_dir_list(path.data, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        td_day day;
        if (strncmp(names.items[i], "date=", 5) != 0 || !td_parse_day(names.items[i] + 5, strlen(names.items[i] + 5), &day))
            continue;
        code = td_watch_path(lake, day, &path, err); /* a folder without its file is an unfinished one */
        if (code == TD_OK && td_file_exists(path.data))
            code = td_days_add(out, day, err);
    }
    td_names_free(&names);
    td_buf_free(&path);
    return code;
}

static enum td_code write_topn_csv(const struct td_lake *lake, const struct td_topn_row *rows, size_t count, struct td_err *err)
{
    struct td_buf path, text;
    td_buf_init(&path, 2048);
    td_buf_init(&text, (size_t)64 << 20);
    td_buf_adds(&text, "ticker,days_info_rich_252,last_seen\n");
    for (size_t i = 0; i < count; i++) {
        char day[16];
        td_format_day(rows[i].last_seen, day);
        td_buf_printf(&text, "%s,%u,%s\n", rows[i].ticker, rows[i].days_info_rich_252, day);
    }
    enum td_code code = td_buf_check(&text, "topN_12m.csv", err);
    if (code == TD_OK)
        code = lake_path(lake, &path, err, "universe/info_rich/topN_12m.csv");
    if (code == TD_OK)
        code = td_publish_bytes(path.data, text.data, text.len, err);
    td_buf_free(&text);
    td_buf_free(&path);
    return code;
}

enum td_code td_topn_write(const struct td_lake *lake, const struct td_topn_row *rows, size_t count, size_t top_k,
                           const char *thresholds, td_day as_of, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    char day[16];
    td_format_day(as_of, day);
    const struct td_meta meta[] = {{"tapedeck.thresholds", thresholds}, {"tapedeck.as_of", day}};
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/topN_12m.parquet");
    if (code == TD_OK)
        code = td_table_write(path.data, &td_topn_record, rows, count, meta, TD_COUNT(meta), err);
    if (code == TD_OK)
        code = write_topn_csv(lake, rows, count < top_k ? count : top_k, err);
    td_buf_free(&path);
    return code;
}

enum td_code td_universe_commit(const struct td_lake *lake, const char *thresholds, const char *preset, uint64_t watchlists,
                                td_day last, struct td_err *err)
{
    struct td_buf path, text;
    td_buf_init(&path, 2048);
    td_buf_init(&text, 4096);
    char day[16] = "";
    if (last != TD_NO_DAY)
        td_format_day(last, day);
    td_buf_printf(&text, "{\"format\":1,\"thresholds\":\"%s\",\"preset\":\"%s\",\"watchlists\":%llu,\"last\":\"%s\"}\n",
                  thresholds, preset, (unsigned long long)watchlists, day);
    enum td_code code = td_buf_check(&text, "the universe manifest", err);
    if (code == TD_OK)
        code = lake_path(lake, &path, err, "universe/info_rich/MANIFEST.json");
    if (code == TD_OK)
        code = td_publish_bytes(path.data, text.data, text.len, err);
    if (code == TD_OK)
        code = lake_path(lake, &path, err, "universe/info_rich/_SUCCESS");
    if (code == TD_OK && !td_file_exists(path.data))
        code = td_publish_bytes(path.data, "", 0, err);
    td_buf_free(&text);
    td_buf_free(&path);
    return code;
}
