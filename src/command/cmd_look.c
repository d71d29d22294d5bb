/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands to look: watchlist, candles, chart. */
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include "command_internal.h"

#define MAX_COLUMNS 256

/* ---- watchlist ---- */

static enum td_code choose_day(struct td_app *app, td_day wanted, td_day *day, struct td_err *err)
{
    struct td_days built = {0};
    enum td_code code = td_watch_days(app->lake, &built, err);
    if (code == TD_OK && built.count == 0)
        code = td_fail(err, TD_MISSING, "no watchlist in %s; run 'tapedeck cache build' and 'tapedeck universe build'",
                       app->lake_root);
    td_day nearest = TD_NO_DAY;
    for (size_t i = 0; code == TD_OK && i < built.count; i++) {
        int64_t gap = (int64_t)built.items[i] - wanted, best = (int64_t)nearest - wanted;
        if (nearest == TD_NO_DAY || (gap < 0 ? -gap : gap) < (best < 0 ? -best : best))
            nearest = built.items[i];
    }
    if (code == TD_OK)
        *day = wanted == TD_NO_DAY ? built.items[built.count - 1] : nearest;
    if (code == TD_OK && wanted != TD_NO_DAY && *day != wanted) {
        char asked[16], have[16];
        td_format_day(wanted, asked);
        td_format_day(*day, have);
        code = td_fail(err, TD_MISSING, "no watchlist of %s%s; the nearest is %s", asked,
                       td_cal_index(wanted) < 0 ? " (no session)" : "", have);
    }
    td_days_free(&built);
    return code;
}

/* The headline comes once nothing is left to refuse: an error never stands below half a result. */
static enum td_code show_model(const struct td_model *source, const struct td_args *args, const char *headline,
                               struct td_out *out, struct td_err *err)
{
    struct td_selection selection = {0};
    struct td_filter *filter = NULL;
    size_t map[MAX_COLUMNS], count = 0;
    const char *columns = td_args_text(args, "columns"), *expression = td_args_text(args, "filter"),
               *sort = td_args_text(args, "sort");
    int64_t top = td_args_int(args, "top", -1);
    enum td_code code = td_selection_all(&selection, source->rows, err);
    if (code == TD_OK && expression)
        code = td_filter_parse(expression, source, &filter, err);
    if (code == TD_OK && filter)
        code = td_filter_apply(filter, source, &selection, err);
    if (code == TD_OK && sort)
        code = td_view_sort(source, sort, &selection, err);
    if (code == TD_OK && columns)
        code = td_view_select(source, columns, map, MAX_COLUMNS, &count, err);
    if (code == TD_OK && out->format == TD_FORMAT_TABLE)
        code = td_out_text(out, headline, err);
    if (code == TD_OK) {
        struct td_model shown = *source;
        shown.order = selection.rows;
        shown.rows = top >= 0 && (size_t)top < selection.count ? (size_t)top : selection.count;
        code = td_out_model(out, &shown, columns ? map : NULL, count, err);
    }
    td_filter_free(filter);
    td_selection_free(&selection);
    return code;
}

static enum td_code run_watchlist(struct td_app *app, const struct td_args *args, struct td_out *out,
                                  struct td_err *err)
{
    td_day day = td_args_day(args, "date");
    struct td_rows rows = {0};
    struct td_record_model model = {0};
    enum td_code code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = choose_day(app, day, &day, err);
    if (code == TD_OK && app->interactive) {
        app->goto_day = day;
        td_copy(app->want_sort, sizeof app->want_sort, td_args_given(args, "sort") ? td_args_text(args, "sort") : "");
        td_copy(app->want_filter, sizeof app->want_filter,
                td_args_given(args, "filter") ? td_args_text(args, "filter") : "");
        return TD_OK;
    }
    if (code == TD_OK)
        code = td_watch_read(app->lake, day, &rows, NULL, err);
    if (code != TD_OK)
        return code;
    char text[16], headline[128];
    td_format_day(day, text);
    td_snprintf(headline, sizeof headline, "info-rich scan of %s: %zu listed (known only after that day)\n", text,
                rows.count);
    code = td_record_model_init(&model, &td_watch_record, rows.items, rows.count, err);
    if (code == TD_OK)
        code = show_model(&model.model, args, headline, out, err);
    td_record_model_free(&model);
    td_rows_free(&rows);
    return code;
}

/* ---- candles ---- */

enum td_code command_candle_options(const struct td_args *args, struct td_candle_options *out, struct td_err *err)
{
    const char *hours = td_args_text(args, "hours"), *anchor = td_args_text(args, "anchor"),
               *tf = td_args_text(args, "tf");
    *out = (struct td_candle_options){0};
    if (!td_tf_parse(tf, &out->tf))
        return td_fail(err, TD_USAGE, "--tf '%s': one of 1m, 5m, 15m, 30m, 1h, 4h, 1d is needed", tf);
    out->hours = strcmp(hours, "all") == 0 || strcmp(hours, "eth") == 0 ? TD_HOURS_ALL : TD_HOURS_REGULAR;
    out->anchor = strcmp(anchor, "clock") == 0 ? TD_ANCHOR_CLOCK : TD_ANCHOR_SESSION;
    out->calendar = strcmp(td_args_text(args, "calendar"), "on") == 0;
    return TD_OK;
}

