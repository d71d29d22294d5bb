/* SPDX-License-Identifier: GPL-3.0-or-later
 * Looking into any Parquet file: the canonical CSV of the whole matrix, projection, seeking, reports, verification. */
#include "lake/lake_fixture.h"

#include <tapedeck/parquet.h>

static void canonical(const char *path, struct td_buf *out)
{
    struct td_scan *scan = NULL;
    struct td_err err = {0};
    bool more = true;
    td_buf_init(out, (size_t)64 << 20);
    ASSERT_OK(td_scan_open(path, NULL, &scan, &err), err);
    struct td_cell *cells = calloc(td_scan_column_count(scan) + 1, sizeof *cells);
    td_scan_canonical_header(scan, out);
    int64_t rows = 0;
    for (;; rows++) {
        ASSERT_OK(td_scan_next(scan, cells, &more, &err), err);
        if (!more)
            break;
        td_scan_canonical_row(scan, out);
    }
    assert_int_equal(rows, td_scan_rows(scan));
    free(cells);
    td_scan_close(scan);
}

static void test_matrix(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/parquet-matrix");
    struct td_names names = {0};
    struct td_err err = {0};
    size_t files = 0;
    ASSERT_OK(td_dir_list(folder, &names, &err), err);
    for (size_t i = 0; i < names.count; i++) {
        char path[1200];
        struct td_buf want, have;
        size_t len = strlen(names.items[i]);
        if (len < 9 || strcmp(names.items[i] + len - 8, ".parquet") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        canonical(path, &have);
        snprintf(path + strlen(path) - 8, 9, ".csv");
        slurp(path, &want);
        if (!same_bytes(&want, &have))
            fail_msg("%s: not as its CSV", names.items[i]);
        td_buf_free(&want);
        td_buf_free(&have);
        files++;
    }
    assert_true(files > 100);
    td_names_free(&names);
}

/* ---- a file of our own ---- */

enum { ROWS = 10000 };

static void write_numbers(const char *path)
{
    static const struct td_field fields[] = {{"n", TD_F_I64, 0, 8, false}, {"half", TD_F_F64, 8, 8, true}, {"day", TD_F_DAY, 16, 4, false}};
    struct row {
        int64_t n;
        double half;
        td_day day;
    };
    static const struct td_record record = {"numbers/1", sizeof(struct row), TD_COUNT(fields), fields};
    struct row *rows = calloc(ROWS, sizeof *rows);
    const struct td_meta meta[] = {{"note", "caf\xc3\xa9"}};
    struct td_err err = {0};
    for (int64_t i = 0; i < ROWS; i++)
        rows[i] = (struct row){i, i % 10 == 0 ? TD_NO_F64 : (double)i / 2, (td_day)i};
    ASSERT_OK(td_table_write(path, &record, rows, ROWS, meta, 1, &err), err);
    free(rows);
}

static void test_scan(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_scan *scan = NULL;
    struct td_err err = {0};
    struct td_cell cells[4];
    char path[300];
    bool more;
    snprintf(path, sizeof path, "%s/t/numbers.parquet", f.root);
    write_numbers(path);
    ASSERT_OK(td_scan_open(path, "half,n", &scan, &err), err);
    assert_int_equal(td_scan_column_count(scan), 2);
    assert_string_equal(td_scan_column_at(scan, 0)->name, "half");
    assert_string_equal(td_scan_column_at(scan, 0)->type, "float64");
    assert_string_equal(td_scan_column_at(scan, 1)->type, "int64");
    static const int64_t places[] = {0, 9999, 5, 8191, 8192, 4096, 4095, 10};
    for (size_t i = 0; i < TD_COUNT(places); i++) {
        ASSERT_OK(td_scan_seek(scan, places[i], &err), err);
        ASSERT_OK(td_scan_next(scan, cells, &more, &err), err);
        assert_true(more && cells[1].kind == TD_KIND_I64 && cells[1].v.i == places[i]);
        assert_int_equal(cells[0].kind, places[i] % 10 == 0 ? TD_KIND_NULL : TD_KIND_F64);
    }
    ASSERT_OK(td_scan_seek(scan, ROWS, &err), err);
    ASSERT_OK(td_scan_next(scan, cells, &more, &err), err);
    assert_false(more);
    td_scan_close(scan);
    assert_int_equal(td_scan_open(path, "n,whole", &scan, &err), TD_USAGE);
    assert_non_null(strstr(err.text, "'whole'"));
    assert_int_equal(td_scan_open("/nonexistent/file.parquet", NULL, &scan, &err), TD_MISSING);
    td_scan_close(NULL);
    fixture_free(&f);
}

static const char *sheet_text(const struct td_sheet *sheet, size_t row, size_t column, char out[200])
{
    const struct td_cell *cell = &sheet->cells[row * sheet->column_count + column];
    if (cell->kind == TD_KIND_STR)
        snprintf(out, 200, "%.*s", (int)cell->v.s.len, cell->v.s.ptr);
    else if (cell->kind == TD_KIND_NULL)
        snprintf(out, 200, "null");
    else
        snprintf(out, 200, "%lld", (long long)(cell->kind == TD_KIND_BOOL ? cell->v.b : cell->v.i));
    return out;
}

static void test_reports(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_sheet sheet;
    struct td_err err = {0};
    char path[300], text[200];
    snprintf(path, sizeof path, "%s/t/numbers.parquet", f.root);
    write_numbers(path);
    ASSERT_OK(td_parquet_report(path, "schema", &sheet, &err), err);
    assert_int_equal(sheet.rows, 3);
    assert_string_equal(sheet_text(&sheet, 1, 0, text), "half");
    assert_string_equal(sheet_text(&sheet, 1, 2, text), "1");
    assert_string_equal(sheet_text(&sheet, 2, 1, text), "date");
    td_sheet_free(&sheet);
    ASSERT_OK(td_parquet_report(path, "meta", &sheet, &err), err);
    bool rows = false, note = false;
    for (size_t i = 0; i < sheet.rows; i++) {
        const char *key = sheet_text(&sheet, i, 0, text);
        rows |= strcmp(key, "rows") == 0 && strcmp(sheet_text(&sheet, i, 1, text), "10000") == 0;
        note |= strcmp(sheet_text(&sheet, i, 0, text), "note") == 0 && strcmp(sheet_text(&sheet, i, 1, text), "caf\xc3\xa9") == 0;
    }
    assert_true(rows && note);
    td_sheet_free(&sheet);
    ASSERT_OK(td_parquet_report(path, "pages", &sheet, &err), err);
    int64_t values = 0;
    for (size_t i = 0; i < sheet.rows; i++)
        if (strcmp(sheet_text(&sheet, i, 3, text), "dictionary") != 0)
            values += sheet.cells[i * sheet.column_count + 5].v.i;
    assert_int_equal(values, 3 * ROWS);
    td_sheet_free(&sheet);
    assert_int_equal(td_parquet_report(path, "colours", &sheet, &err), TD_USAGE);
    assert_int_equal(td_parquet_report("/nonexistent/file.parquet", "meta", &sheet, &err), TD_MISSING);
    fixture_free(&f);
}

/* A changed byte is found and named, or it is one that no value hangs on. */
static void test_verify(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    struct td_buf good, want;
    char path[300];
    uint64_t rows;
    snprintf(path, sizeof path, "%s/t/numbers.parquet", f.root);
    write_numbers(path);
    slurp(path, &good);
    canonical(path, &want);
    ASSERT_OK(td_parquet_verify(path, &rows, &err), err);
    assert_int_equal(rows, ROWS);
    size_t found = 0;
    for (size_t at = 5; at < good.len; at += good.len / 60) {
        good.data[at] ^= 0x11;
        spill(path, good.data, good.len);
        enum td_code code = td_parquet_verify(path, &rows, &err);
        if (code != TD_OK && !strstr(err.text, path))
            fail_msg("byte %zu: %s", at, err.text);
        if (code == TD_OK) {
            struct td_buf have;
            canonical(path, &have);
            assert_true(have.len > 0);
            td_buf_free(&have);
        }
        found += code != TD_OK;
        good.data[at] ^= 0x11;
    }
    assert_true(found > 45);
    td_buf_free(&good);
    td_buf_free(&want);
    fixture_free(&f);
}

/* A file of which nothing can be decoded is not called good. */
static void test_verify_of_nothing(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/parquet-testing/data/null_list.parquet");
    struct td_err err = {0};
    uint64_t rows;
    assert_int_equal(td_parquet_verify(path, &rows, &err), TD_UNSUPPORTED);
    assert_non_null(strstr(err.text, "null_list.parquet: nothing can be verified"));
}

static void put_element(struct td_buf *b, int type, int repetition, char name, int children)
{
    if (type >= 0)
        td_buf_add(b, (const char[]){0x15, (char)(type << 1)}, 2);
    if (repetition >= 0)
        td_buf_add(b, (const char[]){type >= 0 ? 0x25 : 0x35, (char)(repetition << 1)}, 2);
    td_buf_add(b, (const char[]){repetition >= 0 ? 0x18 : 0x48, 1, name}, 3);
    if (children)
        td_buf_add(b, (const char[]){0x15, (char)(children << 1)}, 2);
    td_buf_addc(b, 0);
}

/* A file of one row of nulls with a schema such as the writer never makes: every leaf is an int32, optional or repeated. */
static void write_schema(const char *path, const char *schema)
{
    struct td_buf b, elements;
    int leaves = 0, top = 0, count = 1;
    td_buf_init(&b, 4096);
    td_buf_init(&elements, 4096);
    for (const char *p = schema; *p; p++) {
        const bool many = *p == '*';
        p += many;
        top++;
        count++;
        if (*p != '(') {
            put_element(&elements, 1, many ? 2 : 1, *p, 0);
            leaves++;
            continue;
        }
        const int children = (int)strcspn(p + 2, ")");
        put_element(&elements, -1, 1, p[1], children);
        for (p += 2; *p != ')'; p++, leaves++, count++)
            put_element(&elements, 1, 1, *p, 0);
    }
    td_buf_adds(&b, "PAR1");
    /* one page for all: one null; v1, PLAIN, a run of one level 0 */
    static const char page[] = {0x15, 0, 0x15, 12, 0x15, 12, 0x2c, 0x15, 2, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0, 2, 0, 0, 0, 2, 0};
    for (int i = 0; i < leaves; i++)
        td_buf_add(&b, page, sizeof page);
    const size_t start = b.len;
    td_buf_add(&b, (const char[]){0x15, 2, 0x19, (char)(count << 4 | 0xc)}, 4);
    put_element(&b, -1, -1, 'r', top);
    td_buf_add(&b, elements.data, elements.len);
    td_buf_add(&b, (const char[]){0x16, 2, 0x19, 0x1c, 0x19, (char)(leaves << 4 | 0xc)}, 6);
    for (int i = 0; i < leaves; i++) {
        td_buf_add(&b, (const char[]){0x26, 0, 0x1c, 0x15, 2, 0x19, 0x15, 0, 0x19, 0x18, 1, 'n', 0x15, 0, 0x16, 2}, 16);
        const int at = 4 + i * (int)sizeof page;
        td_buf_add(&b, (const char[]){0x16, (char)(sizeof page << 1), 0x16, (char)(sizeof page << 1), 0x26}, 5);
        td_buf_add(&b, (const char[]){(char)((at << 1 & 0x7f) | 0x80), (char)(at << 1 >> 7), 0, 0}, 4);
    }
    td_buf_add(&b, (const char[]){0x16, 0, 0x16, 2, 0, 0}, 6);
    const uint32_t len = (uint32_t)(b.len - start);
    td_buf_add(&b, &len, 4);
    td_buf_adds(&b, "PAR1");
    assert_false(b.failed || elements.failed);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(b.data, 1, b.len, file), b.len);
    assert_int_equal(fclose(file), 0);
    td_buf_free(&b);
    td_buf_free(&elements);
}

