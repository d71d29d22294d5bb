/* SPDX-License-Identifier: GPL-3.0-or-later
 * A run over new days must equal a full rebuild bit for bit, wherever it is cut and however the bars are fed; and the
 * daily panel must come out as a second, plain reading of the rules computes it. */
#include "daily_fixture.h"

#define FIRST 8000 /* session number the random market begins at */
#define SPAN 160

struct random_market { /* one ticker with everything that can happen to it */
    struct td_bars minutes, days;
    struct td_split splits[8];
    struct td_day_range vouched[8], incomplete[2];
    td_day life_breaks[2], renames[2];
    struct td_cap_interval caps[4];
    struct td_daily_context context;
};

static double random_price(uint64_t *seed)
{
    return 0.5 + (double)(random_next(seed) % 2000000) / 99999;
}

static void random_session(struct random_market *m, int32_t index, uint64_t *seed)
{
    td_day day = td_cal_day(index);
    uint64_t kind = random_next(seed) % 10; /* 0: nothing; 1, 2: daily bar only; 3: both; else minutes */
    if (kind == 0)
        return;
    if (kind <= 3) {
        double p = random_price(seed);
        struct td_bar bar = {td_ny_midnight(day), p, p * 1.1, p * 0.9, p, kind == 1 ? NONE : 1e4 * p, p, 9};
        ASSERT_OK(td_bars_add(&m->days, &bar, NULL), (struct td_err){0});
    }
    if (kind == 1 || kind == 2)
        return;
    unsigned bars = 1 + (unsigned)(random_next(seed) % 60);
    int64_t minute = 200 + (int64_t)(random_next(seed) % 500); /* some before 04:00, some after the close */
    for (unsigned i = 0; i < bars && minute < 1300; i++, minute += 1 + (int64_t)(random_next(seed) % 30)) {
        double p = random_price(seed);
        struct td_bar bar = {td_ny_to_utc(day, minute * TD_MS_MINUTE),
                             p,
                             p * 1.01,
                             p * 0.99,
                             p * 1.003,
                             (double)(random_next(seed) % 100000) / 3,
                             p * 1.001,
                             (int64_t)(random_next(seed) % 50)};
        bar.volume = random_next(seed) % 9 ? bar.volume : NONE;
        bar.vwap = random_next(seed) % 9 ? bar.vwap : NONE;
        bar.trades = random_next(seed) % 3 ? bar.trades : TD_NO_COUNT;
        ASSERT_OK(td_bars_add(&m->minutes, &bar, NULL), (struct td_err){0});
    }
}

static void random_market_make(struct random_market *m, enum td_preset preset, uint64_t *seed)
{
    *m = (struct random_market){0};
    for (int32_t i = 0; i < SPAN; i++)
        if (i < 50 || i > 62) /* 13 empty sessions: another life */
            random_session(m, FIRST + i, seed);
    for (int i = 0; i < 8; i++) {
        m->splits[i] =
            (struct td_split){td_cal_day(FIRST) + 25 * i + (td_day)(random_next(seed) % 9), i % 2 ? 3 : 0.07};
        m->vouched[i] = (struct td_day_range){td_cal_day(FIRST) + 30 * i, td_cal_day(FIRST) + 30 * i + 26};
    }
    m->incomplete[0] = (struct td_day_range){td_cal_day(FIRST + 90), td_cal_day(FIRST + 93)};
    m->life_breaks[0] = td_cal_day(FIRST + 80);
    m->life_breaks[1] = td_cal_day(FIRST + 120);
    m->renames[0] = td_cal_day(FIRST + 100);
    m->renames[1] = td_cal_day(FIRST + 120);
    m->caps[0] = (struct td_cap_interval){td_cal_day(FIRST), td_cal_day(FIRST + 70), 1e8};
    m->caps[1] = (struct td_cap_interval){td_cal_day(FIRST + 80), TD_NO_DAY, 2e8};
    m->context = (struct td_daily_context){
        .ticker = "RAND",
        .preset = preset,
        .splits = m->splits,
        .split_count = 8,
        .caps = m->caps,
        .cap_count = 2,
        .vouched = m->vouched,
        .vouched_count = 8,
        .life_breaks = m->life_breaks,
        .life_break_count = 2,
        .renames = m->renames,
        .rename_count = 2,
        .minute = true,
        .day_bars = true,
        .incomplete = m->incomplete,
        .incomplete_count = 1,
    };
}

