/* SPDX-License-Identifier: GPL-3.0-or-later
 * coverage_map: ticker x month, every session known or unknown, from what the bronze files hold and vouch for. A session is a
 * bit: a month has at most 23. */
#include <stdlib.h>
#include <string.h>
#include "lake_internal.h"

#define BATCH_ROWS 16384
#define TICKERS_MAX 200000

struct month_days { /* sessions of the months of a map, turned into UTC once */
    int64_t start[32], end[32]; /* exchange midnight of each session and of the day after */
    td_day day[32];
    unsigned count;
};

struct coverage_work {
    const struct td_lake *lake;
    struct td_coverage *map;
    struct month_days *days; /* one a month of the map */
    struct td_bronze_list files;
    struct td_rows listings; /* by ticker */
    size_t listing;          /* the first one of this ticker or a later one: tickers are read in order */
    int64_t *stamps;
};

static td_day newest_over(void)
{
    td_day today;
    int32_t ms;
    td_ny_split(td_now_ms(), &today, &ms);
    int32_t index = td_cal_index_at_or_before(today);
    if (index >= 0 && td_cal_close_ms(td_cal_day(index)) > td_now_ms())
        index--;
    return index < 0 ? TD_NO_DAY : td_cal_day(index);
}

/* ---- one file ---- */

static uint32_t range_bits(const struct month_days *days, td_day from, td_day to)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < days->count; i++)
        bits |= (uint32_t)(days->day[i] >= from && days->day[i] <= to) << i;
    return bits;
}

/* Bars ascend, so a session is left once and for all. */
static uint32_t stamp_bits(const struct month_days *days, const int64_t *stamps, size_t count, unsigned *at)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < count && *at < days->count; i++) {
        while (*at < days->count && stamps[i] >= days->end[*at])
            ++*at;
        if (*at < days->count && stamps[i] >= days->start[*at])
            bits |= UINT32_C(1) << *at;
    }
    return bits;
}

/* The sessions with bars: only the column of times is decoded. */
static enum td_code read_traded(const char *path, const struct month_days *days, int64_t *stamps, uint32_t *bits,
                                struct td_err *err)
{
    struct td_pq_file *file = NULL;
    struct td_pq_reader *reader = NULL;
    int column = -1;
    unsigned at = 0;
    *bits = 0;
    enum td_code code = td_pq_open(path, NULL, &file, err);
    if (code == TD_OK) {
        column = td_pq_find(file, "timestamp");
        const struct td_pq_column *have = column >= 0 ? td_pq_column_at(file, (size_t)column) : NULL;
        if (!have || have->type != TD_PQ_INT64 || have->logical != TD_PQ_TIMESTAMP || have->unit != TD_PQ_MILLIS)
            code = td_fail(err, TD_DATA, "%s: no column 'timestamp' in milliseconds", path);
    }
    if (code == TD_OK)
        code = td_pq_reader_new(file, &column, 1, &reader, err);
    for (size_t got = BATCH_ROWS; code == TD_OK && got > 0;) {
        struct td_pq_array array = {stamps, NULL};
        code = td_pq_read(reader, &array, BATCH_ROWS, &got, err);
        if (code == TD_OK)
            *bits |= stamp_bits(days, stamps, got, &at);
    }
    td_pq_reader_free(reader);
    td_pq_close(file);
    return code;
}

static enum td_code read_cell(struct coverage_work *work, const struct td_bronze_file *file, struct td_coverage_cell *cell,
                              struct td_err *err)
{
    const struct month_days *days = &work->days[file->month - work->map->month];
    struct td_bronze_info info;
    struct td_buf path;
    struct td_err why = {0};
    td_buf_init(&path, 2048);
    enum td_code code = td_bronze_stat(work->lake, work->map->table, file->ticker, file->month, &info, &why);
    for (size_t i = 0; code == TD_OK && i < info.vouched.count; i++)
        cell->vouched |= range_bits(days, info.vouched.items[i].from, info.vouched.items[i].to);
    if (code == TD_OK && strcmp(info.source, "rest") != 0)
        cell->fill = TD_FILL_IMPORT;
    if (code == TD_OK)
        code = td_bronze_path(work->lake, work->map->table, file->ticker, file->month, &path, &why);
    if (code == TD_OK && info.rows > 0)
        code = read_traded(path.data, days, work->stamps, &cell->traded, &why);
    td_bronze_info_free(&info);
    td_buf_free(&path);
    if (code == TD_DATA || code == TD_UNSUPPORTED || code == TD_MISSING) {
        *cell = (struct td_coverage_cell){.fill = code == TD_MISSING ? TD_FILL_INGEST : TD_FILL_REPAIR};
        return TD_OK;
    }
    if (code != TD_OK && err)
        *err = why;
    return code;
}

