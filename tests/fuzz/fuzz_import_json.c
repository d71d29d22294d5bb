/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes after a brace as a vendor's JSON to import, minutes and days, with and without a ticker of our own. */
#include "fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *json = malloc(size + 1);
    FUZZ_CHECK(json);
    bool bare = size && (data[0] == '{' || data[0] == '[' || data[0] == 0x1F);
    size_t len = 0;
    if (!bare)
        json[len++] = '{';
    if (size)
        memcpy(json + len, data, size);
    len += size;
    struct td_import_options options = {.ticker = size % 3 ? "AAPL" : NULL, .max_bytes = 1 << 22};
    options.new_york = size % 2;
    options.daily = size % 5 == 0;
    fuzz_import(json, len, &options);
    free(json);
    return 0;
}
