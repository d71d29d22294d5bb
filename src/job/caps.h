/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: the market-cap dimension of `cache build --cap FILE`. */
#ifndef TAPEDECK_JOB_CAPS_H
#define TAPEDECK_JOB_CAPS_H

#include <tapedeck/lake.h>

struct cap_row { /* ticker first: searched as a reference table */
    char ticker[TD_TICKER_MAX];
    struct td_cap_interval interval;
};
struct caps {
    struct cap_row *rows; /* by ticker, then from */
    size_t count, cap;
};
/* CSV or Parquet with columns ticker, effective_from, effective_to (empty = open), market_cap. Wrong columns are TD_DATA
 * naming what was found. */
enum td_code caps_load(const char *path, struct caps *out, struct td_err *err);
/* The dimension of a build: `path` where one is given, "none" for none, "" = the one the lake keeps (bronze/market_caps), if
 * any. keep: every later build shall have it too, and the lock of the lake's own cache is held; a cache in another folder
 * is an experiment, which the nightly build must not inherit. */
enum td_code caps_settle(const struct td_lake *lake, const char *path, bool keep, struct caps *out, struct td_err *err);
void caps_free(struct caps *caps);

#endif
