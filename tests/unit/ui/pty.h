/* SPDX-License-Identifier: GPL-3.0-or-later
 * pty: a child on a pseudo-terminal whose other end is libvterm, so that tests see what a person would see. Waiting is
 * always for a condition on the screen, never for a time. */
#ifndef TAPEDECK_TESTS_PTY_H
#define TAPEDECK_TESTS_PTY_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <vterm.h>

#include "check.h"

/* Libraries that keep state until the process ends: their leaks are not ours. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libreadline\nleak:libtinfo\nleak:libncursesw\nleak:libvterm\n";
}

#define PTY_PATIENCE_MS 120000 /* a condition that has not come by then never will */

struct pty {
    pid_t pid;
    int fd, rows, cols;
    VTerm *vterm;
    VTermScreen *screen;
    size_t bytes; /* received so far */
    bool ended;
};

static inline void pty_attach(struct pty *pty, int rows, int cols)
{
    pty->rows = rows;
    pty->cols = cols;
    pty->vterm = vterm_new(rows, cols);
    vterm_set_utf8(pty->vterm, 1);
    pty->screen = vterm_obtain_screen(pty->vterm);
    vterm_screen_enable_altscreen(pty->screen, 1);
    vterm_screen_reset(pty->screen, 1);
}

/* Run fn(arg) in a child on a terminal of that size; its return value is the exit status. */
static inline void pty_start(struct pty *pty, int rows, int cols, int (*fn)(void *), void *arg)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    *pty = (struct pty){.fd = -1};
    fflush(NULL);
    pty->pid = forkpty(&pty->fd, NULL, NULL, &size);
    assert_true(pty->pid >= 0);
    if (pty->pid == 0) {
        /* the harness' output must not mix with the screen, and a lost parent must not leave children behind */
        alarm(600);
        exit(fn(arg));
    }
    assert_int_equal(fcntl(pty->fd, F_SETFL, O_NONBLOCK), 0);
    pty_attach(pty, rows, cols);
}

/* Take what has come; waits up to `ms` for the first byte. False: nothing came. */
static inline bool pty_read(struct pty *pty, int ms)
{
    struct pollfd ready = {.fd = pty->fd, .events = POLLIN};
    char bytes[65536];
    if (pty->ended || poll(&ready, 1, ms) <= 0)
        return false;
    ssize_t got = read(pty->fd, bytes, sizeof bytes);
    if (got <= 0) {
        pty->ended = got == 0 || errno == EIO;
        return false;
    }
    pty->bytes += (size_t)got;
    vterm_input_write(pty->vterm, bytes, (size_t)got);
    return true;
}

/* Read until nothing more comes for a while. A busy machine may pause longer than that in the middle of a frame: no outcome
 * may hang on it. */
static inline void pty_settle(struct pty *pty)
{
    while (pty_read(pty, 200))
        ;
}

/* One row as UTF-8 without trailing blanks. */
static inline const char *pty_row(struct pty *pty, int row)
{
    static char text[8][4096];
    static unsigned turn;
    char *out = text[turn++ % 8];
    size_t n = 0, end = 0;
    for (int col = 0; col < pty->cols && n + 8 < sizeof text[0]; col++) {
        VTermScreenCell cell;
        vterm_screen_get_cell(pty->screen, (VTermPos){row, col}, &cell);
        uint32_t ch = cell.chars[0];
        if (ch == (uint32_t)-1)
            continue;
        if (ch == 0)
            ch = ' ';
        if (ch < 0x80) {
            out[n++] = (char)ch;
        } else if (ch < 0x800) {
            out[n++] = (char)(0xC0 | ch >> 6);
            out[n++] = (char)(0x80 | (ch & 0x3F));
        } else {
            out[n++] = (char)(0xE0 | ch >> 12);
            out[n++] = (char)(0x80 | (ch >> 6 & 0x3F));
            out[n++] = (char)(0x80 | (ch & 0x3F));
        }
        if (ch != ' ')
            end = n;
    }
    out[end] = '\0';
    return out;
}

static inline void pty_show(struct pty *pty)
{
    for (int row = 0; row < pty->rows; row++)
        print_message("# %s\n", pty_row(pty, row));
}

