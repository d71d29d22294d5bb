/* SPDX-License-Identifier: GPL-3.0-or-later
 * Rankings and snapshots over lists made for the purpose: ties, the edges of the window, ends of months, lists of other rules. */
#include "job/build_fixture.h"

static struct td_screen screen;
static char hash[17];

struct entry { const char *ticker; bool rich; };

static void put_list(struct td_lake *lake, td_day day, const struct entry *entries, size_t count, const char *thresholds, const char *preset)
{
    struct td_watch_row rows[16] = {0};
    struct td_err err = {0};
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct td_watch_row){.trading_day = day, .close_d = 5, .rvol30 = 9 - (double)i, .r_rvol = entries[i].rich,
                                        .r_chg = entries[i].rich, .r_dvol = 1, .r_px = 1, .info_rich = entries[i].rich};
        td_copy(rows[i].ticker, sizeof rows[i].ticker, entries[i].ticker);
    }
    ASSERT_OK(td_watch_write(lake, day, rows, count, thresholds, preset, &err), err);
}

/* A cache that says it spans first..last. */
static void put_manifest(struct td_lake *lake, td_day first, td_day last)
{
    struct td_manifest manifest = {.preset = "session", .bars = "auto", .generation = 1};
    struct td_cache_entry entry = {.ticker = "AAA", .rows = 2, .bytes = 9, .first = first, .last = last};
    struct td_err err = {0};
    ASSERT_OK(td_manifest_put(&manifest, &entry, &err), err);
    ASSERT_OK(td_manifest_write(lake, &manifest, &err), err);
    td_manifest_free(&manifest);
}

static struct td_job_view topn(struct td_engine *engine, td_day as_of, enum td_code code)
{
    const struct td_universe_job job = {.from = TD_NO_DAY, .to = TD_NO_DAY, .as_of = as_of, .screen = screen, .top_k = 3, .rankings_only = true};
    struct td_err err = {0};
    int id = 0;
    ASSERT_OK(td_job_universe(engine, &job, &id, &err), err);
    return wait_job(engine, id, code);
}

static struct td_job_view snapshots(struct td_engine *engine, bool monthly, bool annual, unsigned k, enum td_code code)
{
    const struct td_snapshot_job job = {.from = TD_NO_DAY, .to = TD_NO_DAY, .screen = screen, .monthly = monthly, .annual = annual, .k = k};
    struct td_err err = {0};
    int id = 0;
    ASSERT_OK(td_job_snapshots(engine, &job, &id, &err), err);
    return wait_job(engine, id, code);
}

static void expect_topn(const struct td_lake *lake, const char *want)
{
    struct td_rows rows;
    struct td_err err = {0};
    char got[400] = "";
    ASSERT_OK(td_topn_read(lake, &rows, &err), err);
    const struct td_topn_row *top = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        char day[16];
        td_format_day(top[i].last_seen, day);
        td_snprintf(got + strlen(got), sizeof got - strlen(got), "%u %s %u %s of %u;", top[i].rank, top[i].ticker, top[i].days_info_rich_252, day,
                    top[i].sessions_covered);
    }
    assert_string_equal(got, want);
    td_rows_free(&rows);
}

