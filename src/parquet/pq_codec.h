/* SPDX-License-Identifier: GPL-3.0-or-later
 * Page compression: one context a reader or writer, sizes exact or it is an error. */
#ifndef TAPEDECK_PQ_CODEC_H
#define TAPEDECK_PQ_CODEC_H

#include <tapedeck/base.h>

struct pq_decoder { /* contexts are made when first needed */
    void *zstd, *deflate;
};

/* Decompress src into exactly dst_len bytes (> 0). NULL when done; else static text and *code (TD_DATA,
 * TD_UNSUPPORTED, TD_NOMEM). */
const char *pq_decompress(struct pq_decoder *decoder, int codec, const uint8_t *src, size_t src_len, uint8_t *dst,
                          size_t dst_len, enum td_code *code);
bool pq_codec_readable(int codec);
void pq_decoder_free(struct pq_decoder *decoder);

struct pq_encoder { /* contexts are made when first needed */
    void *zstd, *deflate;
    int level;
};
bool pq_codec_writable(int codec);
/* Append the compressed form of src; TD_NOMEM when out of memory. */
enum td_code pq_compress(struct pq_encoder *encoder, int codec, const void *src, size_t src_len, struct td_buf *out);
void pq_encoder_free(struct pq_encoder *encoder);

/* Raw Snappy block into exactly dst_len bytes; false when it is damaged. */
bool pq_snappy_decode(const uint8_t *src, size_t src_len, uint8_t *dst, size_t dst_len);

#endif
