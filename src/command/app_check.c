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
