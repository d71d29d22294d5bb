/* SPDX-License-Identifier: GPL-3.0-or-later
 * pqwork scan THREADS LAKE        eight columns of every bronze minute file, summed so that another reader can be compared
 * pqwork write THREADS LAKE FILE  the same bars from memory into one file of nine columns (one thread, no fsync)
 * Prints seconds of the work alone, rows, and the sums or the bytes. Built on the doors of base and parquet alone. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tapedeck/parquet.h>
#include <unistd.h>

#define BATCH 32768
enum { TS, OPEN, HIGH, LOW, CLOSE, VOLUME, VWAP, TRADES, COLS };

static const char *const names[COLS] = {"timestamp", "open", "high", "low", "close", "volume", "vwap", "transactions"};

struct bars { /* columns of one file; slots are eight bytes whatever the type */
    void *values[COLS];
    uint64_t *valid[COLS];
    size_t cap;
};

struct work { /* one a thread */
    struct td_pq_reader *reader;
    struct bars bars;
    double sums[COLS];
    int64_t rows;
};

static struct td_names files;                      /* read-only once listed */
static struct work works[64];                      /* each its own thread's */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t next_file;                           /* under lock */
static struct td_err first;                        /* under lock */

static enum td_code list_files(const char *lake, struct td_err *err)
{
    char root[1024], year[1400], month[1700], path[2100];
    struct td_names years = {0};
    td_snprintf(root, sizeof root, "%s/bronze/stocks_minute", lake);
    enum td_code code = td_dir_list(root, &years, err);
    for (size_t y = 0; code == TD_OK && y < years.count; y++) {
        struct td_names months = {0};
        td_snprintf(year, sizeof year, "%s/%s", root, years.items[y]);
        code = td_dir_list(year, &months, err);
        for (size_t m = 0; code == TD_OK && m < months.count; m++) {
            struct td_names found = {0};
            td_snprintf(month, sizeof month, "%s/%s", year, months.items[m]);
            code = td_dir_list(month, &found, err);
            for (size_t f = 0; code == TD_OK && f < found.count; f++) {
                td_snprintf(path, sizeof path, "%s/%s", month, found.items[f]);
                if (!td_is_temp_name(found.items[f]))
                    code = td_names_add(&files, path, strlen(path), err);
            }
            td_names_free(&found);
        }
        td_names_free(&months);
    }
    td_names_free(&years);
    return code == TD_OK && files.count == 0 ? td_fail(err, TD_MISSING, "%s: no files", root) : code;
}

static enum td_code reserve(struct bars *bars, size_t rows, struct td_err *err)
{
    if (rows <= bars->cap)
        return TD_OK;
    for (int c = 0; c < COLS; c++) {
        td_free(bars->values[c]);
        td_free(bars->valid[c]);
        bars->values[c] = td_calloc(rows, 8);
        bars->valid[c] = td_calloc(TD_PQ_WORDS(rows), 8);
        if (!bars->values[c] || !bars->valid[c])
            return td_fail(err, TD_NOMEM, "out of memory for %zu bars", rows);
    }
    bars->cap = rows;
    return TD_OK;
}

static void release(struct bars *bars)
{
    for (int c = 0; c < COLS; c++) {
        td_free(bars->values[c]);
        td_free(bars->valid[c]);
    }
}

static void add_up(struct work *work, size_t rows)
{
    for (int c = 0; c < COLS; c++) {
        const double *f = work->bars.values[c];
        const int64_t *i = work->bars.values[c];
        double sum = 0;
        if (c == TS || c == TRADES)
            for (size_t r = 0; r < rows; r++)
                sum += (double)i[r];
        else
            for (size_t r = 0; r < rows; r++)
                sum += f[r]; /* a null slot holds zero bytes */
        work->sums[c] += sum;
    }
}

