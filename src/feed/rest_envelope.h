/* SPDX-License-Identifier: GPL-3.0-or-later
 * What every REST answer has in common: status, envelope, results, next_url (vendor reference sections 1.2, 1.3, 2). */
#ifndef TAPEDECK_FEED_REST_ENVELOPE_H
#define TAPEDECK_FEED_REST_ENVELOPE_H

#include <tapedeck/feed.h>

#include "feed_json.h"

/* Open an answer about `about` (a ticker or a table's name): refusals become errors with the vendor's words, *results is
 * the list (NULL when absent: empty), `next` the path and query of the following page, "" on the last; with next NULL the
 * answer is a single object and *results may be one. The caller
 * releases *root (NULL on failure) with json_decref; *results lives in it. */
enum td_code rest_open(const struct td_http_response *response, const char *about, json_t **root, const json_t **results,
                       char *next, size_t next_size, struct td_err *err);

/* Append a path segment, percent-encoded. */
void rest_add_encoded(struct td_buf *out, const char *text);

#endif
