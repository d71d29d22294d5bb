/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reusable memory of one reader: a short list of spare blobs, best fit, so that a page does not sit in the room of a row
 * group and less memory is touched. */
#include "pq_pool.h"

#define PQ_MAX_SPARE 48 /* more blobs than a wide projection needs at once */

static void destroy(struct pq_pool *pool, struct pq_blob *blob)
{
    pool->used -= blob->cap;
    td_free(blob);
}

/* Take a spare blob out of the list: the smallest that holds `size` bytes, or NULL. *below is then where the largest of the
 * smaller ones hangs. */
static struct pq_blob *best_fit(struct pq_pool *pool, size_t size, struct pq_blob ***below)
{
    struct pq_blob **best = NULL;
    *below = NULL;
    for (struct pq_blob **at = &pool->spare; *at; at = &(*at)->next) {
        const size_t cap = (*at)->cap;
        if (cap >= size && (!best || cap < (*best)->cap)) {
            best = at;
            if (cap - size <= size / 4)
                break; /* near enough */
        } else if (cap < size && (!*below || cap > (**below)->cap)) {
            *below = at;
        }
    }
    if (!best)
        return NULL;
    struct pq_blob *found = *best;
    *best = found->next;
    found->next = NULL;
    return found;
}

struct pq_blob *pq_pool_get(struct pq_pool *pool, size_t size)
{
    struct pq_blob **below, *old;
    struct pq_blob *found = best_fit(pool, size, &below);
    if (found)
        return found;
    /* Nothing fits: the next smaller one has been outgrown, if it is of that class at all. */
    if (below && (*below)->cap >= size / 2) {
        old = *below;
        *below = old->next;
        destroy(pool, old);
    }
    size_t want = size < 4096 ? 4096 : size + size / 8;
    while (pool->spare && pool->used + want > pool->limit) {
        old = pool->spare;
        pool->spare = old->next;
        destroy(pool, old);
    }
    if (size > pool->limit || pool->used > pool->limit - size) {
        pool->code = TD_LIMIT;
        return NULL;
    }
    if (want > pool->limit - pool->used)
        want = size;
    struct pq_blob *blob = want <= SIZE_MAX - sizeof *blob ? td_malloc(sizeof *blob + want) : NULL;
    if (!blob) {
        pool->code = TD_NOMEM;
        return NULL;
    }
    blob->next = NULL;
    blob->cap = want;
    pool->used += want;
    return blob;
}

void pq_pool_put(struct pq_pool *pool, struct pq_blob *blob)
{
    size_t count = 0;
    if (!blob)
        return;
    for (const struct pq_blob *b = pool->spare; b; b = b->next)
        count++;
    if (count >= PQ_MAX_SPARE) {
        destroy(pool, blob);
        return;
    }
    blob->next = pool->spare;
    pool->spare = blob;
}

void pq_pool_retire(struct pq_pool *pool, struct pq_blob *blob)
{
    if (!blob)
        return;
    blob->next = pool->retired;
    pool->retired = blob;
}

void pq_pool_recycle(struct pq_pool *pool)
{
    while (pool->retired) {
        struct pq_blob *blob = pool->retired;
        pool->retired = blob->next;
        pq_pool_put(pool, blob);
    }
}

void pq_pool_drop(struct pq_pool *pool)
{
    pq_pool_recycle(pool);
    while (pool->spare) {
        struct pq_blob *blob = pool->spare;
        pool->spare = blob->next;
        destroy(pool, blob);
    }
}
