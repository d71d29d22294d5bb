/* SPDX-License-Identifier: GPL-3.0-or-later
 * DECIMAL values, whatever type carries them: their exact text, and the double nearest to it. */
#include <math.h>
#include <string.h>
#include <tapedeck/parquet.h>

#define PQ_WIDE 32   /* bytes that hold 76 digits and their sign */
#define PQ_DIGITS 80 /* of so many bytes */

/* The unscaled number as big-endian two's complement without needless sign bytes; false when it is still wider than
 * decimals are. */
static bool unscaled(const struct td_pq_column *column, const void *values, size_t i, uint8_t bytes[PQ_WIDE],
                     size_t *len)
{
    struct td_str s;
    uint8_t big[8];
    if (column->type == TD_PQ_INT32 || column->type == TD_PQ_INT64) {
        int64_t value = column->type == TD_PQ_INT32 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
        for (size_t k = 0; k < 8; k++)
            big[k] = (uint8_t)((uint64_t)value >> (56 - 8 * k));
        s = (struct td_str){(const char *)big, sizeof big};
    } else {
        s = ((const struct td_str *)values)[i];
    }
    while (s.len > 1 && ((uint8_t)s.ptr[0] == 0 || (uint8_t)s.ptr[0] == 255) && !((s.ptr[0] ^ s.ptr[1]) & 0x80)) {
        s.ptr++;
        s.len--;
    }
    *len = s.len;
    if (s.len > PQ_WIDE)
        return false;
    if (s.len)
        memcpy(bytes, s.ptr, s.len);
    return true;
}

/* Digits of the number's size, least first; the bytes are used up. */
static size_t digits_of(uint8_t *bytes, size_t len, bool negative, char digits[PQ_DIGITS])
{
    size_t count = 0, from = 0;
    unsigned carry = negative;
    for (size_t i = len; i-- > 0;) {
        unsigned byte = (negative ? (uint8_t)~bytes[i] : bytes[i]) + carry;
        bytes[i] = (uint8_t)byte;
        carry = byte >> 8;
    }
    while (from < len && count < PQ_DIGITS) {
        unsigned rest = 0;
        for (size_t i = from; i < len; i++) {
            rest = rest * 256 + bytes[i];
            bytes[i] = (uint8_t)(rest / 10);
            rest %= 10;
        }
        digits[count++] = (char)('0' + rest);
        while (from < len && bytes[from] == 0)
            from++;
    }
    return count;
}

size_t td_pq_decimal_text(const struct td_pq_column *column, const void *values, size_t i, char out[128])
{
    uint8_t bytes[PQ_WIDE];
    char digits[PQ_DIGITS];
    size_t len, n = 0, scale = column->scale > 0 && column->scale <= 76 ? (size_t)column->scale : 0;
    out[0] = 0;
    if (!unscaled(column, values, i, bytes, &len))
        return 0;
    const bool negative = len && bytes[0] & 0x80;
    const size_t count = digits_of(bytes, len, negative, digits);
    if (negative)
        out[n++] = '-';
    if (count <= scale)
        out[n++] = '0';
    for (size_t k = count > scale ? count : scale; k-- > 0;) {
        if (k + 1 == scale)
            out[n++] = '.';
        out[n++] = k < count ? digits[k] : '0';
    }
    out[n] = 0;
    return n;
}

/* A number below 2^53 and a power of ten up to 10^22 are exact doubles, so their quotient is rounded once (Clinger
 * 1990). */
double td_pq_decimal_f64(const struct td_pq_column *column, const void *values, size_t i)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char text[128];
    double value;
    if ((column->type == TD_PQ_INT32 || column->type == TD_PQ_INT64) && column->scale >= 0 &&
        (size_t)column->scale < TD_COUNT(powers)) {
        const int64_t number =
            column->type == TD_PQ_INT32 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
        if (number > -(INT64_C(1) << 53) && number < INT64_C(1) << 53)
            return (double)number / powers[column->scale];
    }
    size_t len = td_pq_decimal_text(column, values, i, text);
    return len && td_parse_f64(text, len, &value) ? value : (double)NAN;
}
