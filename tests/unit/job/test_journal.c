/* SPDX-License-Identifier: GPL-3.0-or-later
 * The run journal and the live state that other processes read. */
#include "job/job_fixture.h"

static size_t read_lines(const char *path, struct td_buf *text, const char **lines, size_t max)
{
    size_t n = 0;
    slurp(path, text);
    for (char *p = text->data; *p && n < max; n++) {
        lines[n] = p;
        p += strcspn(p, "\n");
        if (*p)
            *p++ = 0;
    }
    return n;
}

/* The keys of a JSON object in order, joined by blanks. */
static void keys_of(const char *line, char *out, size_t size)
{
    struct td_arena arena;
    struct td_doc *doc = NULL;
    struct td_err err = {0};
    td_arena_init(&arena, 1 << 20);
    ASSERT_OK(td_doc_parse(line, strlen(line), "line", &arena, &doc, &err), err);
    *out = 0;
    for (size_t i = 0; i < doc->count; i++)
        snprintf(out + strlen(out), size - strlen(out), "%s%s", i ? " " : "", doc->items[i]->key);
    td_arena_free(&arena);
}

static void test_journal(void **state)
{
    (void)state;
    struct engine_fixture f = engine_new(2);
    struct script s, bad;
    struct td_buf text, report;
    const char *lines[8];
    char path[300], keys[512];
    script_init(&s, "sseo");
    script_init(&bad, "of");
    struct td_job_view view = wait_job(f.engine, script_start(f.engine, &s), TD_OK);
    snprintf(path, sizeof path, "%s/_runs/journal.jsonl", f.lake.root);
    assert_int_equal(read_lines(path, &text, lines, 8), 1);
    keys_of(lines[0], keys, sizeof keys);
    assert_string_equal(keys, "ended job units_planned ok empty skipped failed rows_read rows_written rows_duplicate rows_quarantined "
                              "what range state exit seconds bytes pid version");
    td_buf_init(&report, 4096);
    td_job_report_json(&view, &report);
    assert_string_equal(report.data, "{\"job\":\"ingest\",\"units_planned\":4,\"ok\":3,\"empty\":1,\"skipped\":0,\"failed\":0,"
                                     "\"rows_read\":20,\"rows_written\":14,\"rows_duplicate\":4,"
                                     "\"rows_quarantined\":{\"ohlc_inconsistent\":2}}");
    /* the journal line holds the very same members */
    report.data[report.len - 1] = 0;
    assert_non_null(strstr(lines[0], report.data + 1));
    assert_non_null(strstr(lines[0], "\"what\":\"a script\",\"range\":\"2025-09-02..2025-09-05\",\"state\":\"done\",\"exit\":0,"));
    td_buf_free(&text);
    /* a run killed while it wrote: its half line stays apart from the next one */
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "{\"ended\":\"2025-09", 17), 17);
    close(fd);
    wait_job(f.engine, script_start(f.engine, &bad), TD_UNITS);
    assert_int_equal(read_lines(path, &text, lines, 8), 3);
    assert_string_equal(lines[1], "{\"ended\":\"2025-09");
    keys_of(lines[2], keys, sizeof keys);
    assert_non_null(strstr(keys, "version message"));
    assert_non_null(strstr(lines[2], "\"failed\":1"));
    assert_non_null(strstr(lines[2], "\"exit\":1,"));
    assert_non_null(strstr(lines[2], "unit 1: the script says so"));
    td_buf_free(&text);
    td_buf_free(&report);
    engine_end(&f);
}

/* ---- live state ---- */

struct other { /* a process that runs a job until it is killed or told to go on */
    struct fixture *lake;
    int told[2], go[2];
};

