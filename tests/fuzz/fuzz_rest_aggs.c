/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any answer to a request for bars: what is let in passes the door check and lies in the range asked for, what is not is
 * counted, and the next page stays on our own host. */
#include <tapedeck/feed.h>
#include "fuzz.h"

static void check_next(const char *next)
{
    FUZZ_CHECK(!*next || *next == '/');
    FUZZ_CHECK(strlen(next) < sizeof((struct td_rest_page *)0)->next);
    for (const char *p = next; *p; p++)
        FUZZ_CHECK((unsigned char)*p > 0x20 && *p != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const long statuses[] = {200, 200, 200, 200, 200, 401, 403, 404, 429, 500, 302, 204};
    struct fuzz_in in = {data, size};
    uint8_t first = fuzz_u8(&in);
    bool daily = first & 1;
    if (first == '{' || first == '[')
        in = (struct fuzz_in){data, size}; /* a bare document is a 200 for minutes */
    struct td_http_response response = {.code = TD_OK, .status = first == '{' ? 200 : statuses[first / 2 % TD_COUNT(statuses)]};
    struct td_bars bars = {0};
    struct td_rest_page page;
    struct td_err err = {0};
    td_day from = td_day_from_civil(2025, 2, 1), to = td_day_from_civil(2025, 2, 28);
    td_buf_init(&response.body, 1 << 20);
    td_buf_add(&response.body, in.p, in.left);
    enum td_code code = td_rest_aggs_parse(&response, "AAPL", daily, from, to, &bars, &page, &err);
    if (code == TD_OK) {
        uint64_t refused = 0;
        for (size_t i = 0; i < TD_REASON_COUNT; i++)
            refused += page.quarantined[i];
        FUZZ_CHECK(bars.n + refused == page.rows);
        check_next(page.next);
    } else {
        fuzz_failed_well(code, &err);
    }
    for (size_t i = 0; i < bars.n; i++) {
        struct td_bar bar = td_bars_get(&bars, i);
        td_day day;
        int32_t ms;
        FUZZ_CHECK(td_bar_check(&bar, daily) == TD_REASON_NONE);
        td_ny_split(bar.ts, &day, &ms);
        FUZZ_CHECK(day >= from && day <= to);
    }
    td_bars_free(&bars);
    td_buf_free(&response.body);
    return 0;
}
