/* SPDX-License-Identifier: GPL-3.0-or-later
 * What stands behind a row of the daily cache: the rows of its window, the bars of its day by phase, and the file they are in. */
#include <math.h>
#include <string.h>
#include "explain.h"

#define WINDOW_ROWS 30

enum td_code explain_put(struct td_sheet *sheet, const char *rule, double value, const char *text, const char *threshold,
                         enum explain_verdict verdict, const char *note, struct td_err *err)
{
    static const char *const words[] = {"fail", "pass", "info"};
    const struct td_cell none = {.kind = TD_KIND_NULL};
    const struct td_cell cells[] = {
        {.kind = TD_KIND_STR, .v.s = td_str_of(rule)},
        {.kind = isnan(value) ? TD_KIND_NULL : TD_KIND_F64, .v.f = value},
        text && *text ? (struct td_cell){.kind = TD_KIND_STR, .v.s = td_str_of(text)} : none,
        threshold && *threshold ? (struct td_cell){.kind = TD_KIND_STR, .v.s = td_str_of(threshold)} : none,
        {.kind = TD_KIND_STR, .v.s = td_str_of(words[verdict])},
        {.kind = TD_KIND_STR, .v.s = td_str_of(note)}};
    return td_sheet_row(sheet, cells, err);
}

/* ---- the window ---- */

struct window { /* rows of one life, the day's last */
    size_t from, to; /* from..to inclusive */
    size_t skipped;  /* running sessions in between: they serve no later row */
};

static bool is_running(const struct td_daily_row *row)
{
    return td_flags_parse(row->flags) & TD_FLAG(PARTIAL_SESSION);
}

static struct window find_window(const struct td_daily_row *rows, size_t at)
{
    struct window window = {at, at, 0};
    size_t used = 1;
    while (window.from > 0 && used < WINDOW_ROWS && !(td_flags_parse(rows[window.from].flags) & TD_FLAG(NEW_LISTING))) {
        window.from--;
        if (is_running(&rows[window.from]))
            window.skipped++;
        else
            used++;
    }
    return window;
}

enum td_code explain_window(const struct td_daily_row *rows, size_t at, struct td_sheet *sheet, struct td_err *err)
{
    struct window window = find_window(rows, at);
    double volumes[WINDOW_ROWS * 2], factors[WINDOW_ROWS * 2], sum = 0, factor = 1;
    size_t known = 0, n = window.to - window.from + 1;
    char note[120], day[16], text[48];
    if (n > TD_COUNT(volumes)) /* more running rows than a window: nobody admits so many */
        n = TD_COUNT(volumes);
    for (size_t i = 0; i < n; i++) { /* from the day back: shares of then become shares of the day */
        const struct td_daily_row *row = &rows[window.to - i];
        factors[i] = factor;
        volumes[i] = row->vol_d * factor;
        factor *= row->split_factor;
    }
    for (size_t i = n; i > 0; i--) /* sums run in time order */
        if (!isnan(volumes[i - 1]) && (i == 1 || !is_running(&rows[window.to - i + 1]))) {
            sum += volumes[i - 1];
            known++;
        }
    td_format_day(rows[window.from].trading_day, day);
    td_snprintf(text, sizeof text, "%zu of %zu rows", known, n - window.skipped);
    td_snprintf(note, sizeof note, "mean volume of the window from %s on; %s", day,
                n - window.skipped < WINDOW_ROWS ? (td_flags_parse(rows[window.from].flags) & TD_FLAG(NEW_LISTING) ? "the listing begins there"
                                                                                                                  : "the history begins there")
                                                 : "the newest 30 rows");
    enum td_code code = explain_put(sheet, "window", known ? sum / (double)known : TD_NO_F64, text, NULL, EXPLAIN_INFO, note, err);
    for (size_t i = n; code == TD_OK && i > 0; i--) {
        const struct td_daily_row *row = &rows[window.to - i + 1];
        td_format_day(row->trading_day, text);
        if (i > 1 && is_running(row))
            td_snprintf(note, sizeof note, "a running session: it serves no other row");
        else if (isnan(row->vol_d))
            td_snprintf(note, sizeof note, "volume unknown: out of the mean");
        else if (factors[i - 1] != 1)
            td_snprintf(note, sizeof note, "%.15g shares then, x %.6g by the splits since", row->vol_d, factors[i - 1]);
        else
            td_snprintf(note, sizeof note, "shares, %s", row->split_factor != 1 ? "the first row after a split" : "as traded");
        code = explain_put(sheet, "window row", volumes[i - 1], text, NULL, EXPLAIN_INFO, note, err);
    }
    return code;
}

