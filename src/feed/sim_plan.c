/* SPDX-License-Identifier: GPL-3.0-or-later
 * The plan of a simulated ticker-session: where the price starts, goes and ends, how much trades, when it is halted.
 * The level of a price is a closed form of the session number (noise on lattices of several widths, plus what is left
 * of recent events), never a walk from a first day: any session can be planned alone. */
#include "sim.h"

double td_sim_exp(double x)
{
    static const double log2e = 1.4426950408889634, ln2 = 0.6931471805599453;
    double k = floor(x * log2e + 0.5), r = x - k * ln2; /* |r| <= ln2 / 2: seven terms are good to 1e-9 */
    double sum = 1 + r * (1 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720))))));
    if (k < -1000 || k > 1000)
        return k < 0 ? 0 : 1e300;
    union {
        uint64_t bits;
        double value;
    } scale = {.bits = (uint64_t)((int64_t)k + 1023) << 52};
    return sum * scale.value;
}

/* Noise in [-1, 1], straight between hashed points that lie `width` apart. */
static double lattice(uint64_t key, int32_t x, int32_t width)
{
    uint64_t cell = (uint64_t)(x / width);
    double t = (double)(x % width) / width;
    double a = sim_unit(sim_hash(key, cell, (uint64_t)width)), b = sim_unit(sim_hash(key, cell + 1, (uint64_t)width));
    return 2 * (a + t * (b - a)) - 1;
}

static double wander(uint64_t key, int32_t session)
{
    return 0.45 * lattice(key, session, 1) + 0.8 * lattice(key, session, 3) + 1.2 * lattice(key, session, 9) +
           1.6 * lattice(key, session, 27) + 2.0 * lattice(key, session, 81) + 2.4 * lattice(key, session, 243);
}

/* Trend of the tickers that split, and the new company's own level under a re-used symbol. */
static double story_level(const struct sim_ticker *ticker, int32_t session)
{
    static const double ln4 = 1.3862943611198906, ln10 = 2.302585092994046, ln20 = 2.995732273553991;
    int32_t turn = td_sim_story_last(ticker, session);
    double done = turn < 0 ? 0 : (double)(session - turn) / td_sim_story_period(ticker);
    switch (ticker->role) {
    case SIM_SILENT: return ln10 * (1 - done);
    case SIM_REVERSE: return ln20 * (1 - done);
    case SIM_FORWARD: return ln4 * done;
    case SIM_REUSED: return 1.1 * sim_unit(sim_hash(ticker->key, 21, (uint64_t)turn));
    default: return 0;
    }
}

static double split_jump(const struct sim_ticker *ticker, int32_t session)
{
    static const double ln4 = 1.3862943611198906, ln10 = 2.302585092994046, ln20 = 2.995732273553991;
    if (td_sim_split_factor(ticker, session) == 1)
        return 0;
    return ticker->role == SIM_SILENT ? ln10 : ticker->role == SIM_REVERSE ? ln20 : -ln4;
}

/* Logarithm of the closing price that the session is planned to have. */
static double level_at(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session)
{
    static const double beta[] = {
        [SIM_ELEPHANT] = 1, [SIM_LARGE] = 1, [SIM_MID] = 0.8, [SIM_LEVERAGED] = 3, [SIM_PREFERRED] = 0};
    double market = (size_t)ticker->role < TD_COUNT(beta) ? beta[ticker->role] : 0.4;
    double level = ticker->log_price + story_level(ticker, session) + ticker->sigma * wander(ticker->key, session) +
                   0.02 * market * wander(sim->seed + 77, session);
    int32_t back = ticker->role == SIM_TEST ? 0 : SIM_FADE;
    for (int32_t i = 0; i <= back; i++) {
        struct sim_event event;
        if (td_sim_event(sim, ticker, session - i, &event))
            level += event.jump * td_sim_fade(&event, i);
    }
    return level;
}

/* Multiple of ordinary trading: today's event, and the crowd that stays for a week after an earlier one. */
static double crowd(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session, struct sim_event *today)
{
    struct sim_event event;
    double volume = td_sim_event(sim, ticker, session, today) ? today->volume : 1, stay = 0.25;
    for (int32_t i = 1; i <= 5; i++, stay *= 0.4) {
        if (ticker->role != SIM_TEST && td_sim_event(sim, ticker, session - i, &event) && event.volume * stay > volume)
            volume = event.volume * stay;
    }
    return volume;
}

static void add_knot(struct sim_plan *plan, int32_t minute, double level)
{
    if (plan->knot_count < (int)TD_COUNT(plan->knots))
        plan->knots[plan->knot_count++] = (struct sim_knot){minute, level};
}

static void add_halt(struct sim_plan *plan, int32_t from, int32_t minutes)
{
    bool clear = plan->halt_count == 0 || plan->halts[plan->halt_count - 1].to + 2 <= from;
    if (plan->halt_count < (int)TD_COUNT(plan->halts) && clear && from + minutes + 30 < plan->session.close_min) {
        plan->halts[plan->halt_count].from = from;
        plan->halts[plan->halt_count++].to = from + minutes;
    }
}

/* The low-float runner: quiet until 07:00, ramp into the open, three halts on the way up, a high at 10:30, strong
 * close. */