static void random_market_free(struct random_market *m)
{
    td_bars_free(&m->minutes);
    td_bars_free(&m->days);
}

static struct td_bars slice(const struct td_bars *bars, size_t from, size_t to)
{
    return (struct td_bars){to - from,         to - from,          bars->ts + from,    bars->open + from,
                            bars->high + from, bars->low + from,   bars->close + from, bars->volume + from,
                            bars->vwap + from, bars->trades + from};
}

static void assert_same_rows(const struct td_daily_row *a, const struct td_daily_row *b, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        const char *column = first_difference(&a[i], &b[i]);
        char text[16];
        if (!column)
            continue;
        td_format_day(a[i].trading_day, text);
        fail_msg("%s: %s differs on %s ('%s' against '%s')", what, column, text, a[i].flags, b[i].flags);
    }
}

static void a_cut_anywhere_changes_nothing(void **state)
{
    (void)state;
    uint64_t seed = 20250206;
    for (int round = 0; round < 40; round++) {
        struct random_market m;
        random_market_make(&m, round % 4 == 3 ? TD_PRESET_SEED : TD_PRESET_SESSION, &seed);
        struct build full = build_of(&m.context, &m.minutes, &m.days);
        assert_true(full.n > 60);
        for (int cut = 0; cut < 12; cut++) {
            size_t at = 1 + (size_t)(random_next(&seed) % (full.n - 1));
            /* `seed` days are UTC days: everything of the day must be behind the cut */
            int64_t ts = m.context.preset == TD_PRESET_SEED ? (int64_t)full.rows[at].trading_day * TD_MS_DAY
                                                            : td_ny_midnight(full.rows[at].trading_day);
            size_t minute = td_bars_lower_bound(&m.minutes, ts), day = td_bars_lower_bound(&m.days, ts);
            struct td_bars minutes = slice(&m.minutes, minute, m.minutes.n), days = slice(&m.days, day, m.days.n);
            size_t given = cut % 2 && at > 31 ? 31 : at, stale = cut % 3 ? 0 : full.n - at; /* rows now made again */
            struct build part = build_with(&m.context, &minutes, &days, full.rows + at - given, given + stale);
            assert_int_equal(part.n, full.n - at);
            assert_same_rows(full.rows + at, part.rows, part.n, "cut");
            td_daily_free(part.builder);
        }
        td_daily_free(full.builder);
        random_market_free(&m);
    }
}

/* As a nightly update does it: one day after the other, each leaning on the rows made before. */
static void day_by_day_changes_nothing(void **state)
{
    (void)state;
    uint64_t seed = 77;
    struct random_market m;
    random_market_make(&m, TD_PRESET_SESSION, &seed);
    struct build full = build_of(&m.context, &m.minutes, &m.days);
    struct td_daily_row *kept = test_calloc(full.n, sizeof *kept);
    for (size_t i = 0; i < full.n; i++) {
        int64_t from = td_ny_midnight(full.rows[i].trading_day), to = td_ny_midnight(full.rows[i].trading_day + 1);
        struct td_bars minutes =
            slice(&m.minutes, td_bars_lower_bound(&m.minutes, from), td_bars_lower_bound(&m.minutes, to));
        struct td_bars days = slice(&m.days, td_bars_lower_bound(&m.days, from), td_bars_lower_bound(&m.days, to));
        struct build one = build_with(&m.context, &minutes, &days, kept, i);
        assert_int_equal(one.n, 1);
        kept[i] = one.rows[0];
        td_daily_free(one.builder);
    }
    assert_same_rows(full.rows, kept, full.n, "day by day");
    test_free(kept);
    td_daily_free(full.builder);
    random_market_free(&m);
}

