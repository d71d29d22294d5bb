/* SPDX-License-Identifier: GPL-3.0-or-later
 * Of watchlists what rankings need: tickers, who is info-rich, and what the file says of itself. */
#include <string.h>
#include "columns.h"

enum { B_TICKER, B_RICH, B_FLAGS, B_COUNT };

struct td_watch_reader { /* one thread */
    const struct td_lake *lake;
    struct columns columns;
    struct td_str *tickers; /* copies: a list may be longer than a batch */
    uint8_t *rich;
    uint32_t *flags;
    size_t cap; /* of each */
    struct td_arena arena;
};

enum td_code td_watch_reader_new(const struct td_lake *lake, struct td_watch_reader **out, struct td_err *err)
{
    static const char *const names[B_COUNT] = {"ticker", "info_rich", "flags"};
    struct td_watch_reader *reader = td_calloc(1, sizeof *reader);
    *out = NULL;
    if (!reader)
        return td_fail(err, TD_NOMEM, "out of memory: a reader of watchlists");
    reader->lake = lake;
    td_arena_init(&reader->arena, (size_t)64 << 20);
    enum td_code code = columns_init(&reader->columns, &td_watch_record, names, B_COUNT, err);
    if (code == TD_OK)
        *out = reader;
    else
        td_watch_reader_free(reader);
    return code;
}

void td_watch_reader_free(struct td_watch_reader *reader)
{
    if (!reader)
        return;
    columns_free(&reader->columns);
    td_free(reader->tickers);
    td_free(reader->rich);
    td_free(reader->flags);
    td_arena_free(&reader->arena);
    td_free(reader);
}

static enum td_code grow(struct td_watch_reader *reader, size_t need, struct td_err *err)
{
    if (need <= reader->cap)
        return TD_OK;
    size_t want = need + COLUMNS_BATCH;
    struct td_str *tickers = td_realloc(reader->tickers, want, sizeof *tickers);
    reader->tickers = tickers ? tickers : reader->tickers;
    uint8_t *rich = td_realloc(reader->rich, want, sizeof *rich);
    reader->rich = rich ? rich : reader->rich;
    uint32_t *flags = td_realloc(reader->flags, want, sizeof *flags);
    reader->flags = flags ? flags : reader->flags;
    if (!tickers || !rich || !flags)
        return td_fail(err, TD_NOMEM, "%s: out of memory", reader->columns.path.data);
    reader->cap = want;
    return TD_OK;
}

static enum td_code take_batch(struct td_watch_reader *reader, size_t at, size_t rows, struct td_err *err)
{
    const struct columns *c = &reader->columns;
    const struct td_str *texts = c->arrays[B_TICKER].values;
    enum td_code code = grow(reader, at + rows, err);
    for (size_t i = 0; code == TD_OK && i < rows; i++) {
        char *copy = td_arena_strndup(&reader->arena, texts[i].ptr ? texts[i].ptr : "", texts[i].len);
        if (!copy)
            return td_fail(err, TD_NOMEM, "%s: out of memory", c->path.data);
        if (!td_ticker_valid(copy) || strlen(copy) != texts[i].len)
            return td_fail(err, TD_DATA, "%s: row %zu: not a ticker", c->path.data, at + i);
        reader->tickers[at + i] = (struct td_str){copy, texts[i].len};
    }
    if (code == TD_OK) {
        memcpy(reader->rich + at, c->arrays[B_RICH].values, rows);
        columns_flags(c, B_FLAGS, rows, reader->flags + at);
    }
    return code;
}

/* A list in another day's place would be counted for a day that it says nothing about. */
static enum td_code check_day(const struct columns *c, td_day day, struct td_err *err)
{
    const char *date = td_pq_meta(c->file, "tapedeck.day");
    char text[16];
    td_format_day(day, text);
    if (!date || strcmp(date, text) == 0)
        return TD_OK;
    return td_fail(err, TD_DATA, "%s: is the list of %.16s; run 'tapedeck universe build -s %s -e %s'", c->path.data, date, text, text);
}

enum td_code td_watch_reader_read(struct td_watch_reader *reader, td_day day, bool footer, struct td_watch_brief *out,
                                  struct td_err *err)
{
    struct columns *c = &reader->columns;
    size_t rows = 0;
    *out = (struct td_watch_brief){0};
    td_arena_reset(&reader->arena);
    enum td_code code = td_watch_path(reader->lake, day, &c->path, err);
    if (code == TD_OK)
        code = columns_open(c, footer, err);
    if (code == TD_OK)
        code = check_day(c, day, err);
    if (code != TD_OK)
        return code;
    const char *thresholds = td_pq_meta(c->file, "tapedeck.thresholds"), *preset = td_pq_meta(c->file, "tapedeck.preset"),
               *content = td_pq_meta(c->file, "tapedeck.content");
    td_copy(out->thresholds, sizeof out->thresholds, thresholds ? thresholds : "");
    td_copy(out->preset, sizeof out->preset, preset ? preset : "");
    td_copy(out->content, sizeof out->content, content ? content : "");
    while (code == TD_OK && !footer) {
        code = columns_next(c, &rows, err);
        if (code != TD_OK || !rows)
            break;
        code = take_batch(reader, out->n, rows, err);
        out->n += rows;
    }
    out->ticker = reader->tickers;
    out->info_rich = reader->rich;
    out->flags = reader->flags;
    return code;
}
