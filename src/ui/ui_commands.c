/* SPDX-License-Identifier: GPL-3.0-or-later
 * ui_commands: the commands that only make sense inside the deck. They are rows of the one table of commands like all
 * others, so help, completion and keys know them. */
#include <string.h>

#include "deck.h"

#define ARG(name_, ...) {.name = name_, __VA_ARGS__}

/* Every command here runs on the UI thread, where the deck is at hand. */
static enum td_code need_deck(const struct td_app *app, struct deck **out, struct td_err *err)
{
    *out = deck_of(app);
    return *out ? TD_OK : td_fail(err, TD_USAGE, "this command works inside the deck only: start it with 'tapedeck'");
}

/* ---- go: everything that moves ---- */

static void move_rows(struct deck *deck, long step)
{
    switch (deck->focus) {
    case PANE_JOBS: jobs_move(deck, step); break;
    case PANE_LOG: text_scroll(&deck->log, step); break;
    case PANE_TEXT: text_scroll(&deck->text, step); break;
    case PANE_COVERAGE: coverage_move(deck, step, 0); break;
    default: watch_move(deck, step); break;
    }
    deck->dirty = true;
}

static long page_of(const struct deck *deck)
{
    int page = deck->focus == PANE_LOG        ? deck->log.page
               : deck->focus == PANE_TEXT     ? deck->text.page
               : deck->focus == PANE_COVERAGE ? deck->coverage.page
                                              : deck->watch.page;
    return page > 1 ? page - 1 : 1;
}

static void go_up(struct deck *deck, long n)
{
    move_rows(deck, -n);
}
static void go_down(struct deck *deck, long n)
{
    move_rows(deck, n);
}
static void go_page_up(struct deck *deck, long n)
{
    move_rows(deck, -n * page_of(deck));
}
static void go_page_down(struct deck *deck, long n)
{
    move_rows(deck, n * page_of(deck));
}
static void move_columns(struct deck *deck, long step)
{
    if (deck->focus == PANE_COVERAGE)
        coverage_move(deck, 0, step);
    else
        chart_pan(deck, step);
}
static void go_left(struct deck *deck, long n)
{
    move_columns(deck, -n);
}
static void go_right(struct deck *deck, long n)
{
    move_columns(deck, n);
}
static void go_fill(struct deck *deck, long n)
{
    (void)n;
    coverage_fill(deck);
}
static void go_plan(struct deck *deck, long n)
{
    (void)n;
    coverage_plan(deck);
}
static void go_other_table(struct deck *deck, long n)
{
    (void)n;
    coverage_other_table(deck);
}
static void go_next_hole(struct deck *deck, long n)
{
    for (long i = 0; i < n && i < 1000; i++)
        coverage_next_hole(deck);
}
static void go_cross_left(struct deck *deck, long n)
{
    chart_crosshair(deck, -n);
}
static void go_cross_right(struct deck *deck, long n)
{
    chart_crosshair(deck, n);
}
/* There are fewer steps than this from the widest candles to the most merged ones. */
#define ZOOM_STEPS 24
static void go_zoom_in(struct deck *deck, long n)
{
    for (long i = 0; i < n && i < ZOOM_STEPS; i++)
        chart_zoom(deck, 1);
}
static void go_zoom_out(struct deck *deck, long n)
{
    for (long i = 0; i < n && i < ZOOM_STEPS; i++)
        chart_zoom(deck, -1);
}
static void go_top(struct deck *deck, long n)
{
    (void)n;
    move_rows(deck, -1000000000);
}
static void go_bottom(struct deck *deck, long n)
{
    (void)n;
    move_rows(deck, 1000000000);
}
static void go_home(struct deck *deck, long n)
{
    (void)n;
    deck->chart.cursor = -1;
    deck->chart.home = deck->dirty = true;
}
static void next_pane(struct deck *deck, int step)
{
    static const enum pane_id round[] = {PANE_WATCH, PANE_CHART, PANE_JOBS};
    size_t at = 0;
    for (size_t i = 0; i < TD_COUNT(round); i++)
        if (round[i] == deck->focus)
            at = i;
    enum pane_id next = round[(at + (step > 0 ? 1 : TD_COUNT(round) - 1)) % TD_COUNT(round)];
    if (deck->zoomed != PANE_COUNT)
        deck->zoomed = next;
    deck_focus(deck, next);
}
static void go_next_pane(struct deck *deck, long n)
{
    (void)n;
    next_pane(deck, 1);
}
static void go_previous_pane(struct deck *deck, long n)
{
    (void)n;
    next_pane(deck, -1);
}
static void go_zoom_pane(struct deck *deck, long n)
{
    (void)n;
    deck_zoom(deck, deck->zoomed == PANE_COUNT ? deck->focus : PANE_COUNT);
}
static void go_back(struct deck *deck, long n)
{
    (void)n;
    deck->chart.cursor = -1;
    if (deck->focus == PANE_TEXT || deck->focus == PANE_LOG || deck->focus == PANE_COVERAGE)
        deck->focus = PANE_WATCH;
    deck_zoom(deck, PANE_COUNT);
}
static void go_redraw(struct deck *deck, long n)
{
    (void)n;
    screen_repaint(deck->screen);
    deck->dirty = true;
}
static void go_resort(struct deck *deck, long n)
{
    (void)n;
    watch_resort(deck);
}

