/* SPDX-License-Identifier: GPL-3.0-or-later
 * Files of many writers, each with the values it holds as canonical CSV beside it, and the corpus of the format's project. */
#include "check.h"
#include <math.h>
#include <tapedeck/parquet.h>

#define MAX_COLUMNS 128

struct csv { /* a file of the canonical form: name:type header, then rows */
    char *at;
    size_t columns;
    struct {
        char *name, *type;
    } head[MAX_COLUMNS];
};

struct field {
    const char *text;
    size_t len;
    bool null, quoted;
};

/* Cut the next field out of a line; fields end at a comma outside quotes or at the end of the line. */
static struct field next_field(char **at, bool *last)
{
    struct field f = {.text = *at};
    char *p = *at;
    bool inside = false;
    for (; *p && *p != '\n' && (inside || *p != ','); p++)
        inside ^= *p == '"';
    f.len = (size_t)(p - *at);
    f.null = f.len == 0;
    *last = *p != ',';
    *at = *p ? p + 1 : p;
    if (f.len >= 2 && f.text[0] == '"') {
        f.quoted = true;
        f.text++;
        f.len -= 2;
    }
    return f;
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Undo \xHH in place; returns the new length. */
static size_t unescape(char *text, size_t len)
{
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' && i + 3 < len && text[i + 1] == 'x') {
            text[out++] = (char)(hex(text[i + 2]) << 4 | hex(text[i + 3]));
            i += 3;
        } else {
            text[out++] = text[i];
        }
    }
    return out;
}

static void read_head(struct csv *csv, char *text)
{
    bool last = false;
    csv->at = text;
    for (csv->columns = 0; !last; csv->columns++) {
        assert_true(csv->columns < MAX_COLUMNS);
        struct field f = next_field(&csv->at, &last);
        char *end = text + (f.text - text) + f.len;
        *end = 0;
        char *name = text + (f.text - text), *colon = strrchr(name, ':');
        if (!colon) { /* a file without columns */
            csv->columns = 0;
            return;
        }
        *colon = 0;
        size_t len = unescape(name, (size_t)(colon - name));
        name[len] = 0;
        csv->head[csv->columns].name = name;
        csv->head[csv->columns].type = colon + 1;
    }
}

static void type_text(const struct td_pq_column *c, char *out, size_t size)
{
    static const char *const units[] = {"ms", "us", "ns"};
    static const char *const physical[] = {"bool",    "int32",   "int64",  "timestamp[ns]",
                                           "float32", "float64", "binary", "binary"};
    switch (c->logical) {
    case TD_PQ_STRING: td_snprintf(out, size, "string"); break;
    case TD_PQ_DATE: td_snprintf(out, size, "date"); break;
    case TD_PQ_TIMESTAMP: td_snprintf(out, size, "timestamp[%s%s]", units[c->unit], c->utc ? ";utc" : ""); break;
    case TD_PQ_INTEGER: td_snprintf(out, size, "%sint%d", c->is_signed ? "" : "u", c->bits); break;
    case TD_PQ_DECIMAL: td_snprintf(out, size, "decimal(%d;%d)", c->precision, c->scale); break;
    default: td_snprintf(out, size, "%s", physical[c->type]);
    }
}

/* Big-endian two's complement as decimal digits with `scale` of them behind the point. */
static void decimal_text(const uint8_t *bytes, size_t len, int scale, char *out)
{
    uint8_t v[32];
    char digits[128];
    size_t count = 0;
    bool negative = len && bytes[0] & 0x80, any = true;
    unsigned carry = 1;
    assert_true(len <= sizeof v);
    for (size_t i = len; i-- > 0;) {
        unsigned b = negative ? (uint8_t)~bytes[i] + carry : bytes[i];
        carry = negative && b > 255;
        v[i] = (uint8_t)b;
    }
    while (any || count < (size_t)scale + 1 + (scale > 0)) {
        unsigned rest = 0;
        any = false;
        for (size_t i = 0; i < len; i++) {
            unsigned x = rest << 8 | v[i];
            v[i] = (uint8_t)(x / 10);
            rest = x % 10;
            any |= v[i] != 0;
        }
        digits[count++] = (char)('0' + rest);
        if (count == (size_t)scale)
            digits[count++] = '.';
    }
    if (negative)
        *out++ = '-';
    while (count)
        *out++ = digits[--count];
    *out = 0;
}

