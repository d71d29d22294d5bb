/* SPDX-License-Identifier: GPL-3.0-or-later
 * Parsing the words of a call against the command's table of arguments. */
#include <stdlib.h>
#include <string.h>
#include "command_internal.h"

bool name_matches(const char *name, const char *aliases, const char *word, size_t len)
{
    if (strlen(name) == len && memcmp(name, word, len) == 0)
        return true;
    for (const char *p = aliases; p && *p;) {
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, word, len) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

static int find_option(const struct td_command *command, const char *word, size_t len)
{
    for (size_t i = 0; i < command->arg_count; i++)
        if (!command->args[i].positional && name_matches(command->args[i].name, command->args[i].aliases, word, len))
            return (int)i;
    return -1;
}

static enum td_code unknown_option(const struct td_command *command, const char *word, size_t len, struct td_err *err)
{
    const char *best = NULL;
    size_t best_distance = 4;
    char name[64];
    td_snprintf(name, sizeof name, "%.*s", (int)(len < 60 ? len : 60), word);
    for (size_t i = 0; i < command->arg_count; i++) {
        size_t distance = command->args[i].positional ? 9 : td_edit_distance(name, command->args[i].name, 5);
        if (distance < best_distance) {
            best_distance = distance;
            best = command->args[i].name;
        }
    }
    return td_fail(err, TD_USAGE, "%s: unknown option '%s%s'%s%s%s; see 'tapedeck %s --help'", command->name,
                   len > 1 ? "--" : "-", name, best ? " (did you mean '--" : "", best ? best : "", best ? "'?)" : "",
                   command->name);
}

static bool choice_ok(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *p = choices; *p;) {
        size_t n = strcspn(p, "|");
        if (n == len && memcmp(p, text, n) == 0)
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

static enum td_code check_value(const struct td_command *command, const struct td_arg_def *def, const char *text,
                                struct td_err *err)
{
    int64_t whole;
    double number;
    td_day day;
    const char *dashes = def->positional ? "" : "--", *what = def->positional ? def->metavar : def->name;
    size_t len = strlen(text);
    switch (def->type) {
    case TD_ARG_INT:
        if (!td_parse_i64(text, len, &whole) || whole < 0)
            return td_fail(err, TD_USAGE, "%s: %s%s '%s': a whole number from 0 up is needed", command->name, dashes,
                           what, text);
        break;
    case TD_ARG_NUMBER:
        if (!td_parse_f64(text, len, &number))
            return td_fail(err, TD_USAGE, "%s: %s%s '%s': a number is needed", command->name, dashes, what, text);
        break;
    case TD_ARG_DATE:
        if (!td_parse_day(text, len, &day))
            return td_fail(err, TD_USAGE, "%s: %s%s '%s': a date YYYY-MM-DD is needed", command->name, dashes, what,
                           text);
        break;
    case TD_ARG_TICKER:
        if (def->positional && !td_ticker_valid(text)) /* options take lists; their jobs check each ticker */
            return td_fail(err, TD_USAGE, "%s: '%s' is no ticker", command->name, text);
        break;
    case TD_ARG_CHOICE:
        if (!choice_ok(def->choices, text))
            return td_fail(err, TD_USAGE, "%s: %s%s '%s': one of %s is needed", command->name, dashes, what, text,
                           def->choices);
        break;
    default: break;
    }
    return TD_OK;
}

static enum td_code put_value(const struct td_command *command, size_t index, const char *text, struct td_args *args,
                              struct td_err *err)
{
    const struct td_arg_def *def = &command->args[index];
    struct arg_value *value = &args->values[index];
    enum td_code code = check_value(command, def, text, err);
    if (code != TD_OK)
        return code;
    if (!def->repeated && value->count)
        return td_fail(err, TD_USAGE, "%s: %s%s is given twice", command->name, def->positional ? "" : "--", def->name);
    if (value->count == value->cap) {
        size_t cap = value->cap ? value->cap * 2 : 4;
        const char **texts = td_arena_alloc(&args->arena, cap * sizeof *texts);
        if (!texts)
            return td_fail(err, TD_NOMEM, "out of memory: arguments");
        if (value->count)
            memcpy(texts, value->texts, value->count * sizeof *texts);
        value->texts = texts;
        value->cap = cap;
    }
    char *copy = td_arena_strndup(&args->arena, text, strlen(text));
    if (!copy)
        return td_fail(err, TD_NOMEM, "out of memory: arguments");
    value->texts[value->count++] = copy;
    return TD_OK;
}

static enum td_code put_positional(const struct td_command *command, const char *word, struct td_args *args,
                                   struct td_err *err)
{
    for (size_t i = 0; i < command->arg_count; i++)
        if (command->args[i].positional && (command->args[i].repeated || args->values[i].count == 0))
            return put_value(command, i, word, args, err);
    return td_fail(err, TD_USAGE, "%s: one word too many: '%.60s'; see 'tapedeck %s --help'", command->name, word,
                   command->name);
}

/* One option at words[*i]; moves *i over its value. */
static enum td_code put_option(const struct td_command *command, const char *const *words, size_t count, size_t *i,
                               struct td_args *args, struct td_err *err)
{
    const char *word = words[*i];
    bool is_long = word[1] == '-';
    const char *name = word + (is_long ? 2 : 1);
    size_t len = is_long ? strcspn(name, "=") : 1;
    int index = find_option(command, name, len);
    if (index < 0)
        return unknown_option(command, name, is_long ? len : strlen(name), err);
    const char *attached = name[len] == '=' ? name + len + 1 : name[len] ? name + len : NULL;
    if (command->args[index].type == TD_ARG_FLAG)
        return attached ? td_fail(err, TD_USAGE, "%s: '%s' takes no value", command->name, word)
                        : put_value(command, (size_t)index, "true", args, err);
    if (!attached && *i + 1 >= count)
        return td_fail(err, TD_USAGE, "%s: '%s' needs a value%s%s", command->name, word,
                       command->args[index].metavar ? ": " : "",
                       command->args[index].metavar ? command->args[index].metavar : "");
    return put_value(command, (size_t)index, attached ? attached : words[++*i], args, err);
}

static enum td_code check_required(const struct td_command *command, const struct td_args *args, struct td_err *err)
{
    for (size_t i = 0; i < command->arg_count; i++) {
        const struct td_arg_def *def = &command->args[i];
        if (def->required && args->values[i].count == 0)
            return td_fail(err, TD_USAGE, "%s: %s%s is missing; see 'tapedeck %s --help'", command->name,
                           def->positional ? "" : "--", def->positional ? def->metavar : def->name, command->name);
    }
    return TD_OK;
}

enum td_code args_parse(const struct td_command *command, const char *const *words, size_t count, struct td_args *args,
                        struct td_err *err)
{
    *args = (struct td_args){.command = command};
    td_arena_init(&args->arena, (size_t)64 << 20);
    if (command->arg_count > ARGS_MAX)
        return td_fail(err, TD_LIMIT, "%s: has more than %d arguments", command->name, ARGS_MAX);
    bool only_words = false;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        const char *word = words[i];
        bool option = !only_words && word[0] == '-' && word[1] && !(word[1] >= '0' && word[1] <= '9') && word[1] != '.';
        if (option && strcmp(word, "--") == 0)
            only_words = true;
        else if (option)
            code = put_option(command, words, count, &i, args, err);
        else
            code = put_positional(command, word, args, err);
    }
    return code == TD_OK ? check_required(command, args, err) : code;
}

void args_free(struct td_args *args)
{
    td_arena_free(&args->arena);
}

/* ---- reading ---- */

static const struct arg_value *value_of(const struct td_args *args, const char *name, const struct td_arg_def **def)
{
    for (size_t i = 0; i < args->command->arg_count; i++)
        if (strcmp(args->command->args[i].name, name) == 0) {
            *def = &args->command->args[i];
            return &args->values[i];
        }
    *def = NULL;
    return NULL;
}

const char *td_args_text(const struct td_args *args, const char *name)
{
    const struct td_arg_def *def;
    const struct arg_value *value = value_of(args, name, &def);
    return value && value->count ? value->texts[0] : def ? def->value : NULL;
}

bool td_args_given(const struct td_args *args, const char *name)
{
    const struct td_arg_def *def;
    const struct arg_value *value = value_of(args, name, &def);
    return value && value->count;
}

bool td_args_flag(const struct td_args *args, const char *name)
{
    return td_args_given(args, name);
}

int64_t td_args_int(const struct td_args *args, const char *name, int64_t absent)
{
    const char *text = td_args_text(args, name);
    int64_t value;
    return text && td_parse_i64(text, strlen(text), &value) ? value : absent;
}

double td_args_number(const struct td_args *args, const char *name, double absent)
{
    const char *text = td_args_text(args, name);
    double value;
    return text && td_parse_f64(text, strlen(text), &value) ? value : absent;
}

td_day td_args_day(const struct td_args *args, const char *name)
{
    const char *text = td_args_text(args, name);
    td_day day;
    return text && td_parse_day(text, strlen(text), &day) ? day : TD_NO_DAY;
}

size_t td_args_count(const struct td_args *args, const char *name)
{
    const struct td_arg_def *def;
    const struct arg_value *value = value_of(args, name, &def);
    return value ? value->count : 0;
}

const char *td_args_nth(const struct td_args *args, const char *name, size_t i)
{
    const struct td_arg_def *def;
    const struct arg_value *value = value_of(args, name, &def);
    return value && i < value->count ? value->texts[i] : NULL;
}
