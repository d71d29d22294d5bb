/* SPDX-License-Identifier: GPL-3.0-or-later
 * base: errors, memory, buffers, numbers, dates, New York time, clock, log, config, files, queue, pool.
 * The ground floor: every room may include this door; base itself knows only libc and libyaml. */
#ifndef TAPEDECK_BASE_H
#define TAPEDECK_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TD_VERSION "0.1.0"
#define TD_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define TD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- errors: values with a code and a message; nothing below main exits ---- */

/* code, exit status of a process that ends with it, text */
#define TD_CODES(X)                                                                                                    \
    X(OK, 0, "ok")                                                                                                     \
    X(UNITS, 1, "some units failed")                                                                                   \
    X(USAGE, 2, "usage")                                                                                               \
    X(CONFIG, 3, "configuration")                                                                                      \
    X(DATA, 4, "bad input data")                                                                                       \
    X(MISSING, 4, "missing input data")                                                                                \
    X(UNSUPPORTED, 4, "unsupported input")                                                                             \
    X(NETWORK, 5, "network")                                                                                           \
    X(AUTH, 5, "authorisation")                                                                                        \
    X(LOCKED, 6, "lock held")                                                                                          \
    X(IO, 7, "input/output")                                                                                           \
    X(FULL, 7, "disk full")                                                                                            \
    X(NOMEM, 7, "out of memory")                                                                                       \
    X(LIMIT, 7, "limit reached")                                                                                       \
    X(CANCELLED, 130, "interrupted")

enum td_code {
#define TD_CODE_ENUM(name, status, text) TD_##name,
    TD_CODES(TD_CODE_ENUM)
#undef TD_CODE_ENUM
};

/* Plain data, caller-owned; every function that takes one accepts NULL. */
struct td_err {
    enum td_code code;
    char text[512]; /* one line: what, where (file, offset), cause, and the fix where there is one */
};

/* Fill *err and return code, so that `return td_fail(err, TD_IO, ...)` is the idiom. Secrets are redacted. */
enum td_code td_fail(struct td_err *err, enum td_code code, const char *fmt, ...) TD_PRINTF(3, 4);
/* As td_fail with ": <strerror>" appended; the code follows errnum (ENOSPC -> TD_FULL, ENOENT -> TD_MISSING, ...). */
enum td_code td_fail_errno(struct td_err *err, int errnum, const char *fmt, ...) TD_PRINTF(3, 4);
/* Put "context: " in front of the message already in *err; returns err->code (TD_OK when err is NULL). */
enum td_code td_context(struct td_err *err, const char *fmt, ...) TD_PRINTF(2, 3);
int td_exit_status(enum td_code code);
const char *td_code_name(enum td_code code); /* "IO" */
const char *td_code_text(enum td_code code); /* "input/output" */

/* ---- memory ---- */

/* malloc family with overflow checks and fault injection. Return NULL on failure; sizes in bytes; td_calloc zeroes. */
void *td_malloc(size_t size);
void *td_calloc(size_t count, size_t size);
void *td_realloc(void *old, size_t count, size_t size);
char *td_strdup(const char *text);
char *td_strndup(const char *text, size_t len);
void td_free(void *p);
/* Tests only: make the n-th allocation from now (1 = next) and all later ones fail; 0 switches off. Any thread. */
void td_alloc_fail_after(long n);
/* Grow *array (element size `size`) so that at least `need` elements fit; *cap is updated. Amortised doubling. */
enum td_code td_grow(void *array_ptr, size_t *cap, size_t need, size_t size, struct td_err *err);

/* Bump allocator: everything is freed or reset at once. One thread. `limit` bounds the total bytes. */
struct td_arena {
    struct td_arena_block *head;
    size_t used, limit;
};
void td_arena_init(struct td_arena *arena, size_t limit);
void *td_arena_alloc(struct td_arena *arena, size_t size); /* 16-byte aligned, zeroed; NULL when out of memory or limit */
char *td_arena_strndup(struct td_arena *arena, const char *text, size_t len);
void td_arena_reset(struct td_arena *arena); /* keeps the newest block for reuse */
void td_arena_free(struct td_arena *arena);

