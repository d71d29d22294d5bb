/* SPDX-License-Identifier: GPL-3.0-or-later
 * prompt: GNU readline as a line editor without a terminal. It takes bytes from our ring through rl_getc_function and
 * prints to the null device; we draw its buffer ourselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "prompt.h"

#define HISTORY_MAX 2000
#define RING_MAX 8192

/* Readline keeps its state in globals; so do we, in one place. UI thread only. */
static struct {
    struct prompt_calls calls;
    FILE *null_in, *null_out;
    unsigned char ring[RING_MAX];
    size_t head, len;
    bool active, ready;
    struct td_names candidates;
    size_t start;    /* byte of the line that candidates replace from */
    size_t selected; /* SIZE_MAX: none */
    char *accepted;  /* handed out after readline has returned */
} prompt;

/* ---- what readline calls ---- */

static int take_byte(FILE *unused)
{
    (void)unused;
    if (!prompt.len)
        return EOF;
    unsigned char byte = prompt.ring[prompt.head];
    prompt.head = (prompt.head + 1) % RING_MAX;
    prompt.len--;
    return byte;
}

static int bytes_wait(void)
{
    return prompt.len > 0;
}

static void draw_nothing(void)
{
}

static void forget_candidates(void)
{
    td_names_free(&prompt.candidates);
    prompt.candidates = (struct td_names){0};
    prompt.selected = SIZE_MAX;
}

static void line_done(char *line)
{
    rl_callback_handler_remove();
    prompt.active = false;
    forget_candidates();
    free(prompt.accepted);
    prompt.accepted = line; /* NULL: end of file on an empty line */
}

static int redraw_key(int count, int key)
{
    (void)count;
    (void)key;
    if (prompt.calls.redraw)
        prompt.calls.redraw(prompt.calls.ctx);
    return 0;
}

/* ---- completion ---- */

static void replace_word(const char *text, size_t len)
{
    char word[PROMPT_LINE_MAX];
    if (len >= sizeof word || prompt.start > (size_t)rl_point)
        return;
    memcpy(word, text, len);
    word[len] = '\0';
    rl_begin_undo_group();
    rl_delete_text((int)prompt.start, rl_point);
    rl_point = (int)prompt.start;
    rl_insert_text(word);
    rl_end_undo_group();
}

static size_t common_prefix(const struct td_names *names)
{
    size_t len = strlen(names->items[0]);
    for (size_t i = 1; i < names->count; i++) {
        size_t same = 0;
        while (same < len && names->items[i][same] == names->items[0][same])
            same++;
        len = same;
    }
    while (len && ((unsigned char)names->items[0][len] & 0xC0) == 0x80) /* not inside a character */
        len--;
    return len;
}

static void select_next(int step)
{
    size_t count = prompt.candidates.count;
    if (prompt.selected == SIZE_MAX)
        prompt.selected = step > 0 ? 0 : count - 1;
    else
        prompt.selected = (prompt.selected + (step > 0 ? 1 : count - 1)) % count;
    const char *name = prompt.candidates.items[prompt.selected];
    replace_word(name, strlen(name));
}

static int complete_key(int count, int key)
{
    (void)count;
    (void)key;
    if (prompt.candidates.count > 1) {
        select_next(1);
        return 0;
    }
    forget_candidates();
    if (!prompt.calls.complete || prompt.calls.complete(prompt.calls.ctx, rl_line_buffer, (size_t)rl_point, &prompt.candidates,
                                                        &prompt.start) != TD_OK) {
        forget_candidates();
        return 0;
    }
    if (!prompt.candidates.count)
        return 0;
    if (prompt.start > (size_t)rl_point)
        prompt.start = (size_t)rl_point;
    size_t common = common_prefix(&prompt.candidates), typed = (size_t)rl_point - prompt.start;
    if (common > typed || prompt.candidates.count == 1)
        replace_word(prompt.candidates.items[0], common);
    if (prompt.candidates.count == 1) {
        if (rl_end == rl_point)
            rl_insert_text(" ");
        forget_candidates();
    }
    return 0;
}

