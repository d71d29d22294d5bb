/* SPDX-License-Identifier: GPL-3.0-or-later
 * Completion of a prompt line from the table of commands and the words the lake knows. */
#include <stdio.h>
#include <string.h>
#include "command_internal.h"

#define TAKE_MAX 200 /* candidates worth showing */

static enum td_code offer(struct td_completions *out, const char *prefix, const char *word, struct td_err *err)
{
    if (strncmp(word, prefix, strlen(prefix)) != 0 || out->names.count >= TAKE_MAX)
        return TD_OK;
    return td_names_add(&out->names, word, strlen(word), err);
}

static enum td_code offer_names(struct td_completions *out, const char *prefix, const struct td_names *names,
                                struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < names->count; i++)
        code = offer(out, prefix, names->items[i], err);
    return code;
}

static enum td_code offer_choices(struct td_completions *out, const char *prefix, const char *choices,
                                  struct td_err *err)
{
    enum td_code code = TD_OK;
    for (const char *p = choices; code == TD_OK && *p;) {
        size_t n = strcspn(p, "|");
        char word[64];
        td_snprintf(word, sizeof word, "%.*s", (int)n, p);
        code = offer(out, prefix, word, err);
        p += n + (p[n] == '|');
    }
    return code;
}

static enum td_code offer_columns(struct td_completions *out, const char *prefix, struct td_err *err)
{
    enum td_code code = TD_OK;
    const char *comma = strrchr(prefix, ','); /* --columns a,b: the part after the comma */
    size_t head = comma ? (size_t)(comma - prefix) + 1 : 0;
    for (size_t i = 0; code == TD_OK && i < td_watch_record.count; i++) {
        char word[256];
        td_snprintf(word, sizeof word, "%.*s%s", (int)head, prefix, td_watch_record.fields[i].name);
        code = offer(out, prefix, word, err);
    }
    return code;
}

static enum td_code offer_value(struct td_app *app, const struct td_arg_def *def, const char *prefix,
                                struct td_completions *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    if (def->choices)
        return offer_choices(out, prefix, def->choices, err);
    if (app->words)
        pthread_mutex_lock(&app->words->lock);
    switch (def->type) {
    case TD_ARG_TICKER: code = app->words ? offer_names(out, prefix, &app->words->tickers, err) : TD_OK; break;
    case TD_ARG_DATE: code = app->words ? offer_names(out, prefix, &app->words->days, err) : TD_OK; break;
    case TD_ARG_THEME: code = app->words ? offer_names(out, prefix, &app->words->themes, err) : TD_OK; break;
    case TD_ARG_COLUMN:
    case TD_ARG_COLUMNS: code = offer_columns(out, prefix, err); break;
    default: break;
    }
    if (app->words)
        pthread_mutex_unlock(&app->words->lock);
    return code;
}

/* Commands whose name goes on from what was typed so far, offered word by word. */
static enum td_code offer_commands(struct td_app *app, const char *typed, struct td_completions *out,
                                   struct td_err *err)
{
    const struct td_command *command;
    enum td_code code = TD_OK;
    size_t len = strlen(typed), lead = 0;
    for (size_t i = 0; i < len; i++)
        if (typed[i] == ' ')
            lead = i + 1;
    for (size_t i = 0; code == TD_OK && (command = td_command_at(i)) != NULL; i++) {
        if (strncmp(command->name, typed, len) != 0 || (command->shell_only && app->interactive) ||
            (command->deck_only && !app->interactive))
            continue;
        size_t end = lead + strcspn(command->name + lead, " ");
        char word[64];
        td_snprintf(word, sizeof word, "%.*s", (int)(end - lead), command->name + lead);
        code = offer(out, "", word, err);
    }
    return code;
}

static enum td_code offer_options(const struct td_command *command, const char *prefix, struct td_completions *out,
                                  struct td_err *err)
{
    enum td_code code = TD_OK;
    char word[64];
    for (size_t i = 0; code == TD_OK && i < command->arg_count; i++) {
        td_snprintf(word, sizeof word, "--%s", command->args[i].name);
        if (!command->args[i].positional)
            code = offer(out, prefix, word, err);
    }
    for (size_t i = 0; code == TD_OK && i < global_arg_count; i++) {
        td_snprintf(word, sizeof word, "--%s", global_args[i].name);
        code = offer(out, prefix, word, err);
    }
    return code;
}

static const struct td_arg_def *option_named(const struct td_command *command, const char *word)
{
    if (word[0] != '-' || !word[1])
        return NULL;
    const char *name = word + (word[1] == '-' ? 2 : 1);
    for (size_t i = 0; i < command->arg_count; i++)
        if (!command->args[i].positional &&
            name_matches(command->args[i].name, command->args[i].aliases, name, strlen(name)))
            return &command->args[i];
    for (size_t i = 0; i < global_arg_count; i++)
        if (name_matches(global_args[i].name, global_args[i].aliases, name, strlen(name)))
            return &global_args[i];
    return NULL;
}

