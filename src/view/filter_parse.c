/* SPDX-License-Identifier: GPL-3.0-or-later
 * filter_parse: recursive descent over the filter language, checking types and writing the program on the way.
 *
 *   or      := and { "or" and }                 not     := { "not" } test
 *   and     := not { "and" not }                test    := sum [ rest ]
 *   rest    := ( = == != <> < <= > >= ) sum | "is" ["not"] "null" | ["not"] "in" "(" literal { "," literal } ")"
 *            | ["not"] "like" text | ["not"] "between" sum "and" sum
 *   sum     := product { (+|-) product }        product := unary { (*|/) unary }
 *   unary   := { + | - } primary                primary := number | text | date | true | false | column
 *                                                        | "abs" "(" or ")" | "(" or ")"
 */
#include <stdlib.h>
#include <string.h>

#include "filter_internal.h"

enum type { TYPE_NUMBER, TYPE_TEXT, TYPE_BOOL, TYPE_TIME, TYPE_ANY };
struct expr {
    enum type type;
    size_t at;
    size_t literal; /* 1 + its constant, 0 = not a bare literal */
    bool stamp;     /* TYPE_TIME with a time of day */
};
static bool parse_or(struct filter_parser *parser, struct expr *out);

static const char *type_text(enum type type)
{
    static const char *const texts[] = {"a number", "text", "true or false", "a date", "nothing but null"};
    return texts[type];
}

/* ---- writing the program ---- */

static bool note(struct filter_parser *parser, enum td_code code)
{
    if (parser->code == TD_OK)
        parser->code = code;
    return code == TD_OK;
}

/* `grows`: what the operation does to the height of the value stack. */
static bool emit(struct filter_parser *parser, enum filter_code code, size_t a, size_t b, int grows)
{
    struct td_filter *filter = parser->filter;
    if (!note(parser, td_grow(&filter->ops, &filter->op_cap, filter->op_count + 1, sizeof *filter->ops, parser->err)))
        return false;
    filter->ops[filter->op_count++] = (struct filter_op){code, (uint32_t)a, (uint32_t)b};
    parser->stack = (size_t)((long)parser->stack + grows);
    return parser->stack <= FILTER_STACK || filter_error(parser, parser->token.at, "too deeply nested");
}

static bool add_constant(struct filter_parser *parser, const struct filter_value *value)
{
    struct td_filter *filter = parser->filter;
    if (!note(parser, td_grow(&filter->constants, &filter->constant_cap, filter->constant_count + 1,
                              sizeof *filter->constants, parser->err)))
        return false;
    filter->constants[filter->constant_count++] = *value;
    return true;
}

static enum type value_type(const struct filter_value *value)
{
    switch (value->kind) {
    case FILTER_INT:
    case FILTER_NUM: return TYPE_NUMBER;
    case FILTER_TEXT: return TYPE_TEXT;
    case FILTER_BOOL: return TYPE_BOOL;
    case FILTER_DAY:
    case FILTER_TS: return TYPE_TIME;
    case FILTER_UNKNOWN: break;
    }
    return TYPE_ANY;
}

static struct expr literal_expr(const struct filter_parser *parser, size_t at)
{
    size_t last = parser->filter->constant_count;
    return (struct expr){.type = value_type(&parser->filter->constants[last - 1]), .at = at, .literal = last};
}

/* ---- types ---- */

static bool want(struct filter_parser *parser, const struct expr *expr, enum type type, const char *what)
{
    if (expr->type == type || expr->type == TYPE_ANY)
        return true;
    return filter_error(parser, expr->at, "expected %s, but this is %s", what, type_text(expr->type));
}

static bool want_condition(struct filter_parser *parser, const struct expr *expr)
{
    return want(parser, expr, TYPE_BOOL, "a condition");
}

/* A text literal beside a date column is a date: a day is midnight UTC when compared with a time. */
static bool as_time(struct filter_parser *parser, const struct expr *literal, bool stamp)
{
    struct filter_value *value = &parser->filter->constants[literal->literal - 1];
    struct td_str s = value->v.s;
    td_day day;
    int64_t ms;
    if (td_parse_day(s.ptr, s.len, &day)) {
        value->kind = FILTER_DAY;
        value->v.i = day;
        return true;
    }
    if (stamp && td_parse_rfc3339(s.ptr, s.len, &ms)) {
        value->kind = FILTER_TS;
        value->v.i = ms;
        return true;
    }
    return filter_error(parser, literal->at, "expected a date like '2025-02-06'%s",
                        stamp ? " or a time like '2025-02-06T14:30:00Z'" : "");
}

