/* SPDX-License-Identifier: GPL-3.0-or-later
 * Verification: one thing is made wrong at a time, and that one finding comes, with its place; a good file has none. */
#include <dirent.h>
#include "pq_lie.h"

#define MAX_FOUND 64

struct found {
    size_t count;
    struct {
        int column;
        int64_t group, page, offset;
        char text[200];
    } items[MAX_FOUND];
};

static bool note(void *ctx, const struct td_pq_finding *f)
{
    struct found *found = ctx;
    assert_true(found->count < MAX_FOUND);
    found->items[found->count].column = f->column;
    found->items[found->count].group = f->group;
    found->items[found->count].page = f->page;
    found->items[found->count].offset = f->offset;
    td_snprintf(found->items[found->count++].text, 200, "%s", f->text);
    return true;
}

/* ---- a file and where in it things are ---- */

struct sample {
    uint8_t *bytes;
    size_t len;
    struct td_pq_file *file; /* of the undamaged bytes: its numbers */
    uint8_t *copy;           /* the damaged ones */
};

/* Four columns: ascending stamps; prices with nulls, in a dictionary; names; and a column of nulls alone. 2 row groups of 3
 * pages. Uncompressed, so that values can be reached. */
static void make_sample(struct sample *s, bool v2)
{
    struct make m = {.seed = 11, .rows = 2000, .columns = 4};
    struct td_err err = {0};
    make_column(&m, 0, &make_kinds[8], 0, 0);
    make_column(&m, 1, &make_kinds[4], 1, 2);
    make_column(&m, 2, &make_kinds[6], 1, 0);
    make_column(&m, 3, &make_kinds[4], 1, 4);
    for (size_t i = 0; i < m.rows; i++)
        ((int64_t *)m.array[0].values)[i] = INT64_C(1700000000000) + (int64_t)i * 60000;
    int fd = make_scratch();
    const struct td_pq_write_options o = {.group_rows = 1000, .page_rows = 400, .uncompressed = true, .data_page_v2 = v2};
    ASSERT_OK(make_file(&m, fd, &o, m.rows, &err), err);
    s->bytes = (uint8_t *)make_slurp(fd, &s->len);
    close(fd);
    make_free(&m);
    s->copy = malloc(s->len);
    memcpy(s->copy, s->bytes, s->len);
    ASSERT_OK(td_pq_open_memory(s->bytes, s->len, "sample", NULL, &s->file, &err), err);
}

static void free_sample(struct sample *s)
{
    td_pq_close(s->file);
    free(s->bytes);
    free(s->copy);
}

static const struct pq_chunk *chunk_of(const struct sample *s, size_t group, size_t column)
{
    return &s->file->meta.groups[group].chunks[column];
}

/* The value at a path of field ids and, after a list's id, an index: its bytes in `copy`. A path ends with -1. */
static uint8_t *locate(struct sample *s, size_t at, const int *path)
{
    struct pq_in in;
    pq_in_init(&in, s->copy + at, s->len - at);
    for (size_t i = 0; path[i] >= 0; i++) {
        struct pq_field f = {0};
        while (pq_in_next(&in, &f) && f.id != path[i])
            pq_in_skip(&in, f.type);
        assert_int_equal(f.id, path[i]);
        assert_null(in.bad);
        if (f.type == PQ_T_BINARY && path[i + 1] < 0)
            return (uint8_t *)s->copy + ((const uint8_t *)pq_in_binary(&in, &f).ptr - s->copy);
        if (f.type != PQ_T_LIST)
            continue;
        uint8_t head = *in.p; /* the list's own: element type */
        size_t count = pq_in_list(&in, &f, (head & 15) == PQ_T_FALSE ? PQ_T_TRUE : head & 15);
        i++;
        assert_true((size_t)path[i] < count);
        for (int k = 0; k < path[i]; k++) {
            if ((head & 15) == PQ_T_TRUE || (head & 15) == PQ_T_FALSE)
                in.p++;
            else
                pq_in_skip(&in, head & 15);
        }
        if ((head & 15) == PQ_T_BINARY)
            return (uint8_t *)s->copy + ((const uint8_t *)pq_in_elem_binary(&in).ptr - s->copy);
    }
    return (uint8_t *)s->copy + (in.p - s->copy);
}

