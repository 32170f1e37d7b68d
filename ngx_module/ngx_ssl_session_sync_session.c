
/*
 * OpenSSL's callbacks for sessions by ID: those of TLS 1.2 without tickets,
 * and those of TLS 1.3 with "ssl_session_tickets off", whose ID is a PSK
 * identity.
 *
 * New sessions go to nginx's own callback, and thereby into the cache of this
 * host, and to memcached.  A session that was found in memcached is put into
 * the cache of this host when it comes to this worker for the second time.
 * Wherever a session was found, the rule of ngx_ssl_session_sync_trust.h
 * decides whether it may resume.
 *
 * A TLS 1.3 session with an ID of the cluster is good for one handshake: only
 * the host that removes it from memcached may use it, and none may while
 * memcached does not answer.  So it is not put into nginx's cache.  In
 * handshakes that cannot be held (QUIC, or no engine) IDs are random, not of
 * the cluster, and nginx's cache serves as usual.
 */


#include "ngx_ssl_session_sync_lookup.h"
#include "ngx_ssl_session_sync_ticket.h"


static int ngx_ssl_session_sync_generate(SSL *ssl, u_char *id,
    unsigned int *len);
static int ngx_ssl_session_sync_new(SSL *ssl, SSL_SESSION *session);
static ngx_int_t ngx_ssl_session_sync_store(
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session);
static SSL_SESSION *ngx_ssl_session_sync_get(SSL *ssl, const u_char *id,
    int len, int *copy);
static SSL_SESSION *ngx_ssl_session_sync_find_session(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len);
static SSL_SESSION *ngx_ssl_session_sync_get_shared(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const sss_key_t *key,
    const u_char *id);
static const char *ngx_ssl_session_sync_id_refusal(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session);
static SSL_SESSION *ngx_ssl_session_sync_open(
    ngx_ssl_session_sync_handshake_t *hs, const sss_key_t *key,
    const u_char *id);
static void ngx_ssl_session_sync_remove(SSL_CTX *ssl_ctx,
    SSL_SESSION *session);
static ngx_int_t ngx_ssl_session_sync_remove_from(
    ngx_ssl_session_sync_cluster_t *cluster, const u_char *id, size_t len);


ngx_int_t
ngx_ssl_session_sync_session_attach(ngx_ssl_session_sync_ctx_t *sync,
    ngx_log_t *log)
{
    long      mode;
    SSL_CTX  *ssl_ctx;

    ssl_ctx = sync->ssl_ctx;
    mode = SSL_CTX_get_session_cache_mode(ssl_ctx);

    if (!(mode & SSL_SESS_CACHE_SERVER)) {
        return NGX_OK;
    }

    sync->ids = 1;
    sync->builtin = !(mode & SSL_SESS_CACHE_NO_INTERNAL_STORE);

    if (sync->cluster->servers.nelts) {
        sync->cluster->ids++;
    }

    /* a session that OpenSSL finds in its own cache would escape the rule */

    SSL_CTX_set_session_cache_mode(ssl_ctx,
                                   mode|SSL_SESS_CACHE_NO_INTERNAL_LOOKUP);

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


static int
ngx_ssl_session_sync_generate(SSL *ssl, u_char *id, unsigned int *len)
{
    if (ngx_ssl_session_sync_mint(ssl, id, *len) == NGX_OK) {
        return 1;
    }

    return RAND_bytes(id, (int) *len) == 1;
}


static int
ngx_ssl_session_sync_new(SSL *ssl, SSL_SESSION *session)
{
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_ctx_t        *sync, *listener;
    ngx_ssl_session_sync_handshake_t  *hs;

    c = ngx_ssl_get_connection(ssl);
    hs = ngx_ssl_session_sync_known(ssl);

    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);
    sync = ngx_ssl_session_sync_of(SSL_get_SSL_CTX(ssl));

    if (sync == NULL) {

        /* see ngx_ssl_session_sync_plain_refusal() */

        if (hs && hs->adopted) {
            return 0;
        }

    } else if (ngx_ssl_session_sync_finish(ssl, sync, session) != NGX_OK) {
        return 0;

    } else if (hs && hs->named && hs->sync == sync
               && ngx_ssl_session_sync_by_id(ssl)
               && ngx_ssl_session_sync_store(hs, session) == NGX_OK
               && SSL_version(ssl) == TLS1_3_VERSION)
    {
        /* good for one handshake: it must not be in the cache of a host */

        return 0;
    }

    return (listener && listener->new_session)
           ? listener->new_session(ssl, session) : 0;
}