/* ---- one ticker ---- */

/* Sessions of the map in which the ticker was listed; all of them where nothing is known of it. */
static void life_of(struct coverage_work *work, const char *ticker, struct td_coverage_cell *cells)
{
    const struct td_ticker_row *rows = work->listings.items;
    const struct td_coverage *map = work->map;
    bool known = false;
    while (work->listing < work->listings.count && strcmp(rows[work->listing].ticker, ticker) < 0)
        work->listing++;
    for (size_t i = work->listing; i < work->listings.count && strcmp(rows[i].ticker, ticker) == 0; i++) {
        known = true;
        td_day from = rows[i].list_date > map->from ? rows[i].list_date : map->from; /* TD_NO_DAY is the smallest day */
        td_day to = rows[i].delisted != TD_NO_DAY && rows[i].delisted < map->to ? rows[i].delisted : map->to;
        for (size_t m = 0; m < map->months; m++)
            cells[m].life |= range_bits(&work->days[m], from, to);
    }
    for (size_t m = 0; !known && m < map->months; m++)
        cells[m].life = range_bits(&work->days[m], map->from, map->to);
}

static size_t first_file(const struct td_bronze_list *files, const char *ticker)
{
    size_t low = 0, high = files->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(files->items[mid].ticker, ticker) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static enum td_code read_ticker(struct coverage_work *work, size_t row, struct td_err *err)
{
    struct td_coverage *map = work->map;
    const char *ticker = map->tickers.items[row];
    struct td_coverage_cell *cells = map->cells + row * map->months;
    enum td_code code = TD_OK;
    for (size_t i = first_file(&work->files, ticker);
         code == TD_OK && i < work->files.count && strcmp(work->files.items[i].ticker, ticker) == 0; i++) {
        int32_t month = work->files.items[i].month;
        if (month >= map->month && month < map->month + (int32_t)map->months)
            code = read_cell(work, &work->files.items[i], &cells[month - map->month], err);
    }
    life_of(work, ticker, cells);
    for (size_t m = 0; m < map->months; m++) {
        cells[m].traded &= range_bits(&work->days[m], map->from, map->to);
        cells[m].life |= cells[m].traded;
        const struct td_coverage_counts n = td_coverage_count(map, row, m);
        map->sessions += n.sessions;
        map->traded += n.traded;
        map->empty += n.empty;
        map->unknown += n.unknown;
    }
    return code;
}

/* ---- the map ---- */

static enum td_code choose_tickers(struct coverage_work *work, const struct td_coverage_options *options, struct td_err *err)
{
    struct td_names *names = &work->map->tickers;
    const struct td_bronze_list *files = &work->files;
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < options->ticker_count; i++)
        code = td_ticker_valid(options->tickers[i])
                   ? td_names_add(names, options->tickers[i], strlen(options->tickers[i]), err)
                   : td_fail(err, TD_USAGE, "--tickers: '%.40s' is no ticker", options->tickers[i]);
    for (size_t i = 0; code == TD_OK && options->ticker_count == 0 && i < files->count; i++)
        if (i == 0 || strcmp(files->items[i].ticker, files->items[i - 1].ticker) != 0)
            code = td_names_add(names, files->items[i].ticker, strlen(files->items[i].ticker), err);
    td_names_sort_unique(names);
    if (code == TD_OK && names->count > TICKERS_MAX)
        code = td_fail(err, TD_LIMIT, "more than %d tickers; name some with --tickers", TICKERS_MAX);
    return code;
}

