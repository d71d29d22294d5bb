/* SPDX-License-Identifier: GPL-3.0-or-later
 * The filter language: what it selects, what it says when it cannot, and that nothing hostile hurts it. */
#include "view_rows.h"

/* Rows as letters: P APPS, L AAPL, N NULL, B BApA, A NA. */
static const char row_letters[] = "PLNBA";

static void select_rows(const char *text, char out[QUOTES + 1])
{
    struct td_record_model rows;
    struct td_filter *filter;
    struct td_err err;
    quote_model(&rows);
    if (td_filter_parse(text, &rows.model, &filter, &err) != TD_OK)
        fail_msg("%s: %s", text, err.text);
    size_t n = 0;
    for (size_t i = 0; i < QUOTES; i++)
        if (td_filter_match(filter, &rows.model, i))
            out[n++] = row_letters[i];
    out[n] = 0;
    td_filter_free(filter);
    td_record_model_free(&rows);
}

static void selects_what_it_says(void **state)
{
    static const struct {
        const char *text, *rows;
    } cases[] = {
        {"rvol30 > 3 and abs(pctchg_d) >= 0.2 and (cap < 5e8 or cap is null)", "P"},
        {"rvol30 >= 3", "PB"},
        {"rvol30 > 3", "P"},
        {"3 < rvol30", "P"},
        {"rvol30 = 3", "B"},
        {"rvol30 == 3.0", "B"},
        {"rvol30 = 0", "A"},
        {"rvol30 <> 3", "PLA"},
        {"rvol30 != 3", "PLA"},
        {"not rvol30 = 3", "PLA"},
        {"not rvol30 > 3", "LBA"},
        {"not not rvol30 > 3", "P"},
        {"not not not (rvol30 > 3)", "LBA"},
        {"market_cap_d is null", "NA"},
        {"market_cap_d is not null", "PLB"},
        {"cap > 0 or not cap > 0", "PLB"},
        {"cap > 0 or true", "PLNBA"},
        {"cap > 0 and false", ""},
        {"not (cap > 0 and false)", "PLNBA"},
        {"(cap > 0) is null", "NA"},
        {"cap < 5e8", "P"},
        {"cap <= 5e8", "PB"},
        {"cap <= 500M", "PB"},
        {"CAP <= 0.5b", "PB"},
        {"cap >= 3.5T", "L"},
        {"cap > 420000k", "LB"},
        {"chg >= 20%", "PB"},
        {"chg = -20%", "A"},
        {"chg = .2", "B"},
        {"abs(chg) = 0.2", "BA"},
        {"Abs ( chg * -1 ) = 0.2", "BA"},
        {"-chg = 0.2", "A"},
        {"- - -chg = +0.2", "A"},
        {"px < 1", "N"},
        {"price * 2 = 40", "B"},
        {"close_d - 1 * 2 + 1 = 19", "B"},
        {"(close_d - 1) * 2 = 38", "B"},
        {"close_d / 4 / 5 = 1", "B"},
        {"close_d / rvol30 is null", "NA"},
        {"1 / 0 > 0", ""},
        {"1e308 * 10 > 0", ""},
        {"trades = 9007199254740993", "L"},
        {"trades = 9007199254740992", "B"},
        {"trades > 9007199254740992", "L"},
        {"trades > 9007199254740992.0", "L"},
        {"trades >= 9007199254740991.5", "LB"},
        {"trades < 1e300 and trades > -1e300", "PLBA"},
        {"trades < 0", "A"},
        {"abs(trades) = 7", "A"},
        {"mins = 0", "A"},
        {"mins between 12 and 390", "PLB"},
        {"mins not between 12 and 389", "PLA"},
        {"mins in (0, 12)", "BA"},
        {"trades in (-7)", "A"},
        {"rvol30 in (3, 15.51, 0)", "PBA"},
        {"rvol30 not in (3, 15.51, 0)", "L"},
        {"ticker in ('NULL','NA','AAPL')", "LNA"},
        {"ticker not in ('NULL')", "PLBA"},
        {"ticker = 'BApA'", "B"},
        {"ticker = 'bapa'", ""},
        {"ticker < 'APPS'", "L"},
        {"ticker like 'A%'", "PL"},
        {"ticker like '%A'", "BA"},
        {"ticker like '_A%L'", "L"},
        {"ticker like '_P%L'", ""},
        {"ticker like 'A_P_'", "PL"},
        {"ticker like '%A%A%'", "LB"},
        {"ticker like ''", ""},
        {"ticker like '%'", "PLNBA"},
        {"ticker not like '%A%'", "N"},
        {"note = 'it''s, \"big\"'", "L"},
        {"note is null", "N"},
        {"note = ''", "B"},
        {"note like '%T12'", "A"},
        {"info_rich", "PB"},
        {"not info_rich", "L"},
        {"info_rich = true", "PB"},
        {"info_rich != TRUE", "L"},
        {"info_rich is null", "NA"},
        {"info_rich in (false)", "L"},
        {"info_rich and rvol30 < 5", "B"},
        {"(((info_rich)))", "PB"},
        {"trading_day = '2025-02-06'", "PL"},
        {"trading_day = 2025-02-06", "PL"},
        {"day > 2025-02-06", "B"},
        {"'2025-02-06' >= date", "PLA"},
        {"trading_day between 2025-02-05 and '2025-02-06'", "PLA"},
        {"trading_day in ('2025-02-05', 2025-02-07)", "BA"},
        {"timestamp >= 2025-02-06", "PLB"},
        {"timestamp > '2025-02-06T14:30:00Z'", "LB"},
        {"timestamp = '2025-02-06T09:30:00-05:00'", "P"},
        {"timestamp < trading_day", ""},
        {"timestamp in ('2025-02-06T14:30:00Z', 2025-02-07)", "P"},
        {"RVOL > 3", "P"},
        {"Rvol30 > 3 AND NOT Info_Rich OR Ticker = 'NA'", "A"},
        {"\"rvol30\" > 3", "P"},
        {"ticker='NA'or ticker='NULL'and rvol30>1", "A"},
        {"true", "PLNBA"},
        {"false", ""},
        {"'a' < 'b'", "PLNBA"},
        {"1 + 1 = 2", "PLNBA"},
        {"\trvol30\n>\r3 ", "P"},
    };
    (void)state;
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char rows[QUOTES + 1];
        select_rows(cases[i].text, rows);
        if (strcmp(rows, cases[i].rows) != 0)
            fail_msg("%s: rows \"%s\", expected \"%s\"", cases[i].text, rows, cases[i].rows);
    }
}

