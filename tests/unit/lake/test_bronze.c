/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bronze files: merging that loses nothing, sources and price bases kept apart, damage, other versions, full disks. */
#include "lake/lake_fixture.h"

#include <tapedeck/parquet.h>

#define TICKER "ABCD"
#define MONTH month_at("2025-09-01")

static void bronze_path(const struct fixture *f, char out[300])
{
    snprintf(out, 300, "%s/bronze/stocks_minute/year=2025/month=09/ticker=" TICKER ".parquet", f->root);
}

static enum td_code merge(const struct fixture *f, const struct td_bars *bars, const struct td_merge *how,
                          struct td_merge_counts *counts, struct td_err *err)
{
    return td_bronze_merge(f->lake, TD_STOCKS_MINUTE, TICKER, MONTH, bars, how, counts, err);
}

static void assert_bars(const struct fixture *f, const struct td_bars *want)
{
    struct td_bars have = {0};
    struct td_bronze_info info;
    struct td_err err = {0};
    ASSERT_OK(td_bronze_read(f->lake, TD_STOCKS_MINUTE, TICKER, MONTH, &have, &info, &err), err);
    assert_int_equal(have.n, want->n);
    assert_int_equal(info.rows, want->n);
    for (size_t i = 0; i < have.n; i++) {
        struct td_bar a = td_bars_get(&have, i), b = td_bars_get(want, i);
        if (!td_bar_same(&a, &b))
            fail_msg("bar %zu differs", i);
    }
    td_bronze_info_free(&info);
    td_bars_free(&have);
}

static const struct td_merge csv = {.source = "csv", .adjusted = "raw"};

static void test_merges(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars two = {0}, three = {0}, corrected = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    char path[300];
    bronze_path(&f, path);
    add_minutes(&two, "2025-09-02", 10, 0);
    add_minutes(&three, "2025-09-02", 10, 0);
    add_minutes(&three, "2025-09-03", 7, 0);
    add_minutes(&corrected, "2025-09-02", 10, 0);
    corrected.close[4] += 0.0625;
    corrected.volume[5] = TD_NO_F64;

    ASSERT_OK(merge(&f, &two, &csv, &counts, &err), err);
    assert_true(counts.written && counts.added == 10 && counts.rows == 10 && !counts.duplicates);
    assert_bars(&f, &two);
    struct td_buf before, after;
    struct stat st_before, st_after;
    slurp(path, &before);
    assert_int_equal(stat(path, &st_before), 0);
    /* the same bars: the file is left alone, the very inode */
    ASSERT_OK(merge(&f, &two, &csv, &counts, &err), err);
    assert_true(!counts.written && counts.duplicates == 10 && counts.added == 0 && counts.rows == 10);
    assert_int_equal(stat(path, &st_after), 0);
    assert_true(st_before.st_ino == st_after.st_ino);
    /* differing bars: the old ones stay unless the new ones win */
    ASSERT_OK(merge(&f, &corrected, &csv, &counts, &err), err);
    assert_true(!counts.written && counts.conflicts == 2 && counts.duplicates == 8);
    slurp(path, &after);
    assert_true(same_bytes(&before, &after));
    td_buf_free(&after);
    struct td_merge wins = csv;
    wins.new_wins = true;
    ASSERT_OK(merge(&f, &corrected, &wins, &counts, &err), err);
    assert_true(counts.written && counts.corrected == 2 && counts.duplicates == 8 && counts.added == 0);
    assert_bars(&f, &corrected);
    /* and back: equal content, equal bytes */
    ASSERT_OK(merge(&f, &two, &wins, &counts, &err), err);
    assert_int_equal(counts.corrected, 2);
    slurp(path, &after);
    assert_true(same_bytes(&before, &after));
    td_buf_free(&after);
    td_buf_free(&before);
    /* more bars around the old ones */
    ASSERT_OK(merge(&f, &three, &csv, &counts, &err), err);
    assert_true(counts.added == 7 && counts.duplicates == 10 && counts.rows == 17);
    assert_bars(&f, &three);
    slurp(path, &before);
    /* another order of arrival gives the same bytes */
    unlink(path);
    struct td_bars late = {0};
    add_minutes(&late, "2025-09-03", 7, 0);
    ASSERT_OK(merge(&f, &late, &csv, &counts, &err), err);
    ASSERT_OK(merge(&f, &two, &csv, &counts, &err), err);
    slurp(path, &after);
    assert_true(same_bytes(&before, &after));
    td_buf_free(&after);
    td_buf_free(&before);
    /* replace drops what was there */
    struct td_merge anew = csv;
    anew.replace = true;
    ASSERT_OK(merge(&f, &late, &anew, &counts, &err), err);
    assert_true(counts.rows == 7 && counts.added == 7);
    assert_bars(&f, &late);
    assert_int_equal(leftovers(f.lake), 0);
    td_bars_free(&two);
    td_bars_free(&three);
    td_bars_free(&late);
    td_bars_free(&corrected);
    fixture_free(&f);
}

