/* SPDX-License-Identifier: GPL-3.0-or-later
 * universe try: what other rules would list. One pass over the cache, two screens side by side, nothing written. */
#include <stdlib.h>
#include <string.h>
#include "universe.h"

struct trier {
    const struct td_lake *lake;
    const struct td_manifest *manifest;
    const struct td_rows *tickers;
    const struct td_screen *screens[2]; /* before, after */
    int32_t first, sessions;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock;
    /* lock */
    enum td_code code;
    struct td_err err;
    struct td_try *out;
    size_t change_cap;
};

struct share { /* what one worker found */
    struct td_daily_reader *reader;
    uint32_t (*counts)[2]; /* info-rich names by session: before, after */
    uint8_t *seen;
    struct td_try_change *changes;
    size_t count, cap;
};

static enum td_code try_batch(const struct trier *t, struct share *share, const struct td_daily_batch *batch, uint32_t ticker,
                              struct screen_member members[2], struct td_err *err)
{
    for (size_t i = 0; i < batch->n; i++) {
        int32_t session = td_cal_index(batch->day[i]) - t->first;
        bool rich[2];
        if (session < 0 || session >= t->sessions || batch->flags[i] & TD_FLAG(PARTIAL_SESSION))
            continue;
        share->seen[session] = 1;
        for (int s = 0; s < 2; s++) {
            rich[s] = td_screen_lists(t->screens[s], batch->value[TD_DV_CLOSE][i], batch->value[TD_DV_CAP][i], batch->flags[i]) &&
                      td_screen_rules(t->screens[s], batch->value[TD_DV_RVOL30][i], batch->value[TD_DV_PCTCHG][i],
                                      batch->value[TD_DV_DOLLAR_VOL][i], batch->value[TD_DV_CLOSE][i]) == TD_RULE_ALL &&
                      screen_member_on(&members[s], batch->day[i]);
            share->counts[session][s] += rich[s];
        }
        if (rich[0] == rich[1])
            continue;
        enum td_code code = td_grow(&share->changes, &share->cap, share->count + 1, sizeof *share->changes, err);
        if (code != TD_OK)
            return code;
        share->changes[share->count++] = (struct td_try_change){batch->day[i], ticker, rich[1]};
    }
    return TD_OK;
}

static enum td_code try_ticker(const struct trier *t, struct share *share, size_t at, struct td_err *err)
{
    const struct td_cache_entry *entry = &t->manifest->entries[at];
    if (!entry->rows || entry->last < td_cal_day(t->first) || entry->first > td_cal_day(t->first + t->sessions - 1))
        return TD_OK;
    struct screen_member members[2] = {{.screen = t->screens[0], .ticker = entry->ticker}, {.screen = t->screens[1], .ticker = entry->ticker}};
    for (int s = 0; s < 2; s++)
        members[s].listings = job_reference_find(t->tickers, entry->ticker, &members[s].count);
    struct td_daily_batch batch;
    enum td_code code = td_daily_reader_open(share->reader, entry->ticker, err);
    do {
        if (code == TD_OK)
            code = td_daily_reader_next(share->reader, &batch, err);
        if (code == TD_OK && batch.n)
            code = try_batch(t, share, &batch, (uint32_t)at, members, err);
    } while (code == TD_OK && batch.n);
    if (code == TD_MISSING || code == TD_DATA)
        td_context(err, "cache and manifest disagree, run 'tapedeck cache build'");
    return code;
}

/* Lock held. */
static enum td_code take_share(struct trier *t, const struct share *share, struct td_err *err)
{
    struct td_try *out = t->out;
    enum td_code code = td_grow(&out->changes, &t->change_cap, out->change_count + share->count + 1, sizeof *out->changes, err);
    if (code != TD_OK)
        return code;
    if (share->count)
        memcpy(out->changes + out->change_count, share->changes, share->count * sizeof *share->changes);
    out->change_count += share->count;
    for (int32_t s = 0; s < t->sessions; s++) {
        out->days[s].before += share->counts[s][0];
        out->days[s].after += share->counts[s][1];
        if (share->seen[s])
            out->days[s].day = td_cal_day(t->first + s);
    }
    return TD_OK;
}

