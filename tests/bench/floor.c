/* SPDX-License-Identifier: GPL-3.0-or-later
 * floor decode|encode THREADS COLUMNS PLACE   what no program that reads, or writes, these columns of the Parquet files under PLACE
 * can go below: zstd alone of their pages, which lie in memory; decode unpacks each, encode packs what was unpacked at level 2.
 * COLUMNS are names with commas, or *. Prints seconds, plain bytes and pages. Whoever opens files, reads, checks, computes and
 * publishes takes longer. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tapedeck/parquet.h>
#include <time.h>
#include <zstd.h>

struct page {
    size_t offset, packed; /* in `bytes` */
    size_t plain, plain_offset; /* in `plains`, when encoding */
};
static struct {
    struct page *pages;
    size_t count, cap, plain;
    uint8_t *bytes, *plains;
    size_t len, bytes_cap;
    atomic_size_t next;
    bool encode, failed;
} now; /* fixed while threads run, but for next */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

/* ---- pages of the files, their packed bytes one after the other ---- */

struct chunk_walk {
    const uint8_t *file;
    size_t len;
    struct page held;
    int64_t held_at; /* where the header of the page in hand begins; -1 none */
};

static void keep(struct chunk_walk *walk, int64_t next)
{
    if (walk->held_at < 0 || next > (int64_t)walk->len || walk->held.packed == 0)
        return;
    const uint8_t *body = walk->file + next - (int64_t)walk->held.packed;
    const uint8_t *frame = memmem(body, walk->held.packed < 4096 ? walk->held.packed : 4096, "\x28\xb5\x2f\xfd", 4);
    if (!frame) /* behind the levels in pages of the second kind; a page that is stored plainly costs nothing */
        return;
    walk->held.packed -= (size_t)(frame - body);
    body = frame;
    if (now.count == now.cap) {
        now.cap = now.cap ? 2 * now.cap : 1 << 16;
        now.pages = realloc(now.pages, now.cap * sizeof *now.pages);
    }
    while (now.len + walk->held.packed > now.bytes_cap) {
        now.bytes_cap = now.bytes_cap ? 2 * now.bytes_cap : 64 << 20;
        now.bytes = realloc(now.bytes, now.bytes_cap);
    }
    if (!now.pages || !now.bytes)
        fail("pages", "out of memory");
    memcpy(now.bytes + now.len, body, walk->held.packed);
    walk->held.offset = now.len;
    unsigned long long size = ZSTD_getFrameContentSize(body, walk->held.packed);
    walk->held.plain = size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ? walk->held.plain : (size_t)size;
    walk->held.plain_offset = now.plain;
    now.plain += walk->held.plain;
    now.len += walk->held.packed;
    now.pages[now.count++] = walk->held;
}

static bool on_page(void *ctx, const struct td_pq_page_info *info)
{
    struct chunk_walk *walk = ctx;
    keep(walk, info->offset);
    walk->held = (struct page){.packed = (size_t)info->compressed, .plain = (size_t)info->uncompressed};
    walk->held_at = info->offset;
    return true;
}

static bool wanted(const char *columns, const char *name)
{
    size_t len = strlen(name);
    if (strcmp(columns, "*") == 0)
        return true;
    for (const char *at = columns; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, len) == 0 && (at[len] == ',' || at[len] == 0))
            return true;
    return false;
}

static void load_file(const char *path, const char *columns)
{
    struct td_err err = {0};
    struct td_buf bytes;
    struct td_pq_file *file = NULL;
    td_buf_init(&bytes, (size_t)1 << 30);
    if (td_file_read(path, (size_t)1 << 30, &bytes, &err) || td_pq_open_memory(bytes.data, bytes.len, path, NULL, &file, &err))
        fail(path, err.text);
    for (size_t g = 0; g < td_pq_group_count(file); g++)
        for (size_t c = 0; c < td_pq_column_count(file); c++) {
            struct td_pq_chunk_info chunk;
            struct chunk_walk walk = {.file = (const uint8_t *)bytes.data, .len = bytes.len, .held_at = -1};
            if (!wanted(columns, td_pq_column_at(file, c)->name))
                continue;
            td_pq_chunk(file, g, c, &chunk);
            if (td_pq_pages(file, g, c, on_page, &walk, &err))
                fail(path, err.text);
            keep(&walk, chunk.offset + chunk.compressed);
        }
    td_pq_close(file);
    td_buf_free(&bytes);
}

static void load(const char *place, const char *columns)
{
    struct td_err err = {0};
    struct td_names names = {0};
    struct stat st;
    size_t len = strlen(place);
    if (stat(place, &st) == 0 && S_ISREG(st.st_mode)) {
        if (len > 8 && strcmp(place + len - 8, ".parquet") == 0)
            load_file(place, columns);
        return;
    }
    if (td_dir_list(place, &names, &err))
        fail(place, err.text);
    for (size_t i = 0; i < names.count; i++) {
        char path[4096];
        td_snprintf(path, sizeof path, "%s/%s", place, names.items[i]);
        load(path, columns);
    }
    td_names_free(&names);
}

/* ---- the work ---- */

static void *work(void *unused)
{
    size_t cap = 64 << 20, i;
    uint8_t *out = malloc(cap);
    ZSTD_DCtx *unpack = ZSTD_createDCtx();
    ZSTD_CCtx *pack = ZSTD_createCCtx();
    (void)unused;
    if (!out || !unpack || !pack)
        fail("zstd", "out of memory");
    while ((i = atomic_fetch_add(&now.next, 1)) < now.count) {
        const struct page *page = &now.pages[i];
        size_t n = now.encode ? ZSTD_compressCCtx(pack, out, cap, now.plains + page->plain_offset, page->plain, 2)
                              : ZSTD_decompressDCtx(unpack, now.plains ? now.plains + page->plain_offset : out,
                                                    now.plains ? page->plain : cap, now.bytes + page->offset, page->packed);
        if (ZSTD_isError(n))
            fail("zstd", ZSTD_getErrorName(n));
    }
    ZSTD_freeDCtx(unpack);
    ZSTD_freeCCtx(pack);
    free(out);
    return NULL;
}

static double run(int threads)
{
    struct timespec a, b;
    pthread_t ids[16];
    atomic_store(&now.next, 0);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&ids[i], NULL, work, NULL))
            fail("threads", "cannot start one");
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
    int64_t threads = 0;
    if (argc != 5 || !td_parse_i64(argv[2], strlen(argv[2]), &threads) || threads < 1 || threads > 16)
        fail("usage", "floor decode|encode THREADS COLUMNS PLACE");
    load(argv[4], argv[3]);
    bool encode = strcmp(argv[1], "encode") == 0;
    if (encode) { /* unpacked once, outside the clock */
        now.plains = malloc(now.plain + 1);
        if (!now.plains)
            fail("pages", "out of memory");
        run((int)threads);
        now.encode = true;
    }
    double best = run((int)threads);
    printf("%.6f %zu %zu\n", best, now.plain, now.count);
    return 0;
}