/* Overwrite a zigzag number by another of the same length. */
static void set_number(uint8_t *p, int64_t value)
{
    struct td_buf buf;
    size_t len = 1;
    td_buf_init(&buf, 64);
    pq_out_varint(&buf, pq_zigzag(value));
    while (p[len - 1] & 0x80)
        len++;
    assert_int_equal(buf.len, len);
    memcpy(p, buf.data, len);
    td_buf_free(&buf);
}

static int64_t get_number(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7, p++) {
        v |= (uint64_t)(*p & 0x7f) << shift;
        if (!(*p & 0x80))
            return pq_unzigzag(v);
    }
}

#define FOOTER(s) ((size_t)(s)->file->footer_at)
#define PATH(...) ((const int[]){__VA_ARGS__, -1})

static void expect(struct sample *s, const char *name, const char *const *texts, size_t count)
{
    struct td_err err = {0};
    struct found found = {0};
    struct td_pq_verified seen;
    struct td_pq_file *file = NULL;
    ASSERT_OK(td_pq_open_memory(s->copy, s->len, "sample", NULL, &file, &err), err);
    ASSERT_OK(td_pq_verify_file(file, note, &found, &seen, &err), err);
    assert_int_equal(seen.findings, found.count);
    bool good = found.count == count;
    for (size_t i = 0; good && i < count; i++)
        good = strstr(found.items[i].text, texts[i]) != NULL;
    if (!good) {
        for (size_t i = 0; i < found.count; i++)
            print_message("  found: column %d group %lld page %lld: %s\n", found.items[i].column,
                          (long long)found.items[i].group, (long long)found.items[i].page, found.items[i].text);
        fail_msg("%s: %zu findings, expected %zu", name, found.count, count);
    }
    td_pq_close(file);
    memcpy(s->copy, s->bytes, s->len);
}
#define EXPECT(s, ...)                                                                                                 \
    do {                                                                                                               \
        static const char *const texts_[] = {__VA_ARGS__};                                                             \
        expect(s, texts_[TD_COUNT(texts_) - 1], texts_, TD_COUNT(texts_));                                             \
    } while (0)
#define SEAL "the seal does not match"

static void a_good_file_has_no_finding(void **state)
{
    (void)state;
    for (int v2 = 0; v2 < 2; v2++) {
        struct sample s;
        make_sample(&s, v2);
        expect(&s, "good", NULL, 0);
        free_sample(&s);
    }
}

static void statistics_of_chunks(void **state)
{
    (void)state;
    struct sample s;
    int64_t big = INT64_C(1700000000000) + 60000;
    double one = 1;
    make_sample(&s, false);
    memcpy(locate(&s, FOOTER(&s), PATH(4, 0, 1, 0, 3, 12, 6)), &big, 8);
    EXPECT(&s, SEAL, "the chunk's minimum is passed");
    big -= 120000;
    memcpy(locate(&s, FOOTER(&s), PATH(4, 0, 1, 0, 3, 12, 6)), &big, 8);
    EXPECT(&s, SEAL, "the chunk's minimum claims to be exact");
    memcpy(locate(&s, FOOTER(&s), PATH(4, 1, 1, 1, 3, 12, 5)), &one, 8);
    EXPECT(&s, SEAL, "the chunk's maximum is passed");
    locate(&s, FOOTER(&s), PATH(4, 0, 1, 2, 3, 12, 5))[0] = ' ';
    EXPECT(&s, SEAL, "the chunk's maximum is passed");
    uint8_t *nulls = locate(&s, FOOTER(&s), PATH(4, 0, 1, 1, 3, 12, 3));
    set_number(nulls, get_number(nulls) + 1);
    EXPECT(&s, SEAL, "the chunk's null count is");
    uint8_t *nans = locate(&s, FOOTER(&s), PATH(4, 0, 1, 1, 3, 12, 9));
    set_number(nans, 1);
    EXPECT(&s, SEAL, "the chunk's NaN count is 1");
    free_sample(&s);
}

