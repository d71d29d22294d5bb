/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's reference data: list of tickers, details, symbol changes, announced splits. */
#include <stdlib.h>
#include <string.h>

#include "sim_server.h"

static const char *const suffixes[] = {"", ".gte", ".gt", ".lte", ".lt"};

/* Does a text stand where the filters `name`, `name.gte`, ... want it? Bytewise, which is right for dates too. */
static bool passes(const struct sim_request *request, const char *name, const char *value)
{
    for (size_t i = 0; i < TD_COUNT(suffixes); i++) {
        char key[48], wanted[64];
        td_snprintf(key, sizeof key, "%s%s", name, suffixes[i]);
        if (!td_sim_param(request, key, wanted, sizeof wanted))
            continue;
        int order = strcmp(value, wanted);
        bool good[] = {order == 0, order >= 0, order > 0, order <= 0, order < 0};
        if (!good[i])
            return false;
    }
    return true;
}

/* Everything that was asked, with the place where the next page starts: the text inside the next cursor. */
static void carry(const struct sim_request *request, const char *const *names, size_t count, const char *marker,
                  struct td_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < TD_COUNT(suffixes); k++) {
            char key[48], value[64];
            td_snprintf(key, sizeof key, "%s%s", names[i], suffixes[k]);
            if (!td_sim_param(request, key, value, sizeof value))
                continue;
            td_buf_printf(out, "%s=", key);
            td_sim_escape(out, value);
            td_buf_addc(out, '&');
        }
    }
    td_buf_adds(out, "page_marker=");
    td_sim_escape(out, marker);
}

static bool page_limit(const struct sim_request *request, size_t standard, size_t *out)
{
    char text[16];
    int64_t limit = (int64_t)standard;
    if (td_sim_param(request, "limit", text, sizeof text) && (!td_parse_i64(text, strlen(text), &limit) || limit < 1))
        return false;
    *out = (size_t)(limit > 1000 ? 1000 : limit);
    return true;
}

static bool descending(const struct sim_request *request, bool standard)
{
    char text[8];
    return td_sim_param(request, "order", text, sizeof text) ? strcmp(text, "desc") == 0 : standard;
}

/* Companies come and go under two roles' symbols; everybody else was here before and stays. */
static bool changes(const struct sim_ticker *ticker)
{
    return ticker->role == SIM_REUSED || ticker->role == SIM_RENAMED;
}

static int32_t last_alive(const struct sim_ticker *ticker, int32_t session)
{
    while (!td_sim_alive(ticker, session))
        session--;
    return session;
}

static int32_t asked_session(const struct sim_request *request)
{
    char text[16];
    td_day day;
    int32_t last = request->sim->last;
    if (!td_sim_param(request, "date", text, sizeof text) || !td_parse_day(text, strlen(text), &day))
        return last;
    int32_t index = day > td_cal_last() ? -1 : td_cal_index_at_or_before(day);
    int32_t number = index < 0 ? last : td_sim_number(td_cal_day(index));
    return number < last ? number : last;
}

static uint64_t company(const struct sim_ticker *ticker, int32_t session)
{
    uint64_t life = ticker->role == SIM_REUSED ? (uint64_t)td_sim_story_last(ticker, session) : 0;
    return sim_hash(ticker->key, 91, life);
}

static void write_company(const struct sim_request *request, struct td_buf *out, const struct sim_ticker *ticker,
                          int32_t session)
{
    char day[11];
    bool alive = td_sim_alive(ticker, session);
    uint64_t id = company(ticker, alive ? session : last_alive(ticker, session)) % 1000000000;
    td_buf_printf(out,
                  "{\"ticker\":\"%s\",\"name\":\"Simulated Company %llu\",\"market\":\"stocks\",\"locale\":\"us\","
                  "\"primary_exchange\":\"%s\",\"type\":\"%s\",\"active\":%s,\"currency_name\":\"usd\","
                  "\"cik\":\"%010llu\",\"composite_figi\":\"BBG%09llu\",\"share_class_figi\":\"BBS%09llu\"",
                  ticker->name, (unsigned long long)id, ticker->exchange, ticker->type, alive ? "true" : "false",
                  (unsigned long long)id, (unsigned long long)id, (unsigned long long)id);
    if (!alive) {
        td_format_day(td_sim_day(last_alive(ticker, session)), day);
        td_buf_printf(out, ",\"delisted_utc\":\"%.10sT00:00:00Z\"", day);
    }
    td_format_day(td_sim_day(request->sim->last), day);
    td_buf_printf(out, ",\"last_updated_utc\":\"%.10sT22:00:00Z\"", day);
}