static const char *const sort_round[] = {"rvol30", "pctchg_d", "dollar_vol_d", "close_d", "market_cap_d", "gap_pct_d", "ticker"};

static void go_sort_next(struct deck *deck, long n)
{
    size_t at = TD_COUNT(sort_round) - 1;
    (void)n;
    for (size_t i = 0; i < TD_COUNT(sort_round); i++)
        if (strncmp(deck->watch.sort, sort_round[i], strlen(sort_round[i])) == 0)
            at = i;
    struct td_err err = {0};
    if (watch_set_sort(deck, sort_round[(at + 1) % TD_COUNT(sort_round)], &err) != TD_OK)
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
}

static void go_sort_reverse(struct deck *deck, long n)
{
    char spec[64], name[48];
    struct td_err err = {0};
    (void)n;
    td_copy(name, sizeof name, deck->watch.sort[0] ? deck->watch.sort : "rvol30");
    char *colon = strchr(name, ':');
    bool text = strncmp(name, "ticker", 6) == 0;
    bool ascending = colon ? strcmp(colon + 1, "asc") == 0 : text;
    if (colon)
        *colon = '\0';
    td_snprintf(spec, sizeof spec, "%s:%s", name, ascending ? "desc" : "asc");
    if (watch_set_sort(deck, spec, &err) != TD_OK)
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
}

static const struct {
    const char *name;
    void (*go)(struct deck *deck, long n);
} moves[] = {
    {"up", go_up}, {"down", go_down}, {"page-up", go_page_up}, {"page-down", go_page_down}, {"top", go_top},
    {"bottom", go_bottom}, {"left", go_left}, {"right", go_right}, {"cross-left", go_cross_left},
    {"cross-right", go_cross_right}, {"zoom-in", go_zoom_in}, {"zoom-out", go_zoom_out}, {"chart-home", go_home},
    {"next-pane", go_next_pane}, {"previous-pane", go_previous_pane}, {"zoom-pane", go_zoom_pane}, {"back", go_back},
    {"redraw", go_redraw}, {"resort", go_resort}, {"sort-next", go_sort_next}, {"sort-reverse", go_sort_reverse},
    {"fill", go_fill}, {"plan", go_plan}, {"other-table", go_other_table}, {"next-hole", go_next_hole},
};

static enum td_code run_go(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *where = td_args_text(args, "where");
    int64_t n = td_args_int(args, "times", 1);
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code != TD_OK)
        return code;
    if (n < 1 || n > 1000000)
        return td_fail(err, TD_USAGE, "go: times must lie in 1..1000000");
    for (size_t i = 0; i < TD_COUNT(moves); i++) {
        if (where && strcmp(where, moves[i].name) == 0) {
            moves[i].go(deck, (long)n);
            return TD_OK;
        }
    }
    return td_fail(err, TD_USAGE, "go: %s is no direction", where ? where : "");
}

/* ---- panes ---- */

