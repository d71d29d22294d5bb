/* SPDX-License-Identifier: GPL-3.0-or-later
 * The writer: rows are buffered to a row group, whose chunks are encoded when it is full; the footer comes last. */
#include <string.h>
#include "pq_hybrid.h"
#include "pq_meta.h"
#include "pq_write.h"

#define PQ_GROUP_BYTES ((size_t)64 << 20) /* texts of one row group; a group is closed early above that */
#define PQ_OUT_BYTES ((size_t)1 << 20)    /* encoded bytes kept back to save system calls */

#define PQ_SLOT_BYTES ((size_t)256 << 20) /* numbers of one row group */

static enum td_code copy_columns(struct td_pq_writer *w, const struct td_pq_column *columns, size_t count,
                                 struct td_err *err)
{
    w->columns = td_calloc(count, sizeof *w->columns);
    if (!w->columns)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a writer", w->name);
    w->count = count;
    for (size_t i = 0; i < count; i++) {
        struct pq_buffer *b = &w->columns[i];
        b->column = columns[i];
        td_buf_init(&b->bytes, SIZE_MAX / 4);
        enum td_code code = pq_check_column(w->name, b, err);
        if (code != TD_OK)
            return code;
        for (size_t k = 0; k < i; k++)
            if (strcmp(columns[k].name, columns[i].name) == 0)
                return td_fail(err, TD_UNSUPPORTED, "%s: two columns are called '%s', which readers refuse", w->name,
                               columns[i].name);
        b->column.name = td_arena_strndup(&w->arena, columns[i].name, strlen(columns[i].name));
        if (!b->column.name)
            return td_fail(err, TD_NOMEM, "%s: out of memory for a writer", w->name);
    }
    return TD_OK;
}

/* What one row takes bounds the rows that are buffered. */
static void bound_group(struct td_pq_writer *w)
{
    size_t row = 1;
    for (size_t i = 0; i < w->count; i++)
        row += w->columns[i].width;
    if (w->options.group_rows > PQ_SLOT_BYTES / row)
        w->options.group_rows = PQ_SLOT_BYTES / row ? PQ_SLOT_BYTES / row : 1;
}

static enum td_code copy_order(struct td_pq_writer *w, struct td_err *err)
{
    const size_t count = w->options.sorted_count;
    if (!count)
        return TD_OK;
    for (size_t i = 0; i < count; i++)
        if (w->options.sorted[i].column >= w->count)
            return td_fail(err, TD_UNSUPPORTED, "%s: sorted by column %zu of %zu", w->name, w->options.sorted[i].column,
                           w->count);
    w->sorted = td_malloc(count * sizeof *w->sorted);
    if (!w->sorted)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a writer", w->name);
    memcpy(w->sorted, w->options.sorted, count * sizeof *w->sorted);
    return TD_OK;
}

static void set_options(struct td_pq_writer *w, const struct td_pq_write_options *options)
{
    if (options)
        w->options = *options;
    struct td_pq_write_options *o = &w->options;
    if (o->codec == TD_PQ_UNCOMPRESSED && !o->uncompressed)
        o->codec = TD_PQ_ZSTD;
    o->level = o->level ? o->level : o->codec == TD_PQ_GZIP ? 6 : 2;
    o->group_rows = o->group_rows ? o->group_rows : 131072;
    o->page_rows = o->page_rows ? o->page_rows : 8192;
    o->page_bytes = o->page_bytes ? o->page_bytes : 1 << 20;
    if (o->group_rows > INT32_MAX / 4)
        o->group_rows = INT32_MAX / 4; /* page counts are 32-bit */
    w->encoder.level = o->level;
}

enum td_code td_pq_writer_new(int fd, const char *name, const struct td_pq_column *columns, size_t count,
                              const struct td_pq_write_options *options, struct td_pq_writer **out, struct td_err *err)
{
    struct td_pq_writer *w = td_calloc(1, sizeof *w);
    enum td_code code = TD_OK;
    *out = NULL;
    if (!w)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a writer", name);
    w->fd = fd;
    td_arena_init(&w->arena, SIZE_MAX / 4);
    struct td_buf *const bufs[] = {&w->out, &w->body, &w->packed, &w->scratch, &w->header};
    for (size_t i = 0; i < TD_COUNT(bufs); i++)
        td_buf_init(bufs[i], SIZE_MAX / 4);
    set_options(w, options);
    w->name = td_strdup(name);
    if (!w->name)
        code = td_fail(err, TD_NOMEM, "%s: out of memory for a writer", name);
    else if (!count)
        code = td_fail(err, TD_UNSUPPORTED, "%s: a file needs at least one column", name);
    else if (!pq_codec_writable((int)w->options.codec))
        code = td_fail(err, TD_UNSUPPORTED, "%s: the codec %s cannot be written", name,
                       pq_codec_name((int)w->options.codec));
    if (code == TD_OK)
        code = copy_columns(w, columns, count, err);
    if (code == TD_OK)
        code = copy_order(w, err);
    bound_group(w);
    td_buf_adds(&w->out, "PAR1");
    w->offset = 4;
    if (code == TD_OK)
        code = td_buf_check(&w->out, name, err);
    if (code == TD_OK)
        *out = w;
    else
        td_pq_writer_free(w);
    return code;
}

