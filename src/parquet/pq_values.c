/* SPDX-License-Identifier: GPL-3.0-or-later
 * Value decoders of a data page: PLAIN and booleans here, the others in pq_values_dict.c and pq_values_more.c. */
#include <string.h>
#include "pq_meta.h"
#include "pq_values.h"
#include "pq_values_more.h"

#define PQ_STEP 1024 /* booleans decoded at a time */

size_t td_pq_width(enum td_pq_type type)
{
    switch (type) {
    case TD_PQ_BOOLEAN: return 1;
    case TD_PQ_INT32:
    case TD_PQ_FLOAT: return 4;
    case TD_PQ_INT64:
    case TD_PQ_DOUBLE: return 8;
    default: return sizeof(struct td_str);
    }
}

size_t pq_stored_width(const struct td_pq_column *column)
{
    switch (column->type) {
    case TD_PQ_INT32:
    case TD_PQ_FLOAT: return 4;
    case TD_PQ_INT64:
    case TD_PQ_DOUBLE: return 8;
    case TD_PQ_INT96: return 12;
    case TD_PQ_FIXED: return (size_t)column->length;
    default: return 0;
    }
}

static const char *short_page(void)
{
    return "a page holds fewer values than its header says";
}

static const char *init_plain(struct pq_values *v, size_t len)
{
    switch (v->type) {
    case TD_PQ_BOOLEAN:
        v->form = PQ_FORM_BITS;
        v->stored = (uint64_t)len * 8;
        break;
    case TD_PQ_BYTE_ARRAY: v->form = PQ_FORM_TEXTS; break;
    case TD_PQ_INT96:
    case TD_PQ_FIXED: v->form = PQ_FORM_CHUNKS; break;
    default: v->form = PQ_FORM_FIXED;
    }
    return NULL;
}

const char *pq_values_init(struct pq_values *v, const struct td_pq_column *column, int encoding, const uint8_t *data,
                           size_t len, const struct pq_dict *dict, struct pq_pool *pool)
{
    const bool whole = column->type == TD_PQ_INT32 || column->type == TD_PQ_INT64;
    *v = (struct pq_values){.type = column->type,
                            .length = pq_stored_width(column),
                            .slot = td_pq_width(column->type),
                            .p = data,
                            .end = data + len,
                            .dict = dict,
                            .pool = pool,
                            .code = TD_DATA};
    switch (encoding) {
    case PQ_PLAIN: return init_plain(v, len);
    case PQ_PLAIN_DICTIONARY:
    case PQ_RLE_DICTIONARY:
        v->form = PQ_FORM_DICT;
        return dict->loaded ? NULL : "a page uses a dictionary that its chunk does not have";
    case PQ_RLE:
        v->form = PQ_FORM_RLE_BOOL;
        if (v->type == TD_PQ_BOOLEAN)
            return NULL;
        break;
    case PQ_DELTA_BINARY_PACKED:
        v->form = PQ_FORM_DELTA;
        if (whole)
            return NULL;
        break;
    case PQ_DELTA_LENGTH_BYTE_ARRAY:
        v->form = PQ_FORM_DELTA_TEXT;
        if (v->type == TD_PQ_BYTE_ARRAY)
            return NULL;
        break;
    case PQ_DELTA_BYTE_ARRAY:
        v->form = PQ_FORM_PREFIXED;
        if (v->type == TD_PQ_BYTE_ARRAY || v->type == TD_PQ_FIXED)
            return NULL;
        break;
    case PQ_BYTE_STREAM_SPLIT:
        v->form = PQ_FORM_SPLIT;
        if (v->length && v->type != TD_PQ_INT96)
            return len % v->length ? "a split page is no multiple of its value size"
                                   : (v->stored = len / v->length, NULL);
        break;
    default: break;
    }
    v->code = TD_UNSUPPORTED;
    return "its encoding is not supported for this type";
}

/* The eight bits of a byte as eight bytes of 0 or 1, the lowest bit first. */
static uint64_t bits_as_bytes(uint8_t byte)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t kept = byte * ones & UINT64_C(0x8040201008040201); /* bit k in byte k, the others clear */
    return (kept + 0x7f * ones) >> 7 & ones;
}

static const char *read_bits(struct pq_values *v, uint8_t *out, size_t count)
{
    size_t i = 0;
    if (count > v->stored - v->at)
        return short_page();
    for (; out && i < count && (v->at + i) & 7; i++)
        out[i] = v->p[(v->at + i) >> 3] >> ((v->at + i) & 7) & 1;
    for (; out && i + 8 <= count; i += 8) {
        uint64_t eight = bits_as_bytes(v->p[(v->at + i) >> 3]);
        memcpy(out + i, &eight, 8);
    }
    for (; out && i < count; i++)
        out[i] = v->p[(v->at + i) >> 3] >> ((v->at + i) & 7) & 1;
    v->at += count;
    return NULL;
}

static const char *read_fixed(struct pq_values *v, void *out, size_t count)
{
    if (count > (size_t)(v->end - v->p) / v->length)
        return short_page();
    if (out && v->form == PQ_FORM_FIXED) {
        memcpy(out, v->p, count * v->length);
    } else if (out) {
        struct td_str *texts = out;
        for (size_t i = 0; i < count; i++)
            texts[i] = (struct td_str){(const char *)v->p + i * v->length, v->length};
    }
    v->p += count * v->length;
    return NULL;
}

static const char *read_texts(struct pq_values *v, struct td_str *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (v->end - v->p < 4)
            return short_page();
        size_t len = pq_load32(v->p);
        v->p += 4;
        if (len > (size_t)(v->end - v->p))
            return "a text is longer than its page";
        if (out)
            out[i] = (struct td_str){(const char *)v->p, len};
        v->p += len;
    }
    return NULL;
}

