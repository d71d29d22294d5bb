/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files: bounded reads, folders, and publishing that a reader, a full disk and a kill never see half of. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "check.h"

static char folder[] = "/tmp/td-test-file-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static unsigned turn;
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

static int make_folder(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN); /* a write beyond RLIMIT_FSIZE then fails with EFBIG, as on a disk that refuses */
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "%s", folder);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", command, (char *)NULL);
        _exit(1);
    }
    int status;
    return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}

static void expect_content(const char *path, const char *content)
{
    struct td_err err = {0};
    struct td_buf buf;
    td_buf_init(&buf, 1 << 20);
    ASSERT_OK(td_file_read(path, 1 << 20, &buf, &err), err);
    assert_string_equal(buf.data ? buf.data : "", content);
    td_buf_free(&buf);
}

static size_t leftovers(void)
{
    struct td_err err = {0};
    struct td_names names = {0};
    size_t n = 0;
    ASSERT_OK(td_dir_list(folder, &names, &err), err);
    for (size_t i = 0; i < names.count; i++)
        n += td_is_temp_name(names.items[i]);
    td_names_free(&names);
    return n;
}

static void test_read(void **state)
{
    (void)state;
    static char data[200000];
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 131072, 200000};
    struct td_err err = {0};
    const char *path = in_folder("read");
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 31 + i / 256);
    for (size_t i = 0; i < TD_COUNT(sizes); i++) {
        struct td_buf buf;
        ASSERT_OK(td_publish_bytes(path, data, sizes[i], &err), err);
        td_buf_init(&buf, sizes[i]); /* exactly enough */
        ASSERT_OK(td_file_read(path, sizes[i], &buf, &err), err);
        assert_int_equal(buf.len, sizes[i]);
        assert_memory_equal(buf.data, data, sizes[i]);
        td_buf_free(&buf);
        if (sizes[i] == 0)
            continue;
        td_buf_init(&buf, 1 << 20);
        assert_int_equal(td_file_read(path, sizes[i] - 1, &buf, &err), TD_LIMIT);
        td_buf_free(&buf);
        td_buf_init(&buf, sizes[i] - 1); /* the buffer's own cap counts as well */
        assert_int_equal(td_file_read(path, SIZE_MAX, &buf, &err), TD_LIMIT);
        td_buf_free(&buf);
    }
    struct td_buf buf;
    td_buf_init(&buf, 1000);
    td_buf_adds(&buf, "before ");
    ASSERT_OK(td_publish_bytes(path, "after", 5, &err), err);
    ASSERT_OK(td_file_read(path, 5, &buf, &err), err); /* appends; max is that of the file */
    assert_string_equal(buf.data, "before after");
    assert_int_equal(td_file_read(in_folder("absent"), 10, &buf, &err), TD_MISSING);
    assert_non_null(strstr(err.text, "absent: No such file or directory"));
    assert_int_equal(td_file_read(folder, 10, &buf, &err), TD_IO);
    assert_non_null(strstr(err.text, "is a folder"));
    assert_int_equal(td_file_read("/dev/zero", 100, &buf, &err), TD_LIMIT);
    td_buf_free(&buf);
    td_alloc_fail_after(1);
    assert_int_equal(td_file_read(path, 100, &buf, &err), TD_NOMEM);
    td_alloc_fail_after(0);
    td_buf_free(&buf);
}

