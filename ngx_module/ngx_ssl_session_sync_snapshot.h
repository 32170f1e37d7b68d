
/*
 * A snapshot of a cluster: all that the status page shows, as of one moment,
 * so that all formats print the same numbers.
 */


#ifndef NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED


#include "ngx_ssl_session_sync.h"


/* A memcached server. */

typedef struct {
    ngx_str_t                         address;      /* "10.0.0.1:11211"... */
    ngx_str_t                         line;         /* as configured       */
    ngx_uint_t                        weight;
    sss_server_report_t              *report;
} ngx_ssl_session_sync_known_t;


typedef struct {
    ngx_ssl_session_sync_cluster_t   *cluster;
    const char                       *state;        /* static              */
    ngx_uint_t                        clock_warning;    /* 1: a server's clock
                                                           differs too much */
    uint64_t                          now;          /* ms since 1970       */
    sss_ring_t                       *ring;
    ngx_ssl_session_sync_counters_t   counters;     /* sums of all workers */
    ngx_atomic_t                      waiting;      /* lookups under way in
                                                       all workers         */
    ngx_atomic_t                      open;         /* workers whose breaker
                                                       is open             */
    sss_sync_report_t                 report;
    sss_label_t                       label;        /* of this host's group */
    ngx_uint_t                        member;       /* 1: it is in a group; 0
                                                       also without memcached
                                                       or forward secrecy  */
    uint64_t                          epoch_since;  /* begin of the group's
                                                       epoch, ms since 1970 */
    uint64_t                          waits_ms;     /* how long it has waited
                                                       to be let in        */
    ngx_uint_t                        n_servers;
    ngx_ssl_session_sync_known_t      servers[SSS_SERVERS_MAX];
} ngx_ssl_session_sync_snapshot_t;


/* A number of a snapshot, and its names in the formats. */

typedef struct {
    const char                       *name;         /* in JSON, and the
                                                       label "event"       */
    const char                       *title;        /* on the page         */
    size_t                            offset;       /* in the snapshot     */

    /* for Prometheus, if the group has no "metric" */
    const char                       *metric;
    const char                       *type;
    const char                       *help;
} ngx_ssl_session_sync_counter_t;


/* A group of numbers that are shown together. */

typedef struct {
    const char                       *name;         /* of the JSON object  */
    const char                       *title;        /* of the table        */
    ngx_ssl_session_sync_counter_t   *counters;     /* the last has no name */
    const char                       *metric;       /* one metric for all of
                                                       them; NULL: each number
                                                       has its own         */
    const char                       *help;
    ngx_uint_t                        latency;      /* 1: the latency of
                                                       lookups is shown with
                                                       them                */
} ngx_ssl_session_sync_group_t;


/* A counter of a memcached server. */

typedef struct {
    const char                       *name;
    const char                       *help;
    size_t                            offset;       /* in
                                                       sss_server_report_t */
} ngx_ssl_session_sync_tally_t;


/*
 * Takes a snapshot of each cluster.  Returns an array from the pool, or NULL
 * without memory.
 */
ngx_array_t *ngx_ssl_session_sync_snapshots(ngx_pool_t *pool);

/*
 * Returns a buffer from the pool that is large enough for all snapshots in any
 * format, or NULL without memory.
 */
ngx_buf_t *ngx_ssl_session_sync_snapshot_buf(ngx_pool_t *pool,
    ngx_array_t *snapshots);

/* "next", "current", "previous" or "other"; static. */
const char *ngx_ssl_session_sync_key_role(
    ngx_ssl_session_sync_snapshot_t *s, const sss_key_t *key);

/* "up", "down", "refuses" or "unknown"; static. */
const char *ngx_ssl_session_sync_server_state(sss_server_report_t *report);

/* The value of a number in a snapshot, and in the report of a server. */
ngx_atomic_uint_t ngx_ssl_session_sync_counted(
    ngx_ssl_session_sync_snapshot_t *s,
    ngx_ssl_session_sync_counter_t *counter);
uint64_t ngx_ssl_session_sync_tallied(sss_server_report_t *report,
    ngx_ssl_session_sync_tally_t *tally);


/* All groups, and all counters of servers; the last element has no name. */
extern ngx_ssl_session_sync_group_t  ngx_ssl_session_sync_groups[];
extern ngx_ssl_session_sync_tally_t  ngx_ssl_session_sync_tallies[];


#endif /* NGX_SSL_SESSION_SYNC_SNAPSHOT_H_INCLUDED */
