/* SPDX-License-Identifier: GPL-3.0-or-later
 * The engine: counts that reconcile, pause, resume, cancel, retry, waiting, queries, memory that runs out. */
#include "job/job_fixture.h"

#include <poll.h>

static void test_counts(void **state)
{
    (void)state;
    static const struct {
        const char *units;
        enum td_code code, finish;
        uint64_t ok, empty, skipped, failed;
        enum td_job_state state;
        bool clean;
    } cases[] = {
        {"", TD_OK, TD_OK, 0, 0, 0, 0, TD_JOB_DONE, true},
        {"o", TD_OK, TD_OK, 1, 0, 0, 0, TD_JOB_DONE, true},
        {"ooeoew", TD_OK, TD_OK, 4, 2, 0, 0, TD_JOB_DONE, true},
        {"wwwwwwwwwwwwwwww", TD_OK, TD_OK, 16, 0, 0, 0, TD_JOB_DONE, true},
        {"offe", TD_UNITS, TD_OK, 1, 1, 0, 2, TD_JOB_DONE, true},
        {"fff", TD_DATA, TD_OK, 0, 0, 0, 3, TD_JOB_FAILED, true}, /* one cause for all of them */
        {"ooo", TD_IO, TD_IO, 3, 0, 0, 0, TD_JOB_FAILED, true},   /* the commit fails */
        {"of", TD_IO, TD_IO, 1, 0, 0, 1, TD_JOB_FAILED, true},
        {"oooooooA", TD_AUTH, TD_OK, 0, 0, 7, 1, TD_JOB_FAILED, false}, /* heaviest first: the last one is the first */
        {"oooF", TD_FULL, TD_OK, 0, 0, 3, 1, TD_JOB_FAILED, false},
        {"oooF", TD_FULL, TD_IO, 0, 0, 3, 1, TD_JOB_FAILED, false}, /* the first reason counts */
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct engine_fixture f = engine_new(1);
        struct script s;
        script_init(&s, cases[i].units);
        s.finish_code = cases[i].finish;
        struct td_job_view view = wait_job(f.engine, script_start(f.engine, &s), cases[i].code);
        if (view.counts.ok != cases[i].ok || view.counts.empty != cases[i].empty || view.counts.skipped != cases[i].skipped ||
            view.counts.failed != cases[i].failed || view.state != cases[i].state)
            fail_msg("case %zu: ok %lu empty %lu skipped %lu failed %lu %s", i, (unsigned long)view.counts.ok,
                     (unsigned long)view.counts.empty, (unsigned long)view.counts.skipped, (unsigned long)view.counts.failed,
                     td_job_state_name(view.state));
        assert_int_equal(view.counts.planned, strlen(cases[i].units));
        assert_true(s.begun == 1 && s.finished == 1 && s.ended == 1 && s.freed == 0);
        assert_int_equal(s.clean, cases[i].clean);
        if (cases[i].code != TD_OK)
            assert_non_null(strstr(view.message, "the script"));
        assert_false(td_job_cancel(f.engine, view.id) || td_job_pause(f.engine, view.id) || td_job_resume(f.engine, view.id));
        engine_end(&f);
        assert_int_equal(s.freed, 1);
    }
}

static void test_rows(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct script s;
    script_init(&s, "ssXso");
    struct td_job_view view = wait_job(f.engine, script_start(f.engine, &s), TD_UNITS);
    assert_int_equal(view.counts.rows_read, 40);
    assert_int_equal(view.counts.rows_written, 25);
    struct td_unit_view units[4];
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_FAILED, units, 4), 1);
    assert_string_equal(units[0].key, "unit 2");
    assert_string_equal(units[0].why, "the script says so");
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_OK, units, 4), 4);
    /* the retry counts what it did, not what the failed try did as well */
    struct td_err err = {0};
    ASSERT_OK(td_job_retry_failed(f.engine, view.id, &err), err);
    view = wait_job(f.engine, view.id, TD_OK);
    assert_true(view.counts.rows_read == 40 && view.counts.rows_written == 31 && view.counts.bytes == 100);
    assert_int_equal(view.counts.rows_read, view.counts.rows_written + view.counts.rows_duplicate + quarantined(&view.counts));
    assert_true(s.tries[2] == 2 && s.tries[0] == 1 && s.begun == 2 && s.ended == 2);
    assert_string_equal(view.message, "");
    ASSERT_OK(td_job_retry_failed(f.engine, view.id, &err), err); /* nothing left to do is fine */
    wait_job(f.engine, view.id, TD_OK);
    assert_int_equal(s.steps, 6);
    assert_int_equal(td_job_retry_failed(f.engine, 999, &err), TD_USAGE);
    engine_end(&f);
}

