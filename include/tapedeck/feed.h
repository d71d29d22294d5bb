/* SPDX-License-Identifier: GPL-3.0-or-later
 * feed: where bars come from: the HTTP engine, REST aggregates, local files, the simulated vendor.
 * The only room with libcurl, jansson and libmicrohttpd. */
#ifndef TAPEDECK_FEED_H
#define TAPEDECK_FEED_H

#include <tapedeck/market.h>

/* ---- HTTP engine: one network thread, one curl multi, a bounded number in flight ---- */

struct td_http;
#define TD_HTTP_NO_RETRIES UINT32_MAX
struct td_http_options {
    unsigned max_in_flight; /* 1..256, default 16 */
    unsigned max_retries;   /* per request, default 5; TD_HTTP_NO_RETRIES = none */
    unsigned timeout_s;     /* whole request, default 60 */
    unsigned backoff_ms;    /* first back-off, doubled with jitter up to 60 s, default 500 */
    size_t max_body;        /* decoded bytes, default 64 MiB */
    const char *key;        /* bearer key or NULL; copied, registered as a secret, sent only to `base_url`'s host */
    const char *base_url;   /* copied; http or https, may have a path in front of ours */
    uint64_t seed;          /* of the back-off jitter; 0 = from the clock */
};
struct td_http_response {
    enum td_code code;  /* TD_OK for any final HTTP status below; TD_NETWORK when retries are used up (also of 429 and
                           5xx, status says which), TD_LIMIT over max_body, TD_CANCELLED, TD_NOMEM; error text in err */
    long status;        /* HTTP status, 0 when none arrived */
    struct td_buf body; /* decoded, as far as it came; ownership passes to the callback, which td_buf_free()s it */
    unsigned attempts;  /* exchanges with the server; 0 when none was begun */
    double seconds;     /* of the last exchange */
    struct td_err err;
};
/* Called on the network thread, exactly once per td_http_get, also at shutdown (TD_CANCELLED). Must not block. */
typedef void (*td_http_done)(void *ctx, struct td_http_response *response);
enum td_code td_http_new(const struct td_http_options *options, struct td_http **out, struct td_err *err);
/* Queue a GET; any thread, also from inside a callback. path_and_query starts with '/'. When this returns an error the
 * callback is never called. `cancel` (may be NULL) is read by the network thread and must outlive the callback: once
 * true the request ends as TD_CANCELLED without waiting for retries, within 100 ms or at once after td_http_wake. 5xx,
 * 408, 499, timeouts, resets, truncated bodies (JSON whose brackets do not close included) and web pages with status
 * 200 are retried max_retries times with exponential back-off. A 429 pauses the whole engine for its Retry-After (at
 * most 300 s), else for an exponential back-off from backoff_ms to 60 s, halves the number in flight until answers come
 * again, and may be met max_retries + 10 times. Redirects are not followed: a 3xx is a final status. */
enum td_code td_http_get(struct td_http *http, const char *path_and_query, const _Atomic bool *cancel,
                         td_http_done done, void *ctx, struct td_err *err);
struct td_http_stats {          /* counters since start */
    uint64_t requests, retries; /* exchanges with the server, and those of them that were repetitions */
    uint64_t throttled, bytes;  /* 429 answers; decoded body bytes */
    unsigned in_flight, queued; /* in_flight holds requests that wait for a retry, too */
    double seconds_per_request; /* moving average over exchanges */
};
void td_http_stats(struct td_http *http, struct td_http_stats *out); /* any thread */
void td_http_wake(struct td_http *http); /* have the cancel flags looked at now; any thread */
/* Not from a callback. */
void td_http_free(struct td_http *http); /* cancels what is queued or in flight, joins the network thread */

/* ---- REST aggregates: vendor reference section 3.1 ---- */

/* "/v2/aggs/ticker/ABCD/range/1/minute/FROM/TO?adjusted=false&sort=asc&limit=50000"; ticker percent-encoded. */
void td_rest_aggs_path(struct td_buf *out, const char *ticker, bool daily, td_day from, td_day to);
struct td_rest_page {
    char next[2048]; /* path and query of next_url put on our own base, "" on the last page */
    uint64_t rows;   /* results in the answer */
    uint64_t quarantined[TD_REASON_COUNT];
};
/* Parse one answer (HTTP status and body) and append its good bars to *bars. 401 -> TD_AUTH, 403 -> TD_AUTH with the
 * vendor's message, 404 -> TD_MISSING, NOT_AUTHORIZED inside a 200 -> TD_AUTH, adjusted:true -> TD_DATA, garbage ->
 * TD_DATA. */
