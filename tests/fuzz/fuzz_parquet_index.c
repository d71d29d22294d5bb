/* SPDX-License-Identifier: GPL-3.0-or-later
 * The page index: any bytes stand where the offset index and the column index of a sound file should. Without a seal
 * they may say what they like, no row changes; with one they are believed, and lies end in errors or plain values,
 * never in bytes that are not the file's. */
#include "parquet/pq_file.h"
#include "parquet/pq_index.h"
#include "fuzz_file.h"

#define ROWS 600
#define COLUMNS 4
#define MOST_INDEX 4096
#define BATCH 64

static const struct td_pq_column about[COLUMNS] = {
    {.name = "i", .type = TD_PQ_INT64},
    {.name = "n", .type = TD_PQ_DOUBLE, .optional = true},
    {.name = "s", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING, .optional = true},
    {.name = "k", .type = TD_PQ_INT32},
};
static uint8_t *sound;                /* the file, footer last */
static size_t sound_size, sound_data; /* all of it; up to its footer */

static bool has(size_t column, int64_t row)
{
    return !about[column].optional || row % (int64_t)(5 + column) != 0;
}
static int64_t number(size_t column, int64_t row)
{
    return column == 3 ? row / 40 : row * 60000 + (int64_t)column;
}
static size_t text(int64_t row, char out[16])
{
    return (size_t)snprintf(out, 16, "t%lld", (long long)(row * 7919 % 1000));
}

static void make_sound(void)
{
    static struct fuzz_file file;
    static int64_t numbers[ROWS];
    static double reals[ROWS];
    static int32_t keys[ROWS];
    static struct td_str texts[ROWS];
    static char bytes[ROWS][16];
    static uint64_t valid[COLUMNS][TD_PQ_WORDS(ROWS)];
    struct td_pq_array arrays[COLUMNS] = {{numbers, NULL}, {reals, valid[1]}, {texts, valid[2]}, {keys, NULL}};
    const struct td_pq_write_options options = {.uncompressed = true, .group_rows = ROWS / 2, .page_rows = 25};
    struct td_pq_writer *writer = NULL;
    struct td_err err = {0};
    uint32_t footer;
    for (int64_t row = 0; row < ROWS; row++) {
        numbers[row] = number(0, row);
        reals[row] = (double)number(1, row);
        texts[row] = (struct td_str){bytes[row], text(row, bytes[row])};
        keys[row] = (int32_t)number(3, row);
        for (size_t c = 1; c < 3; c++)
            valid[c][row / 64] |= (uint64_t)has(c, row) << row % 64;
    }
    fuzz_file_set(&file, NULL, 0);
    FUZZ_CHECK(td_pq_writer_new(file.fd, "sound", about, COLUMNS, &options, &writer, &err) == TD_OK);
    FUZZ_CHECK(td_pq_write(writer, arrays, ROWS, &err) == TD_OK && td_pq_writer_finish(writer, &err) == TD_OK);
    td_pq_writer_free(writer);
    sound_size = (size_t)lseek(file.fd, 0, SEEK_END);
    sound = malloc(sound_size);
    FUZZ_CHECK(sound && pread(file.fd, sound, sound_size, 0) == (ssize_t)sound_size);
    memcpy(&footer, sound + sound_size - 8, 4);
    sound_data = sound_size - 8 - footer;
}

/* With `honest` the rows must be those of the file. */
static void check_rows(size_t column, const struct td_pq_array *array, int64_t first, size_t rows, bool honest)
{
    static uint64_t sink;
    for (size_t i = 0; i < rows; i++) {
        const int64_t row = first + (int64_t)i;
        const bool valid = td_pq_valid(array->valid, i);
        FUZZ_CHECK(!honest || valid == has(column, row));
        if (column == 2) {
            char want[16];
            const struct td_str s = ((const struct td_str *)array->values)[i];
            sink = td_hash64(s.ptr ? s.ptr : "", s.len, sink);
            FUZZ_CHECK(!honest || !valid || (s.len == text(row, want) && memcmp(s.ptr, want, s.len) == 0));
        } else if (honest && valid) {
            int64_t got = column == 3 ? ((const int32_t *)array->values)[i] : ((const int64_t *)array->values)[i];
            if (column == 1)
                got = (int64_t)((const double *)array->values)[i];
            FUZZ_CHECK(got == number(column, row));
        }
    }
}

static void read_ranges(const struct td_pq_file *file, int column, int64_t a, int64_t b, bool honest)
{
    static uint64_t values[BATCH * 2], valid[TD_PQ_WORDS(BATCH)];
    const struct td_pq_range wanted[] = {
        {a % 200, a % 200 + 1}, {a % 200 + 2, a % 200 + 2 + b % 90}, {300 + b % 290, ROWS}};
    const size_t first = b % 90 ? 0 : 2; /* an empty range is none */
    struct td_pq_array array = {values, valid};
    struct td_pq_reader *reader = NULL;
    struct td_err err = {0};
    size_t rows = 0;
    enum td_code code = td_pq_reader_new(file, &column, 1, &reader, &err);
    FUZZ_CHECK(code == TD_OK);
    code = td_pq_want(reader, wanted + first, TD_COUNT(wanted) - first, &err);
    while (code == TD_OK) {
        int64_t row = td_pq_next_row(reader);
        code = td_pq_read(reader, &array, BATCH, &rows, &err);
        if (code != TD_OK || !rows)
            break;
        FUZZ_CHECK(row >= 0 && row + (int64_t)rows <= ROWS);
        check_rows((size_t)column, &array, row, rows, honest);
    }
    FUZZ_CHECK(code == TD_OK || !honest);
    if (code != TD_OK)
        fuzz_failed_well(code, &err);
    code = td_pq_seek(reader, b % (ROWS + 1), &err);
    if (code == TD_OK)
        code = td_pq_read(reader, &array, BATCH, &rows, &err);
    FUZZ_CHECK(code == TD_OK || !honest);
    if (code == TD_OK)
        check_rows((size_t)column, &array, b % (ROWS + 1), rows, honest);
    td_pq_reader_free(reader);
}

