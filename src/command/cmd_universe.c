/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands over the universe: build, topn, snapshots, events, try. */
#include <stdlib.h>
#include <string.h>
#include "command_internal.h"

static enum td_code universe(struct td_app *app, const struct td_args *args, bool rankings_only, struct td_out *out,
                             struct td_err *err)
{
    enum td_code code = command_universe_config(app, args, err);
    struct td_universe_job job = {.from = rankings_only ? TD_NO_DAY : td_args_day(args, "from"),
                                  .to = rankings_only ? TD_NO_DAY : td_args_day(args, "to"),
                                  .as_of = td_args_day(args, "as-of"),
                                  .screen = command_screen(app),
                                  .rankings_only = rankings_only,
                                  .incremental = !rankings_only && td_args_flag(args, "incremental"),
                                  .top_k = (unsigned)td_conf_int(app->universe, "processing.top_k")};
    int id = 0;
    if (code == TD_OK)
        code = td_app_engine(app, false, err);
    if (code == TD_OK)
        code = td_job_universe(app->engine, &job, &id, err);
    return code == TD_OK ? command_job(app, id, out, err) : code;
}

static enum td_code run_universe(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    return universe(app, args, false, out, err);
}

static enum td_code run_topn(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    return universe(app, args, true, out, err);
}

static enum td_code run_snapshots(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    enum td_code code = command_universe_config(app, args, err);
    const char *snap = td_args_text(args, "snap");
    int64_t k = td_args_int(args, "k", td_conf_int(app->universe, "processing.top_k"));
    const struct td_snapshot_job job = {.from = td_args_day(args, "from"),
                                        .to = td_args_day(args, "to"),
                                        .screen = command_screen(app),
                                        .monthly = strcmp(snap, "annual") != 0,
                                        .annual = strcmp(snap, "monthly") != 0,
                                        .k = (unsigned)k};
    int id = 0;
    if (code == TD_OK && (k < 1 || k > 1000000))
        code = td_fail(err, TD_USAGE, "--k %lld: a number from 1 to 1000000 is needed", (long long)k);
    if (code == TD_OK)
        code = td_app_engine(app, false, err);
    if (code == TD_OK)
        code = td_job_snapshots(app->engine, &job, &id, err);
    return code == TD_OK ? command_job(app, id, out, err) : code;
}

/* ---- events ---- */

struct events {
    struct td_event_row *rows;
    size_t count, cap;
    char thresholds[17], preset[16]; /* of the first list; the others must say the same */
};

static enum td_code take_events(struct events *events, const struct td_rows *list, const char *expression, struct td_err *err)
{
    struct td_record_model model = {0};
    struct td_filter *filter = NULL;
    const struct td_watch_row *rows = list->items;
    enum td_code code = td_record_model_init(&model, &td_watch_record, rows, list->count, err);
    if (code == TD_OK && expression)
        code = td_filter_parse(expression, &model.model, &filter, err);
    for (size_t i = 0; code == TD_OK && i < list->count; i++) {
        if (rows[i].info_rich != 1 || (filter && !td_filter_match(filter, &model.model, i)))
            continue;
        code = td_grow(&events->rows, &events->cap, events->count + 1, sizeof *events->rows, err);
        if (code != TD_OK)
            break;
        struct td_event_row *row = &events->rows[events->count++];
        *row = (struct td_event_row){.trading_day = rows[i].trading_day, .rvol30 = rows[i].rvol30, .pctchg_d = rows[i].pctchg_d,
                                     .dollar_vol_d = rows[i].dollar_vol_d, .close_d = rows[i].close_d, .vol_d = rows[i].vol_d,
                                     .vwap_d = rows[i].vwap_d};
        td_copy(row->ticker, sizeof row->ticker, rows[i].ticker);
    }
    td_filter_free(filter);
    td_record_model_free(&model);
    return code;
}

