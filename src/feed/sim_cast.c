/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's universe: who is in the market, in a fixed order, and what kind of company each one is.
 * A ticker's nature depends on the seed and its own name only, so a bigger market holds the smaller one unchanged. */
#include <string.h>

#include "sim.h"

struct cast_entry {
    const char *name;
    enum sim_role role;
    unsigned variant;
    const char *type, *exchange;
};

/* One elephant, then everybody with a story, then the awkward symbols; generated names follow. */
static const struct cast_entry cast[] = {
    {"MEGA", SIM_ELEPHANT, 0, "CS", "XNAS"},   {"RUNA", SIM_RUNNER, 0, "CS", "XNAS"},
    {"RUNB", SIM_RUNNER, 1, "CS", "XNAS"},     {"RUNC", SIM_RUNNER, 2, "CS", "XNAS"},
    {"RVSA", SIM_SILENT, 0, "CS", "XNAS"},     {"RVSB", SIM_SILENT, 1, "CS", "XASE"},
    {"RVSC", SIM_SILENT, 2, "CS", "XNAS"},     {"RVSD", SIM_SILENT, 3, "CS", "XNAS"},
    {"FWDA", SIM_FORWARD, 0, "CS", "XNYS"},    {"FWDB", SIM_FORWARD, 1, "CS", "XNAS"},
    {"FWDC", SIM_FORWARD, 2, "CS", "XNAS"},    {"RSPA", SIM_REVERSE, 0, "CS", "XNAS"},
    {"RSPB", SIM_REVERSE, 1, "CS", "XNAS"},    {"RSPC", SIM_REVERSE, 2, "ADRC", "XNAS"},
    {"RSPD", SIM_REVERSE, 3, "CS", "XASE"},    {"REUA", SIM_REUSED, 0, "CS", "XNAS"},
    {"REUB", SIM_REUSED, 1, "CS", "XNYS"},     {"REUC", SIM_REUSED, 2, "CS", "XNAS"},
    {"LEVX", SIM_LEVERAGED, 0, "ETF", "ARCX"}, {"WARRW", SIM_WARRANT, 0, "WARRANT", "XNAS"},
    {"ZVZZT", SIM_TEST, 0, "CS", "XNAS"},      {"BAPA", SIM_MID, 0, "CS", "XNYS"},
    {"BApA", SIM_PREFERRED, 0, "PFD", "XNYS"}, {"NA", SIM_MID, 0, "CS", "XNYS"},
    {"TEL.B", SIM_PREFERRED, 1, "CS", "XNYS"}, {"RNML", SIM_RENAMED, 0, "CS", "XNAS"},
    {"RNMK", SIM_RENAMED, 11, "CS", "XNAS"},   {"RNMJ", SIM_RENAMED, 10, "CS", "XNAS"},
    {"RNMI", SIM_RENAMED, 9, "CS", "XNAS"},    {"RNMH", SIM_RENAMED, 8, "CS", "XNAS"},
    {"RNMG", SIM_RENAMED, 7, "CS", "XNAS"},    {"RNMF", SIM_RENAMED, 6, "CS", "XNAS"},
    {"RNME", SIM_RENAMED, 5, "CS", "XNAS"},    {"RNMD", SIM_RENAMED, 4, "CS", "XNAS"},
    {"RNMC", SIM_RENAMED, 3, "CS", "XNAS"},    {"RNMB", SIM_RENAMED, 2, "CS", "XNAS"},
    {"RNMA", SIM_RENAMED, 1, "CS", "XNAS"},
};

