/* SPDX-License-Identifier: GPL-3.0-or-later
 * Page decompressors, one chosen by the first byte, the plain size by the next two. Snappy is ours, so a second
 * decoder, as plain as the format's description, must come to the same bytes; what the encoders make must come back
 * whole; a target of another size than the stream's is refused. */
#include <tapedeck/parquet.h>
#include "parquet/pq_codec.h"
#include "fuzz.h"

#define MOST 65536

/* Snappy byte by byte: the length of what was made, or SIZE_MAX for damage. */
static size_t slow_snappy(const uint8_t *p, size_t len, uint8_t *out, size_t room)
{
    const uint8_t *end = p + len;
    uint64_t claimed = 0;
    size_t made = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (p == end || shift > 28)
            return SIZE_MAX;
        claimed |= (uint64_t)(*p & 127) << shift;
        if (!(*p++ & 128))
            break;
    }
    if (claimed != room)
        return SIZE_MAX;
    while (p < end) {
        unsigned tag = *p++, extra = tag % 4 == 0 ? (tag >> 2 >= 60 ? (tag >> 2) - 59 : 0) : tag % 4 == 3 ? 4 : tag % 4;
        uint64_t number = 0, count;
        if ((size_t)(end - p) < extra)
            return SIZE_MAX;
        for (unsigned i = 0; i < extra; i++)
            number |= (uint64_t)*p++ << 8 * i;
        if (tag % 4 == 0) {
            count = (extra ? number : tag >> 2) + 1;
            if (count > (uint64_t)(end - p) || count > room - made)
                return SIZE_MAX;
            memcpy(out + made, p, count);
            p += count;
            made += count;
            continue;
        }
        count = tag % 4 == 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
        number |= tag % 4 == 1 ? (uint64_t)(tag >> 5) << 8 : 0;
        if (!number || number > made || count > room - made)
            return SIZE_MAX;
        for (; count; count--, made++)
            out[made] = out[made - number];
    }
    return made;
}

static bool unpack(struct pq_decoder *d, int codec, const uint8_t *data, size_t len, uint8_t *out, size_t want)
{
    enum td_code code = TD_OK;
    const char *why = pq_decompress(d, codec, data, len, out, want, &code);
    FUZZ_CHECK(!why || code != TD_OK);
    FUZZ_CHECK(why || pq_codec_readable(codec));
    return !why;
}

/* The stream is exactly `want` bytes long and no other length. */
static void decode(int codec, const uint8_t *data, size_t len, size_t want)
{
    static struct pq_decoder decoder; /* reused from page to page, as a reader does */
    uint8_t *plain = malloc(want + 1), *other = malloc(want + 1);
    FUZZ_CHECK(plain && other);
    memset(other, 0, want + 1);
    uint8_t *exact = malloc(want ? want : 1);
    FUZZ_CHECK(exact);
    bool good = unpack(&decoder, codec, data, len, exact, want);
    if (codec == TD_PQ_SNAPPY) {
        FUZZ_CHECK(good == (slow_snappy(data, len, other, want) == want));
        FUZZ_CHECK(!good || memcmp(exact, other, want) == 0);
    }
    if (good && want) {
        FUZZ_CHECK(!unpack(&decoder, codec, data, len, plain, want + 1));
        FUZZ_CHECK(!unpack(&decoder, codec, data, len, plain, want - 1));
        FUZZ_CHECK(unpack(&decoder, codec, data, len, plain, want) && memcmp(plain, exact, want) == 0);
    }
    free(exact);
    free(other);
    free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int known[] = {TD_PQ_SNAPPY, TD_PQ_GZIP, TD_PQ_LZ4, TD_PQ_ZSTD, TD_PQ_LZ4_RAW, TD_PQ_SNAPPY, 3, 99};
    struct fuzz_in in = {size ? data : (const uint8_t *)"", size};
    int codec = known[fuzz_u8(&in) % TD_COUNT(known)];
    size_t want = fuzz_bits(&in, 2) % MOST;
    decode(codec, in.p, in.left, want);
    return 0;
}
