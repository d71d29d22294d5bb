/* SPDX-License-Identifier: GPL-3.0-or-later
 * The run journal (_runs/journal.jsonl), the live state of running jobs (_runs/live), and the report object they share. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "job_internal.h"

static const char *const unit_names[] = {"waiting", "running", "ok", "empty", "skipped", "failed"};
static const char *const job_names[] = {"running", "paused", "stopping", "done", "cancelled", "failed", "interrupted"};

const char *td_unit_state_name(enum td_unit_state state)
{
    return (size_t)state < TD_COUNT(unit_names) ? unit_names[state] : "?";
}

const char *td_job_state_name(enum td_job_state state)
{
    return (size_t)state < TD_COUNT(job_names) ? job_names[state] : "?";
}

static const struct {
    const char *key;
    size_t offset;
} count_keys[] = {
    {"units_planned", offsetof(struct td_job_counts, planned)},
    {"ok", offsetof(struct td_job_counts, ok)},
    {"empty", offsetof(struct td_job_counts, empty)},
    {"skipped", offsetof(struct td_job_counts, skipped)},
    {"failed", offsetof(struct td_job_counts, failed)},
    {"rows_read", offsetof(struct td_job_counts, rows_read)},
    {"rows_written", offsetof(struct td_job_counts, rows_written)},
    {"rows_duplicate", offsetof(struct td_job_counts, rows_duplicate)},
};

static uint64_t *count_at(const struct td_job_counts *counts, size_t i)
{
    return (uint64_t *)(void *)((char *)(uintptr_t)counts + count_keys[i].offset);
}

static void add_counts(const struct td_job_view *view, struct td_buf *out)
{
    td_buf_adds(out, "\"job\":");
    td_buf_json(out, view->kind, strlen(view->kind));
    for (size_t i = 0; i < TD_COUNT(count_keys); i++)
        td_buf_printf(out, ",\"%s\":%llu", count_keys[i].key, (unsigned long long)*count_at(&view->counts, i));
    td_buf_adds(out, ",\"rows_quarantined\":{");
    bool first = true;
    for (size_t i = 1; i < TD_REASON_COUNT; i++) {
        if (view->counts.quarantined[i] == 0)
            continue;
        td_buf_printf(out, "%s\"%s\":%llu", first ? "" : ",", td_reason_text((enum td_reason)i),
                      (unsigned long long)view->counts.quarantined[i]);
        first = false;
    }
    td_buf_adds(out, "}");
    if (strcmp(view->kind, "cache") == 0)
        td_buf_printf(out, ",\"off_hours\":%llu,\"no_session\":%llu", (unsigned long long)view->counts.off_hours,
                      (unsigned long long)view->counts.no_session);
}

void td_job_report_json(const struct td_job_view *view, struct td_buf *out)
{
    td_buf_addc(out, '{');
    add_counts(view, out);
    td_buf_addc(out, '}');
}

static void add_text(struct td_buf *out, const char *key, const char *text)
{
    td_buf_printf(out, ",\"%s\":", key);
    td_buf_json(out, text, strlen(text));
}

enum td_code job_journal(const struct td_lake *lake, const struct td_job_view *view, const char *range, struct td_err *err)
{
    char path[1100], stamp[32];
    td_snprintf(path, sizeof path, "%s/_runs/journal.jsonl", td_lake_root(lake));
    td_format_ts(td_now_ms(), stamp);
    struct td_buf line;
    td_buf_init(&line, 16384);
    td_buf_printf(&line, "{\"ended\":\"%s\",", stamp);
    add_counts(view, &line);
    add_text(&line, "what", view->title);
    add_text(&line, "range", range);
    add_text(&line, "state", td_job_state_name(view->state));
    td_buf_printf(&line, ",\"exit\":%d,\"seconds\":%.3f,\"bytes\":%llu,\"pid\":%ld,\"version\":\"" TD_VERSION "\"",
                  td_exit_status(view->code), view->seconds, (unsigned long long)view->counts.bytes, view->pid);
    if (view->message[0])
        add_text(&line, "message", view->message);
    td_buf_adds(&line, "}\n");
    enum td_code code = td_buf_check(&line, "a journal line", err);
    if (code == TD_OK)
        code = td_mkdirs_for(path, err);
    int fd = code == TD_OK ? open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (code == TD_OK && fd < 0)
        code = td_fail_errno(err, errno, "%s", path);
    if (code == TD_OK) { /* a run killed while writing left half a line: end it first */
        struct stat st;
        char last = '\n';
        if (fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
            code = td_write_all(fd, "\n", 1, path, err);
        if (code == TD_OK)
            code = td_write_all(fd, line.data, line.len, path, err);
        if (code == TD_OK && fsync(fd) != 0)
            code = td_fail_errno(err, errno, "%s: fsync", path);
    }
    if (fd >= 0)
        close(fd);
    td_buf_free(&line);
    return code;
}

