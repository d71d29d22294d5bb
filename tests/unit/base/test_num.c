/* SPDX-License-Identifier: GPL-3.0-or-later
 * Numbers: every double survives the way to text and back, and every text is read as the C library reads it. */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include "check.h"

static uint64_t seed = 42;

static uint64_t next(void)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    return td_mix64(seed);
}

static double of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Significant digits of a decimal text: zeros at either end do not count. */
static int significant(const char *text)
{
    int digits = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (!isdigit((unsigned char)*text) || (digits == 0 && *text == '0'))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

/* Exact both ways, within 31 bytes, and no text with fewer digits would do. */
static void check_double(double value)
{
    char text[32], fewer[40];
    double back;
    memset(text, 'x', sizeof text);
    size_t len = td_format_f64(value, text);
    if (len >= sizeof text || strlen(text) != len || bits_of(strtod(text, NULL)) != bits_of(value) ||
        !td_parse_f64(text, len, &back) || bits_of(back) != bits_of(value))
        fail_msg("%.17g became '%s'", value, text);
    int digits = significant(text);
    if (digits > 1) {
        snprintf(fewer, sizeof fewer, "%.*e", digits - 2, value);
        if (strtod(fewer, NULL) == value)
            fail_msg("%.17g became '%s', but '%s' is shorter", value, text, fewer);
    }
}

static void test_format_doubles(void **state)
{
    (void)state;
    for (int i = 0; i < 150000; i++) {
        double value = of_bits(next());
        if (isfinite(value))
            check_double(value);
    }
    for (int i = 0; i < 150000; i++) { /* prices, volumes, percentages: decimals of few places */
        static const double scales[] = {1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
        double value = (double)(int64_t)(next() >> (24 + next() % 38)) / scales[next() % TD_COUNT(scales)];
        check_double(next() & 1 ? value : -value);
    }
    for (int e = -1074; e <= 1023; e++) { /* powers of two and their neighbours: uneven gaps */
        double power = ldexp(1, e);
        check_double(power);
        check_double(nextafter(power, 0));
        check_double(nextafter(power, HUGE_VAL));
    }
    check_double(DBL_MAX);
    check_double(DBL_MIN);
    check_double(0.1 + 0.2);
    check_double(999999999.5);
    check_double(1e9);
}

static void test_format_texts(void **state)
{
    (void)state;
    const double not_a_number = (double)NAN; /* the macro is a float */
    const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},          {-0.0, "-0"},     {1, "1"},          {-1.5, "-1.5"},   {0.1, "0.1"},
        {4.32, "4.32"},    {100, "100"},     {123456, "123456"}, {0.0001, "0.0001"}, {0.30000000000000004, "0.30000000000000004"},
        {not_a_number, "nan"},      {HUGE_VAL, "inf"}, {-HUGE_VAL, "-inf"}, {5e-324, "5e-324"}, {1e22, "1e+22"},
        {88123456.789, "88123456.789"}, {2.5e-7, "2.5e-07"}, {9007199254740992, "9007199254740992"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char text[32];
        assert_int_equal(td_format_f64(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    struct td_buf buf;
    td_buf_init(&buf, 100);
    td_buf_f64(&buf, not_a_number);
    td_buf_f64(&buf, 1.25);
    td_buf_f64(&buf, -HUGE_VAL);
    assert_string_equal(buf.data, "null1.25null");
    td_buf_free(&buf);
}

/* What td_parse_f64 promises: strtod's value for decimal texts that are used to the end and are finite. */
static void check_text(const char *text)
{
    double ours = -77, theirs;
    char *end;
    size_t len = strlen(text);
    bool plain = len > 0;
    for (size_t i = 0; i < len; i++)
        plain = plain && (isdigit((unsigned char)text[i]) || strchr("+-.eE", text[i]));
    theirs = strtod(text, &end);
    bool expected = plain && *end == 0 && end != text && isfinite(theirs);
    bool got = td_parse_f64(text, len, &ours);
    if (got != expected || (got && bits_of(ours) != bits_of(theirs)) || (!got && ours != -77))
        fail_msg("'%s': %d %.17g, the C library says %d %.17g", text, got, ours, expected, theirs);
}

static void test_parse_doubles(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "0", "-0", "+1", ".5", "5.", ".", "-", "+", "1e", "1e+", "e5", "1.2.3", " 1", "1 ", "1x", "0x10", "inf", "nan",
        "INF", "infinity", "1e400", "-1e400", "1e-400", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
        "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623159e308",
        "9007199254740993", "9007199254740992.5", "9007199254740993.0000000000000000000000001",
        "0.000000000000000000000000000000000000000000000000000000001e57", "123456789012345678901234567890",
        "1e99999999999999999999", "1e-99999999999999999999", "0e99999999999", "00000000000000000000000000000001.50",
        "179769313486231580793e289", "8.5", "--1", "1-", "1e5.5", "1,5", "0.1e1", "1E5", "\xd9\xa1",
        "18446744073709551616", "10000000000000000000", "1000000000000000000.5", "9999999999999999999",
    };
    for (size_t i = 0; i < TD_COUNT(texts); i++)
        check_text(texts[i]);
    static const char alphabet[] = "0123456789012345678901234567890000...eE+-";
    for (int i = 0; i < 300000; i++) { /* random soup */
        char text[32];
        size_t len = 1 + next() % 26;
        for (size_t k = 0; k < len; k++)
            text[k] = alphabet[next() % (sizeof alphabet - 1)];
        text[len] = 0;
        check_text(text);
    }
    for (int i = 0; i < 200000; i++) { /* well-formed, up to 22 digits and past the exact range */
        char text[64];
        int digits = 1 + (int)(next() % 19);
        uint64_t mantissa = next() % UINT64_C(10000000000000000000) >> next() % 50;
        if (next() & 1)
            snprintf(text, sizeof text, "%" PRIu64 ".%0*" PRIu64, next() % 100000, digits, next() >> (next() % 60));
        else
            snprintf(text, sizeof text, "%" PRIu64 "e%d", mantissa, (int)(next() % 700) - 350);
        check_text(text);
    }
    for (int i = 0; i < 100000; i++) { /* halfway between neighbours: the hardest to round */
        char text[400];
        uint64_t m = (next() >> 11 | UINT64_C(1) << 52) % (UINT64_C(1) << 53);
        snprintf(text, sizeof text, "%" PRIu64 "%s", m, next() & 1 ? ".5" : ".49999999999999999999");
        check_text(text);
    }
    char big[600];
    memset(big, '1', sizeof big - 1);
    big[sizeof big - 1] = 0;
    double value;
    assert_false(td_parse_f64(big, sizeof big - 1, &value)); /* longer than any honest number */
    assert_true(td_parse_f64("12.5junk", 4, &value) && value == 12.5); /* the length counts, not a NUL */
}

static void test_locale(void **state)
{
    (void)state;
    static const char *const commas[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "ru_RU.UTF-8"};
    const char *set = NULL;
    for (size_t i = 0; i < TD_COUNT(commas) && !set; i++)
        set = setlocale(LC_ALL, commas[i]);
    if (!set) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    char text[32];
    double value;
    td_format_f64(1.0 / 3, text);
    bool parsed = td_parse_f64("0.33333333333333331483", 22, &value);
    setlocale(LC_ALL, "C");
    assert_string_equal(text, "0.3333333333333333");
    assert_true(parsed && value == 1.0 / 3);
}

static void test_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"18446744073709551617", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+", false, 0},
        {"1.0", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"--1", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        int64_t value = 0;
        assert_int_equal(td_parse_i64(cases[i].text, strlen(cases[i].text), &value), cases[i].ok);
        assert_true(value == cases[i].value);
    }
    for (int i = 0; i < 100000; i++) {
        char text[32], expected[32];
        int64_t back, value = (int64_t)next() >> next() % 64;
        if (i == 0)
            value = INT64_MIN;
        size_t len = td_format_i64(value, text);
        snprintf(expected, sizeof expected, "%" PRId64, value);
        assert_string_equal(text, expected);
        assert_int_equal(len, strlen(expected));
        assert_true(td_parse_i64(text, len, &back) && back == value);
    }
}

static void test_sizes_and_bools(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},           {"512MiB", true, 512u << 20}, {"64k", true, 65536},  {"64K", true, 65536},
        {"1G", true, 1u << 30},   {"2GiB", true, UINT64_C(2) << 30}, {"3T", true, UINT64_C(3) << 40}, {"7B", true, 7},
        {"", false, 0},           {"k", false, 0},              {"-1k", false, 0},     {"+1k", false, 0},
        {"1kb", false, 0},        {"1 k", false, 0},            {"1.5G", false, 0},    {"16777216T", false, 0},
        {"16777215T", true, UINT64_C(16777215) << 40},          {"9999999999999999999G", false, 0},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        uint64_t value = 0;
        if (td_parse_size(cases[i].text, strlen(cases[i].text), &value) != cases[i].ok || value != cases[i].value)
            fail_msg("%s: %llu", cases[i].text, (unsigned long long)value);
    }
    static const struct {
        const char *text;
        int value; /* -1 = refused */
    } bools[] = {{"true", 1}, {"yes", 1}, {"on", 1},  {"false", 0}, {"no", 0}, {"off", 0},
                 {"1", -1},   {"", -1},   {"TRUE", -1}, {"tru", -1}, {"trues", -1}};
    for (size_t i = 0; i < TD_COUNT(bools); i++) {
        bool value = false;
        bool ok = td_parse_bool(bools[i].text, strlen(bools[i].text), &value);
        assert_int_equal(ok ? value : -1, bools[i].value);
    }
}