static void load(const struct td_pq_file *file, size_t group, size_t column)
{
    struct pq_index index;
    struct td_arena arena;
    struct td_err err = {0};
    const char *why = NULL;
    td_arena_init(&arena, 1 << 20);
    if (pq_index_load(file, group, column, true, &arena, &index, &why, &err) == TD_OK) {
        const struct pq_chunk *c = &file->meta.groups[group].chunks[column];
        int64_t row = 0;
        for (size_t i = 0; i < index.pages; i++) {
            const struct pq_place *p = &index.places[i];
            FUZZ_CHECK(p->offset >= c->start && p->size > 0 && p->offset + p->size <= c->start + c->compressed);
            FUZZ_CHECK(p->first_row >= row && p->first_row <= file->meta.groups[group].rows);
            row = p->first_row;
            FUZZ_CHECK(pq_index_page(index.places, index.pages, row) >= i);
        }
        FUZZ_CHECK(!index.bounded || index.bounded == index.pages);
        static uint64_t sink;
        for (size_t i = 0; i < index.bounded; i++)
            sink = td_hash64(index.min[i].ptr, index.min[i].len, td_hash64(index.max[i].ptr, index.max[i].len, sink));
    } else {
        FUZZ_CHECK(err.text[0]);
    }
    td_arena_free(&arena);
}

static bool satisfies(size_t column, int64_t row, const struct td_pq_bound *bound)
{
    const int64_t value = number(column, row), other = bound->v.i;
    if (!has(column, row))
        return bound->op == TD_PQ_IS_NULL;
    switch (bound->op) {
    case TD_PQ_EQ: return value == other;
    case TD_PQ_NE: return value != other;
    case TD_PQ_LT: return value < other;
    case TD_PQ_LE: return value <= other;
    case TD_PQ_GT: return value > other;
    case TD_PQ_GE: return value >= other;
    default: return bound->op == TD_PQ_NOT_NULL;
    }
}

/* Ranges are in order and inside the file; with `honest`, searched, they are the rows that satisfy the bound. */
static void prune(const struct td_pq_file *file, int column, int64_t a, int64_t b, bool honest)
{
    struct td_pq_bound bound = {.column = column, .op = (enum td_pq_op)(a % 8), .kind = TD_PQ_VALUE_INT};
    struct td_pq_ranges left = {0}, found = {0};
    struct td_pq_pruning how;
    struct td_err err = {0};
    int64_t row = 0;
    bound.v.i = number((size_t)column, b % ROWS) + (a >> 3) % 3 - 1;
    if (column == 2)
        return;
    if (td_pq_prune(file, &bound, 1, !honest && b % 2, &left, &how, &err) != TD_OK)
        return;
    for (size_t i = 0; i < left.count; i++) {
        FUZZ_CHECK(left.items[i].from >= row && left.items[i].to > left.items[i].from && left.items[i].to <= ROWS);
        row = left.items[i].to + 1;
    }
    enum td_code code = td_pq_match(file, &bound, 1, &left, &found, &err);
    FUZZ_CHECK(code == TD_OK || !honest);
    if (code == TD_OK && honest) {
        size_t at = 0;
        for (row = 0; row < ROWS; row++) {
            while (at < found.count && row >= found.items[at].to)
                at++;
            FUZZ_CHECK((at < found.count && row >= found.items[at].from) == satisfies((size_t)column, row, &bound));
        }
    }
    td_pq_ranges_free(&left);
    td_pq_ranges_free(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {size ? data : (const uint8_t *)"", size};
    uint8_t bits = fuzz_u8(&in);
    const size_t column = bits % COLUMNS, group = bits >> 2 & 1, cut = fuzz_bits(&in, 2);
    const int64_t a = (int64_t)fuzz_bits(&in, 2), b = (int64_t)fuzz_bits(&in, 2);
    struct td_pq_file *file = NULL;
    struct td_err err = {0};
    if (!sound)
        make_sound();
    if (in.left > MOST_INDEX)
        in.left = MOST_INDEX;
    const size_t offset_len = in.left ? cut % (in.left + 1) : 0;
    uint8_t *bytes = malloc(sound_size + in.left);
    FUZZ_CHECK(bytes);
    memcpy(bytes, sound, sound_data);
    if (in.left)
        memcpy(bytes + sound_data, in.p, in.left);
    memcpy(bytes + sound_data + in.left, sound + sound_data, sound_size - sound_data);
    FUZZ_CHECK(td_pq_open_memory(bytes, sound_size + in.left, "input", NULL, &file, &err) == TD_OK);
    struct pq_chunk *chunk = &file->meta.groups[group].chunks[column];
    if (!(bits & 8)) { /* else the sound ones stay */
        chunk->offset_index_offset = (int64_t)sound_data;
        chunk->offset_index_length = (int32_t)offset_len;
    }
    if (!(bits & 16)) {
        chunk->column_index_offset = (int64_t)(sound_data + offset_len);
        chunk->column_index_length = (int32_t)(in.left - offset_len);
    }
    const bool believed = bits & 32;
    atomic_store(file->seal, believed ? TD_PQ_SEAL_GOOD : TD_PQ_SEAL_NONE);
    load(file, group, column);
    read_ranges(file, (int)column, a, b, !believed || (bits & 8));
    prune(file, (int)column, a, b, !believed || (bits & 24) == 24);
    td_pq_close(file);
    free(bytes);
    return 0;
}
