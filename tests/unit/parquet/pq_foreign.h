/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files as no writer of ours lays them out: every encoding in pages of either version, mixed inside a chunk, behind
 * every codec and its framings, with runs cut anywhere, spare dictionary entries and widths, pages of nothing, groups
 * of nothing. */
#ifndef TAPEDECK_TESTS_PQ_FOREIGN_H
#define TAPEDECK_TESTS_PQ_FOREIGN_H

#include "check.h"
#include <libdeflate.h>
#include <lz4.h>
#include <tapedeck/parquet.h>
#include <zstd.h>
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_meta.h"

#define FOREIGN_COLUMNS 4
#define FOREIGN_GROUPS 3
#define FOREIGN_ROWS 6000

struct foreign_value {
    bool valid;
    uint64_t bits;    /* numbers; of a text the key of the dictionary */
    uint32_t at, len; /* texts, in their column's bytes */
};
struct foreign_column {
    struct td_pq_column about;
    char name[16];
    struct foreign_value *values; /* of all groups */
    struct td_buf bytes;
    int encoding, codec, version; /* version: 1, 2, 3 = either */
    bool dictionary;
    int converted; /* annotation; 0, which would be UTF8, is none */
    unsigned distinct, nulls, page_rows;
    bool fallback;
};
struct foreign {
    uint64_t seed;
    size_t rows, columns, groups, group_rows[FOREIGN_GROUPS];
    struct foreign_column column[FOREIGN_COLUMNS];
    /* Ways to be odd. */
    bool tells_no_rows;     /* in the footer; the groups do */
    int64_t short_by;       /* bytes that a chunk's size leaves out */
    const char *created_by; /* NULL = none, and no key-values either */
    struct td_buf file;
};

static inline uint64_t foreign_dice(struct foreign *f, uint64_t sides)
{
    f->seed += UINT64_C(0x9e3779b97f4a7c15);
    return td_mix64(f->seed) % sides;
}

/* ---- values ---- */

static inline size_t foreign_width(const struct td_pq_column *c)
{
    return c->type == TD_PQ_INT32 || c->type == TD_PQ_FLOAT ? 4
           : c->type == TD_PQ_INT96                         ? 12
           : c->type == TD_PQ_FIXED                         ? (size_t)c->length
                                                            : 8;
}

static inline void foreign_value_make(struct foreign *f, struct foreign_column *c, size_t row, uint64_t key)
{
    struct foreign_value *v = &c->values[row];
    const bool text = c->about.type == TD_PQ_BYTE_ARRAY || c->about.type == TD_PQ_FIXED || c->about.type == TD_PQ_INT96;
    v->valid = true;
    v->bits = td_mix64(key);
    if (c->about.type == TD_PQ_BOOLEAN)
        v->bits &= 1;
    if (c->about.type == TD_PQ_INT32 || c->about.type == TD_PQ_FLOAT)
        v->bits &= UINT32_MAX;
    if (!text)
        return;
    v->at = (uint32_t)c->bytes.len;
    v->len = c->about.type == TD_PQ_BYTE_ARRAY ? (uint32_t)(v->bits % 50 == 0 ? v->bits % 3000 : v->bits % 13)
                                               : (uint32_t)foreign_width(&c->about);
    for (uint32_t i = 0; i < v->len; i++)
        td_buf_addc(&c->bytes, (char)('a' + (v->bits >> i % 60) % 23));
    (void)f;
}

/* Nulls: 0 none, 1 some, 2 most, 3 in runs, 4 all. Distinct 0: every value of its own. */
static inline void foreign_values(struct foreign *f, struct foreign_column *c)
{
    c->values = calloc(f->rows + 1, sizeof *c->values);
    td_buf_init(&c->bytes, 64 << 20);
    for (size_t row = 0; row < f->rows; row++) {
        bool null = c->nulls == 1   ? foreign_dice(f, 6) == 0
                    : c->nulls == 2 ? foreign_dice(f, 6) != 0
                    : c->nulls == 3 ? row / 70 % 2
                                    : c->nulls == 4;
        if (!(null && c->about.optional))
            foreign_value_make(f, c, row, c->distinct ? foreign_dice(f, c->distinct) : f->seed + row);
    }
}

