/* SPDX-License-Identifier: GPL-3.0-or-later
 * The daily cache on disk: one file and one _SUCCESS a ticker, and the MANIFEST that is the commit of a build. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lake_internal.h"

enum td_code td_cache_folder(const struct td_lake *lake, struct td_buf *out, struct td_err *err)
{
    enum td_code code = lake_cache_path(lake, out, err, "");
    if (code == TD_OK)
        out->data[--out->len] = 0; /* the slash at its end */
    return code;
}

enum td_code td_cache_path(const struct td_lake *lake, const char *ticker, struct td_buf *out, struct td_err *err)
{
    char name[128];
    if (!td_ticker_valid(ticker) || !td_path_encode(ticker, name, sizeof name))
        return td_fail(err, TD_DATA, "ticker '%.40s' cannot name a file", ticker);
    char tail[160];
    td_snprintf(tail, sizeof tail, "ticker=%s/daily.parquet", name);
    return lake_cache_path(lake, out, err, tail);
}

enum td_code td_cache_read(const struct td_lake *lake, const char *ticker, struct td_rows *out, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = td_cache_path(lake, ticker, &path, err);
    if (code == TD_OK)
        code = td_table_read(path.data, &td_daily_record, out, NULL, NULL, err);
    struct td_daily_row *rows = code == TD_OK ? out->items : NULL;
    for (size_t i = 0; rows && i < out->count; i++) /* no column of the file: its flag says it */
        rows[i].complete = !(td_flags_parse(rows[i].flags) & TD_FLAG(PARTIAL_SESSION));
    td_buf_free(&path);
    return code;
}

