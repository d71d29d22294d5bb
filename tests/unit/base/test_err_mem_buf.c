/* SPDX-License-Identifier: GPL-3.0-or-later
 * Errors, checked memory, the arena, and the capped buffer. */
#include <errno.h>
#include "check.h"

/* ---- errors ---- */

static void test_codes(void **state)
{
    (void)state;
    static const struct {
        enum td_code code;
        int status;
        const char *name;
    } cases[] = {
        {TD_OK, 0, "OK"},           {TD_UNITS, 1, "UNITS"},     {TD_USAGE, 2, "USAGE"},     {TD_CONFIG, 3, "CONFIG"},
        {TD_DATA, 4, "DATA"},       {TD_MISSING, 4, "MISSING"}, {TD_UNSUPPORTED, 4, "UNSUPPORTED"},
        {TD_NETWORK, 5, "NETWORK"}, {TD_AUTH, 5, "AUTH"},       {TD_LOCKED, 6, "LOCKED"},   {TD_IO, 7, "IO"},
        {TD_FULL, 7, "FULL"},       {TD_NOMEM, 7, "NOMEM"},     {TD_LIMIT, 7, "LIMIT"},     {TD_CANCELLED, 130, "CANCELLED"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        assert_int_equal(td_exit_status(cases[i].code), cases[i].status);
        assert_string_equal(td_code_name(cases[i].code), cases[i].name);
        assert_true(td_code_text(cases[i].code)[0] != 0);
    }
    assert_string_equal(td_code_name((enum td_code)999), "?");
    assert_int_equal(td_exit_status((enum td_code)999), 7);
}

static void test_fail(void **state)
{
    (void)state;
    struct td_err err = {0};
    assert_int_equal(td_fail(&err, TD_DATA, "%s at %d", "x.parquet", 12), TD_DATA);
    assert_int_equal(err.code, TD_DATA);
    assert_string_equal(err.text, "x.parquet at 12");
    /* the message may be built from itself */
    td_fail(&err, TD_IO, "again: %s", err.text);
    assert_string_equal(err.text, "again: x.parquet at 12");
    assert_int_equal(td_context(&err, "%s of %d", "unit 3", 9), TD_IO);
    assert_string_equal(err.text, "unit 3 of 9: again: x.parquet at 12");
    td_context(&err, "%.7s", err.text);
    assert_string_equal(err.text, "unit 3 : unit 3 of 9: again: x.parquet at 12");
    /* one line, whatever the vendor sends */
    td_fail(&err, TD_NETWORK, "a\nb\tc\x1b[2Jd\x7f");
    assert_string_equal(err.text, "a b c [2Jd ");
    /* everything accepts NULL */
    assert_int_equal(td_fail(NULL, TD_DATA, "x"), TD_DATA);
    assert_int_equal(td_fail_errno(NULL, ENOSPC, "x"), TD_FULL);
    assert_int_equal(td_context(NULL, "x"), TD_OK);
    static const struct {
        int errnum;
        enum td_code code;
        const char *text;
    } errnos[] = {
        {ENOSPC, TD_FULL, "p: No space left on device"}, {EDQUOT, TD_FULL, "p: Disk quota exceeded"},
        {ENOENT, TD_MISSING, "p: No such file or directory"}, {ENOTDIR, TD_MISSING, "p: Not a directory"},
        {ENOMEM, TD_NOMEM, "p: Cannot allocate memory"}, {EACCES, TD_IO, "p: Permission denied"},
        {EROFS, TD_IO, "p: Read-only file system"},
    };
    for (size_t i = 0; i < TD_COUNT(errnos); i++) {
        assert_int_equal(td_fail_errno(&err, errnos[i].errnum, "%s", "p"), errnos[i].code);
        assert_int_equal(err.code, errnos[i].code);
        assert_string_equal(err.text, errnos[i].text);
    }
}

static void test_long_messages(void **state)
{
    (void)state;
    struct {
        struct td_err err;
        char guard[16];
    } box;
    char big[2000];
    memset(big, 'm', sizeof big - 1);
    big[sizeof big - 1] = 0;
    memset(box.guard, 'g', sizeof box.guard);
    td_fail(&box.err, TD_DATA, "%s", big);
    assert_int_equal(strlen(box.err.text), sizeof box.err.text - 1);
    td_fail_errno(&box.err, ENOENT, "%s", big);
    td_context(&box.err, "%s", big);
    assert_int_equal(strlen(box.err.text), sizeof box.err.text - 1);
    for (size_t i = 0; i < sizeof box.guard; i++)
        assert_int_equal(box.guard[i], 'g');
}

static void test_errors_keep_secrets(void **state)
{
    (void)state;
    struct td_err err;
    td_secret_add("s3cr3t-of-the-test");
    td_fail(&err, TD_AUTH, "401 for %s", "s3cr3t-of-the-test");
    assert_string_equal(err.text, "401 for ***");
    td_context(&err, "with s3cr3t-of-the-test");
    assert_string_equal(err.text, "with ***: 401 for ***");
    td_fail_errno(&err, EACCES, "GET http://h/?apiKey=%s", "zz12");
    assert_string_equal(err.text, "GET http://h/?apiKey=***: Permission denied");
}

/* ---- memory ---- */

static void test_checked_sizes(void **state)
{
    (void)state;
    volatile size_t huge = SIZE_MAX; /* volatile: the compiler must not prove the refusal itself */
    assert_null(td_malloc(huge));
    assert_null(td_calloc(huge / 2, 4));
    assert_null(td_realloc(NULL, huge / 2, 4));
    assert_null(td_strndup("x", huge));
    void *nothing = td_malloc(0);
    assert_non_null(nothing);
    td_free(nothing);
    char *copy = td_strndup("abcdef", 3);
    assert_string_equal(copy, "abc");
    td_free(copy);
    td_free(NULL);
    unsigned char *zeroed = td_calloc(100, 3);
    for (int i = 0; i < 300; i++)
        assert_int_equal(zeroed[i], 0);
    td_free(zeroed);
}

static void test_grow(void **state)
{
    (void)state;
    struct td_err err = {0};
    int64_t *array = NULL;
    size_t cap = 0, moves = 0;
    for (size_t i = 0; i < 100000; i++) {
        size_t before = cap;
        ASSERT_OK(td_grow(&array, &cap, i + 1, sizeof *array, &err), err);
        moves += cap != before;
        array[i] = (int64_t)i;
    }
    assert_true(moves < 20); /* amortised */
    for (size_t i = 0; i < 100000; i++)
        assert_true(array[i] == (int64_t)i);
    size_t kept = cap;
    volatile size_t huge = SIZE_MAX / 4;
    assert_int_equal(td_grow(&array, &cap, huge, sizeof *array, &err), TD_NOMEM);
    assert_int_equal(cap, kept);
    assert_true(array[99999] == 99999);
    td_free(array);
}

static void test_fail_after(void **state)
{
    (void)state;
    td_alloc_fail_after(3);
    void *a = td_malloc(1), *b = td_calloc(1, 1), *c = td_malloc(1), *d = td_strdup("x");
    td_alloc_fail_after(0);
    void *e = td_malloc(1);
    assert_non_null(a);
    assert_non_null(b);
    assert_null(c); /* the third, and all later ones */
    assert_null(d);
    assert_non_null(e);
    td_free(a);
    td_free(b);
    td_free(e);
}

static void test_arena(void **state)
{
    (void)state;
    struct td_arena arena;
    td_arena_init(&arena, 1 << 20);
    unsigned char *blocks[600];
    for (size_t i = 0; i < TD_COUNT(blocks); i++) {
        size_t size = i * 7 % 1500;
        blocks[i] = td_arena_alloc(&arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i & 255), size);
    }
    for (size_t i = 0; i < TD_COUNT(blocks); i++) /* nobody wrote into a neighbour */
        for (size_t k = 0; k < i * 7 % 1500; k++)
            assert_int_equal(blocks[i][k], i & 255);
    assert_null(td_arena_alloc(&arena, 1 << 20));
    volatile size_t huge = SIZE_MAX;
    assert_null(td_arena_alloc(&arena, huge));
    td_arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    unsigned char *whole = td_arena_alloc(&arena, 1 << 20);
    assert_non_null(whole); /* the limit is the limit, to the byte */
    for (size_t k = 0; k < 1 << 20; k += 997)
        assert_int_equal(whole[k], 0); /* zeroed after reuse too */
    assert_null(td_arena_alloc(&arena, 1));
    td_arena_free(&arena);
    td_arena_init(&arena, SIZE_MAX);
    for (size_t back = 0; back < 40; back++)
        assert_null(td_arena_alloc(&arena, huge - back));
    char *text = td_arena_strndup(&arena, "hello", 4);
    assert_string_equal(text, "hell");
    assert_null(td_arena_strndup(&arena, "x", huge));
    td_alloc_fail_after(1);
    assert_null(td_arena_alloc(&arena, 1 << 20));
    td_alloc_fail_after(0);
    td_arena_free(&arena);
}

