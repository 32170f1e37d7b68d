
/*
 * OpenSSL's hooks for session tickets.
 *
 * The hooks belong to the SSL_CTX of the listener's default server and serve
 * every name on that listener.  OpenSSL opens a ticket before it calls nginx
 * to choose the server for the name, but after it has split the ClientHello
 * into extensions, so the name is read there.
 *
 * A ticket is bound by putting scope and name in front of what is MACed: with
 * another scope or name the MAC does not fit, and OpenSSL goes on to a full
 * handshake as with any ticket that it cannot open.
 */


#include "ngx_ssl_session_sync_lookup.h"


typedef struct {
    const u_char  *name;
    const u_char  *aes;
    const u_char  *hmac;
    size_t         size;                /* of the AES and HMAC key: 16, 32 */
} ngx_ssl_session_sync_material_t;


static int ngx_ssl_session_sync_ticket_callback(SSL *ssl, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc);
static int ngx_ssl_session_sync_encrypt(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_no_ticket(SSL *ssl, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_decrypt(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_decrypt_file(ngx_connection_t *c,
    ngx_ssl_session_sync_handshake_t *hs, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac);
static int ngx_ssl_session_sync_plain(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc);
static int ngx_ssl_session_sync_ticket_opened(SSL *ssl, SSL_SESSION *session,
    const u_char *name, size_t name_len, SSL_TICKET_STATUS status,
    void *data);
static ngx_uint_t ngx_ssl_session_sync_file_session(
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session);
static ngx_ssl_session_sync_file_key_t *ngx_ssl_session_sync_file_key(
    SSL_CTX *ssl_ctx, u_char *name);
static ngx_int_t ngx_ssl_session_sync_offered_name(SSL *ssl, sss_sni_t *sni);
static ngx_int_t ngx_ssl_session_sync_ticket_name(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, sss_sni_t *sni);
static ngx_int_t ngx_ssl_session_sync_use(EVP_CIPHER_CTX *cipher,
    HMAC_CTX *mac, ngx_ssl_session_sync_material_t *m, u_char *iv, int enc);
static ngx_int_t ngx_ssl_session_sync_bind(HMAC_CTX *mac, u_char *scope,
    sss_sni_t *sni);
static void ngx_ssl_session_sync_info(const SSL *ssl, int where, int ret);
static void ngx_ssl_session_sync_handshake_free(void *parent, void *ptr,
    CRYPTO_EX_DATA *ad, int index, long argl, void *argp);


static int                ngx_ssl_session_sync_ctx_index = -1;
static int                ngx_ssl_session_sync_index = -1;
static const EVP_CIPHER  *ngx_ssl_session_sync_aes128;
static const EVP_CIPHER  *ngx_ssl_session_sync_aes256;
static const EVP_MD      *ngx_ssl_session_sync_sha256;


ngx_int_t
ngx_ssl_session_sync_ticket_init(ngx_log_t *log)
{
    if (ngx_ssl_session_sync_index != -1) {
        return NGX_OK;
    }

    ngx_ssl_session_sync_aes128 = ngx_ssl_session_sync_cipher("AES-128-CBC");
    ngx_ssl_session_sync_aes256 = ngx_ssl_session_sync_cipher("AES-256-CBC");
    ngx_ssl_session_sync_sha256 = ngx_ssl_session_sync_digest("SHA256");

    ngx_ssl_session_sync_ctx_index = SSL_CTX_get_ex_new_index(0, NULL, NULL,
                                                              NULL, NULL);
    ngx_ssl_session_sync_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
                                       ngx_ssl_session_sync_handshake_free);

    if (ngx_ssl_session_sync_aes128 == NULL
        || ngx_ssl_session_sync_aes256 == NULL
        || ngx_ssl_session_sync_sha256 == NULL
        || ngx_ssl_session_sync_ctx_index == -1
        || ngx_ssl_session_sync_index == -1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0,
                      "ssl_session_sync: OpenSSL has no AES-CBC or SHA-256");
        return NGX_ERROR;
    }

    return ngx_ssl_session_sync_hold_init(log);
}


ngx_int_t
ngx_ssl_session_sync_ticket_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log)
{
    SSL_CTX  *ssl_ctx;

    ssl_ctx = sync->ssl_ctx;

    if (SSL_CTX_set_ex_data(ssl_ctx, ngx_ssl_session_sync_ctx_index, sync)
        == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0, "SSL_CTX_set_ex_data() failed");
        return NGX_ERROR;
    }

    ngx_ssl_session_sync_set_ticket_cb(ssl_ctx,
                                       ngx_ssl_session_sync_ticket_callback);

    if (SSL_CTX_set_session_ticket_cb(ssl_ctx, NULL,
                                      ngx_ssl_session_sync_ticket_opened,
                                      NULL)
        == 0)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0,
                      "SSL_CTX_set_session_ticket_cb() failed");
        return NGX_ERROR;
    }

    sync->info = SSL_CTX_get_info_callback(ssl_ctx);
    SSL_CTX_set_info_callback(ssl_ctx, ngx_ssl_session_sync_info);

    return ngx_ssl_session_sync_session_attach(sync, log);
}


