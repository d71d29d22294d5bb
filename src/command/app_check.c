/* SPDX-License-Identifier: GPL-3.0-or-later
 * Settings that can be read but make no sense: each is refused by where it was written, before anything is done with
 * it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "command_internal.h"

/* Both ends included. Settings whose key is not in the configuration at hand are the other one's. */
static const struct {
    const char *path;
    double low, high;
    const char *range;
} ranges[] = {
    {"limits.memory", 16 << 20, HUGE_VAL, "16MiB or more"}, {"limits.workers", 0, 1024, "0 to 1024"},
    {"ingest.max_concurrent", 1, 256, "1 to 256"},          {"ingest.retries", 0, 100, "0 to 100"},
    {"ingest.timeout", 1, 3600, "1 to 3600 seconds"},       {"thresholds.rvol", 0, HUGE_VAL, "0 or more"},
    {"thresholds.pctchg", 0, HUGE_VAL, "0 or more"},        {"thresholds.dvol", 0, HUGE_VAL, "0 or more"},
    {"thresholds.min_price", 0, HUGE_VAL, "0 or more"},     {"thresholds.max_price", 0, HUGE_VAL, "0 or more"},
    {"thresholds.cap_max", 0, HUGE_VAL, "0 or more"},       {"processing.parallel", 0, 1024, "0 to 1024"},
    {"processing.compression_level", 1, 19, "1 to 19"},     {"processing.top_k", 1, 100000, "1 to 100000"},
};

static enum td_code refuse(const struct td_conf *conf, const char *path, const char *wanted, struct td_err *err)
{
    return td_fail(err, TD_CONFIG, "%s: %s: '%s': %s is needed", td_conf_origin(conf, path), path,
                   td_conf_text(conf, path), wanted);
}

static enum td_code check_number(const struct td_conf *conf, const struct td_conf_key *key, struct td_err *err)
{
    double value = key->type == TD_CONF_SIZE  ? (double)td_conf_size(conf, key->path)
                   : key->type == TD_CONF_INT ? (double)td_conf_int(conf, key->path)
                                              : td_conf_double(conf, key->path);
    for (size_t i = 0; i < TD_COUNT(ranges); i++)
        if (strcmp(ranges[i].path, key->path) == 0 &&
            !(isfinite(value) && value >= ranges[i].low && value <= ranges[i].high))
            return refuse(conf, key->path, ranges[i].range, err);
    return TD_OK;
}

static enum td_code check_numbers(const struct td_conf *conf, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < td_conf_count(conf); i++) {
        const struct td_conf_key *key = td_conf_key_at(conf, i);
        if (key->type == TD_CONF_SIZE || key->type == TD_CONF_INT || key->type == TD_CONF_DOUBLE)
            code = check_number(conf, key, err);
    }
    return code;
}

bool command_is_http(const char *url)
{
    size_t lead = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
    return lead && url[lead] && url[lead] != '/' && !strpbrk(url, " \t\r\n");
}

/* Where the deck looks for themes. */
static bool theme_in(const char *base, const char *folder, const char *name)
{
    char path[1300];
    return base && *base && td_snprintf(path, sizeof path, "%s%s/%s.yaml", base, folder, name) && td_file_exists(path);
}

static bool theme_exists(const char *shipped, const char *name)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (!*name || strchr(name, '/') || *name == '.')
        return false;
    return theme_in(shipped, "", name) || theme_in("/usr/local/share/tapedeck", "/themes", name) ||
           theme_in("/usr/share/tapedeck", "/themes", name) ||
           (config && *config ? theme_in(config, "/tapedeck/themes", name)
                              : theme_in(home, "/.config/tapedeck/themes", name));
}

enum td_code command_check_settings(const struct td_conf *conf, struct td_err *err)
{
    char shipped[1024];
    enum td_code code = check_numbers(conf, err);
    if (code == TD_OK && !command_is_http(td_conf_text(conf, "base_url")))
        code = refuse(conf, "base_url", "an address that begins with http:// or https://", err);
    /* without its themes the program draws with the one it has inside */
    if (code == TD_OK && command_share_path("themes", shipped, sizeof shipped) &&
        !theme_exists(shipped, td_conf_text(conf, "ui.theme")))
        code = refuse(conf, "ui.theme", "a file of themes/ without its .yaml, such as dark or light,", err);
    return code;
}

enum td_code command_check_universe(const struct td_conf *universe, struct td_err *err)
{
    enum td_code code = check_numbers(universe, err);
    if (code == TD_OK &&
        td_conf_double(universe, "thresholds.min_price") > td_conf_double(universe, "thresholds.max_price"))
        code =
            td_fail(err, TD_CONFIG, "%s: thresholds.min_price: '%s' is above thresholds.max_price '%s' (%s)",
                    td_conf_origin(universe, "thresholds.min_price"), td_conf_text(universe, "thresholds.min_price"),
                    td_conf_text(universe, "thresholds.max_price"), td_conf_origin(universe, "thresholds.max_price"));
    return code;
}

/* ---- the environment ---- */

extern char **environ;

#define ENV_PREFIX "TAPEDECK_"

/* Read elsewhere than through the settings: the clock and the shipped files; the rest belongs to the project's own tests. */
static const char *const other_env[] = {"TAPEDECK_NOW", "TAPEDECK_SHARE"};
static const char *const test_env[] = {"TAPEDECK_SHARED", "TAPEDECK_ORACLE", "TAPEDECK_TEST_", "TAPEDECK_BENCH_"};

static const char *env_name(const struct td_conf *conf, size_t i)
{
    size_t settings = td_conf_count(conf);
    if (i < settings)
        return td_conf_key_at(conf, i)->env ? td_conf_key_at(conf, i)->env : "";
    return i - settings < TD_COUNT(other_env) ? other_env[i - settings] : NULL;
}

static bool env_is_known(const struct td_conf *conf, const char *name)
{
    const char *known;
    for (size_t i = 0; (known = env_name(conf, i)); i++)
        if (strcmp(known, name) == 0)
            return true;
    for (size_t i = 0; i < TD_COUNT(test_env); i++)
        if (strncmp(test_env[i], name, strlen(test_env[i])) == 0)
            return true;
    return false;
}

static const char *nearest_env(const struct td_conf *conf, const char *name)
{
    const char *known, *best = NULL;
    size_t least = 4;
    for (size_t i = 0; (known = env_name(conf, i)); i++) {
        size_t distance = *known ? td_edit_distance(name, known, 4) : 4;
        if (distance < least) {
            least = distance;
            best = known;
        }
    }
    return best;
}

bool td_app_stray_env(const struct td_app *app, size_t at, char *line, size_t size)
{
    for (char **entry = environ; entry && *entry; entry++) {
        char name[64];
        size_t len = strcspn(*entry, "=");
        if (strncmp(*entry, ENV_PREFIX, strlen(ENV_PREFIX)) != 0 || len >= sizeof name)
            continue;
        for (size_t i = 0; i < len; i++)
            name[i] = (*entry)[i] > ' ' && (*entry)[i] < 0x7F ? (*entry)[i] : '?';
        name[len] = '\0';
        if (env_is_known(app->conf, name) || at--)
            continue;
        const char *near = nearest_env(app->conf, name);
        td_snprintf(line, size, "%s is set, but there is no such setting%s%s%s; 'tapedeck config' lists them all", name,
                    near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
        return true;
    }
    return false;
}
