/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: what the files of `cache build` share: the job's data, a ticker as a unit, the facts around its bars. */
#ifndef TAPEDECK_JOB_CACHE_JOB_H
#define TAPEDECK_JOB_CACHE_JOB_H

#include "caps.h"
#include "job_internal.h"

#define MAX_SPLITS 512

struct cache_unit { /* runs of the two scans that belong to the ticker */
    size_t minute_at, minute_count, day_at, day_count;
    char ticker[TD_TICKER_MAX];
};

struct cache_data {
    struct td_cache_job options;
    char cap_file[1024];
    struct td_bronze_list minutes, days;
    struct cache_unit *units;
    size_t unit_count, unit_cap;
    struct job_reference reference; /* begin..end, read-only for workers */
    struct caps caps;               /* likewise */
    td_day last_over;
    bool forget; /* a whole rebuild: tickers without bars go */
    bool anew; /* another preset or other bars: nothing of the old cache may pass for the new one */
    struct td_manifest before; /* as found; read-only for workers */
    struct td_manifest after;  /* engine lock */
};

struct ticker_facts { /* arrays behind a td_daily_context */
    struct td_split splits[MAX_SPLITS];
    struct td_cap_interval *caps;
    struct td_ranges vouched, incomplete;
    td_day breaks[64], renames[16];
};

const char *cache_preset_name(enum td_preset preset);
/* With --bars day minutes give nothing, not even what they vouch for: whether the option or the manifest says so. */
size_t cache_minute_count(const struct cache_data *cache, const struct cache_unit *unit);

/* What is known about a ticker besides its bars (cache_facts.c): arrays behind *context, which points into *facts. */
enum td_code cache_facts_gather(const struct cache_data *cache, const char *ticker, struct ticker_facts *facts,
                                struct td_daily_context *context, struct td_err *err);
enum td_code cache_facts_vouched(const struct td_job *job, const struct cache_unit *unit, struct ticker_facts *facts, struct td_err *err);
void cache_facts_free(struct ticker_facts *facts);
/* Hash of all that decides the rows of a ticker, from file footers alone. */
enum td_code cache_inputs_hash(const struct td_job *job, const struct cache_unit *unit, const struct ticker_facts *facts,
                               const struct td_daily_context *context, uint64_t *out, struct td_err *err);
/* Rows of the company under its old symbol, so that a known rename chains both. */
enum td_code cache_old_symbol_rows(struct td_job *job, const struct cache_data *cache, const char *ticker, struct td_rows *out,
                                   struct td_err *err);

/* Compute and publish the rows of one ticker (cache_rows.c). */
enum td_code cache_build_ticker(struct td_job *job, const struct cache_unit *unit, const struct td_daily_context *context,
                                uint64_t inputs, struct job_result *result, struct td_err *err);

#endif
