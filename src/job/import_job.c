/* SPDX-License-Identifier: GPL-3.0-or-later
 * import: local files to bronze. A unit is a file; every row read ends as written, duplicate or quarantined. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "job_internal.h"

#define FILE_BYTES ((uint64_t)128 << 20) /* an input file of two million bars in memory */

struct import_data {
    char **files;
    size_t file_count;
    struct td_import_options options; /* texts owned through `texts` */
    char *texts[3];
    bool replace, sparse, dry_run;
    char source[64], adjusted[16];
    enum td_table table;
    pthread_mutex_t replace_lock; /* --replace: the first file of this job to touch a ticker-month empties it, later ones merge */
    struct td_names replaced;     /* replace_lock */
};

static void import_end(struct td_job *job)
{
    (void)job;
}

static void import_free(struct td_job *job)
{
    struct import_data *in = job->data;
    for (size_t i = 0; i < in->file_count; i++)
        td_free(in->files[i]);
    td_free(in->files);
    for (size_t i = 0; i < TD_COUNT(in->texts); i++)
        td_free(in->texts[i]);
    td_names_free(&in->replaced);
    pthread_mutex_destroy(&in->replace_lock);
    td_free(in);
}

/* ---- Parquet files: through the lake's scanner into typed columns ---- */

struct column_store {
    struct td_import_column column;
    void *values;
    uint64_t *valid;
};

static enum td_import_kind import_kind(enum td_kind kind)
{
    switch (kind) {
    case TD_KIND_STR:
    case TD_KIND_BYTES: return TD_IMPORT_STR;
    case TD_KIND_F64:
    case TD_KIND_F32: return TD_IMPORT_F64;
    case TD_KIND_TS: return TD_IMPORT_MS;
    default: return TD_IMPORT_I64;
    }
}

static void store_cell(struct column_store *store, size_t row, const struct td_cell *cell, struct td_arena *arena, bool *full)
{
    if (cell->kind == TD_KIND_NULL)
        return;
    store->valid[row / 64] |= UINT64_C(1) << (row % 64);
    switch (store->column.kind) {
    case TD_IMPORT_STR: {
        struct td_str *slot = (struct td_str *)store->values + row;
        slot->len = cell->v.s.len;
        slot->ptr = td_arena_strndup(arena, cell->v.s.ptr, cell->v.s.len);
        *full = *full || !slot->ptr;
        break;
    }
    case TD_IMPORT_F64: ((double *)store->values)[row] = cell->v.f; break;
    case TD_IMPORT_I64: ((int64_t *)store->values)[row] = cell->kind == TD_KIND_BOOL ? cell->v.b : cell->v.i; break;
    case TD_IMPORT_MS: ((int64_t *)store->values)[row] = cell->v.i; break;
    }
}

static enum td_code load_columns(struct td_scan *scan, const char *path, size_t rows, struct column_store *stores, size_t count,
                                 struct td_arena *arena, struct td_err *err)
{
    struct td_cell *cells = td_calloc(count, sizeof *cells);
    enum td_code code = cells ? TD_OK : td_fail(err, TD_NOMEM, "%s: out of memory", path);
    for (size_t k = 0; code == TD_OK && k < count; k++) {
        const struct td_scan_column *column = td_scan_column_at(scan, k);
        stores[k].column = (struct td_import_column){.name = column->name, .kind = import_kind(column->kind)};
        stores[k].values = td_calloc(rows, sizeof(struct td_str));
        stores[k].valid = td_calloc(rows / 64 + 1, sizeof(uint64_t));
        stores[k].column.values = stores[k].values;
        stores[k].column.valid = stores[k].valid;
        if (!stores[k].values || !stores[k].valid)
            code = td_fail(err, TD_NOMEM, "%s: out of memory", path);
    }
    bool more = true, full = false;
    for (size_t row = 0; code == TD_OK && row < rows && more; row++) {
        code = td_scan_next(scan, cells, &more, err);
        for (size_t k = 0; code == TD_OK && more && k < count; k++)
            store_cell(&stores[k], row, &cells[k], arena, &full);
    }
    if (code == TD_OK && full)
        code = td_fail(err, TD_LIMIT, "%s: more text than fits in memory", path);
    td_free(cells);
    return code;
}