static bool ticker_asked(const struct sim_request *request, const struct sim_ticker *ticker, int32_t session)
{
    char text[32], marker[TD_TICKER_MAX];
    bool active = true;
    if (td_sim_param(request, "active", text, sizeof text))
        td_parse_bool(text, strlen(text), &active);
    if (td_sim_param(request, "page_marker", marker, sizeof marker)) {
        int order = strcmp(ticker->name, marker);
        if (descending(request, false) ? order >= 0 : order <= 0)
            return false;
    }
    return active == td_sim_alive(ticker, session) && passes(request, "ticker", ticker->name) &&
           passes(request, "type", ticker->type) && passes(request, "exchange", ticker->exchange) &&
           (!td_sim_param(request, "market", text, sizeof text) || strcmp(text, "stocks") == 0);
}

void td_sim_list_tickers(const struct sim_request *request, struct sim_answer *answer)
{
    static const char *const carried[] = {"ticker", "type",  "exchange", "market", "active",
                                          "date",   "limit", "order",    "sort"};
    const struct td_sim *sim = request->sim;
    size_t limit, rows = 0;
    if (!page_limit(request, 100, &limit)) {
        td_sim_error(request, answer, 400, "Could not parse the parameter 'limit'");
        return;
    }
    int32_t session = asked_session(request);
    bool back = descending(request, false), more = false;
    const char *marker = "";
    td_buf_adds(&answer->body, "{\"results\":[");
    for (size_t i = 0; i < sim->count && !more; i++) {
        const struct sim_ticker *ticker = &sim->tickers[back ? sim->count - 1 - i : i];
        if (!ticker_asked(request, ticker, session))
            continue;
        more = rows == limit;
        if (more)
            break;
        td_buf_adds(&answer->body, rows++ ? "," : "");
        write_company(request, &answer->body, ticker, session);
        td_buf_addc(&answer->body, '}');
        marker = ticker->name;
    }
    struct td_buf cursor;
    td_buf_init(&cursor, 1000);
    carry(request, carried, TD_COUNT(carried), marker, &cursor);
    td_buf_adds(&answer->body, "],");
    td_sim_close(request, answer, rows, more ? "/v3/reference/tickers" : NULL, cursor.data);
    answer->body.failed |= cursor.failed;
    td_buf_free(&cursor);
}

void td_sim_details(const struct sim_request *request, struct sim_answer *answer)
{
    const struct sim_ticker *ticker = td_sim_find(request->sim, request->parts[3]);
    int32_t session = asked_session(request);
    struct sim_plan plan;
    if (!ticker || !td_sim_alive(ticker, session)) {
        td_sim_missing(request, answer, "Ticker not found.");
    } else {
        td_buf_adds(&answer->body, "{\"results\":");
        write_company(request, &answer->body, ticker, session);
        if (td_sim_plan(request->sim, ticker, session, &plan) && strcmp(ticker->type, "ETF") != 0) {
            double price = td_sim_exp(plan.knots[plan.knot_count - 2].level), turnover = ticker->dollars / price;
            int64_t shares = llround(turnover * (20 + 80 * sim_unit(company(ticker, session))));
            char cap[32];
            cap[td_sim_decimal(cap, llround((double)shares * price * 100), 2)] = '\0';
            td_buf_printf(&answer->body,
                          ",\"market_cap\":%s,\"share_class_shares_outstanding\":%lld,"
                          "\"weighted_shares_outstanding\":%lld,\"round_lot\":100",
                          cap, (long long)shares, (long long)shares);
        }
        td_buf_adds(&answer->body, "},");
        td_sim_close(request, answer, 1, NULL, NULL);
    }
}

static const struct sim_ticker *same_company(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session)
{
    for (size_t i = 0; i < sim->count; i++)
        if (sim->tickers[i].role == ticker->role && td_sim_alive(&sim->tickers[i], session))
            return &sim->tickers[i];
    return NULL;
}

static void write_change(struct td_buf *out, const char *symbol, const char *day, bool first)
{
    td_buf_printf(out, "%s{\"ticker_change\":{\"ticker\":\"%s\"},\"type\":\"ticker_change\",\"date\":\"%.10s\"}",
                  first ? "" : ",", symbol, day);
}

