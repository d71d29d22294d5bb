/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands about trust: coverage, what the lake knows of every session, and how the holes are filled. */
#include <stdio.h>
#include <string.h>
#include "command_internal.h"

#define PLAN_LINE_MAX 4000 /* bytes of one command line of a plan */
#define HOLES_SHOWN 20     /* below the map of a table */
#define MAP_LEAD 12        /* columns before the first month */

static struct td_cell text_cell(const char *text)
{
    return (struct td_cell){.kind = text && *text ? TD_KIND_STR : TD_KIND_NULL, .v.s = td_str_of(text ? text : "")};
}

static struct td_cell day_cell(td_day day)
{
    return (struct td_cell){.kind = day == TD_NO_DAY ? TD_KIND_NULL : TD_KIND_DAY, .v.i = day};
}

static struct td_cell count_cell(uint64_t count)
{
    return (struct td_cell){.kind = TD_KIND_U64, .v.u = count};
}

/* ---- coverage: the map for people ---- */

static enum td_code put_years(const struct td_coverage *map, size_t from, size_t to, struct td_out *out, struct td_err *err)
{
    struct td_buf line;
    td_buf_init(&line, 1 << 16);
    td_buf_printf(&line, "%-*s", MAP_LEAD, "");
    for (size_t m = from; m < to;) { /* a year where there is room for it, from January or the first column on */
        int32_t month = map->month + (int32_t)m;
        size_t left = (size_t)(12 - month % 12);
        left = left < to - m ? left : to - m;
        char year[16];
        td_snprintf(year, sizeof year, "%04d", month / 12);
        const char *shown = left > 4 || (left == 4 && m + left == to) ? year : left > 2 ? year + 2 : "";
        td_buf_printf(&line, "%-*s", (int)left, shown);
        m += left;
    }
    td_buf_printf(&line, "\n%-*s", MAP_LEAD, "TICKER");
    for (size_t m = from; m < to; m++)
        td_buf_addc(&line, "JFMAMJJASOND"[(map->month + (int32_t)m) % 12]);
    td_buf_adds(&line, "  UNKNOWN\n");
    enum td_code code = td_buf_check(&line, "the head of the map", err);
    if (code == TD_OK)
        code = td_out_text(out, line.data, err);
    td_buf_free(&line);
    return code;
}

static enum td_code put_map_row(const struct td_coverage *map, size_t ticker, size_t from, size_t to, struct td_out *out,
                                struct td_err *err)
{
    struct td_buf line;
    unsigned unknown = 0;
    td_buf_init(&line, 1 << 16);
    td_buf_printf(&line, "%-*s", MAP_LEAD, map->tickers.items[ticker]);
    for (size_t m = from; m < to; m++) {
        const struct td_coverage_counts n = td_coverage_count(map, ticker, m);
        td_buf_addc(&line, td_coverage_glyph(&n));
        unknown += n.unknown;
    }
    td_buf_printf(&line, "  %7u\n", unknown);
    enum td_code code = td_buf_check(&line, "a row of the map", err);
    if (code == TD_OK)
        code = td_out_text(out, line.data, err);
    td_buf_free(&line);
    return code;
}

/* Blocks of as many months as the terminal is wide. */
static enum td_code put_map(const struct td_coverage *map, struct td_out *out, struct td_err *err)
{
    size_t room = out->width > MAP_LEAD + 22 ? (size_t)out->width - MAP_LEAD - 10 : out->width ? 12 : map->months;
    enum td_code code = TD_OK;
    for (size_t from = 0; code == TD_OK && from < map->months; from += room) {
        size_t to = map->months - from < room ? map->months : from + room;
        code = put_years(map, from, to, out, err);
        for (size_t i = 0; code == TD_OK && i < map->tickers.count; i++)
            code = put_map_row(map, i, from, to, out, err);
    }
    return code;
}

static enum td_code put_holes(const struct td_coverage *map, struct td_out *out, struct td_err *err)
{
    size_t holes = 0;
    struct td_buf command;
    td_buf_init(&command, 1024);
    enum td_code code = TD_OK;
    for (size_t m = map->months; code == TD_OK && m-- > 0;) /* the newest first */
        for (size_t i = 0; code == TD_OK && i < map->tickers.count; i++) {
            const struct td_coverage_counts n = td_coverage_count(map, i, m);
            const char *why;
            if (!n.unknown || ++holes > HOLES_SHOWN)
                continue;
            td_coverage_command(map, i, m, &command, &why);
            code = td_out_printf(out, err, "%s  %2u unknown  tapedeck %s%s%s\n", holes == 1 ? "\nholes" : "     ", n.unknown,
                                 command.data, *why ? "   # " : "", why);
        }
    td_buf_free(&command);
    if (code == TD_OK && holes > HOLES_SHOWN)
        code = td_out_printf(out, err, "       and %zu more: 'tapedeck coverage -t %s --plan' merges them into few commands\n",
                             holes - HOLES_SHOWN, td_table_name(map->table));
    return code;
}