/* What cannot be read has its place in the canonical CSV, is listed, and is refused by name. */
static void test_nested(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/parquet-testing/data/nullable.impala.parquet");
    static const char want[] = "id:int64,int_array:nested,int_array_Array:nested,int_map:nested,int_Map_Array:nested,"
                               "nested_struct:nested\n1,?,?,?,?,?\n2,?,?,?,?,?\n";
    struct td_scan *scan = NULL;
    struct td_err err = {0};
    struct td_buf have;
    const char *why = NULL;
    canonical(path, &have);
    assert_memory_equal(have.data, want, sizeof want - 1);
    td_buf_free(&have);
    ASSERT_OK(td_scan_open(path, NULL, &scan, &err), err);
    assert_int_equal(td_scan_left_out_count(scan), 5);
    assert_int_equal(td_str_cmp(td_scan_left_out_at(scan, 4, &why), td_str_of("nested_struct")), 0);
    assert_string_equal(why, "it is nested");
    td_scan_close(scan);
    ASSERT_OK(td_scan_open(path, "id", &scan, &err), err);
    assert_int_equal(td_scan_left_out_count(scan), 0);
    td_scan_close(scan);
    static const char *const asked[] = {"int_map", "int_map.map.key", "id,nested_struct"};
    for (size_t i = 0; i < TD_COUNT(asked); i++) {
        assert_int_equal(td_scan_open(path, asked[i], &scan, &err), TD_UNSUPPORTED);
        assert_non_null(strstr(err.text, "cannot be read: it is nested"));
    }
    assert_int_equal(td_scan_open(path, "int_ma", &scan, &err), TD_USAGE);
}

