/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that keep house: status, config, doctor, help. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command_internal.h"

static struct td_cell text_cell(const char *text)
{
    return (struct td_cell){.kind = TD_KIND_STR, .v.s = td_str_of(text)};
}

/* A sheet of text columns, written at once. */
static enum td_code put_texts(struct td_sheet *sheet, const char *const *texts, struct td_err *err)
{
    struct td_cell cells[8];
    for (size_t i = 0; i < sheet->column_count; i++)
        cells[i] = texts[i] ? text_cell(texts[i]) : (struct td_cell){.kind = TD_KIND_NULL};
    return td_sheet_row(sheet, cells, err);
}

static enum td_code show_sheet(const struct td_sheet *sheet, struct td_out *out, struct td_err *err)
{
    struct td_view_column columns[16];
    struct td_model model;
    td_sheet_model(sheet, columns, &model);
    return td_out_model(out, &model, NULL, 0, err);
}

/* ---- status ---- */

static enum td_code put_fact(struct td_sheet *sheet, const char *section, const char *name, const char *state,
                             const char *detail, struct td_err *err)
{
    return put_texts(sheet, (const char *const[]){section, name, state, detail}, err);
}

static enum td_code table_facts(const struct td_lake *lake, struct td_sheet *sheet, struct td_err *err)
{
    static const char *const folders[] = {"bronze/stocks_minute", "bronze/stocks_daily", "bronze/splits",
                                          "bronze/tickers",       "bronze/renames",      "cache/daily",
                                          "universe/info_rich"};
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(folders); i++) {
        struct td_lake_counts counts;
        char files[64], detail[128] = "";
        code = td_lake_count(lake, folders[i], &counts, err);
        td_snprintf(files, sizeof files, "%llu files", (unsigned long long)counts.files);
        td_snprintf(detail, sizeof detail, "%llu bytes", (unsigned long long)counts.bytes);
        if (counts.leftovers)
            td_snprintf(detail + strlen(detail), sizeof detail - strlen(detail),
                        ", %llu leftovers of a killed run (the next run removes them)",
                        (unsigned long long)counts.leftovers);
        if (code == TD_OK)
            code = put_fact(sheet, "table", folders[i], files, detail, err);
    }
    return code;
}

static enum td_code cache_facts(const struct td_lake *lake, struct td_sheet *sheet, struct td_err *err)
{
    struct td_manifest manifest;
    struct td_days built = {0};
    struct td_err none = {0};
    enum td_code code = td_manifest_read(lake, &manifest, &none);
    if (code == TD_MISSING)
        code = put_fact(sheet, "cache", "daily", "missing", "build it with 'tapedeck cache build'", err);
    else if (code != TD_OK)
        code = put_fact(sheet, "cache", "daily", "damaged", none.text, err);
    else {
        char state[64], detail[128], last[16] = "none";
        uint64_t rows = 0;
        td_day newest = TD_NO_DAY;
        for (size_t i = 0; i < manifest.count; i++) {
            rows += manifest.entries[i].rows;
            newest = manifest.entries[i].last > newest ? manifest.entries[i].last : newest;
        }
        if (newest != TD_NO_DAY)
            td_format_day(newest, last);
        td_snprintf(state, sizeof state, "%zu tickers, %llu rows", manifest.count, (unsigned long long)rows);
        td_snprintf(detail, sizeof detail, "preset %s, bars %s, generation %llu, through %s", manifest.preset,
                    manifest.bars, (unsigned long long)manifest.generation, last);
        code = put_fact(sheet, "cache", "daily", state, detail, err);
        td_manifest_free(&manifest);
    }
    if (code == TD_OK)
        code = td_watch_days(lake, &built, err);
    if (code == TD_OK) {
        char state[64], detail[64] = "build them with 'tapedeck universe build'", first[16], last[16];
        td_snprintf(state, sizeof state, "%zu watchlists", built.count);
        if (built.count) {
            td_format_day(built.items[0], first);
            td_format_day(built.items[built.count - 1], last);
            td_snprintf(detail, sizeof detail, "%s..%s", first, last);
        }
        code = put_fact(sheet, "universe", "info_rich", state, detail, err);
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
        char name[64], line[256];
        td_snprintf(name, sizeof name, "%s (pid %ld)", views[i].kind, views[i].pid);
        td_job_line(&views[i], 100, line, sizeof line);
        code = put_fact(sheet, "job", name, td_job_state_name(views[i].state), line, err);
    }
    return code;
}

