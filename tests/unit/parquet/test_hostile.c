/* SPDX-License-Identifier: GPL-3.0-or-later
 * Damaged files one by one, each in a process of its own that may use one second of processor and 256 MiB and must end
 * by itself: with an error that says something, or with plain values. Then damage made here, more of it, in this
 * process. */
#include "pq_foreign.h"
#include <malloc.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#define BATCH 1024
#define MOST_COLUMNS 64
#define MOST_ROWS 300000 /* a few bytes can claim 2^31 of them, and be right */
#define MIB_ALLOWED 256

static uint64_t sink; /* what is read is used */

static bool any_page(void *ctx, const struct td_pq_page_info *page)
{
    return page->compressed >= 0 && ++*(int *)ctx < 1000;
}

/* All that the door offers on an open file; values are looked at byte by byte, so that a sanitizer sees where they lie.
 */
static enum td_code read_everything(const struct td_pq_file *file, struct td_err *err)
{
    struct td_pq_array arrays[MOST_COLUMNS];
    int columns[MOST_COLUMNS];
    size_t count = 0, rows = 0, total = 0;
    struct td_pq_reader *r = NULL;
    for (size_t i = 0; i < td_pq_column_count(file) && count < MOST_COLUMNS; i++)
        if (!td_pq_column_at(file, i)->unsupported)
            columns[count++] = (int)i;
    for (size_t g = 0; g < td_pq_group_count(file); g++)
        for (size_t i = 0; i < count; i++) {
            struct td_pq_chunk_info info;
            int pages = 0;
            td_pq_chunk(file, g, (size_t)columns[i], &info);
            td_pq_pages(file, g, (size_t)columns[i], any_page, &pages, NULL);
        }
    for (size_t i = 0; i < count; i++)
        arrays[i] = (struct td_pq_array){calloc(BATCH, td_pq_width(td_pq_column_at(file, (size_t)columns[i])->type)),
                                         calloc(TD_PQ_WORDS(BATCH), 8)};
    enum td_code code = td_pq_reader_new(file, columns, count, &r, err);
    do {
        if (code == TD_OK)
            code = td_pq_read(r, arrays, BATCH, &rows, err);
        for (size_t i = 0; code == TD_OK && i < count; i++) {
            const struct td_pq_column *c = td_pq_column_at(file, (size_t)columns[i]);
            const size_t width = td_pq_width(c->type);
            for (size_t k = 0; k < rows; k++) {
                struct td_str s = {(const char *)arrays[i].values + k * width, width};
                if (width == sizeof s)
                    memcpy(&s, (const char *)arrays[i].values + k * width, sizeof s);
                sink = td_hash64(s.len ? s.ptr : "", s.len, sink);
            }
        }
        total += rows;
    } while (code == TD_OK && rows && total < MOST_ROWS);
    if (r && td_pq_rows(file) > 2)
        td_pq_seek(r, td_pq_rows(file) / 2, NULL);
    td_pq_reader_free(r);
    for (size_t i = 0; i < count; i++) {
        free(arrays[i].values);
        free(arrays[i].valid);
    }
    return code;
}

static enum td_code read_path(const char *path, struct td_err *err)
{
    const struct td_pq_limits limits = {.check_crc = true};
    struct td_pq_file *file = NULL;
    enum td_code code = td_pq_open(path, &limits, &file, err);
    if (code == TD_OK)
        code = read_everything(file, err);
    td_pq_close(file);
    return code;
}

/* In the child: 0 = read, 1 = refused with a reason, 2 = refused without one. */
static int try_path(const char *path)
{
    const struct itimerval patience = {.it_value = {.tv_sec = 20}}; /* of processor time */
    struct td_err err = {0};
    setitimer(ITIMER_PROF, &patience,
              NULL); /* its signal kills: a guard against hanging, whatever else the machine does */
    enum td_code code = read_path(path, &err);
    return code == TD_OK ? 0 : err.text[0] && err.code == code ? 1 : 2;
}

