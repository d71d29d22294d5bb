/* SPDX-License-Identifier: GPL-3.0-or-later
 * The driver of a fuzz target without libFuzzer: feeds it the files of the command line, one after the other, each from a
 * buffer of exactly its size. With -v it names each file before it is fed. */
#include "fuzz.h"

static uint8_t *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t cap = 0;
    *size = 0;
    if (!file)
        return NULL;
    for (;;) {
        if (*size == cap && !(data = realloc(data, cap = cap ? cap * 2 : 4096)))
            break;
        size_t got = fread(data + *size, 1, cap - *size, file);
        if (!got)
            break;
        *size += got;
    }
    fclose(file);
    return data;
}

int main(int argc, char **argv)
{
    int failed = 0;
    bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
    for (int i = verbose ? 2 : 1; i < argc; i++) {
        size_t size;
        uint8_t *data = read_whole(argv[i], &size), *exact = malloc(size ? size : 1);
        if (verbose)
            fprintf(stderr, "%s: %zu bytes\n", argv[i], size);
        if (!data || !exact) {
            fprintf(stderr, "%s: cannot be read\n", argv[i]);
            failed = 1;
        } else {
            memcpy(exact, data, size);
            LLVMFuzzerTestOneInput(exact, size);
        }
        free(data);
        free(exact);
    }
    return failed;
}
