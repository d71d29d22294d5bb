/* SPDX-License-Identifier: GPL-3.0-or-later
 * Verification ends when it is asked to, wherever it stands. */
#include "pq_make.h"

struct patience {
    uint64_t asked, most; /* the question that gets a yes; 0 = none */
    int findings;
};

static bool note(void *ctx, const struct td_pq_finding *finding)
{
    struct patience *p = ctx;
    p->findings += finding->text != NULL;
    return true;
}

static bool cancelled(void *ctx)
{
    struct patience *p = ctx;
    return ++p->asked == p->most;
}

static void put_file(const void *bytes, size_t len, char path[32])
{
    snprintf(path, 32, "/tmp/pq-cancel-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void every_question_may_be_the_last(void **state)
{
    (void)state;
    struct make m;
    struct td_err err = {0};
    struct td_pq_verified seen;
    struct patience whole = {0};
    size_t len;
    char path[32];
    make_table(&m, 3, 4, 9000);
    int fd = make_scratch();
    const struct td_pq_write_options o = {.group_rows = 5000, .page_rows = 1000};
    ASSERT_OK(make_file(&m, fd, &o, 9000, &err), err);
    char *bytes = make_slurp(fd, &len);
    put_file(bytes, len, path);
    ASSERT_OK(td_pq_verify_until(path, note, cancelled, &whole, &seen, &err), err);
    assert_int_equal(whole.findings, 0);
    assert_true(whole.asked >= 4 * 9 * 2); /* every page, and its rows */
    const uint64_t pages = seen.pages;
    for (uint64_t most = 1; most <= whole.asked; most++) {
        struct patience p = {.most = most};
        assert_int_equal(td_pq_verify_until(path, note, cancelled, &p, &seen, &err), TD_CANCELLED);
        assert_string_equal(err.text, "interrupted");
        assert_int_equal(p.asked, most); /* nobody is asked again */
        assert_int_equal(p.findings, 0); /* what was not looked at is not wrong */
        assert_true(seen.pages < pages);
    }
    ASSERT_OK(td_pq_verify_until(path, note, NULL, &whole, &seen, &err), err);
    assert_int_equal(seen.pages, pages);
    unlink(path);
    free(bytes);
    close(fd);
    make_free(&m);
}

/* A page of 2^31 - 1 nulls in 158 bytes, and it is right: the questions come within the page. */
static void a_page_may_be_long(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {
        0x50, 0x41, 0x52, 0x31, 0x15, 0x06, 0x15, 0x0c, 0x15, 0x0c, 0x5c, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 0xfe,
        0xff, 0xff, 0xff, 0x0f, 0x15, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x15, 0x00, 0x15, 0x0c, 0x15, 0x00, 0x00, 0x00, 0xfe,
        0xff, 0xff, 0xff, 0x0f, 0x00, 0x15, 0x02, 0x19, 0x2c, 0x48, 0x06, 0x73, 0x63, 0x68, 0x65, 0x6d, 0x61, 0x15, 0x02,
        0x00, 0x15, 0x04, 0x25, 0x02, 0x18, 0x01, 0x61, 0x00, 0x16, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x19, 0x1c, 0x19, 0x1c,
        0x26, 0x00, 0x1c, 0x15, 0x04, 0x19, 0x25, 0x00, 0x06, 0x19, 0x18, 0x01, 0x61, 0x15, 0x00, 0x16, 0xfe, 0xff, 0xff,
        0xff, 0x0f, 0x16, 0x4e, 0x16, 0x4e, 0x26, 0x08, 0x00, 0x00, 0x16, 0x4e, 0x16, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00,
        0x28, 0x1c, 0x70, 0x61, 0x72, 0x71, 0x75, 0x65, 0x74, 0x2d, 0x6f, 0x72, 0x61, 0x63, 0x6c, 0x65, 0x20, 0x76, 0x65,
        0x72, 0x73, 0x69, 0x6f, 0x6e, 0x20, 0x31, 0x2e, 0x30, 0x2e, 0x30, 0x19, 0x1c, 0x1c, 0x00, 0x00, 0x00, 0x6b, 0x00,
        0x00, 0x00, 0x50, 0x41, 0x52, 0x31};
    struct td_err err = {0};
    struct td_pq_verified seen;
    struct patience p = {.most = 1000};
    char path[32];
    put_file(bytes, sizeof bytes, path);
    assert_int_equal(td_pq_verify_until(path, note, cancelled, &p, &seen, &err), TD_CANCELLED);
    assert_int_equal(p.asked, 1000);
    assert_int_equal(p.findings, 0);
    assert_int_equal(seen.pages, 0);
    assert_int_equal(seen.rows, INT32_MAX);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_question_may_be_the_last),
        cmocka_unit_test(a_page_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