static enum td_code coverage_table(const struct td_coverage *map, struct td_out *out, struct td_err *err)
{
    char from[16], to[16], over[16];
    td_format_day(map->from, from);
    td_format_day(map->to, to);
    td_format_day(map->over, over);
    enum td_code code = td_out_printf(
        out, err, "%s  %s..%s  %zu tickers: %llu sessions, %llu traded, %llu known empty, %llu unknown\n", td_table_name(map->table),
        from, to, map->tickers.count, (unsigned long long)map->sessions, (unsigned long long)map->traded,
        (unsigned long long)map->empty, (unsigned long long)map->unknown);
    if (code == TD_OK)
        code = td_out_text(out, "# all known   o known, no trade   1-9 tenths known   . nothing known   blank not listed\n\n", err);
    if (code == TD_OK)
        code = put_map(map, out, err);
    if (code == TD_OK)
        code = put_holes(map, out, err);
    if (code == TD_OK && map->to < map->over)
        code = td_out_printf(out, err, "\nSessions after %s are not looked at; the newest that is over is %s: -e %s\n", to, over, over);
    return code;
}

/* ---- coverage: cells and plan for programs ---- */

static enum td_code put_cell(const struct td_coverage *map, size_t ticker, size_t month, struct td_buf *command,
                             struct td_sheet *sheet, struct td_err *err)
{
    const struct td_coverage_counts n = td_coverage_count(map, ticker, month);
    const char *why;
    char name[16], glyph[2] = {td_coverage_glyph(&n), 0}, line[600] = "";
    int32_t m = map->month + (int32_t)month;
    td_snprintf(name, sizeof name, "%04d-%02d", m / 12, m % 12 + 1);
    td_coverage_command(map, ticker, month, command, &why);
    if (command->len)
        td_snprintf(line, sizeof line, "tapedeck %s", command->data);
    const struct td_cell cells[] = {text_cell(td_table_name(map->table)),
                                    text_cell(map->tickers.items[ticker]),
                                    text_cell(name),
                                    text_cell(glyph),
                                    count_cell(n.sessions),
                                    count_cell(n.traded),
                                    count_cell(n.empty),
                                    count_cell(n.unknown),
                                    day_cell(n.hole_from),
                                    day_cell(n.hole_to),
                                    text_cell(line),
                                    text_cell(why)};
    return td_sheet_row(sheet, cells, err);
}

static enum td_code coverage_cells(const struct td_coverage *map, bool holes_only, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"table",   "ticker",  "month", "glyph", "sessions", "traded",
                                        "empty",   "unknown", "from",  "to",    "command",  "note"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_U64, TD_KIND_U64,
                                         TD_KIND_U64, TD_KIND_U64, TD_KIND_DAY, TD_KIND_DAY, TD_KIND_STR, TD_KIND_STR};
    struct td_sheet sheet = {0};
    struct td_buf command;
    td_buf_init(&command, 1024);
    enum td_code code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    for (size_t i = 0; code == TD_OK && i < map->tickers.count; i++)
        for (size_t m = 0; code == TD_OK && m < map->months; m++) {
            const struct td_coverage_counts n = td_coverage_count(map, i, m);
            if (n.sessions && (n.unknown || !holes_only))
                code = put_cell(map, i, m, &command, &sheet, err);
        }
    if (code == TD_OK)
        code = command_sheet(&sheet, out, err);
    td_buf_free(&command);
    td_sheet_free(&sheet);
    return code;
}

static enum td_code plan_text(const struct td_coverage *map, const struct td_backfill_plan *plan, struct td_out *out,
                              struct td_err *err)
{
    enum td_code code = td_out_printf(out, err, "# %s: %llu unknown sessions, %zu commands, about %llu requests\n",
                                      td_table_name(map->table), (unsigned long long)plan->unknown, plan->count,
                                      (unsigned long long)plan->requests);
    for (size_t i = 0; code == TD_OK && i < plan->count; i++) {
        const struct td_backfill *item = &plan->items[i];
        code = td_out_printf(out, err, "# %zu tickers, %llu sessions, about %llu requests\n", item->tickers,
                             (unsigned long long)item->unknown, (unsigned long long)item->requests);
        if (code == TD_OK)
            code = td_out_text(out, "tapedeck ", err);
        if (code == TD_OK)
            code = td_out_text(out, item->command, err);
        if (code == TD_OK)
            code = td_out_text(out, "\n", err);
    }
    return code;
}

