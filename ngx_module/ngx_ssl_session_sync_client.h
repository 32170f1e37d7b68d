
/*
 * A worker's memcached client for a cluster: an engine (sss_engine.h) in
 * nginx's event loop.  Sessions are looked up and stored through it, and the
 * speaker polls the keys through it over the same connections.
 */


#ifndef NGX_SSL_SESSION_SYNC_CLIENT_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_CLIENT_H_INCLUDED


#include "ngx_ssl_session_sync.h"


/* A descriptor of the engine, and the ngx_connection_t that watches it. */

typedef struct {
    ngx_ssl_session_sync_client_t  *client;
    size_t                          number;     /* i of sss_engine_watch() */
    unsigned                        epoch;      /* of sss_engine_watch_t   */
    ngx_connection_t               *connection; /* NULL: it is not watched */
} ngx_ssl_session_sync_watch_t;


struct ngx_ssl_session_sync_client_s {
    ngx_ssl_session_sync_cluster_t *cluster;
    sss_engine_t                   *engine;
    ngx_event_t                     turn;       /* runs the engine         */
    ngx_ssl_session_sync_watch_t    watches[SSS_ENGINE_WATCHES];
    uint32_t                        weights[SSS_SERVERS_MAX];

    /*
     * Called after each run of the engine, unless NULL.  "exchanges" goes on
     * with the poll, and returns 1 if it has begun exchanges.  "results" takes
     * the results of lookups.
     */
    ngx_uint_t                    (*exchanges)(
                                      ngx_ssl_session_sync_cluster_t *cluster);
    void                          (*results)(
                                      ngx_ssl_session_sync_cluster_t *cluster);
};


/*
 * Starts cluster->client, unless there is one.  The cluster must have
 * memcached servers.  A "quiet" client connects only when there are exchanges.
 * Returns NGX_ERROR without memory or descriptors, and logs it.
 */
ngx_int_t ngx_ssl_session_sync_client_start(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_uint_t quiet,
    ngx_log_t *log);

/*
 * Stops and frees the client, after waiting up to "wait" milliseconds until
 * all stores have been sent.
 */
void ngx_ssl_session_sync_client_stop(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_msec_t wait);

/*
 * Has the engine run at the end of this turn of the event loop; to be called
 * after each request to it.
 */
void ngx_ssl_session_sync_client_post(ngx_ssl_session_sync_client_t *client);

/* Runs the engine now, and updates the descriptors that are watched for it. */
void ngx_ssl_session_sync_client_turn(ngx_ssl_session_sync_client_t *client);


#endif /* NGX_SSL_SESSION_SYNC_CLIENT_H_INCLUDED */
