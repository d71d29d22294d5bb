/* SPDX-License-Identifier: GPL-3.0-or-later
 * Page by page through a column chunk: bytes, checks, decompression, levels, values into the caller's array. */
#include <libdeflate.h> /* its CRC-32 runs at memory speed */
#include <string.h>
#include "pq_cursor.h"

#define PQ_AHEAD (128 * 1024)            /* bytes read at a time when the chunk is not at hand */
#define PQ_HEADER 256                    /* bytes tried first for a page header, and read to hop over a page */
#define PQ_PEEK 4096                     /* bytes read for a header alone where pages may well be longer than PQ_AHEAD */
#define PQ_MAX_HEADER (16 * 1024 * 1024) /* a header may carry long statistics, but not this long */
#define PQ_MAX_PAGE INT64_C(268435456)   /* bytes of one decompressed page */

/* Column names come from the file: control bytes and escapes in them must not reach a terminal. */
static enum td_code fail(const struct pq_cursor *c, struct td_err *err, enum td_code code, const char *why)
{
    struct td_buf name;
    td_buf_init(&name, 256);
    td_buf_add_printable(&name, c->column->name, strnlen(c->column->name, 60));
    td_fail(err, code, "%s: column %s, row group %zu, page at offset %llu: %s", c->file->name,
            name.data ? name.data : "?", c->group, (unsigned long long)c->page_at, why);
    td_buf_free(&name);
    return code;
}

enum td_code pq_cursor_open(struct pq_cursor *c, size_t group, size_t leaf, struct td_err *err)
{
    const struct pq_chunk *chunk = &c->file->meta.groups[group].chunks[leaf];
    pq_cursor_close(c);
    c->column = &c->file->meta.leaves[leaf].column;
    c->chunk = chunk;
    c->group = group;
    c->texts = pq_is_text(c->column->type);
    c->plain = chunk->codec == TD_PQ_UNCOMPRESSED;
    c->at = c->page_at = (uint64_t)chunk->start;
    c->end = c->at + (uint64_t)chunk->compressed + chunk->slack;
    c->rows_left = chunk->values;
    c->seen_data = false;
    c->ahead = PQ_AHEAD;
    c->useful = c->end;
    c->places = NULL;
    c->place_count = 0;
    c->promised = -1;
    if (c->column->unsupported)
        return fail(c, err, TD_UNSUPPORTED, c->column->unsupported);
    if (chunk->refused)
        return fail(c, err, TD_UNSUPPORTED, chunk->refused);
    if (!pq_codec_readable(chunk->codec)) {
        char why[64];
        td_snprintf(why, sizeof why, "its codec %s is not supported", pq_codec_name(chunk->codec));
        return fail(c, err, TD_UNSUPPORTED, why);
    }
    return TD_OK;
}

void pq_cursor_lend(struct pq_cursor *c, const uint8_t *bytes, uint64_t at, uint64_t len)
{
    c->window = bytes;
    c->window_at = at;
    c->window_len = len;
}

static void close_page(struct pq_cursor *c)
{
    pq_values_close(&c->values);
    if (c->texts)
        pq_pool_retire(c->pool, c->page_blob);
    else
        pq_pool_put(c->pool, c->page_blob);
    pq_pool_put(c->pool, c->level_blob);
    c->page_blob = c->level_blob = NULL;
    c->page_left = 0;
}

static void drop_window(struct pq_cursor *c)
{
    if (c->texts) /* those handed out may lie in it: pages of a compressed chunk may be stored plainly too */
        pq_pool_retire(c->pool, c->window_blob);
    else
        pq_pool_put(c->pool, c->window_blob);
    c->window_blob = NULL;
    c->window = NULL;
    c->window_at = c->window_len = 0;
}

void pq_cursor_close(struct pq_cursor *c)
{
    close_page(c);
    drop_window(c);
    pq_dict_close(&c->dict, c->pool);
}

