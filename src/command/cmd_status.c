/* SPDX-License-Identifier: GPL-3.0-or-later
 * status: what the lake holds, what runs, what ran, and whether the manifest tells the truth. */
#include <string.h>
#include "command_internal.h"

/* ---- facts: numbers for programs, sentences for people ---- */

#define NONE UINT64_MAX
enum { FILES, BYTES, ROWS, NUMBERS = 8 }; /* then units_planned, ok, empty, skipped, failed */

struct fact {
    const char *section, *name;
    const char *state; /* a word, or NULL */
    uint64_t numbers[NUMBERS];
    const char *brief;  /* what a table shows as state, NULL: the state */
    const char *detail; /* for people, also in csv and json */
    const char *more;   /* what a table shows as detail, NULL: the detail */
};

static struct fact fact_of(const char *section, const char *name, const char *state, const char *detail)
{
    struct fact fact = {.section = section, .name = name, .state = state, .detail = detail};
    for (size_t i = 0; i < NUMBERS; i++)
        fact.numbers[i] = NONE;
    return fact;
}

static struct td_cell text_cell(const char *text)
{
    return (struct td_cell){.kind = text && *text ? TD_KIND_STR : TD_KIND_NULL, .v.s = td_str_of(text ? text : "")};
}

/* A table has four columns of text, every other format also the numbers. */
static enum td_code put_fact(struct td_sheet *sheet, const struct fact *fact, struct td_err *err)
{
    struct td_cell cells[4 + NUMBERS] = {text_cell(fact->section), text_cell(fact->name)};
    if (sheet->column_count == 4) {
        cells[2] = text_cell(fact->brief ? fact->brief : fact->state);
        cells[3] = text_cell(fact->more ? fact->more : fact->detail);
        return td_sheet_row(sheet, cells, err);
    }
    cells[2] = text_cell(fact->state);
    for (size_t i = 0; i < NUMBERS; i++)
        cells[3 + i] =
            (struct td_cell){.kind = fact->numbers[i] == NONE ? TD_KIND_NULL : TD_KIND_U64, .v.u = fact->numbers[i]};
    cells[3 + NUMBERS] = text_cell(fact->detail);
    return td_sheet_row(sheet, cells, err);
}

static enum td_code put_table(const struct td_lake *lake, const char *folder, struct td_sheet *sheet,
                              struct td_err *err)
{
    struct td_lake_counts counts;
    char files[64], more[160], left[96] = "";
    enum td_code code = td_lake_count(lake, folder, &counts, err);
    if (code != TD_OK)
        return code;
    if (counts.leftovers)
        td_snprintf(left, sizeof left, "%llu leftovers of a killed run (the next run removes them)",
                    (unsigned long long)counts.leftovers);
    td_snprintf(files, sizeof files, "%llu files", (unsigned long long)counts.files);
    td_snprintf(more, sizeof more, "%llu bytes%s%s", (unsigned long long)counts.bytes, *left ? ", " : "", left);
    struct fact fact = fact_of("table", folder, counts.files ? "present" : "absent", left);
    fact.numbers[FILES] = counts.files;
    fact.numbers[BYTES] = counts.bytes;
    fact.brief = files;
    fact.more = more;
    return put_fact(sheet, &fact, err);
}

static enum td_code table_facts(const struct td_lake *lake, struct td_sheet *sheet, struct td_err *err)
{
    static const char *const folders[] = {"bronze/stocks_minute", "bronze/stocks_daily", "bronze/splits",
                                          "bronze/tickers",       "bronze/renames",      "cache/daily",
                                          "universe/info_rich"};
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(folders); i++)
        code = put_table(lake, folders[i], sheet, err);
    return code;
}

