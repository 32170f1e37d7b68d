
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "sss_engine_inside.h"
#include "sss_talk.h"


#define SSS_ENGINE_PROBE   500000       /* us between two probes while the
                                           breaker is open                 */


static int sss_engine_open(sss_engine_t *engine,
    const sss_engine_conf_t *conf);
static int sss_engine_relink(sss_engine_t *engine);
static size_t sss_engine_server(sss_engine_t *engine, const char *name);
static uint32_t sss_engine_which(const sss_engine_t *engine);
static sss_engine_queue_t sss_engine_drop(sss_engine_t *engine);
static uint64_t sss_engine_asks(const sss_engine_t *engine);
static uint64_t sss_engine_sends(const sss_engine_t *engine);
static void sss_engine_dispatch(sss_engine_t *engine, uint64_t now);
static void sss_engine_batch(sss_engine_t *engine, size_t i);
static void sss_engine_flush(sss_engine_t *engine, uint64_t now);
static void sss_engine_breaker(sss_engine_t *engine, uint64_t now);
static void sss_engine_probe(sss_engine_t *engine, uint64_t now);
static void sss_engine_collect(sss_engine_t *engine, uint64_t now);
static void sss_engine_count(sss_engine_t *engine,
    const sss_request_t *request, uint64_t now);
static uint64_t sss_engine_due(const sss_engine_t *engine, uint64_t now);
static int sss_engine_each(const sss_engine_t *engine,
    int (*is)(const sss_link_t *link));
static void sss_engine_finish(sss_engine_t *engine, unsigned wait_ms);


sss_engine_t *
sss_engine_create(const sss_engine_conf_t *conf)
{
    sss_engine_t  *engine;

    if (conf->n_servers == 0 || conf->n_servers > SSS_SERVERS_MAX) {
        return NULL;
    }

    engine = calloc(1, sizeof(sss_engine_t));
    if (engine == NULL) {
        return NULL;
    }

    engine->link.timeout_ms = conf->timeout_ms ? conf->timeout_ms : 1;
    engine->link.patience_ms = conf->patience_ms ? conf->patience_ms : 1;
    engine->link.quiet = conf->quiet;
    engine->link.auth = conf->auth;
    engine->link.tls = conf->tls;
    engine->secure = conf->secure;
    engine->link.done = &engine->done;
    engine->timeout = (uint64_t) engine->link.timeout_ms * 1000;
    engine->queue = conf->queue ? conf->queue : 1;
    engine->breaker = conf->breaker ? conf->breaker : 1;
    engine->wake = -1;

    if (sss_engine_open(engine, conf) != 0) {
        sss_engine_destroy(engine, 0);
        return NULL;
    }

    (void) sss_engine_run(engine);

    return engine;
}


static int
sss_engine_open(sss_engine_t *engine, const sss_engine_conf_t *conf)
{
    engine->wake = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    engine->names = sss_names_create(conf->servers, conf->weights, conf->known,
                                     conf->n_servers, engine->wake);

    if (engine->wake == -1 || engine->names == NULL) {
        return -1;
    }

    engine->servers = sss_names_servers(engine->names);
    engine->spread = sss_spread_create(engine->servers);

    return engine->spread == NULL ? -1 : sss_engine_relink(engine);
}


/*
 * Gives every server that has an address a link, and destroys the links of
 * servers that are gone.  Returns 0, or -1 without memory for a link.
 */

static int
sss_engine_relink(sss_engine_t *engine)
{
    int                  rc, tls;
    size_t               i;
    const sss_server_t  *server;

    rc = 0;
    engine->n = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        server = &engine->servers[i];

        if (engine->ids[i] != server->id) {
            sss_link_destroy(engine->links[i]);

            engine->links[i] = NULL;
            engine->ids[i] = server->id;

            if (server->id != 0 && server->error == NULL) {
                tls = engine->secure >> server->line & 1;
                engine->links[i] = sss_link_create(&server->address,
                                                   tls ? server->host : NULL,
                                                   &engine->link);
                rc = engine->links[i] ? rc : -1;
            }
        }

        engine->n += (engine->links[i] != NULL);
    }

    /*
     * Building the hash ring takes a while.  A lookup of any name builds it
     * now, before a client waits for one.
     */

    sss_spread_changed(engine->spread);
    (void) sss_engine_server(engine, "");

    return rc;
}