static void feeding_in_pieces_changes_nothing(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    for (int round = 0; round < 20; round++) {
        struct random_market m;
        struct td_daily_builder *builder;
        struct td_daily_row *rows;
        struct td_err err = {0};
        size_t count, minute = 0, day = 0;
        random_market_make(&m, round % 2 ? TD_PRESET_SEED : TD_PRESET_SESSION, &seed);
        struct build full = build_of(&m.context, &m.minutes, &m.days);
        ASSERT_OK(td_daily_new(&m.context, &builder, &err), err);
        while (minute < m.minutes.n || day < m.days.n) { /* pieces of any size, days before, between and after */
            size_t to = minute + (size_t)(random_next(&seed) % 300), upto = day + (size_t)(random_next(&seed) % 20);
            to = to > m.minutes.n ? m.minutes.n : to;
            upto = upto > m.days.n ? m.days.n : upto;
            struct td_bars minutes = slice(&m.minutes, minute, to);
            struct td_bars days = slice(&m.days, m.days.n - upto, m.days.n - day); /* newest piece first */
            ASSERT_OK(td_daily_minutes(builder, &minutes, &err), err);
            ASSERT_OK(td_daily_days(builder, &days, &err), err);
            minute = to;
            day = upto;
        }
        ASSERT_OK(td_daily_finish(builder, NULL, 0, &rows, &count, &err), err);
        assert_int_equal(count, full.n);
        assert_same_rows(full.rows, rows, count, "pieces");
        uint64_t off[2], none[2];
        td_daily_skipped(builder, &off[0], &none[0]);
        td_daily_skipped(full.builder, &off[1], &none[1]);
        assert_true(off[0] == off[1] && none[0] == none[1]);
        td_daily_free(builder);
        td_daily_free(full.builder);
        random_market_free(&m);
    }
}

/* A late correction: the bars of a few days are fed again, the rows of all others stand, with whatever history columns and cap
 * they had. */
static void rows_that_stand_change_nothing(void **state)
{
    (void)state;
    uint64_t seed = 31415;
    for (int round = 0; round < 60; round++) {
        struct random_market m;
        random_market_make(&m, TD_PRESET_SESSION, &seed);
        struct build full = build_of(&m.context, &m.minutes, &m.days);
        struct td_daily_row *kept = test_calloc(full.n, sizeof *kept);
        struct td_daily_builder *builder;
        struct td_daily_row *rows;
        struct td_err err = {0};
        size_t count, stand = 0, before = round % 3 ? (size_t)(random_next(&seed) % full.n) : 0;
        ASSERT_OK(td_daily_new(&m.context, &builder, &err), err);
        for (size_t i = before; i < full.n; i++) {
            td_day day = full.rows[i].trading_day;
            if (random_next(&seed) % 3) {
                kept[stand] = full.rows[i];
                kept[stand].rvol30 = kept[stand].pctchg_d = kept[stand].gap_pct_d = 7; /* as stale as can be */
                kept[stand].market_cap_d = kept[stand].split_factor = kept[stand].hist_n = 3;
                td_flags_format(td_flags_parse(kept[stand].flags) ^ (TD_FLAG(SPLIT_DAY) | TD_FLAG(NEW_LISTING) | TD_FLAG(MIXED_BARS)),
                                kept[stand].flags);
                stand++;
                continue;
            }
            size_t from = td_bars_lower_bound(&m.minutes, td_ny_midnight(day)), to = td_bars_lower_bound(&m.minutes, td_ny_midnight(day + 1));
            struct td_bars minutes = slice(&m.minutes, from, to);
            from = td_bars_lower_bound(&m.days, td_ny_midnight(day));
            to = td_bars_lower_bound(&m.days, td_ny_midnight(day + 1));
            struct td_bars days = slice(&m.days, from, to);
            ASSERT_OK(td_daily_minutes(builder, &minutes, &err), err);
            ASSERT_OK(td_daily_days(builder, &days, &err), err);
        }
        td_daily_keep(builder, kept, stand);
        ASSERT_OK(td_daily_finish(builder, full.rows, before, &rows, &count, &err), err);
        assert_int_equal(count, full.n - before);
        assert_same_rows(full.rows + before, rows, count, "standing rows");
        td_daily_free(builder);
        td_daily_free(full.builder);
        test_free(kept);
        random_market_free(&m);
    }
}