/* ---- encodings: of values [from, from+n) that are not null ---- */

static inline size_t foreign_present(const struct foreign_column *c, size_t from, size_t n,
                                     const struct foreign_value **out)
{
    size_t count = 0;
    for (size_t i = from; i < from + n; i++)
        if (c->values[i].valid)
            out[count++] = &c->values[i];
    return count;
}

static inline void foreign_put(struct td_buf *out, const struct foreign_column *c, const struct foreign_value *v)
{
    if (c->about.type == TD_PQ_BYTE_ARRAY)
        td_buf_add(out, &v->len, 4);
    if (v->len || c->about.type == TD_PQ_BYTE_ARRAY)
        td_buf_add(out, v->len ? c->bytes.data + v->at : "", v->len);
    else
        td_buf_add(out, &v->bits, foreign_width(&c->about));
}

static inline void foreign_plain(struct td_buf *out, const struct foreign_column *c, const struct foreign_value **v,
                                 size_t n)
{
    if (c->about.type == TD_PQ_BOOLEAN) {
        uint64_t *bits = calloc(n + 1, sizeof *bits);
        for (size_t i = 0; i < n; i++)
            bits[i] = v[i]->bits;
        pq_pack(out, bits, n, 1);
        free(bits);
        return;
    }
    for (size_t i = 0; i < n; i++)
        foreign_put(out, c, v[i]);
}

/* Runs of any kind and length; the last one may promise more than there is. */
static inline void foreign_runs(struct foreign *f, struct td_buf *out, const uint32_t *values, size_t n, unsigned width)
{
    for (size_t i = 0; i < n;) {
        size_t same = 1;
        while (i + same < n && values[i + same] == values[i])
            same++;
        if (foreign_dice(f, 12) == 0)
            pq_out_varint(out, 0), td_buf_add(out, "\0\0\0\0", (width + 7) / 8); /* a run of nothing */
        if (same > 3 || foreign_dice(f, 3) == 0) {
            size_t n_run = foreign_dice(f, 2) ? same : 1 + foreign_dice(f, same);
            bool last = i + n_run == n && foreign_dice(f, 2);
            pq_out_varint(out, (uint64_t)(n_run + (last ? foreign_dice(f, 90) : 0)) << 1);
            td_buf_add(out, &values[i], (width + 7) / 8);
            i += n_run;
        } else {
            uint64_t packed[512] = {0};
            size_t take = 8 * (1 + foreign_dice(f, 60)), have = n - i < take ? n - i : take;
            for (size_t k = 0; k < have; k++)
                packed[k] = values[i + k];
            for (size_t k = have; k < (have + 7) / 8 * 8; k++) /* padding is anything of that width */
                packed[k] = width ? foreign_dice(f, UINT64_C(1) << (width < 3 ? width : 3)) : 0;
            pq_out_varint(out, (uint64_t)((have + 7) / 8) << 1 | 1);
            pq_pack(out, packed, (have + 7) / 8 * 8, width);
            i += have;
        }
    }
}

static inline void foreign_deltas(struct td_buf *out, const struct foreign_column *c, const struct foreign_value **v,
                                  size_t n)
{
    int64_t *numbers = calloc(n + 1, sizeof *numbers);
    unsigned bits = c->about.type == TD_PQ_INT32 ? 32 : 64;
    for (size_t i = 0; i < n; i++)
        numbers[i] = bits == 32 ? (int64_t)(int32_t)v[i]->bits : (int64_t)v[i]->bits;
    pq_delta_write(out, numbers, n, bits);
    free(numbers);
}

