/* SPDX-License-Identifier: GPL-3.0-or-later
 * validate: scores of what the lake says, and the worst offenders. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "command_internal.h"

#define SAMPLE 50
static const double thresholds[TD_CHECK_COUNT] = {100, 100, 95, 100};

static struct td_cell text_cell(const char *text)
{
    return (struct td_cell){.kind = text && *text ? TD_KIND_STR : TD_KIND_NULL, .v.s = td_str_of(text ? text : "")};
}

static struct td_cell number_cell(double value)
{
    return (struct td_cell){.kind = isnan(value) ? TD_KIND_NULL : TD_KIND_F64, .v.f = value};
}

static struct td_cell count_cell(uint64_t count)
{
    return (struct td_cell){.kind = TD_KIND_U64, .v.u = count};
}

/* ---- for people: two tables ---- */

/* Two decimals, rounded down: 100.00 is for nothing wrong at all. */
static void score_text(double score, char out[16])
{
    if (isnan(score))
        td_copy(out, 16, "n/a");
    else
        td_snprintf(out, 16, "%.2f", floor(score * 100) / 100);
}

static enum td_code table_scores(const struct td_validate_report *report, struct td_out *out, struct td_err *err)
{
    char score[16], threshold[16];
    score_text(report->score, score);
    enum td_code code = td_out_printf(out, err, "validated %llu of %llu tickers: overall score %s\n\n", (unsigned long long)report->tickers,
                                      (unsigned long long)report->known, score);
    if (code == TD_OK)
        code = td_out_text(out, "CHECK         SCORE  AT LEAST      JUDGED        GOOD  NOTE\n", err);
    for (size_t c = 0; code == TD_OK && c < TD_CHECK_COUNT; c++) {
        const struct td_check_score *s = &report->checks[c];
        score_text(s->score, score);
        score_text(s->threshold, threshold);
        code = td_out_printf(out, err, "%-12s %6s  %8s  %10llu  %10llu  %s%s%s\n", td_check_name((enum td_check)c), score, threshold,
                             (unsigned long long)s->judged, (unsigned long long)s->good, s->score < s->threshold ? "BELOW" : "",
                             s->score < s->threshold && *s->note ? ": " : "", s->note);
    }
    return code;
}

static bool shown(const struct td_validate_report *report, size_t i, int64_t worst, int64_t *of_check)
{
    *of_check = i && report->findings[i].check == report->findings[i - 1].check ? *of_check + 1 : 1;
    return *of_check <= worst;
}

static enum td_code table_worst(const struct td_validate_report *report, int64_t worst, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"worst", "ticker", "day", "what", "expected", "found", "note"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_DAY, TD_KIND_STR, TD_KIND_F64, TD_KIND_F64, TD_KIND_STR};
    struct td_sheet sheet = {0};
    int64_t of_check = 0;
    enum td_code code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    for (size_t i = 0; code == TD_OK && i < report->finding_count; i++) {
        const struct td_finding *f = &report->findings[i];
        if (!shown(report, i, worst, &of_check))
            continue;
        const struct td_cell cells[] = {text_cell(td_check_name(f->check)),
                                        text_cell(f->ticker),
                                        {.kind = f->day == TD_NO_DAY ? TD_KIND_NULL : TD_KIND_DAY, .v.i = f->day},
                                        text_cell(f->what),
                                        number_cell(f->expected),
                                        number_cell(f->found),
                                        text_cell(f->note)};
        code = td_sheet_row(&sheet, cells, err);
    }
    if (code == TD_OK && sheet.rows)
        code = td_out_text(out, "\n", err);
    if (code == TD_OK && sheet.rows)
        code = command_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    return code;
}

/* ---- for programs: one list; a score has no ticker, a worst offender no score ---- */

