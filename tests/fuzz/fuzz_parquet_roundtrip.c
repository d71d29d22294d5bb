/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bytes decide a schema, rows and how they are written; the file is written, read back and compared value for value and
 * bit for bit, whole, in batches and after a seek. Written twice it is the same bytes. */
#include <tapedeck/parquet.h>
#include "fuzz_file.h"

#define MOST_ROWS 1500
#define MOST_COLUMNS 6
#define READ 61

struct column {
    struct td_pq_column about;
    char name[32];
    uint64_t values[MOST_ROWS * 2]; /* slots of at most 16 bytes */
    uint64_t valid[TD_PQ_WORDS(MOST_ROWS)];
    struct td_pq_array array;
};
static struct column columns[MOST_COLUMNS];
static uint8_t texts[1 << 16];
static size_t texts_used;

static const struct td_pq_column kinds[] = {
    {.type = TD_PQ_BOOLEAN},
    {.type = TD_PQ_INT32},
    {.type = TD_PQ_INT64},
    {.type = TD_PQ_DOUBLE},
    {.type = TD_PQ_FLOAT},
    {.type = TD_PQ_BYTE_ARRAY},
    {.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING},
    {.type = TD_PQ_INT32, .logical = TD_PQ_DATE},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_MILLIS, .utc = true},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 32},
    {.type = TD_PQ_INT64, .logical = TD_PQ_INTEGER, .bits = 64},
    {.type = TD_PQ_INT32, .logical = TD_PQ_INTEGER, .bits = 8, .is_signed = true},
    {.type = TD_PQ_FIXED, .length = 5},
    {.type = TD_PQ_FIXED, .length = 16},
    {.type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = TD_PQ_NANOS},
    {.type = TD_PQ_INT32, .logical = TD_PQ_TIME, .unit = TD_PQ_MILLIS},
    {.type = TD_PQ_INT64, .logical = TD_PQ_DECIMAL, .precision = 18, .scale = 4},
    {.type = TD_PQ_FIXED, .length = 9, .logical = TD_PQ_DECIMAL, .precision = 20, .scale = 2},
    {.type = TD_PQ_INT96},
};

/* What a column of that type may be asked to be encoded as. */
static enum td_pq_encoding some_encoding(enum td_pq_type type, unsigned dice)
{
    static const enum td_pq_encoding whole[] = {TD_PQ_ENC_AUTO, TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA,
                                                TD_PQ_ENC_BYTE_STREAM_SPLIT},
                                     real[] = {TD_PQ_ENC_AUTO, TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT,
                                               TD_PQ_ENC_BYTE_STREAM_SPLIT},
                                     text[] = {TD_PQ_ENC_AUTO, TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA_LENGTH,
                                               TD_PQ_ENC_DELTA_BYTES},
                                     fixed[] = {TD_PQ_ENC_AUTO, TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA_BYTES,
                                                TD_PQ_ENC_BYTE_STREAM_SPLIT},
                                     truth[] = {TD_PQ_ENC_AUTO, TD_PQ_ENC_PLAIN, TD_PQ_ENC_RLE};
    switch (type) {
    case TD_PQ_BOOLEAN: return truth[dice % TD_COUNT(truth)];
    case TD_PQ_INT32:
    case TD_PQ_INT64: return whole[dice % TD_COUNT(whole)];
    case TD_PQ_FLOAT:
    case TD_PQ_DOUBLE: return real[dice % TD_COUNT(real)];
    case TD_PQ_BYTE_ARRAY: return text[dice % TD_COUNT(text)];
    case TD_PQ_FIXED: return fixed[dice % TD_COUNT(fixed)];
    default: return TD_PQ_ENC_AUTO;
    }
}

/* Bits that the column's type can hold, for those whose range is checked. */
static uint64_t fit(const struct td_pq_column *about, uint64_t bits)
{
    if (about->logical == TD_PQ_INTEGER && about->bits == 8)
        return (uint64_t)(int8_t)bits;
    if (about->logical == TD_PQ_TIME)
        return bits % 86400000;
    if (about->logical == TD_PQ_DECIMAL)
        return (uint64_t)((int64_t)bits % INT64_C(1000000000000000000));
    return bits;
}

/* How a column's values go: fresh bytes, the row's number, one of a few, a walk. */
static uint64_t some_bits(struct fuzz_in *in, unsigned style, size_t row, uint64_t *last)
{
    switch (style) {
    case 0: return *last = fuzz_bits(in, 8);
    case 1: return row * 60000;
    case 2: return fuzz_u8(in) % 5 * UINT64_C(0x4000100000000001);
    case 3: return *last += (uint64_t)(int8_t)fuzz_u8(in);
    default: return 7;
    }
}