static enum td_code read_parquet(const char *path, const struct td_import_options *options, struct td_import_result *out,
                                 struct td_err *err)
{
    struct td_scan *scan = NULL;
    enum td_code code = td_scan_open(path, NULL, &scan, err);
    if (code != TD_OK)
        return code;
    size_t count = td_scan_column_count(scan);
    int64_t rows = td_scan_rows(scan);
    struct td_arena arena;
    td_arena_init(&arena, (size_t)1 << 30);
    struct column_store *stores = td_calloc(count, sizeof *stores);
    struct td_import_column *columns = td_calloc(count, sizeof *columns);
    if (!stores || !columns)
        code = td_fail(err, TD_NOMEM, "%s: out of memory", path);
    if (code == TD_OK && (rows < 0 || rows > 20000000))
        code = td_fail(err, TD_LIMIT, "%s: %lld rows in one file are more than an import takes; split the file", path, (long long)rows);
    if (code == TD_OK)
        code = load_columns(scan, path, (size_t)rows, stores, count, &arena, err);
    for (size_t k = 0; code == TD_OK && k < count; k++)
        columns[k] = stores[k].column;
    if (code == TD_OK)
        code = td_import_table(path, columns, count, (size_t)rows, options, out, err);
    for (size_t k = 0; stores && k < count; k++) {
        td_free(stores[k].values);
        td_free(stores[k].valid);
    }
    td_free(stores);
    td_free(columns);
    td_arena_free(&arena);
    td_scan_close(scan);
    return code;
}

/* ---- into bronze ---- */

static enum td_code merge_replacing(struct td_job *job, const char *ticker, int32_t month, const struct td_bars *part,
                                    struct td_merge *merge, struct td_merge_counts *counts, struct td_err *err)
{
    struct import_data *in = job->data;
    char key[64];
    td_snprintf(key, sizeof key, "%s %d", ticker, month);
    pthread_mutex_lock(&in->replace_lock);
    merge->replace = true;
    for (size_t i = 0; i < in->replaced.count; i++)
        if (strcmp(in->replaced.items[i], key) == 0)
            merge->replace = false;
    enum td_code code = merge->replace ? td_names_add(&in->replaced, key, strlen(key), err) : TD_OK;
    if (code == TD_OK)
        code = td_bronze_merge(job->engine->lake, in->table, ticker, month, part, merge, counts, err);
    pthread_mutex_unlock(&in->replace_lock);
    return code;
}

static enum td_code import_month(struct td_job *job, const struct td_import_series *series, int32_t month, td_day from, td_day to,
                                 const char *source, const char *adjusted, struct job_result *result, struct td_err *err)
{
    struct import_data *in = job->data;
    td_day first = td_month_first(month), last = td_month_last(month);
    const struct td_day_range vouched = {from > first ? from : first, to < last ? to : last};
    struct td_bars part = job_month_slice(&series->bars, month);
    struct td_merge merge = {.source = source, .adjusted = adjusted, .vouched = &vouched, .vouched_count = !in->sparse};
    struct td_merge_counts counts = {0};
    enum td_code code = TD_OK;
    if (part.n == 0 && in->sparse)
        return TD_OK;
    if (in->dry_run)
        counts.added = part.n;
    else if (in->replace)
        code = merge_replacing(job, series->ticker, month, &part, &merge, &counts, err);
    else
        code = td_bronze_merge(job->engine->lake, in->table, series->ticker, month, &part, &merge, &counts, err);
    result->rows_written += counts.added + counts.corrected; /* all zero after a failure */
    result->rows_duplicate += counts.duplicates;
    result->quarantined[TD_REASON_CONFLICT] += counts.conflicts;
    return code;
}

static enum td_code import_series(struct td_job *job, const struct td_import_series *series, const char *source,
                                  const char *adjusted, struct job_result *result, struct td_err *err)
{
    if (series->bars.n == 0)
        return TD_OK;
    td_day from, to;
    int32_t ms;
    td_ny_split(series->bars.ts[0], &from, &ms);
    td_ny_split(series->bars.ts[series->bars.n - 1], &to, &ms);
    enum td_code code = TD_OK;
    for (int32_t month = td_month_of(from); code == TD_OK && month <= td_month_of(to); month++)
        code = import_month(job, series, month, from, to, source, adjusted, result, err);
    return code;
}

static void explain(const struct td_import_result *found, struct job_result *result)
{
    uint64_t bad = 0;
    for (size_t i = 1; i < TD_REASON_COUNT; i++)
        bad += found->quarantined[i];
    if (bad)
        td_snprintf(result->why, sizeof result->why, "%llu rows quarantined; first: %.200s", (unsigned long long)bad, found->detail);
}

