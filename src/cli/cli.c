/* SPDX-License-Identifier: GPL-3.0-or-later
 * The front end of the shell: arguments in, results on standard output, everything else on standard error. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <tapedeck/ui.h>
#include "progress.h"

#define STRAYS_TOLD 5

struct cli { /* main thread */
    struct td_app app;
    struct progress progress;
    int signal_fd;
    bool stopped; /* a signal came */
    bool unread;  /* whoever read standard output has gone: `| head -1` has seen enough */
};

/* Reading signals from a descriptor keeps their handling on this thread; all others inherit the block. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void note_unread(struct cli *cli, bool good)
{
    if (!good && errno == EPIPE)
        cli->unread = true;
}

static bool interrupted(void *ctx, int timeout_ms)
{
    struct cli *cli = ctx;
    struct signalfd_siginfo info;
    struct pollfd fd = {.fd = cli->signal_fd, .events = POLLIN};
    note_unread(cli, fflush(stdout) == 0);
    if (!cli->stopped && poll(&fd, 1, timeout_ms) > 0 &&
        read(cli->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
        cli->stopped = true;
    return cli->stopped;
}

static bool show_progress(void *ctx, const struct td_job_view *view, bool ended)
{
    struct cli *cli = ctx;
    cli->progress.quiet = cli->app.quiet;
    progress_show(&cli->progress, view, ended);
    return interrupted(cli, 0);
}

static void show_notice(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "tapedeck: %s\n", line);
}

static bool write_stdout(void *ctx, const char *data, size_t len)
{
    struct cli *cli = ctx;
    bool good = !cli->unread && fwrite(data, 1, len, stdout) == len;
    if (!cli->unread)
        note_unread(cli, good);
    return good;
}

/* --config and --color must be known before the configuration is read. */
static const char *option_value(int argc, const char *const *argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strncmp(argv[i], name, len) == 0) {
            if (argv[i][len] == '=')
                return argv[i] + len + 1;
            if (argv[i][len] == 0)
                return i + 1 < argc ? argv[i + 1] : NULL;
        }
    return NULL;
}

static int terminal_width(void)
{
    struct winsize size;
    return isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* `tapedeck` alone, also with options that a command would understand, opens the deck. */
static bool names_a_command(int argc, const char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--version") == 0)
            return true;
        if (argv[i][0] != '-')
            return true;
        bool takes_value = strcmp(argv[i], "--lake") == 0 || strcmp(argv[i], "--config") == 0 ||
                           strcmp(argv[i], "--color") == 0 || strcmp(argv[i], "--wait") == 0 ||
                           strcmp(argv[i], "--format") == 0;
        if (strncmp(argv[i], "--lake", 6) != 0 && strncmp(argv[i], "--config", 8) != 0 &&
            strncmp(argv[i], "--color", 7) != 0 && strncmp(argv[i], "--wait", 6) != 0 &&
            strcmp(argv[i], "--quiet") != 0 && strcmp(argv[i], "--verbose") != 0)
            return true; /* let the command parser name what is wrong */
        i += takes_value;
    }
    return false;
}

static enum td_code open_deck(struct cli *cli, struct td_err *err)
{
    const struct td_conf *conf = cli->app.conf;
    const char *glyphs = td_conf_text(conf, "ui.glyphs");
    const struct td_ui_options options = {.no_color = strcmp(td_conf_text(conf, "ui.color"), "never") == 0,
                                          .no_mouse = !td_conf_bool(conf, "ui.mouse"),
                                          .no_clock = !td_conf_bool(conf, "ui.clock"),
                                          .theme = td_conf_text(conf, "ui.theme"),
                                          .glyphs = strcmp(glyphs, "auto") == 0 ? NULL : glyphs};
    return td_ui_run(&cli->app, &options, err);
}

static enum td_code run_deck(struct cli *cli, int argc, const char *const *argv, struct td_err *err)
{
    const char *lake = option_value(argc, argv, "--lake");
    if (lake && !td_copy(cli->app.lake_root, sizeof cli->app.lake_root, lake))
        return td_fail(err, TD_USAGE, "--lake: the path is too long");
    return open_deck(cli, err);
}

static enum td_code run(struct cli *cli, int argc, const char *const *argv, struct td_err *err)
{
    struct td_out out = {.write = write_stdout, .ctx = cli, .width = terminal_width()};
    const char *color = option_value(argc, argv, "--color");
    if (color) {
        enum td_code code = td_conf_set(cli->app.conf, "ui.color", color, "flag", err);
        if (code != TD_OK)
            return code;
    }
    if (!names_a_command(argc, argv))
        return run_deck(cli, argc, argv, err);
    enum td_code code = td_command_run(&cli->app, argv + 1, (size_t)argc - 1, &out, err);
    if (code == TD_OK && cli->app.open_deck) {
        cli->app.open_deck = false;
        if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
            return open_deck(cli, err);
        const char *words[] = {"watchlist"}; /* no terminal: the same work, and the day's list */
        code = td_command_run(&cli->app, words, 1, &out, err);
    }
    return code;
}

/* A misspelled variable changes nothing, which is what should be told. */
static void tell_stray_env(const struct cli *cli)
{
    char line[256];
    for (size_t i = 0; i < STRAYS_TOLD && td_app_stray_env(&cli->app, i, line, sizeof line); i++) {
        td_log(TD_LOG_WARN, "cli", "%s", line);
        fprintf(stderr, "tapedeck: %s\n", line);
    }
}

int td_cli_main(int argc, const char *const *argv)
{
    struct td_err err = {0};
    struct cli *cli = td_calloc(1, sizeof *cli);
    setlocale(LC_CTYPE, "");
    if (!cli) {
        fprintf(stderr, "tapedeck: out of memory\n");
        return td_exit_status(TD_NOMEM);
    }
    td_ui_block_signals(); /* before any thread: the deck and this file read signals from descriptors */
    cli->signal_fd = open_signals();
    signal(SIGPIPE, SIG_IGN);
    enum td_code code = td_ui_commands(&err);
    if (code == TD_OK)
        code = td_app_init(&cli->app, option_value(argc, argv, "--config"), &err);
    if (code == TD_OK) {
        progress_init(&cli->progress, false);
        cli->app.progress = show_progress;
        cli->app.notice = show_notice;
        cli->app.interrupted = interrupted;
        cli->app.terminal_report = td_ui_terminal_report;
        cli->app.progress_ctx = cli->app.notice_ctx = cli->app.interrupted_ctx = cli;
        tell_stray_env(cli);
        code = run(cli, argc, argv, &err);
        td_app_free(&cli->app);
    }
    /* The writers end with this when nobody reads any more; what else went wrong still counts. */
    if (cli->unread && code == TD_IO && strncmp(err.text, "output: ", 8) == 0)
        code = TD_OK;
    if (fflush(stdout) != 0 && code == TD_OK && !cli->unread && errno != EPIPE)
        code = td_fail_errno(&err, errno, "standard output");
    if (code != TD_OK && err.text[0])
        fprintf(stderr, "tapedeck: %s\n", err.text);
    if (cli->signal_fd >= 0)
        close(cli->signal_fd);
    td_free(cli);
    return td_exit_status(code);
}
