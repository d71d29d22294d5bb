/* SPDX-License-Identifier: GPL-3.0-or-later
 * market: pure computing on columns: exchange calendar, bars, candles, indicators, daily rows, screen, rankings.
 * No I/O, no threads, no clock. In memory a missing double is NaN and a missing count is TD_NO_COUNT. */
#ifndef TAPEDECK_MARKET_H
#define TAPEDECK_MARKET_H

#include <math.h>
#include <tapedeck/base.h>

#define TD_NO_COUNT INT64_MIN
#define TD_NO_F64 ((double)NAN) /* the null double; NAN alone is a float, which strict compilers refuse to widen */
#define TD_TICKER_MAX 32 /* bytes with the terminator; longer tickers are refused at the door */

/* ---- records: one table describes a row struct for the lake (columns), the view and the exports ---- */

enum td_field_kind {
    TD_F_STR,  /* char[] inside the struct, NUL-terminated; `size` bytes */
    TD_F_TEXT, /* const char *, borrowed */
    TD_F_DAY,  /* td_day, TD_NO_DAY = null */
    TD_F_TS,   /* int64_t UTC ms, INT64_MIN = null */
    TD_F_F64,  /* double, NaN = null */
    TD_F_I64,  /* int64_t, TD_NO_COUNT = null */
    TD_F_U32,  /* uint32_t, UINT32_MAX = null */
    TD_F_I32,  /* int32_t, INT32_MIN = null */
    TD_F_BOOL  /* int8_t: 0, 1, -1 = null */
};
struct td_field {
    const char *name; /* column name in files and exports */
    enum td_field_kind kind;
    size_t offset, size; /* of the member; size matters for TD_F_STR */
    bool optional;       /* nulls allowed in files */
};
struct td_record { /* a row struct and its columns in file order */
    const char *schema; /* "daily/1": name and version in file metadata */
    size_t size;        /* sizeof the struct */
    size_t count;
    const struct td_field *fields;
};
bool td_field_is_null(const struct td_field *field, const void *row);

/* ---- XNYS calendar: compiled-in rules, sessions 1990-01-01..2035-12-31 ----
 * Days are exchange dates. The rules are expanded once, on first use; any thread, no errors. */

struct td_session {
    td_day day;
    int32_t index;       /* consecutive over sessions */
    int32_t close_min;   /* minute of the day the regular phase ends: 960; on early closes 780 (840 in 1990-92) */
    int32_t late_end_min; /* end of after-hours: 1200, or 1020 on an early close */
};
#define TD_PRE_MIN 240     /* 04:00 */
#define TD_REGULAR_MIN 570 /* 09:30 */
bool td_cal_session(td_day day, struct td_session *out); /* false: not a session (out untouched) */
int32_t td_cal_index(td_day day);      /* index of the session, or -1 */
int32_t td_cal_index_at_or_before(td_day day); /* newest session <= day; -1 before the calendar */
int32_t td_cal_index_at_or_after(td_day day);  /* oldest session >= day; -1 after it */
td_day td_cal_day(int32_t index);      /* TD_NO_DAY out of range */
td_day td_cal_first(void);
td_day td_cal_last(void);
bool td_cal_is_half(td_day day);
const char *td_cal_holiday(td_day day); /* name of a weekday closure, NULL otherwise */
bool td_cal_expiry_friday(td_day day);  /* monthly option expiry: third Friday (Thursday before when it is a holiday) */
/* End of after-hours of a session in UTC ms: the session is over then. INT64_MIN when the day is no session. */
int64_t td_cal_close_ms(td_day day);
enum td_phase { TD_PHASE_OFF, TD_PHASE_PRE, TD_PHASE_REGULAR, TD_PHASE_POST, TD_PHASE_NO_SESSION };
enum td_phase td_cal_phase(td_day day, int32_t minute_of_day);

/* ---- bars: columns of one ticker, ascending time ----
 * Start from {0}; whoever fills them frees them. Prices in dollars, volume in shares. One thread at a time. */

struct td_bars {
    size_t n, cap;
    int64_t *ts; /* bar start, UTC ms */
    double *open, *high, *low, *close;
    double *volume, *vwap; /* NaN = unknown */
    int64_t *trades;       /* TD_NO_COUNT = unknown */
};
struct td_bar {
    int64_t ts;
    double open, high, low, close, volume, vwap;
    int64_t trades;
};
/* Room for n bars in all columns (TD_NOMEM, the bars stay as they were). */
enum td_code td_bars_reserve(struct td_bars *bars, size_t n, struct td_err *err);
enum td_code td_bars_add(struct td_bars *bars, const struct td_bar *bar, struct td_err *err);
struct td_bar td_bars_get(const struct td_bars *bars, size_t i);
void td_bars_free(struct td_bars *bars);
bool td_bar_same(const struct td_bar *a, const struct td_bar *b); /* equal values, null equals null */
size_t td_bars_lower_bound(const struct td_bars *bars, int64_t ts); /* first index with ts >= the argument */

