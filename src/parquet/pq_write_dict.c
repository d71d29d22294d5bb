/* SPDX-License-Identifier: GPL-3.0-or-later
 * The dictionary of a chunk. Numbers stand in the order of their bits: neighbours in time, which are neighbours in price,
 * then have similar indices, and the entries themselves compress (1 to 5 % of a file of real minutes). Texts stand in the order
 * of their first appearance. Either way equal rows give equal bytes. */
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

/* One pass of a radix sort over byte `shift / 8` of the entries, from one half of `order` to the other; false when all have
 * the same byte there and nothing was done. */
static bool sort_pass(const struct pq_dict_build *d, const uint32_t *from, uint32_t *to, unsigned shift)
{
    size_t starts[257] = {0};
    for (size_t i = 0; i < d->count; i++)
        starts[(d->first[i] >> shift & 255) + 1]++;
    for (size_t i = 1; i < 257; i++) {
        if (starts[i] == d->count)
            return false;
        starts[i] += starts[i - 1];
    }
    for (size_t i = 0; i < d->count; i++)
        to[starts[d->first[from[i]] >> shift & 255]++] = from[i];
    return true;
}

/* Entries by their bits, and the codes with them. */
static bool sort_numbers(struct pq_dict_build *d, const struct pq_buffer *b)
{
    const size_t n = d->count;
    if (td_grow(&d->order, &d->order_cap, 2 * n, sizeof *d->order, NULL) != TD_OK ||
        td_grow(&d->sorted, &d->sorted_cap, n, sizeof *d->sorted, NULL) != TD_OK)
        return false;
    uint32_t *order = d->order, *other = d->order + n;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    for (unsigned shift = 0; shift < b->width * 8; shift += 8)
        if (sort_pass(d, order, other, shift)) {
            uint32_t *swap = order;
            order = other;
            other = swap;
        }
    for (size_t i = 0; i < n; i++) {
        d->sorted[i] = d->first[order[i]];
        other[order[i]] = (uint32_t)i;
    }
    memcpy(d->first, d->sorted, n * sizeof *d->first);
    for (size_t i = 0; i < b->present; i++)
        d->codes[i] = other[d->codes[i]];
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
    if (!b->width || b->width > 8)
        return search_texts(&s);
    if (!search_numbers(&s))
        return false;
    *code = sort_numbers(d, b) ? TD_OK : TD_NOMEM;
    return *code == TD_OK;
}
