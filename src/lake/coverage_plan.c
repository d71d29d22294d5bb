/* SPDX-License-Identifier: GPL-3.0-or-later
 * coverage_plan: from holes to the commands that fill them. What shares the months (daily bars: the years) of its holes shares
 * commands, since a request brings a ticker's whole month or year anyway. */
#include <stdlib.h>
#include <string.h>
#include "lake_internal.h"

struct span { /* a run of units with holes of one ticker */
    size_t ticker;
    int32_t first, last; /* units: months, years for daily bars */
    td_day from, to;     /* first and last unknown session */
    uint64_t unknown, requests;
};
struct spans {
    struct span *items;
    size_t count, cap;
};

static int32_t unit_of(enum td_table table, int32_t month)
{
    return table == TD_STOCKS_DAILY ? month / 12 : month;
}

void td_coverage_command(const struct td_coverage *coverage, size_t ticker, size_t month, struct td_buf *out, const char **why)
{
    static const char *const reasons[] = {
        [TD_FILL_INGEST] = "",
        [TD_FILL_IMPORT] = "the month was imported, and sources never mix: a file that holds the missing days is needed",
        [TD_FILL_REPAIR] = "the month's file cannot be read: move it away first ('tapedeck status --verify' names it)",
    };
    const struct td_coverage_counts n = td_coverage_count(coverage, ticker, month);
    enum td_coverage_fill fill = coverage->cells[ticker * coverage->months + month].fill;
    char from[16], to[16];
    td_buf_clear(out);
    if (why)
        *why = n.unknown ? reasons[fill] : "";
    if (!n.unknown)
        return;
    td_format_day(n.hole_from, from);
    td_format_day(n.hole_to, to);
    if (fill == TD_FILL_IMPORT)
        td_buf_printf(out, "import FILE --as %s --ticker %s", td_table_name(coverage->table), coverage->tickers.items[ticker]);
    else
        td_buf_printf(out, "ingest -t %s -s %s -e %s --tickers %s", td_table_name(coverage->table), from, to,
                      coverage->tickers.items[ticker]);
}

/* The holes of one ticker, those of neighbouring units as one span. */
static enum td_code ticker_spans(const struct td_coverage *map, size_t ticker, struct spans *spans, uint64_t *other,
                                 struct td_err *err)
{
    struct span *open = NULL;
    for (size_t m = 0; m < map->months; m++) {
        const struct td_coverage_counts n = td_coverage_count(map, ticker, m);
        int32_t unit = unit_of(map->table, map->month + (int32_t)m);
        if (!n.unknown)
            continue;
        if (map->cells[ticker * map->months + m].fill != TD_FILL_INGEST) {
            ++*other;
            continue;
        }
        if (!open || unit > open->last + 1) {
            enum td_code code = td_grow(&spans->items, &spans->cap, spans->count + 1, sizeof *spans->items, err);
            if (code != TD_OK)
                return code;
            open = &spans->items[spans->count++];
            *open = (struct span){.ticker = ticker, .first = unit, .last = unit - 1, .from = n.hole_from};
        }
        open->requests += unit != open->last;
        open->last = unit;
        open->to = n.hole_to;
        open->unknown += n.unknown;
    }
    return TD_OK;
}

/* The newest first, so that today's lists are whole first; of equal ends the shorter one; then by ticker. */
static int compare_spans(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->last != y->last)
        return x->last > y->last ? -1 : 1;
    if (x->first != y->first)
        return x->first > y->first ? -1 : 1;
    return (x->ticker > y->ticker) - (x->ticker < y->ticker);
}

/* A command for spans [from, to), all of the same units; one ticker's is as narrow as its hole. */
static enum td_code add_command(const struct td_coverage *map, const struct span *spans, size_t from, size_t to,
                                struct td_backfill_plan *out, struct td_err *err)
{
    struct td_buf text;
    char first[16], last[16];
    struct td_backfill item = {.from = spans[from].from, .to = spans[from].to, .tickers = to - from};
    for (size_t i = from; i < to; i++) {
        item.from = spans[i].from < item.from ? spans[i].from : item.from;
        item.to = spans[i].to > item.to ? spans[i].to : item.to;
        item.unknown += spans[i].unknown;
        item.requests += spans[i].requests;
    }
    td_format_day(item.from, first);
    td_format_day(item.to, last);
    td_buf_init(&text, 1 << 20);
    td_buf_printf(&text, "ingest -t %s -s %s -e %s --incremental --tickers ", td_table_name(map->table), first, last);
    for (size_t i = from; i < to; i++)
        td_buf_printf(&text, "%s%s", i > from ? "," : "", map->tickers.items[spans[i].ticker]);
    enum td_code code = td_buf_check(&text, "a command line", err);
    if (code == TD_OK)
        code = td_grow(&out->items, &out->cap, out->count + 1, sizeof *out->items, err);
    if (code == TD_OK) {
        item.command = text.data; /* handed over */
        text = (struct td_buf){0};
        out->items[out->count++] = item;
        out->unknown += item.unknown;
        out->requests += item.requests;
    }
    td_buf_free(&text);
    return code;
}

static enum td_code add_commands(const struct td_coverage *map, const struct spans *spans, size_t max_line,
                                 struct td_backfill_plan *out, struct td_err *err)
{
    const size_t lead = 96; /* longer than everything before the tickers */
    enum td_code code = TD_OK;
    for (size_t i = 0, next; code == TD_OK && i < spans->count; i = next) {
        size_t len = lead;
        for (next = i; next < spans->count; next++) {
            const struct span *span = &spans->items[next];
            size_t more = strlen(map->tickers.items[span->ticker]) + 1;
            if (span->first != spans->items[i].first || span->last != spans->items[i].last || (next > i && len + more > max_line))
                break;
            len += more;
        }
        code = add_command(map, spans->items, i, next, out, err);
    }
    return code;
}

enum td_code td_coverage_plan(const struct td_coverage *coverage, size_t max_line, struct td_backfill_plan *out, struct td_err *err)
{
    struct spans spans = {0};
    enum td_code code = TD_OK;
    *out = (struct td_backfill_plan){0};
    for (size_t i = 0; code == TD_OK && i < coverage->tickers.count; i++)
        code = ticker_spans(coverage, i, &spans, &out->other, err);
    if (code == TD_OK && spans.count > 1)
        qsort(spans.items, spans.count, sizeof *spans.items, compare_spans);
    if (code == TD_OK)
        code = add_commands(coverage, &spans, max_line, out, err);
    td_free(spans.items);
    if (code != TD_OK)
        td_backfill_free(out);
    return code;
}

void td_backfill_free(struct td_backfill_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        td_free(plan->items[i].command);
    td_free(plan->items);
    *plan = (struct td_backfill_plan){0};
}
