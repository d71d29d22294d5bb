/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the coverage pane in a terminal: the map, its cursor, the command that fills a hole, and what it says when there
 * is nothing to show. The newest session that is over is 2025-10-21. */
#include "deck_lake.h"

/* A file of one ticker with bars on its first days only, vouched for as far as that. */
static void add_ticker(struct td_lake *lake, const char *ticker, int bars_to, int vouched_to)
{
    struct td_bars bars = {0};
    struct td_err err = {0};
    struct td_merge_counts counts;
    const struct td_day_range vouched = {td_day_from_civil(2025, 10, 20), td_day_from_civil(2025, 10, vouched_to)};
    const struct td_merge merge = {.source = "rest", .adjusted = "raw", .vouched = &vouched, .vouched_count = 1};
    for (int mday = 20; mday <= bars_to; mday++) {
        struct td_bar bar = {.ts = td_ny_to_utc(td_day_from_civil(2025, 10, mday), 600 * TD_MS_MINUTE), .open = 1, .high = 1, .low = 1,
                             .close = 1, .volume = 100, .vwap = 1, .trades = 1};
        ASSERT_OK(td_bars_add(&bars, &bar, &err), err);
    }
    ASSERT_OK(td_bronze_merge(lake, TD_STOCKS_MINUTE, ticker, td_month_of(vouched.from), &bars, &merge, &counts, &err), err);
    td_bars_free(&bars);
}

static int holed(void **state)
{
    char root[128];
    struct td_lake *lake = NULL;
    struct td_err err = {0};
    (void)state;
    lake_make(true);
    lake_path(root, sizeof root, "");
    ASSERT_OK(td_lake_open(root, false, &lake, &err), err);
    add_ticker(lake, "HALF", 20, 20);  /* the second session is unknown */
    add_ticker(lake, "QUIET", 19, 22); /* known, without a trade */
    td_lake_close(lake);
    return 0;
}

static void test_map_cursor_and_fill(void **state)
{
    (void)state;
    start(30, 100);
    pty_send(&pty, "C");
    PTY_EXPECT(&pty, "coverage  stocks_minute  1 unknown of 10  2025-10-20..2025-10-21  5 tickers");
    PTY_EXPECT(&pty, ">AAAA  #");          /* under the cursor: the plain character, in reverse */
    PTY_EXPECT(&pty, " BBBB  \xE2\x96\x88"); /* all known */
    PTY_EXPECT(&pty, " HALF  5");
    PTY_EXPECT(&pty, " QUIET o");
    PTY_EXPECT(&pty, "AAAA 2025-10  0 unknown  2 traded  0 empty");
    PTY_EXPECT(&pty, "nothing to fill");
    pty_send(&pty, "\r");
    PTY_EXPECT(&pty, "AAAA: every session of the month is known");
    pty_send(&pty, "n");
    PTY_EXPECT(&pty, ">HALF");
    PTY_EXPECT(&pty, "HALF 2025-10  1 unknown  1 traded  0 empty");
    PTY_EXPECT(&pty, "Enter fill it");
    pty_send(&pty, "\r");
    PTY_EXPECT_GONE(&pty, "Enter fill it"); /* the pane shows the command as well: it must be in the prompt */
    PTY_EXPECT_AT(&pty, ":ingest -t stocks_minute -s 2025-10-21 -e 2025-10-21 --tickers HALF", 29);
    pty_send(&pty, "\x03");
    PTY_EXPECT(&pty, "Enter fill it");
    pty_send(&pty, "G");
    PTY_EXPECT(&pty, ">SLOW");
    pty_send(&pty, "kk");
    PTY_EXPECT(&pty, ">HALF");
    pty_send(&pty, "j");
    PTY_EXPECT(&pty, "QUIET 2025-10  0 unknown  0 traded  2 empty");
    pty_send(&pty, "hl\x1b[C\x1b[Dg");
    PTY_EXPECT(&pty, ">AAAA");
    char click[32];
    td_snprintf(click, sizeof click, "\x1b[<0;10;%dM", pty_find(&pty, "HALF") + 1);
    pty_send(&pty, click);
    PTY_EXPECT(&pty, ">HALF");
    pty_send(&pty, "\x1b[<65;5;5M"); /* wheel */
    PTY_EXPECT(&pty, ">SLOW");
    pty_send(&pty, "p"); /* the plan is a command's output */
    PTY_EXPECT(&pty, "tapedeck ingest -t stocks_minute -s 2025-10-21 -e 2025-10-21 --incremental --tickers HALF");
    pty_send(&pty, "\x1b");
    PTY_EXPECT(&pty, "info-rich scan");
    pty_send(&pty, ":view coverage\r"); /* the other name of `pane` */
    PTY_EXPECT(&pty, ">SLOW");          /* where it was left */
    pty_send(&pty, "q");
    stop(0);
}