static enum td_code put_score(struct td_sheet *sheet, const char *name, double score, const struct td_check_score *s,
                              struct td_err *err)
{
    const struct td_cell none = {.kind = TD_KIND_NULL};
    const struct td_cell cells[] = {text_cell("score"),
                                    text_cell(name),
                                    number_cell(score),
                                    s ? number_cell(s->threshold) : none,
                                    s ? count_cell(s->judged) : none,
                                    s ? count_cell(s->good) : none,
                                    none,
                                    none,
                                    none,
                                    none,
                                    none,
                                    text_cell(s ? s->note : "")};
    return td_sheet_row(sheet, cells, err);
}

static enum td_code put_finding(struct td_sheet *sheet, const struct td_finding *f, struct td_err *err)
{
    const struct td_cell none = {.kind = TD_KIND_NULL};
    const struct td_cell cells[] = {text_cell("worst"),
                                    text_cell(td_check_name(f->check)),
                                    none,
                                    none,
                                    none,
                                    none,
                                    text_cell(f->ticker),
                                    {.kind = f->day == TD_NO_DAY ? TD_KIND_NULL : TD_KIND_DAY, .v.i = f->day},
                                    text_cell(f->what),
                                    number_cell(f->expected),
                                    number_cell(f->found),
                                    text_cell(f->note)};
    return td_sheet_row(sheet, cells, err);
}

static enum td_code list_report(const struct td_validate_report *report, int64_t worst, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"row", "check", "score", "threshold", "judged", "good",
                                        "ticker", "day", "what", "expected", "found", "note"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_F64, TD_KIND_F64, TD_KIND_U64, TD_KIND_U64,
                                         TD_KIND_STR, TD_KIND_DAY, TD_KIND_STR, TD_KIND_F64, TD_KIND_F64, TD_KIND_STR};
    struct td_sheet sheet = {0};
    int64_t of_check = 0;
    enum td_code code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    if (code == TD_OK)
        code = put_score(&sheet, "overall", report->score, NULL, err);
    for (size_t c = 0; code == TD_OK && c < TD_CHECK_COUNT; c++)
        code = put_score(&sheet, td_check_name((enum td_check)c), report->checks[c].score, &report->checks[c], err);
    for (size_t i = 0; code == TD_OK && i < report->finding_count; i++)
        if (shown(report, i, worst, &of_check))
            code = put_finding(&sheet, &report->findings[i], err);
    if (code == TD_OK)
        code = command_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    return code;
}

/* ---- the command ---- */

static enum td_code show_report(struct td_app *app, int id, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_validate_report report;
    int64_t worst = td_args_int(args, "worst", 10);
    enum td_code code = td_job_validated(app->engine, id, &report, err);
    if (code != TD_OK)
        return code;
    if (out->format != TD_FORMAT_TABLE)
        code = list_report(&report, worst, out, err);
    else {
        code = table_scores(&report, out, err);
        if (code == TD_OK)
            code = table_worst(&report, worst, out, err);
    }
    td_validate_report_free(&report);
    return code;
}

static enum td_code check_options(const struct td_args *args, struct td_validate_job *job, struct td_err *err)
{
    int64_t sample = td_args_int(args, "sample", SAMPLE);
    double threshold = td_args_number(args, "threshold", TD_NO_F64);
    if (sample < 1 || td_args_int(args, "worst", 10) < 0)
        return td_fail(err, TD_USAGE, "validate: --sample 1 or more, --worst 0 or more");
    if (td_args_given(args, "threshold") && !(threshold >= 0 && threshold <= 100))
        return td_fail(err, TD_USAGE, "validate: --threshold: 0 to 100");
    if (td_args_flag(args, "all") && (td_args_given(args, "sample") || td_args_given(args, "seed")))
        return td_fail(err, TD_USAGE, "validate: --all takes every ticker; --sample and --seed draw some: choose one");
    if (job->from != TD_NO_DAY && job->to != TD_NO_DAY && job->to < job->from)
        return td_fail(err, TD_USAGE, "validate: the range ends before it begins");
    job->sample = td_args_flag(args, "all") ? 0 : (size_t)sample;
    for (size_t c = 0; c < TD_CHECK_COUNT; c++)
        job->threshold[c] = td_args_given(args, "threshold") ? threshold : thresholds[c];
    return TD_OK;
}

