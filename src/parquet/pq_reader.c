/* SPDX-License-Identifier: GPL-3.0-or-later
 * The reader: cursors over the chosen columns of one row group after the other, in batches of the caller's size. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include "pq_cursor.h"

#define PQ_GAP 65536                     /* chunks closer than this are read in one go */
#define PQ_PREFETCH (512 * 1024) /* a row group with more projected bytes than this is read piecemeal: pieces stay in the
                                  * processor's cache, a whole group is fresh memory each time */
#define PQ_EXPECT (UINT64_C(64) << 20) /* up to this many bytes the kernel is told what will be read */

struct range { /* bytes of the file that one column of the group needs */
    uint64_t at, end;
    size_t column;
};

struct td_pq_reader {
    const struct td_pq_file *file;
    struct pq_pool pool;
    struct pq_decoder decoder;
    struct pq_cursor *cursors;
    int *leaves;
    struct range *ranges;
    size_t count, cap;
    bool has_text;
    size_t group;          /* row group being read, or the next one to open */
    bool open;             /* cursors stand in `group` */
    int64_t group_left;    /* rows of the open group not yet read */
    int64_t row;           /* next row of the file */
    struct pq_blob *bytes; /* compressed bytes of the open group, a list */
    struct td_arena places; /* of the pages of the open group */
    struct td_pq_range *wanted; /* td_pq_want: the only rows to give; row stands in or before wanted_at */
    size_t wanted_count, wanted_cap, wanted_at;
    bool choosy;
    struct td_pq_effort effort;
    bool failed;
};

static void close_group(struct td_pq_reader *r)
{
    for (size_t i = 0; i < r->count; i++)
        pq_cursor_close(&r->cursors[i]);
    while (r->bytes) {
        struct pq_blob *blob = r->bytes;
        r->bytes = blob->next;
        if (r->has_text)
            pq_pool_retire(&r->pool, blob);
        else
            pq_pool_put(&r->pool, blob);
    }
    r->open = false;
}

static enum td_code check_columns(const struct td_pq_file *file, const int *columns, size_t count, struct td_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (columns[i] < 0 || (size_t)columns[i] >= file->meta.leaf_count)
            return td_fail(err, TD_MISSING, "%s: there is no column %d", file->name, columns[i]);
        const struct td_pq_column *c = &file->meta.leaves[columns[i]].column;
        if (c->unsupported) {
            struct td_buf name;
            td_buf_init(&name, 256);
            td_buf_add_printable(&name, c->name, strnlen(c->name, 60));
            td_fail(err, TD_UNSUPPORTED, "%s: column %s cannot be read: %s", file->name, name.data ? name.data : "?",
                    c->unsupported);
            td_buf_free(&name);
            return TD_UNSUPPORTED;
        }
    }
    return TD_OK;
}

static enum td_code make_room(struct td_pq_reader *r, size_t count, struct td_err *err)
{
    size_t need = count ? count : 1;
    if (need <= r->cap)
        return TD_OK;
    td_free(r->cursors);
    td_free(r->leaves);
    td_free(r->ranges);
    r->cap = 0;
    r->cursors = td_calloc(need, sizeof *r->cursors);
    r->leaves = td_calloc(need, sizeof *r->leaves);
    r->ranges = td_calloc(need, sizeof *r->ranges);
    if (!r->cursors || !r->leaves || !r->ranges)
        return td_fail(err, TD_NOMEM, "out of memory for %zu columns", count);
    r->cap = need;
    return TD_OK;
}

enum td_code td_pq_reader_reset(struct td_pq_reader *reader, const struct td_pq_file *file, const int *columns,
                                size_t count, struct td_err *err)
{
    enum td_code code;
    close_group(reader);
    reader->count = 0;
    reader->failed = true; /* until the new columns are in place */
    pq_pool_recycle(&reader->pool);
    code = check_columns(file, columns, count, err);
    if (code == TD_OK)
        code = make_room(reader, count, err);
    if (code != TD_OK)
        return code;
    reader->file = file;
    reader->count = count;
    reader->pool.limit = file->memory > SIZE_MAX ? SIZE_MAX : (size_t)file->memory;
    reader->has_text = false;
    for (size_t i = 0; i < count; i++) {
        reader->leaves[i] = columns[i];
        reader->has_text |= pq_is_text(file->meta.leaves[columns[i]].column.type);
        reader->cursors[i] = (struct pq_cursor){
            .file = file, .pool = &reader->pool, .decoder = &reader->decoder, .effort = &reader->effort};
    }
    reader->choosy = false;
    reader->group = 0;
    reader->group_left = reader->row = 0;
    reader->failed = false;
    return TD_OK;
}