/* ---- live state ---- */

/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): tells a reused pid. 0 when there is no
 * such process, or only the entry its parent has not read yet. */
static uint64_t process_start(long pid)
{
    char path[64];
    td_snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    struct td_buf text;
    td_buf_init(&text, 131072);
    uint64_t start = 0;
    if (td_file_read(path, 4096, &text, NULL) == TD_OK) {
        const char *p = strrchr(text.data, ')'); /* the name in parentheses may hold anything */
        bool dead = !p || strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0;
        for (int field = 2; p && field < 22; field++)
            p = strchr(p + 1, ' ');
        if (p && !dead)
            start = strtoull(p + 1, NULL, 10);
    }
    td_buf_free(&text);
    return start;
}

static void live_path(const struct td_lake *lake, int id, char out[1200])
{
    td_snprintf(out, 1200, "%s/_runs/live/%ld-%d.json", td_lake_root(lake), (long)getpid(), id);
}

void job_live_write(const struct td_lake *lake, const struct td_job_view *view, const char *dataset)
{
    char path[1200], temp[1264];
    live_path(lake, view->id, path);
    td_snprintf(temp, sizeof temp, "%s.new", path);
    struct td_buf text;
    td_buf_init(&text, 16384);
    td_buf_adds(&text, "{");
    add_counts(view, &text);
    add_text(&text, "dataset", dataset);
    add_text(&text, "title", view->title);
    add_text(&text, "state", td_job_state_name(view->state));
    add_text(&text, "message", view->message);
    td_buf_printf(&text, ",\"pid\":%ld,\"start\":%llu,\"id\":%d,\"running\":%llu,\"weight_total\":%llu,\"weight_done\":%llu,"
                  "\"seconds\":%.3f,\"retries\":%llu}\n",
                  view->pid, (unsigned long long)process_start(view->pid), view->id,
                  (unsigned long long)view->counts.running, (unsigned long long)view->weight_total,
                  (unsigned long long)view->weight_done, view->seconds, (unsigned long long)view->retries);
    /* Readers see whole files (rename), but nothing is fsynced: after a crash of the machine nobody needs it. */
    if (!text.failed && td_mkdirs_for(path, NULL) == TD_OK) {
        int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        bool good = fd >= 0 && td_write_all(fd, text.data, text.len, temp, NULL) == TD_OK;
        if (fd >= 0)
            close(fd);
        if (!good || rename(temp, path) != 0)
            unlink(temp);
    }
    td_buf_free(&text);
}

void job_live_remove(const struct td_lake *lake, int id)
{
    char path[1200];
    live_path(lake, id, path);
    unlink(path);
}

static uint64_t doc_u64(const struct td_doc *doc, const char *key)
{
    int64_t value = 0;
    return td_doc_i64(doc, key, &value) && value > 0 ? (uint64_t)value : 0;
}

bool job_json_counts(const struct td_doc *doc, struct td_job_view *view)
{
    const char *kind = td_doc_text(doc, "job");
    if (!kind)
        return false;
    td_copy(view->kind, sizeof view->kind, kind);
    for (size_t i = 0; i < TD_COUNT(count_keys); i++)
        *count_at(&view->counts, i) = doc_u64(doc, count_keys[i].key);
    const struct td_doc *reasons = td_doc_get(doc, "rows_quarantined");
    for (size_t i = 1; reasons && i < TD_REASON_COUNT; i++)
        view->counts.quarantined[i] = doc_u64(reasons, td_reason_text((enum td_reason)i));
    return true;
}