static void test_random_merges(void **state) /* against a table of minutes */
{
    (void)state;
    struct fixture f = fixture_new();
    enum { MINUTES = 60 };
    double model[MINUTES] = {0}; /* 0 = no bar */
    int64_t open = td_ny_to_utc(day_at("2025-09-02"), TD_REGULAR_MIN * TD_MS_MINUTE);
    uint64_t seed = 5;
    for (int round = 0; round < 60; round++) {
        struct td_bars fresh = {0};
        struct td_merge how = csv;
        struct td_merge_counts want = {0}, counts;
        struct td_err err = {0};
        how.new_wins = (seed = td_mix64(seed)) % 2;
        how.replace = seed % 17 == 0;
        bool exists = round > 0;
        if (how.replace)
            memset(model, 0, sizeof model);
        for (int i = 0; i < MINUTES; i++) {
            seed = td_mix64(seed);
            if (seed % 3)
                continue;
            double close = 10 + (double)(seed >> 8 & 1);
            const struct td_bar bar = {open + i * TD_MS_MINUTE, 10, 12, 9, close, 5, TD_NO_F64, TD_NO_COUNT};
            ASSERT_OK(td_bars_add(&fresh, &bar, &err), err);
            bool was = model[i] > 0, same = was && model[i] == close; /* NOLINT: exact values */
            want.added += !was;
            want.duplicates += same;
            want.corrected += was && !same && how.new_wins;
            want.conflicts += was && !same && !how.new_wins;
            if (!was || how.new_wins)
                model[i] = close;
        }
        ASSERT_OK(merge(&f, &fresh, &how, &counts, &err), err);
        assert_int_equal(counts.added, want.added);
        assert_int_equal(counts.duplicates, want.duplicates);
        assert_int_equal(counts.corrected, want.corrected);
        assert_int_equal(counts.conflicts, want.conflicts);
        assert_int_equal(counts.written, !exists || how.replace || want.added || want.corrected);
        struct td_bars all = {0};
        for (int i = 0; i < MINUTES; i++)
            if (model[i] > 0) {
                const struct td_bar bar = {open + i * TD_MS_MINUTE, 10, 12, 9, model[i], 5, TD_NO_F64, TD_NO_COUNT};
                ASSERT_OK(td_bars_add(&all, &bar, &err), err);
            }
        assert_int_equal(counts.rows, all.n);
        assert_bars(&f, &all);
        td_bars_free(&all);
        td_bars_free(&fresh);
    }
    fixture_free(&f);
}

