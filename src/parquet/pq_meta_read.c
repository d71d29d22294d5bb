/* SPDX-License-Identifier: GPL-3.0-or-later
 * Footer and page header parsing: FileMetaData and PageHeader into checked structs. */
#include <stdio.h>
#include <string.h>
#include "pq_meta.h"

#define PQ_MAX_ELEMENTS 65536 /* schema elements; real files have tens */
#define PQ_MOST_SLACK 100     /* bytes of the header that an old writer forgot to count */
#define PQ_AMPLIFY 16         /* chunks may together claim at most this many times the file's bytes */

struct parse { /* everything a nested parser needs */
    struct pq_in in;
    struct td_arena *arena;
    enum td_code code; /* TD_NOMEM or TD_UNSUPPORTED when that is the cause, else TD_OK */
    struct pq_schema_element *elements;
    size_t element_count;
    bool has_rows, has_pairs;
    uint8_t *orders;
    size_t order_count;
};

static void *make_array(struct parse *p, size_t count, size_t size)
{
    size_t bytes;
    void *out = NULL;
    if (!__builtin_mul_overflow(count, size, &bytes))
        out = td_arena_alloc(p->arena, bytes ? bytes : 1);
    if (!out) {
        p->code = TD_NOMEM;
        pq_in_fault(&p->in, "the metadata needs too much memory");
    }
    return out;
}

static const char *make_text(struct parse *p, struct td_str s)
{
    char *out = td_arena_strndup(p->arena, s.ptr, s.len);
    if (!out) {
        p->code = TD_NOMEM;
        pq_in_fault(&p->in, "the metadata needs too much memory");
    }
    return out;
}

static struct td_str keep_bytes(struct parse *p, struct td_str s)
{
    return (struct td_str){make_text(p, s), s.len};
}

static void parse_unit(struct parse *p, const struct pq_field *field, struct pq_schema_element *e)
{
    struct pq_field f = {0};
    if (!pq_in_struct(&p->in, field))
        return;
    while (pq_in_next(&p->in, &f)) {
        e->logical_unit = f.id >= 1 && f.id <= 3 ? f.id : 0;
        pq_in_skip(&p->in, f.type);
    }
}

/* The members of DECIMAL, TIME, TIMESTAMP and INTEGER; those of other kinds are skipped. */
static void parse_logical_body(struct parse *p, int kind, struct pq_schema_element *e)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    while (pq_in_next(in, &f)) {
        if (kind == 5 && f.id == 1)
            e->logical_scale = pq_in_i32(in, &f);
        else if (kind == 5 && f.id == 2)
            e->logical_precision = pq_in_i32(in, &f);
        else if ((kind == 7 || kind == 8) && f.id == 1)
            e->logical_utc = pq_in_bool(in, &f);
        else if ((kind == 7 || kind == 8) && f.id == 2)
            parse_unit(p, &f, e);
        else if (kind == 10 && f.id == 1)
            e->logical_bits = pq_in_i8(in, &f);
        else if (kind == 10 && f.id == 2)
            e->logical_signed = pq_in_bool(in, &f);
        else
            pq_in_skip(in, f.type);
    }
}

static void parse_logical(struct parse *p, const struct pq_field *field, struct pq_schema_element *e)
{
    struct pq_field f = {0};
    if (!pq_in_struct(&p->in, field))
        return;
    while (pq_in_next(&p->in, &f)) {
        e->logical = f.id;
        if (f.type == PQ_T_STRUCT)
            parse_logical_body(p, f.id, e);
        else
            pq_in_skip(&p->in, f.type);
    }
}

static void parse_element(struct parse *p, struct pq_schema_element *e)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    *e = (struct pq_schema_element){.converted = -1, .repetition = -1};
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1:
            e->type = pq_in_i32(in, &f);
            e->has_type = true;
            break;
        case 2: e->length = pq_in_i32(in, &f); break;
        case 3: e->repetition = pq_in_i32(in, &f); break;
        case 4: e->name = pq_in_binary(in, &f); break;
        case 5: e->children = pq_in_i32(in, &f); break;
        case 6: e->converted = pq_in_i32(in, &f); break;
        case 7: e->scale = pq_in_i32(in, &f); break;
        case 8: e->precision = pq_in_i32(in, &f); break;
        case 10: parse_logical(p, &f, e); break;
        default: pq_in_skip(in, f.type);
        }
    }
}

