/* SPDX-License-Identifier: GPL-3.0-or-later
 * job, private: queries for the deck. */
#ifndef TAPEDECK_JOB_QUERY_H
#define TAPEDECK_JOB_QUERY_H

struct td_engine;
void query_drop_all(struct td_engine *engine); /* at the engine's end: forget the records; args are their owners' */

#endif
