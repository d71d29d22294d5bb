/* SPDX-License-Identifier: GPL-3.0-or-later
 * Record descriptions: the one table per row struct that files, screens and exports read; and the texts of flags. */
#include <string.h>
#include <tapedeck/market.h>

#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define FIELD(type, name, kind, member, optional)                                                                      \
    {                                                                                                                  \
        name, kind, offsetof(struct type, member), SIZE_OF(struct type, member), optional                              \
    }
#define NEEDED false
#define OPTIONAL true

static const struct td_field candle_fields[] = {
    FIELD(td_candle, "timestamp", TD_F_TS, ts, NEEDED), FIELD(td_candle, "open", TD_F_F64, open, NEEDED),
    FIELD(td_candle, "high", TD_F_F64, high, NEEDED),   FIELD(td_candle, "low", TD_F_F64, low, NEEDED),
    FIELD(td_candle, "close", TD_F_F64, close, NEEDED), FIELD(td_candle, "volume", TD_F_F64, volume, OPTIONAL),
    FIELD(td_candle, "vwap", TD_F_F64, vwap, OPTIONAL), FIELD(td_candle, "transactions", TD_F_I64, trades, OPTIONAL),
    FIELD(td_candle, "bars", TD_F_U32, bars, NEEDED),   FIELD(td_candle, "partial", TD_F_BOOL, partial, NEEDED),
};
const struct td_record td_candle_record = {"candles/1", sizeof(struct td_candle), TD_COUNT(candle_fields),
                                           candle_fields};

/* A close always exists: a ticker-day exists only when a bar counts for it. */
static const struct td_field daily_fields[] = {
    FIELD(td_daily_row, "ticker", TD_F_STR, ticker, NEEDED),
    FIELD(td_daily_row, "trading_day", TD_F_DAY, trading_day, NEEDED),
    FIELD(td_daily_row, "close_d", TD_F_F64, close_d, NEEDED),
    FIELD(td_daily_row, "vol_d", TD_F_F64, vol_d, OPTIONAL),
    FIELD(td_daily_row, "dollar_vol_d", TD_F_F64, dollar_vol_d, OPTIONAL),
    FIELD(td_daily_row, "vwap_d", TD_F_F64, vwap_d, OPTIONAL),
    FIELD(td_daily_row, "pctchg_d", TD_F_F64, pctchg_d, OPTIONAL),
    FIELD(td_daily_row, "return_d", TD_F_F64, return_d, OPTIONAL),
    FIELD(td_daily_row, "rvol30", TD_F_F64, rvol30, OPTIONAL),
    FIELD(td_daily_row, "session_rows", TD_F_U32, session_rows, OPTIONAL),
    FIELD(td_daily_row, "has_gaps", TD_F_BOOL, has_gaps, OPTIONAL),
    FIELD(td_daily_row, "market_cap_d", TD_F_F64, market_cap_d, OPTIONAL),
    FIELD(td_daily_row, "open_d", TD_F_F64, open_d, OPTIONAL),
    FIELD(td_daily_row, "high_d", TD_F_F64, high_d, OPTIONAL),
    FIELD(td_daily_row, "low_d", TD_F_F64, low_d, OPTIONAL),
    FIELD(td_daily_row, "trades_d", TD_F_I64, trades_d, OPTIONAL),
    FIELD(td_daily_row, "vol_pre_d", TD_F_F64, vol_pre_d, OPTIONAL),
    FIELD(td_daily_row, "vol_reg_d", TD_F_F64, vol_reg_d, OPTIONAL),
    FIELD(td_daily_row, "vol_post_d", TD_F_F64, vol_post_d, OPTIONAL),
    FIELD(td_daily_row, "rvol30_prior", TD_F_F64, rvol30_prior, OPTIONAL),
    FIELD(td_daily_row, "hist_n", TD_F_U32, hist_n, NEEDED),
    FIELD(td_daily_row, "gap_pct_d", TD_F_F64, gap_pct_d, OPTIONAL),
    FIELD(td_daily_row, "max_gap_min", TD_F_U32, max_gap_min, OPTIONAL),
    FIELD(td_daily_row, "split_factor", TD_F_F64, split_factor, NEEDED),
    FIELD(td_daily_row, "bars_from", TD_F_TEXT, bars_from, NEEDED),
    FIELD(td_daily_row, "close_src", TD_F_TEXT, close_src, NEEDED),
    FIELD(td_daily_row, "flags", TD_F_STR, flags, NEEDED),
};
const struct td_record td_daily_record = {"daily/1", sizeof(struct td_daily_row), TD_COUNT(daily_fields), daily_fields};