static enum td_code put_cache(const struct td_manifest *manifest, struct td_sheet *sheet, struct td_err *err)
{
    char brief[64], detail[128], last[16] = "none";
    uint64_t rows = 0, bytes = 0;
    td_day newest = TD_NO_DAY;
    for (size_t i = 0; i < manifest->count; i++) {
        rows += manifest->entries[i].rows;
        bytes += manifest->entries[i].bytes;
        newest = manifest->entries[i].last > newest ? manifest->entries[i].last : newest;
    }
    if (newest != TD_NO_DAY)
        td_format_day(newest, last);
    td_snprintf(brief, sizeof brief, "%zu tickers, %llu rows", manifest->count, (unsigned long long)rows);
    td_snprintf(detail, sizeof detail, "preset %s, bars %s, generation %llu, through %s", manifest->preset,
                manifest->bars, (unsigned long long)manifest->generation, last);
    struct fact fact = fact_of("cache", "daily", "built", detail);
    fact.numbers[FILES] = manifest->count;
    fact.numbers[BYTES] = bytes;
    fact.numbers[ROWS] = rows;
    fact.brief = brief;
    return put_fact(sheet, &fact, err);
}

static enum td_code cache_facts(const struct td_lake *lake, struct td_sheet *sheet, struct td_err *err)
{
    struct td_manifest manifest;
    struct td_err none = {0};
    enum td_code code = td_manifest_read(lake, &manifest, &none);
    if (code == TD_OK) {
        code = put_cache(&manifest, sheet, err);
        td_manifest_free(&manifest);
        return code;
    }
    bool missing = code == TD_MISSING;
    const struct fact fact = fact_of("cache", "daily", missing ? "missing" : "damaged",
                                     missing ? "build it with 'tapedeck cache build'" : none.text);
    return put_fact(sheet, &fact, err);
}

static enum td_code universe_facts(const struct td_lake *lake, struct td_sheet *sheet, struct td_err *err)
{
    struct td_days built = {0};
    char brief[64], detail[64] = "build them with 'tapedeck universe build'", first[16], last[16];
    enum td_code code = td_watch_days(lake, &built, err);
    if (code == TD_OK) {
        td_snprintf(brief, sizeof brief, "%zu watchlists", built.count);
        if (built.count) {
            td_format_day(built.items[0], first);
            td_format_day(built.items[built.count - 1], last);
            td_snprintf(detail, sizeof detail, "%s..%s", first, last);
        }
        struct fact fact = fact_of("universe", "info_rich", built.count ? "built" : "missing", detail);
        fact.numbers[FILES] = built.count;
        fact.brief = brief;
        code = put_fact(sheet, &fact, err);
    }
    td_days_free(&built);
    return code;
}

static enum td_code job_facts(const struct td_lake *lake, struct td_sheet *sheet, struct td_err *err)
{
    struct td_job_view views[64];
    size_t n = td_job_live(lake, views, TD_COUNT(views));
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < n; i++) {
        const struct td_job_counts *c = &views[i].counts;
        char name[64], line[256];
        td_snprintf(name, sizeof name, "%s (pid %ld)", views[i].kind, views[i].pid);
        td_job_line(&views[i], 100, line, sizeof line);
        struct fact fact = fact_of("job", name, td_job_state_name(views[i].state), views[i].title);
        const uint64_t numbers[NUMBERS] = {NONE,  c->bytes, c->rows_written, c->planned,
                                           c->ok, c->empty, c->skipped,      c->failed};
        memcpy(fact.numbers, numbers, sizeof numbers);
        fact.more = line;
        code = put_fact(sheet, &fact, err);
    }
    return code;
}

/* ---- runs of the journal ---- */

/* Where the last `lines` lines of a text begin; its end for none. */
static size_t last_lines(const char *text, size_t len, int64_t lines)
{
    size_t at = len;
    for (; lines > 0 && at > 0; lines--) {
        at--; /* the newline that ends the line, or its last byte where a killed run left half a line */
        while (at > 0 && text[at - 1] != '\n')
            at--;
    }
    return at;
}

static uint64_t doc_number(const struct td_doc *doc, const char *key)
{
    int64_t value;
    return td_doc_i64(doc, key, &value) && value >= 0 ? (uint64_t)value : NONE;
}

