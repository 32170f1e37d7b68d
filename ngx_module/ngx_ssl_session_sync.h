
/*
 * The nginx side: what its files share.
 *
 *     cluster   the ssl_session_sync_cluster block
 *     private   files that others must not read
 *     secure    TLS to memcached
 *     attach    which SSL_CTX belongs to which cluster
 *     zone      shared memory: the ring, counters, reports
 *     client    a worker's connections to memcached
 *     group     which group this host is in, and the generation of its keys
 *     poll      life of a worker: timers, the speaker, taking over
 *     snapshot, counters                 what the status page tells
 *     json, prometheus, html             and in which format
 *
 * and what has a header of its own:
 *
 *     trust, scope, identity, revocation   may a session resume here?
 *     handshake                            what is known of a connection
 *     early                                early data at most once
 *     hooks, ticket, plain, cipher         OpenSSL's hooks; session tickets
 *     session, hold, lookup                sessions by ID
 */


#ifndef NGX_SSL_SESSION_SYNC_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_ssl_session_sync_compat.h"
#include "ngx_ssl_session_sync_trust.h"
#include "sss_address.h"
#include "sss_auth.h"
#include "sss_board.h"
#include "sss_engine.h"
#include "sss_group.h"
#include "sss_hello.h"
#include "sss_memory.h"
#include "sss_ring.h"
#include "sss_seal.h"
#include "sss_secret.h"
#include "sss_session.h"
#include "sss_sni.h"
#include "sss_sync.h"
#include "sss_trouble.h"


#define NGX_SSL_SESSION_SYNC_VERSION  "0.2.0"

#define NGX_SSL_SESSION_SYNC_HTTP     1
#define NGX_SSL_SESSION_SYNC_STREAM   2
#define NGX_SSL_SESSION_SYNC_MAIL     3


/* ssl_session_sync_early_data */

#define NGX_SSL_SESSION_SYNC_EARLY_UNSET  0
#define NGX_SSL_SESSION_SYNC_EARLY_ONCE   1
#define NGX_SSL_SESSION_SYNC_EARLY_OFF    2
#define NGX_SSL_SESSION_SYNC_EARLY_ANY    3


/* What the error log is told again and again until it is mended. */

typedef enum {
    NGX_SSL_SESSION_SYNC_MIXED = 0,     /* forward_secrecy differs         */
    NGX_SSL_SESSION_SYNC_WAITS,         /* a join does not end             */
    NGX_SSL_SESSION_SYNC_IS_ALONE,      /* other hosts have other secrets  */
    NGX_SSL_SESSION_SYNC_NO_USE,        /* a server is, for keys           */
    NGX_SSL_SESSION_SYNC_CLOCKS,        /* they differ                     */
    NGX_SSL_SESSION_SYNC_COMPLAINTS     /* how many kinds there are        */
} ngx_ssl_session_sync_complaint_t;


/* Shared memory.  What the counters are called: ..._counters.c. */

typedef struct {
    ngx_atomic_t              issued;
    ngx_atomic_t              resumed;
    ngx_atomic_t              renewed;
    ngx_atomic_t              unknown_key;
    ngx_atomic_t              refused_binding;
    ngx_atomic_t              file_key;
    ngx_atomic_t              full;
    ngx_atomic_t              id_local;
    ngx_atomic_t              id_remote;

    /* judged before any lookup */
    ngx_atomic_t              forged;
    ngx_atomic_t              refused_id;
    ngx_atomic_t              bad_sessions;
    ngx_atomic_t              timeouts;

    /* the engines of all workers, see sss_engine_stats_t */
    ngx_atomic_t              gets;
    ngx_atomic_t              hits;
    ngx_atomic_t              misses;
    ngx_atomic_t              failures;
    ngx_atomic_t              stores;
    ngx_atomic_t              removals;
    ngx_atomic_t              dropped;
    ngx_atomic_t              batches;
    ngx_atomic_t              opened;
    ngx_atomic_t              latency_us;
    ngx_atomic_t              latency[SSS_ENGINE_BUCKETS];

    /* handshakes that offered early data, by what became of it */
    ngx_atomic_t              early_accepted;
    ngx_atomic_t              early_replay;
    ngx_atomic_t              early_unsure;
    ngx_atomic_t              early_off;

    /* why it was unsure */
    ngx_atomic_t              early_unanswered;
    ngx_atomic_t              early_forgotten;
    ngx_atomic_t              early_servers;
    ngx_atomic_t              early_clock;
    ngx_atomic_t              early_full;
    ngx_atomic_t              early_unheld;

    ngx_atomic_t              unused[7];    /* seven cache lines of 64 bytes */
} ngx_ssl_session_sync_counters_t;


