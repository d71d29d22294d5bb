/* SPDX-License-Identifier: GPL-3.0-or-later
 * validate_rank: the ranking on disk against days counted anew from bronze and screened here a second time, and against itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "validate.h"

#define WINDOW_SESSIONS 252

static int by_ticker(const void *a, const void *b)
{
    const struct td_topn_row *x = a, *y = b;
    return strcmp(x->ticker, y->ticker);
}

static enum td_code copy_rows(const struct td_rows *from, struct td_rows *out, struct td_err *err)
{
    *out = (struct td_rows){.size = from->size};
    enum td_code code = td_grow(&out->items, &out->cap, from->count + 1, sizeof(struct td_topn_row), err);
    if (code != TD_OK)
        return code;
    if (from->count)
        memcpy(out->items, from->items, from->count * sizeof(struct td_topn_row));
    out->count = from->count;
    return TD_OK;
}

/* Sessions of the window that have a watchlist and that the cache still spans. */
static enum td_code read_built(const struct td_lake *lake, struct validation *val, struct td_err *err)
{
    struct ranking *ranking = &val->ranking;
    struct td_days all = {0};
    int32_t last = td_cal_index_at_or_before(ranking->as_of);
    ranking->from = td_cal_day(last >= WINDOW_SESSIONS ? last - WINDOW_SESSIONS + 1 : 0);
    enum td_code code = td_watch_days(lake, &all, err);
    for (size_t i = 0; code == TD_OK && i < all.count; i++)
        if (all.items[i] >= ranking->from && all.items[i] <= ranking->as_of && all.items[i] >= val->first && all.items[i] <= val->last)
            code = td_days_add(&ranking->built, all.items[i], err);
    td_days_free(&all);
    return code;
}

enum td_code ranking_read(const struct td_lake *lake, struct validation *val, struct td_err *err)
{
    struct ranking *ranking = &val->ranking;
    char path[1200], day[128] = "", thresholds[128] = "";
    struct td_rows again = {0};
    td_snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.parquet", td_lake_root(lake));
    if (!td_file_exists(path)) {
        td_copy(ranking->note, sizeof ranking->note, "there is no ranking yet: 'tapedeck universe build'");
        return TD_OK;
    }
    enum td_code code = td_table_read(path, &td_topn_record, &ranking->rows, "tapedeck.as_of", day, err);
    if (code == TD_OK)
        code = td_table_read(path, &td_topn_record, &again, "tapedeck.thresholds", thresholds, err);
    td_rows_free(&again);
    if (code == TD_OK && !td_parse_day(day, strlen(day), &ranking->as_of))
        code = td_fail(err, TD_DATA, "%s: tapedeck.as_of '%.20s' is not a day; 'tapedeck universe topn' makes it anew", path, day);
    if (code == TD_OK)
        code = copy_rows(&ranking->rows, &ranking->by_ticker, err);
    if (code == TD_OK && ranking->by_ticker.count > 1)
        qsort(ranking->by_ticker.items, ranking->by_ticker.count, sizeof(struct td_topn_row), by_ticker);
    if (code == TD_OK)
        code = read_built(lake, val, err);
    ranking->comparable = code == TD_OK && strcmp(thresholds, val->thresholds) == 0;
    if (code == TD_OK && !ranking->comparable)
        td_snprintf(ranking->note, sizeof ranking->note,
                    "ranked under other rules (%s, now %s): only its order was judged; 'tapedeck universe build' makes it anew",
                    thresholds, val->thresholds);
    return code;
}

void ranking_free(struct ranking *ranking)
{
    td_rows_free(&ranking->rows);
    td_rows_free(&ranking->by_ticker);
    td_days_free(&ranking->built);
    *ranking = (struct ranking){0};
}

/* ---- a second screen ---- */

/* Is `value` one of the names of a comma-separated list? An empty list holds everything. */
static bool in_list(const char *list, const char *value)
{
    bool any = false;
    for (const char *at = list; *at;) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ","), word = len;
        while (word && at[word - 1] == ' ')
            word--;
        if (word && strlen(value) == word && strncmp(at, value, word) == 0)
            return true;
        any = any || word;
        at += len;
    }
    return !any;
}

static bool list_passes(const char *list, const char *value, bool unknown_passes)
{
    return *value ? in_list(list, value) : unknown_passes || in_list(list, "");
}

