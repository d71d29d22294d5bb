/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the deck in a terminal, seen by the person who looks: panes, keys, prompt, empty states, jobs, moving lists. */
#include "deck_lake.h"

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
    PTY_EXPECT(&pty, "SLOW"); /* the rows are all there */
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
    PTY_EXPECT_AT(&pty, "NEWW", row + 2); /* a new ticker comes last; it is drawn after the rows above it */
    assert_int_equal(pty_find(&pty, ">AAAA"), row);
    assert_int_equal(pty_find(&pty, "BBBB"), row + 1);
    PTY_EXPECT_GONE(&pty, "SLOW");
    pty_send(&pty, "=");
    PTY_EXPECT_GONE(&pty, "order frozen");
    PTY_EXPECT_AT(&pty, "BBBB", row);
    PTY_EXPECT_AT(&pty, ">AAAA", row + 1); /* the cursor went with its ticker */
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
