/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files: bounded reading, folders, and atomic publishing. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <tapedeck/base.h>

#define TEMP_MARK ".td-tmp."

enum td_code td_file_read(const char *path, size_t max, struct td_buf *out, struct td_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return td_fail_errno(err, errno, "%s", path);
    enum td_code code = TD_OK;
    size_t got = 0;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        return td_fail(err, TD_IO, "%s: is a folder", path);
    }
    for (;;) {
        char beyond; /* where the limit is reached, one more byte tells whether the file is */
        size_t left = max - got < out->max - out->len ? max - got : out->max - out->len;
        size_t step = left < 65536 ? left : 65536;
        if (!td_buf_reserve(out, step)) {
            code = td_buf_check(out, path, err);
            break;
        }
        ssize_t n = read(fd, step ? out->data + out->len : &beyond, step ? step : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            code = td_fail_errno(err, errno, "%s: read at offset %zu", path, got);
        else if (n > 0 && step == 0)
            code = td_fail(err, TD_LIMIT, "%s: larger than %zu bytes", path, got);
        if (n <= 0 || code != TD_OK)
            break;
        got += (size_t)n;
        out->len += (size_t)n;
        out->data[out->len] = 0;
    }
    close(fd);
    return code;
}

bool td_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

enum td_code td_mkdirs(const char *path, struct td_err *err)
{
    char copy[1024];
    if (!td_copy(copy, sizeof copy, path))
        return td_fail(err, TD_IO, "%s: path is too long", path);
    if (!*copy)
        return td_fail(err, TD_IO, "cannot make a folder without a name");
    if (mkdir(copy, 0755) == 0 || errno == EEXIST) /* the common case first */
        return TD_OK;
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            return td_fail_errno(err, errno, "%s: cannot make the folder", copy);
        *p = '/';
    }
    if (mkdir(copy, 0755) != 0 && errno != EEXIST)
        return td_fail_errno(err, errno, "%s: cannot make the folder", copy);
    return TD_OK;
}

static bool parent_of(const char *path, char out[1024])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 1;
    if (len >= 1024)
        return false;
    memcpy(out, slash ? path : ".", len);
    out[len] = 0;
    if (slash == path)
        memcpy(out, "/", 2);
    return true;
}

enum td_code td_mkdirs_for(const char *file_path, struct td_err *err)
{
    char parent[1024];
    if (!parent_of(file_path, parent))
        return td_fail(err, TD_IO, "%s: path is too long", file_path);
    return td_mkdirs(parent, err);
}

enum td_code td_names_add(struct td_names *names, const char *name, size_t len, struct td_err *err)
{
    enum td_code code = td_grow(&names->items, &names->cap, names->count + 1, sizeof *names->items, err);
    if (code != TD_OK)
        return code;
    char *copy = td_strndup(name, len);
    if (!copy)
        return td_fail(err, TD_NOMEM, "out of memory: a name of %zu bytes", len);
    names->items[names->count++] = copy;
    return TD_OK;
}

static int compare_names(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return strcmp(*x, *y);
}

void td_names_sort_unique(struct td_names *names)
{
    if (names->count < 2)
        return;
    qsort(names->items, names->count, sizeof *names->items, compare_names);
    size_t kept = 1;
    for (size_t i = 1; i < names->count; i++) {
        if (strcmp(names->items[i], names->items[kept - 1]) == 0)
            td_free(names->items[i]);
        else
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

void td_names_free(struct td_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        td_free(names->items[i]);
    td_free(names->items);
    *names = (struct td_names){0};
}

enum td_code td_dir_list(const char *path, struct td_names *out, struct td_err *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return errno == ENOENT ? TD_OK : td_fail_errno(err, errno, "%s: cannot list", path);
    enum td_code code = TD_OK;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno)
                code = td_fail_errno(err, errno, "%s: cannot list", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        code = td_names_add(out, entry->d_name, strlen(entry->d_name), err);
        if (code != TD_OK)
            break;
    }
    closedir(dir);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, compare_names);
    return code;
}

uint64_t td_disk_free(const char *path)
{
    char at[1024];
    if (!td_copy(at, sizeof at, path))
        return 0;
    struct statvfs fs;
    while (statvfs(at, &fs) != 0) {
        char parent[1024];
        if (errno != ENOENT || strcmp(at, "/") == 0 || strcmp(at, ".") == 0 || !parent_of(at, parent))
            return 0;
        td_copy(at, sizeof at, parent);
    }
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

enum td_code td_write_all(int fd, const void *data, size_t len, const char *name, struct td_err *err)
{
    const char *p = data;
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return td_fail_errno(err, errno, "%s: write", name);
        p += n;
        len -= (size_t)n;
    }
    return TD_OK;
}

bool td_is_temp_name(const char *name)
{
    return strstr(name, TEMP_MARK) != NULL;
}

long td_temp_owner(const char *name)
{
    const char *mark = strstr(name, TEMP_MARK);
    long pid = mark ? strtol(mark + strlen(TEMP_MARK), NULL, 10) : 0;
    return pid > 0 ? pid : 0;
}

/* A temporary of its own beside pub->path. A killed process may have had this very pid, as the first one of a container
 * always has: what it left keeps its name, and the next number is tried. */
