/* SPDX-License-Identifier: GPL-3.0-or-later
 * The screen over the whole cache: a transposing pass. Caches lie ticker first, lists are date first, so the listed rows stay
 * in memory in between, packed, in slabs by stripes of sessions. When they pass the budget the last stripe is let go, and its
 * sessions are served by a further pass. What is listed does not depend on how many passes or workers there were. */
#include <stdlib.h>
#include <string.h>
#include "universe.h"

#define STRIPES 16
#define SLAB_ROWS 1600 /* 128 KiB */
#define AHEAD 16       /* rows that are fetched before they are looked at */

struct slab {
    struct slab *next;
    size_t count;
    struct td_watch_item items[SLAB_ROWS];
};

struct sort_key { /* ascending keys are the order of td_watch_compare */
    uint64_t key; /* of rvol30, descending, null last */
    const struct td_watch_item *item;
};

struct screen_pass {
    struct screen_source source;
    struct screen_worker *workers; /* source.workers of them */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* lock from here on, but what a note says */
    bool reading;          /* helpers read caches */
    unsigned helpers, users; /* who reads; who uses rows of the pass */
    int32_t begin, end;    /* sessions whose rows are present; fixed while not reading */
    int32_t limit;         /* the pass reads begin..limit-1; fixed while reading */
    int32_t stripe;        /* sessions a stripe; fixed while reading */
    unsigned passes;
    enum td_code code;
    struct td_err err;
    const struct td_watch_item **rows; /* by session; fixed while not reading */
    size_t *starts;        /* of each session in rows, one more at the end; fixed while not reading */
    uint8_t *seen;         /* by session; fixed while not reading */
    atomic_size_t next;    /* ticker */
    atomic_int kept;       /* stripes that are kept */
    atomic_uint_fast64_t bytes;
    atomic_bool failed, narrow; /* narrow: even one stripe was too much */
};

static void free_slabs(struct slab **list, struct screen_pass *pass)
{
    while (*list) {
        struct slab *slab = *list;
        *list = slab->next;
        td_free(slab);
        atomic_fetch_sub(&pass->bytes, sizeof *slab);
    }
}

static void free_rows(struct screen_pass *pass)
{
    for (unsigned w = 0; w < pass->source.workers; w++)
        for (int s = 0; pass->workers[w].stripes && s < STRIPES; s++)
            free_slabs(&pass->workers[w].stripes[s], pass);
    td_free(pass->rows);
    pass->rows = NULL;
}

void screen_pass_free(struct screen_pass *pass)
{
    if (!pass)
        return;
    if (pass->workers)
        free_rows(pass);
    for (unsigned w = 0; pass->workers && w < pass->source.workers; w++) {
        struct screen_worker *worker = &pass->workers[w];
        td_daily_reader_free(worker->reader);
        td_watch_writer_free(worker->writer);
        td_watch_reader_free(worker->footers);
        td_free(worker->stripes);
        td_free(worker->counts);
        td_free(worker->seen);
        td_free(worker->keys);
        td_free(worker->sorted);
    }
    td_free(pass->workers);
    td_free(pass->starts);
    td_free(pass->seen);
    pthread_mutex_destroy(&pass->lock);
    pthread_cond_destroy(&pass->changed);
    td_free(pass);
}

enum td_code screen_pass_new(const struct screen_source *source, struct screen_pass **out, struct td_err *err)
{
    struct screen_pass *pass = td_calloc(1, sizeof *pass);
    size_t sessions = (size_t)source->sessions;
    *out = NULL;
    if (!pass)
        return td_fail(err, TD_NOMEM, "out of memory: a screen of the cache");
    pass->source = *source;
    pthread_mutex_init(&pass->lock, NULL);
    pthread_cond_init(&pass->changed, NULL);
    pass->workers = td_calloc(source->workers, sizeof *pass->workers);
    pass->starts = td_calloc(sessions + 1, sizeof *pass->starts);
    pass->seen = td_calloc(sessions + 1, 1);
    bool whole = pass->workers && pass->starts && pass->seen;
    for (unsigned w = 0; whole && w < source->workers; w++) {
        struct screen_worker *worker = &pass->workers[w];
        worker->stripes = td_calloc(STRIPES, sizeof(struct slab *));
        worker->counts = td_calloc(sessions + 1, sizeof *worker->counts);
        worker->seen = td_calloc(sessions + 1, 1);
        whole = worker->stripes && worker->counts && worker->seen;
    }
    if (!whole) {
        screen_pass_free(pass);
        return td_fail(err, TD_NOMEM, "out of memory: a screen of %zu sessions", sessions);
    }
    *out = pass;
    return TD_OK;
}

