/* SPDX-License-Identifier: GPL-3.0-or-later
 * Searching a Parquet file: prune by what may be believed, decode the columns that the question is about, and the others only
 * where the answer is yes. */
#include <string.h>
#include "scan_internal.h"

struct scan_search {
    struct td_pq_reader *tested; /* over the columns that the match reads */
    size_t *columns;             /* which of the file's */
    int *leaves;
    struct td_pq_array *arrays;
    size_t count;
    struct td_pq_array *rest; /* arrays of the shown columns that the match does not read, in the order of scan->reader */
    size_t rest_count;
    size_t *shared; /* shown column -> 1 + its place among the tested ones, 0 = in the rest */
    struct td_cell *cells;
    bool (*match)(void *ctx, const struct td_cell *cells);
    bool (*stopped)(void *ctx);
    void *ctx;
    int64_t first; /* row of the tested batch's slot 0 */
    uint16_t hits[SCAN_BATCH];
    size_t hit_count, hit_at;
    size_t base; /* slot of the tested batch that is slot 0 of what is shown; a multiple of 64 */
    struct td_pq_pruning how;
};

void scan_search_free(struct td_scan *scan)
{
    struct scan_search *s = scan->search;
    if (!s)
        return;
    td_pq_reader_free(s->tested);
    for (size_t i = 0; s->shared && i < scan->count; i++)
        if (s->shared[i])
            scan->arrays[i] = (struct td_pq_array){0}; /* it was a view into those below */
    for (size_t i = 0; s->arrays && i < s->count; i++) {
        td_free(s->arrays[i].values);
        td_free(s->arrays[i].valid);
    }
    td_free(s->arrays);
    td_free(s->columns);
    td_free(s->leaves);
    td_free(s->rest);
    td_free(s->shared);
    td_free(s->cells);
    td_free(s);
    scan->search = NULL;
}

size_t td_scan_file_column_count(const struct td_scan *scan)
{
    return scan->all_count;
}

const struct td_scan_column *td_scan_file_column_at(const struct td_scan *scan, size_t i)
{
    return &scan->all[i];
}

enum td_code td_scan_between(struct td_scan *scan, int64_t from, int64_t to, struct td_err *err)
{
    const int64_t rows = td_pq_rows(scan->file);
    scan->from = from < 0 ? 0 : from;
    scan->to = to > rows ? rows : to;
    scan->batch_rows = scan->at = 0;
    const struct td_pq_range range = {scan->from, scan->to};
    return td_pq_want(scan->reader, &range, range.from < range.to, err);
}

/* ---- bounds of cells into bounds of stored values ---- */

/* Stamps show their millisecond, rounded down: `unit` stored units of it. false = out of the stored range. */
static bool stamp_bound(struct td_pq_bound out[2], size_t *count, enum td_scan_op op, int64_t ms, int64_t unit)
{
    int64_t low, high; /* stored values that show this millisecond: [low, high) */
    if (__builtin_mul_overflow(ms, unit, &low) || __builtin_add_overflow(low, unit, &high) || op == TD_SCAN_NE)
        return false;
    const bool up = op == TD_SCAN_GE || op == TD_SCAN_GT;
    out[0].v.i = op == TD_SCAN_GT || op == TD_SCAN_LE ? high : low;
    out[0].op = up || op == TD_SCAN_EQ ? TD_PQ_GE : TD_PQ_LT;
    out[1] = out[0];
    out[1].op = TD_PQ_LT;
    out[1].v.i = high;
    *count = op == TD_SCAN_EQ ? 2 : 1;
    return true;
}

/* Days against an instant: those whose midnight lies on the wanted side. */
static bool day_bound(struct td_pq_bound out[2], size_t *count, enum td_scan_op op, int64_t ms)
{
    const int64_t floor = ms / TD_MS_DAY - (ms % TD_MS_DAY < 0), ceiling = floor + (ms % TD_MS_DAY != 0);
    if (op == TD_SCAN_NE)
        return false;
    out[0].op = op == TD_SCAN_EQ ? TD_PQ_GE : (enum td_pq_op)op;
    out[0].v.i = op == TD_SCAN_GT || op == TD_SCAN_LE ? floor : ceiling;
    out[1] = out[0];
    out[1].op = TD_PQ_LE;
    out[1].v.i = floor;
    *count = op == TD_SCAN_EQ ? 2 : 1;
    return true;
}