static enum td_code run_pane(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *name = td_args_text(args, "name");
    enum pane_id id;
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code != TD_OK)
        return code;
    if (name && strcmp(name, "deck") == 0) {
        deck_zoom(deck, PANE_COUNT);
        return TD_OK;
    }
    if (name && strcmp(name, "help") == 0) {
        text_help(deck, NULL);
        return TD_OK;
    }
    if (!name || !deck_pane_find(name, &id))
        return td_fail(err, TD_USAGE, "pane: %s is none of deck, watchlist, chart, downloads, coverage, log, text, help", name ? name : "");
    if (id == PANE_LOG || id == PANE_TEXT || id == PANE_COVERAGE)
        deck_zoom(deck, id);
    else {
        if (deck->zoomed != PANE_COUNT)
            deck->zoomed = id;
        deck_focus(deck, id);
    }
    return TD_OK;
}

/* ---- list ---- */

static enum td_code run_day(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *text = td_args_text(args, "day");
    td_day day = TD_NO_DAY;
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code != TD_OK)
        return code;
    if (strcmp(text, "previous") == 0 || strcmp(text, "next") == 0) {
        day = watch_neighbour(deck, text[0] == 'p' ? -1 : 1);
        if (day == TD_NO_DAY) {
            deck_say(deck, TD_ROLE_WARN, "there is no %s list; 'universe build' makes them", text[0] == 'p' ? "older" : "newer");
            return TD_OK;
        }
    } else if (strcmp(text, "newest") != 0 && !td_parse_day(text, strlen(text), &day)) {
        return td_fail(err, TD_USAGE, "day: %s is none of previous, next, newest, YYYY-MM-DD", text);
    }
    watch_load(deck, day);
    return TD_OK;
}

static enum td_code run_rows(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *text = td_args_text(args, "which");
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code == TD_OK)
        watch_set_all(deck, strcmp(text, "toggle") == 0 ? !deck->watch.all_rows : strcmp(text, "all") == 0);
    return code;
}

/* Where the numbers come from: as of when, from which file, complete or partial. */
static enum td_code run_why(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    char day[11] = "", through[11] = "n/a";
    enum td_code code = need_deck(app, &deck, err);
    (void)args;
    if (code != TD_OK)
        return code;
    const struct watch_list *list = deck->watch.list;
    const struct td_watch_row *row = watch_row(deck, deck->watch.cursor);
    if (!list || list->day == TD_NO_DAY)
        return td_out_text(out, list ? list->problem : "the watchlist is still being read", err);
    td_format_day(list->day, day);
    if (list->data_through != TD_NO_DAY)
        td_format_day(list->data_through, through);
    code = td_out_printf(out, err,
                         "list       session %s, known only after its close\nfile       %s\nthresholds %s\nrows       %zu listed, %zu "
                         "info-rich\ncache      through %s\nrvol       rvol30 = volume / mean of the last 30 rows, today included\n",
                         day, list->path, list->thresholds[0] ? list->thresholds : "n/a", list->rows.count, list->info_rich, through);
    if (code == TD_OK && row)
        code = td_out_printf(out, err, "ticker     %s\nrules      RVOL %s, change %s, dollar volume %s, price %s\nflags      %s\n", row->ticker,
                             row->r_rvol == 1 ? "pass" : "fail", row->r_chg == 1 ? "pass" : "fail", row->r_dvol == 1 ? "pass" : "fail",
                             row->r_px == 1 ? "pass" : "fail", row->flags[0] ? row->flags : "none");
    if (code == TD_OK && deck->chart.data) {
        const struct chart_data *data = deck->chart.data;
        char from[11], to[11];
        td_format_day(data->from, from);
        td_format_day(data->to, to);
        code = td_out_printf(out, err, "chart      %s: %zu minute bars of %s..%s from %s/bronze/stocks_minute, %zu daily rows\n", data->ticker,
                             data->minutes.n, from, to, app->lake_root, data->daily.n);
    }
    return code;
}

/* ---- chart ---- */

static enum td_code run_hours(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *text = td_args_text(args, "which");
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code != TD_OK)
        return code;
    bool all = strcmp(text, "toggle") == 0 ? deck->chart.hours == TD_HOURS_REGULAR : strcmp(text, "all") == 0;
    deck->chart.hours = all ? TD_HOURS_ALL : TD_HOURS_REGULAR;
    deck->chart.home = true;
    deck->chart.cursor = -1;
    chart_rebuild(deck);
    return TD_OK;
}

static enum td_code run_line_toggle(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *text = td_args_text(args, "which");
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code != TD_OK)
        return code;
    bool *flag = strcmp(text, "sma") == 0 ? &deck->chart.sma : strcmp(text, "ema") == 0 ? &deck->chart.ema
                 : strcmp(text, "volume") == 0 ? &deck->chart.volume : &deck->chart.vwap;
    *flag = !*flag;
    deck->dirty = true;
    return TD_OK;
}

