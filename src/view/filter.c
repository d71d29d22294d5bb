/* SPDX-License-Identifier: GPL-3.0-or-later
 * filter: running compiled filters over rows. Null logic is SQL's: a comparison with null is neither true nor false, so
 * it selects nothing, and neither does its `not`; `not (x > 3)` is therefore always the same rows as `x <= 3`. */
#include <string.h>

#include "filter_internal.h"

/* ---- values ---- */

static struct filter_value load(const struct td_cell *cell)
{
    struct filter_value value = {.kind = FILTER_UNKNOWN};
    switch (cell->kind) {
    case TD_KIND_NULL: break;
    case TD_KIND_BOOL:
        value.kind = FILTER_BOOL;
        value.v.b = cell->v.b;
        break;
    case TD_KIND_U64:
        if (cell->v.u > INT64_MAX) {
            value.kind = FILTER_NUM;
            value.v.f = (double)cell->v.u;
            break;
        }
        value.kind = FILTER_INT;
        value.v.i = (int64_t)cell->v.u;
        break;
    case TD_KIND_I64:
    case TD_KIND_DAY:
    case TD_KIND_TS:
        value.kind = cell->kind == TD_KIND_I64 ? FILTER_INT : cell->kind == TD_KIND_DAY ? FILTER_DAY : FILTER_TS;
        value.v.i = cell->v.i;
        break;
    case TD_KIND_F64:
    case TD_KIND_F32:
        value.kind = isnan(cell->v.f) ? FILTER_UNKNOWN : FILTER_NUM;
        value.v.f = cell->v.f;
        break;
    case TD_KIND_STR:
    case TD_KIND_BYTES:
        value.kind = FILTER_TEXT;
        value.v.s = cell->v.s;
        break;
    }
    return value;
}

/* Exact: a 64-bit integer is not rounded to a double first. */
static int compare_int_num(int64_t i, double f)
{
    if (f >= 0x1p63)
        return -1;
    if (f < -0x1p63)
        return 1;
    int64_t whole = (int64_t)f;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = f - (double)whole;
    return rest > 0 ? -1 : rest < 0;
}

/* Days and times meet in milliseconds; a day beyond what those can hold stays beyond all of them. */
static int64_t as_ms(const struct filter_value *value)
{
    if (value->kind == FILTER_TS)
        return value->v.i;
    int64_t ms;
    if (__builtin_mul_overflow(value->v.i, TD_MS_DAY, &ms))
        return value->v.i < 0 ? INT64_MIN : INT64_MAX;
    return ms;
}

static int order_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

bool filter_compare(const struct filter_value *a, const struct filter_value *b, int *order)
{
    if (a->kind == FILTER_NUM && b->kind == FILTER_NUM) {
        *order = (a->v.f > b->v.f) - (a->v.f < b->v.f);
    } else if (a->kind == FILTER_NUM && b->kind == FILTER_INT) {
        *order = -compare_int_num(b->v.i, a->v.f);
    } else if (a->kind == FILTER_INT && b->kind == FILTER_NUM) {
        *order = compare_int_num(a->v.i, b->v.f);
    } else if (a->kind == b->kind && (a->kind == FILTER_INT || a->kind == FILTER_DAY || a->kind == FILTER_TS)) {
        *order = order_i64(a->v.i, b->v.i);
    } else if (a->kind == FILTER_TEXT && b->kind == FILTER_TEXT) {
        *order = td_str_cmp(a->v.s, b->v.s);
    } else if (a->kind == FILTER_BOOL && b->kind == FILTER_BOOL) {
        *order = a->v.b - b->v.b;
    } else if ((a->kind == FILTER_DAY && b->kind == FILTER_TS) || (a->kind == FILTER_TS && b->kind == FILTER_DAY)) {
        *order = order_i64(as_ms(a), as_ms(b));
    } else {
        return false;
    }
    return true;
}

static struct filter_value truth(bool b)
{
    struct filter_value value = {.kind = FILTER_BOOL};
    value.v.b = b;
    return value;
}

static const struct filter_value unknown = {.kind = FILTER_UNKNOWN};

static bool is_truth(const struct filter_value *value, bool b)
{
    return value->kind == FILTER_BOOL && value->v.b == b;
}

