/* SPDX-License-Identifier: GPL-3.0-or-later
 * validate_rows: ticker-days counted anew from bronze, bar by bar, in the plainest way there is (design section 6 and 6.1). It
 * is slower than the cache build on purpose and shares none of its code. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "validate.h"

#define WINDOW 30
#define LIFE_SESSIONS 10 /* rows further apart are another life */
#define OLD_SYMBOL_DAYS 120

/* ---- bars into days ---- */

static struct proof_day *day_of(struct proof *proof, td_day day, struct td_err *err)
{
    if (proof->count && proof->days[proof->count - 1].day == day)
        return &proof->days[proof->count - 1];
    if (td_grow(&proof->days, &proof->cap, proof->count + 1, sizeof *proof->days, err) != TD_OK)
        return NULL;
    struct proof_day *out = &proof->days[proof->count++];
    struct td_session session;
    *out = (struct proof_day){.day = day, .minutes = true, .history = true, .last_minute = -1};
    out->open = out->high = out->low = out->close = out->last = TD_NO_F64;
    out->pctchg = out->rvol30 = out->cap = out->bar_close = out->bar_volume = TD_NO_F64;
    out->index = td_cal_index_at_or_before(day);
    out->expected = td_cal_session(day, &session) ? session.close_min - TD_REGULAR_MIN : 0;
    return out;
}

static double weigh(const struct td_bar *bar)
{
    if (!isnan(bar->vwap))
        return bar->vwap;
    double typical = (bar->high + bar->low + bar->close) / 3;
    return isnan(typical) ? bar->close : typical;
}

static void add_regular(struct proof_day *day, int minute)
{
    if (minute - day->last_minute - 1 > day->gap)
        day->gap = minute - day->last_minute - 1;
    if (minute != day->last_minute)
        day->present++;
    day->last_minute = minute;
}

static enum td_code add_minute(const struct validation *val, struct proof *proof, const struct td_bar *bar, struct td_err *err)
{
    td_day date;
    int32_t ms;
    td_ny_split(bar->ts, &date, &ms);
    enum td_phase phase = td_cal_phase(date, ms / (int32_t)TD_MS_MINUTE);
    bool seed = val->preset == TD_PRESET_SEED, regular = phase == TD_PHASE_REGULAR;
    if (!seed && (phase == TD_PHASE_OFF || phase == TD_PHASE_NO_SESSION))
        return TD_OK;
    if (seed)
        date = (td_day)floor((double)bar->ts / (double)TD_MS_DAY);
    struct proof_day *day = day_of(proof, date, err);
    if (!day)
        return TD_NOMEM;
    day->bars++;
    day->last = bar->close;
    if (!isnan(bar->volume)) {
        day->volumes++;
        day->volume += bar->volume;
        day->dollars += bar->volume * weigh(bar);
    }
    if (regular || seed) {
        day->open = isnan(day->open) ? bar->open : day->open;
        day->high = isnan(day->high) || bar->high > day->high ? bar->high : day->high;
        day->low = isnan(day->low) || bar->low < day->low ? bar->low : day->low;
        day->close = bar->close;
    }
    if (regular)
        add_regular(day, ms / (int32_t)TD_MS_MINUTE - TD_REGULAR_MIN);
    return TD_OK;
}