static enum td_code set_value(struct td_pq_writer *w, const char *key, const char *value)
{
    char *copy = td_strdup(value);
    size_t i = 0;
    if (!copy)
        return TD_NOMEM;
    while (i < w->pair_count && strcmp(w->keys[i], key) != 0)
        i++;
    if (i < w->pair_count) {
        td_free(w->values[i]);
        w->values[i] = copy;
        return TD_OK;
    }
    char *key_copy = td_strdup(key);
    if (!key_copy || td_grow(&w->keys, &w->key_cap, i + 1, sizeof *w->keys, NULL) != TD_OK ||
        td_grow(&w->values, &w->value_cap, i + 1, sizeof *w->values, NULL) != TD_OK) {
        td_free(key_copy);
        td_free(copy);
        return TD_NOMEM;
    }
    w->keys[i] = key_copy;
    w->values[i] = copy;
    w->pair_count++;
    return TD_OK;
}

enum td_code td_pq_writer_meta(struct td_pq_writer *writer, const char *key, const char *value, struct td_err *err)
{
    if (writer->finished)
        return td_fail(err, TD_DATA, "%s: metadata after the footer", writer->name);
    if (!pq_is_utf8(td_str_of(key)) || !pq_is_utf8(td_str_of(value)))
        return td_fail(err, TD_DATA, "%s: metadata '%s' is not UTF-8", writer->name, key);
    if (set_value(writer, key, value) != TD_OK)
        return td_fail(err, TD_NOMEM, "%s: out of memory for metadata", writer->name);
    return TD_OK;
}

static enum td_code flush(struct td_pq_writer *w, struct td_err *err)
{
    enum td_code code = td_buf_check(&w->out, w->name, err);
    if (code == TD_OK)
        code = td_write_all(w->fd, w->out.data, w->out.len, w->name, err);
    td_buf_clear(&w->out);
    return code;
}

/* How many rows from `start` on, at most `n`, keep the column's page under its soft size; at least one. `first` is the
 * first present value. */
