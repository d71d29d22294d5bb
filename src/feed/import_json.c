/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON bars of the shapes vendors send: Alpha Vantage's object of stamps, and lists of objects under `results`, `bars`,
 * `values`, `data` or at the top. */
#include "import_private.h"

#include <string.h>

#include "feed_json.h"

#define JSON_MAX_BYTES ((size_t)256 << 20) /* the document is held as a tree of about ten times its size */
#define JSON_NAME_ROWS 64                  /* rows whose keys make the header */

static enum td_code read_all(struct import_stage *stage, struct import_input *input, struct td_buf *text,
                             struct td_err *err)
{
    size_t got = 1;
    enum td_code code = TD_OK;
    while (code == TD_OK && got > 0) {
        size_t step = (size_t)1 << 20;
        if (!td_buf_reserve(text, step))
            return text->len + step > JSON_MAX_BYTES
                       ? td_fail(err, TD_LIMIT, "%s: JSON of more than %zu MiB", stage->path, JSON_MAX_BYTES >> 20)
                       : td_fail(err, TD_NOMEM, "%s: out of memory", stage->path);
        code = import_read(input, text->data + text->len, step, &got, err);
        text->len += got;
    }
    if (code == TD_OK)
        td_buf_addc(text, '\0');
    return code;
}

static struct import_cell cell_of(const json_t *value)
{
    struct import_cell cell = {.kind = IMPORT_CELL_NULL};
    if (json_is_string(value))
        return import_text(json_string_value(value), json_string_length(value));
    if (json_is_integer(value)) {
        cell.kind = IMPORT_CELL_I64;
        cell.i64 = json_integer_value(value);
    } else if (json_is_real(value)) {
        cell.kind = IMPORT_CELL_F64;
        cell.f64 = json_real_value(value);
    }
    return cell;
}

static enum td_code take_ticker(struct import_stage *stage, const json_t *value, struct td_err *err)
{
    if (!json_is_string(value) || json_string_length(value) == 0)
        return TD_OK;
    return import_stage_ticker(stage, json_string_value(value), json_string_length(value), err);
}

/* Some vendors answer 200 with a sentence about the key or the rate instead of data. */
static enum td_code no_bars(const struct import_stage *stage, const json_t *root, struct td_err *err)
{
    static const char *const keys[] = {"Error Message", "Note", "Information", "error", "message"};
    struct td_buf text;
    td_buf_init(&text, 4096);
    for (size_t i = 0; i < TD_COUNT(keys) && text.len == 0; i++)
        feed_json_printable(&text, json_object_get(root, keys[i]), 200);
    td_fail(err, TD_DATA, "%s: this JSON holds no bars of a known shape%s%.250s", stage->path,
            text.len ? "; it says: " : "", text.len ? text.data : "");
    td_buf_free(&text);
    return TD_DATA;
}

/* ---- lists of objects ---- */

static enum td_code names_of(const json_t *rows, struct td_str *names, const char **keys, size_t *count)
{
    size_t total = json_array_size(rows), used = 0;
    for (size_t i = 0; i < total && i < JSON_NAME_ROWS; i++) {
        const char *key;
        json_t *value, *row = json_array_get(rows, i);
        json_object_foreach(row, key, value)
        {
            size_t at = 0;
            while (at < used && strcmp(keys[at], key) != 0)
                at++;
            if (at == used && used < IMPORT_MAX_COLUMNS) {
                keys[used] = key;
                names[used++] = td_str_of(key);
            }
        }
    }
    *count = used;
    return TD_OK;
}

struct list { /* only the columns in use are looked up in each row */
    const char *keys[IMPORT_MAX_COLUMNS];
    int used[IMPORT_ROLES + IMPORT_MAX_PARTS];
    size_t used_count, columns;
};

