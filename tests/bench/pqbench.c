/* SPDX-License-Identifier: GPL-3.0-or-later
 * The Parquet bench's own side: one job a line on standard input, one line of numbers for each on standard output, so that
 * jobs of several engines can take turns without any of them starting anew. PLACE is a file or a folder of files, COLUMNS are
 * names with commas or *. Times are seconds by the clock and seconds of processor. Built on the doors of base and parquet alone.
 *   scan THREADS COLUMNS PLACE    open, read, sum every column      -> times rows sum...
 *   read THREADS COLUMNS PLACE    open and read into arrays         -> times rows
 *   columns THREADS COLUMNS FILE  scan, a column chunk a task instead of a range of rows
 *   floor THREADS COLUMNS PLACE   zstd alone of the same pages, which lie in memory -> times bytes
 *   proof THREADS COLUMNS PLACE   count, sum, least and greatest of every column    -> rows (count sum least greatest)...
 *   last ROWS COLUMNS FILE        open, position, read, close       -> times rows sum...
 *   write LEVEL PLACE FILE        rows of PLACE, held in memory, into one file      -> times rows bytes
 *   take ROWS PLACE FILE          the first ROWS rows of PLACE into one file, as write does */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <tapedeck/parquet.h>
#include <unistd.h>
#include <zstd.h>

#define BATCH 8192
#define COLS 32
#define THREADS 16

struct figures { /* of one column */
    double sum, least, greatest;
    int64_t count;
};

struct work { /* one a thread */
    struct td_pq_reader *reader;
    void *values[COLS]; /* BATCH slots of any type */
    uint64_t *valid[COLS];
    struct figures figures[COLS];
    int64_t rows, bytes;
    ZSTD_DCtx *zstd;
    uint8_t *page;
    size_t page_cap;
};

struct page { /* of the floor: bytes in memory */
    const uint8_t *bytes;
    size_t packed, plain;
};

enum job { SCAN, READ, COLUMNS, FLOOR, PROOF };

static struct { /* the job; fixed while workers run, but for next and first */
    enum job job;
    struct td_names files;
    const char *columns;
    size_t count;             /* of columns */
    atomic_size_t next;       /* file, part, chunk or page */
    struct td_pq_file *file;  /* when there is one only */
    int64_t cuts[THREADS + 1]; /* its parts */
    size_t parts;
    struct page *pages;
    size_t page_count, page_cap;
    pthread_mutex_t lock;
    struct td_err first; /* under lock */
} now = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct work works[THREADS];

static void job_failed(const struct td_err *err)
{
    pthread_mutex_lock(&now.lock);
    if (now.first.code == TD_OK)
        now.first = *err;
    pthread_mutex_unlock(&now.lock);
    atomic_store(&now.next, SIZE_MAX / 2);
}

/* ---- time ---- */

static double processor_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct watch {
    int64_t begin;
    double used;
};

static struct watch start_watch(void)
{
    return (struct watch){td_mono_ns(), processor_seconds()};
}

static struct watch stop_watch(struct watch w) /* nanoseconds and seconds since */
{
    return (struct watch){td_mono_ns() - w.begin, processor_seconds() - w.used};
}

static void print_watch(struct watch w)
{
    printf("%.7f %.6f ", (double)w.begin / 1e9, w.used);
}

/* ---- columns ---- */

static enum td_code choose(const struct td_pq_file *file, const char *path, int *out, size_t *count, struct td_err *err)
{
    const char *at = now.columns;
    *count = 0;
    if (strcmp(at, "*") == 0) {
        for (; *count < td_pq_column_count(file) && *count < COLS; ++*count)
            out[*count] = (int)*count;
        return TD_OK;
    }
    while (*at && *count < COLS) {
        char name[64];
        size_t len = strcspn(at, ",");
        td_snprintf(name, sizeof name, "%.*s", (int)len, at);
        if ((out[*count] = td_pq_find(file, name)) < 0)
            return td_fail(err, TD_DATA, "%s: no column '%s'", path, name);
        ++*count;
        at += len + (at[len] == ',');
    }
    return TD_OK;
}