static void parse_schema(struct parse *p, const struct pq_field *field)
{
    size_t count = pq_in_list(&p->in, field, PQ_T_STRUCT);
    if (count > PQ_MAX_ELEMENTS)
        pq_in_fault(&p->in, "the schema has more than 65536 elements");
    if (p->in.bad || !(p->elements = make_array(p, count, sizeof *p->elements)))
        return;
    p->element_count = count;
    for (size_t i = 0; i < count && !p->in.bad; i++)
        parse_element(p, &p->elements[i]);
}

void pq_stats_parse(struct pq_in *in, const struct pq_field *field, struct pq_stats *s)
{
    struct pq_field f = {0};
    *s = (struct pq_stats){.nulls = -1, .nans = -1};
    if (!pq_in_struct(in, field))
        return;
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1:
            s->old_max = pq_in_binary(in, &f);
            s->has_old_max = true;
            break;
        case 2:
            s->old_min = pq_in_binary(in, &f);
            s->has_old_min = true;
            break;
        case 3: s->nulls = pq_in_i64(in, &f); break;
        case 5:
            s->max = pq_in_binary(in, &f);
            s->has_max = true;
            break;
        case 6:
            s->min = pq_in_binary(in, &f);
            s->has_min = true;
            break;
        case 7: s->max_exact = pq_in_bool(in, &f); break;
        case 8: s->min_exact = pq_in_bool(in, &f); break;
        case 9:
            if (f.type == PQ_T_I64)
                s->nans = pq_in_i64(in, &f);
            else
                pq_in_skip(in, f.type);
            break;
        default: pq_in_skip(in, f.type);
        }
    }
    if (s->nulls < 0)
        s->nulls = -1;
    if (s->nans < 0)
        s->nans = -1;
}

/* Bounds into the arena: the footer's bytes do not stay. */
static void parse_stats(struct parse *p, const struct pq_field *field, struct pq_stats *s)
{
    pq_stats_parse(&p->in, field, s);
    struct td_str *const bounds[] = {&s->min, &s->max, &s->old_min, &s->old_max};
    const bool has[] = {s->has_min, s->has_max, s->has_old_min, s->has_old_max};
    for (int i = 0; i < 4; i++)
        if (has[i])
            *bounds[i] = keep_bytes(p, *bounds[i]);
}

static void parse_encodings(struct parse *p, const struct pq_field *field, struct pq_chunk *c)
{
    size_t count = pq_in_list(&p->in, field, PQ_T_I32);
    while (count-- && !p->in.bad) {
        int32_t e = pq_in_elem_i32(&p->in);
        if (e >= 0 && e < 32)
            c->encodings |= UINT32_C(1) << e;
    }
}

static void parse_column_meta(struct parse *p, const struct pq_field *field, struct pq_chunk *c, unsigned *seen)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    if (!pq_in_struct(in, field))
        return;
    while (pq_in_next(in, &f)) {
        if (f.id >= 0 && f.id < 32)
            *seen |= 1u << f.id;
        switch (f.id) {
        case 1: c->type = pq_in_i32(in, &f); break;
        case 2: parse_encodings(p, &f, c); break;
        case 4: c->codec = pq_in_i32(in, &f); break;
        case 5: c->values = pq_in_i64(in, &f); break;
        case 6: c->uncompressed = pq_in_i64(in, &f); break;
        case 7: c->compressed = pq_in_i64(in, &f); break;
        case 9: c->data_offset = pq_in_i64(in, &f); break;
        case 11: c->dictionary_offset = pq_in_i64(in, &f); break;
        case 12: parse_stats(p, &f, &c->stats); break;
        default: pq_in_skip(in, f.type);
        }
    }
}

