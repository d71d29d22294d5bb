/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the prompt: readline driven byte by byte without a terminal. */
#include "check.h"

#include <locale.h>

#include "prompt.h"

/* Readline keeps its state until the process ends: its leaks are not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libreadline\nleak:libtinfo\n";
}

static char accepted[8][256];
static size_t accepted_count;
static int redraws;

static void on_accept(void *ctx, const char *line)
{
    (void)ctx;
    assert_false(prompt_active()); /* the owner may open it again at once */
    if (accepted_count < TD_COUNT(accepted))
        td_copy(accepted[accepted_count++], sizeof accepted[0], line);
}

static void on_redraw(void *ctx)
{
    (void)ctx;
    redraws++;
}

/* Completes "in" to three words, "se" to one, anything else to none. */
static enum td_code on_complete(void *ctx, const char *line, size_t cursor, struct td_names *out, size_t *start)
{
    (void)ctx;
    size_t from = cursor;
    while (from && line[from - 1] != ' ')
        from--;
    *start = from;
    static const char *const words[] = {"ingest", "ingot", "inherit", "sell"};
    for (size_t i = 0; i < TD_COUNT(words); i++)
        if (cursor > from && strncmp(words[i], line + from, cursor - from) == 0)
            if (td_names_add(out, words[i], strlen(words[i]), NULL) != TD_OK)
                return TD_NOMEM;
    return TD_OK;
}

static struct keys_ring ring;

static void type(const char *bytes)
{
    struct keys_event event;
    keys_feed(&ring, bytes, strlen(bytes));
    while (keys_next(&ring, true, &event))
        prompt_key(&event, ring.paste);
}

static int setup(void **state)
{
    (void)state;
    struct prompt_calls calls = {.accept = on_accept, .redraw = on_redraw, .complete = on_complete};
    struct td_err err = {0};
    keys_init(&ring);
    accepted_count = 0;
    redraws = 0;
    return prompt_init(&calls, &err) == TD_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    prompt_close();
    return 0;
}

static void test_edit_and_accept(void **state)
{
    (void)state;
    prompt_open("");
    assert_true(prompt_active());
    type("hallo\x7f\x7f\x7f"
         "ello\x01> \x05!"); /* backspaces, to the start, to the end */
    assert_string_equal(prompt_text(), "> haello!");
    type("\x1b[D\x1b[D\x1b[3~"); /* left, left, delete */
    assert_string_equal(prompt_text(), "> haell!");
    type("\r");
    assert_false(prompt_active());
    assert_int_equal(accepted_count, 1);
    assert_string_equal(accepted[0], "> haell!");
}

static void test_initial_text(void **state)
{
    (void)state;
    prompt_open("filter ");
    type("rvol30 > 3\r");
    assert_string_equal(accepted[0], "filter rvol30 > 3");
}

static void test_ways_out(void **state)
{
    (void)state;
    static const char *const ways[] = {"\x1b", "\x03", "\x04"}; /* Esc, Ctrl-C, Ctrl-D on an empty line */
    for (size_t i = 0; i < TD_COUNT(ways); i++) {
        prompt_open("");
        if (i < 2)
            type("abc");
        type(ways[i]);
        assert_false(prompt_active());
        assert_int_equal(accepted_count, 0);
        prompt_open("");
        assert_string_equal(prompt_text(), ""); /* nothing is left of it */
        prompt_close();
    }
}

static void expect_drawn(int width, const char *want, int cursor)
{
    struct td_grid grid;
    struct td_err err = {0};
    struct td_buf out;
    ASSERT_OK(td_grid_init(&grid, 1, width, &err), err);
    int at = prompt_draw(&grid, 0, 0, width);
    td_buf_init(&out, 1 << 16);
    td_grid_dump(&grid, &out);
    assert_string_equal(out.data, want);
    assert_int_equal(at, cursor);
    td_buf_free(&out);
    td_grid_free(&grid);
}

static void test_cursor_column(void **state)
{
    (void)state;
    prompt_open("");
    type("ab");
    expect_drawn(20, ":ab\n", 3);
    type("\xE4\xB8\xAD\xE6\x96\x87"); /* wide */
    expect_drawn(20, ":ab\xE4\xB8\xAD\xE6\x96\x87\n", 7);
    type("\x1b[D");
    expect_drawn(20, ":ab\xE4\xB8\xAD\xE6\x96\x87\n", 5);
    type("\x1b[D\xC3\xA9"); /* inserted before the wide ones */
    expect_drawn(20, ":ab\xC3\xA9\xE4\xB8\xAD\xE6\x96\x87\n", 4);
    prompt_close();
    prompt_open("");
    type("0123456789abcdefghij");
    struct td_grid grid;
    struct td_err err = {0};
    for (int width = 1; width < 30; width++) { /* the cursor is in view at every width */
        ASSERT_OK(td_grid_init(&grid, 1, width, &err), err);
        int at = prompt_draw(&grid, 0, 0, width);
        assert_in_range(at, 0, width);
        td_grid_free(&grid);
    }
}

