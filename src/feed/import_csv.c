/* SPDX-License-Identifier: GPL-3.0-or-later
 * CSV by RFC 4180 and its relatives: comma, semicolon or tab, quoted fields with line breaks, CRLF, BOM, no last
 * newline. One pass over a block buffer; fields are unquoted in place and never copied. */
#include "import_private.h"

#include <string.h>

#define CSV_BLOCK ((size_t)1 << 20) /* also the longest record */

struct csv {
    const char *path;
    struct import_input *input;
    char *block;
    size_t from, to; /* unread part of the block */
    bool ended;      /* nothing more to read behind it */
    uint64_t line;   /* of the current record's start, 1-based */
    uint64_t next_line;
    char delimiter;
};

struct record {
    char *text;
    size_t len;
};

static enum td_code csv_fill(struct csv *csv, struct td_err *err)
{
    size_t got;
    if (csv->from > 0) {
        memmove(csv->block, csv->block + csv->from, csv->to - csv->from);
        csv->to -= csv->from;
        csv->from = 0;
    }
    if (csv->to == CSV_BLOCK)
        return td_fail(err, TD_DATA, "%s:%llu: a record of more than %zu bytes (a quote that is never closed?)",
                       csv->path, (unsigned long long)csv->next_line, CSV_BLOCK);
    enum td_code code = import_read(csv->input, csv->block + csv->to, CSV_BLOCK - csv->to, &got, err);
    csv->to += got;
    csv->ended = code == TD_OK && csv->to < CSV_BLOCK;
    return code;
}

/* Length of the record up to its newline, quotes respected; `whole` false when the newline is not in reach. */
static size_t quoted_end(const struct csv *csv, const char *text, size_t len, uint64_t *lines, bool *whole, bool *open)
{
    bool at_start = true, inside = false;
    size_t i = 0;
    *lines = 0;
    for (; i < len; i++) {
        char c = text[i];
        if (inside) {
            inside = c != '"'; /* a doubled quote leaves and comes back */
            *lines += c == '\n';
            at_start = c == '"';
        } else if (c == '\n') {
            break;
        } else if (c == '"' && at_start) {
            inside = true;
        } else {
            at_start = c == csv->delimiter;
        }
    }
    *whole = i < len;
    *open = inside;
    return i;
}

/* The next record without its line end; false at the end of the file (or on an error, then *code says so). */
static bool csv_next(struct csv *csv, struct record *record, enum td_code *code, struct td_err *err)
{
    for (;;) {
        char *text = csv->block + csv->from;
        size_t len = csv->to - csv->from;
        char *newline = memchr(text, '\n', len);
        size_t end = newline ? (size_t)(newline - text) : len;
        uint64_t lines = 0;
        bool whole = newline != NULL, open = false;
        if (memchr(text, '"', end))
            end = quoted_end(csv, text, len, &lines, &whole, &open);
        if (!whole && !csv->ended) {
            *code = csv_fill(csv, err);
            if (*code != TD_OK)
                return false;
            continue;
        }
        if (open) {
            *code = td_fail(err, TD_DATA, "%s:%llu: a quote that is never closed", csv->path,
                            (unsigned long long)csv->next_line);
            return false;
        }
        if (len == 0)
            return false;
        csv->line = csv->next_line;
        csv->next_line += lines + 1;
        csv->from += end + whole;
        *record = (struct record){text, end > 0 && text[end - 1] == '\r' ? end - 1 : end};
        return true;
    }
}

/* Undouble quotes in place; false when text follows the closing quote. */
static bool unquote(char *p, const char *end, char delimiter, struct import_cell *cell, char **next)
{
    char *out = p, *start = p;
    for (; p < end; p++) {
        if (*p != '"') {
            *out++ = *p;
        } else if (p + 1 < end && p[1] == '"') {
            *out++ = '"';
            p++;
        } else {
            break;
        }
    }
    if (p == end)
        return false;
    p++;
    *cell = import_text(start, (size_t)(out - start));
    *next = p;
    return p == end || *p == delimiter;
}

/* Split into cells; returns their count, IMPORT_MAX_COLUMNS + 1 when there are more, 0 when the record is malformed. */
static size_t csv_split(const struct csv *csv, struct record record, struct import_cell *cells)
{
    char *p = record.text, *end = record.text + record.len;
    char delimiter = csv->delimiter;
    size_t count = 0;
    for (;;) {
        if (count == IMPORT_MAX_COLUMNS)
            return IMPORT_MAX_COLUMNS + 1;
        if (p < end && *p == '"') {
            if (!unquote(p + 1, end, delimiter, &cells[count], &p))
                return 0;
        } else {
            char *start = p;
            while (p < end && *p != delimiter)
                p++;
            cells[count].kind = IMPORT_CELL_TEXT; /* the numbers of a text cell are never looked at */
            cells[count].text = (struct td_str){start, (size_t)(p - start)};
        }
        count++;
        if (p == end)
            return count;
        p++;
    }
}