static void parse_chunk(struct parse *p, struct pq_chunk *c)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    unsigned seen = 0;
    *c = (struct pq_chunk){.stats.nulls = -1, .stats.nans = -1};
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1:
            if (pq_in_binary(in, &f).len)
                c->refused = "its data lies in another file";
            break;
        case 3: parse_column_meta(p, &f, c, &seen); break;
        case 4: c->offset_index_offset = pq_in_i64(in, &f); break;
        case 5: c->offset_index_length = pq_in_i32(in, &f); break;
        case 6: c->column_index_offset = pq_in_i64(in, &f); break;
        case 7: c->column_index_length = pq_in_i32(in, &f); break;
        case 8:
        case 9:
            c->refused = "it is encrypted";
            pq_in_skip(in, f.type);
            break;
        default: pq_in_skip(in, f.type);
        }
    }
    const unsigned need = 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6 | 1u << 7 | 1u << 9;
    if (!c->refused && (seen & need) != need)
        pq_in_fault(in, "a column chunk lacks required metadata");
}

static void parse_group(struct parse *p, struct pq_group *g)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    bool has_rows = false;
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1:
            g->count = pq_in_list(in, &f, PQ_T_STRUCT);
            if (g->count > PQ_MAX_ELEMENTS)
                pq_in_fault(in, "a row group has more chunks than the schema has columns");
            if (in->bad || !(g->chunks = make_array(p, g->count, sizeof *g->chunks)))
                return;
            for (size_t i = 0; i < g->count && !in->bad; i++)
                parse_chunk(p, &g->chunks[i]);
            break;
        case 3:
            g->rows = pq_in_i64(in, &f);
            has_rows = true;
            break;
        default: pq_in_skip(in, f.type);
        }
    }
    if (!has_rows || g->rows < 0)
        pq_in_fault(in, "a row group has no sound row count");
}

static void parse_groups(struct parse *p, const struct pq_field *field, struct pq_meta *meta)
{
    size_t count = pq_in_list(&p->in, field, PQ_T_STRUCT);
    if (p->in.bad || !(meta->groups = make_array(p, count, sizeof *meta->groups)))
        return;
    meta->group_count = count;
    for (size_t i = 0; i < count && !p->in.bad; i++)
        parse_group(p, &meta->groups[i]);
}

static void parse_pairs(struct parse *p, const struct pq_field *field, struct pq_meta *meta)
{
    struct pq_in *in = &p->in;
    size_t count = pq_in_list(in, field, PQ_T_STRUCT);
    if (in->bad || !(meta->pairs = make_array(p, count, sizeof *meta->pairs)))
        return;
    meta->pair_count = count;
    for (size_t i = 0; i < count; i++) {
        struct pq_field f = {0};
        meta->pairs[i] = (struct pq_pair){"", ""};
        while (pq_in_next(in, &f)) {
            if (f.id == 1)
                meta->pairs[i].key = make_text(p, pq_in_binary(in, &f));
            else if (f.id == 2)
                meta->pairs[i].value = make_text(p, pq_in_binary(in, &f));
            else
                pq_in_skip(in, f.type);
        }
    }
}

static void parse_orders(struct parse *p, const struct pq_field *field)
{
    struct pq_in *in = &p->in;
    size_t count = pq_in_list(in, field, PQ_T_STRUCT);
    if (in->bad || !(p->orders = make_array(p, count, 1)))
        return;
    p->order_count = count;
    for (size_t i = 0; i < count; i++) {
        struct pq_field f = {0};
        while (pq_in_next(in, &f)) {
            p->orders[i] = f.id == 1;
            pq_in_skip(in, f.type);
        }
    }
}

static void parse_file(struct parse *p, struct pq_meta *meta)
{
    struct pq_in *in = &p->in;
    struct pq_field f = {0};
    while (pq_in_next(in, &f)) {
        if (f.id == 5 && !p->has_pairs)
            meta->sealed = (size_t)(in->p - in->base) - 1; /* the field's own header is one byte */
        else if (f.id <= 5 && p->has_pairs)
            meta->sealed = 0; /* what counts was told after the seal */
        p->has_pairs |= f.id == 5;
        switch (f.id) {
        case 2: parse_schema(p, &f); break;
        case 3:
            meta->rows = pq_in_i64(in, &f);
            p->has_rows = true;
            break;
        case 4: parse_groups(p, &f, meta); break;
        case 5: parse_pairs(p, &f, meta); break;
        case 6: meta->created_by = make_text(p, pq_in_binary(in, &f)); break;
        case 7: parse_orders(p, &f); break;
        default: pq_in_skip(in, f.type); /* 8, 9: a plain footer of a file with encrypted columns; they are refused */
        }
    }
}

