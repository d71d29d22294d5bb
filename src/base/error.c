/* SPDX-License-Identifier: GPL-3.0-or-later
 * Error values: filling, wrapping, exit statuses. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tapedeck/base.h>

static const struct {
    const char *name, *text;
    int status;
} codes[] = {
#define CODE_ROW(name, status, text) [TD_##name] = {#name, text, status},
    TD_CODES(CODE_ROW)
#undef CODE_ROW
};

int td_exit_status(enum td_code code)
{
    return (size_t)code < TD_COUNT(codes) ? codes[code].status : 7;
}

const char *td_code_name(enum td_code code)
{
    return (size_t)code < TD_COUNT(codes) ? codes[code].name : "?";
}

const char *td_code_text(enum td_code code)
{
    return (size_t)code < TD_COUNT(codes) ? codes[code].text : "?";
}

/* One line, no secrets: messages end on screens, in logs and in the journal. */
static void tidy(struct td_err *err)
{
    for (char *p = err->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    td_redact(err->text);
}

static void vfail(struct td_err *err, enum td_code code, const char *fmt, va_list args) TD_PRINTF(3, 0);
static void vfail(struct td_err *err, enum td_code code, const char *fmt, va_list args)
{
    char text[sizeof err->text]; /* the arguments may point into err->text */
    vsnprintf(text, sizeof text, fmt, args);
    err->code = code;
    td_copy(err->text, sizeof err->text, text);
    tidy(err);
}

enum td_code td_fail(struct td_err *err, enum td_code code, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        vfail(err, code, fmt, args);
        va_end(args);
    }
    return code;
}

static enum td_code code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT: return TD_FULL;
    case ENOENT:
    case ENOTDIR: return TD_MISSING;
    case ENOMEM: return TD_NOMEM;
    case EINTR: return TD_CANCELLED;
    default: return TD_IO;
    }
}

enum td_code td_fail_errno(struct td_err *err, int errnum, const char *fmt, ...)
{
    enum td_code code = code_of_errno(errnum);
    if (err) {
        va_list args;
        va_start(args, fmt);
        vfail(err, code, fmt, args);
        va_end(args);
        char reason[128] = "";
        const char *text = strerror_r(errnum, reason, sizeof reason);
        size_t len = strlen(err->text);
        snprintf(err->text + len, sizeof err->text - len, ": %s", text);
    }
    return code;
}

enum td_code td_context(struct td_err *err, const char *fmt, ...)
{
    if (!err)
        return TD_OK;
    char head[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(head, sizeof head, fmt, args);
    va_end(args);
    char tail[sizeof err->text];
    td_copy(tail, sizeof tail, err->text);
    td_snprintf(err->text, sizeof err->text, "%s: %s", head, tail);
    tidy(err);
    return err->code;
}
