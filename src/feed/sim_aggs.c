/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's range aggregates: /v2/aggs/ticker/T/range/MULTIPLIER/TIMESPAN/FROM/TO, paged by base bars. */
#include <string.h>

#include "sim_server.h"

struct query {
    const struct sim_ticker *ticker; /* NULL: unknown, an empty answer */
    bool daily, adjusted, descending;
    int64_t width;    /* of a result in ms; 0 for days */
    int64_t from, to; /* UTC ms, inclusive */
    size_t limit;     /* base bars, as asked for */
    size_t page;      /* base bars of this page at most */
};
struct page {
    const struct sim_request *request;
    struct td_buf *body;
    size_t base, rows;
    bool open; /* `bucket` holds base bars that are not written yet */
    struct sim_bar bucket;
    double dollars; /* of the bucket: volume x vwap in their integer units */
    size_t bucket_base;
    int64_t next; /* start of the next page, or INT64_MIN */
};

static bool parse_time(const char *text, bool end, int64_t unit, int64_t *out)
{
    td_day day;
    int64_t ms;
    int32_t of_day;
    if (td_parse_day(text, strlen(text), &day)) {
        *out = end ? td_ny_midnight(day + 1) - 1 : td_ny_midnight(day);
        return true;
    }
    if (!td_parse_i64(text, strlen(text), &ms) || ms < 0 || ms > INT64_C(4102444800000))
        return false;
    td_ny_split(ms, &day, &of_day);
    if (!unit) { /* days */
        *out = end ? td_ny_midnight(day + 1) - 1 : td_ny_midnight(day);
    } else {
        int64_t start = ms - of_day % unit;
        *out = end ? start + unit - 1 : start;
    }
    return true;
}

static bool parse_flag(const struct sim_request *request, const char *name, bool standard, bool *out)
{
    char text[16];
    *out = standard;
    return !td_sim_param(request, name, text, sizeof text) || td_parse_bool(text, strlen(text), out);
}

/* NULL, or what is wrong in the vendor's words. */
static const char *parse_span(const struct sim_request *request, struct query *query)
{
    int64_t multiplier, unit;
    const char *const *part = request->parts, *span = part[6];
    if (!td_parse_i64(part[5], strlen(part[5]), &multiplier) || multiplier < 1 || multiplier > 1440)
        return "The parameter 'multiplier' must be a positive whole number";
    query->daily = strcmp(span, "day") == 0;
    if (query->daily && multiplier != 1)
        return "Only one day at a time is simulated";
    if (!query->daily && strcmp(span, "minute") != 0 && strcmp(span, "hour") != 0)
        return "Could not parse the parameter 'timespan': minute, hour and day are simulated";
    unit = strcmp(span, "hour") == 0 ? 60 : 1;
    if (multiplier * unit > 1440)
        return "The parameter 'multiplier' exceeds a day";
    query->width = query->daily ? 0 : multiplier * unit * TD_MS_MINUTE;
    if (!parse_time(part[7], false, query->width, &query->from))
        return "Could not parse the time parameter: 'from'. Use YYYY-MM-DD or Unix MS Timestamps";
    if (!parse_time(part[8], true, query->width, &query->to))
        return "Could not parse the time parameter: 'to'. Use YYYY-MM-DD or Unix MS Timestamps";
    if (query->to < query->from)
        return "The parameter 'to' cannot be a time that occurs before 'from'";
    return NULL;
}

static const char *parse_query(const struct sim_request *request, struct query *query)
{
    char text[32];
    int64_t limit = 5000;
    const char *wrong = parse_span(request, query);
    if (wrong)
        return wrong;
    if (td_sim_param(request, "limit", text, sizeof text) && (!td_parse_i64(text, strlen(text), &limit) || limit < 1))
        return "Could not parse the parameter 'limit'";
    query->limit = (size_t)(limit > 50000 ? 50000 : limit);
    if (!parse_flag(request, "adjusted", true, &query->adjusted))
        return "Could not parse the parameter 'adjusted'";
    query->descending = td_sim_param(request, "sort", text, sizeof text) && strcmp(text, "desc") == 0;
    if (td_sim_param(request, "sort", text, sizeof text) && strcmp(text, "asc") != 0 && strcmp(text, "desc") != 0)
        return "Could not parse the parameter 'sort': asc or desc";
    double cap = request->sim->fault[SIM_FAULT_PAGE];
    size_t most = cap >= 1 ? (size_t)cap : SIM_PAGE_ROWS;
    size_t whole = query->daily ? 1 : (size_t)(query->width / TD_MS_MINUTE); /* a page holds at least one result */
    query->page = query->limit < most ? query->limit : most;
    query->page = query->page < whole ? whole : query->page;
    query->ticker = td_sim_find(request->sim, request->parts[3]);
    return NULL;
}

static void write_row(struct page *page, const struct sim_bar *bar)
{
    char row[SIM_ROW_MAX];
    if (page->rows++)
        td_buf_addc(page->body, ',');
    td_buf_add(page->body, row, td_sim_row(page->request, NULL, bar, row));
}

static void close_bucket(struct page *page)
{
    if (!page->open)
        return;
    if (page->bucket.volume > 0 && page->bucket_base > 1)
        page->bucket.vwap = llround(page->dollars / (double)page->bucket.volume);
    write_row(page, &page->bucket);
    page->open = false;
}

static int64_t bucket_start(const struct query *query, const struct sim_bar *bar)
{
    td_day day;
    int32_t of_day;
    if (query->width <= TD_MS_MINUTE)
        return bar->ts;
    td_ny_split(bar->ts, &day, &of_day);
    return bar->ts - of_day % query->width;
}

