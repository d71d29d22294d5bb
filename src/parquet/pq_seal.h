/* SPDX-License-Identifier: GPL-3.0-or-later
 * The seal: a hash in the footer's key-values by which a reader knows statistics and page index for those that the
 * writer made of the data. */
#ifndef TAPEDECK_PQ_SEAL_H
#define TAPEDECK_PQ_SEAL_H

#include <tapedeck/parquet.h>

#define PQ_SEAL_KEY "tapedeck.seal"
#define PQ_SEAL_TEXT 17 /* 16 hexadecimal digits */

void pq_seal_text(uint64_t hash, char out[PQ_SEAL_TEXT]);

#endif
