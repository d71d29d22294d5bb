/* SPDX-License-Identifier: GPL-3.0-or-later
 * Lists that were written wait here for their batch: a sync of each would cost more than writing them. A unit ends only when
 * its file is durable and in its place. */
#include <string.h>
#include "universe.h"

enum fate { FATE_NONE, FATE_DONE, FATE_FAILED };

struct publish_batch {
    pthread_mutex_t lock;
    size_t units, size;
    struct td_publish **slots; /* by unit; NULL when there is none. Owner: who stages, then who commits */
    uint8_t *fates;            /* lock */
    size_t *waiting, count;    /* lock: staged units, fewer than size + workers */
    enum td_code code;         /* lock: of the first commit that failed */
    struct td_err err;
};

void publish_batch_free(struct publish_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; batch->waiting && i < batch->count; i++)
        td_publish_unstage(batch->slots[batch->waiting[i]]);
    for (size_t i = 0; batch->slots && i < batch->units; i++)
        td_free(batch->slots[i]);
    td_free(batch->slots);
    td_free(batch->fates);
    td_free(batch->waiting);
    pthread_mutex_destroy(&batch->lock);
    td_free(batch);
}

enum td_code publish_batch_new(size_t units, size_t size, struct publish_batch **out, struct td_err *err)
{
    struct publish_batch *batch = td_calloc(1, sizeof *batch);
    *out = NULL;
    if (!batch)
        return td_fail(err, TD_NOMEM, "out of memory: a batch of files");
    pthread_mutex_init(&batch->lock, NULL);
    batch->units = units;
    batch->size = size;
    batch->slots = td_calloc(units, sizeof(struct td_publish *));
    batch->fates = td_calloc(units, 1);
    batch->waiting = td_calloc(units, sizeof *batch->waiting);
    if (!batch->slots || !batch->fates || !batch->waiting) {
        publish_batch_free(batch);
        return td_fail(err, TD_NOMEM, "out of memory: a batch of %zu files", units);
    }
    *out = batch;
    return TD_OK;
}

struct td_publish *publish_batch_slot(struct publish_batch *batch, size_t unit)
{
    if (!batch->slots[unit])
        batch->slots[unit] = td_malloc(sizeof *batch->slots[unit]);
    return batch->slots[unit];
}

static void drop_slot(struct publish_batch *batch, size_t unit)
{
    td_free(batch->slots[unit]);
    batch->slots[unit] = NULL;
}

void publish_batch_staged(struct publish_batch *batch, size_t unit, bool staged)
{
    if (!staged) {
        drop_slot(batch, unit);
        return;
    }
    pthread_mutex_lock(&batch->lock);
    batch->waiting[batch->count++] = unit;
    pthread_mutex_unlock(&batch->lock);
}

/* Take up to `room` waiting units when it is time; 0 when it is not. */
static size_t take(struct publish_batch *batch, bool now, size_t *units, size_t room)
{
    pthread_mutex_lock(&batch->lock);
    size_t n = now || batch->count >= batch->size ? batch->count : 0;
    n = n < room ? n : room;
    memcpy(units, batch->waiting, n * sizeof *units);
    memmove(batch->waiting, batch->waiting + n, (batch->count - n) * sizeof *units);
    batch->count -= n;
    pthread_mutex_unlock(&batch->lock);
    return n;
}

bool publish_batch_flush(struct publish_batch *batch, struct td_job *job, size_t self, bool now)
{
    enum { ROOM = 512 }; /* more than are ever in flight */
    size_t units[ROOM], n = take(batch, now, units, ROOM), others = 0;
    struct td_publish *pubs[ROOM];
    struct td_err err = {0};
    bool mine = false;
    for (size_t i = 0; i < n; i++)
        pubs[i] = batch->slots[units[i]];
    enum td_code code = td_publish_commit_all(pubs, n, &err);
    pthread_mutex_lock(&batch->lock);
    if (code != TD_OK && batch->code == TD_OK) {
        batch->code = code;
        batch->err = err;
    }
    for (size_t i = 0; i < n; i++) {
        batch->fates[units[i]] = code == TD_OK ? FATE_DONE : FATE_FAILED;
        drop_slot(batch, units[i]);
        mine |= units[i] == self;
    }
    for (size_t i = 0; i < n; i++)
        if (units[i] != self)
            units[others++] = units[i];
    pthread_mutex_unlock(&batch->lock);
    if (others)
        job_wake_all(job, units, others); /* with the last of them the job may end, and the batch with it */
    return mine;
}

bool publish_batch_fate(struct publish_batch *batch, size_t unit, enum td_code *code, struct td_err *err)
{
    pthread_mutex_lock(&batch->lock);
    enum fate fate = batch->fates[unit];
    *code = fate == FATE_FAILED ? td_fail(err, batch->code, "%s", batch->err.text) : TD_OK;
    pthread_mutex_unlock(&batch->lock);
    return fate != FATE_NONE;
}
