/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the tests of the market room share: gzip CSV line by line, parsing of test dates, doubles compared by value. */
#ifndef TAPEDECK_TESTS_MARKET_FIXTURE_H
#define TAPEDECK_TESTS_MARKET_FIXTURE_H

#include "check.h"
#include <math.h>
#include <tapedeck/market.h>
#include <zlib.h>

#define CSV_FIELDS 40

struct csv {
    gzFile file;
    char line[4096];
    char *field[CSV_FIELDS];
    size_t count;
};

/* Opens and steps over the header line. */
static inline void csv_open(struct csv *csv, const char *path)
{
    csv->file = gzopen(path, "rb");
    assert_non_null(csv->file);
    assert_non_null(gzgets(csv->file, csv->line, sizeof csv->line));
}

/* Fields of the next line (no quotes in these files); false at the end, where the file is closed. */
static inline bool csv_next(struct csv *csv)
{
    if (!gzgets(csv->file, csv->line, sizeof csv->line)) {
        gzclose(csv->file);
        return false;
    }
    csv->line[strcspn(csv->line, "\r\n")] = 0;
    csv->count = 0;
    for (char *at = csv->line; at && csv->count < CSV_FIELDS; csv->count++) {
        csv->field[csv->count] = at;
        at = strchr(at, ',');
        if (at)
            *at++ = 0;
    }
    return true;
}

static inline double number(const char *text)
{
    double value = TD_NO_F64;
    if (*text && !td_parse_f64(text, strlen(text), &value))
        fail_msg("not a number: %s", text);
    return value;
}

static inline int64_t integer(const char *text)
{
    int64_t value = 0;
    if (!td_parse_i64(text, strlen(text), &value))
        fail_msg("not an integer: %s", text);
    return value;
}

static inline td_day day_of(const char *text)
{
    td_day day = TD_NO_DAY;
    if (!td_parse_day(text, strlen(text), &day))
        fail_msg("not a date: %s", text);
    return day;
}

/* New York wall time "2025-02-06 09:30" in UTC ms. */
static inline int64_t ny(const char *text)
{
    td_day day = TD_NO_DAY;
    int64_t hour = 0, minute = 0;
    if (strlen(text) != 16 || !td_parse_day(text, 10, &day) || !td_parse_i64(text + 11, 2, &hour) ||
        !td_parse_i64(text + 14, 2, &minute))
        fail_msg("not a New York time: %s", text);
    return td_ny_to_utc(day, (hour * 60 + minute) * TD_MS_MINUTE);
}

/* The same value bit for bit, any NaN being as good as another. */
static inline bool same_f64(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static inline bool near_f64(double a, double b, double absolute, double relative)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return fabs(a - b) <= absolute + relative * fabs(b);
}

/* xorshift: random but the same in every run. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
