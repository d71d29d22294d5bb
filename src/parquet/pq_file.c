/* SPDX-License-Identifier: GPL-3.0-or-later
 * Opening a file, and what its footer tells. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "pq_file.h"

#define PQ_TAIL 65536 /* bytes read from the end in one go: nearly always the whole footer, often the whole file */
#define PQ_DEFAULT_MEMORY (UINT64_C(256) << 20)

const uint8_t *pq_file_held(const struct td_pq_file *file, uint64_t at, uint64_t len)
{
    (void)len; /* held bytes reach to the end of the file */
    return file->held && at >= file->held_at ? file->held + (at - file->held_at) : NULL;
}

enum td_code pq_file_read(const struct td_pq_file *file, uint64_t at, size_t len, void *dst, struct td_err *err)
{
    const uint8_t *held = pq_file_held(file, at, len);
    uint8_t *to = dst;
    if (held) {
        memcpy(dst, held, len);
        return TD_OK;
    }
    while (len) {
        ssize_t got = pread(file->fd, to, len, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return td_fail_errno(err, errno, "%s: reading at offset %llu", file->name, (unsigned long long)at);
        if (got == 0)
            return td_fail(err, TD_DATA, "%s: the file became shorter while it was read (offset %llu)", file->name,
                           (unsigned long long)at);
        to += got;
        at += (uint64_t)got;
        len -= (size_t)got;
    }
    return TD_OK;
}

static enum td_code open_descriptor(struct td_pq_file *file, const char *path, struct td_err *err)
{
    struct stat st;
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* no waiting for the writer of a pipe */
    if (file->fd < 0)
        return td_fail_errno(err, errno, "%s: opening", path);
    if (fstat(file->fd, &st) != 0)
        return td_fail_errno(err, errno, "%s: reading its size", path);
    if (!S_ISREG(st.st_mode))
        return td_fail(err, TD_DATA, "%s: not a regular file", path);
    file->size = (uint64_t)st.st_size;
    return TD_OK;
}

static enum td_code load_tail(struct td_pq_file *file, struct td_err *err)
{
    size_t len = file->size < PQ_TAIL ? (size_t)file->size : PQ_TAIL;
    enum td_code code;
    file->owned = td_malloc(len);
    if (!file->owned)
        return td_fail(err, TD_NOMEM, "%s: out of memory for the footer", file->name);
    code = pq_file_read(file, file->size - len, len, file->owned, err);
    if (code != TD_OK)
        return code;
    file->held = file->owned;
    file->held_at = file->size - len;
    if (!file->held_at) {
        close(file->fd);
        file->fd = -1;
    }
    return TD_OK;
}

static enum td_code check_magic(const struct td_pq_file *file, const uint8_t *last8, struct td_err *err)
{
    char first[4];
    if (memcmp(last8 + 4, "PARE", 4) == 0)
        return td_fail(err, TD_UNSUPPORTED, "%s: the footer is encrypted", file->name);
    if (memcmp(last8 + 4, "PAR1", 4) != 0)
        return td_fail(err, TD_DATA, "%s: not a Parquet file, or its end is missing (no PAR1 at offset %llu)",
                       file->name, (unsigned long long)(file->size - 4));
    enum td_code code = pq_file_read(file, 0, 4, first, err);
    if (code == TD_OK && memcmp(first, "PAR1", 4) != 0)
        code = td_fail(err, TD_DATA, "%s: not a Parquet file (no PAR1 at its start)", file->name);
    return code;
}

static enum td_code parse_footer(struct td_pq_file *file, struct td_err *err)
{
    uint8_t last8[8];
    uint32_t len;
    const char *why = NULL;
    size_t where = 0;
    if (file->size < 12)
        return td_fail(err, TD_DATA, "%s: not a Parquet file (%llu bytes)", file->name, (unsigned long long)file->size);
    enum td_code code = pq_file_read(file, file->size - 8, 8, last8, err);
    if (code == TD_OK)
        code = check_magic(file, last8, err);
    if (code != TD_OK)
        return code;
    memcpy(&len, last8, 4);
    if (!len || len > file->size - 12)
        return td_fail(err, TD_DATA, "%s: offset %llu: the footer claims %u bytes of a file of %llu", file->name,
                       (unsigned long long)(file->size - 8), len, (unsigned long long)file->size);
    uint64_t start = file->footer_at = file->size - 8 - len;
    const uint8_t *bytes = pq_file_held(file, start, len);
    uint8_t *copy = NULL;
    if (!bytes) {
        if (len > file->memory || !(copy = td_malloc(len)))
            return td_fail(err, TD_NOMEM, "%s: out of memory for a footer of %u bytes", file->name, len);
        code = pq_file_read(file, start, len, copy, err);
        bytes = copy;
    }
    if (code == TD_OK) {
        code = pq_meta_parse(&file->meta, bytes, len, (int64_t)start, &file->arena, &why, &where);
        file->check_crc |= code == TD_OK && !file->skip_crc && strncmp(file->meta.created_by, "tapedeck version ", 17) == 0;
        if (code != TD_OK)
            td_fail(err, code, "%s: footer at offset %llu: %s", file->name, (unsigned long long)(start + where), why);
    }
    td_free(copy);
    return code;
}

static struct td_pq_file *new_file(const char *name, const struct td_pq_limits *limits)
{
    struct td_pq_file *file = td_calloc(1, sizeof *file);
    if (!file)
        return NULL;
    file->fd = -1;
    file->skip_crc = limits && limits->skip_crc;
    file->check_crc = limits && limits->check_crc;
    file->memory = limits && limits->memory ? limits->memory : PQ_DEFAULT_MEMORY;
    td_arena_init(&file->arena, file->memory / 4 > SIZE_MAX ? SIZE_MAX : (size_t)(file->memory / 4));
    file->name = td_strdup(name);
    file->seal = td_calloc(1, sizeof *file->seal);
    if (!file->name || !file->seal) {
        td_free(file->name);
        td_free(file->seal);
        td_free(file);
        return NULL;
    }
    return file;
}

enum td_code td_pq_open(const char *path, const struct td_pq_limits *limits, struct td_pq_file **out,
                        struct td_err *err)
{
    struct td_pq_file *file = new_file(path, limits);
    enum td_code code;
    *out = NULL;
    if (!file)
        return td_fail(err, TD_NOMEM, "%s: out of memory", path);
    code = open_descriptor(file, path, err);
    if (code == TD_OK && file->size >= 12)
        code = load_tail(file, err);
    if (code == TD_OK)
        code = parse_footer(file, err);
    if (code == TD_OK)
        *out = file;
    else
        td_pq_close(file);
    return code;
}

enum td_code td_pq_open_memory(const void *data, size_t len, const char *name, const struct td_pq_limits *limits,
                               struct td_pq_file **out, struct td_err *err)
{
    struct td_pq_file *file = new_file(name, limits);
    enum td_code code;
    *out = NULL;
    if (!file)
        return td_fail(err, TD_NOMEM, "%s: out of memory", name);
    file->held = data;
    file->size = len;
    code = parse_footer(file, err);
    if (code == TD_OK)
        *out = file;
    else
        td_pq_close(file);
    return code;
}

void td_pq_close(struct td_pq_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    td_arena_free(&file->arena);
    td_free(file->owned);
    td_free(file->name);
    td_free(file->seal);
    td_free(file);
}

int64_t td_pq_rows(const struct td_pq_file *file)
{
    return file->meta.rows;
}

size_t td_pq_column_count(const struct td_pq_file *file)
{
    return file->meta.leaf_count;
}

const struct td_pq_column *td_pq_column_at(const struct td_pq_file *file, size_t i)
{
    return &file->meta.leaves[i].column;
}

int td_pq_find(const struct td_pq_file *file, const char *name)
{
    for (size_t i = 0; i < file->meta.leaf_count; i++)
        if (strcmp(file->meta.leaves[i].column.name, name) == 0)
            return (int)i;
    return -1;
}

size_t td_pq_group_count(const struct td_pq_file *file)
{
    return file->meta.group_count;
}

int64_t td_pq_group_rows(const struct td_pq_file *file, size_t group)
{
    return file->meta.groups[group].rows;
}

const char *td_pq_created_by(const struct td_pq_file *file)
{
    return file->meta.created_by;
}

const char *td_pq_meta(const struct td_pq_file *file, const char *key)
{
    for (size_t i = 0; i < file->meta.pair_count; i++)
        if (strcmp(file->meta.pairs[i].key, key) == 0)
            return file->meta.pairs[i].value;
    return NULL;
}

size_t td_pq_meta_count(const struct td_pq_file *file)
{
    return file->meta.pair_count;
}

void td_pq_meta_at(const struct td_pq_file *file, size_t i, const char **key, const char **value)
{
    *key = file->meta.pairs[i].key;
    *value = file->meta.pairs[i].value;
}

void td_pq_chunk(const struct td_pq_file *file, size_t group, size_t column, struct td_pq_chunk_info *out)
{
    const struct pq_chunk *c = &file->meta.groups[group].chunks[column];
    *out = (struct td_pq_chunk_info){.codec = (enum td_pq_codec)c->codec,
                                     .values = c->values,
                                     .nulls = c->stats.nulls,
                                     .compressed = c->compressed,
                                     .uncompressed = c->uncompressed,
                                     .offset = c->start,
                                     .encodings = c->encodings,
                                     .offset_index = c->offset_index_length > 0,
                                     .column_index = c->column_index_length > 0};
    out->has_min_max = pq_stats_bounds(&file->meta.leaves[column], &c->stats, &out->min, &out->max);
}