static enum td_code journal_facts(const struct td_lake *lake, int64_t runs, struct td_sheet *sheet, struct td_err *err)
{
    char path[1100];
    struct td_buf text;
    td_snprintf(path, sizeof path, "%s/_runs/journal.jsonl", td_lake_root(lake));
    td_buf_init(&text, (size_t)256 << 20);
    enum td_code code = td_file_exists(path) ? td_file_read(path, (size_t)128 << 20, &text, err) : TD_OK;
    size_t begin = text.len;
    for (int64_t lines = 0; begin > 0 && lines <= runs; begin -= lines <= runs)
        lines += text.data[begin - 1] == '\n' && begin < text.len;
    for (size_t i = begin; code == TD_OK && i < text.len;) {
        size_t n = strcspn(text.data + i, "\n");
        struct td_arena arena;
        struct td_doc *doc = NULL;
        td_arena_init(&arena, 1 << 20);
        if (td_doc_parse(text.data + i, n, path, &arena, &doc, NULL) == TD_OK && td_doc_text(doc, "job")) {
            char detail[512];
            const char *what = td_doc_text(doc, "what"), *ended = td_doc_text(doc, "ended"),
                       *state = td_doc_text(doc, "state"), *ok = td_doc_text(doc, "ok"),
                       *failed = td_doc_text(doc, "failed"), *message = td_doc_text(doc, "message");
            td_snprintf(detail, sizeof detail, "%s  %s  ok %s failed %s %s", ended ? ended : "", what ? what : "",
                        ok ? ok : "?", failed ? failed : "?", message ? message : "");
            code = put_fact(sheet, "run", td_doc_text(doc, "job"), state ? state : "?", detail, err);
        }
        td_arena_free(&arena);
        i += n + 1;
    }
    td_buf_free(&text);
    return code;
}

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
    if (ctx->code == TD_OK && ctx->count <= 1000)
        ctx->code = put_fact(ctx->sheet, "verify", "lake", "differs", difference, ctx->err);
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
    if (code == TD_OK)
        code = td_manifest_verify(lake, &manifest, note_difference, &ctx, err);
    else if (code == TD_MISSING)
        code = TD_OK;
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
    if (code == TD_OK && ctx.count == 0)
        code = put_fact(sheet, "verify", "lake", "good", found, err);
    return code == TD_OK ? ctx.code : code;
}

static enum td_code gather_status(struct td_app *app, const struct td_args *args, struct td_sheet *sheet,
                                  uint64_t *differences, struct td_err *err)
{
    static const char *const names[] = {"section", "name", "state", "detail"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR};
    enum td_code code = td_sheet_init(sheet, names, kinds, TD_COUNT(names), err);
    if (code == TD_OK)
        code = put_fact(sheet, "lake", app->lake_root, "open", td_conf_origin(app->conf, "lake"), err);
    if (code == TD_OK)
        code = table_facts(app->lake, sheet, err);
    if (code == TD_OK)
        code = cache_facts(app->lake, sheet, err);
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
        code = gather_status(app, args, &sheet, &differences, err);
    if (code == TD_OK)
        code = show_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    if (code == TD_OK && differences)
        code = td_fail(err, TD_DATA,
                       "%llu differences; what is damaged in cache and universe is rebuilt by 'tapedeck cache build --rebuild' and 'tapedeck universe build', in bronze by fetching it again",
                       (unsigned long long)differences);
    return code;
}

/* ---- config ---- */

static enum td_code put_conf(const struct td_conf *conf, struct td_sheet *sheet, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < td_conf_count(conf); i++) {
        const struct td_conf_key *key = td_conf_key_at(conf, i);
        code = put_texts(
            sheet,
            (const char *const[]){key->path, td_conf_text(conf, key->path), td_conf_origin(conf, key->path), key->help},
            err);
    }
    return code;
}

static enum td_code run_config(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"key", "value", "origin", "meaning"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR};
    struct td_sheet sheet = {0};
    (void)args;
    enum td_code code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    if (code == TD_OK)
        code = put_conf(app->conf, &sheet, err);
    if (code == TD_OK)
        code = put_conf(app->universe, &sheet, err);
    if (code == TD_OK)
        code = show_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    return code;
}

