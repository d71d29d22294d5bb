/* SPDX-License-Identifier: GPL-3.0-or-later
 * filter_lex: the words of the filter language, and messages that point into its text. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "filter_internal.h"

#define EXCERPT 64 /* bytes of the text shown before a fault, and half of it after */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
    return is_name_start(c) || is_digit(c);
}

/* ---- messages ---- */

static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t character_column(const char *text, size_t at)
{
    size_t column = 1;
    for (size_t i = 0; i < at; i++)
        column += !continues(text[i]);
    return column;
}

/* "... text before <HERE>text after ..." */
static void excerpt(const struct filter_parser *parser, size_t at, char *out, size_t size)
{
    const char *text = parser->original;
    size_t from = at > EXCERPT ? at - EXCERPT : 0;
    size_t to = parser->len - at > EXCERPT / 2 ? at + EXCERPT / 2 : parser->len;
    while (from < at && continues(text[from]))
        from++;
    while (to > at && to < parser->len && continues(text[to]))
        to--;
    size_t n = 0;
    td_copy(out, size, from ? "..." : "");
    n = strlen(out);
    n += view_printable(out + n, size - n, text + from, at - from);
    td_copy(out + n, size - n, "<HERE>");
    n += strlen(out + n);
    n += view_printable(out + n, size - n, text + at, to - at);
    td_copy(out + n, size - n, to < parser->len ? "..." : "");
}

bool filter_error(struct filter_parser *parser, size_t at, const char *fmt, ...)
{
    if (parser->code != TD_OK)
        return false;
    char why[260], where[160];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    excerpt(parser, at, where, sizeof where);
    parser->code = td_fail(parser->err, TD_USAGE, "filter, column %zu: %s: %s", character_column(parser->original, at),
                           n < 0 ? "cannot be read" : why, where);
    return false;
}

bool filter_expected(struct filter_parser *parser, const char *what)
{
    const struct filter_token *token = &parser->token;
    if (token->kind == FILTER_TOKEN_END)
        return filter_error(parser, token->at, "expected %s, found the end", what);
    char found[40];
    size_t len = token->end - token->at;
    view_printable(found, sizeof found, parser->original + token->at, len < 32 ? len : 32);
    return filter_error(parser, token->at, "expected %s, found %s%s", what, found, len > 32 ? "..." : "");
}

/* ---- numbers, dates, texts ---- */

/* "5M", "1.2B" and "15%" are read as 5e6, 1.2e9 and 15e-2, so that they are the doubles a person means, unrounded. */
static bool scaled_number(const char *text, size_t len, const char *exponent, double *out)
{
    char copy[64];
    size_t extra = strlen(exponent);
    if (len + extra >= sizeof copy)
        return false;
    memcpy(copy, text, len);
    memcpy(copy + len, exponent, extra);
    return td_parse_f64(copy, len + extra, out);
}

static const char *suffix_exponent(char c)
{
    switch (c) {
    case 'k': case 'K': return "e3";
    case 'm': case 'M': return "e6";
    case 'b': case 'B': return "e9";
    case 't': case 'T': return "e12";
    case '%': return "e-2";
    default: return NULL;
    }
}

/* Length of the exponent at p, 0 when none. */
static size_t exponent_length(const char *p)
{
    if (*p != 'e' && *p != 'E')
        return 0;
    size_t n = p[1] == '+' || p[1] == '-' ? 2 : 1;
    if (!is_digit(p[n]))
        return 0;
    while (is_digit(p[n]))
        n++;
    return n;
}

static bool lex_number(struct filter_parser *parser)
{
    struct filter_token *token = &parser->token;
    const char *p = parser->text + token->at;
    size_t n = 0;
    while (is_digit(p[n]))
        n++;
    bool whole = p[n] != '.';
    if (!whole)
        for (n++; is_digit(p[n]);)
            n++;
    size_t exponent = exponent_length(p + n);
    const char *scale = exponent ? NULL : suffix_exponent(p[n]);
    token->end = token->at + n + exponent + (scale != NULL);
    if (is_name(parser->text[token->end]) || parser->text[token->end] == '.')
        return filter_error(parser, token->at, "not a number; write 5, 0.25, 5e8, 5M, 1.2B or 20%%");
    token->kind = FILTER_TOKEN_LITERAL;
    token->value = (struct filter_value){.kind = FILTER_INT};
    if (whole && !exponent && !scale && td_parse_i64(p, n, &token->value.v.i))
        return true;
    token->value.kind = FILTER_NUM;
    if (scale ? scaled_number(p, n, scale, &token->value.v.f) : td_parse_f64(p, n + exponent, &token->value.v.f))
        return true;
    return filter_error(parser, token->at, "the number has too many digits or is too big");
}

