/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck: the state of the running deck and what its files call of each other. Everything here belongs to the UI thread
 * except what a task carries, which belongs to whoever holds the task. */
#ifndef TAPEDECK_UI_DECK_H
#define TAPEDECK_UI_DECK_H

#include <pthread.h>
#include <stdatomic.h>

#include <tapedeck/ui.h>

#include "keys.h"
#include "loop.h"
#include "theme.h"
#include "tty_screen.h"

#define DECK_JOBS 32
#define DECK_CHARTS 16
#define DECK_MESSAGE 512

struct deck;

/* ---- tasks: work off the UI thread. Made by the UI thread, run elsewhere, applied and freed on the UI thread ---- */

struct task {
    void (*run)(struct task *task);                        /* query or command thread */
    void (*apply)(struct deck *deck, struct task *task);   /* UI thread; not called when it was replaced unrun */
    void (*drop)(struct task *task);                       /* UI thread; exactly once, also without run or apply */
};
/* Data for panes: the engine's query thread. A waiting task of the same slot is replaced. Takes the task over always. */
void deck_query(struct deck *deck, const void *slot, struct task *task);
void deck_command(struct deck *deck, struct task *task); /* a thread of its own, so that a long command delays no chart */
void deck_drain(struct deck *deck);                      /* apply what is done */
void deck_finish_tasks(struct deck *deck);               /* wait for all of them, applying none */
void deck_nomem(struct deck *deck, struct task *task);   /* say so and drop (task may be NULL) */

/* ---- areas and panes ---- */

struct area {
    int row, col, rows, cols;
};
struct pane { /* one static table a pane */
    const char *name, *help;
    void (*title)(struct deck *deck, char *out, size_t size);
    void (*draw)(struct deck *deck, struct area area); /* inside its frame; must cope with any size from 1x1 */
    void (*click)(struct deck *deck, struct area area, int row, int col, int button); /* relative; may be NULL */
    void (*prepare)(struct deck *deck, struct area area); /* before title and draw of a frame; may be NULL */
};
enum pane_id { PANE_WATCH, PANE_CHART, PANE_JOBS, PANE_LOG, PANE_TEXT, PANE_COVERAGE, PANE_COUNT };
extern const struct pane deck_pane_watch, deck_pane_chart, deck_pane_jobs, deck_pane_log, deck_pane_text, deck_pane_coverage;
const struct pane *deck_pane(enum pane_id id);
bool deck_pane_find(const char *name, enum pane_id *out);

/* ---- watchlist ---- */

#define SPARK_DAYS 20
#define SPARK_LEVELS 8
#define SPARK_NONE 0xFE    /* no close known */
#define SPARK_UNASKED 0xFF /* not read yet */

struct watch_list { /* owned by the deck; immutable once applied, but for spark */
    uint64_t serial; /* tells lists apart */
    uint8_t *spark;  /* SPARK_DAYS levels a row, NULL until wanted */
    td_day day;
    struct td_days days; /* every built session */
    struct td_rows rows;
    struct td_record_model model;
    uint32_t *in_play; /* days_info_rich_252 by row, UINT32_MAX = unknown */
    char thresholds[17], path[1100];
    size_t info_rich;
    double market_rvol;            /* sum of volumes / sum of mean volumes of the rows, NaN unknown */
    char problem[256], fix[160];   /* why there is nothing, and the command that fills it */
    td_day data_through;           /* newest day of the cache, TD_NO_DAY = none */
};
struct watch_view {
    struct watch_list *list; /* NULL until the first answer */
    struct td_selection order;
    char sort[48], filter[256];
    bool all_rows, frozen, loading, spark_loading;
    uint64_t serials; /* given out so far */
    td_day want;             /* day asked for, TD_NO_DAY = newest */
    size_t cursor, top;
    char ticker[TD_TICKER_MAX]; /* under the cursor: survives a re-sort */
    int page;                   /* rows shown at the last draw */
};
void watch_load(struct deck *deck, td_day day); /* TD_NO_DAY = newest */
void watch_refresh(struct deck *deck);          /* the day that is shown, again */
void spark_want(struct deck *deck, size_t top, size_t count); /* rows on the screen, by order */
void spark_text(const struct deck *deck, uint32_t row, char *out, size_t size);
void watch_resort(struct deck *deck);
enum td_code watch_set_sort(struct deck *deck, const char *spec, struct td_err *err);
enum td_code watch_set_filter(struct deck *deck, const char *text, struct td_err *err); /* "" = none */
void watch_set_all(struct deck *deck, bool all);
void watch_move(struct deck *deck, long step);
bool watch_select(struct deck *deck, const char *ticker);
const struct td_watch_row *watch_row(const struct deck *deck, size_t at); /* by order; NULL out of range */
td_day watch_neighbour(const struct deck *deck, int step); /* TD_NO_DAY at an end */
void watch_free(struct deck *deck);
void watch_list_free(struct watch_list *list);

/* ---- chart ---- */

