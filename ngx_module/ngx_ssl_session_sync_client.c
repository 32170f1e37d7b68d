
/*
 * Runs the engine in nginx's event loop.  Its descriptors are watched through
 * ngx_connection_t like any others.  A posted event runs the engine at the end
 * of each turn of the loop in which it was asked for anything.
 */


#include "ngx_ssl_session_sync_client.h"


/* see patience_ms, queue and breaker of sss_engine_conf_t */
#define NGX_SSL_SESSION_SYNC_PATIENCE  500
#define NGX_SSL_SESSION_SYNC_QUEUE     4096
#define NGX_SSL_SESSION_SYNC_BREAKER   8


static sss_engine_t *ngx_ssl_session_sync_client_engine(
    ngx_ssl_session_sync_client_t *client, ngx_uint_t quiet);
static void ngx_ssl_session_sync_client_known(
    ngx_ssl_session_sync_cluster_t *cluster, sss_known_t *known);
static void ngx_ssl_session_sync_turn_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_alarm(ngx_event_t *ev, uint64_t us);
static void ngx_ssl_session_sync_watch_all(
    ngx_ssl_session_sync_client_t *client);
static void ngx_ssl_session_sync_watch(ngx_ssl_session_sync_watch_t *watch,
    const sss_engine_watch_t *wanted);
static void ngx_ssl_session_sync_watch_end(
    ngx_ssl_session_sync_watch_t *watch);
static void ngx_ssl_session_sync_watch_handler(ngx_event_t *ev);


ngx_int_t
ngx_ssl_session_sync_client_start(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t quiet, ngx_log_t *log)
{
    ngx_uint_t                      i;
    ngx_ssl_session_sync_client_t  *client;

    if (cluster->client) {
        return NGX_OK;
    }

    client = ngx_pcalloc(ngx_cycle->pool,
                         sizeof(ngx_ssl_session_sync_client_t));
    if (client == NULL) {
        return NGX_ERROR;
    }

    client->cluster = cluster;

    client->turn.handler = ngx_ssl_session_sync_turn_handler;
    client->turn.data = client;
    client->turn.log = ngx_cycle->log;
    client->turn.cancelable = 1;

    for (i = 0; i < SSS_ENGINE_WATCHES; i++) {
        client->watches[i].client = client;
        client->watches[i].number = i;
    }

    client->engine = ngx_ssl_session_sync_client_engine(client, quiet);

    if (client->engine == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "ssl_session_sync: no client of memcached for cluster "
                      "\"%V\"", &cluster->name);

        ngx_pfree(ngx_cycle->pool, client);
        return NGX_ERROR;
    }

    cluster->client = client;

    ngx_ssl_session_sync_client_turn(client);

    return NGX_OK;
}


static sss_engine_t *
ngx_ssl_session_sync_client_engine(ngx_ssl_session_sync_client_t *client,
    ngx_uint_t quiet)
{
    uint32_t                         secure;
    ngx_uint_t                       i;
    sss_known_t                      known[SSS_SERVERS_MAX];
    sss_engine_conf_t                conf;
    ngx_ssl_session_sync_server_t   *server;
    ngx_ssl_session_sync_cluster_t  *cluster;

    cluster = client->cluster;
    server = cluster->servers.elts;
    secure = 0;

    for (i = 0; i < cluster->servers.nelts; i++) {
        client->weights[i] = (uint32_t) server[i].weight;
        secure |= (uint32_t) server[i].secure << i;
    }

    ngx_ssl_session_sync_client_known(cluster, known);

    ngx_memzero(&conf, sizeof(sss_engine_conf_t));

    conf.secure = secure;
    conf.tls = cluster->tls;

    conf.servers = cluster->addresses;
    conf.weights = client->weights;
    conf.known = known;
    conf.n_servers = cluster->servers.nelts;
    conf.timeout_ms = (unsigned) cluster->lookup_timeout;
    conf.patience_ms = NGX_SSL_SESSION_SYNC_PATIENCE;
    conf.quiet = (int) quiet;
    conf.auth = cluster->auth;
    conf.queue = NGX_SSL_SESSION_SYNC_QUEUE;
    conf.breaker = NGX_SSL_SESSION_SYNC_BREAKER;

    return sss_engine_create(&conf);
}


