/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reusable memory of one reader, held under its budget. */
#ifndef TAPEDECK_PQ_POOL_H
#define TAPEDECK_PQ_POOL_H

#include <tapedeck/base.h>

struct pq_blob {
    struct pq_blob *next;
    size_t cap;
    _Alignas(16) uint8_t data[];
};

struct pq_pool {
    struct pq_blob *spare;   /* ready for use */
    struct pq_blob *retired; /* a caller may still hold pointers into these until its next call */
    size_t used, limit;      /* bytes, all blobs counted wherever they are */
    enum td_code code;       /* why the last pq_pool_get failed: TD_NOMEM or TD_LIMIT */
};

/* At least `size` bytes, not cleared; NULL and pool->code on failure. */
struct pq_blob *pq_pool_get(struct pq_pool *pool, size_t size);
void pq_pool_put(struct pq_pool *pool, struct pq_blob *blob);    /* free for use at once; NULL is nothing */
void pq_pool_retire(struct pq_pool *pool, struct pq_blob *blob); /* free for use after the next pq_pool_recycle */
void pq_pool_recycle(struct pq_pool *pool);
void pq_pool_drop(struct pq_pool *pool); /* frees spare and retired blobs */

#endif
