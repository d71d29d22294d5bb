/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as a Parquet file: the footer, then every column that calls itself readable, its pages by headers alone,
 * the cursor put here and there, and the rule that a row read after a seek is the row read in order. */
#include <tapedeck/parquet.h>
#include "fuzz.h"

#define BATCH 97
#define MOST_ROWS 20000 /* a run-length lie may claim any number of rows in a handful of bytes */
#define MOST_COLUMNS 64

static uint64_t sink; /* what is read is used, so that a sanitizer sees a bad pointer */

static void touch(const struct td_pq_column *column, const struct td_pq_array *array, size_t rows)
{
    size_t width = td_pq_width(column->type);
    const uint8_t *bytes = array->values;
    for (size_t i = 0; i < rows; i++) {
        bool valid = td_pq_valid(array->valid, i);
        FUZZ_CHECK(valid || column->optional);
        if (width == sizeof(struct td_str)) {
            struct td_str s = ((const struct td_str *)array->values)[i];
            FUZZ_CHECK(valid || !s.len);
            sink = td_hash64(s.ptr ? s.ptr : "", s.len, sink);
            FUZZ_CHECK(column->type != TD_PQ_FIXED || !valid || s.len == (size_t)column->length);
            FUZZ_CHECK(column->type != TD_PQ_INT96 || !valid || s.len == 12);
        } else {
            sink = td_hash64(bytes + i * width, width, sink);
            FUZZ_CHECK(column->type != TD_PQ_BOOLEAN || bytes[i] <= 1);
        }
    }
}

/* The first byte of row `row`, for comparing what two ways of reading say; texts give their length. */
static uint64_t mark(const struct td_pq_column *column, const struct td_pq_array *array, size_t i)
{
    size_t width = td_pq_width(column->type);
    if (!td_pq_valid(array->valid, i))
        return UINT64_MAX;
    if (width == sizeof(struct td_str))
        return ((const struct td_str *)array->values)[i].len;
    uint64_t bits = 0;
    memcpy(&bits, (const uint8_t *)array->values + i * width, width);
    return bits;
}

static void seek_agrees(const struct td_pq_file *file, int index, struct td_pq_array *array, const uint64_t *marks,
                        size_t known)
{
    const struct td_pq_column *column = td_pq_column_at(file, (size_t)index);
    struct td_pq_reader *reader = NULL;
    struct td_err err = {0};
    if (td_pq_reader_new(file, &index, 1, &reader, &err) != TD_OK)
        return;
    static const size_t parts[] = {2, 3, 1, 7};
    for (size_t p = 0; p < TD_COUNT(parts); p++) {
        size_t row = known / parts[p], rows = 0;
        if (td_pq_seek(reader, (int64_t)row, &err) != TD_OK)
            break;
        if (td_pq_read(reader, array, 5, &rows, &err) != TD_OK)
            break;
        for (size_t i = 0; i < rows && row + i < known; i++)
            FUZZ_CHECK(mark(column, array, i) == marks[row + i]);
    }
    FUZZ_CHECK(td_pq_seek(reader, td_pq_rows(file) + 1, &err) != TD_OK);
    FUZZ_CHECK(td_pq_seek(reader, -1, &err) != TD_OK);
    td_pq_reader_free(reader);
}

/* Ranges of rows are what reading in order gave there, whatever statistics and indexes of the file say. */
static void ranges_agree(const struct td_pq_file *file, int index, struct td_pq_array *array, const uint64_t *marks,
                         size_t known)
{
    const struct td_pq_column *column = td_pq_column_at(file, (size_t)index);
    const struct td_pq_range wanted[] = {{(int64_t)known / 9, (int64_t)known / 9 + 1},
                                         {(int64_t)known / 3 + 1, (int64_t)known / 3 + 3},
                                         {(int64_t)known - 2, (int64_t)known}};
    struct td_pq_reader *reader = NULL;
    struct td_err err = {0};
    size_t rows = 0, range = 0;
    int64_t row = wanted[0].from;
    if (known < 12 || td_pq_reader_new(file, &index, 1, &reader, &err) != TD_OK)
        return;
    if (td_pq_want(reader, wanted, TD_COUNT(wanted), &err) == TD_OK)
        while (td_pq_read(reader, array, BATCH, &rows, &err) == TD_OK && rows) {
            for (size_t i = 0; i < rows; i++) {
                FUZZ_CHECK(range < TD_COUNT(wanted));
                FUZZ_CHECK(mark(column, array, i) == marks[row]);
                if (++row == wanted[range].to && ++range < TD_COUNT(wanted))
                    row = wanted[range].from;
            }
        }
    td_pq_reader_free(reader);
}

