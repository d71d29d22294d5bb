/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inside the writer: buffered columns of the open row group, and what the footer will say about finished ones. */
#ifndef TAPEDECK_PQ_WRITE_H
#define TAPEDECK_PQ_WRITE_H

#include <tapedeck/parquet.h>
#include "pq_codec.h"
#include "pq_thrift.h"

/* What the values of a column must keep to so that every reader finds what the schema promises. */
struct pq_check {
    enum { PQ_CHECK_NONE, PQ_CHECK_RANGE, PQ_CHECK_DIGITS, PQ_CHECK_UTF8 } kind;
    int64_t low, high; /* RANGE: numbers, both ends included */
    uint64_t limit[4]; /* DIGITS: 10^precision, least significant word first */
};

struct pq_buffer { /* one column of the open row group */
    struct td_pq_column column;
    struct pq_check check;
    size_t width;   /* bytes of a stored value; 0 for BYTE_ARRAY */
    size_t present; /* values that are not null: all that is stored */
    bool constant;  /* BYTE_ARRAY: all of them are equal, as the ticker of a file is */
    uint8_t *slots; /* all but BYTE_ARRAY: values back to back; a BOOLEAN is a byte */
    size_t slots_cap;
    struct td_buf bytes; /* BYTE_ARRAY: texts back to back */
    size_t *ends;        /* and where each ends */
    size_t ends_cap;
    size_t cut;          /* and the first of the page that is being cut */
    uint64_t *valid; /* optional columns: bit a row */
    size_t valid_cap;
};

struct pq_bounds { /* statistics of a chunk or page */
    bool has_min, has_max, min_exact, max_exact, has_nans;
    struct td_str min, max; /* ptr into the writer's arena; NULL: the value is in room, which moves with the struct */
    int64_t nulls, nans;
    uint8_t room[2][8]; /* numbers */
};

struct pq_span { /* rows [from, from+rows) of the open group and their present values [first, first+present) */
    size_t from, rows, first, present;
};

struct pq_done_page { /* for the page index */
    int64_t offset, first_row;
    int32_t size; /* header included */
    bool all_null;
    struct pq_bounds bounds;
};

struct pq_done_chunk {
    int64_t dictionary_offset, data_offset; /* 0 = none */
    int64_t values, compressed, uncompressed;
    int encoding, page_type; /* of the data pages */
    int32_t data_pages;
    struct pq_bounds bounds;
    struct pq_done_page *pages;         /* NULL when there is one page only: an index would say nothing new */
    int64_t column_index, offset_index; /* places in the file, 0 = not written */
    int32_t column_index_length, offset_index_length;
};

struct pq_done_group {
    int64_t rows, offset, compressed, uncompressed;
    struct pq_done_chunk *chunks;
};

struct pq_dict_build { /* scratch of the dictionary search */
    uint32_t *table;   /* entry + 1, open addressing */
    size_t table_cap;
    uint32_t *codes; /* a value */
    size_t codes_cap;
    uint64_t *first; /* entry -> the bits of a number, or the index of the first such value of a wider type */
    size_t first_cap;
    uint32_t *order; /* scratch of the sort */
    uint64_t *sorted;
    size_t order_cap, sorted_cap;
    size_t count;
    unsigned width; /* bits of an index as written */
};

struct td_pq_writer {
    int fd;
    char *name;
    struct td_pq_write_options options;
    struct pq_buffer *columns;
    size_t count;
    size_t rows;    /* in the open row group */
    int64_t total;  /* in finished ones */
    int64_t offset; /* bytes produced, written or still in out */
    struct td_buf out, body, packed, scratch, header;
    struct pq_encoder encoder;
    struct pq_dict_build dict;
    uint32_t *levels;
    size_t levels_cap;
    size_t *cuts; /* first row of each page of the open group, and its row count at the end */
    size_t cuts_cap, pages;
    struct pq_done_group *groups;
    size_t group_count, group_cap;
    struct td_pq_sort *sorted;
    char **keys, **values;
    size_t pair_count, key_cap, value_cap;
    struct td_arena arena;
    bool failed, finished;
};

/* Is the column one that the format knows? Fills b->check and b->width. */
enum td_code pq_check_column(const char *name, struct pq_buffer *b, struct td_err *err);
/* The first of `count` values from value `first` of the column on that breaks its check, or `count`; *why is then told. */
size_t pq_check_values(const struct pq_buffer *b, size_t first, size_t count, const char **why);
bool pq_is_utf8(struct td_str s);

/* Append rows [from, from+n) of the array. */
enum td_code pq_buffer_append(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array, size_t from,
                              size_t n, struct td_err *err);
void pq_buffer_clear(struct pq_buffer *b);
void pq_buffer_free(struct pq_buffer *b);
static inline bool pq_buffer_has(const struct pq_buffer *b, size_t row)
{
    return !b->column.optional || (b->valid[row / 64] >> (row % 64) & 1);
}
/* The k-th present value as stored bytes (BYTE_ARRAY without its length). */
static inline struct td_str pq_buffer_value(const struct pq_buffer *b, size_t k)
{
    if (b->width)
        return (struct td_str){(const char *)b->slots + k * b->width, b->width};
    size_t start = k ? b->ends[k - 1] : 0;
    return (struct td_str){b->bytes.data ? b->bytes.data + start : "", b->ends[k] - start};
}

/* Encode the column's buffered rows as a chunk at the end of w->out. */
enum td_code pq_chunk_write(struct td_pq_writer *w, struct pq_buffer *b, struct pq_done_chunk *out, struct td_err *err);
/* The encoding of the column's open chunk; with PQ_RLE_DICTIONARY w->dict holds codes and entries. */
int pq_choose(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code);
/* True when the column's chunk gets a dictionary of at most `limit` entries and `bytes` bytes. */
bool pq_dict_try(struct td_pq_writer *w, const struct pq_buffer *b, size_t limit, size_t bytes, enum td_code *code);
/* Append the values of the page to w->body. */
enum td_code pq_put_values(struct td_pq_writer *w, const struct pq_buffer *b, const struct pq_span *p, int encoding);

enum td_code pq_bounds_make(struct pq_bounds *s, const struct pq_buffer *b, const struct pq_span *span,
                            struct td_arena *arena);
/* Widen the bounds of a chunk by those of its next page. */
void pq_bounds_merge(struct pq_bounds *s, const struct pq_bounds *page, const struct td_pq_column *c);
static inline struct td_str pq_bounds_at(const struct pq_bounds *s, bool max)
{
    struct td_str text = max ? s->max : s->min;
    return text.ptr ? text : (struct td_str){(const char *)s->room[max], text.len};
}

/* Append the page index of all groups, column indexes first, to w->out. */
void pq_index_write(struct td_pq_writer *w);
/* Append FileMetaData to w->header. */
void pq_footer_write(struct td_pq_writer *w);

#endif
