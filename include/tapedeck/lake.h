/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake: where tables live: layout, schemas, manifests, locks, atomic publish, table read and write (design section 4).
 * A struct td_lake is immutable after opening: any thread may use it; per-file writes are serialised inside. */
#ifndef TAPEDECK_LAKE_H
#define TAPEDECK_LAKE_H

#include <tapedeck/market.h>

/* ---- cells and sheets: any table as rows of typed cells, for commands, filters and panes ---- */

enum td_kind { TD_KIND_NULL, TD_KIND_BOOL, TD_KIND_I64, TD_KIND_U64, TD_KIND_F64, TD_KIND_F32, TD_KIND_STR, TD_KIND_BYTES,
               TD_KIND_DAY, TD_KIND_TS /* UTC ms */ };
struct td_cell {
    enum td_kind kind; /* TD_KIND_NULL whatever the column's kind */
    union {
        bool b;
        int64_t i;
        uint64_t u;
        double f;
        struct td_str s;
    } v;
};
/* The cell of a record field. Text points into the row. */
struct td_cell td_record_cell(const struct td_field *field, const void *row);
enum td_kind td_field_cell_kind(const struct td_field *field);

/* ---- the lake ---- */

struct td_lake;
#define TD_LAKE_FORMAT 1
/* Open the lake at root. `create`: make it when absent; else an absent lake is TD_MISSING naming the fix. A lake of a newer
 * format is TD_UNSUPPORTED, a folder that is no lake TD_DATA. */
enum td_code td_lake_open(const char *root, bool create, struct td_lake **out, struct td_err *err);
void td_lake_close(struct td_lake *lake);
const char *td_lake_root(const struct td_lake *lake);
bool td_path_encode(const char *ticker, char *out, size_t size);              /* %XX outside [A-Za-z0-9._-] */
bool td_path_decode(const char *text, size_t len, char *out, size_t size);
bool td_ticker_valid(const char *ticker); /* 1..31 printable ASCII bytes without blanks or '/' */

/* Locks: OFD locks on _locks/<dataset>.lock; they die with their process. One writer a dataset. */
struct td_lock;
/* wait_s seconds of patience (0 = none). TD_LOCKED names pid, host and start time of the owner. */
enum td_code td_lake_lock(struct td_lake *lake, const char *dataset, double wait_s, struct td_lock **out, struct td_err *err);
void td_lake_unlock(struct td_lock *lock); /* NULL is fine */

/* ---- bronze: one file per ticker and exchange month ---- */

enum td_table { TD_STOCKS_MINUTE, TD_STOCKS_DAILY, TD_TABLE_COUNT };
const char *td_table_name(enum td_table table); /* "stocks_minute" */
bool td_table_parse(const char *name, enum td_table *out);

struct td_ranges { /* inclusive day ranges, ascending, merged across days that are no sessions */
    struct td_day_range *items;
    size_t count, cap;
};
enum td_code td_ranges_add(struct td_ranges *ranges, td_day from, td_day to, struct td_err *err);
bool td_ranges_cover(const struct td_ranges *ranges, td_day from, td_day to); /* every session of from..to */
void td_ranges_free(struct td_ranges *ranges);

struct td_bronze_info { /* what a file says of itself; free with td_bronze_info_free */
    int64_t rows;
    char source[64];   /* "rest", "csv", "alphavantage", ... */
    char adjusted[16]; /* "raw" or the as-of date */
    struct td_ranges vouched; /* sessions for which the file is complete */
    td_day last_day;          /* exchange date of the newest bar, TD_NO_DAY when there is none */
    uint64_t hash;            /* of the content: equal rows and ranges, equal hash */
};
void td_bronze_info_free(struct td_bronze_info *info);
enum td_code td_bronze_path(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_buf *out, struct td_err *err);
/* Footer only. TD_MISSING when there is no such file. */
enum td_code td_bronze_stat(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_bronze_info *info, struct td_err *err);
/* Append the file's bars to *bars; info may be NULL. The file's ticker column is checked against `ticker`. */
enum td_code td_bronze_read(const struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                            struct td_bars *bars, struct td_bronze_info *info, struct td_err *err);
/* The same for one file after the other: decompressors and buffers stay with the reader. One thread a reader; it may be NULL. */
struct td_bronze_reader;
enum td_code td_bronze_reader_new(struct td_bronze_reader **out, struct td_err *err);
void td_bronze_reader_free(struct td_bronze_reader *reader); /* NULL is fine */
enum td_code td_bronze_reader_read(struct td_bronze_reader *reader, const struct td_lake *lake, enum td_table table,
                                   const char *ticker, int32_t month, struct td_bars *bars, struct td_bronze_info *info,
                                   struct td_err *err);
