/* SPDX-License-Identifier: GPL-3.0-or-later
 * A reader that has seen enough (`| head -1`) is no error, whenever its going away is noticed; a full disk is one. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <tapedeck/command.h>
#include "cli.h"

/* `lines` lines, each written as commands write: through the stream and never looked at again. */
static enum td_code run_talk(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)app;
    enum td_code code = TD_OK;
    for (int64_t i = 0; code == TD_OK && i < td_args_int(args, "lines", 0); i++)
        code = td_out_printf(out, err, "line %d of many that somebody may or may not read to their end\n", (int)i);
    return code == TD_OK && td_args_flag(args, "fail") ? td_fail(err, TD_DATA, "bad data") : code;
}

static const struct td_arg_def talk_args[] = {
    {.name = "lines", .positional = true, .required = true, .type = TD_ARG_INT, .metavar = "N", .help = "how many"},
    {.name = "fail", .type = TD_ARG_FLAG, .help = "and end badly"},
};
static const struct td_command talk = {.name = "talk", .group = "house", .summary = "talk", .args = talk_args, .arg_count = 2, .run = run_talk};

/* Runs tapedeck in a process of its own with `fd` as standard output; *said gets standard error. */
static int run_with_output(int fd, const char *const *argv, char said[512])
{
    int errors[2], status = -1, argc = 0;
    while (argv[argc])
        argc++;
    assert_int_equal(pipe(errors), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fd, 1);
        dup2(errors[1], 2);
        _exit(td_cli_main(argc, argv));
    }
    assert_true(pid > 0);
    close(errors[1]);
    size_t used = 0;
    for (ssize_t n; used < 511 && (n = read(errors[0], said + used, 511 - used)) > 0;)
        used += (size_t)n;
    said[used] = 0;
    close(errors[0]);
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int unread_pipe(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    return ends[1];
}

static void test_unread(void **state)
{
    (void)state;
    static const char *const counts[] = {"1", "200", "20000"}; /* noticed at the end, at the first block, in the middle */
    for (size_t i = 0; i < TD_COUNT(counts); i++) {
        char said[512];
        int fd = unread_pipe();
        assert_int_equal(run_with_output(fd, (const char *[]){"tapedeck", "talk", counts[i], NULL}, said), 0);
        assert_string_equal(said, "");
        close(fd);
    }
}

/* Whether anybody reads or not: what was asked for went wrong. */
static void test_unread_failure(void **state)
{
    (void)state;
    char said[512];
    int fd = unread_pipe();
    assert_int_equal(run_with_output(fd, (const char *[]){"tapedeck", "talk", "1", "--fail", NULL}, said), 4);
    assert_string_equal(said, "tapedeck: bad data\n");
    close(fd);
}

static void test_full(void **state)
{
    (void)state;
    static const char *const counts[] = {"1", "20000"};
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        skip();
    for (size_t i = 0; i < TD_COUNT(counts); i++) {
        char said[512];
        assert_int_equal(run_with_output(fd, (const char *[]){"tapedeck", "talk", counts[i], NULL}, said), 7);
        assert_true(*said != 0);
    }
    close(fd);
}

static int add_talk(void **state)
{
    (void)state;
    return td_command_register(&talk, NULL) == TD_OK ? 0 : -1;
}

int main(void)
{
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_unread), cmocka_unit_test(test_unread_failure), cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, add_talk, NULL);
}
