
/*
 * Early data, accepted at most once: types and functions that these files
 * share.
 *
 *     early     decides about the early data that a handshake offers
 *     claim     claims a flight in memcached, and evaluates the answer
 *     lay       makes the logs that claims need, in time
 *     badge     knows the badges of the memcached servers
 *     once      remembers the flights that this host has accepted
 *
 * See sss_claim.h for flights, claims, logs and badges.
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


/*
 * The state of a handshake that offers early data; in the connection's pool.
 */

struct ngx_ssl_session_sync_early_s {
    ngx_ssl_session_sync_early_e    state;
    ngx_ssl_session_sync_ctx_t     *sync;       /* the server whose rule was
                                                   applied                 */
    sss_claim_t                     claim;
    ngx_uint_t                      place;      /* of the memcached server */
    uint64_t                        asked;      /* when it was claimed, of
                                                   sss_request_clock()     */
    int64_t                         offset;     /* of the host's clock from
                                                   that one, us            */
    u_char                          hash[SSS_ONCE_HASH];
    unsigned                        counted:1;
};


/* Shared memory of all workers of a host. */

struct ngx_ssl_session_sync_early_shm_s {
    u_char                          secret[32]; /* key of hashes in "once" */
    ngx_atomic_t                    lost;       /* 1: a log was missing, and
                                                   logs are to be made     */
    sss_once_t                     *once;       /* protected by the zone's
                                                   mutex; NULL: not needed
                                                   so far                  */
};


/* The state of a worker. */

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
 * Decides about the early data that a ClientHello offers.  Returns NGX_AGAIN
 * if the handshake has to wait for the answer to a claim; wait->handler is
 * called then.
 */
ngx_int_t ngx_ssl_session_sync_early_offer(SSL *ssl,
    const sss_hello_early_t *offer, ngx_ssl_session_sync_wait_t *wait);

/*
 * OpenSSL's callback (SSL_CTX_set_allow_early_data_cb()) that may still refuse
 * early data: returns 1 to accept it, else 0.
 */
int ngx_ssl_session_sync_early_allow(SSL *ssl, void *data);

/*
 * To be called before OpenSSL writes a ticket: where "once" would refuse all
 * early data, as nothing is held there (QUIC), tickets do not allow it.  Not
 * every client copes with a refusal.
 */
void ngx_ssl_session_sync_early_allowance(SSL *ssl,
    ngx_ssl_session_sync_ctx_t *sync);

/*
 * Counts what became of the early data, once: as soon as that is decided,
 * since a replayed flight never leads to a complete handshake; else at the end
 * of the handshake.
 */
void ngx_ssl_session_sync_early_count(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_counters_t *counters);

/* The host's clock minus sss_request_clock(), in microseconds. */
int64_t ngx_ssl_session_sync_early_offset(void);

/* claim */

/*
 * Claims a flight.  Returns NGX_AGAIN, or NGX_DECLINED if it cannot be
 * claimed, after counting that.
 */
ngx_int_t ngx_ssl_session_sync_early_claim(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_hello_early_t *offer,
    ngx_ssl_session_sync_wait_t *wait);

/* Evaluates the answer to a claim, or that there was none in time. */
void ngx_ssl_session_sync_early_answer(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_wait_t *wait);

/* lay */

/*
 * Start and stop what a worker needs for claims in a cluster with memcached.
 */
ngx_int_t ngx_ssl_session_sync_early_start(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
void ngx_ssl_session_sync_early_stop(
    ngx_ssl_session_sync_cluster_t *cluster);

/* badge */

/* Reads the badges of the servers that may have changed. */
void ngx_ssl_session_sync_badge_tick(ngx_ssl_session_sync_cluster_t *cluster);
void ngx_ssl_session_sync_badge_stop(ngx_ssl_session_sync_cluster_t *cluster);

/* Takes note of the badge in the answer of a server. */
void ngx_ssl_session_sync_badge_seen(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place, const sss_claim_reply_t *reply);

/* Gives a server a badge if it has none. */
void ngx_ssl_session_sync_badge_give(ngx_ssl_session_sync_cluster_t *cluster,
    ngx_uint_t place);

/*
 * The place of the server with this badge; SSS_SERVERS_MAX if there is none.
 */
ngx_uint_t ngx_ssl_session_sync_badge_find(
    ngx_ssl_session_sync_cluster_t *cluster, uint64_t badge);

/*
 * The badge of the server on which flights of the session that is being issued
 * are to be claimed; usable servers take turns.  0 if there is none.
 */
uint64_t ngx_ssl_session_sync_early_badge(SSL *ssl,
    ngx_ssl_session_sync_cluster_t *cluster);

/* once */

/* Computes the hash of a flight for "once", SSS_ONCE_HASH bytes. */
void ngx_ssl_session_sync_early_hash(ngx_ssl_session_sync_cluster_t *cluster,
    const sss_hello_early_t *offer, u_char *hash);

/* Adds a flight to those that this host has accepted, see sss_once_take(). */
sss_once_rc_t ngx_ssl_session_sync_early_once(
    ngx_ssl_session_sync_cluster_t *cluster, const u_char *hash,
    uint64_t now, uint64_t until);


#endif /* NGX_SSL_SESSION_SYNC_EARLY_H_INCLUDED */
