
/*
 * The rule that decides whether a session may resume, and the origin that a
 * session carries for it.
 */


#include "ngx_ssl_session_sync_trust.h"


static ngx_int_t ngx_ssl_session_sync_ciphers(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust);
static ngx_int_t ngx_ssl_session_sync_origin(SSL_SESSION *session,
    sss_origin_t *origin);
static const char *ngx_ssl_session_sync_old(time_t made, time_t limit);
static const char *ngx_ssl_session_sync_parameters(
    ngx_ssl_session_sync_trust_t *trust, SSL_SESSION *session);
static ngx_uint_t ngx_ssl_session_sync_version_on(SSL_CTX *ssl_ctx,
    int version);
static ngx_uint_t ngx_ssl_session_sync_cipher_on(
    ngx_ssl_session_sync_trust_t *trust, uint16_t id);
static ngx_int_t ngx_ssl_session_sync_client_chain(
    ngx_ssl_session_sync_trust_t *trust, SSL *ssl, sss_origin_t *origin,
    u_char *serials);
static ngx_uint_t ngx_ssl_session_sync_verified(
    ngx_ssl_session_sync_trust_t *trust, SSL *ssl);


const char *
ngx_ssl_session_sync_refusal(ngx_ssl_session_sync_trust_t *trust,
    SSL_SESSION *session, sss_sni_t *sni, uint32_t generation, time_t limit)
{
    const char    *reason;
    sss_origin_t   origin;

    if (ngx_ssl_session_sync_origin(session, &origin) != NGX_OK) {
        return "it is not of a server that synchronises";
    }

    if (origin.generation != generation) {
        return "it was made under keys of another generation";
    }

    if (ngx_memcmp(origin.scope, trust->scope, SSS_SCOPE_SIZE) != 0) {
        return "it is of another trust scope";
    }

    if (origin.sni.len != sni->len
        || ngx_memcmp(origin.sni.name, sni->name, sni->len) != 0)
    {
        return "it was made for another server name";
    }

    if (ngx_memcmp(origin.names, trust->names, SSS_ORIGIN_NAMES) != 0
        && (sni->len == 0 || !ngx_ssl_session_sync_covers(trust, sni)))
    {
        return "it was made with a certificate for other names";
    }

    if (origin.expires <= (uint64_t) ngx_time()) {
        return "a certificate of the client has expired";
    }

    reason = ngx_ssl_session_sync_old((time_t) origin.made, limit);

    if (reason == NULL) {
        reason = ngx_ssl_session_sync_parameters(trust, session);
    }

    if (reason == NULL) {
        reason = ngx_ssl_session_sync_revoked(trust, &origin);
    }

    return reason;
}


/*
 * A session of plain nginx does not say by which rules client certificates
 * were verified, nor at which server it was made.  That the certificates of
 * the listener's default server are the same as then is checked by OpenSSL,
 * with the session ID context.
 */

const char *
ngx_ssl_session_sync_file_refusal(ngx_ssl_session_sync_trust_t *trust,
    SSL_SESSION *session, sss_sni_t *sni, time_t limit, ngx_uint_t names)
{
    const char  *reason;

    if (trust->verify != NGX_SSL_SESSION_SYNC_VERIFY_OFF) {
        return "it does not say which client certificates were asked for";
    }

    if (names) {

        if (!ngx_ssl_session_sync_same_name(session, sni)) {
            return "it was made for another server name";
        }

        if (sni->len && !ngx_ssl_session_sync_covers(trust, sni)) {
            return "this server has no certificate for its server name";
        }
    }

    reason = ngx_ssl_session_sync_old(
                 (time_t) SSL_SESSION_get_time(session), limit);

    if (reason == NULL) {
        reason = ngx_ssl_session_sync_parameters(trust, session);
    }

    return reason;
}


static const char *
ngx_ssl_session_sync_old(time_t made, time_t limit)
{
    return ngx_time() - made >= limit
           ? "its full handshake is longer ago than ssl_session_timeout"
           : NULL;
}


