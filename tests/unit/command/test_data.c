/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that bring bars in: the demo keeps away from lakes that are not its own, import tells what it could not take, and a
 * dry run leaves no trace. */
#include "command_run.h"

#define HEAD "timestamp,open,high,low,close,volume\n"
#define GOOD "2025-12-01 15:00:00,1,2,1,2,100\n"
#define BAD "2025-12-01 15:02:00,5,2,1,2,100\n"

/* ---- demo ---- */

static void test_demo_foreign(void **state)
{
    (void)state;
    put_file("A.csv", HEAD GOOD);
    GOES("import A.csv --as stocks_minute --ticker A --lake mine");
    FAILS("demo --headless --lake mine --tickers 2 --sessions 1", TD_USAGE);
    HOLDS(complaint.text, "choose another --lake");
    assert_true(!td_file_exists("mine/DEMO"));
    FAILS("demo --headless --fresh --lake mine --tickers 2 --sessions 1", TD_USAGE);
    assert_true(td_file_exists("mine/bronze/stocks_minute/year=2025/month=12/ticker=A.parquet"));
    put_file("loose/bronze/x.parquet", "x"); /* not even a FORMAT file */
    FAILS("demo --headless --fresh --lake loose --tickers 2 --sessions 1", TD_USAGE);
    assert_true(td_file_exists("loose/bronze/x.parquet"));
}

/* The demo's lake is settled before its market starts; a fault that there is not ends it there, long before 300 watchlists. */
#define STOPS_LATER(line)                                                                                              \
    do {                                                                                                               \
        FAILS(line " --fault nonsense", TD_USAGE);                                                                     \
        HOLDS(complaint.text, "unknown kind");                                                                         \
    } while (0)

static void test_demo_own(void **state)
{
    (void)state;
    put_file("own/FORMAT", "tapedeck-lake 1\n");
    put_file("own/DEMO", "seed 1 end default sessions 2 tickers 3\n");
    put_file("own/bronze/left.txt", "x");
    STOPS_LATER("demo --headless --lake own --tickers 3 --sessions 2");
    assert_true(td_file_exists("own/bronze/left.txt"));
    FAILS("demo --headless --lake own --tickers 4 --sessions 2", TD_USAGE);
    HOLDS(complaint.text, "another simulated market");
    STOPS_LATER("demo --headless --fresh --lake own --tickers 4 --sessions 2");
    assert_false(td_file_exists("own/bronze/left.txt"));
    assert_true(td_file_exists("own/DEMO"));
}

/* A run that was killed before it wrote anything leaves a lake that holds nothing: the demo goes on there. */
static void test_demo_early_death(void **state)
{
    (void)state;
    put_file("early/FORMAT", "tapedeck-lake 1\n");
    put_file("early/_locks/x.lock", "");
    STOPS_LATER("demo --headless --fresh --lake early --tickers 2 --sessions 1");
    assert_true(td_file_exists("early/DEMO"));
}

static void test_demo_sizes(void **state)
{
    (void)state;
    static const char *const lines[] = {"demo --headless --lake z --tickers 0", "demo --headless --lake z --sessions 0",
                                        "sim --tickers 0", "demo --headless --lake z --tickers 4294967296"};
    for (size_t i = 0; i < TD_COUNT(lines); i++) {
        FAILS(lines[i], TD_USAGE);
        HOLDS(complaint.text, "a whole number from 1 up");
        assert_false(td_file_exists("z"));
    }
}

/* ---- import ---- */

static void test_import_nothing_taken(void **state)
{
    (void)state;
    put_file("B.csv", HEAD BAD "2025-12-01 15:03:00,-1,2,-1,2,100\n");
    FAILS("import B.csv --as stocks_minute --ticker B --lake mine --format json", TD_DATA);
    HOLDS(complaint.text, "all 2 rows were quarantined");
    HOLDS(complaint.text, "B.csv: 2 rows quarantined; first: ");
    HOLDS(said.data, "\"rows_read\":2,\"rows_written\":0"); /* the report is there all the same */
    FAILS("import B.csv --as stocks_minute --ticker B --lake mine --dry-run", TD_DATA);
}

static void test_import_tells(void **state)
{
    (void)state;
    char line[512] = "import --as stocks_minute --ticker-from-name --lake mine", name[32];
    for (int i = 0; i < 7; i++) {
        td_snprintf(name, sizeof name, "T%d_rows.csv", i);
        put_file(name, i == 6 ? HEAD GOOD : HEAD GOOD BAD);
        td_snprintf(line + strlen(line), sizeof line - strlen(line), " %s", name);
    }
    GOES(line);
    HOLDS(notices, "T0_rows.csv: 1 rows quarantined; first: ");
    HOLDS(notices, "T4_rows.csv: ");
    LACKS(notices, "T5_rows.csv");
    HOLDS(notices, "and 1 more files");
    LACKS(notices, "T6_rows.csv");
    struct td_buf log;
    td_buf_init(&log, 1 << 20);
    struct td_err err = {0};
    ASSERT_OK(td_file_read(".local/state/tapedeck/tapedeck.log", 1 << 20, &log, &err), err);
    HOLDS(log.data, "warn  command: import T5_rows.csv: 1 rows quarantined");
    td_buf_free(&log);
}

static void test_import_dry_run(void **state)
{
    (void)state;
    struct td_names left = {0};
    struct td_err err = {0};
    put_file("A.csv", HEAD GOOD BAD);
    put_file("tmp/keep", "");
    setenv("TMPDIR", "tmp", 1);
    enum td_code code = run_line("import A.csv --as stocks_minute --ticker A --lake mine --dry-run --format json");
    unsetenv("TMPDIR");
    assert_int_equal(code, TD_OK);
    HOLDS(said.data, "\"rows_read\":2,\"rows_written\":1");
    HOLDS(notices, "A.csv: 1 rows quarantined");
    assert_false(td_file_exists("mine")); /* not made ... */
    ASSERT_OK(td_dir_list("tmp", &left, &err), err);
    assert_int_equal(left.count, 1); /* ... and nothing left behind */
    td_names_free(&left);
    GOES("import A.csv --as stocks_minute --ticker A --lake mine");
    struct stat before, after;
    assert_int_equal(stat("mine/_runs/journal.jsonl", &before), 0);
    GOES("import A.csv --as stocks_minute --ticker B --lake mine --dry-run");
    assert_int_equal(stat("mine/_runs/journal.jsonl", &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_false(td_file_exists("mine/bronze/stocks_minute/year=2025/month=12/ticker=B.parquet"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_demo_foreign, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_demo_own, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_demo_early_death, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_demo_sizes, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_import_nothing_taken, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_import_tells, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_import_dry_run, enter_scratch, leave_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
