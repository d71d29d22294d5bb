/* SPDX-License-Identifier: GPL-3.0-or-later
 * Record tables that belong to the lake itself: splits, tickers, renames. */
#include "lake_internal.h"

#define FIELD(type, kind_, member, optional_)                                                                          \
    {.name = #member, .kind = kind_, .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member),  \
     .optional = optional_}

static const struct td_field split_fields[] = {
    FIELD(td_split_row, TD_F_STR, ticker, false),
    FIELD(td_split_row, TD_F_DAY, execution_date, false),
    FIELD(td_split_row, TD_F_F64, split_from, false),
    FIELD(td_split_row, TD_F_F64, split_to, false),
};
const struct td_record td_split_record = {"splits/1", sizeof(struct td_split_row), TD_COUNT(split_fields), split_fields};

static const struct td_field ticker_fields[] = {
    FIELD(td_ticker_row, TD_F_STR, ticker, false),      FIELD(td_ticker_row, TD_F_STR, type, true),
    FIELD(td_ticker_row, TD_F_STR, exchange, true),     FIELD(td_ticker_row, TD_F_STR, name, true),
    FIELD(td_ticker_row, TD_F_BOOL, active, true),      FIELD(td_ticker_row, TD_F_DAY, list_date, true),
    FIELD(td_ticker_row, TD_F_DAY, delisted, true),
};
const struct td_record td_ticker_record = {"tickers/1", sizeof(struct td_ticker_row), TD_COUNT(ticker_fields), ticker_fields};

static const struct td_field rename_fields[] = {
    FIELD(td_rename_row, TD_F_STR, ticker, false),
    FIELD(td_rename_row, TD_F_STR, old_ticker, false),
    FIELD(td_rename_row, TD_F_DAY, day, false),
};
const struct td_record td_rename_record = {"renames/1", sizeof(struct td_rename_row), TD_COUNT(rename_fields), rename_fields};

enum td_code td_reference_path(const struct td_lake *lake, const char *table, struct td_buf *out, struct td_err *err)
{
    return lake_path(lake, out, err, "bronze/%s/%s.parquet", table, table);
}
