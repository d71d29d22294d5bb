/* SPDX-License-Identifier: GPL-3.0-or-later
 * command, private: the parts of universe explain. */
#ifndef TAPEDECK_COMMAND_EXPLAIN_H
#define TAPEDECK_COMMAND_EXPLAIN_H

#include "command_internal.h"

enum explain_verdict { EXPLAIN_FAIL, EXPLAIN_PASS, EXPLAIN_INFO };
/* A line: its value is a number (text NULL) or a text (value NaN), or both. */
enum td_code explain_put(struct td_sheet *sheet, const char *rule, double value, const char *text, const char *threshold,
                         enum explain_verdict verdict, const char *note, struct td_err *err);
/* The rows whose volumes made rvol30 of rows[at], oldest first, each in shares of that day; rows are one ticker's, ascending. */
enum td_code explain_window(const struct td_daily_row *rows, size_t at, struct td_sheet *sheet, struct td_err *err);
/* The bars of the row's day by phase, and the file they are in. */
enum td_code explain_day(const struct td_lake *lake, const struct td_daily_row *row, struct td_sheet *sheet, struct td_err *err);

#endif
