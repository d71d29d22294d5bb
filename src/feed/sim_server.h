/* SPDX-License-Identifier: GPL-3.0-or-later
 * The simulated vendor's HTTP side: a request as the endpoints see it, an answer as they leave it. */
#ifndef TAPEDECK_FEED_SIM_SERVER_H
#define TAPEDECK_FEED_SIM_SERVER_H

#include "sim.h"

#define SIM_PARTS 10
#define SIM_PAGE_ROWS 10000 /* largest page in base bars, like a vendor's page that is shorter than its limit */

struct sim_request { /* lives as long as the handling of one request, on one thread of the daemon */
    const struct td_sim *sim;
    void *connection; /* struct MHD_Connection, for the query */
    char path[512];   /* decoded by the daemon; parts point into `cut` */
    char cut[512];
    const char *parts[SIM_PARTS];
    size_t part_count;
    const char *host;  /* of the Host header */
    char cursor[1024]; /* decoded; its parameters stand in for the query's */
    bool has_cursor;
    char id[33];       /* request_id */
    const bool *fault; /* [SIM_FAULT_COUNT], drawn for this request */
};
struct sim_answer {
    unsigned status;
    const char *type;
    struct td_buf body;
};

/* sim_server.c */
enum td_code td_sim_server_options(struct td_sim *sim, const struct td_sim_options *options, struct td_err *err);
void td_sim_stop(struct td_sim *sim);
/* A parameter of the cursor when the request has one, else of the query; decoded. False: absent or longer than size
 * - 1. */
bool td_sim_param(const struct sim_request *request, const char *name, char *out, size_t size);

/* sim_answer.c: the vendor's words and the texts of pages */
void td_sim_error(const struct sim_request *request, struct sim_answer *answer, unsigned status, const char *text);
void td_sim_missing(const struct sim_request *request, struct sim_answer *answer, const char *text);
/* Ends a document that lacks its last members: status, request_id, count, next_url (when `path` is not NULL), brace. */
void td_sim_close(const struct sim_request *request, struct sim_answer *answer, size_t count, const char *path,
                  const char *cursor);
bool td_sim_cursor_decode(const char *text, char *out, size_t size); /* base64url, unpadded */
void td_sim_escape(struct td_buf *out, const char *text);            /* percent-encoding outside the unreserved */
void td_sim_unescape(char *text);                                    /* in place */
size_t td_sim_decimal(char *out, int64_t value, int decimals);       /* value / 10^decimals without trailing zeros */
#define SIM_ROW_MAX 384
/* One bar as a JSON object, with "T" first when `ticker` is not NULL; returns its length, at most SIM_ROW_MAX. */
size_t td_sim_row(const struct sim_request *request, const char *ticker, const struct sim_bar *bar, char *out);
void td_sim_adjust(const struct sim_ticker *ticker, td_day day, struct sim_bar *bar);
/* sim_aggs.c, sim_whole_day.c, sim_reference.c, sim_truth.c: endpoints. The answer is an empty 200 before the call. */
void td_sim_aggs(const struct sim_request *request, struct sim_answer *answer);
void td_sim_grouped(const struct sim_request *request, struct sim_answer *answer);
void td_sim_previous(const struct sim_request *request, struct sim_answer *answer);
void td_sim_list_tickers(const struct sim_request *request, struct sim_answer *answer);
void td_sim_details(const struct sim_request *request, struct sim_answer *answer);
void td_sim_list_splits(const struct sim_request *request, struct sim_answer *answer);
void td_sim_events(const struct sim_request *request, struct sim_answer *answer);
void td_sim_truth(const struct sim_request *request, struct sim_answer *answer);
void td_sim_names(const struct sim_request *request, struct sim_answer *answer);

/* sim_delay.c: answers that wait without holding a thread. */
struct sim_delay;
enum td_code td_sim_delay_new(struct sim_delay **out, struct td_err *err);
/* Suspends the connection and resumes it ms later; false: answer at once (stopping, or out of memory). Daemon threads.
 */
bool td_sim_delay_add(struct sim_delay *delay, void *connection, unsigned ms);
void td_sim_delay_stop(struct sim_delay *delay); /* resumes all and takes no more; before the daemon stops */
void td_sim_delay_free(struct sim_delay *delay); /* stopped, and after the daemon's threads are gone */

#endif