static double number(enum td_pq_type type, const void *values, size_t i)
{
    switch (type) {
    case TD_PQ_BOOLEAN: return ((const uint8_t *)values)[i];
    case TD_PQ_INT32: return ((const int32_t *)values)[i];
    case TD_PQ_INT64: return (double)((const int64_t *)values)[i];
    case TD_PQ_FLOAT: return (double)((const float *)values)[i];
    case TD_PQ_DOUBLE: return ((const double *)values)[i];
    default: return (double)((const struct td_str *)values)[i].len;
    }
}

/* Moments of any unit in milliseconds. */
static double scale_of(const struct td_pq_column *column)
{
    if (column->logical != TD_PQ_TIMESTAMP || column->unit == TD_PQ_MILLIS)
        return 1;
    return column->unit == TD_PQ_MICROS ? 1e-3 : 1e-6;
}

static double sum_of(enum td_pq_type type, const void *values, size_t rows)
{
    double part[8] = {0}; /* eight chains of additions instead of one */
    size_t i = 0;
    if (type == TD_PQ_DOUBLE) {
        for (const double *v = values; i + 8 <= rows; i += 8)
            for (size_t k = 0; k < 8; k++)
                part[k] += v[i + k];
    } else if (type == TD_PQ_INT64) {
        for (const int64_t *v = values; i + 8 <= rows; i += 8)
            for (size_t k = 0; k < 8; k++)
                part[k] += (double)v[i + k];
    }
    for (; i < rows; i++)
        part[0] += number(type, values, i);
    return part[0] + part[1] + part[2] + part[3] + part[4] + part[5] + part[6] + part[7];
}

static void add_up(struct figures *f, const struct td_pq_column *column, const struct td_pq_array *array, size_t rows)
{
    const double scale = scale_of(column);
    f->sum += scale * sum_of(column->type, array->values, rows); /* a null slot holds zero bytes */
    for (size_t i = 0; now.job == PROOF && i < rows; i++) {
        if (!td_pq_valid(array->valid, i))
            continue;
        double v = number(column->type, array->values, i);
        v = scale == 1 ? v : scale == 1e-3 ? v / 1e3 : v / 1e6;
        f->least = f->count && f->least < v ? f->least : v;
        f->greatest = f->count && f->greatest > v ? f->greatest : v;
        f->count++;
    }
}

/* ---- reading ---- */

static enum td_code take_reader(struct work *w, const struct td_pq_file *file, const int *columns, size_t count,
                                struct td_err *err)
{
    return w->reader ? td_pq_reader_reset(w->reader, file, columns, count, err)
                     : td_pq_reader_new(file, columns, count, &w->reader, err);
}

/* The next `left` rows of the worker's reader, in batches; its columns are the job's from `first` on. */
static enum td_code drain(struct work *w, const struct td_pq_file *file, const int *columns, size_t first, size_t count,
                          int64_t left, struct td_err *err)
{
    struct td_pq_array arrays[COLS];
    enum td_code code = TD_OK;
    for (size_t c = 0; c < count; c++) {
        bool optional = td_pq_column_at(file, (size_t)columns[c])->optional;
        arrays[c] = (struct td_pq_array){w->values[c], optional ? w->valid[c] : NULL};
    }
    while (code == TD_OK && left) {
        size_t want = left < BATCH ? (size_t)left : BATCH, got;
        code = td_pq_read(w->reader, arrays, want, &got, err);
        if (code == TD_OK && !got)
            code = td_fail(err, TD_DATA, "rows are missing");
        for (size_t c = 0; code == TD_OK && now.job != READ && c < count; c++)
            add_up(&w->figures[first + c], td_pq_column_at(file, (size_t)columns[c]), &arrays[c], got);
        left -= code == TD_OK ? (int64_t)got : 0;
        w->rows += code == TD_OK && !first ? (int64_t)got : 0;
    }
    return code;
}

static enum td_code read_file(struct work *w, const char *path, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    int columns[COLS];
    size_t count = 0;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = choose(file, path, columns, &count, err);
    if (code == TD_OK)
        code = take_reader(w, file, columns, count, err);
    if (code == TD_OK)
        code = drain(w, file, columns, 0, count, td_pq_rows(file), err);
    td_pq_close(file);
    return code;
}

/* Rows [row, row + rows) of the one file, and of its columns `only` from `first` on. */
static enum td_code read_range(struct work *w, int64_t row, int64_t rows, size_t first, size_t only, struct td_err *err)
{
    int columns[COLS];
    size_t count = 0;
    enum td_code code = choose(now.file, now.files.items[0], columns, &count, err);
    if (code == TD_OK)
        code = take_reader(w, now.file, columns + first, only, err);
    if (code == TD_OK)
        code = td_pq_seek(w->reader, row, err);
    return code == TD_OK ? drain(w, now.file, columns + first, first, only, rows, err) : code;
}

