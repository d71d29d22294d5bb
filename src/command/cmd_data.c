/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that bring bars in from a vendor, the simulated one included: demo, sim, ingest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "command_internal.h"

/* ---- ingest ---- */

/* "A,B,C" and the lines of a file, into one list. */
enum td_code command_tickers(const struct td_args *args, struct td_names *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (const char *p = td_args_text(args, "tickers"); code == TD_OK && p && *p;) {
        size_t n = strcspn(p, ",");
        if (n)
            code = td_names_add(out, p, n, err);
        p += n + (p[n] == ',');
    }
    const char *file = td_args_text(args, "tickers-file");
    if (code != TD_OK || !file)
        return code;
    struct td_buf text;
    td_buf_init(&text, (size_t)16 << 20);
    code = td_file_read(file, (size_t)8 << 20, &text, err);
    for (size_t i = 0; code == TD_OK && i < text.len;) {
        size_t n = strcspn(text.data + i, "\r\n");
        size_t word = strcspn(text.data + i, "\r\n \t,#");
        if (word)
            code = td_names_add(out, text.data + i, word, err);
        i += n + 1;
    }
    if (code == TD_OK && out->count == 0)
        code = td_fail(err, TD_DATA, "%s: no ticker in it (one a line)", file);
    td_buf_free(&text);
    return code;
}

static enum td_code run_ingest(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    char key[256];
    const char *base_url;
    const char *table = td_args_text(args, "table");
    bool bars = strncmp(table, "stocks_", 7) == 0;
    struct td_names tickers = {0};
    struct td_ingest_options options = {.table = table,
                                        .from = td_args_day(args, "from"),
                                        .to = td_args_day(args, "to"),
                                        .incremental = td_args_flag(args, "incremental"),
                                        .max_concurrent = (unsigned)td_args_int(
                                            args, "max-concurrent", td_conf_int(app->conf, "ingest.max_concurrent")),
                                        .retries = (unsigned)td_conf_int(app->conf, "ingest.retries"),
                                        .timeout_s = (unsigned)td_conf_int(app->conf, "ingest.timeout")};
    if (bars && (options.from == TD_NO_DAY || options.to == TD_NO_DAY))
        return td_fail(err, TD_USAGE, "ingest: -t %s needs a range: -s DATE -e DATE", table);
    if (options.max_concurrent < 1 || options.max_concurrent > 256)
        return td_fail(err, TD_USAGE, "ingest: --max-concurrent: 1 to 256");
    enum td_code code = command_vendor(app, args, &base_url, key, err);
    if (code == TD_OK)
        code = command_tickers(args, &tickers, err);
    options.base_url = base_url;
    options.key = key;
    options.tickers = (const char *const *)tickers.items;
    options.ticker_count = tickers.count;
    if (code == TD_OK)
        code = td_app_engine(app, true, err);
    int id = 0;
    if (code == TD_OK)
        code = td_job_ingest(app->engine, &options, &id, err);
    td_names_free(&tickers);
    if (code != TD_OK)
        return code;
    code = command_job(app, id, out, err);
    struct td_job_view view;
    if (code == TD_OK && !app->interactive && td_job_get(app->engine, id, &view) && view.counts.planned &&
        view.counts.empty == view.counts.planned)
        code = td_fail(err, TD_MISSING,
                       "the vendor has no bars for any of the tickers in this range: check their spelling (case "
                       "matters) and the dates");
    return code;
}

/* ---- sim ---- */

/* 0 stands for "the default" inside, so a 0 that was asked for must not get there. */
static enum td_code check_size(const struct td_args *args, const char *name, struct td_err *err)
{
    int64_t value = td_args_int(args, name, 1);
    if (value >= 1 && value <= 1000000)
        return TD_OK;
    return td_fail(err, TD_USAGE, "%s: --%s '%s': a whole number from 1 up to the simulated market's limit is needed",
                   args->command->name, name, td_args_text(args, name));
}