static enum td_code run_validate(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_names tickers = {0};
    struct td_err why = {0};
    struct td_validate_job job = {.from = td_args_day(args, "from"),
                                  .to = td_args_day(args, "to"),
                                  .seed = (uint64_t)td_args_int(args, "seed", 1),
                                  .intraday = td_args_text(args, "intraday-root")};
    int id = 0;
    enum td_code code = check_options(args, &job, err);
    if (code == TD_OK)
        code = command_universe_config(app, args, err);
    job.screen = command_screen(app);
    if (code == TD_OK)
        code = command_tickers(args, &tickers, err);
    job.tickers = (const char *const *)tickers.items;
    job.ticker_count = tickers.count;
    if (code == TD_OK)
        code = td_app_engine(app, false, err);
    if (code == TD_OK)
        code = td_job_validate(app->engine, &job, &id, err);
    td_names_free(&tickers);
    if (code != TD_OK)
        return code;
    struct td_out nowhere = *out; /* the report takes the place of a job's counts */
    struct td_buf counts;
    td_buf_init(&counts, 65536);
    nowhere.write = td_out_to_buf;
    nowhere.ctx = &counts;
    code = command_job(app, id, app->interactive ? out : &nowhere, &why);
    td_buf_free(&counts);
    if (!app->interactive && (code == TD_OK || code == TD_UNITS)) {
        enum td_code shown_code = show_report(app, id, args, out, err);
        if (shown_code != TD_OK)
            return shown_code;
    }
    if (code != TD_OK && err)
        *err = why;
    return code;
}

static const struct td_arg_def validate_args[] = {
    ARG("sample", .type = TD_ARG_INT, .metavar = "N", .help = "tickers to draw (default 50)"),
    ARG("seed", .type = TD_ARG_INT, .metavar = "S", .help = "of the draw: the same seed draws the same tickers (default 1)"),
    ARG("all", .type = TD_ARG_FLAG, .help = "every ticker instead of a sample"),
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE", .help = "first session that is judged"),
    ARG("to", .aliases = "e,end", .type = TD_ARG_DATE, .metavar = "DATE", .help = "last session, inclusive"),
    ARG("tickers", .type = TD_ARG_TEXT, .metavar = "A,B,...", .help = "these instead of a sample"),
    ARG("tickers-file", .type = TD_ARG_FILE, .metavar = "FILE", .help = "tickers, one a line"),
    ARG("intraday-root", .type = TD_ARG_FILE, .metavar = "DIR",
        .help = "the ticker-first lake that the cache was built from, where it was"),
    ARG("threshold", .type = TD_ARG_NUMBER, .metavar = "SCORE",
        .help = "what every score must reach (default 100, continuity 95)"),
    ARG("worst", .type = TD_ARG_INT, .metavar = "N", .value = "10", .help = "worst offenders to show of each check"),
    ARG("universe-config", .type = TD_ARG_FILE, .metavar = "FILE", .help = "the rules the ranking was made by, over universe.yaml"),
};
const struct td_command validate_commands[] = {
    {.name = "validate",
     .group = "house",
     .summary = "count a sample of tickers anew from bronze and score what the lake says",
     .args = validate_args,
     .arg_count = TD_COUNT(validate_args),
     .run = run_validate,
     .help = "Four checks, each 0 to 100: coverage (sessions of a ticker's life that are known and cached), consistency "
             "(cache rows that\nequal their bars, counted by a second formulation), continuity (regular minutes that should "
             "have a bar and have one;\nthin trading is no gap) and ranking (topN against days screened anew, and against itself). "
             "docs/validate.md defines\nthem. Status 1: a score is below its threshold. 4: nothing to validate.\n\n"
             "  tapedeck validate --sample 20 --seed 7\n  tapedeck validate --all --format json\n"
             "  tapedeck validate --tickers RUNA,RUNB -s 2025-12-01"},
};
const size_t validate_command_count = TD_COUNT(validate_commands);
