/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rankings of the past on disk: universe/info_rich/topn12m, one file a month end and one a year, and the index of them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lake_internal.h"

#define BELOW "universe/info_rich/topn12m"

static const char *const folders[] = {BELOW "/rolling/month_end", BELOW "/annual"};
static const char *const types[] = {"month_end", "annual"};

/* "topn_2025-10.parquet" or "topn_2025.parquet" */
static void file_name(bool annual, int32_t month, char out[40])
{
    if (annual)
        td_snprintf(out, 40, "topn_%04d.parquet", month / 12);
    else
        td_snprintf(out, 40, "topn_%04d-%02d.parquet", month / 12, month % 12 + 1);
}

/* The month the name speaks of (December of a year); -1 for any other name. */
static int32_t month_of_name(bool annual, const char *name)
{
    char text[16], again[40];
    td_day day;
    if (strlen(name) < 9 || !td_snprintf(text, sizeof text, "%.*s-%s", annual ? 4 : 7, name + 5, annual ? "12-01" : "01") ||
        !td_parse_day(text, strlen(text), &day))
        return -1;
    file_name(annual, td_month_of(day), again);
    return strcmp(again, name) == 0 ? td_month_of(day) : -1;
}

enum td_code td_snapshot_path(const struct td_lake *lake, bool annual, int32_t month, struct td_buf *out, struct td_err *err)
{
    char name[40];
    file_name(annual, month, name);
    return lake_path(lake, out, err, "%s/%s", folders[annual], name);
}

enum td_code td_snapshot_write(const struct td_lake *lake, bool annual, int32_t month, const struct td_snapshot_row *rows, size_t count,
                               const char *thresholds, const char *preset, uint32_t covered, struct td_err *err)
{
    struct td_buf path;
    char number[16];
    td_buf_init(&path, 2048);
    td_snprintf(number, sizeof number, "%u", covered);
    const struct td_meta meta[] = {
        {"tapedeck.thresholds", thresholds}, {"tapedeck.preset", preset}, {"tapedeck.sessions_covered", number}};
    enum td_code code = td_snapshot_path(lake, annual, month, &path, err);
    if (code == TD_OK)
        code = td_table_write(path.data, &td_snapshot_record, rows, count, meta, TD_COUNT(meta), err);
    td_buf_free(&path);
    return code;
}

struct index {
    const char *thresholds, *preset;
    struct td_snapshot_entry *entries;
    size_t count, cap, left_out;
};

static enum td_code add_file(const struct td_lake *lake, struct index *index, bool annual, int32_t month, struct td_err *err)
{
    struct td_buf path;
    struct td_pq_file *file = NULL;
    td_buf_init(&path, 2048);
    enum td_code code = td_snapshot_path(lake, annual, month, &path, err);
    if (code == TD_OK)
        code = td_pq_open(path.data, NULL, &file, err);
    const char *thresholds = file ? td_pq_meta(file, "tapedeck.thresholds") : NULL, *preset = file ? td_pq_meta(file, "tapedeck.preset") : NULL;
    bool ours = thresholds && preset && strcmp(thresholds, index->thresholds) == 0 && strcmp(preset, index->preset) == 0;
    td_pq_close(file);
    td_buf_free(&path);
    if (code == TD_OK && !ours)
        index->left_out++;
    if (code != TD_OK || !ours)
        return code;
    code = td_grow(&index->entries, &index->cap, index->count + 1, sizeof *index->entries, err);
    if (code != TD_OK)
        return code;
    struct td_snapshot_entry *entry = &index->entries[index->count++];
    char name[40];
    file_name(annual, month, name);
    *entry = (struct td_snapshot_entry){.asof_date = td_cal_day(td_cal_index_at_or_before(td_month_last(month)))};
    td_copy(entry->snapshot_type, sizeof entry->snapshot_type, types[annual]);
    td_snprintf(entry->path, sizeof entry->path, "%s/%s", folders[annual], name);
    return TD_OK;
}

static enum td_code add_folder(const struct td_lake *lake, struct index *index, bool annual, struct td_err *err)
{
    struct td_buf path;
    struct td_names names = {0};
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, "%s", folders[annual]);
    if (code == TD_OK)
        code = td_dir_list(path.data, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        int32_t month = month_of_name(annual, names.items[i]);
        if (month >= 0)
            code = add_file(lake, index, annual, month, err);
    }
    td_names_free(&names);
    td_buf_free(&path);
    return code;
}

static int compare_entries(const void *a, const void *b)
{
    const struct td_snapshot_entry *x = a, *y = b;
    if (x->asof_date != y->asof_date)
        return x->asof_date < y->asof_date ? -1 : 1;
    return strcmp(y->snapshot_type, x->snapshot_type); /* the month before the year it ends */
}

enum td_code td_snapshot_index(const struct td_lake *lake, const char *thresholds, const char *preset, size_t *listed, size_t *left_out,
                               struct td_err *err)
{
    struct index index = {.thresholds = thresholds, .preset = preset};
    struct td_buf path;
    td_buf_init(&path, 2048);
    const struct td_meta meta[] = {{"tapedeck.thresholds", thresholds}, {"tapedeck.preset", preset}};
    enum td_code code = add_folder(lake, &index, false, err);
    if (code == TD_OK)
        code = add_folder(lake, &index, true, err);
    if (code == TD_OK && index.count > 1)
        qsort(index.entries, index.count, sizeof *index.entries, compare_entries);
    if (code == TD_OK)
        code = lake_path(lake, &path, err, BELOW "/topn12m_index.parquet");
    if (code == TD_OK)
        code = td_table_write(path.data, &td_snapshot_index_record, index.entries, index.count, meta, TD_COUNT(meta), err);
    *listed = index.count;
    *left_out = index.left_out;
    td_free(index.entries);
    td_buf_free(&path);
    return code;
}
