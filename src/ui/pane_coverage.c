/* SPDX-License-Identifier: GPL-3.0-or-later
 * pane_coverage: ticker x month, what the lake knows of each. The map is read on the command thread, since a large lake takes
 * its time and no chart shall wait for it; what is drawn is that snapshot. Characters alone tell the states apart. */
#include <stdlib.h>
#include <string.h>

#include "deck.h"
#include "prompt.h"

#define NAME_MOST 12 /* columns of a ticker */

struct coverage_data {
    struct td_coverage map;
    char problem[256], fix[160]; /* why there is nothing, and the command that fills it */
};

struct coverage_task {
    struct task task;
    struct td_lake *lake;
    atomic_bool *stop;
    enum td_table table;
    struct coverage_data *data; /* filled by run, taken by apply */
};

static void data_free(struct coverage_data *data)
{
    if (data)
        td_coverage_free(&data->map);
    td_free(data);
}

/* ---- reading, on the command thread ---- */

static bool stopped(void *ctx)
{
    return atomic_load((atomic_bool *)ctx);
}

static void coverage_run(struct task *base)
{
    struct coverage_task *task = (struct coverage_task *)base;
    const struct td_coverage_options options = {.table = task->table, .from = TD_NO_DAY, .to = TD_NO_DAY, .stopped = stopped,
                                                .ctx = task->stop};
    struct td_err err = {0};
    struct coverage_data *data = task->data;
    enum td_code code = td_coverage_read(task->lake, &options, &data->map, &err);
    if (code == TD_MISSING) {
        td_snprintf(data->problem, sizeof data->problem, "this lake holds no %s yet",
                    task->table == TD_STOCKS_DAILY ? "daily bars" : "minute bars");
        td_snprintf(data->fix, sizeof data->fix, "ingest -t %s -s FROM -e TO --tickers A,B", td_table_name(task->table));
    } else if (code != TD_OK) {
        td_copy(data->problem, sizeof data->problem, err.text);
        td_copy(data->fix, sizeof data->fix, "status --verify");
    }
}

/* The cursor stays on its ticker; at first it stands on the newest month. */
static void place_cursor(struct coverage_view *view)
{
    const struct td_coverage *map = &view->data->map;
    size_t at = 0;
    for (size_t i = 0; i < map->tickers.count; i++)
        if (strcmp(map->tickers.items[i], view->ticker) == 0)
            at = i;
    view->row = at;
    if (!view->ticker[0] || view->col >= map->months)
        view->col = map->months ? map->months - 1 : 0;
    if (map->tickers.count)
        td_copy(view->ticker, sizeof view->ticker, map->tickers.items[at]);
}

static void coverage_apply(struct deck *deck, struct task *base)
{
    struct coverage_task *task = (struct coverage_task *)base;
    struct coverage_view *view = &deck->coverage;
    view->loading = false;
    if (task->table != view->table) { /* the other table was wished for meanwhile */
        view->stale = true;
        return;
    }
    if (!view->data || view->data->map.table != task->table)
        view->col = SIZE_MAX; /* other months: to the newest one */
    data_free(view->data);
    view->data = task->data;
    task->data = NULL;
    place_cursor(view);
}

static void coverage_drop(struct task *base)
{
    struct coverage_task *task = (struct coverage_task *)base;
    data_free(task->data);
    td_free(task);
}

static void load(struct deck *deck)
{
    struct coverage_view *view = &deck->coverage;
    struct coverage_task *task = td_calloc(1, sizeof *task);
    view->asked = true;
    view->stale = false;
    if (task)
        task->data = td_calloc(1, sizeof *task->data);
    if (!task || !task->data) {
        td_free(task);
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){coverage_run, coverage_apply, coverage_drop};
    task->lake = deck->app->lake;
    task->stop = &view->stop;
    task->table = view->table;
    view->loading = true;
    deck_command(deck, &task->task);
}

void coverage_forget(struct deck *deck)
{
    deck->coverage.stale = true;
    deck->dirty = true;
}

void coverage_stop(struct deck *deck)
{
    atomic_store(&deck->coverage.stop, true);
}

void coverage_free(struct deck *deck)
{
    data_free(deck->coverage.data);
    deck->coverage.data = NULL;
}

