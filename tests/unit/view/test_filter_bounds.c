/* SPDX-License-Identifier: GPL-3.0-or-later
 * What filters say of single columns: exactly the parts of a conjunction, and nothing that a matching row could break. */
#include "check.h"
#include <math.h>
#include <tapedeck/view.h>

static const struct td_view_column columns[] = {{"x", TD_KIND_I64}, {"y", TD_KIND_F64}, {"name", TD_KIND_STR},
                                                {"on", TD_KIND_BOOL}, {"day", TD_KIND_DAY}, {"ts", TD_KIND_TS}};
static struct td_cell row[TD_COUNT(columns)];

static struct td_cell cell_at(const struct td_model *model, size_t r, size_t c)
{
    (void)model;
    (void)r;
    return row[c];
}

static const struct td_model model = {.columns = columns, .column_count = TD_COUNT(columns), .rows = 1, .cell = cell_at};

/* "x >= 5; y < 2" */
static void describe(const struct td_scan_bound *bounds, size_t count, struct td_buf *out)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "is null", "is not null"};
    for (size_t i = 0; i < count; i++) {
        const struct td_cell *v = &bounds[i].value;
        td_buf_printf(out, "%s%s %s", i ? "; " : "", columns[bounds[i].column].name, ops[bounds[i].op]);
        if (v->kind == TD_KIND_F64)
            td_buf_printf(out, " %g", v->v.f);
        else if (v->kind == TD_KIND_STR)
            td_buf_printf(out, " '%.*s'", (int)v->v.s.len, v->v.s.ptr);
        else if (v->kind == TD_KIND_BOOL)
            td_buf_printf(out, " %s", v->v.b ? "true" : "false");
        else if (v->kind != TD_KIND_NULL)
            td_buf_printf(out, " %lld%s", (long long)v->v.i, v->kind == TD_KIND_DAY ? "d" : v->kind == TD_KIND_TS ? "ms" : "");
    }
}

static void conjunctions_give_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *bounds;
    } cases[] = {
        {"x > 5", "x > 5"},
        {"5 > x", "x < 5"},
        {"x = -5", "x = -5"},
        {"x != 5", "x != 5"},
        {"not x > 5", "x <= 5"},
        {"not (x != 5)", "x = 5"},
        {"x > 5 and y <= 2.5", "x > 5; y <= 2.5"},
        {"x > 5 and (y <= 2.5 and name = 'AB')", "x > 5; y <= 2.5; name = 'AB'"},
        {"x > 5 or y <= 2.5", ""},
        {"x > 5 and (y < 1 or y > 2)", "x > 5"},
        {"(y < 1 or y > 2) and x > 5", "x > 5"},
        {"(x > 5 or y > 1) and (x < 9 or y > 2)", ""},
        {"not (x > 5 and y > 1)", ""},
        {"not not x > 5", "x > 5"},
        {"x between 3 and 7", "x >= 3; x <= 7"},
        {"not x between 3 and 7", ""},
        {"x between y and 7", "x <= 7"},
        {"x in (9, 3, 5)", "x >= 3; x <= 9"},
        {"x not in (9, 3)", ""},
        {"x is null", "x is null"},
        {"x is not null", "x is not null"},
        {"not (x is not null)", "x is null"},
        {"(x + 1) is null", ""},
        {"(x > 5) is null", ""},
        {"abs(x) > 5", ""},
        {"x + 1 > 5", ""},
        {"x > y", ""},
        {"x > 5 and abs(y) < 2 and name like 'A%'", "x > 5"},
        {"(x > 5) = true", ""},
        {"on", "on = true"},
        {"not on", "on != true"},
        {"on and x > 5", "x > 5; on = true"},
        {"x > 5 and on", "x > 5; on = true"},
        {"on = false or x > 1", ""},
        {"day >= 2025-02-06", "day >= 20125d"},
        {"ts >= 2025-02-06", "ts >= 20125d"},
        {"ts < '2025-02-06T14:30:00Z'", "ts < 1738852200000ms"},
        {"true and x > 1", "x > 1"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_filter *filter = NULL;
        struct td_scan_bound *bounds = NULL;
        size_t count = 0;
        struct td_err err = {0};
        struct td_buf text;
        td_buf_init(&text, 4096);
        ASSERT_OK(td_filter_parse(cases[i].filter, &model, &filter, &err), err);
        ASSERT_OK(td_filter_bounds(filter, &bounds, &count, &err), err);
        describe(bounds, count, &text);
        if (strcmp(text.data ? text.data : "", cases[i].bounds) != 0)
            fail_msg("%s: bounds [%s], expected [%s]", cases[i].filter, text.data ? text.data : "", cases[i].bounds);
        td_free(bounds);
        td_filter_free(filter);
        td_buf_free(&text);
    }
}