static pid_t other_process(struct other *o, const char *dataset)
{
    assert_int_equal(pipe(o->told), 0);
    assert_int_equal(pipe(o->go), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct td_engine *engine = NULL;
        const struct td_engine_options options = {.workers = 1};
        struct script s;
        int id = 0;
        char c = 'y';
        if (td_engine_new(o->lake->lake, &options, &engine, NULL) != TD_OK)
            _exit(1);
        script_init(&s, "ooog");
        s.units = "oges"; /* heaviest first: s e g o */
        s.dataset = dataset;
        if (script_try(engine, &s, &id, NULL) != TD_OK)
            _exit(2);
        await_gate(&s, 1);
        close(o->go[1]);
        if (write(o->told[1], &c, 1) != 1 || read(o->go[0], &c, 1) < 0)
            _exit(3);
        open_gate(&s);
        td_engine_free(engine);
        _exit(0);
    }
    close(o->go[0]);
    char c = 0;
    assert_int_equal(read(o->told[0], &c, 1), 1);
    return child;
}

/* The live states are written a little later than things happen: look until `units` ended. */
static size_t live_until(const struct td_lake *lake, uint64_t done, struct td_job_view *views, size_t max)
{
    for (;;) {
        size_t n = td_job_live(lake, views, max);
        if (n && views[0].counts.ok + views[0].counts.empty >= done)
            return n;
    }
}

static void close_other(struct other *o)
{
    close(o->told[0]);
    close(o->told[1]);
    close(o->go[1]);
}

static void test_live(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    struct other o = {.lake = &lake};
    struct td_job_view views[4];
    pid_t child = other_process(&o, "stocks_minute");
    size_t n = live_until(lake.lake, 2, views, 4);
    assert_int_equal(n, 1);
    assert_true(views[0].pid == child && views[0].state == TD_JOB_RUNNING && views[0].id == 0);
    assert_string_equal(views[0].kind, "ingest");
    assert_string_equal(views[0].title, "a script");
    assert_true(views[0].counts.planned == 4 && views[0].counts.ok == 1 && views[0].counts.empty == 1 && views[0].counts.rows_read == 10);
    assert_true(views[0].counts.quarantined[TD_REASON_OHLC] == 1 && views[0].weight_total == 10 && views[0].weight_done == 7);
    /* an engine here lists it after its own */
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 1};
    struct td_err err = {0};
    struct script mine;
    ASSERT_OK(td_engine_new(lake.lake, &options, &engine, &err), err);
    script_init(&mine, "g");
    mine.dataset = "stocks_daily";
    int id = script_start(engine, &mine);
    await_gate(&mine, 1);
    n = td_job_list(engine, views, 4);
    assert_true(n == 2 && views[0].id == id && views[0].pid == getpid() && views[1].pid == child);
    /* killed: interrupted, also before its parent has read its end */
    kill(child, SIGKILL);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    n = td_job_live(lake.lake, views, 4);
    assert_true(n == 1 && views[0].state == TD_JOB_INTERRUPTED);
    assert_int_equal(waitpid(child, NULL, 0), child);
    n = td_job_live(lake.lake, views, 4);
    assert_true(n == 1 && views[0].state == TD_JOB_INTERRUPTED && views[0].counts.ok == 1);
    close_other(&o);
    open_gate(&mine);
    wait_job(engine, id, TD_OK);
    assert_int_equal(td_job_live(lake.lake, views, 4), 1); /* another dataset's run does not forget it */
    struct script again;
    script_init(&again, "o");
    again.dataset = "stocks_minute";
    wait_job(engine, script_start(engine, &again), TD_OK);
    assert_int_equal(td_job_live(lake.lake, views, 4), 0); /* the run that goes on does */
    td_engine_free(engine);
    /* a job that ends leaves nothing */
    child = other_process(&o, "stocks_minute");
    live_until(lake.lake, 1, views, 4);
    assert_int_equal(write(o.go[1], "g", 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(td_job_live(lake.lake, views, 4), 0);
    close_other(&o);
    fixture_free(&lake);
}

static void test_paused_shows(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    fflush(NULL);
    int told[2];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        struct td_engine *engine = NULL;
        const struct td_engine_options options = {.workers = 1};
        struct script s;
        char c = 'y';
        if (td_engine_new(lake.lake, &options, &engine, NULL) != TD_OK)
            _exit(1);
        script_init(&s, "og");
        int id = script_start(engine, &s);
        await_gate(&s, 1);
        td_job_pause(engine, id);
        if (write(told[1], &c, 1) != 1)
            _exit(2);
        for (;;)
            pause();
    }
    char c;
    struct td_job_view view;
    assert_int_equal(read(told[0], &c, 1), 1);
    while (td_job_live(lake.lake, &view, 1) != 1 || view.state != TD_JOB_PAUSED) {
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(told[0]);
    close(told[1]);
    fixture_free(&lake);
}

static void test_live_garbage(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    static const char *const files[][2] = {
        {"1-1.json", ""},
        {"1-2.json", "{"},
        {"1-3.json", "[]"},
        {"1-4.json", "{\"job\":\"x\"}"}, /* no pid: dead */
        {"1-5.json.new", "{\"job\":\"x\",\"pid\":1}"},
        {"1-6.json", "{\"job\":\"a kind with a name that is longer than its room\",\"pid\":-5,\"ok\":-3,\"state\":\"nonsense\"}"},
    };
    char path[300];
    for (size_t i = 0; i < TD_COUNT(files); i++) {
        snprintf(path, sizeof path, "%s/_runs/live/%s", lake.root, files[i][0]);
        spill(path, files[i][1], strlen(files[i][1]));
    }
    struct td_job_view views[8];
    size_t n = td_job_live(lake.lake, views, 8);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++)
        assert_true(views[i].state == TD_JOB_INTERRUPTED && views[i].counts.ok == 0);
    assert_int_equal(td_job_live(lake.lake, views, 1), 1);
    /* a state half written by a process that is gone is swept, one of a living process is not */
    char gone[300], alive[300];
    snprintf(gone, sizeof gone, "%s/_runs/live/99999999-1.json.new", lake.root);
    snprintf(alive, sizeof alive, "%s/_runs/live/%ld-9.json.new", lake.root, (long)getpid());
    spill(gone, "{", 1);
    spill(alive, "{", 1);
    job_live_sweep(lake.lake, "universe");
    assert_false(td_file_exists(gone));
    assert_true(td_file_exists(alive));
    fixture_free(&lake);
}

