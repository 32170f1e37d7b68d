
/*
 * Which server wears which badge, as far as this worker knows.  What it
 * believes decides where it asks, and nothing else: a claim counts only where
 * the server wears the badge that the ticket names.
 */


#include "ngx_ssl_session_sync_early.h"


#define NGX_SSL_SESSION_SYNC_BADGE_LOOK  10     /* ticks between two looks */


static void ngx_ssl_session_sync_badge_look(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_uint_t place);
static void ngx_ssl_session_sync_badge_handler(
    ngx_ssl_session_sync_wait_t *wait);


/* A server with a new connection may be another process. */

void
ngx_ssl_session_sync_badge_tick(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                            i;
    sss_engine_t                         *engine;
    sss_engine_watch_t                    watch;
    ngx_ssl_session_sync_early_worker_t  *worker;

    engine = cluster->client->engine;
    worker = cluster->early_worker;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {

        if (!sss_engine_usable(engine, i)) {
            continue;
        }

        sss_engine_watch(engine, i, &watch);

        if (worker->looked_epoch[i] != watch.epoch) {
            worker->looked_epoch[i] = watch.epoch;
            worker->badges[i] = 0;
        }

        if (worker->badges[i] == 0
            || ++worker->looked[i] >= NGX_SSL_SESSION_SYNC_BADGE_LOOK)
        {
            ngx_ssl_session_sync_badge_look(cluster, i);
        }
    }
}


static void
ngx_ssl_session_sync_badge_look(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place)
{
    sss_claim_t                   look;
    ngx_ssl_session_sync_wait_t  *wait;

    cluster->early_worker->looked[place] = 0;
    wait = &cluster->early_worker->looks[place];

    if (wait->active) {
        return;
    }

    sss_claim_look(&look, (char *) cluster->ns.data, cluster->ns.len);

    wait->cluster = cluster;
    wait->handler = ngx_ssl_session_sync_badge_handler;

    (void) ngx_ssl_session_sync_claim(wait, place, &look);
}


static void
ngx_ssl_session_sync_badge_handler(ngx_ssl_session_sync_wait_t *wait)
{
    ngx_uint_t                       place;
    ngx_ssl_session_sync_cluster_t  *cluster;

    free(wait->value);
    wait->value = NULL;

    if (wait->rc == SSS_ENGINE_FAILED) {
        return;
    }

    cluster = wait->cluster;
    place = wait - cluster->early_worker->looks;

    ngx_ssl_session_sync_badge_seen(cluster, place, &wait->reply);

    /* whoever lays logs gives it one */

    if (wait->reply.after.id == 0) {
        cluster->early_sh->lost = 1;
    }
}


void
ngx_ssl_session_sync_badge_seen(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place, const sss_claim_reply_t *reply)
{
    cluster->early_worker->badges[place] = reply->after.id;
}


void
ngx_ssl_session_sync_badge_give(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place)
{
    uint64_t  id;

    if (RAND_bytes((u_char *) &id, sizeof(id)) != 1) {
        return;
    }

    sss_engine_badge(cluster->client->engine, place, (char *) cluster->ns.data,
                     cluster->ns.len, id, (uint64_t) time(NULL));
}


ngx_uint_t
ngx_ssl_session_sync_badge_find(ngx_ssl_session_sync_cluster_t *cluster,
    uint64_t badge)
{
    ngx_uint_t  i;

    if (badge == 0) {
        return SSS_SERVERS_MAX;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        if (cluster->early_worker->badges[i] == badge) {
            break;
        }
    }

    return i;
}


uint64_t
ngx_ssl_session_sync_early_badge(SSL *ssl,
    ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t                            i;
    ngx_ssl_session_sync_early_worker_t  *worker;

    worker = cluster->early_worker;

    if (worker == NULL || cluster->client == NULL
        || SSL_get_max_early_data(ssl) == 0)
    {
        return 0;
    }

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        worker->turn = (worker->turn + 1) % SSS_SERVERS_MAX;

        if (worker->badges[worker->turn]
            && sss_engine_usable(cluster->client->engine, worker->turn))
        {
            return worker->badges[worker->turn];
        }
    }

    return 0;
}


void
ngx_ssl_session_sync_badge_stop(ngx_ssl_session_sync_cluster_t *cluster)
{
    ngx_uint_t  i;

    for (i = 0; i < SSS_SERVERS_MAX; i++) {
        ngx_ssl_session_sync_cancel(&cluster->early_worker->looks[i]);
    }
}
