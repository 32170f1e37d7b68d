
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "sss_address.h"
#include "sss_tls.h"


#define SSS_TLS_REASON  96


struct sss_tls_s {
    SSL_CTX      *ctx;
};


struct sss_tls_peer_s {
    sss_tls_t    *tls;
    SSL          *ssl;                  /* NULL: no connection             */
    SSL_SESSION  *session;              /* to be offered next, or NULL     */
    unsigned      write:1;              /* see sss_tls_wants_write()       */
    unsigned      done:1;               /* the handshake is complete       */
    unsigned      offered:1;            /* this handshake offers a session */
    unsigned      full:1;               /* none is offered to this server
                                           any more                        */
    char          host[SSS_ADDRESS_HOST];
    char          reason[SSS_TLS_REASON];
};


static int sss_tls_no_password(char *buf, int size, int writing, void *data);
static const char *sss_tls_error(void);
static int sss_tls_keep(SSL *ssl, SSL_SESSION *session);
static int sss_tls_expect(sss_tls_peer_t *peer);
static sss_tls_rc_t sss_tls_result(sss_tls_peer_t *peer, int rc, int error);
static ssize_t sss_tls_failed(sss_tls_peer_t *peer, int rc, int error);
static void sss_tls_why(sss_tls_peer_t *peer, int rc, int ssl_error,
    int error);


sss_tls_t *
sss_tls_create(void)
{
    sss_tls_t  *tls;

    tls = calloc(1, sizeof(sss_tls_t));
    if (tls == NULL) {
        return NULL;
    }

    tls->ctx = SSL_CTX_new(TLS_client_method());

    if (tls->ctx == NULL
        || SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION) != 1)
    {
        ERR_clear_error();
        sss_tls_destroy(tls);
        return NULL;
    }

    SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);

    /* a certificate of the file is trusted without that of its issuer */

    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->ctx),
                                X509_V_FLAG_PARTIAL_CHAIN);

    /*
     * Without renegotiation a write never has to wait until the socket is
     * readable.
     */

    SSL_CTX_set_options(tls->ctx, SSL_OP_NO_RENEGOTIATION
                                  |SSL_OP_NO_COMPRESSION);

    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE
                               |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                               |SSL_MODE_RELEASE_BUFFERS);

    SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_CLIENT
                                             |SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls->ctx, sss_tls_keep);

    SSL_CTX_set_default_passwd_cb(tls->ctx, sss_tls_no_password);

    return tls;
}


void
sss_tls_destroy(sss_tls_t *tls)
{
    if (tls != NULL) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}


/* No passphrase: by default OpenSSL would ask for one at the terminal. */

static int
sss_tls_no_password(char *buf, int size, int writing, void *data)
{
    (void) buf;
    (void) size;
    (void) writing;
    (void) data;

    return 0;
}


const char *
sss_tls_trust(sss_tls_t *tls, const char *file)
{
    ERR_clear_error();

    return SSL_CTX_load_verify_locations(tls->ctx, file, NULL) == 1
           ? NULL : sss_tls_error();
}


const char *
sss_tls_certificate(sss_tls_t *tls, const char *file)
{
    ERR_clear_error();

    return SSL_CTX_use_certificate_chain_file(tls->ctx, file) == 1
           ? NULL : sss_tls_error();
}


const char *
sss_tls_key(sss_tls_t *tls, const char *file)
{
    ERR_clear_error();

    return SSL_CTX_use_PrivateKey_file(tls->ctx, file, SSL_FILETYPE_PEM) == 1
           ? NULL : sss_tls_error();
}


/* The text of the first error in the queue, which caused those after it. */

static const char *
sss_tls_error(void)
{
    const char  *text;

    text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();

    return text ? text : "OpenSSL does not say why";
}


sss_tls_peer_t *
sss_tls_peer_create(sss_tls_t *tls, const char *host)
{
    size_t           n;
    sss_tls_peer_t  *peer;

    peer = calloc(1, sizeof(sss_tls_peer_t));
    if (peer == NULL) {
        return NULL;
    }

    peer->tls = tls;

    snprintf(peer->host, sizeof(peer->host), "%s", host);

    /* in certificates and SNI names have no dot at the end */

    n = strlen(peer->host);

    if (n > 0 && peer->host[n - 1] == '.') {
        peer->host[n - 1] = '\0';
    }

    return peer;
}


void
sss_tls_peer_destroy(sss_tls_peer_t *peer)
{
    if (peer != NULL) {
        sss_tls_end(peer);
        SSL_SESSION_free(peer->session);
        free(peer);
    }
}


/*
 * Keeps a new session.  A callback does this, since in TLS 1.3 sessions come
 * after the handshake.  Returns 1 if it keeps the reference, else 0.
 */

static int
sss_tls_keep(SSL *ssl, SSL_SESSION *session)
{
    sss_tls_peer_t  *peer;

    peer = SSL_get_app_data(ssl);

    if (peer == NULL || peer->full) {
        return 0;
    }

    SSL_SESSION_free(peer->session);
    peer->session = session;

    return 1;
}


int
sss_tls_begin(sss_tls_peer_t *peer, int fd)
{
    sss_tls_end(peer);

    ERR_clear_error();

    peer->ssl = SSL_new(peer->tls->ctx);

    if (peer->ssl == NULL
        || SSL_set_app_data(peer->ssl, peer) != 1
        || SSL_set_fd(peer->ssl, fd) != 1
        || sss_tls_expect(peer) != 0)
    {
        ERR_clear_error();
        sss_tls_end(peer);
        return -1;
    }

    if (peer->session != NULL) {
        peer->offered = (SSL_set_session(peer->ssl, peer->session) == 1);
    }

    SSL_set_connect_state(peer->ssl);

    return 0;
}


