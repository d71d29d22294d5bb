/* SPDX-License-Identifier: GPL-3.0-or-later
 * The bytes of a local file, plain or gzip (several members too), streamed with a cap on what comes out. */
#include "import_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define INPUT_CHUNK 65536

struct import_input {
    const char *path; /* borrowed */
    int fd;
    bool gzip, inside, ended; /* inside: a gzip member is begun; ended: nothing more comes out */
    uint64_t read, given, max;
    z_stream z;
    unsigned char chunk[INPUT_CHUNK];
    size_t from, to; /* unread part of chunk */
};

static voidpf zlib_alloc(voidpf user, uInt count, uInt size)
{
    (void)user;
    return td_calloc(count, size);
}

static void zlib_free(voidpf user, voidpf p)
{
    (void)user;
    td_free(p);
}

static enum td_code refill(struct import_input *input, struct td_err *err)
{
    ssize_t got;
    do
        got = read(input->fd, input->chunk, sizeof input->chunk);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return td_fail_errno(err, errno, "%s: cannot read at byte %llu", input->path, (unsigned long long)input->read);
    input->from = 0;
    input->to = (size_t)got;
    input->read += (uint64_t)got;
    return TD_OK;
}

static bool starts_with(const struct import_input *input, const char *bytes, size_t len)
{
    return input->to - input->from >= len && memcmp(input->chunk + input->from, bytes, len) == 0;
}

static enum td_code recognise(struct import_input *input, struct td_err *err)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *what;
    } foreign[] = {
        {"PAR1", 4, "a Parquet file, which is not read as text"},
        {"\x28\xb5\x2f\xfd", 4, "zstd data: decompress it first"},
        {"PK\x03\x04", 4, "a zip archive: unpack it first"},
        {"BZh", 3, "bzip2 data: decompress it first"},
        {"\xfd"
         "7zXZ",
         5, "xz data: decompress it first"},
        {"\xff\xfe", 2, "UTF-16 text: convert it to UTF-8 first"},
        {"\xfe\xff", 2, "UTF-16 text: convert it to UTF-8 first"},
    };
    enum td_code code = refill(input, err);
    if (code != TD_OK)
        return code;
    if (input->to == 0)
        return td_fail(err, TD_DATA, "%s: the file is empty", input->path);
    for (size_t i = 0; i < TD_COUNT(foreign); i++) {
        if (starts_with(input, foreign[i].bytes, foreign[i].len))
            return td_fail(err, TD_UNSUPPORTED, "%s: this is %s", input->path, foreign[i].what);
    }
    input->gzip = starts_with(input, "\x1f\x8b", 2);
    if (!input->gzip)
        return TD_OK;
    input->z.zalloc = zlib_alloc;
    input->z.zfree = zlib_free;
    if (inflateInit2(&input->z, 15 + 16) != Z_OK) {
        input->gzip = false;
        return td_fail(err, TD_NOMEM, "%s: out of memory for gzip", input->path);
    }
    input->inside = true;
    return TD_OK;
}

enum td_code import_open(const char *path, uint64_t max_bytes, struct import_input **out, struct td_err *err)
{
    struct import_input *input = td_calloc(1, sizeof *input);
    enum td_code code;

    *out = NULL;
    if (!input)
        return td_fail(err, TD_NOMEM, "%s: out of memory", path);
    input->path = path;
    input->max = max_bytes ? max_bytes : UINT64_C(4) << 30;
    input->fd = open(path, O_RDONLY | O_CLOEXEC);
    code = input->fd < 0 ? td_fail_errno(err, errno, "%s", path) : recognise(input, err);
    if (code != TD_OK) {
        import_close(input);
        return code;
    }
    *out = input;
    return TD_OK;
}

void import_close(struct import_input *input)
{
    if (!input)
        return;
    if (input->gzip)
        inflateEnd(&input->z);
    if (input->fd >= 0)
        close(input->fd);
    td_free(input);
}

static enum td_code damaged(const struct import_input *input, const char *how, struct td_err *err)
{
    uint64_t at = input->read - (input->to - input->from);
    return td_fail(err, TD_DATA, "%s: gzip data %s at byte %llu (%llu bytes decompressed)", input->path, how,
                   (unsigned long long)at, (unsigned long long)input->given);
}

/* Between members: another one, padding zeros, or the end. */
static enum td_code next_member(struct import_input *input, struct td_err *err)
{
    while (input->from < input->to && input->chunk[input->from] == 0)
        input->from++;
    if (input->from == input->to)
        return TD_OK;
    if (input->chunk[input->from] != 0x1f)
        return damaged(input, "is followed by something else", err);
    if (inflateReset(&input->z) != Z_OK)
        return damaged(input, "cannot be continued", err);
    input->inside = true;
    return TD_OK;
}

static enum td_code inflate_some(struct import_input *input, char *buf, size_t size, size_t *got, struct td_err *err)
{
    enum td_code code = TD_OK;
    if (input->from == input->to) {
        code = refill(input, err);
        if (code == TD_OK && input->to == 0) {
            input->ended = true;
            return input->inside ? damaged(input, "ends early", err) : TD_OK;
        }
    }
    if (code == TD_OK && !input->inside)
        code = next_member(input, err);
    if (code != TD_OK || !input->inside)
        return code;
    size_t room = size < (1u << 30) ? size : 1u << 30;
    input->z.next_in = input->chunk + input->from;
    input->z.avail_in = (uInt)(input->to - input->from);
    input->z.next_out = (Bytef *)buf;
    input->z.avail_out = (uInt)room;
    int result = inflate(&input->z, Z_NO_FLUSH);
    input->from = input->to - input->z.avail_in;
    *got = room - input->z.avail_out;
    input->given += *got;
    if (result == Z_STREAM_END)
        input->inside = false;
    else if (result == Z_MEM_ERROR)
        code = td_fail(err, TD_NOMEM, "%s: out of memory for gzip", input->path);
    else if (result != Z_OK && result != Z_BUF_ERROR)
        code = damaged(input, "is damaged", err);
    return code;
}

static enum td_code copy_some(struct import_input *input, char *buf, size_t size, size_t *got, struct td_err *err)
{
    enum td_code code = TD_OK;
    if (input->from == input->to) {
        code = refill(input, err);
        input->ended = code == TD_OK && input->to == 0;
    }
    *got = input->to - input->from < size ? input->to - input->from : size;
    memcpy(buf, input->chunk + input->from, *got);
    input->from += *got;
    input->given += *got;
    return code;
}

enum td_code import_read(struct import_input *input, char *buf, size_t size, size_t *got, struct td_err *err)
{
    enum td_code code = TD_OK;
    *got = 0;
    while (*got < size && !input->ended && code == TD_OK) {
        size_t some = 0;
        code = input->gzip ? inflate_some(input, buf + *got, size - *got, &some, err)
                           : copy_some(input, buf + *got, size - *got, &some, err);
        *got += some;
        if (code == TD_OK && input->given > input->max)
            code = td_fail(err, TD_LIMIT, "%s: more than %llu bytes after decompression", input->path,
                           (unsigned long long)input->max);
    }
    return code;
}

bool td_import_is_parquet(const char *path)
{
    char magic[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, magic, sizeof magic);
    close(fd);
    return got == 4 && memcmp(magic, "PAR1", 4) == 0;
}