/* ---- operations ---- */

static struct filter_value number(double f)
{
    struct filter_value value = {.kind = isfinite(f) ? FILTER_NUM : FILTER_UNKNOWN}; /* 1 / 0 is unknown, not infinite */
    value.v.f = f;
    return value;
}

static bool as_f64(const struct filter_value *value, double *out)
{
    if (value->kind == FILTER_INT)
        *out = (double)value->v.i;
    else if (value->kind == FILTER_NUM)
        *out = value->v.f;
    else
        return false;
    return true;
}

static struct filter_value arithmetic(enum filter_code code, const struct filter_value *a, const struct filter_value *b)
{
    double x, y;
    if (!as_f64(a, &x) || !as_f64(b, &y))
        return unknown;
    switch (code) {
    case FILTER_OP_ADD: return number(x + y);
    case FILTER_OP_SUB: return number(x - y);
    case FILTER_OP_MUL: return number(x * y);
    default: return y == 0 ? unknown : number(x / y);
    }
}

static struct filter_value negate(const struct filter_value *a)
{
    if (a->kind == FILTER_INT && a->v.i != INT64_MIN) {
        struct filter_value value = {.kind = FILTER_INT};
        value.v.i = -a->v.i;
        return value;
    }
    double x;
    return as_f64(a, &x) ? number(-x) : unknown;
}

static struct filter_value absolute(const struct filter_value *a)
{
    bool negative = a->kind == FILTER_INT ? a->v.i < 0 : a->kind == FILTER_NUM && a->v.f < 0;
    return negative ? negate(a) : a->kind == FILTER_INT || a->kind == FILTER_NUM ? *a : unknown;
}

static struct filter_value compare(enum filter_code code, const struct filter_value *a, const struct filter_value *b)
{
    int order;
    if (!filter_compare(a, b, &order))
        return unknown;
    switch (code) {
    case FILTER_OP_EQ: return truth(order == 0);
    case FILTER_OP_NE: return truth(order != 0);
    case FILTER_OP_LT: return truth(order < 0);
    case FILTER_OP_LE: return truth(order <= 0);
    case FILTER_OP_GT: return truth(order > 0);
    default: return truth(order >= 0);
    }
}

static struct filter_value join_and(const struct filter_value *a, const struct filter_value *b)
{
    if (is_truth(a, false) || is_truth(b, false))
        return truth(false);
    return is_truth(a, true) && is_truth(b, true) ? *a : unknown;
}

static struct filter_value join_or(const struct filter_value *a, const struct filter_value *b)
{
    if (is_truth(a, true) || is_truth(b, true))
        return truth(true);
    return is_truth(a, false) && is_truth(b, false) ? *a : unknown;
}

static struct filter_value between(const struct filter_value *x, const struct filter_value *low,
                                   const struct filter_value *high)
{
    struct filter_value above = compare(FILTER_OP_GE, x, low), below = compare(FILTER_OP_LE, x, high);
    return join_and(&above, &below);
}

static struct filter_value listed(const struct filter_value *x, const struct filter_value *list, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order;
        if (!filter_compare(x, &list[middle], &order))
            return unknown;
        if (order == 0)
            return truth(true);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return truth(false);
}

