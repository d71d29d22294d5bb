/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any answer of a server before the retry policy: a body that a strict JSON reader accepts as an object or a list must never
 * be called cut short, and no wait may be outside its bounds. */
#include <jansson.h>
#include "feed/http_retry.h"
#include "fuzz.h"

static bool is_document(const char *body, size_t len)
{
    json_t *root = json_loadb(body, len, JSON_ALLOW_NUL, NULL);
    bool whole = root != NULL;
    json_decref(root);
    return whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/json", "application/json; charset=utf-8", "text/html", "text/plain"};
    struct fuzz_in in = {data, size};
    uint64_t rng = fuzz_bits(&in, 2);
    long status = (long)(fuzz_bits(&in, 2) % 1000);
    int64_t after = (int64_t)(int32_t)fuzz_bits(&in, 4);
    unsigned base = (unsigned)fuzz_bits(&in, 2), nth = fuzz_u8(&in);
    int64_t delay = http_delay_ms(base, nth, after, &rng);
    FUZZ_CHECK(delay >= 0 && delay <= HTTP_MAX_RETRY_AFTER_S * 1000);
    FUZZ_CHECK(after > 0 || delay <= HTTP_MAX_BACKOFF_MS);
    FUZZ_CHECK(http_judge_status(status) <= HTTP_FATAL);
    FUZZ_CHECK(status == 429 || status == 408 || status == 499 || status >= 500 || http_judge_status(status) == HTTP_FINAL);
    FUZZ_CHECK(http_judge_transfer((CURLcode)(status % 100)) <= HTTP_FATAL);
    const char *body = (const char *)in.p;
    for (size_t i = 0; i < TD_COUNT(types); i++) {
        bool wrong = http_body_is_wrong(types[i], body, in.left);
        if (i < 2 && wrong)
            FUZZ_CHECK(!is_document(body, in.left));
        FUZZ_CHECK(i != 2 || wrong);
        FUZZ_CHECK(i != 3 || !wrong);
    }
    FUZZ_CHECK(!http_body_is_wrong(NULL, body, in.left));
    return 0;
}
