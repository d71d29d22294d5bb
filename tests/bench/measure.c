/* SPDX-License-Identifier: GPL-3.0-or-later
 * measure REPORT COMMAND [ARGUMENT...]   run a command and append one line to REPORT: wall, user and system seconds, peak
 * resident KiB, exit status. Whole process, from fork to the last wait; the command keeps this program's streams. A command
 * that has not ended after two minutes is killed. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_S = 120 };
static volatile pid_t child;

static void enough(int signal)
{
    (void)signal;
    if (child > 0)
        kill(child, SIGKILL);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double monotonic(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    struct rusage use;
    int status = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: measure REPORT COMMAND [ARGUMENT...]\n");
        return 2;
    }
    double begin = monotonic();
    child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    signal(SIGALRM, enough);
    alarm(LIMIT_S);
    while (child > 0 && wait4(child, &status, 0, &use) < 0 && errno == EINTR)
        ;
    double wall = monotonic() - begin;
    int code = child < 0 ? 126 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *report = child < 0 ? NULL : fopen(argv[1], "a");
    if (!report) {
        fprintf(stderr, "measure: %s\n", strerror(errno));
        return code ? code : 126;
    }
    fprintf(report, "%.6f %.6f %.6f %ld %d\n", wall, seconds(use.ru_utime), seconds(use.ru_stime), use.ru_maxrss, code);
    fclose(report);
    return code;
}
