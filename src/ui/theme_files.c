/* SPDX-License-Identifier: GPL-3.0-or-later
 * theme_files: where theme files lie: the user's folder first, then beside the program, then the installed one. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "theme.h"

#define FOLDERS_MAX 6
#define THEME_BYTES_MAX (256u << 10)

struct theme_folders {
    char paths[FOLDERS_MAX][1024];
    size_t count;
};

static void add_folder(struct theme_folders *out, const char *base, const char *rest)
{
    if (out->count < FOLDERS_MAX && base && base[0] == '/' &&
        td_snprintf(out->paths[out->count], sizeof out->paths[0], "%s%s", base, rest))
        out->count++;
}

/* Folder of the running program, for a build tree (build/release/tapedeck) and for PREFIX/bin. */
static void add_beside_program(struct theme_folders *out)
{
    char path[1024];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        return;
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        return;
    *slash = '\0';
    add_folder(out, path, "/../../themes");
    add_folder(out, path, "/../share/tapedeck/themes");
}

static void find_folders(struct theme_folders *out)
{
    out->count = 0;
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && *config)
        add_folder(out, config, "/tapedeck/themes");
    else
        add_folder(out, home, "/.config/tapedeck/themes");
    add_folder(out, getenv("TAPEDECK_SHARE"), "/themes");
    add_beside_program(out);
    add_folder(out, "/usr/local", "/share/tapedeck/themes");
    add_folder(out, "/usr", "/share/tapedeck/themes");
}

enum td_code theme_names(struct td_names *out, struct td_err *err)
{
    struct theme_folders folders;
    enum td_code code = TD_OK;
    find_folders(&folders);
    for (size_t i = 0; i < folders.count && code == TD_OK; i++) {
        struct td_names files = {0};
        if (td_dir_list(folders.paths[i], &files, NULL) == TD_OK) {
            for (size_t j = 0; j < files.count && code == TD_OK; j++) {
                size_t len = strlen(files.items[j]);
                if (len > 5 && strcmp(files.items[j] + len - 5, ".yaml") == 0)
                    code = td_names_add(out, files.items[j], len - 5, err);
            }
        }
        td_names_free(&files);
    }
    td_names_sort_unique(out);
    return code;
}

static enum td_code missing(const char *name, struct td_err *err)
{
    struct td_names known = {0};
    char list[256] = "none found";
    size_t used = 0;
    if (theme_names(&known, NULL) == TD_OK)
        for (size_t i = 0; i < known.count && used < sizeof list; i++) {
            td_snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known.items[i]);
            used += strlen(list + used);
        }
    td_names_free(&known);
    return td_fail(err, TD_MISSING, "no theme %s; themes: %s", name, list);
}

enum td_code theme_load(const char *name, struct theme *out, struct td_err *err)
{
    struct theme_folders folders;
    if (!*name || strchr(name, '/') || name[0] == '.')
        return td_fail(err, TD_USAGE, "a theme is named by a word such as dark, not by %s", *name ? name : "nothing");
    find_folders(&folders);
    for (size_t i = 0; i < folders.count; i++) {
        char path[1100];
        if (!td_snprintf(path, sizeof path, "%s/%s.yaml", folders.paths[i], name) || !td_file_exists(path))
            continue;
        struct td_buf text;
        td_buf_init(&text, THEME_BYTES_MAX);
        enum td_code code = td_file_read(path, THEME_BYTES_MAX, &text, err);
        if (code == TD_OK)
            code = theme_parse(text.data ? text.data : "", text.len, path, out, err);
        td_buf_free(&text);
        return code;
    }
    return missing(name, err);
}
