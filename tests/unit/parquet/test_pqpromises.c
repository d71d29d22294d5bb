/* SPDX-License-Identifier: GPL-3.0-or-later
 * Every number that the writer puts beside the data is worked out again from the data, plainly: bounds, counts of nulls and NaN,
 * the page index with its order, sizes and places, counts of pages and encodings, and what the schema calls each type. */
#include "pq_make.h"
#include <math.h>
#include "pq_index.h"
#include "pq_write.h"

#define BOUND 64 /* bytes of a bound */

struct written {
    struct make m;
    struct td_pq_file *file;
    char *bytes;
    size_t len, group_rows, page_rows;
};

static void write_all(struct written *w, const struct td_pq_write_options *options)
{
    struct td_err err = {0};
    int fd = make_scratch();
    w->group_rows = options->group_rows;
    w->page_rows = options->page_rows;
    ASSERT_OK(make_file(&w->m, fd, options, 333, &err), err);
    w->bytes = make_slurp(fd, &w->len);
    close(fd);
    ASSERT_OK(td_pq_open_memory(w->bytes, w->len, "written", NULL, &w->file, &err), err);
}

static void written_free(struct written *w)
{
    td_pq_close(w->file);
    free(w->bytes);
    make_free(&w->m);
}

/* ---- values, plainly ---- */

static double half(struct td_str s)
{
    const unsigned bits = (uint8_t)s.ptr[0] | (unsigned)(uint8_t)s.ptr[1] << 8, exponent = bits >> 10 & 31, rest = bits & 1023;
    const double size = exponent == 31 ? (rest ? (double)NAN : (double)INFINITY)
                        : exponent     ? ldexp(1024 + (double)rest, (int)exponent - 25)
                                       : ldexp((double)rest, -24);
    return bits & 0x8000 ? -size : size;
}

static bool is_real(const struct td_pq_column *c)
{
    return c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE;
}

static double real(const struct td_pq_column *c, struct td_str s)
{
    float f;
    double d;
    if (c->logical == TD_PQ_FLOAT16)
        return half(s);
    if (c->type == TD_PQ_FLOAT) {
        memcpy(&f, s.ptr, 4);
        return (double)f;
    }
    memcpy(&d, s.ptr, 8);
    return d;
}

static bool is_nan(const struct td_pq_column *c, struct td_str s)
{
    return (is_real(c) || c->logical == TD_PQ_FLOAT16) && isnan(real(c, s));
}

/* Numbers become texts of one length whose bytes have the order of the numbers. */
static struct td_str sortable(const struct td_pq_column *c, struct td_str s, uint8_t room[40])
{
    const bool whole = c->type == TD_PQ_BOOLEAN || c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64;
    const bool minus = !whole && s.len && s.ptr[0] & 0x80;
    if (!whole && c->logical != TD_PQ_DECIMAL)
        return s;
    memset(room, minus ? 0xff : 0, 40);
    for (size_t i = 0; i < s.len; i++)
        room[40 - s.len + i] = (uint8_t)s.ptr[whole ? s.len - 1 - i : i];
    if (!whole)
        room[0] ^= 0x80;
    else if (c->type != TD_PQ_BOOLEAN && !(c->logical == TD_PQ_INTEGER && !c->is_signed))
        room[40 - s.len] ^= 0x80;
    return (struct td_str){(const char *)room, 40};
}

static int order_of(const struct td_pq_column *c, struct td_str a, struct td_str b)
{
    uint8_t rooms[2][40];
    if (is_real(c) || c->logical == TD_PQ_FLOAT16) {
        const double x = real(c, a), y = real(c, b);
        return (x > y) - (x < y);
    }
    const struct td_str s = sortable(c, a, rooms[0]), t = sortable(c, b, rooms[1]);
    const int first = memcmp(s.ptr, t.ptr, s.len < t.len ? s.len : t.len);
    return first ? first : (s.len > t.len) - (s.len < t.len);
}

struct seen { /* of some rows of a column */
    int64_t rows, nulls, nans;
    bool any; /* a value that is neither null nor NaN */
    struct td_str min, max;
};