/*
 * Gets the addresses that names had at the last poll of any worker.  Until a
 * new worker has resolved the names by itself it would otherwise use other
 * servers for sessions than the other hosts do, or none if the resolver fails.
 */

static void
ngx_ssl_session_sync_client_known(ngx_ssl_session_sync_cluster_t *cluster,
    sss_known_t *known)
{
    ngx_uint_t            i;
    sss_server_report_t  *report;

    ngx_memzero(known, SSS_SERVERS_MAX * sizeof(sss_known_t));

    ngx_shmtx_lock(&cluster->shpool->mutex);

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        report = &cluster->sh->report.server[i];

        if (report->id == 0 || report->address[0] == '\0') {
            continue;
        }

        known[i].line = report->line;

        if (sss_address_parse(report->address, ngx_strlen(report->address),
                              &known[i].address)
            != NULL)
        {
            known[i].address.host[0] = '\0';
        }
    }

    ngx_shmtx_unlock(&cluster->shpool->mutex);
}


void
ngx_ssl_session_sync_client_stop(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_msec_t wait)
{
    ngx_uint_t                      i;
    ngx_ssl_session_sync_client_t  *client;

    client = cluster->client;

    if (client == NULL) {
        return;
    }

    cluster->client = NULL;

    for (i = 0; i < SSS_ENGINE_WATCHES; i++) {
        ngx_ssl_session_sync_watch_end(&client->watches[i]);
    }

    if (client->turn.timer_set) {
        ngx_del_timer(&client->turn);
    }

    if (client->turn.posted) {
        ngx_delete_posted_event(&client->turn);
    }

    sss_engine_destroy(client->engine, (unsigned) wait);
}


void
ngx_ssl_session_sync_client_post(ngx_ssl_session_sync_client_t *client)
{
    if (!client->turn.posted) {
        ngx_post_event(&client->turn, &ngx_posted_events);
    }
}


static void
ngx_ssl_session_sync_turn_handler(ngx_event_t *ev)
{
    ngx_ssl_session_sync_client_turn(ev->data);
}


void
ngx_ssl_session_sync_client_turn(ngx_ssl_session_sync_client_t *client)
{
    uint64_t  due;

    due = sss_engine_run(client->engine);

    if (client->exchanges && client->exchanges(client->cluster)) {
        due = sss_engine_run(client->engine);
    }

    ngx_ssl_session_sync_watch_all(client);

    if (due != SSS_ENGINE_NEVER) {
        ngx_ssl_session_sync_alarm(&client->turn, due);
    }

    if (client->results) {
        client->results(client->cluster);
    }
}


/*
 * Sets the timer, in microseconds from now, unless it is set for an earlier
 * time: running the engine too early does no harm.
 */

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
ngx_ssl_session_sync_watch_all(ngx_ssl_session_sync_client_t *client)
{
    size_t              i;
    sss_engine_watch_t  wanted;

    for (i = 0; i < SSS_ENGINE_WATCHES; i++) {
        sss_engine_watch(client->engine, i, &wanted);
        ngx_ssl_session_sync_watch(&client->watches[i], &wanted);
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

        /* without a free connection it is tried again at the next turn */

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

    /* level-triggered, since the engine does not always read until EAGAIN */

    if (!c->read->active) {
        (void) ngx_add_event(c->read, NGX_READ_EVENT, 0);
    }

    if (wanted->write && !c->write->active) {
        (void) ngx_add_event(c->write, NGX_WRITE_EVENT, 0);

    } else if (!wanted->write && c->write->active) {
        (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
    }
}


/* Stops watching, without closing the descriptor: that is the engine's. */

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

    sss_engine_event(watch->client->engine, watch->number);

    ngx_ssl_session_sync_client_turn(watch->client);
}
