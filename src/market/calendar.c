/* SPDX-License-Identifier: GPL-3.0-or-later
 * The XNYS calendar from its published rules: sessions, early closes and closures from 1990 to 2035. The rules are
 * expanded once, on first use, into a table of one entry a day; after that every question is a look-up. Any thread. */
#include <pthread.h>
#include "market_values.h"

#define FIRST_YEAR 1990
#define LAST_YEAR 2035
#define MAX_DAYS ((LAST_YEAR - FIRST_YEAR + 1) * 366)
#define NOON_PLUS(hours) (720 + 60 * (hours))
#define HALF_LATE_END_MIN 1020

struct day_entry {
    int16_t index;     /* of the newest session at or before this day; -1 before the first */
    int16_t close_min; /* 0 = no session */
};

/* Written once by fill_table under table_once, read by everybody afterwards. */
static pthread_once_t table_once = PTHREAD_ONCE_INIT;
static struct day_entry table[MAX_DAYS];
static td_day sessions[MAX_DAYS];
static int32_t session_count;
static td_day table_first, table_end; /* [first, end) */

struct civil {
    int year, month, mday, weekday; /* weekday: 0 = Sunday */
};

struct one_off {
    int16_t year;
    int8_t month, mday;
    int16_t close_min; /* 0 = closed */
    const char *name;
};

static const struct one_off one_offs[] = {
    {1994, 4, 27, 0, "Mourning for Richard Nixon"},
    {1997, 12, 26, NOON_PLUS(1), NULL},
    {1999, 12, 31, NOON_PLUS(1), NULL},
    {2001, 9, 11, 0, "September 11 attacks"},
    {2001, 9, 12, 0, "September 11 attacks"},
    {2001, 9, 13, 0, "September 11 attacks"},
    {2001, 9, 14, 0, "September 11 attacks"},
    {2003, 12, 26, NOON_PLUS(1), NULL},
    {2004, 6, 11, 0, "Mourning for Ronald Reagan"},
    {2007, 1, 2, 0, "Mourning for Gerald Ford"},
    {2012, 10, 29, 0, "Hurricane Sandy"},
    {2012, 10, 30, 0, "Hurricane Sandy"},
    {2018, 12, 5, 0, "Mourning for George H. W. Bush"},
    {2025, 1, 9, 0, "Mourning for Jimmy Carter"},
};

static const struct one_off *one_off_of(const struct civil *c)
{
    for (size_t i = 0; i < TD_COUNT(one_offs); i++)
        if (one_offs[i].year == c->year && one_offs[i].month == c->month && one_offs[i].mday == c->mday)
            return &one_offs[i];
    return NULL;
}

static struct civil civil_of(td_day day)
{
    struct civil c;
    td_day_to_civil(day, &c.year, &c.month, &c.mday);
    c.weekday = td_day_weekday(day);
    return c;
}

static bool nth_monday(const struct civil *c, int month, int nth)
{
    return c->month == month && c->weekday == 1 && (c->mday - 1) / 7 == nth - 1;
}

/* A fixed date that moves to Monday from a Sunday and, with `saturday`, to Friday from a Saturday. */
static bool observed(const struct civil *c, int month, int mday, bool saturday)
{
    if (c->month != month)
        return false;
    return c->mday == mday || (c->weekday == 1 && c->mday == mday + 1) ||
           (saturday && c->weekday == 5 && c->mday == mday - 1);
}

/* Easter Sunday of the Gregorian calendar by Gauss's congruences, valid for 1900-2099. */
static td_day easter(int year)
{
    int a = year % 19, b = year % 4, c = year % 7;
    int d = (19 * a + 24) % 30;
    int e = (2 * b + 4 * c + 6 * d + 5) % 7;
    if (d == 29 && e == 6)
        d -= 7;
    else if (d == 28 && e == 6 && a > 10)
        d -= 7;
    return td_day_from_civil(year, 3, 22) + d + e;
}

static bool thanksgiving(const struct civil *c, int weekday, int first_mday)
{
    return c->month == 11 && c->weekday == weekday && c->mday >= first_mday && c->mday < first_mday + 7;
}

/* Name of the closure on a weekday, or NULL. */
static const char *closure(td_day day, const struct civil *c)
{
    const struct one_off *special = one_off_of(c);
    if (special && !special->close_min)
        return special->name;
    if (observed(c, 1, 1, false)) /* on a Saturday it is not made up: the year's books close that Friday */
        return "New Year's Day";
    if (c->year >= 1998 && nth_monday(c, 1, 3))
        return "Martin Luther King Jr. Day";
    if (nth_monday(c, 2, 3))
        return "Washington's Birthday";
    if (c->weekday == 5 && day + 2 == easter(c->year))
        return "Good Friday";
    if (c->month == 5 && c->weekday == 1 && c->mday > 24)
        return "Memorial Day";
    if (c->year >= 2022 && observed(c, 6, 19, true))
        return "Juneteenth";
    if (observed(c, 7, 4, true))
        return "Independence Day";
    if (nth_monday(c, 9, 1))
        return "Labor Day";
    if (thanksgiving(c, 4, 22))
        return "Thanksgiving Day";
    if (observed(c, 12, 25, true))
        return "Christmas Day";
    return NULL;
}