struct td_merge {
    const char *source, *adjusted;
    const struct td_day_range *vouched;
    size_t vouched_count;
    bool new_wins; /* a differing row of one timestamp: true = the new one corrects (REST), false = the old one stays (import) */
    bool replace;  /* drop what the file held */
};
struct td_merge_counts {
    uint64_t added, corrected, duplicates, conflicts; /* of the new bars; their sum is the number given */
    int64_t rows;                                     /* in the file afterwards, read back from its footer */
    bool written;                                     /* false: nothing changed, the file was left alone */
};
/* Merge clean, sorted bars of one ticker-month into its file (merge, never replace; publish atomically; verify by reading the
 * footer back). TD_DATA when the file is of another source or price basis, naming --replace. */
enum td_code td_bronze_merge(struct td_lake *lake, enum td_table table, const char *ticker, int32_t month,
                             const struct td_bars *bars, const struct td_merge *merge, struct td_merge_counts *counts,
                             struct td_err *err);
struct td_bronze_file {
    char ticker[TD_TICKER_MAX];
    int32_t month;
    uint64_t bytes;
    uint64_t stamp; /* of the file's size, place and times: the same stamp, the same content; never 0 */
};
struct td_bronze_list { /* by ticker, then month */
    struct td_bronze_file *items;
    size_t count, cap;
};
enum td_code td_bronze_scan(const struct td_lake *lake, enum td_table table, struct td_bronze_list *out, struct td_err *err);
void td_bronze_list_free(struct td_bronze_list *list);
/* Bars of a ticker between two days (inclusive), from as many files as it takes; vouched ranges are added when not NULL. */
enum td_code td_bronze_range(const struct td_lake *lake, enum td_table table, const char *ticker, td_day from, td_day to,
                             struct td_bars *bars, struct td_ranges *vouched, struct td_err *err);

/* ---- minute bars of a lake laid out ticker-first: ROOT/TICKER/year=YYYY/month=MM/...parquet; never written to ----
 * Any number of files a month, the month with or without its zero. Columns by name, in any order: t or timestamp (TIMESTAMP of any
 * unit, or whole seconds, ms, us or ns since 1970, told apart by their size), o or open, h or high, l or low, c or close, and
 * where there are such v or volume, vw or vwap, n or transactions; DOUBLE, FLOAT or integers. Times are UTC bar starts. */
#define TD_INTRADAY_SPILL 1 /* days by which a month's bars may lie outside it: months are cut by UTC or by exchange dates */
enum td_code td_intraday_scan(const char *root, struct td_bronze_list *out, struct td_err *err); /* TD_MISSING when there is none */
/* Hash of the sizes, times of writing and footers of a ticker-month's files. */
enum td_code td_intraday_hash(const char *root, const char *ticker, int32_t month, uint64_t *hash, struct td_err *err);
struct td_intraday_counts {
    uint64_t rows, duplicates, quarantined[TD_REASON_COUNT]; /* of the files; rows = bars + duplicates + quarantined */
};
/* Append the checked bars of a ticker-month, sorted, each time once. info: source "intraday", raw, vouched from the first to the
 * last day that has a bar. Errors name the file. */
enum td_code td_intraday_read(struct td_bronze_reader *reader, const char *root, const char *ticker, int32_t month,
                              struct td_bars *bars, struct td_bronze_info *info, struct td_intraday_counts *counts,
                              struct td_err *err);

/* ---- candles, removal ---- */

/* Candles of a ticker between two days (TD_NO_DAY = open), from minute bars; 1d falls back to daily bars where the ticker has
 * no minute file in the range. TD_MISSING when the lake has no bars of the ticker at all, naming the nearest ticker. */
enum td_code td_lake_candles(const struct td_lake *lake, const char *ticker, td_day from, td_day to,
                             const struct td_candle_options *options, struct td_candles *out, struct td_err *err);
/* Remove a whole lake (demo --fresh). Refused (TD_DATA) for a folder that is no lake. */
enum td_code td_lake_remove(const char *root, struct td_err *err);

