/* SPDX-License-Identifier: GPL-3.0-or-later
 * keypress [-n PRESSES] [-p PAUSE_MS] [-c COMMAND] PROGRAM [ARGUMENT...]
 * Runs the deck on a terminal of its own and measures the time from a key to what the key asked for: j and k move the mark of
 * the list, and the chart beside it follows. Other bytes on the way (clock, progress of jobs) count for nothing: a small
 * terminal keeps the screen, and a press is over when the mark stands on the next row and the chart's title names its ticker.
 * -c keeps a job of the deck's own running: COMMAND is typed at the prompt whenever nothing runs, and presses during which
 * it ended are left out. Prints milliseconds: "presses 200 lost 0 mark 1.2 3.4 5.6 chart 8.1 20.0 31.0 busy 1.93", the
 * three being median, 99th percentile and most; busy = processors of the machine at work meanwhile, from /proc/stat. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 36, COLS = 120, SWEEP = 8, MAX_PRESSES = 5000, LOST_MS = 2000, START_MS = 20000 };

static struct terminal {
    char cells[ROWS][COLS + 1]; /* ASCII; '\x7f' for anything else */
    int row, col, args[16], count, skip; /* skip: bytes of a character still to come */
    enum { PLAIN, ESCAPE, CHARSET, CSI, STRING } state;
    bool private_sequence;
    char last;
} term;
static int tty = -1;
static pid_t deck;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- a terminal, as much of one as curses speaks to ---- */

