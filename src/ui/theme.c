/* SPDX-License-Identifier: GPL-3.0-or-later
 * theme: theme files (YAML) and the way down from direct colour to 256, 16, 8 and none. */
#include <string.h>

#include "theme.h"

/* The text every parse starts from; themes/dark.yaml says the same in a file. */
static const struct {
    enum td_role role;
    int32_t fg, bg;
    unsigned attr, mono;
} builtin[] = {
    {TD_ROLE_TEXT, 0xd0d0d0, 0x121212, 0, 0},
    {TD_ROLE_DIM, 0x8a8a8a, THEME_DEFAULT, 0, 0},
    {TD_ROLE_TITLE, 0xffd787, THEME_DEFAULT, TD_ATTR_BOLD, TD_ATTR_BOLD},
    {TD_ROLE_BORDER, 0x5f5f5f, THEME_DEFAULT, 0, 0},
    {TD_ROLE_FOCUS, 0x5fafff, THEME_DEFAULT, TD_ATTR_BOLD, TD_ATTR_BOLD},
    {TD_ROLE_CURSOR, 0xffffff, 0x005f87, TD_ATTR_BOLD, TD_ATTR_REVERSE},
    {TD_ROLE_HEADER, 0x87afd7, THEME_DEFAULT, TD_ATTR_BOLD, TD_ATTR_UNDERLINE},
    {TD_ROLE_UP, 0x5fd787, THEME_DEFAULT, 0, 0},
    {TD_ROLE_DOWN, 0xff5f5f, THEME_DEFAULT, 0, 0},
    {TD_ROLE_FLAT, 0xbcbcbc, THEME_DEFAULT, 0, 0},
    {TD_ROLE_VOLUME, 0x5f87af, THEME_DEFAULT, 0, 0},
    {TD_ROLE_AXIS, 0x9e9e9e, THEME_DEFAULT, 0, 0},
    {TD_ROLE_CROSSHAIR, 0xffff87, THEME_DEFAULT, 0, TD_ATTR_BOLD},
    {TD_ROLE_LINE1, 0xffaf5f, THEME_DEFAULT, 0, 0},
    {TD_ROLE_LINE2, 0xaf87ff, THEME_DEFAULT, 0, 0},
    {TD_ROLE_LINE3, 0x5fd7d7, THEME_DEFAULT, 0, 0},
    {TD_ROLE_PRE, 0x8a8a8a, 0x262626, 0, 0},
    {TD_ROLE_GOOD, 0x5fd787, THEME_DEFAULT, 0, 0},
    {TD_ROLE_WARN, 0xffd75f, THEME_DEFAULT, TD_ATTR_BOLD, TD_ATTR_BOLD},
    {TD_ROLE_ERROR, 0xff5f5f, THEME_DEFAULT, TD_ATTR_BOLD, TD_ATTR_BOLD | TD_ATTR_REVERSE},
    {TD_ROLE_PROMPT, 0xffffff, THEME_DEFAULT, 0, 0},
    {TD_ROLE_STATUS, 0xeeeeee, 0x303030, 0, TD_ATTR_REVERSE},
};

void theme_builtin(struct theme *out)
{
    *out = (struct theme){.name = "dark"};
    for (size_t i = 0; i < TD_ROLE_COUNT; i++)
        out->looks[i] = (struct theme_look){.fg = THEME_DEFAULT, .bg = THEME_DEFAULT};
    for (size_t i = 0; i < TD_COUNT(builtin); i++)
        out->looks[builtin[i].role] =
            (struct theme_look){.fg = builtin[i].fg, .bg = builtin[i].bg, .attr = builtin[i].attr, .mono = builtin[i].mono};
}

static const char *const depth_names[] = {"mono", "8 colours", "16 colours", "256 colours", "direct colour"};

const char *theme_depth_name(enum theme_depth depth)
{
    return (size_t)depth < TD_COUNT(depth_names) ? depth_names[depth] : "?";
}

/* ---- colours ---- */

/* The sixteen colours as xterm has them: what other terminals show is near enough for a choice. */
static const int32_t ansi[16] = {0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
                                 0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff};

static int32_t palette_rgb(int index)
{
    static const int levels[6] = {0, 95, 135, 175, 215, 255};
    if (index < 16)
        return ansi[index];
    if (index >= 232) {
        int gray = 8 + (index - 232) * 10;
        return gray << 16 | gray << 8 | gray;
    }
    int cube = index - 16;
    return levels[cube / 36] << 16 | levels[cube / 6 % 6] << 8 | levels[cube % 6];
}

/* Weighted distance: the eye sees green best. */
static int distance(int32_t a, int32_t b)
{
    int red = (a >> 16 & 255) - (b >> 16 & 255), green = (a >> 8 & 255) - (b >> 8 & 255), blue = (a & 255) - (b & 255);
    return 3 * red * red + 4 * green * green + 2 * blue * blue;
}