/* ---- strings and buffers ---- */

struct td_str { /* not NUL-terminated, not owned */
    const char *ptr;
    size_t len;
};
bool td_str_is(struct td_str s, const char *text);
int td_str_cmp(struct td_str a, struct td_str b); /* bytewise */
struct td_str td_str_of(const char *text);

/* Growable buffer with a mandatory cap. Errors are sticky: add freely, check once with td_buf_ok. Always NUL-terminated. */
struct td_buf {
    char *data;
    size_t len, cap, max;
    bool failed; /* an addition did not fit in max or memory ran out */
};
void td_buf_init(struct td_buf *buf, size_t max);
void td_buf_free(struct td_buf *buf);
void td_buf_clear(struct td_buf *buf); /* len = 0, failed = false, memory kept */
void td_buf_add(struct td_buf *buf, const void *data, size_t len);
void td_buf_adds(struct td_buf *buf, const char *text);
void td_buf_addc(struct td_buf *buf, char c);
void td_buf_printf(struct td_buf *buf, const char *fmt, ...) TD_PRINTF(2, 3);
bool td_buf_reserve(struct td_buf *buf, size_t more); /* room for `more` further bytes; false and failed otherwise */
void td_buf_json(struct td_buf *buf, const char *text, size_t len); /* quoted and escaped JSON string */
void td_buf_f64(struct td_buf *buf, double value); /* shortest round-trip text; null for a non-finite value */
enum td_code td_buf_check(const struct td_buf *buf, const char *what, struct td_err *err);
/* Copy text with control bytes, escape sequences and invalid UTF-8 made harmless ("\x1b" -> "\\x1b"). */
void td_buf_add_printable(struct td_buf *buf, const char *text, size_t len);
/* Copy at most size-1 bytes and terminate; returns false when cut. */
bool td_copy(char *dst, size_t size, const char *src);
bool td_snprintf(char *dst, size_t size, const char *fmt, ...) TD_PRINTF(3, 4); /* false when cut */

/* ---- numbers: exact, locale-independent; the whole text must be used ---- */

bool td_parse_i64(const char *text, size_t len, int64_t *out);
bool td_parse_f64(const char *text, size_t len, double *out); /* decimal or exponent form; no hex, inf or nan */
bool td_parse_size(const char *text, size_t len, uint64_t *out); /* 512MiB, 64k, 1G: bytes, powers of 1024 */
bool td_parse_bool(const char *text, size_t len, bool *out);     /* true|false|yes|no|on|off */
/* Shortest decimal text that reads back exactly; out holds at least 32 bytes; returns its length. nan, inf, -inf, -0. */
size_t td_format_f64(double value, char *out);
size_t td_format_i64(int64_t value, char *out);

/* ---- dates: days since 1970-01-01 (Parquet DATE), proleptic Gregorian ---- */

typedef int32_t td_day;
#define TD_NO_DAY INT32_MIN
#define TD_MS_DAY INT64_C(86400000)
#define TD_MS_MINUTE INT64_C(60000)

td_day td_day_from_civil(int year, int month, int day);
void td_day_to_civil(td_day day, int *year, int *month, int *mday);
int td_day_weekday(td_day day); /* 0 = Sunday */
bool td_parse_day(const char *text, size_t len, td_day *out); /* YYYY-MM-DD, checked */
size_t td_format_day(td_day day, char *out);                  /* out holds 11 bytes (years 0..9999) */
/* Month index = year * 12 + month - 1: the unit of bronze partitions. */
int32_t td_month_of(td_day day);
td_day td_month_first(int32_t month);
td_day td_month_last(int32_t month);

