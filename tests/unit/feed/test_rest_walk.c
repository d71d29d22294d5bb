/* SPDX-License-Identifier: GPL-3.0-or-later
 * The whole way of a bar through the network: engine, pages and parser against the simulated vendor while every fault
 * strikes. What arrives must equal the generator's bars, no more and no less. */
#include "check.h"

#include <pthread.h>
#include <tapedeck/feed.h>

enum { MAX_WALKS = 24 };

struct walk { /* one ticker's pages; touched by the network thread until it is done */
    struct bench *bench;
    const char *ticker;
    struct td_bars bars;
    uint64_t pages, quarantined;
    enum td_code code;
    struct td_err err;
};

struct bench {
    struct td_http *http;
    td_day from, to;
    bool daily;
    struct walk walks[MAX_WALKS];
    size_t count;
    pthread_mutex_t lock; /* guards done */
    pthread_cond_t changed;
    size_t done;
};

static void finish(struct walk *walk)
{
    struct bench *bench = walk->bench;
    pthread_mutex_lock(&bench->lock);
    bench->done++;
    pthread_cond_signal(&bench->changed);
    pthread_mutex_unlock(&bench->lock);
}

static void on_page(void *ctx, struct td_http_response *response)
{
    struct walk *walk = ctx;
    struct td_rest_page page;
    walk->code = td_rest_aggs_parse(response, walk->ticker, walk->bench->daily, walk->bench->from, walk->bench->to,
                                    &walk->bars, &page, &walk->err);
    td_buf_free(&response->body);
    walk->pages++;
    for (int r = 0; r < TD_REASON_COUNT; r++)
        walk->quarantined += page.quarantined[r];
    if (walk->code == TD_OK && page.next[0])
        walk->code = td_http_get(walk->bench->http, page.next, NULL, on_page, walk, &walk->err);
    if (walk->code != TD_OK || !page.next[0])
        finish(walk);
}

static void compare(const struct td_sim *sim, const struct walk *walk)
{
    struct td_bars truth = {0};
    struct td_err err = {0};
    for (td_day day = walk->bench->from; day <= walk->bench->to; day++) {
        if (td_cal_index(day) >= 0)
            ASSERT_OK(td_sim_session(sim, walk->ticker, day, walk->bench->daily, &truth, &err), err);
    }
    if (truth.n != walk->bars.n)
        fail_msg("%s: %zu bars arrived, %zu were made", walk->ticker, walk->bars.n, truth.n);
    for (size_t i = 0; i < truth.n; i++) {
        struct td_bar made = td_bars_get(&truth, i), arrived = td_bars_get(&walk->bars, i);
        if (!td_bar_same(&made, &arrived))
            fail_msg("%s: bar %zu differs", walk->ticker, i);
    }
    td_bars_free(&truth);
}

/* Fetch `daily` or minute bars of every ticker through `faults` and compare with the generator. */
static void run(bool daily, const char *const *faults, size_t fault_count, struct td_http_stats *stats)
{
    struct td_sim_options options = {.seed = 3, .sessions = 6, .daily_sessions = 40, .tickers = 40, .faults = faults, .fault_count = fault_count};
    struct td_http_options engine = {.max_in_flight = 8, .max_retries = 40, .backoff_ms = 1, .key = "demo", .seed = 5};
    static struct bench bench;
    struct td_sim *sim = NULL;
    struct td_err err = {0};
    char url[64];
    int port = 0;

    memset(&bench, 0, sizeof bench);
    pthread_mutex_init(&bench.lock, NULL);
    pthread_cond_init(&bench.changed, NULL);
    ASSERT_OK(td_sim_new(&options, &sim, &err), err);
    ASSERT_OK(td_sim_serve(sim, &port, &err), err);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    engine.base_url = url;
    ASSERT_OK(td_http_new(&engine, &bench.http, &err), err);
    bench.daily = daily;
    bench.from = td_sim_first_session(sim, daily);
    bench.to = td_sim_last_session(sim);
    bench.count = td_sim_ticker_count(sim) < MAX_WALKS ? td_sim_ticker_count(sim) : MAX_WALKS;
    for (size_t i = 0; i < bench.count; i++) {
        struct walk *walk = &bench.walks[i];
        struct td_buf path;
        *walk = (struct walk){.bench = &bench, .ticker = td_sim_ticker(sim, i)};
        td_buf_init(&path, 4096);
        td_rest_aggs_path(&path, walk->ticker, daily, bench.from, bench.to);
        ASSERT_OK(td_http_get(bench.http, path.data, NULL, on_page, walk, &err), err);
        td_buf_free(&path);
    }
    pthread_mutex_lock(&bench.lock);
    while (bench.done < bench.count)
        pthread_cond_wait(&bench.changed, &bench.lock);
    pthread_mutex_unlock(&bench.lock);
    td_http_stats(bench.http, stats);
    td_http_free(bench.http);
    for (size_t i = 0; i < bench.count; i++) {
        ASSERT_OK(bench.walks[i].code, bench.walks[i].err);
        assert_int_equal(bench.walks[i].quarantined, 0);
        compare(sim, &bench.walks[i]);
        td_bars_free(&bench.walks[i].bars);
    }
    td_sim_free(sim);
}

static void test_minutes_through_every_fault(void **state)
{
    (void)state;
    static const char *const faults[] = {"page=700",    "429bare=0.03", "empty429=0.02", "500=0.1",      "empty503=0.05",
                                         "reset=0.05",  "html=0.05",    "garbage=0.05",  "cutjson=0.05", "truncate=0.1",
                                         "delayed=0.2", "numbers=0.3",  "nogzip=0.3"};
    struct td_http_stats stats;
    run(false, faults, TD_COUNT(faults), &stats);
    assert_true(stats.retries > 20);
    assert_true(stats.throttled > 0);
}

static void test_minutes_undisturbed(void **state)
{
    (void)state;
    struct td_http_stats stats;
    run(false, NULL, 0, &stats);
    assert_int_equal(stats.retries, 0);
}

static void test_days(void **state)
{
    (void)state;
    static const char *const faults[] = {"page=7", "500=0.1", "truncate=0.1", "cutjson=0.1"};
    struct td_http_stats stats;
    run(true, faults, TD_COUNT(faults), &stats);
    assert_true(stats.retries > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_minutes_through_every_fault),
        cmocka_unit_test(test_minutes_undisturbed),
        cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests_name("feed/rest_walk", tests, NULL, NULL);
}