static enum td_code put_run(const struct td_doc *doc, struct td_sheet *sheet, struct td_err *err)
{
    char detail[700], more[800];
    const char *what = td_doc_text(doc, "what"), *ended = td_doc_text(doc, "ended"), *state = td_doc_text(doc, "state"),
               *ok = td_doc_text(doc, "ok"), *failed = td_doc_text(doc, "failed"),
               *message = td_doc_text(doc, "message");
    td_snprintf(detail, sizeof detail, "%s  %s%s%s", ended ? ended : "", what ? what : "", message ? "  " : "",
                message ? message : "");
    td_snprintf(more, sizeof more, "%s  %s  ok %s failed %s%s%s", ended ? ended : "", what ? what : "", ok ? ok : "?",
                failed ? failed : "?", message ? " " : "", message ? message : "");
    struct fact fact = fact_of("run", td_doc_text(doc, "job"), state, detail);
    static const char *const keys[NUMBERS] = {NULL, "bytes", "rows_written", "units_planned",
                                              "ok", "empty", "skipped",      "failed"};
    for (size_t i = 0; i < NUMBERS; i++)
        fact.numbers[i] = keys[i] ? doc_number(doc, keys[i]) : NONE;
    fact.brief = state ? state : "?";
    fact.more = more;
    return put_fact(sheet, &fact, err);
}

static enum td_code journal_facts(const struct td_lake *lake, int64_t runs, struct td_sheet *sheet, struct td_err *err)
{
    char path[1100];
    struct td_buf text;
    td_snprintf(path, sizeof path, "%s/_runs/journal.jsonl", td_lake_root(lake));
    td_buf_init(&text, (size_t)256 << 20);
    enum td_code code = td_file_exists(path) ? td_file_read(path, (size_t)128 << 20, &text, err) : TD_OK;
    for (size_t i = last_lines(text.data, text.len, runs); code == TD_OK && i < text.len;) {
        size_t n = strcspn(text.data + i, "\n");
        struct td_arena arena;
        struct td_doc *doc = NULL;
        td_arena_init(&arena, 1 << 20);
        if (td_doc_parse(text.data + i, n, path, &arena, &doc, NULL) == TD_OK && td_doc_text(doc, "job"))
            code = put_run(doc, sheet, err);
        td_arena_free(&arena);
        i += n + 1;
    }
    td_buf_free(&text);
    return code;
}

/* ---- proof ---- */

struct verify_ctx {
    struct td_sheet *sheet;
    struct td_err *err;
    enum td_code code;
    uint64_t count;
};

static void note_difference(void *arg, const char *difference)
{
    struct verify_ctx *ctx = arg;
    ctx->count++;
    const struct fact fact = fact_of("verify", "lake", "differs", difference);
    if (ctx->code == TD_OK && ctx->count <= 1000)
        ctx->code = put_fact(ctx->sheet, &fact, ctx->err);
}

/* The manifest against the cache, then every other file against itself. A lake without a cache yet is no difference. */
static enum td_code verify_facts(const struct td_lake *lake, struct td_sheet *sheet, uint64_t *differences,
                                 struct td_err *err)
{
    struct td_manifest manifest = {0};
    struct td_err why = {0};
    struct verify_ctx ctx = {.sheet = sheet, .err = err};
    uint64_t files = 0;
    char found[96];
    enum td_code code = td_manifest_read(lake, &manifest, &why);
    if (code == TD_OK || code == TD_MISSING) /* without a manifest every file of the cache is a stranger */
        code = td_manifest_verify(lake, &manifest, note_difference, &ctx, err);
    else if (code == TD_DATA) {
        note_difference(&ctx, why.text);
        code = TD_OK;
    } else if (err)
        *err = why;
    td_manifest_free(&manifest);
    if (code == TD_OK)
        code = td_lake_verify(lake, note_difference, &ctx, &files, err);
    *differences = ctx.count;
    td_snprintf(found, sizeof found, "the manifests and %llu other files on disk agree", (unsigned long long)files);
    const struct fact good = fact_of("verify", "lake", "good", found);
    if (code == TD_OK && ctx.count == 0)
        code = put_fact(sheet, &good, err);
    return code == TD_OK ? ctx.code : code;
}

/* ---- the command ---- */

