/* SPDX-License-Identifier: GPL-3.0-or-later
 * universe explain: why a ticker is, or is not, on the list of a day. Each rule with its value, its threshold and its
 * verdict; what the row was made from is in explain_bars.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "explain.h"

/* The listing of the ticker that was alive on the day; NULL fields where the lake has no ticker table. */
static enum td_code find_reference(const struct td_lake *lake, const char *ticker, td_day day,
                                   struct td_ticker_row *out, bool *known, struct td_err *err)
{
    struct td_buf path;
    struct td_rows rows = {0};
    td_buf_init(&path, 2048);
    *known = false;
    enum td_code code = td_reference_path(lake, "tickers", &path, err);
    if (code == TD_OK && td_file_exists(path.data))
        code = td_table_read(path.data, &td_ticker_record, &rows, NULL, NULL, err);
    const struct td_ticker_row *items = rows.items;
    for (size_t i = 0; code == TD_OK && i < rows.count; i++) {
        bool alive = (items[i].list_date == TD_NO_DAY || items[i].list_date <= day) &&
                     (items[i].delisted == TD_NO_DAY || items[i].delisted >= day);
        if (strcmp(items[i].ticker, ticker) == 0 && alive) {
            *out = items[i];
            *known = true;
        }
    }
    td_rows_free(&rows);
    td_buf_free(&path);
    return code;
}

static enum td_code explain_rules(const struct td_screen *screen, const struct td_daily_row *row,
                                  struct td_sheet *sheet, struct td_err *err)
{
    const struct td_thresholds *t = &screen->thresholds;
    char limit[5][80];
    td_snprintf(limit[0], sizeof limit[0], ">= %g", t->rvol);
    td_snprintf(limit[1], sizeof limit[1], "|x| >= %g", t->pctchg);
    td_snprintf(limit[2], sizeof limit[2], ">= %.15g", t->dvol);
    td_snprintf(limit[3], sizeof limit[3], "%g .. %g", t->min_price, t->max_price);
    td_snprintf(limit[4], sizeof limit[4], t->cap_max > 0 ? "<= %.15g" : "no limit", t->cap_max);
    const struct {
        const char *rule, *note;
        double value;
        const char *limit;
        bool pass;
    } rules[] = {
        {"rvol30", "volume over the mean of the last 30 sessions, today included", row->rvol30, limit[0],
         row->rvol30 >= t->rvol},
        {"pctchg_d", "close over the previous session's close - 1, splits taken out", row->pctchg_d, limit[1],
         fabs(row->pctchg_d) >= t->pctchg},
        {"dollar_vol_d", "USD traded in all phases", row->dollar_vol_d, limit[2], row->dollar_vol_d >= t->dvol},
        {"close_d", "raw price band", row->close_d, limit[3],
         row->close_d >= t->min_price && row->close_d <= t->max_price},
        {"market_cap_d", isnan(row->market_cap_d) ? "unknown: membership.cap_unknown decides" : "USD, point in time",
         row->market_cap_d, limit[4],
         isnan(row->market_cap_d) ? screen->membership.cap_unknown_pass
                                  : t->cap_max <= 0 || row->market_cap_d <= t->cap_max},
    };
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(rules); i++)
        code = explain_put(sheet, rules[i].rule, rules[i].value, NULL, rules[i].limit, rules[i].pass ? EXPLAIN_PASS : EXPLAIN_FAIL,
                        rules[i].note, err);
    return code;
}

/* The list on file may have been made by other rules than those that are explained here: then the two may disagree. */
static enum td_code explain_thresholds(struct td_app *app, const struct td_screen *screen, td_day day,
                                       struct td_sheet *sheet, struct td_err *err)
{
    char now[17], made[17], preset[16];
    if (td_watch_meta(app->lake, day, made, preset, NULL) != TD_OK)
        return TD_OK; /* no list of that day, or one that 'status --verify' has more to say about */
    td_screen_hash(screen, now);
    if (strcmp(now, made) == 0)
        return TD_OK;
    return explain_put(sheet, "thresholds", TD_NO_F64, made, now, EXPLAIN_INFO,
                    "the day's list was made by other rules than these; 'tapedeck universe build' makes it anew", err);
}

/* Membership by one of its parts alone. */
static enum explain_verdict verdict_of(const struct td_screen *screen, const char *part, const struct td_daily_row *row,
                                       const struct td_reference *reference)
{
    struct td_screen alone = *screen;
    if (strcmp(part, "types") != 0)
        alone.membership.types = "";
    if (strcmp(part, "exchanges") != 0)
        alone.membership.exchanges = "";
    if (strcmp(part, "test") != 0)
        alone.membership.drop_test_tickers = false;
    return td_screen_member(&alone, row->ticker, reference) ? EXPLAIN_PASS : EXPLAIN_FAIL;
}