void
sss_engine_destroy(sss_engine_t *engine, unsigned wait_ms)
{
    size_t  i;

    if (engine == NULL) {
        return;
    }

    sss_engine_forget(engine);

    if (wait_ms > 0) {
        sss_engine_finish(engine, wait_ms);
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        sss_link_destroy(engine->links[i]);
        sss_queue_free(&engine->batch[i]);
    }

    if (engine->wake != -1) {
        close(engine->wake);
    }

    sss_spread_destroy(engine->spread);
    sss_names_destroy(engine->names);
    sss_queue_free(&engine->requests);
    sss_queue_free(&engine->done);
    sss_queue_free(&engine->results);
    free(engine);
}


sss_engine_queue_t
sss_engine_get(sss_engine_t *engine, const char *name, int take, void *data,
    sss_request_t **lookup)
{
    sss_engine_queue_t   rc;

    if (engine->stats.open) {

        /* not counted as dropped, since the client gets a full handshake */

        return SSS_ENGINE_OPEN;
    }

    rc = sss_engine_queue(engine,
                          sss_request_create(take ? SSS_REQUEST_TAKE
                                                  : SSS_REQUEST_GET, name),
                          data, lookup);

    if (rc == SSS_ENGINE_QUEUED) {
        engine->stats.gets++;
    }

    return rc;
}


sss_engine_queue_t
sss_engine_queue(sss_engine_t *engine, sss_request_t *request, void *data,
    sss_request_t **lookup)
{
    if (request == NULL || engine->used >= engine->queue) {
        sss_request_free(request);
        return sss_engine_drop(engine);
    }

    request->since = sss_request_clock();
    request->until = request->since + engine->timeout;
    request->data = data;

    engine->used++;
    engine->stats.waiting++;

    sss_pace_lookup(&engine->pace, engine->stats.waiting, request->since);

    sss_queue_push(&engine->requests, request);
    engine->asking++;

    *lookup = request;

    return SSS_ENGINE_QUEUED;
}


void
sss_engine_cancel(sss_engine_t *engine, sss_request_t *lookup)
{
    /* it may have been sent, so it stays until its answer or its deadline */

    lookup->cancelled = 1;

    if (!lookup->over) {
        engine->stats.waiting--;
    }
}


sss_engine_queue_t
sss_engine_put(sss_engine_t *engine, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl)
{
    size_t  i;

    if (engine->stats.open || len > SSS_ENGINE_VALUE
        || !sss_request_name_ok(name))
    {
        return sss_engine_drop(engine);
    }

    i = sss_engine_server(engine, name);

    if (i == SSS_SERVERS_MAX
        || sss_link_put(engine->links[i], name, value, len, ttl) != 0)
    {
        return sss_engine_drop(engine);
    }

    engine->stats.stores++;

    return SSS_ENGINE_QUEUED;
}


sss_engine_queue_t
sss_engine_remove(sss_engine_t *engine, const char *name)
{
    size_t  i;

    if (engine->stats.open || !sss_request_name_ok(name)) {
        return sss_engine_drop(engine);
    }

    i = sss_engine_server(engine, name);

    if (i == SSS_SERVERS_MAX || sss_link_remove(engine->links[i], name) != 0) {
        return sss_engine_drop(engine);
    }

    engine->stats.removals++;

    return SSS_ENGINE_QUEUED;
}


static sss_engine_queue_t
sss_engine_drop(sss_engine_t *engine)
{
    engine->stats.dropped++;

    return engine->stats.open ? SSS_ENGINE_OPEN : SSS_ENGINE_FULL;
}


/* Returns SSS_SERVERS_MAX if no server is usable. */

static size_t
sss_engine_server(sss_engine_t *engine, const char *name)
{
    return sss_spread_find(engine->spread, sss_engine_which(engine), name);
}


static uint32_t
sss_engine_which(const sss_engine_t *engine)
{
    size_t    i;
    uint32_t  usable;

    usable = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        usable |= (uint32_t) sss_engine_usable(engine, i) << i;
    }

    return usable;
}


int
sss_engine_usable(const sss_engine_t *engine, size_t place)
{
    return engine->links[place] != NULL
           && sss_link_usable(engine->links[place]);
}


const sss_server_t *
sss_engine_servers(const sss_engine_t *engine)
{
    return engine->servers;
}


int
sss_engine_settled(const sss_engine_t *engine)
{
    return sss_names_settled(engine->names, sss_request_clock());
}


void
sss_engine_ask(sss_engine_t *engine, size_t i, uint32_t id, sss_exchange_t *x)
{
    const char  *error;

    if (engine->ids[i] == id && engine->links[i] != NULL) {
        sss_link_ask(engine->links[i], x, sss_request_clock());
        return;
    }

    error = engine->servers[i].error;

    sss_exchange_end(x, SSS_EXCHANGE_FAILED,
                     engine->ids[i] == id && error != NULL ? error
                     : "the server is not one of the cluster any more");
}