/* ---- doctor ---- */

static enum td_code check(struct td_sheet *sheet, const char *what, bool good, const char *found, const char *fix,
                          struct td_err *err)
{
    return put_texts(sheet, (const char *const[]){what, good ? "good" : "look", found, good ? NULL : fix}, err);
}

static enum td_code check_lake(struct td_app *app, struct td_sheet *sheet, struct td_err *err)
{
    struct td_err why = {0};
    char found[700];
    enum td_code open = td_app_lake(app, false, &why);
    uint64_t room = td_disk_free(app->lake_root), floor = td_conf_size(app->conf, "limits.disk_free");
    td_snprintf(found, sizeof found, "%s (%s)%s%s", app->lake_root, td_conf_origin(app->conf, "lake"),
                open == TD_OK ? "" : ": ", open == TD_OK ? "" : why.text);
    enum td_code code = check(sheet, "lake", open == TD_OK, found,
                              "fill one with 'tapedeck demo', 'ingest' or 'import', or name it with --lake", err);
    if (code == TD_OK && open == TD_OK) {
        bool writable = access(app->lake_root, W_OK) == 0;
        code = check(sheet, "lake writable", writable, writable ? "yes" : "no",
                     "give this user write permission on the folder", err);
    }
    td_snprintf(found, sizeof found, "%llu MiB, floor %llu MiB", (unsigned long long)(room >> 20),
                (unsigned long long)(floor >> 20));
    return code == TD_OK ? check(sheet, "disk free", room >= floor, found, "make room, or lower limits.disk_free", err)
                         : code;
}

static enum td_code check_terminal(struct td_app *app, struct td_sheet *sheet, struct td_err *err)
{
    const char *term = getenv("TERM"), *charset = setlocale(LC_CTYPE, NULL);
    enum td_code code = check(sheet, "TERM", term && *term && strcmp(term, "dumb") != 0, term && *term ? term : "unset",
                              "set TERM to your terminal's name, for example xterm-256color", err);
    bool utf8 = charset && (strstr(charset, "UTF-8") || strstr(charset, "utf8"));
    if (code == TD_OK)
        code =
            check(sheet, "locale", utf8, charset ? charset : "?", "charts fall back to ASCII; set LC_ALL=C.UTF-8", err);
    if (code != TD_OK || !app->terminal_report)
        return code;
    struct td_buf lines;
    td_buf_init(&lines, 65536);
    app->terminal_report(app->progress_ctx, &lines);
    for (size_t i = 0; code == TD_OK && i < lines.len;) {
        size_t n = strcspn(lines.data + i, "\n");
        char line[256];
        td_snprintf(line, sizeof line, "%.*s", (int)(n < 250 ? n : 250), lines.data + i);
        code = check(sheet, "terminal", true, line, NULL, err);
        i += n + 1;
    }
    td_buf_free(&lines);
    return code;
}

static enum td_code check_key(struct td_app *app, const struct td_args *args, struct td_sheet *sheet,
                              struct td_err *err)
{
    char key[256] = "";
    const char *base_url = "";
    struct td_err why = {0};
    enum td_code have = command_vendor(app, args, &base_url, key, &why);
    enum td_code code = check(sheet, "vendor key", have == TD_OK, have == TD_OK ? "found (not shown)" : why.text,
                              "set MASSIVE_API_KEY", err);
    if (code != TD_OK || !td_args_flag(args, "network"))
        return code;
    if (have != TD_OK)
        return check(sheet, "network", false, "not tried without a key", "set MASSIVE_API_KEY", err);
    double seconds = 0;
    enum td_code reached = td_job_probe(base_url, key, &seconds, &why);
    char found[600];
    if (reached == TD_OK)
        td_snprintf(found, sizeof found, "%s answered in %.3f s", base_url, seconds);
    else
        td_copy(found, sizeof found, why.text);
    return check(sheet, "network", reached == TD_OK, found, "check the address (base_url), the key and the connection",
                 err);
}

