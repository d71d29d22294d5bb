/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_keys: the table of key bindings. A key is short for a command line, so everything a key does can be typed, and
 * everything that can be typed can be bound. */
#include <string.h>

#include "deck.h"
#include "prompt.h"

/* A line that begins with ':' opens the prompt with the rest; %t and %d stand for the cursor's ticker and the list's date. */
static const struct binding bindings[] = {
    {":", -1, ":", "type a command"},
    {"?", -1, "keys", "this help"},
    {"F1", -1, "keys", NULL},
    {"q", -1, "quit", "leave the deck"},
    {"Tab", -1, "go next-pane", "next pane"},
    {"BackTab", -1, "go previous-pane", "pane before"},
    {"z", -1, "go zoom-pane", "one pane large, and back"},
    {"Esc", -1, "go back", "back to the deck"},
    {"C-l", -1, "go redraw", "paint the screen anew"},
    {"w", -1, "pane watchlist", "to the watchlist"},
    {"c", -1, "pane chart", "to the chart"},
    {"d", -1, "pane downloads", "to the downloads"},
    {"C", -1, "pane coverage", "to the coverage"},
    {"L", -1, "pane log", "to the log"},
    {"o", -1, "pane text", "what the last command printed"},
    {"<", -1, "day previous", "list of the session before"},
    {">", -1, "day next", "list of the next session"},
    {"N", -1, "day newest", "newest list"},
    {"/", -1, ":filter ", "filter the list"},
    {"1", -1, "tf 1m", "timeframe 1 minute"},
    {"2", -1, "tf 5m", "5 minutes"},
    {"3", -1, "tf 15m", "15 minutes"},
    {"4", -1, "tf 30m", "30 minutes"},
    {"5", -1, "tf 1h", "1 hour"},
    {"6", -1, "tf 4h", "4 hours"},
    {"7", -1, "tf 1d", "days"},
    {"0", -1, "tf auto", "the finest at which three sessions fit"},
    {"e", -1, "hours toggle", "regular hours or all"},
    {"v", -1, "line vwap", "session VWAP on or off"},
    {"m", -1, "line sma", "SMA 20 on or off"},
    {"M", -1, "line ema", "EMA 9 on or off"},
    {"+", -1, "go zoom-in", "wider candles"},
    {"-", -1, "go zoom-out", "more candles"},
    {"Left", -1, "go left", "older candles"},
    {"Right", -1, "go right", "newer candles"},
    {"S-Left", -1, "go left 20", NULL},
    {"S-Right", -1, "go right 20", NULL},
    {"[", -1, "go cross-left", "crosshair back"},
    {"]", -1, "go cross-right", "crosshair on"},
    {"H", -1, "go chart-home", "chart back to the list's date"},
    {"j", -1, "go down", "down"},
    {"k", -1, "go up", "up"},
    {"Down", -1, "go down", NULL},
    {"Up", -1, "go up", NULL},
    {"PgDn", -1, "go page-down", "a page down"},
    {"PgUp", -1, "go page-up", "a page up"},
    {"Space", -1, "go page-down", NULL},
    {"Home", -1, "go top", "first row"},
    {"End", -1, "go bottom", "last row"},
    {"g", -1, "go top", NULL},
    {"G", -1, "go bottom", NULL},
    {"Enter", PANE_WATCH, "pane chart", "the ticker's chart"},
    {"s", PANE_WATCH, "go sort-next", "sort by the next column"},
    {"S", PANE_WATCH, "go sort-reverse", "the other direction"},
    {"=", PANE_WATCH, "go resort", "sort again with the newest numbers"},
    {"a", PANE_WATCH, "rows toggle", "info-rich rows only, or all"},
    {"i", PANE_WATCH, "why", "where the numbers come from"},
    {"x", PANE_WATCH, "universe explain %t %d", "each rule with its value"},
    {"y", PANE_WATCH, "candles %t --tf 1d --limit 60", "its daily rows as a table"},
    {"i", PANE_CHART, "why", "where the numbers come from"},
    {"h", PANE_CHART, "go left", "older candles"},
    {"l", PANE_CHART, "go right", "newer candles"},
    {"j", PANE_CHART, "go down", "next ticker"},
    {"k", PANE_CHART, "go up", "ticker before"},
    {"Enter", PANE_CHART, "go zoom-pane", "chart large, and back"},
    {"p", PANE_JOBS, "job pause", "pause the job"},
    {"r", PANE_JOBS, "job resume", "go on"},
    {"x", PANE_JOBS, "job cancel", "stop it at a unit boundary"},
    {"R", PANE_JOBS, "job retry", "its failed units again"},
    {"Enter", PANE_JOBS, "job units", "failed and skipped units"},
    {"h", PANE_COVERAGE, "go left", "older month"},
    {"l", PANE_COVERAGE, "go right", "newer month"},
    {"n", PANE_COVERAGE, "go next-hole", "next month with unknown sessions"},
    {"t", PANE_COVERAGE, "go other-table", "minute bars or daily bars"},
    {"p", PANE_COVERAGE, "go plan", "the commands that fill all holes"},
    {"Enter", PANE_COVERAGE, "go fill", "the command that fills this hole, into the prompt"},
};

