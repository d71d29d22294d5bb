/* SPDX-License-Identifier: GPL-3.0-or-later
 * loop: poll on the terminal, a signalfd, a timerfd, eventfds and inotify. Nothing here ticks by itself. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "loop.h"

#define ESCAPE_MS 25

enum { SLOT_TTY, SLOT_SIGNAL, SLOT_CLOCK, SLOT_MAIL, SLOT_ENGINE, SLOT_FILES, SLOT_COUNT };

struct loop {
    struct keys_ring *ring;
    struct pollfd fds[SLOT_COUNT]; /* fd -1: not watched */
    int watch;
    uint64_t engine_events; /* read from the engine's descriptor since loop_engine_events */
    int64_t later_ns; /* monotonic; 0 = not asked for */
    bool gone;        /* the terminal hung up: reported once, never read again */
};

static const int handled[] = {SIGTERM, SIGINT, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT};

static void handled_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < TD_COUNT(handled); i++)
        sigaddset(set, handled[i]);
}

void loop_block_signals(void)
{
    sigset_t set;
    handled_set(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool open_descriptors(struct loop *loop)
{
    sigset_t set;
    handled_set(&set);
    loop->fds[SLOT_SIGNAL].fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    loop->fds[SLOT_CLOCK].fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    loop->fds[SLOT_MAIL].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    loop->fds[SLOT_FILES].fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC); /* -1 is fine: jobs of others show up later */
    return loop->fds[SLOT_SIGNAL].fd >= 0 && loop->fds[SLOT_CLOCK].fd >= 0 && loop->fds[SLOT_MAIL].fd >= 0;
}

enum td_code loop_new(int tty, struct keys_ring *ring, struct loop **out, struct td_err *err)
{
    *out = NULL;
    struct loop *loop = td_calloc(1, sizeof *loop);
    if (!loop)
        return td_fail(err, TD_NOMEM, "out of memory for the event loop");
    loop->ring = ring;
    loop->watch = -1;
    for (size_t i = 0; i < SLOT_COUNT; i++)
        loop->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    loop_block_signals();
    loop->fds[SLOT_TTY].fd = tty;
    if (!open_descriptors(loop)) {
        int reason = errno;
        loop_free(loop);
        return td_fail_errno(err, reason, "cannot set up the event loop");
    }
    *out = loop;
    return TD_OK;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    for (size_t i = SLOT_SIGNAL; i < SLOT_COUNT; i++)
        if (i != SLOT_ENGINE && loop->fds[i].fd >= 0)
            close(loop->fds[i].fd);
    td_free(loop);
}

void loop_engine(struct loop *loop, int fd)
{
    loop->fds[SLOT_ENGINE].fd = fd;
}

uint64_t loop_engine_events(struct loop *loop)
{
    uint64_t count = loop->engine_events;
    loop->engine_events = 0;
    return count;
}

void loop_clock(struct loop *loop, bool on)
{
    struct itimerspec spec = {0};
    struct timespec now;
    if (on) {
        clock_gettime(CLOCK_REALTIME, &now);
        spec.it_value.tv_sec = now.tv_sec + 1;
        spec.it_interval.tv_sec = 1;
    }
    timerfd_settime(loop->fds[SLOT_CLOCK].fd, on ? TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET : 0, &spec, NULL);
}

bool loop_watch(struct loop *loop, const char *folder)
{
    int fd = loop->fds[SLOT_FILES].fd;
    if (fd < 0)
        return false;
    if (loop->watch >= 0)
        inotify_rm_watch(fd, loop->watch);
    loop->watch = inotify_add_watch(fd, folder, IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE);
    return loop->watch >= 0;
}

void loop_later(struct loop *loop, unsigned ms)
{
    int64_t at = td_mono_ns() + (int64_t)ms * 1000000;
    if (!loop->later_ns || at < loop->later_ns)
        loop->later_ns = at;
}

void loop_post(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t done = write(loop->fds[SLOT_MAIL].fd, &one, sizeof one);
    (void)done; /* EAGAIN: the counter is full, the loop will wake anyway */
}

/* ---- waking ---- */

static unsigned read_signals(int fd)
{
    struct signalfd_siginfo info;
    unsigned why = 0;
    while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
        switch (info.ssi_signo) {
        case SIGTERM: why |= LOOP_TERM; break;
        case SIGINT: why |= LOOP_INT; break;
        case SIGHUP: why |= LOOP_HANGUP; break;
        case SIGWINCH: why |= LOOP_WINCH; break;
        case SIGTSTP: why |= LOOP_SUSPEND; break;
        case SIGCONT: why |= LOOP_CONT; break;
        default: break;
        }
    }
    return why;
}

