/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the deck's manners: signals, suspend, silence, sizes, terminals, noise, reads that never answer, memory that
 * runs out - and a sane terminal after all of them. */
#include "deck_lake.h"

#include <sys/syscall.h>

static void test_signals(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGHUP};
    for (size_t i = 0; i < TD_COUNT(signals); i++) {
        start(24, 80);
        PTY_EXPECT(&pty, ">AAAA");
        kill(pty.pid, signals[i]);
        stop(130);
    }
    start(24, 80);
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, "\x03"); /* Ctrl-C leaves no deck by accident */
    PTY_EXPECT(&pty, "q leaves the deck");
    pty_send(&pty, "q");
    stop(0);
}

static void test_hangup(void **state)
{
    (void)state;
    int status = 0;
    start(24, 80);
    PTY_EXPECT(&pty, ">AAAA");
    pty_free(&pty); /* the terminal is gone: the child must end by itself */
    int64_t end = td_mono_ns() + (int64_t)PTY_PATIENCE_MS * 1000000;
    while (waitpid(pty.pid, &status, WNOHANG) == 0) {
        struct pollfd none = {.fd = -1};
        (void)poll(&none, 1, 5);
        if (td_mono_ns() > end) {
            kill(pty.pid, SIGKILL);
            fail_msg("the deck outlived its terminal");
        }
    }
    assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGHUP);
}

/* A shell in little: runs the deck as a job, waits for it to stop, looks at the terminal, brings it back. */
static int job_shell(void *arg)
{
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        exit(deck_child(arg));
    }
    setpgid(job, job);
    tcsetpgrp(0, job);
    for (int stops = 1;; stops++) {
        int status;
        char byte;
        if (waitpid(job, &status, WUNTRACED) < 0)
            return 99;
        tcsetpgrp(0, getpgrp());
        if (!WIFSTOPPED(status))
            return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
        struct termios modes;
        tcgetattr(0, &modes);
        bool sane = (modes.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
        dprintf(1, "job stopped %d, terminal %s\r\n", stops, sane ? "sane" : "raw");
        if (read(0, &byte, 1) != 1) /* a line: fg */
            return 97;
        tcsetpgrp(0, job);
        kill(-job, SIGCONT);
    }
}

static void test_suspend_and_return(void **state)
{
    (void)state;
    static struct deck_run run = {.term = "xterm-256color", .locale = "C.UTF-8"};
    pty_start(&pty, 24, 80, job_shell, &run);
    PTY_EXPECT(&pty, ">AAAA");
    for (int round = 0; round < 2; round++) {
        pty_settle(&pty); /* the terminal throws away what it has not shown yet when it sees Ctrl-Z */
        pty_send(&pty, "\x1a");
        PTY_EXPECT(&pty, round ? "job stopped 2, terminal sane" : "job stopped 1, terminal sane");
        pty_resize(&pty, round ? 24 : 30, round ? 80 : 110); /* while it sleeps */
        pty_send(&pty, "\n");
        PTY_EXPECT(&pty, ">AAAA");
        PTY_EXPECT_GONE(&pty, "job stopped");
        PTY_EXPECT(&pty, round ? "j k move" : "BBBB");
    }
    pty_send(&pty, "j");
    PTY_EXPECT(&pty, ">BBBB");
    pty_send(&pty, "q");
    stop(0);
}

static void test_idle_is_silent(void **state)
{
    (void)state;
    static const char *const clocks[] = {"off", "on"}; /* the clock stands still here: even ticking it sends nothing */
    for (size_t i = 0; i < TD_COUNT(clocks); i++) {
        start_as((struct deck_run){.term = "xterm-256color", .locale = "C.UTF-8", .clock = clocks[i]}, 36, 124);
        PTY_EXPECT(&pty, "AAAA  30m auto");
        int64_t end = td_mono_ns() + (int64_t)PTY_PATIENCE_MS * 1000000;
        while (pty_read(&pty, 1500)) /* the neighbours are read ahead; then a second and a half of nothing, ticks or not */
            if (td_mono_ns() > end)
                fail_msg("the idle deck never was silent");
        assert_false(pty.ended);
        pty_send(&pty, "q");
        stop(0);
    }
}