/* parquet-mr before 1.2.9 left the header of the dictionary page out of a chunk's size; without a version it is as old. */
static bool counts_short(const char *created_by)
{
    unsigned major = 0, minor = 0, patch = 0;
    if (strncmp(created_by, "parquet-mr", 10) != 0)
        return false;
    if (sscanf(created_by, "parquet-mr version %3u.%3u.%3u", &major, &minor, &patch) < 3)
        return true;
    return major < 1 || (major == 1 && (minor < 2 || (minor == 2 && patch < 9)));
}

/* First page of a chunk: the smaller positive offset, since either field may be absent, zero or point at the other
 * page. */
static const char *check_chunk(struct pq_chunk *c, const struct td_pq_column *column, int64_t rows, int64_t data_end)
{
    if (c->refused || column->unsupported)
        return NULL;
    if (c->type != (int32_t)column->type)
        return "a column chunk has another type than the schema";
    if (c->values != rows)
        return "a column chunk has another number of values than its row group";
    if (c->compressed < 0 || c->uncompressed < 0 || c->data_offset < 0)
        return "a column chunk has a negative size or offset";
    c->start = c->data_offset;
    if (c->dictionary_offset > 0 && c->dictionary_offset < c->start)
        c->start = c->dictionary_offset;
    if (c->start >= 4 && c->start <= data_end && c->compressed <= data_end - c->start)
        return NULL;
    if (rows)
        return "a column chunk lies outside the file's data";
    c->start = c->compressed = 0; /* an empty chunk may be anywhere: it has no pages then */
    return NULL;
}

static const char *check_groups(struct pq_meta *meta, int64_t data_end)
{
    int64_t rows = 0, bytes = 0;
    for (size_t g = 0; g < meta->group_count; g++) {
        struct pq_group *group = &meta->groups[g];
        if (group->count != meta->leaf_count)
            return "a row group has another number of chunks than the schema has columns";
        group->first_row = rows;
        if (__builtin_add_overflow(rows, group->rows, &rows))
            return "the row counts overflow";
        for (size_t i = 0; i < group->count; i++) {
            const char *why = check_chunk(&group->chunks[i], &meta->leaves[i].column, group->rows, data_end);
            if (why)
                return why;
            if (group->rows && !group->chunks[i].refused && !meta->leaves[i].column.unsupported &&
                (__builtin_add_overflow(bytes, group->chunks[i].compressed, &bytes) ||
                 bytes / PQ_AMPLIFY > data_end + 65536))
                return "the column chunks claim far more bytes than the file has";
        }
    }
    if (rows && !meta->rows) { /* other readers give no rows then, whatever the groups say */
        meta->group_count = 0;
        return NULL;
    }
    return rows == meta->rows ? NULL : "the row count is not the sum over the row groups";
}

static void allow_slack(struct pq_meta *meta, int64_t data_end)
{
    for (size_t g = 0; g < meta->group_count; g++)
        for (size_t i = 0; i < meta->groups[g].count; i++) {
            struct pq_chunk *c = &meta->groups[g].chunks[i];
            if (c->refused || meta->leaves[i].column.unsupported || !c->compressed)
                continue;
            int64_t behind = data_end - c->start - c->compressed;
            c->slack = behind < PQ_MOST_SLACK ? (uint32_t)behind : PQ_MOST_SLACK;
        }
}

enum td_code pq_meta_parse(struct pq_meta *meta, const void *footer, size_t len, int64_t data_end,
                           struct td_arena *arena, const char **why, size_t *where)
{
    struct parse p = {.arena = arena, .code = TD_OK};
    enum td_code code;
    *meta = (struct pq_meta){.created_by = ""};
    pq_in_init(&p.in, footer, len);
    parse_file(&p, meta);
    *where = (size_t)(p.in.p - p.in.base);
    *why = p.in.bad;
    if (*why)
        return p.code != TD_OK ? p.code : TD_DATA;
    if (!p.has_rows || meta->rows < 0 || !p.element_count) {
        *why = "the footer has no schema or no row count";
        return TD_DATA;
    }
    code = pq_schema_leaves(p.elements, p.element_count, meta, arena, why);
    if (code != TD_OK)
        return code;
    for (size_t i = 0; i < meta->leaf_count && p.order_count == meta->leaf_count; i++)
        meta->leaves[i].typed_order = p.orders[i];
    *why = check_groups(meta, data_end);
    if (!*why && counts_short(meta->created_by))
        allow_slack(meta, data_end);
    return *why ? TD_DATA : TD_OK;
}

