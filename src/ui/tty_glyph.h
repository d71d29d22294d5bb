/* SPDX-License-Identifier: GPL-3.0-or-later
 * tty_glyph: what stands in for a character that the terminal's character set lacks. Pure. */
#ifndef TAPEDECK_UI_TTY_GLYPH_H
#define TAPEDECK_UI_TTY_GLYPH_H

#include <stdint.h>

uint32_t screen_ascii_of(uint32_t ch); /* the nearest ASCII character, '?' when there is none */

#endif
