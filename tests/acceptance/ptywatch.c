/* SPDX-License-Identifier: GPL-3.0-or-later
 * ptywatch COLS ROWS COMMAND...: runs a command on a terminal of its own, is that terminal's other side, and answers lines on
 * standard input with a line each on standard output:
 *   keys TEXT       type it (\r \e \t \\ stand for what they usually do)
 *   quiet MS        wait until the command has sent nothing for so long: "quiet"
 *   watch MS        count for so long: "bytes N wakes N all N": bytes sent, voluntary context switches of
 *                   its main thread, and of all its threads
 *   end             wait for its end: "status N"
 * Linux, one thread. */
#include <dirent.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int terminal;
static pid_t child;

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Bytes that come until a time, or until nothing has come for `silence` ms (0: however long). -1: the command is gone. */
static long long drain(long long until, int silence)
{
    long long bytes = 0;
    char buffer[65536];
    for (;;) {
        long long left = until - now_ms();
        if (left <= 0)
            return bytes;
        struct pollfd fd = {.fd = terminal, .events = POLLIN};
        int ready = poll(&fd, 1, silence && silence < left ? silence : (int)left);
        if (ready == 0 && silence)
            return bytes;
        if (ready <= 0)
            continue;
        ssize_t got = read(terminal, buffer, sizeof buffer);
        if (got <= 0)
            return -1;
        bytes += got;
    }
}

/* Voluntary context switches of one thread; 0 when it has ended. */
static long wakes_of(const char *thread)
{
    char path[96], line[256];
    long count = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/status", (int)child, thread);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
            break;
    if (file)
        fclose(file);
    return count;
}

static void wakes(long *main_thread, long *all)
{
    char path[64];
    struct dirent *entry;
    snprintf(path, sizeof path, "%d", (int)child);
    *main_thread = wakes_of(path);
    *all = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)child);
    DIR *folder = opendir(path);
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            *all += wakes_of(entry->d_name);
    if (folder)
        closedir(folder);
}

static void type(const char *text)
{
    for (; *text && *text != '\n'; text++) {
        char key = *text;
        if (key == '\\' && text[1]) {
            text++;
            key = *text == 'r' ? '\r' : *text == 'e' ? '\033' : *text == 't' ? '\t' : *text;
        }
        if (write(terminal, &key, 1) != 1)
            return;
    }
}

static int end_of_child(void)
{
    int status = 0;
    while (drain(now_ms() + 600000, 0) >= 0)
        ;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    char line[4096];
    if (argc < 4)
        return 2;
    struct winsize size = {.ws_col = (unsigned short)strtol(argv[1], NULL, 10), .ws_row = (unsigned short)strtol(argv[2], NULL, 10)};
    child = forkpty(&terminal, NULL, NULL, &size);
    if (child < 0)
        return 1;
    if (child == 0) {
        execvp(argv[3], argv + 3);
        _exit(127);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin)) {
        if (strncmp(line, "keys ", 5) == 0) {
            type(line + 5);
            puts("typed");
        } else if (strncmp(line, "quiet ", 6) == 0) {
            puts(drain(now_ms() + 120000, (int)strtol(line + 6, NULL, 10)) < 0 ? "gone" : "quiet");
        } else if (strncmp(line, "watch ", 6) == 0) {
            long main_before, all_before, main_after, all_after;
            wakes(&main_before, &all_before);
            long long bytes = drain(now_ms() + strtol(line + 6, NULL, 10), 0);
            wakes(&main_after, &all_after);
            printf("bytes %lld wakes %ld all %ld\n", bytes, main_after - main_before, all_after - all_before);
        } else if (strncmp(line, "end", 3) == 0) {
            printf("status %d\n", end_of_child());
            return 0;
        }
    }
    kill(child, SIGKILL);
    return 1;
}