/* ---- moving and filling ---- */

static const struct td_coverage *shown_map(const struct deck *deck)
{
    const struct coverage_data *data = deck->coverage.data;
    return data && data->map.tickers.count && data->map.months ? &data->map : NULL;
}

static size_t stepped(size_t at, long step, size_t count)
{
    long to = (long)at + step;
    return to < 0 ? 0 : (size_t)to >= count ? count - 1 : (size_t)to;
}

void coverage_move(struct deck *deck, long rows, long months)
{
    struct coverage_view *view = &deck->coverage;
    const struct td_coverage *map = shown_map(deck);
    if (!map)
        return;
    view->row = stepped(view->row, rows, map->tickers.count);
    view->col = stepped(view->col, months, map->months);
    td_copy(view->ticker, sizeof view->ticker, map->tickers.items[view->row]);
    deck->dirty = true;
}

/* Along the rows, from the newest month to the oldest, and from the last ticker on to the first. */
void coverage_next_hole(struct deck *deck)
{
    struct coverage_view *view = &deck->coverage;
    const struct td_coverage *map = shown_map(deck);
    if (!map || map->unknown == 0) {
        deck_say(deck, TD_ROLE_GOOD, map ? "no session of this map is unknown" : "there is no map yet");
        return;
    }
    size_t row = view->row, col = view->col;
    for (size_t cells = map->tickers.count * map->months; cells > 0; cells--) {
        if (col-- == 0) {
            col = map->months - 1;
            row = row + 1 < map->tickers.count ? row + 1 : 0;
        }
        const struct td_coverage_counts n = td_coverage_count(map, row, col);
        if (n.unknown)
            break;
    }
    coverage_move(deck, (long)row - (long)view->row, (long)col - (long)view->col);
}

void coverage_fill(struct deck *deck)
{
    const struct coverage_view *view = &deck->coverage;
    const struct td_coverage *map = shown_map(deck);
    struct td_buf command;
    const char *why = "";
    if (!map)
        return;
    td_buf_init(&command, 1024);
    td_coverage_command(map, view->row, view->col, &command, &why);
    if (command.len) {
        if (*why)
            deck_say(deck, TD_ROLE_WARN, "%s", why);
        prompt_open(command.data);
    } else {
        deck_say(deck, TD_ROLE_GOOD, "%s: every session of the month is known", view->ticker);
    }
    deck->dirty = true;
    td_buf_free(&command);
}

void coverage_plan(struct deck *deck)
{
    char line[64];
    td_snprintf(line, sizeof line, "coverage -t %s --plan", td_table_name(deck->coverage.table));
    deck_run_line(deck, line);
}

void coverage_other_table(struct deck *deck)
{
    struct coverage_view *view = &deck->coverage;
    view->table = view->table == TD_STOCKS_DAILY ? TD_STOCKS_MINUTE : TD_STOCKS_DAILY;
    view->stale = true;
    deck->dirty = true;
}

/* ---- drawing ---- */

static void coverage_prepare(struct deck *deck, struct area area)
{
    struct coverage_view *view = &deck->coverage;
    (void)area;
    if (!view->loading && (!view->asked || view->stale))
        load(deck);
}

static void coverage_title(struct deck *deck, char *out, size_t size)
{
    const struct coverage_view *view = &deck->coverage;
    const struct td_coverage *map = shown_map(deck);
    char from[16], to[16];
    if (!map) {
        td_snprintf(out, size, "coverage  %s%s", td_table_name(view->table), view->loading ? "  reading" : "");
        return;
    }
    td_format_day(map->from, from);
    td_format_day(map->to, to);
    td_snprintf(out, size, "coverage  %s  %llu unknown of %llu%s  %s..%s  %zu tickers", td_table_name(map->table),
                (unsigned long long)map->unknown, (unsigned long long)map->sessions, view->loading ? "  reading" : "", from, to,
                map->tickers.count);
}

static uint32_t cell_char(const struct deck *deck, char glyph)
{
    if (deck->tier == TD_TIER_ASCII)
        return (uint32_t)glyph;
    return glyph == '#' ? 0x2588 : glyph == '.' ? 0x2591 : (uint32_t)glyph;
}

