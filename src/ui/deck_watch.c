/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_watch: the info-rich scan of one day as a snapshot: read on the query thread, sorted and filtered here in memory.
 * Rows never move by themselves: a reloaded list keeps the order that is on the screen until a person asks for a sort. */
#include <stdlib.h>
#include <string.h>

#include "deck.h"

#define TOPN_FILE "/universe/info_rich/topN_12m.parquet"

/* ---- reading, on the query thread ---- */

struct watch_task {
    struct task task;
    struct td_lake *lake;
    td_day want;
    struct watch_list *list; /* filled by run, taken by apply */
    struct td_err err;
};

void watch_list_free(struct watch_list *list)
{
    if (!list)
        return;
    td_record_model_free(&list->model);
    td_rows_free(&list->rows);
    td_days_free(&list->days);
    td_free(list->in_play);
    td_free(list->spark);
    td_free(list);
}

static void explain_missing(struct watch_list *list, const struct td_lake *lake)
{
    struct td_manifest manifest = {0};
    struct td_bronze_list bronze = {0};
    bool cache = td_manifest_read(lake, &manifest, NULL) == TD_OK && manifest.count > 0;
    bool bars = td_bronze_scan(lake, TD_STOCKS_MINUTE, &bronze, NULL) == TD_OK && bronze.count > 0;
    if (cache) {
        td_copy(list->problem, sizeof list->problem, "the daily cache is built, but no day has been screened yet");
        td_copy(list->fix, sizeof list->fix, "universe build");
    } else if (bars) {
        td_copy(list->problem, sizeof list->problem, "there are minute bars, but no daily cache yet");
        td_copy(list->fix, sizeof list->fix, "cache build");
    } else {
        td_copy(list->problem, sizeof list->problem, "this lake holds no bars yet");
        td_copy(list->fix, sizeof list->fix, "ingest -t stocks_minute -s FROM -e TO --tickers A,B");
    }
    td_bronze_list_free(&bronze);
    td_manifest_free(&manifest);
}

/* The built day nearest to the wish, the newest without one. */
static td_day choose_day(const struct td_days *days, td_day want)
{
    if (!days->count)
        return TD_NO_DAY;
    if (want == TD_NO_DAY)
        return days->items[days->count - 1];
    td_day best = days->items[0];
    for (size_t i = 1; i < days->count; i++) {
        td_day old_gap = want > best ? want - best : best - want;
        td_day gap = want > days->items[i] ? want - days->items[i] : days->items[i] - want;
        if (gap < old_gap)
            best = days->items[i];
    }
    return best;
}

struct ticker_count {
    char ticker[TD_TICKER_MAX];
    uint32_t days;
};

static int compare_counts(const void *a, const void *b)
{
    const struct ticker_count *left = a, *right = b;
    return strcmp(left->ticker, right->ticker);
}

/* Days in play of the last 252 sessions, from the ranking where there is one. */
static void read_in_play(struct watch_list *list, const struct td_lake *lake)
{
    char path[1200];
    struct td_rows topn = {0};
    const struct td_watch_row *rows = list->rows.items;
    if (!td_snprintf(path, sizeof path, "%s%s", td_lake_root(lake), TOPN_FILE) ||
        td_table_read(path, &td_topn_record, &topn, NULL, NULL, NULL) != TD_OK || !topn.count) {
        td_rows_free(&topn);
        return;
    }
    const struct td_topn_row *ranked = topn.items;
    struct ticker_count *counts = td_calloc(topn.count, sizeof *counts);
    for (size_t i = 0; counts && i < topn.count; i++) {
        td_copy(counts[i].ticker, sizeof counts[i].ticker, ranked[i].ticker);
        counts[i].days = ranked[i].days_info_rich_252;
    }
    if (counts)
        qsort(counts, topn.count, sizeof *counts, compare_counts);
    for (size_t i = 0; counts && i < list->rows.count; i++) {
        struct ticker_count key = {.days = 0};
        td_copy(key.ticker, sizeof key.ticker, rows[i].ticker);
        const struct ticker_count *found = bsearch(&key, counts, topn.count, sizeof *counts, compare_counts);
        if (found)
            list->in_play[i] = found->days;
    }
    td_free(counts);
    td_rows_free(&topn);
}