static bool comparable(struct filter_parser *parser, struct expr *a, struct expr *b)
{
    if (a->type == TYPE_TIME && b->type == TYPE_TEXT && b->literal) {
        b->type = TYPE_TIME;
        return as_time(parser, b, a->stamp);
    }
    if (b->type == TYPE_TIME && a->type == TYPE_TEXT && a->literal) {
        a->type = TYPE_TIME;
        return as_time(parser, a, b->stamp);
    }
    if (a->type == b->type || a->type == TYPE_ANY || b->type == TYPE_ANY)
        return true;
    return filter_error(parser, b->at, "%s cannot be compared with %s", type_text(a->type), type_text(b->type));
}

/* ---- primary values ---- */

static bool parse_literal(struct filter_parser *parser, struct expr *out)
{
    size_t at = parser->token.at;
    if (!add_constant(parser, &parser->token.value))
        return false;
    *out = literal_expr(parser, at);
    return filter_next(parser);
}

static bool parse_boolean(struct filter_parser *parser, struct expr *out)
{
    parser->token.value = (struct filter_value){.kind = FILTER_BOOL};
    parser->token.value.v.b = filter_is_word(parser, "true");
    return parse_literal(parser, out);
}

static bool unknown_name(struct filter_parser *parser, const struct filter_token *token)
{
    char why[200];
    view_no_column(parser->model, token->name, why, sizeof why);
    int shown = token->name.len < 24 ? (int)token->name.len : 0;
    if (parser->left_is_text && shown)
        return filter_error(parser, token->at, "%s (text is written '%.*s')", why, shown, token->name.ptr);
    return filter_error(parser, token->at, "%s", why);
}

static bool parse_column(struct filter_parser *parser, struct expr *out)
{
    struct filter_token token = parser->token;
    int column = view_resolve(parser->model, token.name);
    if (column < 0)
        return unknown_name(parser, &token);
    *out = (struct expr){.type = TYPE_ANY, .at = token.at};
    switch (parser->model->columns[column].kind) {
    case TD_KIND_NULL: break;
    case TD_KIND_BOOL: out->type = TYPE_BOOL; break;
    case TD_KIND_I64:
    case TD_KIND_U64:
    case TD_KIND_F64:
    case TD_KIND_F32: out->type = TYPE_NUMBER; break;
    case TD_KIND_STR:
    case TD_KIND_BYTES: out->type = TYPE_TEXT; break;
    case TD_KIND_DAY:
    case TD_KIND_TS: out->type = TYPE_TIME; break;
    }
    out->stamp = parser->model->columns[column].kind == TD_KIND_TS;
    return filter_next(parser) && emit(parser, FILTER_OP_COLUMN, (size_t)column, 0, 1);
}

static bool parse_group(struct filter_parser *parser, struct expr *out)
{
    size_t at = parser->token.at;
    if (parser->depth == FILTER_DEPTH)
        return filter_error(parser, at, "more than %d parentheses inside each other", FILTER_DEPTH);
    parser->depth++;
    if (!filter_next(parser) || !parse_or(parser, out))
        return false;
    if (parser->token.kind != FILTER_TOKEN_CLOSE)
        return filter_expected(parser, "an operator or )");
    parser->depth--;
    out->at = at;
    out->literal = 0;
    return filter_next(parser);
}

static bool parse_abs(struct filter_parser *parser, struct expr *out)
{
    size_t at = parser->token.at;
    if (!filter_next(parser) || !parse_group(parser, out) || !want(parser, out, TYPE_NUMBER, "a number in abs()"))
        return false;
    *out = (struct expr){.type = TYPE_NUMBER, .at = at};
    return emit(parser, FILTER_OP_ABS, 0, 0, 0);
}