/* ---- the daily panel, by a second reading of the rules ---- */

struct plain { /* one ticker of the panel */
    size_t n, cap;
    td_day *day;
    double *open, *high, *low, *close, *volume;
};

static void plain_add(struct plain *p, td_day day, const double v[5])
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 512;
        p->day = realloc(p->day, p->cap * sizeof *p->day);
        double **columns[] = {&p->open, &p->high, &p->low, &p->close, &p->volume};
        for (size_t i = 0; i < 5; i++) {
            *columns[i] = realloc(*columns[i], p->cap * sizeof(double));
            assert_non_null(*columns[i]);
        }
    }
    p->day[p->n] = day;
    p->open[p->n] = v[0];
    p->high[p->n] = v[1];
    p->low[p->n] = v[2];
    p->close[p->n] = v[3];
    p->volume[p->n++] = v[4];
}

static void plain_free(struct plain *p)
{
    free(p->day);
    free(p->open);
    free(p->high);
    free(p->low);
    free(p->close);
    free(p->volume);
    *p = (struct plain){0};
}

static int sessions_between(td_day a, td_day b)
{
    int n = 0;
    for (td_day day = a + 1; day <= b; day++)
        n += td_cal_index(day) >= 0;
    return n;
}

static bool jump_like_a_split(double q)
{
    for (int side = 0; side < 2; side++, q = 1 / q)
        for (double n = 1.5; n <= 200; n = n == 1.5 ? 2 : n + 1)
            if (fabs(q / n - 1) <= 0.06)
                return true;
    return false;
}

static double mean_of_rows(const struct plain *p, size_t from, size_t to, unsigned *known)
{
    double sum = 0;
    *known = 0;
    for (size_t i = from; i < to; i++)
        if (!isnan(p->volume[i])) {
            sum += p->volume[i];
            ++*known;
        }
    return *known ? sum / *known : NONE;
}

struct tally {
    unsigned fresh, suspects;
};

static void compare_plain(const struct plain *p, const struct td_daily_row *rows, bool session, struct tally *tally)
{
    size_t life = 0;
    for (size_t i = 0; i < p->n; i++) {
        bool fresh = session && i > 0 && sessions_between(p->day[i - 1], p->day[i]) > 10;
        if (fresh)
            life = i;
        tally->fresh += fresh;
        size_t from = i + 1 - life > 30 ? i - 29 : life, prior = i - life > 30 ? i - 30 : life;
        unsigned known, prior_known;
        double mean = mean_of_rows(p, from, i + 1, &known), prior_mean = mean_of_rows(p, prior, i, &prior_known);
        double change = i > 0 && !fresh ? p->close[i] / p->close[i - 1] - 1 : NONE;
        double gap = i > 0 && !fresh ? p->open[i] / p->close[i - 1] - 1 : NONE;
        double dollars = p->volume[i] * ((p->high[i] + p->low[i] + p->close[i]) / 3);
        double value = i > 0 ? p->volume[i] * (p->open[i] / p->close[i - 1]) / prior_mean : NONE;
        bool suspect =
            session && i > 0 && !fresh && value >= 0.2 && value <= 5 && jump_like_a_split(p->open[i] / p->close[i - 1]);
        tally->suspects += suspect;
        const struct td_daily_row *r = &rows[i];
        uint32_t flags = TD_FLAG(APPROX_DOLLAR_VOL) | (td_cal_is_half(p->day[i]) ? TD_FLAG(HALF_DAY) : 0) |
                         (fresh ? TD_FLAG(NEW_LISTING) : 0) | (suspect ? TD_FLAG(SPLIT_SUSPECT) : 0);
        if (r->trading_day != p->day[i] || r->close_d != p->close[i] || !near_value(r->vol_d, p->volume[i]) ||
            !near_value(r->dollar_vol_d, dollars) ||
            !near_value(r->vwap_d, p->volume[i] > 0 ? dollars / p->volume[i] : NONE) ||
            !near_change(r->pctchg_d, change) || !near_change(r->gap_pct_d, gap) ||
            !near_f64(r->return_d, log1p(change), 1e-12, 1e-12) || r->hist_n != known ||
            !near_value(r->rvol30, mean > 0 ? p->volume[i] / mean : NONE) ||
            !near_value(r->rvol30_prior, prior_known >= 5 && prior_mean > 0 ? p->volume[i] / prior_mean : NONE) ||
            td_flags_parse(r->flags) != flags)
            fail_msg("row %zu of %s: flags '%s', change %g, rvol30 %g", i, r->ticker, r->flags, r->pctchg_d, r->rvol30);
    }
}