static unsigned read_keys(struct loop *loop)
{
    unsigned char bytes[4096];
    size_t room = KEYS_RING - loop->ring->len;
    if (!room)
        return LOOP_KEYS;
    ssize_t got = read(loop->fds[SLOT_TTY].fd, bytes, room < sizeof bytes ? room : sizeof bytes);
    if (got > 0) {
        keys_feed(loop->ring, bytes, (size_t)got);
        return LOOP_KEYS;
    }
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    loop->gone = true;
    return LOOP_HANGUP;
}

/* One read: an eventfd is empty after it, and what inotify still holds wakes the next poll. */
static void drain(int fd)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof bytes);
    (void)got;
}

static unsigned read_clock(struct loop *loop)
{
    uint64_t ticks;
    if (read(loop->fds[SLOT_CLOCK].fd, &ticks, sizeof ticks) < 0 && errno == ECANCELED)
        loop_clock(loop, true); /* the wall clock was set: find the next whole second again */
    return LOOP_TICK;
}

/* Milliseconds to sleep at most; -1 = until something happens. */
static int timeout_of(const struct loop *loop)
{
    int timeout = keys_pending(loop->ring) ? ESCAPE_MS : -1;
    if (loop->later_ns) {
        int64_t left = (loop->later_ns - td_mono_ns() + 999999) / 1000000;
        int ms = left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
        timeout = timeout < 0 || ms < timeout ? ms : timeout;
    }
    return timeout;
}

static unsigned read_ready(struct loop *loop)
{
    unsigned why = 0;
    struct pollfd *fds = loop->fds;
    if (fds[SLOT_SIGNAL].revents)
        why |= read_signals(fds[SLOT_SIGNAL].fd);
    if (fds[SLOT_TTY].revents)
        why |= read_keys(loop);
    if (fds[SLOT_CLOCK].revents)
        why |= read_clock(loop);
    if (fds[SLOT_MAIL].revents) {
        drain(fds[SLOT_MAIL].fd);
        why |= LOOP_MAIL;
    }
    if (fds[SLOT_ENGINE].revents) {
        uint64_t count = 0;
        if (read(fds[SLOT_ENGINE].fd, &count, sizeof count) == (ssize_t)sizeof count)
            loop->engine_events += count;
        why |= LOOP_ENGINE;
    }
    if (fds[SLOT_FILES].revents) {
        drain(fds[SLOT_FILES].fd);
        why |= LOOP_FILES;
    }
    return why;
}

unsigned loop_wait(struct loop *loop, struct td_err *err)
{
    unsigned why = 0;
    while (!why) {
        bool held = loop->later_ns != 0;
        int timeout = timeout_of(loop);
        if (loop->gone)
            loop->fds[SLOT_TTY].fd = -1;
        int ready = poll(loop->fds, SLOT_COUNT, timeout);
        if (ready < 0 && errno != EINTR) {
            td_fail_errno(err, errno, "waiting for keys");
            return 0;
        }
        if (ready > 0)
            why |= read_ready(loop);
        if (ready == 0 && keys_pending(loop->ring))
            why |= LOOP_QUIET;
        if (held && td_mono_ns() >= loop->later_ns) {
            loop->later_ns = 0;
            why |= LOOP_LATER;
        }
    }
    return why;
}

void loop_stop_process(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL}, old;
    sigset_t stop;
    sigemptyset(&usual.sa_mask);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    /* curses puts a handler of its own here, which would draw and throw typed keys away */
    sigaction(SIGTSTP, &usual, &old);
    kill(getpid(), SIGTSTP);
    /* Every thread blocks it but this one, from here on: the default action stops the whole process. */
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    sigaction(SIGTSTP, &old, NULL);
    /* The SIGCONT that woke it is answered by the caller's redraw: left pending it would cause another. */
    sigset_t woken;
    const struct timespec now = {0, 0};
    sigemptyset(&woken);
    sigaddset(&woken, SIGCONT);
    (void)sigtimedwait(&woken, NULL, &now);
}
