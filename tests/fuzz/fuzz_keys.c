/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes from a terminal: cut into pieces of any size, with and without a pause after each. Every byte must end in some
 * event, every event must make sense to those who read it, and nothing may stay behind for ever. */
#include "fuzz.h"
#include "ui/keys.h"

static void check_event(const struct keys_ring *ring, const struct keys_event *event)
{
    char name[64];
    uint32_t code = event->key & KEYS_CODE;
    FUZZ_CHECK(code <= KEYS_UNKNOWN);
    FUZZ_CHECK(!(event->key & ~(KEYS_CODE | KEYS_ALT | KEYS_CTRL | KEYS_SHIFT)));
    FUZZ_CHECK(code < 0xD800 || code > 0xDFFF);
    FUZZ_CHECK(event->raw_len <= KEYS_RAW);
    if (code == KEYS_MOUSE)
        FUZZ_CHECK(event->row >= 0 && event->col >= 0 && event->button >= MOUSE_LEFT && event->button <= MOUSE_OTHER);
    if (code == KEYS_PASTE) {
        FUZZ_CHECK(ring->paste_len <= KEYS_PASTE_MAX && ring->paste[ring->paste_len] == '\0');
        for (size_t i = 0; i < ring->paste_len; i++)
            FUZZ_CHECK((unsigned char)ring->paste[i] >= 0x20 && ring->paste[i] != 0x7F);
    }
    FUZZ_CHECK(keys_name(event->key, name, sizeof name) < sizeof name);
}

static size_t drain(struct keys_ring *ring, bool quiet)
{
    struct keys_event event;
    size_t events = 0;
    for (;;) {
        size_t before = ring->len;
        if (!keys_next(ring, quiet, &event))
            break;
        FUZZ_CHECK(ring->len < before);
        check_event(ring, &event);
        events++;
    }
    return events;
}

static void names(const uint8_t *data, size_t size)
{
    char out[64], *name = fuzz_text(data, size < 40 ? size : 40);
    uint32_t key = keys_parse(name);
    if (key) {
        keys_name(key, out, sizeof out);
        FUZZ_CHECK(keys_parse(out) == key);
    }
    free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keys_ring ring;
    size_t at = 1;
    if (!size)
        return 0;
    names(data, size);
    keys_init(&ring);
    ring.head = KEYS_RING - data[0]; /* the ring's seam lies somewhere in the input */
    ring.head %= KEYS_RING;
    for (unsigned turn = 0; at < size; turn++) {
        size_t piece = 1 + (data[0] * 7u + turn * 13u) % 19;
        if (piece > size - at)
            piece = size - at;
        FUZZ_CHECK(keys_feed(&ring, data + at, piece) == piece);
        at += piece;
        drain(&ring, (turn & 3) == 3);
    }
    drain(&ring, true);
    FUZZ_CHECK(!keys_pending(&ring) || ring.len == 0);
    FUZZ_CHECK(ring.len == 0);
    return 0;
}