static enum td_code run_tf(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *text = td_args_text(args, "timeframe");
    enum td_tf tf = TD_TF_5M;
    enum td_code code = need_deck(app, &deck, err);
    bool automatic = strcmp(text, "auto") == 0;
    (void)out;
    if (code == TD_OK && !automatic && !td_tf_parse(text, &tf))
        code = td_fail(err, TD_USAGE, "tf: %s is none of auto, 1m, 5m, 15m, 30m, 1h, 4h, 1d", text);
    if (code == TD_OK)
        chart_set_tf(deck, tf, automatic);
    return code;
}

static enum td_code run_glyphs(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *text = td_args_text(args, "tier");
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code != TD_OK)
        return code;
    if (strcmp(text, "auto") != 0 && !screen_utf8(deck->screen) && strcmp(text, "ascii") != 0)
        return td_fail(err, TD_USAGE, "glyphs: this locale has no %s characters; start the deck with LANG=C.UTF-8", text);
    if (!td_tier_parse(text, &deck->tier))
        deck->tier = screen_utf8(deck->screen) ? TD_TIER_BLOCK : TD_TIER_ASCII;
    deck->dirty = true;
    return TD_OK;
}

/* ---- jobs ---- */

static enum td_code show_units(struct deck *deck, int id, struct td_out *out, struct td_err *err)
{
    struct td_unit_view *units = td_calloc(200, sizeof *units);
    static const enum td_unit_state states[] = {TD_UNIT_FAILED, TD_UNIT_SKIPPED};
    size_t shown = 0;
    if (!units)
        return td_fail(err, TD_NOMEM, "out of memory for a list of units");
    enum td_code code = TD_OK;
    for (size_t s = 0; s < TD_COUNT(states); s++) {
        size_t count = td_job_units(deck->app->engine, id, states[s], units, 200);
        for (size_t i = 0; i < count && code == TD_OK; i++, shown++)
            code = td_out_printf(out, err, "%-8s %s: %s\n", td_unit_state_name(states[s]), units[i].key, units[i].why);
    }
    td_free(units);
    if (code == TD_OK && !shown)
        code = td_out_text(out, "no unit of this job failed or was skipped\n", err);
    return code;
}

static enum td_code run_job(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    const char *what = td_args_text(args, "what");
    enum td_code code = need_deck(app, &deck, err);
    if (code != TD_OK)
        return code;
    int chosen = deck->job_cursor < deck->job_count ? deck->jobs[deck->job_cursor].id : 0;
    int64_t id = td_args_int(args, "id", chosen);
    if (!deck->job_count || id < 0 || id > INT32_MAX)
        return td_fail(err, TD_USAGE, "job: there is no such job");
    if (id == 0)
        return td_fail(err, TD_USAGE, "job: this one belongs to another process; it is shown, not steered, from here");
    bool done = true;
    if (strcmp(what, "pause") == 0)
        done = td_job_pause(app->engine, (int)id);
    else if (strcmp(what, "resume") == 0)
        done = td_job_resume(app->engine, (int)id);
    else if (strcmp(what, "cancel") == 0)
        done = td_job_cancel(app->engine, (int)id);
    else if (strcmp(what, "retry") == 0)
        code = td_job_retry_failed(app->engine, (int)id, err);
    else
        code = show_units(deck, (int)id, out, err);
    jobs_refresh(deck);
    return done ? code : td_fail(err, TD_USAGE, "job %lld cannot be %s now", (long long)id,
                                 strcmp(what, "pause") == 0 ? "paused" : strcmp(what, "resume") == 0 ? "resumed" : "cancelled");
}

static enum td_code run_keys(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    struct deck *deck;
    enum td_code code = need_deck(app, &deck, err);
    (void)out;
    if (code == TD_OK)
        text_help(deck, td_args_text(args, "topic"));
    return code;
}

/* ---- the table ---- */

