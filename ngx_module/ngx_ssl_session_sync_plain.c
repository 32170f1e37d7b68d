
/*
 * Tickets of servers that are "off" on a listener that synchronises.
 *
 * All servers of a listener share the ticket callback of its default server,
 * so that nginx's own is not called any more.  For servers that are "off" this
 * file does what nginx would do, with the same keys.
 */


#include "ngx_ssl_session_sync_ticket.h"


static ngx_ssl_session_sync_file_key_t *ngx_ssl_session_sync_plain_key(
    SSL_CTX *ssl_ctx, const u_char *name, ngx_uint_t *first);
static int ngx_ssl_session_sync_plain_openssl(ngx_connection_t *c,
    u_char *name, u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc);
static void ngx_ssl_session_sync_plain_material(
    const ngx_ssl_session_sync_file_key_t *key,
    ngx_ssl_session_sync_material_t *material);

#if (NGX_SSL_SESSION_SYNC_SHARED_KEYS)
static ngx_int_t ngx_ssl_session_sync_plain_rotate(SSL_CTX *ssl_ctx,
    ngx_log_t *log);
static ngx_int_t ngx_ssl_session_sync_plain_step(ngx_ssl_ticket_key_t *key,
    time_t now, time_t needed);
static ngx_int_t ngx_ssl_session_sync_plain_new(ngx_ssl_ticket_key_t *key);
#else
#define ngx_ssl_session_sync_plain_rotate(ssl_ctx, log)  NGX_OK
#endif


ngx_int_t
ngx_ssl_session_sync_file_key(SSL_CTX *ssl_ctx, const u_char *name,
    ngx_ssl_session_sync_material_t *material)
{
    ngx_uint_t                        first;
    ngx_ssl_session_sync_file_key_t  *key;

    key = ngx_ssl_session_sync_plain_key(ssl_ctx, name, &first);

    if (key == NULL || ngx_ssl_session_sync_key_in_memory(key)) {
        return NGX_DECLINED;
    }

    ngx_ssl_session_sync_plain_material(key, material);

    return NGX_OK;
}


int
ngx_ssl_session_sync_plain(ngx_connection_t *c, u_char *name, u_char *iv,
    EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc)
{
    SSL_CTX                          *ssl_ctx;
    ngx_uint_t                        first;
    ngx_ssl_session_sync_material_t   material;
    ngx_ssl_session_sync_file_key_t  *key;

    ssl_ctx = c->ssl->session_ctx;

    if (ngx_ssl_session_sync_plain_rotate(ssl_ctx, c->log) != NGX_OK) {
        return -1;
    }

    if (SSL_CTX_get_ex_data(ssl_ctx, ngx_ssl_session_sync_file_keys_index)
        == NULL)
    {
        return ngx_ssl_session_sync_plain_openssl(c, name, iv, cipher, mac,
                                                  enc);
    }

    key = ngx_ssl_session_sync_plain_key(ssl_ctx, enc ? NULL : name, &first);

    if (key == NULL) {
        return enc ? -1 : 0;
    }

    ngx_ssl_session_sync_plain_material(key, &material);

    if (ngx_ssl_session_sync_use(c, &material, iv, cipher, mac, enc)
        != NGX_OK)
    {
        return -1;
    }

    if (enc) {
        ngx_memcpy(name, key->name, SSS_KEY_NAME);
        return 1;
    }

    if (NGX_SSL_SESSION_SYNC_RENEW_TLS13
        && SSL_version(c->ssl->connection) == TLS1_3_VERSION)
    {
        return 2;
    }

    return (!first && ngx_ssl_session_sync_key_renews(key)) ? 2 : 1;
}


/*
 * Uses the random keys that OpenSSL has made for the SSL_CTX, as it does
 * without a ticket callback.  They never change.
 */

static int
ngx_ssl_session_sync_plain_openssl(ngx_connection_t *c, u_char *name,
    u_char *iv, EVP_CIPHER_CTX *cipher, HMAC_CTX *mac, int enc)
{
    int                              rc;
    u_char                           keys[80];
    ngx_ssl_session_sync_material_t  material;

    if (SSL_CTX_get_tlsext_ticket_keys(c->ssl->session_ctx, keys,
                                       sizeof(keys))
        != 1)
    {
        return 0;
    }

    material.name = keys;
    material.hmac = keys + 16;
    material.aes = keys + 48;
    material.size = 32;

    if (!enc && ngx_memcmp(name, keys, SSS_KEY_NAME) != 0) {
        rc = 0;

    } else if (ngx_ssl_session_sync_use(c, &material, iv, cipher, mac, enc)
               != NGX_OK)
    {
        rc = -1;

    } else {
        rc = 1;
    }

    if (rc == 1 && enc) {
        ngx_memcpy(name, keys, SSS_KEY_NAME);

    } else if (rc == 1 && SSL_version(c->ssl->connection) == TLS1_3_VERSION) {
        rc = 2;
    }

    ngx_explicit_memzero(keys, sizeof(keys));

    return rc;
}


