/* SPDX-License-Identifier: GPL-3.0-or-later
 * outcome: what happened after listed days. A table of its own: nothing of it ever stands beside what was known on the day. */
#include <stdlib.h>
#include <string.h>
#include "command_internal.h"

struct pick { /* a listed day */
    char ticker[TD_TICKER_MAX];
    td_day day;
};
struct picks {
    struct pick *items;
    size_t count, cap;
};
struct outcomes {
    struct td_outcome_row *rows;
    size_t count, cap;
};

static int compare_picks(const void *a, const void *b)
{
    const struct pick *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    return order ? order : (x->day > y->day) - (x->day < y->day);
}

static int by_day(const void *a, const void *b)
{
    const struct td_outcome_row *x = a, *y = b;
    return x->trading_day != y->trading_day ? (x->trading_day > y->trading_day) - (x->trading_day < y->trading_day)
                                            : strcmp(x->ticker, y->ticker);
}

static bool wanted(const struct td_names *tickers, const char *ticker)
{
    for (size_t i = 0; i < tickers->count; i++)
        if (strcmp(tickers->items[i], ticker) == 0)
            return true;
    return tickers->count == 0;
}

/* The filter sees the columns of the watchlist alone: what was known after the day, nothing later. */
static enum td_code pick_day(const struct td_lake *lake, td_day day, bool all, const char *expression, const struct td_names *tickers,
                             struct picks *out, struct td_err *err)
{
    struct td_rows list = {0};
    struct td_record_model model = {0};
    struct td_filter *filter = NULL;
    enum td_code code = td_watch_read(lake, day, &list, NULL, err);
    if (code == TD_OK)
        code = td_record_model_init(&model, &td_watch_record, list.items, list.count, err);
    if (code == TD_OK && expression)
        code = td_filter_parse(expression, &model.model, &filter, err);
    const struct td_watch_row *rows = list.items;
    for (size_t i = 0; code == TD_OK && i < list.count; i++) {
        bool partial = td_flags_parse(rows[i].flags) & TD_FLAG(PARTIAL_SESSION);
        if ((!all && rows[i].info_rich != 1) || partial || !wanted(tickers, rows[i].ticker) ||
            (filter && !td_filter_match(filter, &model.model, i)))
            continue;
        code = td_grow(&out->items, &out->cap, out->count + 1, sizeof *out->items, err);
        if (code != TD_OK)
            break;
        struct pick *pick = &out->items[out->count++];
        memcpy(pick->ticker, rows[i].ticker, sizeof pick->ticker);
        pick->day = day;
    }
    td_filter_free(filter);
    td_record_model_free(&model);
    td_rows_free(&list);
    return code;
}

static enum td_code gather_picks(struct td_app *app, const struct td_args *args, struct picks *out, struct td_err *err)
{
    struct td_days built = {0};
    struct td_names tickers = {0};
    td_day from = td_args_day(args, "from"), to = td_args_day(args, "to");
    bool all = strcmp(td_args_text(args, "rows"), "all") == 0;
    size_t looked = 0;
    enum td_code code = command_tickers(args, &tickers, err);
    if (code == TD_OK)
        code = td_watch_days(app->lake, &built, err);
    if (code == TD_OK && built.count == 0)
        code = td_fail(err, TD_MISSING, "no watchlist in %s; run 'tapedeck cache build' and 'tapedeck universe build'", app->lake_root);
    for (size_t i = 0; code == TD_OK && i < built.count; i++) {
        if (built.items[i] < from || (to != TD_NO_DAY && built.items[i] > to))
            continue;
        looked++;
        code = pick_day(app->lake, built.items[i], all, td_args_text(args, "filter"), &tickers, out, err);
    }
    if (code == TD_OK && looked == 0) {
        char first[16], last[16];
        td_format_day(built.items[0], first);
        td_format_day(built.items[built.count - 1], last);
        code = td_fail(err, TD_MISSING, "no watchlist lies in the range; there are lists of %s..%s", first, last);
    }
    if (code == TD_OK && out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, compare_picks);
    td_days_free(&built);
    td_names_free(&tickers);
    return code;
}

/* picks[from..to) are days of one ticker, ascending: its cache is read once. */
static enum td_code follow_ticker(const struct td_lake *lake, const struct pick *picks, size_t from, size_t to, struct outcomes *out,
                                  struct td_err *err)
{
    struct td_rows daily = {0};
    enum td_code code = td_cache_read(lake, picks[from].ticker, &daily, err);
    if (code == TD_MISSING || code == TD_DATA)
        td_context(err, "watchlists and cache disagree, run 'tapedeck cache build' and 'tapedeck universe build'");
    if (code == TD_OK)
        code = td_grow(&out->rows, &out->cap, out->count + (to - from), sizeof *out->rows, err);
    const struct td_daily_row *rows = daily.items;
    for (size_t at = 0; code == TD_OK && from < to; from++) {
        while (at < daily.count && rows[at].trading_day < picks[from].day)
            at++;
        if (at < daily.count && rows[at].trading_day == picks[from].day)
            td_outcome(rows, daily.count, at, &out->rows[out->count++]);
    }
    td_rows_free(&daily);
    return code;
}

