/* SPDX-License-Identifier: GPL-3.0-or-later
 * theme: what each role looks like, as colours a terminal of any depth can be given. Pure but for td theme files, which
 * are read off the UI thread. */
#ifndef TAPEDECK_UI_THEME_H
#define TAPEDECK_UI_THEME_H

#include <tapedeck/chart.h>

#define THEME_DEFAULT (-1) /* the terminal's own colour */

struct theme_look {
    int32_t fg, bg; /* 0xRRGGBB or THEME_DEFAULT */
    unsigned attr;  /* TD_ATTR_* */
    unsigned mono;  /* TD_ATTR_* where there are no colours */
};
struct theme {
    char name[32];
    bool light;
    struct theme_look looks[TD_ROLE_COUNT];
};

enum theme_depth { THEME_MONO, THEME_8, THEME_16, THEME_256, THEME_DIRECT };
const char *theme_depth_name(enum theme_depth depth);

/* The theme the program carries inside: used when no file is found. */
void theme_builtin(struct theme *out);
/* Parse the text of a theme file over the built-in one. Unknown roles and keys, colours that are none: TD_CONFIG with
 * file:line. Any thread. */
enum td_code theme_parse(const char *text, size_t len, const char *name, struct theme *out, struct td_err *err);
/* Find NAME.yaml in the user's and the shipped theme folders and parse it; does I/O. TD_MISSING names the known ones. */
enum td_code theme_load(const char *name, struct theme *out, struct td_err *err);
/* Names of all theme files, sorted; does I/O. */
enum td_code theme_names(struct td_names *out, struct td_err *err);
/* The nearest colour number of a palette: DIRECT gives 0xRRGGBB back, MONO and THEME_DEFAULT give -1. */
int theme_color(int32_t rgb, enum theme_depth depth);

/* The two colour numbers of a role drawn on the ground of another (mostly its own): a role without a ground of its own
 * stands on that of TD_ROLE_TEXT, the theme's paper. -1 = the terminal's own. */
struct theme_pair {
    int fg, bg;
};
struct theme_pair theme_pair(const struct theme *theme, enum td_role role, enum td_role ground, enum theme_depth depth);

#endif
