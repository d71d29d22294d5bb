/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as a month of minute bars of a ticker-first lake, and as the text in which a cache file lists the months it was made
 * from. Rows in are bars, duplicates and quarantined; bars ascend and pass the door; a list that parses says itself again. */
#include <stdlib.h>
#include <sys/stat.h>
#include "fuzz_file.h"
#include "job/cache_job.h"

static char root[64];

static void remove_root(void)
{
    static const char *const below[] = {"/X/year=2025/month=1/part.parquet", "/X/year=2025/month=1", "/X/year=2025", "/X", ""};
    char path[160];
    for (size_t i = 0; i < TD_COUNT(below); i++) {
        snprintf(path, sizeof path, "%s%s", root, below[i]);
        remove(path);
    }
}

static void make_root(const char *target)
{
    static const char *const below[] = {"/X", "/X/year=2025", "/X/year=2025/month=1"};
    char path[160];
    snprintf(root, sizeof root, "/tmp/fuzz-first.XXXXXX");
    FUZZ_CHECK(mkdtemp(root));
    atexit(remove_root);
    for (size_t i = 0; i < TD_COUNT(below); i++) {
        snprintf(path, sizeof path, "%s%s", root, below[i]);
        FUZZ_CHECK(mkdir(path, 0700) == 0);
    }
    snprintf(path, sizeof path, "%s/X/year=2025/month=1/part.parquet", root);
    FUZZ_CHECK(symlink(target, path) == 0);
}

static void read_bars(void)
{
    struct td_bronze_reader *reader;
    struct td_bars bars = {0};
    struct td_bronze_info info;
    struct td_intraday_counts counts;
    struct td_err err = {0};
    FUZZ_CHECK(td_bronze_reader_new(&reader, &err) == TD_OK);
    enum td_code code = td_intraday_read(reader, root, "X", 2025 * 12, &bars, &info, &counts, &err);
    if (code != TD_OK) {
        fuzz_failed_well(code, &err);
        FUZZ_CHECK(bars.n == 0);
    } else {
        uint64_t sum = bars.n + counts.duplicates;
        for (size_t i = 1; i < TD_REASON_COUNT; i++)
            sum += counts.quarantined[i];
        FUZZ_CHECK(sum == counts.rows && counts.quarantined[TD_REASON_NONE] == 0 && info.rows == (int64_t)bars.n);
        for (size_t i = 0; i < bars.n; i++) {
            struct td_bar bar = td_bars_get(&bars, i);
            FUZZ_CHECK(td_bar_check(&bar, false) == TD_REASON_NONE && (i == 0 || bars.ts[i - 1] < bar.ts));
        }
    }
    td_bronze_info_free(&info);
    td_bars_free(&bars);
    td_bronze_reader_free(reader);
}

static void parse_list(const uint8_t *data, size_t size)
{
    struct cache_months one, two;
    struct td_buf first, second;
    struct td_err err = {0};
    char *text = td_strndup((const char *)data, size);
    td_buf_init(&first, 1 << 24);
    td_buf_init(&second, 1 << 24);
    FUZZ_CHECK(text);
    if (cache_months_parse(text, &one)) {
        FUZZ_CHECK(cache_months_format(&one, &first, &err) == TD_OK);
        FUZZ_CHECK(cache_months_parse(first.data, &two) && two.count == one.count);
        FUZZ_CHECK(cache_months_format(&two, &second, &err) == TD_OK);
        FUZZ_CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        cache_months_free(&two);
    } else {
        FUZZ_CHECK(one.count == 0);
    }
    cache_months_free(&one);
    td_buf_free(&first);
    td_buf_free(&second);
    td_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_file file;
    const char *path = fuzz_file_set(&file, data, size);
    if (!*root)
        make_root(path);
    read_bars();
    parse_list(data, size);
    return 0;
}