/* One file in batches of its columns; `whole` reads it in one batch, for write. */
static enum td_code read_one(struct work *work, const char *path, bool whole, struct td_err *err)
{
    struct td_pq_file *file = NULL;
    int columns[COLS];
    size_t got = 1, rows = 0;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    for (int c = 0; code == TD_OK && c < COLS; c++)
        if ((columns[c] = td_pq_find(file, names[c])) < 0)
            code = td_fail(err, TD_DATA, "%s: no column '%s'", path, names[c]);
    if (code == TD_OK)
        code = work->reader ? td_pq_reader_reset(work->reader, file, columns, COLS, err)
                            : td_pq_reader_new(file, columns, COLS, &work->reader, err);
    if (code == TD_OK)
        code = reserve(&work->bars, whole ? (size_t)td_pq_rows(file) + 1 : BATCH, err);
    while (code == TD_OK && got) {
        struct td_pq_array arrays[COLS];
        for (int c = 0; c < COLS; c++)
            arrays[c] = (struct td_pq_array){work->bars.values[c], work->bars.valid[c]};
        code = td_pq_read(work->reader, arrays, whole ? work->bars.cap : BATCH, &got, err);
        if (code == TD_OK && !whole)
            add_up(work, got);
        rows += code == TD_OK ? got : 0;
        if (whole)
            break;
    }
    work->rows += (int64_t)rows;
    td_pq_close(file);
    return code;
}

static void scan_files(void *arg, unsigned worker)
{
    struct work *work = &works[worker];
    struct td_err err = {0};
    enum td_code code = TD_OK;
    (void)arg;
    while (code == TD_OK) {
        pthread_mutex_lock(&lock);
        size_t mine = next_file < files.count ? next_file++ : files.count;
        pthread_mutex_unlock(&lock);
        if (mine == files.count)
            return;
        code = read_one(work, files.items[mine], false, &err);
    }
    pthread_mutex_lock(&lock);
    first = err;
    next_file = files.count;
    pthread_mutex_unlock(&lock);
}

static enum td_code scan(const char *lake, unsigned threads, struct td_err *err)
{
    struct td_pool *pool = NULL;
    int64_t begin = td_mono_ns(), rows = 0;
    enum td_code code = list_files(lake, err);
    if (code == TD_OK)
        code = td_pool_new(threads, &pool, err);
    for (unsigned i = 0; code == TD_OK && i < threads; i++)
        code = td_pool_submit(pool, scan_files, NULL, err);
    if (pool)
        td_pool_free(pool);
    if (code == TD_OK && first.code != TD_OK) {
        *err = first;
        code = first.code;
    }
    double sums[COLS] = {0}, seconds = (double)(td_mono_ns() - begin) / 1e9;
    for (unsigned i = 0; i < threads; i++) {
        rows += works[i].rows;
        for (int c = 0; c < COLS; c++)
            sums[c] += works[i].sums[c];
        td_pq_reader_free(works[i].reader);
        release(&works[i].bars);
    }
    if (code != TD_OK)
        return code;
    printf("%.6f %lld", seconds, (long long)rows);
    for (int c = 0; c < COLS; c++)
        printf(" %.17g", sums[c]);
    printf("\n");
    return TD_OK;
}

/* ---- write ---- */

struct loaded { /* one file's bars and its ticker */
    struct bars bars;
    size_t rows;
    char ticker[64];
};

static void ticker_of(const char *path, char *out, size_t size)
{
    const char *name = strstr(path, "/ticker=");
    name = name ? name + 8 : path;
    const char *dot = strrchr(name, '.');
    td_snprintf(out, size, "%.*s", (int)(dot ? dot - name : (ptrdiff_t)strlen(name)), name);
}

static int by_ticker(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    char tx[64], ty[64];
    ticker_of(*x, tx, sizeof tx);
    ticker_of(*y, ty, sizeof ty);
    int order = strcmp(tx, ty);
    return order ? order : strcmp(*x, *y);
}

static enum td_code write_loaded(struct td_pq_writer *writer, const struct loaded *part, struct td_str *tickers, struct td_err *err)
{
    enum td_code code = TD_OK;
    struct td_str ticker = td_str_of(part->ticker);
    for (size_t i = 0; i < BATCH && i < part->rows; i++)
        tickers[i] = ticker;
    for (size_t at = 0; code == TD_OK && at < part->rows; at += BATCH) { /* a multiple of 64: bitmaps split at words */
        struct td_pq_array arrays[COLS + 1] = {{tickers, NULL}};
        for (int c = 0; c < COLS; c++)
            arrays[c + 1] = (struct td_pq_array){(char *)part->bars.values[c] + at * 8, c >= VOLUME ? part->bars.valid[c] + at / 64 : NULL};
        code = td_pq_write(writer, arrays, part->rows - at < BATCH ? part->rows - at : BATCH, err);
    }
    return code;
}

