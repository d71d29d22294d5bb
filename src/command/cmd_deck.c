/* SPDX-License-Identifier: GPL-3.0-or-later
 * Commands of the deck itself: each notes a wish in the application, which the screen fulfils. */
#include <stdio.h>
#include <string.h>
#include "command_internal.h"

static enum td_code run_quit(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)args;
    (void)out;
    (void)err;
    app->want_quit = true;
    return TD_OK;
}

static enum td_code run_theme(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)out;
    (void)err;
    td_copy(app->want_theme, sizeof app->want_theme, td_args_text(args, "name"));
    return TD_OK;
}

static enum td_code run_goto(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)out;
    (void)err;
    td_copy(app->goto_ticker, sizeof app->goto_ticker, td_args_text(args, "ticker"));
    app->goto_day = td_args_day(args, "date");
    return TD_OK;
}

static enum td_code run_sort(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)out;
    (void)err;
    td_copy(app->want_sort, sizeof app->want_sort, td_args_text(args, "column"));
    return TD_OK;
}

static enum td_code run_filter(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    char text[512] = "";
    (void)out;
    for (size_t i = 0; i < td_args_count(args, "expression"); i++)
        if (!td_snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
                         td_args_nth(args, "expression", i)))
            return td_fail(err, TD_USAGE, "filter: the expression is longer than %zu bytes", sizeof text - 1);
    td_copy(app->want_filter, sizeof app->want_filter, *text ? text : "-");
    return TD_OK;
}

static enum td_code run_set(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    int on = strcmp(td_args_text(args, "value"), "on") == 0;
    (void)out;
    (void)err;
    if (strcmp(td_args_text(args, "what"), "clock") == 0)
        app->want_clock = on;
    else
        app->want_mouse = on;
    return TD_OK;
}

static enum td_code run_save(struct td_app *app, const struct td_args *args, struct td_out *out, struct td_err *err)
{
    (void)out;
    return td_copy(app->want_save, sizeof app->want_save, td_args_text(args, "file"))
               ? TD_OK
               : td_fail(err, TD_USAGE, "save-display: the path is too long");
}

static const struct td_arg_def theme_args[] = {ARG("name", .positional = true, .required = true, .type = TD_ARG_THEME,
                                                   .metavar = "NAME", .help = "a file of themes/ without .yaml")};
static const struct td_arg_def goto_args[] = {
    ARG("ticker", .positional = true, .required = true, .type = TD_ARG_TICKER, .metavar = "TICKER",
        .help = "show its chart"),
    ARG("date", .positional = true, .type = TD_ARG_DATE, .metavar = "DATE", .help = "on this session"),
};
static const struct td_arg_def sort_args[] = {ARG("column", .positional = true, .required = true, .type = TD_ARG_COLUMN,
                                                  .metavar = "COL[:asc]", .help = "column of the watchlist")};
static const struct td_arg_def filter_args[] = {ARG("expression", .positional = true, .repeated = true,
                                                    .type = TD_ARG_FILTER, .metavar = "EXPR",
                                                    .help = "rows to show; nothing shows all")};
static const struct td_arg_def set_args[] = {
    ARG("what", .positional = true, .required = true, .type = TD_ARG_CHOICE, .choices = "clock|mouse",
        .metavar = "clock|mouse", .help = "what to switch"),
    ARG("value", .positional = true, .required = true, .type = TD_ARG_CHOICE, .choices = "on|off", .metavar = "on|off",
        .help = "to what"),
};
static const struct td_arg_def save_args[] = {
    ARG("file", .positional = true, .required = true, .type = TD_ARG_FILE, .metavar = "FILE", .help = "text file")};

const struct td_command deck_commands[] = {
    {.name = "quit",
     .aliases = "q,exit",
     .group = "deck",
     .summary = "leave the deck; running jobs stop at a unit boundary",
     .run = run_quit,
     .deck_only = true},
    {.name = "goto",
     .group = "deck",
     .summary = "show a ticker's chart",
     .args = goto_args,
     .arg_count = 2,
     .run = run_goto,
     .deck_only = true},
    {.name = "sort",
     .group = "deck",
     .summary = "order the watchlist",
     .args = sort_args,
     .arg_count = 1,
     .run = run_sort,
     .deck_only = true},
    {.name = "filter",
     .group = "deck",
     .summary = "show only matching rows of the watchlist",
     .args = filter_args,
     .arg_count = 1,
     .run = run_filter,
     .deck_only = true},
    {.name = "theme",
     .group = "deck",
     .summary = "change the colours",
     .args = theme_args,
     .arg_count = 1,
     .run = run_theme,
     .deck_only = true},
    {.name = "set",
     .group = "deck",
     .summary = "switch the clock or the mouse",
     .args = set_args,
     .arg_count = 2,
     .run = run_set,
     .deck_only = true},
    {.name = "save-display",
     .group = "deck",
     .summary = "write the screen to a text file",
     .args = save_args,
     .arg_count = 1,
     .run = run_save,
     .deck_only = true},
};
const size_t deck_command_count = TD_COUNT(deck_commands);