static void check_ticker(const char *ticker, const struct plain *p, struct tally *tally)
{
    struct td_bars days = {0};
    for (size_t i = 0; i < p->n; i++) {
        struct td_bar bar = {
            td_ny_midnight(p->day[i]), p->open[i], p->high[i], p->low[i], p->close[i], p->volume[i], NONE, TD_NO_COUNT};
        ASSERT_OK(td_bars_add(&days, &bar, NULL), (struct td_err){0});
    }
    for (unsigned preset = 0; preset < 2; preset++) {
        struct td_daily_context context = context_of((enum td_preset)preset);
        context.ticker = ticker;
        struct build b = build_of(&context, NULL, &days);
        assert_int_equal(b.n, p->n);
        compare_plain(p, b.rows, preset == TD_PRESET_SESSION, tally);
        td_daily_free(b.builder);
    }
    td_bars_free(&days);
}

/* Every sixth ticker of the panel and those with known oddities. */
static bool sampled(const char *ticker)
{
    return td_hash64(ticker, strlen(ticker), 0) % 6 == 0 || !strcmp(ticker, "MULN") || !strcmp(ticker, "NUWE") ||
           !strcmp(ticker, "PKST") || !strcmp(ticker, "WHLRL"); /* the two that stood still for more than 10 sessions */
}

static void the_daily_panel_agrees(void **state)
{
    (void)state;
    SHARED_OR_SKIP(path, "fixtures/market/daily/us_daily_panel_202209_202403.csv.gz");
    struct csv csv;
    struct plain p = {0};
    char ticker[TD_TICKER_MAX] = "";
    size_t rows = 0, refused = 0, tickers = 0;
    struct tally tally = {0};
    csv_open(&csv, path);
    for (bool more = true; more;) {
        more = csv_next(&csv);
        if (!more || strcmp(ticker, csv.field[0])) {
            if (p.n) {
                check_ticker(ticker, &p, &tally);
                rows += p.n;
                tickers++;
            }
            plain_free(&p);
            if (more)
                td_copy(ticker, sizeof ticker, csv.field[0]);
        }
        if (!more)
            break;
        double v[5];
        td_day day = day_of(csv.field[1]);
        for (size_t i = 0; i < 5; i++)
            v[i] = number(csv.field[2 + i]);
        struct td_bar bar = {td_ny_midnight(day), v[0], v[1], v[2], v[3], v[4], NONE, TD_NO_COUNT};
        enum td_reason reason = td_bar_check(&bar, true);
        refused += reason == TD_REASON_OHLC;
        assert_true(reason == TD_REASON_NONE || reason == TD_REASON_OHLC);
        if (reason == TD_REASON_NONE && sampled(ticker))
            plain_add(&p, day, v);
    }
    print_message("panel: %zu tickers, %zu rows, %zu refused, %u new listings, %u split suspects\n", tickers, rows,
                  refused, tally.fresh, tally.suspects);
    assert_true(tickers > 300 && rows > 100000 && refused == 45 && tally.fresh == 2 && tally.suspects > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_anywhere_changes_nothing),
        cmocka_unit_test(day_by_day_changes_nothing),
        cmocka_unit_test(feeding_in_pieces_changes_nothing),
        cmocka_unit_test(rows_that_stand_change_nothing),
        cmocka_unit_test(the_daily_panel_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
