/* SPDX-License-Identifier: GPL-3.0-or-later
 * Real minutes through the daily builder: APPS in the first quarter of 2025, under both presets, with a second, plain
 * way of adding the same bars up. The numbers of docs/presets.md are kept true here. */
#include "daily_fixture.h"

static void load_apps(struct td_bars *bars)
{
    static const char *const files[] = {"fixtures/market/minute/us_2025q1_ext/2025-01/APPS.csv.gz",
                                        "fixtures/market/minute/us_2025q1_ext/2025-02/APPS.csv.gz"};
    for (size_t i = 0; i < 2; i++) {
        struct csv csv;
        csv_open(&csv, shared_path(files[i]));
        while (csv_next(&csv)) {
            struct td_bar bar = {0,
                                 number(csv.field[1]),
                                 number(csv.field[2]),
                                 number(csv.field[3]),
                                 number(csv.field[4]),
                                 number(csv.field[5]),
                                 TD_NO_F64,
                                 TD_NO_COUNT};
            csv.field[0][10] = 'T';
            assert_true(td_parse_rfc3339(csv.field[0], strlen(csv.field[0]), &bar.ts));
            assert_int_equal(td_bar_check(&bar, false), TD_REASON_NONE);
            ASSERT_OK(td_bars_add(bars, &bar, NULL), (struct td_err){0});
        }
    }
}

static const struct td_daily_row *row_of(const struct build *b, const char *day)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].trading_day == day_of(day))
            return &b->rows[i];
    fail_msg("no row on %s", day);
    return NULL;
}

/* Volume and last close of a day by asking the clock for every single bar. */
static void plain_day(const struct td_bars *bars, td_day want, bool utc, double *volume, double *close)
{
    *volume = 0;
    *close = TD_NO_F64;
    for (size_t i = 0; i < bars->n; i++) {
        td_day day;
        int32_t ms;
        td_ny_split(bars->ts[i], &day, &ms);
        enum td_phase phase = td_cal_phase(day, (int32_t)(ms / TD_MS_MINUTE));
        if (utc ? (td_day)(bars->ts[i] / TD_MS_DAY) != want
                : day != want || phase == TD_PHASE_OFF || phase == TD_PHASE_NO_SESSION)
            continue;
        *volume += bars->volume[i];
        if (utc || phase == TD_PHASE_REGULAR)
            *close = bars->close[i];
    }
}

static void apps_doubles_on_2025_02_06(void **state)
{
    (void)state;
    SHARED_OR_SKIP(folder, "fixtures/market/minute/us_2025q1_ext/2025-01/APPS.csv.gz");
    (void)folder;
    static const struct expected {
        size_t rows;
        double close, before, open, volume, change, rvol30, rvol30_prior;
        uint32_t hist_n, session_rows;
    } expected[] = {
        [TD_PRESET_SESSION] = {39, 4.98, 2.53, 3.2, 121483984, 0.968379, 15.510818, 42.023930, 24, 390},
        [TD_PRESET_SEED] = {46, 4.84, 3.32, 3.33, 121527551, 0.457831, 18.119454, 49.513992, 28, 896},
    };
    struct td_bars bars = {0};
    load_apps(&bars);
    for (unsigned preset = 0; preset < 2; preset++) {
        bool seed = preset == TD_PRESET_SEED;
        struct td_daily_context context = context_of((enum td_preset)preset);
        context.ticker = "APPS";
        struct build b = build_of(&context, &bars, NULL);
        double counted = 0;
        for (size_t i = 0; i < b.n; i++) {
            double volume, close;
            plain_day(&bars, b.rows[i].trading_day, seed, &volume, &close);
            if (b.rows[i].vol_d != volume || b.rows[i].close_d != close)
                fail_msg("preset %u row %zu: %g %g, expected %g %g", preset, i, b.rows[i].vol_d, b.rows[i].close_d,
                         volume, close);
            counted += volume;
        }
        const struct td_daily_row *r = row_of(&b, "2025-02-06"), *before = row_of(&b, "2025-02-05");
        const struct expected *e = &expected[preset];
        assert_int_equal(b.n, e->rows);
        assert_true(counted == 321955985);
        assert_true(r->close_d == e->close && before->close_d == e->before && r->open_d == e->open);
        assert_true(r->vol_d == e->volume && near_change(r->pctchg_d, e->close / e->before - 1));
        assert_int_equal(r->hist_n, e->hist_n);
        assert_true(near_f64(r->pctchg_d, e->change, 5e-7, 0) && near_f64(r->rvol30, e->rvol30, 5e-7, 0));
        assert_true(near_f64(r->rvol30_prior, e->rvol30_prior, 5e-7, 0));
        assert_int_equal(r->session_rows, e->session_rows);
        assert_string_equal(r->flags, "approx_dollar_vol");
        assert_true(near_f64(before->pctchg_d, seed ? 0.338710 : 0.016064, 5e-7, 0));
        assert_true(near_f64(before->rvol30, seed ? 2.9234 : 2.5581, 5e-5, 0));
        if (seed)
            assert_true(row_of(&b, "2025-02-08")->vol_d == 22713);
        /* Friday evening in New York is Saturday in UTC, and the evening of 01-08 falls on the closed 01-09. */
        unsigned saturdays = 0, closed = 0;
        for (size_t i = 0; i < b.n; i++) {
            saturdays += td_day_weekday(b.rows[i].trading_day) == 6;
            closed += td_cal_index(b.rows[i].trading_day) < 0;
        }
        assert_int_equal(saturdays, seed ? 6 : 0);
        assert_int_equal(closed, seed ? 7 : 0);
        td_daily_free(b.builder);
    }
    td_bars_free(&bars);
}