/* ---- life ---- */

/* What terminals send for the editing keys; an inputrc that says otherwise goes first. */
static const struct {
    const char *sequence;
    rl_command_func_t *function;
} editing_keys[] = {
    {"\033[3~", rl_delete},          {"\033[H", rl_beg_of_line},     {"\033[F", rl_end_of_line},    {"\033OH", rl_beg_of_line},
    {"\033OF", rl_end_of_line},      {"\033[1~", rl_beg_of_line},    {"\033[4~", rl_end_of_line},   {"\033[1;5D", rl_backward_word},
    {"\033[1;5C", rl_forward_word},  {"\033[1;3D", rl_backward_word}, {"\033[1;3C", rl_forward_word},
};

static void bind_keys(void)
{
    for (size_t i = 0; i < TD_COUNT(editing_keys); i++)
        rl_bind_keyseq_if_unbound(editing_keys[i].sequence, editing_keys[i].function);
    rl_bind_key('\t', complete_key);
    rl_bind_key('L' & 0x1F, redraw_key);
}

enum td_code prompt_init(const struct prompt_calls *calls, struct td_err *err)
{
    prompt.calls = *calls;
    if (prompt.ready)
        return TD_OK;
    prompt.null_in = fopen("/dev/null", "re");
    prompt.null_out = fopen("/dev/null", "we");
    if (!prompt.null_in || !prompt.null_out) {
        prompt_free();
        return td_fail(err, TD_IO, "cannot open /dev/null for the prompt");
    }
    rl_readline_name = "tapedeck";
    rl_terminal_name = "dumb";
    rl_change_environment = 0;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_instream = prompt.null_in;
    rl_outstream = prompt.null_out;
    rl_getc_function = take_byte;
    rl_input_available_hook = bytes_wait;
    rl_redisplay_function = draw_nothing;
    using_history();
    stifle_history(HISTORY_MAX);
    rl_initialize();
    rl_variable_bind("convert-meta", "off");
    rl_variable_bind("input-meta", "on");
    rl_variable_bind("output-meta", "on");
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("enable-bracketed-paste", "off");
    rl_variable_bind("horizontal-scroll-mode", "off");
    bind_keys();
    prompt.selected = SIZE_MAX;
    prompt.ready = true;
    return TD_OK;
}

void prompt_free(void)
{
    prompt_close();
    free(prompt.accepted);
    prompt.accepted = NULL;
    if (prompt.ready) {
        rl_instream = NULL;
        rl_outstream = NULL;
        clear_history();
    }
    if (prompt.null_in)
        fclose(prompt.null_in);
    if (prompt.null_out)
        fclose(prompt.null_out);
    prompt.null_in = prompt.null_out = NULL;
    prompt.ready = false;
}

bool prompt_active(void)
{
    return prompt.active;
}

const char *prompt_text(void)
{
    return prompt.active && rl_line_buffer ? rl_line_buffer : "";
}

void prompt_open(const char *text)
{
    if (prompt.active || !prompt.ready)
        return;
    prompt.head = prompt.len = 0;
    forget_candidates();
    rl_callback_handler_install(":", line_done);
    bind_keys(); /* an inputrc read late must not take them away */
    prompt.active = true;
    if (text && *text)
        rl_insert_text(text);
}

void prompt_close(void)
{
    if (!prompt.active)
        return;
    /* An incremental search or a half-typed key sequence ends with the line. */
    rl_callback_sigcleanup();
    rl_free_line_state();
    rl_replace_line("", 1);
    rl_callback_handler_remove();
    prompt.active = false;
    prompt.head = prompt.len = 0;
    forget_candidates();
}

/* ---- keys ---- */

static void deliver(void)
{
    char *line = prompt.accepted;
    prompt.accepted = NULL;
    if (line && prompt.calls.accept)
        prompt.calls.accept(prompt.calls.ctx, line);
    free(line);
}