/* A file killed half written at the lake's top or beside the journal is nobody's dataset: it goes with its owner. */
static void test_orphans(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    static const char *const folders[] = {"", "_runs/"};
    for (size_t i = 0; i < TD_COUNT(folders); i++) {
        char gone[300], alive[300], other[300];
        snprintf(gone, sizeof gone, "%s/%s.td-tmp.99999999.3", lake.root, folders[i]);
        snprintf(alive, sizeof alive, "%s/%s.td-tmp.%ld.3", lake.root, folders[i], (long)getpid());
        snprintf(other, sizeof other, "%s/%s99999999.3", lake.root, folders[i]);
        spill(gone, "{", 1);
        spill(alive, "{", 1);
        spill(other, "{", 1);
        job_live_sweep(lake.lake, "universe");
        assert_false(td_file_exists(gone));
        assert_true(td_file_exists(alive));
        assert_true(td_file_exists(other));
    }
    fixture_free(&lake);
}

/* A full disk or a read-only lake stops no job because of its journal. */
static int run_without_runs(void *ctx)
{
    struct fixture *lake = ctx;
    struct td_engine *engine = NULL;
    const struct td_engine_options options = {.workers = 1};
    struct script s;
    struct td_job_view view;
    int id = 0;
    script_init(&s, "ooo");
    if (td_engine_new(lake->lake, &options, &engine, NULL) != TD_OK || script_try(engine, &s, &id, NULL) != TD_OK)
        return 1;
    if (td_job_wait(engine, id, NULL, NULL, &view, NULL) != TD_OK || view.counts.ok != 3)
        return 2;
    td_engine_free(engine);
    return 0;
}

static void test_no_room(void **state)
{
    (void)state;
    struct fixture lake = fixture_new();
    assert_int_equal(in_child(run_without_runs, &lake, 10), 0);
    fixture_free(&lake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal),      cmocka_unit_test(test_live),    cmocka_unit_test(test_paused_shows),
        cmocka_unit_test(test_live_garbage), cmocka_unit_test(test_orphans), cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
