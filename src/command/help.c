/* SPDX-License-Identifier: GPL-3.0-or-later
 * Everything that is derived from the table for reading: help, the man page's table, bash completion. */
#include <string.h>
#include "command_internal.h"

static const struct {
    const char *group, *title;
} groups[] = {
    {"start", "Start here"}, {"data", "Bring bars in"}, {"screen", "Boil down and screen"},
    {"look", "Look"},        {"house", "Keep house"},   {"deck", "Inside the deck"},
};

/* "-s, --from, --start DATE" */
static void option_names(const struct td_arg_def *def, struct td_buf *out)
{
    if (def->positional) {
        td_buf_adds(out, def->metavar ? def->metavar : def->name);
        return;
    }
    for (const char *p = def->aliases; p && *p;) {
        size_t n = strcspn(p, ",");
        td_buf_printf(out, "%s%.*s, ", n == 1 ? "-" : "--", (int)n, p);
        p += n + (p[n] == ',');
    }
    td_buf_printf(out, "--%s", def->name);
    if (def->type != TD_ARG_FLAG)
        td_buf_printf(out, " %s", def->choices ? def->choices : def->metavar ? def->metavar : "VALUE");
}

static void synopsis(const struct td_command *command, struct td_buf *out)
{
    td_buf_printf(out, "tapedeck %s", command->name);
    for (size_t i = 0; i < command->arg_count; i++) {
        const struct td_arg_def *def = &command->args[i];
        const char *open = def->required ? "" : "[", *close = def->required ? "" : "]";
        const char *value = def->metavar ? def->metavar : def->choices ? def->choices : "VALUE";
        if (def->positional)
            td_buf_printf(out, " %s%s%s%s", open, value, close, def->repeated ? "..." : "");
        else if (def->type == TD_ARG_FLAG)
            td_buf_printf(out, " %s--%s%s", open, def->name, close);
        else
            td_buf_printf(out, " %s--%s %s%s", open, def->name, value, close);
    }
}

static void option_line(const struct td_arg_def *def, struct td_buf *out)
{
    struct td_buf names;
    td_buf_init(&names, 4096);
    option_names(def, &names);
    td_buf_printf(out, "  %-34s %s", names.data ? names.data : "", def->help ? def->help : "");
    if (def->value)
        td_buf_printf(out, " (default %s)", def->value);
    td_buf_adds(out, "\n");
    td_buf_free(&names);
}

enum td_code td_help_command(const struct td_command *command, struct td_buf *out)
{
    td_buf_printf(out, "%s: %s\n\nusage: ", command->name, command->summary);
    synopsis(command, out);
    td_buf_adds(out, "\n");
    if (command->aliases)
        td_buf_printf(out, "also called: %s\n", command->aliases);
    if (command->help)
        td_buf_printf(out, "\n%s\n", command->help);
    if (command->arg_count) {
        td_buf_adds(out, "\narguments:\n");
        for (size_t i = 0; i < command->arg_count; i++)
            option_line(&command->args[i], out);
    }
    td_buf_adds(out, "\nSee also 'tapedeck help' for the options that every command takes and the exit codes.\n");
    return out->failed ? TD_NOMEM : TD_OK;
}

bool help_group(const char *word, struct td_buf *out)
{
    const struct td_command *command;
    size_t len = strlen(word);
    bool any = false;
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++) {
        if (strncmp(command->name, word, len) != 0 || command->name[len] != ' ')
            continue;
        if (!any)
            td_buf_printf(out, "usage: tapedeck %s COMMAND [OPTIONS]\n\n", word);
        any = true;
        td_buf_printf(out, "  %-20s %s\n", command->name, command->summary);
    }
    if (any)
        td_buf_printf(out, "\n'tapedeck %s COMMAND --help' explains one of them.\n", word);
    return any;
}

static void exit_table(struct td_buf *out, const char *lead, const char *between, const char *end)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {{0, "ok"},
                {1, "some units failed"},
                {2, "usage"},
                {3, "configuration"},
                {4, "bad or missing input data"},
                {5, "network or authorisation"},
                {6, "lock held by another process"},
                {7, "input/output"},
                {130, "interrupted"}};
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        td_buf_printf(out, "%s%d%s%s%s", lead, rows[i].status, between, rows[i].text, end);
}