enum td_code td_pq_reader_new(const struct td_pq_file *file, const int *columns, size_t count,
                              struct td_pq_reader **out, struct td_err *err)
{
    struct td_pq_reader *r = td_calloc(1, sizeof *r);
    enum td_code code;
    *out = NULL;
    if (!r)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a reader", file->name);
    td_arena_init(&r->places, file->memory / 8 > SIZE_MAX ? SIZE_MAX : (size_t)(file->memory / 8));
    code = td_pq_reader_reset(r, file, columns, count, err);
    if (code == TD_OK)
        *out = r;
    else
        td_pq_reader_free(r);
    return code;
}

void td_pq_reader_free(struct td_pq_reader *reader)
{
    if (!reader)
        return;
    close_group(reader);
    pq_pool_drop(&reader->pool);
    pq_decoder_free(&reader->decoder);
    td_free(reader->cursors);
    td_free(reader->leaves);
    td_free(reader->ranges);
    td_free(reader->wanted);
    td_arena_free(&reader->places);
    td_free(reader);
}

static int by_offset(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* One read for a run of neighbouring chunks, lent to their cursors. */
static enum td_code load_run(struct td_pq_reader *r, size_t first, size_t last, uint64_t end, struct td_err *err)
{
    uint64_t at = r->ranges[first].at;
    struct pq_blob *blob = pq_pool_get(&r->pool, (size_t)(end - at));
    if (!blob)
        return td_fail(err, r->pool.code, "%s: row group %zu needs more memory than allowed", r->file->name, r->group);
    enum td_code code = pq_file_read(r->file, at, (size_t)(end - at), blob->data, err);
    if (code != TD_OK) {
        pq_pool_put(&r->pool, blob);
        return code;
    }
    blob->next = r->bytes;
    r->bytes = blob;
    for (size_t i = first; i < last; i++)
        pq_cursor_lend(&r->cursors[r->ranges[i].column], blob->data, at, end - at);
    return TD_OK;
}

/* Read the projected chunks of the group with as few calls as their places allow; of large ones only tell the kernel. */
static enum td_code prefetch(struct td_pq_reader *r, struct td_err *err)
{
    const struct pq_chunk *chunks = r->file->meta.groups[r->group].chunks;
    uint64_t total = 0;
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct pq_chunk *c = &chunks[r->leaves[i]];
        if (pq_file_held(r->file, (uint64_t)c->start, (uint64_t)c->compressed))
            continue;
        r->ranges[count++] = (struct range){(uint64_t)c->start, (uint64_t)(c->start + c->compressed), i};
        total += (uint64_t)c->compressed; /* bounded by the footer's checks */
    }
    const bool piecemeal = total > PQ_PREFETCH || total > r->pool.limit / 4;
    if (total > PQ_EXPECT)
        return TD_OK;
    qsort(r->ranges, count, sizeof *r->ranges, by_offset);
    for (size_t first = 0; first < count;) {
        uint64_t end = r->ranges[first].end;
        size_t last = first + 1;
        while (last < count && r->ranges[last].at <= end + PQ_GAP) {
            end = r->ranges[last].end > end ? r->ranges[last].end : end;
            last++;
        }
        const uint64_t at = r->ranges[first].at;
        enum td_code code = TD_OK;
        if (!piecemeal)
            code = load_run(r, first, last, end, err);
        else if (r->file->fd >= 0) /* a hint: what it returns does not matter */
            (void)posix_fadvise(r->file->fd, (off_t)at, (off_t)(end - at), POSIX_FADV_WILLNEED);
        if (code != TD_OK)
            return code;
        first = last;
    }
    return TD_OK;
}

/* How many rows of the open group from `first` on will be asked for, and the end of the last of them. Both are rows of the
 * group. */
static int64_t rows_to_come(const struct td_pq_reader *r, int64_t first, int64_t *last)
{
    const struct pq_group *g = &r->file->meta.groups[r->group];
    int64_t from = g->first_row + first, end = g->first_row + g->rows, total = 0;
    *last = g->rows;
    if (!r->choosy)
        return g->rows - first;
    *last = first;
    for (size_t i = r->wanted_at; i < r->wanted_count && r->wanted[i].from < end; i++) {
        int64_t a = r->wanted[i].from > from ? r->wanted[i].from : from;
        int64_t b = r->wanted[i].to < end ? r->wanted[i].to : end;
        if (a < b) {
            total += b - a;
            *last = b - g->first_row;
        }
    }
    return total;
}

