/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rankings: how often a ticker was info-rich in the last 252 sessions of the calendar, counted over the lists on disk. Every
 * list is read once, however many rankings are made of it. */
#include <stdlib.h>
#include <string.h>
#include "universe.h"

struct rank_list {
    td_day day;
    size_t count;
    uint32_t *marks; /* ticker's number * 2 + 1 when info-rich */
};

struct rank_lists {
    struct rank_list *lists;
    size_t count;
    char (*tickers)[TD_TICKER_MAX]; /* by number */
    size_t ticker_count, ticker_cap;
    uint32_t *table; /* number + 1 by hash, 0 = free; a power of two, at most half full */
    size_t table_size;
};

void rank_lists_free(struct rank_lists *lists)
{
    if (!lists)
        return;
    for (size_t i = 0; lists->lists && i < lists->count; i++)
        td_free(lists->lists[i].marks);
    td_free(lists->lists);
    td_free(lists->tickers);
    td_free(lists->table);
    td_free(lists);
}

/* ---- tickers as numbers ---- */

static size_t slot_of(const struct rank_lists *lists, struct td_str ticker)
{
    size_t mask = lists->table_size - 1, at = td_hash64(ticker.ptr, ticker.len, 0) & mask;
    while (lists->table[at] && !td_str_is(ticker, lists->tickers[lists->table[at] - 1]))
        at = (at + 1) & mask;
    return at;
}

static enum td_code grow_table(struct rank_lists *lists, struct td_err *err)
{
    size_t size = lists->table_size ? lists->table_size * 2 : 4096;
    uint32_t *table = td_calloc(size, sizeof *table);
    if (!table)
        return td_fail(err, TD_NOMEM, "out of memory: %zu tickers", lists->ticker_count);
    td_free(lists->table);
    lists->table = table;
    lists->table_size = size;
    for (size_t i = 0; i < lists->ticker_count; i++)
        lists->table[slot_of(lists, td_str_of(lists->tickers[i]))] = (uint32_t)i + 1;
    return TD_OK;
}

static enum td_code number_of(struct rank_lists *lists, struct td_str ticker, uint32_t *out, struct td_err *err)
{
    enum td_code code = lists->ticker_count * 2 >= lists->table_size ? grow_table(lists, err) : TD_OK;
    if (code != TD_OK)
        return code;
    size_t at = slot_of(lists, ticker);
    if (!lists->table[at]) {
        code = td_grow(&lists->tickers, &lists->ticker_cap, lists->ticker_count + 1, sizeof *lists->tickers, err);
        if (code != TD_OK)
            return code;
        memcpy(lists->tickers[lists->ticker_count], ticker.ptr, ticker.len); /* a checked ticker is shorter than its place */
        lists->tickers[lists->ticker_count][ticker.len] = 0;
        lists->table[at] = (uint32_t)++lists->ticker_count;
    }
    *out = lists->table[at] - 1;
    return TD_OK;
}

/* ---- reading lists ---- */

static enum td_code check_rules(const struct td_watch_brief *brief, const struct rank_want *want, td_day day, struct td_err *err)
{
    char text[16];
    td_format_day(day, text);
    if (strcmp(brief->preset, want->preset) != 0)
        return td_fail(err, TD_DATA,
                       "watchlist of %s was built from a cache of preset '%s', now it is '%s'; rankings never mix: run 'tapedeck universe "
                       "build -s %s' to rebuild it",
                       text, brief->preset, want->preset, text);
    if (strcmp(brief->thresholds, want->thresholds) != 0)
        return td_fail(err, TD_DATA,
                       "watchlist of %s was built with other thresholds (%s, now %s); rankings never mix: run 'tapedeck universe "
                       "build -s %s' to rebuild it",
                       text, brief->thresholds, want->thresholds, text);
    return TD_OK;
}