static int by_day(const void *a, const void *b)
{
    const struct proof_day *x = a, *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

static struct proof_day *find_day(struct proof_day *days, size_t count, td_day day)
{
    const struct proof_day key = {.day = day};
    return count ? bsearch(&key, days, count, sizeof key, by_day) : NULL;
}

const struct proof_day *proof_find(const struct proof *proof, td_day day)
{
    return find_day(proof->days, proof->count, day);
}

/* A daily bar: beside minutes it only lends its close and volume, else it is the row. `minutes` days come first in the array. */
static enum td_code add_daily(const struct validation *val, struct proof *proof, size_t minutes, const struct td_bar *bar,
                              struct td_err *err)
{
    td_day date;
    int32_t ms;
    td_ny_split(bar->ts, &date, &ms);
    if (val->preset == TD_PRESET_SESSION && td_cal_index(date) < 0)
        return TD_OK;
    struct proof_day *day = find_day(proof->days, minutes, date);
    bool own = !day;
    if (own && !val->day_rows)
        return TD_OK;
    if (own)
        day = day_of(proof, date, err);
    if (!day)
        return TD_NOMEM;
    day->has_bar = true;
    day->bar_close = bar->close;
    day->bar_volume = bar->volume;
    if (!own)
        return TD_OK;
    day->minutes = false;
    day->bars = 1;
    day->open = bar->open;
    day->high = bar->high;
    day->low = bar->low;
    day->close = day->last = bar->close;
    day->volumes = !isnan(bar->volume);
    day->volume = bar->volume;
    day->dollars = bar->volume * weigh(bar);
    return TD_OK;
}

/* ---- files ---- */

static enum td_code note_ranges(struct proof *proof, const struct td_bronze_info *info, enum td_table table, int32_t month,
                                struct td_err *err)
{
    enum td_code code = TD_OK;
    td_day end = td_month_first(month) - 1;
    for (size_t i = 0; code == TD_OK && i < info->vouched.count; i++) {
        end = info->vouched.items[i].to;
        code = td_ranges_add(&proof->vouched, info->vouched.items[i].from, end, err);
    }
    /* The vendor gave bars of a session that it had not finished. */
    if (code == TD_OK && table == TD_STOCKS_MINUTE && strcmp(info->source, "rest") == 0 && info->last_day > end)
        code = td_ranges_add(&proof->incomplete, end + 1, info->last_day, err);
    if (code == TD_OK)
        code = td_grow(&proof->months, &proof->month_cap, proof->month_count + 1, sizeof *proof->months, err);
    if (code == TD_OK)
        proof->months[proof->month_count++] = month;
    return code;
}

struct feed {
    enum td_table table;
    const char *ticker;
    td_day from, to;   /* of the days that count */
    char basis[16];    /* of the prices; the first file decides */
    int64_t newest;    /* months of a ticker-first lake may overlap: each bar counts once */
};

static enum td_code feed_bars(const struct validation *val, struct proof *proof, struct feed *feed,
                              const struct td_bars *bars, size_t minutes, struct td_err *err)
{
    int64_t begin = feed->from == TD_NO_DAY ? INT64_MIN : td_ny_midnight(feed->from), end = td_ny_midnight(feed->to + 1);
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < bars->n; i++) {
        struct td_bar bar = td_bars_get(bars, i);
        if (bar.ts < begin || bar.ts >= end || (feed->table == TD_STOCKS_MINUTE && bar.ts <= feed->newest))
            continue;
        feed->newest = bar.ts;
        code = feed->table == TD_STOCKS_MINUTE ? add_minute(val, proof, &bar, err) : add_daily(val, proof, minutes, &bar, err);
    }
    return code;
}

static enum td_code read_month(const struct td_lake *lake, const struct validation *val, const struct feed *feed, int32_t month,
                               struct td_bars *bars, struct td_bronze_info *info, struct td_err *err)
{
    struct td_bronze_reader *reader = NULL;
    struct td_intraday_counts counts;
    if (feed->table != TD_STOCKS_MINUTE || !*val->intraday)
        return td_bronze_read(lake, feed->table, feed->ticker, month, bars, info, err);
    *info = (struct td_bronze_info){0};
    enum td_code code = td_bronze_reader_new(&reader, err);
    if (code == TD_OK)
        code = td_intraday_read(reader, val->intraday, feed->ticker, month, bars, info, &counts, err);
    td_bronze_reader_free(reader);
    return code;
}

static enum td_code feed_table(const struct td_lake *lake, const struct validation *val, struct proof *proof, struct feed *feed,
                               struct td_err *err)
{
    const struct td_bronze_list *list = &val->files[feed->table];
    struct td_bars bars = {0};
    size_t minutes = proof->count, at = 0, high = list->count;
    enum td_code code = TD_OK;
    while (at < high) {
        size_t mid = (at + high) / 2;
        if (strcmp(list->items[mid].ticker, feed->ticker) < 0)
            at = mid + 1;
        else
            high = mid;
    }
    for (; code == TD_OK && at < list->count && strcmp(list->items[at].ticker, feed->ticker) == 0; at++) {
        struct td_bronze_info info;
        struct td_err why = {0};
        int32_t month = list->items[at].month;
        if (feed->from != TD_NO_DAY && (td_month_last(month) + TD_INTRADAY_SPILL < feed->from || td_month_first(month) - TD_INTRADAY_SPILL > feed->to))
            continue;
        bars.n = 0;
        code = read_month(lake, val, feed, month, &bars, &info, &why);
        bool lost = code == TD_DATA || code == TD_UNSUPPORTED || code == TD_MISSING;
        if (code == TD_OK && !*feed->basis)
            td_copy(feed->basis, sizeof feed->basis, info.adjusted);
        if (code == TD_OK)
            code = note_ranges(proof, &info, feed->table, month, &why);
        proof->rows += bars.n;
        proof->bytes += list->items[at].bytes;
        if (code == TD_OK && strcmp(feed->basis, info.adjusted) == 0)
            code = feed_bars(val, proof, feed, &bars, minutes, &why);
        td_bronze_info_free(&info);
        if (lost) { /* its sessions are unknown */
            td_copy(proof->trouble, sizeof proof->trouble, why.text);
            code = TD_OK;
        } else if (code != TD_OK && err)
            *err = why;
    }
    td_bars_free(&bars);
    return code;
}

