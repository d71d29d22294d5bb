/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes as a file of the lake: read as each kind of record table, scanned cell by cell into csv, json and the canonical
 * form, reported on and verified. What verify calls good must be readable to the last row. */
#include <tapedeck/view.h>
#include "fuzz_file.h"

#define MOST_ROWS 3000
#define MOST_COLUMNS 128

static void read_tables(const char *path)
{
    static const struct td_record *const records[] = {&td_daily_record,  &td_watch_record,  &td_topn_record,
                                                      &td_split_record,  &td_ticker_record, &td_rename_record,
                                                      &td_candle_record};
    for (size_t r = 0; r < TD_COUNT(records); r++) {
        struct td_rows rows;
        struct td_err err = {0};
        char meta[128] = "";
        enum td_code code = td_table_read(path, records[r], &rows, "tapedeck.schema", meta, &err);
        if (code != TD_OK) {
            fuzz_failed_well(code, &err);
            FUZZ_CHECK(!rows.count);
        }
        for (size_t i = 0; i < rows.count && i < MOST_ROWS; i++)
            for (size_t f = 0; f < records[r]->count; f++) {
                const char *row = (const char *)rows.items + i * rows.size;
                struct td_cell cell = td_record_cell(&records[r]->fields[f], row);
                char text[64];
                FUZZ_CHECK(td_cell_text(&cell, TD_STYLE_PRICE, text, sizeof text) < sizeof text);
                if (records[r]->fields[f].kind == TD_F_STR)
                    FUZZ_CHECK(memchr(row + records[r]->fields[f].offset, '\0', records[r]->fields[f].size));
            }
        td_rows_free(&rows);
    }
}

/* Returns whether every row came. */
static bool scan(const char *path)
{
    static struct td_cell cells[MOST_COLUMNS];
    struct td_scan *scan = NULL;
    struct td_err err = {0};
    struct td_buf text;
    bool more = true;
    int64_t rows = 0;
    enum td_code code = td_scan_open(path, NULL, &scan, &err);
    if (code != TD_OK) {
        fuzz_failed_well(code, &err);
        return false;
    }
    td_buf_init(&text, 1 << 24);
    td_scan_canonical_header(scan, &text);
    size_t count = td_scan_column_count(scan);
    while (count <= MOST_COLUMNS && more && rows < MOST_ROWS) {
        code = td_scan_next(scan, cells, &more, &err);
        if (code != TD_OK) {
            fuzz_failed_well(code, &err);
            break;
        }
        td_buf_clear(&text);
        if (more)
            td_scan_canonical_row(scan, &text);
        for (size_t c = 0; more && c < count; c++) {
            char person[40];
            td_cell_csv(&text, &cells[c]);
            td_cell_json(&text, &cells[c]);
            FUZZ_CHECK(td_cell_text(&cells[c], (enum td_style)(c % (TD_STYLE_FLAG + 1)), person, sizeof person) < sizeof person);
        }
        rows += more;
    }
    bool whole = code == TD_OK && (!more ? rows == td_scan_rows(scan) : true);
    if (code == TD_OK && td_scan_rows(scan) > 0 && td_scan_seek(scan, td_scan_rows(scan) - 1, &err) == TD_OK &&
        count <= MOST_COLUMNS)
        (void)td_scan_next(scan, cells, &more, &err);
    td_buf_free(&text);
    td_scan_close(scan);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const reports[] = {"schema", "meta", "pages", "nonsense"};
    static struct fuzz_file file;
    const char *path = fuzz_file_set(&file, data, size);
    struct td_err err = {0};
    uint64_t rows = 0;
    read_tables(path);
    bool whole = scan(path);
    for (size_t i = 0; i < TD_COUNT(reports); i++) {
        struct td_sheet sheet = {0};
        enum td_code code = td_parquet_report(path, reports[i], &sheet, &err);
        if (code != TD_OK)
            fuzz_failed_well(code, &err);
        td_sheet_free(&sheet);
    }
    enum td_code code = td_parquet_verify(path, &rows, &err);
    if (code != TD_OK)
        fuzz_failed_well(code, &err);
    else
        FUZZ_CHECK(whole);
    return 0;
}