/* The positional argument that the next bare word would fill. */
static const struct td_arg_def *next_positional(const struct td_command *command, char **words, size_t count)
{
    size_t given = 0;
    for (size_t i = 0; i < count; i++) {
        const struct td_arg_def *option = option_named(command, words[i]);
        if (option && option->type != TD_ARG_FLAG)
            i++;
        else if (!option && words[i][0] != '-')
            given++;
    }
    for (size_t i = 0; i < command->arg_count; i++) {
        if (!command->args[i].positional)
            continue;
        if (given == 0 || command->args[i].repeated)
            return &command->args[i];
        given--;
    }
    return NULL;
}

static enum td_code complete_words(struct td_app *app, char **words, size_t count, const char *prefix,
                                   struct td_completions *out, struct td_err *err)
{
    char typed[256] = "";
    const struct td_command *command = NULL;
    size_t used = 0;
    for (size_t n = count < 2 ? count : 2; n > 0 && !command; n--) {
        td_snprintf(typed, sizeof typed, n == 2 ? "%s %s" : "%s", words[0], n == 2 ? words[1] : "");
        command = td_command_find(typed);
        used = n;
    }
    enum td_code code = TD_OK;
    if (!command || (used == 1 && count == 1)) { /* the name may still go on: "cache" is no command, "cache build" is */
        td_snprintf(typed, sizeof typed, "%s%s%s", count ? words[0] : "", count ? " " : "", prefix);
        if (count <= 1)
            code = offer_commands(app, typed, out, err);
    }
    if (!command || code != TD_OK)
        return code;
    if (prefix[0] == '-')
        return offer_options(command, prefix, out, err);
    const struct td_arg_def *def = count > used ? option_named(command, words[count - 1]) : NULL;
    if (!def || def->type == TD_ARG_FLAG)
        def = next_positional(command, words + used, count - used);
    return def ? offer_value(app, def, prefix, out, err) : TD_OK;
}

enum td_code td_complete(struct td_app *app, const char *line, size_t cursor, struct td_completions *out,
                         struct td_err *err)
{
    *out = (struct td_completions){0};
    size_t len = strlen(line);
    cursor = cursor < len ? cursor : len;
    size_t start = cursor;
    while (start > 0 && line[start - 1] != ' ')
        start--;
    char head[4096], prefix[512];
    if (!td_snprintf(head, sizeof head, "%.*s", (int)start, line) ||
        !td_snprintf(prefix, sizeof prefix, "%.*s", (int)(cursor - start), line + start))
        return TD_OK; /* too long to be worth a completion */
    struct td_arena arena;
    char **words = NULL;
    size_t count = 0;
    td_arena_init(&arena, 1 << 20);
    out->start = start;
    enum td_code code = td_line_split(head, &arena, &words, &count, NULL);
    if (code == TD_OK)
        code = complete_words(app, words, count, prefix, out, err);
    else if (code == TD_USAGE)
        code = TD_OK; /* inside an open quote nothing is offered */
    td_names_sort_unique(&out->names);
    td_arena_free(&arena);
    if (code != TD_OK)
        td_names_free(&out->names);
    return code;
}

/* ---- words from the lake ---- */

static enum td_code lake_tickers(const struct td_lake *lake, struct td_names *out, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (enum td_table table = 0; code == TD_OK && table < TD_TABLE_COUNT; table++) {
        struct td_bronze_list list = {0};
        code = td_bronze_scan(lake, table, &list, err);
        for (size_t i = 0; code == TD_OK && i < list.count; i++)
            if (i == 0 || strcmp(list.items[i].ticker, list.items[i - 1].ticker) != 0)
                code = td_names_add(out, list.items[i].ticker, strlen(list.items[i].ticker), err);
        td_bronze_list_free(&list);
    }
    td_names_sort_unique(out);
    return code;
}

static enum td_code theme_names(struct td_names *out, struct td_err *err)
{
    char path[1200];
    struct td_names files = {0};
    enum td_code code = command_share_path("themes", path, sizeof path) ? td_dir_list(path, &files, err) : TD_OK;
    for (size_t i = 0; code == TD_OK && i < files.count; i++) {
        size_t len = strlen(files.items[i]);
        if (len > 5 && strcmp(files.items[i] + len - 5, ".yaml") == 0)
            code = td_names_add(out, files.items[i], len - 5, err);
    }
    td_names_free(&files);
    return code;
}

enum td_code td_app_refresh_words(struct td_app *app, struct td_err *err)
{
    struct td_names tickers = {0}, days = {0}, themes = {0};
    struct td_days built = {0};
    enum td_code code = td_app_lake(app, false, err);
    if (code == TD_OK)
        code = lake_tickers(app->lake, &tickers, err);
    if (code == TD_OK)
        code = td_watch_days(app->lake, &built, err);
    for (size_t i = 0; code == TD_OK && i < built.count; i++) {
        char day[16];
        code = td_names_add(&days, day, td_format_day(built.items[i], day), err);
    }
    if (code == TD_OK)
        code = theme_names(&themes, err);
    td_days_free(&built);
    if (code == TD_OK) {
        struct td_words *words = app->words;
        pthread_mutex_lock(&words->lock);
        struct td_names old[] = {words->tickers, words->days, words->themes};
        words->tickers = tickers;
        words->days = days;
        words->themes = themes;
        pthread_mutex_unlock(&words->lock);
        tickers = old[0];
        days = old[1];
        themes = old[2];
    }
    td_names_free(&tickers);
    td_names_free(&days);
    td_names_free(&themes);
    return code;
}
