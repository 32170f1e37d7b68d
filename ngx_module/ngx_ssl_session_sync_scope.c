
/*
 * The trust scope of a server: a session resumes only at servers with the
 * scope of the one where it was made.
 *
 * When a session resumes, the client's certificate is not verified again.  So
 * the rules by which it was verified are always part of the scope: the mode
 * and depth of ssl_verify_client, and the trusted certificates in any order.
 */


#include "ngx_ssl_session_sync_trust.h"


static ngx_int_t ngx_ssl_session_sync_rules(
    ngx_ssl_session_sync_trust_t *trust, EVP_MD_CTX *md);
static ngx_int_t ngx_ssl_session_sync_issuers(SSL_CTX *ssl_ctx,
    EVP_MD_CTX *md);
static ngx_array_t *ngx_ssl_session_sync_fingerprints(
    STACK_OF(X509_OBJECT) *objects, ngx_pool_t *pool);
static int ngx_libc_cdecl ngx_ssl_session_sync_cmp_fingerprints(
    const void *one, const void *two);


ngx_int_t
ngx_ssl_session_sync_scope(ngx_ssl_session_sync_trust_t *trust)
{
    ngx_int_t    rc;
    EVP_MD_CTX  *md;

    md = EVP_MD_CTX_new();
    if (md == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
        && ngx_ssl_session_sync_rules(trust, md) == NGX_OK
        && EVP_DigestFinal_ex(md, trust->scope, NULL) == 1
        && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
        && EVP_DigestUpdate(md, trust->scope, SSS_SCOPE_SIZE) == 1
        && EVP_DigestUpdate(md, trust->ns.data, trust->ns.len) == 1
        && EVP_DigestFinal_ex(md, trust->scope, NULL) == 1)
    {
        rc = NGX_OK;
    }

    EVP_MD_CTX_free(md);

    return rc;
}


static ngx_int_t
ngx_ssl_session_sync_rules(ngx_ssl_session_sync_trust_t *trust,
    EVP_MD_CTX *md)
{
    int         depth;
    u_char      head[64], *p;
    ngx_str_t  *scope;

    scope = &trust->configured;
    depth = trust->verify ? SSL_CTX_get_verify_depth(trust->ssl_ctx) : 0;

    if (scope->len == 4 && ngx_strncmp(scope->data, "auto", 4) == 0) {
        p = ngx_snprintf(head, sizeof(head), "auto %ui verify %ui %d%Z",
                         trust->kind, trust->verify, depth);
    } else {
        p = ngx_snprintf(head, sizeof(head), "string verify %ui %d%Z",
                         trust->verify, depth);
    }

    if (EVP_DigestUpdate(md, head, p - head) != 1) {
        return NGX_ERROR;
    }

    if (trust->verify
        && ngx_ssl_session_sync_issuers(trust->ssl_ctx, md) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return EVP_DigestUpdate(md, scope->data, scope->len) == 1 ? NGX_OK
                                                              : NGX_ERROR;
}


static ngx_int_t
ngx_ssl_session_sync_issuers(SSL_CTX *ssl_ctx, EVP_MD_CTX *md)
{
    u_char                  n[4];
    X509_STORE             *store;
    ngx_int_t               rc;
    ngx_pool_t             *pool;
    ngx_array_t            *prints;
    STACK_OF(X509_OBJECT)  *objects;

    rc = NGX_ERROR;
    store = SSL_CTX_get_cert_store(ssl_ctx);

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    objects = ngx_ssl_session_sync_store_objects(store);
    if (objects == NULL) {
        goto done;
    }

    prints = ngx_ssl_session_sync_fingerprints(objects, pool);

    ngx_ssl_session_sync_free_objects(objects);

    if (prints == NULL) {
        goto done;
    }

    ngx_qsort(prints->elts, prints->nelts, 32,
              ngx_ssl_session_sync_cmp_fingerprints);

    n[0] = (u_char) (prints->nelts >> 24);
    n[1] = (u_char) (prints->nelts >> 16);
    n[2] = (u_char) (prints->nelts >> 8);
    n[3] = (u_char) prints->nelts;

    if (EVP_DigestUpdate(md, n, 4) == 1
        && EVP_DigestUpdate(md, prints->elts, prints->nelts * 32) == 1)
    {
        rc = NGX_OK;
    }

done:

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_array_t *
ngx_ssl_session_sync_fingerprints(STACK_OF(X509_OBJECT) *objects,
    ngx_pool_t *pool)
{
    int           i;
    X509         *cert;
    u_char       *print;
    unsigned int  len;
    ngx_array_t  *prints;

    prints = ngx_array_create(pool, 16, 32);
    if (prints == NULL) {
        return NULL;
    }

    for (i = 0; i < sk_X509_OBJECT_num(objects); i++) {

        cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (cert == NULL) {
            continue;
        }

        print = ngx_array_push(prints);
        if (print == NULL) {
            return NULL;
        }

        if (X509_digest(cert, EVP_sha256(), print, &len) != 1) {
            return NULL;
        }
    }

    return prints;
}


static int ngx_libc_cdecl
ngx_ssl_session_sync_cmp_fingerprints(const void *one, const void *two)
{
    return ngx_memcmp(one, two, 32);
}