static enum td_code follow_picks(const struct td_lake *lake, const struct picks *picks, struct outcomes *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0, next; code == TD_OK && i < picks->count; i = next) {
        for (next = i + 1; next < picks->count && strcmp(picks->items[next].ticker, picks->items[i].ticker) == 0;)
            next++;
        code = follow_ticker(lake, picks->items, i, next, out, err);
    }
    return code;
}

static enum td_code show(const struct td_record *record, const void *rows, size_t count, struct td_out *out, struct td_err *err)
{
    struct td_record_model model = {0};
    enum td_code code = td_record_model_init(&model, record, rows, count, err);
    if (code == TD_OK)
        code = td_out_model(out, &model.model, NULL, 0, err);
    td_record_model_free(&model);
    return code;
}

static enum td_code show_stats(const struct outcomes *outcomes, struct td_out *out, struct td_err *err)
{
    struct td_outcome_stats_row *stats = td_calloc(outcomes->count + 1, sizeof *stats);
    size_t count = 0;
    enum td_code code = stats ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: statistics of %zu days", outcomes->count);
    for (size_t i = 0, next; code == TD_OK && i < outcomes->count; i = next) {
        for (next = i + 1; next < outcomes->count && strcmp(outcomes->rows[next].ticker, outcomes->rows[i].ticker) == 0;)
            next++;
        code = td_outcome_stats(outcomes->rows + i, next - i, &stats[count++], err);
    }
    if (code == TD_OK)
        code = show(&td_outcome_stats_record, stats, count, out, err);
    td_free(stats);
    return code;
}

static enum td_code run_outcome(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct picks picks = {0};
    struct outcomes outcomes = {0};
    enum td_code code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = gather_picks(app, args, &picks, err);
    if (code == TD_OK)
        code = follow_picks(app->lake, &picks, &outcomes, err);
    if (code == TD_OK && out->format == TD_FORMAT_TABLE)
        code = td_out_printf(out, err, "after %zu listed days (every column looks ahead; none was known on the day)\n", outcomes.count);
    if (code == TD_OK && td_args_flag(args, "stats"))
        code = show_stats(&outcomes, out, err);
    else if (code == TD_OK) {
        if (outcomes.count > 1)
            qsort(outcomes.rows, outcomes.count, sizeof *outcomes.rows, by_day);
        code = show(&td_outcome_record, outcomes.rows, outcomes.count, out, err);
    }
    td_free(picks.items);
    td_free(outcomes.rows);
    return code;
}

static const struct td_arg_def outcome_args[] = {
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first listed day (default: all)"),
    ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last listed day, inclusive"),
    ARG("tickers", .type = TD_ARG_TEXT, .metavar = "A,B,...", .help = "only these tickers"),
    ARG("tickers-file", .type = TD_ARG_FILE, .metavar = "FILE", .help = "tickers, one a line"),
    ARG("rows", .type = TD_ARG_CHOICE, .choices = "info-rich|all", .value = "info-rich", .metavar = "ROWS",
        .help = "days that hold all rules, or every row of the lists"),
    ARG("filter", .type = TD_ARG_FILTER, .metavar = "EXPR", .help = "days to follow, by columns of the watchlist"),
    ARG("stats", .type = TD_ARG_FLAG, .help = "one row a ticker: how often the move went on or faded, mean and median returns"),
};
const struct td_command outcome_commands[] = {
    {.name = "outcome",
     .group = "look",
     .summary = "what happened after listed days: it looks ahead",
     .args = outcome_args,
     .arg_count = TD_COUNT(outcome_args),
     .run = run_outcome,
     .help = "Every column looks ahead of the listed day and is in no watchlist, screen or ranking: use it to judge a rule, never "
             "as its\ninput. gap_next, high_next, low_next, return_next: the next exchange session's open, high, low and close over "
             "close_d,\nminus 1, splits in between taken out; return_5: the close of the fifth session after. Null where that "
             "session is not in\nthe cache yet or the ticker did not trade, and behind a new listing or a suspected split.\n"
             "--stats: continued = share of days whose next return has the sign of the day's change; faded = share whose next\n"
             "session closed below its open.\n\n"
             "  tapedeck outcome -s 2025-11-03\n  tapedeck outcome --filter 'rvol30 > 5 and close_d < 5' --format csv\n"
             "  tapedeck outcome --stats"},
};
const size_t outcome_command_count = TD_COUNT(outcome_commands);
