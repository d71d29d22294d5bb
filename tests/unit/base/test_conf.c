/* SPDX-License-Identifier: GPL-3.0-or-later
 * Configuration: precedence and origins, canonical values, and the exact words for each kind of mistake. */
#include "check.h"

static const struct td_conf_key keys[] = {
    {"lake", TD_CONF_STRING, "", "TDTEST_LAKE", NULL, "where the lake is"},
    {"limits.memory", TD_CONF_SIZE, "512MiB", "TDTEST_MEMORY", NULL, "budget"},
    {"limits.workers", TD_CONF_INT, "0", "TDTEST_WORKERS", NULL, "threads"},
    {"ui.theme", TD_CONF_STRING, "dark", NULL, "dark|light|mono|high-contrast", "colours"},
    {"ui.mouse", TD_CONF_BOOL, "yes", NULL, NULL, "mouse"},
    {"thresholds.rvol", TD_CONF_DOUBLE, "2.0", NULL, NULL, "relative volume"},
    {"thresholds.pctchg", TD_CONF_DOUBLE, "0.15", NULL, NULL, "change"},
    {"membership.types", TD_CONF_LIST, "CS, ADRC", NULL, NULL, "types"},
    {"membership.sides", TD_CONF_LIST, "", NULL, "left|right", "sides"},
    {"a.b.c.d", TD_CONF_INT, "1", NULL, NULL, "deep"},
};