static void numbers_of_chunks(void **state)
{
    (void)state;
    struct sample s;
    make_sample(&s, false);
    uint8_t *p = locate(&s, FOOTER(&s), PATH(4, 0, 1, 0, 3, 6));
    set_number(p, get_number(p) + 1);
    EXPECT(&s, SEAL, "bytes uncompressed, their chunk says");
    p = locate(&s, FOOTER(&s), PATH(4, 0, 1, 1, 3, 9)); /* the first data page */
    set_number(p, get_number(p) + 1);
    EXPECT(&s, SEAL, "no page begins where the chunk's first data page should");
    p = locate(&s, FOOTER(&s), PATH(4, 0, 1, 0, 3, 7)); /* a byte of the next chunk */
    set_number(p, get_number(p) + 1);
    EXPECT(&s, SEAL, "lies over that of column 0", "the page header runs past its chunk");
    p = locate(&s, FOOTER(&s), PATH(4, 0, 1, 0, 3, 7)); /* the last page is cut */
    set_number(p, get_number(p) - 1);
    EXPECT(&s, SEAL, "the page index is malformed", "the page is longer than its chunk");
    free_sample(&s);
}

static void the_column_index(void **state)
{
    (void)state;
    struct sample s;
    make_sample(&s, false);
    size_t stamps = (size_t)chunk_of(&s, 0, 0)->column_index_offset;
    size_t prices = (size_t)chunk_of(&s, 1, 1)->column_index_offset;
    locate(&s, stamps, PATH(1, 1))[0] ^= 3;
    EXPECT(&s, SEAL, "the column index says that the page has only nulls");
    locate(&s, (size_t)chunk_of(&s, 0, 3)->column_index_offset, PATH(1, 0))[0] ^= 3;
    EXPECT(&s, SEAL, "has values, it has only nulls", "minimum has 0 bytes", "maximum has 0 bytes");
    locate(&s, stamps, PATH(3, 2))[2] ^= 0x10; /* the last maximum; 16 * 65536 ms up or down */
    struct td_str max = {(const char *)locate(&s, stamps, PATH(3, 2)), 8};
    int64_t value;
    memcpy(&value, max.ptr, 8);
    if (value < INT64_C(1700000000000) + 999 * 60000)
        EXPECT(&s, SEAL, "the column index's maximum is passed");
    else
        EXPECT(&s, SEAL); /* wider than need be, and no lie */
    value = INT64_C(1700000000000) + 500 * 60000;
    memcpy(locate(&s, stamps, PATH(2, 1)), &value, 8);
    EXPECT(&s, SEAL, "the column index's minimum is passed");
    value = INT64_C(1700000000000) - 1;
    memcpy(locate(&s, stamps, PATH(2, 1)), &value, 8);
    EXPECT(&s, SEAL, "claims ascending pages, but page 1 breaks");
    uint8_t *p = locate(&s, stamps, PATH(4));
    set_number(p, 2);
    EXPECT(&s, SEAL, "claims descending pages, but page 1 breaks");
    p = locate(&s, prices, PATH(5, 1));
    set_number(p, get_number(p) + 1);
    EXPECT(&s, SEAL, "the column index's null count is");
    free_sample(&s);
}

