/* SPDX-License-Identifier: GPL-3.0-or-later
 * view_rows: a small record with one column of every kind, for the tests of the room. */
#ifndef TAPEDECK_TESTS_VIEW_ROWS_H
#define TAPEDECK_TESTS_VIEW_ROWS_H

#include "check.h"
#include <tapedeck/view.h>

struct quote {
    char ticker[16];
    double rvol30, pctchg_d, market_cap_d, close_d;
    int64_t trades;
    uint32_t mins;
    td_day trading_day;
    int64_t timestamp;
    int8_t info_rich;
    const char *note;
};
#define QUOTE_FIELD(name, kind, member)                                                                                \
    {                                                                                                                  \
        name, kind, offsetof(struct quote, member), sizeof(((struct quote *)0)->member), true                          \
    }
static const struct td_field quote_fields[] = {
    QUOTE_FIELD("ticker", TD_F_STR, ticker),          QUOTE_FIELD("rvol30", TD_F_F64, rvol30),
    QUOTE_FIELD("pctchg_d", TD_F_F64, pctchg_d),      QUOTE_FIELD("market_cap_d", TD_F_F64, market_cap_d),
    QUOTE_FIELD("close_d", TD_F_F64, close_d),        QUOTE_FIELD("trades", TD_F_I64, trades),
    QUOTE_FIELD("mins", TD_F_U32, mins),              QUOTE_FIELD("trading_day", TD_F_DAY, trading_day),
    QUOTE_FIELD("timestamp", TD_F_TS, timestamp),     QUOTE_FIELD("info_rich", TD_F_BOOL, info_rich),
    QUOTE_FIELD("note", TD_F_TEXT, note),
};
static const struct td_record quote_record = {"quotes/1", sizeof(struct quote), TD_COUNT(quote_fields), quote_fields};

/* 2025-02-06 is day 20125; its New York open is 14:30 UTC. */
#define DAY0 20125
#define OPEN0 (INT64_C(20125) * TD_MS_DAY + INT64_C(52200000))
static const struct quote quotes[] = {
    {"APPS", 15.51, 0.9684, 4.2e8, 5.61, 120000, 390, DAY0, OPEN0, 1, "earnings"},
    {"AAPL", 0.81, -0.012, 3.5e12, 232.47, INT64_C(9007199254740993), 390, DAY0, OPEN0 + 60000, 0, "it's, \"big\""},
    {"NULL", (double)NAN, (double)NAN, (double)NAN, 0.4321, TD_NO_COUNT, UINT32_MAX, TD_NO_DAY, INT64_MIN, -1, NULL},
    {"BApA", 3, 0.2, 5e8, 20, INT64_C(9007199254740992), 12, DAY0 + 1, OPEN0 + TD_MS_DAY, 1, ""},
    {"NA", -0.0, -0.2, (double)NAN, 1, -7, 0, DAY0 - 1, OPEN0 - TD_MS_DAY, -1, "halted\nT12"},
};
#define QUOTES TD_COUNT(quotes)

static inline void quote_model(struct td_record_model *out)
{
    struct td_err err;
    ASSERT_OK(td_record_model_init(out, &quote_record, quotes, QUOTES, &err), err);
}

/* Run `body` with the n-th allocation failing, for every n until it succeeds; body returns a code. */
#define SWEEP_ALLOCATIONS(call)                                                                                        \
    do {                                                                                                               \
        enum td_code swept_ = TD_NOMEM;                                                                                \
        long at_ = 1;                                                                                                  \
        for (; at_ < 10000; at_++) {                                                                                   \
            td_alloc_fail_after(at_);                                                                                  \
            swept_ = (call);                                                                                           \
            td_alloc_fail_after(0);                                                                                    \
            if (swept_ != TD_NOMEM)                                                                                    \
                break;                                                                                                 \
        }                                                                                                              \
        assert_int_equal(swept_, TD_OK);                                                                               \
        assert_true(at_ > 1);                                                                                          \
    } while (0)

#endif
