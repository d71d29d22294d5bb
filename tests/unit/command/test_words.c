/* SPDX-License-Identifier: GPL-3.0-or-later
 * Words of a call: splitting a line, parsing arguments, naming mistakes, and completion. */
#include "check.h"

#include <tapedeck/command.h>
#include "command_internal.h"

/* ---- splitting ---- */

static void check_split(const char *line, const char *joined)
{
    struct td_arena arena;
    struct td_err err = {0};
    char **words = NULL, text[512] = "";
    size_t count = 0;
    td_arena_init(&arena, 1 << 20);
    ASSERT_OK(td_line_split(line, &arena, &words, &count, &err), err);
    for (size_t i = 0; i < count; i++)
        td_snprintf(text + strlen(text), sizeof text - strlen(text), "[%s]", words[i]);
    if (strcmp(text, joined) != 0)
        fail_msg("%s -> %s, wanted %s", line, text, joined);
    td_arena_free(&arena);
}

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *line, *joined;
    } rows[] = {
        {"", ""}, {"   ", ""}, {"a", "[a]"}, {" a  b ", "[a][b]"}, {"a\tb", "[a][b]"}, {"'a b' c", "[a b][c]"},
        {"\"a 'b'\"", "[a 'b']"}, {"a\\ b", "[a b]"}, {"'a\\b'", "[a\\b]"}, {"\"a\\\"b\"", "[a\"b]"}, {"''", "[]"},
        {"a'b'\"c\"d", "[abcd]"}, {"x=' y'", "[x= y]"}, {"a\\", "[a\\]"},
    };
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        check_split(rows[i].line, rows[i].joined);
}

static void test_open_quote(void **state)
{
    (void)state;
    struct td_arena arena;
    struct td_err err = {0};
    char **words;
    size_t count;
    td_arena_init(&arena, 1 << 20);
    assert_int_equal(td_line_split("filter 'rvol30 > 3", &arena, &words, &count, &err), TD_USAGE);
    assert_string_equal(err.text, "column 8: the quote ' is not closed");
    td_arena_free(&arena);
}

/* ---- arguments ---- */

static const struct td_arg_def defs[] = {
    ARG("file", .positional = true, .required = true, .repeated = true, .type = TD_ARG_FILE, .metavar = "FILE"),
    ARG("from", .aliases = "s,start", .type = TD_ARG_DATE, .metavar = "DATE"),
    ARG("count", .aliases = "n", .type = TD_ARG_INT, .value = "7", .metavar = "N"),
    ARG("rate", .type = TD_ARG_NUMBER, .metavar = "X"),
    ARG("tf", .type = TD_ARG_CHOICE, .choices = "1m|5m", .metavar = "TF"),
    ARG("dry-run", .aliases = "d", .type = TD_ARG_FLAG),
};
static const struct td_command command = {.name = "sample", .args = defs, .arg_count = TD_COUNT(defs)};

static enum td_code parse(const char *line, struct td_args *args, struct td_err *err)
{
    struct td_arena arena;
    char **words;
    size_t count;
    td_arena_init(&arena, 1 << 20);
    enum td_code code = td_line_split(line, &arena, &words, &count, err);
    if (code == TD_OK)
        code = args_parse(&command, (const char *const *)words, count, args, err);
    td_arena_free(&arena);
    return code;
}

static void test_parse_good(void **state)
{
    (void)state;
    struct td_args args;
    struct td_err err = {0};
    ASSERT_OK(parse("a b --start 2025-02-06 -n3 --rate=-1.5 --tf 5m -d -- --odd", &args, &err), err);
    assert_int_equal(td_args_count(&args, "file"), 3);
    assert_string_equal(td_args_nth(&args, "file", 2), "--odd");
    assert_int_equal(td_args_day(&args, "from"), td_day_from_civil(2025, 2, 6));
    assert_int_equal(td_args_int(&args, "count", 0), 3);
    assert_true(td_args_number(&args, "rate", 0) == -1.5);
    assert_string_equal(td_args_text(&args, "tf"), "5m");
    assert_true(td_args_flag(&args, "dry-run"));
    args_free(&args);
    ASSERT_OK(parse("x", &args, &err), err);
    assert_int_equal(td_args_int(&args, "count", 0), 7); /* the default */
    assert_false(td_args_given(&args, "count"));
    assert_int_equal(td_args_day(&args, "from"), TD_NO_DAY);
    assert_null(td_args_text(&args, "tf"));
    args_free(&args);
}

