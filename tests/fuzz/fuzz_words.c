/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any line at the prompt: split into words, given to the argument parser of every command, and completed with the cursor
 * anywhere in it. Nothing is run. */
#include "command/command_internal.h"
#include "fuzz.h"

/* Words of completion as a lake would have them, awkward ones among them. */
static struct td_words *words(void)
{
    static struct td_words known = {.lock = PTHREAD_MUTEX_INITIALIZER};
    static const char *const tickers[] = {"AAPL", "A", "BRK.B", "NULL", "O:SPY251219C00650000", "it's", "a b"};
    struct td_err err = {0};
    if (!known.tickers.count) {
        for (size_t i = 0; i < TD_COUNT(tickers); i++)
            FUZZ_CHECK(td_names_add(&known.tickers, tickers[i], strlen(tickers[i]), &err) == TD_OK);
        FUZZ_CHECK(td_names_add(&known.days, "2025-02-06", 10, &err) == TD_OK);
        FUZZ_CHECK(td_names_add(&known.themes, "dark", 4, &err) == TD_OK);
    }
    return &known;
}

static void parse_words(char **split, size_t count)
{
    const char *const *given = (const char *const *)split;
    for (size_t i = 0; i < td_command_count(); i++) {
        const struct td_command *command = td_command_at(i);
        struct td_err err = {0};
        struct td_args args;
        enum td_code code = args_parse(command, given, count, &args, &err);
        if (code != TD_OK)
            fuzz_failed_well(code, &err);
        else
            for (size_t a = 0; a < command->arg_count; a++) {
                const char *name = command->args[a].name, *text = td_args_text(&args, name);
                FUZZ_CHECK(td_args_given(&args, name) == (td_args_count(&args, name) > 0) || !text || command->args[a].value);
                (void)td_args_flag(&args, name);
                (void)td_args_int(&args, name, -1);
                (void)td_args_number(&args, name, -1);
                (void)td_args_day(&args, name);
            }
        args_free(&args);
    }
}

static void complete(struct td_app *app, const char *line, size_t cursor)
{
    struct td_completions out = {0};
    struct td_err err = {0};
    enum td_code code = td_complete(app, line, cursor, &out, &err);
    if (code == TD_OK)
        FUZZ_CHECK(out.start <= cursor);
    else
        fuzz_failed_well(code, &err);
    for (size_t i = 0; i < out.names.count; i++)
        FUZZ_CHECK(out.names.items[i]);
    td_names_free(&out.names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_app app = {.words = words(), .interactive = size % 2};
    struct td_arena arena;
    struct td_err err = {0};
    char **split = NULL, *line = fuzz_text(data, size);
    size_t count = 0, len = strlen(line);
    td_arena_init(&arena, 1 << 20);
    enum td_code code = td_line_split(line, &arena, &split, &count, &err);
    if (code == TD_OK) {
        FUZZ_CHECK(count <= len);
        parse_words(split, count);
    } else {
        fuzz_failed_well(code, &err);
    }
    for (size_t i = 0; i < count; i++) {
        (void)td_command_find(split[i]);
        (void)nearest_command(split[i]);
    }
    for (size_t cursor = 0; cursor <= len; cursor += 1 + len / 8)
        complete(&app, line, cursor);
    complete(&app, line, len);
    td_arena_free(&arena);
    free(line);
    return 0;
}
