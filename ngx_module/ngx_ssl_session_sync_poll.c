
/*
 * The start and the end of a worker, its timers, and the polls of the keys.
 *
 * Every worker has a timer of poll_interval.  One worker, the speaker, polls
 * the keys in memcached.  The zone has its pid and the time when it was last
 * active; if it dies, the next worker whose timer fires takes over.
 */


#include "ngx_ssl_session_sync_early.h"
#include "sss_request.h"


/* milliseconds that a starting worker waits at most for the cluster's keys */
#define NGX_SSL_SESSION_SYNC_START     1000

/* milliseconds after which a poll leaves further writes to the next one */
#define NGX_SSL_SESSION_SYNC_LONG      3000

/*
 * A poll that has computed for so many microseconds lets other events be
 * handled.  The last of its steps may take three times as long.
 */
#define NGX_SSL_SESSION_SYNC_PIECE     500

/* milliseconds that a stopping worker waits until its stores are sent */
#define NGX_SSL_SESSION_SYNC_FINISH    300

/*
 * A host logs it when it has seen only hosts with other secrets for so many
 * polls in a row.
 */
#define NGX_SSL_SESSION_SYNC_ALONE     3

/* seconds between two complaints about the same thing */
#define NGX_SSL_SESSION_SYNC_COMPLAIN  60


