/* SPDX-License-Identifier: GPL-3.0-or-later
 * One writer a dataset: open-file-description locks, which die with their process and also keep two jobs of one process
 * apart. What is written inside the file is for messages only; age never steals a lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lake_internal.h"

#define MAX_WAIT_S 1e9 /* thirty years: what fits in nanoseconds */

struct td_lock {
    int fd;
};

static bool try_lock(int fd, int *failed)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &range) == 0)
        return true;
    *failed = errno == EAGAIN || errno == EACCES ? 0 : errno;
    return false;
}

static void owner_text(int fd, char *out, size_t size)
{
    ssize_t n = pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
    if (!*out)
        td_copy(out, size, "another process");
}

static void write_owner(int fd)
{
    char host[128] = "?", text[256], since[32];
    gethostname(host, sizeof host - 1);
    td_format_ts(td_now_ms(), since);
    int n = snprintf(text, sizeof text, "pid %ld on %s since %s\n", (long)getpid(), host, since);
    if (ftruncate(fd, 0) == 0 && n > 0)
        n = (int)pwrite(fd, text, (size_t)n, 0); /* only a message: a full disk must not stop the lock */
}

enum td_code td_lake_lock(struct td_lake *lake, const char *dataset, double wait_s, struct td_lock **out, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, "_locks/%s.lock", dataset);
    int fd = -1, failed = 0;
    if (code == TD_OK)
        code = td_mkdirs_for(path.data, err);
    if (code == TD_OK && (fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0644)) < 0)
        code = td_fail_errno(err, errno, "%s: cannot open the lock", path.data);
    if (code == TD_OK) {
        double patience = wait_s > 0 ? wait_s < MAX_WAIT_S ? wait_s : MAX_WAIT_S : 0; /* not a number: none */
        int64_t deadline = td_mono_ns() + (int64_t)(patience * 1e9);
        while (!try_lock(fd, &failed)) {
            if (failed) {
                code = td_fail_errno(err, failed, "%s: cannot lock", path.data);
                break;
            }
            if (td_mono_ns() >= deadline) {
                char owner[200];
                owner_text(fd, owner, sizeof owner);
                code = td_fail(err, TD_LOCKED, "%s is being written by %s; wait for it with --wait SECONDS, or stop it",
                               dataset, owner);
                break;
            }
            struct timespec step = {0, 50 * 1000 * 1000};
            nanosleep(&step, NULL);
        }
    }
    struct td_lock *lock = code == TD_OK ? td_malloc(sizeof *lock) : NULL;
    if (code == TD_OK && !lock)
        code = td_fail(err, TD_NOMEM, "out of memory: a lock");
    if (code == TD_OK) {
        write_owner(fd);
        lock->fd = fd;
        *out = lock;
    } else if (fd >= 0) {
        close(fd);
    }
    td_buf_free(&path);
    return code;
}

void td_lake_unlock(struct td_lock *lock)
{
    if (!lock)
        return;
    close(lock->fd); /* releases the lock */
    td_free(lock);
}