void
sss_engine_forget(sss_engine_t *engine)
{
    size_t  i;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (engine->links[i] != NULL) {
            sss_link_forget(engine->links[i]);
        }
    }
}


uint64_t
sss_engine_run(sss_engine_t *engine)
{
    size_t    i;
    uint64_t  now;

    now = sss_request_clock();

    if (sss_names_check(engine->names, now)) {
        (void) sss_engine_relink(engine);
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        if (engine->links[i] == NULL) {
            continue;
        }

        sss_link_check(engine->links[i], now);

        if (!sss_link_usable(engine->links[i])) {
            sss_names_failed(engine->names, i);
        }
    }

    if (engine->stats.stores != engine->seen) {
        engine->seen = engine->stats.stores;
        sss_pace_store(&engine->pace, now);
    }

    if (sss_engine_asks(engine) <= now || sss_engine_sends(engine) <= now) {
        sss_engine_dispatch(engine, now);
    }

    sss_engine_breaker(engine, now);
    sss_engine_collect(engine, now);

    return sss_engine_due(engine, now);
}


/* When the lookups that wait are to be sent. */

static uint64_t
sss_engine_asks(const sss_engine_t *engine)
{
    if (engine->asking == 0) {
        return SSS_ENGINE_NEVER;
    }

    return sss_pace_asks(&engine->pace, engine->asking, engine->n);
}


/* When the stores and removals that wait are to be sent. */

static uint64_t
sss_engine_sends(const sss_engine_t *engine)
{
    if (!sss_engine_each(engine, sss_link_pending)) {
        return SSS_ENGINE_NEVER;
    }

    return sss_pace_sends(&engine->pace);
}


/* Sends all that waits, since it fits into one message to each server. */

static void
sss_engine_dispatch(sss_engine_t *engine, uint64_t now)
{
    size_t          i;
    sss_request_t  *request;

    while ((request = sss_queue_pop(&engine->requests)) != NULL) {

        i = request->claim ? sss_engine_claimed(engine, request)
                           : sss_engine_server(engine, request->name);

        /* a lookup for whose answer nobody waits any more is not sent */

        if (i == SSS_SERVERS_MAX || request->cancelled
            || now > request->since + engine->timeout)
        {
            request->rc = SSS_ENGINE_FAILED;
            sss_queue_push(&engine->done, request);
            continue;
        }

        if (request->claim) {
            sss_link_claim(engine->links[i], request);

        } else {
            sss_queue_push(&engine->batch[i], request);
        }
    }

    if (engine->asking > 0) {
        sss_pace_asked(&engine->pace, now);
        engine->asking = 0;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        sss_engine_batch(engine, i);
    }

    sss_engine_flush(engine, now);
}


static void
sss_engine_batch(sss_engine_t *engine, size_t i)
{
    unsigned        n;
    sss_queue_t     lookups;
    sss_request_t  *request;

    while (engine->batch[i].head != NULL) {

        lookups.head = NULL;

        for (n = 0; n < SSS_TALK_NAMES; n++) {

            request = sss_queue_pop(&engine->batch[i]);
            if (request == NULL) {
                break;
            }

            sss_queue_push(&lookups, request);
        }

        if (n > 1) {
            engine->stats.batches++;
        }

        sss_link_get(engine->links[i], &lookups);
    }
}


static void
sss_engine_flush(sss_engine_t *engine, uint64_t now)
{
    size_t  i;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (engine->links[i] && sss_link_pending(engine->links[i])) {
            sss_link_flush(engine->links[i], now);
        }
    }

    sss_pace_sent(&engine->pace, now);
}


/* Closes an open breaker when a server has answered; else sends probes. */

static void
sss_engine_breaker(sss_engine_t *engine, uint64_t now)
{
    int     answered;
    size_t  i;

    answered = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (engine->links[i]) {
            answered |= sss_link_answered(engine->links[i]);
        }
    }

    if (!engine->stats.open) {
        return;
    }

    if (answered) {

        /* the next failure opens it again */

        engine->stats.open = 0;
        engine->failing = engine->breaker - 1;
        return;
    }

    if (now >= engine->probe) {
        engine->probe = now + SSS_ENGINE_PROBE;
        sss_engine_probe(engine, now);
    }
}


static void
sss_engine_probe(sss_engine_t *engine, uint64_t now)
{
    size_t  i;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (engine->links[i] && sss_link_usable(engine->links[i])) {
            sss_link_probe(engine->links[i], now);
            sss_link_flush(engine->links[i], now);
        }
    }
}


/* Makes results of the lookups that have ended; cancelled ones are freed. */

