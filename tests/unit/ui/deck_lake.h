/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_lake: a small lake made by hand for tests of the deck, and a deck running on it in a child. Three sessions of
 * October 2025, four tickers; the clock stands still on the morning after. */
#ifndef TAPEDECK_TESTS_DECK_LAKE_H
#define TAPEDECK_TESTS_DECK_LAKE_H

#include "pty.h"

#include <sys/stat.h>

#include <tapedeck/ui.h>

#define LAKE_NOW "2025-10-22T14:00:00Z"

static char lake_home[64]; /* folder of a test run: home and lake */

static inline void lake_path(char *out, size_t size, const char *rest)
{
    td_snprintf(out, size, "%s/lake%s", lake_home, rest);
}

/* Minutes 09:20..16:30 of a session, rising or falling by a cent, so that every candle is known. */
static inline void lake_minutes(struct td_lake *lake, const char *ticker, double open, double step)
{
    struct td_bars bars = {0};
    struct td_err err = {0};
    struct td_merge_counts counts;
    struct td_day_range vouched = {td_day_from_civil(2025, 10, 20), td_day_from_civil(2025, 10, 22)};
    for (td_day day = vouched.from; day <= vouched.to; day++) {
        for (int minute = 560; minute < 990; minute++) {
            double price = open + step * (minute - 560);
            struct td_bar bar = {.ts = td_ny_to_utc(day, minute * TD_MS_MINUTE), .open = price, .high = price + 0.02,
                                 .low = price - 0.02, .close = price + step / 2, .volume = 1000 + minute, .vwap = price, .trades = 5};
            ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
        }
    }
    struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &vouched, .vouched_count = 1};
    ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_MINUTE, ticker, td_month_of(vouched.from), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
}

static inline struct td_watch_row lake_row(const char *ticker, td_day day, double close, double change, double rvol, int8_t rich)
{
    struct td_watch_row row = {.trading_day = day, .close_d = close, .pctchg_d = change, .rvol30 = rvol, .rvol30_prior = rvol,
                               .vol_d = 1e6, .dollar_vol_d = close * 1e6, .vwap_d = close, .gap_pct_d = change / 2,
                               .market_cap_d = (double)NAN, .r_rvol = rich, .r_chg = rich, .r_dvol = 1, .r_px = 1, .info_rich = rich};
    td_copy(row.ticker, sizeof row.ticker, ticker);
    return row;
}

static inline void lake_watchlists(struct td_lake *lake)
{
    struct td_err err = {0};
    for (int mday = 20; mday <= 21; mday++) {
        td_day day = td_day_from_civil(2025, 10, mday);
        double shift = mday == 21 ? 0 : 0.5;
        struct td_watch_row rows[] = {
            lake_row("AAAA", day, 5.25 + shift, 0.3821, 9.5, 1), lake_row("BBBB", day, 0.8125, -0.25, 6.25, 1),
            lake_row("SLOW", day, 3.5, 0.16, 4, 1),              lake_row("CCCC", day, 12.5, 0.01, 0.75, 0),
        };
        ASSERT_OK(td_watch_write(lake, day, rows, TD_COUNT(rows), "0123456789abcdef", "session", &err), err);
    }
}

static inline void lake_daily(struct td_lake *lake, const char *ticker)
{
    struct td_daily_row rows[2];
    struct td_err err = {0};
    uint64_t bytes;
    memset(rows, 0, sizeof rows);
    for (int i = 0; i < 2; i++) {
        rows[i] = (struct td_daily_row){.trading_day = td_day_from_civil(2025, 10, 20 + i), .close_d = 5 + i, .open_d = 4.5 + i,
                                        .high_d = 6 + i, .low_d = 4 + i, .vol_d = 1e6, .vwap_d = 5 + i, .market_cap_d = (double)NAN,
                                        .bars_from = "minute", .close_src = "regular", .complete = 1};
        td_copy(rows[i].ticker, sizeof rows[i].ticker, ticker);
    }
    ASSERT_OK(td_cache_write(lake, ticker, rows, 2, "session", &bytes, &err), err);
}