#define NGX_SSL_SESSION_SYNC_COUNTERS  32


/*
 * What holds for an engine now.  It is no counter, because no worker takes
 * back what one that was killed has added; it has the pid of its worker, to be
 * ignored as soon as there is no such process.  The number of a worker would
 * not do instead: while workers of two configurations run, two have the same.
 */

typedef struct {
    ngx_atomic_t              pid;          /* of the worker, 0: free      */
    ngx_atomic_t              waiting;
    ngx_atomic_t              open;         /* 1: the breaker is           */
} ngx_ssl_session_sync_seat_t;


/* workers of the old and the new configuration; others are not shown */

#define NGX_SSL_SESSION_SYNC_SEATS     64


typedef struct {
    ngx_atomic_t              speaker;      /* pid, 0: nobody speaks       */
    ngx_atomic_t              heartbeat;    /* ngx_current_msec            */
    ngx_atomic_t              cycles;       /* configurations so far       */
    ngx_atomic_t              spoken;       /* the speaker's               */
    ngx_atomic_t              synced;       /* the first poll has ended    */
    ngx_atomic_t              used;         /* keys were, in a handshake   */
    u_char                    host[8];      /* random                      */

    /* under the zone's mutex */
    uint32_t                  servers;      /* hash of the server list     */
    sss_sync_report_t         report;
    sss_group_t               group;        /* whose generation is read
                                               without the mutex, too      */
    ngx_atomic_uint_t         turns;        /* of the group, each a change */

    /* by the number of the worker, to keep their cache lines apart */
    ngx_ssl_session_sync_counters_t
                              counters[NGX_SSL_SESSION_SYNC_COUNTERS];
    ngx_ssl_session_sync_seat_t
                              seats[NGX_SSL_SESSION_SYNC_SEATS];

    sss_board_t               board;        /* last: two rings follow      */
} ngx_ssl_session_sync_shm_t;


/* The ssl_session_sync_cluster block, and what a worker holds for it. */

typedef struct ngx_ssl_session_sync_lookups_s
    ngx_ssl_session_sync_lookups_t;
typedef struct ngx_ssl_session_sync_client_s
    ngx_ssl_session_sync_client_t;
typedef struct ngx_ssl_session_sync_early_s
    ngx_ssl_session_sync_early_t;
typedef struct ngx_ssl_session_sync_early_shm_s
    ngx_ssl_session_sync_early_shm_t;
typedef struct ngx_ssl_session_sync_early_worker_s
    ngx_ssl_session_sync_early_worker_t;


typedef struct {
    ngx_str_t                 text;         /* as configured               */
    ngx_uint_t                weight;
    unsigned                  secure:1;     /* by TLS                      */
} ngx_ssl_session_sync_server_t;