struct screen_worker *screen_worker_take(struct screen_pass *pass)
{
    struct screen_worker *worker = NULL;
    pthread_mutex_lock(&pass->lock);
    for (;;) {
        for (unsigned w = 0; !worker && w < pass->source.workers; w++)
            if (!pass->workers[w].lent)
                worker = &pass->workers[w];
        if (worker)
            break;
        pthread_cond_wait(&pass->changed, &pass->lock);
    }
    worker->lent = true;
    pthread_mutex_unlock(&pass->lock);
    return worker;
}

void screen_worker_give(struct screen_pass *pass, struct screen_worker *worker)
{
    pthread_mutex_lock(&pass->lock);
    worker->lent = false;
    pthread_cond_broadcast(&pass->changed);
    pthread_mutex_unlock(&pass->lock);
}

/* ---- reading the caches ---- */

bool screen_member_on(struct screen_member *m, td_day day)
{
    const struct td_ticker_row *best = NULL;
    for (size_t i = 0; i < m->count; i++) { /* the listing that was alive on the day; symbols are re-used */
        const struct td_ticker_row *row = &m->listings[i];
        bool begun = row->list_date == TD_NO_DAY || row->list_date <= day;
        bool ended = row->delisted != TD_NO_DAY && row->delisted < day;
        if (begun && !ended && (!best || row->list_date >= best->list_date))
            best = row;
    }
    if (m->known && best == m->last)
        return m->admitted;
    const struct td_reference reference = {.type = best && *best->type ? best->type : NULL,
                                           .exchange = best && *best->exchange ? best->exchange : NULL,
                                           .test_ticker = -1};
    m->known = true;
    m->last = best;
    m->admitted = td_screen_member(m->screen, m->ticker, &reference);
    return m->admitted;
}

/* Every row also costs a pointer in the index. */
static bool over_budget(const struct screen_pass *pass)
{
    uint64_t used = atomic_load(&pass->bytes);
    return used + used / sizeof(struct td_watch_item) * sizeof(void *) > pass->source.budget;
}

/* The rows passed the budget: let the last stripe go, unless another worker just did. */
static void let_go(struct screen_pass *pass, int kept)
{
    if (kept == 1)
        atomic_store(&pass->narrow, pass->stripe > 1);
    else
        atomic_compare_exchange_strong(&pass->kept, &kept, kept - 1);
}

/* Room for one more row of the stripe; NULL: out of memory. */
static struct td_watch_item *push(struct screen_pass *pass, struct screen_worker *worker, int stripe, int kept)
{
    struct slab *slab = worker->stripes[stripe];
    if (!slab || slab->count == SLAB_ROWS) {
        struct slab *fresh = td_malloc(sizeof *fresh);
        if (!fresh)
            return NULL;
        fresh->next = slab;
        fresh->count = 0;
        worker->stripes[stripe] = slab = fresh;
        atomic_fetch_add(&pass->bytes, sizeof *fresh);
        if (over_budget(pass))
            let_go(pass, kept);
    }
    return &slab->items[slab->count++];
}

