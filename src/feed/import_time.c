/* SPDX-License-Identifier: GPL-3.0-or-later
 * Stamps of imported rows: integers in a unit the whole file shares, dates and times with or without a zone, and
 * strptime formats. The result is the bar's start in UTC ms.
 *
 * Files that stamp the END of the minute (options->end_stamped): every stamp moves back by one minute, without
 * exception. Some of those files also have a row stamped exactly at the opening bell, 09:30:00, beside 09:31:00 to
 * 16:00:00: the opening auction, large on expiry days, with the first regular minute in the row after it. Left at 09:30
 * it would collide with the 09:31:00 row and both would be lost; folded into that row it would make a bar no source
 * ever sent, and rows read would no longer equal rows written plus duplicates plus quarantined. So it becomes the 09:29
 * bar: nothing is lost, the day's volume is right, and the first regular bar is the file's own first regular minute. */
#include "import_private.h"

#include <locale.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum td_code import_clock_init(struct import_clock *clock, const struct td_import_options *options, struct td_err *err)
{
    static const enum import_unit units[] = {
        [TD_TIME_AUTO] = IMPORT_UNIT_TEXT, [TD_TIME_NS] = IMPORT_UNIT_NS, [TD_TIME_US] = IMPORT_UNIT_US,
        [TD_TIME_MS] = IMPORT_UNIT_MS,     [TD_TIME_S] = IMPORT_UNIT_S,   [TD_TIME_FORMAT] = IMPORT_UNIT_FORMAT,
    };
    memset(clock, 0, sizeof *clock);
    clock->unit = units[options->time];
    clock->settled = options->time != TD_TIME_AUTO;
    clock->daily = options->daily;
    clock->new_york = options->new_york;
    clock->end_stamped = options->end_stamped && !options->daily;
    clock->format = options->strptime;
    clock->memo_day = TD_NO_DAY;
    if (options->time != TD_TIME_FORMAT)
        return TD_OK;
    if (!clock->format || !*clock->format)
        return td_fail(err, TD_USAGE, "--time-format: the format is empty");
    if (strstr(clock->format, "%s")) /* would be read in the machine's own zone */
        return td_fail(err, TD_USAGE, "--time-format: say 's' for seconds since 1970 instead of %%s");
    return TD_OK;
}

/* ---- the unit of a file ---- */

