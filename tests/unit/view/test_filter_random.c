/* SPDX-License-Identifier: GPL-3.0-or-later
 * Random expressions: the compiled filter against a tree that is walked by the book of three-valued logic. The tree is
 * printed with the parentheses that precedence asks for and some that it does not, then parsed again. */
#include "check.h"
#include <tapedeck/view.h>

enum kind { NUM_CONST, NUM_A, NUM_B, NUM_N, ADD, SUB, MUL, DIV, NEGATE, ABS, CMP, IS_NULL, IN, BETWEEN, TEXT_CMP, FLAG, NOT, AND, OR };
struct node {
    enum kind kind;
    int mark;     /* comparison: index into marks; TEXT_CMP too; NUM_CONST: half units */
    bool negated; /* is not null, not in, not between */
    struct node *kid[4];
    int kids;
};
struct item {
    double a, b;
    int64_t n;
    const char *t;
    int8_t f;
};
#define F(name, kind, size)                                                                                            \
    {                                                                                                                  \
        #name, kind, offsetof(struct item, name), size, true                                                           \
    }
static const struct td_field fields[] = {F(a, TD_F_F64, 8), F(b, TD_F_F64, 8), F(n, TD_F_I64, 8),
                                         F(t, TD_F_TEXT, sizeof(char *)), F(f, TD_F_BOOL, 1)};
static const struct td_record record = {"items/1", sizeof(struct item), TD_COUNT(fields), fields};
static const char *const marks[] = {"=", "!=", "<", "<=", ">", ">=", "==", "<>"};
static const char *const texts[] = {"", "A", "AB", "B"};

static uint64_t seed;
static unsigned pick(unsigned n)
{
    seed += UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(td_mix64(seed) % n);
}

static struct node pool[4096];
static size_t used;
static struct node *make(enum kind kind)
{
    assert_true(used < TD_COUNT(pool));
    pool[used] = (struct node){.kind = kind};
    return &pool[used++];
}

static struct node *random_number(int depth)
{
    static const enum kind leaves[] = {NUM_CONST, NUM_A, NUM_B, NUM_N};
    static const enum kind inner[] = {ADD, SUB, MUL, DIV, NEGATE, ABS};
    struct node *node = make(depth <= 0 || pick(2) ? leaves[pick(4)] : inner[pick(6)]);
    node->mark = (int)pick(9);
    node->kids = node->kind < ADD ? 0 : node->kind < NEGATE ? 2 : 1;
    for (int i = 0; i < node->kids; i++)
        node->kid[i] = random_number(depth - 1);
    return node;
}

static struct node *random_condition(int depth)
{
    static const enum kind kinds[] = {CMP, CMP, IS_NULL, IN, BETWEEN, TEXT_CMP, FLAG, NOT, AND, OR, AND, OR};
    struct node *node = make(depth <= 0 ? kinds[pick(7)] : kinds[pick(12)]);
    node->mark = (int)pick(8);
    node->negated = pick(2);
    bool condition = node->kind >= NOT;
    node->kids = node->kind == FLAG || node->kind == TEXT_CMP ? 0 : node->kind == IS_NULL || node->kind == NOT ? 1
                 : node->kind == BETWEEN ? 3 : node->kind == IN ? 1 + (int)pick(3) + 1 : 2;
    node->kids = node->kids > 4 ? 4 : node->kids;
    for (int i = 0; i < node->kids; i++) {
        bool literal = node->kind == IN && i > 0;
        node->kid[i] = condition ? random_condition(depth - 1) : literal ? make(NUM_CONST) : random_number(depth - 1);
        if (literal)
            node->kid[i]->mark = (int)pick(9);
    }
    if (node->kind == TEXT_CMP)
        node->kids = 0;
    return node;
}

/* ---- by the book: -1 unknown, 0 false, 1 true ---- */

struct number { bool known; double value; };

static struct number walk_number(const struct node *node, const struct item *item)
{
    struct number x = {true, 0}, y = {true, 0};
    if (node->kids > 0)
        x = walk_number(node->kid[0], item);
    if (node->kids > 1)
        y = walk_number(node->kid[1], item);
    bool known = x.known && y.known;
    switch (node->kind) {
    case NUM_CONST: return (struct number){true, node->mark / 2.0};
    case NUM_A: return (struct number){!isnan(item->a), item->a};
    case NUM_B: return (struct number){!isnan(item->b), item->b};
    case NUM_N: return (struct number){item->n != TD_NO_COUNT, (double)item->n};
    case ADD: return (struct number){known, x.value + y.value};
    case SUB: return (struct number){known, x.value - y.value};
    case MUL: return (struct number){known, x.value * y.value};
    case DIV: return (struct number){known && y.value != 0, known && y.value != 0 ? x.value / y.value : 0};
    case NEGATE: return (struct number){known, -x.value};
    default: return (struct number){known, fabs(x.value)};
    }
}

