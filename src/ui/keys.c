/* SPDX-License-Identifier: GPL-3.0-or-later
 * keys: the byte ring and the decoder of escape sequences: CSI and SS3 keys with modifiers, SGR mouse, bracketed paste.
 * A terminal is as hostile as a file: sequences are bounded, and an unknown one is swallowed whole. */
#include <string.h>

#include <tapedeck/chart.h>

#include "keys.h"

#define ESC 0x1B
#define PARAMS_MAX 8
#define SEQUENCE_MAX 64 /* longer ones are noise */
#define ALL_WAITS SIZE_MAX

void keys_init(struct keys_ring *ring)
{
    ring->head = ring->len = ring->paste_len = 0;
    ring->pasting = false;
}

size_t keys_feed(struct keys_ring *ring, const void *bytes, size_t len)
{
    const unsigned char *from = bytes;
    size_t taken = 0;
    while (taken < len && ring->len < KEYS_RING)
        ring->bytes[(ring->head + ring->len++) % KEYS_RING] = from[taken++];
    return taken;
}

bool keys_pending(const struct keys_ring *ring)
{
    return ring->len > 0;
}

static int peek(const struct keys_ring *ring, size_t at)
{
    return at < ring->len ? ring->bytes[(ring->head + at) % KEYS_RING] : -1;
}

static void drop(struct keys_ring *ring, size_t count)
{
    ring->head = (ring->head + count) % KEYS_RING;
    ring->len -= count;
}

/* Take `count` bytes as one event. */
static bool take(struct keys_ring *ring, size_t count, uint32_t key, struct keys_event *out)
{
    out->key = key;
    out->raw_len = count <= KEYS_RAW ? count : 0;
    for (size_t i = 0; i < out->raw_len; i++)
        out->raw[i] = (char)peek(ring, i);
    drop(ring, count);
    return true;
}

/* ---- control sequences ---- */

struct sequence { /* ESC [ params final */
    int params[PARAMS_MAX];
    size_t count;
    char lead;  /* '<' of the SGR mouse, 0 = none */
    char final; /* 0: not complete */
    size_t len; /* bytes, ESC included */
};

/* Reads the sequence that starts at the ring's head with "ESC [". len is ALL_WAITS while its end has not come. */
static struct sequence read_sequence(const struct keys_ring *ring)
{
    struct sequence seq = {.len = ALL_WAITS};
    bool digits = false;
    for (size_t i = 2; i < SEQUENCE_MAX; i++) {
        int c = peek(ring, i);
        if (c < 0)
            return seq;
        if (c >= '0' && c <= '9') {
            if (!digits && seq.count < PARAMS_MAX)
                seq.count++;
            digits = true;
            int *param = &seq.params[seq.count - 1];
            if (*param < 100000)
                *param = *param * 10 + (c - '0');
        } else if (c == ';') {
            if (!digits && seq.count < PARAMS_MAX)
                seq.count++;
            digits = false;
        } else if (c >= 0x3C && c <= 0x3F && i == 2) {
            seq.lead = (char)c;
        } else if (c >= 0x40 && c <= 0x7E && !(c == '[' && i == 2)) {
            seq.final = (char)c;
            seq.len = i + 1;
            return seq;
        } else if (c == '[' && i == 2) {
            /* the Linux console's F1..F5: ESC [ [ A */
            int letter = peek(ring, 3);
            seq.len = letter < 0 ? ALL_WAITS : 4;
            seq.final = letter < 0 ? 0 : '[';
            seq.params[0] = letter;
            return seq;
        } else if (c < 0x20 || c > 0x3F) {
            seq.len = i; /* broken off: what follows is a new key */
            return seq;
        }
    }
    seq.len = SEQUENCE_MAX;
    return seq;
}

/* The modifier parameter of xterm: 1 + shift 1 + alt 2 + control 4. */
static uint32_t modifiers(int param)
{
    int bits = param > 1 && param <= 16 ? param - 1 : 0;
    return (bits & 1 ? KEYS_SHIFT : 0) | (bits & 2 ? KEYS_ALT : 0) | (bits & 4 ? KEYS_CTRL : 0);
}

static uint32_t key_of_letter(char letter)
{
    switch (letter) {
    case 'A': return KEYS_UP;
    case 'B': return KEYS_DOWN;
    case 'C': return KEYS_RIGHT;
    case 'D': return KEYS_LEFT;
    case 'H': return KEYS_HOME;
    case 'F': return KEYS_END;
    case 'Z': return KEYS_BACK_TAB;
    case 'P': return KEYS_F1;
    case 'Q': return KEYS_F1 + 1;
    case 'R': return KEYS_F1 + 2;
    case 'S': return KEYS_F1 + 3;
    default: return KEYS_UNKNOWN;
    }
}