/* Lines of an Alpha Vantage time series: a quoted New York minute, then its open, high, low, close and volume. */
static void load_alpha_vantage(const char *path, struct td_bars *bars)
{
    char line[256];
    double v[5] = {0};
    struct td_bar bar = {.vwap = TD_NO_F64, .trades = TD_NO_COUNT};
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    while (gzgets(file, line, sizeof line)) {
        char *text = strchr(line, '"'), *value = text ? strstr(text, "\": \"") : NULL;
        if (text && text[5] == '-' && text[14] == ':') {
            text[17] = 0;
            bar.ts = ny(text + 1);
        } else if (value && text[1] >= '1' && text[1] <= '5' && strchr("ohlcv", text[4])) {
            value += 4;
            value[strcspn(value, "\"")] = 0;
            v[text[1] - '1'] = bar.ts ? number(value) : 0;
            if (text[1] != '5' || !bar.ts)
                continue;
            bar.open = v[0], bar.high = v[1], bar.low = v[2], bar.close = v[3], bar.volume = v[4];
            ASSERT_OK(td_bars_add(bars, &bar, NULL), (struct td_err){0});
        }
    }
    gzclose(file);
}

/* The only published ticker-days whose extended-hours minutes are at hand. */
static void seed_closes_are_those_of_the_published_events(void **state)
{
    (void)state;
    static const struct {
        const char *ticker, *file;
        size_t events;
    } cases[] = {
        {"WOLF", "fixtures/market/minute/smallcaps_2025_05/alphavantage/WOLF_2025-05_alphavantage_raw.json.gz", 3},
        {"AMC", "fixtures/market/minute/smallcaps_2025_05/alphavantage/AMC_2025-05_alphavantage_raw.json.gz", 1},
    };
    SHARED_OR_SKIP(path, "fixtures/market/events/E0_events_2004_2021.csv.gz");
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        struct csv csv;
        uint64_t duplicates, conflicts;
        size_t events = 0;
        load_alpha_vantage(shared_path(cases[i].file), &bars);
        ASSERT_OK(td_bars_clean(&bars, &duplicates, &conflicts, NULL), (struct td_err){0});
        assert_int_equal(duplicates + conflicts, 0);
        struct td_daily_context context = context_of(TD_PRESET_SEED);
        context.ticker = cases[i].ticker;
        struct build b = build_of(&context, &bars, NULL);
        csv_open(&csv, path);
        while (csv_next(&csv))
            if (!strcmp(csv.field[0], cases[i].ticker) && !strncmp(csv.field[1], "2025-05-", 8)) {
                assert_true(row_of(&b, csv.field[1])->close_d == number(csv.field[5]));
                events++;
            }
        assert_int_equal(events, cases[i].events);
        td_daily_free(b.builder);
        td_bars_free(&bars);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(apps_doubles_on_2025_02_06),
        cmocka_unit_test(seed_closes_are_those_of_the_published_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
