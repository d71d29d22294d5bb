/* SPDX-License-Identifier: GPL-3.0-or-later
 * The application: configuration by precedence, the lake and the engine when first needed. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command_internal.h"

static const struct td_conf_key keys[] = {
    {"lake", TD_CONF_STRING, "", "TAPEDECK_LAKE", NULL, "folder of the lake; empty = $XDG_DATA_HOME/tapedeck/lake"},
    {"base_url", TD_CONF_STRING, "https://api.massive.com", "TAPEDECK_BASE_URL", NULL, "REST address of the vendor"},
    {"limits.memory", TD_CONF_SIZE, "512MiB", "TAPEDECK_MEMORY", NULL, "budget of queues and buffers"},
    {"limits.workers", TD_CONF_INT, "0", "TAPEDECK_WORKERS", NULL, "worker threads; 0 = cores"},
    {"limits.disk_free", TD_CONF_SIZE, "1GiB", "TAPEDECK_DISK_FREE", NULL, "jobs stop cleanly when less is free"},
    {"ingest.max_concurrent", TD_CONF_INT, "16", "TAPEDECK_MAX_CONCURRENT", NULL, "requests in flight"},
    {"ingest.retries", TD_CONF_INT, "5", "TAPEDECK_RETRIES", NULL, "retries of one request"},
    {"ingest.timeout", TD_CONF_INT, "60", "TAPEDECK_TIMEOUT", NULL, "seconds for one request"},
    {"ui.theme", TD_CONF_STRING, "dark", "TAPEDECK_THEME", NULL, "a file of themes/ without its .yaml"},
    {"ui.mouse", TD_CONF_BOOL, "true", "TAPEDECK_MOUSE", NULL, "mouse in the deck"},
    {"ui.clock", TD_CONF_BOOL, "true", "TAPEDECK_CLOCK", NULL, "clock in the deck's status line"},
    {"ui.glyphs", TD_CONF_STRING, "auto", "TAPEDECK_GLYPHS", "auto|ascii|block|braille", "characters of charts"},
    {"ui.color", TD_CONF_STRING, "auto", "TAPEDECK_COLOR", "auto|always|never", "colours"},
    {"log.file", TD_CONF_STRING, "", "TAPEDECK_LOG", NULL, "log file; empty = $XDG_STATE_HOME/tapedeck/tapedeck.log"},
    {"log.level", TD_CONF_STRING, "info", "TAPEDECK_LOG_LEVEL", "error|warn|info|debug", "what is logged"},
};

static const struct td_conf_key universe_keys[] = {
    {"thresholds.rvol", TD_CONF_DOUBLE, "2.0", NULL, NULL, "least rvol30"},
    {"thresholds.pctchg", TD_CONF_DOUBLE, "0.15", NULL, NULL, "least |pctchg_d|, a fraction"},
    {"thresholds.dvol", TD_CONF_DOUBLE, "5000000", NULL, NULL, "least dollar_vol_d"},
    {"thresholds.min_price", TD_CONF_DOUBLE, "0.5", NULL, NULL, "least close_d"},
    {"thresholds.max_price", TD_CONF_DOUBLE, "20.0", NULL, NULL, "greatest close_d"},
    {"thresholds.cap_max", TD_CONF_DOUBLE, "2000000000", NULL, NULL, "greatest market_cap_d; 0 = no limit"},
    {"membership.types", TD_CONF_LIST, "CS,ADRC", NULL, NULL, "security types that may be listed"},
    {"membership.exchanges", TD_CONF_LIST, "XNAS,XNYS,XASE", NULL, NULL, "primary exchanges that may be listed"},
    {"membership.test_tickers", TD_CONF_STRING, "drop", NULL, "drop|keep", "exchange test symbols"},
    {"membership.type_unknown", TD_CONF_STRING, "pass", NULL, "drop|pass", "tickers of unknown type"},
    {"membership.cap_unknown", TD_CONF_STRING, "pass", NULL, "drop|pass", "tickers of unknown market cap"},
    {"membership.split_suspect", TD_CONF_STRING, "drop", NULL, "drop|pass", "rows that look like an unannounced split"},
    {"processing.parallel", TD_CONF_INT, "8", NULL, NULL, "units at a time"},
    {"processing.compression", TD_CONF_STRING, "zstd", NULL, "zstd", "codec of the files"},
    {"processing.compression_level", TD_CONF_INT, "2", NULL, NULL, "its level"},
    {"processing.top_k", TD_CONF_INT, "200", NULL, NULL, "rows of topN_12m.csv"},
};

/* $NAME/tail, or $HOME/fallback/tail. False when neither is set. */
static bool xdg_path(const char *name, const char *fallback, const char *tail, char *out, size_t size)
{
    const char *base = getenv(name), *home = getenv("HOME");
    if (base && *base)
        return td_snprintf(out, size, "%s/%s", base, tail);
    return home && *home && td_snprintf(out, size, "%s/%s/%s", home, fallback, tail);
}

