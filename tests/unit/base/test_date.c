/* SPDX-License-Identifier: GPL-3.0-or-later
 * Dates, New York time against the machine's tz database, stamps and the injected clock. */
#include <time.h>
#include "check.h"

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Walk every day of 1900-2100 by the calendar itself and compare all conversions. */
static void test_every_day(void **state)
{
    (void)state;
    td_day day = -25567; /* 1900-01-01, a Monday */
    int weekday = 1;
    for (int year = 1900; year <= 2100; year++)
        for (int month = 1; month <= 12; month++) {
            for (int mday = 1; mday <= days_in(year, month); mday++, day++, weekday = (weekday + 1) % 7) {
                int y, m, d;
                char text[16], expected[40];
                td_day back;
                td_day_to_civil(day, &y, &m, &d);
                if (y != year || m != month || d != mday || td_day_from_civil(year, month, mday) != day ||
                    td_day_weekday(day) != weekday)
                    fail_msg("%04d-%02d-%02d is day %d, a %d; got %d-%d-%d", year, month, mday, day, weekday, y, m, d);
                snprintf(expected, sizeof expected, "%04d-%02d-%02d", year, month, mday);
                assert_int_equal(td_format_day(day, text), 10);
                assert_string_equal(text, expected);
                assert_true(td_parse_day(text, 10, &back) && back == day);
                assert_int_equal(td_month_of(day), year * 12 + month - 1);
                assert_int_equal(td_month_first(td_month_of(day)), day - mday + 1);
                assert_int_equal(td_month_last(td_month_of(day)), day - mday + days_in(year, month));
            }
        }
    assert_int_equal(td_day_from_civil(1970, 1, 1), 0);
}

static void test_edges(void **state)
{
    (void)state;
    static const char *const bad[] = {"2025-02-29", "2025-00-10", "2025-13-01", "2025-01-00", "2025-04-31", "2025-1-01",
                                      "20250-1-01", "2025/01/01", "x025-01-01", "2025-01-0x", "+025-01-01", "2025-01- 1",
                                      "1900-02-29", "          "};
    td_day day = 77;
    for (size_t i = 0; i < TD_COUNT(bad); i++)
        if (td_parse_day(bad[i], 10, &day))
            fail_msg("%s was taken", bad[i]);
    assert_false(td_parse_day("2025-01-011", 11, &day));
    assert_false(td_parse_day("2025-01-01", 9, &day));
    assert_int_equal(day, 77);
    assert_true(td_parse_day("2000-02-29", 10, &day) && day == 11016);
    /* whatever a damaged file holds: no overflow, some text */
    static const td_day extremes[] = {INT32_MIN, INT32_MIN + 1, -719529, -719528, 2932896, 2932897, INT32_MAX - 1, INT32_MAX};
    for (size_t i = 0; i < TD_COUNT(extremes); i++) {
        char text[16];
        int weekday = td_day_weekday(extremes[i]);
        assert_true(weekday >= 0 && weekday <= 6);
        assert_int_equal(td_format_day(extremes[i], text), 10);
    }
    static const int64_t times[] = {INT64_MIN, INT64_MIN / 2, -62167219200001, -1, 0, 253402300800000, INT64_MAX / 2, INT64_MAX};
    for (size_t i = 0; i < TD_COUNT(times); i++) {
        char text[32];
        int32_t ms;
        td_ny_split(times[i], &day, &ms);
        assert_true(ms >= 0 && ms < 86400000);
        assert_true(td_format_ts(times[i], text) < 32);
        assert_true(td_format_ny(times[i], text) < 32);
    }
}

/* The C library's view of New York at a UTC second. */
static struct tm new_york(int64_t utc_s)
{
    time_t t = (time_t)utc_s;
    struct tm tm;
    assert_non_null(localtime_r(&t, &tm));
    return tm;
}