typedef struct {
    ngx_str_t                 name;
    ngx_str_t                 ns;
    u_char                   *file;
    ngx_uint_t                line;

    ngx_array_t               servers;      /* ngx_ssl_session_sync_server_t */
    sss_address_t            *addresses;    /* of the same order           */
    ngx_str_t                 secret_file;
    sss_secrets_t            *secrets;      /* NULL without memcached      */
    sss_auth_t               *auth;         /* NULL: no password           */
    sss_tls_t                *tls;          /* NULL: no server has TLS     */
    ngx_str_t                 trusted;      /* files for it                */
    ngx_str_t                 certificate;
    ngx_str_t                 certificate_key;

    time_t                    key_rotation;
    ngx_msec_t                poll_interval;
    ngx_msec_t                lookup_timeout;
    ngx_flag_t                forward_secrecy;
    ngx_int_t                 generation;

    time_t                    retention;    /* longest ssl_session_timeout */
    ngx_uint_t                capacity;     /* keys the zone has room for  */
    ngx_uint_t                attached;     /* number of SSL_CTXs          */
    ngx_uint_t                ids;          /* of them with Session IDs    */
    ngx_uint_t                early;        /* 1: early data, each once    */

    ngx_shm_zone_t           *zone;
    ngx_slab_pool_t          *shpool;
    ngx_atomic_uint_t         cycle;        /* number of the configuration */
    ngx_ssl_session_sync_shm_t
                             *sh;

    ngx_shm_zone_t           *early_zone;
    ngx_ssl_session_sync_early_shm_t
                             *early_sh;

    /* of this process */
    sss_ring_t               *view;         /* the ring as last read       */
    sss_ring_t               *spare;
    sss_ring_t               *scratch;      /* for writers                 */
    sss_group_t              *group;        /* of the poll under way       */
    ngx_atomic_uint_t         turn;         /* of the zone, when it began  */
    uint64_t                  version;      /* of the view                 */

    ngx_event_t               tick;
    ngx_event_t               again;        /* a poll is wanted before the
                                               next tick                   */
    uint64_t                  again_us;     /* when, 0: it is not; by the
                                               clock of requests           */
    ngx_ssl_session_sync_lookups_t
                             *lookups;      /* NULL: tickets only          */
    ngx_ssl_session_sync_client_t
                             *client;       /* NULL: none is needed        */
    ngx_ssl_session_sync_early_worker_t
                             *early_worker; /* NULL: nothing is claimed    */
    sss_sync_t               *poll;         /* of a worker that speaks     */
    ngx_uint_t                due;          /* 1: a poll is to begin       */
    ngx_event_t               step;         /* the poll has more to do     */
    sss_sync_report_t         seen;         /* reported in the log so far  */
    time_t                    complained[NGX_SSL_SESSION_SYNC_COMPLAINTS];
    ngx_uint_t                alone;        /* polls in a row              */
} ngx_ssl_session_sync_cluster_t;


/* The module's configuration: clusters, and what the servers asked for. */

typedef struct {
    ngx_str_t                 cluster;      /* a name or "off"             */
    u_char                   *file;
    ngx_uint_t                line;
    ngx_uint_t                kind;
    unsigned                  off:1;
    unsigned                  all:1;        /* for all servers of a block  */
    unsigned                  used:1;       /* TLS was found for it        */
} ngx_ssl_session_sync_wish_t;


typedef struct ngx_ssl_session_sync_ctx_s  ngx_ssl_session_sync_ctx_t;
typedef struct ngx_ssl_session_sync_conf_s  ngx_ssl_session_sync_conf_t;

/*
 * The SSL_CTX of the server that nginx is going to choose for the name on
 * this connection; NULL if there is none, and nginx stays where it is.
 */
typedef SSL_CTX *(*ngx_ssl_session_sync_select_pt)(ngx_connection_t *c,
    ngx_str_t *name);

/* OpenSSL's info callback. */
typedef void (*ngx_ssl_session_sync_info_pt)(const SSL *ssl, int where,
    int ret);

/* What hangs on an attached SSL_CTX. */

struct ngx_ssl_session_sync_ctx_s {
    SSL_CTX                  *ssl_ctx;
    ngx_ssl_session_sync_conf_t
                             *conf;
    ngx_ssl_session_sync_wish_t
                             *wish;
    ngx_ssl_session_sync_cluster_t
                             *cluster;
    ngx_ssl_session_sync_select_pt
                              select;       /* NULL: no servers by name    */
    ngx_ssl_session_sync_trust_t
                              trust;

    /* nginx's hooks */
    ngx_ssl_session_sync_info_pt
                              info;
    int                     (*new_session)(SSL *ssl, SSL_SESSION *session);
    SSL_SESSION            *(*get_session)(SSL *ssl, const u_char *id,
                                           int len, int *copy);
    void                    (*remove_session)(SSL_CTX *ssl_ctx,
                                              SSL_SESSION *session);
    unsigned                  early:2;      /* NGX_SSL_SESSION_SYNC_EARLY_ */
    unsigned                  ids:1;        /* it has sessions by ID       */
    unsigned                  builtin:1;    /* OpenSSL's own cache, too    */
};