static void summarise(struct watch_list *list)
{
    const struct td_watch_row *rows = list->rows.items;
    double volume = 0, mean = 0;
    for (size_t i = 0; i < list->rows.count; i++) {
        list->info_rich += rows[i].info_rich == 1;
        list->in_play[i] = UINT32_MAX;
        if (isfinite(rows[i].vol_d) && rows[i].rvol30 > 0) {
            volume += rows[i].vol_d;
            mean += rows[i].vol_d / rows[i].rvol30;
        }
    }
    list->market_rvol = mean > 0 ? volume / mean : (double)NAN;
}

static void read_data_through(struct watch_list *list, const struct td_lake *lake)
{
    struct td_manifest manifest = {0};
    list->data_through = TD_NO_DAY;
    if (td_manifest_read(lake, &manifest, NULL) == TD_OK)
        for (size_t i = 0; i < manifest.count; i++)
            if (list->data_through == TD_NO_DAY || manifest.entries[i].last > list->data_through)
                list->data_through = manifest.entries[i].last;
    td_manifest_free(&manifest);
}

static enum td_code read_day(struct watch_list *list, const struct td_lake *lake, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, sizeof list->path - 1);
    enum td_code code = td_watch_path(lake, list->day, &path, err);
    if (code == TD_OK)
        td_copy(list->path, sizeof list->path, path.data);
    td_buf_free(&path);
    if (code == TD_OK)
        code = td_watch_read(lake, list->day, &list->rows, list->thresholds, err);
    if (code == TD_OK)
        code = td_record_model_init(&list->model, &td_watch_record, list->rows.items, list->rows.count, err);
    if (code != TD_OK)
        return code;
    list->in_play = td_calloc(list->rows.count + 1, sizeof *list->in_play);
    if (!list->in_play)
        return td_fail(err, TD_NOMEM, "out of memory for %zu rows", list->rows.count);
    summarise(list);
    read_in_play(list, lake);
    if (!list->rows.count)
        td_copy(list->problem, sizeof list->problem, "no ticker passed membership, price and cap on this day");
    return TD_OK;
}

static void watch_run(struct task *base)
{
    struct watch_task *task = (struct watch_task *)base;
    struct watch_list *list = td_calloc(1, sizeof *list);
    if (!list) {
        td_fail(&task->err, TD_NOMEM, "out of memory for a watchlist");
        return;
    }
    enum td_code code = td_watch_days(task->lake, &list->days, &task->err);
    list->day = choose_day(&list->days, task->want);
    read_data_through(list, task->lake);
    if (code == TD_OK && list->day == TD_NO_DAY)
        explain_missing(list, task->lake);
    else if (code == TD_OK)
        code = read_day(list, task->lake, &task->err);
    if (code == TD_OK) {
        task->list = list;
        return;
    }
    watch_list_free(list);
}

/* ---- order ---- */

static void remember_ticker(struct deck *deck)
{
    const struct td_watch_row *row = watch_row(deck, deck->watch.cursor);
    if (row)
        td_copy(deck->watch.ticker, sizeof deck->watch.ticker, row->ticker);
}

static void clamp_cursor(struct watch_view *view)
{
    if (view->cursor >= view->order.count)
        view->cursor = view->order.count ? view->order.count - 1 : 0;
}

static bool find_ticker(const struct deck *deck, const char *ticker, size_t *at)
{
    for (size_t i = 0; i < deck->watch.order.count; i++) {
        if (strcmp(watch_row(deck, i)->ticker, ticker) == 0) {
            *at = i;
            return true;
        }
    }
    return false;
}

/* Rows that are shown: by rule and filter, in file order. */
static enum td_code select_rows(const struct watch_view *view, struct td_selection *out, struct td_err *err)
{
    const struct td_watch_row *rows = view->list->rows.items;
    struct td_filter *filter = NULL;
    enum td_code code = td_selection_all(out, view->list->rows.count, err);
    if (code == TD_OK && !view->all_rows) {
        size_t kept = 0;
        for (size_t i = 0; i < out->count; i++)
            if (rows[out->rows[i]].info_rich == 1)
                out->rows[kept++] = out->rows[i];
        out->count = kept;
    }
    if (code == TD_OK && view->filter[0]) {
        code = td_filter_parse(view->filter, &view->list->model.model, &filter, err);
        if (code == TD_OK)
            code = td_filter_apply(filter, &view->list->model.model, out, err);
        td_filter_free(filter);
    }
    return code;
}

static enum td_code make_order(const struct watch_view *view, struct td_selection *out, struct td_err *err)
{
    enum td_code code = select_rows(view, out, err);
    if (code == TD_OK && view->sort[0])
        code = td_view_sort(&view->list->model.model, view->sort, out, err);
    if (code != TD_OK)
        td_selection_free(out);
    return code;
}

