/* SPDX-License-Identifier: GPL-3.0-or-later
 * Decoders of the delta family and of split bytes; same rules as pq_values_read. out NULL = skip. */
#ifndef TAPEDECK_PQ_VALUES_MORE_H
#define TAPEDECK_PQ_VALUES_MORE_H

#include "pq_values.h"

const char *pq_read_delta(struct pq_values *v, void *out, size_t count);
const char *pq_read_delta_texts(struct pq_values *v, struct td_str *out, size_t count);
const char *pq_read_prefixed(struct pq_values *v, struct td_str *out, size_t count);
const char *pq_read_split(struct pq_values *v, void *out, size_t count);

#endif
