
#include "ngx_ssl_session_sync_early.h"


static void ngx_ssl_session_sync_settle(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_ctx_t *sync, const sss_sni_t *sni);
static ngx_int_t ngx_ssl_session_sync_extension(SSL *ssl, sss_sni_t *sni);
static ngx_int_t ngx_ssl_session_sync_servername(SSL *ssl, sss_sni_t *sni);
static ngx_ssl_session_sync_ctx_t *ngx_ssl_session_sync_selected(SSL *ssl,
    const sss_sni_t *sni);
static ngx_int_t ngx_ssl_session_sync_rename(SSL *ssl, SSL_SESSION *session);
static void ngx_ssl_session_sync_forget(
    ngx_ssl_session_sync_handshake_t *hs);
static void ngx_ssl_session_sync_handshake_free(void *parent, void *ptr,
    CRYPTO_EX_DATA *ad, int index, long argl, void *argp);


static int  ngx_ssl_session_sync_ctx_index = -1;
static int  ngx_ssl_session_sync_index = -1;


ngx_int_t
ngx_ssl_session_sync_handshake_init(ngx_log_t *log)
{
    if (ngx_ssl_session_sync_index != -1) {
        return NGX_OK;
    }

    ngx_ssl_session_sync_ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL,
                                                              NULL, NULL);
    ngx_ssl_session_sync_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
                                       ngx_ssl_session_sync_handshake_free);

    if (ngx_ssl_session_sync_ctx_index == -1
        || ngx_ssl_session_sync_index == -1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0,
                      "ssl_session_sync: SSL_get_ex_new_index() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_ssl_session_sync_ctx_t *
ngx_ssl_session_sync_of(SSL_CTX *ssl_ctx)
{
    return SSL_CTX_get_ex_data(ssl_ctx, ngx_ssl_session_sync_ctx_index);
}


ngx_int_t
ngx_ssl_session_sync_hang(SSL_CTX *ssl_ctx, ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log)
{
    if (SSL_CTX_set_ex_data(ssl_ctx, ngx_ssl_session_sync_ctx_index, sync)
        == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0, "SSL_CTX_set_ex_data() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_ssl_session_sync_handshake_t *
ngx_ssl_session_sync_known(const SSL *ssl)
{
    return SSL_get_ex_data(ssl, ngx_ssl_session_sync_index);
}


ngx_ssl_session_sync_handshake_t *
ngx_ssl_session_sync_handshake(SSL *ssl)
{
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_known(ssl);

    if (hs) {
        return hs;
    }

    c = ngx_ssl_get_connection(ssl);

    hs = ngx_pcalloc(c->pool, sizeof(ngx_ssl_session_sync_handshake_t));

    if (hs == NULL
        || SSL_set_ex_data(ssl, ngx_ssl_session_sync_index, hs) == 0)
    {
        return NULL;
    }

    return hs;
}


ngx_int_t
ngx_ssl_session_sync_look(SSL *ssl, ngx_ssl_session_sync_handshake_t *hs)
{
    sss_sni_t                    sni;
    ngx_int_t                    rc;
    const u_char                *p;
    ngx_ssl_session_sync_ctx_t  *sync;

    /* OpenSSL has a random value to show while it processes a ClientHello */

    if (SSL_client_hello_get0_random(ssl, &p) != 0) {
        rc = ngx_ssl_session_sync_extension(ssl, &sni);
        sync = ngx_ssl_session_sync_selected(ssl, &sni);

    } else {
        rc = ngx_ssl_session_sync_servername(ssl, &sni);
        sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));
    }

    if (rc != NGX_OK) {
        ngx_ssl_session_sync_forget(hs);
        hs->named = 0;

        return NGX_DECLINED;
    }

    ngx_ssl_session_sync_settle(hs, sync, &sni);

    return NGX_OK;
}


void
ngx_ssl_session_sync_announce(SSL *ssl, ngx_ssl_session_sync_handshake_t *hs,
    const sss_sni_t *sni)
{
    ngx_ssl_session_sync_settle(hs, ngx_ssl_session_sync_selected(ssl, sni),
                                sni);
}


static void
ngx_ssl_session_sync_settle(ngx_ssl_session_sync_handshake_t *hs,
    ngx_ssl_session_sync_ctx_t *sync, const sss_sni_t *sni)
{
    if (hs->named && hs->sync == sync && hs->sni.len == sni->len
        && ngx_memcmp(hs->sni.name, sni->name, sni->len) == 0)
    {
        return;
    }

    /* what was found for another name or server is void */

    ngx_ssl_session_sync_forget(hs);

    hs->sni.len = sni->len;
    ngx_memcpy(hs->sni.name, sni->name, sni->len);
    hs->sync = sync;
    hs->named = 1;
}


static ngx_int_t
ngx_ssl_session_sync_extension(SSL *ssl, sss_sni_t *sni)
{
    size_t         len;
    const u_char  *p;

    sni->len = 0;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &len)
        == 0)
    {
        return NGX_OK;
    }

    /* OpenSSL uses up an extension as it parses it, and has the name then */

    if (len == 0) {
        return ngx_ssl_session_sync_servername(ssl, sni);
    }

    return sss_sni_parse(p, len, sni) == 0 ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_ssl_session_sync_servername(SSL *ssl, sss_sni_t *sni)
{
    const char  *name;

    sni->len = 0;

    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (name == NULL) {
        return NGX_OK;
    }

    return sss_sni_set(sni, name, ngx_strlen(name)) == 0 ? NGX_OK
                                                         : NGX_DECLINED;
}