static bool time_bound(const struct td_pq_column *column, const struct td_scan_bound *b, struct td_pq_bound out[2], size_t *count)
{
    static const int64_t units[] = {[TD_PQ_MILLIS] = 1, [TD_PQ_MICROS] = 1000, [TD_PQ_NANOS] = 1000000};
    int64_t ms = b->value.v.i;
    if (b->value.kind == TD_KIND_DAY && column->logical == TD_PQ_DATE) {
        out[0].v.i = ms; /* both are days */
        return true;
    }
    if (b->value.kind == TD_KIND_DAY && __builtin_mul_overflow(ms, TD_MS_DAY, &ms))
        return false;
    if (column->logical == TD_PQ_TIMESTAMP)
        return stamp_bound(out, count, b->op, ms, units[column->unit]);
    return column->logical == TD_PQ_DATE && day_bound(out, count, b->op, ms);
}

/* The stored-value form of a bound, at most two of them; false when there is none that holds for every matching row. Cells
 * are not always what is stored: a NaN is null, a decimal the nearest double, an integer above 2^63 one too. */
static bool translate(const struct td_scan *scan, const struct td_scan_bound *b, struct td_pq_bound out[2], size_t *count)
{
    const int leaf = scan->all_leaves[b->column];
    const struct td_pq_column *column = td_pq_column_at(scan->file, (size_t)leaf);
    const bool real = column->type == TD_PQ_FLOAT || column->type == TD_PQ_DOUBLE;
    const enum td_kind kind = scan->all[b->column].kind;
    *count = 1;
    out[0] = (struct td_pq_bound){.column = leaf, .op = (enum td_pq_op)b->op};
    if (b->op == TD_SCAN_NOT_NULL)
        return true;
    if (b->op == TD_SCAN_IS_NULL)
        return !real && column->logical != TD_PQ_DECIMAL;
    if (column->logical == TD_PQ_DECIMAL || column->type == TD_PQ_INT96)
        return false;
    switch (b->value.kind) {
    case TD_KIND_BOOL: out[0].v.i = b->value.v.b; return kind == TD_KIND_BOOL;
    case TD_KIND_I64: out[0].v.i = b->value.v.i; return kind == TD_KIND_I64 || kind == TD_KIND_U64 || real;
    case TD_KIND_F64:
        out[0].kind = TD_PQ_VALUE_REAL;
        out[0].v.f = b->value.v.f;
        return kind == TD_KIND_I64 || real || (kind == TD_KIND_U64 && b->value.v.f < 0x1p63);
    case TD_KIND_STR:
        out[0].kind = TD_PQ_VALUE_BYTES;
        out[0].v.s = b->value.v.s;
        return kind == TD_KIND_STR || kind == TD_KIND_BYTES;
    case TD_KIND_DAY:
    case TD_KIND_TS: return time_bound(column, b, out, count);
    default: return false;
    }
}

/* Candidate rows by statistics and --rows, into the tested reader. */
static enum td_code prune(struct td_scan *scan, const struct td_scan_search *search, struct td_err *err)
{
    struct scan_search *s = scan->search;
    struct td_pq_bound *bounds = td_calloc(2 * search->bound_count + 1, sizeof *bounds);
    struct td_pq_ranges ranges = {0};
    size_t count = 0, kept = 0;
    if (!bounds)
        return td_fail(err, TD_NOMEM, "%s: out of memory", scan->path);
    for (size_t i = 0; i < search->bound_count; i++) {
        size_t more = 0;
        if (translate(scan, &search->bounds[i], bounds + count, &more))
            count += more;
    }
    enum td_code code = td_pq_prune(scan->file, bounds, count, search->trust, &ranges, &s->how, err);
    for (size_t i = 0; code == TD_OK && i < ranges.count; i++) {
        struct td_pq_range r = ranges.items[i];
        r.from = r.from > scan->from ? r.from : scan->from;
        r.to = r.to < scan->to ? r.to : scan->to;
        if (r.from < r.to)
            ranges.items[kept++] = r;
    }
    if (code == TD_OK)
        code = td_pq_want(s->tested, ranges.items, kept, err);
    td_pq_ranges_free(&ranges);
    td_free(bounds);
    return code;
}

/* ---- setting up ---- */

