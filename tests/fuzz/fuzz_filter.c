/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any text as a filter and as an order over a watchlist: compiled, matched against rows with every kind of null, applied;
 * the rows that match are those that are selected, and `not (...)` never selects one of them. */
#include <tapedeck/view.h>
#include "fuzz.h"

static const struct td_watch_row rows[] = {
    {"APPS", 20125, 5.61, 0.9684, 15.51, 20, 1e8, 5e8, 5.2, 0.3, 4.2e8, 1, 1, 1, 1, 1, "half_day split_day"},
    {"AAPL", 20125, 232.47, -0.012, 0.81, 0.8, 5e7, 1.1e10, 232, -0.01, 3.5e12, 0, 0, 1, 1, 0, ""},
    {"NULL", TD_NO_DAY, TD_NO_F64, TD_NO_F64, TD_NO_F64, TD_NO_F64, TD_NO_F64, TD_NO_F64, TD_NO_F64, TD_NO_F64, TD_NO_F64,
     -1, -1, -1, -1, -1, ""},
    {"a%_'b", 20126, 0.0001, -0.0, 1e308, 1e-308, 0, 0, -1, 1e300, 5e-324, 1, 0, 1, -1, 0, "renamed"},
};

static void check_sort(const char *text, const struct td_model *model)
{
    struct td_selection selection;
    struct td_err err = {0};
    bool seen[TD_COUNT(rows)] = {false};
    FUZZ_CHECK(td_selection_all(&selection, TD_COUNT(rows), &err) == TD_OK);
    enum td_code code = td_view_sort(model, text, &selection, &err);
    if (code != TD_OK)
        fuzz_failed_well(code, &err);
    FUZZ_CHECK(selection.count == TD_COUNT(rows));
    for (size_t i = 0; i < selection.count; i++) {
        FUZZ_CHECK(selection.rows[i] < TD_COUNT(rows) && !seen[selection.rows[i]]);
        seen[selection.rows[i]] = true;
    }
    td_selection_free(&selection);
}

static void check_columns(const char *text, const struct td_model *model)
{
    size_t map[2048], count = 0;
    struct td_err err = {0};
    enum td_code code = td_view_select(model, text, map, TD_COUNT(map), &count, &err);
    if (code != TD_OK)
        fuzz_failed_well(code, &err);
    else
        for (size_t i = 0; i < count; i++)
            FUZZ_CHECK(map[i] < model->column_count);
}

/* Three-valued logic: no row may match an expression and its negation. */
static void check_negation(const char *text, const struct td_model *model, const bool *matched)
{
    struct td_filter *filter = NULL;
    struct td_err err = {0};
    size_t len = strlen(text);
    char *negated = malloc(len + 8);
    FUZZ_CHECK(negated);
    snprintf(negated, len + 8, "not (%s)", text);
    if (td_filter_parse(negated, model, &filter, &err) == TD_OK) { /* one more parenthesis may be one too many */
        for (size_t i = 0; i < TD_COUNT(rows); i++)
            FUZZ_CHECK(!(matched[i] && td_filter_match(filter, model, i)));
        td_filter_free(filter);
    }
    free(negated);
}

static void check_filter(const char *text, const struct td_model *model)
{
    struct td_filter *filter = NULL;
    struct td_selection selection;
    struct td_err err = {0};
    bool matched[TD_COUNT(rows)];
    size_t count = 0;
    enum td_code code = td_filter_parse(text, model, &filter, &err);
    if (code != TD_OK) {
        fuzz_failed_well(code, &err);
        FUZZ_CHECK(!filter);
        return;
    }
    for (size_t i = 0; i < TD_COUNT(rows); i++)
        count += matched[i] = td_filter_match(filter, model, i);
    FUZZ_CHECK(td_selection_all(&selection, TD_COUNT(rows), &err) == TD_OK);
    FUZZ_CHECK(td_filter_apply(filter, model, &selection, &err) == TD_OK);
    FUZZ_CHECK(selection.count == count);
    td_selection_free(&selection);
    td_filter_free(filter);
    check_negation(text, model, matched);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_record_model model;
    struct td_err err = {0};
    char *text = fuzz_text(data, size);
    FUZZ_CHECK(td_record_model_init(&model, &td_watch_record, rows, TD_COUNT(rows), &err) == TD_OK);
    check_filter(text, &model.model);
    check_sort(text, &model.model);
    if (size < 2000)
        check_columns(text, &model.model);
    td_record_model_free(&model);
    free(text);
    return 0;
}
