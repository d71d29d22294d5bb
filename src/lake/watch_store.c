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
    const struct td_watch_row *rows = code == TD_OK ? out->items : NULL;
    if (rows && out->count && rows[0].trading_day != day) { /* as in td_watch_reader_read, where there is a row to say it */
        char text[16], other[16];
        td_format_day(day, text);
        td_format_day(rows[0].trading_day, other);
        code = td_fail(err, TD_DATA, "%s: is the list of %s; run 'tapedeck universe build -s %s -e %s'", path.data, other, text, text);
        td_rows_free(out);
    }
    td_buf_free(&path);
    return code;
}

enum td_code td_watch_meta(const struct td_lake *lake, td_day day, char thresholds[17], char preset[16], struct td_err *err)
{
    struct td_buf path;
    struct td_pq_file *file = NULL;
    td_buf_init(&path, 2048);
    enum td_code code = td_watch_path(lake, day, &path, err);
    if (code == TD_OK)
        code = td_pq_open(path.data, NULL, &file, err);
    const char *hash = file ? td_pq_meta(file, "tapedeck.thresholds") : NULL, *made = file ? td_pq_meta(file, "tapedeck.preset") : NULL;
    td_copy(thresholds, 17, hash ? hash : "");
    td_copy(preset, 16, made ? made : "");
    td_pq_close(file);
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

/* RFC 4180: a ticker may hold a comma or a quote. */
static void add_csv_text(struct td_buf *out, const char *text)
{
    bool quote = text[strcspn(text, ",\"")] != 0;
    if (quote)
        td_buf_addc(out, '"');
    for (const char *p = text; *p; p++) {
        td_buf_addc(out, *p);
        if (*p == '"')
            td_buf_addc(out, '"');
    }
    if (quote)
        td_buf_addc(out, '"');
}

enum td_code lake_topn_csv(const struct td_topn_row *rows, size_t count, struct td_buf *out, struct td_err *err)
{
    td_buf_adds(out, "ticker,days_info_rich_252,last_seen\n");
    for (size_t i = 0; i < count; i++) {
        char day[16];
        td_format_day(rows[i].last_seen, day);
        add_csv_text(out, rows[i].ticker);
        td_buf_printf(out, ",%u,%s\n", rows[i].days_info_rich_252, day);
    }
    return td_buf_check(out, "topN_12m.csv", err);
}

static enum td_code write_topn_csv(const struct td_lake *lake, const struct td_topn_row *rows, size_t count, struct td_err *err)
{
    struct td_buf path, text;
    td_buf_init(&path, 2048);
    td_buf_init(&text, LAKE_TOPN_CSV_MAX);
    enum td_code code = lake_topn_csv(rows, count, &text, err);
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
    char day[16], number[32];
    td_format_day(as_of, day);
    td_snprintf(number, sizeof number, "%zu", top_k);
    const struct td_meta meta[] = {{"tapedeck.thresholds", thresholds}, {"tapedeck.as_of", day}, {"tapedeck.top_k", number}};
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/topN_12m.parquet");
    if (code == TD_OK)
        code = td_table_write(path.data, &td_topn_record, rows, count, meta, TD_COUNT(meta), err);
    if (code == TD_OK)
        code = write_topn_csv(lake, rows, count < top_k ? count : top_k, err);
    td_buf_free(&path);
    return code;
}

enum td_code td_topn_read(const struct td_lake *lake, struct td_rows *out, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/topN_12m.parquet");
    if (code == TD_OK)
        code = td_table_read(path.data, &td_topn_record, out, NULL, NULL, err);
    td_buf_free(&path);
    return code;
}

/* Of the manifest on disk; 0 when there is none or it is damaged: this commit then begins anew. */
static int64_t universe_generation(const struct td_lake *lake)
{
    struct td_buf path, text;
    struct td_arena arena;
    struct td_doc *doc = NULL;
    int64_t generation = 0;
    td_buf_init(&path, 2048);
    td_buf_init(&text, 8192);
    td_arena_init(&arena, 1 << 20);
    if (lake_path(lake, &path, NULL, "universe/info_rich/MANIFEST.json") == TD_OK &&
        td_file_read(path.data, 4096, &text, NULL) == TD_OK &&
        td_doc_parse(text.data, text.len, path.data, &arena, &doc, NULL) == TD_OK)
        td_doc_i64(doc, "generation", &generation);
    td_arena_free(&arena);
    td_buf_free(&text);
    td_buf_free(&path);
    return generation > 0 ? generation : 0;
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
    td_buf_printf(&text,
                  "{\"format\":1,\"generation\":%lld,\"thresholds\":\"%s\",\"preset\":\"%s\",\"watchlists\":%llu,\"last\":\"%s\"}\n",
                  (long long)universe_generation(lake) + 1, thresholds, preset, (unsigned long long)watchlists, day);
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
