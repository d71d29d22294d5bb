/* SPDX-License-Identifier: GPL-3.0-or-later
 * What to do about an error: lower rooms name the cause; the command knows the lake and the commands that mend it. */
#include <string.h>
#include "command_internal.h"

/* Is the text about a Parquet file of this folder of the lake? */
static bool names_file_of(const struct td_app *app, const char *text, const char *folder)
{
    char place[1100];
    const char *at = *app->lake_root && td_snprintf(place, sizeof place, "%s/%s/", app->lake_root, folder)
                         ? strstr(text, place)
                         : NULL;
    return at && strstr(at, ".parquet");
}

static bool says_any(const char *text, const char *const *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, phrases[i]))
            return true;
    return false;
}

/* Files that cannot be read as what they should be: everything right of a damaged one can be made anew from it. */
static const char *for_data(const struct td_app *app, const char *text)
{
    static const char *const other[] = {"Permission denied", "No space left", "run 'tapedeck", "--replace"};
    if (says_any(text, other, TD_COUNT(other)))
        return NULL;
    if (names_file_of(app, text, "bronze"))
        return "set the file aside and bring its bars in again with 'tapedeck ingest' or 'tapedeck import'";
    if (names_file_of(app, text, "cache"))
        return "'tapedeck cache build --rebuild' makes it anew";
    return names_file_of(app, text, "universe") ? "'tapedeck universe build' makes it anew" : NULL;
}

static const char *for_code(const struct td_app *app, enum td_code code, const char *text)
{
    static const char *const locked_out[] = {"Read-only file system", "Permission denied"};
    if (code == TD_FULL && !strstr(text, "make room"))
        return "make room and run it again; what was finished is kept";
    if (code == TD_IO && *app->lake_root && strstr(text, app->lake_root) &&
        says_any(text, locked_out, TD_COUNT(locked_out)))
        return "make the lake writable for this user or name another with --lake";
    if (code == TD_NETWORK)
        return "check the connection and the address (--base-url, base_url), then run it again; 'tapedeck doctor "
               "--network' tries it";
    return code == TD_DATA || code == TD_UNSUPPORTED || code == TD_UNITS ? for_data(app, text) : NULL;
}

void command_advise(const struct td_app *app, enum td_code code, struct td_err *err)
{
    const char *advice = code != TD_OK && err ? for_code(app, code, err->text) : NULL;
    size_t used = advice ? strlen(err->text) : 0;
    if (advice && used && used + 2 + strlen(advice) < sizeof err->text)
        td_snprintf(err->text + used, sizeof err->text - used, "; %s", advice);
}