/*
 * Stores a session in memcached.  Returns NGX_DECLINED if its ID is not one of
 * the cluster, or if it is too large.
 */

static ngx_int_t
ngx_ssl_session_sync_store(ngx_ssl_session_sync_handshake_t *hs,
    SSL_SESSION *session)
{
    int                              len;
    char                             name[SSS_NAME_SIZE];
    u_char                          *plain, *sealed, *p;
    uint32_t                         ttl;
    unsigned int                     id_len;
    const u_char                    *id;
    const sss_key_t                 *key;
    ngx_ssl_session_sync_cluster_t  *cluster;

    cluster = hs->sync->cluster;
    id = SSL_SESSION_get_id(session, &id_len);

    /* the STEK under which this handshake has made the ID */

    key = (cluster->lookups
           && ngx_ssl_session_sync_is_judged(hs, id, id_len))
          ? ngx_ssl_session_sync_judged_key(hs) : NULL;

    if (key == NULL) {
        return NGX_DECLINED;
    }

    len = i2d_SSL_SESSION(session, NULL);

    if (len <= 0 || len > SSS_ENGINE_VALUE - SSS_SESSION_OVERHEAD) {
        return NGX_DECLINED;
    }

    plain = ngx_alloc(len * 2 + SSS_SESSION_OVERHEAD, ngx_cycle->log);
    if (plain == NULL) {
        return NGX_DECLINED;
    }

    p = plain;
    (void) i2d_SSL_SESSION(session, &p);

    sealed = plain + len;
    ttl = (uint32_t) ngx_max(SSL_SESSION_get_timeout(session), 1);

    if (sss_session_seal(cluster->lookups->keys, key,
                         (char *) cluster->ns.data, cluster->ns.len, id,
                         hs->sync->trust.scope, &hs->sni, plain, len, sealed)
        == 0)
    {
        sss_session_name(cluster->lookups->keys, key, id, name);

        ngx_ssl_session_sync_put(cluster, name, sealed,
                                 len + SSS_SESSION_OVERHEAD, ttl);
    }

    ngx_explicit_memzero(plain, len);
    ngx_free(plain);

    return NGX_OK;
}


static SSL_SESSION *
ngx_ssl_session_sync_get(SSL *ssl, const u_char *id, int len, int *copy)
{
    const char                        *reason;
    SSL_SESSION                       *session;
    ngx_connection_t                  *c;
    ngx_ssl_session_sync_counters_t   *counters;
    ngx_ssl_session_sync_handshake_t  *hs;

    /* OpenSSL takes over the reference that is returned */

    *copy = 0;

    hs = ngx_ssl_session_sync_handshake(ssl);

    if (hs == NULL || ngx_ssl_session_sync_look(ssl, hs) != NGX_OK) {
        return NULL;
    }

    session = ngx_ssl_session_sync_find_session(ssl, hs, id, len);

    if (session == NULL) {
        return NULL;
    }

    reason = ngx_ssl_session_sync_id_refusal(ssl, hs, session);

    if (reason == NULL) {
        return session;
    }

    SSL_SESSION_free(session);

    hs->remote = 0;
    c = ngx_ssl_get_connection(ssl);

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "ssl_session_sync: a session by ID does not resume: %s",
                  reason);

    if (hs->sync) {
        counters = ngx_ssl_session_sync_counters(hs->sync->cluster);
        (void) ngx_atomic_fetch_add(&counters->refused_id, 1);
    }

    return NULL;
}