static void test_folders(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_names names = {0};
    struct stat st;
    ASSERT_OK(td_mkdirs(in_folder("a/b/c"), &err), err);
    ASSERT_OK(td_mkdirs(in_folder("a/b/c"), &err), err); /* there already */
    ASSERT_OK(td_mkdirs(in_folder("a/b/d/"), &err), err);
    ASSERT_OK(td_mkdirs_for(in_folder("a/e/file"), &err), err);
    assert_int_equal(stat(in_folder("a/e"), &st), 0);
    assert_true(S_ISDIR(st.st_mode) && (st.st_mode & 0700) == 0700);
    assert_false(td_file_exists(in_folder("a/e/file")));
    ASSERT_OK(td_mkdirs_for("just-a-name", &err), err);
    ASSERT_OK(td_mkdirs_for("/name-in-root", &err), err);
    assert_int_equal(td_mkdirs("", &err), TD_IO);
    ASSERT_OK(td_publish_bytes(in_folder("a/f"), "", 0, &err), err);
    assert_int_equal(td_mkdirs(in_folder("a/f/g"), &err), TD_MISSING); /* a file in the way */
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(td_mkdirs(longer, &err), TD_IO);
    assert_int_equal(td_mkdirs_for(longer, &err), TD_OK); /* its folder is "." */
    assert_int_equal(td_publish_bytes(longer, "", 0, &err), TD_IO);
    assert_int_equal(td_mkdirs("/proc/td-no", &err), TD_MISSING);
    /* names come sorted bytewise, and an absent folder has none */
    static const char *const files[] = {"NA", "B", "BaPA", "BApA", "A", "a", "Z%3A"};
    for (size_t i = 0; i < TD_COUNT(files); i++) {
        char name[64];
        snprintf(name, sizeof name, "list/%s", files[i]);
        ASSERT_OK(td_publish_bytes(in_folder(name), "", 0, &err), err);
    }
    ASSERT_OK(td_dir_list(in_folder("list"), &names, &err), err);
    static const char *const sorted[] = {"A", "B", "BApA", "BaPA", "NA", "Z%3A", "a"};
    assert_int_equal(names.count, TD_COUNT(sorted));
    for (size_t i = 0; i < names.count; i++)
        assert_string_equal(names.items[i], sorted[i]);
    td_names_free(&names);
    ASSERT_OK(td_dir_list(in_folder("no-such"), &names, &err), err);
    assert_int_equal(names.count, 0);
    for (size_t i = 0; i < 40; i++)
        ASSERT_OK(td_names_add(&names, i % 3 ? "twice" : "once", i % 3 ? 5 : 4, &err), err);
    td_names_sort_unique(&names);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "once");
    td_names_free(&names);
    for (long n = 1, done = 0; !done; n++) { /* failing memory: a clean error, nothing leaked */
        td_alloc_fail_after(n);
        enum td_code code = td_dir_list(in_folder("list"), &names, &err);
        td_alloc_fail_after(0);
        assert_true(code == TD_OK || code == TD_NOMEM);
        done = code == TD_OK;
        td_names_free(&names);
    }
    assert_true(td_disk_free(folder) > 0);
    assert_true(td_disk_free(in_folder("not/yet/there")) > 0);
}

static void test_publish(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_publish pub;
    char path[512];
    snprintf(path, sizeof path, "%s", in_folder("deep/er/file"));
    ASSERT_OK(td_publish_bytes(path, "one", 3, &err), err); /* folders are made */
    expect_content(path, "one");
    ASSERT_OK(td_publish_begin(&pub, path, &err), err);
    assert_true(td_is_temp_name(strrchr(pub.temp, '/') + 1));
    ASSERT_OK(td_write_all(pub.fd, "two", 3, path, &err), err);
    expect_content(path, "one"); /* not before commit */
    ASSERT_OK(td_publish_commit(&pub, &err), err);
    assert_int_equal(pub.fd, -1);
    assert_false(td_file_exists(pub.temp));
    expect_content(path, "two");
    assert_int_equal(td_publish_commit(&pub, &err), TD_IO); /* only once */
    ASSERT_OK(td_publish_begin(&pub, path, &err), err);
    ASSERT_OK(td_write_all(pub.fd, "three", 5, path, &err), err);
    td_publish_abort(&pub);
    td_publish_abort(&pub); /* harmless */
    assert_false(td_file_exists(pub.temp));
    expect_content(path, "two");
    /* a target that cannot be replaced: the temporary goes, the message says which */
    ASSERT_OK(td_mkdirs(in_folder("target/full"), &err), err);
    assert_int_equal(td_publish_bytes(in_folder("target"), "x", 1, &err), TD_IO);
    assert_non_null(strstr(err.text, "target: cannot publish: "));
    assert_int_equal(leftovers(), 0);
    assert_int_equal(td_publish_bytes("/proc/td-no/file", "x", 1, &err), TD_MISSING);
    assert_false(td_is_temp_name("ticker=AAPL.parquet"));
    /* a relative name without a folder */
    assert_int_equal(chdir(folder), 0);
    ASSERT_OK(td_publish_bytes("bare", "here", 4, &err), err);
    expect_content(in_folder("bare"), "here");
    assert_int_equal(chdir("/"), 0);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(full >= 0);
    assert_int_equal(td_write_all(full, "x", 1, "/dev/full", &err), TD_FULL);
    close(full);
}