/* Why a bar is not let in; texts are the keys of rows_quarantined. */
#define TD_REASONS(X)                                                                                                  \
    X(NONE, "none")                                                                                                    \
    X(NOT_FINITE, "not_finite")           /* nan or infinite number */                                                 \
    X(PRICE, "price_not_positive")                                                                                     \
    X(OHLC, "ohlc_inconsistent")          /* low <= open,close <= high broken */                                       \
    X(VOLUME, "volume_negative")                                                                                       \
    X(TIME, "time_implausible")           /* unit of time wrong, not on its grid, in the far past or future */         \
    X(CONFLICT, "conflicting_duplicate")  /* one timestamp, different values */                                        \
    X(TICKER, "ticker_invalid")                                                                                        \
    X(UNREADABLE, "unreadable")           /* a field that does not parse, a short row */                               \
    X(NON_SESSION, "non_session")         /* daily bar on a day that is no session */                                  \
    X(OUT_OF_RANGE, "out_of_range")       /* the answer holds bars that were not asked for */
enum td_reason {
#define TD_REASON_ENUM(name, text) TD_REASON_##name,
    TD_REASONS(TD_REASON_ENUM)
#undef TD_REASON_ENUM
    TD_REASON_COUNT
};
const char *td_reason_text(enum td_reason reason);
/* Door check of one bar, first broken rule of design section 10. `daily`: its time must be New York midnight of a
 * session; else a whole minute of any day. Unknown volume, vwap and count pass; a vwap of 0 passes beside a volume of
 * 0 only. */
enum td_reason td_bar_check(const struct td_bar *bar, bool daily);
/* Sort by time, drop identical duplicates (counted), take every row of a conflicting timestamp out (counted):
 * bars->n + *duplicates + *conflicts = rows before. TD_NOMEM leaves the bars as they were. */
enum td_code td_bars_clean(struct td_bars *bars, uint64_t *duplicates, uint64_t *conflicts, struct td_err *err);

/* ---- candles: reference indicators-and-candles.md, section Candles ---- */

enum td_tf { TD_TF_1M, TD_TF_5M, TD_TF_15M, TD_TF_30M, TD_TF_1H, TD_TF_4H, TD_TF_1D, TD_TF_COUNT };
const char *td_tf_name(enum td_tf tf);
bool td_tf_parse(const char *text, enum td_tf *out);
int td_tf_minutes(enum td_tf tf); /* 1440 for 1d */
enum td_hours { TD_HOURS_REGULAR, TD_HOURS_ALL }; /* 09:30-16:00, 04:00-20:00; bars outside are left out */
enum td_anchor { TD_ANCHOR_SESSION, TD_ANCHOR_CLOCK };
struct td_candle_options {
    enum td_tf tf;
    enum td_hours hours;
    enum td_anchor anchor; /* SESSION: 09:30 (04:00 for all hours); CLOCK: New York midnight */
    bool calendar;         /* regular ends at the early close, and days that are no session are left out of `regular` */
};
struct td_candle {
    int64_t ts; /* left edge, UTC ms */
    double open, high, low, close, volume, vwap;
    int64_t trades;
    uint32_t bars;  /* minute bars inside */
    int8_t partial; /* set by the caller for the running bucket */
};
struct td_candles { /* start with {0} */
    size_t n, cap;
    struct td_candle *items;
    double tail_dollars; /* sum of volume x price of the last candle, so that a later call can go on exactly */
};
extern const struct td_record td_candle_record; /* timestamp,open,...,bars,partial */
/* Append the candles of `bars` (one ticker, ascending) to *out; a bucket split over two calls is merged. volume is
 * the sum of known volumes (NaN when none), vwap volume-weighted with (h+l+c)/3 where a bar has none (NaN without
 * volume). The same options in every call. 1d is labelled New York midnight whatever the anchor. Errors: TD_NOMEM,
 * TD_DATA (bars out of order or with an impossible time), TD_USAGE. */
enum td_code td_candles_add(struct td_candles *out, const struct td_bars *bars, const struct td_candle_options *options,
                            struct td_err *err);
void td_candles_free(struct td_candles *candles);

