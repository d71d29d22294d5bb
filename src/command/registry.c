/* SPDX-License-Identifier: GPL-3.0-or-later
 * The one table of commands, finding a command in it, and running a line. */
#include <string.h>
#include "command_internal.h"

#define EXTRA_MAX 16

static const struct {
    const struct td_command *commands;
    const size_t *count;
} tables[] = {
    {data_commands, &data_command_count},       {import_commands, &import_command_count},
    {build_commands, &build_command_count},     {universe_commands, &universe_command_count},
    {explain_commands, &explain_command_count}, {look_commands, &look_command_count},
    {parquet_commands, &parquet_command_count}, {status_commands, &status_command_count},
    {trust_commands, &trust_command_count},     {validate_commands, &validate_command_count},
    {outcome_commands, &outcome_command_count}, {house_commands, &house_command_count},
    {deck_commands, &deck_command_count},
};
static const struct td_command *extra[EXTRA_MAX]; /* registered at start, before threads; read-only afterwards */
static size_t extra_count;

const struct td_arg_def global_args[] = {
    ARG("lake", .type = TD_ARG_FILE, .metavar = "DIR", .help = "the lake to work in"),
    ARG("config", .type = TD_ARG_FILE, .metavar = "FILE",
        .help = "user configuration to read instead of the usual one"),
    ARG("format", .type = TD_ARG_CHOICE, .choices = "table|csv|json", .value = "table", .metavar = "FORMAT",
        .help = "how results are written to standard output"),
    ARG("quiet", .type = TD_ARG_FLAG, .help = "no progress and no notices"),
    ARG("verbose", .type = TD_ARG_FLAG, .help = "say more on standard error"),
    ARG("color", .type = TD_ARG_CHOICE, .choices = "auto|always|never", .value = "auto", .metavar = "WHEN",
        .help = "colours"),
    ARG("wait", .type = TD_ARG_NUMBER, .metavar = "SECONDS", .help = "patience for a lock that another process holds"),
    ARG("version", .type = TD_ARG_FLAG, .help = "print the version"),
    ARG("help", .aliases = "h", .type = TD_ARG_FLAG, .help = "explain the command"),
};
const size_t global_arg_count = TD_COUNT(global_args);

size_t td_command_count(void)
{
    size_t n = extra_count;
    for (size_t t = 0; t < TD_COUNT(tables); t++)
        n += *tables[t].count;
    return n;
}

const struct td_command *td_command_at(size_t i)
{
    for (size_t t = 0; t < TD_COUNT(tables); t++) {
        if (i < *tables[t].count)
            return &tables[t].commands[i];
        i -= *tables[t].count;
    }
    return i < extra_count ? extra[i] : NULL;
}

const struct td_command *td_command_find(const char *name)
{
    const struct td_command *command;
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++)
        if (name_matches(command->name, command->aliases, name, strlen(name)))
            return command;
    return NULL;
}

enum td_code td_command_register(const struct td_command *command, struct td_err *err)
{
    if (extra_count == EXTRA_MAX || td_command_find(command->name))
        return td_fail(err, TD_USAGE, "command '%s' cannot be added", command->name);
    extra[extra_count++] = command;
    return TD_OK;
}

const char *nearest_command(const char *word)
{
    const struct td_command *command;
    const char *best = "";
    size_t best_distance = 3;
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++) {
        size_t distance = td_edit_distance(word, command->name, 4);
        if (distance < best_distance) {
            best_distance = distance;
            best = command->name;
        }
    }
    return best;
}

/* ---- splitting a line ---- */

enum td_code td_line_split(const char *line, struct td_arena *arena, char ***words, size_t *count, struct td_err *err)
{
    size_t len = strlen(line), n = 0;
    char **list = td_arena_alloc(arena, (len / 2 + 2) * sizeof *list);
    char *text = td_arena_alloc(arena, len + 2 + len / 2 + 1);
    if (!list || !text)
        return td_fail(err, TD_NOMEM, "out of memory: a command line");
    char quote = 0;
    size_t quote_at = 0;
    bool in_word = false;
    for (size_t i = 0; i < len; i++) {
        char c = line[i];
        bool blank = c == ' ' || c == '\t' || c == '\n';
        if (!quote && blank) {
            if (in_word)
                *text++ = 0;
            in_word = false;
            continue;
        }
        if (!in_word) {
            list[n++] = text;
            in_word = true;
        }
        if (quote ? c == quote : c == '\'' || c == '"') {
            quote = quote ? 0 : c;
            quote_at = i;
        } else if (c == '\\' && quote != '\'' && i + 1 < len) {
            *text++ = line[++i];
        } else {
            *text++ = c;
        }
    }
    if (in_word)
        *text++ = 0;
    if (quote)
        return td_fail(err, TD_USAGE, "column %zu: the quote %c is not closed", quote_at + 1, quote);
    *words = list;
    *count = n;
    return TD_OK;
}

/* ---- running ---- */