static void runner_path(struct sim_plan *plan, double before, double close)
{
    double jump = close - before;
    add_knot(plan, TD_PRE_MIN, before);
    add_knot(plan, 420, before + 0.02);
    add_knot(plan, TD_REGULAR_MIN, before + 0.55 * jump);
    add_knot(plan, 630, before + 1.25 * jump);
    add_knot(plan, 690, before + 0.9 * jump);
    add_knot(plan, plan->session.close_min, close);
    add_knot(plan, plan->session.late_end_min, close - 0.08);
    add_halt(plan, 576, 5);
    add_halt(plan, 588, 5);
    add_halt(plan, 607, 10);
    plan->pre_share = 0.35;
    plan->post_share = 0.12;
    plan->noise = 0.035;
}

/* An explosive day: part of the move before the open, an extreme beyond the close, up to three halts on the way. */
static void event_path(struct sim_plan *plan, const struct sim_event *event, double before, double close)
{
    uint64_t h = event->hash;
    double jump = close - before, early = 0.2 + 0.6 * sim_unit(sim_hash(h, 31, 0));
    double over = 1.05 + 0.35 * sim_unit(sim_hash(h, 32, 0));
    int32_t length = plan->session.close_min - TD_REGULAR_MIN;
    int32_t peak = TD_REGULAR_MIN + 20 + (int32_t)(sim_hash(h, 33, 0) % (uint64_t)(length / 2));
    int32_t start = TD_PRE_MIN + (int32_t)(sim_hash(h, 34, 0) % 240);
    add_knot(plan, TD_PRE_MIN, before);
    add_knot(plan, start, before);
    add_knot(plan, TD_REGULAR_MIN, before + early * jump);
    add_knot(plan, peak, before + over * jump);
    add_knot(plan, plan->session.close_min, close);
    add_knot(plan, plan->session.late_end_min, close + 0.06 * (sim_unit(sim_hash(h, 35, 0)) - 0.5));
    uint64_t halts = fabs(jump) > 0.35 ? sim_hash(h, 36, 0) % 4 : 0;
    int32_t at = TD_REGULAR_MIN + 2;
    for (uint64_t i = 0; i < halts; i++) {
        at += 4 + (int32_t)(sim_hash(h, 37, i) % 25);
        add_halt(plan, at, sim_hash(h, 38, i) % 3 ? 5 : 10);
        at += 10;
    }
    plan->pre_share = 0.06 + 0.22 * early;
    plan->post_share = 0.08;
    plan->noise = 0.045;
}

static void quiet_path(struct sim_plan *plan, double before, double close, bool split)
{
    double gap = split ? 0.1 : -0.15 + 0.8 * sim_unit(sim_hash(plan->key, 41, 0));
    add_knot(plan, TD_PRE_MIN, before);
    add_knot(plan, TD_REGULAR_MIN, before + gap * (close - before));
    add_knot(plan, plan->session.close_min, close);
    add_knot(plan, plan->session.late_end_min,
             close + 0.1 * plan->ticker->sigma * (sim_unit(sim_hash(plan->key, 42, 0)) - 0.5));
    plan->pre_share = 0.02;
    plan->post_share = 0.025;
    plan->noise = 0.25 * plan->ticker->sigma;
}

static void plan_volume(struct sim_plan *plan, double volume, bool event, double close)
{
    const struct sim_ticker *ticker = plan->ticker;
    double calm = sim_unit(sim_hash(plan->key, 51, 0)) + sim_unit(sim_hash(plan->key, 52, 0)) - 1;
    double day = volume * td_sim_exp(0.45 * calm);
    bool broad = ticker->role == SIM_ELEPHANT || ticker->role == SIM_LARGE || ticker->role == SIM_MID;
    if (broad && td_cal_expiry_friday(plan->session.day))
        day *= 1.6;
    if (plan->session.close_min < 960 && !event)
        day *= 0.5;
    double price = td_sim_exp(close), dollars = ticker->dollars * day;
    if (event && dollars < 7e6) /* a crowd is a crowd, in the thinnest name too */
        dollars = 8e6 * (1 + 0.25 * calm);
    plan->shares = dollars / price;
    plan->activity = ticker->activity * day;
    double lot = plan->shares / (plan->activity * 5 + 1);
    plan->lot = ticker->role == SIM_ELEPHANT ? 70 : lot < 15 ? 15 : lot > 600 ? 600 : lot;
}

bool td_sim_plan(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session, struct sim_plan *out)
{
    struct td_session hours;
    td_day day = td_sim_day(session);
    if (day == TD_NO_DAY || !td_cal_session(day, &hours) || !td_sim_alive(ticker, session))
        return false;
    *out = (struct sim_plan){.ticker = ticker, .session = hours, .midnight = td_ny_midnight(day)};
    out->key = sim_hash(ticker->key, 61, (uint64_t)session);
    bool listed_before = td_sim_alive(ticker, session - 1) || ticker->role == SIM_RENAMED;
    double close = level_at(sim, ticker, session);
    double split = split_jump(ticker, session);
    double before = listed_before ? level_at(sim, ticker, session - 1) + split : close - 0.1;
    struct sim_event event;
    double volume = crowd(sim, ticker, session, &event);
    bool story = ticker->role == SIM_SMALL || ticker->role == SIM_WARRANT || ticker->role == SIM_LEVERAGED;
    if (ticker->role == SIM_RUNNER && event.volume > 1)
        runner_path(out, before, close);
    else if (story && event.volume > 1)
        event_path(out, &event, before, close);
    else
        quiet_path(out, before, close, split != 0);
    plan_volume(out, volume, ticker->role == SIM_SMALL && event.volume > 1, close);
    return true;
}