/* ---- record tables: Parquet files whose rows are a record struct ---- */

struct td_meta { const char *key, *value; };
struct td_rows { /* free with td_rows_free; text fields point into arena */
    void *items;
    size_t count, cap, size;
    struct td_arena arena;
};
enum td_code td_table_write(const char *path, const struct td_record *record, const void *rows, size_t count,
                            const struct td_meta *meta, size_t meta_count, struct td_err *err);
/* Read a file of the record's schema N or N-1, columns by name, a missing optional one as null, a newer schema refused.
 * meta_value (may be NULL, size 128) receives the metadata value of meta_key, "" when absent. */
enum td_code td_table_read(const char *path, const struct td_record *record, struct td_rows *out, const char *meta_key,
                           char meta_value[128], struct td_err *err);
void td_rows_free(struct td_rows *rows);

/* ---- reference tables: bronze/splits, bronze/tickers ---- */

struct td_split_row {
    char ticker[TD_TICKER_MAX];
    td_day execution_date;
    double split_from, split_to;
};
extern const struct td_record td_split_record;
struct td_ticker_row { /* of the vendor's ticker list */
    char ticker[TD_TICKER_MAX];
    char type[16], exchange[16], name[64];
    int8_t active;
    td_day list_date, delisted; /* TD_NO_DAY = unknown */
};
extern const struct td_record td_ticker_record;
struct td_rename_row { /* on `day` the company of `old_ticker` took `ticker` */
    char ticker[TD_TICKER_MAX], old_ticker[TD_TICKER_MAX];
    td_day day;
};
extern const struct td_record td_rename_record;
enum td_code td_reference_path(const struct td_lake *lake, const char *table, struct td_buf *out, struct td_err *err);

/* ---- daily cache ---- */

/* Folder of the daily cache, and the sweep of what killed builds left in it (call with its lock held). */
enum td_code td_cache_folder(const struct td_lake *lake, struct td_buf *out, struct td_err *err);
enum td_code td_cache_sweep(const struct td_lake *lake, uint64_t *removed, struct td_err *err);
/* A second handle on the lake whose daily cache lies in `folder` (cache build --out); closed before `lake`. */
enum td_code td_lake_with_cache(const struct td_lake *lake, const char *folder, struct td_lake **out, struct td_err *err);

struct td_cache_entry {
    char ticker[TD_TICKER_MAX];
    uint64_t rows, bytes, inputs; /* inputs: hash of everything the rows were made from */
    td_day first, last;
};
struct td_manifest { /* of cache/daily or of a folder given with --out; free with td_manifest_free */
    uint64_t generation;
    char preset[16], bars[8];
    bool stopped; /* the newest build ended before its last unit: there is no _SUCCESS */
    struct td_cache_entry *entries; /* by ticker */
    size_t count, cap;
};
enum td_code td_cache_path(const struct td_lake *lake, const char *ticker, struct td_buf *out, struct td_err *err);
enum td_code td_cache_read(const struct td_lake *lake, const char *ticker, struct td_rows *out, struct td_err *err);
enum td_code td_cache_write(const struct td_lake *lake, const char *ticker, const struct td_daily_row *rows, size_t count,
                            const char *preset, uint64_t *bytes, struct td_err *err);
/* td_cache_write with further metadata of the file. */
enum td_code td_cache_write_with(const struct td_lake *lake, const char *ticker, const struct td_daily_row *rows, size_t count,
                                 const char *preset, const struct td_meta *more, size_t more_count, uint64_t *bytes,
                                 struct td_err *err);
/* What the footer of a cache file says: its entry (bytes and rows as on disk; inputs 0), and the metadata value of `key` ("" when
 * absent) appended to *value. TD_MISSING when there is no file, or no _SUCCESS beside it. */
enum td_code td_cache_stat(const struct td_lake *lake, const char *ticker, struct td_cache_entry *entry, const char *key,
                           struct td_buf *value, struct td_err *err);
enum td_code td_manifest_read(const struct td_lake *lake, struct td_manifest *out, struct td_err *err); /* TD_MISSING: none yet */
enum td_code td_manifest_write(const struct td_lake *lake, const struct td_manifest *manifest, struct td_err *err);
struct td_cache_entry *td_manifest_find(const struct td_manifest *manifest, const char *ticker);
enum td_code td_manifest_put(struct td_manifest *manifest, const struct td_cache_entry *entry, struct td_err *err);
void td_manifest_free(struct td_manifest *manifest);

