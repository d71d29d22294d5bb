/* SPDX-License-Identifier: GPL-3.0-or-later
 * The one clock, injected by TAPEDECK_NOW, and RFC 3339 stamps. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <tapedeck/base.h>

static _Atomic int64_t fixed_ms = INT64_MIN; /* INT64_MIN = the real clock; set before threads start */

int64_t td_now_ms(void)
{
    int64_t fixed = atomic_load_explicit(&fixed_ms, memory_order_relaxed);
    if (fixed != INT64_MIN)
        return fixed;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t td_mono_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

enum td_code td_clock_init(const char *fixed, struct td_err *err)
{
    int64_t ms = INT64_MIN;
    if (fixed && *fixed && !td_parse_rfc3339(fixed, strlen(fixed), &ms))
        return td_fail(err, TD_CONFIG, "TAPEDECK_NOW=%s: not YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ", fixed);
    atomic_store(&fixed_ms, ms);
    return TD_OK;
}

static bool parse_clock(const char *text, size_t len, int64_t *ms, size_t *used)
{
    int part[3];
    if (len < 8 || text[2] != ':' || text[5] != ':')
        return false;
    for (int i = 0; i < 3; i++) {
        int64_t value;
        if (text[i * 3] < '0' || !td_parse_i64(text + i * 3, 2, &value))
            return false;
        part[i] = (int)value;
    }
    if (part[0] > 23 || part[1] > 59 || part[2] > 59)
        return false;
    size_t i = 8;
    int64_t fraction = 0, unit = 100;
    if (i < len && text[i] == '.')
        for (i++; i < len && text[i] >= '0' && text[i] <= '9'; i++, unit /= 10)
            fraction += (text[i] - '0') * unit;
    *ms = ((part[0] * 60 + part[1]) * 60 + part[2]) * INT64_C(1000) + fraction;
    *used = i;
    return true;
}

/* "Z", "+HH:MM", "-HHMM": minutes east. */
static bool parse_zone(const char *text, size_t len, int *minutes)
{
    if (len == 1 && (text[0] == 'Z' || text[0] == 'z')) {
        *minutes = 0;
        return true;
    }
    int64_t hours, mins;
    size_t colon = len == 6 && text[3] == ':';
    if ((len != 6 && len != 5) || (len == 6 && !colon) || (text[0] != '+' && text[0] != '-') || text[1] < '0' ||
        text[1] > '9' || !td_parse_i64(text + 1, 2, &hours) || text[3 + colon] < '0' || text[3 + colon] > '9' ||
        !td_parse_i64(text + 3 + colon, 2, &mins) || hours > 14 || mins > 59)
        return false;
    *minutes = (int)(hours * 60 + mins) * (text[0] == '-' ? -1 : 1);
    return true;
}

bool td_parse_rfc3339(const char *text, size_t len, int64_t *utc_ms)
{
    td_day day;
    if (len < 10 || !td_parse_day(text, 10, &day))
        return false;
    if (len == 10) {
        *utc_ms = (int64_t)day * TD_MS_DAY;
        return true;
    }
    int64_t ms;
    size_t used;
    int zone;
    if ((text[10] != 'T' && text[10] != 't' && text[10] != ' ') || !parse_clock(text + 11, len - 11, &ms, &used) ||
        !parse_zone(text + 11 + used, len - 11 - used, &zone))
        return false;
    *utc_ms = (int64_t)day * TD_MS_DAY + ms - (int64_t)zone * TD_MS_MINUTE;
    return true;
}