static enum td_code screen_batch(struct screen_pass *pass, struct screen_worker *worker, const struct td_daily_batch *batch,
                                 uint32_t ticker, struct screen_member *member, struct td_err *err)
{
    const struct screen_source *source = &pass->source;
    int kept = atomic_load(&pass->kept);
    for (int s = STRIPES - 1; s >= kept; s--)
        free_slabs(&worker->stripes[s], pass);
    if (over_budget(pass))
        let_go(pass, kept);
    int32_t end = pass->begin + kept * pass->stripe;
    end = end < pass->limit ? end : pass->limit;
    for (size_t i = 0; i < batch->n; i++) {
        int32_t session = td_cal_index(batch->day[i]) - source->first; /* preset seed has rows on other days, which have no list */
        if (session < pass->begin || session >= end)
            continue;
        worker->seen[session] = 1;
        if (!td_screen_lists(source->screen, batch->value[TD_DV_CLOSE][i], batch->value[TD_DV_CAP][i], batch->flags[i]) ||
            !screen_member_on(member, batch->day[i]))
            continue;
        struct td_watch_item *item = push(pass, worker, (session - pass->begin) / pass->stripe, kept);
        if (!item)
            return td_fail(err, TD_NOMEM, "out of memory: listed rows");
        for (size_t v = 0; v < TD_DV_COUNT; v++)
            item->value[v] = batch->value[v][i];
        item->ticker = ticker & 0xfffffff;
        item->session = (uint16_t)(session - pass->begin);
        item->flags = (uint16_t)batch->flags[i];
        item->rules = td_screen_rules(source->screen, item->value[TD_DV_RVOL30], item->value[TD_DV_PCTCHG],
                                      item->value[TD_DV_DOLLAR_VOL], item->value[TD_DV_CLOSE]) & 15;
        worker->counts[session]++;
    }
    return TD_OK;
}

static enum td_code screen_ticker(struct screen_pass *pass, struct screen_worker *worker, size_t t, struct td_err *err)
{
    const struct screen_source *source = &pass->source;
    const struct td_cache_entry *entry = &source->manifest->entries[t];
    if (!entry->rows || entry->last < td_cal_day(source->first + pass->begin) || entry->first > td_cal_day(source->first + pass->limit - 1))
        return TD_OK;
    struct screen_member member = {.screen = source->screen, .ticker = entry->ticker};
    member.listings = job_reference_find(source->tickers, entry->ticker, &member.count);
    struct td_daily_batch batch;
    enum td_code code = worker->reader ? TD_OK : td_daily_reader_new(source->lake, TD_DV_COUNT, &worker->reader, err);
    if (code == TD_OK)
        code = td_daily_reader_open(worker->reader, entry->ticker, err);
    do {
        if (code == TD_OK)
            code = td_daily_reader_next(worker->reader, &batch, err);
        if (code == TD_OK && batch.n)
            code = screen_batch(pass, worker, &batch, (uint32_t)t, &member, err);
    } while (code == TD_OK && batch.n);
    if (code == TD_MISSING || code == TD_DATA)
        td_context(err, "cache and manifest disagree, run 'tapedeck cache build'");
    return code;
}

/* Read caches until none is left; whoever needs rows meanwhile joins. */
static void help(struct screen_pass *pass, struct screen_worker *worker)
{
    struct td_err err = {0};
    enum td_code code = TD_OK;
    while (code == TD_OK && !atomic_load(&pass->failed) && !atomic_load(&pass->narrow)) {
        size_t t = atomic_fetch_add(&pass->next, 1);
        if (t >= pass->source.manifest->count)
            return;
        code = atomic_load(pass->source.cancel) ? td_fail(&err, TD_CANCELLED, "interrupted") : screen_ticker(pass, worker, t, &err);
    }
    if (code == TD_OK)
        return;
    pthread_mutex_lock(&pass->lock);
    if (!atomic_exchange(&pass->failed, true)) {
        pass->code = code;
        pass->err = err;
    }
    pthread_mutex_unlock(&pass->lock);
}

/* ---- passes; lock held ---- */

