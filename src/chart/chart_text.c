/* SPDX-License-Identifier: GPL-3.0-or-later
 * chart_text: names of roles and tiers, and numbers as people read them. Digits are made from integers, so that the
 * decimal point never follows the locale of the process. */
#include <string.h>

#include <tapedeck/chart.h>

#include "chart_internal.h"

static const char *const role_names[TD_ROLE_COUNT] = {
#define ROLE_NAME(name, text) text,
    TD_ROLES(ROLE_NAME)
#undef ROLE_NAME
};

const char *td_role_name(enum td_role role)
{
    return (unsigned)role < TD_ROLE_COUNT ? role_names[role] : "?";
}

static const char *const tier_names[] = {"ascii", "block", "braille"};

const char *td_tier_name(enum td_tier tier)
{
    return (unsigned)tier < TD_COUNT(tier_names) ? tier_names[tier] : "?";
}

bool td_tier_parse(const char *text, enum td_tier *out)
{
    for (size_t i = 0; text && i < TD_COUNT(tier_names); i++) {
        if (strcmp(text, tier_names[i]) == 0) {
            *out = (enum td_tier)i;
            return true;
        }
    }
    return false;
}

static size_t put_text(char *out, const char *text)
{
    td_copy(out, CHART_NUMBER, text);
    return strlen(out);
}

/* value with `decimals` digits after the point, thousands grouped when the integer part has five digits or more.
 * Values beyond 1e15 are written with an exponent: nobody reads that many digits. */
size_t chart_fixed_text(double value, int decimals, char *out)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000};
    if (!isfinite(value))
        return put_text(out, "n/a");
    if (fabs(value) >= 1e15)
        return td_format_f64(value, out);
    int64_t scaled = (int64_t)rintl((long double)value * powers[decimals]);
    bool negative = scaled < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)scaled : (uint64_t)scaled;
    uint64_t unit = (uint64_t)powers[decimals];
    bool grouped = magnitude / unit >= 10000;
    char reversed[CHART_NUMBER];
    size_t n = 0;
    for (int i = 0; i < decimals; i++, magnitude /= 10)
        reversed[n++] = (char)('0' + magnitude % 10);
    if (decimals)
        reversed[n++] = '.';
    int digits = 0;
    do {
        if (grouped && digits && digits % 3 == 0)
            reversed[n++] = ',';
        reversed[n++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
        digits++;
    } while (magnitude);
    if (negative)
        reversed[n++] = '-';
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    out[n] = '\0';
    return n;
}

size_t td_price_text(double price, char *out)
{
    return chart_fixed_text(price, fabs(price) < 1 ? 4 : 2, out);
}

/* Three significant digits of 0 < value < 1000, or fewer when they are zeros of a whole number. */
static int short_decimals(double value)
{
    if (value >= 99.95)
        return 0;
    return value >= 9.995 ? 1 : 2;
}

size_t td_short_text(double value, char *out)
{
    static const char suffix[] = " KMBT";
    if (!isfinite(value))
        return put_text(out, "n/a");
    double scaled = fabs(value);
    size_t step = 0;
    /* 999.5 of one unit is 1.00 of the next. */
    while (scaled >= 999.5 && step + 1 < sizeof suffix - 1) {
        scaled /= 1000;
        step++;
    }
    if (scaled >= 999.5)
        return td_format_f64(value, out);
    bool whole = step == 0 && scaled == floor(scaled);
    size_t n = chart_fixed_text(value < 0 ? -scaled : scaled, whole ? 0 : short_decimals(scaled), out);
    if (step) {
        out[n++] = suffix[step];
        out[n] = '\0';
    }
    return n;
}

size_t td_percent_text(double fraction, char *out)
{
    double percent = fraction * 100;
    if (!isfinite(percent) || fabs(percent) >= 1e12)
        return put_text(out, isfinite(percent) ? (percent > 0 ? "> +1e12%" : "< -1e12%") : "n/a");
    char digits[CHART_NUMBER];
    chart_fixed_text(fabs(percent), 2, digits);
    bool zero = strcmp(digits, "0.00") == 0;
    td_snprintf(out, CHART_NUMBER, "%s%s%%", zero ? "" : percent < 0 ? "-" : "+", digits);
    return strlen(out);
}