/* Does dddd-dd-dd stand here? Nobody subtracts such numbers, and everybody types dates so. */
static bool looks_like_date(const char *p)
{
    static const char form[] = "dddd-dd-dd";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? !is_digit(p[i]) : p[i] != '-')
            return false;
    return !is_name(p[10]);
}

static bool lex_date(struct filter_parser *parser)
{
    struct filter_token *token = &parser->token;
    td_day day;
    token->end = token->at + 10;
    if (!td_parse_day(parser->text + token->at, 10, &day))
        return filter_error(parser, token->at, "there is no such date");
    token->kind = FILTER_TOKEN_LITERAL;
    token->value = (struct filter_value){.kind = FILTER_DAY};
    token->value.v.i = day;
    return true;
}

/* 'it''s' and "a column": the quote doubled stands for itself; unescaped in place. */
static bool lex_quoted(struct filter_parser *parser, char quote)
{
    struct filter_token *token = &parser->token;
    char *text = parser->text;
    size_t from = token->at + 1, to = from, i = from;
    for (;; i++) {
        if (i >= parser->len)
            return filter_error(parser, token->at, "the quote %c is never closed", quote);
        if (text[i] == quote) {
            if (text[i + 1] != quote)
                break;
            i++;
        }
        text[to++] = text[i];
    }
    token->end = i + 1;
    struct td_str s = {text + from, to - from};
    if (quote == '"') {
        token->kind = FILTER_TOKEN_QUOTED;
        token->name = s;
        return true;
    }
    token->kind = FILTER_TOKEN_LITERAL;
    token->value = (struct filter_value){.kind = FILTER_TEXT};
    token->value.v.s = s;
    return true;
}

/* ---- one token ---- */

static enum filter_token_kind punctuation(const char *p, size_t *len)
{
    static const struct {
        const char *text;
        enum filter_token_kind kind;
    } marks[] = {{"==", FILTER_TOKEN_EQ},   {"!=", FILTER_TOKEN_NE},    {"<>", FILTER_TOKEN_NE},
                 {"<=", FILTER_TOKEN_LE},   {">=", FILTER_TOKEN_GE},    {"=", FILTER_TOKEN_EQ},
                 {"<", FILTER_TOKEN_LT},    {">", FILTER_TOKEN_GT},     {"(", FILTER_TOKEN_OPEN},
                 {")", FILTER_TOKEN_CLOSE}, {",", FILTER_TOKEN_COMMA},  {"+", FILTER_TOKEN_PLUS},
                 {"-", FILTER_TOKEN_MINUS}, {"*", FILTER_TOKEN_TIMES},  {"/", FILTER_TOKEN_OVER}};
    for (size_t i = 0; i < TD_COUNT(marks); i++)
        if (strncmp(p, marks[i].text, strlen(marks[i].text)) == 0) {
            *len = strlen(marks[i].text);
            return marks[i].kind;
        }
    return FILTER_TOKEN_END;
}

bool filter_next(struct filter_parser *parser)
{
    const char *text = parser->text;
    size_t at = parser->next;
    while (at < parser->len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
        at++;
    parser->token = (struct filter_token){.kind = FILTER_TOKEN_END, .at = at, .end = at};
    struct filter_token *token = &parser->token;
    const char *p = text + at;
    bool good = true;
    size_t len = 0;
    if (at >= parser->len) {
        ; /* the end */
    } else if (is_digit(*p) || (*p == '.' && is_digit(p[1]))) {
        good = looks_like_date(p) ? lex_date(parser) : lex_number(parser);
    } else if (is_name_start(*p)) {
        while (is_name(p[len]))
            len++;
        token->kind = FILTER_TOKEN_NAME;
        token->name = (struct td_str){p, len};
        token->end = at + len;
    } else if (*p == '\'' || *p == '"') {
        good = lex_quoted(parser, *p);
    } else {
        token->kind = punctuation(p, &len);
        token->end = at + len;
        if (len == 0)
            good = filter_error(parser, at, "this character has no meaning here");
    }
    parser->next = token->end;
    return good;
}

bool filter_is_word(const struct filter_parser *parser, const char *word)
{
    const struct filter_token *token = &parser->token;
    return token->kind == FILTER_TOKEN_NAME && token->name.len == strlen(word) &&
           strncasecmp(token->name.ptr, word, token->name.len) == 0;
}