static enum td_code sim_options(const struct td_args *args, struct td_sim_options *out, const char **faults,
                                struct td_err *err)
{
    enum td_code code = check_size(args, "sessions", err);
    if (code == TD_OK)
        code = check_size(args, "tickers", err);
    if (code != TD_OK)
        return code;
    *out = (struct td_sim_options){.seed = (uint64_t)td_args_int(args, "seed", 1),
                                   .end = td_args_day(args, "end"),
                                   .sessions = (int)td_args_int(args, "sessions", 0),
                                   .tickers = (int)td_args_int(args, "tickers", 0)};
    if (out->end == TD_NO_DAY)
        out->end = 0;
    for (size_t i = 0; i < td_args_count(args, "fault") && i < 16; i++)
        faults[out->fault_count++] = td_args_nth(args, "fault", i);
    out->faults = faults;
    return TD_OK;
}

static enum td_code run_sim(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_sim_options options;
    const char *faults[16];
    enum td_code code = sim_options(args, &options, faults, err);
    if (code != TD_OK)
        return code;
    options.port = (int)td_args_int(args, "port", 0);
    options.key = td_args_text(args, "key");
    options.latency_ms = (unsigned)td_args_int(args, "latency", 0);
    if (options.port > 65535)
        return td_fail(err, TD_USAGE, "sim: --port: 0 to 65535");
    int port = 0;
    code = td_job_sim_start(&options, &app->sim, &port, err);
    if (code == TD_OK)
        code = td_out_printf(out, err, "listening http://127.0.0.1:%d\n", port);
    while (code == TD_OK && app->interrupted && !app->interrupted(app->interrupted_ctx, -1))
        continue;
    td_sim_free(app->sim);
    app->sim = NULL;
    return code;
}

/* ---- demo ---- */

static enum td_code demo_job(struct td_app *app, int id, struct td_err *err)
{
    struct td_buf ignored;
    td_buf_init(&ignored, 1 << 20);
    struct td_out nowhere = {.write = td_out_to_buf, .ctx = &ignored};
    enum td_code code = command_job(app, id, &nowhere, err);
    td_buf_free(&ignored);
    return code;
}

static enum td_code demo_ingest(struct td_app *app, const char *table, struct td_err *err)
{
    bool daily = strcmp(table, "stocks_daily") == 0;
    size_t count = td_sim_ticker_count(app->sim);
    const char **tickers = td_calloc(count, sizeof *tickers);
    if (!tickers)
        return td_fail(err, TD_NOMEM, "out of memory: a list of tickers");
    for (size_t i = 0; i < count; i++)
        tickers[i] = td_sim_ticker(app->sim, i);
    const struct td_ingest_options options = {.table = table,
                                              .from = td_sim_first_session(app->sim, daily),
                                              .to = td_sim_last_session(app->sim),
                                              .tickers = tickers,
                                              .ticker_count = count,
                                              .incremental = true,
                                              .max_concurrent =
                                                  (unsigned)td_conf_int(app->conf, "ingest.max_concurrent"),
                                              .retries = 5,
                                              .timeout_s = 60,
                                              .base_url = app->sim_url,
                                              .key = "demo"};
    int id = 0;
    enum td_code code = td_job_ingest(app->engine, &options, &id, err);
    td_free(tickers);
    return code == TD_OK ? demo_job(app, id, err) : code;
}

static enum td_code demo_fill(struct td_app *app, struct td_err *err)
{
    static const char *const tables[] = {"splits", "tickers", "renames", "stocks_daily", "stocks_minute"};
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(tables); i++)
        code = demo_ingest(app, tables[i], err);
    int id = 0;
    const struct td_cache_job cache = {.from = TD_NO_DAY, .to = TD_NO_DAY, .incremental = true};
    if (code == TD_OK)
        code = td_job_cache(app->engine, &cache, &id, err);
    if (code == TD_OK)
        code = demo_job(app, id, err);
    const struct td_universe_job universe = {.from = TD_NO_DAY,
                                             .to = TD_NO_DAY,
                                             .as_of = TD_NO_DAY,
                                             .screen = command_screen(app),
                                             .top_k = (unsigned)td_conf_int(app->universe, "processing.top_k")};
    if (code == TD_OK)
        code = td_job_universe(app->engine, &universe, &id, err);
    return code == TD_OK ? demo_job(app, id, err) : code;
}