/* The test's own pread: while a gate file is there, reading a table waits. With `gate_only` just reading paths with one of
 * these texts does. */
static char gate[128];
static const char *const *gate_only;

static bool is_gated(int fd)
{
    char link[64], path[1024];
    if (!gate_only)
        return true;
    td_snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    for (const char *const *text = gate_only; *text; text++)
        if (strstr(path, *text))
            return true;
    return false;
}

ssize_t gated_pread(int fd, void *to, size_t len, off_t at) __asm__("pread");
ssize_t gated_pread(int fd, void *to, size_t len, off_t at)
{
    while (gate[0] && access(gate, F_OK) == 0 && is_gated(fd)) {
        struct pollfd none = {.fd = -1};
        (void)poll(&none, 1, 5);
    }
    return syscall(SYS_pread64, fd, to, len, at);
}

/* Reading one ticker's bars and another day's list waits for ever: keys, prompt and panes go on meanwhile. The one thread
 * that reads is then held up, so whatever shows a neighbour's bars has read them ahead. */
static void test_reads_never_hold_up_keys(void **state)
{
    (void)state;
    static const char *const only[] = {"ticker=SLOW", "2025-10-20", NULL};
    td_snprintf(gate, sizeof gate, "%s/gate", lake_home);
    gate_only = only;
    start(36, 124);
    PTY_EXPECT(&pty, "AAAA  30m"); /* its reading and that of the neighbour are asked for now, before all that follows */
    close(open(gate, O_CREAT | O_WRONLY, 0600));
    pty_send(&pty, "G");
    PTY_EXPECT(&pty, ">SLOW");
    PTY_EXPECT(&pty, "reading bars");
    pty_send(&pty, "k");
    PTY_EXPECT(&pty, ">BBBB");
    PTY_EXPECT(&pty, "BBBB  30m");
    PTY_EXPECT_GONE(&pty, "reading bars"); /* it was read ahead */
    pty_send(&pty, "a");
    PTY_EXPECT(&pty, "CCCC");
    pty_send(&pty, ":sort ticker:desc\r");
    PTY_EXPECT(&pty, "sort TICKER v");
    pty_send(&pty, "<"); /* another day has to be read */
    PTY_EXPECT(&pty, "loading");
    pty_send(&pty, "?");
    PTY_EXPECT(&pty, "Keys everywhere");
    pty_send(&pty, "\x1b");
    PTY_EXPECT(&pty, "loading");
    assert_int_equal(unlink(gate), 0);
    PTY_EXPECT(&pty, "info-rich scan  2025-10-20");
    PTY_EXPECT_GONE(&pty, "loading");
    gate[0] = '\0';
    gate_only = NULL;
    pty_send(&pty, "q");
    stop(0);
}

/* One q does not end hours of work: with a job of its own running the deck asks first. */
static void test_quit_while_a_job_runs(void **state)
{
    (void)state;
    static const char *const only[] = {"ticker=SLOW", NULL}; /* no neighbour: the thread that lists the jobs reads on */
    td_snprintf(gate, sizeof gate, "%s/gate", lake_home);
    gate_only = only;
    start(36, 124);
    PTY_EXPECT(&pty, "AAAA  30m");
    close(open(gate, O_CREAT | O_WRONLY, 0600));
    pty_send(&pty, ":cache build\r");
    PTY_EXPECT(&pty, "1 running cache");
    PTY_EXPECT(&pty, "job 1 started"); /* the command has its say before the next message */
    pty_send(&pty, "q");
    PTY_EXPECT(&pty, "1 job of this deck would stop at a unit boundary: q again leaves");
    pty_send(&pty, "j");
    PTY_EXPECT(&pty, ">BBBB"); /* still here */
    pty_send(&pty, "q");
    assert_int_equal(unlink(gate), 0); /* the unit in flight may end now */
    stop(0);
    gate[0] = '\0';
    gate_only = NULL;
}

