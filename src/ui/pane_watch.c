/* SPDX-License-Identifier: GPL-3.0-or-later
 * pane_watch: the info-rich scan as a table. Columns give way from the right of a list of priorities as it narrows. */
#include <string.h>

#include "deck.h"

enum special { BY_MODEL, IN_PLAY, WHY, SPARK };

struct watch_column {
    const char *name; /* of the column catalogue */
    const char *title;
    enum special special;
    int width, priority; /* lower stays longer */
};
static const struct watch_column columns[] = {
    {"ticker", "TICKER", BY_MODEL, 8, 0},         {"close_d", "CLOSE", BY_MODEL, 9, 3},
    {"pctchg_d", "%CHG", BY_MODEL, 9, 1},         {"rvol30", "RVOL", BY_MODEL, 6, 2},
    {"dollar_vol_d", "$VOL", BY_MODEL, 7, 4},     {"market_cap_d", "CAP", BY_MODEL, 7, 6},
    {"days_info_rich_252", "IR252", IN_PLAY, 5, 7}, {NULL, "LAST 20", SPARK, SPARK_DAYS, 8},
    {NULL, "WHY", WHY, 4, 5},
    {"gap_pct_d", "GAP%", BY_MODEL, 9, 9},        {"rvol30_prior", "RVOL PRI", BY_MODEL, 8, 10},
    {"vol_d", "VOL", BY_MODEL, 7, 11},            {"vwap_d", "VWAP", BY_MODEL, 9, 12},
    {"flags", "FLAGS", BY_MODEL, 20, 13},
};

static const char *sort_title(const char *spec, bool *ascending)
{
    char name[48];
    td_copy(name, sizeof name, spec);
    char *colon = strchr(name, ':');
    *ascending = colon && strcmp(colon + 1, "asc") == 0;
    if (colon)
        *colon = '\0';
    const struct td_column_info *info = td_column_find(name);
    return info ? info->title : "file order";
}

static void watch_title(struct deck *deck, char *out, size_t size)
{
    const struct watch_view *view = &deck->watch;
    const struct watch_list *list = view->list;
    char day[11] = "", rvol[32] = "";
    bool ascending = false;
    if (!list || list->day == TD_NO_DAY) {
        td_snprintf(out, size, "info-rich scan%s", view->loading ? "  loading" : "");
        return;
    }
    const char *sort = view->sort[0] ? sort_title(view->sort, &ascending) : "file order";
    td_format_day(list->day, day);
    if (isfinite(list->market_rvol)) {
        char number[32];
        td_price_text(list->market_rvol, number);
        number[4] = '\0'; /* two decimals are enough for a mean */
        td_snprintf(rvol, sizeof rvol, "  market rvol %s", number);
    }
    td_snprintf(out, size, "info-rich scan  %s  %zu of %zu%s%s%s%s  sort %s %s%s", day, view->order.count, list->rows.count,
                view->loading ? "  loading" : "", view->frozen ? "  order frozen (= sorts)" : "", view->filter[0] ? "  filter " : "",
                view->filter, sort, ascending ? "^" : "v", rvol);
}

/* Which columns fit: the widest set by priority. */
static unsigned choose_columns(int width)
{
    unsigned chosen = 0;
    int used = 1;
    for (int priority = 0; priority < (int)TD_COUNT(columns); priority++) {
        for (size_t i = 0; i < TD_COUNT(columns); i++) {
            if (columns[i].priority != priority)
                continue;
            if (used + columns[i].width + 1 > width && priority > 0)
                return chosen;
            used += columns[i].width + 1;
            chosen |= 1u << i;
        }
    }
    return chosen;
}

static bool leans_left(const struct watch_column *column)
{
    return column->special == WHY || column->special == SPARK || (column->name && (strcmp(column->name, "ticker") == 0 || strcmp(column->name, "flags") == 0));
}

static void put_field(struct deck *deck, int row, int col, int room, const struct watch_column *column, const char *text,
                      enum td_role role)
{
    int width = column->width < room ? column->width : room, used = td_text_width(text);
    int shift = leans_left(column) || used >= width ? 0 : width - used;
    td_grid_text(&deck->grid, row, col + shift, width - shift, text, role, 0);
}

/* Which rules hold: RVOL, change, dollar volume, price. A dash where one fails. */
static void why_text(const struct td_watch_row *row, char out[5])
{
    const int8_t rules[4] = {row->r_rvol, row->r_chg, row->r_dvol, row->r_px};
    for (int i = 0; i < 4; i++)
        out[i] = rules[i] == 1 ? "RCDP"[i] : '-';
    out[4] = '\0';
}

static enum td_role role_of(const struct watch_column *column, const struct td_watch_row *row, const char *text)
{
    double value = row->pctchg_d;
    if (strcmp(text, "n/a") == 0)
        return TD_ROLE_DIM;
    if (column->special != BY_MODEL)
        return TD_ROLE_TEXT;
    if (strcmp(column->name, "gap_pct_d") == 0)
        value = row->gap_pct_d;
    else if (strcmp(column->name, "flags") == 0)
        return TD_ROLE_WARN;
    else if (strcmp(column->name, "pctchg_d") != 0 && strcmp(column->name, "close_d") != 0)
        return TD_ROLE_TEXT;
    return value > 0 ? TD_ROLE_UP : value < 0 ? TD_ROLE_DOWN : TD_ROLE_FLAT;
}

