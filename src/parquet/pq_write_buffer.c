/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rows of the open row group: copied from the caller, present values packed, checked at the door. */
#include <string.h>
#include "pq_hybrid.h"
#include "pq_write.h"

#define PQ_MAX_TEXT (INT64_C(128) << 20) /* a longer value would make pages that readers refuse */

void pq_buffer_clear(struct pq_buffer *b)
{
    b->present = 0;
    td_buf_clear(&b->bytes);
}

void pq_buffer_free(struct pq_buffer *b)
{
    td_free(b->slots);
    td_free(b->ends);
    td_free(b->valid);
    td_buf_free(&b->bytes);
}

struct td_str pq_buffer_text(const struct pq_buffer *b, size_t row)
{
    size_t start = row ? b->ends[row - 1] : 0;
    return (struct td_str){b->bytes.data ? b->bytes.data + start : "", b->ends[row] - start};
}

/* Length of the UTF-8 sequence at p, 0 when it is none (overlong forms, surrogates and cut sequences included). */
static size_t sequence(const uint8_t *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

static bool is_utf8(struct td_str s)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        if (s.len - i >= 8 && !(pq_load64(p + i) & UINT64_C(0x8080808080808080))) {
            i += 8;
            continue;
        }
        size_t len = sequence(p + i, s.len - i);
        if (!len)
            return false;
        i += len;
    }
    return true;
}

static enum td_code no_memory(const struct td_pq_writer *w, struct td_err *err)
{
    return td_fail(err, TD_NOMEM, "%s: out of memory for the rows to write", w->name);
}

static enum td_code append_valid(struct td_pq_writer *w, struct pq_buffer *b, const uint64_t *valid, size_t from,
                                 size_t n, struct td_err *err)
{
    size_t words = TD_PQ_WORDS(w->rows + n), have = TD_PQ_WORDS(w->rows);
    if (td_grow(&b->valid, &b->valid_cap, words, sizeof *b->valid, err) != TD_OK)
        return no_memory(w, err);
    memset(b->valid + have, 0, (words - have) * sizeof *b->valid);
    if (!valid) {
        pq_bits_set(b->valid, w->rows, n);
        return TD_OK;
    }
    for (size_t i = 0; i < n; i++)
        if (td_pq_valid(valid, from + i))
            b->valid[(w->rows + i) / 64] |= UINT64_C(1) << ((w->rows + i) % 64);
    return TD_OK;
}

static enum td_code append_slots(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array,
                                 size_t from, size_t n, struct td_err *err)
{
    const uint8_t *src = (const uint8_t *)array->values + from * b->width;
    size_t present = array->valid ? pq_bits_count(array->valid, from, n) : n;
    size_t slots = b->present + present;
    /* One slot at least, so that a column of nulls alone has a place to point at, too. */
    if (td_grow(&b->slots, &b->slots_cap, (slots ? slots : 1) * b->width, 1, err) != TD_OK)
        return no_memory(w, err);
    uint8_t *dst = b->slots + b->present * b->width;
    b->present += present;
    if (present == n) {
        memcpy(dst, src, n * b->width);
        return TD_OK;
    }
    for (size_t i = 0; i < n; i++, src += b->width)
        if (td_pq_valid(array->valid, from + i)) {
            memcpy(dst, src, b->width);
            dst += b->width;
        }
    return TD_OK;
}

static enum td_code append_texts(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array,
                                 size_t from, size_t n, struct td_err *err)
{
    const struct td_str *src = (const struct td_str *)array->values + from;
    const struct td_str *checked = NULL; /* repeated texts, such as a ticker, are validated once */
    if (td_grow(&b->ends, &b->ends_cap, w->rows + n, sizeof *b->ends, err) != TD_OK)
        return no_memory(w, err);
    for (size_t i = 0; i < n; i++) {
        if (td_pq_valid(array->valid, from + i)) {
            if (src[i].len > PQ_MAX_TEXT)
                return td_fail(err, TD_LIMIT, "%s: column %s: a text of %zu bytes is too long", w->name, b->column.name,
                               src[i].len);
            bool known = checked && checked->ptr == src[i].ptr && checked->len == src[i].len;
            if (b->column.logical == TD_PQ_STRING && !known && !is_utf8(src[i]))
                return td_fail(err, TD_DATA, "%s: column %s: a text is not UTF-8", w->name, b->column.name);
            checked = &src[i];
            td_buf_add(&b->bytes, src[i].ptr, src[i].len);
            b->present++;
        }
        b->ends[w->rows + i] = b->bytes.len;
    }
    return b->bytes.failed ? no_memory(w, err) : TD_OK;
}

enum td_code pq_buffer_append(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array, size_t from,
                              size_t n, struct td_err *err)
{
    if (!b->column.optional && array->valid && pq_bits_count(array->valid, from, n) != n)
        return td_fail(err, TD_DATA, "%s: column %s: a null in a required column", w->name, b->column.name);
    if (b->column.optional) {
        enum td_code code = append_valid(w, b, array->valid, from, n, err);
        if (code != TD_OK)
            return code;
    }
    return b->width ? append_slots(w, b, array, from, n, err) : append_texts(w, b, array, from, n, err);
}
