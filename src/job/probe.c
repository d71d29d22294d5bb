/* SPDX-License-Identifier: GPL-3.0-or-later
 * doctor --network: one request, waited for. */
#include <string.h>
#include "job_internal.h"

struct probe { /* lock */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    bool done;
    struct td_http_response response;
};

static void answer_arrived(void *ctx, struct td_http_response *response)
{
    struct probe *probe = ctx;
    pthread_mutex_lock(&probe->lock);
    probe->response = *response;
    probe->done = true;
    pthread_cond_signal(&probe->arrived);
    pthread_mutex_unlock(&probe->lock);
}

enum td_code td_job_probe(const char *base_url, const char *key, double *seconds, struct td_err *err)
{
    struct probe probe = {.lock = PTHREAD_MUTEX_INITIALIZER, .arrived = PTHREAD_COND_INITIALIZER};
    const struct td_http_options options = {.max_in_flight = 1, .max_retries = 1, .timeout_s = 15, .key = key, .base_url = base_url};
    struct td_http *http = NULL;
    struct td_buf path;
    td_buf_init(&path, 1024);
    td_day day = job_last_over();
    td_rest_aggs_path(&path, "AAPL", true, day - 7, day);
    enum td_code code = td_http_new(&options, &http, err);
    if (code == TD_OK)
        code = td_http_get(http, path.data, NULL, answer_arrived, &probe, err);
    if (code == TD_OK) {
        pthread_mutex_lock(&probe.lock);
        while (!probe.done)
            pthread_cond_wait(&probe.arrived, &probe.lock);
        pthread_mutex_unlock(&probe.lock);
        struct td_bars bars = {0};
        struct td_rest_page page;
        *seconds = probe.response.seconds;
        code = td_rest_aggs_parse(&probe.response, "AAPL", true, day - 7, day, &bars, &page, err);
        td_bars_free(&bars);
    }
    td_http_free(http);
    td_buf_free(&probe.response.body);
    td_buf_free(&path);
    pthread_cond_destroy(&probe.arrived);
    pthread_mutex_destroy(&probe.lock);
    return code;
}
