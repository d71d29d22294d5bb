/* SPDX-License-Identifier: GPL-3.0-or-later
 * The generator: one minute of a planned session to one bar, and a session's minutes to its daily bar.
 * Prices and volumes are whole numbers of 1/10000 dollar and 1/1000000 share, so that the text that is served, the
 * double that is read back from it and the truth that tests compute are the same number. */
#include "sim.h"

/* Trading by minute: rising through the pre-market, high at both ends of the regular phase, dying away after it. */
static double raw_weight(int32_t minute, int32_t close, int32_t late)
{
    if (minute < TD_REGULAR_MIN) {
        double t = (double)(minute - TD_PRE_MIN) / (TD_REGULAR_MIN - TD_PRE_MIN);
        return 0.08 + t * t * t;
    }
    if (minute < close) {
        double t = (minute - TD_REGULAR_MIN + 0.5) / (close - TD_REGULAR_MIN), a = 1 - t, b = t;
        double opening = a * a, closing = b * b;
        opening *= opening * opening;
        closing *= closing * closing * closing;
        return 0.55 + 1.5 * opening * a * a + 1.2 * closing + (minute + 1 == close ? 2.5 : 0);
    }
    double t = (double)(minute - close) / (late - close);
    return 0.04 + (1 - t) * (1 - t) * (1 - t) + (minute == close ? 2 : 0);
}

void td_sim_weights(double weight[2][SIM_MINUTES])
{
    for (int half = 0; half < 2; half++) {
        int32_t close = half ? 780 : 960, late = half ? 1020 : 1200;
        int32_t edges[] = {TD_PRE_MIN, TD_REGULAR_MIN, close, late};
        for (int32_t minute = 0; minute < SIM_MINUTES; minute++)
            weight[half][minute] = 0;
        for (int phase = 0; phase < 3; phase++) {
            double sum = 0;
            for (int32_t minute = edges[phase]; minute < edges[phase + 1]; minute++)
                sum += raw_weight(minute, close, late);
            for (int32_t minute = edges[phase]; minute < edges[phase + 1]; minute++)
                weight[half][minute - TD_PRE_MIN] = raw_weight(minute, close, late) / sum;
        }
    }
}

/* Noise of the path inside a session: waves of these widths in minutes, between points that are hashed once each. */
static const struct {
    int32_t width;
    double part;
} octaves[] = {{90, 0.52}, {31, 0.34}, {9, 0.24}, {1, 0.12}};
struct path { /* one thread's walk over a plan */
    const struct sim_plan *plan;
    struct {
        int32_t cell;
        double a, b;
    } points[TD_COUNT(octaves)]; /* of the last minute asked for */
};

static struct path path_of(const struct sim_plan *plan)
{
    struct path path = {.plan = plan};
    for (size_t i = 0; i < TD_COUNT(octaves); i++)
        path.points[i].cell = -1;
    return path;
}

static double ripple(struct path *path, int32_t minute)
{
    double sum = 0;
    for (size_t i = 0; i < TD_COUNT(octaves); i++) {
        int32_t width = octaves[i].width, cell = minute / width;
        uint64_t salt = (uint64_t)(100 + width);
        if (path->points[i].cell != cell) {
            path->points[i].cell = cell;
            path->points[i].a = 2 * sim_unit(sim_hash(path->plan->key, (uint64_t)cell, salt)) - 1;
            path->points[i].b = width > 1 ? 2 * sim_unit(sim_hash(path->plan->key, (uint64_t)cell + 1, salt)) - 1 : 0;
        }
        double t = (double)(minute - cell * width) / width;
        sum += octaves[i].part * (path->points[i].a + t * (path->points[i].b - path->points[i].a));
    }
    return sum;
}

/* Price at the start of a minute. Noise is pinned to nothing at the knots, so opens and closes are where planned. */
static double price_at(struct path *path, int32_t minute)
{
    const struct sim_plan *plan = path->plan;
    int i = 1;
    while (i + 1 < plan->knot_count && minute > plan->knots[i].minute)
        i++;
    const struct sim_knot *a = &plan->knots[i - 1], *b = &plan->knots[i];
    int32_t width = b->minute - a->minute, from = minute - a->minute, to = b->minute - minute;
    double t = width > 0 ? (double)from / width : 0;
    int32_t edge = from < to ? from : to;
    double loose = edge >= 12 ? 1 : edge > 0 ? edge / 12.0 : 0;
    return td_sim_exp(a->level + t * (b->level - a->level) + plan->noise * loose * ripple(path, minute));
}

/* On the exchange's grid: cents, hundredths of a cent under a dollar. */
static int64_t to_tick(double price)
{
    int64_t ticks = price < 1 ? (int64_t)(price * 1e4 + 0.5) : (int64_t)(price * 100 + 0.5) * 100;
    return ticks > 0 ? ticks : 1;
}

static bool halted(const struct sim_plan *plan, int32_t minute)
{
    for (int i = 0; i < plan->halt_count; i++)
        if (minute >= plan->halts[i].from && minute < plan->halts[i].to)
            return true;
    return false;
}

/* A part of a hash, uniform in [0, 1): three to a hash. */
static double part_of(uint64_t hash, int which)
{
    return (double)(hash >> 20 * which & 0xfffff) * 0x1p-20;
}

