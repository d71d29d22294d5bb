/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_layout: which panes stand where for a size, their frames, and one whole frame of the deck. */
#include <string.h>

#include "deck.h"
#include "prompt.h"

#define COLS_BESIDE 100 /* list and chart side by side */
#define ROWS_STACKED 20 /* list above chart */
#define COLS_BOXED 60
#define ROWS_BOXED 14

static const struct pane *const panes[PANE_COUNT] = {
    [PANE_WATCH] = &deck_pane_watch, [PANE_CHART] = &deck_pane_chart, [PANE_JOBS] = &deck_pane_jobs,
    [PANE_LOG] = &deck_pane_log,     [PANE_TEXT] = &deck_pane_text,
    [PANE_COVERAGE] = &deck_pane_coverage,
};

const struct pane *deck_pane(enum pane_id id)
{
    return (unsigned)id < PANE_COUNT ? panes[id] : panes[PANE_WATCH];
}

bool deck_pane_find(const char *name, enum pane_id *out)
{
    for (int i = 0; i < PANE_COUNT; i++) {
        if (strcmp(panes[i]->name, name) == 0) {
            *out = (enum pane_id)i;
            return true;
        }
    }
    return false;
}

struct layout {
    struct area areas[PANE_COUNT]; /* with frame; rows 0 = not shown */
    bool boxed;
};

static void alone(struct layout *out, enum pane_id id, struct area all)
{
    memset(out->areas, 0, sizeof out->areas);
    out->areas[id] = all;
}

static int jobs_height(const struct deck *deck, int rows)
{
    int wanted = 2 + 2 * (int)(deck->job_count ? deck->job_count : 1);
    int most = rows / 3;
    return wanted < most ? wanted : most;
}

static void beside(const struct deck *deck, struct layout *out, struct area all)
{
    int left = all.cols * 11 / 20;
    left = left > 96 ? 96 : left;
    int jobs = all.rows >= 14 ? jobs_height(deck, all.rows) : 0;
    out->areas[PANE_WATCH] = (struct area){all.row, all.col, all.rows - jobs, left};
    if (jobs)
        out->areas[PANE_JOBS] = (struct area){all.row + all.rows - jobs, all.col, jobs, left};
    out->areas[PANE_CHART] = (struct area){all.row, all.col + left, all.rows, all.cols - left};
}

static void stacked(const struct deck *deck, struct layout *out, struct area all)
{
    int jobs = deck->job_count && all.rows >= 24 ? jobs_height(deck, all.rows) : 0;
    int rest = all.rows - jobs, watch = rest * 2 / 5;
    watch = watch < 6 ? 6 : watch;
    out->areas[PANE_WATCH] = (struct area){all.row, all.col, watch, all.cols};
    out->areas[PANE_CHART] = (struct area){all.row + watch, all.col, rest - watch, all.cols};
    if (jobs)
        out->areas[PANE_JOBS] = (struct area){all.row + rest, all.col, jobs, all.cols};
}

static void plan(const struct deck *deck, struct layout *out)
{
    struct area all = {1, 0, deck->grid.rows - 2, deck->grid.cols};
    memset(out, 0, sizeof *out);
    out->boxed = all.cols >= COLS_BOXED && all.rows >= ROWS_BOXED;
    if (all.rows < 1 || all.cols < 1)
        return;
    if (deck->zoomed != PANE_COUNT)
        alone(out, deck->zoomed, all);
    else if (all.cols >= COLS_BESIDE && all.rows >= 10)
        beside(deck, out, all);
    else if (all.rows + 2 >= ROWS_STACKED)
        stacked(deck, out, all);
    if (out->areas[deck->focus].rows < 1)
        alone(out, deck->focus, all);
}

/* ---- frames ---- */

static bool touches_above(const struct layout *layout, const struct area *area)
{
    for (int i = 0; i < PANE_COUNT; i++) {
        const struct area *other = &layout->areas[i];
        if (other != area && other->rows > 0 && other->col == area->col && other->row + other->rows == area->row)
            return true;
    }
    return false;
}