static int clamp(int value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

static void put(char c)
{
    if (term.col >= COLS) {
        term.col = 0;
        term.row = clamp(term.row + 1, ROWS - 1);
    }
    term.cells[term.row][term.col++] = c;
    term.last = c;
}

static void blank(int row, int from, int to)
{
    if (to > from)
        memset(&term.cells[row][from], ' ', (size_t)(to - from));
}

static void csi(unsigned char final)
{
    int first = term.args[0], n = first ? first : 1, col = clamp(term.col, COLS - 1);
    switch (final) {
    case 'H':
        term.row = clamp(n - 1, ROWS - 1);
        term.col = clamp((term.args[1] ? term.args[1] : 1) - 1, COLS - 1);
        break;
    case 'd': term.row = clamp(n - 1, ROWS - 1); break;
    case 'G': term.col = clamp(n - 1, COLS - 1); break;
    case 'A': term.row = clamp(term.row - n, ROWS - 1); break;
    case 'B': term.row = clamp(term.row + n, ROWS - 1); break;
    case 'C': term.col = clamp(col + n, COLS - 1); break;
    case 'D': term.col = clamp(col - n, COLS - 1); break;
    case 'X': blank(term.row, col, clamp(col + n, COLS)); break;
    case 'K': blank(term.row, first == 0 ? col : 0, first == 1 ? col + 1 : COLS); break;
    case 'J':
        for (int r = first == 0 ? term.row : 0; r < (first == 1 ? term.row : ROWS); r++)
            blank(r, first == 0 && r == term.row ? col : 0, COLS);
        break;
    case 'b':
        for (int i = 0; i < n && i < COLS; i++)
            put(term.last);
        break;
    case 'P':
        n = clamp(n, COLS - col);
        memmove(&term.cells[term.row][col], &term.cells[term.row][col + n], (size_t)(COLS - col - n));
        blank(term.row, COLS - n, COLS);
        break;
    case '@':
        n = clamp(n, COLS - col);
        memmove(&term.cells[term.row][col + n], &term.cells[term.row][col], (size_t)(COLS - col - n));
        blank(term.row, col, col + n);
        break;
    default: break;
    }
}

static void feed_plain(unsigned char c)
{
    if (c >= 0x80 && term.skip > 0)
        term.skip--;
    else if (c >= 0xc0) {
        term.skip = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        put('\x7f');
    } else if (c == 0x1b)
        term.state = ESCAPE;
    else if (c == '\r')
        term.col = 0;
    else if (c == '\n')
        term.row = clamp(term.row + 1, ROWS - 1);
    else if (c == '\b')
        term.col = clamp(term.col - 1, COLS - 1);
    else if (c >= ' ' && c < 0x7f)
        put((char)c);
}

static void feed(unsigned char c)
{
    switch (term.state) {
    case PLAIN: feed_plain(c); return;
    case ESCAPE:
        memset(term.args, 0, sizeof term.args);
        term.count = 0;
        term.private_sequence = false;
        term.state = c == '[' ? CSI : c == ']' || c == 'P' ? STRING : c == '(' || c == ')' ? CHARSET : PLAIN;
        return;
    case CHARSET: term.state = PLAIN; return;
    case STRING:
        if (c == '\a' || c == '\\')
            term.state = PLAIN;
        return;
    case CSI:
        if (c >= '0' && c <= '9')
            term.args[term.count] = clamp(term.args[term.count] * 10 + c - '0', 9999);
        else if (c == ';')
            term.count = clamp(term.count + 1, 15);
        else if (c < '@')
            term.private_sequence = true;
        else {
            if (!term.private_sequence)
                csi(c);
            term.state = PLAIN;
        }
    }
}

/* Take what the deck wrote, waiting until a moment at most; false when it is gone. */
static bool take(int64_t until)
{
    static unsigned char bytes[65536];
    int64_t left = until - now_us();
    struct pollfd fd = {.fd = tty, .events = POLLIN};
    int ready = poll(&fd, 1, left <= 0 ? 0 : (int)((left + 999) / 1000));
    if (ready <= 0)
        return ready == 0 || errno == EINTR;
    ssize_t n = read(tty, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n; i++)
        feed(bytes[i]);
    return n > 0;
}

/* ---- what the screen says ---- */

static int mark_row(void)
{
    for (int r = 2; r < ROWS - 1; r++)
        if (term.cells[r][1] == '>' && term.cells[r][2] > ' ' && term.cells[r][2] < '\x7f')
            return r;
    return -1;
}

static bool chart_names(int row)
{
    char want[32] = " ";
    size_t n = 1;
    for (int c = 2; c < 20 && term.cells[row][c] > ' '; c++)
        want[n++] = term.cells[row][c];
    want[n++] = ' ';
    want[n] = '\0';
    return strstr(&term.cells[1][COLS / 2], want) != NULL;
}

/* The title of the downloads counts the jobs that run. */
static bool working(void)
{
    for (int r = 0; r < ROWS; r++) {
        const char *title = strstr(term.cells[r], " downloads ");
        if (title && strstr(title, " running"))
            return true;
    }
    return false;
}

static bool wait_until(bool (*done)(void), int64_t ms)
{
    int64_t until = now_us() + ms * 1000;
    while (!done()) {
        if (now_us() >= until || !take(until))
            return false;
    }
    return true;
}

static bool started(void)
{
    int row = mark_row();
    return row >= 0 && chart_names(row);
}

static bool say(const char *text)
{
    return write(tty, text, strlen(text)) == (ssize_t)strlen(text);
}

/* ---- presses ---- */

struct results {
    double mark[MAX_PRESSES], chart[MAX_PRESSES];
    int count, lost;
};

static bool long_enough(void)
{
    int row = mark_row();
    bool full = row > 0 && row + SWEEP < ROWS && chart_names(row);
    for (int r = row; full && r <= row + SWEEP; r++)
        full = term.cells[r][2] > ' ' && term.cells[r][2] < '\x7f';
    return full;
}

/* One press and what it took; false when the deck is gone. */
static bool press(struct results *results, bool down, bool need_work)
{
    int from = mark_row(), to = from + (down ? 1 : -1);
    int64_t begin = now_us(), until = begin + LOST_MS * 1000, moved = 0, drawn = 0;
    if (from < 0 || !say(down ? "j" : "k"))
        return false;
    while (!drawn && now_us() < until) {
        if (!take(until))
            return false;
        bool there = mark_row() == to;
        if (there && !moved)
            moved = now_us();
        if (there && chart_names(to))
            drawn = now_us();
    }
    if (!moved || !drawn) {
        results->lost++;
        return true;
    }
    if (need_work && !working())
        return true;
    results->mark[results->count] = (double)(moved - begin) / 1000;
    results->chart[results->count++] = (double)(drawn - begin) / 1000;
    return true;
}

/* Processor seconds that the whole machine was at work: everything but idle and waiting for the disk. */
static double busy_seconds(void)
{
    char text[512];
    FILE *file = fopen("/proc/stat", "r");
    bool have = file && fgets(text, sizeof text, file);
    if (file)
        fclose(file);
    char *p = have ? strchr(text, ' ') : NULL;
    unsigned long long ticks = 0;
    for (int field = 0; p && *p && field < 8; field++) { /* user nice system idle iowait irq softirq steal */
        unsigned long long value = strtoull(p, &p, 10);
        ticks += field == 3 || field == 4 ? 0 : value;
    }
    return (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static bool measure(struct results *results, int presses, int pause_ms, const char *command, double *busy)
{
    double begun = busy_seconds();
    int64_t begin = now_us();
    for (int i = 0; results->count < presses && results->lost < 20 && i < 4 * presses; i++) {
        if (command && !working() && (!say(":") || !say(command) || !say("\r") || !wait_until(working, 5000)))
            return false;
        if (!press(results, i / SWEEP % 2 == 0, command != NULL))
            return false;
        for (int64_t until = now_us() + pause_ms * 1000; now_us() < until;)
            if (!take(until))
                return false;
    }
    *busy = (busy_seconds() - begun) * 1e6 / (double)(now_us() - begin + 1);
    return true;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *name, double *times, int n)
{
    qsort(times, (size_t)n, sizeof *times, compare);
    printf(" %s %.2f %.2f %.2f", name, times[n / 2], times[(n * 99 - 1) / 100], times[n - 1]);
}

static int run(int presses, int pause_ms, const char *command)
{
    static struct results results;
    double busy = 0;
    bool good = wait_until(started, START_MS) && say("a") && wait_until(long_enough, START_MS); /* a: all rows of the list */
    if (!good)
        fprintf(stderr, "keypress: no list of %d rows with a mark and a chart within %d s\n", SWEEP + 1, START_MS / 1000);
    else if (!measure(&results, presses, pause_ms, command, &busy)) {
        fprintf(stderr, "keypress: the deck was gone or did not start '%s'\n", command ? command : "");
        good = false;
    }
    if (!good && getenv("KEYPRESS_SCREEN"))
        for (int r = 0; r < ROWS; r++)
            fprintf(stderr, "%s\n", term.cells[r]);
    if (good && results.count == 0) {
        fprintf(stderr, "keypress: no press was answered\n");
        good = false;
    }
    if (good) {
        printf("presses %d lost %d", results.count, results.lost);
        print_times("mark", results.mark, results.count);
        print_times("chart", results.chart, results.count);
        printf(" busy %.2f\n", busy);
    }
    return good ? 0 : 1;
}

static bool gone(void)
{
    return waitpid(deck, NULL, WNOHANG) != 0;
}

int main(int argc, char **argv)
{
    int presses = 200, pause_ms = 30, option;
    const char *command = NULL;
    while ((option = getopt(argc, argv, "+n:p:c:")) != -1) {
        if (option == 'n')
            presses = clamp((int)strtol(optarg, NULL, 10), MAX_PRESSES);
        else if (option == 'p')
            pause_ms = clamp((int)strtol(optarg, NULL, 10), 1000);
        else if (option == 'c')
            command = optarg;
        else
            return 2;
    }
    if (optind >= argc || presses < 1) {
        fprintf(stderr, "usage: keypress [-n PRESSES] [-p PAUSE_MS] [-c COMMAND] PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    struct winsize size = {.ws_row = ROWS, .ws_col = COLS};
    for (int r = 0; r < ROWS; r++)
        blank(r, 0, COLS);
    deck = forkpty(&tty, NULL, NULL, &size);
    if (deck == 0) {
        setenv("TERM", "xterm-256color", 1);
        execvp(argv[optind], argv + optind);
        _exit(127);
    }
    if (deck < 0) {
        fprintf(stderr, "keypress: no terminal: %s\n", strerror(errno));
        return 1;
    }
    int code = run(presses, pause_ms, command);
    kill(deck, SIGTERM);
    for (int64_t until = now_us() + 5000000; !gone();) {
        if (now_us() >= until || !take(now_us() + 50000)) {
            if (now_us() >= until)
                kill(deck, SIGKILL);
            waitpid(deck, NULL, 0);
            break;
        }
    }
    close(tty);
    return code;
}