/* The elements are pointers. */

struct ngx_ssl_session_sync_conf_s {
    ngx_array_t               clusters;     /* ..._cluster_t *             */
    ngx_array_t               wishes;       /* ..._wish_t *                */
    ngx_array_t               contexts;     /* ..._ctx_t *                 */
    unsigned                  any:1;        /* what it means has been said */
};


/* The server level of http, stream and mail. */

typedef struct {
    ngx_ssl_session_sync_wish_t
                             *wish;         /* NULL: not set               */
    ngx_str_t                 scope;
    ngx_uint_t                early;        /* NGX_SSL_SESSION_SYNC_EARLY_ */
    u_char                   *early_file;   /* of a server, NULL: not there */
    ngx_uint_t                early_line;
    ngx_ssl_session_sync_ctx_t
                             *sync;         /* NULL: not attached          */
    unsigned                  listen:1;     /* a TLS listener serves it    */
} ngx_ssl_session_sync_srv_conf_t;


/* cluster */

char *ngx_ssl_session_sync_cluster_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* attach */

void *ngx_ssl_session_sync_create_srv_conf(ngx_conf_t *cf);
char *ngx_ssl_session_sync_merge(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *prev,
    ngx_ssl_session_sync_srv_conf_t *conf);

/*
 * The handlers of ssl_session_sync, ssl_session_sync_scope and
 * ssl_session_sync_early_data.  Of the first, cmd->post is
 * NGX_SSL_SESSION_SYNC_HTTP, _STREAM or _MAIL; cmd->offset of the first and
 * the last is the type of the block around the servers, such as
 * NGX_HTTP_MAIN_CONF.
 */