/* The view in a live file; `mine`: of this very process; dataset (may be NULL) holds 64 bytes. */
static bool live_read(const char *path, struct td_job_view *view, bool *mine, char *dataset)
{
    struct td_buf text;
    struct td_arena arena;
    struct td_doc *doc = NULL;
    td_buf_init(&text, 131072);
    td_arena_init(&arena, 1 << 20);
    *view = (struct td_job_view){0};
    bool good = td_file_read(path, 65536, &text, NULL) == TD_OK &&
                td_doc_parse(text.data, text.len, path, &arena, &doc, NULL) == TD_OK && job_json_counts(doc, view);
    if (good) {
        const char *title = td_doc_text(doc, "title"), *message = td_doc_text(doc, "message"), *state = td_doc_text(doc, "state");
        td_copy(view->title, sizeof view->title, title ? title : "");
        td_copy(view->message, sizeof view->message, message ? message : "");
        view->pid = (long)doc_u64(doc, "pid");
        view->counts.running = doc_u64(doc, "running");
        view->weight_total = doc_u64(doc, "weight_total");
        view->weight_done = doc_u64(doc, "weight_done");
        view->retries = doc_u64(doc, "retries");
        td_doc_f64(doc, "seconds", &view->seconds);
        for (size_t i = 0; state && i < TD_COUNT(job_names); i++)
            if (strcmp(state, job_names[i]) == 0)
                view->state = (enum td_job_state)i;
        uint64_t start = doc_u64(doc, "start");
        bool alive = view->pid > 0 && start > 0 && process_start(view->pid) == start;
        if (!alive)
            view->state = TD_JOB_INTERRUPTED;
        *mine = alive && view->pid == (long)getpid();
        const char *set = td_doc_text(doc, "dataset");
        if (dataset)
            td_copy(dataset, 64, set ? set : "");
    }
    td_arena_free(&arena);
    td_buf_free(&text);
    return good;
}

size_t td_job_live(const struct td_lake *lake, struct td_job_view *out, size_t max)
{
    char folder[1100];
    td_snprintf(folder, sizeof folder, "%s/_runs/live", td_lake_root(lake));
    struct td_names names = {0};
    size_t n = 0;
    td_dir_list(folder, &names, NULL);
    for (size_t i = 0; i < names.count && n < max; i++) {
        char path[1400];
        size_t len = strlen(names.items[i]);
        bool mine = false;
        if (len < 6 || strcmp(names.items[i] + len - 5, ".json") != 0)
            continue;
        td_snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        n += live_read(path, &out[n], &mine, NULL) && !mine;
    }
    td_names_free(&names);
    return n;
}

/* "PID-ID.json.new" of a process that is gone: it was killed between writing and renaming. */
static bool half_written(const char *name)
{
    size_t len = strlen(name);
    long pid = strtol(name, NULL, 10);
    return len > 9 && strcmp(name + len - 9, ".json.new") == 0 && pid > 0 && process_start(pid) == 0;
}

/* Temporaries in a folder that jobs of every dataset write (the lake's top, _runs): no lock tells that they are left over, but
 * a process that is gone finishes nothing. */
static void sweep_orphans(const char *folder)
{
    struct td_names names = {0};
    td_dir_list(folder, &names, NULL);
    for (size_t i = 0; i < names.count; i++) {
        char path[1400];
        long owner = td_temp_owner(names.items[i]);
        if (owner && process_start(owner) == 0 && td_snprintf(path, sizeof path, "%s/%s", folder, names.items[i]))
            unlink(path);
    }
    td_names_free(&names);
}

void job_live_sweep(const struct td_lake *lake, const char *dataset)
{
    char folder[1100], runs[1100];
    td_snprintf(folder, sizeof folder, "%s/_runs/live", td_lake_root(lake));
    td_snprintf(runs, sizeof runs, "%s/_runs", td_lake_root(lake));
    struct td_names names = {0};
    sweep_orphans(td_lake_root(lake));
    sweep_orphans(runs);
    td_dir_list(folder, &names, NULL); /* what could be listed is enough for tidying */
    for (size_t i = 0; i < names.count; i++) {
        char path[1400], owner[64] = "";
        struct td_job_view view;
        bool mine = false;
        td_snprintf(path, sizeof path, "%s/%s", folder, names.items[i]);
        if (half_written(names.items[i])) {
            unlink(path);
            continue;
        }
        if (live_read(path, &view, &mine, owner) && view.state == TD_JOB_INTERRUPTED && strcmp(owner, dataset) == 0)
            unlink(path); /* this run goes on where it was interrupted */
    }
    td_names_free(&names);
}
