/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decimals in every type that carries them: exact text, and the double that this text reads as. */
#include "check.h"
#include <math.h>
#include <tapedeck/parquet.h>

static void texts_are_exact(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int scale;
        const char *text;
    } cases[] = {
        {"", 0, 0, "0"},
        {"", 0, 2, "0.00"},
        {"\x01", 1, 0, "1"},
        {"\x01", 1, 3, "0.001"},
        {"\xff", 1, 1, "-0.1"},
        {"\x80", 1, 0, "-128"},
        {"\x00\x80", 2, 0, "128"},
        {"\xff\x7f", 2, 2, "-1.29"},
        {"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x30\x39", 11, 2, "123.45"},
        {"\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16, 10,
         "17014118346046923173168730371.5884105727"},
        {"\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16, 38,
         "-1.70141183460469231731687303715884105728"},
        {"\x01", 1, 76, "0.0000000000000000000000000000000000000000000000000000000000000000000000000001"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_pq_column column = {
            .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_DECIMAL, .precision = 76, .scale = cases[i].scale};
        const struct td_str slots[] = {{"\x05", 1}, {cases[i].bytes, cases[i].len}};
        char text[128];
        double value = 0;
        assert_int_equal(td_pq_decimal_text(&column, slots, 1, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
        assert_true(td_parse_f64(text, strlen(text), &value));
        assert_true(td_pq_decimal_f64(&column, slots, 1) == value);
    }
}

/* Bytes that only repeat the sign do not make a number wide; others do. */
static void width_is_that_of_the_number(void **state)
{
    char bytes[200] = {0}, text[128];
    const struct td_pq_column column = {
        .type = TD_PQ_FIXED, .length = 200, .logical = TD_PQ_DECIMAL, .precision = 38, .scale = 1};
    const struct td_str slot = {bytes, sizeof bytes};
    (void)state;
    bytes[199] = 77;
    assert_int_equal(td_pq_decimal_text(&column, &slot, 0, text), 3);
    assert_string_equal(text, "7.7");
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(td_pq_decimal_text(&column, &slot, 0, text), 4);
    assert_string_equal(text, "-0.1");
    bytes[0] = 1;
    assert_int_equal(td_pq_decimal_text(&column, &slot, 0, text), 0);
    assert_string_equal(text, "");
    assert_true(isnan(td_pq_decimal_f64(&column, &slot, 0)));
}

/* Whole numbers take a short way: it ends where the text does. */
static void short_way_is_rounded_right(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        const int scale = (int)(td_mix64(seed++) % 24);
        const int64_t wide = (int64_t)td_mix64(seed) >> td_mix64(~seed) % 60;
        seed++;
        const int32_t narrow = (int32_t)wide;
        const struct td_pq_column columns[] = {
            {.type = TD_PQ_INT64, .logical = TD_PQ_DECIMAL, .precision = 18, .scale = scale},
            {.type = TD_PQ_INT32, .logical = TD_PQ_DECIMAL, .precision = 9, .scale = scale}};
        for (int k = 0; k < 2; k++) {
            const void *slot = k ? (const void *)&narrow : (const void *)&wide;
            char text[128];
            double value = 0;
            size_t len = td_pq_decimal_text(&columns[k], slot, 0, text);
            assert_true(len && td_parse_f64(text, len, &value));
            if (td_pq_decimal_f64(&columns[k], slot, 0) != value)
                fail_msg("%s", text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_exact),
        cmocka_unit_test(width_is_that_of_the_number),
        cmocka_unit_test(short_way_is_rounded_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
