/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reusable memory of one reader: a short list of spare blobs, first fit. */
#include "pq_pool.h"

#define PQ_MAX_SPARE 48 /* more blobs than a wide projection needs at once */

static void destroy(struct pq_pool *pool, struct pq_blob *blob)
{
    pool->used -= blob->cap;
    td_free(blob);
}

struct pq_blob *pq_pool_get(struct pq_pool *pool, size_t size)
{
    for (struct pq_blob **at = &pool->spare; *at; at = &(*at)->next)
        if ((*at)->cap >= size) {
            struct pq_blob *found = *at;
            *at = found->next;
            found->next = NULL;
            return found;
        }
    /* Nothing fits: give one of the smaller ones back, so that the list turns towards the sizes in use. */
    struct pq_blob *old = pool->spare;
    if (old) {
        pool->spare = old->next;
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
