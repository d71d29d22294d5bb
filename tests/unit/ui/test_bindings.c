/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of the tables behind keys and panes: every binding is a real command that can be typed, no key means two things in
 * one place, and every deck command is in the one table with its help. */
#include "check.h"

#include "deck.h"

static int setup(void **state)
{
    struct td_err err = {0};
    (void)state;
    return td_ui_commands(&err) == TD_OK ? 0 : -1;
}

static const struct td_command *command_of(const char *line, size_t *words)
{
    char two[128];
    size_t first = strcspn(line, " "), second = line[first] ? strcspn(line + first + 1, " ") : 0;
    td_snprintf(two, sizeof two, "%.*s", (int)(second ? first + 1 + second : first), line);
    *words = second ? 2 : 1;
    const struct td_command *command = td_command_find(two);
    if (!command) {
        td_snprintf(two, sizeof two, "%.*s", (int)first, line);
        *words = 1;
        command = td_command_find(two);
    }
    return command;
}

static bool is_choice(const char *choices, const char *word, size_t len)
{
    while (choices && *choices) {
        size_t n = strcspn(choices, "|");
        if (n == len && strncmp(choices, word, len) == 0)
            return true;
        choices += n + (choices[n] == '|');
    }
    return false;
}

static void test_every_binding_is_a_command(void **state)
{
    (void)state;
    const struct binding *binding;
    size_t count = 0, words;
    for (; (binding = deck_binding_at(count)) != NULL; count++) {
        const char *line = binding->line[0] == ':' ? binding->line + 1 : binding->line;
        if (!*line)
            continue;
        const struct td_command *command = command_of(line, &words);
        if (!command)
            fail_msg("key %s: '%s' is no command", binding->key, line);
        /* a first argument out of a list of choices is one of them */
        const char *rest = line;
        for (size_t i = 0; i < words && rest; i++)
            rest = strchr(rest, ' ') ? strchr(rest, ' ') + 1 : NULL;
        if (!rest || !command->arg_count || command->args[0].type != TD_ARG_CHOICE || !command->args[0].positional)
            continue;
        if (!is_choice(command->args[0].choices, rest, strcspn(rest, " ")))
            fail_msg("key %s: '%s' is no choice of %s", binding->key, rest, command->name);
    }
    assert_in_range(count, 40, 200);
}

static void test_keys_are_names_and_unique(void **state)
{
    (void)state;
    const struct binding *a, *b;
    for (size_t i = 0; (a = deck_binding_at(i)) != NULL; i++) {
        if (!keys_parse(a->key))
            fail_msg("'%s' names no key", a->key);
        for (size_t j = 0; j < i; j++) {
            b = deck_binding_at(j);
            if (b->pane == a->pane && keys_parse(b->key) == keys_parse(a->key))
                fail_msg("key %s is bound twice: '%s' and '%s'", a->key, b->line, a->line);
        }
    }
}

static void test_panes(void **state)
{
    (void)state;
    for (int i = 0; i < PANE_COUNT; i++) {
        enum pane_id id;
        const struct pane *pane = deck_pane((enum pane_id)i);
        assert_true(deck_pane_find(pane->name, &id));
        assert_int_equal(id, i);
        assert_non_null(pane->title);
        assert_non_null(pane->draw);
        assert_non_null(pane->help);
    }
    enum pane_id none;
    assert_false(deck_pane_find("nonsense", &none));
}

/* The deck's commands stand in the one table, are listed by help, and refuse to run outside the deck. */
static void test_commands_belong_to_the_deck(void **state)
{
    (void)state;
    static const char *const names[] = {"go", "pane", "day", "rows", "why", "hours", "line", "tf", "glyphs", "job", "keys"};
    struct td_app app = {.goto_day = TD_NO_DAY};
    struct td_buf overview;
    td_buf_init(&overview, 1 << 20);
    assert_int_equal(td_help_overview(&overview), TD_OK);
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        char line[64];
        const struct td_command *command = td_command_find(names[i]);
        assert_non_null(command);
        assert_true(command->deck_only);
        assert_non_null(command->summary);
        td_snprintf(line, sizeof line, "  %s ", names[i]);
        assert_non_null(strstr(overview.data, line));
        struct td_out out = {.write = td_out_to_buf, .ctx = &overview};
        struct td_err err = {0};
        for (int interactive = 0; interactive < 2; interactive++) { /* in the shell, and where no deck listens */
            static const char *const arguments[] = {"up", "log", "next", "all", "", "all", "sma", "5m", "ascii", "pause", ""};
            app.interactive = interactive;
            td_snprintf(line, sizeof line, "%s %s", names[i], arguments[i]);
            assert_int_equal(td_command_line(&app, line, &out, &err), TD_USAGE);
        }
    }
    td_buf_free(&overview);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_binding_is_a_command),
        cmocka_unit_test(test_keys_are_names_and_unique),
        cmocka_unit_test(test_panes),
        cmocka_unit_test(test_commands_belong_to_the_deck),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