static void the_offset_index(void **state)
{
    (void)state;
    struct sample s;
    make_sample(&s, false);
    size_t at = (size_t)chunk_of(&s, 1, 2)->offset_index_offset;
    uint8_t *p = locate(&s, at, PATH(1, 0, 2));
    set_number(p, get_number(p) - 1);
    EXPECT(&s, SEAL, "the offset index gives the page");
    p = locate(&s, at, PATH(1, 1, 3));
    set_number(p, get_number(p) + 1);
    EXPECT(&s, SEAL, "the offset index lets the page begin at row 401, it begins at row 400");
    p = locate(&s, at, PATH(1, 0, 2));
    set_number(p, get_number(p) - 2);
    p = locate(&s, at, PATH(1, 1, 1));
    set_number(p, get_number(p) - 1);
    EXPECT(&s, SEAL, "the offset index gives the page", "the offset index has the page at offset");
    p = locate(&s, at, PATH(1, 0, 3));
    set_number(p, 1);
    EXPECT(&s, SEAL, "the page index is malformed: the first rows");
    free_sample(&s);
}

/* Bytes of a page with a checksum that fits them again. */
static void mend_checksum(struct sample *s, size_t header, size_t body, size_t len)
{
    for (int turn = 0; turn < 200; turn++) { /* another spare bit until the number is as long as before */
        uint8_t *p = locate(s, header, PATH(4));
        struct td_buf buf;
        size_t have = 1;
        td_buf_init(&buf, 64);
        pq_out_varint(&buf, pq_zigzag((int32_t)td_crc32(0, s->copy + body, len)));
        while (p[have - 1] & 0x80)
            have++;
        bool fits = buf.len == have;
        if (fits)
            memcpy(p, buf.data, have);
        td_buf_free(&buf);
        if (fits)
            return;
        s->copy[body + len - 1 - (size_t)turn % 2] ^= (uint8_t)(1 << (turn % 8));
    }
    fail_msg("no checksum of that length");
}

struct pages {
    size_t count;
    struct td_pq_page_info items[16];
};

static bool keep_page(void *ctx, const struct td_pq_page_info *page)
{
    struct pages *pages = ctx;
    pages->items[pages->count++] = *page;
    return pages->count < 16;
}

static void bytes_of_pages(void **state)
{
    (void)state;
    struct sample s;
    struct td_err err = {0};
    struct pages pages = {0};
    make_sample(&s, false);
    ASSERT_OK(td_pq_pages(s.file, 0, 1, keep_page, &pages, &err), err);
    assert_int_equal(pages.count, 4); /* the dictionary first */
    assert_int_equal(pages.items[0].type, 2);
    s.copy[pages.items[2].offset + 40]++;
    EXPECT(&s, "the page does not match its checksum");
    s.copy[pages.items[1].offset - 5]++; /* of the dictionary: what needs it is not judged */
    EXPECT(&s, "the page does not match its checksum");
    size_t at = (size_t)pages.items[3].offset, end = (size_t)(chunk_of(&s, 0, 1)->start + chunk_of(&s, 0, 1)->compressed);
    size_t body = end - (size_t)pages.items[3].compressed;
    memset(s.copy + end - 40, 0xff, 40); /* codes past the dictionary's end */
    mend_checksum(&s, at, body, end - body);
    EXPECT(&s, "a dictionary index is past the end of the dictionary");
    /* a value of the dictionary is changed: every page with it, and the chunk, now lie */
    double high = 1e300;
    memcpy(s.copy + pages.items[1].offset - 8, &high, 8);
    struct pq_in in;
    struct pq_page_header header;
    pq_in_init(&in, s.copy + pages.items[0].offset, 100);
    assert_true(pq_page_header_parse(&in, &header));
    body = (size_t)(in.p - s.copy);
    mend_checksum(&s, (size_t)pages.items[0].offset, body, (size_t)header.compressed);
    struct found found = {0};
    struct td_pq_verified seen;
    struct td_pq_file *file = NULL;
    ASSERT_OK(td_pq_open_memory(s.copy, s.len, "sample", NULL, &file, &err), err);
    ASSERT_OK(td_pq_verify_file(file, note, &found, &seen, &err), err);
    assert_in_range(found.count, 2, 6);
    for (size_t i = 0; i < found.count; i++) {
        assert_non_null(strstr(found.items[i].text, "maximum"));
        assert_int_equal(found.items[i].column, 1);
        assert_int_equal(found.items[i].group, 0);
    }
    assert_int_equal(seen.seal, TD_PQ_SEAL_GOOD); /* it is over what is said of the data, not over them */
    td_pq_close(file);
    free_sample(&s);
}