void td_sim_events(const struct sim_request *request, struct sim_answer *answer)
{
    const struct td_sim *sim = request->sim;
    const struct sim_ticker *ticker = td_sim_find(sim, request->parts[3]);
    char day[11];
    if (!ticker) {
        td_sim_missing(request, answer, "Ticker not found.");
        return;
    }
    int32_t session = last_alive(ticker, sim->last);
    uint64_t id = company(ticker, session) % 1000000000;
    td_buf_printf(&answer->body,
                  "{\"results\":{\"name\":\"Simulated Company %llu\",\"composite_figi\":\"BBG%09llu\","
                  "\"cik\":\"%010llu\",\"events\":[",
                  (unsigned long long)id, (unsigned long long)id, (unsigned long long)id);
    if (ticker->role == SIM_RENAMED) { /* newest first, back to the symbol that the market starts with */
        const struct sim_ticker *now = same_company(sim, ticker, sim->last);
        bool first = true;
        for (int32_t at = sim->last; now && at >= sim->first_daily; first = false) {
            int32_t turn = td_sim_story_last(now, at);
            td_format_day(td_sim_day(turn), day);
            write_change(&answer->body, now->name, day, first);
            at = turn - 1;
            now = same_company(sim, ticker, at);
        }
    } else {
        td_day listed =
            changes(ticker) ? td_sim_day(td_sim_story_last(ticker, session)) : td_day_from_civil(2015, 1, 2);
        td_format_day(listed, day);
        write_change(&answer->body, ticker->name, day, true);
    }
    td_buf_adds(&answer->body, "]},");
    td_sim_close(request, answer, 1, NULL, NULL);
}

struct split_row {
    td_day day;
    double factor;
    const char *ticker;
};

static int by_day(const void *a, const void *b)
{
    const struct split_row *x = a, *y = b;
    return x->day != y->day ? (x->day > y->day) - (x->day < y->day) : strcmp(x->ticker, y->ticker);
}

static bool split_asked(const struct sim_request *request, const struct split_row *row)
{
    char day[11], text[16];
    bool reverse = row->factor < 1;
    td_format_day(row->day, day);
    day[10] = '\0';
    if (td_sim_param(request, "reverse_split", text, sizeof text))
        td_parse_bool(text, strlen(text), &reverse);
    return reverse == (row->factor < 1) && passes(request, "ticker", row->ticker) &&
           passes(request, "execution_date", day);
}

/* All announced splits, oldest first; free with td_free. */
static struct split_row *all_splits(const struct td_sim *sim, size_t *count)
{
    size_t total = 0;
    for (size_t i = 0; i < sim->count; i++)
        total += sim->tickers[i].split_count;
    struct split_row *rows = td_calloc(total ? total : 1, sizeof *rows);
    *count = 0;
    for (size_t i = 0; rows && i < sim->count; i++)
        for (size_t k = 0; k < sim->tickers[i].split_count; k++)
            rows[(*count)++] = (struct split_row){sim->tickers[i].splits[k].day, sim->tickers[i].splits[k].factor,
                                                  sim->tickers[i].name};
    if (rows)
        qsort(rows, *count, sizeof *rows, by_day);
    return rows;
}

static void write_split(struct td_buf *out, const struct split_row *row, bool first)
{
    char day[11];
    long long up = row->factor >= 1 ? llround(row->factor) : 1, down = row->factor >= 1 ? 1 : llround(1 / row->factor);
    td_format_day(row->day, day);
    td_buf_printf(out,
                  "%s{\"id\":\"E%08x%s\",\"ticker\":\"%s\",\"execution_date\":\"%.10s\",\"split_from\":%lld,"
                  "\"split_to\":%lld}",
                  first ? "" : ",", (unsigned)row->day, row->ticker, row->ticker, day, down, up);
}

void td_sim_list_splits(const struct sim_request *request, struct sim_answer *answer)
{
    static const char *const carried[] = {"ticker", "execution_date", "reverse_split", "limit", "order", "sort"};
    size_t limit, count, rows = 0, i = 0;
    char text[24];
    int64_t start = 0;
    if (!page_limit(request, 10, &limit) || (td_sim_param(request, "page_marker", text, sizeof text) &&
                                             (!td_parse_i64(text, strlen(text), &start) || start < 0))) {
        td_sim_error(request, answer, 400, "Could not parse the parameter 'limit'");
        return;
    }
    struct split_row *splits = all_splits(request->sim, &count);
    answer->body.failed |= !splits;
    bool back = descending(request, true), more = false;
    td_buf_adds(&answer->body, "{\"results\":[");
    for (i = (size_t)start; splits && i < count; i++) {
        const struct split_row *row = &splits[back ? count - 1 - i : i];
        if (!split_asked(request, row))
            continue;
        more = rows == limit;
        if (more)
            break;
        write_split(&answer->body, row, rows++ == 0);
    }
    struct td_buf cursor;
    td_buf_init(&cursor, 1000);
    td_snprintf(text, sizeof text, "%zu", i);
    carry(request, carried, TD_COUNT(carried), text, &cursor);
    td_buf_adds(&answer->body, "],");
    td_sim_close(request, answer, rows, more ? "/v3/reference/splits" : NULL, cursor.data);
    answer->body.failed |= cursor.failed;
    td_buf_free(&cursor);
    td_free(splits);
}
