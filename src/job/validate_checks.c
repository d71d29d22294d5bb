/* SPDX-License-Identifier: GPL-3.0-or-later
 * validate_checks: coverage, consistency and continuity of one ticker. Each looks at what the others leave aside: coverage at
 * sessions that are not known or not cached, consistency at ticker-days that bronze and cache both have, continuity at the
 * minutes inside them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "validate.h"

#define TOLERANCE 1e-9        /* relative: sums of doubles may be taken in another order */
#define HABIT_SHARE 0.8       /* of the density that three of four sessions reach is what one is expected to have at most */
#define HABIT_SESSIONS 4      /* fewer say nothing of a habit */
#define GAP_MINUTES 10        /* a run without bars up to this is nobody's fault */
#define VOLUME_SHARE 0.95     /* less of the daily bar's volume means that minutes are missing (design section 6) */

const char *td_check_name(enum td_check check)
{
    static const char *const names[TD_CHECK_COUNT] = {"coverage", "consistency", "continuity", "ranking"};
    return (unsigned)check < TD_CHECK_COUNT ? names[check] : "?";
}

enum td_code verdict_add(struct verdict *verdict, const struct td_finding *finding, struct td_err *err)
{
    if (verdict->of_check[finding->check]++ >= FINDINGS_PER_TICKER)
        return TD_OK;
    enum td_code code = td_grow(&verdict->findings, &verdict->cap, verdict->count + 1, sizeof *finding, err);
    if (code == TD_OK)
        verdict->findings[verdict->count++] = *finding;
    return code;
}

static struct td_finding finding_of(enum td_check check, const char *ticker, td_day day, const char *what)
{
    struct td_finding out = {.check = check, .day = day, .expected = TD_NO_F64, .found = TD_NO_F64};
    td_copy(out.ticker, sizeof out.ticker, ticker);
    td_copy(out.what, sizeof out.what, what);
    return out;
}

static bool judged_day(const struct validation *val, td_day day)
{
    return day >= val->options.from && (val->options.to == TD_NO_DAY || day <= val->options.to) && day <= val->last_over;
}

static const struct td_daily_row *cached_row(const struct td_rows *cached, td_day day)
{
    const struct td_daily_row *rows = cached->items;
    size_t low = 0, high = cached->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (rows[mid].trading_day < day)
            low = mid + 1;
        else
            high = mid;
    }
    return low < cached->count && rows[low].trading_day == day ? &rows[low] : NULL;
}

void lend_history(const struct td_rows *cached, struct proof_day *day)
{
    const struct td_daily_row *row = day->history ? NULL : cached_row(cached, day->day);
    if (row) {
        day->pctchg = row->pctchg_d;
        day->rvol30 = row->rvol30;
    }
}

/* ---- coverage ---- */

/* First and last day of the ticker that bronze or cache know of. */
static bool known_life(const struct proof *proof, const struct td_rows *cached, td_day *from, td_day *to)
{
    const struct td_daily_row *rows = cached->items;
    *from = INT32_MAX;
    *to = TD_NO_DAY;
    if (proof->count) {
        *from = proof->days[0].day;
        *to = proof->days[proof->count - 1].day;
    }
    if (cached->count) {
        *from = rows[0].trading_day < *from ? rows[0].trading_day : *from;
        *to = rows[cached->count - 1].trading_day > *to ? rows[cached->count - 1].trading_day : *to;
    }
    return *to != TD_NO_DAY;
}

/* From listing to delisting where those are known, within the sessions of the cache; else from the first bar to the last. */
static bool lives_on(const struct validation *val, const char *ticker, td_day first, td_day last, td_day day)
{
    size_t count;
    const struct td_ticker_row *rows = job_reference_find(&val->reference.tickers, ticker, &count);
    if (day >= first && day <= last && count == 0)
        return true;
    for (size_t i = 0; i < count; i++) {
        td_day from = rows[i].list_date == TD_NO_DAY ? first : rows[i].list_date;
        td_day to = rows[i].delisted == TD_NO_DAY ? val->last : rows[i].delisted;
        from = from < val->first ? val->first : from;
        to = to > val->last ? val->last : to;
        if (day >= from && day <= to)
            return true;
    }
    return false;
}

static enum td_code add_hole(const struct td_finding *hole, struct verdict *out, struct td_err *err)
{
    return hole->expected > 0 ? verdict_add(out, hole, err) : TD_OK;
}

