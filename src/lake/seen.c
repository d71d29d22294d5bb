/* SPDX-License-Identifier: GPL-3.0-or-later
 * _runs/bronze.stamps: which content a file of bronze had, by its stamp. Numbers in the machine's order behind a header with a
 * checksum; a file that does not check out is as good as none. */
#include <stdlib.h>
#include <string.h>
#include "lake_internal.h"

#define SEEN_MAGIC UINT64_C(0x314e454553445400) /* "\0TDSEEN1": of another byte order it is another number */
/* Beside the journal: like that it tells of this lake on this disk, so that equal data still makes equal lakes. */
#define SEEN_PATH "_runs/bronze.stamps"
#define SEEN_MAX ((size_t)1 << 30)

struct seen_head {
    uint64_t magic, count, check;
};

static uint64_t key_of(enum td_table table, const struct td_bronze_file *file)
{
    return td_hash64(file->ticker, strlen(file->ticker), (uint64_t)table << 32 | (uint32_t)file->month);
}

static int by_key(const void *a, const void *b)
{
    const struct td_seen_file *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static uint64_t check_of(const struct td_seen_file *items, size_t count)
{
    return td_hash_block(items, count * sizeof *items, count);
}

void td_seen_read(const struct td_lake *lake, struct td_seen *out)
{
    *out = (struct td_seen){0};
    struct td_buf path, bytes;
    struct seen_head head = {0};
    td_buf_init(&path, 2048);
    td_buf_init(&bytes, SEEN_MAX + 65536);
    if (lake_path(lake, &path, NULL, SEEN_PATH) == TD_OK && td_file_read(path.data, SEEN_MAX, &bytes, NULL) == TD_OK &&
        bytes.len >= sizeof head) {
        memcpy(&head, bytes.data, sizeof head);
        size_t have = (bytes.len - sizeof head) / sizeof *out->items;
        if (head.magic == SEEN_MAGIC && head.count == have && have && bytes.len == sizeof head + have * sizeof *out->items &&
            td_grow(&out->items, &out->cap, have, sizeof *out->items, NULL) == TD_OK) {
            memcpy(out->items, bytes.data + sizeof head, have * sizeof *out->items);
            out->count = check_of(out->items, have) == head.check ? have : 0;
        }
    }
    td_buf_free(&bytes);
    td_buf_free(&path);
}

uint64_t td_seen_find(const struct td_seen *seen, enum td_table table, const struct td_bronze_file *file)
{
    uint64_t key = key_of(table, file);
    size_t low = 0, high = seen->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (seen->items[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    const struct td_seen_file *item = low < seen->count ? &seen->items[low] : NULL;
    return item && item->key == key && item->stamp == file->stamp ? item->hash : 0;
}

enum td_code td_seen_add(struct td_seen *seen, enum td_table table, const struct td_bronze_file *file, uint64_t hash,
                         struct td_err *err)
{
    enum td_code code = td_grow(&seen->items, &seen->cap, seen->count + 1, sizeof *seen->items, err);
    if (code == TD_OK)
        seen->items[seen->count++] = (struct td_seen_file){key_of(table, file), file->stamp, hash};
    return code;
}

enum td_code td_seen_write(const struct td_lake *lake, struct td_seen *seen, struct td_err *err)
{
    if (seen->count > 1)
        qsort(seen->items, seen->count, sizeof *seen->items, by_key);
    const struct seen_head head = {SEEN_MAGIC, seen->count, check_of(seen->items, seen->count)};
    struct td_buf path;
    struct td_publish pub;
    td_buf_init(&path, 2048);
    enum td_code code = lake_path(lake, &path, err, SEEN_PATH);
    if (code == TD_OK)
        code = td_mkdirs_for(path.data, err);
    if (code == TD_OK)
        code = td_publish_begin(&pub, path.data, err);
    if (code == TD_OK) {
        code = td_write_all(pub.fd, &head, sizeof head, path.data, err);
        if (code == TD_OK && seen->count)
            code = td_write_all(pub.fd, seen->items, seen->count * sizeof *seen->items, path.data, err);
        if (code == TD_OK)
            code = td_publish_commit(&pub, err);
        else
            td_publish_abort(&pub);
    }
    td_buf_free(&path);
    return code;
}

void td_seen_free(struct td_seen *seen)
{
    td_free(seen->items);
    *seen = (struct td_seen){0};
}