/*
 * Checks what a full handshake would negotiate: protocol version and cipher.
 * Returns the reason to refuse, or NULL.
 */

static const char *
ngx_ssl_session_sync_parameters(ngx_ssl_session_sync_trust_t *trust,
    SSL_SESSION *session)
{
    int                version;
    const SSL_CIPHER  *cipher;

    version = SSL_SESSION_get_protocol_version(session);

    if (!ngx_ssl_session_sync_version_on(trust->ssl_ctx, version)) {
        return "its version of TLS is switched off";
    }

    if (version == TLS1_3_VERSION) {
        return NULL;
    }

    cipher = SSL_SESSION_get0_cipher(session);

    if (cipher == NULL
        || !ngx_ssl_session_sync_cipher_on(trust,
                                         SSL_CIPHER_get_protocol_id(cipher)))
    {
        return "its cipher is not accepted any more";
    }

    return NULL;
}


static ngx_uint_t
ngx_ssl_session_sync_version_on(SSL_CTX *ssl_ctx, int version)
{
    int         limit;
    uint64_t    options;
    ngx_uint_t  i;

    static const struct {
        int       version;
        uint64_t  off;
    } versions[] = {
        { TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
        { TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
        { TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
        { TLS1_VERSION, SSL_OP_NO_TLSv1 }
    };

    limit = SSL_CTX_get_min_proto_version(ssl_ctx);

    if (limit && version < limit) {
        return 0;
    }

    limit = SSL_CTX_get_max_proto_version(ssl_ctx);

    if (limit && version > limit) {
        return 0;
    }

    options = SSL_CTX_get_options(ssl_ctx);

    for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {

        if (versions[i].version == version) {
            return !(options & versions[i].off);
        }
    }

    return 0;
}


static ngx_uint_t
ngx_ssl_session_sync_cipher_on(ngx_ssl_session_sync_trust_t *trust,
    uint16_t id)
{
    uint16_t    *cipher;
    ngx_uint_t   i;

    cipher = trust->ciphers.elts;

    for (i = 0; i < trust->ciphers.nelts; i++) {

        if (cipher[i] == id) {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_ssl_session_sync_trust_init(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust)
{
    if (ngx_ssl_session_sync_scope(trust) != NGX_OK
        || ngx_ssl_session_sync_identity(pool, trust) != NGX_OK
        || ngx_ssl_session_sync_revocation(pool, trust) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_ssl_session_sync_ciphers(pool, trust);
}


/*
 * Lists the ciphers that the server can negotiate.  The list is read from an
 * SSL made for this, because that of the SSL_CTX also has ciphers which its
 * security level or its protocol versions exclude.
 */

static ngx_int_t
ngx_ssl_session_sync_ciphers(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust)
{
    SSL                   *ssl;
    uint16_t               id, *slot;
    ngx_int_t              i, rc;
    STACK_OF(SSL_CIPHER)  *ciphers;

    if (ngx_array_init(&trust->ciphers, pool, 8, sizeof(uint16_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ssl = SSL_new(trust->ssl_ctx);
    if (ssl == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    ciphers = SSL_get1_supported_ciphers(ssl);

    for (i = 0; ciphers && i < sk_SSL_CIPHER_num(ciphers); i++) {

        id = SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, i));

        slot = ngx_array_push(&trust->ciphers);
        if (slot == NULL) {
            rc = NGX_ERROR;
            break;
        }

        *slot = id;
    }

    sk_SSL_CIPHER_free(ciphers);
    SSL_free(ssl);

    return rc;
}


ngx_int_t
ngx_ssl_session_sync_bind(ngx_ssl_session_sync_trust_t *trust, SSL *ssl,
    SSL_SESSION *session, sss_sni_t *sni, uint32_t generation, uint64_t badge,
    time_t made)
{
    size_t        len;
    u_char        serials[SSS_ORIGIN_CHAIN * SSS_ORIGIN_SERIAL];
    u_char        bytes[SSS_ORIGIN_MAX];
    sss_origin_t  origin;

    static const u_char  context[] = "ssl_session_sync";

    origin.generation = generation;
    origin.badge = badge;
    ngx_memcpy(origin.scope, trust->scope, SSS_SCOPE_SIZE);
    ngx_memcpy(origin.names, trust->names, SSS_ORIGIN_NAMES);
    origin.made = made;
    origin.expires = SSS_ORIGIN_NEVER;
    origin.n_chain = 0;
    origin.sni.len = sni->len;
    ngx_memcpy(origin.sni.name, sni->name, sni->len);

    if (trust->verify != NGX_SSL_SESSION_SYNC_VERIFY_OFF
        && ngx_ssl_session_sync_client_chain(trust, ssl, &origin, serials)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    len = sss_origin_write(&origin, bytes);

    if (len == 0) {
        return NGX_DECLINED;
    }

    /*
     * With the context that nginx sets, the session could resume on a listener
     * without this module that has the same certificates and the same cache.
     */

    if (SSL_SESSION_set1_ticket_appdata(session, bytes, len) != 1
        || SSL_SESSION_set1_id_context(session, context, sizeof(context) - 1)
           != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_ssl_session_sync_rebind(SSL_SESSION *session, uint64_t badge)
{
    size_t        len;
    u_char        bytes[SSS_ORIGIN_MAX];
    sss_origin_t  origin;

    if (ngx_ssl_session_sync_origin(session, &origin) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (origin.badge == badge) {
        return NGX_OK;
    }

    origin.badge = badge;
    len = sss_origin_write(&origin, bytes);

    return SSL_SESSION_set1_ticket_appdata(session, bytes, len) == 1
           ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_ssl_session_sync_client_chain(ngx_ssl_session_sync_trust_t *trust,
    SSL *ssl, sss_origin_t *origin, u_char *serials)
{
    int              i;
    X509            *peer;
    ngx_int_t        rc;
    STACK_OF(X509)  *chain;

    if (!ngx_ssl_session_sync_verified(trust, ssl)) {
        return NGX_DECLINED;
    }

    chain = SSL_get0_verified_chain(ssl);

    if (chain == NULL) {
        peer = SSL_get_peer_certificate(ssl);

        if (peer == NULL) {
            return NGX_OK;
        }

        rc = ngx_ssl_session_sync_chain_add(origin, peer, &serials);
        X509_free(peer);

        return rc;
    }

    for (i = 0; i < sk_X509_num(chain); i++) {
        rc = ngx_ssl_session_sync_chain_add(origin, sk_X509_value(chain, i),
                                            &serials);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


/*
 * 1 if the client's certificate was accepted, or none was needed.  With a
 * certificate that is not accepted nginx completes the handshake and refuses
 * the requests.  If that session resumed, the client would be refused again
 * even if a full handshake accepted it by now.
 */

static ngx_uint_t
ngx_ssl_session_sync_verified(ngx_ssl_session_sync_trust_t *trust, SSL *ssl)
{
    long  rc;

    rc = SSL_get_verify_result(ssl);

    return rc == X509_V_OK
           || (trust->verify == NGX_SSL_SESSION_SYNC_VERIFY_NO_CA
               && ngx_ssl_verify_error_optional(rc));
}


static ngx_int_t
ngx_ssl_session_sync_origin(SSL_SESSION *session, sss_origin_t *origin)
{
    void    *bytes;
    size_t   len;

    if (SSL_SESSION_get0_ticket_appdata(session, &bytes, &len) != 1
        || bytes == NULL
        || sss_origin_read(bytes, len, origin) != 0)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


time_t
ngx_ssl_session_sync_made(SSL_SESSION *session)
{
    sss_origin_t  origin;

    if (ngx_ssl_session_sync_origin(session, &origin) != NGX_OK) {
        return -1;
    }

    return (time_t) origin.made;
}


uint64_t
ngx_ssl_session_sync_badge_of(SSL_SESSION *session)
{
    sss_origin_t  origin;

    if (ngx_ssl_session_sync_origin(session, &origin) != NGX_OK) {
        return 0;
    }

    return origin.badge;
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
