/* SPDX-License-Identifier: GPL-3.0-or-later
 * filter_bounds: what a filter says of single columns, for those who can skip data by it. The program is run over symbols
 * instead of values: a comparison of a column with a constant becomes a bound, `and` joins the bounds of both sides, and
 * everything else forgets those below it. The bounds are therefore true of every row that matches, and may be true of more. */
#include <string.h>

#include "filter_internal.h"

enum symbol_kind { SYMBOL_OTHER, SYMBOL_COLUMN, SYMBOL_CONST, SYMBOL_TEST };
struct symbol {
    enum symbol_kind kind;
    size_t column;
    struct filter_value value; /* CONST */
    size_t first, count;       /* TEST: its bounds */
    bool exact;                /* TEST: one bound, and it is all that the test says: it may be negated */
};
struct extract {
    struct td_scan_bound *bounds;
    size_t count, cap;
    enum td_code code;
    struct td_err *err;
};

bool td_filter_reads(const struct td_filter *filter, size_t column)
{
    for (size_t i = 0; i < filter->op_count; i++)
        if (filter->ops[i].code == FILTER_OP_COLUMN && filter->ops[i].a == column)
            return true;
    return false;
}

static struct td_cell cell_of(const struct filter_value *value)
{
    struct td_cell cell = {.kind = TD_KIND_NULL};
    switch (value->kind) {
    case FILTER_UNKNOWN: break;
    case FILTER_INT:
    case FILTER_DAY:
    case FILTER_TS:
        cell.kind = value->kind == FILTER_INT ? TD_KIND_I64 : value->kind == FILTER_DAY ? TD_KIND_DAY : TD_KIND_TS;
        cell.v.i = value->v.i;
        break;
    case FILTER_NUM:
        cell.kind = TD_KIND_F64;
        cell.v.f = value->v.f;
        break;
    case FILTER_TEXT:
        cell.kind = TD_KIND_STR;
        cell.v.s = value->v.s;
        break;
    case FILTER_BOOL:
        cell.kind = TD_KIND_BOOL;
        cell.v.b = value->v.b;
        break;
    }
    return cell;
}

static void add(struct extract *x, struct symbol *test, size_t column, enum td_scan_op op, const struct filter_value *value)
{
    if (x->code == TD_OK)
        x->code = td_grow(&x->bounds, &x->cap, x->count + 1, sizeof *x->bounds, x->err);
    if (x->code != TD_OK)
        return;
    x->bounds[x->count++] = (struct td_scan_bound){column, op, value ? cell_of(value) : (struct td_cell){.kind = TD_KIND_NULL}};
    test->count++;
}

static struct symbol new_test(const struct extract *x, bool exact)
{
    return (struct symbol){.kind = SYMBOL_TEST, .first = x->count, .exact = exact};
}

/* Drop what was noted since `s` began, if it is a test: its truth is no longer implied. */
static void forget(struct extract *x, const struct symbol *s)
{
    if (s->kind == SYMBOL_TEST && s->first < x->count)
        x->count = s->first;
}

static enum td_scan_op mirrored(enum td_scan_op op)
{
    return op == TD_SCAN_LT ? TD_SCAN_GT : op == TD_SCAN_GT ? TD_SCAN_LT : op == TD_SCAN_LE ? TD_SCAN_GE : op == TD_SCAN_GE ? TD_SCAN_LE : op;
}

static enum td_scan_op negated(enum td_scan_op op)
{
    static const enum td_scan_op no[] = {[TD_SCAN_EQ] = TD_SCAN_NE, [TD_SCAN_NE] = TD_SCAN_EQ, [TD_SCAN_LT] = TD_SCAN_GE,
                                         [TD_SCAN_GE] = TD_SCAN_LT, [TD_SCAN_LE] = TD_SCAN_GT, [TD_SCAN_GT] = TD_SCAN_LE,
                                         [TD_SCAN_IS_NULL] = TD_SCAN_NOT_NULL, [TD_SCAN_NOT_NULL] = TD_SCAN_IS_NULL};
    return no[op];
}

