/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decoder of the raw Snappy block format: a length, then literals and copies. Written here because the format is a page
 * long, the library offers no pkg-config file, and pages need no framing. */
#include <string.h>
#include "pq_codec.h"

struct snappy {
    const uint8_t *p, *end;
    uint8_t *start, *at, *limit; /* output */
};

static bool read_length(struct snappy *s, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (s->p >= s->end)
            return false;
        uint8_t b = *s->p++;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool little(struct snappy *s, unsigned bytes, uint32_t *out)
{
    uint32_t v = 0;
    if ((size_t)(s->end - s->p) < bytes)
        return false;
    memcpy(&v, s->p, bytes);
    s->p += bytes;
    *out = v;
    return true;
}

static bool literal(struct snappy *s, unsigned tag)
{
    uint32_t extra = 0;
    size_t len = (tag >> 2) + 1;
    if (tag >> 2 >= 60) {
        if (!little(s, (tag >> 2) - 59, &extra))
            return false;
        len = (size_t)extra + 1;
    }
    if (len > (size_t)(s->end - s->p) || len > (size_t)(s->limit - s->at))
        return false;
    if (len <= 16 && s->end - s->p >= 16 && s->limit - s->at >= 16)
        memcpy(s->at, s->p, 16);
    else
        memcpy(s->at, s->p, len);
    s->at += len;
    s->p += len;
    return true;
}

static bool copy(struct snappy *s, size_t offset, size_t len)
{
    if (!offset || offset > (size_t)(s->at - s->start) || len > (size_t)(s->limit - s->at))
        return false;
    const uint8_t *from = s->at - offset;
    if (offset >= 16 && s->limit - s->at >= 64) { /* len is at most 64: whole 16-byte steps stay inside */
        for (size_t i = 0; i < len; i += 16)
            memcpy(s->at + i, from + i, 16);
        s->at += len;
        return true;
    }
    while (len--) /* overlapping copies repeat what they have just written */
        *s->at++ = *from++;
    return true;
}

bool pq_snappy_decode(const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len)
{
    struct snappy s = {src, src + src_len, dst, dst, dst + dst_len};
    uint64_t claimed;
    if (!read_length(&s, &claimed) || claimed != dst_len)
        return false;
    while (s.p < s.end) {
        unsigned tag = *s.p++;
        uint32_t v = 0;
        bool ok;
        switch (tag & 3) {
        case 0: ok = literal(&s, tag); break;
        case 1: ok = little(&s, 1, &v) && copy(&s, (tag >> 5) << 8 | v, (tag >> 2 & 7) + 4); break;
        case 2: ok = little(&s, 2, &v) && copy(&s, v, (tag >> 2) + 1); break;
        default: ok = little(&s, 4, &v) && copy(&s, v, (tag >> 2) + 1);
        }
        if (!ok)
            return false;
    }
    return s.at == s.limit;
}