static void test_steering(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct script s;
    struct td_job_view view;
    struct td_err err = {0};
    script_init(&s, "oooooooogg"); /* the two at the gate go first */
    int id = script_start(f.engine, &s);
    await_gate(&s, 2);
    assert_true(td_job_get(f.engine, id, &view) && view.counts.running == 2 && view.state == TD_JOB_RUNNING);
    assert_true(td_job_pause(f.engine, id));
    assert_false(td_job_pause(f.engine, id));
    assert_int_equal(td_job_retry_failed(f.engine, id, &err), TD_USAGE); /* it has not ended */
    open_gate(&s);
    do
        assert_true(td_job_get(f.engine, id, &view));
    while (view.counts.running);
    assert_true(view.state == TD_JOB_PAUSED && view.counts.ok == 2 && s.steps == 2); /* nothing new begins */
    assert_true(td_job_resume(f.engine, id));
    assert_false(td_job_resume(f.engine, id));
    view = wait_job(f.engine, id, TD_OK);
    assert_int_equal(view.counts.ok, 10);

    struct script t;
    script_init(&t, "ooooooocgg");
    id = script_start(f.engine, &t);
    await_gate(&t, 2);
    assert_true(td_job_cancel(f.engine, id));
    assert_false(td_job_cancel(f.engine, id));
    open_gate(&t);
    view = wait_job(f.engine, id, TD_CANCELLED);
    assert_int_equal(td_exit_status(view.code), 130);
    assert_true(view.state == TD_JOB_CANCELLED && view.counts.ok == 2 && view.counts.skipped == 8 && view.counts.failed == 0);
    assert_non_null(strstr(view.message, "cancelled"));
    ASSERT_OK(td_job_retry_failed(f.engine, id, &err), err); /* goes on where it stopped */
    view = wait_job(f.engine, id, TD_OK);
    assert_true(view.counts.ok == 10 && t.tries[9] == 1 && t.tries[0] == 1);

    struct script u; /* cancelled while it is paused */
    script_init(&u, "oog");
    id = script_start(f.engine, &u);
    await_gate(&u, 1);
    assert_true(td_job_pause(f.engine, id));
    assert_true(td_job_cancel(f.engine, id));
    open_gate(&u);
    wait_job(f.engine, id, TD_CANCELLED);
    engine_end(&f);
}

/* A unit that the network ends because of the cancel is no failure. */
static void test_cancel_in_flight(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    struct script s;
    script_init(&s, "ooCc"); /* the last one goes first, and is fine; the other is under way when the cancel comes */
    int id = script_start(f.engine, &s);
    await_gate(&s, 1);
    assert_true(td_job_cancel(f.engine, id));
    open_gate(&s);
    struct td_job_view view = wait_job(f.engine, id, TD_CANCELLED);
    assert_true(view.counts.ok == 1 && view.counts.skipped == 3 && view.counts.failed == 0);
    struct td_unit_view unit;
    assert_int_equal(td_job_units(f.engine, id, TD_UNIT_SKIPPED, &unit, 1), 1);
    assert_non_null(strstr(unit.why, "cancelled"));
    struct td_err err = {0};
    ASSERT_OK(td_job_retry_failed(f.engine, id, &err), err);
    view = wait_job(f.engine, id, TD_OK);
    assert_true(view.counts.ok == 4 && s.tries[2] == 2 && s.tries[3] == 1);
    struct script t;
    script_init(&t, "cA"); /* stopped by a wrong key while the other is in flight */
    id = script_start(f.engine, &t);
    view = wait_job(f.engine, id, TD_AUTH);
    assert_true(view.counts.failed == 1 && view.counts.skipped == 1);
    assert_non_null(strstr(view.message, "unit 1: the script"));
    engine_end(&f);
}

struct wait_ctx {
    struct td_engine *engine;
    int id;
    enum td_code code;
    struct td_job_view view;
};

static void *wait_main(void *arg)
{
    struct wait_ctx *w = arg;
    w->code = td_job_wait(w->engine, w->id, NULL, NULL, &w->view, NULL);
    return NULL;
}

