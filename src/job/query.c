/* SPDX-License-Identifier: GPL-3.0-or-later
 * Queries: work of the deck that must not run on its UI thread. One thread, newest wish of a slot wins. */
#include <string.h>
#include "job_internal.h"
#include "query.h"

struct job_query { /* engine lock while linked */
    struct td_engine *engine;
    struct job_query *next;
    const void *slot;
    void (*fn)(void *arg);
    void *arg;
    bool started, ran;
};

/* Engine lock held. */
static void append(struct job_query **list, struct job_query *query)
{
    query->next = NULL;
    while (*list)
        list = &(*list)->next;
    *list = query;
}

static void unlink_query(struct job_query **list, struct job_query *query)
{
    while (*list && *list != query)
        list = &(*list)->next;
    if (*list)
        *list = query->next;
}

static void run_query(void *arg, unsigned worker)
{
    struct td_engine *engine = arg;
    (void)worker;
    pthread_mutex_lock(&engine->lock);
    struct job_query *query = engine->queued;
    while (query && query->started)
        query = query->next;
    if (query)
        query->started = true;
    pthread_mutex_unlock(&engine->lock);
    if (!query)
        return; /* it was replaced by a newer wish, which has a task of its own */
    query->fn(query->arg);
    pthread_mutex_lock(&engine->lock);
    query->ran = true;
    unlink_query(&engine->queued, query);
    append(&engine->done, query);
    job_signal_ui(engine);
    pthread_mutex_unlock(&engine->lock);
}

enum td_code td_engine_query(struct td_engine *engine, const void *slot, void (*fn)(void *arg), void *arg, struct td_err *err)
{
    struct job_query *query = td_calloc(1, sizeof *query);
    if (!query)
        return td_fail(err, TD_NOMEM, "out of memory: a query");
    *query = (struct job_query){.engine = engine, .slot = slot, .fn = fn, .arg = arg};
    pthread_mutex_lock(&engine->lock); /* held while it is handed in: the task finds it in the list, or nobody knew of it */
    enum td_code code = td_pool_submit(engine->query_pool, run_query, engine, err);
    for (struct job_query *old = engine->queued, *next; code == TD_OK && slot && old; old = next) {
        next = old->next;
        if (old->slot != slot || old->started)
            continue;
        unlink_query(&engine->queued, old);
        append(&engine->done, old);
        job_signal_ui(engine);
    }
    if (code == TD_OK)
        append(&engine->queued, query);
    pthread_mutex_unlock(&engine->lock);
    if (code != TD_OK)
        td_free(query);
    return code;
}

void *td_engine_done(struct td_engine *engine, bool *ran)
{
    pthread_mutex_lock(&engine->lock);
    struct job_query *query = engine->done;
    if (query)
        engine->done = query->next;
    pthread_mutex_unlock(&engine->lock);
    if (!query)
        return NULL;
    void *arg = query->arg;
    *ran = query->ran;
    td_free(query);
    return arg;
}

void query_drop_all(struct td_engine *engine)
{
    struct job_query **lists[] = {&engine->queued, &engine->done};
    for (size_t i = 0; i < TD_COUNT(lists); i++)
        while (*lists[i]) {
            struct job_query *query = *lists[i];
            *lists[i] = query->next;
            td_free(query);
        }
}
