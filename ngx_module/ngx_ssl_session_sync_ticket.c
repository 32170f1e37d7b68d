
/*
 * OpenSSL's hooks for session tickets.
 *
 * The hooks belong to the SSL_CTX of the listener's default server and serve
 * every name on that listener.  A ticket that opens may resume where the rule
 * of ngx_ssl_session_sync_trust.h says so, and is else ignored, as a ticket
 * that does not open: a full handshake follows.
 */


#include "ngx_ssl_session_sync_ticket.h"


static int ngx_ssl_session_sync_ticket_callback(SSL *ssl, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc);
static int ngx_ssl_session_sync_encrypt(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_decrypt(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_decrypt_file(ngx_connection_t *c,
    ngx_ssl_session_sync_handshake_t *hs, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_ticket_made(SSL *ssl, void *data);
static int ngx_ssl_session_sync_ticket_opened(SSL *ssl, SSL_SESSION *session,
    const u_char *name, size_t name_len, SSL_TICKET_STATUS status,
    void *data);
static const char *ngx_ssl_session_sync_ticket_refusal(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session,
    ngx_ssl_session_sync_ticket_e ticket);


ngx_int_t
ngx_ssl_session_sync_ticket_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log)
{
    ngx_ssl_session_sync_set_ticket_cb(sync->ssl_ctx,
                                       ngx_ssl_session_sync_ticket_callback);

    if (SSL_CTX_set_session_ticket_cb(sync->ssl_ctx,
                                      ngx_ssl_session_sync_ticket_made,
                                      ngx_ssl_session_sync_ticket_opened,
                                      NULL)
        == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0,
                      "SSL_CTX_set_session_ticket_cb() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static int
ngx_ssl_session_sync_ticket_callback(SSL *ssl, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc)
{
    ngx_connection_t  *c;

    c = ngx_ssl_get_connection(ssl);

    if (enc) {
        return ngx_ssl_session_sync_encrypt(c, name, iv, cipher, mac);
    }

    return ngx_ssl_session_sync_decrypt(c, name, iv, cipher, mac);
}


/*
 * OpenSSL calls this before it encodes a session into a ticket, and in TLS 1.3
 * also before it stores one that goes by an ID.
 */

static int
ngx_ssl_session_sync_ticket_made(SSL *ssl, void *data)
{
    SSL_SESSION                 *session;
    ngx_ssl_session_sync_ctx_t  *sync;

    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));
    session = SSL_get0_session(ssl);

    if (sync && session) {

        /* without an origin it resumes nowhere */

        (void) ngx_ssl_session_sync_finish(ssl, sync, session);
    }

    return 1;
}


static int
ngx_ssl_session_sync_encrypt(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    SSL                               *ssl;
    sss_ring_t                        *ring;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_material_t    material;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    ssl = c->ssl->connection;
    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));

    if (sync == NULL) {
        hs = ngx_ssl_session_sync_known(ssl);

        /*
         * After a HelloRetryRequest with another name the session may have
         * the context of one that was made elsewhere.
         */

        if (hs && hs->adopted) {
            return ngx_ssl_session_sync_no_ticket(c, name, iv, cipher, mac);
        }

        return ngx_ssl_session_sync_plain(c, name, iv, cipher, mac, 1);
    }

    if (ngx_ssl_session_sync_made(SSL_get0_session(ssl)) == -1) {
        return ngx_ssl_session_sync_no_ticket(c, name, iv, cipher, mac);
    }

    ring = ngx_ssl_session_sync_view(sync->cluster);
    key = ngx_ssl_session_sync_key(sync->cluster, ring,
                                   ngx_ssl_session_sync_now());

    if (key == NULL) {
        ngx_log_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: cluster \"%V\" has no key",
                      &sync->cluster->name);
        return ngx_ssl_session_sync_no_ticket(c, name, iv, cipher, mac);
    }

    ngx_log_debug4(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "ssl session sync encrypt, key: %02xd%02xd%02xd%02xd",
                   key->name[0], key->name[1], key->name[2], key->name[3]);

    material.name = key->name;
    material.aes = key->aes;
    material.hmac = key->hmac;
    material.size = 32;

    if (ngx_ssl_session_sync_use(c, &material, iv, cipher, mac, 1) != NGX_OK)
    {
        return -1;
    }

    ngx_memcpy(name, key->name, SSS_KEY_NAME);

    counters = ngx_ssl_session_sync_counters(sync->cluster);

    (void) ngx_atomic_fetch_add(&counters->issued, 1);

    if (SSL_session_reused(ssl)) {
        (void) ngx_atomic_fetch_add(&counters->renewed, 1);
    }

    return 1;
}