/* Texts with their lengths first; with prefixes, what each shares with the one before comes before that. */
static inline void foreign_texts(struct td_buf *out, const struct foreign_column *c, const struct foreign_value **v,
                                 size_t n, bool prefixes)
{
    int64_t *shared = calloc(n + 1, sizeof *shared), *lens = calloc(n + 1, sizeof *lens);
    for (size_t i = 0; i < n; i++) {
        const char *a = i ? c->bytes.data + v[i - 1]->at : "", *b = c->bytes.data + v[i]->at;
        while (prefixes && i && (uint32_t)shared[i] < v[i]->len && (uint32_t)shared[i] < v[i - 1]->len &&
               a[shared[i]] == b[shared[i]])
            shared[i]++;
        lens[i] = v[i]->len - shared[i];
    }
    if (prefixes)
        pq_delta_write(out, shared, n, 32);
    pq_delta_write(out, lens, n, 32);
    for (size_t i = 0; i < n; i++)
        td_buf_add(out, v[i]->len ? c->bytes.data + v[i]->at + shared[i] : "", (size_t)lens[i]);
    free(shared);
    free(lens);
}

static inline void foreign_split(struct td_buf *out, const struct foreign_column *c, const struct foreign_value **v,
                                 size_t n)
{
    struct td_buf plain;
    size_t width = foreign_width(&c->about);
    td_buf_init(&plain, 64 << 20);
    foreign_plain(&plain, c, v, n);
    for (size_t k = 0; k < width; k++)
        for (size_t i = 0; i < n; i++)
            td_buf_addc(out, plain.data[i * width + k]);
    td_buf_free(&plain);
}

static inline void foreign_rle_bools(struct foreign *f, struct td_buf *out, const struct foreign_value **v, size_t n)
{
    uint32_t *bits = calloc(n + 1, sizeof *bits), zero = 0;
    size_t at = out->len;
    for (size_t i = 0; i < n; i++)
        bits[i] = (uint32_t)v[i]->bits;
    td_buf_add(out, &zero, 4);
    foreign_runs(f, out, bits, n, 1);
    zero = (uint32_t)(out->len - at - 4);
    memcpy(out->data + at, &zero, 4);
    free(bits);
}

/* ---- pages and chunks ---- */

struct foreign_dict {
    uint64_t keys[4096];
    size_t count;
    unsigned width;
};

static inline void foreign_squeeze(struct foreign *f, struct td_buf *out, int codec, const char *data, size_t len)
{
    char *room = malloc(len * 2 + 4096);
    struct libdeflate_compressor *deflate;
    switch (codec) {
    case TD_PQ_SNAPPY: /* literals alone, some with long lengths */
        pq_out_varint(out, len);
        for (size_t i = 0; i < len;) {
            size_t n = foreign_dice(f, 2) ? 60 : 1 + foreign_dice(f, 3000);
            n = n < len - i ? n : len - i;
            unsigned char tag[3] = {n <= 60 ? (unsigned char)((n - 1) << 2) : 61 << 2, (n - 1) & 255,
                                    (unsigned char)((n - 1) >> 8)};
            td_buf_add(out, tag, n <= 60 ? 1 : 3);
            td_buf_add(out, data + i, n);
            i += n;
        }
        break;
    case TD_PQ_GZIP: /* one member or two */
        deflate = libdeflate_alloc_compressor(6);
        for (size_t half = foreign_dice(f, 2) ? len / 2 : len, i = 0; i < len || !len; i += half, half = len - i) {
            td_buf_add(out, room, libdeflate_gzip_compress(deflate, data + i, half, room, len * 2 + 4096));
            if (!len)
                break;
        }
        libdeflate_free_compressor(deflate);
        break;
    case TD_PQ_ZSTD: td_buf_add(out, room, ZSTD_compress(room, len * 2 + 4096, data, len, 1)); break;
    case TD_PQ_LZ4_RAW:
        td_buf_add(out, room, (size_t)LZ4_compress_default(data, room, (int)len, (int)len * 2 + 4096));
        break;
    case TD_PQ_LZ4: /* blocks of the Hadoop kind, sizes big-endian, of one piece or of two */
        for (size_t i = 0, block = 700 * (1 + foreign_dice(f, 2)); i < len;) {
            size_t n = len - i < 700 ? len - i : 700, whole = len - i < block ? len - i : block;
            size_t got = (size_t)LZ4_compress_default(data + i, room, (int)n, (int)len * 2 + 4096);
            const unsigned char sizes[8] = {0, 0, (unsigned char)(whole >> 8), (unsigned char)whole,
                                            0, 0, (unsigned char)(got >> 8),   (unsigned char)got};
            td_buf_add(out, i % block ? sizes + 4 : sizes, i % block ? 4 : 8);
            td_buf_add(out, room, got);
            i += n;
        }
        break;
    default: td_buf_add(out, data, len);
    }
    free(room);
}

