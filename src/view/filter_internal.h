/* SPDX-License-Identifier: GPL-3.0-or-later
 * filter_internal: tokens, the compiled form and the parser's state of the filter language. A filter is compiled to a
 * short program for a stack machine, so that neither a long chain nor a deep nest can exhaust the C stack at run time. */
#ifndef TAPEDECK_FILTER_INTERNAL_H
#define TAPEDECK_FILTER_INTERNAL_H

#include "view_internal.h"

#define FILTER_TEXT_MAX (1u << 20) /* bytes: room for an `in` list of every ticker */
#define FILTER_DEPTH 64            /* parentheses inside parentheses */
#define FILTER_STACK 400           /* values: at most six wait at every depth */

enum filter_value_kind { FILTER_UNKNOWN, FILTER_INT, FILTER_NUM, FILTER_TEXT, FILTER_BOOL, FILTER_DAY, FILTER_TS };
struct filter_value {
    enum filter_value_kind kind; /* UNKNOWN: null, and what follows from comparing with it */
    union {
        int64_t i; /* INT, DAY, TS */
        double f;
        bool b;
        struct td_str s; /* into filter->text or the row */
    } v;
};

enum filter_code {
    FILTER_OP_PUSH,   /* constants[a] */
    FILTER_OP_COLUMN, /* column a of the row */
    FILTER_OP_NEGATE, FILTER_OP_ABS, FILTER_OP_ADD, FILTER_OP_SUB, FILTER_OP_MUL, FILTER_OP_DIV,
    FILTER_OP_EQ, FILTER_OP_NE, FILTER_OP_LT, FILTER_OP_LE, FILTER_OP_GT, FILTER_OP_GE,
    FILTER_OP_BETWEEN, /* x low high */
    FILTER_OP_IN,      /* constants[a .. a + b), sorted */
    FILTER_OP_LIKE,    /* pattern constants[a] */
    FILTER_OP_IS_NULL, FILTER_OP_NOT, FILTER_OP_AND, FILTER_OP_OR,
    FILTER_OP_IF_FALSE, FILTER_OP_IF_TRUE /* jump to a and keep the value: the rest cannot change it */
};
struct filter_op {
    enum filter_code code;
    uint32_t a, b;
};
struct td_filter {
    char *text; /* own copy: text constants point into it */
    struct filter_op *ops;
    size_t op_count, op_cap;
    struct filter_value *constants;
    size_t constant_count, constant_cap;
};

/* Order of two known values of comparable kinds into *order; false when either is unknown or they cannot be compared. */
bool filter_compare(const struct filter_value *a, const struct filter_value *b, int *order);

/* ---- tokens ---- */

enum filter_token_kind {
    FILTER_TOKEN_END, FILTER_TOKEN_NAME, FILTER_TOKEN_QUOTED, /* "a column" */
    FILTER_TOKEN_LITERAL, FILTER_TOKEN_OPEN, FILTER_TOKEN_CLOSE, FILTER_TOKEN_COMMA,
    FILTER_TOKEN_PLUS, FILTER_TOKEN_MINUS, FILTER_TOKEN_TIMES, FILTER_TOKEN_OVER,
    FILTER_TOKEN_EQ, FILTER_TOKEN_NE, FILTER_TOKEN_LT, FILTER_TOKEN_LE, FILTER_TOKEN_GT, FILTER_TOKEN_GE
};
struct filter_token {
    enum filter_token_kind kind;
    size_t at, end;            /* bytes of the text */
    struct td_str name;        /* NAME, QUOTED */
    struct filter_value value; /* LITERAL: number, text or day */
};
struct filter_parser {
    const char *original; /* for messages; text may be unescaped in place */
    char *text;
    size_t len, next;
    struct filter_token token; /* the one being looked at */
    const struct td_model *model;
    struct td_filter *filter;
    size_t depth, stack;
    bool left_is_text; /* right of a comparison with text: a bare word is likely a forgotten quote */
    enum td_code code;
    struct td_err *err;
};

/* Note the first error: TD_USAGE with the column (characters, from 1) and the text around it. Always false. */
bool filter_error(struct filter_parser *parser, size_t at, const char *fmt, ...) TD_PRINTF(3, 4);
/* "expected WHAT, found ..." at the token being looked at. Always false. */
bool filter_expected(struct filter_parser *parser, const char *what);
bool filter_next(struct filter_parser *parser); /* read the next token; false after an error */
bool filter_is_word(const struct filter_parser *parser, const char *word); /* is the token that keyword? any case */

/* The whole text into the parser's filter; false with code and err set. */
bool filter_compile(struct filter_parser *parser);

#endif