/* ---- indicators: out[i] is NaN before the first value ----
 * Reference indicators-and-candles.md. out holds n values and may not overlap x. A NaN in x gives NaN in that row:
 * the SMA is then null until `period` values in a row are known, the EMA steps over it. Any thread, no errors. */

void td_sma(const double *x, size_t n, size_t period, double *out);
void td_ema(const double *x, size_t n, size_t period, double *out); /* seed: SMA of the first `period` known values */
/* Session VWAP of (h+l+c)/3, reset at each New York date; `regular`: only 09:30-16:00 bars count (others NaN). */
void td_session_vwap(const struct td_bars *bars, bool regular, double *out);

/* ---- daily rows: design section 6 and 6.1 ----
 * Where the text leaves a choice: hist_n and the five rows that rvol30_prior asks for count rows with a volume; a
 * change and a gap across an unknown session are both null; flags approx_dollar_vol and vol_partial speak of bars
 * whose volume is known, but a daily-bar row without vwap is always approx_dollar_vol; has_gaps of a daily-bar row
 * follows its unit alone, and is null under `seed`; half_day, mixed_bars and partial_session are flagged in both
 * presets. */

enum td_preset { TD_PRESET_SESSION, TD_PRESET_SEED };
#define TD_FLAGS(X)                                                                                                    \
    X(APPROX_DOLLAR_VOL, "approx_dollar_vol")                                                                          \
    X(HALF_DAY, "half_day")                                                                                            \
    X(MIXED_BARS, "mixed_bars")                                                                                        \
    X(NEW_LISTING, "new_listing")                                                                                      \
    X(PARTIAL_HISTORY, "partial_history")                                                                              \
    X(PARTIAL_SESSION, "partial_session")                                                                              \
    X(RENAMED, "renamed")                                                                                              \
    X(SPLIT_DAY, "split_day")                                                                                          \
    X(SPLIT_SUSPECT, "split_suspect")                                                                                  \
    X(VOL_PARTIAL, "vol_partial")
enum td_flag_bit {
#define TD_FLAG_ENUM(name, text) TD_FLAG_BIT_##name,
    TD_FLAGS(TD_FLAG_ENUM)
#undef TD_FLAG_ENUM
    TD_FLAG_COUNT
};
#define TD_FLAG(name) (1u << TD_FLAG_BIT_##name)
#define TD_FLAGS_TEXT 128
void td_flags_format(uint32_t flags, char out[TD_FLAGS_TEXT]); /* names in alphabetical order, one space between */
uint32_t td_flags_parse(const char *text);                     /* unknown names are ignored */

struct td_daily_row { /* NaN, TD_NO_COUNT, UINT32_MAX, -1 = null, as in td_field_kind */
    char ticker[TD_TICKER_MAX];
    td_day trading_day;
    double close_d, vol_d, dollar_vol_d, vwap_d, pctchg_d, return_d, rvol30;
    uint32_t session_rows;
    int8_t has_gaps;
    double market_cap_d;
    double open_d, high_d, low_d;
    int64_t trades_d;
    double vol_pre_d, vol_reg_d, vol_post_d, rvol30_prior;
    uint32_t hist_n;
    double gap_pct_d;
    uint32_t max_gap_min;
    double split_factor;
    const char *bars_from; /* "minute" or "day" (static text) */
    const char *close_src; /* "daily", "regular", "last" (static text) */
    char flags[TD_FLAGS_TEXT];
    int8_t complete; /* not a column of the cache: 0 only for a running session admitted with --partial */
};
extern const struct td_record td_daily_record; /* the 12 columns, then the 15 extras */

struct td_split { /* new shares per old share; executed before the open of `day` */
    td_day day;
    double factor; /* split_to / split_from */
};
struct td_cap_interval { /* [from, to), TD_NO_DAY as open end */
    td_day from, to;
    double cap;
};
struct td_day_range { td_day from, to; }; /* inclusive */

/* What is known about the ticker besides its bars. All arrays ascending by day (intervals by `from`), owned by the
 * caller and unchanged until td_daily_free. Start from {0}: every part may be absent. An incremental run gives the same
 * knowledge as a full one, reaching back over the history rows as well. */