/* Many cache files one after the other, by columns: one reader a thread keeps its decompressors and buffers. */
enum td_daily_value { TD_DV_CLOSE, TD_DV_PCTCHG, TD_DV_RVOL30, TD_DV_DOLLAR_VOL, TD_DV_CAP, TD_DV_RULES, /* all that rules ask for */
                      TD_DV_PRIOR = TD_DV_RULES, TD_DV_VOL, TD_DV_VWAP, TD_DV_GAP, TD_DV_COUNT };
struct td_daily_batch { /* of the reader; until its next call */
    size_t n;
    const td_day *day;
    const double *value[TD_DV_COUNT]; /* NaN = null; NULL for what was not asked for */
    const uint32_t *flags;            /* bits of TD_FLAG */
};
struct td_daily_reader;
/* The first `values` of enum td_daily_value are read: TD_DV_RULES or TD_DV_COUNT. */
enum td_code td_daily_reader_new(const struct td_lake *lake, size_t values, struct td_daily_reader **out, struct td_err *err);
void td_daily_reader_free(struct td_daily_reader *reader);
enum td_code td_daily_reader_open(struct td_daily_reader *reader, const char *ticker, struct td_err *err);
/* The next rows of the opened file, ascending by day; n = 0 at its end. */
enum td_code td_daily_reader_next(struct td_daily_reader *reader, struct td_daily_batch *out, struct td_err *err);

/* What the files of bronze held when a build looked at them: content hashes by stamp, so that unchanged files are not opened
 * again. Knowledge that may be lost at any time: what is not in it is read from the footers. Read-only for workers. */
struct td_seen {
    struct td_seen_file {
        uint64_t key, stamp, hash;
    } *items;
    size_t count, cap;
};
void td_seen_read(const struct td_lake *lake, struct td_seen *out); /* a missing or damaged one is empty */
/* 0: not known, or another stamp. */
uint64_t td_seen_find(const struct td_seen *seen, enum td_table table, const struct td_bronze_file *file);
enum td_code td_seen_add(struct td_seen *seen, enum td_table table, const struct td_bronze_file *file, uint64_t hash,
                         struct td_err *err);
enum td_code td_seen_write(const struct td_lake *lake, struct td_seen *seen, struct td_err *err); /* sorts */
void td_seen_free(struct td_seen *seen);

/* ---- universe ---- */

struct td_days { td_day *items; size_t count, cap; };
enum td_code td_days_add(struct td_days *days, td_day day, struct td_err *err);
void td_days_free(struct td_days *days);
enum td_code td_watch_write(const struct td_lake *lake, td_day day, const struct td_watch_row *rows, size_t count,
                            const char *thresholds, const char *preset, struct td_err *err);
enum td_code td_watch_read(const struct td_lake *lake, td_day day, struct td_rows *out, char thresholds[17], struct td_err *err);
/* What the file says of itself, from its footer: the hash of its thresholds and the preset of the cache it was made from. */
enum td_code td_watch_meta(const struct td_lake *lake, td_day day, char thresholds[17], char preset[16], struct td_err *err);
enum td_code td_watch_path(const struct td_lake *lake, td_day day, struct td_buf *out, struct td_err *err);
/* A row on its way into a watchlist: its ticker is names + ticker * stride, whatever table that is. */
struct td_watch_item {
    double value[TD_DV_COUNT]; /* NaN = null */
    uint32_t ticker : 28, rules : 4; /* rules: bits of enum td_rule_bit */
    uint16_t session;                /* the caller's */
    uint16_t flags;                  /* bits of TD_FLAG */
};
_Static_assert(TD_FLAG_COUNT <= 16, "flags of a watchlist's row");
struct td_watch_names { const char *first; size_t stride; };
struct td_watch_writer; /* one thread; buffers for list after list */
enum td_code td_watch_writer_new(const struct td_lake *lake, struct td_watch_writer **out, struct td_err *err);
void td_watch_writer_free(struct td_watch_writer *writer);
/* Hash of the rows of a list in their order: what decides whether it must be written again. */
uint64_t td_watch_hash(const struct td_watch_item *const *items, size_t count, struct td_watch_names names);
/* Write the list of `day`, whose items are in the order of td_watch_compare, to a staged temporary: td_publish_commit_all shows it. */
enum td_code td_watch_stage(struct td_watch_writer *writer, td_day day, const struct td_watch_item *const *items, size_t count,
                            struct td_watch_names names, const char *thresholds, const char *preset, struct td_publish *pub,
                            struct td_err *err);