static struct seen look(const struct make *m, size_t c, size_t from, size_t to)
{
    const struct td_pq_column *k = &m->column[c];
    const size_t width = td_pq_width(k->type);
    struct seen s = {.rows = (int64_t)(to - from)};
    for (size_t row = from; row < to; row++) {
        struct td_str value = {(const char *)m->array[c].values + row * width, width};
        if (!td_pq_valid(m->array[c].valid, row)) {
            s.nulls++;
            continue;
        }
        if (width == sizeof(struct td_str))
            memcpy(&value, value.ptr, sizeof value);
        value.ptr = value.ptr ? value.ptr : "";
        if (is_nan(k, value)) {
            s.nans++;
            continue;
        }
        if (!s.any || order_of(k, value, s.min) < 0)
            s.min = value;
        if (!s.any || order_of(k, value, s.max) > 0)
            s.max = value;
        s.any = true;
    }
    return s;
}

static bool bounded(const struct td_pq_column *c, const struct seen *s)
{
    return s->any && c->type != TD_PQ_INT96 && !(c->type == TD_PQ_FIXED && c->length > BOUND);
}

/* A bound as it must be written: the value itself, of a zero the sign that points outwards, of a long text a part. */
static void check_bound(const struct td_pq_column *c, struct td_str value, struct td_str told, bool max, const char *where)
{
    const bool text = c->logical == TD_PQ_STRING || c->logical == TD_PQ_ENUM || c->logical == TD_PQ_JSON;
    char zero[8] = {0};
    if (value.len > BOUND) {
        size_t len = BOUND;
        while (text && len && ((uint8_t)value.ptr[len] & 0xc0) == 0x80)
            len--;
        if (max && (td_str_cmp(told, value) <= 0 || told.len > BOUND || (text && !pq_is_utf8(told)) ||
                    memcmp(told.ptr, value.ptr, told.len - 1) != 0))
            fail_msg("%s: the maximum is not above its value", where);
        if (!max && (told.len != len || memcmp(told.ptr, value.ptr, len) != 0))
            fail_msg("%s: the minimum is no prefix of its value", where);
        return;
    }
    if ((is_real(c) || c->logical == TD_PQ_FLOAT16) && fpclassify(real(c, value)) == FP_ZERO) {
        zero[value.len - 1] = max ? 0 : (char)0x80;
        value.ptr = zero;
    }
    if (told.len != value.len || memcmp(told.ptr, value.ptr, value.len) != 0)
        fail_msg("%s: the %s is not that of the data", where, max ? "maximum" : "minimum");
}

static void check_chunk(const struct written *w, size_t g, size_t c, const struct seen *all, bool nans)
{
    const struct pq_stats *told = &w->file->meta.groups[g].chunks[c].stats;
    const struct td_pq_column *k = &w->m.column[c];
    const bool has = bounded(k, all);
    char where[80];
    snprintf(where, sizeof where, "chunk %zu of column %zu, type %d, logical %d", g, c, (int)k->type, (int)k->logical);
    if (told->nulls != all->nulls || told->nans != (nans ? all->nans : -1))
        fail_msg("%s: %lld nulls, %lld NaN", where, (long long)told->nulls, (long long)told->nans);
    if (told->has_min != has || told->has_max != has)
        fail_msg("%s: bounds", where);
    if (has && (told->min_exact != (all->min.len <= BOUND) || told->max_exact != (all->max.len <= BOUND)))
        fail_msg("%s: exactness", where);
    if (has) {
        check_bound(k, all->min, told->min, false, where);
        check_bound(k, all->max, told->max, true, where);
    }
}

