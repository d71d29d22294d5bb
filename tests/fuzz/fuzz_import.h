/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the two import targets share: options from the first bytes, the call, and what must hold of its result. */
#ifndef TAPEDECK_TESTS_FUZZ_IMPORT_H
#define TAPEDECK_TESTS_FUZZ_IMPORT_H

#include <tapedeck/feed.h>
#include "fuzz_file.h"

/* Every bar that comes out has passed the door, is in order, and every row that went in is accounted for. */
static inline void fuzz_import_check(const struct td_import_result *result, bool daily)
{
    uint64_t bars = 0, refused = 0;
    for (size_t s = 0; s < result->count; s++) {
        const struct td_import_series *series = &result->series[s];
        bars += series->bars.n;
        FUZZ_CHECK(series->ticker[0] && memchr(series->ticker, '\0', sizeof series->ticker));
        for (size_t i = 0; i < series->bars.n; i++) {
            struct td_bar bar = td_bars_get(&series->bars, i);
            FUZZ_CHECK(td_bar_check(&bar, daily) == TD_REASON_NONE);
            FUZZ_CHECK(i == 0 || bar.ts > series->bars.ts[i - 1]);
        }
    }
    for (size_t i = 0; i < TD_REASON_COUNT; i++)
        refused += result->quarantined[i];
    FUZZ_CHECK(bars + result->duplicates + refused == result->rows_read);
    FUZZ_CHECK(memchr(result->detail, '\0', sizeof result->detail));
    FUZZ_CHECK(!strchr(result->detail, '\n') && !strchr(result->detail, '\x1b'));
    FUZZ_CHECK((refused > 0) == (result->detail[0] != '\0'));
}

static inline void fuzz_import(const uint8_t *data, size_t size, const struct td_import_options *options)
{
    static struct fuzz_file file;
    struct td_import_result result;
    struct td_err err = {0};
    enum td_code code = td_import_read(fuzz_file_set(&file, data, size), options, &result, &err);
    if (code == TD_OK)
        fuzz_import_check(&result, options->daily);
    else
        fuzz_failed_well(code, &err);
    td_import_free(&result);
}

#endif