/* Of a list what rankings need, file after file with one reader. */
struct td_watch_brief { /* of the reader; until its next call */
    size_t n;
    const struct td_str *ticker;
    const uint8_t *info_rich; /* 0 or 1 */
    const uint32_t *flags;
    char thresholds[17], preset[16], content[17]; /* what the file says of itself; "" = nothing */
};
struct td_watch_reader;
enum td_code td_watch_reader_new(const struct td_lake *lake, struct td_watch_reader **out, struct td_err *err);
void td_watch_reader_free(struct td_watch_reader *reader);
/* The whole list; TD_MISSING when there is none. `footer`: only what it says of itself, n = 0. */
enum td_code td_watch_reader_read(struct td_watch_reader *reader, td_day day, bool footer, struct td_watch_brief *out,
                                  struct td_err *err);
enum td_code td_watch_days(const struct td_lake *lake, struct td_days *out, struct td_err *err); /* built sessions, ascending */
enum td_code td_topn_write(const struct td_lake *lake, const struct td_topn_row *rows, size_t count, size_t top_k,
                           const char *thresholds, td_day as_of, struct td_err *err); /* .parquet and .csv */
enum td_code td_topn_read(const struct td_lake *lake, struct td_rows *out, struct td_err *err); /* of struct td_topn_row; TD_MISSING: none yet */
/* Rankings as they stood at the end of a month (a month index as in td_month_of) or a year: universe/info_rich/topn12m. */
enum td_code td_snapshot_path(const struct td_lake *lake, bool annual, int32_t month, struct td_buf *out, struct td_err *err);
enum td_code td_snapshot_write(const struct td_lake *lake, bool annual, int32_t month, const struct td_snapshot_row *rows, size_t count,
                               const char *thresholds, const char *preset, uint32_t covered, struct td_err *err);
/* The index of all snapshots on disk, by date and type; those of other rules or of another preset are left out and counted. */
enum td_code td_snapshot_index(const struct td_lake *lake, const char *thresholds, const char *preset, size_t *listed, size_t *left_out,
                               struct td_err *err);
enum td_code td_universe_commit(const struct td_lake *lake, const char *thresholds, const char *preset, uint64_t watchlists,
                                td_day last, struct td_err *err); /* MANIFEST.json and _SUCCESS of universe/info_rich */

/* ---- status: counts of what is on disk, and proof ---- */

struct td_lake_counts {
    uint64_t files, bytes;
    uint64_t leftovers; /* temporaries of killed runs */
};
enum td_code td_lake_count(const struct td_lake *lake, const char *folder, struct td_lake_counts *out, struct td_err *err);
/* Delete temporaries of killed runs below `folder`; call with the dataset's lock held. */
enum td_code td_lake_sweep(const struct td_lake *lake, const char *folder, uint64_t *removed, struct td_err *err);
/* Open every cache file the manifest names and compare rows, days and bytes; each difference is reported to fn. */
enum td_code td_manifest_verify(const struct td_lake *lake, const struct td_manifest *manifest,
                                void (*fn)(void *ctx, const char *difference), void *ctx, struct td_err *err);

/* Decode every Parquet file of bronze and universe, check what it says of itself, and compare the number of watchlists with
 * universe's MANIFEST; each difference is reported to fn, *files counts what was looked at. */
enum td_code td_lake_verify(const struct td_lake *lake, void (*fn)(void *ctx, const char *difference), void *ctx, uint64_t *files,
                            struct td_err *err);

/* ---- coverage: what bronze knows of every session of every ticker's life (design section 5) ---- */