const struct binding *deck_binding_at(size_t i)
{
    return i < TD_COUNT(bindings) ? &bindings[i] : NULL;
}

static const struct binding *find_binding(uint32_t key, int pane)
{
    for (size_t i = 0; i < TD_COUNT(bindings); i++)
        if (bindings[i].pane == pane && keys_parse(bindings[i].key) == key)
            return &bindings[i];
    return NULL;
}

/* Put the ticker and the date in place of %t and %d. False: there is none to put. */
static bool expand(const struct deck *deck, const char *line, char *out, size_t size)
{
    const struct td_watch_row *row = watch_row(deck, deck->watch.cursor);
    char day[11] = "";
    size_t n = 0;
    if (strchr(line, '%') && !row)
        return false;
    if (row)
        td_format_day(row->trading_day, day);
    for (; *line && n + 1 < size; line++) {
        const char *with = line[0] != '%' || !row ? NULL : line[1] == 't' ? row->ticker : line[1] == 'd' ? day : NULL;
        if (!with) {
            out[n++] = *line;
            continue;
        }
        td_copy(out + n, size - n, with);
        n += strlen(out + n);
        line++;
    }
    out[n] = '\0';
    return true;
}

static void click(struct deck *deck, const struct keys_event *event)
{
    for (int i = 0; i < PANE_COUNT; i++) {
        struct area area = deck->areas[i];
        int row = event->row - area.row, col = event->col - area.col;
        if (row < 0 || col < 0 || row >= area.rows || col >= area.cols)
            continue;
        if (event->button == MOUSE_LEFT)
            deck_focus(deck, (enum pane_id)i);
        if (deck_pane((enum pane_id)i)->click)
            deck_pane((enum pane_id)i)->click(deck, area, row, col, event->button);
        deck->dirty = true;
        return;
    }
}

void deck_key(struct deck *deck, const struct keys_event *event)
{
    char line[512];
    if (prompt_active()) {
        prompt_key(event, deck->keys.paste);
        deck->dirty = true;
        return;
    }
    if (event->key == KEYS_MOUSE) {
        click(deck, event);
        return;
    }
    const struct binding *binding = find_binding(event->key, (int)deck->focus);
    if (!binding)
        binding = find_binding(event->key, -1);
    if (deck->message[0]) { /* a message stays until the next key */
        deck->message[0] = '\0';
        deck->dirty = true;
    }
    if (!binding)
        return;
    if (binding->line[0] == ':') {
        prompt_open(binding->line + 1);
        deck->dirty = true;
    } else if (expand(deck, binding->line, line, sizeof line)) {
        deck_run_line(deck, line);
    }
}
