/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as a table of bars to import (gzip members among them). The first byte chooses the options, unless it is a letter:
 * then the input is a file as it is. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const maps[] = {NULL, NULL, "timestamp=date+time", "timestamp=date,close=Last,volume=", "a=b", "timestamp=1"};
    static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y%m%d %H%M%S", "%s", "%%%", "%d.%m.%y %I:%M %p"};
    struct td_import_options options = {.ticker = "AAPL", .max_bytes = 1 << 22};
    if (size && (data[0] < 'A' || data[0] > 'z')) {
        unsigned bits = data[0] | (size > 1 ? data[1] : 0u) << 8;
        options.daily = bits & 1;
        options.new_york = bits & 2;
        options.end_stamped = bits & 4;
        options.ticker = bits & 8 ? NULL : "AAPL";
        options.time = (enum td_import_time)(bits / 16 % 8 > TD_TIME_FORMAT ? TD_TIME_AUTO : bits / 16 % 8);
        options.strptime = options.time == TD_TIME_FORMAT ? formats[bits / 256 % TD_COUNT(formats)] : NULL;
        options.columns = maps[bits / 2048 % TD_COUNT(maps)];
        options.ticker_from_name = bits & 0x8000;
        size_t skip = size > 1 ? 2 : 1;
        if (bits / 256 != 0x8B) { /* 1F 8B: a gzip file as it is */
            data += skip;
            size -= skip;
        } else {
            options.columns = NULL;
        }
    }
    fuzz_import(data, size, &options);
    return 0;
}