static void mark_used(struct list *list, const struct import_shape *shape)
{
    for (int role = 0; role < IMPORT_ROLES; role++) {
        if (shape->column[role] >= 0)
            list->used[list->used_count++] = shape->column[role];
    }
    for (int part = 0; part < shape->time_parts; part++)
        list->used[list->used_count++] = shape->time[part];
}

static void fill_cells(const struct list *list, const json_t *row, struct import_cell *cells)
{
    for (size_t k = 0; k < list->used_count; k++)
        cells[list->used[k]] = cell_of(json_object_get(row, list->keys[list->used[k]]));
}

static void vote_list(struct import_stage *stage, const struct list *list, const json_t *rows)
{
    struct import_cell cells[IMPORT_MAX_COLUMNS], stamp;
    char room[160];
    memset(cells, 0, sizeof cells);
    for (size_t i = 0; i < json_array_size(rows) && i < IMPORT_VOTES; i++) {
        fill_cells(list, json_array_get(rows, i), cells);
        if (import_stamp_cell(&stage->shape, cells, list->columns, room, sizeof room, &stamp))
            import_clock_vote(&stage->clock, &stamp);
    }
    import_clock_settle(&stage->clock);
}

static enum td_code read_list(struct import_stage *stage, const json_t *rows, struct td_err *err)
{
    struct import_cell cells[IMPORT_MAX_COLUMNS];
    struct td_str names[IMPORT_MAX_COLUMNS];
    struct list list = {.used_count = 0};
    enum td_code code;

    if (json_array_size(rows) == 0)
        return TD_OK;
    names_of(rows, names, list.keys, &list.columns);
    code = import_shape_find(names, list.columns, stage->options, stage->path, &stage->shape, err);
    if (code == TD_OK)
        code = import_stage_ready(stage, err);
    if (code != TD_OK)
        return code;
    mark_used(&list, &stage->shape);
    vote_list(stage, &list, rows);
    memset(cells, 0, sizeof cells);
    for (size_t i = 0; i < json_array_size(rows) && code == TD_OK; i++) {
        const json_t *row = json_array_get(rows, i);
        if (json_is_object(row)) {
            fill_cells(&list, row, cells);
            code = import_stage_row(stage, cells, list.columns, i + 1, err);
        } else {
            import_stage_bad(stage, TD_REASON_UNREADABLE, i + 1, td_str_of("no object"));
        }
    }
    return code;
}

/* ---- Alpha Vantage ---- */

static const char *tail_of(const char *key) /* "2. Symbol" -> "Symbol" */
{
    const char *dot = strstr(key, ". ");
    return dot ? dot + 2 : key;
}

static enum td_code read_meta(struct import_stage *stage, json_t *meta, struct td_err *err)
{
    static const char *const eastern[] = {"US/Eastern", "America/New_York", "EST5EDT"};
    json_t *value;
    const char *key;
    enum td_code code = TD_OK;
    json_object_foreach(meta, key, value)
    {
        const char *name = tail_of(key), *text = json_is_string(value) ? json_string_value(value) : "";
        if (code == TD_OK && strcmp(name, "Symbol") == 0)
            code = take_ticker(stage, value, err);
        if (code != TD_OK || strcmp(name, "Time Zone") != 0)
            continue;
        bool known = strcmp(text, "UTC") == 0;
        stage->clock.new_york = false; /* the file says it itself: stronger than the option */
        for (size_t i = 0; i < TD_COUNT(eastern); i++) {
            if (strcmp(text, eastern[i]) == 0)
                known = stage->clock.new_york = true;
        }
        if (!known)
            code =
                td_fail(err, TD_UNSUPPORTED,
                        "%s: stamps are in the time zone '%.40s'; only US/Eastern and UTC are read", stage->path, text);
    }
    return code;
}

static enum td_code read_series(struct import_stage *stage, json_t *series, struct td_err *err)
{
    static const char *const fields[] = {"open", "high", "low", "close", "volume"};
    struct td_str names[] = {{"timestamp", 9}, {"open", 4}, {"high", 4}, {"low", 3}, {"close", 5}, {"volume", 6}};
    struct td_import_options plain = *stage->options;
    uint64_t nth = 0;
    const char *key;
    json_t *row;

