/* SPDX-License-Identifier: GPL-3.0-or-later
 * parquet: a reader and writer of flat Parquet files with a column-batch interface. Knows nothing of markets;
 * stands on base and the codec libraries alone, so that it could be lifted out and shipped. */
#ifndef TAPEDECK_PARQUET_H
#define TAPEDECK_PARQUET_H

#include <tapedeck/base.h>

enum td_pq_type { /* physical types, numbered as in the format */
    TD_PQ_BOOLEAN = 0,
    TD_PQ_INT32 = 1,
    TD_PQ_INT64 = 2,
    TD_PQ_INT96 = 3,
    TD_PQ_FLOAT = 4,
    TD_PQ_DOUBLE = 5,
    TD_PQ_BYTE_ARRAY = 6,
    TD_PQ_FIXED = 7
};

enum td_pq_logical {
    TD_PQ_PLAIN,     /* no annotation: the bare physical type */
    TD_PQ_STRING,    /* BYTE_ARRAY */
    TD_PQ_DATE,      /* INT32, days since 1970-01-01 */
    TD_PQ_TIMESTAMP, /* INT64, see unit and utc */
    TD_PQ_TIME,
    TD_PQ_INTEGER, /* INT32 or INT64, see bits and is_signed */
    TD_PQ_DECIMAL, /* see precision and scale */
    TD_PQ_OTHER,   /* known or unknown annotation that is read as its physical type */
    /* For writing; the reader says STRING for ENUM and JSON, and OTHER for the rest. */
    TD_PQ_ENUM,   /* BYTE_ARRAY, UTF-8 */
    TD_PQ_JSON,   /* BYTE_ARRAY, UTF-8 */
    TD_PQ_BSON,   /* BYTE_ARRAY */
    TD_PQ_UUID,   /* FIXED of 16 bytes */
    TD_PQ_FLOAT16 /* FIXED of 2 bytes, little-endian IEEE half */
};

enum td_pq_unit { TD_PQ_MILLIS, TD_PQ_MICROS, TD_PQ_NANOS };
enum td_pq_codec { TD_PQ_UNCOMPRESSED = 0, TD_PQ_SNAPPY = 1, TD_PQ_GZIP = 2, TD_PQ_LZ4 = 5, TD_PQ_ZSTD = 6, TD_PQ_LZ4_RAW = 7 };

enum td_pq_encoding {             /* writer: how the values of a column are laid out */
    TD_PQ_ENC_AUTO,               /* by the measured rules, chunk by chunk: see td_pq_writer_new */
    TD_PQ_ENC_PLAIN,              /* any type */
    TD_PQ_ENC_DICT,               /* all but BOOLEAN; a chunk whose dictionary passes 64 MiB is written without one */
    TD_PQ_ENC_DELTA,              /* INT32, INT64: DELTA_BINARY_PACKED */
    TD_PQ_ENC_DELTA_LENGTH,       /* BYTE_ARRAY: DELTA_LENGTH_BYTE_ARRAY */
    TD_PQ_ENC_DELTA_BYTES,        /* BYTE_ARRAY, FIXED: DELTA_BYTE_ARRAY, for sorted texts */
    TD_PQ_ENC_BYTE_STREAM_SPLIT,  /* FLOAT, DOUBLE; INT32, INT64 and FIXED too, which not every reader takes */
    TD_PQ_ENC_RLE                 /* BOOLEAN */
};

struct td_pq_column {
    const char *name; /* UTF-8; owned by the file (reader) or the caller (writer) */
    enum td_pq_type type;
    enum td_pq_logical logical;
    enum td_pq_unit unit;
    bool utc;       /* TIMESTAMP and TIME: adjusted to UTC */
    bool optional;  /* nulls allowed */
    bool is_signed; /* INTEGER */
    uint8_t bits;   /* INTEGER: 8, 16, 32, 64 */
    int32_t length; /* FIXED: bytes a value */
    int32_t precision, scale;
    const char *unsupported; /* reader: why the column cannot be read (nested, encrypted, ...), else NULL */
    size_t field, field_len; /* reader: the child of the schema's root that it is or lies in, and bytes of `name` that are its */
    enum td_pq_encoding encoding; /* writer: 0 = AUTO */
};