static enum td_code read_chunk(struct work *w, size_t chunk, struct td_err *err)
{
    size_t group = chunk / now.count;
    int64_t row = 0;
    for (size_t g = 0; g < group; g++)
        row += td_pq_group_rows(now.file, g);
    return read_range(w, row, td_pq_group_rows(now.file, group), chunk % now.count, 1, err);
}

static enum td_code unzstd(struct work *w, size_t i, struct td_err *err)
{
    const struct page *p = &now.pages[i];
    if (!w->zstd && !(w->zstd = ZSTD_createDCtx()))
        return td_fail(err, TD_NOMEM, "out of memory");
    if (w->page_cap < p->plain) {
        free(w->page);
        w->page_cap = p->plain < 1 << 20 ? 1 << 20 : p->plain;
        w->page = malloc(w->page_cap);
        if (!w->page)
            return td_fail(err, TD_NOMEM, "out of memory");
    }
    w->bytes += (int64_t)p->plain;
    return ZSTD_decompressDCtx(w->zstd, w->page, w->page_cap, p->bytes, p->packed) == p->plain
               ? TD_OK
               : td_fail(err, TD_DATA, "page %zu is no zstd frame", i);
}

static size_t task_count(void)
{
    switch (now.job) {
    case FLOOR: return now.page_count;
    case COLUMNS: return td_pq_group_count(now.file) * now.count;
    default: return now.file ? now.parts : now.files.count;
    }
}

static void run(void *arg, unsigned worker)
{
    struct work *w = &works[worker];
    const size_t count = task_count();
    (void)arg;
    for (;;) {
        size_t i = atomic_fetch_add(&now.next, 1);
        struct td_err err = {0};
        enum td_code code;
        if (i >= count)
            return;
        if (now.job == FLOOR)
            code = unzstd(w, i, &err);
        else if (now.job == COLUMNS)
            code = read_chunk(w, i, &err);
        else if (now.file)
            code = read_range(w, now.cuts[i], now.cuts[i + 1] - now.cuts[i], 0, now.count, &err);
        else
            code = read_file(w, now.files.items[i], &err);
        if (code != TD_OK)
            job_failed(&err);
    }
}

/* ---- the floor's pages ---- */

struct listing {
    const uint8_t *file;
    size_t first; /* page of the chunk */
    enum td_code code;
};

static void end_page(const struct listing *l, int64_t end)
{
    if (now.page_count > l->first)
        now.pages[now.page_count - 1].bytes = l->file + end - (int64_t)now.pages[now.page_count - 1].packed;
}

static bool note_page(void *ctx, const struct td_pq_page_info *info)
{
    struct listing *l = ctx;
    end_page(l, info->offset);
    if (now.page_count == now.page_cap) {
        size_t cap = now.page_cap ? 2 * now.page_cap : 4096;
        struct page *more = realloc(now.pages, cap * sizeof *more);
        if (!more) {
            l->code = TD_NOMEM;
            return false;
        }
        now.pages = more;
        now.page_cap = cap;
    }
    now.pages[now.page_count++] = (struct page){NULL, (size_t)info->compressed, (size_t)info->uncompressed};
    return true;
}

static enum td_code list_pages(const char *path, struct td_buf *bytes, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    int columns[COLS];
    size_t count = 0;
    enum td_code code = td_file_read(path, SIZE_MAX / 4, bytes, err);
    if (code == TD_OK)
        code = td_pq_open_memory(bytes->data, bytes->len, path, NULL, &file, err);
    if (code == TD_OK)
        code = choose(file, path, columns, &count, err);
    for (size_t g = 0; code == TD_OK && g < td_pq_group_count(file); g++)
        for (size_t c = 0; code == TD_OK && c < count; c++) {
            struct td_pq_chunk_info chunk;
            struct listing l = {(const uint8_t *)bytes->data, now.page_count, TD_OK};
            td_pq_chunk(file, g, (size_t)columns[c], &chunk);
            code = td_pq_pages(file, g, (size_t)columns[c], note_page, &l, err);
            end_page(&l, chunk.offset + chunk.compressed);
            code = code == TD_OK ? l.code : code;
        }
    td_pq_close(file);
    return code;
}

