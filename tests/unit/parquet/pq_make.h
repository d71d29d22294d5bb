/* SPDX-License-Identifier: GPL-3.0-or-later
 * Random columns and files for the parquet tests: schema, values and validity from a seed. */
#ifndef TAPEDECK_TESTS_PQ_MAKE_H
#define TAPEDECK_TESTS_PQ_MAKE_H

#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <tapedeck/parquet.h>

#define MAKE_COLUMNS 48

struct make { /* a table in memory */
    uint64_t seed;
    bool modest; /* dates and times that every reader has a number for */
    size_t rows, columns;
    struct td_pq_column column[MAKE_COLUMNS];
    struct td_pq_array array[MAKE_COLUMNS];
    char names[MAKE_COLUMNS][24];
    struct td_buf texts[MAKE_COLUMNS]; /* bytes of text columns */
};

static inline uint64_t make_random(struct make *m)
{
    m->seed += UINT64_C(0x9e3779b97f4a7c15);
    return td_mix64(m->seed);
}

static const struct td_pq_column make_kinds[] = {
    {.type = TD_PQ_BOOLEAN},
    {.type = TD_PQ_INT32},
    {.type = TD_PQ_INT64},
    {.type = TD_PQ_FLOAT},
    {.type = TD_PQ_DOUBLE},
    {.type = TD_PQ_BYTE_ARRAY},
    {.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING},
    {.type = TD_PQ_INT32, .logical = TD_PQ_DATE},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_MILLIS, .utc = true},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_MICROS},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_NANOS, .utc = true},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 32},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 8, .is_signed = true},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 16},
    {.type = TD_PQ_INT64, .logical = TD_PQ_INTEGER, .bits = 64},
    {.type = TD_PQ_INT96},
    {.type = TD_PQ_FIXED, .length = 5},
    {.type = TD_PQ_FIXED, .length = 17},
    {.type = TD_PQ_INT32, .logical = TD_PQ_TIME, .unit = TD_PQ_MILLIS},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIME, .unit = TD_PQ_MICROS},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIME, .unit = TD_PQ_NANOS, .utc = true},
    {.type = TD_PQ_INT32, .logical = TD_PQ_DECIMAL, .precision = 7, .scale = 2},
    {.type = TD_PQ_INT64, .logical = TD_PQ_DECIMAL, .precision = 18, .scale = 6},
    {.type = TD_PQ_FIXED, .length = 9, .logical = TD_PQ_DECIMAL, .precision = 20, .scale = 3},
    {.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_DECIMAL, .precision = 38, .scale = 10},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_MICROS, .utc = true},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_MILLIS},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_NANOS},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 8},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 16, .is_signed = true},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 32, .is_signed = true},
    {.type = TD_PQ_INT64, .logical = TD_PQ_INTEGER, .bits = 64, .is_signed = true},
    {.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_ENUM},
    {.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_JSON},
    {.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_BSON},
    {.type = TD_PQ_FIXED, .length = 16, .logical = TD_PQ_UUID},
    {.type = TD_PQ_FIXED, .length = 2, .logical = TD_PQ_FLOAT16},
};

/* What the reader calls a logical type that is written. */
static inline enum td_pq_logical make_read_as(enum td_pq_logical logical)
{
    return logical == TD_PQ_ENUM || logical == TD_PQ_JSON ? TD_PQ_STRING
           : logical > TD_PQ_OTHER                        ? TD_PQ_OTHER
                                                          : logical;
}