/* Another process: a job whose reads wait at a gate of its own, until it is killed. */
static pid_t start_other(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    struct td_lake *lake = NULL;
    struct td_engine *engine = NULL;
    struct td_engine_options options = {.workers = 1};
    struct td_cache_job job = {.from = TD_NO_DAY, .to = TD_NO_DAY};
    char root[128];
    int id;
    alarm(120);
    lake_path(root, sizeof root, "");
    td_snprintf(gate, sizeof gate, "%s/gate", lake_home);
    close(open(gate, O_CREAT | O_WRONLY, 0600));
    if (td_lake_open(root, false, &lake, NULL) != TD_OK || td_engine_new(lake, &options, &engine, NULL) != TD_OK ||
        td_job_cache(engine, &job, &id, NULL) != TD_OK)
        _exit(1);
    for (;;)
        pause();
}

/* A cron job's build shows up in the deck as it runs, and a dead owner's as interrupted. */
static void test_jobs_of_others(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, "nothing is running");
    pid_t other = start_other();
    PTY_EXPECT(&pty, "running cache");
    PTY_EXPECT(&pty, "process ");
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    PTY_EXPECT_GONE(&pty, "running cache");
    pty_send(&pty, "q");
    stop(0);
}

static void test_sizes(void **state)
{
    (void)state;
    static const int sizes[][2] = {{5, 20}, {24, 80}, {36, 120}, {60, 220}, {1, 1}, {2, 3}, {6, 200}, {60, 20}, {14, 60}, {24, 80}};
    start(24, 80);
    for (size_t i = 0; i < TD_COUNT(sizes); i++) {
        static const char *const looks[] = {"c", "d", "L", "?", ":go back\r", "w", ":go back\r"}; /* Esc and a key at once would be Alt with the key */
        pty_resize(&pty, sizes[i][0], sizes[i][1]);
        for (size_t k = 0; k < TD_COUNT(looks); k++)
            pty_send(&pty, looks[k]);
        if (sizes[i][1] >= 20)
            PTY_EXPECT(&pty, "tapedeck");
    }
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, "q");
    stop(0);
}

static void test_small_screen_works(void **state)
{
    (void)state;
    start(5, 20);
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, "j");
    PTY_EXPECT(&pty, ">BBBB");
    pty_send(&pty, "\t");
    PTY_EXPECT(&pty, "BBBB");
    pty_send(&pty, ":sor\t");
    PTY_EXPECT(&pty, ":sort");
    pty_send(&pty, "\x03q");
    stop(0);
}

static void test_terminals(void **state)
{
    (void)state;
    static const char *const terms[] = {"xterm-256color", "xterm-direct", "linux", "vt100"};
    static const char *const locales[] = {"C", "C.UTF-8"};
    for (size_t t = 0; t < TD_COUNT(terms); t++) {
        for (size_t l = 0; l < TD_COUNT(locales); l++) {
            start_as((struct deck_run){.term = terms[t], .locale = locales[l], .no_color = t % 2 ? "1" : NULL}, 24, 80);
            PTY_EXPECT(&pty, ">AAAA");
            PTY_EXPECT(&pty, l ? "\xE2\x94\x8C info-rich scan" : "+ info-rich scan");
            pty_send(&pty, "q");
            stop(0);
        }
    }
    start_as((struct deck_run){.term = "dumb", .locale = "C.UTF-8"}, 24, 80);
    PTY_EXPECT(&pty, "cannot place a cursor");
    stop(2);
}

static bool came_to_rest(int ms)
{
    int64_t end = td_mono_ns() + (int64_t)ms * 1000000;
    while (pty_find(&pty, "q leaves the deck") < 0 && td_mono_ns() < end)
        pty_read(&pty, 50);
    return pty_find(&pty, "q leaves the deck") >= 0;
}

