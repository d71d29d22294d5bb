/* SPDX-License-Identifier: GPL-3.0-or-later
 * Settings: values out of range are refused by where they stand, `~` is the home, and what is set is followed. */
#include "command_run.h"

#include <locale.h>

#define HEAD "timestamp,open,high,low,close,volume\n"
#define GOOD "2025-12-01 15:00:00,1,2,1,2,100\n2025-12-01 15:05:00,2,3,2,3,100\n"

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message; /* of tapedeck.yaml; NULL: accepted */
    } rows[] = {
        {"limits: {workers: -1}\n", "t.yaml:1: limits.workers: '-1': 0 to 1024 is needed"},
        {"limits:\n  workers: 1025\n", "t.yaml:2: limits.workers: '1025': 0 to 1024 is needed"},
        {"limits: {workers: 1024}\n", NULL},
        {"limits: {memory: 15MiB}\n", "t.yaml:1: limits.memory: '15MiB': 16MiB or more is needed"},
        {"limits: {memory: 16MiB}\n", NULL},
        {"ingest: {max_concurrent: 0}\n", "t.yaml:1: ingest.max_concurrent: '0': 1 to 256 is needed"},
        {"ingest: {max_concurrent: 257}\n", "t.yaml:1: ingest.max_concurrent: '257': 1 to 256 is needed"},
        {"ingest: {retries: -1}\n", "t.yaml:1: ingest.retries: '-1': 0 to 100 is needed"},
        {"ingest: {retries: 101}\n", "t.yaml:1: ingest.retries: '101': 0 to 100 is needed"},
        {"ingest: {timeout: 0}\n", "t.yaml:1: ingest.timeout: '0': 1 to 3600 seconds is needed"},
        {"ingest: {timeout: 3601}\n", "t.yaml:1: ingest.timeout: '3601': 1 to 3600 seconds is needed"},
        {"ingest: {max_concurrent: 256, retries: 0, timeout: 3600}\n", NULL},
        {"base_url: ftp://x\n", "t.yaml:1: base_url: 'ftp://x': an address that begins with http:// or https:// is needed"},
        {"base_url: 'http://'\n", "t.yaml:1: base_url: 'http://': an address that begins with http:// or https:// is needed"},
        {"base_url: http://localhost:8080\n", NULL},
    };
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        put_file("t.yaml", rows[i].text);
        enum td_code code = run_line_in("t.yaml", "config --format csv");
        if (code != (rows[i].message ? TD_CONFIG : TD_OK) || (rows[i].message && strcmp(complaint.text, rows[i].message) != 0))
            fail_msg("%s: %s '%s'", rows[i].text, td_code_name(code), complaint.text);
    }
    setenv("TAPEDECK_WORKERS", "2000", 1);
    enum td_code code = run_line("config");
    unsetenv("TAPEDECK_WORKERS");
    assert_int_equal(code, TD_CONFIG);
    assert_string_equal(complaint.text, "env TAPEDECK_WORKERS: limits.workers: '2000': 0 to 1024 is needed");
}

static void test_stray_variables(void **state)
{
    (void)state;
    struct td_app app;
    struct td_err err = {0};
    char line[256];
    static const char *const known[] = {"TAPEDECK_RETRIES", "TAPEDECK_NOW", "TAPEDECK_SHARED", "TAPEDECK_TEST_SEED"};
    static const char *const values[] = {"3", "2025-12-08", "somewhere", "1"};
    for (size_t i = 0; i < TD_COUNT(known); i++)
        assert_int_equal(setenv(known[i], values[i], 1), 0);
    ASSERT_OK(td_app_init(&app, NULL, &err), err);
    assert_false(td_app_stray_env(&app, 0, line, sizeof line));
    setenv("TAPEDECK_RETRYS", "secret", 1);
    assert_true(td_app_stray_env(&app, 0, line, sizeof line));
    assert_string_equal(line, "TAPEDECK_RETRYS is set, but there is no such setting (did you mean TAPEDECK_RETRIES?); "
                              "'tapedeck config' lists them all");
    assert_false(td_app_stray_env(&app, 1, line, sizeof line));
    setenv("TAPEDECK_ENTIRELY_ELSE", "1", 1);
    assert_true(td_app_stray_env(&app, 1, line, sizeof line));
    assert_false(td_app_stray_env(&app, 2, line, sizeof line));
    unsetenv("TAPEDECK_RETRYS");
    assert_true(td_app_stray_env(&app, 0, line, sizeof line));
    assert_string_equal(line, "TAPEDECK_ENTIRELY_ELSE is set, but there is no such setting; 'tapedeck config' lists them all");
    unsetenv("TAPEDECK_ENTIRELY_ELSE");
    for (size_t i = 0; i < TD_COUNT(known); i++)
        unsetenv(known[i]);
    td_app_free(&app);
}