/* At least `need` bytes from offset `at` on, all inside the chunk; *have tells how many there are. `ahead`: bytes to read when
 * they are not at hand. */
static enum td_code fetch(struct pq_cursor *c, uint64_t at, size_t need, size_t ahead, const uint8_t **out, size_t *have,
                          struct td_err *err)
{
    uint64_t left = c->end - at;
    if (!c->window && pq_file_held(c->file, at, left))
        pq_cursor_lend(c, pq_file_held(c->file, at, left), at, left);
    if (!c->window || at < c->window_at || at + need > c->window_at + c->window_len) {
        uint64_t soon = c->useful > at ? c->useful - at : 0;
        soon = soon < left ? soon : left;
        soon = soon < ahead ? soon : ahead;
        size_t len = need > soon ? need : (size_t)soon;
        drop_window(c);
        struct pq_blob *blob = pq_pool_get(c->pool, len);
        if (!blob)
            return fail(c, err, c->pool->code, "its bytes need more memory than allowed");
        c->window_blob = blob;
        enum td_code code = pq_file_read(c->file, at, len, blob->data, err);
        if (code != TD_OK)
            return code;
        pq_cursor_lend(c, blob->data, at, len);
    }
    uint64_t room = c->window_at + c->window_len - at;
    *out = c->window + (at - c->window_at);
    *have = (size_t)(room < left ? room : left);
    return TD_OK;
}

enum td_code pq_cursor_header(struct pq_cursor *c, struct pq_page_header *page, uint64_t *body, struct td_err *err)
{
    /* Writers of an offset index cut small pages; those of others are often as long as the chunk, and are read whole below. */
    const size_t ahead = c->ahead < PQ_PEEK || c->chunk->offset_index_length ? c->ahead : PQ_PEEK;
    uint64_t left = c->end - c->at;
    c->page_at = c->at;
    for (size_t need = PQ_HEADER;; need *= 2) {
        const uint8_t *bytes;
        size_t have;
        struct pq_in in;
        if (need > left)
            need = (size_t)left;
        enum td_code code = fetch(c, c->at, need, ahead, &bytes, &have, err);
        if (code != TD_OK)
            return code;
        pq_in_init(&in, bytes, have);
        if (pq_page_header_parse(&in, page)) {
            *body = c->at + (uint64_t)(in.p - bytes);
            break;
        }
        if (!in.cut || have >= left || need >= PQ_MAX_HEADER)
            return fail(c, err, TD_DATA, in.cut ? "the page header runs past its chunk" : in.bad);
        if (need < have)
            need = have;
    }
    if ((uint64_t)page->compressed > c->end - *body)
        return fail(c, err, TD_DATA, "the page is longer than its chunk");
    return TD_OK;
}

static enum td_code check_page(const struct pq_cursor *c, const struct pq_page_header *page, const uint8_t *body,
                               struct td_err *err)
{
    if (page->uncompressed > PQ_MAX_PAGE)
        return fail(c, err, TD_LIMIT, "the page claims more than 256 MiB");
    if (c->plain && page->compressed != page->uncompressed)
        return fail(c, err, TD_DATA, "two sizes of an uncompressed page differ");
    if (page->has_crc && c->file->check_crc && libdeflate_crc32(0, body, (size_t)page->compressed) != page->crc)
        return fail(c, err, TD_DATA, "the page does not match its checksum");
    return TD_OK;
}

/* Decompress `len` bytes to exactly `want` into a new blob of at least `room`; no codec and nothing to do are the caller's cases. */
static enum td_code inflate(struct pq_cursor *c, const uint8_t *bytes, size_t len, size_t want, size_t room,
                            struct pq_blob **out, struct td_err *err)
{
    enum td_code code = TD_OK;
    if (room < want + 16)
        room = want + 16; /* wide loads near the end stay inside */
    struct pq_blob *blob = pq_pool_get(c->pool, room);
    if (!blob)
        return fail(c, err, c->pool->code, "the page needs more memory than allowed");
    const char *why = pq_decompress(c->decoder, c->chunk->codec, bytes, len, blob->data, want, &code);
    if (why) {
        pq_pool_put(c->pool, blob);
        return fail(c, err, code, why);
    }
    *out = blob;
    return TD_OK;
}