/* ---- strings and buffers ---- */

static void test_strings(void **state)
{
    (void)state;
    char out[5];
    assert_true(td_copy(out, sizeof out, "four"));
    assert_string_equal(out, "four");
    assert_false(td_copy(out, sizeof out, "fiver"));
    assert_string_equal(out, "five");
    assert_false(td_copy(out, 0, "x"));
    assert_string_equal(out, "five");
    assert_true(td_snprintf(out, sizeof out, "%d", 1234));
    assert_false(td_snprintf(out, sizeof out, "%d", 12345));
    assert_string_equal(out, "1234");
    assert_true(td_str_is(td_str_of("NA"), "NA"));
    assert_false(td_str_is(td_str_of("NAN"), "NA"));
    assert_true(td_str_is((struct td_str){NULL, 0}, ""));
    static const char *const ordered[] = {"", "A", "AA", "AB", "B", "BApA", "BaPA", "a", "\xc3\xa9"};
    for (size_t i = 0; i < TD_COUNT(ordered); i++)
        for (size_t j = 0; j < TD_COUNT(ordered); j++) {
            int order = td_str_cmp(td_str_of(ordered[i]), td_str_of(ordered[j]));
            assert_true(i < j ? order < 0 : i > j ? order > 0 : order == 0);
        }
}

