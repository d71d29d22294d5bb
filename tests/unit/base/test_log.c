/* SPDX-License-Identifier: GPL-3.0-or-later
 * The log and redaction: what a line looks like, what the tail keeps, and that no secret is ever shown. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include "check.h"

#define SECRET "k3y-ABCDEFGHIJ0123456789xyz"

static char folder[] = "/tmp/td-test-log-XXXXXX";
static char path[128];

static int make_folder(void **state)
{
    (void)state;
    struct td_err err;
    if (!mkdtemp(folder) || td_clock_init("2025-02-06T14:30:00.250Z", &err) != TD_OK)
        return 1;
    snprintf(path, sizeof path, "%s/sub/tapedeck.log", folder);
    td_secret_add(SECRET);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char sub[128];
    snprintf(sub, sizeof sub, "%s/sub", folder);
    unlink(path);
    return rmdir(sub) | rmdir(folder);
}

static void read_log(struct td_buf *out)
{
    struct td_err err = {0};
    td_buf_init(out, 64 << 20);
    ASSERT_OK(td_file_read(path, 32 << 20, out, &err), err);
}

static void expect_tail(size_t lines, const char *expected)
{
    struct td_buf out;
    td_buf_init(&out, 1 << 20);
    td_log_tail(&out, lines);
    assert_string_equal(out.data ? out.data : "", expected);
    td_buf_free(&out);
}

static void test_lines(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_buf text;
    struct stat st;
    ASSERT_OK(td_log_open(path, TD_LOG_INFO, &err), err);
    uint64_t before = td_log_generation();
    errno = EXDEV;
    td_log(TD_LOG_WARN, "feed", "retry %d of %s", 3, "AAPL");
    assert_int_equal(errno, EXDEV);
    td_log(TD_LOG_DEBUG, "feed", "not at this level");
    td_log(TD_LOG_INFO, "lake", "two\nlines \x1b[31mred \x9b \xff caf\xc3\xa9");
    assert_int_equal(td_log_generation(), before + 2);
    td_log_close();
    td_log(TD_LOG_ERROR, "base", "after closing: in the tail only");
    read_log(&text);
    assert_string_equal(text.data, "2025-02-06T14:30:00.250Z warn  feed: retry 3 of AAPL\n"
                                   "2025-02-06T14:30:00.250Z info  lake: two\\x0alines \\x1b[31mred \\x9b \\xff caf\xc3\xa9\n");
    td_buf_free(&text);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect_tail(1, "2025-02-06T14:30:00.250Z error base: after closing: in the tail only\n");
    /* appends, and the level of a new opening counts */
    ASSERT_OK(td_log_open(path, TD_LOG_DEBUG, &err), err);
    td_log(TD_LOG_DEBUG, "job", "finer");
    td_log_close();
    read_log(&text);
    assert_non_null(strstr(text.data, "AAPL\n"));
    assert_non_null(strstr(text.data, "debug job: finer\n"));
    td_buf_free(&text);
    ASSERT_OK(td_log_open(NULL, TD_LOG_INFO, &err), err);
    assert_int_equal(td_log_open("/proc/no/such/log", TD_LOG_INFO, &err), TD_MISSING);
    enum td_level level = TD_LOG_ERROR;
    assert_true(td_level_parse("debug", &level) && level == TD_LOG_DEBUG);
    assert_false(td_level_parse("loud", &level));
    assert_string_equal(td_level_name(TD_LOG_WARN), "warn");
}