/* Equal days: who was seen last, then the ticker, bytewise. Names without an info-rich day are ranked, too. */
static void test_ties(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    const struct entry lists[3][5] = {{{"ZZZ", 1}, {"aaa", 1}, {"AAA", 1}, {"OLD", 1}, {"NEVER", 0}},
                                      {{"AAA", 1}, {"ZZZ", 1}, {"aaa", 1}, {"OLD", 1}, {"BApA", 1}},
                                      {{"NA", 1}, {"aaa", 0}, {"AAA", 0}, {"ZZZ", 0}, {"NULL", 0}}};
    const char *const days[] = {"2025-02-03", "2025-02-04", "2025-02-06"};
    put_manifest(f.lake.lake, day_at(days[0]), day_at(days[2]));
    for (size_t d = 0; d < 3; d++)
        put_list(f.lake.lake, day_at(days[d]), lists[d], 5, hash, "session");
    topn(f.engine, TD_NO_DAY, TD_OK);
    expect_topn(f.lake.lake, "1 AAA 2 2025-02-06 of 3;2 ZZZ 2 2025-02-06 of 3;3 aaa 2 2025-02-06 of 3;4 OLD 2 2025-02-04 of 3;"
                             "5 NA 1 2025-02-06 of 3;6 BApA 1 2025-02-04 of 3;7 NULL 0 2025-02-06 of 3;8 NEVER 0 2025-02-03 of 3;");
    topn(f.engine, day_at("2025-02-05"), TD_OK); /* as of a session without a list */
    expect_topn(f.lake.lake, "1 AAA 2 2025-02-04 of 2;2 OLD 2 2025-02-04 of 2;3 ZZZ 2 2025-02-04 of 2;4 aaa 2 2025-02-04 of 2;"
                             "5 BApA 1 2025-02-04 of 2;6 NEVER 0 2025-02-03 of 2;");
    struct td_job_view view = topn(f.engine, day_at("2025-01-31"), TD_MISSING);
    assert_non_null(strstr(view.message, "there are lists of 2025-02-03..2025-02-06"));
    engine_end(&f);
}

/* 252 sessions of the calendar, not 252 lists: the 252nd before the end counts, the 253rd does not. */
static void test_window(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    td_day last = day_at("2025-02-06");
    int32_t index = td_cal_index(last);
    const struct entry in = {"IN", 1}, out = {"OUT", 1}, now = {"NOW", 1};
    put_manifest(f.lake.lake, td_cal_day(index - 300), last);
    put_list(f.lake.lake, td_cal_day(index - 252), &out, 1, hash, "session");
    put_list(f.lake.lake, td_cal_day(index - 251), &in, 1, hash, "session");
    put_list(f.lake.lake, last, &now, 1, hash, "session");
    put_list(f.lake.lake, td_cal_day(index - 400), &out, 1, "0123456789abcdef", "session"); /* outside the cache, and of other rules */
    topn(f.engine, TD_NO_DAY, TD_OK);
    char day[16], want[200];
    td_format_day(td_cal_day(index - 251), day);
    td_snprintf(want, sizeof want, "1 NOW 1 2025-02-06 of 2;2 IN 1 %s of 2;", day);
    expect_topn(f.lake.lake, want);
    engine_end(&f);
}

static void expect_snapshot(const struct td_lake *lake, bool annual, const char *month, const char *want)
{
    struct td_rows rows;
    struct td_buf path;
    struct td_err err = {0};
    char got[400] = "";
    td_buf_init(&path, 2048);
    ASSERT_OK(td_snapshot_path(lake, annual, month_at(month), &path, &err), err);
    ASSERT_OK(td_table_read(path.data, &td_snapshot_record, &rows, NULL, NULL, &err), err);
    const struct td_snapshot_row *row = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        char as_of[16], seen[16];
        td_format_day(row[i].asof_date, as_of);
        td_format_day(row[i].last_seen, seen);
        td_snprintf(got + strlen(got), sizeof got - strlen(got), "%s %u %s %u %s;", as_of, row[i].rank, row[i].ticker, row[i].days_info_rich_win, seen);
    }
    assert_string_equal(got, want);
    td_rows_free(&rows);
    td_buf_free(&path);
}

static void expect_index(const char *root, const char *want)
{
    struct td_rows rows;
    struct td_err err = {0};
    char path[300], got[900] = "";
    snprintf(path, sizeof path, "%s/universe/info_rich/topn12m/topn12m_index.parquet", root);
    ASSERT_OK(td_table_read(path, &td_snapshot_index_record, &rows, NULL, NULL, &err), err);
    const struct td_snapshot_entry *entry = rows.items;
    for (size_t i = 0; i < rows.count; i++) {
        char day[16], file[400];
        td_format_day(entry[i].asof_date, day);
        snprintf(file, sizeof file, "%s/%s", root, entry[i].path);
        assert_true(td_file_exists(file));
        td_snprintf(got + strlen(got), sizeof got - strlen(got), "%s %s %s;", day, entry[i].snapshot_type, strrchr(entry[i].path, '/') + 1);
    }
    assert_string_equal(got, want);
    td_rows_free(&rows);
}

