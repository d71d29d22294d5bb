/* SPDX-License-Identifier: GPL-3.0-or-later
 * An opened file: immutable after td_pq_open, so any thread may use it. */
#ifndef TAPEDECK_PQ_FILE_H
#define TAPEDECK_PQ_FILE_H

#include <stdatomic.h>
#include <tapedeck/parquet.h>
#include "pq_meta.h"

struct td_pq_file {
    char *name; /* for messages */
    int fd;     /* -1 when all bytes are held */
    uint64_t size;
    const uint8_t *held; /* the bytes from held_at to the end of the file */
    uint64_t held_at;
    uint8_t *owned; /* held, when it is ours to free */
    struct td_arena arena;
    struct pq_meta meta;
    uint64_t footer_at; /* where the footer starts */
    uint64_t memory;    /* budget of one reader */
    atomic_int *seal;   /* enum td_pq_seal, found out when first asked for */
    bool skip_crc, check_crc; /* pages are checked with check_crc, which td_pq_open sets for our own files */
};

/* The bytes [at, at+len) without reading, or NULL. The range must lie inside the file. */
const uint8_t *pq_file_held(const struct td_pq_file *file, uint64_t at, uint64_t len);
enum td_code pq_file_read(const struct td_pq_file *file, uint64_t at, size_t len, void *dst, struct td_err *err);

#endif