/* ---- New York time. Rules: US federal DST law 1967-2006 and the Energy Policy Act 2005 (2007-) ---- */

int32_t td_ny_offset_s(int64_t utc_ms);                              /* seconds east of UTC: -18000 or -14400 */
void td_ny_split(int64_t utc_ms, td_day *day, int32_t *ms_of_day);   /* local date and local ms of day */
/* Local wall time to UTC ms; a time skipped in spring is read with the offset before the change, a repeated one is the first. */
int64_t td_ny_to_utc(td_day day, int64_t ms_of_day);
int64_t td_ny_midnight(td_day day);
size_t td_format_ts(int64_t utc_ms, char *out);    /* RFC 3339 UTC with ms, out holds 32 bytes */
size_t td_format_ny(int64_t utc_ms, char *out);    /* "2025-02-06 09:30:00 ET", out holds 32 bytes */

/* ---- clock: one, injected ---- */

/* Wall time in UTC ms; TAPEDECK_NOW (RFC 3339 or YYYY-MM-DD, UTC) fixes it. Any thread. */
int64_t td_now_ms(void);
enum td_code td_clock_init(const char *fixed, struct td_err *err); /* NULL or "" = the real clock; call before threads */
bool td_parse_rfc3339(const char *text, size_t len, int64_t *utc_ms); /* date or date-time, zone required with a time */
int64_t td_mono_ns(void); /* monotonic, for durations only; never injected */

/* ---- log: levels, to a file only, secrets redacted ---- */

enum td_level { TD_LOG_ERROR, TD_LOG_WARN, TD_LOG_INFO, TD_LOG_DEBUG };
const char *td_level_name(enum td_level level); /* "error" "warn" "info" "debug" */
bool td_level_parse(const char *text, enum td_level *out);
/* Append to `path` (mode 0600, its folder is made); NULL = no file, the tail in memory only. Lines above `level` are
 * dropped. Before this call: no file, level info. Any thread; on error the log stays as it was. */
enum td_code td_log_open(const char *path, enum td_level level, struct td_err *err);
void td_log_close(void);
/* "2025-02-06T14:30:00.000Z warn  feed: text": one line of printable text, at most 2 KiB of it; keeps errno. */
void td_log(enum td_level level, const char *room, const char *fmt, ...) TD_PRINTF(3, 4); /* any thread */
/* The newest `lines` (up to 500 are kept, of 511 bytes each) for the log pane, oldest first, each ending in a newline. */
void td_log_tail(struct td_buf *out, size_t lines);
uint64_t td_log_generation(void); /* grows with every line: cheap "anything new?" */
/* Register a secret: from then on every log line, error text and td_redact output shows *** in its place, in its
 * percent-encoded form too, and where a text was cut inside it. Under 6 bytes it is a word and ignored. Any thread. */
void td_secret_add(const char *secret);
void td_redact(char *text); /* in place; also apiKey=VALUE and Bearer VALUE of unregistered keys */

/* ---- small documents: YAML, and JSON read as YAML's flow subset ---- */

enum td_doc_kind { TD_DOC_SCALAR, TD_DOC_LIST, TD_DOC_MAP };
struct td_doc {
    enum td_doc_kind kind;
    int line;            /* 1-based; of its key when inside a map */
    bool quoted;         /* scalar was quoted: a string whatever it looks like */
    const char *key;     /* when inside a map */
    const char *text;    /* scalar */
    size_t count;        /* children */
    struct td_doc **items;
};
/* Parse text (bounded: 64 MiB, depth 32, 8 Mi values) into a tree that lives in *arena. A duplicate key is TD_CONFIG
 * naming both lines; so is every other fault of the text, anchors, aliases, tags and a second document included. An
 * empty text is a null scalar. TD_NOMEM when memory or the arena's limit is spent. `name` is for messages. Any thread. */
enum td_code td_doc_parse(const char *text, size_t len, const char *name, struct td_arena *arena, struct td_doc **out,
                          struct td_err *err);
