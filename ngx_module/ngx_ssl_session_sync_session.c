
/*
 * OpenSSL's hooks for sessions that are known by an ID: those of TLS 1.2
 * without a ticket, and of TLS 1.3 where tickets are off, whose ID travels as
 * a PSK identity.
 *
 * nginx's own hooks are called first and keep the cache of this host; what
 * memcached had comes into that cache, too.
 *
 * In TLS 1.3 a session is good for one handshake: whoever removes it from
 * memcached may use it, and nobody while memcached does not answer.  So
 * nginx's cache does not get it.
 */


#include "ngx_ssl_session_sync_lookup.h"


static int ngx_ssl_session_sync_generate(SSL *ssl, u_char *id,
    unsigned int *len);
static int ngx_ssl_session_sync_new(SSL *ssl, SSL_SESSION *session);
static void ngx_ssl_session_sync_store(SSL *ssl,
    ngx_ssl_session_sync_ctx_t *sync, SSL_SESSION *session);
static SSL_SESSION *ngx_ssl_session_sync_get(SSL *ssl, const u_char *id,
    int len, int *copy);
static SSL_SESSION *ngx_ssl_session_sync_get_plain(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id);
static SSL_SESSION *ngx_ssl_session_sync_get_shared(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_key_t *key,
    const u_char *id);
static SSL_SESSION *ngx_ssl_session_sync_get_local(SSL *ssl,
    const u_char *id);
static SSL_SESSION *ngx_ssl_session_sync_open(
    ngx_ssl_session_sync_handshake_t *hs, const sss_key_t *key,
    const u_char *id);
static void ngx_ssl_session_sync_remove(SSL_CTX *ssl_ctx,
    SSL_SESSION *session);
static const sss_key_t *ngx_ssl_session_sync_judge(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);
static void ngx_ssl_session_sync_accept(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id,
    const sss_key_t *key);
static ngx_uint_t ngx_ssl_session_sync_is_judged(
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);
static const sss_key_t *ngx_ssl_session_sync_judged_key(
    ngx_ssl_session_sync_handshake_t *hs);
static ngx_uint_t ngx_ssl_session_sync_by_id(SSL *ssl);
static ngx_uint_t ngx_ssl_session_sync_tls13(SSL *ssl, uint64_t options);


ngx_int_t
ngx_ssl_session_sync_session_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log)
{
    SSL_CTX  *ssl_ctx;

    ssl_ctx = sync->ssl_ctx;

    if (sync->cluster->servers.nelts == 0
        || !(SSL_CTX_get_session_cache_mode(ssl_ctx) & SSL_SESS_CACHE_SERVER))
    {
        return NGX_OK;
    }

    sync->ids = 1;
    sync->cluster->ids++;

    /* OpenSSL's own cache knows neither scope nor name: memcached serves */

    SSL_CTX_set_session_cache_mode(ssl_ctx,
                                SSL_CTX_get_session_cache_mode(ssl_ctx)
                                |SSL_SESS_CACHE_NO_INTERNAL);

    sync->new_session = SSL_CTX_sess_get_new_cb(ssl_ctx);
    sync->get_session = SSL_CTX_sess_get_get_cb(ssl_ctx);
    sync->remove_session = SSL_CTX_sess_get_remove_cb(ssl_ctx);

    SSL_CTX_sess_set_new_cb(ssl_ctx, ngx_ssl_session_sync_new);
    SSL_CTX_sess_set_get_cb(ssl_ctx, ngx_ssl_session_sync_get);
    SSL_CTX_sess_set_remove_cb(ssl_ctx, ngx_ssl_session_sync_remove);

    if (SSL_CTX_set_generate_session_id(ssl_ctx,
                                        ngx_ssl_session_sync_generate)
        != 1)
    {
        ngx_ssl_error(NGX_LOG_EMERG, log, 0,
                      "SSL_CTX_set_generate_session_id() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_wanted(SSL *ssl, const sss_hello_offer_t *offer,
    char *name, ngx_uint_t *single)
{
    size_t                             len;
    uint64_t                           options;
    const u_char                      *id;
    const sss_key_t                   *key;
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_handshake_t  *hs;

    c = ngx_ssl_get_connection(ssl);
    hs = ngx_ssl_session_sync_handshake(ssl);

    hs->sni = offer->sni;
    hs->sync = ngx_ssl_session_sync_selected(c, &hs->sni);
    hs->offered = 1;

    if (hs->sync == NULL || hs->sync->cluster->lookups == NULL) {
        return NGX_DECLINED;
    }

    /* until nginx 1.29.2, OpenSSL goes by the listener's options here */

    options = NGX_SSL_SESSION_SYNC_EARLY_NAME
              ? SSL_CTX_get_options(hs->sync->ssl_ctx)
              : SSL_get_options(ssl);

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
        hs->local = ngx_ssl_session_sync_get_local(ssl, id);

        if (hs->local) {
            return NGX_DECLINED;
        }
    }

    sss_session_name(hs->sync->cluster->lookups->keys, key, id, name);

    return NGX_OK;
}


static int
ngx_ssl_session_sync_generate(SSL *ssl, u_char *id, unsigned int *len)
{
    const sss_key_t                   *key;
    ngx_ssl_session_sync_cluster_t    *cluster;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_handshake(ssl);

    if (hs && hs->offered && hs->sync && hs->sync->cluster->lookups
        && *len == SSS_SESSION_ID && ngx_ssl_session_sync_by_id(ssl))
    {
        cluster = hs->sync->cluster;

        key = ngx_ssl_session_sync_key(cluster,
                                       ngx_ssl_session_sync_view(cluster),
                                       ngx_ssl_session_sync_now());

        if (key
            && sss_session_id_mint(cluster->lookups->keys, key,
                                   hs->sync->scope, &hs->sni, id)
               == 0)
        {
            ngx_ssl_session_sync_accept(hs, id, key);
            return 1;
        }
    }

    return RAND_bytes(id, (int) *len) == 1;
}


static int
ngx_ssl_session_sync_new(SSL *ssl, SSL_SESSION *session)
{
    ngx_connection_t            *c;
    ngx_ssl_session_sync_ctx_t  *sync, *listener;

    c = ngx_ssl_get_connection(ssl);

    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);
    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));

    if (sync && sync->cluster->lookups && ngx_ssl_session_sync_by_id(ssl)) {

        ngx_ssl_session_sync_store(ssl, sync, session);

        /* good for one handshake, it resumes from memcached alone */

        if (SSL_version(ssl) == TLS1_3_VERSION) {
            return 0;
        }
    }

    return (listener && listener->new_session)
           ? listener->new_session(ssl, session) : 0;
}


