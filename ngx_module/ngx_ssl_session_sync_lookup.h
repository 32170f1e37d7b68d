
/*
 * Sessions by ID: types and functions that these files share.
 *
 *     lookup    lookups in memcached, and who waits for them
 *     hold      the filter BIO that holds a ClientHello back until the answer
 *     local     the session caches of this host
 *     id        making and checking of the cluster's IDs
 *     session   OpenSSL's session callbacks
 */


#ifndef NGX_SSL_SESSION_SYNC_LOOKUP_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_LOOKUP_H_INCLUDED


#include "ngx_ssl_session_sync_client.h"
#include "ngx_ssl_session_sync_handshake.h"
#include "sss_seen.h"


typedef struct ngx_ssl_session_sync_wait_s  ngx_ssl_session_sync_wait_t;

/* Called once with the result of a lookup, unless it was cancelled. */
typedef void (*ngx_ssl_session_sync_wait_pt)(
    ngx_ssl_session_sync_wait_t *wait);

/*
 * A lookup, or a claim, under way.  The caller owns this memory, and sets
 * "cluster", "handler" and "data".
 */

struct ngx_ssl_session_sync_wait_s {
    ngx_queue_t                     queue;      /* sorted by deadline      */
    ngx_msec_t                      deadline;   /* of ngx_current_msec     */
    sss_request_t                  *lookup;     /* the engine's            */
    ngx_ssl_session_sync_cluster_t *cluster;
    ngx_ssl_session_sync_wait_pt    handler;
    void                           *data;
    unsigned                        active:1;   /* under way               */

    /* the result */
    ngx_connection_t               *connection; /* of a claim */
    sss_claim_reply_t               reply;      /* likewise */
    sss_engine_rc_t                 rc;
    u_char                         *value;      /* malloc()ed, the caller frees
                                                   it; NULL without a hit  */
    size_t                          len;
};


/* What a worker has for the sessions of one cluster. */

struct ngx_ssl_session_sync_lookups_s {
    sss_session_keys_t             *keys;
    sss_seen_t                      seen;       /* sessions that came from
                                                   memcached               */
    ngx_event_t                     late;       /* timer of the deadlines  */
    ngx_queue_t                     waits;      /* lookups under way       */
    sss_engine_stats_t              told;       /* numbers of the engine that
                                                   are in the zone already */
    ngx_ssl_session_sync_seat_t    *seat;       /* NULL: there was none free */
};


/* lookup */

/*
 * Creates cluster->lookups and, unless there is one, cluster->client.  Returns
 * NGX_DECLINED without memory or descriptors, and logs it; sessions by ID then
 * resume only on the host that made them.
 */
ngx_int_t ngx_ssl_session_sync_lookups_start(
    ngx_ssl_session_sync_cluster_t *cluster, ngx_log_t *log);
void ngx_ssl_session_sync_lookups_stop(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Called at each tick: adds the engine's numbers to the counters in the zone,
 * and wipes keys that are derived from STEKs which have left the ring.
 */
void ngx_ssl_session_sync_lookups_tick(
    ngx_ssl_session_sync_cluster_t *cluster);

/*
 * Looks up the record "name", and removes it if "take" is set.  Returns
 * NGX_AGAIN if wait->handler will be called, after lookup_timeout at the
 * latest, unless the lookup is cancelled.  Any other result means that the
 * lookup has failed at once.
 */
ngx_int_t ngx_ssl_session_sync_lookup(ngx_ssl_session_sync_wait_t *wait,
    const char *name, ngx_uint_t take);
void ngx_ssl_session_sync_cancel(ngx_ssl_session_sync_wait_t *wait);

/* Claims from the server in this place, likewise. */
ngx_int_t ngx_ssl_session_sync_claim(ngx_ssl_session_sync_wait_t *wait,
    ngx_uint_t place, const sss_claim_t *claim);

/*
 * Store a copy of a record for "ttl" seconds, and remove a record.  Neither
 * has a result.
 */
void ngx_ssl_session_sync_put(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name, const u_char *value, size_t len, uint32_t ttl);
void ngx_ssl_session_sync_drop(ngx_ssl_session_sync_cluster_t *cluster,
    const char *name);


/* hold */

/* Creates the BIO's method, once for the process. */
ngx_int_t ngx_ssl_session_sync_hold_init(ngx_log_t *log);

/*
 * Puts the filter between OpenSSL and the socket, at the beginning of a
 * handshake.  Returns NGX_DECLINED if there can be no filter on this
 * connection, or if it has had one.
 */
ngx_int_t ngx_ssl_session_sync_hold_push(SSL *ssl);

/*
 * Removes the filter if OpenSSL has read all of its bytes.  Returns NGX_AGAIN
 * if it stays for the moment.
 */
ngx_int_t ngx_ssl_session_sync_hold_pop(SSL *ssl);


/* local */

/*
 * Returns a session from the caches of this host, OpenSSL's own or nginx's,
 * with a reference for the caller, or NULL.
 */
SSL_SESSION *ngx_ssl_session_sync_get_local(SSL *ssl, const u_char *id,
    size_t len);


/* id */

/*
 * Returns NGX_OK if memcached is to be asked for the session that a
 * ClientHello offers: if its ID is one of this cluster, and the session is not
 * in a cache of this host or may be used only once ("*single" becomes 1 then).
 * "name" gets the key of its record, SSS_NAME_SIZE bytes.
 */
ngx_int_t ngx_ssl_session_sync_wanted(SSL *ssl,
    const sss_hello_offer_t *offer, char *name, ngx_uint_t *single);

/* The options by which OpenSSL takes what a ClientHello offers. */
uint64_t ngx_ssl_session_sync_options(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs);

/*
 * Makes an ID of the cluster, "len" bytes, for the session of a handshake.
 * Returns NGX_DECLINED if the session cannot have one.
 */
ngx_int_t ngx_ssl_session_sync_mint(SSL *ssl, u_char *id, unsigned int len);

/*
 * Checks whether an ID was made by the cluster of the selected server, for its
 * scope and the server name.  Returns the STEK under which it was made, or
 * NULL if the ID is refused, which is counted.
 */
const sss_key_t *ngx_ssl_session_sync_judge(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);

/* 1 if this is the ID that was last checked, or made, in this handshake. */
ngx_uint_t ngx_ssl_session_sync_is_judged(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);

/*
 * The STEK of that ID, or NULL if it was refused or the STEK has expired
 * since.
 */
const sss_key_t *ngx_ssl_session_sync_judged_key(
    ngx_ssl_session_sync_handshake_t *hs);

/*
 * 1 if the session of this handshake will be known by an ID, 0 if it will be
 * in a ticket.
 */
ngx_uint_t ngx_ssl_session_sync_by_id(SSL *ssl);


/* session */

/* Sets the session callbacks of an SSL_CTX. */
ngx_int_t ngx_ssl_session_sync_session_attach(
    ngx_ssl_session_sync_ctx_t *sync, ngx_log_t *log);

#endif /* NGX_SSL_SESSION_SYNC_LOOKUP_H_INCLUDED */
