/* SPDX-License-Identifier: GPL-3.0-or-later
 * The list of files that a ticker's rows were made from, as a text in the cache file's metadata:
 *   RULES.FACTS.CAPS;m2025-02:HASH:27:0-18,20-27:r;d2025-02:HASH:27:0-27
 * table and month, hash of the content, newest day, vouched days (all counted from the first of the month), then r for bars
 * of the vendor, e for minutes of another lake, cN or pN for a cut (p: with --partial), bBASIS for another price basis than raw.
 * `status --verify` reads the table, the month and the e. */
#include <stdlib.h>
#include <string.h>
#include "cache_job.h"

#define MAX_MONTHS 20000 /* a text with more files than that is not ours */

void cache_months_free(struct cache_months *months)
{
    for (size_t i = 0; i < months->count; i++)
        td_ranges_free(&months->items[i].vouched);
    td_free(months->items);
    *months = (struct cache_months){0};
}

/* ---- text ---- */

static bool take_hex(const char **p, uint64_t *out)
{
    char digits[17] = "";
    if (strspn(*p, "0123456789abcdef") != 16)
        return false;
    memcpy(digits, *p, 16);
    *out = strtoull(digits, NULL, 16);
    *p += 16;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

/* A small number, negative ones included. */
static bool take_number(const char **p, int32_t *out)
{
    const char *begin = *p;
    int64_t value;
    size_t len = (*begin == '-') + strspn(begin + (*begin == '-'), "0123456789");
    if (len == 0 || len > 9 || !td_parse_i64(begin, len, &value))
        return false;
    *out = (int32_t)value;
    *p += len;
    return true;
}

static bool take_ranges(const char **p, td_day first, struct td_ranges *out)
{
    for (bool more = **p != ':' && **p != ';' && **p; more; more = take_char(p, ',')) {
        int32_t from, to;
        if (!take_number(p, &from) || !take_char(p, '-') || !take_number(p, &to) || to < from ||
            td_ranges_add(out, first + from, first + to, NULL) != TD_OK)
            return false;
    }
    return true;
}

static bool take_extras(const char **p, td_day first, struct cache_month *out)
{
    while (take_char(p, ':')) {
        char kind = **p;
        int32_t number;
        *p += kind != 0;
        if (kind == 'r') {
            out->rest = true;
        } else if (kind == 'e') {
            out->outside = true;
        } else if (kind == 'c' || kind == 'p') {
            if (!take_number(p, &number))
                return false;
            out->cut = first + number;
            out->partial = kind == 'p';
        } else if (kind == 'b') {
            size_t len = strcspn(*p, ":;");
            if (len == 0 || len >= sizeof out->basis)
                return false;
            memcpy(out->basis, *p, len);
            out->basis[len] = 0;
            *p += len;
        } else {
            return false;
        }
    }
    return true;
}

static bool take_month(const char **p, struct cache_month *out)
{
    int32_t year, month, last;
    *out = (struct cache_month){.table = **p == 'm' ? TD_STOCKS_MINUTE : TD_STOCKS_DAILY, .cut = TD_NO_DAY, .last = TD_NO_DAY,
                                .basis = "raw", .known = true};
    if (!take_char(p, 'm') && !take_char(p, 'd'))
        return false;
    if (!take_number(p, &year) || !take_char(p, '-') || !take_number(p, &month) || year < 1900 || year > 2200 || month < 1 || month > 12)
        return false;
    out->month = year * 12 + month - 1;
    td_day first = td_month_first(out->month);
    if (!take_char(p, ':') || !take_hex(p, &out->hash) || !take_char(p, ':'))
        return false;
    if (!take_char(p, 'x')) {
        if (!take_number(p, &last))
            return false;
        out->last = first + last;
    }
    return take_char(p, ':') && take_ranges(p, first, &out->vouched) && take_extras(p, first, out);
}

bool cache_months_parse(const char *text, struct cache_months *out)
{
    *out = (struct cache_months){0};
    const char *p = text;
    bool fine = take_hex(&p, &out->rules) && take_char(&p, '.') && take_hex(&p, &out->facts) && take_char(&p, '.') && take_hex(&p, &out->caps);
    while (fine && *p) {
        struct cache_month month = {0};
        fine = take_char(&p, ';') && out->count < MAX_MONTHS && take_month(&p, &month) && (*p == 0 || *p == ';') &&
               td_grow(&out->items, &out->cap, out->count + 1, sizeof month, NULL) == TD_OK;
        if (fine)
            out->items[out->count++] = month;
        else
            td_ranges_free(&month.vouched);
    }
    if (!fine)
        cache_months_free(out);
    return fine;
}

enum td_code cache_months_format(const struct cache_months *months, struct td_buf *out, struct td_err *err)
{
    td_buf_clear(out);
    td_buf_printf(out, "%016llx.%016llx.%016llx", (unsigned long long)months->rules, (unsigned long long)months->facts,
                  (unsigned long long)months->caps);
    for (size_t i = 0; i < months->count; i++) {
        const struct cache_month *m = &months->items[i];
        td_day first = td_month_first(m->month);
        td_buf_printf(out, ";%c%04d-%02d:%016llx:", m->table == TD_STOCKS_MINUTE ? 'm' : 'd', m->month / 12, m->month % 12 + 1,
                      (unsigned long long)m->hash);
        if (m->last == TD_NO_DAY)
            td_buf_adds(out, "x:");
        else
            td_buf_printf(out, "%d:", m->last - first);
        for (size_t k = 0; k < m->vouched.count; k++)
            td_buf_printf(out, "%s%d-%d", k ? "," : "", m->vouched.items[k].from - first, m->vouched.items[k].to - first);
        if (m->rest)
            td_buf_adds(out, ":r");
        if (m->outside)
            td_buf_adds(out, ":e");
        if (m->cut != TD_NO_DAY)
            td_buf_printf(out, ":%c%d", m->partial ? 'p' : 'c', m->cut - first);
        if (strcmp(m->basis, "raw") != 0)
            td_buf_printf(out, ":b%s", m->basis);
    }
    return td_buf_check(out, "the list of months", err);
}

/* ---- facts of one file ---- */

void cache_month_cut(const struct cache_data *cache, struct cache_month *month)
{
    bool running = month->last != TD_NO_DAY && month->last > cache->last_over;
    if (cache->options.preset == TD_PRESET_SEED && cache->options.partial) /* the last evening is the running day's in UTC */
        running = month->last != TD_NO_DAY && month->last >= cache->last_over;
    month->cut = running ? cache->last_over : TD_NO_DAY;
    month->partial = running && cache->options.partial;
}

enum td_code cache_month_fill(const struct cache_data *cache, struct cache_month *month, const struct td_bronze_info *info, struct td_err *err)
{
    enum td_code code = TD_OK;
    month->hash = info->hash;
    month->last = info->last_day;
    month->rest = strcmp(info->source, "rest") == 0;
    td_copy(month->basis, sizeof month->basis, info->adjusted);
    month->vouched.count = 0;
    for (size_t i = 0; code == TD_OK && i < info->vouched.count; i++)
        code = td_ranges_add(&month->vouched, info->vouched.items[i].from, info->vouched.items[i].to, err);
    cache_month_cut(cache, month);
    month->known = code == TD_OK;
    return code;
}

static bool elsewhere(const struct cache_data *cache, const struct cache_month *month)
{
    return *cache->intraday && month->table == TD_STOCKS_MINUTE;
}

enum td_code cache_month_look(const struct td_job *job, const char *ticker, struct cache_month *month, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    struct td_bronze_info info = {0};
    enum td_code code;
    if (elsewhere(cache, month))
        return td_intraday_hash(cache->intraday, ticker, month->month, &month->hash, err);
    code = td_bronze_stat(job->engine->lake, month->table, ticker, month->month, &info, err);
    if (code == TD_OK)
        code = cache_month_fill(cache, month, &info, err);
    td_bronze_info_free(&info);
    return code;
}

enum td_code cache_month_read(const struct td_job *job, struct cache_work *work, const char *ticker, struct cache_month *month,
                              struct job_result *result, struct td_err *err)
{
    const struct cache_data *cache = job->data;
    struct td_bronze_info info = {0};
    struct td_intraday_counts counts = {0};
    enum td_code code;
    work->bars.n = 0;
    if (elsewhere(cache, month))
        code = td_intraday_read(work->reader, cache->intraday, ticker, month->month, &work->bars, &info, &counts, err);
    else
        code = td_bronze_reader_read(work->reader, job->engine->lake, month->table, ticker, month->month, &work->bars, &info, err);
    if (code == TD_OK)
        code = cache_month_fill(cache, month, &info, err);
    td_bronze_info_free(&info);
    result->rows_read += elsewhere(cache, month) ? counts.rows : work->bars.n;
    result->rows_duplicate += counts.duplicates;
    for (size_t i = 1; i < TD_REASON_COUNT; i++)
        result->quarantined[i] += counts.quarantined[i];
    result->bytes += month->file->bytes;
    return code;
}

const struct cache_month *cache_months_find(const struct cache_months *months, enum td_table table, int32_t month)
{
    for (size_t i = 0; i < months->count; i++)
        if (months->items[i].table == table && months->items[i].month == month)
            return &months->items[i];
    return NULL;
}

bool cache_month_same(const struct cache_month *a, const struct cache_month *b)
{
    return a->hash == b->hash && a->hash != 0 && a->cut == b->cut && a->partial == b->partial;
}

bool cache_month_wide(const struct cache_month *month)
{
    const struct td_ranges *v = &month->vouched;
    return v->count && (v->items[0].from < td_month_first(month->month) || v->items[v->count - 1].to > td_month_last(month->month));
}

/* Bars that the vendor gave for a session it had not finished, and that nobody asked for again: the file has them but does not
 * vouch for their days. (A sparse import vouches for nothing: there it is unknown whether anything is missing.) */
static enum td_code add_incomplete(const struct cache_month *month, struct td_ranges *out, struct td_err *err)
{
    td_day end = month->vouched.count ? month->vouched.items[month->vouched.count - 1].to : td_month_first(month->month) - 1;
    if (month->table != TD_STOCKS_MINUTE || !month->rest || month->last == TD_NO_DAY || month->last <= end)
        return TD_OK;
    return td_ranges_add(out, end + 1, month->last, err);
}

enum td_code cache_months_vouched(const struct cache_months *months, struct ticker_facts *facts, struct td_err *err)
{
    enum td_code code = TD_OK;
    facts->vouched.count = facts->incomplete.count = 0;
    for (size_t i = 0; code == TD_OK && i < months->count; i++) {
        const struct td_ranges *v = &months->items[i].vouched;
        for (size_t k = 0; code == TD_OK && k < v->count; k++)
            code = td_ranges_add(&facts->vouched, v->items[k].from, v->items[k].to, err);
        if (code == TD_OK)
            code = add_incomplete(&months->items[i], &facts->incomplete, err);
    }
    return code;
}
