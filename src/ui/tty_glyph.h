/* SPDX-License-Identifier: GPL-3.0-or-later
 * tty_glyph: what stands in for a character that the terminal's character set lacks. Pure. */
#ifndef TAPEDECK_UI_TTY_GLYPH_H
#define TAPEDECK_UI_TTY_GLYPH_H

#include <stdint.h>

enum screen_line { LINE_NONE, LINE_HORIZONTAL, LINE_VERTICAL, LINE_TOP_LEFT, LINE_TOP_RIGHT, LINE_BOTTOM_LEFT, LINE_BOTTOM_RIGHT,
                   LINE_LEFT_TEE, LINE_RIGHT_TEE, LINE_TOP_TEE, LINE_BOTTOM_TEE, LINE_CROSS };
enum screen_line screen_line_of(uint32_t ch); /* LINE_NONE: no box character */
uint32_t screen_ascii_of(uint32_t ch);        /* the nearest ASCII character, '?' when there is none */

#endif