static enum td_role cell_role(char glyph)
{
    return glyph == '#' ? TD_ROLE_GOOD : glyph == 'o' ? TD_ROLE_DIM : glyph == '.' ? TD_ROLE_ERROR : TD_ROLE_WARN;
}

struct frame { /* where things stand inside the pane */
    int head, name, first_row, rows, detail; /* rows of the head; columns of names; row and number of the tickers; rows of detail */
    int step;      /* columns from month to month */
    size_t months;
};

static struct frame plan_frame(const struct td_coverage *map, struct area area)
{
    int widest = 4;
    for (size_t i = 0; i < map->tickers.count; i++) {
        int width = (int)strlen(map->tickers.items[i]);
        widest = width > widest ? width : widest;
    }
    struct frame f = {.head = area.rows >= 8 ? 2 : area.rows >= 4 ? 1 : 0, .detail = area.rows >= 9 ? 3 : area.rows >= 6 ? 2 : area.rows >= 2 ? 1 : 0};
    f.name = (widest < NAME_MOST ? widest : NAME_MOST) + 2; /* the cursor's mark before, a blank after */
    if (f.name > area.cols - 3)
        f.name = area.cols - 3 > 1 ? area.cols - 3 : 1;
    f.first_row = area.row + f.head;
    f.rows = area.rows - f.head - f.detail;
    f.rows = f.rows < 1 ? 1 : f.rows;
    size_t room = area.cols > f.name ? (size_t)(area.cols - f.name) : 1;
    f.step = room >= 2 * map->months ? 2 : 1;
    f.months = room < map->months ? room : map->months;
    return f;
}

static void keep_in_view(struct coverage_view *view, const struct td_coverage *map, const struct frame *f)
{
    size_t rows = (size_t)f->rows;
    view->page = f->rows;
    view->top = view->row < view->top ? view->row : view->row >= view->top + rows ? view->row - rows + 1 : view->top;
    if (view->top + rows > map->tickers.count)
        view->top = map->tickers.count > rows ? map->tickers.count - rows : 0;
    view->left = view->col < view->left ? view->col : view->col >= view->left + f->months ? view->col - f->months + 1 : view->left;
    if (view->left + f->months > map->months)
        view->left = map->months - f->months;
}

/* Years over their Januaries (over the first month, where the rest of its year has room), and a letter a month. */
static void draw_head(struct deck *deck, struct area area, const struct td_coverage *map, const struct frame *f)
{
    const struct coverage_view *view = &deck->coverage;
    for (size_t m = 0; m < f->months; m++) {
        int32_t month = map->month + (int32_t)(view->left + m);
        int col = area.col + f->name + (int)m * f->step, room = (12 - month % 12) * f->step;
        bool cursor = view->left + m == view->col;
        if (room > area.col + area.cols - col)
            room = area.col + area.cols - col + 1;
        if (f->head > 1 && (m == 0 || month % 12 == 0) && room > 2) {
            char year[16];
            td_snprintf(year, sizeof year, "%04d", month / 12);
            td_grid_text(&deck->grid, area.row, col, 4, room > 4 ? year : year + 2, TD_ROLE_HEADER, 0);
        }
        td_grid_put(&deck->grid, area.row + f->head - 1, col, (uint32_t)"JFMAMJJASOND"[month % 12], TD_ROLE_HEADER,
                    cursor ? TD_ATTR_BOLD | TD_ATTR_UNDERLINE : 0);
    }
}

static void draw_row(struct deck *deck, struct area area, const struct td_coverage *map, const struct frame *f, size_t line)
{
    const struct coverage_view *view = &deck->coverage;
    size_t ticker = view->top + line;
    int row = f->first_row + (int)line;
    bool cursor = ticker == view->row;
    td_grid_put(&deck->grid, row, area.col, cursor ? '>' : ' ', cursor ? TD_ROLE_FOCUS : TD_ROLE_TEXT, 0);
    td_grid_text(&deck->grid, row, area.col + 1, f->name - 2 > 0 ? f->name - 2 : 0, map->tickers.items[ticker], TD_ROLE_TEXT, cursor ? TD_ATTR_BOLD : 0);
    for (size_t m = 0; m < f->months; m++) {
        const struct td_coverage_counts n = td_coverage_count(map, ticker, view->left + m);
        char glyph = td_coverage_glyph(&n);
        bool here = cursor && view->left + m == view->col;
        /* a full block in reverse would look like nothing at all */
        td_grid_put(&deck->grid, row, area.col + f->name + (int)m * f->step, here ? (uint32_t)glyph : cell_char(deck, glyph),
                    cell_role(glyph), here ? TD_ATTR_REVERSE : 0);
    }
}