/* The rows that a bound leaves, pruned by whatever the file states and then searched, are those whose value satisfies
 * it. */
static void search_agrees(const struct td_pq_file *file, int index, const uint64_t *marks, size_t known)
{
    const struct td_pq_column *column = td_pq_column_at(file, (size_t)index);
    const bool narrow = column->type == TD_PQ_INT32;
    struct td_pq_bound bound = {.column = index, .op = TD_PQ_GE, .kind = TD_PQ_VALUE_INT};
    struct td_pq_ranges left = {0}, found = {0};
    struct td_err err = {0};
    size_t at = 0;
    if ((!narrow && column->type != TD_PQ_INT64) || column->logical == TD_PQ_INTEGER ||
        column->logical == TD_PQ_DECIMAL)
        return;
    for (size_t i = known / 2; i < known && !bound.v.i; i++)
        bound.v.i = marks[i] == UINT64_MAX ? 0 : narrow ? (int32_t)marks[i] : (int64_t)marks[i];
    if (td_pq_prune(file, &bound, 1, false, &left, NULL, &err) == TD_OK &&
        td_pq_match(file, &bound, 1, &left, &found, &err) == TD_OK)
        for (size_t row = 0; row < known; row++) {
            while (at < found.count && (int64_t)row >= found.items[at].to)
                at++;
            const bool in = at < found.count && (int64_t)row >= found.items[at].from;
            const int64_t value = narrow ? (int32_t)marks[row] : (int64_t)marks[row];
            if (marks[row] != UINT64_MAX) /* which stands for a null, or for -1 */
                FUZZ_CHECK(in == (value >= bound.v.i));
        }
    td_pq_ranges_free(&left);
    td_pq_ranges_free(&found);
}

static void read_column(const struct td_pq_file *file, int index)
{
    static uint64_t values[BATCH * 2], valid[TD_PQ_WORDS(BATCH)], marks[MOST_ROWS + BATCH];
    const struct td_pq_column *column = td_pq_column_at(file, (size_t)index);
    struct td_pq_array array = {.values = values, .valid = valid};
    struct td_pq_reader *reader = NULL;
    struct td_err err = {0};
    enum td_code code = td_pq_reader_new(file, &index, 1, &reader, &err);
    size_t total = 0, rows = 0;
    if (code != TD_OK) {
        fuzz_failed_well(code, &err);
        return;
    }
    FUZZ_CHECK(!column->unsupported);
    do {
        code = td_pq_read(reader, &array, BATCH, &rows, &err);
        if (code != TD_OK) {
            fuzz_failed_well(code, &err);
            break;
        }
        touch(column, &array, rows);
        for (size_t i = 0; i < rows; i++)
            marks[total + i] = mark(column, &array, i);
        total += rows;
    } while (rows && total < MOST_ROWS);
    FUZZ_CHECK((int64_t)total <= td_pq_rows(file));
    if (code != TD_OK && td_pq_read(reader, &array, BATCH, &rows, &err) == TD_OK)
        FUZZ_CHECK(!rows); /* a damaged file does not mend by asking again */
    if (code != TD_OK && td_pq_seek(reader, 0, &err) == TD_OK &&
        td_pq_read(reader, &array, BATCH, &rows, &err) == TD_OK)
        touch(column, &array, rows);
    if (code == TD_OK && !rows)
        FUZZ_CHECK((int64_t)total == td_pq_rows(file));
    td_pq_reader_free(reader);
    if (code == TD_OK && !rows)
        search_agrees(file, index, marks, total);
    if (total)
        seek_agrees(file, index, &array, marks, total);
    ranges_agree(file, index, &array, marks, total);
}

/* Several columns side by side, with a reset in the middle. */
static void read_together(const struct td_pq_file *file, const int *columns, size_t count)
{
    static uint64_t values[8][BATCH * 2], valid[8][TD_PQ_WORDS(BATCH)];
    struct td_pq_array arrays[8];
    struct td_pq_reader *reader = NULL;
    struct td_err err = {0};
    size_t rows = 0, total = 0;
    for (size_t i = 0; i < 8; i++)
        arrays[i] = (struct td_pq_array){.values = values[i], .valid = valid[i]};
    if (count > 8)
        count = 8;
    if (td_pq_reader_new(file, columns, count, &reader, &err) != TD_OK)
        return;
    for (int turn = 0; turn < 2; turn++) {
        total = 0;
        while (td_pq_read(reader, arrays, turn ? 31 : BATCH, &rows, &err) == TD_OK && rows && total < MOST_ROWS / 4) {
            total += rows;
            for (size_t c = 0; c < count; c++)
                touch(td_pq_column_at(file, (size_t)columns[c]), &arrays[c], rows);
        }
        if (td_pq_reader_reset(reader, file, columns, count, &err) != TD_OK)
            break;
    }
    td_pq_reader_free(reader);
}

