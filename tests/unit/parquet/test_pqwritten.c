/* SPDX-License-Identifier: GPL-3.0-or-later
 * The writer over a random matrix of schemas, data and options. Run as a test, every file is read back by our own reader and
 * written again in other batches, which must give the same bytes. With arguments "DIR SEED COUNT" it leaves the files there with the
 * values they were made of as CSV beside each, for readers that are not ours (tests/acceptance/oracle_matrix.sh). */
#include "pq_make.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MOST_ROWS 3000
#define TALL_ROWS 34000 /* from which on the writer weighs the width of indices */

struct plan { /* one file of the matrix */
    struct make m;
    struct td_pq_write_options options;
    struct td_pq_sort sorted;
    size_t batch;
};

static uint64_t pick(struct make *m, uint64_t count)
{
    return make_random(m) % count;
}

/* What some reader refuses together with the whole file; in few files, lest it hides the rest from that reader. */
static bool is_exotic(const struct td_pq_column *c)
{
    const bool real = c->type == TD_PQ_FLOAT || c->type == TD_PQ_DOUBLE;
    const bool bytes = c->type == TD_PQ_BYTE_ARRAY && c->logical != TD_PQ_DECIMAL;
    return c->logical == TD_PQ_BSON || (c->encoding == TD_PQ_ENC_BYTE_STREAM_SPLIT && !real) ||
           (c->encoding == TD_PQ_ENC_DELTA_BYTES && !bytes) || (c->encoding == TD_PQ_ENC_DELTA_LENGTH && !bytes);
}

/* Any encoding that suits the type, or AUTO. */
static enum td_pq_encoding pick_encoding(struct make *m, const struct td_pq_column *c)
{
    static const enum td_pq_encoding table[][5] = {
        [TD_PQ_BOOLEAN] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_RLE},
        [TD_PQ_INT32] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA, TD_PQ_ENC_BYTE_STREAM_SPLIT},
        [TD_PQ_INT64] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA, TD_PQ_ENC_BYTE_STREAM_SPLIT},
        [TD_PQ_INT96] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT},
        [TD_PQ_FLOAT] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_BYTE_STREAM_SPLIT},
        [TD_PQ_DOUBLE] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_BYTE_STREAM_SPLIT},
        [TD_PQ_BYTE_ARRAY] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA_LENGTH, TD_PQ_ENC_DELTA_BYTES},
        [TD_PQ_FIXED] = {TD_PQ_ENC_PLAIN, TD_PQ_ENC_DICT, TD_PQ_ENC_DELTA_BYTES, TD_PQ_ENC_BYTE_STREAM_SPLIT},
    };
    return pick(m, 3) ? table[c->type][pick(m, 5)] : TD_PQ_ENC_AUTO;
}

static void plan_options(struct plan *p, size_t rows)
{
    static const size_t pages[] = {0, 0, 1, 2, 7, 100, 1000}, sizes[] = {0, 0, 64, 2000}, groups[] = {0, 0, 1, 10, 100, 1000};
    static const enum td_pq_codec codecs[] = {TD_PQ_ZSTD, TD_PQ_ZSTD, TD_PQ_ZSTD, TD_PQ_GZIP, TD_PQ_LZ4_RAW};
    struct make *m = &p->m;
    p->options = (struct td_pq_write_options){
        .codec = codecs[pick(m, TD_COUNT(codecs))], .uncompressed = pick(m, 4) == 0, .data_page_v2 = pick(m, 2),
        .no_dictionary = pick(m, 5) == 0,           .page_rows = pages[pick(m, TD_COUNT(pages))],
        .page_bytes = sizes[pick(m, TD_COUNT(sizes))], .group_rows = groups[pick(m, TD_COUNT(groups))],
    };
    struct td_pq_write_options *o = &p->options;
    if (o->uncompressed)
        o->codec = TD_PQ_UNCOMPRESSED;
    static const int levels[] = {0, 1, 3, 9};
    o->level = levels[pick(m, 4)];
    /* No more than some hundred pages and row groups a file: readers need time for each. */
    if (o->group_rows && rows / o->group_rows > 40)
        o->group_rows = rows / 40;
    if (o->page_rows && rows / o->page_rows > 100)
        o->page_rows = rows / 100;
    if (o->page_bytes && rows > 1000)
        o->page_bytes = 2000;
    p->batch = 1 + pick(m, rows + 1);
}

