/* SPDX-License-Identifier: GPL-3.0-or-later
 * Documents: what YAML and JSON texts become, which are refused and where, and that every text we write reads back. */
#include "check.h"

struct fixture {
    struct td_arena arena;
    struct td_err err;
    struct td_doc *doc;
};

static enum td_code parse_n(struct fixture *f, const char *text, size_t len)
{
    td_arena_init(&f->arena, (size_t)256 << 20);
    f->err = (struct td_err){0};
    return td_doc_parse(text, len, "x.yaml", &f->arena, &f->doc, &f->err);
}

static enum td_code parse(struct fixture *f, const char *text)
{
    return parse_n(f, text, strlen(text));
}

/* A tree as one line: maps {k:v}, lists [v], quoted texts "v", lines not shown. */
static void show(const struct td_doc *doc, struct td_buf *out)
{
    if (doc->key)
        td_buf_printf(out, "%s:", doc->key);
    if (doc->kind == TD_DOC_SCALAR) {
        td_buf_printf(out, doc->quoted ? "\"%s\"" : "%s", doc->text);
        return;
    }
    td_buf_addc(out, doc->kind == TD_DOC_MAP ? '{' : '[');
    for (size_t i = 0; i < doc->count; i++) {
        if (i)
            td_buf_addc(out, ' ');
        show(doc->items[i], out);
    }
    td_buf_addc(out, doc->kind == TD_DOC_MAP ? '}' : ']');
}

