
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "sss_engine_thread.h"


static int sss_engine_open(sss_engine_t *engine);
static int sss_engine_run(sss_engine_t *engine);
static void sss_engine_free(sss_engine_t *engine);
static sss_engine_queue_t sss_engine_ask(sss_engine_t *engine,
    sss_request_t *request, uint64_t *ticket);
static sss_engine_queue_t sss_engine_admit(sss_engine_t *engine,
    const sss_request_t *request);


sss_engine_t *
sss_engine_start(const sss_engine_conf_t *conf)
{
    size_t         i;
    sss_engine_t  *engine;

    if (conf->n_servers == 0 || conf->n_servers > SSS_SERVERS_MAX) {
        return NULL;
    }

    engine = calloc(1, sizeof(sss_engine_t));
    if (engine == NULL) {
        return NULL;
    }

    engine->n = conf->n_servers;
    engine->timeout = (uint64_t) (conf->timeout_ms ? conf->timeout_ms : 1)
                      * 1000;
    engine->queue = conf->queue ? conf->queue : 1;
    engine->breaker = conf->breaker ? conf->breaker : 1;
    engine->wake = -1;
    engine->fd = -1;

    for (i = 0; i < engine->n; i++) {
        engine->servers[i] = conf->servers[i];
        engine->weights[i] = conf->weights ? conf->weights[i] : 1;
    }

    if (pthread_mutex_init(&engine->lock, NULL) != 0) {
        free(engine);
        return NULL;
    }

    if (sss_engine_open(engine) != 0 || sss_engine_run(engine) != 0) {
        sss_engine_free(engine);
        return NULL;
    }

    return engine;
}


int
sss_engine_fd(const sss_engine_t *engine)
{
    return engine->fd;
}


sss_engine_queue_t
sss_engine_get(sss_engine_t *engine, const char *name, int take,
    uint64_t *ticket)
{
    return sss_engine_ask(engine,
                          sss_request_create(take ? SSS_REQUEST_TAKE
                                                  : SSS_REQUEST_GET,
                                             name, NULL, 0),
                          ticket);
}


sss_engine_queue_t
sss_engine_put(sss_engine_t *engine, const char *name, const uint8_t *value,
    size_t len, uint32_t ttl)
{
    sss_request_t  *request;

    request = NULL;

    if (len <= SSS_ENGINE_VALUE) {
        request = sss_request_create(SSS_REQUEST_PUT, name,
                                     len ? value : (const uint8_t *) "", len);
    }

    if (request != NULL) {
        request->ttl = ttl;
    }

    return sss_engine_ask(engine, request, NULL);
}


sss_engine_queue_t
sss_engine_remove(sss_engine_t *engine, const char *name)
{
    return sss_engine_ask(engine,
                          sss_request_create(SSS_REQUEST_REMOVE, name, NULL,
                                             0),
                          NULL);
}


size_t
sss_engine_take(sss_engine_t *engine, sss_engine_result_t *results, size_t n)
{
    size_t          i;
    uint64_t        count;
    sss_queue_t     taken;
    sss_request_t  *request;

    taken.head = NULL;

    pthread_mutex_lock(&engine->lock);

    for (i = 0; i < n && engine->results.head != NULL; i++) {
        sss_queue_push(&taken, sss_queue_pop(&engine->results));
    }

    engine->used -= (unsigned) i;

    /* under the lock: whoever adds the next one finds it reset */

    if (engine->results.head == NULL) {
        (void) !read(engine->fd, &count, sizeof(count));
    }

    pthread_mutex_unlock(&engine->lock);

    for (i = 0; (request = sss_queue_pop(&taken)) != NULL; i++) {

        results[i].ticket = request->ticket;
        results[i].rc = request->rc;
        results[i].value = request->value;
        results[i].len = request->len;

        request->value = NULL;
        sss_request_free(request);
    }

    return i;
}


void
sss_engine_stats(sss_engine_t *engine, sss_engine_stats_t *stats)
{
    pthread_mutex_lock(&engine->lock);
    *stats = engine->stats;
    pthread_mutex_unlock(&engine->lock);
}