static enum td_code feed_ticker(const struct td_lake *lake, const struct validation *val, const char *ticker, td_day from,
                                td_day to, struct proof *proof, struct td_err *err)
{
    struct feed feed = {.table = TD_STOCKS_MINUTE, .ticker = ticker, .from = from, .to = to, .newest = INT64_MIN};
    enum td_code code = val->minute_rows ? feed_table(lake, val, proof, &feed, err) : TD_OK;
    feed.table = TD_STOCKS_DAILY;
    if (code == TD_OK)
        code = feed_table(lake, val, proof, &feed, err);
    if (proof->count > 1)
        qsort(proof->days, proof->count, sizeof *proof->days, by_day);
    return code;
}

/* From sums to the values of a row that need no history. */
static void finish_day(const struct validation *val, struct proof_day *day)
{
    if (day->borrowed)
        return;
    if (day->minutes && isnan(day->close))
        day->close = day->last;
    if (day->minutes && val->preset == TD_PRESET_SESSION && day->has_bar && !isnan(day->bar_close))
        day->close = day->bar_close;
    if (day->volumes == 0)
        day->volume = day->dollars = TD_NO_F64;
    if (day->minutes && day->expected - day->last_minute - 1 > day->gap)
        day->gap = day->expected - day->last_minute - 1;
}

/* ---- history ---- */

struct facts { /* what is known of the ticker besides its bars */
    const struct td_split_row *splits;
    const struct td_ticker_row *listings;
    const struct td_rename_row *renames;
    const struct cap_row *caps;
    size_t split_count, listing_count, rename_count, cap_count;
};

static struct facts facts_of(const struct validation *val, const char *ticker)
{
    const struct td_rows caps = {.items = val->caps.rows, .count = val->caps.count, .size = sizeof(struct cap_row)};
    struct facts out;
    out.splits = job_reference_find(&val->reference.splits, ticker, &out.split_count);
    out.listings = job_reference_find(&val->reference.tickers, ticker, &out.listing_count);
    out.renames = job_reference_find(&val->reference.renames, ticker, &out.rename_count);
    out.caps = job_reference_find(&caps, ticker, &out.cap_count);
    return out;
}

/* New shares per old share executed after one day up to another. */
static double shares(const struct facts *facts, td_day after, td_day upto, bool *any)
{
    double factor = 1;
    for (size_t i = 0; i < facts->split_count; i++) {
        const struct td_split_row *s = &facts->splits[i];
        if (s->execution_date <= after || s->execution_date > upto || !(s->split_from > 0) || !(s->split_to > 0))
            continue;
        factor *= s->split_to / s->split_from;
        *any = true;
    }
    return factor;
}

static bool renamed_on(const struct facts *facts, td_day day)
{
    for (size_t i = 0; i < facts->rename_count; i++)
        if (facts->renames[i].day == day)
            return true;
    return false;
}

static bool breaks(const struct facts *facts, td_day day, td_day after, td_day upto)
{
    return day > after && day <= upto && !renamed_on(facts, day);
}

static bool another_life(const struct facts *facts, const struct proof_day *before, const struct proof_day *now)
{
    if (now->index - before->index > LIFE_SESSIONS)
        return true;
    for (size_t i = 0; i < facts->listing_count; i++) {
        const struct td_ticker_row *listing = &facts->listings[i];
        if (listing->list_date != TD_NO_DAY && breaks(facts, listing->list_date, before->day, now->day))
            return true;
        if (listing->delisted != TD_NO_DAY && breaks(facts, listing->delisted + 1, before->day, now->day))
            return true;
    }
    return false;
}