    plain.columns = NULL; /* the shape is known by heart */
    enum td_code code = import_shape_find(names, TD_COUNT(names), &plain, stage->path, &stage->shape, err);
    if (code == TD_OK)
        code = import_stage_ready(stage, err);
    import_clock_settle(&stage->clock); /* text */
    json_object_foreach(series, key, row)
    {
        struct import_cell cells[TD_COUNT(names)];
        const char *name;
        json_t *value;
        if (code != TD_OK)
            break;
        memset(cells, 0, sizeof cells);
        cells[0] = import_text(key, strlen(key));
        json_object_foreach(row, name, value)
        {
            for (size_t k = 0; k < TD_COUNT(fields); k++) {
                if (strcmp(tail_of(name), fields[k]) == 0)
                    cells[k + 1] = cell_of(value);
            }
        }
        code = import_stage_row(stage, cells, TD_COUNT(cells), ++nth, err);
    }
    return code;
}

/* ---- recognising ---- */

static json_t *find_series(json_t *root)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (strncmp(key, "Time Series", 11) == 0 && json_is_object(value))
            return value;
    }
    return NULL;
}

static enum td_code read_vendor(struct import_stage *stage, const json_t *root, const json_t *rows, struct td_err *err)
{
    const json_t *adjusted = json_object_get(root, "adjusted");
    stage->out->adjusted = json_is_true(adjusted) ? 1 : json_is_false(adjusted) ? 0 : -1;
    td_copy(stage->out->source, sizeof stage->out->source, "vendor-json");
    enum td_code code = take_ticker(stage, json_object_get(root, "ticker"), err);
    return code == TD_OK ? read_list(stage, rows, err) : code;
}

static enum td_code read_known(struct import_stage *stage, json_t *root, struct td_err *err)
{
    static const struct {
        const char *key, *source;
    } lists[] = {{"bars", "twelvedata"}, {"values", "twelvedata"}, {"data", "json"}};
    char *source = stage->out->source;
    size_t size = sizeof stage->out->source;
    json_t *series = find_series(root), *rows = json_object_get(root, "results");
    enum td_code code;

    if (series) {
        td_copy(source, size, "alphavantage");
        code = read_meta(stage, json_object_get(root, "Meta Data"), err);
        return code == TD_OK ? read_series(stage, series, err) : code;
    }
    if (json_is_array(rows) || (json_object_get(root, "resultsCount") && !rows))
        return read_vendor(stage, root, rows, err);
    for (size_t i = 0; i < TD_COUNT(lists); i++) {
        rows = json_object_get(root, lists[i].key);
        if (!json_is_array(rows))
            continue;
        td_copy(source, size, lists[i].source);
        code = take_ticker(stage, json_object_get(root, "symbol"), err);
        if (code == TD_OK)
            code = take_ticker(stage, json_object_get(json_object_get(root, "meta"), "symbol"), err);
        return code == TD_OK ? read_list(stage, rows, err) : code;
    }
    if (json_is_array(root)) {
        td_copy(source, size, "json");
        return read_list(stage, root, err);
    }
    return no_bars(stage, root, err);
}

enum td_code import_json(struct import_stage *stage, struct import_input *input, const char *head, size_t len,
                         struct td_err *err)
{
    struct td_buf text;
    json_t *root = NULL;
    enum td_code code;

    stage->by_row = true;
    td_buf_init(&text, JSON_MAX_BYTES);
    td_buf_add(&text, head, len);
    code = td_buf_check(&text, stage->path, err);
    if (code == TD_OK)
        code = read_all(stage, input, &text, err);
    if (code == TD_OK)
        code = feed_json_parse(text.data, text.len - 1, stage->path, &root, err);
    td_buf_free(&text);
    if (code == TD_OK)
        code = read_known(stage, root, err);
    json_decref(root);
    return code;
}
