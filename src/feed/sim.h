/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's private ground: its universe, the plan of a ticker-session, bars in exact integers.
 * Everything a bar depends on is (seed, ticker, minute): neither the end of the market nor the number of its sessions
 * or tickers moves a bar, so a market that ends a day later has the same history plus one day. */
#ifndef TAPEDECK_FEED_SIM_H
#define TAPEDECK_FEED_SIM_H

#include <tapedeck/feed.h>

#define SIM_MINUTES 960 /* 04:00 to 20:00 New York */
#define SIM_GROUP 13    /* small caps of which one explodes each session */
#define SIM_CYCLE 30    /* every story of the cast happens once in each run of 30 sessions */
#define SIM_SPLITS 16
#define SIM_ORIGIN                                                                                                     \
    60000 /* number of the default end session: sessions inside the room are consecutive positive numbers */

/* The cast, in the order in which tickers join the market. */
enum sim_role {
    SIM_ELEPHANT, /* trades every minute of every phase */
    SIM_LARGE,
    SIM_MID,
    SIM_SMALL,     /* member of a group of SIM_GROUP */
    SIM_RUNNER,    /* low float: pre-market ramp, three halts, fades on day 2 */
    SIM_SILENT,    /* reverse split that nobody announces */
    SIM_FORWARD,   /* announced 4-for-1 split */
    SIM_REVERSE,   /* announced 1-for-20 split */
    SIM_REUSED,    /* symbol dies, 15 empty sessions, another company takes it over */
    SIM_RENAMED,   /* one company, a new symbol every cycle */
    SIM_LEVERAGED, /* 3x fund */
    SIM_WARRANT,
    SIM_TEST,     /* the exchange's own test symbol */
    SIM_PREFERRED /* hardly trades */
};

struct sim_ticker { /* plain data, read-only once the market is made */
    char name[TD_TICKER_MAX];
    enum sim_role role;
    unsigned variant; /* which of the role's tickers */
    int group, slot;  /* explosive group, or -1 */
    uint64_t key;     /* hash of seed and company */
    double log_price; /* of the first life */
    double sigma;     /* scale of daily noise of the logarithm */
    double dollars;   /* traded on an ordinary session */
    double activity;  /* expected trades a session: decides which minutes have a bar */
    const char *type, *exchange;
    struct td_split splits[SIM_SPLITS]; /* announced ones inside the market's days */
    size_t split_count;
};

struct sim_knot {   /* the path of a session is drawn from knot to knot, with noise between them */
    int32_t minute; /* of the New York day */
    double level;   /* logarithm of the price */
};
struct sim_plan { /* what is decided about a ticker-session before its first minute */
    const struct sim_ticker *ticker;
    struct td_session session;
    int64_t midnight; /* UTC ms of 00:00 New York; no session has a clock change between 04:00 and 20:00 */
    uint64_t key;
    struct sim_knot knots[8];
    int knot_count;
    struct {
        int32_t from, to;
    } halts[3]; /* [from, to) minutes without trading */
    int halt_count;
    double shares, activity;      /* expected in the regular phase */
    double pre_share, post_share; /* of the regular phase, traded before and after it */
    double noise;                 /* amplitude of the logarithm inside the session */
    double lot;                   /* shares of an average trade */
};

struct sim_bar { /* prices in 1/10000 dollar, volume in millionths of a share: decimal text and double agree exactly */
    int64_t ts;
    int64_t open, high, low, close, vwap;
    int64_t volume;
    int64_t trades;
};
struct sim_bars {
    size_t n;
    struct sim_bar items[SIM_MINUTES];
};

