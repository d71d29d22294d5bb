/* SPDX-License-Identifier: GPL-3.0-or-later
 * lake, private: the files behind a ticker-month of a lake laid out ticker-first. */
#ifndef TAPEDECK_LAKE_TICKER_FIRST_H
#define TAPEDECK_LAKE_TICKER_FIRST_H

#include "lake_internal.h"

/* Paths of a ticker-month's files, by folder, then by name. */
enum td_code ticker_first_files(const char *root, const char *ticker, int32_t month, struct td_names *out, struct td_err *err);

#endif