/* ---- a job ---- */

static enum td_code list_files(const char *place, struct td_err *err)
{
    struct stat st;
    char path[2048];
    struct td_names found = {0};
    td_names_free(&now.files);
    if (stat(place, &st) == 0 && S_ISREG(st.st_mode))
        return td_names_add(&now.files, place, strlen(place), err);
    enum td_code code = td_dir_list(place, &found, err);
    for (size_t i = 0; code == TD_OK && i < found.count; i++) {
        td_snprintf(path, sizeof path, "%s/%s", place, found.items[i]);
        code = td_names_add(&now.files, path, strlen(path), err);
    }
    td_names_free(&found);
    return code == TD_OK && !now.files.count ? td_fail(err, TD_MISSING, "%s: no files", place) : code;
}

static enum td_code make_room(struct td_err *err)
{
    for (size_t t = 0; t < THREADS; t++)
        for (size_t c = 0; c < COLS; c++) {
            works[t].values[c] = calloc(BATCH, sizeof(struct td_str));
            works[t].valid[c] = calloc(TD_PQ_WORDS(BATCH), 8);
            if (!works[t].values[c] || !works[t].valid[c])
                return td_fail(err, TD_NOMEM, "out of memory for arrays");
        }
    return TD_OK;
}

static enum td_code open_one(size_t threads, struct td_err *err)
{
    int columns[COLS];
    enum td_code code = td_pq_open(now.files.items[0], NULL, &now.file, err);
    if (code == TD_OK)
        code = choose(now.file, now.files.items[0], columns, &now.count, err);
    if (code == TD_OK && now.job != COLUMNS)
        code = td_pq_split(now.file, columns, now.count, threads, now.cuts, err);
    now.parts = threads;
    return code;
}

static enum td_code all_threads(struct td_pool *pool, unsigned threads, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (unsigned t = 0; code == TD_OK && t < threads; t++)
        code = td_pool_submit(pool, run, NULL, err);
    td_pool_wait(pool);
    if (code == TD_OK && now.first.code != TD_OK)
        *err = now.first;
    return code == TD_OK ? now.first.code : code;
}

static void collect(int64_t *rows, int64_t *bytes, struct figures *total)
{
    for (size_t t = 0; t < THREADS; t++) {
        struct work *w = &works[t];
        *rows += w->rows;
        *bytes += w->bytes;
        for (size_t c = 0; c < COLS; c++) {
            const struct figures *f = &w->figures[c];
            total[c].sum += f->sum;
            if (f->count) {
                total[c].least = total[c].count && total[c].least < f->least ? total[c].least : f->least;
                total[c].greatest = total[c].count && total[c].greatest > f->greatest ? total[c].greatest : f->greatest;
            }
            total[c].count += f->count;
            w->figures[c] = (struct figures){0};
        }
        w->rows = w->bytes = 0;
    }
}

static void drop_readers(void)
{
    for (size_t t = 0; t < THREADS; t++) {
        td_pq_reader_free(works[t].reader);
        works[t].reader = NULL;
    }
}

static void print_figures(const struct figures *total, size_t count)
{
    for (size_t c = 0; c < count; c++)
        if (now.job == PROOF)
            printf(" %lld %.17g %.17g %.17g", (long long)total[c].count, total[c].sum, total[c].least, total[c].greatest);
        else
            printf(" %.17g", total[c].sum);
    printf("\n");
}

static size_t column_count(struct td_err *err)
{
    struct td_pq_file *file = NULL;
    int leaves[COLS];
    size_t count = 0;
    if (td_pq_open(now.files.items[0], NULL, &file, err) == TD_OK)
        choose(file, now.files.items[0], leaves, &count, err);
    td_pq_close(file);
    return count;
}

