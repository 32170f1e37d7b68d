
/*
 * Session IDs of a cluster: makes them, and checks those that clients offer
 * before the session is looked up anywhere.
 */


#include "ngx_ssl_session_sync_lookup.h"


static void ngx_ssl_session_sync_accept(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id,
    const sss_key_t *key);
static ngx_uint_t ngx_ssl_session_sync_tls13(SSL *ssl, uint64_t options);


ngx_int_t
ngx_ssl_session_sync_wanted(SSL *ssl, const sss_hello_offer_t *offer,
    char *name, ngx_uint_t *single)
{
    size_t                             len;
    uint64_t                           options;
    const u_char                      *id;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_known(ssl);

    ngx_ssl_session_sync_announce(ssl, hs, &offer->sni);

    if (hs->sync == NULL || hs->sync->cluster->lookups == NULL) {
        return NGX_DECLINED;
    }

    options = ngx_ssl_session_sync_options(ssl, hs);

    if (offer->tls13 && ngx_ssl_session_sync_tls13(ssl, options)) {
        *single = 1;
        id = offer->psk_id;
        len = offer->psk_len;

        if (!(options & SSL_OP_NO_TICKET)) {
            return NGX_DECLINED;
        }

    } else {
        *single = 0;
        id = offer->id;
        len = offer->id_len;

        if (offer->ticket && !(options & SSL_OP_NO_TICKET)) {
            return NGX_DECLINED;
        }
    }

    if (len == 0) {
        return NGX_DECLINED;
    }

    key = ngx_ssl_session_sync_judge(hs, id, len);

    if (key == NULL) {
        return NGX_DECLINED;
    }

    if (*single == 0) {
        hs->local = ngx_ssl_session_sync_get_local(ssl, id, len);

        if (hs->local) {
            return NGX_DECLINED;
        }
    }

    sss_session_name(hs->sync->cluster->lookups->keys, key, id, name);

    return NGX_OK;
}


/* Until nginx 1.29.2, OpenSSL goes by the listener's. */

uint64_t
ngx_ssl_session_sync_options(SSL *ssl, ngx_ssl_session_sync_handshake_t *hs)
{
    return NGX_SSL_SESSION_SYNC_EARLY_NAME
           ? SSL_CTX_get_options(hs->sync->ssl_ctx)
           : SSL_get_options(ssl);
}


/*
 * Only a handshake with the filter gets an ID of the cluster: without it the
 * session could never be looked up in memcached.
 */

ngx_int_t
ngx_ssl_session_sync_mint(SSL *ssl, u_char *id, unsigned int len)
{
    const sss_key_t                   *key;
    ngx_ssl_session_sync_cluster_t    *cluster;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_known(ssl);

    if (hs == NULL || !hs->filtered || len != SSS_SESSION_ID
        || !ngx_ssl_session_sync_by_id(ssl)
        || ngx_ssl_session_sync_look(ssl, hs) != NGX_OK
        || hs->sync == NULL || hs->sync->cluster->lookups == NULL)
    {
        return NGX_DECLINED;
    }

    cluster = hs->sync->cluster;

    key = ngx_ssl_session_sync_key(cluster,
                                   ngx_ssl_session_sync_view(cluster),
                                   ngx_ssl_session_sync_now());

    if (key == NULL
        || sss_session_id_mint(cluster->lookups->keys, key,
                               hs->sync->trust.scope, &hs->sni, id)
           != 0)
    {
        return NGX_DECLINED;
    }

    ngx_ssl_session_sync_accept(hs, id, key);

    return NGX_OK;
}


const sss_key_t *
ngx_ssl_session_sync_judge(ngx_ssl_session_sync_handshake_t *hs,
    const u_char *id, size_t len)
{
    uint64_t                          now;
    const sss_key_t                  *key;
    const sss_ring_t                 *ring;
    sss_session_keys_t               *keys;
    ngx_ssl_session_sync_counters_t  *counters;

    now = ngx_ssl_session_sync_now() / 1000;
    keys = hs->sync->cluster->lookups->keys;
    ring = ngx_ssl_session_sync_view(hs->sync->cluster);

    key = sss_session_id_accept(keys, ring, id, len, hs->sync->trust.scope,
                                &hs->sni, now);
    if (key) {
        ngx_ssl_session_sync_accept(hs, id, key);
        return key;
    }

    hs->accepted = 0;
    hs->judged_len = ngx_min(len, SSS_SESSION_ID);
    ngx_memcpy(hs->judged, id, hs->judged_len);

    counters = ngx_ssl_session_sync_counters(hs->sync->cluster);

    if (sss_session_id_verify(keys, ring, id, len, now)) {
        (void) ngx_atomic_fetch_add(&counters->refused_id, 1);

    } else {
        (void) ngx_atomic_fetch_add(&counters->forged, 1);
    }

    return NULL;
}


static void
ngx_ssl_session_sync_accept(ngx_ssl_session_sync_handshake_t *hs,
    const u_char *id, const sss_key_t *key)
{
    hs->accepted = 1;
    hs->judged_len = SSS_SESSION_ID;
    ngx_memcpy(hs->judged, id, SSS_SESSION_ID);
    ngx_memcpy(hs->key, key->name, SSS_KEY_NAME);
}


ngx_uint_t
ngx_ssl_session_sync_is_judged(ngx_ssl_session_sync_handshake_t *hs,
    const u_char *id, size_t len)
{
    return hs->judged_len == len && ngx_memcmp(hs->judged, id, len) == 0;
}


const sss_key_t *
ngx_ssl_session_sync_judged_key(ngx_ssl_session_sync_handshake_t *hs)
{
    const sss_key_t  *key;

    if (!hs->accepted) {
        return NULL;
    }

    key = sss_ring_find(ngx_ssl_session_sync_view(hs->sync->cluster),
                        hs->key);

    if (key && key->expires <= ngx_ssl_session_sync_now() / 1000) {
        return NULL;
    }

    return key;
}


ngx_uint_t
ngx_ssl_session_sync_by_id(SSL *ssl)
{
    return SSL_version(ssl) != TLS1_3_VERSION
           || (SSL_get_options(ssl) & SSL_OP_NO_TICKET);
}


static ngx_uint_t
ngx_ssl_session_sync_tls13(SSL *ssl, uint64_t options)
{
    int  max;

    max = SSL_get_max_proto_version(ssl);

    return !(options & SSL_OP_NO_TLSv1_3)
           && (max == 0 || max >= TLS1_3_VERSION);
}