static void test_trees(void **state)
{
    (void)state;
    static const struct {
        const char *text, *tree;
    } cases[] = {
        {"", ""},
        {"# only a comment\n", ""},
        {"---\n", ""},
        {"a: 1\nb: two words\n", "{a:1 b:two words}"},
        {"\xef\xbb\xbf" "a: 1\n", "{a:1}"},
        {"a:\n  b:\n    c: x # why\n  d: [1, '2', \"3\"]\n", "{a:{b:{c:x} d:[1 \"2\" \"3\"]}}"},
        {"- a\n- b: 1\n  c: 2\n- []\n- {}\n", "[a {b:1 c:2} [] {}]"},
        {"a:\nb: ~\nc: null\nd: \"\"\n", "{a: b:~ c:null d:\"\"}"},
        {"a: |\n  one\n  two\n", "{a:\"one\ntwo\n\"}"},
        {"ticker: NO\nother: 'NO'\n", "{ticker:NO other:\"NO\"}"},
        {"{}", "{}"},
        {"[]", "[]"},
        {"{\"a\":1,\"b\":[true,null,-1.5e3],\"c\":{\"d\":\"e\"}}", "{a:1 b:[true null -1.5e3] c:{d:\"e\"}}"},
        {"{\n\t\"a\" : 1,\n\t\"b\"\t: [ ]\n}\n", "{a:1 b:[]}"},
        {"{\"url\":\"http:\\/\\/x\\/y\",\"q\":\"\\\"\\\\\\b\\f\\n\\r\\t\"}", "{url:\"http://x/y\" q:\"\"\\\b\f\n\r\t\"}"},
        {"{\"a\":\"\\u00e9\\u20AC\"}", "{a:\"\xc3\xa9\xe2\x82\xac\"}"},
        {"{\"a\":\"\\ud83d\\ude00!\"}", "{a:\"\xf0\x9f\x98\x80!\"}"},
        {"{\"\\uD83D\\uDE00\":1}", "{\xf0\x9f\x98\x80:1}"},
        {"{\"a\":\"\\\\ud83d\\\\ude00 \\ud83d\\ude00\"}", "{a:\"\\ud83d\\ude00 \xf0\x9f\x98\x80\"}"},
        {"{\"a\":\"x\\\"y\\ud83d\\ude00\"}", "{a:\"x\"y\xf0\x9f\x98\x80\"}"},
        {"[\"\xe2\x80\xa8\xe2\x80\xa9\x7f\xc2\x85\xef\xbb\xbf\xef\xbf\xbf\"]",
         "[\"\xe2\x80\xa8\xe2\x80\xa9\x7f\xc2\x85\xef\xbb\xbf\xef\xbf\xbf\"]"},
        {"{a: 'it\\ud83d\\ude00', b: x\"\\ud83d\\ude00\"}", "{a:\"it\\ud83d\\ude00\" b:x\"\\ud83d\\ude00\"}"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct fixture f;
        struct td_buf out;
        td_buf_init(&out, 4096);
        if (parse(&f, cases[i].text) != TD_OK)
            fail_msg("case %zu: %s", i, f.err.text);
        show(f.doc, &out);
        assert_string_equal(out.data ? out.data : "", cases[i].tree);
        td_buf_free(&out);
        td_arena_free(&f.arena);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message; /* the message must contain this */
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "x.yaml:3: key 'a' is given twice (first on line 1)"},
        {"s:\n  z: 1\n  y: 2\n  y: 2\n  z: 1\n", "x.yaml:4: key 'y' is given twice (first on line 3)"},
        {"{\"k\":1,\n\"k\":2}", "x.yaml:2: key 'k' is given twice (first on line 1)"},
        {"a: &x 1\nb: *x\n", "x.yaml:1: anchors (&name)"},
        {"a: &x {b: 1}\n", "x.yaml:1: anchors (&name)"},
        {"a:\n  - &x [1]\n", "x.yaml:2: anchors (&name)"},
        {"a: *x\n", "x.yaml:1: aliases (*name)"},
        {"a: !!str 1\n", "x.yaml:1: tags (!type)"},
        {"a: !python/object [1]\n", "x.yaml:1: tags (!type)"},
        {"a: 1\n---\nb: 2\n", "x.yaml:2: a second document"},
        {"--- 1\n--- 2\n", "x.yaml:2: a second document"},
        {"? [a, b]\n: 1\n", "x.yaml:1: a key must be plain text"},
        {"a: 1\n b: 2\n", "x.yaml:2: "},
        {"a: \"open\n", "x.yaml:2: "},
        {"a: \"\\0\"\n", "x.yaml:1: a NUL character"},
        {"a: [1, 2\n", "x.yaml:"},
        {"{\"a\": \"\\ud83d\"}", "x.yaml:1: "},
        {"{\"a\": \"\\\\ud83d\\ude00\"}", "x.yaml:1: "},
        {"{\"a\": \"\\udc00\\ud800\"}", "x.yaml:1: "},
        {"a: \xff\n", "x.yaml: byte 3: "},
        {"a: \x01\n", "x.yaml: byte 3: "},
        {"{\"a\":1}{\"b\":2}", "x.yaml:"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct fixture f;
        enum td_code code = parse(&f, cases[i].text);
        if (code != TD_CONFIG || !strstr(f.err.text, cases[i].message) || f.doc)
            fail_msg("case %zu: %s: '%s' should hold '%s'", i, td_code_name(code), f.err.text, cases[i].message);
        td_arena_free(&f.arena);
    }
}

static void test_depth_bound(void **state)
{
    (void)state;
    static const char *const opens[] = {"[", "{a: ", "- ", "? "};
    for (size_t k = 0; k < TD_COUNT(opens); k++)
        for (int depth = 1; depth <= 20000; depth = depth < 40 ? depth + 1 : depth * 20) {
            struct fixture f;
            struct td_buf text;
            td_buf_init(&text, 1 << 20);
            for (int i = 0; i < depth; i++)
                td_buf_adds(&text, opens[k]);
            if (k < 2)
                for (int i = 0; i < depth; i++)
                    td_buf_addc(&text, k ? '}' : ']');
            else
                td_buf_adds(&text, "1\n");
            enum td_code code = parse_n(&f, text.data, text.len);
            enum td_code expected = depth <= 32 && (k < 3 || depth == 1) ? TD_OK : TD_CONFIG;
            if (code != expected)
                fail_msg("'%s' x %d: %s %s", opens[k], depth, td_code_name(code), f.err.text);
            td_buf_free(&text);
            td_arena_free(&f.arena);
        }
}

static void test_sizes(void **state)
{
    (void)state;
    struct fixture f;
    struct td_buf text;
    /* many keys: the check for duplicates is not quadratic, and finds the one repetition */
    td_buf_init(&text, 64 << 20);
    for (int i = 0; i < 60000; i++)
        td_buf_printf(&text, "k%d: %d\n", i * 7919 % 60000, i);
    assert_int_equal(parse_n(&f, text.data, text.len), TD_OK);
    assert_int_equal(f.doc->count, 60000);
    int64_t value;
    assert_true(td_doc_i64(f.doc, "k7919", &value));
    assert_int_equal(value, 1);
    td_arena_free(&f.arena);
    td_buf_adds(&text, "k59999: again\n");
    assert_int_equal(parse_n(&f, text.data, text.len), TD_CONFIG);
    assert_non_null(strstr(f.err.text, "x.yaml:60001: key 'k59999' is given twice"));
    td_arena_free(&f.arena);
    /* an arena that is too small says so */
    td_arena_init(&f.arena, 10000);
    assert_int_equal(td_doc_parse(text.data, text.len, "x", &f.arena, &f.doc, &f.err), TD_NOMEM);
    assert_null(f.doc);
    td_arena_free(&f.arena);
    td_buf_free(&text);
    /* a text beyond the limit is refused before it is touched */
    td_arena_init(&f.arena, 1 << 20);
    assert_int_equal(td_doc_parse("", ((size_t)64 << 20) + 1, "x", &f.arena, &f.doc, &f.err), TD_CONFIG);
    /* a long key in JSON reads up to YAML's 1024 bytes and is refused, not misread, above */
    for (size_t len = 1000; len <= 1100; len += 10) {
        char json[1200];
        snprintf(json, sizeof json, "{\"%0*d\": 1}", (int)len, 0);
        enum td_code code = parse(&f, json);
        assert_true(code == TD_OK ? f.doc->count == 1 && strlen(f.doc->items[0]->key) == len : len >= 1020);
        td_arena_free(&f.arena);
    }
}

static void test_getters(void **state)
{
    (void)state;
    struct fixture f;
    int64_t i = 7;
    double d = 7;
    bool b = false;
    assert_int_equal(parse(&f, "i: -12\nd: 1.5\nb: yes\nq: \"12\"\nt: text\nn: ~\nl: [1]\nm: {x: 1}\nqn: 'null'\n"), TD_OK);
    assert_true(td_doc_i64(f.doc, "i", &i) && i == -12);
    assert_true(td_doc_f64(f.doc, "d", &d) && d == 1.5);
    assert_true(td_doc_f64(f.doc, "i", &d) && d == -12);
    assert_true(td_doc_bool(f.doc, "b", &b) && b);
    i = 7;
    static const char *const not_numbers[] = {"q", "t", "n", "l", "m", "absent", "d"};
    for (size_t k = 0; k < TD_COUNT(not_numbers); k++)
        assert_false(td_doc_i64(f.doc, not_numbers[k], &i));
    assert_int_equal(i, 7);
    assert_false(td_doc_f64(f.doc, "q", &d));
    assert_false(td_doc_bool(f.doc, "t", &b));
    assert_string_equal(td_doc_text(f.doc, "q"), "12");
    assert_string_equal(td_doc_text(f.doc, "qn"), "null");
    assert_null(td_doc_text(f.doc, "n"));
    assert_null(td_doc_text(f.doc, "l"));
    assert_null(td_doc_text(f.doc, "absent"));
    assert_null(td_doc_get(td_doc_get(f.doc, "l"), "x"));
    assert_null(td_doc_get(NULL, "x"));
    assert_true(td_doc_is_null(td_doc_get(f.doc, "n")) && td_doc_is_null(NULL));
    assert_false(td_doc_is_null(td_doc_get(f.doc, "qn")) || td_doc_is_null(td_doc_get(f.doc, "l")));
    assert_int_equal(td_doc_get(f.doc, "t")->line, 5);
    td_arena_free(&f.arena);
}

/* Whatever bytes go into td_buf_json come back from td_doc_parse; what is not UTF-8 comes back as U+FFFD. */
static void check_round_trip(const char *text, size_t len, const char *expected)
{
    struct fixture f;
    struct td_buf json;
    td_buf_init(&json, 1 << 20);
    td_buf_adds(&json, "{\"v\":");
    td_buf_json(&json, text, len);
    td_buf_adds(&json, ",\"after\":1}");
    if (parse_n(&f, json.data, json.len) != TD_OK)
        fail_msg("%s: %s", json.data, f.err.text);
    const char *back = td_doc_text(f.doc, "v");
    int64_t after;
    if (!back || strcmp(back, expected) != 0 || !td_doc_i64(f.doc, "after", &after))
        fail_msg("%s came back as '%s'", json.data, back ? back : "nothing");
    td_buf_free(&json);
    td_arena_free(&f.arena);
}

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80)
        return out[0] = (char)c, 1;
    if (c < 0x800)
        return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    size_t n = 0;
    if (c >= 0x10000) {
        out[n++] = (char)(0xf0 | c >> 18);
        out[n++] = (char)(0x80 | (c >> 12 & 63));
    } else {
        out[n++] = (char)(0xe0 | c >> 12);
    }
    out[n++] = (char)(0x80 | (c >> 6 & 63));
    out[n++] = (char)(0x80 | (c & 63));
    return n;
}

