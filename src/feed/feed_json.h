/* SPDX-License-Identifier: GPL-3.0-or-later
 * JSON documents of bounded size, read with jansson through our allocator. */
#ifndef TAPEDECK_FEED_JSON_H
#define TAPEDECK_FEED_JSON_H

#include <jansson.h>
#include <tapedeck/base.h>

/* Parse a whole document (duplicate keys, NUL in strings and invalid UTF-8 refused). `name` is for the message, which
 * gives line and column. TD_DATA or TD_NOMEM; *out is released with json_decref. */
enum td_code feed_json_parse(const char *text, size_t len, const char *name, json_t **out, struct td_err *err);
/* A number as an exact int64: an integer, or a real without fraction below 2^53 (1e+09, 12.0). */
bool feed_json_i64(const json_t *value, int64_t *out);
/* Append a JSON string's text, made harmless for a terminal, at most `max` bytes of it; nothing for other kinds. */
void feed_json_printable(struct td_buf *out, const json_t *value, size_t max);

#endif
