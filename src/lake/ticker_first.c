/* SPDX-License-Identifier: GPL-3.0-or-later
 * Lakes laid out ticker-first, as a source of minute bars: finding their ticker-months and proving whether one changed. Nothing
 * is ever written there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ticker_first.h"

#define MAX_FILES 4096            /* of one ticker-month */
#define MAX_FOOTER (UINT32_C(16) << 20)

static bool is_parquet(const char *name)
{
    size_t len = strlen(name);
    return len > 8 && strcmp(name + len - 8, ".parquet") == 0 && name[0] != '.' && name[0] != '_';
}

/* The number behind "key=", of one to `digits` digits; -1 for any other name. */
static int32_t hive_number(const char *name, const char *key, size_t digits)
{
    size_t len = strlen(key);
    int64_t value;
    if (strncmp(name, key, len) != 0 || strlen(name + len) > digits || !td_parse_i64(name + len, strlen(name + len), &value) || value < 0)
        return -1;
    return (int32_t)value;
}

/* ---- the files of one ticker-month ---- */

static enum td_code list_folder(const char *folder, struct td_names *out, struct td_err *err)
{
    struct td_names names = {0};
    char path[2048];
    struct stat st;
    enum td_code code = td_dir_list(folder, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        if (!is_parquet(names.items[i]) || !td_snprintf(path, sizeof path, "%s/%s", folder, names.items[i]) || stat(path, &st) != 0 ||
            !S_ISREG(st.st_mode))
            continue;
        if (out->count >= MAX_FILES)
            code = td_fail(err, TD_LIMIT, "%s: more than %d files for one month", folder, MAX_FILES);
        else
            code = td_names_add(out, path, strlen(path), err);
    }
    td_names_free(&names);
    return code;
}

enum td_code ticker_first_files(const char *root, const char *ticker, int32_t month, struct td_names *out, struct td_err *err)
{
    char encoded[128], folder[2048];
    if (!td_ticker_valid(ticker) || !td_path_encode(ticker, encoded, sizeof encoded))
        return td_fail(err, TD_DATA, "ticker '%.40s' cannot name a folder", ticker);
    const char *const names[] = {ticker, encoded};
    enum td_code code = TD_OK;
    for (size_t i = 0; i < TD_COUNT(names); i++)
        for (size_t k = 0; code == TD_OK && k < 2; k++) {
            if ((i && strcmp(ticker, encoded) == 0) || (k && month % 12 + 1 >= 10))
                continue; /* the same folder once more */
            bool fits = k ? td_snprintf(folder, sizeof folder, "%s/%s/year=%d/month=%d", root, names[i], month / 12, month % 12 + 1)
                          : td_snprintf(folder, sizeof folder, "%s/%s/year=%d/month=%02d", root, names[i], month / 12, month % 12 + 1);
            code = fits ? list_folder(folder, out, err) : td_fail(err, TD_USAGE, "%s: the path is too long", root);
        }
    return code;
}