static enum td_code parallel(unsigned threads, const char *place, struct td_err *err)
{
    struct td_pool *pool = NULL;
    struct td_buf *bytes = NULL;
    struct figures total[COLS] = {{0}};
    int64_t rows = 0, plain = 0;
    drop_readers();
    enum td_code code = td_pool_new(threads, &pool, err);
    if (code == TD_OK && now.job == FLOOR) {
        code = list_files(place, err);
        bytes = code == TD_OK ? calloc(now.files.count, sizeof *bytes) : NULL;
        for (size_t i = 0; code == TD_OK && bytes && i < now.files.count; i++) {
            td_buf_init(&bytes[i], SIZE_MAX / 4);
            code = list_pages(now.files.items[i], &bytes[i], err);
        }
    }
    struct watch watch = start_watch();
    if (code == TD_OK && now.job != FLOOR)
        code = list_files(place, err);
    if (code == TD_OK && now.job != FLOOR && now.files.count == 1)
        code = open_one(threads, err);
    if (code == TD_OK)
        code = all_threads(pool, threads, err);
    drop_readers();
    td_pq_close(now.file);
    now.file = NULL;
    watch = stop_watch(watch);
    collect(&rows, &plain, total);
    if (code == TD_OK) {
        if (now.job != PROOF)
            print_watch(watch);
        printf("%lld", (long long)(now.job == FLOOR ? plain : rows));
        print_figures(total, now.job == FLOOR || now.job == READ ? 0 : column_count(err));
    }
    for (size_t i = 0; bytes && i < now.files.count; i++)
        td_buf_free(&bytes[i]);
    free(bytes);
    if (pool)
        td_pool_free(pool);
    return code;
}

static enum td_code last_rows(int64_t rows, const char *path, struct td_err *err)
{
    struct work *w = &works[0];
    struct figures total[COLS] = {{0}};
    struct td_pq_file *file = NULL;
    int leaves[COLS];
    size_t count = 0;
    int64_t none = 0, got = 0;
    struct watch watch = start_watch();
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = choose(file, path, leaves, &count, err);
    if (code == TD_OK)
        code = take_reader(w, file, leaves, count, err);
    if (code == TD_OK)
        code = td_pq_seek(w->reader, td_pq_rows(file) - rows, err);
    if (code == TD_OK)
        code = drain(w, file, leaves, 0, count, rows, err);
    td_pq_close(file); /* the reader stays, as it does where a person looks at one table after the other */
    watch = stop_watch(watch);
    collect(&got, &none, total);
    if (code == TD_OK) {
        print_watch(watch);
        printf("%lld", (long long)got);
        print_figures(total, count);
    }
    return code;
}

/* ---- write ---- */

struct held { /* rows of one file in memory */
    struct td_pq_array arrays[COLS];
    size_t rows;
};

struct source { /* what write reads before its clock starts */
    struct td_pq_column columns[COLS];
    size_t count;
    struct held *parts;
    struct td_arena texts;
};

static enum td_code keep_texts(struct source *s, struct held *part, struct td_err *err)
{
    for (size_t c = 0; c < s->count; c++) {
        struct td_str *t = part->arrays[c].values;
        if (s->columns[c].type != TD_PQ_BYTE_ARRAY)
            continue;
        for (size_t i = 0; i < part->rows; i++) {
            char *copy = i && t[i].len == t[i - 1].len && memcmp(t[i].ptr, t[i - 1].ptr, t[i].len) == 0
                             ? NULL
                             : td_arena_alloc(&s->texts, t[i].len + 1);
            if (copy)
                memcpy(copy, t[i].ptr, t[i].len);
            else if (!i)
                return td_fail(err, TD_NOMEM, "out of memory for texts");
            t[i].ptr = copy ? copy : t[i - 1].ptr;
        }
    }
    return TD_OK;
}

static enum td_code load(struct source *s, struct held *part, const char *path, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    int leaves[COLS];
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK)
        code = choose(file, path, leaves, &s->count, err);
    if (code == TD_OK)
        code = take_reader(&works[0], file, leaves, s->count, err);
    size_t rows = code == TD_OK ? (size_t)td_pq_rows(file) : 0;
    for (size_t c = 0; code == TD_OK && c < s->count; c++) {
        if (!s->columns[c].name) {
            s->columns[c] = *td_pq_column_at(file, (size_t)leaves[c]);
            s->columns[c].name = td_arena_strndup(&s->texts, s->columns[c].name, strlen(s->columns[c].name));
        }
        part->arrays[c].values = calloc(rows + 1, td_pq_width(s->columns[c].type));
        if (s->columns[c].optional)
            part->arrays[c].valid = calloc(TD_PQ_WORDS(rows) + 1, 8);
        if (!part->arrays[c].values || (s->columns[c].optional && !part->arrays[c].valid))
            code = td_fail(err, TD_NOMEM, "out of memory for %zu rows", rows);
    }
    if (code == TD_OK)
        code = td_pq_read(works[0].reader, part->arrays, rows, &part->rows, err);
    if (code == TD_OK)
        code = keep_texts(s, part, err);
    td_pq_close(file);
    return code;
}

