/* SPDX-License-Identifier: GPL-3.0-or-later
 * model: rows of cells behind one accessor, over record structs and sheets; finding columns by what people call them. */
#include <string.h>
#include <strings.h>

#include "view_internal.h"

struct td_cell td_model_cell(const struct td_model *model, size_t row, size_t column)
{
    if (row >= model->rows || column >= model->column_count)
        return (struct td_cell){.kind = TD_KIND_NULL};
    return model->cell(model, model->order ? model->order[row] : row, column);
}

int td_model_find(const struct td_model *model, const char *column)
{
    for (size_t i = 0; i < model->column_count; i++)
        if (strcmp(model->columns[i].name, column) == 0)
            return (int)i;
    return -1;
}

bool view_cell_null(const struct td_cell *cell)
{
    if (cell->kind == TD_KIND_F64 || cell->kind == TD_KIND_F32)
        return isnan(cell->v.f);
    return cell->kind == TD_KIND_NULL;
}

/* ---- over record rows and sheets ---- */

static struct td_cell record_cell(const struct td_model *model, size_t row, size_t column)
{
    const struct td_record_model *self = model->ctx;
    return td_record_cell(&self->record->fields[column], (const char *)self->items + row * self->record->size);
}

enum td_code td_record_model_init(struct td_record_model *out, const struct td_record *record, const void *items,
                                  size_t rows, struct td_err *err)
{
    *out = (struct td_record_model){.record = record, .items = items};
    struct td_view_column *columns = td_calloc(record->count ? record->count : 1, sizeof *columns);
    if (!columns)
        return td_fail(err, TD_NOMEM, "%s: no memory for %zu columns", record->schema, record->count);
    for (size_t i = 0; i < record->count; i++)
        columns[i] = (struct td_view_column){record->fields[i].name, td_field_cell_kind(&record->fields[i])};
    out->columns = columns;
    out->model = (struct td_model){.columns = columns, .column_count = record->count, .rows = rows, .cell = record_cell};
    out->model.ctx = out;
    return TD_OK;
}

void td_record_model_free(struct td_record_model *model)
{
    td_free(model->columns);
    *model = (struct td_record_model){.record = NULL};
}

static struct td_cell sheet_cell(const struct td_model *model, size_t row, size_t column)
{
    const struct td_sheet *sheet = model->ctx;
    return sheet->cells[row * sheet->column_count + column];
}

void td_sheet_model(const struct td_sheet *sheet, struct td_view_column *columns, struct td_model *out)
{
    for (size_t i = 0; i < sheet->column_count; i++)
        columns[i] = (struct td_view_column){sheet->columns[i].name, sheet->columns[i].kind};
    *out = (struct td_model){.columns = columns,
                             .column_count = sheet->column_count,
                             .rows = sheet->rows,
                             .cell = sheet_cell,
                             .ctx = sheet};
}

/* ---- what people call a column ---- */

static const struct {
    const char *alias, *name;
} aliases[] = {
    {"cap", "market_cap_d"},   {"price", "close_d"},     {"px", "close_d"},        {"chg", "pctchg_d"},
    {"vol", "vol_d"},          {"rvol", "rvol30"},       {"dvol", "dollar_vol_d"}, {"gap", "gap_pct_d"},
    {"day", "trading_day"},    {"date", "trading_day"},  {"open", "open_d"},       {"high", "high_d"},
    {"low", "low_d"},          {"close", "close_d"},     {"vwap", "vwap_d"},       {"trades", "trades_d"},
    {"px", "close"},           {"price", "close"},       {"vol", "volume"},        {"time", "timestamp"},
    {"trades", "transactions"}, {"ir252", "days_info_rich_252"},
};

static bool same_text(struct td_str a, const char *b, bool any_case)
{
    return a.len == strlen(b) && (any_case ? strncasecmp(a.ptr, b, a.len) : strncmp(a.ptr, b, a.len)) == 0;
}

static int find_name(const struct td_model *model, struct td_str name, bool any_case)
{
    for (size_t i = 0; i < model->column_count; i++)
        if (same_text(name, model->columns[i].name, any_case))
            return (int)i;
    return -1;
}

static int find_alias(const struct td_model *model, struct td_str name, bool any_case)
{
    for (size_t i = 0; i < TD_COUNT(aliases); i++)
        if (same_text(name, aliases[i].alias, any_case)) {
            int at = td_model_find(model, aliases[i].name);
            if (at >= 0)
                return at;
        }
    return -1;
}

static int find_title(const struct td_model *model, struct td_str name)
{
    for (size_t i = 0; i < model->column_count; i++) {
        const struct td_column_info *info = td_column_find(model->columns[i].name);
        if (info && same_text(name, info->title, true))
            return (int)i;
    }
    return -1;
}

int view_resolve(const struct td_model *model, struct td_str name)
{
    int at = find_name(model, name, false);
    if (at < 0)
        at = find_alias(model, name, false);
    if (at < 0)
        at = find_name(model, name, true);
    if (at < 0)
        at = find_alias(model, name, true);
    return at < 0 ? find_title(model, name) : at;
}

/* The nearest column name, NULL when nothing is near enough to be meant. */
static const char *nearest(const struct td_model *model, const char *name)
{
    size_t best = strlen(name) / 2 + 1;
    const char *found = NULL;
    for (size_t i = 0; i < model->column_count; i++) {
        size_t distance = td_edit_distance(name, model->columns[i].name, best);
        if (distance < best) {
            best = distance;
            found = model->columns[i].name;
        }
    }
    return found;
}

void view_no_column(const struct td_model *model, struct td_str name, char *out, size_t size)
{
    char shown[48];
    size_t n = view_printable(shown, sizeof shown, name.ptr, name.len);
    const char *near = n == name.len ? nearest(model, shown) : NULL;
    if (near) {
        td_snprintf(out, size, "no column \"%s\"; did you mean %s?", shown, near);
        return;
    }
    char list[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < model->column_count; i++) {
        const char *next = model->columns[i].name;
        size_t room = sizeof list - used;
        if (strlen(next) + 8 > room) {
            td_copy(list + used, room, ", ...");
            break;
        }
        td_snprintf(list + used, room, "%s%s", i ? ", " : "", next);
        used += strlen(list + used);
    }
    td_snprintf(out, size, "no column \"%s\"; there are %s", shown, model->column_count ? list : "none");
}

static struct td_str trim(struct td_str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = (struct td_str){s.ptr + 1, s.len - 1};
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

enum td_code td_view_select(const struct td_model *model, const char *list, size_t *map, size_t max, size_t *count,
                            struct td_err *err)
{
    *count = 0;
    for (const char *at = list;;) {
        const char *comma = strchr(at, ',');
        struct td_str name = trim((struct td_str){at, comma ? (size_t)(comma - at) : strlen(at)});
        if (name.len == 0)
            return td_fail(err, TD_USAGE, "columns: an empty name; names are separated by single commas");
        int column = view_resolve(model, name);
        if (column < 0) {
            char why[320];
            view_no_column(model, name, why, sizeof why);
            return td_fail(err, TD_USAGE, "columns: %s", why);
        }
        for (size_t i = 0; i < *count; i++)
            if (map[i] == (size_t)column) /* also under another of its names */
                return td_fail(err, TD_USAGE, "columns: '%s' is named twice", model->columns[column].name);
        if (*count == max)
            return td_fail(err, TD_USAGE, "columns: more than %zu names", max);
        map[(*count)++] = (size_t)column;
        if (!comma)
            return TD_OK;
        at = comma + 1;
    }
}