static enum td_code read_day(struct td_app *app, struct events *events, td_day day, const char *expression, struct td_err *err)
{
    char thresholds[17], preset[16], text[16];
    struct td_rows list = {0};
    enum td_code code = td_watch_meta(app->lake, day, thresholds, preset, err);
    td_format_day(day, text);
    if (code == TD_OK && !*events->thresholds) {
        td_copy(events->thresholds, sizeof events->thresholds, thresholds);
        td_copy(events->preset, sizeof events->preset, preset);
    } else if (code == TD_OK && (strcmp(thresholds, events->thresholds) != 0 || strcmp(preset, events->preset) != 0)) {
        code = td_fail(err, TD_DATA,
                       "watchlist of %s was made by other rules (%s, preset %s) than those before it (%s, preset %s); events never mix: run "
                       "'tapedeck universe build' to make all anew, or name a range with -s and -e",
                       text, thresholds, preset, events->thresholds, events->preset);
    }
    if (code == TD_OK)
        code = td_watch_read(app->lake, day, &list, NULL, err);
    if (code == TD_OK)
        code = take_events(events, &list, expression, err);
    td_rows_free(&list);
    return code;
}

static enum td_code collect(struct td_app *app, const struct td_args *args, struct events *events, struct td_err *err)
{
    td_day from = td_args_day(args, "from"), to = td_args_day(args, "to"), before = TD_NO_DAY;
    const char *expression = td_args_text(args, "filter");
    struct td_days built = {0};
    struct td_rows nothing = {.size = sizeof(struct td_watch_row)};
    int64_t lists = 0, holes = 0;
    enum td_code code = take_events(events, &nothing, expression, err); /* a wrong filter is told whatever the days hold */
    if (code == TD_OK)
        code = td_watch_days(app->lake, &built, err);
    if (code == TD_OK && built.count == 0)
        code = td_fail(err, TD_MISSING, "no watchlist in %s; run 'tapedeck cache build' and 'tapedeck universe build'", app->lake_root);
    for (size_t i = 0; code == TD_OK && i < built.count; i++) {
        td_day day = built.items[i];
        if ((from != TD_NO_DAY && day < from) || (to != TD_NO_DAY && day > to))
            continue;
        holes += before == TD_NO_DAY ? 0 : td_cal_index(day) - td_cal_index(before) - 1;
        before = day;
        lists++;
        code = read_day(app, events, day, expression, err);
    }
    if (code == TD_OK && !lists) {
        char first[16], last[16];
        td_format_day(built.items[0], first);
        td_format_day(built.items[built.count - 1], last);
        code = td_fail(err, TD_MISSING, "no watchlist lies in that range; there are lists of %s..%s", first, last);
    }
    if (code == TD_OK && holes)
        command_notice(app, "%lld sessions of the range have no watchlist: see 'tapedeck coverage', or run 'tapedeck universe build'",
                       (long long)holes);
    td_days_free(&built);
    return code;
}

/* Tickers of the events and the first top_k of the ranking, each once, bytewise. */
static enum td_code union_of_tickers(struct td_app *app, const struct events *events, struct td_names *names, struct td_err *err)
{
    struct td_rows topn = {0};
    enum td_code code = td_topn_read(app->lake, &topn, err);
    const struct td_topn_row *ranked = topn.items;
    size_t k = (size_t)td_conf_int(app->universe, "processing.top_k");
    if (code == TD_MISSING)
        return td_fail(err, TD_MISSING, "no rankings in %s; run 'tapedeck universe topn'", app->lake_root);
    for (size_t i = 0; code == TD_OK && i < topn.count && i < k; i++)
        code = td_names_add(names, ranked[i].ticker, strlen(ranked[i].ticker), err);
    for (size_t i = 0; code == TD_OK && i < events->count; i++)
        code = td_names_add(names, events->rows[i].ticker, strlen(events->rows[i].ticker), err);
    td_names_sort_unique(names);
    td_rows_free(&topn);
    return code;
}

