/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the whole deck in a terminal: panes, keys and prompt, empty states, signals, sizes, noise, and that a read which
 * never ends holds up no key. */
#include "deck_lake.h"

#include <sys/syscall.h>

static struct pty pty;

static void start_as(struct deck_run run, int rows, int cols)
{
    static struct deck_run what;
    what = run;
    pty_start(&pty, rows, cols, deck_child, &what);
}

static void start(int rows, int cols)
{
    start_as((struct deck_run){.term = "xterm-256color", .locale = "C.UTF-8"}, rows, cols);
    PTY_EXPECT(&pty, "info-rich scan");
}

static void stop(int status_wanted)
{
    int status = pty_end(&pty);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != status_wanted) {
        pty_show(&pty);
        fail_msg("exit %d signal %d, expected exit %d", WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0, status_wanted);
    }
    pty_assert_sane(&pty);
    pty_free(&pty);
}

static int filled(void **state)
{
    (void)state;
    lake_make(true);
    return 0;
}
static int empty(void **state)
{
    (void)state;
    lake_make(false);
    return 0;
}
static int clean(void **state)
{
    (void)state;
    lake_remove();
    return 0;
}

/* ---- looking ---- */

static void test_opens_on_the_newest_list(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, "info-rich scan  2025-10-21  3 of 4  sort RVOL v");
    PTY_EXPECT(&pty, ">AAAA");
    PTY_EXPECT(&pty, "+38.21");
    PTY_EXPECT(&pty, "0.8125"); /* under a dollar: four decimals */
    PTY_EXPECT(&pty, "n/a");    /* the cap nobody knows */
    PTY_EXPECT(&pty, "RCDP");
    PTY_EXPECT(&pty, "AAAA  30m auto  2025-10-21"); /* the chart follows, on the list's date */
    PTY_EXPECT(&pty, "10-20");                      /* the session before is in view */
    PTY_EXPECT(&pty, "10-22");                      /* and the one after */
    PTY_EXPECT(&pty, "nothing is running");
    assert_int_equal(pty_find(&pty, "CCCC"), -1);
    pty_send(&pty, "j");
    PTY_EXPECT(&pty, ">BBBB");
    PTY_EXPECT(&pty, "BBBB  30m");
    pty_send(&pty, "a");
    PTY_EXPECT(&pty, "4 of 4");
    PTY_EXPECT(&pty, "CCCC");
    PTY_EXPECT(&pty, ">BBBB"); /* the cursor stays on its ticker */
    pty_send(&pty, "G");
    PTY_EXPECT(&pty, ">CCCC");
    PTY_EXPECT(&pty, "no minute bars of CCCC");
    PTY_EXPECT(&pty, ":ingest -t stocks_minute --tickers CCCC");
    pty_send(&pty, "q");
    stop(0);
}

static void test_sort_filter_days(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, "s");
    PTY_EXPECT(&pty, "sort %CHG v");
    pty_send(&pty, "S");
    PTY_EXPECT(&pty, "sort %CHG ^");
    pty_send(&pty, ":sort close_d\r");
    PTY_EXPECT(&pty, "sort CLOSE v");
    pty_send(&pty, ":sort nonsense\r");
    PTY_EXPECT(&pty, "nonsense");
    PTY_EXPECT(&pty, "sort CLOSE v"); /* a wrong wish changes nothing */
    pty_send(&pty, "/rvol30 > 5\r");
    PTY_EXPECT(&pty, "2 of 4");
    PTY_EXPECT(&pty, "filter rvol30 > 5");
    pty_send(&pty, ":filter rvol30 >\r");
    PTY_EXPECT(&pty, "filter rvol30 > 5");
    pty_send(&pty, ":filter close_d > 1000\r");
    PTY_EXPECT(&pty, "no row passes the filter");
    pty_send(&pty, ":filter\r");
    PTY_EXPECT(&pty, "3 of 4");
    pty_send(&pty, "<");
    PTY_EXPECT(&pty, "info-rich scan  2025-10-20");
    PTY_EXPECT(&pty, "5.75");
    pty_send(&pty, "<");
    PTY_EXPECT(&pty, "no older list");
    pty_send(&pty, ">");
    PTY_EXPECT(&pty, "info-rich scan  2025-10-21");
    pty_send(&pty, ":day 2025-11-03\r");
    PTY_EXPECT(&pty, "showing the nearest, 2025-10-21");
    pty_send(&pty, "q");
    stop(0);
}