static void test_basis(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars bars = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    char path[300];
    struct td_buf before, after;
    bronze_path(&f, path);
    add_minutes(&bars, "2025-09-02", 10, 0);
    ASSERT_OK(merge(&f, &bars, &csv, &counts, &err), err);
    slurp(path, &before);
    static const struct {
        struct td_merge how;
        const char *text;
    } cases[] = {
        {{.source = "rest", .adjusted = "raw"}, "source 'csv'"},
        {{.source = "rest", .adjusted = "raw", .new_wins = true}, "source 'csv'"},
        {{.source = "csv", .adjusted = "2025-09-30"}, "bases never mix"},
        {{.source = "csv", .adjusted = "adjusted"}, "raw prices"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        enum td_code code = merge(&f, &bars, &cases[i].how, &counts, &err);
        if (code != TD_DATA || !strstr(err.text, cases[i].text) || !strstr(err.text, "--replace") || !strstr(err.text, path))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
        assert_true(!counts.written && counts.rows == 0 && counts.duplicates == 0);
        slurp(path, &after);
        assert_true(same_bytes(&before, &after));
        td_buf_free(&after);
    }
    struct td_merge replace = {.source = "rest", .adjusted = "2025-09-30", .replace = true};
    ASSERT_OK(merge(&f, &bars, &replace, &counts, &err), err);
    struct td_bronze_info info;
    ASSERT_OK(td_bronze_stat(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, &err), err);
    assert_string_equal(info.source, "rest");
    assert_string_equal(info.adjusted, "2025-09-30");
    td_bronze_info_free(&info);
    td_buf_free(&before);
    td_bars_free(&bars);
    fixture_free(&f);
}

static void test_vouched(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars none = {0}, bars = {0};
    struct td_merge_counts counts;
    struct td_bronze_info info;
    struct td_err err = {0};
    char path[300];
    bronze_path(&f, path);
    assert_int_equal(td_bronze_stat(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, &err), TD_MISSING);
    struct td_day_range week = {day_at("2025-09-02"), day_at("2025-09-05")}, next = {day_at("2025-09-08"), day_at("2025-09-12")},
                        later = {day_at("2025-09-18"), day_at("2025-09-19")};
    struct td_merge how = {.source = "rest", .adjusted = "raw", .vouched = &week, .vouched_count = 1};
    /* known to be empty: a file without rows that vouches */
    ASSERT_OK(merge(&f, &none, &how, &counts, &err), err);
    assert_true(counts.written && counts.rows == 0);
    ASSERT_OK(td_bronze_stat(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, &err), err);
    assert_true(info.rows == 0 && info.last_day == TD_NO_DAY && info.vouched.count == 1);
    uint64_t hash = info.hash;
    td_bronze_info_free(&info);
    ASSERT_OK(merge(&f, &none, &how, &counts, &err), err);
    assert_false(counts.written);
    struct td_bars back = {0};
    ASSERT_OK(td_bronze_read(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &back, NULL, &err), err);
    assert_int_equal(back.n, 0);
    /* the union grows, across the weekend as one range */
    how.vouched = &next;
    ASSERT_OK(merge(&f, &none, &how, &counts, &err), err);
    assert_true(counts.written);
    ASSERT_OK(td_bronze_stat(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, &err), err);
    assert_true(info.hash != hash); /* what is made from the file hangs on it */
    td_bronze_info_free(&info);
    how.vouched = &later;
    add_minutes(&bars, "2025-09-18", 3, 0);
    ASSERT_OK(merge(&f, &bars, &how, &counts, &err), err);
    ASSERT_OK(td_bronze_stat(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, &err), err);
    assert_int_equal(info.vouched.count, 2);
    assert_true(info.vouched.items[0].from == week.from && info.vouched.items[0].to == next.to);
    assert_int_equal(info.last_day, later.from);
    assert_true(info.hash != hash);
    td_bronze_info_free(&info);
    /* what the file says of itself, without a wall clock */
    struct td_pq_file *file = NULL;
    ASSERT_OK(td_pq_open(path, NULL, &file, &err), err);
    static const char *const meta[][2] = {{"tapedeck.schema", "bars/1"},
                                          {"tapedeck.source", "rest"},
                                          {"tapedeck.adjusted", "raw"},
                                          {"tapedeck.range", "2025-09-02..2025-09-12,2025-09-18..2025-09-19"},
                                          {"tapedeck.rows", "3"},
                                          {"tapedeck.complete_through", "2025-09-19"}};
    for (size_t i = 0; i < TD_COUNT(meta); i++)
        assert_string_equal(td_pq_meta(file, meta[i][0]), meta[i][1]);
    static const char *const order[] = {"ticker", "timestamp", "open", "high", "low", "close", "volume", "vwap", "transactions"};
    assert_int_equal(td_pq_column_count(file), TD_COUNT(order));
    for (size_t i = 0; i < TD_COUNT(order); i++) {
        assert_string_equal(td_pq_column_at(file, i)->name, order[i]);
        assert_int_equal(td_pq_column_at(file, i)->optional, i >= 6);
    }
    td_pq_close(file);
    /* the union stays when bars come without a word about completeness, and goes with replace */
    struct td_merge sparse = {.source = "rest", .adjusted = "raw"};
    ASSERT_OK(merge(&f, &bars, &sparse, &counts, &err), err);
    assert_false(counts.written);
    sparse.replace = true;
    ASSERT_OK(merge(&f, &bars, &sparse, &counts, &err), err);
    ASSERT_OK(td_bronze_stat(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, &err), err);
    assert_int_equal(info.vouched.count, 0);
    td_bronze_info_free(&info);
    td_bars_free(&bars);
    td_bars_free(&back);
    fixture_free(&f);
}

static void test_damage(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars bars = {0}, back = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    char path[300];
    struct td_buf good, after;
    bronze_path(&f, path);
    add_minutes(&bars, "2025-09-02", 300, 0);
    ASSERT_OK(merge(&f, &bars, &csv, &counts, &err), err);
    slurp(path, &good);
    size_t harmless = 0;
    for (size_t i = 0; i < 40; i++) {
        struct td_buf bad;
        td_buf_init(&bad, good.max);
        td_buf_add(&bad, good.data, i == 0 ? good.len / 2 : i == 1 ? 3 : i == 2 ? 0 : good.len);
        if (i > 2) /* one byte of the pages: the CRC sees it */
            bad.data[4 + (i - 3) * 37 % (good.len / 2)] ^= 0x20;
        spill(path, bad.data, bad.len);
        back.n = 0;
        enum td_code code = td_bronze_read(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &back, NULL, &err);
        if (code == TD_OK) { /* a byte that no value hangs on */
            assert_bars(&f, &bars);
            harmless++;
            td_buf_free(&bad);
            continue;
        }
        if ((code != TD_DATA && code != TD_UNSUPPORTED) || !strstr(err.text, path) || back.n != 0)
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
        code = merge(&f, &bars, &csv, &counts, &err);
        if (code != TD_DATA || !strstr(err.text, path) || !strstr(err.text, "--replace") || !strstr(err.text, "move the damaged"))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
        slurp(path, &after);
        assert_true(same_bytes(&bad, &after)); /* what can still be rescued from it is still there */
        td_buf_free(&after);
        td_buf_free(&bad);
    }
    assert_true(harmless < 5);
    assert_int_equal(leftovers(f.lake), 0);
    struct td_merge replace = csv;
    replace.replace = true;
    ASSERT_OK(merge(&f, &bars, &replace, &counts, &err), err); /* the way out that the message names */
    assert_bars(&f, &bars);
    td_buf_free(&good);
    td_bars_free(&bars);
    td_bars_free(&back);
    fixture_free(&f);
}

/* Files of other writers: three bars in the columns named. */
struct foreign {
    const char *schema, *ticker;
    const char *without;      /* a column left out */
    enum td_pq_unit unit;
    bool text_close, swapped; /* close as text; time descending */
    const char *range, *last;
    enum td_code code;
    const char *text;
};

static void write_foreign(const char *path, const struct foreign *c)
{
    struct td_pq_column columns[9] = {
        {.name = "ticker", .type = TD_PQ_BYTE_ARRAY, .logical = TD_PQ_STRING},
        {.name = "timestamp", .type = TD_PQ_INT64, .logical = TD_PQ_TIMESTAMP, .unit = c->unit, .utc = true},
        {.name = "open", .type = TD_PQ_DOUBLE},
        {.name = "high", .type = TD_PQ_DOUBLE},
        {.name = "low", .type = TD_PQ_DOUBLE},
        {.name = "close", .type = TD_PQ_DOUBLE},
        {.name = "volume", .type = TD_PQ_DOUBLE, .optional = true},
        {.name = "vwap", .type = TD_PQ_DOUBLE, .optional = true},
        {.name = "transactions", .type = TD_PQ_INT64, .optional = true},
    };
    struct td_str tickers[3] = {td_str_of(c->ticker), td_str_of(c->ticker), td_str_of(c->ticker)};
    int64_t ts[3] = {1756819800000, 1756819860000, 1756819920000}, counts[3] = {1, 2, 3};
    double prices[3] = {10, 10, 10};
    if (c->swapped)
        ts[2] = ts[0];
    struct td_pq_array arrays[9] = {{tickers, NULL}, {ts, NULL},     {prices, NULL}, {prices, NULL}, {prices, NULL},
                                    {prices, NULL},  {prices, NULL}, {prices, NULL}, {counts, NULL}};
    if (c->text_close) {
        columns[5].type = TD_PQ_BYTE_ARRAY;
        arrays[5].values = tickers;
    }
    size_t n = 0;
    for (size_t i = 0; i < 9; i++)
        if (!c->without || strcmp(columns[i].name, c->without) != 0) {
            columns[n] = columns[i];
            arrays[n++] = arrays[i];
        }
    struct td_err err = {0};
    struct td_publish pub;
    struct td_pq_writer *writer = NULL;
    const struct td_pq_write_options options = {0};
    ASSERT_OK(td_publish_begin(&pub, path, &err), err);
    ASSERT_OK(td_pq_writer_new(pub.fd, path, columns, n, &options, &writer, &err), err);
    if (c->schema)
        ASSERT_OK(td_pq_writer_meta(writer, "tapedeck.schema", c->schema, &err), err);
    if (c->range)
        ASSERT_OK(td_pq_writer_meta(writer, "tapedeck.range", c->range, &err), err);
    if (c->last)
        ASSERT_OK(td_pq_writer_meta(writer, "tapedeck.last", c->last, &err), err);
    ASSERT_OK(td_pq_write(writer, arrays, 3, &err), err);
    ASSERT_OK(td_pq_writer_finish(writer, &err), err);
    td_pq_writer_free(writer);
    ASSERT_OK(td_publish_commit(&pub, &err), err);
}

static void test_foreign(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    static const struct foreign cases[] = {
        {.schema = "bars/1", .ticker = TICKER, .code = TD_OK},
        {.schema = "bars/1", .ticker = TICKER, .without = "volume", .code = TD_OK},
        {.schema = "bars/1", .ticker = TICKER, .without = "vwap", .code = TD_OK},
        {.schema = "bars/1", .ticker = TICKER, .without = "transactions", .code = TD_OK},
        {.schema = "bars/1", .ticker = TICKER, .without = "close", .code = TD_DATA, .text = "column 'close' is missing"},
        {.schema = "bars/1", .ticker = TICKER, .text_close = true, .code = TD_DATA, .text = "column 'close' is of another type"},
        {.schema = "bars/1", .ticker = TICKER, .unit = TD_PQ_MICROS, .code = TD_DATA, .text = "column 'timestamp' is of another type"},
        {.schema = "bars/1", .ticker = "ABCE", .code = TD_DATA, .text = "holds ticker 'ABCE', not 'ABCD'"},
        {.schema = "bars/1", .ticker = TICKER, .swapped = true, .code = TD_DATA, .text = "time does not ascend at row 2"},
        {.schema = "bars/2", .ticker = TICKER, .code = TD_UNSUPPORTED, .text = "update tapedeck"},
        {.schema = "daily/1", .ticker = TICKER, .code = TD_DATA, .text = "tapedeck import"},
        {.schema = NULL, .ticker = TICKER, .code = TD_DATA, .text = "tapedeck import"},
        {.schema = "bars/1", .ticker = TICKER, .range = "yesterday", .code = TD_DATA, .text = "tapedeck.range"},
        {.schema = "bars/1", .ticker = TICKER, .range = "2025-09-02..2025-09-31", .code = TD_DATA, .text = "tapedeck.range"},
        {.schema = "bars/1", .ticker = TICKER, .last = "soon", .code = TD_DATA, .text = "tapedeck.last"},
    };
    char path[300];
    bronze_path(&f, path);
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        struct td_err err = {0};
        write_foreign(path, &cases[i]);
        enum td_code code = td_bronze_read(f.lake, TD_STOCKS_MINUTE, TICKER, MONTH, &bars, NULL, &err);
        if (code != cases[i].code || (cases[i].text && (!strstr(err.text, cases[i].text) || !strstr(err.text, path))))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
        assert_int_equal(bars.n, code == TD_OK ? 3 : 0);
        for (size_t k = 0; k < bars.n; k++) {
            const char *gone = cases[i].without ? cases[i].without : "";
            assert_int_equal(isnan(bars.volume[k]) != 0, strcmp(gone, "volume") == 0);
            assert_int_equal(isnan(bars.vwap[k]) != 0, strcmp(gone, "vwap") == 0);
            assert_int_equal(bars.trades[k] == TD_NO_COUNT, strcmp(gone, "transactions") == 0);
        }
        td_bars_free(&bars);
    }
    fixture_free(&f);
}