static void begin_pass(struct screen_pass *pass, int32_t from, int32_t limit)
{
    free_rows(pass);
    for (unsigned w = 0; w < pass->source.workers; w++) {
        memset(pass->workers[w].counts, 0, (size_t)pass->source.sessions * sizeof *pass->workers[w].counts);
        memset(pass->workers[w].seen, 0, (size_t)pass->source.sessions);
    }
    pass->begin = pass->end = from;
    pass->limit = limit < from + UINT16_MAX ? limit : from + UINT16_MAX;
    pass->stripe = (pass->limit - from + STRIPES - 1) / STRIPES;
    atomic_store(&pass->kept, STRIPES);
    atomic_store(&pass->next, 0);
    atomic_store(&pass->failed, false);
    atomic_store(&pass->narrow, false);
    pass->code = TD_OK;
    pass->reading = true;
    pass->passes++;
}

/* Rows of each session side by side. */
static enum td_code index_rows(struct screen_pass *pass, struct td_err *err)
{
    int kept = atomic_load(&pass->kept);
    int32_t end = pass->begin + kept * pass->stripe;
    size_t total = 0;
    for (unsigned w = 0; w < pass->source.workers; w++)
        for (int s = kept; s < STRIPES; s++)
            free_slabs(&pass->workers[w].stripes[s], pass);
    pass->end = end < pass->limit ? end : pass->limit;
    for (int32_t s = pass->begin; s < pass->end; s++) {
        pass->starts[s] = total;
        pass->seen[s] = 0;
        for (unsigned w = 0; w < pass->source.workers; w++) {
            total += pass->workers[w].counts[s];
            pass->seen[s] |= pass->workers[w].seen[s];
        }
    }
    pass->starts[pass->end] = total;
    pass->rows = td_malloc((total + 1) * sizeof *pass->rows);
    if (!pass->rows)
        return td_fail(err, TD_NOMEM, "out of memory: %zu listed rows", total);
    for (unsigned w = 0; w < pass->source.workers; w++)
        for (int s = 0; s < kept; s++)
            for (const struct slab *slab = pass->workers[w].stripes[s]; slab; slab = slab->next)
                for (size_t i = 0; i < slab->count; i++)
                    pass->rows[pass->starts[pass->begin + slab->items[i].session]++] = &slab->items[i];
    memmove(pass->starts + pass->begin + 1, pass->starts + pass->begin, (size_t)(pass->end - pass->begin) * sizeof *pass->starts);
    pass->starts[pass->begin] = 0; /* each start had moved to its end */
    return TD_OK;
}

/* The last helper has returned. */
static void end_pass(struct screen_pass *pass)
{
    if (pass->code == TD_OK && atomic_load(&pass->narrow)) { /* again, with a stripe as the whole */
        begin_pass(pass, pass->begin, pass->begin + pass->stripe);
        return;
    }
    if (pass->code == TD_OK)
        pass->code = index_rows(pass, &pass->err);
    if (pass->code != TD_OK)
        pass->end = pass->begin;
    pass->reading = false;
}

enum td_code screen_pass_need(struct screen_pass *pass, struct screen_worker *worker, int32_t s, struct td_err *err)
{
    enum td_code code = TD_OK;
    pthread_mutex_lock(&pass->lock);
    while (pass->reading || s < pass->begin || s >= pass->end) {
        if (!pass->reading && pass->code != TD_OK) {
            code = td_fail(err, pass->code, "%s", pass->err.text);
            break;
        }
        if (!pass->reading && pass->users) { /* somebody still uses the rows that are there */
            pthread_cond_wait(&pass->changed, &pass->lock);
            continue;
        }
        if (!pass->reading) /* from where the last one ended: whoever takes session 1 may be here before whoever takes 0 */
            begin_pass(pass, s < pass->end ? s : pass->end, pass->source.sessions);
        unsigned turn = pass->passes;
        pass->helpers++;
        pthread_mutex_unlock(&pass->lock);
        help(pass, worker);
        pthread_mutex_lock(&pass->lock);
        if (--pass->helpers == 0) {
            end_pass(pass);
            pthread_cond_broadcast(&pass->changed);
        }
        while (pass->reading && pass->passes == turn)
            pthread_cond_wait(&pass->changed, &pass->lock);
    }
    pass->users += code == TD_OK;
    pthread_mutex_unlock(&pass->lock);
    return code;
}

