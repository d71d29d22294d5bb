/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rows of cells become checked bars, one series a ticker; bad rows are counted by reason, the first is described. */
#include "import_private.h"

#include <string.h>

/* ---- values ---- */

static bool is_word(struct td_str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (td_str_is(text, words[i]))
            return true;
    }
    return false;
}

static bool is_missing(struct td_str text)
{
    static const char *const words[] = {"N/A", "n/a", "NA", "null", "NULL", "None", "nan", "NaN", "NAN", "-", "--"};
    return text.len == 0 || (text.len <= 4 && is_word(text, words, TD_COUNT(words)));
}

static bool is_not_finite(struct td_str text)
{
    static const char *const words[] = {"nan",  "NaN",  "NAN",      "inf",      "Inf",      "INF",
                                        "-inf", "-Inf", "infinity", "Infinity", "-Infinity"};
    return is_word(text, words, TD_COUNT(words));
}

/* A number as people's spreadsheets print it: blanks around, a currency sign, commas between thousands. */
static bool dressed_number(struct td_str text, double *out)
{
    char plain[64];
    size_t len = 0, since = 0;
    bool commas = false, point = false;
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    while (text.len > 0 && (*text.ptr == ' ' || *text.ptr == '$'))
        text.ptr++, text.len--;
    for (size_t i = 0; i < text.len && len + 1 < sizeof plain; i++) {
        if (text.ptr[i] == ',') {
            if (point || len == 0 || (commas ? since != 3 : since > 3))
                return false;
            commas = true;
            since = 0;
            continue;
        }
        if (text.ptr[i] == '.') {
            if (commas && since != 3)
                return false;
            point = true;
        } else if (!point) {
            since++;
        }
        plain[len++] = text.ptr[i];
    }
    if (len + 1 == sizeof plain || (commas && !point && since != 3))
        return false;
    return td_parse_f64(plain, len, out);
}

static enum td_reason read_price(const struct import_cell *cell, double *out)
{
    switch (cell->kind) {
    case IMPORT_CELL_F64: *out = cell->f64; return TD_REASON_NONE;
    case IMPORT_CELL_I64: *out = (double)cell->i64; return TD_REASON_NONE;
    case IMPORT_CELL_TEXT:
        if (td_parse_f64(cell->text.ptr, cell->text.len, out) || dressed_number(cell->text, out))
            return TD_REASON_NONE;
        return is_not_finite(cell->text) ? TD_REASON_NOT_FINITE : TD_REASON_UNREADABLE;
    default: return TD_REASON_UNREADABLE;
    }
}

/* Unknown is NaN, never 0. */
static enum td_reason read_optional(const struct import_cell *cell, double *out)
{
    if (cell->kind == IMPORT_CELL_NULL || (cell->kind == IMPORT_CELL_TEXT && is_missing(cell->text))) {
        *out = (double)NAN;
        return TD_REASON_NONE;
    }
    return read_price(cell, out);
}

static enum td_reason read_count(const struct import_cell *cell, int64_t *out)
{
    double value;
    enum td_reason reason;
    if (cell->kind == IMPORT_CELL_I64) {
        *out = cell->i64;
        return TD_REASON_NONE;
    }
    if (cell->kind == IMPORT_CELL_TEXT && td_parse_i64(cell->text.ptr, cell->text.len, out))
        return TD_REASON_NONE;
    *out = TD_NO_COUNT;
    reason = read_optional(cell, &value);
    if (reason != TD_REASON_NONE || isnan(value))
        return reason;
    if (!(fabs(value) < 9007199254740992.0) || value != floor(value))
        return TD_REASON_UNREADABLE;
    *out = (int64_t)value;
    return TD_REASON_NONE;
}

/* ---- tickers ---- */

static bool is_ticker(struct td_str text)
{
    if (text.len == 0 || text.len >= TD_TICKER_MAX || td_str_is(text, ".") || td_str_is(text, ".."))
        return false; /* a ticker names a file later */
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] <= 0x20 || (unsigned char)text.ptr[i] >= 0x7f || text.ptr[i] == '/')
            return false;
    }
    return true;
}

