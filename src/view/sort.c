/* SPDX-License-Identifier: GPL-3.0-or-later
 * sort: order a selection of rows by columns. Keys are read once and mapped to integers that compare like the values, so
 * that a sort of a whole market costs a few merges over flat memory. */
#include <string.h>

#include "view_internal.h"

#define SORT_KEYS 8

struct sort_key {
    size_t column;
    bool descending;
};
struct sort_item {
    uint64_t key; /* ascending order of the wanted order; text: its first eight bytes */
    struct td_str text;
    uint32_t row;
    bool null;
};

enum td_code td_selection_all(struct td_selection *out, size_t rows, struct td_err *err)
{
    *out = (struct td_selection){.rows = NULL};
    if (rows > UINT32_MAX)
        return td_fail(err, TD_LIMIT, "%zu rows are more than a selection can hold", rows);
    out->rows = td_realloc(NULL, rows ? rows : 1, sizeof *out->rows);
    if (!out->rows)
        return td_fail(err, TD_NOMEM, "no memory to select %zu rows", rows);
    for (size_t i = 0; i < rows; i++)
        out->rows[i] = (uint32_t)i;
    out->count = rows;
    return TD_OK;
}

void td_selection_free(struct td_selection *selection)
{
    td_free(selection->rows);
    *selection = (struct td_selection){.rows = NULL};
}

/* ---- keys ---- */

static uint64_t key_of_i64(int64_t value)
{
    return (uint64_t)value ^ UINT64_C(1) << 63;
}

/* IEEE 754 binary64 as an integer of the same order: flip all bits of a negative, the sign bit of a positive. */
static uint64_t key_of_f64(double value)
{
    uint64_t bits;
    value = value == 0 ? 0 : value; /* -0 and 0 are one value */
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t key_of_text(struct td_str s)
{
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < s.len ? (unsigned char)s.ptr[i] : 0);
    return key;
}

static void read_key(struct sort_item *item, const struct td_cell *cell, bool descending)
{
    item->null = view_cell_null(cell);
    item->text = (struct td_str){"", 0};
    item->key = 0;
    if (item->null)
        return;
    switch (cell->kind) {
    case TD_KIND_NULL: break;
    case TD_KIND_BOOL: item->key = cell->v.b; break;
    case TD_KIND_I64:
    case TD_KIND_DAY:
    case TD_KIND_TS: item->key = key_of_i64(cell->v.i); break;
    case TD_KIND_U64: item->key = cell->v.u; break;
    case TD_KIND_F64:
    case TD_KIND_F32: item->key = key_of_f64(cell->v.f); break;
    case TD_KIND_STR:
    case TD_KIND_BYTES:
        item->text = cell->v.s;
        item->key = key_of_text(cell->v.s);
        break;
    }
    if (descending)
        item->key = ~item->key;
}

/* Must b stand before a? Equal items keep their order. */
static bool goes_before(const struct sort_item *b, const struct sort_item *a, bool descending)
{
    if (a->null || b->null)
        return a->null && !b->null;
    if (a->key != b->key)
        return b->key < a->key;
    if (a->text.len <= 8 && b->text.len <= 8 && a->text.len == b->text.len)
        return false;
    int order = td_str_cmp(b->text, a->text);
    return descending ? order > 0 : order < 0;
}

/* ---- stable merge sort, runs of eight by insertion ---- */

static void insertion(struct sort_item *items, size_t count, bool descending)
{
    for (size_t i = 1; i < count; i++) {
        struct sort_item item = items[i];
        size_t at = i;
        for (; at > 0 && goes_before(&item, &items[at - 1], descending); at--)
            items[at] = items[at - 1];
        items[at] = item;
    }
}

static void merge(const struct sort_item *from, size_t middle, size_t end, struct sort_item *to, bool descending)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < end; i++) {
        bool take_right = left == middle || (right < end && goes_before(&from[right], &from[left], descending));
        to[i] = take_right ? from[right++] : from[left++];
    }
}