static void test_chart_keys(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, "AAAA  30m auto");
    pty_send(&pty, "2");
    PTY_EXPECT(&pty, "AAAA  5m  2025-10-21  all hours");
    pty_send(&pty, "e");
    PTY_EXPECT(&pty, "regular hours");
    pty_send(&pty, "v");
    PTY_EXPECT_GONE(&pty, "VWAP");
    pty_send(&pty, ":line sma\r");
    pty_send(&pty, "[");
    PTY_EXPECT(&pty, "\xC2\xB7\xC2\xB7"); /* the crosshair's dots */
    pty_send(&pty, "7");
    PTY_EXPECT(&pty, "AAAA  1d  2025-10-21");
    PTY_EXPECT(&pty, "2025-10"); /* the axis of days */
    pty_send(&pty, ":tf 1h\r");
    PTY_EXPECT(&pty, "AAAA  1h");
    pty_send(&pty, ":glyphs ascii\r");
    PTY_EXPECT(&pty, "+ |"); /* ASCII candles */
    pty_send(&pty, "c+++---hhlH0");
    PTY_EXPECT(&pty, "30m auto");
    pty_send(&pty, "z");
    PTY_EXPECT_GONE(&pty, "info-rich scan");
    pty_send(&pty, "z");
    PTY_EXPECT(&pty, "info-rich scan");
    pty_send(&pty, "q");
    stop(0);
}

static void test_prompt_commands(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, ":nosuchcommand\r");
    PTY_EXPECT(&pty, "unknown command 'nosuchcommand'");
    pty_send(&pty, ":stat\t");
    PTY_EXPECT(&pty, ":status");
    pty_send(&pty, "\r");
    PTY_EXPECT(&pty, "bronze/stocks_minute"); /* its output in the text pane */
    pty_send(&pty, "\x1b");
    PTY_EXPECT_GONE(&pty, "bronze/stocks_minute");
    PTY_EXPECT(&pty, "info-rich scan");
    pty_send(&pty, "o");
    PTY_EXPECT(&pty, "bronze/stocks_minute"); /* and again */
    pty_send(&pty, "\x1b");
    PTY_EXPECT(&pty, "info-rich scan");
    pty_send(&pty, "?");
    PTY_EXPECT(&pty, "Keys everywhere");
    pty_send(&pty, "G");
    PTY_EXPECT(&pty, "Exit codes"); /* the end of the overview: the table of commands is in there */
    pty_send(&pty, "\x1b");
    PTY_EXPECT(&pty, "info-rich scan"); /* Esc and a key at once would be Alt with the key */
    pty_send(&pty, "i");
    PTY_EXPECT(&pty, "thresholds 0123456789abcdef");
    pty_send(&pty, "\x1b");
    PTY_EXPECT(&pty, "info-rich scan");
    pty_send(&pty, ":\x1b[A"); /* history reaches back */
    PTY_EXPECT(&pty, ":status");
    pty_send(&pty, "\x03");
    PTY_EXPECT_GONE(&pty, ":status");
    pty_send(&pty, ":quit\r");
    stop(0);
    char path[128];
    td_snprintf(path, sizeof path, "%s/.local/state/tapedeck/history", lake_home);
    struct td_buf text;
    td_buf_init(&text, 1 << 16);
    assert_int_equal(td_file_read(path, 1 << 16, &text, NULL), TD_OK);
    assert_non_null(strstr(text.data, "nosuchcommand\nstatus"));
    td_buf_free(&text);
}

static void test_save_display(void **state)
{
    (void)state;
    char path[128], line[256];
    start(24, 80);
    PTY_EXPECT(&pty, ">AAAA");
    td_snprintf(path, sizeof path, "%s/screen.txt", lake_home);
    td_snprintf(line, sizeof line, ":save-display %s\r", path);
    pty_send(&pty, line);
    PTY_EXPECT(&pty, "saved to");
    pty_send(&pty, "q");
    stop(0);
    struct td_buf text;
    td_buf_init(&text, 1 << 16);
    assert_int_equal(td_file_read(path, 1 << 16, &text, NULL), TD_OK);
    assert_non_null(strstr(text.data, ">AAAA"));
    td_buf_free(&text);
}

static void test_empty_lake(void **state)
{
    (void)state;
    start(24, 80);
    PTY_EXPECT(&pty, "this lake holds no bars yet");
    PTY_EXPECT(&pty, ":ingest -t stocks_minute");
    pty_send(&pty, "jkG s<>7hx[]/\r"); /* nothing there to act on, nothing breaks */
    pty_send(&pty, "c");
    PTY_EXPECT(&pty, "no ticker is chosen");
    pty_send(&pty, "d");
    PTY_EXPECT(&pty, "nothing is running");
    pty_send(&pty, "q");
    stop(0);
}

