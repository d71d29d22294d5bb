/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the key decoder: sequences whole and cut anywhere, the lone Esc, mouse, paste, noise, and key names. */
#include "check.h"

#include "keys.h"

static struct keys_ring ring;

struct key_case {
    const char *bytes;
    uint32_t keys[6]; /* 0 ends */
};
static const struct key_case key_cases[] = {
    {"a", {'a'}},
    {"ab", {'a', 'b'}},
    {"\r", {'\r'}},
    {"\x0c", {12}},
    {"\x7f", {127}},
    {"\xC3\xA9", {0xE9}},
    {"\xE4\xB8\xAD", {0x4E2D}},
    {"\x1b[A", {KEYS_UP}},
    {"\x1bOA", {KEYS_UP}},
    {"\x1b[D\x1b[C", {KEYS_LEFT, KEYS_RIGHT}},
    {"\x1b[1;5C", {KEYS_RIGHT | KEYS_CTRL}},
    {"\x1b[1;2A", {KEYS_UP | KEYS_SHIFT}},
    {"\x1b[1;3B", {KEYS_DOWN | KEYS_ALT}},
    {"\x1b[1;8H", {KEYS_HOME | KEYS_CTRL | KEYS_ALT | KEYS_SHIFT}},
    {"\x1b[5~", {KEYS_PAGE_UP}},
    {"\x1b[6;5~", {KEYS_PAGE_DOWN | KEYS_CTRL}},
    {"\x1b[3~x", {KEYS_DELETE, 'x'}},
    {"\x1b[15~", {KEYS_F1 + 4}},
    {"\x1bOP", {KEYS_F1}},
    {"\x1b[[C", {KEYS_F1 + 2}}, /* Linux console */
    {"\x1b[Z", {KEYS_BACK_TAB}},
    {"\x1bx", {KEYS_ALT | 'x'}},
    {"\x1b\xC3\xA9", {KEYS_ALT | 0xE9}},
    {"\x1b\x1b[A", {KEYS_ESCAPE, KEYS_UP}},
    {"\x1b[?1;2c", {KEYS_UNKNOWN}}, /* an answer nobody asked for */
    {"\x1b[99~", {KEYS_UNKNOWN}},
    {"\x1b[12345678901234567890~", {KEYS_UNKNOWN}},
    {"\x1b[1;2;3;4;5;6;7;8;9;10A", {KEYS_UP | KEYS_SHIFT}},
    {"\x1b[\x01", {KEYS_UNKNOWN, 1}}, /* broken off */
    {"\x1bOz", {KEYS_UNKNOWN}},
    {"\xFFz", {0xFFFD, 'z'}},
    {"\xC3(", {0xFFFD, '('}},
};

static void expect_keys(const struct key_case *c, size_t cut)
{
    size_t len = strlen(c->bytes), n = 0;
    struct keys_event event;
    keys_init(&ring);
    keys_feed(&ring, c->bytes, cut);
    while (keys_next(&ring, false, &event))
        assert_int_equal(event.key, c->keys[n++]);
    keys_feed(&ring, c->bytes + cut, len - cut);
    while (keys_next(&ring, false, &event)) {
        if (event.key != c->keys[n])
            fail_msg("case %zu cut at %zu: key %u is %x, expected %x", (size_t)(c - key_cases), cut, (unsigned)n, event.key, c->keys[n]);
        n++;
    }
    assert_int_equal(c->keys[n], 0);
    assert_false(keys_pending(&ring));
}

static void test_sequences(void **state)
{
    (void)state;
    for (size_t i = 0; i < TD_COUNT(key_cases); i++)
        for (size_t cut = 0; cut <= strlen(key_cases[i].bytes); cut++)
            expect_keys(&key_cases[i], cut);
}

/* An unfinished sequence is an event only after the quiet time. */
static void test_quiet(void **state)
{
    (void)state;
    static const struct key_case cases[] = {
        {"\x1b", {KEYS_ESCAPE}},       {"\x1b[", {KEYS_ALT | '['}}, {"\x1bO", {KEYS_ALT | 'O'}},
        {"\x1b[1;5", {KEYS_UNKNOWN}},  {"\xE4\xB8", {0xFFFD, 0xFFFD}}, {"\x1b[<0;3", {KEYS_UNKNOWN}},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct keys_event event;
        keys_init(&ring);
        keys_feed(&ring, cases[i].bytes, strlen(cases[i].bytes));
        assert_false(keys_next(&ring, false, &event));
        assert_true(keys_pending(&ring));
        for (size_t n = 0; cases[i].keys[n]; n++) {
            assert_true(keys_next(&ring, true, &event));
            assert_int_equal(event.key, cases[i].keys[n]);
        }
        assert_false(keys_next(&ring, true, &event));
        assert_false(keys_pending(&ring));
    }
}

