/* SPDX-License-Identifier: GPL-3.0-or-later
 * Page compression through the codec libraries. No size found inside a frame is believed. */
#include <libdeflate.h>
#include <lz4.h>
#include <tapedeck/parquet.h>
#include <zstd.h>
#include "pq_codec.h"

bool pq_codec_readable(int codec)
{
    return codec == TD_PQ_UNCOMPRESSED || codec == TD_PQ_SNAPPY || codec == TD_PQ_GZIP || codec == TD_PQ_ZSTD ||
           codec == TD_PQ_LZ4_RAW || codec == TD_PQ_LZ4;
}

static const char *out_of_memory(enum td_code *code)
{
    *code = TD_NOMEM;
    return "out of memory for a decompressor";
}

static const char *unzstd(struct pq_decoder *d, const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len,
                          enum td_code *code)
{
    if (!d->zstd && !(d->zstd = ZSTD_createDCtx()))
        return out_of_memory(code);
    size_t got = ZSTD_decompressDCtx(d->zstd, dst, dst_len, src, src_len);
    return got == dst_len ? NULL : "a ZSTD page is damaged or has another size than its header says";
}

/* A gzip page may hold several members, one after the other. */
static const char *gunzip(struct pq_decoder *d, const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len,
                          enum td_code *code)
{
    if (!d->deflate && !(d->deflate = libdeflate_alloc_decompressor()))
        return out_of_memory(code);
    while (src_len) {
        size_t used = 0, made = 0;
        if (libdeflate_gzip_decompress_ex(d->deflate, src, src_len, dst, dst_len, &used, &made) != LIBDEFLATE_SUCCESS ||
            !used)
            return "a GZIP page is damaged or has another size than its header says";
        src += used;
        src_len -= used;
        dst += made;
        dst_len -= made;
    }
    return dst_len ? "a GZIP page is shorter than its header says" : NULL;
}

static const char *unlz4(const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len)
{
    if (src_len > LZ4_MAX_INPUT_SIZE || dst_len > INT32_MAX ||
        LZ4_decompress_safe((const char *)src, (char *)dst, (int)src_len, (int)dst_len) != (int)dst_len)
        return "an LZ4 page is damaged or has another size than its header says";
    return NULL;
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The deprecated LZ4: Hadoop blocks (big-endian plain size, then pieces until they fill it, one as a rule, each of its
 * compressed size and data; repeated) or, from other writers, one raw block. The framing is tried first, since a raw block can
 * hardly satisfy it. */
static const char *unlz4_hadoop(const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len)
{
    const uint8_t *p = src;
    size_t left = src_len, room = dst_len, block = 0; /* of the open block: bytes still to come */
    while (left >= 4) {
        const uint32_t size = big32(p);
        p += 4;
        left -= 4;
        if (!block) {
            block = size;
            if (block > room)
                break;
            continue;
        }
        if (size > left || size > LZ4_MAX_INPUT_SIZE || block > INT32_MAX)
            break;
        const int made = LZ4_decompress_safe((const char *)p, (char *)dst + (dst_len - room), (int)size, (int)block);
        if (made <= 0)
            break;
        p += size;
        left -= size;
        room -= (size_t)made;
        block -= (size_t)made;
    }
    return !left && !room && !block ? NULL : unlz4(src, src_len, dst, dst_len);
}

const char *pq_decompress(struct pq_decoder *decoder, int codec, const uint8_t *src, size_t src_len, uint8_t *dst,
                          size_t dst_len, enum td_code *code)
{
    *code = TD_DATA;
    switch (codec) {
    case TD_PQ_ZSTD: return unzstd(decoder, src, src_len, dst, dst_len, code);
    case TD_PQ_GZIP: return gunzip(decoder, src, src_len, dst, dst_len, code);
    case TD_PQ_SNAPPY:
        return pq_snappy_decode(src, src_len, dst, dst_len)
                   ? NULL
                   : "a SNAPPY page is damaged or has another size than its header says";
    case TD_PQ_LZ4_RAW: return unlz4(src, src_len, dst, dst_len);
    case TD_PQ_LZ4: return unlz4_hadoop(src, src_len, dst, dst_len);
    default: *code = TD_UNSUPPORTED; return "its codec is not supported";
    }
}

void pq_decoder_free(struct pq_decoder *decoder)
{
    ZSTD_freeDCtx(decoder->zstd);
    if (decoder->deflate)
        libdeflate_free_decompressor(decoder->deflate);
    *decoder = (struct pq_decoder){0};
}