static void
ngx_ssl_session_sync_store(SSL *ssl, ngx_ssl_session_sync_ctx_t *sync,
    SSL_SESSION *session)
{
    int                                len;
    char                               name[SSS_NAME_SIZE];
    u_char                            *plain, *sealed, *p;
    uint32_t                           ttl;
    unsigned int                       id_len;
    const u_char                      *id;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_cluster_t    *cluster;
    ngx_ssl_session_sync_handshake_t  *hs;

    cluster = sync->cluster;
    hs = ngx_ssl_session_sync_handshake(ssl);
    id = SSL_SESSION_get_id(session, &id_len);

    if (hs == NULL || !hs->offered || hs->sync != sync) {
        return;
    }

    /* it was accepted when it was minted */

    key = ngx_ssl_session_sync_is_judged(hs, id, id_len)
          ? ngx_ssl_session_sync_judged_key(hs) : NULL;

    if (key == NULL) {
        return;
    }

    len = i2d_SSL_SESSION(session, NULL);

    if (len <= 0 || len > SSS_ENGINE_VALUE - SSS_SESSION_OVERHEAD) {
        return;
    }

    plain = ngx_alloc(len * 2 + SSS_SESSION_OVERHEAD, ngx_cycle->log);
    if (plain == NULL) {
        return;
    }

    p = plain;
    (void) i2d_SSL_SESSION(session, &p);

    sealed = plain + len;
    ttl = (uint32_t) ngx_max(SSL_SESSION_get_timeout(session), 1);

    if (sss_session_seal(cluster->lookups->keys, key,
                         (char *) cluster->ns.data, cluster->ns.len, id,
                         sync->scope, &hs->sni, plain, len, sealed)
        == 0)
    {
        sss_session_name(cluster->lookups->keys, key, id, name);

        ngx_ssl_session_sync_put(cluster, name, sealed,
                                 len + SSS_SESSION_OVERHEAD, ttl);
    }

    ngx_explicit_memzero(plain, len);
    ngx_free(plain);
}


static SSL_SESSION *
ngx_ssl_session_sync_get(SSL *ssl, const u_char *id, int len, int *copy)
{
    SSL_SESSION                       *session;
    const sss_key_t                   *key;
    ngx_ssl_session_sync_handshake_t  *hs;

    hs = ngx_ssl_session_sync_handshake(ssl);

    /* whatever is returned is handed over */

    *copy = 0;

    if (hs == NULL || !hs->offered) {
        return NULL;
    }

    if (hs->sync == NULL || hs->sync->cluster->lookups == NULL) {
        return ngx_ssl_session_sync_get_plain(ssl, hs, id);
    }

    if (ngx_ssl_session_sync_is_judged(hs, id, len)) {

        /* counted by the filter */

        key = ngx_ssl_session_sync_judged_key(hs);

    } else {
        key = ngx_ssl_session_sync_judge(hs, id, len);
        hs->answer = SSS_ENGINE_MISS;
    }

    if (key == NULL) {
        return NULL;
    }

    if (SSL_version(ssl) != TLS1_3_VERSION) {
        session = ngx_ssl_session_sync_get_shared(ssl, hs, key, id);

    } else if (hs->answer == SSS_ENGINE_HIT) {
        session = ngx_ssl_session_sync_open(hs, key, id);

    } else {

        /* without an answer, somebody else may have used it */

        session = NULL;
    }

    if (session && ngx_ssl_session_sync_adopt(ssl, session) != NGX_OK) {
        SSL_SESSION_free(session);
        return NULL;
    }

    return session;
}