static enum td_code write_out(const struct source *s, const char *path, int level, struct td_err *err)
{
    const struct td_pq_write_options options = {.level = level};
    struct td_pq_writer *writer = NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    enum td_code code = fd < 0 ? td_fail(err, TD_IO, "%s: cannot be written", path) : TD_OK;
    if (code == TD_OK)
        code = td_pq_writer_new(fd, path, s->columns, s->count, &options, &writer, err);
    for (size_t i = 0; code == TD_OK && i < now.files.count; i++)
        code = td_pq_write(writer, s->parts[i].arrays, s->parts[i].rows, err);
    if (code == TD_OK)
        code = td_pq_writer_finish(writer, err);
    td_pq_writer_free(writer);
    if (fd >= 0)
        close(fd);
    return code;
}

static enum td_code write_job(int64_t level, int64_t most, const char *place, const char *path, struct td_err *err)
{
    struct source s = {0};
    int64_t rows = 0;
    struct stat st = {0};
    now.columns = "*";
    td_arena_init(&s.texts, SIZE_MAX / 4);
    enum td_code code = list_files(place, err);
    if (code == TD_OK && !(s.parts = calloc(now.files.count, sizeof *s.parts)))
        code = td_fail(err, TD_NOMEM, "out of memory");
    for (size_t i = 0; code == TD_OK && i < now.files.count; i++) {
        if (rows < most)
            code = load(&s, &s.parts[i], now.files.items[i], err);
        if ((int64_t)s.parts[i].rows > most - rows)
            s.parts[i].rows = (size_t)(most - rows);
        rows += (int64_t)s.parts[i].rows;
    }
    struct watch watch = start_watch();
    if (code == TD_OK)
        code = write_out(&s, path, (int)level, err);
    watch = stop_watch(watch);
    if (code == TD_OK && stat(path, &st) == 0) {
        print_watch(watch);
        printf("%lld %lld\n", (long long)rows, (long long)st.st_size);
    }
    drop_readers();
    for (size_t i = 0; s.parts && i < now.files.count; i++)
        for (size_t c = 0; c < COLS; c++) {
            free(s.parts[i].arrays[c].values);
            free(s.parts[i].arrays[c].valid);
        }
    free(s.parts);
    td_arena_free(&s.texts);
    return code;
}

/* ---- the lines ---- */

static enum td_code obey(char *line, struct td_err *err)
{
    static const char *const names[] = {"scan", "read", "columns", "floor", "proof"};
    char *save = NULL, *word[4];
    int64_t n = 0;
    for (int i = 0; i < 4; i++)
        if (!(word[i] = strtok_r(i ? NULL : line, " \n", &save)))
            return td_fail(err, TD_DATA, "a job has four words");
    now.columns = word[2];
    now.page_count = 0;
    now.first = (struct td_err){0};
    atomic_store(&now.next, 0);
    if (!td_parse_i64(word[1], strlen(word[1]), &n) || n < 1)
        return td_fail(err, TD_DATA, "not a number: %s", word[1]);
    if (strcmp(word[0], "last") == 0) {
        now.job = SCAN;
        return last_rows(n, word[3], err);
    }
    if (strcmp(word[0], "write") == 0)
        return write_job(n, INT64_MAX, word[2], word[3], err);
    if (strcmp(word[0], "take") == 0)
        return write_job(2, n, word[2], word[3], err);
    for (size_t i = 0; i < sizeof names / sizeof *names && n <= THREADS; i++)
        if (strcmp(word[0], names[i]) == 0) {
            now.job = (enum job)i;
            return parallel((unsigned)n, word[3], err);
        }
    return td_fail(err, TD_DATA, "unknown job %s", word[0]);
}

int main(void)
{
    char line[8192];
    struct td_err err = {0};
    enum td_code code = make_room(&err);
    while (code == TD_OK && fgets(line, sizeof line, stdin)) {
        code = obey(line, &err);
        if (fflush(stdout) != 0)
            return 1;
    }
    if (code != TD_OK)
        fprintf(stderr, "pqbench: %s\n", err.text);
    return code == TD_OK ? 0 : 1;
}