struct td_daily_context {
    const char *ticker;
    enum td_preset preset;
    const struct td_split *splits;
    size_t split_count;
    const struct td_cap_interval *caps;
    size_t cap_count;
    const struct td_day_range *vouched; /* sessions whose unit is complete: traded or known empty */
    size_t vouched_count;
    const td_day *life_breaks; /* first day of another life after a listing, rename to or delisting: the rows before and
                                * from that day on do not belong together (unless the day is in `renames` too) */
    size_t life_break_count;
    const td_day *renames; /* days on which this life took over another symbol's history (chained: flag `renamed`) */
    size_t rename_count;
    bool minute, day_bars; /* which sources may make rows (--bars); a daily close and volume that were fed serve the
                            * minute rows of `session` (close_src, has_gaps) even where day bars make no rows */
    const struct td_day_range *incomplete; /* sessions whose unit is known to be incomplete; outweighs `vouched` */
    size_t incomplete_count;
    td_day running; /* the session still going on, admitted with --partial: its row gets complete = 0 and the flag
                     * partial_session, and serves no later row. 0 or TD_NO_DAY = none */
};

/* First pass: fold bars into rows, one row a ticker-day (raw sums, no history columns yet). Minute bars come in time
 * order over all calls (else TD_DATA) and a day may straddle two calls; day bars come in any order and interleaving,
 * the last one of a day counts, those of non-sessions count for nothing under `session`. No minute bar is kept.
 * Memory: one row a day. One thread a builder. Errors: TD_NOMEM, TD_DATA. */
struct td_daily_builder;
enum td_code td_daily_new(const struct td_daily_context *context, struct td_daily_builder **out, struct td_err *err);
enum td_code td_daily_minutes(struct td_daily_builder *builder, const struct td_bars *bars, struct td_err *err);
enum td_code td_daily_days(struct td_daily_builder *builder, const struct td_bars *bars, struct td_err *err);
/* Rows of this ticker that stand: finished ones, ascending by day, of days whose bars did not change. They take part in the
 * second pass as if their bars had been fed (their history columns and cap are computed anew); a day that was fed too is
 * taken from its bars. The array stays the caller's and unchanged until the builder is freed; a second call replaces the
 * first. */
void td_daily_keep(struct td_daily_builder *builder, const struct td_daily_row *rows, size_t count);
/* Exchange the knowledge of the builder before td_daily_finish: what files vouch for is known when they have been read.
 * Same ticker, preset and sources. */
void td_daily_know(struct td_daily_builder *builder, const struct td_daily_context *context);
/* Minute bars that counted for nothing so far. */
void td_daily_skipped(const struct td_daily_builder *builder, uint64_t *off_hours, uint64_t *no_session);
/* Second pass: history columns (changes, windows, splits, identity, gaps, caps). The rows, ascending by day, stay
 * owned by the builder and end with it or with the next td_daily_finish. `history` are finished rows of the same
 * ticker before the first bar fed (for incremental runs; at least the last 31 rows, or all there are), NULL when
 * none; those of a running session and those from the first new day on are left aside. The new rows are then bit for
 * bit the rows of a full run. `seed` rows have no phases: their phase volumes and max_gap_min are null. Errors:
 * TD_NOMEM. */
enum td_code td_daily_finish(struct td_daily_builder *builder, const struct td_daily_row *history, size_t history_count,
                             struct td_daily_row **rows, size_t *count, struct td_err *err);
void td_daily_free(struct td_daily_builder *builder);

/* ---- screen ---- */

struct td_thresholds {
    double rvol, pctchg, dvol, min_price, max_price, cap_max; /* cap_max 0 = no limit */
};
struct td_membership {
    const char *types, *exchanges; /* comma-separated lists, "" = any */
    bool drop_test_tickers, type_unknown_pass, cap_unknown_pass, drop_split_suspect;
};
struct td_screen {
    struct td_thresholds thresholds;
    struct td_membership membership;
};
struct td_reference { /* what is known of a ticker on a day; NULL texts = unknown */
    const char *type, *exchange;
    int8_t test_ticker; /* -1 unknown */
};
struct td_watch_row {
    char ticker[TD_TICKER_MAX];
    td_day trading_day;
    double close_d, pctchg_d, rvol30, rvol30_prior, vol_d, dollar_vol_d, vwap_d, gap_pct_d, market_cap_d;
    int8_t r_rvol, r_chg, r_dvol, r_px, info_rich;
    char flags[TD_FLAGS_TEXT];
};
extern const struct td_record td_watch_record;
struct td_screen td_screen_default(void);
/* Hash of everything that decides membership and rules: file metadata tapedeck.thresholds, 16 hex digits. Lists are
 * sets: order and blanks do not matter. Stable across versions. */
void td_screen_hash(const struct td_screen *screen, char out[17]);
/* Fill *out; returns false when the row is not listed at all (membership, price band, cap, split suspect) and leaves
 * *out. A null fails its rule. An unknown exchange follows type_unknown_pass like an unknown type; where test_ticker
 * is unknown (or reference NULL) the name decides by td_is_test_ticker. cap_max 0 = no limit, also for an unknown
 * cap. */
