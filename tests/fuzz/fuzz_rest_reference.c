/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any answer to requests for splits, tickers, delisted tickers and ticker events. */
#include <math.h>
#include <tapedeck/feed.h>
#include "fuzz.h"

struct seen {
    uint64_t rows;
    uint64_t stop_at; /* refuse this row, 0 = none */
};

/* Which bytes make a ticker is for the job to say, that keeps it; here it has a length that every array holds. */
static void check_ticker(const char *ticker)
{
    size_t len = strnlen(ticker, TD_TICKER_MAX);
    FUZZ_CHECK(len >= 1 && len < TD_TICKER_MAX);
}

static enum td_code take_row(void *ctx, const struct td_rest_split *split, const struct td_rest_ticker *ticker,
                             struct td_err *err)
{
    struct seen *seen = ctx;
    seen->rows++;
    FUZZ_CHECK((split != NULL) != (ticker != NULL));
    if (split) {
        check_ticker(split->ticker);
        FUZZ_CHECK(split->day != TD_NO_DAY && isfinite(split->from) && isfinite(split->to));
        FUZZ_CHECK(split->from > 0 && split->to > 0);
    } else {
        check_ticker(ticker->ticker);
        FUZZ_CHECK(memchr(ticker->type, '\0', sizeof ticker->type));
        FUZZ_CHECK(memchr(ticker->exchange, '\0', sizeof ticker->exchange));
        FUZZ_CHECK(memchr(ticker->name, '\0', sizeof ticker->name));
        FUZZ_CHECK(ticker->active >= -1 && ticker->active <= 1);
        for (size_t at = 0, len = strlen(ticker->name); at < len;) { /* a long name is cut between characters */
            uint32_t bits = (unsigned char)ticker->name[at];
            size_t need = bits >= 0xF0 ? 4 : bits >= 0xE0 ? 3 : bits >= 0xC0 ? 2 : 1;
            FUZZ_CHECK(at + need <= len);
            at += need;
        }
    }
    return seen->rows == seen->stop_at ? td_fail(err, TD_CANCELLED, "enough") : TD_OK;
}

static enum td_code take_event(void *ctx, const char *ticker, const char *old_ticker, td_day day, struct td_err *err)
{
    struct seen *seen = ctx;
    (void)err;
    seen->rows++;
    check_ticker(ticker);
    check_ticker(old_ticker);
    FUZZ_CHECK(day != TD_NO_DAY);
    return TD_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 401, 403, 404, 500};
    struct fuzz_in in = {data, size};
    uint8_t first = size && data[0] != '{' ? fuzz_u8(&in) : 0;
    struct td_http_response response = {.code = TD_OK, .status = first < 200 ? 200 : statuses[first % TD_COUNT(statuses)]};
    td_buf_init(&response.body, 1 << 20);
    td_buf_add(&response.body, in.p, in.left);
    for (int kind = TD_REFERENCE_SPLITS; kind <= TD_REFERENCE_DELISTED; kind++) {
        struct td_rest_page page;
        struct td_err err = {0};
        struct seen seen = {.stop_at = first % 7};
        enum td_code code =
            td_rest_reference_parse(&response, (enum td_reference_kind)kind, take_row, &seen, &page, &err);
        if (code == TD_OK) {
            uint64_t refused = 0;
            for (size_t i = 0; i < TD_REASON_COUNT; i++)
                refused += page.quarantined[i];
            FUZZ_CHECK(seen.rows + refused == page.rows);
            FUZZ_CHECK(!page.next[0] || page.next[0] == '/');
        } else {
            fuzz_failed_well(code, &err);
        }
        FUZZ_CHECK(!seen.stop_at || seen.rows <= seen.stop_at);
    }
    struct seen seen = {0};
    struct td_err err = {0};
    uint64_t events = 0;
    enum td_code code = td_rest_events_parse(&response, "META", take_event, &seen, &events, &err);
    if (code != TD_OK)
        fuzz_failed_well(code, &err);
    else
        FUZZ_CHECK(seen.rows <= events);
    td_buf_free(&response.body);
    return 0;
}