static enum td_code choose(struct td_scan *scan, const bool *reads, struct td_err *err)
{
    struct scan_search *s = scan->search;
    const size_t all = scan->all_count + 1;
    s->columns = td_calloc(all, sizeof *s->columns);
    s->leaves = td_calloc(all, sizeof *s->leaves);
    s->arrays = td_calloc(all, sizeof *s->arrays);
    s->cells = td_calloc(all, sizeof *s->cells);
    s->shared = td_calloc(scan->count + 1, sizeof *s->shared);
    s->rest = td_calloc(scan->count + 1, sizeof *s->rest);
    bool good = s->columns && s->leaves && s->arrays && s->cells && s->shared && s->rest;
    for (size_t i = 0; good && i < scan->all_count; i++) {
        if (!reads[i])
            continue;
        const int leaf = scan->all_leaves[i];
        struct td_pq_array *array = &s->arrays[s->count];
        s->columns[s->count] = i;
        s->leaves[s->count++] = leaf;
        array->values = td_calloc(SCAN_BATCH, td_pq_width(td_pq_column_at(scan->file, (size_t)leaf)->type));
        array->valid = td_calloc(TD_PQ_WORDS(SCAN_BATCH), sizeof(uint64_t));
        good = array->values && array->valid;
    }
    return good ? TD_OK : td_fail(err, TD_NOMEM, "%s: out of memory for a search", scan->path);
}

/* Shown columns that the match reads are decoded once: they become views into its batch. */
static enum td_code share(struct td_scan *scan, struct td_err *err)
{
    struct scan_search *s = scan->search;
    int *leaves = td_calloc(scan->count + 1, sizeof *leaves);
    if (!leaves)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a search", scan->path);
    for (size_t i = 0; i < scan->count; i++) {
        for (size_t k = 0; k < s->count; k++)
            if (s->leaves[k] == scan->leaves[i])
                s->shared[i] = k + 1;
        if (!s->shared[i]) {
            leaves[s->rest_count] = scan->leaves[i];
            s->rest[s->rest_count++] = scan->arrays[i];
            continue;
        }
        td_free(scan->arrays[i].values);
        td_free(scan->arrays[i].valid);
        scan->arrays[i] = (struct td_pq_array){0};
    }
    enum td_code code = td_pq_reader_reset(scan->reader, scan->file, leaves, s->rest_count, err);
    td_free(leaves);
    return code;
}

enum td_code td_scan_where(struct td_scan *scan, const struct td_scan_search *search, struct td_err *err)
{
    scan_search_free(scan);
    struct scan_search *s = scan->search = td_calloc(1, sizeof *s);
    if (!s)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a search", scan->path);
    s->match = search->match;
    s->stopped = search->stopped;
    s->ctx = search->ctx;
    scan->batch_rows = scan->at = 0;
    enum td_code code = choose(scan, search->reads, err);
    if (code == TD_OK)
        code = td_pq_reader_new(scan->file, s->leaves, s->count, &s->tested, err);
    if (code == TD_OK)
        code = share(scan, err);
    if (code == TD_OK)
        code = prune(scan, search, err);
    return code;
}

/* ---- going on ---- */

/* The next batch of the tested columns in which something matches; none at the end. */
static enum td_code next_hits(struct td_scan *scan, struct td_err *err)
{
    struct scan_search *s = scan->search;
    s->hit_count = s->hit_at = 0;
    while (!s->hit_count) {
        size_t rows = 0;
        if (s->stopped && s->stopped(s->ctx))
            return td_fail(err, TD_CANCELLED, "interrupted");
        s->first = td_pq_next_row(s->tested);
        enum td_code code = td_pq_read(s->tested, s->arrays, SCAN_BATCH, &rows, err);
        if (code != TD_OK || !rows)
            return code;
        for (size_t row = 0; row < rows; row++) {
            for (size_t i = 0; i < s->count; i++)
                s->cells[s->columns[i]] =
                    lake_cell_of(td_pq_column_at(scan->file, (size_t)s->leaves[i]), &s->arrays[i], row);
            if (s->match(s->ctx, s->cells))
                s->hits[s->hit_count++] = (uint16_t)row;
        }
    }
    return TD_OK;
}

