/* SPDX-License-Identifier: GPL-3.0-or-later
 * Writing watchlists by columns: one writer a thread keeps the buffers, a list is staged and published with its batch. */
#include <stdio.h>
#include <string.h>
#include "lake_internal.h"

/* Columns of td_watch_record, in its order. */
enum { W_TICKER, W_DAY, W_CLOSE, W_PCTCHG, W_RVOL30, W_PRIOR, W_VOL, W_DOLLAR_VOL, W_VWAP, W_GAP, W_CAP, W_RVOL, W_CHG, W_DVOL, W_PX,
       W_RICH, W_FLAGS, W_COUNT };
static const uint8_t column_of[TD_DV_COUNT] = {
    [TD_DV_CLOSE] = W_CLOSE, [TD_DV_PCTCHG] = W_PCTCHG, [TD_DV_RVOL30] = W_RVOL30, [TD_DV_DOLLAR_VOL] = W_DOLLAR_VOL, [TD_DV_CAP] = W_CAP,
    [TD_DV_PRIOR] = W_PRIOR, [TD_DV_VOL] = W_VOL,       [TD_DV_VWAP] = W_VWAP,     [TD_DV_GAP] = W_GAP};

struct td_watch_writer { /* one thread */
    const struct td_lake *lake;
    struct td_pq_column columns[W_COUNT];
    struct td_pq_array arrays[W_COUNT];
    size_t cap; /* rows the arrays hold */
    const char *flag_texts[1u << TD_FLAG_COUNT]; /* of each combination met so far; in the arena */
    struct td_arena arena;
};

enum td_code td_watch_writer_new(const struct td_lake *lake, struct td_watch_writer **out, struct td_err *err)
{
    struct td_watch_writer *writer = td_calloc(1, sizeof *writer);
    *out = NULL;
    if (!writer)
        return td_fail(err, TD_NOMEM, "out of memory: a writer of watchlists");
    writer->lake = lake;
    td_arena_init(&writer->arena, (size_t)1 << 20);
    for (size_t c = 0; c < W_COUNT; c++)
        writer->columns[c] = lake_column_of(&td_watch_record.fields[c]);
    for (size_t v = 0; v < TD_DV_COUNT; v++) /* numbers of different companies hardly repeat: no search for what is smaller */
        writer->columns[column_of[v]].encoding = TD_PQ_ENC_PLAIN;
    writer->columns[W_TICKER].encoding = TD_PQ_ENC_DELTA_LENGTH; /* each once */
    *out = writer;
    return TD_OK;
}

void td_watch_writer_free(struct td_watch_writer *writer)
{
    if (!writer)
        return;
    for (size_t c = 0; c < W_COUNT; c++) {
        td_free(writer->arrays[c].values);
        td_free(writer->arrays[c].valid);
    }
    td_arena_free(&writer->arena);
    td_free(writer);
}

static enum td_code reserve(struct td_watch_writer *writer, size_t rows, struct td_err *err)
{
    if (rows < writer->cap) /* a list of no rows has arrays, too */
        return TD_OK;
    size_t want = rows + rows / 2 + 64;
    writer->cap = 0;
    for (size_t c = 0; c < W_COUNT; c++) {
        td_free(writer->arrays[c].values);
        td_free(writer->arrays[c].valid);
        writer->arrays[c].values = td_calloc(want, td_pq_width(writer->columns[c].type));
        writer->arrays[c].valid = td_malloc(TD_PQ_WORDS(want) * sizeof(uint64_t));
        if (!writer->arrays[c].values || !writer->arrays[c].valid)
            return td_fail(err, TD_NOMEM, "out of memory: a watchlist of %zu rows", rows);
    }
    writer->cap = want;
    return TD_OK;
}

/* Combinations repeat: a text each, made when first met. */
static const char *flags_text(struct td_watch_writer *writer, uint32_t flags)
{
    char text[TD_FLAGS_TEXT];
    flags &= (1u << TD_FLAG_COUNT) - 1;
    if (!flags)
        return "";
    if (!writer->flag_texts[flags]) {
        td_flags_format(flags, text);
        writer->flag_texts[flags] = td_arena_strndup(&writer->arena, text, strlen(text));
    }
    return writer->flag_texts[flags];
}