/* The listing that was alive on the day; of several the youngest. */
static const struct td_ticker_row *listing_on(const struct validation *val, const char *ticker, td_day day)
{
    size_t count;
    const struct td_ticker_row *rows = job_reference_find(&val->reference.tickers, ticker, &count), *best = NULL;
    for (size_t i = 0; i < count; i++) {
        bool alive = rows[i].list_date <= day && (rows[i].delisted == TD_NO_DAY || day <= rows[i].delisted);
        if (alive && (!best || rows[i].list_date >= best->list_date))
            best = &rows[i];
    }
    return best;
}

static bool is_listed(const struct validation *val, const char *ticker, const struct proof_day *day)
{
    const struct td_thresholds *t = &val->options.screen.thresholds;
    const struct td_membership *m = &val->options.screen.membership;
    const struct td_ticker_row *listing = listing_on(val, ticker, day->day);
    if (!(day->close >= t->min_price && day->close <= t->max_price))
        return false;
    if (t->cap_max > 0 && (isnan(day->cap) ? !m->cap_unknown_pass : day->cap > t->cap_max))
        return false;
    if ((m->drop_test_tickers && td_is_test_ticker(ticker)) || (m->drop_split_suspect && day->suspect))
        return false;
    return list_passes(m->types, listing ? listing->type : "", m->type_unknown_pass) &&
           list_passes(m->exchanges, listing ? listing->exchange : "", m->type_unknown_pass);
}

static bool is_info_rich(const struct validation *val, const struct proof_day *day)
{
    const struct td_thresholds *t = &val->options.screen.thresholds;
    return day->rvol30 >= t->rvol && fabs(day->pctchg) >= t->pctchg && day->dollars >= t->dvol;
}

/* ---- the checks ---- */

static struct td_finding rank_finding(const char *ticker, const char *what, double expected, double found, double weight)
{
    struct td_finding out = {.check = TD_CHECK_RANKING, .day = TD_NO_DAY, .expected = expected, .found = found, .weight = weight};
    td_copy(out.ticker, sizeof out.ticker, ticker);
    td_copy(out.what, sizeof out.what, what);
    return out;
}

static enum td_code compare_ranked(const struct validation *val, const char *ticker, const struct td_topn_row *want,
                                   const struct td_topn_row *have, struct verdict *out, struct td_err *err)
{
    struct td_finding finding;
    out->judged[TD_CHECK_RANKING]++;
    if (!want && !have) {
        out->good[TD_CHECK_RANKING]++;
        return TD_OK;
    }
    if (!want || !have) {
        finding = rank_finding(ticker, "listed", want ? want->days_info_rich_252 : TD_NO_F64,
                               have ? have->days_info_rich_252 : TD_NO_F64, 1000);
        td_copy(finding.note, sizeof finding.note, want ? "has a listed day but no rank" : "ranked without a listed day");
        return verdict_add(out, &finding, err);
    }
    double off = fabs((double)want->days_info_rich_252 - (double)have->days_info_rich_252);
    if (off > 0) {
        finding = rank_finding(ticker, "days_info_rich_252", want->days_info_rich_252, have->days_info_rich_252, off);
        td_copy(finding.note, sizeof finding.note, "info-rich days of the window, counted from bronze");
        return verdict_add(out, &finding, err);
    }
    if (want->last_seen != have->last_seen || have->sessions_covered != val->ranking.built.count) {
        bool seen = want->last_seen != have->last_seen;
        finding = rank_finding(ticker, seen ? "last_seen" : "sessions_covered", (double)val->ranking.built.count,
                               have->sessions_covered, 1);
        if (seen) {
            char text[2][16] = {"", ""};
            td_format_day(want->last_seen, text[0]);
            td_format_day(have->last_seen, text[1]);
            finding.day = want->last_seen;
            finding.expected = finding.found = TD_NO_F64;
            td_snprintf(finding.note, sizeof finding.note, "last listed on %s, not on %s", text[0], text[1]);
        }
        return verdict_add(out, &finding, err);
    }
    out->good[TD_CHECK_RANKING]++;
    return TD_OK;
}

enum td_code check_ranking(const struct validation *val, const char *ticker, const struct proof *proof,
                           const struct td_rows *cached, struct verdict *out, struct td_err *err)
{
    const struct ranking *ranking = &val->ranking;
    struct td_topn_row key = {0}, want = {.last_seen = TD_NO_DAY};
    if (!ranking->comparable)
        return TD_OK;
    td_copy(key.ticker, sizeof key.ticker, ticker);
    for (size_t i = 0; i < ranking->built.count; i++) {
        const struct proof_day *found = proof_find(proof, ranking->built.items[i]);
        if (!found)
            continue;
        struct proof_day day = *found;
        lend_history(cached, &day);
        if (!is_listed(val, ticker, &day))
            continue;
        want.last_seen = day.day;
        want.days_info_rich_252 += is_info_rich(val, &day);
    }
    const struct td_topn_row *have = ranking->by_ticker.count ? bsearch(&key, ranking->by_ticker.items, ranking->by_ticker.count,
                                                                        sizeof key, by_ticker)
                                                              : NULL;
    return compare_ranked(val, ticker, want.last_seen == TD_NO_DAY ? NULL : &want, have, out, err);
}