void
ngx_ssl_session_sync_outcome(ngx_connection_t *c, ngx_str_t *value)
{
    SSL                               *ssl;
    ngx_ssl_session_sync_handshake_t  *hs;

    ngx_str_null(value);

    if (c->ssl == NULL) {
        return;
    }

    ssl = c->ssl->connection;

    if (ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl)) == NULL) {
        return;
    }

    if (!SSL_session_reused(ssl)) {
        ngx_str_set(value, "full");
        return;
    }

    hs = SSL_get_ex_data(ssl, ngx_ssl_session_sync_index);

    if (hs && hs->ticket == NGX_SSL_SESSION_SYNC_TICKET_OPENED) {
        ngx_str_set(value, "ticket");
        return;
    }

    if (hs && hs->remote) {
        ngx_str_set(value, "id-remote");
        return;
    }

    ngx_str_set(value, "id-local");
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


static int
ngx_ssl_session_sync_encrypt(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    SSL                               *ssl;
    sss_sni_t                          sni;
    sss_ring_t                        *ring;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_material_t    material;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    ssl = c->ssl->connection;
    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));

    if (sync == NULL) {
        return ngx_ssl_session_sync_plain(c, name, iv, cipher, mac, 1);
    }

    hs = SSL_get_ex_data(ssl, ngx_ssl_session_sync_index);

    if (ngx_ssl_session_sync_ticket_name(ssl, hs, &sni) != NGX_OK) {
        /* bound to nothing it would open anything */
        return ngx_ssl_session_sync_no_ticket(ssl, name, iv, cipher, mac);
    }

    ring = ngx_ssl_session_sync_view(sync->cluster);
    key = ngx_ssl_session_sync_key(sync->cluster, ring,
                                   ngx_ssl_session_sync_now());

    if (key == NULL) {
        ngx_log_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: cluster \"%V\" has no key",
                      &sync->cluster->name);
        return ngx_ssl_session_sync_no_ticket(ssl, name, iv, cipher, mac);
    }

    ngx_log_debug4(NGX_LOG_DEBUG_EVENT, c->log, 0,
                   "ssl session sync encrypt, key: %02xd%02xd%02xd%02xd",
                   key->name[0], key->name[1], key->name[2], key->name[3]);

    material.name = key->name;
    material.aes = key->aes;
    material.hmac = key->hmac;
    material.size = 32;

    if (RAND_bytes(iv, EVP_CIPHER_iv_length(ngx_ssl_session_sync_aes256))
        != 1
        || ngx_ssl_session_sync_use(cipher, mac, &material, iv, 1) != NGX_OK
        || ngx_ssl_session_sync_bind(mac, sync->scope, &sni) != NGX_OK)
    {
        ngx_ssl_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: ticket encryption failed");
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


/*
 * Zero makes OpenSSL send an empty ticket, which TLS 1.3 does not know and
 * OpenSSL 1.1.1 sends all the same: there it is one that nobody can open.
 */

static int
ngx_ssl_session_sync_no_ticket(SSL *ssl, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    int                              rc;
    u_char                           keys[80];
    ngx_ssl_session_sync_material_t  material;

    if (SSL_version(ssl) != TLS1_3_VERSION) {
        return 0;
    }

    material.name = keys;
    material.hmac = keys + 16;
    material.aes = keys + 48;
    material.size = 32;

    if (RAND_bytes(keys, sizeof(keys)) == 1
        && RAND_bytes(iv, EVP_CIPHER_iv_length(ngx_ssl_session_sync_aes256))
           == 1
        && ngx_ssl_session_sync_use(cipher, mac, &material, iv, 1) == NGX_OK)
    {
        ngx_memcpy(name, keys, SSS_KEY_NAME);
        rc = 1;

    } else {
        rc = -1;
    }

    ngx_explicit_memzero(keys, sizeof(keys));

    return rc;
}


static int
ngx_ssl_session_sync_decrypt(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac)
{
    SSL                               *ssl;
    uint64_t                           now;
    sss_ring_t                        *ring;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_cluster_t    *cluster;
    ngx_ssl_session_sync_material_t    material;
    ngx_ssl_session_sync_handshake_t  *hs;

    ssl = c->ssl->connection;

    hs = ngx_ssl_session_sync_handshake(ssl);
    if (hs == NULL) {
        return 0;
    }

    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_NONE;

    if (ngx_ssl_session_sync_offered_name(ssl, &hs->sni) != NGX_OK) {
        hs->offered = 0;
        return 0;
    }

    sync = ngx_ssl_session_sync_selected(c, &hs->sni);

    hs->offered = 1;
    hs->sync = sync;

    if (sync == NULL) {
        return ngx_ssl_session_sync_plain(c, name, iv, cipher, mac, 0);
    }

    cluster = sync->cluster;
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

    if (ngx_ssl_session_sync_use(cipher, mac, &material, iv, 0) != NGX_OK
        || ngx_ssl_session_sync_bind(mac, sync->scope, &hs->sni) != NGX_OK)
    {
        ngx_ssl_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: ticket decryption failed");
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
    ngx_ssl_session_sync_file_key_t  *key;
    ngx_ssl_session_sync_material_t   material;
    ngx_ssl_session_sync_counters_t  *counters;

    counters = ngx_ssl_session_sync_counters(hs->sync->cluster);
    key = ngx_ssl_session_sync_file_key(c->ssl->session_ctx, name);

    if (key == NULL) {
        (void) ngx_atomic_fetch_add(&counters->unknown_key, 1);
        return 0;
    }

    material.aes = key->aes_key;
    material.hmac = key->hmac_key;
    material.size = (key->size == 48) ? 16 : 32;

    if (ngx_ssl_session_sync_use(cipher, mac, &material, iv, 0) != NGX_OK) {
        ngx_ssl_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: ticket decryption failed");
        return -1;
    }

    hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_FILE;

    return 2;
}


/*
 * A server that is "off" on a listener that synchronises: its tickets are
 * those of plain nginx, under the key file of the listener or else the keys
 * that OpenSSL made for it.
 */

static int
ngx_ssl_session_sync_plain(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc)
{
    int                               rc;
    u_char                            keys[80];
    SSL_CTX                          *ssl_ctx;
    ngx_ssl_session_sync_file_key_t  *key;
    ngx_ssl_session_sync_material_t   material;

    ssl_ctx = c->ssl->session_ctx;
    key = ngx_ssl_session_sync_file_key(ssl_ctx, enc ? NULL : name);
    rc = 0;

    if (SSL_CTX_get_tlsext_ticket_keys(ssl_ctx, keys, sizeof(keys)) != 1) {
        return 0;
    }

    if (key) {
        material.name = key->name;
        material.hmac = key->hmac_key;
        material.aes = key->aes_key;
        material.size = (key->size == 48) ? 16 : 32;

    } else {
        material.name = keys;
        material.hmac = keys + 16;
        material.aes = keys + 48;
        material.size = 32;

        if (!enc && ngx_memcmp(name, keys, SSS_KEY_NAME) != 0) {
            goto done;
        }
    }

    if (enc) {
        if (RAND_bytes(iv, EVP_CIPHER_iv_length(ngx_ssl_session_sync_aes256))
            != 1)
        {
            rc = -1;
            goto done;
        }

        ngx_memcpy(name, material.name, SSS_KEY_NAME);
    }

    if (ngx_ssl_session_sync_use(cipher, mac, &material, iv, enc) != NGX_OK) {
        ngx_ssl_error(NGX_LOG_ALERT, c->log, 0,
                      "ssl_session_sync: plain ticket failed");
        rc = -1;
        goto done;
    }

    rc = 1;

    if (NGX_SSL_SESSION_SYNC_RENEW_TLS13 && !enc
        && SSL_version(c->ssl->connection) == TLS1_3_VERSION)
    {
        rc = 2;
    }

done:

    ngx_explicit_memzero(keys, sizeof(keys));

    return rc;
}


/*
 * OpenSSL calls this when it has tried a ticket.  The answers are what it
 * would have done by itself, but for sessions of key files.
 */

static int
ngx_ssl_session_sync_ticket_opened(SSL *ssl, SSL_SESSION *session,
    const u_char *name, size_t name_len, SSL_TICKET_STATUS status, void *data)
{
    ngx_uint_t                         ticket;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = SSL_get_ex_data(ssl, ngx_ssl_session_sync_index);
    ticket = NGX_SSL_SESSION_SYNC_TICKET_NONE;
    counters = NULL;

    if (hs && hs->ticket != NGX_SSL_SESSION_SYNC_TICKET_NONE) {
        ticket = hs->ticket;
        hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_NONE;
        counters = ngx_ssl_session_sync_counters(hs->sync->cluster);
    }

    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {

        if (ticket == NGX_SSL_SESSION_SYNC_TICKET_KNOWN) {
            (void) ngx_atomic_fetch_add(&counters->refused_binding, 1);
        }

        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }

    if (ticket == NGX_SSL_SESSION_SYNC_TICKET_FILE) {

        if (!ngx_ssl_session_sync_file_session(hs, session)) {
            (void) ngx_atomic_fetch_add(&counters->refused_binding, 1);
            return SSL_TICKET_RETURN_IGNORE_RENEW;
        }

        (void) ngx_atomic_fetch_add(&counters->file_key, 1);
    }

    if (ticket == NGX_SSL_SESSION_SYNC_TICKET_KNOWN
        && ngx_ssl_session_sync_adopt(ssl, session) != NGX_OK)
    {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }

    if (ticket != NGX_SSL_SESSION_SYNC_TICKET_NONE) {
        hs->ticket = NGX_SSL_SESSION_SYNC_TICKET_OPENED;
    }

    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
                                        : SSL_TICKET_RETURN_USE_RENEW;
}


/*
 * nginx makes the session ID context, which OpenSSL is going to compare, from
 * the certificates of the server.  The scope and the name say better where a
 * session belongs, and have been checked by now; the certificates may differ
 * from host to host and change with every reload.
 */

ngx_int_t
ngx_ssl_session_sync_adopt(SSL *ssl, SSL_SESSION *session)
{
    unsigned int   len;
    const u_char  *context;

    context = SSL_SESSION_get0_id_context(session, &len);

    return SSL_set_session_id_context(ssl, context, len) == 1 ? NGX_OK
                                                              : NGX_ERROR;
}


/*
 * Tickets of key files are bound to nothing.  The session inside names the
 * server it was made for, where nginx has servers by name; which client
 * certificates were asked for it does not say, so that servers which ask for
 * them do without.
 */

static ngx_uint_t
ngx_ssl_session_sync_file_session(ngx_ssl_session_sync_handshake_t *hs,
    SSL_SESSION *session)
{
    if (hs->sync->verify) {
        return 0;
    }

    if (hs->sync->select == NULL) {
        return 1;
    }

    return ngx_ssl_session_sync_same_name(session, &hs->sni);
}


ngx_uint_t
ngx_ssl_session_sync_same_name(SSL_SESSION *session, sss_sni_t *sni)
{
    size_t       len;
    const char  *host;

    host = SSL_SESSION_get0_hostname(session);
    len = host ? ngx_strlen(host) : 0;

    return len == sni->len
           && ngx_strncasecmp((u_char *) host, sni->name, len) == 0;
}


/* The key of this name, or without a name the one that encrypts. */

static ngx_ssl_session_sync_file_key_t *
ngx_ssl_session_sync_file_key(SSL_CTX *ssl_ctx, u_char *name)
{
    ngx_uint_t                        i;
    ngx_array_t                      *keys;
    ngx_ssl_session_sync_file_key_t  *key;

    keys = SSL_CTX_get_ex_data(ssl_ctx, ngx_ssl_session_sync_file_keys_index);

    if (keys == NULL) {
        return NULL;
    }

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {

        if (ngx_ssl_session_sync_key_in_memory(&key[i])) {
            continue;
        }

        if (name == NULL
            || ngx_memcmp(key[i].name, name, SSS_KEY_NAME) == 0)
        {
            return &key[i];
        }
    }

    return NULL;
}


ngx_ssl_session_sync_ctx_t *
ngx_ssl_session_sync_selected(ngx_connection_t *c, sss_sni_t *sni)
{
    SSL_CTX                     *ssl_ctx;
    ngx_str_t                    name;
    ngx_ssl_session_sync_ctx_t  *listener;

    ssl_ctx = SSL_get_SSL_CTX(c->ssl->connection);

    /* never so while the ClientHello is still in the filter */

    if (ngx_ssl_session_sync_name_chosen(c)) {
        return ngx_ssl_session_sync_of(ssl_ctx);
    }

    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);

    if (listener && listener->select && sni->len) {
        name.len = sni->len;
        name.data = sni->name;
        ssl_ctx = listener->select(c, &name);
    }

    return ngx_ssl_session_sync_of(ssl_ctx);
}


static ngx_int_t
ngx_ssl_session_sync_offered_name(SSL *ssl, sss_sni_t *sni)
{
    size_t         len;
    const u_char  *ext;

    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len)
        == 0)
    {
        sni->len = 0;
        return NGX_OK;
    }

    return sss_sni_parse(ext, len, sni) == 0 ? NGX_OK : NGX_DECLINED;
}


