/* SPDX-License-Identifier: GPL-3.0-or-later
 * import: local files of bars into bronze, and what became of rows that could not be taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command_internal.h"

#define TOLD_MAX 5 /* files whose quarantined rows are told on standard error; the log has them all */

static enum td_import_time time_format(const char *text)
{
    static const char *const names[] = {"auto", "ns", "us", "ms", "s"};
    for (size_t i = 0; i < TD_COUNT(names); i++)
        if (strcmp(text, names[i]) == 0)
            return (enum td_import_time)i;
    return TD_TIME_FORMAT;
}

/* ---- quarantined rows ---- */

static uint64_t quarantined_rows(const struct td_job_counts *counts)
{
    uint64_t bad = 0;
    for (size_t i = 1; i < TD_REASON_COUNT; i++)
        bad += counts->quarantined[i];
    return bad;
}

/* Say what was quarantined in files that went well otherwise; a failed one has said so. *first gets the first telling.
 */
static void tell_quarantined(struct td_app *app, int id, uint64_t planned, char first[400])
{
    static const enum td_unit_state states[] = {TD_UNIT_OK, TD_UNIT_EMPTY};
    struct td_unit_view *units = td_calloc(planned ? planned : 1, sizeof *units);
    size_t told = 0;
    *first = 0;
    for (size_t s = 0; units && s < TD_COUNT(states); s++) {
        size_t n = td_job_units(app->engine, id, states[s], units, planned);
        for (size_t i = 0; i < n; i++) {
            if (!strstr(units[i].why, "quarantined"))
                continue;
            td_log(TD_LOG_WARN, "command", "import %s: %s", units[i].key, units[i].why);
            if (!*first)
                td_snprintf(first, 400, "%s: %s", units[i].key, units[i].why);
            if (told++ < TOLD_MAX)
                command_notice(app, "%s: %s", units[i].key, units[i].why);
        }
    }
    if (told > TOLD_MAX)
        command_notice(app, "and %zu more files with quarantined rows; the log names them", told - TOLD_MAX);
    td_free(units);
}

/* Show the job to its end. Nothing but quarantined rows is a failure: the lake is as it was, which nobody asked for. */
static enum td_code finish_import(struct td_app *app, int id, struct td_out *out, struct td_err *err)
{
    enum td_code code = command_job(app, id, out, err);
    struct td_job_view view;
    char first[400];
    if (app->interactive || !td_job_get(app->engine, id, &view))
        return code;
    const struct td_job_counts *c = &view.counts;
    tell_quarantined(app, id, c->planned, first);
    if (code == TD_OK && c->rows_read && !c->rows_written && !c->rows_duplicate && quarantined_rows(c))
        code = td_fail(err, TD_DATA, "nothing was imported: all %llu rows were quarantined%s%s",
                       (unsigned long long)c->rows_read, *first ? "; " : "", first);
    return code;
}

/* ---- dry run ---- */

/* A dry run works in a lake of its own that is gone afterwards: the user's is neither made nor touched. */
struct private_lake {
    char folder[512], root[520];
    char kept_root[1024];
    struct td_lake *kept_lake;
    struct td_engine *kept_engine;
};

static enum td_code enter_private_lake(struct td_app *app, struct private_lake *own, struct td_err *err)
{
    const char *tmp = getenv("TMPDIR");
    if (!td_snprintf(own->folder, sizeof own->folder, "%s/tapedeck-XXXXXX", tmp && *tmp ? tmp : "/tmp"))
        return td_fail(err, TD_USAGE, "TMPDIR: the path is too long");
    if (!mkdtemp(own->folder))
        return td_fail_errno(err, errno, "%s: no folder for the dry run (TMPDIR)", own->folder);
    td_snprintf(own->root, sizeof own->root, "%s/lake", own->folder);
    td_copy(own->kept_root, sizeof own->kept_root, app->lake_root);
    own->kept_lake = app->lake;
    own->kept_engine = app->engine;
    app->lake = NULL;
    app->engine = NULL;
    td_copy(app->lake_root, sizeof app->lake_root, own->root);
    return TD_OK;
}

static void leave_private_lake(struct td_app *app, struct private_lake *own)
{
    td_engine_free(app->engine);
    td_lake_close(app->lake);
    struct td_err why = {0};
    if (td_lake_remove(own->root, &why) != TD_OK || rmdir(own->folder) != 0)
        command_notice(app, "%s: the dry run's own folder could not be removed%s%s", own->folder, *why.text ? ": " : "",
                       why.text);
    app->engine = own->kept_engine;
    app->lake = own->kept_lake;
    td_copy(app->lake_root, sizeof app->lake_root, own->kept_root);
    app->last_job = 0; /* it went with its engine */
}