bool proof_knows(const struct proof *proof, td_day day)
{
    for (size_t i = 0; i < proof->incomplete.count; i++)
        if (proof->incomplete.items[i].from <= day && day <= proof->incomplete.items[i].to)
            return false;
    for (size_t i = 0; i < proof->vouched.count; i++)
        if (proof->vouched.items[i].from <= day && day <= proof->vouched.items[i].to)
            return true;
    return false;
}

static bool has_month(const struct proof *proof, int32_t month)
{
    for (size_t i = 0; i < proof->month_count; i++)
        if (proof->months[i] == month)
            return true;
    return false;
}

/* An unknown session strictly between two rows; `unfiled`: its month has no file at all, so the cache may know better. */
static bool unknown_between(const struct proof *proof, const struct proof_day *before, const struct proof_day *now, bool *unfiled)
{
    bool hole = false;
    for (int32_t i = before->index + 1; i < now->index; i++) {
        td_day day = td_cal_day(i);
        if (proof_knows(proof, day))
            continue;
        hole = true;
        *unfiled = *unfiled || !has_month(proof, td_month_of(day));
    }
    return hole;
}

static double over(double value, double by)
{
    double ratio = by > 0 ? value / by : TD_NO_F64;
    return isfinite(ratio) ? ratio : TD_NO_F64;
}

/* Within 6 % of an integer from 2 to 200, or of 3/2. */
static bool like_a_split(double q)
{
    for (int n = 2; n <= 200; n++)
        if (fabs(q / n - 1) <= 0.06)
            return true;
    return fabs(q / 1.5 - 1) <= 0.06;
}

/* Mean of the volumes of days[from..to), each brought to the share count of days[now]. */
static double mean_volume(const struct facts *facts, bool seed, const struct proof_day *days, size_t from, size_t to, size_t now)
{
    double sum = 0;
    unsigned known = 0;
    bool any;
    for (size_t i = from; i < to; i++) {
        if (isnan(days[i].volume))
            continue;
        sum += days[i].volume * (seed ? 1 : shares(facts, days[i].day, days[now].day, &any));
        known++;
    }
    return known ? sum / known : TD_NO_F64;
}

static void fill_history(const struct validation *val, const struct facts *facts, const struct proof *proof,
                         struct proof_day *days, size_t at, size_t *life)
{
    struct proof_day *now = &days[at];
    const struct proof_day *before = at ? now - 1 : NULL;
    bool seed = val->preset == TD_PRESET_SEED, split = false, unfiled = false;
    bool anew = before && !seed && another_life(facts, before, now);
    bool hole = before && !seed && !anew && unknown_between(proof, before, now, &unfiled);
    if (anew)
        *life = at;
    size_t from = at + 1 - *life > WINDOW ? at + 1 - WINDOW : *life, prior = at - *life > WINDOW ? at - WINDOW : *life;
    for (size_t i = prior; i <= at; i++)
        now->history = now->history && !days[i].borrowed;
    now->history = now->history && !unfiled;
    now->rvol30 = over(now->volume, mean_volume(facts, seed, days, from, at + 1, at));
    if (!before || anew)
        return;
    double factor = seed ? 1 : shares(facts, before->day, now->day, &split);
    double ratio = over(now->close * factor, before->close);
    now->pctchg = !hole && ratio > 0 ? ratio - 1 : TD_NO_F64;
    double q = over(isnan(now->open) ? now->close : now->open, before->close);
    double mean = mean_volume(facts, seed, days, prior, at, at), value = now->volume * q / mean;
    now->suspect = !seed && !split && q > 0 && mean > 0 && (like_a_split(q) || like_a_split(1 / q)) && value >= 0.2 && value <= 5;
}

/* The newest start at or before the day that has not ended. */
static double cap_on(const struct facts *facts, td_day day)
{
    const struct cap_row *best = NULL;
    for (size_t i = 0; i < facts->cap_count; i++) {
        const struct td_cap_interval *interval = &facts->caps[i].interval;
        bool covers = interval->from <= day && (interval->to == TD_NO_DAY || day < interval->to);
        if (covers && (!best || interval->from >= best->interval.from))
            best = &facts->caps[i];
    }
    return best && isfinite(best->interval.cap) ? best->interval.cap : TD_NO_F64;
}

