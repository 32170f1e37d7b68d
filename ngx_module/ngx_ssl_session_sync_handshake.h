
/*
 * What is known of the handshake of a connection: the server name that the
 * client offers, which server nginx selects for it now, what the session that
 * it offers was found to be, and how the handshake came out.
 *
 * OpenSSL looks for a session before nginx selects the server (nginx 1.29.2
 * and later select first), and may do so twice: after a HelloRetryRequest the
 * client sends a second ClientHello, which may have another server name.  So
 * every hook of OpenSSL looks at the ClientHello that is under way, and what
 * was found for another name does not count any more.
 */


#ifndef NGX_SSL_SESSION_SYNC_HANDSHAKE_H_INCLUDED
#define NGX_SSL_SESSION_SYNC_HANDSHAKE_H_INCLUDED


#include "ngx_ssl_session_sync.h"


/* What is known of the ticket that OpenSSL tries, or tried last. */

typedef enum {
    NGX_SSL_SESSION_SYNC_TICKET_NONE = 0,
    NGX_SSL_SESSION_SYNC_TICKET_KNOWN,      /* our key, MAC not checked    */
    NGX_SSL_SESSION_SYNC_TICKET_FILE,       /* of a key file, likewise     */
    NGX_SSL_SESSION_SYNC_TICKET_PLAIN,      /* of a server that is "off"   */
    NGX_SSL_SESSION_SYNC_TICKET_OPENED
} ngx_ssl_session_sync_ticket_e;


typedef enum {
    NGX_SSL_SESSION_SYNC_FULL = 0,
    NGX_SSL_SESSION_SYNC_TICKET,
    NGX_SSL_SESSION_SYNC_ID_LOCAL,
    NGX_SSL_SESSION_SYNC_ID_REMOTE,
    NGX_SSL_SESSION_SYNC_UNSYNCED           /* not a matter of this module */
} ngx_ssl_session_sync_outcome_e;


/* In the pool of the connection. */

typedef struct {
    ngx_ssl_session_sync_ctx_t *sync;       /* of the server selected now,
                                               NULL: it is "off"           */
    sss_sni_t                   sni;        /* of the ClientHello under way */
    unsigned                    named:1;    /* both are valid              */
    unsigned                    adopted:1;  /* the SSL has the session ID
                                               context of a session        */
    unsigned                    filtered:1; /* the filter was put in       */
    unsigned                    counted:1;
    unsigned                    remote:1;   /* the session is memcached's  */
    unsigned                    accepted:1; /* the ID judged, or minted, is
                                               of this cluster, scope, name */
    ngx_ssl_session_sync_ticket_e
                                ticket;
    time_t                      made;       /* of a session of a key file  */

    ngx_ssl_session_sync_early_t
                               *early;      /* NULL: none was offered      */

    /* sessions by ID */
    SSL_SESSION                *local;      /* found before OpenSSL asked  */
    sss_engine_rc_t             answer;
    u_char                     *record;     /* of memcached; malloc()ed    */
    size_t                      record_len;
    size_t                      judged_len;
    u_char                      judged[SSS_SESSION_ID];
    u_char                      key[SSS_KEY_NAME];  /* if accepted: its STEK */
} ngx_ssl_session_sync_handshake_t;


/*
 * Two indexes of OpenSSL's ex_data, fetched once for the process: the only
 * state that is not in a cycle.
 */
ngx_int_t ngx_ssl_session_sync_handshake_init(ngx_log_t *log);

/* What hangs on an SSL_CTX, NULL: nothing, it does not synchronise. */
ngx_ssl_session_sync_ctx_t *ngx_ssl_session_sync_of(SSL_CTX *ssl_ctx);
ngx_int_t ngx_ssl_session_sync_hang(SSL_CTX *ssl_ctx,
    ngx_ssl_session_sync_ctx_t *sync, ngx_log_t *log);

/*
 * What is known of a connection: made if need be, NULL without memory; the
 * second one returns NULL where nothing is known.
 */
ngx_ssl_session_sync_handshake_t *ngx_ssl_session_sync_handshake(SSL *ssl);
ngx_ssl_session_sync_handshake_t *ngx_ssl_session_sync_known(const SSL *ssl);

/*
 * Looks at the ClientHello that OpenSSL is processing, or after it at what
 * came of it: afterwards "sni" is its server name and "sync" the server that
 * nginx selects for it.  NGX_DECLINED if it has a server name for which
 * nothing may resume, and which no session may be bound to.
 */
ngx_int_t ngx_ssl_session_sync_look(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs);

/* The same for a ClientHello that OpenSSL has not got yet. */
void ngx_ssl_session_sync_announce(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_sni_t *sni);

/*
 * How long ago the full handshake of a session may be, in seconds: the shorter
 * ssl_session_timeout of the server selected and of its listener, by whose
 * OpenSSL goes.
 */
time_t ngx_ssl_session_sync_limit(SSL *ssl, ngx_ssl_session_sync_ctx_t *sync);

/*
 * Leaves in the session of a full handshake what it is judged by later, see
 * ngx_ssl_session_sync_bind(); a session that resumed has it already.  Its
 * timeout becomes what is left of it.
 */
ngx_int_t ngx_ssl_session_sync_finish(SSL *ssl,
    ngx_ssl_session_sync_ctx_t *sync, SSL_SESSION *session);

/*
 * Makes the SSL and a session that may resume fit each other.
 *
 * OpenSSL compares the session ID context, which nginx makes from the
 * certificates of the listener; the SSL takes that of the session, as the rule
 * knows better where it belongs.  In TLS 1.2 OpenSSL tells nginx the server
 * name in the session instead of the client's, and in TLS 1.3 some versions of
 * nginx compare both, letter by letter; the session takes the client's.
 */
ngx_int_t ngx_ssl_session_sync_adopt(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session);

/* Frees what was found for a session by ID. */
void ngx_ssl_session_sync_release(ngx_ssl_session_sync_handshake_t *hs);

ngx_ssl_session_sync_outcome_e ngx_ssl_session_sync_came_out(SSL *ssl);

/* Counts, once, how a handshake that is over came out. */
void ngx_ssl_session_sync_count(SSL *ssl);


#endif /* NGX_SSL_SESSION_SYNC_HANDSHAKE_H_INCLUDED */
