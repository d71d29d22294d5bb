/* SPDX-License-Identifier: GPL-3.0-or-later
 * pubwork THREADS FROM TO   publish copies of the files in the ticker folders of FROM under TO: temporary, fsync,
 * rename, fsync of the folder. From memory; prints seconds, files and bytes: the floor under a build that ends in these files. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <tapedeck/base.h>

struct item {
    char path[2100];
    struct td_buf bytes;
};

static struct item *items; /* read-only once loaded */
static size_t count, cap;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t next_item;   /* under lock */
static struct td_err first; /* under lock */

static enum td_code load_folder(const char *from, const char *to, const char *name, struct td_err *err)
{
    char folder[1400], path[2100];
    struct td_names names = {0};
    td_snprintf(folder, sizeof folder, "%s/%s", from, name);
    enum td_code code = td_dir_list(folder, &names, err);
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        code = td_grow(&items, &cap, count + 1, sizeof *items, err);
        if (code != TD_OK)
            break;
        struct item *item = &items[count++];
        td_buf_init(&item->bytes, 64 << 20);
        td_snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        td_snprintf(item->path, sizeof item->path, "%s/%s/%s", to, name, names.items[i]);
        code = td_file_read(path, 64 << 20, &item->bytes, err);
    }
    td_names_free(&names);
    return code;
}

static enum td_code load(const char *from, const char *to, struct td_err *err)
{
    struct td_names folders = {0};
    enum td_code code = td_dir_list(from, &folders, err);
    for (size_t i = 0; code == TD_OK && i < folders.count; i++)
        if (strncmp(folders.items[i], "ticker=", 7) == 0)
            code = load_folder(from, to, folders.items[i], err);
    td_names_free(&folders);
    return code == TD_OK && count == 0 ? td_fail(err, TD_MISSING, "%s: no files", from) : code;
}

static void publish(void *arg, unsigned worker)
{
    struct td_err err = {0};
    (void)arg;
    (void)worker;
    while (err.code == TD_OK) {
        pthread_mutex_lock(&lock);
        size_t mine = next_item < count ? next_item++ : count;
        pthread_mutex_unlock(&lock);
        if (mine == count)
            return;
        if (td_mkdirs_for(items[mine].path, &err) == TD_OK)
            td_publish_bytes(items[mine].path, items[mine].bytes.data, items[mine].bytes.len, &err);
    }
    pthread_mutex_lock(&lock);
    first = err;
    next_item = count;
    pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
    struct td_err err = {0};
    int64_t threads = 0;
    if (argc != 4 || !td_parse_i64(argv[1], strlen(argv[1]), &threads) || threads < 1 || threads > 64) {
        fprintf(stderr, "usage: pubwork THREADS FROM TO\n");
        return 2;
    }
    struct td_pool *pool = NULL;
    unsigned long long bytes = 0;
    enum td_code code = load(argv[2], argv[3], &err);
    if (code == TD_OK)
        code = td_pool_new((unsigned)threads, &pool, &err);
    int64_t begin = td_mono_ns();
    for (int64_t i = 0; code == TD_OK && i < threads; i++)
        code = td_pool_submit(pool, publish, NULL, &err);
    if (pool)
        td_pool_free(pool);
    double seconds = (double)(td_mono_ns() - begin) / 1e9;
    if (code == TD_OK && first.code != TD_OK) {
        err = first;
        code = first.code;
    }
    for (size_t i = 0; i < count; i++) {
        bytes += items[i].bytes.len;
        td_buf_free(&items[i].bytes);
    }
    td_free(items);
    if (code != TD_OK)
        fprintf(stderr, "pubwork: %s\n", err.text);
    else
        printf("%.6f %zu %llu\n", seconds, count, bytes);
    return code == TD_OK ? 0 : 1;
}