static void test_completion(void **state)
{
    (void)state;
    size_t selected;
    prompt_open("");
    type("in\t");
    const struct td_names *names = prompt_candidates(&selected);
    assert_non_null(names);
    assert_int_equal(names->count, 3);
    assert_int_equal(selected, SIZE_MAX);
    type("\t");
    assert_string_equal(prompt_text(), "ingest");
    type("\t");
    assert_string_equal(prompt_text(), "ingot");
    type("\x1b[Z"); /* back */
    assert_string_equal(prompt_text(), "ingest");
    type(" -t se\t");
    assert_string_equal(prompt_text(), "ingest -t sell "); /* the only one, complete, with a blank */
    assert_null(prompt_candidates(&selected));
    type("zzz\t");
    assert_string_equal(prompt_text(), "ingest -t sell zzz");
    prompt_close();
    prompt_open("");
    type("ing\t"); /* common part already there: nothing is inserted, both are shown */
    assert_string_equal(prompt_text(), "ing");
    assert_int_equal(prompt_candidates(&selected)->count, 2);
}

static void test_history_and_search(void **state)
{
    (void)state;
    prompt_history_load("first line\nsecond one\n\nsecond one\nthird\n", 40);
    prompt_open("");
    type("\x1b[A");
    assert_string_equal(prompt_text(), "third");
    type("\x1b[A\x1b[A"); /* equal neighbours are kept once */
    assert_string_equal(prompt_text(), "first line");
    type("\x1b[B\r");
    assert_string_equal(accepted[0], "second one");
    prompt_open("");
    type("\x12"
         "fir"); /* Ctrl-R */
    assert_string_equal(prompt_text(), "first line");
    expect_drawn(60, "(reverse-i-search)`fir': first line\n", 25);
    type("\x1b"); /* ends the search, not the prompt */
    assert_true(prompt_active());
    type("!\r");
    assert_int_equal(accepted_count, 2);
    assert_non_null(strchr(accepted[1], '!'));
}

static void test_search_left_by_control_c(void **state)
{
    (void)state;
    prompt_open("");
    type("\x12xyz\x03");
    assert_false(prompt_active());
    prompt_open("");
    type("ok\r"); /* no state of the search is left */
    assert_string_equal(accepted[accepted_count - 1], "ok");
}

static void test_paste_is_text(void **state)
{
    (void)state;
    prompt_open("");
    type("a\x1b[200~b\nquit\r\x03\x1b[201~c");
    assert_true(prompt_active());
    assert_string_equal(prompt_text(), "ab quit c");
    assert_int_equal(accepted_count, 0);
}

static void test_redraw_key(void **state)
{
    (void)state;
    prompt_open("");
    type("a\x0c"
         "b");
    assert_int_equal(redraws, 1);
    assert_string_equal(prompt_text(), "ab");
}

static void test_noise(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 3000; round++) {
        char bytes[9] = "";
        seed = td_mix64(seed);
        for (int i = 0; i < 8; i++)
            bytes[i] = (char)(1 + (seed >> i * 8) % 255);
        prompt_open("");
        type(bytes);
        assert_true(strlen(prompt_text()) < PROMPT_LINE_MAX);
        accepted_count = 0;
    }
}

static void test_long_line(void **state)
{
    (void)state;
    prompt_open("");
    for (int i = 0; i < 3 * PROMPT_LINE_MAX; i++)
        type("x");
    assert_true(strlen(prompt_text()) < PROMPT_LINE_MAX);
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    setenv("INPUTRC", "/dev/null", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_edit_and_accept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_initial_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ways_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cursor_column, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion, setup, teardown),
        cmocka_unit_test_setup_teardown(test_history_and_search, setup, teardown),
        cmocka_unit_test_setup_teardown(test_search_left_by_control_c, setup, teardown),
        cmocka_unit_test_setup_teardown(test_paste_is_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_redraw_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_line, setup, teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    prompt_free();
    return failed;
}
