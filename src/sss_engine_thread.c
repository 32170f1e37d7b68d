
/*
 * The engine's thread.  It waits for its descriptors only, so every bound
 * that is promised holds whatever servers and resolver do.
 */


#ifndef _GNU_SOURCE
#define _GNU_SOURCE             /* ppoll() */
#endif

#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sss_engine_thread.h"


/*
 * While a server has yet to answer, other lookups are gathered for this long,
 * to become one request; a server that is far away must not make them wait.
 */
#define SSS_ENGINE_HOLD   300           /* us                              */

#define SSS_ENGINE_PROBE  500000        /* while the breaker is open, us   */


static int sss_engine_fetch(sss_engine_t *engine, uint64_t now,
    sss_queue_t *work);
static int sss_engine_post(sss_engine_t *engine, uint64_t now);
static void sss_engine_count(sss_engine_t *engine,
    const sss_request_t *request, uint64_t now);
static void sss_engine_dispatch(sss_engine_t *engine, sss_queue_t *work,
    uint64_t now);
static void sss_engine_lookup(sss_engine_t *engine, sss_request_t *request,
    size_t i, uint64_t now);
static void sss_engine_write(sss_engine_t *engine, sss_request_t *request,
    size_t i);
static void sss_engine_batch(sss_engine_t *engine, size_t i);
static uint32_t sss_engine_usable(const sss_engine_t *engine);
static int sss_engine_idle(const sss_engine_t *engine);
static void sss_engine_wait(sss_engine_t *engine, uint64_t until);
static void sss_engine_breaker(sss_engine_t *engine, uint64_t now);
static void sss_engine_finish(sss_engine_t *engine);


void *
sss_engine_main(void *data)
{
    int            sleep;
    uint64_t       now;
    sss_queue_t    work;
    sss_engine_t  *engine;

    engine = data;
    work.head = NULL;

    sss_engine_wait(engine, 0);

    for ( ;; ) {

        now = sss_request_clock();
        sleep = sss_engine_fetch(engine, now, &work);

        if (work.head != NULL) {
            sss_engine_dispatch(engine, &work, now);
            continue;
        }

        if (!sleep) {
            break;
        }

        sss_engine_wait(engine, engine->hold > now ? engine->hold
                                                   : UINT64_MAX);
        sss_engine_breaker(engine, sss_request_clock());
    }

    sss_engine_finish(engine);

    return NULL;
}


/*
 * Hands results over and takes requests.  Returns 0 if there are none and
 * the thread is to end.
 */

static int
sss_engine_fetch(sss_engine_t *engine, uint64_t now, sss_queue_t *work)
{
    int  notify, stop;

    if (engine->hold <= now || sss_engine_idle(engine)) {
        engine->hold = 0;
    }

    pthread_mutex_lock(&engine->lock);

    notify = sss_engine_post(engine, now);
    stop = engine->stop;

    if (engine->hold == 0 || stop) {
        sss_queue_move(work, &engine->requests);
        engine->sleeping = (work->head == NULL);
    }

    pthread_mutex_unlock(&engine->lock);

    if (notify) {
        sss_engine_notify(engine->fd);
    }

    return !stop;
}


/* Under the lock.  Returns 1 if the event loop is to be woken. */

static int
sss_engine_post(sss_engine_t *engine, uint64_t now)
{
    int                  empty;
    sss_request_t       *request;
    sss_engine_stats_t  *sent;

    sent = &engine->sent;

    engine->stats.stores += sent->stores;
    engine->stats.removals += sent->removals;
    engine->stats.dropped += sent->dropped;
    engine->stats.batches += sent->batches;
    engine->used -= (unsigned) (sent->stores + sent->removals
                                + sent->dropped);

    memset(sent, 0, sizeof(sss_engine_stats_t));

    if (engine->done.head == NULL) {
        return 0;
    }

    empty = (engine->results.head == NULL);

    for (request = engine->done.head; request; request = request->next) {
        sss_engine_count(engine, request, now);
    }

    sss_queue_move(&engine->results, &engine->done);

    return empty;
}


static void
sss_engine_count(sss_engine_t *engine, const sss_request_t *request,
    uint64_t now)
{
    unsigned             i;
    uint64_t             us;
    sss_engine_stats_t  *stats;

    stats = &engine->stats;
    stats->waiting--;

    us = now > request->since ? now - request->since : 0;

    for (i = 0; i < SSS_ENGINE_BUCKETS - 1 && us >= (64u << i); i++) {
        /* void */
    }

    stats->latency[i]++;
    stats->latency_us += us;

    if (request->rc != SSS_ENGINE_FAILED) {

        if (request->rc == SSS_ENGINE_HIT) {
            stats->hits++;

        } else {
            stats->misses++;
        }

        engine->failing = 0;
        stats->open = 0;
        return;
    }

    stats->failures++;

    if (++engine->failing >= engine->breaker && !stats->open) {
        stats->open = 1;
        stats->opened++;
        engine->probe = now;
    }
}


/*
 * Writes go first: so a lookup finds what was stored before it was asked
 * for, even if both were waiting.
 */

static void
sss_engine_dispatch(sss_engine_t *engine, sss_queue_t *work, uint64_t now)
{
    size_t          i;
    uint32_t        usable;
    sss_request_t  *request;

    usable = sss_engine_usable(engine);

    while ((request = sss_queue_pop(work)) != NULL) {

        i = sss_spread_find(engine->spread, usable, request->name);

        if (sss_request_is_lookup(request)) {
            sss_engine_lookup(engine, request, i, now);

        } else {
            sss_engine_write(engine, request, i);
        }
    }

    for (i = 0; i < engine->n; i++) {
        sss_engine_batch(engine, i);
        sss_link_flush(engine->links[i], now);
    }
}