static void test_other_table_is_empty(void **state)
{
    (void)state;
    start(24, 80);
    pty_send(&pty, "Ct"); /* also while the first reading is under way */
    PTY_EXPECT(&pty, "coverage  stocks_daily");
    PTY_EXPECT(&pty, "this lake holds no daily bars yet");
    PTY_EXPECT(&pty, ":ingest -t stocks_daily -s FROM -e TO --tickers A,B");
    pty_send(&pty, "jkhlnG\r"); /* nothing there to act on, nothing breaks */
    PTY_EXPECT(&pty, "this lake holds no daily bars yet");
    pty_send(&pty, "t");
    PTY_EXPECT(&pty, ">AAAA");
    pty_send(&pty, "q");
    stop(0);
}

static void test_empty_lake(void **state)
{
    (void)state;
    start(24, 80);
    pty_send(&pty, "C");
    PTY_EXPECT(&pty, "this lake holds no minute bars yet");
    PTY_EXPECT(&pty, ":ingest -t stocks_minute -s FROM -e TO --tickers A,B");
    pty_send(&pty, "q");
    stop(0);
}

/* Without colour and without UTF-8 the characters tell the states apart. */
static void test_ascii_and_monochrome(void **state)
{
    (void)state;
    start_as((struct deck_run){.term = "vt100", .locale = "C", .no_color = "1"}, 24, 80);
    PTY_EXPECT(&pty, "info-rich scan");
    pty_send(&pty, "C");
    PTY_EXPECT(&pty, ">AAAA  #"); /* the map is there: keys have something to act on */
    pty_send(&pty, "G");
    PTY_EXPECT(&pty, " AAAA  #");
    PTY_EXPECT(&pty, " HALF  5");
    PTY_EXPECT(&pty, " QUIET o");
    PTY_EXPECT(&pty, "# known  o known, no trade  1-9 tenths known  . unknown");
    pty_send(&pty, "q");
    stop(0);
}

static void test_small(void **state)
{
    static const int sizes[][2] = {{5, 20}, {6, 20}, {8, 30}, {11, 40}, {3, 9}, {60, 220}};
    (void)state;
    start(24, 80);
    pty_send(&pty, "C");
    PTY_EXPECT(&pty, ">AAAA  #");
    pty_send(&pty, "n");
    PTY_EXPECT(&pty, ">HALF");
    for (size_t i = 0; i < TD_COUNT(sizes); i++) {
        pty_resize(&pty, sizes[i][0], sizes[i][1]);
        if (sizes[i][0] >= 5)
            PTY_EXPECT(&pty, ">HALF  5"); /* the cursor's row stays in view */
    }
    pty_send(&pty, "q");
    stop(0);
}

/* What a job of this deck brings shows itself: the hole was filled by somebody else's file meanwhile, and a job ended. */
static void test_read_again_after_a_job(void **state)
{
    char root[128];
    struct td_lake *lake = NULL;
    struct td_err err = {0};
    (void)state;
    start(30, 100);
    pty_send(&pty, "C");
    PTY_EXPECT(&pty, "1 unknown of 10");
    lake_path(root, sizeof root, "");
    ASSERT_OK(td_lake_open(root, false, &lake, &err), err);
    add_ticker(lake, "HALF", 20, 21);
    td_lake_close(lake);
    pty_send(&pty, ":cache build\r");
    PTY_EXPECT(&pty, "0 unknown of 10");
    pty_send(&pty, "n");
    PTY_EXPECT(&pty, "no session of this map is unknown");
    pty_send(&pty, "q");
    stop(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map_cursor_and_fill, holed, clean),
        cmocka_unit_test_setup_teardown(test_other_table_is_empty, holed, clean),
        cmocka_unit_test_setup_teardown(test_empty_lake, empty, clean),
        cmocka_unit_test_setup_teardown(test_ascii_and_monochrome, holed, clean),
        cmocka_unit_test_setup_teardown(test_small, holed, clean),
        cmocka_unit_test_setup_teardown(test_read_again_after_a_job, holed, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