/*
 * Names that are "off" share nginx's cache with the others of their listener,
 * and IDs of theirs are bound to nothing.
 */

static SSL_SESSION *
ngx_ssl_session_sync_get_plain(SSL *ssl, ngx_ssl_session_sync_handshake_t *hs,
    const u_char *id)
{
    SSL_SESSION  *session;

    session = ngx_ssl_session_sync_get_local(ssl, id);

    if (session && !ngx_ssl_session_sync_same_name(session, &hs->sni)) {
        SSL_SESSION_free(session);
        return NULL;
    }

    return session;
}


static SSL_SESSION *
ngx_ssl_session_sync_get_shared(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_key_t *key,
    const u_char *id)
{
    SSL_SESSION                 *session;
    ngx_connection_t            *c;
    ngx_ssl_session_sync_ctx_t  *listener;

    session = hs->local;
    hs->local = NULL;

    if (session) {
        return session;
    }

    if (hs->record == NULL) {
        return ngx_ssl_session_sync_get_local(ssl, id);
    }

    session = ngx_ssl_session_sync_open(hs, key, id);

    c = ngx_ssl_get_connection(ssl);
    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);

    if (session && listener && listener->new_session) {
        (void) listener->new_session(ssl, session);
    }

    return session;
}


static SSL_SESSION *
ngx_ssl_session_sync_get_local(SSL *ssl, const u_char *id)
{
    int                          copy;
    SSL_SESSION                 *session;
    ngx_connection_t            *c;
    ngx_ssl_session_sync_ctx_t  *listener;

    c = ngx_ssl_get_connection(ssl);
    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);

    if (listener == NULL || listener->get_session == NULL) {
        return NULL;
    }

    copy = 1;
    session = listener->get_session(ssl, id, SSS_SESSION_ID, &copy);

    if (session && copy) {
        SSL_SESSION_up_ref(session);
    }

    return session;
}


static SSL_SESSION *
ngx_ssl_session_sync_open(ngx_ssl_session_sync_handshake_t *hs,
    const sss_key_t *key, const u_char *id)
{
    long                              len;
    u_char                           *plain;
    SSL_SESSION                      *session;
    const u_char                     *p;
    ngx_ssl_session_sync_cluster_t   *cluster;
    ngx_ssl_session_sync_counters_t  *counters;

    if (hs->record == NULL) {
        return NULL;
    }

    cluster = hs->sync->cluster;
    session = NULL;

    plain = ngx_alloc(hs->record_len + 1, ngx_cycle->log);
    if (plain == NULL) {
        return NULL;
    }

    len = sss_session_open(cluster->lookups->keys, key,
                           (char *) cluster->ns.data, cluster->ns.len, id,
                           hs->sync->scope, &hs->sni, hs->record,
                           hs->record_len, plain);

    if (len > 0) {
        p = plain;
        session = d2i_SSL_SESSION(NULL, &p, len);

        if (session && p != plain + len) {
            SSL_SESSION_free(session);
            session = NULL;
        }

        ngx_explicit_memzero(plain, len);
    }

    ngx_free(plain);

    if (session) {
        hs->remote = 1;

    } else {
        ERR_clear_error();
        counters = ngx_ssl_session_sync_counters(cluster);
        (void) ngx_atomic_fetch_add(&counters->bad_sessions, 1);
    }

    return session;
}


static void
ngx_ssl_session_sync_remove(SSL_CTX *ssl_ctx, SSL_SESSION *session)
{
    char                             name[SSS_NAME_SIZE];
    unsigned int                     len;
    const u_char                    *id;
    const sss_key_t                 *key;
    ngx_ssl_session_sync_ctx_t      *sync;
    ngx_ssl_session_sync_lookups_t  *lookups;

    sync = ngx_ssl_session_sync_of(ssl_ctx);

    if (sync == NULL) {
        return;
    }

    if (sync->remove_session) {
        sync->remove_session(ssl_ctx, session);
    }

    /* OpenSSL empties its cache when a process ends, and in the master */

    lookups = sync->cluster->lookups;

    if (lookups == NULL) {
        return;
    }

    id = SSL_SESSION_get_id(session, &len);

    key = sss_session_id_verify(lookups->keys,
                                ngx_ssl_session_sync_view(sync->cluster), id,
                                len, ngx_ssl_session_sync_now() / 1000);

    if (key) {
        sss_session_name(lookups->keys, key, id, name);
        ngx_ssl_session_sync_drop(sync->cluster, name);
    }
}


/* Was the ID minted by this cluster, for this scope and name? */

static const sss_key_t *
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

    key = sss_session_id_accept(keys, ring, id, len, hs->sync->scope,
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


static ngx_uint_t
ngx_ssl_session_sync_is_judged(ngx_ssl_session_sync_handshake_t *hs,
    const u_char *id, size_t len)
{
    return hs->judged_len == len && ngx_memcmp(hs->judged, id, len) == 0;
}


/* NULL: it was refused, or its STEK has been forgotten since. */

static const sss_key_t *
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


/* With tickets, a session of TLS 1.3 is in the ticket and needs no ID. */

static ngx_uint_t
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