static enum td_code load_dictionary(struct pq_cursor *c, const struct pq_page_header *page, const uint8_t *body,
                                    struct td_err *err)
{
    struct pq_blob *blob = NULL;
    enum td_code code = TD_OK;
    if (c->dict.loaded || c->seen_data)
        return fail(c, err, TD_DATA, "a second or late dictionary page");
    if (page->encoding != PQ_PLAIN && page->encoding != PQ_PLAIN_DICTIONARY)
        return fail(c, err, TD_UNSUPPORTED, "the dictionary is not PLAIN");
    const bool plain = c->plain || !page->uncompressed;
    const bool keep = c->texts; /* entries point into the page, which must outlive the window */
    if (plain && keep) {
        blob = pq_pool_get(c->pool, (size_t)page->uncompressed);
        if (!blob)
            return fail(c, err, c->pool->code, "the dictionary needs more memory than allowed");
        memcpy(blob->data, body, (size_t)page->uncompressed);
    } else if (!plain) {
        const size_t room = pq_dict_room(c->column, (size_t)page->uncompressed, page->values);
        code = inflate(c, body, (size_t)page->compressed, (size_t)page->uncompressed, room, &blob, err);
        if (code != TD_OK)
            return code;
        if (room) { /* numbers are slots as they are stored */
            pq_dict_adopt(&c->dict, c->column, blob, page->values);
            return TD_OK;
        }
    }
    const char *why = pq_dict_load(&c->dict, c->column, blob ? blob->data : body, (size_t)page->uncompressed,
                                   page->values, c->pool, &code);
    if (keep)
        c->dict.text_blob = blob;
    else
        pq_pool_put(c->pool, blob);
    return why ? fail(c, err, code, why) : TD_OK;
}

/* The levels that predate the hybrid: one bit a value, first value in the highest bit. As LSB-first bits they are a
 * packed run. */
static enum td_code legacy_levels(struct pq_cursor *c, const uint8_t *bytes, size_t rows, struct td_err *err)
{
    size_t len = (rows + 7) / 8;
    struct pq_blob *blob = pq_pool_get(c->pool, len);
    if (!blob)
        return fail(c, err, c->pool->code, "its levels need more memory than allowed");
    for (size_t i = 0; i < len; i++) {
        unsigned b = bytes[i];
        b = (b & 0xf0) >> 4 | (b & 0x0f) << 4;
        b = (b & 0xcc) >> 2 | (b & 0x33) << 2;
        blob->data[i] = (uint8_t)((b & 0xaa) >> 1 | (b & 0x55) << 1);
    }
    c->levels =
        (struct pq_hybrid){.width = 1, .packed = blob->data, .packed_end = blob->data + len, .packed_left = rows};
    c->level_blob = blob;
    return TD_OK;
}

/* v1: [length, levels] values, all compressed together. */
static enum td_code open_v1(struct pq_cursor *c, const struct pq_page_header *page, const uint8_t *body,
                            struct td_err *err)
{
    size_t len = (size_t)page->uncompressed;
    if (!c->plain && len) {
        enum td_code code = inflate(c, body, (size_t)page->compressed, len, 0, &c->page_blob, err);
        if (code != TD_OK)
            return code;
        body = c->page_blob->data;
    }
    if (c->column->optional && page->level_encoding == PQ_BIT_PACKED) {
        size_t levels = ((size_t)page->values + 7) / 8;
        if (levels > len)
            return fail(c, err, TD_DATA, "the levels are longer than their page");
        enum td_code code = legacy_levels(c, body, (size_t)page->values, err);
        if (code != TD_OK)
            return code;
        body += levels;
        len -= levels;
    } else if (c->column->optional) {
        if (page->level_encoding != PQ_RLE)
            return fail(c, err, TD_UNSUPPORTED, "the encoding of its levels is not supported");
        size_t levels = len < 4 ? SIZE_MAX : pq_load32(body);
        if (len < 4 || levels > len - 4)
            return fail(c, err, TD_DATA, "the levels are longer than their page");
        pq_hybrid_init(&c->levels, body + 4, levels, 1);
        body += 4 + levels;
        len -= 4 + levels;
    }
    const char *why = pq_values_init(&c->values, c->column, page->encoding, body, len, &c->dict, c->pool);
    return why ? fail(c, err, c->values.code, why) : TD_OK;
}