bool command_share_path(const char *name, char *out, size_t size)
{
    char exe[1024];
    const char *set = getenv("TAPEDECK_SHARE");
    if (set && *set)
        return td_snprintf(out, size, "%s/%s", set, name) && td_file_exists(out);
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return false;
    exe[n] = 0;
    static const char *const places[] = {"../../..", "../..", "../share/tapedeck"}; /* a build tree, or installed */
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < TD_COUNT(places); i++) {
        char plain[PATH_MAX]; /* this path is shown as the origin of settings: without detours */
        if (!td_snprintf(out, size, "%s/%s/%s", exe, places[i], name) || !td_file_exists(out))
            continue;
        if (realpath(out, plain) && strlen(plain) < size)
            td_copy(out, size, plain);
        return true;
    }
    return false;
}

static enum td_code load_pair(struct td_conf *conf, const char *name, const char *user, struct td_err *err)
{
    char path[1200], tail[128];
    enum td_code code = TD_OK;
    td_snprintf(tail, sizeof tail, "configs/%s", name);
    if (command_share_path(tail, path, sizeof path))
        code = td_conf_load(conf, path, err);
    td_snprintf(tail, sizeof tail, "tapedeck/%s", name);
    if (code == TD_OK && user) {
        if (!td_file_exists(user))
            return td_fail(err, TD_CONFIG, "%s: no such configuration file (named with --config)", user);
        code = td_conf_load(conf, user, err);
    } else if (code == TD_OK && xdg_path("XDG_CONFIG_HOME", ".config", tail, path, sizeof path) &&
               td_file_exists(path)) {
        code = td_conf_load(conf, path, err);
    }
    return code;
}

/* A configuration file is read by no shell: `~` at the start of a path is the user's home here too. */
static enum td_code expand_home(const char *what, const char *text, char *out, size_t size, struct td_err *err)
{
    const char *home = getenv("HOME");
    bool tilde = text[0] == '~' && (!text[1] || text[1] == '/');
    if (tilde && !(home && *home))
        return td_fail(err, TD_CONFIG, "%s: '%s': HOME is not set", what, text);
    return td_snprintf(out, size, "%s%s", tilde ? home : "", text + tilde)
               ? TD_OK
               : td_fail(err, TD_CONFIG, "%s: the path is too long", what);
}

static enum td_code settle_lake(struct td_app *app, struct td_err *err)
{
    const char *lake = td_conf_text(app->conf, "lake");
    if (*lake)
        return expand_home("lake", lake, app->lake_root, sizeof app->lake_root, err);
    if (!xdg_path("XDG_DATA_HOME", ".local/share", "tapedeck/lake", app->lake_root, sizeof app->lake_root))
        return td_fail(err, TD_CONFIG, "no lake: neither --lake, TAPEDECK_LAKE, XDG_DATA_HOME nor HOME is set");
    return TD_OK;
}