static void field_text(const struct deck *deck, size_t at, const struct watch_column *column, char *out, size_t size)
{
    const struct watch_list *list = deck->watch.list;
    size_t source = deck->watch.order.rows[at];
    const struct td_watch_row *row = watch_row(deck, at);
    if (column->special == WHY) {
        char why[5];
        why_text(row, why);
        td_copy(out, size, why);
        return;
    }
    if (column->special == SPARK) {
        spark_text(deck, (uint32_t)source, out, size);
        return;
    }
    if (column->special == IN_PLAY) {
        if (list->in_play[source] == UINT32_MAX)
            td_copy(out, size, "n/a");
        else
            td_snprintf(out, size, "%u", list->in_play[source]);
        return;
    }
    int index = td_model_find(&list->model.model, column->name);
    const struct td_column_info *info = td_column_find(column->name);
    if (index < 0 || !info) {
        td_copy(out, size, "?");
        return;
    }
    struct td_cell cell = td_model_cell(&list->model.model, source, (size_t)index);
    td_cell_text(&cell, info->style, out, size);
}

static void draw_row(struct deck *deck, struct area area, int line, size_t at, unsigned chosen)
{
    bool cursor = at == deck->watch.cursor;
    const struct td_watch_row *row = watch_row(deck, at);
    int screen_row = area.row + line, col = area.col + 1;
    if (!row)
        return;
    if (cursor)
        td_grid_fill(&deck->grid, screen_row, area.col, 1, area.cols, ' ', TD_ROLE_CURSOR, 0);
    if (cursor || (deck->watch.all_rows && row->info_rich == 1))
        td_grid_put(&deck->grid, screen_row, area.col, cursor ? '>' : '*', cursor ? TD_ROLE_CURSOR : TD_ROLE_GOOD, 0);
    for (size_t i = 0; i < TD_COUNT(columns); i++) {
        char text[96];
        if (!(chosen & 1u << i))
            continue;
        field_text(deck, at, &columns[i], text, sizeof text);
        put_field(deck, screen_row, col, area.col + area.cols - col, &columns[i], text,
                  cursor ? TD_ROLE_CURSOR : role_of(&columns[i], row, text));
        col += columns[i].width + 1;
    }
}

static void draw_header(struct deck *deck, struct area area, unsigned chosen)
{
    int col = area.col + 1;
    for (size_t i = 0; i < TD_COUNT(columns); i++) {
        if (!(chosen & 1u << i))
            continue;
        put_field(deck, area.row, col, area.col + area.cols - col, &columns[i], columns[i].title, TD_ROLE_HEADER);
        col += columns[i].width + 1;
    }
}

static void draw_nothing(struct deck *deck, struct area area)
{
    const struct watch_view *view = &deck->watch;
    if (!view->list)
        deck_empty(deck, area, "reading the watchlist", NULL);
    else if (view->list->problem[0])
        deck_empty(deck, area, view->list->problem, view->list->fix);
    else if (view->filter[0])
        deck_empty(deck, area, "no row passes the filter", "filter off");
    else
        deck_empty(deck, area, "no ticker was info-rich on this day", "rows all");
}

/* The cursor stays in view; the list moves no further than it must. */
static void scroll(struct watch_view *view, int page)
{
    size_t rows = page > 0 ? (size_t)page : 1;
    if (view->cursor < view->top)
        view->top = view->cursor;
    if (view->cursor >= view->top + rows)
        view->top = view->cursor - rows + 1;
    if (view->top + rows > view->order.count)
        view->top = view->order.count > rows ? view->order.count - rows : 0;
}

static void watch_draw(struct deck *deck, struct area area)
{
    struct watch_view *view = &deck->watch;
    if (!view->list || !view->order.count) {
        draw_nothing(deck, area);
        return;
    }
    unsigned chosen = choose_columns(area.cols);
    if (area.rows >= 3) {
        draw_header(deck, area, chosen);
        area.row++;
        area.rows--;
    }
    view->page = area.rows;
    scroll(view, area.rows);
    for (int line = 0; line < area.rows && view->top + (size_t)line < view->order.count; line++)
        draw_row(deck, area, line, view->top + (size_t)line, chosen);
    for (size_t i = 0; i < TD_COUNT(columns); i++)
        if (columns[i].special == SPARK && chosen & 1u << i)
            spark_want(deck, view->top, (size_t)area.rows);
}

static void watch_click(struct deck *deck, struct area area, int row, int col, int button)
{
    (void)col;
    if (button == MOUSE_WHEEL_UP || button == MOUSE_WHEEL_DOWN) {
        watch_move(deck, button == MOUSE_WHEEL_UP ? -3 : 3);
        return;
    }
    long at = (long)deck->watch.top + row - (area.rows >= 3 ? 1 : 0);
    if (button == MOUSE_LEFT && at >= 0 && at < (long)deck->watch.order.count)
        watch_move(deck, at - (long)deck->watch.cursor);
}

const struct pane deck_pane_watch = {"watchlist", "the day's info-rich scan", watch_title, watch_draw, watch_click, NULL};