static char path[] = "/tmp/td-test-conf-XXXXXX";

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    if (fd >= 0)
        close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_text(const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static struct td_conf *fresh(void)
{
    struct td_err err = {0};
    struct td_conf *conf = NULL;
    ASSERT_OK(td_conf_new(keys, TD_COUNT(keys), &conf, &err), err);
    return conf;
}

static void test_defaults(void **state)
{
    (void)state;
    struct td_conf *conf = fresh();
    assert_string_equal(td_conf_text(conf, "lake"), "");
    assert_int_equal(td_conf_size(conf, "limits.memory"), 512u << 20);
    assert_int_equal(td_conf_int(conf, "limits.workers"), 0);
    assert_true(td_conf_bool(conf, "ui.mouse"));
    assert_string_equal(td_conf_text(conf, "ui.mouse"), "true");
    assert_true(td_conf_double(conf, "thresholds.rvol") == 2.0);
    assert_string_equal(td_conf_text(conf, "thresholds.rvol"), "2");
    assert_string_equal(td_conf_text(conf, "membership.types"), "CS,ADRC");
    assert_string_equal(td_conf_origin(conf, "lake"), "default");
    assert_int_equal(td_conf_count(conf), TD_COUNT(keys));
    assert_ptr_equal(td_conf_key_at(conf, 1), &keys[1]);
    assert_null(td_conf_key_at(conf, TD_COUNT(keys)));
    assert_string_equal(td_conf_text(conf, "no.such.key"), ""); /* a program error is logged, not died on */
    td_conf_free(conf);
    td_conf_free(NULL);
}

static void test_precedence(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_conf *conf = fresh();
    char origin[64];
    write_text("lake: ~/lake\n# comment\nlimits:\n  memory: 1GiB\n  workers: 3\nthresholds: {rvol: 3, pctchg: 1e-1}\n"
               "membership:\n  types: [CS, 'NO', \"ETF\"]\nui: {mouse: off}\n");
    ASSERT_OK(td_conf_load(conf, path, &err), err);
    assert_string_equal(td_conf_text(conf, "lake"), "~/lake");
    snprintf(origin, sizeof origin, "%s:1", path);
    assert_string_equal(td_conf_origin(conf, "lake"), origin);
    snprintf(origin, sizeof origin, "%s:5", path);
    assert_string_equal(td_conf_origin(conf, "limits.workers"), origin);
    assert_string_equal(td_conf_text(conf, "limits.memory"), "1GiB");
    assert_string_equal(td_conf_text(conf, "thresholds.pctchg"), "0.1");
    assert_string_equal(td_conf_text(conf, "membership.types"), "CS,NO,ETF");
    assert_false(td_conf_bool(conf, "ui.mouse"));
    assert_string_equal(td_conf_origin(conf, "ui.theme"), "default");
    /* a second file changes what it names and nothing else */
    write_text("limits: {workers: 4}\nmembership: {types: []}\n");
    ASSERT_OK(td_conf_load(conf, path, &err), err);
    assert_int_equal(td_conf_int(conf, "limits.workers"), 4);
    assert_string_equal(td_conf_text(conf, "limits.memory"), "1GiB");
    assert_string_equal(td_conf_text(conf, "membership.types"), "");
    setenv("TDTEST_WORKERS", "5", 1);
    setenv("TDTEST_LAKE", "", 1); /* empty counts as unset */
    ASSERT_OK(td_conf_load_env(conf, &err), err);
    assert_int_equal(td_conf_int(conf, "limits.workers"), 5);
    assert_string_equal(td_conf_origin(conf, "limits.workers"), "env TDTEST_WORKERS");
    assert_string_equal(td_conf_text(conf, "lake"), "~/lake");
    ASSERT_OK(td_conf_set(conf, "limits.workers", "6", "flag", &err), err);
    assert_int_equal(td_conf_int(conf, "limits.workers"), 6);
    assert_string_equal(td_conf_origin(conf, "limits.workers"), "flag");
    setenv("TDTEST_WORKERS", "many", 1);
    assert_int_equal(td_conf_load_env(conf, &err), TD_CONFIG);
    assert_string_equal(err.text, "env TDTEST_WORKERS: limits.workers must be a whole number, not 'many'");
    unsetenv("TDTEST_WORKERS");
    unsetenv("TDTEST_LAKE");
    td_conf_free(conf);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message; /* after "PATH:" */
    } cases[] = {
        {"treshold: {rvol: 1}\n", "1: unknown key 'treshold' (did you mean 'thresholds'?)"},
        {"thresholds:\n  rvoll: 1\n", "2: unknown key 'thresholds.rvoll' (did you mean 'thresholds.rvol'?)"},
        {"thresholds:\n  rvol: 1\n  pctchange: 1\n",
         "3: unknown key 'thresholds.pctchange' (did you mean 'thresholds.pctchg'?)"},
        {"memory: 1G\n", "1: unknown key 'memory' (did you mean 'limits.memory'?)"},
        {"ui: {workers: 1}\n", "1: unknown key 'ui.workers' (did you mean 'limits.workers'?)"},
        {"zebra: 1\n", "1: unknown key 'zebra'"},
        {"limits:\n  memory:\n    max: 3\n", "2: limits.memory must be a size such as 512MiB, not a section"},
        {"limits: 3\n", "1: limits is a section: its keys belong below it, each on its own line"},
        {"limits: [a]\n", "1: limits is a section: its keys belong below it, each on its own line"},
        {"limits: {memory: lots}\n", "1: limits.memory must be a size such as 512MiB, not 'lots'"},
        {"limits: {workers: 1.5}\n", "1: limits.workers must be a whole number, not '1.5'"},
        {"limits: {workers: '2'}\n", "1: limits.workers must be a whole number, not a quoted text"},
        {"limits: {workers: }\n", "1: limits.workers must be a whole number, not nothing"},
        {"limits: {workers: [1]}\n", "1: limits.workers must be a whole number, not a list"},
        {"limits: {workers: 99999999999999999999}\n", "1: limits.workers must be a whole number, not "
                                                      "'99999999999999999999'"},
        {"thresholds: {rvol: nan}\n", "1: thresholds.rvol must be a number, not 'nan'"},
        {"ui: {mouse: perhaps}\n", "1: ui.mouse must be true or false, not 'perhaps'"},
        {"ui:\n\n  theme: lihgt\n", "3: ui.theme must be one of dark|light|mono|high-contrast, not 'lihgt' (did you mean "
                                    "'light'?)"},
        {"ui: {theme: purple}\n", "1: ui.theme must be one of dark|light|mono|high-contrast, not 'purple'"},
        {"membership: {types: CS}\n", "1: membership.types must be a list such as [A, B], not a single value"},
        {"membership:\n  types:\n  - CS\n  - [x]\n",
         "4: items of membership.types must be plain words without commas"},
        {"membership: {types: ['a,b']}\n", "1: items of membership.types must be plain words without commas"},
        {"membership: {types: [a, ~]}\n", "1: items of membership.types must be plain words without commas"},
        {"membership: {sides: [left, rigth]}\n", "1: membership.sides must be a list of left|right, not 'left,rigth'"},
        {"lake: a\nlake: b\n", "2: key 'lake' is given twice (first on line 1)"},
        {"- lake\n", "1: a configuration is lines of 'key: value'"},
        {"lake\n", "1: a configuration is lines of 'key: value'"},
        {"lake: a\n  b: c\n", "2: "},
        {"a: {b: {c: {d: {e: 1}}}}\n", "1: a.b.c.d must be a whole number, not a section"},
        {"a: {b: {c: {e: 1}}}\n", "1: unknown key 'a.b.c.e' (did you mean 'a.b.c.d'?)"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_err err = {0};
        struct td_conf *conf = fresh();
        char expected[600];
        snprintf(expected, sizeof expected, "%s:%s", path, cases[i].message);
        write_text(cases[i].text);
        enum td_code code = td_conf_load(conf, path, &err);
        bool ends_open = expected[strlen(expected) - 1] == ' '; /* libyaml's own words follow */
        if (code != TD_CONFIG || err.code != TD_CONFIG ||
            (ends_open ? strncmp(err.text, expected, strlen(expected)) : strcmp(err.text, expected)) != 0)
            fail_msg("case %zu: %s '%s' should be '%s'", i, td_code_name(code), err.text, expected);
        td_conf_free(conf);
    }
}

static void test_all_or_nothing(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_conf *conf = fresh();
    write_text("lake: x\nlimits: {workers: 9}\nui: {theme: nope}\n");
    assert_int_equal(td_conf_load(conf, path, &err), TD_CONFIG);
    assert_string_equal(td_conf_text(conf, "lake"), "");
    assert_int_equal(td_conf_int(conf, "limits.workers"), 0);
    write_text("limits.workers: 8\nlimits: {workers: 9}\n");
    assert_int_equal(td_conf_load(conf, path, &err), TD_CONFIG);
    assert_non_null(strstr(err.text, ":2: limits.workers is given twice (first at "));
    assert_int_equal(td_conf_set(conf, "limits.workers", "x", "flag", &err), TD_USAGE);
    assert_string_equal(err.text, "flag: limits.workers must be a whole number, not 'x'");
    assert_int_equal(td_conf_set(conf, "limit.workers", "1", "flag", &err), TD_USAGE);
    assert_string_equal(err.text, "flag: unknown key 'limit.workers' (did you mean 'limits.workers'?)");
    assert_int_equal(td_conf_set(conf, "thresholds", "1", "prompt", &err), TD_CONFIG);
    assert_string_equal(err.text, "prompt: unknown key 'thresholds' (did you mean 'thresholds.rvol'?)");
    assert_int_equal(td_conf_int(conf, "limits.workers"), 0);
    static const char *const bad_lists[] = {"a,,b", ",a", "a,", " ,"};
    for (size_t i = 0; i < TD_COUNT(bad_lists); i++)
        assert_int_equal(td_conf_set(conf, "membership.types", bad_lists[i], "flag", &err), TD_USAGE);
    ASSERT_OK(td_conf_set(conf, "membership.types", " CS , PFD", "flag", &err), err);
    assert_string_equal(td_conf_text(conf, "membership.types"), "CS,PFD");
    ASSERT_OK(td_conf_set(conf, "membership.sides", "right,left", "flag", &err), err);
    td_conf_free(conf);
}

static void test_absent_and_empty(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_conf *conf = fresh();
    assert_int_equal(td_conf_load(conf, "/no/such/tapedeck.yaml", &err), TD_CONFIG);
    assert_string_equal(err.text, "/no/such/tapedeck.yaml: No such file or directory");
    assert_int_equal(err.code, TD_CONFIG);
    assert_int_equal(td_conf_load(conf, "/no/such/tapedeck.yaml", NULL), TD_CONFIG);
    static const char *const empty[] = {"", "# nothing\n", "---\n", "limits:\nui:\n", "{}\n"};
    for (size_t i = 0; i < TD_COUNT(empty); i++) {
        write_text(empty[i]);
        ASSERT_OK(td_conf_load(conf, path, &err), err);
    }
    write_text("lake:\n");
    ASSERT_OK(td_conf_set(conf, "lake", "x", "flag", &err), err);
    ASSERT_OK(td_conf_load(conf, path, &err), err);
    assert_string_equal(td_conf_text(conf, "lake"), "");
    td_conf_free(conf);
    static const struct td_conf_key bad[] = {{"x", TD_CONF_INT, "one", NULL, NULL, ""}};
    assert_int_equal(td_conf_new(bad, 1, &conf, &err), TD_CONFIG);
    assert_null(conf);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *given, *shown;
        uint64_t bytes;
    } cases[] = {
        {"0", "0", 0},         {"1023", "1023", 1023},   {"1024", "1KiB", 1024},
        {"1536k", "1536KiB", 1536 * 1024}, {"3G", "3GiB", UINT64_C(3) << 30}, {"2048MiB", "2GiB", UINT64_C(2) << 30},
        {"5TiB", "5TiB", UINT64_C(5) << 40},
    };
    struct td_err err = {0};
    struct td_conf *conf = fresh();
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        ASSERT_OK(td_conf_set(conf, "limits.memory", cases[i].given, "flag", &err), err);
        assert_string_equal(td_conf_text(conf, "limits.memory"), cases[i].shown);
        assert_int_equal(td_conf_size(conf, "limits.memory"), cases[i].bytes);
    }
    td_conf_free(conf);
}