static ngx_int_t ngx_ssl_session_sync_start(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_int_t ngx_ssl_session_sync_rings(
    ngx_ssl_session_sync_cluster_t *cluster);
static void ngx_ssl_session_sync_wait(ngx_ssl_session_sync_conf_t *conf);
static ngx_uint_t ngx_ssl_session_sync_wait_once(
    ngx_ssl_session_sync_conf_t *conf);
static void ngx_ssl_session_sync_tick(ngx_event_t *ev);
static void ngx_ssl_session_sync_keep(
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_uint_t ngx_ssl_session_sync_become_speaker(
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_uint_t ngx_ssl_session_sync_speaker_alive(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_pid_t pid);
static void ngx_ssl_session_sync_speak(
    ngx_ssl_session_sync_cluster_t *cluster);
static void ngx_ssl_session_sync_again_handler(ngx_event_t *ev);
static ngx_int_t ngx_ssl_session_sync_start_poll(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
static void ngx_ssl_session_sync_stop_poll(
    ngx_ssl_session_sync_cluster_t *cluster);
static void ngx_ssl_session_sync_step_handler(ngx_event_t *ev);
static ngx_uint_t ngx_ssl_session_sync_step(
    ngx_ssl_session_sync_cluster_t *cluster);
static void ngx_ssl_session_sync_begin(
    ngx_ssl_session_sync_cluster_t *cluster);
static ngx_uint_t ngx_ssl_session_sync_carry_out(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_uint_t *done);
static void ngx_ssl_session_sync_complete(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
static void ngx_ssl_session_sync_log_report(
    ngx_ssl_session_sync_cluster_t *cluster, sss_sync_report_t *report,
    ngx_log_t *log);
static void ngx_ssl_session_sync_server_name(
    ngx_ssl_session_sync_cluster_t *cluster, sss_server_report_t *report,
    ngx_str_t *name);
static void ngx_ssl_session_sync_log_server(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_uint_t i,
    sss_server_report_t *report, ngx_log_t *log);
static void ngx_ssl_session_sync_complain(
    ngx_ssl_session_sync_cluster_t *cluster, sss_sync_report_t *report,
    ngx_log_t *log);
static void ngx_ssl_session_sync_complain_servers(
    ngx_ssl_session_sync_cluster_t *cluster, sss_sync_report_t *report,
    ngx_log_t *log);
static void ngx_ssl_session_sync_complain_clocks(
    ngx_ssl_session_sync_cluster_t *cluster, sss_sync_report_t *report,
    ngx_log_t *log);


ngx_int_t
ngx_ssl_session_sync_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_conf_t      *conf;
    ngx_ssl_session_sync_cluster_t  **cluster;

    /* nginx also calls this in the cache manager and cache loader processes */

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    conf = ngx_ssl_session_sync_get_conf(cycle);
    cluster = conf->clusters.elts;

    for (i = 0; i < conf->clusters.nelts; i++) {
        if (ngx_ssl_session_sync_start(cycle, cluster[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_ssl_session_sync_wait(conf);

    for (i = 0; i < conf->clusters.nelts; i++) {
        ngx_ssl_session_sync_keep(cluster[i]);
    }

    return NGX_OK;
}


void
ngx_ssl_session_sync_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                        i;
    ngx_ssl_session_sync_conf_t      *conf;
    ngx_ssl_session_sync_cluster_t  **cluster;

    conf = ngx_ssl_session_sync_get_conf(cycle);
    cluster = conf->clusters.elts;

    for (i = 0; i < conf->clusters.nelts; i++) {

        if (cluster[i]->view == NULL) {
            continue;
        }

        (void) ngx_atomic_cmp_set(&cluster[i]->sh->speaker, ngx_pid, 0);

        ngx_ssl_session_sync_early_stop(cluster[i]);
        ngx_ssl_session_sync_lookups_stop(cluster[i]);
        ngx_ssl_session_sync_stop_poll(cluster[i]);
        ngx_ssl_session_sync_client_stop(cluster[i],
                                         cluster[i]->ids
                                         ? NGX_SSL_SESSION_SYNC_FINISH : 0);

        sss_ring_wipe(cluster[i]->view);
        sss_ring_wipe(cluster[i]->spare);
    }
}


static ngx_int_t
ngx_ssl_session_sync_start(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    if (ngx_ssl_session_sync_rings(cluster) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "ssl_session_sync: no memory for cluster \"%V\"",
                      &cluster->name);
        return NGX_ERROR;
    }

    cluster->tick.handler = ngx_ssl_session_sync_tick;
    cluster->tick.data = cluster;
    cluster->tick.log = cycle->log;
    cluster->tick.cancelable = 1;

    cluster->step.handler = ngx_ssl_session_sync_step_handler;
    cluster->step.data = cluster;
    cluster->step.log = cycle->log;
    cluster->step.cancelable = 1;

    cluster->again.handler = ngx_ssl_session_sync_again_handler;
    cluster->again.data = cluster;
    cluster->again.log = cycle->log;
    cluster->again.cancelable = 1;

    ngx_add_timer(&cluster->tick, cluster->poll_interval);

    if (cluster->ids || (cluster->early && cluster->servers.nelts)) {
        (void) ngx_ssl_session_sync_lookups_start(cluster, cycle->log);
    }

    if (cluster->early && cluster->lookups) {
        (void) ngx_ssl_session_sync_early_start(cluster, cycle->log);
    }

    if (cluster->servers.nelts
        && ngx_ssl_session_sync_become_speaker(cluster))
    {
        ngx_ssl_session_sync_speak(cluster);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_rings(ngx_ssl_session_sync_cluster_t *cluster)
{
    uint32_t  capacity;

    capacity = cluster->sh->board.capacity;

    cluster->view = sss_ring_create(capacity);
    cluster->spare = sss_ring_create(capacity);
    cluster->scratch = sss_ring_create(capacity);
    cluster->group = sss_memory_alloc(sizeof(sss_group_t));

    if (cluster->view == NULL || cluster->spare == NULL
        || cluster->scratch == NULL || cluster->group == NULL)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Waits for the keys of all clusters together, for a second at most: until a
 * worker has them, every returning client gets a full handshake.  The event
 * loop does not run yet, so the clients of all clusters are run here as their
 * servers answer.  A signal that ends the worker ends the wait.
 */

static void
ngx_ssl_session_sync_wait(ngx_ssl_session_sync_conf_t *conf)
{
    uint64_t  until;

    until = sss_request_clock() + NGX_SSL_SESSION_SYNC_START * 1000;

    while (ngx_ssl_session_sync_wait_once(conf)
           && sss_request_clock() < until
           && !ngx_quit && !ngx_terminate)
    {
        /* void */
    }

    ngx_time_update();
}


/* One turn of that.  Returns 1 if keys of a cluster are still missing. */

static ngx_uint_t
ngx_ssl_session_sync_wait_once(ngx_ssl_session_sync_conf_t *conf)
{
    ngx_uint_t                        i, waiting, idle;
    ngx_ssl_session_sync_cluster_t  **cluster;

    cluster = conf->clusters.elts;
    waiting = 0;
    idle = 1;

    ngx_time_update();

    for (i = 0; i < conf->clusters.nelts; i++) {

        if (cluster[i]->servers.nelts == 0 || cluster[i]->sh->synced) {
            continue;
        }

        waiting = 1;

        if (cluster[i]->client) {
            idle = 0;

            if (cluster[i]->again_us
                && cluster[i]->again_us <= sss_request_clock())
            {
                cluster[i]->again_us = 0;
                cluster[i]->due = 1;
            }

            sss_engine_wait(cluster[i]->client->engine, 1);
            ngx_ssl_session_sync_client_turn(cluster[i]->client);
        }
    }

    /* another worker polls, and this one can only look again */

    if (waiting && idle) {
        ngx_msleep(1);
    }

    return waiting;
}


static void
ngx_ssl_session_sync_tick(ngx_event_t *ev)
{
    ngx_ssl_session_sync_cluster_t  *cluster = ev->data;

    ngx_ssl_session_sync_lookups_tick(cluster);

    if (ngx_exiting || ngx_terminate || ngx_quit) {

        /*
         * A worker that is shutting down may take hours to finish its
         * connections.  It does not poll, and keeps no group key, but it goes
         * on counting and wiping keys that have expired.
         */

        (void) ngx_atomic_cmp_set(&cluster->sh->speaker, ngx_pid, 0);

        ngx_ssl_session_sync_stop_poll(cluster);

    } else if (cluster->servers.nelts
               && ngx_ssl_session_sync_become_speaker(cluster))
    {
        ngx_ssl_session_sync_speak(cluster);

    } else if (cluster->poll) {

        /* another worker polls now, so this one wipes its group keys */

        ngx_ssl_session_sync_stop_poll(cluster);
    }

    ngx_ssl_session_sync_keep(cluster);

    ngx_add_timer(ev, cluster->poll_interval);
}


/*
 * Makes keys that are due and removes expired ones, without memcached.  In a
 * cluster with memcached this happens only if the speaker has not done it for
 * long.
 */

static void
ngx_ssl_session_sync_keep(ngx_ssl_session_sync_cluster_t *cluster)
{
    uint64_t     now, slot;
    uint32_t     rotation;
    sss_ring_t  *view;
    ngx_uint_t   next, due;

    view = ngx_ssl_session_sync_view(cluster);
    now = ngx_ssl_session_sync_now();
    rotation = (uint32_t) cluster->key_rotation;
    slot = sss_slot(rotation, now);

    next = (cluster->servers.nelts == 0
            && now - slot * rotation * 1000 >= (uint64_t) rotation * 500);

    due = sss_ring_slot(view, rotation, slot) == NULL
          || (next && sss_ring_slot(view, rotation, slot + 1) == NULL);

    if (due) {
        (void) ngx_ssl_session_sync_zone_update(cluster, NULL, 0, next,
                                                cluster->tick.log);
    }
}


static ngx_uint_t
ngx_ssl_session_sync_become_speaker(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_atomic_uint_t  pid;

    pid = cluster->sh->speaker;

    if (pid != (ngx_atomic_uint_t) ngx_pid) {

        /* after a reload a new worker takes over from an old one at once */

        if (pid && cluster->sh->spoken >= cluster->cycle
            && ngx_ssl_session_sync_speaker_alive(cluster, (ngx_pid_t) pid))
        {
            return 0;
        }

        if (!ngx_atomic_cmp_set(&cluster->sh->speaker, pid, ngx_pid)) {
            return 0;
        }

        cluster->sh->spoken = cluster->cycle;
    }

    cluster->sh->heartbeat = ngx_current_msec;

    return 1;
}


static ngx_uint_t
ngx_ssl_session_sync_speaker_alive(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_pid_t pid)
{
    ngx_msec_int_t  silent;

    /* another process may have got the pid of a speaker that has died */

    silent = (ngx_msec_int_t) (ngx_current_msec
                               - (ngx_msec_t) cluster->sh->heartbeat);

    if (silent > 5000 + 3 * (ngx_msec_int_t) cluster->poll_interval) {
        return 0;
    }

    return kill(pid, 0) == 0 || ngx_errno != NGX_ESRCH;
}


static void
ngx_ssl_session_sync_speak(ngx_ssl_session_sync_cluster_t *cluster)
{
    if (cluster->poll == NULL
        && ngx_ssl_session_sync_start_poll(cluster, cluster->tick.log)
           != NGX_OK)
    {
        /* without memory here, another worker may have some */

        (void) ngx_atomic_cmp_set(&cluster->sh->speaker, ngx_pid, 0);
        return;
    }

    cluster->due = 1;

    ngx_ssl_session_sync_client_turn(cluster->client);
}


/* Begins a poll before the next tick. */

static void
ngx_ssl_session_sync_again_handler(ngx_event_t *ev)
{
    ngx_ssl_session_sync_cluster_t  *cluster = ev->data;

    cluster->again_us = 0;

    if (cluster->poll
        && cluster->sh->speaker == (ngx_atomic_uint_t) ngx_pid)
    {
        ngx_ssl_session_sync_speak(cluster);
    }
}


static ngx_int_t
ngx_ssl_session_sync_start_poll(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    sss_sync_conf_t  conf;

    if (ngx_ssl_session_sync_client_start(cluster, 1, log) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&conf, sizeof(sss_sync_conf_t));

    conf.secrets = cluster->secrets;
    ngx_memcpy(conf.ns, cluster->ns.data, cluster->ns.len);
    conf.ns_len = cluster->ns.len;
    ngx_memcpy(conf.host, cluster->sh->host, sizeof(conf.host));
    conf.rotation = (uint32_t) cluster->key_rotation;
    conf.retention = (uint32_t) cluster->retention;
    conf.capacity = cluster->sh->board.capacity;
    conf.patience_ms = NGX_SSL_SESSION_SYNC_LONG;
    conf.poll_ms = (uint32_t) cluster->poll_interval;
    conf.forward_secrecy = (int) cluster->forward_secrecy;

    cluster->poll = sss_sync_create(&conf);

    if (cluster->poll == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "ssl_session_sync: no memory to poll cluster \"%V\"",
                      &cluster->name);
        return NGX_ERROR;
    }

    cluster->client->exchanges = ngx_ssl_session_sync_step;

    return NGX_OK;
}


static void
ngx_ssl_session_sync_stop_poll(ngx_ssl_session_sync_cluster_t *cluster)
{
    if (cluster->step.timer_set) {
        ngx_del_timer(&cluster->step);
    }

    if (cluster->again.timer_set) {
        ngx_del_timer(&cluster->again);
    }

    cluster->again_us = 0;

    if (cluster->poll) {
        cluster->client->exchanges = NULL;
        sss_engine_forget(cluster->client->engine);

        sss_sync_destroy(cluster->poll);
        cluster->poll = NULL;
    }
}


static void
ngx_ssl_session_sync_step_handler(ngx_event_t *ev)
{
    ngx_ssl_session_sync_cluster_t  *cluster = ev->data;

    ngx_ssl_session_sync_client_turn(cluster->client);
}


/*
 * Goes on with the poll until it waits for exchanges, or has computed for
 * NGX_SSL_SESSION_SYNC_PIECE.  Returns 1 if exchanges were begun.
 */

static ngx_uint_t
ngx_ssl_session_sync_step(ngx_ssl_session_sync_cluster_t *cluster)
{
    uint64_t       begun;
    ngx_uint_t     asked, done, late;
    sss_sync_rc_t  rc;

    asked = 0;
    begun = sss_request_clock();

    /* a poll begins when names have been resolved, or that takes too long */

    if (cluster->due && sss_engine_settled(cluster->client->engine)) {
        cluster->due = 0;

        ngx_ssl_session_sync_begin(cluster);
    }

    for ( ;; ) {

        rc = sss_sync_step(cluster->poll);

        asked |= ngx_ssl_session_sync_carry_out(cluster, &done);

        if (rc == SSS_SYNC_WAIT && !done) {
            return asked;
        }

        late = sss_request_clock() - begun > NGX_SSL_SESSION_SYNC_PIECE;

        if (rc == SSS_SYNC_DONE && !late) {
            ngx_ssl_session_sync_complete(cluster, cluster->tick.log);
            return asked;
        }

        if (late) {

            if (!cluster->step.timer_set) {
                ngx_add_timer(&cluster->step, 0);
            }

            return asked;
        }
    }
}


static void
ngx_ssl_session_sync_begin(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_ssl_session_sync_group_begin(cluster);

    (void) sss_sync_begin(cluster->poll,
                          sss_engine_servers(cluster->client->engine),
                          ngx_ssl_session_sync_view(cluster), cluster->group,
                          cluster->sh->used != 0,
                          ngx_ssl_session_sync_now());
}


/*
 * Begins the exchanges that the poll wants.  Returns 1 if there were any;
 * "*done" becomes 1 if one of them has ended at once.
 */

static ngx_uint_t
ngx_ssl_session_sync_carry_out(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t *done)
{
    uint32_t         id;
    ngx_uint_t       i, asked;
    sss_exchange_t  *x;

    asked = 0;
    *done = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        x = sss_sync_exchange(cluster->poll, i, &id);

        if (x->state == SSS_EXCHANGE_WANTED) {
            sss_engine_ask(cluster->client->engine, i, id, x);

            asked = 1;
            *done |= (x->state == SSS_EXCHANGE_DONE);
        }
    }

    return asked;
}


static void
ngx_ssl_session_sync_complete(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    sss_sync_report_t  report;

    /* the spare ring never holds anything between two calls */

    (void) sss_sync_take(cluster->poll, cluster->spare, cluster->group,
                         &report);

    if (ngx_ssl_session_sync_group_end(cluster, cluster->spare, &report, log)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, log, 0,
                      "ssl_session_sync: cluster \"%V\" has no key",
                      &cluster->name);
    }

    sss_ring_wipe(cluster->spare);

    ngx_shmtx_lock(&cluster->shpool->mutex);
    cluster->sh->report = report;
    ngx_shmtx_unlock(&cluster->shpool->mutex);

    /* a host that waits to be let into a group lacks the cluster's keys */

    if (!report.waits && report.again_ms != 1) {
        cluster->sh->synced = 1;
    }

    ngx_ssl_session_sync_log_report(cluster, &report, log);

    if (report.again_ms) {
        cluster->again_us = sss_request_clock()
                            + (uint64_t) report.again_ms * 1000;
        ngx_add_timer(&cluster->again, (ngx_msec_t) report.again_ms);
    }
}


static void
ngx_ssl_session_sync_log_report(ngx_ssl_session_sync_cluster_t *cluster,
    sss_sync_report_t *report, ngx_log_t *log)
{
    ngx_uint_t  i;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        ngx_ssl_session_sync_log_server(cluster, i, &report->server[i], log);
    }

    if (report->foreign && report->company && !cluster->seen.foreign) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: some host uses namespace \"%V\" of "
                      "cluster \"%V\" with a secret that this host does not "
                      "have; its tickets do not resume here",
                      &cluster->ns, &cluster->name);
    }

    ngx_ssl_session_sync_group_log(cluster, report, log);
    ngx_ssl_session_sync_complain(cluster, report, log);

    cluster->seen = *report;
}


/* The server as configured, or, if that is a name, with its address. */

static void
ngx_ssl_session_sync_server_name(ngx_ssl_session_sync_cluster_t *cluster,
    sss_server_report_t *report, ngx_str_t *name)
{
    ngx_ssl_session_sync_server_t  *server;

    server = cluster->servers.elts;

    *name = server[report->line].text;

    if (report->address[0]) {
        name->data = (u_char *) report->address;
        name->len = ngx_strlen(report->address);
    }
}


static void
ngx_ssl_session_sync_log_server(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t i, sss_server_report_t *report, ngx_log_t *log)
{
    ngx_str_t             server;
    sss_server_report_t  *seen, none;

    seen = &cluster->seen.server[i];

    if (seen->id != report->id) {
        ngx_memzero(&none, sizeof(sss_server_report_t));
        seen = &none;
    }

    if (report->id == 0) {
        return;
    }

    ngx_ssl_session_sync_server_name(cluster, report, &server);

    /*
     * A new reason is logged as well: after a restart has closed the
     * connection, the next attempt to connect may be refused.
     */

    if (report->state == SSS_SERVER_DOWN
        && (seen->state != SSS_SERVER_DOWN
            || ngx_strcmp(seen->error, report->error) != 0))
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "ssl_session_sync: memcached %V of cluster \"%V\" does "
                      "not answer: %s",
                      &server, &cluster->name, report->error);
    }

    if (report->state == SSS_SERVER_UP && seen->state == SSS_SERVER_DOWN) {
        ngx_log_error(NGX_LOG_NOTICE, log, 0,
                      "ssl_session_sync: memcached %V of cluster \"%V\" "
                      "answers again", &server, &cluster->name);
    }

    if (report->bad_now && !seen->bad_now) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "ssl_session_sync: memcached %V of cluster \"%V\" had "
                      "a record that does not open; it is replaced",
                      &server, &cluster->name);
    }
}


