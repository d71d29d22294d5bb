/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui_run: opens the terminal, runs the loop, and gives everything back. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deck.h"
#include "prompt.h"

#define QUIT_SURE_NS INT64_C(10000000000) /* a second wish within ten seconds is meant */
#define FRAME_MS 50 /* job progress is drawn at most this often; keys are always at once */

void deck_notice(void *ctx, const char *line)
{
    (void)ctx;
    td_log(TD_LOG_INFO, "deck", "%s", line); /* any thread: the log pane shows it */
}

struct deck *deck_of(const struct td_app *app)
{
    return app->notice == deck_notice ? app->notice_ctx : NULL;
}

void deck_say(struct deck *deck, enum td_role role, const char *fmt, ...)
{
    char text[DECK_MESSAGE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    td_copy(deck->message, sizeof deck->message, text);
    deck->message_role = role;
    deck->dirty = true;
}

/* ---- focus and wishes ---- */

void deck_focus(struct deck *deck, enum pane_id id)
{
    deck->focus = id;
    deck->dirty = true;
}

void deck_zoom(struct deck *deck, enum pane_id id)
{
    deck->zoomed = id;
    if (id != PANE_COUNT)
        deck->focus = id;
    deck->dirty = true;
}

static void set_clock(struct deck *deck, bool on)
{
    deck->clock = on;
    loop_clock(deck->loop, on);
    deck->dirty = true;
}

/* Jobs of this deck end with it, at a unit boundary: one key must not end hours of work by accident. */
static void wish_quit(struct deck *deck)
{
    size_t jobs = jobs_own_running(deck);
    int64_t now = td_mono_ns();
    bool sure = deck->quit_asked_ns && now - deck->quit_asked_ns < QUIT_SURE_NS;
    if (!jobs || sure) {
        deck->quit = true;
        return;
    }
    deck->quit_asked_ns = now;
    deck_say(deck, TD_ROLE_WARN, "%zu job%s of this deck would stop at a unit boundary: q again leaves", jobs, jobs == 1 ? "" : "s");
}

static void wish_filter(struct deck *deck, const char *text)
{
    struct td_err err = {0};
    bool none = strcmp(text, "-") == 0 || strcmp(text, "off") == 0;
    if (watch_set_filter(deck, none ? "" : text, &err) != TD_OK)
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
}

static void wish_tf(struct deck *deck, const char *text)
{
    enum td_tf tf;
    if (strcmp(text, "auto") == 0)
        chart_set_tf(deck, TD_TF_5M, true);
    else if (td_tf_parse(text, &tf))
        chart_set_tf(deck, tf, false);
    else
        deck_say(deck, TD_ROLE_ERROR, "tf: %s is none of auto, 1m, 5m, 15m, 30m, 1h, 4h, 1d", text);
}

/* Wishes that only the deck's own commands make: they run on this thread. */
static void take_own_wishes(struct deck *deck)
{
    struct td_app *app = deck->app;
    struct td_err err = {0};
    if (app->want_quit)
        wish_quit(deck);
    app->want_quit = false;
    if (app->want_clock >= 0)
        set_clock(deck, app->want_clock == 1);
    if (app->want_mouse >= 0)
        screen_mouse(deck->screen, app->want_mouse == 1);
    app->want_clock = app->want_mouse = -1;
    if (app->want_sort[0] && watch_set_sort(deck, app->want_sort, &err) != TD_OK)
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
    if (app->want_filter[0])
        wish_filter(deck, app->want_filter);
    if (app->want_theme[0])
        deck_set_theme(deck, app->want_theme);
    if (app->want_save[0])
        deck_save_display(deck, app->want_save);
    app->want_sort[0] = app->want_filter[0] = app->want_theme[0] = app->want_save[0] = '\0';
}

/* What a finished command asks the deck to show; left alone while another one runs, since that one may be writing it. */
static void take_goto(struct deck *deck)
{
    struct td_app *app = deck->app;
    char ticker[TD_TICKER_MAX];
    td_day day = app->goto_day;
    td_copy(ticker, sizeof ticker, app->goto_ticker);
    app->goto_ticker[0] = '\0';
    app->goto_day = TD_NO_DAY;
    if (app->want_tf[0])
        wish_tf(deck, app->want_tf);
    app->want_tf[0] = '\0';
    if (ticker[0]) {
        td_day shown = day != TD_NO_DAY ? day : deck->watch.list ? deck->watch.list->day : TD_NO_DAY;
        if (shown == TD_NO_DAY) {
            td_day today;
            int32_t ms;
            td_ny_split(td_now_ms(), &today, &ms);
            shown = td_cal_day(td_cal_index_at_or_before(today));
        }
        (void)watch_select(deck, ticker);
        chart_show(deck, ticker, shown);
        deck_focus(deck, PANE_CHART);
    } else if (day != TD_NO_DAY) {
        watch_load(deck, day);
        deck_focus(deck, PANE_WATCH);
    }
}

void deck_goto(struct deck *deck)
{
    take_own_wishes(deck);
    if (deck->commands_running == 0)
        take_goto(deck);
}

/* ---- theme and saving: files, so not on this thread ---- */

struct theme_task {
    struct task task;
    char name[64];
    struct theme theme;
    enum td_code code;
    struct td_err err;
};

static void theme_run(struct task *base)
{
    struct theme_task *task = (struct theme_task *)base;
    task->code = theme_load(task->name, &task->theme, &task->err);
}

static void theme_apply(struct deck *deck, struct task *base)
{
    struct theme_task *task = (struct theme_task *)base;
    if (task->code != TD_OK) {
        deck_say(deck, TD_ROLE_ERROR, "%s", task->err.text);
        return;
    }
    deck->theme = task->theme;
    screen_theme(deck->screen, &deck->theme);
    deck->dirty = true;
}

static void plain_drop(struct task *base)
{
    td_free(base);
}

void deck_set_theme(struct deck *deck, const char *name)
{
    struct theme_task *task = td_calloc(1, sizeof *task);
    if (!task) {
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){theme_run, theme_apply, plain_drop};
    td_copy(task->name, sizeof task->name, name);
    deck_query(deck, &deck->theme, &task->task);
}

struct save_task {
    struct task task;
    char path[1024];
    struct td_buf text;
    enum td_code code;
    struct td_err err;
};

static void save_run(struct task *base)
{
    struct save_task *task = (struct save_task *)base;
    task->code = td_publish_bytes(task->path, task->text.data, task->text.len, &task->err);
}

static void save_apply(struct deck *deck, struct task *base)
{
    struct save_task *task = (struct save_task *)base;
    if (task->code == TD_OK)
        deck_say(deck, TD_ROLE_GOOD, "saved to %s", task->path);
    else
        deck_say(deck, TD_ROLE_ERROR, "%s", task->err.text);
}

static void save_drop(struct task *base)
{
    struct save_task *task = (struct save_task *)base;
    td_buf_free(&task->text);
    td_free(task);
}

void deck_save_display(struct deck *deck, const char *path)
{
    struct save_task *task = td_calloc(1, sizeof *task);
    if (!task) {
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){save_run, save_apply, save_drop};
    td_copy(task->path, sizeof task->path, path);
    td_buf_init(&task->text, 8u << 20);
    td_grid_dump(&deck->grid, &task->text);
    deck_query(deck, NULL, &task->task);
}

/* ---- what wakes the deck ---- */

static void suspend(struct deck *deck)
{
    screen_suspend(deck->screen);
    loop_stop_process();
    screen_resume(deck->screen);
    deck->dirty = true;
}

static void take_signals(struct deck *deck, unsigned why)
{
    if (why & (LOOP_TERM | LOOP_HANGUP)) {
        deck->quit = true;
        deck->end = TD_CANCELLED;
    }
    if (why & LOOP_INT) {
        if (prompt_active())
            prompt_close();
        else
            deck_say(deck, TD_ROLE_TEXT, "q leaves the deck; x in the downloads stops a job");
        deck->dirty = true;
    }
    if (why & LOOP_SUSPEND)
        suspend(deck);
    if (why & LOOP_CONT) {
        screen_resume(deck->screen);
        deck->dirty = true;
    }
    if ((why & LOOP_WINCH) && screen_fit(deck->screen))
        deck->dirty = true;
}

static void take_keys(struct deck *deck, bool quiet)
{
    struct keys_event event;
    while (!deck->quit && keys_next(&deck->keys, quiet, &event))
        deck_key(deck, &event);
}

static void take_work(struct deck *deck, unsigned why)
{
    if (why & (LOOP_ENGINE | LOOP_MAIL)) {
        size_t taken = deck->taken;
        deck_drain(deck);
        /* The engine signals once a finished query and once a change of a job: what is left over are changes. A busy job
         * makes thousands a second, so they are looked at together; finished queries are shown at once. */
        bool jobs_changed = loop_engine_events(deck->loop) > deck->taken - taken;
        if (jobs_changed)
            loop_later(deck->loop, FRAME_MS);
    }
    if (why & (LOOP_FILES | LOOP_LATER))
        jobs_refresh(deck);
    if (why & LOOP_TICK)
        deck->dirty = true; /* the clock: the other cells are equal and cost no byte */
    if (deck->areas[PANE_LOG].rows > 0 && td_log_generation() != deck->log_seen)
        deck->dirty = true;
}

static enum td_code run_loop(struct deck *deck, struct td_err *err)
{
    while (!deck->quit) {
        if (deck->dirty)
            deck_draw(deck);
        unsigned why = loop_wait(deck->loop, err);
        if (!why)
            return err ? err->code : TD_IO;
        take_signals(deck, why);
        if (why & (LOOP_KEYS | LOOP_QUIET))
            take_keys(deck, (why & LOOP_QUIET) != 0);
        take_work(deck, why);
    }
    return deck->end;
}

/* ---- the prompt's owner ---- */

static void prompt_accept(void *ctx, const char *line)
{
    struct deck *deck = ctx;
    if (*line)
        history_append(deck, line);
    deck_run_line(deck, line);
}

static void prompt_redraw(void *ctx)
{
    struct deck *deck = ctx;
    screen_repaint(deck->screen);
    deck->dirty = true;
}

static enum td_code prompt_complete(void *ctx, const char *line, size_t cursor, struct td_names *out, size_t *start)
{
    struct deck *deck = ctx;
    struct td_completions found = {0};
    struct td_err err = {0};
    enum td_code code = td_complete(deck->app, line, cursor, &found, &err);
    *out = found.names;
    *start = found.start;
    return code;
}

struct words_task {
    struct task task;
    struct td_app *app;
};

static void words_run(struct task *base)
{
    (void)td_app_refresh_words(((struct words_task *)base)->app, NULL);
}

static void words_apply(struct deck *deck, struct task *base)
{
    (void)deck;
    (void)base;
}

static void refresh_words(struct deck *deck)
{
    struct words_task *task = td_calloc(1, sizeof *task);
    if (!task)
        return;
    task->task = (struct task){words_run, words_apply, plain_drop};
    task->app = deck->app;
    deck_query(deck, &deck->history_path, &task->task);
}

/* ---- opening and closing ---- */

static void choose_tier(struct deck *deck, const char *glyphs)
{
    const char *wanted = glyphs ? glyphs : td_conf_text(deck->app->conf, "ui.glyphs");
    if (!td_tier_parse(wanted, &deck->tier))
        deck->tier = screen_utf8(deck->screen) ? TD_TIER_BLOCK : TD_TIER_ASCII;
}

static void defaults(struct deck *deck)
{
    deck->zoomed = PANE_COUNT;
    deck->focus = PANE_WATCH;
    deck->starting = deck->dirty = true;
    deck->watch.want = TD_NO_DAY;
    td_copy(deck->watch.sort, sizeof deck->watch.sort, "rvol30");
    deck->chart.day = TD_NO_DAY;
    deck->chart.cursor = -1;
    deck->chart.tf = TD_TF_5M;
    deck->chart.tf_auto = deck->chart.volume = deck->chart.vwap = true;
    deck->chart.hours = TD_HOURS_ALL;
    keys_init(&deck->keys);
    pthread_mutex_init(&deck->mail_lock, NULL);
}

static void load_theme(struct deck *deck, const struct td_ui_options *options)
{
    struct td_err err = {0};
    const char *name = options->theme ? options->theme : td_conf_text(deck->app->conf, "ui.theme");
    theme_builtin(&deck->theme);
    if (theme_load(name, &deck->theme, &err) != TD_OK && strcmp(name, "dark") != 0)
        deck_say(deck, TD_ROLE_WARN, "%s", err.text);
}

static enum td_code open_terminal(struct deck *deck, const struct td_ui_options *options, struct td_err *err)
{
    const char *no_color = getenv("NO_COLOR");
    struct prompt_calls calls = {.ctx = deck, .accept = prompt_accept, .redraw = prompt_redraw, .complete = prompt_complete};
    struct screen_options screen = {.term = getenv("TERM"), .theme = &deck->theme};
    screen.no_color = options->no_color || (no_color && *no_color) || strcmp(td_conf_text(deck->app->conf, "ui.color"), "never") == 0;
    screen.mouse = !options->no_mouse && td_conf_bool(deck->app->conf, "ui.mouse");
    enum td_code code = screen_check(screen.term, err);
    if (code == TD_OK)
        code = prompt_init(&calls, err);
    if (code == TD_OK)
        code = screen_open(&screen, &deck->screen, err);
    return code;
}

static enum td_code open_deck(struct deck *deck, const struct td_ui_options *options, struct td_err *err)
{
    (void)setlocale(LC_CTYPE, "");
    defaults(deck);
    load_theme(deck, options);
    enum td_code code = screen_check(getenv("TERM"), err);
    if (code == TD_OK)
        code = td_app_engine(deck->app, true, err);
    if (code == TD_OK)
        code = td_pool_new(1, &deck->command_pool, err);
    if (code == TD_OK)
        code = open_terminal(deck, options, err);
    if (code == TD_OK)
        code = loop_new(screen_fd(deck->screen), &deck->keys, &deck->loop, err);
    return code;
}

static void start(struct deck *deck, const struct td_ui_options *options)
{
    char live[1200];
    choose_tier(deck, options->glyphs);
    history_open(deck);
    set_clock(deck, !options->no_clock && td_conf_bool(deck->app->conf, "ui.clock"));
    loop_engine(deck->loop, td_engine_fd(deck->app->engine));
    if (td_snprintf(live, sizeof live, "%s/_runs/live", deck->app->lake_root) && td_mkdirs(live, NULL) == TD_OK)
        (void)loop_watch(deck->loop, live);
    jobs_refresh(deck);
    watch_load(deck, deck->app->goto_day);
    if (deck->app->goto_ticker[0])
        take_goto(deck);
    deck->app->goto_day = TD_NO_DAY;
    refresh_words(deck);
}

static void close_deck(struct deck *deck)
{
    screen_close(deck->screen); /* first: whoever waits for a worker sees a sane terminal */
    coverage_stop(deck);
    prompt_free();
    deck_finish_tasks(deck);
    if (deck->command_pool)
        td_pool_free(deck->command_pool);
    pthread_mutex_destroy(&deck->mail_lock);
    loop_free(deck->loop);
    watch_free(deck);
    chart_free(deck);
    coverage_free(deck);
    td_buf_free(&deck->text.text);
    td_buf_free(&deck->log.text);
    td_grid_free(&deck->grid);
}

void td_ui_block_signals(void)
{
    loop_block_signals();
}

void td_ui_terminal_report(void *ctx, struct td_buf *lines)
{
    (void)ctx;
    screen_report(lines);
}

enum td_code td_ui_run(struct td_app *app, const struct td_ui_options *options, struct td_err *err)
{
    static const struct td_ui_options none;
    struct td_err own = {0};
    struct deck *deck = td_calloc(1, sizeof *deck);
    if (!deck)
        return td_fail(err, TD_NOMEM, "out of memory for the deck");
    void (*notice)(void *, const char *) = app->notice;
    void *notice_ctx = app->notice_ctx;
    bool interactive = app->interactive;
    options = options ? options : &none;
    deck->app = app;
    app->interactive = true;
    app->notice = deck_notice;
    app->notice_ctx = deck;
    loop_block_signals();
    enum td_code code = open_deck(deck, options, &own);
    if (code == TD_OK) {
        start(deck, options);
        code = run_loop(deck, &own);
    }
    close_deck(deck);
    app->notice = notice;
    app->notice_ctx = notice_ctx;
    app->interactive = interactive;
    td_free(deck);
    if (code != TD_OK && err)
        *err = own;
    return code;
}
