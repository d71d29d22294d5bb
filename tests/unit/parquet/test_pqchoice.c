/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rules by which a chunk gets its encoding, on either side of their limits, and promises about what it then looks like. */
#include "pq_make.h"
#include "pq_file.h"
#include "pq_write.h"

enum { PLAIN = 1u << 0, DELTA = 1u << 5, LENGTHS = 1u << 6, DICT = 1u << 8 | PLAIN };

struct written {
    struct td_pq_file *file;
    char *bytes;
};

static void write_one(struct written *w, const struct td_pq_column *column, void *values, size_t rows,
                      const struct td_pq_write_options *options)
{
    struct td_err err = {0};
    struct td_pq_writer *writer;
    struct td_pq_column named = *column;
    size_t len;
    int fd = make_scratch();
    named.name = "x";
    ASSERT_OK(td_pq_writer_new(fd, "scratch", &named, 1, options, &writer, &err), err);
    ASSERT_OK(td_pq_write(writer, &(struct td_pq_array){values, NULL}, rows, &err), err);
    ASSERT_OK(td_pq_writer_finish(writer, &err), err);
    td_pq_writer_free(writer);
    w->bytes = make_slurp(fd, &len);
    close(fd);
    ASSERT_OK(td_pq_open_memory(w->bytes, len, "written", NULL, &w->file, &err), err);
}

static void written_free(struct written *w)
{
    td_pq_close(w->file);
    free(w->bytes);
}

/* The body of the page at an offset of an uncompressed file. */
static const uint8_t *body_at(const struct written *w, int64_t offset, struct pq_page_header *page)
{
    struct pq_in in;
    pq_in_init(&in, w->bytes + offset, (size_t)w->file->size - (size_t)offset);
    assert_true(pq_page_header_parse(&in, page));
    return in.p;
}

static const struct pq_chunk *chunk_of(const struct written *w)
{
    return &w->file->meta.groups[0].chunks[0];
}

/* ---- how many distinct values a dictionary may have ---- */

static const int64_t few_far[] = {0, INT64_C(1) << 62};

static void set_slot(enum td_pq_type type, void *values, size_t row, uint64_t which, struct td_buf *texts, size_t width)
{
    if (type == TD_PQ_INT64) {
        ((int64_t *)values)[row] = (int64_t)td_mix64(which);
    } else if (type == TD_PQ_DOUBLE) {
        ((double *)values)[row] = (double)td_mix64(which);
    } else { /* texts stand back to back, one a distinct value */
        if (which * width == texts->len) {
            assert_true(td_buf_reserve(texts, width + 8));
            memset(texts->data + texts->len, 0, width);
            memcpy(texts->data + texts->len, &which, width < 8 ? width : 8);
            texts->len += width;
        }
        ((struct td_str *)values)[row] = (struct td_str){(const char *)(which * width), width};
    }
}

static void dictionaries_have_their_limits(void **state)
{
    (void)state;
    static const struct {
        struct td_pq_column column;
        size_t width, rows, distinct;
        uint32_t encodings;
    } cases[] = {
        {{.type = TD_PQ_DOUBLE}, 8, 3000, 1000, DICT}, /* a third of the values */
        {{.type = TD_PQ_DOUBLE}, 8, 3000, 1001, PLAIN},
        {{.type = TD_PQ_FIXED, .length = 8192}, 8192, 600, 128, DICT}, /* a MiB */
        {{.type = TD_PQ_FIXED, .length = 8192}, 8192, 600, 129, PLAIN},
        {{.type = TD_PQ_BYTE_ARRAY}, 8, 3000, 1500, DICT}, /* half of the texts */
        {{.type = TD_PQ_BYTE_ARRAY}, 8, 3000, 1501, LENGTHS},
        {{.type = TD_PQ_BYTE_ARRAY}, 4, 300000, 131072, DICT}, /* a MiB, with four bytes of length a text */
        {{.type = TD_PQ_BYTE_ARRAY}, 4, 300000, 131073, LENGTHS},
        {{.type = TD_PQ_INT64}, 8, 4096, 1000, DICT}, /* a quarter of what the deltas take */
        {{.type = TD_PQ_INT64}, 8, 4096, 1100, DELTA},
        {{.type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_DECIMAL, .precision = 38}, 8, 300, 300, PLAIN},
        {{.type = TD_PQ_FIXED, .length = 1 << 20, .encoding = TD_PQ_ENC_DICT}, 1 << 20, 70, 64, DICT}, /* 64 MiB when asked for */
        {{.type = TD_PQ_FIXED, .length = 1 << 20, .encoding = TD_PQ_ENC_DICT}, 1 << 20, 70, 65, PLAIN},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const bool text = td_pq_width(cases[i].column.type) == sizeof(struct td_str);
        void *values = calloc(cases[i].rows, sizeof(struct td_str));
        struct td_buf texts;
        struct written w;
        td_buf_init(&texts, 100 << 20);
        for (size_t row = 0; row < cases[i].rows; row++) {
            const uint64_t which = row < cases[i].distinct ? row : td_mix64(row) % cases[i].distinct;
            set_slot(cases[i].column.type, values, row, which, &texts, cases[i].width);
        }
        for (size_t row = 0; text && row < cases[i].rows; row++) {
            struct td_str *s = (struct td_str *)values + row;
            s->ptr = texts.data + (size_t)s->ptr;
        }
        write_one(&w, &cases[i].column, values, cases[i].rows,
                  &(struct td_pq_write_options){.uncompressed = true, .group_rows = 300000, .page_rows = 300000});
        const uint32_t told = chunk_of(&w)->encodings & ~(1u << 3);
        if (told != cases[i].encodings)
            fail_msg("case %zu: encodings %x", i, told);
        written_free(&w);
        td_buf_free(&texts);
        free(values);
    }
}