/* Sorts a[0..count) with b as scratch; returns the one that holds the result. */
static struct sort_item *merge_sort(struct sort_item *a, struct sort_item *b, size_t count, bool descending)
{
    const size_t run = 8;
    for (size_t at = 0; at < count; at += run)
        insertion(a + at, count - at < run ? count - at : run, descending);
    for (size_t width = run; width < count; width *= 2) {
        for (size_t at = 0; at < count; at += 2 * width) {
            size_t left = count - at < width ? count - at : width;
            size_t both = count - at < 2 * width ? count - at : 2 * width;
            merge(a + at, left, both, b + at, descending);
        }
        struct sort_item *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

/* ---- the words of a sort: "rvol30", "rvol30:asc,ticker" ---- */

static bool is_text(enum td_kind kind)
{
    return kind == TD_KIND_STR || kind == TD_KIND_BYTES;
}

static enum td_code parse_key(const struct td_model *model, struct td_str word, struct sort_key *out, struct td_err *err)
{
    size_t name_len = word.len;
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == ':')
            name_len = i; /* the last one: a column of a foreign file may hold colons itself */
    struct td_str name = {word.ptr, name_len};
    int column = view_resolve(model, name);
    if (column < 0 && name_len < word.len) {
        column = view_resolve(model, word);
        if (column >= 0)
            name_len = word.len;
    }
    if (column < 0) {
        char why[320];
        view_no_column(model, name, why, sizeof why);
        return td_fail(err, TD_USAGE, "sort: %s", why);
    }
    *out = (struct sort_key){(size_t)column, !is_text(model->columns[column].kind)};
    if (name_len == word.len)
        return TD_OK;
    struct td_str way = {word.ptr + name_len + 1, word.len - name_len - 1};
    out->descending = td_str_is(way, "desc");
    if (!out->descending && !td_str_is(way, "asc"))
        return td_fail(err, TD_USAGE, "sort: \"%.*s\" is no direction; say %.*s:asc or %.*s:desc",
                       way.len < 40 ? (int)way.len : 40, way.ptr, name_len < 60 ? (int)name_len : 60, word.ptr,
                       name_len < 60 ? (int)name_len : 60, word.ptr);
    return TD_OK;
}

static enum td_code parse_spec(const struct td_model *model, const char *spec, struct sort_key keys[SORT_KEYS],
                               size_t *count, struct td_err *err)
{
    *count = 0;
    for (const char *at = spec;;) {
        const char *comma = strchr(at, ',');
        struct td_str word = {at, comma ? (size_t)(comma - at) : strlen(at)};
        if (*count == SORT_KEYS)
            return td_fail(err, TD_USAGE, "sort: more than %d columns", SORT_KEYS);
        enum td_code code = parse_key(model, word, &keys[*count], err);
        if (code != TD_OK)
            return code;
        (*count)++;
        if (!comma)
            return TD_OK;
        at = comma + 1;
    }
}

enum td_code td_view_sort(const struct td_model *model, const char *spec, struct td_selection *selection,
                          struct td_err *err)
{
    struct sort_key keys[SORT_KEYS];
    size_t key_count, count = selection->count;
    enum td_code code = parse_spec(model, spec, keys, &key_count, err);
    if (code != TD_OK || count < 2)
        return code;
    struct sort_item *items = count > SIZE_MAX / 2 ? NULL : td_realloc(NULL, 2 * count, sizeof *items);
    if (!items)
        return td_fail(err, TD_NOMEM, "sort: no memory for %zu rows", count);
    /* Each pass is stable, so sorting by the least important key first gives the order of all. */
    for (size_t k = key_count; k-- > 0;) {
        for (size_t i = 0; i < count; i++) {
            struct td_cell cell = model->cell(model, selection->rows[i], keys[k].column);
            read_key(&items[i], &cell, keys[k].descending);
            items[i].row = selection->rows[i];
        }
        const struct sort_item *sorted = merge_sort(items, items + count, count, keys[k].descending);
        for (size_t i = 0; i < count; i++)
            selection->rows[i] = sorted[i].row;
    }
    td_free(items);
    return TD_OK;
}
