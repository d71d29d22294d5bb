/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: what the files of `cache build` share: the job's data, a ticker as a unit, the facts around its bars, and the
 * months of bars its rows were made from. */
#ifndef TAPEDECK_JOB_CACHE_JOB_H
#define TAPEDECK_JOB_CACHE_JOB_H

#include "caps.h"
#include "job_internal.h"

#define MAX_SPLITS 512

struct cache_unit { /* runs of the two scans that belong to the ticker */
    size_t minute_at, minute_count, day_at, day_count;
    char ticker[TD_TICKER_MAX];
};

struct cache_work { /* memory that goes from unit to unit; one thread at a time */
    struct cache_work *next;
    struct td_bronze_reader *reader;
    struct td_bars bars;
};

struct cache_data {
    struct td_cache_job options;
    struct td_lake *lake; /* where the cache lies: the engine's, or one whose cache is elsewhere (--out) */
    char cap_file[1024];
    char intraday[1024]; /* root of a ticker-first lake of minute bars, or "" */
    struct td_bronze_list minutes, days;
    struct cache_unit *units;
    size_t unit_count, unit_cap;
    struct job_reference reference; /* begin..end, read-only for workers */
    struct caps caps;               /* likewise */
    td_day last_over;
    bool forget; /* a whole build, full or incremental: tickers without bars go */
    size_t gone; /* so many do */
    bool anew; /* another preset or other bars: nothing of the old cache may pass for the new one */
    struct td_manifest before; /* as found; read-only for workers */
    struct td_manifest after;  /* engine lock */
    struct td_seen known;      /* content of bronze files as of the last build; read-only for workers */
    struct td_seen seen;       /* as of this one; engine lock */
    bool seen_news;            /* engine lock: something that `known` did not have */
    struct cache_work *spare;  /* engine lock */
};

const char *cache_preset_name(enum td_preset preset);
const char *cache_bars_name(enum td_bars_mode bars);

/* ---- what is known about a ticker besides its bars (cache_facts.c) ---- */

struct ticker_facts { /* arrays behind a td_daily_context */
    struct td_split splits[MAX_SPLITS];
    struct td_cap_interval *caps;
    struct td_ranges vouched, incomplete;
    td_day breaks[64], renames[16];
    uint64_t hash;      /* of splits, breaks, renames and all of the symbol before the last rename */
    uint64_t caps_hash; /* of the caps */
};
enum td_code cache_facts_gather(const struct td_job *job, const char *ticker, struct ticker_facts *facts,
                                struct td_daily_context *context, struct td_err *err);
void cache_facts_free(struct ticker_facts *facts);
/* Rows of the company under its old symbol before `before`, so that a known rename chains both. */
enum td_code cache_old_symbol_rows(struct td_job *job, const char *ticker, td_day before, struct td_rows *out, struct td_err *err);

/* ---- the files that rows are made from (cache_months.c) ---- */

/* One file of a ticker. Everything about it that decides rows; a cache file carries the list in its metadata, so an
 * incremental run knows from footers alone which months to read. */
struct cache_month {
    enum td_table table;
    int32_t month;
    uint64_t hash;    /* of the content; 0 = not known yet */
    td_day last;      /* exchange date of the newest bar */
    td_day cut;       /* bars after this day were held back, or came with --partial; TD_NO_DAY = all of them count */
    bool partial;     /* they came with --partial */
    bool outside;     /* of another lake (--intraday-root) */
    bool rest;        /* asked of the vendor: what it does not vouch for is incomplete */
    char basis[16];
    struct td_ranges vouched;
    const struct td_bronze_file *file; /* NULL in a list read from metadata */
    bool known;       /* last, rest, basis and vouched are filled in */
    bool read;        /* its bars are to be fed */
};
struct cache_months {
    struct cache_month *items; /* minutes by month, then days by month */
    size_t count, cap;
    uint64_t rules, facts, caps; /* hashes of everything else */
};
void cache_months_free(struct cache_months *months);
/* The metadata value; "" parses as no list. false: not one of ours, or damaged: out is empty. */
bool cache_months_parse(const char *text, struct cache_months *out);
enum td_code cache_months_format(const struct cache_months *months, struct td_buf *out, struct td_err *err);
/* Bars of one file, and what it says of itself; of minutes perhaps from another lake. */
enum td_code cache_month_read(const struct td_job *job, struct cache_work *work, const char *ticker, struct cache_month *month,
                              struct job_result *result, struct td_err *err);
/* The hash of its content, and where the footer alone tells it everything else. */
enum td_code cache_month_look(const struct td_job *job, const char *ticker, struct cache_month *month, struct td_err *err);
/* From a file's footer; the cut follows from the last session that is over. */
enum td_code cache_month_fill(const struct cache_data *cache, struct cache_month *month, const struct td_bronze_info *info, struct td_err *err);
void cache_month_cut(const struct cache_data *cache, struct cache_month *month);
const struct cache_month *cache_months_find(const struct cache_months *months, enum td_table table, int32_t month);
/* The same file content under the same rules of admission. */
bool cache_month_same(const struct cache_month *a, const struct cache_month *b);
/* A range that reaches out of its month. */
bool cache_month_wide(const struct cache_month *month);
/* All files' ranges together, for the context of the ticker. */
enum td_code cache_months_vouched(const struct cache_months *months, struct ticker_facts *facts, struct td_err *err);

/* ---- the rows of one ticker (cache_rows.c) ---- */

/* Does a unit: skips what is unchanged, else computes and publishes. */
enum td_code cache_rows_step(struct td_job *job, const struct cache_unit *unit, struct cache_work *work, struct job_result *result,
                             struct td_err *err);
/* With -s/-e the rows inside the range are the new ones, those outside stay as they are on disk (cache_range.c). */
enum td_code cache_range_merge(const struct td_job *job, const char *ticker, const struct td_daily_row *rows, size_t count,
                               struct td_rows *out, struct td_err *err);
/* Value for value, as the file's columns see it. */
bool cache_same_rows(const struct td_daily_row *a, size_t a_count, const struct td_daily_row *b, size_t b_count);

#endif