static char find_delimiter(struct record header)
{
    static const char candidates[] = ",;\t";
    size_t most = 0;
    char best = ',';
    for (const char *c = candidates; *c; c++) {
        size_t count = 0;
        for (size_t i = 0; i < header.len; i++)
            count += header.text[i] == *c;
        if (count > most) {
            most = count;
            best = *c;
        }
    }
    return best;
}

static bool is_blank(struct record record)
{
    size_t i = 0;
    while (i < record.len && (record.text[i] == ' ' || record.text[i] == '\t'))
        i++;
    return i == record.len;
}

static enum td_code read_header(struct csv *csv, struct import_stage *stage, struct td_err *err)
{
    struct import_cell cells[IMPORT_MAX_COLUMNS];
    struct td_str names[IMPORT_MAX_COLUMNS];
    struct record record = {NULL, 0};
    enum td_code code = TD_OK;

    if (csv->to >= 3 && memcmp(csv->block, "\xef\xbb\xbf", 3) == 0)
        csv->from = 3;
    do {
        if (!csv_next(csv, &record, &code, err))
            return code != TD_OK ? code : td_fail(err, TD_DATA, "%s: no header line: the file is blank", csv->path);
    } while (is_blank(record));
    csv->delimiter = find_delimiter(record);
    size_t count = csv_split(csv, record, cells);
    if (count == 0 || count > IMPORT_MAX_COLUMNS)
        return td_fail(err, TD_DATA, "%s:%llu: the header line is broken or has more than %d columns", csv->path,
                       (unsigned long long)csv->line, IMPORT_MAX_COLUMNS);
    for (size_t i = 0; i < count; i++)
        names[i] = cells[i].text;
    code = import_shape_find(names, count, stage->options, csv->path, &stage->shape, err);
    return code == TD_OK ? import_stage_ready(stage, err) : code;
}

/* Let the stamps in the first block say what the file's unit of time is; nothing is consumed. */
static enum td_code vote(struct csv *csv, struct import_stage *stage, struct td_err *err)
{
    struct import_cell cells[IMPORT_MAX_COLUMNS], stamp;
    struct csv ahead;
    struct record record;
    char room[160];
    enum td_code code = TD_OK;

    if (!csv->ended && csv->from > 0)
        code = csv_fill(csv, err);
    if (code != TD_OK || stage->clock.settled)
        return code;
    char *copy = td_malloc(csv->to - csv->from + 1); /* unquoting changes the text it reads */
    if (!copy)
        return td_fail(err, TD_NOMEM, "%s: out of memory", csv->path);
    memcpy(copy, csv->block + csv->from, csv->to - csv->from);
    ahead = *csv;
    ahead.block = copy;
    ahead.to = csv->to - csv->from;
    ahead.from = 0;
    ahead.ended = true;
    for (unsigned i = 0; i < IMPORT_VOTES && csv_next(&ahead, &record, &code, NULL); i++) {
        size_t count = csv_split(&ahead, record, cells);
        if (count > 0 && count <= IMPORT_MAX_COLUMNS &&
            import_stamp_cell(&stage->shape, cells, count, room, sizeof room, &stamp))
            import_clock_vote(&stage->clock, &stamp);
    }
    td_free(copy);
    import_clock_settle(&stage->clock);
    return TD_OK;
}

static enum td_code read_records(struct csv *csv, struct import_stage *stage, struct td_err *err)
{
    struct import_cell cells[IMPORT_MAX_COLUMNS];
    struct record record;
    enum td_code code = TD_OK;

    while (code == TD_OK && csv_next(csv, &record, &code, err)) {
        if (record.len == 0)
            continue; /* a blank line is no row */
        size_t count = csv_split(csv, record, cells);
        while (count > stage->shape.columns && count <= IMPORT_MAX_COLUMNS && cells[count - 1].text.len == 0)
            count--; /* delimiters at the end of the line */
        if (count == stage->shape.columns)
            code = import_stage_row(stage, cells, count, csv->line, err);
        else
            import_stage_bad(stage, TD_REASON_UNREADABLE, csv->line, (struct td_str){record.text, record.len});
    }
    return code;
}

enum td_code import_csv(struct import_stage *stage, struct import_input *input, const char *head, size_t len,
                        struct td_err *err)
{
    struct csv csv = {.path = stage->path, .input = input, .next_line = 1, .delimiter = ','};
    enum td_code code;

    csv.block = td_malloc(CSV_BLOCK);
    if (!csv.block)
        return td_fail(err, TD_NOMEM, "%s: out of memory", stage->path);
    memcpy(csv.block, head, len); /* len < CSV_BLOCK */
    csv.to = len;
    code = csv_fill(&csv, err);
    if (code == TD_OK)
        code = read_header(&csv, stage, err);
    if (code == TD_OK)
        code = vote(&csv, stage, err);
    if (code == TD_OK)
        code = read_records(&csv, stage, err);
    td_free(csv.block);
    td_copy(stage->out->source, sizeof stage->out->source, "csv");
    return code;
}
