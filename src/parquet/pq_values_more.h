/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decoders of dictionary indices, the delta family and split bytes; same rules as pq_values_read. out NULL = skip. */
#ifndef TAPEDECK_PQ_VALUES_MORE_H
#define TAPEDECK_PQ_VALUES_MORE_H

#include "pq_values.h"

/* v->hybrid is open; out is not NULL. */
const char *pq_read_dict(struct pq_values *v, uint8_t *out, size_t count);
const char *pq_read_delta(struct pq_values *v, void *out, size_t count);
const char *pq_read_delta_texts(struct pq_values *v, struct td_str *out, size_t count);
const char *pq_read_prefixed(struct pq_values *v, struct td_str *out, size_t count);
const char *pq_read_split(struct pq_values *v, void *out, size_t count);

#endif
