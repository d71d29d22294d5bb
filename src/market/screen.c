/* SPDX-License-Identifier: GPL-3.0-or-later
 * The screen: membership, price band and cap decide who is listed; four rules decide who is info-rich. */
#include <string.h>
#include "market_values.h"

struct td_screen td_screen_default(void)
{
    return (struct td_screen){
        .thresholds =
            {.rvol = 2.0, .pctchg = 0.15, .dvol = 5000000, .min_price = 0.5, .max_price = 20.0, .cap_max = 2000000000},
        .membership = {.types = "CS,ADRC",
                       .exchanges = "XNAS,XNYS,XASE",
                       .drop_test_tickers = true,
                       .type_unknown_pass = true,
                       .cap_unknown_pass = true,
                       .drop_split_suspect = true},
    };
}

/* The next name of a comma-separated list, without blanks around it; false at the end. Empty names are stepped over. */
static bool next_name(const char **list, struct td_str *name)
{
    for (const char *at = *list; at && *at; at = *list) {
        size_t len = strcspn(at, ",");
        *list = at + len + (at[len] == ',');
        while (len > 0 && at[0] == ' ') {
            at++;
            len--;
        }
        while (len > 0 && at[len - 1] == ' ')
            len--;
        if (len > 0) {
            *name = (struct td_str){at, len};
            return true;
        }
    }
    return false;
}

/* An empty list admits everybody; an unknown value follows its own switch. */
static bool admitted(const char *list, const char *value, bool unknown_pass)
{
    struct td_str name;
    bool any = true;
    while (next_name(&list, &name)) {
        if (value && td_str_is(name, value))
            return true;
        any = false;
    }
    return any || (!value && unknown_pass);
}

static uint64_t hash_number(uint64_t hash, double value)
{
    char text[32];
    size_t len = td_format_f64(value + 0.0, text); /* -0 and 0 decide alike */
    return td_hash64(text, len, hash);
}

/* A list is a set: its order and blanks do not matter. */
static uint64_t hash_list(uint64_t hash, const char *list)
{
    struct td_str name;
    uint64_t sum = 0;
    while (next_name(&list, &name))
        sum += td_hash64(name.ptr, name.len, 1);
    return td_mix64(hash ^ td_mix64(sum));
}