/* One 64-bit pattern of the column's style: constant, few distinct, a walk, anything, extremes, few distinct in each page. */
static inline uint64_t make_bits(struct make *m, int style, size_t row)
{
    static const uint64_t extremes[] = {0,
                                        UINT64_MAX,
                                        UINT64_C(0x8000000000000000),
                                        UINT64_C(0x7fffffffffffffff),
                                        UINT64_C(0x7ff8000000000000),
                                        UINT64_C(0x7ff0000000000000),
                                        UINT64_C(0x80000000),
                                        UINT64_C(0x7fffffff)};
    uint64_t r = make_random(m);
    switch (style) {
    case 0: return 42;
    case 1: return UINT64_C(0x4059000000000000) + r % 37 * UINT64_C(0x10000001);
    case 2: return UINT64_C(1700000000000) + row * 60000 + r % 3;
    case 3: return r;
    case 5: return UINT64_C(0x4059000000000000) + (row / 2048 * 400 + r % 50) * UINT64_C(0x147ae147ae); /* few at a time */
    default: return extremes[r % TD_COUNT(extremes)];
    }
}

/* `digits` decimal digits out of the pattern as big-endian two's complement at the end of 32 bytes; leading zeros, all
 * nines and both signs occur. Returns the bytes needed. */
static inline size_t make_digits(uint64_t bits, int32_t digits, uint8_t out[32])
{
    const uint64_t zeros = bits == UINT64_MAX ? 0 : bits % (uint64_t)digits;
    size_t need = 1;
    memset(out, 0, 32);
    for (int32_t i = 0; i < digits; i++) {
        unsigned carry = (uint64_t)i < zeros ? 0 : bits == UINT64_MAX ? 9 : (unsigned)(td_mix64(bits + (uint64_t)i) % 10);
        for (size_t at = 32; at--;) {
            carry += out[at] * 10u;
            out[at] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    if (bits & 1)
        for (size_t at = 32, carry = 1; at--;) {
            carry += (uint8_t)~out[at];
            out[at] = (uint8_t)carry;
            carry >>= 8;
        }
    const uint8_t sign = out[0] & 0x80 ? 0xff : 0;
    for (size_t at = 0; at < 31; at++)
        if (out[at] != sign || (out[at + 1] ^ sign) & 0x80) {
            need = 32 - at;
            break;
        }
    return need;
}

/* Append the text of a pattern to the column's bytes. */
static inline void make_text(struct make *m, size_t c, uint64_t bits)
{
    const struct td_pq_column *k = &m->column[c];
    struct td_buf *out = &m->texts[c];
    char text[64];
    uint8_t raw[32];
    if (k->logical == TD_PQ_DECIMAL) {
        size_t len = make_digits(bits, k->precision, raw);
        len = k->type == TD_PQ_FIXED ? (size_t)k->length : len < 16 && bits % 3 == 0 ? len + 1 : len;
        td_buf_add(out, raw + 32 - len, len);
    } else if (k->type == TD_PQ_INT96) {
        int64_t nanos = (int64_t)(td_mix64(bits) % UINT64_C(86400000000000));
        int32_t day = 2440588 + (int32_t)(bits % 40000) - 10000;
        td_buf_add(out, &nanos, 8);
        td_buf_add(out, &day, 4);
    } else if (k->type == TD_PQ_FIXED) {
        for (int32_t i = 0; i < k->length; i++)
            td_buf_addc(out, (char)(td_mix64(bits / 3 + (uint64_t)i / 2) >> (8 * (i % 2))));
    } else if (k->logical == TD_PQ_JSON) {
        td_snprintf(text, sizeof text, "{\"a\":%llu}", (unsigned long long)bits);
        td_buf_adds(out, text);
    } else { /* empty, short, and with a character of two bytes; every 64th long */
        const bool utf8 = k->logical != TD_PQ_PLAIN && k->logical != TD_PQ_BSON;
        td_snprintf(text, sizeof text, "%llx\xc3\xa9%llu", (unsigned long long)bits, (unsigned long long)bits);
        size_t len = bits % 5 == 0 ? 0 : bits % 7 == 0 ? strlen(text) : 6 % (strlen(text) + 1);
        td_buf_add(out, utf8 ? "abcdef" : text, utf8 ? len % 7 : len);
        for (uint64_t i = 0; utf8 && len % 7 && i < (bits % 64 == 1 ? 20 : 1); i++)
            td_buf_adds(out, text);
        if (utf8 && bits % 11 == 3)
            td_buf_adds(out, "\"\\\n,\x01 \xf0\x9f\x98\x80\xe2\x82\xac");
    }
}

/* Numbers that their logical type can hold. */
static inline int64_t make_whole(const struct make *m, const struct td_pq_column *k, uint64_t bits)
{
    static const int64_t per_day[] = {INT64_C(86400000), INT64_C(86400000000), INT64_C(86400000000000)};
    int64_t power = 1;
    switch (k->logical) {
    case TD_PQ_INTEGER:
        if (k->bits == 8)
            return k->is_signed ? (int8_t)bits : (int64_t)(uint8_t)bits;
        if (k->bits == 16)
            return k->is_signed ? (int16_t)bits : (int64_t)(uint16_t)bits;
        return (int64_t)bits;
    case TD_PQ_TIME: return (int64_t)(bits % (uint64_t)per_day[k->unit]);
    case TD_PQ_DECIMAL:
        for (int32_t i = 0; i < k->precision; i++)
            power *= 10;
        return bits & 1 ? -(int64_t)(bits % (uint64_t)power) : (int64_t)(bits % (uint64_t)power);
    case TD_PQ_DATE: return m->modest ? (int64_t)(bits % 200000) - 100000 : (int64_t)bits;
    case TD_PQ_TIMESTAMP: /* 1902 to 2036 */
        return m->modest ? (int64_t)(bits % (uint64_t)(per_day[k->unit] * 49000)) - per_day[k->unit] * 24500 : (int64_t)bits;
    default: return (int64_t)bits;
    }
}

static inline void make_value(struct make *m, size_t c, size_t row, uint64_t bits)
{
    void *values = m->array[c].values;
    const struct td_pq_column *k = &m->column[c];
    uint32_t low = (uint32_t)bits;
    switch (k->type) {
    case TD_PQ_BOOLEAN: ((uint8_t *)values)[row] = bits & 1; break;
    case TD_PQ_INT32: ((int32_t *)values)[row] = (int32_t)(uint32_t)(uint64_t)make_whole(m, k, bits); break;
    case TD_PQ_INT64: ((int64_t *)values)[row] = make_whole(m, k, bits); break;
    case TD_PQ_FLOAT: memcpy((float *)values + row, &low, 4); break;
    case TD_PQ_DOUBLE: memcpy((uint64_t *)values + row, &bits, 8); break;
    default: { /* offset and length first: the buffer still moves */
        size_t at = m->texts[c].len;
        make_text(m, c, bits);
        ((struct td_str *)values)[row] = (struct td_str){(const char *)at, m->texts[c].len - at};
    }
    }
}

static inline void make_column(struct make *m, size_t c, const struct td_pq_column *kind, int style, int nulls)
{
    m->column[c] = *kind;
    td_snprintf(m->names[c], sizeof m->names[c], "c%zu_%d_%d", c, style, nulls);
    m->column[c].name = m->names[c];
    m->column[c].optional = nulls > 0;
    m->array[c].values = calloc(m->rows + 1, td_pq_width(kind->type));
    m->array[c].valid = nulls ? calloc(TD_PQ_WORDS(m->rows) + 1, 8) : NULL;
    td_buf_init(&m->texts[c], 64 << 20);
    for (size_t row = 0; row < m->rows; row++) {
        uint64_t bits = make_bits(m, style, row), dice = make_random(m);
        bool valid = nulls == 0 || nulls == 1 || (nulls == 2 && dice % 4) || (nulls == 3 && row / 1000 % 2);
        if (nulls && valid)
            m->array[c].valid[row / 64] |= UINT64_C(1) << (row % 64);
        if (valid)
            make_value(m, c, row, bits);
    }
    if (td_pq_width(kind->type) == sizeof(struct td_str))
        for (size_t row = 0; row < m->rows; row++) {
            struct td_str *s = (struct td_str *)m->array[c].values + row;
            s->ptr = s->len ? m->texts[c].data + (size_t)s->ptr : NULL;
        }
}

/* `columns` columns of random kind, style and null pattern (0 required, 1 none, 2 some, 3 runs, 4 all null). */
static inline void make_table(struct make *m, uint64_t seed, size_t columns, size_t rows)
{
    *m = (struct make){.seed = seed, .rows = rows, .columns = columns};
    assert_true(columns <= MAKE_COLUMNS);
    for (size_t c = 0; c < columns; c++) {
        const struct td_pq_column *kind = &make_kinds[make_random(m) % TD_COUNT(make_kinds)];
        int style = (int)(make_random(m) % 5), nulls = (int)(make_random(m) % 5);
        make_column(m, c, kind, style, nulls);
    }
}

static inline void make_free(struct make *m)
{
    for (size_t c = 0; c < m->columns; c++) {
        free(m->array[c].values);
        free(m->array[c].valid);
        td_buf_free(&m->texts[c]);
    }
}

/* Rows [from, from+n) as arrays of their own, since a batch starts at bit 0 of its bitmaps. */
static inline enum td_code make_write_rows(const struct make *m, struct td_pq_writer *w, size_t from, size_t n,
                                           struct td_err *err)
{
    struct td_pq_array part[MAKE_COLUMNS];
    for (size_t c = 0; c < m->columns; c++) {
        part[c].values = (char *)m->array[c].values + from * td_pq_width(m->column[c].type);
        part[c].valid = NULL;
        if (m->array[c].valid) {
            part[c].valid = calloc(TD_PQ_WORDS(n) + 1, 8);
            for (size_t i = 0; i < n; i++)
                if (td_pq_valid(m->array[c].valid, from + i))
                    part[c].valid[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    enum td_code code = td_pq_write(w, part, n, err);
    for (size_t c = 0; c < m->columns; c++)
        free(part[c].valid);
    return code;
}

/* A scratch file that vanishes with its descriptor; /proc/self/fd/N is its path meanwhile. */
static inline int make_scratch(void)
{
    int fd = memfd_create("parquet", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static inline enum td_code make_file(const struct make *m, int fd, const struct td_pq_write_options *options,
                                     size_t batch, struct td_err *err)
{
    struct td_pq_writer *w = NULL;
    enum td_code code = td_pq_writer_new(fd, "scratch", m->column, m->columns, options, &w, err);
    if (code == TD_OK)
        code = td_pq_writer_meta(w, "tapedeck.schema", "test/1", err);
    for (size_t from = 0; from < m->rows && code == TD_OK; from += batch)
        code = make_write_rows(m, w, from, m->rows - from < batch ? m->rows - from : batch, err);
    if (code == TD_OK)
        code = td_pq_writer_finish(w, err);
    td_pq_writer_free(w);
    return code;
}

/* All bytes of a scratch file; free() them. */
static inline char *make_slurp(int fd, size_t *len)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *bytes = malloc((size_t)size + 1);
    assert_true(bytes && pread(fd, bytes, (size_t)size, 0) == size);
    *len = (size_t)size;
    return bytes;
}

/* Compare one slot of a batch with row `row` of the table. */
static inline void make_same(const struct make *m, size_t c, size_t row, const struct td_pq_array *got, size_t slot)
{
    const size_t width = td_pq_width(m->column[c].type);
    const bool want = td_pq_valid(m->array[c].valid, row);
    const char *a = (const char *)m->array[c].values + row * width, *b = (const char *)got->values + slot * width;
    if (want != td_pq_valid(got->valid, slot))
        fail_msg("column %s row %zu: validity", m->names[c], row);
    bool same;
    if (want && width == sizeof(struct td_str)) {
        const struct td_str *s = (const void *)a, *t = (const void *)b;
        same = s->len == t->len && (!s->len || memcmp(s->ptr, t->ptr, s->len) == 0);
    } else if (want) {
        same = memcmp(a, b, width) == 0;
    } else {
        same = true;
        for (size_t i = 0; i < width; i++)
            same &= b[i] == 0;
    }
    if (!same)
        fail_msg("column %s row %zu: value differs", m->names[c], row);
}

#endif