static enum td_code run_doctor(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"check", "state", "found", "fix"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR};
    struct td_sheet sheet = {0};
    char cores[64], clock[48];
    td_snprintf(cores, sizeof cores, "%u cores, tapedeck " TD_VERSION, td_cpu_count());
    td_format_ny(td_now_ms(), clock);
    enum td_code code = td_sheet_init(&sheet, names, kinds, TD_COUNT(names), err);
    if (code == TD_OK)
        code = check(&sheet, "machine", true, cores, NULL, err);
    if (code == TD_OK)
        code = check(&sheet, "exchange time", true, clock, NULL, err);
    if (code == TD_OK)
        code = check_terminal(app, &sheet, err);
    if (code == TD_OK)
        code = check_lake(app, &sheet, err);
    if (code == TD_OK)
        code = check_key(app, args, &sheet, err);
    if (code == TD_OK)
        code = show_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    return code;
}

/* ---- help ---- */

static enum td_code run_help(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    char name[128] = "";
    struct td_buf text;
    (void)app;
    td_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < td_args_count(args, "topic"); i++)
        td_snprintf(name + strlen(name), sizeof name - strlen(name), "%s%s", i ? " " : "",
                    td_args_nth(args, "topic", i));
    const struct td_command *command = *name ? td_command_find(name) : NULL;
    enum td_code code = TD_OK;
    if (td_args_flag(args, "man-table"))
        td_help_man_table(&text);
    else if (td_args_flag(args, "bash-completion"))
        td_help_bash_completion(&text);
    else if (*name && !command && help_group(name, &text))
        code = TD_OK;
    else if (*name && !command)
        code = td_fail(err, TD_USAGE, "no command '%s'%s%s%s; see 'tapedeck help'", name,
                       *nearest_command(name) ? " (did you mean '" : "", nearest_command(name),
                       *nearest_command(name) ? "'?)" : "");
    else
        code = command ? td_help_command(command, &text) : td_help_overview(&text);
    if (code == TD_OK)
        code = td_buf_check(&text, "help", err);
    if (code == TD_OK)
        code = td_out_text(out, text.data ? text.data : "", err);
    td_buf_free(&text);
    return code;
}

static const struct td_arg_def status_args[] = {
    ARG("verify", .type = TD_ARG_FLAG, .help = "decode every file and compare what the lake says of itself with the disk"),
    ARG("follow", .type = TD_ARG_FLAG, .help = "show running jobs of every process until they end"),
    ARG("runs", .type = TD_ARG_INT, .metavar = "N", .value = "5", .help = "newest runs of the journal to show"),
};
static const struct td_arg_def doctor_args[] = {
    ARG("network", .type = TD_ARG_FLAG, .help = "make one authenticated request"),
    ARG("base-url", .type = TD_ARG_TEXT, .metavar = "URL", .help = "another server"),
};
static const struct td_arg_def help_args[] = {
    ARG("topic", .positional = true, .repeated = true, .type = TD_ARG_TOPIC, .metavar = "COMMAND",
        .help = "the command to explain"),
    ARG("man-table", .type = TD_ARG_FLAG, .help = "the manual's COMMANDS section, in roff"),
    ARG("bash-completion", .type = TD_ARG_FLAG, .help = "a completion script for bash"),
};

const struct td_command house_commands[] = {
    {.name = "status",
     .group = "house",
     .summary = "what the lake holds, what runs, what ran",
     .args = status_args,
     .arg_count = TD_COUNT(status_args),
     .run = run_status,
     .help = "Jobs of every process are shown, also a cron job's; a job whose process died is 'interrupted'.\n\n"
             "  tapedeck status --verify\n  tapedeck status --follow"},
    {.name = "config",
     .group = "house",
     .summary = "every setting with its value and where it came from",
     .run = run_config},
    {.name = "doctor",
     .group = "house",
     .summary = "check terminal, locale, lake and credentials",
     .args = doctor_args,
     .arg_count = TD_COUNT(doctor_args),
     .run = run_doctor,
     .help = "  tapedeck doctor\n  tapedeck doctor --network"},
    {.name = "help",
     .group = "house",
     .summary = "this list, or one command explained",
     .args = help_args,
     .arg_count = TD_COUNT(help_args),
     .run = run_help,
     .help = "  tapedeck help\n  tapedeck help cache build"},
};
const size_t house_command_count = TD_COUNT(house_commands);