static enum td_code show_candles(const char *ticker, const struct td_candle *candles, size_t count, struct td_out *out,
                                 struct td_err *err)
{
    struct td_view_column columns[32] = {{"ticker", TD_KIND_STR}};
    struct td_cell cells[32];
    struct td_out_stream stream;
    size_t n = td_candle_record.count;
    for (size_t k = 0; k < n; k++)
        columns[k + 1] =
            (struct td_view_column){td_candle_record.fields[k].name, td_field_cell_kind(&td_candle_record.fields[k])};
    enum td_code code = td_out_begin(&stream, out, columns, n + 1, err);
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        cells[0] = (struct td_cell){.kind = TD_KIND_STR, .v.s = td_str_of(ticker)};
        for (size_t k = 0; k < n; k++)
            cells[k + 1] = td_record_cell(&td_candle_record.fields[k], &candles[i]);
        code = td_out_row(&stream, cells, err);
    }
    enum td_code ended = td_out_end(&stream, code == TD_OK ? err : NULL);
    return code == TD_OK ? ended : code;
}

/* The newest candle is still growing when its bucket ends after now. */
static void mark_partial(struct td_candles *candles, enum td_tf tf)
{
    for (size_t i = 0; i < candles->n; i++)
        candles->items[i].partial = 0;
    if (candles->n) {
        struct td_candle *last = &candles->items[candles->n - 1];
        last->partial = last->ts + (int64_t)td_tf_minutes(tf) * TD_MS_MINUTE > td_now_ms();
    }
}

static enum td_code load_candles(struct td_app *app, const struct td_args *args, struct td_candles *out, enum td_tf *tf,
                                 struct td_err *err)
{
    struct td_candle_options options;
    enum td_code code = command_candle_options(args, &options, err);
    if (code == TD_OK)
        code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = td_lake_candles(app->lake, td_args_text(args, "ticker"), td_args_day(args, "from"),
                               td_args_day(args, "to"), &options, out, err);
    *tf = options.tf;
    if (code == TD_OK)
        mark_partial(out, options.tf);
    return code;
}

static enum td_code run_candles(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_candles candles = {0};
    enum td_tf tf = TD_TF_5M;
    enum td_code code = load_candles(app, args, &candles, &tf, err);
    int64_t limit = td_args_int(args, "limit", -1);
    size_t n = limit >= 0 && (size_t)limit < candles.n ? (size_t)limit : candles.n;
    if (code == TD_OK && app->interactive) {
        td_copy(app->goto_ticker, sizeof app->goto_ticker, td_args_text(args, "ticker"));
        td_copy(app->want_tf, sizeof app->want_tf, td_tf_name(tf));
    } else if (code == TD_OK) {
        code = show_candles(td_args_text(args, "ticker"), candles.items + (candles.n - n), n, out, err);
    }
    td_candles_free(&candles);
    return code;
}

/* ---- chart ---- */

static enum td_code draw_chart(const struct td_args *args, const struct td_candles *candles, enum td_tf tf, int width,
                               int height, enum td_tier tier, struct td_out *out, struct td_err *err)
{
    char title[64];
    struct td_grid grid = {0};
    struct td_buf text;
    td_buf_init(&text, (size_t)16 << 20);
    td_snprintf(title, sizeof title, "%s  %s", td_args_text(args, "ticker"), td_tf_name(tf));
    struct td_chart chart = {.title = title,
                             .candles = candles->items,
                             .n = candles->n,
                             .cursor = -1,
                             .tf = tf,
                             .tier = tier,
                             .volume = true};
    size_t fit = td_chart_visible(&chart, width);
    chart.first = candles->n > fit ? candles->n - fit : 0;
    enum td_code code = td_grid_init(&grid, height, width, err);
    if (code == TD_OK)
        code = td_chart_draw(&chart, &grid, 0, 0, height, width, err);
    if (code == TD_OK) {
        td_grid_dump(&grid, &text);
        code = td_buf_check(&text, "a chart", err);
    }
    if (code == TD_OK)
        code = td_out_text(out, text.data ? text.data : "", err);
    td_buf_free(&text);
    td_grid_free(&grid);
    return code;
}

/* --glyphs, else the configuration; "auto" draws with what the locale can show. */
static enum td_code choose_tier(const struct td_app *app, const struct td_args *args, enum td_tier *tier,
                                struct td_err *err)
{
    const char *given = td_args_text(args, "glyphs"), *glyphs = given ? given : td_conf_text(app->conf, "ui.glyphs");
    if (strcmp(glyphs, "auto") == 0) {
        *tier = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? TD_TIER_BLOCK : TD_TIER_ASCII;
        return TD_OK;
    }
    return td_tier_parse(glyphs, tier)
               ? TD_OK
               : td_fail(err, TD_USAGE, "chart: --glyphs '%s': one of ascii, block, braille is needed", glyphs);
}