/* Sets the name or address for which the certificate must be valid. */

static int
sss_tls_expect(sss_tls_peer_t *peer)
{
    struct in_addr      in;
    struct in6_addr     in6;
    X509_VERIFY_PARAM  *param;

    param = SSL_get0_param(peer->ssl);

    if (inet_pton(AF_INET, peer->host, &in) == 1
        || inet_pton(AF_INET6, peer->host, &in6) == 1)
    {
        return X509_VERIFY_PARAM_set1_ip_asc(param, peer->host) == 1 ? 0 : -1;
    }

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

    return X509_VERIFY_PARAM_set1_host(param, peer->host, 0) == 1
           && SSL_set_tlsext_host_name(peer->ssl, peer->host) == 1 ? 0 : -1;
}


sss_tls_rc_t
sss_tls_handshake(sss_tls_peer_t *peer)
{
    int           rc, error;
    sss_tls_rc_t  result;

    ERR_clear_error();
    errno = 0;

    rc = SSL_do_handshake(peer->ssl);
    error = errno;

    if (rc == 1) {
        peer->write = 0;
        peer->done = 1;
        return SSS_TLS_DONE;
    }

    result = sss_tls_result(peer, rc, error);

    /*
     * Some servers that ask for client certificates abort a handshake in which
     * one of their own sessions is offered, for want of a session ID context.
     * No session is offered to such a server again.
     */

    if (result == SSS_TLS_FAILED && peer->offered) {
        SSL_SESSION_free(peer->session);
        peer->session = NULL;
        peer->full = 1;
    }

    return result;
}


ssize_t
sss_tls_read(sss_tls_peer_t *peer, void *p, size_t size)
{
    int  rc, error;

    ERR_clear_error();
    errno = 0;

    rc = SSL_read(peer->ssl, p, size > INT_MAX ? INT_MAX : (int) size);
    error = errno;

    if (rc > 0) {
        peer->write = 0;
        return rc;
    }

    if (SSL_get_error(peer->ssl, rc) == SSL_ERROR_ZERO_RETURN) {
        return 0;
    }

    return sss_tls_failed(peer, rc, error);
}


ssize_t
sss_tls_write(sss_tls_peer_t *peer, const void *p, size_t n)
{
    int  rc, error;

    ERR_clear_error();
    errno = 0;

    rc = SSL_write(peer->ssl, p, n > INT_MAX ? INT_MAX : (int) n);
    error = errno;

    return rc > 0 ? rc : sss_tls_failed(peer, rc, error);
}


static ssize_t
sss_tls_failed(sss_tls_peer_t *peer, int rc, int error)
{
    errno = sss_tls_result(peer, rc, error) == SSS_TLS_AGAIN ? EAGAIN : EPROTO;

    return -1;
}


/*
 * The result of an OpenSSL call that has returned "rc", which is not positive,
 * and left "error" in errno.
 */

static sss_tls_rc_t
sss_tls_result(sss_tls_peer_t *peer, int rc, int error)
{
    int  ssl_error;

    ssl_error = SSL_get_error(peer->ssl, rc);

    if (ssl_error == SSL_ERROR_WANT_READ
        || ssl_error == SSL_ERROR_WANT_WRITE)
    {
        peer->write = (ssl_error == SSL_ERROR_WANT_WRITE);
        return SSS_TLS_AGAIN;
    }

    sss_tls_why(peer, rc, ssl_error, error);
    ERR_clear_error();

    return SSS_TLS_FAILED;
}


static void
sss_tls_why(sss_tls_peer_t *peer, int rc, int ssl_error, int error)
{
    long         verified;
    const char  *what, *text;

    what = "TLS";
    verified = SSL_get_verify_result(peer->ssl);

    if (!peer->done && verified != X509_V_OK) {
        what = "the certificate is refused";
        text = X509_verify_cert_error_string(verified);

    } else if (ssl_error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) {
        text = rc != 0 && error != 0 ? strerror(error)
                                     : "the connection was closed";

    } else {
        text = sss_tls_error();
    }

    snprintf(peer->reason, sizeof(peer->reason), "%s: %s", what, text);
}


int
sss_tls_wants_write(const sss_tls_peer_t *peer)
{
    return peer->ssl != NULL && peer->write;
}


int
sss_tls_resumed(const sss_tls_peer_t *peer)
{
    return peer->ssl != NULL && SSL_session_reused(peer->ssl);
}


const char *
sss_tls_reason(const sss_tls_peer_t *peer)
{
    return peer->reason;
}


void
sss_tls_end(sss_tls_peer_t *peer)
{
    if (peer->ssl == NULL) {
        return;
    }

    /*
     * OpenSSL marks the session of a connection as not resumable, unless the
     * connection is shut down.  A quiet shutdown sends nothing.
     */

    if (peer->done) {
        SSL_set_quiet_shutdown(peer->ssl, 1);
        (void) SSL_shutdown(peer->ssl);
    }

    SSL_free(peer->ssl);
    ERR_clear_error();

    peer->ssl = NULL;
    peer->write = 0;
    peer->done = 0;
    peer->offered = 0;
}