static enum job_step import_step(struct td_job *job, size_t index, struct job_result *result)
{
    struct import_data *in = job->data;
    const char *path = in->files[index];
    struct td_import_result found = {0};
    struct td_err err = {0};
    bool parquet = td_import_is_parquet(path);
    enum td_code code = parquet ? read_parquet(path, &in->options, &found, &err) : td_import_read(path, &in->options, &found, &err);
    if (code == TD_OK) {
        result->rows_read = found.rows_read;
        result->rows_duplicate = found.duplicates;
        memcpy(result->quarantined, found.quarantined, sizeof result->quarantined);
        explain(&found, result);
    }
    const char *source = *in->source ? in->source : found.source;
    /* A file that calls its prices adjusted never passes as raw; since when, only the user can tell. */
    const char *adjusted = *in->adjusted ? in->adjusted : found.adjusted == 1 ? "adjusted" : "raw";
    for (size_t i = 0; code == TD_OK && i < found.count; i++)
        code = import_series(job, &found.series[i], source, adjusted, result, &err);
    struct stat st;
    result->bytes = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
    result->state = result->rows_written || result->rows_duplicate ? TD_UNIT_OK : TD_UNIT_EMPTY;
    if (code != TD_OK)
        job_fail(result, code, &err);
    td_import_free(&found);
    return JOB_STEP_DONE;
}

static enum td_code import_begin(struct td_job *job, struct td_err *err)
{
    const struct import_data *in = job->data;
    return in->dry_run ? TD_OK : job_sweep_bronze(job->engine->lake, job->dataset, err);
}

static const struct job_ops import_ops = {.kind = "import", .begin = import_begin, .step = import_step, .end = import_end, .free = import_free};

static enum td_code copy_text(struct import_data *in, size_t slot, const char **text, struct td_err *err)
{
    if (!*text)
        return TD_OK;
    in->texts[slot] = td_strdup(*text);
    *text = in->texts[slot];
    return in->texts[slot] ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: an import job");
}

static enum td_code plan(struct td_job *job, const struct td_import_job *options, struct td_err *err)
{
    struct import_data *in = job->data;
    in->files = td_calloc(options->file_count, sizeof *in->files);
    if (!in->files)
        return td_fail(err, TD_NOMEM, "out of memory: an import job");
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < options->file_count; i++) {
        struct stat st;
        const char *name = strrchr(options->files[i], '/');
        in->files[i] = td_strdup(options->files[i]);
        in->file_count++;
        code = in->files[i] ? job_add_unit(job, name ? name + 1 : options->files[i],
                                           stat(options->files[i], &st) == 0 ? (uint64_t)st.st_size : 1, err)
                            : td_fail(err, TD_NOMEM, "out of memory: an import job");
    }
    td_snprintf(job->title, sizeof job->title, "%s  %zu files%s", td_table_name(in->table), options->file_count,
                in->dry_run ? "  dry run" : "");
    return code;
}

enum td_code td_job_import(struct td_engine *engine, const struct td_import_job *options, int *id, struct td_err *err)
{
    struct import_data *in = td_calloc(1, sizeof *in);
    struct td_job *job = NULL;
    enum td_code code = in ? job_new(engine, &import_ops, in, &job, err) : td_fail(err, TD_NOMEM, "out of memory: an import job");
    if (code != TD_OK) {
        td_free(in);
        return code;
    }
    pthread_mutex_init(&in->replace_lock, NULL);
    in->options = options->options;
    in->replace = options->replace;
    in->sparse = options->sparse;
    in->dry_run = options->dry_run;
    in->table = options->options.daily ? TD_STOCKS_DAILY : TD_STOCKS_MINUTE;
    td_copy(in->source, sizeof in->source, options->source ? options->source : "");
    td_copy(in->adjusted, sizeof in->adjusted, options->adjusted ? options->adjusted : "");
    if (!in->dry_run)
        td_copy(job->dataset, sizeof job->dataset, td_table_name(in->table));
    code = copy_text(in, 0, &in->options.ticker, err);
    if (code == TD_OK)
        code = copy_text(in, 1, &in->options.columns, err);
    if (code == TD_OK)
        code = copy_text(in, 2, &in->options.strptime, err);
    if (code == TD_OK)
        code = plan(job, options, err);
    if (code != TD_OK) {
        job_free(job);
        return code;
    }
    job->max_active = job_fit(engine, engine->workers, FILE_BYTES);
    return job_start(job, id, err);
}
