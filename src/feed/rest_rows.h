/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of an aggregates page, read straight from the text: a page of 50,000 bars as a tree costs ten times more. */
#ifndef TAPEDECK_FEED_REST_ROWS_H
#define TAPEDECK_FEED_REST_ROWS_H

#include <tapedeck/feed.h>

struct rest_rows {
    bool daily;
    td_day from, to;
    struct td_bars *bars;
    struct td_rest_page *page;
};
/* Why a bar of the answer is not let in, with the range that was asked for. */
enum td_reason rest_bar_check(const struct rest_rows *rows, const struct td_bar *bar);
/* Read the list `results` of `body` into *rows when every row is a flat object of plain numbers, and put the document
 * with an empty list in its place into *envelope. False: something is out of the ordinary (or memory ran out); then
 * rows and page are as they were and the caller reads the whole document the thorough way. */
bool rest_rows_scan(const struct rest_rows *rows, const char *body, size_t len, struct td_buf *envelope);

#endif