/*
 * The name that a ticket about to be issued is bound to.  When a session of
 * TLS 1.2 is resumed by its ID, OpenSSL no longer has the name of this
 * handshake, only that of the session's first one.
 */

static ngx_int_t
ngx_ssl_session_sync_ticket_name(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, sss_sni_t *sni)
{
    const char  *name;

    if (hs && hs->offered) {
        *sni = hs->sni;
        return NGX_OK;
    }

    name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    if (name) {
        return sss_sni_set(sni, name, ngx_strlen(name)) == 0 ? NGX_OK
                                                             : NGX_DECLINED;
    }

    sni->len = 0;

    if (SSL_session_reused(ssl) && SSL_version(ssl) < TLS1_3_VERSION) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_use(EVP_CIPHER_CTX *cipher, HMAC_CTX *mac,
    ngx_ssl_session_sync_material_t *m, u_char *iv, int enc)
{
    const EVP_CIPHER  *aes;

    aes = (m->size == 16) ? ngx_ssl_session_sync_aes128
                          : ngx_ssl_session_sync_aes256;

    if (HMAC_Init_ex(mac, m->hmac, (int) m->size, ngx_ssl_session_sync_sha256,
                     NULL)
        != 1
        || EVP_CipherInit_ex(cipher, aes, NULL, m->aes, iv, enc) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_bind(HMAC_CTX *mac, u_char *scope, sss_sni_t *sni)
{
    size_t  len;
    u_char  binding[SSS_BINDING_MAX];

    len = sss_binding(scope, sni, binding);

    return HMAC_Update(mac, binding, len) == 1 ? NGX_OK : NGX_ERROR;
}


static void
ngx_ssl_session_sync_info(const SSL *ssl, int where, int ret)
{
    ngx_str_t                          outcome;
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_ctx_t        *sync;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));

    if (sync == NULL) {
        return;
    }

    if ((where & SSL_CB_HANDSHAKE_START) && sync->ids
        && sync->cluster->lookups)
    {
        ngx_ssl_session_sync_hold_push((SSL *) ssl, sync);

    } else if (ngx_ssl_session_sync_hold_pop((SSL *) ssl)
               && (where & SSL_CB_ACCEPT_LOOP) == SSL_CB_ACCEPT_LOOP)
    {
        /* nginx would take the filter for OpenSSL's buffer of writes */
        return;
    }

    if (sync->info) {
        sync->info(ssl, where, ret);
    }

    if (!(where & SSL_CB_HANDSHAKE_DONE)) {
        return;
    }

    hs = ngx_ssl_session_sync_handshake((SSL *) ssl);

    if (hs == NULL || hs->counted) {
        return;
    }

    hs->counted = 1;

    c = ngx_ssl_get_connection((SSL *) ssl);
    ngx_ssl_session_sync_outcome(c, &outcome);

    counters = ngx_ssl_session_sync_counters(sync->cluster);

    switch (outcome.data[outcome.len - 1]) {

    case 'l':
        (void) ngx_atomic_fetch_add(outcome.len == 4 ? &counters->full
                                                     : &counters->id_local,
                                    1);
        break;

    case 't':
        (void) ngx_atomic_fetch_add(&counters->resumed, 1);
        break;

    default:
        (void) ngx_atomic_fetch_add(&counters->id_remote, 1);
    }
}


ngx_ssl_session_sync_ctx_t *
ngx_ssl_session_sync_of(SSL_CTX *ssl_ctx)
{
    return SSL_CTX_get_ex_data(ssl_ctx, ngx_ssl_session_sync_ctx_index);
}


ngx_ssl_session_sync_handshake_t *
ngx_ssl_session_sync_handshake(SSL *ssl)
{
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = SSL_get_ex_data(ssl, ngx_ssl_session_sync_index);

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


/* SSL_free() comes before the pool of the connection is destroyed. */

static void
ngx_ssl_session_sync_handshake_free(void *parent, void *ptr,
    CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    ngx_ssl_session_sync_handshake_t  *hs = ptr;

    if (hs == NULL) {
        return;
    }

    if (hs->local) {
        SSL_SESSION_free(hs->local);
    }

    free(hs->record);
}