/* Let the cursors find their pages by the offset index, where it is known to be right. */
static enum td_code guide(struct td_pq_reader *r, int64_t last, struct td_err *err)
{
    const struct pq_group *g = &r->file->meta.groups[r->group];
    enum td_pq_seal seal = TD_PQ_SEAL_NONE;
    enum td_code code = TD_OK;
    bool any = false;
    td_arena_reset(&r->places);
    for (size_t i = 0; i < r->count; i++)
        any |= g->chunks[r->leaves[i]].offset_index_length > 0;
    if (any)
        code = td_pq_seal(r->file, &seal, err);
    for (size_t i = 0; code == TD_OK && seal == TD_PQ_SEAL_GOOD && i < r->count; i++) {
        struct pq_index index;
        const char *why;
        code = pq_index_load(r->file, r->group, (size_t)r->leaves[i], false, &r->places, &index, &why, err);
        if (code != TD_OK || why || !index.pages)
            continue;
        const struct pq_place *end = &index.places[pq_index_page(index.places, index.pages, last ? last - 1 : 0)];
        pq_cursor_guide(&r->cursors[i], index.places, index.pages);
        r->cursors[i].useful = (uint64_t)end->offset + (uint64_t)end->size;
    }
    return code;
}

/* Stand at row `skip` of row group r->group. */
static enum td_code open_group(struct td_pq_reader *r, int64_t skip, struct td_err *err)
{
    const int64_t rows = r->file->meta.groups[r->group].rows;
    enum td_code code = TD_OK;
    close_group(r);
    r->open = true;
    r->group_left = rows - skip;
    if (!r->group_left)
        return TD_OK;
    r->effort.groups++;
    for (size_t i = 0; i < r->count && code == TD_OK; i++)
        code = pq_cursor_open(&r->cursors[i], r->group, (size_t)r->leaves[i], err);
    int64_t last = rows;
    bool most = rows_to_come(r, skip, &last) > rows / 2;
    if (code == TD_OK && most && !skip)
        code = prefetch(r, err);
    if (code == TD_OK && (skip || !most)) /* most of the group's bytes are not wanted */
        code = guide(r, last, err);
    for (size_t i = 0; i < r->count && code == TD_OK; i++)
        code = pq_cursor_skip(&r->cursors[i], skip, err);
    return code;
}

static enum td_code read_rows(struct td_pq_reader *r, struct td_pq_array *arrays, size_t want, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t done = 0; done < want && code == TD_OK;) {
        if (!r->open || !r->group_left) {
            r->group += r->open;
            code = open_group(r, 0, err);
            if (code != TD_OK || !r->group_left)
                continue;
        }
        size_t n = want - done < (uint64_t)r->group_left ? want - done : (size_t)r->group_left;
        for (size_t i = 0; i < r->count && code == TD_OK; i++)
            code = pq_cursor_read(&r->cursors[i], &arrays[i], done, n, err);
        done += n;
        r->group_left -= (int64_t)n;
    }
    return code;
}

static enum td_code seek_row(struct td_pq_reader *r, int64_t row, struct td_err *err)
{
    const struct pq_meta *meta = &r->file->meta;
    enum td_code code = TD_OK;
    pq_pool_recycle(&r->pool);
    const struct pq_group *g = r->group < meta->group_count ? &meta->groups[r->group] : NULL;
    if (r->open && !r->failed && g && row >= r->row && row < g->first_row + g->rows && r->row >= g->first_row) {
        for (size_t i = 0; i < r->count && code == TD_OK; i++)
            code = pq_cursor_skip(&r->cursors[i], row - r->row, err);
        r->group_left -= row - r->row;
    } else {
        close_group(r);
        size_t low = 0, high = meta->group_count; /* first group that ends after the row */
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (meta->groups[mid].first_row + meta->groups[mid].rows <= row)
                low = mid + 1;
            else
                high = mid;
        }
        r->group = low;
        r->group_left = 0;
        if (low < meta->group_count)
            code = open_group(r, row - meta->groups[low].first_row, err);
    }
    r->row = row;
    r->failed = code != TD_OK;
    return code;
}

enum td_code td_pq_seek(struct td_pq_reader *reader, int64_t row, struct td_err *err)
{
    if (row < 0 || row > reader->file->meta.rows)
        return td_fail(err, TD_DATA, "%s: row %lld is outside the file's %lld rows", reader->file->name, (long long)row,
                       (long long)reader->file->meta.rows);
    reader->choosy = false;
    return seek_row(reader, row, err);
}