static int chroma(int32_t rgb)
{
    int red = rgb >> 16 & 255, green = rgb >> 8 & 255, blue = rgb & 255;
    int high = red > green ? red : green, low = red < green ? red : green;
    return (high > blue ? high : blue) - (low < blue ? low : blue);
}

static int nearest(int32_t rgb, int from, int to)
{
    int best = from, best_distance = INT32_MAX;
    for (int i = from; i < to; i++) {
        int d = distance(rgb, palette_rgb(i));
        if (d < best_distance) {
            best_distance = d;
            best = i;
        }
    }
    return best;
}

/* With sixteen colours a pale hue must stay a hue (green is what "up" means): the channels that stand out of its gray part
 * choose it, and only then the nearer of the plain and the bright one. */
static int nearest_ansi(int32_t rgb)
{
    int red = rgb >> 16 & 255, green = rgb >> 8 & 255, blue = rgb & 255, range = chroma(rgb);
    if (range <= 60) {
        static const int grays[] = {0, 8, 7, 15};
        int best = 0;
        for (size_t i = 1; i < TD_COUNT(grays); i++)
            if (distance(rgb, ansi[grays[i]]) < distance(rgb, ansi[grays[best]]))
                best = (int)i;
        return grays[best];
    }
    int low = red < green ? red : green;
    low = blue < low ? blue : low;
    int hue = (2 * (red - low) > range ? 1 : 0) | (2 * (green - low) > range ? 2 : 0) | (2 * (blue - low) > range ? 4 : 0);
    return distance(rgb, ansi[hue]) <= distance(rgb, ansi[hue + 8]) ? hue : hue + 8;
}

int theme_color(int32_t rgb, enum theme_depth depth)
{
    if (rgb < 0)
        return -1;
    switch (depth) {
    case THEME_DIRECT: return rgb;
    case THEME_256: return nearest(rgb, 16, 256); /* 0..15 are the user's own and may be anything */
    case THEME_16: return nearest_ansi(rgb);
    case THEME_8: {
        int color = nearest_ansi(rgb);
        return color == 8 ? 7 : color % 8; /* dark gray would be black on black */
    }
    case THEME_MONO: break;
    }
    return -1;
}

/* -1 = the terminal's own. Where the depth leaves one number for both, black or white stands on it. */
struct theme_pair theme_pair(const struct theme *theme, enum td_role role, enum td_role ground, enum theme_depth depth)
{
    int32_t bg = theme->looks[ground].bg >= 0 ? theme->looks[ground].bg : theme->looks[TD_ROLE_TEXT].bg;
    struct theme_pair pair = {theme_color(theme->looks[role].fg, depth), theme_color(bg, depth)};
    if (pair.fg >= 0 && pair.fg == pair.bg && theme->looks[role].fg != bg)
        pair.fg = theme_color(distance(bg, 0) > distance(bg, 0xffffff) ? 0 : 0xffffff, depth);
    return pair;
}

static bool parse_hex(const char *text, int32_t *out)
{
    if (text[0] != '#' || strlen(text) != 7)
        return false;
    int32_t value = 0;
    for (int i = 1; i < 7; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0)
            return false;
        value = value * 16 + digit;
    }
    *out = value;
    return true;
}

static bool parse_color(const char *text, int32_t *out)
{
    static const char *const names[16] = {"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white",
                                          "gray", "bright-red", "bright-green", "bright-yellow", "bright-blue",
                                          "bright-magenta", "bright-cyan", "bright-white"};
    int64_t index;
    if (!text)
        return false;
    if (strcmp(text, "default") == 0) {
        *out = THEME_DEFAULT;
        return true;
    }
    if (td_parse_i64(text, strlen(text), &index) && index >= 0 && index < 256) {
        *out = palette_rgb((int)index);
        return true;
    }
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = ansi[i];
            return true;
        }
    }
    return parse_hex(text, out);
}

/* ---- files ---- */

struct theme_parse {
    const char *name; /* of the file, for messages */
    struct theme *theme;
    struct td_err *err;
};

static enum td_code bad(const struct theme_parse *parse, const struct td_doc *node, const char *what)
{
    return td_fail(parse->err, TD_CONFIG, "%s:%d: %s%s%s", parse->name, node->line, node->key ? node->key : "",
                   node->key ? ": " : "", what);
}

static bool attr_bit(const char *text, unsigned *bits)
{
    static const struct {
        const char *name;
        unsigned bit;
    } attrs[] = {{"bold", TD_ATTR_BOLD}, {"reverse", TD_ATTR_REVERSE}, {"underline", TD_ATTR_UNDERLINE}, {"none", 0}};
    for (size_t i = 0; text && i < TD_COUNT(attrs); i++) {
        if (strcmp(text, attrs[i].name) == 0) {
            *bits |= attrs[i].bit;
            return true;
        }
    }
    return false;
}