/* Longest match first: "cache build" before "cache". *used words of the name. */
static const struct td_command *match(const char *const *words, size_t count, size_t *used)
{
    char two[128];
    if (count >= 2 && td_snprintf(two, sizeof two, "%s %s", words[0], words[1])) {
        const struct td_command *command = td_command_find(two);
        if (command) {
            *used = 2;
            return command;
        }
    }
    *used = 1;
    return td_command_find(words[0]);
}

static enum td_code unknown_command(const char *const *words, size_t count, struct td_err *err)
{
    const struct td_command *command;
    char group[512] = "";
    size_t len = strlen(words[0]);
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++)
        if (strncmp(command->name, words[0], len) == 0 && command->name[len] == ' ')
            td_snprintf(group + strlen(group), sizeof group - strlen(group), "%s%s", *group ? ", " : "",
                        command->name + len + 1);
    if (*group)
        return td_fail(err, TD_USAGE, "%s: %s%s%swhat? one of: %s", words[0], count > 1 ? "'" : "",
                       count > 1 ? words[1] : "", count > 1 ? "' is not known: " : "", group);
    const char *near = nearest_command(words[0]);
    return td_fail(err, TD_USAGE, "unknown command '%.60s'%s%s%s; see 'tapedeck help'", words[0],
                   *near ? " (did you mean '" : "", near, *near ? "'?)" : "");
}

struct globals {
    bool help, version;
    const char *lake;
};

static int find_global(const char *word, size_t len)
{
    for (size_t i = 0; i < global_arg_count; i++)
        if (name_matches(global_args[i].name, global_args[i].aliases, word, len))
            return (int)i;
    return -1;
}

static enum td_code apply_global(struct td_app *app, const char *name, const char *value, struct td_out *out,
                                 struct globals *g, struct td_err *err)
{
    if (strcmp(name, "help") == 0) {
        g->help = true;
    } else if (strcmp(name, "version") == 0) {
        g->version = true;
    } else if (strcmp(name, "quiet") == 0) {
        app->quiet = true;
    } else if (strcmp(name, "verbose") == 0) {
        app->verbose = true;
    } else if (strcmp(name, "format") == 0) {
        static const char *const names[] = {"table", "csv", "json"};
        for (size_t i = 0; i < TD_COUNT(names); i++)
            if (strcmp(value, names[i]) == 0) {
                out->format = (enum td_format)i;
                return TD_OK;
            }
        return td_fail(err, TD_USAGE, "--format '%s': one of table, csv, json is needed", value);
    } else if (strcmp(name, "wait") == 0) {
        if (!td_parse_f64(value, strlen(value), &app->wait_s) || app->wait_s < 0)
            return td_fail(err, TD_USAGE, "--wait '%s': seconds are needed", value);
    } else if (strcmp(name, "lake") == 0) {
        if (app->interactive)
            return td_fail(err, TD_USAGE, "--lake: the deck works in %s; start another one for another lake",
                           app->lake_root);
        if (!td_copy(app->lake_root, sizeof app->lake_root, value) || !*value)
            return td_fail(err, TD_USAGE, "--lake: a path of 1 to %zu bytes is needed", sizeof app->lake_root - 1);
        return td_conf_set(app->conf, "lake", value, "flag", err);
    }
    return TD_OK; /* config and color are read by the front end before */
}

/* Take the global options out of words; what stays is left in kept. A command's own option of the same name goes first.
 */
static enum td_code take_globals(struct td_app *app, const struct td_command *command, const char *const *words,
                                 size_t count, const char **kept, size_t *kept_count, struct td_out *out,
                                 struct globals *g, struct td_err *err)
{
    enum td_code code = TD_OK;
    *kept_count = 0;
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        const char *word = words[i];
        if (strcmp(word, "--") == 0) {
            while (i < count)
                kept[(*kept_count)++] = words[i++];
            break;
        }
        bool is_long = word[0] == '-' && word[1] == '-',
             is_short = word[0] == '-' && word[1] && word[1] != '-' && !word[2];
        const char *name = word + (is_long ? 2 : 1);
        size_t len = is_long ? strcspn(name, "=") : 1;
        int at = is_long || is_short ? find_global(name, len) : -1;
        bool own = false;
        for (size_t k = 0; command && at >= 0 && k < command->arg_count; k++)
            own = own || (!command->args[k].positional &&
                          name_matches(command->args[k].name, command->args[k].aliases, name, len));
        if (at < 0 || own) {
            kept[(*kept_count)++] = word;
            continue;
        }
        const char *value = name[len] == '=' ? name + len + 1 : NULL;
        if (global_args[at].type != TD_ARG_FLAG && !value) {
            if (++i == count)
                return td_fail(err, TD_USAGE, "'%s' needs a value: %s", word, global_args[at].metavar);
            value = words[i];
        }
        code = apply_global(app, global_args[at].name, value, out, g, err);
    }
    return code;
}

/* from and to are the same pair in every command that has them. */
static enum td_code check_range(const struct td_args *args, struct td_err *err)
{
    if (!td_args_given(args, "from") || !td_args_given(args, "to") || td_args_day(args, "from") <= td_args_day(args, "to"))
        return TD_OK;
    return td_fail(err, TD_USAGE, "%s: the range %s..%s ends before it begins", args->command->name, td_args_text(args, "from"),
                   td_args_text(args, "to"));
}