static void test_range(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    struct td_merge_counts counts;
    static const char *const days[] = {"2025-08-28", "2025-08-29", "2025-09-02", "2025-09-30", "2025-10-01"};
    for (size_t i = 0; i < TD_COUNT(days); i++) {
        struct td_bars bars = {0};
        const struct td_day_range day = {day_at(days[i]), day_at(days[i])};
        const struct td_merge how = {.source = "csv", .adjusted = "raw", .vouched = &day, .vouched_count = 1};
        add_minutes(&bars, days[i], 4, 0);
        ASSERT_OK(td_bronze_merge(f.lake, TD_STOCKS_MINUTE, TICKER, month_at(days[i]), &bars, &how, &counts, &err), err);
        td_bars_free(&bars);
    }
    static const struct {
        const char *from, *to;
        size_t bars;
    } cases[] = {{"2025-08-28", "2025-10-01", 20}, {"2025-08-29", "2025-09-29", 8}, {"2025-09-03", "2025-09-29", 0},
                 {"2025-09-30", "2025-09-30", 4},  {"2024-01-01", "2024-03-01", 0}, {"2025-07-01", "2025-08-28", 4}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_bars bars = {0};
        struct td_ranges vouched = {0};
        add_minutes(&bars, "2026-01-05", 2, 0); /* what the caller had is left alone, even from another time */
        ASSERT_OK(td_bronze_range(f.lake, TD_STOCKS_MINUTE, TICKER, day_at(cases[i].from), day_at(cases[i].to), &bars, &vouched, &err), err);
        if (bars.n != cases[i].bars + 2)
            fail_msg("case %zu: %zu bars", i, bars.n);
        for (size_t k = 2; k < bars.n; k++)
            assert_true(bars.ts[k] >= td_ny_midnight(day_at(cases[i].from)) && bars.ts[k] < td_ny_midnight(day_at(cases[i].to) + 1));
        td_ranges_free(&vouched);
        td_bars_free(&bars);
    }
    fixture_free(&f);
}

