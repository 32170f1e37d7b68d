
/*
 * The nginx side of the module: types and functions that its files share.
 * Each part below is a file, ngx_ssl_session_sync_PART.c.
 *
 *     cluster   the ssl_session_sync_cluster block
 *     private   reads secret_file and auth_file
 *     secure    TLS to memcached
 *     attach    which SSL_CTX belongs to which cluster
 *     zone      shared memory: the key ring, counters, reports
 *     client    a worker's connections to memcached
 *     group     the group of this host, and the generation of its keys
 *     poll      start and end of a worker, its timers, the speaker
 *     snapshot, counters                 the numbers of the status page
 *     json, prometheus, html             and its formats
 *
 * These parts have headers of their own:
 *
 *     trust, scope, identity, revocation   whether a session may resume
 *     handshake                            the state of a handshake
 *     early                                early data, accepted once at most
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


/*
 * Counters in shared memory.  ngx_ssl_session_sync_counters.c says what each
 * of them means.
 */

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

    /* IDs that were refused before any lookup, and what else went wrong */
    ngx_atomic_t              forged;
    ngx_atomic_t              refused_id;
    ngx_atomic_t              bad_sessions;
    ngx_atomic_t              timeouts;

    /* sums over the engines of the workers, see sss_engine_stats_t */
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
 * The present state of a worker's engine.  A common counter, which workers
 * raise and lower, would stay wrong after a worker was killed.  So each worker
 * has a seat with its pid, and a seat is ignored when there is no such
 * process.  Seats cannot go by worker number, since during a reload a worker
 * of the old configuration and one of the new have the same number.
 */

typedef struct {
    ngx_atomic_t              pid;          /* of the worker; 0: free      */
    ngx_atomic_t              waiting;      /* lookups under way           */
    ngx_atomic_t              open;         /* 1: the breaker is open      */
} ngx_ssl_session_sync_seat_t;


/* for the workers of two configurations; more workers are not shown */

#define NGX_SSL_SESSION_SYNC_SEATS     64


/* The shared memory zone of a cluster. */

typedef struct {
    ngx_atomic_t              speaker;      /* pid of the worker that polls
                                               the keys; 0: none           */
    ngx_atomic_t              heartbeat;    /* ngx_current_msec when the
                                               speaker was last active     */
    ngx_atomic_t              cycles;       /* configurations so far       */
    ngx_atomic_t              spoken;       /* number of the speaker's
                                               configuration               */
    ngx_atomic_t              synced;       /* 1: the first poll has ended */
    ngx_atomic_t              used;         /* 1: a handshake has used a
                                               key                         */
    u_char                    host[8];      /* random number of this host  */

    /* protected by the zone's mutex */
    uint32_t                  servers;      /* hash of the server list     */
    sss_sync_report_t         report;       /* of the last poll            */
    sss_group_t               group;        /* its generation is also read
                                               without the mutex           */
    ngx_atomic_uint_t         turns;        /* changes of the group so far */

    /* by worker number, so that workers do not share cache lines */
    ngx_ssl_session_sync_counters_t
                              counters[NGX_SSL_SESSION_SYNC_COUNTERS];
    ngx_ssl_session_sync_seat_t
                              seats[NGX_SSL_SESSION_SYNC_SEATS];

    sss_board_t               board;        /* last: two rings follow      */
} ngx_ssl_session_sync_shm_t;


/*
 * A cluster: the ssl_session_sync_cluster block, and what a worker has for it.
 */

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
    ngx_str_t                 text;         /* address as configured       */
    ngx_uint_t                weight;
    unsigned                  secure:1;     /* "ssl"                       */
} ngx_ssl_session_sync_server_t;