/* The eve of Independence Day, since 1995. Before 2013 a Thursday holiday gave the Friday after it instead. */
static bool independence_half(const struct civil *c)
{
    if (c->year < 1995 || c->month != 7)
        return false;
    if (c->mday == 3)
        return c->weekday == 1 || c->weekday == 2 || c->weekday == 4 || (c->weekday == 3 && c->year >= 2013);
    return c->mday == 5 && c->weekday == 5 && c->year < 2013;
}

/* Minute at which a session's regular phase ends; early closes came at 14:00 until 1992 and at 13:00 since. */
static int close_minute(const struct civil *c)
{
    const struct one_off *special = one_off_of(c);
    if (special)
        return special->close_min;
    bool day_after_thanksgiving = c->year >= 1992 && thanksgiving(c, 5, 23);
    bool christmas_eve = c->month == 12 && c->mday == 24 && c->weekday >= 1 && c->weekday <= 4;
    if (day_after_thanksgiving || christmas_eve)
        return c->year < 1993 ? NOON_PLUS(2) : NOON_PLUS(1);
    return independence_half(c) ? NOON_PLUS(1) : REGULAR_CLOSE_MIN;
}

static void fill_table(void)
{
    table_first = td_day_from_civil(FIRST_YEAR, 1, 1);
    table_end = td_day_from_civil(LAST_YEAR + 1, 1, 1);
    for (td_day day = table_first; day < table_end; day++) {
        struct civil c = civil_of(day);
        bool session = c.weekday >= 1 && c.weekday <= 5 && !closure(day, &c);
        struct day_entry *entry = &table[day - table_first];
        if (session)
            sessions[session_count++] = day;
        entry->index = (int16_t)(session_count - 1);
        entry->close_min = (int16_t)(session ? close_minute(&c) : 0);
    }
}

/* The entry of a day, NULL outside the calendar. */
static const struct day_entry *entry_of(td_day day)
{
    pthread_once(&table_once, fill_table);
    return day >= table_first && day < table_end ? &table[day - table_first] : NULL;
}

bool td_cal_session(td_day day, struct td_session *out)
{
    const struct day_entry *entry = entry_of(day);
    if (!entry || !entry->close_min)
        return false;
    *out = (struct td_session){
        .day = day,
        .index = entry->index,
        .close_min = entry->close_min,
        .late_end_min = entry->close_min == REGULAR_CLOSE_MIN ? LATE_END_MIN : HALF_LATE_END_MIN,
    };
    return true;
}

int32_t td_cal_index(td_day day)
{
    const struct day_entry *entry = entry_of(day);
    return entry && entry->close_min ? entry->index : -1;
}

int32_t td_cal_index_at_or_before(td_day day)
{
    const struct day_entry *entry = entry_of(day);
    if (entry)
        return entry->index;
    return day < table_first ? -1 : session_count - 1;
}

int32_t td_cal_index_at_or_after(td_day day)
{
    const struct day_entry *entry = entry_of(day);
    if (!entry)
        return day < table_first ? 0 : -1;
    int32_t index = entry->close_min ? entry->index : entry->index + 1;
    return index < session_count ? index : -1;
}

td_day td_cal_day(int32_t index)
{
    pthread_once(&table_once, fill_table);
    return index >= 0 && index < session_count ? sessions[index] : TD_NO_DAY;
}

td_day td_cal_first(void)
{
    return td_cal_day(0);
}

td_day td_cal_last(void)
{
    pthread_once(&table_once, fill_table);
    return sessions[session_count - 1];
}

bool td_cal_is_half(td_day day)
{
    const struct day_entry *entry = entry_of(day);
    return entry && entry->close_min && entry->close_min < REGULAR_CLOSE_MIN;
}

const char *td_cal_holiday(td_day day)
{
    if (!entry_of(day))
        return NULL;
    struct civil c = civil_of(day);
    return c.weekday >= 1 && c.weekday <= 5 ? closure(day, &c) : NULL;
}

bool td_cal_expiry_friday(td_day day)
{
    if (td_cal_index(day) < 0)
        return false;
    struct civil c = civil_of(day);
    if (c.weekday == 5)
        return c.mday >= 15 && c.mday <= 21;
    return c.weekday == 4 && c.mday >= 14 && c.mday <= 20 && td_cal_index(day + 1) < 0;
}

int64_t td_cal_close_ms(td_day day)
{
    struct td_session session;
    if (!td_cal_session(day, &session))
        return INT64_MIN;
    return td_ny_to_utc(day, session.late_end_min * TD_MS_MINUTE);
}

enum td_phase td_cal_phase(td_day day, int32_t minute_of_day)
{
    struct td_session session;
    if (!td_cal_session(day, &session))
        return TD_PHASE_NO_SESSION;
    if (minute_of_day < TD_PRE_MIN || minute_of_day >= session.late_end_min)
        return TD_PHASE_OFF;
    if (minute_of_day < TD_REGULAR_MIN)
        return TD_PHASE_PRE;
    return minute_of_day < session.close_min ? TD_PHASE_REGULAR : TD_PHASE_POST;
}