struct nature { /* ranges of the logarithm of price and dollars, of activity; scale of daily noise */
    double price[2], dollars[2], activity[2], sigma;
};
static const struct nature natures[] = {
    [SIM_ELEPHANT] = {{4.6, 6.3}, {21.8, 23.2}, {40000, 90000}, 0.030},
    [SIM_LARGE] = {{3.3, 5.6}, {18.6, 20.6}, {500, 1800}, 0.045},
    [SIM_MID] = {{2.2, 4.0}, {16.0, 18.0}, {150, 600}, 0.060},
    [SIM_SMALL] = {{0.15, 1.95}, {12.7, 14.7}, {10, 140}, 0.090},
    [SIM_RUNNER] = {{0.9, 1.3}, {12.6, 13.2}, {60, 90}, 0.060},
    [SIM_SILENT] = {{-0.1, 0.3}, {13.2, 14.0}, {90, 160}, 0.050},
    [SIM_FORWARD] = {{2.6, 3.1}, {16.4, 17.4}, {300, 600}, 0.040},
    [SIM_REVERSE] = {{-0.7, -0.2}, {13.0, 14.0}, {90, 160}, 0.060},
    [SIM_REUSED] = {{0.9, 2.2}, {13.4, 14.4}, {90, 160}, 0.060},
    [SIM_RENAMED] = {{1.8, 2.2}, {14.4, 14.8}, {120, 180}, 0.050},
    [SIM_LEVERAGED] = {{2.4, 2.5}, {17.8, 18.2}, {900, 1200}, 0.020},
    [SIM_WARRANT] = {{-0.4, 0.1}, {11.6, 12.4}, {15, 30}, 0.120},
    [SIM_TEST] = {{2.3, 2.31}, {13.5, 13.6}, {30, 40}, 0.0},
    [SIM_PREFERRED] = {{3.1, 3.3}, {10.0, 11.0}, {2.5, 4}, 0.012},
};

/* Four letters C V C C; the map from n is one to one, so names never repeat. */
static void make_name(size_t n, char *out)
{
    static const char consonants[] = "BCDFGHJKLMNPRSTVW", vowels[] = "AEIOU";
    size_t code = (n * 7919 + 4242) % (17u * 5 * 17 * 17);
    out[0] = consonants[code / (5 * 17 * 17)];
    out[1] = vowels[code / (17 * 17) % 5];
    out[2] = consonants[code / 17 % 17];
    out[3] = consonants[code % 17];
    out[4] = '\0';
}

/* Of every 44 generated tickers one is an elephant, three are large, three are in the middle, the rest are small. */
static void make_ordinary(size_t n, struct sim_ticker *out)
{
    static const enum sim_role pattern[] = {SIM_ELEPHANT, SIM_MID, SIM_LARGE};
    size_t place = n % 44, block = n / 44;
    bool small = place % 6 != 0 || place > 36;
    make_name(n, out->name);
    out->role = small ? SIM_SMALL : place == 0 ? SIM_ELEPHANT : pattern[1 + place / 6 % 2];
    out->type = small && place % 11 == 5 ? "ADRC" : "CS";
    out->exchange = small ? (place % 9 == 4 ? "XASE" : "XNAS") : place % 4 ? "XNAS" : "XNYS";
    if (small) { /* 37 of a block are small: their ordinal is the place less the others before it (0, 6, ... 36) */
        size_t others = (place - 1 < 36 ? place - 1 : 36) / 6 + 1;
        size_t ordinal = block * 37 + place - others;
        out->group = (int)(ordinal / SIM_GROUP);
        out->slot = (int)(ordinal % SIM_GROUP);
    }
}

void td_sim_cast(uint64_t seed, size_t index, struct sim_ticker *out)
{
    *out = (struct sim_ticker){.group = -1, .slot = -1};
    if (index < TD_COUNT(cast)) {
        const struct cast_entry *entry = &cast[index];
        td_copy(out->name, sizeof out->name, entry->name);
        out->role = entry->role;
        out->variant = entry->variant;
        out->type = entry->type;
        out->exchange = entry->exchange;
    } else {
        make_ordinary(index - TD_COUNT(cast), out);
    }
    /* The renamed company is one company under all its symbols. */
    const char *company = out->role == SIM_RENAMED ? "RNM" : out->name;
    out->key = td_hash64(company, strlen(company), seed);
    const struct nature *nature = &natures[out->role];
    double u = sim_unit(sim_hash(out->key, 1, 0)), v = sim_unit(sim_hash(out->key, 2, 0));
    double w = 0.7 * v + 0.3 * sim_unit(sim_hash(out->key, 3, 0)); /* what trades more dollars trades more often */
    out->log_price = nature->price[0] + u * (nature->price[1] - nature->price[0]);
    out->dollars = td_sim_exp(nature->dollars[0] + v * (nature->dollars[1] - nature->dollars[0]));
    out->activity = nature->activity[0] + w * (nature->activity[1] - nature->activity[0]);
    out->sigma = nature->sigma;
}
