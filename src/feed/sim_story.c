/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's stories: on which session what happens to whom. Every story comes round once in SIM_CYCLE
 * sessions, its tickers taking turns, so that any 30 sessions hold all of them; docs/simulator.md is the programme. */
#include "sim.h"

struct story {
    int32_t before_end; /* sessions before the default end on which variant 0 has its turn */
    int32_t tickers;    /* that take turns; 0 = the role has no story */
};
static const struct story stories[] = {
    [SIM_ELEPHANT] = {0, 0}, [SIM_LARGE] = {0, 0},     [SIM_MID] = {0, 0},       [SIM_SMALL] = {0, 0},
    [SIM_RUNNER] = {3, 3},   [SIM_SILENT] = {7, 4},    [SIM_FORWARD] = {14, 3},  [SIM_REVERSE] = {11, 4},
    [SIM_REUSED] = {8, 3},   [SIM_RENAMED] = {17, 12}, [SIM_LEVERAGED] = {2, 1}, [SIM_WARRANT] = {4, 1},
    [SIM_TEST] = {0, 0},     [SIM_PREFERRED] = {0, 0},
};
#define REUSED_GAP 15 /* sessions between two lives of a symbol */

int32_t td_sim_story_period(const struct sim_ticker *ticker)
{
    return SIM_CYCLE * stories[ticker->role].tickers;
}

int32_t td_sim_story_last(const struct sim_ticker *ticker, int32_t session)
{
    const struct story *story = &stories[ticker->role];
    if (!story->tickers)
        return -1;
    int32_t period = SIM_CYCLE * story->tickers;
    int32_t turn = SIM_ORIGIN - story->before_end + (int32_t)ticker->variant * SIM_CYCLE;
    int32_t behind = (session - turn) % period;
    return session - (behind < 0 ? behind + period : behind);
}

bool td_sim_alive(const struct sim_ticker *ticker, int32_t session)
{
    int32_t age = session - td_sim_story_last(ticker, session);
    if (ticker->role == SIM_REUSED)
        return age < td_sim_story_period(ticker) - REUSED_GAP;
    return ticker->role != SIM_RENAMED || age < SIM_CYCLE;
}

double td_sim_split_factor(const struct sim_ticker *ticker, int32_t session)
{
    if (td_sim_story_last(ticker, session) != session)
        return 1;
    switch (ticker->role) {
    case SIM_SILENT: return 1.0 / 10;
    case SIM_FORWARD: return 4;
    case SIM_REVERSE: return 1.0 / 20;
    default: return 1;
    }
}

/* A small cap's turn in its group: three of four go up, half to double and more; the rest collapse. */
static void explode(uint64_t hash, struct sim_event *out)
{
    double size = sim_unit(sim_hash(hash, 1, 0)), volume = sim_unit(sim_hash(hash, 2, 0));
    bool up = sim_hash(hash, 3, 0) % 4 != 0;
    out->jump = up ? 0.24 + 0.62 * size * size : -0.24 - 0.36 * size * size;
    out->volume = td_sim_exp(2.0 + 1.1 * volume + 0.5 * size); /* 7 to 37 ordinary sessions */
    out->keep = 0.45 + 0.6 * sim_unit(sim_hash(hash, 4, 0));
}

static void story_event(const struct sim_ticker *ticker, struct sim_event *out)
{
    switch (ticker->role) {
    case SIM_RUNNER: /* +165 %, and back by a third of it the day after */
        *out = (struct sim_event){.jump = 0.975, .volume = 160, .keep = 0.42};
        break;
    case SIM_REUSED: /* the new company's first session */
        *out = (struct sim_event){.jump = 0, .volume = 9, .keep = 0};
        break;
    case SIM_LEVERAGED: *out = (struct sim_event){.jump = -0.22, .volume = 4.5, .keep = 0.6}; break;
    case SIM_WARRANT: *out = (struct sim_event){.jump = 0.62, .volume = 60, .keep = 0.5}; break;
    default: break;
    }
}

bool td_sim_event(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session, struct sim_event *out)
{
    uint64_t turn = (uint64_t)session;
    *out = (struct sim_event){.volume = 1, .hash = sim_hash(ticker->key, 11, turn)};
    if (ticker->role == SIM_SMALL) {
        if ((int)(sim_hash(sim->seed, 1000 + (uint64_t)ticker->group, turn) % SIM_GROUP) != ticker->slot)
            return false;
        explode(out->hash, out);
        return true;
    }
    if (ticker->role == SIM_LARGE || ticker->role == SIM_MID) { /* results and the like, four times a year or so */
        if (out->hash % 61 != 0)
            return false;
        double u = sim_unit(sim_hash(out->hash, 1, 0));
        out->jump = (sim_hash(out->hash, 2, 0) & 1) ? 0.03 + 0.08 * u : -0.03 - 0.09 * u;
        out->volume = 2 + 2 * u;
        out->keep = 0.95;
        return true;
    }
    if (ticker->role == SIM_TEST) { /* the exchange types in whatever it wants to test */
        out->jump = (out->hash & 1) ? 0.47 : 0;
        out->volume = out->hash % 5 == 0 ? 30 : 1;
        return true;
    }
    if (td_sim_story_last(ticker, session) != session)
        return false;
    uint64_t hash = out->hash;
    story_event(ticker, out);
    out->hash = hash;
    return out->volume > 1;
}

double td_sim_fade(const struct sim_event *event, int32_t sessions_later)
{
    if (sessions_later <= 0)
        return sessions_later == 0 ? 1 : 0;
    double left = 1 - (double)(sessions_later - 1) / SIM_FADE;
    return left > 0 ? event->keep * left * left : 0;
}