/* Counts of NaN in the column index, which the reader has no use for. */
static void check_nan_counts(const struct written *w, const struct pq_chunk *chunk, const struct seen *pages, size_t count,
                             bool nans, const char *where)
{
    struct pq_in in;
    struct pq_field f = {0};
    bool told = false;
    pq_in_init(&in, w->bytes + chunk->column_index_offset, (size_t)chunk->column_index_length);
    while (pq_in_next(&in, &f)) {
        if (f.id != 8) {
            pq_in_skip(&in, f.type);
            continue;
        }
        told = true;
        assert_int_equal(pq_in_list(&in, &f, PQ_T_I64), count);
        for (size_t i = 0; i < count; i++)
            if (pq_in_elem_i64(&in) != pages[i].nans)
                fail_msg("%s: NaN of page %zu", where, i);
    }
    assert_null(in.bad);
    if (told != nans)
        fail_msg("%s: counts of NaN", where);
}

static int naive_order(const struct td_pq_column *c, const struct seen *pages, size_t count)
{
    bool up = true, down = true;
    for (size_t i = 0, last = count; i < count; i++) {
        if (!pages[i].any)
            continue;
        if (last < count) {
            const int low = order_of(c, pages[last].min, pages[i].min), high = order_of(c, pages[last].max, pages[i].max);
            up &= low <= 0 && high <= 0;
            down &= low >= 0 && high >= 0;
        }
        last = i;
    }
    return up ? 1 : down ? 2 : 0;
}

static void check_pages(const struct written *w, size_t g, size_t c, const struct seen *pages, size_t count, bool nans)
{
    const struct pq_chunk *chunk = &w->file->meta.groups[g].chunks[c];
    const struct td_pq_column *k = &w->m.column[c];
    struct td_err err = {0};
    struct td_arena arena;
    struct pq_index x;
    const char *why;
    bool all_bounded = true, some_long = false;
    char where[80];
    snprintf(where, sizeof where, "index %zu of column %zu, type %d, logical %d", g, c, (int)k->type, (int)k->logical);
    td_arena_init(&arena, 1 << 24);
    ASSERT_OK(pq_index_load(w->file, g, c, true, &arena, &x, &why, &err), err);
    for (size_t i = 0; i < count; i++) {
        all_bounded &= bounded(k, &pages[i]) || pages[i].nulls == pages[i].rows;
        some_long |= pages[i].any && (pages[i].min.len > BOUND || pages[i].max.len > BOUND);
    }
    if (why || x.pages != (count > 1 ? count : 0) || x.bounded != (count > 1 && all_bounded ? count : 0))
        fail_msg("%s: %zu pages of %zu, %zu bounded: %s", where, x.pages, count, x.bounded, why ? why : "");
    for (size_t i = 0; i < x.pages; i++)
        assert_int_equal(x.places[i].first_row, i * w->page_rows);
    for (size_t i = 0; i < x.bounded; i++) {
        if (x.null_pages[i] != (pages[i].nulls == pages[i].rows) || !x.nulls || x.nulls[i] != pages[i].nulls)
            fail_msg("%s: nulls of page %zu", where, i);
        if (!x.null_pages[i]) {
            check_bound(k, pages[i].min, x.min[i], false, where);
            check_bound(k, pages[i].max, x.max[i], true, where);
        } else {
            assert_int_equal(x.min[i].len + x.max[i].len, 0);
        }
    }
    if (x.bounded && !some_long) /* cut bounds may be equal where values are not */
        assert_int_equal(x.order, naive_order(k, pages, count));
    if (x.bounded)
        check_nan_counts(w, chunk, pages, count, nans, where);
    td_arena_free(&arena);
}

static void check_statistics(const struct written *w)
{
    for (size_t g = 0, start = 0; start < w->m.rows; g++, start += w->group_rows) {
        const size_t end = w->m.rows - start < w->group_rows ? w->m.rows : start + w->group_rows;
        for (size_t c = 0; c < w->m.columns; c++) {
            struct seen all = look(&w->m, c, start, end), pages[64];
            const bool nans = is_real(&w->m.column[c]) && all.nulls < all.rows;
            size_t count = 0;
            for (size_t from = start; from < end; from += w->page_rows)
                pages[count++] = look(&w->m, c, from, end - from < w->page_rows ? end : from + w->page_rows);
            assert_int_equal(w->file->meta.groups[g].rows, end - start);
            check_chunk(w, g, c, &all, nans);
            check_pages(w, g, c, pages, count, nans);
        }
    }
}