/* A page: header, levels as its version wants them, values. Returns the bytes before compression, header included. */
static inline size_t foreign_page(struct foreign *f, const struct foreign_column *c, int type, int encoding, size_t n,
                                  const struct td_buf *levels, const struct td_buf *values)
{
    struct td_buf body, packed, header;
    struct pq_out out = {.buf = &header};
    const bool plainly =
        type == PQ_PAGE_DATA_V2 && (c->codec == TD_PQ_UNCOMPRESSED || foreign_dice(f, 3) == 0 || !values->len);
    td_buf_init(&body, 64 << 20), td_buf_init(&packed, 64 << 20), td_buf_init(&header, 4096);
    uint32_t len = (uint32_t)levels->len;
    if (type == PQ_PAGE_DATA && c->about.optional)
        td_buf_add(&body, &len, 4);
    td_buf_add(&body, levels->len ? levels->data : "", levels->len);
    size_t head = type == PQ_PAGE_DATA_V2 ? body.len : 0;
    td_buf_add(&body, values->len ? values->data : "", values->len);
    td_buf_add(&packed, head ? body.data : "", head);
    if (plainly)
        td_buf_add(&packed, values->len ? values->data : "", values->len);
    else
        foreign_squeeze(f, &packed, c->codec, body.len ? body.data + head : "", body.len - head);
    pq_out_i32(&out, 1, type);
    pq_out_i32(&out, 2, (int32_t)body.len);
    pq_out_i32(&out, 3, (int32_t)packed.len);
    struct pq_out sub = pq_out_struct(&out, type == PQ_PAGE_DATA ? 5 : type == PQ_PAGE_DICTIONARY ? 7 : 8);
    pq_out_i32(&sub, 1, (int32_t)n);
    if (type == PQ_PAGE_DATA_V2) {
        pq_out_i32(&sub, 2, 0); /* the null count is a hint at best */
        pq_out_i32(&sub, 3, (int32_t)n);
        pq_out_i32(&sub, 4, encoding);
        pq_out_i32(&sub, 5, (int32_t)levels->len);
        pq_out_i32(&sub, 6, 0);
        if (plainly)
            pq_out_bool(&sub, 7, false);
    } else {
        pq_out_i32(&sub, 2, encoding);
        if (type == PQ_PAGE_DATA) {
            pq_out_i32(&sub, 3, PQ_RLE);
            pq_out_i32(&sub, 4, PQ_BIT_PACKED); /* of repetition, of which there is none */
        }
    }
    pq_out_end(&sub);
    pq_out_end(&out);
    td_buf_add(&f->file, header.data, header.len);
    td_buf_add(&f->file, packed.len ? packed.data : "", packed.len);
    size_t raw = header.len + body.len;
    td_buf_free(&body), td_buf_free(&packed), td_buf_free(&header);
    return raw;
}