static int mark_holds(int mark, int order)
{
    switch (mark) {
    case 0: case 6: return order == 0;
    case 1: case 7: return order != 0;
    case 2: return order < 0;
    case 3: return order <= 0;
    case 4: return order > 0;
    default: return order >= 0;
    }
}

static int three_not(int a)
{
    return a < 0 ? -1 : !a;
}

static int three_and(int a, int b)
{
    return a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
}

static int walk_listed(const struct node *node, const struct item *item, struct number x)
{
    int found = 0;
    for (int i = 1; i < node->kids; i++)
        found |= walk_number(node->kid[i], item).value == x.value;
    return x.known ? found : -1;
}

static int compare_numbers(struct number x, struct number y, int mark)
{
    return x.known && y.known ? mark_holds(mark, (x.value > y.value) - (x.value < y.value)) : -1;
}

static int walk(const struct node *node, const struct item *item)
{
    struct number x = {0};
    int a;
    if (node->kind < NOT && node->kids)
        x = walk_number(node->kid[0], item);
    switch (node->kind) {
    case CMP: return compare_numbers(x, walk_number(node->kid[1], item), node->mark);
    case IS_NULL: return x.known == node->negated;
    case IN: a = walk_listed(node, item, x); break;
    case BETWEEN:
        a = three_and(compare_numbers(x, walk_number(node->kid[1], item), 5),
                      compare_numbers(x, walk_number(node->kid[2], item), 3));
        break;
    case TEXT_CMP: return item->t ? mark_holds(node->mark, strcmp(item->t, texts[node->mark % 4])) : -1;
    case FLAG: return item->f;
    case NOT: return three_not(walk(node->kid[0], item));
    case AND: return three_and(walk(node->kid[0], item), walk(node->kid[1], item));
    default: return three_not(three_and(three_not(walk(node->kid[0], item)), three_not(walk(node->kid[1], item))));
    }
    return node->negated ? three_not(a) : a;
}

/* ---- as text ---- */

static int strength(const struct node *node)
{
    switch (node->kind) {
    case OR: return 1;
    case AND: return 2;
    case NOT: return 3;
    case CMP: case IS_NULL: case IN: case BETWEEN: case TEXT_CMP: return 4;
    case ADD: case SUB: return 5;
    case MUL: case DIV: return 6;
    case NEGATE: return 7;
    default: return 8;
    }
}

static void word(struct td_buf *out, const char *text)
{
    static const char *const blanks[] = {" ", "  ", "\t", "\n"};
    td_buf_adds(out, blanks[pick(4)]);
    bool upper = pick(3) == 0;
    for (; *text; text++)
        td_buf_addc(out, upper && *text >= 'a' && *text <= 'z' ? (char)(*text - 32) : *text);
    td_buf_adds(out, blanks[pick(4)]);
}

static void print(struct td_buf *out, const struct node *node, int least);

static void print_mark(struct td_buf *out, const char *mark)
{
    td_buf_printf(out, pick(2) ? " %s " : "%s", mark);
}

static void print_tail(struct td_buf *out, const struct node *node)
{
    if (node->negated)
        word(out, "not");
    word(out, node->kind == IN ? "in" : "between");
    for (int i = 1; i < node->kids; i++) {
        td_buf_adds(out, node->kind == IN ? (i == 1 ? "(" : ",") : "");
        print(out, node->kid[i], 5);
        if (node->kind == BETWEEN && i == 1)
            word(out, "and");
    }
    if (node->kind == IN)
        td_buf_adds(out, ")");
}

static void print_bare(struct td_buf *out, const struct node *node)
{
    static const char *const signs[] = {"+", "-", "*", "/"};
    static const char *const columns[] = {"a", "b", "n"};
    int own = strength(node);
    switch (node->kind) {
    case NUM_CONST: td_buf_f64(out, node->mark / 2.0); return;
    case NUM_A: case NUM_B: case NUM_N: td_buf_adds(out, columns[node->kind - NUM_A]); return;
    case FLAG: td_buf_adds(out, "f"); return;
    case TEXT_CMP: td_buf_printf(out, "t %s '%s'", marks[node->mark], texts[node->mark % 4]); return;
    case NEGATE: td_buf_adds(out, "-"); print(out, node->kid[0], 7); return;
    case ABS: td_buf_adds(out, "abs("); print(out, node->kid[0], 5); td_buf_adds(out, ")"); return;
    case NOT: word(out, "not"); print(out, node->kid[0], 3); return;
    default: break;
    }
    bool chain = own <= 2 || (own >= 5 && own <= 6); /* left-associative: the left operand may be of the same strength */
    print(out, node->kid[0], chain ? own : 5);
    if (node->kind == IN || node->kind == BETWEEN) {
        print_tail(out, node);
    } else if (node->kind == IS_NULL) {
        word(out, node->negated ? "is not null" : "is null");
    } else {
        if (own <= 2)
            word(out, own == 1 ? "or" : "and");
        else
            print_mark(out, node->kind == CMP ? marks[node->mark] : signs[node->kind - ADD]);
        print(out, node->kid[1], chain ? own + 1 : 5);
    }
}