/* v2: levels stored plainly with their lengths in the header, then values compressed on their own. */
static enum td_code open_v2(struct pq_cursor *c, const struct pq_page_header *page, const uint8_t *body,
                            struct td_err *err)
{
    int64_t levels = (int64_t)page->def_length + page->rep_length;
    if (levels > page->compressed || levels > page->uncompressed)
        return fail(c, err, TD_DATA, "the levels are longer than their page");
    if (c->column->optional)
        pq_hybrid_init(&c->levels, body + page->rep_length, (size_t)page->def_length, 1);
    const uint8_t *data = body + levels;
    size_t packed = (size_t)(page->compressed - levels), len = (size_t)(page->uncompressed - levels);
    if (c->plain || !page->is_compressed) {
        if (packed != len)
            return fail(c, err, TD_DATA, "two sizes of an uncompressed page differ");
    } else if (len) {
        enum td_code code = inflate(c, data, packed, len, 0, &c->page_blob, err);
        if (code != TD_OK)
            return code;
        data = c->page_blob->data;
    }
    const char *why = pq_values_init(&c->values, c->column, page->encoding, data, len, &c->dict, c->pool);
    return why ? fail(c, err, c->values.code, why) : TD_OK;
}

enum td_code pq_cursor_take(struct pq_cursor *c, const struct pq_page_header *page, uint64_t body, struct td_err *err)
{
    const bool data = page->type == PQ_PAGE_DATA || page->type == PQ_PAGE_DATA_V2;
    const uint8_t *bytes;
    size_t have;
    close_page(c);
    c->at = body + (uint64_t)page->compressed;
    c->seen_data |= data;
    if (!data && page->type != PQ_PAGE_DICTIONARY)
        return TD_OK;
    if (c->effort) {
        c->effort->pages += data;
        c->effort->bytes += c->at - c->page_at;
    }
    enum td_code code = fetch(c, body, (size_t)page->compressed, c->ahead, &bytes, &have, err);
    if (code == TD_OK)
        code = check_page(c, page, bytes, err);
    if (code != TD_OK)
        return code;
    bool lies_here = c->plain; /* does anything point into the page as it was stored? */
    if (!data) {
        code = load_dictionary(c, page, bytes, err);
    } else {
        code = page->type == PQ_PAGE_DATA ? open_v1(c, page, bytes, err) : open_v2(c, page, bytes, err);
        c->page_left = code == TD_OK ? page->values : 0;
        lies_here = !c->page_blob || (page->type == PQ_PAGE_DATA_V2 && c->column->optional);
    }
    /* The next column's long page may have the room of this one, which is still in the processor's cache. */
    if (code == TD_OK && !lies_here && !c->chunk->offset_index_length && c->at >= c->window_at + c->window_len)
        drop_window(c);
    return code;
}

/* Open the next page that has values, but pass over those that *skip covers whole. With skip used up by whole pages it
 * may return without an open page (page_left 0). */
