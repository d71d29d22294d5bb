/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's day answers: all tickers of one date, and the previous day of one ticker. Unlike in range
 * bars, `t` is here the end of the session, 16:00 New York. */
#include <string.h>

#include "sim_server.h"

#define SIM_CLOSE_MS (16 * 60 * TD_MS_MINUTE)

static bool day_bar(const struct sim_request *request, const struct sim_ticker *ticker, int32_t session, bool adjusted,
                    struct sim_bars *scratch, struct sim_bar *out)
{
    struct sim_plan plan;
    if (session < request->sim->first_daily || session > request->sim->last ||
        !td_sim_plan(request->sim, ticker, session, &plan))
        return false;
    td_sim_bars(request->sim, &plan, scratch);
    if (!td_sim_daily(&plan, scratch, out))
        return false;
    if (adjusted)
        td_sim_adjust(ticker, plan.session.day, out);
    out->ts += SIM_CLOSE_MS;
    return true;
}

static bool is_adjusted(const struct sim_request *request)
{
    char text[16];
    bool adjusted = true;
    if (td_sim_param(request, "adjusted", text, sizeof text))
        td_parse_bool(text, strlen(text), &adjusted);
    return adjusted;
}

/* Ends a list of rows that started at `start` of the body. */
static void end_rows(const struct sim_request *request, struct sim_answer *answer, size_t start, size_t rows)
{
    if (rows)
        td_buf_adds(&answer->body, "],");
    else if (!answer->body.failed)
        answer->body.len = start;
    td_buf_printf(&answer->body, "\"queryCount\":%zu,\"resultsCount\":%zu,", rows, rows);
    td_sim_close(request, answer, rows, NULL, NULL);
}

void td_sim_grouped(const struct sim_request *request, struct sim_answer *answer)
{
    const struct td_sim *sim = request->sim;
    const char *text = request->parts[7];
    bool adjusted = is_adjusted(request);
    size_t rows = 0;
    td_day day;
    if (!td_parse_day(text, strlen(text), &day)) {
        td_sim_error(request, answer, 400, "Could not parse the date. Use YYYY-MM-DD");
        return;
    }
    struct sim_bars *scratch = td_malloc(sizeof *scratch);
    answer->body.failed |= !scratch;
    td_buf_printf(&answer->body, "{\"adjusted\":%s,", adjusted ? "true" : "false");
    size_t start = answer->body.len;
    td_buf_adds(&answer->body, "\"results\":[");
    for (size_t i = 0; scratch && i < sim->count; i++) {
        char row[SIM_ROW_MAX];
        struct sim_bar bar;
        if (!day_bar(request, &sim->tickers[i], td_sim_number(day), adjusted, scratch, &bar))
            continue;
        td_buf_adds(&answer->body, rows++ ? "," : "");
        td_buf_add(&answer->body, row, td_sim_row(request, sim->tickers[i].name, &bar, row));
    }
    end_rows(request, answer, start, rows);
    td_free(scratch);
}

void td_sim_previous(const struct sim_request *request, struct sim_answer *answer)
{
    const struct sim_ticker *ticker = td_sim_find(request->sim, request->parts[3]);
    bool adjusted = is_adjusted(request);
    char row[SIM_ROW_MAX];
    struct sim_bar bar;
    struct sim_bars *scratch = td_malloc(sizeof *scratch);
    answer->body.failed |= !scratch;
    bool any = scratch && ticker && day_bar(request, ticker, request->sim->last, adjusted, scratch, &bar);
    td_buf_adds(&answer->body, "{\"ticker\":");
    td_buf_json(&answer->body, request->parts[3], strlen(request->parts[3]));
    td_buf_printf(&answer->body, ",\"adjusted\":%s,", adjusted ? "true" : "false");
    size_t start = answer->body.len;
    td_buf_adds(&answer->body, "\"results\":[");
    if (any)
        td_buf_add(&answer->body, row, td_sim_row(request, ticker->name, &bar, row));
    end_rows(request, answer, start, any);
    td_free(scratch);
}