/* Fields before, between and behind the columns that can be read; columns that share their name. */
static void test_strange_schemas(void **state)
{
    (void)state;
    static const struct {
        const char *schema; /* a letter a leaf, (x y) a group, * repeated */
        const char *header, *row;
    } cases[] = {
        {"a", "a:int32", ""},
        {"(sx)a", "s:nested,a:int32", "?,"},
        {"(sxy)(tx)a(sz)b(uv)", "s:nested,t:nested,a:int32,s:nested,b:int32,u:nested", "?,?,,?,,?"},
        {"a(sx)", "a:int32,s:nested", ",?"},
        {"*aa", "a:nested,a:int32", "?,"},
        {"aba", "a:int32,b:int32,a:int32", ",,"},
    };
    struct fixture f = fixture_new();
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_buf have, want;
        char path[300];
        snprintf(path, sizeof path, "%s/strange%zu.parquet", f.root, i);
        write_schema(path, cases[i].schema);
        canonical(path, &have);
        td_buf_init(&want, 4096);
        td_buf_printf(&want, "%s\n%s\n", cases[i].header, cases[i].row);
        if (!same_bytes(&want, &have))
            fail_msg("%s: %s", cases[i].schema, have.data);
        td_buf_free(&have);
        td_buf_free(&want);
    }
    struct td_scan *scan = NULL;
    struct td_err err = {0};
    char path[300];
    snprintf(path, sizeof path, "%s/strange5.parquet", f.root);
    ASSERT_OK(td_scan_open(path, "a#2,b,a", &scan, &err), err);
    assert_int_equal(td_scan_column_count(scan), 3);
    assert_string_equal(td_scan_column_at(scan, 0)->name, "a#2");
    assert_string_equal(td_scan_column_at(scan, 2)->name, "a");
    assert_string_equal(td_scan_file_column_at(scan, 0)->name, "a");
    assert_string_equal(td_scan_file_column_at(scan, 2)->name, "a#2");
    td_scan_close(scan);
    assert_int_equal(td_scan_open(path, "a#3", &scan, &err), TD_USAGE);
    fixture_free(&f);
}