static bool reserved(const struct filter_parser *parser)
{
    static const char *const words[] = {"and", "or", "not", "is", "null", "in", "like", "between"};
    for (size_t i = 0; i < TD_COUNT(words); i++)
        if (filter_is_word(parser, words[i]))
            return true;
    return false;
}

/* The first character after the token, blanks skipped: is this name a function? */
static bool call_follows(const struct filter_parser *parser)
{
    size_t at = parser->token.end;
    while (at < parser->len && (parser->text[at] == ' ' || parser->text[at] == '\t'))
        at++;
    return parser->text[at] == '(';
}

static bool parse_primary(struct filter_parser *parser, struct expr *out)
{
    enum filter_token_kind kind = parser->token.kind;
    if (kind == FILTER_TOKEN_LITERAL)
        return parse_literal(parser, out) && emit(parser, FILTER_OP_PUSH, out->literal - 1, 0, 1);
    if (kind == FILTER_TOKEN_OPEN)
        return parse_group(parser, out);
    if (kind == FILTER_TOKEN_QUOTED)
        return parse_column(parser, out);
    if (filter_is_word(parser, "null"))
        return filter_error(parser, parser->token.at, "nothing equals null; write `is null` or `is not null`");
    if (kind != FILTER_TOKEN_NAME || reserved(parser))
        return filter_expected(parser, "a column, a value or (");
    if (call_follows(parser)) {
        if (filter_is_word(parser, "abs"))
            return parse_abs(parser, out);
        return filter_error(parser, parser->token.at, "no such function; there is abs()");
    }
    if (filter_is_word(parser, "true") || filter_is_word(parser, "false"))
        return parse_boolean(parser, out) && emit(parser, FILTER_OP_PUSH, out->literal - 1, 0, 1);
    return parse_column(parser, out);
}

/* ---- arithmetic ---- */

static bool is_sign(const struct filter_parser *parser)
{
    return parser->token.kind == FILTER_TOKEN_PLUS || parser->token.kind == FILTER_TOKEN_MINUS;
}

/* Any number of signs, read in a loop: a megabyte of minus signs is only slow to write. */
static bool parse_signs(struct filter_parser *parser, bool *negative)
{
    *negative = false;
    while (is_sign(parser)) {
        *negative ^= parser->token.kind == FILTER_TOKEN_MINUS;
        if (!filter_next(parser))
            return false;
    }
    return true;
}

static bool parse_unary(struct filter_parser *parser, struct expr *out)
{
    if (!is_sign(parser))
        return parse_primary(parser, out);
    size_t at = parser->token.at;
    bool negative;
    if (!parse_signs(parser, &negative) || !parse_primary(parser, out) || !want(parser, out, TYPE_NUMBER, "a number"))
        return false;
    *out = (struct expr){.type = TYPE_NUMBER, .at = at};
    return !negative || emit(parser, FILTER_OP_NEGATE, 0, 0, 0);
}

static bool apply(struct filter_parser *parser, struct expr *left, const struct expr *right, enum filter_code code)
{
    if (!want(parser, left, TYPE_NUMBER, "a number") || !want(parser, right, TYPE_NUMBER, "a number"))
        return false;
    *left = (struct expr){.type = TYPE_NUMBER, .at = left->at};
    return emit(parser, code, 0, 0, -1);
}

static bool parse_product(struct filter_parser *parser, struct expr *out)
{
    if (!parse_unary(parser, out))
        return false;
    while (parser->token.kind == FILTER_TOKEN_TIMES || parser->token.kind == FILTER_TOKEN_OVER) {
        enum filter_code code = parser->token.kind == FILTER_TOKEN_TIMES ? FILTER_OP_MUL : FILTER_OP_DIV;
        struct expr right;
        if (!filter_next(parser) || !parse_unary(parser, &right) || !apply(parser, out, &right, code))
            return false;
    }
    return true;
}

static bool parse_sum(struct filter_parser *parser, struct expr *out)
{
    if (!parse_product(parser, out))
        return false;
    while (is_sign(parser)) {
        enum filter_code code = parser->token.kind == FILTER_TOKEN_PLUS ? FILTER_OP_ADD : FILTER_OP_SUB;
        struct expr right;
        if (!filter_next(parser) || !parse_product(parser, &right) || !apply(parser, out, &right, code))
            return false;
    }
    return true;
}

