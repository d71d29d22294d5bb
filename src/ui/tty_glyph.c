/* SPDX-License-Identifier: GPL-3.0-or-later
 * tty_glyph: box, block and braille characters in terms of ASCII. Not the line-drawing set of the terminal: where the
 * locale is not UTF-8, what the terminal makes of it is anybody's guess, and a frame of letters is garbage. */
#include <stddef.h>

#include <tapedeck/base.h>

#include "tty_glyph.h"

uint32_t screen_ascii_of(uint32_t ch)
{
    if (ch < 0x7F)
        return ch;
    if (ch == 0xA0 || ch == 0x2800)
        return ' ';
    if (ch == 0xB7 || ch == 0x2026)
        return '.';
    if (ch == 0x2190)
        return '<';
    if (ch == 0x2192)
        return '>';
    if (ch == 0x25B2 || ch == 0x2191)
        return '^';
    if (ch == 0x25BC || ch == 0x2193)
        return 'v';
    if (ch == 0x2588)
        return '#';
    if (ch > 0x2580 && ch < 0x2588)
        return ":.-=+*%#"[ch - 0x2580];
    if (ch == 0x2580 || (ch >= 0x2589 && ch <= 0x259F))
        return ':';
    if (ch == 0x2500)
        return '-';
    if (ch == 0x2502)
        return '|';
    if (ch >= 0x250C && ch <= 0x254B)
        return '+';
    if (ch >= 0x2501 && ch <= 0x257F)
        return ch == 0x2503 || ch == 0x257D || ch == 0x257F || ch == 0x257B || ch == 0x2579 ? '+' : '|';
    if (ch > 0x2800 && ch <= 0x28FF)
        return ':';
    return '?';
}
