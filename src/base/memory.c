/* SPDX-License-Identifier: GPL-3.0-or-later
 * Checked allocation with fault injection, and the arena. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <tapedeck/base.h>

/* 0 = off; n > 0: the n-th allocation from now fails, and once reached (stays at 1) all later ones. Any thread. */
static atomic_long fail_after;

void td_alloc_fail_after(long n)
{
    atomic_store(&fail_after, n);
}

static bool injected_failure(void)
{
    long n = atomic_load_explicit(&fail_after, memory_order_relaxed);
    while (n > 1)
        if (atomic_compare_exchange_weak(&fail_after, &n, n - 1))
            return false;
    return n == 1;
}

void *td_malloc(size_t size)
{
    if (size > PTRDIFF_MAX || injected_failure())
        return NULL;
    return malloc(size ? size : 1);
}

void *td_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX || injected_failure())
        return NULL;
    return calloc(count ? count : 1, size ? size : 1);
}

void *td_realloc(void *old, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX || injected_failure())
        return NULL;
    return realloc(old, bytes ? bytes : 1);
}

char *td_strndup(const char *text, size_t len)
{
    char *copy = len < PTRDIFF_MAX ? td_malloc(len + 1) : NULL;
    if (copy) {
        if (len)
            memcpy(copy, text, len);
        copy[len] = 0;
    }
    return copy;
}

char *td_strdup(const char *text)
{
    return td_strndup(text, strlen(text));
}

void td_free(void *p)
{
    free(p);
}

enum td_code td_grow(void *array_ptr, size_t *cap, size_t need, size_t size, struct td_err *err)
{
    if (need <= *cap)
        return TD_OK;
    size_t want = *cap > SIZE_MAX / 2 ? need : *cap * 2;
    if (want < need)
        want = need;
    if (want < 16)
        want = 16;
    void *old;
    memcpy(&old, array_ptr, sizeof old); /* the caller's pointer has another type: no aliasing through void ** */
    void *bigger = td_realloc(old, want, size);
    if (!bigger)
        return td_fail(err, TD_NOMEM, "out of memory: %zu elements of %zu bytes", want, size);
    memcpy(array_ptr, &bigger, sizeof bigger);
    *cap = want;
    return TD_OK;
}

struct td_arena_block {
    struct td_arena_block *next;
    size_t size, used;
    _Alignas(16) unsigned char data[];
};

void td_arena_init(struct td_arena *arena, size_t limit)
{
    *arena = (struct td_arena){.limit = limit};
}

static struct td_arena_block *arena_block(struct td_arena *arena, size_t need)
{
    size_t size = arena->head ? arena->head->size * 2 : 4096;
    if (size > (size_t)1 << 20)
        size = (size_t)1 << 20;
    if (size < need)
        size = need;
    struct td_arena_block *block = td_malloc(sizeof *block + size);
    if (block) {
        block->next = arena->head;
        block->size = size;
        block->used = 0;
        arena->head = block;
    }
    return block;
}

void *td_arena_alloc(struct td_arena *arena, size_t size)
{
    if (size > PTRDIFF_MAX / 2 || size > arena->limit || arena->used > arena->limit - size)
        return NULL;
    size_t padded = (size + 15) & ~(size_t)15;
    struct td_arena_block *block = arena->head;
    if (!block || block->size - block->used < padded)
        block = arena_block(arena, padded);
    if (!block)
        return NULL;
    void *p = block->data + block->used;
    block->used += padded;
    arena->used += size;
    return memset(p, 0, padded);
}

char *td_arena_strndup(struct td_arena *arena, const char *text, size_t len)
{
    char *copy = len < PTRDIFF_MAX ? td_arena_alloc(arena, len + 1) : NULL;
    if (copy && len)
        memcpy(copy, text, len);
    return copy;
}

static void free_blocks(struct td_arena_block *block)
{
    while (block) {
        struct td_arena_block *next = block->next;
        td_free(block);
        block = next;
    }
}

void td_arena_reset(struct td_arena *arena)
{
    if (arena->head) {
        free_blocks(arena->head->next);
        arena->head->next = NULL;
        arena->head->used = 0;
    }
    arena->used = 0;
}

void td_arena_free(struct td_arena *arena)
{
    free_blocks(arena->head);
    arena->head = NULL;
    arena->used = 0;
}