bool td_screen_row(const struct td_screen *screen, const struct td_daily_row *row, const struct td_reference *reference,
                   struct td_watch_row *out);
/* The parts that td_screen_row is made of, for who has columns instead of rows: what membership says of the ticker and its
 * listing (the row's flags aside), whether the row of a member is listed, and which rules it passes. */
enum td_rule_bit { TD_RULE_RVOL = 1, TD_RULE_CHG = 2, TD_RULE_DVOL = 4, TD_RULE_PX = 8, TD_RULE_ALL = 15 /* info-rich */ };
bool td_screen_member(const struct td_screen *screen, const char *ticker, const struct td_reference *reference);
bool td_screen_lists(const struct td_screen *screen, double close_d, double market_cap_d, uint32_t flags);
unsigned td_screen_rules(const struct td_screen *screen, double rvol30, double pctchg_d, double dollar_vol_d, double close_d);
/* rvol30 descending (null last), ticker ascending bytewise: the order of a watchlist file. qsort comparator. */
int td_watch_compare(const void *a, const void *b);
/* NASDAQ/NYSE test symbols by their published patterns (ZVZZT, ZXZZT, NTEST.A, ZTST, ...). */
bool td_is_test_ticker(const char *ticker);

struct td_topn_row {
    char ticker[TD_TICKER_MAX];
    uint32_t days_info_rich_252;
    td_day last_seen;
    uint32_t rank, sessions_covered;
    int8_t active;
};
extern const struct td_record td_topn_record;
/* A ranking of 252 sessions as it stood at the end of a month or a year. */
struct td_snapshot_row {
    td_day asof_date;
    uint32_t rank;
    char ticker[TD_TICKER_MAX];
    uint32_t days_info_rich_win;
    td_day last_seen;
};
extern const struct td_record td_snapshot_record;
struct td_snapshot_entry { /* of the index */
    td_day asof_date;
    char snapshot_type[16]; /* "month_end" or "annual" */
    char path[128];         /* below the lake's root */
};
extern const struct td_record td_snapshot_index_record;
/* An info-rich ticker-day, columns as published screens have them. */
struct td_event_row {
    char ticker[TD_TICKER_MAX];
    td_day trading_day;
    double rvol30, pctchg_d, dollar_vol_d, close_d, vol_d, vwap_d;
};
extern const struct td_record td_event_record;
int td_topn_compare(const void *a, const void *b); /* days desc, last_seen desc, ticker asc */

/* ---- outcome: what happened after a listed day. Every column looks ahead: never beside columns known on the day ---- */

#define TD_OUTCOME_SESSIONS 5
struct td_outcome_row { /* prices after the day are brought to its share count by the splits executed in between */
    char ticker[TD_TICKER_MAX];
    td_day trading_day;
    double close_d, pctchg_d; /* of the day, as the cache has them */
    td_day next_session;      /* of the exchange, whether or not the ticker traded */
    double gap_next;          /* its open / close_d - 1 */
    double high_next, low_next, return_next; /* its high, low, close / close_d - 1 */
    int8_t faded_next;        /* its close lies below its open */
    td_day session_5;         /* fifth session after the day */
    double return_5;          /* its close / close_d - 1 */
};
extern const struct td_record td_outcome_record;
/* What followed rows[at], out of the ticker's rows ascending by day. Null where the session is not there, incomplete, of another
 * life (new_listing), or behind a jump that may be an unknown split (split_suspect). Any thread, no errors. */
void td_outcome(const struct td_daily_row *rows, size_t count, size_t at, struct td_outcome_row *out);
struct td_outcome_stats_row { /* of one ticker; shares and returns are fractions, null without a base */
    char ticker[TD_TICKER_MAX];
    uint32_t days, n;              /* listed days; those whose return_next is known */
    uint32_t cont_n;               /* of n, those with a known pctchg_d other than 0 */
    double continued;              /* share of cont_n whose return_next has the sign of pctchg_d */
    uint32_t fade_n;               /* days with a known faded_next */
    double faded;                  /* share of fade_n that closed below the open */
    double mean_next, median_next; /* of return_next; the median of an even number is the mean of the middle two */
    uint32_t n_5;
    double mean_5, median_5;       /* of return_5 */
};
extern const struct td_record td_outcome_stats_record;
/* One ticker's days into one row. Sums run in the order of the rows. TD_NOMEM. */
enum td_code td_outcome_stats(const struct td_outcome_row *rows, size_t count, struct td_outcome_stats_row *out, struct td_err *err);

#endif