static bool is_series(const struct td_import_series *series, struct td_str ticker)
{
    return strncmp(series->ticker, ticker.ptr, ticker.len) == 0 && series->ticker[ticker.len] == '\0';
}

static enum td_code grow_slots(struct import_stage *stage, struct td_err *err)
{
    size_t count = stage->slot_count ? stage->slot_count * 2 : 64;
    uint32_t *slots = td_calloc(count, sizeof *slots);
    if (!slots)
        return td_fail(err, TD_NOMEM, "%s: out of memory for %zu tickers", stage->path, stage->out->count);
    for (size_t i = 0; i < stage->out->count; i++) {
        const char *ticker = stage->out->series[i].ticker;
        size_t at = td_hash64(ticker, strlen(ticker), 0) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    td_free(stage->slots);
    stage->slots = slots;
    stage->slot_count = count;
    return TD_OK;
}

static enum td_code new_series(struct import_stage *stage, struct td_str ticker, size_t slot, struct td_err *err)
{
    struct td_import_result *out = stage->out;
    if (out->count == IMPORT_MAX_TICKERS)
        return td_fail(err, TD_LIMIT, "%s: more than %d tickers in one file", stage->path, IMPORT_MAX_TICKERS);
    enum td_code code = td_grow(&out->series, &out->cap, out->count + 1, sizeof *out->series, err);
    if (code != TD_OK)
        return code;
    struct td_import_series *series = &out->series[out->count++];
    memset(series, 0, sizeof *series);
    memcpy(series->ticker, ticker.ptr, ticker.len);
    stage->slots[slot] = (uint32_t)out->count;
    return TD_OK;
}

/* Rows come grouped by ticker nearly always: the series of the row before is tried first. */
static enum td_code find_series(struct import_stage *stage, struct td_str ticker, struct td_import_series **out,
                                struct td_err *err)
{
    struct td_import_result *result = stage->out;
    enum td_code code = TD_OK;
    if (result->count > 0 && is_series(&result->series[stage->last], ticker)) {
        *out = &result->series[stage->last];
        return TD_OK;
    }
    if ((result->count + 1) * 2 > stage->slot_count)
        code = grow_slots(stage, err);
    if (code != TD_OK)
        return code;
    size_t at = td_hash64(ticker.ptr, ticker.len, 0) & (stage->slot_count - 1);
    while (stage->slots[at] && !is_series(&result->series[stage->slots[at] - 1], ticker))
        at = (at + 1) & (stage->slot_count - 1);
    if (!stage->slots[at])
        code = new_series(stage, ticker, at, err);
    if (code != TD_OK)
        return code;
    stage->last = stage->slots[at] - 1;
    *out = &result->series[stage->last];
    return TD_OK;
}

static void ticker_of_name(const char *path, char *out, size_t size)
{
    static const char *const tails[] = {".gz", ".csv", ".json", ".parquet"};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name);
    for (size_t i = 0; i < TD_COUNT(tails); i++) {
        size_t tail = strlen(tails[i]);
        if (len > tail && memcmp(name + len - tail, tails[i], tail) == 0)
            len -= tail;
    }
    const char *under = memchr(name, '_', len);
    if (under)
        len = (size_t)(under - name);
    out[0] = '\0';
    if (len < size) {
        memcpy(out, name, len);
        out[len] = '\0';
    }
}

/* ---- the stage ---- */

enum td_code import_stage_init(struct import_stage *stage, const char *path, const struct td_import_options *options,
                               struct td_import_result *out, struct td_err *err)
{
    memset(stage, 0, sizeof *stage);
    stage->path = path;
    stage->options = options;
    stage->out = out;
    if (options->ticker && *options->ticker) {
        if (!is_ticker(td_str_of(options->ticker)))
            return td_fail(err, TD_USAGE, "--ticker: '%.40s' is no ticker", options->ticker);
        td_copy(stage->ticker, sizeof stage->ticker, options->ticker);
    } else if (options->ticker_from_name) {
        ticker_of_name(path, stage->ticker, sizeof stage->ticker);
        if (!is_ticker(td_str_of(stage->ticker)))
            return td_fail(err, TD_DATA, "%s: the file's name begins with no ticker: give --ticker", path);
    }
    return import_clock_init(&stage->clock, options, err);
}