static void test_mouse(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int button, row, col;
    } cases[] = {
        {"\x1b[<0;10;5M", MOUSE_LEFT, 4, 9},       {"\x1b[<0;10;5m", MOUSE_RELEASE, 4, 9},
        {"\x1b[<2;1;1M", MOUSE_RIGHT, 0, 0},       {"\x1b[<64;300;200M", MOUSE_WHEEL_UP, 199, 299},
        {"\x1b[<65;2;2M", MOUSE_WHEEL_DOWN, 1, 1}, {"\x1b[<35;2;2M", MOUSE_OTHER, 1, 1},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct keys_event event;
        keys_init(&ring);
        keys_feed(&ring, cases[i].bytes, strlen(cases[i].bytes));
        assert_true(keys_next(&ring, false, &event));
        assert_int_equal(event.key, KEYS_MOUSE);
        assert_int_equal(event.button, cases[i].button);
        assert_int_equal(event.row, cases[i].row);
        assert_int_equal(event.col, cases[i].col);
    }
    struct keys_event event;
    keys_feed(&ring, "\x1b[<0;0;0M", 9); /* no such cell */
    assert_true(keys_next(&ring, false, &event));
    assert_int_equal(event.key, KEYS_UNKNOWN);
}

static void test_paste(void **state)
{
    (void)state;
    static const char bytes[] = "\x1b[200~:quit\r\n\x1b[A\x03 caf\xC3\xA9\x1b[20\x1b[201~q";
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        struct keys_event event;
        keys_init(&ring);
        keys_feed(&ring, bytes, cut);
        bool first = keys_next(&ring, false, &event);
        keys_feed(&ring, bytes + cut, sizeof bytes - 1 - cut);
        if (!first)
            assert_true(keys_next(&ring, false, &event));
        assert_int_equal(event.key, KEYS_PASTE);
        assert_string_equal(ring.paste, ":quit  [A caf\xC3\xA9[20"); /* no control byte acts as a key */
        assert_true(keys_next(&ring, false, &event) || cut == sizeof bytes - 1);
    }
    keys_init(&ring);
    keys_feed(&ring, "\x1b[200~", 6);
    struct keys_event event;
    for (int i = 0; i < 3000; i++) { /* an endless paste is cut, never grows */
        keys_feed(&ring, "0123456789", 10);
        assert_false(keys_next(&ring, false, &event));
    }
    keys_feed(&ring, "\x1b[201~", 6);
    assert_true(keys_next(&ring, false, &event));
    assert_int_equal(strlen(ring.paste), KEYS_PASTE_MAX);
}

static void test_noise(void **state)
{
    (void)state;
    uint64_t seed = 1;
    keys_init(&ring);
    for (int round = 0; round < 20000; round++) {
        char bytes[16];
        seed = td_mix64(seed);
        size_t len = seed % sizeof bytes;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)((seed >> (i % 8 * 8) & 3) == 0 ? 0x1b : (seed >> (i % 8 * 8) & 7) == 1 ? '[' : (int)(seed >> (i % 8 * 8)));
        keys_feed(&ring, bytes, len);
        struct keys_event event;
        while (keys_next(&ring, round % 5 == 0, &event))
            assert_true(event.raw_len <= KEYS_RAW);
        assert_true(ring.len < 4096); /* nothing waits for ever */
    }
}

static void test_ring_bound(void **state)
{
    (void)state;
    static char block[KEYS_RING];
    memset(block, 'x', sizeof block);
    keys_init(&ring);
    assert_int_equal(keys_feed(&ring, block, 100), 100);
    assert_int_equal(keys_feed(&ring, block, sizeof block), sizeof block - 100);
    assert_int_equal(keys_feed(&ring, block, 1), 0);
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t key;
        const char *back;
    } cases[] = {
        {"k", 'k', "k"},           {"C-l", 12, "C-l"},     {"M-x", KEYS_ALT | 'x', "M-x"},    {"S-Up", KEYS_SHIFT | KEYS_UP, "S-Up"},
        {"PgDn", KEYS_PAGE_DOWN, "PgDn"}, {"Space", ' ', "Space"}, {"F5", KEYS_F1 + 4, "F5"}, {"F12", KEYS_F12, "F12"},
        {"C-Right", KEYS_CTRL | KEYS_RIGHT, "C-Right"},    {"Enter", '\r', "Enter"}, {"-", '-', "-"}, {"Esc", KEYS_ESCAPE, "Esc"},
        {"\xC3\xA9", 0xE9, "\xC3\xA9"}, {"F13", 0, NULL},  {"", 0, NULL}, {"Foo", 0, NULL}, {"X-a", 0, NULL},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char name[32];
        assert_int_equal(keys_parse(cases[i].name), cases[i].key);
        if (!cases[i].back)
            continue;
        keys_name(cases[i].key, name, sizeof name);
        assert_string_equal(name, cases[i].back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences), cmocka_unit_test(test_quiet), cmocka_unit_test(test_mouse),      cmocka_unit_test(test_paste),
        cmocka_unit_test(test_noise),     cmocka_unit_test(test_names), cmocka_unit_test(test_ring_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