void td_screen_hash(const struct td_screen *screen, char out[17])
{
    const struct td_thresholds *t = &screen->thresholds;
    const struct td_membership *m = &screen->membership;
    const double numbers[] = {t->rvol, t->pctchg, t->dvol, t->min_price, t->max_price, t->cap_max};
    const bool switches[] = {m->drop_test_tickers, m->type_unknown_pass, m->cap_unknown_pass, m->drop_split_suspect};
    uint64_t hash = 0;
    for (size_t i = 0; i < TD_COUNT(numbers); i++)
        hash = hash_number(hash, numbers[i]);
    for (size_t i = 0; i < TD_COUNT(switches); i++)
        hash = td_hash64(switches[i] ? "1" : "0", 1, hash);
    hash = hash_list(hash, m->types);
    hash = hash_list(hash_number(hash, 1), m->exchanges);
    for (size_t i = 0; i < 16; i++)
        out[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
    out[16] = 0;
}

bool td_is_test_ticker(const char *ticker)
{
    /* Symbols the exchanges set aside for testing. A suffix (NTEST.A, NTEST-B) names one of several. */
    static const char *const names[] = {"ATEST", "BTEST", "CTEST", "ITEST", "MTEST", "NTEST", "PTEST",
                                        "TTEST", "ZTEST", "ZTST",  "ZBZX",  "ZEXIT", "ZIEXT", "ZXIET",
                                        "ZVV",   "ZXYZ",  "CBO",   "CBX",   "IGZ"};
    size_t len = strcspn(ticker, ".-");
    if (len == 5 && ticker[0] == 'Z' && !memcmp(ticker + 2, "ZZT", 3)) /* ZVZZT, ZWZZT, ZXZZT, ... */
        return true;
    for (size_t i = 0; i < TD_COUNT(names); i++)
        if (strlen(names[i]) == len && !memcmp(names[i], ticker, len))
            return true;
    return false;
}

bool td_screen_member(const struct td_screen *screen, const char *ticker, const struct td_reference *reference)
{
    const struct td_membership *m = &screen->membership;
    int8_t test = reference ? reference->test_ticker : -1;
    if (test < 0)
        test = td_is_test_ticker(ticker);
    return !(m->drop_test_tickers && test) && admitted(m->types, reference ? reference->type : NULL, m->type_unknown_pass) &&
           admitted(m->exchanges, reference ? reference->exchange : NULL, m->type_unknown_pass);
}

static bool price_passes(const struct td_thresholds *t, double price)
{
    return price >= t->min_price && price <= t->max_price; /* comparisons with a null are false: a null fails its rule */
}

static bool cap_passes(const struct td_screen *screen, double cap)
{
    if (screen->thresholds.cap_max == 0)
        return true;
    return isnan(cap) ? screen->membership.cap_unknown_pass : cap <= screen->thresholds.cap_max;
}

bool td_screen_lists(const struct td_screen *screen, double close_d, double market_cap_d, uint32_t flags)
{
    return price_passes(&screen->thresholds, close_d) && cap_passes(screen, market_cap_d) &&
           !(screen->membership.drop_split_suspect && flags & TD_FLAG(SPLIT_SUSPECT));
}

unsigned td_screen_rules(const struct td_screen *screen, double rvol30, double pctchg_d, double dollar_vol_d, double close_d)
{
    const struct td_thresholds *t = &screen->thresholds;
    return (rvol30 >= t->rvol ? TD_RULE_RVOL : 0u) | (fabs(pctchg_d) >= t->pctchg ? TD_RULE_CHG : 0u) |
           (dollar_vol_d >= t->dvol ? TD_RULE_DVOL : 0u) | (price_passes(t, close_d) ? TD_RULE_PX : 0u);
}

bool td_screen_row(const struct td_screen *screen, const struct td_daily_row *row, const struct td_reference *reference,
                   struct td_watch_row *out)
{
    if (!td_screen_lists(screen, row->close_d, row->market_cap_d, td_flags_parse(row->flags)) ||
        !td_screen_member(screen, row->ticker, reference))
        return false;
    unsigned rules = td_screen_rules(screen, row->rvol30, row->pctchg_d, row->dollar_vol_d, row->close_d);
    *out = (struct td_watch_row){
        .trading_day = row->trading_day,
        .close_d = row->close_d,
        .pctchg_d = row->pctchg_d,
        .rvol30 = row->rvol30,
        .rvol30_prior = row->rvol30_prior,
        .vol_d = row->vol_d,
        .dollar_vol_d = row->dollar_vol_d,
        .vwap_d = row->vwap_d,
        .gap_pct_d = row->gap_pct_d,
        .market_cap_d = row->market_cap_d,
        .r_rvol = (rules & TD_RULE_RVOL) != 0,
        .r_chg = (rules & TD_RULE_CHG) != 0,
        .r_dvol = (rules & TD_RULE_DVOL) != 0,
        .r_px = (rules & TD_RULE_PX) != 0,
        .info_rich = rules == TD_RULE_ALL,
    };
    memcpy(out->ticker, row->ticker, sizeof out->ticker);
    memcpy(out->flags, row->flags, sizeof out->flags);
    return true;
}

int td_watch_compare(const void *a, const void *b)
{
    const struct td_watch_row *x = a, *y = b;
    bool x_null = isnan(x->rvol30), y_null = isnan(y->rvol30);
    if (x_null != y_null)
        return x_null ? 1 : -1;
    if (!x_null && x->rvol30 != y->rvol30)
        return x->rvol30 > y->rvol30 ? -1 : 1;
    return strcmp(x->ticker, y->ticker);
}

int td_topn_compare(const void *a, const void *b)
{
    const struct td_topn_row *x = a, *y = b;
    if (x->days_info_rich_252 != y->days_info_rich_252)
        return x->days_info_rich_252 > y->days_info_rich_252 ? -1 : 1;
    if (x->last_seen != y->last_seen)
        return x->last_seen > y->last_seen ? -1 : 1;
    return strcmp(x->ticker, y->ticker);
}