static const char *kind_name(const struct td_pq_column *c)
{
    static const char *const physical[] = {"bool", "i32", "i64", "int96", "f32", "f64", "bytes", "fixed"};
    static const char *const logical[] = {"",     "string", "date",  "ts",  "time", "int", "decimal",
                                          "other", "enum",   "json", "bson", "uuid", "half"};
    return c->logical == TD_PQ_PLAIN ? physical[c->type] : logical[c->logical];
}

static void plan_columns(struct plan *p, size_t columns)
{
    static const char *const encodings[] = {"auto", "plain", "dict", "delta", "lengths", "prefix", "split", "rle"};
    static const char *const units[] = {"ms", "us", "ns"};
    struct make *m = &p->m;
    const bool exotic = pick(m, 5) == 0;
    while (m->columns < columns) {
        const size_t c = m->columns;
        struct td_pq_column kind = make_kinds[pick(m, TD_COUNT(make_kinds))];
        kind.encoding = pick_encoding(m, &kind);
        if (!exotic && is_exotic(&kind))
            continue;
        make_column(m, c, &kind, m->rows == TALL_ROWS ? 5 : (int)pick(m, 6), (int)pick(m, 5));
        m->columns++;
        struct td_pq_column *k = &m->column[c];
        const bool timed = k->logical == TD_PQ_TIME || k->logical == TD_PQ_TIMESTAMP;
        /* The name says what is in the column, for the list of what single readers cannot do. */
        td_snprintf(m->names[c], sizeof m->names[c], "c%zu_%s%s%s_%s", c, kind_name(k), timed ? units[k->unit] : "",
                    timed && k->utc ? "utc" : "", encodings[k->encoding]);
        k->name = m->names[c];
    }
}

static void plan_make(struct plan *p, uint64_t seed)
{
    static const size_t rows[] = {0, 1, 2, 8, 9, 63, 64, 65, 127, 128, 129, 130, 300, 1000, MOST_ROWS};
    *p = (struct plan){.m = {.seed = td_mix64(seed), .modest = true}};
    struct make *m = &p->m;
    m->rows = rows[pick(m, TD_COUNT(rows))];
    const size_t columns = 1 + pick(m, 9);
    const bool tall = pick(m, 60) == 0;
    m->rows = tall ? TALL_ROWS : m->rows;
    plan_columns(p, tall ? 2 : columns);
    plan_options(p, m->rows);
    /* A declared order must be one: a column of a walk is, when it has no nulls. Here it is a constant one. */
    if (pick(m, 3) == 0) {
        make_column(m, m->columns, &(struct td_pq_column){.type = TD_PQ_INT64}, 0, 0);
        p->sorted.column = m->columns++;
        p->options.sorted = &p->sorted;
        p->options.sorted_count = 1;
    }
}

/* ---- the values as CSV ---- */

