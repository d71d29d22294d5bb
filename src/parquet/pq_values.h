/* SPDX-License-Identifier: GPL-3.0-or-later
 * The non-null values of one data page, whatever their encoding, as slots of the caller's array. */
#ifndef TAPEDECK_PQ_VALUES_H
#define TAPEDECK_PQ_VALUES_H

#include <tapedeck/parquet.h>
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_pool.h"

struct pq_dict { /* of the current chunk: entries as slots */
    const void *slots;
    uint32_t count;
    uint64_t room; /* slots that may be read: the entries, then zero bytes up to a power of two */
    bool loaded;
    struct pq_blob *slot_blob, *text_blob;
};

enum pq_form {
    PQ_FORM_NONE,
    PQ_FORM_FIXED,  /* PLAIN numbers */
    PQ_FORM_BITS,   /* PLAIN booleans */
    PQ_FORM_TEXTS,  /* PLAIN byte arrays */
    PQ_FORM_CHUNKS, /* PLAIN fixed-length byte arrays, INT96 */
    PQ_FORM_DICT,
    PQ_FORM_RLE_BOOL,
    PQ_FORM_DELTA,
    PQ_FORM_DELTA_TEXT, /* DELTA_LENGTH_BYTE_ARRAY */
    PQ_FORM_PREFIXED,   /* DELTA_BYTE_ARRAY */
    PQ_FORM_SPLIT       /* BYTE_STREAM_SPLIT */
};

struct pq_values {
    enum pq_form form;
    enum td_pq_type type;
    size_t length; /* stored bytes of a fixed-width value */
    size_t slot;   /* bytes of a slot */
    const uint8_t *p, *end;
    uint64_t at, stored; /* BITS and SPLIT: next value, values in the page */
    bool opened;         /* DICT and RLE_BOOL: the width byte or prefix has been read */
    struct pq_hybrid hybrid;
    struct pq_delta delta, suffixes;
    const struct pq_dict *dict;
    struct pq_pool *pool;
    struct td_str last; /* PREFIXED: the previous value, in last_blob */
    struct pq_blob *last_blob;
    enum td_code code; /* of the last failure */
};

/* Set up for a page's data section. Functions return NULL or a static text; values->code says which kind of error. */
const char *pq_values_init(struct pq_values *v, const struct td_pq_column *column, int encoding, const uint8_t *data,
                           size_t len, const struct pq_dict *dict, struct pq_pool *pool);
const char *pq_values_read(struct pq_values *v, void *out, size_t count);
const char *pq_values_skip(struct pq_values *v, size_t count);
void pq_values_close(struct pq_values *v); /* retires what it holds */

/* Decode a PLAIN dictionary page of `count` entries. Entries may point into `data`. */
const char *pq_dict_load(struct pq_dict *dict, const struct td_pq_column *column, const uint8_t *data, size_t len,
                         int32_t count, struct pq_pool *pool, enum td_code *code);
/* The same without a copy, where the stored bytes of numbers are slots already: how large the blob of the page must be, 0 when
 * this is not for the column or the page holds fewer entries than it says; then the filled blob becomes the dictionary's. */
size_t pq_dict_room(const struct td_pq_column *column, size_t len, int32_t count);
void pq_dict_adopt(struct pq_dict *dict, const struct td_pq_column *column, struct pq_blob *blob, int32_t count);
void pq_dict_close(struct pq_dict *dict, struct pq_pool *pool);

size_t pq_stored_width(const struct td_pq_column *column); /* bytes of one PLAIN value, 0 for BOOLEAN and BYTE_ARRAY */

#endif