/* Sessions that some file of the table knows about, where the caller leaves an end open. */
static enum td_code known_range(struct coverage_work *work, td_day *from, td_day *to, struct td_err *err)
{
    const struct td_bronze_list *files = &work->files;
    int32_t first = INT32_MAX, last = INT32_MIN;
    *from = INT32_MAX;
    *to = TD_NO_DAY;
    for (size_t i = 0; i < files->count; i++) {
        first = files->items[i].month < first ? files->items[i].month : first;
        last = files->items[i].month > last ? files->items[i].month : last;
    }
    enum td_code code = TD_OK;
    for (size_t i = 0; code == TD_OK && i < files->count; i++) {
        const struct td_bronze_file *file = &files->items[i];
        struct td_bronze_info info;
        struct td_err why = {0};
        if (file->month != first && file->month != last)
            continue; /* only months at the ends decide */
        code = td_bronze_stat(work->lake, work->map->table, file->ticker, file->month, &info, &why);
        if (code == TD_OK && info.rows > 0 && info.vouched.count == 0 && td_month_first(file->month) < *from)
            *from = td_month_first(file->month); /* a sparse import does not say where it begins */
        for (size_t k = 0; code == TD_OK && k < info.vouched.count; k++) {
            *from = info.vouched.items[k].from < *from ? info.vouched.items[k].from : *from;
            *to = info.vouched.items[k].to > *to ? info.vouched.items[k].to : *to;
        }
        if (code == TD_OK && info.last_day > *to)
            *to = info.last_day;
        td_bronze_info_free(&info);
        if (code == TD_DATA || code == TD_UNSUPPORTED || code == TD_MISSING)
            code = TD_OK; /* its cell will say so */
        else if (code != TD_OK && err)
            *err = why;
    }
    if (files->count && *from > td_month_last(first))
        *from = td_month_first(first);
    if (files->count && *to < td_month_first(last))
        *to = td_month_last(last);
    return code;
}

static enum td_code settle_range(struct coverage_work *work, const struct td_coverage_options *options, struct td_err *err)
{
    struct td_coverage *map = work->map;
    td_day from = options->from, to = options->to, known_from, known_to;
    enum td_code code = TD_OK;
    if (from == TD_NO_DAY || to == TD_NO_DAY) {
        code = known_range(work, &known_from, &known_to, err);
        from = from == TD_NO_DAY ? known_from : from;
        to = to == TD_NO_DAY ? known_to : to;
    }
    if (code != TD_OK)
        return code;
    map->over = newest_over();
    to = to > map->over ? map->over : to;
    int32_t first = to < from ? -1 : td_cal_index_at_or_after(from), last = td_cal_index_at_or_before(to);
    if (first < 0 || last < first)
        return td_fail(err, TD_MISSING, "%s: no session that is over lies in the range; give another with -s and -e",
                       td_table_name(map->table));
    map->from = td_cal_day(first);
    map->to = td_cal_day(last);
    map->month = td_month_of(map->from);
    map->months = (size_t)(td_month_of(map->to) - map->month + 1);
    return TD_OK;
}

static enum td_code make_room(struct coverage_work *work, struct td_err *err)
{
    struct td_coverage *map = work->map;
    map->cells = td_calloc(map->tickers.count * map->months, sizeof *map->cells); /* 200,000 x 552 at most */
    work->days = td_calloc(map->months, sizeof *work->days);
    work->stamps = td_malloc(BATCH_ROWS * sizeof *work->stamps);
    if (!map->cells || !work->days || !work->stamps)
        return td_fail(err, TD_NOMEM, "out of memory: coverage of %zu tickers x %zu months", map->tickers.count, map->months);
    for (size_t m = 0; m < map->months; m++) {
        struct month_days *days = &work->days[m];
        int32_t month = map->month + (int32_t)m;
        for (td_day day = td_month_first(month); day <= td_month_last(month); day++)
            if (td_cal_index(day) >= 0) {
                days->day[days->count] = day;
                days->start[days->count] = td_ny_midnight(day);
                days->end[days->count++] = td_ny_midnight(day + 1);
            }
    }
    return TD_OK;
}

static int compare_listings(const void *a, const void *b)
{
    const struct td_ticker_row *x = a, *y = b;
    return strcmp(x->ticker, y->ticker);
}

