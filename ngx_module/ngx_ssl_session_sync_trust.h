
/*
 * May this session resume here?
 *
 * A resumption skips certificates, so it must open nothing that a full
 * handshake with the same client, at the server that nginx selects now, on
 * this host, at this moment would not open.
 *
 *     trust       the rule, and what a session needs so that it can be asked
 *     scope       a hash of whom a server serves and trusts
 *     identity    the names in a server's certificates
 *     revocation  a server's certificate revocation lists
 *
 * What a server stands for is read from its SSL_CTX once, with the
 * configuration.  What a session was made with is in its origin, see
 * sss_origin.h.
 */


#ifndef NGX_SSL_SESSION_SYNC_TRUST_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_TRUST_H_INCLUDED


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_ssl_session_sync_compat.h"
#include "sss_origin.h"


/* The values of ssl_verify_client, as nginx has them. */

#define NGX_SSL_SESSION_SYNC_VERIFY_OFF    0
#define NGX_SSL_SESSION_SYNC_VERIFY_NO_CA  3


typedef struct {
    u_char                    issuer[SSS_ORIGIN_ISSUER];
    X509_CRL                 *crl;          /* the SSL_CTX's               */
} ngx_ssl_session_sync_crl_t;


/* What a server stands for; in the pool of the configuration. */

typedef struct {

    /* as configured */
    SSL_CTX                  *ssl_ctx;
    ngx_uint_t                kind;         /* http, stream or mail        */
    ngx_str_t                 ns;           /* of the cluster              */
    ngx_str_t                 configured;   /* ssl_session_sync_scope      */
    ngx_uint_t                verify;       /* ssl_verify_client           */
    ngx_array_t              *variables;    /* each ssl_certificate, where
                                               one, or the key of one, is
                                               chosen by variables; NULL:
                                               none is                     */

    /* and what the SSL_CTX says */
    ngx_array_t               ciphers;      /* uint16_t, of TLS 1.2 and
                                               older ones, as on the wire  */
    ngx_array_t               certs;        /* X509 *, the SSL_CTX's       */
    ngx_array_t               crls;         /* ..._crl_t                   */
    unsigned                  any_name:1;   /* variables choose one        */
    unsigned                  check_crl:1;  /* of the client's certificate */
    unsigned                  check_all:1;  /* and of all of its chain     */
    u_char                    scope[SSS_SCOPE_SIZE];
    u_char                    names[SSS_ORIGIN_NAMES];
} ngx_ssl_session_sync_trust_t;


/* trust */

/*
 * Reads what a server stands for, into the pool of the configuration, when
 * that has been read as a whole: what is freed here would else lie between
 * what stays, and workers would copy the pages of both.  NGX_ERROR: no memory,
 * or OpenSSL fails.
 */
ngx_int_t ngx_ssl_session_sync_trust_init(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);

/*
 * The rule: NULL if a session may resume at a server, for the server name that
 * this ClientHello has, if it was made under keys of this generation and its
 * full handshake is less than "limit" seconds ago; else the reason why not,
 * for the log.
 */
const char *ngx_ssl_session_sync_refusal(ngx_ssl_session_sync_trust_t *trust,
    SSL_SESSION *session, sss_sni_t *sni, uint32_t generation, time_t limit);

/*
 * The same for a session that plain nginx has put into a ticket under a key of
 * ssl_session_ticket_key, and that carries no origin; "names" says whether the
 * listener selects servers by name, which the session then has.
 */
const char *ngx_ssl_session_sync_file_refusal(
    ngx_ssl_session_sync_trust_t *trust, SSL_SESSION *session,
    sss_sni_t *sni, time_t limit, ngx_uint_t names);

/*
 * Leaves in the session of a handshake what the rule will ask for: it was made
 * at this server, for this server name, in this generation of the cluster's
 * keys, at the time "made"; and a badge for claims.  Returns
 * NGX_DECLINED if it must never resume, because the client's certificate was
 * not accepted or does not fit; NGX_ERROR without memory.
 */
ngx_int_t ngx_ssl_session_sync_bind(ngx_ssl_session_sync_trust_t *trust,
    SSL *ssl, SSL_SESSION *session, sss_sni_t *sni, uint32_t generation,
    uint64_t badge, time_t made);

/* A session that has an origin is issued anew, with this badge for claims. */
ngx_int_t ngx_ssl_session_sync_rebind(SSL_SESSION *session, uint64_t badge);

/* The badge for claims of a session; 0: none. */
uint64_t ngx_ssl_session_sync_badge_of(SSL_SESSION *session);

/*
 * When the full handshake was that a session goes back to, in seconds since
 * the epoch; -1 if the session has no origin.
 */
time_t ngx_ssl_session_sync_made(SSL_SESSION *session);

/* Whether a session was made for this name: 0 or 1. */
ngx_uint_t ngx_ssl_session_sync_same_name(SSL_SESSION *session,
    sss_sni_t *sni);

/* scope */

/*
 * Writes the scope: a hash of the configured one ("auto": of http, stream or
 * mail), of the rules for client certificates, and of the namespace.
 */
ngx_int_t ngx_ssl_session_sync_scope(ngx_ssl_session_sync_trust_t *trust);

/* identity */

/* Reads the certificates of an SSL_CTX, and hashes the names in them. */
ngx_int_t ngx_ssl_session_sync_identity(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);

/*
 * Whether a certificate of the server is good for a name, by OpenSSL's own
 * X509_check_host(): 0 or 1.  One that is chosen by variables always is, one
 * of which only the key is chosen never, as nobody has read it.
 */
ngx_uint_t ngx_ssl_session_sync_covers(ngx_ssl_session_sync_trust_t *trust,
    sss_sni_t *sni);

/* revocation */

/* Reads the revocation lists of an SSL_CTX. */
ngx_int_t ngx_ssl_session_sync_revocation(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);

/*
 * Whether a full handshake at this server would refuse a chain because of its
 * revocation lists: NULL, or the reason.
 */
const char *ngx_ssl_session_sync_revoked(ngx_ssl_session_sync_trust_t *trust,
    sss_origin_t *origin);

/*
 * Adds a certificate of the client's chain to an origin.  "*serial" has room
 * for SSS_ORIGIN_SERIAL bytes and is moved on.  NGX_DECLINED: there is no room
 * for it, or its end cannot be read.
 */
ngx_int_t ngx_ssl_session_sync_chain_add(sss_origin_t *origin, X509 *cert,
    u_char **serial);


#endif /* NGX_SSL_SESSION_SYNC_TRUST_H_INCLUDED */