static const struct td_arg_def go_args[] = {
    ARG("where", .type = TD_ARG_CHOICE, .positional = true, .required = true, .metavar = "WHERE", .help = "direction",
        .choices = "up|down|page-up|page-down|top|bottom|left|right|cross-left|cross-right|zoom-in|zoom-out|chart-home|next-pane|"
                   "previous-pane|zoom-pane|back|redraw|resort|sort-next|sort-reverse|fill|plan|other-table|next-hole"),
    ARG("times", .type = TD_ARG_INT, .positional = true, .metavar = "N", .help = "how often, 1 without"),
};
static const struct td_arg_def pane_args[] = {
    ARG("name", .type = TD_ARG_CHOICE, .choices = "deck|watchlist|chart|downloads|coverage|log|text|help", .positional = true, .required = true,
        .metavar = "PANE", .help = "pane to go to; deck shows several"),
};
static const struct td_arg_def day_args[] = {
    ARG("day", .type = TD_ARG_TEXT, .positional = true, .required = true, .metavar = "DAY", .help = "previous, next, newest or YYYY-MM-DD"),
};
static const struct td_arg_def rows_args[] = {
    ARG("which", .type = TD_ARG_CHOICE, .choices = "toggle|info-rich|all", .value = "toggle", .positional = true, .metavar = "ROWS",
        .help = "rows that hold all rules, or all of the file"),
};
static const struct td_arg_def hours_args[] = {
    ARG("which", .type = TD_ARG_CHOICE, .choices = "toggle|regular|all", .value = "toggle", .positional = true, .metavar = "HOURS",
        .help = "market hours of the chart"),
};
static const struct td_arg_def line_args[] = {
    ARG("which", .type = TD_ARG_CHOICE, .choices = "sma|ema|vwap|volume", .positional = true, .required = true, .metavar = "LINE",
        .help = "what is switched on or off"),
};
static const struct td_arg_def tf_args[] = {
    ARG("timeframe", .type = TD_ARG_CHOICE, .choices = "auto|1m|5m|15m|30m|1h|4h|1d", .positional = true, .required = true,
        .metavar = "TF", .help = "of the chart; auto is the finest at which three sessions fit"),
};
static const struct td_arg_def glyphs_args[] = {
    ARG("tier", .type = TD_ARG_CHOICE, .choices = "auto|ascii|block|braille", .positional = true, .required = true,
        .metavar = "TIER", .help = "characters of the chart; auto follows the locale"),
};
static const struct td_arg_def job_args[] = {
    ARG("what", .type = TD_ARG_CHOICE, .choices = "pause|resume|cancel|retry|units", .positional = true, .required = true,
        .metavar = "WHAT", .help = "what happens to it; units lists the failed and skipped ones"),
    ARG("id", .type = TD_ARG_INT, .positional = true, .metavar = "ID", .help = "number of the job; without: the chosen one"),
};
static const struct td_arg_def keys_args[] = {
    ARG("topic", .type = TD_ARG_TEXT, .positional = true, .metavar = "COMMAND", .help = "explain one command instead"),
};

#define ROW(name_, summary_, args_, run_)                                                                              \
    {.name = name_, .group = "deck", .summary = summary_, .args = args_, .arg_count = TD_COUNT(args_), .run = run_, .deck_only = true}
#define ROW0(name_, summary_, run_) {.name = name_, .group = "deck", .summary = summary_, .run = run_, .deck_only = true}

static const struct td_command own_commands[] = {
    ROW("go", "move the cursor, the chart, the crosshair or the focus", go_args, run_go),
    {.name = "pane", .aliases = "view", .group = "deck", .summary = "go to a pane", .args = pane_args, .arg_count = TD_COUNT(pane_args),
     .run = run_pane, .deck_only = true},
    ROW("day", "show the list of another session", day_args, run_day),
    ROW("rows", "info-rich rows only, or all", rows_args, run_rows),
    ROW0("why", "where the numbers on the screen come from", run_why),
    ROW("hours", "regular hours or all in the chart", hours_args, run_hours),
    ROW("line", "switch a line or the volume panel of the chart", line_args, run_line_toggle),
    ROW("tf", "timeframe of the chart", tf_args, run_tf),
    ROW("glyphs", "characters of the chart", glyphs_args, run_glyphs),
    ROW("job", "pause, resume, cancel or retry a job", job_args, run_job),
    ROW("keys", "all keys and commands", keys_args, run_keys),
};

enum td_code td_ui_commands(struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; i < TD_COUNT(own_commands) && code == TD_OK; i++)
        if (!td_command_find(own_commands[i].name))
            code = td_command_register(&own_commands[i], err);
    return code;
}
