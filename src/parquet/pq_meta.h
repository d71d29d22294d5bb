/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a footer and a page header say, after validation: later code may trust every number in here. */
#ifndef TAPEDECK_PQ_META_H
#define TAPEDECK_PQ_META_H

#include <tapedeck/parquet.h>
#include "pq_thrift.h"

enum pq_encoding {
    PQ_PLAIN = 0,
    PQ_PLAIN_DICTIONARY = 2,
    PQ_RLE = 3,
    PQ_BIT_PACKED = 4,
    PQ_DELTA_BINARY_PACKED = 5,
    PQ_DELTA_LENGTH_BYTE_ARRAY = 6,
    PQ_DELTA_BYTE_ARRAY = 7,
    PQ_RLE_DICTIONARY = 8,
    PQ_BYTE_STREAM_SPLIT = 9
};

enum pq_page_type { PQ_PAGE_DATA = 0, PQ_PAGE_INDEX = 1, PQ_PAGE_DICTIONARY = 2, PQ_PAGE_DATA_V2 = 3 };

struct pq_stats { /* of a chunk; texts point into the file's arena */
    bool has_min, has_max, has_old_min, has_old_max;
    bool min_exact, max_exact; /* the bound is a value of the data, says the file */
    struct td_str min, max, old_min, old_max;
    int64_t nulls; /* -1 = not stated; a hint at best */
    int64_t nans;  /* as nulls */
};

struct pq_chunk {
    int32_t codec, type;
    int64_t values, compressed, uncompressed;
    int64_t start; /* offset of the first page, the dictionary included */
    int64_t dictionary_offset, data_offset;
    int64_t column_index_offset, offset_index_offset;
    int32_t column_index_length, offset_index_length;
    uint32_t encodings;
    struct pq_stats stats;
    uint32_t slack;      /* bytes behind the stated end that may still belong to it: some old writers counted short */
    const char *refused; /* why it cannot be read although the footer is sound, else NULL */
};

struct pq_group {
    int64_t rows, first_row;
    struct pq_chunk *chunks; /* one a leaf */
    size_t count;
};

struct pq_leaf {
    struct td_pq_column column;
    bool typed_order; /* column_orders vouches for min_value and max_value */
};

struct pq_pair {
    const char *key, *value;
};

struct pq_meta {
    int64_t rows;
    struct pq_leaf *leaves;
    size_t leaf_count;
    struct pq_group *groups;
    size_t group_count;
    struct pq_pair *pairs;
    size_t pair_count;
    const char *created_by;
    size_t sealed; /* bytes of the footer that a seal covers: those before the key-values; 0 = it cannot hold */
};

struct pq_schema_element { /* as stored; pq_schema.c makes leaves of them */
    int32_t type, length, repetition, children, converted, scale, precision;
    bool has_type;
    struct td_str name;
    int logical; /* field id of the union, 0 = absent */
    int32_t logical_scale, logical_precision, logical_bits;
    bool logical_utc, logical_signed;
    int logical_unit; /* 1 ms, 2 us, 3 ns, 0 = none */
};

/* Parse the footer bytes into *meta, everything allocated from the arena. `data_end` is the offset where the footer
 * starts: no chunk may reach past it. On failure *why is static text. TD_DATA, TD_UNSUPPORTED or TD_NOMEM. */
enum td_code pq_meta_parse(struct pq_meta *meta, const void *footer, size_t len, int64_t data_end,
                           struct td_arena *arena, const char **why, size_t *where);
/* Leaves from schema elements in depth-first order; same error rules. */
enum td_code pq_schema_leaves(const struct pq_schema_element *elements, size_t count, struct pq_meta *meta,
                              struct td_arena *arena, const char **why);
/* A Statistics struct; texts point into the bytes of `in`, which keeps the fault if there is one. */
void pq_stats_parse(struct pq_in *in, const struct pq_field *field, struct pq_stats *s);
/* The usable bounds of a chunk by the column's own order; false when the file gives none that can be trusted. */
bool pq_stats_bounds(const struct pq_leaf *leaf, const struct pq_stats *stats, struct td_str *min, struct td_str *max);

/* -1, 0 or 1 as bounds of the column compare, 2 when they cannot (a NaN); lengths must fit the type. */
int pq_stats_order(const struct td_pq_column *c, struct td_str a, struct td_str b);

struct pq_page_header {
    int32_t type, uncompressed, compressed;
    bool has_crc;
    uint32_t crc;
    int32_t values, encoding, level_encoding;
    int32_t nulls, rows, def_length, rep_length; /* v2 */
    bool is_compressed;                          /* v2 */
};
/* Parse a page header at the start of `in`; false with in->bad set on a fault. Sizes and counts come out non-negative.
 */
bool pq_page_header_parse(struct pq_in *in, struct pq_page_header *page);
const char *pq_encoding_name(int encoding);
const char *pq_codec_name(int codec);

#endif