static enum td_code open_log(struct td_app *app, struct td_err *err)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    enum td_level level = TD_LOG_INFO;
    for (size_t i = 0; i < TD_COUNT(levels); i++)
        if (strcmp(td_conf_text(app->conf, "log.level"), levels[i]) == 0)
            level = (enum td_level)i;
    char path[1200];
    const char *file = td_conf_text(app->conf, "log.file");
    bool named = *file != 0;
    enum td_code code = named ? expand_home("log.file", file, path, sizeof path, err) : TD_OK;
    if (!named && !xdg_path("XDG_STATE_HOME", ".local/state", "tapedeck/tapedeck.log", path, sizeof path))
        return TD_OK;
    if (code == TD_OK)
        code = td_mkdirs_for(path, named ? err : NULL);
    if (code == TD_OK)
        code = td_log_open(path, level, named ? err : NULL);
    return named ? code : TD_OK; /* without a home for the log the program still works */
}

enum td_code td_app_init(struct td_app *app, const char *user_config, struct td_err *err)
{
    *app = (struct td_app){.goto_day = TD_NO_DAY, .want_clock = -1, .want_mouse = -1};
    enum td_code code = td_clock_init(getenv("TAPEDECK_NOW"), err);
    if (code == TD_OK)
        code = td_conf_new(keys, TD_COUNT(keys), &app->conf, err);
    if (code == TD_OK)
        code = td_conf_new(universe_keys, TD_COUNT(universe_keys), &app->universe, err);
    if (code == TD_OK)
        code = load_pair(app->conf, "tapedeck.yaml", user_config, err);
    if (code == TD_OK)
        code = td_conf_load_env(app->conf, err);
    if (code == TD_OK)
        code = load_pair(app->universe, "universe.yaml", NULL, err);
    if (code == TD_OK)
        code = command_check_settings(app->conf, err);
    if (code == TD_OK)
        code = command_check_universe(app->universe, err);
    if (code == TD_OK)
        code = settle_lake(app, err);
    if (code == TD_OK)
        code = open_log(app, err);
    if (code == TD_OK) {
        app->words = td_calloc(1, sizeof *app->words);
        if (!app->words)
            code = td_fail(err, TD_NOMEM, "out of memory: the application");
        else
            pthread_mutex_init(&app->words->lock, NULL);
    }
    if (code != TD_OK)
        td_app_free(app);
    return code;
}

void td_app_free(struct td_app *app)
{
    td_engine_free(app->engine);
    td_sim_free(app->sim);
    td_lake_close(app->lake);
    td_conf_free(app->conf);
    td_conf_free(app->universe);
    if (app->words) {
        td_names_free(&app->words->tickers);
        td_names_free(&app->words->days);
        td_names_free(&app->words->themes);
        pthread_mutex_destroy(&app->words->lock);
        td_free(app->words);
    }
    *app = (struct td_app){0};
    td_log_close();
}

enum td_code td_app_lake(struct td_app *app, bool create, struct td_err *err)
{
    return app->lake ? TD_OK : td_lake_open(app->lake_root, create, &app->lake, err);
}

enum td_code td_app_engine(struct td_app *app, bool create_lake, struct td_err *err)
{
    if (app->engine)
        return TD_OK;
    enum td_code code = td_app_lake(app, create_lake, err);
    if (code != TD_OK)
        return code;
    const struct td_engine_options options = {
        .workers = (unsigned)td_conf_int(app->conf, "limits.workers"),
        .memory = td_conf_size(app->conf, "limits.memory"),
        .disk_free = td_conf_size(app->conf, "limits.disk_free"),
        .lock_wait_s = app->wait_s,
    };
    return td_engine_new(app->lake, &options, &app->engine, err);
}

/* ---- shared by the commands ---- */

