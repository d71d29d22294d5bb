/* SPDX-License-Identifier: GPL-3.0-or-later
 * What may be written: columns that the format knows, and values that readers can trust to be what the schema says. */
#include <string.h>
#include "pq_hybrid.h"
#include "pq_write.h"

#define PQ_MAX_FIXED (INT32_C(1) << 27)
#define PQ_MAX_DIGITS 76     /* of a decimal: what fits into 32 bytes */

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

bool pq_is_utf8(struct td_str s)
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

/* ---- decimals: 256-bit magnitudes in four words ---- */

static void power_of_ten(int32_t digits, uint64_t out[4])
{
    memset(out, 0, 4 * sizeof *out);
    out[0] = 1;
    for (; digits; digits--) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++) {
            uint64_t low = (out[i] & UINT32_MAX) * 10 + carry, high = (out[i] >> 32) * 10 + (low >> 32);
            out[i] = high << 32 | (low & UINT32_MAX);
            carry = high >> 32;
        }
    }
}

static unsigned bit_length(const uint64_t words[4])
{
    for (int i = 3; i >= 0; i--)
        if (words[i])
            return (unsigned)i * 64 + pq_bits_needed(words[i]);
    return 0;
}

/* Is the big-endian two's complement number nearer to zero than 10^precision? More than 16 bytes are refused where 38 digits
 * would do: readers that hold decimals in 128 bits do not look whether the rest says anything. */
static bool digits_fit(struct td_str s, const uint64_t limit[4])
{
    if (!s.len || s.len > (limit[2] || limit[3] ? 32 : 16))
        return false;
    const uint8_t *p = (const uint8_t *)s.ptr, flip = p[0] & 0x80 ? 0xff : 0;
    uint64_t words[4] = {0};
    for (size_t i = 0; i < s.len; i++) {
        size_t place = s.len - 1 - i;
        words[place / 8] |= (uint64_t)(uint8_t)(p[i] ^ flip) << (place % 8 * 8);
    }
    for (int i = 0; flip && i < 4 && !++words[i]; i++)
        ;
    for (int i = 3; i >= 0; i--)
        if (words[i] != limit[i])
            return words[i] < limit[i];
    return false;
}

/* ---- columns ---- */

static void range(struct pq_buffer *b, int64_t low, int64_t high)
{
    b->check.kind = PQ_CHECK_RANGE;
    b->check.low = low;
    b->check.high = high;
}

static bool set_integer(struct pq_buffer *b)
{
    const struct td_pq_column *c = &b->column;
    if (c->type == TD_PQ_INT64)
        return c->bits == 64;
    if (c->type != TD_PQ_INT32 || (c->bits != 8 && c->bits != 16 && c->bits != 32))
        return false;
    if (c->bits < 32)
        range(b, c->is_signed ? -(INT64_C(1) << (c->bits - 1)) : 0,
              (INT64_C(1) << (c->is_signed ? c->bits - 1 : c->bits)) - 1);
    return true;
}

static bool set_time(struct pq_buffer *b)
{
    static const int64_t day[] = {INT64_C(86400000), INT64_C(86400000000), INT64_C(86400000000000)};
    const struct td_pq_column *c = &b->column;
    if (c->unit > TD_PQ_NANOS || c->type != (c->unit == TD_PQ_MILLIS ? TD_PQ_INT32 : TD_PQ_INT64))
        return false;
    range(b, 0, day[c->unit] - 1);
    return true;
}

static bool set_decimal(struct pq_buffer *b)
{
    const struct td_pq_column *c = &b->column;
    if (c->precision < 1 || c->precision > PQ_MAX_DIGITS || c->scale < 0 || c->scale > c->precision)
        return false;
    power_of_ten(c->precision, b->check.limit);
    if (c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64) {
        range(b, 1 - (int64_t)b->check.limit[0], (int64_t)b->check.limit[0] - 1);
        return c->precision <= (c->type == TD_PQ_INT32 ? 9 : 18);
    }
    b->check.kind = PQ_CHECK_DIGITS;
    if (c->type == TD_PQ_FIXED)
        return c->length > 0 && c->length <= (c->precision <= 38 ? 16 : 32) &&
               bit_length(b->check.limit) < (unsigned)c->length * 8;
    return c->type == TD_PQ_BYTE_ARRAY;
}