/* Whole numbers near each other: deltas are small, and so is what a dictionary may cost. */
static void small_deltas_want_small_dictionaries(void **state)
{
    (void)state;
    for (size_t distinct = 4; distinct <= 5; distinct++) { /* deltas of twelve bits: indices of two or of three */
        static int64_t values[8192];
        struct written w;
        for (size_t i = 0; i < TD_COUNT(values); i++)
            values[i] = (int64_t)(td_mix64(i) % distinct * 2000 / (distinct - 1));
        write_one(&w, &(struct td_pq_column){.type = TD_PQ_INT64}, values, TD_COUNT(values),
                  &(struct td_pq_write_options){.uncompressed = true});
        assert_int_equal(chunk_of(&w)->encodings & ~(1u << 3), distinct == 4 ? DICT : DELTA);
        written_free(&w);
    }
    int64_t values[9]; /* a dictionary of two is one */
    struct written w;
    for (size_t i = 0; i < 9; i++)
        values[i] = few_far[i % 2];
    write_one(&w, &(struct td_pq_column){.type = TD_PQ_INT64}, values, 9, &(struct td_pq_write_options){.uncompressed = true});
    assert_int_equal(chunk_of(&w)->encodings & ~(1u << 3), DICT);
    written_free(&w);
}

/* ---- what it then looks like ---- */

/* Entries of numbers ascend by their bits, though one of them alone differs in a high byte. */
static void dictionaries_of_numbers_are_sorted(void **state)
{
    (void)state;
    static double values[2000];
    struct pq_page_header page;
    struct written w;
    for (size_t i = 0; i < TD_COUNT(values); i++)
        values[i] = i == 7 ? 1e300 : 100 + (double)(td_mix64(i) % 300) / 64;
    write_one(&w, &(struct td_pq_column){.type = TD_PQ_DOUBLE}, values, TD_COUNT(values),
              &(struct td_pq_write_options){.uncompressed = true});
    const uint8_t *body = body_at(&w, chunk_of(&w)->dictionary_offset, &page);
    assert_int_equal(page.type, PQ_PAGE_DICTIONARY);
    assert_in_range(page.values, 280, 301);
    for (int32_t i = 1; i < page.values; i++) {
        uint64_t pair[2];
        memcpy(pair, body + (size_t)(i - 1) * 8, sizeof pair);
        assert_true(pair[0] < pair[1]);
    }
    written_free(&w);
}

/* One entry: indices have a bit all the same, since not every reader knows a width of none. */
static void indices_have_a_width(void **state)
{
    (void)state;
    static double values[100];
    struct pq_page_header page;
    struct written w;
    write_one(&w, &(struct td_pq_column){.type = TD_PQ_DOUBLE}, values, 100, &(struct td_pq_write_options){.uncompressed = true});
    assert_int_equal(chunk_of(&w)->encodings & ~(1u << 3), DICT);
    assert_int_equal(*body_at(&w, chunk_of(&w)->data_offset, &page), 1);
    written_free(&w);
}

/* From 32,768 values on, indices of whole bytes are tried; before, never. */
static void tall_chunks_may_have_whole_bytes(void **state)
{
    (void)state;
    static double values[32768];
    struct make m = {.seed = 9};
    for (size_t i = 0; i < TD_COUNT(values); i++)
        values[i] = (double)(make_random(&m) % 8 + i / 4096 * 9) / 100;
    for (size_t less = 0; less < 2; less++) {
        struct written w;
        write_one(&w, &(struct td_pq_column){.type = TD_PQ_DOUBLE}, values, TD_COUNT(values) - less, NULL);
        assert_int_equal(chunk_of(&w)->uncompressed > 32768, !less); /* eight bits or seven */
        written_free(&w);
    }
}

