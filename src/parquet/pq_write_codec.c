/* SPDX-License-Identifier: GPL-3.0-or-later
 * Page compression for writing: ZSTD, GZIP and LZ4_RAW. */
#include <libdeflate.h>
#include <lz4.h>
#include <tapedeck/parquet.h>
#include <zstd.h>
#include "pq_codec.h"

bool pq_codec_writable(int codec)
{
    return codec == TD_PQ_UNCOMPRESSED || codec == TD_PQ_ZSTD || codec == TD_PQ_GZIP || codec == TD_PQ_LZ4_RAW;
}

/* With a full-size target and a sound level nothing but memory can fail, hence 0 for failure. */
static size_t zip(struct pq_encoder *e, const void *src, size_t src_len, char *dst, size_t room)
{
    if (!e->deflate && !(e->deflate = libdeflate_alloc_compressor(e->level)))
        return 0;
    return libdeflate_gzip_compress(e->deflate, src, src_len, dst, room);
}

static size_t zstd(struct pq_encoder *e, const void *src, size_t src_len, char *dst, size_t room)
{
    if (!e->zstd && !(e->zstd = ZSTD_createCCtx()))
        return 0;
    size_t got = ZSTD_compressCCtx(e->zstd, dst, room, src, src_len, e->level);
    return ZSTD_isError(got) ? 0 : got;
}

enum td_code pq_compress(struct pq_encoder *encoder, int codec, const void *src, size_t src_len, struct td_buf *out)
{
    size_t room = codec == TD_PQ_GZIP      ? libdeflate_gzip_compress_bound(NULL, src_len)
                  : codec == TD_PQ_LZ4_RAW ? (size_t)LZ4_COMPRESSBOUND(src_len)
                                           : ZSTD_compressBound(src_len);
    if (src_len > LZ4_MAX_INPUT_SIZE || !td_buf_reserve(out, room))
        return TD_NOMEM;
    char *dst = out->data + out->len;
    size_t got = codec == TD_PQ_GZIP      ? zip(encoder, src, src_len, dst, room)
                 : codec == TD_PQ_LZ4_RAW ? (size_t)LZ4_compress_default(src, dst, (int)src_len, (int)room)
                                          : zstd(encoder, src, src_len, dst, room);
    if (!got)
        return TD_NOMEM;
    out->len += got;
    out->data[out->len] = 0;
    return TD_OK;
}

void pq_encoder_free(struct pq_encoder *encoder)
{
    ZSTD_freeCCtx(encoder->zstd);
    if (encoder->deflate)
        libdeflate_free_compressor(encoder->deflate);
    *encoder = (struct pq_encoder){0};
}