static const struct td_field watch_fields[] = {
    FIELD(td_watch_row, "ticker", TD_F_STR, ticker, NEEDED),
    FIELD(td_watch_row, "trading_day", TD_F_DAY, trading_day, NEEDED),
    FIELD(td_watch_row, "close_d", TD_F_F64, close_d, NEEDED),
    FIELD(td_watch_row, "pctchg_d", TD_F_F64, pctchg_d, OPTIONAL),
    FIELD(td_watch_row, "rvol30", TD_F_F64, rvol30, OPTIONAL),
    FIELD(td_watch_row, "rvol30_prior", TD_F_F64, rvol30_prior, OPTIONAL),
    FIELD(td_watch_row, "vol_d", TD_F_F64, vol_d, OPTIONAL),
    FIELD(td_watch_row, "dollar_vol_d", TD_F_F64, dollar_vol_d, OPTIONAL),
    FIELD(td_watch_row, "vwap_d", TD_F_F64, vwap_d, OPTIONAL),
    FIELD(td_watch_row, "gap_pct_d", TD_F_F64, gap_pct_d, OPTIONAL),
    FIELD(td_watch_row, "market_cap_d", TD_F_F64, market_cap_d, OPTIONAL),
    FIELD(td_watch_row, "r_rvol", TD_F_BOOL, r_rvol, NEEDED),
    FIELD(td_watch_row, "r_chg", TD_F_BOOL, r_chg, NEEDED),
    FIELD(td_watch_row, "r_dvol", TD_F_BOOL, r_dvol, NEEDED),
    FIELD(td_watch_row, "r_px", TD_F_BOOL, r_px, NEEDED),
    FIELD(td_watch_row, "info_rich", TD_F_BOOL, info_rich, NEEDED),
    FIELD(td_watch_row, "flags", TD_F_STR, flags, NEEDED),
};
const struct td_record td_watch_record = {"watchlist/1", sizeof(struct td_watch_row), TD_COUNT(watch_fields),
                                          watch_fields};

static const struct td_field topn_fields[] = {
    FIELD(td_topn_row, "ticker", TD_F_STR, ticker, NEEDED),
    FIELD(td_topn_row, "days_info_rich_252", TD_F_U32, days_info_rich_252, NEEDED),
    FIELD(td_topn_row, "last_seen", TD_F_DAY, last_seen, NEEDED),
    FIELD(td_topn_row, "rank", TD_F_U32, rank, NEEDED),
    FIELD(td_topn_row, "sessions_covered", TD_F_U32, sessions_covered, NEEDED),
    FIELD(td_topn_row, "active", TD_F_BOOL, active, NEEDED),
};
const struct td_record td_topn_record = {"topn/1", sizeof(struct td_topn_row), TD_COUNT(topn_fields), topn_fields};

static const struct td_field snapshot_fields[] = {
    FIELD(td_snapshot_row, "asof_date", TD_F_DAY, asof_date, NEEDED),
    FIELD(td_snapshot_row, "rank", TD_F_U32, rank, NEEDED),
    FIELD(td_snapshot_row, "ticker", TD_F_STR, ticker, NEEDED),
    FIELD(td_snapshot_row, "days_info_rich_win", TD_F_U32, days_info_rich_win, NEEDED),
    FIELD(td_snapshot_row, "last_seen", TD_F_DAY, last_seen, NEEDED),
};
const struct td_record td_snapshot_record = {"topn_snapshot/1", sizeof(struct td_snapshot_row), TD_COUNT(snapshot_fields),
                                             snapshot_fields};