/* An empty _SUCCESS beside the file; like the file's rename it is made durable before the manifest is. */
static enum td_code mark_success(struct td_buf *path, struct td_err *err)
{
    path->len -= strlen("daily.parquet");
    path->data[path->len] = 0;
    td_buf_adds(path, "_SUCCESS");
    enum td_code code = td_buf_check(path, "a path", err);
    int fd = code == TD_OK ? open(path->data, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (code == TD_OK && (fd < 0 || close(fd) != 0))
        code = td_fail_errno(err, errno, "%s: cannot write", path->data);
    return code;
}

enum { META_OWN = 3, META_MORE = 8 };

enum td_code td_cache_write_with(const struct td_lake *lake, const char *ticker, const struct td_daily_row *rows, size_t count,
                                 const char *preset, const struct td_meta *more, size_t more_count, uint64_t *bytes,
                                 struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    char number[32], first[16] = "", last[16] = "", range[40] = "";
    td_snprintf(number, sizeof number, "%zu", count);
    if (count) {
        td_format_day(rows[0].trading_day, first);
        td_format_day(rows[count - 1].trading_day, last);
        td_snprintf(range, sizeof range, "%s..%s", first, last);
    }
    struct td_meta meta[META_OWN + META_MORE] = {{"tapedeck.preset", preset}, {"tapedeck.range", range}, {"tapedeck.rows", number}};
    if (more_count > META_MORE)
        more_count = META_MORE;
    for (size_t i = 0; i < more_count; i++)
        meta[META_OWN + i] = more[i];
    enum td_code code = td_cache_path(lake, ticker, &path, err);
    if (code == TD_OK)
        code = lake_table_write(path.data, &td_daily_record, rows, count, meta, META_OWN + more_count, true, err);
    struct stat st;
    *bytes = code == TD_OK && stat(path.data, &st) == 0 ? (uint64_t)st.st_size : 0;
    if (code == TD_OK)
        code = mark_success(&path, err);
    td_buf_free(&path);
    return code;
}

enum td_code td_cache_write(const struct td_lake *lake, const char *ticker, const struct td_daily_row *rows, size_t count,
                            const char *preset, uint64_t *bytes, struct td_err *err)
{
    return td_cache_write_with(lake, ticker, rows, count, preset, NULL, 0, bytes, err);
}

enum td_code td_cache_stat(const struct td_lake *lake, const char *ticker, struct td_cache_entry *entry, const char *key,
                           struct td_buf *value, struct td_err *err)
{
    struct td_buf path;
    struct td_pq_file *file = NULL;
    struct stat st;
    *entry = (struct td_cache_entry){.first = TD_NO_DAY, .last = TD_NO_DAY};
    td_copy(entry->ticker, sizeof entry->ticker, ticker);
    td_buf_init(&path, 2048);
    enum td_code code = td_cache_path(lake, ticker, &path, err);
    if (code == TD_OK && stat(path.data, &st) != 0)
        code = td_fail_errno(err, errno, "%s", path.data);
    if (code == TD_OK)
        code = td_pq_open(path.data, NULL, &file, err);
    const char *range = code == TD_OK ? td_pq_meta(file, "tapedeck.range") : NULL, *text = code == TD_OK ? td_pq_meta(file, key) : NULL;
    if (code == TD_OK) {
        entry->rows = (uint64_t)td_pq_rows(file);
        entry->bytes = (uint64_t)st.st_size;
        if (entry->rows && (!range || strlen(range) != 22 || !td_parse_day(range, 10, &entry->first) || !td_parse_day(range + 12, 10, &entry->last)))
            code = td_fail(err, TD_DATA, "%s: tapedeck.range is missing or damaged", path.data);
        td_buf_adds(value, text ? text : "");
        if (code == TD_OK)
            code = td_buf_check(value, key, err);
    }
    td_pq_close(file);
    path.len -= path.len >= strlen("daily.parquet") ? strlen("daily.parquet") : 0;
    td_buf_adds(&path, "_SUCCESS");
    if (code == TD_OK && !td_file_exists(path.data))
        code = td_fail(err, TD_MISSING, "%s", path.data);
    td_buf_free(&path);
    return code;
}

/* ---- manifest ---- */

static bool entry_from_doc(const struct td_doc *doc, struct td_cache_entry *out)
{
    const char *ticker = td_doc_text(doc, "ticker"), *first = td_doc_text(doc, "first"), *last = td_doc_text(doc, "last"),
               *inputs = td_doc_text(doc, "inputs");
    int64_t rows, bytes;
    *out = (struct td_cache_entry){.first = TD_NO_DAY, .last = TD_NO_DAY};
    if (!ticker || !td_ticker_valid(ticker) || !td_doc_i64(doc, "rows", &rows) || !td_doc_i64(doc, "bytes", &bytes) ||
        rows < 0 || bytes < 0 || !inputs || strlen(inputs) != 16)
        return false;
    if ((first && !td_parse_day(first, strlen(first), &out->first)) || (last && !td_parse_day(last, strlen(last), &out->last)))
        return false;
    td_copy(out->ticker, sizeof out->ticker, ticker);
    out->rows = (uint64_t)rows;
    out->bytes = (uint64_t)bytes;
    if (strspn(inputs, "0123456789abcdef") != 16)
        return false;
    out->inputs = strtoull(inputs, NULL, 16);
    return true;
}

static bool one_of(const char *text, const char *a, const char *b, const char *c)
{
    return text && (strcmp(text, a) == 0 || strcmp(text, b) == 0 || (c && strcmp(text, c) == 0));
}

static enum td_code manifest_from_doc(const char *path, const struct td_doc *doc, struct td_manifest *out, struct td_err *err)
{
    int64_t generation;
    const char *preset = td_doc_text(doc, "preset"), *bars = td_doc_text(doc, "bars");
    const struct td_doc *tickers = td_doc_get(doc, "tickers");
    if (!td_doc_i64(doc, "generation", &generation) || generation < 0 || !one_of(preset, "session", "seed", NULL) ||
        !one_of(bars, "auto", "minute", "day") || !tickers || tickers->kind != TD_DOC_LIST)
        return td_fail(err, TD_DATA, "%s: not a cache manifest; rebuild with 'tapedeck cache build --rebuild'", path);
    out->generation = (uint64_t)generation;
    td_copy(out->preset, sizeof out->preset, preset);
    td_copy(out->bars, sizeof out->bars, bars);
    td_doc_bool(doc, "stopped", &out->stopped); /* absent = no */
    for (size_t i = 0; i < tickers->count; i++) {
        struct td_cache_entry entry;
        if (!entry_from_doc(tickers->items[i], &entry))
            return td_fail(err, TD_DATA, "%s:%d: damaged entry; rebuild with 'tapedeck cache build --rebuild'", path,
                           tickers->items[i]->line);
        enum td_code code = td_manifest_put(out, &entry, err);
        if (code != TD_OK)
            return code;
    }
    return TD_OK;
}

enum td_code td_manifest_read(const struct td_lake *lake, struct td_manifest *out, struct td_err *err)
{
    *out = (struct td_manifest){0};
    struct td_buf path, text;
    struct td_arena arena;
    struct td_doc *doc = NULL;
    td_buf_init(&path, 2048);
    td_buf_init(&text, (size_t)128 << 20);
    td_arena_init(&arena, (size_t)512 << 20);
    enum td_code code = lake_cache_path(lake, &path, err, "MANIFEST.json");
    if (code == TD_OK)
        code = td_file_read(path.data, (size_t)64 << 20, &text, err);
    if (code == TD_OK)
        code = td_doc_parse(text.data, text.len, path.data, &arena, &doc, err);
    if (code == TD_OK)
        code = manifest_from_doc(path.data, doc, out, err);
    if (code == TD_CONFIG) /* a damaged manifest is data, not the user's configuration */
        code = td_fail(err, TD_DATA, "%s: damaged; rebuild with 'tapedeck cache build --rebuild'", path.data);
    if (code != TD_OK)
        td_manifest_free(out);
    td_arena_free(&arena);
    td_buf_free(&text);
    td_buf_free(&path);
    return code;
}

static void add_day(struct td_buf *out, const char *key, td_day day)
{
    char text[16];
    td_format_day(day, text);
    if (day == TD_NO_DAY)
        td_buf_printf(out, ",\"%s\":null", key);
    else
        td_buf_printf(out, ",\"%s\":\"%s\"", key, text);
}

enum td_code td_manifest_write(const struct td_lake *lake, const struct td_manifest *manifest, struct td_err *err)
{
    struct td_buf path, text;
    td_buf_init(&path, 2048);
    td_buf_init(&text, (size_t)64 << 20);
    td_buf_printf(&text, "{\"format\":1,\"generation\":%llu,\"preset\":\"%s\",\"bars\":\"%s\",%s\"tickers\":[",
                  (unsigned long long)manifest->generation, manifest->preset, manifest->bars,
                  manifest->stopped ? "\"stopped\":true," : "");
    for (size_t i = 0; i < manifest->count; i++) {
        const struct td_cache_entry *entry = &manifest->entries[i];
        td_buf_adds(&text, i ? ",\n{\"ticker\":" : "\n{\"ticker\":");
        td_buf_json(&text, entry->ticker, strlen(entry->ticker));
        td_buf_printf(&text, ",\"rows\":%llu,\"bytes\":%llu,\"inputs\":\"%016llx\"", (unsigned long long)entry->rows,
                      (unsigned long long)entry->bytes, (unsigned long long)entry->inputs);
        add_day(&text, "first", entry->first);
        add_day(&text, "last", entry->last);
        td_buf_adds(&text, "}");
    }
    td_buf_adds(&text, "\n]}\n");
    enum td_code code = td_buf_check(&text, "the cache manifest", err);
    if (code == TD_OK)
        code = lake_cache_path(lake, &path, err, "MANIFEST.json");
    if (code == TD_OK)
        code = td_mkdirs_for(path.data, err);
    if (code == TD_OK) /* the files it names first */
        code = td_publish_settle(path.data, err);
    if (code == TD_OK)
        code = td_publish_bytes(path.data, text.data, text.len, err);
    if (code == TD_OK)
        code = lake_cache_path(lake, &path, err, "_SUCCESS");
    if (code == TD_OK && manifest->stopped && unlink(path.data) != 0 && errno != ENOENT)
        code = td_fail_errno(err, errno, "%s: cannot remove", path.data);
    if (code == TD_OK && !manifest->stopped && !td_file_exists(path.data))
        code = td_publish_bytes(path.data, "", 0, err);
    td_buf_free(&text);
    td_buf_free(&path);
    return code;
}

/* First entry not below ticker. */
static size_t lower_bound(const struct td_manifest *manifest, const char *ticker)
{
    size_t low = 0, high = manifest->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(manifest->entries[mid].ticker, ticker) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct td_cache_entry *td_manifest_find(const struct td_manifest *manifest, const char *ticker)
{
    size_t at = lower_bound(manifest, ticker);
    return at < manifest->count && strcmp(manifest->entries[at].ticker, ticker) == 0 ? &manifest->entries[at] : NULL;
}

enum td_code td_manifest_put(struct td_manifest *manifest, const struct td_cache_entry *entry, struct td_err *err)
{
    size_t at = lower_bound(manifest, entry->ticker);
    if (at == manifest->count || strcmp(manifest->entries[at].ticker, entry->ticker) != 0) {
        enum td_code code = td_grow(&manifest->entries, &manifest->cap, manifest->count + 1, sizeof *manifest->entries, err);
        if (code != TD_OK)
            return code;
        memmove(manifest->entries + at + 1, manifest->entries + at, (manifest->count - at) * sizeof *manifest->entries);
        manifest->count++;
    }
    manifest->entries[at] = *entry;
    return TD_OK;
}

void td_manifest_free(struct td_manifest *manifest)
{
    td_free(manifest->entries);
    *manifest = (struct td_manifest){0};
}