static void test_mouse(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, ">AAAA");
    PTY_EXPECT(&pty, "j k move"); /* the frame is whole */
    char click[32];
    td_snprintf(click, sizeof click, "\x1b[<0;5;%dM", pty_find(&pty, "BBBB") + 1);
    pty_send(&pty, click);
    PTY_EXPECT(&pty, ">BBBB");
    pty_send(&pty, "\x1b[<65;5;5M"); /* wheel */
    PTY_EXPECT(&pty, ">SLOW");
    pty_send(&pty, ":set mouse off\rq");
    stop(0);
}

static void test_last_closes(void **state)
{
    (void)state;
    start(36, 200);
    PTY_EXPECT(&pty, "LAST 20");
    PTY_EXPECT(&pty, "\xE2\x96\x81\xE2\x96\x88 RCDP"); /* 5.00, then 6.00 */
    pty_send(&pty, ":glyphs ascii\r");
    PTY_EXPECT(&pty, ".@ RCDP");
    pty_send(&pty, "q");
    stop(0);
}

static void change_list(int mday, double rvol)
{
    struct td_lake *lake = NULL;
    struct td_err err = {0};
    char root[128];
    td_day day = td_day_from_civil(2025, 10, mday);
    struct td_watch_row rows[] = {lake_row("BBBB", day, 0.9, -0.25, rvol, 1), lake_row("AAAA", day, 5.25, 0.3821, 9.5, 1),
                                  lake_row("NEWW", day, 2.5, 0.5, 8, 1)};
    lake_path(root, sizeof root, "");
    ASSERT_OK(td_lake_open(root, false, &lake, &err), err);
    ASSERT_OK(td_watch_write(lake, day, rows, TD_COUNT(rows), "0123456789abcdef", "session", &err), err);
    td_lake_close(lake);
}

/* New numbers arrive for the list that is being read: rows stay where they are until a person sorts. */
static void test_rows_do_not_jump(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, ">AAAA");
    int row = pty_find(&pty, ">AAAA");
    change_list(21, 25);
    pty_send(&pty, ":day newest\r");
    PTY_EXPECT(&pty, "order frozen");
    PTY_EXPECT(&pty, "25.00");
    pty_settle(&pty);
    assert_int_equal(pty_find(&pty, ">AAAA"), row);
    assert_int_equal(pty_find(&pty, "BBBB"), row + 1);
    assert_int_equal(pty_find(&pty, "NEWW"), row + 2); /* a new ticker comes last */
    assert_int_equal(pty_find(&pty, "SLOW"), -1);
    pty_send(&pty, "=");
    PTY_EXPECT_GONE(&pty, "order frozen");
    pty_settle(&pty);
    assert_int_equal(pty_find(&pty, "BBBB"), row);
    assert_int_equal(pty_find(&pty, ">AAAA"), row + 1); /* the cursor went with its ticker */
    pty_send(&pty, "q");
    stop(0);
}

/* A list of another day that appears meanwhile is announced, not jumped to. */
static void test_newer_list_is_announced(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, ">AAAA");
    change_list(22, 7);
    pty_send(&pty, ":day 2025-10-21\r");
    PTY_EXPECT(&pty, "a newer list is there: 2025-10-22; N shows it");
    PTY_EXPECT(&pty, "info-rich scan  2025-10-21");
    pty_send(&pty, "N");
    PTY_EXPECT(&pty, "info-rich scan  2025-10-22");
    pty_send(&pty, "q");
    stop(0);
}

/* A job started at the prompt shows up, ends, and its result reaches the panes. */
static void test_job_from_the_prompt(void **state)
{
    (void)state;
    start(36, 124);
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, ":cache build\r");
    PTY_EXPECT(&pty, "1 done cache");
    pty_send(&pty, ":universe build\r");
    PTY_EXPECT(&pty, "2 done universe");
    PTY_EXPECT(&pty, "data through 2025-10-21"); /* the running session is not in it */
    PTY_EXPECT(&pty, "of 3");                    /* the list was read again */
    pty_send(&pty, "djjkp");
    PTY_EXPECT(&pty, "cannot be paused now");
    pty_send(&pty, "\r");
    PTY_EXPECT(&pty, "no unit of this job failed or was skipped");
    pty_send(&pty, "L");
    PTY_EXPECT(&pty, "command: universe build");
    pty_send(&pty, "q");
    stop(0);
}