static void statistics_are_those_of_the_data(void **state)
{
    (void)state;
    static const struct td_pq_column wide[] = {{.type = TD_PQ_FIXED, .length = 64}, {.type = TD_PQ_FIXED, .length = 65}};
    for (int style = 0; style < 5; style++)
        for (int nulls = 0; nulls < 5; nulls += 1 + (nulls == 0)) { /* none, some, runs of a thousand, all */
            struct written w = {.m = {.seed = (uint64_t)(style * 10 + nulls), .rows = 2500, .columns = TD_COUNT(make_kinds) + 2}};
            for (size_t c = 0; c < w.m.columns; c++)
                make_column(&w.m, c, c < TD_COUNT(make_kinds) ? &make_kinds[c] : &wide[c - TD_COUNT(make_kinds)], style, nulls);
            write_all(&w, &(struct td_pq_write_options){.group_rows = 2300, .page_rows = 250, .data_page_v2 = style % 2});
            check_statistics(&w);
            written_free(&w);
        }
}

/* Pages of two rows; N is a null. The same as floats, whole numbers and texts. */
static void pages_go_up_or_down(void **state)
{
    (void)state;
    enum { N = 99 };
    static const struct {
        int rows[10];
        size_t count;
        int order;
    } cases[] = {
        {{1, 2, 3, 4, 5, 6}, 6, 1},       {{1, 2, 1, 2, 1, 2}, 6, 1},       {{6, 5, 4, 3, 2, 1}, 6, 2},
        {{1, 9, 2, 8, 3, 7}, 6, 0},       {{1, 7, 2, 7, 2, 8}, 6, 1},       {{5, 7, 4, 7, 4, 6}, 6, 2},
        {{1, 2, N, N, 3, 4}, 6, 1},       {{4, 4, N, N, N, 3, 1, 1}, 8, 2}, {{N, N, 4, 5, 1, 2}, 6, 2},
        {{1, 2, 3, 4, 0, 5}, 6, 0},       {{3, 4, 1, 2, 3, 4}, 6, 0},       {{N, N, N, N}, 4, 1},
        {{-3, -2, -1, 0, 1, 2}, 6, 1},    {{0, 0, -1, -1, -2, -2}, 6, 2},
    };
    static const struct td_pq_column kinds[] = {{.type = TD_PQ_DOUBLE}, {.type = TD_PQ_FLOAT}, {.type = TD_PQ_INT64}, {.type = TD_PQ_INT32}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct written w = {.m = {.seed = i, .rows = cases[i].count, .columns = TD_COUNT(kinds)}};
        for (size_t c = 0; c < w.m.columns; c++) {
            make_column(&w.m, c, &kinds[c], 0, 1);
            for (size_t row = 0; row < w.m.rows; row++) {
                const int v = cases[i].rows[row];
                void *values = w.m.array[c].values;
                if (v == N)
                    w.m.array[c].valid[0] &= ~(UINT64_C(1) << row);
                else if (c == 0)
                    ((double *)values)[row] = v;
                else if (c == 1)
                    ((float *)values)[row] = (float)v;
                else if (c == 2)
                    ((int64_t *)values)[row] = v;
                else
                    ((int32_t *)values)[row] = v;
            }
        }
        write_all(&w, &(struct td_pq_write_options){.group_rows = 100, .page_rows = 2});
        check_statistics(&w);
        for (size_t c = 0; c < w.m.columns; c++) {
            struct td_err err = {0};
            struct td_arena arena;
            struct pq_index x;
            const char *why;
            td_arena_init(&arena, 1 << 20);
            ASSERT_OK(pq_index_load(w.file, 0, c, true, &arena, &x, &why, &err), err);
            if (x.order != cases[i].order)
                fail_msg("case %zu, column %zu: order %d", i, c, x.order);
            td_arena_free(&arena);
        }
        written_free(&w);
    }
}

/* ---- texts that are longer than a bound ---- */

