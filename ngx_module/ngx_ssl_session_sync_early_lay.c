
/*
 * The logs that claims need are laid in time, on all servers, by the worker
 * that speaks: those of the two slots to come while there is nothing to do
 * with them yet, and all of a server that lost them or may have.  Every host
 * does so, and whoever is first has laid them for all.
 */


#include "ngx_ssl_session_sync_early.h"


#define NGX_SSL_SESSION_SYNC_LAY    1000    /* between two looks           */
#define NGX_SSL_SESSION_SYNC_FIRST  20      /* after the start             */
#define NGX_SSL_SESSION_SYNC_MEND   3000    /* between two repairs         */


static void ngx_ssl_session_sync_lay_handler(ngx_event_t *ev);
static void ngx_ssl_session_sync_lay(ngx_ssl_session_sync_cluster_t *cluster);
static void ngx_ssl_session_sync_lay_at(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_uint_t place,
    ngx_uint_t mend);


ngx_int_t
ngx_ssl_session_sync_early_start(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_log_t *log)
{
    ngx_ssl_session_sync_early_worker_t  *worker;

    worker = ngx_pcalloc(ngx_cycle->pool,
                         sizeof(ngx_ssl_session_sync_early_worker_t));

    if (worker) {
        worker->opener = sss_ticket_create();
    }

    if (worker == NULL || worker->opener == NULL) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "ssl_session_sync: early data for cluster \"%V\" is "
                      "refused by this worker: no memory", &cluster->name);
        return NGX_DECLINED;
    }

    worker->timer.handler = ngx_ssl_session_sync_lay_handler;
    worker->timer.data = cluster;
    worker->timer.log = ngx_cycle->log;
    worker->timer.cancelable = 1;

    ngx_add_timer(&worker->timer, NGX_SSL_SESSION_SYNC_FIRST);

    cluster->early_worker = worker;

    return NGX_OK;
}


void
ngx_ssl_session_sync_early_stop(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_ssl_session_sync_early_worker_t  *worker;

    worker = cluster->early_worker;

    if (worker == NULL) {
        return;
    }

    ngx_ssl_session_sync_badge_stop(cluster);
    cluster->early_worker = NULL;

    if (worker->timer.timer_set) {
        ngx_del_timer(&worker->timer);
    }

    sss_ticket_destroy(worker->opener);
}


static void
ngx_ssl_session_sync_lay_handler(ngx_event_t *ev)
{
    ngx_ssl_session_sync_cluster_t  *cluster = ev->data;

    if (cluster->client) {

        if (cluster->sh->speaker == (ngx_atomic_uint_t) ngx_pid) {
            ngx_ssl_session_sync_lay(cluster);
        }

        ngx_ssl_session_sync_badge_tick(cluster);
        ngx_ssl_session_sync_client_post(cluster->client);
    }

    ngx_add_timer(ev, NGX_SSL_SESSION_SYNC_LAY);
}


static void
ngx_ssl_session_sync_lay(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                            i, mend;
    ngx_ssl_session_sync_early_worker_t  *worker;

    worker = cluster->early_worker;
    mend = 0;

    if (cluster->early_sh->lost
        && ngx_current_msec - worker->mended >= NGX_SSL_SESSION_SYNC_MEND)
    {
        cluster->early_sh->lost = 0;
        worker->mended = ngx_current_msec;
        mend = 1;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        ngx_ssl_session_sync_lay_at(cluster, i, mend);
    }
}


/* A server with a new connection may be one that was restarted. */

static void
ngx_ssl_session_sync_lay_at(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place, ngx_uint_t mend)
{
    uint64_t                              slot, first, last;
    sss_engine_t                         *engine;
    sss_engine_watch_t                    watch;
    ngx_ssl_session_sync_early_worker_t  *worker;

    engine = cluster->client->engine;
    worker = cluster->early_worker;

    if (!sss_engine_usable(engine, place)) {
        return;
    }

    sss_engine_watch(engine, place, &watch);

    first = sss_claim_slot((uint64_t) time(NULL));
    last = first + SSS_CLAIM_AHEAD;

    if (!mend && watch.epoch == worker->epochs[place]
        && worker->laid[place] >= first && worker->laid[place] <= last)
    {
        first = worker->laid[place] + 1;

    } else {
        ngx_ssl_session_sync_badge_give(cluster, place);
    }

    worker->epochs[place] = watch.epoch;
    worker->laid[place] = last;

    for (slot = first; slot <= last; slot++) {
        sss_engine_lay(engine, place, (char *) cluster->ns.data,
                       cluster->ns.len, slot);
    }
}
