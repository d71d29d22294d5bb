/* SPDX-License-Identifier: GPL-3.0-or-later
 * Secrets: a registry, and making texts safe to show. Everything is static: redaction runs inside error paths and must
 * work when memory is gone. */
#include <ctype.h>
#include <pthread.h>
#include <string.h>
#include <tapedeck/base.h>

#define MAX_SECRETS 64
#define MAX_SECRET 1024
#define MIN_SECRET 6  /* shorter texts ("demo") are words, not secrets */
#define MIN_REMNANT 4 /* a cut text may end inside a secret: this much of one is hidden too */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct {
    size_t len;
    char text[MAX_SECRET];
} secrets[MAX_SECRETS]; /* under lock */
static size_t count;    /* under lock */

/* Called with the lock held for writing. A longer secret is known by its first MAX_SECRET bytes: what follows a match
 * up to the end of the word is hidden as well. */
static void store(const char *text, size_t len)
{
    if (len > MAX_SECRET)
        len = MAX_SECRET;
    for (size_t i = 0; i < count; i++)
        if (secrets[i].len == len && memcmp(secrets[i].text, text, len) == 0)
            return;
    size_t at = count < MAX_SECRETS ? count++ : MAX_SECRETS - 1;
    memcpy(secrets[at].text, text, len);
    secrets[at].len = len;
}

/* The form a secret takes inside a URL, where that is another one. Returns its length, 0 when it is the same. */
static size_t percent_encoded(const char *text, size_t text_len, char out[MAX_SECRET])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = 0;
    bool differs = false;
    for (size_t i = 0; i < text_len && len + 3 <= MAX_SECRET; i++) {
        unsigned char c = (unsigned char)text[i];
        if (isalnum(c) || strchr("-._~", c)) {
            out[len++] = (char)c;
            continue;
        }
        out[len++] = '%';
        out[len++] = hex[c >> 4];
        out[len++] = hex[c & 15];
        differs = true;
    }
    return differs ? len : 0;
}

void td_secret_add(const char *secret)
{
    char encoded[MAX_SECRET];
    if (!secret)
        return;
    secret += strspn(secret, " \t\r\n"); /* a key file may end with a newline that the message does not show */
    size_t len = strlen(secret);
    while (len && strchr(" \t\r\n", secret[len - 1]))
        len--;
    if (len < MIN_SECRET)
        return;
    size_t encoded_len = percent_encoded(secret, len, encoded);
    pthread_rwlock_wrlock(&lock);
    store(secret, len);
    if (encoded_len)
        store(encoded, encoded_len);
    pthread_rwlock_unlock(&lock);
}

/* Bytes that keys, tokens and signatures are made of. */
static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("-._~+/=%*", c));
}

static size_t word_length(const char *text)
{
    size_t n = 0;
    while (is_word(text[n]))
        n++;
    return n;
}

/* Length of the longest registered secret at text, and of the beginning of one where the text ends inside it. */
static size_t registered(const char *text, size_t left)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t len = secrets[i].len;
        if (len > left)
            len = left >= MIN_REMNANT ? left : 0;
        if (len <= longest || memcmp(secrets[i].text, text, len) != 0)
            continue;
        longest = len + 3 > MAX_SECRET ? len + word_length(text + len) : len;
    }
    return longest;
}

/* What stands between a name and its value: = : %3D, with quotes and blanks as in JSON and headers; 0 when nothing. */
static size_t separator(const char *text)
{
    size_t n = strspn(text, "\\\"' ");
    if (text[n] == '=' || text[n] == ':')
        n++;
    else if (strncasecmp(text + n, "%3d", 3) == 0)
        n += 3;
    else
        return 0;
    return n + strspn(text + n, "\\\"' ");
}

/* Length of "apiKey=" and its like at text, when a value follows: the value is then not for showing. */
static size_t named_value(const char *text)
{
    static const char *const names[] = {"apikey",          "api_key",         "api-key",
                                        "api_secret",      "secret_key",      "secret_access_key",
                                        "access_key_id",   "x-amz-signature", "x-amz-credential",
                                        "x-amz-security-token"};
    for (size_t i = 0; i < TD_COUNT(names); i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(text, names[i], len) != 0)
            continue;
        size_t gap = separator(text + len);
        if (gap && word_length(text + len + gap))
            return len + gap;
    }
    if (strncasecmp(text, "bearer ", 7) != 0)
        return 0;
    size_t gap = 6 + strspn(text + 6, " "), len = word_length(text + gap);
    bool like_a_key = text[0] == 'B';
    for (size_t i = 0; i < len; i++) /* "the bearer token" is prose */
        like_a_key = like_a_key || isdigit((unsigned char)text[gap + i]);
    return len && like_a_key ? gap : 0;
}

static char *put_stars(char *out, size_t replaced)
{
    size_t n = replaced < 3 ? replaced : 3;
    memset(out, '*', n);
    return out + n;
}

void td_redact(char *text)
{
    size_t left = strlen(text);
    char *out = text;
    const char *in = text;
    pthread_rwlock_rdlock(&lock);
    while (left) {
        size_t hidden = registered(in, left);
        size_t shown = hidden ? 0 : named_value(in);
        if (shown) {
            memmove(out, in, shown);
            out += shown;
            in += shown;
            left -= shown;
            hidden = word_length(in);
            size_t known = registered(in, left); /* a secret may hold bytes that end a word */
            hidden = known > hidden ? known : hidden;
        }
        if (hidden) {
            out = put_stars(out, hidden);
            in += hidden;
            left -= hidden;
        } else {
            *out++ = *in++;
            left--;
        }
    }
    pthread_rwlock_unlock(&lock);
    *out = 0;
}