enum td_code import_stage_ticker(struct import_stage *stage, const char *ticker, size_t len, struct td_err *err)
{
    struct td_str text = {ticker, len};
    if (!is_ticker(text))
        return td_fail(err, TD_DATA, "%s: the file names a ticker that is none", stage->path);
    if (stage->options->ticker && *stage->options->ticker && !td_str_is(text, stage->ticker))
        return td_fail(err, TD_DATA, "%s: the file is about %.*s, not about --ticker %s", stage->path, (int)len, ticker,
                       stage->ticker);
    memcpy(stage->ticker, ticker, len);
    stage->ticker[len] = '\0';
    return TD_OK;
}

enum td_code import_stage_ready(struct import_stage *stage, struct td_err *err)
{
    if (stage->shape.column[IMPORT_TICKER] < 0 && !stage->ticker[0])
        return td_fail(err, TD_DATA,
                       "%s: which ticker is it? Give --ticker T, --ticker-from-name, or --columns ticker=NAME",
                       stage->path);
    return TD_OK;
}

void import_stage_free(struct import_stage *stage)
{
    td_free(stage->slots);
    stage->slots = NULL;
}

static void quarantine(struct import_stage *stage, enum td_reason reason, uint64_t line, struct td_str what)
{
    struct td_import_result *out = stage->out;
    out->quarantined[reason]++;
    if (out->detail[0])
        return;
    struct td_buf text;
    const char *slash = strrchr(stage->path, '/');
    td_buf_init(&text, 4096);
    td_buf_adds(&text, slash ? slash + 1 : stage->path);
    if (line)
        td_buf_printf(&text, "%s%llu", stage->by_row ? " row " : ":", (unsigned long long)line);
    td_buf_printf(&text, ": %s", td_reason_text(reason));
    if (what.len > 0) {
        td_buf_adds(&text, ": ");
        td_buf_add_printable(&text, what.ptr, what.len < 100 ? what.len : 100);
    }
    td_copy(out->detail, sizeof out->detail, text.data ? text.data : td_reason_text(reason));
    td_buf_free(&text);
}

void import_stage_bad(struct import_stage *stage, enum td_reason reason, uint64_t line, struct td_str what)
{
    stage->out->rows_read++;
    quarantine(stage, reason, line, what);
}

bool import_stamp_cell(const struct import_shape *shape, const struct import_cell *cells, size_t count, char *room,
                       size_t size, struct import_cell *out)
{
    size_t len = 0;
    if (shape->time_parts == 1) {
        if ((size_t)shape->time[0] >= count)
            return false;
        *out = cells[shape->time[0]];
        return out->kind != IMPORT_CELL_NULL;
    }
    for (int i = 0; i < shape->time_parts; i++) {
        if ((size_t)shape->time[i] >= count)
            return false;
        const struct import_cell *part = &cells[shape->time[i]];
        if (part->kind != IMPORT_CELL_TEXT || part->text.len + 1 >= size - len)
            return false;
        if (i > 0)
            room[len++] = ' ';
        memcpy(room + len, part->text.ptr, part->text.len);
        len += part->text.len;
    }
    *out = import_text(room, len);
    return true;
}

static const struct import_cell *cell_at(const struct import_stage *stage, const struct import_cell *cells,
                                         enum import_role role)
{
    static const struct import_cell none = {.kind = IMPORT_CELL_NULL};
    int at = stage->shape.column[role];
    return at < 0 ? &none : &cells[at];
}