static int open_temp(struct td_publish *pub, int head)
{
    static atomic_uint turn;
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 1000; tries++) {
        if (!td_snprintf(pub->temp, sizeof pub->temp, "%.*s%s%ld.%u", head, pub->path, TEMP_MARK, (long)getpid(),
                         atomic_fetch_add(&turn, 1))) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = open(pub->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 && errno != EEXIST)
            return -1;
    }
    return fd;
}

enum td_code td_publish_begin(struct td_publish *pub, const char *path, struct td_err *err)
{
    pub->fd = -1;
    if (!td_copy(pub->path, sizeof pub->path, path))
        return td_fail(err, TD_IO, "%s: path is too long", path);
    const char *slash = strrchr(path, '/');
    int head = slash ? (int)(slash - path + 1) : 0;
    pub->fd = open_temp(pub, head);
    if (pub->fd < 0 && errno == ENOENT) {
        enum td_code code = td_mkdirs_for(path, err);
        if (code != TD_OK)
            return code;
        pub->fd = open_temp(pub, head);
    }
    if (pub->fd < 0 && errno == ENAMETOOLONG)
        return td_fail(err, TD_IO, "%s: path is too long", path);
    return pub->fd >= 0 ? TD_OK : td_fail_errno(err, errno, "%s: cannot write", pub->temp);
}

void td_publish_abort(struct td_publish *pub)
{
    if (pub->fd >= 0) {
        close(pub->fd);
        unlink(pub->temp);
        pub->fd = -1;
    }
}

/* A rename is durable only once its folder is. */
static enum td_code sync_parent(const char *path, struct td_err *err)
{
    char parent[1024];
    if (!parent_of(path, parent))
        return td_fail(err, TD_IO, "%s: path is too long", path);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return td_fail_errno(err, errno, "%s: cannot open the folder", parent);
    int failed = fsync(fd) != 0 && errno != EINVAL && errno != EROFS ? errno : 0;
    close(fd);
    return failed ? td_fail_errno(err, failed, "%s: fsync", parent) : TD_OK;
}

enum td_code td_publish_rename(struct td_publish *pub, struct td_err *err)
{
    if (pub->fd < 0)
        return td_fail(err, TD_IO, "%s: nothing to publish", pub->path);
    int failed = fsync(pub->fd) != 0 ? errno : 0;
    if (close(pub->fd) != 0 && !failed)
        failed = errno;
    pub->fd = -1;
    if (!failed && rename(pub->temp, pub->path) != 0)
        failed = errno;
    if (failed) {
        unlink(pub->temp);
        return td_fail_errno(err, failed, "%s: cannot publish", pub->path);
    }
    return TD_OK;
}

enum td_code td_publish_commit(struct td_publish *pub, struct td_err *err)
{
    enum td_code code = td_publish_rename(pub, err);
    return code == TD_OK ? sync_parent(pub->path, err) : code;
}

enum td_code td_publish_bytes(const char *path, const void *data, size_t len, struct td_err *err)
{
    struct td_publish pub;
    enum td_code code = td_publish_begin(&pub, path, err);
    if (code != TD_OK)
        return code;
    code = td_write_all(pub.fd, data, len, path, err);
    if (code != TD_OK) {
        td_publish_abort(&pub);
        return code;
    }
    return td_publish_commit(&pub, err);
}

enum td_code td_publish_stage(struct td_publish *pub, struct td_err *err)
{
    if (pub->fd < 0)
        return td_fail(err, TD_IO, "%s: nothing to publish", pub->path);
    sync_file_range(pub->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* only a head start: td_publish_commit_all is what proves it */
    int failed = close(pub->fd) != 0 ? errno : 0;
    pub->fd = -1;
    if (!failed)
        return TD_OK;
    unlink(pub->temp);
    return td_fail_errno(err, failed, "%s: cannot publish", pub->path);
}

/* Everything written to the file system of the folder `at` so far is on disk afterwards, or an error tells that it is not. */
static enum td_code sync_system(const char *at, struct td_err *err)
{
    char parent[1024];
    if (!parent_of(at, parent))
        return td_fail(err, TD_IO, "%s: path is too long", at);
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return td_fail_errno(err, errno, "%s: cannot open the folder", parent);
    int failed = syncfs(fd) != 0 ? errno : 0;
    close(fd);
    return failed ? td_fail_errno(err, failed, "%s: sync", parent) : TD_OK;
}

enum td_code td_publish_settle(const char *path, struct td_err *err)
{
    return sync_system(path, err);
}

enum td_code td_publish_commit_all(struct td_publish *const *pubs, size_t count, struct td_err *err)
{
    if (!count)
        return TD_OK;
    enum td_code code = sync_system(pubs[0]->path, err);
    for (size_t i = 0; i < count; i++) {
        if (code == TD_OK && rename(pubs[i]->temp, pubs[i]->path) != 0)
            code = td_fail_errno(err, errno, "%s: cannot publish", pubs[i]->path);
        if (code != TD_OK)
            unlink(pubs[i]->temp);
    }
    return code == TD_OK ? sync_system(pubs[0]->path, err) : code;
}

void td_publish_unstage(const struct td_publish *pub)
{
    unlink(pub->temp);
}
