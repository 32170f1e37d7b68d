
/*
 * The engine of a worker, and who waits for what.
 *
 * The engine's thread hands results to the event loop through an eventfd.  A
 * wait that is over, because its time is up or its connection has gone, is
 * taken out of the tree, so that a late result finds nobody.
 */


#include "ngx_ssl_session_sync_lookup.h"


#define NGX_SSL_SESSION_SYNC_QUEUE    4096
#define NGX_SSL_SESSION_SYNC_BREAKER  8
#define NGX_SSL_SESSION_SYNC_BATCH    64
#define NGX_SSL_SESSION_SYNC_FINISH   300   /* ms for stores at the end */


static ngx_int_t ngx_ssl_session_sync_lookups_listen(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
static void ngx_ssl_session_sync_lookups_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_lookups_result(
    ngx_ssl_session_sync_lookups_t *lookups, sss_engine_result_t *result);
static void ngx_ssl_session_sync_wait_timeout(ngx_event_t *ev);
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

    ngx_rbtree_init(&lookups->waits, &lookups->sentinel,
                    ngx_rbtree_insert_value);

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
    lookups->engine = sss_engine_start(&conf);
    lookups->seat = ngx_ssl_session_sync_sit_down(cluster);

    cluster->lookups = lookups;

    if (lookups->keys == NULL || lookups->engine == NULL
        || ngx_ssl_session_sync_lookups_listen(cluster, log) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "ssl_session_sync: sessions of cluster \"%V\" are not "
                      "looked up in memcached by this worker",
                      &cluster->name);

        ngx_ssl_session_sync_lookups_stop(cluster);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


void
ngx_ssl_session_sync_lookups_stop(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_connection_t                *c;
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

    c = lookups->completion;

    if (c) {
        if (c->read->active) {
            (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
        }

        ngx_free_connection(c);
        c->fd = (ngx_socket_t) -1;
    }

    if (lookups->engine) {
        (void) sss_engine_stop(lookups->engine, NGX_SSL_SESSION_SYNC_FINISH);
    }

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
    uint64_t                         number;
    ngx_ssl_session_sync_lookups_t  *lookups;

    lookups = wait->cluster->lookups;

    if (sss_engine_get(lookups->engine, name, (int) take, &number)
        != SSS_ENGINE_QUEUED)
    {
        return NGX_DECLINED;
    }

    wait->rc = SSS_ENGINE_FAILED;
    wait->value = NULL;
    wait->timedout = 0;
    wait->active = 1;

    wait->node.key = (ngx_rbtree_key_t) number;
    ngx_rbtree_insert(&lookups->waits, &wait->node);

    wait->timer.handler = ngx_ssl_session_sync_wait_timeout;
    wait->timer.data = wait;
    wait->timer.log = ngx_cycle->log;

    ngx_add_timer(&wait->timer, wait->cluster->lookup_timeout);

    return NGX_AGAIN;
}


void
ngx_ssl_session_sync_cancel(ngx_ssl_session_sync_wait_t *wait)
{
    ngx_ssl_session_sync_wait_end(wait);

    if (wait->value) {
        free(wait->value);
        wait->value = NULL;
    }
}


static ngx_int_t
ngx_ssl_session_sync_lookups_listen(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(sss_engine_fd(cluster->lookups->engine), log);

    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = cluster;
    c->read->handler = ngx_ssl_session_sync_lookups_handler;
    c->read->log = log;
    c->write->log = log;

    cluster->lookups->completion = c;

    return ngx_add_event(c->read, NGX_READ_EVENT, 0);
}


static void
ngx_ssl_session_sync_lookups_handler(ngx_event_t *ev)
{
    size_t                           i, n;
    ngx_connection_t                *c;
    sss_engine_result_t              results[NGX_SSL_SESSION_SYNC_BATCH];
    ngx_ssl_session_sync_cluster_t  *cluster;

    c = ev->data;
    cluster = c->data;

    do {
        n = sss_engine_take(cluster->lookups->engine, results,
                            NGX_SSL_SESSION_SYNC_BATCH);

        for (i = 0; i < n; i++) {
            ngx_ssl_session_sync_lookups_result(cluster->lookups,
                                                &results[i]);
        }

    } while (n == NGX_SSL_SESSION_SYNC_BATCH);
}


static void
ngx_ssl_session_sync_lookups_result(ngx_ssl_session_sync_lookups_t *lookups,
    sss_engine_result_t *result)
{
    ngx_rbtree_key_t              key;
    ngx_rbtree_node_t            *node;
    ngx_ssl_session_sync_wait_t  *wait;

    key = (ngx_rbtree_key_t) result->ticket;
    node = lookups->waits.root;

    while (node != &lookups->sentinel && node->key != key) {
        node = (key < node->key) ? node->left : node->right;
    }

    if (node == &lookups->sentinel) {
        free(result->value);
        return;
    }

    wait = ngx_rbtree_data(node, ngx_ssl_session_sync_wait_t, node);

    wait->rc = result->rc;
    wait->value = result->value;
    wait->len = result->len;

    ngx_ssl_session_sync_wait_end(wait);

    wait->handler(wait);
}


static void
ngx_ssl_session_sync_wait_timeout(ngx_event_t *ev)
{
    ngx_ssl_session_sync_wait_t      *wait;
    ngx_ssl_session_sync_counters_t  *counters;

    wait = ev->data;
    wait->timedout = 1;

    counters = ngx_ssl_session_sync_counters(wait->cluster);
    (void) ngx_atomic_fetch_add(&counters->timeouts, 1);

    ngx_ssl_session_sync_wait_end(wait);

    wait->handler(wait);
}


static void
ngx_ssl_session_sync_wait_end(ngx_ssl_session_sync_wait_t *wait)
{
    if (!wait->active) {
        return;
    }

    wait->active = 0;

    if (wait->timer.timer_set) {
        ngx_del_timer(&wait->timer);
    }

    /* a worker that stops has let go of all waits at once */

    if (wait->cluster->lookups) {
        ngx_rbtree_delete(&wait->cluster->lookups->waits, &wait->node);
    }
}