static inline size_t foreign_dict_page(struct foreign *f, const struct foreign_column *c, struct foreign_dict *d,
                                       size_t from, size_t n)
{
    const struct td_buf none = {0};
    struct td_buf values;
    td_buf_init(&values, 64 << 20);
    d->count = 0;
    for (size_t i = from; i < from + n && d->count < TD_COUNT(d->keys); i++) {
        size_t k = 0;
        while (c->values[i].valid && k < d->count && d->keys[k] != c->values[i].bits)
            k++;
        if (!c->values[i].valid || k < d->count)
            continue;
        d->keys[d->count++] = c->values[i].bits;
        foreign_put(&values, c, &c->values[i]);
    }
    d->width = pq_bits_needed(d->count ? d->count - 1 : 0) + (foreign_dice(f, 4) ? 0 : (unsigned)foreign_dice(f, 9));
    size_t raw = foreign_page(f, c, PQ_PAGE_DICTIONARY, foreign_dice(f, 2) ? PQ_PLAIN : PQ_PLAIN_DICTIONARY, d->count,
                              &none, &values);
    td_buf_free(&values);
    return raw;
}

/* The values as indices; false when the dictionary lacks one. */
static inline bool foreign_indices(struct foreign *f, struct td_buf *out, const struct foreign_dict *d,
                                   const struct foreign_value **v, size_t n)
{
    uint32_t *index = calloc(n + 1, sizeof *index);
    bool all = true;
    for (size_t i = 0; i < n && all; i++) {
        while (index[i] < d->count && d->keys[index[i]] != v[i]->bits)
            index[i]++;
        all = index[i] < d->count;
    }
    if (all && n) {
        td_buf_addc(out, (char)d->width);
        foreign_runs(f, out, index, n, d->width);
    }
    free(index);
    return all;
}

static inline size_t foreign_data_page(struct foreign *f, const struct foreign_column *c, const struct foreign_dict *d,
                                       size_t from, size_t n)
{
    const struct foreign_value **v = calloc(n + 1, sizeof *v);
    uint32_t *levels = calloc(n + 1, sizeof *levels);
    size_t present = foreign_present(c, from, n, v);
    struct td_buf bits, values;
    int encoding = foreign_dice(f, 2) ? PQ_RLE_DICTIONARY : PQ_PLAIN_DICTIONARY;
    td_buf_init(&bits, 64 << 20), td_buf_init(&values, 64 << 20);
    for (size_t i = 0; i < n; i++)
        levels[i] = c->values[from + i].valid;
    if (c->about.optional)
        foreign_runs(f, &bits, levels, n, 1);
    if (!d || (c->fallback && foreign_dice(f, 3) == 0) || !foreign_indices(f, &values, d, v, present)) {
        encoding = c->encoding;
        switch (present || foreign_dice(f, 2) ? encoding : -1) { /* a page of nulls may have no values at all */
        case PQ_PLAIN: foreign_plain(&values, c, v, present); break;
        case PQ_RLE: foreign_rle_bools(f, &values, v, present); break;
        case PQ_DELTA_BINARY_PACKED: foreign_deltas(&values, c, v, present); break;
        case PQ_DELTA_LENGTH_BYTE_ARRAY: foreign_texts(&values, c, v, present, false); break;
        case PQ_DELTA_BYTE_ARRAY: foreign_texts(&values, c, v, present, true); break;
        case PQ_BYTE_STREAM_SPLIT: foreign_split(&values, c, v, present); break;
        default: break;
        }
    }
    int version = c->version == 3 ? 1 + (int)foreign_dice(f, 2) : c->version;
    size_t raw = foreign_page(f, c, version == 1 ? PQ_PAGE_DATA : PQ_PAGE_DATA_V2, encoding, n, &bits, &values);
    td_buf_free(&bits), td_buf_free(&values);
    free(v);
    free(levels);
    return raw;
}