/* Stand at the next wanted row; *left tells how many follow in its range. */
static enum td_code next_wanted(struct td_pq_reader *r, uint64_t *left, struct td_err *err)
{
    while (r->wanted_at < r->wanted_count && r->wanted[r->wanted_at].to <= r->row)
        r->wanted_at++;
    *left = 0;
    if (r->wanted_at == r->wanted_count)
        return TD_OK;
    const struct td_pq_range *range = &r->wanted[r->wanted_at];
    enum td_code code = r->row < range->from ? seek_row(r, range->from, err) : TD_OK;
    *left = (uint64_t)(range->to - r->row);
    return code;
}

enum td_code td_pq_want(struct td_pq_reader *reader, const struct td_pq_range *ranges, size_t count, struct td_err *err)
{
    struct td_pq_reader *r = reader;
    for (size_t i = 0; i < count; i++)
        if (ranges[i].from < (i ? ranges[i - 1].to : 0) || ranges[i].from >= ranges[i].to ||
            ranges[i].to > r->file->meta.rows)
            return td_fail(err, TD_DATA, "%s: the rows asked for are out of order or outside the file", r->file->name);
    if (count && td_grow(&r->wanted, &r->wanted_cap, count, sizeof *r->wanted, NULL) != TD_OK)
        return td_fail(err, TD_NOMEM, "%s: out of memory for %zu ranges of rows", r->file->name, count);
    if (count)
        memcpy(r->wanted, ranges, count * sizeof *ranges);
    close_group(r);
    r->wanted_count = count;
    r->wanted_at = 0;
    r->choosy = true;
    r->failed = false;
    r->group = 0;
    r->group_left = r->row = 0;
    return TD_OK;
}

int64_t td_pq_next_row(const struct td_pq_reader *reader)
{
    const struct td_pq_reader *r = reader;
    if (r->choosy)
        for (size_t i = r->wanted_at; i < r->wanted_count; i++)
            if (r->wanted[i].to > r->row)
                return r->wanted[i].from > r->row ? r->wanted[i].from : r->row;
    return r->choosy ? r->file->meta.rows : r->row;
}

struct td_pq_effort td_pq_reader_effort(const struct td_pq_reader *reader)
{
    return reader->effort;
}

enum td_code td_pq_read(struct td_pq_reader *reader, struct td_pq_array *arrays, size_t max_rows, size_t *rows,
                        struct td_err *err)
{
    struct td_pq_reader *r = reader;
    enum td_code code;
    *rows = 0;
    if (r->failed)
        return td_fail(err, TD_DATA, "an earlier read of this file failed");
    pq_pool_recycle(&r->pool);
    code = TD_OK;
    uint64_t left = (uint64_t)(r->file->meta.rows - r->row);
    if (r->choosy)
        code = next_wanted(r, &left, err);
    if (code != TD_OK)
        return code;
    size_t want = left < max_rows ? (size_t)left : max_rows;
    for (size_t i = 0; i < r->count; i++)
        if (arrays[i].valid)
            memset(arrays[i].valid, 0, TD_PQ_WORDS(want) * sizeof *arrays[i].valid);
    code = read_rows(r, arrays, want, err);
    if (code != TD_OK) {
        r->failed = true;
        return code;
    }
    r->row += (int64_t)want;
    *rows = want;
    return TD_OK;
}

enum td_code td_pq_pages(const struct td_pq_file *file, size_t group, size_t column,
                         bool (*fn)(void *ctx, const struct td_pq_page_info *page), void *ctx, struct td_err *err)
{
    struct pq_pool pool = {.limit = file->memory > SIZE_MAX ? SIZE_MAX : (size_t)file->memory};
    struct pq_cursor c = {.file = file, .pool = &pool};
    enum td_code code = pq_cursor_open(&c, group, column, err);
    bool more = true;
    const uint64_t stated = code == TD_OK ? c.end - c.chunk->slack : 0;
    while (code == TD_OK && more && c.at < stated) {
        struct pq_page_header page;
        uint64_t body;
        code = pq_cursor_header(&c, &page, &body, err);
        if (code != TD_OK)
            break;
        struct td_pq_page_info info = {.offset = (int64_t)c.at,
                                       .type = page.type,
                                       .encoding = page.encoding,
                                       .values = page.values,
                                       .compressed = page.compressed,
                                       .uncompressed = page.uncompressed};
        more = fn(ctx, &info);
        c.at = body + (uint64_t)page.compressed;
    }
    pq_cursor_close(&c);
    pq_pool_drop(&pool);
    return code;
}
