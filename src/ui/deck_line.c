/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_line: running command lines, from the prompt or from a key. What only concerns the deck runs here and now; all else
 * runs on the command thread, and what it prints comes back as text. Also the file of the prompt's history. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deck.h"
#include "prompt.h"

#define OUTPUT_MAX (8u << 20)
#define HISTORY_BYTES_MAX (1u << 20)

/* ---- lines ---- */

struct line_task {
    struct task task;
    struct td_app *app;
    char line[PROMPT_LINE_MAX];
    struct td_buf out;
    struct td_err err;
    enum td_code code;
};

static void run_line(struct td_app *app, const char *line, struct td_buf *buf, enum td_code *code, struct td_err *err)
{
    struct td_out out = {.format = TD_FORMAT_TABLE, .write = td_out_to_buf, .ctx = buf};
    *code = td_command_line(app, line, &out, err);
}

static void line_run(struct task *base)
{
    struct line_task *task = (struct line_task *)base;
    td_log(TD_LOG_INFO, "deck", "command: %s", task->line);
    run_line(task->app, task->line, &task->out, &task->code, &task->err);
    if (task->code != TD_OK)
        td_log(TD_LOG_WARN, "deck", "%s", task->err.text);
}

/* One line of output is a message; more open the text pane. */
static void show_output(struct deck *deck, const char *line, const struct td_buf *out)
{
    size_t len = out->len;
    while (len && out->data[len - 1] == '\n')
        len--;
    if (!len)
        return;
    if (!memchr(out->data, '\n', len) && len < 200) {
        deck_say(deck, TD_ROLE_TEXT, "%.*s", (int)len, out->data);
        return;
    }
    text_set(deck, line, out->data, out->len);
    deck_zoom(deck, PANE_TEXT);
}

static void show_result(struct deck *deck, const char *line, const struct td_buf *out, enum td_code code, const struct td_err *err)
{
    bool lost = out->failed;
    if (out->len && !lost)
        show_output(deck, line, out);
    if (code != TD_OK)
        deck_say(deck, TD_ROLE_ERROR, "%s", err->text[0] ? err->text : td_code_text(code));
    else if (lost)
        deck_say(deck, TD_ROLE_WARN, "the result is too long to be shown here; use the command in a shell");
}

static void line_apply(struct deck *deck, struct task *base)
{
    struct line_task *task = (struct line_task *)base;
    show_result(deck, task->line, &task->out, task->code, &task->err);
    deck_goto(deck);
    jobs_refresh(deck);
}

static void line_drop(struct task *base)
{
    struct line_task *task = (struct line_task *)base;
    td_buf_free(&task->out);
    td_free(task);
}

/* Does the line name a command of the deck's own? Those touch nothing but the screen's state. */
static bool is_deck_line(const char *line)
{
    struct td_arena arena;
    char **words = NULL, two[256];
    size_t count = 0;
    const struct td_command *command = NULL;
    td_arena_init(&arena, 1 << 16);
    if (td_line_split(line, &arena, &words, &count, NULL) == TD_OK && count) {
        if (count > 1 && td_snprintf(two, sizeof two, "%s %s", words[0], words[1]))
            command = td_command_find(two);
        if (!command)
            command = td_command_find(words[0]);
    }
    bool mine = command && (command->deck_only || strcmp(command->name, "help") == 0);
    td_arena_free(&arena);
    return mine;
}

void deck_run_line(struct deck *deck, const char *line)
{
    while (*line == ' ' || *line == ':')
        line++;
    if (!*line)
        return;
    if (is_deck_line(line)) {
        struct td_buf out;
        struct td_err err = {0};
        enum td_code code;
        td_buf_init(&out, OUTPUT_MAX);
        run_line(deck->app, line, &out, &code, &err);
        show_result(deck, line, &out, code, &err);
        td_buf_free(&out);
        deck_goto(deck);
        return;
    }
    struct line_task *task = td_calloc(1, sizeof *task);
    if (!task) {
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){line_run, line_apply, line_drop};
    task->app = deck->app;
    td_buf_init(&task->out, OUTPUT_MAX);
    if (!td_copy(task->line, sizeof task->line, line)) {
        deck_say(deck, TD_ROLE_ERROR, "the line is longer than %d bytes", PROMPT_LINE_MAX - 1);
        line_drop(&task->task);
        return;
    }
    deck_command(deck, &task->task);
}

/* ---- history ---- */

void history_open(struct deck *deck)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    struct td_buf text;
    deck->history_path[0] = '\0';
    if (state && *state)
        td_snprintf(deck->history_path, sizeof deck->history_path, "%s/tapedeck/history", state);
    else if (home && *home)
        td_snprintf(deck->history_path, sizeof deck->history_path, "%s/.local/state/tapedeck/history", home);
    td_buf_init(&text, HISTORY_BYTES_MAX);
    if (deck->history_path[0] && td_file_exists(deck->history_path) &&
        td_file_read(deck->history_path, HISTORY_BYTES_MAX, &text, NULL) == TD_OK)
        prompt_history_load(text.data ? text.data : "", text.len);
    td_buf_free(&text);
}

struct history_task {
    struct task task;
    char path[1100], line[PROMPT_LINE_MAX];
};

static void history_run(struct task *base)
{
    struct history_task *task = (struct history_task *)base;
    if (td_mkdirs_for(task->path, NULL) != TD_OK)
        return;
    int fd = open(task->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return; /* a history that cannot be kept is no reason to disturb */
    (void)td_write_all(fd, task->line, strlen(task->line), task->path, NULL);
    close(fd);
}

static void history_apply(struct deck *deck, struct task *base)
{
    (void)deck;
    (void)base;
}

static void history_drop(struct task *base)
{
    td_free(base);
}

void history_append(struct deck *deck, const char *line)
{
    prompt_history_add(line);
    struct history_task *task = deck->history_path[0] ? td_calloc(1, sizeof *task) : NULL;
    if (!task)
        return;
    task->task = (struct task){history_run, history_apply, history_drop};
    td_copy(task->path, sizeof task->path, deck->history_path);
    if (td_snprintf(task->line, sizeof task->line, "%s\n", line))
        deck_query(deck, NULL, &task->task);
    else
        td_free(task);
}
