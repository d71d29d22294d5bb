/* SPDX-License-Identifier: GPL-3.0-or-later
 * keys: bytes from the terminal become key, mouse and paste events. Pure: no terminal, no clock; UI thread only. */
#ifndef TAPEDECK_UI_KEYS_H
#define TAPEDECK_UI_KEYS_H

#include <tapedeck/base.h>

/* Key codes: a Unicode scalar, a control byte (1..31, 127), or one of these; modifiers are added as bits. */
enum {
    KEY_BASE = 0x110000,
    KEYS_UP,
    KEYS_DOWN,
    KEYS_RIGHT,
    KEYS_LEFT,
    KEYS_HOME,
    KEYS_END,
    KEYS_INSERT,
    KEYS_DELETE,
    KEYS_PAGE_UP,
    KEYS_PAGE_DOWN,
    KEYS_BACK_TAB,
    KEYS_F1,
    KEYS_F12 = KEYS_F1 + 11,
    KEYS_ESCAPE,
    KEYS_MOUSE,
    KEYS_PASTE, /* text between the paste brackets, made harmless */
    KEYS_UNKNOWN /* a complete sequence nobody knows: swallowed whole, so that no half of it acts as a key */
};
#define KEYS_ALT 0x01000000u
#define KEYS_CTRL 0x02000000u
#define KEYS_SHIFT 0x04000000u
#define KEYS_CODE 0x00FFFFFFu

enum { MOUSE_LEFT, MOUSE_MIDDLE, MOUSE_RIGHT, MOUSE_RELEASE, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN, MOUSE_OTHER };

#define KEYS_RING 65536
#define KEYS_RAW 32
#define KEYS_PASTE_MAX 4096

struct keys_event {
    uint32_t key; /* code with modifier bits */
    int button, row, col; /* of KEYS_MOUSE, from 0 */
    char raw[KEYS_RAW];   /* the bytes as they came, for the prompt's editor; raw_len 0 when they were too many */
    size_t raw_len;
};

struct keys_ring {
    unsigned char bytes[KEYS_RING];
    size_t head, len;
    bool pasting;
    char paste[KEYS_PASTE_MAX + 1]; /* valid after a KEYS_PASTE event until the next call; longer pastes are cut */
    size_t paste_len;
};

void keys_init(struct keys_ring *ring);
/* Room for further bytes; a full ring refuses the rest (the terminal keeps them). Returns bytes taken. */
size_t keys_feed(struct keys_ring *ring, const void *bytes, size_t len);
/* Next event. false: nothing complete is there. `quiet`: 25 ms passed without a further byte, so that a lone Esc is Esc
 * and an unfinished sequence ends. */
bool keys_next(struct keys_ring *ring, bool quiet, struct keys_event *out);
bool keys_pending(const struct keys_ring *ring); /* bytes wait for their rest: ask again after 25 ms */
/* "k", "C-l", "M-x", "S-Up", "PgDn", "Space", "F5" -> code; 0 when it names no key. */
uint32_t keys_parse(const char *name);
size_t keys_name(uint32_t key, char *out, size_t size);

#endif