static uint64_t seed = 42;
static unsigned dice(unsigned sides)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(td_mix64(seed) % sides);
}

static void random_filter(struct td_buf *out, int depth)
{
    static const char *const atoms[] = {"x > 3", "x <= 2", "3 > x", "y = 1", "y != 2", "x in (1, 4)", "x between 1 and 3", "x is null",
                                        "y is not null", "on", "on = false", "x + 1 > 2", "y > x", "x = -1", "not on", "abs(y) > 1"};
    if (depth == 0 || dice(4) == 0) {
        td_buf_adds(out, atoms[dice(TD_COUNT(atoms))]);
        return;
    }
    unsigned kind = dice(5);
    if (kind == 0)
        td_buf_adds(out, "not ");
    td_buf_addc(out, '(');
    random_filter(out, depth - 1);
    if (kind) {
        td_buf_adds(out, kind == 1 ? " or " : " and ");
        random_filter(out, depth - 1);
    }
    td_buf_addc(out, ')');
}

static bool holds(const struct td_scan_bound *b)
{
    const struct td_cell *c = &row[b->column], *v = &b->value;
    bool null = c->kind == TD_KIND_NULL;
    if (b->op == TD_SCAN_IS_NULL || b->op == TD_SCAN_NOT_NULL)
        return null == (b->op == TD_SCAN_IS_NULL);
    double a = c->kind == TD_KIND_BOOL ? c->v.b : c->kind == TD_KIND_I64 ? (double)c->v.i : c->v.f;
    double z = v->kind == TD_KIND_BOOL ? v->v.b : v->kind == TD_KIND_I64 ? (double)v->v.i : v->v.f;
    if (null)
        return false;
    switch (b->op) {
    case TD_SCAN_EQ: return a == z;
    case TD_SCAN_NE: return a != z;
    case TD_SCAN_LT: return a < z;
    case TD_SCAN_LE: return a <= z;
    case TD_SCAN_GT: return a > z;
    default: return a >= z;
    }
}

/* No row that matches breaks a bound, whatever the filter. */
static void no_match_breaks_a_bound(void **state)
{
    (void)state;
    size_t matches = 0, bounded = 0;
    for (int round = 0; round < 3000; round++) {
        struct td_filter *filter = NULL;
        struct td_scan_bound *bounds = NULL;
        size_t count = 0;
        struct td_err err = {0};
        struct td_buf text;
        td_buf_init(&text, 1 << 16);
        random_filter(&text, 3);
        ASSERT_OK(td_filter_parse(text.data, &model, &filter, &err), err);
        ASSERT_OK(td_filter_bounds(filter, &bounds, &count, &err), err);
        bounded += count > 0;
        for (int r = 0; r < 40; r++) {
            row[0] = (struct td_cell){.kind = dice(6) ? TD_KIND_I64 : TD_KIND_NULL, .v.i = (int64_t)dice(7) - 1};
            row[1] = (struct td_cell){.kind = dice(6) ? TD_KIND_F64 : TD_KIND_NULL, .v.f = (double)dice(6) - 1};
            row[3] = (struct td_cell){.kind = dice(6) ? TD_KIND_BOOL : TD_KIND_NULL, .v.b = dice(2)};
            if (!td_filter_match(filter, &model, 0))
                continue;
            matches++;
            for (size_t i = 0; i < count; i++)
                if (!holds(&bounds[i]))
                    fail_msg("%s: a matching row breaks bound %zu", text.data, i);
        }
        td_free(bounds);
        td_filter_free(filter);
        td_buf_free(&text);
    }
    assert_true(matches > 10000);
    assert_true(bounded > 1000);
}

static void reads_its_own_columns(void **state)
{
    (void)state;
    struct td_filter *filter = NULL;
    struct td_err err = {0};
    ASSERT_OK(td_filter_parse("abs(y) > 1 or name like 'A%'", &model, &filter, &err), err);
    static const bool want[TD_COUNT(columns)] = {[1] = true, [2] = true};
    for (size_t i = 0; i < TD_COUNT(columns); i++)
        assert_int_equal(td_filter_reads(filter, i), want[i]);
    td_filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conjunctions_give_bounds),
        cmocka_unit_test(no_match_breaks_a_bound),
        cmocka_unit_test(reads_its_own_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