/* The other columns, from the first matching row of the batch to the last, as slots that count from s->base. */
static enum td_code read_rest(struct td_scan *scan, struct td_err *err)
{
    struct scan_search *s = scan->search;
    enum td_code code = TD_OK;
    s->base = s->hits[0] & ~(size_t)63;
    for (size_t i = 0; i < scan->count; i++)
        if (s->shared[i]) {
            const struct td_pq_array *whole = &s->arrays[s->shared[i] - 1];
            const size_t width = td_pq_width(td_pq_column_at(scan->file, (size_t)scan->leaves[i])->type);
            scan->arrays[i] = (struct td_pq_array){(char *)whole->values + s->base * width, whole->valid + s->base / 64};
        }
    const size_t want = s->hits[s->hit_count - 1] - s->base + 1;
    const int64_t row = s->first + (int64_t)s->base;
    size_t got = want;
    if (s->rest_count && td_pq_next_row(scan->reader) != row)
        code = td_pq_seek(scan->reader, row, err);
    if (code == TD_OK && s->rest_count)
        code = td_pq_read(scan->reader, s->rest, want, &got, err);
    if (code == TD_OK && got != want)
        code = td_fail(err, TD_DATA, "%s: rows are missing", scan->path);
    return code;
}

enum td_code scan_search_next(struct td_scan *scan, struct td_cell *cells, bool *more, struct td_err *err)
{
    struct scan_search *s = scan->search;
    enum td_code code = TD_OK;
    if (s->hit_at == s->hit_count) {
        code = next_hits(scan, err);
        if (code == TD_OK && s->hit_count)
            code = read_rest(scan, err);
        if (code != TD_OK || !s->hit_count) {
            s->hit_count = s->hit_at = 0;
            return code;
        }
    }
    const size_t slot = s->hits[s->hit_at++] - s->base;
    for (size_t i = 0; i < scan->count; i++)
        cells[i] = lake_cell_of(td_pq_column_at(scan->file, (size_t)scan->leaves[i]), &scan->arrays[i], slot);
    scan->at = slot + 1;
    *more = true;
    return code;
}

enum td_code td_scan_count(struct td_scan *scan, uint64_t *rows, struct td_err *err)
{
    struct scan_search *s = scan->search;
    enum td_code code = TD_OK;
    *rows = 0;
    if (!s) {
        const int64_t next = td_pq_next_row(scan->reader), last = scan->to;
        *rows = (next < last ? (uint64_t)(last - next) : 0) + scan->batch_rows - scan->at;
        return TD_OK;
    }
    do {
        *rows += s->hit_count - s->hit_at;
        code = next_hits(scan, err);
    } while (code == TD_OK && s->hit_count);
    return code;
}

/* ---- the bill ---- */

static bool count_page(void *ctx, const struct td_pq_page_info *page)
{
    uint64_t *pages = ctx;
    *pages += page->type == 0 || page->type == 3; /* data, old and new */
    return true;
}

/* Is the leaf decoded at all: shown, or tested? */
static bool involved(const struct td_scan *scan, int leaf)
{
    const struct scan_search *s = scan->search;
    for (size_t i = 0; i < scan->count; i++)
        if (scan->leaves[i] == leaf)
            return true;
    for (size_t i = 0; s && i < s->count; i++)
        if (s->leaves[i] == leaf)
            return true;
    return false;
}

enum td_code td_scan_effort_of(const struct td_scan *scan, struct td_scan_effort *out, struct td_err *err)
{
    const struct scan_search *s = scan->search;
    struct td_pq_effort done = td_pq_reader_effort(scan->reader), tested = {0};
    enum td_code code = TD_OK;
    if (s)
        tested = td_pq_reader_effort(s->tested);
    *out = (struct td_scan_effort){.groups_read = s ? tested.groups : done.groups,
                                   .pages_read = done.pages + tested.pages,
                                   .bytes_read = done.bytes + tested.bytes,
                                   .why = s ? s->how.why : NULL};
    for (size_t g = 0; g < td_pq_group_count(scan->file); g++) {
        out->groups += td_pq_group_rows(scan->file, g) > 0;
        for (size_t c = 0; code == TD_OK && td_pq_group_rows(scan->file, g) && c < td_pq_column_count(scan->file); c++) {
            struct td_pq_chunk_info chunk;
            if (!involved(scan, (int)c))
                continue;
            td_pq_chunk(scan->file, g, c, &chunk);
            out->bytes += (uint64_t)chunk.compressed;
            code = td_pq_pages(scan->file, g, c, count_page, &out->pages, err);
        }
    }
    return code;
}
