/* SPDX-License-Identifier: GPL-3.0-or-later
 * The daily cache by columns: what the screen asks for, ticker after ticker. */
#include <string.h>
#include "columns.h"

#define DAY 0
#define FLAGS 1
#define VALUES 2 /* the columns of enum td_daily_value follow */

struct td_daily_reader { /* one thread */
    const struct td_lake *lake;
    size_t values;
    struct columns columns;
    uint32_t flags[COLUMNS_BATCH];
};

enum td_code td_daily_reader_new(const struct td_lake *lake, size_t values, struct td_daily_reader **out, struct td_err *err)
{
    static const char *const names[] = {
        [DAY] = "trading_day",
        [FLAGS] = "flags",
        [VALUES + TD_DV_CLOSE] = "close_d",
        [VALUES + TD_DV_PCTCHG] = "pctchg_d",
        [VALUES + TD_DV_RVOL30] = "rvol30",
        [VALUES + TD_DV_DOLLAR_VOL] = "dollar_vol_d",
        [VALUES + TD_DV_CAP] = "market_cap_d",
        [VALUES + TD_DV_PRIOR] = "rvol30_prior",
        [VALUES + TD_DV_VOL] = "vol_d",
        [VALUES + TD_DV_VWAP] = "vwap_d",
        [VALUES + TD_DV_GAP] = "gap_pct_d",
    };
    struct td_daily_reader *reader = td_calloc(1, sizeof *reader);
    *out = NULL;
    if (!reader)
        return td_fail(err, TD_NOMEM, "out of memory: a reader of the cache");
    reader->lake = lake;
    reader->values = values;
    enum td_code code = columns_init(&reader->columns, &td_daily_record, names, VALUES + values, err);
    if (code == TD_OK)
        *out = reader;
    else
        td_daily_reader_free(reader);
    return code;
}

void td_daily_reader_free(struct td_daily_reader *reader)
{
    if (!reader)
        return;
    columns_free(&reader->columns);
    td_free(reader);
}

enum td_code td_daily_reader_open(struct td_daily_reader *reader, const char *ticker, struct td_err *err)
{
    enum td_code code = td_cache_path(reader->lake, ticker, &reader->columns.path, err);
    return code == TD_OK ? columns_open(&reader->columns, false, err) : code;
}

enum td_code td_daily_reader_next(struct td_daily_reader *reader, struct td_daily_batch *out, struct td_err *err)
{
    struct columns *c = &reader->columns;
    *out = (struct td_daily_batch){.day = c->arrays[DAY].values, .flags = reader->flags};
    enum td_code code = columns_next(c, &out->n, err);
    if (code != TD_OK || !out->n)
        return code;
    columns_flags(c, FLAGS, out->n, reader->flags);
    for (size_t v = 0; v < reader->values; v++) {
        columns_nan(c, VALUES + v, out->n);
        out->value[v] = c->arrays[VALUES + v].values;
    }
    return TD_OK;
}