/* The footer as it lies there, and the file's size and time of writing. */
static enum td_code hash_file(const char *path, uint64_t *hash, struct td_err *err)
{
    struct stat st;
    unsigned char tail[8];
    uint32_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return td_fail_errno(err, errno, "%s", path);
    bool fine = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 12 && pread(fd, tail, 8, st.st_size - 8) == 8;
    if (fine) {
        memcpy(&len, tail, 4);
        fine = memcmp(tail + 4, "PAR1", 4) == 0 && len > 0 && len <= MAX_FOOTER && (int64_t)len <= (int64_t)st.st_size - 12;
    }
    unsigned char *bytes = fine ? td_malloc(len) : NULL;
    enum td_code code = TD_OK;
    if (!fine)
        code = td_fail(err, TD_DATA, "%s: not a Parquet file, or its end is missing", path);
    else if (!bytes)
        code = td_fail(err, TD_NOMEM, "%s: out of memory for a footer", path);
    else if (pread(fd, bytes, len, st.st_size - 8 - (off_t)len) != (ssize_t)len)
        code = td_fail(err, TD_IO, "%s: cannot read its footer", path);
    if (code == TD_OK) {
        const uint64_t parts[] = {*hash, (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec, (uint64_t)st.st_mtim.tv_nsec};
        *hash = td_hash_block(bytes, len, td_hash_block(parts, sizeof parts, 5)) | 1;
    }
    td_free(bytes);
    close(fd);
    return code;
}

enum td_code td_intraday_hash(const char *root, const char *ticker, int32_t month, uint64_t *hash, struct td_err *err)
{
    struct td_names files = {0};
    *hash = 1;
    enum td_code code = ticker_first_files(root, ticker, month, &files, err);
    for (size_t i = 0; code == TD_OK && i < files.count; i++)
        code = hash_file(files.items[i], hash, err);
    td_names_free(&files);
    return code;
}

/* ---- all of them ---- */

static int compare_files(const void *a, const void *b)
{
    const struct td_bronze_file *x = a, *y = b;
    int order = strcmp(x->ticker, y->ticker);
    return order ? order : (x->month > y->month) - (x->month < y->month);
}

static enum td_code add_files(const char *folder, struct td_bronze_file *file, struct td_bronze_list *out, struct td_err *err)
{
    struct td_names files = {0};
    struct stat st;
    file->bytes = 0;
    file->stamp = 1;
    enum td_code code = list_folder(folder, &files, err);
    for (size_t i = 0; code == TD_OK && i < files.count; i++) {
        if (stat(files.items[i], &st) != 0)
            continue; /* gone since it was listed */
        const uint64_t parts[] = {file->stamp, lake_stamp(&st)};
        file->stamp = td_hash_block(parts, sizeof parts, 1) | 1;
        file->bytes += (uint64_t)st.st_size;
    }
    if (code == TD_OK && files.count)
        code = td_grow(&out->items, &out->cap, out->count + 1, sizeof *out->items, err);
    if (code == TD_OK && files.count)
        out->items[out->count++] = *file;
    td_names_free(&files);
    return code;
}

static enum td_code scan_ticker(const char *root, const char *name, struct td_bronze_list *out, struct td_err *err)
{
    struct td_bronze_file file = {0};
    struct td_names years = {0};
    char path[2048];
    if (name[0] == '.' || name[0] == '_' || !td_path_decode(name, strlen(name), file.ticker, sizeof file.ticker) ||
        !td_ticker_valid(file.ticker) || !td_snprintf(path, sizeof path, "%s/%s", root, name))
        return TD_OK;
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return TD_OK;
    enum td_code code = td_dir_list(path, &years, err);
    for (size_t y = 0; code == TD_OK && y < years.count; y++) {
        int32_t year = hive_number(years.items[y], "year=", 4);
        struct td_names months = {0};
        if (year < 1900 || year > 2200 || !td_snprintf(path, sizeof path, "%s/%s/%s", root, name, years.items[y]))
            continue;
        code = td_dir_list(path, &months, err);
        for (size_t m = 0; code == TD_OK && m < months.count; m++) {
            int32_t month = hive_number(months.items[m], "month=", 2);
            if (month < 1 || month > 12 || !td_snprintf(path, sizeof path, "%s/%s/%s/%s", root, name, years.items[y], months.items[m]))
                continue;
            file.month = year * 12 + month - 1;
            code = add_files(path, &file, out, err);
        }
        td_names_free(&months);
    }
    td_names_free(&years);
    return code;
}

/* month=1 and month=01, or a ticker under two spellings, are one ticker-month. */
static void join_twins(struct td_bronze_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct td_bronze_file *last = kept ? &list->items[kept - 1] : NULL;
        if (last && compare_files(last, &list->items[i]) == 0) {
            const uint64_t parts[] = {last->stamp, list->items[i].stamp};
            last->stamp = td_hash_block(parts, sizeof parts, 2) | 1;
            last->bytes += list->items[i].bytes;
        } else {
            list->items[kept++] = list->items[i];
        }
    }
    list->count = kept;
}

enum td_code td_intraday_scan(const char *root, struct td_bronze_list *out, struct td_err *err)
{
    struct td_names names = {0};
    struct stat st;
    if (stat(root, &st) != 0)
        return td_fail_errno(err, errno, "%s", root);
    if (!S_ISDIR(st.st_mode))
        return td_fail(err, TD_DATA, "%s: a file, not the folder above TICKER/year=YYYY/month=MM", root);
    enum td_code code = td_dir_list(root, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++)
        code = scan_ticker(root, names.items[i], out, err);
    td_names_free(&names);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, compare_files);
    join_twins(out);
    if (code == TD_OK && out->count == 0)
        code = td_fail(err, TD_MISSING, "%s: holds no TICKER/year=YYYY/month=MM/*.parquet", root);
    return code;
}
