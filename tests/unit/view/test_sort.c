/* SPDX-License-Identifier: GPL-3.0-or-later
 * Sorting: directions, nulls, ties, exact integers, long texts, and agreement with a plain sort on random rows. */
#include "view_rows.h"

static void sort_rows(const char *spec, char out[QUOTES + 1])
{
    static const char letters[] = "PLNBA";
    struct td_record_model rows;
    struct td_selection all;
    struct td_err err;
    quote_model(&rows);
    ASSERT_OK(td_selection_all(&all, QUOTES, &err), err);
    ASSERT_OK(td_view_sort(&rows.model, spec, &all, &err), err);
    for (size_t i = 0; i < QUOTES; i++)
        out[i] = letters[all.rows[i]];
    out[QUOTES] = 0;
    td_selection_free(&all);
    td_record_model_free(&rows);
}

static void orders_rows(void **state)
{
    static const struct {
        const char *spec, *rows;
    } cases[] = {
        {"rvol30", "PBLAN"},          {"rvol30:desc", "PBLAN"},      {"rvol30:asc", "ALBPN"},
        {"ticker", "LPBAN"},          {"ticker:asc", "LPBAN"},       {"ticker:desc", "NABPL"},
        {"cap", "LBPNA"},             {"market_cap_d:asc", "PBLNA"}, {"trades", "LBPAN"},
        {"trades:asc", "APBLN"},      {"mins", "PLBAN"},             {"mins:asc", "ABPLN"},
        {"day", "BPLAN"},             {"trading_day:asc", "APLBN"},  {"timestamp", "BLPAN"},
        {"info_rich", "PBLNA"},       {"info_rich:asc", "LPBNA"},    {"note", "BPALN"},
        {"note:desc", "LAPBN"},       {"chg", "PBLAN"},              {"RVOL", "PBLAN"},
        {"info_rich,rvol30", "PBLAN"}, {"info_rich,rvol30:asc", "BPLAN"}, {"mins,ticker:desc", "PLBAN"},
        {"mins,ticker", "LPBAN"},     {"mins,mins,mins,mins,mins,mins,mins,ticker", "LPBAN"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char rows[QUOTES + 1];
        sort_rows(cases[i].spec, rows);
        if (strcmp(rows, cases[i].rows) != 0)
            fail_msg("%s: %s, expected %s", cases[i].spec, rows, cases[i].rows);
    }
}

static void refuses_bad_words(void **state)
{
    static const struct {
        const char *spec, *message;
    } cases[] = {
        {"rvol3", "sort: no column \"rvol3\"; did you mean rvol30?"},
        {"rvol3:asc", "sort: no column \"rvol3\"; did you mean rvol30?"},
        {"rvol30:up", "sort: \"up\" is no direction; say rvol30:asc or rvol30:desc"},
        {"rvol30:", "sort: \"\" is no direction; say rvol30:asc or rvol30:desc"},
        {"", "sort: no column \"\"; there are ticker, rvol30, pctchg_d, market_cap_d, close_d, trades, mins, trading_day, "
             "timestamp, info_rich, note"},
        {"mins,", "sort: no column \"\"; there are ticker, rvol30, pctchg_d, market_cap_d, close_d, trades, mins, "
                  "trading_day, timestamp, info_rich, note"},
        {"mins,mins,mins,mins,mins,mins,mins,mins,ticker", "sort: more than 8 columns"},
    };
    (void)state;
    struct td_record_model rows;
    struct td_selection all;
    struct td_err err;
    quote_model(&rows);
    ASSERT_OK(td_selection_all(&all, QUOTES, &err), err);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        assert_int_equal(td_view_sort(&rows.model, cases[i].spec, &all, &err), TD_USAGE);
        assert_string_equal(err.text, cases[i].message);
        for (uint32_t row = 0; row < QUOTES; row++)
            assert_int_equal(all.rows[row], row);
    }
    td_selection_free(&all);
    td_record_model_free(&rows);
}

/* ---- random rows against a plain insertion of the definition ---- */

