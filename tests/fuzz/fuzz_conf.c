/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as a configuration file, after it line by line as settings given by hand. What is refused changes nothing; what
 * is taken reads back as its own canonical text. */
#include "fuzz_file.h"

static const struct td_conf_key keys[] = {
    {"lake", TD_CONF_STRING, "", "TAPEDECK_LAKE", NULL, "where"},
    {"limits.memory", TD_CONF_SIZE, "512MiB", NULL, NULL, "bytes"},
    {"limits.workers", TD_CONF_INT, "0", NULL, NULL, "threads"},
    {"ui.glyphs", TD_CONF_STRING, "auto", NULL, "auto|ascii|block|braille", "tier"},
    {"ui.clock", TD_CONF_BOOL, "true", NULL, NULL, "clock"},
    {"rules.rvol", TD_CONF_DOUBLE, "3", NULL, NULL, "ratio"},
    {"rules.types", TD_CONF_LIST, "CS,ADRC", NULL, NULL, "types"},
};

static void check_values(const struct td_conf *conf)
{
    for (size_t i = 0; i < TD_COUNT(keys); i++) {
        FUZZ_CHECK(td_conf_text(conf, keys[i].path));
        FUZZ_CHECK(*td_conf_origin(conf, keys[i].path));
    }
    (void)td_conf_int(conf, "limits.workers");
    (void)td_conf_size(conf, "limits.memory");
    (void)td_conf_bool(conf, "ui.clock");
    double ratio = td_conf_double(conf, "rules.rvol");
    FUZZ_CHECK(ratio - ratio == 0);
    const char *tier = td_conf_text(conf, "ui.glyphs");
    FUZZ_CHECK(!strcmp(tier, "auto") || !strcmp(tier, "ascii") || !strcmp(tier, "block") || !strcmp(tier, "braille"));
}

/* A canonical text set again must be taken, and come out unchanged. */
static void set_again(struct td_conf *conf)
{
    struct td_err err = {0};
    for (size_t i = 0; i < TD_COUNT(keys); i++) {
        char *text = fuzz_text((const uint8_t *)td_conf_text(conf, keys[i].path), strlen(td_conf_text(conf, keys[i].path)));
        FUZZ_CHECK(td_conf_set(conf, keys[i].path, text, "flag", &err) == TD_OK);
        FUZZ_CHECK(strcmp(td_conf_text(conf, keys[i].path), text) == 0);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_file file;
    struct td_conf *conf = NULL;
    struct td_err err = {0};
    FUZZ_CHECK(td_conf_new(keys, TD_COUNT(keys), &conf, &err) == TD_OK);
    enum td_code code = td_conf_load(conf, fuzz_file_set(&file, data, size), &err);
    if (code != TD_OK) {
        fuzz_failed_well(code, &err);
        for (size_t i = 0; i < TD_COUNT(keys); i++)
            FUZZ_CHECK(strcmp(td_conf_origin(conf, keys[i].path), "default") == 0);
    }
    check_values(conf);
    char *text = fuzz_text(data, size < 200 ? size : 200);
    for (size_t i = 0; i < TD_COUNT(keys); i++) {
        code = td_conf_set(conf, keys[i].path, text, "flag", &err);
        if (code != TD_OK)
            fuzz_failed_well(code, &err);
    }
    check_values(conf);
    set_again(conf);
    (void)td_edit_distance(text, "limits.memory", 3);
    free(text);
    td_conf_free(conf);
    return 0;
}