static void test_parse_bad(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } rows[] = {
        {"", "sample: FILE is missing; see 'tapedeck sample --help'"},
        {"a --form 2025-01-01", "sample: unknown option '--form' (did you mean '--from'?); see 'tapedeck sample --help'"},
        {"a --zzzzzz", "sample: unknown option '--zzzzzz'; see 'tapedeck sample --help'"},
        {"a --from", "sample: '--from' needs a value: DATE"},
        {"a --from 2025-02-30", "sample: --from '2025-02-30': a date YYYY-MM-DD is needed"},
        {"a --from tomorrow", "sample: --from 'tomorrow': a date YYYY-MM-DD is needed"},
        {"a -n -3", "sample: --count '-3': a whole number from 0 up is needed"},
        {"a -n 3x", "sample: --count '3x': a whole number from 0 up is needed"},
        {"a --rate 1e", "sample: --rate '1e': a number is needed"},
        {"a --tf 2m", "sample: --tf '2m': one of 1m|5m is needed"},
        {"a --dry-run=yes", "sample: '--dry-run=yes' takes no value"},
        {"a -n 1 -n 2", "sample: --count is given twice"},
    };
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        struct td_args args;
        struct td_err err = {0};
        assert_int_equal(parse(rows[i].line, &args, &err), TD_USAGE);
        args_free(&args);
        assert_string_equal(err.text, rows[i].message);
    }
}

/* ---- the table itself ---- */

/* Every command can be explained, its options have help, and no two share a name. */
static void test_table(void **state)
{
    (void)state;
    const struct td_command *row;
    size_t count = 0;
    for (; (row = td_command_at(count)) != NULL; count++) {
        assert_ptr_equal(td_command_find(row->name), row);
        assert_non_null(row->summary);
        assert_non_null(row->group);
        for (size_t k = 0; k < row->arg_count; k++) {
            if (!row->args[k].help || !*row->args[k].help)
                fail_msg("%s: %s has no help", row->name, row->args[k].name);
            if (row->args[k].type == TD_ARG_CHOICE && !row->args[k].choices)
                fail_msg("%s: %s has no choices", row->name, row->args[k].name);
            for (size_t m = 0; m < k; m++)
                if (strcmp(row->args[k].name, row->args[m].name) == 0)
                    fail_msg("%s: %s stands twice", row->name, row->args[k].name);
        }
    }
    assert_int_equal(count, td_command_count());
}

static void check_run(struct td_app *app, const char *line, enum td_code want, const char *message)
{
    struct td_buf text;
    struct td_err err = {0};
    td_buf_init(&text, 1 << 20);
    struct td_out out = {.write = td_out_to_buf, .ctx = &text};
    enum td_code code = td_command_line(app, line, &out, &err);
    if (code != want || (message && strcmp(err.text, message) != 0))
        fail_msg("%s: %s: '%s'", line, td_code_name(code), err.text);
    td_buf_free(&text);
}