/* One column of a batch; all memory is the caller's. Slot i belongs to row i also where it is null.
 * values: uint8_t (BOOLEAN, 0|1), int32_t, int64_t, float, double, or struct td_str (BYTE_ARRAY, FIXED, INT96 as 12 bytes).
 * valid: bit i of word i/64 set = present; NULL is allowed for REQUIRED columns (writer) or when the caller knows that
 * there are no nulls (reader: a null is then TD_DATA). A null slot of the reader holds zero bytes. */
struct td_pq_array {
    void *values;
    uint64_t *valid;
};
#define TD_PQ_WORDS(rows) (((rows) + 63) / 64)
static inline bool td_pq_valid(const uint64_t *valid, size_t i) { return !valid || (valid[i / 64] >> (i % 64) & 1); }
size_t td_pq_width(enum td_pq_type type); /* bytes of one slot of `values` */

/* Slot i of a batch of a DECIMAL column. Text: plain digits with `scale` of them behind the point; its length, or 0 (and no
 * text) for a number of more than 76 digits, which no decimal has. f64: the double nearest to it, ties to even; NaN for such
 * a number. The slot is not null. Pure. */
size_t td_pq_decimal_text(const struct td_pq_column *column, const void *values, size_t i, char out[128]);
double td_pq_decimal_f64(const struct td_pq_column *column, const void *values, size_t i);

/* ---- reader ---- */

struct td_pq_file;   /* an opened file: immutable, any number of threads may make readers on it */
struct td_pq_reader; /* a cursor over chosen columns: one thread */

struct td_pq_limits { /* zero = default */
    uint64_t memory;  /* bytes one reader may hold, default 256 MiB */
    bool skip_crc;    /* CRCs of pages are checked, where present, in files that tapedeck wrote: in none with this, */
    bool check_crc;   /* in everyone's with this */
};

/* Open and validate the footer. Errors name the path, the offset and the cause; TD_DATA for damage, TD_UNSUPPORTED for
 * encrypted footers, TD_IO, TD_NOMEM. `limits` may be NULL. */
enum td_code td_pq_open(const char *path, const struct td_pq_limits *limits, struct td_pq_file **out, struct td_err *err);
/* The bytes stay the caller's and outlive the file. */
enum td_code td_pq_open_memory(const void *data, size_t len, const char *name, const struct td_pq_limits *limits,
                               struct td_pq_file **out, struct td_err *err);
void td_pq_close(struct td_pq_file *file); /* NULL is fine; no reader may use it any more */
/* Of what follows `i`, `group` and `column` must be below their counts; texts live as long as the file. */
int64_t td_pq_rows(const struct td_pq_file *file);
size_t td_pq_column_count(const struct td_pq_file *file); /* leaves, nested ones included (marked unsupported) */
const struct td_pq_column *td_pq_column_at(const struct td_pq_file *file, size_t i);
int td_pq_find(const struct td_pq_file *file, const char *name); /* first leaf of that name; -1 when absent */
size_t td_pq_group_count(const struct td_pq_file *file);
int64_t td_pq_group_rows(const struct td_pq_file *file, size_t group);
const char *td_pq_created_by(const struct td_pq_file *file);          /* "" when absent */
const char *td_pq_meta(const struct td_pq_file *file, const char *key); /* key-value metadata; NULL when absent */
size_t td_pq_meta_count(const struct td_pq_file *file);
void td_pq_meta_at(const struct td_pq_file *file, size_t i, const char **key, const char **value);

struct td_pq_chunk_info {
    enum td_pq_codec codec;
    int64_t values, nulls; /* nulls -1 = not stated */
    int64_t compressed, uncompressed, offset; /* bytes; offset of the first page */
    uint32_t encodings;                       /* bit e set = encoding e listed */
    bool offset_index, column_index;          /* the footer names one */
    bool has_min_max;                         /* usable bounds (typed order) */
    struct td_str min, max;                   /* PLAIN bytes, owned by the file */
};
void td_pq_chunk(const struct td_pq_file *file, size_t group, size_t column, struct td_pq_chunk_info *out);

/* May the statistics and the page index of a file be believed? The writer of this room puts a hash of them into the footer's
 * key-values (`tapedeck.seal`); GOOD means that it matches. Anyone could write such a hash: it protects from software that
 * lies or errs, not from forgers. */
