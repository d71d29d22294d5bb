/* SPDX-License-Identifier: GPL-3.0-or-later
 * The rows of one ticker in `cache build`. A full and an incremental build are one path that differs in which files are read:
 * a row's own columns follow from the bars of its month alone, and rows of months whose files did not change are taken from
 * the cache as they are; the columns it owes to earlier rows are computed anew from the first changed day on. */
#include <string.h>
#include "cache_job.h"

#define ROW_RULES 2 /* counted up whenever the same bars give other rows */

struct build { /* of one ticker */
    struct td_job *job;
    const struct cache_data *cache;
    const struct cache_unit *unit;
    struct cache_work *work;
    struct job_result *result;
    struct ticker_facts facts;
    struct td_daily_context context;
    struct cache_months now, old; /* old: of the cache file, where it has such a list */
    struct td_rows rows;          /* of the cache file, once they are wanted */
    size_t before;                /* the first so many of them stand untouched */
    struct td_rows kept;          /* rows behind them that stand but for their history */
    td_day from;                  /* rows from this day on are made; INT32_MIN = all */
    char basis[16];
    bool fed;                     /* minutes have been; newest is their last time */
    int64_t newest;
};

static void build_free(struct build *b)
{
    cache_facts_free(&b->facts);
    cache_months_free(&b->now);
    cache_months_free(&b->old);
    td_rows_free(&b->rows);
    td_rows_free(&b->kept);
}

/* ---- which files, and what is known of them ---- */

/* Engine lock not held. */
static enum td_code remember(struct build *b, const struct cache_month *month, struct td_err *err)
{
    struct cache_data *cache = b->job->data;
    bool news = td_seen_find(&cache->known, month->table, month->file) != month->hash;
    pthread_mutex_lock(&b->job->engine->lock);
    enum td_code code = td_seen_add(&cache->seen, month->table, month->file, month->hash, err);
    cache->seen_news |= news;
    pthread_mutex_unlock(&b->job->engine->lock);
    return code;
}

static enum td_code list_files(struct build *b, struct td_err *err)
{
    const struct cache_data *cache = b->cache;
    const struct cache_unit *unit = b->unit;
    const struct td_bronze_file *const files[] = {cache->minutes.items + unit->minute_at, cache->days.items + unit->day_at};
    /* With --bars day minutes give nothing, not even what they vouch for: whether the option or the manifest says so. */
    const size_t counts[] = {cache->options.bars == TD_BARS_DAY ? 0 : unit->minute_count, unit->day_count};
    const int32_t setup[] = {(int32_t)cache->options.preset, (int32_t)cache->options.bars, ROW_RULES};
    b->now.rules = td_hash64(setup, sizeof setup, 7);
    b->now.facts = b->facts.hash;
    b->now.caps = b->facts.caps_hash;
    enum td_code code = td_grow(&b->now.items, &b->now.cap, counts[0] + counts[1], sizeof *b->now.items, err);
    for (size_t t = 0; code == TD_OK && t < TD_COUNT(files); t++)
        for (size_t i = 0; i < counts[t]; i++)
            b->now.items[b->now.count++] = (struct cache_month){.table = (enum td_table)t, .month = files[t][i].month, .file = &files[t][i],
                                                                .outside = t == TD_STOCKS_MINUTE && *cache->intraday, .last = TD_NO_DAY, .cut = TD_NO_DAY, .read = true};
    return code;
}

/* The file is what it was when the cache file was written: what was known of it holds. */
static enum td_code take_over(struct build *b, struct cache_month *month, const struct cache_month *was, struct td_err *err)
{
    enum td_code code = TD_OK;
    month->last = was->last;
    month->rest = was->rest;
    td_copy(month->basis, sizeof month->basis, was->basis);
    month->vouched.count = 0;
    for (size_t k = 0; code == TD_OK && k < was->vouched.count; k++)
        code = td_ranges_add(&month->vouched, was->vouched.items[k].from, was->vouched.items[k].to, err);
    cache_month_cut(b->cache, month);
    return code;
}