enum td_code command_universe_config(struct td_app *app, const struct td_args *args, struct td_err *err)
{
    const char *file = td_args_text(args, "universe-config");
    struct td_conf *trial = NULL;
    if (!file)
        return TD_OK;
    enum td_code code = td_conf_new(universe_keys, TD_COUNT(universe_keys), &trial, err);
    if (code == TD_OK)
        code = load_pair(trial, "universe.yaml", NULL, err);
    if (code == TD_OK)
        code = td_conf_load(trial, file, err);
    if (code == TD_OK)
        code = command_check_universe(trial, err);
    td_conf_free(trial);
    return code == TD_OK ? td_conf_load(app->universe, file, err) : code;
}

void command_notice(struct td_app *app, const char *fmt, ...)
{
    char line[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    td_redact(line);
    if (app->notice && !app->quiet)
        app->notice(app->notice_ctx, line);
}

enum td_code command_sheet(const struct td_sheet *sheet, struct td_out *out, struct td_err *err)
{
    struct td_view_column columns[16];
    struct td_model model;
    td_sheet_model(sheet, columns, &model);
    return td_out_model(out, &model, NULL, 0, err);
}

struct td_screen command_screen(const struct td_app *app)
{
    const struct td_conf *u = app->universe;
    return (struct td_screen){
        .thresholds = {.rvol = td_conf_double(u, "thresholds.rvol"),
                       .pctchg = td_conf_double(u, "thresholds.pctchg"),
                       .dvol = td_conf_double(u, "thresholds.dvol"),
                       .min_price = td_conf_double(u, "thresholds.min_price"),
                       .max_price = td_conf_double(u, "thresholds.max_price"),
                       .cap_max = td_conf_double(u, "thresholds.cap_max")},
        .membership = {.types = td_conf_text(u, "membership.types"),
                       .exchanges = td_conf_text(u, "membership.exchanges"),
                       .drop_test_tickers = strcmp(td_conf_text(u, "membership.test_tickers"), "drop") == 0,
                       .type_unknown_pass = strcmp(td_conf_text(u, "membership.type_unknown"), "pass") == 0,
                       .cap_unknown_pass = strcmp(td_conf_text(u, "membership.cap_unknown"), "pass") == 0,
                       .drop_split_suspect = strcmp(td_conf_text(u, "membership.split_suspect"), "drop") == 0}};
}

enum td_code command_vendor(struct td_app *app, const struct td_args *args, const char **base_url, char key[256],
                            struct td_err *err)
{
    const char *given = td_args_text(args, "base-url");
    if (!given && app->sim) {
        *base_url = app->sim_url;
        td_copy(key, 256, "demo");
        return TD_OK;
    }
    if (given && !command_is_http(given))
        return td_fail(err, TD_USAGE, "--base-url '%s': an address that begins with http:// or https:// is needed",
                       given);
    *base_url = given ? given : td_conf_text(app->conf, "base_url");
    char path[1200] = "";
    if (!xdg_path("XDG_CONFIG_HOME", ".config", "tapedeck/credentials", path, sizeof path))
        *path = 0;
    return td_credentials(path, key, 256, err);
}

struct wait_ctx {
    struct td_app *app;
    int id;
};

static void poll_job(void *arg, const struct td_job_view *view)
{
    struct wait_ctx *ctx = arg;
    if (ctx->app->progress && ctx->app->progress(ctx->app->progress_ctx, view, view->state >= TD_JOB_DONE))
        td_job_cancel(ctx->app->engine, ctx->id);
}

static enum td_code report_csv(const struct td_job_view *v, struct td_out *out, struct td_err *err)
{
    const struct td_job_counts *c = &v->counts;
    uint64_t bad = 0;
    for (size_t i = 1; i < TD_REASON_COUNT; i++)
        bad += c->quarantined[i];
    return td_out_printf(
        out, err,
        "job,units_planned,ok,empty,skipped,failed,rows_read,rows_written,rows_duplicate,rows_quarantined\n"
        "%s,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu\n",
        v->kind, (unsigned long long)c->planned, (unsigned long long)c->ok, (unsigned long long)c->empty,
        (unsigned long long)c->skipped, (unsigned long long)c->failed, (unsigned long long)c->rows_read,
        (unsigned long long)c->rows_written, (unsigned long long)c->rows_duplicate, (unsigned long long)bad);
}

static enum td_code report_table(const struct td_job_view *v, struct td_out *out, struct td_err *err)
{
    const struct td_job_counts *c = &v->counts;
    enum td_code code = td_out_printf(
        out, err,
        "%s %s: %s\n  units  %llu planned = %llu ok + %llu empty + %llu skipped + %llu failed\n"
        "  rows   %llu read, %llu written, %llu duplicate\n",
        v->kind, v->title, td_job_state_name(v->state), (unsigned long long)c->planned, (unsigned long long)c->ok,
        (unsigned long long)c->empty, (unsigned long long)c->skipped, (unsigned long long)c->failed,
        (unsigned long long)c->rows_read, (unsigned long long)c->rows_written, (unsigned long long)c->rows_duplicate);
    for (size_t i = 1; code == TD_OK && i < TD_REASON_COUNT; i++)
        if (c->quarantined[i])
            code = td_out_printf(out, err, "  quarantined  %s %llu\n", td_reason_text((enum td_reason)i),
                                 (unsigned long long)c->quarantined[i]);
    if (code == TD_OK && (c->off_hours || c->no_session))
        code = td_out_printf(out, err, "  not counted  off_hours %llu, no_session %llu\n",
                             (unsigned long long)c->off_hours, (unsigned long long)c->no_session);
    if (code == TD_OK && v->state == TD_JOB_DONE && v->message[0])
        code = td_out_printf(out, err, "  note   %s\n", v->message);
    return code;
}

/* The command's own message names one failed unit; these are others. A cause that stops the whole job is said once. */
static void name_failures(struct td_app *app, int id, enum td_code code, const struct td_err *said)
{
    struct td_unit_view units[5];
    char line[sizeof units[0].key + sizeof units[0].why];
    size_t n =
        code == TD_UNITS || code == TD_DATA ? td_job_units(app->engine, id, TD_UNIT_FAILED, units, TD_COUNT(units)) : 0;
    for (size_t i = 0; i < n; i++) {
        td_unit_text(units[i].key, units[i].why, line, sizeof line);
        if (strncmp(line, said->text, strlen(said->text)) != 0)
            command_notice(app, "failed: %s", line);
    }
}

enum td_code command_job(struct td_app *app, int id, struct td_out *out, struct td_err *err)
{
    app->last_job = id;
    if (app->interactive)
        return td_out_printf(out, err, "job %d started; pane downloads shows it, ':job cancel %d' stops it\n", id, id);
    struct wait_ctx ctx = {app, id};
    struct td_job_view view;
    struct td_err why = {0};
    enum td_code code = td_job_wait(app->engine, id, poll_job, &ctx, &view, &why);
    td_log(code == TD_OK ? TD_LOG_INFO : TD_LOG_ERROR, "command", "%s %s: %s%s%s", view.kind, view.title,
           td_job_state_name(view.state), code == TD_OK ? "" : ": ", code == TD_OK ? "" : why.text);
    if (view.counts.failed)
        name_failures(app, id, code, &why);
    struct td_buf json;
    td_buf_init(&json, 65536);
    td_job_report_json(&view, &json);
    td_buf_addc(&json, '\n');
    enum td_code written = out->format == TD_FORMAT_JSON  ? td_out_text(out, json.data ? json.data : "", err)
                           : out->format == TD_FORMAT_CSV ? report_csv(&view, out, err)
                           : app->quiet                   ? TD_OK
                                                          : report_table(&view, out, err);
    td_buf_free(&json);
    if (code != TD_OK) {
        if (err)
            *err = why;
        return code;
    }
    return written;
}
