/* SPDX-License-Identifier: GPL-3.0-or-later
 * Second pass of the daily builder: everything a row owes to the rows before it. Each row is computed from at most 31
 * earlier ones, afresh and in time order, so that a run over one new day and a full rebuild give the same bits. */
#include <string.h>
#include "daily.h"

#define WINDOW_ROWS 30       /* of the RVOL window, today included */
#define LOOK_BACK 31         /* earlier rows that can touch a row: 30 before today, and one to start from */
#define PRIOR_MIN_ROWS 5     /* rows with a volume that rvol30_prior asks for */
#define LIFE_MAX_SESSIONS 10 /* rows further apart belong to different lives */
#define SPLIT_TOLERANCE 0.06
#define SPLIT_MAX 200
#define SUSPECT_LOW 0.2
#define SUSPECT_HIGH 5.0

/* A row as later rows see it. */
struct past {
    td_day day;
    int32_t index; /* of the session, or of the one before on a non-session (`seed`) */
    double close, volume;
    double factor; /* of the splits executed in (row before, this row] */
    size_t life;   /* place of the first row of this row's life */
    bool split;    /* a split is known in (row before, this row] */
    bool new_life; /* the row before is another life */
    bool hole;     /* an unknown session lies strictly between the row before and this one */
    bool from_day;
};

struct line { /* rows in time order; the newest may still be in the making */
    struct past *items;
    size_t n;
};

static bool day_between(const td_day *days, size_t count, td_day after, td_day upto, td_day *found)
{
    for (size_t i = 0; i < count; i++)
        if (days[i] > after && days[i] <= upto) {
            *found = days[i];
            return true;
        }
    return false;
}

static bool has_day(const td_day *days, size_t count, td_day day)
{
    td_day found;
    return day_between(days, count, day - 1, day, &found);
}

static bool life_broken(const struct td_daily_context *context, const struct past *before, const struct past *now)
{
    if (now->index - before->index > LIFE_MAX_SESSIONS)
        return true;
    for (size_t i = 0; i < context->life_break_count; i++) {
        td_day day = context->life_breaks[i];
        if (day > before->day && day <= now->day && !has_day(context->renames, context->rename_count, day))
            return true;
    }
    return false;
}

static bool session_known(const struct td_daily_context *context, td_day day)
{
    return daily_in_ranges(context->vouched, context->vouched_count, day) &&
           !daily_in_ranges(context->incomplete, context->incomplete_count, day);
}

static bool hole_between(const struct td_daily_context *context, const struct past *before, const struct past *now)
{
    for (int32_t i = before->index + 1; i < now->index; i++)
        if (!session_known(context, td_cal_day(i)))
            return true;
    return false;
}

static void apply_splits(const struct td_daily_context *context, const struct past *before, struct past *now)
{
    for (size_t i = 0; i < context->split_count; i++) {
        const struct td_split *split = &context->splits[i];
        if (split->day > before->day && split->day <= now->day && split->factor > 0 && isfinite(split->factor)) {
            now->factor *= split->factor;
            now->split = true;
        }
    }
}

/* Put a row at the end of the line: how it hangs together with the one before. */
static struct past *line_place(const struct td_daily_context *context, struct line *line,
                               const struct td_daily_row *row)
{
    struct past *now = &line->items[line->n];
    *now = (struct past){
        .day = row->trading_day,
        .index = td_cal_index_at_or_before(row->trading_day),
        .close = row->close_d,
        .volume = row->vol_d,
        .factor = 1,
        .from_day = row->bars_from && !strcmp(row->bars_from, "day"),
    };
    if (line->n == 0)
        return now;
    const struct past *before = now - 1;
    now->life = before->life;
    if (context->preset == TD_PRESET_SEED)
        return now;
    apply_splits(context, before, now);
    now->new_life = life_broken(context, before, now);
    if (now->new_life)
        now->life = line->n;
    else
        now->hole = hole_between(context, before, now);
    return now;
}

struct window {
    double mean, prior_mean; /* NaN when no row has a volume */
    uint32_t known, prior_known;
    bool mixed, hole;
};

static double mean_of(const double *volumes, size_t n, uint32_t *known)
{
    double sum = 0;
    *known = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(volumes[i])) {
            sum += volumes[i];
            ++*known;
        }
    return *known ? sum / *known : TD_NO_F64;
}

/* The window that ends at the newest row of the line, volumes brought to its share count. */
static struct window window_of(const struct line *line)
{
    const struct past *rows = line->items;
    size_t now = line->n, life = rows[now].life;
    size_t prior = now - life < WINDOW_ROWS ? life : now - WINDOW_ROWS;
    size_t from = now - life < WINDOW_ROWS ? life : now - WINDOW_ROWS + 1;
    double volumes[WINDOW_ROWS + 1], factor = 1;
    struct window w = {0};
    for (size_t i = now + 1; i-- > prior;) {
        volumes[i - prior] = rows[i].volume * factor;
        factor *= rows[i].factor;
    }
    for (size_t i = from; i <= now; i++) {
        w.mixed |= rows[i].from_day != rows[now].from_day;
        w.hole |= i > from && rows[i].hole;
    }
    w.mean = mean_of(volumes + (from - prior), now - from + 1, &w.known);
    w.prior_mean = mean_of(volumes, now - prior, &w.prior_known);
    return w;
}

