
/*
 * Early data at most once: what its files share.
 *
 *     early     what is known of the early data that a handshake offers
 *     claim     a flight is claimed in memcached, and what the answer means
 *     lay       the logs that claims need are laid in time
 *     badge     which server wears which badge
 *     once      what this host has accepted; what it knows of the servers
 */


#ifndef NGX_SSL_SESSION_SYNC_EARLY_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_EARLY_H_INCLUDED


#include "ngx_ssl_session_sync_lookup.h"
#include "sss_claim.h"
#include "sss_once.h"
#include "sss_request.h"
#include "sss_ticket.h"


typedef enum {
    NGX_SSL_SESSION_SYNC_EARLY_OFFERED = 0, /* refused by TLS, or not wanted */
    NGX_SSL_SESSION_SYNC_EARLY_HERE,        /* this host alone decides     */
    NGX_SSL_SESSION_SYNC_EARLY_SINGLE,      /* if the session is memcached's,
                                               which has it only once      */
    NGX_SSL_SESSION_SYNC_EARLY_CLAIMED,     /* first of all hosts          */
    NGX_SSL_SESSION_SYNC_EARLY_REPLAY,
    NGX_SSL_SESSION_SYNC_EARLY_UNSURE,
    NGX_SSL_SESSION_SYNC_EARLY_ACCEPTED
} ngx_ssl_session_sync_early_e;


/* Of a handshake that offers early data; in the pool of the connection. */

struct ngx_ssl_session_sync_early_s {
    ngx_ssl_session_sync_early_e    state;
    ngx_ssl_session_sync_ctx_t     *sync;       /* whose rule it was       */
    sss_claim_t                     claim;
    ngx_uint_t                      place;      /* of the server asked     */
    uint64_t                        asked;      /* sss_request_clock()     */
    int64_t                         offset;     /* of the clock of the host
                                                   from that one, us       */
    u_char                          hash[SSS_ONCE_HASH];
    unsigned                        counted:1;
};


/* What all workers of a host share. */

struct ngx_ssl_session_sync_early_shm_s {
    u_char                          secret[32]; /* of the hashes here      */
    ngx_atomic_t                    lost;       /* 1: logs are to be laid  */
    sss_once_t                     *once;       /* under the zone's mutex;
                                                   NULL: nobody needed it  */
};


/* What a worker has. */

struct ngx_ssl_session_sync_early_worker_s {
    sss_ticket_t                   *opener;
    ngx_event_t                     timer;
    ngx_msec_t                      mended;
    ngx_uint_t                      turn;       /* of the servers to name  */
    uint64_t                        badges[SSS_SERVERS_MAX];    /* 0: none */
    ngx_uint_t                      looked[SSS_SERVERS_MAX];    /* ticks   */
    unsigned                        looked_epoch[SSS_SERVERS_MAX];
    ngx_ssl_session_sync_wait_t     looks[SSS_SERVERS_MAX];
    uint64_t                        laid[SSS_SERVERS_MAX];  /* last slot   */
    unsigned                        epochs[SSS_SERVERS_MAX];
};


/* early */

/*
 * A ClientHello offers early data: decides what is to be done about it.
 * NGX_AGAIN if the answer to a claim is to be waited for: "wait->handler" is
 * called.
 */
ngx_int_t ngx_ssl_session_sync_early_offer(SSL *ssl,
    const sss_hello_early_t *offer, ngx_ssl_session_sync_wait_t *wait);

/* OpenSSL would accept early data: may it? */
int ngx_ssl_session_sync_early_allow(SSL *ssl, void *data);

/*
 * Counts what became of it, once: when it has been decided, as who only sends
 * a flight again never comes to the end of a handshake, or else there.
 */
void ngx_ssl_session_sync_early_count(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_counters_t *counters);

/* How far the clock of the host is ahead of sss_request_clock(), in us. */
int64_t ngx_ssl_session_sync_early_offset(void);

/* claim */

/* NGX_AGAIN, or NGX_DECLINED: it is not claimed, which has been counted. */
ngx_int_t ngx_ssl_session_sync_early_claim(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer,
    ngx_ssl_session_sync_wait_t *wait);

/* What the answer to a claim means, when it is there or its time is up. */
void ngx_ssl_session_sync_early_answer(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_wait_t *wait);

/* lay */

/* What a worker of a cluster with memcached needs for claims. */
ngx_int_t ngx_ssl_session_sync_early_start(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
void ngx_ssl_session_sync_early_stop(
    ngx_ssl_session_sync_cluster_t *cluster);

/* badge */

/* Looks at the badges of all servers that may have others than before. */
void ngx_ssl_session_sync_badge_tick(ngx_ssl_session_sync_cluster_t *cluster);
void ngx_ssl_session_sync_badge_stop(ngx_ssl_session_sync_cluster_t *cluster);

/* What a server that was asked wears now. */
void ngx_ssl_session_sync_badge_seen(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place, const sss_claim_reply_t *reply);

/* Gives a server one, if it has none. */
void ngx_ssl_session_sync_badge_give(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place);

/* The place of a server that wears a badge; SSS_SERVERS_MAX: there is none. */
ngx_uint_t ngx_ssl_session_sync_badge_find(
    ngx_ssl_session_sync_cluster_t *cluster, uint64_t badge);

/*
 * The badge of the server where flights of the session that is issued now are
 * to be claimed: of all usable ones in turn.  0: they cannot be.
 */
uint64_t ngx_ssl_session_sync_early_badge(SSL *ssl,
    ngx_ssl_session_sync_cluster_t *cluster);

/* once */

/* The hash under which this host knows a flight, SSS_ONCE_HASH bytes. */
void ngx_ssl_session_sync_early_hash(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_hello_early_t *offer, u_char *hash);

/* Whether this host accepts a flight for the first time. */
sss_once_rc_t ngx_ssl_session_sync_early_once(
    ngx_ssl_session_sync_cluster_t *cluster, const u_char *hash,
    uint64_t now, uint64_t until);


#endif /* NGX_SSL_SESSION_SYNC_EARLY_H_INCLUDED */