/* Whatever state the noise has left behind: Ctrl-C ends a prompt, and says so where there is none. It throws away what was
 * typed and not yet read: a deck that was about to read that goes on with the next key, which also wipes the message. */
static void calm_down(void)
{
    for (int ms = 500; ms < PTY_PATIENCE_MS; ms *= 2) {
        pty_send(&pty, "\x03");
        if (came_to_rest(ms))
            break;
        pty_send(&pty, "\x0c");
        if (came_to_rest(ms))
            break;
    }
    if (pty_find(&pty, "q leaves the deck") < 0) {
        pty_show(&pty);
        fail_msg("the deck never came to rest");
    }
    pty_send(&pty, "\x0c\x0c"); /* the first one completes a sequence that the noise has begun */
}

static void test_noise(void **state)
{
    (void)state;
    static const char alphabet[] = "jkhlGgsSa=<>N/:?\t\x1b[]+-0234567evmMHzwcdLox\r ;:~^AB5;1M\x7f\x0c";
    uint64_t seed = 42;
    start(30, 100);
    PTY_EXPECT(&pty, ">AAAA");
    for (int i = 0; i < 1500; i++) {
        char key[2] = "";
        seed = td_mix64(seed);
        key[0] = alphabet[seed % (sizeof alphabet - 1)];
        pty_send(&pty, key);
        if (i % 50 == 0)
            pty_read(&pty, 0);
    }
    calm_down();
    pty_send(&pty, ":filter\r:view deck\r:rows all\r:day newest\r:pane watchlist\r");
    PTY_EXPECT(&pty, "4 of 4");
    pty_send(&pty, "q");
    stop(0);
}

/* Memory that runs out at any moment of the start or later: refused with a message or survived, never crashed on, and
 * the terminal is sane. With nothing to allocate from, a signal still ends it. */
static void test_memory_runs_out(void **state)
{
    (void)state;
    static const long from_here[] = {1, 2, 5, 13, 30, 60, 80, 110, 130, 200, 300, 500, 900, 1500};
    for (size_t i = 0; i < TD_COUNT(from_here); i++) {
        start_as((struct deck_run){.term = "xterm-256color", .locale = "C.UTF-8", .fail = from_here[i]}, 36, 124);
        (void)pty_until(&pty, pty_spoke_, NULL); /* before its first byte it minds no signal yet */
        pty_send(&pty, "jjGa2s:status\r<");
        pty_settle(&pty);
        if (pty.ended || pty_find(&pty, "NOMEM") >= 0) {
            int status = pty_end(&pty);
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 7);
        } else {
            kill(pty.pid, SIGTERM);
            int status = pty_end(&pty);
            if (!WIFEXITED(status) || (WEXITSTATUS(status) != 130 && WEXITSTATUS(status) != 7)) {
                pty_show(&pty);
                fail_msg("after %ld allocations: exit %d signal %d", from_here[i], WEXITSTATUS(status),
                         WIFSIGNALED(status) ? WTERMSIG(status) : 0);
            }
        }
        pty_assert_sane(&pty);
        pty_free(&pty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signals, filled, clean),
        cmocka_unit_test_setup_teardown(test_hangup, filled, clean),
        cmocka_unit_test_setup_teardown(test_suspend_and_return, filled, clean),
        cmocka_unit_test_setup_teardown(test_idle_is_silent, filled, clean),
        cmocka_unit_test_setup_teardown(test_reads_never_hold_up_keys, filled, clean),
        cmocka_unit_test_setup_teardown(test_quit_while_a_job_runs, filled, clean),
        cmocka_unit_test_setup_teardown(test_jobs_of_others, filled, clean),
        cmocka_unit_test_setup_teardown(test_sizes, filled, clean),
        cmocka_unit_test_setup_teardown(test_small_screen_works, filled, clean),
        cmocka_unit_test_setup_teardown(test_terminals, filled, clean),
        cmocka_unit_test_setup_teardown(test_noise, filled, clean),
        cmocka_unit_test_setup_teardown(test_memory_runs_out, filled, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
