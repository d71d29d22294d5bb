/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the footer says of schema, row groups and chunks, field by field against the format. */
#include "pq_make.h"
#include "pq_file.h"

#define PATH(...) ((const int[]){__VA_ARGS__, -1})

struct written {
    struct td_pq_file *file;
    char *bytes;
    size_t len;
};

static void write_table(struct written *w, const struct make *m, const struct td_pq_write_options *options)
{
    struct td_err err = {0};
    size_t len;
    int fd = make_scratch();
    ASSERT_OK(make_file(m, fd, options, m->rows + 1, &err), err);
    w->bytes = make_slurp(fd, &len);
    w->len = len;
    close(fd);
    ASSERT_OK(td_pq_open_memory(w->bytes, len, "written", NULL, &w->file, &err), err);
}

static void written_free(struct written *w)
{
    td_pq_close(w->file);
    free(w->bytes);
}

/* Go to the value at a path of field ids and, after a list's id, an index; false when the file has none there. */
static bool find(const struct written *w, const int *path, struct pq_in *in, struct pq_field *f, size_t *count)
{
    const size_t at = (size_t)w->file->footer_at;
    pq_in_init(in, w->bytes + at, w->len - at);
    for (size_t i = 0; path[i] >= 0; i++) {
        *f = (struct pq_field){0};
        bool found = false;
        while (!found && pq_in_next(in, f)) {
            found = f->id == path[i];
            if (!found)
                pq_in_skip(in, f->type);
        }
        if (!found)
            return false;
        if (f->type != PQ_T_LIST)
            continue;
        const int elem = *in->p & 15;
        *count = pq_in_list(in, f, elem);
        if (path[i + 1] < 0)
            return true;
        i++;
        if ((size_t)path[i] >= *count)
            return false;
        for (int k = 0; k < path[i]; k++)
            pq_in_skip(in, elem);
        f->type = elem;
    }
    return true;
}

#define ABSENT INT64_C(-999999)