enum td_pq_seal { TD_PQ_SEAL_UNKNOWN, TD_PQ_SEAL_NONE, TD_PQ_SEAL_BROKEN, TD_PQ_SEAL_GOOD };
/* Reads the page index when first asked, then remembers. Any thread. TD_IO, TD_NOMEM. */
enum td_code td_pq_seal(const struct td_pq_file *file, enum td_pq_seal *out, struct td_err *err);

/* A cursor over `count` columns (indexes into the file's leaves), in that order. The file stays the caller's, open as long
 * as it is read. TD_MISSING: no such column; TD_UNSUPPORTED: one with `unsupported` set; TD_NOMEM. */
enum td_code td_pq_reader_new(const struct td_pq_file *file, const int *columns, size_t count, struct td_pq_reader **out,
                              struct td_err *err);
void td_pq_reader_free(struct td_pq_reader *reader);
/* Point an existing reader at another file (or the same one from its start), keeping its decompressors and buffers: the
 * way to read many small files with one reader a thread. After an error only another reset or free is of use. The old
 * file may be closed before; texts of the last batch die. */
enum td_code td_pq_reader_reset(struct td_pq_reader *reader, const struct td_pq_file *file, const int *columns,
                                size_t count, struct td_err *err);
/* Read up to max_rows next rows into arrays[0..count-1], which have room for so many; *rows = 0 at the end. TD_DATA for damage
 * and for a null where `valid` is NULL, TD_UNSUPPORTED for a codec or an encoding, TD_LIMIT when the budget of td_pq_limits is too
 * small, TD_NOMEM, TD_IO; the arrays then hold anything. A batch may be shorter than asked only at
 * the end of the file. Byte-array values point into memory of the reader, valid until its next call. */
enum td_code td_pq_read(struct td_pq_reader *reader, struct td_pq_array *arrays, size_t max_rows, size_t *rows,
                        struct td_err *err);
/* Position the cursor at an absolute row (0..rows); whole row groups and pages before it are skipped undecoded, in a
 * sealed file with a page index without touching them. Ends what td_pq_want asked for. */
enum td_code td_pq_seek(struct td_pq_reader *reader, int64_t row, struct td_err *err);

struct td_pq_range { /* rows [from, to) of a file */
    int64_t from, to;
};
struct td_pq_ranges { /* ascending, not empty, apart from each other; {0} is none */
    struct td_pq_range *items;
    size_t count, cap;
};
void td_pq_ranges_free(struct td_pq_ranges *ranges);
/* From now on td_pq_read gives the rows of these ranges only and ends after the last; a batch ends with its range, so it
 * may be short there. Row groups and pages without such rows are skipped undecoded. Copied. TD_DATA when they are not in
 * order or leave the file. */
enum td_code td_pq_want(struct td_pq_reader *reader, const struct td_pq_range *ranges, size_t count, struct td_err *err);
/* The file's row that td_pq_read would give next; td_pq_rows at the end. */
int64_t td_pq_next_row(const struct td_pq_reader *reader);
/* What was decoded since the reader was made: row groups entered, data pages opened, and their bytes in the file with
 * headers and dictionaries. */
struct td_pq_effort {
    uint64_t groups, pages, bytes;
};
struct td_pq_effort td_pq_reader_effort(const struct td_pq_reader *reader);

/* Cut the rows of a file into `parts` (1 or more) ranges of about equal length, for as many readers of these columns, each on
 * its own thread with one file between them: part i is rows [cuts[i], cuts[i + 1]), read after td_pq_seek to cuts[i]; `cuts`
 * has parts + 1 slots. Cuts lie between row groups, or between pages where groups alone would leave a thread idle; parts of a
 * file that cannot be cut so are empty. Reads page headers at most. Damage is TD_DATA, a strange column TD_MISSING. */
enum td_code td_pq_split(const struct td_pq_file *file, const int *columns, size_t count, size_t parts, int64_t *cuts,
                         struct td_err *err);

/* ---- which rows can matter ---- */