/* An incremental run: the content of every file by its stamp, else by its footer. */
static enum td_code look_at_files(struct build *b, struct td_err *err)
{
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < b->now.count; i++) {
        struct cache_month *month = &b->now.items[i];
        const struct cache_month *was = cache_months_find(&b->old, month->table, month->month);
        month->hash = td_seen_find(&b->cache->known, month->table, month->file);
        if (!month->hash || !was || was->hash != month->hash)
            code = cache_month_look(b->job, b->unit->ticker, month, err);
        if (code == TD_OK && was && was->hash == month->hash)
            code = take_over(b, month, was, err);
    }
    return code;
}

/* What the cache file says it was made from; false: nothing to go on from. */
static bool read_origin(struct build *b, struct td_cache_entry *entry, struct td_buf *text)
{
    td_buf_clear(text);
    return td_cache_stat(b->cache->lake, b->unit->ticker, entry, "tapedeck.inputs", text, NULL) == TD_OK && text->len &&
           cache_months_parse(text->data, &b->old);
}

static const char *minute_basis(const struct cache_months *months)
{
    return months->count && months->items[0].table == TD_STOCKS_MINUTE ? months->items[0].basis : "";
}

/* Months whose files are not what they were; the first of them, INT32_MAX when there is none. */
static int32_t mark_changes(struct build *b, bool *wide)
{
    int32_t first = INT32_MAX;
    for (size_t i = 0; i < b->now.count; i++) {
        struct cache_month *month = &b->now.items[i];
        const struct cache_month *was = cache_months_find(&b->old, month->table, month->month);
        month->read = !was || !cache_month_same(month, was);
        *wide |= month->read && (cache_month_wide(month) || (was && cache_month_wide(was)));
        if (month->read && month->month < first)
            first = month->month;
    }
    for (size_t i = 0; i < b->old.count; i++)
        if (!cache_months_find(&b->now, b->old.items[i].table, b->old.items[i].month)) {
            *wide |= cache_month_wide(&b->old.items[i]);
            if (b->old.items[i].month < first)
                first = b->old.items[i].month;
        }
    return first;
}

static bool month_changed(const struct build *b, int32_t month)
{
    for (enum td_table table = 0; table < TD_TABLE_COUNT; table++) {
        const struct cache_month *now = cache_months_find(&b->now, table, month), *was = cache_months_find(&b->old, table, month);
        if ((now != NULL) != (was != NULL) || (now && !cache_month_same(now, was)))
            return true;
    }
    return false;
}

/* Days that straddle the files of two months: UTC days in exchange months, exchange days in months of who knows what zone. */
static bool days_straddle(const struct build *b)
{
    return b->cache->options.preset == TD_PRESET_SEED || *b->cache->intraday;
}

/* Both tables of a changed month are read; where days straddle months, everything from the month before the first change on. */
static void choose_files(struct build *b, int32_t first)
{
    bool tail = days_straddle(b);
    for (size_t i = 0; i < b->now.count; i++) {
        struct cache_month *month = &b->now.items[i];
        month->read = tail ? first != INT32_MAX && month->month >= first - 1 : month_changed(b, month->month);
    }
}

static enum td_code keep_standing(struct build *b, struct td_err *err)
{
    const struct td_daily_row *rows = b->rows.items;
    enum td_code code = TD_OK;
    b->kept.size = sizeof *rows;
    while (b->before < b->rows.count && rows[b->before].trading_day < b->from)
        b->before++;
    bool all = !days_straddle(b);
    int32_t month = -1;
    bool changed = false;
    for (size_t i = b->before; code == TD_OK && i < b->rows.count; i++) {
        if (td_month_of(rows[i].trading_day) != month) {
            month = td_month_of(rows[i].trading_day);
            changed = month_changed(b, month);
        }
        if (changed || !all)
            continue;
        code = td_grow(&b->kept.items, &b->kept.cap, b->kept.count + 1, sizeof *rows, err);
        if (code == TD_OK)
            ((struct td_daily_row *)b->kept.items)[b->kept.count++] = rows[i];
    }
    return code;
}

