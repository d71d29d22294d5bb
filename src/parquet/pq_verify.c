/* SPDX-License-Identifier: GPL-3.0-or-later
 * Verification of a file: what concerns it as a whole, then every chunk. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pq_verify.h"

#define VERIFY_ROWS 4096 /* as in the walk */

static void tell(struct pq_verify *v, int column, int64_t group, int64_t page, int64_t offset, const char *text)
{
    struct td_pq_finding finding = {.column = column, .group = group, .page = page, .offset = offset};
    struct td_buf printable; /* names and causes may carry bytes of the file */
    if (v->stopped)
        return;
    if (column >= 0)
        finding.name = v->file->meta.leaves[column].column.name;
    td_buf_init(&printable, 4096);
    td_buf_add_printable(&printable, text, strlen(text));
    finding.text = printable.data && !printable.failed ? printable.data : "?";
    v->out->findings++;
    v->stopped = !v->fn(v->ctx, &finding);
    td_buf_free(&printable);
}

void pq_verify_say(struct pq_verify *v, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(text, sizeof text, fmt, args) < 0)
        text[0] = 0;
    va_end(args);
    tell(v, (int)v->column, (int64_t)v->group, v->page, v->offset, text);
}

enum td_code pq_verify_asked(const struct pq_verify *v, struct td_err *err)
{
    return v->cancelled && v->cancelled(v->ctx) ? td_fail(err, TD_CANCELLED, "interrupted") : TD_OK;
}

struct span { /* bytes of a chunk */
    int64_t at, end;
    size_t group, column;
};

static int by_place(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* No two chunks may share bytes. */
static enum td_code check_overlaps(struct pq_verify *v, struct td_err *err)
{
    const struct pq_meta *meta = &v->file->meta;
    size_t count = 0, room = 0;
    for (size_t g = 0; g < meta->group_count; g++)
        room += meta->groups[g].count; /* each was allocated when the footer was read */
    struct span *spans = td_calloc(room + 1, sizeof *spans);
    if (!spans)
        return td_fail(err, TD_NOMEM, "%s: out of memory for %zu chunks", v->file->name, room);
    for (size_t g = 0; g < meta->group_count; g++)
        for (size_t c = 0; c < meta->groups[g].count; c++) {
            const struct pq_chunk *k = &meta->groups[g].chunks[c];
            if (k->compressed > 0 && !k->refused && !meta->leaves[c].column.unsupported)
                spans[count++] = (struct span){k->start, k->start + k->compressed, g, c};
        }
    qsort(spans, count, sizeof *spans, by_place);
    for (size_t i = 1; i < count; i++)
        if (spans[i].at < spans[i - 1].end) {
            v->group = spans[i].group;
            v->column = spans[i].column;
            v->page = -1;
            v->offset = spans[i].at;
            pq_verify_say(v, "the chunk lies over that of column %zu in row group %zu", spans[i - 1].column,
                          spans[i - 1].group);
        }
    td_free(spans);
    return TD_OK;
}

static enum td_code check_seal(struct pq_verify *v, struct td_err *err)
{
    enum td_code code = td_pq_seal(v->file, &v->out->seal, err);
    if (code == TD_OK && v->out->seal == TD_PQ_SEAL_BROKEN)
        tell(v, -1, -1, -1, (int64_t)v->file->footer_at,
             "the seal does not match: the footer or the page index was changed after it was written");
    return code;
}

static enum td_code check_chunks(struct pq_verify *v, struct td_err *err)
{
    const struct pq_meta *meta = &v->file->meta;
    enum td_code code = TD_OK;
    for (size_t c = 0; code == TD_OK && c < meta->leaf_count && !v->stopped; c++) {
        const struct td_pq_column *column = &meta->leaves[c].column;
        if (column->unsupported) {
            v->out->columns_passed++;
            continue;
        }
        v->out->columns++;
        v->array.values = td_malloc(VERIFY_ROWS * td_pq_width(column->type));
        if (!v->array.values)
            return td_fail(err, TD_NOMEM, "%s: out of memory for a batch", v->file->name);
        for (size_t g = 0; code == TD_OK && g < meta->group_count && !v->stopped; g++) {
            v->group = g;
            v->column = c;
            if (meta->groups[g].rows)
                code = pq_verify_chunk(v, err);
        }
        td_free(v->array.values);
    }
    return code;
}

static enum td_code verify_opened(const struct td_pq_file *file,
                                  bool (*fn)(void *ctx, const struct td_pq_finding *finding),
                                  bool (*cancelled)(void *ctx), void *ctx, struct td_pq_verified *out,
                                  struct td_err *err)
{
    struct pq_verify v = {.file = file, .fn = fn, .cancelled = cancelled, .ctx = ctx, .out = out};
    struct td_pq_file checked = *file; /* checksums are looked at whoever wrote them */
    checked.check_crc = true;
    v.file = &checked;
    *out = (struct td_pq_verified){.rows = file->meta.rows};
    v.pool.limit = file->memory > SIZE_MAX ? SIZE_MAX : (size_t)file->memory;
    td_arena_init(&v.arena, file->memory / 8 > SIZE_MAX ? SIZE_MAX : (size_t)(file->memory / 8));
    v.array.valid = td_calloc(TD_PQ_WORDS(VERIFY_ROWS), sizeof *v.array.valid);
    enum td_code code = v.array.valid ? check_seal(&v, err) : td_fail(err, TD_NOMEM, "%s: out of memory", file->name);
    if (code == TD_OK)
        code = check_overlaps(&v, err);
    if (code == TD_OK)
        code = check_chunks(&v, err);
    td_free(v.array.valid);
    td_arena_free(&v.arena);
    pq_pool_drop(&v.pool);
    pq_decoder_free(&v.decoder);
    return code;
}

enum td_code td_pq_verify_file(const struct td_pq_file *file,
                               bool (*fn)(void *ctx, const struct td_pq_finding *finding), void *ctx,
                               struct td_pq_verified *out, struct td_err *err)
{
    return verify_opened(file, fn, NULL, ctx, out, err);
}

enum td_code td_pq_verify(const char *path, bool (*fn)(void *ctx, const struct td_pq_finding *finding), void *ctx,
                          struct td_pq_verified *out, struct td_err *err)
{
    return td_pq_verify_until(path, fn, NULL, ctx, out, err);
}

enum td_code td_pq_verify_until(const char *path, bool (*fn)(void *ctx, const struct td_pq_finding *finding),
                                bool (*cancelled)(void *ctx), void *ctx, struct td_pq_verified *out, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    struct td_err why = {0};
    struct pq_verify v = {.fn = fn, .ctx = ctx, .out = out};
    enum td_code code = td_pq_open(path, NULL, &file, &why);
    *out = (struct td_pq_verified){0};
    if (code == TD_OK) {
        code = verify_opened(file, fn, cancelled, ctx, out, err);
    } else if (code == TD_DATA || code == TD_UNSUPPORTED || code == TD_LIMIT) {
        size_t n = strlen(path); /* the place is known to who asked */
        const char *text = strncmp(why.text, path, n) == 0 && strncmp(why.text + n, ": ", 2) == 0 ? why.text + n + 2
                                                                                                  : why.text;
        tell(&v, -1, -1, -1, -1, text);
        code = TD_OK;
    } else if (err) {
        *err = why;
    }
    td_pq_close(file);
    return code;
}
