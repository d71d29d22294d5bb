/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bytes as a file with a path, for the doors that open files: a memory file that lives as long as the program. */
#ifndef TAPEDECK_TESTS_FUZZ_FILE_H
#define TAPEDECK_TESTS_FUZZ_FILE_H

#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"

struct fuzz_file {
    int fd;
    char path[64];
};
/* Give the file these bytes and no others. */
static inline const char *fuzz_file_set(struct fuzz_file *file, const uint8_t *data, size_t size)
{
    if (!file->path[0]) {
        file->fd = memfd_create("input", MFD_CLOEXEC);
        FUZZ_CHECK(file->fd >= 0);
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    }
    FUZZ_CHECK(ftruncate(file->fd, 0) == 0);
    for (size_t at = 0; at < size;) {
        ssize_t done = pwrite(file->fd, data + at, size - at, (off_t)at);
        FUZZ_CHECK(done > 0);
        at += (size_t)done;
    }
    return file->path;
}

#endif