static uint32_t key_of_number(int number)
{
    static const uint32_t keys[] = {
        [1] = KEYS_HOME,      [2] = KEYS_INSERT,     [3] = KEYS_DELETE,    [4] = KEYS_END,       [5] = KEYS_PAGE_UP,
        [6] = KEYS_PAGE_DOWN, [7] = KEYS_HOME,       [8] = KEYS_END,       [11] = KEYS_F1,       [12] = KEYS_F1 + 1,
        [13] = KEYS_F1 + 2,   [14] = KEYS_F1 + 3,    [15] = KEYS_F1 + 4,   [17] = KEYS_F1 + 5,   [18] = KEYS_F1 + 6,
        [19] = KEYS_F1 + 7,   [20] = KEYS_F1 + 8,    [21] = KEYS_F1 + 9,   [23] = KEYS_F1 + 10,  [24] = KEYS_F1 + 11,
    };
    if (number < 0 || (size_t)number >= TD_COUNT(keys) || !keys[number])
        return KEYS_UNKNOWN;
    return keys[number];
}

static uint32_t read_mouse(const struct sequence *seq, struct keys_event *out)
{
    if (seq->count < 3 || seq->params[1] < 1 || seq->params[2] < 1)
        return KEYS_UNKNOWN;
    int code = seq->params[0];
    out->col = seq->params[1] - 1;
    out->row = seq->params[2] - 1;
    if (seq->final == 'm')
        out->button = MOUSE_RELEASE;
    else if (code & 64)
        out->button = code & 1 ? MOUSE_WHEEL_DOWN : MOUSE_WHEEL_UP;
    else
        out->button = (code & 32) || (code & 3) == 3 ? MOUSE_OTHER : code & 3;
    return KEYS_MOUSE;
}

static uint32_t key_of_sequence(const struct sequence *seq, struct keys_event *out)
{
    if (seq->lead == '<' && (seq->final == 'M' || seq->final == 'm'))
        return read_mouse(seq, out);
    if (seq->lead || !seq->final)
        return KEYS_UNKNOWN;
    if (seq->final == '[') {
        int letter = seq->params[0];
        return letter >= 'A' && letter <= 'E' ? KEYS_F1 + (uint32_t)(letter - 'A') : KEYS_UNKNOWN;
    }
    uint32_t modifier = seq->count > 1 ? modifiers(seq->params[1]) : 0;
    uint32_t key = seq->final == '~' ? (seq->count ? key_of_number(seq->params[0]) : KEYS_UNKNOWN) : key_of_letter(seq->final);
    return key == KEYS_UNKNOWN ? key : key | modifier;
}

/* ---- bracketed paste ---- */

static const char paste_end[] = "\x1b[201~";

/* Control bytes of a paste would act as keys: a line end or tab becomes a blank, the rest is left out. */
static void paste_byte(struct keys_ring *ring, int c)
{
    if (c == '\n' || c == '\r' || c == '\t')
        c = ' ';
    if (c < 0x20 || c == 0x7F || ring->paste_len >= KEYS_PASTE_MAX)
        return;
    ring->paste[ring->paste_len++] = (char)c;
}

/* Swallow bytes up to the closing bracket. */
static bool next_paste(struct keys_ring *ring, bool quiet, struct keys_event *out)
{
    while (ring->len) {
        size_t match = 0;
        while (match < sizeof paste_end - 1 && peek(ring, match) == paste_end[match])
            match++;
        if (match == sizeof paste_end - 1) {
            ring->pasting = false;
            ring->paste[ring->paste_len] = '\0';
            take(ring, match, KEYS_PASTE, out);
            out->raw_len = 0;
            return true;
        }
        if (match == ring->len && !quiet)
            return false; /* perhaps the bracket's beginning */
        paste_byte(ring, peek(ring, 0));
        drop(ring, 1);
    }
    return false;
}

/* ---- keys ---- */

static bool next_control_sequence(struct keys_ring *ring, bool quiet, struct keys_event *out)
{
    struct sequence seq = read_sequence(ring);
    if (seq.len == ALL_WAITS) {
        if (!quiet)
            return false;
        return ring->len == 2 ? take(ring, 2, KEYS_ALT | '[', out) : take(ring, ring->len, KEYS_UNKNOWN, out);
    }
    if (seq.final == '~' && seq.count && seq.params[0] == 200) {
        drop(ring, seq.len);
        ring->pasting = true;
        ring->paste_len = 0;
        return next_paste(ring, quiet, out);
    }
    uint32_t key = key_of_sequence(&seq, out);
    return take(ring, seq.len, key, out);
}