static enum td_code write_file(const char *path, const struct loaded *parts, size_t count, struct td_err *err)
{
    struct td_pq_column columns[COLS + 1] = {{.name = "ticker", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING}};
    for (int c = 0; c < COLS; c++)
        columns[c + 1] = (struct td_pq_column){.name = names[c], .type = c == TS || c == TRADES ? TD_PQ_INT64 : TD_PQ_DOUBLE,
                                               .logical = c == TS ? TD_PQ_TIMESTAMP : TD_PQ_PLAIN, .unit = TD_PQ_MILLIS,
                                               .utc = c == TS, .optional = c >= VOLUME};
    const struct td_pq_write_options options = {.codec = TD_PQ_ZSTD, .level = 2};
    struct td_pq_writer *writer = NULL;
    struct td_str *tickers = td_malloc(BATCH * sizeof *tickers);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    enum td_code code = fd < 0 || !tickers ? td_fail(err, TD_IO, "%s: cannot be written", path) : TD_OK;
    if (code == TD_OK)
        code = td_pq_writer_new(fd, path, columns, COLS + 1, &options, &writer, err);
    for (size_t i = 0; code == TD_OK && i < count; i++)
        code = write_loaded(writer, &parts[i], tickers, err);
    if (code == TD_OK)
        code = td_pq_writer_finish(writer, err);
    td_pq_writer_free(writer);
    td_free(tickers);
    if (fd >= 0)
        close(fd);
    return code;
}

static enum td_code write_job(const char *lake, const char *path, struct td_err *err)
{
    enum td_code code = list_files(lake, err);
    if (code != TD_OK)
        return code;
    qsort(files.items, files.count, sizeof *files.items, by_ticker);
    struct loaded *parts = td_calloc(files.count, sizeof *parts);
    struct work work = {0};
    long long rows = 0;
    if (!parts)
        code = td_fail(err, TD_NOMEM, "out of memory for %zu files", files.count);
    for (size_t i = 0; code == TD_OK && i < files.count; i++) {
        work.bars = (struct bars){0};
        work.rows = 0;
        code = read_one(&work, files.items[i], true, err);
        parts[i].bars = work.bars;
        parts[i].rows = (size_t)work.rows;
        ticker_of(files.items[i], parts[i].ticker, sizeof parts[i].ticker);
        rows += work.rows;
    }
    int64_t begin = td_mono_ns();
    if (code == TD_OK)
        code = write_file(path, parts, files.count, err);
    double seconds = (double)(td_mono_ns() - begin) / 1e9;
    struct stat st = {0};
    if (code == TD_OK && stat(path, &st) == 0)
        printf("%.6f %lld %lld\n", seconds, rows, (long long)st.st_size);
    for (size_t i = 0; parts && i < files.count; i++)
        release(&parts[i].bars);
    td_free(parts);
    td_pq_reader_free(work.reader);
    return code;
}

int main(int argc, char **argv)
{
    struct td_err err = {0};
    int64_t threads = 0;
    bool writing = argc == 5 && strcmp(argv[1], "write") == 0;
    if (!writing && !(argc == 4 && strcmp(argv[1], "scan") == 0)) {
        fprintf(stderr, "usage: pqwork scan|write THREADS LAKE [FILE]\n");
        return 2;
    }
    if (!td_parse_i64(argv[2], strlen(argv[2]), &threads) || threads < 1 || threads > 64) {
        fprintf(stderr, "pqwork: 1 to 64 threads\n");
        return 2;
    }
    enum td_code code = writing ? write_job(argv[3], argv[4], &err) : scan(argv[3], (unsigned)threads, &err);
    td_names_free(&files);
    if (code != TD_OK)
        fprintf(stderr, "pqwork: %s\n", err.text);
    return code == TD_OK ? 0 : 1;
}
