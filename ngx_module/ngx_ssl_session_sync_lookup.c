
/*
 * The engine of a worker in nginx's event loop, and who waits for what.
 *
 * The engine's descriptors are watched as any connection's.  What is asked
 * for in a turn of the loop goes out at its end, in an event that is posted.
 *
 * A wait that is over, because its time is up or its connection has gone, is
 * cancelled, so that a late result finds nobody.
 */


#include "ngx_ssl_session_sync_lookup.h"


#define NGX_SSL_SESSION_SYNC_QUEUE    4096
#define NGX_SSL_SESSION_SYNC_BREAKER  8
#define NGX_SSL_SESSION_SYNC_BATCH    64
#define NGX_SSL_SESSION_SYNC_FINISH   300   /* ms for stores at the end */


static void ngx_ssl_session_sync_lookups_post(
    ngx_ssl_session_sync_lookups_t *lookups);
static void ngx_ssl_session_sync_turn_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_turn(
    ngx_ssl_session_sync_lookups_t *lookups);
static void ngx_ssl_session_sync_alarm(ngx_event_t *ev, uint64_t us);
static void ngx_ssl_session_sync_watch_all(
    ngx_ssl_session_sync_lookups_t *lookups);
static void ngx_ssl_session_sync_watch(ngx_ssl_session_sync_watch_t *watch,
    const sss_engine_watch_t *wanted);
static void ngx_ssl_session_sync_watch_end(
    ngx_ssl_session_sync_watch_t *watch);
static void ngx_ssl_session_sync_watch_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_late_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_late(ngx_ssl_session_sync_wait_t *wait);
static void ngx_ssl_session_sync_wait_end(
    ngx_ssl_session_sync_wait_t *wait);


ngx_int_t
ngx_ssl_session_sync_lookups_start(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    ngx_uint_t                       i;
    sss_engine_conf_t                conf;
    ngx_ssl_session_sync_server_t   *server;
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = ngx_pcalloc(ngx_cycle->pool,
                          sizeof(ngx_ssl_session_sync_lookups_t));
    if (lookups == NULL) {
        return NGX_DECLINED;
    }

    ngx_queue_init(&lookups->waits);

    lookups->turn.handler = ngx_ssl_session_sync_turn_handler;
    lookups->turn.data = lookups;
    lookups->turn.log = ngx_cycle->log;
    lookups->turn.cancelable = 1;

    lookups->late.handler = ngx_ssl_session_sync_late_handler;
    lookups->late.data = lookups;
    lookups->late.log = ngx_cycle->log;
    lookups->late.cancelable = 1;

    for (i = 0; i <= SSS_SERVERS_MAX; i++) {
        lookups->watches[i].lookups = lookups;
        lookups->watches[i].number = i;
    }

    server = cluster->servers.elts;

    for (i = 0; i < cluster->servers.nelts; i++) {
        lookups->weights[i] = (uint32_t) server[i].weight;
    }

    ngx_memzero(&conf, sizeof(sss_engine_conf_t));

    conf.servers = cluster->addresses;
    conf.weights = lookups->weights;
    conf.n_servers = cluster->servers.nelts;
    conf.timeout_ms = (unsigned) cluster->lookup_timeout;
    conf.queue = NGX_SSL_SESSION_SYNC_QUEUE;
    conf.breaker = NGX_SSL_SESSION_SYNC_BREAKER;

    lookups->keys = sss_session_keys_create();
    lookups->engine = sss_engine_create(&conf);
    lookups->seat = ngx_ssl_session_sync_sit_down(cluster);

    cluster->lookups = lookups;

    if (lookups->keys == NULL || lookups->engine == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "ssl_session_sync: sessions of cluster \"%V\" are not "
                      "looked up in memcached by this worker",
                      &cluster->name);

        ngx_ssl_session_sync_lookups_stop(cluster);
        return NGX_DECLINED;
    }

    ngx_ssl_session_sync_turn(lookups);

    return NGX_OK;
}


void
ngx_ssl_session_sync_lookups_stop(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                       i;
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = cluster->lookups;

    if (lookups == NULL) {
        return;
    }

    if (lookups->engine && lookups->keys) {
        ngx_ssl_session_sync_lookups_tick(cluster);
    }

    if (lookups->seat) {
        lookups->seat->waiting = 0;
        lookups->seat->open = 0;
        lookups->seat->pid = 0;
    }

    cluster->lookups = NULL;

    for (i = 0; i <= SSS_SERVERS_MAX; i++) {
        ngx_ssl_session_sync_watch_end(&lookups->watches[i]);
    }

    if (lookups->turn.timer_set) {
        ngx_del_timer(&lookups->turn);
    }

    if (lookups->turn.posted) {
        ngx_delete_posted_event(&lookups->turn);
    }

    if (lookups->late.timer_set) {
        ngx_del_timer(&lookups->late);
    }

    sss_engine_destroy(lookups->engine, NGX_SSL_SESSION_SYNC_FINISH);

    if (lookups->keys) {
        sss_session_keys_destroy(lookups->keys);
    }
}