static enum td_code run_command(struct td_app *app, const struct td_command *command, const char *const *words,
                                size_t count, struct td_out *out, struct td_err *err)
{
    if (command->deck_only && !app->interactive)
        return td_fail(err, TD_USAGE, "%s: only inside the deck; start it with 'tapedeck'", command->name);
    if (command->shell_only && app->interactive)
        return td_fail(err, TD_USAGE, "%s: not inside the deck; run 'tapedeck %s' from a shell", command->name,
                       command->name);
    struct td_args *args = td_calloc(1, sizeof *args);
    if (!args)
        return td_fail(err, TD_NOMEM, "out of memory: arguments");
    enum td_code code = args_parse(command, words, count, args, err);
    if (code == TD_OK)
        code = check_range(args, err);
    if (code == TD_OK)
        code = command->run(app, args, out, err);
    args_free(args);
    td_free(args);
    return code;
}

/* Help of a command, of the commands that begin with a word, or of all. */
static enum td_code print_help(const struct td_command *command, const char *const *words, size_t count,
                               struct td_out *out, struct td_err *err)
{
    struct td_buf text;
    td_buf_init(&text, 1 << 20);
    enum td_code code = command                                     ? td_help_command(command, &text)
                        : count == 0                                ? td_help_overview(&text)
                        : count == 1 && help_group(words[0], &text) ? TD_OK
                                                                    : unknown_command(words, count, err);
    if (code == TD_OK)
        code = td_buf_check(&text, "help", err);
    if (code == TD_OK)
        code = td_out_text(out, text.data, err);
    td_buf_free(&text);
    return code;
}

/* Index of the first word that is neither an option nor an option's value: the command may follow global options. */
static size_t first_word(const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i][0] != '-')
            return i;
        const char *name = words[i] + (words[i][1] == '-' ? 2 : 1);
        int at = find_global(name, strcspn(name, "="));
        if (at >= 0 && global_args[at].type != TD_ARG_FLAG && !strchr(words[i], '='))
            i++;
    }
    return count;
}

enum td_code td_command_run(struct td_app *app, const char *const *words, size_t count, struct td_out *out,
                            struct td_err *err)
{
    size_t at = first_word(words, count), used = 0, kept_count = 0;
    const struct td_command *command = at < count ? match(words + at, count - at, &used) : NULL;
    const char **kept = td_calloc(count + 1, sizeof *kept);
    const char **rest = td_calloc(count + 1, sizeof *rest);
    struct globals g = {0};
    if (!kept || !rest) {
        td_free(kept);
        td_free(rest);
        return td_fail(err, TD_NOMEM, "out of memory: a command line");
    }
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!command || i < at || i >= at + used)
            rest[n++] = words[i];
    enum td_code code = take_globals(app, command, rest, n, kept, &kept_count, out, &g, err);
    if (code == TD_OK && g.version)
        code = td_out_text(out, "tapedeck " TD_VERSION "\n", err);
    else if (code == TD_OK && g.help)
        code = print_help(command, kept, kept_count, out, err);
    else if (code == TD_OK && !command)
        code = at < count   ? unknown_command(words + at, count - at, err)
               : kept_count ? td_fail(err, TD_USAGE, "unknown option '%.60s'; see 'tapedeck help'", kept[0])
                            : print_help(NULL, NULL, 0, out, err);
    else if (code == TD_OK)
        code = run_command(app, command, kept, kept_count, out, err);
    command_advise(app, code, err);
    td_free(kept);
    td_free(rest);
    return code;
}

/* A command that takes one expression to the end of the line (filter): the text after its name, quotes and all; else NULL. */
static const char *rest_of_line(char *const *words, size_t count, const char *line)
{
    size_t used = 0;
    const struct td_command *command = match((const char *const *)words, count, &used);
    const struct td_arg_def *def = command && used == 1 && command->arg_count == 1 ? &command->args[0] : NULL;
    if (!def || def->type != TD_ARG_FILTER || !def->positional || count < 2 || words[1][0] == '-')
        return NULL;
    line += strspn(line, " \t");
    line += strcspn(line, " \t");
    return line + strspn(line, " \t");
}

enum td_code td_command_line(struct td_app *app, const char *line, struct td_out *out, struct td_err *err)
{
    struct td_arena arena;
    char **words = NULL;
    size_t count = 0;
    td_arena_init(&arena, (size_t)16 << 20);
    enum td_code code = td_line_split(line, &arena, &words, &count, err);
    const char *rest = code == TD_OK && count ? rest_of_line(words, count, line) : NULL;
    bool quoted = rest && count == 2 && (rest[0] == '"' || rest[0] == '\''); /* the whole expression as one word, as in a shell */
    if (rest && !quoted)
        code = td_command_run(app, (const char *const[]){words[0], rest}, 2, out, err);
    else if (code == TD_OK && count)
        code = td_command_run(app, (const char *const *)words, count, out, err);
    td_arena_free(&arena);
    return code;
}
