/* SPDX-License-Identifier: GPL-3.0-or-later
 * command: one table of commands from which shell arguments, prompt, help, completion, the man page's table and the shell
 * completion all come. */
#ifndef TAPEDECK_COMMAND_H
#define TAPEDECK_COMMAND_H

#include <tapedeck/view.h>

/* ---- the application: what every command may use ---- */

struct td_app { /* made by the front end; commands run on one thread at a time */
    struct td_conf *conf;     /* tapedeck.yaml */
    struct td_conf *universe; /* universe.yaml */
    char lake_root[1024];
    struct td_lake *lake;     /* td_app_lake opens it when first needed */
    struct td_engine *engine; /* td_app_engine starts it when first needed */
    struct td_sim *sim;       /* demo's market, NULL otherwise */
    char sim_url[64];
    bool interactive; /* the deck: jobs are started, not waited for */
    bool quiet, verbose;
    double wait_s;
    /* Called while a command waits for its job (cli only): draw progress; return true to cancel. May be NULL. */
    bool (*progress)(void *ctx, const struct td_job_view *view, bool ended);
    void *progress_ctx;
    void (*notice)(void *ctx, const char *line); /* diagnostics: stderr or the log pane */
    void *notice_ctx;
    /* Terminal facts for doctor, filled in by the front end that owns the terminal library. May be NULL. */
    void (*terminal_report)(void *ctx, struct td_buf *lines);
    /* Wait up to timeout_ms (-1: for ever) for SIGINT, SIGTERM or SIGHUP; true when one came. cli only, else NULL. */
    bool (*interrupted)(void *ctx, int timeout_ms);
    void *interrupted_ctx;
    struct td_words *words; /* what completion offers; has a lock of its own */
    /* Set by commands for the front end, which reads and clears them after each command. */
    bool open_deck;             /* demo and plain `tapedeck`: the deck comes next */
    bool want_quit;
    int want_clock, want_mouse; /* :set clock on|off: 1, 0; -1 = no wish */
    char want_save[512];        /* :save-display FILE */
    char want_sort[64], want_filter[512], want_tf[8]; /* "" = no wish; a filter of "-" clears it */
    char goto_ticker[TD_TICKER_MAX]; /* deck: show this ticker's chart */
    td_day goto_day;            /* deck: show this day's watchlist; TD_NO_DAY = no wish */
    char want_theme[64];
    int last_job;               /* id of the job the command started, 0 = none */
};
/* Load configuration by precedence (flag > environment > user file > shipped file > default). user_config NULL = XDG. */
enum td_code td_app_init(struct td_app *app, const char *user_config, struct td_err *err);
/* The at'th variable of the environment whose name begins with TAPEDECK_ and means nothing here, as a line that says so and
 * names the nearest one that does; its value is never shown. False past the last. Any thread while nobody sets variables. */
bool td_app_stray_env(const struct td_app *app, size_t at, char *line, size_t size);
void td_app_free(struct td_app *app); /* cancels jobs, joins threads */
enum td_code td_app_lake(struct td_app *app, bool create, struct td_err *err);
enum td_code td_app_engine(struct td_app *app, bool create_lake, struct td_err *err);

/* ---- the table ---- */

enum td_arg_type { TD_ARG_FLAG, TD_ARG_TEXT, TD_ARG_INT, TD_ARG_NUMBER, TD_ARG_DATE, TD_ARG_TICKER, TD_ARG_FILE, TD_ARG_CHOICE,
                   TD_ARG_COLUMN, TD_ARG_COLUMNS, TD_ARG_FILTER, TD_ARG_THEME, TD_ARG_TOPIC };
struct td_arg_def {
    const char *name;    /* "from": --from; positional arguments have a `metavar` and position */
    const char *aliases; /* "s,start": one letter = short option; comma-separated; NULL */
    enum td_arg_type type;
    const char *choices; /* CHOICE: "session|seed" */
    const char *value;   /* default text, NULL = absent */
    const char *metavar; /* "DATE" */
    const char *help;
    bool positional, required, repeated;
};
struct td_args; /* parsed and checked values of one call */
const char *td_args_text(const struct td_args *args, const char *name); /* NULL when absent and without default */
bool td_args_flag(const struct td_args *args, const char *name);
bool td_args_given(const struct td_args *args, const char *name);
int64_t td_args_int(const struct td_args *args, const char *name, int64_t absent);
double td_args_number(const struct td_args *args, const char *name, double absent);
td_day td_args_day(const struct td_args *args, const char *name); /* TD_NO_DAY when absent */
size_t td_args_count(const struct td_args *args, const char *name); /* repeated */
const char *td_args_nth(const struct td_args *args, const char *name, size_t i);

struct td_command {
    const char *name;    /* one or two words: "cache build" */
    const char *aliases; /* "wl", comma-separated, or NULL */
    const char *group;   /* "data", "screen", "look", "house" */
    const char *summary; /* one line */
    const char *help;    /* paragraphs with examples; NULL */
    const struct td_arg_def *args;
    size_t arg_count;
    enum td_code (*run)(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err);
    bool deck_only, shell_only;
};
size_t td_command_count(void);
const struct td_command *td_command_at(size_t i); /* table order */
const struct td_command *td_command_find(const char *name);
enum td_code td_command_register(const struct td_command *command, struct td_err *err); /* at start, before threads */
/* Split a prompt line into words ('..' ".." and \ quote). Words live in *arena. TD_USAGE: unbalanced quote with its column. */
enum td_code td_line_split(const char *line, struct td_arena *arena, char ***words, size_t *count, struct td_err *err);
/* Find, parse, check and run words[0..count-1]. --format, --help and the other global options are understood here too. */
enum td_code td_command_run(struct td_app *app, const char *const *words, size_t count, struct td_out *out, struct td_err *err);
enum td_code td_command_line(struct td_app *app, const char *line, struct td_out *out, struct td_err *err);
/* Does the command write or start work (run on the query thread in the deck) - all do, but help and the deck's own. */

/* ---- derived from the table ---- */

enum td_code td_help_overview(struct td_buf *out);
enum td_code td_help_command(const struct td_command *command, struct td_buf *out);
void td_help_man_table(struct td_buf *out);        /* roff, the COMMANDS section */
void td_help_bash_completion(struct td_buf *out);
struct td_completions { struct td_names names; size_t start; }; /* candidates replace the text from byte `start` */
/* Candidates for the word at the cursor of a prompt line: commands, options, choices, tickers, columns, dates, themes.
 * Uses only what app has in memory (no I/O): see td_app_refresh_words. */
enum td_code td_complete(struct td_app *app, const char *line, size_t cursor, struct td_completions *out, struct td_err *err);
/* Load the words completion offers (tickers, built dates, themes) from the lake; not on the UI thread. */
enum td_code td_app_refresh_words(struct td_app *app, struct td_err *err);

#endif
