/* SPDX-License-Identifier: GPL-3.0-or-later
 * The program's entry. */
#include "cli.h"

int main(int argc, char **argv)
{
    return td_cli_main(argc, (const char *const *)argv);
}
