/* SPDX-License-Identifier: GPL-3.0-or-later
 * Dates as days since 1970-01-01, proleptic Gregorian. Conversions: Howard Hinnant, "chrono-Compatible Low-Level Date
 * Algorithms" (the era formulas). */
#include <stdio.h>
#include <tapedeck/base.h>

td_day td_day_from_civil(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void td_day_to_civil(td_day day, int *year, int *month, int *mday)
{
    int64_t z = (int64_t)day + 719468; /* any int32 may come out of somebody's file */
    int era = (int)((z >= 0 ? z : z - 146096) / 146097);
    int day_of_era = (int)(z - (int64_t)era * 146097);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int mp = (5 * day_of_year + 2) / 153;
    *mday = day_of_year - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

int td_day_weekday(td_day day)
{
    int w = (day % 7 + 4) % 7; /* 1970-01-01 was a Thursday */
    return w < 0 ? w + 7 : w;
}

static bool two_digits(const char *p, int *out)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *out = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

bool td_parse_day(const char *text, size_t len, td_day *out)
{
    int century, years, month, mday;
    if (len != 10 || text[4] != '-' || text[7] != '-' || !two_digits(text, &century) || !two_digits(text + 2, &years) ||
        !two_digits(text + 5, &month) || !two_digits(text + 8, &mday) || month < 1 || month > 12 || mday < 1)
        return false;
    td_day day = td_day_from_civil(century * 100 + years, month, mday);
    int y, m, d;
    td_day_to_civil(day, &y, &m, &d);
    if (d != mday || m != month) /* 2025-02-30 rolls over */
        return false;
    *out = day;
    return true;
}

static char *put_digits(char *out, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

size_t td_format_day(td_day day, char *out)
{
    int year, month, mday;
    td_day_to_civil(day, &year, &month, &mday);
    if (year < 0 || year > 9999)
        year = year < 0 ? 0 : 9999;
    char *p = put_digits(out, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, mday, 2);
    *p = 0;
    return 10;
}

int32_t td_month_of(td_day day)
{
    int year, month, mday;
    td_day_to_civil(day, &year, &month, &mday);
    return year * 12 + month - 1;
}

td_day td_month_first(int32_t month)
{
    return td_day_from_civil(month / 12, month % 12 + 1, 1);
}

td_day td_month_last(int32_t month)
{
    return td_month_first(month + 1) - 1;
}

size_t td_format_ts(int64_t utc_ms, char *out)
{
    int64_t days = utc_ms / TD_MS_DAY, rest = utc_ms % TD_MS_DAY;
    if (rest < 0) {
        days--;
        rest += TD_MS_DAY;
    }
    if (days < -719528 || days > 2932896) /* years 0..9999 */
        return (size_t)snprintf(out, 32, "%lld", (long long)utc_ms);
    int s = (int)(rest / 1000);
    char *p = out + td_format_day((td_day)days, out);
    *p++ = 'T';
    p = put_digits(p, s / 3600, 2);
    *p++ = ':';
    p = put_digits(p, s / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, s % 60, 2);
    *p++ = '.';
    p = put_digits(p, (int)(rest % 1000), 3);
    *p++ = 'Z';
    *p = 0;
    return (size_t)(p - out);
}

size_t td_format_ny(int64_t utc_ms, char *out)
{
    td_day day;
    int32_t ms;
    td_ny_split(utc_ms, &day, &ms);
    char *p = out + td_format_day(day, out);
    int s = ms / 1000;
    *p++ = ' ';
    p = put_digits(p, s / 3600, 2);
    *p++ = ':';
    p = put_digits(p, s / 60 % 60, 2);
    *p++ = ':';
    p = put_digits(p, s % 60, 2);
    *p++ = ' ';
    *p++ = 'E';
    *p++ = 'T';
    *p = 0;
    return (size_t)(p - out);
}
