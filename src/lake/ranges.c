/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sets of days as ascending inclusive ranges, and lists of days. Ranges with no session between them are joined. */
#include <string.h>
#include "lake_internal.h"

/* No session lies strictly between a and b. */
static bool touching(td_day a, td_day b)
{
    if (b <= a + 1)
        return true;
    int32_t next = td_cal_index_at_or_after(a + 1);
    return next < 0 || td_cal_day(next) >= b;
}

enum td_code td_ranges_add(struct td_ranges *ranges, td_day from, td_day to, struct td_err *err)
{
    if (to < from)
        return TD_OK;
    size_t at = 0;
    while (at < ranges->count && ranges->items[at].to < from && !touching(ranges->items[at].to, from))
        at++;
    size_t end = at;
    while (end < ranges->count && (ranges->items[end].from <= to || touching(to, ranges->items[end].from))) {
        if (ranges->items[end].from < from)
            from = ranges->items[end].from;
        if (ranges->items[end].to > to)
            to = ranges->items[end].to;
        end++;
    }
    if (end == at) {
        enum td_code code = td_grow(&ranges->items, &ranges->cap, ranges->count + 1, sizeof *ranges->items, err);
        if (code != TD_OK)
            return code;
        memmove(ranges->items + at + 1, ranges->items + at, (ranges->count - at) * sizeof *ranges->items);
        ranges->count++;
    } else {
        memmove(ranges->items + at + 1, ranges->items + end, (ranges->count - end) * sizeof *ranges->items);
        ranges->count -= end - at - 1;
    }
    ranges->items[at] = (struct td_day_range){from, to};
    return TD_OK;
}

bool td_ranges_cover(const struct td_ranges *ranges, td_day from, td_day to)
{
    int32_t first = td_cal_index_at_or_after(from), last = td_cal_index_at_or_before(to);
    if (first < 0 || last < first)
        return true; /* no session asked for */
    for (size_t i = 0; i < ranges->count; i++)
        if (ranges->items[i].from <= td_cal_day(first) && ranges->items[i].to >= td_cal_day(last))
            return true;
    return false;
}

void td_ranges_free(struct td_ranges *ranges)
{
    td_free(ranges->items);
    *ranges = (struct td_ranges){0};
}

enum td_code lake_ranges_parse(const char *text, struct td_ranges *out, struct td_err *err)
{
    for (const char *p = text; *p;) {
        td_day from, to;
        size_t len = strcspn(p, ",");
        if (len != 22 || memcmp(p + 10, "..", 2) != 0 || !td_parse_day(p, 10, &from) || !td_parse_day(p + 12, 10, &to))
            return td_fail(err, TD_DATA, "tapedeck.range '%.40s' is not YYYY-MM-DD..YYYY-MM-DD[,...]", text);
        enum td_code code = td_ranges_add(out, from, to, err);
        if (code != TD_OK)
            return code;
        p += len + (p[len] == ',');
    }
    return TD_OK;
}

void lake_ranges_format(const struct td_ranges *ranges, struct td_buf *out)
{
    for (size_t i = 0; i < ranges->count; i++) {
        char from[16], to[16];
        td_format_day(ranges->items[i].from, from);
        td_format_day(ranges->items[i].to, to);
        td_buf_printf(out, "%s%s..%s", i ? "," : "", from, to);
    }
}

enum td_code td_days_add(struct td_days *days, td_day day, struct td_err *err)
{
    enum td_code code = td_grow(&days->items, &days->cap, days->count + 1, sizeof *days->items, err);
    if (code == TD_OK)
        days->items[days->count++] = day;
    return code;
}

void td_days_free(struct td_days *days)
{
    td_free(days->items);
    *days = (struct td_days){0};
}