static enum td_code run_chart(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_candles candles = {0};
    enum td_tf tf = TD_TF_5M;
    enum td_tier tier;
    int64_t width = td_args_int(args, "width", out->width ? out->width : 100), height = td_args_int(args, "height", 24);
    if (width < 1 || width > 1000 || height < 1 || height > 1000)
        return td_fail(err, TD_USAGE, "chart: --width and --height: 1 to 1000");
    enum td_code code = choose_tier(app, args, &tier, err);
    if (code == TD_OK)
        code = load_candles(app, args, &candles, &tf, err);
    if (code == TD_OK && app->interactive) {
        td_copy(app->goto_ticker, sizeof app->goto_ticker, td_args_text(args, "ticker"));
        td_copy(app->want_tf, sizeof app->want_tf, td_tf_name(tf));
    } else if (code == TD_OK && out->format != TD_FORMAT_TABLE) {
        code = show_candles(td_args_text(args, "ticker"), candles.items, candles.n, out,
                            err); /* the numbers behind the picture */
    } else if (code == TD_OK) {
        code = draw_chart(args, &candles, tf, (int)width, (int)height, tier, out, err);
    }
    td_candles_free(&candles);
    return code;
}

/* ---- the table ---- */

#define CANDLE_ARGS                                                                                                    \
    ARG("ticker", .positional = true, .required = true, .type = TD_ARG_TICKER, .metavar = "TICKER",                    \
        .help = "case matters"),                                                                                       \
        ARG("tf", .type = TD_ARG_CHOICE, .choices = "1m|5m|15m|30m|1h|4h|1d", .value = "5m", .metavar = "TF",          \
            .help = "timeframe"),                                                                                      \
        ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first day"),                \
        ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last day, inclusive"),          \
        ARG("hours", .type = TD_ARG_CHOICE, .choices = "regular|all|rth|eth", .value = "regular", .metavar = "HOURS",  \
            .help = "market phases"),                                                                                  \
        ARG("anchor", .type = TD_ARG_CHOICE, .choices = "session|clock", .value = "session", .metavar = "ANCHOR",      \
            .help = "buckets from 09:30 (04:00 for all hours), or from midnight"),                                     \
        ARG("calendar", .type = TD_ARG_CHOICE, .choices = "on|off", .value = "on", .metavar = "ON",                    \
            .help = "on: regular ends at an early close")

static const struct td_arg_def watchlist_args[] = {
    ARG("date", .positional = true, .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "session (default: the newest in the lake)"),
    ARG("sort", .type = TD_ARG_COLUMN, .metavar = "COL[:asc]", .help = "order, for example rvol30 or ticker:asc"),
    ARG("filter", .type = TD_ARG_FILTER, .metavar = "EXPR",
        .help = "for example 'rvol30 > 3 and abs(pctchg_d) >= 0.2'"),
    ARG("top", .type = TD_ARG_INT, .metavar = "N", .help = "the first N rows only"),
    ARG("columns", .type = TD_ARG_COLUMNS, .metavar = "A,B", .help = "these columns, in this order"),
};
static const struct td_arg_def candles_args[] = {
    CANDLE_ARGS,
    ARG("limit", .type = TD_ARG_INT, .metavar = "N", .help = "the last N candles only"),
};
static const struct td_arg_def chart_args[] = {
    CANDLE_ARGS,
    ARG("width", .type = TD_ARG_INT, .metavar = "N", .help = "columns"),
    ARG("height", .type = TD_ARG_INT, .metavar = "N", .help = "rows (default 24)"),
    ARG("glyphs", .type = TD_ARG_CHOICE, .choices = "ascii|block|braille", .metavar = "TIER",
        .help = "characters to draw with (default: ui.glyphs, else block where the locale is UTF-8)"),
};

const struct td_command look_commands[] = {
    {.name = "watchlist",
     .aliases = "wl",
     .group = "look",
     .summary = "the info-rich scan of a session",
     .args = watchlist_args,
     .arg_count = TD_COUNT(watchlist_args),
     .run = run_watchlist,
     .help = "Without --filter every row of the file is shown: names that pass membership, price and cap; info_rich "
             "tells which\n"
             "pass all rules. A list for a day is known only after that day.\n\n"
             "  tapedeck watchlist\n  tapedeck watchlist 2025-02-06 --sort rvol30 --filter 'info_rich' --format csv"},
    {.name = "candles",
     .group = "look",
     .summary = "candles of a ticker as rows",
     .args = candles_args,
     .arg_count = TD_COUNT(candles_args),
     .run = run_candles,
     .help = "  tapedeck candles AAPL --tf 1h -s 2025-02-03 -e 2025-02-07 --format csv"},
    {.name = "chart",
     .group = "look",
     .summary = "candles of a ticker as a picture in text",
     .args = chart_args,
     .arg_count = TD_COUNT(chart_args),
     .run = run_chart,
     .help = "The newest candles that fit are drawn.\n\n  tapedeck chart APPS --tf 15m --width 100 --height 24"},
};
const size_t look_command_count = TD_COUNT(look_commands);
