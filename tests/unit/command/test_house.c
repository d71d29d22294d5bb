/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands that keep house: status in numbers and for people, the doctor whole, and help of a word. */
#include "command_run.h"

#define HEAD "timestamp,open,high,low,close,volume\n"
#define GOOD "2025-12-01 15:00:00,1,2,1,2,100\n"

static size_t lines_of(const char *text, const char *begin)
{
    size_t n = 0, len = strlen(begin);
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        n += strncmp(line, begin, len) == 0;
    return n;
}

static void make_lake(void)
{
    put_file("A.csv", HEAD GOOD);
    GOES("import A.csv --as stocks_minute --ticker A --lake mine");
    for (int i = 0; i < 3; i++)
        GOES("cache build --lake mine");
}

static void test_runs(void **state)
{
    (void)state;
    static const struct {
        const char *runs;
        size_t want;
    } rows[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5", 4}, {"9223372036854775807", 4}};
    char line[128];
    make_lake();
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        td_snprintf(line, sizeof line, "status --lake mine --format csv --runs %s", rows[i].runs);
        GOES(line);
        assert_int_equal(lines_of(said.data, "run,"), rows[i].want);
    }
    GOES("status --lake mine --format csv --runs 4");
    assert_int_equal(lines_of(said.data, "run,import,"), 1); /* the oldest too */
    FILE *journal = fopen("mine/_runs/journal.jsonl", "a"); /* a killed run left half a line */
    assert_non_null(journal);
    fputs("{\"ended\":", journal);
    fclose(journal);
    GOES("status --lake mine --format csv --runs 2");
    assert_int_equal(lines_of(said.data, "run,"), 1);
}

static void test_numbers(void **state)
{
    (void)state;
    make_lake();
    GOES("status --lake mine --format csv --runs 9");
    assert_int_equal(
        lines_of(said.data, "section,name,state,files,bytes,rows,units_planned,ok,empty,skipped,failed,detail\n"), 1);
    assert_int_equal(lines_of(said.data, "lake,mine,open,,,,,,,,,flag\n"), 1);
    assert_int_equal(lines_of(said.data, "table,bronze/stocks_minute,present,1,"), 1);
    assert_int_equal(lines_of(said.data, "table,bronze/stocks_daily,absent,0,0,,,,,,,\n"), 1);
    assert_int_equal(lines_of(said.data, "cache,daily,built,1,"), 1);
    HOLDS(said.data, ",1,,,,,,\"preset session, bars auto, generation ");
    assert_int_equal(lines_of(said.data, "universe,info_rich,missing,0,,,,,,,,build them"), 1);
    assert_int_equal(lines_of(said.data, "run,import,done,,69,1,1,1,0,0,0,2025-12-08T15:00:00.000Z"), 1);
    LACKS(said.data, "ok 1");
    GOES("status --lake mine --format json");
    HOLDS(said.data, "{\"section\":\"universe\",\"name\":\"info_rich\",\"state\":\"missing\",\"files\":0,\"bytes\":null,\"rows\":null,");
    GOES("status --lake mine --verify");
    HOLDS(said.data, "1 files");
    HOLDS(said.data, "1 tickers, 1 rows");
    LACKS(said.data, "units_planned");
}

static void test_doctor_whole(void **state)
{
    (void)state;
    GOES("doctor --lake nowhere");
    HOLDS(said.data, "good  machine        ");
    HOLDS(said.data, "look  lake           nowhere (flag): nowhere: no lake here; fill one with 'tapedeck demo', 'tapedeck ingest' or "
                     "'tapedeck import', or name it with --lake DIR\n      fix: fill one with 'tapedeck demo', 'ingest' or "
                     "'import', or name it with --lake\n");
    GOES("doctor --lake nowhere --format csv");
    HOLDS(said.data, "check,state,found,fix\n");
}

static void test_doctor_network(void **state)
{
    (void)state;
    assert_int_equal(run_line("doctor --network --lake nowhere"), TD_AUTH); /* without a key */
    HOLDS(said.data, "not tried without a key");
    setenv("MASSIVE_API_KEY", "not-a-real-key", 1);
    enum td_code code = run_line("doctor --network --lake nowhere --base-url http://127.0.0.1:1");
    unsetenv("MASSIVE_API_KEY");
    assert_int_equal(td_exit_status(code), 5);
    HOLDS(said.data, "look  network        ");
    assert_true(*complaint.text != 0);
}

/* What to do without a key is said in words that the hiding of keys leaves alone. */
static void test_no_key(void **state)
{
    (void)state;
    FAILS("ingest -t stocks_daily -s 2025-12-01 -e 2025-12-02 --tickers A --lake mine", TD_AUTH);
    LACKS(complaint.text, "***");
    HOLDS(complaint.text, "MASSIVE_API_KEY");
    HOLDS(complaint.text, ".config/tapedeck/credentials");
    HOLDS(complaint.text, "api_key");
}

static void test_help_of_a_word(void **state)
{
    (void)state;
    static const struct {
        const char *line, *needle;
    } rows[] = {
        {"help cache", "cache build"},     {"cache --help", "cache build"},     {"help universe", "universe explain"},
        {"universe --help", "universe topn"}, {"help parquet", "parquet verify"}, {"parquet --help", "parquet cat"},
        {"--help parquet", "parquet cat"}, {"parquet -h", "parquet pages"},
    };
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        GOES(rows[i].line);
        HOLDS(said.data, rows[i].needle);
    }
    FAILS("parquet nonsense --help", TD_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_runs, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_numbers, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_doctor_whole, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_doctor_network, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_no_key, enter_scratch, leave_scratch),
        cmocka_unit_test_setup_teardown(test_help_of_a_word, enter_scratch, leave_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