/* A month is over when its last session has a list; the running one has no snapshot, one that lost its end is skipped by name. */
static void test_snapshots(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    const struct entry lists[2] = {{"AAA", 1}, {"BBB", 1}};
    put_manifest(f.lake.lake, day_at("2024-11-01"), day_at("2025-02-06"));
    put_list(f.lake.lake, day_at("2024-11-29"), lists, 1, hash, "session");
    put_list(f.lake.lake, day_at("2024-12-31"), lists + 1, 1, hash, "session");
    put_list(f.lake.lake, day_at("2025-01-30"), lists, 2, hash, "session"); /* the 31st is missing */
    put_list(f.lake.lake, day_at("2025-02-06"), lists, 2, hash, "session");
    struct td_job_view view = snapshots(f.engine, true, true, 10, TD_OK);
    assert_int_equal(view.counts.planned, 5); /* November, December, January, 2024, the index */
    assert_int_equal(view.counts.ok, 4);
    assert_int_equal(view.counts.skipped, 1);
    struct td_unit_view skipped;
    assert_int_equal(td_job_units(f.engine, view.id, TD_UNIT_SKIPPED, &skipped, 1), 1);
    assert_string_equal(skipped.key, "month_end 2025-01");
    assert_non_null(strstr(skipped.why, "universe build -s 2025-01-31 -e 2025-01-31"));
    expect_snapshot(f.lake.lake, false, "2024-11-01", "2024-11-29 1 AAA 1 2024-11-29;");
    expect_snapshot(f.lake.lake, false, "2024-12-01", "2024-12-31 1 BBB 1 2024-12-31;2024-12-31 2 AAA 1 2024-11-29;");
    expect_snapshot(f.lake.lake, true, "2024-12-01", "2024-12-31 1 BBB 1 2024-12-31;2024-12-31 2 AAA 1 2024-11-29;");
    expect_index(f.lake.root, "2024-11-29 month_end topn_2024-11.parquet;2024-12-31 month_end topn_2024-12.parquet;2024-12-31 annual topn_2024.parquet;");
    /* its last session comes, and February's: k cuts, the rest is the same */
    put_list(f.lake.lake, day_at("2025-01-31"), lists + 1, 1, hash, "session");
    view = snapshots(f.engine, true, false, 1, TD_OK);
    assert_int_equal(view.counts.ok, 4);
    expect_snapshot(f.lake.lake, false, "2025-01-01", "2025-01-31 1 BBB 3 2025-01-31;");
    expect_snapshot(f.lake.lake, false, "2024-12-01", "2024-12-31 1 BBB 1 2024-12-31;");
    expect_snapshot(f.lake.lake, true, "2024-12-01", "2024-12-31 1 BBB 1 2024-12-31;2024-12-31 2 AAA 1 2024-11-29;");
    uint64_t before = tree_hash(f.lake.root);
    snapshots(f.engine, true, false, 1, TD_OK); /* the same again: the same bytes */
    assert_true(tree_hash(f.lake.root) == before);
    assert_int_equal(leftovers(f.lake.lake), 0);
    engine_end(&f);
}

