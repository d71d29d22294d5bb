/* SPDX-License-Identifier: GPL-3.0-or-later
 * deck_task: how work leaves the UI thread and comes back. Data tasks run on the engine's query thread, command lines on a
 * thread of the deck's own; both are applied and freed here, once, whatever happened to them. */
#include <poll.h>
#include <unistd.h>

#include "deck.h"

static void run_query_task(void *arg)
{
    struct task *task = arg;
    task->run(task);
}

void deck_nomem(struct deck *deck, struct task *task)
{
    deck_say(deck, TD_ROLE_ERROR, "out of memory");
    if (task)
        task->drop(task);
}

void deck_query(struct deck *deck, const void *slot, struct task *task)
{
    struct td_err err = {0};
    if (td_engine_query(deck->app->engine, slot, run_query_task, task, &err) == TD_OK) {
        deck->waiting++;
        return;
    }
    deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
    task->drop(task);
}

struct command_task { /* envelope of a command task on its way */
    struct deck *deck;
    struct task *task;
    struct command_task *next; /* in the mail: deck->mail_lock */
};

/* Command thread. Delivering needs no memory, so a finished task always comes back. */
static void run_command_task(void *arg, unsigned worker)
{
    struct command_task *envelope = arg;
    struct deck *deck = envelope->deck;
    (void)worker;
    envelope->task->run(envelope->task);
    pthread_mutex_lock(&deck->mail_lock);
    struct command_task **end = &deck->mail;
    while (*end)
        end = &(*end)->next;
    *end = envelope;
    loop_post(deck->loop); /* under the lock: the deck may end as soon as it has the envelope */
    pthread_mutex_unlock(&deck->mail_lock);
}

static struct command_task *take_mail(struct deck *deck)
{
    pthread_mutex_lock(&deck->mail_lock);
    struct command_task *envelope = deck->mail;
    if (envelope)
        deck->mail = envelope->next;
    pthread_mutex_unlock(&deck->mail_lock);
    return envelope;
}

void deck_command(struct deck *deck, struct task *task)
{
    struct td_err err = {0};
    struct command_task *envelope = td_calloc(1, sizeof *envelope);
    if (!envelope) {
        deck_nomem(deck, task);
        return;
    }
    *envelope = (struct command_task){.deck = deck, .task = task};
    if (td_pool_submit(deck->command_pool, run_command_task, envelope, &err) == TD_OK) {
        deck->commands_running++;
        return;
    }
    deck_say(deck, TD_ROLE_ERROR, "%s", err.text);
    td_free(envelope);
    task->drop(task);
}

static bool take_query(struct deck *deck, bool apply)
{
    bool ran = false;
    struct task *task = td_engine_done(deck->app->engine, &ran);
    if (!task)
        return false;
    deck->waiting--;
    deck->taken++;
    if (ran && apply)
        task->apply(deck, task);
    task->drop(task);
    return true;
}

static bool take_command(struct deck *deck, bool apply)
{
    struct command_task *envelope = take_mail(deck);
    if (!envelope)
        return false;
    deck->commands_running--;
    if (apply)
        envelope->task->apply(deck, envelope->task);
    envelope->task->drop(envelope->task);
    td_free(envelope);
    return true;
}

void deck_drain(struct deck *deck)
{
    bool any = false;
    while (take_query(deck, true) || take_command(deck, true))
        any = true;
    deck->dirty = deck->dirty || any;
}

void deck_finish_tasks(struct deck *deck)
{
    if (deck->command_pool)
        td_pool_wait(deck->command_pool);
    while (take_command(deck, false))
        ;
    while (deck->waiting) {
        struct pollfd ready = {.fd = td_engine_fd(deck->app->engine), .events = POLLIN};
        uint64_t count;
        if (take_query(deck, false))
            continue;
        if (poll(&ready, 1, 100) > 0 && read(ready.fd, &count, sizeof count) < 0)
            continue; /* somebody was faster: look again */
    }
}