static void counts_of_new_pages(void **state)
{
    (void)state;
    struct sample s;
    struct td_err err = {0};
    struct pages pages = {0};
    make_sample(&s, true);
    ASSERT_OK(td_pq_pages(s.file, 1, 1, keep_page, &pages, &err), err);
    uint8_t *p = locate(&s, (size_t)pages.items[1].offset, PATH(8, 2));
    set_number(p, get_number(p) + 1);
    EXPECT(&s, "the page header's count of nulls is");
    p = locate(&s, (size_t)pages.items[1].offset, PATH(8, 3));
    set_number(p, get_number(p) - 1);
    EXPECT(&s, "the page header counts 399 rows and 400 values");
    free_sample(&s);
}

static void places_are_told(void **state)
{
    (void)state;
    struct sample s;
    struct td_err err = {0};
    struct pages pages = {0};
    struct found found = {0};
    struct td_pq_verified seen;
    struct td_pq_file *file = NULL;
    make_sample(&s, false);
    ASSERT_OK(td_pq_pages(s.file, 1, 2, keep_page, &pages, &err), err);
    s.copy[pages.items[1].offset + 50]++;
    ASSERT_OK(td_pq_open_memory(s.copy, s.len, "sample", NULL, &file, &err), err);
    ASSERT_OK(td_pq_verify_file(file, note, &found, &seen, &err), err);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.items[0].column, 2);
    assert_int_equal(found.items[0].group, 1);
    assert_int_equal(found.items[0].page, 1);
    assert_int_equal(found.items[0].offset, pages.items[1].offset);
    assert_int_equal(seen.columns, 4);
    assert_int_equal(seen.rows, 2000);
    td_pq_close(file);
    free_sample(&s);
}

/* What cannot even be opened is one finding of the file. */
static void the_frame_of_the_file(void **state)
{
    (void)state;
    static const struct {
        long at; /* from the end when negative */
        const char *text;
    } cases[] = {{0, "no PAR1 at its start"}, {-1, "no PAR1 at offset"}, {-5, "the footer claims"}};
    struct sample s;
    make_sample(&s, false);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char path[] = "/tmp/verify-XXXXXX";
        struct td_err err = {0};
        struct found found = {0};
        struct td_pq_verified seen;
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        s.copy[cases[i].at < 0 ? s.len - (size_t)-cases[i].at : (size_t)cases[i].at] ^= 0x55;
        assert_int_equal(write(fd, s.copy, s.len), s.len);
        ASSERT_OK(td_pq_verify(path, note, &found, &seen, &err), err);
        assert_int_equal(found.count, 1);
        assert_int_equal(found.items[0].column, -1);
        if (!strstr(found.items[0].text, cases[i].text))
            fail_msg("finding: %s", found.items[0].text);
        memcpy(s.copy, s.bytes, s.len);
        close(fd);
        unlink(path);
        assert_int_equal(td_pq_verify(path, note, &found, &seen, &err), TD_MISSING);
    }
    free_sample(&s);
}

static bool stop(void *ctx, const struct td_pq_finding *f)
{
    (void)f;
    return ++*(int *)ctx < 3;
}

static void the_listener_may_leave(void **state)
{
    (void)state;
    struct sample s;
    struct td_err err = {0};
    struct td_pq_verified seen;
    struct td_pq_file *file = NULL;
    struct lie l = {.spots = calloc(LIE_SPOTS, sizeof *l.spots)};
    struct make m = {.seed = 4};
    int heard = 0;
    make_sample(&s, false);
    lie_find(&l, s.file, s.copy, s.len);
    l.count = 6; /* chunk statistics alone, so that the file still opens */
    for (int i = 0; i < 8; i++)
        lie_tell(&l, s.copy, &m, 1);
    ASSERT_OK(td_pq_open_memory(s.copy, s.len, "sample", NULL, &file, &err), err);
    ASSERT_OK(td_pq_verify_file(file, stop, &heard, &seen, &err), err);
    assert_int_equal(heard, 3);
    assert_int_equal(seen.findings, 3);
    td_pq_close(file);
    free(l.spots);
    free_sample(&s);
}