enum td_coverage_fill { /* what fills a hole of the cell */
    TD_FILL_INGEST,
    TD_FILL_IMPORT, /* the month comes from another source than the vendor, and sources never mix */
    TD_FILL_REPAIR  /* its file cannot be read: it must be moved away first */
};
struct td_coverage_cell { /* a ticker-month; bit k = the k-th session of the month, from the first day of the calendar month */
    uint32_t life;    /* sessions of the range in which the ticker was listed, as far as known, or has bars */
    uint32_t traded;  /* sessions with bars */
    uint32_t vouched; /* sessions for which the file is complete */
    enum td_coverage_fill fill;
};
struct td_coverage { /* free with td_coverage_free */
    enum td_table table;
    td_day from, to;      /* first and last session of the map; TD_NO_DAY when there is none */
    td_day over;          /* newest session that is over now */
    int32_t month;        /* of the first column */
    size_t months;
    struct td_names tickers;        /* a row each, ascending */
    struct td_coverage_cell *cells; /* row-major: tickers x months */
    uint64_t sessions, traded, empty, unknown; /* over all cells; traded + empty + unknown = sessions */
};
struct td_coverage_options {
    enum td_table table;
    td_day from, to; /* TD_NO_DAY: as far as the table's files reach; never past the newest session that is over */
    const char *const *tickers;
    size_t ticker_count; /* 0 = every ticker of the table */
    bool (*stopped)(void *ctx); /* asked between tickers; true ends the reading with TD_CANCELLED. May be NULL */
    void *ctx;
};
/* Read from bronze, and the listings from bronze/tickers where there are any. Opens every file of the range: not on the UI
 * thread. A file that cannot be read makes its sessions unknown. TD_MISSING: no such bars, or no session in the range. */
enum td_code td_coverage_read(const struct td_lake *lake, const struct td_coverage_options *options, struct td_coverage *out,
                              struct td_err *err);
void td_coverage_free(struct td_coverage *coverage);
struct td_coverage_counts {
    unsigned sessions, traded, empty, unknown;
    td_day hole_from, hole_to; /* first and last unknown session, TD_NO_DAY when there is none */
};
struct td_coverage_counts td_coverage_count(const struct td_coverage *coverage, size_t ticker, size_t month);
/* '#' all known and some traded, 'o' all known and none traded, '1'..'9' tenths known, '.' none known, ' ' not listed. */
char td_coverage_glyph(const struct td_coverage_counts *counts);
/* The command that fills the cell's hole, without the program's name; empty when there is none. An import has FILE where the
 * file's name goes. *why (may be NULL) receives what stands in the way of a plain ingest, "" else. */
void td_coverage_command(const struct td_coverage *coverage, size_t ticker, size_t month, struct td_buf *out, const char **why);
struct td_backfill { /* one command of the plan */
    td_day from, to;
    char *command;    /* without the program's name */
    size_t tickers;
    uint64_t unknown, requests; /* sessions it fills; pages it asks for, at one a ticker-month of minutes or ticker-year of days */
};
struct td_backfill_plan { /* newest ranges first; free with td_backfill_free */
    struct td_backfill *items;
    size_t count, cap;
    uint64_t unknown, requests;
    uint64_t other; /* holes that no ingest fills: td_coverage_command says what does */
};
/* Tickers whose holes span the same months (years for daily bars) share commands of at most `max_line` bytes. */
enum td_code td_coverage_plan(const struct td_coverage *coverage, size_t max_line, struct td_backfill_plan *out, struct td_err *err);
void td_backfill_free(struct td_backfill_plan *plan);

/* ---- looking into any Parquet file ---- */

struct td_scan;
struct td_scan_column {
    const char *name;
    enum td_kind kind;
    char type[40]; /* canonical type text, "timestamp[ms;utc]" */
    const char *unsupported;
};
/* columns: comma-separated names or NULL for all that can be read; a nested one asked for by name is TD_UNSUPPORTED. */
enum td_code td_scan_open(const char *path, const char *columns, struct td_scan **out, struct td_err *err);
void td_scan_close(struct td_scan *scan);
size_t td_scan_column_count(const struct td_scan *scan);
const struct td_scan_column *td_scan_column_at(const struct td_scan *scan, size_t i);
/* Fields of the file that td_scan_open passed over because they cannot be read: the name, and why (static text). None when
 * columns were named. */
size_t td_scan_left_out_count(const struct td_scan *scan);
struct td_str td_scan_left_out_at(const struct td_scan *scan, size_t i, const char **why);
int64_t td_scan_rows(const struct td_scan *scan);
enum td_code td_scan_seek(struct td_scan *scan, int64_t row, struct td_err *err);
/* Next row into cells[0..count-1]; *more false at the end. Cells live until the next call. */
enum td_code td_scan_next(struct td_scan *scan, struct td_cell *cells, bool *more, struct td_err *err);
/* Give only rows [from, to) from now on, from its start; what lies before is skipped undecoded. Before td_scan_where. */
enum td_code td_scan_between(struct td_scan *scan, int64_t from, int64_t to, struct td_err *err);