/* A character of one to four bytes from offset `at`; 0 = its rest has not come. */
static size_t char_at(const struct keys_ring *ring, size_t at, bool quiet, uint32_t *ch)
{
    char bytes[4];
    size_t have = 0;
    while (have < sizeof bytes && peek(ring, at + have) >= 0) {
        bytes[have] = (char)peek(ring, at + have);
        have++;
    }
    unsigned char lead = (unsigned char)bytes[0];
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
    if (have < need && !quiet) {
        bool open = true;
        for (size_t i = 1; i < have; i++)
            open = open && ((unsigned char)bytes[i] & 0xC0) == 0x80;
        if (open)
            return 0;
    }
    return td_utf8_decode(bytes, have, ch);
}

static bool next_escape(struct keys_ring *ring, bool quiet, struct keys_event *out)
{
    int second = peek(ring, 1);
    if (second < 0)
        return quiet ? take(ring, 1, KEYS_ESCAPE, out) : false;
    if (second == '[')
        return next_control_sequence(ring, quiet, out);
    if (second == 'O') {
        int letter = peek(ring, 2);
        if (letter < 0)
            return quiet ? take(ring, 2, KEYS_ALT | 'O', out) : false;
        return take(ring, 3, key_of_letter((char)letter), out);
    }
    if (second == ESC)
        return take(ring, 1, KEYS_ESCAPE, out);
    uint32_t ch;
    size_t used = char_at(ring, 1, quiet, &ch);
    return used ? take(ring, used + 1, KEYS_ALT | ch, out) : false;
}

bool keys_next(struct keys_ring *ring, bool quiet, struct keys_event *out)
{
    *out = (struct keys_event){0};
    if (ring->pasting)
        return next_paste(ring, quiet, out);
    int first = peek(ring, 0);
    if (first < 0)
        return false;
    if (first == ESC)
        return next_escape(ring, quiet, out);
    uint32_t ch;
    size_t used = char_at(ring, 0, quiet, &ch);
    return used ? take(ring, used, ch, out) : false;
}

/* ---- names ---- */

static const struct {
    const char *name;
    uint32_t key;
} names[] = {
    {"Up", KEYS_UP},         {"Down", KEYS_DOWN},     {"Left", KEYS_LEFT},      {"Right", KEYS_RIGHT},
    {"Home", KEYS_HOME},     {"End", KEYS_END},       {"Insert", KEYS_INSERT},  {"Delete", KEYS_DELETE},
    {"PgUp", KEYS_PAGE_UP},  {"PgDn", KEYS_PAGE_DOWN}, {"BackTab", KEYS_BACK_TAB}, {"Esc", KEYS_ESCAPE},
    {"Enter", '\r'},         {"Tab", '\t'},           {"Space", ' '},           {"BackSpace", 0x7F},
};

static uint32_t key_of_name(const char *name)
{
    int64_t number;
    for (size_t i = 0; i < TD_COUNT(names); i++)
        if (strcmp(name, names[i].name) == 0)
            return names[i].key;
    if (name[0] == 'F' && td_parse_i64(name + 1, strlen(name + 1), &number) && number >= 1 && number <= 12)
        return KEYS_F1 + (uint32_t)number - 1;
    uint32_t ch;
    size_t len = strlen(name);
    return len && td_utf8_decode(name, len, &ch) == len && ch >= ' ' ? ch : 0;
}

uint32_t keys_parse(const char *name)
{
    uint32_t bits = 0;
    while (name[0] && name[1] == '-' && name[2]) {
        if (name[0] == 'C')
            bits |= KEYS_CTRL;
        else if (name[0] == 'M')
            bits |= KEYS_ALT;
        else if (name[0] == 'S')
            bits |= KEYS_SHIFT;
        else
            return 0;
        name += 2;
    }
    uint32_t key = key_of_name(name);
    if ((bits & KEYS_CTRL) && key >= '@' && key <= 'z') {
        key &= 0x1F; /* terminals send Control with a letter as a control byte */
        bits &= ~KEYS_CTRL;
    }
    return key ? key | bits : 0;
}

size_t keys_name(uint32_t key, char *out, size_t size)
{
    uint32_t code = key & KEYS_CODE;
    const char *name = NULL;
    char text[8] = "";
    for (size_t i = 0; i < TD_COUNT(names); i++)
        if (names[i].key == code)
            name = names[i].name;
    if (!name) {
        bool control = code < ' ';
        if (code >= KEYS_F1 && code <= KEYS_F12)
            td_snprintf(text, sizeof text, "F%u", code - KEYS_F1 + 1);
        else if (control)
            td_snprintf(text, sizeof text, "C-%c", (char)(code + (code >= 1 && code <= 26 ? 'a' - 1 : '@')));
        else if (code < KEY_BASE)
            text[td_utf8_encode(code, text)] = '\0';
        else
            td_copy(text, sizeof text, "?");
        name = text;
    }
    td_snprintf(out, size, "%s%s%s%s", key & KEYS_CTRL ? "C-" : "", key & KEYS_ALT ? "M-" : "", key & KEYS_SHIFT ? "S-" : "", name);
    return strlen(out);
}