/* A demo lake belongs to one simulated market: another seed must not be mixed into it. */
static enum td_code check_market(struct td_app *app, const struct td_sim_options *o, struct td_err *err)
{
    char path[1100], want[128], end[16] = "default";
    if (o->end)
        td_format_day(o->end, end);
    td_snprintf(path, sizeof path, "%s/DEMO", td_lake_root(app->lake));
    td_snprintf(want, sizeof want, "seed %llu end %s sessions %d tickers %d\n", (unsigned long long)o->seed, end,
                o->sessions, o->tickers);
    struct td_buf have;
    td_buf_init(&have, 131072);
    enum td_code code =
        td_file_exists(path) ? td_file_read(path, 4096, &have, err) : td_publish_bytes(path, want, strlen(want), err);
    if (code == TD_OK && have.len && strcmp(have.data, want) != 0)
        code = td_fail(err, TD_USAGE,
                       "%s: holds another simulated market (%.*s); start over with --fresh or choose another --lake",
                       td_lake_root(app->lake), (int)have.len - 1, have.data);
    td_buf_free(&have);
    return code;
}

/* Simulated bars must never get among real ones, nor --fresh throw real ones away: a lake that holds anything is the
 * demo's only where the demo has left its DEMO file. *made: it has. */
static enum td_code check_made_by_demo(const char *root, bool *made, struct td_err *err)
{
    char path[1100];
    struct td_names names = {0};
    size_t things = 0;
    *made = td_snprintf(path, sizeof path, "%s/DEMO", root) && td_file_exists(path);
    enum td_code code = *made ? TD_OK : td_dir_list(root, &names, err);
    for (size_t i = 0; i < names.count; i++) /* _runs and _locks hold no bars */
        things += !strchr("._", names.items[i][0]) && strcmp(names.items[i], "FORMAT") != 0;
    td_names_free(&names);
    if (code == TD_OK && things)
        code = td_fail(
            err, TD_USAGE,
            "%s: the demo did not make this lake (it holds no DEMO file) and leaves it alone; choose another --lake",
            root);
    return code;
}

static enum td_code demo_lake(struct td_app *app, const struct td_args *args, const struct td_sim_options *options,
                              struct td_err *err)
{
    if (strcmp(td_conf_origin(app->conf, "lake"), "flag") !=
        0) { /* a configured lake is the user's own, never the demo's */
        const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
        if (!(cache && *cache
                  ? td_snprintf(app->lake_root, sizeof app->lake_root, "%s/tapedeck/demo", cache)
                  : home && td_snprintf(app->lake_root, sizeof app->lake_root, "%s/.cache/tapedeck/demo", home)))
            return td_fail(err, TD_CONFIG,
                           "demo: neither --lake, XDG_CACHE_HOME nor HOME says where to put the scratch lake");
    }
    bool made;
    enum td_code code = check_made_by_demo(app->lake_root, &made, err);
    if (code == TD_OK && made && td_args_flag(args, "fresh"))
        code = td_lake_remove(app->lake_root, err);
    if (code == TD_OK)
        code = td_app_engine(app, true, err);
    return code == TD_OK ? check_market(app, options, err) : code;
}

static enum td_code run_demo(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_sim_options options;
    const char *faults[16];
    int port = 0;
    enum td_code code = sim_options(args, &options, faults, err);
    if (code == TD_OK)
        code = demo_lake(app, args, &options, err);
    if (code == TD_OK)
        code = td_job_sim_start(&options, &app->sim, &port, err);
    if (code != TD_OK)
        return code;
    td_snprintf(app->sim_url, sizeof app->sim_url, "http://127.0.0.1:%d", port);
    command_notice(app, "simulated market at %s, lake %s", app->sim_url, app->lake_root);
    code = demo_fill(app, err);
    if (code != TD_OK)
        return code;
    app->open_deck = !td_args_flag(args, "headless");
    if (app->open_deck)
        return TD_OK;
    const char *words[] = {"watchlist"};
    return td_command_run(app, words, 1, out, err);
}

/* ---- the table ---- */

