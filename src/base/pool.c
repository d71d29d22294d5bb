/* SPDX-License-Identifier: GPL-3.0-or-later
 * A fixed pool of worker threads. Workers block every signal: the thread that owns the terminal reads them. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <tapedeck/base.h>

struct task {
    td_pool_fn fn;
    void *arg;
    struct task *next;
};

struct worker {
    struct td_pool *pool;
    unsigned index;
    pthread_t thread;
};

struct td_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct task *head, *tail; /* under lock */
    size_t busy;              /* under lock: functions running */
    bool stop;                /* under lock */
    unsigned threads;         /* started; written before they run */
    struct worker workers[];
};

static struct task *take(struct td_pool *pool)
{
    while (!pool->head && !pool->stop)
        pthread_cond_wait(&pool->work, &pool->lock);
    struct task *task = pool->head;
    if (task) {
        pool->head = task->next;
        if (!pool->head)
            pool->tail = NULL;
        pool->busy++;
    }
    return task;
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct td_pool *pool = self->pool;
    pthread_mutex_lock(&pool->lock);
    for (struct task *task; (task = take(pool)) != NULL;) {
        pthread_mutex_unlock(&pool->lock);
        task->fn(task->arg, self->index);
        td_free(task);
        pthread_mutex_lock(&pool->lock);
        pool->busy--;
        if (pool->busy == 0 && !pool->head)
            pthread_cond_broadcast(&pool->idle);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

enum td_code td_pool_new(unsigned threads, struct td_pool **out, struct td_err *err)
{
    if (threads < 1)
        threads = 1;
    if (threads > 256)
        threads = 256;
    struct td_pool *pool = td_calloc(1, sizeof *pool + threads * sizeof pool->workers[0]);
    if (!pool)
        return td_fail(err, TD_NOMEM, "out of memory: a pool of %u threads", threads);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->idle, NULL);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (unsigned i = 0; i < threads && !failed; i++) {
        pool->workers[i] = (struct worker){.pool = pool, .index = i};
        failed = pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]);
        pool->threads += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed && pool->threads == 0) {
        td_pool_free(pool);
        return td_fail_errno(err, failed, "cannot start a worker thread");
    }
    *out = pool; /* fewer threads than asked still do the work */
    return TD_OK;
}

enum td_code td_pool_submit(struct td_pool *pool, td_pool_fn fn, void *arg, struct td_err *err)
{
    struct task *task = td_malloc(sizeof *task);
    if (!task)
        return td_fail(err, TD_NOMEM, "out of memory: a task");
    *task = (struct task){.fn = fn, .arg = arg};
    pthread_mutex_lock(&pool->lock);
    if (pool->tail)
        pool->tail->next = task;
    else
        pool->head = task;
    pool->tail = task;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    return TD_OK;
}

void td_pool_wait(struct td_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->busy || pool->head)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void td_pool_free(struct td_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true; /* take() still hands out what was submitted before */
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->idle);
    td_free(pool);
}

unsigned td_cpu_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 256 ? 256 : (unsigned)n;
}
