/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_spark: the last 20 closes of the rows on the screen, as levels between their lowest and highest. Only what is
 * looked at is read, a screenful at a time, on the query thread. */
#include <string.h>

#include "deck.h"

#define BATCH 16 /* few enough that a chart asked for meanwhile does not wait long */

struct spark_task {
    struct task task;
    struct td_lake *lake;
    uint64_t serial; /* of the list that asked */
    td_day day;
    size_t count;
    uint32_t rows[BATCH];
    char tickers[BATCH][TD_TICKER_MAX];
    uint8_t levels[BATCH][SPARK_DAYS];
};

/* Levels of the newest closes up to `day`, right-aligned; SPARK_NONE where there is no row. */
static void levels_of(const struct td_daily_row *rows, size_t count, td_day day, uint8_t out[SPARK_DAYS])
{
    size_t end = count;
    double low = (double)INFINITY, high = -(double)INFINITY;
    memset(out, SPARK_NONE, SPARK_DAYS);
    while (end && rows[end - 1].trading_day > day)
        end--;
    size_t from = end > SPARK_DAYS ? end - SPARK_DAYS : 0;
    for (size_t i = from; i < end; i++) {
        low = fmin(low, rows[i].close_d);
        high = fmax(high, rows[i].close_d);
    }
    for (size_t i = from; i < end; i++) {
        if (!isfinite(rows[i].close_d))
            continue;
        double share = high > low ? (rows[i].close_d - low) / (high - low) : 0.5;
        out[SPARK_DAYS - (end - i)] = (uint8_t)(share * (SPARK_LEVELS - 1) + 0.5);
    }
}

static void spark_run(struct task *base)
{
    struct spark_task *task = (struct spark_task *)base;
    for (size_t i = 0; i < task->count; i++) {
        struct td_rows rows = {0};
        memset(task->levels[i], SPARK_NONE, SPARK_DAYS);
        if (td_cache_read(task->lake, task->tickers[i], &rows, NULL) == TD_OK)
            levels_of(rows.items, rows.count, task->day, task->levels[i]);
        td_rows_free(&rows);
    }
}

static void spark_apply(struct deck *deck, struct task *base)
{
    struct spark_task *task = (struct spark_task *)base;
    struct watch_list *list = deck->watch.list;
    deck->watch.spark_loading = false;
    if (!list || list->serial != task->serial || !list->spark)
        return;
    for (size_t i = 0; i < task->count; i++)
        memcpy(list->spark + (size_t)task->rows[i] * SPARK_DAYS, task->levels[i], SPARK_DAYS);
}

static void spark_drop(struct task *base)
{
    td_free(base);
}

/* Make the levels' memory when they are first wanted: SPARK_UNASKED everywhere. */
static bool prepare(struct watch_list *list)
{
    if (!list->spark && list->rows.count) {
        list->spark = td_malloc(list->rows.count * SPARK_DAYS);
        if (list->spark)
            memset(list->spark, SPARK_UNASKED, list->rows.count * SPARK_DAYS);
    }
    return list->spark != NULL;
}

void spark_want(struct deck *deck, size_t top, size_t count)
{
    struct watch_view *view = &deck->watch;
    struct watch_list *list = view->list;
    struct spark_task *task = NULL;
    if (view->spark_loading || !list || !prepare(list))
        return;
    for (size_t i = top; i < view->order.count && i < top + count; i++) {
        uint32_t row = view->order.rows[i];
        uint8_t *levels = list->spark + (size_t)row * SPARK_DAYS;
        if (levels[0] != SPARK_UNASKED)
            continue;
        if (!task && !(task = td_calloc(1, sizeof *task)))
            return;
        if (task->count == BATCH)
            break;
        memset(levels, SPARK_NONE, SPARK_DAYS);
        task->rows[task->count] = row;
        td_copy(task->tickers[task->count++], TD_TICKER_MAX, watch_row(deck, i)->ticker);
    }
    if (!task)
        return;
    task->task = (struct task){spark_run, spark_apply, spark_drop};
    task->lake = deck->app->lake;
    task->serial = list->serial;
    task->day = list->day;
    view->spark_loading = true;
    deck_query(deck, NULL, &task->task);
}

void spark_text(const struct deck *deck, uint32_t row, char *out, size_t size)
{
    static const char *const blocks[SPARK_LEVELS] = {"\xE2\x96\x81", "\xE2\x96\x82", "\xE2\x96\x83", "\xE2\x96\x84",
                                                     "\xE2\x96\x85", "\xE2\x96\x86", "\xE2\x96\x87", "\xE2\x96\x88"};
    static const char *const ascii[SPARK_LEVELS] = {".", ":", "-", "=", "+", "*", "#", "@"};
    const struct watch_list *list = deck->watch.list;
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; list && list->spark && i < SPARK_DAYS; i++) {
        uint8_t level = list->spark[(size_t)row * SPARK_DAYS + i];
        const char *glyph = level >= SPARK_LEVELS ? " " : deck->tier == TD_TIER_ASCII ? ascii[level] : blocks[level];
        if (n + strlen(glyph) >= size)
            return;
        td_copy(out + n, size - n, glyph);
        n += strlen(glyph);
    }
}
