/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sharing one file among threads: where its rows are cut so that no thread decodes what is another's. */
#include <stdlib.h>
#include "pq_file.h"

struct search { /* the page start nearest to a row */
    int64_t target, row, best;
};

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

static bool look_at(void *ctx, const struct td_pq_page_info *page)
{
    struct search *s = ctx;
    if (page->type != PQ_PAGE_DATA && page->type != PQ_PAGE_DATA_V2)
        return true;
    if (distance(s->row, s->target) < distance(s->best, s->target))
        s->best = s->row;
    s->row += page->values;
    return s->row < s->target + distance(s->best, s->target);
}

/* The column that takes most of the decoding: the others' pages mostly start where its pages do. */
static size_t heaviest(const struct pq_group *group, const int *columns, size_t count)
{
    size_t best = (size_t)columns[0];
    for (size_t i = 1; i < count; i++)
        if (group->chunks[columns[i]].uncompressed > group->chunks[best].uncompressed)
            best = (size_t)columns[i];
    return best;
}

static enum td_code cut_near(const struct td_pq_file *file, const int *columns, size_t count, int64_t target,
                             int64_t slack, int64_t *out, struct td_err *err)
{
    const struct pq_meta *meta = &file->meta;
    size_t g = 0;
    while (g + 1 < meta->group_count && meta->groups[g].first_row + meta->groups[g].rows <= target)
        g++;
    const struct pq_group *group = &meta->groups[g];
    const int64_t first = group->first_row, end = first + group->rows;
    struct search s = {.target = target, .row = first, .best = target - first < end - target ? first : end};
    *out = s.best;
    if (distance(s.best, target) <= slack)
        return TD_OK;
    enum td_code code = td_pq_pages(file, g, heaviest(group, columns, count), look_at, &s, err);
    *out = s.best < end ? s.best : end; /* what the pages say of their rows is not to be trusted yet */
    return code;
}

enum td_code td_pq_split(const struct td_pq_file *file, const int *columns, size_t count, size_t parts, int64_t *cuts,
                         struct td_err *err)
{
    const int64_t rows = file->meta.rows;
    enum td_code code = TD_OK;
    for (size_t i = 0; i < count; i++)
        if (columns[i] < 0 || (size_t)columns[i] >= file->meta.leaf_count)
            return td_fail(err, TD_MISSING, "%s: there is no column %d", file->name, columns[i]);
    cuts[0] = 0;
    for (size_t i = 1; i <= parts; i++)
        cuts[i] = rows;
    for (size_t i = 1; i < parts && code == TD_OK && count && rows; i++) {
        const int64_t share = rows / (int64_t)parts;
        code = cut_near(file, columns, count, share * (int64_t)i, share / 16, &cuts[i], err);
        if (cuts[i] < cuts[i - 1])
            cuts[i] = cuts[i - 1];
    }
    return code;
}
