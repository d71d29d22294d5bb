/* SPDX-License-Identifier: GPL-3.0-or-later
 * tty_glyph: box, block and braille characters in terms of what every terminal can show. */
#include <stddef.h>

#include <tapedeck/base.h>

#include "tty_glyph.h"

enum screen_line screen_line_of(uint32_t ch)
{
    static const struct {
        uint16_t ch;
        uint8_t line;
    } map[] = {
        {0x2500, LINE_HORIZONTAL},  {0x2502, LINE_VERTICAL},     {0x250C, LINE_TOP_LEFT},  {0x2510, LINE_TOP_RIGHT},
        {0x2514, LINE_BOTTOM_LEFT}, {0x2518, LINE_BOTTOM_RIGHT}, {0x251C, LINE_LEFT_TEE},  {0x2524, LINE_RIGHT_TEE},
        {0x252C, LINE_TOP_TEE},     {0x2534, LINE_BOTTOM_TEE},   {0x253C, LINE_CROSS},
    };
    for (size_t i = 0; i < TD_COUNT(map); i++)
        if (map[i].ch == ch)
            return (enum screen_line)map[i].line;
    return LINE_NONE;
}

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
    if (ch >= 0x2501 && ch <= 0x257F)
        return ch == 0x2503 || ch == 0x257D || ch == 0x257F || ch == 0x257B || ch == 0x2579 ? '+' : '|';
    if (ch > 0x2800 && ch <= 0x28FF)
        return ':';
    return '?';
}