/* ---- the bars ---- */

struct phase_sum { size_t bars, unknown; double volume; };

static enum td_code put_phases(const struct td_bars *bars, td_day day, struct td_sheet *sheet, struct td_err *err)
{
    static const char *const names[] = {[TD_PHASE_OFF] = "bars off hours", [TD_PHASE_PRE] = "bars pre-market", [TD_PHASE_REGULAR] = "bars regular",
                                        [TD_PHASE_POST] = "bars after hours", [TD_PHASE_NO_SESSION] = "bars of no session"};
    struct phase_sum sums[TD_COUNT(names)] = {0};
    enum td_code code = TD_OK;
    for (size_t i = 0; i < bars->n; i++) {
        td_day at;
        int32_t ms;
        td_ny_split(bars->ts[i], &at, &ms);
        struct phase_sum *sum = &sums[td_cal_phase(day, ms / (int32_t)TD_MS_MINUTE)];
        sum->bars++;
        sum->unknown += isnan(bars->volume[i]);
        sum->volume += isnan(bars->volume[i]) ? 0 : bars->volume[i];
    }
    for (size_t p = 0; code == TD_OK && p < TD_COUNT(names); p++) {
        char note[120];
        bool counts = p == TD_PHASE_PRE || p == TD_PHASE_REGULAR || p == TD_PHASE_POST;
        if (!counts && !sums[p].bars)
            continue;
        td_snprintf(note, sizeof note, "minute bars; volume %.15g%s%s", sums[p].volume, sums[p].unknown ? ", unknown in some" : "",
                    counts ? "" : "; preset session leaves them out");
        code = explain_put(sheet, names[p], (double)sums[p].bars, NULL, NULL, EXPLAIN_INFO, note, err);
    }
    return code;
}

/* The file the bars are in, and what it says of itself. */
static enum td_code put_file(const struct td_lake *lake, enum td_table table, const char *ticker, td_day day, struct td_sheet *sheet,
                             struct td_err *err)
{
    struct td_bronze_info info = {0};
    struct td_buf path;
    char note[200];
    td_buf_init(&path, 2048);
    enum td_code code = td_bronze_path(lake, table, ticker, td_month_of(day), &path, err);
    if (code == TD_OK)
        code = td_bronze_stat(lake, table, ticker, td_month_of(day), &info, err);
    size_t root = strlen(td_lake_root(lake));
    const char *below = path.data && path.len > root ? path.data + root + 1 : "";
    if (code == TD_OK) {
        td_snprintf(note, sizeof note, "%lld bars from %s, prices %s; %s", (long long)info.rows, info.source, info.adjusted,
                    td_ranges_cover(&info.vouched, day, day) ? "complete for the day" : "not vouched for the day");
        code = explain_put(sheet, "source", TD_NO_F64, below, NULL, EXPLAIN_INFO, note, err);
    } else if (code == TD_MISSING) {
        code = explain_put(sheet, "source", TD_NO_F64, below, NULL, EXPLAIN_INFO,
                           "no such file: bars of another name of this company, or taken away since; 'tapedeck cache build' tells", err);
    }
    td_bronze_info_free(&info);
    td_buf_free(&path);
    return code;
}

enum td_code explain_day(const struct td_lake *lake, const struct td_daily_row *row, struct td_sheet *sheet, struct td_err *err)
{
    bool of_day = row->bars_from && strcmp(row->bars_from, "day") == 0;
    enum td_table table = of_day ? TD_STOCKS_DAILY : TD_STOCKS_MINUTE;
    struct td_bars bars = {0};
    enum td_code code = td_bronze_range(lake, table, row->ticker, row->trading_day, row->trading_day, &bars, NULL, err);
    if (code == TD_MISSING)
        code = TD_OK; /* the row of the file says it */
    if (code == TD_OK && !of_day)
        code = put_phases(&bars, row->trading_day, sheet, err);
    for (size_t i = 0; code == TD_OK && of_day && i < bars.n; i++)
        code = explain_put(sheet, "daily bar", bars.volume[i], NULL, NULL, EXPLAIN_INFO, "its volume, all phases", err);
    td_bars_free(&bars);
    return code == TD_OK ? put_file(lake, table, row->ticker, row->trading_day, sheet, err) : code;
}
