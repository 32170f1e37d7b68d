
/*
 * The lookups of a worker, and the handshakes that wait for them.
 *
 * When the time of a wait is up, or its connection is closed, the lookup is
 * cancelled, so that a result which comes later is not delivered.
 */


#include "ngx_ssl_session_sync_lookup.h"


#define NGX_SSL_SESSION_SYNC_BATCH    64


static ngx_int_t ngx_ssl_session_sync_wait_begin(
    ngx_ssl_session_sync_wait_t *wait, sss_engine_queue_t queued);
static void ngx_ssl_session_sync_results(
    ngx_ssl_session_sync_cluster_t *cluster);
static void ngx_ssl_session_sync_late_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_late(ngx_ssl_session_sync_wait_t *wait);
static void ngx_ssl_session_sync_wait_end(
    ngx_ssl_session_sync_wait_t *wait);


ngx_int_t
ngx_ssl_session_sync_lookups_start(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = NULL;

    if (ngx_ssl_session_sync_client_start(cluster, 0, log) == NGX_OK) {
        lookups = ngx_pcalloc(ngx_cycle->pool,
                              sizeof(ngx_ssl_session_sync_lookups_t));
    }

    if (lookups) {
        lookups->keys = sss_session_keys_create();
    }

    if (lookups == NULL || lookups->keys == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "ssl_session_sync: sessions of cluster \"%V\" are not "
                      "looked up in memcached by this worker",
                      &cluster->name);
        return NGX_DECLINED;
    }

    ngx_queue_init(&lookups->waits);

    lookups->late.handler = ngx_ssl_session_sync_late_handler;
    lookups->late.data = lookups;
    lookups->late.log = ngx_cycle->log;
    lookups->late.cancelable = 1;

    lookups->seat = ngx_ssl_session_sync_sit_down(cluster);

    cluster->lookups = lookups;
    cluster->client->results = ngx_ssl_session_sync_results;

    return NGX_OK;
}


void
ngx_ssl_session_sync_lookups_stop(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = cluster->lookups;

    if (lookups == NULL) {
        return;
    }

    ngx_ssl_session_sync_lookups_tick(cluster);

    if (lookups->seat) {
        lookups->seat->waiting = 0;
        lookups->seat->open = 0;
        lookups->seat->pid = 0;
    }

    cluster->lookups = NULL;
    cluster->client->results = NULL;

    if (lookups->late.timer_set) {
        ngx_del_timer(&lookups->late);
    }

    sss_session_keys_destroy(lookups->keys);
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

    sss_engine_stats(cluster->client->engine, &stats);

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
    return ngx_ssl_session_sync_wait_begin(wait,
                             sss_engine_get(wait->cluster->client->engine,
                                            name, (int) take, wait,
                                            &wait->lookup));
}


ngx_int_t
ngx_ssl_session_sync_claim(ngx_ssl_session_sync_wait_t *wait,
    ngx_uint_t place, const sss_claim_t *claim)
{
    return ngx_ssl_session_sync_wait_begin(wait,
                             sss_engine_claim(wait->cluster->client->engine,
                                              place, claim, wait,
                                              &wait->lookup));
}


static ngx_int_t
ngx_ssl_session_sync_wait_begin(ngx_ssl_session_sync_wait_t *wait,
    sss_engine_queue_t queued)
{
    ngx_msec_t                       timeout;
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = wait->cluster->lookups;
    timeout = wait->cluster->lookup_timeout;

    if (queued != SSS_ENGINE_QUEUED) {
        return NGX_DECLINED;
    }

    wait->rc = SSS_ENGINE_FAILED;
    wait->value = NULL;
    wait->active = 1;
    wait->deadline = ngx_current_msec + timeout;

    /* all have the same timeout, so this keeps the queue sorted by deadline */

    ngx_queue_insert_tail(&lookups->waits, &wait->queue);

    if (!lookups->late.timer_set) {
        ngx_add_timer(&lookups->late, timeout);
    }

    ngx_ssl_session_sync_client_post(wait->cluster->client);

    return NGX_AGAIN;
}


void
ngx_ssl_session_sync_cancel(ngx_ssl_session_sync_wait_t *wait)
{
    if (wait->active && wait->cluster->lookups) {
        sss_engine_cancel(wait->cluster->client->engine, wait->lookup);
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
    (void) sss_engine_put(cluster->client->engine, name, value, len, ttl);

    ngx_ssl_session_sync_client_post(cluster->client);
}


void
ngx_ssl_session_sync_drop(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name)
{
    (void) sss_engine_remove(cluster->client->engine, name);

    ngx_ssl_session_sync_client_post(cluster->client);
}


static void
ngx_ssl_session_sync_results(ngx_ssl_session_sync_cluster_t *cluster)
{
    size_t                        i, n;
    sss_engine_result_t           results[NGX_SSL_SESSION_SYNC_BATCH];
    ngx_ssl_session_sync_wait_t  *wait;

    do {
        n = sss_engine_take(cluster->client->engine, results,
                            NGX_SSL_SESSION_SYNC_BATCH);

        for (i = 0; i < n; i++) {
            wait = results[i].data;

            wait->rc = results[i].rc;
            wait->value = results[i].value;
            wait->len = results[i].len;
            wait->reply = results[i].reply;

            if (results[i].late) {
                ngx_ssl_session_sync_late(wait);
            }

            ngx_ssl_session_sync_wait_end(wait);

            wait->handler(wait);
        }

    } while (n == NGX_SSL_SESSION_SYNC_BATCH);
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


/*
 * Counts a timeout.  Both the timer here and the engine have the deadline, and
 * either may notice first that it has passed.
 */

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

    /* a worker that stops has ended all waits, and the queue is gone */

    if (wait->cluster->lookups) {
        ngx_queue_remove(&wait->queue);
    }
}
