/* SPDX-License-Identifier: GPL-3.0-or-later
 * The shipped configuration files: strictly readable, complete, and saying what the documentation says. */
#include "check.h"

static const struct td_conf_key program_keys[] = {
    {"lake", TD_CONF_STRING, "", NULL, NULL, ""},
    {"base_url", TD_CONF_STRING, "https://api.massive.com", NULL, NULL, ""},
    {"limits.memory", TD_CONF_SIZE, "512MiB", NULL, NULL, ""},
    {"limits.workers", TD_CONF_INT, "0", NULL, NULL, ""},
    {"limits.disk_free", TD_CONF_SIZE, "1GiB", NULL, NULL, ""},
    {"ingest.max_concurrent", TD_CONF_INT, "16", NULL, NULL, ""},
    {"ingest.retries", TD_CONF_INT, "5", NULL, NULL, ""},
    {"ingest.timeout", TD_CONF_INT, "60", NULL, NULL, ""},
    {"ui.theme", TD_CONF_STRING, "dark", NULL, NULL, ""},
    {"ui.mouse", TD_CONF_BOOL, "on", NULL, NULL, ""},
    {"ui.clock", TD_CONF_BOOL, "on", NULL, NULL, ""},
    {"ui.glyphs", TD_CONF_STRING, "auto", NULL, "auto|ascii|block|braille", ""},
    {"ui.color", TD_CONF_STRING, "auto", NULL, "auto|always|never", ""},
    {"log.file", TD_CONF_STRING, "", NULL, NULL, ""},
    {"log.level", TD_CONF_STRING, "info", NULL, "error|warn|info|debug", ""},
};

static const struct td_conf_key universe_keys[] = {
    {"thresholds.rvol", TD_CONF_DOUBLE, "2.0", NULL, NULL, ""},
    {"thresholds.pctchg", TD_CONF_DOUBLE, "0.15", NULL, NULL, ""},
    {"thresholds.dvol", TD_CONF_DOUBLE, "5000000", NULL, NULL, ""},
    {"thresholds.min_price", TD_CONF_DOUBLE, "0.5", NULL, NULL, ""},
    {"thresholds.max_price", TD_CONF_DOUBLE, "20.0", NULL, NULL, ""},
    {"thresholds.cap_max", TD_CONF_DOUBLE, "2000000000", NULL, NULL, ""},
    {"membership.types", TD_CONF_LIST, "CS,ADRC", NULL, NULL, ""},
    {"membership.exchanges", TD_CONF_LIST, "XNAS,XNYS,XASE", NULL, NULL, ""},
    {"membership.test_tickers", TD_CONF_STRING, "drop", NULL, "drop|keep", ""},
    {"membership.type_unknown", TD_CONF_STRING, "pass", NULL, "pass|drop", ""},
    {"membership.cap_unknown", TD_CONF_STRING, "pass", NULL, "pass|drop", ""},
    {"membership.split_suspect", TD_CONF_STRING, "drop", NULL, "drop|pass", ""},
    {"processing.parallel", TD_CONF_INT, "8", NULL, NULL, ""},
    {"processing.compression", TD_CONF_STRING, "zstd", NULL, "zstd|none", ""},
    {"processing.compression_level", TD_CONF_INT, "2", NULL, NULL, ""},
    {"processing.top_k", TD_CONF_INT, "200", NULL, NULL, ""},
};

/* Every key stands in the file (its origin is a line of it) and has the documented value. */
static void check_file(const char *path, const struct td_conf_key *keys, size_t count)
{
    struct td_err err = {0};
    struct td_conf *conf, *defaults;
    ASSERT_OK(td_conf_new(keys, count, &conf, &err), err);
    ASSERT_OK(td_conf_new(keys, count, &defaults, &err), err);
    ASSERT_OK(td_conf_load(conf, path, &err), err);
    for (size_t i = 0; i < count; i++) {
        const char *key = keys[i].path, *origin = td_conf_origin(conf, key);
        if (strncmp(origin, path, strlen(path)) != 0)
            fail_msg("%s: %s is not in it", path, key);
        if (strcmp(td_conf_text(conf, key), td_conf_text(defaults, key)) != 0)
            fail_msg("%s: %s is %s, documented is %s", origin, key, td_conf_text(conf, key), td_conf_text(defaults, key));
    }
    td_conf_free(conf);
    td_conf_free(defaults);
}

/* A line that gives a value is explained by a comment right above it. */
static void check_comments(const char *path)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    char line[512];
    int number = 0, since_comment = 99;
    while (fgets(line, sizeof line, in)) {
        const char *text = line + strspn(line, " ");
        number++;
        if (text == line && strstr(line, ":\n") && strcmp(line, "lake:\n") != 0)
            continue; /* the head of a section */
        since_comment = *text == '#' ? 0 : *text == '\n' ? 99 : since_comment + 1;
        if (since_comment > 1 && *text != '\n')
            fail_msg("%s:%d: no comment says what this is: %s", path, number, line);
    }
    fclose(in);
}

static void test_program_file(void **state)
{
    (void)state;
    check_file("configs/tapedeck.yaml", program_keys, TD_COUNT(program_keys));
    check_comments("configs/tapedeck.yaml");
}

static void test_universe_file(void **state)
{
    (void)state;
    check_file("configs/universe.yaml", universe_keys, TD_COUNT(universe_keys));
    check_comments("configs/universe.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_program_file), cmocka_unit_test(test_universe_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