/*
 * What does not go away by itself is said again every minute, and one thing
 * does not wait for another.
 */

static void
ngx_ssl_session_sync_complain(ngx_ssl_session_sync_cluster_t *cluster,
    sss_sync_report_t *report, ngx_log_t *log)
{
    /* hosts that start together see each other only after a poll or two */

    if (!report->reached || !report->foreign || report->company) {
        cluster->alone = 0;

    } else if (report->again_ms == 0) {
        cluster->alone++;
    }

    ngx_ssl_session_sync_group_complain(cluster, report, log);

    if (cluster->alone > NGX_SSL_SESSION_SYNC_ALONE
        && ngx_ssl_session_sync_complaint(cluster,
                                          NGX_SSL_SESSION_SYNC_IS_ALONE))
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "ssl_session_sync: this host is alone in cluster "
                      "\"%V\": other hosts use namespace \"%V\" with another "
                      "secret; compare \"%V\" with theirs",
                      &cluster->name, &cluster->ns, &cluster->secret_file);
    }

    ngx_ssl_session_sync_complain_servers(cluster, report, log);
    ngx_ssl_session_sync_complain_clocks(cluster, report, log);
}


ngx_uint_t
ngx_ssl_session_sync_complaint(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_ssl_session_sync_complaint_t kind)
{
    time_t  *last;

    last = &cluster->complained[kind];

    if (*last && ngx_time() - *last < NGX_SSL_SESSION_SYNC_COMPLAIN) {
        return 0;
    }

    *last = ngx_time();

    return 1;
}