static enum td_code begin_sheet(bool table, struct td_sheet *sheet, struct td_err *err)
{
    static const char *const brief[] = {"section", "name", "state", "detail"};
    static const char *const names[] = {"section",       "name", "state", "files",   "bytes",  "rows",
                                        "units_planned", "ok",   "empty", "skipped", "failed", "detail"};
    enum td_kind kinds[TD_COUNT(names)];
    for (size_t i = 0; i < TD_COUNT(names); i++)
        kinds[i] = !table && i >= 3 && i < 3 + NUMBERS ? TD_KIND_U64 : TD_KIND_STR;
    return table ? td_sheet_init(sheet, brief, kinds, TD_COUNT(brief), err)
                 : td_sheet_init(sheet, names, kinds, TD_COUNT(names), err);
}

static enum td_code gather_status(struct td_app *app, const struct td_args *args, bool table, struct td_sheet *sheet,
                                  uint64_t *differences, struct td_err *err)
{
    const struct fact lake = fact_of("lake", app->lake_root, "open", td_conf_origin(app->conf, "lake"));
    enum td_code code = begin_sheet(table, sheet, err);
    if (code == TD_OK)
        code = put_fact(sheet, &lake, err);
    if (code == TD_OK)
        code = table_facts(app->lake, sheet, err);
    if (code == TD_OK)
        code = cache_facts(app->lake, sheet, err);
    if (code == TD_OK)
        code = universe_facts(app->lake, sheet, err);
    if (code == TD_OK)
        code = job_facts(app->lake, sheet, err);
    if (code == TD_OK)
        code = journal_facts(app->lake, td_args_int(args, "runs", 5), sheet, err);
    if (code == TD_OK && td_args_flag(args, "verify"))
        code = verify_facts(app->lake, sheet, differences, err);
    return code;
}

/* One line a running job, again and again until none runs or a signal comes. */
static enum td_code follow(struct td_app *app, struct td_out *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (bool running = true; code == TD_OK && running;) {
        struct td_job_view views[64];
        size_t n = td_job_live(app->lake, views, TD_COUNT(views));
        running = false;
        for (size_t i = 0; code == TD_OK && i < n; i++) {
            char line[256];
            td_job_line(&views[i], 100, line, sizeof line);
            running = running || views[i].state < TD_JOB_DONE;
            code = td_out_printf(out, err, "%s %ld %s %s\n", views[i].kind, views[i].pid,
                                 td_job_state_name(views[i].state), line);
        }
        if (running && app->interrupted && app->interrupted(app->interrupted_ctx, 1000))
            return td_fail(err, TD_CANCELLED, "interrupted");
        running = running && app->interrupted;
    }
    return code;
}

static enum td_code run_status(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct td_sheet sheet = {0};
    uint64_t differences = 0;
    enum td_code code = td_app_lake(app, false, err);
    if (code == TD_OK && td_args_flag(args, "follow"))
        return follow(app, out, err);
    if (code == TD_OK)
        code = gather_status(app, args, out->format == TD_FORMAT_TABLE, &sheet, &differences, err);
    if (code == TD_OK)
        code = command_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    if (code == TD_OK && differences)
        code = td_fail(err, TD_DATA,
                       "%llu differences; what is damaged in cache and universe is rebuilt by 'tapedeck cache build "
                       "--rebuild' and 'tapedeck universe build', in bronze by fetching it again",
                       (unsigned long long)differences);
    return code;
}

static const struct td_arg_def status_args[] = {
    ARG("verify", .type = TD_ARG_FLAG,
        .help = "decode every file and compare what the lake says of itself with the disk"),
    ARG("follow", .type = TD_ARG_FLAG, .help = "show running jobs of every process until they end"),
    ARG("runs", .type = TD_ARG_INT, .metavar = "N", .value = "5", .help = "newest runs of the journal to show"),
};
const struct td_command status_commands[] = {
    {.name = "status",
     .group = "house",
     .summary = "what the lake holds, what runs, what ran",
     .args = status_args,
     .arg_count = TD_COUNT(status_args),
     .run = run_status,
     .help = "Jobs of every process are shown, also a cron job's; a job whose process died is 'interrupted'.\n\n"
             "  tapedeck status --verify\n  tapedeck status --follow"},
};
const size_t status_command_count = TD_COUNT(status_commands);