/* One a line, as --tickers-file reads them; csv and json with their usual clothes. */
static enum td_code put_tickers(const struct td_names *names, struct td_out *out, struct td_err *err)
{
    static const struct td_view_column column = {"ticker", TD_KIND_STR};
    struct td_out_stream stream;
    enum td_code code = TD_OK;
    if (out->format == TD_FORMAT_TABLE) {
        for (size_t i = 0; code == TD_OK && i < names->count; i++)
            code = td_out_printf(out, err, "%s\n", names->items[i]);
        return code;
    }
    code = td_out_begin(&stream, out, &column, 1, err);
    for (size_t i = 0; code == TD_OK && i < names->count; i++) {
        const struct td_cell cell = {.kind = TD_KIND_STR, .v.s = td_str_of(names->items[i])};
        code = td_out_row(&stream, &cell, err);
    }
    enum td_code ended = td_out_end(&stream, code == TD_OK ? err : NULL);
    return code == TD_OK ? ended : code;
}

static enum td_code put_events(const struct events *events, struct td_out *out, struct td_err *err)
{
    struct td_record_model model = {0};
    enum td_code code = td_record_model_init(&model, &td_event_record, events->rows, events->count, err);
    if (code == TD_OK)
        code = td_out_model(out, &model.model, NULL, 0, err);
    td_record_model_free(&model);
    return code;
}

/* The result as text, to out or whole into a file. */
static enum td_code put_text(struct td_app *app, const struct events *events, bool tickers, const char *file, struct td_out *out,
                             struct td_err *err)
{
    struct td_buf text;
    struct td_names names = {0};
    struct td_out to_file = {.format = out->format, .write = td_out_to_buf, .ctx = &text};
    td_buf_init(&text, (size_t)1 << 30);
    enum td_code code = tickers ? union_of_tickers(app, events, &names, err) : TD_OK;
    struct td_out *to = file ? &to_file : out;
    if (code == TD_OK)
        code = tickers ? put_tickers(&names, to, err) : put_events(events, to, err);
    if (code == TD_OK && file)
        code = td_buf_check(&text, file, err);
    if (code == TD_OK && file)
        code = td_publish_bytes(file, text.data ? text.data : "", text.len, err);
    if (code == TD_OK && file)
        command_notice(app, "%s: %zu %s", file, tickers ? names.count : events->count, tickers ? "tickers" : "events");
    td_names_free(&names);
    td_buf_free(&text);
    return code;
}

static enum td_code run_events(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    const char *format = td_args_text(args, "format"), *file = td_args_text(args, "out");
    bool tickers = td_args_flag(args, "tickers"), parquet = format && strcmp(format, "parquet") == 0;
    struct td_out chosen = *out;
    struct events events = {0};
    if (parquet && (!file || tickers))
        return td_fail(err, TD_USAGE, tickers ? "--tickers is a text: --format csv, json or table" : "--format parquet needs --out FILE");
    if (format && !parquet)
        chosen.format = strcmp(format, "csv") == 0 ? TD_FORMAT_CSV : strcmp(format, "json") == 0 ? TD_FORMAT_JSON : TD_FORMAT_TABLE;
    else if (file && !tickers)
        chosen.format = TD_FORMAT_CSV; /* a file is for programs */
    enum td_code code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = collect(app, args, &events, err);
    if (code == TD_OK && parquet) {
        const struct td_meta meta[] = {{"tapedeck.thresholds", events.thresholds}, {"tapedeck.preset", events.preset}};
        code = td_table_write(file, &td_event_record, events.rows, events.count, meta, TD_COUNT(meta), err);
        if (code == TD_OK)
            command_notice(app, "%s: %zu events", file, events.count);
    } else if (code == TD_OK) {
        code = put_text(app, &events, tickers, file, &chosen, err);
    }
    td_free(events.rows);
    return code;
}

