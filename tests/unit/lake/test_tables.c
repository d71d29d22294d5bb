/* SPDX-License-Identifier: GPL-3.0-or-later
 * Record tables, the cache and its manifest, watchlists and rankings: round trips, other versions, damage, memory. */
#include "lake/lake_fixture.h"

#include <tapedeck/parquet.h>

struct every { /* one field of each kind */
    char str[8];
    const char *text;
    td_day day;
    int64_t ts, i64;
    double f64;
    uint32_t u32;
    int32_t i32;
    int8_t flag;
};
#define EVERY(kind, member, optional)                                                                                  \
    {#member, kind, offsetof(struct every, member), sizeof(((struct every *)0)->member), optional}
#define EVERY_FIELDS(optional)                                                                                         \
    EVERY(TD_F_STR, str, false), EVERY(TD_F_TEXT, text, optional), EVERY(TD_F_DAY, day, optional),                     \
        EVERY(TD_F_TS, ts, optional), EVERY(TD_F_I64, i64, optional), EVERY(TD_F_F64, f64, optional),                  \
        EVERY(TD_F_U32, u32, optional), EVERY(TD_F_I32, i32, optional), EVERY(TD_F_BOOL, flag, optional)
static const struct td_field optional_fields[] = {EVERY_FIELDS(true)}, required_fields[] = {EVERY_FIELDS(false)};
static const struct td_record optional_record = {"every/3", sizeof(struct every), TD_COUNT(optional_fields), optional_fields};
static const struct td_record required_record = {"every/3", sizeof(struct every), TD_COUNT(required_fields), required_fields};

static const struct every nulls = {"", NULL, TD_NO_DAY, INT64_MIN, TD_NO_COUNT, (double)NAN, UINT32_MAX, INT32_MIN, -1};

static bool same_every(const struct every *a, const struct every *b)
{
    return strcmp(a->str, b->str) == 0 && !a->text == !b->text && (!a->text || strcmp(a->text, b->text) == 0) && a->day == b->day &&
           a->ts == b->ts && a->i64 == b->i64 && ((isnan(a->f64) && isnan(b->f64)) || memcmp(&a->f64, &b->f64, 8) == 0) &&
           a->u32 == b->u32 && a->i32 == b->i32 && a->flag == b->flag;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    enum { ROWS = 20000 };
    struct every *rows = calloc(ROWS, sizeof *rows);
    char path[300], value[128];
    struct td_err err = {0};
    uint64_t seed = 3;
    static const char *const texts[] = {"", "NULL", "NA", "NaN", "a\"b,c", "\xc3\xa9"};
    for (size_t i = 0; i < ROWS; i++) {
        struct every *r = &rows[i];
        seed = td_mix64(seed);
        *r = (struct every){.text = texts[seed % 6], .day = (td_day)(seed % 40000), .ts = (int64_t)seed / 2, .i64 = -(int64_t)(seed >> 3),
                            .f64 = (double)(int64_t)seed / 7, .u32 = (uint32_t)seed % UINT32_MAX, .i32 = (int32_t)(seed >> 33), .flag = seed & 1};
        snprintf(r->str, sizeof r->str, "%06x", (unsigned)(seed & 0xffffff));
        if (i == 7)
            *r = nulls;
        if (i % 9 == 1) /* nulls here and there */
            r->text = nulls.text, r->f64 = nulls.f64, r->u32 = nulls.u32;
        if (i % 11 == 1)
            r->day = nulls.day, r->ts = nulls.ts, r->i64 = nulls.i64, r->i32 = nulls.i32, r->flag = nulls.flag;
    }
    const struct td_meta meta[] = {{"tapedeck.preset", "session"}, {"x", ""}};
    snprintf(path, sizeof path, "%s/t/every.parquet", f.root);
    static const size_t counts[] = {0, 1, 8192, 8193, ROWS};
    for (size_t k = 0; k < TD_COUNT(counts); k++) {
        struct td_rows back;
        struct td_buf one, two;
        ASSERT_OK(td_table_write(path, &optional_record, rows, counts[k], meta, 2, &err), err);
        slurp(path, &one);
        ASSERT_OK(td_table_write(path, &optional_record, rows, counts[k], meta, 2, &err), err);
        slurp(path, &two);
        assert_true(same_bytes(&one, &two)); /* equal content, equal bytes */
        td_buf_free(&one);
        td_buf_free(&two);
        ASSERT_OK(td_table_read(path, &optional_record, &back, "tapedeck.preset", value, &err), err);
        assert_string_equal(value, "session");
        assert_int_equal(back.count, counts[k]);
        for (size_t i = 0; i < back.count; i++)
            if (!same_every(&rows[i], (struct every *)back.items + i))
                fail_msg("%zu rows: row %zu differs", counts[k], i);
        td_rows_free(&back);
        ASSERT_OK(td_table_read(path, &optional_record, &back, "absent", value, &err), err);
        assert_string_equal(value, "");
        td_rows_free(&back);
        uint64_t verified;
        ASSERT_OK(td_parquet_verify(path, &verified, &err), err);
        assert_int_equal(verified, counts[k]);
    }
    /* a null where none may be: refused when written, damage when read */
    assert_int_equal(td_table_write(path, &required_record, rows, 20, NULL, 0, &err), TD_DATA);
    struct td_rows back;
    assert_int_equal(td_table_read(path, &required_record, &back, NULL, NULL, &err), TD_DATA);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(leftovers(f.lake), 0);
    free(rows);
    fixture_free(&f);
}

static void test_versions(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    char path[300];
    struct td_err err = {0};
    struct td_rows back;
    const struct every row = {"abc", "text", 20000, 1, 2, 3.5, 4, 5, 1};
    snprintf(path, sizeof path, "%s/t/every.parquet", f.root);
    static const struct td_field changed[] = {EVERY(TD_F_STR, str, false), EVERY(TD_F_I64, f64, true)};
    static const struct td_field other_day[] = {EVERY(TD_F_STR, str, false), {"day", TD_F_I32, offsetof(struct every, day), 4, true}};
    static const struct {
        const char *schema;
        size_t columns; /* the first so many of the optional ones */
        const struct td_field *fields;
        enum td_code code;
        const char *text;
    } cases[] = {
        {"every/3", 9, NULL, TD_OK, NULL},
        {"every/2", 9, NULL, TD_OK, NULL},
        {"every/2", 3, NULL, TD_OK, NULL}, /* columns that version had not are null */
        {"every/1", 9, NULL, TD_UNSUPPORTED, "too old"},
        {"every/4", 9, NULL, TD_UNSUPPORTED, "update tapedeck"},
        {"every/99999999999999999999", 9, NULL, TD_DATA, "is expected"},
        {"every/", 9, NULL, TD_DATA, "is expected"},
        {"every/x", 9, NULL, TD_DATA, "is expected"},
        {"everyone/3", 9, NULL, TD_DATA, "is expected"},
        {"ever/3", 9, NULL, TD_DATA, "is expected"},
        {"every/3", 2, changed, TD_DATA, "of another type"},
        {"every/3", 2, other_day, TD_DATA, "column 'day' is of another type"}, /* the same bytes, another meaning */
        {"every/3", 1, optional_fields + 1, TD_DATA, "column 'str' is missing"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        const struct td_record writer = {cases[i].schema, sizeof row, cases[i].columns, cases[i].fields ? cases[i].fields : optional_fields};
        ASSERT_OK(td_table_write(path, &writer, &row, 1, NULL, 0, &err), err);
        enum td_code code = td_table_read(path, &optional_record, &back, NULL, NULL, &err);
        if (code != cases[i].code || (cases[i].text && (!strstr(err.text, cases[i].text) || !strstr(err.text, path))))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
        if (code != TD_OK)
            continue;
        struct every want = cases[i].columns == 9 ? row : nulls;
        if (cases[i].columns != 9) {
            td_copy(want.str, sizeof want.str, row.str);
            want.text = row.text;
            want.day = row.day;
        }
        assert_true(back.count == 1 && same_every(back.items, &want));
        td_rows_free(&back);
    }
    /* a text that does not fit its field */
    static const struct td_field wide[] = {{"str", TD_F_TEXT, offsetof(struct every, text), sizeof(const char *), false}};
    static const struct td_record wide_record = {"every/3", sizeof(struct every), 1, wide};
    const struct every longer = {.text = "12345678"};
    ASSERT_OK(td_table_write(path, &wide_record, &longer, 1, NULL, 0, &err), err);
    assert_int_equal(td_table_read(path, &optional_record, &back, NULL, NULL, &err), TD_DATA);
    assert_non_null(strstr(err.text, "at most 7 fit"));
    unlink(path);
    assert_int_equal(td_table_read(path, &optional_record, &back, NULL, NULL, &err), TD_MISSING);
    fixture_free(&f);
}

/* ---- cache and manifest ---- */

static struct td_daily_row daily_row(const char *ticker, const char *day)
{
    struct td_daily_row row = {.trading_day = day_at(day), .close_d = 10, .vol_d = 100, .dollar_vol_d = 1000, .vwap_d = 10,
                               .pctchg_d = TD_NO_F64, .return_d = TD_NO_F64, .rvol30 = 1, .session_rows = UINT32_MAX, .has_gaps = -1,
                               .market_cap_d = TD_NO_F64, .open_d = TD_NO_F64, .high_d = TD_NO_F64, .low_d = TD_NO_F64,
                               .trades_d = TD_NO_COUNT, .vol_pre_d = 0, .vol_reg_d = 100, .vol_post_d = 0, .rvol30_prior = TD_NO_F64,
                               .hist_n = 1, .gap_pct_d = TD_NO_F64, .max_gap_min = 3, .split_factor = 1, .bars_from = "minute",
                               .close_src = "last", .flags = "half_day partial_session"};
    td_copy(row.ticker, sizeof row.ticker, ticker);
    return row;
}

static void note(void *ctx, const char *difference)
{
    td_buf_printf(ctx, "%s\n", difference);
}

static void test_manifest(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    struct td_manifest manifest, back;
    char path[300];
    assert_int_equal(td_manifest_read(f.lake, &back, &err), TD_MISSING);
    manifest = (struct td_manifest){.generation = 7, .preset = "seed", .bars = "auto"};
    static const char *const tickers[] = {"NULL", "NA", "O:SPY261218C00650000", "BApA", "BAPA", "NAN", "true", "1e5", "~", "a\"b"};
    for (size_t i = 0; i < TD_COUNT(tickers); i++) {
        struct td_daily_row rows[2] = {daily_row(tickers[i], "2025-09-02"), daily_row(tickers[i], "2025-09-03")};
        struct td_cache_entry entry = {.rows = 2, .inputs = UINT64_C(0xf000000000000000) + i, .first = rows[0].trading_day, .last = rows[1].trading_day};
        td_copy(entry.ticker, sizeof entry.ticker, tickers[i]);
        ASSERT_OK(td_cache_write(f.lake, tickers[i], rows, 2, "seed", &entry.bytes, &err), err);
        assert_true(entry.bytes > 1000);
        ASSERT_OK(td_manifest_put(&manifest, &entry, &err), err);
        ASSERT_OK(td_manifest_put(&manifest, &entry, &err), err); /* once */
    }
    const struct td_cache_entry empty = {.ticker = "EMPTY", .first = TD_NO_DAY, .last = TD_NO_DAY};
    struct td_cache_entry none = empty;
    ASSERT_OK(td_cache_write(f.lake, "EMPTY", NULL, 0, "seed", &none.bytes, &err), err);
    ASSERT_OK(td_manifest_put(&manifest, &none, &err), err);
    ASSERT_OK(td_manifest_write(f.lake, &manifest, &err), err);
    ASSERT_OK(td_manifest_read(f.lake, &back, &err), err);
    assert_true(back.generation == 7 && back.count == TD_COUNT(tickers) + 1);
    assert_string_equal(back.preset, "seed");
    assert_string_equal(back.bars, "auto");
    for (size_t i = 0; i < back.count; i++) {
        const struct td_cache_entry *a = &manifest.entries[i], *b = &back.entries[i];
        assert_string_equal(a->ticker, b->ticker);
        assert_true(a->rows == b->rows && a->bytes == b->bytes && a->inputs == b->inputs && a->first == b->first && a->last == b->last);
        assert_true(i == 0 || strcmp(back.entries[i - 1].ticker, b->ticker) < 0);
        assert_ptr_equal(td_manifest_find(&back, a->ticker), b);
    }
    assert_null(td_manifest_find(&back, "NUL"));
    struct td_rows rows;
    ASSERT_OK(td_cache_read(f.lake, "NA", &rows, &err), err);
    const struct td_daily_row *row = rows.items;
    assert_true(rows.count == 2 && row->complete == 0); /* its flag says the session was running */
    assert_string_equal(row->bars_from, "minute");
    td_rows_free(&rows);
    /* what differs is told */
    struct td_buf told;
    td_buf_init(&told, 65536);
    ASSERT_OK(td_manifest_verify(f.lake, &back, note, &told, &err), err);
    assert_int_equal(told.len, 0);
    td_manifest_find(&back, "NA")->rows = 3;
    td_manifest_find(&back, "NAN")->last++;
    td_manifest_find(&back, "NULL")->bytes++;
    snprintf(path, sizeof path, "%s/cache/daily/ticker=BApA/daily.parquet", f.root);
    unlink(path);
    struct td_cache_entry *gone = td_manifest_find(&back, "true");
    memmove(gone, gone + 1, (size_t)(back.entries + back.count - gone - 1) * sizeof *gone);
    back.count--;
    ASSERT_OK(td_manifest_verify(f.lake, &back, note, &told, &err), err);
    static const char *const wanted[] = {"NA: 2 rows on disk, the manifest says 3", "NAN: first or last day differs", "NULL: ",
                                         "ticker=BApA/daily.parquet", "true: on disk but not in the manifest"};
    for (size_t i = 0; i < TD_COUNT(wanted); i++)
        if (!strstr(told.data, wanted[i]))
            fail_msg("'%s' is not told: %s", wanted[i], told.data);
    size_t lines = 0;
    for (const char *p = told.data; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, TD_COUNT(wanted));
    td_buf_free(&told);
    td_manifest_free(&back);
    td_manifest_free(&manifest);
    fixture_free(&f);
}

/* The two forms of a ranking belong together, and the index of the snapshots lists none that is not there. */
static void test_verify_rankings(void **state)
{
    (void)state;
    static const struct {
        const char *lost, *says;
    } cases[] = {{NULL, ""},
                 {"topN_12m.csv", "universe/info_rich/topN_12m.csv is missing; run 'tapedeck universe topn'\n"},
                 {"topN_12m.parquet", "universe/info_rich/topN_12m.parquet is missing; run 'tapedeck universe topn'\n"},
                 {"topn12m/rolling/month_end/topn_2025-11.parquet", "universe/info_rich/topn12m/rolling/month_end/topn_2025-11.parquet is "
                  "missing, the index lists it; run 'tapedeck universe snapshots'\n"}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct fixture f = fixture_new();
        struct td_err err = {0};
        struct td_topn_row top = {.ticker = "ABC", .last_seen = day_at("2025-11-28"), .rank = 1};
        struct td_snapshot_row row = {.asof_date = day_at("2025-11-28"), .rank = 1, .ticker = "ABC", .last_seen = day_at("2025-11-28")};
        size_t listed, left_out;
        uint64_t files;
        char path[400];
        struct td_buf told;
        td_buf_init(&told, 65536);
        ASSERT_OK(td_topn_write(f.lake, &top, 1, 1, "0123456789abcdef", row.asof_date, &err), err);
        ASSERT_OK(td_snapshot_write(f.lake, false, td_month_of(row.asof_date), &row, 1, "0123456789abcdef", "session", 1, &err), err);
        ASSERT_OK(td_snapshot_index(f.lake, "0123456789abcdef", "session", &listed, &left_out, &err), err);
        assert_int_equal(listed, 1);
        if (cases[i].lost) {
            snprintf(path, sizeof path, "%s/universe/info_rich/%s", f.root, cases[i].lost);
            assert_int_equal(unlink(path), 0);
        }
        ASSERT_OK(td_lake_verify(f.lake, note, &told, &files, &err), err);
        assert_string_equal(told.len ? told.data : "", cases[i].says);
        td_buf_free(&told);
        fixture_free(&f);
    }
}

/* One thing at a time is spoilt; it alone is told. */
static void test_verify(void **state)
{
    (void)state;
    static const struct {
        const char *what, *says;
    } cases[] = {{"nothing", NULL},
                 {"mark of a ticker", "ABC: no _SUCCESS"},
                 {"mark of the cache", "_SUCCESS is missing"},
                 {"stopped, but marked", "was stopped"},
                 {"preset", "ABC: of preset 'session', the manifest says 'seed'"},
                 {"inputs", "ABC: made from other bars"},
                 {"rows", "ABC: 1 rows on disk, the manifest says 2"},
                 {"first day", "ABC: first or last day differs"},
                 {"bytes", "ABC: "},
                 {"a page", "ticker=ABC/daily.parquet"},
                 {"the file", "ticker=ABC/daily.parquet"},
                 {"a stranger", "XYZ: on disk but not in the manifest"},
                 {"no manifest", "ABC: on disk but not in the manifest"}};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct fixture f = fixture_new();
        struct td_err err = {0};
        struct td_manifest manifest = {.generation = 4};
        struct td_cache_entry entry = {.ticker = "ABC", .rows = 1, .first = day_at("2025-12-02"), .last = day_at("2025-12-02")};
        struct td_daily_row row = daily_row("ABC", "2025-12-02");
        const struct td_meta meta = {"tapedeck.inputs", "what it was made from"};
        char path[300];
        struct td_buf told;
        td_buf_init(&told, 65536);
        ASSERT_OK(td_cache_write_with(f.lake, "ABC", &row, 1, "session", &meta, 1, &entry.bytes, &err), err);
        entry.inputs = td_hash64(meta.value, strlen(meta.value), 0);
        snprintf(manifest.preset, sizeof manifest.preset, "session");
        snprintf(manifest.bars, sizeof manifest.bars, "auto");
        snprintf(path, sizeof path, "%s/cache/daily/ticker=ABC/daily.parquet", f.root);
        switch (i) {
        case 4: snprintf(manifest.preset, sizeof manifest.preset, "seed"); break;
        case 5: entry.inputs++; break;
        case 6: entry.rows++; break;
        case 7: entry.first--; break;
        case 8: entry.bytes++; break;
        case 11: ASSERT_OK(td_cache_write(f.lake, "XYZ", &row, 1, "session", &(uint64_t){0}, &err), err); break;
        default: break;
        }
        ASSERT_OK(td_manifest_put(&manifest, &entry, &err), err);
        ASSERT_OK(td_manifest_write(f.lake, &manifest, &err), err);
        if (i == 1 || i == 2)
            snprintf(path, sizeof path, "%s/cache/daily/%s_SUCCESS", f.root, i == 1 ? "ticker=ABC/" : "");
        if (i == 1 || i == 2 || i == 10)
            assert_int_equal(unlink(path), 0);
        if (i == 3)
            manifest.stopped = true;
        if (i == 9) {
            struct td_buf bytes;
            slurp(path, &bytes);
            for (size_t k = 40; k < 60; k++)
                bytes.data[k] = (char)~bytes.data[k];
            spill(path, bytes.data, bytes.len);
            td_buf_free(&bytes);
        }
        if (i == 12) {
            td_manifest_free(&manifest);
            snprintf(path, sizeof path, "%s/cache/daily/MANIFEST.json", f.root);
            unlink(path);
        }
        ASSERT_OK(td_manifest_verify(f.lake, &manifest, note, &told, &err), err);
        size_t lines = 0;
        for (size_t k = 0; k < told.len; k++)
            lines += told.data[k] == '\n';
        if (lines != (cases[i].says != NULL) || (cases[i].says && !strstr(told.data, cases[i].says)))
            fail_msg("%s: told '%s'", cases[i].what, told.len ? told.data : "");
        td_buf_free(&told);
        td_manifest_free(&manifest);
        fixture_free(&f);
    }
}

static void test_damaged_manifest(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    char path[300];
    snprintf(path, sizeof path, "%s/cache/daily/MANIFEST.json", f.root);
#define ENTRY "{\"ticker\":\"A\",\"rows\":1,\"bytes\":2,\"inputs\":\"0123456789abcdef\",\"first\":\"2025-09-02\",\"last\":\"2025-09-02\"}"
#define HEAD "{\"format\":1,\"generation\":1,\"preset\":\"session\",\"bars\":\"auto\",\"tickers\":"
    static const struct {
        const char *text;
        enum td_code code;
    } cases[] = {
        {HEAD "[" ENTRY "]}", TD_OK},
        {HEAD "[]}", TD_OK},
        {"", TD_DATA},
        {"{", TD_DATA},
        {HEAD "[" ENTRY, TD_DATA},
        {HEAD "{}}", TD_DATA},
        {HEAD "[1]}", TD_DATA},
        {HEAD "[{}]}", TD_DATA},
        {"{\"format\":1,\"generation\":-1,\"preset\":\"session\",\"bars\":\"auto\",\"tickers\":[]}", TD_DATA},
        {"{\"format\":1,\"generation\":1,\"preset\":\"other\",\"bars\":\"auto\",\"tickers\":[]}", TD_DATA},
        {"{\"format\":1,\"generation\":1,\"preset\":\"session\",\"bars\":\"none\",\"tickers\":[]}", TD_DATA},
        {HEAD "[{\"ticker\":\"A B\",\"rows\":1,\"bytes\":2,\"inputs\":\"0123456789abcdef\"}]}", TD_DATA},
        {HEAD "[{\"ticker\":\"A\",\"rows\":-1,\"bytes\":2,\"inputs\":\"0123456789abcdef\"}]}", TD_DATA},
        {HEAD "[{\"ticker\":\"A\",\"rows\":1,\"bytes\":2,\"inputs\":\"-123456789abcdef\"}]}", TD_DATA},
        {HEAD "[{\"ticker\":\"A\",\"rows\":1,\"bytes\":2,\"inputs\":\"01234\"}]}", TD_DATA},
        {HEAD "[{\"ticker\":\"A\",\"rows\":1,\"bytes\":2,\"inputs\":\"0123456789abcdef\",\"first\":\"2025-02-30\"}]}", TD_DATA},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct td_manifest manifest;
        struct td_err err = {0};
        spill(path, cases[i].text, strlen(cases[i].text));
        enum td_code code = td_manifest_read(f.lake, &manifest, &err);
        if (code != cases[i].code || (code != TD_OK && (!strstr(err.text, path) || !strstr(err.text, "--rebuild"))))
            fail_msg("case %zu: %s %s", i, td_code_name(code), err.text);
        if (code == TD_OK)
            td_manifest_free(&manifest);
    }
    fixture_free(&f);
}

/* ---- watchlists and rankings ---- */

static void test_watch(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    struct td_days days = {0};
    struct td_rows back;
    char thresholds[17], preset[16], path[300];
    ASSERT_OK(td_watch_days(f.lake, &days, &err), err);
    assert_int_equal(days.count, 0);
    struct td_watch_row row = {.ticker = "NULL", .trading_day = day_at("2025-09-03"), .close_d = 4, .pctchg_d = TD_NO_F64, .rvol30 = 2,
                               .rvol30_prior = 3, .vol_d = 5, .dollar_vol_d = 6, .vwap_d = 7, .gap_pct_d = 8, .market_cap_d = TD_NO_F64,
                               .r_rvol = 1, .r_chg = 0, .r_dvol = 1, .r_px = 1, .info_rich = 0, .flags = "half_day"};
    ASSERT_OK(td_watch_write(f.lake, day_at("2025-09-03"), &row, 1, "0123456789abcdef", "session", &err), err);
    ASSERT_OK(td_watch_write(f.lake, day_at("2025-09-02"), NULL, 0, "fedcba9876543210", "seed", &err), err); /* no rows: still a list */
    snprintf(path, sizeof path, "%s/universe/info_rich/daily/date=2025-09-04", f.root);
    ASSERT_OK(td_mkdirs(path, &err), err); /* killed before its file: not built */
    snprintf(path, sizeof path, "%s/universe/info_rich/daily/date=someday", f.root);
    ASSERT_OK(td_mkdirs(path, &err), err);
    ASSERT_OK(td_watch_days(f.lake, &days, &err), err);
    assert_true(days.count == 2 && days.items[0] == day_at("2025-09-02") && days.items[1] == day_at("2025-09-03"));
    td_days_free(&days);
    ASSERT_OK(td_watch_read(f.lake, day_at("2025-09-03"), &back, thresholds, &err), err);
    assert_string_equal(thresholds, "0123456789abcdef");
    assert_int_equal(back.count, 1);
    const struct td_watch_row *r = back.items;
    assert_string_equal(r->ticker, "NULL");
    assert_true(isnan(r->pctchg_d) && isnan(r->market_cap_d) && r->r_rvol == 1 && r->r_chg == 0 && r->info_rich == 0);
    td_rows_free(&back);
    ASSERT_OK(td_watch_meta(f.lake, day_at("2025-09-02"), thresholds, preset, &err), err);
    assert_string_equal(thresholds, "fedcba9876543210");
    assert_string_equal(preset, "seed");
    assert_int_equal(td_watch_meta(f.lake, day_at("2025-09-05"), thresholds, preset, &err), TD_MISSING);
    fixture_free(&f);
}

static void test_topn(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    char path[300];
    struct td_buf csv;
    const struct td_topn_row rows[] = {{"AAA", 9, day_at("2025-09-03"), 1, 200, 1}, {"B,B", 8, day_at("2025-09-02"), 2, 200, 1},
                                       {"C\"C", 7, day_at("2025-09-01"), 3, 200, 0}, {"DDD", 1, day_at("2025-09-01"), 4, 200, 0}};
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.csv", f.root);
    static const struct {
        size_t top_k;
        const char *text;
    } cases[] = {
        {0, "ticker,days_info_rich_252,last_seen\n"},
        {1, "ticker,days_info_rich_252,last_seen\nAAA,9,2025-09-03\n"},
        {3, "ticker,days_info_rich_252,last_seen\nAAA,9,2025-09-03\n\"B,B\",8,2025-09-02\n\"C\"\"C\",7,2025-09-01\n"},
        {200, "ticker,days_info_rich_252,last_seen\nAAA,9,2025-09-03\n\"B,B\",8,2025-09-02\n\"C\"\"C\",7,2025-09-01\nDDD,1,2025-09-01\n"},
    };
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        ASSERT_OK(td_topn_write(f.lake, rows, 4, cases[i].top_k, "0123456789abcdef", day_at("2025-09-03"), &err), err);
        slurp(path, &csv);
        assert_string_equal(csv.data, cases[i].text);
        td_buf_free(&csv);
    }
    struct td_rows back;
    char thresholds[128];
    snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.parquet", f.root);
    ASSERT_OK(td_table_read(path, &td_topn_record, &back, "tapedeck.thresholds", thresholds, &err), err);
    assert_true(back.count == 4); /* all of them, whatever the CSV shows */
    assert_string_equal(thresholds, "0123456789abcdef");
    td_rows_free(&back);
    for (int generation = 1; generation < 4; generation++) {
        char want[64];
        ASSERT_OK(td_universe_commit(f.lake, "0123456789abcdef", "session", 3, day_at("2025-09-03"), &err), err);
        snprintf(path, sizeof path, "%s/universe/info_rich/MANIFEST.json", f.root);
        slurp(path, &csv);
        snprintf(want, sizeof want, "{\"format\":1,\"generation\":%d,\"thresholds\":", generation);
        assert_int_equal(strncmp(csv.data, want, strlen(want)), 0);
        td_buf_free(&csv);
    }
    fixture_free(&f);
}

