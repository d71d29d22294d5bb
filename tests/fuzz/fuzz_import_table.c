/* SPDX-License-Identifier: GPL-3.0-or-later
 * Columns of a foreign table to import: any numbers, texts and nulls under the usual names and some odd ones. */
#include "fuzz_import.h"

#define MOST_ROWS 64
#define MOST_COLUMNS 10

static const char *const names[] = {"timestamp", "open",   "high",      "low",   "close", "volume", "vwap", "transactions",
                                    "ticker",    "symbol", "datetime",  "date",  "time",  "Open",   "n",    "t",
                                    "",          "trades", "window_start", "adj close"};

struct column {
    char bytes[MOST_ROWS][24];
    union {
        struct td_str texts[MOST_ROWS];
        double reals[MOST_ROWS];
        int64_t wholes[MOST_ROWS];
    } values;
    uint64_t valid;
};

static void fill(struct fuzz_in *in, struct column *c, struct td_import_column *about, size_t rows)
{
    static const char *const texts[] = {"AAPL", "2025-02-06", "2025-02-06 09:31:00", "14:30", "1738852200000", "4.32", "", "NA",
                                        "2025-02-06T14:30:00-05:00"};
    for (size_t i = 0; i < rows; i++) {
        uint8_t kind = fuzz_u8(in);
        int64_t near = INT64_C(1738852200000) + (int64_t)i * TD_MS_MINUTE;
        switch (about->kind) {
        case TD_IMPORT_STR:
            if (kind < 200) {
                const char *text = texts[kind % TD_COUNT(texts)];
                c->values.texts[i] = (struct td_str){text, strlen(text)};
            } else {
                for (size_t b = 0; b < kind % 24u; b++)
                    c->bytes[i][b] = (char)fuzz_u8(in);
                c->values.texts[i] = (struct td_str){c->bytes[i], kind % 24u};
            }
            break;
        case TD_IMPORT_F64: c->values.reals[i] = kind < 200 ? 4 + kind % 3 : fuzz_f64(in); break;
        default: c->values.wholes[i] = kind < 200 ? near + kind % 2 * TD_MS_MINUTE : (int64_t)fuzz_bits(in, 8);
        }
    }
    c->valid = fuzz_u8(in) % 4 ? UINT64_MAX : fuzz_bits(in, 8);
    about->values = &c->values;
    about->valid = fuzz_u8(in) % 2 ? &c->valid : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct column columns[MOST_COLUMNS];
    struct td_import_column about[MOST_COLUMNS];
    struct td_import_result result;
    struct td_err err = {0};
    struct fuzz_in in = {data, size};
    uint8_t bits = fuzz_u8(&in);
    size_t count = fuzz_u8(&in) % (MOST_COLUMNS + 1), rows = fuzz_u8(&in) % (MOST_ROWS + 1);
    struct td_import_options options = {.daily = bits & 1, .new_york = bits & 2, .end_stamped = bits & 4,
                                        .ticker = bits & 8 ? NULL : "AAPL", .time = (enum td_import_time)(bits / 16 % 5),
                                        .columns = bits & 128 ? "timestamp=date+time" : NULL};
    for (size_t c = 0; c < count; c++) {
        uint8_t which = fuzz_u8(&in);
        about[c].name = which < 200 ? names[c % TD_COUNT(names)] : names[which % TD_COUNT(names)];
        about[c].kind = which < 150 ? (c == 0 ? TD_IMPORT_MS : TD_IMPORT_F64) : (enum td_import_kind)(which % 4);
        fill(&in, &columns[c], &about[c], rows);
    }
    enum td_code code = td_import_table("table.parquet", about, count, rows, &options, &result, &err);
    if (code == TD_OK) {
        FUZZ_CHECK(result.rows_read == rows);
        fuzz_import_check(&result, options.daily);
    } else {
        fuzz_failed_well(code, &err);
    }
    td_import_free(&result);
    return 0;
}
