
/*
 * Sets this module's callbacks on an SSL_CTX; they call those of nginx.
 *
 * The info callback is called when a handshake begins and ends.  At its begin
 * the filter BIO is put between OpenSSL and the socket; at its end it is
 * counted.
 */


#include "ngx_ssl_session_sync_early.h"
#include "ngx_ssl_session_sync_ticket.h"


static void ngx_ssl_session_sync_info(const SSL *ssl, int where, int ret);
static ngx_uint_t ngx_ssl_session_sync_holds(SSL *ssl,
    ngx_ssl_session_sync_ctx_t *sync);


ngx_int_t
ngx_ssl_session_sync_hooks_init(ngx_log_t *log)
{
    if (ngx_ssl_session_sync_handshake_init(log) != NGX_OK
        || ngx_ssl_session_sync_cipher_init(log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ssl_session_sync_hold_init(log);
}


ngx_int_t
ngx_ssl_session_sync_hooks_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log)
{
    if (ngx_ssl_session_sync_hang(sync->ssl_ctx, sync, log) != NGX_OK
        || ngx_ssl_session_sync_ticket_attach(sync, log) != NGX_OK
        || ngx_ssl_session_sync_session_attach(sync, log) != NGX_OK)
    {
        return NGX_ERROR;
    }

    SSL_CTX_set_allow_early_data_cb(sync->ssl_ctx,
                                    ngx_ssl_session_sync_early_allow, NULL);

    sync->info = SSL_CTX_get_info_callback(sync->ssl_ctx);
    SSL_CTX_set_info_callback(sync->ssl_ctx, ngx_ssl_session_sync_info);

    return NGX_OK;
}


/*
 * For a handshake with the filter this is set on the SSL as well.  OpenSSL
 * uses the callback of the SSL_CTX otherwise, and nginx may select a server
 * whose SSL_CTX is not attached.
 */

static void
ngx_ssl_session_sync_info(const SSL *ssl, int where, int ret)
{
    SSL_CTX                           *ssl_ctx;
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_info_pt       next;
    ngx_ssl_session_sync_handshake_t  *hs;

    ssl_ctx = SSL_get_SSL_CTX(ssl);
    sync = ngx_ssl_session_sync_of(ssl_ctx);

    if ((where & SSL_CB_HANDSHAKE_START)
        && ngx_ssl_session_sync_holds((SSL *) ssl, sync))
    {
        if (ngx_ssl_session_sync_hold_push((SSL *) ssl) == NGX_OK) {
            SSL_set_info_callback((SSL *) ssl, ngx_ssl_session_sync_info);
        }

    } else if (ngx_ssl_session_sync_hold_pop((SSL *) ssl) == NGX_AGAIN
               && (where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP)
    {
        /*
         * nginx's own callback, which enlarges the buffer BIO that OpenSSL
         * writes a handshake through, would take the filter for that BIO.
         */
        return;
    }

    next = sync ? sync->info : SSL_CTX_get_info_callback(ssl_ctx);

    if (next) {
        next(ssl, where, ret);
    }

    if (!(where & SSL_CB_HANDSHAKE_DONE)) {
        return;
    }

    ngx_ssl_session_sync_count((SSL *) ssl);

    hs = ngx_ssl_session_sync_known(ssl);

    if (hs) {
        ngx_ssl_session_sync_release(hs);
    }
}


/* Whether there may be a reason to hold what a client of a listener sends. */

static ngx_uint_t
ngx_ssl_session_sync_holds(SSL *ssl, ngx_ssl_session_sync_ctx_t *sync)
{
    if (sync == NULL) {
        return 0;
    }

    return (sync->ids && sync->cluster->lookups)
           || SSL_get_max_early_data(ssl) > 0;
}