static bool survive(const char *path)
{
    struct rusage used = {0};
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        _exit(try_path(path));
    assert_int_equal(wait4(child, &status, 0, &used), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        fail_msg("%s: %s %d", path, WIFEXITED(status) ? "ended with" : "was ended by signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
#ifndef __SANITIZE_THREAD__ /* which needs several bytes for every one */
    if (used.ru_maxrss > MIB_ALLOWED * 1024)
        fail_msg("%s: took %ld KiB of memory", path, used.ru_maxrss);
#endif
    return WEXITSTATUS(status) == 1;
}

static void survive_folder(const char *folder, size_t least)
{
    struct td_names names = {0};
    struct td_err err;
    size_t refused = 0, files = 0;
    SHARED_OR_SKIP(dir, folder);
    ASSERT_OK(td_dir_list(dir, &names, &err), err);
    for (size_t i = 0; i < names.count; i++) {
        char path[2048];
        td_snprintf(path, sizeof path, "%s/%s", dir, names.items[i]);
        if (!strstr(names.items[i], ".parquet"))
            continue;
        refused += survive(path);
        files++;
    }
    print_message("%s: %zu of %zu files refused, the others read as plain values\n", folder, refused, files);
    assert_true(files >= least && refused >= 1);
    td_names_free(&names);
}

static void hostile_files_are_survived(void **state)
{
    (void)state;
    survive_folder("fixtures/parquet-matrix/hostile", 200);
}

static void bad_data_is_survived(void **state)
{
    (void)state;
    survive_folder("fixtures/parquet-testing/bad_data", 5);
}

/* ---- damage made here ---- */

static enum td_code read_bytes(const char *bytes, size_t len)
{
    const struct td_pq_limits limits = {.memory = 8 << 20};
    struct td_pq_file *file = NULL;
    struct td_err err = {0};
    char *exact = malloc(len + !len); /* a read past the file is seen */
    memcpy(exact, bytes, len);
    enum td_code code = td_pq_open_memory(exact, len, "damaged", &limits, &file, &err);
    if (code == TD_OK)
        code = read_everything(file, &err);
    if (code != TD_OK)
        assert_true(err.text[0] != 0);
    td_pq_close(file);
    free(exact);
    return code;
}

/* One change to a copy: bytes, a bit, a number at its edge, a piece cut out or put in from elsewhere, the end gone. */
static size_t damage(struct foreign *dice, char *bytes, size_t len)
{
    size_t at = foreign_dice(dice, len), n = 1 + foreign_dice(dice, 24);
    n = n < len - at ? n : len - at;
    switch (foreign_dice(dice, 7)) {
    case 0: bytes[at] = (char)foreign_dice(dice, 256); break;
    case 1: bytes[at] ^= (char)(1 << foreign_dice(dice, 8)); break;
    case 2: memset(bytes + at, foreign_dice(dice, 2) ? 255 : 0, n < 4 ? n : 4); break;
    case 3: return at;
    case 4: memmove(bytes + at, bytes + at + n, len - at - n); return len - n;
    case 5: memmove(bytes + at, bytes + foreign_dice(dice, len - n + 1), n); break;
    default:
        at = len - 8 - foreign_dice(dice, len < 400 ? len - 8 : 392); /* near the end lies the footer */
        bytes[at] = (char)(bytes[at] + (foreign_dice(dice, 2) ? 1 : -1));
    }
    return len;
}

static void damaged_foreign_files_are_survived(void **state)
{
    struct foreign dice = {.seed = 77};
    size_t refused = 0, tries = 0;
    (void)state;
    for (uint64_t seed = 1000; seed < 1060; seed++) {
        struct foreign f;
        foreign_make(&f, seed);
        char *copy = malloc(f.file.len);
        for (int i = 0; i < 40 && f.file.len < 60000; i++) {
            memcpy(copy, f.file.data, f.file.len);
            size_t len = damage(&dice, copy, f.file.len);
            if (len == f.file.len && i % 3 == 0)
                len = damage(&dice, copy, len);
            refused += read_bytes(copy, len) != TD_OK;
            tries++;
        }
        free(copy);
        foreign_free(&f);
    }
    print_message("%zu of %zu damaged files refused\n", refused, tries);
    assert_true(tries > 1000 && refused > tries / 3);
}

/* What the C library has handed out; a sanitizer's own allocator does not tell. */
static size_t heap_in_use(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 0;
#else
    return mallinfo2().uordblks;
#endif
}

/* Footer, dictionaries, pages and what holds texts together stay in the budget; where it is too small, that is said. */
static void the_budget_is_the_whole_of_it(void **state)
{
    static const size_t budgets[] = {8 << 10, 32 << 10, 256 << 10, 2 << 20};
    const size_t aside = 512 << 10; /* decompressors, and the reader itself */
    size_t read = 0, refused = 0;
    (void)state;
    for (uint64_t seed = 2000; seed < 2060; seed++) {
        struct foreign f;
        foreign_make(&f, seed);
        for (size_t b = 0; b < TD_COUNT(budgets); b++) {
            const struct td_pq_limits limits = {.memory = budgets[b]};
            static uint64_t slots[FOREIGN_COLUMNS][BATCH * 2], valid[FOREIGN_COLUMNS][TD_PQ_WORDS(BATCH)];
            struct td_pq_array arrays[FOREIGN_COLUMNS];
            const size_t before = heap_in_use();
            struct td_pq_file *file = NULL;
            struct td_pq_reader *r = NULL;
            struct td_err err = {0};
            size_t rows = 0;
            for (size_t i = 0; i < FOREIGN_COLUMNS; i++)
                arrays[i] = (struct td_pq_array){slots[i], valid[i]};
            enum td_code code = td_pq_open_memory(f.file.data, f.file.len, "budget", &limits, &file, &err);
            if (code == TD_OK)
                code = td_pq_reader_new(file, (const int[]){0, 1, 2, 3}, f.columns, &r, &err);
            do {
                if (code == TD_OK)
                    code = td_pq_read(r, arrays, BATCH, &rows, &err);
                assert_true(heap_in_use() <= before + budgets[b] + budgets[b] / 4 + aside);
            } while (code == TD_OK && rows);
            assert_true(code == TD_OK || code == TD_LIMIT || code == TD_NOMEM);
            read += code == TD_OK;
            refused += code != TD_OK;
            td_pq_reader_free(r);
            td_pq_close(file);
        }
        foreign_free(&f);
    }
    print_message("%zu read, %zu times the budget was too small\n", read, refused);
    assert_true(read > 60 && refused > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_files_are_survived),
        cmocka_unit_test(bad_data_is_survived),
        cmocka_unit_test(damaged_foreign_files_are_survived),
        cmocka_unit_test(the_budget_is_the_whole_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
