/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files laid out by hand whose footer or page headers say one thing wrong: each is refused, and the truthful one read.
 */
#include "check.h"
#include <tapedeck/parquet.h>
#include "pq_thrift.h"

enum { ROWS = 5, FOOTER = -1000 /* stands for the offset of the footer */ };

struct tale { /* what the file says; the truth is ten bytes of header and five INT64 values at offset 4 */
    const char *name;
    enum td_code code;
    int64_t rows, group_rows, values, compressed, uncompressed, offset, dictionary;
    int32_t type, codec, chunks;
    int32_t page_type, page_size, page_packed, page_values, encoding;
    bool wrong_crc, no_rows, no_columns;
    int32_t children, repetition;
};

static const struct tale truth = {.name = "truth",
                                  .rows = ROWS,
                                  .group_rows = ROWS,
                                  .values = ROWS,
                                  .compressed = FOOTER,
                                  .uncompressed = FOOTER,
                                  .offset = 4,
                                  .type = 2,
                                  .chunks = 1,
                                  .page_size = ROWS * 8,
                                  .page_packed = ROWS * 8,
                                  .page_values = ROWS,
                                  .children = 1};

static void tell_page(struct td_buf *file, const struct tale *t)
{
    int64_t values[ROWS] = {1, 2, 3, 4, 5};
    struct pq_out out = {.buf = file};
    pq_out_i32(&out, 1, t->page_type);
    pq_out_i32(&out, 2, t->page_size);
    pq_out_i32(&out, 3, t->page_packed);
    pq_out_i32(&out, 4, (int32_t)(td_crc32(0, values, sizeof values) ^ t->wrong_crc));
    struct pq_out sub = pq_out_struct(&out, t->page_type == 2 ? 7 : 5);
    pq_out_i32(&sub, 1, t->page_values);
    pq_out_i32(&sub, 2, t->encoding);
    pq_out_i32(&sub, 3, 3);
    pq_out_i32(&sub, 4, 3);
    pq_out_end(&sub);
    pq_out_end(&out);
    td_buf_add(file, values, sizeof values);
}

static void tell_schema(struct pq_out *out, const struct tale *t)
{
    pq_out_list(out, 2, PQ_T_STRUCT, t->no_columns ? 1 : 2);
    struct pq_out root = pq_out_elem(out);
    pq_out_text(&root, 4, "root");
    pq_out_i32(&root, 5, t->children);
    pq_out_end(&root);
    if (t->no_columns)
        return;
    struct pq_out leaf = pq_out_elem(out);
    pq_out_i32(&leaf, 1, 2);
    pq_out_i32(&leaf, 3, t->repetition);
    pq_out_text(&leaf, 4, "x");
    pq_out_end(&leaf);
}

static int64_t place(int64_t value, size_t footer)
{
    return value <= FOOTER + 100 && value >= FOOTER - 100 ? (int64_t)footer + (value - FOOTER) : value;
}

static void tell_group(struct pq_out *out, const struct tale *t, size_t footer)
{
    struct pq_out group = pq_out_elem(out);
    pq_out_list(&group, 1, PQ_T_STRUCT, (size_t)t->chunks);
    for (int32_t i = 0; i < t->chunks; i++) {
        struct pq_out chunk = pq_out_elem(&group);
        pq_out_i64(&chunk, 2, 0);
        struct pq_out meta = pq_out_struct(&chunk, 3);
        pq_out_i32(&meta, 1, t->type);
        pq_out_list(&meta, 2, PQ_T_I32, 1);
        pq_out_elem_i32(&meta, 0);
        pq_out_i32(&meta, 4, t->codec);
        pq_out_i64(&meta, 5, t->values);
        pq_out_i64(&meta, 6, place(t->uncompressed, footer - 4));
        pq_out_i64(&meta, 7, place(t->compressed, footer - 4));
        pq_out_i64(&meta, 9, place(t->offset, footer));
        if (t->dictionary)
            pq_out_i64(&meta, 11, t->dictionary);
        pq_out_end(&meta);
        pq_out_end(&chunk);
    }
    pq_out_i64(&group, 2, 0);
    pq_out_i64(&group, 3, t->group_rows);
    pq_out_end(&group);
}

/* The whole file; td_buf_free it. */
static void tell(struct td_buf *file, const struct tale *t)
{
    struct td_buf meta;
    td_buf_init(file, 1 << 20);
    td_buf_init(&meta, 1 << 20);
    td_buf_adds(file, "PAR1");
    tell_page(file, t);
    struct pq_out out = {.buf = &meta};
    pq_out_i32(&out, 1, 1);
    tell_schema(&out, t);
    if (!t->no_rows)
        pq_out_i64(&out, 3, t->rows);
    pq_out_list(&out, 4, PQ_T_STRUCT, 1);
    tell_group(&out, t, file->len);
    pq_out_end(&out);
    uint32_t len = (uint32_t)meta.len;
    td_buf_add(file, meta.data, meta.len);
    td_buf_add(file, &len, 4);
    td_buf_adds(file, "PAR1");
    td_buf_free(&meta);
}