#define RANDOM_ROWS 700
static struct quote random_rows[RANDOM_ROWS];
static const char *const prefixes[] = {"", "A", "AAAAAAAA", "AAAAAAAAB", "AAAAAAAAA", "AAAAAAA"};

static void fill_random(uint64_t seed)
{
    static const double values[] = {-1e300, -2.5, -0.0, 0.0, 1e-310, 2.5, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < RANDOM_ROWS; i++) {
        uint64_t r = td_mix64(seed * RANDOM_ROWS + i);
        struct quote *row = &random_rows[i];
        *row = (struct quote){.rvol30 = values[r % 8], .info_rich = (int8_t)(r >> 8 & 1), .note = prefixes[r >> 16 & 3]};
        row->trades = (r >> 24 & 7) == 0 ? TD_NO_COUNT : (int64_t)(r >> 24 & 3) + INT64_C(9007199254740992);
        snprintf(row->ticker, sizeof row->ticker, "%s%c", prefixes[r >> 32 & 3], "\0A\x7f\xff"[r >> 40 & 3]);
    }
}

static int by_definition(const char *column, const struct quote *a, const struct quote *b)
{
    if (strcmp(column, "ticker") == 0)
        return strcmp(a->ticker, b->ticker);
    if (strcmp(column, "note") == 0)
        return strcmp(a->note, b->note);
    if (strcmp(column, "rvol30") == 0)
        return (a->rvol30 > b->rvol30) - (a->rvol30 < b->rvol30);
    return (a->trades > b->trades) - (a->trades < b->trades);
}

static bool is_null(const char *column, const struct quote *row)
{
    return strcmp(column, "rvol30") == 0 ? isnan(row->rvol30)
           : strcmp(column, "trades") == 0 && row->trades == TD_NO_COUNT;
}

static void check_order(const char *column, bool descending, const struct td_selection *rows)
{
    bool seen[RANDOM_ROWS] = {false};
    for (size_t i = 0; i < rows->count; i++) {
        assert_false(seen[rows->rows[i]]);
        seen[rows->rows[i]] = true;
        if (i == 0)
            continue;
        uint32_t x = rows->rows[i - 1], y = rows->rows[i];
        bool x_null = is_null(column, &random_rows[x]), y_null = is_null(column, &random_rows[y]);
        int order = by_definition(column, &random_rows[x], &random_rows[y]);
        order = descending ? -order : order;
        assert_true(x_null ? y_null : y_null || order <= 0);
        if (x_null == y_null && (x_null || order == 0))
            assert_true(x < y); /* stable */
    }
}

static void agrees_with_the_definition(void **state)
{
    static const char *const columns[] = {"ticker", "note", "rvol30", "trades"};
    (void)state;
    struct td_err err;
    for (uint64_t seed = 0; seed < 40; seed++) {
        fill_random(seed);
        size_t count = seed < 20 ? seed : RANDOM_ROWS - seed;
        struct td_record_model rows;
        ASSERT_OK(td_record_model_init(&rows, &quote_record, random_rows, count, &err), err);
        for (size_t c = 0; c < 2 * TD_COUNT(columns); c++) {
            char spec[32];
            struct td_selection all;
            snprintf(spec, sizeof spec, "%s:%s", columns[c / 2], c % 2 ? "desc" : "asc");
            ASSERT_OK(td_selection_all(&all, count, &err), err);
            ASSERT_OK(td_view_sort(&rows.model, spec, &all, &err), err);
            assert_int_equal(all.count, count);
            check_order(columns[c / 2], c % 2, &all);
            td_selection_free(&all);
        }
        td_record_model_free(&rows);
    }
}

static enum td_code select_and_sort(const struct td_model *model)
{
    struct td_selection all;
    struct td_err err;
    enum td_code code = td_selection_all(&all, QUOTES, &err);
    if (code == TD_OK)
        code = td_view_sort(model, "rvol30,ticker", &all, &err);
    td_selection_free(&all);
    return code;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    SWEEP_ALLOCATIONS(select_and_sort(&rows.model));
    td_record_model_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders_rows), cmocka_unit_test(refuses_bad_words),
                                       cmocka_unit_test(agrees_with_the_definition),
                                       cmocka_unit_test(survives_failing_allocations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