/* The first process of a container always has the same pid: what a killed one left is not in the way of the next. */
static void test_publish_same_pid(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_publish pub, next;
    char path[512], taken[1200];
    snprintf(path, sizeof path, "%s", in_folder("same-pid"));
    ASSERT_OK(td_publish_begin(&pub, path, &err), err);
    td_publish_abort(&pub);
    snprintf(taken, sizeof taken, "%s", pub.temp);
    char *number = strrchr(taken, '.') + 1;
    snprintf(number, (size_t)(taken + sizeof taken - number), "%ld", strtol(number, NULL, 10) + 1);
    int fd = open(taken, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    ASSERT_OK(td_publish_begin(&next, path, &err), err);
    assert_string_not_equal(next.temp, taken);
    ASSERT_OK(td_write_all(next.fd, "new", 3, path, &err), err);
    ASSERT_OK(td_publish_commit(&next, &err), err);
    expect_content(path, "new");
    assert_true(td_file_exists(taken));
    const char *name = strrchr(taken, '/') + 1;
    assert_int_equal(td_temp_owner(name), getpid());
    assert_int_equal(td_temp_owner("FORMAT.td-tmp.77.0"), 77);
    assert_int_equal(td_temp_owner("FORMAT.td-tmp.x"), 0);
    assert_int_equal(td_temp_owner("FORMAT"), 0);
    unlink(taken);
    unlink(path);
}

/* A batch is visible as a whole or, from the one that cannot be renamed on, not at all. */
static void test_publish_batch(void **state)
{
    (void)state;
    enum { FILES = 5 };
    struct td_err err = {0};
    struct td_publish pubs[FILES], *all[FILES];
    char paths[FILES][512];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < FILES; i++) {
            char name[64], text[64];
            snprintf(name, sizeof name, "batch/%d/file", i);
            snprintf(text, sizeof text, "round %d file %d", round, i);
            snprintf(paths[i], sizeof paths[i], "%s", in_folder(name));
            all[i] = &pubs[i];
            ASSERT_OK(td_publish_begin(&pubs[i], paths[i], &err), err);
            ASSERT_OK(td_write_all(pubs[i].fd, text, strlen(text), paths[i], &err), err);
            ASSERT_OK(td_publish_stage(&pubs[i], &err), err);
            assert_int_equal(pubs[i].fd, -1);
            assert_true(td_file_exists(pubs[i].temp));
        }
        if (round == 0)
            assert_false(td_file_exists(paths[0]));
        else
            expect_content(paths[0], "round 0 file 0");
        if (round == 2) { /* the third cannot be replaced: the two before it are new, those after it old */
            unlink(paths[2]);
            ASSERT_OK(td_mkdirs(in_folder("batch/2/file/full"), &err), err);
            assert_int_equal(td_publish_commit_all(all, FILES, &err), TD_IO);
            assert_non_null(strstr(err.text, "2/file: cannot publish: "));
            expect_content(paths[1], "round 2 file 1");
            expect_content(paths[3], "round 0 file 3");
        } else if (round == 1) {
            for (int i = 0; i < FILES; i++)
                td_publish_unstage(&pubs[i]);
            expect_content(paths[0], "round 0 file 0");
        } else {
            ASSERT_OK(td_publish_commit_all(all, FILES, &err), err);
            expect_content(paths[4], "round 0 file 4");
        }
        for (int i = 0; i < FILES; i++)
            assert_false(td_file_exists(pubs[i].temp));
    }
    assert_int_equal(td_publish_stage(&pubs[0], &err), TD_IO);
    ASSERT_OK(td_publish_commit_all(all, 0, &err), err);
}

/* The disk takes `room` bytes and then refuses: the old file stays, no temporary is left. */
static void test_failing_disk(void **state)
{
    (void)state;
    static char data[100000];
    struct td_err err = {0};
    struct rlimit before, small;
    const char *path = in_folder("refused");
    memset(data, 'd', sizeof data);
    ASSERT_OK(td_publish_bytes(path, "old", 3, &err), err);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t room = 0; room <= sizeof data; room += 12500) {
        small = before;
        small.rlim_cur = room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        enum td_code code = td_publish_bytes(path, data, sizeof data, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(leftovers(), 0);
        if (room == sizeof data) {
            ASSERT_OK(code, err);
        } else {
            assert_int_equal(code, TD_IO);
            assert_non_null(strstr(err.text, "refused: write: File too large"));
            expect_content(path, "old");
        }
    }
}

