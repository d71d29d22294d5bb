/* SPDX-License-Identifier: GPL-3.0-or-later
 * Capped growable buffers and small string helpers. */
#include <stdio.h>
#include <string.h>
#include <tapedeck/base.h>

bool td_str_is(struct td_str s, const char *text)
{
    size_t len = strlen(text);
    return s.len == len && (len == 0 || memcmp(s.ptr, text, len) == 0);
}

int td_str_cmp(struct td_str a, struct td_str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct td_str td_str_of(const char *text)
{
    return (struct td_str){text, strlen(text)};
}

void td_buf_init(struct td_buf *buf, size_t max)
{
    *buf = (struct td_buf){.max = max};
}

void td_buf_free(struct td_buf *buf)
{
    td_free(buf->data);
    *buf = (struct td_buf){.max = buf->max};
}

void td_buf_clear(struct td_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = 0;
}

bool td_buf_reserve(struct td_buf *buf, size_t more)
{
    if (buf->failed || more > buf->max || buf->len > buf->max - more) {
        buf->failed = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need > buf->cap && td_grow(&buf->data, &buf->cap, need, 1, NULL) != TD_OK) {
        buf->failed = true;
        return false;
    }
    return true;
}

void td_buf_add(struct td_buf *buf, const void *data, size_t len)
{
    if (!td_buf_reserve(buf, len))
        return;
    if (len)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = 0;
}

void td_buf_adds(struct td_buf *buf, const char *text)
{
    td_buf_add(buf, text, strlen(text));
}

void td_buf_addc(struct td_buf *buf, char c)
{
    td_buf_add(buf, &c, 1);
}

void td_buf_printf(struct td_buf *buf, const char *fmt, ...)
{
    char small[256];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n < 0) {
        buf->failed = true;
    } else if ((size_t)n < sizeof small) {
        td_buf_add(buf, small, (size_t)n);
    } else if (td_buf_reserve(buf, (size_t)n)) {
        va_start(args, fmt);
        vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, args);
        va_end(args);
        buf->len += (size_t)n;
    }
}

/* Length of the valid UTF-8 sequence at p (1..4), 0 when invalid. Overlong forms and surrogates are invalid. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

/* What JSON may carry raw but YAML reads as a line break or refuses: C1, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF. */
static unsigned to_escape(const unsigned char *p, size_t n)
{
    unsigned code = n == 2 ? (p[0] & 31u) << 6 | (p[1] & 63u)
                    : n == 3 ? (p[0] & 15u) << 12 | (p[1] & 63u) << 6 | (p[2] & 63u)
                             : 0;
    bool escape = (code >= 0x80 && code < 0xa0) || code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe ||
                  code == 0xffff;
    return escape ? code : 0;
}

void td_buf_json(struct td_buf *buf, const char *text, size_t len)
{
    td_buf_addc(buf, '"');
    for (size_t i = 0, n; i < len; i += n) {
        const unsigned char *p = (const unsigned char *)text + i;
        n = utf8_length(p, len - i);
        unsigned code = to_escape(p, n);
        if (n == 0) { /* not UTF-8: JSON has no way to say it */
            td_buf_adds(buf, "\\ufffd");
            n = 1;
        } else if (*p == '"' || *p == '\\') {
            td_buf_printf(buf, "\\%c", *p);
        } else if (*p == '\n') {
            td_buf_adds(buf, "\\n");
        } else if (*p < 0x20 || *p == 0x7f) {
            td_buf_printf(buf, "\\u%04x", *p);
        } else if (code) {
            td_buf_printf(buf, "\\u%04x", code);
        } else {
            td_buf_add(buf, p, n);
        }
    }
    td_buf_addc(buf, '"');
}

void td_buf_f64(struct td_buf *buf, double value)
{
    char text[32];
    if (value - value != 0) { /* nan or infinite: JSON has neither */
        td_buf_adds(buf, "null");
        return;
    }
    td_buf_add(buf, text, td_format_f64(value, text));
}

enum td_code td_buf_check(const struct td_buf *buf, const char *what, struct td_err *err)
{
    if (!buf->failed)
        return TD_OK;
    return td_fail(err, TD_NOMEM, "%s: does not fit in memory or in its limit of %zu bytes", what, buf->max);
}

void td_buf_add_printable(struct td_buf *buf, const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        const unsigned char *p = (const unsigned char *)text + i;
        size_t n = utf8_length(p, len - i);
        bool control = n == 1 && (p[0] < 0x20 || p[0] == 0x7f);
        bool c1 = n == 2 && p[0] == 0xc2 && p[1] < 0xa0; /* 8-bit control codes move some terminals too */
        if (n == 0 || control) {
            td_buf_printf(buf, "\\x%02x", p[0]);
            i++;
        } else if (c1) {
            td_buf_printf(buf, "\\x%02x", p[1]);
            i += 2;
        } else {
            td_buf_add(buf, p, n);
            i += n;
        }
    }
}

bool td_copy(char *dst, size_t size, const char *src)
{
    size_t len = strlen(src);
    bool fits = len < size;
    if (size) {
        if (!fits)
            len = size - 1;
        memmove(dst, src, len);
        dst[len] = 0;
    }
    return fits;
}

bool td_snprintf(char *dst, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(dst, size, fmt, args);
    va_end(args);
    return n >= 0 && (size_t)n < size;
}
