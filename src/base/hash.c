/* SPDX-License-Identifier: GPL-3.0-or-later
 * Small stable hashes. FNV-1a: Fowler, Noll, Vo; splitmix64 finaliser: Steele, Lea, Flood 2014; CRC-32: ISO 3309. */
#include <pthread.h>
#include <string.h>
#include <tapedeck/base.h>

uint64_t td_mix64(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t td_hash64(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return td_mix64(h);
}

uint64_t td_hash_block(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h = td_mix64(seed ^ len), word;
    for (; len >= sizeof word; len -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 32;
    }
    word = 0;
    if (len)
        memcpy(&word, p, len);
    return td_mix64(h ^ word);
}

/* Slicing by 8 (Kounavis and Berry 2005): eight tables, eight bytes a step. */
struct crc_tables {
    uint32_t t[8][256];
};

static struct crc_tables tables; /* written once, under the once control */
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? (c >> 1) ^ 0xedb88320u : c >> 1;
        tables.t[0][i] = c;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            tables.t[k][i] = (tables.t[k - 1][i] >> 8) ^ tables.t[0][tables.t[k - 1][i] & 255];
}

uint32_t td_crc32(uint32_t crc, const void *data, size_t len)
{
    pthread_once(&tables_once, make_tables);
    const struct crc_tables *k = &tables;
    const unsigned char *p = data;
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = k->t[7][low & 255] ^ k->t[6][low >> 8 & 255] ^ k->t[5][low >> 16 & 255] ^ k->t[4][low >> 24] ^
              k->t[3][p[4]] ^ k->t[2][p[5]] ^ k->t[1][p[6]] ^ k->t[0][p[7]];
    }
    while (len--)
        crc = (crc >> 8) ^ k->t[0][(crc ^ *p++) & 255];
    return ~crc;
}
