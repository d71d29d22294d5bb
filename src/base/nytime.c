/* SPDX-License-Identifier: GPL-3.0-or-later
 * New York time from the law: Uniform Time Act 1966 (last Sunday of April to last Sunday of October; 1974-01-06 and
 * 1975-02-23 by the Emergency Daylight Saving Time Act), 1987-2006 first Sunday of April, Energy Policy Act 2005
 * from 2007 (second Sunday of March to first Sunday of November). Changes happen at 02:00 local time. */
#include <tapedeck/base.h>

#define EST_S (-5 * 3600)
#define EDT_S (-4 * 3600)

/* nth Sunday (1..) of a month, or the last one when n is 0. */
static td_day sunday(int year, int month, int n)
{
    if (n == 0) {
        td_day last = td_month_last(year * 12 + month - 1);
        return last - td_day_weekday(last);
    }
    td_day first = td_day_from_civil(year, month, 1);
    return first + (7 - td_day_weekday(first)) % 7 + 7 * (n - 1);
}

static td_day spring_day(int year)
{
    if (year >= 2007)
        return sunday(year, 3, 2);
    if (year >= 1987)
        return sunday(year, 4, 1);
    if (year == 1974)
        return td_day_from_civil(1974, 1, 6);
    if (year == 1975)
        return td_day_from_civil(1975, 2, 23);
    return sunday(year, 4, 0);
}

static td_day autumn_day(int year)
{
    return year >= 2007 ? sunday(year, 11, 1) : sunday(year, 10, 0);
}

static int year_of(int64_t utc_ms)
{
    int64_t days = utc_ms / TD_MS_DAY - (utc_ms % TD_MS_DAY < 0);
    if (days < -1000000 || days > 2932896) /* far outside any calendar: clamp, the caller's checks refuse such times */
        days = days < 0 ? -1000000 : 2932896;
    int year, month, mday;
    td_day_to_civil((td_day)days, &year, &month, &mday);
    return year;
}

int32_t td_ny_offset_s(int64_t utc_ms)
{
    int year = year_of(utc_ms); /* both changes lie far from the turn of the year: the UTC year will do */
    if (year < 1967)
        return EST_S;
    int64_t begin = (int64_t)spring_day(year) * TD_MS_DAY + 7 * 3600000; /* 02:00 EST */
    int64_t end = (int64_t)autumn_day(year) * TD_MS_DAY + 6 * 3600000;   /* 02:00 EDT */
    return utc_ms >= begin && utc_ms < end ? EDT_S : EST_S;
}

void td_ny_split(int64_t utc_ms, td_day *day, int32_t *ms_of_day)
{
    int64_t local;
    if (__builtin_add_overflow(utc_ms, (int64_t)td_ny_offset_s(utc_ms) * 1000, &local))
        local = utc_ms; /* at the edge of 64 bits: clamped below */
    int64_t days = local / TD_MS_DAY, rest = local % TD_MS_DAY;
    if (rest < 0) {
        days--;
        rest += TD_MS_DAY;
    }
    if (days < INT32_MIN / 2 || days > INT32_MAX / 2)
        days = days < 0 ? INT32_MIN / 2 : INT32_MAX / 2;
    *day = (td_day)days;
    *ms_of_day = (int32_t)rest;
}

int64_t td_ny_to_utc(td_day day, int64_t ms_of_day)
{
    int64_t local = (int64_t)day * TD_MS_DAY + ms_of_day;
    int64_t as_edt = local - (int64_t)EDT_S * 1000;
    /* In the repeated hour EDT comes first; in the skipped one the offset before the change is EST. */
    if (td_ny_offset_s(as_edt) == EDT_S)
        return as_edt;
    return local - (int64_t)EST_S * 1000;
}

int64_t td_ny_midnight(td_day day)
{
    return td_ny_to_utc(day, 0);
}