/* ---- try ---- */

/* "rvol=3": the key with or without its section. */
static enum td_code set_rule(struct td_conf *conf, const char *setting, struct td_err *err)
{
    static const char *const sections[] = {"", "thresholds.", "membership."};
    const char *equals = strchr(setting, '=');
    char path[96];
    if (!equals || equals == setting)
        return td_fail(err, TD_USAGE, "--set '%s': KEY=VALUE is needed, such as rvol=3", setting);
    for (size_t s = 0; s < TD_COUNT(sections); s++) {
        if (!td_snprintf(path, sizeof path, "%s%.*s", sections[s], (int)(equals - setting), setting))
            continue;
        for (size_t i = 0; i < td_conf_count(conf); i++)
            if (strcmp(td_conf_key_at(conf, i)->path, path) == 0 && strncmp(path, "processing.", 11) != 0)
                return td_conf_set(conf, path, equals + 1, "flag", err);
    }
    return td_fail(err, TD_USAGE,
                   "--set '%.*s': no such rule; one of rvol, pctchg, dvol, min_price, max_price, cap_max, types, exchanges, test_tickers, "
                   "type_unknown, cap_unknown, split_suspect",
                   (int)(equals - setting), setting);
}

/* The rules of the session with those of --set over them. */
static enum td_code other_rules(const struct td_app *app, const struct td_args *args, struct td_conf **out, struct td_err *err)
{
    const struct td_conf *now = app->universe;
    enum td_code code = td_conf_new(td_conf_key_at(now, 0), td_conf_count(now), out, err);
    for (size_t i = 0; code == TD_OK && i < td_conf_count(now); i++) {
        const char *path = td_conf_key_at(now, i)->path;
        code = td_conf_set(*out, path, td_conf_text(now, path), td_conf_origin(now, path), err);
    }
    for (size_t i = 0; code == TD_OK && i < td_args_count(args, "set"); i++)
        code = set_rule(*out, td_args_nth(args, "set", i), err);
    if (code == TD_OK)
        code = command_check_universe(*out, err);
    if (code == TD_CONFIG && err && td_args_count(args, "set")) /* the user's words on this line, not a file */
        code = err->code = TD_USAGE;
    return code;
}

static enum td_code names_of(const struct td_try *result, const struct td_try_day *day, bool added, struct td_buf *out, struct td_err *err)
{
    size_t from = day->first + (added ? 0 : day->added), count = added ? day->added : day->removed;
    td_buf_clear(out);
    for (size_t i = 0; i < count; i++) {
        td_buf_adds(out, i ? " " : "");
        td_buf_adds(out, result->tickers[result->changes[from + i].ticker]);
    }
    return td_buf_check(out, "names of a session", err);
}

static struct td_cell count_cell(uint64_t n)
{
    return (struct td_cell){.kind = TD_KIND_U64, .v.u = n};
}

static enum td_code put_day(struct td_out_stream *stream, const struct td_try *result, const struct td_try_day *day, struct td_buf bufs[2],
                            struct td_err *err)
{
    enum td_code code = names_of(result, day, true, &bufs[0], err);
    if (code == TD_OK)
        code = names_of(result, day, false, &bufs[1], err);
    if (code != TD_OK)
        return code;
    const struct td_cell cells[] = {{.kind = TD_KIND_DAY, .v.i = day->day},
                                    count_cell(day->before),
                                    count_cell(day->after),
                                    count_cell(day->added),
                                    count_cell(day->removed),
                                    {.kind = TD_KIND_STR, .v.s = {bufs[0].data ? bufs[0].data : "", bufs[0].len}},
                                    {.kind = TD_KIND_STR, .v.s = {bufs[1].data ? bufs[1].data : "", bufs[1].len}}};
    return td_out_row(stream, cells, err);
}

