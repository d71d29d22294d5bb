/* SPDX-License-Identifier: GPL-3.0-or-later
 * outcome: what happened after a listed day, and a ticker's statistics of it. Everything here looks ahead. */
#include <stdlib.h>
#include <string.h>
#include <tapedeck/market.h>

#define FIELD(type, member, kind, optional)                                                                            \
    {                                                                                                                  \
        #member, kind, offsetof(struct type, member), sizeof(((struct type *)0)->member), optional                     \
    }

static const struct td_field outcome_fields[] = {
    FIELD(td_outcome_row, ticker, TD_F_STR, false),      FIELD(td_outcome_row, trading_day, TD_F_DAY, false),
    FIELD(td_outcome_row, close_d, TD_F_F64, true),      FIELD(td_outcome_row, pctchg_d, TD_F_F64, true),
    FIELD(td_outcome_row, next_session, TD_F_DAY, true), FIELD(td_outcome_row, gap_next, TD_F_F64, true),
    FIELD(td_outcome_row, high_next, TD_F_F64, true),    FIELD(td_outcome_row, low_next, TD_F_F64, true),
    FIELD(td_outcome_row, return_next, TD_F_F64, true),  FIELD(td_outcome_row, faded_next, TD_F_BOOL, true),
    FIELD(td_outcome_row, session_5, TD_F_DAY, true),    FIELD(td_outcome_row, return_5, TD_F_F64, true),
};
const struct td_record td_outcome_record = {"outcome/1", sizeof(struct td_outcome_row), TD_COUNT(outcome_fields), outcome_fields};

static const struct td_field stats_fields[] = {
    FIELD(td_outcome_stats_row, ticker, TD_F_STR, false),    FIELD(td_outcome_stats_row, days, TD_F_U32, false),
    FIELD(td_outcome_stats_row, n, TD_F_U32, false),         FIELD(td_outcome_stats_row, cont_n, TD_F_U32, false),
    FIELD(td_outcome_stats_row, continued, TD_F_F64, true),  FIELD(td_outcome_stats_row, fade_n, TD_F_U32, false),
    FIELD(td_outcome_stats_row, faded, TD_F_F64, true),      FIELD(td_outcome_stats_row, mean_next, TD_F_F64, true),
    FIELD(td_outcome_stats_row, median_next, TD_F_F64, true), FIELD(td_outcome_stats_row, n_5, TD_F_U32, false),
    FIELD(td_outcome_stats_row, mean_5, TD_F_F64, true),     FIELD(td_outcome_stats_row, median_5, TD_F_F64, true),
};
const struct td_record td_outcome_stats_record = {"outcome_stats/1", sizeof(struct td_outcome_stats_row), TD_COUNT(stats_fields),
                                                  stats_fields};

/* The row of `day` after rows[at], and new shares for one of rows[at] by then; NULL where no price of it can be compared. */
static const struct td_daily_row *row_after(const struct td_daily_row *rows, size_t count, size_t at, td_day day, double *shares)
{
    *shares = 1;
    for (size_t i = at + 1; i < count && rows[i].trading_day <= day; i++) {
        if (td_flags_parse(rows[i].flags) & (TD_FLAG(NEW_LISTING) | TD_FLAG(SPLIT_SUSPECT) | TD_FLAG(PARTIAL_SESSION)))
            return NULL;
        *shares *= rows[i].split_factor;
        if (rows[i].trading_day == day)
            return &rows[i];
    }
    return NULL;
}

/* price x shares / close - 1; null where that means nothing. */
static double change(double price, double shares, double close)
{
    double ratio = close > 0 ? price * shares / close : TD_NO_F64;
    return isfinite(ratio) ? ratio - 1 : TD_NO_F64;
}

void td_outcome(const struct td_daily_row *rows, size_t count, size_t at, struct td_outcome_row *out)
{
    const struct td_daily_row *day = &rows[at];
    int32_t index = td_cal_index_at_or_before(day->trading_day);
    double shares;
    *out = (struct td_outcome_row){.trading_day = day->trading_day,
                                   .close_d = day->close_d,
                                   .pctchg_d = day->pctchg_d,
                                   .next_session = td_cal_day(index + 1),
                                   .gap_next = TD_NO_F64,
                                   .high_next = TD_NO_F64,
                                   .low_next = TD_NO_F64,
                                   .return_next = TD_NO_F64,
                                   .faded_next = -1,
                                   .session_5 = td_cal_day(index + TD_OUTCOME_SESSIONS),
                                   .return_5 = TD_NO_F64};
    memcpy(out->ticker, day->ticker, sizeof out->ticker);
    const struct td_daily_row *next = row_after(rows, count, at, out->next_session, &shares);
    if (next) {
        out->gap_next = change(next->open_d, shares, day->close_d);
        out->high_next = change(next->high_d, shares, day->close_d);
        out->low_next = change(next->low_d, shares, day->close_d);
        out->return_next = change(next->close_d, shares, day->close_d);
        if (!isnan(next->open_d) && !isnan(next->close_d))
            out->faded_next = next->close_d < next->open_d;
    }
    const struct td_daily_row *fifth = row_after(rows, count, at, out->session_5, &shares);
    if (fifth)
        out->return_5 = change(fifth->close_d, shares, day->close_d);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean and median of the first n values, which are sorted here. */
static void middle(double *values, uint32_t n, double *mean, double *median)
{
    double sum = 0;
    *mean = *median = TD_NO_F64;
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        sum += values[i];
    *mean = sum / n;
    qsort(values, n, sizeof *values, compare_doubles);
    *median = n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static double share(uint32_t part, uint32_t whole)
{
    return whole ? (double)part / whole : TD_NO_F64;
}

enum td_code td_outcome_stats(const struct td_outcome_row *rows, size_t count, struct td_outcome_stats_row *out, struct td_err *err)
{
    double *next = td_calloc(2 * count + 1, sizeof *next), *fifth = next ? next + count : NULL;
    uint32_t continued = 0, faded = 0;
    *out = (struct td_outcome_stats_row){.days = (uint32_t)count};
    if (!next)
        return td_fail(err, TD_NOMEM, "out of memory: the outcomes of %zu days", count);
    if (count)
        memcpy(out->ticker, rows[0].ticker, sizeof out->ticker);
    for (size_t i = 0; i < count; i++) {
        const struct td_outcome_row *row = &rows[i];
        if (!isnan(row->return_next)) {
            next[out->n++] = row->return_next;
            bool moved = row->pctchg_d > 0 || row->pctchg_d < 0;
            out->cont_n += moved;
            continued += moved && (row->pctchg_d > 0 ? row->return_next > 0 : row->return_next < 0);
        }
        out->fade_n += row->faded_next >= 0;
        faded += row->faded_next == 1;
        if (!isnan(row->return_5))
            fifth[out->n_5++] = row->return_5;
    }
    out->continued = share(continued, out->cont_n);
    out->faded = share(faded, out->fade_n);
    middle(next, out->n, &out->mean_next, &out->median_next);
    middle(fifth, out->n_5, &out->mean_5, &out->median_5);
    td_free(next);
    return TD_OK;
}