static void
sss_engine_collect(sss_engine_t *engine, uint64_t now)
{
    sss_request_t  *request;

    while ((request = sss_queue_pop(&engine->done)) != NULL) {

        sss_engine_count(engine, request, now);
        request->over = 1;

        if (request->cancelled) {
            engine->used--;
            sss_request_free(request);
            continue;
        }

        sss_queue_push(&engine->results, request);
    }
}


static void
sss_engine_count(sss_engine_t *engine, const sss_request_t *request,
    uint64_t now)
{
    uint64_t             us;
    sss_engine_stats_t  *stats;

    stats = &engine->stats;

    if (!request->cancelled) {
        stats->waiting--;
    }

    us = now > request->since ? now - request->since : 0;

    stats->latency[sss_latency_bucket(us)]++;
    stats->latency_us += us;

    if (request->rc != SSS_ENGINE_FAILED) {

        if (request->claim == NULL) {
            stats->hits += (request->rc == SSS_ENGINE_HIT);
            stats->misses += (request->rc != SSS_ENGINE_HIT);
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


/* After how many microseconds sss_engine_run() is to be called again. */

static uint64_t
sss_engine_due(const sss_engine_t *engine, uint64_t now)
{
    size_t    i;
    uint64_t  due, next;

    due = engine->stats.open ? engine->probe : SSS_ENGINE_NEVER;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (engine->links[i]) {
            next = sss_link_due(engine->links[i]);
            due = next < due ? next : due;
        }
    }

    next = sss_names_due(engine->names);
    due = next < due ? next : due;

    next = sss_engine_asks(engine);
    due = next < due ? next : due;

    next = sss_engine_sends(engine);
    due = next < due ? next : due;

    if (due == SSS_ENGINE_NEVER) {
        return due;
    }

    return due > now ? due - now : 0;
}


/* 1 if "is" returns 1 for any link. */

static int
sss_engine_each(const sss_engine_t *engine, int (*is)(const sss_link_t *link))
{
    size_t  i;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (engine->links[i] && is(engine->links[i])) {
            return 1;
        }
    }

    return 0;
}


void
sss_engine_watch(const sss_engine_t *engine, size_t i,
    sss_engine_watch_t *watch)
{
    watch->fd = -1;
    watch->epoch = 0;
    watch->write = 0;

    if (i == SSS_SERVERS_MAX) {
        watch->fd = engine->wake;

    } else if (engine->links[i] != NULL) {
        sss_link_watch(engine->links[i], watch);

        /* the epoch of a new server's first descriptor must differ, too */

        watch->epoch += engine->ids[i] << 16;
    }
}


void
sss_engine_event(sss_engine_t *engine, size_t i)
{
    uint64_t  now, count;

    now = sss_request_clock();

    if (i == SSS_SERVERS_MAX) {
        (void) !read(engine->wake, &count, sizeof(count));

    } else if (engine->links[i] != NULL) {
        sss_link_event(engine->links[i], now);
        sss_engine_collect(engine, now);
    }
}


size_t
sss_engine_take(sss_engine_t *engine, sss_engine_result_t *results, size_t n)
{
    size_t          i;
    sss_request_t  *request;

    i = 0;

    while (i < n && (request = sss_queue_pop(&engine->results)) != NULL) {

        engine->used--;

        if (!request->cancelled) {
            results[i].data = request->data;
            results[i].rc = request->rc;
            results[i].late = request->late;
            results[i].value = request->value;
            results[i].len = request->len;
            results[i].reply = request->reply;

            request->value = NULL;
            i++;
        }

        sss_request_free(request);
    }

    return i;
}


void
sss_engine_stats(const sss_engine_t *engine, sss_engine_stats_t *stats)
{
    *stats = engine->stats;
}


void
sss_engine_wait(sss_engine_t *engine, unsigned ms)
{
    uint64_t  due;

    due = sss_engine_run(engine);

    if (engine->results.head != NULL) {
        return;
    }

    if (due > (uint64_t) ms * 1000) {
        due = (uint64_t) ms * 1000;
    }

    sss_engine_poll(engine, due);

    (void) sss_engine_run(engine);
}


/*
 * Sends what waits, and then a probe to each server.  Its answer shows that
 * the server has read everything before it; what a server has not read is lost
 * when the connection is closed.
 */

static void
sss_engine_finish(sss_engine_t *engine, unsigned wait_ms)
{
    uint64_t  now, until, due;

    now = sss_request_clock();
    until = now + (uint64_t) wait_ms * 1000;

    sss_engine_dispatch(engine, now);
    sss_engine_probe(engine, now);

    while (now < until && sss_engine_each(engine, sss_link_busy)) {

        due = sss_engine_run(engine);
        sss_engine_poll(engine, due < until - now ? due : until - now);

        now = sss_request_clock();
    }
}