#define VERSION_BYTES 150000

struct race {
    char path[512];
    atomic_bool stop;
    atomic_int halves, reads;
};

static void *reader(void *arg)
{
    struct race *race = arg;
    struct td_buf buf;
    td_buf_init(&buf, 1 << 20);
    while (!atomic_load(&race->stop)) {
        td_buf_clear(&buf);
        bool whole = td_file_read(race->path, 1 << 20, &buf, NULL) == TD_OK && buf.len == VERSION_BYTES;
        for (size_t i = 0; whole && i < buf.len; i += 1009)
            whole = buf.data[i] == buf.data[0];
        atomic_fetch_add(whole ? &race->reads : &race->halves, 1);
    }
    td_buf_free(&buf);
    return NULL;
}

/* Readers see one version or another, never a mixture, never a part, never nothing. */
static void test_readers_never_see_half(void **state)
{
    (void)state;
    static char data[VERSION_BYTES];
    struct td_err err = {0};
    struct race race = {.stop = false};
    pthread_t threads[2];
    snprintf(race.path, sizeof race.path, "%s", in_folder("raced"));
    memset(data, 'A', sizeof data);
    ASSERT_OK(td_publish_bytes(race.path, data, sizeof data, &err), err);
    for (size_t i = 0; i < TD_COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &race), 0);
    int64_t end = td_mono_ns() + INT64_C(120000000000); /* for readers that never get through; a busy machine takes its time */
    for (int round = 0; round < 60 || (atomic_load(&race.reads) < 60 && td_mono_ns() < end); round++) {
        memset(data, 'A' + round % 26, sizeof data);
        ASSERT_OK(td_publish_bytes(race.path, data, sizeof data, &err), err);
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < TD_COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.halves, 0);
    assert_true(race.reads >= 60);
}

/* Killed at any point while publishing over and over: the file is a whole version, rests are known by their names. */
static void test_kill(void **state)
{
    (void)state;
    static char data[VERSION_BYTES];
    struct td_err err = {0};
    char path[512];
    snprintf(path, sizeof path, "%s", in_folder("killed"));
    memset(data, '0', sizeof data);
    ASSERT_OK(td_publish_bytes(path, data, sizeof data, &err), err);
    for (int round = 0; round < 25; round++) {
        int ready[2], status;
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (int version = 0;; version++) {
                memset(data, '0' + version % 10, sizeof data);
                if (td_publish_bytes(path, data, sizeof data, NULL) != TD_OK)
                    _exit(9);
                if (write(ready[1], "x", 1) != 1)
                    _exit(8);
            }
        }
        close(ready[1]);
        for (int i = 0; i <= round % 5; i++) /* wait for some versions, then kill wherever the child is */
            assert_int_equal(read(ready[0], &byte, 1), 1);
        for (volatile int spin = 0; spin < round * 20000; spin++)
            ;
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        close(ready[0]);
        struct td_buf buf;
        td_buf_init(&buf, 1 << 20);
        ASSERT_OK(td_file_read(path, 1 << 20, &buf, &err), err);
        assert_int_equal(buf.len, VERSION_BYTES);
        for (size_t i = 0; i < buf.len; i++)
            assert_int_equal(buf.data[i], buf.data[0]);
        td_buf_free(&buf);
    }
    struct td_names names = {0};
    ASSERT_OK(td_dir_list(folder, &names, &err), err);
    for (size_t i = 0; i < names.count; i++)
        if (strncmp(names.items[i], "killed", 6) == 0 && strcmp(names.items[i], "killed") != 0) {
            assert_true(td_is_temp_name(names.items[i]));
            unlink(in_folder(names.items[i]));
        }
    td_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),         cmocka_unit_test(test_folders),
        cmocka_unit_test(test_publish),      cmocka_unit_test(test_publish_batch),
        cmocka_unit_test(test_publish_same_pid),
        cmocka_unit_test(test_failing_disk),
        cmocka_unit_test(test_readers_never_see_half), cmocka_unit_test(test_kill),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