static double number(const char *text, size_t len)
{
    double v = 0;
    if (len == 3 && memcmp(text, "nan", 3) == 0)
        return (double)NAN;
    if (len == 3 && memcmp(text, "inf", 3) == 0)
        return HUGE_VAL;
    if (len == 4 && memcmp(text, "-inf", 4) == 0)
        return -HUGE_VAL;
    assert_true(td_parse_f64(text, len, &v));
    return v;
}

static bool same_decimal(const struct td_pq_column *c, const void *slot, const struct field *f)
{
    uint8_t big[8];
    char text[160];
    const uint8_t *bytes = big;
    size_t len = sizeof big;
    int64_t v = 0;
    if (c->type == TD_PQ_INT32 || c->type == TD_PQ_INT64) {
        if (c->type == TD_PQ_INT32)
            v = *(const int32_t *)slot;
        else
            v = *(const int64_t *)slot;
        for (int i = 0; i < 8; i++)
            big[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
    } else {
        const struct td_str *s = slot;
        bytes = (const uint8_t *)s->ptr;
        len = s->len;
    }
    decimal_text(bytes, len, c->scale, text);
    return strlen(text) == f->len && memcmp(text, f->text, f->len) == 0;
}

static int64_t int96_ns(const struct td_str *s)
{
    int64_t nanos;
    int32_t day;
    assert_int_equal(s->len, 12);
    memcpy(&nanos, s->ptr, 8);
    memcpy(&day, s->ptr + 8, 4);
    return (int64_t)((uint64_t)(day - INT64_C(2440588)) * UINT64_C(86400000000000) + (uint64_t)nanos);
}

static bool same_text(const struct td_pq_column *c, const struct td_str *s, const struct field *f)
{
    char *copy = malloc(f->len + 1);
    memcpy(copy, f->text, f->len);
    size_t len = 0;
    if (c->logical == TD_PQ_STRING) {
        len = unescape(copy, f->len);
    } else {
        for (size_t i = 2; i + 1 < f->len; i += 2)
            copy[len++] = (char)(hex(f->text[i]) << 4 | hex(f->text[i + 1]));
    }
    bool same = s->len == len && (!len || memcmp(s->ptr, copy, len) == 0);
    free(copy);
    return same;
}

static bool same_int(const struct td_pq_column *c, const void *slot, const struct field *f)
{
    char text[24];
    int64_t v = c->type == TD_PQ_INT32 ? *(const int32_t *)slot : *(const int64_t *)slot;
    bool is_unsigned = c->logical == TD_PQ_INTEGER && !c->is_signed;
    if (is_unsigned && c->type == TD_PQ_INT32)
        v = (uint32_t)v;
    td_snprintf(text, sizeof text, is_unsigned ? "%llu" : "%lld", (unsigned long long)v);
    return strlen(text) == f->len && memcmp(text, f->text, f->len) == 0;
}

static bool same_value(const struct td_pq_column *c, const void *slot, const struct field *f)
{
    char text[24];
    double want, got;
    if (c->logical == TD_PQ_DECIMAL)
        return same_decimal(c, slot, f);
    switch (c->type) {
    case TD_PQ_BOOLEAN: return f->len == (*(const uint8_t *)slot ? 4u : 5u) && f->text[0] == (f->len == 4 ? 't' : 'f');
    case TD_PQ_INT32:
    case TD_PQ_INT64: return same_int(c, slot, f);
    case TD_PQ_INT96: return td_format_i64(int96_ns(slot), text) == f->len && memcmp(text, f->text, f->len) == 0;
    case TD_PQ_FLOAT:
    case TD_PQ_DOUBLE:
        want = number(f->text, f->len);
        got = c->type == TD_PQ_FLOAT ? (double)*(const float *)slot : *(const double *)slot;
        return isnan(want) ? isnan(got) : memcmp(&want, &got, 8) == 0;
    default: return same_text(c, slot, f);
    }
}

struct table { /* a reader over all columns with arrays of `batch` slots */
    struct td_pq_file *file;
    struct td_pq_reader *reader;
    struct td_pq_array arrays[MAX_COLUMNS];
    size_t columns, batch;
};

static void table_close(struct table *t)
{
    for (size_t i = 0; i < t->columns; i++) {
        free(t->arrays[i].values);
        free(t->arrays[i].valid);
    }
    td_pq_reader_free(t->reader);
    td_pq_close(t->file);
}

static enum td_code table_open(struct table *t, const char *path, size_t batch, const struct td_pq_limits *limits,
                               struct td_err *err)
{
    int columns[MAX_COLUMNS];
    *t = (struct table){.batch = batch};
    enum td_code code = td_pq_open(path, limits, &t->file, err);
    if (code != TD_OK)
        return code;
    size_t all = td_pq_column_count(t->file);
    for (size_t i = 0; i < all && t->columns < MAX_COLUMNS; i++) {
        const struct td_pq_column *c = td_pq_column_at(t->file, i);
        if (c->unsupported)
            continue;
        t->arrays[t->columns].values = malloc(batch * td_pq_width(c->type));
        t->arrays[t->columns].valid = malloc(TD_PQ_WORDS(batch) * 8);
        columns[t->columns++] = (int)i;
    }
    return td_pq_reader_new(t->file, columns, t->columns, &t->reader, err);
}

static size_t compare_batch(struct table *t, struct csv *csv, size_t rows, const char *name, size_t first)
{
    for (size_t r = 0; r < rows; r++) {
        bool last = false;
        for (size_t i = 0; i < t->columns; i++) {
            const struct td_pq_column *c = td_pq_column_at(t->file, i);
            struct field f = next_field(&csv->at, &last);
            bool valid = td_pq_valid(t->arrays[i].valid, r);
            const char *slot = (const char *)t->arrays[i].values + r * td_pq_width(c->type);
            if (valid == f.null || (valid && !same_value(c, slot, &f)))
                fail_msg("%s: row %zu, column %s: %s, expected '%.*s'", name, first + r, c->name,
                         valid ? "another value" : "null", (int)f.len, f.text);
            for (size_t k = 0; !valid && k < td_pq_width(c->type); k++)
                assert_int_equal(slot[k], 0);
        }
        assert_true(last);
    }
    return first + rows;
}

static void check_file(const char *dir, const char *name, size_t batch)
{
    char path[2048];
    struct td_err err;
    struct table t;
    struct csv csv;
    struct td_buf text;
    size_t rows, seen = 0;
    td_snprintf(path, sizeof path, "%s/%s.csv", dir, name);
    td_buf_init(&text, 64 << 20);
    ASSERT_OK(td_file_read(path, 64 << 20, &text, &err), err);
    read_head(&csv, text.data);
    td_snprintf(path, sizeof path, "%s/%s.parquet", dir, name);
    ASSERT_OK(table_open(&t, path, batch, NULL, &err), err);
    assert_int_equal(t.columns, csv.columns);
    for (size_t i = 0; i < t.columns; i++) {
        char type[64];
        type_text(td_pq_column_at(t.file, i), type, sizeof type);
        assert_string_equal(td_pq_column_at(t.file, i)->name, csv.head[i].name);
        assert_string_equal(type, csv.head[i].type);
    }
    do {
        ASSERT_OK(td_pq_read(t.reader, t.arrays, batch, &rows, &err), err);
        seen = compare_batch(&t, &csv, rows, name, seen);
    } while (rows == batch);
    assert_int_equal(seen, td_pq_rows(t.file));
    assert_int_equal(*csv.at, 0);
    table_close(&t);
    td_buf_free(&text);
}

static void matrix_equals_csv(void **state)
{
    static const size_t batches[] = {1, 7, 100, 8192};
    struct td_names names = {0};
    struct td_err err;
    size_t files = 0;
    (void)state;
    SHARED_OR_SKIP(dir, "fixtures/parquet-matrix");
    ASSERT_OK(td_dir_list(dir, &names, &err), err);
    for (size_t i = 0; i < names.count; i++) {
        char name[256];
        size_t len = strlen(names.items[i]);
        if (len < 9 || strcmp(names.items[i] + len - 8, ".parquet") != 0)
            continue;
        td_snprintf(name, sizeof name, "%.*s", (int)len - 8, names.items[i]);
        for (size_t b = 0; b < TD_COUNT(batches); b++)
            check_file(dir, name, batches[b]);
        files++;
    }
    print_message("%zu files equal their CSV at 4 batch sizes\n", files);
    assert_true(files >= 100);
    td_names_free(&names);
}

/* Open, look at everything, read everything; any outcome is fine as long as it is an outcome. */
static enum td_code exercise(const char *path, struct td_err *err)
{
    const struct td_pq_limits limits = {.memory = 64 << 20, .check_crc = true};
    struct table t;
    size_t rows = 0;
    enum td_code code = table_open(&t, path, 4096, &limits, err);
    int64_t budget = 2000000; /* rows: a few bytes can claim 2^31 of them */
    for (size_t g = 0; code == TD_OK && g < td_pq_group_count(t.file); g++)
        for (size_t i = 0; i < td_pq_column_count(t.file); i++) {
            struct td_pq_chunk_info info;
            td_pq_chunk(t.file, g, i, &info);
        }
    if (code == TD_OK)
        do {
            code = td_pq_read(t.reader, t.arrays, 4096, &rows, err);
            budget -= 4096;
        } while (code == TD_OK && rows == 4096 && budget > 0);
    if (code != TD_OK)
        assert_true(err->text[0] != 0);
    table_close(&t);
    return code;
}

/* The corpus of the format's own project: read whole, or refused for a known reason. */
static void corpus_is_read_or_refused_by_name(void **state)
{
    static const struct {
        const char *name, *why;
    } refused[] = {
        {"datapage_v1-corrupt-checksum.parquet", "checksum"}, /* with check_crc */
    };
    struct td_names names = {0};
    struct td_err err;
    size_t whole = 0;
    (void)state;
    SHARED_OR_SKIP(dir, "fixtures/parquet-testing/data");
    ASSERT_OK(td_dir_list(dir, &names, &err), err);
    for (size_t i = 0; i < names.count; i++) {
        char path[2048];
        size_t len = strlen(names.items[i]);
        const char *why = NULL;
        if (len < 8 || strcmp(names.items[i] + len - 8, ".parquet") != 0)
            continue;
        td_snprintf(path, sizeof path, "%s/%s", dir, names.items[i]);
        for (size_t k = 0; k < TD_COUNT(refused); k++)
            if (strcmp(names.items[i], refused[k].name) == 0)
                why = refused[k].why;
        err.text[0] = 0;
        enum td_code code = exercise(path, &err);
        if (why ? code != TD_DATA || !strstr(err.text, why) : code != TD_OK)
            fail_msg("%s: %s", names.items[i], err.text);
        whole += !why;
    }
    print_message("%zu files of the corpus read, %zu refused as expected\n", whole, TD_COUNT(refused));
    assert_true(whole >= 40);
    td_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrix_equals_csv),
        cmocka_unit_test(corpus_is_read_or_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