enum td_pq_op { TD_PQ_EQ, TD_PQ_NE, TD_PQ_LT, TD_PQ_LE, TD_PQ_GT, TD_PQ_GE, TD_PQ_IS_NULL, TD_PQ_NOT_NULL };
enum td_pq_value_kind { TD_PQ_VALUE_INT, TD_PQ_VALUE_UINT, TD_PQ_VALUE_REAL, TD_PQ_VALUE_BYTES };
/* `column` op `value`. INT, UINT and REAL go with BOOLEAN (0 and 1), INT32, INT64 (unsigned ones as such; dates, times and
 * timestamps in the column's unit, decimals unscaled), FLOAT and DOUBLE, in any combination: the comparison is exact. BYTES
 * go with BYTE_ARRAY and FIXED other than decimals and compare bytewise. Null satisfies IS_NULL alone; NaN satisfies NE and
 * NOT_NULL alone; -0 equals +0. */
struct td_pq_bound {
    int column; /* leaf */
    enum td_pq_op op;
    enum td_pq_value_kind kind; /* of v; of no meaning for null tests */
    union {
        int64_t i;
        uint64_t u;
        double f;
        struct td_str s; /* the caller's */
    } v;
};
struct td_pq_pruning { /* how td_pq_prune came to its ranges */
    size_t groups, groups_left; /* row groups with rows; those that are left in part or whole */
    const char *why;            /* static text: why the file's statistics could tell nothing; NULL = they could */
};
/* Rows that may satisfy all bounds, by what the file states of its row groups and pages, without decoding any. Statistics
 * and index are believed where td_pq_seal says GOOD; with `trust` also elsewhere, and then the answer is only as right as
 * they are (null counts of others are never believed). Bounds of kinds that cannot be compared with their column are passed
 * over: the ranges are wider then, never narrower. Add to *out ({0} before); free it with td_pq_ranges_free. `how` may be
 * NULL. TD_MISSING: no such column. TD_IO, TD_NOMEM. Any thread. */
enum td_code td_pq_prune(const struct td_pq_file *file, const struct td_pq_bound *bounds, size_t count, bool trust,
                         struct td_pq_ranges *out, struct td_pq_pruning *how, struct td_err *err);
/* Exactly the rows of `in` (NULL = the whole file) that satisfy all bounds, found by decoding the columns that the bounds
 * name and no other: true whatever the statistics say. Added to *out. A bound that cannot be compared with its column is
 * TD_UNSUPPORTED; otherwise as td_pq_read. */
enum td_code td_pq_match(const struct td_pq_file *file, const struct td_pq_bound *bounds, size_t count,
                         const struct td_pq_ranges *in, struct td_pq_ranges *out, struct td_err *err);

struct td_pq_page_info {
    int64_t offset;
    int type, encoding; /* format numbers */
    int32_t values, compressed, uncompressed;
};
/* Call fn for every page of a chunk, in file order, from headers alone; stops when fn returns false. */
enum td_code td_pq_pages(const struct td_pq_file *file, size_t group, size_t column,
                         bool (*fn)(void *ctx, const struct td_pq_page_info *page), void *ctx, struct td_err *err);

struct td_pq_page_index { /* what the page index says of a data page, true or not */
    int64_t offset, first_row; /* in the file; in the row group */
    int64_t nulls;             /* -1 = not stated */
    bool null_page;            /* it says so */
    bool has_min_max;          /* usable bounds: PLAIN bytes in the arena */
    struct td_str min, max;
};
/* The page index of a chunk, one entry a data page, into the arena; *count is 0 where there is none or it is malformed. Any
 * thread. TD_IO, TD_NOMEM. */
enum td_code td_pq_index(const struct td_pq_file *file, size_t group, size_t column, struct td_arena *arena,
                         struct td_pq_page_index **out, size_t *count, struct td_err *err);

/* ---- is a file what it says? ---- */

struct td_pq_finding {
    int column;          /* leaf; -1 = the file as a whole */
    const char *name;    /* of the column, as the file has it; NULL without one */
    int64_t group, page; /* -1 = not of one; pages count from 0 as td_pq_pages gives them */
    int64_t offset;      /* in the file; -1 = nowhere in particular */
    const char *text;    /* what is wrong: one line, printable; the callee's until it returns */
};
struct td_pq_verified {
    int64_t rows;
    uint64_t pages;                 /* data pages decoded */
    size_t columns, columns_passed; /* checked; passed over because they are nested or encrypted */
    uint64_t findings;
    enum td_pq_seal seal;
};
/* Decode everything and compare it with all that the file says of it: footer, checksums, places and sizes of chunks and
 * pages, row counts, dictionary codes, statistics of chunks and pages, column and offset index, the seal. Every
 * disagreement goes to fn, which returns false to hear of no more. One damage is told once: a page that does not match its
 * checksum is not decoded, and what depends on it is not judged. A file that cannot be opened is a finding too; the code is
 * TD_OK however many there are, else TD_IO, TD_NOMEM, TD_MISSING (no such file). */