static void test_buffer_cap(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_buf buf;
    td_buf_init(&buf, 10);
    td_buf_adds(&buf, "12345");
    td_buf_printf(&buf, "%d", 67890);
    assert_int_equal(td_buf_check(&buf, "x", &err), TD_OK);
    assert_string_equal(buf.data, "1234567890"); /* the cap itself fits */
    td_buf_addc(&buf, '!');
    assert_true(buf.failed);
    td_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_string_equal(buf.data, "");
    td_buf_adds(&buf, "12345678901");
    td_buf_adds(&buf, "a"); /* sticky: what follows a gap is not added */
    assert_int_equal(buf.len, 0);
    assert_int_equal(td_buf_check(&buf, "page", &err), TD_NOMEM);
    assert_string_equal(err.text, "page: does not fit in memory or in its limit of 10 bytes");
    volatile size_t huge = SIZE_MAX;
    td_buf_clear(&buf);
    assert_false(td_buf_reserve(&buf, huge));
    td_buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max, 10);
    /* any length of printf, on both sides of its internal buffer */
    td_buf_init(&buf, 1 << 20);
    size_t total = 0;
    for (int width = 200; width < 600; width++) {
        td_buf_printf(&buf, "%0*d", width, 7);
        total += (size_t)width;
        assert_int_equal(buf.len, total);
        assert_int_equal(strlen(buf.data), total);
        assert_int_equal(buf.data[total - 1], '7');
    }
    td_buf_add(&buf, "a\0b", 3);
    assert_int_equal(buf.len, total + 3);
    td_buf_free(&buf);
    td_alloc_fail_after(1);
    td_buf_adds(&buf, "x");
    td_alloc_fail_after(0);
    assert_true(buf.failed);
    assert_int_equal(td_buf_check(&buf, "x", &err), TD_NOMEM);
    td_buf_free(&buf);
}

static void test_json_and_printable(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json, *printable;
    } cases[] = {
        {"", "\"\"", ""},
        {"plain", "\"plain\"", "plain"},
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\"", "a\"b\\c/d"},
        {"\n\r\t\b", "\"\\n\\u000d\\u0009\\u0008\"", "\\x0a\\x0d\\x09\\x08"},
        {"\x1b[31m\x7f", "\"\\u001b[31m\\u007f\"", "\\x1b[31m\\x7f"},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
         "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xc2\x9b" "31m", "\"\\u009b31m\"", "\\x9b31m"}, /* an 8-bit escape sequence */
        {"\xff\xc3", "\"\\ufffd\\ufffd\"", "\\xff\\xc3"},
        {"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"",
         "\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"},
        {"\xe2\x80\xa8", "\"\\u2028\"", "\xe2\x80\xa8"},
    };
    struct td_buf buf;
    td_buf_init(&buf, 4096);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        td_buf_clear(&buf);
        td_buf_json(&buf, cases[i].text, strlen(cases[i].text));
        assert_string_equal(buf.data, cases[i].json);
        td_buf_clear(&buf);
        td_buf_add_printable(&buf, cases[i].text, strlen(cases[i].text));
        assert_string_equal(buf.data, cases[i].printable);
    }
    td_buf_clear(&buf);
    td_buf_json(&buf, "a\0b", 3);
    assert_string_equal(buf.data, "\"a\\u0000b\"");
    td_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),         cmocka_unit_test(test_fail),
        cmocka_unit_test(test_long_messages), cmocka_unit_test(test_errors_keep_secrets),
        cmocka_unit_test(test_checked_sizes), cmocka_unit_test(test_grow),
        cmocka_unit_test(test_fail_after),    cmocka_unit_test(test_arena),
        cmocka_unit_test(test_strings),       cmocka_unit_test(test_buffer_cap),
        cmocka_unit_test(test_json_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
