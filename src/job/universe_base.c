/* SPDX-License-Identifier: GPL-3.0-or-later
 * What every universe job begins with: the screen and its hash, the cache's manifest, and the sessions that have lists. */
#include <string.h>
#include "universe.h"

static enum td_code read_manifest(struct universe_base *base, const struct td_lake *lake, struct td_err *err)
{
    enum td_code code = td_manifest_read(lake, &base->manifest, err);
    if (code == TD_MISSING)
        return td_fail(err, TD_MISSING, "%s: no daily cache yet; run 'tapedeck cache build' first", td_lake_root(lake));
    if (code == TD_OK && base->manifest.stopped)
        return td_fail(err, TD_MISSING, "%s: the newest cache build was stopped before its end; finish it with 'tapedeck cache build --incremental'",
                       td_lake_root(lake));
    td_copy(base->preset, sizeof base->preset, base->manifest.preset);
    return code;
}

static enum td_code find_sessions(struct universe_base *base, struct td_err *err)
{
    base->first = INT32_MAX;
    base->last = TD_NO_DAY;
    for (size_t i = 0; i < base->manifest.count; i++) {
        const struct td_cache_entry *entry = &base->manifest.entries[i];
        if (entry->rows == 0)
            continue;
        base->first = entry->first < base->first ? entry->first : base->first;
        base->last = entry->last > base->last ? entry->last : base->last;
    }
    if (base->last == TD_NO_DAY)
        return td_fail(err, TD_MISSING, "the daily cache is empty; run 'tapedeck ingest' or 'tapedeck import', then 'tapedeck cache build'");
    return TD_OK;
}

enum td_code universe_base_init(struct universe_base *base, const struct td_lake *lake, const struct td_screen *screen, struct td_err *err)
{
    *base = (struct universe_base){.screen = *screen};
    if (!td_copy(base->types, sizeof base->types, screen->membership.types) ||
        !td_copy(base->exchanges, sizeof base->exchanges, screen->membership.exchanges))
        return td_fail(err, TD_CONFIG, "membership.types or membership.exchanges is too long");
    base->screen.membership.types = base->types;
    base->screen.membership.exchanges = base->exchanges;
    td_screen_hash(&base->screen, base->thresholds);
    enum td_code code = read_manifest(base, lake, err);
    return code == TD_OK ? find_sessions(base, err) : code;
}

void universe_base_free(struct universe_base *base)
{
    td_manifest_free(&base->manifest);
}

enum td_code universe_built(const struct universe_base *base, const struct td_lake *lake, struct td_days *out, struct td_err *err)
{
    size_t kept = 0;
    enum td_code code = td_watch_days(lake, out, err);
    if (code != TD_OK)
        return code;
    for (size_t i = 0; i < out->count; i++)
        if (out->items[i] >= base->first && out->items[i] <= base->last)
            out->items[kept++] = out->items[i];
    if (kept < out->count)
        td_log(TD_LOG_WARN, "job", "%zu watchlists lie outside the sessions of the cache and are left out of the rankings",
               out->count - kept);
    out->count = kept;
    return kept ? TD_OK : td_fail(err, TD_MISSING, "no watchlists to rank; run 'tapedeck universe build' first");
}