static bool touches_below(const struct layout *layout, const struct area *area)
{
    for (int i = 0; i < PANE_COUNT; i++) {
        const struct area *other = &layout->areas[i];
        if (other != area && other->rows > 0 && other->col == area->col && area->row + area->rows == other->row)
            return true;
    }
    return false;
}

/* After the pane: what it draws may first have to be chosen for the room it got, a chart's timeframe for one. */
/* Parts of a title are two blanks apart; a part that does not fit whole is left out, so that no number is ever cut. */
static void fit_title(char *title, int room)
{
    while (td_text_width(title) > room) {
        char *part = NULL;
        for (char *p = strstr(title, "  "); p; p = strstr(p + 1, "  "))
            part = p;
        if (!part)
            break; /* one part alone is cut by the grid */
        *part = '\0';
    }
}

static void draw_title(struct deck *deck, const struct area *a, enum pane_id id)
{
    struct td_grid *grid = &deck->grid;
    bool focus = deck->focus == id;
    enum td_role line = focus ? TD_ROLE_FOCUS : TD_ROLE_BORDER;
    char title[256] = "";
    panes[id]->title(deck, title, sizeof title - 2);
    if (a->cols > 6) {
        int room = a->cols - 4, at = a->col + 1;
        fit_title(title, room);
        td_grid_put(grid, a->row, at, ' ', line, 0);
        int used = td_grid_text(grid, a->row, at + 1, room, title, focus ? TD_ROLE_FOCUS : TD_ROLE_TITLE, 0);
        td_grid_put(grid, a->row, at + 1 + used, ' ', line, 0);
    }
}

/* Draws the frame and returns what is left inside. */
static struct area draw_frame(struct deck *deck, const struct layout *layout, enum pane_id id)
{
    const struct area *a = &layout->areas[id];
    struct td_grid *grid = &deck->grid;
    bool focus = deck->focus == id, boxed = layout->boxed && a->cols >= 4 && a->rows >= 3;
    enum td_role line = focus ? TD_ROLE_FOCUS : TD_ROLE_BORDER;
    struct area inside = {a->row + 1, a->col, a->rows - 1, a->cols};
    td_grid_fill(grid, a->row, a->col, 1, a->cols, 0x2500, line, 0);
    if (boxed) {
        bool below = touches_below(layout, a);
        int bottom = a->row + a->rows - 1, right = a->col + a->cols - 1;
        inside = (struct area){a->row + 1, a->col + 1, a->rows - (below ? 1 : 2), a->cols - 2};
        td_grid_fill(grid, inside.row, a->col, inside.rows, 1, 0x2502, line, 0);
        td_grid_fill(grid, inside.row, right, inside.rows, 1, 0x2502, line, 0);
        td_grid_put(grid, a->row, a->col, touches_above(layout, a) ? 0x251C : 0x250C, line, 0);
        td_grid_put(grid, a->row, right, touches_above(layout, a) ? 0x2524 : 0x2510, line, 0);
        if (!below) {
            td_grid_fill(grid, bottom, a->col, 1, a->cols, 0x2500, line, 0);
            td_grid_put(grid, bottom, a->col, 0x2514, line, 0);
            td_grid_put(grid, bottom, right, 0x2518, line, 0);
        }
    }
    deck->areas[id] = inside;
    if (panes[id]->prepare)
        panes[id]->prepare(deck, inside);
    return inside;
}

/* Bytes of `text` that fit into `cols` columns, broken at a blank or a slash where there is one. */
static size_t line_fit(const char *text, int cols)
{
    size_t len = strlen(text), at = 0, last = 0;
    int width = 0;
    while (at < len) {
        uint32_t ch;
        size_t step = td_utf8_decode(text + at, len - at, &ch);
        width += td_char_width(ch);
        if (width > cols)
            return last ? last : at ? at : step;
        at += step;
        if (ch == ' ' || ch == '/')
            last = at;
    }
    return len;
}