static size_t fit_column(const struct pq_buffer *b, size_t limit, size_t start, size_t first, size_t n)
{
    if (b->width) {
        size_t most = limit / b->width ? limit / b->width : 1;
        return n < most ? n : most;
    }
    const size_t base = first ? b->ends[first - 1] : 0;
    size_t low = 1, high = n; /* largest count whose texts fit */
    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;
        size_t past = first + (b->column.optional ? pq_bits_count(b->valid, start, mid) : mid);
        if (past == first || b->ends[past - 1] - base <= limit)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/* All columns are cut at the same rows, so that pages line up. */
static enum td_code cut_pages(struct td_pq_writer *w)
{
    size_t start = 0;
    for (size_t i = 0; i < w->count; i++)
        w->columns[i].cut = 0;
    w->pages = 0;
    for (;;) {
        if (td_grow(&w->cuts, &w->cuts_cap, w->pages + 1, sizeof *w->cuts, NULL) != TD_OK)
            return TD_NOMEM;
        w->cuts[w->pages] = start;
        if (start == w->rows)
            return TD_OK;
        size_t n = w->rows - start < w->options.page_rows ? w->rows - start : w->options.page_rows;
        for (size_t i = 0; i < w->count; i++)
            n = fit_column(&w->columns[i], w->options.page_bytes, start, w->columns[i].cut, n);
        for (size_t i = 0; i < w->count; i++)
            if (!w->columns[i].width)
                w->columns[i].cut += w->columns[i].column.optional ? pq_bits_count(w->columns[i].valid, start, n) : n;
        start += n;
        w->pages++;
    }
}

static enum td_code close_group(struct td_pq_writer *w, struct td_err *err)
{
    struct pq_done_group *group;
    enum td_code code = TD_OK;
    if (!w->rows)
        return TD_OK;
    if (td_grow(&w->groups, &w->group_cap, w->group_count + 1, sizeof *w->groups, NULL) != TD_OK ||
        cut_pages(w) != TD_OK)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a row group", w->name);
    group = &w->groups[w->group_count];
    *group = (struct pq_done_group){.rows = (int64_t)w->rows, .offset = w->offset};
    group->chunks = td_arena_alloc(&w->arena, w->count * sizeof *group->chunks);
    if (!group->chunks)
        return td_fail(err, TD_NOMEM, "%s: out of memory for a row group", w->name);
    for (size_t i = 0; i < w->count && code == TD_OK; i++) {
        code = pq_chunk_write(w, &w->columns[i], &group->chunks[i], err);
        group->compressed += group->chunks[i].compressed;
        group->uncompressed += group->chunks[i].uncompressed;
        pq_buffer_clear(&w->columns[i]);
        if (code == TD_OK && w->out.len >= PQ_OUT_BYTES)
            code = flush(w, err);
    }
    if (code == TD_OK) {
        w->group_count++;
        w->total += (int64_t)w->rows;
    }
    w->rows = 0;
    return code;
}

/* Rows that still go into the open group: to its row limit, or until its texts reach theirs. Depends on the rows alone,
 * not on how they are batched. */
static size_t rows_that_fit(const struct td_pq_writer *w, const struct td_pq_array *arrays, size_t from, size_t rows)
{
    size_t room = w->options.group_rows - w->rows, n = rows - from < room ? rows - from : room;
    size_t bytes = 0;
    bool texts = false;
    for (size_t i = 0; i < w->count; i++) {
        bytes += w->columns[i].bytes.len;
        texts |= !w->columns[i].width;
    }
    for (size_t row = 0; texts && row < n; row++) {
        for (size_t i = 0; i < w->count; i++)
            if (!w->columns[i].width && td_pq_valid(arrays[i].valid, from + row)) {
                const struct td_str *t = (const struct td_str *)arrays[i].values + from + row;
                bytes = t->len > PQ_GROUP_BYTES ? PQ_GROUP_BYTES : bytes + t->len;
            }
        if (bytes >= PQ_GROUP_BYTES)
            return row + 1;
    }
    return n;
}

static bool texts_full(const struct td_pq_writer *w)
{
    size_t bytes = 0;
    for (size_t i = 0; i < w->count; i++)
        bytes += w->columns[i].bytes.len;
    return bytes >= PQ_GROUP_BYTES;
}

enum td_code td_pq_write(struct td_pq_writer *writer, const struct td_pq_array *arrays, size_t rows, struct td_err *err)
{
    struct td_pq_writer *w = writer;
    enum td_code code = TD_OK;
    if (w->failed || w->finished)
        return td_fail(err, TD_DATA, "%s: %s", w->name,
                       w->failed ? "an earlier write of this file failed" : "rows after the footer");
    for (size_t from = 0; from < rows && code == TD_OK;) {
        size_t n = rows_that_fit(w, arrays, from, rows);
        for (size_t i = 0; i < w->count && code == TD_OK; i++)
            code = pq_buffer_append(w, &w->columns[i], &arrays[i], from, n, err);
        w->rows += n;
        from += n;
        if (code == TD_OK && (w->rows == w->options.group_rows || texts_full(w)))
            code = close_group(w, err);
    }
    w->failed = code != TD_OK;
    return code;
}

enum td_code td_pq_writer_finish(struct td_pq_writer *writer, struct td_err *err)
{
    struct td_pq_writer *w = writer;
    enum td_code code;
    if (w->failed || w->finished)
        return td_fail(err, TD_DATA, "%s: %s", w->name,
                       w->failed ? "an earlier write of this file failed" : "a second footer");
    code = close_group(w, err);
    if (code == TD_OK) {
        pq_index_write(w);
        td_buf_clear(&w->header);
        pq_footer_write(w);
        code = td_buf_check(&w->header, w->name, err);
    }
    if (code == TD_OK && w->header.len > INT32_MAX)
        code = td_fail(err, TD_LIMIT, "%s: its footer is too large", w->name);
    if (code == TD_OK) {
        uint32_t len = (uint32_t)w->header.len;
        td_buf_add(&w->out, w->header.data, w->header.len);
        td_buf_add(&w->out, &len, 4);
        td_buf_adds(&w->out, "PAR1");
        code = flush(w, err);
    }
    w->finished = code == TD_OK;
    w->failed = code != TD_OK;
    return code;
}

void td_pq_writer_free(struct td_pq_writer *writer)
{
    struct td_pq_writer *w = writer;
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++)
        pq_buffer_free(&w->columns[i]);
    for (size_t i = 0; i < w->pair_count; i++) {
        td_free(w->keys[i]);
        td_free(w->values[i]);
    }
    struct td_buf *const bufs[] = {&w->out, &w->body, &w->packed, &w->scratch, &w->header};
    for (size_t i = 0; i < TD_COUNT(bufs); i++)
        td_buf_free(bufs[i]);
    pq_encoder_free(&w->encoder);
    td_free(w->dict.table);
    td_free(w->dict.codes);
    td_free(w->dict.first);
    td_free(w->dict.order);
    td_free(w->dict.sorted);
    td_free(w->levels);
    td_free(w->sorted);
    td_free(w->cuts);
    td_free(w->groups);
    td_free(w->keys);
    td_free(w->values);
    td_free(w->columns);
    td_free(w->name);
    td_arena_free(&w->arena);
    td_free(w);
}