typedef struct {
    ngx_str_t                 name;
    ngx_str_t                 ns;           /* namespace                   */
    u_char                   *file;         /* where the block begins      */
    ngx_uint_t                line;

    ngx_array_t               servers;      /* ngx_ssl_session_sync_server_t */
    sss_address_t            *addresses;    /* theirs, in the same order   */
    ngx_str_t                 secret_file;
    sss_secrets_t            *secrets;      /* NULL without memcached      */
    sss_auth_t               *auth;         /* NULL: no password           */
    sss_tls_t                *tls;          /* NULL: no server has TLS     */
    ngx_str_t                 trusted;      /* ssl_trusted_certificate     */
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
    ngx_uint_t                ids;          /* how many of these have sessions
                                               by ID                       */
    ngx_uint_t                early;        /* 1: "once" for early data    */

    ngx_shm_zone_t           *zone;
    ngx_slab_pool_t          *shpool;
    ngx_atomic_uint_t         cycle;        /* number of the configuration */
    ngx_ssl_session_sync_shm_t
                             *sh;

    ngx_shm_zone_t           *early_zone;
    ngx_ssl_session_sync_early_shm_t
                             *early_sh;

    /* private to the process; the rings are secret memory */
    sss_ring_t               *view;         /* copy of the zone's ring     */
    sss_ring_t               *spare;        /* into which it is read       */
    sss_ring_t               *scratch;      /* in which it is changed      */
    sss_group_t              *group;        /* group in the poll under way */
    ngx_atomic_uint_t         turn;         /* sh->turns when that began   */
    uint64_t                  version;      /* of "view"                   */

    ngx_event_t               tick;         /* timer of poll_interval      */
    ngx_event_t               again;        /* timer for a poll before the
                                               next tick                   */
    uint64_t                  again_us;     /* when that poll is wanted, of
                                               sss_request_clock(); 0: none
                                               is                          */
    ngx_ssl_session_sync_lookups_t
                             *lookups;      /* NULL: no sessions by ID     */
    ngx_ssl_session_sync_client_t
                             *client;       /* NULL: none is needed        */
    ngx_ssl_session_sync_early_worker_t
                             *early_worker; /* NULL: nothing is claimed    */
    sss_sync_t               *poll;         /* the speaker's, else NULL    */
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
 * Returns the SSL_CTX of the server that nginx will choose for the server name
 * on this connection, or NULL if nginx stays with the default server.
 */
typedef SSL_CTX *(*ngx_ssl_session_sync_select_pt)(ngx_connection_t *c,
    ngx_str_t *name);

/* OpenSSL's info callback. */
typedef void (*ngx_ssl_session_sync_info_pt)(const SSL *ssl, int where,
    int ret);

/* The module's data of an SSL_CTX that is attached to a cluster. */

struct ngx_ssl_session_sync_ctx_s {
    SSL_CTX                  *ssl_ctx;
    ngx_ssl_session_sync_conf_t
                             *conf;
    ngx_ssl_session_sync_wish_t
                             *wish;
    ngx_ssl_session_sync_cluster_t
                             *cluster;
    ngx_ssl_session_sync_select_pt
                              select;       /* NULL: servers have no names */
    ngx_ssl_session_sync_trust_t
                              trust;

    /* nginx's callbacks, which this module's call */
    ngx_ssl_session_sync_info_pt
                              info;
    int                     (*new_session)(SSL *ssl, SSL_SESSION *session);
    SSL_SESSION            *(*get_session)(SSL *ssl, const u_char *id,
                                           int len, int *copy);
    void                    (*remove_session)(SSL_CTX *ssl_ctx,
                                              SSL_SESSION *session);
    unsigned                  early:2;      /* NGX_SSL_SESSION_SYNC_EARLY_ */
    unsigned                  ids:1;        /* it has sessions by ID       */
    unsigned                  builtin:1;    /* it also has OpenSSL's own cache
                                               ("builtin")                 */
};


/* The configuration of the module; the arrays have pointers. */

struct ngx_ssl_session_sync_conf_s {
    ngx_array_t               clusters;     /* ..._cluster_t *             */
    ngx_array_t               wishes;       /* ..._wish_t *                */
    ngx_array_t               contexts;     /* ..._ctx_t *                 */
    unsigned                  any:1;        /* what it means has been said */
};


/* The configuration of a server{} in http, stream or mail. */

typedef struct {
    ngx_ssl_session_sync_wish_t
                             *wish;         /* NULL: no directive          */
    ngx_str_t                 scope;        /* ssl_session_sync_scope      */
    ngx_uint_t                early;        /* NGX_SSL_SESSION_SYNC_EARLY_ */
    u_char                   *early_file;   /* where that directive is; NULL:
                                               not in this server{}        */
    ngx_uint_t                early_line;
    ngx_ssl_session_sync_ctx_t
                             *sync;         /* NULL: not attached          */
    unsigned                  listen:1;     /* it is on a TLS listener     */
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
 * The handlers of the directives ssl_session_sync, ssl_session_sync_scope and
 * ssl_session_sync_early_data.  For the first, cmd->post is
 * NGX_SSL_SESSION_SYNC_HTTP, _STREAM or _MAIL.  For the first and the last,
 * cmd->offset is the type of the block around the servers, such as
 * NGX_HTTP_MAIN_CONF.
 */
char *ngx_ssl_session_sync_set(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_ssl_session_sync_set_scope(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_ssl_session_sync_set_early(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * Attaches a server's SSL_CTX to the cluster that its ssl_session_sync names;
 * does nothing without that directive, or for "off".  The cluster is looked up
 * by ngx_ssl_session_sync_resolve().  "verify" is the ssl_verify_client mode,
 * "variables" the values of ssl_certificate if any has variables, else NULL;
 * "select" is NULL if servers have no names.  Returns NGX_ERROR without
 * memory.
 */
ngx_int_t ngx_ssl_session_sync_attach(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *conf, SSL_CTX *ssl_ctx,
    ngx_uint_t verify, ngx_array_t *variables,
    ngx_ssl_session_sync_select_pt select);

/*
 * Returns NGX_ERROR, and logs why, for a server that is attached and is on a
 * listener whose default server ("def") is not.  OpenSSL uses the callbacks of
 * the default server's SSL_CTX, so those of this server would never be called.
 */
ngx_int_t ngx_ssl_session_sync_check_listener(ngx_conf_t *cf,
    ngx_ssl_session_sync_srv_conf_t *def,
    ngx_ssl_session_sync_srv_conf_t *conf, ngx_str_t *listen);

/*
 * Called when the whole configuration has been read: looks up the clusters by
 * the names that servers have given, and sets OpenSSL's callbacks.
 */
char *ngx_ssl_session_sync_resolve(ngx_cycle_t *cycle,
    ngx_ssl_session_sync_conf_t *conf);

/* private: the handlers of the directives secret_file and auth_file */

char *ngx_ssl_session_sync_secret_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_ssl_session_sync_auth_file(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* secure */

/*
 * Creates cluster->tls and reads its files, if any server of the cluster has
 * "ssl".  Returns NGX_CONF_ERROR, and logs why, if that fails.
 */
char *ngx_ssl_session_sync_secure(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Logs "what" is wrong with a cluster, and where its block is.  Returns
 * NGX_CONF_ERROR.
 */
char *ngx_ssl_session_sync_refuse(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster, const char *what);

/* zone */

/* Adds the zone of a cluster, whose size is not known yet. */
ngx_int_t ngx_ssl_session_sync_zone_add(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Sets the size of the zone.  Called when "retention" and "key_rotation" are
 * known, and before nginx allocates zones.  Returns NGX_ERROR, and logs why,
 * if a host alone would have more keys than fit into a ring.
 */
ngx_int_t ngx_ssl_session_sync_zone_size(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);

/* The counters of this worker. */
ngx_ssl_session_sync_counters_t *ngx_ssl_session_sync_counters(
    ngx_ssl_session_sync_cluster_t *cluster);

/* The time in milliseconds since the epoch. */
uint64_t ngx_ssl_session_sync_now(void);

/*
 * Takes a free seat, or one of a process that is dead.  Returns NULL if all
 * are taken.
 */
ngx_ssl_session_sync_seat_t *ngx_ssl_session_sync_sit_down(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * The key that encrypts at "now", milliseconds since the epoch; NULL for an
 * empty ring.  A key that other hosts may not have yet is avoided for a few
 * polls if there is another one, see sss_ring_settled().
 */
const sss_key_t *ngx_ssl_session_sync_key(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_ring_t *ring,
    uint64_t now);

/*
 * Returns the worker's private copy of the ring, after bringing it up to date.
 * Takes no lock, and only compares the version if nothing has changed.
 */
sss_ring_t *ngx_ssl_session_sync_view(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Changes the ring in the zone: adds the keys of "ring" (NULL: none), or
 * replaces all keys by them if "replace" is set; removes keys that have
 * expired; makes a key for the current slot if there is none, and, if "next"
 * is set, from the middle of the slot on also one for the next slot.  Needs
 * cluster->scratch.  Returns NGX_ERROR only if the ring is empty and OpenSSL
 * has no random bytes for a key.
 */
ngx_int_t ngx_ssl_session_sync_zone_update(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_ring_t *ring,
    ngx_uint_t replace, ngx_uint_t next, ngx_log_t *log);

/* The same, for a caller that holds the zone's mutex. */
ngx_int_t ngx_ssl_session_sync_zone_change(
    ngx_ssl_session_sync_cluster_t *cluster, const sss_ring_t *ring,
    ngx_uint_t replace, ngx_uint_t next, ngx_log_t *log);

/* group */

/* The generation of keys that this host uses; takes no lock. */
uint32_t ngx_ssl_session_sync_generation(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Called when a configuration takes over the zone: if its "generation" is
 * higher than that of the zone, all keys are wiped and the host leaves its
 * group.
 */
void ngx_ssl_session_sync_group_raise(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);

/* Copies the group of the zone to cluster->group, at the begin of a poll. */
void ngx_ssl_session_sync_group_begin(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Writes the result of a poll, cluster->group and the keys in "ring", to the
 * zone.  The group is not written if another worker has changed it meanwhile,
 * and nothing is if the zone has a higher generation by now.  Returns
 * NGX_ERROR if the zone has no key.
 */
ngx_int_t ngx_ssl_session_sync_group_end(
    ngx_ssl_session_sync_cluster_t *cluster, sss_ring_t *ring,
    sss_sync_report_t *report, ngx_log_t *log);

/*
 * Log what a poll has changed about the group, and what is wrong with it.  The
 * second returns 1 if it has logged anything.
 */
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

/* Fetches what the callbacks need of OpenSSL, once for the process. */
ngx_int_t ngx_ssl_session_sync_hooks_init(ngx_log_t *log);

/*
 * Sets this module's callbacks on an SSL_CTX; they call those of nginx, which
 * were set before.
 */
ngx_int_t ngx_ssl_session_sync_hooks_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log);

/* handshake */

/*
 * Gets the value of $ssl_session_sync for a connection: a static string, which
 * may be empty.
 */
void ngx_ssl_session_sync_outcome(ngx_connection_t *c, ngx_str_t *value);

/* early */

/* Adds the zone of a cluster for what this host has accepted. */
ngx_int_t ngx_ssl_session_sync_early_zone(ngx_conf_t *cf,
    ngx_ssl_session_sync_cluster_t *cluster);

/* The value of $ssl_session_sync_early_data; static, may be empty. */
void ngx_ssl_session_sync_early_outcome(ngx_connection_t *c,
    ngx_str_t *value);

/* status */

/*
 * The status in three formats: a buffer from the pool with the whole body, or
 * NULL without memory.
 */
ngx_buf_t *ngx_ssl_session_sync_status_json(ngx_pool_t *pool);
ngx_buf_t *ngx_ssl_session_sync_status_prometheus(ngx_pool_t *pool);
ngx_buf_t *ngx_ssl_session_sync_status_html(ngx_pool_t *pool);


extern ngx_module_t  ngx_ssl_session_sync_module;

/* The module's configuration in a cycle; NULL if it has none. */
#define ngx_ssl_session_sync_get_conf(cycle)                                  \
    ((ngx_ssl_session_sync_conf_t *)                                          \
         ngx_get_conf((cycle)->conf_ctx, ngx_ssl_session_sync_module))


#endif /* NGX_SSL_SESSION_SYNC_H_INCLUDED */