/* Centred, over as many rows as it takes and there are; returns the row after. */
static int put_wrapped(struct deck *deck, struct area area, int row, const char *text, enum td_role role, unsigned attr)
{
    while (*text && row < area.row + area.rows) {
        char line[512];
        size_t len = line_fit(text, area.cols);
        td_snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
        for (size_t n = strlen(line); n && line[n - 1] == ' ';)
            line[--n] = '\0';
        int width = td_text_width(line), col = width < area.cols ? area.col + (area.cols - width) / 2 : area.col;
        td_grid_text(&deck->grid, row++, col, area.cols - (col - area.col), line, role, attr);
        text += len;
    }
    return row;
}

void deck_empty(struct deck *deck, struct area area, const char *why, const char *fix)
{
    char line[400];
    int row = area.row + (area.rows > 4 ? area.rows / 2 - 1 : 0);
    row = put_wrapped(deck, area, row, why, TD_ROLE_DIM, 0);
    if (!fix || !*fix)
        return;
    td_snprintf(line, sizeof line, ":%s", fix);
    put_wrapped(deck, area, row, line, TD_ROLE_TEXT, TD_ATTR_BOLD);
}

/* ---- a whole frame ---- */

/* Candidates above the prompt, in columns, over whatever is there. */
static void draw_candidates(struct deck *deck, int bottom)
{
    size_t selected, widest = 1;
    const struct td_names *names = prompt_candidates(&selected);
    if (!names || bottom < 2)
        return;
    for (size_t i = 0; i < names->count; i++) {
        size_t width = (size_t)td_text_width(names->items[i]);
        widest = width > widest ? width : widest;
    }
    size_t columns = (size_t)deck->grid.cols / (widest + 2);
    columns = columns ? columns : 1;
    size_t rows = (names->count + columns - 1) / columns, most = (size_t)(bottom - 1 > 8 ? 8 : bottom - 1);
    size_t skip = 0;
    if (rows > most) {
        size_t at = selected == SIZE_MAX ? 0 : selected / columns;
        skip = at >= most ? at - most + 1 : 0;
        rows = most;
    }
    int top = bottom - (int)rows;
    td_grid_fill(&deck->grid, top, 0, (int)rows, deck->grid.cols, ' ', TD_ROLE_STATUS, 0);
    for (size_t i = skip * columns; i < names->count && i < (skip + rows) * columns; i++) {
        int row = top + (int)(i / columns - skip), col = (int)(i % columns * (widest + 2));
        td_grid_text(&deck->grid, row, col + 1, (int)widest, names->items[i], TD_ROLE_STATUS, i == selected ? TD_ATTR_REVERSE : 0);
    }
}

void deck_draw(struct deck *deck)
{
    int rows = screen_rows(deck->screen), cols = screen_cols(deck->screen), cursor_row = -1, cursor_col = -1;
    struct layout layout;
    struct td_err err = {0};
    deck->dirty = false;
    if (deck->grid.rows != rows || deck->grid.cols != cols) {
        td_grid_free(&deck->grid);
        if (td_grid_init(&deck->grid, rows, cols, &err) != TD_OK)
            return; /* nothing to draw into: the next frame tries again */
    }
    td_grid_clear(&deck->grid);
    plan(deck, &layout);
    memset(deck->areas, 0, sizeof deck->areas);
    for (int i = 0; i < PANE_COUNT; i++) {
        if (layout.areas[i].rows < 1)
            continue;
        struct area inside = draw_frame(deck, &layout, (enum pane_id)i);
        if (inside.rows > 0 && inside.cols > 0)
            panes[i]->draw(deck, inside);
        draw_title(deck, &layout.areas[i], (enum pane_id)i);
    }
    deck_draw_top(deck, 0);
    if (rows > 1) {
        deck_draw_bottom(deck, rows - 1, &cursor_row, &cursor_col);
        draw_candidates(deck, rows - 1);
    }
    screen_draw(deck->screen, &deck->grid, cursor_row, cursor_col);
}