static void *steer_main(void *arg)
{
    struct wait_ctx *w = arg;
    struct td_job_view views[8];
    for (int i = 0; i < 200; i++) {
        td_job_pause(w->engine, w->id);
        td_job_list(w->engine, views, TD_COUNT(views));
        td_job_resume(w->engine, w->id);
    }
    while (td_job_get(w->engine, w->id, &w->view) && w->view.state < TD_JOB_DONE)
        td_job_resume(w->engine, w->id);
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(3);
    struct script s;
    script_init(&s, "owoewowfowowoewowowowowowowowowowowowowowowowowowowowowowowowg");
    int id = script_start(f.engine, &s);
    await_gate(&s, 1);
    pthread_t threads[8];
    struct wait_ctx contexts[8];
    for (int i = 0; i < 8; i++) {
        contexts[i] = (struct wait_ctx){.engine = f.engine, .id = id};
        assert_int_equal(pthread_create(&threads[i], NULL, i < 5 ? wait_main : steer_main, &contexts[i]), 0);
    }
    open_gate(&s);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(contexts[i].code, TD_UNITS);
        assert_reconciled(&contexts[i].view);
    }
    struct td_err err = {0};
    assert_int_equal(td_job_wait(f.engine, 77, NULL, NULL, &contexts[0].view, &err), TD_USAGE);
    engine_end(&f);
}

static void *retry_main(void *arg)
{
    struct wait_ctx *w = arg;
    for (int i = 0; i < 20; i++)
        if (td_job_retry_failed(w->engine, w->id, NULL) == TD_OK)
            td_job_wait(w->engine, w->id, NULL, NULL, &w->view, NULL);
    return NULL;
}