static void put_value(struct column *c, size_t row, uint64_t bits, struct fuzz_in *in)
{
    uint8_t *slot = (uint8_t *)c->values + row * td_pq_width(c->about.type);
    uint32_t low = (uint32_t)bits;
    switch (c->about.type) {
    case TD_PQ_BOOLEAN: *slot = bits & 1; break;
    case TD_PQ_INT32:
    case TD_PQ_FLOAT: memcpy(slot, &low, 4); break;
    case TD_PQ_INT64:
    case TD_PQ_DOUBLE: memcpy(slot, &bits, 8); break;
    case TD_PQ_FIXED:
    case TD_PQ_INT96: { /* big-endian where it is a decimal, then sign bytes first */
        static const char zeros[16];
        size_t len = c->about.type == TD_PQ_FIXED ? (size_t)c->about.length : 12;
        struct td_str s = {zeros, len};
        if (texts_used + len <= sizeof texts) {
            s.ptr = (const char *)texts + texts_used;
            for (size_t i = 0; i < len; i++)
                texts[texts_used++] = i + 8 < len ? (bits >> 63 ? 255 : 0) : (uint8_t)(bits >> 8 * ((len - 1 - i) % 8));
        }
        memcpy(slot, &s, sizeof s);
        break;
    }
    default: {
        size_t len = bits % 23;
        struct td_str s = {NULL, 0};
        if (texts_used + len <= sizeof texts) {
            s = (struct td_str){(const char *)texts + texts_used, len};
            for (size_t i = 0; i < len; i++)
                texts[texts_used++] = c->about.logical == TD_PQ_STRING ? 'a' + (bits >> i) % 26 : fuzz_u8(in);
        }
        memcpy(slot, &s, sizeof s);
    }
    }
}

static void make_column(struct fuzz_in *in, struct column *c, size_t index, size_t rows)
{
    uint8_t bits = fuzz_u8(in), nulls = fuzz_u8(in);
    unsigned style = bits / 16 % 5;
    uint64_t last = 0;
    c->about = kinds[(bits % 16 + nulls / 128 * 8) % TD_COUNT(kinds)];
    c->about.encoding = some_encoding(c->about.type, nulls / 4 % 32);
    snprintf(c->name, sizeof c->name, "c%zu", index);
    c->about.name = c->name;
    c->about.optional = nulls % 4 != 0;
    memset(c->valid, 0, sizeof c->valid);
    memset(c->values, 0, sizeof c->values);
    c->array = (struct td_pq_array){c->values, c->about.optional ? c->valid : NULL};
    for (size_t row = 0; row < rows; row++) {
        bool valid =
            nulls % 4 == 0 || nulls % 4 == 1 || (nulls % 4 == 2 ? fuzz_u8(in) % 3 != 0 : row / (1 + nulls / 4) % 2);
        if (valid && c->about.optional)
            c->valid[row / 64] |= UINT64_C(1) << row % 64;
        if (valid)
            put_value(c, row, fit(&c->about, some_bits(in, style, row, &last)), in);
    }
}

/* Rows [from, from+n) as a batch of their own. */
static enum td_code write_part(struct td_pq_writer *writer, size_t count, size_t from, size_t n, struct td_err *err)
{
    static uint64_t valid[MOST_COLUMNS][TD_PQ_WORDS(MOST_ROWS)];
    struct td_pq_array part[MOST_COLUMNS];
    memset(valid, 0, sizeof valid);
    for (size_t c = 0; c < count; c++) {
        part[c].values = (uint8_t *)columns[c].values + from * td_pq_width(columns[c].about.type);
        part[c].valid = columns[c].array.valid ? valid[c] : NULL;
        for (size_t i = 0; i < n && part[c].valid; i++)
            if (td_pq_valid(columns[c].valid, from + i))
                valid[c][i / 64] |= UINT64_C(1) << i % 64;
    }
    return td_pq_write(writer, part, n, err);
}

static uint8_t *write_file(const struct td_pq_write_options *options, size_t count, size_t rows, size_t step,
                           size_t *size)
{
    static struct fuzz_file file;
    struct td_pq_column about[MOST_COLUMNS];
    struct td_pq_writer *writer = NULL;
    struct td_err err = {0};
    fuzz_file_set(&file, NULL, 0);
    FUZZ_CHECK(lseek(file.fd, 0, SEEK_SET) == 0);
    for (size_t c = 0; c < count; c++)
        about[c] = columns[c].about;
    FUZZ_CHECK(td_pq_writer_new(file.fd, "file", about, count, options, &writer, &err) == TD_OK);
    FUZZ_CHECK(td_pq_writer_meta(writer, "key", "value", &err) == TD_OK);
    for (size_t at = 0; at < rows; at += step)
        FUZZ_CHECK(write_part(writer, count, at, rows - at < step ? rows - at : step, &err) == TD_OK);
    FUZZ_CHECK(td_pq_writer_finish(writer, &err) == TD_OK);
    td_pq_writer_free(writer);
    *size = (size_t)lseek(file.fd, 0, SEEK_END);
    uint8_t *bytes = malloc(*size);
    FUZZ_CHECK(bytes && pread(file.fd, bytes, *size, 0) == (ssize_t)*size);
    return bytes;
}