/*
 * Returns nginx's key with this name, or, if "name" is NULL, the one that
 * encrypts; NULL if there is none.
 */

static ngx_ssl_session_sync_file_key_t *
ngx_ssl_session_sync_plain_key(SSL_CTX *ssl_ctx, const u_char *name,
    ngx_uint_t *first)
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

        if (name == NULL || ngx_memcmp(key[i].name, name, SSS_KEY_NAME) == 0)
        {
            *first = (i == 0);
            return &key[i];
        }
    }

    return NULL;
}


static void
ngx_ssl_session_sync_plain_material(
    const ngx_ssl_session_sync_file_key_t *key,
    ngx_ssl_session_sync_material_t *material)
{
    material->name = key->name;
    material->aes = key->aes_key;
    material->hmac = key->hmac_key;
    material->size = (key->size == 48) ? 16 : 32;
}


const char *
ngx_ssl_session_sync_plain_refusal(ngx_ssl_session_sync_handshake_t *hs,
    SSL_SESSION *session)
{
    /*
     * The connection has got this module's session ID context, so OpenSSL no
     * longer compares that of the listener.
     */

    if (hs->adopted) {
        return "the server name changed after a HelloRetryRequest";
    }

    if (ngx_ssl_session_sync_made(session) != -1) {
        return "it is of a server that synchronises";
    }

    return NULL;
}


#if (NGX_SSL_SESSION_SYNC_SHARED_KEYS)

/*
 * nginx has three keys in its shared cache: the current, the previous and the
 * next one.  Each worker has a copy, which it updates when the current key
 * would expire before a session that is made now, or when the previous key has
 * expired.  This does the same as ngx_ssl_rotate_ticket_keys() of nginx.
 */

static ngx_int_t
ngx_ssl_session_sync_plain_rotate(SSL_CTX *ssl_ctx, ngx_log_t *log)
{
    time_t                    now, needed;
    ngx_int_t                 rc;
    ngx_array_t              *keys;
    ngx_shm_zone_t           *zone;
    ngx_slab_pool_t          *shpool;
    ngx_ssl_ticket_key_t     *key;
    ngx_ssl_session_cache_t  *cache;

    keys = SSL_CTX_get_ex_data(ssl_ctx, ngx_ssl_ticket_keys_index);
    key = keys ? keys->elts : NULL;

    if (key == NULL || !key[0].shared) {
        return NGX_OK;
    }

    now = ngx_time();
    needed = now + SSL_CTX_get_timeout(ssl_ctx);

    if (key[0].expire >= needed && key[1].expire >= now) {
        return NGX_OK;
    }

    zone = SSL_CTX_get_ex_data(ssl_ctx, ngx_ssl_session_cache_index);

    cache = zone->data;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    ngx_shmtx_lock(&shpool->mutex);

    rc = ngx_ssl_session_sync_plain_step(cache->ticket_keys, now, needed);

    if (rc == NGX_OK) {
        ngx_memcpy(key, cache->ticket_keys, 2 * sizeof(ngx_ssl_ticket_key_t));
    }

    ngx_shmtx_unlock(&shpool->mutex);

    if (rc != NGX_OK) {
        ngx_ssl_error(NGX_LOG_ALERT, log, 0, "RAND_bytes() failed");
    }

    return rc;
}


static ngx_int_t
ngx_ssl_session_sync_plain_step(ngx_ssl_ticket_key_t *key, time_t now,
    time_t needed)
{
    if (key[0].expire == 0) {

        if (ngx_ssl_session_sync_plain_new(&key[0]) != NGX_OK) {
            return NGX_ERROR;
        }

        key[0].expire = needed;
        key[2] = key[0];
    }

    if (key[1].expire < now) {
        key[1] = key[0];
        key[0] = key[2];

        if (ngx_ssl_session_sync_plain_new(&key[2]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    key[0].expire = ngx_max(key[0].expire, needed);

    return NGX_OK;
}


static ngx_int_t
ngx_ssl_session_sync_plain_new(ngx_ssl_ticket_key_t *key)
{
    if (RAND_bytes(key->name, 16) != 1
        || RAND_bytes(key->hmac_key, 32) != 1
        || RAND_bytes(key->aes_key, 32) != 1)
    {
        return NGX_ERROR;
    }

    key->expire = 0;
    key->size = 80;
    key->shared = 1;

    return NGX_OK;
}

#endif