const struct td_doc *td_doc_get(const struct td_doc *map, const char *key); /* NULL when absent or not a map */
bool td_doc_is_null(const struct td_doc *doc); /* absent (NULL), or an unquoted null, ~ or nothing */
const char *td_doc_text(const struct td_doc *map, const char *key);         /* scalar text, NULL when absent or null */
/* An unquoted scalar of that type; false (and *out untouched) when absent, quoted or anything else. */
bool td_doc_i64(const struct td_doc *map, const char *key, int64_t *out);
bool td_doc_f64(const struct td_doc *map, const char *key, double *out);
bool td_doc_bool(const struct td_doc *map, const char *key, bool *out);

/* ---- configuration: one table of keys; values remember where they came from ---- */

enum td_conf_type { TD_CONF_STRING, TD_CONF_INT, TD_CONF_DOUBLE, TD_CONF_BOOL, TD_CONF_SIZE, TD_CONF_LIST };
struct td_conf_key {
    const char *path; /* "limits.memory" */
    enum td_conf_type type;
    const char *value;   /* default; lists are comma-separated */
    const char *env;     /* environment variable, or NULL */
    const char *choices; /* "a|b|c" or NULL */
    const char *help;
};
struct td_conf;
/* Keys stay owned by the caller and outlive *out. Not thread-safe until loading is over, then read-only. */
enum td_code td_conf_new(const struct td_conf_key *keys, size_t count, struct td_conf **out, struct td_err *err);
void td_conf_free(struct td_conf *conf);
/* Strict: unknown key, wrong type, duplicate key are TD_CONFIG errors with file:line and the nearest known key; so is a
 * file that cannot be read. A text key without a value is empty. On error nothing has changed. */
enum td_code td_conf_load(struct td_conf *conf, const char *path, struct td_err *err);
enum td_code td_conf_load_env(struct td_conf *conf, struct td_err *err); /* an empty variable counts as unset */
/* `origin` leads the error message; TD_CONFIG, or TD_USAGE when it is "flag". */
enum td_code td_conf_set(struct td_conf *conf, const char *path, const char *value, const char *origin, struct td_err *err);
size_t td_conf_count(const struct td_conf *conf);
const struct td_conf_key *td_conf_key_at(const struct td_conf *conf, size_t i);
/* Canonical text: 512MiB, true, 0.15, A,B. A wrong path is a program error: logged, and answered with "", 0 or false. */
const char *td_conf_text(const struct td_conf *conf, const char *path);
const char *td_conf_origin(const struct td_conf *conf, const char *path); /* "default", "FILE:LINE", "env NAME", "flag" */
int64_t td_conf_int(const struct td_conf *conf, const char *path);
double td_conf_double(const struct td_conf *conf, const char *path);
bool td_conf_bool(const struct td_conf *conf, const char *path);
uint64_t td_conf_size(const struct td_conf *conf, const char *path);
/* Levenshtein distance, for "did you mean"; max + 1 when it is above `max` or a word is longer than 64 bytes. */
size_t td_edit_distance(const char *a, const char *b, size_t max);

/* ---- files ---- */

enum td_code td_file_read(const char *path, size_t max, struct td_buf *out, struct td_err *err);
bool td_file_exists(const char *path);
enum td_code td_mkdirs(const char *path, struct td_err *err);          /* mkdir -p, 0755 */
enum td_code td_mkdirs_for(const char *file_path, struct td_err *err); /* its parent */
/* Names in a folder (not . or ..), sorted bytewise; absent folder = no names. Free with td_names_free. */
struct td_names {
    char **items;
    size_t count, cap;
};
enum td_code td_dir_list(const char *path, struct td_names *out, struct td_err *err);
enum td_code td_names_add(struct td_names *names, const char *name, size_t len, struct td_err *err);
void td_names_sort_unique(struct td_names *names);
void td_names_free(struct td_names *names);
uint64_t td_disk_free(const char *path); /* bytes available at the nearest existing parent; 0 when unknown */

