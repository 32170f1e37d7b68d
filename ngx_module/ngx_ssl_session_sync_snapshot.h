
/*
 * What the status page tells of a cluster, taken at one moment; JSON and
 * Prometheus print the same numbers.
 */


#ifndef NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED


#include "ngx_ssl_session_sync.h"


/* A server, as the last poll knew it. */

typedef struct {
    ngx_str_t                         address;      /* "10.0.0.1:11211"... */
    ngx_str_t                         line;         /* as configured       */
    ngx_uint_t                        weight;
    sss_server_report_t              *report;
} ngx_ssl_session_sync_known_t;


typedef struct {
    ngx_ssl_session_sync_cluster_t   *cluster;
    const char                       *state;
    ngx_uint_t                        clock_warning;
    uint64_t                          now;
    sss_ring_t                       *ring;
    ngx_ssl_session_sync_counters_t   counters;     /* of all workers */
    ngx_uint_t                        waiting;      /* likewise, now  */
    ngx_uint_t                        open;
    sss_sync_report_t                 report;
    ngx_uint_t                        n_servers;
    ngx_ssl_session_sync_known_t      servers[SSS_SERVERS_MAX];
} ngx_ssl_session_sync_snapshot_t;


/* An array of snapshots, one a cluster, from the pool; NULL on failure. */
ngx_array_t *ngx_ssl_session_sync_snapshots(ngx_pool_t *pool);

/* A buffer that is large enough to print all of them in either format. */
ngx_buf_t *ngx_ssl_session_sync_snapshot_buf(ngx_pool_t *pool,
    ngx_array_t *snapshots);

/* "next", "current", "previous" or "other"; static. */
const char *ngx_ssl_session_sync_key_role(
    ngx_ssl_session_sync_snapshot_t *s, const sss_key_t *key);

/* "up", "down", "refuses" or "unknown"; static. */
const char *ngx_ssl_session_sync_server_state(sss_server_report_t *report);


#endif /* NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED */
