/* SPDX-License-Identifier: GPL-3.0-or-later
 * Configuration: one table of keys, values that remember where they came from, and files read strictly: what is not in
 * the table is a mistake, and a mistake is named with its file, its line and the nearest key that exists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tapedeck/base.h>

#define MAX_CONFIG ((size_t)1 << 20)
#define MAX_PATH 128    /* longest dotted key */
#define MAX_SECTIONS 32 /* nesting: as deep as a document gets */
#define MAX_WORD 64     /* what td_edit_distance looks at */

struct value {
    char *text, *origin; /* owned */
};

struct td_conf {
    const struct td_conf_key *keys;
    size_t count;
    struct value *values; /* count of them */
};

/* ---- nearest words ---- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t td_edit_distance(const char *a, const char *b, size_t max)
{
    size_t n = strlen(a), m = strlen(b), row[MAX_WORD + 1];
    if ((n > m ? n - m : m - n) > max || n > MAX_WORD || m > MAX_WORD)
        return n == m && strcmp(a, b) == 0 ? 0 : max + 1;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0], best = row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t up = row[j];
            row[j] = smaller(smaller(up, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = up;
            best = smaller(best, row[j]);
        }
        if (best > max)
            return max + 1;
    }
    return row[m] > max ? max + 1 : row[m];
}

/* How far a misspelling may be off: a third of the word, 1 to 3; two swapped letters are 2 off. */
static size_t reach(const char *word)
{
    size_t third = (strlen(word) + 1) / 3;
    return third < 1 ? 1 : third > 3 ? 3 : third;
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* The nearest known path to a wrong one, cut at its own depth ("treshold" -> "thresholds"); "" when none is near. */
static void nearest_key(const struct td_conf *conf, const char *wrong, char out[MAX_PATH])
{
    size_t best = reach(wrong) + 1, depth = 1;
    const char *last = last_part(wrong);
    for (const char *p = wrong; *p; p++)
        depth += *p == '.';
    out[0] = 0;
    for (size_t i = 0; i < conf->count; i++) {
        char cut[MAX_PATH];
        const char *path = conf->keys[i].path, *end = path;
        for (size_t dots = 0; *end && (*end != '.' || ++dots < depth); end++)
            ;
        td_snprintf(cut, sizeof cut, "%.*s", (int)(end - path), path);
        size_t distance = td_edit_distance(wrong, cut, best - 1);
        if (distance == 0) { /* a section where one of its keys belongs */
            td_copy(out, MAX_PATH, path);
            return;
        }
        /* The right word in the wrong section (or in none) is as near as it gets. */
        if (strcmp(last_part(path), last) == 0 && distance > 1) {
            distance = 1;
            td_copy(cut, sizeof cut, path);
        }
        if (distance < best) {
            best = distance;
            td_copy(out, MAX_PATH, cut);
        }
    }
}

static void nearest_choice(const char *choices, const char *wrong, char out[MAX_WORD])
{
    size_t best = reach(wrong) + 1;
    out[0] = 0;
    while (*choices) {
        char word[MAX_WORD];
        size_t len = strcspn(choices, "|");
        td_snprintf(word, sizeof word, "%.*s", (int)len, choices);
        size_t distance = td_edit_distance(wrong, word, best - 1);
        if (distance < best) {
            best = distance;
            td_copy(out, MAX_WORD, word);
        }
        choices += len + (choices[len] == '|');
    }
}

/* ---- one value: check its type, bring it to its canonical text ---- */

static const char *type_text(enum td_conf_type type)
{
    switch (type) {
    case TD_CONF_INT: return "a whole number";
    case TD_CONF_DOUBLE: return "a number";
    case TD_CONF_BOOL: return "true or false";
    case TD_CONF_SIZE: return "a size such as 512MiB";
    case TD_CONF_LIST: return "a list such as [A, B]";
    default: return "a text";
    }
}

/* The largest unit that divides a size exactly: 512MiB rather than 536870912. */
static void put_size(struct td_buf *out, uint64_t bytes)
{
    static const char *const units[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes && bytes % 1024 == 0 && unit + 1 < TD_COUNT(units)) {
        bytes /= 1024;
        unit++;
    }
    td_buf_printf(out, "%llu%s", (unsigned long long)bytes, units[unit]);
}

static bool among(const char *choices, const char *text, size_t len)
{
    while (*choices) {
        size_t n = strcspn(choices, "|");
        if (n == len && memcmp(choices, text, n) == 0)
            return true;
        choices += n + (choices[n] == '|');
    }
    return false;
}

/* Items of a comma-separated text without the blanks around them; an empty item is a mistake. */
static bool put_list(struct td_buf *out, const char *text, const char *choices)
{
    while (*text) {
        size_t len = strcspn(text, ","), rest = len;
        const char *item = text;
        while (len && strchr(" \t", *item))
            item++, len--;
        while (len && strchr(" \t", item[len - 1]))
            len--;
        if (len == 0 || (choices && !among(choices, item, len)))
            return false;
        if (out->len)
            td_buf_addc(out, ',');
        td_buf_add(out, item, len);
        text += rest;
        if (*text == ',' && text[1] == 0)
            return false;
        text += *text == ',';
    }
    return true;
}

static bool put_value(const struct td_conf_key *key, const char *text, struct td_buf *out)
{
    size_t len = strlen(text);
    int64_t integer;
    uint64_t size;
    double number;
    bool truth;
    switch (key->type) {
    case TD_CONF_INT:
        if (!td_parse_i64(text, len, &integer))
            return false;
        td_buf_printf(out, "%lld", (long long)integer);
        return true;
    case TD_CONF_DOUBLE:
        if (!td_parse_f64(text, len, &number))
            return false;
        td_buf_f64(out, number);
        return true;
    case TD_CONF_BOOL:
        if (!td_parse_bool(text, len, &truth))
            return false;
        td_buf_adds(out, truth ? "true" : "false");
        return true;
    case TD_CONF_SIZE:
        if (!td_parse_size(text, len, &size))
            return false;
        put_size(out, size);
        return true;
    case TD_CONF_LIST: return put_list(out, text, key->choices);
    default:
        if (key->choices && !among(key->choices, text, len))
            return false;
        td_buf_add(out, text, len);
        return true;
    }
}

static enum td_code wrong_value(const struct td_conf_key *key, const char *text, const char *where, enum td_code code,
                                struct td_err *err)
{
    if (!key->choices)
        return td_fail(err, code, "%s: %s must be %s, not '%s'", where, key->path, type_text(key->type), text);
    char near[MAX_WORD];
    nearest_choice(key->choices, text, near);
    return td_fail(err, code, "%s: %s must be%s %s, not '%s'%s%s%s", where, key->path,
                   key->type == TD_CONF_LIST ? " a list of" : " one of", key->choices, text,
                   *near ? " (did you mean '" : "", near, *near ? "'?)" : "");
}

/* Put a new value into *slot, which keeps the old one on error. `code` is that of a wrong value. */
static enum td_code assign(const struct td_conf_key *key, struct value *slot, const char *text, const char *origin,
                           enum td_code code, struct td_err *err)
{
    struct td_buf canonical;
    td_buf_init(&canonical, MAX_CONFIG);
    td_buf_adds(&canonical, "");
    bool valid = put_value(key, text, &canonical);
    char *copy = td_strdup(origin);
    if (!valid) {
        code = wrong_value(key, text, origin, code, err);
    } else if (canonical.failed || !copy) {
        code = td_fail(err, TD_NOMEM, "%s: %s: out of memory", origin, key->path);
    } else {
        td_free(slot->text);
        td_free(slot->origin);
        *slot = (struct value){.text = canonical.data, .origin = copy};
        return TD_OK;
    }
    td_buf_free(&canonical);
    td_free(copy);
    return code;
}

/* ---- life ---- */

static void free_values(struct value *values, size_t count)
{
    for (size_t i = 0; values && i < count; i++) {
        td_free(values[i].text);
        td_free(values[i].origin);
    }
    td_free(values);
}

void td_conf_free(struct td_conf *conf)
{
    if (!conf)
        return;
    free_values(conf->values, conf->count);
    td_free(conf);
}

enum td_code td_conf_new(const struct td_conf_key *keys, size_t count, struct td_conf **out, struct td_err *err)
{
    *out = NULL;
    struct td_conf *conf = td_calloc(1, sizeof *conf);
    struct value *values = conf ? td_calloc(count, sizeof *values) : NULL;
    if (!values) {
        td_free(conf);
        return td_fail(err, TD_NOMEM, "out of memory: %zu configuration keys", count);
    }
    *conf = (struct td_conf){.keys = keys, .count = count, .values = values};
    for (size_t i = 0; i < count; i++) {
        enum td_code code = assign(&keys[i], &values[i], keys[i].value ? keys[i].value : "", "default", TD_CONFIG, err);
        if (code != TD_OK) {
            td_conf_free(conf);
            return code;
        }
    }
    *out = conf;
    return TD_OK;
}

static size_t find(const struct td_conf *conf, const char *path)
{
    size_t i = 0;
    while (i < conf->count && strcmp(conf->keys[i].path, path) != 0)
        i++;
    return i;
}

static bool is_section(const struct td_conf *conf, const char *path)
{
    size_t len = strlen(path);
    for (size_t i = 0; i < conf->count; i++)
        if (strncmp(conf->keys[i].path, path, len) == 0 && conf->keys[i].path[len] == '.')
            return true;
    return false;
}

static enum td_code unknown_key(const struct td_conf *conf, const char *where, const char *path, enum td_code code,
                                struct td_err *err)
{
    char near[MAX_PATH];
    nearest_key(conf, path, near);
    return td_fail(err, code, "%s: unknown key '%s'%s%s%s", where, path, *near ? " (did you mean '" : "", near,
                   *near ? "'?)" : "");
}

/* ---- files ---- */

struct loader {
    const struct td_conf *conf;
    const char *file;
    struct value *staged; /* as many as keys; text NULL = not in this file */
    struct td_err *err;
};

/* A list of scalars as comma-separated text. */
static enum td_code join_list(const struct loader *load, const struct td_doc *doc, const char *path, struct td_buf *out)
{
    for (size_t i = 0; i < doc->count; i++) {
        const struct td_doc *item = doc->items[i];
        if (item->kind != TD_DOC_SCALAR || td_doc_is_null(item) || !*item->text || strchr(item->text, ','))
            return td_fail(load->err, TD_CONFIG, "%s:%d: items of %s must be plain words without commas", load->file,
                           item->line, path);
        td_buf_printf(out, "%s%s", i ? "," : "", item->text);
    }
    return td_buf_check(out, path, load->err);
}

/* Quotes make text: limits.workers: "2" is a mistake, and so is a text where a list belongs. */
static bool fits_type(const struct td_conf_key *key, const struct td_doc *doc)
{
    if (doc->kind == TD_DOC_SCALAR)
        return key->type == TD_CONF_STRING ||
               (key->type != TD_CONF_LIST && !td_doc_is_null(doc) && (!doc->quoted || key->type == TD_CONF_SIZE));
    return key->type == TD_CONF_LIST && doc->kind == TD_DOC_LIST;
}

static const char *found_text(const struct td_doc *doc)
{
    if (doc->kind != TD_DOC_SCALAR)
        return doc->kind == TD_DOC_LIST ? "a list" : "a section";
    if (td_doc_is_null(doc))
        return "nothing";
    return doc->quoted ? "a quoted text" : "a single value";
}

static enum td_code load_value(const struct loader *load, size_t i, const struct td_doc *doc)
{
    const struct td_conf_key *key = &load->conf->keys[i];
    char where[1200];
    td_snprintf(where, sizeof where, "%s:%d", load->file, doc->line);
    if (load->staged[i].text) /* once as limits.memory: and once as memory: below limits: */
        return td_fail(load->err, TD_CONFIG, "%s: %s is given twice (first at %s)", where, key->path,
                       load->staged[i].origin);
    if (!fits_type(key, doc))
        return td_fail(load->err, TD_CONFIG, "%s: %s must be %s, not %s", where, key->path, type_text(key->type),
                       found_text(doc));
    if (doc->kind == TD_DOC_SCALAR)
        return assign(key, &load->staged[i], td_doc_is_null(doc) ? "" : doc->text, where, TD_CONFIG, load->err);
    struct td_buf list;
    td_buf_init(&list, MAX_CONFIG);
    enum td_code code = join_list(load, doc, key->path, &list);
    if (code == TD_OK)
        code = assign(key, &load->staged[i], list.data ? list.data : "", where, TD_CONFIG, load->err);
    td_buf_free(&list);
    return code;
}

/* What `path` is: a key with its value, a section to descend into (*enter), or a mistake. */
static enum td_code load_entry(const struct loader *load, const struct td_doc *doc, const char *path, bool *enter)
{
    char where[1200];
    size_t i = find(load->conf, path);
    if (i < load->conf->count)
        return load_value(load, i, doc);
    td_snprintf(where, sizeof where, "%s:%d", load->file, doc->line);
    if (!is_section(load->conf, path))
        return unknown_key(load->conf, where, path, TD_CONFIG, load->err);
    if (doc->kind != TD_DOC_MAP && !td_doc_is_null(doc))
        return td_fail(load->err, TD_CONFIG, "%s: %s is a section: its keys belong below it, each on its own line",
                       where, path);
    *enter = doc->kind == TD_DOC_MAP;
    return TD_OK;
}

/* Walk the tree of sections with a stack of its own: the depth is the file's doing. */
static enum td_code load_tree(const struct loader *load, const struct td_doc *root)
{
    struct {
        const struct td_doc *map;
        size_t next, path_len;
    } stack[MAX_SECTIONS] = {{root, 0, 0}};
    char path[MAX_PATH] = "";
    enum td_code code = TD_OK;
    for (size_t depth = 1; depth && code == TD_OK;) {
        size_t top = depth - 1;
        if (stack[top].next == stack[top].map->count) {
            depth--;
            continue;
        }
        const struct td_doc *doc = stack[top].map->items[stack[top].next++];
        size_t at = stack[top].path_len;
        bool enter = false;
        if (!td_snprintf(path + at, sizeof path - at, "%s%s", at ? "." : "", doc->key))
            return td_fail(load->err, TD_CONFIG, "%s:%d: unknown key '%.40s...'", load->file, doc->line, doc->key);
        code = load_entry(load, doc, path, &enter);
        if (enter && depth < MAX_SECTIONS) { /* sections are the table's: fewer than the limit */
            stack[depth].map = doc;
            stack[depth].next = 0;
            stack[depth++].path_len = strlen(path);
        }
    }
    return code;
}

/* All or nothing: a file with a mistake changes no value. */
static void commit(struct td_conf *conf, struct value *staged)
{
    for (size_t i = 0; i < conf->count; i++) {
        if (!staged[i].text)
            continue;
        struct value old = conf->values[i];
        conf->values[i] = staged[i];
        staged[i] = old;
    }
}

static enum td_code load_text(struct td_conf *conf, const char *path, const struct td_buf *text, struct td_err *err)
{
    struct td_arena arena;
    struct td_doc *doc;
    td_arena_init(&arena, 16 * MAX_CONFIG);
    struct value *staged = td_calloc(conf->count, sizeof *staged);
    enum td_code code = staged ? td_doc_parse(text->data, text->len, path, &arena, &doc, err)
                               : td_fail(err, TD_NOMEM, "%s: out of memory", path);
    if (code == TD_OK && doc->kind == TD_DOC_MAP)
        code = load_tree(&(struct loader){.conf = conf, .file = path, .staged = staged, .err = err}, doc);
    else if (code == TD_OK && !td_doc_is_null(doc))
        code = td_fail(err, TD_CONFIG, "%s:%d: a configuration is lines of 'key: value'", path, doc->line);
    if (code == TD_OK)
        commit(conf, staged);
    free_values(staged, conf->count);
    td_arena_free(&arena);
    return code;
}

enum td_code td_conf_load(struct td_conf *conf, const char *path, struct td_err *err)
{
    struct td_buf text;
    td_buf_init(&text, MAX_CONFIG);
    enum td_code code = td_file_read(path, MAX_CONFIG, &text, err);
    if (code == TD_OK) {
        code = load_text(conf, path, &text, err);
    } else if (code != TD_NOMEM) { /* absent, unreadable, too large: whatever it is, there is no configuration */
        code = TD_CONFIG;
        if (err)
            err->code = code;
    }
    td_buf_free(&text);
    return code;
}

/* ---- environment and flags ---- */

enum td_code td_conf_load_env(struct td_conf *conf, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; i < conf->count && code == TD_OK; i++) {
        const char *name = conf->keys[i].env, *text = name ? getenv(name) : NULL;
        char origin[MAX_PATH];
        if (!text || !*text)
            continue;
        td_snprintf(origin, sizeof origin, "env %s", name);
        code = assign(&conf->keys[i], &conf->values[i], text, origin, TD_CONFIG, err);
    }
    return code;
}