static void parse_data_header(struct pq_in *in, const struct pq_field *field, struct pq_page_header *page)
{
    struct pq_field f = {0};
    if (!pq_in_struct(in, field))
        return;
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1: page->values = pq_in_i32(in, &f); break;
        case 2: page->encoding = pq_in_i32(in, &f); break;
        case 3: page->level_encoding = pq_in_i32(in, &f); break;
        default: pq_in_skip(in, f.type);
        }
    }
}

static void parse_dictionary_header(struct pq_in *in, const struct pq_field *field, struct pq_page_header *page)
{
    struct pq_field f = {0};
    if (!pq_in_struct(in, field))
        return;
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1: page->values = pq_in_i32(in, &f); break;
        case 2: page->encoding = pq_in_i32(in, &f); break;
        default: pq_in_skip(in, f.type);
        }
    }
}

static void parse_data_header_v2(struct pq_in *in, const struct pq_field *field, struct pq_page_header *page)
{
    struct pq_field f = {0};
    if (!pq_in_struct(in, field))
        return;
    page->level_encoding = PQ_RLE;
    while (pq_in_next(in, &f)) {
        switch (f.id) {
        case 1: page->values = pq_in_i32(in, &f); break;
        case 2: page->nulls = pq_in_i32(in, &f); break;
        case 3: page->rows = pq_in_i32(in, &f); break;
        case 4: page->encoding = pq_in_i32(in, &f); break;
        case 5: page->def_length = pq_in_i32(in, &f); break;
        case 6: page->rep_length = pq_in_i32(in, &f); break;
        case 7: page->is_compressed = pq_in_bool(in, &f); break;
        default: pq_in_skip(in, f.type);
        }
    }
}

bool pq_page_header_parse(struct pq_in *in, struct pq_page_header *page)
{
    struct pq_field f = {0};
    unsigned seen = 0;
    *page = (struct pq_page_header){.type = -1, .is_compressed = true};
    while (pq_in_next(in, &f)) {
        if (f.id >= 0 && f.id < 32)
            seen |= 1u << f.id;
        switch (f.id) {
        case 1: page->type = pq_in_i32(in, &f); break;
        case 2: page->uncompressed = pq_in_i32(in, &f); break;
        case 3: page->compressed = pq_in_i32(in, &f); break;
        case 4:
            page->crc = (uint32_t)pq_in_i32(in, &f);
            page->has_crc = true;
            break;
        case 5: parse_data_header(in, &f, page); break;
        case 7: parse_dictionary_header(in, &f, page); break;
        case 8: parse_data_header_v2(in, &f, page); break;
        default: pq_in_skip(in, f.type);
        }
    }
    if (in->bad)
        return false;
    unsigned need = page->type == PQ_PAGE_DATA         ? 1u << 5
                    : page->type == PQ_PAGE_DICTIONARY ? 1u << 7
                    : page->type == PQ_PAGE_DATA_V2    ? 1u << 8
                                                       : 0;
    if ((seen & (need | 14)) != (need | 14))
        pq_in_fault(in, "a page header lacks required fields");
    else if (page->uncompressed < 0 || page->compressed < 0 || page->values < 0 || page->def_length < 0 ||
             page->rep_length < 0)
        pq_in_fault(in, "a page header has a negative size");
    return !in->bad;
}

const char *pq_encoding_name(int encoding)
{
    static const char *const names[] = {"PLAIN",
                                        "GROUP_VAR_INT",
                                        "PLAIN_DICTIONARY",
                                        "RLE",
                                        "BIT_PACKED",
                                        "DELTA_BINARY_PACKED",
                                        "DELTA_LENGTH_BYTE_ARRAY",
                                        "DELTA_BYTE_ARRAY",
                                        "RLE_DICTIONARY",
                                        "BYTE_STREAM_SPLIT",
                                        "ALP"};
    return encoding >= 0 && encoding < (int)TD_COUNT(names) ? names[encoding] : "unknown";
}

const char *pq_codec_name(int codec)
{
    static const char *const names[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};
    return codec >= 0 && codec < (int)TD_COUNT(names) ? names[codec] : "unknown";
}
