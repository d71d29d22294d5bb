/* SPDX-License-Identifier: GPL-3.0-or-later
 * The dictionary of a chunk. Numbers stand in the order of their bits: neighbours in time, which are neighbours in price,
 * then have similar indices, and the entries themselves compress (1 to 5 % of a file of real minutes). Texts stand in the order
 * of their first appearance. Either way equal rows give equal bytes. */
#include <string.h>
#include "pq_hybrid.h"
#include "pq_write.h"

#define PQ_TABLE_MIN ((size_t)256)

struct search {
    struct pq_dict_build *d;
    const struct pq_buffer *b;
    size_t limit;      /* entries */
    size_t size;       /* of the table: a power of two, at least twice the entries, so that most searches stay in cache */
    size_t bytes_left; /* of the dictionary page */
    bool nomem;
};

static bool by_bits(const struct pq_buffer *b)
{
    return b->width && b->width <= 8;
}

/* Decimal fractions have noise in all low bits, whole numbers none: the product's high half has a part of both. */
static size_t place_of(uint64_t bits, size_t size)
{
    return (size_t)((bits ^ bits >> 29) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (size - 1);
}

static size_t place_of_text(struct td_str text, size_t size)
{
    return td_hash64(text.ptr, text.len, 0) & (size - 1);
}

/* A table of `size` places for the entries there are. */
static bool table_make(struct search *s, size_t size)
{
    struct pq_dict_build *d = s->d;
    if (td_grow(&d->table, &d->table_cap, size, sizeof *d->table, NULL) != TD_OK) {
        s->nomem = true;
        return false;
    }
    memset(d->table, 0, size * sizeof *d->table);
    s->size = size;
    for (size_t i = 0; i < d->count; i++) {
        size_t at = by_bits(s->b) ? place_of(d->first[i], size)
                                  : place_of_text(pq_buffer_value(s->b, (size_t)d->first[i]), size);
        while (d->table[at])
            at = (at + 1) & (size - 1);
        d->table[at] = (uint32_t)i + 1;
    }
    return true;
}

/* A new entry at table place `at`; false when the limits are passed. */
static bool enter(struct search *s, size_t at, uint64_t first, size_t cost, uint32_t *out)
{
    struct pq_dict_build *d = s->d;
    if (d->count == s->limit || cost > s->bytes_left)
        return false;
    if (td_grow(&d->first, &d->first_cap, d->count + 1, sizeof *d->first, NULL) != TD_OK) {
        s->nomem = true;
        return false;
    }
    s->bytes_left -= cost;
    d->first[d->count] = first;
    *out = (uint32_t)d->count++;
    d->table[at] = (uint32_t)d->count;
    return d->count * 2 <= s->size || table_make(s, s->size * 2);
}

static uint64_t bits_at(const struct pq_buffer *b, size_t i)
{
    uint64_t bits = 0;
    if (b->width == 8)
        return pq_load64(b->slots + i * 8);
    memcpy(&bits, b->slots + i * b->width, b->width);
    return bits;
}

static bool search_numbers(struct search *s)
{
    const struct pq_buffer *b = s->b;
    struct pq_dict_build *d = s->d;
    for (size_t i = 0; i < b->present; i++) {
        const uint64_t bits = bits_at(b, i);
        size_t at = place_of(bits, s->size);
        while (d->table[at] && d->first[d->table[at] - 1] != bits)
            at = (at + 1) & (s->size - 1);
        if (d->table[at])
            d->codes[i] = d->table[at] - 1;
        else if (!enter(s, at, bits, b->width, &d->codes[i]))
            return false;
    }
    return true;
}

/* One pass of a radix sort over byte `byte` of the entries, whose counts are given, from one half of `order` to the other;
 * false when all have the same byte there and nothing was done. */
static bool sort_pass(const struct pq_dict_build *d, const uint32_t *counts, const uint32_t *from, uint32_t *to,
                      unsigned byte)
{
    uint32_t starts[256], sum = 0;
    for (size_t i = 0; i < 256; i++) {
        if (counts[i] == d->count)
            return false;
        starts[i] = sum;
        sum += counts[i];
    }
    for (size_t i = 0; i < d->count; i++)
        to[starts[d->first[from[i]] >> byte * 8 & 255]++] = from[i];
    return true;
}

/* Entries by their bits, and the codes with them. */
static bool sort_numbers(struct pq_dict_build *d, const struct pq_buffer *b)
{
    const size_t n = d->count;
    uint32_t counts[8][256] = {{0}};
    if (td_grow(&d->order, &d->order_cap, 2 * n, sizeof *d->order, NULL) != TD_OK ||
        td_grow(&d->sorted, &d->sorted_cap, n, sizeof *d->sorted, NULL) != TD_OK)
        return false;
    uint32_t *order = d->order, *other = d->order + n;
    for (size_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
        for (unsigned byte = 0; byte < b->width; byte++)
            counts[byte][d->first[i] >> byte * 8 & 255]++;
    }
    for (unsigned byte = 0; byte < b->width; byte++)
        if (sort_pass(d, counts[byte], order, other, byte)) {
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
        if (i && b->constant) {
            memset(d->codes, 0, b->present * sizeof *d->codes);
            return true;
        }
        struct td_str text = pq_buffer_value(b, i);
        if (i && equal(text, before)) {
            d->codes[i] = d->codes[i - 1];
            continue;
        }
        before = text;
        size_t at = place_of_text(text, s->size);
        while (d->table[at] && !equal(pq_buffer_value(b, (size_t)d->first[d->table[at] - 1]), text))
            at = (at + 1) & (s->size - 1);
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
    *code = TD_OK;
    d->count = 0;
    if (!limit)
        return false;
    s.nomem = td_grow(&d->codes, &d->codes_cap, b->present, sizeof *d->codes, NULL) != TD_OK;
    bool found = !s.nomem && table_make(&s, PQ_TABLE_MIN) && (by_bits(b) ? search_numbers(&s) : search_texts(&s));
    if (found && by_bits(b) && !sort_numbers(d, b)) {
        s.nomem = true;
        found = false;
    }
    *code = s.nomem ? TD_NOMEM : TD_OK;
    return found;
}