enum td_code td_conf_set(struct td_conf *conf, const char *path, const char *value, const char *origin,
                         struct td_err *err)
{
    enum td_code wrong = strcmp(origin, "flag") == 0 ? TD_USAGE : TD_CONFIG;
    size_t i = find(conf, path);
    if (i == conf->count)
        return unknown_key(conf, origin, path, wrong, err);
    return assign(&conf->keys[i], &conf->values[i], value, origin, wrong, err);
}

/* ---- reading ---- */

size_t td_conf_count(const struct td_conf *conf)
{
    return conf->count;
}

const struct td_conf_key *td_conf_key_at(const struct td_conf *conf, size_t i)
{
    return i < conf->count ? &conf->keys[i] : NULL;
}

const char *td_conf_text(const struct td_conf *conf, const char *path)
{
    size_t i = find(conf, path);
    if (i < conf->count)
        return conf->values[i].text;
    td_log(TD_LOG_ERROR, "base", "the program asks for a configuration key '%s' that its table does not have", path);
    return "";
}

const char *td_conf_origin(const struct td_conf *conf, const char *path)
{
    size_t i = find(conf, path);
    return i < conf->count ? conf->values[i].origin : "";
}

int64_t td_conf_int(const struct td_conf *conf, const char *path)
{
    const char *text = td_conf_text(conf, path);
    int64_t value = 0;
    td_parse_i64(text, strlen(text), &value);
    return value;
}

double td_conf_double(const struct td_conf *conf, const char *path)
{
    const char *text = td_conf_text(conf, path);
    double value = 0;
    td_parse_f64(text, strlen(text), &value);
    return value;
}

bool td_conf_bool(const struct td_conf *conf, const char *path)
{
    const char *text = td_conf_text(conf, path);
    bool value = false;
    td_parse_bool(text, strlen(text), &value);
    return value;
}

uint64_t td_conf_size(const struct td_conf *conf, const char *path)
{
    const char *text = td_conf_text(conf, path);
    uint64_t value = 0;
    td_parse_size(text, strlen(text), &value);
    return value;
}
