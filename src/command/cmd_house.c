/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that keep house: config, doctor, help. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
        code = command_sheet(&sheet, out, err);
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

/* *network is filled in when a request was asked for and no answer of use came: whatever the cause, the vendor is out
 * of reach. */
static enum td_code check_key(struct td_app *app, const struct td_args *args, struct td_sheet *sheet,
                              struct td_err *network, struct td_err *err)
{
    char key[256] = "";
    const char *base_url = "";
    struct td_err why = {0};
    enum td_code have = command_vendor(app, args, &base_url, key, &why);
    enum td_code code = check(sheet, "vendor key", have == TD_OK, have == TD_OK ? "found (not shown)" : why.text,
                              "set MASSIVE_API_KEY", err);
    if (code != TD_OK || !td_args_flag(args, "network"))
        return code;
    if (have != TD_OK) {
        *network = why;
        return check(sheet, "network", false, "not tried without a key", "set MASSIVE_API_KEY", err);
    }
    double seconds = 0;
    enum td_code reached = td_job_probe(base_url, key, &seconds, &why);
    char found[600];
    if (reached == TD_OK) {
        td_snprintf(found, sizeof found, "%s answered in %.3f s", base_url, seconds);
    } else {
        td_copy(found, sizeof found, why.text);
        *network = why;
        if (td_exit_status(reached) != td_exit_status(TD_NETWORK) && reached != TD_CANCELLED && reached != TD_NOMEM)
            network->code = TD_NETWORK; /* an answer that is none: it was not reached */
    }
    return check(sheet, "network", reached == TD_OK, found, "check the address (base_url), the key and the connection",
                 err);
}

/* For people: a block a check, so that neither what was found nor what to do about it is ever cut. */
static enum td_code print_checks(const struct td_sheet *sheet, struct td_out *out, struct td_err *err)
{
    struct td_buf text;
    td_buf_init(&text, 1 << 20);
    for (size_t row = 0; row < sheet->rows; row++) {
        const struct td_cell *cells = sheet->cells + row * sheet->column_count;
        const struct td_str state = cells[1].v.s, what = cells[0].v.s, found = cells[2].v.s, fix = cells[3].v.s;
        td_buf_printf(&text, "%-5.*s %-14.*s ", (int)state.len, state.ptr, (int)what.len, what.ptr);
        td_buf_add_printable(&text, found.ptr, found.len);
        if (cells[3].kind != TD_KIND_NULL) {
            td_buf_adds(&text, "\n      fix: ");
            td_buf_add_printable(&text, fix.ptr, fix.len);
        }
        td_buf_addc(&text, '\n');
    }
    enum td_code code = td_buf_check(&text, "the doctor's report", err);
    if (code == TD_OK)
        code = td_out_text(out, text.data ? text.data : "", err);
    td_buf_free(&text);
    return code;
}

static enum td_code run_doctor(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    static const char *const names[] = {"check", "state", "found", "fix"};
    static const enum td_kind kinds[] = {TD_KIND_STR, TD_KIND_STR, TD_KIND_STR, TD_KIND_STR};
    struct td_sheet sheet = {0};
    struct td_err network = {0};
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
        code = check_key(app, args, &sheet, &network, err);
    if (code == TD_OK)
        code = out->format == TD_FORMAT_TABLE ? print_checks(&sheet, out, err) : command_sheet(&sheet, out, err);
    td_sheet_free(&sheet);
    if (code == TD_OK && network.code != TD_OK)
        code = td_fail(err, network.code, "%s", network.text);
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