/* Blocks of ordinary letters, of which a sample will do. */
static bool sparse(uint32_t c)
{
    return (c > 0x3100 && c < 0xd600) || (c > 0xe100 && c < 0xfd00) || (c > 0x10100 && c < 0x10ff00);
}

static void test_json_reads_back(void **state)
{
    (void)state;
    char text[5 * 64 + 1];
    size_t len = 0, block = 0;
    for (uint32_t c = 1; c <= 0x10ffff; c += sparse(c) ? 97 : 1) {
        if (c >= 0xd800 && c < 0xe000)
            continue;
        len += put_utf8(c, text + len);
        text[len++] = 'a';
        if (++block < 64 && c < 0x10ffff)
            continue;
        text[len] = 0;
        check_round_trip(text, len, text);
        len = block = 0;
    }
    check_round_trip("a\xff" "b\xc3", 4, "a\xef\xbf\xbd" "b\xef\xbf\xbd");
    check_round_trip("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    check_round_trip("yes", 3, "yes");
    check_round_trip("- a: b # c", 10, "- a: b # c");
    check_round_trip("", 0, "");
}

static void test_random_bytes(void **state)
{
    (void)state;
    static const char *const pieces[] = {"{", "}", "[", "]", ":", ": ", ",", "- ", "\n", "\n  ", "\"", "'", "\\u", "d83d",
                                         "a",  "1", "#", "&x", "*x", "!t", "---\n", "...\n", "|\n", ">", "? ", "%YAML 1.1\n",
                                         "\\", "\xf0\x9f\x98\x80", "\xff", "\t", "<<: ", "~"};
    uint64_t seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        size_t len = 0;
        for (int i = 0; i < 24; i++) {
            seed = td_mix64(seed);
            const char *piece = pieces[seed % TD_COUNT(pieces)];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        struct fixture f;
        enum td_code code = parse_n(&f, text, len);
        assert_true(code == TD_OK ? f.doc != NULL : code == TD_CONFIG && f.err.text[0]);
        td_arena_free(&f.arena);
    }
}

static void test_failing_memory(void **state)
{
    (void)state;
    struct td_buf text;
    td_buf_init(&text, 1 << 20);
    td_buf_adds(&text, "{\"smile\":\"\\ud83d\\ude00\"");
    for (int i = 0; i < 400; i++)
        td_buf_printf(&text, ",\"key%d\":[%d,{\"x\":\"y\"}]", i, i);
    td_buf_adds(&text, "}");
    int failures = 0;
    for (long n = 1;; n++) {
        struct fixture f;
        td_alloc_fail_after(n);
        enum td_code code = parse_n(&f, text.data, text.len);
        td_alloc_fail_after(0);
        td_arena_free(&f.arena);
        if (code == TD_OK)
            break;
        assert_int_equal(code, TD_NOMEM);
        assert_int_equal(f.err.code, TD_NOMEM);
        failures++;
    }
    assert_true(failures >= 5);
    td_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),           cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth_bound),     cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_getters),         cmocka_unit_test(test_json_reads_back),
        cmocka_unit_test(test_random_bytes),    cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
