/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's own endpoints, open to everybody: the tickers there are, and the totals it would serve. */
#include <string.h>

#include "sim_server.h"

struct tally {
    uint64_t bars;
    int64_t volume, trades; /* volume in millionths of a share */
    int64_t first, last;
};

void td_sim_names(const struct sim_request *request, struct sim_answer *answer)
{
    char format[16];
    bool text = td_sim_param(request, "format", format, sizeof format) && strcmp(format, "text") == 0;
    const struct td_sim *sim = request->sim;
    if (!text)
        td_buf_adds(&answer->body, "{\"results\":[");
    for (size_t i = 0; i < sim->count; i++) {
        const char *name = sim->tickers[i].name;
        if (text) {
            td_buf_printf(&answer->body, "%s\n", name);
        } else {
            td_buf_adds(&answer->body, i ? "," : "");
            td_buf_json(&answer->body, name, strlen(name));
        }
    }
    if (!text)
        td_buf_printf(&answer->body, "],\"status\":\"OK\",\"count\":%zu}", sim->count);
    else
        answer->type = "text/plain";
}

static void add_bar(struct tally *tally, const struct sim_bar *bar)
{
    tally->first = tally->bars++ ? tally->first : bar->ts;
    tally->last = bar->ts;
    tally->volume += bar->volume;
    tally->trades += bar->trades;
}

static void count_ticker(const struct td_sim *sim, const struct sim_ticker *ticker, bool daily, int32_t from,
                         int32_t to, struct sim_bars *bars, struct tally *tally)
{
    struct sim_plan plan;
    for (int32_t session = from; session <= to; session++) {
        if (!td_sim_plan(sim, ticker, session, &plan))
            continue;
        td_sim_bars(sim, &plan, bars);
        if (daily)
            bars->n = td_sim_daily(&plan, bars, &bars->items[0]) ? 1 : 0;
        for (size_t i = 0; i < bars->n; i++)
            add_bar(tally, &bars->items[i]);
    }
}

static void write_tally(struct td_buf *out, const struct tally *tally)
{
    char volume[32];
    volume[td_sim_decimal(volume, tally->volume, 6)] = '\0';
    td_buf_printf(out, "\"bars\":%llu,\"volume\":%s,\"trades\":%lld", (unsigned long long)tally->bars, volume,
                  (long long)tally->trades);
    if (tally->bars)
        td_buf_printf(out, ",\"first\":%lld,\"last\":%lld", (long long)tally->first, (long long)tally->last);
}

static bool parse_range(const struct sim_request *request, bool daily, int32_t *from, int32_t *to)
{
    const struct td_sim *sim = request->sim;
    char text[16];
    td_day first = td_sim_day(daily ? sim->first_daily : sim->first_minute), last = td_sim_day(sim->last), day;
    if (td_sim_param(request, "from", text, sizeof text)) {
        if (!td_parse_day(text, strlen(text), &day))
            return false;
        first = day > first ? day : first;
    }
    if (td_sim_param(request, "to", text, sizeof text)) {
        if (!td_parse_day(text, strlen(text), &day))
            return false;
        last = day < last ? day : last;
    }
    *from = 1;
    *to = 0;
    if (first <= last) {
        *from = td_sim_number(td_cal_day(td_cal_index_at_or_after(first)));
        *to = td_sim_number(td_cal_day(td_cal_index_at_or_before(last)));
    }
    return true;
}

void td_sim_truth(const struct sim_request *request, struct sim_answer *answer)
{
    char table[32] = "stocks_minute", only[TD_TICKER_MAX] = "";
    const struct td_sim *sim = request->sim;
    int32_t from, to;
    td_sim_param(request, "table", table, sizeof table);
    td_sim_param(request, "ticker", only, sizeof only);
    bool daily = strcmp(table, "stocks_daily") == 0;
    if (!daily && strcmp(table, "stocks_minute") != 0) {
        td_sim_error(request, answer, 400, "The parameter 'table' is stocks_minute or stocks_daily");
        return;
    }
    if (!parse_range(request, daily, &from, &to)) {
        td_sim_error(request, answer, 400, "Could not parse 'from' or 'to'. Use YYYY-MM-DD");
        return;
    }
    struct sim_bars *bars = td_malloc(sizeof *bars);
    struct tally total = {0};
    size_t count = 0;
    answer->body.failed |= !bars;
    td_buf_printf(&answer->body, "{\"table\":\"%s\",\"results\":[", table);
    for (size_t i = 0; bars && i < sim->count; i++) {
        struct tally tally = {0};
        if (*only && strcmp(only, sim->tickers[i].name) != 0)
            continue;
        count_ticker(sim, &sim->tickers[i], daily, from, to, bars, &tally);
        td_buf_adds(&answer->body, count++ ? ",{\"ticker\":" : "{\"ticker\":");
        td_buf_json(&answer->body, sim->tickers[i].name, strlen(sim->tickers[i].name));
        td_buf_addc(&answer->body, ',');
        write_tally(&answer->body, &tally);
        td_buf_addc(&answer->body, '}');
        total.first = total.bars == 0 || (tally.bars && tally.first < total.first) ? tally.first : total.first;
        total.last = tally.last > total.last ? tally.last : total.last;
        total.bars += tally.bars;
        total.volume += tally.volume;
        total.trades += tally.trades;
    }
    td_buf_adds(&answer->body, "],\"total\":{");
    write_tally(&answer->body, &total);
    td_buf_printf(&answer->body, "},\"status\":\"OK\",\"count\":%zu}", count);
    td_free(bars);
}
