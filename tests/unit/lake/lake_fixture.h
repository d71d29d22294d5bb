/* SPDX-License-Identifier: GPL-3.0-or-later
 * Lakes in temporary folders for the tests of lake and job: bars to put in, files to compare, children with a limit. */
#ifndef TAPEDECK_TESTS_LAKE_FIXTURE_H
#define TAPEDECK_TESTS_LAKE_FIXTURE_H

#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tapedeck/lake.h>

struct fixture {
    char root[64];
    struct td_lake *lake;
};

static inline struct fixture fixture_new(void)
{
    struct fixture f = {.root = "/dev/shm/td-lake-XXXXXX"}; /* thousands of fsyncs: memory where there is such a folder */
    struct td_err err = {0};
    if (!mkdtemp(f.root)) {
        td_copy(f.root, sizeof f.root, "/tmp/td-lake-XXXXXX");
        assert_non_null(mkdtemp(f.root));
    }
    ASSERT_OK(td_lake_open(f.root, true, &f.lake, &err), err);
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    struct td_err err = {0};
    td_lake_close(f->lake);
    f->lake = NULL;
    ASSERT_OK(td_lake_remove(f->root, &err), err);
}

static inline td_day day_at(const char *text)
{
    td_day day = TD_NO_DAY;
    if (!td_parse_day(text, strlen(text), &day))
        fail_msg("not a day: %s", text);
    return day;
}

static inline int32_t month_at(const char *text)
{
    return td_month_of(day_at(text));
}

/* `n` minute bars from 09:30 of a day; `salt` changes the prices. The third bar has no volume, the fourth no vwap and no
 * count. */
static inline void add_minutes(struct td_bars *bars, const char *day, size_t n, double salt)
{
    int64_t open = td_ny_to_utc(day_at(day), TD_REGULAR_MIN * TD_MS_MINUTE);
    for (size_t i = 0; i < n; i++) {
        double price = 10 + salt + (double)(i % 17) / 8;
        struct td_bar bar = {open + (int64_t)i * TD_MS_MINUTE, price,        price + 0.25,
                             price - 0.25,                     price + 0.125, 100 + (double)i,
                             price + 0.0625,                   (int64_t)(i + 1)};
        if (i == 2)
            bar.volume = TD_NO_F64;
        if (i == 3) {
            bar.vwap = TD_NO_F64;
            bar.trades = TD_NO_COUNT;
        }
        struct td_err err = {0};
        ASSERT_OK(td_bars_add(bars, &bar, &err), err);
    }
}

static inline void slurp(const char *path, struct td_buf *out)
{
    struct td_err err = {0};
    td_buf_init(out, (size_t)64 << 20);
    ASSERT_OK(td_file_read(path, (size_t)64 << 20, out, &err), err);
}

static inline void spill(const char *path, const void *data, size_t len)
{
    struct td_err err = {0};
    ASSERT_OK(td_publish_bytes(path, data, len, &err), err);
}

static inline bool same_bytes(const struct td_buf *a, const struct td_buf *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Hash over names and bytes of every file below a folder of the lake, journals and locks aside. */
static inline uint64_t tree_hash(const char *folder)
{
    struct td_names names = {0};
    struct td_err err = {0};
    uint64_t h = 1;
    ASSERT_OK(td_dir_list(folder, &names, &err), err);
    for (size_t i = 0; i < names.count; i++) {
        char path[1200];
        struct stat st;
        if (strcmp(names.items[i], "_runs") == 0 || strcmp(names.items[i], "_locks") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        assert_int_equal(lstat(path, &st), 0);
        h = td_hash64(names.items[i], strlen(names.items[i]), h);
        if (S_ISDIR(st.st_mode)) {
            uint64_t inside = tree_hash(path);
            h = td_hash64(&inside, sizeof inside, h);
        } else {
            struct td_buf bytes;
            slurp(path, &bytes);
            h = td_hash64(bytes.data, bytes.len, h);
            td_buf_free(&bytes);
        }
    }
    td_names_free(&names);
    return h;
}

static inline uint64_t leftovers(const struct td_lake *lake)
{
    struct td_lake_counts counts;
    struct td_err err = {0};
    ASSERT_OK(td_lake_count(lake, "", &counts, &err), err);
    return counts.leftovers;
}

/* Run fn in a child that writes no file beyond `limit` bytes (as a full disk would stop it); its exit status, 0..255. */
static inline int in_child(int (*fn)(void *ctx), void *ctx, rlim_t limit)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        const struct rlimit files = {limit, limit};
        if (limit != RLIM_INFINITY && setrlimit(RLIMIT_FSIZE, &files) != 0)
            _exit(200);
        _exit(fn(ctx));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Call until the sweep of failing allocations no longer fails: `call` returns the code; every failure must be TD_NOMEM. */
static inline long sweep_allocations(enum td_code (*call)(void *ctx, struct td_err *err), void *ctx, const char *what)
{
    for (long n = 1; n < 100000; n += n < 150 ? 1 : 13) { /* each of the first, then samples */
        struct td_err err = {0};
        td_alloc_fail_after(n);
        enum td_code code = call(ctx, &err);
        td_alloc_fail_after(0);
        if (code == TD_OK)
            return n;
        if (code != TD_NOMEM || !err.text[0])
            fail_msg("%s: allocation %ld failing gives %s '%s'", what, n, td_code_name(code), err.text);
    }
    fail_msg("%s: never succeeds", what);
    return 0;
}

#endif
