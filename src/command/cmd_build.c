/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that boil bars down: cache build. */
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
                               .out = td_args_text(args, "out"),
                               .intraday = td_args_text(args, "intraday-root"),
                               .preset_given = preset != NULL,
                               .bars_given = bars != NULL,
                               .preset = preset && strcmp(preset, "seed") == 0 ? TD_PRESET_SEED : TD_PRESET_SESSION,
                               .bars = bars && strcmp(bars, "minute") == 0 ? TD_BARS_MINUTE
                                       : bars && strcmp(bars, "day") == 0  ? TD_BARS_DAY
                                                                           : TD_BARS_AUTO};
    int id = 0;
    enum td_code code = td_app_engine(app, job.intraday != NULL, err); /* bars that lie elsewhere need no lake yet */
    if (code == TD_OK)
        code = td_job_cache(app->engine, &job, &id, err);
    return code == TD_OK ? command_job(app, id, out, err) : code;
}

#define RANGE_ARGS                                                                                                     \
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first session (default: all)"), \
        ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last session, inclusive")

static const struct td_arg_def cache_args[] = {
    RANGE_ARGS,
    ARG("parallel", .type = TD_ARG_INT, .metavar = "N", .help = "tickers at a time (default: workers)"),
    ARG("incremental", .type = TD_ARG_FLAG, .help = "read only the months whose bars changed; the result is that of a full build"),
    ARG("cap", .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "market caps: ticker,effective_from,effective_to,market_cap; kept for later builds, none forgets them; with --out for that build alone"),
    ARG("preset", .type = TD_ARG_CHOICE, .choices = "session|seed", .metavar = "PRESET",
        .help = "rules of the rows (default: the cache's own, else session)"),
    ARG("bars", .type = TD_ARG_CHOICE, .choices = "minute|day|auto", .metavar = "BARS",
        .help = "which bars make rows (default auto)"),
    ARG("intraday-root", .type = TD_ARG_FILE, .metavar = "DIR",
        .help = "minute bars from DIR/TICKER/year=YYYY/month=MM/*.parquet instead of the lake's"),
    ARG("out", .type = TD_ARG_FILE, .metavar = "DIR", .help = "build in DIR instead of the lake's cache/daily, also with another preset"),
    ARG("partial", .type = TD_ARG_FLAG, .help = "admit the running session, marked partial_session"),
    ARG("rebuild", .type = TD_ARG_FLAG, .help = "start over, also with another preset"),
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
             "  tapedeck cache build --incremental\n"
             "  tapedeck cache build --preset seed --out cache-seed"},
};
const size_t build_command_count = TD_COUNT(build_commands);