static int enter_new_york(void **state)
{
    (void)state;
    setenv("TZ", "America/New_York", 1);
    tzset();
    return 0;
}

static int leave_new_york(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

static bool have_tz_database(void)
{
    return access("/usr/share/zoneinfo/America/New_York", R_OK) == 0 && new_york(0).tm_gmtoff == -18000;
}

static int64_t utc_second(int year, int month, int mday)
{
    return (int64_t)td_day_from_civil(year, month, mday) * 86400;
}

/* Every half hour of 1967-2040: more than the promise (2000-2040), as far back as the law of this table reaches. */
static void test_offsets(void **state)
{
    (void)state;
    if (!have_tz_database()) {
        print_message("skipped: no tz database on this machine\n");
        skip();
    }
    int changes = 0;
    int32_t before = td_ny_offset_s(utc_second(1967, 1, 1) * 1000);
    for (int64_t t = utc_second(1967, 1, 1); t < utc_second(2041, 1, 1); t += 1800) {
        int32_t offset = td_ny_offset_s(t * 1000);
        struct tm tm = new_york(t);
        if (offset != tm.tm_gmtoff)
            fail_msg("UTC second %lld: %d, the tz database says %ld", (long long)t, offset, tm.tm_gmtoff);
        if (offset != before) { /* the change happens on the very millisecond */
            assert_int_equal(td_ny_offset_s(t * 1000 - 1), before);
            changes++;
        }
        before = offset;
    }
    assert_int_equal(changes, (2040 - 1967 + 1) * 2);
}

static void test_split(void **state)
{
    (void)state;
    if (!have_tz_database()) {
        print_message("skipped: no tz database on this machine\n");
        skip();
    }
    for (int64_t t = utc_second(1999, 12, 31); t < utc_second(2041, 1, 2); t += 1171) {
        td_day day;
        int32_t ms;
        struct tm tm = new_york(t);
        td_ny_split(t * 1000 + 7, &day, &ms);
        assert_int_equal(day, td_day_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday));
        assert_int_equal(ms, ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * 1000 + 7);
        char text[32], expected[96];
        td_format_ny(t * 1000 + 7, text);
        snprintf(expected, sizeof expected, "%04d-%02d-%02d %02d:%02d:%02d ET", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(text, expected);
    }
}

/* Wall time back to UTC, around every change: skipped times use the old offset, repeated ones are the first. */
static void test_wall_time(void **state)
{
    (void)state;
    for (int year = 2000; year <= 2040; year++)
        for (td_day day = td_day_from_civil(year, 1, 1); day <= td_day_from_civil(year, 12, 31); day++) {
            int64_t midnight = td_ny_midnight(day);
            assert_int_equal(midnight, td_ny_to_utc(day, 0));
            bool change = td_ny_midnight(day + 1) - midnight != TD_MS_DAY;
            for (int64_t ms = 0; ms < TD_MS_DAY; ms += change ? 15 * TD_MS_MINUTE : 6 * 3600000) {
                td_day back_day;
                int32_t back_ms;
                int64_t utc = td_ny_to_utc(day, ms);
                td_ny_split(utc, &back_day, &back_ms);
                bool skipped = change && td_ny_midnight(day + 1) - midnight < TD_MS_DAY && ms >= 7200000 && ms < 10800000;
                assert_int_equal(back_day, day);
                assert_int_equal(back_ms, skipped ? ms + 3600000 : ms);
                /* nothing an hour earlier shows the same time: it is the first */
                td_ny_split(utc - 3600000, &back_day, &back_ms);
                assert_true(skipped || back_ms != ms);
            }
        }
    assert_int_equal(td_ny_to_utc(td_day_from_civil(2025, 2, 6), 34200000), INT64_C(1738852200000));
    assert_int_equal(td_ny_to_utc(td_day_from_civil(2025, 3, 9), 9000000), INT64_C(1741505400000)); /* 02:30, skipped */
    assert_int_equal(td_ny_to_utc(td_day_from_civil(2025, 11, 2), 5400000), INT64_C(1762061400000)); /* 01:30, first */
}

static void test_stamps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *back; /* NULL = refused */
    } cases[] = {
        {"2025-02-06", 1738800000000, "2025-02-06T00:00:00.000Z"},
        {"2025-02-06T14:30:00Z", 1738852200000, "2025-02-06T14:30:00.000Z"},
        {"2025-02-06t14:30:00z", 1738852200000, "2025-02-06T14:30:00.000Z"},
        {"2025-02-06 14:30:00Z", 1738852200000, "2025-02-06T14:30:00.000Z"},
        {"2025-02-06T14:30:00.5Z", 1738852200500, "2025-02-06T14:30:00.500Z"},
        {"2025-02-06T14:30:00.123456789Z", 1738852200123, "2025-02-06T14:30:00.123Z"},
        {"2025-02-06T09:30:00-05:00", 1738852200000, "2025-02-06T14:30:00.000Z"},
        {"2025-02-06T20:00:00+0530", 1738852200000, "2025-02-06T14:30:00.000Z"},
        {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
        {"0000-01-01", -62167219200000, "0000-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", 253402300799999, "9999-12-31T23:59:59.999Z"},
        {"2025-02-06T14:30:00", 0, NULL},
        {"2025-02-06T14:30Z", 0, NULL},
        {"2025-02-06T24:00:00Z", 0, NULL},
        {"2025-02-06T14:60:00Z", 0, NULL},
        {"2025-02-06T14:30:60Z", 0, NULL},
        {"2025-02-06T14:30:00+25:00", 0, NULL},
        {"2025-02-06T14:30:00+05:60", 0, NULL},
        {"2025-02-06T14:30:00+5:00", 0, NULL},
        {"2025-02-06T14:30:00Zx", 0, NULL},
        {"2025-02-30T14:30:00Z", 0, NULL},
        {"2025-02-06T", 0, NULL},
        {"2025-02-06T+1:30:00Z", 0, NULL},
        {"2025-02-06T14:-1:00Z", 0, NULL},
        {"", 0, NULL},
        {"now", 0, NULL},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char text[32];
        int64_t ms = 0;
        bool ok = td_parse_rfc3339(cases[i].text, strlen(cases[i].text), &ms);
        if (ok != (cases[i].back != NULL) || (ok && ms != cases[i].ms))
            fail_msg("%s: %d %lld", cases[i].text, ok, (long long)ms);
        if (ok) {
            assert_int_equal(td_format_ts(ms, text), strlen(cases[i].back));
            assert_string_equal(text, cases[i].back);
        }
    }
}

static void test_clock(void **state)
{
    (void)state;
    struct td_err err = {0};
    ASSERT_OK(td_clock_init("2025-10-21T19:42:07Z", &err), err);
    assert_int_equal(td_now_ms(), INT64_C(1761075727000));
    int64_t first = td_mono_ns();
    assert_true(td_mono_ns() >= first); /* durations run on even when the clock is fixed */
    assert_int_equal(td_clock_init("soon", &err), TD_CONFIG);
    assert_string_equal(err.text, "TAPEDECK_NOW=soon: not YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ");
    assert_int_equal(td_now_ms(), INT64_C(1761075727000));
    ASSERT_OK(td_clock_init("", &err), err);
    int64_t real = (int64_t)time(NULL);
    int64_t now = td_now_ms() / 1000;
    assert_true(now >= real - 1 && now <= (int64_t)time(NULL) + 1); /* however long the machine stood still in between */
    ASSERT_OK(td_clock_init(NULL, &err), err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_edges),
        cmocka_unit_test_setup_teardown(test_offsets, enter_new_york, leave_new_york),
        cmocka_unit_test_setup_teardown(test_split, enter_new_york, leave_new_york),
        cmocka_unit_test(test_wall_time),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
