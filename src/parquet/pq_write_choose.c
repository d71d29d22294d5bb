/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which encoding a chunk gets: what the caller asked for, or what was measured to be small and quick to read. */
#include "pq_hybrid.h"
#include "pq_meta.h"
#include "pq_write.h"

#define PQ_DICT_BYTES ((size_t)1 << 20)       /* by rule */
#define PQ_DICT_MOST_BYTES ((size_t)64 << 20) /* asked for */
#define PQ_TRIAL ((size_t)4096)               /* values that are compressed for a decision */
#define PQ_TALL ((size_t)32768)               /* values from which on indices are worth such a decision */

/* Bytes of the chunk as deltas, before compression; the blocks are those of pages cut elsewhere, which hardly matters. */
static uint64_t delta_bytes(const struct pq_buffer *b)
{
    uint64_t bits = 0;
    for (size_t at = 0; at + 1 < b->present; at += 32) {
        size_t end = at + 33 < b->present ? at + 33 : b->present;
        int64_t low = INT64_MAX, high = INT64_MIN;
        for (size_t k = at + 1; k < end; k++) {
            int64_t delta;
            if (b->width == 8) {
                uint64_t x = pq_load64(b->slots + k * 8), y = pq_load64(b->slots + k * 8 - 8);
                delta = (int64_t)(x - y);
            } else {
                delta = (int32_t)(pq_load32(b->slots + k * 4) - pq_load32(b->slots + k * 4 - 4));
            }
            low = delta < low ? delta : low;
            high = delta > high ? delta : high;
        }
        bits += pq_bits_needed((uint64_t)high - (uint64_t)low) * (uint64_t)(end - at - 1);
    }
    return bits / 8;
}

/* Whole numbers are deltas; a few values in no order, such as codes and sizes, are worth a dictionary. */
static bool whole_dict(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code)
{
    const uint64_t deltas = delta_bytes(b);
    /* The dictionary may take a quarter of what the deltas would, and so may the indices into it. */
    const uint64_t budget = deltas / 4;
    size_t limit = (size_t)(budget / b->width);
    const uint64_t most = b->present ? budget * 8 / b->present : 0; /* bits an index may have */
    if (most < 20 && limit > (size_t)1 << most)
        limit = (size_t)1 << most;
    return limit > 1 && pq_dict_try(w, b, limit, PQ_DICT_BYTES, code);
}

static bool rule_dict(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code)
{
    switch (b->column.type) {
    case TD_PQ_FLOAT:
    case TD_PQ_DOUBLE:
    case TD_PQ_FIXED: return pq_dict_try(w, b, b->present / 3, PQ_DICT_BYTES, code);
    case TD_PQ_BYTE_ARRAY: return pq_dict_try(w, b, b->present / 2, PQ_DICT_BYTES, code);
    case TD_PQ_INT32:
    case TD_PQ_INT64: return whole_dict(w, b, code);
    default: return false;
    }
}

static enum td_code trial(struct td_pq_writer *w, const struct pq_buffer *b, int encoding, size_t *bytes)
{
    const size_t n = b->present < PQ_TRIAL ? b->present : PQ_TRIAL;
    const struct pq_span p = {.rows = n, .first = (b->present - n) / 2, .present = n};
    td_buf_clear(&w->body);
    td_buf_clear(&w->packed);
    enum td_code code = pq_put_values(w, b, &p, encoding);
    if (code == TD_OK)
        code = w->body.failed ? TD_NOMEM
                              : pq_compress(&w->encoder, (int)w->options.codec, w->body.data, w->body.len, &w->packed);
    *bytes = w->packed.len;
    return code;
}

/* Decimal fractions such as prices repeat whole and lose by being split; whole numbers such as volumes, and noise, gain. */
static int split_or_plain(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code)
{
    size_t plain = 0, split = 0;
    if (w->options.codec == TD_PQ_UNCOMPRESSED)
        return PQ_PLAIN;
    *code = trial(w, b, PQ_PLAIN, &plain);
    if (*code == TD_OK)
        *code = trial(w, b, PQ_BYTE_STREAM_SPLIT, &split);
    return split < plain - plain / 16 ? PQ_BYTE_STREAM_SPLIT : PQ_PLAIN;
}

/* The width of indices. Packed into bits they do not compress but are read 1.5 times as fast; as whole bytes they do, and it
 * can pay where each page uses a part of the dictionary only, as in a file of many tickers: taken when it makes the chunk
 * smaller by an eighth, a dictionary of numbers being half its size once it is compressed. */
static int with_dict(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code)
{
    const unsigned bits = pq_bits_needed(w->dict.count - 1), need = bits ? bits : 1; /* not every reader knows 0 */
    const unsigned bytes = need <= 8 ? 8 : 16;
    size_t packed = 0, whole = 0;
    w->dict.width = need;
    if (b->present < PQ_TALL || need >= bytes || w->options.codec == TD_PQ_UNCOMPRESSED)
        return PQ_RLE_DICTIONARY;
    *code = trial(w, b, PQ_RLE_DICTIONARY, &packed);
    w->dict.width = bytes;
    if (*code == TD_OK)
        *code = trial(w, b, PQ_RLE_DICTIONARY, &whole);
    const size_t trials = b->present / PQ_TRIAL, chunk = packed * trials + w->dict.count * b->width / 2;
    if (whole >= packed || (packed - whole) * trials < chunk / 8)
        w->dict.width = need;
    return PQ_RLE_DICTIONARY;
}

static int choose_without(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code)
{
    switch (b->column.type) {
    case TD_PQ_FLOAT:
    case TD_PQ_DOUBLE: return split_or_plain(w, b, code);
    case TD_PQ_INT32:
    case TD_PQ_INT64: return PQ_DELTA_BINARY_PACKED;
    case TD_PQ_BYTE_ARRAY: /* DuckDB 1.5 refuses lengths for decimals */
        return b->column.logical == TD_PQ_DECIMAL ? PQ_PLAIN : PQ_DELTA_LENGTH_BYTE_ARRAY;
    default: return PQ_PLAIN;
    }
}

int pq_choose(struct td_pq_writer *w, const struct pq_buffer *b, enum td_code *code)
{
    *code = TD_OK;
    if (!b->present)
        return PQ_PLAIN;
    switch (b->column.encoding) {
    case TD_PQ_ENC_PLAIN: return PQ_PLAIN;
    case TD_PQ_ENC_DELTA: return PQ_DELTA_BINARY_PACKED;
    case TD_PQ_ENC_DELTA_LENGTH: return PQ_DELTA_LENGTH_BYTE_ARRAY;
    case TD_PQ_ENC_DELTA_BYTES: return PQ_DELTA_BYTE_ARRAY;
    case TD_PQ_ENC_BYTE_STREAM_SPLIT: return PQ_BYTE_STREAM_SPLIT;
    case TD_PQ_ENC_RLE: return PQ_RLE;
    case TD_PQ_ENC_DICT:
        if (pq_dict_try(w, b, b->present, PQ_DICT_MOST_BYTES, code))
            return with_dict(w, b, code);
        return *code == TD_OK ? choose_without(w, b, code) : PQ_PLAIN;
    case TD_PQ_ENC_AUTO: break;
    }
    if (!w->options.no_dictionary && rule_dict(w, b, code))
        return with_dict(w, b, code);
    return *code == TD_OK ? choose_without(w, b, code) : PQ_PLAIN;
}