#define SIM_ARGS                                                                                                       \
    ARG("seed", .type = TD_ARG_INT, .metavar = "N", .value = "1", .help = "another number, another market"),           \
        ARG("end", .type = TD_ARG_DATE, .metavar = "DATE",                                                             \
            .help = "last session (default: a fixed one, see docs/simulator.md)"),                                     \
        ARG("sessions", .type = TD_ARG_INT, .metavar = "N", .help = "sessions with minute bars (default 45)"),         \
        ARG("tickers", .type = TD_ARG_INT, .metavar = "N", .help = "number of tickers (default 300)"),                 \
        ARG("fault", .type = TD_ARG_TEXT, .metavar = "KIND=RATE", .repeated = true,                                    \
            .help = "429, 500, truncate, garbage, slow, ...: docs/simulator.md")

static const struct td_arg_def demo_args[] = {
    ARG("headless", .type = TD_ARG_FLAG, .help = "no deck: print the newest watchlist and end"),
    ARG("fresh", .type = TD_ARG_FLAG, .help = "throw the demo's lake away first"),
    SIM_ARGS,
};
static const struct td_arg_def sim_args[] = {
    ARG("port", .type = TD_ARG_INT, .metavar = "N", .value = "0", .help = "port on 127.0.0.1; 0 picks a free one"),
    ARG("key", .type = TD_ARG_TEXT, .metavar = "KEY", .help = "accept this key besides 'demo'"),
    ARG("latency", .type = TD_ARG_INT, .metavar = "MS", .value = "0", .help = "delay of every answer"),
    SIM_ARGS,
};
static const struct td_arg_def ingest_args[] = {
    ARG("table", .aliases = "t", .type = TD_ARG_CHOICE, .choices = "stocks_minute|stocks_daily|splits|tickers|renames",
        .required = true, .metavar = "TABLE", .help = "what to download"),
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first day"),
    ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last day, inclusive"),
    ARG("tickers", .type = TD_ARG_TICKER, .metavar = "A,B", .help = "these tickers; without: the lake's own list"),
    ARG("tickers-file", .type = TD_ARG_FILE, .metavar = "FILE", .help = "one ticker a line"),
    ARG("incremental", .type = TD_ARG_FLAG, .help = "skip what is complete on disk"),
    ARG("max-concurrent", .type = TD_ARG_INT, .metavar = "N",
        .help = "requests in flight (default from the configuration)"),
    ARG("base-url", .type = TD_ARG_TEXT, .metavar = "URL", .help = "another server, for example one of 'tapedeck sim'"),
};
const struct td_command data_commands[] = {
    {.name = "demo",
     .group = "start",
     .summary = "fill a scratch lake from a simulated market, then open the deck",
     .args = demo_args,
     .arg_count = TD_COUNT(demo_args),
     .run = run_demo,
     .shell_only = true,
     .help = "No account is needed: the vendor is simulated inside, everything else is real: HTTP, JSON, Parquet, "
             "cache, screen.\n"
             "What is already there is kept, so an interrupted demo goes on where it was.\n\n"
             "  tapedeck demo\n  tapedeck demo --headless --lake /tmp/lake"},
    {.name = "sim",
     .group = "start",
     .summary = "serve the simulated market on loopback until stopped",
     .args = sim_args,
     .arg_count = TD_COUNT(sim_args),
     .run = run_sim,
     .shell_only = true,
     .help = "Prints 'listening http://127.0.0.1:PORT' when ready; accepts the key 'demo'.\n\n"
             "  tapedeck sim --port 8080 &\n  MASSIVE_API_KEY=demo tapedeck ingest -t stocks_minute -s 2025-12-01 -e "
             "2025-12-05 "
             "--tickers AAPL --base-url http://127.0.0.1:8080"},
    {.name = "ingest",
     .group = "data",
     .summary = "download bars from the vendor into bronze",
     .args = ingest_args,
     .arg_count = TD_COUNT(ingest_args),
     .run = run_ingest,
     .help = "A unit is a ticker-month (minute bars) or a ticker-year (daily bars). Run it again to go on after a "
             "stop: merging\n"
             "never loses a row, and --incremental asks only for what is missing. The key comes from MASSIVE_API_KEY,\n"
             "POLYGON_API_KEY or the credentials file.\n\n"
             "  tapedeck ingest -t stocks_minute -s 2025-01-01 -e 2025-03-31 --tickers AAPL,APPS --incremental"},
};
const size_t data_command_count = TD_COUNT(data_commands);
