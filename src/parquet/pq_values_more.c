/* SPDX-License-Identifier: GPL-3.0-or-later
 * Value decoders of the delta family and of BYTE_STREAM_SPLIT. */
#include <string.h>
#include "pq_values_more.h"

#define PQ_LENGTHS 512 /* lengths decoded at a time */
#define PQ_INLINE static inline __attribute__((always_inline))

static const char *no_memory(struct pq_values *v)
{
    v->code = v->pool->code;
    return "its texts need more memory than allowed";
}

const char *pq_read_delta(struct pq_values *v, void *out, size_t count)
{
    const char *why = NULL;
    if (!v->opened) {
        v->opened = true;
        why = pq_delta_init(&v->delta, v->p, (size_t)(v->end - v->p));
    }
    if (why || !out)
        return why ? why : pq_delta_skip(&v->delta, count);
    if (v->slot == 8)
        return pq_delta_read(&v->delta, out, count);
    uint64_t wide[PQ_LENGTHS];
    int32_t *to = out;
    while (count && !why) { /* INT32: the low half, whatever width the writer computed in */
        size_t n = count < PQ_LENGTHS ? count : PQ_LENGTHS;
        why = pq_delta_read(&v->delta, wide, n);
        for (size_t i = 0; i < n && !why; i++)
            to[i] = (int32_t)(uint32_t)wide[i];
        to += n;
        count -= n;
    }
    return why;
}

/* Lengths first, then all bytes: the end of the lengths is found by walking their blocks. */
static const char *open_delta_texts(struct pq_values *v)
{
    const uint8_t *texts;
    const char *why = pq_delta_init(&v->delta, v->p, (size_t)(v->end - v->p));
    v->opened = true;
    if (!why)
        why = pq_delta_end(&v->delta, &texts);
    if (!why)
        v->p = texts;
    return why;
}

/* The next n lengths, each checked to be a sane size; their sum is returned too. */
static const char *read_lengths(struct pq_delta *d, uint64_t *lengths, size_t n, uint64_t *sum)
{
    const char *why = pq_delta_read(d, lengths, n);
    *sum = 0;
    for (size_t i = 0; i < n && !why; i++) {
        lengths[i] = (uint32_t)lengths[i];
        if (lengths[i] > INT32_MAX)
            return "a text has a negative length";
        *sum += lengths[i];
    }
    return why;
}

const char *pq_read_delta_texts(struct pq_values *v, struct td_str *out, size_t count)
{
    uint64_t lengths[PQ_LENGTHS], sum;
    const char *why = v->opened ? NULL : open_delta_texts(v);
    while (count && !why) {
        size_t n = count < PQ_LENGTHS ? count : PQ_LENGTHS;
        why = read_lengths(&v->delta, lengths, n, &sum);
        if (why)
            break;
        if (sum > (uint64_t)(v->end - v->p))
            return "the texts are longer than their page";
        for (size_t i = 0; i < n; i++) {
            if (out)
                out[i] = (struct td_str){(const char *)v->p, (size_t)lengths[i]};
            v->p += lengths[i];
        }
        out = out ? out + n : NULL;
        count -= n;
    }
    return why;
}

static const char *open_prefixed(struct pq_values *v)
{
    const uint8_t *next;
    const char *why = pq_delta_init(&v->delta, v->p, (size_t)(v->end - v->p));
    v->opened = true;
    if (why || (why = pq_delta_end(&v->delta, &next)))
        return why;
    if ((why = pq_delta_init(&v->suffixes, next, (size_t)(v->end - next))) || (why = pq_delta_end(&v->suffixes, &next)))
        return why;
    v->p = next;
    return NULL;
}

/* Rebuild n texts; `room` has space for all of them. */
static const char *join(struct pq_values *v, struct td_str *out, const uint64_t *prefix, const uint64_t *suffix,
                        size_t n, char *room)
{
    for (size_t i = 0; i < n; i++) {
        size_t keep = (size_t)prefix[i], add = (size_t)suffix[i];
        if (keep > v->last.len)
            return "a text repeats more of the one before than there is";
        if (v->type == TD_PQ_FIXED && keep + add != v->length)
            return "a fixed-length value has another length";
        if (keep)
            memcpy(room, v->last.ptr, keep);
        if (add)
            memcpy(room + keep, v->p, add);
        v->p += add;
        v->last = (struct td_str){room, keep + add};
        if (out)
            out[i] = v->last;
        room += keep + add;
    }
    return NULL;
}