/* Does the minute trade (elephants always do), and how many shares are expected when it does? */
static bool trades_in(const struct td_sim *sim, const struct sim_plan *plan, int32_t minute, uint64_t hash,
                      double *shares)
{
    double weight = sim->weight[plan->session.close_min < 960][minute - TD_PRE_MIN];
    if (minute < TD_REGULAR_MIN)
        weight *= plan->pre_share;
    else if (minute >= plan->session.close_min)
        weight *= plan->post_share;
    double expected = plan->activity * weight; /* the chance is expected / (1 + expected) */
    *shares = plan->shares * weight;
    if (plan->ticker->role == SIM_ELEPHANT)
        return true;
    if (sim_unit(hash) * (1 + expected) >= expected)
        return false;
    *shares *= (1 + expected) / expected;
    return true;
}

static int64_t volume_of(uint64_t hash, double expected)
{
    double u = part_of(hash, 0), v = part_of(hash, 1);
    int64_t whole = (int64_t)(expected * (0.35 + 0.75 * u + 0.9 * v * v * v) + 0.5);
    int64_t volume = (whole > 0 ? whole : 1) * 1000000;
    if (hash % 41 == 0) /* fractional shares are part of the vendor's volume */
        volume += (int64_t)(sim_hash(hash, 2, 2) % 999999) + 1;
    return volume;
}

static void prices_of(const struct sim_plan *plan, uint64_t hash, double open, double close, struct sim_bar *out)
{
    double reach = 0.12 * plan->noise + 0.0004;
    out->close = to_tick(close);
    if (out->trades == 1) {
        out->open = out->high = out->low = out->vwap = out->close;
        return;
    }
    out->open = to_tick(open);
    out->high = to_tick((open > close ? open : close) * (1 + reach * part_of(hash, 0)));
    out->low = to_tick((open < close ? open : close) * (1 - reach * part_of(hash, 1)));
    double place = 0.25 + 0.5 * part_of(hash, 2);
    out->vwap = out->low + (int64_t)((double)(out->high - out->low) * place + 0.5);
}

/* `open` is NaN when the minute before did not leave its close. */
static bool make_bar(const struct td_sim *sim, struct path *path, int32_t minute, double *open, double *close,
                     struct sim_bar *out)
{
    const struct sim_plan *plan = path->plan;
    double expected;
    uint64_t hash = sim_hash(plan->key, 71, (uint64_t)minute);
    if (!trades_in(sim, plan, minute, hash, &expected))
        return false;
    out->ts = plan->midnight + minute * TD_MS_MINUTE;
    out->volume = volume_of(sim_hash(hash, 72, 0), expected);
    double trades = (double)out->volume * 1e-6 / plan->lot;
    out->trades = trades < 1.5 ? 1 : (int64_t)(trades + 0.5);
    *open = isnan(*open) ? price_at(path, minute) : *open;
    *close = price_at(path, minute + 1);
    prices_of(plan, sim_hash(hash, 73, 0), *open, *close, out);
    return true;
}

bool td_sim_bar(const struct td_sim *sim, const struct sim_plan *plan, int32_t minute, struct sim_bar *out)
{
    double open = (double)NAN, close;
    struct path path = path_of(plan);
    bool inside = minute >= TD_PRE_MIN && minute < plan->session.late_end_min && !halted(plan, minute);
    return inside && make_bar(sim, &path, minute, &open, &close, out);
}

void td_sim_bars(const struct td_sim *sim, const struct sim_plan *plan, struct sim_bars *out)
{
    double carried = (double)NAN;
    struct path path = path_of(plan);
    out->n = 0;
    for (int32_t minute = TD_PRE_MIN; minute < plan->session.late_end_min; minute++) {
        double open = carried, close;
        carried = (double)NAN;
        if (halted(plan, minute) || !make_bar(sim, &path, minute, &open, &close, &out->items[out->n]))
            continue;
        carried = close;
        out->n++;
    }
}

bool td_sim_daily(const struct sim_plan *plan, const struct sim_bars *minutes, struct sim_bar *out)
{
    int64_t regular = plan->midnight + TD_REGULAR_MIN * TD_MS_MINUTE;
    int64_t end = plan->midnight + plan->session.close_min * TD_MS_MINUTE;
    double dollars = 0;
    struct sim_bar day = {.ts = plan->midnight}; /* apart from *out, which may be one of the minutes */
    for (size_t i = 0; i < minutes->n; i++) {
        const struct sim_bar *bar = &minutes->items[i];
        day.volume += bar->volume;
        day.trades += bar->trades;
        dollars += (double)bar->volume * (double)bar->vwap;
        if (bar->ts < regular || bar->ts >= end)
            continue;
        day.open = day.open ? day.open : bar->open;
        day.high = bar->high > day.high ? bar->high : day.high;
        day.low = day.low && day.low < bar->low ? day.low : bar->low;
        day.close = bar->close;
    }
    if (!day.open)
        return false;
    day.vwap = llround(dollars / (double)day.volume);
    *out = day;
    return true;
}

struct td_bar td_sim_bar_value(const struct sim_bar *bar)
{
    return (struct td_bar){.ts = bar->ts,
                           .open = (double)bar->open / 1e4,
                           .high = (double)bar->high / 1e4,
                           .low = (double)bar->low / 1e4,
                           .close = (double)bar->close / 1e4,
                           .volume = (double)bar->volume / 1e6,
                           .vwap = (double)bar->vwap / 1e4,
                           .trades = bar->trades};
}