static SSL_SESSION *
ngx_ssl_session_sync_find_session(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, const u_char *id, size_t len)
{
    const sss_key_t  *key;

    if (!hs->filtered || hs->sync == NULL
        || hs->sync->cluster->lookups == NULL)
    {
        return ngx_ssl_session_sync_get_local(ssl, id, len);
    }

    if (ngx_ssl_session_sync_is_judged(hs, id, len)) {

        /* the filter has checked it, and counted if it was refused */

        key = ngx_ssl_session_sync_judged_key(hs);

    } else {
        key = ngx_ssl_session_sync_judge(hs, id, len);
        hs->answer = SSS_ENGINE_MISS;
    }

    if (key == NULL) {
        return NULL;
    }

    if (SSL_version(ssl) != TLS1_3_VERSION) {
        return ngx_ssl_session_sync_get_shared(ssl, hs, key, id);
    }

    /* without memcached's answer, another host may have used it already */

    return hs->answer == SSS_ENGINE_HIT
           ? ngx_ssl_session_sync_open(hs, key, id) : NULL;
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
        return ngx_ssl_session_sync_get_local(ssl, id, SSS_SESSION_ID);
    }

    session = ngx_ssl_session_sync_open(hs, key, id);

    c = ngx_ssl_get_connection(ssl);
    listener = ngx_ssl_session_sync_of(c->ssl->session_ctx);

    /*
     * Only at the second time: nginx's callback encodes the session, which
     * costs more than the rest of the lookup.
     */

    if (session && listener && listener->new_session
        && sss_seen_before(&hs->sync->cluster->lookups->seen,
                           id + SSS_SESSION_RANDOM))
    {
        (void) listener->new_session(ssl, session);
    }

    return session;
}


/*
 * Returns the reason why a session may not resume, or NULL.  Servers that are
 * "off" share nginx's cache with the other servers of their listener.  For
 * them the server name is compared here, which plain nginx does not do in TLS
 * 1.2.
 */

static const char *
ngx_ssl_session_sync_id_refusal(SSL *ssl,
    ngx_ssl_session_sync_handshake_t *hs, SSL_SESSION *session)
{
    const char  *reason;

    if (hs->sync == NULL) {

        if (!ngx_ssl_session_sync_same_name(session, &hs->sni)) {
            return "it was made for another server name";
        }

        return ngx_ssl_session_sync_plain_refusal(hs, session);
    }

    reason = ngx_ssl_session_sync_refusal(&hs->sync->trust, session,
                             &hs->sni,
                             ngx_ssl_session_sync_generation(
                                                       hs->sync->cluster),
                             ngx_ssl_session_sync_limit(ssl, hs->sync));

    if (reason == NULL
        && ngx_ssl_session_sync_adopt(ssl, hs, session) != NGX_OK)
    {
        reason = "it has no session ID context";
    }

    return reason;
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
                           hs->sync->trust.scope, &hs->sni, hs->record,
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
    ngx_uint_t                        i;
    unsigned int                      len;
    const u_char                     *id;
    ngx_ssl_session_sync_ctx_t       *sync;
    ngx_ssl_session_sync_cluster_t  **cluster;

    sync = ngx_ssl_session_sync_of(ssl_ctx);

    if (sync == NULL) {
        return;
    }

    if (sync->remove_session) {
        sync->remove_session(ssl_ctx, session);
    }

    /*
     * The SSL_CTX is that of the listener, whose servers may be of different
     * clusters.
     */

    id = SSL_SESSION_get_id(session, &len);

    cluster = sync->conf->clusters.elts;

    for (i = 0; i < sync->conf->clusters.nelts; i++) {

        if (ngx_ssl_session_sync_remove_from(cluster[i], id, len) == NGX_OK) {
            return;
        }
    }
}


static ngx_int_t
ngx_ssl_session_sync_remove_from(ngx_ssl_session_sync_cluster_t *cluster,
    const u_char *id, size_t len)
{
    char                             name[SSS_NAME_SIZE];
    const sss_key_t                 *key;
    ngx_ssl_session_sync_lookups_t  *lookups;

    /*
     * OpenSSL calls this also when an SSL_CTX is freed, at the end of a
     * process and in the master, which have no lookups.
     */

    lookups = cluster->lookups;

    if (lookups == NULL) {
        return NGX_DECLINED;
    }

    key = sss_session_id_verify(lookups->keys,
                                ngx_ssl_session_sync_view(cluster), id, len,
                                ngx_ssl_session_sync_now() / 1000);
    if (key == NULL) {
        return NGX_DECLINED;
    }

    sss_session_name(lookups->keys, key, id, name);
    ngx_ssl_session_sync_drop(cluster, name);

    return NGX_OK;
}