static void test_tail(void **state)
{
    (void)state;
    struct td_buf out;
    char line[80];
    td_buf_init(&out, 1 << 20);
    for (int i = 0; i < 1234; i++)
        td_log(TD_LOG_INFO, "t", "line %d", i);
    expect_tail(0, "");
    expect_tail(2, "2025-02-06T14:30:00.250Z info  t: line 1232\n2025-02-06T14:30:00.250Z info  t: line 1233\n");
    td_log_tail(&out, 10000);
    size_t lines = 0;
    for (const char *p = out.data; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, 500);
    snprintf(line, sizeof line, "2025-02-06T14:30:00.250Z info  t: line %d\n", 1234 - 500);
    assert_memory_equal(out.data, line, strlen(line));
    /* a long line is cut between characters */
    td_buf_clear(&out);
    char text[2000];
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 4);
    td_log(TD_LOG_INFO, "t", "%s", text);
    td_log_tail(&out, 1);
    assert_true(out.len <= 512 && out.len > 505);
    size_t euro = out.len - 4;
    assert_memory_equal(out.data + euro, "\xe2\x82\xac\n", 4);
    td_buf_free(&out);
}

static void test_redaction(void **state)
{
    (void)state;
    td_secret_add("sl/ash+plus==");
    td_secret_add("  padded-secret\n");
    td_secret_add("demo"); /* a word */
    td_secret_add("");
    td_secret_add(NULL);
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"nothing to hide", "nothing to hide"},
        {"key " SECRET " twice " SECRET "!", "key *** twice ***!"},
        {SECRET, "***"},
        {SECRET SECRET, "******"},
        {"cut k3y-ABCDEFG", "cut ***"},
        {"cut k3y", "cut k3y"},
        {"k3y-ABC and more", "k3y-ABC and more"},
        {"tapedeck demo", "tapedeck demo"},
        {"url ?t=sl%2Fash%2Bplus%3D%3D&x=1", "url ?t=***&x=1"},
        {"raw sl/ash+plus== end", "raw *** end"},
        {"a padded-secret b", "a *** b"},
        {"GET /v2/aggs?limit=5&apiKey=abc123DEF&sort=asc", "GET /v2/aggs?limit=5&apiKey=***&sort=asc"},
        {"apikey=x", "apikey=*"},
        {"APIKEY = q1w2e3r4t5", "APIKEY = ***"},
        {"{\"apiKey\":\"q1w2e3\",\"n\":1}", "{\"apiKey\":\"***\",\"n\":1}"},
        {"{\\\"api_key\\\": \\\"q1w2e3\\\"}", "{\\\"api_key\\\": \\\"***\\\"}"},
        {"apiKey%3Dq1w2e3&x", "apiKey%3D***&x"},
        {"Authorization: Bearer AbCdEf.123-_~+/=", "Authorization: Bearer ***"},
        {"authorization: bearer abc123", "authorization: bearer ***"},
        {"the bearer token is missing", "the bearer token is missing"},
        {"set MASSIVE_API_KEY or POLYGON_API_KEY", "set MASSIVE_API_KEY or POLYGON_API_KEY"},
        {"MASSIVE_API_KEY=q1w2e3r4", "MASSIVE_API_KEY=***"},
        {"X-Amz-Credential=AKIA/2025/us&X-Amz-Signature=00ff&y=1", "X-Amz-Credential=***&X-Amz-Signature=***&y=1"},
        {"aws_secret_access_key = abc/def+ghi", "aws_secret_access_key = ***"},
        {"apiKey=", "apiKey="},
        {"apiKey=***", "apiKey=***"},
        {"apiKey=" SECRET "tail", "apiKey=***"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s", cases[i].text);
        td_redact(text);
        assert_string_equal(text, cases[i].shown);
        td_redact(text); /* stable: what was hidden stays as it is */
        assert_string_equal(text, cases[i].shown);
    }
}