/* Atomic publish: write to a temporary in the target's folder, then fsync, rename, fsync the folder. One thread. */
struct td_publish {
    int fd; /* open for writing between begin and commit/abort; else -1 */
    char path[1024], temp[1088];
};
enum td_code td_publish_begin(struct td_publish *pub, const char *path, struct td_err *err); /* makes the folder */
enum td_code td_publish_commit(struct td_publish *pub, struct td_err *err);                  /* on error the temporary is gone */
void td_publish_abort(struct td_publish *pub);
/* As td_publish_commit for one of many files whose commit is another file's: the rename becomes durable with td_publish_settle,
 * which whoever publishes that other file calls first, with any path on the same file system. */
enum td_code td_publish_rename(struct td_publish *pub, struct td_err *err);
enum td_code td_publish_settle(const char *path, struct td_err *err);
enum td_code td_publish_bytes(const char *path, const void *data, size_t len, struct td_err *err);
/* Many files at once, where a sync of each would cost more than writing them: close the finished temporary and let the system
 * begin to write it (stage), then make a whole batch durable and visible with two syncs of the file system (commit_all). After
 * an error those not yet renamed are gone; the others are whole. The files lie on one file system. */
enum td_code td_publish_stage(struct td_publish *pub, struct td_err *err); /* on error the temporary is gone */
enum td_code td_publish_commit_all(struct td_publish *const *pubs, size_t count, struct td_err *err);
void td_publish_unstage(const struct td_publish *pub); /* give a staged one up */
enum td_code td_write_all(int fd, const void *data, size_t len, const char *name, struct td_err *err);
bool td_is_temp_name(const char *name); /* a leftover of td_publish_begin */
long td_temp_owner(const char *name);   /* the pid of the process that made it; 0: none that a number can name */

/* ---- queue and pool ---- */

/* Bounded queue of owned pointers, many producers, many consumers; bounded by the bytes that callers declare. */
struct td_queue;
enum td_code td_queue_new(size_t max_bytes, struct td_queue **out, struct td_err *err);
void td_queue_free(struct td_queue *queue); /* must be empty and unused */
bool td_queue_push(struct td_queue *queue, void *item, size_t bytes); /* waits for room (one oversized item is let in alone); false once closed: the caller keeps the item */
bool td_queue_try_push(struct td_queue *queue, void *item, size_t bytes);
void *td_queue_pop(struct td_queue *queue);     /* waits; NULL once closed and empty */
void *td_queue_try_pop(struct td_queue *queue); /* NULL when empty */
void td_queue_close(struct td_queue *queue);

/* A fixed set of worker threads that run functions in submission order; `worker` is 0..threads-1. */
struct td_pool;
typedef void (*td_pool_fn)(void *arg, unsigned worker);
enum td_code td_pool_new(unsigned threads, struct td_pool **out, struct td_err *err);
enum td_code td_pool_submit(struct td_pool *pool, td_pool_fn fn, void *arg, struct td_err *err); /* unbounded; any thread */
void td_pool_wait(struct td_pool *pool); /* until every submitted function has returned */
void td_pool_free(struct td_pool *pool); /* waits, then joins */
unsigned td_cpu_count(void);

/* ---- hashes and random numbers ---- */

uint64_t td_hash64(const void *data, size_t len, uint64_t seed); /* FNV-1a with a final mix; stable across versions */
/* The same kind of hash for large arrays, eight bytes a step; other values than td_hash64. Little-endian machines agree. */
uint64_t td_hash_block(const void *data, size_t len, uint64_t seed);
uint64_t td_mix64(uint64_t x);                                   /* splitmix64 finaliser */
uint32_t td_crc32(uint32_t crc, const void *data, size_t len);   /* zlib polynomial; start with 0 */

#endif