/* A number or truth in the footer. */
static int64_t number(const struct written *w, const int *path)
{
    struct pq_in in;
    struct pq_field f;
    size_t count;
    int64_t value = 0;
    if (!find(w, path, &in, &f, &count))
        return ABSENT;
    if (f.type == PQ_T_TRUE || f.type == PQ_T_FALSE)
        return f.type == PQ_T_TRUE;
    if (f.type == PQ_T_I8)
        return pq_in_i8(&in, &f);
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *in.p++;
        value |= (int64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return pq_unzigzag((uint64_t)value);
}

static bool has(const struct written *w, const int *path)
{
    struct pq_in in;
    struct pq_field f;
    size_t count;
    return find(w, path, &in, &f, &count);
}

static size_t length_of(const struct written *w, const int *path)
{
    struct pq_in in;
    struct pq_field f;
    size_t count = 0;
    return find(w, path, &in, &f, &count) ? count : 0;
}

/* ---- the schema ---- */

static void types_are_called_by_their_names(void **state)
{
    (void)state;
    static const struct { /* as parquet.thrift numbers them; -1 = absent */
        int converted, logical;
        int utc, unit, bits, is_signed; /* of times: unit 1 ms, 2 us, 3 ns */
    } said[TD_COUNT(make_kinds)] = {
        {-1, -1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0},
        {-1, -1, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0},   {6, 6, 0, 0, 0, 0},   {9, 8, 1, 1, 0, 0},   {10, 8, 0, 2, 0, 0},
        {-1, 8, 1, 3, 0, 0},  {13, 10, 0, 0, 32, 0}, {15, 10, 0, 0, 8, 1}, {12, 10, 0, 0, 16, 0}, {14, 10, 0, 0, 64, 0},
        {-1, -1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0}, {7, 7, 0, 1, 0, 0},   {8, 7, 0, 2, 0, 0},
        {-1, 7, 1, 3, 0, 0},  {5, 5, 0, 0, 0, 0},   {5, 5, 0, 0, 0, 0},   {5, 5, 0, 0, 0, 0},   {5, 5, 0, 0, 0, 0},
        {10, 8, 1, 2, 0, 0},  {9, 8, 0, 1, 0, 0},   {-1, 8, 0, 3, 0, 0},  {11, 10, 0, 0, 8, 0}, {16, 10, 0, 0, 16, 1},
        {17, 10, 0, 0, 32, 1}, {18, 10, 0, 0, 64, 1}, {4, 4, 0, 0, 0, 0}, {19, 12, 0, 0, 0, 0}, {20, 13, 0, 0, 0, 0},
        {-1, 14, 0, 0, 0, 0}, {-1, 15, 0, 0, 0, 0},
    };
    struct make m = {.seed = 1, .rows = 10, .columns = TD_COUNT(make_kinds)};
    struct written w;
    for (size_t c = 0; c < m.columns; c++)
        make_column(&m, c, &make_kinds[c], 1, c % 2 ? 2 : 0);
    write_table(&w, &m, NULL);
    assert_int_equal(number(&w, PATH(1)), 1);
    assert_int_equal(length_of(&w, PATH(2)), m.columns + 1);
    assert_int_equal(number(&w, PATH(2, 0, 5)), m.columns);
    assert_int_equal(number(&w, PATH(3)), 10);
    assert_int_equal(length_of(&w, PATH(7)), m.columns);
    for (size_t c = 0; c < m.columns; c++) {
        const struct td_pq_column *k = &make_kinds[c];
        const int e = (int)c + 1;
        const bool decimal = k->logical == TD_PQ_DECIMAL, timed = said[c].unit > 0, whole = said[c].bits > 0;
        assert_int_equal(number(&w, PATH(2, e, 1)), k->type);
        assert_int_equal(number(&w, PATH(2, e, 2)), k->type == TD_PQ_FIXED ? k->length : ABSENT);
        assert_int_equal(number(&w, PATH(2, e, 3)), c % 2);
        assert_int_equal(number(&w, PATH(2, e, 6)), said[c].converted < 0 ? ABSENT : said[c].converted);
        assert_int_equal(number(&w, PATH(2, e, 7)), decimal ? k->scale : ABSENT);
        assert_int_equal(number(&w, PATH(2, e, 8)), decimal ? k->precision : ABSENT);
        assert_true(has(&w, PATH(7, (int)c, 1)));
        for (int id = 1; id < 17; id++)
            if (has(&w, PATH(2, e, 10, id)) != (id == said[c].logical))
                fail_msg("column %zu: logical type %d", c, id);
        if (decimal) {
            assert_int_equal(number(&w, PATH(2, e, 10, 5, 1)), k->scale);
            assert_int_equal(number(&w, PATH(2, e, 10, 5, 2)), k->precision);
        }
        if (timed) {
            assert_int_equal(number(&w, PATH(2, e, 10, said[c].logical, 1)), said[c].utc);
            for (int unit = 1; unit <= 3; unit++)
                assert_int_equal(has(&w, PATH(2, e, 10, said[c].logical, 2, unit)), unit == said[c].unit);
        }
        if (whole) {
            assert_int_equal(number(&w, PATH(2, e, 10, 10, 1)), said[c].bits);
            assert_int_equal(number(&w, PATH(2, e, 10, 10, 2)), said[c].is_signed);
        }
    }
    written_free(&w);
    make_free(&m);
}

/* ---- row groups and chunks ---- */

struct walk {
    int64_t dictionary, data, pages; /* offsets of the first ones, 0 = none */
    int encoding, type;
};

static bool walk_page(void *ctx, const struct td_pq_page_info *page)
{
    struct walk *k = ctx;
    if (page->type == 2) {
        k->dictionary = page->offset;
        return true;
    }
    k->data = k->data ? k->data : page->offset;
    k->encoding = page->encoding;
    k->type = page->type;
    k->pages++;
    return true;
}

/* The pages of a chunk, counted by kind and encoding, as the footer tells it. */
static void check_page_counts(const struct written *w, const int *at, const struct walk *k)
{
    const int g = at[0], c = at[1], data = k->dictionary ? 1 : 0;
    assert_int_equal(length_of(w, PATH(4, g, 1, c, 3, 13)), data + 1);
    if (data) {
        assert_int_equal(number(w, PATH(4, g, 1, c, 3, 13, 0, 1)), 2);
        assert_int_equal(number(w, PATH(4, g, 1, c, 3, 13, 0, 2)), 0);
        assert_int_equal(number(w, PATH(4, g, 1, c, 3, 13, 0, 3)), 1);
    }
    assert_int_equal(number(w, PATH(4, g, 1, c, 3, 13, data, 1)), k->type);
    assert_int_equal(number(w, PATH(4, g, 1, c, 3, 13, data, 2)), k->encoding);
    assert_int_equal(number(w, PATH(4, g, 1, c, 3, 13, data, 3)), k->pages);
    const uint32_t encodings = 1u << 3 | 1u << k->encoding | (data ? 1u : 0); /* levels are RLE, dictionaries PLAIN */
    assert_int_equal(w->file->meta.groups[g].chunks[c].encodings, encodings);
}

static void groups_add_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct make m;
        struct written w;
        struct td_err err = {0};
        make_table(&m, seed, 12, 2100);
        write_table(&w, &m, &(struct td_pq_write_options){.group_rows = 600, .page_rows = 170, .data_page_v2 = seed % 2});
        assert_int_equal(length_of(&w, PATH(4)), 4);
        int64_t place = 4;
        for (int g = 0; g < 4; g++) {
            int64_t plain = 0, packed = 0;
            const int64_t first = place;
            for (int c = 0; c < 12; c++) {
                struct walk k = {0};
                ASSERT_OK(td_pq_pages(w.file, (size_t)g, (size_t)c, walk_page, &k, &err), err);
                assert_int_equal(k.dictionary ? k.dictionary : k.data, place); /* chunks follow each other without a gap */
                assert_int_equal(number(&w, PATH(4, g, 1, c, 3, 11)), k.dictionary ? k.dictionary : ABSENT);
                assert_int_equal(number(&w, PATH(4, g, 1, c, 3, 9)), k.data);
                assert_int_equal(number(&w, PATH(4, g, 1, c, 3, 5)), g < 3 ? 600 : 300);
                assert_int_equal(number(&w, PATH(4, g, 1, c, 3, 4)), 6);
                check_page_counts(&w, (int[]){g, c}, &k);
                plain += number(&w, PATH(4, g, 1, c, 3, 6));
                packed += number(&w, PATH(4, g, 1, c, 3, 7));
                place += number(&w, PATH(4, g, 1, c, 3, 7));
            }
            assert_int_equal(number(&w, PATH(4, g, 2)), plain);
            assert_int_equal(number(&w, PATH(4, g, 3)), g < 3 ? 600 : 300);
            assert_int_equal(number(&w, PATH(4, g, 5)), first);
            assert_int_equal(number(&w, PATH(4, g, 6)), packed);
            assert_int_equal(number(&w, PATH(4, g, 7)), g);
        }
        written_free(&w);
        make_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_called_by_their_names),
        cmocka_unit_test(groups_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
