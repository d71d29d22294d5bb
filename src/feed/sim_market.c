/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated market itself: made from its options, asked for tickers, sessions, minutes, splits and reference data.
 */
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "sim_server.h"

#define SIM_MAX_TICKERS 20000
#define SIM_MAX_SESSIONS 5000

td_day td_sim_default_end(void)
{
    /* Late enough for a November of stories, fixed, and the last 30 sessions before it hold the half day of 2025-11-28
     * and the expiry Friday 2025-11-21; the 45 sessions of minute bars hold the clock change of 2025-11-02. */
    return td_day_from_civil(2025, 12, 5);
}

int32_t td_sim_number(td_day day)
{
    int32_t index = td_cal_index(day);
    return index < 0 ? -1 : index - td_cal_index(td_sim_default_end()) + SIM_ORIGIN;
}

td_day td_sim_day(int32_t session)
{
    int32_t index = session - SIM_ORIGIN + td_cal_index(td_sim_default_end());
    return index < 0 ? TD_NO_DAY : td_cal_day(index);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sim_ticker *)a)->name, ((const struct sim_ticker *)b)->name);
}

const struct sim_ticker *td_sim_find(const struct td_sim *sim, const char *name)
{
    struct sim_ticker wanted;
    if (!td_copy(wanted.name, sizeof wanted.name, name))
        return NULL;
    return bsearch(&wanted, sim->tickers, sim->count, sizeof *sim->tickers, by_name);
}

static void fill_splits(const struct td_sim *sim, struct sim_ticker *ticker)
{
    bool announced = ticker->role == SIM_FORWARD || ticker->role == SIM_REVERSE;
    int32_t turn = announced ? td_sim_story_last(ticker, sim->last) : -1;
    int32_t period = td_sim_story_period(ticker);
    size_t count = 0;
    while (announced && turn >= sim->first_daily && turn > 0 && count < SIM_SPLITS) {
        memmove(ticker->splits + 1, ticker->splits, count * sizeof *ticker->splits);
        ticker->splits[0] = (struct td_split){td_sim_day(turn), td_sim_split_factor(ticker, turn)};
        count++;
        turn -= period;
    }
    ticker->split_count = count;
}

/* Defaults, bounds and the three sessions that frame the market. */
static enum td_code frame(const struct td_sim_options *options, struct td_sim *sim, struct td_err *err)
{
    int minutes = options->sessions ? options->sessions : 45,
        days = options->daily_sessions ? options->daily_sessions : 300;
    int tickers = options->tickers ? options->tickers : 300;
    if (minutes < 1 || minutes > SIM_MAX_SESSIONS || days < 1 || days > SIM_MAX_SESSIONS)
        return td_fail(err, TD_USAGE, "simulated vendor: sessions must be 1 to %d", SIM_MAX_SESSIONS);
    if (tickers < 1 || tickers > SIM_MAX_TICKERS)
        return td_fail(err, TD_USAGE, "simulated vendor: tickers must be 1 to %d", SIM_MAX_TICKERS);
    td_day end = options->end ? options->end : td_sim_default_end();
    int32_t index = td_cal_index_at_or_before(end);
    if (end > td_cal_last() || index < 0)
        return td_fail(err, TD_USAGE, "simulated vendor: the end lies outside the exchange calendar");
    sim->seed = options->seed ? options->seed : 1;
    sim->count = (size_t)tickers;
    sim->last = td_sim_number(td_cal_day(index));
    int32_t oldest = sim->last - index, first = days > minutes ? days : minutes;
    sim->first_minute = sim->last - minutes + 1 > oldest ? sim->last - minutes + 1 : oldest;
    sim->first_daily = sim->last - first + 1 > oldest ? sim->last - first + 1 : oldest;
    return TD_OK;
}