static enum td_code read_listings(struct coverage_work *work, struct td_err *err)
{
    struct td_buf path;
    td_buf_init(&path, 2048);
    work->listings = (struct td_rows){.size = sizeof(struct td_ticker_row)};
    enum td_code code = td_reference_path(work->lake, "tickers", &path, err);
    if (code == TD_OK && td_file_exists(path.data))
        code = td_table_read(path.data, &td_ticker_record, &work->listings, NULL, NULL, err);
    if (code == TD_OK && work->listings.count > 1)
        qsort(work->listings.items, work->listings.count, work->listings.size, compare_listings);
    td_buf_free(&path);
    return code;
}

enum td_code td_coverage_read(const struct td_lake *lake, const struct td_coverage_options *options, struct td_coverage *out,
                              struct td_err *err)
{
    *out = (struct td_coverage){.table = options->table, .from = TD_NO_DAY, .to = TD_NO_DAY};
    struct coverage_work work = {.lake = lake, .map = out};
    enum td_code code = td_bronze_scan(lake, options->table, &work.files, err);
    if (code == TD_OK && work.files.count == 0 && (options->ticker_count == 0 || options->from == TD_NO_DAY || options->to == TD_NO_DAY))
        code = td_fail(err, TD_MISSING, "%s: no %s yet; bring some in with 'tapedeck ingest -t %s -s DATE -e DATE --tickers A,B'",
                       td_lake_root(lake), td_table_name(options->table), td_table_name(options->table));
    if (code == TD_OK)
        code = choose_tickers(&work, options, err);
    if (code == TD_OK)
        code = settle_range(&work, options, err);
    if (code == TD_OK)
        code = read_listings(&work, err);
    if (code == TD_OK)
        code = make_room(&work, err);
    for (size_t i = 0; code == TD_OK && i < out->tickers.count; i++) {
        bool stop = options->stopped && options->stopped(options->ctx);
        code = stop ? td_fail(err, TD_CANCELLED, "interrupted") : read_ticker(&work, i, err);
    }
    td_bronze_list_free(&work.files);
    td_rows_free(&work.listings);
    td_free(work.days);
    td_free(work.stamps);
    if (code != TD_OK)
        td_coverage_free(out);
    return code;
}

void td_coverage_free(struct td_coverage *coverage)
{
    td_names_free(&coverage->tickers);
    td_free(coverage->cells);
    *coverage = (struct td_coverage){.from = TD_NO_DAY, .to = TD_NO_DAY};
}

static td_day session_at(int32_t month, int bit)
{
    return td_cal_day(td_cal_index_at_or_after(td_month_first(month)) + bit);
}

struct td_coverage_counts td_coverage_count(const struct td_coverage *coverage, size_t ticker, size_t month)
{
    const struct td_coverage_cell *cell = &coverage->cells[ticker * coverage->months + month];
    uint32_t traded = cell->life & cell->traded, empty = cell->life & cell->vouched & ~cell->traded;
    uint32_t unknown = cell->life & ~(cell->traded | cell->vouched);
    struct td_coverage_counts out = {.sessions = (unsigned)__builtin_popcount(cell->life),
                                     .traded = (unsigned)__builtin_popcount(traded),
                                     .empty = (unsigned)__builtin_popcount(empty),
                                     .unknown = (unsigned)__builtin_popcount(unknown),
                                     .hole_from = TD_NO_DAY,
                                     .hole_to = TD_NO_DAY};
    if (unknown) {
        out.hole_from = session_at(coverage->month + (int32_t)month, __builtin_ctz(unknown));
        out.hole_to = session_at(coverage->month + (int32_t)month, 31 - __builtin_clz(unknown));
    }
    return out;
}

char td_coverage_glyph(const struct td_coverage_counts *counts)
{
    if (counts->sessions == 0)
        return ' ';
    if (counts->unknown == 0)
        return counts->traded ? '#' : 'o';
    if (counts->unknown == counts->sessions)
        return '.';
    unsigned tenths = (counts->sessions - counts->unknown) * 10 / counts->sessions;
    return (char)('0' + (tenths < 1 ? 1 : tenths));
}