void screen_pass_done(struct screen_pass *pass)
{
    pthread_mutex_lock(&pass->lock);
    if (--pass->users == 0)
        pthread_cond_broadcast(&pass->changed);
    pthread_mutex_unlock(&pass->lock);
}

bool screen_pass_seen(const struct screen_pass *pass, int32_t s)
{
    return pass->seen[s];
}

unsigned screen_pass_count(const struct screen_pass *pass)
{
    return pass->passes;
}

/* ---- a list ---- */

/* Unsigned order of the bits = order of the numbers; then turned round. -0 and 0 are one number. */
static uint64_t descending(double value)
{
    uint64_t bits;
    if (isnan(value))
        return UINT64_MAX;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return ~(bits >> 63 ? ~bits : bits | UINT64_C(1) << 63);
}

/* Tickers are numbered in their bytewise order. */
static int compare_tickers(const void *a, const void *b)
{
    const struct sort_key *x = a, *y = b;
    return (x->item->ticker > y->item->ticker) - (x->item->ticker < y->item->ticker);
}

/* By the digits of the keys, lowest first; lists are sorted by the thousand, and calls to a comparison cost more than the rest
 * of it. spare holds n keys too; the sorted ones are in what is returned. */
static struct sort_key *sort_digits(struct sort_key *keys, struct sort_key *spare, size_t n)
{
    enum { DIGIT = 11, SIZE = 1 << DIGIT };
    for (unsigned shift = 0; shift < 64; shift += DIGIT) {
        uint32_t starts[SIZE] = {0}, at = 0;
        for (size_t i = 0; i < n; i++)
            starts[keys[i].key >> shift & (SIZE - 1)]++;
        if (starts[keys[0].key >> shift & (SIZE - 1)] == n)
            continue;
        for (size_t d = 0; d < SIZE; d++) {
            uint32_t here = starts[d];
            starts[d] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++)
            spare[starts[keys[i].key >> shift & (SIZE - 1)]++] = keys[i];
        struct sort_key *swap = keys;
        keys = spare;
        spare = swap;
    }
    return keys;
}

/* td_watch_compare's order. */
static struct sort_key *sort_list(struct sort_key *keys, size_t n)
{
    if (n < 2)
        return keys;
    struct sort_key *sorted = sort_digits(keys, keys + n, n);
    for (size_t i = 0, same = 1; i < n; i += same, same = 1) {
        while (i + same < n && sorted[i + same].key == sorted[i].key)
            same++;
        if (same > 1)
            qsort(sorted + i, same, sizeof *sorted, compare_tickers);
    }
    return sorted;
}

enum td_code screen_pass_list(struct screen_pass *pass, struct screen_worker *worker, int32_t s,
                              const struct td_watch_item *const **items, size_t *count, struct td_err *err)
{
    size_t from = pass->starts[s], n = pass->starts[s + 1] - from;
    enum td_code code = td_grow(&worker->keys, &worker->key_cap, 2 * n + 1, sizeof *worker->keys, err);
    if (code == TD_OK)
        code = td_grow(&worker->sorted, &worker->sorted_cap, n + 1, sizeof *worker->sorted, err);
    if (code != TD_OK)
        return code;
    const struct td_watch_item *const *rows = pass->rows + from;
    for (size_t i = 0; i < n; i++) { /* rows of a session lie far apart, and all of each is wanted soon */
        if (i + AHEAD < n) {
            __builtin_prefetch(rows[i + AHEAD]);
            __builtin_prefetch(&rows[i + AHEAD]->flags);
        }
        worker->keys[i] = (struct sort_key){descending(rows[i]->value[TD_DV_RVOL30]), rows[i]};
    }
    const struct sort_key *sorted = sort_list(worker->keys, n);
    for (size_t i = 0; i < n; i++)
        worker->sorted[i] = sorted[i].item;
    *items = worker->sorted;
    *count = n;
    return TD_OK;
}
