
/*
 * Sessions that are known by an ID: what its files share.
 *
 *     lookup    who waits for what
 *     hold      the filter BIO that keeps a ClientHello until the answer
 *     local     the caches of this host
 *     id        IDs of the cluster
 *     session   OpenSSL's hooks for Session IDs
 */


#ifndef NGX_SSL_SESSION_SYNC_LOOKUP_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_LOOKUP_H_INCLUDED


#include "ngx_ssl_session_sync_client.h"
#include "ngx_ssl_session_sync_handshake.h"
#include "sss_seen.h"


typedef struct ngx_ssl_session_sync_wait_s  ngx_ssl_session_sync_wait_t;

/* Called once for a lookup that was not cancelled. */
typedef void (*ngx_ssl_session_sync_wait_pt)(
    ngx_ssl_session_sync_wait_t *wait);

/* One lookup under way; the caller's memory. */

struct ngx_ssl_session_sync_wait_s {
    ngx_queue_t                     queue;      /* by deadline */
    ngx_msec_t                      deadline;
    sss_request_t                  *lookup;
    ngx_ssl_session_sync_cluster_t *cluster;
    ngx_ssl_session_sync_wait_pt    handler;
    void                           *data;
    unsigned                        active:1;

    /* the result */
    ngx_connection_t               *connection; /* of a claim */
    sss_claim_reply_t               reply;      /* likewise */
    sss_engine_rc_t                 rc;
    u_char                         *value;      /* malloc()ed, the caller's */
    size_t                          len;
};


/* What a worker holds for the sessions of one cluster. */

struct ngx_ssl_session_sync_lookups_s {
    sss_session_keys_t             *keys;
    sss_seen_t                      seen;       /* sessions from memcached */
    ngx_event_t                     late;       /* the first wait is over */
    ngx_queue_t                     waits;
    sss_engine_stats_t              told;       /* already in the zone */
    ngx_ssl_session_sync_seat_t    *seat;
};


/* lookup */

/*
 * Starts what a worker needs for the sessions of a cluster with memcached, its
 * client included, unless there is one.  Without it (NGX_DECLINED: no memory
 * or descriptors, said in the log) sessions stay on their host.
 */
ngx_int_t ngx_ssl_session_sync_lookups_start(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
void ngx_ssl_session_sync_lookups_stop(
    ngx_ssl_session_sync_cluster_t *cluster);

/* Brings the numbers of the engine into the zone; forgets derived keys. */
void ngx_ssl_session_sync_lookups_tick(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Looks a record up.  NGX_AGAIN: "wait->handler" is called later, at the
 * latest after lookup_timeout, unless it is cancelled; anything else: nobody
 * needs to wait.
 */
ngx_int_t ngx_ssl_session_sync_lookup(ngx_ssl_session_sync_wait_t *wait,
    const char *name, ngx_uint_t take);
void ngx_ssl_session_sync_cancel(ngx_ssl_session_sync_wait_t *wait);

/* Claims from the server in this place, likewise. */
ngx_int_t ngx_ssl_session_sync_claim(ngx_ssl_session_sync_wait_t *wait,
    ngx_uint_t place, const sss_claim_t *claim);

/* Stores a copy of a record, and removes one; nobody waits for either. */
void ngx_ssl_session_sync_put(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name, const u_char *value, size_t len, uint32_t ttl);
void ngx_ssl_session_sync_drop(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name);


/* hold */

ngx_int_t ngx_ssl_session_sync_hold_init(ngx_log_t *log);

/*
 * At the beginning of a handshake: puts the filter before the socket.
 * NGX_DECLINED: it cannot be there, or has been.
 */
ngx_int_t ngx_ssl_session_sync_hold_push(SSL *ssl);

/* Takes the filter out if it has no more to do.  NGX_AGAIN: it stays. */
ngx_int_t ngx_ssl_session_sync_hold_pop(SSL *ssl);


/* local */

/*
 * A session of the caches of this host, OpenSSL's or nginx's: the caller's
 * reference, or NULL.
 */
SSL_SESSION *ngx_ssl_session_sync_get_local(SSL *ssl, const u_char *id,
    size_t len);


/* id */

/*
 * NGX_OK if the session that a ClientHello offers is this cluster's and only
 * memcached can have it, or must be asked because it is "*single" use; its
 * record's key is in "name" then, SSS_NAME_SIZE bytes.
 */
ngx_int_t ngx_ssl_session_sync_wanted(SSL *ssl,
    const sss_hello_offer_t *offer, char *name, ngx_uint_t *single);

/* The options by which OpenSSL takes what a ClientHello offers. */
uint64_t ngx_ssl_session_sync_options(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs);

/*
 * Mints an ID of "len" bytes for the session of a handshake.  NGX_DECLINED: it
 * cannot be one of the cluster.
 */
ngx_int_t ngx_ssl_session_sync_mint(SSL *ssl, u_char *id, unsigned int len);

/*
 * Was the ID minted by the cluster of the server selected, for its scope and
 * the server name?  The STEK it was minted under, or NULL; counted if not.
 */
const sss_key_t *ngx_ssl_session_sync_judge(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);

/* Whether this is the ID that was judged, or minted, last. */
ngx_uint_t ngx_ssl_session_sync_is_judged(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);

/* Its STEK.  NULL: it was refused, or the STEK has been forgotten since. */
const sss_key_t *ngx_ssl_session_sync_judged_key(
    ngx_ssl_session_sync_handshake_t *hs);

/*
 * Whether sessions of this handshake go by an ID: 0 or 1.  With tickets, a
 * session of TLS 1.3 is in the ticket and needs none.
 */
ngx_uint_t ngx_ssl_session_sync_by_id(SSL *ssl);


/* session */

ngx_int_t ngx_ssl_session_sync_session_attach(
    ngx_ssl_session_sync_ctx_t *sync, ngx_log_t *log);

#endif /* NGX_SSL_SESSION_SYNC_LOOKUP_H_INCLUDED */
