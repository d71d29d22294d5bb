/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small documents: YAML, and JSON as its flow subset, from libyaml's events into a tree in an arena. The text may be
 * hostile: size, depth and node count are bounded, nothing here recurses on it, and what a configuration or a manifest
 * has no use for (anchors, aliases, tags, several documents) is refused by name. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include <tapedeck/base.h>

#define MAX_TEXT ((size_t)64 << 20)
#define MAX_DEPTH 32
#define MAX_NODES ((size_t)8 << 20)

/* A node while its parent is still open: children hang on a list, since their number is known only at the end. */
struct node {
    struct td_doc doc; /* first: a node is its document */
    struct node *first, *last, *next;
    size_t index; /* among its siblings */
};

struct builder {
    const char *name;
    struct td_arena *arena;
    struct td_err *err;
    struct node *root;
    struct node *open[MAX_DEPTH]; /* collections around the current event, outermost first */
    size_t depth, nodes, documents;
    const char *key; /* waiting for its value, when have_key */
    int key_line;
    bool have_key;
};

static enum td_code out_of_memory(struct builder *b)
{
    return td_fail(b->err, TD_NOMEM, "%s: does not fit in memory or in its limit of %zu bytes", b->name,
                   b->arena->limit);
}

static int line_of(const yaml_event_t *event)
{
    return (int)event->start_mark.line + 1;
}

/* Make a node and hang it where the document now stands. */
static enum td_code add_node(struct builder *b, const yaml_event_t *event, enum td_doc_kind kind, struct node **out)
{
    struct node *parent = b->depth ? b->open[b->depth - 1] : NULL;
    if (++b->nodes > MAX_NODES)
        return td_fail(b->err, TD_CONFIG, "%s:%d: more than %zu values", b->name, line_of(event), MAX_NODES);
    struct node *node = td_arena_alloc(b->arena, sizeof *node);
    if (!node)
        return out_of_memory(b);
    node->doc.kind = kind;
    node->doc.line = line_of(event);
    if (!parent) {
        b->root = node;
    } else {
        if (b->have_key) {
            node->doc.key = b->key;
            node->doc.line = b->key_line; /* a block map begins a line below its key */
        }
        node->index = parent->doc.count++;
        if (parent->last)
            parent->last->next = node;
        else
            parent->first = node;
        parent->last = node;
        b->have_key = false;
    }
    *out = node;
    return TD_OK;
}

static bool key_expected(const struct builder *b)
{
    return b->depth && b->open[b->depth - 1]->doc.kind == TD_DOC_MAP && !b->have_key;
}

static enum td_code on_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (memchr(value, 0, len))
        return td_fail(b->err, TD_CONFIG, "%s:%d: a NUL character inside a text", b->name, line_of(event));
    char *text = td_arena_strndup(b->arena, value, len);
    if (!text)
        return out_of_memory(b);
    if (key_expected(b)) {
        b->key = text;
        b->key_line = line_of(event);
        b->have_key = true;
        return TD_OK;
    }
    struct node *node;
    enum td_code code = add_node(b, event, TD_DOC_SCALAR, &node);
    if (code == TD_OK) {
        node->doc.text = text;
        node->doc.quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    return code;
}

static enum td_code on_open(struct builder *b, const yaml_event_t *event, enum td_doc_kind kind)
{
    if (key_expected(b))
        return td_fail(b->err, TD_CONFIG, "%s:%d: a key must be plain text, not a list or a map", b->name,
                       line_of(event));
    if (b->depth == MAX_DEPTH)
        return td_fail(b->err, TD_CONFIG, "%s:%d: nested deeper than %d levels", b->name, line_of(event), MAX_DEPTH);
    struct node *node;
    enum td_code code = add_node(b, event, kind, &node);
    if (code == TD_OK)
        b->open[b->depth++] = node;
    return code;
}