/* Put a new order in place of the old one; the cursor stays on its ticker. */
static void take_order(struct deck *deck, struct td_selection *order)
{
    struct watch_view *view = &deck->watch;
    td_selection_free(&view->order);
    view->order = *order;
    size_t at;
    if (view->ticker[0] && find_ticker(deck, view->ticker, &at))
        view->cursor = at;
    clamp_cursor(view);
    view->frozen = false;
    deck->dirty = true;
    chart_follow(deck);
}

void watch_resort(struct deck *deck)
{
    struct td_selection order = {0};
    struct td_err err = {0};
    if (!deck->watch.list)
        return;
    remember_ticker(deck);
    if (make_order(&deck->watch, &order, &err) == TD_OK)
        take_order(deck, &order);
    else
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
}

struct placed_ticker {
    const char *ticker;
    uint32_t place;
};

static int compare_placed(const void *a, const void *b)
{
    const struct placed_ticker *left = a, *right = b;
    return strcmp(left->ticker, right->ticker);
}

static int compare_rank(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* ranks[i] = place on the screen in the upper half, row in the lower; unknown tickers come after all known ones. */
static void rank_rows(const struct td_watch_row *now, const struct td_selection *order, const struct placed_ticker *placed,
                      size_t count, uint64_t *ranks)
{
    for (size_t i = 0; i < order->count; i++) {
        struct placed_ticker key = {.ticker = now[order->rows[i]].ticker};
        const struct placed_ticker *found = bsearch(&key, placed, count, sizeof *placed, compare_placed);
        ranks[i] = (uint64_t)(found ? found->place : count + i) << 32 | order->rows[i];
    }
}

/* The same day came again with other numbers: rows keep their places, new ones go to the end. */
static void keep_order(struct deck *deck, const struct watch_list *old, const struct td_selection *old_order,
                       struct td_selection *order)
{
    const struct td_watch_row *before = old->rows.items, *now = deck->watch.list->rows.items;
    uint64_t *ranks = td_calloc(order->count + 1, sizeof *ranks);
    struct placed_ticker *placed = td_calloc(old_order->count + 1, sizeof *placed);
    if (ranks && placed) {
        for (size_t i = 0; i < old_order->count; i++)
            placed[i] = (struct placed_ticker){before[old_order->rows[i]].ticker, (uint32_t)i};
        qsort(placed, old_order->count, sizeof *placed, compare_placed);
        rank_rows(now, order, placed, old_order->count, ranks);
        qsort(ranks, order->count, sizeof *ranks, compare_rank);
        for (size_t i = 0; i < order->count; i++) {
            uint32_t row = (uint32_t)ranks[i];
            deck->watch.frozen = deck->watch.frozen || row != order->rows[i];
            order->rows[i] = row;
        }
    }
    td_free(placed);
    td_free(ranks);
}

static void replace_list(struct deck *deck, struct watch_list *list)
{
    struct watch_view *view = &deck->watch;
    struct watch_list *old = view->list;
    struct td_selection old_order = view->order, order = {0};
    struct td_err err = {0};
    bool same_day = old && old->day == list->day;
    remember_ticker(deck);
    view->order = (struct td_selection){0};
    view->list = list;
    view->frozen = false;
    if (make_order(view, &order, &err) == TD_OK) {
        if (same_day)
            keep_order(deck, old, &old_order, &order);
        bool frozen = view->frozen;
        take_order(deck, &order);
        view->frozen = frozen;
    } else {
        deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
    }
    if (!same_day)
        view->top = 0;
    td_selection_free(&old_order);
    watch_list_free(old);
}

static td_day newest_day(const struct watch_list *list)
{
    return list && list->days.count ? list->days.items[list->days.count - 1] : TD_NO_DAY;
}

static void watch_apply(struct deck *deck, struct task *base)
{
    struct watch_task *task = (struct watch_task *)base;
    deck->watch.loading = false;
    deck->starting = false;
    if (!task->list) {
        deck_say(deck, TD_ROLE_ERROR, "%s", task->err.text);
        return;
    }
    task->list->serial = ++deck->watch.serials;
    bool elsewhere = task->want != TD_NO_DAY && task->list->day != task->want && task->list->day != TD_NO_DAY;
    if (elsewhere) {
        char want[11], day[11];
        td_format_day(task->want, want);
        td_format_day(task->list->day, day);
        deck_say(deck, TD_ROLE_WARN, "no watchlist is built for %s: showing the nearest, %s", want, day);
    }
    td_day newest_before = newest_day(deck->watch.list), newest = newest_day(task->list);
    if (newest_before != TD_NO_DAY && newest > newest_before && newest != task->list->day) {
        char day[11];
        td_format_day(newest, day);
        deck_say(deck, TD_ROLE_GOOD, "a newer list is there: %s; N shows it", day);
    }
    replace_list(deck, task->list);
    task->list = NULL;
}

static void watch_drop(struct task *base)
{
    struct watch_task *task = (struct watch_task *)base;
    watch_list_free(task->list);
    td_free(task);
}

/* ---- what keys and commands do ---- */

void watch_load(struct deck *deck, td_day day)
{
    struct watch_task *task = td_calloc(1, sizeof *task);
    if (!task) {
        deck_nomem(deck, NULL);
        return;
    }
    task->task = (struct task){watch_run, watch_apply, watch_drop};
    task->lake = deck->app->lake;
    task->want = day;
    deck->watch.want = day;
    deck->watch.loading = deck->dirty = true;
    deck_query(deck, &deck->watch, &task->task);
}

void watch_refresh(struct deck *deck)
{
    watch_load(deck, deck->watch.list ? deck->watch.list->day : deck->watch.want);
}

enum td_code watch_set_sort(struct deck *deck, const char *spec, struct td_err *err)
{
    struct watch_view *view = &deck->watch;
    char old[sizeof view->sort];
    struct td_selection order = {0};
    td_copy(old, sizeof old, view->sort);
    if (!td_copy(view->sort, sizeof view->sort, spec)) {
        td_copy(view->sort, sizeof view->sort, old);
        return td_fail(err, TD_USAGE, "sort: %s is no column", spec);
    }
    if (!view->list)
        return TD_OK;
    remember_ticker(deck);
    enum td_code code = make_order(view, &order, err);
    if (code == TD_OK)
        take_order(deck, &order);
    else
        td_copy(view->sort, sizeof view->sort, old);
    return code;
}

enum td_code watch_set_filter(struct deck *deck, const char *text, struct td_err *err)
{
    struct watch_view *view = &deck->watch;
    char old[sizeof view->filter];
    struct td_selection order = {0};
    td_copy(old, sizeof old, view->filter);
    if (!td_copy(view->filter, sizeof view->filter, text)) {
        td_copy(view->filter, sizeof view->filter, old);
        return td_fail(err, TD_USAGE, "filter: longer than %zu characters", sizeof view->filter - 1);
    }
    if (!view->list)
        return TD_OK;
    remember_ticker(deck);
    enum td_code code = make_order(view, &order, err);
    if (code == TD_OK)
        take_order(deck, &order);
    else
        td_copy(view->filter, sizeof view->filter, old);
    return code;
}

void watch_set_all(struct deck *deck, bool all)
{
    deck->watch.all_rows = all;
    watch_resort(deck);
}

const struct td_watch_row *watch_row(const struct deck *deck, size_t at)
{
    const struct watch_view *view = &deck->watch;
    if (!view->list || at >= view->order.count || view->order.rows[at] >= view->list->rows.count)
        return NULL;
    return (const struct td_watch_row *)view->list->rows.items + view->order.rows[at];
}

void watch_move(struct deck *deck, long step)
{
    struct watch_view *view = &deck->watch;
    if (!view->order.count)
        return;
    long last = (long)view->order.count - 1, at = (long)view->cursor;
    at = step > last - at ? last : step < -at ? 0 : at + step;
    view->cursor = (size_t)at;
    remember_ticker(deck);
    deck->dirty = true;
    chart_follow(deck);
}

bool watch_select(struct deck *deck, const char *ticker)
{
    size_t at;
    if (!deck->watch.list || !find_ticker(deck, ticker, &at))
        return false;
    deck->watch.cursor = at;
    remember_ticker(deck);
    deck->dirty = true;
    return true;
}

td_day watch_neighbour(const struct deck *deck, int step)
{
    const struct watch_list *list = deck->watch.list;
    for (size_t i = 0; list && i < list->days.count; i++) {
        if (list->days.items[i] != list->day)
            continue;
        size_t at = step < 0 ? i - 1 : i + 1; /* wraps past the end below zero */
        return at < list->days.count ? list->days.items[at] : TD_NO_DAY;
    }
    return TD_NO_DAY;
}

void watch_free(struct deck *deck)
{
    td_selection_free(&deck->watch.order);
    watch_list_free(deck->watch.list);
    deck->watch.list = NULL;
}
