
/*
 * The session caches of this host: OpenSSL's own in each worker ("builtin"),
 * and nginx's in shared memory.  Neither considers scope or server name when
 * it looks a session up; callers apply the rule of
 * ngx_ssl_session_sync_trust.h to what is found here.
 */


#include "ngx_ssl_session_sync_lookup.h"


static SSL_SESSION *ngx_ssl_session_sync_get_builtin(SSL *ssl,
    const u_char *id, size_t len);


SSL_SESSION *
ngx_ssl_session_sync_get_local(SSL *ssl, const u_char *id, size_t len)
{
    int                          copy;
    SSL_SESSION                 *session;
    ngx_connection_t            *c;
    ngx_ssl_session_sync_ctx_t  *listener;

    c = ngx_ssl_get_connection(ssl);
    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);
    session = NULL;

    if (listener && listener->builtin) {
        session = ngx_ssl_session_sync_get_builtin(ssl, id, len);
    }

    if (session || listener == NULL || listener->get_session == NULL) {
        return session;
    }

    copy = 1;
    session = listener->get_session(ssl, id, (int) len, &copy);

    if (session && copy) {
        SSL_SESSION_up_ref(session);
    }

    return session;
}


/* Looks into OpenSSL's own cache as OpenSSL does: by version and ID. */

static SSL_SESSION *
ngx_ssl_session_sync_get_builtin(SSL *ssl, const u_char *id, size_t len)
{
    SSL_SESSION       *key, *session;
    OPENSSL_LHASH     *cache;
    ngx_connection_t  *c;

    c = ngx_ssl_get_connection(ssl);

    key = SSL_SESSION_new();

    if (key == NULL
        || SSL_SESSION_set1_id(key, id, (unsigned int) len) != 1
        || SSL_SESSION_set_protocol_version(key, SSL_version(ssl)) != 1)
    {
        SSL_SESSION_free(key);
        return NULL;
    }

    cache = (OPENSSL_LHASH *) SSL_CTX_sessions(c->ssl->session_ctx);
    session = OPENSSL_LH_retrieve(cache, key);

    SSL_SESSION_free(key);

    /* a copy, since the session will be changed, and others may use it */

    return session ? SSL_SESSION_dup(session) : NULL;
}