/* Decide what of the cache file stands. Where nothing can, everything is read: the plan of list_files. */
static enum td_code plan_increment(struct build *b, struct td_err *err)
{
    bool wide = false;
    int32_t first = mark_changes(b, &wide);
    bool again = b->now.facts != b->old.facts || b->now.caps != b->old.caps;
    bool whole = b->now.rules != b->old.rules || strcmp(minute_basis(&b->now), minute_basis(&b->old)) != 0 ||
                 (wide && !*b->cache->intraday) || (again && days_straddle(b));
    if (whole || td_cache_read(b->cache->lake, b->unit->ticker, &b->rows, NULL) != TD_OK) {
        for (size_t i = 0; i < b->now.count; i++)
            b->now.items[i].read = true;
        td_rows_free(&b->rows);
        return TD_OK;
    }
    b->from = again || first == INT32_MAX ? INT32_MIN : td_month_first(first) - (*b->cache->intraday ? TD_INTRADAY_SPILL : 0);
    choose_files(b, first);
    return keep_standing(b, err);
}

/* ---- feeding ---- */

static void cut_after(struct td_bars *bars, td_day last)
{
    bars->n = last == TD_NO_DAY ? 0 : td_bars_lower_bound(bars, td_ny_midnight(last + 1));
}

static struct td_bars bars_behind(const struct td_bars *bars, size_t at)
{
    return (struct td_bars){.n = bars->n - at, .ts = bars->ts + at, .open = bars->open + at, .high = bars->high + at,
                            .low = bars->low + at, .close = bars->close + at, .volume = bars->volume + at,
                            .vwap = bars->vwap + at, .trades = bars->trades + at};
}

/* Bars of days before `from` out of the way: their rows stand. */
static struct td_bars bars_from(const struct td_bars *bars, enum td_table table, enum td_preset preset, td_day from)
{
    if (from == INT32_MIN)
        return *bars;
    bool utc = preset == TD_PRESET_SEED && table == TD_STOCKS_MINUTE;
    return bars_behind(bars, td_bars_lower_bound(bars, utc ? from * TD_MS_DAY : td_ny_midnight(from)));
}

/* One price basis a ticker: files of a table must agree; daily bars of another basis than the minutes' make no row and no close. */
static enum td_code settle_basis(struct build *b, const struct cache_month *month, bool *fits, struct td_err *err)
{
    bool beside_minutes = month->table == TD_STOCKS_DAILY && *minute_basis(&b->now);
    *fits = !*b->basis || strcmp(b->basis, month->basis) == 0;
    if (!*b->basis)
        td_copy(b->basis, sizeof b->basis, month->basis);
    if (*fits || beside_minutes)
        return TD_OK;
    return td_fail(err, TD_DATA, "%s: bars of %04d-%02d are %s, earlier ones %s; price bases never mix: import one of them anew "
                   "with --replace", b->unit->ticker, month->month / 12, month->month % 12 + 1, month->basis, b->basis);
}

/* Two months of another lake may both hold the hours between their borders: the earlier month's bars count. */
static void skip_overlap(struct build *b, struct td_bars *bars)
{
    size_t at = b->fed ? td_bars_lower_bound(bars, b->newest + 1) : 0;
    if (at)
        *bars = bars_behind(bars, at);
    b->result->rows_duplicate += at;
    if (bars->n) {
        b->newest = bars->ts[bars->n - 1];
        b->fed = true;
    }
}

/* One file at a time into reused arrays. Bars of sessions still running are held back. */
static enum td_code feed_file(struct build *b, struct cache_month *month, struct td_daily_builder *builder, struct td_err *err)
{
    struct td_bars *bars = &b->work->bars;
    bool fits = true;
    enum td_code code = month->read ? cache_month_read(b->job, b->work, b->unit->ticker, month, b->result, err) : TD_OK;
    if (code == TD_OK)
        code = settle_basis(b, month, &fits, err);
    if (code == TD_OK)
        code = remember(b, month, err);
    if (!fits)
        td_copy(b->result->why, sizeof b->result->why, "daily bars of another price basis than the minutes' are left out");
    if (code != TD_OK || !month->read || !fits)
        return code;
    if (!b->cache->options.partial)
        cut_after(bars, b->cache->last_over);
    struct td_bars part = bars_from(bars, month->table, b->cache->options.preset, b->from);
    if (month->table == TD_STOCKS_MINUTE)
        skip_overlap(b, &part);
    return month->table == TD_STOCKS_DAILY ? td_daily_days(builder, &part, err) : td_daily_minutes(builder, &part, err);
}