/* A page of these can grow to the square of its size; the reader's budget bounds it. */
const char *pq_read_prefixed(struct pq_values *v, struct td_str *out, size_t count)
{
    uint64_t prefix[PQ_LENGTHS], suffix[PQ_LENGTHS], prefixes, suffixes;
    const char *why = v->opened ? NULL : open_prefixed(v);
    while (count && !why) {
        size_t n = count < PQ_LENGTHS ? count : PQ_LENGTHS;
        why = read_lengths(&v->delta, prefix, n, &prefixes);
        if (!why)
            why = read_lengths(&v->suffixes, suffix, n, &suffixes);
        if (why)
            break;
        if (suffixes > (uint64_t)(v->end - v->p))
            return "the texts are longer than their page";
        struct pq_blob *blob = pq_pool_get(v->pool, (size_t)(prefixes + suffixes));
        if (!blob)
            return no_memory(v);
        why = join(v, out, prefix, suffix, n, (char *)blob->data);
        /* The texts stay valid until the caller's next read, the last one until its successor is built. */
        if (out)
            pq_pool_retire(v->pool, v->last_blob);
        else
            pq_pool_put(v->pool, v->last_blob);
        v->last_blob = blob;
        out = out ? out + n : NULL;
        count -= n;
    }
    return why;
}

/* Sixteen bytes, interleaved with sixteen others: the lower or the upper halves. */
typedef uint8_t pq_bytes __attribute__((vector_size(16)));
PQ_INLINE pq_bytes lower(pq_bytes a, pq_bytes b)
{
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
PQ_INLINE pq_bytes upper(pq_bytes a, pq_bytes b)
{
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

PQ_INLINE pq_bytes take16(const uint8_t *from)
{
    pq_bytes v;
    memcpy(&v, from, sizeof v);
    return v;
}

/* Sixteen values of `width` bytes (4 or 8) out of as many streams, `apart` bytes from each other: streams whose numbers lie half
 * the width apart are interleaved, again and again, until each value is whole. */
PQ_INLINE void weave(const uint8_t *streams, size_t apart, size_t width, uint8_t *out)
{
    pq_bytes a[8], b[8];
    for (size_t k = 0; k < width; k++)
        a[k] = take16(streams + k * apart);
    for (size_t turns = width; turns > 1; turns /= 2) {
        for (size_t k = 0; k < width / 2; k++) {
            b[2 * k] = lower(a[k], a[k + width / 2]);
            b[2 * k + 1] = upper(a[k], a[k + width / 2]);
        }
        memcpy(a, b, 16 * width);
    }
    memcpy(out, a, 16 * width);
}

static void merge(const struct pq_values *v, uint8_t *out, size_t count)
{
    const size_t width = v->length, apart = v->stored;
    const uint8_t *streams = v->p + v->at;
    size_t done = 0;
    if (width == 8)
        for (; done + 16 <= count; done += 16)
            weave(streams + done, apart, 8, out + done * 8);
    else if (width == 4)
        for (; done + 16 <= count; done += 16)
            weave(streams + done, apart, 4, out + done * 4);
    for (size_t k = 0; k < width; k++)
        for (size_t i = done; i < count; i++)
            out[i * width + k] = streams[k * apart + i];
}

const char *pq_read_split(struct pq_values *v, void *out, size_t count)
{
    if (count > v->stored - v->at)
        return "a page holds fewer values than its header says";
    if (out && v->type != TD_PQ_FIXED) {
        merge(v, out, count);
    } else if (out) {
        struct pq_blob *blob = pq_pool_get(v->pool, count * v->length);
        struct td_str *texts = out;
        if (!blob)
            return no_memory(v);
        merge(v, blob->data, count);
        for (size_t i = 0; i < count; i++)
            texts[i] = (struct td_str){(const char *)blob->data + i * v->length, v->length};
        pq_pool_retire(v->pool, blob);
    }
    v->at += count;
    return NULL;
}