/* The cell under the cursor in words, what fills it, and what the characters mean. */
static void draw_detail(struct deck *deck, struct area area, const struct td_coverage *map, const struct frame *f)
{
    const struct coverage_view *view = &deck->coverage;
    const struct td_coverage_counts n = td_coverage_count(map, view->row, view->col);
    int32_t month = map->month + (int32_t)view->col;
    int row = area.row + area.rows - f->detail;
    char text[160], mark[2][4] = {"#", "."};
    struct td_buf command;
    if (f->detail < 1 || row <= f->first_row)
        return;
    td_snprintf(text, sizeof text, "%s %04d-%02d  %u unknown  %u traded  %u empty", view->ticker, month / 12, month % 12 + 1, n.unknown,
                n.traded, n.empty);
    td_grid_text(&deck->grid, row, area.col, area.cols, text, n.unknown ? TD_ROLE_WARN : TD_ROLE_TEXT, 0);
    if (f->detail > 1) {
        td_buf_init(&command, 1024);
        td_coverage_command(map, view->row, view->col, &command, NULL);
        td_snprintf(text, sizeof text, "%s%.140s", command.len ? "Enter :" : "nothing to fill", command.len ? command.data : "");
        td_grid_text(&deck->grid, row + 1, area.col, area.cols, text, TD_ROLE_DIM, 0);
        td_buf_free(&command);
    }
    if (f->detail > 2) {
        for (int i = 0; i < 2; i++)
            mark[i][td_utf8_encode(cell_char(deck, i ? '.' : '#'), mark[i])] = '\0';
        td_snprintf(text, sizeof text, "%s known  o known, no trade  1-9 tenths known  %s unknown  n next hole  t table  p plan", mark[0],
                    mark[1]);
        td_grid_text(&deck->grid, row + 2, area.col, area.cols, text, TD_ROLE_DIM, 0);
    }
}

static void coverage_draw(struct deck *deck, struct area area)
{
    struct coverage_view *view = &deck->coverage;
    const struct td_coverage *map = shown_map(deck);
    if (!map) {
        const struct coverage_data *data = view->data;
        deck_empty(deck, area, data && data->problem[0] ? data->problem : "reading the files of bronze", data ? data->fix : "");
        return;
    }
    const struct frame f = plan_frame(map, area);
    keep_in_view(view, map, &f);
    if (f.head)
        draw_head(deck, area, map, &f);
    for (size_t i = 0; i < (size_t)f.rows && view->top + i < map->tickers.count; i++)
        draw_row(deck, area, map, &f, i);
    draw_detail(deck, area, map, &f);
}

static void coverage_click(struct deck *deck, struct area area, int row, int col, int button)
{
    struct coverage_view *view = &deck->coverage;
    const struct td_coverage *map = shown_map(deck);
    if (!map)
        return;
    if (button == MOUSE_WHEEL_UP || button == MOUSE_WHEEL_DOWN) {
        coverage_move(deck, button == MOUSE_WHEEL_UP ? -3 : 3, 0);
        return;
    }
    const struct frame f = plan_frame(map, area);
    long ticker = (long)view->top + row - f.head, month = (long)view->left + (col - f.name) / f.step;
    if (button != MOUSE_LEFT || row < f.head || row >= f.head + f.rows || ticker >= (long)map->tickers.count)
        return;
    coverage_move(deck, ticker - (long)view->row, col >= f.name && month < (long)map->months ? month - (long)view->col : 0);
}

const struct pane deck_pane_coverage = {"coverage", "what is known of every session, ticker by month", coverage_title, coverage_draw,
                                        coverage_click, coverage_prepare};