/* The ranking check that was never called: one list of other rules or of another preset, and nothing is ranked. */
static void test_mixed_rules_are_refused(void **state)
{
    (void)state;
    static const struct { const char *thresholds, *preset, *said; } cases[] = {
        {"0123456789abcdef", "session", "other thresholds (0123456789abcdef"},
        {NULL, "seed", "preset 'seed', now it is 'session'"},
        {"", "session", "other thresholds"},
    };
    const struct entry one = {"AAA", 1};
    for (size_t i = 0; i < TD_COUNT(cases); i++) {
        struct engine_fixture f = engine_new(2);
        put_manifest(f.lake.lake, day_at("2024-12-02"), day_at("2025-02-06"));
        put_list(f.lake.lake, day_at("2024-12-31"), &one, 1, hash, "session");
        put_list(f.lake.lake, day_at("2025-02-06"), &one, 1, hash, "session");
        topn(f.engine, TD_NO_DAY, TD_OK);
        snapshots(f.engine, true, true, 5, TD_OK);
        uint64_t before = tree_hash(f.lake.root), after;
        put_list(f.lake.lake, day_at("2025-02-05"), &one, 1, cases[i].thresholds ? cases[i].thresholds : hash, cases[i].preset);
        before = tree_hash(f.lake.root);
        struct td_job_view view = topn(f.engine, TD_NO_DAY, TD_DATA);
        assert_non_null(strstr(view.message, cases[i].said));
        assert_non_null(strstr(view.message, "'tapedeck universe build -s 2025-02-05'"));
        view = snapshots(f.engine, true, true, 5, TD_UNITS); /* the index alone could be made, of what is there */
        assert_non_null(strstr(view.message, cases[i].said));
        after = tree_hash(f.lake.root);
        assert_true(before == after);
        engine_end(&f);
    }
}

/* Snapshots of other rules stay on disk but leave the index. */
static void test_index_holds_one_set_of_rules(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(1);
    const struct entry one = {"AAA", 1};
    struct td_screen before = screen;
    char other[17];
    put_manifest(f.lake.lake, day_at("2024-12-02"), day_at("2024-12-31"));
    put_list(f.lake.lake, day_at("2024-12-31"), &one, 1, hash, "session");
    snapshots(f.engine, true, true, 5, TD_OK);
    screen.thresholds.rvol = 7;
    td_screen_hash(&screen, other);
    put_list(f.lake.lake, day_at("2024-12-31"), &one, 1, other, "session");
    snapshots(f.engine, true, false, 5, TD_OK);
    expect_index(f.lake.root, "2024-12-31 month_end topn_2024-12.parquet;");
    snapshots(f.engine, false, true, 5, TD_OK);
    expect_index(f.lake.root, "2024-12-31 month_end topn_2024-12.parquet;2024-12-31 annual topn_2024.parquet;");
    screen = before;
    engine_end(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    const struct entry lists[2] = {{"AAA", 1}, {"BBB", 1}};
    put_manifest(f.lake.lake, day_at("2024-11-01"), day_at("2024-12-31"));
    put_list(f.lake.lake, day_at("2024-11-29"), lists, 1, hash, "session");
    put_list(f.lake.lake, day_at("2024-12-31"), lists, 2, hash, "session");
    bool done = false;
    for (long n = 1; n < 5000 && !done; n += n < 100 ? 1 : 7) {
        const struct td_snapshot_job job = {.from = TD_NO_DAY, .to = TD_NO_DAY, .screen = screen, .monthly = true, .annual = true, .k = 4};
        struct td_err err = {0};
        struct td_job_view view;
        int id;
        td_alloc_fail_after(n);
        enum td_code code = td_job_snapshots(f.engine, &job, &id, &err);
        if (code == TD_OK) {
            code = td_job_wait(f.engine, id, NULL, NULL, &view, &err);
            td_alloc_fail_after(0);
            assert_reconciled(&view);
            done = code == TD_OK;
        }
        td_alloc_fail_after(0);
        if (code != TD_OK && code != TD_NOMEM)
            fail_msg("allocation %ld: %s %s", n, td_code_name(code), err.text);
        assert_int_equal(leftovers(f.lake.lake), 0);
    }
    assert_true(done);
    expect_snapshot(f.lake.lake, true, "2024-12-01", "2024-12-31 1 AAA 2 2024-12-31;2024-12-31 2 BBB 1 2024-12-31;");
    engine_end(&f);
}

int main(void)
{
    td_clock_init("2025-12-06T12:00:00Z", NULL);
    screen = td_screen_default();
    td_screen_hash(&screen, hash);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_mixed_rules_are_refused),
        cmocka_unit_test(test_index_holds_one_set_of_rules),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
