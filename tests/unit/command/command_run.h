/* SPDX-License-Identifier: GPL-3.0-or-later
 * Tests of commands: an application of its own in a scratch folder, command lines run in it, and what they said. */
#ifndef TAPEDECK_COMMAND_RUN_H
#define TAPEDECK_COMMAND_RUN_H

#include "check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tapedeck/command.h>

static char scratch[512];      /* the folder, which is also the working directory */
static struct td_buf said;     /* standard output of the last line */
static struct td_err complaint; /* its error */
static char notices[4096];     /* and its notices */

static inline void take_notice(void *ctx, const char *line)
{
    (void)ctx;
    size_t used = strlen(notices);
    td_snprintf(notices + used, sizeof notices - used, "%s\n", line);
}

/* Set-up and tear-down of a test: an empty folder without anybody's configuration. */
static inline int enter_scratch(void **state)
{
    (void)state;
    static const char *const unset[] = {"TAPEDECK_LAKE", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "MASSIVE_API_KEY",
                                        "POLYGON_API_KEY", "TAPEDECK_WORKERS", "TAPEDECK_GLYPHS"};
    const char *tmp = getenv("TMPDIR");
    td_snprintf(scratch, sizeof scratch, "%s/td-command-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(scratch) || chdir(scratch) != 0)
        return -1;
    setenv("HOME", scratch, 1);
    setenv("XDG_CACHE_HOME", scratch, 1);
    setenv("TAPEDECK_NOW", "2025-12-08T15:00:00Z", 1);
    for (size_t i = 0; i < TD_COUNT(unset); i++)
        unsetenv(unset[i]);
    td_buf_init(&said, (size_t)16 << 20);
    return 0;
}

static inline int leave_scratch(void **state)
{
    (void)state;
    char path[600];
    td_snprintf(path, sizeof path, "%s/FORMAT", scratch); /* remove the folder as if it were a lake */
    td_publish_bytes(path, "tapedeck-lake 1\n", 16, NULL);
    td_buf_free(&said);
    return chdir("/") == 0 && td_lake_remove(scratch, NULL) == TD_OK ? 0 : -1;
}

static inline void put_file(const char *path, const char *text)
{
    struct td_err err = {0};
    ASSERT_OK(td_publish_bytes(path, text, strlen(text), &err), err);
}

/* One process run: a fresh application, one line, and its end. `config` may be NULL. */
static inline enum td_code run_line_in(const char *config, const char *line)
{
    struct td_app app;
    complaint = (struct td_err){0};
    *notices = 0;
    td_buf_clear(&said);
    enum td_code code = td_app_init(&app, config, &complaint);
    if (code != TD_OK)
        return code;
    app.notice = take_notice;
    struct td_out out = {.write = td_out_to_buf, .ctx = &said};
    code = td_command_line(&app, line, &out, &complaint);
    td_app_free(&app);
    return code;
}

static inline enum td_code run_line(const char *line)
{
    return run_line_in(NULL, line);
}

#define GOES(line)                                                                                                     \
    do {                                                                                                               \
        enum td_code code_ = run_line(line);                                                                           \
        if (code_ != TD_OK)                                                                                            \
            fail_msg("%s: %s: %s", line, td_code_name(code_), complaint.text);                                         \
    } while (0)
#define FAILS(line, want)                                                                                              \
    do {                                                                                                               \
        enum td_code code_ = run_line(line);                                                                           \
        if (code_ != (want))                                                                                           \
            fail_msg("%s: %s instead of %s: %s", line, td_code_name(code_), td_code_name(want), complaint.text);       \
    } while (0)
#define HOLDS(text, needle)                                                                                            \
    do {                                                                                                               \
        const char *text_ = (text);                                                                                    \
        if (!text_ || !strstr(text_, needle))                                                                          \
            fail_msg("'%s' is not in: %s", needle, text_ ? text_ : "nothing");                                         \
    } while (0)
#define LACKS(text, needle)                                                                                            \
    do {                                                                                                               \
        const char *text_ = (text);                                                                                    \
        if (text_ && strstr(text_, needle))                                                                            \
            fail_msg("'%s' is in: %s", needle, text_);                                                                 \
    } while (0)

#endif