static enum td_code next_page(struct pq_cursor *c, int64_t *skip, struct td_err *err)
{
    enum td_code code = TD_OK;
    close_page(c);
    while (code == TD_OK && !c->page_left) {
        struct pq_page_header page;
        uint64_t body;
        if (c->at >= c->end) {
            c->page_at = c->at;
            return fail(c, err, TD_DATA, "the chunk ends before its values");
        }
        code = pq_cursor_header(c, &page, &body, err);
        if (code != TD_OK)
            return code;
        if (page.type == PQ_PAGE_DATA || page.type == PQ_PAGE_DATA_V2) {
            if (page.values > c->rows_left)
                return fail(c, err, TD_DATA, "the pages hold more values than their chunk");
            if (c->promised >= 0 && page.values != c->promised)
                return fail(c, err, TD_DATA, "the page holds another number of rows than its index says");
            c->promised = -1;
            c->rows_left -= page.values;
            if (page.values <= *skip) {
                *skip -= page.values;
                c->seen_data = true;
                c->at = body + (uint64_t)page.compressed;
                if (page.values && !*skip)
                    return TD_OK;
                continue;
            }
        }
        code = pq_cursor_take(c, &page, body, err);
    }
    return code;
}

/* Move `ones` values, which lie packed at the front, to the slots whose bits are set, from the last to the first; the
 * others become zero bytes. `width` is a constant where this is inlined. */
static inline __attribute__((always_inline)) void spread(uint8_t *slots, size_t width, const uint64_t *valid, size_t at,
                                                         size_t count, size_t ones)
{
    size_t i = count;
    while (i > ones) { /* once as many slots as values are left, all of them are in place */
        i--;
        if (valid[(at + i) / 64] >> ((at + i) % 64) & 1) {
            ones--;
            memcpy(slots + i * width, slots + ones * width, width);
        } else {
            memset(slots + i * width, 0, width);
        }
    }
}

static void scatter(uint8_t *slots, size_t width, const uint64_t *valid, size_t at, size_t count, size_t ones)
{
    if (!ones)
        memset(slots, 0, count * width);
    else if (width == 8)
        spread(slots, 8, valid, at, count, ones);
    else if (width == 4)
        spread(slots, 4, valid, at, count, ones);
    else if (width == 1)
        spread(slots, 1, valid, at, count, ones);
    else
        spread(slots, sizeof(struct td_str), valid, at, count, ones);
}

/* Levels of the next `count` rows without keeping them: how many are set. */
static const char *count_levels(struct pq_hybrid *levels, size_t count, size_t *ones)
{
    const char *why = NULL;
    *ones = 0;
    while (count && !why) {
        uint64_t words[16] = {0};
        size_t n = count < 1024 ? count : 1024;
        why = pq_hybrid_bits(levels, words, 0, n, ones);
        count -= n;
    }
    return why;
}

/* A value beyond the width its column declares is cut to it, which is what other readers do. */
static void narrow(const struct td_pq_column *column, int32_t *values, size_t count)
{
    const unsigned cut = 32 - column->bits;
    for (size_t i = 0; i < count; i++) {
        uint32_t high = (uint32_t)values[i] << cut;
        values[i] = column->is_signed ? (int32_t)high >> cut : (int32_t)(high >> cut);
    }
}

static enum td_code read_slice(struct pq_cursor *c, struct td_pq_array *array, size_t to, size_t count,
                               struct td_err *err)
{
    uint8_t *slots = (uint8_t *)array->values + to * c->values.slot;
    size_t ones = 0;
    const char *why = NULL;
    if (!c->column->optional) {
        if (array->valid)
            pq_bits_set(array->valid, to, count);
        ones = count;
    } else if (array->valid) {
        why = pq_hybrid_bits(&c->levels, array->valid, to, count, &ones);
    } else {
        why = count_levels(&c->levels, count, &ones);
        if (!why && ones != count)
            why = "a null where none was expected";
    }
    if (!why) {
        why = pq_values_read(&c->values, slots, ones);
        if (why)
            return fail(c, err, c->values.code, why);
    }
    if (why)
        return fail(c, err, TD_DATA, why);
    if (c->column->logical == TD_PQ_INTEGER && c->column->bits < 32)
        narrow(c->column, (int32_t *)(void *)slots, ones);
    if (ones < count)
        scatter(slots, c->values.slot, array->valid, to, count, ones);
    c->page_left -= (int64_t)count;
    if (!c->page_left)
        close_page(c); /* the next column's page takes its place while that is still in the processor's cache */
    return TD_OK;
}

