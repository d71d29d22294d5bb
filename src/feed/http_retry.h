/* SPDX-License-Identifier: GPL-3.0-or-later
 * The retry policy of the HTTP engine as pure functions: what an outcome means and how long to wait. */
#ifndef TAPEDECK_FEED_HTTP_RETRY_H
#define TAPEDECK_FEED_HTTP_RETRY_H

#include <curl/curl.h>
#include <tapedeck/base.h>

#define HTTP_MAX_BACKOFF_MS 60000
#define HTTP_MAX_RETRY_AFTER_S                                                                                         \
    300 /* a larger Retry-After is asked again after this long, so that no answer can hang a run */
#define HTTP_EXTRA_THROTTLES                                                                                           \
    10 /* 429 answers allowed beyond max_retries: a one-minute quota must never fail a request */

enum http_verdict {
    HTTP_FINAL,     /* hand it to the caller */
    HTTP_RETRY,     /* this request waits and is sent again */
    HTTP_THROTTLED, /* the whole engine waits */
    HTTP_FATAL      /* sending it again cannot help */
};

enum http_verdict http_judge_transfer(CURLcode code);
enum http_verdict http_judge_status(long status);
/* True when a body that calls itself JSON cannot be a whole JSON document: its brackets outside strings do not balance,
 * or close before the end. That is how an answer shows that was cut short without a Content-Length. A web page is never
 * an answer of an API either: proxies and sign-in pages send them with status 200. One pass, no memory. */
bool http_body_is_wrong(const char *content_type, const char *body, size_t len);
/* Wait before attempt number `nth` + 2 (nth = 0 after the first failure): base_ms doubled nth times, at most 60 s, half
 * of it random. A Retry-After above 0 is taken as it is, at most 300 s. *rng is the state of the jitter. */
int64_t http_delay_ms(unsigned base_ms, unsigned nth, int64_t retry_after_s, uint64_t *rng);

#endif
