/* SPDX-License-Identifier: GPL-3.0-or-later
 * Numbers to text and back: exact, independent of the locale, and of the whole text. */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapedeck/base.h>

bool td_parse_i64(const char *text, size_t len, int64_t *out)
{
    size_t i = 0;
    bool negative = len && text[0] == '-';
    if (len && (text[0] == '-' || text[0] == '+'))
        i++;
    if (i == len)
        return false;
    uint64_t value = 0, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
    for (; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

/* A decimal taken apart: value = mantissa * 10^exponent, `exact` while the mantissa holds every digit. */
struct decimal {
    uint64_t mantissa;
    int exponent;
    bool negative, exact;
};

static bool scan_exponent(const char *text, size_t len, size_t *pos, int *exponent)
{
    size_t i = *pos + 1;
    bool negative = i < len && text[i] == '-';
    if (i < len && (text[i] == '-' || text[i] == '+'))
        i++;
    if (i == len)
        return false;
    int value = 0;
    for (; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (value < 100000)
            value = value * 10 + (text[i] - '0');
    }
    *exponent += negative ? -value : value;
    *pos = i;
    return true;
}

static bool scan_decimal(const char *text, size_t len, struct decimal *out)
{
    *out = (struct decimal){.exact = true};
    size_t i = 0, digits = 0;
    if (len && (text[0] == '-' || text[0] == '+')) {
        out->negative = text[0] == '-';
        i++;
    }
    bool point = false;
    for (; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit <= 9) {
            digits++;
            if (out->mantissa < UINT64_C(1000000000000000000)) {
                out->mantissa = out->mantissa * 10 + digit;
                out->exponent -= point;
            } else {
                out->exact = out->exact && digit == 0;
                out->exponent += !point;
            }
        } else if (text[i] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (digits == 0)
        return false;
    if (i < len && (text[i] == 'e' || text[i] == 'E') && !scan_exponent(text, len, &i, &out->exponent))
        return false;
    return i == len;
}

static locale_t the_c_locale; /* written once, under the once control */
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
    the_c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* never fails for "C": it is built into libc */
}

static locale_t c_locale(void)
{
    pthread_once(&locale_once, make_locale);
    return the_c_locale;
}

bool td_parse_f64(const char *text, size_t len, double *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    if (!scan_decimal(text, len, &d))
        return false;
    /* Clinger 1990: both operands exact in binary64, so one correctly rounded operation gives the nearest double. */
    if (d.exact && d.mantissa <= UINT64_C(1) << 53 && d.exponent >= -22 && d.exponent <= 22) {
        double value = (double)d.mantissa;
        value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
        *out = d.negative ? -value : value;
        return true;
    }
    char copy[512];
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    copy[len] = 0;
    double value = strtod_l(copy, NULL, c_locale());
    if (isinf(value))
        return false;
    *out = value;
    return true;
}

bool td_parse_size(const char *text, size_t len, uint64_t *out)
{
    size_t digits = 0;
    while (digits < len && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    int64_t value;
    if (!td_parse_i64(text, digits, &value))
        return false;
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"", 0},     {"B", 0},   {"k", 10},  {"K", 10},  {"KiB", 10}, {"M", 20},
                 {"MiB", 20}, {"G", 30},  {"GiB", 30}, {"T", 40},  {"TiB", 40}};
    for (size_t i = 0; i < TD_COUNT(units); i++)
        if (td_str_is((struct td_str){text + digits, len - digits}, units[i].unit)) {
            if ((uint64_t)value > UINT64_MAX >> units[i].shift)
                return false;
            *out = (uint64_t)value << units[i].shift;
            return true;
        }
    return false;
}

bool td_parse_bool(const char *text, size_t len, bool *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < TD_COUNT(words); i++)
        if (td_str_is((struct td_str){text, len}, words[i])) {
            *out = i & 1;
            return true;
        }
    return false;
}

size_t td_format_i64(int64_t value, char *out)
{
    char reversed[24];
    size_t n = 0, len = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0)
        out[len++] = '-';
    while (n)
        out[len++] = reversed[--n];
    out[len] = 0;
    return len;
}

/* Prices and volumes are mostly decimals of up to 6 places: try value = m / 10^k before the general search. */
static size_t format_short_decimal(double value, char *out)
{
    static const double scales[] = {1, 10, 100, 1000, 1e4, 1e5, 1e6};
    double magnitude = fabs(value);
    if (!(magnitude < 1e9) || (value == 0 && signbit(value)) || (magnitude < 1e-4 && magnitude != 0))
        return 0;
    for (int k = 0; k < (int)TD_COUNT(scales); k++) {
        double scaled = magnitude * scales[k];
        uint64_t m = (uint64_t)(scaled + 0.5);
        if ((double)m / scales[k] != magnitude) /* m < 2^53 and 10^k exact: the division is what a reader computes */
            continue;
        size_t len = 0;
        if (value < 0)
            out[len++] = '-';
        uint64_t scale = (uint64_t)scales[k];
        len += td_format_i64((int64_t)(m / scale), out + len);
        if (k) {
            uint64_t part = m % scale;
            out[len++] = '.';
            for (int i = k - 1; i >= 0; i--) {
                out[len + (size_t)i] = (char)('0' + part % 10);
                part /= 10;
            }
            len += (size_t)k;
        }
        out[len] = 0;
        return len;
    }
    return 0;
}

size_t td_format_f64(double value, char *out)
{
    if (isnan(value))
        return memcpy(out, "nan", 4), 3;
    if (isinf(value))
        return value > 0 ? (memcpy(out, "inf", 4), 3) : (memcpy(out, "-inf", 5), 4);
    size_t len = format_short_decimal(value, out);
    if (len)
        return len;
    /* %.15g is right for most decimals, 17 digits always read back; denormals need fewer than 15. */
    int first = fabs(value) < 1e-300 ? 1 : 15;
    locale_t before = uselocale(c_locale());
    for (int digits = first; digits <= 17; digits++) {
        int n = snprintf(out, 32, "%.*g", digits, value);
        len = n > 0 ? (size_t)n : 0;
        if (strtod_l(out, NULL, c_locale()) == value)
            break;
    }
    uselocale(before);
    return len;
}