/* Files of other writers: nothing is wrong with them but what is known to be. */
static void files_of_many_writers(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/parquet-matrix");
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t files = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[2048];
        struct td_err err = {0};
        struct found found = {0};
        struct td_pq_verified seen;
        size_t n = strlen(e->d_name);
        if (n < 8 || strcmp(e->d_name + n - 8, ".parquet") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        ASSERT_OK(td_pq_verify(path, note, &found, &seen, &err), err);
        files++;
        for (size_t i = 0; i < found.count; i++) { /* null pages that hold NaN, and null counts times the number of pages */
            bool known = strstr(found.items[i].text, "has only nulls, it has values") || strstr(found.items[i].text, "null count is");
            if (!known || strncmp(e->d_name, "polars", 6) != 0)
                fail_msg("%s: %s", e->d_name, found.items[i].text);
        }
    }
    closedir(dir);
    assert_true(files > 100);
}

/* Whatever the writer makes of random tables, it tells the truth of it. */
static void random_files_of_ours(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct make m;
        struct td_err err = {0};
        struct found found = {0};
        struct td_pq_verified seen;
        struct td_pq_file *file = NULL;
        size_t len;
        make_table(&m, seed * 31, 1 + seed % 9, 100 + seed * 211);
        int fd = make_scratch();
        const struct td_pq_write_options o = {.group_rows = 300 + seed * 100, .page_rows = 50 + seed * 20, .data_page_v2 = seed % 2};
        ASSERT_OK(make_file(&m, fd, &o, 1000, &err), err);
        char *bytes = make_slurp(fd, &len);
        ASSERT_OK(td_pq_open_memory(bytes, len, "ours", NULL, &file, &err), err);
        ASSERT_OK(td_pq_verify_file(file, note, &found, &seen, &err), err);
        if (found.count)
            fail_msg("seed %d: column %d (%s): %s", (int)seed, found.items[0].column, m.names[found.items[0].column], found.items[0].text);
        assert_int_equal(seen.seal, TD_PQ_SEAL_GOOD);
        td_pq_close(file);
        free(bytes);
        close(fd);
        make_free(&m);
    }
}

static bool ignore(void *ctx, const struct td_pq_finding *f)
{
    (void)ctx;
    (void)f;
    return true;
}

static void memory_may_end_anywhere(void **state)
{
    (void)state;
    struct sample s;
    long n = 1;
    make_sample(&s, false);
    for (enum td_code code = TD_NOMEM; code != TD_OK; n += 1 + n / 50) {
        struct td_err err = {0};
        struct td_pq_verified seen;
        struct td_pq_file *file = NULL;
        td_alloc_fail_after(n);
        code = td_pq_open_memory(s.copy, s.len, "sample", NULL, &file, &err);
        if (code == TD_OK)
            code = td_pq_verify_file(file, ignore, NULL, &seen, &err);
        td_pq_close(file);
        td_alloc_fail_after(0);
        if (code != TD_OK)
            assert_int_equal(code, TD_NOMEM);
        assert_true(n < 50000);
    }
    assert_true(n > 20);
    free_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_has_no_finding),
        cmocka_unit_test(statistics_of_chunks),
        cmocka_unit_test(numbers_of_chunks),
        cmocka_unit_test(the_column_index),
        cmocka_unit_test(the_offset_index),
        cmocka_unit_test(bytes_of_pages),
        cmocka_unit_test(counts_of_new_pages),
        cmocka_unit_test(places_are_told),
        cmocka_unit_test(the_frame_of_the_file),
        cmocka_unit_test(the_listener_may_leave),
        cmocka_unit_test(files_of_many_writers),
        cmocka_unit_test(random_files_of_ours),
        cmocka_unit_test(memory_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