static void test_hashes(void **state)
{
    (void)state;
    assert_int_equal(td_crc32(0, "", 0), 0);
    assert_int_equal(td_crc32(0, "123456789", 9), 0xcbf43926); /* the check value of CRC-32 */
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)next();
    uint32_t slow = ~0u; /* bit by bit */
    for (size_t i = 0; i < sizeof data; i++) {
        slow ^= data[i];
        for (int k = 0; k < 8; k++)
            slow = slow & 1 ? slow >> 1 ^ 0xedb88320u : slow >> 1;
    }
    for (size_t cut = 0; cut <= sizeof data; cut += 7) /* in two parts, at any alignment */
        assert_int_equal(td_crc32(td_crc32(0, data, cut), data + cut, sizeof data - cut), ~slow);
    /* stable: partitions and thresholds on disk depend on these */
    assert_true(td_mix64(0) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(td_hash64("", 0, 0) == td_mix64(UINT64_C(0xcbf29ce484222325)));
    assert_true(td_hash64("a", 1, 0) == td_mix64(UINT64_C(0xaf63dc4c8601ec8c)));
    assert_true(td_hash64("a", 1, 0) != td_hash64("a", 1, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format_doubles), cmocka_unit_test(test_format_texts), cmocka_unit_test(test_parse_doubles),
        cmocka_unit_test(test_locale),         cmocka_unit_test(test_integers),     cmocka_unit_test(test_sizes_and_bools),
        cmocka_unit_test(test_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
