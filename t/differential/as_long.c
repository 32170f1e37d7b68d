
/*
 * Loaded into plain nginx: its tickets become as long as those of the module,
 * which carry more, so that a change of one ClientHello suits the other.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <string.h>

#include <openssl/ssl.h>


/* What the module's sessions have without a server name and a client's
   certificate, less the bytes by which their session ID context is shorter. */

#define AS_LONG_ORIGIN  (1 + 4 + 8 + 32 + 32 + 5 + 5 + 1 + 1)
#define AS_LONG_LESS    (20 - 16)


static int
as_long_made(SSL *ssl, void *arg)
{
    void         *had;
    size_t        len, n;
    const char   *name;
    SSL_SESSION  *session;

    static const unsigned char  filler[AS_LONG_ORIGIN + 255];

    (void) arg;

    session = SSL_get0_session(ssl);

    if (SSL_SESSION_get0_ticket_appdata(session, &had, &len) == 1 && len) {
        return 1;
    }

    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    n = name ? strlen(name) : 0;

    return SSL_SESSION_set1_ticket_appdata(session, filler,
                                           AS_LONG_ORIGIN - AS_LONG_LESS
                                           + (n < 255 ? n : 255));
}


/* What OpenSSL does without a callback. */

static int
as_long_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
    (void) ssl;
    (void) session;
    (void) name;
    (void) name_len;
    (void) arg;

    switch (status) {

    case SSL_TICKET_SUCCESS:
        return SSL_TICKET_RETURN_USE;

    case SSL_TICKET_SUCCESS_RENEW:
        return SSL_TICKET_RETURN_USE_RENEW;

    default:
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
}


SSL *
SSL_new(SSL_CTX *ssl_ctx)
{
    static SSL  *(*next)(SSL_CTX *);

    if (next == NULL) {
        *(void **) &next = dlsym(RTLD_NEXT, "SSL_new");
    }

    (void) SSL_CTX_set_session_ticket_cb(ssl_ctx, as_long_made,
                                         as_long_opened, NULL);

    return next(ssl_ctx);
}
