/* SPDX-License-Identifier: GPL-3.0-or-later
 * The dictionary of a chunk: entries in order of first appearance, so that equal rows give equal bytes. */
#include <string.h>
#include "pq_write.h"

struct search {
    struct pq_dict_build *d;
    const struct pq_buffer *b;
    size_t limit;      /* entries */
    size_t mask;       /* of the table */
    size_t bytes_left; /* of the dictionary page */
};

/* A new entry at table place `at`; false when the limits are passed. */
static bool enter(struct search *s, size_t at, uint64_t first, size_t cost, uint32_t *out)
{
    struct pq_dict_build *d = s->d;
    if (d->count == s->limit || cost > s->bytes_left)
        return false;
    s->bytes_left -= cost;
    d->first[d->count] = first;
    *out = (uint32_t)d->count++;
    d->table[at] = (uint32_t)d->count;
    return true;
}

static bool search_numbers(struct search *s)
{
    const struct pq_buffer *b = s->b;
    struct pq_dict_build *d = s->d;
    uint64_t before = 0;
    for (size_t i = 0; i < b->present; i++) {
        uint64_t bits = 0;
        memcpy(&bits, b->slots + i * b->width, b->width);
        if (i && bits == before) {
            d->codes[i] = d->codes[i - 1];
            continue;
        }
        before = bits;
        size_t at = td_mix64(bits) & s->mask;
        while (d->table[at] && d->first[d->table[at] - 1] != bits)
            at = (at + 1) & s->mask;
        if (d->table[at])
            d->codes[i] = d->table[at] - 1;
        else if (!enter(s, at, bits, b->width, &d->codes[i]))
            return false;
    }
    return true;
}

static bool equal(struct td_str a, struct td_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static bool search_texts(struct search *s)
{
    const struct pq_buffer *b = s->b;
    struct pq_dict_build *d = s->d;
    struct td_str before = {"", 0};
    for (size_t i = 0; i < b->present; i++) {
        struct td_str text = pq_buffer_value(b, i);
        if (i && equal(text, before)) {
            d->codes[i] = d->codes[i - 1];
            continue;
        }
        before = text;
        size_t at = td_hash64(text.ptr, text.len, 0) & s->mask;
        while (d->table[at] && !equal(pq_buffer_value(b, (size_t)d->first[d->table[at] - 1]), text))
            at = (at + 1) & s->mask;
        if (d->table[at])
            d->codes[i] = d->table[at] - 1;
        else if (!enter(s, at, i, text.len + (b->width ? 0 : 4), &d->codes[i]))
            return false;
    }
    return true;
}

bool pq_dict_try(struct td_pq_writer *w, const struct pq_buffer *b, size_t limit, size_t bytes, enum td_code *code)
{
    struct pq_dict_build *d = &w->dict;
    struct search s = {.d = d, .b = b, .limit = limit, .bytes_left = bytes};
    size_t size = 64;
    *code = TD_OK;
    d->count = 0;
    if (!limit)
        return false;
    while (size < limit * 2)
        size *= 2;
    s.mask = size - 1;
    if (td_grow(&d->table, &d->table_cap, size, sizeof *d->table, NULL) != TD_OK ||
        td_grow(&d->codes, &d->codes_cap, b->present, sizeof *d->codes, NULL) != TD_OK ||
        td_grow(&d->first, &d->first_cap, limit, sizeof *d->first, NULL) != TD_OK) {
        *code = TD_NOMEM;
        return false;
    }
    memset(d->table, 0, size * sizeof *d->table);
    return b->width && b->width <= 8 ? search_numbers(&s) : search_texts(&s);
}