static struct symbol comparison(struct extract *x, enum filter_code code, const struct symbol *a, const struct symbol *b)
{
    static const enum td_scan_op ops[] = {TD_SCAN_EQ, TD_SCAN_NE, TD_SCAN_LT, TD_SCAN_LE, TD_SCAN_GT, TD_SCAN_GE};
    const enum td_scan_op op = ops[code - FILTER_OP_EQ];
    struct symbol test = new_test(x, true);
    if (a->kind == SYMBOL_COLUMN && b->kind == SYMBOL_CONST)
        add(x, &test, a->column, op, &b->value);
    else if (a->kind == SYMBOL_CONST && b->kind == SYMBOL_COLUMN)
        add(x, &test, b->column, mirrored(op), &a->value);
    else
        test.exact = false;
    return test;
}

static struct symbol between(struct extract *x, const struct symbol *v, const struct symbol *low, const struct symbol *high)
{
    forget(x, high);
    forget(x, low);
    forget(x, v);
    struct symbol test = new_test(x, false);
    if (v->kind == SYMBOL_COLUMN && low->kind == SYMBOL_CONST)
        add(x, &test, v->column, TD_SCAN_GE, &low->value);
    if (v->kind == SYMBOL_COLUMN && high->kind == SYMBOL_CONST)
        add(x, &test, v->column, TD_SCAN_LE, &high->value);
    return test;
}

/* The list is sorted: between its first and its last. */
static struct symbol listed(struct extract *x, const struct symbol *v, const struct filter_value *list, size_t count)
{
    forget(x, v);
    struct symbol test = new_test(x, false);
    if (v->kind == SYMBOL_COLUMN && count && list[0].kind != FILTER_BOOL) {
        add(x, &test, v->column, TD_SCAN_GE, &list[0]);
        add(x, &test, v->column, TD_SCAN_LE, &list[count - 1]);
    }
    return test;
}

static struct symbol null_test(struct extract *x, const struct symbol *v)
{
    struct symbol test = new_test(x, v->kind == SYMBOL_COLUMN);
    forget(x, v);
    test.first = x->count;
    if (v->kind == SYMBOL_COLUMN)
        add(x, &test, v->column, TD_SCAN_IS_NULL, NULL);
    return test;
}

/* A boolean column that stands alone. */
static struct symbol as_test(struct extract *x, const struct symbol *s)
{
    const struct filter_value yes = {.kind = FILTER_BOOL, .v.b = true};
    if (s->kind != SYMBOL_COLUMN)
        return *s;
    struct symbol test = new_test(x, true);
    add(x, &test, s->column, TD_SCAN_EQ, &yes);
    return test;
}

static struct symbol not(struct extract *x, const struct symbol *s)
{
    struct symbol test = as_test(x, s);
    if (test.kind == SYMBOL_TEST && test.exact && test.count == 1) {
        x->bounds[test.first].op = negated(x->bounds[test.first].op);
        return test;
    }
    forget(x, &test);
    return new_test(x, false);
}

/* Bounds of the left side lie before those of the right one, without a gap: a right side without any has its place there. */
static struct symbol both(struct extract *x, const struct symbol *a, const struct symbol *b)
{
    struct symbol right = b->kind == SYMBOL_COLUMN ? as_test(x, b) : *b;
    struct symbol test = {.kind = SYMBOL_TEST, .first = x->count};
    if (right.kind == SYMBOL_TEST)
        test.first = right.first;
    if (a->kind == SYMBOL_TEST)
        test.first = a->first;
    else
        (void)as_test(x, a); /* noted behind: order does not matter to a conjunction */
    test.count = x->count - test.first;
    return test;
}