static enum td_code load_list(struct rank_lists *lists, struct td_watch_reader *reader, const struct rank_want *want,
                              struct rank_list *list, struct td_err *err)
{
    struct td_watch_brief brief;
    enum td_code code = td_watch_reader_read(reader, list->day, false, &brief, err);
    if (code == TD_OK)
        code = check_rules(&brief, want, list->day, err);
    if (code != TD_OK)
        return code;
    list->marks = td_malloc((brief.n + 1) * sizeof *list->marks);
    if (!list->marks)
        return td_fail(err, TD_NOMEM, "out of memory: a list of %zu tickers", brief.n);
    for (size_t i = 0; code == TD_OK && i < brief.n; i++) {
        uint32_t number = 0;
        if (brief.flags[i] & TD_FLAG(PARTIAL_SESSION)) /* a running session serves no ranking */
            continue;
        code = number_of(lists, brief.ticker[i], &number, err);
        list->marks[list->count++] = number * 2 + (brief.info_rich[i] == 1);
    }
    return code;
}

enum td_code rank_lists_load(const struct td_lake *lake, const td_day *days, size_t count, const struct rank_want *want,
                             struct rank_lists **out, struct td_err *err)
{
    struct rank_lists *lists = td_calloc(1, sizeof *lists);
    struct td_watch_reader *reader = NULL;
    *out = NULL;
    if (!lists || !(lists->lists = td_calloc(count + 1, sizeof *lists->lists))) {
        rank_lists_free(lists);
        return td_fail(err, TD_NOMEM, "out of memory: rankings over %zu lists", count);
    }
    enum td_code code = td_watch_reader_new(lake, &reader, err);
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        lists->lists[i].day = days[i];
        lists->count++;
        code = load_list(lists, reader, want, &lists->lists[i], err);
    }
    td_watch_reader_free(reader);
    if (code == TD_OK)
        *out = lists;
    else
        rank_lists_free(lists);
    return code;
}

/* ---- counting ---- */

static enum td_code nothing_to_rank(const struct rank_lists *lists, td_day as_of, struct td_err *err)
{
    char day[16], first[16] = "none", last[16] = "none";
    td_format_day(as_of, day);
    if (lists->count) {
        td_format_day(lists->lists[0].day, first);
        td_format_day(lists->lists[lists->count - 1].day, last);
    }
    return td_fail(err, TD_MISSING, "no watchlist lies in the %d sessions that end at %s; there are lists of %s..%s", UNIVERSE_WINDOW, day,
                   first, last);
}

enum td_code rank_window(const struct rank_lists *lists, td_day as_of, struct td_topn_row **rows, size_t *count, uint32_t *covered,
                         struct td_err *err)
{
    int32_t last = td_cal_index_at_or_before(as_of);
    td_day first = last - UNIVERSE_WINDOW + 1 >= 0 ? td_cal_day(last - UNIVERSE_WINDOW + 1) : td_cal_first();
    struct td_topn_row *all = td_calloc(lists->ticker_count + 1, sizeof *all);
    *rows = NULL;
    *count = *covered = 0;
    if (!all)
        return td_fail(err, TD_NOMEM, "out of memory: a ranking of %zu tickers", lists->ticker_count);
    for (size_t i = 0; i < lists->ticker_count; i++)
        all[i].last_seen = TD_NO_DAY;
    for (size_t d = 0; d < lists->count; d++) {
        const struct rank_list *list = &lists->lists[d];
        if (list->day < first || list->day > as_of)
            continue;
        ++*covered;
        for (size_t i = 0; i < list->count; i++) {
            struct td_topn_row *row = &all[list->marks[i] / 2];
            row->days_info_rich_252 += list->marks[i] & 1;
            row->last_seen = list->day;
        }
    }
    if (!*covered) {
        td_free(all);
        return nothing_to_rank(lists, as_of, err);
    }
    for (size_t i = 0; i < lists->ticker_count; i++)
        if (all[i].last_seen != TD_NO_DAY) {
            all[*count] = all[i];
            td_copy(all[*count].ticker, sizeof all[*count].ticker, lists->tickers[i]);
            all[*count].sessions_covered = *covered;
            ++*count;
        }
    if (*count > 1)
        qsort(all, *count, sizeof *all, td_topn_compare);
    for (size_t i = 0; i < *count; i++)
        all[i].rank = (uint32_t)i + 1;
    *rows = all;
    return TD_OK;
}