static void test_edit_distance(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},           {"", "abc", 3},       {"kitten", "sitting", 3}, {"treshold", "thresholds", 2},
        {"abc", "acb", 2},     {"flaw", "lawn", 2},  {"same", "same", 0},      {"intention", "execution", 5},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++)
        for (size_t max = 0; max < 10; max++) {
            size_t expected = cases[i].distance <= max ? cases[i].distance : max + 1;
            assert_int_equal(td_edit_distance(cases[i].a, cases[i].b, max), expected);
            assert_int_equal(td_edit_distance(cases[i].b, cases[i].a, max), expected);
        }
    char longer[200];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(td_edit_distance(longer, longer, 3), 0);
    assert_int_equal(td_edit_distance(longer, longer + 1, 3), 4);
}

static void test_failing_memory(void **state)
{
    (void)state;
    write_text("lake: here\nlimits: {memory: 1GiB, workers: 2}\nmembership: {types: [A, B, C]}\n");
    setenv("TDTEST_WORKERS", "5", 1);
    long n = 1;
    for (enum td_code code = TD_NOMEM; code != TD_OK; n++) {
        struct td_err err = {0};
        struct td_conf *conf = NULL;
        td_alloc_fail_after(n);
        code = td_conf_new(keys, TD_COUNT(keys), &conf, &err);
        if (code == TD_OK)
            code = td_conf_load(conf, path, &err);
        if (code == TD_OK)
            code = td_conf_load_env(conf, &err);
        if (code == TD_OK)
            code = td_conf_set(conf, "lake", "elsewhere", "flag", &err);
        td_alloc_fail_after(0);
        if (code != TD_OK && (code != TD_NOMEM || err.code != TD_NOMEM))
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        td_conf_free(conf);
    }
    unsetenv("TDTEST_WORKERS");
    assert_true(n > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_mistakes),       cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_absent_and_empty), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_edit_distance),  cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