/* ---- no memory, no room ---- */

static enum td_code sweep_tables(void *ctx, struct td_err *err)
{
    const struct fixture *f = ctx;
    struct td_daily_row rows[2] = {daily_row("A", "2025-09-02"), daily_row("A", "2025-09-03")};
    struct td_manifest manifest = {.preset = "seed", .bars = "auto"}, back = {0};
    struct td_cache_entry entry = {.ticker = "A", .rows = 2, .first = rows[0].trading_day, .last = rows[1].trading_day};
    struct td_rows read = {0};
    struct td_days days = {0};
    enum td_code code = td_cache_write(f->lake, "A", rows, 2, "seed", &entry.bytes, err);
    if (code == TD_OK)
        code = td_cache_read(f->lake, "A", &read, err);
    td_rows_free(&read);
    if (code == TD_OK)
        code = td_manifest_put(&manifest, &entry, err);
    if (code == TD_OK)
        code = td_manifest_write(f->lake, &manifest, err);
    if (code == TD_OK)
        code = td_manifest_read(f->lake, &back, err);
    td_manifest_free(&back);
    td_manifest_free(&manifest);
    if (code == TD_OK)
        code = td_watch_write(f->lake, day_at("2025-09-02"), NULL, 0, "0123456789abcdef", "seed", err);
    if (code == TD_OK)
        code = td_watch_days(f->lake, &days, err);
    td_days_free(&days);
    const struct td_topn_row top = {"AAA", 9, day_at("2025-09-03"), 1, 200, 1};
    if (code == TD_OK)
        code = td_topn_write(f->lake, &top, 1, 10, "0123456789abcdef", day_at("2025-09-03"), err);
    if (code == TD_OK)
        code = td_universe_commit(f->lake, "0123456789abcdef", "session", 3, day_at("2025-09-03"), err);
    return code;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    assert_true(sweep_allocations(sweep_tables, &f, "tables") > 100);
    assert_int_equal(leftovers(f.lake), 0);
    fixture_free(&f);
}

static int cache_in_child(void *ctx)
{
    const struct fixture *f = ctx;
    struct td_daily_row row = daily_row("A", "2025-09-05");
    uint64_t bytes;
    struct td_err err = {0};
    enum td_code code = td_cache_write(f->lake, "A", &row, 1, "seed", &bytes, &err);
    if (code != TD_IO && code != TD_FULL)
        return 1;
    const struct td_manifest manifest = {.preset = "seed", .bars = "auto"};
    code = td_manifest_write(f->lake, &manifest, &err);
    return code == TD_IO || code == TD_FULL ? 0 : 2;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct fixture f = fixture_new();
    struct td_err err = {0};
    ASSERT_OK(sweep_tables(&f, &err), err);
    uint64_t hash = tree_hash(f.root);
    static const rlim_t limits[] = {0, 10, 50};
    for (size_t i = 0; i < TD_COUNT(limits); i++)
        assert_int_equal(in_child(cache_in_child, &f, limits[i]), 0);
    assert_true(tree_hash(f.root) == hash);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_versions), cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_verify_rankings),
        cmocka_unit_test(test_damaged_manifest), cmocka_unit_test(test_watch), cmocka_unit_test(test_topn),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
