/* SPDX-License-Identifier: GPL-3.0-or-later
 * loop: the one place where the deck sleeps: keys, signals, the clock, finished work and changed files wake it. */
#ifndef TAPEDECK_UI_LOOP_H
#define TAPEDECK_UI_LOOP_H

#include "keys.h"

enum { /* why loop_wait returned; several at once are usual */
    LOOP_KEYS = 1 << 0,   /* bytes were added to the ring */
    LOOP_QUIET = 1 << 1,  /* 25 ms without a byte while the ring held an unfinished key */
    LOOP_TICK = 1 << 2,   /* a second of wall time began */
    LOOP_ENGINE = 1 << 3, /* the engine's descriptor: jobs changed, queries are done */
    LOOP_MAIL = 1 << 4,   /* loop_post was called */
    LOOP_FILES = 1 << 5,  /* something changed in the watched folder */
    LOOP_TERM = 1 << 6,
    LOOP_INT = 1 << 7,
    LOOP_HANGUP = 1 << 8, /* SIGHUP, or the terminal is gone */
    LOOP_WINCH = 1 << 9,
    LOOP_SUSPEND = 1 << 10,
    LOOP_CONT = 1 << 11,
    LOOP_LATER = 1 << 12 /* the time asked for with loop_later has come */
};

struct loop;
/* Blocks the handled signals in this thread for the life of the process. */
enum td_code loop_new(int tty, struct keys_ring *ring, struct loop **out, struct td_err *err);
void loop_free(struct loop *loop);
void loop_engine(struct loop *loop, int fd);               /* -1 = none */
void loop_clock(struct loop *loop, bool on);               /* ticks at whole seconds; off: no wake-up at all */
bool loop_watch(struct loop *loop, const char *folder);    /* replaces the folder watched before; false: not there */
uint64_t loop_engine_events(struct loop *loop);            /* signals of the engine since the last call */
void loop_later(struct loop *loop, unsigned ms);           /* one LOOP_LATER, at the soonest of the times asked for */
void loop_post(struct loop *loop);                         /* any thread */
unsigned loop_wait(struct loop *loop, struct td_err *err); /* 0 only on an error, which is in *err */
/* Block the signals the deck reads by descriptor; call before any thread starts. */
void loop_block_signals(void);
/* Stop this process as the shell expects of Ctrl-Z; returns after it was continued. */
void loop_stop_process(void);

#endif
