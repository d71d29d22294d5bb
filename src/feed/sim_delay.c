/* SPDX-License-Identifier: GPL-3.0-or-later
 * Answers of the simulated vendor that wait: their connections are suspended and one thread wakes each at its time, so
 * that a slow answer holds up no other. */
#include <microhttpd.h>
#include <pthread.h>
#include <time.h>

#include "sim_server.h"

struct waiting {
    struct waiting *next;
    struct MHD_Connection *connection;
    int64_t due; /* ns, monotonic */
};
struct sim_delay {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waiting *first; /* by time; under the lock */
    bool stop;             /* under the lock */
};

static struct waiting *take_due(struct sim_delay *delay)
{
    struct waiting *first = delay->first;
    if (!first || (!delay->stop && first->due > td_mono_ns()))
        return NULL;
    delay->first = first->next;
    return first;
}

static void *run(void *arg)
{
    struct sim_delay *delay = arg;
    pthread_mutex_lock(&delay->lock);
    while (!delay->stop || delay->first) {
        struct waiting *due = take_due(delay);
        if (due) {
            pthread_mutex_unlock(&delay->lock);
            MHD_resume_connection(due->connection);
            td_free(due);
            pthread_mutex_lock(&delay->lock);
        } else if (delay->first) {
            struct timespec until = {.tv_sec = delay->first->due / 1000000000,
                                     .tv_nsec = delay->first->due % 1000000000};
            pthread_cond_timedwait(&delay->changed, &delay->lock, &until);
        } else {
            pthread_cond_wait(&delay->changed, &delay->lock);
        }
    }
    pthread_mutex_unlock(&delay->lock);
    return NULL;
}

enum td_code td_sim_delay_new(struct sim_delay **out, struct td_err *err)
{
    struct sim_delay *delay = td_calloc(1, sizeof *delay);
    *out = NULL;
    if (!delay)
        return td_fail(err, TD_NOMEM, "simulated vendor");
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&delay->lock, NULL);
    pthread_cond_init(&delay->changed, &attr);
    pthread_condattr_destroy(&attr);
    int failed = pthread_create(&delay->thread, NULL, run, delay);
    if (failed) {
        pthread_cond_destroy(&delay->changed);
        pthread_mutex_destroy(&delay->lock);
        td_free(delay);
        return td_fail_errno(err, failed, "simulated vendor: thread for delayed answers");
    }
    *out = delay;
    return TD_OK;
}

bool td_sim_delay_add(struct sim_delay *delay, void *connection, unsigned ms)
{
    struct waiting *item = td_malloc(sizeof *item);
    if (!item)
        return false;
    *item = (struct waiting){.connection = connection, .due = td_mono_ns() + (int64_t)ms * 1000000};
    pthread_mutex_lock(&delay->lock);
    bool open = !delay->stop;
    if (open) {
        struct waiting **at = &delay->first;
        while (*at && (*at)->due <= item->due)
            at = &(*at)->next;
        item->next = *at;
        *at = item;
        MHD_suspend_connection(item->connection); /* under the lock: the other thread cannot resume it before */
        pthread_cond_signal(&delay->changed);
    }
    pthread_mutex_unlock(&delay->lock);
    if (!open)
        td_free(item);
    return open;
}

void td_sim_delay_stop(struct sim_delay *delay)
{
    pthread_mutex_lock(&delay->lock);
    delay->stop = true;
    pthread_cond_signal(&delay->changed);
    pthread_mutex_unlock(&delay->lock);
    pthread_join(delay->thread, NULL);
}

void td_sim_delay_free(struct sim_delay *delay)
{
    if (!delay)
        return;
    pthread_cond_destroy(&delay->changed);
    pthread_mutex_destroy(&delay->lock);
    td_free(delay);
}