/* Row that contains the text, -1 when none does. */
static inline int pty_find(struct pty *pty, const char *text)
{
    for (int row = 0; row < pty->rows; row++)
        if (strstr(pty_row(pty, row), text))
            return row;
    return -1;
}

static inline bool pty_until(struct pty *pty, bool (*done)(struct pty *, const void *), const void *arg)
{
    int64_t end = td_mono_ns() + (int64_t)PTY_PATIENCE_MS * 1000000;
    while (!done(pty, arg)) {
        if (td_mono_ns() > end || pty->ended)
            return done(pty, arg);
        pty_read(pty, 50);
    }
    return true;
}
static inline bool pty_has_(struct pty *pty, const void *text)
{
    return pty_find(pty, text) >= 0;
}
static inline bool pty_lacks_(struct pty *pty, const void *text)
{
    return pty_find(pty, text) < 0;
}
struct pty_place {
    const char *text;
    int row;
};
static inline bool pty_has_at_(struct pty *pty, const void *place)
{
    const struct pty_place *want = place;
    return strstr(pty_row(pty, want->row), want->text) != NULL;
}
static inline bool pty_spoke_(struct pty *pty, const void *unused)
{
    (void)unused;
    return pty->bytes > 0;
}
#define PTY_EXPECT(pty, text)                                                                                          \
    do {                                                                                                               \
        if (!pty_until(pty, pty_has_, text)) {                                                                         \
            pty_show(pty);                                                                                             \
            fail_msg("the screen never showed: %s", text);                                                             \
        }                                                                                                              \
    } while (0)
#define PTY_EXPECT_GONE(pty, text)                                                                                     \
    do {                                                                                                               \
        if (!pty_until(pty, pty_lacks_, text)) {                                                                       \
            pty_show(pty);                                                                                             \
            fail_msg("the screen kept showing: %s", text);                                                             \
        }                                                                                                              \
    } while (0)
#define PTY_EXPECT_AT(pty, what, where)                                                                                \
    do {                                                                                                               \
        const struct pty_place place_ = {.text = what, .row = where};                                                  \
        if (!pty_until(pty, pty_has_at_, &place_)) {                                                                   \
            pty_show(pty);                                                                                             \
            fail_msg("row %d never showed: %s", place_.row, place_.text);                                              \
        }                                                                                                              \
    } while (0)

static inline void pty_send(struct pty *pty, const char *keys)
{
    size_t left = strlen(keys);
    while (left) {
        ssize_t done = write(pty->fd, keys, left);
        if (done > 0) {
            keys += done;
            left -= (size_t)done;
        } else if (errno == EAGAIN) {
            pty_read(pty, 20);
        } else {
            return;
        }
    }
}

static inline void pty_resize(struct pty *pty, int rows, int cols)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    pty->rows = rows;
    pty->cols = cols;
    vterm_set_size(pty->vterm, rows, cols);
    assert_int_equal(ioctl(pty->fd, TIOCSWINSZ, &size), 0);
}

/* Wait for the child's end; returns its wait status. Reads on meanwhile, or it could block on a full terminal. */
static inline int pty_end(struct pty *pty)
{
    int status = 0;
    int64_t end = td_mono_ns() + (int64_t)PTY_PATIENCE_MS * 1000000;
    while (waitpid(pty->pid, &status, WNOHANG) == 0) {
        if (td_mono_ns() > end) {
            pty_show(pty);
            kill(pty->pid, SIGKILL);
            waitpid(pty->pid, &status, 0);
            fail_msg("the program did not end");
        }
        if (pty->ended) {
            struct pollfd none = {.fd = -1};
            (void)poll(&none, 1, 5);
        }
        pty_read(pty, 20);
    }
    while (pty_read(pty, 0))
        ;
    return status;
}

static inline void pty_free(struct pty *pty)
{
    if (pty->vterm)
        vterm_free(pty->vterm);
    close(pty->fd);
}

/* Line editing, echo and signals as a shell wants them. */
static inline void pty_assert_sane(struct pty *pty)
{
    struct termios modes;
    assert_int_equal(tcgetattr(pty->fd, &modes), 0);
    assert_int_equal(modes.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
    assert_true(modes.c_iflag & ICRNL);
    assert_true(modes.c_oflag & OPOST);
}

#endif