static void says_where_and_what(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "filter, column 1: expected a condition such as rvol30 > 3, found nothing: <HERE>"},
        {"rvol30 >", "filter, column 9: expected a column, a value or (, found the end: rvol30 ><HERE>"},
        {"rvol30 > and 3", "filter, column 10: expected a column, a value or (, found and: rvol30 > <HERE>and 3"},
        {"rvol30 > 3)", "filter, column 11: expected and, or, or the end, found ): rvol30 > 3<HERE>)"},
        {"(rvol30 > 3", "filter, column 12: expected an operator or ), found the end: (rvol30 > 3<HERE>"},
        {"rvol30 > 3 info_rich",
         "filter, column 12: expected and, or, or the end, found info_rich: rvol30 > 3 <HERE>info_rich"},
        {"1 < rvol30 < 3", "filter, column 12: expected and, or, or the end, found <: 1 < rvol30 <HERE>< 3"},
        {"rvol30", "filter, column 1: expected a condition, but this is a number: <HERE>rvol30"},
        {"rvol30 and info_rich",
         "filter, column 1: expected a condition, but this is a number: <HERE>rvol30 and info_rich"},
        {"info_rich and ticker", "filter, column 15: expected a condition, but this is text: info_rich and <HERE>ticker"},
        {"not close_d", "filter, column 5: expected a condition, but this is a number: not <HERE>close_d"},
        {"rvol31 > 3", "filter, column 1: no column \"rvol31\"; did you mean rvol30?: <HERE>rvol31 > 3"},
        {"ticker = NA1",
         "filter, column 10: no column \"NA1\"; there are ticker, rvol30, pctchg_d, market_cap_d, close_d, trades, mins, "
         "trading_day, timestamp, info_rich, note (text is written 'NA1'): ticker = <HERE>NA1"},
        {"log(rvol30) > 1", "filter, column 1: no such function; there is abs(): <HERE>log(rvol30) > 1"},
        {"rvol30 = 'x'", "filter, column 10: a number cannot be compared with text: rvol30 = <HERE>'x'"},
        {"ticker = 5", "filter, column 10: text cannot be compared with a number: ticker = <HERE>5"},
        {"info_rich = 1", "filter, column 13: true or false cannot be compared with a number: info_rich = <HERE>1"},
        {"info_rich > false",
         "filter, column 11: expected = or !=, since true and false have no order: info_rich <HERE>> false"},
        {"rvol30 = null",
         "filter, column 10: nothing equals null; write `is null` or `is not null`: rvol30 = <HERE>null"},
        {"rvol30 is 3", "filter, column 11: expected null or not null, found 3: rvol30 is <HERE>3"},
        {"rvol30 is not 3", "filter, column 15: expected null, found 3: rvol30 is not <HERE>3"},
        {"rvol30 not 3", "filter, column 12: expected in, like or between, found 3: rvol30 not <HERE>3"},
        {"ticker + 1 > 3", "filter, column 1: expected a number, but this is text: <HERE>ticker + 1 > 3"},
        {"-ticker = 1", "filter, column 2: expected a number, but this is text: -<HERE>ticker = 1"},
        {"abs(ticker) = 1", "filter, column 4: expected a number in abs(), but this is text: abs<HERE>(ticker) = 1"},
        {"rvol30 like 'A%'", "filter, column 1: expected text before like, but this is a number: <HERE>rvol30 like 'A%'"},
        {"ticker like note", "filter, column 13: expected a pattern like 'AB%', found note: ticker like <HERE>note"},
        {"ticker in 'A'", "filter, column 11: expected ( and a list of values, found 'A': ticker in <HERE>'A'"},
        {"ticker in ()", "filter, column 12: expected a value, found ): ticker in (<HERE>)"},
        {"ticker in ('A',)", "filter, column 16: expected a value, found ): ticker in ('A',<HERE>)"},
        {"ticker in ('A' 'B')", "filter, column 16: expected , or ), found 'B': ticker in ('A' <HERE>'B')"},
        {"ticker in (-'A')", "filter, column 12: only a number has a sign: ticker in (<HERE>-'A')"},
        {"mins in ('A')", "filter, column 10: a number cannot be compared with text: mins in (<HERE>'A')"},
        {"mins in (null)", "filter, column 10: nothing equals null; write `or ... is null`: mins in (<HERE>null)"},
        {"mins between 1, 2", "filter, column 15: expected and, found ,: mins between 1<HERE>, 2"},
        {"info_rich between true and true",
         "filter, column 11: true and false have no order: info_rich <HERE>between true and true"},
        {"trading_day > 'soon'",
         "filter, column 15: expected a date like '2025-02-06': trading_day > <HERE>'soon'"},
        {"timestamp > 'soon'", "filter, column 13: expected a date like '2025-02-06' or a time like "
                               "'2025-02-06T14:30:00Z': timestamp > <HERE>'soon'"},
        {"trading_day > 5", "filter, column 15: a date cannot be compared with a number: trading_day > <HERE>5"},
        {"trading_day > 2025-02-30", "filter, column 15: there is no such date: trading_day > <HERE>2025-02-30"},
        {"ticker = 'A", "filter, column 10: the quote ' is never closed: ticker = <HERE>'A"},
        {"rvol30 > 5x", "filter, column 10: not a number; write 5, 0.25, 5e8, 5M, 1.2B or 20%: rvol30 > <HERE>5x"},
        {"rvol30 > 1.2.3",
         "filter, column 10: not a number; write 5, 0.25, 5e8, 5M, 1.2B or 20%: rvol30 > <HERE>1.2.3"},
        {"rvol30 > 1e999", "filter, column 10: the number has too many digits or is too big: rvol30 > <HERE>1e999"},
        {"rvol30 > 3;", "filter, column 11: this character has no meaning here: rvol30 > 3<HERE>;"},
        {"note = 'é' & 1", "filter, column 12: this character has no meaning here: note = 'é' <HERE>& 1"},
        {"note = '\x1b[2J' !", "filter, column 15: this character has no meaning here: note = '?[2J' <HERE>!"},
        {"(1 = 1) + 1 = 2",
         "filter, column 1: expected a number, but this is true or false: <HERE>(1 = 1) + 1 = 2"},
        {"rvol30 > 1 and rvol30 > 2 and rvol30 > 3 and rvol30 > 4 and rvol30 > 5 and ! and rvol30 > 6 and rvol30 > 7 and x",
         "filter, column 76: this character has no meaning here: ...and rvol30 > 2 and rvol30 > 3 and rvol30 > 4 and rvol30 > 5 "
         "and <HERE>! and rvol30 > 6 and rvol30 > 7 ..."},
    };
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_filter *filter;
        struct td_err err = {0};
        assert_int_equal(td_filter_parse(cases[i].text, &rows.model, &filter, &err), TD_USAGE);
        assert_null(filter);
        if (strcmp(err.text, cases[i].message) != 0)
            fail_msg("%s\n  says     %s\n  expected %s", cases[i].text, err.text, cases[i].message);
        assert_int_equal(td_filter_parse(cases[i].text, &rows.model, &filter, NULL), TD_USAGE);
    }
    td_record_model_free(&rows);
}