static enum td_code read_tale(const struct tale *t, struct td_err *err)
{
    struct td_buf bytes;
    struct td_pq_file *file;
    struct td_pq_reader *r = NULL;
    int64_t values[ROWS * 2];
    uint64_t valid[1];
    struct td_pq_array array = {values, valid};
    const int index = 0;
    size_t rows = 0;
    tell(&bytes, t);
    char *exact = malloc(bytes.len); /* a read past the file is seen */
    memcpy(exact, bytes.data, bytes.len);
    const struct td_pq_limits limits = {.check_crc = true}; /* which of other people's files are not checked by default */
    enum td_code code = td_pq_open_memory(exact, bytes.len, "tale", &limits, &file, err);
    if (code == TD_OK)
        code = td_pq_reader_new(file, &index, 1, &r, err);
    if (code == TD_OK)
        code = td_pq_read(r, &array, ROWS * 2, &rows, err);
    if (code == TD_OK) {
        assert_int_equal(rows, ROWS);
        for (int64_t i = 0; i < ROWS; i++)
            assert_int_equal(values[i], i + 1);
    }
    td_pq_reader_free(r);
    td_pq_close(file);
    free(exact);
    td_buf_free(&bytes);
    return code;
}

static void one_lie_is_enough(void **state)
{
    struct lie {
        const char *name;
        enum td_code code;
        size_t at, size; /* the member that lies */
        int64_t value;
    };
#define SAYS(member, want, lie)                                                                                        \
    {                                                                                                                  \
#member " = " #lie, want, offsetof(struct tale, member), sizeof truth.member, lie                              \
    }
    static const struct lie lies[] = {
        SAYS(rows, TD_DATA, ROWS + 1),
        SAYS(rows, TD_DATA, -1),
        SAYS(rows, TD_DATA, INT64_MAX),
        SAYS(group_rows, TD_DATA, ROWS + 1),
        SAYS(group_rows, TD_DATA, -ROWS),
        SAYS(group_rows, TD_DATA, INT64_MAX),
        SAYS(values, TD_DATA, ROWS - 1),
        SAYS(values, TD_DATA, INT64_MIN),
        SAYS(compressed, TD_DATA, FOOTER + 1), /* one byte into the footer */
        SAYS(compressed, TD_DATA, FOOTER - 1),
        SAYS(compressed, TD_DATA, 0),
        SAYS(compressed, TD_DATA, -1),
        SAYS(compressed, TD_DATA, INT64_MAX),
        SAYS(compressed, TD_DATA, INT64_MAX - 3),
        SAYS(uncompressed, TD_DATA, -1),
        SAYS(offset, TD_DATA, 0),
        SAYS(offset, TD_DATA, 3),
        SAYS(offset, TD_DATA, 5),
        SAYS(offset, TD_DATA, -4),
        SAYS(offset, TD_DATA, FOOTER),
        SAYS(offset, TD_DATA, FOOTER + 1),
        SAYS(offset, TD_DATA, INT64_MAX),
        SAYS(dictionary, TD_DATA, 1),
        SAYS(dictionary, TD_OK, INT64_MAX), /* only the smaller of the two offsets counts */
        SAYS(dictionary, TD_OK, -1),
        SAYS(type, TD_DATA, 1),
        SAYS(type, TD_DATA, -1),
        SAYS(codec, TD_DATA, 6),
        SAYS(codec, TD_UNSUPPORTED, 3),
        SAYS(codec, TD_UNSUPPORTED, -1),
        SAYS(codec, TD_UNSUPPORTED, INT32_MAX),
        SAYS(chunks, TD_DATA, 0),
        SAYS(chunks, TD_DATA, 2),
        SAYS(page_type, TD_DATA, 1), /* an index page is passed over: the values are missing then */
        SAYS(page_type, TD_DATA, 2),
        SAYS(page_type, TD_DATA, 3),
        SAYS(page_type, TD_DATA, -1),
        SAYS(page_size, TD_DATA, ROWS * 8 + 1),
        SAYS(page_size, TD_LIMIT, INT32_MAX),
        SAYS(page_size, TD_DATA, -1),
        SAYS(page_packed, TD_DATA, ROWS * 8 + 1),
        SAYS(page_packed, TD_DATA, ROWS * 8 - 1),
        SAYS(page_packed, TD_DATA, INT32_MAX),
        SAYS(page_packed, TD_DATA, -1),
        SAYS(page_values, TD_DATA, ROWS + 1),
        SAYS(page_values, TD_DATA, ROWS - 1),
        SAYS(page_values, TD_DATA, INT32_MAX),
        SAYS(page_values, TD_DATA, -1),
        SAYS(encoding, TD_DATA, 8), /* no dictionary */
        SAYS(encoding, TD_DATA, 5),
        SAYS(encoding, TD_UNSUPPORTED, 3),
        SAYS(encoding, TD_UNSUPPORTED, 4),
        SAYS(encoding, TD_UNSUPPORTED, 10),
        SAYS(encoding, TD_UNSUPPORTED, -1),
        SAYS(wrong_crc, TD_DATA, 1),
        SAYS(no_rows, TD_DATA, 1),
        SAYS(no_columns, TD_DATA, 1),
        SAYS(children, TD_DATA, 0),
        SAYS(children, TD_DATA, 2),
        SAYS(children, TD_DATA, -1),
        SAYS(children, TD_DATA, INT32_MAX),
        SAYS(repetition, TD_DATA, 1), /* the page has no levels */
        SAYS(repetition, TD_UNSUPPORTED, 2),
        SAYS(repetition, TD_DATA, 3),
        SAYS(repetition, TD_DATA, -1),
    };
    (void)state;
    struct td_err err = {0};
    ASSERT_OK(read_tale(&truth, &err), err);
    for (size_t i = 0; i < TD_COUNT(lies); i++) {
        struct tale t = truth;
        memcpy((char *)&t + lies[i].at, &lies[i].value, lies[i].size); /* little endian: the low bytes */
        enum td_code code = read_tale(&t, &err);
        if (code != lies[i].code)
            fail_msg("%s: %s (%s), expected %s", lies[i].name, td_code_name(code), code ? err.text : "",
                     td_code_name(lies[i].code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lie_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
