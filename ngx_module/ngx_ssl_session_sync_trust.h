
/*
 * The rule that decides whether a session may resume.
 *
 * A resumption skips the certificates.  So it must not give access to anything
 * that a full handshake with the same client, at the server that nginx selects
 * now, on this host, at this moment would not give access to.
 *
 *     trust       the rule, and the origin that a session carries for it
 *     scope       a hash of the kind of server and its rules for clients
 *     identity    the names in a server's certificates
 *     revocation  a server's certificate revocation lists
 *
 * The rule compares two things: what a server requires, which is read from its
 * SSL_CTX once, with the configuration; and what the session was made with,
 * which is in its origin (sss_origin.h).
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


/* What a server requires; in the pool of the configuration. */

typedef struct {

    /* from the configuration */
    SSL_CTX                  *ssl_ctx;
    ngx_uint_t                kind;         /* http, stream or mail        */
    ngx_str_t                 ns;           /* of the cluster              */
    ngx_str_t                 configured;   /* ssl_session_sync_scope      */
    ngx_uint_t                verify;       /* ssl_verify_client           */
    ngx_array_t              *variables;    /* the values of ssl_certificate,
                                               if variables choose one or its
                                               key; else NULL              */

    /* from the SSL_CTX */
    ngx_array_t               ciphers;      /* uint16_t: the codes of ciphers
                                               up to TLS 1.2               */
    ngx_array_t               certs;        /* X509 *, the SSL_CTX's       */
    ngx_array_t               crls;         /* ..._crl_t                   */
    unsigned                  any_name:1;   /* a certificate is chosen by
                                               variables                   */
    unsigned                  check_crl:1;  /* client certificates are checked
                                               for revocation              */
    unsigned                  check_all:1;  /* so is the rest of the chain */
    u_char                    scope[SSS_SCOPE_SIZE];
    u_char                    names[SSS_ORIGIN_NAMES];  /* hash of names   */
} ngx_ssl_session_sync_trust_t;


/* trust */

/*
 * Reads what a server requires into the pool of the configuration.  Called
 * when the whole configuration has been read: earlier, the memory that this
 * frees would leave holes between memory that stays, and more pages would be
 * copied in each worker.  Returns NGX_ERROR without memory, or if OpenSSL
 * fails.
 */
ngx_int_t ngx_ssl_session_sync_trust_init(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);

/*
 * The rule.  Returns NULL if a session may resume at a server for the server
 * name of this ClientHello; else the reason why not, a static string for the
 * log.  The session must have been made in this "generation" of keys, and its
 * full handshake less than "limit" seconds ago.
 */
const char *ngx_ssl_session_sync_refusal(ngx_ssl_session_sync_trust_t *trust,
    SSL_SESSION *session, sss_sni_t *sni, uint32_t generation, time_t limit);

/*
 * The same for a session without an origin, which plain nginx has put into a
 * ticket under a key of ssl_session_ticket_key.  "names" is 1 if the listener
 * selects servers by name; such a session carries the name.
 */
const char *ngx_ssl_session_sync_file_refusal(
    ngx_ssl_session_sync_trust_t *trust, SSL_SESSION *session,
    sss_sni_t *sni, time_t limit, ngx_uint_t names);

/*
 * Puts an origin into the session of a handshake, for this server, server name
 * and generation, with this badge for claims, and with "made" as the time of
 * the full handshake.  Returns NGX_DECLINED if the session must never resume,
 * because the client's certificate was not accepted or its chain does not fit
 * into an origin; NGX_ERROR without memory.
 */
ngx_int_t ngx_ssl_session_sync_bind(ngx_ssl_session_sync_trust_t *trust,
    SSL *ssl, SSL_SESSION *session, sss_sni_t *sni, uint32_t generation,
    uint64_t badge, time_t made);

/*
 * Replaces the badge for claims in the origin of a session, which is about to
 * be issued anew.
 */
ngx_int_t ngx_ssl_session_sync_rebind(SSL_SESSION *session, uint64_t badge);

/* The badge for claims of a session; 0: none. */
uint64_t ngx_ssl_session_sync_badge_of(SSL_SESSION *session);

/*
 * The time of the full handshake in which a session began, in seconds since
 * the epoch; -1 if the session has no origin.
 */
time_t ngx_ssl_session_sync_made(SSL_SESSION *session);

/* 1 if a session was made for this server name, else 0. */
ngx_uint_t ngx_ssl_session_sync_same_name(SSL_SESSION *session,
    sss_sni_t *sni);

/* scope */

/*
 * Computes trust->scope: a hash of ssl_session_sync_scope ("auto": of the
 * kind, http, stream or mail), the rules for client certificates, and the
 * namespace.
 */
ngx_int_t ngx_ssl_session_sync_scope(ngx_ssl_session_sync_trust_t *trust);

/* identity */

/* Reads the certificates of an SSL_CTX, and computes trust->names. */
ngx_int_t ngx_ssl_session_sync_identity(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);

/*
 * 1 if a certificate of the server is valid for a server name, by
 * X509_check_host(), else 0.  A certificate that variables choose is taken to
 * be valid.  If only its key is chosen by variables it is taken not to be,
 * since it has not been read.
 */
ngx_uint_t ngx_ssl_session_sync_covers(ngx_ssl_session_sync_trust_t *trust,
    sss_sni_t *sni);

/* revocation */

/* Reads the certificate revocation lists (CRLs) of an SSL_CTX. */
ngx_int_t ngx_ssl_session_sync_revocation(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);

/*
 * Returns the reason why a full handshake at this server would refuse the
 * client's certificate chain because of the server's revocation lists; NULL if
 * it would not.
 */
const char *ngx_ssl_session_sync_revoked(ngx_ssl_session_sync_trust_t *trust,
    sss_origin_t *origin);

/*
 * Adds a certificate of the client's chain to an origin.  Its serial number is
 * written to "*serial", where SSS_ORIGIN_SERIAL bytes must be free; "*serial"
 * is moved behind it.  Returns NGX_DECLINED if the certificate does not fit
 * into an origin, or its end of validity cannot be read.
 */
ngx_int_t ngx_ssl_session_sync_chain_add(sss_origin_t *origin, X509 *cert,
    u_char **serial);


#endif /* NGX_SSL_SESSION_SYNC_TRUST_H_INCLUDED */
