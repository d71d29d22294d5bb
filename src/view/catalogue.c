/* SPDX-License-Identifier: GPL-3.0-or-later
 * catalogue: every column tapedeck makes, with its head, its width on a screen and what it means. One table, from which
 * heads, help, tooltips and documents come. */
#include <string.h>

#include "view_internal.h"

static const struct td_column_info catalogue[] = {
    /* daily cache and info-rich scan */
    {"ticker", "TICKER", TD_STYLE_TEXT, 8, "Symbol as the vendor writes it, upper and lower case told apart."},
    {"trading_day", "DAY", TD_STYLE_DAY, 10, "Exchange date (New York) of the bars, never the UTC date."},
    {"close_d", "CLOSE", TD_STYLE_PRICE, 9,
     "Close in dollars as traded that day: the vendor's daily close, else the last regular minute, else the last bar "
     "(close_src says which)."},
    {"vol_d", "VOL", TD_STYLE_SHORT, 7, "Shares traded in all market phases of the day; null when no volume is known."},
    {"dollar_vol_d", "$VOL", TD_STYLE_SHORT, 7,
     "Dollars traded: sum of volume x vwap over the day's bars, (high + low + close) / 3 where a bar has no vwap."},
    {"vwap_d", "VWAP", TD_STYLE_PRICE, 9, "Volume-weighted average price in dollars: dollar_vol_d / vol_d."},
    {"pctchg_d", "%CHG", TD_STYLE_PERCENT, 9,
     "Change on the day: close / close of the previous row (split-adjusted) - 1; a fraction in files, shown in percent."},
    {"return_d", "LN RET", TD_STYLE_PERCENT, 9,
     "Log return: ln(close / close of the previous row); a fraction in files, shown in percent."},
    {"rvol30", "RVOL", TD_STYLE_RATIO, 6,
     "Relative volume: vol_d / mean vol_d of the last 30 rows, today included (so never above 30)."},
    {"session_rows", "MINS", TD_STYLE_COUNT, 5, "Regular minutes that have a bar; null on rows made from daily bars."},
    {"has_gaps", "GAPS", TD_STYLE_FLAG, 4,
     "A hole in our data (unit incomplete, or minute volume under 0.95 of the daily bar's); thin trading is no gap, null "
     "when it cannot be known."},
    {"market_cap_d", "CAP", TD_STYLE_SHORT, 7,
     "Market capitalisation in dollars as known on that day, never a later figure; null when none was known."},
    {"open_d", "OPEN", TD_STYLE_PRICE, 9, "First price of the regular phase in dollars; null without a regular bar."},
    {"high_d", "HIGH", TD_STYLE_PRICE, 9, "Highest price of the regular phase in dollars."},
    {"low_d", "LOW", TD_STYLE_PRICE, 9, "Lowest price of the regular phase in dollars."},
    {"trades_d", "TRADES", TD_STYLE_COUNT, 9, "Number of trades in all market phases: sum of the known counts."},
    {"vol_pre_d", "VOL PRE", TD_STYLE_SHORT, 7, "Shares traded before the open, 04:00-09:30 New York."},
    {"vol_reg_d", "VOL REG", TD_STYLE_SHORT, 7, "Shares traded in the regular phase, 09:30-16:00 (13:00 on half days)."},
    {"vol_post_d", "VOL POST", TD_STYLE_SHORT, 8, "Shares traded after the close, until 20:00 (17:00 on half days)."},
    {"rvol30_prior", "RVOL PRI", TD_STYLE_RATIO, 8,
     "Relative volume against the past alone: vol_d / mean vol_d of the 30 rows before today; null under 5."},
    {"hist_n", "HIST", TD_STYLE_COUNT, 4, "Rows with a known volume in the 30-row window of rvol30."},
    {"gap_pct_d", "GAP%", TD_STYLE_PERCENT, 9,
     "Opening gap: open_d / prior close (split-adjusted) - 1; a fraction in files, shown in percent."},
    {"max_gap_min", "LONGEST", TD_STYLE_COUNT, 7,
     "Longest run of regular minutes without a bar, runs at the open and the close included."},
    {"split_factor", "SPLIT", TD_STYLE_RATIO, 6,
     "New shares for one old share by splits executed after the previous row up to today; 1 when none."},
    {"bars_from", "FROM", TD_STYLE_TEXT, 6, "Which bars made the row: minute or day."},
    {"close_src", "CLOSE SRC", TD_STYLE_TEXT, 9, "Where close_d comes from: daily, regular or last."},
    {"flags", "FLAGS", TD_STYLE_TEXT, 20, "Warnings about the row, names in alphabetical order; empty when there are none."},
    {"r_rvol", "R", TD_STYLE_FLAG, 3, "The relative volume rule holds: rvol30 >= threshold."},
    {"r_chg", "C", TD_STYLE_FLAG, 3, "The change rule holds: |pctchg_d| >= threshold."},
    {"r_dvol", "D", TD_STYLE_FLAG, 3, "The dollar volume rule holds: dollar_vol_d >= threshold."},
    {"r_px", "P", TD_STYLE_FLAG, 3, "The price rule holds: min_price <= close_d <= max_price."},
    {"info_rich", "RICH", TD_STYLE_FLAG, 4, "All rules hold: the ticker was in play that day; known only after the day."},
    /* outcome: all of it looks ahead */
    {"next_session", "NEXT", TD_STYLE_DAY, 10, "The exchange session after the listed day."},
    {"gap_next", "GAP>", TD_STYLE_PERCENT, 9, "Next session's open / close_d - 1, splits taken out; known only after it."},
    {"high_next", "HIGH>", TD_STYLE_PERCENT, 9, "Next session's high / close_d - 1, splits taken out; known only after it."},
    {"low_next", "LOW>", TD_STYLE_PERCENT, 9, "Next session's low / close_d - 1, splits taken out; known only after it."},
    {"return_next", "CLOSE>", TD_STYLE_PERCENT, 9, "Next session's close / close_d - 1, splits taken out; known only after it."},
    {"faded_next", "FADED", TD_STYLE_FLAG, 5, "The next session closed below its open; known only after it."},
    {"session_5", "FIFTH", TD_STYLE_DAY, 10, "The fifth exchange session after the listed day."},
    {"return_5", "CLOSE>5", TD_STYLE_PERCENT, 9, "Close of the fifth session after / close_d - 1, splits taken out."},
    {"days", "DAYS", TD_STYLE_COUNT, 5, "Listed days of the ticker."},
    {"n", "N", TD_STYLE_COUNT, 5, "Listed days whose next-session return is known."},
    {"cont_n", "CONT N", TD_STYLE_COUNT, 6, "Days with a known next-session return and a change other than 0."},
    {"continued", "CONT%", TD_STYLE_PERCENT, 8, "Share of cont_n whose next-session return has the sign of the day's change."},
    {"fade_n", "FADE N", TD_STYLE_COUNT, 6, "Days whose next session has an open and a close."},
    {"faded", "FADE%", TD_STYLE_PERCENT, 8, "Share of fade_n whose next session closed below its open."},
    {"mean_next", "MEAN>", TD_STYLE_PERCENT, 9, "Mean of the next-session returns."},
    {"median_next", "MED>", TD_STYLE_PERCENT, 9, "Median of the next-session returns."},
    {"n_5", "N5", TD_STYLE_COUNT, 5, "Listed days whose five-session return is known."},
    {"mean_5", "MEAN>5", TD_STYLE_PERCENT, 9, "Mean of the five-session returns."},
    {"median_5", "MED>5", TD_STYLE_PERCENT, 9, "Median of the five-session returns."},
    /* bars and candles */
    {"timestamp", "TIME", TD_STYLE_TIME, 22, "Start of the bar; UTC in files, New York time on screens."},
    {"open", "OPEN", TD_STYLE_PRICE, 9, "First price of the bar in dollars."},
    {"high", "HIGH", TD_STYLE_PRICE, 9, "Highest price of the bar in dollars."},
    {"low", "LOW", TD_STYLE_PRICE, 9, "Lowest price of the bar in dollars."},
    {"close", "CLOSE", TD_STYLE_PRICE, 9, "Last price of the bar in dollars."},
    {"volume", "VOL", TD_STYLE_SHORT, 7, "Shares traded in the bar, sometimes a fraction; null when unknown, never 0."},
    {"vwap", "VWAP", TD_STYLE_PRICE, 9, "Volume-weighted average price of the bar in dollars; null when unknown."},
    {"transactions", "TRADES", TD_STYLE_COUNT, 7, "Number of trades in the bar; null when unknown."},
    {"bars", "BARS", TD_STYLE_COUNT, 5, "Minute bars inside the candle."},
    {"partial", "PART", TD_STYLE_FLAG, 4, "The candle is still running: more bars may come."},
    /* rankings */
    {"days_info_rich_252", "IR252", TD_STYLE_COUNT, 5,
     "Info-rich days within the last 252 sessions of the calendar that end at the newest built one."},
    {"last_seen", "LAST SEEN", TD_STYLE_DAY, 10, "Last day of the window on which the ticker was on the watchlist."},
    {"rank", "RANK", TD_STYLE_COUNT, 5, "Place: days descending, last seen descending, ticker ascending."},
    {"sessions_covered", "COVERED", TD_STYLE_COUNT, 7, "Sessions of the 252 that have a built watchlist."},
    {"active", "ACTIVE", TD_STYLE_FLAG, 6, "The ticker has a cache row within the last 5 sessions of the window."},
    /* reference tables */
    {"execution_date", "EXECUTED", TD_STYLE_DAY, 10, "First day on which the split counts."},
    {"split_from", "OLD", TD_STYLE_TEXT, 6, "Old shares that were exchanged for split_to new ones."},
    {"split_to", "NEW", TD_STYLE_TEXT, 6, "New shares given for split_from old ones."},
};

const struct td_column_info *td_column_find(const char *name)
{
    for (size_t i = 0; i < TD_COUNT(catalogue); i++)
        if (strcmp(catalogue[i].name, name) == 0)
            return &catalogue[i];
    return NULL;
}

const struct td_column_info *td_column_at(size_t i)
{
    return i < TD_COUNT(catalogue) ? &catalogue[i] : NULL;
}

enum td_style view_kind_style(enum td_kind kind)
{
    switch (kind) {
    case TD_KIND_BOOL: return TD_STYLE_FLAG;
    case TD_KIND_DAY: return TD_STYLE_DAY;
    case TD_KIND_TS: return TD_STYLE_TIME;
    default: return TD_STYLE_TEXT; /* a number we know nothing about is shown exactly */
    }
}

bool view_leans_right(enum td_kind kind)
{
    return kind == TD_KIND_I64 || kind == TD_KIND_U64 || kind == TD_KIND_F64 || kind == TD_KIND_F32;
}