/* Dictionary indices start with their width; RLE booleans with a length. Both are absent in a page without values. */
static const char *open_runs(struct pq_values *v)
{
    size_t len = (size_t)(v->end - v->p);
    v->opened = true;
    if (v->form == PQ_FORM_DICT)
        return len < 1 ? short_page() : pq_hybrid_init(&v->hybrid, v->p + 1, len - 1, v->p[0]);
    if (len < 4)
        return short_page();
    size_t runs = pq_load32(v->p);
    return runs > len - 4 ? "a run-length stream is longer than its page"
                          : pq_hybrid_init(&v->hybrid, v->p + 4, runs, 1);
}

static const char *read_rle_bool(struct pq_values *v, uint8_t *out, size_t count)
{
    uint32_t bits[PQ_STEP];
    while (count) {
        size_t n = count < PQ_STEP ? count : PQ_STEP;
        const char *why = pq_hybrid_read(&v->hybrid, bits, n);
        if (why)
            return why;
        for (size_t i = 0; i < n; i++)
            out[i] = (uint8_t)bits[i];
        out += n;
        count -= n;
    }
    return NULL;
}

static const char *step(struct pq_values *v, void *out, size_t count)
{
    if (!count)
        return NULL;
    if ((v->form == PQ_FORM_DICT || v->form == PQ_FORM_RLE_BOOL) && !v->opened) {
        const char *why = open_runs(v);
        if (why)
            return why;
    }
    switch (v->form) {
    case PQ_FORM_FIXED:
    case PQ_FORM_CHUNKS: return read_fixed(v, out, count);
    case PQ_FORM_BITS: return read_bits(v, out, count);
    case PQ_FORM_TEXTS: return read_texts(v, out, count);
    case PQ_FORM_DICT: return out ? pq_read_dict(v, out, count) : pq_hybrid_skip(&v->hybrid, count);
    case PQ_FORM_RLE_BOOL: return out ? read_rle_bool(v, out, count) : pq_hybrid_skip(&v->hybrid, count);
    case PQ_FORM_DELTA: return pq_read_delta(v, out, count);
    case PQ_FORM_DELTA_TEXT: return pq_read_delta_texts(v, out, count);
    case PQ_FORM_PREFIXED: return pq_read_prefixed(v, out, count);
    case PQ_FORM_SPLIT: return pq_read_split(v, out, count);
    default: return short_page();
    }
}

const char *pq_values_read(struct pq_values *v, void *out, size_t count)
{
    return step(v, out, count);
}

const char *pq_values_skip(struct pq_values *v, size_t count)
{
    return step(v, NULL, count);
}

void pq_values_close(struct pq_values *v)
{
    if (v->pool)
        pq_pool_retire(v->pool, v->last_blob);
    *v = (struct pq_values){0};
}

/* Smallest number of stored bytes that `count` entries can have: nothing is allocated on the page's word alone. */
static bool dict_fits(const struct td_pq_column *column, size_t len, size_t count)
{
    if (column->type == TD_PQ_BOOLEAN)
        return count <= len * 8;
    size_t width = column->type == TD_PQ_BYTE_ARRAY ? 4 : pq_stored_width(column);
    return count <= len / width;
}

/* Slots for `count` entries. Indices of the fitting width never leave a power of two, and one check a batch is enough. */
static uint64_t fitting(int32_t count)
{
    uint64_t room = 1;
    while (room < (uint64_t)count)
        room *= 2;
    return room;
}

size_t pq_dict_room(const struct td_pq_column *column, size_t len, int32_t count)
{
    const size_t slot = td_pq_width(column->type);
    const bool number = slot < sizeof(struct td_str) && column->type != TD_PQ_BOOLEAN;
    return number && dict_fits(column, len, (size_t)count) ? (size_t)fitting(count) * slot : 0;
}

void pq_dict_adopt(struct pq_dict *dict, const struct td_pq_column *column, struct pq_blob *blob, int32_t count)
{
    const size_t slot = td_pq_width(column->type), entries = (size_t)count;
    dict->room = fitting(count);
    dict->count = (uint32_t)count;
    dict->slot_blob = blob;
    dict->slots = blob->data;
    dict->loaded = true;
    memset(blob->data + entries * slot, 0, ((size_t)dict->room - entries) * slot);
}

const char *pq_dict_load(struct pq_dict *dict, const struct td_pq_column *column, const uint8_t *data, size_t len,
                         int32_t count, struct pq_pool *pool, enum td_code *code)
{
    struct pq_values v;
    const char *why;
    *code = TD_DATA;
    if (!dict_fits(column, len, (size_t)count))
        return "a dictionary page holds fewer entries than its header says";
    why = pq_values_init(&v, column, PQ_PLAIN, data, len, dict, pool);
    if (why)
        return why;
    struct pq_blob *blob = pq_pool_get(pool, (size_t)fitting(count) * v.slot);
    if (!blob) {
        *code = pool->code;
        return "the dictionary needs more memory than allowed";
    }
    pq_dict_adopt(dict, column, blob, count);
    why = pq_values_read(&v, dict->slot_blob->data, (size_t)count);
    dict->loaded = !why; /* the slots of a damaged page were never filled: no page may look them up */
    return why;
}

void pq_dict_close(struct pq_dict *dict, struct pq_pool *pool)
{
    pq_pool_retire(pool, dict->text_blob);
    pq_pool_put(pool, dict->slot_blob);
    *dict = (struct pq_dict){0};
}