static uint64_t varint(const uint8_t **p)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        v |= (uint64_t)(**p & 0x7f) << shift;
        if (!(*(*p)++ & 0x80))
            return v;
    }
}

/* Deltas of 32-bit numbers wrap: no reader must hold 33 bits. */
static void deltas_of_int32_have_32_bits(void **state)
{
    (void)state;
    int32_t values[64];
    struct pq_page_header page;
    struct written w;
    for (size_t i = 0; i < 64; i++)
        values[i] = i % 3 == 0 ? INT32_MIN : i % 3 == 1 ? INT32_MAX : (int32_t)i;
    write_one(&w, &(struct td_pq_column){.type = TD_PQ_INT32, .encoding = TD_PQ_ENC_DELTA}, values, 64,
              &(struct td_pq_write_options){.uncompressed = true});
    const uint8_t *p = body_at(&w, chunk_of(&w)->data_offset, &page);
    assert_int_equal(varint(&p), 128);
    assert_int_equal(varint(&p), 4);
    assert_int_equal(varint(&p), 64);
    assert_int_equal(pq_unzigzag(varint(&p)), INT32_MIN);
    const int64_t least = pq_unzigzag(varint(&p));
    assert_true(least >= INT32_MIN && least <= INT32_MAX);
    for (int i = 0; i < 4; i++)
        assert_in_range(p[i], 0, 32);
    assert_true(p[0] > 30 && p[2] == 0); /* the last two miniblocks hold nothing */
    written_free(&w);
}

/* ---- options ---- */

static void defaults_are_those_of_the_door(void **state)
{
    (void)state;
    static const struct {
        struct td_pq_write_options asked, got;
        int32_t length; /* of the one column */
    } cases[] = {
        {{0}, {.codec = TD_PQ_ZSTD, .level = 2, .group_rows = 131072, .page_rows = 8192, .page_bytes = 1 << 20}, 8},
        {{.codec = TD_PQ_GZIP}, {.codec = TD_PQ_GZIP, .level = 6, .group_rows = 131072, .page_rows = 8192, .page_bytes = 1 << 20}, 8},
        {{.level = 7, .group_rows = 10, .page_rows = 20, .page_bytes = 30},
         {.codec = TD_PQ_ZSTD, .level = 7, .group_rows = 10, .page_rows = 20, .page_bytes = 30}, 8},
        {{.uncompressed = true}, {.codec = TD_PQ_UNCOMPRESSED, .level = 2, .group_rows = 131072, .page_rows = 8192, .page_bytes = 1 << 20}, 8},
        /* 256 MiB of numbers, and a byte more a row */
        {{0}, {.codec = TD_PQ_ZSTD, .level = 2, .group_rows = (256 << 20) / 5001, .page_rows = 8192, .page_bytes = 1 << 20}, 5000},
        {{.group_rows = SIZE_MAX}, {.codec = TD_PQ_ZSTD, .level = 2, .group_rows = (256 << 20) / 9, .page_rows = 8192, .page_bytes = 1 << 20}, 8},
        {{0}, {.codec = TD_PQ_ZSTD, .level = 2, .group_rows = 1, .page_rows = 8192, .page_bytes = 1 << 20}, 1 << 27},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_pq_column column = {.name = "x", .type = TD_PQ_FIXED, .length = cases[i].length};
        const struct td_pq_write_options *want = &cases[i].got;
        struct td_pq_writer *w;
        struct td_err err = {0};
        int fd = make_scratch();
        ASSERT_OK(td_pq_writer_new(fd, "scratch", &column, 1, &cases[i].asked, &w, &err), err);
        assert_int_equal(w->options.codec, want->codec);
        assert_int_equal(w->options.level, want->level);
        assert_int_equal(w->encoder.level, want->level);
        assert_int_equal(w->options.page_rows, want->page_rows);
        assert_int_equal(w->options.page_bytes, want->page_bytes);
        assert_int_equal(w->options.group_rows, want->group_rows);
        td_pq_writer_free(w);
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dictionaries_have_their_limits),
        cmocka_unit_test(small_deltas_want_small_dictionaries),
        cmocka_unit_test(dictionaries_of_numbers_are_sorted),
        cmocka_unit_test(indices_have_a_width),
        cmocka_unit_test(tall_chunks_may_have_whole_bytes),
        cmocka_unit_test(deltas_of_int32_have_32_bits),
        cmocka_unit_test(defaults_are_those_of_the_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