/* Rows that match, without decoding what cannot. The columns that the match reads are decoded first, and the others only
 * where rows match; the bounds (true of every row that matches) prune row groups and pages before that. Statistics decide
 * only where they are sealed (td_pq_seal), or where `trust` says so. */
enum td_scan_op { TD_SCAN_EQ, TD_SCAN_NE, TD_SCAN_LT, TD_SCAN_LE, TD_SCAN_GT, TD_SCAN_GE, TD_SCAN_IS_NULL, TD_SCAN_NOT_NULL };
struct td_scan_bound {
    size_t column; /* of the file's columns, see below */
    enum td_scan_op op;
    struct td_cell value; /* null for null tests */
};
struct td_scan_search {
    bool (*match)(void *ctx, const struct td_cell *cells); /* cells of all the file's columns; those not in `reads` are null */
    bool (*stopped)(void *ctx); /* asked now and then; true ends the search with TD_CANCELLED. May be NULL. */
    void *ctx;
    const bool *reads; /* a flag for each of the file's columns */
    const struct td_scan_bound *bounds;
    size_t bound_count;
    bool trust;
};
/* All columns of the file that can be read, chosen or not. */
size_t td_scan_file_column_count(const struct td_scan *scan);
const struct td_scan_column *td_scan_file_column_at(const struct td_scan *scan, size_t i);
/* td_scan_next gives matching rows only from now on, from the start. `ctx` outlives the scan; the rest is used up at once. */
enum td_code td_scan_where(struct td_scan *scan, const struct td_scan_search *search, struct td_err *err);
/* How many rows td_scan_next would give from here to the end. Decodes what the match reads, and nothing else. */
enum td_code td_scan_count(struct td_scan *scan, uint64_t *rows, struct td_err *err);
/* What was decoded so far, of what the scan's columns and the match's have in the file. Reads page headers. */
struct td_scan_effort {
    uint64_t groups, pages, bytes;                /* in the file: row groups, data pages, bytes of all pages */
    uint64_t groups_read, pages_read, bytes_read; /* decoded */
    const char *why; /* static text: why statistics could skip nothing; NULL = they were asked, or there was no need to */
};
enum td_code td_scan_effort_of(const struct td_scan *scan, struct td_scan_effort *out, struct td_err *err);

/* Canonical CSV of tools that compare Parquet readers: the header "name:type,...", and the row td_scan_next gave last, in raw
 * units (timestamps as stored, dates as days), strings quoted; what was left out as "name:nested" and "?" in its place. Each
 * ends with a newline. */
void td_scan_canonical_header(const struct td_scan *scan, struct td_buf *out);
void td_scan_canonical_row(const struct td_scan *scan, struct td_buf *out);
/* Text reports as rows of cells to fn: what = "schema", "meta" or "pages". */
struct td_sheet { /* a small table in memory; free with td_sheet_free */
    struct td_scan_column *columns;
    size_t column_count;
    struct td_cell *cells; /* row-major; text lives in arena */
    size_t rows, cap;
    struct td_arena arena;
};
enum td_code td_sheet_init(struct td_sheet *sheet, const char *const *names, const enum td_kind *kinds, size_t count,
                           struct td_err *err);
enum td_code td_sheet_row(struct td_sheet *sheet, const struct td_cell *cells, struct td_err *err); /* copies text */
void td_sheet_free(struct td_sheet *sheet);
enum td_code td_parquet_report(const char *path, const char *what, struct td_sheet *out, struct td_err *err);
struct td_parquet_finding { /* texts live until fn returns */
    const char *column;          /* NULL = the file as a whole */
    int64_t group, page, offset; /* -1 = none */
    const char *text;
};
/* Decode everything and compare it with all that the file says of it, see td_pq_verify; every disagreement goes to fn, which
 * returns false to hear of no more. `stopped` (may be NULL) is asked now and then and ends it with TD_CANCELLED. TD_OK whatever
 * was found; TD_UNSUPPORTED when no column could be looked at. */
enum td_code td_parquet_findings(const char *path, bool (*fn)(void *ctx, const struct td_parquet_finding *finding),
                                 bool (*stopped)(void *ctx), void *ctx, uint64_t *rows, struct td_err *err);
/* The same; the first finding is the error, TD_DATA. */
enum td_code td_parquet_verify(const char *path, uint64_t *rows, struct td_err *err);

#endif