void
ngx_ssl_session_sync_lookups_tick(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                        i;
    sss_engine_stats_t                stats, *told;
    ngx_ssl_session_sync_counters_t  *counters;

    if (cluster->lookups == NULL) {
        return;
    }

    told = &cluster->lookups->told;
    counters = ngx_ssl_session_sync_counters(cluster);

    sss_engine_stats(cluster->lookups->engine, &stats);

#define ngx_ssl_session_sync_tell(name)                                       \
    (void) ngx_atomic_fetch_add(&counters->name,                              \
                                (ngx_atomic_int_t) stats.name                 \
                                - (ngx_atomic_int_t) told->name)

    ngx_ssl_session_sync_tell(gets);
    ngx_ssl_session_sync_tell(hits);
    ngx_ssl_session_sync_tell(misses);
    ngx_ssl_session_sync_tell(failures);
    ngx_ssl_session_sync_tell(stores);
    ngx_ssl_session_sync_tell(removals);
    ngx_ssl_session_sync_tell(dropped);
    ngx_ssl_session_sync_tell(batches);
    ngx_ssl_session_sync_tell(opened);
    ngx_ssl_session_sync_tell(latency_us);

    for (i = 0; i < SSS_ENGINE_BUCKETS; i++) {
        ngx_ssl_session_sync_tell(latency[i]);
    }

    *told = stats;

    if (cluster->lookups->seat) {
        cluster->lookups->seat->waiting = stats.waiting;
        cluster->lookups->seat->open = stats.open;
    }

    sss_session_keys_sweep(cluster->lookups->keys,
                           ngx_ssl_session_sync_view(cluster));
}


ngx_int_t
ngx_ssl_session_sync_lookup(ngx_ssl_session_sync_wait_t *wait,
    const char *name, ngx_uint_t take)
{
    ngx_msec_t                       timeout;
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = wait->cluster->lookups;
    timeout = wait->cluster->lookup_timeout;

    if (sss_engine_get(lookups->engine, name, (int) take, wait,
                       &wait->lookup)
        != SSS_ENGINE_QUEUED)
    {
        return NGX_DECLINED;
    }

    wait->rc = SSS_ENGINE_FAILED;
    wait->value = NULL;
    wait->active = 1;
    wait->deadline = ngx_current_msec + timeout;

    /* all wait equally long, so that the first is the first to be late */

    ngx_queue_insert_tail(&lookups->waits, &wait->queue);

    if (!lookups->late.timer_set) {
        ngx_add_timer(&lookups->late, timeout);
    }

    ngx_ssl_session_sync_lookups_post(lookups);

    return NGX_AGAIN;
}


void
ngx_ssl_session_sync_cancel(ngx_ssl_session_sync_wait_t *wait)
{
    if (wait->active && wait->cluster->lookups) {
        sss_engine_cancel(wait->cluster->lookups->engine, wait->lookup);
    }

    ngx_ssl_session_sync_wait_end(wait);

    if (wait->value) {
        free(wait->value);
        wait->value = NULL;
    }
}


void
ngx_ssl_session_sync_put(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name, const u_char *value, size_t len, uint32_t ttl)
{
    (void) sss_engine_put(cluster->lookups->engine, name, value, len, ttl);

    ngx_ssl_session_sync_lookups_post(cluster->lookups);
}


void
ngx_ssl_session_sync_drop(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name)
{
    (void) sss_engine_remove(cluster->lookups->engine, name);

    ngx_ssl_session_sync_lookups_post(cluster->lookups);
}


static void
ngx_ssl_session_sync_lookups_post(ngx_ssl_session_sync_lookups_t *lookups)
{
    if (!lookups->turn.posted) {
        ngx_post_event(&lookups->turn, &ngx_posted_events);
    }
}


static void
ngx_ssl_session_sync_turn_handler(ngx_event_t *ev)
{
    ngx_ssl_session_sync_turn(ev->data);
}


static void
ngx_ssl_session_sync_turn(ngx_ssl_session_sync_lookups_t *lookups)
{
    size_t                        i, n;
    uint64_t                      due;
    sss_engine_result_t           results[NGX_SSL_SESSION_SYNC_BATCH];
    ngx_ssl_session_sync_wait_t  *wait;

    due = sss_engine_run(lookups->engine);

    ngx_ssl_session_sync_watch_all(lookups);

    if (due != SSS_ENGINE_NEVER) {
        ngx_ssl_session_sync_alarm(&lookups->turn, due);
    }

    do {
        n = sss_engine_take(lookups->engine, results,
                            NGX_SSL_SESSION_SYNC_BATCH);

        for (i = 0; i < n; i++) {
            wait = results[i].data;

            wait->rc = results[i].rc;
            wait->value = results[i].value;
            wait->len = results[i].len;

            if (results[i].late) {
                ngx_ssl_session_sync_late(wait);
            }

            ngx_ssl_session_sync_wait_end(wait);

            wait->handler(wait);
        }

    } while (n == NGX_SSL_SESSION_SYNC_BATCH);
}


