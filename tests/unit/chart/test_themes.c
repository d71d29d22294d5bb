/* SPDX-License-Identifier: GPL-3.0-or-later
 * The shipped themes: every role is there and none that does not exist, and what they show can be read: contrast after
 * WCAG 2.1 (relative luminance of sRGB colours), not by taste. */
#include <math.h>
#include <tapedeck/chart.h>
#include "check.h"

static const char *const names[] = {"dark", "light", "mono", "contrast", "colorblind"};

struct theme_file {
    struct td_arena arena;
    struct td_buf text;
    struct td_doc *doc;
};

static void load(struct theme_file *theme, const char *name)
{
    struct td_err err = {0};
    char path[64];
    snprintf(path, sizeof path, "themes/%s.yaml", name);
    td_arena_init(&theme->arena, 1 << 20);
    td_buf_init(&theme->text, 1 << 16);
    ASSERT_OK(td_file_read(path, 1 << 16, &theme->text, &err), err);
    ASSERT_OK(td_doc_parse(theme->text.data, theme->text.len, path, &theme->arena, &theme->doc, &err), err);
}

static void unload(struct theme_file *theme)
{
    td_buf_free(&theme->text);
    td_arena_free(&theme->arena);
}

static void test_every_role(void **state)
{
    (void)state;
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        struct theme_file theme;
        load(&theme, names[i]);
        assert_string_equal(td_doc_text(theme.doc, "name"), names[i]);
        const char *background = td_doc_text(theme.doc, "background");
        assert_true(background && (strcmp(background, "dark") == 0 || strcmp(background, "light") == 0));
        const struct td_doc *roles = td_doc_get(theme.doc, "roles");
        assert_non_null(roles);
        assert_int_equal(roles->count, TD_ROLE_COUNT); /* no more than ... */
        for (int role = 0; role < TD_ROLE_COUNT; role++) /* ... these, in the order of the table */
            assert_string_equal(roles->items[role]->key, td_role_name((enum td_role)role));
        unload(&theme);
    }
}

/* "#rrggbb" or one of the sixteen names with the value that most terminals give it; -1 = the terminal's own. */
static long colour(const char *text)
{
    static const struct {
        const char *name;
        long rgb;
    } table[] = {{"black", 0x000000}, {"white", 0xc0c0c0}, {"bright-white", 0xffffff}, {"bright-yellow", 0xffff00},
                 {"bright-cyan", 0x00ffff}, {"bright-green", 0x00ff00}, {"default", -1}};
    if (text[0] == '#' && strlen(text) == 7)
        return strtol(text + 1, NULL, 16);
    for (size_t i = 0; i < TD_COUNT(table); i++)
        if (strcmp(table[i].name, text) == 0)
            return table[i].rgb;
    fail_msg("'%s' is not a colour of this test", text);
    return -1;
}

static double luminance(long rgb)
{
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        double c = (double)(rgb >> (16 - 8 * i) & 255) / 255;
        sum += weights[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

static double contrast(long a, long b)
{
    double x = luminance(a) + 0.05, y = luminance(b) + 0.05;
    return x > y ? x / y : y / x;
}

/* What is read needs 4.5 (7 in the high-contrast theme), lines and marks 3, frames need only be seen. */
static double wanted(enum td_role role, const char *name)
{
    if (role == TD_ROLE_BORDER)
        return strcmp(name, "contrast") == 0 ? 7 : 2;
    if (role == TD_ROLE_VOLUME || role == TD_ROLE_PRE || role == TD_ROLE_CROSSHAIR || role == TD_ROLE_LINE1 ||
        role == TD_ROLE_LINE2 || role == TD_ROLE_LINE3)
        return strcmp(name, "contrast") == 0 ? 7 : 3;
    return strcmp(name, "contrast") == 0 ? 7 : 4.5;
}

static void test_contrast(void **state)
{
    (void)state;
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        struct theme_file theme;
        load(&theme, names[i]);
        const struct td_doc *text = td_doc_get(td_doc_get(theme.doc, "roles"), "text");
        const char *paper_text = td_doc_text(text, "bg");
        long paper = colour(paper_text ? paper_text : "default");
        bool light = strcmp(td_doc_text(theme.doc, "background"), "light") == 0, mono = strcmp(names[i], "mono") == 0;
        assert_int_equal(paper >= 0, !mono); /* readable on a terminal of the other kind: every colour theme paints its ground */
        if (!mono)
            assert_true((luminance(paper) > 0.5) == light);
        for (int role = 0; role < TD_ROLE_COUNT; role++) {
            const struct td_doc *look = td_doc_get(td_doc_get(theme.doc, "roles"), td_role_name((enum td_role)role));
            const char *fg_text = td_doc_text(look, "fg"), *bg_text = td_doc_text(look, "bg");
            long fg = colour(fg_text ? fg_text : "default"), bg = colour(bg_text ? bg_text : "default");
            if (fg < 0)
                continue; /* whatever the terminal's owner chose */
            double found = contrast(fg, bg >= 0 ? bg : paper);
            if (found < wanted((enum td_role)role, names[i]))
                fail_msg("themes/%s.yaml:%d: %s has a contrast of %.2f, wanted is %.1f", names[i], look->line,
                         td_role_name((enum td_role)role), found, wanted((enum td_role)role, names[i]));
        }
        unload(&theme);
    }
}

/* Candles and lines are drawn over the shaded phases, too. */
static void test_contrast_on_shade(void **state)
{
    (void)state;
    static const char *const roles[] = {"up", "down", "flat", "volume", "crosshair", "line1", "line2", "line3"};
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        struct theme_file theme;
        load(&theme, names[i]);
        const struct td_doc *all = td_doc_get(theme.doc, "roles");
        const char *shade = td_doc_text(td_doc_get(all, "pre"), "bg");
        for (size_t r = 0; shade && r < TD_COUNT(roles); r++) {
            double found = contrast(colour(td_doc_text(td_doc_get(all, roles[r]), "fg")), colour(shade));
            if (found < 3)
                fail_msg("themes/%s.yaml: %s has a contrast of %.2f on the shaded phases", names[i], roles[r], found);
        }
        unload(&theme);
    }
}

/* Up, down and flat differ in lightness or hue enough to be told apart where colours are used at all. */
static void test_direction(void **state)
{
    (void)state;
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        struct theme_file theme;
        load(&theme, names[i]);
        const struct td_doc *roles = td_doc_get(theme.doc, "roles");
        long up = colour(td_doc_text(td_doc_get(roles, "up"), "fg")), down = colour(td_doc_text(td_doc_get(roles, "down"), "fg"));
        if (strcmp(names[i], "mono") == 0) {
            assert_true(up == -1 && down == -1); /* no colours at all: sign and glyph tell */
        } else {
            long distance = 0;
            for (int shift = 0; shift <= 16; shift += 8)
                distance += labs((up >> shift & 255) - (down >> shift & 255));
            assert_true(distance > 150);
        }
        if (strcmp(names[i], "colorblind") == 0) /* blue against orange: the blue channel alone tells them apart */
            assert_true(labs((up & 255) - (down & 255)) > 150);
        unload(&theme);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_role),
        cmocka_unit_test(test_contrast),
        cmocka_unit_test(test_contrast_on_shade),
        cmocka_unit_test(test_direction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