static void try_worker(void *arg, unsigned worker)
{
    struct trier *t = arg;
    struct td_err err = {0};
    struct share share = {.counts = td_calloc((size_t)t->sessions, sizeof *share.counts), .seen = td_calloc((size_t)t->sessions, 1)};
    (void)worker;
    enum td_code code = share.counts && share.seen ? TD_OK : td_fail(&err, TD_NOMEM, "out of memory: trying other rules");
    if (code == TD_OK)
        code = td_daily_reader_new(t->lake, TD_DV_RULES, &share.reader, &err);
    while (code == TD_OK && !atomic_load(&t->failed)) {
        size_t at = atomic_fetch_add(&t->next, 1);
        if (at >= t->manifest->count)
            break;
        code = try_ticker(t, &share, at, &err);
    }
    pthread_mutex_lock(&t->lock);
    if (code == TD_OK)
        code = take_share(t, &share, &err);
    if (code != TD_OK && !atomic_exchange(&t->failed, true)) {
        t->code = code;
        t->err = err;
    }
    pthread_mutex_unlock(&t->lock);
    td_daily_reader_free(share.reader);
    td_free(share.counts);
    td_free(share.seen);
    td_free(share.changes);
}

static int compare_changes(const void *a, const void *b)
{
    const struct td_try_change *x = a, *y = b;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->added != y->added)
        return x->added ? -1 : 1;
    return (x->ticker > y->ticker) - (x->ticker < y->ticker);
}

/* Sessions that the cache knows, each with its changes. */
static void settle(struct td_try *out)
{
    size_t kept = 0, at = 0;
    if (out->change_count > 1)
        qsort(out->changes, out->change_count, sizeof *out->changes, compare_changes);
    for (size_t d = 0; d < out->day_count; d++) {
        struct td_try_day day = out->days[d];
        if (day.day == TD_NO_DAY)
            continue;
        day.first = at;
        for (; at < out->change_count && out->changes[at].day == day.day; at++) {
            day.added += out->changes[at].added;
            day.removed += !out->changes[at].added;
        }
        out->days[kept++] = day;
    }
    out->day_count = kept;
}

static enum td_code prepare(struct trier *t, struct td_try *out, struct td_err *err)
{
    const struct td_manifest *manifest = t->manifest;
    out->days = td_calloc((size_t)t->sessions, sizeof *out->days);
    out->tickers = td_calloc(manifest->count + 1, sizeof *out->tickers);
    if (!out->days || !out->tickers)
        return td_fail(err, TD_NOMEM, "out of memory: trying other rules");
    out->day_count = (size_t)t->sessions;
    out->ticker_count = manifest->count;
    for (size_t d = 0; d < out->day_count; d++)
        out->days[d].day = TD_NO_DAY;
    for (size_t i = 0; i < manifest->count; i++)
        td_copy(out->tickers[i], sizeof out->tickers[i], manifest->entries[i].ticker);
    return TD_OK;
}

static enum td_code run_workers(struct trier *t, unsigned workers, struct td_err *err)
{
    struct td_pool *pool = NULL;
    pthread_mutex_init(&t->lock, NULL);
    enum td_code code = td_pool_new(workers, &pool, err);
    for (unsigned w = 0; code == TD_OK && w < workers; w++)
        code = td_pool_submit(pool, try_worker, t, err);
    if (pool)
        td_pool_free(pool);
    pthread_mutex_destroy(&t->lock);
    return code == TD_OK && t->code != TD_OK ? td_fail(err, t->code, "%s", t->err.text) : code;
}

enum td_code td_universe_try(const struct td_lake *lake, const struct td_screen *before, const struct td_screen *after, td_day from,
                             td_day to, unsigned workers, struct td_try *out, struct td_err *err)
{
    struct universe_base base = {0};
    struct job_reference tables = {0};
    *out = (struct td_try){0};
    enum td_code code = universe_base_init(&base, lake, before, err);
    if (code == TD_OK)
        code = job_reference_load(lake, &tables, err);
    int32_t last = td_cal_index_at_or_before(to == TD_NO_DAY || to > base.last ? base.last : to), first = last - UNIVERSE_WINDOW + 1;
    if (from != TD_NO_DAY || first < td_cal_index_at_or_after(base.first))
        first = td_cal_index_at_or_after(from == TD_NO_DAY || from < base.first ? base.first : from);
    if (code == TD_OK && (first < 0 || last < first))
        code = td_fail(err, TD_MISSING, "no session with cache rows lies in that range");
    struct trier t = {.lake = lake, .manifest = &base.manifest, .tickers = &tables.tickers, .screens = {before, after}, .first = first,
                      .sessions = last - first + 1, .out = out};
    if (code == TD_OK)
        code = prepare(&t, out, err);
    if (code == TD_OK)
        code = run_workers(&t, workers ? workers : td_cpu_count(), err);
    if (code == TD_OK)
        settle(out);
    else
        td_try_free(out);
    job_reference_free(&tables);
    universe_base_free(&base);
    return code;
}

void td_try_free(struct td_try *result)
{
    td_free(result->days);
    td_free(result->changes);
    td_free(result->tickers);
    *result = (struct td_try){0};
}
