/* SPDX-License-Identifier: GPL-3.0-or-later
 * A plain HTTP client for the tests of the simulated vendor: libcurl and jansson, nothing of the feed room itself. */
#ifndef TAPEDECK_TESTS_SIM_CLIENT_H
#define TAPEDECK_TESTS_SIM_CLIENT_H

#include "check.h"

#include <curl/curl.h>
#include <jansson.h>
#include <tapedeck/feed.h>

struct reply {
    CURLcode curl;
    long status;
    struct td_buf body, headers; /* of the last answer; headers as received */
    json_t *json;                /* NULL when the body is none */
};

static inline size_t reply_body(char *data, size_t size, size_t count, void *ctx)
{
    td_buf_add(ctx, data, size * count);
    return size * count;
}

/* GET a path of the simulator, or an absolute URL. `bearer` and `encoding` may be NULL. */
static inline void reply_get(int port, const char *path, const char *bearer, const char *encoding, struct reply *out)
{
    char url[4096], header[256];
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    assert_non_null(curl);
    *out = (struct reply){0};
    td_buf_init(&out->body, 64u << 20);
    td_buf_init(&out->headers, 1u << 16);
    td_snprintf(url, sizeof url, path[0] == '/' ? "http://127.0.0.1:%d%s" : "%.0d%s", path[0] == '/' ? port : 0, path);
    td_snprintf(header, sizeof header, "Authorization: Bearer %s", bearer ? bearer : "");
    if (bearer)
        headers = curl_slist_append(headers, header);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, reply_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &out->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, reply_body);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &out->headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
    if (encoding)
        curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, encoding);
    out->curl = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &out->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    out->json = out->body.len ? json_loadb(out->body.data, out->body.len, 0, NULL) : NULL;
}

static inline void reply_free(struct reply *reply)
{
    json_decref(reply->json);
    td_buf_free(&reply->body);
    td_buf_free(&reply->headers);
}

static inline bool reply_has_header(const struct reply *reply, const char *text)
{
    return *text == '\0' || (reply->headers.data && strstr(reply->headers.data, text) != NULL);
}

static inline const char *reply_text(const struct reply *reply, const char *key)
{
    const char *text = json_string_value(json_object_get(reply->json, key));
    return text ? text : "";
}

/* A market that listens; options may be NULL. */
static inline struct td_sim *serve(const struct td_sim_options *options, int *port)
{
    static const struct td_sim_options standard = {0};
    struct td_sim *sim;
    struct td_err err;
    ASSERT_OK(td_sim_new(options ? options : &standard, &sim, &err), err);
    ASSERT_OK(td_sim_serve(sim, port, &err), err);
    return sim;
}

static inline struct td_sim *serve_with(const char *fault, int *port)
{
    struct td_sim_options options = {.tickers = 40, .faults = &fault, .fault_count = fault != NULL};
    return serve(&options, port);
}

#endif