static enum td_code put_try(const struct td_try *result, struct td_out *out, struct td_err *err)
{
    static const struct td_view_column columns[] = {{"trading_day", TD_KIND_DAY}, {"before", TD_KIND_U64}, {"after", TD_KIND_U64},
                                                    {"added", TD_KIND_U64},       {"removed", TD_KIND_U64}, {"names_added", TD_KIND_STR},
                                                    {"names_removed", TD_KIND_STR}};
    uint64_t before = 0, after = 0, added = 0, removed = 0;
    struct td_buf bufs[2];
    struct td_out_stream stream;
    enum td_code code = TD_OK;
    for (size_t d = 0; d < result->day_count; d++) {
        before += result->days[d].before;
        after += result->days[d].after;
        added += result->days[d].added;
        removed += result->days[d].removed;
    }
    if (out->format == TD_FORMAT_TABLE)
        code = td_out_printf(out, err, "%zu sessions: %llu info-rich ticker-days, %llu as tried (%llu come, %llu go); nothing was written\n",
                             result->day_count, (unsigned long long)before, (unsigned long long)after, (unsigned long long)added,
                             (unsigned long long)removed);
    if (code != TD_OK)
        return code;
    td_buf_init(&bufs[0], (size_t)16 << 20);
    td_buf_init(&bufs[1], (size_t)16 << 20);
    code = td_out_begin(&stream, out, columns, TD_COUNT(columns), err);
    for (size_t d = 0; code == TD_OK && d < result->day_count; d++)
        if (out->format != TD_FORMAT_TABLE || result->days[d].added || result->days[d].removed) /* people read what changes */
            code = put_day(&stream, result, &result->days[d], bufs, err);
    enum td_code ended = td_out_end(&stream, code == TD_OK ? err : NULL);
    td_buf_free(&bufs[0]);
    td_buf_free(&bufs[1]);
    return code == TD_OK ? ended : code;
}

static enum td_code run_try(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_conf *tried = NULL;
    struct td_try result = {0};
    enum td_code code = command_universe_config(app, args, err);
    if (code == TD_OK && td_args_count(args, "set") == 0)
        code = td_fail(err, TD_USAGE, "universe try: nothing to try; name a rule, such as --set rvol=3");
    if (code == TD_OK)
        code = other_rules(app, args, &tried, err);
    if (code == TD_OK)
        code = td_app_lake(app, false, err);
    if (code == TD_OK) {
        const struct td_app other = {.universe = tried};
        const struct td_screen before = command_screen(app), after = command_screen(&other);
        code = td_universe_try(app->lake, &before, &after, td_args_day(args, "from"), td_args_day(args, "to"),
                               (unsigned)td_conf_int(app->conf, "limits.workers"), &result, err);
    }
    if (code == TD_OK)
        code = put_try(&result, out, err);
    td_try_free(&result);
    td_conf_free(tried);
    return code;
}

/* ---- the table ---- */

#define RANGE_ARGS                                                                                                     \
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first session (default: all)"), \
        ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last session, inclusive")
#define CONFIG_ARG                                                                                                     \
    ARG("universe-config", .type = TD_ARG_FILE, .metavar = "FILE", .help = "thresholds and membership over those of universe.yaml")