/* ---- tests ---- */

static bool parse_comparison(struct filter_parser *parser, struct expr *left)
{
    enum filter_token_kind mark = parser->token.kind;
    size_t at = parser->token.at;
    struct expr right;
    parser->left_is_text = left->type == TYPE_TEXT;
    if (!filter_next(parser) || !parse_sum(parser, &right) || !comparable(parser, left, &right))
        return false;
    parser->left_is_text = false;
    bool equality = mark == FILTER_TOKEN_EQ || mark == FILTER_TOKEN_NE;
    if (!equality && (left->type == TYPE_BOOL || right.type == TYPE_BOOL))
        return filter_error(parser, at, "expected = or !=, since true and false have no order");
    return emit(parser, (enum filter_code)(FILTER_OP_EQ + (mark - FILTER_TOKEN_EQ)), 0, 0, -1);
}

static bool parse_is(struct filter_parser *parser)
{
    if (!filter_next(parser))
        return false;
    bool negated = filter_is_word(parser, "not");
    if (negated && !filter_next(parser))
        return false;
    if (!filter_is_word(parser, "null"))
        return filter_expected(parser, negated ? "null" : "null or not null");
    return filter_next(parser) && emit(parser, FILTER_OP_IS_NULL, 0, 0, 0) &&
           (!negated || emit(parser, FILTER_OP_NOT, 0, 0, 0));
}

static int by_value(const void *a, const void *b)
{
    int order = 0;
    filter_compare(a, b, &order);
    return order;
}

static bool parse_listed(struct filter_parser *parser, struct expr *left)
{
    bool negative;
    size_t at = parser->token.at;
    if (!parse_signs(parser, &negative))
        return false;
    bool boolean = filter_is_word(parser, "true") || filter_is_word(parser, "false");
    if (parser->token.kind != FILTER_TOKEN_LITERAL && !boolean)
        return filter_is_word(parser, "null") ? filter_error(parser, at, "nothing equals null; write `or ... is null`")
                                              : filter_expected(parser, "a value");
    struct expr item;
    if (!(boolean ? parse_boolean(parser, &item) : parse_literal(parser, &item)))
        return false;
    struct filter_value *value = &parser->filter->constants[item.literal - 1];
    if (negative && value->kind == FILTER_INT)
        value->v.i = -value->v.i; /* a literal is never negative, so this cannot overflow */
    else if (negative && value->kind == FILTER_NUM)
        value->v.f = -value->v.f;
    else if (negative)
        return filter_error(parser, at, "only a number has a sign");
    return comparable(parser, left, &item);
}

static bool parse_in(struct filter_parser *parser, struct expr *left)
{
    struct td_filter *filter = parser->filter;
    size_t first = filter->constant_count;
    if (!filter_next(parser))
        return false;
    if (parser->token.kind != FILTER_TOKEN_OPEN)
        return filter_expected(parser, "( and a list of values");
    left->literal = 0; /* a text on the left stays text: the list could not agree on what it is */
    do {
        if (!filter_next(parser) || !parse_listed(parser, left))
            return false;
    } while (parser->token.kind == FILTER_TOKEN_COMMA);
    if (parser->token.kind != FILTER_TOKEN_CLOSE)
        return filter_expected(parser, ", or )");
    size_t count = filter->constant_count - first;
    qsort(filter->constants + first, count, sizeof *filter->constants, by_value);
    return filter_next(parser) && emit(parser, FILTER_OP_IN, first, count, 0);
}

static bool parse_like(struct filter_parser *parser, const struct expr *left)
{
    if (!want(parser, left, TYPE_TEXT, "text before like") || !filter_next(parser))
        return false;
    if (parser->token.kind != FILTER_TOKEN_LITERAL || parser->token.value.kind != FILTER_TEXT)
        return filter_expected(parser, "a pattern like 'AB%'");
    struct expr pattern;
    return parse_literal(parser, &pattern) && emit(parser, FILTER_OP_LIKE, pattern.literal - 1, 0, 0);
}