static void
ngx_ssl_session_sync_complain_servers(ngx_ssl_session_sync_cluster_t *cluster,
    sss_sync_report_t *report, ngx_log_t *log)
{
    ngx_str_t    server;
    ngx_uint_t   i, due;
    const char  *trouble;

    due = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        trouble = sss_server_trouble(&report->server[i]);

        if (*trouble == '\0') {
            continue;
        }

        /* several are told of at once */

        if (!due && !ngx_ssl_session_sync_complaint(cluster,
                                           NGX_SSL_SESSION_SYNC_NO_USE))
        {
            return;
        }

        due = 1;

        ngx_ssl_session_sync_server_name(cluster, &report->server[i],
                                         &server);

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "ssl_session_sync: memcached %V of cluster \"%V\" "
                      "is no use for keys: %s",
                      &server, &cluster->name, trouble);
    }
}


static void
ngx_ssl_session_sync_complain_clocks(ngx_ssl_session_sync_cluster_t *cluster,
    sss_sync_report_t *report, ngx_log_t *log)
{
    int64_t     diff;
    ngx_str_t   server;
    ngx_uint_t  i, due;

    due = 0;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        diff = report->server[i].clock_diff;

        if (!report->server[i].clock_known
            || (diff < 0 ? -diff : diff) * 2 <= cluster->key_rotation)
        {
            continue;
        }

        if (!due && !ngx_ssl_session_sync_complaint(cluster,
                                           NGX_SSL_SESSION_SYNC_CLOCKS))
        {
            return;
        }

        due = 1;

        ngx_ssl_session_sync_server_name(cluster, &report->server[i],
                                         &server);

        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "ssl_session_sync: the clock of this host differs from "
                      "that of memcached %V by %L seconds, more than half of "
                      "\"key_rotation\" of cluster \"%V\": tickets may not "
                      "resume on other hosts; set the clocks",
                      &server, diff, &cluster->name);
    }
}