static bool set_logical(struct pq_buffer *b)
{
    const struct td_pq_column *c = &b->column;
    switch (c->logical) {
    case TD_PQ_PLAIN: return true;
    case TD_PQ_STRING:
    case TD_PQ_ENUM:
    case TD_PQ_JSON: b->check.kind = PQ_CHECK_UTF8; return c->type == TD_PQ_BYTE_ARRAY;
    case TD_PQ_BSON: return c->type == TD_PQ_BYTE_ARRAY;
    case TD_PQ_DATE: return c->type == TD_PQ_INT32;
    case TD_PQ_TIMESTAMP: return c->type == TD_PQ_INT64 && c->unit <= TD_PQ_NANOS;
    case TD_PQ_TIME: return set_time(b);
    case TD_PQ_INTEGER: return set_integer(b);
    case TD_PQ_DECIMAL: return set_decimal(b);
    case TD_PQ_UUID: return c->type == TD_PQ_FIXED && c->length == 16;
    case TD_PQ_FLOAT16: return c->type == TD_PQ_FIXED && c->length == 2;
    case TD_PQ_OTHER: break;
    }
    return false;
}

static bool encoding_suits(const struct td_pq_column *c)
{
    const bool whole = c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64;
    switch (c->encoding) {
    case TD_PQ_ENC_AUTO:
    case TD_PQ_ENC_PLAIN: return true;
    case TD_PQ_ENC_DICT: return c->type != TD_PQ_BOOLEAN;
    case TD_PQ_ENC_DELTA: return whole;
    case TD_PQ_ENC_DELTA_LENGTH: return c->type == TD_PQ_BYTE_ARRAY;
    case TD_PQ_ENC_DELTA_BYTES: return c->type == TD_PQ_BYTE_ARRAY || c->type == TD_PQ_FIXED;
    case TD_PQ_ENC_BYTE_STREAM_SPLIT:
        return whole || c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE || c->type == TD_PQ_FIXED;
    case TD_PQ_ENC_RLE: return c->type == TD_PQ_BOOLEAN;
    }
    return false;
}

enum td_code pq_check_column(const char *name, struct pq_buffer *b, struct td_err *err)
{
    const struct td_pq_column *c = &b->column;
    const char *why = NULL;
    if (c->type > TD_PQ_FIXED || (c->type == TD_PQ_FIXED && (c->length < 1 || c->length > PQ_MAX_FIXED)))
        why = "its type cannot be written";
    else if (!pq_is_utf8(td_str_of(c->name)))
        why = "its name is not UTF-8";
    else if (!set_logical(b))
        why = "its logical type does not suit its physical type, width or precision";
    else if (!encoding_suits(c))
        why = "its encoding does not suit its type";
    if (why)
        return td_fail(err, TD_UNSUPPORTED, "%s: column %s: %s", name, c->name, why);
    b->width = c->type == TD_PQ_BYTE_ARRAY ? 0
               : c->type == TD_PQ_FIXED    ? (size_t)c->length
               : c->type == TD_PQ_INT96    ? 12
                                           : td_pq_width(c->type);
    return TD_OK;
}

/* ---- values ---- */

static bool number_fits(const struct pq_buffer *b, size_t k)
{
    int64_t wide;
    int32_t v;
    if (b->width == 8) {
        memcpy(&wide, b->slots + k * 8, 8);
    } else {
        memcpy(&v, b->slots + k * 4, 4);
        wide = v;
    }
    return wide >= b->check.low && wide <= b->check.high;
}

size_t pq_check_values(const struct pq_buffer *b, size_t first, size_t count, const char **why)
{
    struct td_str seen = {NULL, 0}; /* repeated texts, such as a ticker, are looked at once */
    size_t k = 0;
    switch (b->check.kind) {
    case PQ_CHECK_NONE: return count;
    case PQ_CHECK_RANGE:
        *why = b->column.logical == TD_PQ_TIME      ? "a time lies outside its day"
               : b->column.logical == TD_PQ_DECIMAL ? "a decimal has more digits than its precision"
                                                    : "a number does not fit its declared width";
        while (k < count && number_fits(b, first + k))
            k++;
        return k;
    case PQ_CHECK_DIGITS:
        *why = "a decimal has more digits or bytes than its precision needs, or none";
        while (k < count && digits_fit(pq_buffer_value(b, first + k), b->check.limit))
            k++;
        return k;
    case PQ_CHECK_UTF8:
        *why = "a text is not UTF-8";
        if (b->constant && count && (first || pq_is_utf8(pq_buffer_value(b, 0))))
            return count;
        for (; k < count; k++) {
            struct td_str s = pq_buffer_value(b, first + k);
            bool known = k && s.len == seen.len && memcmp(s.ptr, seen.ptr, s.len) == 0;
            if (!known && !pq_is_utf8(s))
                return k;
            seen = s;
        }
    }
    return count;
}
