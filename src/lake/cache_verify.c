/* SPDX-License-Identifier: GPL-3.0-or-later
 * MANIFEST.json of a daily cache reconciled with the files: rows, days, bytes, preset, inputs, marks, strangers. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "lake_internal.h"

struct check {
    const struct td_lake *lake;
    const struct td_manifest *manifest;
    void (*fn)(void *ctx, const char *difference);
    void *ctx;
};

static void tell(const struct check *check, const char *fmt, ...) TD_PRINTF(2, 3);
static void tell(const struct check *check, const char *fmt, ...)
{
    char text[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    check->fn(check->ctx, text);
}

/* One file of the list that cache builds keep: "m2025-02:..." or "d2025-02:..."; an `e` among its fields says that it lies outside. */
static void verify_input(const struct check *check, const struct td_cache_entry *entry, struct td_str item)
{
    int64_t year, month;
    char from[16], to[16];
    struct td_buf path;
    if (item.len < 8 || (item.ptr[0] != 'm' && item.ptr[0] != 'd') || !td_parse_i64(item.ptr + 1, 4, &year) ||
        !td_parse_i64(item.ptr + 6, 2, &month) || year < 1900 || year > 2200 || month < 1 || month > 12)
        return;
    for (size_t i = 8; i + 1 < item.len; i++)
        if (item.ptr[i] == ':' && item.ptr[i + 1] == 'e' && (i + 2 == item.len || item.ptr[i + 2] == ':'))
            return;
    enum td_table table = item.ptr[0] == 'm' ? TD_STOCKS_MINUTE : TD_STOCKS_DAILY;
    int32_t index = (int32_t)(year * 12 + month - 1);
    td_buf_init(&path, 2048);
    td_format_day(td_month_first(index), from);
    td_format_day(td_month_last(index), to);
    if (td_bronze_path(check->lake, table, entry->ticker, index, &path, NULL) == TD_OK && !td_file_exists(path.data))
        tell(check, "%s is missing, the cache was made from it; bring it back: tapedeck ingest -t %s -s %s -e %s --tickers %s; or let its rows go: "
             "tapedeck cache build --incremental", path.data, td_table_name(table), from, to, entry->ticker);
    td_buf_free(&path);
}

/* Every bronze file that the rows were made from is there. An empty list says nothing. */
static void verify_inputs(const struct check *check, const struct td_cache_entry *entry, const char *inputs)
{
    const char *p = strchr(inputs, ';');
    while (p) {
        size_t len = strcspn(p + 1, ";");
        verify_input(check, entry, (struct td_str){p + 1, len});
        p = strchr(p + 1, ';');
    }
}

/* What the file says of itself, against the manifest: the first difference, or none. */
static bool footer_agrees(const struct check *check, const struct td_cache_entry *entry, const char *path)
{
    struct td_pq_file *file = NULL;
    struct td_err err = {0};
    if (td_pq_open(path, NULL, &file, &err) != TD_OK) {
        tell(check, "%s", err.text);
        return false;
    }
    const char *preset = td_pq_meta(file, "tapedeck.preset"), *inputs = td_pq_meta(file, "tapedeck.inputs");
    bool fine = true;
    if (preset && strcmp(preset, check->manifest->preset) != 0) {
        tell(check, "%s: of preset '%.20s', the manifest says '%s'", entry->ticker, preset, check->manifest->preset);
        fine = false;
    } else if (inputs && entry->inputs && td_hash64(inputs, strlen(inputs), 0) != entry->inputs) {
        tell(check, "%s: made from other bars than the manifest says; run 'tapedeck cache build --incremental'", entry->ticker);
        fine = false;
    } else if (inputs && entry->inputs) {
        verify_inputs(check, entry, inputs);
    }
    td_pq_close(file);
    return fine;
}

static void verify_entry(const struct check *check, const struct td_cache_entry *entry)
{
    struct td_rows rows = {0};
    struct td_err err = {0};
    struct td_buf path;
    struct stat st;
    td_buf_init(&path, 2048);
    enum td_code code = td_cache_read(check->lake, entry->ticker, &rows, &err);
    const struct td_daily_row *items = rows.items;
    bool sized = td_cache_path(check->lake, entry->ticker, &path, NULL) == TD_OK && stat(path.data, &st) == 0;
    if (code != TD_OK)
        tell(check, "%s", err.text);
    else if (rows.count != entry->rows)
        tell(check, "%s: %zu rows on disk, the manifest says %llu", entry->ticker, rows.count, (unsigned long long)entry->rows);
    else if (rows.count && (items[0].trading_day != entry->first || items[rows.count - 1].trading_day != entry->last))
        tell(check, "%s: first or last day differs from the manifest", entry->ticker);
    else if (sized && (uint64_t)st.st_size != entry->bytes)
        tell(check, "%s: %llu bytes on disk, the manifest says %llu", entry->ticker, (unsigned long long)st.st_size,
             (unsigned long long)entry->bytes);
    else if (sized && footer_agrees(check, entry, path.data)) {
        path.len -= strlen("daily.parquet");
        td_buf_adds(&path, "_SUCCESS");
        if (td_buf_check(&path, "a path", NULL) == TD_OK && !td_file_exists(path.data))
            tell(check, "%s: no _SUCCESS beside its file", entry->ticker);
    }
    if (code == TD_OK)
        td_rows_free(&rows);
    td_buf_free(&path);
}

static enum td_code verify_mark(const struct check *check, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = lake_cache_path(check->lake, &path, err, "_SUCCESS");
    bool marked = code == TD_OK && td_file_exists(path.data);
    if (code == TD_OK && check->manifest->generation && marked == check->manifest->stopped)
        tell(check, marked ? "cache/daily/_SUCCESS is there, but the manifest says that the build was stopped"
                           : "cache/daily/_SUCCESS is missing; run 'tapedeck cache build --incremental'");
    td_buf_free(&path);
    return code;
}

enum td_code td_manifest_verify(const struct td_lake *lake, const struct td_manifest *manifest,
                                void (*fn)(void *ctx, const char *difference), void *ctx, struct td_err *err)
{
    const struct check check = {lake, manifest, fn, ctx};
    struct td_buf path;
    struct td_names names = {0};
    td_buf_init(&path, 2048);
    for (size_t i = 0; i < manifest->count; i++)
        verify_entry(&check, &manifest->entries[i]);
    enum td_code code = verify_mark(&check, err);
    if (code == TD_OK)
        code = td_cache_folder(lake, &path, err);
    if (code == TD_OK)
        code = td_dir_list(path.data, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        char ticker[TD_TICKER_MAX];
        if (strncmp(names.items[i], "ticker=", 7) == 0 &&
            td_path_decode(names.items[i] + 7, strlen(names.items[i] + 7), ticker, sizeof ticker) && !td_manifest_find(manifest, ticker))
            tell(&check, "%s: on disk but not in the manifest", ticker);
    }
    td_names_free(&names);
    td_buf_free(&path);
    return code;
}
