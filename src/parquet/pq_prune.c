/* SPDX-License-Identifier: GPL-3.0-or-later
 * Pruning: which rows can satisfy bounds, by the statistics of row groups and the index of pages, where these may be
 * believed. */
#include "pq_bound.h"
#include "pq_index.h"

struct prune {
    const struct td_pq_file *file;
    const struct td_pq_bound *bounds;
    size_t count;
    bool sealed; /* null counts too may be believed */
    bool used;   /* some statistic was there to be asked */
    struct td_arena arena;
    struct td_pq_ranges left, next; /* of the row group at hand, its rows; scratch */
};

static const struct pq_leaf *leaf_of(const struct prune *p, const struct td_pq_bound *b)
{
    return &p->file->meta.leaves[b->column];
}

static bool group_may(struct prune *p, const struct pq_group *g)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct td_pq_bound *b = &p->bounds[i];
        const struct pq_leaf *leaf = leaf_of(p, b);
        const struct pq_stats *stats = &g->chunks[b->column].stats;
        struct pq_extent extent = {.rows = g->rows, .nulls = p->sealed ? stats->nulls : -1};
        if (!pq_bound_fits(&leaf->column, b))
            continue;
        extent.has_bounds = pq_stats_bounds(leaf, stats, &extent.min, &extent.max);
        p->used |= extent.has_bounds || extent.nulls >= 0;
        if (!pq_bound_may(&leaf->column, b, &extent))
            return false;
    }
    return true;
}

/* What the index says of page i. A page that claims to be all null is believed when its null count agrees: there are
 * writers that say so of pages with NaN. */
static struct pq_extent page_extent(const struct prune *p, const struct pq_leaf *leaf, const struct pq_index *x,
                                    size_t i, int64_t group_rows)
{
    struct pq_extent extent = {.nulls = -1};
    extent.rows = pq_index_end(x->places, x->pages, i, group_rows) - x->places[i].first_row;
    if (p->sealed && x->nulls)
        extent.nulls = x->nulls[i];
    if (x->null_pages[i]) {
        if (x->nulls && x->nulls[i] == extent.rows)
            extent.nulls = extent.rows;
        return extent;
    }
    const struct pq_stats stats = {.has_min = true, .has_max = true, .min = x->min[i], .max = x->max[i]};
    extent.has_bounds = pq_stats_bounds(leaf, &stats, &extent.min, &extent.max);
    return extent;
}

/* Rows of both lists, into p->left. */
static enum td_code intersect(struct prune *p, const struct td_pq_ranges *other, struct td_pq_ranges *scratch,
                              struct td_err *err)
{
    enum td_code code = TD_OK;
    scratch->count = 0;
    for (size_t i = 0, k = 0; code == TD_OK && i < p->left.count && k < other->count;) {
        const struct td_pq_range a = p->left.items[i], b = other->items[k];
        int64_t from = a.from > b.from ? a.from : b.from, to = a.to < b.to ? a.to : b.to;
        code = pq_ranges_add(scratch, from, to, err);
        if (a.to < b.to)
            i++;
        else
            k++;
    }
    struct td_pq_ranges swap = p->left;
    p->left = *scratch;
    *scratch = swap;
    return code;
}

/* Drop the pages of the bound's column that cannot satisfy it. */
static enum td_code prune_pages(struct prune *p, size_t group, const struct td_pq_bound *b, struct td_err *err)
{
    const struct pq_leaf *leaf = leaf_of(p, b);
    const int64_t rows = p->file->meta.groups[group].rows;
    struct td_pq_ranges scratch = {0};
    struct pq_index x;
    const char *why;
    td_arena_reset(&p->arena);
    enum td_code code = pq_index_load(p->file, group, (size_t)b->column, true, &p->arena, &x, &why, err);
    if (code != TD_OK || why || !x.bounded)
        return code; /* a malformed index says nothing; verification reports it */
    p->used = true;
    p->next.count = 0;
    for (size_t i = 0; code == TD_OK && i < x.bounded; i++) {
        struct pq_extent extent = page_extent(p, leaf, &x, i, rows);
        if (pq_bound_may(&leaf->column, b, &extent))
            code = pq_ranges_add(&p->next, x.places[i].first_row, x.places[i].first_row + extent.rows, err);
    }
    if (code == TD_OK)
        code = intersect(p, &p->next, &scratch, err);
    td_pq_ranges_free(&scratch);
    return code;
}

static enum td_code prune_group(struct prune *p, size_t group, struct td_err *err)
{
    const struct pq_group *g = &p->file->meta.groups[group];
    p->left.count = 0;
    if (!group_may(p, g))
        return TD_OK;
    enum td_code code = pq_ranges_add(&p->left, 0, g->rows, err);
    for (size_t i = 0; code == TD_OK && i < p->count && p->left.count; i++) {
        const struct td_pq_bound *b = &p->bounds[i];
        if (pq_bound_fits(&leaf_of(p, b)->column, b) && g->chunks[b->column].column_index_length)
            code = prune_pages(p, group, b, err);
    }
    return code;
}

static enum td_code prune_groups(struct prune *p, bool believed, struct td_pq_ranges *out, struct td_pq_pruning *how,
                                 struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t g = 0; code == TD_OK && g < p->file->meta.group_count; g++) {
        const struct pq_group *group = &p->file->meta.groups[g];
        if (!group->rows)
            continue;
        how->groups++;
        p->left.count = 0;
        code = believed ? prune_group(p, g, err) : pq_ranges_add(&p->left, 0, group->rows, err);
        how->groups_left += p->left.count > 0;
        for (size_t i = 0; code == TD_OK && i < p->left.count; i++)
            code = pq_ranges_add(out, group->first_row + p->left.items[i].from, group->first_row + p->left.items[i].to,
                                 err);
    }
    return code;
}

enum td_code td_pq_prune(const struct td_pq_file *file, const struct td_pq_bound *bounds, size_t count, bool trust,
                         struct td_pq_ranges *out, struct td_pq_pruning *how, struct td_err *err)
{
    struct prune p = {.file = file, .bounds = bounds, .count = count};
    struct td_pq_pruning own = {0};
    enum td_pq_seal seal = TD_PQ_SEAL_NONE;
    bool fits = false;
    for (size_t i = 0; i < count; i++) {
        if (bounds[i].column < 0 || (size_t)bounds[i].column >= file->meta.leaf_count)
            return td_fail(err, TD_MISSING, "%s: there is no column %d", file->name, bounds[i].column);
        fits |= pq_bound_fits(&leaf_of(&p, &bounds[i])->column, &bounds[i]);
    }
    enum td_code code = fits ? td_pq_seal(file, &seal, err) : TD_OK;
    p.sealed = seal == TD_PQ_SEAL_GOOD;
    td_arena_init(&p.arena, file->memory / 8 > SIZE_MAX ? SIZE_MAX : (size_t)(file->memory / 8));
    if (code == TD_OK)
        code = prune_groups(&p, fits && (p.sealed || trust), out, &own, err);
    own.why = !fits                                  ? "nothing in it compares a column with a value"
              : !p.sealed && !trust                  ? (seal == TD_PQ_SEAL_BROKEN
                                                            ? "the seal of the file's statistics does not match them"
                                                            : "the file's statistics are not sealed by tapedeck")
              : !p.used && file->meta.rows           ? "the file has no statistics of these columns"
                                                     : NULL;
    if (how)
        *how = own;
    td_pq_ranges_free(&p.left);
    td_pq_ranges_free(&p.next);
    td_arena_free(&p.arena);
    return code;
}
