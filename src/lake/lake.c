/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening a lake, its FORMAT file, and the encoding of tickers in paths. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "lake_internal.h"

#define PATH_MAX_LAKE 900 /* leaves room for the longest path inside, within the 1024 of td_publish */

static enum td_code check_format(const char *root, bool *found, struct td_err *err)
{
    char path[1100];
    td_snprintf(path, sizeof path, "%s/FORMAT", root);
    struct td_buf text;
    td_buf_init(&text, 4096 + 65536);
    enum td_code code = td_file_read(path, 4096, &text, NULL);
    *found = code == TD_OK;
    int64_t version = 0;
    if (code == TD_OK) {
        static const char head[] = "tapedeck-lake ";
        size_t len = text.len && text.data[text.len - 1] == '\n' ? text.len - 1 : text.len;
        if (len < sizeof head || memcmp(text.data, head, sizeof head - 1) != 0 ||
            !td_parse_i64(text.data + sizeof head - 1, len - (sizeof head - 1), &version) || version < 1)
            code = td_fail(err, TD_DATA, "%s: not a lake's FORMAT file; name the right folder with --lake", path);
        else if (version > TD_LAKE_FORMAT)
            code = td_fail(err, TD_UNSUPPORTED, "%s: lake format %lld is newer than this program's %d; update tapedeck", path,
                           (long long)version, TD_LAKE_FORMAT);
    } else if (code == TD_MISSING) {
        code = TD_OK;
    } else {
        code = td_file_read(path, 4096, &text, err);
    }
    td_buf_free(&text);
    return code;
}

static enum td_code make_lake(const char *root, bool create, struct td_err *err)
{
    struct td_names names = {0};
    struct stat st;
    if (stat(root, &st) == 0 && !S_ISDIR(st.st_mode))
        return td_fail(err, TD_DATA, "%s: a file, not a folder; choose another --lake", root);
    enum td_code code = td_dir_list(root, &names, err);
    size_t strangers = 0;
    for (size_t i = 0; i < names.count; i++) /* a creation killed before its rename left only a temporary */
        strangers += names.items[i][0] != '.' && !td_is_temp_name(names.items[i]);
    td_names_free(&names);
    if (code != TD_OK)
        return code;
    if (!create)
        return td_fail(err, TD_MISSING,
                       "%s: no lake here; fill one with 'tapedeck demo', 'tapedeck ingest' or 'tapedeck import', or name it "
                       "with --lake DIR",
                       root);
    if (strangers)
        return td_fail(err, TD_DATA, "%s: the folder is not empty and holds no FORMAT file: not a lake; choose another --lake",
                       root);
    code = td_mkdirs(root, err);
    if (code != TD_OK)
        return code;
    char path[1100], text[64];
    td_snprintf(path, sizeof path, "%s/FORMAT", root);
    int n = snprintf(text, sizeof text, "tapedeck-lake %d\n", TD_LAKE_FORMAT);
    return td_publish_bytes(path, text, (size_t)n, err);
}

enum td_code td_lake_open(const char *root, bool create, struct td_lake **out, struct td_err *err)
{
    size_t len = strlen(root);
    while (len > 1 && root[len - 1] == '/')
        len--;
    if (len == 0 || len > PATH_MAX_LAKE)
        return td_fail(err, TD_USAGE, "--lake: a path of 1 to %d bytes is needed", PATH_MAX_LAKE);
    struct td_lake *lake = td_calloc(1, sizeof *lake);
    if (!lake)
        return td_fail(err, TD_NOMEM, "out of memory: a lake");
    memcpy(lake->root, root, len);
    for (size_t i = 0; i < LAKE_STRIPES; i++)
        pthread_mutex_init(&lake->stripes[i], NULL);
    bool found = false;
    enum td_code code = check_format(lake->root, &found, err);
    if (code == TD_OK && !found)
        code = make_lake(lake->root, create, err);
    if (code != TD_OK) {
        td_lake_close(lake);
        return code;
    }
    *out = lake;
    return TD_OK;
}

void td_lake_close(struct td_lake *lake)
{
    if (!lake)
        return;
    for (size_t i = 0; i < LAKE_STRIPES; i++)
        pthread_mutex_destroy(&lake->stripes[i]);
    td_free(lake);
}

enum td_code td_lake_with_cache(const struct td_lake *lake, const char *folder, struct td_lake **out, struct td_err *err)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    if (len == 0 || len > PATH_MAX_LAKE)
        return td_fail(err, TD_USAGE, "--out: a path of 1 to %d bytes is needed", PATH_MAX_LAKE);
    struct td_lake *other = td_calloc(1, sizeof *other);
    if (!other)
        return td_fail(err, TD_NOMEM, "out of memory: a lake");
    memcpy(other->root, lake->root, sizeof other->root);
    memcpy(other->cache, folder, len);
    for (size_t i = 0; i < LAKE_STRIPES; i++)
        pthread_mutex_init(&other->stripes[i], NULL);
    *out = other;
    return TD_OK;
}

enum td_code lake_cache_path(const struct td_lake *lake, struct td_buf *out, struct td_err *err, const char *tail)
{
    td_buf_clear(out);
    td_buf_printf(out, "%s%s/%s", *lake->cache ? lake->cache : lake->root, *lake->cache ? "" : "/cache/daily", tail);
    return td_buf_check(out, "a path in the cache", err);
}

const char *td_lake_root(const struct td_lake *lake)
{
    return lake->root;
}

enum td_code lake_path(const struct td_lake *lake, struct td_buf *out, struct td_err *err, const char *fmt, ...)
{
    char tail[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(tail, sizeof tail, fmt, args);
    va_end(args);
    td_buf_clear(out);
    td_buf_printf(out, "%s/%s", lake->root, tail);
    if (n < 0 || (size_t)n >= sizeof tail)
        out->failed = true;
    return td_buf_check(out, "a path in the lake", err);
}

pthread_mutex_t *lake_stripe(struct td_lake *lake, const char *path)
{
    return &lake->stripes[td_hash64(path, strlen(path), 0) % LAKE_STRIPES];
}

static bool plain_byte(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool td_path_encode(const char *ticker, char *out, size_t size)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)ticker; *p; p++) {
        if (n + 4 > size)
            return false;
        if (plain_byte(*p)) {
            out[n++] = (char)*p;
        } else {
            out[n++] = '%';
            out[n++] = hex[*p >> 4];
            out[n++] = hex[*p & 15];
        }
    }
    if (n >= size)
        return false;
    out[n] = 0;
    return n > 0;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool td_path_decode(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (n + 1 >= size)
            return false;
        if (text[i] != '%') {
            out[n++] = text[i];
            continue;
        }
        int high = i + 2 < len ? hex_digit(text[i + 1]) : -1, low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return false;
        out[n++] = (char)(high * 16 + low);
        i += 2;
    }
    out[n] = 0;
    return n > 0;
}

bool td_ticker_valid(const char *ticker)
{
    size_t n = 0;
    for (; ticker[n]; n++)
        if (ticker[n] <= 0x20 || ticker[n] >= 0x7f || ticker[n] == '/' || n + 1 >= TD_TICKER_MAX)
            return false;
    return n > 0 && strcmp(ticker, ".") != 0 && strcmp(ticker, "..") != 0;
}