static void test_run(void **state)
{
    (void)state;
    struct td_app app;
    struct td_err err = {0};
    ASSERT_OK(td_app_init(&app, NULL, &err), err);
    check_run(&app, "watchlst", TD_USAGE, "unknown command 'watchlst' (did you mean 'watchlist'?); see 'tapedeck help'");
    check_run(&app, "cache", TD_USAGE, "cache: what? one of: build");
    check_run(&app, "universe bild", TD_USAGE, "universe: 'bild' is not known: what? one of: build, topn, snapshots, events, try, explain");
    check_run(&app, "quit", TD_USAGE, "quit: only inside the deck; start it with 'tapedeck'");
    check_run(&app, "help nonsense", TD_USAGE, "no command 'nonsense'; see 'tapedeck help'");
    check_run(&app, "watchlist --format xml", TD_USAGE, "--format 'xml': one of table, csv, json is needed");
    check_run(&app, "watchlist --wait x", TD_USAGE, "--wait 'x': seconds are needed");
    check_run(&app, "watchlist --wait", TD_USAGE, "'--wait' needs a value: SECONDS");
    check_run(&app, "--version", TD_OK, NULL);
    check_run(&app, "help cache build", TD_OK, NULL);
    check_run(&app, "cache build --help", TD_OK, NULL);
    app.interactive = true;
    check_run(&app, "demo", TD_USAGE, "demo: not inside the deck; run 'tapedeck demo' from a shell");
    check_run(&app, "watchlist --lake x", TD_USAGE, NULL);
    check_run(&app, "theme light", TD_OK, NULL);
    assert_string_equal(app.want_theme, "light");
    check_run(&app, "filter rvol30 > 3", TD_OK, NULL);
    assert_string_equal(app.want_filter, "rvol30 > 3");
    check_run(&app, "filter ticker = 'WACT' and  rvol30 > 3", TD_OK, NULL);
    assert_string_equal(app.want_filter, "ticker = 'WACT' and  rvol30 > 3");
    check_run(&app, "filter \"ticker = 'WACT'\"", TD_OK, NULL);
    assert_string_equal(app.want_filter, "ticker = 'WACT'");
    check_run(&app, "filter", TD_OK, NULL);
    assert_string_equal(app.want_filter, "-");
    check_run(&app, "set clock off", TD_OK, NULL);
    assert_int_equal(app.want_clock, 0);
    td_app_free(&app);
}

static void test_completion(void **state)
{
    (void)state;
    static const struct {
        const char *line, *want;
        size_t start;
    } rows[] = {
        {"watchl", "watchlist", 0}, {"cache b", "build", 6}, {"watchlist --so", "--sort", 10}, {"watchlist --sort rv", "rvol30", 17},
        {"watchlist --columns ticker,rv", "ticker,rvol30", 20}, {"candles X --tf 1", "15m", 15}, {"ingest -t stocks_d", "stocks_daily", 10},
        {"chart X --glyphs b", "braille", 17}, {"watchlist --format j", "json", 19},
    };
    struct td_app app = {.interactive = true};
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        struct td_err err = {0};
        struct td_completions found;
        bool there = false;
        ASSERT_OK(td_complete(&app, rows[i].line, strlen(rows[i].line), &found, &err), err);
        for (size_t k = 0; k < found.names.count; k++)
            there = there || strcmp(found.names.items[k], rows[i].want) == 0;
        if (!there || found.start != rows[i].start)
            fail_msg("%s: start %zu, %zu candidates, '%s' missing", rows[i].line, found.start, found.names.count, rows[i].want);
        td_names_free(&found.names);
    }
}

/* Whatever is typed, completion neither crashes nor leaks. */
static void test_completion_any(void **state)
{
    (void)state;
    static const char alphabet[] = "abcdeghiklmnoprstuwx -='\"\\,01|";
    struct td_app app = {.interactive = true};
    uint64_t seed = 5;
    for (int round = 0; round < 20000; round++) {
        char line[64];
        size_t len = (seed = td_mix64(seed)) % 40;
        for (size_t i = 0; i < len; i++)
            line[i] = alphabet[(seed = td_mix64(seed)) % (sizeof alphabet - 1)];
        line[len] = 0;
        struct td_completions found;
        assert_int_equal(td_complete(&app, line, (seed = td_mix64(seed)) % 45, &found, NULL), TD_OK);
        td_names_free(&found.names);
    }
}

int main(void)
{
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_STATE_HOME");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_split), cmocka_unit_test(test_open_quote), cmocka_unit_test(test_parse_good),
                                       cmocka_unit_test(test_parse_bad), cmocka_unit_test(test_table), cmocka_unit_test(test_run),
                                       cmocka_unit_test(test_completion), cmocka_unit_test(test_completion_any)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