static const struct td_arg_def universe_args[] = {
    RANGE_ARGS,
    CONFIG_ARG,
    ARG("incremental", .type = TD_ARG_FLAG, .help = "leave lists alone that would be the same"),
    ARG("as-of", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "end of the ranking's window (default: the newest built session)"),
};
static const struct td_arg_def topn_args[] = {
    CONFIG_ARG,
    ARG("as-of", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "end of the window (default: the newest built session)"),
};
static const struct td_arg_def snapshot_args[] = {
    ARG("snap", .type = TD_ARG_CHOICE, .choices = "monthly|annual|both", .value = "both", .metavar = "WHICH",
        .help = "ends of months, of years, or both"),
    ARG("k", .type = TD_ARG_INT, .metavar = "N", .help = "tickers of each (default: processing.top_k)"),
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "earliest end (default: all)"),
    ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "latest end"),
    CONFIG_ARG,
};
static const struct td_arg_def events_args[] = {
    RANGE_ARGS,
    ARG("filter", .type = TD_ARG_FILTER, .metavar = "EXPR", .help = "only rows of the watchlists that match, as in watchlist --filter"),
    ARG("tickers", .type = TD_ARG_FLAG, .help = "the tickers alone, with the first of the rankings, one a line"),
    ARG("out", .type = TD_ARG_FILE, .metavar = "FILE", .help = "into a file (csv unless --format says otherwise)"),
    ARG("format", .type = TD_ARG_CHOICE, .choices = "table|csv|json|parquet", .metavar = "FORMAT", .help = "parquet needs --out"),
};
static const struct td_arg_def try_args[] = {
    ARG("set", .type = TD_ARG_TEXT, .metavar = "KEY=VALUE", .repeated = true, .help = "a rule of universe.yaml, such as rvol=3"),
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first session (default: 252 before the last)"),
    ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last session (default: the newest of the cache)"),
    CONFIG_ARG,
};

const struct td_command universe_commands[] = {
    {.name = "universe build",
     .group = "screen",
     .summary = "screen the cache: a watchlist a session, and the rankings",
     .args = universe_args,
     .arg_count = TD_COUNT(universe_args),
     .run = run_universe,
     .help = "A ticker-day is info-rich when every rule of universe.yaml holds. A list for a day is known only after "
             "that day.\n"
             "One session with -s and -e writes one list; the rankings always count all lists of their window, and "
             "refuse to mix\n"
             "lists of different rules.\n\n"
             "  tapedeck universe build\n  tapedeck universe build -s 2025-02-03 -e 2025-02-07\n"
             "  tapedeck universe build --incremental"},
    {.name = "universe topn",
     .group = "screen",
     .summary = "rank tickers by info-rich days of the last 252 sessions",
     .args = topn_args,
     .arg_count = TD_COUNT(topn_args),
     .run = run_topn,
     .help = "  tapedeck universe topn --as-of 2025-02-28"},
    {.name = "universe snapshots",
     .group = "screen",
     .summary = "rankings as they stood at the end of each month and year",
     .args = snapshot_args,
     .arg_count = TD_COUNT(snapshot_args),
     .run = run_snapshots,
     .help = "Each counts the 252 sessions that end with the last session of its month or year, and is made once that "
             "session has a list.\n"
             "Files: universe/info_rich/topn12m, with an index.\n\n"
             "  tapedeck universe snapshots --snap monthly --k 200"},
    {.name = "universe events",
     .group = "screen",
     .summary = "every info-rich ticker-day, or the tickers to download ticks of",
     .args = events_args,
     .arg_count = TD_COUNT(events_args),
     .run = run_events,
     .help = "Ordered by day, relative volume and ticker. The events of a day are known only after that day.\n\n"
             "  tapedeck universe events -s 2025-02-01 -e 2025-02-28 --format csv\n"
             "  tapedeck universe events --filter 'rvol30 > 5 and close_d < 2' --out events.parquet --format parquet\n"
             "  tapedeck universe events --tickers --out tickers.txt"},
    {.name = "universe try",
     .group = "screen",
     .summary = "what other rules would list, without writing anything",
     .args = try_args,
     .arg_count = TD_COUNT(try_args),
     .run = run_try,
     .help = "Names that come and go in each session, against the rules of universe.yaml. A table shows the sessions that "
             "change,\n"
             "csv and json show all.\n\n"
             "  tapedeck universe try --set rvol=3\n  tapedeck universe try --set pctchg=0.2 --set max_price=10 -s 2025-02-03"},
};
const size_t universe_command_count = TD_COUNT(universe_commands);
