/* SPDX-License-Identifier: GPL-3.0-or-later
 * The log: levels, to a file and to a tail in memory, never to the screen. Lines hold no secrets and no control bytes. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <tapedeck/base.h>

#define TAIL_LINES 500
#define TAIL_WIDTH 512
#define MAX_MESSAGE 2048

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static atomic_int threshold = TD_LOG_INFO; /* any thread */
static _Atomic uint64_t generation;        /* any thread */

/* The two locks are apart so that a slow disk under file_lock never holds up the screen's look at the tail. */
static pthread_mutex_t file_lock = PTHREAD_MUTEX_INITIALIZER;
static int file = -1;      /* under file_lock */
static unsigned long lost; /* under file_lock: lines that the disk refused since the last one it took */

static pthread_mutex_t tail_lock = PTHREAD_MUTEX_INITIALIZER;
static char tail[TAIL_LINES][TAIL_WIDTH]; /* under tail_lock */
static size_t tail_next, tail_count;      /* under tail_lock */

const char *td_level_name(enum td_level level)
{
    return (size_t)level < TD_COUNT(level_names) ? level_names[level] : "?";
}

bool td_level_parse(const char *text, enum td_level *out)
{
    for (size_t i = 0; i < TD_COUNT(level_names); i++)
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum td_level)i;
            return true;
        }
    return false;
}

enum td_code td_log_open(const char *path, enum td_level level, struct td_err *err)
{
    int fd = -1;
    if (path) {
        enum td_code code = td_mkdirs_for(path, err);
        if (code != TD_OK)
            return code;
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
            return td_fail_errno(err, errno, "%s: cannot open the log", path);
    }
    td_log_close();
    atomic_store(&threshold, (int)level);
    pthread_mutex_lock(&file_lock);
    file = fd;
    pthread_mutex_unlock(&file_lock);
    return TD_OK;
}

void td_log_close(void)
{
    pthread_mutex_lock(&file_lock);
    if (file >= 0)
        close(file);
    file = -1;
    lost = 0;
    pthread_mutex_unlock(&file_lock);
}

/* One write a line: lines of several processes on one file stay whole. */
static bool write_line(const char *line, size_t len)
{
    ssize_t n;
    do
        n = write(file, line, len);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len;
}

static void to_file(const char *line, size_t len)
{
    pthread_mutex_lock(&file_lock);
    if (file >= 0) {
        char note[96];
        int n = lost ? snprintf(note, sizeof note, "(%lu lines before this one were lost: the disk refused them)\n", lost)
                     : 0;
        if ((n > 0 && !write_line(note, (size_t)n)) || !write_line(line, len))
            lost++;
        else
            lost = 0;
    }
    pthread_mutex_unlock(&file_lock);
}

/* Keep a line without its end; a long one is cut between characters. */
static void to_tail(const char *line, size_t len)
{
    if (len >= TAIL_WIDTH) {
        len = TAIL_WIDTH - 1;
        while (len && ((unsigned char)line[len] & 0xc0) == 0x80)
            len--;
    }
    pthread_mutex_lock(&tail_lock);
    memcpy(tail[tail_next], line, len);
    tail[tail_next][len] = 0;
    tail_next = (tail_next + 1) % TAIL_LINES;
    if (tail_count < TAIL_LINES)
        tail_count++;
    pthread_mutex_unlock(&tail_lock);
    atomic_fetch_add(&generation, 1);
}

void td_log(enum td_level level, const char *room, const char *fmt, ...)
{
    if ((int)level > atomic_load_explicit(&threshold, memory_order_relaxed))
        return;
    int saved = errno; /* a caller may still want to report it */
    char message[MAX_MESSAGE], stamp[32], line[MAX_MESSAGE * 4 + 128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    td_redact(message);
    td_format_ts(td_now_ms(), stamp);
    int head = snprintf(line, sizeof line, "%s %-5s %s: ", stamp, td_level_name(level), room);
    size_t len = head < 0 ? 0 : (size_t)head < 128 ? (size_t)head : 127;
    /* A buffer over the stack whose cap equals its memory never allocates: the log works when memory is gone. */
    struct td_buf text = {.data = line, .len = len, .cap = sizeof line, .max = sizeof line - 2};
    td_buf_add_printable(&text, message, strlen(message));
    len = text.len;
    to_tail(line, len);
    line[len++] = '\n';
    to_file(line, len);
    errno = saved;
}

void td_log_tail(struct td_buf *out, size_t lines)
{
    pthread_mutex_lock(&tail_lock);
    size_t n = lines < tail_count ? lines : tail_count;
    for (size_t i = 0; i < n; i++) {
        td_buf_adds(out, tail[(tail_next + TAIL_LINES - n + i) % TAIL_LINES]);
        td_buf_addc(out, '\n');
    }
    pthread_mutex_unlock(&tail_lock);
}

uint64_t td_log_generation(void)
{
    return atomic_load(&generation);
}