/* Wherever a message is cut, no part of the secret of any use is left. */
static void test_cut_texts(void **state)
{
    (void)state;
    for (size_t pad = 0; pad < 2200; pad += pad > 470 && pad < 520 ? 1 : pad > 2000 && pad < 2060 ? 1 : 13) {
        struct td_err err;
        struct td_buf tail;
        td_buf_init(&tail, 4096);
        td_fail(&err, TD_NETWORK, "%0*d" SECRET " end", (int)pad, 0);
        assert_null(strstr(err.text, "k3y-A"));
        td_context(&err, "%0*d", (int)pad, 0);
        assert_null(strstr(err.text, "k3y-A"));
        td_log(TD_LOG_INFO, "t", "%0*d" SECRET " end", (int)pad, 0);
        td_log_tail(&tail, 1);
        assert_null(strstr(tail.data, "k3y-A"));
        td_buf_free(&tail);
    }
    struct td_err err;
    td_fail_errno(&err, ENOENT, "/x?apiKey=zzz999");
    assert_string_equal(err.text, "/x?apiKey=***: No such file or directory");
    /* a secret longer than the registry keeps is hidden as a whole */
    char big[3000], text[3200];
    memset(big, 'Q', sizeof big - 1);
    big[sizeof big - 1] = 0;
    td_secret_add(big);
    snprintf(text, sizeof text, "a %s b", big);
    td_redact(text);
    assert_string_equal(text, "a *** b");
}

/* The disk refuses: the program goes on, and the file says later that lines are missing. */
static void test_full_disk(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct rlimit before, small;
    struct td_buf text;
    unlink(path);
    ASSERT_OK(td_log_open(path, TD_LOG_INFO, &err), err);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    td_log(TD_LOG_INFO, "t", "refused one");
    td_log(TD_LOG_INFO, "t", "refused two");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    td_log(TD_LOG_INFO, "t", "taken");
    td_log(TD_LOG_INFO, "t", "taken too");
    td_log_close();
    read_log(&text);
    assert_string_equal(text.data, "(2 lines before this one were lost: the disk refused them)\n"
                                   "2025-02-06T14:30:00.250Z info  t: taken\n2025-02-06T14:30:00.250Z info  t: taken too\n");
    td_buf_free(&text);
}

#define THREADS 4
#define LINES 300

static void *writer(void *arg)
{
    char secret[32];
    int id = *(const int *)arg;
    snprintf(secret, sizeof secret, "thread-secret-%d", id);
    for (int i = 0; i < LINES; i++) {
        if (i == LINES / 2)
            td_secret_add(secret);
        td_log(TD_LOG_INFO, "t", "thread %d line %d %s", id, i, SECRET);
        if (i % 50 == 0) {
            struct td_buf tail;
            td_buf_init(&tail, 1 << 20);
            td_log_tail(&tail, 20);
            td_buf_free(&tail);
        }
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    struct td_err err = {0};
    pthread_t threads[THREADS];
    int ids[THREADS], next[THREADS] = {0};
    struct td_buf text;
    unlink(path);
    ASSERT_OK(td_log_open(path, TD_LOG_INFO, &err), err);
    uint64_t before = td_log_generation();
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, writer, &ids[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(td_log_generation(), before + THREADS * LINES);
    td_log_close();
    read_log(&text);
    /* every line whole, those of one thread in order, none lost */
    for (char *line = text.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        int id, i;
        *end = 0;
        assert_int_equal(sscanf(line, "2025-02-06T14:30:00.250Z info  t: thread %d line %d ***", &id, &i), 2);
        assert_true(id >= 0 && id < THREADS);
        assert_int_equal(i, next[id]++);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(next[i], LINES);
    td_buf_free(&text);
}

static void test_without_memory(void **state)
{
    (void)state;
    td_alloc_fail_after(1);
    td_log(TD_LOG_ERROR, "base", "out of memory near " SECRET);
    td_secret_add("late-secret-77");
    td_alloc_fail_after(0);
    expect_tail(1, "2025-02-06T14:30:00.250Z error base: out of memory near ***\n");
    char text[] = "x late-secret-77";
    td_redact(text);
    assert_string_equal(text, "x ***");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_tail),    cmocka_unit_test(test_redaction),
        cmocka_unit_test(test_cut_texts), cmocka_unit_test(test_full_disk), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