enum td_code check_coverage(const struct validation *val, const char *ticker, const struct proof *proof,
                            const struct td_rows *cached, struct verdict *out, struct td_err *err)
{
    td_day first, last;
    if (!known_life(proof, cached, &first, &last))
        return TD_OK;
    td_day begin = first < val->first ? first : val->first, end = last > val->last ? last : val->last;
    struct td_finding hole = {0}; /* a run of sessions missing for one reason; expected 0 = none is open */
    enum td_code code = TD_OK;
    int32_t final = td_cal_index_at_or_before(end);
    for (int32_t i = td_cal_index_at_or_after(begin); code == TD_OK && i >= 0 && i <= final; i++) {
        td_day day = td_cal_day(i);
        const struct proof_day *bars = proof_find(proof, day);
        if (!judged_day(val, day) || (!bars && !lives_on(val, ticker, first, last, day)))
            continue;
        bool row = cached_row(cached, day) != NULL, traded = bars && !bars->borrowed;
        bool present = traded ? row : proof_knows(proof, day);
        const char *what = traded ? "not cached" : "unknown";
        out->judged[TD_CHECK_COVERAGE]++;
        out->good[TD_CHECK_COVERAGE] += present;
        if (hole.expected > 0 && (present || strcmp(hole.what, what) != 0)) {
            code = add_hole(&hole, out, err);
            hole.expected = 0;
        }
        if (present)
            continue;
        if (hole.expected == 0) {
            hole = finding_of(TD_CHECK_COVERAGE, ticker, day, what);
            hole.expected = hole.found = 0;
            td_copy(hole.note, sizeof hole.note, traded ? "'tapedeck cache build --incremental' makes the rows"
                                                       : "'tapedeck coverage --plan' gives the command that fetches them");
        }
        hole.expected++; /* sessions from `day` on */
        hole.weight++;
    }
    return code == TD_OK ? add_hole(&hole, out, err) : code;
}

/* ---- consistency ---- */

/* A change is compared by its ratio: ratio - 1 cancels. */
static double apart(double a, double b, bool change)
{
    if (isnan(a) || isnan(b))
        return isnan(a) == isnan(b) ? 0 : 1;
    double x = change ? a + 1 : a, y = change ? b + 1 : b, size = fmax(fabs(x), fabs(y));
    return size > 0 ? fabs(x - y) / size : 0;
}

static enum td_code compare_row(const char *ticker, const struct proof_day *day, const struct td_daily_row *row, bool *same,
                                struct verdict *out, struct td_err *err)
{
    const struct {
        const char *name;
        double expected, found;
        bool history, change;
    } values[] = {
        {"close_d", day->close, row->close_d, false, false},      {"open_d", day->open, row->open_d, false, false},
        {"high_d", day->high, row->high_d, false, false},         {"low_d", day->low, row->low_d, false, false},
        {"vol_d", day->volume, row->vol_d, false, false},         {"dollar_vol_d", day->dollars, row->dollar_vol_d, false, false},
        {"market_cap_d", day->cap, row->market_cap_d, false, false},
        {"pctchg_d", day->pctchg, row->pctchg_d, true, true},     {"rvol30", day->rvol30, row->rvol30, true, false},
    };
    enum td_code code = TD_OK;
    *same = true;
    for (size_t i = 0; code == TD_OK && i < TD_COUNT(values); i++) {
        double far = apart(values[i].expected, values[i].found, values[i].change);
        if (far <= TOLERANCE || (values[i].history && !day->history))
            continue;
        *same = false;
        struct td_finding finding = finding_of(TD_CHECK_CONSISTENCY, ticker, day->day, values[i].name);
        finding.expected = values[i].expected;
        finding.found = values[i].found;
        finding.weight = far;
        td_copy(finding.note, sizeof finding.note, day->minutes ? "counted anew from minute bars" : "counted anew from daily bars");
        code = verdict_add(out, &finding, err);
    }
    return code;
}