static inline void foreign_chunk(struct foreign *f, struct pq_out *group, struct foreign_column *c, size_t from,
                                 size_t rows)
{
    static struct foreign_dict dict;
    const int64_t start = (int64_t)f->file.len;
    int64_t raw = 0, data;
    const bool with = c->dictionary && rows;
    if (with)
        raw += (int64_t)foreign_dict_page(f, c, &dict, from, rows);
    data = (int64_t)f->file.len;
    for (size_t i = 0; i < rows;) {
        size_t n = 1 + foreign_dice(f, c->page_rows);
        n = foreign_dice(f, 20) == 0 ? 0 : n < rows - i ? n : rows - i;
        raw += (int64_t)foreign_data_page(f, c, with ? &dict : NULL, from + i, n);
        i += n;
    }
    struct pq_out chunk = pq_out_elem(group);
    pq_out_i64(&chunk, 2, 0);
    struct pq_out meta = pq_out_struct(&chunk, 3);
    pq_out_i32(&meta, 1, (int32_t)c->about.type);
    pq_out_list(&meta, 2, PQ_T_I32, 1);
    pq_out_elem_i32(&meta, 0);
    pq_out_list(&meta, 3, PQ_T_BINARY, 1);
    pq_out_elem_binary(&meta, c->name, strlen(c->name));
    pq_out_i32(&meta, 4, c->codec);
    pq_out_i64(&meta, 5, (int64_t)rows);
    pq_out_i64(&meta, 6, raw);
    pq_out_i64(&meta, 7, (int64_t)f->file.len - start - f->short_by);
    const bool told =
        with && foreign_dice(f, 2); /* else the data offset is that of the dictionary, as some writers have it */
    pq_out_i64(&meta, 9, told ? data : start);
    if (told)
        pq_out_i64(&meta, 11, start);
    pq_out_end(&meta);
    pq_out_end(&chunk);
}

static inline void foreign_schema(struct foreign *f, struct pq_out *out)
{
    pq_out_list(out, 2, PQ_T_STRUCT, f->columns + 1);
    struct pq_out root = pq_out_elem(out);
    pq_out_text(&root, 4, "");
    pq_out_i32(&root, 5, (int32_t)f->columns);
    pq_out_end(&root);
    for (size_t i = 0; i < f->columns; i++) {
        const struct td_pq_column *c = &f->column[i].about;
        struct pq_out leaf = pq_out_elem(out);
        pq_out_i32(&leaf, 1, (int32_t)c->type);
        if (c->type == TD_PQ_FIXED)
            pq_out_i32(&leaf, 2, c->length);
        pq_out_i32(&leaf, 3, c->optional);
        pq_out_text(&leaf, 4, c->name);
        if (f->column[i].converted)
            pq_out_i32(&leaf, 6, f->column[i].converted);
        pq_out_end(&leaf);
    }
}

/* ---- a whole file ---- */

static inline void foreign_choose(struct foreign *f, struct foreign_column *c)
{
    static const int whole[] = {PQ_PLAIN, PQ_DELTA_BINARY_PACKED, PQ_BYTE_STREAM_SPLIT},
                     real[] = {PQ_PLAIN, PQ_BYTE_STREAM_SPLIT},
                     texts[] = {PQ_PLAIN, PQ_DELTA_LENGTH_BYTE_ARRAY, PQ_DELTA_BYTE_ARRAY},
                     fixed[] = {PQ_PLAIN, PQ_DELTA_BYTE_ARRAY, PQ_BYTE_STREAM_SPLIT},
                     codecs[] = {TD_PQ_UNCOMPRESSED, TD_PQ_SNAPPY, TD_PQ_GZIP, TD_PQ_ZSTD, TD_PQ_LZ4_RAW, TD_PQ_LZ4};
    c->about.type = (enum td_pq_type)foreign_dice(f, 8);
    c->about.optional = foreign_dice(f, 3) != 0;
    c->about.length = c->about.type == TD_PQ_FIXED ? 1 + (int32_t)foreign_dice(f, 17) : 0;
    td_snprintf(c->name, sizeof c->name, "c%d", (int)(c - f->column));
    c->about.name = c->name;
    c->codec = codecs[foreign_dice(f, TD_COUNT(codecs))];
    c->version = 1 + (int)foreign_dice(f, 3);
    c->dictionary = foreign_dice(f, 2) && c->about.type != TD_PQ_BOOLEAN;
    c->distinct = (unsigned)foreign_dice(f, 4) * 90;
    c->nulls = (unsigned)foreign_dice(f, 5);
    c->page_rows = foreign_dice(f, 3) ? 3000 : 200;
    c->fallback = foreign_dice(f, 2);
    switch (c->about.type) {
    case TD_PQ_BOOLEAN: c->encoding = foreign_dice(f, 2) ? PQ_PLAIN : PQ_RLE; break;
    case TD_PQ_INT32:
    case TD_PQ_INT64: c->encoding = whole[foreign_dice(f, TD_COUNT(whole))]; break;
    case TD_PQ_FLOAT:
    case TD_PQ_DOUBLE: c->encoding = real[foreign_dice(f, TD_COUNT(real))]; break;
    case TD_PQ_BYTE_ARRAY: c->encoding = texts[foreign_dice(f, TD_COUNT(texts))]; break;
    case TD_PQ_FIXED: c->encoding = fixed[foreign_dice(f, TD_COUNT(fixed))]; break;
    default: c->encoding = PQ_PLAIN;
    }
}

