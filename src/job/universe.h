/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: what the files of the universe jobs share. The screen reads the cache ticker first and keeps listed rows in
 * memory under a budget; lists are written date first; rankings count what is on disk. */
#ifndef TAPEDECK_JOB_UNIVERSE_H
#define TAPEDECK_JOB_UNIVERSE_H

#include "job_internal.h"

#define UNIVERSE_WINDOW 252
#define UNIVERSE_ACTIVE 5 /* sessions: a ticker with a row in the last so many is active */

/* ---- one pass over the cache (universe_screen.c) ---- */

struct screen_pass; /* any thread; see screen_pass_need */
struct screen_worker { /* of one thread at a time: lent by screen_worker_take */
    struct td_daily_reader *reader;
    struct td_watch_writer *writer;
    struct td_watch_reader *footers;
    struct slab **stripes;    /* listed rows of this pass, a list of slabs a stripe of sessions */
    uint32_t *counts;         /* rows by session */
    uint8_t *seen;            /* has the cache any row of the session? */
    struct sort_key *keys;    /* of a list */
    const struct td_watch_item **sorted;
    size_t key_cap, sorted_cap;
    bool lent;
};

/* What membership says of a ticker from one of its listings to the next; most tickers have none or one. */
struct screen_member { /* start with the first four */
    const struct td_screen *screen;
    const char *ticker;
    const struct td_ticker_row *listings;
    size_t count;
    const struct td_ticker_row *last; /* what `admitted` speaks of; NULL = no listing */
    bool known, admitted;
};
bool screen_member_on(struct screen_member *member, td_day day);

struct screen_source { /* what is screened; the pass borrows it all */
    const struct td_lake *lake;
    const struct td_manifest *manifest;
    const struct td_screen *screen;
    const struct td_rows *tickers; /* the lake's ticker list, sorted by ticker */
    int32_t first, sessions;       /* calendar index of the first session, and how many follow */
    unsigned workers;              /* threads that may come */
    uint64_t budget;               /* bytes of listed rows */
    const atomic_bool *cancel;
};
enum td_code screen_pass_new(const struct screen_source *source, struct screen_pass **out, struct td_err *err);
void screen_pass_free(struct screen_pass *pass);
/* Lend a worker's buffers; as many threads as the source said may have one. Never fails. */
struct screen_worker *screen_worker_take(struct screen_pass *pass);
void screen_worker_give(struct screen_pass *pass, struct screen_worker *worker);
/* Make the rows of session `s` (0..sessions-1) present: whoever comes while the caches are being read helps to read them, and
 * all go on when they are. The rows stay until screen_pass_done of the same session; others may be dropped under the budget, so
 * sessions are asked for in ascending order where that can be. Errors are those of the first reader that failed. */
enum td_code screen_pass_need(struct screen_pass *pass, struct screen_worker *worker, int32_t s, struct td_err *err);
void screen_pass_done(struct screen_pass *pass);
bool screen_pass_seen(const struct screen_pass *pass, int32_t s);
/* The list of a session in the order of td_watch_compare; until the worker's next call or screen_pass_done. */
enum td_code screen_pass_list(struct screen_pass *pass, struct screen_worker *worker, int32_t s,
                              const struct td_watch_item *const **items, size_t *count, struct td_err *err);
unsigned screen_pass_count(const struct screen_pass *pass); /* passes over the cache so far */

/* ---- lists that were written, made visible in batches (universe_publish.c) ---- */

struct publish_batch;
enum td_code publish_batch_new(size_t units, size_t size, struct publish_batch **out, struct td_err *err);
void publish_batch_free(struct publish_batch *batch); /* what is still staged is given up */
/* Room for the unit's temporary; NULL without memory. */
struct td_publish *publish_batch_slot(struct publish_batch *batch, size_t unit);
/* The unit's file is staged (or not: `staged` false gives the slot back). */
void publish_batch_staged(struct publish_batch *batch, size_t unit, bool staged);
/* Commit a batch when it is full, or `now`; the units whose fate is known are woken, all but `self`. True when self is one. */
bool publish_batch_flush(struct publish_batch *batch, struct td_job *job, size_t self, bool now);
/* What became of the unit: false while nobody knows. */
bool publish_batch_fate(struct publish_batch *batch, size_t unit, enum td_code *code, struct td_err *err);

/* ---- rankings (universe_rank.c) ---- */

struct rank_lists; /* the lists of some sessions, briefly; read-only once loaded */
struct rank_want {
    const char *thresholds, *preset; /* every list must say so */
};
/* Read the lists of days[0..count-1] (ascending). TD_DATA where one was made by other rules or from another preset, naming
 * the command that rebuilds it. */
enum td_code rank_lists_load(const struct td_lake *lake, const td_day *days, size_t count, const struct rank_want *want,
                             struct rank_lists **out, struct td_err *err);
void rank_lists_free(struct rank_lists *lists);
/* The ranking of the 252 sessions that end at as_of: rows in td_topn_compare's order, ranked from 1; `active` is left 0. *covered =
 * lists in the window; none is TD_MISSING. Free *rows with td_free. Any thread. */
enum td_code rank_window(const struct rank_lists *lists, td_day as_of, struct td_topn_row **rows, size_t *count, uint32_t *covered,
                         struct td_err *err);

/* ---- what both jobs begin with (universe_base.c) ---- */

struct universe_base {
    struct td_screen screen;
    char types[128], exchanges[128]; /* the membership's texts */
    char thresholds[17], preset[16];
    struct td_manifest manifest; /* read-only once read */
    td_day first, last;          /* sessions of the cache */
};
enum td_code universe_base_init(struct universe_base *base, const struct td_lake *lake, const struct td_screen *screen, struct td_err *err);
void universe_base_free(struct universe_base *base);
/* The built sessions that the cache spans; lists of others say what no cache says any more. TD_MISSING when there are none. */
enum td_code universe_built(const struct universe_base *base, const struct td_lake *lake, struct td_days *out, struct td_err *err);

#endif
