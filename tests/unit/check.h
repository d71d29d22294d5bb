/* SPDX-License-Identifier: GPL-3.0-or-later
 * Common ground of the unit tests: cmocka, and the way to shared data that is not part of the project. */
#ifndef TAPEDECK_TESTS_CHECK_H
#define TAPEDECK_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <tapedeck/base.h>

/* Path of a shared file, or NULL when the shared data is absent: the test then calls skip(). */
static inline const char *shared_path(const char *relative)
{
    static char path[4][1024];
    static unsigned turn;
    const char *root = getenv("TAPEDECK_SHARED");
    char *out = path[turn++ % 4];
    snprintf(out, sizeof path[0], "%s/%s", root && *root ? root : "../shared", relative);
    return access(out, R_OK) == 0 ? out : NULL;
}
#define SHARED_OR_SKIP(var, relative)                                                                                  \
    const char *var = shared_path(relative);                                                                           \
    do {                                                                                                               \
        if (!var) {                                                                                                    \
            print_message("skipped: no shared file %s (set TAPEDECK_SHARED)\n", relative);                              \
            skip();                                                                                                    \
        }                                                                                                              \
    } while (0)
/* Expect TD_OK and show the message otherwise. */
#define ASSERT_OK(call, err)                                                                                           \
    do {                                                                                                               \
        enum td_code assert_code_ = (call);                                                                            \
        if (assert_code_ != TD_OK)                                                                                     \
            fail_msg("%s: %s: %s", #call, td_code_name(assert_code_), (err).text);                                     \
    } while (0)

#endif