static void test_universe_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"processing: {top_k: 0}\n", "u.yaml:1: processing.top_k: '0': 1 to 100000 is needed"},
        {"processing: {top_k: 100001}\n", "u.yaml:1: processing.top_k: '100001': 1 to 100000 is needed"},
        {"processing: {compression_level: 0}\n", "u.yaml:1: processing.compression_level: '0': 1 to 19 is needed"},
        {"processing: {compression_level: 20}\n", "u.yaml:1: processing.compression_level: '20': 1 to 19 is needed"},
        {"thresholds: {rvol: -0.1}\n", "u.yaml:1: thresholds.rvol: '-0.1': 0 or more is needed"},
        {"thresholds:\n  min_price: 30\n", "u.yaml:2: thresholds.min_price: '30' is above thresholds.max_price '20' ("},
        {"thresholds: {min_price: 3, max_price: 2}\n",
         "u.yaml:1: thresholds.min_price: '3' is above thresholds.max_price '2' (u.yaml:1)"},
        {"thresholds: {min_price: 3, max_price: 3}\nprocessing: {top_k: 1, compression_level: 19}\n", NULL},
    };
    put_file("A.csv", HEAD GOOD);
    GOES("import A.csv --as stocks_minute --ticker A --lake mine");
    GOES("cache build --lake mine");
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        put_file("u.yaml", rows[i].text);
        enum td_code code = run_line("universe build --lake mine --universe-config u.yaml");
        if (code != (rows[i].message ? TD_CONFIG : TD_OK) ||
            (rows[i].message && strncmp(complaint.text, rows[i].message, strlen(rows[i].message)) != 0))
            fail_msg("%s: %s '%s'", rows[i].text, td_code_name(code), complaint.text);
    }
    put_file(".config/tapedeck/universe.yaml", "thresholds: {dvol: -1}\n"); /* the user's own is checked as well */
    FAILS("config", TD_CONFIG);
}

static void test_theme(void **state)
{
    (void)state;
    put_file("share/themes/dusk.yaml", "name: dusk\n");
    put_file(".config/tapedeck/themes/own.yaml", "name: own\n");
    setenv("TAPEDECK_SHARE", "share", 1);
    put_file("t.yaml", "ui: {theme: dusk}\n");
    assert_int_equal(run_line_in("t.yaml", "config"), TD_OK);
    put_file("t.yaml", "ui: {theme: own}\n");
    assert_int_equal(run_line_in("t.yaml", "config"), TD_OK);
    put_file("t.yaml", "ui: {theme: ../themes/dusk}\n");
    assert_int_equal(run_line_in("t.yaml", "config"), TD_CONFIG);
    put_file("t.yaml", "\nui: {theme: dawn}\n");
    assert_int_equal(run_line_in("t.yaml", "config"), TD_CONFIG);
    unsetenv("TAPEDECK_SHARE");
    HOLDS(complaint.text, "t.yaml:2: ui.theme: 'dawn': ");
}

static void test_home(void **state)
{
    (void)state;
    put_file("A.csv", HEAD GOOD);
    put_file("t.yaml", "lake: ~/deep/lake\nlog: {file: ~/my.log}\n");
    assert_int_equal(run_line_in("t.yaml", "import A.csv --as stocks_minute --ticker A"), TD_OK);
    assert_true(td_file_exists("deep/lake/FORMAT"));
    assert_true(td_file_exists("my.log"));
    assert_false(td_file_exists("~"));
    put_file("t.yaml", "lake: ~nobody\n"); /* another user's home is not looked up */
    assert_int_equal(run_line_in("t.yaml", "import A.csv --as stocks_minute --ticker A"), TD_OK);
    assert_true(td_file_exists("~nobody/FORMAT"));
}

static bool draws_ascii(const char *config, const char *line)
{
    enum td_code code = run_line_in(config, line);
    if (code != TD_OK)
        fail_msg("%s: %s", line, complaint.text);
    for (const char *p = said.data; *p; p++)
        if ((unsigned char)*p >= 0x80)
            return false;
    return true;
}

static void test_glyphs(void **state)
{
    (void)state;
    const char *line = "chart A --lake mine --width 40 --height 12", *flag = "chart A --lake mine --width 40 --height 12 --glyphs braille";
    put_file("A.csv", HEAD GOOD);
    GOES("import A.csv --as stocks_minute --ticker A --lake mine");
    put_file("ascii.yaml", "ui: {glyphs: ascii}\n");
    put_file("block.yaml", "ui: {glyphs: block}\n");
    setlocale(LC_CTYPE, "C");
    assert_true(draws_ascii(NULL, line)); /* auto */
    assert_false(draws_ascii("block.yaml", line));
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        skip();
    assert_false(draws_ascii(NULL, line));
    assert_true(draws_ascii("ascii.yaml", line));
    assert_false(draws_ascii("ascii.yaml", flag));
    setenv("TAPEDECK_GLYPHS", "block", 1);
    assert_false(draws_ascii("ascii.yaml", line));
    unsetenv("TAPEDECK_GLYPHS");
    setlocale(LC_CTYPE, "C");
}

static void test_base_url(void **state)
{
    (void)state;
    setenv("MASSIVE_API_KEY", "not-a-real-key", 1);
    FAILS("ingest -t splits --base-url localhost:8080 --lake mine", TD_USAGE);
    unsetenv("MASSIVE_API_KEY");
    HOLDS(complaint.text, "--base-url 'localhost:8080': an address that begins with http:// or https:// is needed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ranges, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_stray_variables, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_universe_ranges, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_theme, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_home, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_glyphs, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_base_url, enter_scratch, leave_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