#define TIMES63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TIMES61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TIMES62 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define FF16 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
#define FF80 FF16 FF16 FF16 FF16 FF16

/* One value a page. Texts stay texts when they are cut; above some bytes there is nothing short, and no index then. */
static void long_texts_are_cut(void **state)
{
    (void)state;
    static const struct {
        enum td_pq_logical logical;
        const char *pages[3];
        const char *min, *max; /* of the chunk; max NULL = none */
    } cases[] = {
        {TD_PQ_STRING, {TIMES63 "~zzz"}, TIMES63 "~", TIMES62 "b"},
        {TD_PQ_STRING, {TIMES63 "}zzz"}, TIMES63 "}", TIMES63 "~"},
        {TD_PQ_STRING, {TIMES63 "\xc3\xa9zzz"}, TIMES63, TIMES62 "b"},
        {TD_PQ_STRING, {TIMES62 "\xe2\x82\xaczzz"}, TIMES62, TIMES61 "b"},
        {TD_PQ_ENUM, {TIMES63 "\xc3\xa9zzz"}, TIMES63, TIMES62 "b"},
        {TD_PQ_JSON, {TIMES63 "\xc3\xa9zzz"}, TIMES63, TIMES62 "b"},
        {TD_PQ_STRING, {TIMES62 "\xc2\xbfzzz"}, TIMES62 "\xc2\xbf", TIMES61 "b"},
        {TD_PQ_PLAIN, {TIMES63 "~zzz"}, TIMES63 "~", TIMES63 "\x7f"},
        {TD_PQ_PLAIN, {TIMES63 "\xc3\xa9zzz"}, TIMES63 "\xc3", TIMES63 "\xc4"},
        {TD_PQ_PLAIN, {TIMES63 "\xfezzz"}, TIMES63 "\xfe", TIMES63 "\xff"},
        {TD_PQ_PLAIN, {TIMES63 "\xffzzz"}, TIMES63 "\xff", TIMES62 "b"},
        {TD_PQ_BSON, {TIMES63 "\xffzzz"}, TIMES63 "\xff", TIMES62 "b"},
        {TD_PQ_PLAIN, {"abc", FF80}, "abc", NULL},
        {TD_PQ_PLAIN, {FF80, "abc"}, "abc", NULL},
        {TD_PQ_PLAIN, {"abc", FF80, "xyz"}, "abc", NULL},
        {TD_PQ_PLAIN, {"abc", TIMES63 "zzz", "xyz"}, TIMES63 "z", "xyz"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct written w = {.m = {.seed = i, .columns = 1}};
        struct td_str values[3];
        for (; w.m.rows < 3 && cases[i].pages[w.m.rows]; w.m.rows++)
            values[w.m.rows] = td_str_of(cases[i].pages[w.m.rows]);
        make_column(&w.m, 0, &(struct td_pq_column){.type = TD_PQ_BYTE_ARRAY, .logical = cases[i].logical}, 0, 0);
        memcpy(w.m.array[0].values, values, w.m.rows * sizeof *values);
        write_all(&w, &(struct td_pq_write_options){.group_rows = 10, .page_rows = 1});
        const struct pq_chunk *chunk = &w.file->meta.groups[0].chunks[0];
        const struct pq_stats *told = &chunk->stats;
        assert_true(told->has_min);
        if (td_str_cmp(told->min, td_str_of(cases[i].min)) != 0 || told->has_max != (cases[i].max != NULL) ||
            (told->has_max && td_str_cmp(told->max, td_str_of(cases[i].max)) != 0))
            fail_msg("case %zu: %.*s to %.*s", i, (int)told->min.len, told->min.ptr, (int)told->max.len, told->max.ptr);
        assert_int_equal(told->min_exact, strlen(cases[i].min) < BOUND - 2);
        assert_int_equal(chunk->column_index_length > 0, w.m.rows > 1 && cases[i].max);
        assert_int_equal(chunk->offset_index_length > 0, w.m.rows > 1);
        written_free(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_those_of_the_data),
        cmocka_unit_test(pages_go_up_or_down),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