static int by_key(const void *a, const void *b)
{
    const struct td_doc *const *left = a, *const *right = b;
    int order = strcmp((*left)->key, (*right)->key);
    const struct node *x = (const struct node *)*left, *y = (const struct node *)*right;
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* A key given twice: the reader cannot know which one its writer meant. */
static enum td_code check_keys(struct builder *b, const struct node *map)
{
    size_t n = map->doc.count;
    const struct td_doc **sorted = n > 1 ? td_malloc(n * sizeof *sorted) : NULL;
    if (n < 2)
        return TD_OK;
    if (!sorted)
        return out_of_memory(b);
    memcpy(sorted, map->doc.items, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_key);
    const struct td_doc *first = NULL, *again = NULL; /* the earliest repetition */
    for (size_t i = 1; i < n; i++)
        if (strcmp(sorted[i - 1]->key, sorted[i]->key) == 0 && (!again || sorted[i]->line < again->line)) {
            first = sorted[i - 1];
            again = sorted[i];
        }
    td_free(sorted);
    if (!again)
        return TD_OK;
    return td_fail(b->err, TD_CONFIG, "%s:%d: key '%s' is given twice (first on line %d)", b->name, again->line,
                   again->key, first->line);
}

static enum td_code on_close(struct builder *b)
{
    struct node *node = b->open[--b->depth];
    size_t i = 0;
    if (node->doc.count) {
        node->doc.items = td_arena_alloc(b->arena, node->doc.count * sizeof *node->doc.items);
        if (!node->doc.items)
            return out_of_memory(b);
    }
    for (struct node *child = node->first; child; child = child->next)
        node->doc.items[i++] = &child->doc;
    return node->doc.kind == TD_DOC_MAP ? check_keys(b, node) : TD_OK;
}

/* What YAML offers and no file of ours needs; each is a way to surprise the reader of a file. */
static const char *unwanted(const struct builder *b, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT: return "aliases (*name) are not supported: write the value out";
    case YAML_DOCUMENT_START_EVENT: return b->documents ? "a second document begins: one file holds one" : NULL;
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default: break;
    }
    if (anchor)
        return "anchors (&name) are not supported: write the value out";
    return tag ? "tags (!type) are not supported: quote a value to make it text" : NULL;
}

static enum td_code on_event(struct builder *b, const yaml_event_t *event)
{
    const char *why = unwanted(b, event);
    if (why)
        return td_fail(b->err, TD_CONFIG, "%s:%d: %s", b->name, line_of(event), why);
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT: b->documents++; return TD_OK;
    case YAML_SCALAR_EVENT: return on_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT: return on_open(b, event, TD_DOC_LIST);
    case YAML_MAPPING_START_EVENT: return on_open(b, event, TD_DOC_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return on_close(b);
    default: return TD_OK;
    }
}

static enum td_code syntax_error(struct builder *b, const yaml_parser_t *parser)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR)
        return td_fail(b->err, TD_NOMEM, "%s: out of memory", b->name);
    if (parser->error == YAML_READER_ERROR) /* knows no line, only where in the bytes */
        return td_fail(b->err, TD_CONFIG, "%s: byte %zu: %s", b->name, parser->problem_offset, problem);
    return td_fail(b->err, TD_CONFIG, "%s:%zu: column %zu: %s%s%s", b->name, parser->problem_mark.line + 1,
                   parser->problem_mark.column + 1, problem, parser->context ? " " : "",
                   parser->context ? parser->context : "");
}

static enum td_code build(struct builder *b, const char *text, size_t len)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return td_fail(b->err, TD_NOMEM, "%s: out of memory", b->name);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    enum td_code code = TD_OK;
    for (bool done = false; !done && code == TD_OK;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            code = syntax_error(b, &parser);
            break;
        }
        done = event.type == YAML_STREAM_END_EVENT;
        code = on_event(b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return code;
}

/* ---- JSON strings that YAML reads differently ---- */