enum td_code td_sim_new(const struct td_sim_options *options, struct td_sim **out, struct td_err *err)
{
    struct td_sim *sim = td_calloc(1, sizeof *sim);
    *out = NULL;
    if (!sim)
        return td_fail(err, TD_NOMEM, "simulated vendor");
    enum td_code code = frame(options, sim, err);
    if (code == TD_OK)
        code = td_sim_server_options(sim, options, err);
    if (code == TD_OK && !(sim->tickers = td_calloc(sim->count, sizeof *sim->tickers)))
        code = td_fail(err, TD_NOMEM, "simulated vendor: %zu tickers", sim->count);
    if (code == TD_OK) {
        for (size_t i = 0; i < sim->count; i++) {
            td_sim_cast(sim->seed, i, &sim->tickers[i]);
            fill_splits(sim, &sim->tickers[i]);
        }
        qsort(sim->tickers, sim->count, sizeof *sim->tickers, by_name);
        td_sim_weights(sim->weight);
        *out = sim;
    } else {
        td_sim_free(sim);
    }
    return code;
}

void td_sim_free(struct td_sim *sim)
{
    if (!sim)
        return;
    td_sim_stop(sim);
    td_free(sim->tickers);
    td_free(sim);
}

size_t td_sim_ticker_count(const struct td_sim *sim)
{
    return sim->count;
}

const char *td_sim_ticker(const struct td_sim *sim, size_t i)
{
    return i < sim->count ? sim->tickers[i].name : NULL;
}

td_day td_sim_first_session(const struct td_sim *sim, bool daily)
{
    return td_sim_day(daily ? sim->first_daily : sim->first_minute);
}

td_day td_sim_last_session(const struct td_sim *sim)
{
    return td_sim_day(sim->last);
}

/* Number of the session when it has minute (daily) bars in this market, else -1. */
static int32_t served(const struct td_sim *sim, td_day day, bool daily)
{
    int32_t session = td_sim_number(day);
    return session >= (daily ? sim->first_daily : sim->first_minute) && session <= sim->last ? session : -1;
}

bool td_sim_minute(const struct td_sim *sim, const char *ticker, int64_t ts, struct td_bar *out)
{
    td_day day;
    int32_t ms;
    struct sim_plan plan;
    struct sim_bar bar;
    const struct sim_ticker *found = td_sim_find(sim, ticker);
    td_ny_split(ts, &day, &ms);
    int32_t session = found && ms % (int32_t)TD_MS_MINUTE == 0 ? served(sim, day, false) : -1;
    if (session < 0 || !td_sim_plan(sim, found, session, &plan))
        return false;
    if (!td_sim_bar(sim, &plan, ms / (int32_t)TD_MS_MINUTE, &bar))
        return false;
    *out = td_sim_bar_value(&bar);
    return true;
}

enum td_code td_sim_session(const struct td_sim *sim, const char *ticker, td_day day, bool daily, struct td_bars *bars,
                            struct td_err *err)
{
    const struct sim_ticker *found = td_sim_find(sim, ticker);
    int32_t session = found ? served(sim, day, daily) : -1;
    struct sim_plan plan;
    struct sim_bar whole;
    if (session < 0 || !td_sim_plan(sim, found, session, &plan))
        return TD_OK;
    struct sim_bars *minutes = td_malloc(sizeof *minutes);
    if (!minutes)
        return td_fail(err, TD_NOMEM, "simulated session of %s", ticker);
    td_sim_bars(sim, &plan, minutes);
    bool any = daily && td_sim_daily(&plan, minutes, &whole);
    size_t count = daily ? any : minutes->n;
    const struct sim_bar *items = daily ? &whole : minutes->items;
    enum td_code code = td_bars_reserve(bars, bars->n + count, err);
    for (size_t i = 0; code == TD_OK && i < count; i++) {
        struct td_bar bar = td_sim_bar_value(&items[i]);
        code = td_bars_add(bars, &bar, err);
    }
    td_free(minutes);
    return code;
}

size_t td_sim_splits(const struct td_sim *sim, const char *ticker, const struct td_split **out)
{
    const struct sim_ticker *found = td_sim_find(sim, ticker);
    *out = found ? found->splits : NULL;
    return found ? found->split_count : 0;
}

bool td_sim_reference(const struct td_sim *sim, const char *ticker, struct td_reference *out)
{
    const struct sim_ticker *found = td_sim_find(sim, ticker);
    if (!found)
        return false;
    *out =
        (struct td_reference){.type = found->type, .exchange = found->exchange, .test_ticker = found->role == SIM_TEST};
    return true;
}