static enum td_reason read_bar(struct import_stage *stage, const struct import_cell *cells,
                               const struct import_cell *stamp, struct td_bar *bar)
{
    enum td_reason reason = import_clock_read(&stage->clock, stamp, &bar->ts);
    if (reason == TD_REASON_NONE)
        reason = read_price(cell_at(stage, cells, IMPORT_OPEN), &bar->open);
    if (reason == TD_REASON_NONE)
        reason = read_price(cell_at(stage, cells, IMPORT_HIGH), &bar->high);
    if (reason == TD_REASON_NONE)
        reason = read_price(cell_at(stage, cells, IMPORT_LOW), &bar->low);
    if (reason == TD_REASON_NONE)
        reason = read_price(cell_at(stage, cells, IMPORT_CLOSE), &bar->close);
    if (reason == TD_REASON_NONE)
        reason = read_optional(cell_at(stage, cells, IMPORT_VOLUME), &bar->volume);
    if (reason == TD_REASON_NONE)
        reason = read_optional(cell_at(stage, cells, IMPORT_VWAP), &bar->vwap);
    if (reason == TD_REASON_NONE)
        reason = read_count(cell_at(stage, cells, IMPORT_TRADES), &bar->trades);
    return reason == TD_REASON_NONE ? td_bar_check(bar, stage->clock.daily) : reason;
}

/* The row's own ticker, else the file's. A row that contradicts --ticker is not let in. */
static enum td_reason read_ticker(const struct import_stage *stage, const struct import_cell *cells, struct td_str *out)
{
    const struct import_cell *cell = cell_at(stage, cells, IMPORT_TICKER);
    *out = td_str_of(stage->ticker);
    if (stage->shape.column[IMPORT_TICKER] < 0)
        return TD_REASON_NONE;
    if (cell->kind != IMPORT_CELL_TEXT)
        return TD_REASON_TICKER;
    struct td_str text = cell->text;
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') /* fixed-width exports pad */
        text.len--;
    while (text.len > 0 && *text.ptr == ' ')
        text.ptr++, text.len--;
    if (!is_ticker(text))
        return TD_REASON_TICKER;
    if (stage->options->ticker && *stage->options->ticker && td_str_cmp(text, *out) != 0)
        return TD_REASON_TICKER;
    *out = text;
    return TD_REASON_NONE;
}

enum td_code import_stage_row(struct import_stage *stage, const struct import_cell *cells, size_t count, uint64_t line,
                              struct td_err *err)
{
    struct td_import_series *series;
    struct import_cell stamp = {.kind = IMPORT_CELL_NULL};
    struct td_str ticker;
    struct td_bar bar;
    char room[160];
    enum td_reason reason = TD_REASON_UNREADABLE;

    stage->out->rows_read++;
    if (count >= stage->shape.columns && import_stamp_cell(&stage->shape, cells, count, room, sizeof room, &stamp))
        reason = read_ticker(stage, cells, &ticker);
    if (reason == TD_REASON_NONE)
        reason = read_bar(stage, cells, &stamp, &bar);
    if (reason != TD_REASON_NONE) {
        quarantine(stage, reason, line, stamp.kind == IMPORT_CELL_TEXT ? stamp.text : (struct td_str){NULL, 0});
        return TD_OK;
    }
    enum td_code code = find_series(stage, ticker, &series, err);
    return code == TD_OK ? td_bars_add(&series->bars, &bar, err) : code;
}

enum td_code import_stage_finish(struct import_stage *stage, struct td_err *err)
{
    struct td_import_result *out = stage->out;
    enum td_code code = TD_OK;
    size_t kept = 0;
    for (size_t i = 0; i < out->count && code == TD_OK; i++) {
        struct td_import_series *series = &out->series[i];
        uint64_t duplicates = 0, conflicts = 0;
        code = td_bars_clean(&series->bars, &duplicates, &conflicts, err);
        out->duplicates += duplicates;
        if (conflicts > 0) {
            quarantine(stage, TD_REASON_CONFLICT, 0, td_str_of(series->ticker));
            out->quarantined[TD_REASON_CONFLICT] += conflicts - 1;
        }
        if (code != TD_OK)
            break;
        if (series->bars.n == 0) {
            td_bars_free(&series->bars);
        } else if (kept++ != i) {
            out->series[kept - 1] = *series;
            memset(series, 0, sizeof *series); /* its columns have one owner at every moment */
        }
    }
    if (code == TD_OK)
        out->count = kept;
    return code;
}
