/* SPDX-License-Identifier: GPL-3.0-or-later
 * Walking a lake's folders: counting what is there, sweeping temporaries of killed runs. No recursion: a stack of paths. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lake_internal.h"

#define MAX_DEPTH 16

static enum td_code sweep_file(void *ctx, const char *path, const char *name, const struct stat *st, struct td_err *err);

static bool is_table(const char *name)
{
    size_t len = strlen(name);
    return len > 8 && strcmp(name + len - 8, ".parquet") == 0;
}

static enum td_code walk_folder(const char *folder, struct td_names *stack, lake_walk_fn *fn, void *ctx, struct td_err *err)
{
    bool sweep = fn == sweep_file;
    struct td_names names = {0};
    enum td_code code = td_dir_list(folder, &names, err);
    size_t depth = 0;
    for (const char *p = folder; *p; p++)
        depth += *p == '/';
    for (size_t i = 0; code == TD_OK && i < names.count; i++) {
        char path[2048];
        struct stat st;
        if (sweep && is_table(names.items[i]))
            continue; /* most names by far: no look at the disk for them */
        if (!td_snprintf(path, sizeof path, "%s/%s", folder, names.items[i]) || lstat(path, &st) != 0)
            continue; /* gone since it was listed */
        if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH + 64)
            code = td_names_add(stack, path, strlen(path), err);
        else if (S_ISREG(st.st_mode))
            code = fn(ctx, path, names.items[i], &st, err);
    }
    td_names_free(&names);
    return code;
}

static enum td_code walk_tree(const char *root, lake_walk_fn *fn, void *ctx, struct td_err *err)
{
    struct td_names stack = {0};
    enum td_code code = td_names_add(&stack, root, strlen(root), err);
    while (code == TD_OK && stack.count) {
        char *next = stack.items[--stack.count];
        code = walk_folder(next, &stack, fn, ctx, err);
        td_free(next);
    }
    td_names_free(&stack);
    return code;
}

enum td_code lake_walk(const struct td_lake *lake, const char *folder, lake_walk_fn *fn, void *ctx, struct td_err *err)
{
    struct td_buf root;
    td_buf_init(&root, 2048);
    enum td_code code = lake_path(lake, &root, err, "%s", folder);
    if (code == TD_OK)
        code = walk_tree(*folder ? root.data : lake->root, fn, ctx, err);
    td_buf_free(&root);
    return code;
}

static enum td_code count_file(void *ctx, const char *path, const char *name, const struct stat *st, struct td_err *err)
{
    struct td_lake_counts *counts = ctx;
    (void)path;
    (void)err;
    if (td_is_temp_name(name)) {
        counts->leftovers++;
    } else {
        counts->files++;
        counts->bytes += (uint64_t)st->st_size;
    }
    return TD_OK;
}

enum td_code td_lake_count(const struct td_lake *lake, const char *folder, struct td_lake_counts *out, struct td_err *err)
{
    *out = (struct td_lake_counts){0};
    return lake_walk(lake, folder, count_file, out, err);
}

static enum td_code sweep_file(void *ctx, const char *path, const char *name, const struct stat *st, struct td_err *err)
{
    (void)st;
    if (!td_is_temp_name(name))
        return TD_OK;
    if (unlink(path) != 0 && errno != ENOENT)
        return td_fail_errno(err, errno, "%s: cannot remove the leftover of a killed run", path);
    *(uint64_t *)ctx += 1;
    return TD_OK;
}

enum td_code td_lake_sweep(const struct td_lake *lake, const char *folder, uint64_t *removed, struct td_err *err)
{
    *removed = 0;
    return lake_walk(lake, folder, sweep_file, removed, err);
}

enum td_code td_cache_sweep(const struct td_lake *lake, uint64_t *removed, struct td_err *err)
{
    struct td_buf folder;
    *removed = 0;
    td_buf_init(&folder, 2048);
    enum td_code code = td_cache_folder(lake, &folder, err);
    if (code == TD_OK)
        code = walk_tree(folder.data, sweep_file, removed, err);
    td_buf_free(&folder);
    return code;
}