static inline void lake_make(bool filled)
{
    char root[128];
    struct td_lake *lake = NULL;
    struct td_err err = {0};
    td_copy(lake_home, sizeof lake_home, "/tmp/tapedeck-ui-XXXXXX");
    assert_non_null(mkdtemp(lake_home));
    lake_path(root, sizeof root, "");
    ASSERT_OK(td_lake_open(root, true, &lake, &err), err);
    if (filled) {
        lake_minutes(lake, "AAAA", 5, 0.001);
        lake_minutes(lake, "BBBB", 1.2, -0.0005);
        lake_minutes(lake, "SLOW", 3, 0.001);
        lake_daily(lake, "AAAA");
        lake_watchlists(lake);
    }
    td_lake_close(lake);
}

static inline void lake_remove(void)
{
    char command[128];
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execlp("rm", "rm", "-rf", lake_home, (char *)NULL);
        _exit(127);
    }
    td_copy(command, sizeof command, lake_home);
    waitpid(pid, NULL, 0);
    assert_int_not_equal(access(command, F_OK), 0);
}

struct deck_run {
    const char *term, *locale, *no_color, *clock;
    long fail; /* allocations that succeed before all others fail; 0 = none fails */
};

/* In the child: what the front end does. */
static inline int deck_child(void *arg)
{
    const struct deck_run *run = arg;
    struct td_app app;
    struct td_err err = {0};
    char path[128];
    lake_path(path, sizeof path, "");
    setenv("TAPEDECK_LAKE", path, 1);
    setenv("HOME", lake_home, 1);
    setenv("INPUTRC", "/dev/null", 1);
    setenv("TAPEDECK_NOW", LAKE_NOW, 1);
    setenv("TAPEDECK_CLOCK", run->clock ? run->clock : "off", 1);
    setenv("TAPEDECK_WORKERS", "1", 1);
    setenv("TERM", run->term, 1);
    setenv("LC_ALL", run->locale, 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    unsetenv("XDG_DATA_HOME");
    if (run->no_color)
        setenv("NO_COLOR", run->no_color, 1);
    td_ui_block_signals();
    enum td_code code = td_ui_commands(&err);
    if (code == TD_OK)
        code = td_app_init(&app, NULL, &err);
    if (code == TD_OK) {
        td_alloc_fail_after(run->fail);
        code = td_ui_run(&app, NULL, &err);
        td_alloc_fail_after(0);
        td_app_free(&app);
        td_log_close();
    }
    if (code != TD_OK)
        printf("%s: %s\r\n", td_code_name(code), err.text);
    return td_exit_status(code);
}

/* ---- one deck at a time ---- */

static struct pty pty; /* the deck under test */

static inline void start_as(struct deck_run run, int rows, int cols)
{
    static struct deck_run what;
    what = run;
    pty_start(&pty, rows, cols, deck_child, &what);
}

static inline void start(int rows, int cols)
{
    start_as((struct deck_run){.term = "xterm-256color", .locale = "C.UTF-8"}, rows, cols);
    PTY_EXPECT(&pty, "info-rich scan");
}

static inline void stop(int status_wanted)
{
    int status = pty_end(&pty);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != status_wanted) {
        pty_show(&pty);
        fail_msg("exit %d signal %d, expected exit %d", WEXITSTATUS(status), WIFSIGNALED(status) ? WTERMSIG(status) : 0, status_wanted);
    }
    pty_assert_sane(&pty);
    pty_free(&pty);
}

static inline int filled(void **state)
{
    (void)state;
    lake_make(true);
    return 0;
}
static inline int empty(void **state)
{
    (void)state;
    lake_make(false);
    return 0;
}
static inline int clean(void **state)
{
    (void)state;
    lake_remove();
    return 0;
}

#endif