/* An alarm that is set for earlier stays: too early does no harm. */

static void
ngx_ssl_session_sync_alarm(ngx_event_t *ev, uint64_t us)
{
    ngx_msec_t  ms;

    ms = (ngx_msec_t) (us / 1000 + 1);

    if (ev->timer_set) {

        if ((ngx_msec_int_t) (ngx_current_msec + ms - ev->timer.key) >= 0) {
            return;
        }

        ngx_del_timer(ev);
    }

    ngx_add_timer(ev, ms);
}


static void
ngx_ssl_session_sync_watch_all(ngx_ssl_session_sync_lookups_t *lookups)
{
    size_t              i, n;
    sss_engine_watch_t  wanted;

    n = sss_engine_watches(lookups->engine);

    for (i = 0; i < n; i++) {
        sss_engine_watch(lookups->engine, i, &wanted);
        ngx_ssl_session_sync_watch(&lookups->watches[i], &wanted);
    }
}


static void
ngx_ssl_session_sync_watch(ngx_ssl_session_sync_watch_t *watch,
    const sss_engine_watch_t *wanted)
{
    ngx_connection_t  *c;

    c = watch->connection;

    if (c && (c->fd != wanted->fd || watch->epoch != wanted->epoch)) {
        ngx_ssl_session_sync_watch_end(watch);
        c = NULL;
    }

    if (wanted->fd == -1) {
        return;
    }

    if (c == NULL) {

        /* without one, lookups fail until there is one */

        c = ngx_get_connection(wanted->fd, ngx_cycle->log);
        if (c == NULL) {
            return;
        }

        c->data = watch;
        c->read->handler = ngx_ssl_session_sync_watch_handler;
        c->write->handler = ngx_ssl_session_sync_watch_handler;
        c->read->log = ngx_cycle->log;
        c->write->log = ngx_cycle->log;

        watch->connection = c;
        watch->epoch = wanted->epoch;
    }

    /* level-triggered: the engine reads as much as it wants */

    if (!c->read->active) {
        (void) ngx_add_event(c->read, NGX_READ_EVENT, 0);
    }

    if (wanted->write && !c->write->active) {
        (void) ngx_add_event(c->write, NGX_WRITE_EVENT, 0);

    } else if (!wanted->write && c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }
}


/* The engine closes its descriptors, or has closed them. */

static void
ngx_ssl_session_sync_watch_end(ngx_ssl_session_sync_watch_t *watch)
{
    ngx_connection_t  *c;

    c = watch->connection;

    if (c == NULL) {
        return;
    }

    watch->connection = NULL;

    if (c->read->active) {
        (void) ngx_del_event(c->read, NGX_READ_EVENT, NGX_CLOSE_EVENT);
    }

    if (c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, NGX_CLOSE_EVENT);
    }

    ngx_free_connection(c);
    c->fd = (ngx_socket_t) -1;
}


static void
ngx_ssl_session_sync_watch_handler(ngx_event_t *ev)
{
    ngx_connection_t              *c;
    ngx_ssl_session_sync_watch_t  *watch;

    c = ev->data;
    watch = c->data;

    sss_engine_event(watch->lookups->engine, watch->number);

    ngx_ssl_session_sync_turn(watch->lookups);
}


static void
ngx_ssl_session_sync_late_handler(ngx_event_t *ev)
{
    ngx_queue_t                     *q;
    ngx_msec_int_t                   left;
    ngx_ssl_session_sync_wait_t     *wait;
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = ev->data;

    while (!ngx_queue_empty(&lookups->waits)) {

        q = ngx_queue_head(&lookups->waits);
        wait = ngx_queue_data(q, ngx_ssl_session_sync_wait_t, queue);

        left = (ngx_msec_int_t) (wait->deadline - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            return;
        }

        ngx_ssl_session_sync_late(wait);

        ngx_ssl_session_sync_cancel(wait);

        wait->handler(wait);
    }
}


/* The event loop and the engine both mind the time: either may be first. */

static void
ngx_ssl_session_sync_late(ngx_ssl_session_sync_wait_t *wait)
{
    ngx_ssl_session_sync_counters_t  *counters;

    counters = ngx_ssl_session_sync_counters(wait->cluster);
    (void) ngx_atomic_fetch_add(&counters->timeouts, 1);
}


static void
ngx_ssl_session_sync_wait_end(ngx_ssl_session_sync_wait_t *wait)
{
    if (!wait->active) {
        return;
    }

    wait->active = 0;

    /* a worker that stops has let go of all waits at once */

    if (wait->cluster->lookups) {
        ngx_queue_remove(&wait->queue);
    }
}