static void add_to_bucket(struct page *page, const struct sim_bar *bar, int64_t start, bool descending)
{
    struct sim_bar *into = &page->bucket;
    if (!page->open) {
        *into = *bar;
        into->ts = start;
        page->open = true;
        page->dollars = (double)bar->volume * (double)bar->vwap;
        page->bucket_base = 1;
        return;
    }
    into->high = bar->high > into->high ? bar->high : into->high;
    into->low = bar->low < into->low ? bar->low : into->low;
    into->open = descending ? bar->open : into->open;
    into->close = descending ? into->close : bar->close;
    into->volume += bar->volume;
    into->trades += bar->trades;
    page->dollars += (double)bar->volume * (double)bar->vwap;
    page->bucket_base++;
}

/* Take one base bar; false when the page is full. A result that would be cut goes to the next page. */
static bool take(struct page *page, const struct query *query, const struct sim_bar *bar)
{
    int64_t start = bucket_start(query, bar);
    bool same = page->open && page->bucket.ts == start;
    if (page->base == query->page) {
        page->next = start;
        if (same) {
            page->open = false;
            page->base -= page->bucket_base;
        }
        close_bucket(page);
        return false;
    }
    if (!same)
        close_bucket(page);
    page->base++;
    add_to_bucket(page, bar, start, query->descending);
    return true;
}

static bool take_session(struct page *page, const struct query *query, int32_t session, struct sim_bars *bars)
{
    struct sim_plan plan;
    if (!td_sim_plan(page->request->sim, query->ticker, session, &plan))
        return true;
    td_sim_bars(page->request->sim, &plan, bars);
    if (query->daily)
        bars->n = td_sim_daily(&plan, bars, &bars->items[0]) ? 1 : 0;
    bool more = true;
    for (size_t i = 0; more && i < bars->n; i++) {
        struct sim_bar bar = bars->items[query->descending ? bars->n - 1 - i : i];
        if (bar.ts < query->from || bar.ts > query->to)
            continue;
        if (query->adjusted)
            td_sim_adjust(query->ticker, plan.session.day, &bar);
        more = take(page, query, &bar);
    }
    return more;
}

static void take_range(struct page *page, const struct query *query, struct sim_bars *bars)
{
    const struct td_sim *sim = page->request->sim;
    td_day from, to;
    int32_t ms, first = query->daily ? sim->first_daily : sim->first_minute, last = sim->last;
    td_ny_split(query->from, &from, &ms);
    td_ny_split(query->to, &to, &ms);
    from = from > td_sim_day(first) ? from : td_sim_day(first);
    to = to < td_sim_day(last) ? to : td_sim_day(last);
    if (from > to)
        return;
    int32_t number = td_sim_number(td_cal_day(td_cal_index_at_or_after(from)));
    int32_t end = td_sim_number(td_cal_day(td_cal_index_at_or_before(to)));
    bool more = true;
    for (; more && number <= end; query->descending ? end-- : number++)
        more = take_session(page, query, query->descending ? end : number, bars);
    if (more)
        close_bucket(page);
}

/* Where the next page starts: `from` becomes the time of its first bar (`to`, its last, when the order is descending).
 */
static void finish(const struct sim_request *request, struct sim_answer *answer, const struct query *query,
                   const struct page *page)
{
    char cursor[128], path_ms[32];
    struct td_buf path;
    bool again = request->fault[SIM_FAULT_CURSOR] && page->rows > 0;
    td_buf_init(&path, 2048);
    path_ms[td_format_i64(page->next, path_ms)] = '\0';
    td_buf_adds(&path, "/v2/aggs/ticker/");
    td_sim_escape(&path, request->parts[3]);
    bool ms_from = !again && !query->descending, ms_to = !again && query->descending;
    td_buf_printf(&path, "/range/%s/%s/%s/%s", request->parts[5], request->parts[6],
                  ms_from ? path_ms : request->parts[7], ms_to ? path_ms : request->parts[8]);
    td_snprintf(cursor, sizeof cursor, "limit=%zu&sort=%s&adjusted=%s", query->limit,
                query->descending ? "desc" : "asc", query->adjusted ? "true" : "false");
    bool more = page->next != INT64_MIN || again;
    td_buf_printf(&answer->body, "\"queryCount\":%zu,\"resultsCount\":%zu,", page->base, page->rows);
    td_sim_close(request, answer, page->rows, more ? path.data : NULL, cursor);
    answer->body.failed |= path.failed;
    td_buf_free(&path);
}

void td_sim_aggs(const struct sim_request *request, struct sim_answer *answer)
{
    struct query query = {0};
    const char *wrong = parse_query(request, &query);
    if (wrong) {
        td_sim_error(request, answer, 400, wrong);
        return;
    }
    struct sim_bars *bars = td_malloc(sizeof *bars);
    if (!bars) {
        answer->body.failed = true;
        return;
    }
    struct page page = {.request = request, .body = &answer->body, .next = INT64_MIN};
    td_buf_adds(&answer->body, "{\"ticker\":");
    td_buf_json(&answer->body, request->parts[3], strlen(request->parts[3]));
    td_buf_printf(&answer->body, ",\"adjusted\":%s,", query.adjusted ? "true" : "false");
    size_t before = answer->body.len;
    td_buf_adds(&answer->body, "\"results\":[");
    if (query.ticker)
        take_range(&page, &query, bars);
    if (page.rows) {
        td_buf_adds(&answer->body, "],");
    } else { /* an empty answer has no results at all */
        answer->body.len = answer->body.failed ? 0 : before;
    }
    finish(request, answer, &query, &page);
    td_free(bars);
}