static enum td_code sweep_scan(void *ctx, struct td_err *err)
{
    const char *path = ctx;
    struct td_scan *scan = NULL;
    struct td_cell cells[4];
    struct td_sheet sheet;
    uint64_t rows;
    bool more;
    enum td_code code = td_scan_open(path, NULL, &scan, err);
    if (code == TD_OK)
        code = td_scan_next(scan, cells, &more, err);
    if (code == TD_OK)
        code = td_scan_seek(scan, 9000, err);
    if (code == TD_OK)
        code = td_scan_next(scan, cells, &more, err);
    td_scan_close(scan);
    static const char *const reports[] = {"schema", "meta", "pages"};
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(reports); i++) {
        code = td_parquet_report(path, reports[i], &sheet, err);
        if (code == TD_OK)
            td_sheet_free(&sheet);
    }
    return code == TD_OK ? td_parquet_verify(path, &rows, err) : code;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    char path[300];
    snprintf(path, sizeof path, "%s/t/numbers.parquet", f.root);
    write_numbers(path);
    assert_true(sweep_allocations(sweep_scan, path, "scan and reports") > 30);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix), cmocka_unit_test(test_scan),      cmocka_unit_test(test_reports),
        cmocka_unit_test(test_verify), cmocka_unit_test(test_no_memory), cmocka_unit_test(test_verify_of_nothing),
        cmocka_unit_test(test_nested), cmocka_unit_test(test_strange_schemas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