static bool near_whole(double x)
{
    double low = floor(x), high = ceil(x);
    for (int i = 0; i < 2; i++) {
        double n = i ? high : low;
        n = n < 2 ? 2 : n > SPLIT_MAX ? SPLIT_MAX : n;
        if (fabs(x / n - 1) <= SPLIT_TOLERANCE)
            return true;
    }
    return fabs(x / 1.5 - 1) <= SPLIT_TOLERANCE;
}

/* A jump by about n:1 or 1:n while the value of trading did not jump: a split nobody told of. */
static bool split_suspected(const struct td_daily_row *row, const struct past *before, const struct window *window)
{
    double price = isnan(row->open_d) ? row->close_d : row->open_d;
    double q = ratio_or_null(price, before->close);
    if (!(q > 0) || isnan(row->vol_d) || !(window->prior_mean > 0))
        return false;
    double value = row->vol_d * q / window->prior_mean;
    return (near_whole(q) || near_whole(1 / q)) && value >= SUSPECT_LOW && value <= SUSPECT_HIGH;
}

static void fill_changes(struct td_daily_row *row, const struct past *before, const struct past *now)
{
    double prior_close = before->close / now->factor;
    double ratio = ratio_or_null(row->close_d, prior_close), gap = ratio_or_null(row->open_d, prior_close);
    if (ratio > 0) {
        row->pctchg_d = ratio - 1;
        row->return_d = log(ratio);
    }
    row->gap_pct_d = gap - 1;
}

static uint32_t identity_flags(const struct td_daily_context *context, const struct past *before,
                               const struct past *now)
{
    td_day found;
    uint32_t flags = 0;
    if (now->new_life)
        flags |= TD_FLAG(NEW_LISTING);
    if (day_between(context->renames, context->rename_count, before ? before->day : now->day - 1, now->day, &found))
        flags |= TD_FLAG(RENAMED);
    if (now->factor != 1)
        flags |= TD_FLAG(SPLIT_DAY);
    return flags;
}

/* The columns of the row at the end of the line; returns the flags they bring. */
static uint32_t fill_row(const struct td_daily_context *context, const struct line *line, struct td_daily_row *row)
{
    const struct past *now = &line->items[line->n], *before = line->n ? now - 1 : NULL;
    struct window window = window_of(line);
    uint32_t flags = window.mixed ? TD_FLAG(MIXED_BARS) : 0;
    row->hist_n = window.known;
    row->rvol30 = ratio_or_null(row->vol_d, window.mean);
    if (window.prior_known >= PRIOR_MIN_ROWS)
        row->rvol30_prior = ratio_or_null(row->vol_d, window.prior_mean);
    if (before && !now->new_life && !now->hole)
        fill_changes(row, before, now);
    if (context->preset == TD_PRESET_SESSION) {
        row->split_factor = now->factor;
        flags |= identity_flags(context, before, now);
        flags |= window.hole ? TD_FLAG(PARTIAL_HISTORY) : 0;
        if (before && !now->new_life && !now->split && split_suspected(row, before, &window))
            flags |= TD_FLAG(SPLIT_SUSPECT);
    }
    return flags;
}

static bool serves_later_rows(const struct td_daily_row *row, td_day before)
{
    return row->trading_day < before && !(td_flags_parse(row->flags) & TD_FLAG(PARTIAL_SESSION));
}

/* The last rows of the history that later rows may lean on. */
static void line_recall(const struct td_daily_context *context, struct line *line, const struct td_daily_row *history,
                        size_t count, td_day before)
{
    size_t from = count, usable = 0;
    while (from > 0 && usable < LOOK_BACK)
        usable += serves_later_rows(&history[--from], before);
    for (size_t i = from; i < count; i++)
        if (serves_later_rows(&history[i], before)) {
            line_place(context, line, &history[i]);
            line->n++;
        }
}

enum td_code daily_history(const struct td_daily_context *context, const struct td_daily_row *history,
                           size_t history_count, struct daily_rows *made, struct td_err *err)
{
    struct line line = {0};
    if (made->n == 0)
        return TD_OK;
    line.items = td_calloc(made->n + LOOK_BACK, sizeof *line.items);
    if (!line.items)
        return td_fail(err, TD_NOMEM, "%s: out of memory for %zu rows of history", context->ticker, made->n);
    line_recall(context, &line, history, history_count, made->rows[0].trading_day);
    for (size_t i = 0; i < made->n; i++) {
        struct td_daily_row *row = &made->rows[i];
        line_place(context, &line, row);
        td_flags_format(made->flags[i] | fill_row(context, &line, row), row->flags);
        if (row->complete) /* the running session serves no later row */
            line.n++;
    }
    td_free(line.items);
    return TD_OK;
}
