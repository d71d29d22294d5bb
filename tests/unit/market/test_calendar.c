/* SPDX-License-Identifier: GPL-3.0-or-later
 * The XNYS calendar against the recorded sessions of 2000-2027, and its own consistency from 1990 to 2035. */
#include "market_fixture.h"

static int64_t utc(const char *text)
{
    int64_t ms = 0;
    if (!td_parse_rfc3339(text, strlen(text), &ms))
        fail_msg("not a time: %s", text);
    return ms;
}

static void sessions_agree_with_the_record(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/calendar/xnys_sessions.csv.gz");
    struct csv csv;
    csv_open(&csv, path);
    td_day next = day_of("2000-01-01");
    size_t rows = 0;
    while (csv_next(&csv)) {
        td_day day = day_of(csv.field[0]);
        struct td_session s;
        for (; next < day; next++)
            if (td_cal_session(next, &s))
                fail_msg("session %d days before %s is not in the record", (int)(day - next), csv.field[0]);
        if (!td_cal_session(day, &s))
            fail_msg("%s is a session", csv.field[0]);
        bool half = csv.field[3][0] == '1';
        assert_int_equal(td_cal_is_half(day), half);
        assert_int_equal(td_ny_to_utc(day, TD_REGULAR_MIN * TD_MS_MINUTE), utc(csv.field[1]));
        if (td_ny_to_utc(day, s.close_min * TD_MS_MINUTE) != utc(csv.field[2]))
            fail_msg("%s closes at minute %d", csv.field[0], s.close_min);
        assert_int_equal(s.late_end_min, half ? 1020 : 1200);
        assert_int_equal(td_cal_close_ms(day), td_ny_to_utc(day, s.late_end_min * TD_MS_MINUTE));
        next = day + 1;
        rows++;
    }
    for (; next < day_of("2028-01-01"); next++)
        assert_int_equal(td_cal_index(next), -1);
    assert_int_equal(rows, td_cal_index_at_or_before(day_of("2027-12-31")) - td_cal_index(day_of("2000-01-03")) + 1);
    assert_true(rows > 7000);
}