/* ---- the rows ---- */

/* Rows before the first one made: those that stand, behind those of the old symbol where there are few. */
static enum td_code history_of(struct build *b, struct td_rows *joined, const struct td_daily_row **history, size_t *count, struct td_err *err)
{
    const struct td_daily_row *rows = b->rows.items;
    *history = rows;
    *count = b->before;
    if (b->before > 64) /* more than any row looks back on, those of a running session left out */
        return TD_OK;
    enum td_code code = cache_old_symbol_rows(b->job, b->unit->ticker, b->before ? rows[0].trading_day : INT32_MAX, joined, err);
    if (code != TD_OK || joined->count == 0)
        return code;
    code = td_grow(&joined->items, &joined->cap, joined->count + b->before, sizeof *rows, err);
    if (code == TD_OK && b->before)
        memcpy((struct td_daily_row *)joined->items + joined->count, rows, b->before * sizeof *rows);
    *history = joined->items;
    *count = joined->count + b->before;
    return code;
}

static enum td_code write_rows(struct build *b, const struct td_daily_row *rows, size_t count, bool all, struct td_err *err)
{
    struct cache_data *cache = b->job->data;
    struct td_cache_entry entry = {.rows = count, .first = TD_NO_DAY, .last = TD_NO_DAY};
    struct td_buf origin;
    td_buf_init(&origin, 4 << 20);
    td_copy(entry.ticker, sizeof entry.ticker, b->unit->ticker);
    if (count) {
        entry.first = rows[0].trading_day;
        entry.last = rows[count - 1].trading_day;
    }
    /* Where the rows outside a range are not what the bars say, the origin stays unknown: an incremental run looks again. */
    enum td_code code = all ? cache_months_format(&b->now, &origin, err) : TD_OK;
    const struct td_meta meta = {"tapedeck.inputs", all && code == TD_OK ? origin.data : ""};
    entry.inputs = all ? td_hash64(meta.value, strlen(meta.value), 0) : 0;
    if (code == TD_OK)
        code = td_cache_write_with(cache->lake, b->unit->ticker, rows, count, cache_preset_name(cache->options.preset), &meta, 1,
                                   &entry.bytes, err);
    if (code == TD_OK) {
        pthread_mutex_lock(&b->job->engine->lock);
        code = td_manifest_put(&cache->after, &entry, err);
        pthread_mutex_unlock(&b->job->engine->lock);
    }
    b->result->rows_written = count;
    b->result->state = count ? TD_UNIT_OK : TD_UNIT_EMPTY;
    td_buf_free(&origin);
    return code;
}

/* `made` are the rows from b->from on, those before stand. */
static enum td_code publish(struct build *b, const struct td_daily_row *made, size_t count, struct td_err *err)
{
    const struct td_cache_job *o = &b->cache->options;
    bool ranged = o->from != TD_NO_DAY || o->to != TD_NO_DAY, all = true;
    struct td_rows whole = {0}, merged = {0};
    enum td_code code = TD_OK;
    if (b->before) {
        code = td_grow(&whole.items, &whole.cap, b->before + count, sizeof *made, err);
        if (code == TD_OK) {
            memcpy(whole.items, b->rows.items, b->before * sizeof *made);
            if (count)
                memcpy((struct td_daily_row *)whole.items + b->before, made, count * sizeof *made);
        }
        made = whole.items;
        count += b->before;
    }
    if (code == TD_OK && ranged) {
        code = cache_range_merge(b->job, b->unit->ticker, made, count, &merged, err);
        all = code == TD_OK && cache_same_rows(merged.items, merged.count, made, count);
        made = merged.items;
        count = merged.count;
    }
    if (code == TD_OK)
        code = write_rows(b, made, count, all, err);
    td_rows_free(&whole);
    td_rows_free(&merged);
    return code;
}