/*
 * Selects as nginx will.  Where nginx finds no server for a name it stays with
 * the one that it has, which after a HelloRetryRequest need not be the
 * listener's default.
 */

static ngx_ssl_session_sync_ctx_t *
ngx_ssl_session_sync_selected(SSL *ssl, const sss_sni_t *sni)
{
    SSL_CTX                     *ssl_ctx;
    ngx_str_t                    name;
    ngx_connection_t            *c;
    ngx_ssl_session_sync_ctx_t  *listener;

    c = ngx_ssl_get_connection(ssl);
    ssl_ctx = NULL;

    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);

    if (listener && listener->select && sni->len
        && !ngx_ssl_session_sync_name_chosen(c))
    {
        name.len = sni->len;
        name.data = (u_char *) sni->name;

        ssl_ctx = listener->select(c, &name);
    }

    return ngx_ssl_session_sync_of(ssl_ctx ? ssl_ctx : SSL_get_SSL_CTX(ssl));
}


time_t
ngx_ssl_session_sync_limit(SSL *ssl, ngx_ssl_session_sync_ctx_t *sync)
{
    long               listener, server;
    ngx_connection_t  *c;

    c = ngx_ssl_get_connection(ssl);

    listener = SSL_CTX_get_timeout(c->ssl->session_ctx);
    server = SSL_CTX_get_timeout(sync->ssl_ctx);

    return (time_t) ngx_min(listener, server);
}


ngx_int_t
ngx_ssl_session_sync_finish(SSL *ssl, ngx_ssl_session_sync_ctx_t *sync,
    SSL_SESSION *session)
{
    long                               left;
    time_t                             made;
    uint64_t                           badge;
    ngx_int_t                          rc;
    ngx_ssl_session_sync_handshake_t  *hs;

    ngx_ssl_session_sync_early_allowance(ssl, sync);

    made = ngx_ssl_session_sync_made(session);
    badge = ngx_ssl_session_sync_early_badge(ssl, sync->cluster);

    if (made == -1) {
        hs = ngx_ssl_session_sync_handshake(ssl);

        if (hs == NULL) {
            return NGX_ERROR;
        }

        /* of a session that resumed OpenSSL has only the name of then */

        if (SSL_session_reused(ssl)) {
            made = hs->made;

        } else {
            made = ngx_time();
            (void) ngx_ssl_session_sync_look(ssl, hs);
        }

        if (!hs->named) {
            return NGX_DECLINED;
        }

        rc = ngx_ssl_session_sync_bind(&sync->trust, ssl, session, &hs->sni,
                                       ngx_ssl_session_sync_generation(
                                                            sync->cluster),
                                       badge, made);
    } else {
        rc = ngx_ssl_session_sync_rebind(session, badge);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    /* in TLS 1.3 OpenSSL has just begun to count again */

    left = (long) (made + ngx_ssl_session_sync_limit(ssl, sync)
                   - (time_t) SSL_SESSION_get_time(session));

    if (left < SSL_SESSION_get_timeout(session)) {
        SSL_SESSION_set_timeout(session, ngx_max(left, 1));
    }

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_adopt(SSL *ssl, ngx_ssl_session_sync_handshake_t *hs,
    SSL_SESSION *session)
{
    unsigned int   len;
    const u_char  *context;

    context = SSL_SESSION_get0_id_context(session, &len);

    /* nginx takes it away from a session that shall not resume any more */

    if (len == 0 || ngx_ssl_session_sync_rename(ssl, session) != NGX_OK) {
        return NGX_DECLINED;
    }

    hs->adopted = 1;

    return SSL_set_session_id_context(ssl, context, len) == 1 ? NGX_OK
                                                              : NGX_ERROR;
}


static ngx_int_t
ngx_ssl_session_sync_rename(SSL *ssl, SSL_SESSION *session)
{
    char           name[SSS_SNI_MAX + 1];
    size_t         len;
    const char    *had;
    const u_char  *ext;

    had = SSL_SESSION_get0_hostname(session);

    /* the name of an extension is behind five bytes, see sss_sni_parse() */

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len)
        == 0
        || len <= 5)
    {
        len = 0;

    } else {
        len = ngx_min(len - 5, SSS_SNI_MAX);
        ngx_memcpy(name, ext + 5, len);
    }

    name[len] = '\0';

    if (had == NULL ? len == 0 : ngx_strcmp(had, name) == 0) {
        return NGX_OK;
    }

    return SSL_SESSION_set1_hostname(session, len ? name : NULL) == 1
           ? NGX_OK : NGX_ERROR;
}