/* The file of the columns and groups that are set, into f->file. */
static inline void foreign_lay_out(struct foreign *f)
{
    struct td_buf meta;
    td_buf_init(&f->file, 64 << 20), td_buf_init(&meta, 1 << 20);
    td_buf_adds(&f->file, "PAR1");
    struct pq_out out = {.buf = &meta};
    pq_out_i32(&out, 1, 2);
    foreign_schema(f, &out);
    pq_out_i64(&out, 3, f->tells_no_rows ? 0 : (int64_t)f->rows);
    pq_out_list(&out, 4, PQ_T_STRUCT, f->groups);
    for (size_t g = 0, from = 0; g < f->groups; from += f->group_rows[g++]) {
        struct pq_out group = pq_out_elem(&out);
        pq_out_list(&group, 1, PQ_T_STRUCT, f->columns);
        for (size_t i = 0; i < f->columns; i++)
            foreign_chunk(f, &group, &f->column[i], from, f->group_rows[g]);
        pq_out_i64(&group, 2, 0);
        pq_out_i64(&group, 3, (int64_t)f->group_rows[g]);
        pq_out_end(&group);
    }
    if (f->created_by) {
        pq_out_list(&out, 5, PQ_T_STRUCT, 1);
        struct pq_out pair = pq_out_elem(&out);
        pq_out_text(&pair, 1, "a key alone");
        pq_out_end(&pair);
        pq_out_text(&out, 6, f->created_by);
    }
    pq_out_end(&out);
    uint32_t len = (uint32_t)meta.len;
    td_buf_add(&f->file, meta.data, meta.len);
    td_buf_add(&f->file, &len, 4);
    td_buf_adds(&f->file, "PAR1");
    td_buf_free(&meta);
    assert_false(f->file.failed);
}

/* Everything from the seed. */
static inline void foreign_make(struct foreign *f, uint64_t seed)
{
    *f = (struct foreign){.seed = td_mix64(seed)};
    f->columns = 1 + foreign_dice(f, FOREIGN_COLUMNS);
    f->groups = foreign_dice(f, FOREIGN_GROUPS + 1);
    for (size_t g = 0; g < f->groups; g++)
        f->rows += f->group_rows[g] =
            foreign_dice(f, 6) == 0 ? 0 : 1 + foreign_dice(f, foreign_dice(f, 2) ? 90 : FOREIGN_ROWS / FOREIGN_GROUPS);
    for (size_t i = 0; i < f->columns; i++) {
        foreign_choose(f, &f->column[i]);
        foreign_values(f, &f->column[i]);
    }
    foreign_lay_out(f);
}

static inline void foreign_free(struct foreign *f)
{
    for (size_t i = 0; i < f->columns; i++) {
        free(f->column[i].values);
        td_buf_free(&f->column[i].bytes);
    }
    td_buf_free(&f->file);
}

#endif
