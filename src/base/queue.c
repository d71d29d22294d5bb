/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bounded queue of owned pointers between threads. */
#include <pthread.h>
#include <tapedeck/base.h>

struct entry {
    void *item;
    size_t bytes;
};

struct td_queue { /* every field: under `lock`, any thread */
    pthread_mutex_t lock;
    pthread_cond_t room, data;
    struct entry *ring;
    size_t cap, head, count, bytes, max_bytes;
    bool closed;
};

enum td_code td_queue_new(size_t max_bytes, struct td_queue **out, struct td_err *err)
{
    struct td_queue *queue = td_calloc(1, sizeof *queue);
    if (!queue)
        return td_fail(err, TD_NOMEM, "out of memory: a queue");
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->room, NULL);
    pthread_cond_init(&queue->data, NULL);
    queue->max_bytes = max_bytes;
    *out = queue;
    return TD_OK;
}

void td_queue_free(struct td_queue *queue)
{
    if (!queue)
        return;
    pthread_mutex_destroy(&queue->lock);
    pthread_cond_destroy(&queue->room);
    pthread_cond_destroy(&queue->data);
    td_free(queue->ring);
    td_free(queue);
}

/* Called with the lock held. */
static bool ring_reserve(struct td_queue *queue)
{
    if (queue->count < queue->cap)
        return true;
    size_t cap = queue->cap ? queue->cap * 2 : 16;
    struct entry *ring = td_calloc(cap, sizeof *ring);
    if (!ring)
        return false;
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = queue->ring[(queue->head + i) % queue->cap];
    td_free(queue->ring);
    queue->ring = ring;
    queue->cap = cap;
    queue->head = 0;
    return true;
}

static bool fits(const struct td_queue *queue, size_t bytes)
{
    return queue->count == 0 || (bytes <= queue->max_bytes && queue->bytes <= queue->max_bytes - bytes);
}

static bool push(struct td_queue *queue, void *item, size_t bytes, bool wait)
{
    pthread_mutex_lock(&queue->lock);
    while (wait && !queue->closed && !fits(queue, bytes))
        pthread_cond_wait(&queue->room, &queue->lock);
    bool done = !queue->closed && fits(queue, bytes) && ring_reserve(queue);
    if (done) {
        queue->ring[(queue->head + queue->count) % queue->cap] = (struct entry){item, bytes};
        queue->count++;
        queue->bytes += bytes;
        pthread_cond_signal(&queue->data);
    }
    pthread_mutex_unlock(&queue->lock);
    return done;
}

bool td_queue_push(struct td_queue *queue, void *item, size_t bytes)
{
    return push(queue, item, bytes, true);
}

bool td_queue_try_push(struct td_queue *queue, void *item, size_t bytes)
{
    return push(queue, item, bytes, false);
}

static void *pop(struct td_queue *queue, bool wait)
{
    pthread_mutex_lock(&queue->lock);
    while (wait && !queue->closed && queue->count == 0)
        pthread_cond_wait(&queue->data, &queue->lock);
    void *item = NULL;
    if (queue->count) {
        item = queue->ring[queue->head].item;
        queue->bytes -= queue->ring[queue->head].bytes;
        queue->head = (queue->head + 1) % queue->cap;
        queue->count--;
        pthread_cond_broadcast(&queue->room); /* waiters need different amounts of room */
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void *td_queue_pop(struct td_queue *queue)
{
    return pop(queue, true);
}

void *td_queue_try_pop(struct td_queue *queue)
{
    return pop(queue, false);
}

void td_queue_close(struct td_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->room);
    pthread_cond_broadcast(&queue->data);
    pthread_mutex_unlock(&queue->lock);
}
