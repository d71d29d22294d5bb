/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that boil bars down: cache build, universe build, universe topn. */
#include <string.h>
#include "command_internal.h"

static enum td_code run_cache(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    const char *bars = td_args_text(args, "bars");
    const char *preset = td_args_text(args, "preset");
    struct td_cache_job job = {.from = td_args_day(args, "from"),
                               .to = td_args_day(args, "to"),
                               .parallel = (unsigned)td_args_int(args, "parallel", 0),
                               .incremental = td_args_flag(args, "incremental"),
                               .rebuild = td_args_flag(args, "rebuild"),
                               .partial = td_args_flag(args, "partial"),
                               .cap_file = td_args_text(args, "cap"),
                               .preset_given = preset != NULL,
                               .bars_given = bars != NULL,
                               .preset = preset && strcmp(preset, "seed") == 0 ? TD_PRESET_SEED : TD_PRESET_SESSION,
                               .bars = bars && strcmp(bars, "minute") == 0 ? TD_BARS_MINUTE
                                       : bars && strcmp(bars, "day") == 0  ? TD_BARS_DAY
                                                                           : TD_BARS_AUTO};
    int id = 0;
    enum td_code code = td_app_engine(app, false, err);
    if (code == TD_OK)
        code = td_job_cache(app->engine, &job, &id, err);
    return code == TD_OK ? command_job(app, id, out, err) : code;
}

static enum td_code universe(struct td_app *app, const struct td_args *args, bool rankings_only, struct td_out *out,
                             struct td_err *err)
{
    enum td_code code = command_universe_config(app, args, err);
    struct td_universe_job job = {.from = rankings_only ? TD_NO_DAY : td_args_day(args, "from"),
                                  .to = rankings_only ? TD_NO_DAY : td_args_day(args, "to"),
                                  .as_of = td_args_day(args, "as-of"),
                                  .screen = command_screen(app),
                                  .rankings_only = rankings_only,
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

#define RANGE_ARGS                                                                                                     \
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first session (default: all)"), \
        ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last session, inclusive")

static const struct td_arg_def cache_args[] = {
    RANGE_ARGS,
    ARG("parallel", .type = TD_ARG_INT, .metavar = "N", .help = "tickers at a time (default: workers)"),
    ARG("incremental", .type = TD_ARG_FLAG, .help = "skip tickers whose bars did not change"),
    ARG("cap", .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "market caps: ticker,effective_from,effective_to,market_cap; kept for later builds, none forgets them"),
    ARG("preset", .type = TD_ARG_CHOICE, .choices = "session|seed", .metavar = "PRESET",
        .help = "rules of the rows (default: the cache's own, else session)"),
    ARG("bars", .type = TD_ARG_CHOICE, .choices = "minute|day|auto", .metavar = "BARS",
        .help = "which bars make rows (default auto)"),
    ARG("partial", .type = TD_ARG_FLAG, .help = "admit the running session, marked partial_session"),
    ARG("rebuild", .type = TD_ARG_FLAG, .help = "start over, also with another preset"),
};
static const struct td_arg_def universe_args[] = {
    RANGE_ARGS,
    ARG("universe-config", .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "thresholds and membership over those of universe.yaml"),
    ARG("as-of", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "end of the ranking's window (default: the newest built session)"),
};
static const struct td_arg_def topn_args[] = {
    ARG("universe-config", .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "thresholds and membership over those of universe.yaml"),
    ARG("as-of", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "end of the window (default: the newest built session)"),
};

const struct td_command build_commands[] = {
    {.name = "cache build",
     .group = "screen",
     .summary = "boil bars down to one row a ticker and session",
     .args = cache_args,
     .arg_count = TD_COUNT(cache_args),
     .run = run_cache,
     .help = "A session enters the cache only when it is over. Preset 'session' counts by exchange dates and knows "
             "splits and\n"
             "re-used symbols; 'seed' gives the numbers of the original pipeline. See docs/presets.md.\n\n"
             "  tapedeck cache build --incremental"},
    {.name = "universe build",
     .group = "screen",
     .summary = "screen the cache: a watchlist a session, and the rankings",
     .args = universe_args,
     .arg_count = TD_COUNT(universe_args),
     .run = run_universe,
     .help = "A ticker-day is info-rich when every rule of universe.yaml holds. A list for a day is known only after "
             "that day.\n\n"
             "  tapedeck universe build\n  tapedeck universe build -s 2025-02-03 -e 2025-02-07"},
    {.name = "universe topn",
     .group = "screen",
     .summary = "rank tickers by info-rich days of the last 252 sessions",
     .args = topn_args,
     .arg_count = TD_COUNT(topn_args),
     .run = run_topn,
     .help = "  tapedeck universe topn --as-of 2025-02-28"},
};
const size_t build_command_count = TD_COUNT(build_commands);
