/* SPDX-License-Identifier: GPL-3.0-or-later
 * Common ground of the fuzz targets. A target gets any bytes at all and must neither crash nor leak nor hang, whatever they
 * are; where it knows what has to be true of the outcome, it says so with FUZZ_CHECK. */
#ifndef TAPEDECK_TESTS_FUZZ_H
#define TAPEDECK_TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapedeck/base.h>

/* The entry that libFuzzer and replay.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Bytes taken one after the other; past the end they read as zero. */
struct fuzz_in {
    const uint8_t *p;
    size_t left;
};
static inline uint8_t fuzz_u8(struct fuzz_in *in)
{
    if (!in->left)
        return 0;
    in->left--;
    return *in->p++;
}
static inline uint64_t fuzz_bits(struct fuzz_in *in, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes--)
        value = value << 8 | fuzz_u8(in);
    return value;
}
static inline double fuzz_f64(struct fuzz_in *in)
{
    uint64_t bits = fuzz_bits(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
/* A terminated copy that a sanitizer guards to the byte. free() it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    FUZZ_CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}
/* What every failure owes: a code, the same in the error, and one line of text. */
static inline void fuzz_failed_well(enum td_code code, const struct td_err *err)
{
    FUZZ_CHECK(code != TD_OK);
    FUZZ_CHECK(err->code == code);
    FUZZ_CHECK(err->text[0]);
    FUZZ_CHECK(memchr(err->text, '\0', sizeof err->text));
    FUZZ_CHECK(!strchr(err->text, '\n'));
}

#endif