char *ngx_ssl_session_sync_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_ssl_session_sync_set_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_ssl_session_sync_set_early(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * Attaches a server's SSL_CTX to the cluster that its configuration wishes;
 * does nothing without a wish, or for "off".  The name of the cluster is
 * looked up when the whole configuration has been read.  "verify" is the
 * ssl_verify_client mode, "variables" the values of ssl_certificate if they
 * have variables, else NULL; "select" is NULL where servers have no names.
 */
ngx_int_t ngx_ssl_session_sync_attach(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *conf, SSL_CTX *ssl_ctx,
    ngx_uint_t verify, ngx_array_t *variables,
    ngx_ssl_session_sync_select_pt select);

/*
 * Refuses a name-based server that synchronises on a listener whose default
 * server does not: OpenSSL would never call its hooks.
 */
ngx_int_t ngx_ssl_session_sync_check_listener(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *def,
    ngx_ssl_session_sync_srv_conf_t *conf, ngx_str_t *listen);

/* When all has been read: names become clusters, hooks are set. */
char *ngx_ssl_session_sync_resolve(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf);

/* private */

char *ngx_ssl_session_sync_secret_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_ssl_session_sync_auth_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* secure */

/* Makes cluster->tls if any server of the cluster has TLS. */
char *ngx_ssl_session_sync_secure(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);

/* Logs what is wrong with a cluster, where, and returns NGX_CONF_ERROR. */
char *ngx_ssl_session_sync_refuse(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster, const char *what);

/* zone */

/* Gives the cluster its zone, which has no size yet. */
ngx_int_t ngx_ssl_session_sync_zone_add(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Sets the size of the zone, when "retention" and "key_rotation" are known
 * and before nginx makes the zones.  NGX_ERROR, and a line in the log, if
 * the host's own keys would be too many.
 */
ngx_int_t ngx_ssl_session_sync_zone_size(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);

ngx_ssl_session_sync_counters_t *ngx_ssl_session_sync_counters(
    ngx_ssl_session_sync_cluster_t *cluster);
uint64_t ngx_ssl_session_sync_now(void);

/* A free seat, or that of a worker which is dead; NULL if all are taken. */
ngx_ssl_session_sync_seat_t *ngx_ssl_session_sync_sit_down(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * The key that encrypts now; one that is so new that other hosts may not have
 * it yet waits for a few polls if there is another.  NULL for an empty ring.
 */
const sss_key_t *ngx_ssl_session_sync_key(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_ring_t *ring,
    uint64_t now);

/*
 * Brings the private copy of the ring up to date and returns it.  Takes no
 * lock; costs a comparison where nothing has changed.
 */
sss_ring_t *ngx_ssl_session_sync_view(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Adds keys to the ring in the zone (NULL: none), or, with "replace", puts
 * them in the place of those that are there; forgets expired ones,
 * makes the current slot's key if there is none, and with "next" also the
 * next slot's from the middle of the current one on.  "cluster->scratch" is
 * needed.  NGX_ERROR only without randomness on an empty ring.
 */
ngx_int_t ngx_ssl_session_sync_zone_update(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_ring_t *ring,
    ngx_uint_t replace, ngx_uint_t next, ngx_log_t *log);

/* The same for who holds the zone's mutex. */
ngx_int_t ngx_ssl_session_sync_zone_change(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_ring_t *ring,
    ngx_uint_t replace, ngx_uint_t next, ngx_log_t *log);

/* group */

/* The generation of the cluster's keys that is in force on this host. */
uint32_t ngx_ssl_session_sync_generation(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * The zone is that of a configuration: the keys of lower generations than it
 * has are forgotten.
 */
void ngx_ssl_session_sync_group_raise(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);

/* A poll begins: cluster->group is what the zone has. */
void ngx_ssl_session_sync_group_begin(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * It has ended, with cluster->group and the keys in "ring": both become those
 * of the zone, but for what another worker has changed meanwhile, and for keys
 * of a lower generation.  NGX_ERROR: the zone has no key.
 */
ngx_int_t ngx_ssl_session_sync_group_end(
    ngx_ssl_session_sync_cluster_t *cluster, sss_ring_t *ring,
    sss_sync_report_t *report, ngx_log_t *log);

/* Says in the log what has changed, and what is wrong. */
void ngx_ssl_session_sync_group_log(
    ngx_ssl_session_sync_cluster_t *cluster, sss_sync_report_t *report,
    ngx_log_t *log);
void ngx_ssl_session_sync_group_complain(
    ngx_ssl_session_sync_cluster_t *cluster, sss_sync_report_t *report,
    ngx_log_t *log);

/* poll */

/* 1 if a complaint of this kind is due; it is not for a minute then. */
ngx_uint_t ngx_ssl_session_sync_complaint(
    ngx_ssl_session_sync_cluster_t *cluster,
    ngx_ssl_session_sync_complaint_t kind);

ngx_int_t ngx_ssl_session_sync_init_process(ngx_cycle_t *cycle);
void ngx_ssl_session_sync_exit_process(ngx_cycle_t *cycle);

/* hooks */

/* Fetches once for the process what the hooks need of OpenSSL. */
ngx_int_t ngx_ssl_session_sync_hooks_init(ngx_log_t *log);

/* Puts this module's hooks before nginx's. */
ngx_int_t ngx_ssl_session_sync_hooks_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log);

/* handshake */

/* The value of $ssl_session_sync for a connection; static, may be empty. */
void ngx_ssl_session_sync_outcome(ngx_connection_t *c, ngx_str_t *value);

/* early */

/* Adds the zone of a cluster for what this host has accepted. */
ngx_int_t ngx_ssl_session_sync_early_zone(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);

/* The value of $ssl_session_sync_early_data; static, may be empty. */
void ngx_ssl_session_sync_early_outcome(ngx_connection_t *c,
    ngx_str_t *value);

/* status */

/* The whole answer, from the pool: JSON, Prometheus text, or a page. */
ngx_buf_t *ngx_ssl_session_sync_status_json(ngx_pool_t *pool);
ngx_buf_t *ngx_ssl_session_sync_status_prometheus(ngx_pool_t *pool);
ngx_buf_t *ngx_ssl_session_sync_status_html(ngx_pool_t *pool);


extern ngx_module_t  ngx_ssl_session_sync_module;

/* The module's configuration of a cycle; NULL: it has none. */
#define ngx_ssl_session_sync_get_conf(cycle)                                  \
    ((ngx_ssl_session_sync_conf_t *)                                          \
         ngx_get_conf((cycle)->conf_ctx, ngx_ssl_session_sync_module))


#endif /* NGX_SSL_SESSION_SYNC_H_INCLUDED */
