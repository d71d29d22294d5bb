/* SPDX-License-Identifier: GPL-3.0-or-later
 * The line about a job: shares, ETA, ends, and narrow lines. */
#include "check.h"
#include <tapedeck/view.h>

static struct td_job_view running(void)
{
    struct td_job_view view = {.id = 1, .state = TD_JOB_RUNNING, .seconds = 10594};
    view.counts = (struct td_job_counts){
        .planned = 3107, .ok = 800, .empty = 40, .skipped = 2, .running = 4, .rows_written = 1234567};
    return view;
}

static void expect_line(const struct td_job_view *view, int width, const char *expected)
{
    char line[256];
    td_job_line(view, width, line, sizeof line);
    assert_string_equal(line, expected);
}

static void tells_of_a_running_job(void **state)
{
    (void)state;
    struct td_job_view view = running();
    expect_line(&view, 0, "[###---------]  27%  842/3107  ok 800 empty 40 skipped 2 failed 0  1.23M rows  ETA 7:54:58");
    view.weight_total = UINT64_MAX;
    view.weight_done = UINT64_MAX / 2;
    expect_line(&view, 0, "[######------]  50%  842/3107  ok 800 empty 40 skipped 2 failed 0  1.23M rows  ETA 2:56:34");
    view.retries = 3;
    view.throttled = 12;
    expect_line(&view, 0, "[######------]  50%  842/3107  ok 800 empty 40 skipped 2 failed 0  retry 3  throttled 12  1.23M rows  "
                          "ETA 2:56:34");
}

static void claims_nothing_early(void **state)
{
    (void)state;
    struct td_job_view view = {.state = TD_JOB_RUNNING, .seconds = 5};
    expect_line(&view, 0, "[------------]   0%  0/0  ok 0 empty 0 skipped 0 failed 0  0 rows  ETA n/a");
    view.counts.planned = 10;
    expect_line(&view, 0, "[------------]   0%  0/10  ok 0 empty 0 skipped 0 failed 0  0 rows  ETA n/a");
    view.counts.planned = 100000;
    view.counts.ok = 99999;
    expect_line(&view, 0, "[###########-]  99%  99999/100000  ok 99999 empty 0 skipped 0 failed 0  0 rows  ETA 0:00:00");
    view.weight_total = view.weight_done = 7; /* all weight is done, one unit is not */
    expect_line(&view, 0, "[############]  99%  99999/100000  ok 99999 empty 0 skipped 0 failed 0  0 rows  ETA 0:00:00");
    view = (struct td_job_view){.state = TD_JOB_RUNNING, .seconds = 1e300};
    view.counts.planned = UINT64_MAX;
    view.counts.ok = 1;
    expect_line(&view, 0, "[------------]   0%  1/18446744073709551615  ok 1 empty 0 skipped 0 failed 0  0 rows  ETA 9999:00:00");
}

static void tells_how_it_ended(void **state)
{
    static const struct {
        enum td_job_state state;
        const char *end;
    } cases[] = {
        {TD_JOB_DONE, "done in 2:56:34"},           {TD_JOB_CANCELLED, "cancelled after 2:56:34"},
        {TD_JOB_FAILED, "failed after 2:56:34"},    {TD_JOB_INTERRUPTED, "interrupted after 2:56:34"},
        {TD_JOB_PAUSED, "paused"},                  {TD_JOB_STOPPING, "stopping"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_job_view view = running();
        char line[256];
        view.state = cases[i].state;
        view.counts.ok += 2265;
        td_job_line(&view, 0, line, sizeof line);
        assert_non_null(strstr(line, "[############]  100%  3107/3107  "));
        assert_string_equal(line + strlen(line) - strlen(cases[i].end), cases[i].end);
    }
}

static void fits_any_width(void **state)
{
    (void)state;
    struct td_job_view view = running();
    view.retries = 3;
    view.throttled = 1;
    expect_line(&view, 90, "[###---------]  27%  842/3107  ok 800 empty 40 skipped 2 failed 0  retry 3  ETA 7:54:58");
    expect_line(&view, 80, "[###---------]  27%  842/3107  ok 800 empty 40 skipped 2 failed 0  ETA 7:54:58");
    expect_line(&view, 70, "27%  842/3107  ok 800 empty 40 skipped 2 failed 0  ETA 7:54:58");
    expect_line(&view, 40, "27%  842/3107  ETA 7:54:58");
    expect_line(&view, 20, "27%  842/3107");
    expect_line(&view, 5, "27%");
    view.counts.failed = 9;
    expect_line(&view, 40, "27%  851/3107  failed 9  ETA 7:48:05");
    expect_line(&view, 26, "27%  851/3107  failed 9");
    for (size_t size = 1; size < 120; size++) {
        char line[128];
        memset(line, '!', sizeof line);
        td_job_line(&view, 0, line, size);
        assert_true(strlen(line) < size && line[size] == '!');
    }
    td_job_line(&view, 0, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_of_a_running_job), cmocka_unit_test(claims_nothing_early),
                                       cmocka_unit_test(tells_how_it_ended), cmocka_unit_test(fits_any_width)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
