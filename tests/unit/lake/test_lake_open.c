/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening lakes, tickers in paths, locks between processes, ranges of days, counting, sweeping and removing. */
#include "lake/lake_fixture.h"

static void test_open(void **state)
{
    (void)state;
    char root[] = "/tmp/td-open-XXXXXX", path[128];
    assert_non_null(mkdtemp(root));
    static const struct {
        const char *name, *content; /* a file put in the folder first; NULL: none */
        bool create;
        enum td_code code;
        const char *text;
    } cases[] = {
        {NULL, NULL, false, TD_MISSING, "tapedeck demo"},
        {"notes.txt", "x", true, TD_DATA, "--lake"},
        {"notes.txt", "x", false, TD_MISSING, "no lake here"},
        {".hidden", "x", true, TD_OK, NULL},
        {"FORMAT.td-tmp.1234.0", "tapedeck-la", true, TD_OK, NULL}, /* killed while it made the lake */
        {"FORMAT", "tapedeck-lake 1\n", false, TD_OK, NULL},
        {"FORMAT", "tapedeck-lake 1", false, TD_OK, NULL},
        {"FORMAT", "tapedeck-lake 2\n", false, TD_UNSUPPORTED, "update tapedeck"},
        {"FORMAT", "tapedeck-lake 2\n", true, TD_UNSUPPORTED, "newer"},
        {"FORMAT", "tapedeck-lake 99999999999999999999\n", true, TD_DATA, "FORMAT"},
        {"FORMAT", "tapedeck-lake 0\n", true, TD_DATA, "FORMAT"},
        {"FORMAT", "tapedeck-lake -1\n", true, TD_DATA, "FORMAT"},
        {"FORMAT", "tapedeck-lake \n", true, TD_DATA, "FORMAT"},
        {"FORMAT", "", true, TD_DATA, "FORMAT"},
        {"FORMAT", "hello\n", true, TD_DATA, "FORMAT"},
        {"FORMAT", "tapedeck-lake 1\nmore", true, TD_DATA, "FORMAT"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_lake *lake = NULL;
        struct td_err err = {0};
        if (cases[i].name) {
            snprintf(path, sizeof path, "%s/%s", root, cases[i].name);
            spill(path, cases[i].content, strlen(cases[i].content));
        }
        enum td_code code = td_lake_open(root, cases[i].create, &lake, &err);
        if (code != cases[i].code || (cases[i].text && !strstr(err.text, cases[i].text)))
            fail_msg("case %zu: %s '%s'", i, td_code_name(code), err.text);
        if (code == TD_OK)
            td_lake_close(lake);
        if (cases[i].name)
            unlink(path);
        snprintf(path, sizeof path, "%s/FORMAT", root);
        unlink(path);
    }
    struct td_err err = {0};
    struct td_lake *lake = NULL;
    snprintf(path, sizeof path, "%s/a/b///", root);
    ASSERT_OK(td_lake_open(path, true, &lake, &err), err);
    assert_int_equal(td_lake_root(lake)[strlen(td_lake_root(lake)) - 1], 'b');
    td_lake_close(lake);
    snprintf(path, sizeof path, "%s/a/b", root);
    ASSERT_OK(td_lake_open(path, false, &lake, &err), err); /* it is one now */
    td_lake_close(lake);
    snprintf(path, sizeof path, "%s/a/b/FORMAT", root);
    assert_int_equal(td_lake_open(path, true, &lake, &err), TD_DATA); /* a file where a folder should be */
    snprintf(path, sizeof path, "%s/a/b", root);
    ASSERT_OK(td_lake_remove(path, &err), err);
    assert_false(td_file_exists(path));
    assert_int_equal(td_lake_remove(root, &err), TD_DATA); /* no lake: left alone */
    assert_true(td_file_exists(root));
    ASSERT_OK(td_lake_remove(path, &err), err); /* absent: nothing to do */
    assert_int_equal(td_lake_open("", true, &lake, &err), TD_USAGE);
    char longest[1100];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = 0;
    assert_int_equal(td_lake_open(longest, true, &lake, &err), TD_USAGE);
    snprintf(path, sizeof path, "%s/a", root);
    rmdir(path);
    rmdir(root);
}

static int as_nobody(void *ctx)
{
    const struct fixture *f = ctx;
    struct td_lake *lake = NULL;
    struct td_lock *lock = NULL;
    struct td_err err = {0};
    struct td_bars bars = {0};
    if (getuid() == 0 && setuid(65534) != 0)
        return 100;
    if (td_lake_open(f->root, false, &lake, &err) != TD_OK)
        return 1; /* reading is allowed */
    if (td_lake_lock(lake, "stocks_minute", 0, &lock, &err) != TD_IO || !strstr(err.text, "_locks"))
        return 2;
    struct td_merge_counts counts;
    const struct td_merge merge = {.source = "csv", .adjusted = "raw"};
    enum td_code code = td_bronze_merge(lake, TD_STOCKS_MINUTE, "AAPL", month_at("2025-09-02"), &bars, &merge, &counts, &err);
    if (code != TD_IO || !strstr(err.text, f->root) || counts.written)
        return 3;
    td_lake_close(lake);
    return 0;
}

static void test_read_only(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    assert_int_equal(chmod(f.root, 0555), 0);
    assert_int_equal(in_child(as_nobody, &f, RLIM_INFINITY), 0);
    assert_int_equal(chmod(f.root, 0755), 0);
    fixture_free(&f);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *ticker, *path;
    } cases[] = {
        {"AAPL", "AAPL"},
        {"BApA", "BApA"},
        {"NA", "NA"},
        {"NULL", "NULL"},
        {"NAN", "NAN"},
        {"BRK.B", "BRK.B"},
        {"a-b_c.9", "a-b_c.9"},
        {"O:SPY261218C00650000", "O%3ASPY261218C00650000"},
        {"A+B", "A%2BB"},
        {"100%", "100%25"},
        {"I:NDX~", "I%3ANDX%7E"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char path[128], back[TD_TICKER_MAX];
        assert_true(td_ticker_valid(cases[i].ticker));
        assert_true(td_path_encode(cases[i].ticker, path, sizeof path));
        assert_string_equal(path, cases[i].path);
        assert_true(td_path_decode(path, strlen(path), back, sizeof back));
        assert_string_equal(back, cases[i].ticker);
    }
    static const char *const bad[] = {"", ".", "..", "A B", "A/B", "A\tB", "A\xc3\xa9", "1234567890123456789012345678901X"};
    for (size_t i = 0; i < TD_COUNT(bad); i++)
        assert_false(td_ticker_valid(bad[i]));
    assert_true(td_ticker_valid("1234567890123456789012345678901"));
    static const char *const broken[] = {"", "%", "%4", "%4G", "%00", "A%2", "%-1"};
    char out[8];
    for (size_t i = 0; i < TD_COUNT(broken); i++)
        assert_false(td_path_decode(broken[i], strlen(broken[i]), out, sizeof out));
    assert_false(td_path_decode("12345678", 8, out, sizeof out));
    assert_false(td_path_encode("ABCDEFGH", out, sizeof out));
}

static void test_scan_names(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    static const char *const tickers[] = {"NULL", "NA", "NAN", "BApA", "BAPA", "O:SPY261218C00650000"};
    struct td_bars bars = {0};
    struct td_err err = {0};
    add_minutes(&bars, "2025-09-02", 5, 0);
    const struct td_merge merge = {.source = "csv", .adjusted = "raw"};
    struct td_merge_counts counts;
    for (size_t i = 0; i < TD_COUNT(tickers); i++)
        ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_MINUTE, tickers[i], month_at("2025-09-01"), &bars, &merge, &counts, &err), err);
    static const char *const strangers[] = {"ticker=%41APL.parquet", "ticker=A%2FB.parquet", "ticker=.parquet", "x.parquet",
                                            "ticker=AAPL.parquet.td-tmp.1.2", "ticker=AAPL.csv"};
    for (size_t i = 0; i < TD_COUNT(strangers); i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/bronze/stocks_minute/year=2025/month=09/%s", f.root, strangers[i]);
        spill(path, "x", 1);
    }
    struct td_bronze_list list = {0};
    ASSERT_OK(td_bronze_scan(f.lake, TD_STOCKS_MINUTE, &list, &err), err);
    static const char *const sorted[] = {"BAPA", "BApA", "NA", "NAN", "NULL", "O:SPY261218C00650000"};
    assert_int_equal(list.count, TD_COUNT(sorted));
    for (size_t i = 0; i < list.count; i++) {
        assert_string_equal(list.items[i].ticker, sorted[i]);
        assert_int_equal(list.items[i].month, month_at("2025-09-01"));
        assert_true(list.items[i].bytes > 500);
        struct td_bars back = {0};
        ASSERT_OK(td_bronze_read(f.lake, TD_STOCKS_MINUTE, sorted[i], list.items[i].month, &back, NULL, &err), err);
        assert_int_equal(back.n, 5);
        td_bars_free(&back);
    }
    td_bronze_list_free(&list);
    td_bars_free(&bars);
    fixture_free(&f);
}

