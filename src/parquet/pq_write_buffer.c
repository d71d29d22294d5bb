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

static enum td_code no_memory(const struct td_pq_writer *w, struct td_err *err)
{
    return td_fail(err, TD_NOMEM, "%s: out of memory for the rows to write", w->name);
}

/* `i` counts the rows of the batch that starts at row `from` of the array. */
static enum td_code bad_row(const struct td_pq_writer *w, const struct pq_buffer *b, size_t i, enum td_code code,
                            const char *why, struct td_err *err)
{
    return td_fail(err, code, "%s: column %s, row %lld: %s", w->name, b->column.name,
                   (long long)w->total + (long long)(w->rows + i), why);
}

/* The batch row of the k-th present value of rows [from, from+n). */
static size_t row_of(const uint64_t *valid, size_t from, size_t k)
{
    size_t i = 0;
    for (;; i++)
        if (td_pq_valid(valid, from + i) && !k--)
            return i;
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

/* Values that the caller holds as they are stored. */
static void copy_slots(struct pq_buffer *b, uint8_t *dst, const struct td_pq_array *array, size_t from, size_t n, bool all)
{
    const uint8_t *src = (const uint8_t *)array->values + from * b->width;
    if (all) {
        memcpy(dst, src, n * b->width);
        return;
    }
    for (size_t i = 0; i < n; i++, src += b->width)
        if (td_pq_valid(array->valid, from + i)) {
            memcpy(dst, src, b->width);
            dst += b->width;
        }
}

/* INT96 and FIXED: the caller has texts of one length. */
static enum td_code copy_fixed(struct td_pq_writer *w, struct pq_buffer *b, uint8_t *dst, const struct td_pq_array *array,
                               size_t from, size_t n, struct td_err *err)
{
    const struct td_str *src = (const struct td_str *)array->values + from;
    for (size_t i = 0; i < n; i++) {
        if (!td_pq_valid(array->valid, from + i))
            continue;
        if (src[i].len != b->width)
            return bad_row(w, b, i, TD_DATA, "a value has another length than its column", err);
        memcpy(dst, src[i].ptr, b->width);
        dst += b->width;
    }
    return TD_OK;
}

static enum td_code append_slots(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array,
                                 size_t from, size_t n, size_t present, struct td_err *err)
{
    size_t slots = b->present + present;
    /* One slot at least, so that a column of nulls alone has a place to point at, too. */
    if (slots > SIZE_MAX / 4 / b->width ||
        td_grow(&b->slots, &b->slots_cap, (slots ? slots : 1) * b->width, 1, err) != TD_OK)
        return no_memory(w, err);
    uint8_t *dst = b->slots + b->present * b->width;
    if (td_pq_width(b->column.type) == sizeof(struct td_str))
        return copy_fixed(w, b, dst, array, from, n, err);
    copy_slots(b, dst, array, from, n, present == n);
    return TD_OK;
}

static enum td_code append_texts(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array,
                                 size_t from, size_t n, size_t present, struct td_err *err)
{
    const struct td_str *src = (const struct td_str *)array->values + from;
    const char *last = NULL; /* where the caller holds the value before */
    size_t k = b->present;
    if (td_grow(&b->ends, &b->ends_cap, k + present, sizeof *b->ends, err) != TD_OK)
        return no_memory(w, err);
    b->constant |= !k;
    for (size_t i = 0; i < n; i++) {
        if (!td_pq_valid(array->valid, from + i))
            continue;
        if (src[i].len > PQ_MAX_TEXT)
            return bad_row(w, b, i, TD_LIMIT, "a text is longer than 128 MiB", err);
        td_buf_add(&b->bytes, src[i].ptr, src[i].len);
        b->ends[k++] = b->bytes.len;
        if (b->constant && !b->bytes.failed && (src[i].ptr != last || src[i].len != b->ends[0]))
            b->constant = td_str_cmp(pq_buffer_value(b, 0), src[i]) == 0;
        last = src[i].ptr;
    }
    return b->bytes.failed ? no_memory(w, err) : TD_OK;
}

enum td_code pq_buffer_append(struct td_pq_writer *w, struct pq_buffer *b, const struct td_pq_array *array, size_t from,
                              size_t n, struct td_err *err)
{
    const size_t present = array->valid ? pq_bits_count(array->valid, from, n) : n;
    const char *why = NULL;
    enum td_code code = TD_OK;
    if (b->column.optional)
        code = append_valid(w, b, array->valid, from, n, err);
    else if (present != n) {
        size_t i = 0;
        while (td_pq_valid(array->valid, from + i))
            i++;
        code = bad_row(w, b, i, TD_DATA, "a null in a required column", err);
    }
    if (code == TD_OK)
        code = b->width ? append_slots(w, b, array, from, n, present, err) : append_texts(w, b, array, from, n, present, err);
    if (code != TD_OK)
        return code;
    size_t sound = pq_check_values(b, b->present, present, &why);
    if (sound < present)
        return bad_row(w, b, row_of(array->valid, from, sound), TD_DATA, why, err);
    b->present += present;
    return TD_OK;
}