struct pressed { /* a merge under pressure */
    const struct fixture *f;
    const struct td_bars *bars;
};

static int merge_in_child(void *ctx)
{
    const struct pressed *p = ctx;
    struct td_merge_counts counts;
    struct td_err err = {0};
    enum td_code code = merge(p->f, p->bars, &csv, &counts, &err);
    return code == TD_OK ? 1 : (code != TD_IO && code != TD_FULL) || !strstr(err.text, TICKER) || counts.written ? 2 : 0;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars two = {0}, many = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    char path[300];
    struct td_buf before, after;
    bronze_path(&f, path);
    add_minutes(&two, "2025-09-02", 20, 0);
    add_minutes(&many, "2025-09-02", 20, 0);
    add_minutes(&many, "2025-09-03", 390, 0);
    add_minutes(&many, "2025-09-04", 390, 1);
    ASSERT_OK(merge(&f, &two, &csv, &counts, &err), err);
    slurp(path, &before);
    struct pressed p = {&f, &many};
    static const rlim_t limits[] = {0, 1, 100, 1000, 3000};
    for (size_t i = 0; i < TD_COUNT(limits); i++) {
        int status = in_child(merge_in_child, &p, limits[i]);
        if (status != 0)
            fail_msg("limit %lu: the child ended with %d", (unsigned long)limits[i], status);
        slurp(path, &after);
        assert_true(same_bytes(&before, &after));
        td_buf_free(&after);
        assert_int_equal(leftovers(f.lake), 0);
    }
    ASSERT_OK(merge(&f, &many, &csv, &counts, &err), err);
    assert_bars(&f, &many);
    td_buf_free(&before);
    td_bars_free(&two);
    td_bars_free(&many);
    fixture_free(&f);
}