/* `%` any text, `_` any one byte; only the last `%` is ever tried again, so the cost is at most text times pattern. */
static bool like(struct td_str s, struct td_str pattern)
{
    size_t i = 0, p = 0, retry_i = 0, retry_p = 0;
    bool retry = false;
    while (i < s.len) {
        if (p < pattern.len && pattern.ptr[p] == '%') {
            retry = true;
            retry_p = ++p;
            retry_i = i;
        } else if (p < pattern.len && (pattern.ptr[p] == '_' || pattern.ptr[p] == s.ptr[i])) {
            i++;
            p++;
        } else if (retry) {
            p = retry_p;
            i = ++retry_i;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '%')
        p++;
    return p == pattern.len;
}

/* ---- the machine ---- */

static struct filter_value one_operand(const struct td_filter *filter, const struct filter_op *op,
                                       const struct filter_value *x)
{
    switch (op->code) {
    case FILTER_OP_NEGATE: return negate(x);
    case FILTER_OP_ABS: return absolute(x);
    case FILTER_OP_IS_NULL: return truth(x->kind == FILTER_UNKNOWN);
    case FILTER_OP_NOT: return x->kind == FILTER_BOOL ? truth(!x->v.b) : unknown;
    case FILTER_OP_IN: return listed(x, filter->constants + op->a, op->b);
    default: return x->kind == FILTER_TEXT ? truth(like(x->v.s, filter->constants[op->a].v.s)) : unknown;
    }
}

static bool takes_one(enum filter_code code)
{
    return code == FILTER_OP_NEGATE || code == FILTER_OP_ABS || code == FILTER_OP_IS_NULL || code == FILTER_OP_NOT ||
           code == FILTER_OP_IN || code == FILTER_OP_LIKE;
}

static struct filter_value two_operands(enum filter_code code, const struct filter_value *a,
                                        const struct filter_value *b)
{
    if (code >= FILTER_OP_ADD && code <= FILTER_OP_DIV)
        return arithmetic(code, a, b);
    if (code >= FILTER_OP_EQ && code <= FILTER_OP_GE)
        return compare(code, a, b);
    return code == FILTER_OP_AND ? join_and(a, b) : join_or(a, b);
}

bool td_filter_match(const struct td_filter *filter, const struct td_model *model, size_t row)
{
    struct filter_value stack[FILTER_STACK + 1];
    size_t top = 0; /* values on the stack; the compiler has proven that it neither under- nor overflows */
    for (size_t pc = 0; pc < filter->op_count; pc++) {
        const struct filter_op *op = &filter->ops[pc];
        if (op->code == FILTER_OP_COLUMN) {
            struct td_cell cell = model->cell(model, row, op->a);
            stack[top++] = load(&cell);
        } else if (op->code == FILTER_OP_PUSH) {
            stack[top++] = filter->constants[op->a];
        } else if (op->code == FILTER_OP_IF_FALSE || op->code == FILTER_OP_IF_TRUE) {
            if (is_truth(&stack[top - 1], op->code == FILTER_OP_IF_TRUE))
                pc = op->a - 1;
        } else if (takes_one(op->code)) {
            stack[top - 1] = one_operand(filter, op, &stack[top - 1]);
        } else if (op->code == FILTER_OP_BETWEEN) {
            top -= 2;
            stack[top - 1] = between(&stack[top - 1], &stack[top], &stack[top + 1]);
        } else {
            top--;
            stack[top - 1] = two_operands(op->code, &stack[top - 1], &stack[top]);
        }
    }
    return is_truth(&stack[0], true);
}

enum td_code td_filter_apply(const struct td_filter *filter, const struct td_model *model,
                             struct td_selection *selection, struct td_err *err)
{
    (void)err; /* rows only leave the selection, so nothing can fail */
    size_t kept = 0;
    for (size_t i = 0; i < selection->count; i++)
        if (td_filter_match(filter, model, selection->rows[i]))
            selection->rows[kept++] = selection->rows[i];
    selection->count = kept;
    return TD_OK;
}

/* ---- making and freeing ---- */

void td_filter_free(struct td_filter *filter)
{
    if (!filter)
        return;
    td_free(filter->text);
    td_free(filter->ops);
    td_free(filter->constants);
    td_free(filter);
}

enum td_code td_filter_parse(const char *text, const struct td_model *model, struct td_filter **out, struct td_err *err)
{
    *out = NULL;
    size_t len = strnlen(text, FILTER_TEXT_MAX + 1);
    if (len > FILTER_TEXT_MAX)
        return td_fail(err, TD_USAGE, "filter: longer than %u bytes", FILTER_TEXT_MAX);
    struct td_filter *filter = td_calloc(1, sizeof *filter);
    if (filter)
        filter->text = td_strndup(text, len);
    if (!filter || !filter->text) {
        td_filter_free(filter);
        return td_fail(err, TD_NOMEM, "filter: no memory for %zu bytes", len);
    }
    struct filter_parser parser = {
        .original = text, .text = filter->text, .len = len, .model = model, .filter = filter, .err = err};
    if (!filter_compile(&parser)) {
        td_filter_free(filter);
        return parser.code == TD_OK ? td_fail(err, TD_USAGE, "filter: cannot be read") : parser.code;
    }
    *out = filter;
    return TD_OK;
}