/* Does the row pass all rules, and what membership knows of the ticker. */
static enum td_code explain_row(struct td_app *app, const struct td_daily_row *row, struct td_sheet *sheet,
                                struct td_err *err)
{
    struct td_screen screen = command_screen(app);
    struct td_ticker_row listing = {0};
    struct td_watch_row watch;
    bool known;
    enum td_code code = find_reference(app->lake, row->ticker, row->trading_day, &listing, &known, err);
    const struct td_reference reference = {.type = known && *listing.type ? listing.type : NULL,
                                           .exchange = known && *listing.exchange ? listing.exchange : NULL,
                                           .test_ticker = -1};
    bool listed = td_screen_row(&screen, row, &reference, &watch), rich = listed && watch.info_rich == 1;
    bool suspect = td_flags_parse(row->flags) & TD_FLAG(SPLIT_SUSPECT), of_day = row->bars_from && strcmp(row->bars_from, "day") == 0;
    const struct {
        const char *rule;
        double value;
        const char *text, *threshold;
        enum explain_verdict verdict;
        const char *note;
    } facts[] = {
        {"type", TD_NO_F64, reference.type, screen.membership.types, verdict_of(&screen, "types", row, &reference),
         reference.type ? "of the listing that was alive" : "unknown: membership.type_unknown decides"},
        {"exchange", TD_NO_F64, reference.exchange, screen.membership.exchanges, verdict_of(&screen, "exchanges", row, &reference),
         reference.exchange ? "primary exchange" : "unknown: membership.type_unknown decides"},
        {"test_ticker", TD_NO_F64, td_is_test_ticker(row->ticker) ? "true" : "false", screen.membership.drop_test_tickers ? "false" : "any",
         verdict_of(&screen, "test", row, &reference), "symbols that exchanges set aside for testing"},
        {"split_suspect", TD_NO_F64, suspect ? "true" : "false", screen.membership.drop_split_suspect ? "false" : "any",
         suspect && screen.membership.drop_split_suspect ? EXPLAIN_FAIL : EXPLAIN_PASS,
         "a jump near n:1 that no known split and no trading explain"},
        {"flags", TD_NO_F64, row->flags, NULL, EXPLAIN_INFO, "what to know about the row"},
        {"session_rows", row->session_rows == UINT32_MAX ? TD_NO_F64 : row->session_rows, NULL, NULL, EXPLAIN_INFO,
         "regular minutes with a bar"},
        {"close_src", TD_NO_F64, row->close_src, NULL, EXPLAIN_INFO, of_day ? "row from a daily bar" : "row from minute bars"},
        {"listed", TD_NO_F64, listed ? "true" : "false", NULL, listed ? EXPLAIN_PASS : EXPLAIN_FAIL,
         "membership, price band, cap and split rules"},
        {"info_rich", TD_NO_F64, rich ? "true" : "false", NULL, rich ? EXPLAIN_PASS : EXPLAIN_FAIL, "all rules together"},
    };
    if (code == TD_OK)
        code = explain_rules(&screen, row, sheet, err);
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(facts); i++)
        code = explain_put(sheet, facts[i].rule, facts[i].value, facts[i].text, facts[i].threshold, facts[i].verdict,
                        facts[i].note, err);
    return code == TD_OK ? explain_thresholds(app, &screen, row->trading_day, sheet, err) : code;
}

static enum td_code run_explain(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"rule", "value", "text", "threshold", "verdict", "note"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_F64, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR};
    const char *ticker = td_args_text(args, "ticker");
    td_day day = td_args_day(args, "date");
    struct td_rows daily = {0};
    struct td_sheet sheet = {0};
    const struct td_daily_row *row = NULL;
    enum td_code code = command_universe_config(app, args, err);
    if (code == TD_OK)
        code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = td_cache_read(app->lake, ticker, &daily, err);
    if (code == TD_MISSING)
        return td_fail(
            err, TD_MISSING,
            "%s: no daily cache of this ticker (case matters); see 'tapedeck status', or run 'tapedeck cache build'",
            ticker);
    for (size_t i = 0; code == TD_OK && i < daily.count; i++)
        if (((const struct td_daily_row *)daily.items)[i].trading_day == day)
            row = (const struct td_daily_row *)daily.items + i;
    if (code == TD_OK && !row)
        code = td_fail(err, TD_MISSING, "%s: no row of %s in the cache: %s", ticker, td_args_text(args, "date"),
                       td_cal_index(day) < 0 ? "that day is no session"
                                             : "it did not trade, or its bars were never fetched");
    if (code == TD_OK)
        code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    if (code == TD_OK)
        code = explain_row(app, row, &sheet, err);
    if (code == TD_OK)
        code = explain_window(daily.items, (size_t)(row - (const struct td_daily_row *)daily.items), &sheet, err);
    if (code == TD_OK)
        code = explain_day(app->lake, row, &sheet, err);
    if (code == TD_OK)
        code = command_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    td_rows_free(&daily);
    return code;
}

static const struct td_arg_def explain_args[] = {
    ARG("ticker", .positional = true, .required = true, .type = TD_ARG_TICKER, .metavar = "TICKER",
        .help = "case matters"),
    ARG("date", .positional = true, .required = true, .type = TD_ARG_DATE, .metavar = "DATE", .help = "session"),
    ARG("universe-config", .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "thresholds and membership over those of universe.yaml"),
};
const struct td_command explain_commands[] = {
    {.name = "universe explain",
     .group = "screen",
     .summary = "why a ticker is on a day's list: each rule, value and threshold, and the bars behind it",
     .args = explain_args,
     .arg_count = TD_COUNT(explain_args),
     .run = run_explain,
     .help = "First the rules and membership, each with its verdict; then the rows whose volumes make the window of rvol30, "
             "in shares of\n"
             "the day; then the bars of the day by phase, and the file they are in.\n\n"
             "  tapedeck universe explain APPS 2025-02-06"},
};
const size_t explain_command_count = TD_COUNT(explain_commands);
