/* SPDX-License-Identifier: GPL-3.0-or-later
 * The values of one data page in each encoding that is written. */
#include <string.h>
#include "pq_delta.h"
#include "pq_hybrid.h"
#include "pq_meta.h"
#include "pq_write.h"

static void put_bits(struct td_buf *out, const struct pq_buffer *b, const struct pq_span *p)
{
    const size_t bytes = (p->present + 7) / 8;
    if (!td_buf_reserve(out, bytes))
        return;
    uint8_t *bits = (uint8_t *)out->data + out->len;
    memset(bits, 0, bytes);
    for (size_t i = 0; i < p->present; i++)
        bits[i / 8] |= (uint8_t)((b->slots[p->first + i] != 0) << (i % 8));
    out->len += bytes;
}

static void put_plain(struct td_buf *out, const struct pq_buffer *b, const struct pq_span *p)
{
    if (!p->present)
        return;
    if (b->column.type == TD_PQ_BOOLEAN) {
        put_bits(out, b, p);
    } else if (b->width) {
        td_buf_add(out, b->slots + p->first * b->width, p->present * b->width);
    } else {
        for (size_t k = p->first; k < p->first + p->present; k++) {
            struct td_str s = pq_buffer_value(b, k);
            uint32_t len = (uint32_t)s.len;
            td_buf_add(out, &len, 4);
            td_buf_add(out, s.ptr, s.len);
        }
    }
}

static void put_indices(struct td_pq_writer *w, struct td_buf *out, const struct pq_span *p)
{
    td_buf_addc(out, (char)w->dict.width);
    pq_hybrid_write(out, w->dict.codes + p->first, p->present, w->dict.width);
}

static enum td_code put_runs(struct td_pq_writer *w, struct td_buf *out, const struct pq_buffer *b, const struct pq_span *p)
{
    if (td_grow(&w->levels, &w->levels_cap, p->present + 1, sizeof *w->levels, NULL) != TD_OK)
        return TD_NOMEM;
    for (size_t i = 0; i < p->present; i++)
        w->levels[i] = b->slots[p->first + i] != 0;
    const size_t at = out->len;
    td_buf_add(out, "\0\0\0\0", 4); /* the length of the runs */
    pq_hybrid_write(out, w->levels, p->present, 1);
    if (!out->failed)
        memcpy(out->data + at, &(uint32_t){(uint32_t)(out->len - at - 4)}, 4);
    return TD_OK;
}

static int64_t *wide_room(struct td_pq_writer *w, size_t count)
{
    td_buf_clear(&w->scratch);
    return td_buf_reserve(&w->scratch, (count + 1) * sizeof(int64_t)) ? (int64_t *)(void *)w->scratch.data : NULL;
}

static enum td_code put_deltas(struct td_pq_writer *w, struct td_buf *out, const struct pq_buffer *b,
                               const struct pq_span *p)
{
    if (b->width == 8) {
        pq_delta_write(out, (const int64_t *)(const void *)b->slots + p->first, p->present, 64);
        return TD_OK;
    }
    int64_t *wide = wide_room(w, p->present);
    if (!wide)
        return TD_NOMEM;
    for (size_t k = 0; k < p->present; k++) {
        int32_t v;
        memcpy(&v, b->slots + (p->first + k) * 4, 4);
        wide[k] = v;
    }
    pq_delta_write(out, wide, p->present, 32);
    return TD_OK;
}

static enum td_code put_lengths(struct td_pq_writer *w, struct td_buf *out, const struct pq_buffer *b,
                                const struct pq_span *p)
{
    int64_t *wide = wide_room(w, p->present);
    if (!wide)
        return TD_NOMEM;
    for (size_t k = 0; k < p->present; k++)
        wide[k] = (int64_t)pq_buffer_value(b, p->first + k).len;
    pq_delta_write(out, wide, p->present, 32);
    if (p->present) {
        size_t start = p->first ? b->ends[p->first - 1] : 0;
        td_buf_add(out, b->bytes.data ? b->bytes.data + start : "", b->ends[p->first + p->present - 1] - start);
    }
    return TD_OK;
}

/* Each text as what it shares with the one before and the rest. */
static enum td_code put_prefixed(struct td_pq_writer *w, struct td_buf *out, const struct pq_buffer *b,
                                 const struct pq_span *p)
{
    int64_t *prefix = wide_room(w, 2 * p->present), *suffix = prefix ? prefix + p->present : NULL;
    struct td_str before = {"", 0};
    if (!prefix)
        return TD_NOMEM;
    for (size_t k = 0; k < p->present; k++) {
        struct td_str s = pq_buffer_value(b, p->first + k);
        size_t most = s.len < before.len ? s.len : before.len, same = 0;
        while (same < most && s.ptr[same] == before.ptr[same])
            same++;
        prefix[k] = (int64_t)same;
        suffix[k] = (int64_t)(s.len - same);
        before = s;
    }
    pq_delta_write(out, prefix, p->present, 32);
    pq_delta_write(out, suffix, p->present, 32);
    for (size_t k = 0; k < p->present; k++) {
        struct td_str s = pq_buffer_value(b, p->first + k);
        td_buf_add(out, s.ptr + prefix[k], (size_t)suffix[k]);
    }
    return TD_OK;
}

/* First bytes of all values, then second bytes, and so on. */
static void put_split(struct td_buf *out, const struct pq_buffer *b, const struct pq_span *p)
{
    const size_t n = p->present, width = b->width;
    if (!n || !td_buf_reserve(out, n * width))
        return;
    uint8_t *dst = (uint8_t *)out->data + out->len;
    const uint8_t *src = b->slots + p->first * width;
    for (size_t byte = 0; byte < width; byte++)
        for (size_t i = 0; i < n; i++)
            *dst++ = src[i * width + byte];
    out->len += n * width;
    out->data[out->len] = 0;
}

enum td_code pq_put_values(struct td_pq_writer *w, const struct pq_buffer *b, const struct pq_span *p, int encoding)
{
    struct td_buf *out = &w->body;
    switch (encoding) {
    case PQ_RLE_DICTIONARY: put_indices(w, out, p); return TD_OK;
    case PQ_RLE: return put_runs(w, out, b, p);
    case PQ_DELTA_BINARY_PACKED: return put_deltas(w, out, b, p);
    case PQ_DELTA_LENGTH_BYTE_ARRAY: return put_lengths(w, out, b, p);
    case PQ_DELTA_BYTE_ARRAY: return put_prefixed(w, out, b, p);
    case PQ_BYTE_STREAM_SPLIT: put_split(out, b, p); return TD_OK;
    default: put_plain(out, b, p); return TD_OK;
    }
}