static struct symbol either(struct extract *x, const struct symbol *a, const struct symbol *b)
{
    forget(x, b);
    forget(x, a);
    return new_test(x, false);
}

static struct symbol arithmetic(struct extract *x, const struct filter_op *op, const struct symbol *a)
{
    struct symbol result = {.kind = SYMBOL_OTHER};
    forget(x, a);
    if (op->code != FILTER_OP_NEGATE || a->kind != SYMBOL_CONST)
        return result;
    result = *a;
    if (a->value.kind == FILTER_INT)
        result.value.v.i = -a->value.v.i; /* a literal is never negative, so this cannot overflow, nor can its negation */
    else if (a->value.kind == FILTER_NUM)
        result.value.v.f = -a->value.v.f;
    else
        result.kind = SYMBOL_OTHER;
    return result;
}

/* One operation on the stack; returns its new height. */
static size_t step(struct extract *x, const struct td_filter *filter, const struct filter_op *op, struct symbol *stack, size_t top)
{
    struct symbol *a = top > 0 ? &stack[top - 1] : stack, *b = top > 1 ? &stack[top - 2] : stack;
    switch (op->code) {
    case FILTER_OP_COLUMN: stack[top] = (struct symbol){.kind = SYMBOL_COLUMN, .column = op->a}; return top + 1;
    case FILTER_OP_PUSH: stack[top] = (struct symbol){.kind = SYMBOL_CONST, .value = filter->constants[op->a]}; return top + 1;
    case FILTER_OP_IF_FALSE:
    case FILTER_OP_IF_TRUE: return top;
    case FILTER_OP_NEGATE:
    case FILTER_OP_ABS: *a = arithmetic(x, op, a); return top;
    case FILTER_OP_IN: *a = listed(x, a, filter->constants + op->a, op->b); return top;
    case FILTER_OP_LIKE:
        forget(x, a);
        *a = new_test(x, false);
        return top;
    case FILTER_OP_IS_NULL: *a = null_test(x, a); return top;
    case FILTER_OP_NOT: *a = not(x, a); return top;
    case FILTER_OP_BETWEEN:
        stack[top - 3] = between(x, &stack[top - 3], b, a);
        return top - 2;
    case FILTER_OP_AND: *b = both(x, b, a); return top - 1;
    case FILTER_OP_OR: *b = either(x, b, a); return top - 1;
    case FILTER_OP_EQ:
    case FILTER_OP_NE:
    case FILTER_OP_LT:
    case FILTER_OP_LE:
    case FILTER_OP_GT:
    case FILTER_OP_GE: {
        bool plain = (a->kind == SYMBOL_COLUMN || a->kind == SYMBOL_CONST) && (b->kind == SYMBOL_COLUMN || b->kind == SYMBOL_CONST);
        if (!plain) { /* (x > 3) = true, say: what is in the parentheses is no longer implied */
            forget(x, a);
            forget(x, b);
        }
        *b = plain ? comparison(x, op->code, b, a) : new_test(x, false);
        return top - 1;
    }
    default: /* + - * / */
        forget(x, a);
        forget(x, b);
        *b = (struct symbol){.kind = SYMBOL_OTHER};
        return top - 1;
    }
}

enum td_code td_filter_bounds(const struct td_filter *filter, struct td_scan_bound **out, size_t *count, struct td_err *err)
{
    struct extract x = {.err = err};
    struct symbol stack[FILTER_STACK + 1];
    size_t top = 0; /* the compiler has proven that it neither under- nor overflows */
    for (size_t i = 0; i < filter->op_count && x.code == TD_OK; i++)
        top = step(&x, filter, &filter->ops[i], stack, top);
    if (x.code == TD_OK && top)
        (void)as_test(&x, &stack[0]);
    if (x.code != TD_OK)
        td_free(x.bounds);
    *out = x.code == TD_OK ? x.bounds : NULL;
    *count = x.code == TD_OK ? x.count : 0;
    return x.code;
}
