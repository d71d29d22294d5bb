/* SPDX-License-Identifier: GPL-3.0-or-later
 * A tiny HTTP server on loopback that answers from a script, byte for byte: for tests of clients against bad servers. */
#ifndef TAPEDECK_TESTS_SCRIPTED_SERVER_H
#define TAPEDECK_TESTS_SCRIPTED_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tapedeck/base.h>

#define SCRIPT_ROUTES 64
#define SCRIPT_ANSWERS 24
#define SCRIPT_LOG 512
#define SCRIPT_CONNECTIONS 64

struct script_answer {
    const char *bytes; /* sent as they are; NULL: close without a word */
    size_t len;        /* 0: strlen(bytes) */
    bool close;        /* close after sending */
    bool hang;         /* after sending wait until the client or the test ends the connection */
    bool reset;        /* close with a TCP reset */
};

struct script_route {
    const char *path; /* exact request target */
    struct script_answer answers[SCRIPT_ANSWERS];
    size_t count; /* the last answer is repeated */
    size_t asked;
};

struct script_server {
    struct script_route routes[SCRIPT_ROUTES]; /* filled before the start; `asked` under lock */
    size_t route_count;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    char log[SCRIPT_LOG][512]; /* request line and headers, the start of it */
    int64_t logged_ns[SCRIPT_LOG]; /* when they were read; monotonic */
    size_t logged;
    size_t connections, open_now, max_at_once, at_once;
    int fds[SCRIPT_CONNECTIONS];
    pthread_t threads[SCRIPT_CONNECTIONS];
    bool stop;
    int listen_fd, port;
    pthread_t thread;
};

struct script_connection {
    struct script_server *server;
    int fd;
};

/* Add the next answer of a path; answers of one path are used up in order. */
static inline void script_add(struct script_server *server, const char *path, struct script_answer answer)
{
    struct script_route *route = NULL;
    for (size_t i = 0; i < server->route_count; i++) {
        if (strcmp(server->routes[i].path, path) == 0)
            route = &server->routes[i];
    }
    if (!route) {
        if (server->route_count == SCRIPT_ROUTES)
            abort();
        route = &server->routes[server->route_count++];
        route->path = path;
    }
    if (route->count == SCRIPT_ANSWERS)
        abort();
    route->answers[route->count++] = answer;
}

static inline void script_text(struct script_server *server, const char *path, const char *bytes)
{
    script_add(server, path, (struct script_answer){.bytes = bytes});
}

static inline void script_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

/* One request's head into text; false at the end of the connection. */
static inline bool script_read(int fd, char *text, size_t size)
{
    size_t len = 0;
    while (len + 1 < size) {
        ssize_t got = recv(fd, text + len, 1, 0);
        if (got <= 0)
            return false;
        len++;
        text[len] = '\0';
        if (len >= 4 && memcmp(text + len - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

static inline struct script_answer script_choose(struct script_server *server, const char *request)
{
    static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    struct script_answer answer = {.bytes = none};
    char path[512] = "";
    sscanf(request, "GET %511s", path);
    pthread_mutex_lock(&server->lock);
    if (server->logged < SCRIPT_LOG) {
        server->logged_ns[server->logged] = td_mono_ns();
        td_copy(server->log[server->logged++], sizeof server->log[0], request);
    }
    server->at_once++;
    if (server->at_once > server->max_at_once)
        server->max_at_once = server->at_once;
    for (size_t i = 0; i < server->route_count; i++) {
        struct script_route *route = &server->routes[i];
        if (strcmp(route->path, path) == 0) {
            size_t nth = route->asked++;
            answer = route->answers[nth < route->count ? nth : route->count - 1];
        }
    }
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return answer;
}

static inline bool script_serve(struct script_server *server, int fd)
{
    char request[8192];
    if (!script_read(fd, request, sizeof request))
        return false;
    struct script_answer answer = script_choose(server, request);
    if (answer.bytes)
        script_send(fd, answer.bytes, answer.len ? answer.len : strlen(answer.bytes));
    if (answer.hang) {
        char byte;
        while (recv(fd, &byte, 1, 0) > 0) { /* ends when either side shuts down */
        }
    }
    if (answer.reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
    pthread_mutex_lock(&server->lock);
    server->at_once--;
    pthread_mutex_unlock(&server->lock);
    return answer.bytes && !answer.close && !answer.hang && !answer.reset;
}

static inline void *script_connection_main(void *arg)
{
    struct script_connection connection = *(struct script_connection *)arg;
    struct script_server *server = connection.server;
    free(arg);
    while (script_serve(server, connection.fd)) {
    }
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->connections; i++) {
        if (server->fds[i] == connection.fd)
            server->fds[i] = -1;
    }
    close(connection.fd);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static inline void *script_main(void *arg)
{
    struct script_server *server = arg;
    for (;;) {
        int fd = accept(server->listen_fd, NULL, NULL);
        pthread_mutex_lock(&server->lock);
        bool stop = server->stop || fd < 0 || server->connections == SCRIPT_CONNECTIONS;
        if (!stop) {
            struct script_connection *connection = malloc(sizeof *connection);
            if (!connection)
                abort();
            *connection = (struct script_connection){server, fd};
            server->fds[server->connections] = fd;
            if (pthread_create(&server->threads[server->connections], NULL, script_connection_main, connection) != 0)
                abort();
            server->connections++;
        }
        pthread_mutex_unlock(&server->lock);
        if (stop) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
    }
}

static inline struct script_server *script_new(void)
{
    struct script_server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    return server;
}

/* Start and return the base URL (static text, one server at a time). */
static inline const char *script_start(struct script_server *server)
{
    static char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0 || bind(server->listen_fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(server->listen_fd, 64) != 0 || getsockname(server->listen_fd, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&server->thread, NULL, script_main, server) != 0)
        abort();
    server->port = ntohs(address.sin_port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server->port);
    return url;
}

/* Wait until at least `count` requests came in. */
static inline void script_wait_logged(struct script_server *server, size_t count)
{
    pthread_mutex_lock(&server->lock);
    while (server->logged < count)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

static inline void script_stop(struct script_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->stop = true;
    for (size_t i = 0; i < server->connections; i++) {
        if (server->fds[i] >= 0)
            shutdown(server->fds[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&server->lock);
    shutdown(server->listen_fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    for (size_t i = 0; i < server->connections; i++)
        pthread_join(server->threads[i], NULL);
    close(server->listen_fd);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

#endif