static bool parse_between(struct filter_parser *parser, struct expr *left)
{
    struct expr low, high;
    if (left->type == TYPE_BOOL)
        return filter_error(parser, parser->token.at, "true and false have no order");
    if (!filter_next(parser) || !parse_sum(parser, &low) || !comparable(parser, left, &low))
        return false;
    if (!filter_is_word(parser, "and"))
        return filter_expected(parser, "and");
    if (!filter_next(parser) || !parse_sum(parser, &high) || !comparable(parser, left, &high))
        return false;
    if (low.type != high.type && low.type != TYPE_ANY && high.type != TYPE_ANY)
        return filter_error(parser, high.at, "both bounds must be of one kind");
    if (low.type == TYPE_BOOL || high.type == TYPE_BOOL)
        return filter_error(parser, low.at, "true and false have no order");
    return emit(parser, FILTER_OP_BETWEEN, 0, 0, -2);
}

static bool is_comparison(enum filter_token_kind kind)
{
    return kind >= FILTER_TOKEN_EQ && kind <= FILTER_TOKEN_GE;
}

static bool parse_test(struct filter_parser *parser, struct expr *out)
{
    if (!parse_sum(parser, out))
        return false;
    bool good = true, negated = false;
    if (is_comparison(parser->token.kind)) {
        good = parse_comparison(parser, out);
    } else if (filter_is_word(parser, "is")) {
        good = parse_is(parser);
    } else {
        negated = filter_is_word(parser, "not");
        if (negated && !filter_next(parser))
            return false;
        if (filter_is_word(parser, "in"))
            good = parse_in(parser, out);
        else if (filter_is_word(parser, "like"))
            good = parse_like(parser, out);
        else if (filter_is_word(parser, "between"))
            good = parse_between(parser, out);
        else
            return !negated || filter_expected(parser, "in, like or between");
    }
    *out = (struct expr){.type = TYPE_BOOL, .at = out->at};
    return good && (!negated || emit(parser, FILTER_OP_NOT, 0, 0, 0));
}

/* ---- not, and, or ---- */

static bool parse_not(struct filter_parser *parser, struct expr *out)
{
    size_t at = parser->token.at;
    bool any = false, odd = false;
    while (filter_is_word(parser, "not")) {
        any = true;
        odd = !odd;
        if (!filter_next(parser))
            return false;
    }
    if (!parse_test(parser, out))
        return false;
    if (!any)
        return true;
    if (!want_condition(parser, out))
        return false;
    *out = (struct expr){.type = TYPE_BOOL, .at = at};
    return !odd || emit(parser, FILTER_OP_NOT, 0, 0, 0);
}

/* operand { word operand }: the right one is skipped when the left one already decides. */
static bool parse_chain(struct filter_parser *parser, struct expr *out, const char *word, enum filter_code skip,
                        enum filter_code join, bool (*operand)(struct filter_parser *, struct expr *))
{
    if (!operand(parser, out))
        return false;
    while (filter_is_word(parser, word)) {
        struct expr right;
        size_t jump = parser->filter->op_count;
        if (!want_condition(parser, out) || !emit(parser, skip, 0, 0, 0) || !filter_next(parser) ||
            !operand(parser, &right) || !want_condition(parser, &right) || !emit(parser, join, 0, 0, -1))
            return false;
        parser->filter->ops[jump].a = (uint32_t)parser->filter->op_count;
        *out = (struct expr){.type = TYPE_BOOL, .at = out->at};
    }
    return true;
}

static bool parse_and(struct filter_parser *parser, struct expr *out)
{
    return parse_chain(parser, out, "and", FILTER_OP_IF_FALSE, FILTER_OP_AND, parse_not);
}

static bool parse_or(struct filter_parser *parser, struct expr *out)
{
    return parse_chain(parser, out, "or", FILTER_OP_IF_TRUE, FILTER_OP_OR, parse_and);
}

bool filter_compile(struct filter_parser *parser)
{
    struct expr whole;
    if (!filter_next(parser))
        return false;
    if (parser->token.kind == FILTER_TOKEN_END)
        return filter_error(parser, 0, "expected a condition such as rvol30 > 3, found nothing");
    if (!parse_or(parser, &whole))
        return false;
    if (parser->token.kind != FILTER_TOKEN_END)
        return filter_expected(parser, whole.type == TYPE_BOOL ? "and, or, or the end" : "an operator");
    return want_condition(parser, &whole);
}