struct chart_data { /* minutes around a day and daily rows of one ticker; immutable once applied */
    char ticker[TD_TICKER_MAX];
    td_day day, from, to; /* minutes of sessions from..to were looked for */
    struct td_bars minutes;
    struct td_candles daily;
    char problem[256], fix[160];
    uint64_t used; /* for the least-recently-used rule */
};
struct chart_view {
    char ticker[TD_TICKER_MAX];
    td_day day;
    struct chart_data *cache[DECK_CHARTS];
    struct chart_data *data; /* of cache, NULL while loading */
    struct td_candles candles; /* of data, at tf and hours */
    double *lines[3];          /* SMA 20, EMA 9, session VWAP: n each, NULL when off or empty */
    enum td_tf tf;
    bool tf_auto, sma, ema, vwap, volume;
    enum td_hours hours;
    size_t first;
    int zoom, width; /* width of the pane at the last draw */
    long cursor;
    bool home; /* view to be placed on the day at the next draw */
    size_t home_first; /* where that put it: a view still there follows the pane's width */
    int home_zoom;
    uint64_t turn;
};
void chart_follow(struct deck *deck); /* show the ticker under the list's cursor */
void chart_show(struct deck *deck, const char *ticker, td_day day);
void chart_set_tf(struct deck *deck, enum td_tf tf, bool automatic);
void chart_rebuild(struct deck *deck);
void chart_pan(struct deck *deck, long columns);
void chart_zoom(struct deck *deck, int step);
void chart_crosshair(struct deck *deck, long step);
void chart_forget(struct deck *deck); /* data on disk changed */
void chart_free(struct deck *deck);

/* ---- text: help, results of commands ---- */

struct text_view {
    struct td_buf text;
    char title[128];
    size_t top, lines;
    int page;
};
void text_set(struct deck *deck, const char *title, const char *text, size_t len);
void text_scroll(struct text_view *view, long step);
void text_draw(struct deck *deck, struct text_view *view, struct area area, bool numbered);
void text_help(struct deck *deck, const char *topic); /* NULL = keys and commands */

/* ---- coverage ---- */

struct coverage_view {
    struct coverage_data *data; /* NULL until the first answer; immutable once applied */
    enum td_table table;
    bool asked, loading, stale; /* stale: bronze may have changed since; read again when it is looked at */
    atomic_bool stop;       /* any thread reads it: a reading under way ends */
    size_t row, col;        /* of the cursor */
    size_t top, left;
    char ticker[TD_TICKER_MAX]; /* under the cursor: survives another reading */
    int page;               /* tickers shown at the last draw */
};
void coverage_move(struct deck *deck, long rows, long months);
void coverage_next_hole(struct deck *deck);
void coverage_fill(struct deck *deck);        /* the command that fills the cell under the cursor, into the prompt */
void coverage_plan(struct deck *deck);        /* all of them, into the text pane */
void coverage_other_table(struct deck *deck); /* minute bars or daily bars */
void coverage_forget(struct deck *deck);      /* data on disk changed */
void coverage_stop(struct deck *deck);        /* the deck ends */
void coverage_free(struct deck *deck);

/* ---- the deck ---- */

struct deck {
    struct td_app *app;
    struct screen *screen;
    struct loop *loop;
    struct keys_ring keys;
    struct td_grid grid;
    struct theme theme;
    enum td_tier tier;
    bool clock, mouse, quit, dirty, starting;
    enum td_code end; /* what td_ui_run returns */
    int64_t quit_asked_ns; /* when leaving was asked for while jobs ran, 0 = never */
    /* tasks */
    struct td_pool *command_pool;
    pthread_mutex_t mail_lock;
    struct command_task *mail; /* finished command tasks, oldest first: mail_lock */
    size_t waiting, commands_running;
    size_t taken; /* finished queries seen so far */
    /* panes */
    enum pane_id focus, zoomed; /* zoomed: PANE_COUNT = the layout of several */
    struct area areas[PANE_COUNT]; /* inside of the frame at the last draw; rows 0 = not shown */
    struct watch_view watch;
    struct chart_view chart;
    struct td_job_view jobs[DECK_JOBS];
    size_t job_count, job_cursor;
    bool jobs_loading, jobs_stale;
    struct text_view text, log;
    struct coverage_view coverage;
    uint64_t log_seen;
    /* bottom line */
    char message[DECK_MESSAGE];
    enum td_role message_role;
    char history_path[1100];
};

void deck_say(struct deck *deck, enum td_role role, const char *fmt, ...) TD_PRINTF(3, 4);
void deck_run_line(struct deck *deck, const char *line);
void deck_draw(struct deck *deck);
void deck_focus(struct deck *deck, enum pane_id id);
void deck_zoom(struct deck *deck, enum pane_id id); /* PANE_COUNT = back to the layout */
void deck_set_theme(struct deck *deck, const char *name);
void deck_save_display(struct deck *deck, const char *path);
void deck_goto(struct deck *deck); /* what a finished command wished for in app->goto_* */
struct deck *deck_of(const struct td_app *app); /* NULL when no deck runs */
void deck_notice(void *ctx, const char *line);

/* keys: bindings are command lines */
struct binding {
    const char *key;
    int pane; /* enum pane_id, or -1 = everywhere */
    const char *line; /* with %t = ticker under the cursor, %d = the list's date; ":..." opens the prompt with it */
    const char *help; /* NULL: not worth a line */
};
const struct binding *deck_binding_at(size_t i); /* NULL past the end */
void deck_key(struct deck *deck, const struct keys_event *event);

/* jobs */
void jobs_refresh(struct deck *deck);
void jobs_move(struct deck *deck, long step);
size_t jobs_own_running(const struct deck *deck); /* of this process, as of the last snapshot */

/* history file */
void history_open(struct deck *deck);
void history_append(struct deck *deck, const char *line);

/* drawing helpers */
void deck_draw_top(struct deck *deck, int row);
void deck_draw_bottom(struct deck *deck, int row, int *cursor_row, int *cursor_col);
void deck_empty(struct deck *deck, struct area area, const char *why, const char *fix);

#endif