/* Retries that race: one at a time gets it, and the counts stay whole. */
static void test_retry_race(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct script s;
    script_init(&s, "ofofo");
    s.dataset = "stocks_minute";
    int id = script_start(f.engine, &s);
    wait_job(f.engine, id, TD_UNITS);
    pthread_t threads[4];
    struct wait_ctx contexts[4];
    for (int i = 0; i < 4; i++) {
        contexts[i] = (struct wait_ctx){.engine = f.engine, .id = id};
        assert_int_equal(pthread_create(&threads[i], NULL, retry_main, &contexts[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    struct td_job_view view = wait_job(f.engine, id, TD_UNITS);
    assert_true(view.counts.ok == 3 && view.counts.failed == 2);
    assert_int_equal(s.begun, s.ended);
    struct td_lock *lock = NULL;
    struct td_err err = {0};
    ASSERT_OK(td_lake_lock(f.lake.lake, "stocks_minute", 0, &lock, &err), err); /* released */
    td_lake_unlock(lock);
    engine_end(&f);
}

/* While one retry begins, another is refused and the job is not forgotten. */
static void test_retry_begins(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    static struct script s, fill[JOB_MAX + 2];
    struct td_err err = {0};
    script_init(&s, "f");
    int id = script_start(f.engine, &s);
    wait_job(f.engine, id, TD_DATA);
    pthread_mutex_lock(&s.lock);
    s.hold_begin = true;
    pthread_mutex_unlock(&s.lock);
    struct wait_ctx w = {.engine = f.engine, .id = id};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, retry_main, &w), 0);
    await_gate(&s, 1);
    assert_int_equal(td_job_retry_failed(f.engine, id, &err), TD_USAGE);
    for (size_t i = 0; i < TD_COUNT(fill); i++) { /* more jobs than the engine remembers */
        script_init(&fill[i], "o");
        wait_job(f.engine, script_start(f.engine, &fill[i]), TD_OK);
    }
    assert_true(s.freed == 0 && fill[0].freed == 1);
    open_gate(&s);
    pthread_join(thread, NULL);
    assert_true(s.begun > 1 && s.begun == s.ended);
    engine_end(&f);
}

static void test_locked(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct script one, two;
    struct td_err err = {0};
    script_init(&one, "og");
    script_init(&two, "o");
    one.dataset = two.dataset = "stocks_minute";
    int id = script_start(f.engine, &one), other;
    await_gate(&one, 1);
    assert_int_equal(script_try(f.engine, &two, &other, &err), TD_LOCKED);
    assert_true(two.freed == 1 && two.begun == 0); /* refused at once, and gone */
    open_gate(&one);
    wait_job(f.engine, id, TD_OK);
    two.freed = 0;
    wait_job(f.engine, script_start(f.engine, &two), TD_OK);
    /* a job that cannot begin gives back what it took */
    two.begin_code = TD_MISSING;
    unsigned ended = two.ended;
    assert_int_equal(script_try(f.engine, &two, &other, &err), TD_MISSING);
    assert_int_equal(two.ended, ended + 1);
    two.begin_code = TD_OK;
    wait_job(f.engine, script_start(f.engine, &two), TD_OK);
    engine_end(&f);
}

/* The engine remembers 64 jobs; the oldest ended one makes room; 64 running ones are the limit. */
static void test_memory_of_jobs(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    static struct script scripts[JOB_MAX + 4];
    struct td_err err = {0};
    int id = 0;
    for (size_t i = 0; i < JOB_MAX + 2; i++) {
        script_init(&scripts[i], "o");
        id = script_start(f.engine, &scripts[i]);
        wait_job(f.engine, id, TD_OK);
    }
    assert_true(scripts[0].freed == 1 && scripts[1].freed == 1 && scripts[2].freed == 0);
    struct td_job_view view;
    assert_false(td_job_get(f.engine, 1, &view));
    assert_true(td_job_get(f.engine, id, &view));
    static struct script waiting[JOB_MAX + 1];
    for (size_t i = 0; i < JOB_MAX; i++) {
        script_init(&waiting[i], "g");
        script_start(f.engine, &waiting[i]);
    }
    script_init(&waiting[JOB_MAX], "o");
    waiting[JOB_MAX].dataset = "x";
    assert_int_equal(script_try(f.engine, &waiting[JOB_MAX], &id, &err), TD_LIMIT);
    assert_int_equal(waiting[JOB_MAX].freed, 1);
    struct td_lock *lock = NULL;
    ASSERT_OK(td_lake_lock(f.lake.lake, "x", 0, &lock, &err), err);
    td_lake_unlock(lock);
    for (size_t i = 0; i < JOB_MAX; i++)
        open_gate(&waiting[i]);
    engine_end(&f); /* cancels those that have not begun */
    for (size_t i = 0; i < JOB_MAX; i++)
        assert_int_equal(waiting[i].freed, 1);
}

/* ---- queries ---- */

struct wish {
    struct script *gate;
    int value;
    bool done;
};

static void run_wish(void *arg)
{
    struct wish *w = arg;
    if (w->gate) {
        struct job_result result;
        struct td_job job = {.data = w->gate};
        script_step(&job, 0, &result);
    }
    w->value *= 2;
    w->done = true;
}

static void *take_done(struct td_engine *engine, bool *ran)
{
    void *arg;
    while (!(arg = td_engine_done(engine, ran))) {
        struct pollfd ready = {.fd = td_engine_fd(engine), .events = POLLIN};
        assert_true(poll(&ready, 1, 60000) == 1); /* the descriptor wakes the UI */
        uint64_t n;
        assert_int_equal(read(td_engine_fd(engine), &n, sizeof n), sizeof n);
    }
    return arg;
}

static void test_queries(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    struct script gate;
    script_init(&gate, "g");
    int slot_a, slot_b;
    struct wish slow = {&gate, 1, false}, a1 = {NULL, 10, false}, a2 = {NULL, 20, false}, a3 = {NULL, 30, false},
                b1 = {NULL, 40, false}, free1 = {NULL, 50, false}, free2 = {NULL, 60, false};
    struct td_err err = {0};
    bool ran;
    ASSERT_OK(td_engine_query(f.engine, &slot_a, run_wish, &slow, &err), err);
    await_gate(&gate, 1); /* it runs: newer wishes of its slot do not replace it */
    ASSERT_OK(td_engine_query(f.engine, &slot_a, run_wish, &a1, &err), err);
    ASSERT_OK(td_engine_query(f.engine, &slot_b, run_wish, &b1, &err), err);
    ASSERT_OK(td_engine_query(f.engine, NULL, run_wish, &free1, &err), err);
    ASSERT_OK(td_engine_query(f.engine, &slot_a, run_wish, &a2, &err), err);
    ASSERT_OK(td_engine_query(f.engine, NULL, run_wish, &free2, &err), err);
    ASSERT_OK(td_engine_query(f.engine, &slot_a, run_wish, &a3, &err), err);
    assert_ptr_equal(take_done(f.engine, &ran), &a1); /* handed back at once, not run */
    assert_true(!ran && !a1.done);
    assert_ptr_equal(take_done(f.engine, &ran), &a2);
    assert_true(!ran && !a2.done);
    assert_null(td_engine_done(f.engine, &ran));
    open_gate(&gate);
    struct wish *const order[] = {&slow, &b1, &free1, &free2, &a3};
    for (size_t i = 0; i < TD_COUNT(order); i++) {
        assert_ptr_equal(take_done(f.engine, &ran), order[i]);
        assert_true(ran && order[i]->done);
    }
    assert_true(a3.value == 60 && slow.value == 2);
    assert_null(td_engine_done(f.engine, &ran));
    for (long n = 1; n <= 2; n++) { /* no memory: refused whole, and what waited under the slot still runs */
        struct wish late = {NULL, 1, false};
        td_alloc_fail_after(n);
        enum td_code code = td_engine_query(f.engine, &slot_a, run_wish, &late, &err);
        td_alloc_fail_after(0);
        assert_int_equal(code, TD_NOMEM);
        assert_false(late.done);
    }
    engine_end(&f);
}

/* ---- no memory ---- */

/* Wherever memory ends, a job that was started ends, with its lock released and its counts whole. */
static void test_no_memory(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    bool ended_ok = false;
    for (long n = 1; n < 400 && !ended_ok; n++) {
        static struct script scripts[400]; /* they live as long as the engine remembers the jobs */
        struct script *s = &scripts[n];
        struct td_err err = {0};
        struct td_job_view view;
        int id = 0;
        script_init(s, "owswo");
        s->dataset = "stocks_minute";
        td_alloc_fail_after(n);
        enum td_code code = script_try(f.engine, s, &id, &err);
        if (code == TD_OK) {
            code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
            td_alloc_fail_after(0);
            assert_reconciled(&view);
            if (code == TD_NOMEM)
                assert_true(view.state == TD_JOB_FAILED && view.message[0]);
            assert_true(code == TD_NOMEM || code == TD_OK);
            ended_ok = code == TD_OK && view.counts.ok == 5 && n > 40;
            if (code == TD_NOMEM) { /* and can be taken up again once there is memory */
                ASSERT_OK(td_job_retry_failed(f.engine, id, &err), err);
                view = wait_job(f.engine, id, TD_OK);
                assert_int_equal(view.counts.ok, 5);
            }
        } else {
            td_alloc_fail_after(0);
            if (code != TD_NOMEM)
                fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        }
        struct td_lock *lock = NULL;
        ASSERT_OK(td_lake_lock(f.lake.lake, "stocks_minute", 0, &lock, &err), err);
        td_lake_unlock(lock);
    }
    assert_true(ended_ok);
    engine_end(&f);
}

static enum td_code sweep_engine(void *ctx, struct td_err *err)
{
    struct fixture *lake = ctx;
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 2};
    enum td_code code = td_engine_new(lake->lake, &options, &engine, err);
    if (code == TD_OK)
        td_engine_free(engine);
    return code;
}

static void test_engine_no_memory(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    assert_true(sweep_allocations(sweep_engine, &lake, "an engine") > 3);
    fixture_free(&lake);
}

static void test_disk_floor(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 1, .disk_free = UINT64_MAX};
    struct td_err err = {0};
    struct script s;
    ASSERT_OK(td_engine_new(lake.lake, &options, &engine, &err), err);
    script_init(&s, "ooo");
    struct td_job_view view = wait_job(engine, script_start(engine, &s), TD_FULL);
    assert_true(view.counts.skipped == 3 && s.steps == 0);
    assert_non_null(strstr(view.message, "limits.disk_free"));
    td_engine_free(engine);
    fixture_free(&lake);
}

int main(void)
{
    alarm(300); /* an engine that is broken may wait for ever */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),       cmocka_unit_test(test_rows),           cmocka_unit_test(test_steering),
        cmocka_unit_test(test_cancel_in_flight), cmocka_unit_test(test_many_threads), cmocka_unit_test(test_retry_race),
        cmocka_unit_test(test_retry_begins), cmocka_unit_test(test_locked),       cmocka_unit_test(test_memory_of_jobs), cmocka_unit_test(test_queries),
        cmocka_unit_test(test_no_memory),    cmocka_unit_test(test_engine_no_memory), cmocka_unit_test(test_disk_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