static void print(struct td_buf *out, const struct node *node, int least)
{
    bool paren = strength(node) < least || (least > 0 && node->kind != NUM_CONST && pick(8) == 0);
    if (paren)
        td_buf_adds(out, "(");
    print_bare(out, node);
    if (paren)
        td_buf_adds(out, ")");
}

static void agrees_with_the_book(void **state)
{
    (void)state;
    static struct item items[5 * 5 * 5];
    static const double values[] = {-1, 0, 0.5, 2, (double)NAN};
    static const int64_t counts[] = {-2, 0, 1, 3, TD_NO_COUNT};
    for (size_t i = 0; i < TD_COUNT(items); i++)
        items[i] = (struct item){values[i % 5], values[i / 5 % 5], counts[i / 25 % 5],
                                 i % 7 < 4 ? texts[i % 7] : NULL, (int8_t)(i % 3 - 1)};
    struct td_record_model rows;
    struct td_err err;
    struct td_buf text;
    size_t selected = 0, left_out = 0;
    ASSERT_OK(td_record_model_init(&rows, &record, items, TD_COUNT(items), &err), err);
    td_buf_init(&text, 1 << 20);
    for (unsigned round = 0; round < 4000; round++) {
        seed = round;
        used = 0;
        td_buf_clear(&text);
        struct node *tree = random_condition(4);
        print(&text, tree, 1);
        assert_false(text.failed);
        struct td_filter *filter;
        if (td_filter_parse(text.data, &rows.model, &filter, &err) != TD_OK)
            fail_msg("round %u: %s\n%s", round, text.data, err.text);
        for (size_t i = 0; i < TD_COUNT(items); i++) {
            int wanted = walk(tree, &items[i]) == 1;
            if (td_filter_match(filter, &rows.model, i) != wanted)
                fail_msg("round %u, row %zu: %s is not %d", round, i, text.data, wanted);
            selected += wanted == 1;
            left_out += wanted == 0;
        }
        td_filter_free(filter);
    }
    assert_true(selected > 50000 && left_out > 50000); /* the expressions must not all be trivial */
    td_buf_free(&text);
    td_record_model_free(&rows);
}

/* Valid texts with a byte changed, removed or doubled: any answer but a crash. */
static void bears_broken_texts(void **state)
{
    (void)state;
    static const char good[] = "a > 1.5e2 and not (b is null or t like 'A%') and n in (1, -2, 3K) or abs(a - b) <> 20% and "
                               "t = 'x''y' and a between 1 and 2 or f and \"n\" * -3 < 2025-01-01";
    static const struct item item = {1, 2, 3, "A", 1};
    struct td_record_model rows;
    struct td_err err;
    ASSERT_OK(td_record_model_init(&rows, &record, &item, 1, &err), err);
    for (unsigned round = 0; round < 20000; round++) {
        char text[sizeof good + 8];
        memcpy(text, good, sizeof good);
        size_t len = sizeof good - 1;
        seed = round;
        for (unsigned edits = 1 + pick(3); edits-- > 0;) {
            size_t at = pick((unsigned)len);
            unsigned how = pick(4);
            if (how == 0)
                text[at] = (char)(1 + pick(255));
            else if (how == 1)
                memmove(text + at, text + at + 1, len-- - at);
            else if (how == 2 && len < sizeof good + 4)
                memmove(text + at + 1, text + at, ++len - at);
            else
                text[at] = good[pick(sizeof good - 1)];
            text[len] = 0;
        }
        struct td_filter *filter;
        if (td_filter_parse(text, &rows.model, &filter, &err) == TD_OK)
            td_filter_match(filter, &rows.model, 0);
        else
            assert_true(strncmp(err.text, "filter, column ", 15) == 0);
        td_filter_free(filter);
    }
    td_record_model_free(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_the_book), cmocka_unit_test(bears_broken_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