static enum td_code compute(struct build *b, struct td_err *err)
{
    struct td_daily_builder *builder = NULL;
    struct td_rows joined = {0};
    const struct td_daily_row *history = NULL;
    struct td_daily_row *rows = NULL;
    size_t count = 0, history_count = 0;
    enum td_code code = td_daily_new(&b->context, &builder, err);
    for (size_t i = 0; code == TD_OK && i < b->now.count; i++)
        code = feed_file(b, &b->now.items[i], builder, err);
    if (code == TD_OK)
        code = cache_months_vouched(&b->now, &b->facts, err);
    if (code == TD_OK)
        code = history_of(b, &joined, &history, &history_count, err);
    if (code == TD_OK) {
        b->context.vouched = b->facts.vouched.items;
        b->context.vouched_count = b->facts.vouched.count;
        b->context.incomplete = b->facts.incomplete.items;
        b->context.incomplete_count = b->facts.incomplete.count;
        td_daily_know(builder, &b->context);
        td_daily_keep(builder, b->kept.items, b->kept.count);
        td_daily_skipped(builder, &b->result->off_hours, &b->result->no_session);
        code = td_daily_finish(builder, history, history_count, &rows, &count, err);
    }
    if (code == TD_OK)
        code = publish(b, rows, count, err);
    td_daily_free(builder);
    td_rows_free(&joined);
    return code;
}

/* Nothing about the ticker is new: its file stays, and the manifest knows it whether or not the last build lived to write it. */
static enum td_code skip_unchanged(struct build *b, struct td_cache_entry *entry, const struct td_buf *origin, struct td_err *err)
{
    struct cache_data *cache = b->job->data;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < b->now.count; i++)
        code = remember(b, &b->now.items[i], err);
    entry->inputs = td_hash64(origin->data, origin->len, 0);
    if (code == TD_OK) {
        pthread_mutex_lock(&b->job->engine->lock);
        code = td_manifest_put(&cache->after, entry, err);
        pthread_mutex_unlock(&b->job->engine->lock);
    }
    b->result->state = TD_UNIT_SKIPPED;
    td_copy(b->result->why, sizeof b->result->why, "unchanged");
    return code;
}

static enum td_code build_incremental(struct build *b, bool *done, struct td_err *err)
{
    struct td_buf text, want;
    struct td_cache_entry entry;
    td_buf_init(&text, 4 << 20);
    td_buf_init(&want, 4 << 20);
    enum td_code code = TD_OK;
    if (read_origin(b, &entry, &text)) {
        code = look_at_files(b, err);
        if (code == TD_OK)
            code = cache_months_format(&b->now, &want, err);
        *done = code == TD_OK && want.len == text.len && memcmp(want.data, text.data, want.len) == 0;
        if (*done)
            code = skip_unchanged(b, &entry, &text, err);
        else if (code == TD_OK)
            code = plan_increment(b, err);
    }
    td_buf_free(&text);
    td_buf_free(&want);
    return code;
}

enum td_code cache_rows_step(struct td_job *job, const struct cache_unit *unit, struct cache_work *work, struct job_result *result,
                             struct td_err *err)
{
    const struct cache_data *cache = job->data;
    const struct td_cache_job *o = &cache->options;
    struct build b = {.job = job, .cache = cache, .unit = unit, .work = work, .result = result, .from = INT32_MIN,
                      .context = {.ticker = unit->ticker, .preset = o->preset, .minute = o->bars != TD_BARS_DAY,
                                  .day_bars = o->bars != TD_BARS_MINUTE}};
    bool done = false;
    b.context.running = o->partial ? td_cal_day(td_cal_index_at_or_before(cache->last_over) + 1) : TD_NO_DAY;
    enum td_code code = cache_facts_gather(job, unit->ticker, &b.facts, &b.context, err);
    if (code == TD_OK)
        code = list_files(&b, err);
    if (code == TD_OK && b.now.count == 0) {
        result->state = TD_UNIT_SKIPPED;
        td_copy(result->why, sizeof result->why, "no daily bars");
        done = true;
    }
    if (code == TD_OK && !done && o->incremental && !o->rebuild)
        code = build_incremental(&b, &done, err);
    if (code == TD_OK && !done)
        code = compute(&b, err);
    build_free(&b);
    return code;
}
