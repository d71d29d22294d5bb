/* SPDX-License-Identifier: GPL-3.0-or-later
 * The bounded queue and the worker pool: nothing lost, nothing doubled, memory bounded, clean ends. Also run under TSan. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include "check.h"

/* ---- queue ---- */

static struct td_queue *new_queue(size_t max_bytes)
{
    struct td_err err = {0};
    struct td_queue *queue = NULL;
    ASSERT_OK(td_queue_new(max_bytes, &queue, &err), err);
    return queue;
}

static void test_queue_bounds(void **state)
{
    (void)state;
    struct td_queue *queue = new_queue(100);
    int items[40];
    assert_null(td_queue_try_pop(queue));
    assert_true(td_queue_try_push(queue, &items[0], 60));
    assert_false(td_queue_try_push(queue, &items[1], 41));
    assert_true(td_queue_try_push(queue, &items[1], 40));
    assert_false(td_queue_try_push(queue, &items[2], 1));
    assert_true(td_queue_try_push(queue, &items[2], 0));
    assert_ptr_equal(td_queue_pop(queue), &items[0]); /* first in, first out */
    assert_ptr_equal(td_queue_pop(queue), &items[1]);
    assert_ptr_equal(td_queue_pop(queue), &items[2]);
    assert_true(td_queue_try_push(queue, &items[3], SIZE_MAX)); /* one oversized item goes in alone */
    assert_false(td_queue_try_push(queue, &items[4], 1));
    while (td_queue_try_pop(queue))
        ;
    /* order and counts hold while the ring grows and wraps */
    size_t in = 0, out = 0;
    for (int round = 0; round < 200; round++) {
        while (in - out < (size_t)(round % 37) && td_queue_try_push(queue, &items[in % 40], 1))
            in++;
        while (out < in && (in - out > 5 || round % 3 == 0))
            assert_ptr_equal(td_queue_pop(queue), &items[out++ % 40]);
    }
    while (out < in)
        assert_ptr_equal(td_queue_pop(queue), &items[out++ % 40]);
    td_queue_close(queue);
    assert_false(td_queue_push(queue, &items[0], 1));
    assert_false(td_queue_try_push(queue, &items[0], 1));
    assert_null(td_queue_pop(queue));
    td_queue_free(queue);
    td_queue_free(NULL);
}

static void test_queue_close_keeps_items(void **state)
{
    (void)state;
    int a, b;
    struct td_queue *queue = new_queue(10);
    assert_true(td_queue_push(queue, &a, 1) && td_queue_push(queue, &b, 1));
    td_queue_close(queue);
    assert_ptr_equal(td_queue_pop(queue), &a);
    assert_ptr_equal(td_queue_pop(queue), &b);
    assert_null(td_queue_pop(queue));
    td_queue_free(queue);
}

#define PRODUCERS 3
#define CONSUMERS 3
#define ITEMS 20000
#define ITEM_BYTES 16
#define QUEUE_BYTES 160

struct traffic {
    struct td_queue *queue;
    atomic_long in_flight, most;      /* items pushed or being pushed and not yet seen by a consumer */
    atomic_uchar seen[PRODUCERS * ITEMS];
    atomic_int producer;
};

static void *produce(void *arg)
{
    struct traffic *traffic = arg;
    int me = atomic_fetch_add(&traffic->producer, 1);
    for (int i = 0; i < ITEMS; i++) {
        atomic_uchar *item = &traffic->seen[me * ITEMS + i];
        long now = atomic_fetch_add(&traffic->in_flight, 1) + 1, most = atomic_load(&traffic->most);
        while (now > most && !atomic_compare_exchange_weak(&traffic->most, &most, now))
            ;
        if (!td_queue_push(traffic->queue, item, ITEM_BYTES))
            return traffic; /* refused though open */
    }
    return NULL;
}