/* sum of rates is not checked: each kind is drawn on its own */
#define SIM_FAULTS(X)                                                                                                  \
    X(429, "429")            /* with Retry-After: 1 */                                                                 \
    X(429_BARE, "429bare")   /* no header */                                                                           \
    X(429_EMPTY, "empty429") /* no body */                                                                             \
    X(500, "500")            /* HTML body */                                                                           \
    X(503_EMPTY, "empty503")                                                                                           \
    X(RESET, "reset")       /* connection closed without an answer */                                                  \
    X(HTML, "html")         /* 200 with a web page */                                                                  \
    X(GARBAGE, "garbage")   /* 200 with bytes that are no JSON */                                                      \
    X(CUT_JSON, "cutjson")  /* 200, well-formed HTTP, half a document */                                               \
    X(NOT_AUTH, "notauth")  /* 200 with status NOT_AUTHORIZED */                                                       \
    X(PLAN, "plan")         /* 403 with the vendor's text */                                                           \
    X(TRUNCATE, "truncate") /* less sent than Content-Length says */                                                   \
    X(SLOW, "slow")         /* two seconds later */                                                                    \
    X(CURSOR, "cursor")     /* next_url leads to the page that holds it */                                             \
    X(DELAYED, "delayed")   /* status DELAYED */                                                                       \
    X(NO_GZIP, "nogzip")    /* gzip refused */                                                                         \
    X(NUMBERS, "numbers")   /* whole volumes as 1200.0 and as 1.2e+03 */                                               \
    X(NULLS, "nulls")       /* no vw and n in a row */                                                                 \
    X(PAGE, "page")         /* not a rate: largest page in base bars */
enum sim_fault {
#define SIM_FAULT_ENUM(name, text) SIM_FAULT_##name,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
        SIM_FAULT_COUNT
};

struct sim_server;
struct td_sim {
    uint64_t seed;
    int32_t last, first_minute, first_daily; /* session numbers */
    struct sim_ticker *tickers;              /* sorted by name */
    size_t count;
    double weight[2][SIM_MINUTES]; /* share of a phase's trading by minute; [1] on early closes */
    char key[128];
    unsigned latency_ms;
    int port;
    double fault[SIM_FAULT_COUNT];
    struct sim_server *server; /* NULL until td_sim_serve; owned by the thread that made the market */
};

/* sim_market.c */
const struct sim_ticker *td_sim_find(const struct td_sim *sim, const char *name); /* NULL: not in the market */
int32_t td_sim_number(td_day day);                                                /* -1: no session */
td_day td_sim_day(int32_t session);
/* sim_cast.c: who is in the market and what kind of company it is; fills everything but the splits. */
void td_sim_cast(uint64_t seed, size_t index, struct sim_ticker *out);
/* sim_story.c: when things happen to the cast. */
bool td_sim_alive(const struct sim_ticker *ticker, int32_t session); /* listed under this symbol */
/* Session on which the ticker's turn in its story came last, at or before `session`; -1 for roles without a story. */
int32_t td_sim_story_last(const struct sim_ticker *ticker, int32_t session);
int32_t td_sim_story_period(const struct sim_ticker *ticker); /* sessions from turn to turn */
double td_sim_split_factor(const struct sim_ticker *ticker,
                           int32_t session); /* new per old, announced or not; 1 = none */
/* A day that is out of the ordinary: what it does to price and volume, on that day and while it fades. */
struct sim_event {
    double jump;   /* of the logarithm of the price */
    double volume; /* multiple of an ordinary session */
    double keep;   /* part of the jump that is left the day after */
    uint64_t hash;
};
bool td_sim_event(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session, struct sim_event *out);
double td_sim_fade(const struct sim_event *event, int32_t sessions_later); /* part of the jump that is left */
#define SIM_FADE 20                                                        /* sessions after which nothing is left */
/* sim_plan.c: false when the ticker is not listed or the day is no session. */
bool td_sim_plan(const struct td_sim *sim, const struct sim_ticker *ticker, int32_t session, struct sim_plan *out);
double td_sim_exp(double x); /* the same bits with every C library */
/* sim_bars.c */
void td_sim_weights(double weight[2][SIM_MINUTES]);
bool td_sim_bar(const struct td_sim *sim, const struct sim_plan *plan, int32_t minute, struct sim_bar *out);
void td_sim_bars(const struct td_sim *sim, const struct sim_plan *plan, struct sim_bars *out);
bool td_sim_daily(const struct sim_plan *plan, const struct sim_bars *minutes,
                  struct sim_bar *out); /* false: no regular trade */
struct td_bar td_sim_bar_value(const struct sim_bar *bar);

static inline uint64_t sim_hash(uint64_t key, uint64_t a, uint64_t b)
{
    return td_mix64(key + a * UINT64_C(0x9E3779B97F4A7C15) + b * UINT64_C(0xD1B54A32D192ED03));
}
static inline double sim_unit(uint64_t hash)
{
    return (double)(hash >> 11) * 0x1p-53;
} /* [0, 1) */

#endif