static int hex4(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = p[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The pair of \uD83D\uDE00 as one scalar value, -1 when p does not stand at such a pair. YAML has \U0001F600 for it. */
static long surrogate_pair(const char *p, const char *end)
{
    if (end - p < 12 || p[0] != '\\' || p[1] != 'u' || p[6] != '\\' || p[7] != 'u')
        return -1;
    int high = hex4(p + 2, end), low = hex4(p + 8, end);
    if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + ((long)(high - 0xd800) << 10) + (low - 0xdc00);
}

/* Characters that JSON carries raw, but that YAML takes for a line break or refuses: DEL, C1, U+2028, U+2029, U+FEFF,
 * U+FFFE, U+FFFF. Sets *code to the character and returns its length in UTF-8; 0 for any other. */
static size_t raw_special(const char *p, const char *end, unsigned *code)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t left = (size_t)(end - p);
    if (u[0] == 0x7f)
        return *code = 0x7f, 1;
    if (left >= 2 && u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0)
        return *code = u[1], 2;
    if (left < 3 || (u[0] != 0xe2 && u[0] != 0xef) || (u[1] & 0xc0) != 0x80 || (u[2] & 0xc0) != 0x80)
        return 0;
    *code = (u[0] & 15u) << 12 | (u[1] & 63u) << 6 | (u[2] & 63u);
    return *code == 0x2028 || *code == 0x2029 || *code == 0xfeff || *code >= 0xfffe ? 3 : 0;
}

static const char *json_string(const char *p, const char *end, struct td_buf *out)
{
    while (p < end && *p != '"') {
        unsigned special;
        long pair = surrogate_pair(p, end);
        size_t len = raw_special(p, end, &special);
        if (pair >= 0) {
            td_buf_printf(out, "\\U%08lx", pair);
            p += 12;
        } else if (len) {
            td_buf_printf(out, "\\u%04x", special);
            p += len;
        } else {
            size_t step = *p == '\\' && end - p > 1 ? 2 : 1;
            td_buf_add(out, p, step);
            p += step;
        }
    }
    return p;
}

/* Does a text look like JSON, and does it hold something that YAML would read differently? */
static bool needs_json_care(const char *text, size_t len)
{
    const char *end = text + len, *p = text;
    unsigned special;
    while (p < end && strchr(" \t\r\n", *p) && *p)
        p++;
    if (p == end || (*p != '{' && *p != '['))
        return false;
    for (; p < end; p++)
        if ((*p == '\\' && surrogate_pair(p, end) >= 0) || ((*p & 0x80 || *p == 0x7f) && raw_special(p, end, &special)))
            return true;
    return false;
}

/* Copy a JSON text with its strings in YAML's spelling. A quote opens a string only where a value or key may begin. */
static enum td_code json_to_yaml(const char *text, size_t len, const char *name, struct td_buf *out, struct td_err *err)
{
    const char *p = text, *end = text + len;
    char before = 0; /* last byte outside strings that is not white space */
    while (p < end) {
        char c = *p++;
        td_buf_addc(out, c);
        if (c == '"' && before && strchr("{[,:", before)) {
            p = json_string(p, end, out);
            if (p < end)
                td_buf_addc(out, *p++);
        }
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            before = c;
    }
    return td_buf_check(out, name, err);
}

/* ---- the door ---- */

enum td_code td_doc_parse(const char *text, size_t len, const char *name, struct td_arena *arena, struct td_doc **out,
                          struct td_err *err)
{
    struct builder b = {.name = name, .arena = arena, .err = err};
    struct td_buf yaml;
    td_buf_init(&yaml, 2 * MAX_TEXT);
    *out = NULL;
    if (len > MAX_TEXT)
        return td_fail(err, TD_CONFIG, "%s: %zu bytes are more than the limit of %zu", name, len, MAX_TEXT);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark, as some editors leave */
        text += 3;
        len -= 3;
    }
    enum td_code code = TD_OK;
    if (needs_json_care(text, len)) {
        code = json_to_yaml(text, len, name, &yaml, err);
        text = yaml.data;
        len = yaml.len;
    }
    if (code == TD_OK)
        code = build(&b, len ? text : "", len);
    td_buf_free(&yaml);
    if (code == TD_OK && !b.root) { /* empty, or nothing but comments: a null */
        b.root = td_arena_alloc(arena, sizeof *b.root);
        if (!b.root)
            return out_of_memory(&b);
        b.root->doc = (struct td_doc){.kind = TD_DOC_SCALAR, .line = 1, .text = ""};
    }
    if (code == TD_OK)
        *out = &b.root->doc;
    return code;
}

bool td_doc_is_null(const struct td_doc *doc)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (!doc)
        return true;
    if (doc->kind != TD_DOC_SCALAR || doc->quoted)
        return false;
    for (size_t i = 0; i < TD_COUNT(words); i++)
        if (strcmp(doc->text, words[i]) == 0)
            return true;
    return false;
}

const struct td_doc *td_doc_get(const struct td_doc *map, const char *key)
{
    if (map && map->kind == TD_DOC_MAP)
        for (size_t i = 0; i < map->count; i++)
            if (strcmp(map->items[i]->key, key) == 0)
                return map->items[i];
    return NULL;
}

const char *td_doc_text(const struct td_doc *map, const char *key)
{
    const struct td_doc *value = td_doc_get(map, key);
    return value && value->kind == TD_DOC_SCALAR && !td_doc_is_null(value) ? value->text : NULL;
}

/* Text of an unquoted scalar: the only kind that may be a number or a truth value. */
static const char *bare_text(const struct td_doc *map, const char *key)
{
    const struct td_doc *value = td_doc_get(map, key);
    return value && value->kind == TD_DOC_SCALAR && !value->quoted ? value->text : NULL;
}

bool td_doc_i64(const struct td_doc *map, const char *key, int64_t *out)
{
    const char *text = bare_text(map, key);
    return text && td_parse_i64(text, strlen(text), out);
}

bool td_doc_f64(const struct td_doc *map, const char *key, double *out)
{
    const char *text = bare_text(map, key);
    return text && td_parse_f64(text, strlen(text), out);
}

bool td_doc_bool(const struct td_doc *map, const char *key, bool *out)
{
    const char *text = bare_text(map, key);
    return text && td_parse_bool(text, strlen(text), out);
}