static void *consume(void *arg)
{
    struct traffic *traffic = arg;
    for (atomic_uchar *item; (item = td_queue_pop(traffic->queue)) != NULL;) {
        atomic_fetch_sub(&traffic->in_flight, 1);
        atomic_fetch_add(item, 1);
    }
    return NULL;
}

static void test_queue_threads(void **state)
{
    (void)state;
    static struct traffic traffic;
    pthread_t producers[PRODUCERS], consumers[CONSUMERS];
    void *refused;
    traffic.queue = new_queue(QUEUE_BYTES);
    for (int i = 0; i < CONSUMERS; i++)
        assert_int_equal(pthread_create(&consumers[i], NULL, consume, &traffic), 0);
    for (int i = 0; i < PRODUCERS; i++)
        assert_int_equal(pthread_create(&producers[i], NULL, produce, &traffic), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_join(producers[i], &refused), 0);
        assert_null(refused);
    }
    td_queue_close(traffic.queue);
    for (int i = 0; i < CONSUMERS; i++)
        pthread_join(consumers[i], NULL);
    for (size_t i = 0; i < TD_COUNT(traffic.seen); i++)
        assert_int_equal(traffic.seen[i], 1); /* every item once */
    /* what the queue holds is bounded; a producer may wait with one, and a consumer hold one that it has not counted off yet */
    assert_true(traffic.most > 0 && traffic.most <= QUEUE_BYTES / ITEM_BYTES + PRODUCERS + CONSUMERS);
    td_queue_free(traffic.queue);
}

static void *push_until_closed(void *arg)
{
    static int item;
    return td_queue_push(arg, &item, 10) ? arg : NULL;
}

static void *pop_until_closed(void *arg)
{
    return td_queue_pop(arg);
}

/* Closing frees whoever waits, producers for room and consumers for data. */
static void test_queue_close_wakes(void **state)
{
    (void)state;
    int item;
    for (int round = 0; round < 50; round++) {
        pthread_t waiting[4];
        void *result;
        struct td_queue *queue = new_queue(10);
        bool full = round & 1;
        if (full)
            assert_true(td_queue_push(queue, &item, 10));
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&waiting[i], NULL, full ? push_until_closed : pop_until_closed, queue), 0);
        td_queue_close(queue);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(pthread_join(waiting[i], &result), 0);
            assert_null(result);
        }
        assert_ptr_equal(td_queue_pop(queue), full ? &item : NULL);
        td_queue_free(queue);
    }
}

static void test_queue_failing_memory(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_queue *queue = NULL;
    int items[20];
    td_alloc_fail_after(1);
    assert_int_equal(td_queue_new(10, &queue, &err), TD_NOMEM);
    td_alloc_fail_after(0);
    queue = new_queue(1000);
    for (int i = 0; i < 16; i++)
        assert_true(td_queue_try_push(queue, &items[i], 1));
    td_alloc_fail_after(1);
    assert_false(td_queue_try_push(queue, &items[16], 1)); /* the caller keeps it */
    td_alloc_fail_after(0);
    assert_true(td_queue_try_push(queue, &items[16], 1));
    for (int i = 0; i < 17; i++)
        assert_ptr_equal(td_queue_pop(queue), &items[i]);
    td_queue_free(queue);
}

/* ---- pool ---- */

static struct td_pool *new_pool(unsigned threads)
{
    struct td_err err = {0};
    struct td_pool *pool = NULL;
    ASSERT_OK(td_pool_new(threads, &pool, &err), err);
    return pool;
}

struct work {
    struct td_pool *pool;
    atomic_int *done;
    atomic_uint *workers_seen; /* one bit each */
    int depth;                 /* submits two of depth - 1 */
};

static void run_work(void *arg, unsigned worker)
{
    struct work *work = arg;
    atomic_fetch_or(work->workers_seen, 1u << worker);
    for (int i = 0; i < 2 && work->depth > 0; i++) {
        struct work *child = td_malloc(sizeof *child);
        *child = *work;
        child->depth--;
        if (td_pool_submit(work->pool, run_work, child, NULL) != TD_OK)
            td_free(child);
    }
    atomic_fetch_add(work->done, 1);
    td_free(work);
}