/* ---- manners ---- */

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
    for (;;) {
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
        dprintf(1, "job stopped, terminal %s\r\n", sane ? "sane" : "raw");
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
        pty_send(&pty, "\x1a");
        PTY_EXPECT(&pty, "job stopped, terminal sane");
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
        pty_settle(&pty); /* until the neighbours are read ahead */
        size_t before = pty.bytes;
        pty_read(&pty, 1500);
        assert_int_equal(pty.bytes, before);
        pty_send(&pty, "q");
        stop(0);
    }
}

/* The test's own pread: while a gate file is there, reading a table waits. */
static char gate[128];

ssize_t gated_pread(int fd, void *to, size_t len, off_t at) __asm__("pread");
ssize_t gated_pread(int fd, void *to, size_t len, off_t at)
{
    while (gate[0] && access(gate, F_OK) == 0) {
        struct pollfd none = {.fd = -1};
        (void)poll(&none, 1, 5);
    }
    return syscall(SYS_pread64, fd, to, len, at);
}

/* Every read of a table waits for ever: keys, prompt and panes go on meanwhile. */
static void test_reads_never_hold_up_keys(void **state)
{
    (void)state;
    td_snprintf(gate, sizeof gate, "%s/gate", lake_home);
    start(36, 124);
    PTY_EXPECT(&pty, "AAAA  30m");
    pty_settle(&pty); /* until the neighbour is read ahead */
    close(open(gate, O_CREAT | O_WRONLY, 0600));
    pty_send(&pty, "G");
    PTY_EXPECT(&pty, ">SLOW");
    PTY_EXPECT(&pty, "reading bars");
    pty_send(&pty, "k");
    PTY_EXPECT(&pty, ">BBBB");
    PTY_EXPECT(&pty, "BBBB  30m"); /* it was read ahead */
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
    pty_send(&pty, "q");
    stop(0);
}

static void test_sizes(void **state)
{
    (void)state;
    static const int sizes[][2] = {{5, 20}, {24, 80}, {36, 120}, {60, 220}, {1, 1}, {2, 3}, {6, 200}, {60, 20}, {14, 60}, {24, 80}};
    start(24, 80);
    for (size_t i = 0; i < TD_COUNT(sizes); i++) {
        static const char *const looks[] = {"c", "d", "L", "?", "\x1b", "w", "\x1b"};
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
    pty_send(&pty, "\x1b");
    pty_read(&pty, 100);
    pty_send(&pty, "\x03\x1b");
    pty_read(&pty, 100);
    pty_send(&pty, ":filter\r:view deck\r:rows all\r:day newest\r:pane watchlist\r");
    PTY_EXPECT(&pty, "4 of 4");
    pty_send(&pty, "q");
    stop(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_opens_on_the_newest_list, filled, clean),
        cmocka_unit_test_setup_teardown(test_sort_filter_days, filled, clean),
        cmocka_unit_test_setup_teardown(test_chart_keys, filled, clean),
        cmocka_unit_test_setup_teardown(test_prompt_commands, filled, clean),
        cmocka_unit_test_setup_teardown(test_save_display, filled, clean),
        cmocka_unit_test_setup_teardown(test_empty_lake, empty, clean),
        cmocka_unit_test_setup_teardown(test_mouse, filled, clean),
        cmocka_unit_test_setup_teardown(test_last_closes, filled, clean),
        cmocka_unit_test_setup_teardown(test_rows_do_not_jump, filled, clean),
        cmocka_unit_test_setup_teardown(test_newer_list_is_announced, filled, clean),
        cmocka_unit_test_setup_teardown(test_job_from_the_prompt, filled, clean),
        cmocka_unit_test_setup_teardown(test_signals, filled, clean),
        cmocka_unit_test_setup_teardown(test_hangup, filled, clean),
        cmocka_unit_test_setup_teardown(test_suspend_and_return, filled, clean),
        cmocka_unit_test_setup_teardown(test_idle_is_silent, filled, clean),
        cmocka_unit_test_setup_teardown(test_reads_never_hold_up_keys, filled, clean),
        cmocka_unit_test_setup_teardown(test_sizes, filled, clean),
        cmocka_unit_test_setup_teardown(test_small_screen_works, filled, clean),
        cmocka_unit_test_setup_teardown(test_terminals, filled, clean),
        cmocka_unit_test_setup_teardown(test_noise, filled, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
