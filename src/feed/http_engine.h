/* SPDX-License-Identifier: GPL-3.0-or-later
 * Inside of the HTTP engine: its state, shared by the door (http_engine.c) and the network thread (http_loop.c). */
#ifndef TAPEDECK_FEED_HTTP_ENGINE_H
#define TAPEDECK_FEED_HTTP_ENGINE_H

#include <curl/curl.h>
#include <pthread.h>
#include <tapedeck/feed.h>

#define HTTP_MAX_IN_FLIGHT 256
#define HTTP_MAX_QUEUED 65536

struct http_request { /* owned by the network thread once it left the incoming list */
    struct http_request *next;
    char *path;
    const _Atomic bool *cancel;
    td_http_done done;
    void *ctx;
    unsigned attempts, failures, throttles;
    int64_t started_ns; /* this attempt */
    int64_t due_ns;     /* next attempt, while it waits */
};

struct http_list {
    struct http_request *head, **tail;
    unsigned count;
};

struct http_slot { /* network thread only */
    struct td_http *http;
    CURL *easy;
    struct http_request *request; /* NULL: free */
    bool running;                 /* the handle is in the multi; else the request waits for due_ns */
    bool over;                    /* the body passed max_body */
    struct td_buf body;
    char why[CURL_ERROR_SIZE];
};

struct td_http {
    /* written before the thread starts, then read-only */
    struct td_http_options options; /* key and base_url cleared */
    char *base;                     /* no trailing slash */
    bool secure, loopback;
    struct curl_slist *headers;
    pthread_t thread;
    CURLM *multi; /* network thread; curl_multi_wakeup by any */
    bool started; /* the thread that made the engine */

    pthread_mutex_t lock; /* guards the next four */
    struct http_list incoming;
    bool stop;
    struct td_http_stats stats;
    bool look; /* somebody asked to look at the cancel flags at once */

    /* network thread only */
    struct http_list ready;
    struct http_slot *slots;
    unsigned running, occupied;
    unsigned window, credit;             /* transfers allowed now; successes counted towards one more */
    unsigned streak;                     /* 429 bursts without a success between */
    int64_t pause_until_ns, throttle_ns; /* no start before; when the latest burst was noticed */
    int64_t looked_ns;                   /* last walk over the cancel flags of the ready list */
    uint64_t rng;
};

void http_list_init(struct http_list *list);
void http_list_push(struct http_list *list, struct http_request *request);
void http_request_free(struct http_request *request);
/* The network thread: runs until http->stop, then ends every request as TD_CANCELLED. */
void *http_network_main(void *arg);

#endif