/* Every row stands where its numbers put it, carries its place, and is of a ticker that the cache has. */
static enum td_code check_places(const struct validation *val, struct verdict *out, struct td_err *err)
{
    const struct td_topn_row *rows = val->ranking.rows.items;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < val->ranking.rows.count; i++) {
        const struct td_topn_row *row = &rows[i], *above = i ? row - 1 : NULL;
        bool below = !above || above->days_info_rich_252 > row->days_info_rich_252 ||
                     (above->days_info_rich_252 == row->days_info_rich_252 &&
                      (above->last_seen > row->last_seen ||
                       (above->last_seen == row->last_seen && strcmp(above->ticker, row->ticker) < 0)));
        bool known = td_manifest_find(&val->manifest, row->ticker) != NULL, placed = row->rank == i + 1;
        out->judged[TD_CHECK_RANKING]++;
        out->good[TD_CHECK_RANKING] += below && known && placed;
        if (below && known && placed)
            continue;
        struct td_finding finding = rank_finding(row->ticker, !known ? "ticker" : placed ? "order" : "rank", (double)i + 1, row->rank, 1);
        td_copy(finding.note, sizeof finding.note, !known   ? "the cache knows no such ticker"
                                                   : placed ? "stands below a row that it should stand above"
                                                            : "its rank is not its place");
        code = verdict_add(out, &finding, err);
    }
    return code;
}

/* The CSV is the first rows of the table. Tickers there are plain or in double quotes. */
static enum td_code check_csv(const struct td_lake *lake, const struct validation *val, struct verdict *out, struct td_err *err)
{
    const struct td_topn_row *rows = val->ranking.rows.items;
    char path[1200];
    struct td_buf text;
    size_t line = 0;
    enum td_code code = TD_OK;
    td_buf_init(&text, (size_t)64 << 20);
    td_snprintf(path, sizeof path, "%s/universe/info_rich/topN_12m.csv", td_lake_root(lake));
    bool read = td_file_read(path, (size_t)64 << 20, &text, NULL) == TD_OK;
    for (size_t at = 0; code == TD_OK && read && at < text.len; line++) {
        size_t len = strcspn(text.data + at, "\n");
        char want[96], day[16];
        if (line > 0) {
            bool there = line <= val->ranking.rows.count;
            td_format_day(there ? rows[line - 1].last_seen : 0, day);
            td_snprintf(want, sizeof want, "%s,%u,%s", there ? rows[line - 1].ticker : "", there ? rows[line - 1].days_info_rich_252 : 0, day);
            bool quoted = text.data[at] == '"', same = there && (quoted || (strlen(want) == len && memcmp(text.data + at, want, len) == 0));
            out->judged[TD_CHECK_RANKING]++;
            out->good[TD_CHECK_RANKING] += same;
            struct td_finding finding = rank_finding(there ? rows[line - 1].ticker : "", "csv", TD_NO_F64, TD_NO_F64, 1);
            td_snprintf(finding.note, sizeof finding.note, "line %zu of topN_12m.csv is not row %zu of the table", line + 1, line);
            code = same ? TD_OK : verdict_add(out, &finding, err);
        }
        at += len + 1;
    }
    if (code == TD_OK && !read) {
        struct td_finding finding = rank_finding("", "csv", TD_NO_F64, TD_NO_F64, 1);
        td_copy(finding.note, sizeof finding.note, "topN_12m.csv is missing; 'tapedeck universe topn' makes it");
        out->judged[TD_CHECK_RANKING]++;
        code = verdict_add(out, &finding, err);
    }
    td_buf_free(&text);
    return code;
}

enum td_code check_ranking_order(const struct td_lake *lake, const struct validation *val, struct verdict *out, struct td_err *err)
{
    if (!val->ranking.rows.size) /* none was read */
        return TD_OK;
    enum td_code code = check_places(val, out, err);
    return code == TD_OK ? check_csv(lake, val, out, err) : code;
}