enum td_code td_rest_aggs_parse(const struct td_http_response *response, const char *ticker, bool daily, td_day from,
                                td_day to, struct td_bars *bars, struct td_rest_page *page, struct td_err *err);
/* ---- REST reference data: splits (section 5.3), active and delisted tickers (section 5.1) ---- */

enum td_reference_kind { TD_REFERENCE_SPLITS, TD_REFERENCE_TICKERS, TD_REFERENCE_DELISTED };
struct td_rest_split { /* `to` new shares for `from` old ones, executed before the open of `day` */
    char ticker[TD_TICKER_MAX];
    td_day day;
    double from, to;
};
struct td_rest_ticker { /* "" and TD_NO_DAY = the vendor does not say; long names are cut */
    char ticker[TD_TICKER_MAX];
    char type[16], exchange[16], name[64];
    int8_t active; /* -1 unknown */
    td_day list_date, delisted;
};
void td_rest_reference_path(struct td_buf *out, enum td_reference_kind kind);
/* Calls fn for every good row (exactly one of its two pointers is set); a code other than TD_OK from fn stops and is
 * returned. Rows without a usable ticker, day or ratio are counted as unreadable. Errors as td_rest_aggs_parse. */
enum td_code td_rest_reference_parse(const struct td_http_response *response, enum td_reference_kind kind,
                                     enum td_code (*fn)(void *ctx, const struct td_rest_split *split,
                                                        const struct td_rest_ticker *ticker, struct td_err *err),
                                     void *ctx, struct td_rest_page *page, struct td_err *err);

/* Ticker events (section 5.3): a company's symbols, newest first. fn gets each change: on `day` the company of `old_ticker`
 * took `ticker`; the first symbol of a company is no change. An unknown ticker is TD_MISSING. */
void td_rest_events_path(struct td_buf *out, const char *ticker);
enum td_code td_rest_events_parse(const struct td_http_response *response, const char *ticker,
                                  enum td_code (*fn)(void *ctx, const char *ticker, const char *old_ticker, td_day day,
                                                     struct td_err *err),
                                  void *ctx, uint64_t *events, struct td_err *err);

/* MASSIVE_API_KEY, then POLYGON_API_KEY, then the 0600 credentials file `path` (line "api_key: KEY"). The text goes to out
 * (cap 256) and is registered as a secret. TD_AUTH naming the ways to set one when there is none; a file readable by
 * others is refused. */
enum td_code td_credentials(const char *path, char *out, size_t size, struct td_err *err);

/* ---- local files ---- */

enum td_import_time { TD_TIME_AUTO, TD_TIME_NS, TD_TIME_US, TD_TIME_MS, TD_TIME_S, TD_TIME_FORMAT };
struct td_import_options {
    bool daily;                /* --as stocks_daily */
    const char *ticker;        /* --ticker, or NULL */
    bool ticker_from_name;     /* --ticker-from-name: base name without .gz .csv .json .parquet, up to the first '_' */
    const char *columns;       /* --columns "timestamp=date+ToD,volume=Volume", or NULL */
    bool new_york;             /* --time-zone America/New_York: zone of stamps that carry none (default UTC) */
    enum td_import_time time;  /* --time-format */
    const char *strptime;      /* TD_TIME_FORMAT */
    bool end_stamped;          /* --stamp end: a minute bar carries its end, so every stamp moves back one minute (a row
                                  stamped 09:30:00, the opening auction of some sources, becomes the 09:29 bar) */
    uint64_t max_bytes;        /* decompressed bytes of one file, default 4 GiB */
};
struct td_import_series { /* the good bars of one ticker in one file: sorted, clean */
    char ticker[TD_TICKER_MAX];
    struct td_bars bars;
};
struct td_import_result {
    struct td_import_series *series;
    size_t count, cap;
    uint64_t rows_read, duplicates;
    uint64_t quarantined[TD_REASON_COUNT];
    char detail[256]; /* the first quarantined row: FILE:LINE (FILE row N for JSON and tables), why, its stamp */
    char source[64];  /* "csv", "alphavantage", "vendor-json", "twelvedata", "json", "parquet" */
    int8_t adjusted;  /* 1: the file says its prices are split-adjusted, 0: it says raw, -1: it does not say */
};
/* Read one file (CSV or JSON of known shapes, each also .gz), recognised by content, not by name. Any thread; *out is
 * filled anew and ended with td_import_free (also empty after an error).
 * bars + duplicates + quarantined = rows_read. Column names that cannot be recognised are asked for by name (TD_DATA).
 * The unit of integer stamps is one for the whole file (majority of its first 4,096 rows). Daily bars may be stamped with a
 * date, New York midnight, midnight UTC or the close of their session; they come out at New York midnight.
 * TD_DATA: damaged or cut gzip (with offset), a quote never closed, no ticker; TD_UNSUPPORTED: other compression;
 * TD_LIMIT: max_bytes, 100,000 tickers, 256 MiB of JSON. */
