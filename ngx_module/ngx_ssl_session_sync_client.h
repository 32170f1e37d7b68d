
/*
 * The client of memcached that a worker has for a cluster: an engine
 * (sss_engine.h) in nginx's event loop.  Sessions are looked up through it,
 * and the speaker polls the keys through it, over the same connections.
 */


#ifndef NGX_SSL_SESSION_SYNC_CLIENT_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_CLIENT_H_INCLUDED


#include "ngx_ssl_session_sync.h"


/* A descriptor of the engine, as the event loop knows it. */

typedef struct {
    ngx_ssl_session_sync_client_t  *client;
    size_t                          number;
    unsigned                        epoch;
    ngx_connection_t               *connection; /* NULL: it is not watched */
} ngx_ssl_session_sync_watch_t;


struct ngx_ssl_session_sync_client_s {
    ngx_ssl_session_sync_cluster_t *cluster;
    sss_engine_t                   *engine;
    ngx_event_t                     turn;       /* the engine is to run */
    ngx_ssl_session_sync_watch_t    watches[SSS_ENGINE_WATCHES];
    uint32_t                        weights[SSS_SERVERS_MAX];

    /*
     * After every turn of the engine, NULL: nothing.  The first goes on with
     * exchanges, and says if it began others; the second takes the results of
     * lookups.
     */
    ngx_uint_t                    (*exchanges)(
                                      ngx_ssl_session_sync_cluster_t *cluster);
    void                          (*results)(
                                      ngx_ssl_session_sync_cluster_t *cluster);
};


/*
 * Starts the client of a cluster with memcached, as cluster->client; nothing
 * is done if there is one.  "quiet": it connects only for exchanges.  Without
 * memory or descriptors NGX_ERROR, said in the log.
 */
ngx_int_t ngx_ssl_session_sync_client_start(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_uint_t quiet,
    ngx_log_t *log);

/* Ends it, and waits for up to "wait" ms until what is stored is sent. */
void ngx_ssl_session_sync_client_stop(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_msec_t wait);

/* Something was asked for: it goes out at the end of this turn of the loop. */
void ngx_ssl_session_sync_client_post(ngx_ssl_session_sync_client_t *client);

/* Lets the engine run, and watches what it wants to be watched. */
void ngx_ssl_session_sync_client_turn(ngx_ssl_session_sync_client_t *client);


#endif /* NGX_SSL_SESSION_SYNC_CLIENT_H_INCLUDED */