static int
ngx_ssl_session_sync_decrypt(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    SSL                               *ssl;
    uint64_t                           now;
    sss_ring_t                        *ring;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_cluster_t    *cluster;
    ngx_ssl_session_sync_material_t    material;
    ngx_ssl_session_sync_handshake_t  *hs;

    ssl = c->ssl->connection;

    hs = ngx_ssl_session_sync_handshake(ssl);
    if (hs == NULL) {
        return 0;
    }

    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_NONE;

    if (ngx_ssl_session_sync_look(ssl, hs) != NGX_OK) {
        return 0;
    }

    if (hs->sync == NULL) {
        hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_PLAIN;

        return ngx_ssl_session_sync_plain(c, name, iv, cipher, mac, 0);
    }

    cluster = hs->sync->cluster;
    ring = ngx_ssl_session_sync_view(cluster);
    key = sss_ring_find(ring, name);
    now = ngx_ssl_session_sync_now();

    if (key == NULL || key->expires <= now / 1000) {
        return ngx_ssl_session_sync_decrypt_file(c, hs, name, iv, cipher,
                                                 mac);
    }

    ngx_log_debug4(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "ssl session sync decrypt, key: %02xd%02xd%02xd%02xd",
                   key->name[0], key->name[1], key->name[2], key->name[3]);

    material.aes = key->aes;
    material.hmac = key->hmac;
    material.size = 32;

    if (ngx_ssl_session_sync_use(c, &material, iv, cipher, mac, 0) != NGX_OK)
    {
        return -1;
    }

    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_KNOWN;

    /* as nginx does */

    if ((NGX_SSL_SESSION_SYNC_RENEW_TLS13
         && SSL_version(ssl) == TLS1_3_VERSION)
        || key != ngx_ssl_session_sync_key(cluster, ring, now))
    {
        return 2;
    }

    return 1;
}


/*
 * A ticket under a key of ssl_session_ticket_key, issued before the server
 * synchronised.  It always gets a new one, under the shared STEK.
 */

static int
ngx_ssl_session_sync_decrypt_file(ngx_connection_t *c,
    ngx_ssl_session_sync_handshake_t *hs, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    ngx_ssl_session_sync_material_t   material;
    ngx_ssl_session_sync_counters_t  *counters;

    if (ngx_ssl_session_sync_file_key(c->ssl->session_ctx, name, &material)
        != NGX_OK)
    {
        counters = ngx_ssl_session_sync_counters(hs->sync->cluster);
        (void) ngx_atomic_fetch_add(&counters->unknown_key, 1);

        return 0;
    }

    if (ngx_ssl_session_sync_use(c, &material, iv, cipher, mac, 0) != NGX_OK)
    {
        return -1;
    }

    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_FILE;

    return 2;
}


/*
 * OpenSSL calls this when it has tried a ticket.  The answers are what it
 * would have done by itself, but for sessions that may not resume.
 */

static int
ngx_ssl_session_sync_ticket_opened(SSL *ssl, SSL_SESSION *session,
    const u_char *name, size_t name_len, SSL_TICKET_STATUS status, void *data)
{
    const char                        *reason;
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_ticket_e      ticket;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_known(ssl);

    if (hs == NULL || hs->ticket == NGX_SSL_SESSION_SYNC_TICKET_NONE) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }

    ticket = hs->ticket;
    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_NONE;

    reason = "it is damaged";

    if (status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW) {
        reason = ngx_ssl_session_sync_ticket_refusal(ssl, hs, session,
                                                     ticket);
    }

    counters = hs->sync ? ngx_ssl_session_sync_counters(hs->sync->cluster)
                        : NULL;

    if (reason) {
        c = ngx_ssl_get_connection(ssl);

        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "ssl_session_sync: a ticket does not resume: %s",
                      reason);

        if (counters) {
            (void) ngx_atomic_fetch_add(&counters->refused_binding, 1);
        }

        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }

    if (ticket == NGX_SSL_SESSION_SYNC_TICKET_FILE) {
        (void) ngx_atomic_fetch_add(&counters->file_key, 1);
    }

    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_OPENED;

    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}


static const char *
ngx_ssl_session_sync_ticket_refusal(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session,
    ngx_ssl_session_sync_ticket_e ticket)
{
    time_t       limit;
    const char  *reason;

    if (ticket == NGX_SSL_SESSION_SYNC_TICKET_PLAIN) {
        return ngx_ssl_session_sync_plain_refusal(hs, session);
    }

    limit = ngx_ssl_session_sync_limit(ssl, hs->sync);

    if (ticket == NGX_SSL_SESSION_SYNC_TICKET_FILE) {

        hs->made = (time_t) SSL_SESSION_get_time(session);

        return ngx_ssl_session_sync_file_refusal(&hs->sync->trust, session,
                                               &hs->sni, limit,
                                               hs->sync->select != NULL);
    }

    reason = ngx_ssl_session_sync_refusal(&hs->sync->trust, session,
                                          &hs->sni,
                                          ngx_ssl_session_sync_generation(
                                                        hs->sync->cluster),
                                          limit);

    if (reason == NULL
        && ngx_ssl_session_sync_adopt(ssl, hs, session) != NGX_OK)
    {
        reason = "it has no session ID context";
    }

    return reason;
}