/* Sessions that bronze does not know any more but the cache does: their base values are taken from it, so that the days
 * after them can still be judged. */
static enum td_code borrow(struct proof *proof, const struct td_rows *cached, struct td_err *err)
{
    const struct td_daily_row *rows = cached->items;
    size_t own = proof->count;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < cached->count; i++) {
        if (find_day(proof->days, own, rows[i].trading_day) || proof_knows(proof, rows[i].trading_day) ||
            td_flags_parse(rows[i].flags) & TD_FLAG(PARTIAL_SESSION))
            continue;
        struct proof_day *day = day_of(proof, rows[i].trading_day, err);
        if (!day)
            return TD_NOMEM;
        day->borrowed = true;
        day->minutes = false;
        day->open = rows[i].open_d;
        day->close = rows[i].close_d;
        day->volume = rows[i].vol_d;
        day->dollars = rows[i].dollar_vol_d;
        day->volumes = day->bars = 1;
        day->suspect = td_flags_parse(rows[i].flags) & TD_FLAG(SPLIT_SUSPECT);
    }
    if (proof->count > 1)
        qsort(proof->days, proof->count, sizeof *proof->days, by_day);
    return code;
}

/* Days of the company under its old symbol, at most the window's, in front of its own. */
static enum td_code old_symbol(const struct td_lake *lake, const struct validation *val, const struct facts *facts,
                               struct proof *own, struct proof *old, struct td_err *err)
{
    if (facts->rename_count == 0 || own->count == 0)
        return TD_OK;
    const struct td_rename_row *move = &facts->renames[facts->rename_count - 1];
    enum td_code code = feed_ticker(lake, val, move->old_ticker, move->day - OLD_SYMBOL_DAYS, move->day - 1, old, err);
    size_t kept = 0;
    for (size_t i = 0; i < old->count; i++)
        if (old->days[i].day < own->days[0].day)
            old->days[kept++] = old->days[i];
    size_t skip = kept > WINDOW + 1 ? kept - WINDOW - 1 : 0;
    old->count = kept - skip;
    memmove(old->days, old->days + skip, old->count * sizeof *old->days);
    for (size_t i = 0; i < old->count; i++)
        finish_day(val, &old->days[i]);
    return code;
}

enum td_code proof_make(const struct td_lake *lake, const struct validation *val, const char *ticker,
                        const struct td_rows *cached, struct proof *out, struct td_err *err)
{
    const struct facts facts = facts_of(val, ticker);
    struct proof old = {0};
    struct proof_day *line = NULL;
    size_t life = 0;
    *out = (struct proof){0};
    enum td_code code = feed_ticker(lake, val, ticker, TD_NO_DAY, val->last_over, out, err);
    if (code == TD_OK)
        code = borrow(out, cached, err);
    for (size_t i = 0; code == TD_OK && i < out->count; i++)
        finish_day(val, &out->days[i]);
    if (code == TD_OK)
        code = old_symbol(lake, val, &facts, out, &old, err);
    size_t total = old.count + out->count;
    if (code == TD_OK && total)
        line = td_malloc(total * sizeof *line);
    if (code == TD_OK && total && !line)
        code = td_fail(err, TD_NOMEM, "%s: out of memory for %zu days", ticker, total);
    if (code == TD_OK && old.count)
        memcpy(line, old.days, old.count * sizeof *line);
    if (code == TD_OK && out->count)
        memcpy(line + old.count, out->days, out->count * sizeof *line);
    for (size_t i = 0; code == TD_OK && i < total; i++) {
        bool suspect = line[i].suspect;
        fill_history(val, &facts, out, line, i, &life);
        line[i].suspect = line[i].borrowed ? suspect : line[i].suspect;
        line[i].cap = cap_on(&facts, line[i].day);
    }
    if (code == TD_OK && out->count)
        memcpy(out->days, line + old.count, out->count * sizeof *line);
    td_free(line);
    proof_free(&old);
    if (code != TD_OK)
        proof_free(out);
    return code;
}

void proof_free(struct proof *proof)
{
    td_free(proof->days);
    td_free(proof->months);
    td_ranges_free(&proof->vouched);
    td_ranges_free(&proof->incomplete);
    *proof = (struct proof){0};
}
