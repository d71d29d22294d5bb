/* SPDX-License-Identifier: GPL-3.0-or-later
 * Proof that the files of a lake can be believed: every page decoded, every count compared. */
#include <string.h>
#include <sys/stat.h>
#include "lake_internal.h"

struct verify {
    void (*fn)(void *ctx, const char *difference);
    void *ctx;
    uint64_t files;
};

static enum td_code verify_file(void *arg, const char *path, const char *name, const struct stat *st, struct td_err *err)
{
    struct verify *v = arg;
    size_t len = strlen(name);
    struct td_err why = {0};
    uint64_t rows;
    (void)st;
    (void)err;
    if (len < 8 || strcmp(name + len - 8, ".parquet") != 0)
        return TD_OK;
    v->files++;
    if (td_parquet_verify(path, &rows, &why) != TD_OK)
        v->fn(v->ctx, why.text);
    return TD_OK;
}

/* The manifest of the lists knows how many there were; a lost one would be missed by looking at files alone. */
static enum td_code verify_lists(const struct td_lake *lake, struct verify *v, struct td_err *err)
{
    struct td_buf path, text;
    struct td_arena arena;
    struct td_doc *doc = NULL;
    struct td_days built = {0};
    char difference[200];
    int64_t lists = -1;
    td_buf_init(&path, 2048);
    td_buf_init(&text, 131072);
    td_arena_init(&arena, 1 << 20);
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/MANIFEST.json");
    bool have = code == TD_OK && td_file_exists(path.data);
    if (have)
        code = td_file_read(path.data, 65536, &text, err);
    if (have && code == TD_OK && (td_doc_parse(text.data, text.len, path.data, &arena, &doc, NULL) != TD_OK || !td_doc_i64(doc, "watchlists", &lists)))
        v->fn(v->ctx, "universe/info_rich/MANIFEST.json is damaged; run 'tapedeck universe build'");
    if (code == TD_OK)
        code = td_watch_days(lake, &built, err);
    if (code == TD_OK && lists >= 0 && (uint64_t)lists > built.count) { /* more are what a killed build left: no harm */
        td_snprintf(difference, sizeof difference, "%zu watchlists on disk, the manifest says %lld; run 'tapedeck universe build'", built.count,
                    (long long)lists);
        v->fn(v->ctx, difference);
    }
    td_days_free(&built);
    td_arena_free(&arena);
    td_buf_free(&text);
    td_buf_free(&path);
    return code;
}

/* The short list is the beginning of the ranking, to the byte. Files that do not say how long it is may be cut at any row. */
static enum td_code verify_topn_csv(const char *path, const struct td_rows *ranking, const char *top_k, struct verify *v, struct td_err *err)
{
    struct td_buf text, want;
    int64_t k = 0;
    bool known = td_parse_i64(top_k, strlen(top_k), &k) && k >= 0;
    size_t rows = known && (uint64_t)k < ranking->count ? (size_t)k : ranking->count;
    td_buf_init(&text, LAKE_TOPN_CSV_MAX + 1);
    td_buf_init(&want, LAKE_TOPN_CSV_MAX);
    enum td_code code = lake_topn_csv(ranking->items, rows, &want, err), read = td_file_read(path, LAKE_TOPN_CSV_MAX, &text, NULL);
    bool begins = read == TD_OK && text.len <= want.len && memcmp(text.data, want.data, text.len) == 0;
    if (code == TD_OK && (!begins || (text.len < want.len && (known || text.len == 0 || text.data[text.len - 1] != '\n'))))
        v->fn(v->ctx, "universe/info_rich/topN_12m.csv differs from topN_12m.parquet; run 'tapedeck universe topn'");
    td_buf_free(&want);
    td_buf_free(&text);
    return code;
}

static enum td_code verify_topn(const struct td_lake *lake, struct verify *v, struct td_err *err)
{
    struct td_buf path;
    struct td_rows rows = {0};
    char top_k[128] = "";
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/topN_12m.parquet");
    bool ranked = code == TD_OK && td_file_exists(path.data);
    bool whole = ranked && td_table_read(path.data, &td_topn_record, &rows, "tapedeck.top_k", top_k, NULL) == TD_OK;
    if (code == TD_OK)
        code = lake_path(lake, &path, err, "universe/info_rich/topN_12m.csv");
    bool listed = code == TD_OK && td_file_exists(path.data);
    if (listed != ranked)
        v->fn(v->ctx, ranked ? "universe/info_rich/topN_12m.csv is missing; run 'tapedeck universe topn'"
                             : "universe/info_rich/topN_12m.parquet is missing; run 'tapedeck universe topn'");
    else if (listed && whole) /* a damaged one has been told already */
        code = verify_topn_csv(path.data, &rows, top_k, v, err);
    td_rows_free(&rows);
    td_buf_free(&path);
    return code;
}

/* The rankings name each other: a reader of the index must not find nothing. */
static enum td_code verify_snapshots(const struct td_lake *lake, struct verify *v, struct td_err *err)
{
    struct td_buf path;
    struct td_rows rows = {0};
    char difference[300];
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, "universe/info_rich/topn12m/topn12m_index.parquet");
    if (code == TD_OK && td_file_exists(path.data))
        td_table_read(path.data, &td_snapshot_index_record, &rows, NULL, NULL, NULL); /* a damaged one has been told already */
    const struct td_snapshot_entry *entries = rows.items;
    for (size_t i = 0; code == TD_OK && i < rows.count; i++) {
        code = lake_path(lake, &path, err, "%s", entries[i].path);
        if (code == TD_OK && !td_file_exists(path.data)) {
            td_snprintf(difference, sizeof difference, "%s is missing, the index lists it; run 'tapedeck universe snapshots'", entries[i].path);
            v->fn(v->ctx, difference);
        }
    }
    td_rows_free(&rows);
    td_buf_free(&path);
    return code;
}

enum td_code td_lake_verify(const struct td_lake *lake, void (*fn)(void *ctx, const char *difference), void *ctx, uint64_t *files,
                            struct td_err *err)
{
    struct verify v = {fn, ctx, 0};
    enum td_code code = lake_walk(lake, "bronze", verify_file, &v, err);
    if (code == TD_OK)
        code = lake_walk(lake, "universe", verify_file, &v, err);
    if (code == TD_OK)
        code = verify_lists(lake, &v, err);
    if (code == TD_OK)
        code = verify_topn(lake, &v, err);
    if (code == TD_OK)
        code = verify_snapshots(lake, &v, err);
    if (code == TD_OK)
        code = lake_verify_places(lake, fn, ctx, err);
    *files = v.files;
    return code;
}
