/* SPDX-License-Identifier: GPL-3.0-or-later
 * Common ground of the import tests: scratch files, and the invariant that must hold for every file:
 * bars + duplicates + quarantined = rows read. */
#ifndef TAPEDECK_TESTS_IMPORT_CHECK_H
#define TAPEDECK_TESTS_IMPORT_CHECK_H

#include "check.h"

#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>
#include <tapedeck/feed.h>
#include <zlib.h>

#define HEADER "timestamp,open,high,low,close,volume\n"
#define ROW(minute) "2025-01-02 15:" minute ":00Z,10,12,9,11,100"

static char scratch[64];

static inline int set_up(void **state)
{
    (void)state;
    snprintf(scratch, sizeof scratch, "/tmp/tapedeck-import-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int tear_down(void **state)
{
    (void)state;
    return rmdir(scratch);
}

static inline const char *write_scratch(const char *name, const void *data, size_t len)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
    return path;
}

static inline uint64_t sum_quarantined(const struct td_import_result *result)
{
    uint64_t sum = 0;
    for (int r = 0; r < TD_REASON_COUNT; r++)
        sum += result->quarantined[r];
    return sum;
}

static inline uint64_t sum_bars(const struct td_import_result *result)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < result->count; i++)
        sum += result->series[i].bars.n;
    return sum;
}

static inline void check_invariants(const struct td_import_result *result, bool daily)
{
    assert_int_equal(sum_bars(result) + result->duplicates + sum_quarantined(result), result->rows_read);
    assert_int_equal(result->quarantined[TD_REASON_NONE], 0);
    assert_int_equal(result->detail[0] != '\0', sum_quarantined(result) > 0);
    for (size_t i = 0; i < result->count; i++) {
        const struct td_bars *bars = &result->series[i].bars;
        assert_true(bars->n > 0);
        for (size_t k = 0; k < bars->n; k++) {
            struct td_bar bar = td_bars_get(bars, k);
            assert_int_equal(td_bar_check(&bar, daily), TD_REASON_NONE);
            assert_true(k == 0 || bars->ts[k - 1] < bars->ts[k]);
        }
    }
}

static inline enum td_code read_text(const char *text, size_t len, struct td_import_options options,
                              struct td_import_result *result, struct td_err *err)
{
    if (!options.ticker && !options.ticker_from_name)
        options.ticker = "T";
    const char *path = write_scratch("file", text, len);
    enum td_code code = td_import_read(path, &options, result, err);
    unlink(path);
    if (code == TD_OK)
        check_invariants(result, options.daily);
    else
        assert_int_equal(result->count, 0);
    return code;
}

static inline int64_t utc(const char *text)
{
    int64_t ms = 0;
    assert_true(td_parse_rfc3339(text, strlen(text), &ms));
    return ms;
}

static inline struct td_bar bar_at(const struct td_import_result *result, const char *ticker, const char *when)
{
    for (size_t i = 0; i < result->count; i++) {
        if (strcmp(result->series[i].ticker, ticker) != 0)
            continue;
        size_t at = td_bars_lower_bound(&result->series[i].bars, utc(when));
        if (at < result->series[i].bars.n && result->series[i].bars.ts[at] == utc(when))
            return td_bars_get(&result->series[i].bars, at);
    }
    fail_msg("no bar of %s at %s", ticker, when);
    return (struct td_bar){0};
}

static inline void expect_bar(const struct td_import_result *result, const char *ticker, const char *when, double open, double high,
                       double low, double close, double volume)
{
    struct td_bar bar = bar_at(result, ticker, when);
    bool same_volume = isnan(volume) ? isnan(bar.volume) : bar.volume == volume;
    if (bar.open != open || bar.high != high || bar.low != low || bar.close != close || !same_volume)
        fail_msg("%s %s: %.17g %.17g %.17g %.17g %.17g", ticker, when, bar.open, bar.high, bar.low, bar.close, bar.volume);
}

static inline size_t gzip(const void *data, size_t len, unsigned char *out, size_t size)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    unsigned char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    z.next_in = copy;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)size;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    free(copy);
    return z.total_out;
}

#endif