enum td_code pq_cursor_read(struct pq_cursor *c, struct td_pq_array *array, size_t to, size_t count, struct td_err *err)
{
    enum td_code code = TD_OK;
    while (count && code == TD_OK) {
        int64_t skip = 0;
        if (!c->page_left)
            code = next_page(c, &skip, err);
        if (code != TD_OK)
            break;
        size_t n = (uint64_t)c->page_left < count ? (size_t)c->page_left : count;
        code = read_slice(c, array, to, n, err);
        to += n;
        count -= n;
    }
    return code;
}

/* Pass over `rows` rows of the open page. */
static enum td_code skip_slice(struct pq_cursor *c, size_t rows, struct td_err *err)
{
    size_t ones = rows;
    const char *why = c->column->optional ? count_levels(&c->levels, rows, &ones) : NULL;
    if (why)
        return fail(c, err, TD_DATA, why);
    why = pq_values_skip(&c->values, ones);
    if (why)
        return fail(c, err, c->values.code, why);
    c->page_left -= (int64_t)rows;
    return TD_OK;
}

void pq_cursor_guide(struct pq_cursor *c, const struct pq_place *places, size_t count)
{
    c->places = places;
    c->place_count = count;
}

/* Go to the start of the page that holds the row `*rows` ahead, if that is another page than the open one and its place is
 * known; *rows is then what is left. The dictionary, which lies before the first data page, is loaded on the way. */
static enum td_code jump(struct pq_cursor *c, int64_t *rows, struct td_err *err)
{
    const int64_t row = c->chunk->values - c->rows_left - c->page_left + *rows;
    if (!c->place_count || *rows < c->page_left)
        return TD_OK;
    const size_t i = pq_index_page(c->places, c->place_count, row);
    const struct pq_place *place = &c->places[i];
    if ((uint64_t)place->offset <= c->at)
        return TD_OK;
    const uint64_t useful = c->useful;
    c->useful = (uint64_t)c->places[0].offset;
    while (!c->seen_data && c->at < (uint64_t)c->places[0].offset) {
        struct pq_page_header page;
        uint64_t body;
        enum td_code code = pq_cursor_header(c, &page, &body, err);
        if (code == TD_OK && (page.type == PQ_PAGE_DATA || page.type == PQ_PAGE_DATA_V2))
            code = fail(c, err, TD_DATA, "a data page before the first one of its index");
        if (code == TD_OK)
            code = pq_cursor_take(c, &page, body, err);
        if (code != TD_OK)
            return code;
    }
    close_page(c);
    c->useful = useful;
    c->seen_data = true;
    c->at = (uint64_t)place->offset;
    c->rows_left = c->chunk->values - place->first_row;
    c->promised = pq_index_end(c->places, c->place_count, i, c->chunk->values) - place->first_row;
    *rows = row - place->first_row;
    return TD_OK;
}

enum td_code pq_cursor_skip(struct pq_cursor *c, int64_t rows, struct td_err *err)
{
    enum td_code code = TD_OK;
    if (rows > 0)
        code = jump(c, &rows, err);
    if (!c->place_count)
        c->ahead = PQ_HEADER; /* most of the bytes ahead are not wanted */
    while (rows > 0 && code == TD_OK) {
        if (!c->page_left) {
            code = next_page(c, &rows, err);
        } else if (c->page_left <= rows) {
            rows -= c->page_left;
            close_page(c);
        } else {
            code = skip_slice(c, (size_t)rows, err);
            rows = 0;
        }
    }
    c->ahead = PQ_AHEAD;
    return code;
}