static void
sss_engine_lookup(sss_engine_t *engine, sss_request_t *request, size_t i,
    uint64_t now)
{
    /* what nobody waits for any more is not worth a question */

    if (i == engine->n || now > request->since + engine->timeout) {
        request->rc = SSS_ENGINE_FAILED;
        sss_queue_push(&engine->done, request);
        return;
    }

    if (engine->hold == 0) {
        engine->hold = now + SSS_ENGINE_HOLD;
    }

    sss_queue_push(&engine->batch[i], request);
    engine->batched[i]++;
}


static void
sss_engine_write(sss_engine_t *engine, sss_request_t *request, size_t i)
{
    int  rc;

    rc = -1;

    if (i != engine->n) {
        rc = sss_link_write(engine->links[i], request);
    }

    if (rc != 0) {
        engine->sent.dropped++;

    } else if (request->op == SSS_REQUEST_PUT) {
        engine->sent.stores++;

    } else {
        engine->sent.removals++;
    }

    sss_request_free(request);
}


static void
sss_engine_batch(sss_engine_t *engine, size_t i)
{
    unsigned        n;
    sss_queue_t     lookups;
    sss_request_t  *request;

    if (engine->batched[i] > 1) {
        engine->sent.batches++;
    }

    engine->batched[i] = 0;

    while (engine->batch[i].head != NULL) {

        lookups.head = NULL;

        for (n = 0; n < SSS_LINK_NAMES; n++) {

            request = sss_queue_pop(&engine->batch[i]);
            if (request == NULL) {
                break;
            }

            sss_queue_push(&lookups, request);
        }

        sss_link_get(engine->links[i], &lookups);
    }
}


static uint32_t
sss_engine_usable(const sss_engine_t *engine)
{
    size_t    i;
    uint32_t  usable;

    usable = 0;

    for (i = 0; i < engine->n; i++) {
        if (sss_link_usable(engine->links[i])) {
            usable |= 1u << i;
        }
    }

    return usable;
}


static int
sss_engine_idle(const sss_engine_t *engine)
{
    size_t  i;

    for (i = 0; i < engine->n; i++) {
        if (!sss_link_idle(engine->links[i])) {
            return 0;
        }
    }

    return 1;
}


static void
sss_engine_wait(sss_engine_t *engine, uint64_t until)
{
    size_t           i;
    uint64_t         now, due, count;
    struct pollfd    pfd[SSS_SERVERS_MAX + 1];
    struct timespec  ts;

    pfd[engine->n].fd = engine->wake;
    pfd[engine->n].events = POLLIN;

    for (i = 0; i < engine->n; i++) {
        due = sss_link_wait(engine->links[i], &pfd[i]);
        until = due < until ? due : until;
    }

    if (engine->probe != 0 && engine->probe < until) {
        until = engine->probe;
    }

    now = sss_request_clock();
    due = until > now ? until - now : 0;

    ts.tv_sec = (time_t) (due / 1000000);
    ts.tv_nsec = (long) (due % 1000000) * 1000;

    if (engine->done.head != NULL) {
        ts.tv_sec = 0;
        ts.tv_nsec = 0;
    }

    if (ppoll(pfd, (nfds_t) engine->n + 1, until == UINT64_MAX ? NULL : &ts,
              NULL)
        == -1)
    {
        for (i = 0; i <= engine->n; i++) {
            pfd[i].revents = 0;
        }
    }

    if (pfd[engine->n].revents & POLLIN) {
        (void) !read(engine->wake, &count, sizeof(count));
    }

    now = sss_request_clock();

    for (i = 0; i < engine->n; i++) {
        sss_link_event(engine->links[i], pfd[i].revents, now);
    }
}


/* Open, it closes again when a server answers a probe. */

static void
sss_engine_breaker(sss_engine_t *engine, uint64_t now)
{
    int     answered;
    size_t  i;

    answered = 0;

    for (i = 0; i < engine->n; i++) {
        answered |= sss_link_answered(engine->links[i]);
    }

    if (engine->probe == 0) {
        return;
    }

    pthread_mutex_lock(&engine->lock);

    if (engine->stats.open && answered) {

        /* one more failure, and it opens again */

        engine->stats.open = 0;
        engine->failing = engine->breaker - 1;
    }

    if (!engine->stats.open) {
        engine->probe = 0;
    }

    pthread_mutex_unlock(&engine->lock);

    if (engine->probe == 0 || now < engine->probe) {
        return;
    }

    engine->probe = now + SSS_ENGINE_PROBE;

    for (i = 0; i < engine->n; i++) {
        if (sss_link_usable(engine->links[i])) {
            sss_link_probe(engine->links[i], now);
            sss_link_flush(engine->links[i], now);
        }
    }
}


/*
 * What was written is lost with the connection unless the server has read it,
 * and it has if it answers.
 */

static void
sss_engine_finish(sss_engine_t *engine)
{
    size_t    i;
    uint64_t  now;

    now = sss_request_clock();

    for (i = 0; i < engine->n; i++) {
        if (sss_link_usable(engine->links[i])) {
            sss_link_probe(engine->links[i], now);
            sss_link_flush(engine->links[i], now);
        }
    }

    while (now < engine->until && !sss_engine_idle(engine)) {
        sss_engine_wait(engine, engine->until);
        now = sss_request_clock();
    }
}