static void put_utf8(FILE *out, struct td_str s)
{
    fputc('"', out);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_hex(FILE *out, struct td_str s)
{
    fputs("0x", out);
    for (size_t i = 0; i < s.len; i++)
        fprintf(out, "%02x", (uint8_t)s.ptr[i]);
}

/* Two's complement of at most 32 bytes as a plain decimal, by dividing by ten. */
static void put_decimal(FILE *out, const uint8_t *bytes, size_t len, int32_t scale)
{
    uint8_t rest[33] = {0};
    char text[100];
    size_t at = sizeof text, digits = 0;
    const bool minus = bytes[0] & 0x80;
    memcpy(rest + 33 - len, bytes, len);
    for (size_t i = sizeof rest, carry = 1; minus && i--;) { /* the magnitude; what lies above the number stays zero */
        carry += i < sizeof rest - len ? 0 : (uint8_t)~rest[i];
        rest[i] = (uint8_t)carry;
        carry >>= 8;
    }
    for (bool more = true; more || digits <= (size_t)scale; digits++) {
        unsigned carry = 0;
        more = false;
        for (size_t i = 0; i < sizeof rest; i++) {
            carry = carry << 8 | rest[i];
            rest[i] = (uint8_t)(carry / 10);
            carry %= 10;
            more |= rest[i] != 0;
        }
        if (scale && digits == (size_t)scale)
            text[--at] = '.';
        text[--at] = (char)('0' + carry);
    }
    fprintf(out, "%s%.*s", minus ? "-" : "", (int)(sizeof text - at), text + at);
}

static double half_value(struct td_str s)
{
    int bits = (uint8_t)s.ptr[0] | (uint8_t)s.ptr[1] << 8, exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double v = exponent == 31   ? (mantissa ? (double)NAN : (double)INFINITY)
               : exponent == 0 ? ldexp(mantissa, -24)
                               : ldexp(1024 + mantissa, exponent - 25);
    return bits & 0x8000 ? -v : v;
}

static void put_float(FILE *out, double v)
{
    char text[32];
    fprintf(out, "%.*s", (int)td_format_f64(v, text), text);
}

static void put_text_cell(FILE *out, const struct td_pq_column *k, struct td_str s)
{
    int64_t nanos;
    int32_t day;
    switch (k->logical) {
    case TD_PQ_STRING:
    case TD_PQ_ENUM:
    case TD_PQ_JSON: put_utf8(out, s); return;
    case TD_PQ_DECIMAL: put_decimal(out, (const uint8_t *)s.ptr, s.len, k->scale); return;
    case TD_PQ_FLOAT16: put_float(out, half_value(s)); return;
    default: break;
    }
    if (k->type == TD_PQ_INT96) {
        memcpy(&nanos, s.ptr, 8);
        memcpy(&day, s.ptr + 8, 4);
        fprintf(out, "%" PRId64, (day - INT64_C(2440588)) * INT64_C(86400000000000) + nanos);
    } else {
        put_hex(out, s);
    }
}

static void put_whole_cell(FILE *out, const struct td_pq_column *k, int64_t v)
{
    uint8_t bytes[8];
    if (k->logical == TD_PQ_DECIMAL) {
        for (int i = 0; i < 8; i++)
            bytes[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
        put_decimal(out, bytes, 8, k->scale);
    } else if (k->logical == TD_PQ_INTEGER && !k->is_signed) {
        fprintf(out, "%" PRIu64, k->bits == 64 ? (uint64_t)v : (uint64_t)(uint32_t)v);
    } else {
        fprintf(out, "%" PRId64, v);
    }
}

static void put_cell(FILE *out, const struct make *m, size_t c, size_t row)
{
    const void *values = m->array[c].values;
    if (!td_pq_valid(m->array[c].valid, row))
        return;
    switch (m->column[c].type) {
    case TD_PQ_BOOLEAN: fputs(((const uint8_t *)values)[row] ? "true" : "false", out); break;
    case TD_PQ_INT32: put_whole_cell(out, &m->column[c], ((const int32_t *)values)[row]); break;
    case TD_PQ_INT64: put_whole_cell(out, &m->column[c], ((const int64_t *)values)[row]); break;
    case TD_PQ_FLOAT: put_float(out, (double)((const float *)values)[row]); break;
    case TD_PQ_DOUBLE: put_float(out, ((const double *)values)[row]); break;
    default: put_text_cell(out, &m->column[c], ((const struct td_str *)values)[row]);
    }
}

static void put_type(FILE *out, const struct td_pq_column *k)
{
    static const char *const units[] = {"ms", "us", "ns"};
    static const char *const physical[] = {"bool", "int32", "int64", "timestamp[ns]", "float32", "float64", "binary", "binary"};
    switch (k->logical) {
    case TD_PQ_STRING:
    case TD_PQ_ENUM:
    case TD_PQ_JSON: fputs("string", out); break;
    case TD_PQ_DATE: fputs("date", out); break;
    case TD_PQ_TIMESTAMP: fprintf(out, "timestamp[%s%s]", units[k->unit], k->utc ? ";utc" : ""); break;
    case TD_PQ_TIME: fprintf(out, "time[%s]", units[k->unit]); break;
    case TD_PQ_INTEGER: fprintf(out, "%sint%d", k->is_signed ? "" : "u", k->bits); break;
    case TD_PQ_DECIMAL: fprintf(out, "decimal(%d;%d)", k->precision, k->scale); break;
    case TD_PQ_FLOAT16: fputs("float32", out); break;
    default: fputs(physical[k->type], out);
    }
}

static void put_csv(FILE *out, const struct make *m)
{
    for (size_t c = 0; c < m->columns; c++) {
        fprintf(out, "%s%s:", c ? "," : "", m->column[c].name);
        put_type(out, &m->column[c]);
    }
    fputc('\n', out);
    for (size_t row = 0; row < m->rows; row++) {
        for (size_t c = 0; c < m->columns; c++) {
            if (c)
                fputc(',', out);
            put_cell(out, m, c, row);
        }
        fputc('\n', out);
    }
}

/* ---- as a generator ---- */

static int leave_files(const char *dir, uint64_t seed, long count)
{
    char path[4096];
    struct td_err err;
    for (long i = 0; i < count; i++) {
        struct plan p;
        plan_make(&p, seed * 1000003 + (uint64_t)i);
        td_snprintf(path, sizeof path, "%s/%05ld.parquet", dir, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || make_file(&p.m, fd, &p.options, p.batch, &err) != TD_OK) {
            fprintf(stderr, "%s: %s\n", path, fd < 0 ? strerror(errno) : err.text);
            return 1;
        }
        close(fd);
        td_snprintf(path, sizeof path, "%s/%05ld.csv", dir, i);
        FILE *out = fopen(path, "w");
        if (!out)
            return 1;
        put_csv(out, &p.m);
        if (fclose(out))
            return 1;
        make_free(&p.m);
    }
    return 0;
}

/* ---- as a test ---- */

static void reads_as_made(const struct make *m, const char *bytes, size_t len)
{
    struct td_pq_array array[MAKE_COLUMNS];
    int index[MAKE_COLUMNS];
    struct td_pq_file *file;
    struct td_pq_reader *r;
    struct td_err err;
    size_t rows;
    ASSERT_OK(td_pq_open_memory(bytes, len, "memory", NULL, &file, &err), err);
    for (size_t c = 0; c < m->columns; c++) {
        index[c] = (int)c;
        array[c].values = malloc((m->rows + 1) * td_pq_width(m->column[c].type));
        array[c].valid = malloc((TD_PQ_WORDS(m->rows) + 1) * 8);
    }
    ASSERT_OK(td_pq_reader_new(file, index, m->columns, &r, &err), err);
    ASSERT_OK(td_pq_read(r, array, m->rows + 1, &rows, &err), err);
    assert_int_equal(rows, m->rows);
    for (size_t c = 0; c < m->columns; c++) {
        for (size_t i = 0; i < rows; i++)
            make_same(m, c, i, &array[c], i);
        free(array[c].values);
        free(array[c].valid);
    }
    td_pq_reader_free(r);
    td_pq_close(file);
}

static void files_of_the_matrix_come_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct plan p;
        struct td_err err;
        size_t len, again_len;
        plan_make(&p, seed);
        int fd = make_scratch(), again = make_scratch();
        ASSERT_OK(make_file(&p.m, fd, &p.options, p.batch, &err), err);
        ASSERT_OK(make_file(&p.m, again, &p.options, p.m.rows + 1, &err), err);
        char *bytes = make_slurp(fd, &len), *other = make_slurp(again, &again_len);
        assert_int_equal(len, again_len);
        assert_memory_equal(bytes, other, len);
        reads_as_made(&p.m, bytes, len);
        free(bytes);
        free(other);
        close(fd);
        close(again);
        make_free(&p.m);
    }
}

static void decimals_are_told_exactly(void **state)
{
    static const struct {
        uint8_t bytes[4];
        size_t len;
        int32_t scale;
        const char *text;
    } table[] = {
        {{0}, 1, 0, "0"},          {{0}, 1, 2, "0.00"},          {{0xff}, 1, 0, "-1"},        {{0xff, 0x00}, 2, 0, "-256"},
        {{0x00, 0x80}, 2, 1, "12.8"}, {{0x80}, 1, 3, "-0.128"}, {{0x7f, 0xff, 0xff, 0xff}, 4, 9, "2.147483647"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(table); i++) {
        char text[100] = "";
        FILE *out = fmemopen(text, sizeof text, "w");
        put_decimal(out, table[i].bytes, table[i].len, table[i].scale);
        fclose(out);
        assert_string_equal(text, table[i].text);
    }
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return leave_files(argv[1], strtoull(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_matrix_come_back),
        cmocka_unit_test(decimals_are_told_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
