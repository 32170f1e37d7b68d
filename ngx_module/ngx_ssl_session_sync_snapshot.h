
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
    ngx_atomic_t                      waiting;      /* likewise, now  */
    ngx_atomic_t                      open;
    sss_sync_report_t                 report;
    sss_label_t                       label;        /* of this host's group */
    ngx_uint_t                        member;       /* 1: it is in one; none
                                                       without memcached or
                                                       forward secrecy     */
    uint64_t                          epoch_since;  /* ms since the epoch  */
    uint64_t                          waits_ms;     /* for so long now     */
    ngx_uint_t                        n_servers;
    ngx_ssl_session_sync_known_t      servers[SSS_SERVERS_MAX];
} ngx_ssl_session_sync_snapshot_t;


/* A number of a snapshot. */

typedef struct {
    const char                       *name;         /* in JSON, and the
                                                       label "event"       */
    const char                       *title;        /* on the page         */
    size_t                            offset;       /* in the snapshot     */

    /* for Prometheus, in a group that is not one metric */
    const char                       *metric;
    const char                       *type;
    const char                       *help;
} ngx_ssl_session_sync_counter_t;


/* Numbers that are shown together. */

typedef struct {
    const char                       *name;         /* of the JSON object  */
    const char                       *title;        /* of the table        */
    ngx_ssl_session_sync_counter_t   *counters;     /* up to one without
                                                       a name              */
    const char                       *metric;       /* NULL: each number is
                                                       one of its own      */
    const char                       *help;
    ngx_uint_t                        latency;      /* 1: and how long
                                                       lookups took        */
} ngx_ssl_session_sync_group_t;


/* A counter of a memcached server. */

typedef struct {
    const char                       *name;
    const char                       *help;
    size_t                            offset;       /* in the report       */
} ngx_ssl_session_sync_tally_t;


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

/* The value of a number. */
ngx_atomic_uint_t ngx_ssl_session_sync_counted(
    ngx_ssl_session_sync_snapshot_t *s,
    ngx_ssl_session_sync_counter_t *counter);
uint64_t ngx_ssl_session_sync_tallied(sss_server_report_t *report,
    ngx_ssl_session_sync_tally_t *tally);


/* All of them; the last one has no name. */
extern ngx_ssl_session_sync_group_t  ngx_ssl_session_sync_groups[];
extern ngx_ssl_session_sync_tally_t  ngx_ssl_session_sync_tallies[];


#endif /* NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED */
