/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: validate: what one ticker's bars say when they are counted anew, and the checks against it. Nothing here uses
 * the functions that build cache and rankings: a second formulation finds faults that they would repeat. */
#ifndef TAPEDECK_JOB_VALIDATE_H
#define TAPEDECK_JOB_VALIDATE_H

#include "caps.h"
#include "job_internal.h"

#define FINDINGS_PER_TICKER 64 /* of a check */

struct proof_day { /* a ticker-day as its bars tell it; NaN = null */
    td_day day;
    int32_t index;     /* of the session at or before */
    bool minutes;      /* minute bars made it, else a daily bar, or (borrowed) the cache's own row */
    bool borrowed;     /* bronze knows nothing of the session: base values are the cache's */
    bool history;      /* pctchg and rvol30 could be counted anew */
    bool suspect;      /* split_suspect */
    bool has_bar;      /* a daily bar exists; its close and volume */
    double bar_close, bar_volume;
    double open, high, low, close, volume, dollars, pctchg, rvol30, cap;
    double last;       /* close of the last bar that counts */
    unsigned bars, volumes;
    int present, gap, last_minute, expected; /* regular minutes: with a bar, longest run without, newest, in the session */
};
struct proof { /* free with proof_free */
    struct proof_day *days; /* ascending */
    size_t count, cap;
    struct td_ranges vouched, incomplete;
    int32_t *months; /* ascending: months of which bronze has a readable file */
    size_t month_count, month_cap;
    uint64_t rows, bytes; /* read */
    char trouble[160];    /* the newest file that could not be read */
};

struct ranking { /* topN on disk; read-only for workers */
    struct td_rows rows, by_ticker; /* as in the file; sorted by ticker */
    td_day as_of, from;
    struct td_days built; /* sessions of the window with a watchlist */
    bool comparable;      /* same thresholds as the screen's */
    char note[160];
};

struct validation {
    struct td_validate_job options;
    struct td_names tickers; /* of the units */
    char intraday[1024]; /* root of the ticker-first lake of the minutes, "" = bronze */
    char types[128], exchanges[128], thresholds[17];
    struct td_manifest manifest; /* read-only for workers, as all up to the report */
    enum td_preset preset;
    bool minute_rows, day_rows; /* which bars make rows in this cache */
    struct td_bronze_list files[TD_TABLE_COUNT];
    struct job_reference reference;
    struct caps caps;
    td_day first, last, last_over; /* sessions of the cache; newest that is over */
    struct ranking ranking;
    struct td_validate_report report; /* engine lock */
    bool ordered;                     /* the ranking was checked against itself: once, also where failed units run again */
    double continuity_there, continuity_missed; /* engine lock */
};

/* Rows of the ticker out of its bars alone; `cached` lends base values of sessions that bronze does not know. */
enum td_code proof_make(const struct td_lake *lake, const struct validation *val, const char *ticker,
                        const struct td_rows *cached, struct proof *out, struct td_err *err);
void proof_free(struct proof *proof);
bool proof_knows(const struct proof *proof, td_day day); /* vouched for and not incomplete */
const struct proof_day *proof_find(const struct proof *proof, td_day day);

/* What a unit found: merged into the report under the engine's lock. */
struct verdict {
    uint64_t judged[TD_CHECK_COUNT], good[TD_CHECK_COUNT];
    double there, missed; /* continuity: minutes */
    struct td_finding *findings;
    size_t count, cap, of_check[TD_CHECK_COUNT];
};
enum td_code verdict_add(struct verdict *verdict, const struct td_finding *finding, struct td_err *err);

enum td_code check_coverage(const struct validation *val, const char *ticker, const struct proof *proof,
                            const struct td_rows *cached, struct verdict *out, struct td_err *err);
enum td_code check_consistency(const struct validation *val, const char *ticker, const struct proof *proof,
                               const struct td_rows *cached, struct verdict *out, struct td_err *err);
enum td_code check_continuity(const struct validation *val, const char *ticker, const struct proof *proof, struct verdict *out,
                              struct td_err *err);
/* Where pctchg and rvol30 could not be counted anew, the cache's own. */
void lend_history(const struct td_rows *cached, struct proof_day *day);
/* Ranking: what the ticker's own days say against its row; and the file against itself. */
enum td_code ranking_read(const struct td_lake *lake, struct validation *val, struct td_err *err);
void ranking_free(struct ranking *ranking);
enum td_code check_ranking(const struct validation *val, const char *ticker, const struct proof *proof,
                           const struct td_rows *cached, struct verdict *out, struct td_err *err);
enum td_code check_ranking_order(const struct td_lake *lake, const struct validation *val, struct verdict *out, struct td_err *err);

#endif
