/* SPDX-License-Identifier: GPL-3.0-or-later
 * Checking the seal of a file. It covers the footer up to its key-values (schema, row groups with their statistics and
 * offsets) and the bytes of the page index, so that no part of either can be exchanged without being noticed. It is no
 * signature: who wants to forge it can. It tells statistics of a writer that is known to be right from all others. */
#include <stdatomic.h>
#include <string.h>
#include "pq_file.h"
#include "pq_seal.h"

#define PQ_MAX_INDEX (UINT64_C(64) << 20) /* bytes of page index that are hashed; a larger one is not believed */

void pq_seal_text(uint64_t hash, char out[PQ_SEAL_TEXT])
{
    for (int i = 15; i >= 0; i--, hash >>= 4)
        out[i] = "0123456789abcdef"[hash & 15];
    out[16] = 0;
}

/* Where the page index begins: it reaches from there to the footer. */
static uint64_t index_start(const struct td_pq_file *file)
{
    uint64_t start = file->footer_at;
    for (size_t g = 0; g < file->meta.group_count; g++)
        for (size_t i = 0; i < file->meta.groups[g].count; i++) {
            const struct pq_chunk *c = &file->meta.groups[g].chunks[i];
            const int64_t at[] = {c->column_index_offset, c->offset_index_offset};
            for (int k = 0; k < 2; k++)
                if (at[k] > 0 && (uint64_t)at[k] < start)
                    start = (uint64_t)at[k];
        }
    return start;
}

static enum td_code hash_range(const struct td_pq_file *file, uint64_t at, uint64_t len, uint64_t *hash,
                               struct td_err *err)
{
    const uint8_t *bytes = pq_file_held(file, at, len);
    uint8_t *copy = NULL;
    enum td_code code = TD_OK;
    if (!bytes) {
        copy = td_malloc((size_t)len + 1);
        if (!copy)
            return td_fail(err, TD_NOMEM, "%s: out of memory for its page index", file->name);
        code = pq_file_read(file, at, (size_t)len, copy, err);
        bytes = copy;
    }
    if (code == TD_OK)
        *hash = td_hash64(bytes, (size_t)len, *hash);
    td_free(copy);
    return code;
}

enum td_code td_pq_seal(const struct td_pq_file *file, enum td_pq_seal *out, struct td_err *err)
{
    const char *stated = td_pq_meta(file, PQ_SEAL_KEY);
    uint64_t start, hash = 0;
    char text[PQ_SEAL_TEXT];
    enum td_code code;
    *out = (enum td_pq_seal)atomic_load(file->seal);
    if (*out != TD_PQ_SEAL_UNKNOWN)
        return TD_OK;
    *out = stated ? TD_PQ_SEAL_BROKEN : TD_PQ_SEAL_NONE;
    start = index_start(file);
    if (stated && file->meta.sealed && file->footer_at - start <= PQ_MAX_INDEX) {
        code = hash_range(file, start, file->footer_at - start, &hash, err);
        if (code == TD_OK)
            code = hash_range(file, file->footer_at, file->meta.sealed, &hash, err);
        if (code != TD_OK)
            return code;
        pq_seal_text(hash, text);
        if (strcmp(text, stated) == 0)
            *out = TD_PQ_SEAL_GOOD;
    }
    atomic_store(file->seal, (int)*out); /* several threads may have come to the same answer */
    return TD_OK;
}