struct holder { /* of a child that takes a lock, tells so and waits */
    struct fixture *f;
    int told[2], stop[2];
};

static pid_t hold_lock(struct holder *h)
{
    assert_int_equal(pipe(h->told), 0);
    assert_int_equal(pipe(h->stop), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct td_lock *lock = NULL;
        char c = td_lake_lock(h->f->lake, "stocks_minute", 0, &lock, NULL) == TD_OK ? 'y' : 'n';
        close(h->stop[1]);
        if (write(h->told[1], &c, 1) == 1)
            while (read(h->stop[0], &c, 1) > 0) {
            }
        _exit(0);
    }
    close(h->stop[0]);
    char c = 0;
    assert_int_equal(read(h->told[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    return child;
}

static void test_locks(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_lock *mine = NULL, *other = NULL;
    struct td_err err = {0};
    struct holder h = {.f = &f};
    pid_t child = hold_lock(&h);
    char pid[32];
    snprintf(pid, sizeof pid, "pid %ld ", (long)child);
    assert_int_equal(td_lake_lock(f.lake, "stocks_minute", 0, &mine, &err), TD_LOCKED);
    assert_int_equal(td_exit_status(err.code), 6);
    if (!strstr(err.text, pid) || !strstr(err.text, "--wait") || !strstr(err.text, "stocks_minute") || !strstr(err.text, " on "))
        fail_msg("the owner is not named: %s", err.text);
    ASSERT_OK(td_lake_lock(f.lake, "stocks_daily", 0, &other, &err), err); /* another dataset is free */
    td_lake_unlock(other);
    int64_t before = td_mono_ns();
    assert_int_equal(td_lake_lock(f.lake, "stocks_minute", 0.12, &mine, &err), TD_LOCKED);
    assert_true(td_mono_ns() - before >= 100 * 1000 * 1000); /* it was patient as long as it was told to be */
    kill(child, SIGKILL);
    ASSERT_OK(td_lake_lock(f.lake, "stocks_minute", 120, &mine, &err), err); /* the lock died with its process */
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(h.told[0]), close(h.told[1]), close(h.stop[1]);
    /* Two jobs of one process are kept apart too. */
    assert_int_equal(td_lake_lock(f.lake, "stocks_minute", 0, &other, &err), TD_LOCKED);
    snprintf(pid, sizeof pid, "pid %ld ", (long)getpid());
    assert_non_null(strstr(err.text, pid));
    td_lake_unlock(mine);
    ASSERT_OK(td_lake_lock(f.lake, "stocks_minute", 1e300, &other, &err), err);
    td_lake_unlock(other);
    td_lake_unlock(NULL);
    fixture_free(&f);
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *add[4]; /* FROM..TO */
        const char *text;
    } cases[] = {
        {{"2025-09-02..2025-09-05"}, "2025-09-02..2025-09-05"},
        {{"2025-09-02..2025-09-05", "2025-09-08..2025-09-12"}, "2025-09-02..2025-09-12"}, /* across a weekend */
        {{"2025-09-08..2025-09-12", "2025-09-02..2025-09-05"}, "2025-09-02..2025-09-12"},
        {{"2025-08-25..2025-08-29", "2025-09-02..2025-09-05"}, "2025-08-25..2025-09-05"}, /* and Labor Day */
        {{"2025-08-25..2025-08-28", "2025-09-02..2025-09-05"}, "2025-08-25..2025-08-28,2025-09-02..2025-09-05"},
        {{"2025-09-02..2025-09-02", "2025-09-04..2025-09-04"}, "2025-09-02..2025-09-02,2025-09-04..2025-09-04"},
        {{"2025-09-02..2025-09-02", "2025-09-04..2025-09-04", "2025-09-03..2025-09-03"}, "2025-09-02..2025-09-04"},
        {{"2025-09-04..2025-09-04", "2025-09-10..2025-09-10", "2025-09-02..2025-09-30"}, "2025-09-02..2025-09-30"},
        {{"2025-09-02..2025-09-30", "2025-09-10..2025-09-12"}, "2025-09-02..2025-09-30"},
        {{"2025-09-10..2025-09-12", "2025-09-02..2025-09-02", "2025-09-22..2025-09-22"},
         "2025-09-02..2025-09-02,2025-09-10..2025-09-12,2025-09-22..2025-09-22"},
        {{"2025-09-05..2025-09-02"}, ""},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_ranges ranges = {0};
        struct td_err err = {0};
        char text[256] = "";
        for (size_t k = 0; k < 4 && cases[i].add[k]; k++) {
            td_day from = 0, to = 0;
            assert_true(td_parse_day(cases[i].add[k], 10, &from) && td_parse_day(cases[i].add[k] + 12, 10, &to));
            ASSERT_OK(td_ranges_add(&ranges, from, to, &err), err);
        }
        for (size_t k = 0; k < ranges.count; k++) {
            char from[16], to[16];
            td_format_day(ranges.items[k].from, from);
            td_format_day(ranges.items[k].to, to);
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s..%s", k ? "," : "", from, to);
        }
        assert_string_equal(text, cases[i].text);
        td_ranges_free(&ranges);
    }
    struct td_ranges ranges = {0};
    struct td_err err = {0};
    ASSERT_OK(td_ranges_add(&ranges, day_at("2025-09-02"), day_at("2025-09-05"), &err), err);
    ASSERT_OK(td_ranges_add(&ranges, day_at("2025-09-09"), day_at("2025-09-12"), &err), err);
    static const struct {
        const char *from, *to;
        bool covered;
    } covers[] = {
        {"2025-09-02", "2025-09-05", true},  {"2025-08-30", "2025-09-05", true}, /* weekend and Labor Day before it */
        {"2025-09-02", "2025-09-07", true},  {"2025-09-02", "2025-09-08", false},
        {"2025-09-02", "2025-09-12", false}, {"2025-08-29", "2025-09-05", false},
        {"2025-09-06", "2025-09-07", true}, /* nothing asked for */
        {"2025-09-06", "2025-09-08", false}, {"2025-09-09", "2025-09-14", true},
        {"2025-09-09", "2025-09-15", false},
    };
    for (size_t i = 0; i < TD_COUNT(covers); i++)
        if (td_ranges_cover(&ranges, day_at(covers[i].from), day_at(covers[i].to)) != covers[i].covered)
            fail_msg("%s..%s", covers[i].from, covers[i].to);
    td_ranges_free(&ranges);
}

static void test_random_ranges(void **state) /* against a plain set of days */
{
    (void)state;
    uint64_t seed = 11;
    td_day base = day_at("2025-01-01");
    for (int round = 0; round < 200; round++) {
        bool vouched[370] = {0};
        struct td_ranges ranges = {0};
        for (int k = 0; k < 12; k++) {
            seed = td_mix64(seed);
            int from = (int)(seed % 340), len = (int)(seed >> 32) % 30;
            assert_int_equal(td_ranges_add(&ranges, base + from, base + from + len, NULL), TD_OK);
            for (int d = from; d <= from + len; d++)
                vouched[d] = true;
        }
        for (size_t i = 1; i < ranges.count; i++)
            assert_true(ranges.items[i - 1].to < ranges.items[i].from);
        for (int d = 0; d < 370; d++)
            if (td_cal_index(base + d) >= 0 && td_ranges_cover(&ranges, base + d, base + d) != vouched[d])
                fail_msg("round %d day %d", round, d);
        td_ranges_free(&ranges);
    }
}

static void test_sweep(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    static const char *const files[] = {"bronze/stocks_minute/year=2025/month=09/ticker=A.parquet",
                                        "bronze/stocks_minute/year=2025/month=09/ticker=A.parquet.td-tmp.77.0",
                                        "bronze/stocks_minute/year=2025/month=09/ticker=B.parquet.td-tmp.77.1",
                                        "bronze/stocks_daily/year=2025/month=09/ticker=B.parquet.td-tmp.78.0",
                                        "cache/daily/ticker=A/_SUCCESS"};
    char path[300];
    for (size_t i = 0; i < TD_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/%s", f.root, files[i]);
        spill(path, "12345", 5);
    }
    struct td_lake_counts counts;
    ASSERT_OK(td_lake_count(f.lake, "", &counts, &err), err);
    assert_int_equal(counts.leftovers, 3);
    assert_int_equal(counts.files, 3); /* FORMAT too */
    ASSERT_OK(td_lake_count(f.lake, "cache/daily", &counts, &err), err);
    assert_int_equal(counts.files, 1);
    assert_int_equal(counts.bytes, 5);
    ASSERT_OK(td_lake_count(f.lake, "nothing/here", &counts, &err), err);
    assert_int_equal(counts.files, 0);
    uint64_t removed = 9;
    ASSERT_OK(td_lake_sweep(f.lake, "bronze/stocks_minute", &removed, &err), err);
    assert_int_equal(removed, 2);
    assert_int_equal(leftovers(f.lake), 1); /* another dataset's is its writer's business */
    snprintf(path, sizeof path, "%s/%s", f.root, files[0]);
    assert_true(td_file_exists(path));
    fixture_free(&f);
}

/* A folder that cannot be emptied stops a removal as a kill would: what is left must still be a lake. */
static int remove_halfway(void *ctx)
{
    (void)ctx;
    char root[] = "/tmp/td-rm-XXXXXX", path[128];
    struct td_lake *lake = NULL;
    struct td_err err = {0};
    if ((getuid() == 0 && setuid(65534) != 0) || !mkdtemp(root) || td_lake_open(root, true, &lake, &err) != TD_OK)
        return 100;
    td_lake_close(lake);
    snprintf(path, sizeof path, "%s/AAA/file", root);
    if (td_publish_bytes(path, "x", 1, &err) != TD_OK)
        return 101;
    snprintf(path, sizeof path, "%s/zzz/file", root);
    if (td_publish_bytes(path, "x", 1, &err) != TD_OK)
        return 102;
    snprintf(path, sizeof path, "%s/zzz", root);
    if (chmod(path, 0555) != 0 || td_lake_remove(root, &err) != TD_IO)
        return 1;
    if (td_lake_open(root, false, &lake, &err) != TD_OK)
        return 2;
    td_lake_close(lake);
    if (chmod(path, 0755) != 0 || td_lake_remove(root, &err) != TD_OK || td_file_exists(root))
        return 3;
    return 0;
}

static void test_remove_order(void **state)
{
    (void)state;
    assert_int_equal(in_child(remove_halfway, NULL, RLIM_INFINITY), 0);
}

static enum td_code sweep_open(void *ctx, struct td_err *err)
{
    struct fixture *f = ctx;
    struct td_lake *lake = NULL;
    struct td_lock *lock = NULL;
    struct td_lake_counts counts;
    uint64_t removed;
    enum td_code code = td_lake_open(f->root, true, &lake, err);
    if (code == TD_OK)
        code = td_lake_lock(lake, "x", 0, &lock, err);
    if (code == TD_OK)
        code = td_lake_count(lake, "", &counts, err);
    if (code == TD_OK)
        code = td_lake_sweep(lake, "", &removed, err);
    td_lake_unlock(lock);
    td_lake_close(lake);
    return code;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    assert_true(sweep_allocations(sweep_open, &f, "open, lock, count, sweep") > 4);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),    cmocka_unit_test(test_read_only),    cmocka_unit_test(test_paths),
        cmocka_unit_test(test_scan_names), cmocka_unit_test(test_locks),     cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_random_ranges), cmocka_unit_test(test_sweep),  cmocka_unit_test(test_remove_order),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
