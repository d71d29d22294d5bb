/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON documents of bounded size, read with jansson through our allocator. */
#include "feed_json.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* The parser reports most failing allocations as bad syntax: this tells them apart. */
static _Thread_local bool starved;

static void *json_malloc(size_t size)
{
    void *p = td_malloc(size);
    if (!p)
        starved = true;
    return p;
}

static void use_our_memory(void)
{
    json_set_alloc_funcs(json_malloc, td_free);
}

enum td_code feed_json_parse(const char *text, size_t len, const char *name, json_t **out, struct td_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_error_t why;

    pthread_once(&once, use_our_memory);
    starved = false;
    *out = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &why);
    if (*out)
        return TD_OK;
    if (starved)
        return td_fail(err, TD_NOMEM, "%s: out of memory reading JSON", name);
    struct td_buf cause; /* the parser quotes the text it met, which may be anything */
    td_buf_init(&cause, 2048);
    td_buf_add_printable(&cause, why.text, strlen(why.text));
    enum td_code code = td_fail(err, TD_DATA, "%s: no valid JSON at line %d, column %d (byte %d of %zu): %.160s", name,
                                why.line, why.column, why.position, len, cause.data ? cause.data : "");
    td_buf_free(&cause);
    return code;
}

bool feed_json_i64(const json_t *value, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!json_is_real(value))
        return false;
    double real = json_real_value(value);
    if (!(fabs(real) < 9007199254740992.0) || real != floor(real))
        return false;
    *out = (int64_t)real;
    return true;
}

void feed_json_printable(struct td_buf *out, const json_t *value, size_t max)
{
    if (!json_is_string(value))
        return;
    size_t len = json_string_length(value);
    td_buf_add_printable(out, json_string_value(value), len < max ? len : max);
}