/* "bold" or [bold, underline] */
static enum td_code parse_attrs(const struct theme_parse *parse, const struct td_doc *node, unsigned *out)
{
    unsigned bits = 0;
    bool ok = node->kind == TD_DOC_SCALAR && attr_bit(node->text, &bits);
    if (node->kind == TD_DOC_LIST) {
        ok = true;
        for (size_t i = 0; i < node->count; i++)
            ok = ok && node->items[i]->kind == TD_DOC_SCALAR && attr_bit(node->items[i]->text, &bits);
    }
    if (!ok)
        return bad(parse, node, "expected bold, reverse, underline or none, or a list of them");
    *out = bits;
    return TD_OK;
}

static enum td_code parse_look_key(const struct theme_parse *parse, const struct td_doc *node, struct theme_look *look)
{
    if (strcmp(node->key, "attr") == 0)
        return parse_attrs(parse, node, &look->attr);
    if (strcmp(node->key, "mono") == 0)
        return parse_attrs(parse, node, &look->mono);
    int32_t *slot = strcmp(node->key, "fg") == 0 ? &look->fg : strcmp(node->key, "bg") == 0 ? &look->bg : NULL;
    if (!slot)
        return bad(parse, node, "unknown key; a role has fg, bg, attr and mono");
    if (node->kind != TD_DOC_SCALAR || !parse_color(node->text, slot))
        return bad(parse, node, "expected a colour: \"#rrggbb\", 0..255, a name such as bright-green, or default");
    return TD_OK;
}

static enum td_code parse_role(const struct theme_parse *parse, const struct td_doc *node)
{
    struct theme_look *look = NULL;
    for (size_t i = 0; i < TD_ROLE_COUNT; i++)
        if (node->key && strcmp(node->key, td_role_name((enum td_role)i)) == 0)
            look = &parse->theme->looks[i];
    if (!look)
        return bad(parse, node, "no role of this name");
    if (look == &parse->theme->looks[TD_ROLE_TEXT])
        look->bg = THEME_DEFAULT; /* whoever colours the text chooses its paper too: the built-in one may not suit it */
    if (node->kind == TD_DOC_SCALAR)
        return parse_color(node->text, &look->fg) ? TD_OK : bad(parse, node, "expected a colour");
    if (node->kind != TD_DOC_MAP)
        return bad(parse, node, "expected a colour or a map of fg, bg, attr and mono");
    enum td_code code = TD_OK;
    for (size_t i = 0; i < node->count && code == TD_OK; i++)
        code = parse_look_key(parse, node->items[i], look);
    return code;
}

static enum td_code parse_top(const struct theme_parse *parse, const struct td_doc *node)
{
    if (!node->key)
        return bad(parse, node, "expected name, background and roles");
    if (strcmp(node->key, "name") == 0 && node->kind == TD_DOC_SCALAR) {
        td_copy(parse->theme->name, sizeof parse->theme->name, node->text ? node->text : "");
        return TD_OK;
    }
    if (strcmp(node->key, "background") == 0 && node->kind == TD_DOC_SCALAR && node->text) {
        parse->theme->light = strcmp(node->text, "light") == 0;
        return parse->theme->light || strcmp(node->text, "dark") == 0 ? TD_OK : bad(parse, node, "expected dark or light");
    }
    if (strcmp(node->key, "roles") != 0 || node->kind != TD_DOC_MAP)
        return bad(parse, node, "unknown key; a theme has name, background and roles");
    enum td_code code = TD_OK;
    for (size_t i = 0; i < node->count && code == TD_OK; i++)
        code = parse_role(parse, node->items[i]);
    return code;
}

enum td_code theme_parse(const char *text, size_t len, const char *name, struct theme *out, struct td_err *err)
{
    struct td_arena arena;
    struct td_doc *doc = NULL;
    struct theme theme;
    struct theme_parse parse = {.name = name, .theme = &theme, .err = err};
    theme_builtin(&theme);
    td_arena_init(&arena, 4 << 20);
    enum td_code code = td_doc_parse(text, len, name, &arena, &doc, err);
    if (code == TD_OK && (!doc || doc->kind != TD_DOC_MAP))
        code = td_fail(err, TD_CONFIG, "%s:1: a theme is a map with name, background and roles", name);
    for (size_t i = 0; code == TD_OK && i < doc->count; i++)
        code = parse_top(&parse, doc->items[i]);
    if (code == TD_OK)
        *out = theme;
    td_arena_free(&arena);
    return code;
}