static void full_day_holidays_agree_with_the_record(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/calendar/nyse_full_day_holidays_since_1928.csv.gz");
    struct csv csv;
    bool *listed = test_calloc(366 * 33, sizeof *listed);
    td_day first = day_of("1990-01-01");
    size_t rows = 0;
    csv_open(&csv, path);
    do { /* the file has no header: the line stepped over lies in 1928 */
        int64_t month = 0, mday = 0, year = 0;
        char *slash = strchr(csv.line, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
        if (!second)
            continue;
        assert_true(td_parse_i64(csv.line, (size_t)(slash - csv.line), &month));
        assert_true(td_parse_i64(slash + 1, (size_t)(second - slash - 1), &mday));
        assert_true(td_parse_i64(second + 1, strcspn(second + 1, "\r\n"), &year));
        td_day day = td_day_from_civil((int)year, (int)month, (int)mday);
        if (year < 1990 || year > 2021 || td_day_weekday(day) == 0 || td_day_weekday(day) == 6)
            continue;
        if (td_cal_index(day) >= 0 || !td_cal_holiday(day))
            fail_msg("%d-%d-%d is a holiday", (int)year, (int)month, (int)mday);
        listed[day - first] = true;
        rows++;
    } while (csv_next(&csv));
    assert_true(rows > 250);
    for (td_day day = first; day < day_of("2021-07-06"); day++)
        if (td_cal_holiday(day) && !listed[day - first]) {
            char text[16];
            td_format_day(day, text);
            fail_msg("closure not in the holiday list: %s %s", text, td_cal_holiday(day));
        }
    test_free(listed);
}

static void indices_are_consecutive(void **state)
{
    (void)state;
    assert_int_equal(td_cal_first(), day_of("1990-01-02"));
    assert_int_equal(td_cal_last(), day_of("2035-12-31"));
    int32_t index = 0;
    for (td_day day = day_of("1990-01-01"); day <= day_of("2035-12-31"); day++) {
        struct td_session s = {.day = 7};
        bool session = td_cal_session(day, &s);
        assert_int_equal(td_cal_index(day), session ? index : -1);
        assert_int_equal(td_cal_index_at_or_after(day), index);
        assert_int_equal(td_cal_index_at_or_before(day), session ? index : index - 1);
        if (!session) {
            assert_int_equal(s.day, 7);
            assert_int_equal(td_cal_close_ms(day), INT64_MIN);
            bool weekend = td_day_weekday(day) == 0 || td_day_weekday(day) == 6;
            assert_int_equal(!td_cal_holiday(day), weekend);
            continue;
        }
        assert_int_equal(s.day, day);
        assert_int_equal(s.index, index);
        assert_int_equal(td_cal_day(index), day);
        assert_null(td_cal_holiday(day));
        index++;
    }
    assert_int_equal(td_cal_day(index), TD_NO_DAY);
    assert_int_equal(td_cal_day(-1), TD_NO_DAY);
    assert_int_equal(td_cal_index(day_of("1989-12-29")), -1);
    assert_int_equal(td_cal_index(day_of("2036-01-02")), -1);
    assert_int_equal(td_cal_index_at_or_before(day_of("1989-12-29")), -1);
    assert_int_equal(td_cal_index_at_or_before(day_of("2040-01-01")), index - 1);
    assert_int_equal(td_cal_index_at_or_after(day_of("1980-01-01")), 0);
    assert_int_equal(td_cal_index_at_or_after(day_of("2036-01-01")), -1);
    assert_null(td_cal_holiday(day_of("2036-01-01")));
}

static void single_days_are_right(void **state)
{
    (void)state;
    static const struct {
        const char *day;
        int close; /* 0 = closed */
    } cases[] = {
        {"1990-12-24", 840}, {"1992-11-27", 840}, {"1993-11-26", 780}, {"1994-04-27", 0},   {"1996-07-05", 780},
        {"1997-01-20", 960}, {"1997-12-26", 780}, {"1998-01-19", 0},   {"1999-12-31", 780}, {"2001-09-10", 960},
        {"2001-09-11", 0},   {"2001-09-14", 0},   {"2001-09-17", 960}, {"2004-06-11", 0},   {"2004-12-31", 960},
        {"2007-01-02", 0},   {"2010-12-31", 960}, {"2012-10-29", 0},   {"2012-10-30", 0},   {"2018-12-05", 0},
        {"2021-06-18", 960}, {"2021-12-31", 960}, {"2022-06-20", 0},   {"2025-01-09", 0},   {"2025-07-03", 780},
        {"2026-07-03", 0},   {"2026-07-02", 960}, {"2027-06-18", 0},   {"2028-07-03", 780}, {"2033-01-03", 960},
        {"2034-01-02", 0},   {"2035-03-23", 0},   {"2025-02-08", 0},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_session s = {.close_min = 0};
        td_cal_session(day_of(cases[i].day), &s);
        if (s.close_min != cases[i].close)
            fail_msg("%s: close %d, expected %d", cases[i].day, s.close_min, cases[i].close);
    }
    assert_string_equal(td_cal_holiday(day_of("2012-10-29")), "Hurricane Sandy");
    assert_string_equal(td_cal_holiday(day_of("2025-06-19")), "Juneteenth");
    assert_string_equal(td_cal_holiday(day_of("2024-03-29")), "Good Friday");
}

static void expiry_is_the_third_friday_or_the_thursday_before(void **state)
{
    (void)state;
    static const struct {
        const char *day;
        bool expiry;
    } cases[] = {
        {"2025-01-17", true},  {"2025-01-10", false}, {"2025-01-24", false}, {"2025-01-16", false},
        {"2019-04-18", true},  {"2019-04-19", false}, {"2026-06-18", true},  {"2026-06-19", false},
        {"2022-04-14", true},  {"2025-04-17", true},  {"2025-02-21", true},  {"2024-03-28", false},
        {"2025-02-15", false}, {"2025-08-15", true},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++)
        if (td_cal_expiry_friday(day_of(cases[i].day)) != cases[i].expiry)
            fail_msg("%s: expiry should be %d", cases[i].day, cases[i].expiry);
    unsigned count = 0;
    for (td_day day = day_of("1990-01-01"); day <= day_of("2035-12-31"); day++)
        count += td_cal_expiry_friday(day);
    assert_int_equal(count, 46 * 12);
}

static void phases_follow_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *day;
        int minute;
        enum td_phase phase;
    } cases[] = {
        {"2025-02-06", 239, TD_PHASE_OFF},        {"2025-02-06", 240, TD_PHASE_PRE},
        {"2025-02-06", 569, TD_PHASE_PRE},        {"2025-02-06", 570, TD_PHASE_REGULAR},
        {"2025-02-06", 959, TD_PHASE_REGULAR},    {"2025-02-06", 960, TD_PHASE_POST},
        {"2025-02-06", 1199, TD_PHASE_POST},      {"2025-02-06", 1200, TD_PHASE_OFF},
        {"2025-02-06", -1, TD_PHASE_OFF},         {"2025-11-28", 779, TD_PHASE_REGULAR},
        {"2025-11-28", 780, TD_PHASE_POST},       {"2025-11-28", 1019, TD_PHASE_POST},
        {"2025-11-28", 1020, TD_PHASE_OFF},       {"2025-02-08", 600, TD_PHASE_NO_SESSION},
        {"2025-01-09", 600, TD_PHASE_NO_SESSION},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++)
        assert_int_equal(td_cal_phase(day_of(cases[i].day), cases[i].minute), cases[i].phase);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_agree_with_the_record),
        cmocka_unit_test(full_day_holidays_agree_with_the_record),
        cmocka_unit_test(indices_are_consecutive),
        cmocka_unit_test(single_days_are_right),
        cmocka_unit_test(expiry_is_the_third_friday_or_the_thursday_before),
        cmocka_unit_test(phases_follow_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
