/* SPDX-License-Identifier: GPL-3.0-or-later
 * One table of commands: a command added in one place is found in help, completion, manual, prompt and shell. */
#include "check.h"

#include <fcntl.h>
#include <tapedeck/command.h>
#include "cli.h"

static int calls;
static char seen[64];

static enum td_code run_dummy(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    calls++;
    td_copy(seen, sizeof seen, td_args_text(args, "fruit"));
    return td_out_printf(out, err, "fruit %s times %d\n", td_args_text(args, "fruit"), (int)td_args_int(args, "times", 1));
}

static const struct td_arg_def dummy_args[] = {
    {.name = "fruit", .positional = true, .required = true, .type = TD_ARG_CHOICE, .choices = "quince|medlar", .metavar = "FRUIT", .help = "a rare fruit"},
    {.name = "times", .aliases = "n", .type = TD_ARG_INT, .metavar = "N", .help = "how often to peel"},
};
static const struct td_command dummy = {.name = "peel slowly", .aliases = "ps", .group = "house", .summary = "peel a fruit",
                                        .args = dummy_args, .arg_count = 2, .run = run_dummy};

static int add_dummy(void **state)
{
    (void)state;
    struct td_err err = {0};
    return td_command_register(&dummy, &err) == TD_OK ? 0 : -1;
}

static void assert_holds(const struct td_buf *text, const char *needle)
{
    if (!text->data || !strstr(text->data, needle))
        fail_msg("'%s' not found", needle);
}

static void test_help(void **state)
{
    (void)state;
    struct td_buf text;
    td_buf_init(&text, 1 << 20);
    assert_int_equal(td_help_overview(&text), TD_OK);
    assert_holds(&text, "peel slowly");
    assert_holds(&text, "peel a fruit");
    td_buf_clear(&text);
    assert_int_equal(td_help_command(td_command_find("ps"), &text), TD_OK);
    assert_holds(&text, "usage: tapedeck peel slowly FRUIT [--times N]");
    assert_holds(&text, "how often to peel");
    td_buf_free(&text);
}

static void test_manual_and_bash(void **state)
{
    (void)state;
    struct td_buf text;
    td_buf_init(&text, 1 << 20);
    td_help_man_table(&text);
    assert_holds(&text, ".SS tapedeck peel slowly");
    td_buf_clear(&text);
    td_help_bash_completion(&text);
    assert_holds(&text, "\"peel slowly\") words=\"quince medlar --times");
    td_buf_free(&text);
}

static void check_completion(struct td_app *app, const char *line, const char *want)
{
    struct td_err err = {0};
    struct td_completions found;
    ASSERT_OK(td_complete(app, line, strlen(line), &found, &err), err);
    bool there = false;
    for (size_t i = 0; i < found.names.count; i++)
        there = there || strcmp(found.names.items[i], want) == 0;
    if (!there)
        fail_msg("completion of '%s' does not offer '%s'", line, want);
    td_names_free(&found.names);
}

static void test_completion_and_prompt(void **state)
{
    (void)state;
    struct td_app app;
    struct td_err err = {0};
    struct td_buf text;
    ASSERT_OK(td_app_init(&app, NULL, &err), err);
    check_completion(&app, "pe", "peel");
    check_completion(&app, "peel ", "slowly");
    check_completion(&app, "peel slowly ", "quince");
    check_completion(&app, "peel slowly med", "medlar");
    check_completion(&app, "peel slowly --ti", "--times");
    td_buf_init(&text, 4096);
    struct td_out out = {.write = td_out_to_buf, .ctx = &text};
    app.interactive = true;
    ASSERT_OK(td_command_line(&app, "peel slowly 'medlar' -n 3", &out, &err), err);
    assert_string_equal(text.data, "fruit medlar times 3\n");
    assert_string_equal(seen, "medlar");
    td_buf_free(&text);
    td_app_free(&app);
}

/* Runs td_cli_main with standard output and error in files; returns the exit status. */
static int shell(const char *const *argv, char *out, char *err, size_t size)
{
    char out_path[] = "/tmp/td-dummy-out-XXXXXX", err_path[] = "/tmp/td-dummy-err-XXXXXX";
    int argc = 0, fds[2] = {mkstemp(out_path), mkstemp(err_path)}, saved[2];
    while (argv[argc])
        argc++;
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(i + 1);
        dup2(fds[i], i + 1);
    }
    int status = td_cli_main(argc, argv);
    fflush(NULL);
    char *texts[] = {out, err};
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
        ssize_t n = pread(fds[i], texts[i], size - 1, 0);
        texts[i][n > 0 ? n : 0] = 0;
        close(fds[i]);
    }
    unlink(out_path);
    unlink(err_path);
    return status;
}

static void test_shell(void **state)
{
    (void)state;
    char out[4096], err[4096];
    assert_int_equal(shell((const char *[]){"tapedeck", "ps", "quince", "--times=2", NULL}, out, err, sizeof out), 0);
    assert_string_equal(out, "fruit quince times 2\n");
    assert_int_equal(shell((const char *[]){"tapedeck", "peel", "slowly", "apple", NULL}, out, err, sizeof out), 2);
    assert_string_equal(out, "");
    assert_string_equal(err, "tapedeck: peel slowly: FRUIT 'apple': one of quince|medlar is needed\n");
    assert_int_equal(shell((const char *[]){"tapedeck", "peel", "slowly", "quince", "--time", "2", NULL}, out, err, sizeof out), 2);
    assert_string_equal(err, "tapedeck: peel slowly: unknown option '--time' (did you mean '--times'?); see 'tapedeck peel slowly --help'\n");
}

static void test_only_once(void **state)
{
    (void)state;
    struct td_err err = {0};
    assert_int_equal(td_command_register(&dummy, &err), TD_USAGE);
}

int main(void)
{
    char home[] = "/tmp/td-dummy-home-XXXXXX";
    if (!mkdtemp(home))
        return 1;
    setenv("HOME", home, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_help), cmocka_unit_test(test_manual_and_bash),
                                       cmocka_unit_test(test_completion_and_prompt), cmocka_unit_test(test_shell),
                                       cmocka_unit_test(test_only_once)};
    int failed = cmocka_run_group_tests(tests, add_dummy, NULL);
    char path[256];
    static const char *const leftovers[] = {"/.local/state/tapedeck/tapedeck.log", "/.local/state/tapedeck", "/.local/state", "/.local", ""};
    for (size_t i = 0; i < TD_COUNT(leftovers); i++) {
        td_snprintf(path, sizeof path, "%s%s", home, leftovers[i]);
        remove(path);
    }
    return failed;
}
