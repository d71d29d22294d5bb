/* SPDX-License-Identifier: GPL-3.0-or-later
 * Short texts as dates, times and numbers. Numbers are compared with the C library's own reading of the same text; what was
 * read must survive being written and read again. */
#include <math.h>
#include "fuzz.h"

#define YEAR_0 INT64_C(-62167219200000)
#define YEAR_10000 INT64_C(253402300800000)

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Decimal text with an optional exponent, every byte of it used: what td_parse_f64 says it takes. */
static bool plain_number(const char *text)
{
    size_t digits = 0, at = text[0] == '-' || text[0] == '+';
    for (; text[at] >= '0' && text[at] <= '9'; at++)
        digits++;
    if (text[at] == '.')
        for (at++; text[at] >= '0' && text[at] <= '9'; at++)
            digits++;
    if (!digits)
        return false;
    if (text[at] == 'e' || text[at] == 'E') {
        size_t from = ++at;
        if (text[at] == '-' || text[at] == '+')
            from = ++at;
        while (text[at] >= '0' && text[at] <= '9')
            at++;
        if (at == from)
            return false;
    }
    return text[at] == '\0';
}

static void numbers(const char *text, size_t size)
{
    double value, theirs;
    int64_t whole;
    uint64_t bytes;
    bool flag;
    char out[40], *end;
    theirs = strtod(text, &end);
    if (td_parse_f64(text, size, &value)) {
        FUZZ_CHECK(strlen(text) == size && end == text + size && isfinite(value));
        FUZZ_CHECK(same_bits(value, theirs));
        out[td_format_f64(value, out)] = '\0';
        double again;
        FUZZ_CHECK(strlen(out) < 32);
        FUZZ_CHECK(td_parse_f64(out, strlen(out), &again) && same_bits(again, value));
    } else if (strlen(text) == size && plain_number(text)) {
        FUZZ_CHECK(!isfinite(theirs)); /* beyond the largest double */
    }
    if (td_parse_i64(text, size, &whole)) {
        FUZZ_CHECK(whole == strtoll(text, &end, 10) && end == text + size);
        out[td_format_i64(whole, out)] = '\0';
        int64_t again;
        FUZZ_CHECK(td_parse_i64(out, strlen(out), &again) && again == whole);
    }
    (void)td_parse_size(text, size, &bytes);
    (void)td_parse_bool(text, size, &flag);
}

static void moments(const char *text, size_t size)
{
    td_day day, again;
    int64_t ms, back;
    char out[40];
    if (td_parse_day(text, size, &day)) {
        int year, month, mday;
        FUZZ_CHECK(td_format_day(day, out) == size && memcmp(out, text, size) == 0);
        td_day_to_civil(day, &year, &month, &mday);
        FUZZ_CHECK(td_day_from_civil(year, month, mday) == day);
        FUZZ_CHECK(td_month_first(td_month_of(day)) <= day && td_month_last(td_month_of(day)) >= day);
    }
    if (td_parse_rfc3339(text, size, &ms)) {
        size_t len = td_format_ts(ms, out);
        FUZZ_CHECK(len < 32 && out[len] == '\0');
        if (ms >= YEAR_0 && ms < YEAR_10000) /* a zone can push an instant out of the years that have a text */
            FUZZ_CHECK(td_parse_rfc3339(out, len, &back) && back == ms);
        int32_t of_day;
        td_ny_split(ms, &again, &of_day);
        FUZZ_CHECK(of_day >= 0 && of_day < TD_MS_DAY);
        int64_t there = td_ny_to_utc(again, of_day);
        FUZZ_CHECK(there == ms || there == ms - 3600000); /* a repeated hour is read as the first */
        FUZZ_CHECK(td_format_ny(ms, out) < 32);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size), out[40];
    numbers(text, size);
    moments(text, size);
    if (size >= 8) { /* every double and every whole number survives a trip through text; no instant is too far */
        struct fuzz_in in = {data, size};
        double value = fuzz_f64(&in), again;
        int64_t bits, ms;
        memcpy(&bits, &value, sizeof bits);
        size_t len = td_format_f64(value, out);
        FUZZ_CHECK(len < 32);
        if (isfinite(value))
            FUZZ_CHECK(td_parse_f64(out, len, &again) && same_bits(again, value));
        len = td_format_i64(bits, out);
        FUZZ_CHECK(td_parse_i64(out, len, &ms) && ms == bits);
        FUZZ_CHECK(td_format_ts(bits, out) < 32);
        FUZZ_CHECK(td_format_ny(bits, out) < 32);
        FUZZ_CHECK(td_format_day((td_day)(bits & 0x1FFFFF), out) < 11); /* to the year 7711 */
    }
    free(text);
    return 0;
}