static enum td_code plan_sheet(const struct td_backfill_plan *plan, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"from", "to", "tickers", "unknown", "requests", "command"};
    static const enum td_kind kinds[] = {TD_KIND_DAY, TD_KIND_DAY, TD_KIND_U64, TD_KIND_U64, TD_KIND_U64, TD_KIND_STR};
    struct td_sheet sheet = {0};
    struct td_buf line;
    td_buf_init(&line, 1 << 20);
    enum td_code code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    for (size_t i = 0; code == TD_OK && i < plan->count; i++) {
        const struct td_backfill *item = &plan->items[i];
        td_buf_clear(&line);
        td_buf_printf(&line, "tapedeck %s", item->command);
        const struct td_cell cells[] = {day_cell(item->from),      day_cell(item->to),         count_cell(item->tickers),
                                        count_cell(item->unknown), count_cell(item->requests), text_cell(line.data)};
        code = td_buf_check(&line, "a command line", err);
        if (code == TD_OK)
            code = td_sheet_row(&sheet, cells, err);
    }
    if (code == TD_OK)
        code = command_sheet(&sheet, out, err);
    td_buf_free(&line);
    td_sheet_free(&sheet);
    return code;
}

static enum td_code coverage_plan(struct td_app *app, const struct td_coverage *map, struct td_out *out, struct td_err *err)
{
    struct td_backfill_plan plan;
    enum td_code code = td_coverage_plan(map, PLAN_LINE_MAX, &plan, err);
    if (code != TD_OK)
        return code;
    code = out->format == TD_FORMAT_TABLE ? plan_text(map, &plan, out, err) : plan_sheet(&plan, out, err);
    if (plan.other)
        command_notice(app, "%llu holes are filled by no ingest, since their months were imported or cannot be read; "
                       "'tapedeck coverage -t %s --holes --format csv' says what fills each", (unsigned long long)plan.other,
                       td_table_name(map->table));
    td_backfill_free(&plan);
    return code;
}

static bool interrupted(void *ctx)
{
    struct td_app *app = ctx;
    return !app->interactive && app->interrupted && app->interrupted(app->interrupted_ctx, 0); /* the deck reads its own signals */
}

static enum td_code run_coverage(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_coverage map = {0};
    struct td_names tickers = {0};
    struct td_coverage_options options = {.from = td_args_day(args, "from"), .to = td_args_day(args, "to"), .stopped = interrupted, .ctx = app};
    (void)td_table_parse(td_args_text(args, "table"), &options.table);
    if (options.from != TD_NO_DAY && options.to != TD_NO_DAY && options.to < options.from)
        return td_fail(err, TD_USAGE, "coverage: the range ends before it begins");
    enum td_code code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = command_tickers(args, &tickers, err);
    options.tickers = (const char *const *)tickers.items;
    options.ticker_count = tickers.count;
    if (code == TD_OK)
        code = td_coverage_read(app->lake, &options, &map, err);
    if (code == TD_OK && td_args_flag(args, "plan"))
        code = coverage_plan(app, &map, out, err);
    else if (code == TD_OK && out->format == TD_FORMAT_TABLE && !td_args_flag(args, "holes"))
        code = coverage_table(&map, out, err);
    else if (code == TD_OK)
        code = coverage_cells(&map, td_args_flag(args, "holes"), out, err);
    td_coverage_free(&map);
    td_names_free(&tickers);
    return code;
}

static const struct td_arg_def coverage_args[] = {
    ARG("table", .aliases = "t", .type = TD_ARG_CHOICE, .choices = "stocks_minute|stocks_daily", .value = "stocks_minute",
        .metavar = "TABLE", .help = "bars to look at"),
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "first session (default: the oldest the table knows)"),
    ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "last session, inclusive (default: the newest the table knows)"),
    ARG("tickers", .type = TD_ARG_TEXT, .metavar = "A,B,...", .help = "tickers to look at (default: every one of the table)"),
    ARG("tickers-file", .type = TD_ARG_FILE, .metavar = "FILE", .help = "tickers, one a line"),
    ARG("holes", .type = TD_ARG_FLAG, .help = "only months with unknown sessions, one a row"),
    ARG("plan", .type = TD_ARG_FLAG, .help = "the commands that fill all holes, merged, the newest sessions first"),
};
const struct td_command trust_commands[] = {
    {.name = "coverage",
     .group = "house",
     .summary = "which sessions are known, ticker by month, and how to fill the holes",
     .args = coverage_args,
     .arg_count = TD_COUNT(coverage_args),
     .run = run_coverage,
     .help = "Each session of a ticker's life (listing to delisting where 'ingest -t tickers' brought them, else the whole "
             "range) is\ntraded (bronze has bars), known empty (bronze vouches for it and has none) or unknown (never fetched, or "
             "not to its\nend). Only the unknown are holes. Every month with one names the command that fills it; --plan merges\n"
             "them, with an estimate of the requests (one a ticker-month of minutes or ticker-year of daily bars).\n\n"
             "  tapedeck coverage\n  tapedeck coverage -t stocks_daily -s 2025-01-01 --format csv\n"
             "  tapedeck coverage --plan"},
};
const size_t trust_command_count = TD_COUNT(trust_commands);
