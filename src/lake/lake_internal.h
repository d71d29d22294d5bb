/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake, private: the handle and helpers shared by its files. */
#ifndef TAPEDECK_LAKE_INTERNAL_H
#define TAPEDECK_LAKE_INTERNAL_H

#include <pthread.h>
#include <tapedeck/lake.h>
#include <tapedeck/parquet.h>

#define LAKE_STRIPES 64

struct td_lake {
    char root[1024];
    char cache[1024]; /* folder of the daily cache; "" = cache/daily in the lake */
    pthread_mutex_t stripes[LAKE_STRIPES]; /* one file is merged by one thread at a time; index = hash of its path */
};

/* "<root>/<fmt...>" into out (cleared first). */
enum td_code lake_path(const struct td_lake *lake, struct td_buf *out, struct td_err *err, const char *fmt, ...)
    TD_PRINTF(4, 5);
/* Call fn for every regular file below a folder of the lake ("" = all); a code other than TD_OK from fn ends the walk. */
struct stat;
typedef enum td_code lake_walk_fn(void *ctx, const char *path, const char *name, const struct stat *st, struct td_err *err);
enum td_code lake_walk(const struct td_lake *lake, const char *folder, lake_walk_fn *fn, void *ctx, struct td_err *err);
/* Size, place and times of a file in one number, never 0: while it is the same, nobody wrote to the file. */
uint64_t lake_stamp(const struct stat *st);
/* "<folder of the daily cache>/<tail>" into out (cleared first). */
enum td_code lake_cache_path(const struct td_lake *lake, struct td_buf *out, struct td_err *err, const char *tail);
pthread_mutex_t *lake_stripe(struct td_lake *lake, const char *path);
/* Parse "a..b,c..d" of file metadata. */
enum td_code lake_ranges_parse(const char *text, struct td_ranges *out, struct td_err *err);
void lake_ranges_format(const struct td_ranges *ranges, struct td_buf *out);
/* td_table_write; settle_later: the rename is made durable by whoever commits the files that belong together. */
enum td_code lake_table_write(const char *path, const struct td_record *record, const void *rows, size_t count,
                              const struct td_meta *meta, size_t meta_count, bool settle_later, struct td_err *err);
/* topN_12m.csv of `count` rows, appended to *out. */
#define LAKE_TOPN_CSV_MAX ((size_t)64 << 20)
enum td_code lake_topn_csv(const struct td_topn_row *rows, size_t count, struct td_buf *out, struct td_err *err);
/* Whole files that lie where another belongs: bars of another ticker or month, lists and snapshots of another day. Each goes to fn;
 * files that cannot be opened are passed over. By footers alone: call after everything has been decoded (lake_verify.c). */
enum td_code lake_verify_places(const struct td_lake *lake, void (*fn)(void *ctx, const char *difference), void *ctx, struct td_err *err);
/* The Parquet column of a record field. */
struct td_pq_column lake_column_of(const struct td_field *field);
/* May a file's column be read where `want` is expected? Optional or not is the values' business. */
bool lake_column_fits(const struct td_pq_column *have, const struct td_pq_column *want);
/* Is the file of the record's schema, version N or N-1? */
enum td_code lake_schema_check(const struct td_pq_file *file, const char *path, const struct td_record *record, struct td_err *err);
/* Cell kind and canonical type text of a Parquet column (tools read it as the header of `parquet cat --format csv`). */
enum td_kind lake_kind_of(const struct td_pq_column *column, char type[40]);
/* A name of its own for each leaf of the file, into the arena: the file's, and of columns that share one "name#2", "name#3" for
 * the second and third. TD_NOMEM. */
enum td_code lake_leaf_names(const struct td_pq_file *file, struct td_arena *arena, const char ***out, struct td_err *err);
void lake_int96_text(struct td_str bytes, struct td_buf *out); /* exact nanoseconds since 1970, however far */
/* Slot i of an array of that column as a cell; text points into the array's values. */
struct td_cell lake_cell_of(const struct td_pq_column *column, const struct td_pq_array *array, size_t i);

#endif