static enum td_code fill_texts(struct td_watch_writer *writer, td_day day, const struct td_watch_item *const *items, size_t count,
                               struct td_watch_names names, struct td_err *err)
{
    struct td_str *tickers = writer->arrays[W_TICKER].values, *flags = writer->arrays[W_FLAGS].values;
    td_day *days = writer->arrays[W_DAY].values;
    for (size_t i = 0; i < count; i++) {
        const char *text = flags_text(writer, items[i]->flags);
        if (!text)
            return td_fail(err, TD_NOMEM, "out of memory: flags of a watchlist");
        tickers[i] = td_str_of(names.first + items[i]->ticker * names.stride);
        flags[i] = td_str_of(text);
        days[i] = day;
    }
    return TD_OK;
}

static void fill_numbers(struct td_watch_writer *writer, const struct td_watch_item *const *items, size_t count)
{
    for (size_t v = 0; v < TD_DV_COUNT; v++) {
        double *values = writer->arrays[column_of[v]].values;
        uint64_t *valid = writer->arrays[column_of[v]].valid;
        memset(valid, 0, TD_PQ_WORDS(count) * sizeof *valid);
        for (size_t i = 0; i < count; i++) {
            values[i] = items[i]->value[v];
            valid[i / 64] |= (uint64_t)!isnan(values[i]) << (i % 64);
        }
    }
    static const uint8_t bits[] = {TD_RULE_RVOL, TD_RULE_CHG, TD_RULE_DVOL, TD_RULE_PX};
    for (size_t i = 0; i < count; i++) {
        for (size_t b = 0; b < TD_COUNT(bits); b++)
            ((uint8_t *)writer->arrays[W_RVOL + b].values)[i] = (items[i]->rules & bits[b]) != 0;
        ((uint8_t *)writer->arrays[W_RICH].values)[i] = items[i]->rules == TD_RULE_ALL;
    }
}

static inline uint64_t stir(uint64_t x)
{
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return x ^ x >> 32;
}

/* The ticker's bytes as words, the first one lowest; mostly one word holds them all. */
static uint64_t stir_ticker(const char *ticker)
{
    uint64_t sum = 0;
    size_t at = 0;
    for (size_t w = 0; w < TD_TICKER_MAX / 8; w++) {
        uint64_t word = 0;
        for (; at < 8 * w + 8 && ticker[at]; at++)
            word |= (uint64_t)(unsigned char)ticker[at] << at % 8 * 8;
        sum += stir(word + 16 + w);
    }
    return sum;
}

uint64_t td_watch_hash(const struct td_watch_item *const *items, size_t count, struct td_watch_names names)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++) {
        const struct td_watch_item *item = items[i];
        uint64_t row = (uint64_t)item->flags << 8 | (uint64_t)item->rules;
        if (i + 8 < count)
            __builtin_prefetch(names.first + items[i + 8]->ticker * names.stride);
        row += stir_ticker(names.first + item->ticker * names.stride);
        for (size_t v = 0; v < TD_DV_COUNT; v++) { /* independent of each other: only the rows make a chain */
            uint64_t bits = UINT64_MAX;            /* one null, whatever its bits */
            if (!isnan(item->value[v]))
                memcpy(&bits, &item->value[v], sizeof bits);
            row += stir((bits ^ (v + 1)) + (bits << 7 | bits >> 57) * (2 * v + 1));
        }
        hash = td_mix64(hash + stir(row));
    }
    return hash;
}

static enum td_code write_list(struct td_watch_writer *writer, int fd, const char *path, const struct td_meta *meta, size_t meta_count,
                               size_t count, struct td_err *err)
{
    struct td_pq_writer *file = NULL;
    struct td_pq_array arrays[W_COUNT];
    const struct td_pq_write_options options = {.codec = TD_PQ_ZSTD, .level = 2};
    for (size_t c = 0; c < W_COUNT; c++) {
        arrays[c] = writer->arrays[c];
        if (!writer->columns[c].optional)
            arrays[c].valid = NULL;
    }
    enum td_code code = td_pq_writer_new(fd, path, writer->columns, W_COUNT, &options, &file, err);
    if (code == TD_OK)
        code = td_pq_writer_meta(file, "tapedeck.schema", td_watch_record.schema, err);
    for (size_t i = 0; code == TD_OK && i < meta_count; i++)
        code = td_pq_writer_meta(file, meta[i].key, meta[i].value, err);
    if (code == TD_OK && count)
        code = td_pq_write(file, arrays, count, err);
    if (code == TD_OK)
        code = td_pq_writer_finish(file, err);
    td_pq_writer_free(file);
    return code;
}