static void test_pool_runs_everything(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        atomic_int done = 0;
        atomic_uint seen = 0;
        struct td_pool *pool = new_pool(threads);
        td_pool_wait(pool); /* nothing to wait for */
        for (int round = 1; round <= 3; round++) {
            for (int i = 0; i < 50; i++) {
                struct work *work = td_malloc(sizeof *work);
                *work = (struct work){pool, &done, &seen, 4}; /* 31 functions: work submits work */
                assert_int_equal(td_pool_submit(pool, run_work, work, NULL), TD_OK);
            }
            td_pool_wait(pool);
            assert_int_equal(done, round * 50 * 31);
        }
        assert_true(seen != 0 && seen < 1u << threads);
        td_pool_free(pool);
    }
}

struct order {
    int *next;
    int mine;
    bool right;
};

static void in_order(void *arg, unsigned worker)
{
    struct order *order = arg;
    (void)worker;
    order->right = (*order->next)++ == order->mine;
}

static void test_pool_order_and_free(void **state)
{
    (void)state;
    struct order orders[500];
    int next = 0;
    struct td_pool *pool = new_pool(1);
    for (int i = 0; i < 500; i++) {
        orders[i] = (struct order){&next, i, false};
        assert_int_equal(td_pool_submit(pool, in_order, &orders[i], NULL), TD_OK);
    }
    td_pool_free(pool); /* finishes what was submitted */
    for (int i = 0; i < 500; i++)
        assert_true(orders[i].right);
    td_pool_free(NULL);
}

/* Workers run at the same time: each of three waits for the other two. */
static void meet(void *arg, unsigned worker)
{
    (void)worker;
    pthread_barrier_wait(arg);
}

static void test_pool_is_parallel(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    struct td_pool *pool = new_pool(3);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 3), 0);
    for (int i = 0; i < 30; i++)
        assert_int_equal(td_pool_submit(pool, meet, &barrier, NULL), TD_OK);
    td_pool_wait(pool);
    td_pool_free(pool);
    pthread_barrier_destroy(&barrier);
}

static void look_at_signals(void *arg, unsigned worker)
{
    sigset_t blocked;
    (void)worker;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    *(bool *)arg = sigismember(&blocked, SIGINT) && sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGWINCH);
}

static void test_pool_blocks_signals(void **state)
{
    (void)state;
    bool blocked = false;
    sigset_t mine;
    struct td_pool *pool = new_pool(1);
    assert_int_equal(td_pool_submit(pool, look_at_signals, &blocked, NULL), TD_OK);
    td_pool_free(pool);
    assert_true(blocked);
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM)); /* the caller's own mask is back */
}

static void test_pool_failing_memory(void **state)
{
    (void)state;
    struct td_err err = {0};
    struct td_pool *pool = NULL;
    td_alloc_fail_after(1);
    assert_int_equal(td_pool_new(2, &pool, &err), TD_NOMEM);
    td_alloc_fail_after(0);
    pool = new_pool(0); /* at least one */
    bool ran = false;
    td_alloc_fail_after(1);
    assert_int_equal(td_pool_submit(pool, look_at_signals, &ran, &err), TD_NOMEM);
    td_alloc_fail_after(0);
    td_pool_wait(pool);
    assert_false(ran);
    td_pool_free(pool);
    assert_true(td_cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_bounds),         cmocka_unit_test(test_queue_close_keeps_items),
        cmocka_unit_test(test_queue_threads),        cmocka_unit_test(test_queue_close_wakes),
        cmocka_unit_test(test_queue_failing_memory), cmocka_unit_test(test_pool_runs_everything),
        cmocka_unit_test(test_pool_order_and_free),  cmocka_unit_test(test_pool_is_parallel),
        cmocka_unit_test(test_pool_blocks_signals),  cmocka_unit_test(test_pool_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