/* ---- hostile texts ---- */

static char *repeated(const char *before, const char *piece, const char *after, size_t bytes)
{
    size_t unit = strlen(piece), count = bytes / unit, a = strlen(before), b = strlen(after);
    char *text = malloc(a + count * unit + b + 1);
    assert_non_null(text);
    memcpy(text, before, a);
    for (size_t i = 0; i < count; i++)
        memcpy(text + a + i * unit, piece, unit);
    memcpy(text + a + count * unit, after, b + 1);
    return text;
}

static void bears_hostile_texts(void **state)
{
    static const struct {
        const char *before, *piece, *after;
        size_t bytes;
        enum td_code code;
        const char *rows; /* of the filter that comes out */
    } cases[] = {
        {"", "(", "", 1000000, TD_USAGE, NULL},
        {"", "(", "info_rich))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))", 64, TD_OK, "PB"},
        {"", "(", "info_rich)))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))", 65, TD_USAGE, NULL},
        {"", "abs(", "", 1000000, TD_USAGE, NULL},
        {"", "not ", "info_rich", 1000000, TD_OK, "PB"},
        {"rvol30 = ", "-", "3", 1000000, TD_OK, "B"},
        {"rvol30 > 1", " and rvol30 > 1", "", 1000000, TD_OK, "PB"},
        {"rvol30 = 3", " or rvol30 = 3", "", 1000000, TD_OK, "B"},
        {"0", "+1", " > 10", 1000000, TD_OK, "PLNBA"},
        {"ticker in ('NA'", ",'X'", ")", 1000000, TD_OK, "A"},
        {"rvol30 in (3", ",4.5,7", ")", 1000000, TD_OK, "B"},
        {"ticker = '", "x", "'", 1000000, TD_OK, ""},
        {"ticker like '", "%", "'", 1000000, TD_OK, "PLNBA"},
        {"note like '", "%x", "'", 1000000, TD_OK, ""},
        {"rvol30 > ", "9", "", 1000000, TD_USAGE, NULL},
        {"", "a", "", 1000000, TD_USAGE, NULL},
        {"", "\xff", "", 1000000, TD_USAGE, NULL},
        {"", "\"", "", 1000000, TD_USAGE, NULL},
        {"", "'", "", 999999, TD_USAGE, NULL},
        {"", " ", "", 1000000, TD_USAGE, NULL},
        {"", " ", "", 1048577, TD_USAGE, NULL},
        {"", "(1=1 or (", "", 1000000, TD_USAGE, NULL},
        {"", "rvol30 between 1 and (", "", 10000, TD_USAGE, NULL},
    };
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        char *text = repeated(cases[i].before, cases[i].piece, cases[i].after, cases[i].bytes);
        struct td_filter *filter;
        struct td_err err = {0};
        enum td_code code = td_filter_parse(text, &rows.model, &filter, &err);
        if (code != cases[i].code)
            fail_msg("case %zu (%s%s): %s: %s", i, cases[i].before, cases[i].piece, td_code_name(code), err.text);
        assert_true(strlen(err.text) < 500);
        if (cases[i].rows) {
            char found[QUOTES + 1];
            select_rows(text, found);
            assert_string_equal(found, cases[i].rows);
        }
        td_filter_free(filter);
        free(text);
    }
    td_record_model_free(&rows);
}