static void check_slot(const struct column *c, size_t row, const struct td_pq_array *got, size_t i)
{
    size_t width = td_pq_width(c->about.type);
    FUZZ_CHECK(td_pq_valid(got->valid, i) == td_pq_valid(c->array.valid, row));
    if (!td_pq_valid(got->valid, i))
        return;
    const uint8_t *mine = (const uint8_t *)c->values + row * width, *theirs = (const uint8_t *)got->values + i * width;
    if (width == sizeof(struct td_str)) {
        struct td_str a, b;
        memcpy(&a, mine, sizeof a);
        memcpy(&b, theirs, sizeof b);
        FUZZ_CHECK(a.len == b.len && (!a.len || memcmp(a.ptr, b.ptr, a.len) == 0));
    } else {
        FUZZ_CHECK(memcmp(mine, theirs, width) == 0);
    }
}

static void read_file(const uint8_t *bytes, size_t size, size_t count, size_t rows, size_t seek)
{
    static uint64_t values[MOST_COLUMNS][READ * 2], valid[MOST_COLUMNS][TD_PQ_WORDS(READ)];
    struct td_pq_array arrays[MOST_COLUMNS];
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    struct td_err err = {0};
    int order[MOST_COLUMNS];
    size_t got = 0, at = 0;
    FUZZ_CHECK(td_pq_open_memory(bytes, size, "file", NULL, &file, &err) == TD_OK);
    FUZZ_CHECK(td_pq_rows(file) == (int64_t)rows && td_pq_column_count(file) == count);
    FUZZ_CHECK(strcmp(td_pq_meta(file, "key"), "value") == 0);
    for (size_t c = 0; c < count; c++) { /* asked for from the last to the first */
        const struct td_pq_column *about = td_pq_column_at(file, c), *wanted = &columns[c].about;
        FUZZ_CHECK(about->type == wanted->type && about->logical == wanted->logical &&
                   about->optional == wanted->optional);
        FUZZ_CHECK(strcmp(about->name, wanted->name) == 0 && !about->unsupported);
        order[c] = (int)(count - 1 - c);
        arrays[c] = (struct td_pq_array){values[c], valid[c]};
    }
    FUZZ_CHECK(td_pq_reader_new(file, order, count, &reader, &err) == TD_OK);
    for (int turn = 0; turn < 2; turn++) {
        at = turn ? seek : 0;
        FUZZ_CHECK(td_pq_seek(reader, (int64_t)at, &err) == TD_OK);
        do {
            FUZZ_CHECK(td_pq_read(reader, arrays, READ, &got, &err) == TD_OK);
            FUZZ_CHECK(got == (rows - at < READ ? rows - at : READ));
            for (size_t c = 0; c < count; c++)
                for (size_t i = 0; i < got; i++)
                    check_slot(&columns[order[c]], at + i, &arrays[c], i);
            at += got;
        } while (got);
        FUZZ_CHECK(at == rows);
    }
    td_pq_reader_free(reader);
    td_pq_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};
    uint8_t bits = fuzz_u8(&in);
    size_t count = 1 + fuzz_u8(&in) % MOST_COLUMNS, rows = fuzz_bits(&in, 2) % (MOST_ROWS + 1), first, second;
    rows /= count; /* as many values in a wide table as in a narrow one */
    struct td_pq_write_options options = {.uncompressed = bits & 1,
                                          .data_page_v2 = bits & 2,
                                          .no_dictionary = bits & 4,
                                          .group_rows = bits & 8 ? rows / 16 + 1 + fuzz_bits(&in, 2) % 900 : 0,
                                          .page_rows = bits & 16 ? rows / 64 + 1 + fuzz_u8(&in) : 0,
                                          .page_bytes = bits & 32 ? rows / 8 + 1 + fuzz_bits(&in, 2) : 0};
    static const enum td_pq_codec codecs[] = {0, TD_PQ_ZSTD, TD_PQ_GZIP, TD_PQ_LZ4_RAW};
    options.codec = codecs[bits >> 6];
    size_t step = 1 + fuzz_bits(&in, 2) % MOST_ROWS, seek = rows ? fuzz_bits(&in, 2) % (rows + 1) : 0;
    texts_used = 0;
    for (size_t c = 0; c < count; c++)
        make_column(&in, &columns[c], c, rows);
    uint8_t *bytes = write_file(&options, count, rows, step, &first);
    read_file(bytes, first, count, rows, seek);
    uint8_t *again = write_file(&options, count, rows, MOST_ROWS, &second);
    FUZZ_CHECK(first == second && memcmp(bytes, again, first) == 0); /* batches leave no trace in the file */
    free(bytes);
    free(again);
    return 0;
}