static enum td_code sweep_merge(void *ctx, struct td_err *err)
{
    const struct pressed *p = ctx;
    struct td_merge_counts counts;
    const struct td_day_range vouched = {day_at("2025-09-02"), day_at("2025-09-03")};
    const struct td_merge how = {.source = "csv", .adjusted = "raw", .vouched = &vouched, .vouched_count = 1};
    return merge(p->f, p->bars, &how, &counts, err);
}

static enum td_code sweep_read(void *ctx, struct td_err *err)
{
    const struct pressed *p = ctx;
    struct td_bars bars = {0};
    struct td_bronze_info info = {0};
    struct td_ranges vouched = {0};
    struct td_bronze_list list = {0};
    enum td_code code = td_bronze_stat(p->f->lake, TD_STOCKS_MINUTE, TICKER, MONTH, &info, err);
    td_bronze_info_free(&info);
    if (code == TD_OK)
        code = td_bronze_range(p->f->lake, TD_STOCKS_MINUTE, TICKER, day_at("2025-09-02"), day_at("2025-09-05"), &bars, &vouched, err);
    if (code == TD_OK)
        code = td_bronze_scan(p->f->lake, TD_STOCKS_MINUTE, &list, err);
    td_bronze_list_free(&list);
    td_ranges_free(&vouched);
    td_bars_free(&bars);
    return code;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_bars two = {0}, many = {0};
    struct td_merge_counts counts;
    struct td_err err = {0};
    char path[300];
    bronze_path(&f, path);
    add_minutes(&two, "2025-09-02", 20, 0);
    add_minutes(&many, "2025-09-02", 20, 0);
    add_minutes(&many, "2025-09-03", 100, 0);
    ASSERT_OK(merge(&f, &two, &csv, &counts, &err), err);
    struct pressed p = {&f, &many};
    assert_true(sweep_allocations(sweep_merge, &p, "merge") > 10);
    assert_bars(&f, &many); /* whichever allocation failed: the last call found a whole file and made a whole one */
    assert_int_equal(leftovers(f.lake), 0);
    assert_true(sweep_allocations(sweep_read, &p, "read") > 10);
    td_bars_free(&two);
    td_bars_free(&many);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merges),  cmocka_unit_test(test_random_merges), cmocka_unit_test(test_basis),
        cmocka_unit_test(test_vouched), cmocka_unit_test(test_damage),        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_range),   cmocka_unit_test(test_full_disk),     cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