enum td_code td_pq_verify(const char *path, bool (*fn)(void *ctx, const struct td_pq_finding *finding), void *ctx,
                          struct td_pq_verified *out, struct td_err *err);
/* The same until `cancelled`, asked before every page and every few thousand rows on the caller's thread, says true: it is
 * then TD_CANCELLED, and what was found so far has been told. NULL = never. */
enum td_code td_pq_verify_until(const char *path, bool (*fn)(void *ctx, const struct td_pq_finding *finding),
                                bool (*cancelled)(void *ctx), void *ctx, struct td_pq_verified *out, struct td_err *err);
/* td_pq_verify of an opened file. */
enum td_code td_pq_verify_file(const struct td_pq_file *file,
                               bool (*fn)(void *ctx, const struct td_pq_finding *finding), void *ctx,
                               struct td_pq_verified *out, struct td_err *err);

/* ---- writer ---- */

struct td_pq_writer; /* one thread; equal rows and options give equal bytes */

struct td_pq_sort { /* the rows are in the order of this column */
    size_t column;
    bool descending, nulls_first;
};

struct td_pq_write_options { /* zero = default */
    enum td_pq_codec codec;  /* ZSTD, GZIP or LZ4_RAW; 0 = default = ZSTD */
    bool uncompressed;       /* no codec at all */
    int level;               /* ZSTD 1-19, default 2; GZIP 1-12, default 6 */
    size_t group_rows;       /* default 131072; less where 256 MiB of numbers come first */
    size_t page_rows;        /* default 8192 */
    size_t page_bytes;       /* default 1 MiB, soft */
    bool data_page_v2;
    bool no_dictionary;      /* AUTO columns get none */
    const struct td_pq_sort *sorted; /* the order the caller vouches for, most significant first: told, not checked */
    size_t sorted_count;             /* copied */
};

/* Bytes go to `fd` in order, from its current position, which must be the start of the file. Columns are copied.
 * A column that the format cannot hold (logical on a wrong type, precision too great, an encoding of another type, a name
 * that is no UTF-8 or that two columns share) is TD_UNSUPPORTED.
 * AUTO: doubles, floats and FIXED get a dictionary when at most a third of the chunk's values are distinct, texts when at
 * most half are; else texts are DELTA_LENGTH_BYTE_ARRAY, and doubles and floats BYTE_STREAM_SPLIT where that compresses a sample
 * of them by a sixteenth better than PLAIN. INT32 and INT64 are DELTA_BINARY_PACKED unless a dictionary is at most half as
 * large. BOOLEAN, INT96 and decimals in bytes are PLAIN.
 * Memory: one row group, of at most 64 MiB of texts and 256 MiB of numbers, and its pages. One thread. */
enum td_code td_pq_writer_new(int fd, const char *name, const struct td_pq_column *columns, size_t count,
                              const struct td_pq_write_options *options, struct td_pq_writer **out, struct td_err *err);
/* Key-value metadata of the footer; before finish; later values replace earlier ones of the same key. */
enum td_code td_pq_writer_meta(struct td_pq_writer *writer, const char *key, const char *value, struct td_err *err);
/* Append rows; arrays[i] belongs to column i. Values are copied. TD_DATA, naming the column and the row (counted from 0 over
 * the file), for a null in a REQUIRED column and for a value that its type cannot hold: an INTEGER outside its bits, a
 * TIME outside its day, a DECIMAL with more digits than its precision, a STRING, ENUM or JSON that is no UTF-8, a FIXED
 * of another length. After any error the file cannot be finished. */
enum td_code td_pq_write(struct td_pq_writer *writer, const struct td_pq_array *arrays, size_t rows, struct td_err *err);
enum td_code td_pq_writer_finish(struct td_pq_writer *writer, struct td_err *err); /* writes the footer; no fsync */
void td_pq_writer_free(struct td_pq_writer *writer); /* also after a failed or missing finish */

#endif