enum td_code td_import_read(const char *path, const struct td_import_options *options, struct td_import_result *out,
                            struct td_err *err);
/* The same for a table that is already in memory (a Parquet file opened through the lake): columns resolved by name. */
enum td_import_kind { TD_IMPORT_STR, TD_IMPORT_F64, TD_IMPORT_I64, TD_IMPORT_MS }; /* MS: int64_t UTC ms */
struct td_import_column {
    const char *name;
    enum td_import_kind kind;
    const void *values; /* struct td_str, double, int64_t */
    const uint64_t *valid; /* NULL = no nulls */
};
enum td_code td_import_table(const char *path, const struct td_import_column *columns, size_t count, size_t rows,
                             const struct td_import_options *options, struct td_import_result *out, struct td_err *err);
bool td_import_is_parquet(const char *path); /* by its first bytes */
void td_import_free(struct td_import_result *result);

/* ---- the simulated vendor ----
 * docs/simulator.md tells what happens in its market and which ticker plays which part. A bar depends on the seed, the
 * ticker and the minute alone: a market that ends a day later, or holds more tickers, has the same bars and more. */

struct td_sim_options { /* zero = default */
    uint64_t seed;        /* default 1 */
    td_day end;           /* last session, default: see td_sim_default_end */
    int sessions;         /* sessions with minute bars, default 45 */
    int daily_sessions;   /* sessions with daily bars, default 300 */
    int tickers;          /* default 300 */
    int port;             /* 0 picks one */
    const char *key;      /* accepted besides "demo" */
    unsigned latency_ms;
    /* "KIND=RATE", rates from 0 to 1: 429 429bare empty429 500 empty503 reset html garbage cutjson notauth plan truncate
     * slow cursor delayed nogzip nulls numbers; and "page=ROWS", the largest page in base bars (10,000 without it). Read by
     * td_sim_new only; an unknown kind is TD_USAGE and names the known ones. */
    const char *const *faults;
    size_t fault_count;
};
struct td_sim; /* the market itself and, once served, its HTTP daemon */
enum td_code td_sim_new(const struct td_sim_options *options, struct td_sim **out, struct td_err *err);
/* Answer on 127.0.0.1 until td_sim_free, with threads of its own; *port is the one it listens on. TD_IO: port taken. */
enum td_code td_sim_serve(struct td_sim *sim, int *port, struct td_err *err);
void td_sim_free(struct td_sim *sim); /* stops the daemon; a request that waits may end unanswered */
td_day td_sim_default_end(void); /* a fixed session, so that the demo's bytes never depend on the day it is run */
size_t td_sim_ticker_count(const struct td_sim *sim);
const char *td_sim_ticker(const struct td_sim *sim, size_t i); /* sorted bytewise */
td_day td_sim_first_session(const struct td_sim *sim, bool daily);
td_day td_sim_last_session(const struct td_sim *sim);
/* The generator: a pure function of (seed, ticker, minute). False: no bar in that minute. Any thread. */
bool td_sim_minute(const struct td_sim *sim, const char *ticker, int64_t ts, struct td_bar *out);
/* All minute bars of a ticker's session, or its one daily bar (count 0 or 1), appended to *bars. Any thread. */
enum td_code td_sim_session(const struct td_sim *sim, const char *ticker, td_day day, bool daily, struct td_bars *bars,
                            struct td_err *err);
/* Splits the simulated vendor knows (the unannounced reverse split is not among them); returns the count. */
size_t td_sim_splits(const struct td_sim *sim, const char *ticker, const struct td_split **out);
/* Type and exchange as the vendor's reference data would give them. False: unknown ticker. */
bool td_sim_reference(const struct td_sim *sim, const char *ticker, struct td_reference *out);

#endif
