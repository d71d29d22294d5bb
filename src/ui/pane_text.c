/* SPDX-License-Identifier: GPL-3.0-or-later
 * pane_text: scrolling text: the log, help made from the table of commands and the table of keys, and what a command
 * printed. */
#include <string.h>

#include "deck.h"

#define TEXT_MAX (4u << 20)
#define LOG_LINES 1000

static size_t count_lines(const struct td_buf *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->len; i++)
        lines += text->data[i] == '\n';
    if (text->len && text->data[text->len - 1] != '\n')
        lines++;
    return lines;
}

static void put_text(struct text_view *view, const char *text, size_t len)
{
    if (!view->text.max)
        td_buf_init(&view->text, TEXT_MAX);
    td_buf_clear(&view->text);
    td_buf_add(&view->text, text, len);
    if (view->text.failed) {
        td_buf_clear(&view->text);
        td_buf_adds(&view->text, "the text is too long to be shown here; use the command in a shell\n");
    }
    view->lines = count_lines(&view->text);
}

void text_set(struct deck *deck, const char *title, const char *text, size_t len)
{
    put_text(&deck->text, text, len);
    td_copy(deck->text.title, sizeof deck->text.title, title);
    deck->text.top = 0;
    deck->dirty = true;
}

void text_scroll(struct text_view *view, long step)
{
    long page = view->page > 0 ? view->page : 1, last = (long)view->lines > page ? (long)view->lines - page : 0;
    long top = (long)view->top;
    top = step > last - top ? last : step < -top ? 0 : top + step;
    view->top = (size_t)top;
}

/* One line, control bytes made harmless, tabs as blanks. */
static void draw_line(struct deck *deck, int row, struct area area, const char *line, size_t len)
{
    char text[2048];
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < sizeof text; i++)
        text[n++] = line[i] == '\t' ? ' ' : line[i];
    text[n] = '\0';
    td_grid_text(&deck->grid, row, area.col, area.cols, text, TD_ROLE_TEXT, 0);
}

void text_draw(struct deck *deck, struct text_view *view, struct area area, bool follow)
{
    view->page = area.rows;
    size_t rows = (size_t)area.rows, last = view->lines > rows ? view->lines - rows : 0;
    if (view->top > last || follow)
        view->top = last;
    const char *at = view->text.data, *end = at ? at + view->text.len : NULL;
    for (size_t line = 0; at && at < end && line < view->top + rows; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = stop ? (size_t)(stop - at) : (size_t)(end - at);
        if (line >= view->top)
            draw_line(deck, area.row + (int)(line - view->top), area, at, len);
        at += len + 1;
    }
}

/* ---- help ---- */

static void add_bindings(struct td_buf *out, int pane)
{
    const struct binding *binding;
    for (size_t i = 0; (binding = deck_binding_at(i)) != NULL; i++) {
        if (binding->pane != pane || !binding->help)
            continue;
        td_buf_printf(out, "  %-10s %-42s %s%s\n", binding->key, binding->help, binding->line[0] == ':' ? "" : ":", binding->line);
    }
}

static void help_keys(struct td_buf *out)
{
    td_buf_adds(out, "Keys everywhere (each is a command that can be typed after : as well)\n");
    add_bindings(out, -1);
    for (int i = 0; i < PANE_COUNT; i++) {
        size_t before = out->len;
        td_buf_printf(out, "\nIn %s: %s\n", deck_pane((enum pane_id)i)->name, deck_pane((enum pane_id)i)->help);
        size_t head = out->len;
        add_bindings(out, i);
        if (out->len == head)
            out->data[out->len = before] = '\0';
    }
    td_buf_adds(out, "\nWHY shows which rules hold: R relative volume, C change, D dollar volume, P price; - fails\n"
                     "All times are New York time. n/a means not known.\n\nCommands\n");
}

void text_help(struct deck *deck, const char *topic)
{
    struct td_buf out;
    char title[128] = "help";
    td_buf_init(&out, TEXT_MAX);
    if (topic && *topic) {
        const struct td_command *command = td_command_find(topic);
        td_snprintf(title, sizeof title, "help: %s", topic);
        if (!command || td_help_command(command, &out) != TD_OK)
            td_buf_printf(&out, "no command is called %s; :help lists all\n", topic);
    } else {
        help_keys(&out);
        (void)td_help_overview(&out);
    }
    text_set(deck, title, out.data ? out.data : "", out.len);
    td_buf_free(&out);
    deck_zoom(deck, PANE_TEXT);
}

static void text_title(struct deck *deck, char *out, size_t size)
{
    const struct text_view *view = &deck->text;
    int rows = deck->areas[PANE_TEXT].rows;
    size_t last = view->top + (rows > 0 ? (size_t)rows : 1);
    td_snprintf(out, size, "%s  %zu-%zu of %zu  Esc closes", view->title[0] ? view->title : "text", view->lines ? view->top + 1 : 0,
                last < view->lines ? last : view->lines, view->lines);
}

static void text_pane_draw(struct deck *deck, struct area area)
{
    if (!deck->text.lines)
        deck_empty(deck, area, "no command has printed anything yet", "status");
    else
        text_draw(deck, &deck->text, area, false);
}

static void text_click(struct deck *deck, struct area area, int row, int col, int button)
{
    (void)area;
    (void)row;
    (void)col;
    if (button == MOUSE_WHEEL_UP || button == MOUSE_WHEEL_DOWN)
        text_scroll(&deck->text, button == MOUSE_WHEEL_UP ? -3 : 3);
    deck->dirty = true;
}

const struct pane deck_pane_text = {"text", "help, and what commands print", text_title, text_pane_draw, text_click, NULL};

/* ---- log ---- */

static void log_title(struct deck *deck, char *out, size_t size)
{
    td_snprintf(out, size, "log  %zu lines", deck->log.lines);
}

static void log_draw(struct deck *deck, struct area area)
{
    uint64_t generation = td_log_generation();
    bool end = deck->log.top + (size_t)(deck->log.page > 0 ? deck->log.page : 0) >= deck->log.lines;
    if (generation != deck->log_seen || !deck->log.text.max) {
        struct td_buf tail;
        td_buf_init(&tail, TEXT_MAX);
        td_log_tail(&tail, LOG_LINES);
        put_text(&deck->log, tail.data ? tail.data : "", tail.len);
        td_buf_free(&tail);
        deck->log_seen = generation;
    }
    if (!deck->log.lines)
        deck_empty(deck, area, "nothing has been logged yet; commands and jobs are", "status");
    else
        text_draw(deck, &deck->log, area, end); /* at the end it follows, elsewhere it stays where one reads */
}

static void log_click(struct deck *deck, struct area area, int row, int col, int button)
{
    (void)area;
    (void)row;
    (void)col;
    if (button == MOUSE_WHEEL_UP || button == MOUSE_WHEEL_DOWN)
        text_scroll(&deck->log, button == MOUSE_WHEEL_UP ? -3 : 3);
    deck->dirty = true;
}

const struct pane deck_pane_log = {"log", "the newest lines of the log", log_title, log_draw, log_click, NULL};