enum td_code td_watch_stage(struct td_watch_writer *writer, td_day day, const struct td_watch_item *const *items, size_t count,
                            struct td_watch_names names, const char *thresholds, const char *preset, struct td_publish *pub,
                            struct td_err *err)
{
    struct td_buf path;
    char number[32], content[17], date[16];
    td_buf_init(&path, 2048);
    pub->fd = -1;
    td_snprintf(number, sizeof number, "%zu", count);
    td_snprintf(content, sizeof content, "%016llx", (unsigned long long)td_watch_hash(items, count, names));
    td_format_day(day, date);
    const struct td_meta meta[] = {{"tapedeck.thresholds", thresholds},
                                   {"tapedeck.preset", preset},
                                   {"tapedeck.day", date}, /* an empty list has no row to say it */
                                   {"tapedeck.rows", number},
                                   {"tapedeck.content", content}};
    enum td_code code = td_watch_path(writer->lake, day, &path, err);
    if (code == TD_OK)
        code = reserve(writer, count, err);
    if (code == TD_OK)
        code = fill_texts(writer, day, items, count, names, err);
    if (code == TD_OK) {
        fill_numbers(writer, items, count);
        code = td_publish_begin(pub, path.data, err);
    }
    if (code == TD_OK)
        code = write_list(writer, pub->fd, path.data, meta, TD_COUNT(meta), count, err);
    if (code == TD_OK)
        code = td_publish_stage(pub, err);
    else
        td_publish_abort(pub);
    td_buf_free(&path);
    return code;
}

/* The same for rows: one way to write a list. */
static void item_of(const struct td_watch_row *row, uint32_t index, struct td_watch_item *out)
{
    *out = (struct td_watch_item){
        .value = {[TD_DV_CLOSE] = row->close_d, [TD_DV_PCTCHG] = row->pctchg_d, [TD_DV_RVOL30] = row->rvol30,
                  [TD_DV_DOLLAR_VOL] = row->dollar_vol_d, [TD_DV_CAP] = row->market_cap_d, [TD_DV_PRIOR] = row->rvol30_prior,
                  [TD_DV_VOL] = row->vol_d, [TD_DV_VWAP] = row->vwap_d, [TD_DV_GAP] = row->gap_pct_d},
        .ticker = index & 0xfffffff,
        .rules = (row->r_rvol == 1 ? TD_RULE_RVOL : 0u) | (row->r_chg == 1 ? TD_RULE_CHG : 0u) |
                 (row->r_dvol == 1 ? TD_RULE_DVOL : 0u) | (row->r_px == 1 ? TD_RULE_PX : 0u),
        .flags = (uint16_t)td_flags_parse(row->flags),
    };
}

enum td_code td_watch_write(const struct td_lake *lake, td_day day, const struct td_watch_row *rows, size_t count,
                            const char *thresholds, const char *preset, struct td_err *err)
{
    struct td_watch_writer *writer = NULL;
    struct td_publish pub, *const batch[] = {&pub};
    struct td_watch_item *items = td_malloc((count + 1) * sizeof *items);
    const struct td_watch_item **list = td_malloc((count + 1) * sizeof *list);
    enum td_code code = items && list ? TD_OK : td_fail(err, TD_NOMEM, "out of memory: a watchlist of %zu rows", count);
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        item_of(&rows[i], (uint32_t)i, &items[i]);
        list[i] = &items[i];
    }
    if (code == TD_OK)
        code = td_watch_writer_new(lake, &writer, err);
    if (code == TD_OK)
        code = td_watch_stage(writer, day, list, count, (struct td_watch_names){count ? rows[0].ticker : "", sizeof *rows}, thresholds,
                              preset, &pub, err);
    if (code == TD_OK)
        code = td_publish_commit_all(batch, 1, err);
    td_watch_writer_free(writer);
    td_free(list);
    td_free(items);
    return code;
}