enum td_code check_consistency(const struct validation *val, const char *ticker, const struct proof *proof,
                               const struct td_rows *cached, struct verdict *out, struct td_err *err)
{
    const struct td_daily_row *rows = cached->items;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < cached->count; i++) {
        const struct proof_day *day = proof_find(proof, rows[i].trading_day);
        bool partial = td_flags_parse(rows[i].flags) & TD_FLAG(PARTIAL_SESSION), same = false;
        if (!judged_day(val, rows[i].trading_day) || partial || (day && day->borrowed))
            continue; /* a session that bronze does not know is coverage's */
        if (day) {
            code = compare_row(ticker, day, &rows[i], &same, out, err);
        } else {
            struct td_finding finding = finding_of(TD_CHECK_CONSISTENCY, ticker, rows[i].trading_day, "row");
            finding.found = rows[i].close_d;
            finding.weight = 1;
            td_copy(finding.note, sizeof finding.note, "bronze vouches for the session and has no bars");
            code = verdict_add(out, &finding, err);
        }
        out->judged[TD_CHECK_CONSISTENCY]++;
        out->good[TD_CHECK_CONSISTENCY] += same;
    }
    return code;
}

/* ---- continuity ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct habit { /* what three of four sessions with minute bars hold, as shares of the session: a runner's quiet days are no fault */
    double density, gap;
    bool known;
};

static enum td_code habit_of(const struct proof *proof, struct habit *out, struct td_err *err)
{
    double *density = td_calloc(2 * proof->count + 1, sizeof *density), *gap = density ? density + proof->count : NULL;
    size_t n = 0;
    if (!density)
        return td_fail(err, TD_NOMEM, "out of memory: the habits of %zu sessions", proof->count);
    for (size_t i = 0; i < proof->count; i++) {
        const struct proof_day *day = &proof->days[i];
        if (!day->minutes || day->expected == 0)
            continue;
        density[n] = (double)day->present / day->expected;
        gap[n++] = (double)day->gap / day->expected;
    }
    *out = (struct habit){.known = n >= HABIT_SESSIONS};
    if (out->known) {
        qsort(density, n, sizeof *density, compare_doubles);
        qsort(gap, n, sizeof *gap, compare_doubles);
        out->density = density[n / 4];
        out->gap = gap[n - 1 - n / 4];
    }
    td_free(density);
    return TD_OK;
}

/* Regular minutes that should have a bar and have none, by the strongest of three signs; never more than have none. */
static double missed_minutes(const struct habit *habit, const struct proof_day *day, const char **sign)
{
    double absent = day->expected - day->present, missed = 0;
    *sign = "";
    if (habit->known) {
        double n = day->expected, d = habit->density, chance = 4 * sqrt(d * (1 - d) / n); /* of minutes that come and go by chance */
        double usual = floor(n * fmin(HABIT_SHARE * d, d - chance));
        double longest = fmax(GAP_MINUTES, 3 * habit->gap * day->expected);
        if (usual - day->present > missed) {
            missed = usual - day->present;
            *sign = "fewer minutes than its other sessions have";
        }
        if (floor(day->gap - longest) > missed) {
            missed = floor(day->gap - longest);
            *sign = "a longer run without bars than its other sessions have";
        }
    }
    if (day->has_bar && day->bar_volume > 0 && day->volume < VOLUME_SHARE * day->bar_volume) {
        double share = day->volume / day->bar_volume, lost = share > 0 ? ceil(day->present * (1 / share - 1)) : absent;
        if (lost > missed) {
            missed = lost;
            *sign = "less volume than its daily bar has";
        }
    }
    return missed < absent ? missed : absent;
}

enum td_code check_continuity(const struct validation *val, const char *ticker, const struct proof *proof, struct verdict *out,
                              struct td_err *err)
{
    struct habit habit = {0};
    enum td_code code = habit_of(proof, &habit, err);
    for (size_t i = 0; code == TD_OK && i < proof->count; i++) {
        const struct proof_day *day = &proof->days[i];
        const char *sign;
        bool evening = val->preset == TD_PRESET_SEED && day->present == 0; /* bars after midnight UTC of a winter evening */
        if (!day->minutes || day->expected == 0 || evening || !judged_day(val, day->day))
            continue;
        double missed = missed_minutes(&habit, day, &sign);
        out->judged[TD_CHECK_CONTINUITY]++;
        out->good[TD_CHECK_CONTINUITY] += missed == 0;
        out->there += day->present;
        out->missed += missed;
        if (missed == 0)
            continue;
        struct td_finding finding = finding_of(TD_CHECK_CONTINUITY, ticker, day->day, "minutes");
        finding.expected = day->present + missed;
        finding.found = day->present;
        finding.weight = missed;
        td_snprintf(finding.note, sizeof finding.note, "%s; longest run %d", sign, day->gap);
        code = verdict_add(out, &finding, err);
    }
    return code;
}