static const struct td_field snapshot_index_fields[] = {
    FIELD(td_snapshot_entry, "asof_date", TD_F_DAY, asof_date, NEEDED),
    FIELD(td_snapshot_entry, "snapshot_type", TD_F_STR, snapshot_type, NEEDED),
    FIELD(td_snapshot_entry, "path", TD_F_STR, path, NEEDED),
};
const struct td_record td_snapshot_index_record = {"topn_index/1", sizeof(struct td_snapshot_entry), TD_COUNT(snapshot_index_fields),
                                                   snapshot_index_fields};

static const struct td_field event_fields[] = {
    FIELD(td_event_row, "ticker", TD_F_STR, ticker, NEEDED),
    FIELD(td_event_row, "trading_day", TD_F_DAY, trading_day, NEEDED),
    FIELD(td_event_row, "rvol30", TD_F_F64, rvol30, OPTIONAL),
    FIELD(td_event_row, "pctchg_d", TD_F_F64, pctchg_d, OPTIONAL),
    FIELD(td_event_row, "dollar_vol_d", TD_F_F64, dollar_vol_d, OPTIONAL),
    FIELD(td_event_row, "close_d", TD_F_F64, close_d, NEEDED),
    FIELD(td_event_row, "vol_d", TD_F_F64, vol_d, OPTIONAL),
    FIELD(td_event_row, "vwap_d", TD_F_F64, vwap_d, OPTIONAL),
};
const struct td_record td_event_record = {"events/1", sizeof(struct td_event_row), TD_COUNT(event_fields), event_fields};

bool td_field_is_null(const struct td_field *field, const void *row)
{
    const char *at = (const char *)row + field->offset;
    union {
        const char *text;
        td_day day;
        int64_t i64;
        double f64;
        uint32_t u32;
        int32_t i32;
        int8_t flag;
    } v = {0};
    if (field->kind == TD_F_STR)
        return false;
    memcpy(&v, at, field->size < sizeof v ? field->size : sizeof v);
    switch (field->kind) {
    case TD_F_STR: return false;
    case TD_F_TEXT: return !v.text;
    case TD_F_DAY: return v.day == TD_NO_DAY;
    case TD_F_TS: return v.i64 == INT64_MIN;
    case TD_F_F64: return isnan(v.f64);
    case TD_F_I64: return v.i64 == TD_NO_COUNT;
    case TD_F_U32: return v.u32 == UINT32_MAX;
    case TD_F_I32: return v.i32 == INT32_MIN;
    case TD_F_BOOL: return v.flag < 0;
    }
    return false;
}

static const char *const flag_names[TD_FLAG_COUNT] = {
#define FLAG_NAME(name, text) text,
    TD_FLAGS(FLAG_NAME)
#undef FLAG_NAME
};

/* The list in the door is alphabetical, so the order of bits is the order of names. */
void td_flags_format(uint32_t flags, char out[TD_FLAGS_TEXT])
{
    size_t at = 0;
    out[0] = 0;
    for (unsigned i = 0; i < TD_FLAG_COUNT; i++) {
        size_t len = strlen(flag_names[i]);
        if (!(flags & 1u << i) || at + len + 2 > TD_FLAGS_TEXT)
            continue;
        if (at)
            out[at++] = ' ';
        memcpy(out + at, flag_names[i], len + 1);
        at += len;
    }
}

uint32_t td_flags_parse(const char *text)
{
    uint32_t flags = 0;
    while (text && *text) {
        size_t len = strcspn(text, " ");
        for (unsigned i = 0; i < TD_FLAG_COUNT; i++)
            if (strlen(flag_names[i]) == len && !memcmp(flag_names[i], text, len))
                flags |= 1u << i;
        text += len + (text[len] == ' ');
    }
    return flags;
}

static const char *const reason_names[TD_REASON_COUNT] = {
#define REASON_NAME(name, text) text,
    TD_REASONS(REASON_NAME)
#undef REASON_NAME
};

const char *td_reason_text(enum td_reason reason)
{
    return (unsigned)reason < TD_REASON_COUNT ? reason_names[reason] : "unknown";
}