void
ngx_ssl_session_sync_release(ngx_ssl_session_sync_handshake_t *hs)
{
    if (hs->local) {
        SSL_SESSION_free(hs->local);
        hs->local = NULL;
    }

    free(hs->record);

    hs->record = NULL;
    hs->record_len = 0;
}


static void
ngx_ssl_session_sync_forget(ngx_ssl_session_sync_handshake_t *hs)
{
    ngx_ssl_session_sync_release(hs);

    hs->answer = SSS_ENGINE_MISS;
    hs->remote = 0;
    hs->accepted = 0;
    hs->judged_len = 0;
}


ngx_ssl_session_sync_outcome_e
ngx_ssl_session_sync_came_out(SSL *ssl)
{
    ngx_ssl_session_sync_handshake_t  *hs;

    if (ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl)) == NULL) {
        return NGX_SSL_SESSION_SYNC_UNSYNCED;
    }

    if (!SSL_session_reused(ssl)) {
        return NGX_SSL_SESSION_SYNC_FULL;
    }

    hs = ngx_ssl_session_sync_known(ssl);

    if (hs && hs->ticket == NGX_SSL_SESSION_SYNC_TICKET_OPENED) {
        return NGX_SSL_SESSION_SYNC_TICKET;
    }

    return (hs && hs->remote) ? NGX_SSL_SESSION_SYNC_ID_REMOTE
                              : NGX_SSL_SESSION_SYNC_ID_LOCAL;
}


void
ngx_ssl_session_sync_outcome(ngx_connection_t *c, ngx_str_t *value)
{
    static ngx_str_t  values[] = {
        ngx_string("full"),
        ngx_string("ticket"),
        ngx_string("id-local"),
        ngx_string("id-remote"),
        ngx_null_string
    };

    if (c->ssl == NULL) {
        ngx_str_null(value);
        return;
    }

    *value = values[ngx_ssl_session_sync_came_out(c->ssl->connection)];
}


void
ngx_ssl_session_sync_count(SSL *ssl)
{
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));
    hs = ngx_ssl_session_sync_handshake(ssl);

    if (sync == NULL || hs == NULL || hs->counted) {
        return;
    }

    hs->counted = 1;
    counters = ngx_ssl_session_sync_counters(sync->cluster);

    ngx_ssl_session_sync_early_count(hs, counters);

    switch (ngx_ssl_session_sync_came_out(ssl)) {

    case NGX_SSL_SESSION_SYNC_TICKET:
        (void) ngx_atomic_fetch_add(&counters->resumed, 1);
        break;

    case NGX_SSL_SESSION_SYNC_ID_LOCAL:
        (void) ngx_atomic_fetch_add(&counters->id_local, 1);
        break;

    case NGX_SSL_SESSION_SYNC_ID_REMOTE:
        (void) ngx_atomic_fetch_add(&counters->id_remote, 1);
        break;

    default:
        (void) ngx_atomic_fetch_add(&counters->full, 1);
    }
}


/* SSL_free() comes before the pool of the connection is destroyed. */

static void
ngx_ssl_session_sync_handshake_free(void *parent, void *ptr,
    CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    ngx_ssl_session_sync_handshake_t  *hs = ptr;

    if (hs) {
        ngx_ssl_session_sync_release(hs);
    }
}