static bool count_page(void *ctx, const struct td_pq_page_info *page)
{
    unsigned *left = ctx;
    sink += (uint64_t)page->offset;
    FUZZ_CHECK(page->compressed >= 0 && page->uncompressed >= 0);
    return (*left)-- > 1;
}

static void read_facts(const struct td_pq_file *file, size_t columns)
{
    sink += strlen(td_pq_created_by(file));
    for (size_t i = 0; i < td_pq_meta_count(file); i++) {
        const char *key, *value;
        td_pq_meta_at(file, i, &key, &value);
        sink += strlen(key) + (value ? strlen(value) : 0);
        FUZZ_CHECK(td_pq_meta(file, key) || !value);
    }
    int64_t rows = 0;
    for (size_t g = 0; g < td_pq_group_count(file); g++) {
        rows += td_pq_group_rows(file, g);
        for (size_t c = 0; c < columns && c < MOST_COLUMNS && g < 32; c++) {
            struct td_pq_chunk_info info;
            struct td_err err = {0};
            unsigned left = 200;
            td_pq_chunk(file, g, c, &info);
            if (info.has_min_max)
                sink = td_hash64(info.min.ptr, info.min.len, td_hash64(info.max.ptr, info.max.len, sink));
            enum td_code code = td_pq_pages(file, g, c, count_page, &left, &err);
            if (code != TD_OK)
                fuzz_failed_well(code, &err);
        }
    }
    FUZZ_CHECK(rows == td_pq_rows(file));
}

static bool take_finding(void *ctx, const struct td_pq_finding *finding)
{
    unsigned *left = ctx;
    FUZZ_CHECK(finding->text && finding->text[0] && !strchr(finding->text, '\n'));
    sink += strlen(finding->text) + (finding->name ? strlen(finding->name) : 0);
    return (*left)-- > 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_pq_limits limits = {.memory = 64 << 20, .skip_crc = true};
    struct td_pq_file *file = NULL;
    struct td_err err = {0};
    int readable[MOST_COLUMNS];
    size_t count = 0;
    enum td_code code = td_pq_open_memory(data, size, "input", &limits, &file, &err);
    if (code != TD_OK) {
        fuzz_failed_well(code, &err);
        FUZZ_CHECK(!file);
        return 0;
    }
    size_t columns = td_pq_column_count(file);
    for (size_t c = 0; c < columns && c < MOST_COLUMNS; c++) {
        const struct td_pq_column *column = td_pq_column_at(file, c);
        FUZZ_CHECK(column->name);
        FUZZ_CHECK(td_pq_find(file, column->name) >= 0);
        if (!column->unsupported && count < MOST_COLUMNS)
            readable[count++] = (int)c;
    }
    read_facts(file, columns);
    for (size_t i = 0; i < count; i++)
        read_column(file, readable[i]);
    if (count > 1)
        read_together(file, readable, count);
    if (td_pq_rows(file) < MOST_ROWS) {
        struct td_pq_verified verified;
        unsigned left = 50;
        code = td_pq_verify_file(file, take_finding, &left, &verified, &err);
        if (code != TD_OK)
            fuzz_failed_well(code, &err);
    }
    td_pq_close(file);
    return 0;
}

/* Most changes to a file only tear its footer from its data. Half of ours keep the rest in its place: they change the
 * bytes of the data and leave its length alone, or change the footer, in whatever way, and restate its length. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
    __attribute__((weak)); /* libFuzzer's, not in the replay */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

static size_t mutate_data(uint8_t *data, size_t end, uint64_t dice)
{
    uint8_t part[256];
    size_t at = 4 + dice % (end - 4), len = dice >> 32 & 1 ? 16 : sizeof part;
    if (len > end - at)
        len = end - at;
    memcpy(part, data + at, len);
    LLVMFuzzerMutate(part, len, len); /* may come out shorter: then the old end stays */
    memcpy(data + at, part, len);
    return end;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    uint64_t dice = td_mix64(seed);
    uint32_t len = 0;
    if (size >= 12)
        memcpy(&len, data + size - 8, 4);
    if (size < 16 || !len || len > size - 12 || dice % 4 == 0)
        return LLVMFuzzerMutate(data, size, max);
    size_t footer = size - 8 - len, room = max - footer - 8;
    if (footer > 4 && dice % 4 != 1) {
        mutate_data(data, footer, dice >> 8);
        return size;
    }
    len = (uint32_t)LLVMFuzzerMutate(data + footer, len, room);
    memcpy(data + footer + len, &len, 4);
    memcpy(data + footer + len + 4, "PAR1", 4);
    return footer + 8 + len;
}