enum td_code td_help_overview(struct td_buf *out)
{
    td_buf_adds(out, "tapedeck " TD_VERSION ": hunt for unusual trading in US stocks\n\n"
                     "usage: tapedeck [COMMAND] [OPTIONS]     without a command: the deck\n"
                     "       tapedeck COMMAND --help           explains one command\n");
    for (size_t g = 0; g < TD_COUNT(groups); g++) {
        const struct td_command *command;
        bool any = false;
        for (size_t i = 0; (command = td_command_at(i)) != NULL; i++) {
            if (strcmp(command->group, groups[g].group) != 0)
                continue;
            if (!any)
                td_buf_printf(out, "\n%s\n", groups[g].title);
            any = true;
            td_buf_printf(out, "  %-20s %s\n", command->name, command->summary);
        }
    }
    td_buf_adds(out, "\nOptions of every command\n");
    for (size_t i = 0; i < global_arg_count; i++)
        option_line(&global_args[i], out);
    td_buf_adds(out, "\nExit codes\n");
    exit_table(out, "  ", "\t", "\n");
    return out->failed ? TD_NOMEM : TD_OK;
}

/* roff needs backslashes and leading dots escaped, and a hyphen that is a minus. */
static void roff(struct td_buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        td_buf_adds(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            td_buf_adds(out, "\\e");
        else if (*text == '-')
            td_buf_adds(out, "\\-");
        else {
            td_buf_addc(out, *text);
            if (*text == '\n' && (text[1] == '.' || text[1] == '\''))
                td_buf_adds(out, "\\&");
        }
    }
}

static void man_option(const struct td_arg_def *def, struct td_buf *out)
{
    struct td_buf names;
    td_buf_init(&names, 4096);
    option_names(def, &names);
    td_buf_adds(out, ".TP\n.B ");
    roff(out, names.data ? names.data : "");
    td_buf_adds(out, "\n");
    roff(out, def->help ? def->help : "");
    if (def->value) {
        td_buf_adds(out, " (default ");
        roff(out, def->value);
        td_buf_adds(out, ")");
    }
    td_buf_adds(out, "\n");
    td_buf_free(&names);
}

void td_help_man_table(struct td_buf *out)
{
    const struct td_command *command;
    td_buf_adds(out, ".SH COMMANDS\n");
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++) {
        struct td_buf line;
        td_buf_init(&line, 16384);
        synopsis(command, &line);
        td_buf_adds(out, ".SS ");
        roff(out, line.data ? line.data : "");
        td_buf_adds(out, "\n");
        roff(out, command->summary);
        td_buf_adds(out, "\n");
        for (size_t k = 0; k < command->arg_count; k++)
            man_option(&command->args[k], out);
        td_buf_free(&line);
    }
    td_buf_adds(out, ".SH \"OPTIONS OF EVERY COMMAND\"\n");
    for (size_t i = 0; i < global_arg_count; i++)
        man_option(&global_args[i], out);
    td_buf_adds(out, ".SH \"EXIT STATUS\"\n");
    exit_table(out, ".TP\n.B ", "\n", "\n");
}

static void bash_words(const struct td_command *command, struct td_buf *out)
{
    for (size_t k = 0; k < command->arg_count; k++) {
        const struct td_arg_def *def = &command->args[k];
        if (!def->positional)
            td_buf_printf(out, "--%s ", def->name);
        for (const char *p = def->choices; p && *p; p++)
            td_buf_addc(out, *p == '|' ? ' ' : *p);
        if (def->choices)
            td_buf_addc(out, ' ');
    }
}

void td_help_bash_completion(struct td_buf *out)
{
    const struct td_command *command;
    td_buf_adds(out, "# bash completion for tapedeck, made from its table of commands\n_tapedeck() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} words\n"
                     "    case \"${COMP_WORDS[1]:-} ${COMP_WORDS[2]:-}\" in\n");
    for (int pass = 0; pass < 2; pass++) /* two-word names first: their pattern is the narrower one */
        for (size_t i = 0; (command = td_command_at(i)) != NULL; i++) {
            bool two = strchr(command->name, ' ') != NULL;
            if (command->deck_only || two != (pass == 0))
                continue;
            td_buf_printf(out, "    \"%s\"%s) words=\"", command->name, two ? "" : "\" \"*");
            bash_words(command, out);
            td_buf_adds(out, "\" ;;\n");
        }
    td_buf_adds(out, "    *) words=\"\" ;;\n    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"");
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++)
        if (!command->deck_only)
            td_buf_printf(out, "%.*s ", (int)strcspn(command->name, " "), command->name);
    td_buf_adds(out, "\"; elif [ \"$COMP_CWORD\" -eq 2 ]; then case \"${COMP_WORDS[1]}\" in\n");
    for (size_t i = 0; (command = td_command_at(i)) != NULL; i++) {
        const char *space = strchr(command->name, ' ');
        if (space && !command->deck_only)
            td_buf_printf(out, "    %.*s) words=\"$words %s\" ;;&\n", (int)(space - command->name), command->name,
                          space + 1);
    }
    td_buf_adds(out, "    esac; fi\n    words=\"$words ");
    for (size_t i = 0; i < global_arg_count; i++)
        td_buf_printf(out, "--%s ", global_args[i].name);
    td_buf_adds(
        out,
        "\"\n    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
        "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -F _tapedeck tapedeck\n");
}