static bool integer_of(const struct import_cell *cell, int64_t *out)
{
    double value;
    if (cell->kind == IMPORT_CELL_I64) {
        *out = cell->i64;
        return true;
    }
    if (cell->kind == IMPORT_CELL_TEXT && td_parse_i64(cell->text.ptr, cell->text.len, out))
        return true;
    if (cell->kind == IMPORT_CELL_F64)
        value = cell->f64;
    else if (cell->kind != IMPORT_CELL_TEXT || !td_parse_f64(cell->text.ptr, cell->text.len, &value))
        return false;
    if (!(fabs(value) < 9007199254740992.0) || value != floor(value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool is_compact_date(int64_t value)
{
    return value >= 19000101 && value <= 21001231;
}

/* Plausible years of the four units are at least a factor 200 apart: 1e11 s is the year 5138, 1e11 ms the year 1973. */
void import_clock_vote(struct import_clock *clock, const struct import_cell *cell)
{
    int64_t value;
    if (clock->settled)
        return;
    if (!integer_of(cell, &value) ||
        (cell->kind == IMPORT_CELL_TEXT && cell->text.len == 8 && is_compact_date(value))) {
        clock->votes[IMPORT_UNIT_TEXT]++;
        return;
    }
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    enum import_unit unit = size < UINT64_C(100000000000)         ? IMPORT_UNIT_S
                            : size < UINT64_C(100000000000000)    ? IMPORT_UNIT_MS
                            : size < UINT64_C(100000000000000000) ? IMPORT_UNIT_US
                                                                  : IMPORT_UNIT_NS;
    clock->votes[unit]++;
}

void import_clock_settle(struct import_clock *clock)
{
    unsigned best = 0;
    if (clock->settled)
        return;
    for (int unit = 0; unit < IMPORT_UNITS; unit++) {
        if (clock->votes[unit] > best) {
            best = clock->votes[unit];
            clock->unit = (enum import_unit)unit;
        }
    }
    clock->settled = true;
}

/* ---- dates and times as text ---- */

struct cursor {
    const char *p, *end;
};

struct civil {
    int year, month, day;
    int32_t ms;                   /* of the day */
    bool has_time, has_zone, odd; /* odd: finer than a millisecond */
    int32_t offset_s;
};

/* Between min and max digits. */
static bool take_digits(struct cursor *in, int min, int max, int *out)
{
    int count = 0, value = 0;
    while (count < max && in->p < in->end && *in->p >= '0' && *in->p <= '9') {
        value = value * 10 + (*in->p++ - '0');
        count++;
    }
    *out = value;
    return count >= min;
}

static bool take_char(struct cursor *in, char c)
{
    if (in->p == in->end || *in->p != c)
        return false;
    in->p++;
    return true;
}

static void take_blanks(struct cursor *in)
{
    while (in->p < in->end && *in->p == ' ')
        in->p++;
}

static bool take_word(struct cursor *in, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(in->end - in->p) < len || strncasecmp(in->p, word, len) != 0)
        return false;
    in->p += len;
    return true;
}

/* YYYY-MM-DD, YYYY/MM/DD, YYYYMMDD or the American M/D/YYYY. */
static bool take_date(struct cursor *in, struct civil *out)
{
    const char *start = in->p;
    int lead;
    if (!take_digits(in, 1, 4, &lead))
        return false;
    long digits = in->p - start;
    if (digits <= 2) {
        out->month = lead;
        return take_char(in, '/') && take_digits(in, 1, 2, &out->day) && take_char(in, '/') &&
               take_digits(in, 4, 4, &out->year);
    }
    out->year = lead;
    if (digits != 4)
        return false;
    if (in->p < in->end && (*in->p == '-' || *in->p == '/')) {
        char between = *in->p++;
        return take_digits(in, 1, 2, &out->month) && take_char(in, between) && take_digits(in, 1, 2, &out->day);
    }
    return take_digits(in, 2, 2, &out->month) && in->end - in->p >= 2 && take_digits(in, 2, 2, &out->day);
}

static bool take_clock(struct cursor *in, struct civil *out)
{
    int hour, minute, second = 0, ms = 0;
    if (!take_digits(in, 1, 2, &hour) || !take_char(in, ':') || !take_digits(in, 2, 2, &minute))
        return false;
    if (take_char(in, ':') && !take_digits(in, 2, 2, &second))
        return false;
    if (in->p < in->end && *in->p == '.') {
        int scale = 100, count = 0;
        in->p++;
        for (; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++, count++) {
            ms += (*in->p - '0') * scale;
            out->odd |= scale == 0 && *in->p != '0';
            scale /= 10;
        }
        if (count == 0)
            return false;
    }
    take_blanks(in);
    bool am = take_word(in, "AM"), pm = !am && take_word(in, "PM");
    if ((am || pm) && (hour < 1 || hour > 12))
        return false;
    if (am || pm)
        hour = hour % 12 + (pm ? 12 : 0);
    out->ms = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    out->has_time = true;
    return hour < 24 && minute < 60 && second < 60;
}

static bool take_named_zone(struct cursor *in, struct civil *out)
{
    if (take_word(in, "EST"))
        out->offset_s = -5 * 3600;
    else if (take_word(in, "EDT"))
        out->offset_s = -4 * 3600;
    else if (!take_word(in, "UTC") && !take_word(in, "GMT") && !take_word(in, "Z"))
        return false;
    return in->p == in->end;
}

static bool take_zone(struct cursor *in, struct civil *out)
{
    int hours, minutes = 0;
    take_blanks(in);
    if (in->p == in->end)
        return true;
    out->has_zone = true;
    char sign = *in->p++;
    if (sign != '+' && sign != '-') {
        in->p--;
        return take_named_zone(in, out);
    }
    if (!take_digits(in, 2, 2, &hours))
        return false;
    if (in->p < in->end) {
        take_char(in, ':');
        if (!take_digits(in, 2, 2, &minutes))
            return false;
    }
    out->offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return in->p == in->end && hours <= 18 && minutes < 60;
}

static bool is_date(const struct civil *civil)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (civil->year % 4 == 0 && civil->year % 100 != 0) || civil->year % 400 == 0;
    return civil->year >= 1900 && civil->year <= 2200 && civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= days[civil->month - 1] && (civil->month != 2 || civil->day < 29 || leap);
}

static bool read_civil(struct td_str text, struct civil *out)
{
    struct cursor in = {text.ptr, text.ptr + text.len};
    memset(out, 0, sizeof *out);
    take_blanks(&in);
    if (!take_date(&in, out) || !is_date(out))
        return false;
    bool blank = in.p < in.end && (*in.p == ' ' || *in.p == 'T');
    if (blank) {
        in.p++;
        take_blanks(&in);
        if (in.p < in.end && !take_clock(&in, out))
            return false;
    }
    return out->has_time ? take_zone(&in, out) : in.p == in.end;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static bool read_format(const char *format, struct td_str text, struct civil *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char copy[128];
    struct tm tm = {0};
    pthread_once(&once, make_c_locale);
    memset(out, 0, sizeof *out);
    if (!c_locale || text.len >= sizeof copy || memchr(text.ptr, 0, text.len))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    const char *rest = strptime_l(copy, format, &tm, c_locale);
    if (!rest || *rest)
        return false;
    out->year = tm.tm_year + 1900;
    out->month = tm.tm_mon + 1;
    out->day = tm.tm_mday;
    out->ms = ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * 1000;
    out->has_time = strpbrk(format, "HIRTcrXkl") != NULL; /* any conversion that gives an hour */
    out->has_zone = strstr(format, "%z") != NULL;
    out->offset_s = (int32_t)tm.tm_gmtoff;
    return is_date(out) && tm.tm_sec < 60;
}

/* ---- to UTC ---- */

static int64_t midnight_of(struct import_clock *clock, td_day day)
{
    if (clock->memo_day != day) {
        clock->memo_day = day;
        clock->memo_ms = td_ny_midnight(day);
    }
    return clock->memo_ms;
}

/* A daily bar may be stamped New York midnight, midnight UTC, or the end of its regular session. */
static int64_t session_of(struct import_clock *clock, int64_t ms)
{
    struct td_session session;
    td_day day;
    int32_t of_day;
    if (ms % TD_MS_DAY == 0 && ms / TD_MS_DAY < INT32_MAX && ms / TD_MS_DAY > -INT32_MAX)
        return midnight_of(clock, (td_day)(ms / TD_MS_DAY));
    td_ny_split(ms, &day, &of_day);
    if (td_cal_session(day, &session) && of_day == session.close_min * (int32_t)TD_MS_MINUTE)
        return midnight_of(clock, day);
    return ms;
}

static enum td_reason from_civil(struct import_clock *clock, const struct civil *civil, int64_t *ms)
{
    td_day day = td_day_from_civil(civil->year, civil->month, civil->day);
    if (civil->odd)
        return TD_REASON_TIME;
    if (clock->daily && civil->ms == 0) { /* the date that is written is the session, whatever zone stands behind it */
        *ms = midnight_of(clock, day);
        return TD_REASON_NONE;
    }
    if (!civil->has_time)
        return TD_REASON_UNREADABLE; /* a minute bar needs a time of day */
    if (civil->has_zone)
        *ms = day * TD_MS_DAY + civil->ms - civil->offset_s * INT64_C(1000);
    else if (!clock->new_york)
        *ms = day * TD_MS_DAY + civil->ms;
    else if (civil->ms >=
             4 * 3600000) /* clocks change at 02:00: from 04:00 on the offset is that of the next midnight */
        *ms = midnight_of(clock, day + 1) - TD_MS_DAY + civil->ms;
    else
        *ms = td_ny_to_utc(day, civil->ms);
    if (clock->daily)
        *ms = session_of(clock, *ms);
    return TD_REASON_NONE;
}

static enum td_reason from_integer(struct import_clock *clock, int64_t value, int64_t *ms)
{
    static const int64_t per_ms[] = {[IMPORT_UNIT_MS] = 1, [IMPORT_UNIT_US] = 1000, [IMPORT_UNIT_NS] = 1000000};
    if (clock->unit == IMPORT_UNIT_S) {
        if (__builtin_mul_overflow(value, INT64_C(1000), ms))
            return TD_REASON_TIME;
    } else {
        if (value % per_ms[clock->unit] != 0)
            return TD_REASON_TIME;
        *ms = value / per_ms[clock->unit];
    }
    if (*ms > INT64_C(1) << 52 || *ms < -(INT64_C(1) << 52)) /* far outside every calendar: no arithmetic on it */
        return TD_REASON_TIME;
    if (clock->daily)
        *ms = session_of(clock, *ms);
    return TD_REASON_NONE;
}

enum td_reason import_clock_read(struct import_clock *clock, const struct import_cell *cell, int64_t *ms)
{
    struct civil civil;
    int64_t value;
    enum td_reason reason = TD_REASON_UNREADABLE;

    *ms = 0;
    if (cell->kind == IMPORT_CELL_MS) {
        enum import_unit unit = clock->unit;
        clock->unit = IMPORT_UNIT_MS;
        reason = from_integer(clock, cell->i64, ms);
        clock->unit = unit;
    } else if (clock->unit == IMPORT_UNIT_TEXT) {
        if (cell->kind == IMPORT_CELL_TEXT && read_civil(cell->text, &civil))
            reason = from_civil(clock, &civil, ms);
    } else if (clock->unit == IMPORT_UNIT_FORMAT) {
        if (cell->kind == IMPORT_CELL_TEXT && read_format(clock->format, cell->text, &civil))
            reason = from_civil(clock, &civil, ms);
    } else if (integer_of(cell, &value)) {
        reason = from_integer(clock, value, ms);
    }
    if (reason == TD_REASON_NONE && clock->end_stamped)
        *ms -= TD_MS_MINUTE;
    return reason;
}
