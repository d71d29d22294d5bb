/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as a YAML or JSON document: a tree that can be walked, or a message. */
#include "fuzz.h"

static size_t walk(const struct td_doc *doc, int depth)
{
    size_t nodes = 1;
    int64_t number;
    double real;
    bool flag;
    FUZZ_CHECK(depth <= 33);
    FUZZ_CHECK(doc->line >= 1);
    if (doc->kind == TD_DOC_SCALAR) {
        FUZZ_CHECK(doc->text && doc->count == 0);
        return 1;
    }
    for (size_t i = 0; i < doc->count; i++) {
        const struct td_doc *child = doc->items[i];
        FUZZ_CHECK((child->key != NULL) == (doc->kind == TD_DOC_MAP));
        if (child->key) {
            FUZZ_CHECK(td_doc_get(doc, child->key) == child);
            FUZZ_CHECK(!td_doc_text(doc, child->key) || child->kind == TD_DOC_SCALAR);
            if (td_doc_i64(doc, child->key, &number) || td_doc_f64(doc, child->key, &real) ||
                td_doc_bool(doc, child->key, &flag))
                FUZZ_CHECK(child->kind == TD_DOC_SCALAR && !child->quoted);
        }
        nodes += walk(child, depth + 1);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct td_arena arena;
    struct td_doc *doc = NULL;
    struct td_err err = {0};
    td_arena_init(&arena, 16 << 20);
    enum td_code code = td_doc_parse((const char *)data, size, "input", &arena, &doc, &err);
    if (code == TD_OK)
        walk(doc, 0);
    else
        fuzz_failed_well(code, &err);
    td_arena_free(&arena);
    return 0;
}