static enum td_code do_import(struct td_app *app, const struct td_import_job *job, struct td_out *out,
                              struct td_err *err)
{
    struct private_lake own = {0};
    bool apart = job->dry_run && !app->interactive;
    int id = 0;
    enum td_code code = apart ? enter_private_lake(app, &own, err) : TD_OK;
    if (code != TD_OK)
        return code;
    code = td_app_engine(app, true, err);
    if (code == TD_OK)
        code = td_job_import(app->engine, job, &id, err);
    if (code == TD_OK)
        code = finish_import(app, id, out, err);
    if (apart)
        leave_private_lake(app, &own);
    return code;
}

/* ---- the command ---- */

static enum td_code run_import(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    const char *format = td_args_text(args, "time-format");
    size_t count = td_args_count(args, "file");
    struct td_import_job job = {
        .file_count = count,
        .replace = td_args_flag(args, "replace"),
        .sparse = td_args_flag(args, "sparse"),
        .dry_run = td_args_flag(args, "dry-run"),
        .source = td_args_text(args, "source"),
        .adjusted = td_args_text(args, "adjusted"),
        .options = {.daily = strcmp(td_args_text(args, "as"), "stocks_daily") == 0,
                    .ticker = td_args_text(args, "ticker"),
                    .ticker_from_name = td_args_flag(args, "ticker-from-name"),
                    .columns = td_args_text(args, "columns"),
                    .new_york = strcmp(td_args_text(args, "time-zone"), "America/New_York") == 0,
                    .time = time_format(format),
                    .strptime = time_format(format) == TD_TIME_FORMAT ? format : NULL,
                    .end_stamped = strcmp(td_args_text(args, "stamp"), "end") == 0}};
    const char **files = td_calloc(count, sizeof *files);
    if (!files)
        return td_fail(err, TD_NOMEM, "out of memory: a list of files");
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        struct stat st;
        files[i] = td_args_nth(args, "file", i);
        if (stat(files[i], &st) != 0)
            code = td_fail(err, TD_MISSING, "%s: no such file", files[i]);
        else if (S_ISDIR(st.st_mode))
            code =
                td_fail(err, TD_USAGE, "%s: is a folder; name its files, for example %s/*.csv.gz", files[i], files[i]);
    }
    job.files = files;
    if (code == TD_OK)
        code = do_import(app, &job, out, err);
    td_free(files);
    return code;
}

static const struct td_arg_def import_args[] = {
    ARG("file", .positional = true, .required = true, .repeated = true, .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "CSV, JSON or Parquet, also .gz"),
    ARG("as", .type = TD_ARG_CHOICE, .choices = "stocks_minute|stocks_daily", .required = true, .metavar = "TABLE",
        .help = "what the bars are"),
    ARG("ticker", .type = TD_ARG_TICKER, .metavar = "T", .help = "ticker of every row, where no column has it"),
    ARG("ticker-from-name", .type = TD_ARG_FLAG, .help = "take it from the file's name, up to the first '_'"),
    ARG("columns", .type = TD_ARG_TEXT, .metavar = "MAP",
        .help = "timestamp=datetime,volume=Volume,...; timestamp=date+ToD joins two"),
    ARG("time-zone", .type = TD_ARG_CHOICE, .choices = "UTC|America/New_York", .value = "UTC", .metavar = "ZONE",
        .help = "zone of stamps that carry none"),
    ARG("time-format", .type = TD_ARG_TEXT, .metavar = "FORMAT", .value = "auto",
        .help = "auto, ns, us, ms, s or a strptime pattern"),
    ARG("stamp", .type = TD_ARG_CHOICE, .choices = "start|end", .value = "start", .metavar = "EDGE",
        .help = "which edge of its minute a bar is stamped with"),
    ARG("replace", .type = TD_ARG_FLAG, .help = "drop what these ticker-months hold from another source"),
    ARG("sparse", .type = TD_ARG_FLAG, .help = "do not vouch for days between the first and last bar"),
    ARG("source", .type = TD_ARG_TEXT, .metavar = "NAME", .help = "name of the source (default: the format)"),
    ARG("adjusted", .type = TD_ARG_DATE, .metavar = "DATE",
        .help = "prices are split-adjusted as of this day (default: raw)"),
    ARG("dry-run", .type = TD_ARG_FLAG, .help = "read and check, write nothing"),
};

const struct td_command import_commands[] = {
    {.name = "import",
     .group = "data",
     .summary = "bring local files of bars into bronze",
     .args = import_args,
     .arg_count = TD_COUNT(import_args),
     .run = run_import,
     .help = "Columns are recognised by their usual names; what cannot be recognised is asked for by name. Every row "
             "read is\n"
             "written, a duplicate, or quarantined with its reason.\n\n"
             "  tapedeck import AAPL.csv.gz --as stocks_minute --ticker-from-name"},
};
const size_t import_command_count = TD_COUNT(import_commands);
