/* SPDX-License-Identifier: GPL-3.0-or-later
 * cli, private: the program as a function, so that tests can call it. */
#ifndef TAPEDECK_CLI_H
#define TAPEDECK_CLI_H

/* Runs one invocation of tapedeck; returns the exit status. Blocks SIGINT, SIGTERM and SIGHUP for the process. */
int td_cli_main(int argc, const char *const *argv);

#endif