int
sss_engine_stop(sss_engine_t *engine, unsigned wait_ms)
{
    if (engine == NULL) {
        return 1;
    }

    pthread_mutex_lock(&engine->lock);

    engine->stop = 1;
    engine->until = sss_request_clock() + (uint64_t) wait_ms * 1000;

    pthread_mutex_unlock(&engine->lock);

    sss_engine_notify(engine->wake);

    /* it waits for nothing but its descriptors */

    pthread_join(engine->thread, NULL);

    sss_engine_free(engine);

    return 1;
}


void
sss_engine_notify(int fd)
{
    uint64_t  one;

    one = 1;

    (void) !write(fd, &one, sizeof(one));
}


static int
sss_engine_open(sss_engine_t *engine)
{
    size_t    i;
    unsigned  timeout_ms;

    engine->wake = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);
    engine->fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (engine->wake == -1 || engine->fd == -1) {
        return -1;
    }

    engine->spread = sss_spread_create(engine->servers, engine->weights,
                                       engine->n);
    if (engine->spread == NULL) {
        return -1;
    }

    timeout_ms = (unsigned) (engine->timeout / 1000);

    for (i = 0; i < engine->n; i++) {
        engine->links[i] = sss_link_create(&engine->servers[i], timeout_ms,
                                           engine->wake, &engine->done);
        if (engine->links[i] == NULL) {
            return -1;
        }
    }

    return 0;
}


static int
sss_engine_run(sss_engine_t *engine)
{
    int       rc;
    sigset_t  all, before;

    sigfillset(&all);

    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return -1;
    }

    rc = pthread_create(&engine->thread, NULL, sss_engine_main, engine);

    pthread_sigmask(SIG_SETMASK, &before, NULL);

    return rc == 0 ? 0 : -1;
}


static void
sss_engine_free(sss_engine_t *engine)
{
    size_t  i;

    for (i = 0; i < engine->n; i++) {
        sss_link_destroy(engine->links[i]);
        sss_queue_free(&engine->batch[i]);
    }

    if (engine->wake != -1) {
        close(engine->wake);
    }

    if (engine->fd != -1) {
        close(engine->fd);
    }

    sss_spread_destroy(engine->spread);
    sss_queue_free(&engine->requests);
    sss_queue_free(&engine->results);
    sss_queue_free(&engine->done);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}


/* A request of NULL is one that could not be made. */

static sss_engine_queue_t
sss_engine_ask(sss_engine_t *engine, sss_request_t *request, uint64_t *ticket)
{
    int                 sleeping;
    sss_engine_queue_t  rc;

    pthread_mutex_lock(&engine->lock);

    sleeping = 0;
    rc = sss_engine_admit(engine, request);

    if (rc == SSS_ENGINE_QUEUED) {

        request->since = sss_request_clock();
        request->ticket = ++engine->ticket;
        engine->used++;

        if (sss_request_is_lookup(request)) {
            *ticket = request->ticket;
            engine->stats.gets++;
            engine->stats.waiting++;
        }

        sss_queue_push(&engine->requests, request);

        sleeping = engine->sleeping;
        engine->sleeping = 0;
    }

    pthread_mutex_unlock(&engine->lock);

    if (rc != SSS_ENGINE_QUEUED) {
        sss_request_free(request);
    }

    if (sleeping) {
        sss_engine_notify(engine->wake);
    }

    return rc;
}


static sss_engine_queue_t
sss_engine_admit(sss_engine_t *engine, const sss_request_t *request)
{
    int  open;

    open = engine->stats.open;

    if (request != NULL && !open && engine->used < engine->queue) {
        return SSS_ENGINE_QUEUED;
    }

    /* a lookup that nobody waits for is no loss */

    if (!open || request == NULL || !sss_request_is_lookup(request)) {
        engine->stats.dropped++;
    }

    return open ? SSS_ENGINE_OPEN : SSS_ENGINE_FULL;
}
