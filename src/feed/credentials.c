/* SPDX-License-Identifier: GPL-3.0-or-later
 * Where the vendor's API key comes from: the environment, then a credentials file that only its owner can read. */
#include <tapedeck/feed.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREDENTIALS_MAX 65536

static enum td_code take_key(const char *key, const char *origin, char *out, size_t size, struct td_err *err)
{
    for (const char *p = key; *p; p++) {
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f)
            return td_fail(err, TD_AUTH, "%s: the API key holds a blank, control or foreign character", origin);
    }
    if (!td_copy(out, size, key)) {
        out[0] = '\0';
        return td_fail(err, TD_AUTH, "%s: the API key is longer than %zu bytes", origin, size - 1);
    }
    td_secret_add(out);
    return TD_OK;
}

/* The file's text; TD_MISSING when there is none. Permissions are read from the open file, so they cannot change
 * between. */
static enum td_code read_private(const char *path, struct td_buf *text, struct td_err *err)
{
    struct stat info;
    enum td_code code = TD_OK;
    char part[4096];
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return td_fail_errno(err, errno, "%s", path);
    if (fstat(fd, &info) != 0)
        code = td_fail_errno(err, errno, "%s", path);
    else if (!S_ISREG(info.st_mode))
        code = td_fail(err, TD_AUTH, "%s: the credentials file is no regular file", path);
    else if (info.st_mode & 077)
        code = td_fail(err, TD_AUTH, "%s: the credentials file can be read by others (mode %03o): chmod 600 it", path,
                       (unsigned)(info.st_mode & 0777));
    while (code == TD_OK && (got = read(fd, part, sizeof part)) != 0) {
        if (got < 0 && errno != EINTR)
            code = td_fail_errno(err, errno, "%s", path);
        if (got > 0)
            td_buf_add(text, part, (size_t)got);
        if (text->failed)
            code = td_buf_check(text, path, err);
    }
    explicit_bzero(part, sizeof part);
    close(fd);
    return code;
}

static enum td_code key_of_file(const char *path, char *out, size_t size, struct td_err *err)
{
    struct td_arena arena;
    struct td_buf text;
    struct td_doc *doc = NULL;
    const char *key;
    enum td_code code;

    td_arena_init(&arena, (size_t)1 << 20);
    td_buf_init(&text, CREDENTIALS_MAX);
    code = read_private(path, &text, err);
    if (code == TD_OK)
        code = td_doc_parse(text.data ? text.data : "", text.len, path, &arena, &doc, err);
    if (code == TD_OK) {
        key = td_doc_text(doc, "api_key");
        code = key && *key ? take_key(key, path, out, size, err)
                           : td_fail(err, TD_AUTH, "%s: the credentials file has no line that begins with 'api_key'", path);
    }
    if (text.data)
        explicit_bzero(text.data, text.cap);
    td_buf_free(&text);
    td_arena_free(&arena);
    return code;
}

enum td_code td_credentials(const char *path, char *out, size_t size, struct td_err *err)
{
    static const char *const names[] = {"MASSIVE_API_KEY", "POLYGON_API_KEY"};
    enum td_code code = TD_MISSING;

    out[0] = '\0';
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        const char *key = getenv(names[i]);
        if (key && *key)
            return take_key(key, names[i], out, size, err);
    }
    if (path && *path)
        code = key_of_file(path, out, size, err);
    if (code != TD_MISSING)
        return code;
    return td_fail(err, TD_AUTH,
                   "no API key: set MASSIVE_API_KEY (or POLYGON_API_KEY), or write it into %s (mode 600) as the value "
                   "of 'api_key'",
                   path && *path ? path : "a credentials file"); /* "api_key" and a colon would be hidden as a key */
}
