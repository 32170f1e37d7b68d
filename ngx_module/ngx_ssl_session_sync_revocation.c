
/*
 * Refuses sessions whose client certificates have been revoked since.
 *
 * Of the client's chain OpenSSL keeps only the client's own certificate in the
 * session.  So the origin has issuer and serial number of each certificate of
 * the chain, by which CRLs identify certificates.  Since these are looked up,
 * and CRLs are not compared, a CRL that is issued anew costs no session unless
 * it revokes something.
 */


#include "ngx_ssl_session_sync_trust.h"


static ngx_int_t ngx_ssl_session_sync_crl_add(
    ngx_ssl_session_sync_trust_t *trust, X509_CRL *crl);
static const char *ngx_ssl_session_sync_revoked_cert(
    ngx_ssl_session_sync_trust_t *trust, sss_origin_cert_t *cert);
static ngx_uint_t ngx_ssl_session_sync_crl_current(X509_CRL *crl);
static ngx_uint_t ngx_ssl_session_sync_crl_has(X509_CRL *crl,
    sss_origin_cert_t *cert);


ngx_int_t
ngx_ssl_session_sync_revocation(ngx_pool_t *pool,
    ngx_ssl_session_sync_trust_t *trust)
{
    int                     i;
    X509_CRL               *crl;
    ngx_int_t               rc;
    X509_STORE             *store;
    unsigned long           flags;
    STACK_OF(X509_OBJECT)  *objects;

    if (ngx_array_init(&trust->crls, pool, 1,
                       sizeof(ngx_ssl_session_sync_crl_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    store = SSL_CTX_get_cert_store(trust->ssl_ctx);
    flags = X509_VERIFY_PARAM_get_flags(X509_STORE_get0_param(store));

    trust->check_crl = (flags & X509_V_FLAG_CRL_CHECK) ? 1 : 0;
    trust->check_all = (flags & X509_V_FLAG_CRL_CHECK_ALL) ? 1 : 0;

    if (!trust->check_crl) {
        return NGX_OK;
    }

    objects = ngx_ssl_session_sync_store_objects(store);
    if (objects == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < sk_X509_OBJECT_num(objects); i++) {

        crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));

        if (crl) {
            rc = ngx_ssl_session_sync_crl_add(trust, crl);
        }
    }

    ngx_ssl_session_sync_free_objects(objects);

    return rc;
}


static ngx_int_t
ngx_ssl_session_sync_crl_add(ngx_ssl_session_sync_trust_t *trust,
    X509_CRL *crl)
{
    u_char                       digest[EVP_MAX_MD_SIZE];
    ngx_ssl_session_sync_crl_t  *entry;

    if (X509_NAME_digest(X509_CRL_get_issuer(crl), EVP_sha256(), digest,
                         NULL)
        != 1)
    {
        return NGX_ERROR;
    }

    entry = ngx_array_push(&trust->crls);
    if (entry == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(entry->issuer, digest, SSS_ORIGIN_ISSUER);
    entry->crl = crl;

    return NGX_OK;
}


const char *
ngx_ssl_session_sync_revoked(ngx_ssl_session_sync_trust_t *trust,
    sss_origin_t *origin)
{
    size_t       i, n;
    const char  *reason;

    if (!trust->check_crl) {
        return NULL;
    }

    n = trust->check_all ? origin->n_chain : ngx_min(origin->n_chain, 1);

    for (i = 0; i < n; i++) {
        reason = ngx_ssl_session_sync_revoked_cert(trust, &origin->chain[i]);

        if (reason) {
            return reason;
        }
    }

    return NULL;
}


/*
 * Returns the reason to refuse a certificate, or NULL.  As in OpenSSL, one
 * that reason is that no CRL of its issuer is current.
 */

static const char *
ngx_ssl_session_sync_revoked_cert(ngx_ssl_session_sync_trust_t *trust,
    sss_origin_cert_t *cert)
{
    ngx_uint_t                   i, current;
    ngx_ssl_session_sync_crl_t  *entry;

    current = 0;
    entry = trust->crls.elts;

    for (i = 0; i < trust->crls.nelts; i++) {

        if (ngx_memcmp(entry[i].issuer, cert->issuer, SSS_ORIGIN_ISSUER)
            != 0)
        {
            continue;
        }

        if (ngx_ssl_session_sync_crl_has(entry[i].crl, cert)) {
            return "a certificate of the client has been revoked";
        }

        if (ngx_ssl_session_sync_crl_current(entry[i].crl)) {
            current = 1;
        }
    }

    return current ? NULL
                   : "there is no current revocation list for a certificate "
                     "of the client";
}


static ngx_uint_t
ngx_ssl_session_sync_crl_current(X509_CRL *crl)
{
    const ASN1_TIME  *next;

    if (X509_cmp_time(X509_CRL_get0_lastUpdate(crl), NULL) >= 0) {
        return 0;
    }

    next = X509_CRL_get0_nextUpdate(crl);

    return next == NULL || X509_cmp_time(next, NULL) > 0;
}


/* 1 if a CRL has a certificate, or its serial number cannot be decoded. */

static ngx_uint_t
ngx_ssl_session_sync_crl_has(X509_CRL *crl, sss_origin_cert_t *cert)
{
    int            rc;
    ASN1_INTEGER  *serial;
    const u_char  *p;
    X509_REVOKED  *revoked;

    p = cert->serial;

    serial = d2i_ASN1_INTEGER(NULL, &p, cert->serial_len);

    if (serial == NULL) {
        ERR_clear_error();
        return 1;
    }

    rc = X509_CRL_get0_by_serial(crl, &revoked, serial);

    ASN1_INTEGER_free(serial);

    /* X509_CRL_get0_by_serial() returns 2 for "removeFromCRL" */

    return rc == 1;
}


ngx_int_t
ngx_ssl_session_sync_chain_add(sss_origin_t *origin, X509 *cert,
    u_char **serial)
{
    int                 len;
    time_t              expires;
    u_char              digest[EVP_MAX_MD_SIZE];
    struct tm           tm;
    sss_origin_cert_t  *entry;

    if (origin->n_chain == SSS_ORIGIN_CHAIN) {
        return NGX_DECLINED;
    }

    entry = &origin->chain[origin->n_chain];

    len = i2d_ASN1_INTEGER((ASN1_INTEGER *) X509_get0_serialNumber(cert),
                           NULL);

    if (len <= 0 || len > SSS_ORIGIN_SERIAL
        || X509_NAME_digest(X509_get_issuer_name(cert), EVP_sha256(), digest,
                            NULL)
           != 1
        || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
    {
        ERR_clear_error();
        return NGX_DECLINED;
    }

    expires = timegm(&tm);

    if (expires < 0) {
        return NGX_DECLINED;
    }

    origin->expires = ngx_min(origin->expires, (uint64_t) expires);

    ngx_memcpy(entry->issuer, digest, SSS_ORIGIN_ISSUER);
    entry->serial = *serial;
    entry->serial_len = len;

    (void) i2d_ASN1_INTEGER((ASN1_INTEGER *) X509_get0_serialNumber(cert),
                            serial);
    origin->n_chain++;

    return NGX_OK;
}