/* At every depth as many values wait as can: an `or`, an `and`, the first bound of a `between`, a sum and a product. */
static void deepest_nest_fits_the_machine(void **state)
{
    char text[8192] = "info_rich or ";
    size_t n = strlen(text);
    (void)state;
    /* conditions nest in conditions by parentheses, numbers in numbers by abs(): half the depth each */
    for (int i = 0; i < 32; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "false or true and (");
    n += (size_t)snprintf(text + n, sizeof text - n, "false or true and 7 between 0 and 7 + ");
    for (int i = 0; i < 32; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "1 * abs(1 + ");
    n += (size_t)snprintf(text + n, sizeof text - n, "7");
    for (int i = 0; i < 64; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, ")");
    char rows[QUOTES + 1];
    select_rows(text, rows);
    assert_string_equal(rows, "PLNBA"); /* 7 lies between 0 and 7 + 32 + 7 */
}

static enum td_code parse_and_free(const char *text, const struct td_model *model)
{
    struct td_filter *filter;
    struct td_err err = {0};
    enum td_code code = td_filter_parse(text, model, &filter, &err);
    assert_true((code == TD_OK) == (filter != NULL));
    assert_true(code == TD_OK || err.code == code);
    td_filter_free(filter);
    return code;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    struct td_record_model rows;
    quote_model(&rows);
    SWEEP_ALLOCATIONS(parse_and_free("ticker in ('A','B','C','D','E','F','G','H','I','J') and rvol30 + 1 + 2 + 3 > 1 and "
                                     "(trading_day > '2025-01-01' or note like 'x%' or chg between 1 and 2)",
                                     &rows.model));
    td_record_model_free(&rows);
    td_filter_free(NULL);
}

static void narrows_a_selection(void **state)
{
    (void)state;
    struct td_record_model rows;
    struct td_selection all;
    struct td_filter *filter;
    struct td_err err;
    quote_model(&rows);
    ASSERT_OK(td_selection_all(&all, QUOTES, &err), err);
    ASSERT_OK(td_view_sort(&rows.model, "ticker", &all, &err), err);
    ASSERT_OK(td_filter_parse("rvol30 is not null", &rows.model, &filter, &err), err);
    ASSERT_OK(td_filter_apply(filter, &rows.model, &all, &err), err);
    static const uint32_t expected[] = {1, 0, 3, 4}; /* AAPL APPS BApA NA: the order stays */
    assert_int_equal(all.count, TD_COUNT(expected));
    assert_memory_equal(all.rows, expected, sizeof expected);
    td_filter_free(filter);
    td_selection_free(&all);
    td_record_model_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects_what_it_says),         cmocka_unit_test(says_where_and_what),
        cmocka_unit_test(bears_hostile_texts),          cmocka_unit_test(deepest_nest_fits_the_machine),
        cmocka_unit_test(survives_failing_allocations), cmocka_unit_test(narrows_a_selection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