static void feed(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len && prompt.len < RING_MAX; i++)
        prompt.ring[(prompt.head + prompt.len++) % RING_MAX] = (unsigned char)bytes[i];
    while (prompt.len && prompt.active)
        rl_callback_read_char();
    prompt.head = prompt.len = 0;
    deliver();
}

static void insert_paste(const char *text)
{
    if (!text || strlen(text) + (size_t)rl_end >= PROMPT_LINE_MAX)
        return;
    rl_insert_text(text);
}

void prompt_key(const struct keys_event *event, const char *paste)
{
    bool vi = rl_editing_mode == 0, search = RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) != 0;
    if (!prompt.active)
        return;
    if (event->key != '\t' && event->key != KEYS_BACK_TAB)
        forget_candidates();
    switch (event->key) {
    case KEYS_PASTE: insert_paste(paste); return;
    case KEYS_MOUSE:
    case KEYS_UNKNOWN: return;
    case 3: prompt_close(); return;
    case KEYS_BACK_TAB:
        if (prompt.candidates.count > 1)
            select_next(-1);
        return;
    case KEYS_ESCAPE:
        if (!vi && !search) {
            prompt_close();
            return;
        }
        break;
    default: break;
    }
    bool room = rl_end < PROMPT_LINE_MAX - 8 || event->key < ' ' || event->key >= 0x7F;
    if (event->raw_len && room)
        feed(event->raw, event->raw_len);
}

/* ---- drawing ---- */

/* The prompt text without readline's markers of invisible parts. */
static void visible_prompt(char *out, size_t size)
{
    size_t n = 0;
    for (const char *p = rl_display_prompt ? rl_display_prompt : ":"; *p && n + 1 < size; p++)
        if (*p != RL_PROMPT_START_IGNORE && *p != RL_PROMPT_END_IGNORE)
            out[n++] = *p;
    out[n] = '\0';
}

static int width_of(const char *text, size_t len)
{
    int width = 0;
    while (len) {
        uint32_t ch;
        size_t step = td_utf8_decode(text, len, &ch);
        width += td_char_width(ch);
        text += step;
        len -= step;
    }
    return width;
}

int prompt_draw(struct td_grid *grid, int row, int col, int width)
{
    char head[256];
    visible_prompt(head, sizeof head);
    const char *line = rl_line_buffer ? rl_line_buffer : "";
    size_t len = strlen(line), point = rl_point < 0 ? 0 : (size_t)rl_point > len ? len : (size_t)rl_point;
    int cursor = td_text_width(head) + width_of(line, point);
    int skip = cursor >= width ? cursor - width + 1 + width / 4 : 0; /* scrolled so that the cursor stays in view */
    td_grid_fill(grid, row, col, 1, width, ' ', TD_ROLE_PROMPT, 0);
    int at = 0;
    for (int part = 0; part < 2; part++) {
        const char *text = part ? line : head;
        size_t left = part ? len : strlen(head);
        while (left) {
            uint32_t ch;
            size_t step = td_utf8_decode(text, left, &ch);
            int columns = td_char_width(ch);
            if (at >= skip && at + columns - skip <= width)
                td_grid_put(grid, row, col + at - skip, ch, TD_ROLE_PROMPT, 0);
            at += columns;
            text += step;
            left -= step;
        }
    }
    return col + cursor - skip;
}

const struct td_names *prompt_candidates(size_t *selected)
{
    *selected = prompt.selected;
    return prompt.active && prompt.candidates.count > 1 ? &prompt.candidates : NULL;
}

/* ---- history ---- */

void prompt_history_add(const char *line)
{
    HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
    if (*line && (!last || strcmp(last->line, line) != 0))
        add_history(line);
}

void prompt_history_load(const char *text, size_t len)
{
    char line[PROMPT_LINE_MAX];
    while (len) {
        const char *end = memchr(text, '\n', len);
        size_t size = end ? (size_t)(end - text) : len;
        if (size && size < sizeof line && !memchr(text, '\0', size)) {
            memcpy(line, text, size);
            line[size] = '\0';
            prompt_history_add(line);
        }
        size_t used = end ? size + 1 : size;
        text += used;
        len -= used;
    }
}
