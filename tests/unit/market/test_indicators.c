/* SPDX-License-Identifier: GPL-3.0-or-later
 * Means against the recorded ones, and what nulls, short input and long input do to them. */
#include "market_fixture.h"

#define MAX_ROWS 4096

static size_t read_column(const char *path, const char *name, double *out)
{
    struct csv csv;
    char header[4096];
    gzFile file = gzopen(path, "rb");
    assert_non_null(file);
    assert_non_null(gzgets(file, header, sizeof header));
    gzclose(file);
    size_t column = 0, n = 0;
    header[strcspn(header, "\r\n")] = 0;
    for (char *at = header; strncmp(at, name, strlen(name)) || (at[strlen(name)] && at[strlen(name)] != ',');
         column++) {
        at = strchr(at, ',');
        assert_non_null(at);
        at++;
    }
    csv_open(&csv, path);
    while (csv_next(&csv)) {
        assert_true(n < MAX_ROWS);
        out[n++] = number(csv.field[column]);
    }
    return n;
}

static void means_equal_the_recordings(void **state)
{
    (void)state;
    static const char *const tickers[] = {"AAPL", "AAPL_1M", "BNO", "FLAT", "SHORT", "SPY"};
    static const struct {
        const char *column;
        size_t period;
        bool exponential;
    } cases[] = {
        {"sma5", 5, false},  {"sma20", 20, false},   {"sma50", 50, false},   {"sma200", 200, false},
        {"ema9", 9, true},   {"ema12", 12, true},    {"ema20", 20, true},    {"ema26", 26, true},
        {"ema50", 50, true}, {"ti_ema12", 12, true}, {"ti_ema26", 26, true},
    };
    static double close[MAX_ROWS], expected[MAX_ROWS], got[MAX_ROWS];
    SHARED_OR_SKIP(folder, "golden/indicators/talib");
    (void)folder;
    size_t compared = 0;
    for (size_t t = 0; t < TD_COUNT(tickers); t++) {
        char input[128], output[128];
        snprintf(input, sizeof input, "golden/indicators/input/%s.csv.gz", tickers[t]);
        snprintf(output, sizeof output, "golden/indicators/talib/%s.csv.gz", tickers[t]);
        size_t n = read_column(shared_path(input), "close", close);
        for (size_t c = 0; c < TD_COUNT(cases); c++) {
            assert_int_equal(read_column(shared_path(output), cases[c].column, expected), n);
            (cases[c].exponential ? td_ema : td_sma)(close, n, cases[c].period, got);
            for (size_t i = 0; i < n; i++) {
                if (!near_f64(got[i], expected[i], 1e-8, 1e-9))
                    fail_msg("%s %s row %zu: %.17g, expected %.17g", tickers[t], cases[c].column, i, got[i],
                             expected[i]);
                compared += !isnan(expected[i]);
            }
        }
    }
    assert_true(compared > 30000);
}

static void nulls_give_nulls_and_no_more(void **state)
{
    (void)state;
    const double x = TD_NO_F64, in[] = {1, 2, x, 4, 6, 8, x, 10, 12};
    const double sma[] = {x, 1.5, x, x, 5, 7, x, x, 11};
    const double ema[] = {x, 1.5, x, 1.5 + 2.5 / 1.5, 0, 0, x, 0, 0};
    double out[TD_COUNT(in)];
    td_sma(in, TD_COUNT(in), 2, out);
    for (size_t i = 0; i < TD_COUNT(in); i++)
        assert_true(near_f64(out[i], sma[i], 1e-15, 0));
    td_ema(in, TD_COUNT(in), 2, out);
    for (size_t i = 0; i < 4; i++)
        assert_true(near_f64(out[i], ema[i], 1e-15, 0));
    assert_true(isnan(out[6]) && !isnan(out[7]) && !isnan(out[8]));
    td_sma(in, 3, 0, out);
    td_ema(in, 3, 0, out + 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(isnan(out[i]));
    td_sma(in, 3, 4, out);
    assert_true(isnan(out[0]) && isnan(out[2]));
}

static void rounding_does_not_pile_up(void **state)
{
    (void)state;
    enum { N = 20000, PERIOD = 20 };
    static double in[N], out[N];
    uint64_t seed = 7;
    /* A huge value passes through: a plain running sum would remember its rounding for ever. */
    for (size_t i = 0; i < N; i++)
        in[i] = i == 100 ? 1e17 : 1 + (double)(random_next(&seed) % 1000) / 999;
    td_sma(in, N, PERIOD, out);
    for (size_t i = 100 + 2 * PERIOD; i < N; i++) {
        double sum = 0;
        for (size_t j = i + 1 - PERIOD; j <= i; j++)
            sum += in[j];
        assert_true(near_f64(out[i], sum / PERIOD, 0, 1e-14));
    }
}

static void vwap_is_taken_afresh_each_date(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        double price, volume, all, regular;
    } rows[] = {
        {"2025-02-06 04:00", 10, 0, (double)NAN, (double)NAN},
        {"2025-02-06 09:29", 10, 100, 10, (double)NAN},
        {"2025-02-06 09:30", 20, 300, 17.5, 20},
        {"2025-02-06 15:59", 30, (double)NAN, 17.5, 20},
        {"2025-02-06 16:00", 27.5, 400, 22.5, (double)NAN},
        {"2025-02-07 09:30", 5, 1, 5, 5},
    };
    struct td_bars bars = {0};
    for (size_t i = 0; i < TD_COUNT(rows); i++) {
        double p = rows[i].price;
        struct td_bar bar = {ny(rows[i].when), p, p, p, p, rows[i].volume, 1, 1};
        ASSERT_OK(td_bars_add(&bars, &bar, NULL), (struct td_err){0});
    }
    double out[TD_COUNT(rows)];
    td_session_vwap(&bars, false, out);
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        assert_true(near_f64(out[i], rows[i].all, 1e-12, 0));
    td_session_vwap(&bars, true, out);
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        assert_true(near_f64(out[i], rows[i].regular, 1e-12, 0));
    td_bars_free(&bars);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_equal_the_recordings),
        cmocka_unit_test(nulls_give_nulls_and_no_more),
        cmocka_unit_test(rounding_does_not_pile_up),
        cmocka_unit_test(vwap_is_taken_afresh_each_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
